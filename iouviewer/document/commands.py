"""Builders of edits: what a person asks for, as an edit with a phrase for the history.

Pure functions on the ground truth. A builder that has nothing to do, or may not do it, raises UserError with what to do
instead; the session executes what it returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from iouviewer.document import tracks
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag, Rect
from iouviewer.document.edits import (
    AddBoxes,
    Batch,
    Edit,
    FrameMark,
    FrameState,
    RemoveBoxes,
    SetClasses,
    SetClassNames,
    SetFlags,
    SetFrames,
    SetRects,
)
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.rects import MIN_SIZE, Edges, dragged
from iouviewer.errors import UserError
from iouviewer.metrics.table import UNSPECIFIED_CLASS


@dataclass(frozen=True, slots=True)
class Command:
    """An edit ready to be executed as one step.

    Attributes:
        label: for people, for example ``Resize box 12``.
        select: boxes to select afterwards, None to leave the selection.
        merge_key: steps with the same key within a second become one.
    """

    edit: Edit
    label: str
    select: tuple[int, ...] | None = None
    merge_key: str = ""


def as_one(edits: Sequence[Edit], source: int) -> Edit:
    """One edit: the only one, or all as a batch."""
    return edits[0] if len(edits) == 1 else Batch(tuple(edits), source)


def count_of(number: int, one: str = "box", many: str = "boxes") -> str:
    """``1 box``, ``3 boxes``."""
    return f"{number} {one if number == 1 else many}"


def named(verb: str, ids: Iterable[int], tail: str = "") -> str:
    """A phrase for the history: ``Resize box 12``, ``Delete 3 boxes``."""
    boxes = tuple(ids)
    what = f"box {boxes[0]}" if len(boxes) == 1 else count_of(len(boxes))
    return f"{verb} {what}{tail}"


def _chosen(truth: GroundTruth, ids: Iterable[int]) -> list[Box]:
    boxes = [box for box in map(truth.find, sorted(set(ids))) if box is not None]
    if not boxes:
        raise UserError("no box is selected", remedy="Click a ground-truth box first.")
    return boxes


# Geometry


def set_rects(truth: GroundTruth, rects: Mapping[int, Rect], label: str, *, source: int = 0) -> Command:
    """New rectangles by box id; interpolated neighbours follow (tracks.follow)."""
    edits: list[Edit] = [SetRects(tuple(rects.items()), source), *tracks.follow(truth, rects, source=source)]
    return Command(as_one(edits, source), label)


def nudge(truth: GroundTruth, ids: Iterable[int], dx: float, dy: float, *, source: int = 0) -> Command:
    """Move boxes by (dx, dy) pixels; a burst becomes one step."""
    boxes = _chosen(truth, ids)
    rects = {box.id: dragged(box.rect, Edges.ALL, dx, dy) for box in boxes}
    return _merging(set_rects(truth, rects, named("Nudge", rects), source=source), "nudge", boxes)


def resize_edge(truth: GroundTruth, box_id: int, edges: Edges, dx: float, dy: float, *, source: int = 0) -> Command:
    """Move edges of one box by (dx, dy) pixels; a burst becomes one step."""
    boxes = _chosen(truth, [box_id])
    rects = {box_id: dragged(boxes[0].rect, edges, dx, dy)}
    command = set_rects(truth, rects, named("Resize", rects), source=source)
    return _merging(command, f"resize {edges.value}", boxes)


def _merging(command: Command, what: str, boxes: list[Box]) -> Command:
    # Steps merge by keeping the later edit and the earlier inverse, so both must name the same boxes: a step that also
    # moves interpolated neighbours stands alone.
    if isinstance(command.edit, Batch):
        return command
    return replace(command, merge_key=f"{what} {boxes[0].frame} {','.join(str(box.id) for box in boxes)}")


def snap_edge(truth: GroundTruth, box_id: int, edge: Edges, target: Rect, *, source: int = 0) -> Command:
    """Put one edge of a box where the same edge of ``target`` lies."""
    box = _chosen(truth, [box_id])[0]
    edges = (Edges.LEFT, Edges.TOP, Edges.RIGHT, Edges.BOTTOM)
    new = tuple(t if edge & e else old for e, t, old in zip(edges, target, box.rect, strict=True))
    rect = (new[0], new[1], new[2], new[3])
    if rect[2] - rect[0] < MIN_SIZE or rect[3] - rect[1] < MIN_SIZE:
        raise UserError("the prediction's edge lies beyond the box", frame=box.frame)
    return set_rects(truth, {box_id: rect}, f"Snap the {_edge_name(edge)} edge of box {box_id}", source=source)


def _edge_name(edge: Edges) -> str:
    return (edge.name or "").lower()


# Adding and removing


def add(truth: GroundTruth, boxes: Sequence[Box], label: str = "", *, source: int = 0) -> Command:
    """Add boxes; their ids are given out here, unlabelled frames become labelled in the same step."""
    new = tuple(replace(box, id=i) for box, i in zip(boxes, truth.new_ids(len(boxes)), strict=True))
    ids = tuple(box.id for box in new)
    edits: list[Edit] = [AddBoxes(new, source)]
    marks = tracks.labelled(truth, (box.frame for box in new))
    if marks:
        edits.append(SetFrames(marks, source))
    return Command(as_one(edits, source), label or named("Add", ids), ids)


def draw(truth: GroundTruth, frame: int, rect: Rect, class_id: int, *, source: int = 0) -> Command:
    """Add one box drawn by hand."""
    command = add(truth, [Box(0, frame, rect, class_id)], source=source)
    assert command.select is not None
    return replace(command, label=f"Draw box {command.select[0]}")


def delete(truth: GroundTruth, ids: Iterable[int], *, source: int = 0) -> Command:
    """Remove boxes. The frame stays labelled when the last one goes: it is known to be empty."""
    boxes = _chosen(truth, ids)
    edits: list[Edit] = [RemoveBoxes(tuple(box.id for box in boxes), source)]
    marks = tracks.labelled(truth, (box.frame for box in boxes))
    if marks:
        edits.append(SetFrames(marks, source))
    return Command(as_one(edits, source), named("Delete", (box.id for box in boxes)), ())


def paste(
    truth: GroundTruth, boxes: Sequence[Box], frame: int, *, by: float = 0.0, verb: str = "Paste", source: int = 0
) -> Command:
    """Copies of boxes on ``frame``, shifted by ``by`` pixels right and down.

    A copy keeps its track where the track has no box on that frame; otherwise it has none.
    """
    if not boxes:
        raise UserError("nothing was copied", remedy="Select boxes and copy them first.")
    taken = {box.track for box in truth.boxes(frame)}
    copies = [
        replace(
            box,
            frame=frame,
            rect=dragged(box.rect, Edges.ALL, by, by),
            track=NO_TRACK if box.track in taken else box.track,
            flags=tracks.as_key(box.flags) if box.flags & BoxFlag.INTERPOLATED else box.flags,
        )
        for box in boxes
    ]
    return add(truth, copies, f"{verb} {count_of(len(copies))}", source=source)


def paste_previous_frame(truth: GroundTruth, frame: int, *, source: int = 0) -> Command:
    """Boxes of the previous frame, but those whose track has a box here already, or that stand here unchanged."""
    before = truth.boxes(frame - 1) if frame > 0 else ()
    if not before:
        raise UserError("the previous frame has no boxes", frame=frame)
    here = truth.boxes(frame)
    taken = {box.track for box in here} - {NO_TRACK}
    there = {box.rect for box in here}
    new = [box for box in before if box.track not in taken and box.rect not in there]
    if not new:
        raise UserError("the boxes of the previous frame are here already", frame=frame)
    return paste(truth, new, frame, verb="Take", source=source)


def propagate(truth: GroundTruth, ids: Iterable[int], frames: int, *, source: int = 0) -> Command:
    """Copy boxes to the next ``frames`` frames; frames where their track has a box are left alone."""
    boxes = _chosen(truth, ids)
    copies: list[Box] = []
    for box in boxes:
        last = min(box.frame + frames, truth.frame_count - 1)
        taken = {other.frame for other in truth.track(box.track)} if box.track != NO_TRACK else set()
        flags = box.flags & ~int(BoxFlag.KEY_FRAME)
        targets = (f for f in range(box.frame + 1, last + 1) if f not in taken)
        copies += [replace(box, frame=frame, flags=flags) for frame in targets]
    if not copies:
        raise UserError("there is no frame to propagate to", frame=boxes[0].frame)
    label = f"{named('Propagate', (box.id for box in boxes))} to {count_of(frames, 'frame', 'frames')}"
    return replace(add(truth, copies, label, source=source), select=None)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A prediction to be taken as ground truth; ``partner`` is the box it is paired with, None for a new box."""

    rect: Rect
    class_id: int
    partner: int | None = None


