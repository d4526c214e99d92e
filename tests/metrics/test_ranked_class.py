"""AP that is updated after single changes equals AP computed from scratch, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.metrics.coco_curve import average_precision, class_curves
from iouviewer.metrics.coco_matching import ALL
from iouviewer.metrics.hull_blocks import (
    FAR,
    best_from_each_point,
    best_point,
    best_points,
    shift_best_point,
    shift_best_points,
)
from iouviewer.metrics.ranked_class import RankedClass, SmallRankedClass


def assert_equal(ranked, tp, ignored, gt_count):
    ap, totals = ranked.average_precision()
    curves, expected = class_curves(tp, ignored, gt_count)
    np.testing.assert_array_equal(ap, average_precision(curves) if gt_count else 0.0)
    np.testing.assert_array_equal(totals, expected)


def random_masks(rng, size, falling):
    """Masks with more true positives at the top, nested as those of IoU thresholds are."""
    chance = 0.95 - falling * np.arange(size) / max(size, 1)
    reached = rng.binomial(10, chance)
    reached[rng.random(size) > chance] = 0
    return ((1 << reached) - 1).astype(np.uint16)


def test_no_predictions_and_no_ground_truth_give_zero_also_after_boxes_are_added():
    none = np.zeros(0, np.uint16)
    ranked = SmallRankedClass(none, none, 0)
    assert_equal(ranked, none, none, 0)
    ranked.add_ground_truth(3)
    assert_equal(ranked, none, none, 3)


@pytest.mark.parametrize("size", [1, 33, 512, 513, 5000, 20_000])
@pytest.mark.parametrize("ignoring", [False, True])
def test_random_changes_equal_a_recomputation_bit_for_bit(size, ignoring):
    rng = np.random.default_rng(size + ignoring)
    tp = random_masks(rng, size, rng.choice([0.0, 0.3, 0.9]))
    ignored = np.where(rng.random(size) < 0.1 * ignoring, ALL, 0).astype(np.uint16)
    tp[ignored != 0] = 0
    gt_count = int(np.count_nonzero(tp) * 1.2) + 1
    ranked = RankedClass(tp, ignored, gt_count)
    assert_equal(ranked, tp, ignored, gt_count)
    for step in range(12 if size < 1000 else 60):
        rank = int(rng.integers(size))
        tp[rank] = (1 << int(rng.integers(11))) - 1
        if ignoring and rng.random() < 0.2:
            ignored[rank] = int(rng.integers(ALL + 1)) & ~int(tp[rank])
        else:
            ignored[rank] &= ~tp[rank]
        ranked.set(rank, int(tp[rank]), int(ignored[rank]))
        if step % 7 == 0:
            change = int(rng.integers(-2, 4))
            change = max(change, int(np.count_nonzero(tp)) - gt_count, 1 - gt_count)
            gt_count += change
            ranked.add_ground_truth(change)
        assert_equal(ranked, tp, ignored, gt_count)


def test_only_removing_or_only_adding_true_positives_does_not_drift():
    rng = np.random.default_rng(3)
    size = 6000
    tp = random_masks(rng, size, 0.5)
    none = np.zeros(size, np.uint16)
    ranked = RankedClass(tp, none, size)
    for value in (0, ALL):
        for number, rank in enumerate(rng.permutation(size)[:1000].tolist()):
            tp[rank] = value
            ranked.set(rank, value, 0)
            if number % 100 == 0:
                assert_equal(ranked, tp, none, size)
        assert_equal(ranked, tp, none, size)


@pytest.mark.parametrize(("chance", "falling"), [(0.95, 0.0), (0.3, 0.3), (0.02, 0.0), (0.001, 0.0)])
@pytest.mark.parametrize("drift", [-1, 1])
def test_windows_follow_recall_points_that_drift(chance, falling, drift, monkeypatch):
    monkeypatch.setattr("iouviewer.metrics.recall_windows.WINDOW", 8)
    rng = np.random.default_rng(round(1000 * chance) + drift)
    size = 20_000
    tp = np.where(rng.random(size) < chance * (1 - falling * np.arange(size) / size), ALL, 0).astype(np.uint16)
    ignored = np.where((rng.random(size) < 0.1) & (tp == 0), ALL, 0).astype(np.uint16)
    gt_count = int(np.count_nonzero(tp)) + 200
    ranked = RankedClass(tp, ignored, gt_count)
    for step in range(60):
        for _ in range(3):
            rank = int(rng.choice(np.flatnonzero(tp))) if drift < 0 and tp.any() else int(rng.integers(size))
            tp[rank], ignored[rank] = (ALL >> int(rng.integers(11)), 0) if drift > 0 else (0, 0)
            ranked.set(rank, int(tp[rank]), int(ignored[rank]))
        if step % 2:
            gt_count += drift
            ranked.add_ground_truth(drift)
        assert_equal(ranked, tp, ignored, gt_count)


def test_the_best_of_each_point_and_all_later_ones_stays_the_best_within_its_bounds():
    rng = np.random.default_rng(9)
    for _ in range(30):
        hit = rng.random((4, 60)) < rng.choice([0.1, 0.5, 0.9])
        hit[:, 0] = True
        n = np.cumsum(rng.integers(1, 3, (4, 60)), axis=1).astype(float)
        window, before = 10, rng.integers(0, 300, 4).astype(float)
        rows = [row[mask] for row, mask in zip(n, hit, strict=True)]
        padded = np.tile(FAR * np.arange(1.0, 61.0), (4, 1))
        for row, values in zip(padded, rows, strict=True):
            row[: len(values)] = values
        k = np.where(padded < FAR, np.arange(1.0, 61.0), 0.0)
        tail = best_points(padded[:, window:] < FAR, k[:, window:], padded[:, window:], before, before + 20)
        found = best_from_each_point(k[:, :window], padded[:, :window], tail, before, before + 20)
        for row, values in enumerate(rows):
            for place in range(min(window, len(values))):
                best_k, best_n, low, high = found[row, place]
                for more in range(-5, 6):
                    at = before[row] + more, before[row] + 20
                    precision = (at[0] + np.arange(place + 1, len(values) + 1)) / (at[1] + values[place:])
                    here = (at[0] + best_k) / (at[1] + best_n)
                    if low <= here <= high:
                        assert here == precision.max()
                    assert more or low <= here <= high


def test_the_bounds_of_a_best_point_stay_valid_while_single_predictions_change():
    assert sum(best_kept(seed) for seed in range(20)) > 200


def best_kept(seed):
    """How often an updated best point was within its bounds, and then was the best."""
    rng = np.random.default_rng(seed)
    hit = rng.random(80) < rng.choice([0.02, 0.3, 0.9])
    numbers = np.arange(1.0, 81.0)
    outside = float(rng.integers(0, 200)), float(rng.integers(200, 300))
    known = best_point(np.cumsum(hit)[hit].astype(float), numbers[hit], *outside)
    kept = 0
    for place in rng.integers(80, size=40).tolist():
        hit[place] = not hit[place]
        known = shift_best_point(known, place + 1, 1 if hit[place] else -1)
        k, n = np.cumsum(hit)[hit].astype(float), numbers[hit]
        if known is None:
            known = best_point(k, n, *outside)
            continue
        for more_k, more_n in ((0, 0), (5, 5), (0, 60), (-min(outside[0], 20), 0)):
            at = outside[0] + more_k, outside[1] + more_n
            precision = (at[0] + known[0]) / (at[1] + known[1])
            if known[2] <= precision <= known[3]:
                kept += 1
                assert precision == ((at[0] + k) / (at[1] + n)).max()
    return kept


def test_the_bounds_of_a_window_stay_valid_while_predictions_after_it_change():
    assert sum(bounds_kept(seed) for seed in range(20)) > 1000


def bounds_kept(seed):
    """How often an updated best point of a window's table was within its bounds, and then was the best."""
    rng = np.random.default_rng(100 + seed)
    hit = rng.random(90) < rng.choice([0.2, 0.5, 0.9])
    hit[0] = True
    numbers = np.arange(1.0, 91.0)
    window = min(8, int(hit.sum()))
    outside = float(rng.integers(0, 200)), float(rng.integers(200, 300))

    def points():
        return np.cumsum(hit)[hit].astype(float), numbers[hit]

    k, n = points()
    tail = np.array(best_point(k[window:], n[window:], *outside))[:, None]
    before = np.array(outside[:1]), np.array(outside[1:])
    table = best_from_each_point(k[None, :window], n[None, :window], tail, *before)[0]
    last, kept = int(n[window - 1]), 0
    for place in rng.integers(last, 90, size=30).tolist():
        best = int(rng.choice(table[:, 1])) - 1
        place = best if best >= last and rng.random() < 0.3 else place
        hit[place] = not hit[place]
        shift_best_points(table, place + 1.0, 1 if hit[place] else -1)
        k, n = points()
        for row, (best_k, best_n, low, high) in enumerate(table.tolist()):
            for more_k, more_n in ((0, 0), (5, 5), (0, 60)):
                at = outside[0] + more_k, outside[1] + more_n
                precision = (at[0] + best_k) / (at[1] + best_n)
                if low <= precision <= high:
                    kept += 1
                    assert precision == ((at[0] + k[row:]) / (at[1] + n[row:])).max()
    return kept


def test_changes_close_together_equal_a_recomputation_bit_for_bit():
    rng = np.random.default_rng(12)
    size = 30_000
    tp = random_masks(rng, size, 0.6)
    none = np.zeros(size, np.uint16)
    gt_count = int(np.count_nonzero(tp) * 1.1)
    ranked = RankedClass(tp, none, gt_count)
    for step in range(400):
        rank = int(np.clip(rng.normal(9000 + 20 * step, 300), 0, size - 1))
        tp[rank] = (1 << int(rng.integers(11))) - 1
        ranked.set(rank, int(tp[rank]), 0)
        if step % 4 == 0:
            assert_equal(ranked, tp, none, gt_count)
