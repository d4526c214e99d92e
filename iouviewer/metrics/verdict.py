"""Whether a difference to the baseline is significant: its interval and the verdict (docs/metrics.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from iouviewer.metrics.json_texts import (
    DEPENDS_ON_BLOCK_LENGTH,
    MARGIN_IN_INTERVAL,
    NO_MARGIN,
    TOO_FEW_FRAMES,
    UNDEFINED,
)
from iouviewer.metrics.resampling import (
    ClassMatches,
    FrameSums,
    VideoFrames,
    iter_two_stage_weights,
    weighted_avg_iou,
    weighted_coco_ap,
    weighted_pq,
)
from iouviewer.metrics.table import Float, Int

RESAMPLES = 2000
SEED = 20240501
MIN_BLOCKS = 20
"""Fewer blocks than this give no interval."""
FEW_VIDEOS = 10
"""The text of a verdict on fewer videos than this warns that they are few."""
BLOCK_WITHOUT_TIME = 30
"""Frames in a block if the video has no time base."""
_BLOCK_FACTORS = (0.5, 2.0, 4.0)
"""A verdict must also hold with blocks of these multiples of the length."""


class Outcome(StrEnum):
    """The interval compared with the margin. "No difference found" is never a pass."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"
    CANNOT_JUDGE = "CANNOT_JUDGE"


ResampleKey = tuple[str, tuple[VideoFrames, ...], int, int, bool]
"""Metric, videos with their blocks, number of resamples, seed, whether videos are drawn."""


