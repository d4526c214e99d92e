"""COCO evaluation: AP, AP50, AP75 and AR100 as pycocotools 2.0 computes them; always in the continuous convention.

Classes: a box without a class matches every class, but a prediction is ranked in one class only. Therefore, where any
counted box of either side has no class, everything counts as one class; otherwise a class id stands for itself. Ignored
boxes decide nothing: one without a class swallows predictions of every class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from iouviewer.metrics.coco_curve import average_precision, class_curves
from iouviewer.metrics.coco_matching import ALL, THRESHOLDS, Candidates, Masks, MatchOutcome, match
from iouviewer.metrics.ordering import distinct, order_by_score
from iouviewer.metrics.pairs import PairColumns, Pairs, overlapping_pairs
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int

MAX_DETECTIONS = 100
SIZES: Mapping[str, tuple[float, float]] = {
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""COCO's areas in square pixels, both ends included."""
ALL_AREAS = (0.0, 1e10)


@dataclass(frozen=True)
class CocoMatches:
    """How every prediction fared at every threshold; what curves, error types and bootstraps start from.

    Attributes:
        thresholds: (10,) IoU thresholds; bit t of a mask stands for ``thresholds[t]``.
        classes: class ids that have ground truth or predictions, ascending.
        gt_class, pred_class: (M,), (N,) the class under which each row is evaluated.
        order: (R,) prediction rows that take part, by class, then score (highest first), then frame and file order.
        class_starts: (K + 1,) where each class begins in ``order``.
        tp, ignored: (N,) masks per prediction row: true positive, ignored (matched to an ignored box or outside the
            area). What takes part and is neither is a false positive.
        gt_counts: (K,) ground-truth boxes that count.
        gt_evaluated: (M,) bool: in an evaluated frame and not ignored.
        pairs: candidate pairs (rows of the tables), IoU >= 0.5.
        hits: masks per candidate pair: thresholds at which the two are matched.
    """

    thresholds: Float
    classes: Int
    gt_class: Int
    pred_class: Int
    order: Int
    class_starts: Int
    tp: Masks
    ignored: Masks
    gt_counts: Int
    gt_evaluated: Bool
    pairs: Pairs
    hits: Masks

    def matched_gt(self, threshold: int) -> Int:
        """(N,) int64: ground-truth row matched to each prediction at ``thresholds[threshold]``, -1 for none."""
        result = np.full(len(self.tp), -1, np.int64)
        hit = (self.hits & np.uint16(1 << threshold)) != 0
        result[self.pairs.pred[hit]] = self.pairs.gt[hit]
        return result

    def curves(self, place: int) -> tuple[Float, Int]:
        """Precision (10, 101) and true positives (10,) of ``classes[place]``."""
        rows = self.order[self.class_starts[place] : self.class_starts[place + 1]]
        return class_curves(self.tp[rows], self.ignored[rows], int(self.gt_counts[place]))


@dataclass(frozen=True, slots=True)
class ClassAp:
    """The numbers of one class; it has ground truth."""

    ap: float
    ap50: float
    ap75: float
    ar100: float
    gt_count: int


@dataclass(frozen=True, slots=True)
class SizeAp:
    """The numbers of one range of areas; None where no ground truth lies in it."""

    ap: float | None
    ar: float | None


@dataclass(frozen=True)
class CocoResult:
    """Means over the classes with ground truth; None where there is none at all."""

    ap: float | None
    ap50: float | None
    ap75: float | None
    ar100: float | None
    per_class: Mapping[int, ClassAp]
    sizes: Mapping[str, SizeAp]
    thresholds: Float


def rows_without_class(table: BoxTable) -> Bool:
    """(N,) bool: rows without a class that, where their frame counts, make everything count as one class."""
    found: Bool = (table.class_ids == UNSPECIFIED_CLASS) & ~table.ignored
    return found


def counts_as_one_class(gt: BoxTable, pred: BoxTable, frames: Bool | None = None) -> bool:
    """Whether COCO evaluation takes all boxes as of one class: a counted box of either side has none.

    Taken as a class of its own, a box without a class could never be found by a prediction with one; and giving a class
    to the first of many boxes would take AP to nothing.

    Args:
        frames: (F,) bool, the frames that count; None for all.
    """
    for table in (gt, pred):
        found = rows_without_class(table)
        if found.any() and (frames is None or bool((found & frames[table.frame_of_row()]).any())):
            return True
    return False


def coco_columns(boxes: Float) -> tuple[Float, Float]:
    """Boxes (4, N) and areas (N,) as pycocotools sees them, who is given x, y, w, h: right = x + w, area = w * h."""
    size = boxes[2:] - boxes[:2]
    return np.concatenate((boxes[:2], boxes[:2] + size)), size[0] * size[1]


