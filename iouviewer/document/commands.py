"""Builds edits from user commands, each with a label for the undo history.

The functions read the document and do not change it. A builder whose command has no effect or is not allowed raises
UserError with a remedy; the session executes the returned edit. Labels name boxes by class and track id (``person
17``), never by box id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from iouviewer.document import tracks
from iouviewer.document.boxes import (
    MIN_SIZE,
    NO_TRACK,
    Box,
    BoxFlag,
    Edges,
    Rect,
    allowed_area,
    limit_move,
    move_edges,
    resize_within,
)
from iouviewer.document.classes import OTHER_CLASSES
from iouviewer.document.document import Document
from iouviewer.document.edits import (
    AddBoxes,
    Batch,
    Edit,
    RemoveBoxes,
    SetClasses,
    SetClassNames,
    SetFlags,
    SetFrames,
    SetRects,
)
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.origins import Origin, origin_bits, with_origin
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS


@dataclass(frozen=True, slots=True)
class Command:
    """An edit ready to be executed as one step.

    Attributes:
        label: for display, for example ``Resize person 12``.
        select: boxes to select afterwards, None to keep the selection.
        merge_key: steps with the same key within a second become one.
    """

    edit: Edit
    label: str
    select: tuple[int, ...] | None = None
    merge_key: str = ""


def combine_edits(edits: Sequence[Edit], source: int) -> Edit:
    """The edit if there is only one, otherwise a batch of all."""
    return edits[0] if len(edits) == 1 else Batch(tuple(edits), source)


def _selected_boxes(document: Document, ids: Iterable[int], source: int) -> list[Box]:
    truth = document.ground_truth(source)
    boxes = [box for box in map(truth.find, sorted(set(ids))) if box is not None]
    if not boxes:
        raise UserError(tr("no box is selected"), remedy=tr("Click a ground-truth box first."))
    return boxes


# Labels that gestures share


def move_label(document: Document, boxes: Collection[Box]) -> str:
    """``Move person 17``, ``Move 3 boxes``."""
    return tr("Move {boxes}", boxes=document.objects_name(boxes))


def resize_label(document: Document, boxes: Collection[Box]) -> str:
    """``Resize person 17``, ``Resize 3 boxes``."""
    return tr("Resize {boxes}", boxes=document.objects_name(boxes))


def copy_label(document: Document, boxes: Collection[Box]) -> str:
    """``Copy person 17``, ``Copy 3 boxes``."""
    return tr("Copy {boxes}", boxes=document.objects_name(boxes))


def draw_label(document: Document, box: Box) -> str:
    """``Draw person``, ``Draw person 20`` for a box with a track."""
    return tr("Draw {box}", box=document.object_name(box))


# Geometry


def set_rects(document: Document, rects: Mapping[int, Rect], label: str, *, source: int = 0) -> Command:
    """New rectangles by box id; interpolated neighbours follow (``tracks.update_interpolated``)."""
    truth = document.ground_truth(source)
    edits: list[Edit] = [
        SetRects(tuple(rects.items()), source),
        *tracks.update_interpolated(truth, rects, source=source),
    ]
    return Command(combine_edits(edits, source), label)


def nudge(document: Document, ids: Iterable[int], dx: float, dy: float, *, source: int = 0) -> Command:
    """Move boxes by (dx, dy) pixels; a burst of nudges becomes one step.

    As with the mouse, they stay inside the picture and keep their distances: the first at the border stops the others.
    """
    boxes = _selected_boxes(document, ids, source)
    for box in boxes:
        dx, dy = limit_move(box.rect, dx, dy, _area_of(document, box, source))
    if not dx and not dy:
        raise _at_border(boxes[0])
    rects = {box.id: move_edges(box.rect, Edges.ALL, dx, dy) for box in boxes}
    label = tr("Nudge {boxes}", boxes=document.objects_name(boxes))
    return _with_merge_key(set_rects(document, rects, label, source=source), "nudge", boxes)


def resize_edge(document: Document, box_id: int, edges: Edges, dx: float, dy: float, *, source: int = 0) -> Command:
    """Move edges of one box by (dx, dy) pixels, at most to the border of the picture; a burst becomes one step."""
    boxes = _selected_boxes(document, [box_id], source)
    rect = resize_within(boxes[0].rect, edges, dx, dy, _area_of(document, boxes[0], source))
    if rect == boxes[0].rect:
        raise _at_border(boxes[0])
    command = set_rects(document, {box_id: rect}, resize_label(document, boxes), source=source)
    return _with_merge_key(command, " ".join(("resize", str(edges.value))), boxes)


def _area_of(document: Document, box: Box, source: int) -> Rect:
    """Where a box may be moved and resized to."""
    return allowed_area(box.rect, *document.sources[source].size_of(box.frame))


def _at_border(box: Box) -> UserError:
    return UserError(tr("the border of the picture is reached"), frame=box.frame)


def _with_merge_key(command: Command, kind: str, boxes: list[Box]) -> Command:
    # Merged steps keep the later edit and the earlier inverse, so both must refer to the same boxes. A step that also
    # moves interpolated neighbours is therefore not merged.
    if isinstance(command.edit, Batch):
        return command
    return replace(command, merge_key=f"{kind} {boxes[0].frame} {','.join(str(box.id) for box in boxes)}")


def snap_edge(document: Document, box_id: int, edge: Edges, target: Rect, *, source: int = 0) -> Command:
    """Move one edge of a box to the same edge of ``target``."""
    box = _selected_boxes(document, [box_id], source)[0]
    edges = (Edges.LEFT, Edges.TOP, Edges.RIGHT, Edges.BOTTOM)
    new = tuple(t if edge & e else old for e, t, old in zip(edges, target, box.rect, strict=True))
    rect = (new[0], new[1], new[2], new[3])
    if rect[2] - rect[0] < MIN_SIZE or rect[3] - rect[1] < MIN_SIZE:
        raise UserError(tr("the prediction's edge lies beyond the opposite edge of the box"), frame=box.frame)
    return set_rects(document, {box_id: rect}, _snap_label(edge, document.object_name(box)), source=source)


def _snap_label(edge: Edges, name: str) -> str:
    if edge is Edges.LEFT:
        return tr("Snap left edge of {box}", box=name)
    if edge is Edges.TOP:
        return tr("Snap top edge of {box}", box=name)
    if edge is Edges.RIGHT:
        return tr("Snap right edge of {box}", box=name)
    return tr("Snap bottom edge of {box}", box=name)


# Adding and removing


def add(document: Document, boxes: Sequence[Box], label: str = "", *, source: int = 0) -> Command:
    """Add boxes with new ids; unlabelled frames become labelled in the same step."""
    truth = document.ground_truth(source)
    new = tuple(replace(box, id=i) for box, i in zip(boxes, truth.new_ids(len(boxes)), strict=True))
    edits: list[Edit] = [AddBoxes(new, source)]
    marks = tracks.labelled_marks(truth, (box.frame for box in new))
    if marks:
        edits.append(SetFrames(marks, source))
    label = label or tr("Add {boxes}", boxes=document.objects_name(new))
    return Command(combine_edits(edits, source), label, tuple(box.id for box in new))


def draw(document: Document, frame: int, rect: Rect, class_id: int, *, source: int = 0) -> Command:
    """Add one box drawn by hand: a new object."""
    [track] = tracks.new_tracks(document.ground_truth(source), 1)
    box = Box(0, frame, rect, class_id, track, origin_bits(Origin.DRAWN))
    return add(document, [box], draw_label(document, box), source=source)


def delete(document: Document, ids: Iterable[int], *, source: int = 0) -> Command:
    """Remove boxes. A frame stays labelled without its last box, as it is then known to be empty."""
    boxes = _selected_boxes(document, ids, source)
    edits: list[Edit] = [RemoveBoxes(tuple(box.id for box in boxes), source)]
    marks = tracks.labelled_marks(document.ground_truth(source), (box.frame for box in boxes))
    if marks:
        edits.append(SetFrames(marks, source))
    label = tr("Delete {boxes}", boxes=document.objects_name(boxes))
    return Command(combine_edits(edits, source), label, ())


def paste(document: Document, boxes: Sequence[Box], frame: int, *, by: float = 0.0, source: int = 0) -> Command:
    """Copies of boxes on ``frame``, shifted by ``by`` pixels right and down.

    For their tracks see ``copies_of``.
    """
    if not boxes:
        raise UserError(tr("nothing was copied"), remedy=tr("Select boxes and copy them first."))
    copies = copies_of(document, boxes, frame, by=by, source=source)
    return add(document, copies, tr("Paste {boxes}", boxes=document.objects_name(copies)), source=source)


def duplicate(document: Document, ids: Iterable[int], frame: int, *, by: float, source: int = 0) -> Command:
    """Copies of selected boxes on ``frame``, shifted by ``by`` pixels right and down, as by ``paste``."""
    boxes = _selected_boxes(document, ids, source)
    copies = copies_of(document, boxes, frame, by=by, source=source)
    return add(document, copies, tr("Duplicate {boxes}", boxes=document.objects_name(boxes)), source=source)


def copies_of(document: Document, boxes: Sequence[Box], frame: int, *, by: float = 0.0, source: int = 0) -> list[Box]:
    """Copies of boxes for ``frame``, shifted by ``by`` pixels; the ids are those of the originals.

    A copy keeps its track where the track has no box on that frame; otherwise it is a new object with a new track.
    """
    truth = document.ground_truth(source)
    taken = {box.track for box in truth.boxes(frame)} - {NO_TRACK}
    copies = []
    for box in boxes:
        track = box.track
        if track in taken:
            track = max(tracks.new_tracks(truth, 1)[0], max(taken) + 1)
        if track != NO_TRACK:
            taken.add(track)
        flags = tracks.key_flags(box.flags) if box.flags & BoxFlag.INTERPOLATED else box.flags
        flags = with_origin(flags, Origin.DRAWN)
        rect = move_edges(box.rect, Edges.ALL, by, by)
        copies.append(replace(box, frame=frame, rect=rect, track=track, flags=flags))
    return copies


def paste_previous_frame(document: Document, frame: int, *, source: int = 0) -> Command:
    """Copy the previous frame's boxes, except those whose track or identical rectangle is on this frame already."""
    truth = document.ground_truth(source)
    before = truth.boxes(frame - 1) if frame > 0 else ()
    if not before:
        raise UserError(tr("the previous frame has no boxes"), frame=frame)
    existing = truth.boxes(frame)
    existing_tracks = {box.track for box in existing} - {NO_TRACK}
    existing_rects = {box.rect for box in existing}
    new = [box for box in before if box.track not in existing_tracks and box.rect not in existing_rects]
    if not new:
        raise UserError(tr("this frame already has the boxes of the previous frame"), frame=frame)
    copies = copies_of(document, new, frame, source=source)
    label = tr("Copy {boxes} from previous frame", boxes=document.objects_name(copies))
    return add(document, copies, label, source=source)


