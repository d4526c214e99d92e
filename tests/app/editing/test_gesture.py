"""Gestures without widgets: press, moves, release, cancel."""

from __future__ import annotations

import pytest

from iouviewer.app.editing.gesture import DragGesture, DragOptions, DrawGesture
from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag, Edges
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, FrameState, Phase, SetRects
from iouviewer.document.sources import Source

RECT = (10.0, 20.0, 50.0, 80.0)


@pytest.fixture
def session(qapp) -> Session:
    document = Document()
    document.add_source(Source(0, "clip", "", 640, 480, 10))
    document.class_names = ("person",)
    document.apply(AddBoxes((Box(1, 0, RECT, 0), Box(2, 0, (100.0, 100.0, 140.0, 180.0), 0))))
    session = Session()
    session.open_document(document)
    return session


def rect_of(session: Session, box_id: int):
    box = session.ground_truth.find(box_id)
    return None if box is None else box.rect


def boxes(session: Session, *ids: int) -> list[Box]:
    return [session.ground_truth.find(i) for i in ids]


def test_moves_are_counted_from_the_press_and_the_release_is_one_step(session):
    changes = []
    session.changed.connect(changes.append)
    gesture = DragGesture(session, boxes(session, 1), Edges.RIGHT)
    for dx in (0.1, 3.3, 7.7, 5.0):
        gesture.move(dx, 50.0)
    gesture.release()
    assert rect_of(session, 1) == (10, 20, 55, 80)
    assert [c.phase for c in changes] == [Phase.LIVE] * 4 + [Phase.COMMITTED]
    assert session.history.undo_step().label == "Resize person"
    session.undo()
    assert rect_of(session, 1) == RECT
    assert session.history.undo_step() is None


def test_several_boxes_move_as_one_step(session):
    gesture = DragGesture(session, boxes(session, 1, 2), Edges.ALL)
    gesture.move(4.0, -3.0)
    gesture.release()
    assert rect_of(session, 1) == (14, 17, 54, 77) and rect_of(session, 2) == (104, 97, 144, 177)
    assert session.history.undo_step().label == "Move 2 boxes"


def test_a_constrained_move_keeps_to_the_longer_axis(session):
    gesture = DragGesture(session, boxes(session, 1), Edges.ALL)
    gesture.move(4.0, -3.0, DragOptions(is_constrained=True))
    assert rect_of(session, 1) == (14, 20, 54, 80)
    gesture.move(2.0, -3.0, DragOptions(is_constrained=True))
    assert rect_of(session, 1) == (10, 17, 50, 77)


def test_a_press_without_a_move_or_with_a_move_to_the_start_leaves_no_step(session):
    DragGesture(session, boxes(session, 1), Edges.LEFT).release()
    gesture = DragGesture(session, boxes(session, 1), Edges.LEFT)
    gesture.move(5.0, 0.0)
    gesture.move(0.0, 0.0)
    gesture.release()
    assert session.history.undo_step() is None and rect_of(session, 1) == RECT


def test_cancel_reverts_everything_and_ends_the_gesture(session):
    gesture = DragGesture(session, boxes(session, 1), Edges.ALL)
    gesture.move(9.0, 9.0)
    gesture.cancel()
    assert rect_of(session, 1) == RECT
    assert gesture.move(5.0, 5.0) is None and gesture.release() is None
    assert rect_of(session, 1) == RECT and session.history.undo_step() is None


def test_another_frame_reverts_the_preview(session):
    gesture = DragGesture(session, boxes(session, 1), Edges.ALL)
    gesture.move(9.0, 9.0)
    session.go_to(1)
    gesture.abandon()
    assert rect_of(session, 1) == RECT and gesture.release() is None


def test_a_drawn_box_labels_its_frame_however_many_moves_it_takes_and_undo_reverts_both(session):
    session.go_to(3)
    assert session.ground_truth.state(3) is FrameState.UNLABELLED
    gesture = DrawGesture(session, 60.0, 70.0, 0)
    for x in (50.0, 40.0, 30.0):
        gesture.move(x, 20.0)
    gesture.release()
    (box,) = session.ground_truth.boxes(3)
    assert box.rect == (30, 20, 60, 70) and box.class_id == 0
    assert session.ground_truth.state(3) is FrameState.LABELLED
    assert session.selection.boxes == {box.id}
    session.undo()
    assert session.ground_truth.boxes(3) == () and session.ground_truth.state(3) is FrameState.UNLABELLED
    session.redo()
    assert session.ground_truth.boxes(3) == (box,)


def test_a_drawing_that_is_cancelled_leaves_nothing(session):
    session.go_to(3)
    gesture = DrawGesture(session, 60.0, 70.0, 0)
    gesture.move(90.0, 90.0)
    gesture.cancel()
    assert session.ground_truth.boxes(3) == () and session.ground_truth.state(3) is FrameState.UNLABELLED
    assert session.history.undo_step() is None


def test_a_drawn_box_continues_a_track_or_starts_a_new_one(session):
    session.document.apply(AddBoxes((Box(3, 0, (200.0, 200.0, 240.0, 280.0), 0, 17),)))
    session.go_to(2)
    last = session.ground_truth.find(3)
    gesture = DrawGesture(session, 60.0, 70.0, 0, continues=last)
    gesture.move(90.0, 100.0)
    assert gesture.continues_track and gesture.box.track == 17
    gesture.move(90.0, 100.0, is_new=True)
    assert not gesture.continues_track and gesture.box.track == 18
    gesture.move(90.0, 100.0)
    gesture.release()
    [new] = session.ground_truth.boxes(2)
    assert new.track == 17 and session.selection.track == 17
    assert session.history.undo_step().label == "Draw person 17"


