"""The scores of all variants: computed for whole tables once, then kept current frame by frame.

``Scores.update`` is what an edit calls. It works out the overlaps of the edited frames with all variants' predictions,
associates anew, and replaces those frames' share in every sum. All numbers equal, bit for bit, what computing them from
the start would give.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.pending_ap import PendingAp
from iouviewer.document.pending_scores import PendingScores
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores_frame import FramePredictions, frame_overlaps, frame_predictions
from iouviewer.document.scores_types import (
    EXCLUDED,
    LABELLED,
    UNLABELLED,
    GroundTruthView,
    NoAp,
    ScoreSettings,
    VariantSummary,
)
from iouviewer.document.scores_variant import VariantScores
from iouviewer.metrics.coco import MAX_DETECTIONS, rows_without_class
from iouviewer.metrics.incremental_ap import IncrementalAp
from iouviewer.metrics.review import Association, FrameReview, review_frame, rows_of_review
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Float, Int

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

_REMEMBERED = 16
"""Frames whose predictions are kept side by side; a drag edits the same frame again and again."""


class Scores:
    """Scores of any number of variants against one ground truth."""

    def __init__(self, gt: GroundTruthView, settings: ScoreSettings, *, later: int | None = None) -> None:
        """``later``: variants with more boxes than that, and the ground truth's, wait for ``pending_scores``."""
        self._settings = settings
        self.later = later
        self._variants: dict[str, VariantScores] = {}
        self._columns: dict[int, FramePredictions] = {}
        self._reviews: dict[tuple[str, int], tuple[BoxTable, tuple[object, ...], Association | FrameReview]] = {}
        self.set_ground_truth(gt)

    @property
    def settings(self) -> ScoreSettings:
        return self._settings

    def keys(self) -> tuple[str, ...]:
        """Keys of the variants in the order in which they were added."""
        return tuple(self._variants)

    def predictions(self, key: str) -> PredictionSet:
        """The predictions of a variant."""
        return self._variants[key].predictions

    def set_ground_truth(self, gt: GroundTruthView) -> None:
        """Replace the ground truth; every variant is scored anew."""
        self._gt = gt
        table = gt.table()
        frame = table.frame_of_row()[rows_without_class(table)]
        self._without_class: Int = np.bincount(frame, minlength=table.frame_count)
        self._rebuild()

    def set_settings(self, settings: ScoreSettings) -> None:
        """Change what the scores depend on. AP is kept unless the choice of frames changed."""
        old, self._settings = self._settings, settings
        if settings.frames is not old.frames:
            self._rebuild()
        elif settings.review != old.review:
            self._columns.clear()
            table = self._gt.table()
            for variant in self._variants.values():
                if self._is_long(variant.predictions):
                    variant.defer(settings)
                else:
                    variant.review_again(table, settings)
        else:
            for variant in self._variants.values():
                variant.settings = settings

    def set_variant(self, key: str, predictions: PredictionSet) -> None:
        """Add a variant, or replace one; ValueError where the number of frames differs from the ground truth's."""
        if predictions.frame_count != self._gt.frame_count:
            raise ValueError(f"{predictions.frame_count} frames of predictions for {self._gt.frame_count} of the video")
        self._columns.clear()
        self._variants[key] = self._scored(predictions)

    def extend_variant(self, key: str, predictions: PredictionSet, frames: Iterable[int]) -> None:
        """Take over a running model's results: ``predictions`` differ from what was given only in ``frames``.

        Review numbers follow at once. AP follows at once while the set is small; later it is "pending" until ``settle``
        computes it, or another thread what ``pending_ap`` gives.
        """
        self._columns.clear()
        numbers = [int(frame) for frame in frames]
        self._variants[key].extend(predictions, numbers, self._gt, self._without_class)

    def settle(self, key: str) -> None:
        """Compute a pending AP now, for a run that will not go on."""
        self._variants[key].settle(self._gt)

    def pending_ap(self, key: str) -> PendingAp | None:
        """What a variant's pending AP depends on, to be computed in another thread; None where it is not pending."""
        return self._variants[key].pending_ap(self._gt)

    def take_ap(self, key: str, pending: PendingAp, ap: IncrementalAp) -> bool:
        """Take over what was computed of ``pending``; False where it is out of date or the variant is gone."""
        return key in self._variants and self._variants[key].take_ap(pending, ap)

    def pending_scores(self, key: str) -> PendingScores | None:
        """What a variant's pending numbers depend on, for another thread; None where they are not pending."""
        variant = self._variants[key]
        if not variant.pending:
            return None
        states, without = self._gt.states().copy(), self._without_class.copy()
        table, ap, token = self._gt.table(), variant.ap, variant.state_token
        return PendingScores(variant.predictions, table, states, self._settings, without, ap, token)

    def take_scores(self, key: str, pending: PendingScores, scores: VariantScores) -> bool:
        """Take over what was computed of ``pending``; False where it is out of date or the variant is gone."""
        current = key in self._variants and self._variants[key].state_token is pending.token
        if current:
            self._variants[key] = scores
        return current

    def remove_variant(self, key: str) -> None:
        """Forget a variant; KeyError where there is none."""
        del self._variants[key]
        self._columns.clear()

    def update(self, frames: Iterable[int]) -> None:
        """The ground truth of these frames changed: boxes, classes, flags or state."""
        variants = list(self._variants.values())
        for frame in frames:
            gt = self._gt.frame_table(frame)
            state = self._gt.state(frame)
            truth = gt.class_ids.tolist(), gt.ignored.tolist()
            without = int(self._without_class[frame]), _without_class(*truth)
            self._without_class[frame] = without[1]
            if not variants:
                continue
            columns = self._columns_of(frame)
            overlaps = frame_overlaps(gt, columns, self._settings.review)
            content = self._content(gt)
            for number, (key, variant) in enumerate(self._variants.items()):
                found = (overlaps.review[number], overlaps.swallowed[number], columns.used_counts[number])
                who = variant.update(frame, truth, state, columns.rows[number], found, overlaps.coco[number])
                variant.recount_classes(frame, *without)
                if who is not None:
                    self._remember(key, frame, content, who)
        self._turn_classes(variants)

    def _turn_classes(self, variants: list[VariantScores]) -> None:
        """AP anew where the first counted box without a class came, or the last one went."""
        for variant in variants:
            if variant.one_class != variant.counts_as_one_class:
                self._columns.clear()
                variant.turn_classes(self._gt)

    def frame_iou(self, key: str, frame: int) -> float:
        """Frame IoU, NaN where undefined."""
        return float(self._variants[key].timeline[frame])

    def timeline(self, key: str) -> Float:
        """(F,) frame IoU, NaN where undefined; a live view, not to be written to."""
        view = self._variants[key].timeline.view()
        view.flags.writeable = False
        return view

    def frame_review(self, key: str, frame: int) -> FrameReview:
        """Who belongs to whom in one frame, whether or not it counts; rows are those of the frame."""
        table, gt = self._variants[key].predictions.table, self._gt.frame_table(frame)
        content = self._content(gt)
        kept = self._reviews.get((key, frame))
        known = kept[2] if kept is not None and kept[0] is table and kept[1] == content else None
        if isinstance(known, FrameReview):
            return known
        if known is None:
            review = review_frame(gt, table.frame(frame), self._settings.review)
        else:
            review = rows_of_review(gt, table.frame(frame), known, self._settings.review.iou)
        self._remember(key, frame, content, review)
        return review

    def _content(self, gt: BoxTable) -> tuple[object, ...]:
        """What the review of a frame depends on besides predictions."""
        return (self._settings.review, *(array.tobytes() for array in (gt.boxes, gt.class_ids, gt.ignored, gt.ids)))

    def _remember(self, key: str, frame: int, content: tuple[object, ...], found: Association | FrameReview) -> None:
        # Canvases, tables and the inspector ask for the same frame after each change.
        self._reviews.pop((key, frame), None)
        if len(self._reviews) >= _REMEMBERED:
            del self._reviews[next(iter(self._reviews))]
        self._reviews[key, frame] = (self._variants[key].predictions.table, content, found)

    def summary(self, key: str) -> VariantSummary:
        """The numbers of a variant as they stand."""
        return self._variants[key].summary()

    def histogram(self, key: str, bins: int = 20) -> NDArray[np.int64]:
        """(bins,) frames by frame IoU in bins of equal width over 0..1."""
        return self._variants[key].histogram(bins).copy()

    def _is_long(self, predictions: PredictionSet) -> bool:
        return self.later is not None and len(predictions.table) + len(self._gt.table()) > self.later

    def _scored(self, predictions: PredictionSet) -> VariantScores:
        states = self._gt.states()
        if self._is_long(predictions):
            return VariantScores.deferred(predictions, states, self._settings, self._without_class)
        return VariantScores(predictions, self._gt.table(), states, self._settings, self._without_class)

    def _rebuild(self) -> None:
        self._columns.clear()
        for key, variant in self._variants.items():
            self._variants[key] = self._scored(variant.predictions)

    def _columns_of(self, frame: int) -> FramePredictions:
        columns = self._columns.get(frame)
        if columns is None:
            if len(self._columns) >= _REMEMBERED:
                del self._columns[next(iter(self._columns))]
            variants = [(variant.predictions, variant.one_class) for variant in self._variants.values()]
            columns = frame_predictions(variants, frame, self._settings.review, MAX_DETECTIONS)
            self._columns[frame] = columns
        return columns


def _without_class(class_ids: list[int], ignored: list[bool]) -> int:
    """How many boxes that are not ignored have no class."""
    if UNSPECIFIED_CLASS not in class_ids:
        return 0
    return sum(number == UNSPECIFIED_CLASS and not skip for number, skip in zip(class_ids, ignored, strict=True))
