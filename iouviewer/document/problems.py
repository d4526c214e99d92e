"""Problems: where the baseline and the ground truth disagree, and where all variants agree against the ground truth.

Functions of one frame; ``problem_table`` finds the problems of a whole video, ``problem_list`` keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from iouviewer.document.boxes import NO_TRACK, Box, Rect
from iouviewer.document.commands import AcceptedPrediction, Command, accept, delete, set_class
from iouviewer.document.document import Document
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.pairs import same_class
from iouviewer.metrics.review import FrameReview, PairState
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Convention

AGREEMENT = 0.7
"""IoU from which boxes of two variants are the same object."""
SAME_PLACE = 0.2
"""IoU from which an assigned pair is about one object; below it, neither finds the other."""
LABELLED = 0.3
"""IoU with a box of its class from which an unpaired prediction does not see a missing object."""


class ProblemKind(IntEnum):
    """Kinds of problems in ascending severity. Their names are part of stored problem keys."""

    LOOSE = 0
    MISS = 1
    FALSE_POSITIVE = 2
    WRONG_CLASS = 3
    AGREE = 4


class ProblemTopic(IntEnum):
    """What a problem asks the person."""

    MISSING = 0
    EXTRA = 1
    LOOSE = 2
    WRONG_CLASS = 3


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
        agreeing: for ``AGREE`` and ``MISS``, the number of variants that agree: all that cover the frame; else 0.
        score: confidence of the baseline's prediction, None for ``MISS``.
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
    score: float | None = None

    @property
    def topic(self) -> ProblemTopic:
        """What the problem asks."""
        return topic_of(self.kind, has_box=self.box_id is not None)

    @property
    def has_fix(self) -> bool:
        """Whether a fix is proposed."""
        return self.deletes_box or self.fix_rect is not None or self.fix_class is not None

    @property
    def deletes_box(self) -> bool:
        """Whether the fix deletes the box."""
        return self.kind is ProblemKind.MISS


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
    review = matches.review
    missed = review.gt_ids[review.state == PairState.MISS].tolist()
    unpaired = set(review.pred_rows[review.state == PairState.FALSE_POSITIVE].tolist())
    return _other_classes(boxes, matches.predictions, missed, unpaired, convention)


def _other_classes(
    boxes: Mapping[int, Box], table: BoxTable, missed: Sequence[int], unpaired: set[int], convention: Convention
) -> dict[int, int]:
    free, found = set(unpaired), dict[int, int]()
    for gt_id in missed:
        rows, box = sorted(free), boxes[gt_id]
        if not rows or box.class_id == UNSPECIFIED_CLASS:
            continue
        overlap = iou_matrix(np.array([box.rect]).T, table.boxes[:, rows], convention)[0]
        overlap[table.class_ids[rows] == box.class_id] = 0.0
        best = int(overlap.argmax())
        if overlap[best] >= 0.5:
            found[gt_id] = rows[best]
            free.discard(rows[best])
    return found


@dataclass(frozen=True, slots=True)
class _Pairing:
    """A variant's pairs on a frame as the problems count them, in the order of the review.

    Attributes:
        partner: row and IoU of the prediction on the same object by box id.
        missed: ids of the boxes without a partner; ignored ones are in neither.
        unpaired: rows of the predictions without a box.
        doubtful: rows of the predictions that are not a true positive.
    """

    partner: dict[int, tuple[int, float]]
    missed: list[int]
    unpaired: set[int]
    doubtful: set[int]

    @classmethod
    def of(cls, review: FrameReview) -> _Pairing:
        partner: dict[int, tuple[int, float]] = {}
        missed: list[int] = []
        unpaired: set[int] = set()
        doubtful: set[int] = set()
        columns = (review.gt_ids, review.pred_rows, review.iou, review.state, review.in_ignore_region)
        for gt_id, row, iou, state, in_ignore_region in zip(*(c.tolist() for c in columns), strict=True):
            if state == PairState.MISS:
                missed.append(gt_id)
            elif state == PairState.TRUE_POSITIVE or (state == PairState.LOOSE and iou >= SAME_PLACE):
                partner[gt_id] = row, iou
            elif state == PairState.LOOSE:
                missed.append(gt_id)
            if state == PairState.LOOSE or (state in (PairState.FALSE_POSITIVE, PairState.IGNORED) and row >= 0):
                doubtful.add(row)
                if gt_id not in partner and not in_ignore_region:
                    unpaired.add(row)
        return cls(partner, missed, unpaired, doubtful)


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


class _Finder:
    def __init__(
        self, frame: int, boxes: dict[int, Box], variants: Sequence[VariantMatches], convention: Convention
    ) -> None:
        self._frame, self._boxes, self._variants, self._convention = frame, boxes, variants, convention
        self._table = variants[0].predictions
        self._pairings = [_Pairing.of(variant.review) for variant in variants]

    def problems(self) -> list[Problem]:
        """The problems of the frame, in no order."""
        pairing, review = self._pairings[0], self._variants[0].review
        wrong_class = _other_classes(self._boxes, self._table, pairing.missed, pairing.unpaired, self._convention)
        unpaired = sorted(pairing.unpaired - set(wrong_class.values()))
        loose = review.gt_ids[review.state == PairState.LOOSE].tolist()
        result = [self._loose(self._boxes[id], *pairing.partner[id]) for id in loose if id in pairing.partner]
        result += (self._wrong_class(self._boxes[id], row) for id, row in wrong_class.items())
        seconds, claimed = self._second_predictions(unpaired)
        skipped = {problem.box_id for problem in result}
        result += (self._second(self._boxes[id], *second) for id, second in seconds.items() if id not in skipped)
        found = {id for other in self._pairings for id in other.partner} | skipped | seconds.keys()
        result += (self._extra(self._boxes[id]) for id in pairing.missed if id not in found)
        result += (self._missing(row) for row in unpaired if row not in claimed)
        return result

    def _prediction(self, row: int) -> tuple[Rect, int, float]:
        x1, y1, x2, y2 = self._table.boxes[:, row].tolist()
        return (x1, y1, x2, y2), int(self._table.class_ids[row]), float(self._table.scores[row])

    def _loose(self, box: Box, row: int, iou: float) -> Problem:
        rect, _, score = self._prediction(row)
        agreed = self._agreed_rect(row, [pairing.doubtful for pairing in self._pairings])
        if agreed is None:
            return self._of_box(ProblemKind.LOOSE, 1.0 - iou, box, iou, rect, score=score)
        return self._of_box(ProblemKind.AGREE, score, box, iou, agreed, score=score)

    def _of_box(
        self,
        kind: ProblemKind,
        severity_in_kind: float,
        box: Box,
        iou: float | None = None,
        fix: Rect | None = None,
        fix_class: int | None = None,
        score: float | None = None,
    ) -> Problem:
        key, severity = problem_key(kind, self._frame, box.id, box.rect), kind + severity_in_kind * 0.99
        values = box.id, box.rect, box.class_id, iou, fix, fix_class, box.track, self._agreeing(kind), score
        return Problem(key, self._frame, kind, severity, *values)

    def _agreeing(self, kind: ProblemKind) -> int:
        return len(self._variants) if kind in (ProblemKind.AGREE, ProblemKind.MISS) else 0

    def _extra(self, box: Box) -> Problem:
        """A box that no variant finds."""
        # A large box is more severe; the area saturates at a tenth of a megapixel.
        area = (box.rect[2] - box.rect[0]) * (box.rect[3] - box.rect[1])
        return self._of_box(ProblemKind.MISS, min(area / 1e5, 1.0), box)

    def _wrong_class(self, box: Box, row: int) -> Problem:
        _, class_id, score = self._prediction(row)
        return self._of_box(ProblemKind.WRONG_CLASS, score, box, fix_class=class_id, score=score)

    def _second_predictions(self, unpaired: Sequence[int]) -> tuple[dict[int, tuple[int, float]], set[int]]:
        """Unpaired predictions on a box of their class, which therefore see no missing object.

        Returns:
            By box id the most confident of them and its IoU, where it is more confident than the box's own partner;
            and the rows of all of them.
        """
        partner, missed = self._pairings[0].partner, self._pairings[0].missed
        ids = [id for id in self._variants[0].review.gt_ids.tolist() if id in partner or id in missed]
        best: dict[int, tuple[int, float]] = {}
        claimed: set[int] = set()
        if not ids or not unpaired:
            return best, claimed
        rects = np.array([self._boxes[id].rect for id in ids]).T
        classes = np.array([self._boxes[id].class_id for id in ids])
        overlaps = iou_matrix(rects, self._table.boxes[:, unpaired], self._convention)
        overlaps[~same_class(classes[:, None], self._table.class_ids[unpaired])] = 0.0
        scores = self._table.scores
        for row, overlap in zip(unpaired, overlaps.T, strict=True):
            place = int(overlap.argmax())
            if overlap[place] < LABELLED:
                continue
            claimed.add(row)
            known = best.get(ids[place])
            if known is None or scores[row] > scores[known[0]]:
                best[ids[place]] = row, float(overlap[place])
        stronger = {id: one for id, one in best.items() if id not in partner or scores[one[0]] > scores[partner[id][0]]}
        return stronger, claimed

    def _second(self, box: Box, row: int, iou: float) -> Problem:
        """A box whose own partner is less confident than another prediction on it."""
        rect, _, score = self._prediction(row)
        _, own_iou = self._pairings[0].partner.get(box.id, (-1, 0.0))
        return self._of_box(ProblemKind.LOOSE, 1.0 - max(iou, own_iou), box, iou, rect, score=score)

    def _missing(self, row: int) -> Problem:
        """A prediction where no box is."""
        rect, class_id, score = self._prediction(row)
        agreed = self._agreed_rect(row, [pairing.unpaired for pairing in self._pairings])
        kind = ProblemKind.FALSE_POSITIVE if agreed is None else ProblemKind.AGREE
        key = problem_key(kind, self._frame, None, rect)
        fix = rect if agreed is None else agreed
        severity = kind + score * 0.99
        values = None, rect, class_id, None, fix, class_id, NO_TRACK, self._agreeing(kind), score
        return Problem(key, self._frame, kind, severity, *values)

    def _agreed_rect(self, row: int, witnesses: Sequence[set[int]]) -> Rect | None:
        """Mean of all variants' boxes if each variant has one like the baseline's ``row``, else None.

        Args:
            witnesses: for each variant the rows that count: a prediction that a box explains is no witness against it.
        """
        if len(self._variants) < 2:
            return None
        class_id = int(self._table.class_ids[row])
        rects = [self._table.boxes[:, row]]
        for variant, used in zip(self._variants[1:], witnesses[1:], strict=True):
            rows = [other for other in sorted(used) if variant.predictions.class_ids[other] == class_id]
            if not rows:
                return None
            boxes = variant.predictions.boxes[:, rows]
            overlap = iou_matrix(self._table.boxes[:, row : row + 1], boxes, self._convention)[0]
            best = int(overlap.argmax())
            if overlap[best] < AGREEMENT:
                return None
            rects.append(boxes[:, best])
        x1, y1, x2, y2 = np.mean(rects, axis=0).tolist()
        return x1, y1, x2, y2


def fix_command(document: Document, problem: Problem, *, rect: Rect | None = None, source: int = 0) -> Command:
    """The proposed fix as one step; UserError if none is proposed or the box no longer exists.

    Args:
        rect: takes the place of ``problem.fix_rect``, where the user has moved the proposal.
    """
    if not problem.has_fix:
        raise UserError(
            tr("no fix is proposed for this problem"),
            frame=problem.frame,
            remedy=tr("Correct the box, or decide that the ground truth is right."),
        )
    if problem.box_id is not None and document.ground_truth(source).find(problem.box_id) is None:
        raise UserError(tr("the box no longer exists"), frame=problem.frame)
    if problem.deletes_box:
        return delete(document, [problem.box_id or 0], source=source)
    class_id = UNSPECIFIED_CLASS if problem.fix_class is None else problem.fix_class
    if problem.fix_rect is None:
        return set_class(document, [problem.box_id or 0], class_id, source=source)
    accepted = AcceptedPrediction(rect or problem.fix_rect, class_id, problem.box_id)
    return accept(document, problem.frame, [accepted], source=source)
