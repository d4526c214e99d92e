"""The best point of a block of a precision curve, and the range of precision in which it stays the best.

A block is a run of consecutive predictions. Its points are (n, k): k true positives among n counted predictions, both
counted from the start of the block. Let N and K be the counts before the block. Then the greatest precision
(K + k) / (N + n) is at the point where a line from (-N, -K) touches the upper hull of the points. This point stays the
best while its precision is between two slopes: at most the least slope from the points before it to it, and at least
the greatest slope from it to the points after it. All counts are small integers, so no comparison of two quotients
depends on rounding.
"""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.table import Bool, Float

NO_HIT = -(2.0**40)
"""k of the best point of a block without a true positive: its precision is always negative."""

FAR = 2.0**40
"""An n greater than that of any block: a point there is never the best if there is another point."""

_SHIFT = 4.0
"""More than the difference of any two slopes that are compared."""
_NO_SLOPE = 1.5
"""Greater than any slope: slopes are at most 1, because each true positive is a prediction."""
_ROUNDING = 1e-12
"""More than the rounding error of shifting; a bound that is too narrow only causes another search."""

Best = tuple[float, float, float, float]
"""k and n of the best point, counted from the start of the block, then the bounds of its precision: least and greatest
slope."""


def best_point(k: Float, n: Float, before_k: float, before_n: float) -> Best:
    """The best of (P,) points, ordered by n; of equal ones the first.

    Args:
        before_k, before_n: counts before the block.
    """
    count = len(k)
    if not count:
        return NO_HIT, 1.0, -np.inf, np.inf
    top = int(((k + before_k) / (n + before_n)).argmax())
    top_k, top_n = float(k[top]), float(n[top])
    low, high = -np.inf, np.inf
    if top:
        high = float(((top_k - k[:top]) / (top_n - n[:top])).min())
    if top + 1 < count:
        low = float(((k[top + 1 :] - top_k) / (n[top + 1 :] - top_n)).max())
    return top_k, top_n, low, high


def shift_best_point(best: Best, place: int, more: int) -> Best | None:
    """Update a best point after one prediction of its block became a true positive, or no longer is one.

    All predictions of the block must count, so the prediction at ``place`` (from 1) has n = place. The new bounds may
    be narrower than necessary, but never wider: a slope to a point beyond the change grows or shrinks by one over the
    distance to that point, so at most by one over the distance to the change.

    Args:
        best: from ``best_point``.
        more: change of the number of true positives, 1 or -1.

    Returns:
        The same point with its new values; None if it may no longer be the best.
    """
    k, n, low, high = best
    if k < 1.0 or place == n:
        return None
    if place > n:
        return (k, n, low if more < 0 else max(low, 0.0) + 1.0 / (place - n) + _ROUNDING, high)
    if more < 0:
        return k - 1.0, n, low, high - 1.0 / (n - place + 1.0) - _ROUNDING
    # If the best point is the only true positive so far, the new one is the only point before it.
    return k + 1.0, n, low, high if k > 1.0 else 1.0 / (n - place) - _ROUNDING


def shift_best_points(table: Float, place: float, more: int) -> None:
    """``shift_best_point`` for runs of predictions with the same end and different starts before the change.

    Args:
        table: (L, 4) k, n, least and greatest slope of each, counted from the same prediction; modified in place. If a
            best point is no longer a true positive, its least slope becomes infinite, so that no precision reaches it.
        place: n of the prediction that changed.
        more: change of the number of true positives, 1 or -1.
    """
    k, n, low, high = table.T
    before = n < place
    with np.errstate(divide="ignore"):
        if more > 0:
            np.copyto(low, np.maximum(low, 0.0) + (1.0 / (place - n) + _ROUNDING), where=before)
            k += ~before
        else:
            beyond = n > place
            k -= beyond
            np.subtract(high, 1.0 / (n - place + 1.0) + _ROUNDING, out=high, where=beyond)
            low[n == place] = np.inf


def best_points(hit: Bool, k: Float, n: Float, before_k: Float, before_n: Float) -> Float:
    """``best_point`` for many blocks of equal length.

    Args:
        hit: (M, L) bool, true positives.
        k, n: (M, L) counts up to and including each prediction.
        before_k, before_n: (M,) counts before each block.

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
    best = np.stack((top_k, top_n, low, high))
    best[:, ~hit.any(axis=1)] = np.array((NO_HIT, 1.0, -np.inf, np.inf))[:, None]
    return best


def best_from_each_point(k: Float, n: Float, tail: Float, before_k: Float, before_n: Float) -> Float:
    """For each point, the best of this point, all later ones, and a tail of further points.

    A point that is better than the best later point stays better while the precision is at least the slope between the
    two, and at least the later point's own least slope: no further point lies above both lines. For a point that is
    worse, the slope between the two is another upper bound.

    Args:
        k, n: (M, L) counts up to and including each point; where there is no point, n >= FAR, increasing, and k = 0.
        tail: (4, M), the best point of each tail, from ``best_points``.
        before_k, before_n: (M,) counts before the first point.

    Returns:
        (M, L, 4): k, n, least and greatest slope.
    """
    rows, length = k.shape
    points = np.empty((2, rows, length + 1))
    points[0, :, :-1], points[1, :, :-1] = k, n
    has_tail = tail[0] >= 0.0
    points[0, :, -1], points[1, :, -1] = np.where(has_tail, tail[0], 0.0), np.where(has_tail, tail[1], FAR * FAR)
    precision = (points[0] + before_k[:, None]) / (points[1] + before_n[:, None])
    greatest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    is_best = precision >= greatest
    place = np.where(is_best, np.arange(length + 1), length)
    place = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    best = np.take_along_axis(points, place[None], axis=2)
    slope = np.empty((rows, length + 1))
    deltas = best[:, :, 1:] - points[:, :, :-1]
    np.divide(deltas[0], deltas[1], out=slope[:, :-1])
    result = np.empty((rows, length + 1, 4))
    result[:, :, 0], result[:, :, 1] = best
    slope[:, -1] = tail[2]
    low = np.where(is_best, slope, -np.inf)
    np.maximum.accumulate(low[:, ::-1], axis=1, out=result[:, ::-1, 2])
    # The upper bounds start over at each best point. One running minimum from right to left does this for all of them,
    # because the values from each best point on are shifted below all values before.
    shift = _SHIFT * np.cumsum(is_best[:, ::-1], axis=1)[:, ::-1]
    high = np.minimum.accumulate((np.where(is_best, 2.0, slope) - shift)[:, ::-1], axis=1)[:, ::-1] + shift
    np.copyto(high, np.inf, where=high > _NO_SLOPE)
    np.minimum(high, np.where(place == length, tail[3][:, None], np.inf), out=high)
    np.subtract(high, _ROUNDING, out=result[:, :, 3])
    return result[:, :-1]
