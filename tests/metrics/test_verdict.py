"""Verdicts depend on the interval, never on the difference alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from iouviewer.metrics.json_texts import (
    DEPENDS_ON_BLOCK_LENGTH,
    MARGIN_IN_INTERVAL,
    NO_MARGIN,
    TOO_FEW_FRAMES,
    UNDEFINED,
)
from iouviewer.metrics.resampling import ClassMatches, FrameSums, VideoFrames
from iouviewer.metrics.verdict import Outcome, ScoredVariant, block_length, compare, judge, percentile_interval
from iouviewer.metrics.verdict_text import describe_verdict


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.9, 0.5, Outcome.PASS),
        (-1.0, 0.5, Outcome.UNDECIDED),
        (-3.0, -1.1, Outcome.FAIL),
        (-3.0, -1.0, Outcome.UNDECIDED),
        (-3.0, 3.0, Outcome.UNDECIDED),
    ],
)
def test_the_interval_against_a_margin_of_one_point(low, high, expected):
    assert judge(low, high, 1.0) is expected


@pytest.mark.parametrize(("fps", "block"), [(25.0, 25), (29.97, 30), (0.0, 30), (0.4, 1)])
def test_a_block_is_one_second(fps, block):
    assert block_length(fps) == block


def ten_fps(frames: int) -> list[VideoFrames]:
    return [VideoFrames(frames, 10)]


def _scored(frames: int, loss: float, noise: float, seed: int = 0) -> ScoredVariant:
    random = np.random.default_rng(seed)
    shared = np.random.default_rng(99).normal(0, 0.05, frames)
    iou = np.clip(0.8 + shared - loss + random.normal(0, noise, frames), 0.5, 1)
    ones, none = np.ones(frames), np.zeros(frames)
    true = np.tile(iou[None, :] >= np.linspace(0.5, 0.95, 10)[:, None], 1)
    matches = ClassMatches(np.arange(frames), true, np.zeros_like(true), np.ones(frames, np.int64))
    return ScoredVariant([matches], FrameSums(iou, ones, iou, ones, none, none))


def test_an_equal_variant_passes_and_a_worse_one_fails():
    baseline = _scored(800, 0.0, 0.0)
    margins = {"ap": 1.0, "pq": 1.0}

    equal = compare(baseline, _scored(800, 0.0, 0.0), ten_fps(800), margins=margins, resamples=300)
    worse = compare(baseline, _scored(800, 0.1, 0.01), ten_fps(800), margins=margins, resamples=300)

    assert equal.outcome is Outcome.PASS
    assert worse.outcome is Outcome.FAIL
    assert "FAIL" in describe_verdict("small", "base", worse)
    assert "on this video" in describe_verdict("small", "base", worse)


def test_a_noisy_variant_is_undecided_and_the_text_gives_the_number_of_frames_needed():
    baseline = _scored(300, 0.0, 0.0)

    loss = compare(baseline, _scored(300, 0.0, 0.2), ten_fps(300), margins={}, resamples=2).differences[1].points
    margin = -loss + 0.5
    verdict = compare(baseline, _scored(300, 0.0, 0.2), ten_fps(300), margins={"pq": margin}, resamples=300)

    assert verdict.outcome is Outcome.UNDECIDED
    needed = verdict.differences[1].frames_needed
    assert needed is not None and needed > 0
    text = describe_verdict("noisy", "base", verdict)
    shown = int(text.split("About ")[1].split()[0].replace(",", ""))
    assert needed <= shown <= 1.1 * needed + 1
    assert "-" not in text.split("against")[1] and "−0.0" not in text


def test_under_twenty_blocks_there_is_no_interval():
    baseline = _scored(150, 0.0, 0.0)

    verdict = compare(baseline, baseline, ten_fps(150), margins={"ap": 1.0}, resamples=50)

    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.differences[0].reason == "too few frames"
    assert math.isnan(verdict.differences[0].low)


def test_cancelling_stops_the_comparison():
    baseline = _scored(300, 0.0, 0.0)

    with pytest.raises(InterruptedError):
        compare(baseline, baseline, ten_fps(300), margins={}, resamples=10, cancelled=lambda: True)


def test_undefined_resamples_are_left_out_of_the_interval():
    assert percentile_interval(np.array([math.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert all(math.isnan(end) for end in percentile_interval(np.array([math.nan])))


def test_a_difference_on_the_margin_has_no_number_of_frames():
    baseline = _scored(300, 0.0, 0.0)
    loss = compare(baseline, _scored(300, 0.0, 0.2), ten_fps(300), margins={}, resamples=2).differences[1].points

    verdict = compare(baseline, _scored(300, 0.0, 0.2), ten_fps(300), margins={"pq": 0.001 - loss}, resamples=300)

    assert verdict.outcome is Outcome.UNDECIDED
    assert "too close to the allowed drop for more frames to settle it" in describe_verdict("noisy", "base", verdict)


def test_the_text_gives_differences_intervals_and_the_allowed_drop():
    baseline = _scored(800, 0.0, 0.0)

    equal = compare(baseline, _scored(800, 0.0, 0.0), ten_fps(800), margins={"ap": 1.0, "pq": 1.0}, resamples=100)
    short = compare(baseline, baseline, [VideoFrames(800, 100)], margins={"ap": 1.0, "pq": 2.0}, resamples=100)

    assert describe_verdict("same", "base", equal) == (
        "same: PASS against base: AP 0.0 [0.0, 0.0], PQ 0.0 [0.0, 0.0] points, allowed drop 1.0; "
        "800 frames, on this video."
    )
    assert describe_verdict("same", "base", short) == (
        "same: UNDECIDED against base: AP 0.0 (too few frames), PQ 0.0 (too few frames) points; "
        "800 frames, on this video. "
        "An interval needs at least 20 blocks of 100 frames; these frames form only 8."
    )


def test_json_results_keep_the_values_of_reasons():
    assert (TOO_FEW_FRAMES, NO_MARGIN, UNDEFINED) == ("too few frames", "no margin", "undefined")
    assert MARGIN_IN_INTERVAL == "the interval holds the margin"
    assert DEPENDS_ON_BLOCK_LENGTH == "changes with the length of the blocks"
