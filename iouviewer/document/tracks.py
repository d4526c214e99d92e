"""Tracks: key frames, interpolation between two key frames, merge, split, swap.

The functions read the ground truth and return edits (or frame numbers); the session executes the edits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from iouviewer.document.attributes import DERIVED_MASK
from iouviewer.document.boxes import MIN_SIZE, NO_TRACK, Box, BoxFlag, Rect
from iouviewer.document.edits import (
    AddBoxes,
    Batch,
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
from iouviewer.document.origins import moved_flags
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Int

MAX_CONTINUED_GAP = 30
"""How many frames ago a track may have ended for a new box to continue it."""


def is_key(box: Box) -> bool:
    """Whether a box was placed by a person or read from a file, not interpolated."""
    return not box.flags & BoxFlag.INTERPOLATED


def key_frames(truth: GroundTruth, track: int) -> tuple[int, ...]:
    """Frames of the track's key boxes in order, by the rule of ``key_rows``."""
    return tuple(_key_frames(truth, track).tolist())


def _key_frames(truth: GroundTruth, track: int) -> Int:
    """``key_frames`` as (K,) int64; tracks can have a hundred thousand boxes."""
    frames, _class_ids, flags, _ids = truth.track_columns(track)
    keys: Int = frames[key_rows(flags)]
    return keys


def key_rows(flags: Int) -> Bool:
    """Which boxes of a track are key frames, (N,) bool.

    Where boxes between others are interpolated, the key frames are all others. A track without interpolated boxes has
    its marked ones (``KEY_FRAME``), or else all: formats without key frames mark none.

    Args:
        flags: (N,) int64 of the track's boxes.
    """
    placed: Bool = (flags & int(BoxFlag.INTERPOLATED)) == 0
    if not placed.all():
        return placed
    marked: Bool = (flags & int(BoxFlag.KEY_FRAME)) != 0
    return marked if marked.any() else placed


