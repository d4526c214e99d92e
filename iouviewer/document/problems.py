"""Problems: where the baseline and the ground truth disagree, and where all variants agree against the ground truth.

Functions of one frame; ``problem_table`` finds the problems of a whole video, ``problem_list`` keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from iouviewer.document.boxes import NO_TRACK, Box, Rect, object_name
from iouviewer.document.classes import class_name_of
from iouviewer.document.commands import AcceptedPrediction, Command, accept, set_class
from iouviewer.document.document import Document
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.review import FrameReview, PairState
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Convention

AGREEMENT = 0.7
"""IoU from which boxes of two variants are the same object."""


class ProblemKind(IntEnum):
    """Kinds of problems in ascending severity. Their names are part of stored problem keys."""

    LOOSE = 0
    MISS = 1
    FALSE_POSITIVE = 2
    WRONG_CLASS = 3
    AGREE = 4


KIND_NAMES = {
    ProblemKind.LOOSE: tr("loose"),
    ProblemKind.MISS: tr("missed"),
    ProblemKind.FALSE_POSITIVE: tr("extra"),
    ProblemKind.WRONG_CLASS: tr("wrong class"),
    ProblemKind.AGREE: tr("all variants agree"),
}


class ProblemTopic(IntEnum):
    """What a problem asks the person."""

    MISSING = 0
    EXTRA = 1
    LOOSE = 2
    WRONG_CLASS = 3


TOPIC_NAMES = {
    ProblemTopic.MISSING: tr("Missing box?"),
    ProblemTopic.EXTRA: tr("Extra box?"),
    ProblemTopic.LOOSE: tr("Loose box"),
    ProblemTopic.WRONG_CLASS: tr("Wrong class?"),
}


def topic_of(kind: ProblemKind, *, has_box: bool) -> ProblemTopic:
    """The topic of a problem; where all variants agree it depends on whether there is a ground-truth box."""
    if kind is ProblemKind.MISS:
        return ProblemTopic.EXTRA
    if kind is ProblemKind.WRONG_CLASS:
        return ProblemTopic.WRONG_CLASS
    return ProblemTopic.LOOSE if has_box else ProblemTopic.MISSING


RIGHT, UNCLEAR, FIXED = "right", "unclear", "fixed"
"""Stored decisions: the ground truth is right, the case is unclear, or the fix was applied."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A place where ground truth and predictions disagree.

    Attributes:
        key: constant while the problem exists; decisions are stored by it.
        severity: the kind plus 0.99 times the severity within the kind (0..1); higher is worse.
        box_id: ground-truth box, None where there is none.
        rect: the box or prediction, pixels.
        iou: of the pair, None without one.
        fix_rect, fix_class: new values of the box (or values of a new one) that fix the problem, None for none.
        track: of the box, NO_TRACK where it has none.
        agreeing: for ``AGREE``, the number of variants that agree: all that cover the frame; else 0.
    """

    key: str
    frame: int
    kind: ProblemKind
    severity: float
    box_id: int | None
    rect: Rect
    class_id: int
    iou: float | None = None
    fix_rect: Rect | None = None
    fix_class: int | None = None
    track: int = NO_TRACK
    agreeing: int = 0

    @property
    def topic(self) -> ProblemTopic:
        """What the problem asks."""
        return topic_of(self.kind, has_box=self.box_id is not None)

    @property
    def has_fix(self) -> bool:
        """Whether a fix is proposed."""
        return self.fix_rect is not None or self.fix_class is not None


def problem_key(kind: ProblemKind, frame: int, box_id: int | None, rect: Rect) -> str:
    """The key of a problem: kind, frame, and the box id, or the rectangle where there is no box."""
    return f"{kind.name}:{frame}:{','.join(f'{value:.0f}' for value in rect) if box_id is None else box_id}"


@dataclass(frozen=True, slots=True)
class VariantMatches:
    """One variant's predictions on a frame with their matching."""

    predictions: BoxTable
    review: FrameReview


def pair_wrong_classes(boxes: Mapping[int, Box], matches: VariantMatches, convention: Convention) -> dict[int, int]:
    """Missed boxes that an unpaired prediction of another class covers with an IoU of at least 0.5.

    Args:
        boxes: ground truth of the frame by id.

    Returns:
        The prediction's row in the frame's table by box id; each prediction is of one box only.
    """
    review, table = matches.review, matches.predictions
    unmatched = set(review.pred_rows[review.state == PairState.FALSE_POSITIVE].tolist())
    found: dict[int, int] = {}
    for gt_id in review.gt_ids[review.state == PairState.MISS].tolist():
        rows, box = sorted(unmatched), boxes[gt_id]
        if not rows or box.class_id == UNSPECIFIED_CLASS:
            continue
        overlap = iou_matrix(np.array([box.rect]).T, table.boxes[:, rows], convention)[0]
        overlap[table.class_ids[rows] == box.class_id] = 0.0
        best = int(overlap.argmax())
        if overlap[best] >= 0.5:
            found[gt_id] = rows[best]
            unmatched.discard(rows[best])
    return found


