"""Intervals for means of series whose neighbours are alike."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from iouviewer.metrics.intervals import (
    MAX_TERMS,
    MIN_TERMS,
    Spread,
    cosine_terms,
    effective_frames,
    slow_frames,
    spread_of,
)
from iouviewer.metrics.table import Float


def autoregression(random: np.random.Generator, count: int, correlation: float) -> Float:
    values = random.normal(size=count) * np.sqrt(1.0 - correlation**2)
    values[0] /= np.sqrt(1.0 - correlation**2)
    for place in range(1, count):
        values[place] += correlation * values[place - 1]
    return values


def test_a_term_is_the_square_of_a_projection_on_a_cosine() -> None:
    """Straight from the definition, for a series that is worth so few frames that three terms are used."""
    series = autoregression(np.random.default_rng(0), 200, 0.95)
    spread = spread_of(series, [200])
    assert spread.degrees == cosine_terms(spread.slow) == MIN_TERMS
    squares = []
    for term in range(1, MIN_TERMS + 1):
        weights = [math.sqrt(2.0) * math.cos(math.pi * term * (t - 0.5) / 200) for t in range(1, 201)]
        squares.append((sum(w * x for w, x in zip(weights, series.tolist(), strict=True)) / math.sqrt(200)) ** 2)
    assert spread.error == pytest.approx(math.sqrt(sum(squares) / MIN_TERMS / 200))


def test_a_constant_does_not_change_the_spread_and_a_constant_series_has_none() -> None:
    series = np.random.default_rng(1).normal(size=90)
    one, other = spread_of(series, [90]), spread_of(series + 1000.0, [90])
    assert one.error == pytest.approx(other.error)
    assert one.degrees == other.degrees
    assert spread_of(np.zeros(90), [90]).error == 0.0


@pytest.mark.parametrize(("correlation", "expected"), [(0.0, 2000.0), (0.5, 667.0), (0.9, 105.0), (0.98, 20.0)])
def test_the_number_of_independent_frames_is_that_of_the_autoregression(correlation: float, expected: float) -> None:
    random = np.random.default_rng(2)
    found = [effective_frames(autoregression(random, 2000, correlation)) for _ in range(40)]
    assert float(np.median(found)) == pytest.approx(expected, rel=0.35)


def test_noise_of_single_frames_does_not_hide_a_slow_change() -> None:
    random = np.random.default_rng(3)
    slow = [autoregression(random, 3000, 0.99) for _ in range(20)]
    noisy = [series + random.normal(0.0, 2.0, len(series)) for series in slow]
    assert (
        float(np.median([slow_frames(series) for series in noisy]))
        < 60
        < float(np.median([effective_frames(series) for series in noisy]))
    )


@pytest.mark.parametrize(
    ("effective", "terms"), [(1.0, MIN_TERMS), (16.0, 3), (30.0, 6), (100.0, 20), (1e6, MAX_TERMS)]
)
def test_more_independent_frames_give_more_terms(effective: float, terms: int) -> None:
    assert cosine_terms(effective) == terms


def test_independent_images_have_the_plain_interval() -> None:
    series = np.random.default_rng(4).normal(size=50)
    spread = spread_of(series, [50], is_independent=True)
    low, high = stats.t.interval(0.95, 49, 0.0, stats.sem(series))
    assert spread.half_width() == pytest.approx((high - low) / 2.0)
    assert spread.is_safe


def test_every_second_frame_of_a_slow_series_costs_little() -> None:
    """What counts is how alike the frames are, not how many there are or how far they lie apart."""
    random = np.random.default_rng(6)
    every, half = [], []
    for _ in range(60):
        series = autoregression(random, 2000, 0.95)
        every.append(spread_of(series, [2000]).half_width())
        half.append(spread_of(series[::2], [1000]).half_width())
    assert float(np.median(half)) == pytest.approx(float(np.median(every)), rel=0.15)


@pytest.mark.parametrize(("frames", "correlation"), [(300, 0.0), (300, 0.9), (1000, 0.9)])
def test_intervals_contain_the_mean_in_95_of_100_cases(frames: int, correlation: float) -> None:
    random = np.random.default_rng(7)
    inside = 0
    for _ in range(600):
        series = autoregression(random, frames, correlation)
        inside += abs(series.mean()) < spread_of(series, [frames]).half_width()
    assert 0.92 <= inside / 600 <= 0.975


def test_the_probability_is_that_of_the_t_distribution() -> None:
    spread = Spread(2.0, 7, 50.0, 50.0, 0.1)
    assert spread.probability_below(3.0) == pytest.approx(stats.t.sf(1.5, 7))
    assert Spread(0.0, 7, 50.0, 50.0, 0.1).probability_below(3.0) == 0.0
    assert Spread(0.0, 7, 50.0, 50.0, 0.1).probability_below(-3.0) == 1.0
