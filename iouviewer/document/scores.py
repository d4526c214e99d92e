"""The scores of all variants: computed for whole tables once, then updated frame by frame.

After an edit, ``Scores.update`` recomputes the overlaps of the edited frames with all variants' predictions, matches
these frames again and replaces their values in every sum; on the frame that was edited last, only rows of boxes that
moved. AP of edited frames is brought up to date when it is read next. All metrics are bit-identical to those of a full
computation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.calibration import calibrated_mask
from iouviewer.document.filtering import FilteredTruth
from iouviewer.document.origin_view import states_for
from iouviewer.document.origins import variant_number
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores_frame import FramePredictions, frame_predictions
from iouviewer.document.scores_live import LiveCandidates, LiveFrame
from iouviewer.document.scores_types import (
    EXCLUDED,
    LABELLED,
    UNLABELLED,
    GroundTruthView,
    NoAp,
    PendingAp,
    ScoreSettings,
    VariantSummary,
)
from iouviewer.document.scores_variant import PendingScores, VariantScores
from iouviewer.metrics.coco import rows_without_class
from iouviewer.metrics.incremental_ap import FrameTruth, IncrementalAp
from iouviewer.metrics.review import Association, FrameReview, ReviewSettings, associate_frame, build_frame_review
from iouviewer.metrics.table import MAX_DETECTIONS, UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int

__all__ = [
    "EXCLUDED",
    "LABELLED",
    "UNLABELLED",
    "GroundTruthView",
    "NoAp",
    "ScoreSettings",
    "Scores",
    "VariantSummary",
]

_CACHED_FRAMES = 16
"""Number of frames whose concatenated predictions are cached; a drag edits the same frame repeatedly."""


class _KnownReview(NamedTuple):
    """The matching of a frame, its inputs, and the rows of it once they were read."""

    table: BoxTable
    inputs: tuple[object, ...]
    association: Association
    review: FrameReview | None


class Scores:
    """Scores of any number of variants against one ground truth."""

    def __init__(self, gt: GroundTruthView, settings: ScoreSettings, *, defer_above: int | None = None) -> None:
        """Score all variants against ``gt``.

        Args:
            defer_above: variants with more boxes than this, including the ground truth's, are scored by another thread
                (``pending_scores``); None: all are scored at once.
        """
        # As they were asked for, and without the frames that variants were calibrated on.
        self._asked = self._settings = settings
        self._calibrated: Bool | None = None
        self._counting: tuple[Bool | None, Bool, Bool] | None = None
        self.defer_above = defer_above
        self._variants: dict[str, VariantScores] = {}
        # The predictions as they came, without the filter.
        self._given: dict[str, PredictionSet] = {}
        self._frame_predictions: dict[int, FramePredictions] = {}
        self._live: tuple[int, LiveFrame] | None = None
        # The pairs for COCO evaluation of all variants, on frames whose AP was read last.
        self._coco: dict[int, LiveCandidates] = {}
        self._reviews: dict[tuple[str, int], _KnownReview] = {}
        self._last_inputs: tuple[BoxTable, ReviewSettings, tuple[object, ...]] | None = None
        self.set_ground_truth(gt)

    @property
    def settings(self) -> ScoreSettings:
        """The settings that were asked for."""
        return self._asked

    @property
    def calibrated(self) -> Bool | None:
        """(F,) bool, frames that leave all scores because a variant was calibrated on them; None: no frame."""
        return self._calibrated

    def keys(self) -> tuple[str, ...]:
        """Keys of the variants in the order in which they were added."""
        return tuple(self._variants)

    def predictions(self, key: str) -> PredictionSet:
        """The predictions of a variant, as they are scored: with those that the filter leaves out marked."""
        return self._variants[key].predictions

    @property
    def has_box_without_class(self) -> bool:
        """Whether a ground-truth box that is not ignored, on a labelled frame, has no class."""
        if not self._without_class_total:
            return False
        return bool(self._without_class[self._gt.states() == LABELLED].any())

    def set_ground_truth(self, gt: GroundTruthView) -> None:
        """Replace the ground truth and score every variant again."""
        rules = self._settings.filter
        self._unfiltered = gt
        self._gt = gt if rules is None else FilteredTruth(gt, rules)
        self._started = gt.started_variants()
        gt.leave_out(self._left_out())
        table = gt.table()
        frame = table.frame_of_row()[rows_without_class(table)]
        self._without_class: Int = np.bincount(frame, minlength=table.frame_count)
        self._without_class_total = len(frame)
        self._rebuild()

    def set_settings(self, settings: ScoreSettings) -> None:
        """Replace the settings. AP is kept unless the selected frames or the rule of classes changed."""
        self._asked = settings
        settings = self._without_calibrated(settings)
        old, self._settings = self._settings, settings
        if settings.filter != old.filter:
            for key, given in self._given.items():
                self._variants[key].predictions = self._filtered(given)
            self.set_ground_truth(self._unfiltered)
        elif settings.left_out != old.left_out:
            self.set_ground_truth(self._unfiltered)
        elif settings.frames is not old.frames or settings.review.class_agnostic != old.review.class_agnostic:
            self._rebuild()
        elif settings.review != old.review:
            self._frame_predictions.clear()
            table = self._gt.table()
            for variant in self._variants.values():
                if self._is_deferred(variant.predictions):
                    variant.defer(settings)
                else:
                    variant.match_all(table, settings)
        else:
            for variant in self._variants.values():
                variant.settings = settings

    def set_variant(self, key: str, predictions: PredictionSet) -> None:
        """Add a variant, or replace one; ValueError where the number of frames differs from the ground truth's."""
        if predictions.frame_count != self._gt.frame_count:
            raise ValueError(f"{predictions.frame_count} frames of predictions for {self._gt.frame_count} of the video")
        self._frame_predictions.clear()
        self._given[key] = predictions
        self._variants[key] = self._score(key, self._filtered(predictions))
        self._leave_out_calibrated()

    def _without_calibrated(self, settings: ScoreSettings) -> ScoreSettings:
        """The settings with the frames that count; the same array as long as neither of its parts changes."""
        mask = self._calibrated
        if mask is None:
            return settings
        if self._counting is None or self._counting[0] is not settings.frames or self._counting[1] is not mask:
            frames = ~mask if settings.frames is None else settings.frames & ~mask
            self._counting = settings.frames, mask, frames
        return replace(settings, frames=self._counting[2])

    def _leave_out_calibrated(self) -> None:
        """Take the frames that the present variants were calibrated on out of all scores."""
        old, mask = self._calibrated, calibrated_mask(self._given.values(), self._gt.frame_count)
        is_same = mask is old if mask is None or old is None else np.array_equal(mask, old)
        if not is_same:
            self._calibrated = mask
            self.set_settings(self._asked)

    def _filtered(self, predictions: PredictionSet) -> PredictionSet:
        rules = self._settings.filter
        return predictions if rules is None else rules.predictions(predictions)

    @property
    def ground_truth(self) -> GroundTruthView:
        """The ground truth as it is scored: with the boxes that the filter leaves out marked."""
        return self._gt

    def extend_variant(self, key: str, predictions: PredictionSet, frames: Iterable[int]) -> None:
        """Update a variant whose model is running: ``predictions`` differ from the current ones only in ``frames``.

        Matching metrics are updated at once. AP is updated at once while the set is small; above that it is pending
        until ``compute_ap``, or until another thread computes what ``pending_ap`` returns.
        """
        self._frame_predictions.clear()
        numbers = [int(frame) for frame in frames]
        self._given[key], predictions = predictions, self._filtered(predictions)
        self._variants[key].extend(predictions, numbers, self._gt, states_for(self._gt, key), self._without_class)

    def compute_ap(self, key: str) -> None:
        """Compute a pending AP now, for a run that has ended."""
        self._variants[key].compute_ap(self._gt)

    def pending_ap(self, key: str) -> PendingAp | None:
        """The inputs of a variant's pending AP, for another thread; None where it is not pending."""
        return self._variants[key].pending_ap(self._gt)

    def apply_ap(self, key: str, pending: PendingAp, ap: IncrementalAp) -> bool:
        """Use the result of ``pending``; False where it is out of date or the variant was removed."""
        return key in self._variants and self._variants[key].apply_ap(pending, ap)

    def is_pending(self, key: str) -> bool:
        """Whether the metrics of a variant wait for another thread, and are undefined until then."""
        return self._variants[key].pending

    def pending_scores(self, key: str) -> PendingScores | None:
        """The inputs of a variant's pending metrics, for another thread; None where they are not pending."""
        variant = self._variants[key]
        if not variant.pending:
            return None
        self._update_ap(key)
        states, without = states_for(self._gt, key).copy(), self._without_class.copy()
        table, ap, token = self._gt.table(), variant.ap, variant.state_token
        return PendingScores(variant.predictions, table, states, self._settings, without, ap, token)

    def apply_scores(self, key: str, pending: PendingScores, scores: VariantScores) -> bool:
        """Use the result of ``pending``; False where it is out of date or the variant was removed."""
        current = key in self._variants and self._variants[key].state_token is pending.token
        if current:
            self._variants[key] = scores
        return current

    def remove_variant(self, key: str) -> None:
        """Remove a variant; KeyError where there is none."""
        del self._variants[key], self._given[key]
        self._frame_predictions.clear()
        self._leave_out_calibrated()

    def update(self, frames: Iterable[int]) -> None:
        """Update the scores after boxes, classes, flags or states of these frames changed."""
        started = self._gt.started_variants()
        if started != self._started:
            # Frames far away begin or cease to count for a variant.
            self.set_ground_truth(self._unfiltered)
            return
        variants = list(self._variants.values())
        states = {key: states_for(self._gt, key) for key in self._variants} if started else {}
        for frame in frames:
            gt = self._gt.frame_table(frame)
            state = self._gt.state(frame)
            truth = FrameTruth.of(gt)
            without = int(self._without_class[frame]), _without_class(truth)
            self._without_class[frame] = without[1]
            self._without_class_total += without[1] - without[0]
            if not variants:
                continue
            live = self._live_frame(frame, gt)
            inputs = self._review_inputs(gt)
            for number, (key, variant) in enumerate(self._variants.items()):
                order = live.preds.used_order[number]
                found = (live.pairs[number], live.in_ignore_region[number], order)
                own_state = int(states[key][frame]) if states else state
                association = variant.update(frame, truth, own_state, found)
                variant.update_class_counts(frame, *without)
                if variant.outdated_frame_count >= _CACHED_FRAMES:
                    self._update_ap(key)
                if association is not None:
                    table = variant.predictions.table
                    self._cache_review(key, frame, _KnownReview(table, inputs, association, None))
        self._update_class_modes(variants)

    def _live_frame(self, frame: int, gt: BoxTable) -> LiveFrame:
        """The pairs of a frame; only the boxes that moved are computed if it was also the last one."""
        known = self._live[1] if self._live is not None and self._live[0] == frame else None
        inputs = gt, self._predictions_of(frame), self._settings.review
        live = LiveFrame.of(*inputs) if known is None else known.updated(*inputs)
        self._live = frame, live
        return live

    @property
    def computed_rows(self) -> int:
        """Rows of the overlap matrix that the last update computed; 0 before the first one."""
        return 0 if self._live is None else self._live[1].computed_rows

    def _update_ap(self, key: str) -> None:
        """Bring the AP of a variant up to date after edits; a drag edits a frame more often than any AP is read."""
        variant = self._variants[key]
        number = list(self._variants).index(key)
        states = states_for(self._gt, key)
        for frame in variant.take_outdated_frames():
            gt, predictions = self._gt.frame_table(frame), self._predictions_of(frame)
            live = self._coco[frame] = LiveCandidates.of(gt, predictions, self._coco.pop(frame, None))
            if len(self._coco) > _CACHED_FRAMES:
                del self._coco[next(iter(self._coco))]
            rows, candidates = predictions.rows[number], live.candidates[number]
            variant.update_ap(frame, FrameTruth.of(gt), int(states[frame]), rows, candidates)

    def _update_class_modes(self, variants: list[VariantScores]) -> None:
        """Evaluate AP again where the first counted box without a class was added, or the last one removed."""
        for variant in variants:
            if variant.one_class != variant.counts_as_one_class:
                self._frame_predictions.clear()
                variant.update_class_mode(self._gt)

    def frame_iou(self, key: str, frame: int) -> float:
        """Frame IoU, NaN where undefined."""
        return float(self._variants[key].timeline[frame])

    def timeline(self, key: str) -> Float:
        """(F,) frame IoU, NaN where undefined; a read-only view that later updates change."""
        view = self._variants[key].timeline.view()
        view.flags.writeable = False
        return view

    def frame_review(self, key: str, frame: int) -> FrameReview:
        """The matching of one frame, whether or not the frame counts; rows are those of the frame."""
        table, gt = self._variants[key].predictions.table, self._gt.frame_table(frame)
        inputs = self._review_inputs(gt)
        known = self._known_review(key, frame, inputs)
        if known is not None and known.review is not None:
            return known.review
        association = self.frame_association(key, frame)
        review = build_frame_review(gt, table.frame(frame), association, self._settings.review.iou)
        self._cache_review(key, frame, _KnownReview(table, inputs, association, review))
        return review

    def frame_association(self, key: str, frame: int) -> Association:
        """The assignment of one frame: all that boxes on a canvas need of it."""
        table, gt = self._variants[key].predictions.table, self._gt.frame_table(frame)
        inputs = self._review_inputs(gt)
        known = self._known_review(key, frame, inputs)
        if known is None:
            known = _KnownReview(table, inputs, associate_frame(gt, table.frame(frame), self._settings.review), None)
            self._cache_review(key, frame, known)
        return known.association

    def _known_review(self, key: str, frame: int, inputs: tuple[object, ...]) -> _KnownReview | None:
        known = self._reviews.get((key, frame))
        is_current = known is not None and known.table is self._variants[key].predictions.table
        return known if is_current and known is not None and known.inputs == inputs else None

    def _review_inputs(self, gt: BoxTable) -> tuple[object, ...]:
        """The inputs of a frame's matching besides predictions."""
        settings, last = self._settings.review, self._last_inputs
        if last is None or last[0] is not gt or last[1] is not settings:
            arrays = (gt.boxes, gt.class_ids, gt.ignored, gt.regions(), gt.is_outside(), gt.ids)
            last = self._last_inputs = (gt, settings, (settings, *(array.tobytes() for array in arrays)))
        return last[2]

    def _cache_review(self, key: str, frame: int, found: _KnownReview) -> None:
        # Canvases, tables and the inspector read the same frame after each change.
        self._reviews.pop((key, frame), None)
        if len(self._reviews) >= _CACHED_FRAMES:
            del self._reviews[next(iter(self._reviews))]
        self._reviews[key, frame] = found

    def summary(self, key: str) -> VariantSummary:
        """The current metrics of a variant."""
        self._update_ap(key)
        summary = self._variants[key].summary()
        if variant_number(key) not in self._started:
            return summary
        labelled, chosen = self._gt.states() == LABELLED, self._settings.selected(self._gt.frame_count)
        total = int(np.count_nonzero(labelled if chosen is None else labelled & chosen))
        return replace(summary, labelled=total, withheld=total - summary.labelled, unlabelled=0)

    def _left_out(self) -> frozenset[int]:
        return frozenset(map(variant_number, self._settings.left_out))

    def histogram(self, key: str, bins: int = 20) -> NDArray[np.int64]:
        """(bins,) frames by frame IoU in bins of equal width over 0..1."""
        return self._variants[key].histogram(bins).copy()

    def _is_deferred(self, predictions: PredictionSet) -> bool:
        return self.defer_above is not None and len(predictions.table) + len(self._gt.table()) > self.defer_above

    def _score(self, key: str, predictions: PredictionSet) -> VariantScores:
        states = states_for(self._gt, key)
        if self._is_deferred(predictions):
            return VariantScores.deferred(predictions, states, self._settings, self._without_class)
        return VariantScores(predictions, self._gt.table(), states, self._settings, self._without_class)

    def _rebuild(self) -> None:
        self._frame_predictions.clear()
        self._live = None
        self._coco.clear()
        for key, variant in self._variants.items():
            self._variants[key] = self._score(key, variant.predictions)

    def _predictions_of(self, frame: int) -> FramePredictions:
        predictions = self._frame_predictions.get(frame)
        if predictions is None:
            if len(self._frame_predictions) >= _CACHED_FRAMES:
                del self._frame_predictions[next(iter(self._frame_predictions))]
            variants = [(variant.predictions, variant.one_class) for variant in self._variants.values()]
            predictions = frame_predictions(variants, frame, self._settings.review, MAX_DETECTIONS)
            self._frame_predictions[frame] = predictions
        return predictions


def _without_class(truth: FrameTruth) -> int:
    """Number of boxes without a class that are not ignored."""
    if UNSPECIFIED_CLASS not in truth.class_ids:
        return 0
    both = zip(truth.class_ids, truth.ignored, strict=True)
    return sum(number == UNSPECIFIED_CLASS and not skip for number, skip in both)
