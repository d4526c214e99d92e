"""Boxes are accessible children of the canvas, as a screen reader walks them."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAccessible

from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes, RemoveBoxes
from tests.app.builders import session_with
from tests.ui.helpers import canvas_for

TRUTH = (100.0, 100.0, 135.0, 188.0)
FOUND = (100.0, 100.0, 135.0, 140.0)


def names(view) -> list[str]:
    canvas = QAccessible.queryAccessibleInterface(view)
    return [canvas.child(i).text(QAccessible.Text.Name) for i in range(canvas.childCount())]


def test_boxes_are_read_with_state_iou_and_size_and_follow_edits(qtbot):
    session = session_with({}, {"model": {0: [FOUND]}})
    session.execute(AddBoxes((Box(1, 0, TRUTH, 0, 17), Box(2, 0, (400.0, 50.0, 450.0, 100.0), 0))), "Add")
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert names(view) == [
        "model: person, confidence 0.900, 35 by 40",
        "person 17, loose, IoU 0.45, 35 by 88",
        "person, missed, 50 by 50",
    ]
    session.execute(RemoveBoxes((2,), 0), "Delete")
    assert names(view)[1:] == ["person 17, loose, IoU 0.45, 35 by 88"]
    session.undo()
    assert len(names(view)) == 3


def test_a_box_has_its_place_on_the_screen_a_role_and_whether_it_is_selected(qtbot):
    session = session_with({0: [TRUTH]})
    view = canvas_for(session)
    qtbot.addWidget(view)
    canvas = QAccessible.queryAccessibleInterface(view)
    box = canvas.child(0)
    assert canvas.role() == QAccessible.Role.Canvas and box.role() == QAccessible.Role.Graphic
    assert not box.state().selected
    session.select([1])
    assert box.state().selected and box.isValid()
    corner = view.viewport().mapToGlobal(view.from_image(*TRUTH[:2]))
    assert box.rect().topLeft() == corner
    inside = corner + QPoint(5, 5)
    assert canvas.childAt(inside.x(), inside.y()) is box
    assert canvas.indexOfChild(box) == 0 and canvas.child(1) is None
    session.execute(RemoveBoxes((1,), 0), "Delete")
    assert not box.isValid() and box.text(QAccessible.Text.Name) == ""


def test_a_canvas_that_is_deleted_takes_its_boxes_along(qtbot):
    for _ in range(3):
        view = canvas_for(session_with({0: [TRUTH]}))
        assert len(names(view)) == 1
        view.close()
        view.deleteLater()
        qtbot.wait(1)