def find_frame_problems(
    frame: int, boxes: Sequence[Box], variants: Sequence[VariantMatches], convention: Convention = Convention.CONTINUOUS
) -> list[Problem]:
    """Problems of one labelled frame, the most severe first.

    Args:
        boxes: the frame's ground truth in order of id.
        variants: those that cover the frame, the baseline first; without any there are no problems.
    """
    if not variants:
        return []
    finder = _Finder(frame, {box.id: box for box in boxes}, variants, convention)
    return sorted(finder.problems(), key=lambda problem: -problem.severity)


@dataclass(slots=True)
class _Finder:
    frame: int
    boxes: dict[int, Box]
    variants: Sequence[VariantMatches]
    convention: Convention

    def problems(self) -> list[Problem]:
        review = self.variants[0].review
        rows = list(
            zip(
                review.gt_ids.tolist(),
                review.pred_rows.tolist(),
                review.iou.tolist(),
                map(PairState, review.state.tolist()),
                strict=True,
            )
        )
        unmatched = {row for _, row, _, state in rows if state is PairState.FALSE_POSITIVE}
        wrong_class = pair_wrong_classes(self.boxes, self.variants[0], self.convention)
        result: list[Problem] = []
        for gt_id, row, iou, state in rows:
            if state is PairState.LOOSE:
                result.append(self._loose(self.boxes[gt_id], row, iou))
            elif gt_id in wrong_class:
                result.append(self._wrong_class(self.boxes[gt_id], wrong_class[gt_id]))
            elif state is PairState.MISS:
                result.append(self._miss(self.boxes[gt_id]))
        result += (self._false_positive(row) for row in sorted(unmatched - set(wrong_class.values())))
        return result

    def _prediction(self, row: int) -> tuple[Rect, int, float]:
        table = self.variants[0].predictions
        x1, y1, x2, y2 = table.boxes[:, row].tolist()
        return (x1, y1, x2, y2), int(table.class_ids[row]), float(table.scores[row])

    def _loose(self, box: Box, row: int, iou: float) -> Problem:
        rect, _, score = self._prediction(row)
        agreed = self._agreed_rect(row)
        if agreed is None:
            return self._of_box(ProblemKind.LOOSE, 1.0 - iou, box, iou, rect)
        return self._of_box(ProblemKind.AGREE, score, box, iou, agreed)

    def _of_box(
        self,
        kind: ProblemKind,
        severity_in_kind: float,
        box: Box,
        iou: float | None = None,
        fix: Rect | None = None,
        fix_class: int | None = None,
    ) -> Problem:
        key, severity = problem_key(kind, self.frame, box.id, box.rect), kind + severity_in_kind * 0.99
        values = box.id, box.rect, box.class_id, iou, fix, fix_class, box.track, self._agreeing(kind)
        return Problem(key, self.frame, kind, severity, *values)

    def _agreeing(self, kind: ProblemKind) -> int:
        return len(self.variants) if kind is ProblemKind.AGREE else 0

    def _miss(self, box: Box) -> Problem:
        # Missing a large box is more severe; the area saturates at a tenth of a megapixel.
        area = (box.rect[2] - box.rect[0]) * (box.rect[3] - box.rect[1])
        return self._of_box(ProblemKind.MISS, min(area / 1e5, 1.0), box)

    def _wrong_class(self, box: Box, row: int) -> Problem:
        _, class_id, score = self._prediction(row)
        return self._of_box(ProblemKind.WRONG_CLASS, score, box, fix_class=class_id)

    def _false_positive(self, row: int) -> Problem:
        rect, class_id, score = self._prediction(row)
        agreed = self._agreed_rect(row)
        kind = ProblemKind.FALSE_POSITIVE if agreed is None else ProblemKind.AGREE
        key = problem_key(kind, self.frame, None, rect)
        fix = rect if agreed is None else agreed
        severity = kind + score * 0.99
        values = None, rect, class_id, None, fix, class_id, NO_TRACK, self._agreeing(kind)
        return Problem(key, self.frame, kind, severity, *values)

    def _agreed_rect(self, row: int) -> Rect | None:
        """Mean of all variants' boxes if each variant has one like the baseline's ``row``, else None."""
        if len(self.variants) < 2:
            return None
        table = self.variants[0].predictions
        class_id = int(table.class_ids[row])
        rects = [table.boxes[:, row]]
        for variant in self.variants[1:]:
            used = np.zeros(len(variant.predictions), np.bool_)
            review = variant.review
            is_used = (review.pred_rows >= 0) & (review.state != PairState.BELOW_CONFIDENCE)
            used[review.pred_rows[is_used]] = True
            used &= variant.predictions.class_ids == class_id
            rows = np.flatnonzero(used)
            if not len(rows):
                return None
            overlap = iou_matrix(table.boxes[:, row : row + 1], variant.predictions.boxes[:, rows], self.convention)[0]
            best = int(overlap.argmax())
            if overlap[best] < AGREEMENT:
                return None
            rects.append(variant.predictions.boxes[:, rows[best]])
        x1, y1, x2, y2 = np.mean(rects, axis=0).tolist()
        return x1, y1, x2, y2


