"""Fixes of problems: of one, or of all frames of one lasting error, as one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from iouviewer.document import track_shapes, tracks
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag, Rect
from iouviewer.document.commands import (
    Command,
    add,
    combine_edits,
    delete,
    known_classes,
    set_class,
    set_rects,
    uses_no_classes,
)
from iouviewer.document.document import Document
from iouviewer.document.edits import Batch, Edit, SetFlags
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.origins import Origin, origin_bits, with_origin
from iouviewer.document.problems import ADDING, Problem, ProblemKind
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS


def fix_all_command(
    document: Document, problems: Sequence[Problem], *, rects: Mapping[str, Rect] | None = None, source: int = 0
) -> Command:
    """The fixes of all frames of one lasting error as one step.

    Problems whose box no longer exists, or that propose nothing, are left out; UserError if none remains.

    Args:
        problems: of one kind, or missing boxes and gaps of one object.
        rects: by key, in place of ``fix_rect``, where the user has moved the proposal.
    """
    truth = document.ground_truth(source)
    fixable = [one for one in problems if one.has_fix]
    if not fixable:
        raise UserError(
            tr("no fix is proposed for this problem"),
            frame=problems[0].frame if problems else None,
            remedy=tr("Correct the box, or decide that the ground truth is right."),
        )
    present = [one for one in fixable if one.box_id is None or truth.find(one.box_id) is not None]
    if not present:
        raise UserError(tr("the box no longer exists"), frame=fixable[0].frame)
    kind = present[0].kind
    if kind in ADDING:
        return _add_all(document, [one for one in present if one.kind in ADDING], dict(rects or {}), source)
    same = [one for one in present if one.kind is kind]
    ids = [one.box_id for one in same if one.box_id is not None]
    if same[0].deletes_box:
        return delete(document, ids, source=source)
    if kind is ProblemKind.WRONG_CLASS:
        return set_class(document, ids, _class_of(same[0]), source=source)
    if kind is ProblemKind.SWAP:
        return _swap(document, same[0], source)
    if kind is ProblemKind.JUMP:
        return track_shapes.split(document, same[0].track, same[0].frame, source=source)
    return _move_all(document, same, rects or {}, source)


def _move_all(document: Document, problems: Sequence[Problem], rects: Mapping[str, Rect], source: int) -> Command:
    truth = document.ground_truth(source)
    moved = {one.box_id: rects.get(one.key, one.fix_rect) for one in problems}
    new = {box_id: rect for box_id, rect in moved.items() if box_id is not None and rect is not None}
    boxes = [box for box in map(truth.find, new) if box is not None]
    label = _move_label(document, same_kind=problems[0].kind, boxes=boxes)
    edits = [set_rects(document, new, label, source=source).edit]
    edits = list(edits[0].edits) if isinstance(edits[0], Batch) else edits
    if problems[0].agreeing:
        # The new places lean to what the variants see; other edits of the step may have set flags already.
        set_flags = {box_id: flags for edit in edits if isinstance(edit, SetFlags) for box_id, flags in edit.flags}
        pairs = [(box.id, with_origin(set_flags.get(box.id, box.flags), Origin.ACCEPTED)) for box in boxes]
        edits.append(SetFlags(tuple(pairs), source))
    return Command(combine_edits(edits, source), label, tuple(new))


def _move_label(document: Document, same_kind: ProblemKind, boxes: Sequence[Box]) -> str:
    """Which error the step fixes, and on what: ``Fix loose box: person 17 on 8 frames``."""
    is_one_object = len({(box.class_id, box.track) for box in boxes}) == 1 and boxes[0].track != NO_TRACK
    name = document.object_name(boxes[0]) if is_one_object else document.objects_name(boxes)
    if is_one_object and len(boxes) > 1:
        name = tr_n("{box} on {count} frame", "{box} on {count:,} frames", len(boxes), box=name)
    if same_kind is ProblemKind.OVER_EDGE:
        return tr("Clip to picture: {boxes}", boxes=name)
    return tr("Fix loose box: {boxes}", boxes=name)


def _class_of(problem: Problem) -> int:
    return UNSPECIFIED_CLASS if problem.fix_class is None else problem.fix_class


def _swap(document: Document, problem: Problem, source: int) -> Command:
    """Exchange the tracks of two boxes from their frame on."""
    truth = document.ground_truth(source)
    pair = [None if box_id is None else truth.find(box_id) for box_id in (problem.box_id, problem.other_id)]
    if pair[0] is None or pair[1] is None:
        raise UserError(tr("the box no longer exists"), frame=problem.frame)
    return track_shapes.swap(document, pair[0].track, pair[1].track, problem.frame, source=source)


def new_track_of(truth: GroundTruth, problems: Sequence[Problem]) -> int:
    """The track of boxes that a fix adds: the one that passes there if it has no box on these frames, or a new one."""
    track = problems[0].track
    frames = {one.frame for one in problems}
    if track != NO_TRACK and frames.isdisjoint(truth.track_columns(track)[0].tolist()):
        return track
    return tracks.new_tracks(truth, 1)[0]


def _add_all(document: Document, problems: Sequence[Problem], rects: dict[str, Rect], source: int) -> Command:
    truth = document.ground_truth(source)
    by_frame = {one.frame: one for one in sorted(problems, key=lambda one: one.score)}
    first = min(by_frame)
    track = new_track_of(truth, problems)
    class_id, names = _class_of(problems[0]), list[Edit]()
    if uses_no_classes(truth, first):
        class_id = UNSPECIFIED_CLASS
    else:
        names, known = known_classes(document, [class_id], source)
        class_id = known.get(class_id, class_id)
    boxes = []
    for frame, one in sorted(by_frame.items()):
        rect = rects.get(one.key, one.fix_rect)
        if rect is not None:
            is_seen = one.kind is ProblemKind.MISSING
            bits = origin_bits(Origin.ACCEPTED) if is_seen else int(BoxFlag.INTERPOLATED)
            boxes.append(Box(0, frame, rect, class_id, track, bits))
    added = add(document, boxes, source=source)
    name = document.object_name(replace(boxes[0], class_id=_class_of(problems[0])))
    label = tr("Add {boxes}", boxes=name)
    if len(boxes) > 1:
        label = tr_n("Add {box} on {count} frame", "Add {box} on {count:,} frames", len(boxes), box=name)
    return Command(combine_edits([*names, added.edit], source), label, added.select)
