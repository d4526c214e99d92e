"""Commands on parts of tracks and on whole tracks: class, flags and track id within a scope; delete and reclassify.

Like ``commands``, the functions read the document and return an edit with a label.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum

import numpy as np

from iouviewer.document import commands, key_frames, tracks
from iouviewer.document.attributes import AttributeSet, add_set, with_set
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.commands import Command
from iouviewer.document.document import Document
from iouviewer.document.edits import Edit, SetClassNames, SetFlags, SetTracks
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n

LARGEST_TRACK = 10**9
"""Largest track id that can be typed; formats write 32-bit numbers."""


class Scope(StrEnum):
    """Which boxes of a track an edit changes. The values are stored in the settings."""

    FRAME = "frame"
    FROM_HERE = "fromHere"
    TRACK = "track"


def boxes_in_scope(
    truth: GroundTruth, boxes: Iterable[Box], scope: Scope, *, until_key_frame: bool = False
) -> list[Box]:
    """The boxes that an edit of ``boxes`` changes, by frame and id; a box without a track is only itself.

    Args:
        until_key_frame: ``FROM_HERE`` ends before the track's next key frame (``tracks.next_key_frame``).
    """
    found: dict[int, Box] = {}
    for box in boxes:
        found[box.id] = box
        if scope is Scope.FRAME or box.track == NO_TRACK:
            continue
        first = box.frame if scope is Scope.FROM_HERE else 0
        ends = scope is Scope.FROM_HERE and until_key_frame
        stop = tracks.next_key_frame(truth, box.track, box.frame) if ends else None
        for other in truth.track(box.track):
            if other.frame >= first and (stop is None or other.frame < stop):
                found[other.id] = other
    return sorted(found.values(), key=lambda box: (box.frame, box.id))


def frames_in_scope(
    truth: GroundTruth, boxes: Iterable[Box], scope: Scope, *, until_key_frame: bool = False
) -> tuple[int, int, int]:
    """Number, first and last frame of ``boxes_in_scope``, without building the boxes of long tracks."""
    own = list(boxes)
    frames, ids = [box.frame for box in own], [np.array([box.id for box in own], np.int64)]
    first, last = min(frames), max(frames)
    for box in own if scope is not Scope.FRAME else ():
        if box.track == NO_TRACK:
            continue
        of_track, _class_ids, _flags, box_ids = truth.track_columns(box.track)
        ends = scope is Scope.FROM_HERE and until_key_frame
        stop = tracks.next_key_frame(truth, box.track, box.frame) if ends else None
        start = int(np.searchsorted(of_track, box.frame)) if scope is Scope.FROM_HERE else 0
        end = len(of_track) if stop is None else int(np.searchsorted(of_track, stop))
        if end > start:
            ids.append(box_ids[start:end])
            first, last = min(first, int(of_track[start])), max(last, int(of_track[end - 1]))
    return len(ids[-1]) if len(ids) == 2 and len(own) == 1 else len(np.unique(np.concatenate(ids))), first, last


def flag_scope(flag: BoxFlag, scope: Scope) -> Scope:
    """The scope of a flag: a key frame is always a single one."""
    return Scope.FRAME if flag is BoxFlag.KEY_FRAME else scope


def _find(document: Document, ids: Iterable[int], source: int) -> list[Box]:
    found = map(document.ground_truth(source).find, sorted(set(ids)))
    return [box for box in found if box is not None]


def _ids(boxes: Iterable[Box]) -> list[int]:
    return [box.id for box in boxes]


def scope_name(document: Document, boxes: Sequence[Box]) -> str:
    """The name of boxes in labels: ``person 17``, ``person 17, frames 153–160``, ``12 boxes``."""
    frames = [box.frame for box in boxes]
    if len(boxes) < 2 or boxes[0].track == NO_TRACK or len({box.track for box in boxes}) > 1:
        return document.objects_name(boxes)
    name = document.object_name(boxes[0])
    return tr("{box}, frames {first:,}–{last:,}", box=name, first=min(frames), last=max(frames))


# Within a scope


def set_class(document: Document, ids: Iterable[int], class_id: int, scope: Scope, *, source: int = 0) -> Command:
    """Give boxes, and the boxes of their tracks within the scope, a class."""
    truth = document.ground_truth(source)
    boxes = boxes_in_scope(truth, _find(document, ids, source), scope)
    command = commands.set_class(document, _ids(boxes), class_id, source=source)
    if len(boxes) < 2:
        return command
    return Command(command.edit, _class_label(document, scope_name(document, boxes), class_id))


def _class_label(document: Document, name: str, class_id: int) -> str:
    return tr("Change class of {boxes} to {new}", boxes=name, new=document.class_name(class_id))


def toggle_flag(document: Document, ids: Iterable[int], flag: BoxFlag, scope: Scope, *, source: int = 0) -> Command:
    """Set a flag of boxes, or clear it if all of these have it, and do the same to their tracks within the scope.

    A box that is no key frame any more is interpolated where its track has interpolated boxes.
    """
    selected = _find(document, ids, source)
    if flag is BoxFlag.KEY_FRAME and len(selected) == 1 and _is_among_interpolated(document, selected[0], source):
        return key_frames.remove(document, selected[0].track, {selected[0].frame}, source=source)
    extended = boxes_in_scope(document.ground_truth(source), selected, flag_scope(flag, scope), until_key_frame=True)
    is_set = not all(box.flags & flag for box in selected)
    name = scope_name(document, extended)
    return commands.set_flag(document, _ids(extended), flag, is_set=is_set, name=name, source=source)


def set_attributes(
    document: Document, ids: Iterable[int], attributes: AttributeSet, scope: Scope, *, source: int = 0
) -> Command:
    """Give boxes, and the boxes of their tracks within the scope of flags, these free attributes."""
    selected = _find(document, ids, source)
    if not selected:
        raise UserError(tr("no box is selected"), remedy=tr("Click a ground-truth box first."))
    extended = boxes_in_scope(document.ground_truth(source), selected, scope, until_key_frame=True)
    known = document.classes.attribute_sets
    sets, number = add_set(known, attributes)
    edits: list[Edit] = []
    if sets != known:
        edits.append(SetClassNames(document.class_names, source, attribute_sets=sets))
    edits.append(SetFlags(tuple((box.id, with_set(box.flags, number)) for box in extended), source))
    label = tr("Set attributes of {boxes}", boxes=scope_name(document, extended))
    return Command(commands.combine_edits(edits, source), label)


def _is_among_interpolated(document: Document, box: Box, source: int) -> bool:
    """Whether a box is a key frame of a track that has interpolated boxes."""
    return tracks.is_key(box) and tracks.has_interpolated(document.ground_truth(source), box.track)


def set_track(document: Document, ids: Iterable[int], track: int | None, scope: Scope, *, source: int = 0) -> Command:
    """Give boxes, and the boxes of their tracks within the scope, a track id.

    Args:
        track: ``NO_TRACK`` for none; None for a new id, one for each track and for each box without one.

    Raises:
        UserError: two boxes of one track would be on a frame, or nothing would change.
    """
    truth = document.ground_truth(source)
    selected = _find(document, ids, source)
    if not selected:
        raise UserError(tr("no box is selected"), remedy=tr("Click a ground-truth box first."))
    if track is not None and not (track == NO_TRACK or 0 <= track <= LARGEST_TRACK):
        raise UserError(tr("a track id must be in 0–{last:,}", last=LARGEST_TRACK), frame=selected[0].frame)
    boxes = boxes_in_scope(truth, selected, scope)
    pairs = list(_new_tracks(truth, boxes, track))
    if all(box.track == new for box, new in pairs):
        raise UserError(tr("nothing to change: the track is {track} already", track=track), frame=selected[0].frame)
    _check_one_box_a_frame(truth, pairs)
    edits: list[Edit] = [SetTracks(tuple((box.id, new) for box, new in pairs), source)]
    # A part of a track must not begin with a box that was interpolated between others.
    begins = {new: box for box, new in reversed(pairs)}
    keys = [(box.id, tracks.key_flags(box.flags)) for box in begins.values() if not tracks.is_key(box)]
    if keys and scope is not Scope.TRACK:
        edits.append(SetFlags(tuple(keys), source))
    return Command(commands.combine_edits(edits, source), _track_label(document, boxes, {new for _, new in pairs}))


def _new_tracks(truth: GroundTruth, boxes: Sequence[Box], track: int | None) -> Iterator[tuple[Box, int]]:
    if track is not None:
        yield from ((box, track) for box in boxes)
        return
    following = truth.next_track()
    given: dict[tuple[int, int], int] = {}
    for box in boxes:
        key = (box.track, 0) if box.track != NO_TRACK else (NO_TRACK, box.id)
        yield box, given.setdefault(key, following + len(given))


def _check_one_box_a_frame(truth: GroundTruth, pairs: Sequence[tuple[Box, int]]) -> None:
    moved = {box.id for box, _ in pairs}
    taken: dict[tuple[int, int], Box] = {}
    for track in {new for _, new in pairs} - {NO_TRACK}:
        taken |= {(track, box.frame): box for box in truth.track(track) if box.id not in moved}
    for box, new in pairs:
        if new == NO_TRACK:
            continue
        other = taken.setdefault((new, box.frame), box)
        if other is not box:
            text = tr("track {track} already has a box on this frame", track=new)
            raise UserError(text, frame=box.frame, remedy=tr("Choose another track id, or a smaller scope."))


def _track_label(document: Document, boxes: Sequence[Box], numbers: Collection[int]) -> str:
    name = scope_name(document, boxes)
    if len(numbers) > 1:
        return tr_n("Give {boxes} a new track", "Give {boxes} {count:,} new tracks", len(numbers), boxes=name)
    [number] = numbers
    if number == NO_TRACK:
        return tr("Remove track of {boxes}", boxes=name)
    return tr("Set track of {boxes} to {track}", boxes=name, track=number)


# Whole tracks


def boxes_of_tracks(truth: GroundTruth, numbers: Iterable[int]) -> list[Box]:
    """All boxes of these tracks."""
    return [box for number in sorted(set(numbers) - {NO_TRACK}) for box in truth.track(number)]


def tracks_name(document: Document, boxes: Sequence[Box]) -> str:
    """The name of whole tracks in labels: ``person 17``, ``2 tracks``."""
    numbers = {box.track for box in boxes}
    if len(numbers) > 1:
        return tr_n("{count} track", "{count:,} tracks", len(numbers))
    return document.object_name(boxes[0])


def delete_tracks(document: Document, numbers: Iterable[int], *, source: int = 0) -> Command:
    """Remove all boxes of tracks; their frames stay labelled."""
    boxes = boxes_of_tracks(document.ground_truth(source), numbers)
    command = commands.delete(document, _ids(boxes), source=source)
    label = tr_n(
        "Delete {tracks} ({count} box)",
        "Delete {tracks} ({count:,} boxes)",
        len(boxes),
        tracks=tracks_name(document, boxes),
    )
    return Command(command.edit, label, ())


def set_class_of_tracks(document: Document, numbers: Iterable[int], class_id: int, *, source: int = 0) -> Command:
    """Give all boxes of tracks a class."""
    boxes = boxes_of_tracks(document.ground_truth(source), numbers)
    command = commands.set_class(document, _ids(boxes), class_id, source=source)
    return Command(command.edit, _class_label(document, tracks_name(document, boxes), class_id))
