"""The boxes that a variant loses, gains and moves against the baseline, and its curves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.metrics.coco import match_coco
from iouviewer.metrics.curves import precision_recall_curve
from iouviewer.metrics.review import Review, ReviewSettings, review_all
from iouviewer.metrics.table import Bool, BoxTable, Float, Int

BINS = 20
"""Number of bars of the IoU histogram."""
_CURVE_POINTS = 400
"""Points of a curve that are drawn."""
MOVED_IOU = 0.1
"""A box that both find has moved if its IoU differs by at least this much."""


@dataclass(frozen=True, slots=True)
class ChangedObject:
    """A ground-truth box that only one of two variants finds, or that both find with another IoU.

    Attributes:
        baseline_iou, variant_iou: IoU with the partner of each variant; nan without one.
    """

    frame: int
    box_id: int
    class_id: int
    rect: tuple[float, float, float, float]
    baseline_iou: float = nan
    variant_iou: float = nan

    @property
    def is_compared(self) -> bool:
        """Whether at least one of the two finds it, so there is something to say about both."""
        return not (isnan(self.baseline_iou) and isnan(self.variant_iou))


@dataclass(frozen=True, eq=False)
class ChangedObjects:
    """Many objects as columns, so that the window only creates those of visible rows.

    Attributes:
        frames, box_ids, class_ids: (N,) int64.
        boxes: (4, N) float64.
        baseline_iou, variant_iou: (N,) float64, nan without a partner.
    """

    frames: Int
    box_ids: Int
    class_ids: Int
    boxes: Float
    baseline_iou: Float
    variant_iou: Float

    @classmethod
    def of(cls, objects: Iterable[ChangedObject]) -> ChangedObjects:
        """Columns of these objects."""
        rows = list(objects)
        return cls(
            np.array([one.frame for one in rows], np.int64),
            np.array([one.box_id for one in rows], np.int64),
            np.array([one.class_id for one in rows], np.int64),
            np.array([one.rect for one in rows], np.float64).reshape(-1, 4).T,
            np.array([one.baseline_iou for one in rows], np.float64),
            np.array([one.variant_iou for one in rows], np.float64),
        )

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, place: int) -> ChangedObject:
        x1, y1, x2, y2 = self.boxes[:, place].tolist()
        return ChangedObject(
            int(self.frames[place]),
            int(self.box_ids[place]),
            int(self.class_ids[place]),
            (x1, y1, x2, y2),
            float(self.baseline_iou[place]),
            float(self.variant_iou[place]),
        )

    def _columns(self) -> tuple[Int | Float, ...]:
        return self.frames, self.box_ids, self.class_ids, self.boxes, self.baseline_iou, self.variant_iou

    def same_as(self, other: ChangedObjects) -> bool:
        """Whether all columns are equal; nan equals nan."""
        return all(
            np.array_equal(column, other_column, equal_nan=column.dtype.kind == "f")
            for column, other_column in zip(self._columns(), other._columns(), strict=True)
        )

    def row_of(self, box_id: int) -> int:
        """The first row with this box, -1 for none."""
        rows = np.flatnonzero(self.box_ids == box_id)
        return int(rows[0]) if len(rows) else -1


NO_OBJECTS = ChangedObjects.of(())


@dataclass(frozen=True, slots=True)
class Curves:
    """One variant's curves.

    Attributes:
        recall, precision: (K,) float64 at IoU 0.5 over all classes, highest confidence first; empty without scores.
        histogram: (BINS,) share of the pairs by IoU over 0..1.
        confidences: (K,) float64, the lowest confidence of the predictions at each point.
        best: place of the greatest F1; -1 for an empty curve.
    """

    recall: Float
    precision: Float
    histogram: Float
    confidences: Float
    best: int = -1

    def place_at(self, confidence: float) -> int:
        """Place of the point of predictions with at least this confidence; -1 where there are none."""
        return int(np.searchsorted(-self.confidences, -confidence, side="right")) - 1

    @property
    def f1_values(self) -> Float:
        """(K,) F1 at each point, 0 where precision and recall are 0."""
        total = self.precision + self.recall
        values: Float = 2 * self.precision * self.recall / np.where(total > 0.0, total, 1.0)
        return values

    def f1(self, place: int) -> float:
        """F1 at a place."""
        precision, recall = float(self.precision[place]), float(self.recall[place])
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@dataclass(frozen=True, slots=True)
class ComparisonInput:
    """The input of a comparison: values that later edits do not change.

    Attributes:
        tracks: (M,) int64 tracks of the rows of ``truth``, negative for none; None: no box has one.
    """

    number: int
    truth: BoxTable
    labelled: Bool
    review: ReviewSettings
    variants: dict[str, PredictionSet]
    baseline: str
    tracks: Int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Lost, gained and moved boxes by variant, and the curves of all variants."""

    lost: dict[str, ChangedObjects]
    gained: dict[str, ChangedObjects]
    moved: dict[str, ChangedObjects]
    curves: dict[str, Curves]


