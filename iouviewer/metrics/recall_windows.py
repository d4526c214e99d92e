"""The greatest precision from the true positive at which a recall is reached to the end of its block.

Which true positive that is wanders as others before it come and go, and as ground truth does. Therefore each recall
point has a window: some consecutive true positives around the one needed, and for each of them the best point from
there to the end of the block behind the window, with the bounds between which it stays the best. Looking up one row is
all that most changes need.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iouviewer.metrics.coco_curve import RECALLS
from iouviewer.metrics.hull_blocks import FAR, best_point, best_points_of_tails, shift_best_points
from iouviewer.metrics.rank_masks import CURVES, RankMasks
from iouviewer.metrics.table import Bool, Float, Int

WINDOW = 128
_SPARSE = 8192
"""A window reaches about so many predictions to either side, however few true positives it holds."""
_POINTS = len(RECALLS)
_Laid = tuple[int, int, int, float, float, Float]


class RecallWindows:
    """Windows of all recall points at all thresholds."""

    def __init__(self, masks: RankMasks) -> None:
        self._masks = masks
        self._reach = max(1, _SPARSE // masks.block)
        self._numbers: Float = np.arange(1.0, (2 * self._reach + 1) * masks.block + 1.0)
        # Per threshold and recall point: rank of the window's first true positive, and of its last; where the block
        # behind it begins; how many true positives it has (0: it must be laid anew); true positives and counted
        # predictions before it.
        self._start = np.zeros((CURVES, _POINTS), np.int64)
        self._last = np.zeros((CURVES, _POINTS), np.int64)
        self._end = np.zeros((CURVES, _POINTS), np.int64)
        self._behind = np.zeros((CURVES, _POINTS), np.int64)
        self._count = np.zeros((CURVES, _POINTS), np.uint64)
        self._before = np.zeros((2, CURVES, _POINTS))
        # Per true positive of the window: k and n of the best point from there on, the least and the greatest slope.
        self._table = np.zeros((CURVES, _POINTS, WINDOW, 4))
        self._table[..., 1] = 1.0
        self._flat = self._table.reshape(-1, 4)
        self._first = np.arange(CURVES * _POINTS).reshape(CURVES, _POINTS) * WINDOW

    def change(self, rows: slice, rank: int, k: int, n: int) -> None:
        """At some thresholds there are ``k`` more true positives and ``n`` more counted predictions at ``rank``."""
        later = self._start[rows] > rank
        for row, more in enumerate((k, n)):
            if more:
                self._before[row, rows] += later if more == 1 else more * later
        inside = self._end[rows] > rank
        inside &= ~later
        for curve, point in zip(*(found.tolist() for found in inside.nonzero()), strict=True):
            self._change_inside(curve + rows.start, point, rank, k, n)

    def _change_inside(self, t: int, point: int, rank: int, k: int, n: int) -> None:
        """Something changed between a window's first true positive and the end of the block behind it."""
        start = int(self._start[t, point])
        if n or rank <= self._last[t, point] or not self._masks.all_count(t, start, rank):
            self._count[t, point] = 0
        elif k:
            shift_best_points(self._table[t, point], rank - start + 1.0, k)

    def precision(self, rows: slice, needed: Int, reached: Bool, behind: Float) -> Float:
        """(C, 101) greatest precision at each recall or a higher one at some thresholds.

        Args:
            needed: (101,) the number of the true positive at which a recall is reached.
            reached: (C, 101) whether there are so many; precision is undefined where there are not.
            behind: (10, blocks + 1) greatest precision from each block on.
        """
        first, before = self._first[rows], self._before[:, rows]
        place = (needed - 1 - before[0]).astype(np.int64)
        stale = place.view(np.uint64) >= self._count[rows]
        stale &= reached
        if np.count_nonzero(stale):
            self._lay(rows, self._drifted(rows, place, stale, reached), needed)
            place = (needed - 1 - before[0]).astype(np.int64)
        k, n, low, high = self._flat.take(first + place, axis=0, mode="clip").transpose(2, 0, 1)
        precision: Float = (k + before[0]) / (n + before[1])
        wrong = (precision < low) | (precision > high)
        wrong &= reached
        if np.count_nonzero(wrong):
            self._lay(rows, wrong, needed)
            place = (needed - 1 - before[0]).astype(np.int64)
            k, n, _, _ = self._flat.take(first + place, axis=0, mode="clip").transpose(2, 0, 1)
            precision = (k + before[0]) / (n + before[1])
        return np.maximum(precision, behind.reshape(-1).take(self._behind[rows]), out=precision)

    def _drifted(self, rows: slice, place: Int, stale: Bool, reached: Bool) -> Bool:
        """Where one point has left its window, the others will soon: those far from the middle."""
        left: Bool = np.logical_and(stale, self._count[rows] > 0)
        if not left.any():
            return stale
        far: Bool = np.abs(place - WINDOW // 2) > 3 * WINDOW // 8
        far &= np.any(left, axis=1, keepdims=True)
        far &= reached
        far |= stale
        return far

    def _lay(self, rows: slice, wanted: Bool, needed: Int) -> None:
        """Lay windows around the true positives that are needed."""
        laid: list[_Laid] = []
        for curve in np.flatnonzero(wanted.any(axis=1)).tolist():
            points = np.flatnonzero(wanted[curve])
            laid += self._around(curve + rows.start, needed[points])
        t, point = wanted.nonzero()
        t += rows.start
        start, last, end, before_k, before_n, hits = zip(*laid, strict=True)
        before = np.array((before_k, before_n))
        k, n = _padded(hits)
        rest = [
            best_point(self._numbers[WINDOW : len(n)], n[WINDOW:], *counts)
            for n, *counts in zip(hits, before_k, before_n, strict=True)
        ]
        self._start[t, point], self._last[t, point], self._end[t, point] = (
            start,
            last,
            np.array(end) * self._masks.block,
        )
        self._behind[t, point] = t * (self._masks.blocks + 1) + end
        self._before[:, t, point] = before
        self._count[t, point] = [min(len(n), WINDOW) for n in hits]
        self._table[t, point] = best_points_of_tails(k, n, np.array(rest).T, *before)

    def _around(self, t: int, needed: Int) -> list[_Laid]:
        """What lies around true positives of one threshold.

        Returns:
            For each: rank of the window's first true positive, and of its last, number of the block after that, true
            positives and counted predictions before the window, and counted predictions from there down to each true
            positive.
        """
        masks = self._masks
        counts = masks.k[t]
        lowest = np.maximum(needed - WINDOW // 2, 1)
        highest = np.minimum(lowest + WINDOW - 1, counts[-1])
        block, first, last = counts.searchsorted(np.stack((needed, lowest, highest))) - 1
        first = np.maximum(first, block - self._reach)
        last = np.minimum(last, block + self._reach) + 1
        skip = np.maximum(lowest - 1 - counts[first], 0).astype(np.int64)
        found = []
        for here, behind, skipped in zip(first.tolist(), last.tolist(), skip.tolist(), strict=True):
            hits, n = masks.hits(t, here, behind)
            n = n[skipped:]
            nothing = float(n[0]) - 1.0
            n -= nothing
            start = here * masks.block + int(hits[skipped])
            end = here * masks.block + int(hits[min(skipped + WINDOW, len(hits)) - 1])
            found.append((start, end, behind, float(counts[here]) + skipped, float(masks.n[t, here]) + nothing, n))
        return found


def _padded(hits: Sequence[Float]) -> tuple[Float, Float]:
    """(M, WINDOW) k and n of the first true positives; where there are fewer, points too far off to be the best."""
    numbers = np.arange(1.0, WINDOW + 1.0)
    k, n = np.tile(numbers, (len(hits), 1)), np.tile(numbers * FAR, (len(hits), 1))
    for row, values in enumerate(hits):
        n[row, : len(values)] = values[:WINDOW]
        k[row, len(values) :] = 0.0
    return k, n