def propagate(document: Document, ids: Iterable[int], frames: int, *, source: int = 0) -> Command:
    """Copy boxes to the next ``frames`` frames, except frames where their track has a box."""
    truth = document.ground_truth(source)
    boxes = _selected_boxes(document, ids, source)
    copies: list[Box] = []
    for box in boxes:
        last = min(box.frame + frames, truth.frame_count - 1)
        taken = {other.frame for other in truth.track(box.track)} if box.track != NO_TRACK else set()
        flags = with_origin(box.flags & ~int(BoxFlag.KEY_FRAME), Origin.PROPAGATED)
        targets = (f for f in range(box.frame + 1, last + 1) if f not in taken)
        copies += [replace(box, frame=frame, flags=flags) for frame in targets]
    if not copies:
        raise UserError(tr("there is no frame to propagate to"), frame=boxes[0].frame)
    label = tr_n(
        "Propagate {boxes} to {count} frame",
        "Propagate {boxes} to {count:,} frames",
        frames,
        boxes=document.objects_name(boxes),
    )
    return replace(add(document, copies, label, source=source), select=None)


# Predictions


@dataclass(frozen=True, slots=True)
class AcceptedPrediction:
    """A prediction to be added to the ground truth.

    Attributes:
        partner: id of the ground-truth box that it is matched to, None for a new box.
        variant, score: name of the variant and confidence, for the label; empty and None for a proposed fix.
        variant_key: of the variant that the box counts as accepted from; empty for none.
        continues: a box of the track that a new box continues; None for a new object.
    """

    rect: Rect
    class_id: int
    partner: int | None = None
    variant: str = ""
    score: float | None = None
    variant_key: str = ""
    continues: Box | None = None


