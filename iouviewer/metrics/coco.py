"""COCO evaluation: AP, AP50, AP75 and AR100 as pycocotools 2.0 computes them; always with continuous pixel edges.

A box without a class matches every class, but a prediction is ranked in one class only. Therefore, if any counted
ground-truth box or prediction has no class, all boxes are treated as one class. Ignored boxes do not affect this rule;
an ignored box without a class absorbs predictions of every class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iouviewer.metrics.coco_curve import average_precision, class_curves
from iouviewer.metrics.coco_matching import ALL, THRESHOLDS, Candidates, Masks, MatchOutcome, match
from iouviewer.metrics.ordering import distinct, order_by_score
from iouviewer.metrics.pairs import PairColumns, Pairs, overlapping_pairs
from iouviewer.metrics.table import (
    COCO_AREAS,
    MAX_DETECTIONS,
    UNSPECIFIED_CLASS,
    AreaRange,
    Bool,
    BoxTable,
    Float,
    Int,
)

ALL_AREAS = (0.0, 1e10)


@dataclass(frozen=True)
class CocoMatches:
    """The matches of every prediction at every threshold, the input of curves and bootstraps.

    Attributes:
        thresholds: (10,) IoU thresholds; bit t of a mask is ``thresholds[t]``.
        classes: class ids that have ground truth or predictions, ascending.
        gt_class, pred_class: (M,), (N,) the class under which each row is evaluated.
        order: (R,) prediction rows that take part, by class, then score (highest first), then frame and file order.
        class_starts: (K + 1,) places in ``order`` at which each class starts.
        tp, ignored: (N,) masks by prediction row: true positive, ignored (matched to a box that does not count, or
            outside the area or a filter without a match). A prediction that takes part and is neither is a false
            positive.
        gt_counts: (K,) number of ground-truth boxes that count.
        gt_evaluated: (M,) bool: in an evaluated frame, and counts.
        pairs: candidate pairs (rows of the tables), IoU >= 0.5.
        hits: masks by candidate pair: thresholds at which the two are matched.
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

    def curves(self, place: int) -> tuple[Float, Int]:
        """Precision (10, 101) and true positives (10,) of ``classes[place]``."""
        rows = self.order[self.class_starts[place] : self.class_starts[place + 1]]
        return class_curves(self.tp[rows], self.ignored[rows], int(self.gt_counts[place]))


@dataclass(frozen=True, slots=True)
class ClassAp:
    """Metrics of one class that has ground truth."""

    ap: float
    ap50: float
    ap75: float
    ar100: float
    gt_count: int


@dataclass(frozen=True, slots=True)
class SizeAp:
    """Metrics of one range of areas; None without ground truth in it."""

    ap: float | None
    ar: float | None


@dataclass(frozen=True)
class CocoResult:
    """Means over the classes with ground truth; None without any."""

    ap: float | None
    ap50: float | None
    ap75: float | None
    ar100: float | None
    per_class: Mapping[int, ClassAp]
    sizes: Mapping[str, SizeAp]
    thresholds: Float


def rows_without_class(table: BoxTable) -> Bool:
    """(N,) bool, rows without a class; one in an evaluated frame makes all boxes count as one class."""
    rows: Bool = (table.class_ids == UNSPECIFIED_CLASS) & ~table.ignored
    return rows


def counts_as_one_class(gt: BoxTable, pred: BoxTable, frames: Bool | None = None) -> bool:
    """Whether COCO evaluation treats all boxes as one class: a counted ground-truth box or prediction has none.

    If "no class" were a class of its own, predictions with a class could never match such a box, and giving a class to
    the first of many boxes would reduce AP to almost 0.

    Args:
        frames: (F,) bool, the evaluated frames; None for all.
    """
    for table in (gt, pred):
        rows = rows_without_class(table)
        if rows.any() and (frames is None or bool((rows & frames[table.frame_of_row()]).any())):
            return True
    return False


def coco_columns(boxes: Float) -> tuple[Float, Float]:
    """Boxes (4, N) and areas (N,) as pycocotools computes them from x, y, w, h: right = x + w, area = w * h."""
    size = boxes[2:] - boxes[:2]
    return np.concatenate((boxes[:2], boxes[:2] + size)), size[0] * size[1]


def _rows_of(table: BoxTable, frames: Bool | None) -> tuple[Int, Bool | None]:
    """Frame of each row, and which rows are in ``frames`` (None: all)."""
    frame = table.frame_of_row()
    return frame, None if frames is None else frames[frame]