def without_classes(truth: GroundTruth, frame: int) -> bool:
    """Whether boxes are kept without classes: those of the frame, or all of them where it has none yet.

    One box with a class among them would match other predictions than its neighbours do, and show in no number.
    """
    boxes = truth.boxes(frame)
    if boxes:
        return all(box.class_id == UNSPECIFIED_CLASS for box in boxes)
    classes = truth.table().class_ids
    return bool(len(classes)) and bool((classes == UNSPECIFIED_CLASS).all())


def accept(truth: GroundTruth, frame: int, predictions: Sequence[Accepted], *, source: int = 0) -> Command:
    """Take predictions as ground truth: a paired one gives its rectangle to its partner, others become new boxes.

    New boxes have no class where ``without_classes``.
    """
    if not predictions:
        raise UserError("no prediction can be accepted here", frame=frame)
    edits: list[Edit] = []
    moved = {p.partner: p.rect for p in predictions if p.partner is not None}
    if moved:
        edits += [SetRects(tuple(moved.items()), source), *tracks.follow(truth, moved, source=source)]
    bare = without_classes(truth, frame)
    fresh = [Box(0, frame, p.rect, UNSPECIFIED_CLASS if bare else p.class_id) for p in predictions if p.partner is None]
    ids = tuple(moved)
    if fresh:
        added = add(truth, fresh, source=source)
        ids += added.select or ()
        edits.append(added.edit)
    marks = tracks.labelled(truth, [frame]) if not fresh else ()
    if marks:
        edits.append(SetFrames(marks, source))
    one = f"Accept the prediction for box {ids[0]}" if moved else f"Accept a prediction as box {ids[0]}"
    label = one if len(ids) == 1 else f"Accept {len(ids)} predictions"
    return Command(as_one(edits, source), label, ids)