def uses_no_classes(truth: GroundTruth, frame: int) -> bool:
    """Whether new boxes get no class: the frame's boxes have none or, on a frame without boxes, all boxes have none.

    A single box with a class among boxes without one would match other predictions than its neighbours and would not
    affect any metric.
    """
    boxes = truth.boxes(frame)
    if boxes:
        return all(box.class_id == UNSPECIFIED_CLASS for box in boxes)
    classes = truth.table().class_ids
    return bool(len(classes)) and bool((classes == UNSPECIFIED_CLASS).all())


def accept(document: Document, frame: int, predictions: Sequence[AcceptedPrediction], *, source: int = 0) -> Command:
    """Add predictions to the ground truth: a matched one moves its partner, others become new boxes.

    New boxes have no class where ``uses_no_classes``.
    """
    if not predictions:
        raise UserError(tr("there is no prediction to accept on this frame"), frame=frame)
    truth = document.ground_truth(source)
    edits: list[Edit] = []
    moved = {p.partner: p.rect for p in predictions if p.partner is not None}
    if moved:
        edits += [SetRects(tuple(moved.items()), source), *tracks.update_interpolated(truth, moved, source=source)]
        edits += _accepted_flags(truth, edits, predictions, source)
    no_class = uses_no_classes(truth, frame)
    unmatched = [p for p in predictions if p.partner is None]
    new = [
        _accepted_box(truth, frame, p, track, no_class=no_class)
        for p, track in zip(unmatched, tracks.new_tracks(truth, len(unmatched)), strict=True)
    ]
    ids = tuple(moved)
    if new:
        names, known = known_classes(document, [box.class_id for box in new], source)
        edits += names
        new = [replace(box, class_id=known.get(box.class_id, box.class_id)) for box in new]
        added = add(document, new, source=source)
        ids += added.select or ()
        edits.append(added.edit)
        for prediction, added_box in zip(unmatched, new, strict=True):
            if prediction.continues is not None:
                edits += tracks.fill_beside(truth, added_box, source=source)
    marks = tracks.labelled_marks(truth, [frame]) if not new else ()
    if marks:
        edits.append(SetFrames(marks, source))
    if len(ids) == 1:
        box = truth.find(ids[0]) if not new else replace(new[0], class_id=predictions[0].class_id)
        if new and unmatched[0].continues is not None:
            box = new[0]
        label = _accept_label(document, predictions[0], new[0] if no_class and new else box)
    else:
        label = tr_n("Accept {count} prediction", "Accept {count:,} predictions", len(ids))
    return Command(combine_edits(edits, source), label, ids)