def _subset(columns: PairColumns, keep: Bool | None) -> tuple[PairColumns, Int | None]:
    """The rows where ``keep`` is True, and their numbers (None: all)."""
    if keep is None or keep.all():
        return columns, None
    rows = np.flatnonzero(keep)
    before = np.zeros(len(keep) + 1, np.int64)
    np.cumsum(keep, out=before[1:])
    return PairColumns(before[columns.offsets], columns.boxes[:, rows], columns.areas[rows]), rows


def _to_table_rows(pairs: Pairs, gt_rows: Int | None, pred_rows: Int | None) -> Pairs:
    """Pairs of a subset with the row numbers of the whole tables."""
    gt = pairs.gt if gt_rows is None else gt_rows[pairs.gt]
    pred = pairs.pred if pred_rows is None else pred_rows[pairs.pred]
    return Pairs(gt, pred, pairs.iou)


class _Evaluation:
    """Ground truth and predictions, prepared for matching with any range of areas."""

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
        _, gt_inside = _rows_of(gt, frames)
        self.frame_of_pred, pred_inside = _rows_of(pred, frames)
        if pred.ignored.any():
            pred_inside = ~pred.ignored if pred_inside is None else pred_inside & ~pred.ignored
        self.gt_evaluated = np.ones(len(gt), np.bool_) if gt_inside is None else gt_inside
        by_score = order_by_score(pred.scores)
        self.priority = np.empty(len(pred), np.int64)
        self.priority[by_score] = np.arange(len(pred))
        keep = self._within_limit(max_detections, pred_inside)
        if keep is not None:
            by_score = by_score[keep[by_score]]
        self.order, self.class_starts = self._by_class(by_score)
        self.gt_columns = PairColumns(gt.offsets, *coco_columns(gt.boxes))
        self.pred_columns = PairColumns(pred.offsets, *coco_columns(pred.boxes))
        self.gt_areas = gt.stated_areas()
        self.candidates = self._candidates(keep)

    def _within_limit(self, limit: int, inside: Bool | None) -> Bool | None:
        """(N,) bool, predictions in ``inside`` among the ``limit`` best of their class and frame; None for all."""
        if not len(self.pred) or int(np.diff(self.pred.offsets).max()) <= limit:
            return inside
        # Predictions that are left out before matching take no place among the best.
        order = np.lexsort((self.priority, self.pred.ignored, self.pred_class, self.frame_of_pred))
        frame, class_id = self.frame_of_pred[order], self.pred_class[order]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = (frame[1:] != frame[:-1]) | (class_id[1:] != class_id[:-1])
        first = np.flatnonzero(is_first)
        place = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
        keep = np.zeros(len(order), np.bool_)
        keep[order] = place < limit
        return keep if inside is None else keep & inside

    def _by_class(self, by_score: Int) -> tuple[Int, Int]:
        """Prediction rows by class, then score, and where each class starts."""
        if len(self.classes) <= 1:
            return by_score, np.array([0, len(by_score)][: len(self.classes) + 1], np.int64)
        place = np.searchsorted(self.classes, self.pred_class[by_score]).astype(np.uint16)
        starts = np.zeros(len(self.classes) + 1, np.int64)
        np.cumsum(np.bincount(place, minlength=len(self.classes)), out=starts[1:])
        return by_score[np.argsort(place, kind="stable")], starts

    def _candidates(self, keep: Bool | None) -> Candidates:
        """All pairs with overlap >= 0.5: IoU with regular boxes, intersection / area of the prediction with crowds.

        An ignored box that excuses by IoU may, as a crowd, be matched more than once.
        """
        crowd = self.gt.regions()
        pred, pred_rows = _subset(self.pred_columns, keep)
        regular, regular_rows = _subset(self.gt_columns, self.gt_evaluated & ~crowd)
        pairs = _to_table_rows(overlapping_pairs(regular, pred, 0.5), regular_rows, pred_rows)
        is_crowd = np.zeros(len(pairs.gt), np.bool_)
        evaluated_crowd = self.gt_evaluated & crowd
        if evaluated_crowd.any():
            crowds, crowd_rows = _subset(self.gt_columns, evaluated_crowd)
            crowd_pairs = overlapping_pairs(crowds, pred, 0.5, of_prediction=True)
            crowd_pairs = _to_table_rows(crowd_pairs, crowd_rows, pred_rows)
            is_crowd = np.concatenate((is_crowd, np.ones(len(crowd_pairs.gt), np.bool_)))
            pairs = Pairs(*(np.concatenate(both) for both in zip(pairs, crowd_pairs, strict=True)))
            order = np.lexsort((pairs.gt, pairs.pred))
            pairs, is_crowd = pairs.select(order), is_crowd[order]
        if self.gt.by_iou is not None:
            is_crowd = self.gt.ignored[pairs.gt]
        if len(self.classes) > 1:
            gt_class = self.gt_class[pairs.gt]
            same = (gt_class == self.pred_class[pairs.pred]) | (is_crowd & (gt_class == UNSPECIFIED_CLASS))
            pairs, is_crowd = pairs.select(same), is_crowd[same]
        return Candidates(pairs, is_crowd, is_crowd)

    def match(self, area: tuple[float, float]) -> CocoMatches:
        """Match with ground truth and unmatched predictions outside ``area`` ignored.

        As in pycocotools, the area of ground truth is the one in its file, that of a prediction width * height.
        """
        gt_outside = (self.gt_areas < area[0]) | (self.gt_areas > area[1])
        skipped = ~self.gt.counted() | gt_outside
        candidates = self.candidates._replace(skipped=skipped[self.candidates.pairs.gt])
        outcome: MatchOutcome = match(
            candidates, frame_of_pred=self.frame_of_pred, priority=self.priority, gt_rows=len(self.gt)
        )
        pred_outside = (self.pred_columns.areas < area[0]) | (self.pred_columns.areas > area[1])
        if self.pred.outside is not None:
            pred_outside |= self.pred.outside
        ignored = outcome.ignored
        if pred_outside.any():
            ignored = np.where(pred_outside, ~outcome.tp & np.uint16(ALL), ignored)
        counted = self.gt_evaluated & ~skipped
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
        max_detections: number of best predictions per frame and class that take part.
        area: range in square pixels; ground truth and unmatched predictions outside are ignored.
        one_class: whether to treat all boxes as one class; None: as ``counts_as_one_class`` decides.
    """
    return _Evaluation(gt, pred, frames, max_detections, one_class).match(area)


def _class_metrics(matches: CocoMatches) -> dict[int, ClassAp]:
    """Metrics of each class with ground truth, by class id."""
    result = {}
    for place, class_id in enumerate(matches.classes.tolist()):
        count = int(matches.gt_counts[place])
        if count:
            result[class_id] = class_ap(*matches.curves(place), count)
    return result


def class_ap(curves: Float, totals: Int, gt_count: int) -> ClassAp:
    """Metrics of a class from its (10, 101) precision curves and (10,) numbers of true positives."""
    return class_ap_of(average_precision(curves), totals, gt_count)


def class_ap_of(ap: Float, totals: Int, gt_count: int) -> ClassAp:
    """Metrics of a class from its AP (10,) and numbers of true positives (10,) by threshold."""
    return ClassAp(
        float(np.add.reduce(ap) / len(ap)),
        float(ap[0]),
        float(ap[5]),
        float(np.add.reduce(totals / gt_count) / len(totals)),
        gt_count,
    )


def mean_over_classes(per_class: Mapping[int, ClassAp], name: str) -> float | None:
    """Mean of one metric over the classes, added in the order of the mapping; None without any."""
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
    area_ranges: Sequence[AreaRange] = COCO_AREAS,
    one_class: bool | None = None,
) -> CocoResult:
    """AP, AP50, AP75 and AR100 by class and their means, and AP and AR by size.

    Args:
        frames: (F,) bool, the frames to evaluate (labelled and covered); None for all.
        sizes: also evaluate ``area_ranges``.
        one_class: as for ``match_coco``.
    """
    evaluation = _Evaluation(gt, pred, frames, max_detections, one_class)
    per_class = _class_metrics(evaluation.match(ALL_AREAS))
    by_size = {}
    for name, low, high in area_ranges if sizes else ():
        of_size = _class_metrics(evaluation.match((low, high)))
        by_size[name] = SizeAp(mean_over_classes(of_size, "ap"), mean_over_classes(of_size, "ar100"))
    ap, ap50, ap75, ar100 = (mean_over_classes(per_class, name) for name in ("ap", "ap50", "ap75", "ar100"))
    return CocoResult(ap, ap50, ap75, ar100, per_class, by_size, THRESHOLDS)
