"""Opening files again."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.ui.window import opened_window, small_case


def test_a_video_opens_at_the_last_frame(qtbot: QtBot, tmp_path: Path) -> None:
    case = small_case(tmp_path)
    with opened_window(qtbot, case) as first:
        assert first.session.current_frame == 0
        first.session.go_to(9)
    with opened_window(qtbot, OpenRequest(video=case.video)) as again:
        qtbot.waitUntil(lambda: again.session.current_frame == 9, timeout=20_000)
        again.session.go_to(0)
    with opened_window(qtbot, OpenRequest(video=case.video)) as third:
        qtbot.waitUntil(lambda: len(third.session.variants) == 1, timeout=20_000)
        assert third.session.current_frame == 0
