"""Verdicts depend on the interval, never on the difference alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from iouviewer.metrics.intervals import Spread, spread_of
from iouviewer.metrics.json_texts import (
    FAILS_ALONE,
    FRAMES_TOO_ALIKE,
    MARGIN_IN_INTERVAL,
    NO_MARGIN,
    TOO_FEW_FRAMES,
    UNDEFINED,
)
from iouviewer.metrics.verdict import (
    Difference,
    Outcome,
    ScoredVariant,
    VideoFrames,
    compare,
    correct_failures,
    judge,
    with_needed_evidence,
)
from iouviewer.metrics.verdict_text import describe_verdict
from iouviewer.metrics.weighted_scores import ClassMatches, FrameSums


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


def one_video(frames: int) -> list[VideoFrames]:
    return [VideoFrames(frames)]


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

    equal = compare(baseline, _scored(800, 0.0, 0.0), one_video(800), margins=margins)
    worse = compare(baseline, _scored(800, 0.1, 0.01), one_video(800), margins=margins)

    assert equal.outcome is Outcome.PASS
    assert worse.outcome is Outcome.FAIL
    assert "FAIL" in describe_verdict("small", "base", worse)
    assert "on this video" in describe_verdict("small", "base", worse)


def test_a_noisy_variant_is_undecided_and_the_text_gives_the_number_of_frames_needed():
    baseline = _scored(300, 0.0, 0.0)

    loss = compare(baseline, _scored(300, 0.0, 0.2), one_video(300), margins={}).differences[1].points
    margin = -loss + 0.5
    verdict = compare(baseline, _scored(300, 0.0, 0.2), one_video(300), margins={"pq": margin})

    assert verdict.outcome is Outcome.UNDECIDED
    needed = verdict.differences[1].frames_needed
    assert needed is not None and needed > 0
    text = describe_verdict("noisy", "base", verdict)
    shown = int(text.split("About ")[1].split()[0].replace(",", ""))
    assert needed <= shown <= 1.1 * needed + 1
    assert "-" not in text.split("against")[1] and "−0.0" not in text


def test_cancelling_stops_the_comparison():
    baseline = _scored(300, 0.0, 0.0)

    with pytest.raises(InterruptedError):
        compare(baseline, baseline, one_video(300), margins={}, cancelled=lambda: True)


def test_a_difference_on_the_margin_has_no_number_of_frames():
    baseline = _scored(300, 0.0, 0.0)
    loss = compare(baseline, _scored(300, 0.0, 0.2), one_video(300), margins={}).differences[1].points

    verdict = compare(baseline, _scored(300, 0.0, 0.2), one_video(300), margins={"pq": 0.001 - loss})

    assert verdict.outcome is Outcome.UNDECIDED
    assert "too close to the allowed drop for more frames to settle it" in describe_verdict("noisy", "base", verdict)


def test_the_text_gives_differences_intervals_and_the_allowed_drop():
    baseline = _scored(800, 0.0, 0.0)

    equal = compare(baseline, _scored(800, 0.0, 0.0), one_video(800), margins={"ap": 1.0, "pq": 1.0})
    few = _scored(19, 0.0, 0.0)
    short = compare(few, few, one_video(19), margins={"ap": 1.0, "pq": 2.0})

    assert describe_verdict("same", "base", equal) == (
        "same: PASS against base: AP 0.0 [0.0, 0.0], PQ 0.0 [0.0, 0.0] points, allowed drop 1.0; "
        "800 frames, on this video."
    )
    assert describe_verdict("same", "base", short) == (
        "same: UNDECIDED against base: AP 0.0 (too few frames), PQ 0.0 (too few frames) points; "
        "19 frames, on this video. "
        "An interval needs at least 20 frames; there are 19."
    )


def test_json_results_keep_the_values_of_reasons():
    assert (TOO_FEW_FRAMES, NO_MARGIN, UNDEFINED) == ("too few frames", "no margin", "undefined")
    assert MARGIN_IN_INTERVAL == "the interval holds the margin"
    assert FRAMES_TOO_ALIKE == "frames too alike"
    assert FAILS_ALONE == "fails alone, not as one of several metrics"


def _slow(frames: int, correlation: float, loss: float, seed: int) -> ScoredVariant:
    """A variant whose loss changes slowly from frame to frame."""
    noise = np.random.default_rng(seed).normal(0, 0.03, frames)
    for frame in range(1, frames):
        noise[frame] = correlation * noise[frame - 1] + np.sqrt(1 - correlation**2) * noise[frame]
    iou = np.clip(0.8 - loss + noise, 0.5, 1)
    ones, none = np.ones(frames), np.zeros(frames)
    true = iou[None, :] >= np.linspace(0.5, 0.95, 10)[:, None]
    matches = ClassMatches(np.arange(frames), true, np.zeros_like(true), np.ones(frames, np.int64))
    return ScoredVariant([matches], FrameSums(iou, ones, iou, ones, none, none))


def test_alike_frames_make_the_interval_wide_and_the_text_says_what_they_are_worth():
    baseline = _scored(600, 0.0, 0.0)
    fast, slow = (compare(baseline, _slow(600, c, 0.0, 1), one_video(600), margins={"pq": 1.0}) for c in (0.0, 0.9))

    widths = [verdict.differences[1].high - verdict.differences[1].low for verdict in (fast, slow)]
    assert widths[1] > 2.0 * widths[0]
    effective = [verdict.effective_frames for verdict in (fast, slow)]
    assert effective[1] < effective[0] / 3
    assert "independent), on this video" in describe_verdict("slow", "base", slow)


def test_frames_that_are_worth_a_few_give_no_interval():
    baseline = _scored(100, 0.0, 0.0)

    variant = _scored(100, 0.0, 0.0)
    rising = variant.sums.iou - np.linspace(0.0, 0.1, 100)
    variant = replace(variant, sums=replace(variant.sums, iou=rising, tp_iou=rising))
    verdict = compare(baseline, variant, one_video(100), margins={"pq": 1.0})

    pq = verdict.differences[1]
    assert (verdict.outcome, pq.reason) == (Outcome.UNDECIDED, FRAMES_TOO_ALIKE)
    assert math.isnan(pq.low)
    assert "further apart" in describe_verdict("slow", "base", verdict)


def _difference(metric: str, probability: float, margin: float = 1.0) -> Difference:
    """A difference beyond the margin that would be so great by chance with this probability."""
    spread = Spread(1.0, 1000, 100.0, 100.0, 0.0)
    points = -margin - stats.t.isf(probability, 1000)
    half = spread.half_width()
    outcome = judge(points - half, points + half, margin)
    return Difference(metric, points, points - half, points + half, margin, outcome, spread=spread)


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ((0.020,), "F"),  # alone
        ((0.020, 0.5), "U U"),  # 0.025 / 2 is needed of the worst of two
        ((0.012, 0.5), "F U"),
        ((0.012, 0.024), "F F"),  # once the worst has failed, the other one is alone
        ((0.012, 0.026), "F U"),
        ((0.013, 0.014), "U U"),
        ((0.008, 0.012, 0.024), "F F F"),
        ((0.009, 0.012, 0.024), "U U U"),
    ],
)
def test_a_fail_on_one_of_several_metrics_is_corrected_by_holm(probabilities, expected):
    metrics = ("ap", "pq", "avg_iou")
    found = correct_failures([_difference(m, p) for m, p in zip(metrics, probabilities, strict=False)])

    assert " ".join("F" if one.outcome is Outcome.FAIL else "U" for one in found) == expected
    reasons = {
        one.reason for one, p in zip(found, probabilities, strict=True) if one.outcome is not Outcome.FAIL and p < 0.025
    }
    assert reasons <= {FAILS_ALONE}


def test_the_number_of_frames_decides_in_eight_of_ten_cases():
    """300 frames with noise alone; the number that is named is drawn many times with the same true loss."""
    random = np.random.default_rng(5)
    frames, loss, noise = 300, 1.15, 2.0
    spread = Spread(noise / np.sqrt(frames), 15, float(frames), frames / 4.0, 0.0)
    half = spread.half_width()
    found = with_needed_evidence(
        Difference("pq", -loss, -loss - half, -loss + half, 1.0, Outcome.UNDECIDED, MARGIN_IN_INTERVAL, spread=spread),
        one_video(frames),
    )
    needed = found.frames_needed
    assert needed is not None
    decided = 0
    for _ in range(400):
        series = random.normal(0.0, noise, needed)
        width = spread_of(series, [needed]).half_width()
        decided += -loss + series.mean() + width < -1.0
    assert decided / 400 == pytest.approx(0.8, abs=0.06)
