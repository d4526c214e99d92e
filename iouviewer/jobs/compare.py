"""Verdicts of variants against the baseline, from prediction sets and ground truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.metrics.comparison import agreement, common_floor, scored
from iouviewer.metrics.resampling import FrameSums
from iouviewer.metrics.review import ReviewSettings, ReviewSummary, review_all
from iouviewer.metrics.table import Bool, BoxTable
from iouviewer.metrics.verdict import RESAMPLES, SEED, Scored, Verdict, compare

DEFAULT_MARGINS: Mapping[str, float] = {"ap": 1.0, "pq": 1.0}


@dataclass(frozen=True)
class Comparison:
    """What is compared, as values that no edit changes.

    Attributes:
        truth: ground truth of all frames.
        labelled: (F,) bool, labelled frames inside the choice of frames.
        variants: prediction sets by key, the baseline among them.
        fps: frames per second, 0 where there is no time base.
        margins: points that may be lost, by metric.
    """

    truth: BoxTable
    labelled: Bool
    variants: Mapping[str, PredictionSet]
    baseline: str
    review: ReviewSettings
    fps: float
    margins: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MARGINS))
    single_images: bool = False
    resamples: int = RESAMPLES
    seed: int = SEED
    _baselines: dict[tuple[object, ...], Scored] = field(default_factory=dict, repr=False, compare=False)

    def prepared_baseline(self, table: BoxTable, floor: float | None, frames: Bool, *, with_scores: bool) -> Scored:
        """The baseline for one common floor and choice of frames; kept, since most variants share them."""
        key = (floor, frames.tobytes(), with_scores)
        if key not in self._baselines:
            self._baselines[key] = _prepare(self, table, frames, with_scores=with_scores)
        return self._baselines[key]


@dataclass(frozen=True, slots=True)
class ComparedVariant:
    """A verdict, and under which common conditions it was found.

    Attributes:
        floor: score below which predictions of both were left out; None where neither has scores.
        frames: (F,) bool, frames that both cover.
    """

    verdict: Verdict
    floor: float | None
    frames: Bool


def compare_variant(
    comparison: Comparison, key: str, *, cancelled: Callable[[], bool] | None = None
) -> ComparedVariant | None:
    """The verdict of one variant; None where no frame is common. InterruptedError where ``cancelled`` says so."""
    baseline, variant = comparison.variants[comparison.baseline], comparison.variants[key]
    frames = comparison.labelled & baseline.covered & variant.covered
    if not frames.any():
        return None
    tables = baseline.table, variant.table
    floors = [p.score_floor for p in (baseline, variant) if p.has_scores and p.score_floor is not None]
    floor = max(floors) if len(floors) == 2 else None
    if floor is not None and min(floors) < floor:
        tables = common_floor(*tables, floor)
    with_scores = baseline.has_scores and variant.has_scores
    verdict = compare(
        comparison.prepared_baseline(tables[0], floor, frames, with_scores=with_scores),
        _prepare(comparison, tables[1], frames, with_scores=with_scores),
        fps=comparison.fps,
        margins=dict(comparison.margins),
        single_images=comparison.single_images,
        resamples=comparison.resamples,
        seed=comparison.seed,
        cancelled=cancelled,
    )
    return ComparedVariant(verdict, floor, frames)


def _prepare(comparison: Comparison, predictions: BoxTable, frames: Bool, *, with_scores: bool) -> Scored:
    review = review_all(comparison.truth, predictions, comparison.review, frames)
    if with_scores:
        return scored(comparison.truth, predictions, review, frames)
    # Without scores there is no order, hence no AP; the sums do not need one.
    columns = (review.iou_sum, review.gt_count, review.tp_iou_sum, review.tp, review.fp, review.fn)
    return Scored([], FrameSums(*(np.asarray(column, np.float64)[frames] for column in columns)))


def agree(comparison: Comparison, key: str) -> ReviewSummary:
    """Agreement of a variant with the baseline on the frames that both cover, labelled or not."""
    baseline, variant = comparison.variants[comparison.baseline], comparison.variants[key]
    return agreement(baseline.table, variant.table, comparison.review, baseline.covered & variant.covered)


def agreement_sentence(variant: str, baseline: str, found: ReviewSummary) -> str:
    """The agreement as one sentence for people; it never speaks of PASS or FAIL."""
    if found.f1 is None:
        return f"{variant}: no labelled frame that {baseline} covers too, and no box to compare."
    iou = "" if found.tp_iou is None else f", mean IoU {found.tp_iou:.3f} where they do"
    return (
        f"{variant}: no labelled frame in common with {baseline}; the two agree on {found.f1:.1%} of their boxes{iou} "
        f"({found.frames} frames). Which one is right, only ground truth can say."
    )