def fix_command(document: Document, problem: Problem, *, source: int = 0) -> Command:
    """The proposed fix as one step; UserError if none is proposed or the box no longer exists."""
    if not problem.has_fix:
        raise UserError(
            tr("no fix is proposed for this problem"),
            frame=problem.frame,
            remedy=tr("Correct the box, or decide that the ground truth is right."),
        )
    if problem.box_id is not None and document.ground_truth(source).find(problem.box_id) is None:
        raise UserError(tr("the box no longer exists"), frame=problem.frame)
    class_id = UNSPECIFIED_CLASS if problem.fix_class is None else problem.fix_class
    if problem.fix_rect is None:
        return set_class(document, [problem.box_id or 0], class_id, source=source)
    accepted = AcceptedPrediction(problem.fix_rect, class_id, problem.box_id)
    return accept(document, problem.frame, [accepted], source=source)


def describe_problem(problem: Problem, class_names: tuple[str, ...]) -> str:
    """The problem in a few words: ``person 17: loose, IoU 0.41``, ``Missing box? truck · 4 of 4 variants``."""
    if problem.kind is ProblemKind.AGREE:
        return _describe_agreement(problem, class_names)
    name = object_name(_class_name(problem.class_id, class_names), problem.track)
    if problem.kind is ProblemKind.LOOSE:
        return tr("{box}: loose, IoU {iou:.2f}", box=name, iou=problem.iou)
    if problem.kind is ProblemKind.MISS:
        return tr("{box}: missed", box=name)
    if problem.kind is ProblemKind.FALSE_POSITIVE:
        return tr("{box}: extra", box=name)
    found = _class_name(problem.fix_class, class_names) or tr("no class")
    return tr("{box}: predicted as {class_name}", box=name, class_name=found)


def _describe_agreement(problem: Problem, class_names: tuple[str, ...]) -> str:
    class_name, count = _class_name(problem.class_id, class_names), problem.agreeing
    if problem.box_id is None:
        if not class_name:
            return tr("Missing box? {count} of {count} variants", count=count)
        return tr("Missing box? {box} · {count} of {count} variants", box=class_name, count=count)
    if not class_name and problem.track == NO_TRACK:
        return tr("Loose box · {count} of {count} variants", count=count)
    name = object_name(class_name, problem.track)
    return tr("Loose box: {box} · {count} of {count} variants", box=name, count=count)


def evidence_text(problem: Problem, class_names: tuple[str, ...]) -> str:
    """What speaks for a problem, in one line: ``person 17 · frame 153 · IoU 0.49``."""
    class_name = _class_name(problem.class_id, class_names)
    parts = [object_name(class_name, problem.track)] if class_name or problem.track != NO_TRACK else []
    parts.append(tr("frame {frame:,}", frame=problem.frame))
    score = (problem.severity - problem.kind) / 0.99
    if problem.topic is ProblemTopic.EXTRA:
        parts.append(tr("the baseline does not find it"))
    elif problem.topic is ProblemTopic.LOOSE:
        parts.append(tr("IoU {iou:.2f}", iou=problem.iou))
    else:
        parts.append(tr("confidence {confidence:.2f}", confidence=score))
    if problem.agreeing:
        parts.append(tr("{count} of {count} variants", count=problem.agreeing))
    return " · ".join(parts)


def apply_text(problem: Problem, class_names: tuple[str, ...]) -> str:
    """What applying the fix does, as the text of a button; empty without a fix."""
    if not problem.has_fix:
        return ""
    if problem.topic is ProblemTopic.MISSING:
        return tr("Add box")
    if problem.topic is ProblemTopic.WRONG_CLASS:
        name = _class_name(problem.fix_class, class_names) or tr("no class")
        return tr("Change to {class_name}", class_name=name)
    return tr("Adjust box")


def keep_text(problem: Problem) -> str:
    """What keeping the ground truth says, as the text of a button."""
    texts = {
        ProblemTopic.MISSING: tr("Nothing there"),
        ProblemTopic.EXTRA: tr("It is there"),
        ProblemTopic.LOOSE: tr("Box is right"),
        ProblemTopic.WRONG_CLASS: tr("Class is right"),
    }
    return texts[problem.topic]


def describe_group(worst: Problem, count: int, class_names: tuple[str, ...]) -> str:
    """Problems of one track or position in a few words: ``person 7: 37 × loose, lowest IoU 0.12``."""
    if worst.kind is ProblemKind.AGREE:
        text = _describe_agreement(worst, class_names)
        return tr("{count:,} × {problem}", count=count, problem=text)
    name = object_name(_class_name(worst.class_id, class_names), worst.track)
    if worst.kind is ProblemKind.LOOSE:
        return tr("{box}: {count:,} × loose, lowest IoU {iou:.2f}", box=name, count=count, iou=worst.iou)
    return tr("{box}: {count:,} × {kind}", box=name, count=count, kind=KIND_NAMES[worst.kind])


def _class_name(class_id: int | None, class_names: tuple[str, ...]) -> str:
    return "" if class_id is None else class_name_of(class_id, class_names)
