"""How far two ground truths of one video agree: numbers, the list of differences, and the scores under each of them.

Neither is the truth. What a score changes with the ground truth is the noise floor: a difference between two variants
below it says nothing about the variants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from iouviewer.document import commands, tracks
from iouviewer.document.boxes import Box
from iouviewer.document.class_join import UNKNOWN, join_classes
from iouviewer.document.classes import ClassTable
from iouviewer.document.commands import Command, known_classes
from iouviewer.document.document import Document
from iouviewer.document.edits import Edit, FrameState, SetClasses, SetRects
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.eval_inputs import EvalInputs
from iouviewer.jobs.evaluate import EvalRequest, score_inputs
from iouviewer.jobs.shared_frames import AGREEING_IOU
from iouviewer.metrics.agreement import Agreement, agreement, join_tables
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Int

SCORES = ("avg_iou", "pq", "ap")
"""The metrics that are shown under each ground truth."""


class DifferenceKind(Enum):
    """How two ground truths differ about an object on a frame."""

    ONLY_HERE = "onlyHere"
    ONLY_THERE = "onlyThere"
    PLACE = "place"
    CLASS = "class"


@dataclass(frozen=True, slots=True)
class TruthDifference:
    """One difference.

    Attributes:
        own: id of the box of this ground truth, None without one.
        other: the other one's box in the classes of this ground truth, None without one.
        iou: of the two boxes, None where there is one.
    """

    frame: int
    kind: DifferenceKind
    own: int | None
    other: Box | None
    iou: float | None


@dataclass(frozen=True, slots=True)
class VariantUnderBoth:
    """The scores of a variant under this ground truth and under the other one, by metric; None where undefined."""

    name: str
    own: Mapping[str, float | None]
    other: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class TruthComparison:
    """Two ground truths of one video.

    Attributes:
        frames: number of frames that both have labelled; everything refers to these.
        differences: by frame.
    """

    frames: int
    agreement: Agreement
    differences: tuple[TruthDifference, ...]
    scores: tuple[VariantUnderBoth, ...]

    def noise_floor(self, metric: str) -> float | None:
        """The greatest change of a metric with the ground truth, over the variants; None where undefined."""
        changes = []
        for one in self.scores:
            own, other = one.own[metric], one.other[metric]
            if own is not None and other is not None:
                changes.append(abs(other - own))
        return max(changes, default=None)


def common_frames(own: GroundTruth, other: GroundTruth) -> Bool:
    """(F,) bool: the frames that both have labelled."""
    labelled = int(FrameState.LABELLED)
    found: Bool = (own.states() == labelled) & (other.states() == labelled)
    return found


def class_numbers(other: ClassTable, own: ClassTable) -> Int:
    """(C + 1,) int64: the class in ``own`` of each class of ``other``; the last entry is no class."""
    join = join_classes(other, own)
    targets = [join.other_ids[number] if target == UNKNOWN else target for number, target in enumerate(join.targets)]
    return np.array([*targets, UNSPECIFIED_CLASS], np.int64)


def in_classes(table: BoxTable, numbers: Int) -> BoxTable:
    """The boxes of the other ground truth in the classes of this one."""
    return replace(table, class_ids=numbers[table.class_ids])


def compare_truths(
    own: BoxTable, other: BoxTable, frames: Bool, scored: tuple[EvalRequest, EvalInputs, EvalInputs] | None
) -> TruthComparison:
    """Compare two ground truths on common frames.

    Args:
        own, other: with box ids, in the classes of ``own``.
        frames: (F,) bool.
        scored: the variants with each of the two; None without variants.
    """
    return TruthComparison(
        int(frames.sum()), agreement(own, other, frames), find_differences(own, other, frames), _scores(scored)
    )


def find_differences(own: BoxTable, other: BoxTable, frames: Bool) -> tuple[TruthDifference, ...]:
    """Objects that one of the two lacks, has elsewhere (IoU below 0.7), or in another class."""
    joined = join_tables(own, other, frames)
    own_frames, other_frames = own.frame_of_row(), other.frame_of_row()
    found = []
    for row in _alone(own, frames, joined.first).tolist():
        found.append(TruthDifference(int(own_frames[row]), DifferenceKind.ONLY_HERE, int(own.ids[row]), None, None))
    for row in _alone(other, frames, joined.second).tolist():
        box = _box(other, other_frames, row)
        found.append(TruthDifference(box.frame, DifferenceKind.ONLY_THERE, None, box, None))
    for first, second, iou in zip(joined.first.tolist(), joined.second.tolist(), joined.iou.tolist(), strict=True):
        has_same_class = own.class_ids[first] == other.class_ids[second]
        if has_same_class and iou >= AGREEING_IOU:
            continue
        kind = DifferenceKind.PLACE if has_same_class else DifferenceKind.CLASS
        box = _box(other, other_frames, second)
        found.append(TruthDifference(box.frame, kind, int(own.ids[first]), box, float(iou)))
    return tuple(sorted(found, key=lambda one: (one.frame, one.own or 0)))


def _alone(table: BoxTable, frames: Bool, joined: Int) -> Int:
    alone = frames[table.frame_of_row()] & ~table.ignored
    alone[joined] = False
    rows: Int = np.flatnonzero(alone)
    return rows


def _box(table: BoxTable, frames: Int, row: int) -> Box:
    x1, y1, x2, y2 = table.boxes[:, row].tolist()
    return Box(int(table.ids[row]), int(frames[row]), (x1, y1, x2, y2), int(table.class_ids[row]))


def _scores(scored: tuple[EvalRequest, EvalInputs, EvalInputs] | None) -> tuple[VariantUnderBoth, ...]:
    if scored is None:
        return ()
    request, own, other = scored
    both = [score_inputs(request, inputs).values["variants"] for inputs in (own, other)]
    return tuple(
        VariantUnderBoth(name, *({metric: values[name][metric] for metric in SCORES} for values in both))
        for name in both[0]
    )


def adopt(document: Document, difference: TruthDifference, *, source: int = 0) -> Command:
    """Take the other one's answer: its box, its place and class, or that there is nothing.

    Raises:
        UserError: the box was deleted meanwhile.
    """
    truth = document.ground_truth(source)
    if difference.other is None:
        return commands.delete(document, [difference.own or 0], source=source)
    names, known = known_classes(document, [difference.other.class_id], source)
    class_id = known.get(difference.other.class_id, difference.other.class_id)
    edits: list[Edit] = list(names)
    if difference.own is None:
        [track] = tracks.new_tracks(truth, 1)
        new = replace(difference.other, id=0, class_id=class_id, track=track)
        added = commands.add(document, [new], source=source)
        return Command(commands.combine_edits([*edits, added.edit], source), added.label, added.select)
    box = truth.find(difference.own)
    if box is None:
        raise UserError(tr("the box no longer exists"), frame=difference.frame)
    rects = {box.id: difference.other.rect}
    edits += [SetRects(tuple(rects.items()), source), *tracks.update_interpolated(truth, rects, source=source)]
    edits.append(SetClasses(((box.id, class_id),), source))
    label = tr("Adopt other box of {box}", box=document.object_name(box))
    return Command(commands.combine_edits(edits, source), label, (box.id,))