def test_a_box_drawn_without_tracks_in_the_ground_truth_has_none(session):
    gesture = DrawGesture(session, 60.0, 70.0, 0)
    gesture.move(90.0, 100.0)
    gesture.release()
    assert session.ground_truth.boxes(0)[-1].track == NO_TRACK


def test_boxes_are_drawn_inside_the_picture_unless_they_may_leave_it(session):
    gesture = DrawGesture(session, -20.0, 400.0, 0)
    gesture.move(700.0, 500.0)
    assert gesture.rect == (0, 400, 640, 480)
    gesture.move(700.0, 500.0, may_leave=True)
    assert gesture.rect == (0, 400, 700, 500)
    gesture.cancel()
    gesture = DrawGesture(session, 640.0, 480.0, 0)
    gesture.move(640.0, 480.0)
    assert gesture.rect == (639, 479, 640, 480)


@pytest.mark.parametrize(("may_leave", "expected"), [(False, (0, 20, 40, 80)), (True, (-90, 20, -50, 80))])
def test_a_moved_box_stops_at_the_border_of_the_picture(session, may_leave, expected):
    gesture = DragGesture(session, boxes(session, 1), Edges.ALL)
    gesture.move(-100.0, 0.0, DragOptions(may_leave=may_leave))
    assert rect_of(session, 1) == expected


def test_the_first_of_several_boxes_at_the_border_stops_the_others(session):
    gesture = DragGesture(session, boxes(session, 1, 2), Edges.ALL)
    gesture.move(-100.0, 0.0)
    assert rect_of(session, 1) == (0, 20, 40, 80) and rect_of(session, 2) == (90, 100, 130, 180)


def test_a_box_that_lies_outside_already_does_not_jump(session):
    session.document.apply(SetRects(((1, (-10.0, 20.0, 50.0, 80.0)),)))
    gesture = DragGesture(session, boxes(session, 1), Edges.RIGHT)
    gesture.move(5.0, 0.0)
    assert rect_of(session, 1) == (-10, 20, 55, 80)
    gesture.cancel()
    gesture = DragGesture(session, boxes(session, 1), Edges.LEFT)
    gesture.move(-30.0, 0.0)
    assert rect_of(session, 1) == (-10, 20, 50, 80)


def test_a_resized_box_keeps_its_ratio_and_stays_inside(session):
    constrained = DragOptions(is_constrained=True)
    gesture = DragGesture(session, boxes(session, 1), Edges.RIGHT | Edges.BOTTOM)
    gesture.move(40.0, 10.0, constrained)
    assert rect_of(session, 1) == (10, 20, 90, 140)
    gesture.move(4000.0, 10.0, constrained)
    x1, y1, x2, y2 = rect_of(session, 1)
    assert (x1, y1, y2) == (10, 20, 480) and x2 - x1 == pytest.approx(460 * 40 / 60)
    gesture.cancel()
    gesture = DragGesture(session, boxes(session, 2), Edges.LEFT)
    gesture.move(-20.0, 55.0, constrained)
    assert rect_of(session, 2) == (80, 80, 140, 200)


def test_a_dragged_edge_snaps_to_predictions_that_lie_beside_it(session):
    gesture = DragGesture(session, boxes(session, 1), Edges.RIGHT)
    gesture.snap_to = ((12.0, 30.0, 57.0, 70.0), (54.0, 300.0, 90.0, 400.0))
    snap = DragOptions(snap_reach=8.0)
    gesture.move(3.0, 0.0, snap)
    assert rect_of(session, 1) == (10, 20, 57, 80) and gesture.snapped is Edges.RIGHT
    gesture.move(-3.0, 0.0, snap)
    assert rect_of(session, 1) == (10, 20, 47, 80) and gesture.snapped is Edges.NONE
    gesture.move(3.0, 0.0)
    assert rect_of(session, 1) == (10, 20, 53, 80) and gesture.snapped is Edges.NONE


def test_a_copy_is_a_new_object_and_one_step(session):
    session.document.apply(AddBoxes((Box(3, 0, (200.0, 200.0, 240.0, 280.0), 0, 17),)))
    before = session.ground_truth.boxes(0)
    gesture = DragGesture(session, boxes(session, 3), Edges.ALL, makes_copies=True)
    gesture.move(10.0, 0.0)
    gesture.move(20.0, 5.0)
    gesture.release()
    [copy] = [box for box in session.ground_truth.boxes(0) if box not in before]
    assert copy.rect == (220, 205, 260, 285) and copy.track == 18
    assert session.selection.boxes == {copy.id}
    assert session.history.undo_step().label == "Copy person 17"
    session.undo()
    assert session.ground_truth.boxes(0) == before
    gesture = DragGesture(session, boxes(session, 3), Edges.ALL, makes_copies=True)
    gesture.move(10.0, 0.0)
    gesture.cancel()
    assert session.ground_truth.boxes(0) == before


def test_interpolated_neighbours_move_in_the_same_step(session):
    interpolated = int(BoxFlag.INTERPOLATED)
    track = [Box(11, 4, RECT, 0, 1), Box(12, 5, RECT, 0, 1, interpolated), Box(13, 6, RECT, 0, 1)]
    session.execute(AddBoxes(tuple(track)), "Add")
    session.go_to(6)
    gesture = DragGesture(session, boxes(session, 13), Edges.ALL)
    gesture.move(8.0, 0.0)
    assert rect_of(session, 12) == RECT
    gesture.release()
    assert rect_of(session, 12) == (14, 20, 54, 80)
    assert session.history.undo_step().frame == 6
    session.undo()
    assert [rect_of(session, i) for i in (11, 12, 13)] == [RECT] * 3
