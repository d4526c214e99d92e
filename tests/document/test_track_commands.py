"""Commands on tracks: what they change in each scope, what they refuse, and that undo restores every bit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document import track_commands, tracks
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes
from iouviewer.document.sources import Source
from iouviewer.document.track_commands import Scope
from iouviewer.errors import UserError
from tests.document.builders import state_of

KEY, INTERPOLATED = int(BoxFlag.KEY_FRAME), int(BoxFlag.INTERPOLATED)
FRAMES = 12


def document_with(*boxes: Box) -> Document:
    document = Document()
    document.add_source(Source(0, "clip", "", 640, 480, FRAMES))
    document.class_names = ("person", "car")
    if boxes:
        document.apply(AddBoxes(boxes))
    return document


def box(id: int, frame: int, track: int = 1, flags: int = 0, class_id: int = 0) -> Box:
    return Box(id, frame, (10.0 * id, 10.0, 10.0 * id + 20.0, 40.0), class_id, track, flags)


def track_of(document: Document, number: int) -> list[int]:
    return [b.frame for b in document.ground_truth().track(number)]


def flagged(document: Document, flag: BoxFlag) -> list[int]:
    truth = document.ground_truth()
    return [b.frame for frame in range(FRAMES) for b in truth.boxes(frame) if b.flags & flag]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A few tracks with one box a frame at most, and boxes without a track."""
    boxes = []
    for track in range(draw(st.integers(0, 3))):
        for frame in draw(st.sets(st.integers(0, FRAMES - 1), min_size=1, max_size=6)):
            flags = draw(st.sampled_from((0, KEY, INTERPOLATED, int(BoxFlag.OCCLUDED))))
            boxes.append(box(len(boxes) + 1, frame, track + 1, flags, draw(st.integers(-1, 1))))
    for frame in draw(st.lists(st.integers(0, FRAMES - 1), max_size=3)):
        boxes.append(box(len(boxes) + 1, frame, NO_TRACK))
    return document_with(*boxes)


SCOPES = st.sampled_from(Scope)
NUMBERS = st.one_of(st.none(), st.just(NO_TRACK), st.integers(0, 4))
FLAGS = st.sampled_from((BoxFlag.KEY_FRAME, BoxFlag.OCCLUDED, BoxFlag.OUTSIDE, BoxFlag.IGNORED))


@given(documents(), st.data(), SCOPES)
def test_undo_restores_every_bit_and_redo_repeats_the_edit(document: Document, data: st.DataObject, scope: Scope):
    ids = data.draw(st.sets(st.integers(1, 15), max_size=3))
    builders = {
        "class": lambda: track_commands.set_class(document, ids, data.draw(st.integers(0, 1)), scope),
        "flag": lambda: track_commands.toggle_flag(document, ids, data.draw(FLAGS), scope),
        "track": lambda: track_commands.set_track(document, ids, data.draw(NUMBERS), scope),
        "delete": lambda: track_commands.delete_tracks(document, ids),
        "class of tracks": lambda: track_commands.set_class_of_tracks(document, ids, 1),
    }
    build = builders[data.draw(st.sampled_from(sorted(builders)))]
    before = state_of(document)
    try:
        command = build()
        applied = document.apply(command.edit)
    except UserError:
        assert state_of(document) == before
        return
    assert command.label
    after = state_of(document)
    if applied is None:
        assert after == before
        return
    undone = document.apply(applied.inverse)
    assert undone is not None and state_of(document) == before
    document.apply(undone.inverse)
    assert state_of(document) == after


@given(documents(), st.sets(st.integers(1, 15), min_size=1, max_size=3), NUMBERS, SCOPES)
def test_no_track_gets_two_boxes_on_a_frame(document: Document, ids: set[int], track: int | None, scope: Scope):
    try:
        command = track_commands.set_track(document, ids, track, scope)
    except UserError:
        return
    document.apply(command.edit)
    for frame in range(FRAMES):
        found = [b.track for b in document.ground_truth().boxes(frame) if b.track != NO_TRACK]
        assert len(found) == len(set(found))


@given(documents(), st.integers(1, 15), FLAGS, SCOPES)
def test_a_flag_changes_only_boxes_of_the_track_within_the_scope(
    document: Document, box_id: int, flag: BoxFlag, scope: Scope
):
    truth = document.ground_truth()
    selected = truth.find(box_id)
    if selected is None:
        return
    before = {b.id: b for frame in range(FRAMES) for b in truth.boxes(frame)}
    if flag is BoxFlag.KEY_FRAME and tracks.is_key(selected) and tracks.has_interpolated(truth, selected.track):
        return  # the next test
    document.apply(track_commands.toggle_flag(document, [box_id], flag, scope).edit)
    after = {b.id: b for frame in range(FRAMES) for b in truth.boxes(frame)}
    assert bool(after[box_id].flags & flag) is not bool(selected.flags & flag)
    for other_id, other in after.items():
        if other == before[other_id]:
            continue
        if selected.track == NO_TRACK or scope is Scope.FRAME or flag is BoxFlag.KEY_FRAME:
            assert other_id == box_id
        else:
            assert other.track == selected.track
            assert scope is Scope.TRACK or other.frame >= selected.frame


def test_a_box_among_interpolated_ones_is_interpolated_once_it_is_no_key_frame_any_more():
    document = document_with(*(box(f + 1, f, 7, INTERPOLATED if f in (1, 3) else 0) for f in range(5)))
    document.apply(track_commands.toggle_flag(document, [3], BoxFlag.KEY_FRAME, Scope.TRACK).edit)
    assert tracks.key_frames(document.ground_truth(), 7) == (0, 4)
    document.apply(track_commands.toggle_flag(document, [3], BoxFlag.KEY_FRAME, Scope.TRACK).edit)
    assert tracks.key_frames(document.ground_truth(), 7) == (0, 2, 4)
    with pytest.raises(UserError, match="stay key frames"):
        track_commands.toggle_flag(document, [1], BoxFlag.KEY_FRAME, Scope.TRACK)


