"""Order and distinct values of long columns, faster than a comparison sort for suitable values."""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.table import Bool, Float, Int

_MIN_RADIX = 5_000
"""For fewer scores a comparison sort is fast enough."""
_MAX_KEY = float(2**32 - 1)


def order_by_score(scores: Float) -> Int:
    """Places of (N,) scores, highest first; equal ones stay in the given order (a stable sort)."""
    if len(scores) < _MIN_RADIX or scores.min() < 0.0 or scores.max() > 1.0:
        return np.argsort(-scores, kind="stable")
    # numpy uses a radix sort for 16-bit integers: two passes order the scores to 2**-32. Closer scores follow below.
    keys = (_MAX_KEY - scores * _MAX_KEY).astype(np.uint32)
    low = np.argsort(keys.astype(np.uint16), kind="stable")
    high = (keys >> np.uint32(16)).astype(np.uint16)
    order = low[np.argsort(high[low], kind="stable")]
    ranked = scores[order]
    if (ranked[1:] > ranked[:-1]).any():
        _sort_equal_keys(order, scores, keys[order])
    return order


def _sort_equal_keys(order: Int, scores: Float, keys: np.ndarray[tuple[int, ...], np.dtype[np.uint32]]) -> None:
    """Sort the entries of ``order`` that share a key by score, in place."""
    same: Bool = keys[1:] == keys[:-1]
    places = np.zeros(len(order), np.bool_)
    places[1:] = same
    places[:-1] |= same
    shared = np.flatnonzero(places)
    rows = order[shared]
    order[shared] = rows[np.lexsort((-scores[rows], keys[shared]))]


def distinct(values: Int) -> Int:
    """The distinct values of a column of integers, ascending."""
    if not len(values):
        return np.zeros(0, np.int64)
    low, high = int(values.min()), int(values.max())
    if low == high:
        return np.array([low], np.int64)
    if high - low > len(values) + 65_536:
        return np.unique(values)
    return np.flatnonzero(np.bincount(values - low)) + low
