"""Builders of edits: their effect on the document, and the labels of their steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document import commands
from iouviewer.document.boxes import (
    MIN_SIZE,
    Box,
    BoxFlag,
    Edges,
    find_rect_error,
    furthest_edge,
    move_edges,
    nearest_edge,
    rect_from_corners,
)
from iouviewer.document.classes import other_class_id
from iouviewer.document.commands import AcceptedPrediction, Command
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, FrameState, SetClassNames
from iouviewer.document.sources import Source
from iouviewer.errors import UserError

RECT = (10.0, 20.0, 50.0, 80.0)


def document_with(*boxes: Box, frames: int = 10, state: FrameState = FrameState.LABELLED) -> Document:
    document = Document()
    truth = document.add_source(Source(0, "clip", "", 640, 480, frames))
    document.class_names = ("person", "car")
    truth.load_states(np.full(frames, int(state), np.int8), np.zeros(frames, np.bool_))
    if boxes:
        document.apply(AddBoxes(boxes))
    return document


def run(document: Document, command: Command):
    applied = document.apply(command.edit)
    assert applied is not None, "the command changed nothing"
    return applied.inverse


# Rectangles


@pytest.mark.parametrize(
    ("edges", "by", "expected"),
    [
        (Edges.ALL, (5, -3), (15, 17, 55, 77)),
        (Edges.LEFT, (5, 99), (15, 20, 50, 80)),
        (Edges.RIGHT, (-5, 99), (10, 20, 45, 80)),
        (Edges.TOP, (99, 5), (10, 25, 50, 80)),
        (Edges.BOTTOM, (99, -5), (10, 20, 50, 75)),
        (Edges.LEFT | Edges.TOP, (5, 6), (15, 26, 50, 80)),
        (Edges.RIGHT | Edges.BOTTOM, (5, 6), (10, 20, 55, 86)),
        (Edges.LEFT, (60, 0), (50, 20, 70, 80)),
        (Edges.BOTTOM, (0, -90), (10, -10, 50, 20)),
        (Edges.LEFT, (40, 0), (49, 20, 50, 80)),
        (Edges.RIGHT, (-40, 0), (10, 20, 11, 80)),
        (Edges.NONE, (40, 40), RECT),
    ],
)
def test_dragging_moves_the_grabbed_edges_and_flips_the_rectangle_past_the_opposite_edge(edges, by, expected):
    assert move_edges(RECT, edges, *by) == expected


@given(
    st.sampled_from([Edges(n) for n in range(16)]),
    st.floats(-1e4, 1e4),
    st.floats(-1e4, 1e4),
)
def test_dragging_never_makes_a_rectangle_that_the_document_refuses(edges, dx, dy):
    rect = move_edges(RECT, edges, dx, dy)
    assert find_rect_error(rect) is None
    assert rect[2] - rect[0] >= MIN_SIZE * 0.999 and rect[3] - rect[1] >= MIN_SIZE * 0.999


@pytest.mark.parametrize("corners", [(1, 2, 5, 9), (5, 9, 1, 2), (1, 9, 5, 2), (5, 2, 1, 9)])
def test_two_corners_in_any_order_give_the_same_rectangle(corners):
    assert rect_from_corners(*corners) == (1, 2, 5, 9)


def test_a_rectangle_of_one_point_gets_the_minimum_size():
    assert rect_from_corners(3, 4, 3, 4) == (3, 4, 4, 5)


def test_the_nearest_edge_is_found_among_the_given_ones():
    assert nearest_edge(RECT, 12, 50) is Edges.LEFT
    assert nearest_edge(RECT, 12, 50, Edges.TOP | Edges.BOTTOM) is Edges.TOP
    assert furthest_edge(RECT, (10, 21, 43, 80)) is Edges.RIGHT


# Geometry


def test_nudges_of_the_same_boxes_have_the_same_merge_key():
    document = document_with(Box(1, 0, RECT), Box(2, 0, RECT))
    truth = document.ground_truth()
    one, other = commands.nudge(document, [1, 2], 1, 0), commands.nudge(document, [2, 1], 0, 1)
    assert one.merge_key == other.merge_key != ""
    assert one.merge_key != commands.nudge(document, [1], 1, 0).merge_key
    assert one.label == "Nudge 2 boxes"
    run(document, one)
    assert truth.find(2).rect == (11, 20, 51, 80)


def test_nudges_and_resizes_by_keys_stop_at_the_border_of_the_picture():
    document = Document()
    truth = document.add_source(Source(0, "clip.mp4", "", 640, 480, 1))
    low, right, outside = (10.0, 20.0, 50.0, 477.0), (500.0, 20.0, 637.0, 80.0), (-8.0, 20.0, 50.0, 80.0)
    document.apply(AddBoxes((Box(1, 0, low), Box(2, 0, right), Box(3, 0, outside))))
    run(document, commands.nudge(document, [1, 2], 10, 10))
    assert truth.find(1).rect == (13, 23, 53, 480), "boxes keep their distances"
    assert truth.find(2).rect == (503, 23, 640, 83)
    run(document, commands.resize_edge(document, 1, Edges.RIGHT, 1000, 0))
    assert truth.find(1).rect == (13, 23, 640, 480)
    run(document, commands.nudge(document, [3], 4, 0))
    assert truth.find(3).rect == (-4, 20, 54, 80), "what is outside may stay there"
    for build in (
        lambda: commands.nudge(document, [1], 1, 0),
        lambda: commands.nudge(document, [3], -1, 0),
        lambda: commands.resize_edge(document, 1, Edges.BOTTOM, 0, 1),
    ):
        with pytest.raises(UserError, match="border of the picture"):
            build()


def test_a_nudge_that_moves_interpolated_neighbours_is_not_merged():
    interpolated = int(BoxFlag.INTERPOLATED)
    document = document_with(Box(1, 0, RECT, 0, 1), Box(2, 1, RECT, 0, 1, interpolated), Box(3, 2, RECT, 0, 1))
    command = commands.nudge(document, [3], 4, 0)
    assert command.merge_key == ""
    run(document, command)
    assert document.ground_truth().find(2).rect == (12, 20, 52, 80)


def test_the_label_of_a_resize_names_class_and_track():
    document = document_with(Box(7, 0, RECT, 0, 17))
    command = commands.resize_edge(document, 7, Edges.RIGHT, 3, 0)
    run(document, command)
    assert command.label == "Resize person 17"
    assert document.ground_truth().find(7).rect == (10, 20, 53, 80)


def test_an_edge_snaps_to_the_prediction_but_not_past_the_opposite_edge():
    document = document_with(Box(1, 0, RECT, 0, 13))
    truth = document.ground_truth()
    command = commands.snap_edge(document, 1, Edges.TOP, (12.0, 24.5, 50.0, 80.0))
    run(document, command)
    assert command.label == "Snap top edge of person 13"
    assert truth.find(1).rect == (10, 24.5, 50, 80)
    with pytest.raises(UserError, match="beyond the opposite edge"):
        commands.snap_edge(document, 1, Edges.LEFT, (60.0, 24.5, 90.0, 80.0))


@pytest.mark.parametrize(("edge", "name"), [(Edges.LEFT, "left"), (Edges.RIGHT, "right"), (Edges.BOTTOM, "bottom")])
def test_the_label_of_a_snap_names_the_edge(edge, name):
    document = document_with(Box(1, 0, RECT))
    assert commands.snap_edge(document, 1, edge, (11.0, 21.0, 51.0, 81.0)).label == f"Snap {name} edge of box"


def test_commands_without_a_selection_say_what_to_do():
    document = document_with()
    for build in (
        lambda: commands.nudge(document, [], 1, 0),
        lambda: commands.delete(document, [99]),
        lambda: commands.toggle_flag(document, [], BoxFlag.OCCLUDED),
        lambda: commands.propagate(document, [], 3),
    ):
        with pytest.raises(UserError, match="no box is selected"):
            build()


# Adding and removing


def test_the_first_box_of_an_unlabelled_frame_makes_it_labelled_in_the_same_step():
    document = document_with(state=FrameState.UNLABELLED)
    truth = document.ground_truth()
    command = commands.draw(document, 3, RECT, 0)
    inverse = run(document, command)
    (new,) = truth.boxes(3)
    assert command.select == (new.id,) and command.label == "Draw person 1"
    assert truth.state(3) is FrameState.LABELLED and truth.state(4) is FrameState.UNLABELLED
    document.apply(inverse)
    assert truth.boxes(3) == () and truth.state(3) is FrameState.UNLABELLED


def test_deleting_the_last_box_leaves_the_frame_labelled_and_undo_restores_id_and_position():
    document = document_with(Box(5, 2, RECT, 1, 3))
    truth = document.ground_truth()
    command = commands.delete(document, [5])
    inverse = run(document, command)
    assert truth.boxes(2) == () and truth.state(2) is FrameState.LABELLED
    document.apply(inverse)
    assert truth.boxes(2) == (Box(5, 2, RECT, 1, 3),)
    assert command.label == "Delete car 3"


def test_labels_of_several_boxes_count_them():
    document = document_with(*(Box(i, 0, RECT) for i in (1, 2, 3)))
    assert commands.delete(document, [1, 2, 3]).label == "Delete 3 boxes"
    assert commands.duplicate(document, [1, 2], 0, by=10.0).label == "Duplicate 2 boxes"


@pytest.mark.parametrize(
    ("box", "label"),
    [
        (Box(9, 0, RECT, 0, 17), "Delete person 17"),
        (Box(9, 0, RECT, 1), "Delete car"),
        (Box(9, 0, RECT, -1, 4), "Delete object 4"),
        (Box(9, 0, RECT), "Delete box"),
    ],
)
def test_a_label_names_class_and_track_and_never_the_box_id(box, label):
    assert commands.delete(document_with(box), [9]).label == label


def test_a_pasted_box_keeps_its_track_only_where_that_is_free():
    document = document_with(Box(1, 0, RECT, 0, 4), Box(2, 1, RECT, 0, 4))
    truth = document.ground_truth()
    run(document, commands.paste(document, [truth.find(1)], 1, by=10))
    pasted = truth.boxes(1)[-1]
    assert pasted.rect == (20, 30, 60, 90) and pasted.track == 5, "a new object"
    run(document, commands.paste(document, [truth.find(1)], 2))
    assert truth.boxes(2)[0].track == 4 and truth.boxes(2)[0].rect == RECT


def test_pasting_without_a_copy_says_so():
    with pytest.raises(UserError, match="nothing was copied"):
        commands.paste(document_with(), [], 0)


def test_boxes_of_the_previous_frame_are_copied_once():
    document = document_with(Box(1, 0, RECT, 0, 1), Box(2, 0, (60.0, 60.0, 90.0, 90.0)), Box(3, 1, RECT, 0, 1))
    truth = document.ground_truth()
    command = commands.paste_previous_frame(document, 1)
    assert command.label == "Copy box from previous frame"
    run(document, command)
    assert [box.rect for box in truth.boxes(1)] == [RECT, (60, 60, 90, 90)]
    with pytest.raises(UserError, match="already has the boxes"):
        commands.paste_previous_frame(document, 1)
    with pytest.raises(UserError, match="previous frame has no boxes"):
        commands.paste_previous_frame(document, 0)


def test_propagation_fills_free_frames_to_the_end_of_the_video():
    document = document_with(Box(1, 6, RECT, 0, 1), Box(2, 8, (1.0, 1.0, 5.0, 5.0), 0, 1))
    truth = document.ground_truth()
    command = commands.propagate(document, [1], 20)
    run(document, command)
    assert {box.frame: box.rect for box in truth.track(1)} == {6: RECT, 7: RECT, 8: (1, 1, 5, 5), 9: RECT}
    assert command.label == "Propagate person 1 to 20 frames"
    with pytest.raises(UserError, match="no frame to propagate to"):
        commands.propagate(document, [truth.boxes(9)[0].id], 5)


# Predictions


def test_a_paired_prediction_moves_its_partner_and_an_unpaired_one_becomes_a_box():
    document = document_with(Box(1, 0, RECT, 0, 13))
    truth = document.ground_truth()
    command = commands.accept(document, 0, [AcceptedPrediction((11.0, 21.0, 51.0, 81.0), 0, 1, "frcnn", 0.9)])
    run(document, command)
    assert truth.find(1).rect == (11, 21, 51, 81)
    assert command.label == "Adjust person 13 to frcnn 0.90"
    command = commands.accept(document, 0, [AcceptedPrediction((100.0, 100.0, 120.0, 140.0), 1, None, "frcnn", 0.9)])
    assert command.label == "Accept frcnn 0.90 as car 14"
    run(document, command)
    new = truth.boxes(0)[-1]
    assert new.rect == (100, 100, 120, 140) and new.class_id == 1
    with pytest.raises(UserError, match="no prediction"):
        commands.accept(document, 0, [])


@pytest.mark.parametrize("frame", [0, 5])
def test_an_accepted_prediction_has_no_class_where_the_other_boxes_have_none(frame):
    document = document_with(Box(1, 0, RECT))
    truth = document.ground_truth()
    assert commands.uses_no_classes(truth, frame)
    run(document, commands.accept(document, frame, [AcceptedPrediction((100.0, 100.0, 120.0, 140.0), 1)]))
    assert truth.boxes(frame)[-1].class_id == -1


def test_an_accepted_prediction_keeps_its_class_where_there_are_no_boxes_or_the_frame_has_classes():
    assert not commands.uses_no_classes(document_with().ground_truth(), 0)
    truth = document_with(Box(1, 0, RECT, 0), Box(2, 1, RECT)).ground_truth()
    assert [commands.uses_no_classes(truth, frame) for frame in (0, 1, 2)] == [False, True, False]


# Classes, flags and frames


def test_flags_are_set_unless_all_have_them():
    document = document_with(Box(1, 0, RECT), Box(2, 0, RECT, 0, -1, int(BoxFlag.OCCLUDED)))
    truth = document.ground_truth()
    command = commands.toggle_flag(document, [1, 2], BoxFlag.OCCLUDED)
    run(document, command)
    assert all(truth.find(i).flags & BoxFlag.OCCLUDED for i in (1, 2))
    assert command.label == "Mark 2 boxes as occluded"
    again = commands.toggle_flag(document, [1, 2], BoxFlag.OCCLUDED)
    run(document, again)
    assert not any(truth.find(i).flags for i in (1, 2))
    assert again.label == "Mark 2 boxes as not occluded"


def test_a_box_made_a_key_frame_is_no_longer_interpolated():
    document = document_with(Box(1, 0, RECT, 0, 1, int(BoxFlag.INTERPOLATED)))
    run(document, commands.toggle_flag(document, [1], BoxFlag.KEY_FRAME))
    assert document.ground_truth().find(1).flags == BoxFlag.KEY_FRAME


def test_a_box_outside_the_frame_is_kept_and_counts_in_no_metric():
    document = document_with(Box(1, 0, RECT), Box(2, 0, RECT), Box(3, 1, RECT, 1))
    truth = document.ground_truth()
    inverse = run(document, commands.toggle_flag(document, [2, 3], BoxFlag.OUTSIDE))
    assert [box.id for box in truth.boxes(0)] == [1, 2]
    assert truth.frame_table(0).ids.tolist() == truth.table().frame(0).ids.tolist() == [1]
    assert len(truth.frame_table(1)) == 0 and len(truth.table()) == 1 and len(truth) == 3
    with pytest.raises(UserError, match="class car still has boxes"):
        document.apply(SetClassNames(("person",)))
    document.apply(inverse)
    assert truth.table().ids.tolist() == [1, 2, 3]


def test_classes_are_set_and_added():
    document = document_with(Box(1, 0, RECT, 0))
    command = commands.set_class(document, [1], 1)
    run(document, command)
    assert document.ground_truth().find(1).class_id == 1 and command.label == "Change class to car (was person)"
    assert commands.set_class(document_with(Box(1, 0, RECT)), [1], 1).label == "Change class to car"
    two = document_with(Box(1, 0, RECT, 0), Box(2, 0, RECT, 1))
    assert commands.set_class(two, [1, 2], 1).label == "Change class of 2 boxes to car"
    run(document, commands.add_class(document, " bus "))
    assert document.class_names == ("person", "car", "bus")
    for name in ("", "  ", "Car"):
        with pytest.raises(UserError, match="class"):
            commands.add_class(document, name)


# Tracks


def test_accepting_a_prediction_of_a_class_that_the_document_lacks_adds_the_class():
    document = document_with(Box(1, 0, (0.0, 0.0, 10.0, 10.0), 0))
    names = document.class_names
    other = other_class_id("zebra")
    predictions = [AcceptedPrediction((200.0, 200.0, 210.0, 210.0), other, variant="m", score=0.5)]
    command = commands.accept(document, 0, predictions)
    assert "zebra" in command.label
    applied = document.apply(command.edit)
    assert document.class_names == (*names, "zebra")
    assert document.ground_truth().boxes(0)[-1].class_id == len(names)
    document.apply(applied.inverse)
    assert document.class_names == names
    box = document.ground_truth().boxes(0)[0]
    document.apply(commands.set_class(document, [box.id], other).edit)
    assert document.class_name(document.ground_truth().find(box.id).class_id) == "zebra"
