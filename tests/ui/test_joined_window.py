"""The real window on recordings that were joined end to end."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from iouviewer.jobs.open_request import OpenRequest
from tests.ui.test_video_window import PATIENCE, notes, on_screen
from tests.ui.window import opened_window, shown
from tests.video.awkward import VideoMaker, make_video


def test_joined_recordings_can_be_gone_to_by_time_up_to_their_end(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = make_video(tmp_path / "part.ts", VideoMaker(frames=50, bframes=2)).read_bytes()
    video = tmp_path / "joined.ts"
    video.write_bytes(part * 2)
    asked: list[float] = []

    class Answer:
        def __init__(self, parent: object, now: float, longest: float) -> None:
            asked.append(longest)

        def exec(self) -> bool:
            return True

        def seconds(self) -> float:
            return 3.0

    monkeypatch.setattr("iouviewer.ui.commands.video.AskTime", Answer)
    with opened_window(qtbot, OpenRequest(video=video)) as window:
        window.workbench.actions["goToTime"].trigger()
        shown(qtbot, window)
        assert asked == [pytest.approx(3.96)] and window.session.current_frame == 75 and on_screen(window) == 25
        qtbot.waitUntil(lambda: "time stamps break" in notes(window), timeout=PATIENCE)
