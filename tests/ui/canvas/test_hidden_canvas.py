"""A canvas that is out of sight costs nothing during a drag, and is current when it appears."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from iouviewer.document.boxes import Rect
from iouviewer.document.edits import SetRects
from iouviewer.ui.canvas.view import CanvasView
from tests.app.builders import session_with
from tests.ui.helpers import plain_image

A: Rect = (100.0, 100.0, 200.0, 200.0)
MOVED: Rect = (90.0, 100.0, 200.0, 200.0)


def test_a_canvas_that_was_never_shown_follows_no_drag(qtbot: QtBot) -> None:
    session = session_with({0: [A]}, {"base": {0: [A]}})
    window = QWidget()
    qtbot.addWidget(window)
    layout = QHBoxLayout(window)
    shown, hidden = CanvasView(session), CanvasView(session)
    layout.addWidget(shown)
    layout.addWidget(hidden)
    hidden.hide()
    window.show()
    for canvas in (shown, hidden):
        canvas.show_image(plain_image(640, 480), 0)
    box = session.ground_truth.boxes(0)[0]
    before = hidden.frame_view
    session.preview(SetRects(((box.id, MOVED),)))
    assert shown.frame_view.boxes[-1].rect == MOVED
    assert hidden.frame_view is before
    hidden.show()
    qtbot.waitUntil(lambda: bool(hidden.frame_view.boxes))
    assert hidden.frame_view.boxes[-1].rect == MOVED
