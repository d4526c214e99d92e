"""Editing on the real canvas with the mouse, in image coordinates."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from iouviewer.document.boxes import Edges
from iouviewer.document.edits import FrameState, Phase, RemoveBoxes
from iouviewer.ui.canvas.hit import BoxRef, truth_ref
from tests.app.builders import session_with
from tests.ui.helpers import (
    canvas_for,
    click_at,
    double_click_at,
    drag,
    drag_box_edge,
    move_to,
    plain_image,
    press_at,
    press_keys,
    rect_of,
    release_at,
    undo_step,
)

TRUTH = (100.0, 100.0, 200.0, 300.0)
FOUND = (100.0, 100.0, 220.0, 300.0)
OTHER = (300.0, 100.0, 400.0, 300.0)


@pytest.fixture
def view(qtbot):
    session = session_with({0: [TRUTH, OTHER]}, {"model": {0: [FOUND, (450.0, 50.0, 500.0, 150.0)]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    return view


def test_dragging_an_edge_updates_scores_before_the_release_and_adds_one_step(view):
    session = view.session
    before = session.frame_iou("model", 0)
    drag_box_edge(view, 1, "right", by=5, release=False)
    assert rect_of(view) == (100, 100, 205, 300)
    live = session.frame_iou("model", 0)
    assert live > before
    assert view.feedback.text == "model  0.83 → 0.88 +0.05\n105 × 200 px"
    assert truth_ref(1) not in view.boxes.caption_texts, "the numbers at the cursor are enough"
    assert undo_step(view) is None
    x, y = 205.0, 200.0
    release_at(view, x, y)
    assert undo_step(view).label == "Resize person"
    assert view.feedback.text == ""
    session.undo()
    assert undo_step(view) is None
    assert rect_of(view) == TRUTH
    assert session.frame_iou("model", 0) == before


@pytest.mark.parametrize(
    ("edge", "by", "expected"),
    [
        ("left", -10, (90, 100, 200, 300)),
        ("top", 10, (100, 110, 200, 300)),
        ("bottom", 10, (100, 100, 200, 310)),
        ("top left", (10, 20), (110, 120, 200, 300)),
        ("bottom right", (10, 20), (100, 100, 210, 320)),
        ("left", 150, (200, 100, 250, 300)),
    ],
)
def test_every_edge_and_corner_follows_the_mouse(view, edge, by, expected):
    drag_box_edge(view, 1, edge, by=by)
    assert rect_of(view) == expected


def test_dragging_inside_moves_the_box_and_shift_keeps_it_on_one_axis(view):
    drag(view, (150, 200), (170, 205))
    assert rect_of(view) == (120, 105, 220, 305)
    assert undo_step(view).label == "Move person"
    drag(view, (170, 205), (190, 210), keys=Qt.KeyboardModifier.ShiftModifier)
    assert rect_of(view) == (140, 105, 240, 305)


def test_handles_hide_while_a_box_is_dragged(view):
    view.session.select([1])
    assert view.boxes.handle_count == 8
    drag_box_edge(view, 1, "right", by=5, release=False)
    assert view.boxes.handle_count == 0
    release_at(view, 205, 200)
    assert view.boxes.handle_count == 8


def test_escape_cancels_a_drag(view):
    drag_box_edge(view, 1, "right", by=30, release=False)
    press_keys(view, Qt.Key.Key_Escape)
    assert rect_of(view) == TRUTH and undo_step(view) is None and view.feedback.text == ""
    move_to(view, 260, 200, button=Qt.MouseButton.LeftButton)
    release_at(view, 260, 200)
    assert rect_of(view) == TRUTH and undo_step(view) is None


def test_losing_the_focus_cancels_a_drag(view):
    drag_box_edge(view, 1, "right", by=30, release=False)
    QApplication.sendEvent(view, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.OtherFocusReason))
    assert rect_of(view) == TRUTH and undo_step(view) is None


def test_another_frame_cancels_a_drag(view):
    drag_box_edge(view, 1, "right", by=30, release=False)
    view.session.go_to(1)
    move_to(view, 260, 200, button=Qt.MouseButton.LeftButton)
    release_at(view, 260, 200)
    assert rect_of(view) == TRUTH and undo_step(view) is None


def test_undo_during_a_drag_ends_the_drag(view):
    view.session.select([2])
    view.nudge(1, 0)
    drag_box_edge(view, 1, "right", by=30, release=False)
    view.session.undo()
    release_at(view, 230, 200)
    assert rect_of(view) == TRUTH and rect_of(view, 2) == OTHER


def test_a_shaky_click_moves_nothing(view):
    drag(view, (150, 200), (151, 201))
    assert rect_of(view) == TRUTH and undo_step(view) is None
    assert view.session.selection.boxes == {1}


def test_clicks_select_and_cycle_and_a_click_on_nothing_clears_the_selection(view):
    click_at(view, 199, 200)
    assert view.session.selection.boxes == {1}
    click_at(view, 216, 250)
    assert view.session.selection.prediction == ("model", 0), "the edge of a prediction"
    click_at(view, 150, 101)
    assert view.session.selection.boxes == {1}
    click_at(view, 150, 101)
    assert view.session.selection.prediction == ("model", 0), "the second click takes the next below"
    click_at(view, 150, 101)
    assert view.session.selection.boxes == {1}
    click_at(view, 600, 400)
    assert view.selection.refs() == frozenset()


def test_the_inside_of_a_prediction_takes_clicks_only_once_its_layer_is_in_front(view):
    click_at(view, 475, 100)
    assert view.selection.refs() == frozenset()
    view.session.view_state.bring_to_front("model")
    click_at(view, 475, 100)
    assert view.session.selection.prediction == ("model", 1)


def test_alt_click_takes_the_next_thing_below_and_reaches_locked_boxes(view):
    view.session.view_state.lock_layer("")
    click_at(view, 350, 200)
    assert view.selection.refs() == frozenset()
    click_at(view, 350, 200, keys=Qt.KeyboardModifier.AltModifier)
    assert view.session.selection.boxes == {2}
    view.session.view_state.lock_layer("", is_locked=False)
    click_at(view, 160, 200, keys=Qt.KeyboardModifier.AltModifier)
    assert view.session.selection.prediction == ("model", 0), "below the box that a click takes"


def test_shift_click_adds_and_removes_and_control_draws_instead_of_moving_others(view):
    click_at(view, 120, 200)
    click_at(view, 350, 200, keys=Qt.KeyboardModifier.ShiftModifier)
    assert view.session.selection.boxes == {1, 2}
    click_at(view, 350, 200, keys=Qt.KeyboardModifier.ShiftModifier)
    assert view.session.selection.boxes == {1}
    drag(view, (300, 200), (320, 200), keys=Qt.KeyboardModifier.ControlModifier)
    assert rect_of(view, 2) == OTHER, "control reaches only the selected box; elsewhere it draws"
    assert view.session.selection.boxes == {3}


def test_an_edge_is_dragged_without_a_selection_and_the_box_becomes_selected(view):
    view.session.select([2])
    drag(view, (200, 250), (210, 250), release=False)
    assert rect_of(view) == (100, 100, 210, 300)
    press_keys(view, Qt.Key.Key_Escape)
    assert rect_of(view) == TRUTH and view.session.selection.boxes == {2}
    drag(view, (200, 250), (210, 250))
    assert rect_of(view) == (100, 100, 210, 300) and view.session.selection.boxes == {1}


def test_a_box_that_is_not_selected_moves_only_after_eight_pixels(view):
    scale = view.transform().m11()
    drag(view, (150, 200), (150 + 6 / scale, 200))
    assert rect_of(view) == TRUTH and view.session.selection.boxes == {1}, "a click that slipped"
    drag(view, (150, 200), (150 + 6 / scale, 200))
    assert rect_of(view) != TRUTH, "a selected box moves after four"


def test_alt_makes_a_copy_or_lets_a_box_leave_the_picture(view):
    alt = Qt.KeyboardModifier.AltModifier
    drag(view, (150, 200), (10, 200), keys=alt)
    assert rect_of(view) == TRUTH
    [copy] = view.session.selection.boxes
    assert rect_of(view, copy) == (0, 100, 100, 300), "a copy stays inside, as Alt has its meaning already"
    view.session.undo()
    press_at(view, 150, 200)
    move_to(view, 100, 200, button=Qt.MouseButton.LeftButton)
    move_to(view, 10, 200, button=Qt.MouseButton.LeftButton)
    assert rect_of(view) == (0, 100, 100, 300)
    move_to(view, 10, 200, button=Qt.MouseButton.LeftButton, keys=alt)
    assert rect_of(view) == (-40, 100, 60, 300)
    release_at(view, 10, 200, keys=alt)


def test_control_snaps_a_dragged_edge_to_a_prediction(view):
    control = Qt.KeyboardModifier.ControlModifier
    view.session.select([1])
    press_at(view, 200, 250)
    move_to(view, 215, 250, button=Qt.MouseButton.LeftButton)
    assert rect_of(view) == (100, 100, 215, 300)
    move_to(view, 215, 250, button=Qt.MouseButton.LeftButton, keys=control)
    assert rect_of(view) == FOUND
    release_at(view, 215, 250, keys=control)
    assert rect_of(view) == FOUND


def test_an_isolated_track_leaves_the_others_without_clicks(qtbot):
    view = canvas_for(session_with({0: [TRUTH, OTHER]}, tracks=True))
    qtbot.addWidget(view)
    view.session.view_state.isolate(1)
    click_at(view, 350, 200)
    assert view.selection.refs() == frozenset()
    click_at(view, 150, 200)
    assert view.session.selection.boxes == {1}


def test_a_rubber_band_takes_boxes_by_their_centre(view):
    drag(view, (80, 50), (340, 350))
    assert view.session.selection.boxes == {1}
    drag(view, (250, 50), (420, 350), keys=Qt.KeyboardModifier.ShiftModifier)
    assert view.session.selection.boxes == {1, 2}


def test_several_boxes_move_together(view):
    drag(view, (50, 50), (420, 350))
    assert view.session.selection.boxes == {1, 2}
    drag(view, (150, 200), (160, 200))
    assert rect_of(view, 1) == (110, 100, 210, 300) and rect_of(view, 2) == (310, 100, 410, 300)
    assert undo_step(view).label == "Move 2 boxes"


def test_a_box_is_drawn_by_dragging(view):
    view.start_drawing()
    drag(view, (500, 300), (560, 400))
    (new,) = view.session.selection.boxes
    assert rect_of(view, new) == (500, 300, 560, 400)
    assert undo_step(view).label == "Draw person"
    assert not view.tools.is_drawing


def test_a_box_is_drawn_by_two_clicks_and_shows_its_iou_in_between(view):
    view.start_drawing()
    click_at(view, 450, 50)
    move_to(view, 500, 140)
    assert (view.feedback.name_text, view.feedback.text) == ("person", "50 × 90 px\nmodel  – → 0.90")
    click_at(view, 500, 150)
    (new,) = view.session.selection.boxes
    assert rect_of(view, new) == (450, 50, 500, 150)
    assert view.boxes.caption_texts[truth_ref(new)].endswith("IoU 1.00")


def test_a_box_is_drawn_by_keys_alone(view):
    view.start_drawing()
    press_keys(view, Qt.Key.Key_Return)
    for _ in range(3):
        view.nudge(10, 0)
        view.nudge(0, 10)
    press_keys(view, Qt.Key.Key_Return)
    (new,) = view.session.selection.boxes
    x1, y1, x2, y2 = rect_of(view, new)
    assert (x2 - x1, y2 - y1) == (30, 30)
    assert not view.tools.is_drawing


def test_escape_leaves_the_drawing_mode_without_a_box(view):
    view.start_drawing()
    click_at(view, 450, 50)
    move_to(view, 500, 140)
    press_keys(view, Qt.Key.Key_Escape)
    assert not view.tools.is_drawing and len(view.session.ground_truth.boxes(0)) == 2 and undo_step(view) is None


def test_a_double_click_on_a_prediction_accepts_it(view):
    click_at(view, 450, 100)
    double_click_at(view, 450, 100)
    (new,) = view.session.selection.boxes
    assert rect_of(view, new) == (450, 50, 500, 150)
    assert undo_step(view).label == "Accept model 0.90 as person"


def test_a_box_drawn_on_an_unlabelled_frame_labels_it(qtbot):
    session = session_with({}, labelled=False)
    view = canvas_for(session)
    qtbot.addWidget(view)
    view.start_drawing()
    drag(view, (10, 10), (60, 70))
    assert session.ground_truth.state(0) is FrameState.LABELLED
    view.commands.delete_selected()
    assert session.ground_truth.boxes(0) == () and session.ground_truth.state(0) is FrameState.LABELLED


def test_nothing_can_be_edited_while_another_frame_is_on_screen(view):
    view.session.go_to(1)
    drag(view, (150, 200), (250, 200))
    assert rect_of(view) == TRUTH and undo_step(view) is None


def test_a_drag_previews_live_changes_only(view):
    phases = []
    view.session.changed.connect(lambda change: phases.append(change.phase))
    drag_box_edge(view, 1, "right", by=8, steps=3)
    assert phases == [Phase.LIVE] * 3 + [Phase.COMMITTED]


def test_space_plays_only_if_nothing_was_panned(view, qtbot):
    from PySide6.QtTest import QTest

    played = []
    view.playRequested.connect(lambda: played.append(1))
    QTest.keyPress(view, Qt.Key.Key_Space)
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert played == [1]
    view.zoom_in()
    QTest.keyPress(view, Qt.Key.Key_Space)
    x = view.horizontalScrollBar().value()
    drag(view, (150, 200), (190, 200))
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert played == [1] and rect_of(view) == TRUTH
    assert view.horizontalScrollBar().value() < x


def test_hovering_shows_details_and_leaving_hides_them(view):
    move_to(view, 450, 100)
    assert view.boxes.caption_texts[BoxRef("model", 1)] == "model  extra 0.90"
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert view.boxes.caption_texts[BoxRef("model", 1)] == "extra 0.90"


def test_a_hint_is_shown_at_its_handle_until_the_first_drag(view):
    hint = view.findChild(object, "canvasHint")
    view.session.select([1])
    view.show_hint(1, Edges.RIGHT, "drag this edge")
    assert hint.isVisible() and hint.text == "drag this edge"
    position = hint.pos()
    view.zoom_at(2.0, QPointF(0, 0))
    assert hint.pos() != position
    drag_box_edge(view, 1, "right", by=4)
    assert not hint.isVisible()


def test_a_hint_is_not_shown_on_another_frame(view):
    view.show_hint(1, Edges.RIGHT, "drag this edge")
    view.session.go_to(1)
    view.show_image(plain_image(), 1)
    assert not view.findChild(object, "canvasHint").isVisible()
    view.session.go_to(0)
    view.show_image(plain_image(), 0)
    assert view.findChild(object, "canvasHint").isVisible()


def test_a_press_of_the_right_button_does_nothing(view):
    press_at(view, 150, 200, button=Qt.MouseButton.RightButton)
    release_at(view, 150, 200, button=Qt.MouseButton.RightButton)
    assert view.selection.refs() == frozenset()


@pytest.mark.parametrize("point", [(150.0, 200.0), (200.0, 200.0)], ids=["inside", "edge"])
def test_a_box_that_is_pressed_while_the_frame_changes_is_not_moved(view, point):
    view.session.select([1])
    press_at(view, *point)
    view.session.go_to(1)
    view.show_image(plain_image(), 1)
    for by in (10, 25, 40):
        move_to(view, point[0] + by, point[1] + by, button=Qt.MouseButton.LeftButton)
    release_at(view, point[0] + 40, point[1] + 40)
    assert rect_of(view) == TRUTH and view.session.history.undo_step() is None


def test_a_band_that_is_drawn_while_the_frame_changes_selects_nothing(view):
    press_at(view, 20, 20)
    move_to(view, 60, 60, button=Qt.MouseButton.LeftButton)
    move_to(view, 220, 320, button=Qt.MouseButton.LeftButton)
    view.session.go_to(1)
    view.session.go_to(0)
    release_at(view, 220, 320)
    assert view.session.selection.boxes == frozenset()


def test_a_box_that_is_deleted_while_it_is_pressed_is_not_moved(view):
    view.session.select([1])
    press_at(view, 150, 200)
    view.session.execute(RemoveBoxes((1,)), "Delete")
    for by in (10, 25, 40):
        move_to(view, 150 + by, 200 + by, button=Qt.MouseButton.LeftButton)
    release_at(view, 190, 240)
    assert view.session.ground_truth.find(1) is None
    view.session.undo()
    assert rect_of(view) == TRUTH


def test_an_error_in_an_event_handler_is_reported_and_does_not_end_the_program(view, monkeypatch):
    def fail(*_):
        raise RuntimeError("a defect")

    reported = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: reported.append(str(error)))
    monkeypatch.setattr(view.tools, "move", fail)
    move_to(view, 150, 200)
    monkeypatch.setattr(view.tools, "key", fail)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert len(reported) == 2 and all("a defect" in text for text in reported)
