"""Which tool of the canvas receives the mouse and the keyboard, and when it switches to another one."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from iouviewer.ui.canvas.view import CanvasView
from tests.app.builders import session_with
from tests.ui.helpers import LEFT, canvas_for, click_at, drag, move_to, plain_image, press_at, press_keys, release_at

TRUTH = (100.0, 100.0, 200.0, 300.0)
MIDDLE = Qt.MouseButton.MiddleButton
Cursor = Qt.CursorShape


@pytest.fixture
def view(qtbot) -> CanvasView:
    view = canvas_for(session_with({0: [TRUTH]}, {"model": {0: [(450.0, 50.0, 500.0, 150.0)]}}))
    qtbot.addWidget(view)
    view.zoom_in()
    return view


def scrolled(view: CanvasView) -> tuple[int, int]:
    return view.horizontalScrollBar().value(), view.verticalScrollBar().value()


def cursor(view: CanvasView) -> Qt.CursorShape:
    return view.viewport().cursor().shape()


def test_the_cursor_shows_what_a_press_would_do(view):
    view.session.select([1])
    for x, y, expected in (
        (300, 200, Cursor.ArrowCursor),
        (150, 200, Cursor.SizeAllCursor),
        (200, 200, Cursor.SizeHorCursor),
        (200, 300, Cursor.SizeFDiagCursor),
        (480, 100, Cursor.ArrowCursor),
    ):
        move_to(view, x, y)
        assert cursor(view) is expected, (x, y)
    QTest.keyPress(view, Qt.Key.Key_Space)
    move_to(view, 150, 200)
    assert cursor(view) is Cursor.OpenHandCursor
    view.start_drawing()
    move_to(view, 160, 200)
    assert cursor(view) is Cursor.CrossCursor


def test_the_middle_button_pans_and_moves_no_box(view):
    before = scrolled(view)
    drag(view, (150, 200), (120, 190), button=MIDDLE)
    assert scrolled(view) != before
    assert view.session.ground_truth.find(1).rect == TRUTH and not view.session.selection.boxes


def test_the_middle_button_pans_before_the_first_corner_but_not_while_a_box_is_drawn(view):
    view.start_drawing()
    before = scrolled(view)
    drag(view, (400, 300), (360, 280), button=MIDDLE)
    assert scrolled(view) != before and view.tools.is_drawing
    click_at(view, 400, 300)
    before = scrolled(view)
    drag(view, (450, 340), (420, 320), button=MIDDLE)
    assert scrolled(view) == before and view.tools.is_drawing


def test_a_left_press_ends_a_pan(view):
    press_at(view, 300, 200, button=MIDDLE)
    press_at(view, 150, 200)
    before = scrolled(view)
    move_to(view, 170, 200, button=LEFT)
    release_at(view, 170, 200)
    assert view.session.selection.boxes == {1}
    assert scrolled(view) == before and view.session.ground_truth.find(1).rect == (120, 100, 220, 300)


def test_undo_while_a_box_is_drawn_removes_it_and_keeps_the_draw_tool(view):
    view.session.select([1])
    view.nudge(5, 0)
    view.start_drawing()
    click_at(view, 300, 200)
    move_to(view, 360, 260)
    assert len(view.session.ground_truth.boxes(0)) == 2
    view.session.undo()
    assert len(view.session.ground_truth.boxes(0)) == 1 and view.tools.is_drawing
    drag(view, (300, 200), (360, 260))
    assert len(view.session.ground_truth.boxes(0)) == 2 and not view.tools.is_drawing


def test_escape_leaves_the_draw_tool_and_only_then_clears_the_selection(view):
    view.session.select([1])
    view.start_drawing()
    press_keys(view, Qt.Key.Key_Escape)
    assert not view.tools.is_drawing and view.session.selection.boxes == {1}
    press_keys(view, Qt.Key.Key_Escape)
    assert not view.session.selection.boxes


def test_a_digit_sets_the_class_of_the_box_that_is_drawn(qtbot):
    view = canvas_for(session_with({0: [TRUTH]}, classes=("person", "car")))
    qtbot.addWidget(view)
    view.start_drawing()
    click_at(view, 300, 200)
    move_to(view, 360, 260)
    view.commands.set_class_by_digit(2)
    click_at(view, 360, 260)
    (new,) = view.session.selection.boxes
    assert view.session.ground_truth.find(new).class_id == 1 and view.commands.class_of_new_boxes() == 1


def test_a_digit_before_the_first_corner_sets_the_class_of_the_next_box_and_not_of_the_selected_one(qtbot):
    view = canvas_for(session_with({0: [TRUTH]}, classes=("person", "car")))
    qtbot.addWidget(view)
    view.session.select([1])
    view.start_drawing()
    view.commands.set_class_by_digit(2)
    drag(view, (300, 200), (360, 260))
    (new,) = view.session.selection.boxes
    assert view.session.ground_truth.find(new).class_id == 1
    assert view.session.ground_truth.find(1).class_id == 0


def test_the_draw_tool_stays_in_use_once_it_is_locked(view):
    view.start_drawing()
    view.start_drawing()
    assert view.tools.is_draw_locked
    drag(view, (300, 200), (360, 260))
    drag(view, (400, 200), (460, 260))
    assert len(view.session.ground_truth.boxes(0)) == 3 and view.tools.is_drawing
    view.start_drawing()
    assert view.tools.is_drawing and not view.tools.is_draw_locked
    press_keys(view, Qt.Key.Key_Escape)
    assert not view.tools.is_drawing
    view.start_drawing()
    assert not view.tools.is_draw_locked, "the lock ends with the tool"


def test_drawing_can_begin_before_the_frame_is_on_screen(view):
    view.session.go_to(1)
    view.start_drawing()
    assert view.tools.is_drawing
    drag(view, (300, 200), (360, 260))
    assert view.session.ground_truth.boxes(1) == (), "the picture belongs to another frame"
    view.show_image(plain_image(), 1)
    drag(view, (300, 200), (360, 260))
    assert len(view.session.ground_truth.boxes(1)) == 1


def test_a_box_continues_the_selected_track_unless_shift_starts_a_new_one(qtbot):
    view = canvas_for(session_with({0: [TRUTH]}, tracks=True), frame=0)
    qtbot.addWidget(view)
    view.session.select([1])
    view.session.go_to(3)
    view.show_image(plain_image(), 3)
    view.start_drawing()
    drag(view, (300, 200), (360, 260), release=False)
    assert view.tools.drawn_text == "continues person 1 · 2 frames interpolated"
    move_to(view, 360, 260, button=LEFT, keys=Qt.KeyboardModifier.ShiftModifier)
    assert view.tools.drawn_text == "person · new track 2"
    move_to(view, 362, 260, button=LEFT)
    release_at(view, 362, 260)
    assert [box.track for box in view.session.ground_truth.boxes(3)] == [1]
    view.start_drawing()
    drag(view, (400, 200), (460, 260))
    assert [box.track for box in view.session.ground_truth.boxes(3)] == [1, 2], "no second box of the track"


def test_the_crosshair_starts_in_the_middle_and_stays_where_the_mouse_was(view):
    view.fit()
    view.start_drawing()
    view.nudge(0, 0)
    assert view.pointer() == view.visible_centre()
    move_to(view, 0, 0)
    view.nudge(3, 4)
    assert (view.pointer().x(), view.pointer().y()) == (3, 4)