@dataclass(frozen=True, slots=True)
class ScoredVariant:
    """One variant on the common scored frames, ready for resampling.

    Attributes:
        classes: COCO matches by class.
        sums: review sums by frame; the frames of several videos are concatenated.
        resampled: scores computed so far, because the baseline takes part in every comparison.
    """

    classes: list[ClassMatches]
    sums: FrameSums
    resampled: dict[ResampleKey, Float] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """Variant minus baseline in one metric, in points (1 point = 0.01).

    Attributes:
        metric: ``ap``, ``pq`` or ``avg_iou``.
        points: the difference, negative is worse; nan if it is undefined for one of the two.
        low, high: ends of the 95 % interval; nan with too few frames.
        margin: points that the variant may lose; nan if the metric has no margin.
        outcome: the interval compared with the margin; UNDECIDED without a margin.
        reason: why it is undecided, a value of ``json_texts``; empty if it is decided.
        frames_needed: number of frames that would decide it at this difference, or None.
        videos_needed: number of videos that would decide it, if differences between videos widen the interval more
            than the number of frames does; then ``frames_needed`` is None.
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """All differences between a variant and the baseline, and the outcome of all of them.

    Attributes:
        videos: the compared frames and their blocks, by video.
        by_video: points by metric for each video alone, nan where undefined; in the order of ``videos``.
    """

    outcome: Outcome
    differences: tuple[Difference, ...]
    videos: tuple[VideoFrames, ...]
    by_video: tuple[Mapping[str, float], ...]
    resamples: int
    seed: int

    @property
    def frames(self) -> int:
        return sum(video.frames for video in self.videos)

    @property
    def blocks(self) -> int:
        """Number of whole blocks in all videos."""
        return _whole_blocks(self.videos)


def block_length(fps: float) -> int:
    """Frames in one second; ``BLOCK_WITHOUT_TIME`` without a time base."""
    return max(1, round(fps)) if fps > 0 else BLOCK_WITHOUT_TIME


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


def compare(
    baseline: ScoredVariant,
    variant: ScoredVariant,
    videos: Sequence[VideoFrames],
    *,
    margins: Mapping[str, float],
    resamples: int = RESAMPLES,
    seed: int = SEED,
    cancelled: Callable[[], bool] | None = None,
) -> Verdict:
    """Paired bootstrap of a variant against the baseline.

    Resamples draw blocks of one video, or of several videos first videos and then blocks within them.

    Args:
        baseline, variant: both on the same frames in the same order, the frames of ``videos`` concatenated.
        margins: points that may be lost, by metric, for example ``{"ap": 1.0, "pq": 1.0}``.
        cancelled: called before each metric of each part of the resamples.

    Raises:
        InterruptedError: ``cancelled()`` returned True.
    """
    videos = tuple(videos)
    bootstrap = _Bootstrap(baseline, variant, videos, resamples, seed, cancelled)
    ones = np.ones((1, len(baseline.sums.iou)), np.int64)
    differences = []
    for metric, score in METRICS.items():
        points = 100.0 * float((score(variant, ones) - score(baseline, ones))[0])
        margin = margins.get(metric, math.nan)
        intervals = bootstrap.intervals(metric, margin) if _whole_blocks(videos) >= MIN_BLOCKS else []
        difference = _judge_difference(metric, points, intervals, margin)
        if difference.reason == MARGIN_IN_INTERVAL:
            difference = bootstrap.with_needed_evidence(difference)
        differences.append(difference)
    by_video = _by_video(baseline, variant, videos)
    return Verdict(combine_outcomes(differences), tuple(differences), videos, by_video, resamples, seed)


def _whole_blocks(videos: Sequence[VideoFrames]) -> int:
    return sum(video.frames // video.block for video in videos)


def _by_video(
    baseline: ScoredVariant, variant: ScoredVariant, videos: Sequence[VideoFrames]
) -> tuple[Mapping[str, float], ...]:
    """Points by metric for each video alone."""
    weights = np.repeat(np.eye(len(videos), dtype=np.int64), [video.frames for video in videos], axis=1)
    columns = {
        metric: 100.0 * (score(variant, weights) - score(baseline, weights)) for metric, score in METRICS.items()
    }
    return tuple({metric: float(points[row]) for metric, points in columns.items()} for row in range(len(videos)))


@dataclass(frozen=True, slots=True)
class _Bootstrap:
    """The resamples of one comparison."""

    baseline: ScoredVariant
    variant: ScoredVariant
    videos: tuple[VideoFrames, ...]
    resamples: int
    seed: int
    cancelled: Callable[[], bool] | None

    def points(self, metric: str, videos: tuple[VideoFrames, ...], count: int, *, draw_videos: bool = True) -> Float:
        """(count,) differences of the resamples, in points."""
        is_main = videos == self.videos and count == self.resamples and draw_videos
        # All metrics need the main resamples, so their weights are drawn once for all metrics and both variants.
        self._resample(tuple(METRICS) if is_main else (metric,), (videos, count, self.seed, draw_videos))
        key = (metric, videos, count, self.seed, draw_videos)
        points: Float = 100.0 * (self.variant.resampled[key] - self.baseline.resampled[key])
        return points

    def _resample(self, metrics: Sequence[str], draw: tuple[tuple[VideoFrames, ...], int, int, bool]) -> None:
        """Add the missing scores to ``resampled`` of both variants."""
        sides = (self.variant, self.baseline)
        missing = [(side, metric) for side in sides for metric in metrics if (metric, *draw) not in side.resampled]
        if not missing:
            return
        videos, count, seed, draw_videos = draw
        scores: list[list[Float]] = [[] for _ in missing]
        for weights in iter_two_stage_weights(videos, resamples=count, seed=seed, draw_videos=draw_videos):
            for (side, metric), parts in zip(missing, scores, strict=True):
                if self.cancelled is not None and self.cancelled():
                    raise InterruptedError
                parts.append(METRICS[metric](side, weights))
        for (side, metric), parts in zip(missing, scores, strict=True):
            side.resampled[(metric, *draw)] = np.concatenate(parts)

    def intervals(self, metric: str, margin: float) -> list[tuple[float, float]]:
        """The interval, followed by those of other block lengths if they could overturn a verdict."""
        intervals = [percentile_interval(self.points(metric, self.videos, self.resamples))]
        if math.isnan(margin) or judge(*intervals[0], margin) is Outcome.UNDECIDED:
            return intervals
        others = {tuple(video.scaled(factor) for video in self.videos) for factor in _BLOCK_FACTORS} - {self.videos}
        # A quarter of the resamples shows whether the length matters; noise can only turn a verdict into UNDECIDED.
        for videos in sorted(others, key=lambda videos: [video.block for video in videos]):
            intervals.append(percentile_interval(self.points(metric, videos, max(1, self.resamples // 4))))
        return intervals

    def with_needed_evidence(self, difference: Difference) -> Difference:
        """The difference with the number of frames, or of videos, that would decide it."""
        growth = _needed_growth(difference)
        if growth is None:
            return difference
        count = len(self.videos)
        if count > 1 and self._videos_differ(difference.metric):
            return replace(difference, videos_needed=math.ceil(count * growth))
        return replace(difference, frames_needed=math.ceil(sum(video.frames for video in self.videos) * growth))

    def _videos_differ(self, metric: str) -> bool:
        """Whether differences between videos widen the interval more than the number of frames does.

        With W the variance of the pooled score from frames alone (every video once) and S its variance from differences
        between videos, two-stage resampling of V videos has the variance T = (1 - 1 / V) (S + W) + W.
        """
        total = float(np.nanvar(self.points(metric, self.videos, self.resamples)))
        within = float(np.nanvar(self.points(metric, self.videos, max(1, self.resamples // 4), draw_videos=False)))
        return (total - within) / (1 - 1 / len(self.videos)) - within > within


def percentile_interval(differences: Float) -> tuple[float, float]:
    """Percentiles 2.5 and 97.5 of (B,) differences without the undefined ones; nan if all are undefined."""
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def _judge_difference(
    metric: str, points: float, intervals: Sequence[tuple[float, float]], margin: float
) -> Difference:
    """The difference with its verdict; the first of ``intervals`` is shown, the others must agree with it."""
    low, high = intervals[0] if intervals else (math.nan, math.nan)
    undecided = Difference(metric, points, low, high, margin, Outcome.UNDECIDED)
    if math.isnan(points):
        return replace(undecided, reason=UNDEFINED)
    if not intervals:
        return replace(undecided, reason=TOO_FEW_FRAMES)
    if math.isnan(margin):
        return replace(undecided, reason=NO_MARGIN)
    outcome = judge(low, high, margin)
    if outcome is Outcome.UNDECIDED:
        return replace(undecided, reason=MARGIN_IN_INTERVAL)
    if any(judge(*other, margin) is not outcome for other in intervals[1:]):
        return replace(undecided, reason=DEPENDS_ON_BLOCK_LENGTH)
    return replace(undecided, outcome=outcome)


def _needed_growth(difference: Difference) -> float | None:
    """Multiple of the frames at which the interval would no longer contain the margin; None if there is none.

    The difference is taken as fixed, and the interval shrinks with the square root of the number of frames.
    """
    distance = difference.points + difference.margin
    half = difference.points - difference.low if distance > 0 else difference.high - difference.points
    if distance == 0 or half <= 0:
        return None
    return float((half / abs(distance)) ** 2)


def combine_outcomes(differences: Sequence[Difference]) -> Outcome:
    """Of the differences with a margin: FAIL if one fails, PASS if all pass, else UNDECIDED."""
    judged = [d.outcome for d in differences if not math.isnan(d.margin)]
    if Outcome.FAIL in judged:
        return Outcome.FAIL
    if judged and all(outcome is Outcome.PASS for outcome in judged):
        return Outcome.PASS
    return Outcome.UNDECIDED
