"""Ground truth: columns with edited frames over them behave like one plain list of boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.edits import AddBoxes, FrameState, RemoveBoxes, SetTracks
from iouviewer.document.ground_truth import GroundTruth
from tests.document.builders import make_document, state_of


def test_empty_ground_truth_answers_everything():
    truth = GroundTruth(3)
    assert len(truth) == 0 and truth.frame_count == 3
    assert truth.boxes(2) == () and truth.find(1) is None and truth.track(1) == ()
    assert truth.next_track() == 1 and truth.next_id == 1
    assert len(truth.table()) == 0 and truth.table().frame_count == 3
    assert len(truth.frame_table(0)) == 0
    assert [column.shape for column in truth.columns()] == [(0,), (4, 0), (0,), (0,), (0,), (0,)]
    assert truth.states().tolist() == [FrameState.UNLABELLED] * 3


def test_rows_are_ordered_by_frame_then_id():
    truth = GroundTruth(4)
    truth.load_columns(
        np.array([3, 0, 3]),
        np.array([[1.0, 2, 3]] * 2 + [[9.0, 9, 9]] * 2),
        class_ids=np.zeros(3),
        tracks=np.zeros(3),
        flags=np.zeros(3),
        ids=np.array([7, 5, 6]),
    )
    assert [box.id for box in truth.boxes(3)] == [6, 7]
    assert truth.table().ids.tolist() == [5, 6, 7]
    assert truth.next_id == 8


@pytest.mark.parametrize("frame", [-1, 4])
def test_rows_outside_the_video_are_refused(frame: int):
    with pytest.raises(ValueError, match="frames must be in"):
        GroundTruth(4).load_columns(
            np.array([frame]),
            np.ones((4, 1)),
            class_ids=np.zeros(1),
            tracks=np.zeros(1),
            flags=np.zeros(1),
        )


def test_ids_are_never_given_twice():
    document = make_document()
    truth = document.ground_truth()
    first = truth.new_ids(2)
    document.apply(AddBoxes(tuple(Box(i, 0, (0, 0, 1, 1)) for i in first)))
    document.apply(RemoveBoxes(tuple(first)))
    truth.columns()
    assert set(truth.new_ids(3)).isdisjoint({*first, 1, 2, 3, 4})
    truth.reserve_ids(100)
    assert truth.new_ids(1) == range(100, 101)
    truth.reserve_ids(5)
    assert truth.next_id == 101


def test_tracks_join_columns_and_edited_frames():
    document = make_document()
    truth = document.ground_truth()
    document.apply(AddBoxes((Box(8, 5, (0, 0, 1, 1), track=1),)))
    document.apply(SetTracks(((1, 7),)))
    assert [(box.frame, box.id) for box in truth.track(1)] == [(1, 3), (5, 8)]
    assert [box.id for box in truth.track(7)] == [1]
    assert truth.next_track() == 8


def test_frames_can_be_added_and_are_empty_and_unlabelled():
    document = make_document()
    truth = document.ground_truth()
    before = state_of(document)["sources"][0][1]
    truth.extend(12)
    assert truth.frame_count == 12 and truth.table().frame_count == 12
    assert truth.boxes(11) == () and truth.state(11) is FrameState.UNLABELLED
    assert state_of(document)["sources"][0][1] == before
    truth.extend(3)
    assert truth.frame_count == 12
    document.apply(AddBoxes((Box(9, 11, (0, 0, 1, 1)),)))
    assert [box.id for box in truth.boxes(11)] == [9]


_RECTS = st.tuples(*[st.integers(0, 9)] * 2, *[st.integers(10, 20)] * 2).map(lambda r: tuple(map(float, r)))
_FLAGS = st.sampled_from([0, 0, 0, int(BoxFlag.IGNORED), int(BoxFlag.OUTSIDE)])
_PUTS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 1), _RECTS, st.integers(0, 1), _FLAGS, st.booleans()))


@given(_PUTS)
def test_the_cached_table_of_a_frame_matches_its_boxes_after_every_change(puts):
    truth = GroundTruth(2)
    for box_id, frame, rect, class_id, flags, dropped in puts:
        found = truth.find(box_id)
        if dropped and found is not None:
            truth.drop(found)
        else:
            truth.put(Box(box_id, frame, rect, class_id, flags=flags))
        for number in range(2):
            # Read each time, so that the cache is used in the next round.
            cached, boxes = truth.frame_table(number), truth.boxes(number)
            seen = [box for box in boxes if not box.flags & BoxFlag.OUTSIDE]
            assert [truth.find(box.id) for box in boxes] == list(boxes)
            assert cached.ids.tolist() == [box.id for box in seen]
            assert cached.boxes.T.tolist() == [list(box.rect) for box in seen]
            assert cached.class_ids.tolist() == [box.class_id for box in seen]
            assert cached.ignored.tolist() == [bool(box.flags & BoxFlag.IGNORED) for box in seen]
            assert cached.offsets.tolist() == [0, len(seen)] and cached.scores.tolist() == [1.0] * len(seen)


def test_a_track_is_up_to_date_after_every_kind_of_change() -> None:
    truth = GroundTruth(6)
    boxes = [Box(f + 1, f, (0.0, 0.0, 5.0, 5.0), 0, 1) for f in range(3)]
    for box in boxes:
        truth.put(box)
    assert truth.track(1) == tuple(boxes) and truth.track(2) == ()
    moved = replace(boxes[1], rect=(1.0, 0.0, 6.0, 5.0))
    truth.put(moved)
    assert truth.track(1)[1] == moved
    truth.put(replace(moved, track=2))
    assert [b.id for b in truth.track(1)] == [1, 3] and [b.id for b in truth.track(2)] == [2]
    truth.drop(boxes[0])
    assert [b.id for b in truth.track(1)] == [3]
    truth.columns()
    truth.renumber(np.array([1, 2, 3, 4, 5, 0]), 6)
    assert [b.frame for b in truth.track(1)] == [3]


@given(
    moves=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 50), st.booleans(), st.booleans()), max_size=12),
)
def test_columns_that_take_turns_are_those_of_the_boxes_and_held_ones_never_change(moves):
    """Edits that only move boxes reuse the array before the last, unless another thread holds it."""
    truth = GroundTruth(4)
    rects = {number: (float(number), 1.0, number + 10.0, 20.0) for number in range(1, 13)}
    for number, rect in rects.items():
        truth.put(Box(number, number % 4, rect, 0, number))
    held = []
    for number, x, is_read, is_held in moves:
        rects[number] = (float(x), 2.0, x + 5.0, 30.0)
        truth.put(Box(number, number % 4, rects[number], 0, number))
        if is_read:
            boxes, ids = truth.columns()[1], truth.columns()[5]
            assert {i: tuple(boxes[:, row].tolist()) for row, i in enumerate(ids.tolist())} == rects
            if is_held:
                held.append((boxes, boxes.copy()))
            del boxes
    assert all(np.array_equal(boxes, copy) for boxes, copy in held)
