"""Whether a difference to the baseline means anything: interval, verdict and the sentence that says it (metrics.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from iouviewer.metrics.resampling import (
    ClassMatches,
    FrameSums,
    block_weights,
    weighted_avg_iou,
    weighted_coco_ap,
    weighted_pq,
)
from iouviewer.metrics.table import Float, Int

RESAMPLES = 2000
SEED = 20240501
MIN_BLOCKS = 20
# So many times the frames at hand are not labelled for one verdict.
_HOPELESS = 100
BLOCK_WITHOUT_TIME = 30
_SENSITIVITY = (0.5, 2.0, 4.0)


class Outcome(StrEnum):
    """What the interval says about the margin. "No difference found" is never a pass."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True, slots=True)
class Scored:
    """One variant on the common scored frames, ready for resampling: COCO matches a class, review sums a frame.

    ``resampled`` remembers what was computed: the baseline takes part in every comparison.
    """

    classes: list[ClassMatches]
    sums: FrameSums
    resampled: dict[tuple[str, int, int, int], Float] = field(default_factory=dict, repr=False, compare=False)


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
    """

    metric: str
    points: float
    low: float
    high: float
    margin: float
    outcome: Outcome
    reason: str = ""
    frames_needed: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All differences of a variant to the baseline, and what they say together."""

    outcome: Outcome
    differences: tuple[Difference, ...]
    frames: int
    block: int
    resamples: int
    seed: int


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


METRICS: dict[str, Callable[[Scored, Int], Float]] = {
    "ap": lambda scored, weights: weighted_coco_ap(scored.classes, weights),
    "pq": lambda scored, weights: weighted_pq(scored.sums, weights),
    "avg_iou": lambda scored, weights: weighted_avg_iou(scored.sums, weights),
}
"""Every metric that is compared, as a function of a variant and (B, F) weights of frames: (B,) scores."""


def compare(
    baseline: Scored,
    variant: Scored,
    *,
    fps: float,
    margins: dict[str, float],
    single_images: bool = False,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    cancelled: Callable[[], bool] | None = None,
) -> Verdict:
    """Paired bootstrap of a variant against the baseline on one video.

    Args:
        baseline, variant: both on the same frames in the same order.
        margins: points that may be lost, by metric, for example ``{"ap": 1.0, "pq": 1.0}``.
        single_images: frames are independent pictures: plain bootstrap.
        cancelled: asked between metrics and lengths of blocks; InterruptedError where it says so.
    """
    frames = len(baseline.sums.iou)
    block = 1 if single_images else block_length(fps)
    others = [] if single_images else sorted({max(1, round(block * factor)) for factor in _SENSITIVITY} - {block})
    ones = np.ones((1, frames), np.int64)
    differences = []
    for metric, score in METRICS.items():
        points = 100.0 * float((score(variant, ones) - score(baseline, ones))[0])
        margin = margins.get(metric, math.nan)
        ends = []
        if frames // block >= MIN_BLOCKS:
            # A quarter of the resamples shows whether the length matters; noise there can only undo a verdict.
            for length, count in [(block, resamples), *((n, max(1, resamples // 4)) for n in others)]:
                if cancelled is not None and cancelled():
                    raise InterruptedError
                key = (metric, length, count, seed)
                ends.append(interval(100.0 * (_resampled(variant, key) - _resampled(baseline, key))))
                # Other lengths only where there is a verdict that they could overturn.
                if math.isnan(margin) or judge(*ends[0], margin) is Outcome.UNDECIDED:
                    break
        differences.append(_difference(metric, points, ends, margin, frames))
    return Verdict(together(differences), tuple(differences), frames, block, resamples, seed)


def _resampled(scored: Scored, key: tuple[str, int, int, int]) -> Float:
    """(B,) scores of the resamples for (metric, block length, B, seed)."""
    if key not in scored.resampled:
        metric, length, count, seed = key
        weights = block_weights(len(scored.sums.iou), block=length, resamples=count, seed=seed)
        scored.resampled[key] = METRICS[metric](scored, weights)
    return scored.resampled[key]


def interval(differences: Float) -> tuple[float, float]:
    """Percentiles 2.5 and 97.5 of (B,) differences, undefined ones left out; nan where none is defined."""
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def _difference(
    metric: str, points: float, ends: Sequence[tuple[float, float]], margin: float, frames: int
) -> Difference:
    low, high = ends[0] if ends else (math.nan, math.nan)
    if math.isnan(points):
        return Difference(metric, points, low, high, margin, Outcome.UNDECIDED, "undefined")
    if not ends:
        return Difference(metric, points, low, high, margin, Outcome.UNDECIDED, "too few frames")
    if math.isnan(margin):
        return Difference(metric, points, low, high, margin, Outcome.UNDECIDED, "no margin")
    outcome = judge(low, high, margin)
    if outcome is not Outcome.UNDECIDED and any(judge(*other, margin) is not outcome for other in ends[1:]):
        reason = "changes with the length of the blocks"
        return Difference(metric, points, low, high, margin, Outcome.UNDECIDED, reason)
    if outcome is Outcome.UNDECIDED:
        needed = _frames_needed(points, low, high, margin, frames)
        return Difference(metric, points, low, high, margin, outcome, "the interval holds the margin", needed)
    return Difference(metric, points, low, high, margin, outcome)


def _frames_needed(points: float, low: float, high: float, margin: float, frames: int) -> int | None:
    """Frames at which the interval, shrinking with the square root of their number, would leave the margin."""
    distance = points + margin
    half = points - low if distance > 0 else high - points
    if distance == 0 or half <= 0:
        return None
    return math.ceil(frames * (half / abs(distance)) ** 2)


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
    parts = []
    for d in verdict.differences:
        if math.isnan(d.margin):
            continue
        name = _NAMES[d.metric]
        if math.isnan(d.points):
            parts.append(f"{name} is undefined")
        elif math.isnan(d.low):
            parts.append(f"{name} {_points(d.points)} ({d.reason})")
        else:
            parts.append(f"{name} {_points(d.points)} [{_points(d.low)}, {_points(d.high)}]")
    needed = [d.frames_needed for d in verdict.differences if d.frames_needed is not None]
    unstable = any("blocks" in d.reason for d in verdict.differences)
    text = f"{variant}: {verdict.outcome} against {baseline}: {', '.join(parts)} points"
    limits = {d.margin for d in verdict.differences if not math.isnan(d.margin)}
    if len(limits) == 1:
        text += f", margin {limits.pop():.1f}"
    text += f"; {verdict.frames:,} frames, on this video."
    if verdict.outcome is Outcome.UNDECIDED and needed and max(needed) > _HOPELESS * verdict.frames:
        text += " It lies on the margin: more frames would hardly decide it."
    elif verdict.outcome is Outcome.UNDECIDED and needed:
        text += f" About {_rounded(max(needed)):,} frames like these would decide it."
    elif verdict.outcome is Outcome.UNDECIDED and unstable:
        text += " The verdict changes with the length of the bootstrap's blocks."
    return text


def _points(value: float) -> str:
    """One decimal with its sign; what rounds to nothing has none."""
    text = f"{value:+.1f}".replace("-", "−")
    return text if text[1:] != "0.0" else "0.0"


def _rounded(count: int) -> int:
    """Two digits, rounded up: more would promise what an extrapolation cannot keep."""
    unit = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // unit) * unit