def _rows_of(table: BoxTable, frames: Bool | None) -> tuple[Int, Bool | None]:
    """Frame of each row, and which rows stand in ``frames`` (None: all)."""
    frame = table.frame_of_row()
    return frame, None if frames is None else frames[frame]


def _subset(columns: PairColumns, keep: Bool | None) -> tuple[PairColumns, Int | None]:
    """The rows for which ``keep`` holds, and their numbers (None: all)."""
    if keep is None or keep.all():
        return columns, None
    rows = np.flatnonzero(keep)
    before = np.zeros(len(keep) + 1, np.int64)
    np.cumsum(keep, out=before[1:])
    return PairColumns(before[columns.offsets], columns.boxes[:, rows], columns.areas[rows]), rows


def _original(pairs: Pairs, gt_rows: Int | None, pred_rows: Int | None) -> Pairs:
    gt = pairs.gt if gt_rows is None else gt_rows[pairs.gt]
    pred = pairs.pred if pred_rows is None else pred_rows[pairs.pred]
    return Pairs(gt, pred, pairs.iou)


class _Evaluation:
    """One pair of tables, ready to be matched for any range of areas."""

    def __init__(
        self, gt: BoxTable, pred: BoxTable, frames: Bool | None, max_detections: int, one_class: bool | None = None
    ) -> None:
        if gt.frame_count != pred.frame_count:
            raise ValueError(f"ground truth has {gt.frame_count} frames, predictions have {pred.frame_count}")
        self.gt, self.pred = gt, pred
        self.gt_class, self.pred_class = gt.class_ids, pred.class_ids
        if counts_as_one_class(gt, pred, frames) if one_class is None else one_class:
            self.gt_class = np.full_like(gt.class_ids, UNSPECIFIED_CLASS)
            self.pred_class = np.full_like(pred.class_ids, UNSPECIFIED_CLASS)
        self.classes = np.union1d(distinct(self.gt_class), distinct(self.pred_class))
        _, gt_in = _rows_of(gt, frames)
        self.frame_of_pred, pred_in = _rows_of(pred, frames)
        self.gt_in = np.ones(len(gt), np.bool_) if gt_in is None else gt_in
        by_score = order_by_score(pred.scores)
        self.priority = np.empty(len(pred), np.int64)
        self.priority[by_score] = np.arange(len(pred))
        keep = self._within_cap(max_detections, pred_in)
        if keep is not None:
            by_score = by_score[keep[by_score]]
        self.order, self.class_starts = self._by_class(by_score)
        self.gt_columns = PairColumns(gt.offsets, *coco_columns(gt.boxes))
        self.pred_columns = PairColumns(pred.offsets, *coco_columns(pred.boxes))
        self.candidates = self._candidates(keep)

    def _within_cap(self, cap: int, inside: Bool | None) -> Bool | None:
        """Which predictions are among the ``cap`` best of their class and frame; None: all."""
        if not len(self.pred) or int(np.diff(self.pred.offsets).max()) <= cap:
            return inside
        order = np.lexsort((self.priority, self.pred_class, self.frame_of_pred))
        frame, class_id = self.frame_of_pred[order], self.pred_class[order]
        new = np.ones(len(order), np.bool_)
        new[1:] = (frame[1:] != frame[:-1]) | (class_id[1:] != class_id[:-1])
        first = np.flatnonzero(new)
        place = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
        keep = np.zeros(len(order), np.bool_)
        keep[order] = place < cap
        return keep if inside is None else keep & inside

    def _by_class(self, by_score: Int) -> tuple[Int, Int]:
        if len(self.classes) <= 1:
            return by_score, np.array([0, len(by_score)][: len(self.classes) + 1], np.int64)
        place = np.searchsorted(self.classes, self.pred_class[by_score]).astype(np.uint16)
        starts = np.zeros(len(self.classes) + 1, np.int64)
        np.cumsum(np.bincount(place, minlength=len(self.classes)), out=starts[1:])
        return by_score[np.argsort(place, kind="stable")], starts

    def _candidates(self, keep: Bool | None) -> Candidates:
        """All pairs with overlap >= 0.5: IoU with regular boxes, intersection / own area with crowds."""
        crowd = self.gt.ignored
        pred, pred_rows = _subset(self.pred_columns, keep)
        regular, regular_rows = _subset(self.gt_columns, self.gt_in & ~crowd)
        pairs = _original(overlapping_pairs(regular, pred, 0.5), regular_rows, pred_rows)
        is_crowd = np.zeros(len(pairs.gt), np.bool_)
        crowd_in = self.gt_in & crowd
        if crowd_in.any():
            crowds, crowd_rows = _subset(self.gt_columns, crowd_in)
            more = overlapping_pairs(crowds, pred, 0.5, of_prediction=True)
            more = _original(more, crowd_rows, pred_rows)
            is_crowd = np.concatenate((is_crowd, np.ones(len(more.gt), np.bool_)))
            pairs = Pairs(*(np.concatenate(both) for both in zip(pairs, more, strict=True)))
            order = np.lexsort((pairs.gt, pairs.pred))
            pairs, is_crowd = pairs.select(order), is_crowd[order]
        if len(self.classes) > 1:
            gt_class = self.gt_class[pairs.gt]
            same = (gt_class == self.pred_class[pairs.pred]) | (is_crowd & (gt_class == UNSPECIFIED_CLASS))
            pairs, is_crowd = pairs.select(same), is_crowd[same]
        return Candidates(pairs, is_crowd, is_crowd)

    def match(self, area: tuple[float, float]) -> CocoMatches:
        """Match for ground truth within ``area``; what lies outside is ignored."""
        outside = (self.gt_columns.areas < area[0]) | (self.gt_columns.areas > area[1])
        skipped = self.gt.ignored | outside
        candidates = self.candidates._replace(skipped=skipped[self.candidates.pairs.gt])
        outcome: MatchOutcome = match(
            candidates, frame_of_pred=self.frame_of_pred, priority=self.priority, gt_rows=len(self.gt)
        )
        beyond = (self.pred_columns.areas < area[0]) | (self.pred_columns.areas > area[1])
        ignored = outcome.ignored
        if beyond.any():
            ignored = np.where(beyond, ~outcome.tp & np.uint16(ALL), ignored)
        counted = self.gt_in & ~skipped
        places = np.searchsorted(self.classes, self.gt_class[counted])
        return CocoMatches(
            THRESHOLDS, self.classes, self.gt_class, self.pred_class, self.order, self.class_starts, outcome.tp,
            ignored, np.bincount(places, minlength=len(self.classes)), counted, candidates.pairs, outcome.hits,
        )  # fmt: skip


