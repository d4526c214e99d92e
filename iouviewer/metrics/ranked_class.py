"""Average precision of one class over predictions in a fixed order, kept current as single predictions change.

The precision at the k-th true positive is k / n, n the predictions that count down to it. Interpolated precision at a
recall is the greatest such quotient from some k on. One prediction that changes shifts k or n of everything that stands
behind it, which is why the curve cannot simply be patched. But inside a stretch of consecutive predictions all points
(n, k) shift together, and then the stretch's best point nearly always stays the same one: seen from (-N, -K), the
counts before the stretch, it is where the tangent to the points touches. Every stretch therefore remembers its best
point and between which two slopes it stays the best (those to its neighbours on the convex hull). A change looks anew
where it happened; all other stretches cost a division and two comparisons.

For each recall point the curve is cut in three: a short window around the true positive at which this recall is
reached, taken point by point, so that this place may wander; the rest of the window's block; and the blocks behind it.
All counts are integers and each quotient is rounded once, so the result has the bits of a computation from the start.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from iouviewer.metrics.coco_curve import RECALLS, average_precision, class_curves, needed_hits
from iouviewer.metrics.coco_matching import ALL, THRESHOLDS, Masks
from iouviewer.metrics.table import Float, Int

_BLOCK = 512
_WINDOW = 32
_FEW = 4096
_NOTHING = -(2.0**40)
"""Numerator where there is no true positive: the quotient is negative wherever it stands."""
_NUMBERS: Float = np.arange(1.0, _BLOCK + 1.0)
_POINTS = len(RECALLS)

Best = tuple[float, float, float, float]
"""k and n of a stretch's best point, counted from its beginning, and the slopes between which it stays the best."""


class FewRanked:
    """The same as ``RankedClass`` for so few predictions that computing anew is the quickest."""

    def __init__(self, tp: Masks, ignored: Masks, gt_count: int) -> None:
        self._tp, self._ignored = tp.copy(), ignored.copy()
        self.gt_count = gt_count
        self._found: tuple[Float, Int] | None = None

    def add_ground_truth(self, change: int) -> None:
        """Count ``change`` more (or fewer) boxes."""
        self.gt_count += change
        self._found = None

    def set(self, rank: int, tp: int, ignored: int) -> None:
        """Say anew what the prediction at ``rank`` is."""
        self._tp[rank], self._ignored[rank] = tp, ignored
        self._found = None

    def average_precision(self) -> tuple[Float, Int]:
        """AP (10,) and numbers of true positives (10,), per threshold."""
        if self._found is None:
            curves, totals = class_curves(self._tp, self._ignored, self.gt_count)
            self._found = average_precision(curves), totals
        return self._found


class _Flags:
    """What each prediction is at one threshold, seen as stretches."""

    def __init__(self, tp: Masks, ignored: Masks, bit: int) -> None:
        self._tp, self._ignored, self._bit = tp, ignored, np.uint16(bit)

    def hits(self, start: int, end: int) -> Int:
        """Places of the true positives among the predictions start..end, counted from ``start``."""
        return (self._tp[start:end] & self._bit).nonzero()[0]

    def skipped(self, start: int, end: int) -> Int | None:
        """How many of the predictions from ``start`` to each one, itself included, don't count; None: they all do."""
        ignored = (self._ignored[start:end] & self._bit) != 0
        return ignored.cumsum() if ignored.any() else None

    def best(self, start: int, end: int, before_k: float, before_n: float) -> Best:
        """The best point of a stretch behind ``before_k`` true positives among ``before_n`` that count."""
        hits = self.hits(start, end)
        count = len(hits)
        if not count:
            return _NOTHING, 1.0, -np.inf, np.inf
        k, n = _NUMBERS[:count], hits + 1.0
        skipped = self.skipped(start, end)
        if skipped is not None:
            n -= skipped[hits]
        top = int(((k + before_k) / (n + before_n)).argmax())
        top_k, top_n = float(k[top]), float(n[top])
        high, low = np.inf, -np.inf
        if top:
            high = float(((top_k - k[:top]) / (top_n - n[:top])).min())
        if top + 1 < count:
            low = float(((k[top + 1 :] - top_k) / (n[top + 1 :] - top_n)).max())
        return top_k, top_n, low, high

    def window(self, start: int, end: int) -> tuple[Float, Float]:
        """k and n (WINDOW,) of each prediction of a window, counted from its start; k < 0 where there is no hit."""
        hits = self.hits(start, end)
        k, n = np.full(_WINDOW, _NOTHING), np.arange(1.0, _WINDOW + 1.0)
        k[hits] = _NUMBERS[: len(hits)]
        skipped = self.skipped(start, end)
        if skipped is not None:
            n[: len(skipped)] -= skipped
            np.maximum(n, 1.0, out=n)
        return k, n


