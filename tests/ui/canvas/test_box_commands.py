"""Commands on boxes as keys call them: one step each, or a status message."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.edits import FrameState
from iouviewer.ui.canvas.hit import BoxRef, truth_ref
from tests.app.builders import session_with
from tests.ui.helpers import canvas_for, move_to, rect_of, undo_step

TRUTH = (100.0, 100.0, 200.0, 300.0)
FOUND = (104.0, 100.0, 220.0, 300.0)
OTHER = (300.0, 100.0, 400.0, 300.0)
LONE = (450.0, 50.0, 500.0, 150.0)


@pytest.fixture
def view(qtbot):
    session = session_with(
        {0: [TRUTH, OTHER], 1: [TRUTH], 4: [TRUTH]},
        {"model": {0: [FOUND, LONE]}},
        classes=("person", "car"),
        tracks=True,
    )
    view = canvas_for(session)
    qtbot.addWidget(view)
    return view


@pytest.fixture
def messages(view):
    shown: list[str] = []
    view.session.statusMessage.connect(shown.append)
    return shown


def show(view, frame):
    from tests.ui.helpers import plain_image

    view.session.go_to(frame)
    view.show_image(plain_image(), frame)


def test_a_burst_of_nudges_is_one_step(view):
    view.session.select([1])
    for _ in range(10):
        view.nudge(1, 0)
    view.nudge(0, 0.25)
    assert rect_of(view) == (110, 100.25, 210, 300.25)
    view.session.undo()
    assert rect_of(view) == TRUTH and undo_step(view) is None


def test_the_edge_nearest_to_the_mouse_is_resized(view):
    view.session.select([1])
    move_to(view, 110, 200)
    view.commands.resize_nearest_edge(-2, 0)
    assert rect_of(view) == (98, 100, 200, 300)
    move_to(view, 190, 290)
    view.commands.resize_nearest_edge(0, 3)
    assert rect_of(view) == (98, 100, 200, 303)


def test_an_edge_snaps_to_its_prediction(view):
    view.session.select([1])
    move_to(view, 105, 200)
    view.commands.snap_edge()
    assert rect_of(view) == (104, 100, 200, 300)
    assert undo_step(view).label == "Snap left edge of person 1"


def test_without_the_mouse_the_furthest_edge_snaps(view):
    from PySide6.QtCore import QEvent

    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    view.session.select([1])
    view.commands.snap_edge()
    assert rect_of(view) == (100, 100, 220, 300)


def test_a_refused_command_shows_a_message_and_adds_no_step(view, messages):
    view.commands.delete_selected()
    view.commands.snap_edge()
    view.commands.paste()
    view.commands.accept_prediction()
    view.commands.split_track()
    view.commands.next_key_frame()
    view.commands.set_class_by_digit(9)
    assert messages == [
        "No box is selected. Click a ground-truth box first.",
        "This needs one selected box. Click a ground-truth box first.",
        "Nothing was copied. Select boxes and copy them first.",
        "No prediction is selected. Click a prediction, or a box that is paired with one.",
        "Select a box of a track first",
        "Select a box of a track first",
        "Key 9 has no class. Press C to choose or add one.",
    ]
    assert undo_step(view) is None


def test_boxes_are_copied_to_another_frame_in_place_and_to_the_same_one_shifted(view):
    view.session.select([1])
    view.commands.copy()
    view.commands.paste()
    (pasted,) = view.session.selection.boxes
    assert rect_of(view, pasted) == (110, 110, 210, 310)
    show(view, 5)
    view.commands.paste()
    (pasted,) = view.session.selection.boxes
    assert rect_of(view, pasted) == TRUTH
    view.commands.duplicate()
    assert len(view.session.ground_truth.boxes(5)) == 2
    assert undo_step(view).label == "Duplicate person 1"


def test_all_boxes_are_selected_and_stepped_through(view):
    view.commands.select_all()
    assert view.session.selection.boxes == {1, 2}
    view.session.select()
    seen = []
    for _ in range(3):
        view.commands.next_box()
        seen += view.session.selection.boxes
    assert seen == [1, 2, 1]
    view.commands.previous_box()
    assert view.session.selection.boxes == {2}


def test_a_digit_sets_the_class_of_the_selection_and_of_the_next_boxes(view):
    view.session.select([1])
    view.commands.set_class_by_digit(2)
    assert view.session.ground_truth.find(1).class_id == 1
    assert view.commands.class_of_new_boxes() == 1
    view.commands.add_class("bus")
    assert view.session.document.class_names == ("person", "car", "bus")
    assert view.session.ground_truth.find(1).class_id == 2
    view.session.undo()
    view.session.undo()
    assert view.session.document.class_names == ("person", "car")
    assert view.commands.class_of_new_boxes() == 0


@pytest.mark.parametrize("flag", [BoxFlag.OCCLUDED, BoxFlag.IGNORED, BoxFlag.OUTSIDE, BoxFlag.KEY_FRAME])
def test_flags_toggle(view, flag):
    view.session.select([1])
    view.commands.toggle_flag(flag)
    assert view.session.ground_truth.find(1).flags == flag
    view.commands.toggle_flag(flag)
    assert view.session.ground_truth.find(1).flags == 0


def test_the_selected_prediction_is_accepted(view):
    view.selection.select(BoxRef("model", 1))
    view.commands.accept_prediction()
    (new,) = view.session.selection.boxes
    assert rect_of(view, new) == LONE


def test_a_selected_box_gets_the_rectangle_of_its_prediction(view):
    view.session.select([1])
    view.commands.accept_prediction()
    assert rect_of(view) == FOUND
    assert undo_step(view).label == "Adjust person 1 to model 0.90"


def test_all_unpaired_predictions_are_accepted_at_once(view, messages):
    view.commands.accept_all_predictions()
    assert [box.rect for box in view.session.ground_truth.boxes(0)] == [TRUTH, OTHER, LONE]
    view.commands.accept_all_predictions()
    assert messages == ["There is no prediction to accept on this frame."]


def test_boxes_of_the_previous_frame_are_copied_and_propagated(view):
    show(view, 2)
    view.commands.paste_previous_frame()
    assert [box.rect for box in view.session.ground_truth.boxes(2)] == [TRUTH]
    view.commands.propagate(3)
    assert [len(view.session.ground_truth.boxes(f)) for f in range(6)] == [2, 1, 1, 1, 1, 1]


def test_verifying_goes_to_the_next_frame(view):
    view.commands.verify_and_next()
    truth = view.session.ground_truth
    assert truth.is_verified(0) and truth.state(0) is FrameState.LABELLED
    assert view.session.current_frame == 1
    view.commands.verify_empty()
    assert not truth.is_verified(1) and view.session.current_frame == 1
    show(view, 2)
    view.commands.verify_empty()
    assert truth.is_verified(2) and view.session.current_frame == 3


def test_key_frames_of_the_selected_track_are_stepped_through_and_keep_it_selected(view, messages):
    view.session.select([1])
    frames = []
    for _ in range(3):
        view.commands.next_key_frame()
        frames.append(view.session.current_frame)
    assert frames == [1, 4, 4]
    assert messages == ["Track 1 has no further key frame"]
    (selected,) = view.session.selection.boxes
    assert view.session.ground_truth.find(selected).track == 1
    view.commands.previous_key_frame()
    assert view.session.current_frame == 1


def test_the_selected_track_is_split_and_trimmed_at_the_current_frame(view):
    truth = view.session.ground_truth
    show(view, 1)
    view.session.select([3])
    view.commands.split_track()
    assert [truth.find(i).track for i in (1, 3, 4)] == [1, 3, 3]
    view.commands.set_end_of_track(False)
    assert [b.id for b in truth.track(3)] == [3]
    show(view, 2)
    view.commands.set_end_of_track(False)
    assert [b.frame for b in truth.track(3)] == [1, 2], "beyond its end the track is extended"


def test_a_tooltip_says_why_a_box_is_not_matched(view):
    assert view.tooltip_at(QPointF(350, 200)) == "Ground truth: person 2\nmodel: missed. No prediction overlaps it."
    assert view.tooltip_at(QPointF(110, 200)) == "Ground truth: person 1\nmodel: IoU 0.800"
    assert view.tooltip_at(QPointF(450, 100)) == (
        "model: person, confidence 0.900\nExtra. No ground truth overlaps it."
    )
    assert view.tooltip_at(QPointF(600, 400)) == ""


@pytest.mark.parametrize(
    ("found", "scores", "classes", "expected"),
    [
        ((100.0, 100.0, 200.0, 310.0), 0.1, 0, "has confidence 0.10, below the threshold 0.25."),
        ((100.0, 100.0, 200.0, 310.0), 0.9, 1, "has the class car."),
    ],
)
def test_a_tooltip_names_confidence_and_class_as_reasons(qtbot, found, scores, classes, expected):
    from dataclasses import replace

    from tests.app.builders import predictions_of

    session = session_with({0: [TRUTH]}, classes=("person", "car"))
    made = predictions_of({0: [found]}, 10, scores)
    made = replace(made, table=replace(made.table, class_ids=made.table.class_ids + classes))
    session.variants.add("model", made)
    view = canvas_for(session)
    qtbot.addWidget(view)
    view.session.select([1])
    assert expected in view.tooltip_at(QPointF(150, 200))


@pytest.mark.parametrize(("flag", "word"), [(BoxFlag.IGNORED, "ignored"), (BoxFlag.OUTSIDE, "out of view")])
def test_a_tooltip_says_that_a_box_does_not_count_and_what_that_means_for_its_prediction(view, flag, word):
    view.session.select([1])
    view.commands.toggle_flag(flag)
    assert view.tooltip_at(QPointF(150, 200)) == f"Ground truth: person 1\n{word}"
    view.session.view_state.bring_to_front("model")
    expected = "In an ignored box: not counted." if flag is BoxFlag.IGNORED else "Extra. No ground truth overlaps it."
    assert expected in view.tooltip_at(QPointF(150, 200))


def test_a_tooltip_names_the_pair_that_a_prediction_lost_to(qtbot):
    near = (100.0, 100.0, 200.0, 290.0)
    session = session_with({0: [TRUTH]}, {"model": {0: [TRUTH, near]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    view.session.view_state.bring_to_front("model")
    assert view.tooltip_at(QPointF(150, 200)).endswith(
        "The nearest ground truth, person (IoU 0.95), is paired with another prediction (IoU 1.00)."
    )
    assert truth_ref(1) in view.frame_view.index_of