def match_coco(
    gt: BoxTable,
    pred: BoxTable,
    frames: Bool | None = None,
    max_detections: int = MAX_DETECTIONS,
    area: tuple[float, float] = ALL_AREAS,
    *,
    one_class: bool | None = None,
) -> CocoMatches:
    """Match predictions to ground truth at all thresholds.

    Args:
        frames: (F,) bool, the frames to evaluate (labelled and covered); None for all.
        max_detections: best predictions of a frame and class that take part.
        area: square pixels; ground truth outside is ignored.
        one_class: all boxes are of one class; None: as ``counts_as_one_class`` decides.
    """
    return _Evaluation(gt, pred, frames, max_detections, one_class).match(area)


def _summary(matches: CocoMatches) -> dict[int, ClassAp]:
    result = {}
    for place, class_id in enumerate(matches.classes.tolist()):
        count = int(matches.gt_counts[place])
        if count:
            result[class_id] = class_ap(*matches.curves(place), count)
    return result


def class_ap(curves: Float, totals: Int, gt_count: int) -> ClassAp:
    """The numbers of a class from its (10, 101) curves and (10,) numbers of true positives."""
    ap = average_precision(curves)
    return class_ap_of(ap, totals, gt_count)


def class_ap_of(ap: Float, totals: Int, gt_count: int) -> ClassAp:
    """The numbers of a class from its AP (10,) and numbers of true positives (10,) per threshold."""
    return ClassAp(
        float(np.add.reduce(ap) / len(ap)),
        float(ap[0]),
        float(ap[5]),
        float(np.add.reduce(totals / gt_count) / len(totals)),
        gt_count,
    )


def mean_over_classes(per_class: Mapping[int, ClassAp], name: str) -> float | None:
    """The mean of one number over the classes, in the order of the mapping; None where there are none."""
    if not per_class:
        return None
    total = 0.0
    for item in per_class.values():
        total += getattr(item, name)
    return total / len(per_class)


def evaluate_coco(
    gt: BoxTable,
    pred: BoxTable,
    frames: Bool | None = None,
    max_detections: int = MAX_DETECTIONS,
    *,
    sizes: bool = True,
) -> CocoResult:
    """AP, AP50, AP75 and AR100, per class and averaged, and AP and AR by size.

    Args:
        frames: (F,) bool, the frames to evaluate (labelled and covered); None for all.
        sizes: also evaluate COCO's three ranges of areas.
    """
    evaluation = _Evaluation(gt, pred, frames, max_detections)
    per_class = _summary(evaluation.match(ALL_AREAS))
    by_size = {}
    for name, area in SIZES.items() if sizes else ():
        found = _summary(evaluation.match(area))
        by_size[name] = SizeAp(mean_over_classes(found, "ap"), mean_over_classes(found, "ar100"))
    ap, ap50, ap75, ar100 = (mean_over_classes(per_class, name) for name in ("ap", "ap50", "ap75", "ar100"))
    return CocoResult(ap, ap50, ap75, ar100, per_class, by_size, THRESHOLDS)
