"""Whether a difference to the baseline is significant: its interval and the verdict (docs/statistics.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

import numpy as np

from iouviewer.metrics.influence import influence_on_ap, influence_on_avg_iou, influence_on_pq
from iouviewer.metrics.intervals import CONFIDENCE, MIN_FRAMES, Spread, cosine_terms, spread_between, spread_of
from iouviewer.metrics.json_texts import (
    FAILS_ALONE,
    FRAMES_TOO_ALIKE,
    MARGIN_IN_INTERVAL,
    NO_MARGIN,
    TOO_FEW_FRAMES,
    UNDEFINED,
)
from iouviewer.metrics.table import Float, Int
from iouviewer.metrics.weighted_scores import ClassMatches, FrameSums, weighted_avg_iou, weighted_coco_ap, weighted_pq

FEW_VIDEOS = 10
"""The text of a verdict on fewer videos than this warns that they are few."""
POWER = 0.8
"""How likely the number of frames that is named would decide a verdict."""
_NORMAL_QUANTILE = 0.8416
"""Of a standard normal value, at ``POWER``."""
_ROUNDS = 20
"""The number of frames and the degrees of freedom depend on each other: rounds until both settle."""


class Outcome(StrEnum):
    """The interval compared with the margin. "No difference found" is never a pass."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"
    CANNOT_JUDGE = "CANNOT_JUDGE"


@dataclass(frozen=True, slots=True)
class VideoFrames:
    """The frames of one video that both variants are scored on.

    Attributes:
        frames: number of frames, at least 1.
        single_images: the frames are independent images.
    """

    frames: int
    single_images: bool = False


class Scored(Protocol):
    """One variant on the common scored frames of one or more videos; metrics are the keys of ``METRICS``."""

    def score(self, metric: str) -> float:
        """The score on all frames, nan where undefined."""

    def score_by_video(self, metric: str, lengths: Sequence[int]) -> Float:
        """(V,) the score on the frames of each video alone; ``lengths`` are their numbers."""

    def influence(self, metric: str) -> Float:
        """(F,) influence of each frame, or (V,) sums of them by video; nan where undefined."""


@dataclass(frozen=True, slots=True)
class ScoredVariant:
    """A ``Scored`` variant in memory, for simulations and as the measure for ``metrics.pooled``.

    Attributes:
        classes: COCO matches by class.
        sums: review sums by frame; the frames of several videos are concatenated.
        influences: influence values by metric, (F,) each, computed so far: the baseline takes part in every comparison.
    """

    classes: list[ClassMatches]
    sums: FrameSums
    influences: dict[str, Float] = field(default_factory=dict, repr=False, compare=False)

    def influence(self, metric: str) -> Float:
        """(F,) influence of each frame on a metric."""
        if metric not in self.influences:
            self.influences[metric] = INFLUENCES[metric](self)
        return self.influences[metric]

    def score(self, metric: str) -> float:
        """The score on all frames, nan where undefined."""
        return float(METRICS[metric](self, np.ones((1, len(self.sums.iou)), np.int64))[0])

    def score_by_video(self, metric: str, lengths: Sequence[int]) -> Float:
        """(V,) the score on the frames of each video alone."""
        bounds = np.cumsum([0, *lengths])
        found = []
        for first, last in pairwise(bounds):
            weights = np.zeros((1, len(self.sums.iou)), np.int64)
            weights[0, first:last] = 1
            found.append(METRICS[metric](self, weights)[0])
        return np.array(found)


