"""The timeline's pyramid keeps every minimum and maximum at any zoom, also after single values were replaced."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.ui.timeline.pyramid import BRANCH, Pyramid


@st.composite
def series_and_range(draw: st.DrawFn) -> tuple[np.ndarray, int, int, int]:
    length = draw(st.integers(1, 6000))
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    values = rng.random(length)
    values[rng.random(length) < draw(st.sampled_from([0.0, 0.1, 0.95]))] = np.nan
    start = draw(st.integers(0, length - 1))
    stop = draw(st.integers(start + 1, length))
    return values, start, stop, draw(st.integers(1, 400))


def check_columns(pyramid: Pyramid, values: np.ndarray, start: int, stop: int, count: int) -> None:
    columns = pyramid.columns(start, stop, count)
    assert columns.edges[0] == start
    assert columns.edges[-1] == stop
    assert len(columns.low) <= count
    assert np.all(np.diff(columns.edges) > 0)
    for column in range(len(columns.low)):
        part = values[columns.edges[column] : columns.edges[column + 1]]
        part = part[~np.isnan(part)]
        if len(part):
            assert columns.low[column] == part.min()
            assert columns.high[column] == part.max()
            assert columns.mean[column] == pytest.approx(part.mean(), abs=1e-12)
        else:
            assert np.isnan([columns.low[column], columns.high[column], columns.mean[column]]).all()


def test_an_empty_series_has_no_columns() -> None:
    columns = Pyramid(np.zeros(0)).columns(0, 10, 5)
    assert len(columns.low) == 0
    assert Pyramid(np.zeros(0)).worst(0, 5) is None


@given(series_and_range())
@settings(max_examples=150, deadline=None)
def test_columns_keep_minimum_maximum_and_mean_of_every_range(case: tuple[np.ndarray, int, int, int]) -> None:
    values, start, stop, count = case
    check_columns(Pyramid(values), values, start, stop, count)


@given(series_and_range(), st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1) | st.just(float("nan")))))
@settings(max_examples=80, deadline=None)
def test_replaced_values_reach_every_level(
    case: tuple[np.ndarray, int, int, int], replacements: list[tuple[int, float]]
) -> None:
    values, start, stop, count = case
    pyramid = Pyramid(values)
    expected = values.copy()
    for place, value in replacements:
        pyramid.set(place % len(values), value)
        expected[place % len(values)] = value
    assert np.array_equal(pyramid.values, expected, equal_nan=True)
    check_columns(pyramid, expected, start, stop, count)


def test_a_single_low_value_in_a_hundred_thousand_frames_is_visible_in_one_pixel() -> None:
    values = np.full(100_000, 0.9)
    values[61_803] = 0.05
    columns = Pyramid(values).columns(0, 100_000, 900)
    assert np.nanmin(columns.low) == 0.05
    column = int(np.nanargmin(columns.low))
    assert columns.edges[column] <= 61_803 < columns.edges[column + 1]
    assert Pyramid(values).worst(int(columns.edges[column]), int(columns.edges[column + 1])) == 61_803


def test_setting_an_equal_value_returns_false() -> None:
    pyramid = Pyramid(np.array([0.5, np.nan] * BRANCH))
    assert not pyramid.set(0, 0.5)
    assert not pyramid.set(1, float("nan"))
    assert pyramid.set(0, 0.6)
