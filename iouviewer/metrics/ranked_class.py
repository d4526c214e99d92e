"""Average precision of one class over predictions in a fixed order, kept current as single predictions change.

The precision at the k-th true positive is k / n, n the predictions that count down to it. Interpolated precision at a
recall is the greatest such quotient from some k on. One prediction that changes shifts k or n of everything that stands
behind it, which is why the curve cannot simply be patched. But inside a stretch of consecutive predictions all points
shift together, and then the stretch's best point nearly always stays the same one (see ``stretches``). A change looks
anew where it happened; all other stretches cost a division and two comparisons.

For each recall point the curve is cut in three: a short window around the true positive at which this recall is
reached, taken point by point, so that this place may wander; the rest of the window's block; and the blocks behind it.
All counts are integers and each quotient is rounded once, so the result has the bits of a computation from the start.
"""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.coco_curve import RECALLS, average_precision, class_curves, needed_hits
from iouviewer.metrics.coco_matching import ALL, THRESHOLDS, Masks
from iouviewer.metrics.stretches import NOTHING, Best, best_point, best_points, place_of_hit
from iouviewer.metrics.table import Bool, Float, Int

_BLOCK = 512
_WINDOW = 48
_FEW = 10_000
_AT_ONCE = 64
"""Stretches looked at in one go; their arrays stay in the cache."""
_FEW_STRETCHES = 7
"""Up to so many are quicker one by one."""
_GAP = 3
"""Curves that nothing happened to, but that are cheaper to take along than to leave out."""
_CURVES = len(THRESHOLDS)
_POINTS = len(RECALLS)
_NUMBERS: Float = np.arange(1.0, _BLOCK + 1.0)
_SPAN = np.arange(_WINDOW + _BLOCK)


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


