"""Influence values are derivatives of the scores by the weight of a frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.metrics.influence import influence_on_ap, influence_on_avg_iou, influence_on_pq
from iouviewer.metrics.table import Bool, Float, Int
from iouviewer.metrics.weighted_scores import ClassMatches, FrameSums, weighted_avg_iou, weighted_pq

FRAMES = 6


def _matches(random: np.random.Generator, predictions: int) -> ClassMatches:
    """Predictions in order of score, some true, some ignored, and at least as many positives as hits."""
    frames = random.integers(0, FRAMES, predictions)
    true = random.random((2, predictions)) < 0.6
    ignored = random.random((2, predictions)) < 0.15
    hits = np.bincount(frames[true.any(axis=0)], minlength=FRAMES)
    return ClassMatches(frames, true, ignored, hits + random.integers(0, 2, FRAMES))


def _all_point_ap(frame_of: Int, true: Bool, counted: Bool, positives: Int, weights: Float) -> float:
    """Area below the precision envelope where frame f counts weights[f] times; straight from the definition."""
    by_prediction = weights[frame_of]
    hits = np.cumsum(by_prediction * true)
    predicted = np.cumsum(by_prediction * counted)
    precision = np.where(predicted > 0, hits / np.where(predicted > 0, predicted, 1.0), 0.0)
    total = float(weights @ positives)
    area = sum(by_prediction[place] * precision[place:][true[place:]].max() for place in np.flatnonzero(true).tolist())
    return float(area) / total if total else np.nan


def _ap(classes: list[ClassMatches], weights: Float) -> float:
    found = [
        _all_point_ap(m.frames, m.true[t] & ~m.ignored[t], ~m.ignored[t], m.positives, weights)
        for m in classes
        if m.positives.any()
        for t in range(2)
    ]
    return float(np.mean(found))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 25))
def test_the_influence_on_ap_is_the_derivative_by_the_weight_of_a_frame(seed: int, predictions: int) -> None:
    random = np.random.default_rng(seed)
    classes = [_matches(random, predictions), _matches(random, predictions)]
    if not any(matches.positives.any() for matches in classes):
        return
    found = influence_on_ap(classes, FRAMES)
    step = 1e-7
    for frame in range(FRAMES):
        change = []
        for sign in (1.0, -1.0):
            weights = np.ones(FRAMES)
            weights[frame] += sign * step
            change.append((_ap(classes, weights) - _ap(classes, np.ones(FRAMES))) * sign / step)
        # Two places with the same precision: the derivative differs to the left and to the right.
        low, high = sorted(change)
        assert low - 1e-5 <= found[frame] / FRAMES <= high + 1e-5
    assert found.sum() == pytest.approx(0.0, abs=1e-9)


@given(st.integers(0, 10_000))
def test_the_influence_on_pq_and_avg_iou_is_the_derivative(seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = [random.integers(0, 4, FRAMES).astype(np.float64) for _ in range(3)]
    tp, fp, fn = columns
    truths = tp + fn
    sums = FrameSums(truths * random.random(FRAMES), truths, tp * random.random(FRAMES), tp, fp, fn)
    for influence, score in ((influence_on_pq, weighted_pq), (influence_on_avg_iou, weighted_avg_iou)):
        found = influence(sums)
        if np.isnan(found).all():
            continue
        # Scores take whole weights: a frame that counts 10,001 times among others that count 10,000 times.
        once = np.full((1, FRAMES), 10_000, np.int64)
        for frame in range(FRAMES):
            more_often = once.copy()
            more_often[0, frame] += 1
            slope = float(score(sums, more_often)[0] - score(sums, once)[0]) * 10_000
            assert found[frame] / FRAMES == pytest.approx(slope, abs=1e-3)


def test_without_boxes_there_is_no_influence() -> None:
    none = np.zeros(FRAMES)
    sums = FrameSums(none, none, none, none, none, none)
    assert np.isnan(influence_on_pq(sums)).all() and np.isnan(influence_on_avg_iou(sums)).all()
    assert np.isnan(influence_on_ap([], FRAMES)).all()
