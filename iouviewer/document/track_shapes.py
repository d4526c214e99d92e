"""Commands that change the shape of tracks: merge, split, swap, trim, extend, delete a part.

Like ``commands``, the functions read the document and return an edit with a label. A part of a track never begins or
ends with a box that was interpolated between others: such a box becomes a key frame and stays where it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from iouviewer.document import commands, tracks
from iouviewer.document.attributes import ATTRIBUTE_MASK
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.commands import Command
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, Edit, RemoveBoxes, SetClasses, SetFlags, SetFrames, SetTracks
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.origins import Origin, with_origin
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Int


def _cut_flags(
    boxes: Sequence[Box], parted: Collection[int], source: int, kept: Collection[int] | None = None
) -> list[Edit]:
    """The edit that makes interpolated boxes beside a cut key frames, if there are any.

    Args:
        boxes: of one track by frame.
        parted: ids of the boxes that leave the others.
        kept: ids that still exist afterwards; None: all.
    """
    cut: dict[int, int] = {}
    for one, other in pairwise(boxes):
        if (one.id in parted) != (other.id in parted):
            cut |= {box.id: tracks.key_flags(box.flags) for box in (one, other) if not tracks.is_key(box)}
    flags = tuple((box_id, flags) for box_id, flags in cut.items() if kept is None or box_id in kept)
    return [SetFlags(flags, source)] if flags else []


def runs_text(frames: Int) -> str:
    """``150–158``, ``7``; the first and the last frame with an ellipsis between them where others lie between."""
    first, last = int(frames[0]), int(frames[-1])
    if first == last:
        return f"{first:,}"
    return f"{first:,}–{last:,}" if last - first + 1 == len(frames) else f"{first:,} … {last:,}"


# Merge


@dataclass(frozen=True, slots=True, eq=False)
class Merging:
    """What merging tracks means.

    Attributes:
        winner: the track that the others become part of; its boxes stay.
        losers: the other tracks; of those that share a frame, the first has its box kept.
        overlap: (N,) int64, frames on which more than one of them has a box.
        dropped: ids of the boxes that are deleted.
    """

    winner: int
    losers: tuple[int, ...]
    overlap: Int
    dropped: tuple[int, ...]


def plan_merge(truth: GroundTruth, winner: int, losers: Iterable[int]) -> Merging:
    """Find out where tracks overlap.

    Raises:
        UserError: there are not two tracks.
    """
    others = tuple(track for track in dict.fromkeys(losers) if track not in (winner, NO_TRACK))
    if winner == NO_TRACK or not truth.has_track(winner) or not all(map(truth.has_track, others)) or not others:
        raise UserError(tr("merging needs boxes of two tracks"), remedy=tr("Select a box of each track."))
    taken = truth.track_columns(winner)[0]
    shared, dropped = [], []
    for track in others:
        frames, _class_ids, _flags, ids = truth.track_columns(track)
        is_taken = np.isin(frames, taken)
        shared.append(frames[is_taken])
        dropped.append(ids[is_taken])
        taken = np.union1d(taken, frames)
    return Merging(winner, others, np.unique(np.concatenate(shared)), tuple(np.concatenate(dropped).tolist()))


def merge(document: Document, merging: Merging, *, source: int = 0) -> Command:
    """Make tracks one; where several have a box on a frame, that of the winner stays.

    All boxes get the winner's class.
    """
    truth = document.ground_truth(source)
    first = truth.track(merging.winner)[0]
    dropped = set(merging.dropped)
    moved: list[Box] = []
    flags: list[Edit] = []
    for track in merging.losers:
        boxes = truth.track(track)
        rest = [box for box in boxes if box.id not in dropped]
        moved += rest
        flags += _cut_flags(boxes, dropped, source, {box.id for box in rest})
    edits: list[Edit] = []
    if dropped:
        edits.append(RemoveBoxes(tuple(sorted(dropped)), source))
    if moved:
        edits.append(SetTracks(tuple((box.id, merging.winner) for box in moved), source))
    classes = tuple((box.id, first.class_id) for box in moved if box.class_id != first.class_id)
    if classes:
        edits.append(SetClasses(classes, source))
    edits += flags
    names = [document.object_name(truth.track(track)[0]) for track in merging.losers]
    into = document.object_name(first)
    if len(names) == 1:
        label = tr("Merge {other} into {track}", other=names[0], track=into)
    else:
        label = tr("Merge {count:,} tracks into {track}", count=len(names), track=into)
    return Command(commands.combine_edits(edits, source), label)


def merge_question(document: Document, merging: Merging, *, source: int = 0) -> str:
    """``Merge 16 into 9? 9 frames overlap (150–158): 9 wins.``"""
    truth = document.ground_truth(source)
    if len(merging.losers) == 1:
        text = tr("Merge {other} into {track}?", other=merging.losers[0], track=merging.winner)
    else:
        text = tr("Merge {count:,} tracks into {track}?", count=len(merging.losers), track=merging.winner)
    count = len(merging.overlap)
    if count:
        text += " " + tr_n(
            "{count} frame overlaps ({frames}): {track} wins.",
            "{count:,} frames overlap ({frames}): {track} wins.",
            count,
            frames=runs_text(merging.overlap),
            track=merging.winner,
        )
    class_id = int(truth.track_columns(merging.winner)[1][0])
    changed = {int(number) for track in merging.losers for number in truth.track_columns(track)[1]} - {class_id}
    if changed:
        text += " " + tr("All boxes become {name}.", name=document.class_name(class_id))
    return text


# Split and swap


def split(document: Document, track: int, frame: int, *, source: int = 0) -> Command:
    """Give the track's boxes from ``frame`` on a new track id.

    Raises:
        UserError: the track has no box before ``frame`` or none from it on.
    """
    truth = document.ground_truth(source)
    boxes = truth.track(track) if track != NO_TRACK else ()
    later = [box for box in boxes if box.frame >= frame]
    if not later or len(later) == len(boxes):
        raise UserError(tr("the track cannot be split here"), frame=frame, remedy=tr("Go to a frame inside the track."))
    new = truth.next_track()
    ids = {box.id for box in later}
    edits: list[Edit] = [SetTracks(tuple((box.id, new) for box in later), source)]
    edits += _cut_flags(boxes, ids, source)
    label = tr(
        "Split {track} at frame {frame:,} into {one} and {other}",
        track=document.object_name(boxes[0]),
        frame=frame,
        one=track,
        other=new,
    )
    return Command(commands.combine_edits(edits, source), label)


def swap(document: Document, one: int, other: int, first: int, last: int | None = None, *, source: int = 0) -> Command:
    """Exchange two track ids from ``first`` on, up to ``last`` where it is given.

    Raises:
        UserError: the tracks are the same, or neither has a box there.
    """
    if NO_TRACK in (one, other) or one == other:
        raise UserError(tr("swapping needs boxes of two tracks"), remedy=tr("Select a box of each track."))
    truth = document.ground_truth(source)
    pairs: list[tuple[int, int]] = []
    flags: list[Edit] = []
    for track, new in ((one, other), (other, one)):
        boxes = truth.track(track)
        ids = {box.id for box in boxes if box.frame >= first and (last is None or box.frame <= last)}
        pairs += [(box.id, new) for box in boxes if box.id in ids]
        flags += _cut_flags(boxes, ids, source)
    if not pairs:
        raise UserError(tr("neither track has a box there"), frame=first, remedy=tr("Go to the frame of the swap."))
    edits: list[Edit] = [SetTracks(tuple(pairs), source), *flags]
    if last is None:
        label = tr("Swap tracks {one} and {other} from frame {first:,}", one=one, other=other, first=first)
    else:
        label = tr(
            "Swap tracks {one} and {other} in frames {first:,}–{last:,}", one=one, other=other, first=first, last=last
        )
    return Command(commands.combine_edits(edits, source), label)


# Ends


@dataclass(frozen=True, slots=True)
class EndChange:
    """What moving an end of a track to a frame does: boxes that it loses, or gains as copies of its last one."""

    lost: int
    gained: int


def end_change(truth: GroundTruth, track: int, frame: int, *, at_start: bool) -> EndChange:
    """What ``set_end`` would do."""
    frames = truth.track_columns(track)[0]
    if not len(frames):
        return EndChange(0, 0)
    lost = int((frames < frame).sum() if at_start else (frames > frame).sum())
    gained = int(frames[0]) - frame if at_start else frame - int(frames[-1])
    return EndChange(lost, max(0, gained))


def set_end(document: Document, track: int, frame: int, *, at_start: bool, source: int = 0) -> Command:
    """Let a track begin, or end, at a frame: trim it, or extend it with copies of its last box.

    The copies are interpolated boxes until one of them is corrected.

    Raises:
        UserError: the track has this end already, or would lose all boxes.
    """
    truth = document.ground_truth(source)
    boxes = truth.track(track) if track != NO_TRACK else ()
    if not boxes:
        raise UserError(tr("no track is selected"), remedy=tr("Select a box of the track first."))
    name = document.object_name(boxes[0])
    change = end_change(truth, track, frame, at_start=at_start)
    if change.gained:
        return _extend(document, boxes[0] if at_start else boxes[-1], frame, source)
    removed = [box for box in boxes if (box.frame < frame if at_start else box.frame > frame)]
    if len(removed) == len(boxes):
        raise UserError(
            tr("the track cannot be trimmed here"), frame=frame, remedy=tr("Go to a frame inside the track.")
        )
    if not removed:
        text = tr("{track} has no box before this frame", track=name)
        raise UserError(text if at_start else tr("{track} has no box after this frame", track=name), frame=frame)
    edit = _removal(boxes, {box.id for box in removed}, source)
    if at_start:
        label = tr_n(
            "Trim start of {track} ({count} box)", "Trim start of {track} ({count:,} boxes)", len(removed), track=name
        )
    else:
        label = tr_n(
            "Trim end of {track} ({count} box)", "Trim end of {track} ({count:,} boxes)", len(removed), track=name
        )
    return Command(edit, label)


def _extend(document: Document, end: Box, frame: int, source: int) -> Command:
    truth = document.ground_truth(source)
    step = 1 if frame > end.frame else -1
    targets = range(end.frame + step, frame + step, step)
    kept = end.flags & (int(BoxFlag.OCCLUDED | BoxFlag.IGNORED | BoxFlag.TRUNCATED) | ATTRIBUTE_MASK)
    flags = with_origin(kept | int(BoxFlag.INTERPOLATED), Origin.PROPAGATED)
    ids = truth.new_ids(len(targets))
    copies = tuple(replace(end, id=new, frame=f, flags=flags) for new, f in zip(ids, targets, strict=True))
    edits: list[Edit] = [AddBoxes(copies, source)]
    marks = tracks.labelled_marks(truth, sorted(targets))
    if marks:
        edits.append(SetFrames(marks, source))
    label = tr_n(
        "Extend {track} to frame {frame:,} ({count} box)",
        "Extend {track} to frame {frame:,} ({count:,} boxes)",
        len(copies),
        track=document.object_name(end),
        frame=frame,
    )
    return Command(commands.combine_edits(edits, source), label)


def gap_at(truth: GroundTruth, track: int, frame: int) -> tuple[int, int] | None:
    """First and last frame of the gap of a track that holds a frame, else of the next gap, else of the last one."""
    frames = truth.track_columns(track)[0]
    breaks = np.flatnonzero(np.diff(frames) > 1)
    if not len(breaks):
        return None
    place = min(int(np.searchsorted(frames[breaks + 1], frame, side="right")), len(breaks) - 1)
    return int(frames[breaks[place]]) + 1, int(frames[breaks[place] + 1]) - 1


def fill_gap(document: Document, track: int, gap: tuple[int, int], *, source: int = 0) -> Command:
    """Fill one gap of a track, from its first to its last frame, on a straight line."""
    truth = document.ground_truth(source)
    ends = {box.frame: box for box in truth.track(track) if box.frame in (gap[0] - 1, gap[1] + 1)}
    edits = tracks.interpolate(truth, ends[gap[0] - 1], ends[gap[1] + 1], source=source)
    if not edits:
        raise UserError(tr("there is nothing to interpolate"), frame=gap[0])
    name = document.object_name(ends[gap[0] - 1])
    label = tr("Fill gap of {track}, frames {first:,}–{last:,}", track=name, first=gap[0], last=gap[1])
    return Command(commands.combine_edits(edits, source), label)


def fill_gaps(document: Document, numbers: Iterable[int], *, source: int = 0) -> Command:
    """Fill all frames between boxes of tracks on straight lines, each track on its own.

    Raises:
        UserError: there are no gaps.
    """
    truth = document.ground_truth(source)
    edits: list[Edit] = []
    named: list[Box] = []
    for track in sorted(set(numbers) - {NO_TRACK}):
        boxes = truth.track(track)
        gaps = [(one, other) for one, other in pairwise(boxes) if other.frame - one.frame > 1]
        filled = [edit for one, other in gaps for edit in tracks.interpolate(truth, one, other, source=source)]
        if filled:
            edits += filled
            named.append(boxes[0])
    if not edits:
        raise UserError(tr("no selected track has a gap"), remedy=tr("Select a track with a dotted line on its lane."))
    count = sum(len(edit.boxes) for edit in edits if isinstance(edit, AddBoxes))
    name = document.object_name(named[0])
    if len(named) > 1:
        name = tr_n("{count} track", "{count:,} tracks", len(named))
    label = tr_n("Fill gaps of {track} ({count} box)", "Fill gaps of {track} ({count:,} boxes)", count, track=name)
    return Command(commands.combine_edits(edits, source), label)


# Delete a part


def _removal(boxes: Sequence[Box], removed: Collection[int], source: int) -> Edit:
    """Remove boxes of a track; those beside them that were interpolated become key frames."""
    rest = {box.id for box in boxes if box.id not in removed}
    flags = _cut_flags(boxes, removed, source, rest)
    return commands.combine_edits([RemoveBoxes(tuple(sorted(removed)), source), *flags], source)


def delete_range(document: Document, numbers: Iterable[int], first: int, last: int, *, source: int = 0) -> Command:
    """Remove the boxes of tracks on the frames ``first`` to ``last``.

    Raises:
        UserError: there are none.
    """
    truth = document.ground_truth(source)
    edits: list[Edit] = []
    named: list[Box] = []
    count = 0
    for track in sorted(set(numbers) - {NO_TRACK}):
        boxes = truth.track(track)
        removed = {box.id for box in boxes if first <= box.frame <= last}
        if removed:
            edits.append(_removal(boxes, removed, source))
            named.append(boxes[0])
            count += len(removed)
    if not edits:
        raise UserError(
            tr("no selected track has a box on the frames {first:,}–{last:,}", first=first, last=last),
            frame=first,
            remedy=tr("Select a track, or choose other frames."),
        )
    name = document.object_name(named[0])
    if len(named) > 1:
        name = tr_n("{count} track", "{count:,} tracks", len(named))
    label = tr_n(
        "Delete {track}, frames {first:,}–{last:,} ({count} box)",
        "Delete {track}, frames {first:,}–{last:,} ({count:,} boxes)",
        count,
        track=name,
        first=first,
        last=last,
    )
    return Command(commands.combine_edits(edits, source), label, ())
