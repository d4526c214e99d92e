"""Columns of tracks say the same as the boxes of the tracks, which are too many to build on long videos."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document import tracks
from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, RemoveBoxes, SetFlags, SetTracks
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.sources import Source
from iouviewer.document.track_commands import Scope, boxes_in_scope, frames_in_scope

FRAMES = 30


def edited_truth(seed: int) -> GroundTruth:
    """Boxes of four tracks that were loaded as columns, and some edits."""
    rng = np.random.default_rng(seed)
    document = Document()
    document.class_names = ("person", "car")
    truth = document.add_source(Source(0, "clip", "", 640, 480, FRAMES))
    count = 40
    corners = rng.uniform(0, 100, (2, count))
    truth.load_columns(
        rng.integers(0, FRAMES, count),
        np.concatenate([corners, corners + 20]),
        class_ids=rng.integers(0, 2, count),
        tracks=rng.integers(-1, 4, count),
        flags=rng.choice([0, 0, int(BoxFlag.KEY_FRAME), int(BoxFlag.INTERPOLATED)], count),
    )
    for _ in range(int(rng.integers(0, 6))):
        ids = truth.columns()[5]
        box_id = int(rng.choice(ids))
        flags = int(rng.choice([0, int(BoxFlag.KEY_FRAME), int(BoxFlag.INTERPOLATED)]))
        new = Box(truth.new_ids(1)[0], int(rng.integers(FRAMES)), (1.0, 1.0, 9.0, 9.0), 0, int(rng.integers(4)), flags)
        edits = (
            SetFlags(((box_id, flags),)),
            SetTracks(((box_id, int(rng.integers(4))),)),
            RemoveBoxes((box_id,)),
            AddBoxes((new,)),
        )
        document.apply(edits[int(rng.integers(len(edits)))])
    return truth


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_number_and_the_frames_of_a_scope_are_those_of_its_boxes(seed: int) -> None:
    truth = edited_truth(seed)
    boxes = [box for frame in range(FRAMES) for box in truth.boxes(frame)]
    chosen = [boxes[i] for i in np.random.default_rng(seed).integers(0, len(boxes), 3)]
    for selected in ([chosen[0]], chosen):
        for scope in Scope:
            for until_key_frame in (False, True):
                found = boxes_in_scope(truth, selected, scope, until_key_frame=until_key_frame)
                frames = [box.frame for box in found]
                counted = frames_in_scope(truth, selected, scope, until_key_frame=until_key_frame)
                assert counted == (len(found), min(frames), max(frames))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_key_frames_and_neighbours_are_those_of_the_boxes(seed: int) -> None:
    truth = edited_truth(seed)
    for track in range(4):
        boxes = truth.track(track)
        placed = [box.frame for box in boxes if tracks.is_key(box)]
        marked = [box.frame for box in boxes if box.flags & BoxFlag.KEY_FRAME]
        keys = placed if len(placed) < len(boxes) else marked or placed
        assert list(tracks.key_frames(truth, track)) == keys
        for frame in range(-1, FRAMES + 1):
            assert tracks.next_key_frame(truth, track, frame) == next((key for key in keys if key > frame), None)
            earlier = [key for key in keys if key < frame]
            assert tracks.previous_key_frame(truth, track, frame) == (earlier[-1] if earlier else None)
            continued = tracks.continued_track(truth, track, frame)
            before = [box for box in boxes if box.frame < frame]
            is_free = all(box.frame != frame for box in boxes)
            after = [box for box in boxes if box.frame > frame]
            assert (continued is not None) == (is_free and bool(boxes))
            if continued is not None:
                assert continued.frame == (before[-1].frame if before else after[0].frame)


def test_columns_of_a_track_follow_edits() -> None:
    document = Document()
    document.class_names = ("person", "car")
    truth = document.add_source(Source(0, "clip", "", 640, 480, FRAMES))
    document.apply(AddBoxes(tuple(Box(i + 1, i, (0.0, 0.0, 9.0, 9.0), 0, 7, 0) for i in range(5))))
    assert truth.track_columns(7)[0].tolist() == [0, 1, 2, 3, 4]
    document.apply(RemoveBoxes((3,)))
    assert truth.track_columns(7)[0].tolist() == [0, 1, 3, 4]
    document.apply(SetTracks(((1, 8),)))
    assert truth.track_columns(7)[0].tolist() == [1, 3, 4]
    assert truth.track_columns(8)[0].tolist() == [0]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_columns_and_table_after_edits_are_those_of_the_boxes(seed: int) -> None:
    truth = edited_truth(seed)
    truth.table()
    rng = np.random.default_rng(seed)
    boxes = [box for frame in range(FRAMES) for box in truth.boxes(frame)]
    for box in (boxes[i] for i in rng.integers(0, len(boxes), 4)):
        truth.put(Box(box.id, box.frame, (2.0, 3.0, 40.0, 50.0), box.class_id, box.track, box.flags))
    if rng.random() < 0.5:
        truth.drop(boxes[-1])
    expected = [box for frame in range(FRAMES) for box in truth.boxes(frame)]
    table = truth.table()
    frames, rects, class_ids, numbers, flags, ids = truth.columns()
    assert rects.T.tolist() == [list(box.rect) for box in expected]
    columns = [(box.frame, box.class_id, box.track, box.flags, box.id) for box in expected]
    assert np.stack((frames, class_ids, numbers, flags, ids), axis=1).tolist() == [list(row) for row in columns]
    assert table.ids.tolist() == [box.id for box in expected]
    assert table.boxes.T.tolist() == [list(box.rect) for box in expected]
    assert all(truth.find(box.id) == box for box in expected)
    assert truth.next_track() == max(0, *(box.track for box in expected)) + 1
    assert truth.has_tracks() == any(box.track != -1 for box in expected)


def test_columns_that_were_read_never_change() -> None:
    document = Document()
    truth = document.add_source(Source(0, "clip", "", 640, 480, FRAMES))
    document.class_names = ("person", "car")
    rects = np.tile(np.array([[1.0], [2.0], [30.0], [40.0]]), (1, 20))
    zeros = np.zeros(20, np.int64)
    truth.load_columns(np.arange(20), rects, class_ids=zeros, tracks=zeros + 1, flags=zeros)
    kept, expected = [], []
    for step in range(6):
        box = truth.boxes(step)[0]
        truth.put(Box(box.id, box.frame, (5.0 + step, 6.0, 50.0, 60.0), 0, 1, 0))
        boxes = truth.columns()[1]
        if step % 2:
            # A view of the array is held, like that of a table in a thread.
            kept.append(boxes[:, 3:9])
            expected.append(kept[-1].copy())
        del boxes
    assert all(np.array_equal(view, values) for view, values in zip(kept, expected, strict=True))
    assert truth.boxes(5)[0].rect == (10.0, 6.0, 50.0, 60.0)
