"""Going to a typed frame or time, and the messages about those that do not exist."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui.dialogs.input_dialogs import parse_seconds
from iouviewer.ui.frame_presenter import frame_out_of_range, time_out_of_range
from iouviewer.ui.go_to_target import Target, TargetKind, parse_target
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.panels.frame_box import FrameBox, parse_frame_number
from tests.app.builders import INTACT_VIDEO
from tests.ui.window import FRAMES, TIMEOUT, barcode_on_canvas, opened_window, shown, small_case, video_notes
from tests.video.clip_builder import ClipSpec, make_video

LAST = FRAMES - 1


def type_into(window: MainWindow, action: str, text: str) -> None:
    """Run a command that opens a dialog, type a text there and press Return."""

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QDialog)
        field = dialog.findChild(FrameBox) or dialog.findChild(QLineEdit)
        assert field is not None
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)
        if dialog.isVisible():
            dialog.reject()

    QTimer.singleShot(0, answer)
    window.parts.actions[action].trigger()


def status_message(window: MainWindow) -> str:
    return window.parts.status.message.text()


@pytest.mark.parametrize(
    ("action", "text", "frame", "message"),
    [
        ("goToFrame", "30", LAST, f"Frame 30 does not exist; showing the last one, {LAST} (00:02.3)"),
        ("goToFrame", "-3", 0, "Frame numbers start at 0; showing the first frame"),
        ("goToFrame", "soon", 5, f"“soon” is not a frame number; type 0–{LAST}"),
        ("goToFrame", "17", 17, ""),
        ("goToTime", "1:00:00", LAST, f"The video ends at 00:02.4; showing the last frame, {LAST}"),
        ("goToTime", "-1", 0, "Times start at 0; showing the first frame"),
        ("goToTime", "2.4", LAST, ""),
        ("goToTime", "1.7", 17, ""),
        ("goToTime", "soon", 5, "“soon” is not a frame, a time or a track"),
        ("goToFrame", "0:01.7", 17, ""),
        ("goToFrame", "1.7s", 17, ""),
        ("goToFrame", "#4", 5, "There is no track 4"),
    ],
)
def test_dialogs_report_frames_and_times_that_do_not_exist(
    qtbot: QtBot, tmp_path: Path, action: str, text: str, frame: int, message: str
) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        window.session.go_to(5)
        window.parts.status.show_message("")
        type_into(window, action, text)
        assert (window.session.current_frame, status_message(window)) == (frame, message)
        shown(qtbot, window)
        window.session.go_to(9)
        assert status_message(window) == "", "the message belongs to the frame that was shown instead"


@pytest.mark.parametrize(
    ("text", "frame", "message"),
    [
        ("30", LAST, "Frame 30 does not exist"),
        ("-3", 0, "Frame numbers start at 0"),
        ("soon", 5, "“soon” is not a frame number"),
        ("", 5, f"Type a frame number, 0–{LAST}"),
        ("5", 5, ""),
        ("1 1", 11, ""),
    ],
)
def test_the_playback_bar_reports_frames_that_do_not_exist_and_the_canvas_gets_the_focus(
    qtbot: QtBot, tmp_path: Path, text: str, frame: int, message: str
) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        window.session.go_to(5)
        window.parts.status.show_message("")
        box = window.parts.views.playback_bar.frame_box
        box.setFocus()
        box.selectAll()
        QTest.keyClick(box, Qt.Key.Key_Backspace)
        QTest.keyClicks(box, text)
        QTest.keyClick(box, Qt.Key.Key_Return)
        assert (
            window.session.current_frame == frame
            and status_message(window).startswith(message)
            and bool(status_message(window)) == bool(message)
        )
        assert box.value() == frame and box.text() == str(frame)
        assert window.parts.views.canvas.hasFocus()


def test_a_frame_can_be_typed_during_playback(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        box, playback = window.parts.views.playback_bar.frame_box, window.parts.playback
        playback.set_loop((4, 20))
        playback.play()
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, "1")
        here = window.session.current_frame
        qtbot.waitUntil(lambda: window.session.current_frame != here)
        assert box.text() == "1" and playback.playing
        QTest.keyClicks(box, "7")
        QTest.keyClick(box, Qt.Key.Key_Return)
        assert window.session.current_frame == 17 and not playback.playing and box.text() == "17"


@pytest.mark.parametrize("typed", ["9", "", "x"])
def test_escape_discards_the_typed_text_and_the_box_shows_the_frame(qtbot: QtBot, tmp_path: Path, typed: str) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        box, canvas = window.parts.views.playback_bar.frame_box, window.parts.views.canvas
        window.session.go_to(5)
        window.parts.status.show_message("")
        box.setFocus()
        box.selectAll()
        QTest.keyClick(box, Qt.Key.Key_Backspace)
        QTest.keyClicks(box, typed)
        window.session.go_to(6)
        QTest.keyClick(box, Qt.Key.Key_Escape)
        assert canvas.hasFocus() and window.session.current_frame == 6 and box.text() == "6"
        assert status_message(window) == ""
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, "x")
        window.session.go_to(7)
        canvas.setFocus()
        assert window.session.current_frame == 7 and box.text() == "7", "leaving the box restores the current frame"


def test_a_place_is_a_frame_a_time_or_a_track() -> None:
    frame, time, track = TargetKind.FRAME, TargetKind.TIME, TargetKind.TRACK
    assert parse_target(" 153 ") == Target(frame, 153)
    assert parse_target("0:15.3") == Target(time, pytest.approx(15.3))
    assert parse_target("15.3 s") == parse_target("15.3", number_is_time=True) == Target(time, pytest.approx(15.3))
    assert parse_target("#17") == Target(track, 17)
    assert [parse_target(text) for text in ("", "#", "#-1", "15.3", "soon", "1:75")] == [None] * 6


def test_signs_and_separators_are_parsed() -> None:
    assert [parse_frame_number(text) for text in ("1,234", "+7", "−7", "12a", "", "--3", "1 234")] == [
        1234,
        7,
        -7,
        None,
        None,
        None,
        1234,
    ]
    assert [parse_seconds(text) for text in ("-1:30", "1:75", "0,5", "²")] == [-90.0, None, 0.5, None]


def test_the_end_of_a_file_is_unknown_while_it_is_indexed() -> None:
    indexing = replace(INTACT_VIDEO, complete=False)
    assert "not indexed yet" in frame_out_of_range(900, 49, indexing)
    assert time_out_of_range(900.0, indexing) == ""
    timeless = replace(INTACT_VIDEO, times=np.empty(0))
    assert frame_out_of_range(900, 49, timeless) == "Frame 900 does not exist; showing the last one, 49"
    assert time_out_of_range(900.0, timeless).startswith("The video ends at 00:02.0")
    assert time_out_of_range(900.0, replace(timeless, fps=0.0)) == ""


def test_go_to_time_reaches_the_end_of_joined_recordings(qtbot: QtBot, tmp_path: Path) -> None:
    part = make_video(tmp_path / "part.ts", ClipSpec(frames=50, bframes=2)).read_bytes()
    video = tmp_path / "joined.ts"
    video.write_bytes(part * 2)
    hints: list[str] = []

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QDialog)
        hints.append(dialog.findChild(QLabel, "goToHint").text())
        QTest.keyClicks(dialog.findChild(QLineEdit), "3")
        QTest.keyClick(dialog.findChild(QLineEdit), Qt.Key.Key_Return)

    with opened_window(qtbot, OpenRequest(video=video)) as window:
        QTimer.singleShot(0, answer)
        window.parts.actions["goToTime"].trigger()
        shown(qtbot, window)
        assert hints == ["Time up to 00:04.0, such as 12:30 or 90"]
        assert window.session.current_frame == 75 and barcode_on_canvas(window) == 25
        qtbot.waitUntil(lambda: "timestamps jump" in video_notes(window), timeout=TIMEOUT)
