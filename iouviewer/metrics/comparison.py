"""A variant prepared for resampling on the common scored frames, and the agreement of variants without labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from iouviewer.metrics.coco import CocoMatches, match_coco
from iouviewer.metrics.coco_matching import THRESHOLDS
from iouviewer.metrics.review import ReviewSettings, ReviewSummary, review_all
from iouviewer.metrics.table import MAX_DETECTIONS, Bool, BoxTable, Float, Int
from iouviewer.metrics.verdict import ScoredVariant
from iouviewer.metrics.weighted_scores import ClassMatches, FrameSums


class ReviewArrays(Protocol):
    """Sums by frame of the association for review; all (F,)."""

    @property
    def iou_sum(self) -> Float: ...
    @property
    def gt_count(self) -> Int: ...
    @property
    def tp_iou_sum(self) -> Float: ...
    @property
    def tp(self) -> Int: ...
    @property
    def fp(self) -> Int: ...
    @property
    def fn(self) -> Int: ...


def stack_tables(tables: Sequence[BoxTable]) -> BoxTable:
    """Concatenate the boxes of several videos into one table; class ids must mean the same in all of them."""
    if len(tables) == 1:
        return tables[0]
    rows = np.cumsum([0, *(len(table) for table in tables)])
    offsets = [tables[0].offsets[:1], *(table.offsets[1:] + first for table, first in zip(tables, rows, strict=False))]
    return BoxTable(
        np.concatenate(offsets),
        np.ascontiguousarray(np.concatenate([table.boxes for table in tables], axis=1)),
        class_ids=np.concatenate([table.class_ids for table in tables]),
        scores=np.concatenate([table.scores for table in tables]),
        ignored=np.concatenate([table.ignored for table in tables]),
        ids=np.concatenate([table.ids for table in tables]),
        areas=np.concatenate([t.stated_areas() for t in tables]) if any(t.areas is not None for t in tables) else None,
        by_iou=np.concatenate([t.ignored & ~t.regions() for t in tables]),
        outside=np.concatenate([t.is_outside() for t in tables])
        if any(t.outside is not None for t in tables)
        else None,
        sure=None if any(t.sure is None for t in tables) else np.concatenate([t.passing(0.0) for t in tables]),
    )


def score_variant(
    truth: BoxTable,
    predictions: BoxTable,
    review: ReviewArrays,
    frames: Bool,
    *,
    one_class: bool | None = None,
    max_detections: int = MAX_DETECTIONS,
) -> ScoredVariant:
    """COCO matches and review sums of the evaluated frames, renumbered from 0.

    Args:
        frames: (F,) bool, the frames to evaluate.
        one_class: whether to treat all boxes as one class; None: as ``coco.counts_as_one_class`` decides.
    """
    matches = match_coco(truth, predictions, frames, max_detections, one_class=one_class)
    number = np.cumsum(frames) - 1
    truth_frames = number[truth.frame_of_row()]
    prediction_frames = number[predictions.frame_of_row()]
    count = int(frames.sum())
    classes = [
        _class_matches(matches, place, truth_frames, prediction_frames, count)
        for place in range(len(matches.classes))
        if matches.gt_counts[place]
    ]
    sums = (review.iou_sum, review.gt_count, review.tp_iou_sum, review.tp, review.fp, review.fn)
    return ScoredVariant(classes, FrameSums(*(np.asarray(column, np.float64)[frames] for column in sums)))


def _class_matches(
    matches: CocoMatches, place: int, truth_frames: Int, prediction_frames: Int, count: int
) -> ClassMatches:
    rows = matches.order[matches.class_starts[place] : matches.class_starts[place + 1]]
    bits = (1 << np.arange(len(THRESHOLDS), dtype=np.uint16))[:, None]
    of_class = matches.gt_evaluated & (matches.gt_class == matches.classes[place])
    return ClassMatches(
        prediction_frames[rows],
        (matches.tp[rows] & bits) != 0,
        (matches.ignored[rows] & bits) != 0,
        np.bincount(truth_frames[of_class], minlength=count),
    )


def compute_agreement(
    baseline: BoxTable, variant: BoxTable, settings: ReviewSettings, frames: Bool | None = None
) -> ReviewSummary:
    """Agreement of two prediction sets, with the baseline's predictions used as ground truth.

    It does not show which one is right. ``f1`` is symmetric: swapping the two only swaps precision and recall.

    Args:
        settings: its confidence threshold applies to both sets.
        frames: (F,) bool, frames that both cover; None for all.
    """
    return review_all(baseline.select(baseline.passing(settings.conf)), variant, settings, frames).summary()