class _Curve:
    """The precision curve of one threshold."""

    def __init__(self, flags: _Flags, size: int) -> None:
        self._flags, self._size = flags, size
        blocks = -(-size // _BLOCK)
        starts = range(0, blocks * _BLOCK, _BLOCK)
        # Counts before each block, and in all.
        self._k, self._n = np.zeros(blocks + 1), np.zeros(blocks + 1)
        hits = [len(flags.hits(start, start + _BLOCK)) for start in starts]
        skips = [flags.skipped(start, start + _BLOCK) for start in starts]
        np.cumsum(hits, out=self._k[1:])
        counted = [_BLOCK - (0 if skipped is None else int(skipped[-1])) for skipped in skips]
        counted[-1] -= blocks * _BLOCK - size
        np.cumsum(counted, out=self._n[1:])
        self._best = np.empty((4, blocks))
        self._precision = np.empty(blocks)
        self._behind = np.zeros(blocks + 1)
        self._stale_blocks = set(range(blocks))
        self._from_block = 0
        # Per recall point: where its window starts, the counts before it, its points, and the rest of its block.
        self._start = np.full(_POINTS, -1)
        self._before = np.zeros((2, _POINTS))
        self._window = np.zeros((2, _POINTS, _WINDOW))
        self._rest = np.zeros((4, _POINTS))
        self._rest_before = np.zeros((2, _POINTS))
        self._stale_points = np.ones(_POINTS, np.bool_)
        self._local = np.zeros(_POINTS)

    @property
    def hits(self) -> int:
        """True positives in all."""
        return int(self._k[-1])

    def change(self, rank: int, k: int, n: int) -> None:
        """A prediction became ``k`` more true positives and ``n`` more that count (-1, 0 or 1)."""
        block = rank // _BLOCK
        for row, more in enumerate((k, n)):
            if more:
                (self._k if row == 0 else self._n)[block + 1 :] += more
                self._before[row, self._start > rank] += more
                self._rest_before[row, self._start + _WINDOW > rank] += more
        self._stale_blocks.add(block)
        self._from_block = min(self._from_block, block)
        # Windows in which it stands, or in whose block's rest.
        end = self._start + _WINDOW
        self._stale_points |= (self._start <= rank) & (rank < -(-(end + 1) // _BLOCK) * _BLOCK)

    def interpolated(self, needed: Int) -> Float:
        """(101,) interpolated precision; ``needed`` true positives reach each recall."""
        reached = int(needed.searchsorted(self.hits, side="right"))
        q = np.zeros(_POINTS)
        if reached:
            self._update_blocks()
            self._update_points(needed[:reached])
            rest_block = (self._start[:reached] + _WINDOW) // _BLOCK
            behind = self._behind[np.minimum(rest_block + 1, len(self._behind) - 1)]
            np.maximum(self._local[:reached], behind, out=q[:reached])
        return q

    def _update_blocks(self) -> None:
        self._find_blocks(self._stale_blocks)
        self._stale_blocks.clear()
        first = self._from_block
        if first == len(self._precision):
            return
        k, n, low, high = self._best[:, first:]
        precision = (self._k[first:-1] + k) / (self._n[first:-1] + n)
        wrong = ((precision < low) | (precision > high)).nonzero()[0]
        if len(wrong):
            self._find_blocks((wrong + first).tolist())
            precision = (self._k[first:-1] + k) / (self._n[first:-1] + n)
        self._precision[first:] = precision
        np.maximum.accumulate(self._precision[::-1], out=self._behind[-2::-1])
        self._from_block = len(self._precision)

    def _find_blocks(self, blocks: Iterable[int]) -> None:
        for block in blocks:
            start = block * _BLOCK
            self._best[:, block] = self._flags.best(start, start + _BLOCK, self._k[block], self._n[block])

    def _update_points(self, needed: Int) -> None:
        """Bring the recall points up to date that are reached."""
        part = slice(len(needed))
        window, rest = self._window[:, part], self._rest[:, part]
        before, rest_before = self._before[:, part], self._rest_before[:, part]
        # The true positive that is needed has left the window.
        stale = self._stale_points[part] | (before[0] >= needed) | (rest_before[0] < needed)
        rest_precision = np.zeros(0)
        for _ in range(2):
            for point in stale.nonzero()[0].tolist():
                self._find_point(point, int(needed[point]))
            rest_precision = (rest_before[0] + rest[0]) / (rest_before[1] + rest[1])
            stale = (rest_precision < rest[2]) | (rest_precision > rest[3])
            if not stale.any():
                break
        k = before[0, :, None] + window[0]
        precision = k / (before[1, :, None] + window[1])
        precision *= k >= needed[:, None]
        np.maximum(precision.max(axis=1), rest_precision, out=self._local[part])

    def _find_point(self, point: int, needed: int) -> None:
        """Lay the window of a recall point around the true positive that it needs."""
        flags = self._flags
        block = int(self._k.searchsorted(needed)) - 1
        first = block * _BLOCK
        rank = first + int(flags.hits(first, first + _BLOCK)[needed - int(self._k[block]) - 1])
        start = max(rank - _WINDOW // 2, 0)
        end = start + _WINDOW
        self._start[point] = start
        self._before[:, point] = self._counts(start)
        self._rest_before[:, point] = before = self._counts(end)
        self._window[:, point] = flags.window(start, end)
        self._rest[:, point] = flags.best(end, (end // _BLOCK + 1) * _BLOCK, float(before[0]), float(before[1]))
        self._stale_points[point] = False

    def _counts(self, rank: int) -> tuple[float, float]:
        """True positives and counted predictions before ``rank``."""
        rank = min(rank, self._size)
        block = min(rank // _BLOCK, len(self._precision) - 1)
        start = block * _BLOCK
        skipped = self._flags.skipped(start, rank)
        k = self._k[block] + len(self._flags.hits(start, rank))
        n = self._n[block] + (rank - start) - (0 if skipped is None else skipped[-1])
        return float(k), float(n)


class RankedClass:
    """Predictions of one class by score, what they are at each threshold, and the AP that follows."""

    def __init__(self, tp: Masks, ignored: Masks, gt_count: int) -> None:
        """``tp`` and ``ignored`` are (R,) masks of thresholds in the order by score; copies are kept. R > 0."""
        self.gt_count = gt_count
        self._tp, self._ignored = tp.copy(), ignored.copy()
        numbers = range(len(THRESHOLDS))
        self._curves = [_Curve(_Flags(self._tp, self._ignored, 1 << t), len(tp)) for t in numbers]
        self._touched = ALL
        self._ap = np.zeros(len(THRESHOLDS))
        self._hits = np.zeros(len(THRESHOLDS), np.int64)
        self.average_precision()

    def add_ground_truth(self, change: int) -> None:
        """Count ``change`` more (or fewer) boxes."""
        self.gt_count += change
        self._touched = ALL

    def set(self, rank: int, tp: int, ignored: int) -> None:
        """Say anew what the prediction at ``rank`` is."""
        old_tp, old_ignored = int(self._tp[rank]), int(self._ignored[rank])
        self._tp[rank], self._ignored[rank] = tp, ignored
        changed = (old_tp ^ tp) | (old_ignored ^ ignored)
        self._touched |= changed
        for t, curve in enumerate(self._curves):
            bit = 1 << t
            if changed & bit:
                more = bool(tp & bit) - bool(old_tp & bit)
                curve.change(rank, more, bool(old_ignored & bit) - bool(ignored & bit))

    def average_precision(self) -> tuple[Float, Int]:
        """AP (10,) and numbers of true positives (10,), per threshold."""
        if self._touched:
            needed = needed_hits(self.gt_count) if self.gt_count else None
            for t, curve in enumerate(self._curves):
                if self._touched >> t & 1:
                    q = np.zeros(_POINTS) if needed is None else curve.interpolated(needed)
                    self._ap[t] = average_precision(q)
                    self._hits[t] = curve.hits
            self._touched = 0
        return self._ap, self._hits


def ranked(tp: Masks, ignored: Masks, gt_count: int) -> RankedClass | FewRanked:
    """The form that suits the number of predictions."""
    return (FewRanked if len(tp) <= _FEW else RankedClass)(tp, ignored, gt_count)