class RankedClass:
    """Predictions of one class by score, what they are at each threshold, and the AP that follows."""

    def __init__(self, tp: Masks, ignored: Masks, gt_count: int) -> None:
        """``tp`` and ``ignored`` are (R,) masks of thresholds in the order by score; copies are kept. R > 0."""
        self.gt_count = gt_count
        self._blocks = blocks = -(-len(tp) // _BLOCK)
        # Behind the last prediction stand ignored ones, so that windows and blocks may reach beyond it.
        size = (blocks + 2) * _BLOCK
        self._tp, self._ignored = np.zeros(size, np.uint16), np.full(size, ALL, np.uint16)
        self._tp[: len(tp)], self._ignored[: len(tp)] = tp, ignored
        # Per threshold and block: true positives and counted predictions before it; its best point; its precision.
        self._k, self._n = np.zeros((_CURVES, blocks + 1)), np.zeros((_CURVES, blocks + 1))
        self._best = np.zeros((4, _CURVES, blocks))
        self._precision = np.zeros((_CURVES, blocks))
        self._behind = np.zeros((_CURVES, blocks + 1))
        self._from_block = [0] * _CURVES
        # Per threshold and recall point: where its window starts, the counts before it, its points; the rest of its
        # block, the counts before that; and the greatest precision of both.
        self._start = np.full((_CURVES, _POINTS), -1)
        self._before = np.zeros((2, _CURVES, _POINTS))
        self._window = np.ones((2, _CURVES, _POINTS, _WINDOW))
        self._rest = np.ones((4, _CURVES, _POINTS))
        self._rest_before = np.zeros((2, _CURVES, _POINTS))
        self._stale_points = np.ones((_CURVES, _POINTS), np.bool_)
        self._local = np.zeros((_CURVES, _POINTS))
        self._reached = [0] * _CURVES
        self._from_point = [0] * _CURVES
        self._count_blocks()
        self._stale_blocks = {(t, block) for t in range(_CURVES) for block in range(blocks)}
        self._touched = ALL
        self._ap = np.zeros(_CURVES)
        self.average_precision()

    def _count_blocks(self) -> None:
        rows = slice(0, self._blocks * _BLOCK)
        for t in range(_CURVES):
            bit = np.uint16(1 << t)
            hits = np.count_nonzero((self._tp[rows] & bit).reshape(-1, _BLOCK), axis=1)
            skipped = np.count_nonzero((self._ignored[rows] & bit).reshape(-1, _BLOCK), axis=1)
            np.cumsum(hits, out=self._k[t, 1:])
            np.cumsum(_BLOCK - skipped, out=self._n[t, 1:])

    def add_ground_truth(self, change: int) -> None:
        """Count ``change`` more (or fewer) boxes."""
        self.gt_count += change
        self._touched = ALL
        self._from_point = [0] * _CURVES

    def set(self, rank: int, tp: int, ignored: int) -> None:
        """Say anew what the prediction at ``rank`` is."""
        old_tp, old_ignored = int(self._tp[rank]), int(self._ignored[rank])
        self._tp[rank], self._ignored[rank] = tp, ignored
        changed = (old_tp ^ tp) | (old_ignored ^ ignored)
        self._touched |= changed
        for t in range(_CURVES):
            bit = 1 << t
            if changed & bit:
                more = bool(tp & bit) - bool(old_tp & bit)
                self._change(t, rank, more, bool(old_ignored & bit) - bool(ignored & bit))

    def _change(self, t: int, rank: int, k: int, n: int) -> None:
        """A prediction became ``k`` more true positives and ``n`` more that count (-1, 0 or 1) at a threshold."""
        block = rank // _BLOCK
        start = self._start[t]
        end = start + _WINDOW
        for row, more in enumerate((k, n)):
            if more:
                (self._n if row else self._k)[t, block + 1 :] += more
                self._before[row, t] += more * (start > rank)
                self._rest_before[row, t] += more * (end > rank)
        self._stale_blocks.add((t, block))
        self._from_block[t] = min(self._from_block[t], block)
        # What lies wholly before its block is not concerned; stale are windows in which it stands, or whose rest.
        before = end // _BLOCK < block
        self._stale_points[t] |= (start <= rank) & ~before
        self._from_point[t] = min(self._from_point[t], int(before.argmin()) if not before.all() else _POINTS)

    def average_precision(self) -> tuple[Float, Int]:
        """AP (10,) and numbers of true positives (10,), per threshold."""
        if self._touched:
            touched = [t for t in range(_CURVES) if self._touched >> t & 1]
            self._touched = 0
            self._find_blocks(list(self._stale_blocks))
            self._stale_blocks.clear()
            for rows in _runs(touched):
                self._ap[rows] = average_precision(self._interpolated(rows)) if self.gt_count else 0.0
        return self._ap, self._k[:, -1].astype(np.int64)

    def _interpolated(self, rows: slice) -> Float:
        """(C, 101) interpolated precision of some thresholds."""
        needed = needed_hits(self.gt_count)
        reached = needed <= self._k[rows, -1:]
        # Points that are not reached have no window, and no sensible quotient.
        with np.errstate(divide="ignore", invalid="ignore"):
            self._update_blocks(rows)
            self._update_points(rows, needed, reached)
        behind = np.minimum((self._start[rows] + _WINDOW) // _BLOCK + 1, self._blocks)
        q: Float = self._behind[np.arange(rows.start, rows.stop)[:, None], behind]
        np.maximum(q, self._local[rows], out=q)
        q[~reached] = 0.0
        return q

    def _update_blocks(self, rows: slice) -> None:
        first = min(self._from_block[rows])
        if first == self._blocks:
            return
        k, n, low, high = self._best[:, rows, first:]
        before_k, before_n = self._k[rows, first:-1], self._n[rows, first:-1]
        precision = (before_k + k) / (before_n + n)
        wrong = (precision < low) | (precision > high)
        if wrong.any():
            curves, blocks = wrong.nonzero()
            self._find_blocks(list(zip((curves + rows.start).tolist(), (blocks + first).tolist(), strict=True)))
            precision = (before_k + k) / (before_n + n)
        self._precision[rows, first:] = precision
        behind = self._behind[rows]
        np.maximum.accumulate(self._precision[rows, ::-1], axis=1, out=behind[:, -2::-1])
        self._from_block[rows] = [self._blocks] * (rows.stop - rows.start)

    def _update_points(self, rows: slice, needed: Int, reached: Bool) -> None:
        """Bring the recall points up to date that are reached; those before the first change are."""
        first = min(*self._from_point[rows], *self._reached[rows])
        part = (rows, slice(first, None))
        needed, reached = needed[first:], reached[:, first:]
        counts = reached.sum(axis=1) + first
        self._reached[rows] = counts.tolist()
        self._from_point[rows] = [_POINTS] * len(counts)
        before, rest_before, rest = self._before[:, *part], self._rest_before[:, *part], self._rest[:, *part]
        # Stale too: the true positive that is needed has left the window.
        stale = self._stale_points[part] | (before[0] >= needed) | (rest_before[0] < needed)
        stale &= reached
        rest_precision = before[0]
        for _ in range(2):
            if stale.any():
                curves, points = stale.nonzero()
                self._find_points(curves + rows.start, points + first, needed[points])
            rest_precision = (rest_before[0] + rest[0]) / (rest_before[1] + rest[1])
            stale = (rest_precision < rest[2]) | (rest_precision > rest[3])
            stale &= reached
            if not stale.any():
                break
        k = before[0, :, :, None] + self._window[0, *part]
        precision = k / (before[1, :, :, None] + self._window[1, *part])
        precision *= k >= needed[:, None]
        np.maximum(precision.max(axis=2), rest_precision, out=self._local[part])

    def _find_blocks(self, where: list[tuple[int, int]]) -> None:
        """Look for the best points of (threshold, block)s."""
        if len(where) <= _FEW_STRETCHES:
            for t, block in where:
                start = block * _BLOCK
                counts = float(self._k[t, block]), float(self._n[t, block])
                self._best[:, t, block] = self._best_of(t, start, start + _BLOCK, *counts)
            return
        for start in range(0, len(where), _AT_ONCE):
            t, block = np.array(where[start : start + _AT_ONCE]).T
            hit, counted = self._rows(t, block[:, None] * _BLOCK + _SPAN[:_BLOCK])
            k, n = hit.cumsum(axis=1, dtype=np.float64), counted.cumsum(axis=1, dtype=np.float64)
            self._best[:, t, block] = best_points(hit, k, n, self._k[t, block], self._n[t, block])

    def _rows(self, t: Int, index: Int) -> tuple[Bool, Bool]:
        """Which of the predictions ``index`` (M, L) are true positives, and which count, at thresholds (M,)."""
        bit = np.left_shift(1, t).astype(np.uint16)[:, None]
        return (self._tp[index] & bit) != 0, (self._ignored[index] & bit) == 0

    def _hits(self, t: int, start: int, end: int) -> Int:
        """Places of the true positives among the predictions start..end, counted from ``start``."""
        return (self._tp[start:end] & np.uint16(1 << t)).nonzero()[0]

    def _skipped(self, t: int, start: int, end: int) -> Int | None:
        """How many of the predictions from ``start`` to each one, itself included, don't count; None: they all do."""
        ignored = (self._ignored[start:end] & np.uint16(1 << t)) != 0
        return ignored.cumsum() if ignored.any() else None

    def _best_of(self, t: int, start: int, end: int, before_k: float, before_n: float) -> Best:
        hits = self._hits(t, start, end)
        n: Float = np.add(hits, 1.0, dtype=np.float64)
        skipped = self._skipped(t, start, end)
        if skipped is not None:
            n -= skipped[hits]
        return best_point(_NUMBERS[: len(hits)], n, before_k, before_n)

    def _find_points(self, t: Int, point: Int, needed: Int) -> None:
        """Lay the windows of recall points around the true positives that they need."""
        if len(t) <= _FEW_STRETCHES:
            for where in zip(t.tolist(), point.tolist(), needed.tolist(), strict=True):
                self._find_point(*where)
            return
        for start in range(0, len(t), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            self._find_some_points(t[part], point[part], needed[part])

    def _find_point(self, t: int, point: int, needed: int) -> None:
        block = int(self._k[t].searchsorted(needed)) - 1
        first = block * _BLOCK
        rank = first + int(self._hits(t, first, first + _BLOCK)[needed - int(self._k[t, block]) - 1])
        start = max(rank - _WINDOW // 2, 0)
        end = start + _WINDOW
        hits = self._hits(t, start, end)
        k, n = np.full(_WINDOW, NOTHING), np.arange(1.0, _WINDOW + 1.0)
        k[hits] = _NUMBERS[: len(hits)]
        skipped, before_rank = self._skipped(t, start, end), self._skipped(t, first, rank + 1)
        if skipped is not None:
            n -= skipped
        counted = self._n[t, block] + rank + 1 - first - (0 if before_rank is None else before_rank[-1])
        before_k, before_n = needed - float(k[rank - start]), float(counted - n[rank - start])
        self._start[t, point] = start
        self._before[:, t, point] = before_k, before_n
        rest_k, rest_n = before_k + len(hits), before_n + float(n[-1])
        self._rest_before[:, t, point] = rest_k, rest_n
        self._window[0, t, point] = k
        self._window[1, t, point] = np.maximum(n, 1.0)
        self._rest[:, t, point] = self._best_of(t, end, (end // _BLOCK + 1) * _BLOCK, rest_k, rest_n)
        self._stale_points[t, point] = False

    def _find_some_points(self, t: Int, point: Int, needed: Int) -> None:
        """``_find_point`` for many."""
        row = np.arange(len(t))
        block = np.empty(len(t), np.int64)
        for curve in set(t.tolist()):
            mine = t == curve
            block[mine] = self._k[curve].searchsorted(needed[mine]) - 1
        hit, counted = self._rows(t, block[:, None] * _BLOCK + _SPAN[:_BLOCK])
        place = place_of_hit(hit, needed - self._k[t, block].astype(np.int64))
        down_to = np.count_nonzero(counted & (_SPAN[:_BLOCK] <= place[:, None]), axis=1)
        rank = block * _BLOCK + place
        start = np.maximum(rank - _WINDOW // 2, 0)
        hit, counted = self._rows(t, start[:, None] + _SPAN)
        k, n = hit.cumsum(axis=1, dtype=np.float64), counted.cumsum(axis=1, dtype=np.float64)
        before = np.stack((needed - k[row, rank - start], self._n[t, block] + down_to - n[row, rank - start]))
        ends = k[:, _WINDOW - 1], n[:, _WINDOW - 1]
        rest_before = before + ends
        self._start[t, point] = start
        self._before[:, t, point], self._rest_before[:, t, point] = before, rest_before
        self._window[0, t, point] = np.where(hit[:, :_WINDOW], k[:, :_WINDOW], NOTHING)
        self._window[1, t, point] = np.maximum(n[:, :_WINDOW], 1.0)
        end = ((start + _WINDOW) // _BLOCK + 1) * _BLOCK - start
        inside = hit[:, _WINDOW:] & (_SPAN[_WINDOW:] < end[:, None])
        rest_k, rest_n = k[:, _WINDOW:] - ends[0][:, None], n[:, _WINDOW:] - ends[1][:, None]
        self._rest[:, t, point] = best_points(inside, rest_k, rest_n, rest_before[0], rest_before[1])
        self._stale_points[t, point] = False


def _runs(numbers: list[int]) -> list[slice]:
    """Stretches that hold all numbers; gaps are worth jumping over only where they are wide."""
    runs = [[numbers[0], numbers[0]]]
    for number in numbers[1:]:
        if number - runs[-1][1] <= _GAP:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [slice(first, last + 1) for first, last in runs]


def ranked(tp: Masks, ignored: Masks, gt_count: int) -> RankedClass | FewRanked:
    """The form that suits the number of predictions."""
    return (FewRanked if len(tp) <= _FEW else RankedClass)(tp, ignored, gt_count)
