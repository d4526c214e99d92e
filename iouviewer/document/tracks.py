"""Tracks: key frames, interpolation between two key frames, merge, split, swap.

The functions read the ground truth and return edits (or frame numbers); the session executes the edits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from iouviewer.document.boxes import MIN_SIZE, NO_TRACK, Box, BoxFlag, Rect
from iouviewer.document.edits import (
    AddBoxes,
    Change,
    Edit,
    FrameMark,
    FrameState,
    RemoveBoxes,
    SetFlags,
    SetFrames,
    SetRects,
    SetTracks,
)
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Int

MAX_CONTINUED_GAP = 30
"""How many frames ago a track may have ended for a new box to continue it."""


def is_key(box: Box) -> bool:
    """Whether a box was placed by a person or read from a file, not interpolated."""
    return not box.flags & BoxFlag.INTERPOLATED


def key_frames(truth: GroundTruth, track: int) -> tuple[int, ...]:
    """Frames of the track's key boxes in order.

    Where no box has the flag KEY_FRAME (formats without key frames), these are all boxes that are not interpolated.
    """
    return tuple(_key_frames(truth, track).tolist())


def _key_frames(truth: GroundTruth, track: int) -> Int:
    """``key_frames`` as (K,) int64; tracks can have a hundred thousand boxes."""
    frames, _class_ids, flags, _ids = truth.track_columns(track)
    keys: Int = frames[(flags & int(BoxFlag.KEY_FRAME)) != 0]
    return keys if len(keys) else frames[(flags & int(BoxFlag.INTERPOLATED)) == 0]


def next_key_frame(truth: GroundTruth, track: int, frame: int) -> int | None:
    """The first key frame of the track after ``frame``, or None."""
    keys = _key_frames(truth, track)
    place = int(np.searchsorted(keys, frame, side="right"))
    return int(keys[place]) if place < len(keys) else None


def previous_key_frame(truth: GroundTruth, track: int, frame: int) -> int | None:
    """The last key frame of the track before ``frame``, or None."""
    keys = _key_frames(truth, track)
    place = int(np.searchsorted(keys, frame, side="left"))
    return int(keys[place - 1]) if place else None


def interpolate_rect(first: Box, last: Box, frame: int) -> Rect:
    """The rectangle at ``frame`` on the straight line between two boxes, pixels."""
    share = (frame - first.frame) / (last.frame - first.frame)
    x1, y1, x2, y2 = (a + (b - a) * share for a, b in zip(first.rect, last.rect, strict=True))
    return x1, y1, x2, y2


def interpolate(truth: GroundTruth, first: Box, last: Box, *, source: int = 0) -> tuple[Edit, ...]:
    """Edits that fill the frames between two boxes of a track with interpolated boxes.

    Existing interpolated boxes are moved; boxes that a person placed in between stay. Interpolation does not start at a
    box outside the frame; interpolated boxes after it are removed.

    Args:
        first, last: the key boxes of one track with their new values (they need not be stored yet).

    Raises:
        UserError: the boxes have no track, or different ones.
    """
    if first.track == NO_TRACK or first.track != last.track:
        raise UserError(tr("interpolation needs two boxes of one track"))
    if first.frame > last.frame:
        first, last = last, first
    existing = {box.frame: box for box in truth.track(first.track) if first.frame < box.frame < last.frame}
    if first.flags & BoxFlag.OUTSIDE:
        removed = tuple(box.id for box in existing.values() if not is_key(box))
        return (RemoveBoxes(removed, source),) if removed else ()
    moved = [(box.id, interpolate_rect(first, last, f)) for f, box in existing.items() if not is_key(box)]
    empty = [frame for frame in range(first.frame + 1, last.frame) if frame not in existing]
    edits: list[Edit] = []
    if moved:
        edits.append(SetRects(tuple(moved), source))
    if empty:
        edits.extend(_fill(truth, first, last, empty, source))
    return tuple(edits)


def _fill(truth: GroundTruth, first: Box, last: Box, frames: list[int], source: int) -> Iterator[Edit]:
    flags = int(BoxFlag.INTERPOLATED) | (first.flags & (BoxFlag.OCCLUDED | BoxFlag.IGNORED | BoxFlag.TRUNCATED))
    yield AddBoxes(
        tuple(
            Box(box_id, frame, interpolate_rect(first, last, frame), first.class_id, first.track, flags)
            for box_id, frame in zip(truth.new_ids(len(frames)), frames, strict=True)
        ),
        source,
    )
    marks = labelled_marks(truth, frames)
    if marks:
        yield SetFrames(marks, source)


def labelled_marks(truth: GroundTruth, frames: Iterable[int]) -> tuple[FrameMark, ...]:
    """Marks that set the unlabelled ones of these frames to labelled, because a frame with a box is labelled."""
    unlabelled = (f for f in dict.fromkeys(frames) if truth.state(f) is FrameState.UNLABELLED)
    return tuple(truth.mark(f)._replace(state=FrameState.LABELLED) for f in unlabelled)


def outdated_marks(truth: GroundTruth, change: Change) -> tuple[FrameMark, ...]:
    """Marks of the verified frames whose boxes a change affected: they are no longer verified."""
    if not change.box_ids:
        return ()
    verified = (f for f in sorted(change.frames) if truth.is_verified(f))
    return tuple(truth.mark(f)._replace(verified=False, changed=True) for f in verified)


def update_interpolated(
    truth: GroundTruth, rects: Mapping[int, Rect], *, before: Mapping[int, Rect] | None = None, source: int = 0
) -> tuple[Edit, ...]:
    """Additional edits that follow when a user gives boxes new rectangles.

    An interpolated box becomes a key frame, and interpolated boxes up to the neighbouring key frames follow. Tracks
    without interpolated boxes need none.

    Args:
        rects: new rectangle by box id.
        before: earlier rectangle by box id, where the ground truth shows the new one already (a preview).
    """
    edits: list[Edit] = []
    for box_id, rect in rects.items():
        old = truth.find(box_id)
        if old is None or old.track == NO_TRACK:
            continue
        flags = truth.track_columns(old.track)[2]
        if not (flags & int(BoxFlag.INTERPOLATED)).any():
            continue
        track = truth.track(old.track)
        if before is not None and box_id in before:
            old = replace(old, rect=before[box_id])
        moved = replace(old, rect=rect, flags=key_flags(old.flags))
        if moved.flags != old.flags:
            edits.append(SetFlags(((box_id, moved.flags),), source))
        keys = [box for box in track if is_key(box) and box.id != box_id]
        earlier = [box for box in keys if box.frame < old.frame][-1:]
        later = [box for box in keys if box.frame > old.frame][:1]
        for key in earlier:
            edits.extend(_update_span(track, (key, old), (key, moved), source))
        for key in later:
            edits.extend(_update_span(track, (old, key), (moved, key), source))
    return tuple(edits)


def _update_span(track: tuple[Box, ...], old: tuple[Box, Box], new: tuple[Box, Box], source: int) -> Iterator[Edit]:
    """Move the interpolated boxes between two boxes of which one moves.

    On a straight line they stay on one. Boxes that follow the object (by propagation) keep their course: each takes
    the share of the move that its place between the two gives it.
    """
    (first, last), (new_first, new_last) = old, new
    inside = [box for box in track if first.frame < box.frame < last.frame and not is_key(box)]
    if not inside:
        return
    if all(_is_near(box.rect, interpolate_rect(first, last, box.frame)) for box in inside):
        moved = tuple((box.id, interpolate_rect(new_first, new_last, box.frame)) for box in inside)
    else:
        moved = tuple((box.id, _shift(box, old, new)) for box in inside)
    yield SetRects(moved, source)


_STRAIGHT = 1e-6
"""Pixels by which a box may leave the straight line between its key boxes and still count as interpolated on it."""


def _is_near(a: Rect, b: Rect) -> bool:
    return all(abs(x - y) <= _STRAIGHT for x, y in zip(a, b, strict=True))


def _shift(box: Box, old: tuple[Box, Box], new: tuple[Box, Box]) -> Rect:
    """The rectangle moved by what the straight line between its key boxes moves."""
    before, after = interpolate_rect(*old, box.frame), interpolate_rect(*new, box.frame)
    x1, y1, x2, y2 = (value + b - a for value, a, b in zip(box.rect, before, after, strict=True))
    return x1, y1, max(x2, x1 + MIN_SIZE), max(y2, y1 + MIN_SIZE)


def key_flags(flags: int) -> int:
    """The flags of a box that a person placed: key frame, not interpolated."""
    return (flags | BoxFlag.KEY_FRAME) & ~int(BoxFlag.INTERPOLATED)


def continued_track(truth: GroundTruth, track: int | None, frame: int) -> Box | None:
    """The last box of a track before ``frame`` if a box drawn there continues the track, else None.

    It does if the track has no box there and had one at most ``MAX_CONTINUED_GAP`` frames before.
    """
    if track is None or track == NO_TRACK:
        return None
    frames, _class_ids, _flags, ids = truth.track_columns(track)
    place = int(np.searchsorted(frames, frame))
    if place < len(frames) and frames[place] == frame:
        return None
    is_near = place > 0 and frame - frames[place - 1] <= MAX_CONTINUED_GAP
    return truth.find(int(ids[place - 1])) if is_near else None


def continuing_flags(truth: GroundTruth, track: int) -> int:
    """The flags of a box that a person adds to a track: a key frame where the track marks its key frames."""
    is_marked = bool((truth.track_columns(track)[2] & int(BoxFlag.KEY_FRAME)).any())
    return int(BoxFlag.KEY_FRAME) if is_marked else 0


def new_tracks(truth: GroundTruth, count: int) -> tuple[int, ...]:
    """Tracks of ``count`` new objects: the next free ids, or none where the ground truth has boxes but no tracks."""
    if len(truth) and not truth.has_tracks():
        return (NO_TRACK,) * count
    first = truth.next_track()
    return tuple(range(first, first + count))


def merge(truth: GroundTruth, tracks: Iterable[int], *, source: int = 0) -> Edit:
    """Give all boxes of these tracks the lowest of their ids.

    Raises:
        UserError: fewer than two tracks, or two of them have a box on the same frame.
    """
    numbers = sorted(set(tracks) - {NO_TRACK})
    if len(numbers) < 2:
        raise UserError(tr("merging needs boxes of two tracks"), remedy=tr("Select a box of each track."))
    taken: dict[int, int] = {}
    moved: list[tuple[int, int]] = []
    for track in numbers:
        for box in truth.track(track):
            other = taken.setdefault(box.frame, track)
            if other != track:
                text = tr("tracks {one} and {other} both have a box on this frame", one=other, other=track)
                raise UserError(text, frame=box.frame)
            if track != numbers[0]:
                moved.append((box.id, numbers[0]))
    return SetTracks(tuple(moved), source)


def split(truth: GroundTruth, track: int, frame: int, *, source: int = 0) -> tuple[Edit, ...]:
    """Give the track's boxes from ``frame`` on a new track id; the first of these becomes a key frame.

    Raises:
        UserError: the track has no box before ``frame`` or none from it on.
    """
    boxes = truth.track(track)
    later = [box for box in boxes if box.frame >= frame]
    if track == NO_TRACK or not later or len(later) == len(boxes):
        raise UserError(tr("the track cannot be split here"), frame=frame, remedy=tr("Go to a frame inside the track."))
    new = truth.next_track()
    edits: tuple[Edit, ...] = (SetTracks(tuple((box.id, new) for box in later), source),)
    if not is_key(later[0]):
        edits += (SetFlags(((later[0].id, key_flags(later[0].flags)),), source),)
    return edits


def swap(truth: GroundTruth, one: int, other: int, frame: int, *, source: int = 0) -> Edit:
    """Exchange two track ids from ``frame`` on.

    Raises:
        UserError: the tracks are the same, or a box has no track.
    """
    if NO_TRACK in (one, other) or one == other:
        raise UserError(tr("swapping needs boxes of two tracks"), remedy=tr("Select a box of each track."))
    pairs = [(box.id, other) for box in truth.track(one) if box.frame >= frame]
    pairs += [(box.id, one) for box in truth.track(other) if box.frame >= frame]
    return SetTracks(tuple(pairs), source)
