"""What deserves a look: where the baseline and the ground truth disagree, and where all variants agree against it.

Pure functions of one frame; whoever shows the list keeps the frames' problems and asks again for frames that changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from iouviewer.document.boxes import NO_TRACK, Box, Rect
from iouviewer.document.commands import Accepted, Command, accept, set_class
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.errors import UserError
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.review import FrameReview, PairState
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Convention

AGREEMENT = 0.7
"""IoU from which two variants' boxes stand for one object."""


class Kind(IntEnum):
    """Kinds of problems, the gravest last."""

    LOOSE = 0
    MISS = 1
    FALSE_POSITIVE = 2
    WRONG_CLASS = 3
    AGREE = 4


KIND_NAMES = {
    Kind.LOOSE: "loose pair",
    Kind.MISS: "miss",
    Kind.FALSE_POSITIVE: "false positive",
    Kind.WRONG_CLASS: "wrong class",
    Kind.AGREE: "all variants agree, ground truth differs",
}

RIGHT, UNCLEAR, FIXED = "right", "unclear", "fixed"
"""Decisions: the ground truth is right; nobody can say; the fix was taken."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One place where somebody should look.

    Attributes:
        key: the same as long as the problem is the same; decisions are kept by it.
        severity: kind, then how bad within the kind (0..1); sorted descending.
        box_id: ground-truth box, None where there is none.
        rect: what to look at, pixels.
        iou: of the pair, None without one.
        fix_rect, fix_class: what a fix would make of the box (or of a new one); None where nothing is proposed.
        track: of the box, NO_TRACK where it has none.
    """

    key: str
    frame: int
    kind: Kind
    severity: float
    box_id: int | None
    rect: Rect
    class_id: int
    iou: float | None = None
    fix_rect: Rect | None = None
    fix_class: int | None = None
    track: int = NO_TRACK

    @property
    def has_fix(self) -> bool:
        """Whether there is something that a press of Enter would do."""
        return self.fix_rect is not None or self.fix_class is not None


def problem_key(kind: Kind, frame: int, box_id: int | None, rect: Rect) -> str:
    """The key of a problem: of its box, or of its place where there is none."""
    return f"{kind.name}:{frame}:{','.join(f'{value:.0f}' for value in rect) if box_id is None else box_id}"


@dataclass(frozen=True, slots=True)
class Witness:
    """One variant's predictions on a frame with their association; the baseline comes first."""

    predictions: BoxTable
    review: FrameReview


def frame_problems(
    frame: int, boxes: Sequence[Box], witnesses: Sequence[Witness], convention: Convention = Convention.CONTINUOUS
) -> list[Problem]:
    """Problems of one labelled frame, the gravest first.

    Args:
        boxes: the frame's ground truth in order of id.
        witnesses: the baseline first; without any there are no problems.
    """
    if not witnesses:
        return []
    finder = _Finder(frame, {box.id: box for box in boxes}, witnesses, convention)
    return sorted(finder.problems(), key=lambda problem: -problem.severity)


