"""The window on recordings that were concatenated."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.ui.test_video_window import PATIENCE, notes, on_screen
from tests.ui.window import opened_window, shown
from tests.video.clip_builder import ClipSpec, make_video


def test_go_to_time_reaches_the_end_of_joined_recordings(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = make_video(tmp_path / "part.ts", ClipSpec(frames=50, bframes=2)).read_bytes()
    video = tmp_path / "joined.ts"
    video.write_bytes(part * 2)
    longest_shown: list[float] = []

    class Answer:
        def __init__(self, parent: object, now: float, longest: float) -> None:
            longest_shown.append(longest)

        def exec(self) -> bool:
            return True

        def seconds(self) -> float:
            return 3.0

    monkeypatch.setattr("iouviewer.ui.commands.video.TimeDialog", Answer)
    with opened_window(qtbot, OpenRequest(video=video)) as window:
        window.parts.actions["goToTime"].trigger()
        shown(qtbot, window)
        assert longest_shown == [pytest.approx(3.96)] and window.session.current_frame == 75 and on_screen(window) == 25
        qtbot.waitUntil(lambda: "timestamps jump" in notes(window), timeout=PATIENCE)
