"""AP that follows single changes equals AP computed from the start, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.metrics.coco_curve import average_precision, class_curves
from iouviewer.metrics.coco_matching import ALL
from iouviewer.metrics.ranked_class import FewRanked, RankedClass


def assert_equal(ranked, tp, ignored, gt_count):
    ap, totals = ranked.average_precision()
    curves, expected = class_curves(tp, ignored, gt_count)
    np.testing.assert_array_equal(ap, average_precision(curves) if gt_count else 0.0)
    np.testing.assert_array_equal(totals, expected)


def random_masks(rng, size, falling):
    """Masks that are true positives more often at the top, nested as IoU thresholds make them."""
    chance = 0.95 - falling * np.arange(size) / max(size, 1)
    reached = rng.binomial(10, chance)
    reached[rng.random(size) > chance] = 0
    return ((1 << reached) - 1).astype(np.uint16)


def test_no_predictions_and_no_ground_truth_give_zero_and_follow_what_is_added():
    none = np.zeros(0, np.uint16)
    ranked = FewRanked(none, none, 0)
    assert_equal(ranked, none, none, 0)
    ranked.add_ground_truth(3)
    assert_equal(ranked, none, none, 3)


@pytest.mark.parametrize("size", [1, 33, 512, 513, 5000, 20_000])
@pytest.mark.parametrize("ignoring", [False, True])
def test_random_changes_keep_every_bit(size, ignoring):
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


def test_hits_that_only_vanish_or_only_come_do_not_drift():
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