@dataclass(slots=True)
class _Finder:
    frame: int
    boxes: dict[int, Box]
    witnesses: Sequence[Witness]
    convention: Convention

    def problems(self) -> list[Problem]:
        first = self.witnesses[0]
        review = first.review
        rows = list(
            zip(
                review.gt_ids.tolist(),
                review.pred_rows.tolist(),
                review.iou.tolist(),
                map(PairState, review.state.tolist()),
                strict=True,
            )
        )
        lonely = {row for _, row, _, state in rows if state is PairState.FALSE_POSITIVE}
        result: list[Problem] = []
        for gt_id, row, iou, state in rows:
            if state is PairState.LOOSE:
                result.append(self._loose(self.boxes[gt_id], row, iou))
            elif state is PairState.MISS:
                result.append(self._miss(self.boxes[gt_id], lonely))
        result += (self._false_positive(row) for row in sorted(lonely))
        return result

    def _prediction(self, row: int) -> tuple[Rect, int, float]:
        table = self.witnesses[0].predictions
        x1, y1, x2, y2 = table.boxes[:, row].tolist()
        return (x1, y1, x2, y2), int(table.class_ids[row]), float(table.scores[row])

    def _loose(self, box: Box, row: int, iou: float) -> Problem:
        rect, _, score = self._prediction(row)
        agreed = self._agreed(row)
        kind = Kind.LOOSE if agreed is None else Kind.AGREE
        worst = 1.0 - iou if agreed is None else score
        fix = rect if agreed is None else agreed
        return self._of_box(kind, worst, box, iou, fix)

    def _of_box(
        self,
        kind: Kind,
        worst: float,
        box: Box,
        iou: float | None = None,
        fix: Rect | None = None,
        fix_class: int | None = None,
    ) -> Problem:
        key, severity = problem_key(kind, self.frame, box.id, box.rect), kind + worst * 0.99
        about = box.id, box.rect, box.class_id, iou, fix, fix_class, box.track
        return Problem(key, self.frame, kind, severity, *about)

    def _miss(self, box: Box, lonely: set[int]) -> Problem:
        row = self._other_class(box, lonely)
        if row is None:
            # The larger the box, the stranger that it was missed; pixels saturate at a tenth of a megapixel.
            area = (box.rect[2] - box.rect[0]) * (box.rect[3] - box.rect[1])
            return self._of_box(Kind.MISS, min(area / 1e5, 1.0), box)
        lonely.discard(row)
        _, class_id, score = self._prediction(row)
        return self._of_box(Kind.WRONG_CLASS, score, box, fix_class=class_id)

    def _other_class(self, box: Box, lonely: set[int]) -> int | None:
        """The unpaired prediction of another class that covers the box, if there is one."""
        rows = sorted(lonely)
        table = self.witnesses[0].predictions
        if not rows or box.class_id == UNSPECIFIED_CLASS:
            return None
        overlap = iou_matrix(np.array([box.rect]).T, table.boxes[:, rows], self.convention)[0]
        overlap[table.class_ids[rows] == box.class_id] = 0.0
        best = int(overlap.argmax())
        return rows[best] if overlap[best] >= 0.5 else None

    def _false_positive(self, row: int) -> Problem:
        rect, class_id, score = self._prediction(row)
        agreed = self._agreed(row)
        kind = Kind.FALSE_POSITIVE if agreed is None else Kind.AGREE
        key = problem_key(kind, self.frame, None, rect)
        fix = rect if agreed is None else agreed
        return Problem(key, self.frame, kind, kind + score * 0.99, None, rect, class_id, None, fix, class_id)

    def _agreed(self, row: int) -> Rect | None:
        """Mean of the boxes of all variants where each of them has one like the baseline's ``row``, else None."""
        if len(self.witnesses) < 2:
            return None
        table = self.witnesses[0].predictions
        class_id = int(table.class_ids[row])
        rects = [table.boxes[:, row]]
        for witness in self.witnesses[1:]:
            used = np.zeros(len(witness.predictions), np.bool_)
            review = witness.review
            taking_part = (review.pred_rows >= 0) & (review.state != PairState.BELOW_CONFIDENCE)
            used[review.pred_rows[taking_part]] = True
            used &= witness.predictions.class_ids == class_id
            rows = np.flatnonzero(used)
            if not len(rows):
                return None
            overlap = iou_matrix(table.boxes[:, row : row + 1], witness.predictions.boxes[:, rows], self.convention)[0]
            best = int(overlap.argmax())
            if overlap[best] < AGREEMENT:
                return None
            rects.append(witness.predictions.boxes[:, rows[best]])
        x1, y1, x2, y2 = np.mean(rects, axis=0).tolist()
        return x1, y1, x2, y2


def fix_command(truth: GroundTruth, problem: Problem, class_names: tuple[str, ...], *, source: int = 0) -> Command:
    """The proposed fix as one step; UserError where nothing is proposed or the box is gone."""
    if not problem.has_fix:
        raise UserError(
            f"no fix is proposed for a {KIND_NAMES[problem.kind]}",
            frame=problem.frame,
            remedy="Correct the box, or say that the ground truth is right",
        )
    if problem.box_id is not None and truth.find(problem.box_id) is None:
        raise UserError("the box is gone", frame=problem.frame)
    if problem.fix_rect is None:
        class_id = UNSPECIFIED_CLASS if problem.fix_class is None else problem.fix_class
        name = class_names[class_id] if 0 <= class_id < len(class_names) else "unspecified"
        return set_class(truth, [problem.box_id or 0], class_id, name, source=source)
    class_id = UNSPECIFIED_CLASS if problem.fix_class is None else problem.fix_class
    return accept(truth, problem.frame, [Accepted(problem.fix_rect, class_id, problem.box_id)], source=source)


def sentence(problem: Problem, class_names: tuple[str, ...]) -> str:
    """The problem in a few words, for example ``person: loose, IoU 0.41``; without a class, none is named."""

    def name_of(class_id: int | None) -> str:
        return class_names[class_id] if class_id is not None and 0 <= class_id < len(class_names) else ""

    name = name_of(problem.class_id)
    what = f"{name}: " if name else ""
    if problem.kind is Kind.LOOSE:
        return f"{what}loose, IoU {problem.iou:.2f}"
    if problem.kind is Kind.MISS:
        return f"{what}missed"
    if problem.kind is Kind.WRONG_CLASS:
        return f"{what}seen as {name_of(problem.fix_class) or 'unspecified'}"
    if problem.kind is Kind.FALSE_POSITIVE:
        return f"{what}false positive"
    if problem.box_id is None:
        return f"{what}all variants agree, not labelled"
    return f"{what}all variants agree, ground truth differs"


def group_sentence(worst: Problem, count: int, class_names: tuple[str, ...]) -> str:
    """Problems of one track or place in a few words, for example ``person, track 7: 37 x loose, worst IoU 0.12``."""
    known = 0 <= worst.class_id < len(class_names)
    names = [class_names[worst.class_id]] if known else []
    if worst.track != NO_TRACK:
        names.append(f"track {worst.track}")
    what = {Kind.AGREE: "all disagree" if worst.box_id is not None else "all agree, not labelled"}
    text = f"{count} × {what.get(worst.kind, KIND_NAMES[worst.kind]).removesuffix(' pair')}"
    if worst.kind is Kind.LOOSE:
        text += f", worst IoU {worst.iou:.2f}"
    return f"{', '.join(names)}: {text}" if names else text
