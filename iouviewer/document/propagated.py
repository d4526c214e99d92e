"""Commands that add the boxes of a propagation. Existing key boxes stay; derived boxes of the track are replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from iouviewer.document import tracks
from iouviewer.document.attributes import ATTRIBUTE_MASK
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag, Rect
from iouviewer.document.commands import Command, combine_edits
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, Edit, SetFlags, SetFrames, SetRects, SetTracks
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.origins import Origin, origin_bits, with_origin
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n

COPIED_FLAGS = int(BoxFlag.OCCLUDED | BoxFlag.IGNORED | BoxFlag.TRUNCATED) | ATTRIBUTE_MASK


@dataclass(frozen=True, slots=True)
class Span:
    """Where a box can be propagated to.

    Attributes:
        last_frame: the last frame at most.
        target: the next key box of its track on ``last_frame``, or None if the track has none there.
    """

    last_frame: int
    target: Box | None = None


def find_span(truth: GroundTruth, box: Box, *, step: int, frames: int) -> Span | None:
    """The frames that ``box`` can be propagated to; None if the next frame is the end or has a key box of its track.

    Args:
        step: 1 forwards, -1 backwards.
        frames: how many frames at most; a key box of the track within them is the target.
    """
    limit = min(max(box.frame + step * frames, 0), truth.frame_count - 1)
    if limit == box.frame:
        return None
    others = truth.track(box.track) if box.track != NO_TRACK else ()
    keys = [other for other in others if tracks.is_key(other) and (other.frame - box.frame) * step > 0]
    nearest = min(keys, key=lambda other: abs(other.frame - box.frame), default=None)
    # A key box just beyond the limit counts too: the frames before it are then filled from both ends.
    if nearest is None or abs(nearest.frame - box.frame) > frames + 1:
        return Span(limit)
    return Span(nearest.frame, nearest) if abs(nearest.frame - box.frame) > 1 else None


def add_propagated(
    document: Document, found: Mapping[int, Sequence[tuple[int, Rect]]], *, guided_by: str = "", source: int = 0
) -> Command:
    """Add the boxes that a propagation found, as derived boxes (``INTERPOLATED``) of their track.

    A start box without a track gets a new one where the ground truth has tracks, and counts as a key box.

    Args:
        found: frame and rectangle of each box by the id of the box it was carried from.
        guided_by: key of the variant whose predictions guided the passes, empty for none.

    Raises:
        UserError: nothing was found, or the start boxes are gone.
    """
    truth = document.ground_truth(source)
    edits: list[Edit] = []
    starts: list[Box] = []
    frames: set[int] = set()
    added: list[Box] = []
    moved: dict[int, Rect] = {}
    flagged: list[tuple[int, int]] = []
    origin = origin_bits(Origin.PROPAGATED, guided_by)
    for box_id, boxes in found.items():
        start = truth.find(box_id)
        if start is None or not boxes:
            continue
        track = start.track
        if track == NO_TRACK:
            track = max(tracks.new_tracks(truth, 1)[0], *(box.track + 1 for box in added), NO_TRACK)
            if track != NO_TRACK:
                edits.append(SetTracks(((box_id, track),), source))
        if not tracks.is_key(start):
            edits.append(SetFlags(((box_id, tracks.key_flags(start.flags)),), source))
        existing = {box.frame: box for box in truth.track(start.track)} if start.track != NO_TRACK else {}
        flags = int(BoxFlag.INTERPOLATED) | int(start.flags & COPIED_FLAGS) | origin
        for frame, rect in boxes:
            old = existing.get(frame)
            if old is None:
                added.append(Box(0, frame, rect, start.class_id, track, flags))
            elif not tracks.is_key(old):
                moved[old.id] = rect
                flagged.append((old.id, with_origin(old.flags, Origin.PROPAGATED, guided_by)))
            else:
                continue
            frames.add(frame)
        starts.append(start)
    if not frames:
        raise UserError(tr("there is no frame to propagate to"))
    if moved:
        edits += [SetRects(tuple(moved.items()), source), SetFlags(tuple(flagged), source)]
    edits.extend(_add(truth, added, source))
    label = tr_n(
        "Propagate {boxes} to {count} frame",
        "Propagate {boxes} to {count:,} frames",
        len(frames),
        boxes=document.objects_name(starts),
    )
    return Command(combine_edits(edits, source), label)


def _add(truth: GroundTruth, boxes: Sequence[Box], source: int) -> Iterator[Edit]:
    """Add boxes under new ids; their frames become labelled."""
    if not boxes:
        return
    ids = truth.new_ids(len(boxes))
    yield AddBoxes(tuple(replace(box, id=new_id) for new_id, box in zip(ids, boxes, strict=True)), source)
    marks = tracks.labelled_marks(truth, sorted(box.frame for box in boxes))
    if marks:
        yield SetFrames(marks, source)