def _accepted_box(truth: GroundTruth, frame: int, accepted: AcceptedPrediction, track: int, *, no_class: bool) -> Box:
    """The new box of a prediction: of a new track, or of the one that it continues."""
    flags, continued = origin_bits(Origin.ACCEPTED, accepted.variant_key), accepted.continues
    if continued is not None:
        flags |= tracks.continuing_flags(truth, continued.track)
        return Box(0, frame, accepted.rect, continued.class_id, continued.track, flags)
    return Box(0, frame, accepted.rect, UNSPECIFIED_CLASS if no_class else accepted.class_id, track, flags)


def _accepted_flags(
    truth: GroundTruth, edits: Iterable[Edit], predictions: Iterable[AcceptedPrediction], source: int
) -> list[Edit]:
    """The edit that gives moved boxes their new origin, on top of the flags that other edits of the step set."""
    flags = {box_id: value for edit in edits if isinstance(edit, SetFlags) for box_id, value in edit.flags}
    found = []
    for prediction in predictions:
        box = None if prediction.partner is None else truth.find(prediction.partner)
        if box is not None:
            now = with_origin(flags.get(box.id, box.flags), Origin.ACCEPTED, prediction.variant_key)
            found.append((box.id, now))
    return [SetFlags(tuple(found), source)] if found else []


def _accept_label(document: Document, prediction: AcceptedPrediction, box: Box | None) -> str:
    name = tr("box") if box is None else document.object_name(box)
    variant, score = prediction.variant, prediction.score
    if prediction.partner is not None:
        if score is None:
            return tr("Adjust {box}", box=name)
        return tr("Adjust {box} to {variant} {score:.2f}", box=name, variant=variant, score=score)
    if score is None:
        return tr("Add {boxes}", boxes=name)
    return tr("Accept {variant} {score:.2f} as {box}", variant=variant, score=score, box=name)


