"""The scores of one variant, per frame and in total, updated frame by frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores_live import VariantPairs
from iouviewer.document.scores_types import (
    EXCLUDED,
    FULL_CURVE_FLOOR,
    LABELLED,
    UNLABELLED,
    FrameStates,
    GroundTruthView,
    NoAp,
    PendingAp,
    ScoreSettings,
    VariantSummary,
)
from iouviewer.metrics.assignment import Triple
from iouviewer.metrics.block_sums import BlockSums
from iouviewer.metrics.coco import mean_over_classes, rows_without_class
from iouviewer.metrics.incremental_ap import FrameTruth, IncrementalAp
from iouviewer.metrics.review import Association, Review, review_all, review_frame
from iouviewer.metrics.review_counts import FrameCounts, Totals, count_frame
from iouviewer.metrics.table import Bool, BoxTable, Float, Int

BATCH_AP_LIMIT = 4_000
"""Number of predictions up to which AP of a run in progress is recomputed with every batch (about 4 ms)."""
CLASS_MODE_AP_LIMIT = 50_000
"""Number of predictions up to which AP is recomputed at once if an edit changes how classes count (about 40 ms)."""


class VariantScores:
    """Matching metrics and AP of one variant against one ground truth."""

    def __init__(
        self, predictions: PredictionSet, gt: BoxTable, states: FrameStates, settings: ScoreSettings, without_class: Int
    ) -> None:
        """``without_class`` is (F,): number of ground-truth boxes per frame that are not ignored and have no class."""
        self._begin(predictions, states, settings)
        self.match_all(gt, settings)
        self._count_classes(without_class)
        self.ap: IncrementalAp | None = None
        self.evaluate_ap(gt)

    @classmethod
    def deferred(
        cls, predictions: PredictionSet, states: FrameStates, settings: ScoreSettings, without_class: Int
    ) -> VariantScores:
        """Like the constructor, but all metrics are pending, and undefined, until ``compute_all``."""
        scores = cls.__new__(cls)
        scores._begin(predictions, states, settings)
        scores._count_classes(without_class)
        scores.one_class, scores.ap = scores.counts_as_one_class, None
        scores.defer(settings)
        return scores

    def _begin(self, predictions: PredictionSet, states: FrameStates, settings: ScoreSettings) -> None:
        self.predictions = predictions
        self.settings = settings
        self.pending = False
        chosen = settings.selected(predictions.frame_count)
        selected = predictions.covered if chosen is None else predictions.covered & chosen
        self._selected: Bool = selected
        self._scored: Bool = selected & (states == LABELLED)
        self._states = states.copy()
        # Frames whose AP is out of date, in the order of their edits.
        self._outdated: dict[int, None] = {}
        self._frame_counts: tuple[int, int, int, int] | None = None
        # Replaced after each change: results of another thread that carry an older token are out of date.
        self._token = object()

    def defer(self, settings: ScoreSettings) -> None:
        """Make the matching pending, under these settings; AP stays as it is."""
        self.settings = settings
        self.pending = True
        self._token = object()
        count = len(self._scored)
        self._put(np.full(count, np.nan), np.zeros((3, count)), np.zeros((4, count), np.int64))

    def compute_all(self, gt: BoxTable, ap: IncrementalAp | None = None) -> None:
        """Compute the pending metrics, except AP where ``ap`` is given."""
        self.match_all(gt, self.settings)
        self.pending = False
        self.ap = ap
        if ap is None:
            self.evaluate_ap(gt)

    @property
    def state_token(self) -> object:
        """Identifies the inputs of the metrics; replaced after each change."""
        return self._token

    @property
    def counts_as_one_class(self) -> bool:
        """Whether classes are ignored or ``coco.counts_as_one_class`` holds; AP was evaluated with ``one_class``."""
        return self.settings.review.class_agnostic or self._gt_without > 0 or self._pred_without > 0

    def _count_classes(self, without_class: Int) -> None:
        table = self.predictions.table
        found = rows_without_class(table)
        self._without: Int | None = None
        if found.any():
            self._without = np.bincount(table.frame_of_row()[found], minlength=table.frame_count)
        self._sum_classes(without_class)

    def _sum_classes(self, without_class: Int) -> None:
        self._counted = self._scored.copy()
        self._gt_without = int(without_class[self._scored].sum())
        self._pred_without = 0 if self._without is None else int(self._without[self._scored].sum())

    def _count_classes_of(self, frame: int) -> None:
        """The predictions of a frame were replaced."""
        table = self.predictions.table
        without = int(np.count_nonzero(rows_without_class(table.frame(frame))))
        if self._without is None and without:
            self._without = np.zeros(table.frame_count, np.int64)
        if self._without is not None:
            self._without[frame] = without

    def update_class_counts(self, frame: int, before: int, now: int) -> None:
        """In an updated frame, the boxes without a class that are not ignored changed from ``before`` to ``now``."""
        was_scored, scored = bool(self._counted[frame]), bool(self._scored[frame])
        self._gt_without += now * scored - before * was_scored
        if was_scored != scored:
            self._counted[frame] = scored
            if self._without is not None:
                self._pred_without += int(self._without[frame]) * (scored - was_scored)

    def match_all(self, gt: BoxTable, settings: ScoreSettings) -> None:
        """Match all frames again."""
        self.settings = settings
        review = review_all(gt, self.predictions.table, settings.review, self._scored)
        self._take(review)

    def _take(self, review: Review) -> None:
        timeline = review.frame_iou.copy()
        sums = np.stack((np.where(np.isnan(timeline), 0.0, timeline), review.iou_sum, review.tp_iou_sum))
        self._put(timeline, sums, np.stack((review.gt_count, review.tp, review.fp, review.fn)))

    def _put(self, timeline: Float, sums: Float, counts: Int) -> None:
        """Set all frames' values: frame IoU (F,), sums of IoU (3, F) and counts (4, F) in the order of ``_replace``."""
        self.timeline = timeline
        self._sums = BlockSums(sums)
        self._counts = counts
        self._totals: list[int] = counts.sum(axis=1).tolist()
        self._defined = int(np.count_nonzero(~np.isnan(timeline)))
        self._frames = int(np.count_nonzero(self._scored))
        self._histograms: dict[int, NDArray[np.int64]] = {}

    def evaluate_ap(self, gt: BoxTable) -> None:
        """Evaluate AP on all frames, if there are scores."""
        self.one_class = self.counts_as_one_class
        if self.predictions.has_scores:
            self.ap = IncrementalAp(gt, self.predictions.table, self._scored, one_class=self.one_class)

    def extend(
        self,
        predictions: PredictionSet,
        frames: list[int],
        view: GroundTruthView,
        states: FrameStates,
        without_class: Int,
    ) -> None:
        """Add the results of further frames; see ``Scores.extend_variant``."""
        self.predictions = predictions
        self._token = object()
        self._frame_counts = None
        selected = self.settings.selected(predictions.frame_count)
        for frame in frames:
            self._selected[frame] = predictions.covered[frame] and (selected is None or bool(selected[frame]))
            scored = bool(self._selected[frame] and states[frame] == LABELLED)
            self._frames += scored - bool(self._scored[frame])
            self._scored[frame] = scored
            found = FrameCounts()
            if scored:
                boxes, predicted = view.frame_table(frame), predictions.table.frame(frame)
                found = review_frame(boxes, predicted, self.settings.review).counts
            self._replace(frame, found)
            self._count_classes_of(frame)
        self._sum_classes(without_class)
        self.one_class = self.counts_as_one_class
        self.ap = None
        if len(predictions.table) <= BATCH_AP_LIMIT:
            self.compute_ap(view)

    def update_class_mode(self, view: GroundTruthView) -> None:
        """Update whether all boxes count as one class: evaluate AP, or make it pending where that takes long."""
        if self.ap is None or len(self.predictions.table) > CLASS_MODE_AP_LIMIT:
            self._token = object()
            self.one_class, self.ap = self.counts_as_one_class, None
        else:
            self.evaluate_ap(view.table())

    def compute_ap(self, view: GroundTruthView) -> None:
        """Compute AP if it is pending."""
        if self.ap is None and not self.pending:
            self.evaluate_ap(view.table())

    def pending_ap(self, view: GroundTruthView) -> PendingAp | None:
        """The inputs of a pending AP, None where it is not pending."""
        if self.pending or self.ap is not None or not self.predictions.has_scores:
            return None
        one_class = self.counts_as_one_class
        return PendingAp(view.table(), self.predictions.table, self._scored.copy(), one_class, self._token)

    def apply_ap(self, pending: PendingAp, ap: IncrementalAp) -> bool:
        """Use an AP that another thread computed; False where it is out of date."""
        current = self._token is pending.token
        if current:
            self.ap, self.one_class = ap, pending.one_class
        return current

    def update(
        self, frame: int, truth: FrameTruth, state: int, matching: tuple[VariantPairs, set[int], list[int]]
    ) -> Association | None:
        """Replace the values of one frame except AP; returns its matching, None where the frame does not count.

        Args:
            matching: pairs with IoU > 0, predictions that lie in an ignored box, and the row of each used prediction in
                its frame by score.
        """
        self._token = object()
        if self._states[frame] != state:
            self._states[frame] = state
            self._frame_counts = None
        scored = bool(self._selected[frame]) and state == LABELLED
        self._frames += scored - bool(self._scored[frame])
        self._scored[frame] = scored
        found = None
        if scored:
            pairs, in_ignore_region, order = matching
            assigned = pairs.assigned()
            threshold = self.settings.review.iou
            counted = count_frame(truth.counted, len(order), assigned, in_ignore_region, threshold, truth.outside)
            found = Association(order, assigned, in_ignore_region, counted)
        self._replace(frame, FrameCounts() if found is None else found.counts)
        self._outdated[frame] = None
        return found

    @property
    def outdated_frame_count(self) -> int:
        """Number of frames whose AP waits for ``update_ap``."""
        return len(self._outdated)

    def take_outdated_frames(self) -> tuple[int, ...]:
        """The frames whose AP waits for ``update_ap``, once."""
        frames, self._outdated = tuple(self._outdated), {}
        return frames

    def update_ap(self, frame: int, truth: FrameTruth, state: int, rows: Int, candidates: list[Triple]) -> None:
        """Bring AP up to date after an ``update`` of one frame, unless it is pending.

        Args:
            rows: the frame's rows in the predictions' table, by score.
            candidates: pairs that COCO evaluation may match.
        """
        if self.ap is not None:
            scored = bool(self._selected[frame]) and state == LABELLED
            self.ap.set_frame(frame, truth, scored, rows, candidates)

    def _replace(self, frame: int, found: FrameCounts) -> None:
        if self.pending:
            # The totals are undefined while pending; all frames are computed when no further edit follows.
            return
        before = float(self.timeline[frame])
        now = found.frame_iou
        self.timeline[frame] = now
        self._defined += math.isnan(before) - math.isnan(now)
        self._sums.set(frame, (0.0 if math.isnan(now) else now, found.iou_sum, found.tp_iou_sum))
        counts = (found.gt_count, found.tp, found.fp, found.fn)
        old = self._counts[:, frame].tolist()
        self._counts[:, frame] = counts
        self._totals = [total + new - previous for total, new, previous in zip(self._totals, counts, old, strict=True)]
        for bins, histogram in self._histograms.items():
            if not math.isnan(before):
                histogram[_bin(before, bins)] -= 1
            if not math.isnan(now):
                histogram[_bin(now, bins)] += 1

    def histogram(self, bins: int) -> NDArray[np.int64]:
        """(bins,) number of frames by frame IoU, bins of equal width over 0..1; a view that later updates change."""
        if bins not in self._histograms:
            values = self.timeline[~np.isnan(self.timeline)]
            places = np.minimum((values * bins).astype(np.int64), bins - 1)
            self._histograms[bins] = np.bincount(places, minlength=bins)
        return self._histograms[bins]

    def _no_ap_reason(self) -> NoAp | None:
        if not self.predictions.has_scores:
            return NoAp.NO_SCORES
        if self.ap is None:
            return NoAp.PENDING
        return None if self.ap.per_class() else NoAp.NO_GROUND_TRUTH

    def summary(self) -> VariantSummary:
        """The current metrics."""
        _, tp, fp, fn = self._totals
        review = Totals.of(self._sums.totals(), self._totals, self._defined, self._frames).summary()
        reason = self._no_ap_reason()
        per_class = self.ap.per_class() if self.ap is not None and reason is None else {}
        floor = self.predictions.score_floor
        ap, ap50, ap75, ar100 = (mean_over_classes(per_class, name) for name in ("ap", "ap50", "ap75", "ar100"))
        counts = self._count_frames()
        return VariantSummary(
            avg_iou=review.avg_iou, box_iou=review.box_iou, tp_iou=review.tp_iou, pq=review.pq,
            tp=tp, fp=fp, fn=fn, precision=review.precision, recall=review.recall, f1=review.f1,
            ap=ap, ap50=ap50, ap75=ap75, ar100=ar100, frames=self._frames, labelled=counts[0], unlabelled=counts[1],
            excluded=counts[2], predictions_elsewhere=counts[3], withheld=0, complete=self.predictions.complete,
            ap_floor=floor if floor is not None and floor > FULL_CURVE_FLOOR and reason is None else None,
            ap_reason=reason, per_class=per_class,
        )  # fmt: skip

    def _count_frames(self) -> tuple[int, int, int, int]:
        """Selected labelled frames, covered unlabelled and excluded frames, predictions on frames that do not count."""
        if self._frame_counts is None:
            choice = self.settings.selected(self.predictions.frame_count)
            labelled = self._states == LABELLED
            sizes = np.diff(self.predictions.table.offsets)
            self._frame_counts = (
                int(np.count_nonzero(labelled if choice is None else labelled & choice)),
                int(np.count_nonzero((self._states == UNLABELLED) & self._selected)),
                int(np.count_nonzero((self._states == EXCLUDED) & self._selected)),
                int(sizes[~self._scored].sum()),
            )
        return self._frame_counts


@dataclass(frozen=True, slots=True)
class PendingScores:
    """The inputs of a variant's metrics that are not computed yet, for another thread; no edit changes these values.

    Attributes:
        gt, states, without_class: as for ``VariantScores``.
        ap: an AP that is still valid and is kept as long as ``token`` is current.
        token: identifies the state of the variant; a new one after each change.
    """

    predictions: PredictionSet
    gt: BoxTable
    states: FrameStates
    settings: ScoreSettings
    without_class: Int
    ap: IncrementalAp | None
    token: object

    def compute(self) -> VariantScores:
        """Score all frames."""
        scores = VariantScores.deferred(self.predictions, self.states, self.settings, self.without_class)
        scores.compute_all(self.gt, self.ap)
        return scores


def _bin(value: float, bins: int) -> int:
    return min(int(value * bins), bins - 1)