def is_key_frame(truth: GroundTruth, box: Box) -> bool:
    """Whether a box is one of the key frames of its track, by the rule of ``key_rows``."""
    if box.track == NO_TRACK:
        return bool(box.flags & BoxFlag.KEY_FRAME)
    frames, _class_ids, flags, _ids = truth.track_columns(box.track)
    place = int(np.searchsorted(frames, box.frame))
    return bool(key_rows(flags)[place])


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
    kept = int(BoxFlag.OCCLUDED | BoxFlag.IGNORED | BoxFlag.TRUNCATED) | DERIVED_MASK
    flags = int(BoxFlag.INTERPOLATED) | first.flags & kept
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

    A box that came from a variant counts as corrected. An interpolated box becomes a key frame, and interpolated boxes
    up to the neighbouring key frames follow.

    Args:
        rects: new rectangle by box id.
        before: earlier rectangle by box id, where the ground truth shows the new one already (a preview).
    """
    edits: list[Edit] = []
    for box_id, rect in rects.items():
        old = truth.find(box_id)
        if old is None:
            continue
        if before is not None and box_id in before:
            old = replace(old, rect=before[box_id])
        moved = replace(old, rect=rect, flags=moved_flags(old, rect))
        is_filled = old.track != NO_TRACK and has_interpolated(truth, old.track)
        if is_filled:
            moved = replace(moved, flags=key_flags(moved.flags))
        if moved.flags != old.flags:
            edits.append(SetFlags(((box_id, moved.flags),), source))
        if not is_filled:
            continue
        track = truth.track(old.track)
        keys = [box for box in track if is_key(box) and box.id != box_id]
        earlier = [box for box in keys if box.frame < old.frame][-1:]
        later = [box for box in keys if box.frame > old.frame][:1]
        for key in earlier:
            edits.extend(_update_span(track, (key, old), (key, moved), source))
        for key in later:
            edits.extend(_update_span(track, (old, key), (moved, key), source))
        ends = ([] if earlier else [-1]) + ([] if later else [1])
        edits.extend(_update_copies(track, old, moved, ends, source))
    return tuple(edits)


def _update_copies(
    track: tuple[Box, ...], old: Box, moved: Box, directions: Iterable[int], source: int
) -> Iterator[Edit]:
    """Boxes beyond the last key frame that are copies of a box stay copies of it."""
    copies = [
        box
        for box in track
        for step in directions
        if (box.frame - old.frame) * step > 0 and not is_key(box) and is_near(box.rect, old.rect)
    ]
    if copies:
        yield SetRects(tuple((box.id, moved.rect) for box in copies), source)


def has_interpolated(truth: GroundTruth, track: int) -> bool:
    """Whether some box of a track is interpolated."""
    return track != NO_TRACK and bool((truth.track_columns(track)[2] & int(BoxFlag.INTERPOLATED)).any())


def _update_span(track: tuple[Box, ...], old: tuple[Box, Box], new: tuple[Box, Box], source: int) -> Iterator[Edit]:
    """Move the interpolated boxes between two boxes of which one moves.

    On a straight line they stay on one. Boxes that follow the object (by propagation) keep their course: each takes
    the share of the move that its place between the two gives it.
    """
    (first, last), (new_first, new_last) = old, new
    inside = [box for box in track if first.frame < box.frame < last.frame and not is_key(box)]
    if not inside:
        return
    if all(is_near(box.rect, interpolate_rect(first, last, box.frame)) for box in inside):
        moved = tuple((box.id, interpolate_rect(new_first, new_last, box.frame)) for box in inside)
    else:
        moved = tuple((box.id, _shift(box, old, new)) for box in inside)
    yield SetRects(moved, source)
    corrected = ((box.id, moved_flags(box, rect), box.flags) for box, (_id, rect) in zip(inside, moved, strict=True))
    flags = tuple((box_id, new) for box_id, new, old in corrected if new != old)
    if flags:
        yield SetFlags(flags, source)


_STRAIGHT = 1e-6
"""Pixels by which a box may leave the straight line between its key boxes and still count as interpolated on it."""


def is_near(a: Rect, b: Rect) -> bool:
    """Whether two rectangles are equal up to rounding, as one interpolated on a line and the line itself are."""
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
    """The box of a track beside ``frame`` if a box drawn there continues the track, else None.

    It does if the track has no box there and has one at most ``MAX_CONTINUED_GAP`` frames before or after; of both the
    earlier one is returned.
    """
    if track is None or track == NO_TRACK:
        return None
    frames, _class_ids, _flags, ids = truth.track_columns(track)
    place = int(np.searchsorted(frames, frame))
    if place < len(frames) and frames[place] == frame:
        return None
    if place > 0 and frame - frames[place - 1] <= MAX_CONTINUED_GAP:
        return truth.find(int(ids[place - 1]))
    if place < len(frames) and frames[place] - frame <= MAX_CONTINUED_GAP:
        return truth.find(int(ids[place]))
    return None


_REACH_PER_FRAME = 0.1
"""How far an object may have gone in a frame and still be taken for the same one, in widths and heights."""


def continued_by(truth: GroundTruth, track: int | None, frame: int, rect: Rect, class_id: int) -> Box | None:
    """Like ``continued_track``, for a box that was found: its class and its place must go with the track.

    Args:
        class_id: of the found box; a box without a class goes with every track.
    """
    beside = continued_track(truth, track, frame)
    if beside is None:
        return None
    x1, y1, x2, y2 = beside.rect
    reach = 0.5 + _REACH_PER_FRAME * abs(frame - beside.frame)
    x, y = (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2
    is_near = abs(x - (x1 + x2) / 2) <= reach * (x2 - x1) and abs(y - (y1 + y2) / 2) <= reach * (y2 - y1)
    is_same = class_id == beside.class_id or UNSPECIFIED_CLASS in (class_id, beside.class_id)
    return beside if is_near and is_same else None


def fill_beside(truth: GroundTruth, box: Box, *, source: int = 0) -> tuple[Edit, ...]:
    """Edits that fill the frames between a box that a person adds to its track and the track's boxes beside it.

    Frames are filled on a straight line up to a box at most ``MAX_CONTINUED_GAP`` frames away.

    Args:
        box: the added box; the ground truth may have it already.
    """
    if box.track == NO_TRACK:
        return ()
    frames, _class_ids, _flags, ids = truth.track_columns(box.track)
    before, after = np.searchsorted(frames, box.frame) - 1, np.searchsorted(frames, box.frame, side="right")
    edits: list[Edit] = []
    for place in (int(before), int(after)):
        if 0 <= place < len(frames) and 1 < abs(int(frames[place]) - box.frame) <= MAX_CONTINUED_GAP:
            neighbour = truth.find(int(ids[place]))
            if neighbour is not None:
                edits += interpolate(truth, neighbour, box, source=source)
    return tuple(edits)


def count_filled(truth: GroundTruth, track: int, frame: int) -> int:
    """How many frames ``fill_beside`` fills for a box of a track that is added on ``frame``."""
    frames = truth.track_columns(track)[0]
    near = frames[(frames != frame) & (abs(frames - frame) <= MAX_CONTINUED_GAP)]
    before, after = near[near < frame], near[near > frame]
    gaps = [frame - int(part) - 1 for part in before[-1:]] + [int(part) - frame - 1 for part in after[:1]]
    return sum(gaps)


def continuing_flags(truth: GroundTruth, track: int) -> int:
    """The flags of a box that a person adds to a track: a key frame where the track marks its key frames."""
    is_marked = bool((truth.track_columns(track)[2] & int(BoxFlag.KEY_FRAME)).any())
    return int(BoxFlag.KEY_FRAME) if is_marked else 0


MANY_TRACKS = 16
"""Above this many tracks, doubles are looked for in all columns at once."""


def find_double(truth: GroundTruth, edit: Edit, change: Change) -> tuple[int, int] | None:
    """Frame and track where an edit that was applied left two boxes of one track, or None.

    Only tracks that the edit gives to boxes, on the frames that it changed, are looked at.
    """
    numbers = _given_tracks(edit) - {NO_TRACK}
    if not numbers:
        return None
    if len(numbers) <= MANY_TRACKS:
        pairs = [(track, truth.track_columns(track)[0]) for track in sorted(numbers)]
    else:
        frames, _boxes, _class_ids, tracks, _flags, _ids = truth.columns()
        rows = np.lexsort((frames, tracks))
        given, starts = np.unique(tracks[rows], return_index=True)
        parts = np.split(frames[rows], starts[1:])
        pairs = [(track, part) for track, part in zip(given.tolist(), parts, strict=True) if track in numbers]
    for track, of_track in pairs:
        for frame in of_track[1:][of_track[1:] == of_track[:-1]].tolist():
            if frame in change.frames:
                return frame, track
    return None


def _given_tracks(edit: Edit) -> set[int]:
    """The tracks that an edit gives to boxes."""
    if isinstance(edit, AddBoxes):
        return {box.track for box in edit.boxes}
    if isinstance(edit, SetTracks):
        return {track for _, track in edit.tracks}
    if isinstance(edit, Batch):
        return set().union(*(_given_tracks(part) for part in edit.edits))
    return set()


def separate_doubles(frames: Int, tracks: Int) -> tuple[Int, int]:
    """Tracks in which no frame has a track twice: of several boxes the first keeps it, the others get new tracks.

    The second boxes of a track form one new track, the third ones another.

    Args:
        frames, tracks: (N,) of boxes in any order.

    Returns:
        The tracks (N,), ``tracks`` itself where there is nothing to do, and the number of boxes that changed.
    """
    order = np.lexsort((tracks, frames))
    order = order[tracks[order] != NO_TRACK]
    same = np.append(False, (np.diff(frames[order]) == 0) & (np.diff(tracks[order]) == 0)) if len(order) else None
    if same is None or not same.any():
        return tracks, 0
    # Place of each box among those of its track on its frame, from 0.
    starts = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    place = np.arange(len(order)) - starts
    rows = order[same]
    keys = np.stack((tracks[rows], place[same]))
    _pairs, number = np.unique(keys, axis=1, return_inverse=True)
    separated = tracks.copy()
    separated[rows] = max(0, int(tracks.max())) + 1 + number.reshape(-1)
    return separated, len(rows)


def new_tracks(truth: GroundTruth, count: int) -> tuple[int, ...]:
    """Tracks of ``count`` new objects: the next free ids, or none where the ground truth has boxes but no tracks."""
    if len(truth) and not truth.has_tracks():
        return (NO_TRACK,) * count
    first = truth.next_track()
    return tuple(range(first, first + count))
