"""Average precision of one class over predictions in a fixed order, kept current as single predictions change.

The precision at the k-th true positive is k / n, n the predictions that count down to it. Interpolated precision at a
recall is the greatest such quotient from some k on. One prediction that changes shifts k or n of everything that stands
behind it, which is why the curve cannot simply be patched. But inside a block of consecutive predictions all points
(n, k) shift together, and then the block's best point nearly always stays the same one: seen from (-N, -K), the counts
before the block, it is where the tangent to the points touches. Every block therefore remembers its best point and
between which two slopes it stays the best (those to its neighbours on the convex hull). A change makes a block anew
where it happened; all other blocks cost a division and two comparisons. All counts are integers and each quotient is
rounded once, so the result has the bits of a computation from the start.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.coco_curve import RECALLS, average_precision, class_curves, needed_hits
from iouviewer.metrics.coco_matching import ALL, THRESHOLDS, Masks
from iouviewer.metrics.table import Bool, Float, Int

_LEAF = 32
_LEAVES = 16
_BLOCK = _LEAF * _LEAVES
_CURVES = len(THRESHOLDS)
_CHUNK = 64
_FEW = 2048
_NOTHING = -(2.0**40)
"""Numerator of a block without true positives: its quotient is negative wherever it stands."""

Int32 = NDArray[np.int32]


class _Best(NamedTuple):
    """Best points of some stretches, counted from their beginnings, and the slopes between which they stay the best."""

    k: Float
    n: Float
    low: Float
    high: Float

    @classmethod
    def unknown(cls, shape: tuple[int, ...]) -> _Best:
        """Points that no slope allows, so that they are looked for when they are needed."""
        return cls(np.zeros(shape), np.ones(shape), np.full(shape, np.inf), np.full(shape, -np.inf))

    def put(self, where: tuple[Int | int, ...], found: _Best) -> None:
        """Replace some."""
        for mine, new in zip(self, found, strict=True):
            mine[where] = new

    def at(self, where: Int | tuple[Int, ...]) -> _Best:
        """Some of them."""
        return _Best(self.k[where], self.n[where], self.low[where], self.high[where])


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


def ranked(tp: Masks, ignored: Masks, gt_count: int) -> RankedClass | FewRanked:
    """The form that suits the number of predictions."""
    return (FewRanked if len(tp) <= _FEW else RankedClass)(tp, ignored, gt_count)


class RankedClass:
    """Predictions of one class by score, what they are at each threshold, and the AP that follows."""

    def __init__(self, tp: Masks, ignored: Masks, gt_count: int) -> None:
        """``tp`` and ``ignored`` are (R,) masks of thresholds in the order by score; copies are kept."""
        self.gt_count = gt_count
        blocks = max(1, -(-len(tp) // _BLOCK))
        leaves = blocks * _LEAVES
        self._tp = np.zeros((leaves, _LEAF), np.uint16)
        self._ignored = np.full((leaves, _LEAF), ALL, np.uint16)
        self._tp.reshape(-1)[: len(tp)] = tp
        self._ignored.reshape(-1)[: len(tp)] = ignored
        self._any_ignored = bool(ignored.any())
        # True positives and counted predictions before each leaf, per threshold, and the same before each block.
        self._leaf_k = np.zeros((_CURVES, leaves + 1), np.int32)
        self._leaf_n = np.zeros((_CURVES, leaves + 1), np.int32)
        for t in range(_CURVES):
            np.cumsum(_bit(self._tp, t).sum(axis=1, dtype=np.int32), out=self._leaf_k[t, 1:])
            skipped = _bit(self._ignored, t).sum(axis=1, dtype=np.int32)
            np.cumsum(_LEAF - skipped, out=self._leaf_n[t, 1:])
        self._block_k = self._leaf_k[:, ::_LEAVES].astype(np.float64)
        self._block_n = self._leaf_n[:, ::_LEAVES].astype(np.float64)
        self._best = _Best.unknown((_CURVES, blocks))
        # Per recall point: the leaf in which its first true positive lies, and the best point of the rest of the block.
        self._tail_leaf = np.full((_CURVES, len(RECALLS)), -1, np.int64)
        self._tail = _Best.unknown((_CURVES, len(RECALLS)))
        self._touched = set(range(_CURVES))
        self._ap = np.zeros(_CURVES)
        for start in range(0, _CURVES * blocks, _CHUNK):
            curve, block = np.divmod(np.arange(start, min(start + _CHUNK, _CURVES * blocks)), blocks)
            self._find_blocks(curve, block)
        self.average_precision()

    def add_ground_truth(self, change: int) -> None:
        """Count ``change`` more (or fewer) boxes."""
        self.gt_count += change
        self._touched.update(range(_CURVES))

    def set(self, rank: int, tp: int, ignored: int) -> None:
        """Say anew what the prediction at ``rank`` is."""
        leaf, place = divmod(rank, _LEAF)
        block = leaf // _LEAVES
        old_tp, old_ignored = int(self._tp[leaf, place]), int(self._ignored[leaf, place])
        self._tp[leaf, place], self._ignored[leaf, place] = tp, ignored
        self._any_ignored |= ignored != 0
        changed = (old_tp ^ tp) | (old_ignored ^ ignored)
        for t in range(_CURVES):
            bit = 1 << t
            if not changed & bit:
                continue
            self._touched.add(t)
            more = bool(tp & bit) - bool(old_tp & bit)
            if more:
                self._leaf_k[t, leaf + 1 :] += more
                self._block_k[t, block + 1 :] += more
            more = bool(old_ignored & bit) - bool(ignored & bit)
            if more:
                self._leaf_n[t, leaf + 1 :] += more
                self._block_n[t, block + 1 :] += more
            self._best.low[t, block] = np.inf
            tails = self._tail_leaf[t]
            tails[tails // _LEAVES == block] = -1

    def average_precision(self) -> tuple[Float, Int]:
        """AP (10,) and numbers of true positives (10,), per threshold."""
        if self._touched:
            curves = np.array(sorted(self._touched))
            self._touched.clear()
            self._ap[curves] = average_precision(self._curves(curves)) if self.gt_count else 0.0
        return self._ap, self._leaf_k[:, -1].astype(np.int64)

    def _curves(self, curves: Int) -> Float:
        """(C, 101) interpolated precision of some thresholds."""
        behind = self._best_behind(curves)
        needed = needed_hits(self.gt_count)
        leaf = np.empty((len(curves), len(needed)), np.int64)
        for row, t in enumerate(curves.tolist()):
            leaf[row] = self._leaf_k[t].searchsorted(needed) - 1
        reached = needed <= self._leaf_k[curves, -1][:, None]
        np.minimum(leaf, len(self._tp) - 1, out=leaf)
        column = np.arange(len(curves))[:, None]
        q = behind[column, leaf // _LEAVES + 1]
        np.maximum(q, self._best_of_tails(curves, leaf), out=q)
        np.maximum(q, self._best_of_leaves(curves, leaf, needed), out=q)
        q *= reached
        return q

    def _best_behind(self, curves: Int) -> Float:
        """(C, blocks + 1): the greatest precision in this block and all behind it, 0 where there is none."""
        k, n = self._block_k[curves, :-1], self._block_n[curves, :-1]
        best = self._best.at(curves)
        precision = (k + best.k) / (n + best.n)
        stale = (precision < best.low) | (precision > best.high)
        if stale.any():
            row, block = np.nonzero(stale)
            self._find_blocks(curves[row], block)
            best = self._best.at((curves[row], block))
            precision[row, block] = (k[row, block] + best.k) / (n[row, block] + best.n)
        behind = np.zeros((len(curves), precision.shape[1] + 1))
        np.maximum.accumulate(precision[:, ::-1], axis=1, out=behind[:, -2::-1])
        return np.maximum(behind, 0.0, out=behind)

    def _best_of_tails(self, curves: Int, leaf: Int) -> Float:
        """(C, 101): the greatest precision in the leaves behind ``leaf`` in its block; negative where there is none."""
        row = curves[:, None]
        k, n = self._leaf_k[row, leaf + 1], self._leaf_n[row, leaf + 1]
        best = self._tail.at(curves)
        with np.errstate(divide="ignore"):
            precision = (k + best.k) / (n + best.n)
        stale = (precision < best.low) | (precision > best.high) | (self._tail_leaf[curves] != leaf)
        if stale.any():
            c, point = np.nonzero(stale)
            t, leaves = curves[c], leaf[c, point]
            found = self._find(t, leaves // _LEAVES, (leaves % _LEAVES + 1) * _LEAF)
            self._tail.put((t, point), found)
            self._tail_leaf[t, point] = leaves
            precision[c, point] = (k[c, point] + found.k) / (n[c, point] + found.n)
        return precision

    def _best_of_leaves(self, curves: Int, leaf: Int, needed: Int) -> Float:
        """(C, 101): the greatest precision inside ``leaf`` from the needed true positive on, 0 where there is none."""
        t = curves[:, None]
        shift = curves.astype(np.uint16)[:, None, None]
        hit = (self._tp[leaf] >> shift) & np.uint16(1)
        k = self._leaf_k[t, leaf][:, :, None] + np.cumsum(hit, axis=2, dtype=np.int32)
        if self._any_ignored:
            counted = ((self._ignored[leaf] >> shift) & np.uint16(1)) ^ np.uint16(1)
            inside = np.cumsum(counted, axis=2, dtype=np.int32)
        else:
            inside = np.broadcast_to(np.arange(1, _LEAF + 1, dtype=np.int32), k.shape)
        n = np.maximum(self._leaf_n[t, leaf][:, :, None] + inside, 1)
        precision: Float = k / n
        precision *= hit
        precision *= k >= needed[None, :, None]
        best: Float = precision.max(axis=2)
        return best

    def _find_blocks(self, t: Int, block: Int) -> None:
        self._best.put((t, block), self._find(t, block, np.zeros(len(t), np.int64)))

    def _find(self, t: Int, block: Int, start: Int) -> _Best:
        """The best points of (m,) blocks from the places ``start`` on, counted from there."""
        place = np.arange(_BLOCK)
        shift = t.astype(np.uint16)[:, None]
        hit = ((self._tp.reshape(-1, _BLOCK)[block] >> shift) & np.uint16(1)).astype(np.bool_)
        counted = ((self._ignored.reshape(-1, _BLOCK)[block] >> shift) & np.uint16(1)) == 0
        inside = place >= start[:, None]
        hit &= inside
        counted &= inside
        k = np.cumsum(hit, axis=1, dtype=np.float64)
        n = np.cumsum(counted, axis=1, dtype=np.float64)
        leaf = block * _LEAVES + start // _LEAF
        before_k, before_n = self._leaf_k[t, leaf][:, None], self._leaf_n[t, leaf][:, None]
        precision = np.full(k.shape, -1.0)
        np.divide(before_k + k, before_n + n, out=precision, where=hit)
        top = np.argmax(precision, axis=1)
        row = np.arange(len(t))
        top_k, top_n = k[row, top], n[row, top]
        slope = np.full(k.shape, np.nan)
        others: Bool = hit.copy()
        others[row, top] = False
        np.divide(top_k[:, None] - k, top_n[:, None] - n, out=slope, where=others)
        left = place < top[:, None]
        high = np.where(others & left, slope, np.inf).min(axis=1)
        low = np.where(others & ~left, slope, -np.inf).max(axis=1)
        none = ~hit.any(axis=1)
        top_k[none], top_n[none], low[none], high[none] = _NOTHING, 1.0, -np.inf, np.inf
        return _Best(top_k, top_n, low, high)


def _bit(masks: Masks, t: int) -> Masks:
    bits: Masks = (masks >> np.uint16(t)) & np.uint16(1)
    return bits