def test_a_class_is_set_for_the_frame_from_here_or_for_the_whole_track():
    boxes = [box(1, 0), box(2, 1), box(3, 2), box(4, 1, track=2)]
    changed = {}
    for scope in Scope:
        document = document_with(*boxes)
        document.apply(track_commands.set_class(document, [2], 1, scope).edit)
        frames = [b for frame in range(FRAMES) for b in document.ground_truth().boxes(frame)]
        changed[scope] = [b.id for b in frames if b.class_id == 1]
    assert changed == {Scope.FRAME: [2], Scope.FROM_HERE: [2, 3], Scope.TRACK: [1, 2, 3]}


def test_a_flag_from_here_ends_before_the_next_key_frame():
    boxes = [box(n + 1, n, flags=KEY if n in (0, 4, 8) else INTERPOLATED) for n in range(10)]
    document = document_with(*boxes)
    command = track_commands.toggle_flag(document, [6], BoxFlag.OCCLUDED, Scope.FROM_HERE)
    assert command.label == "Mark person 1, frames 5–7 as occluded"
    document.apply(command.edit)
    assert flagged(document, BoxFlag.OCCLUDED) == [5, 6, 7]
    document.apply(track_commands.toggle_flag(document, [9], BoxFlag.OCCLUDED, Scope.FROM_HERE).edit)
    assert flagged(document, BoxFlag.OCCLUDED) == [5, 6, 7, 8, 9]


def test_a_flag_from_here_is_of_this_box_where_every_box_was_placed_by_hand():
    document = document_with(*(box(n + 1, n) for n in range(5)))
    document.apply(track_commands.toggle_flag(document, [3], BoxFlag.OUTSIDE, Scope.FROM_HERE).edit)
    assert flagged(document, BoxFlag.OUTSIDE) == [2]


def test_a_key_frame_is_always_a_single_one():
    document = document_with(*(box(n + 1, n, flags=INTERPOLATED if n else KEY) for n in range(5)))
    document.apply(track_commands.toggle_flag(document, [3], BoxFlag.KEY_FRAME, Scope.TRACK).edit)
    assert flagged(document, BoxFlag.KEY_FRAME) == [0, 2]


def test_a_track_id_is_set_in_each_scope():
    boxes = [box(n + 1, n) for n in range(4)]
    for scope, moved in ((Scope.FRAME, [1]), (Scope.FROM_HERE, [1, 2, 3]), (Scope.TRACK, [0, 1, 2, 3])):
        document = document_with(*boxes)
        document.apply(track_commands.set_track(document, [2], 20, scope).edit)
        assert track_of(document, 20) == moved


def test_a_new_track_gets_the_next_free_id():
    document = document_with(box(1, 0), box(2, 1), box(3, 0, track=7))
    command = track_commands.set_track(document, [2], None, Scope.FRAME)
    assert command.label == "Set track of person 1 to 8"
    document.apply(command.edit)
    assert track_of(document, 8) == [1]


def test_boxes_without_a_track_get_a_new_one_each():
    document = document_with(box(1, 0, NO_TRACK), box(2, 0, NO_TRACK))
    command = track_commands.set_track(document, [1, 2], None, Scope.TRACK)
    assert command.label == "Give 2 boxes 2 new tracks"
    document.apply(command.edit)
    assert track_of(document, 1) == [0] and track_of(document, 2) == [0]


def test_a_part_of_a_track_begins_with_a_key_frame():
    document = document_with(*(box(n + 1, n, flags=KEY if n in (0, 4) else INTERPOLATED) for n in range(5)))
    document.apply(track_commands.set_track(document, [3], 9, Scope.FROM_HERE).edit)
    first = document.ground_truth().track(9)[0]
    assert first.frame == 2 and first.flags == KEY


@pytest.mark.parametrize(
    ("ids", "track", "message"),
    [
        ([1], 2, "track 2 already has a box on this frame"),
        ([1, 3], 5, "track 5 already has a box on this frame"),
        ([1], 1, "nothing to change: the track is 1 already"),
        ([1], -2, "a track id must be in 0–1,000,000,000"),
        ([], 3, "no box is selected"),
    ],
)
def test_a_track_id_is_refused(ids: list[int], track: int, message: str):
    document = document_with(box(1, 0), box(2, 1), box(3, 0, track=2))
    with pytest.raises(UserError) as refused:
        track_commands.set_track(document, ids, track, Scope.TRACK)
    assert refused.value.message == message


def test_whole_tracks_are_deleted_in_one_step_and_named_with_their_boxes():
    document = document_with(box(1, 0), box(2, 1), box(3, 0, track=2), box(4, 0, NO_TRACK))
    assert track_commands.delete_tracks(document, [1]).label == "Delete person 1 (2 boxes)"
    command = track_commands.delete_tracks(document, [1, 2])
    assert command.label == "Delete 2 tracks (3 boxes)"
    document.apply(command.edit)
    assert len(document.ground_truth()) == 1


def test_the_class_of_several_tracks_is_one_step():
    document = document_with(box(1, 0), box(2, 1), box(3, 0, track=2))
    command = track_commands.set_class_of_tracks(document, [1, 2], 1)
    assert command.label == "Change class of 2 tracks to car"
    assert track_commands.set_class_of_tracks(document, [2], 1).label == "Change class of person 2 to car"
