"""The best point of a stretch of a precision curve, and between which slopes it stays the best.

A point is (n, k): k true positives among n predictions that count. Seen from (-N, -K), the counts before the stretch,
the greatest precision (K + k) / (N + n) is where the tangent to the points touches. The point found stays the best as
long as that precision lies between the slopes to the others: at most the least slope from the points on its left, at
least the greatest to the points on its right. All numbers are small integers, so that no comparison of two quotients
is decided by rounding.
"""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.table import Bool, Float, Int

NOTHING = -(2.0**40)
"""Numerator where there is no true positive: the quotient is negative wherever it stands."""

Best = tuple[float, float, float, float]
"""k and n of the best point, counted from the beginning of the stretch, and the least and greatest slope."""


def best_point(k: Float, n: Float, before_k: float, before_n: float) -> Best:
    """The best of (P,) points, ordered by n; the first of equal ones."""
    count = len(k)
    if not count:
        return NOTHING, 1.0, -np.inf, np.inf
    top = int(((k + before_k) / (n + before_n)).argmax())
    top_k, top_n = float(k[top]), float(n[top])
    low, high = -np.inf, np.inf
    if top:
        high = float(((top_k - k[:top]) / (top_n - n[:top])).min())
    if top + 1 < count:
        low = float(((k[top + 1 :] - top_k) / (n[top + 1 :] - top_n)).max())
    return top_k, top_n, low, high


def best_points(hit: Bool, k: Float, n: Float, before_k: Float, before_n: Float) -> Float:
    """The same for many stretches of equal length at once.

    Args:
        hit: (M, L) which predictions are true positives of the stretch.
        k, n: (M, L) counts down to each prediction.
        before_k, before_n: (M,) counts before each stretch.

    Returns:
        (4, M): k, n, least and greatest slope.
    """
    row = np.arange(len(hit))
    precision = np.full(k.shape, -1.0)
    np.divide(before_k[:, None] + k, before_n[:, None] + n, out=precision, where=hit)
    top = np.argmax(precision, axis=1)
    top_k, top_n = k[row, top], n[row, top]
    others = hit.copy()
    others[row, top] = False
    slope = np.divide(k - top_k[:, None], n - top_n[:, None], out=precision, where=others)
    left = np.arange(k.shape[1]) < top[:, None]
    high = np.min(slope, axis=1, where=others & left, initial=np.inf)
    low = np.max(slope, axis=1, where=others & ~left, initial=-np.inf)
    found = np.stack((top_k, top_n, low, high))
    found[:, ~hit.any(axis=1)] = np.array((NOTHING, 1.0, -np.inf, np.inf))[:, None]
    return found


def place_of_hit(hit: Bool, number: Int) -> Int:
    """(M,) where the ``number``-th true positive (1 the first) of each row stands."""
    place: Int = np.count_nonzero(np.cumsum(hit, axis=1, dtype=np.int32) < number[:, None], axis=1)
    return place