@dataclass(frozen=True, slots=True)
class Difference:
    """Variant minus baseline in one metric, in points (1 point = 0.01).

    Attributes:
        metric: ``ap``, ``pq`` or ``avg_iou``.
        points: the difference, negative is worse; nan if it is undefined for one of the two.
        low, high: ends of the 95 % interval; nan where no method holds.
        margin: points that the variant may lose; nan if the metric has no margin.
        outcome: the interval compared with the margin; UNDECIDED without a margin.
        reason: why it is undecided, a value of ``json_texts``; empty if it is decided.
        frames_needed: number of frames like these that would decide it in 8 of 10 cases if the true difference were
            this one, or None.
        videos_needed: the same for several videos, in videos; then ``frames_needed`` is None.
        spread: of the difference, in points; None where it was not computed.
    """

    metric: str
    points: float
    low: float
    high: float
    margin: float
    outcome: Outcome
    reason: str = ""
    frames_needed: int | None = None
    videos_needed: int | None = None
    spread: Spread | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All differences between a variant and the baseline, and the outcome of all of them.

    Attributes:
        videos: the compared frames by video.
        by_video: points by metric for each video alone, nan where undefined; in the order of ``videos``.
    """

    outcome: Outcome
    differences: tuple[Difference, ...]
    videos: tuple[VideoFrames, ...]
    by_video: tuple[Mapping[str, float], ...]

    @property
    def frames(self) -> int:
        return sum(video.frames for video in self.videos)

    @property
    def effective_frames(self) -> float | None:
        """Number of independent frames that these are worth, in the metric with an allowed drop that has the fewest.

        None for several videos, for single images, and where nothing was computed.
        """
        spreads = [d.spread for d in self.differences if d.spread is not None and not math.isnan(d.margin)]
        found = [spread.effective for spread in spreads if not math.isnan(spread.correlation)]
        return min(found, default=None)


def judge(low: float, high: float, margin: float) -> Outcome:
    """PASS if low > -margin, FAIL if high < -margin, else UNDECIDED; all in points."""
    if low > -margin:
        return Outcome.PASS
    if high < -margin:
        return Outcome.FAIL
    return Outcome.UNDECIDED


OF_THRESHOLD = frozenset({"pq", "avg_iou"})
"""Metrics that count predictions at or above the confidence threshold only; AP counts all."""
METRICS: dict[str, Callable[[ScoredVariant, Int], Float]] = {
    "ap": lambda variant, weights: weighted_coco_ap(variant.classes, weights),
    "pq": lambda variant, weights: weighted_pq(variant.sums, weights),
    "avg_iou": lambda variant, weights: weighted_avg_iou(variant.sums, weights),
}
"""The compared metrics: functions of a variant and (B, F) frame weights that return (B,) scores."""


INFLUENCES: dict[str, Callable[[ScoredVariant], Float]] = {
    "ap": lambda variant: influence_on_ap(variant.classes, len(variant.sums.iou)),
    "pq": lambda variant: influence_on_pq(variant.sums),
    "avg_iou": lambda variant: influence_on_avg_iou(variant.sums),
}
"""The (F,) influence values on each metric."""


def compare(
    baseline: Scored,
    variant: Scored,
    videos: Sequence[VideoFrames],
    *,
    margins: Mapping[str, float],
    cancelled: Callable[[], bool] | None = None,
) -> Verdict:
    """Compare a variant with the baseline.

    Args:
        baseline, variant: both on the same frames in the same order, the frames of ``videos`` concatenated.
        margins: points that may be lost, by metric, for example ``{"ap": 1.0, "pq": 1.0}``.
        cancelled: called before each metric.

    Raises:
        InterruptedError: ``cancelled()`` returned True.
    """
    videos = tuple(videos)
    differences = []
    for metric in METRICS:
        if cancelled is not None and cancelled():
            raise InterruptedError
        points = 100.0 * (variant.score(metric) - baseline.score(metric))
        series = 100.0 * (_series(variant, metric, videos) - _series(baseline, metric, videos))
        differences.append(_judge_difference(metric, points, series, videos, margins.get(metric, math.nan)))
    judged = [with_needed_evidence(difference, videos) for difference in correct_failures(differences)]
    by_video = _by_video(baseline, variant, [video.frames for video in videos])
    return Verdict(combine_outcomes(judged), tuple(judged), videos, by_video)


def _by_video(baseline: Scored, variant: Scored, lengths: Sequence[int]) -> tuple[Mapping[str, float], ...]:
    """Points by metric for each video alone."""
    columns = {
        metric: 100.0 * (variant.score_by_video(metric, lengths) - baseline.score_by_video(metric, lengths))
        for metric in METRICS
    }
    return tuple({metric: float(points[row]) for metric, points in columns.items()} for row in range(len(lengths)))


def _are_independent(videos: Sequence[VideoFrames]) -> bool:
    return all(video.single_images for video in videos)


def _series(scored: Scored, metric: str, videos: Sequence[VideoFrames]) -> Float:
    """Influence values by frame for one video or for single images, by video otherwise."""
    values, frames = scored.influence(metric), sum(video.frames for video in videos)
    if len(values) != frames or len(videos) == 1 or _are_independent(videos):
        return values
    starts = np.cumsum([0, *(video.frames for video in videos[:-1])])
    sums: Float = np.add.reduceat(values, starts)
    return sums


def _spread(series: Float, videos: Sequence[VideoFrames]) -> Spread:
    """The spread of the mean over all frames of a series of ``_series``."""
    frames = [video.frames for video in videos]
    if len(videos) > 1 and not _are_independent(videos):
        return spread_between(series, frames)
    return spread_of(series, frames, is_independent=_are_independent(videos))


def _judge_difference(
    metric: str, points: float, series: Float, videos: Sequence[VideoFrames], margin: float
) -> Difference:
    """The difference with its interval and its own verdict.

    Args:
        series: influence values on the difference, in points, of ``_series``.
    """
    undecided = Difference(metric, points, math.nan, math.nan, margin, Outcome.UNDECIDED)
    if math.isnan(points):
        return replace(undecided, reason=UNDEFINED)
    if sum(video.frames for video in videos) < MIN_FRAMES:
        return replace(undecided, reason=TOO_FEW_FRAMES)
    spread = _spread(series, videos)
    undecided = replace(undecided, spread=spread)
    if not spread.is_safe:
        return replace(undecided, reason=FRAMES_TOO_ALIKE)
    half = spread.half_width()
    shown = replace(undecided, low=points - half, high=points + half)
    if math.isnan(margin):
        return replace(shown, reason=NO_MARGIN)
    outcome = judge(shown.low, shown.high, margin)
    return replace(shown, outcome=outcome, reason=MARGIN_IN_INTERVAL if outcome is Outcome.UNDECIDED else "")


def score_spreads(variant: Scored, videos: Sequence[VideoFrames]) -> dict[str, Spread]:
    """How far each score of one variant may be off, by metric; without those for which no method holds."""
    found: dict[str, Spread] = {}
    if sum(video.frames for video in videos) < MIN_FRAMES:
        return found
    for metric in METRICS:
        series = _series(variant, metric, videos)
        if np.isnan(series).any():
            continue
        spread = _spread(series, videos)
        if spread.is_safe:
            found[metric] = spread
    return found


def correct_failures(differences: Sequence[Difference]) -> list[Difference]:
    """The differences where a FAIL holds although any of several metrics could have failed by chance (Holm 1979).

    A PASS needs no correction, because all metrics must pass.
    """
    level = (1.0 - CONFIDENCE) / 2.0
    judged = [place for place, one in enumerate(differences) if not math.isnan(one.margin) and one.spread is not None]

    def probability(place: int) -> float:
        """How likely so great a loss is if the true one is just allowed."""
        one = differences[place]
        assert one.spread is not None
        return one.spread.probability_below(-(one.points + one.margin))

    corrected = list(differences)
    for place, holds in zip(judged, holm([probability(place) for place in judged], level), strict=True):
        if differences[place].outcome is Outcome.FAIL and not holds:
            corrected[place] = replace(differences[place], outcome=Outcome.UNDECIDED, reason=FAILS_ALONE)
    return corrected


def holm(probabilities: Sequence[float], level: float = (1.0 - CONFIDENCE) / 2.0) -> list[bool]:
    """Which hypotheses are rejected if the chance of any wrong rejection is at most ``level`` (Holm 1979)."""
    order = sorted(range(len(probabilities)), key=lambda place: probabilities[place])
    rejected, is_open = [False] * len(order), True
    for tested, place in enumerate(order):
        is_open = is_open and probabilities[place] <= level / (len(order) - tested)
        rejected[place] = is_open
    return rejected


def probability_of_loss(verdict: Verdict) -> float:
    """How likely differences so good are if the true loss is just allowed, in the worst metric; 1 if unknown."""
    found = [
        1.0 if one.spread is None or not one.spread.is_safe else one.spread.probability_below(one.points + one.margin)
        for one in verdict.differences
        if not math.isnan(one.margin)
    ]
    return max(found, default=1.0)


def with_needed_evidence(difference: Difference, videos: Sequence[VideoFrames]) -> Difference:
    """The difference with the number of frames, or of videos, that would decide it."""
    spread, distance = difference.spread, abs(difference.points + difference.margin)
    if difference.reason not in (MARGIN_IN_INTERVAL, FAILS_ALONE) or spread is None or not distance:
        return difference
    ratio = spread.error / distance
    if len(videos) > 1:
        return replace(difference, videos_needed=_needed(len(videos), ratio, lambda count: max(1, round(count) - 1)))
    frames = videos[0].frames
    if math.isnan(spread.correlation):
        return replace(difference, frames_needed=_needed(frames, ratio, lambda count: max(1, round(count) - 1)))
    share = spread.slow / frames
    return replace(difference, frames_needed=_needed(frames, ratio, lambda count: cosine_terms(count * share)))


def _needed(count: int, ratio: float, degrees: Callable[[float], int]) -> int:
    """Number of frames or videos with which the interval leaves out the margin with the probability ``POWER``.

    Args:
        count: number at hand.
        ratio: standard error now, divided by the distance of the difference from the margin.
        degrees: of freedom, by number.
    """
    needed = float(count)
    for _ in range(_ROUNDS):
        critical = Spread(1.0, degrees(needed), 0.0, 0.0, math.nan).half_width()
        needed = max(float(count), count * (ratio * (critical + _NORMAL_QUANTILE)) ** 2)
    return math.ceil(needed)


def combine_outcomes(differences: Sequence[Difference]) -> Outcome:
    """Of the differences with a margin: FAIL if one fails, PASS if all pass, else UNDECIDED."""
    judged = [d.outcome for d in differences if not math.isnan(d.margin)]
    if Outcome.FAIL in judged:
        return Outcome.FAIL
    if judged and all(outcome is Outcome.PASS for outcome in judged):
        return Outcome.PASS
    return Outcome.UNDECIDED
