"""Opening files again."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.ui.window import FRAMES, open_sheet, opened_window, small_case, square, warnings_of, write_boxes


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


def test_boxes_that_an_offset_moves_past_the_end_are_left_out_and_told(qtbot: QtBot, tmp_path: Path) -> None:
    case = small_case(tmp_path)
    late = write_boxes(tmp_path / "late.csv", {f: [(*square(f), 0.9)] for f in range(FRAMES)}, scores=True)
    with opened_window(qtbot, case) as window:
        failures: list[object] = []
        window.parts.files.failed.connect(failures.append)
        window.parts.files.open_paths([late])
        dialog = open_sheet(window)
        qtbot.waitUntil(lambda: not dialog.is_reading, timeout=20_000)
        dialog.rows[0].offset.setValue(FRAMES - 3)
        text = f"{FRAMES - 3} boxes of late.csv lie on frames that the video does not have"
        assert text in warnings_of(dialog)
        dialog.accept()
        variant = window.session.variants.find("late")
        assert failures == []
        assert variant is not None
        assert variant.predictions.table.frame_of_row().tolist() == [FRAMES - 3, FRAMES - 2, FRAMES - 1]
        assert variant.predictions.skipped == FRAMES - 3
