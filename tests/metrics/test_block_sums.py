"""Sums that are updated frame by frame."""

from __future__ import annotations

import math

import numpy as np

from iouviewer.metrics.block_sums import BLOCK, BlockSums


def test_no_frames_sum_to_zero():
    assert BlockSums(np.zeros((2, 0))).totals() == [0.0, 0.0]


def test_a_hundred_thousand_changes_equal_a_recomputation_bit_for_bit():
    rng = np.random.default_rng(0)
    values = rng.random((3, BLOCK * 2 + 17))
    sums = BlockSums(values)
    frames = rng.integers(values.shape[1], size=100_000)
    for frame, row in zip(frames.tolist(), rng.random((100_000, 3)).tolist(), strict=True):
        values[:, frame] = row
        sums.set(frame, tuple(row))
    assert sums.totals() == BlockSums(values).totals()
    np.testing.assert_array_equal(sums.values, values)
    for total, column in zip(sums.totals(), values, strict=True):
        assert math.isclose(total, math.fsum(column), rel_tol=1e-13)
