"""Whether a difference to the baseline means anything: interval, verdict and the sentence that says it (metrics.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from iouviewer.metrics.resampling import (
    ClassMatches,
    FrameSums,
    VideoFrames,
    weighted_avg_iou,
    weighted_coco_ap,
    weighted_pq,
    weights_in_parts,
)
from iouviewer.metrics.table import Float, Int

RESAMPLES = 2000
SEED = 20240501
MIN_BLOCKS = 20
TOO_FEW, WIDE = "too few frames", "the interval holds the margin"
FEW_VIDEOS = 10
"""Fewer videos than these are few, and the sentence warns."""
# Simulated with videos that differ three times as much as their frames make them (docs/statistics.md).
_MISSED_OF_TEN = {2: 3, 3: 2}
# So many times the frames at hand are not labelled for one verdict.
_HOPELESS = 100
BLOCK_WITHOUT_TIME = 30
_SENSITIVITY = (0.5, 2.0, 4.0)


class Outcome(StrEnum):
    """What the interval says about the margin. "No difference found" is never a pass."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"


ResampleKey = tuple[str, tuple[VideoFrames, ...], int, int, bool]
"""Metric, videos with their blocks, resamples, seed, whether videos are drawn."""


@dataclass(frozen=True, slots=True)
class ScoredVariant:
    """One variant on the common scored frames, ready for resampling: COCO matches a class, review sums a frame.

    The frames of several videos stand one after the other. ``resampled`` remembers what was computed: the baseline
    takes part in every comparison.
    """

    classes: list[ClassMatches]
    sums: FrameSums
    resampled: dict[ResampleKey, Float] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """Variant minus baseline in one metric, in points (1 point = 0.01).

    Attributes:
        metric: ``ap``, ``pq`` or ``avg_iou``.
        points: the difference, minus is worse; nan where a side is undefined.
        low, high: ends of the 95 % interval; nan where there are too few frames.
        margin: points that the variant may lose; nan where the metric has no margin.
        outcome: against the margin; UNDECIDED without one.
        reason: why it is undecided, else empty.
        frames_needed: frames that would decide it at this difference, or None.
        videos_needed: videos that would decide it, where their being different widens the interval more than the number
            of their frames; then ``frames_needed`` is None.
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
    """All differences of a variant to the baseline, and what they say together.

    Attributes:
        videos: the frames that were compared, and their blocks, by video.
        by_video: points of each video alone by metric, nan where undefined; in the order of ``videos``.
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
        """Whole blocks of all videos together."""
        return _whole_blocks(self.videos)


def block_length(fps: float) -> int:
    """Frames of one second; 30 without a time base."""
    return max(1, round(fps)) if fps > 0 else BLOCK_WITHOUT_TIME


def judge(low: float, high: float, margin: float) -> Outcome:
    """PASS if low > -margin, FAIL if high < -margin, else UNDECIDED; all in points."""
    if low > -margin:
        return Outcome.PASS
    if high < -margin:
        return Outcome.FAIL
    return Outcome.UNDECIDED


METRICS: dict[str, Callable[[ScoredVariant, Int], Float]] = {
    "ap": lambda scored, weights: weighted_coco_ap(scored.classes, weights),
    "pq": lambda scored, weights: weighted_pq(scored.sums, weights),
    "avg_iou": lambda scored, weights: weighted_avg_iou(scored.sums, weights),
}
"""Every metric that is compared, as a function of a variant and (B, F) weights of frames: (B,) scores."""


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
    """Paired bootstrap of a variant against the baseline: blocks of one video, or videos first and then their blocks.

    Args:
        baseline, variant: both on the same frames in the same order, those of ``videos`` one after the other.
        margins: points that may be lost, by metric, for example ``{"ap": 1.0, "pq": 1.0}``.
        cancelled: asked before each metric of each part of the resamples; InterruptedError where it says so.
    """
    videos = tuple(videos)
    sampling = _Sampling(baseline, variant, videos, resamples, seed, cancelled)
    ones = np.ones((1, len(baseline.sums.iou)), np.int64)
    differences = []
    for metric, score in METRICS.items():
        points = 100.0 * float((score(variant, ones) - score(baseline, ones))[0])
        margin = margins.get(metric, math.nan)
        ends = sampling.ends(metric, margin) if _whole_blocks(videos) >= MIN_BLOCKS else []
        difference = _difference(metric, points, ends, margin)
        if difference.reason == WIDE:
            difference = sampling.with_need(difference)
        differences.append(difference)
    by_video = _by_video(baseline, variant, videos)
    return Verdict(together(differences), tuple(differences), videos, by_video, resamples, seed)