# Classes, flags, frames


def set_class(truth: GroundTruth, ids: Iterable[int], class_id: int, name: str, *, source: int = 0) -> Command:
    """Give boxes a class; ``name`` is for the phrase."""
    boxes = _chosen(truth, ids)
    label = named("Make", (box.id for box in boxes), f" {name}")
    return Command(SetClasses(tuple((box.id, class_id) for box in boxes), source), label)


def add_class(names: tuple[str, ...], name: str, *, source: int = 0) -> Command:
    """Append a class name; UserError if it is empty or there already."""
    name = name.strip()
    if not name:
        raise UserError("a class needs a name")
    if name.casefold() in {old.casefold() for old in names}:
        raise UserError(f"there is a class {name} already")
    return Command(SetClassNames((*names, name), source), f"Add class {name}")


_FLAG_NAMES = {
    BoxFlag.KEY_FRAME: "key frame",
    BoxFlag.OUTSIDE: "outside",
    BoxFlag.OCCLUDED: "occluded",
    BoxFlag.IGNORED: "ignored",
    BoxFlag.TRUNCATED: "truncated",
}


def toggle_flag(truth: GroundTruth, ids: Iterable[int], flag: BoxFlag, *, source: int = 0) -> Command:
    """Set a flag of boxes, or clear it if all have it. A box made a key frame is no longer interpolated."""
    boxes = _chosen(truth, ids)
    clear = all(box.flags & flag for box in boxes)
    pairs = []
    for box in boxes:
        flags = box.flags & ~int(flag) if clear else box.flags | flag
        if flag is BoxFlag.KEY_FRAME and not clear:
            flags = tracks.as_key(flags)
        pairs.append((box.id, int(flags)))
    tail = f" {'not ' if clear else ''}{_FLAG_NAMES[flag]}"
    label = named("Mark", (box.id for box in boxes), f" as{tail}")
    return Command(SetFlags(tuple(pairs), source), label)