def find_differences(data: ComparisonInput) -> Differences:
    """Compute the contents of all lists and plots; a pure function."""
    reviews: dict[str, Review] = {}
    curves: dict[str, Curves] = {}
    for key, predictions in data.variants.items():
        frames = data.labelled & predictions.covered
        reviews[key] = review_all(data.truth, predictions.table, data.review, frames)
        curves[key] = _curves(data, predictions, frames, reviews[key])
    lost: dict[str, ChangedObjects] = {}
    gained: dict[str, ChangedObjects] = {}
    moved: dict[str, ChangedObjects] = {}
    base = reviews.get(data.baseline)
    frame_of_row = data.truth.frame_of_row()
    for key, review in reviews.items():
        if base is None or key == data.baseline:
            continue
        both = (base.frames & review.frames)[frame_of_row]
        before, after = _is_matched(data.truth, base), _is_matched(data.truth, review)
        ious = _ious(data.truth, base), _ious(data.truth, review)
        lost[key] = _changed_objects(data.truth, frame_of_row, np.flatnonzero(both & before & ~after), ious)
        gained[key] = _changed_objects(data.truth, frame_of_row, np.flatnonzero(both & after & ~before), ious)
        apart = np.abs(ious[1] - ious[0]) >= MOVED_IOU  # nan, without a partner, is not
        moved[key] = _changed_objects(data.truth, frame_of_row, np.flatnonzero(both & before & after & apart), ious)
    return Differences(lost, gained, moved, curves)


def _is_matched(truth: BoxTable, review: Review) -> Bool:
    """(M,) bool: ground-truth rows with a true positive."""
    matched = np.zeros(len(truth), np.bool_)
    matched[review.pair_gt[review.hits]] = True
    return matched


def _ious(truth: BoxTable, review: Review) -> Float:
    """(M,) float64: IoU of the ground-truth rows with their partners; nan without one."""
    ious = np.full(len(truth), nan)
    ious[review.pair_gt] = np.where(review.pair_outside, nan, review.pair_iou)
    return ious


def _changed_objects(truth: BoxTable, frames: Int, rows: Int, ious: tuple[Float, Float]) -> ChangedObjects:
    columns = truth.ids[rows], truth.class_ids[rows], truth.boxes[:, rows]
    return ChangedObjects(frames[rows], *columns, ious[0][rows], ious[1][rows])


def _curves(data: ComparisonInput, predictions: PredictionSet, frames: Bool, review: Review) -> Curves:
    counts = np.histogram(review.pair_iou[~review.pair_outside], bins=BINS, range=(0.0, 1.0))[0]
    histogram = counts / max(1, counts.sum())
    empty = np.zeros(0)
    if not predictions.has_scores or not len(predictions.table):
        return Curves(empty, empty, histogram, empty)
    one_class = True if data.review.class_agnostic else None
    matches = match_coco(data.truth, predictions.table, frames, one_class=one_class)
    rows = matches.order
    positives = int(matches.gt_counts.sum())
    if not len(rows) or not positives:
        return Curves(empty, empty, histogram, empty)
    hit, ignored = (matches.tp[rows] & np.uint16(1)) != 0, (matches.ignored[rows] & np.uint16(1)) != 0
    pr_curve = precision_recall_curve(predictions.table.scores[rows], hit, positives, ignored)
    if not len(pr_curve.recall):
        return Curves(empty, empty, histogram, empty)
    keep = np.linspace(0, len(pr_curve.recall) - 1, _CURVE_POINTS).astype(np.int64)
    keep = np.unique(np.append(keep, pr_curve.best))
    best = int(np.searchsorted(keep, pr_curve.best))
    return Curves(pr_curve.recall[keep], pr_curve.precision[keep], histogram, pr_curve.scores[keep], best)
