"""The best point of a stretch of a precision curve, and between which slopes it stays the best.

A point is (n, k): k true positives among n predictions that count. Seen from (-N, -K), the counts before the stretch,
the greatest precision (K + k) / (N + n) is where the tangent to the points touches. The point found stays the best as
long as that precision lies between the slopes to the others: at most the least slope from the points on its left, at
least the greatest to the points on its right. All numbers are small integers, so that no comparison of two quotients
is decided by rounding.
"""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.table import Bool, Float

NOTHING = -(2.0**40)
"""Numerator where there is no true positive: the quotient is negative wherever it stands."""

FAR = 2.0**40
"""Number of predictions no stretch has: a point there is never the best where there is another one."""

_SHIFT = 4.0
_NO_SLOPE = 1.5
"""Slopes are at most 1: no true positive without a prediction."""
_ROUNDING = 1e-12
"""More than what shifting costs; a bound that is too narrow only makes one look again."""

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


def shift_best_point(best: Best, place: int, more: int) -> Best | None:
    """A best point after one prediction of its stretch became a true positive, or ceased to be one.

    All predictions of the stretch count, so that the one at ``place`` (from 1) has n = place. The bounds that follow
    may be narrower than they need be, never wider: slopes to points beyond the change grow or shrink by one over the
    distance, at most by one over the distance of the change itself.

    Args:
        best: as ``best_point`` gives it.
        more: 1 or -1 true positives.

    Returns:
        The same point, None where nothing is known of it.
    """
    k, n, low, high = best
    if k < 1.0 or place == n:
        return None
    if place > n:
        return (k, n, low if more < 0 else max(low, 0.0) + 1.0 / (place - n) + _ROUNDING, high)
    if more < 0:
        return k - 1.0, n, low, high - 1.0 / (n - place + 1.0) - _ROUNDING
    # With one true positive so far there is no point on the left but the new one.
    return k + 1.0, n, low, high if k > 1.0 else 1.0 / (n - place) - _ROUNDING


def shift_best_points(table: Float, place: float, more: int) -> None:
    """``shift_best_point`` for stretches that begin at different points before the change and end together.

    Args:
        table: (L, 4) k, n, least and greatest slope of each, counted from the same place; written to. A best point that
            is gone gets a least slope that no precision reaches.
        place: n of the prediction that changed.
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


def best_points_of_tails(k: Float, n: Float, rest: Float, before_k: Float, before_n: Float) -> Float:
    """For each point of a stretch the best of those from it on, the points of a rest behind included.

    Where a point is better than the best one behind it, it stays so as long as the precision is at least the slope
    between the two (and at least the latter's own least slope: no point beyond lies above both lines). Where it is
    worse, the slope is one more bound above.

    Args:
        k, n: (M, L) counts down to each point; n >= FAR, rising, and k = 0 where there is none.
        rest: (4, M) from ``best_points``.
        before_k, before_n: (M,) counts before each stretch.

    Returns:
        (M, L, 4): k, n, least and greatest slope.
    """
    rows, length = k.shape
    points = np.empty((2, rows, length + 1))
    points[0, :, :-1], points[1, :, :-1] = k, n
    some = rest[0] >= 0.0
    points[0, :, -1], points[1, :, -1] = np.where(some, rest[0], 0.0), np.where(some, rest[1], FAR * FAR)
    precision = (points[0] + before_k[:, None]) / (points[1] + before_n[:, None])
    greatest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    best_here = precision >= greatest
    where = np.where(best_here, np.arange(length + 1), length)
    where = np.minimum.accumulate(where[:, ::-1], axis=1)[:, ::-1]
    best = np.take_along_axis(points, where[None], axis=2)
    slope = np.empty((rows, length + 1))
    steps = best[:, :, 1:] - points[:, :, :-1]
    np.divide(steps[0], steps[1], out=slope[:, :-1])
    found = np.empty((rows, length + 1, 4))
    found[:, :, 0], found[:, :, 1] = best
    slope[:, -1] = rest[2]
    low = np.where(best_here, slope, -np.inf)
    np.maximum.accumulate(low[:, ::-1], axis=1, out=found[:, ::-1, 2])
    # The bounds above begin anew with each best point: those further left are shifted below all before.
    shift = _SHIFT * np.cumsum(best_here[:, ::-1], axis=1)[:, ::-1]
    high = np.minimum.accumulate((np.where(best_here, 2.0, slope) - shift)[:, ::-1], axis=1)[:, ::-1] + shift
    np.copyto(high, np.inf, where=high > _NO_SLOPE)
    np.minimum(high, np.where(where == length, rest[3][:, None], np.inf), out=high)
    np.subtract(high, _ROUNDING, out=found[:, :, 3])
    return found[:, :-1]
