"""Going to a frame or a time that is typed, and what is said where the video has none such."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit
from pytestqt.qtbot import QtBot

from iouviewer.ui.dialogs.ask_time import AskTime, seconds_of
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.out_of_range import missed_frame, missed_time
from iouviewer.ui.panels.frame_box import FrameBox, number_in
from tests.app.video.test_video_notes import WHOLE
from tests.ui.window import FRAMES, opened_window, shown, small_case

LAST = FRAMES - 1


def type_into(window: MainWindow, action: str, text: str) -> None:
    """Call a command that asks with a dialog, type the answer there and press Return."""

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
    window.workbench.actions[action].trigger()


def said(window: MainWindow) -> str:
    return window.workbench.status.message.text()


@pytest.mark.parametrize(
    ("action", "text", "frame", "words"),
    [
        ("goToFrame", "30", LAST, f"There is no frame 30; the last one, {LAST} (00:02.3), is shown"),
        ("goToFrame", "-3", 0, "Frames count from 0; the first one is shown"),
        ("goToFrame", "soon", 5, f"“soon” is no frame number; frames go from 0 to {LAST}"),
        ("goToFrame", "17", 17, ""),
        ("goToTime", "1:00:00", LAST, f"The video ends at 00:02.4; its last frame, {LAST}, is shown"),
        ("goToTime", "-1", 0, "Times count from 0; the first frame is shown"),
        ("goToTime", "2.4", LAST, ""),
        ("goToTime", "1.7", 17, ""),
        ("goToTime", "soon", 5, ""),
    ],
)
def test_what_is_not_there_is_said_where_a_dialog_asks(
    qtbot: QtBot, tmp_path: Path, action: str, text: str, frame: int, words: str
) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        window.session.go_to(5)
        window.workbench.status.say("")
        type_into(window, action, text)
        assert (window.session.current_frame, said(window)) == (frame, words)
        shown(qtbot, window)
        window.session.go_to(9)
        assert said(window) == "", "what was shown instead is shown no longer"


@pytest.mark.parametrize(
    ("text", "frame", "words"),
    [
        ("30", LAST, "There is no frame 30"),
        ("-3", 0, "Frames count from 0"),
        ("soon", 5, "“soon” is no frame number"),
        ("", 5, "No frame number was typed"),
        ("5", 5, ""),
        ("1 1", 11, ""),
    ],
)
def test_what_is_not_there_is_said_under_the_picture_too_and_the_canvas_has_the_keys_again(
    qtbot: QtBot, tmp_path: Path, text: str, frame: int, words: str
) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        window.session.go_to(5)
        window.workbench.status.say("")
        box = window.workbench.parts.number_line.frame_box
        box.setFocus()
        box.selectAll()
        QTest.keyClick(box, Qt.Key.Key_Backspace)
        QTest.keyClicks(box, text)
        QTest.keyClick(box, Qt.Key.Key_Return)
        assert (
            window.session.current_frame == frame
            and said(window).startswith(words)
            and bool(said(window)) == bool(words)
        )
        assert box.value() == frame and box.text() == str(frame)
        assert window.workbench.parts.canvas.hasFocus()


def test_a_frame_can_be_typed_while_it_plays(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        box, playback = window.workbench.parts.number_line.frame_box, window.workbench.playback
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
def test_escape_gives_up_what_was_typed_and_the_box_shows_the_frame(qtbot: QtBot, tmp_path: Path, typed: str) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        box, canvas = window.workbench.parts.number_line.frame_box, window.workbench.parts.canvas
        window.session.go_to(5)
        window.workbench.status.say("")
        box.setFocus()
        box.selectAll()
        QTest.keyClick(box, Qt.Key.Key_Backspace)
        QTest.keyClicks(box, typed)
        window.session.go_to(6)
        QTest.keyClick(box, Qt.Key.Key_Escape)
        assert canvas.hasFocus() and window.session.current_frame == 6 and box.text() == "6"
        assert said(window) == ""
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, "x")
        window.session.go_to(7)
        canvas.setFocus()
        assert window.session.current_frame == 7 and box.text() == "7", "the frame before is the one that is shown"


def test_a_text_that_is_no_time_is_answered_with_what_one_looks_like(qtbot: QtBot) -> None:
    dialog = AskTime(None, 5.0, 79.4)
    qtbot.addWidget(dialog)
    dialog.line.setText("5 minutes")
    assert dialog.hint.text() == "Type a time, such as 1:23:45.6, 12:30 or 90"
    width = dialog.sizeHint().width()
    dialog.line.setText("5:00")
    assert dialog.hint.text() == "" and dialog.sizeHint().width() == width


def test_signs_and_separators_are_understood() -> None:
    assert [number_in(text) for text in ("1,234", "+7", "−7", "12a", "", "--3", "1 234")] == [
        1234,
        7,
        -7,
        None,
        None,
        None,
        1234,
    ]
    assert [seconds_of(text) for text in ("-1:30", "1:75", "0,5", "²")] == [-90.0, None, 0.5, None]


def test_of_a_file_that_is_still_being_read_nobody_knows_the_end() -> None:
    reading = replace(WHOLE, complete=False)
    assert "still being read" in missed_frame(900, 49, reading)
    assert missed_time(900.0, reading) == ""
    timeless = replace(WHOLE, times=np.empty(0))
    assert missed_frame(900, 49, timeless) == "There is no frame 900; the last one, 49, is shown"
    assert missed_time(900.0, timeless).startswith("The video ends at 00:02.0")
    assert missed_time(900.0, replace(timeless, fps=0.0)) == ""
