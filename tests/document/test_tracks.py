"""Tracks: key frames, interpolation, continued tracks, and one box a frame."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document import tracks
from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, Batch, FrameState, SetRects
from iouviewer.document.sources import Source
from iouviewer.errors import UserError


def document_with(*boxes: Box, frames: int = 20) -> Document:
    document = Document()
    document.add_source(Source(0, "clip", "", 640, 480, frames))
    document.class_names = ("person",)
    if boxes:
        document.apply(AddBoxes(boxes))
    return document


def box(id: int, frame: int, x: float = 0.0, *, track: int = 1, flags: int = 0) -> Box:
    return Box(id, frame, (x, 10.0, x + 20.0, 40.0), 0, track, flags)


def run(document: Document, edits) -> object:
    applied = document.apply(Batch(tuple(edits)))
    assert applied is not None
    return applied.inverse


def test_a_track_that_does_not_exist_has_no_key_frames():
    truth = document_with().ground_truth()
    assert tracks.key_frames(truth, 1) == ()
    assert tracks.next_key_frame(truth, 1, 0) is None
    assert tracks.previous_key_frame(truth, 1, 5) is None


def test_key_frames_are_the_placed_boxes_among_interpolated_ones_else_the_marked_ones_else_all():
    plain = document_with(box(1, 2), box(2, 3), box(3, 4, flags=int(BoxFlag.INTERPOLATED))).ground_truth()
    assert tracks.key_frames(plain, 1) == (2, 3)
    flagged = document_with(box(1, 2, flags=int(BoxFlag.KEY_FRAME)), box(2, 3)).ground_truth()
    assert tracks.key_frames(flagged, 1) == (2,)
    mixed = document_with(
        box(1, 2), box(2, 3, flags=int(BoxFlag.INTERPOLATED)), box(3, 4, flags=int(BoxFlag.KEY_FRAME))
    ).ground_truth()
    assert tracks.key_frames(mixed, 1) == (2, 4)
    assert tracks.key_frames(document_with(box(1, 2), box(2, 3)).ground_truth(), 1) == (2, 3)


def test_next_and_previous_key_frames_exclude_the_current_frame():
    truth = document_with(box(1, 2), box(2, 5), box(3, 9)).ground_truth()
    assert tracks.next_key_frame(truth, 1, 2) == 5
    assert tracks.next_key_frame(truth, 1, 3) == 5
    assert tracks.previous_key_frame(truth, 1, 5) == 2
    assert tracks.next_key_frame(truth, 1, 9) is None


def test_interpolation_fills_the_gap_on_a_straight_line_and_labels_its_frames():
    document = document_with(box(1, 2, 0.0), box(2, 6, 8.0))
    truth = document.ground_truth()
    run(document, tracks.interpolate(truth, truth.find(1), truth.find(2)))
    filled = {b.frame: b for b in truth.track(1) if b.flags & BoxFlag.INTERPOLATED}
    assert sorted(filled) == [3, 4, 5]
    oracle = {frame: tuple(np.array((0, 10, 20, 40)) + np.array((2, 0, 2, 0)) * (frame - 2)) for frame in filled}
    assert {frame: b.rect for frame, b in filled.items()} == oracle
    assert all(truth.state(frame) is FrameState.LABELLED for frame in filled)


def test_interpolation_moves_interpolated_boxes_and_keeps_placed_ones():
    document = document_with(
        box(1, 0, 0.0), box(2, 1, 99.0, flags=int(BoxFlag.INTERPOLATED)), box(3, 2, 50.0), box(4, 4, 8.0)
    )
    truth = document.ground_truth()
    run(document, tracks.interpolate(truth, truth.find(1), truth.find(4)))
    assert truth.find(2).rect[0] == 2.0
    assert truth.find(3).rect[0] == 50.0


def test_a_box_outside_the_frame_is_not_interpolated_from():
    document = document_with(
        box(1, 0, flags=int(BoxFlag.OUTSIDE)), box(2, 1, flags=int(BoxFlag.INTERPOLATED)), box(3, 4)
    )
    truth = document.ground_truth()
    run(document, tracks.interpolate(truth, truth.find(1), truth.find(3)))
    assert [b.frame for b in truth.track(1)] == [0, 4]


def test_undoing_an_interpolation_restores_the_bits():
    document = document_with(box(1, 2, 0.1), box(2, 9, 7.7))
    truth = document.ground_truth()
    before, states = truth.track(1), truth.states().copy()
    inverse = run(document, tracks.interpolate(truth, truth.find(1), truth.find(2)))
    document.apply(inverse)
    assert truth.track(1) == before
    assert np.array_equal(truth.states(), states)


def test_boxes_of_two_tracks_cannot_be_interpolated():
    truth = document_with(box(1, 0, track=1), box(2, 4, track=2)).ground_truth()
    with pytest.raises(UserError, match="one track"):
        tracks.interpolate(truth, truth.find(1), truth.find(2))


def test_moving_an_interpolated_box_makes_it_a_key_frame_and_updates_both_sides():
    document = document_with(box(1, 0, 0.0), box(2, 4, 8.0))
    truth = document.ground_truth()
    run(document, tracks.interpolate(truth, truth.find(1), truth.find(2)))
    middle = next(b for b in truth.track(1) if b.frame == 2)
    rect = (100.0, 10.0, 120.0, 40.0)
    run(document, [SetRects(((middle.id, rect),)), *tracks.update_interpolated(truth, {middle.id: rect})])
    assert [b.rect[0] for b in truth.track(1)] == [0.0, 50.0, 100.0, 54.0, 8.0]
    now = truth.find(middle.id)
    assert now.flags & BoxFlag.KEY_FRAME and not now.flags & BoxFlag.INTERPOLATED


def test_a_track_without_interpolated_boxes_needs_no_further_edits():
    truth = document_with(box(1, 0), box(2, 1), box(3, 2)).ground_truth()
    assert tracks.update_interpolated(truth, {2: (5.0, 5.0, 9.0, 9.0)}) == ()


def test_a_box_that_is_added_to_a_track_is_joined_to_its_neighbours_on_straight_lines():
    document = document_with(box(1, 2, 0.0), box(2, 12, 100.0))
    truth = document.ground_truth()
    new = box(truth.new_ids(1)[0], 6, 8.0)
    assert tracks.count_filled(truth, 1, 6) == 3 + 5
    run(document, [AddBoxes((new,)), *tracks.fill_beside(truth, new)])
    assert [b.frame for b in truth.track(1)] == list(range(2, 13))
    assert {b.frame: b.rect[0] for b in truth.track(1)}[4] == 4.0
    assert tracks.key_frames(truth, 1) == (2, 6, 12)


def test_a_far_neighbour_is_left_alone():
    document = document_with(box(1, 0), frames=100)
    truth = document.ground_truth()
    new = box(3, tracks.MAX_CONTINUED_GAP + 1)
    assert tracks.continued_track(truth, 1, new.frame) is None
    assert tracks.count_filled(truth, 1, new.frame) == 0 and tracks.fill_beside(truth, new) == ()


def test_a_track_is_continued_after_its_end_and_before_its_start():
    truth = document_with(box(1, 5), box(2, 6), frames=100).ground_truth()
    ids = {frame: found.id for frame in range(100) if (found := tracks.continued_track(truth, 1, frame)) is not None}
    assert ids == {**dict.fromkeys(range(5), 1), **dict.fromkeys(range(7, 6 + tracks.MAX_CONTINUED_GAP + 1), 2)}


def test_copies_beyond_the_last_key_frame_follow_the_box_that_they_are_copies_of():
    copies = [box(10 + f, f, 4.0, flags=int(BoxFlag.INTERPOLATED)) for f in (3, 4, 5)]
    document = document_with(box(1, 0, 4.0), *copies)
    truth = document.ground_truth()
    rect = (40.0, 10.0, 60.0, 40.0)
    run(document, [SetRects(((13, rect),)), *tracks.update_interpolated(truth, {13: rect})])
    assert [b.rect[0] for b in truth.track(1)] == [4.0, 40.0, 40.0, 40.0]


def test_of_boxes_that_share_track_and_frame_the_first_keeps_it():
    frames = np.array([0, 0, 0, 1, 1, 2, 2])
    numbers = np.array([5, 5, 5, 5, 5, -1, -1])
    found, count = tracks.separate_doubles(frames, numbers)
    assert count == 3 and found.tolist() == [5, 6, 7, 5, 6, -1, -1]
    assert tracks.separate_doubles(frames[:1], numbers[:1])[0] is not None
    none = np.zeros(0, np.int64)
    assert tracks.separate_doubles(none, none)[1] == 0
