"""The greatest precision from the true positive at which a recall is reached to the end of its block.

Which true positive this is changes as earlier ones are added and removed, and with the number of ground-truth boxes.
Therefore each recall point has a window: consecutive true positives around the needed one. For each of them a table
holds the best point from there to the end of the last block of the window, with the bounds between which it stays the
best. Most changes only require another row of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from iouviewer.metrics.coco_curve import RECALLS
from iouviewer.metrics.hull_blocks import FAR, best_from_each_point, best_point, shift_best_points
from iouviewer.metrics.rank_masks import CURVES, RankMasks
from iouviewer.metrics.table import Bool, Float, Int

WINDOW = 128
"""Most true positives in a window."""
_MAX_REACH = 8192
"""About the most predictions on either side of the needed one, however few true positives they contain."""
_POINTS = len(RECALLS)


class _Window(NamedTuple):
    """The true positives around the needed one.

    Attributes:
        first, last: ranks of the first and the last true positive in the table.
        end_block: number of the block after that of ``last``.
        before_k, before_n: true positives and counted predictions before the window.
        n: counted predictions from there up to each true positive, to the end of the last block.
    """

    first: int
    last: int
    end_block: int
    before_k: float
    before_n: float
    n: Float


class RecallWindows:
    """Windows of all recall points at all thresholds."""

    def __init__(self, masks: RankMasks) -> None:
        self._masks = masks
        self._reach = max(1, _MAX_REACH // masks.block)
        self._numbers: Float = np.arange(1.0, (2 * self._reach + 1) * masks.block + 1.0)
        # By threshold and recall point: ranks of the first and the last true positive of the window; rank at which the
        # block after the window starts, and its place in the flattened array of block precisions; number of true
        # positives in the window (0: it must be rebuilt); true positives and counted predictions before it.
        self._first = np.zeros((CURVES, _POINTS), np.int64)
        self._last = np.zeros((CURVES, _POINTS), np.int64)
        self._end = np.zeros((CURVES, _POINTS), np.int64)
        self._end_block = np.zeros((CURVES, _POINTS), np.int64)
        self._count = np.zeros((CURVES, _POINTS), np.uint64)
        self._before = np.zeros((2, CURVES, _POINTS))
        # By true positive of the window: k and n of the best point from there on, least and greatest slope.
        self._table = np.zeros((CURVES, _POINTS, WINDOW, 4))
        self._table[..., 1] = 1.0
        self._flat_table = self._table.reshape(-1, 4)
        self._row = np.arange(CURVES * _POINTS).reshape(CURVES, _POINTS) * WINDOW

    def apply_change(self, rows: slice, rank: int, k: int, n: int) -> None:
        """Update the windows after a change at ``rank``: ``k`` more true positives, ``n`` more counted predictions."""
        later = self._first[rows] > rank
        for row, more in enumerate((k, n)):
            if more:
                self._before[row, rows] += later if more == 1 else more * later
        inside = self._end[rows] > rank
        inside &= ~later
        for curve, point in zip(*(places.tolist() for places in inside.nonzero()), strict=True):
            self._change_inside(curve + rows.start, point, rank, k, n)

    def _change_inside(self, t: int, point: int, rank: int, k: int, n: int) -> None:
        """Update one window for a change between its first true positive and the end of its last block."""
        first = int(self._first[t, point])
        if n or rank <= self._last[t, point] or not self._masks.has_no_ignored(t, first, rank):
            self._count[t, point] = 0
        elif k:
            shift_best_points(self._table[t, point], rank - first + 1.0, k)

    def precision(self, rows: slice, needed: Int, reached: Bool, best_from: Float) -> Float:
        """(C, 101) greatest precision at each recall or a higher one, at some thresholds.

        Args:
            needed: (101,) number of true positives at which each recall is reached.
            reached: (C, 101) whether there are so many; elsewhere the result is undefined.
            best_from: (10, blocks + 1) greatest precision from each block on.
        """
        row, before = self._row[rows], self._before[:, rows]
        place = (needed - 1 - before[0]).astype(np.int64)
        stale = place.view(np.uint64) >= self._count[rows]
        stale &= reached
        if np.count_nonzero(stale):
            self._rebuild(rows, self._with_drifted(rows, place, stale, reached), needed)
            place = (needed - 1 - before[0]).astype(np.int64)
        k, n, low, high = self._flat_table.take(row + place, axis=0, mode="clip").transpose(2, 0, 1)
        precision: Float = (k + before[0]) / (n + before[1])
        outdated = (precision < low) | (precision > high)
        outdated &= reached
        if np.count_nonzero(outdated):
            self._rebuild(rows, outdated, needed)
            place = (needed - 1 - before[0]).astype(np.int64)
            k, n, _, _ = self._flat_table.take(row + place, axis=0, mode="clip").transpose(2, 0, 1)
            precision = (k + before[0]) / (n + before[1])
        return np.maximum(precision, best_from.reshape(-1).take(self._end_block[rows]), out=precision)

    def _with_drifted(self, rows: slice, place: Int, stale: Bool, reached: Bool) -> Bool:
        """The stale windows, and of curves where one point left its window those that others will leave soon."""
        has_left: Bool = np.logical_and(stale, self._count[rows] > 0)
        if not has_left.any():
            return stale
        selected: Bool = np.abs(place - WINDOW // 2) > 3 * WINDOW // 8
        selected &= np.any(has_left, axis=1, keepdims=True)
        selected &= reached
        selected |= stale
        return selected

    def _rebuild(self, rows: slice, selected: Bool, needed: Int) -> None:
        """Centre the selected windows on the true positives that are needed."""
        windows: list[_Window] = []
        for curve in np.flatnonzero(selected.any(axis=1)).tolist():
            points = np.flatnonzero(selected[curve])
            windows += self._build_windows(curve + rows.start, needed[points])
        t, point = selected.nonzero()
        t += rows.start
        first, last, end_block, before_k, before_n, counts = zip(*windows, strict=True)
        before = np.array((before_k, before_n))
        k, n = _padded(counts)
        tails = [
            best_point(self._numbers[WINDOW : len(n)], n[WINDOW:], *outside)
            for n, *outside in zip(counts, before_k, before_n, strict=True)
        ]
        self._first[t, point], self._last[t, point] = first, last
        self._end[t, point] = np.array(end_block) * self._masks.block
        self._end_block[t, point] = t * (self._masks.blocks + 1) + end_block
        self._before[:, t, point] = before
        self._count[t, point] = [min(len(n), WINDOW) for n in counts]
        self._table[t, point] = best_from_each_point(k, n, np.array(tails).T, *before)

    def _build_windows(self, t: int, needed: Int) -> list[_Window]:
        """Windows around the true positives with the given numbers, at one threshold."""
        masks = self._masks
        counts = masks.k[t]
        lowest = np.maximum(needed - WINDOW // 2, 1)
        highest = np.minimum(lowest + WINDOW - 1, counts[-1])
        block, first, last = counts.searchsorted(np.stack((needed, lowest, highest))) - 1
        first = np.maximum(first, block - self._reach)
        last = np.minimum(last, block + self._reach) + 1
        skip = np.maximum(lowest - 1 - counts[first], 0).astype(np.int64)
        windows = []
        for start, end, skipped in zip(first.tolist(), last.tolist(), skip.tolist(), strict=True):
            hits, n = masks.hits(t, start, end)
            n = n[skipped:]
            before = float(n[0]) - 1.0
            n -= before
            windows.append(
                _Window(
                    first=start * masks.block + int(hits[skipped]),
                    last=start * masks.block + int(hits[min(skipped + WINDOW, len(hits)) - 1]),
                    end_block=end,
                    before_k=float(counts[start]) + skipped,
                    before_n=float(masks.n[t, start]) + before,
                    n=n,
                )
            )
        return windows


def _padded(counts: Sequence[Float]) -> tuple[Float, Float]:
    """(M, WINDOW) k and n of the first true positives, padded with points too far away to be the best."""
    numbers = np.arange(1.0, WINDOW + 1.0)
    k, n = np.tile(numbers, (len(counts), 1)), np.tile(numbers * FAR, (len(counts), 1))
    for row, values in enumerate(counts):
        n[row, : len(values)] = values[:WINDOW]
        k[row, len(values) :] = 0.0
    return k, n
