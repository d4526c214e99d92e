"""Commands on the key frames of a track: move, copy and remove them; the boxes between follow on straight lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from iouviewer.document import commands, tracks
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag, Rect
from iouviewer.document.commands import Command
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, Edit, RemoveBoxes, SetFlags, SetFrames, SetRects
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n


def _derived(flags: int) -> int:
    """The flags of a key box once it is interpolated."""
    return (flags | int(BoxFlag.INTERPOLATED)) & ~int(BoxFlag.KEY_FRAME)


def _keys(truth: GroundTruth, track: int) -> dict[int, Box]:
    """The boxes of a track that are not interpolated, by frame."""
    return {box.frame: box for box in truth.track(track) if tracks.is_key(box)}


def _rects_between(keys: Sequence[Box], frames: Iterable[int]) -> dict[int, Rect]:
    """Rectangles on the straight lines between key boxes in order of their frames; none beyond the first and last."""
    places = np.array([key.frame for key in keys])
    found: dict[int, Rect] = {}
    for frame in frames:
        place = int(np.searchsorted(places, frame))
        if 0 < place < len(keys):
            found[frame] = tracks.interpolate_rect(keys[place - 1], keys[place], frame)
    return found


def remove(document: Document, track: int, frames: Collection[int], *, source: int = 0) -> Command:
    """Make key boxes interpolated ones, on the straight line between the key boxes beside them.

    Boxes between that follow the object off the straight line stay where they are.

    Raises:
        UserError: none of the frames has a key box between two others.
    """
    truth = document.ground_truth(source)
    keys = _keys(truth, track) if track != NO_TRACK else {}
    order = sorted(keys)
    removed = [frame for frame in order[1:-1] if frame in frames]
    if not removed:
        raise UserError(
            tr("the first and the last box of a track stay key frames"),
            remedy=tr("Trim the track, or choose key frames between them."),
        )
    rest = [keys[frame] for frame in order if frame not in removed]
    spans = [span for span in pairwise(rest) if any(span[0].frame < frame < span[1].frame for frame in removed)]
    low, high = spans[0][0].frame, spans[-1][1].frame
    inside = [box for box in truth.track(track) if low < box.frame < high and not tracks.is_key(box)]
    on_line = _rects_between([keys[frame] for frame in order], [box.frame for box in inside])
    flags = tuple((keys[frame].id, _derived(keys[frame].flags)) for frame in removed)
    edits: list[Edit] = [SetFlags(flags, source)]
    if all(tracks.is_near(box.rect, on_line[box.frame]) for box in inside):
        changed = [box for box in (*inside, *(keys[frame] for frame in removed)) if _is_in(box.frame, spans)]
        rects = _rects_between(rest, [box.frame for box in changed])
        edits.append(SetRects(tuple((box.id, rects[box.frame]) for box in changed), source))
    label = tr_n(
        "Remove key frame of {track}",
        "Remove {count:,} key frames of {track}",
        len(removed),
        track=document.object_name(rest[0]),
    )
    return Command(commands.combine_edits(edits, source), label)


def _is_in(frame: int, spans: Iterable[tuple[Box, Box]]) -> bool:
    return any(first.frame < frame < last.frame for first, last in spans)


def allowed_move(truth: GroundTruth, track: int, frames: Collection[int], by: int) -> int:
    """How far key frames can move together: at most ``by`` frames, and not to or beyond a key frame that stays."""
    keys = _keys(truth, track)
    moving = [frame for frame in sorted(keys) if frame in frames]
    staying = np.array([frame for frame in sorted(keys) if frame not in frames], np.int64)
    for frame in moving:
        before, after = staying[staying < frame], staying[staying > frame]
        lowest = int(before[-1]) + 1 if len(before) else 0
        highest = int(after[0]) - 1 if len(after) else truth.frame_count - 1
        by = max(lowest - frame, min(by, highest - frame))
    return by if moving else 0


def move(document: Document, track: int, frames: Collection[int], by: int, *, source: int = 0) -> Command:
    """Move key boxes to frames ``by`` later (earlier, if negative), no further than ``allowed_move``.

    The boxes between key frames follow on straight lines. The first and the last key frame take the end of the track
    along.

    Raises:
        UserError: they cannot move in this direction.
    """
    truth = document.ground_truth(source)
    keys = _keys(truth, track)
    by = allowed_move(truth, track, frames, by)
    moving = [frame for frame in sorted(keys) if frame in frames]
    if not by:
        raise UserError(
            tr("the key frame cannot move in this direction"),
            frame=moving[0] if moving else None,
            remedy=tr("The frame beside it holds a key frame."),
        )
    after = {frame: box for frame, box in keys.items() if frame not in moving}
    after |= {frame + by: keys[frame] for frame in moving}
    edits = _rebuild(truth, track, after, source)
    name = document.object_name(keys[moving[0]])
    if len(moving) == 1:
        label = tr(
            "Move key frame of {track} from {first:,} to {last:,}", track=name, first=moving[0], last=moving[0] + by
        )
    else:
        label = tr("Move {count:,} key frames of {track} by {by:+,} frames", count=len(moving), track=name, by=by)
    return Command(commands.combine_edits(edits, source), label)


def _rebuild(truth: GroundTruth, track: int, after: Mapping[int, Box], source: int) -> list[Edit]:
    """Edits that give a track these key boxes by their new frames; ``Box.frame`` is where each was before."""
    existing = {box.frame: box for box in truth.track(track)}
    order = sorted(after)
    moved = [frame for frame in order if after[frame].frame != frame]
    was = [after[frame].frame for frame in moved]
    low, high = min(*moved, *was), max(*moved, *was)
    low = max((frame for frame in order if frame < low), default=low)
    high = min((frame for frame in order if frame > high), default=high)
    region = {frame for frame in existing if low <= frame <= high}
    for frame, before in zip(moved, was, strict=True):
        # What a key box passed on its way has boxes now.
        region |= set(range(min(frame, before), max(frame, before) + 1))
    rects = _rects_between([replace(after[frame], frame=frame) for frame in order], region)
    target: dict[int, Box | None] = {}
    for frame in sorted(region):
        old, key = existing.get(frame), after.get(frame)
        if key is not None and key.frame == frame:
            continue
        if key is not None:
            base = old if old is not None else key
            target[frame] = replace(base, rect=key.rect, flags=tracks.key_flags(base.flags))
        elif frame in rects:
            base = old if old is not None else after[max(place for place in order if place < frame)]
            target[frame] = replace(base, rect=rects[frame], flags=_derived(base.flags))
        else:
            # Beyond the first and the last key frame nothing holds a box that was interpolated up to there.
            target[frame] = None
    return _edits_to(truth, existing, target, source)


def _edits_to(
    truth: GroundTruth, existing: Mapping[int, Box], target: Mapping[int, Box | None], source: int
) -> list[Edit]:
    """Edits that give the frames of a track these boxes, or none."""
    both = [(existing[frame], box) for frame, box in target.items() if box is not None and frame in existing]
    gone = tuple(existing[frame].id for frame, box in target.items() if box is None and frame in existing)
    rects = tuple((old.id, new.rect) for old, new in both if old.rect != new.rect)
    flags = tuple((old.id, new.flags) for old, new in both if old.flags != new.flags)
    added = [replace(box, frame=frame) for frame, box in target.items() if box is not None and frame not in existing]
    edits: list[Edit] = [RemoveBoxes(gone, source)] if gone else []
    edits += [SetRects(rects, source)] if rects else []
    edits += [SetFlags(flags, source)] if flags else []
    if added:
        ids = truth.new_ids(len(added))
        edits.append(AddBoxes(tuple(replace(box, id=i) for box, i in zip(added, ids, strict=True)), source))
        marks = tracks.labelled_marks(truth, [box.frame for box in added])
        edits += [SetFrames(marks, source)] if marks else []
    return edits


def copy(document: Document, track: int, frame: int, to: int, *, source: int = 0) -> Command:
    """Place a copy of a track's box on another frame, as a key frame; the boxes beside it follow.

    Raises:
        UserError: the track has no box on ``frame``, or the frames are the same.
    """
    truth = document.ground_truth(source)
    by_frame = {box.frame: box for box in truth.track(track)} if track != NO_TRACK else {}
    box = by_frame.get(frame)
    if box is None or to == frame:
        raise UserError(tr("there is no key frame to copy"), frame=frame)
    present = by_frame.get(to)
    if present is not None:
        edits: list[Edit] = [
            SetRects(((present.id, box.rect),), source),
            *tracks.update_interpolated(truth, {present.id: box.rect}, source=source),
        ]
    else:
        [new_id] = truth.new_ids(1)
        placed = replace(box, id=new_id, frame=to, flags=tracks.key_flags(box.flags))
        edits = [AddBoxes((placed,), source), *tracks.fill_beside(truth, placed, source=source)]
        marks = tracks.labelled_marks(truth, [to])
        if marks:
            edits.append(SetFrames(marks, source))
    label = tr(
        "Copy key frame of {track} from {first:,} to {last:,}",
        track=document.object_name(box),
        first=frame,
        last=to,
    )
    return Command(commands.combine_edits(edits, source), label)


def move_all(document: Document, frames: Mapping[int, Collection[int]], by: int, *, source: int = 0) -> Command:
    """``move`` for several tracks as one step: their frames by track."""
    return _joined([move(document, track, of_track, by, source=source) for track, of_track in frames.items()], source)


def remove_all(document: Document, frames: Mapping[int, Collection[int]], *, source: int = 0) -> Command:
    """``remove`` for several tracks as one step: their frames by track."""
    return _joined([remove(document, track, of_track, source=source) for track, of_track in frames.items()], source)


def _joined(parts: Sequence[Command], source: int) -> Command:
    if len(parts) == 1:
        return parts[0]
    label = tr("{first} and of {count:,} more tracks", first=parts[0].label, count=len(parts) - 1)
    return Command(commands.combine_edits([part.edit for part in parts], source), label)
