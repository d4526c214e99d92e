"""The greatest precision from the true positive at which a recall is reached to the end of its block.

Which true positive that is wanders as others before it come and go, and as ground truth does. Therefore each recall
point has a window: some consecutive true positives around the one needed, and for each of them the best point from
there to the end of the block behind the window, with the bounds between which it stays the best. Looking up one row is
all that most changes need.
"""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.coco_curve import RECALLS
from iouviewer.metrics.rank_masks import BLOCK, CURVES, RankMasks
from iouviewer.metrics.stretches import FAR, best_of_each_rest, best_points
from iouviewer.metrics.table import Bool, Float, Int

WINDOW = 128
_SPARSE = 8
"""A window reaches no further than so many blocks from the one that holds the true positive it was laid around."""
_POINTS = len(RECALLS)
_NUMBERS: Float = np.arange(1.0, (2 * _SPARSE + 1) * BLOCK + 1.0)
_FAR_OFF = _NUMBERS * FAR


class RecallWindows:
    """Windows of all recall points at all thresholds."""

    def __init__(self, masks: RankMasks) -> None:
        self._masks = masks
        # Per threshold and recall point: rank of the window's first true positive; where the block behind it begins;
        # how many true positives it has (0: it must be laid anew); true positives and counted predictions before it.
        self._start = np.zeros((CURVES, _POINTS), np.int64)
        self._end = np.zeros((CURVES, _POINTS), np.int64)
        self._behind = np.zeros((CURVES, _POINTS), np.int64)
        self._count = np.zeros((CURVES, _POINTS), np.uint64)
        self._before = np.zeros((2, CURVES, _POINTS))
        # Per true positive of the window: k and n of the best point from there on, the least and the greatest slope.
        self._table = np.zeros((CURVES, _POINTS, WINDOW, 4))
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
        np.putmask(self._count[rows], inside, 0)

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
        if stale.any():
            self._lay(rows, self._drifted(rows, place, stale, reached), needed)
            place = (needed - 1 - before[0]).astype(np.int64)
        with np.errstate(divide="ignore", invalid="ignore"):
            k, n, low, high = self._flat.take(first + place, axis=0, mode="clip").transpose(2, 0, 1)
            precision: Float = (k + before[0]) / (n + before[1])
            wrong = (precision < low) | (precision > high)
            wrong &= reached
            if wrong.any():
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
        laid: list[tuple[int, int, float, float, Float]] = []
        for curve in np.flatnonzero(wanted.any(axis=1)).tolist():
            points = np.flatnonzero(wanted[curve])
            laid += self._around(curve + rows.start, needed[points])
        t, point = wanted.nonzero()
        t += rows.start
        start, end, before_k, before_n, hits = zip(*laid, strict=True)
        before = np.array((before_k, before_n))
        lengths = np.array([len(n) for n in hits])
        k, n = _padded(hits, lengths, max(WINDOW + 1, int(lengths.max())))
        rest = best_points(n[:, WINDOW:] < FAR, k[:, WINDOW:], n[:, WINDOW:], *before)
        self._start[t, point], self._end[t, point] = start, np.array(end) * BLOCK
        self._behind[t, point] = t * (self._masks.blocks + 1) + end
        self._before[:, t, point] = before
        self._count[t, point] = np.minimum(lengths, WINDOW)
        self._table[t, point] = best_of_each_rest(k[:, :WINDOW], n[:, :WINDOW], rest, *before)

    def _around(self, t: int, needed: Int) -> list[tuple[int, int, float, float, Float]]:
        """What lies around true positives of one threshold.

        Returns:
            For each: rank of the window's first true positive, number of the block after the last, true positives and
            counted predictions before the window, and counted predictions from there down to each true positive.
        """
        masks = self._masks
        counts = masks.k[t]
        lowest = np.maximum(needed - WINDOW // 2, 1)
        highest = np.minimum(lowest + WINDOW - 1, counts[-1])
        block, first, last = counts.searchsorted(np.stack((needed, lowest, highest))) - 1
        first = np.maximum(first, block - _SPARSE)
        last = np.minimum(last, block + _SPARSE) + 1
        skip = np.maximum(lowest - 1 - counts[first], 0).astype(np.int64)
        found = []
        for here, behind, skipped in zip(first.tolist(), last.tolist(), skip.tolist(), strict=True):
            hits, n = masks.hits(t, here, behind)
            n = n[skipped:]
            nothing = float(n[0]) - 1.0
            n -= nothing
            start = here * BLOCK + int(hits[skipped])
            found.append((start, behind, float(counts[here]) + skipped, float(masks.n[t, here]) + nothing, n))
        return found


def _padded(rows: tuple[Float, ...], lengths: Int, width: int) -> tuple[Float, Float]:
    """(M, width) k and n of the true positives; behind them stand points too far off to be the best of anything."""
    n = np.empty((len(rows), width))
    n[:] = _FAR_OFF[:width]
    for row, values in enumerate(rows):
        n[row, : len(values)] = values
    return np.where(np.arange(width) < lengths[:, None], _NUMBERS[:width], 0.0), n