# Classes, flags, frames


def set_class(document: Document, ids: Iterable[int], class_id: int, *, source: int = 0) -> Command:
    """Give boxes a class."""
    boxes = _selected_boxes(document, ids, source)
    names, known = known_classes(document, [class_id], source)
    edit = SetClasses(tuple((box.id, known.get(class_id, class_id)) for box in boxes), source)
    return Command(combine_edits([*names, edit], source), _class_label(document, boxes, class_id))


def known_classes(document: Document, class_ids: Iterable[int], source: int) -> tuple[list[Edit], dict[int, int]]:
    """Edits that add classes which only predictions have so far, and the ids that these get in the document."""
    others = list(dict.fromkeys(class_id for class_id in class_ids if class_id >= OTHER_CLASSES))
    if not others:
        return [], {}
    count = len(document.class_names)
    names = (*document.class_names, *(document.class_name(class_id) for class_id in others))
    return [SetClassNames(names, source)], {class_id: count + place for place, class_id in enumerate(others)}


def _class_label(document: Document, boxes: Sequence[Box], class_id: int) -> str:
    new, old = document.class_name(class_id), {box.class_id for box in boxes}
    if len(boxes) > 1:
        text = tr_n(
            "Change class of {count} box to {new}", "Change class of {count:,} boxes to {new}", len(boxes), new=new
        )
    elif old == {UNSPECIFIED_CLASS}:
        text = tr("Change class to {new}", new=new)
    else:
        text = tr("Change class to {new} (was {old})", new=new, old=document.class_name(*old))
    return text


def add_class(document: Document, name: str, *, source: int = 0) -> Command:
    """Append a class name; UserError if it is empty or exists already."""
    name = name.strip()
    if not name:
        raise UserError(tr("a class needs a name"))
    if name.casefold() in {old.casefold() for old in document.class_names}:
        raise UserError(tr("class {name} already exists", name=name))
    return Command(SetClassNames((*document.class_names, name), source), tr("Add class {name}", name=name))


_FLAG_NAMES = {
    BoxFlag.KEY_FRAME: tr("key frame"),
    BoxFlag.OUTSIDE: tr("out of view"),
    BoxFlag.OCCLUDED: tr("occluded"),
    BoxFlag.IGNORED: tr("ignored in scores"),
    BoxFlag.TRUNCATED: tr("truncated"),
}


def toggle_flag(document: Document, ids: Iterable[int], flag: BoxFlag, *, source: int = 0) -> Command:
    """Set a flag of boxes, or clear it if all have it."""
    boxes = _selected_boxes(document, ids, source)
    is_set = not all(box.flags & flag for box in boxes)
    return set_flag(document, ids, flag, is_set=is_set, source=source)


def set_flag(
    document: Document, ids: Iterable[int], flag: BoxFlag, *, is_set: bool, name: str = "", source: int = 0
) -> Command:
    """Set or clear a flag of boxes. A box that becomes a key frame is no longer interpolated.

    Args:
        name: of the boxes in the label, by default ``Document.objects_name``.
    """
    boxes = _selected_boxes(document, ids, source)
    pairs = []
    for box in boxes:
        flags = box.flags | flag if is_set else box.flags & ~int(flag)
        if flag is BoxFlag.KEY_FRAME and is_set:
            flags = tracks.key_flags(flags)
        pairs.append((box.id, int(flags)))
    name = name or document.objects_name(boxes)
    if is_set:
        label = tr("Mark {boxes} as {flag}", boxes=name, flag=_FLAG_NAMES[flag])
    else:
        label = tr("Mark {boxes} as not {flag}", boxes=name, flag=_FLAG_NAMES[flag])
    return Command(SetFlags(tuple(pairs), source), label)


def scale_all(truth: GroundTruth, x: float, y: float, source: int) -> Edit:
    """Scale every box about the origin, because the video now has another size."""
    boxes, ids = truth.columns()[1], truth.columns()[5]
    scaled = boxes * np.array([x, y, x, y])[:, None]
    rects = zip(ids.tolist(), zip(*scaled.tolist(), strict=True), strict=True)
    return SetRects(tuple(rects), source)
