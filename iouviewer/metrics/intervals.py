"""Standard error of the mean of a series whose neighbours are alike, and the t distribution that belongs to it.

One video: the mean of the squared projections of the series on the first K cosines estimates its long-run variance, and
the studentised mean follows t with K degrees of freedom (equal-weighted cosines: Müller 2004; Lazarus, Lewis, Stock and
Watson 2018). Few terms hold where the series changes slowly, many make a short interval where it changes fast, so K
follows the number of independent frames that the series is worth. Several videos are clusters: the variance between
their sums, with one degree of freedom less than videos. docs/statistics.md has the simulation behind the constants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from iouviewer.metrics.table import Float

MIN_FRAMES = 20
"""Fewer frames than this give no interval."""
MIN_EFFECTIVE = 8.0
"""A series that is worth fewer independent frames gives no interval: none of the methods holds there."""
MIN_TERMS, MAX_TERMS = 3, 24
FRAMES_PER_TERM = 5.0
"""Independent frames for one cosine."""
_BLOCKS = (4, 16)
"""Numbers of neighbouring frames that are averaged before the autocorrelation is measured again."""
_MIN_BLOCKS = 30
"""Fewer means show no autocorrelation."""
CONFIDENCE = 0.95


class Spread(NamedTuple):
    """How far a mean may be off.

    Attributes:
        error: standard error, in the unit of the series.
        degrees: of freedom of the t distribution.
        effective: number of independent frames that the series is worth; of videos: their number.
        slow: the same for its slowest part, which decides whether an interval holds; at most ``effective``.
        correlation: of neighbouring frames; nan for several videos, and for a constant series.
    """

    error: float
    degrees: int
    effective: float
    slow: float
    correlation: float

    @property
    def is_safe(self) -> bool:
        """Whether an interval would hold."""
        return self.slow >= MIN_EFFECTIVE or math.isnan(self.correlation)

    def half_width(self, level: float = CONFIDENCE) -> float:
        """Half the width of the two-sided interval."""
        return self.error * float(stdtrit(self.degrees, 0.5 + level / 2.0))

    def probability_below(self, distance: float) -> float:
        """One-sided p value of a mean that lies ``distance`` above a bound: that of the truth lying below it."""
        if not self.error:
            return float(distance <= 0.0)
        return float(stdtr(self.degrees, -distance / self.error))


def spread_of(series: Float, lengths: Sequence[int], *, is_independent: bool = False) -> Spread:
    """The spread of the mean of a series.

    Args:
        series: (F,) values in order of time, the frames of several videos concatenated.
        lengths: number of frames of each video.
        is_independent: the frames are single images, each on its own.
    """
    if is_independent:
        count = len(series)
        error = float(series.std(ddof=1)) / math.sqrt(count) if count > 1 else 0.0
        return Spread(error, max(1, count - 1), float(count), float(count), math.nan)
    if len(lengths) > 1:
        starts = np.cumsum([0, *lengths[:-1]])
        return spread_between(np.add.reduceat(series, starts), lengths)
    effective, slow = effective_frames(series), slow_frames(series)
    terms = cosine_terms(slow)
    count = len(series)
    projections = _cosines(count, terms) @ series
    error = math.sqrt(float((projections**2).mean()) / count)
    return Spread(error, terms, effective, slow, _correlation(series))


def cosine_terms(slow: float) -> int:
    """Number of cosines for a series whose slowest part is worth so many independent frames."""
    return int(min(max(round(slow / FRAMES_PER_TERM), MIN_TERMS), MAX_TERMS))


def effective_frames(series: Float) -> float:
    """Number of independent frames that a series is worth.

    It is the number of values divided by the integrated autocorrelation time, the sum of autocorrelations up to the end
    of Geyer's initial monotone sequence (Geyer 1992, 3.3).
    """
    return min(float(len(series)), len(series) / _correlation_time(series))


def slow_frames(series: Float) -> float:
    """Number of independent values of the slowest part of a series: the least found with single and averaged frames.

    Means of several frames have less of the noise that hides a slow change. There are fewer of them, so it is at most
    their number where the series is long enough.
    """
    found = [effective_frames(series)]
    for block in _BLOCKS:
        count = len(series) // block
        if count >= _MIN_BLOCKS:
            found.append(effective_frames(series[: count * block].reshape(count, block).mean(axis=1)))
    return min(found)


def _correlation_time(series: Float) -> float:
    """1 + 2 * the sum of autocorrelations, at least a small positive number; 1 for a constant series."""
    covariance = _autocovariance(series)
    if covariance[0] <= 0.0:
        return 1.0
    correlation = covariance / covariance[0]
    pairs = correlation[: len(correlation) // 2 * 2].reshape(-1, 2).sum(axis=1)
    end = int(np.argmax(pairs <= 0.0)) if (pairs <= 0.0).any() else len(pairs)
    return max(-1.0 + 2.0 * float(np.minimum.accumulate(pairs[:end]).sum()), 1e-3) if end else 1e-3


def _autocovariance(series: Float) -> Float:
    """(F,) autocovariance at each lag, divided by F."""
    count = len(series)
    spectrum = np.fft.rfft(series - series.mean(), 2 * count)
    found: Float = np.fft.irfft(np.abs(spectrum) ** 2, 2 * count)[:count] / count
    return found


def _correlation(series: Float) -> float:
    covariance = _autocovariance(series)[:2]
    return float(covariance[1] / covariance[0]) if len(covariance) > 1 and covariance[0] > 0.0 else math.nan


def _cosines(count: int, terms: int) -> Float:
    """(terms, count) orthonormal cosines, each with mean 0."""
    places = (np.arange(count) + 0.5) / count
    return math.sqrt(2.0 / count) * np.cos(np.pi * np.arange(1, terms + 1)[:, None] * places)


def spread_between(sums: Float, lengths: Sequence[int]) -> Spread:
    """The spread of the mean over all frames, from the variance between videos.

    Args:
        sums: (V,) sum of the series over each video, V >= 2.
        lengths: number of frames of each.
    """
    count, frames = len(lengths), sum(lengths)
    deviations = sums - float(sums.sum()) / frames * np.asarray(lengths, np.float64)
    error = math.sqrt(count / (count - 1.0) * float((deviations**2).sum())) / frames
    return Spread(error, count - 1, float(count), float(count), math.nan)