def _whole_blocks(videos: Sequence[VideoFrames]) -> int:
    return sum(video.frames // video.block for video in videos)


def _by_video(
    baseline: ScoredVariant, variant: ScoredVariant, videos: Sequence[VideoFrames]
) -> tuple[Mapping[str, float], ...]:
    alone = np.repeat(np.eye(len(videos), dtype=np.int64), [video.frames for video in videos], axis=1)
    found = {metric: 100.0 * (score(variant, alone) - score(baseline, alone)) for metric, score in METRICS.items()}
    return tuple({metric: float(points[row]) for metric, points in found.items()} for row in range(len(videos)))


@dataclass(frozen=True, slots=True)
class _Sampling:
    """The resamples of one comparison."""

    baseline: ScoredVariant
    variant: ScoredVariant
    videos: tuple[VideoFrames, ...]
    resamples: int
    seed: int
    cancelled: Callable[[], bool] | None

    def points(self, metric: str, videos: tuple[VideoFrames, ...], count: int, *, draw_videos: bool = True) -> Float:
        """(count,) differences in points of the resamples."""
        whole = videos == self.videos and count == self.resamples and draw_videos
        # Every metric needs the interval itself; weights are made once for all of them and for both sides.
        self._resample(tuple(METRICS) if whole else (metric,), (videos, count, self.seed, draw_videos))
        key = (metric, videos, count, self.seed, draw_videos)
        found: Float = 100.0 * (self.variant.resampled[key] - self.baseline.resampled[key])
        return found

    def _resample(self, metrics: Sequence[str], draw: tuple[tuple[VideoFrames, ...], int, int, bool]) -> None:
        """Fill ``resampled`` of both sides with what it lacks."""
        sides = (self.variant, self.baseline)
        lacking = [(side, metric) for side in sides for metric in metrics if (metric, *draw) not in side.resampled]
        if not lacking:
            return
        videos, count, seed, draw_videos = draw
        found: list[list[Float]] = [[] for _ in lacking]
        for weights in weights_in_parts(videos, resamples=count, seed=seed, draw_videos=draw_videos):
            for (side, metric), parts in zip(lacking, found, strict=True):
                if self.cancelled is not None and self.cancelled():
                    raise InterruptedError
                parts.append(METRICS[metric](side, weights))
        for (side, metric), parts in zip(lacking, found, strict=True):
            side.resampled[(metric, *draw)] = np.concatenate(parts)

    def ends(self, metric: str, margin: float) -> list[tuple[float, float]]:
        """The interval, and those of blocks of other lengths where there is a verdict that they could overturn."""
        ends = [interval(self.points(metric, self.videos, self.resamples))]
        if math.isnan(margin) or judge(*ends[0], margin) is Outcome.UNDECIDED:
            return ends
        others = {tuple(video.scaled(factor) for video in self.videos) for factor in _SENSITIVITY} - {self.videos}
        # A quarter of the resamples shows whether the length matters; noise there can only undo a verdict.
        for videos in sorted(others, key=lambda videos: [video.block for video in videos]):
            ends.append(interval(self.points(metric, videos, max(1, self.resamples // 4))))
        return ends

    def with_need(self, difference: Difference) -> Difference:
        """The difference with the number of frames, or of videos, that would decide it."""
        growth = _growth(difference)
        if growth is None:
            return difference
        count = len(self.videos)
        if count > 1 and self._videos_differ(difference.metric):
            return replace(difference, videos_needed=math.ceil(count * growth))
        return replace(difference, frames_needed=math.ceil(sum(video.frames for video in self.videos) * growth))

    def _videos_differ(self, metric: str) -> bool:
        """Whether the videos' being different widens the interval more than the number of their frames.

        With W the variance of the pooled score from frames alone (every video once) and S its variance from videos that
        differ, two-stage resampling of V videos has variance T = (1 - 1 / V) (S + W) + W.
        """
        total = float(np.nanvar(self.points(metric, self.videos, self.resamples)))
        within = float(np.nanvar(self.points(metric, self.videos, max(1, self.resamples // 4), draw_videos=False)))
        return (total - within) / (1 - 1 / len(self.videos)) - within > within


def interval(differences: Float) -> tuple[float, float]:
    """Percentiles 2.5 and 97.5 of (B,) differences, undefined ones left out; nan where none is defined."""
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def _difference(metric: str, points: float, ends: Sequence[tuple[float, float]], margin: float) -> Difference:
    low, high = ends[0] if ends else (math.nan, math.nan)
    if math.isnan(points):
        return Difference(metric, points, low, high, margin, Outcome.UNDECIDED, "undefined")
    if not ends:
        return Difference(metric, points, low, high, margin, Outcome.UNDECIDED, TOO_FEW)
    if math.isnan(margin):
        return Difference(metric, points, low, high, margin, Outcome.UNDECIDED, "no margin")
    outcome = judge(low, high, margin)
    if outcome is Outcome.UNDECIDED:
        return Difference(metric, points, low, high, margin, outcome, WIDE)
    if any(judge(*other, margin) is not outcome for other in ends[1:]):
        reason = "changes with the length of the blocks"
        return Difference(metric, points, low, high, margin, Outcome.UNDECIDED, reason)
    return Difference(metric, points, low, high, margin, outcome)


def _growth(difference: Difference) -> float | None:
    """How many times the evidence the interval, shrinking with its square root, would leave the margin."""
    distance = difference.points + difference.margin
    half = difference.points - difference.low if distance > 0 else difference.high - difference.points
    if distance == 0 or half <= 0:
        return None
    return float((half / abs(distance)) ** 2)


def together(differences: Sequence[Difference]) -> Outcome:
    """FAIL if one with a margin fails, PASS if all pass, else UNDECIDED."""
    judged = [d.outcome for d in differences if not math.isnan(d.margin)]
    if Outcome.FAIL in judged:
        return Outcome.FAIL
    if judged and all(outcome is Outcome.PASS for outcome in judged):
        return Outcome.PASS
    return Outcome.UNDECIDED


_NAMES = {"ap": "AP", "pq": "PQ", "avg_iou": "Avg IoU"}


def sentence(variant: str, baseline: str, verdict: Verdict) -> str:
    """The verdict as one sentence for people."""
    parts, undefined = [], []
    for d in verdict.differences:
        if math.isnan(d.margin):
            continue
        name = _NAMES[d.metric]
        if math.isnan(d.points):
            undefined.append(f"{name} is undefined")
        elif math.isnan(d.low):
            parts.append(f"{name} {_points(d.points)} ({d.reason})")
        else:
            parts.append(f"{name} {_points(d.points)} [{_points(d.low)}, {_points(d.high)}]")
    limits = {d.margin for d in verdict.differences if not math.isnan(d.margin)}
    margin = f", margin {limits.pop():.1f}" if len(limits) == 1 else ""
    said = [f"{', '.join(parts)} points{margin}"] if parts else []
    count, frames = len(verdict.videos), verdict.frames
    text = f"{variant}: {verdict.outcome} against {baseline}: {'; '.join([*said, *undefined])}; "
    text += f"{frames:,} frame{'' if frames == 1 else 's'}, on {'this video' if count == 1 else f'{count} videos'}."
    if verdict.outcome is Outcome.UNDECIDED:
        text += _way_out(verdict)
    if 1 < count < FEW_VIDEOS and verdict.blocks >= MIN_BLOCKS:
        missed = _MISSED_OF_TEN.get(count, 1)
        text += (
            f" {count} videos are few: where videos differ, such an interval misses the truth in {missed} of 10 cases."
        )
    return text


def _way_out(verdict: Verdict) -> str:
    """What would decide an undecided verdict, as a sentence that begins with a space; empty where nothing is known."""
    videos = [d.videos_needed for d in verdict.differences if d.videos_needed is not None]
    frames = [d.frames_needed for d in verdict.differences if d.frames_needed is not None]
    hopeless = [*(n / len(verdict.videos) for n in videos), *(n / verdict.frames for n in frames)]
    if hopeless and max(hopeless) > _HOPELESS:
        return f" It lies on the margin: more {'videos' if videos else 'frames'} would hardly decide it."
    if videos:
        return (
            f" About {_rounded(max(videos)):,} videos like these would decide it: they differ more than their frames."
        )
    if frames:
        return f" About {_rounded(max(frames)):,} frames like these would decide it."
    if any(d.reason == TOO_FEW for d in verdict.differences):
        return f" An interval takes {MIN_BLOCKS} blocks of {_block_text(verdict.videos)}; there are {verdict.blocks}."
    if any("blocks" in d.reason for d in verdict.differences):
        return " The verdict changes with the length of the bootstrap's blocks."
    return ""


def _block_text(videos: Sequence[VideoFrames]) -> str:
    lengths = {video.block for video in videos}
    return "one second" if len(lengths) > 1 else "one frame" if lengths == {1} else f"{lengths.pop()} frames"


def _points(value: float) -> str:
    """One decimal with its sign; what rounds to nothing has none."""
    text = f"{value:+.1f}".replace("-", "−")
    return text if text[1:] != "0.0" else "0.0"


def _rounded(count: int) -> int:
    """Two digits, rounded up: more would promise what an extrapolation cannot keep."""
    unit = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // unit) * unit
