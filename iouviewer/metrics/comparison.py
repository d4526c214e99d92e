"""A variant on the common scored frames, prepared for resampling; what it lost and gained; agreement without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from iouviewer.metrics.coco import CocoMatches, match_coco
from iouviewer.metrics.coco_matching import THRESHOLDS
from iouviewer.metrics.resampling import ClassMatches, FrameSums
from iouviewer.metrics.review import ReviewSettings, ReviewSummary, review_all
from iouviewer.metrics.table import Bool, BoxTable, Float, Int
from iouviewer.metrics.verdict import ScoredVariant


class ReviewArrays(Protocol):
    """Per-frame sums of the association for review: all (F,)."""

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


def stacked(tables: Sequence[BoxTable]) -> BoxTable:
    """The boxes of several videos as those of one, frames one video after the other; class ids must mean the same."""
    if len(tables) == 1:
        return tables[0]
    rows = np.cumsum([0, *(len(table) for table in tables)])
    offsets = [tables[0].offsets[:1], *(table.offsets[1:] + first for table, first in zip(tables, rows, strict=False))]
    return BoxTable(
        np.concatenate(offsets),
        np.ascontiguousarray(np.concatenate([table.boxes for table in tables], axis=1)),
        *(
            np.concatenate([getattr(table, column) for table in tables])
            for column in ("class_ids", "scores", "ignored", "ids")
        ),
    )


def scored(
    truth: BoxTable, predictions: BoxTable, review: ReviewArrays, frames: Bool, *, one_class: bool | None = None
) -> ScoredVariant:
    """COCO matches and review sums of the frames that count ((F,) bool), frames renumbered in their order.

    ``one_class``: all boxes are of one class; None: as ``coco.counts_as_one_class`` decides.
    """
    matches = match_coco(truth, predictions, frames, one_class=one_class)
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
    mine = matches.gt_evaluated & (matches.gt_class == matches.classes[place])
    return ClassMatches(
        prediction_frames[rows],
        (matches.tp[rows] & bits) != 0,
        (matches.ignored[rows] & bits) != 0,
        np.bincount(truth_frames[mine], minlength=count),
    )


@dataclass(frozen=True, slots=True)
class Exchange:
    """Ground-truth rows that the variant lost and gained against the baseline, each (N,) int64 in frame order."""

    lost: Int
    gained: Int


def exchange(found_by_baseline: Bool, found_by_variant: Bool, counting: Bool) -> Exchange:
    """Lost and gained objects from (M,) bool a ground-truth row: found as a true positive, and whether it counts."""
    return Exchange(
        np.flatnonzero(counting & found_by_baseline & ~found_by_variant),
        np.flatnonzero(counting & ~found_by_baseline & found_by_variant),
    )


def agreement(
    baseline: BoxTable, variant: BoxTable, settings: ReviewSettings, frames: Bool | None = None
) -> ReviewSummary:
    """How far two prediction sets agree: the baseline's confident boxes stand in for ground truth.

    It says nothing about who is right; without ground truth it is all that can be said. ``f1`` is symmetric: swapping
    the two swaps precision and recall only.

    Args:
        settings: its confidence cuts both sets.
        frames: (F,) bool, frames that both cover; None for all.
    """
    return review_all(baseline.select(baseline.scores >= settings.conf), variant, settings, frames).summary()
