"""Association for review: which prediction is assigned to which box, and the metrics of it (frame IoU, PQ, F1 ...).

Predictions at or above the confidence threshold are assigned to ground truth one to one, with the greatest sum of IoU,
within a class. A pair at or above the IoU threshold is a true positive. Any other pair is loose: it counts as one false
positive and one false negative, and its IoU still counts in frame IoU. PQ is the panoptic quality of Kirillov 2019.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.assignment import Triple, assign_all, assign_frame
from iouviewer.metrics.block_sums import BlockSums
from iouviewer.metrics.iou import areas, extra_pixel, intersect, iou_matrix
from iouviewer.metrics.ordering import order_by_score
from iouviewer.metrics.pairs import PairColumns, Pairs, overlapping_pairs, same_class
from iouviewer.metrics.review_counts import FrameCounts, ReviewSummary, Totals, count_frame
from iouviewer.metrics.table import (
    COCO_AREAS,
    MAX_DETECTIONS,
    AreaRange,
    Bool,
    BoxTable,
    Convention,
    Float,
    Int,
)

__all__ = [
    "Association",
    "FrameReview",
    "MatchRows",
    "Pair",
    "PairState",
    "Review",
    "ReviewSettings",
    "ReviewSummary",
    "build_frame_review",
    "match_rows",
    "review_all",
    "review_frame",
]

States = NDArray[np.int8]


class PairState(IntEnum):
    """State of a row of a review.

    IGNORED is an ignored ground-truth box, or an unassigned prediction in one; an unassigned box outside a filter too.
    """

    TRUE_POSITIVE = 0
    LOOSE = 1
    FALSE_POSITIVE = 2
    MISS = 3
    IGNORED = 4
    BELOW_CONFIDENCE = 5


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """Thresholds and rules of the association and of AP.

    Attributes:
        conf: predictions with score >= conf take part, 0..1.
        iou: a pair with IoU >= iou is a true positive, > 0 to 1.
        class_agnostic: whether every class matches every other.
        max_detections: best predictions of a frame and class that take part in AP.
        area_ranges: ranges of areas for which AP and AR are given.
    """

    conf: float = 0.25
    iou: float = 0.5
    convention: Convention = Convention.CONTINUOUS
    class_agnostic: bool = False
    max_detections: int = MAX_DETECTIONS
    area_ranges: tuple[AreaRange, ...] = COCO_AREAS


@dataclass(frozen=True, slots=True)
class Pair:
    """One row of a review: rows of the two tables, -1 for none."""

    gt_row: int
    pred_row: int
    iou: float
    state: PairState


@dataclass(frozen=True, slots=True)
class FrameReview:
    """The association of one frame: first one row per ground-truth box, then the unassigned predictions.

    Attributes:
        gt_rows, pred_rows: (P,) int64, rows of the tables; -1 for none.
        iou: (P,) float64, 0 for unassigned boxes.
        state: (P,) int8 of PairState.
        in_ignore_region: (P,) bool, the prediction is not a false positive because it is in an ignored box or outside a
            filter.
        gt_ids, pred_ids: (P,) int64, ids of the boxes; -1 for none.
    """

    gt_rows: Int
    pred_rows: Int
    iou: Float
    state: States
    in_ignore_region: Bool
    gt_ids: Int
    pred_ids: Int
    counts: FrameCounts

    @property
    def iou_sum(self) -> float:
        return self.counts.iou_sum

    @property
    def gt_count(self) -> int:
        return self.counts.gt_count

    @property
    def tp(self) -> int:
        return self.counts.tp

    @property
    def fp(self) -> int:
        return self.counts.fp

    @property
    def fn(self) -> int:
        return self.counts.fn

    @property
    def tp_iou_sum(self) -> float:
        return self.counts.tp_iou_sum

    @property
    def frame_iou(self) -> float:
        """NaN without ground truth."""
        return self.counts.frame_iou

    @property
    def pairs(self) -> list[Pair]:
        """The rows as objects."""
        columns = (self.gt_rows, self.pred_rows, self.iou, self.state)
        return [Pair(g, p, iou, PairState(s)) for g, p, iou, s in zip(*(c.tolist() for c in columns), strict=True)]


def shares_of_prediction(gt: Float, pred: Float, convention: Convention) -> Float:
    """(N, M) float64, intersection of gt[:, i] with pred[:, j] / area of pred[:, j]."""
    shape = (gt.shape[1], pred.shape[1])
    inter = intersect(gt[:, :, None], pred[:, None, :], extra_pixel(convention), np.empty(shape), np.empty((2, *shape)))
    with np.errstate(invalid="ignore"):  # a prediction without area lies in nothing: 0 / 0 reaches no threshold
        share: Float = inter / areas(pred, convention)
    return share


class Association(NamedTuple):
    """The assignment in one frame.

    Predictions are numbered by their place in the order by score of those at or above the confidence threshold.

    Attributes:
        order: row of the prediction at each place.
        assigned: pairs, ordered by ground truth.
        in_ignore_region: places of predictions in an ignored box or outside a filter.
    """

    order: list[int]
    assigned: list[Triple]
    in_ignore_region: set[int]
    counts: FrameCounts


def review_frame(gt: BoxTable, pred: BoxTable, settings: ReviewSettings) -> FrameReview:
    """Associate the boxes of one frame; ``gt`` and ``pred`` are tables of a single frame (``BoxTable.frame``)."""
    return build_frame_review(gt, pred, associate_frame(gt, pred, settings), settings.iou)


def associate_frame(gt: BoxTable, pred: BoxTable, settings: ReviewSettings) -> Association:
    """The assignment of one frame; ``gt`` and ``pred`` are tables of a single frame."""
    used = pred.passing(settings.conf) & ~pred.ignored
    by_score = np.argsort(-pred.scores, kind="stable")
    order = by_score[used[by_score]]
    matrix = iou_matrix(gt.boxes, pred.boxes[:, order], settings.convention)
    same = np.ones(matrix.shape, np.bool_)
    if not settings.class_agnostic:
        same = same_class(gt.class_ids[:, None], pred.class_ids[order])
    rows, columns = np.nonzero((matrix > 0.0) & same & ~gt.ignored[:, None])
    triples = list(zip(rows.tolist(), columns.tolist(), matrix[rows, columns].tolist(), strict=True))
    assigned = assign_frame(triples)
    in_ignore_region: set[int] = set()
    if gt.ignored.any():
        share = shares_of_prediction(gt.boxes, pred.boxes[:, order], settings.convention)
        if gt.by_iou is not None:
            share = np.where(gt.by_iou[:, None], matrix, share)
        inside = ((share >= settings.iou) & same & gt.ignored[:, None]).any(axis=0)
        in_ignore_region = set(np.flatnonzero(inside).tolist())
    if pred.outside is not None:
        in_ignore_region |= set(np.flatnonzero(pred.outside[order]).tolist())
    outside = frozenset() if gt.outside is None else frozenset(np.flatnonzero(gt.outside).tolist())
    counted = int(np.count_nonzero(gt.counted()))
    counts = count_frame(counted, len(order), assigned, in_ignore_region, settings.iou, outside)
    return Association(order.tolist(), assigned, in_ignore_region, counts)


def build_frame_review(gt: BoxTable, pred: BoxTable, association: Association, threshold: float) -> FrameReview:
    """Build the rows of a frame from its association; ``threshold`` is the least IoU of a true positive."""
    order, assigned, in_ignore_region, counts = association
    of_place = np.array(order, np.int64)
    inside = np.zeros(len(order), np.bool_)
    inside[list(in_ignore_region)] = True
    rows, places, ious = zip(*assigned, strict=True) if assigned else ((), (), ())
    row, place, value = np.array(rows, np.int64), np.array(places, np.int64), np.array(ious, np.float64)
    hit = value >= threshold
    count = len(gt)
    # Ground truth first, in its order; then the predictions without a partner.
    partner, iou = np.full(count, -1, np.int64), np.zeros(count)
    state = np.where(~gt.counted(), np.int8(PairState.IGNORED), np.int8(PairState.MISS))
    excused = np.zeros(count, np.bool_)
    partner[row], iou[row] = of_place[place], value
    state[row] = np.where(hit, np.int8(PairState.TRUE_POSITIVE), np.int8(PairState.LOOSE))
    excused[row] = inside[place] & ~hit
    pred_state = np.full(len(pred), int(PairState.BELOW_CONFIDENCE), np.int8)
    pred_state[of_place] = np.where(inside, np.int8(PairState.IGNORED), np.int8(PairState.FALSE_POSITIVE))
    alone, pred_inside = np.ones(len(pred), np.bool_), np.zeros(len(pred), np.bool_)
    alone[of_place[place]] = False
    pred_inside[of_place] = inside
    others = np.flatnonzero(alone)
    none = np.full(len(others), -1, np.int64)
    gt_ids, pred_ids = gt.ids, pred.ids
    return FrameReview(
        np.concatenate((np.arange(count), none)),
        np.concatenate((partner, others)),
        np.concatenate((iou, np.zeros(len(others)))),
        np.concatenate((state, pred_state[others])),
        np.concatenate((excused, pred_inside[others])),
        np.concatenate((gt_ids, none)),
        np.concatenate((np.append(pred_ids, -1)[partner], pred_ids[others])),
        counts,
    )


@dataclass(frozen=True)
class Review:
    """The association of all frames.

    Attributes:
        frames: (F,) bool, the evaluated frames.
        frame_iou: (F,) float64, NaN for frames without ground truth and frames that were not evaluated.
        iou_sum, tp_iou_sum: (F,) float64.
        gt_count, tp, fp, fn, ignored: (F,) int64.
        pair_gt, pair_pred: (P,) int64, table rows of the assigned pairs, ordered by ground-truth row.
        pair_frame: (P,) int64.
        pair_iou: (P,) float64.
        in_ignore_region: (N,) bool by prediction row: at least ``settings.iou`` of its area is in an ignored box of its
            class, or a filter leaves it out.
        used: (N,) bool by prediction row: at or above the confidence threshold, in an evaluated frame.
        pair_outside: (P,) bool, pairs whose ground truth a filter leaves out.
    """

    settings: ReviewSettings
    frames: Bool
    frame_iou: Float
    iou_sum: Float
    tp_iou_sum: Float
    gt_count: Int
    tp: Int
    fp: Int
    fn: Int
    ignored: Int
    pair_gt: Int
    pair_pred: Int
    pair_frame: Int
    pair_iou: Float
    in_ignore_region: Bool = field(repr=False)
    used: Bool = field(repr=False)
    pair_outside: Bool = field(repr=False)

    @property
    def hits(self) -> Bool:
        """(P,) bool: pairs that are true positives and count."""
        hits: Bool = (self.pair_iou >= self.settings.iou) & ~self.pair_outside
        return hits

    @property
    def pair_state(self) -> States:
        """(P,) TRUE_POSITIVE or LOOSE."""
        hit = self.pair_iou >= self.settings.iou
        return np.where(hit, PairState.TRUE_POSITIVE, PairState.LOOSE).astype(np.int8)

    def summary(self, frames: Bool | None = None) -> ReviewSummary:
        """Metrics over ``frames``, (F,) bool; None for all evaluated frames."""
        inside = self.frames if frames is None else self.frames & frames
        defined = inside & (self.gt_count > 0)
        columns = np.stack((self.frame_iou, self.iou_sum, self.tp_iou_sum))
        sums = BlockSums(np.where(np.stack((defined, inside, inside)), columns, 0.0)).totals()
        counts = [int(column[inside].sum()) for column in (self.gt_count, self.tp, self.fp, self.fn)]
        return Totals.of(sums, counts, int(defined.sum()), int(inside.sum())).summary()


class MatchRows(NamedTuple):
    """Rows of a matching of any number of frames: pairs, missed boxes, predictions without a partner.

    Attributes:
        frames: (P,) int64.
        gt, pred: (P,) int64, rows of the tables; -1 for none.
        iou: (P,) float64, 0 without a partner.
        states: (P,) int8 of PairState.
    """

    frames: Int
    gt: Int
    pred: Int
    iou: Float
    states: States


def match_rows(gt: BoxTable, pred: BoxTable, review: Review) -> MatchRows:
    """All rows of the evaluated frames: pairs, then other boxes, then other predictions; those ignored too."""
    gt_frame, pred_frame = gt.frame_of_row(), pred.frame_of_row()
    is_alone = review.frames[gt_frame]
    is_alone[review.pair_gt] = False
    boxes = np.flatnonzero(is_alone)
    unpaired = review.used.copy()
    unpaired[review.pair_pred] = False
    others = np.flatnonzero(unpaired)
    missed = np.where(gt.counted()[boxes], np.int8(PairState.MISS), np.int8(PairState.IGNORED))
    extra = np.where(review.in_ignore_region[others], np.int8(PairState.IGNORED), np.int8(PairState.FALSE_POSITIVE))
    return MatchRows(
        np.concatenate((review.pair_frame, gt_frame[boxes], pred_frame[others])),
        np.concatenate((review.pair_gt, boxes, np.full(len(others), -1, np.int64))),
        np.concatenate((review.pair_pred, np.full(len(boxes), -1, np.int64), others)),
        np.concatenate((review.pair_iou, np.zeros(len(boxes) + len(others)))),
        np.concatenate((review.pair_state, missed, extra)),
    )


def _select_columns(table: BoxTable, keep: Bool, convention: Convention) -> tuple[PairColumns, Int]:
    """The columns of the rows to keep, and their row numbers in the table."""
    rows = np.flatnonzero(keep)
    before = np.zeros(len(table) + 1, np.int64)
    np.cumsum(keep, out=before[1:])
    boxes = table.boxes[:, rows]
    return PairColumns(before[table.offsets], boxes, areas(boxes, convention)), rows


def review_all(gt: BoxTable, pred: BoxTable, settings: ReviewSettings, frames: Bool | None = None) -> Review:
    """Associate all frames at once.

    Args:
        frames: (F,) bool, the frames to evaluate (labelled and covered); None for all.
    """
    if gt.frame_count != pred.frame_count:
        raise ValueError(f"ground truth has {gt.frame_count} frames, predictions have {pred.frame_count}")
    count = gt.frame_count
    inside = np.ones(count, np.bool_) if frames is None else frames.astype(np.bool_)
    gt_frame, pred_frame = gt.frame_of_row(), pred.frame_of_row()
    used = pred.passing(settings.conf) & ~pred.ignored & inside[pred_frame]
    scored = ~gt.ignored & inside[gt_frame]
    predictions, pred_rows = _select_columns(pred, used, settings.convention)
    extra = extra_pixel(settings.convention)

    def find_pairs(columns: PairColumns, rows: Int, minimum: float, of_prediction: bool) -> Pairs:
        found = overlapping_pairs(columns, predictions, minimum, extra=extra, of_prediction=of_prediction)
        found = Pairs(rows[found.gt], pred_rows[found.pred], found.iou)
        if settings.class_agnostic:
            return found
        return found.select(same_class(gt.class_ids[found.gt], pred.class_ids[found.pred]))

    pairs = find_pairs(*_select_columns(gt, scored, settings.convention), 0.0, False)
    priority = np.empty(len(pred), np.int64)
    priority[order_by_score(pred.scores)] = np.arange(len(pred))
    pairs = pairs.select(assign_all(pairs, frame_of_pred=pred_frame, priority=priority, gt_rows=len(gt)))
    in_ignore_region = np.zeros(len(pred), np.bool_)
    for rows, of_prediction in ((gt.regions(), True), (gt.ignored & ~gt.regions(), False)):
        excusing = rows & inside[gt_frame]
        if excusing.any():
            columns = _select_columns(gt, excusing, settings.convention)
            in_ignore_region[find_pairs(*columns, settings.iou, of_prediction).pred] = True
    if pred.outside is not None:
        in_ignore_region |= pred.outside & inside[pred_frame]
    pair_outside = gt.is_outside()[pairs.gt]
    hit = pairs.iou >= settings.iou
    exempt = in_ignore_region & used
    exempt[pairs.pred[hit]] = pair_outside[hit]
    hit &= ~pair_outside
    kept = pairs.select(np.flatnonzero(~pair_outside))
    frame, kept_frame = gt_frame[pairs.gt], gt_frame[kept.gt]

    def sum_by_frame(frame_of: Int, weights: Float | None = None) -> NDArray[np.generic]:
        return np.bincount(frame_of, weights, minlength=count)

    gt_count = sum_by_frame(gt_frame[scored & gt.counted()]).astype(np.int64)
    tp = sum_by_frame(frame[hit]).astype(np.int64)
    ignored = sum_by_frame(pred_frame[exempt]).astype(np.int64)
    iou_sum = sum_by_frame(kept_frame, kept.iou).astype(np.float64)
    fp = sum_by_frame(pred_frame[used]).astype(np.int64) - tp - ignored
    frame_iou = np.full(count, np.nan)
    np.divide(iou_sum, gt_count, out=frame_iou, where=gt_count > 0)
    return Review(
        settings, inside, frame_iou, iou_sum, sum_by_frame(frame[hit], pairs.iou[hit]).astype(np.float64), gt_count, tp,
        fp, gt_count - tp, ignored, pairs.gt, pairs.pred, frame, pairs.iou, in_ignore_region, used, pair_outside,
    )  # fmt: skip
