"""The time axis, which rows fold at which height, and the magnified view."""

from __future__ import annotations

from itertools import pairwise

import pytest

from iouviewer.ui.timeline import magnifier
from iouviewer.ui.timeline.axis import TimeAxis
from iouviewer.ui.timeline.row_plan import Row, lanes_height, plan_rows, plot_height, review_height


def axis_of(frames: int, width: float = 800.0) -> TimeAxis:
    axis = TimeAxis()
    axis.set_frame_count(frames)
    axis.set_width(width)
    return axis


def test_zooming_keeps_the_frame_under_the_mouse() -> None:
    axis = axis_of(795)
    x = axis.x_of(200)
    axis.zoom(0.5, axis.coordinate_at(x))
    assert axis.x_of(200) == pytest.approx(x)
    assert axis.high - axis.low == pytest.approx(795 / 2)


def test_the_axis_never_leaves_the_video_and_shows_at_least_eight_frames() -> None:
    axis = axis_of(100)
    axis.pan(1000)
    assert (axis.low, axis.high) == (-0.5, 99.5)
    axis.set_range(50, 51)
    assert axis.high - axis.low == 8
    axis.pan(1000)
    assert axis.high == 99.5
    axis.show_all()
    assert axis.is_whole


def test_the_frames_of_a_pixel() -> None:
    axis = axis_of(8000)
    first, last = axis.frames_at(100)
    assert last - first in (9, 10)
    axis = axis_of(80)
    assert axis.frames_at(axis.x_of(40)) == (40, 40)
    assert axis.frame_at(-50) == 0
    assert axis.frame_at(5000) == 79


def heights(height: int, **options: bool) -> dict[Row, int]:
    return {row: place.height for row, place in plan_rows(height, **options).items()}


def test_all_rows_fit_the_usual_height() -> None:
    assert heights(132) == {Row.RULER: 20, Row.PROBLEMS: 12, Row.IOU: 56, Row.VERIFIED: 8, Row.TRACK: 24}
    assert heights(190)[Row.IOU] == 114


@pytest.mark.parametrize("height", range(60, 300))
def test_the_iou_row_is_the_last_to_fold_and_never_under_forty_pixels(height: int) -> None:
    places = plan_rows(height)
    assert places[Row.IOU].height >= 40
    order = [Row.PROBLEMS, Row.VERIFIED, Row.TRACK]
    shown = [row for row in order if row in places]
    assert shown == order[: len(shown)], "the lane folds first, then verified, then problems"
    if shown:
        assert places[Row.IOU].height >= 56
    edges = [(place.top, place.top + place.height) for place in places.values()]
    assert all(end <= start for (_, end), (start, _) in pairwise(edges))
    assert edges[-1][1] <= height


def test_ruler_and_iou_row_remain_in_a_folded_timeline() -> None:
    assert heights(76) == {Row.RULER: 20, Row.IOU: 56}
    assert heights(60) == {Row.RULER: 20, Row.IOU: 40}


def test_a_review_keeps_problems_and_verified_frames_where_the_window_is_not_low() -> None:
    assert heights(review_height(720)) == {Row.RULER: 20, Row.PROBLEMS: 12, Row.IOU: 56, Row.VERIFIED: 8}
    assert heights(review_height(640)) == {Row.RULER: 20, Row.IOU: 56}


def test_compare_shows_the_strips_below_the_ruler() -> None:
    assert heights(132, is_compare=True) == {Row.RULER: 20, Row.IOU: 112}


def test_lanes_keep_the_iou_row_and_take_at_most_45_percent() -> None:
    assert heights(324, has_lanes=True)[Row.IOU] == 40
    assert lanes_height(3, 720) == 33 + 40 + 3 * 18
    assert lanes_height(100, 720) == 324
    assert plot_height(720) == 288


def test_the_view_follows_a_value_only_as_far_as_it_must() -> None:
    span = magnifier.value_span(56, 1.08)
    start = magnifier.start_of_values(0.5, span, -0.04, 1.04)
    assert start < 0.5 - 0.1 and start + span > 0.5 + 0.1
    assert magnifier.follow(0.6, start, span, -0.04, 1.04) == start
    moved = magnifier.follow(0.95, start, span, -0.04, 1.04)
    assert moved > start and moved + span >= 0.95
    assert 1.0 < magnifier.follow(1.0, start, span, -0.04, 1.04) + span <= 1.04


@pytest.mark.parametrize("height", [40, 54, 112, 300])
def test_a_tenth_is_at_least_twelve_pixels_at_any_height(height: int) -> None:
    assert 0.1 / magnifier.value_span(height, 1.08) * height >= 12
