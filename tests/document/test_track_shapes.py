"""Merge, split, swap, trim, extend, delete a part of tracks; every edit keeps one box a track and frame."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document import key_frames, track_shapes, tracks
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.commands import Command
from iouviewer.document.document import Document
from iouviewer.document.edits import SetRects
from iouviewer.errors import UserError
from tests.document.test_track_commands import FRAMES, box, document_with, documents, state_of, track_of

INTERPOLATED = int(BoxFlag.INTERPOLATED)


def run(document: Document, command: Command) -> None:
    assert document.apply(command.edit) is not None


def test_merging_keeps_the_winner_where_both_have_a_box_and_undo_restores_the_other() -> None:
    document = document_with(*(box(f + 1, f, 16) for f in range(5)), *(box(f + 11, f, 9) for f in range(3, 7)))
    before = state_of(document)
    merging = track_shapes.plan_merge(document.ground_truth(), 9, [16])
    assert merging.overlap.tolist() == [3, 4]
    assert track_shapes.merge_question(document, merging) == "Merge 16 into 9? 2 frames overlap (3–4): 9 wins."
    applied = document.apply(track_shapes.merge(document, merging).edit)
    assert applied is not None
    assert {b.frame: b.id for b in document.ground_truth().track(9)} == {0: 1, 1: 2, 2: 3, 3: 14, 4: 15, 5: 16, 6: 17}
    assert not document.ground_truth().has_track(16)
    document.apply(applied.inverse)
    assert state_of(document) == before


def test_the_other_winner_keeps_its_boxes() -> None:
    document = document_with(*(box(f + 1, f, 16) for f in range(5)), *(box(f + 11, f, 9) for f in range(3, 7)))
    merging = track_shapes.plan_merge(document.ground_truth(), 16, [9])
    run(document, track_shapes.merge(document, merging))
    assert [b.id for b in document.ground_truth().track(16)] == [1, 2, 3, 4, 5, 16, 17]


def test_several_tracks_become_one_and_the_question_says_so() -> None:
    document = document_with(box(1, 0, 3), box(2, 1, 5), box(3, 1, 7), box(4, 3, 7))
    merging = track_shapes.plan_merge(document.ground_truth(), 3, [5, 7])
    assert track_shapes.merge_question(document, merging) == "Merge 2 tracks into 3? 1 frame overlaps (1): 3 wins."
    run(document, track_shapes.merge(document, merging))
    assert track_of(document, 3) == [0, 1, 3] and len(document.ground_truth()) == 3


@pytest.mark.parametrize("pair", [(1, 1), (1, 8), (NO_TRACK, 1), (8, 1)])
def test_merging_needs_two_tracks(pair: tuple[int, int]) -> None:
    document = document_with(box(1, 0, 1), box(2, 0, NO_TRACK))
    with pytest.raises(UserError, match="two tracks"):
        track_shapes.plan_merge(document.ground_truth(), pair[0], [pair[1]])


def test_the_boxes_of_a_merged_track_get_the_class_of_the_winner() -> None:
    document = document_with(box(1, 0, 1), Box(2, 1, (0.0, 0.0, 9.0, 9.0), 1, 2))
    merging = track_shapes.plan_merge(document.ground_truth(), 1, [2])
    assert track_shapes.merge_question(document, merging).endswith(
        f"All boxes become {document.class_name(document.ground_truth().track(1)[0].class_id)}."
    )
    run(document, track_shapes.merge(document, merging))
    assert len({b.class_id for b in document.ground_truth().track(1)}) == 1


def test_a_cut_never_leaves_an_interpolated_box_at_an_end() -> None:
    boxes = [box(f + 1, f, 7, INTERPOLATED if f in (1, 2, 3) else 0) for f in range(5)]
    document = document_with(*boxes)
    run(document, track_shapes.split(document, 7, 2))
    truth = document.ground_truth()
    assert track_of(document, 7) == [0, 1] and track_of(document, 8) == [2, 3, 4]
    assert tracks.is_key(truth.track(7)[-1]) and tracks.is_key(truth.track(8)[0])


@pytest.mark.parametrize("frame", [0, 5])
def test_a_track_is_not_split_at_its_ends(frame: int) -> None:
    with pytest.raises(UserError, match="cannot be split"):
        track_shapes.split(document_with(*(box(f + 1, f, 7) for f in range(5))), 7, frame)


def test_ids_are_swapped_from_here_or_in_a_range_and_back() -> None:
    document = document_with(*(box(f + 1, f, 1) for f in range(5)), *(box(f + 11, f, 2) for f in range(5)))
    before = state_of(document)
    run(document, track_shapes.swap(document, 1, 2, 3))
    assert [b.id for b in document.ground_truth().track(1)] == [1, 2, 3, 14, 15]
    run(document, track_shapes.swap(document, 1, 2, 3))
    assert state_of(document) == before
    command = track_shapes.swap(document, 1, 2, 1, 2)
    assert command.label == "Swap tracks 1 and 2 in frames 1–2"
    run(document, command)
    assert [b.id for b in document.ground_truth().track(2)] == [11, 2, 3, 14, 15]


def test_a_swap_needs_two_tracks_with_a_box_there() -> None:
    document = document_with(box(1, 0, 1), box(2, 0, 2))
    for one, other, frame, message in ((1, 1, 0, "two tracks"), (1, NO_TRACK, 0, "two tracks"), (1, 2, 4, "neither")):
        with pytest.raises(UserError, match=message):
            track_shapes.swap(document, one, other, frame)


def test_an_end_is_trimmed_or_extended_with_copies_that_follow_a_correction() -> None:
    document = document_with(*(box(f + 1, f, 7, INTERPOLATED if f in (2, 4) else 0) for f in range(1, 6)))
    truth = document.ground_truth()
    command = track_shapes.set_end(document, 7, 2, at_start=True)
    assert command.label == "Trim start of person 7 (1 box)"
    run(document, command)
    assert track_of(document, 7) == [2, 3, 4, 5] and tracks.is_key(truth.track(7)[0])
    run(document, track_shapes.set_end(document, 7, 4, at_start=False))
    assert track_of(document, 7) == [2, 3, 4] and tracks.is_key(truth.track(7)[-1])
    assert track_shapes.end_change(truth, 7, 0, at_start=True) == track_shapes.EndChange(0, 2)
    command = track_shapes.set_end(document, 7, 0, at_start=True)
    assert command.label == "Extend person 7 to frame 0 (2 boxes)"
    run(document, command)
    assert track_of(document, 7) == [0, 1, 2, 3, 4]
    assert {b.rect for b in truth.track(7)[:3]} == {truth.track(7)[2].rect}
    assert [tracks.is_key(b) for b in truth.track(7)[:3]] == [False, False, True]


@pytest.mark.parametrize(
    ("frame", "at_start", "message"), [(1, True, "before"), (3, False, "after"), (9, True, "trim")]
)
def test_an_end_that_is_there_already_is_refused(frame: int, at_start: bool, message: str) -> None:
    with pytest.raises(UserError, match=message):
        track_shapes.set_end(document_with(*(box(f, f, 7) for f in (1, 2, 3))), 7, frame, at_start=at_start)


def test_a_part_is_deleted_and_gaps_are_filled_again() -> None:
    document = document_with(*(box(f + 1, f, 1) for f in range(6)), *(box(f + 21, f, 2) for f in range(6)))
    command = track_shapes.delete_range(document, [1, 2], 2, 3)
    assert command.label == "Delete 2 tracks, frames 2–3 (4 boxes)"
    run(document, command)
    assert track_of(document, 1) == track_of(document, 2) == [0, 1, 4, 5]
    fill = track_shapes.fill_gaps(document, [1])
    assert fill.label == "Fill gaps of person 1 (2 boxes)"
    run(document, fill)
    assert track_of(document, 1) == list(range(6)) and track_of(document, 2) == [0, 1, 4, 5]
    with pytest.raises(UserError, match="no selected track has a gap"):
        track_shapes.fill_gaps(document, [1])
    run(document, track_shapes.delete_range(document, [2], 4, 5))
    assert track_of(document, 2) == [0, 1]
    with pytest.raises(UserError, match="no selected track has a box"):
        track_shapes.delete_range(document, [2], 4, 5)


# Key frames


def sparse() -> Document:
    """Track 7 with key boxes at 0, 4 and 8, whose x is 0, 40 and 0."""
    keys = [Box(f + 1, f, (x, 0.0, x + 10, 10.0), 0, 7) for f, x in ((0, 0.0), (4, 40.0), (8, 0.0))]
    document = document_with(*keys)
    run(document, track_shapes.fill_gaps(document, [7]))
    return document


def xs(document: Document) -> dict[int, float]:
    return {b.frame: b.rect[0] for b in document.ground_truth().track(7)}


def test_a_key_frame_that_is_removed_leaves_its_box_on_the_line_of_the_others() -> None:
    document = sparse()
    run(document, key_frames.remove(document, 7, {4}))
    assert set(xs(document).values()) == {0.0} and tracks.key_frames(document.ground_truth(), 7) == (0, 8)
    with pytest.raises(UserError, match="stay key frames"):
        key_frames.remove(document, 7, {0, 8})


def test_boxes_that_follow_the_object_stay_when_a_key_frame_is_removed() -> None:
    document = sparse()
    truth = document.ground_truth()
    bent = next(b for b in truth.track(7) if b.frame == 2)
    document.apply(SetRects(((bent.id, (33.0, 0.0, 43.0, 10.0)),)))
    before = xs(document)
    run(document, key_frames.remove(document, 7, {4}))
    assert xs(document) == before and tracks.key_frames(truth, 7) == (0, 8)


def test_a_key_frame_is_moved_and_the_boxes_between_follow() -> None:
    document = sparse()
    before = state_of(document)
    command = key_frames.move(document, 7, {4}, 2)
    assert command.label == "Move key frame of person 7 from 4 to 6"
    applied = document.apply(command.edit)
    assert applied is not None
    assert tracks.key_frames(document.ground_truth(), 7) == (0, 6, 8)
    assert xs(document)[6] == 40.0 and xs(document)[3] == 20.0 and xs(document)[7] == 20.0
    document.apply(applied.inverse)
    assert state_of(document) == before


def test_a_key_frame_stops_before_the_next_one_and_the_first_takes_the_start_along() -> None:
    document = sparse()
    assert key_frames.allowed_move(document.ground_truth(), 7, {4}, 100) == 3
    run(document, key_frames.move(document, 7, {0}, 2))
    assert sorted(xs(document)) == list(range(2, 9)) and xs(document)[2] == 0.0 and xs(document)[3] == 20.0
    run(document, key_frames.move(document, 7, {8}, 1))
    assert sorted(xs(document)) == list(range(2, 10)) and xs(document)[9] == 0.0


def test_a_key_frame_is_copied_within_and_beyond_the_track() -> None:
    document = sparse()
    run(document, key_frames.copy(document, 7, 4, 6))
    assert xs(document)[6] == xs(document)[5] == 40.0 and xs(document)[7] == 20.0
    run(document, key_frames.copy(document, 7, 4, 10))
    assert xs(document)[10] == 40.0 and xs(document)[9] == 20.0
    with pytest.raises(UserError, match="no key frame to copy"):
        key_frames.copy(document, 7, 4, 4)


# Invariants


COMMANDS: dict[str, Callable[[Document, int, int, int, int], Command]] = {
    "merge": lambda d, t, u, f, g: track_shapes.merge(d, track_shapes.plan_merge(d.ground_truth(), t, [u])),
    "split": lambda d, t, u, f, g: track_shapes.split(d, t, f),
    "swap": lambda d, t, u, f, g: track_shapes.swap(d, t, u, f),
    "swap in a range": lambda d, t, u, f, g: track_shapes.swap(d, t, u, min(f, g), max(f, g)),
    "start": lambda d, t, u, f, g: track_shapes.set_end(d, t, f, at_start=True),
    "end": lambda d, t, u, f, g: track_shapes.set_end(d, t, f, at_start=False),
    "delete": lambda d, t, u, f, g: track_shapes.delete_range(d, [t, u], min(f, g), max(f, g)),
    "fill": lambda d, t, u, f, g: track_shapes.fill_gaps(d, [t, u]),
    "move": lambda d, t, u, f, g: key_frames.move(d, t, {f}, g - f),
    "copy": lambda d, t, u, f, g: key_frames.copy(d, t, f, g),
    "remove": lambda d, t, u, f, g: key_frames.remove(d, t, {f, g}),
}


@given(
    documents(),
    st.sampled_from(sorted(COMMANDS)),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, FRAMES - 1),
    st.integers(0, FRAMES - 1),
)
def test_every_edit_keeps_one_box_a_frame_and_is_undone_to_the_bit(
    document: Document, name: str, track: int, other: int, first: int, second: int
) -> None:
    before = state_of(document)
    try:
        command = COMMANDS[name](document, track, other, first, second)
        applied = document.apply(command.edit)
    except UserError:
        assert state_of(document) == before
        return
    assert command.label
    for frame in range(FRAMES):
        found = [b.track for b in document.ground_truth().boxes(frame) if b.track != NO_TRACK]
        assert len(found) == len(set(found))
    if applied is not None:
        document.apply(applied.inverse)
    assert state_of(document) == before