def verify(truth: GroundTruth, frame: int, *, empty: bool = False, source: int = 0) -> Command:
    """Mark a frame as labelled and verified; ``empty`` asserts that it has no box and refuses if it has."""
    if empty and truth.boxes(frame):
        count = count_of(len(truth.boxes(frame)))
        raise UserError(f"the frame has {count}", frame=frame, remedy="Delete them first.")
    label = f"Verify frame {frame}{' as empty' if empty else ''}"
    return Command(SetFrames((FrameMark(frame, FrameState.LABELLED, True),), source), label)


def mark(truth: GroundTruth, frames: Iterable[int], state: FrameState, *, source: int = 0) -> Command:
    """Make frames labelled, unlabelled or excluded."""
    marks = tuple(FrameMark(f, state, truth.is_verified(f) and state is FrameState.LABELLED) for f in frames)
    what = f"frame {marks[0].frame}" if len(marks) == 1 else count_of(len(marks), "frame", "frames")
    return Command(SetFrames(marks, source), f"Mark {what} as {state.name.lower()}")


# Tracks


def interpolate(truth: GroundTruth, ids: Iterable[int], *, source: int = 0) -> Command:
    """Fill the frames on both sides of each box, up to the track's neighbouring key frames."""
    edits: list[Edit] = []
    boxes = _chosen(truth, ids)
    for box in boxes:
        keys = [b for b in truth.track(box.track) if tracks.is_key(b)] if box.track != NO_TRACK else []
        before = [key for key in keys if key.frame < box.frame][-1:]
        after = [key for key in keys if key.frame > box.frame][:1]
        stops = [*before, *([box] if tracks.is_key(box) else []), *after]
        for first, last in pairwise(stops):
            edits += tracks.interpolate(truth, first, last, source=source)
    if not edits:
        raise UserError(
            "there is nothing to interpolate", frame=boxes[0].frame, remedy="Select a box of a track with gaps."
        )
    return Command(as_one(edits, source), named("Interpolate around", (box.id for box in boxes)))


def merge_tracks(truth: GroundTruth, ids: Iterable[int], *, source: int = 0) -> Command:
    """Make the selected boxes' tracks one."""
    wanted = sorted({box.track for box in _chosen(truth, ids)} - {NO_TRACK})
    label = f"Merge {count_of(len(wanted), 'track', 'tracks')} into track {wanted[0] if wanted else ''}"
    return Command(tracks.merge(truth, wanted, source=source), label)


def split_track(truth: GroundTruth, box_id: int, *, source: int = 0) -> Command:
    """Start a new track at this box."""
    box = _chosen(truth, [box_id])[0]
    edits = tracks.split(truth, box.track, box.frame, source=source)
    return Command(as_one(edits, source), f"Split track {box.track} at frame {box.frame}")


def swap_tracks(truth: GroundTruth, ids: Iterable[int], *, source: int = 0) -> Command:
    """Exchange the tracks of two boxes from their frame on."""
    boxes = _chosen(truth, ids)
    if len(boxes) != 2:
        raise UserError("swapping needs two selected boxes")
    one, other = boxes
    edit = tracks.swap(truth, one.track, other.track, max(one.frame, other.frame), source=source)
    return Command(edit, f"Swap tracks {one.track} and {other.track} from frame {one.frame}")
