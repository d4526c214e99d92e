"""The status bar: messages of steps and errors, and the state of saving."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import SaveState
from iouviewer.document.edits import SetRects
from iouviewer.errors import UserError
from iouviewer.ui.main_window import MainWindow


def test_the_status_bar_names_each_step_and_its_undo(window: MainWindow) -> None:
    session, message = window.session, window.parts.status.message
    session.execute(SetRects(((1, (61.0, 80.0, 140.0, 160.0)),)), "Resize box 1")
    assert message.text() == "Resize box 1"
    session.undo()
    assert message.text() == "Undone: Resize box 1"
    session.redo()
    assert message.text() == "Redone: Resize box 1"


def test_a_dismissed_error_does_not_stay_in_the_status_bar(qtbot: QtBot, window: MainWindow) -> None:
    window.parts.notifier.show(UserError("no such file", path="a.txt"))
    box = window.findChild(QMessageBox, "errorMessage")
    assert box is not None and "a.txt" in window.parts.status.message.text()
    box.accept()
    qtbot.waitUntil(lambda: window.parts.status.message.text() == "")


def test_the_status_shows_not_saved_while_saving_fails(window: MainWindow) -> None:
    status = window.parts.status
    window.parts.controller.saveFailed.emit(UserError("edits are not being saved: the disk is full"))
    status.show_saved(SaveState(2, 1, "/somewhere/clip.iouv"))
    assert status.saved.text() == "Not saved, clip.iouv"
    window.parts.controller.saveRecovered.emit()
    status.show_saved(SaveState(2, 1, "/somewhere/clip.iouv"))
    assert status.saved.text() == "Saving…, clip.iouv"
    status.show_saved(SaveState(2, 2, "/somewhere/clip.iouv"))
    assert status.saved.text() == "Saved, clip.iouv"
