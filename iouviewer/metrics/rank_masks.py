"""State of each prediction of a class at each IoU threshold, in the order by score, with counts by block."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from iouviewer.metrics.coco_matching import ALL, THRESHOLDS, Masks
from iouviewer.metrics.hull_blocks import Best, best_point, best_points
from iouviewer.metrics.table import Bool, Float, Int

CURVES = len(THRESHOLDS)
_MIN_BLOCK = 512
_BATCH = 65_536
"""Predictions searched at a time, so that their arrays stay in the cache."""
_MAX_SINGLE_BLOCKS = 10
"""Up to this number, searching blocks one by one is faster."""


class MaskChange(NamedTuple):
    """The same change of one prediction at consecutive thresholds.

    Attributes:
        rows: the thresholds.
        k: change of the number of true positives, -1 to 1.
        n: change of the number of counted predictions, -1 to 1.
    """

    rows: slice
    k: int
    n: int


def block_size(count: int) -> int:
    """Predictions in a block; the cost of a change grows with the size of its block and the number of later blocks."""
    return max(_MIN_BLOCK, 1 << round(math.log2(4.0 * math.sqrt(count))))


class RankMasks:
    """Masks of R predictions in a fixed order.

    Attributes:
        block: predictions in a block.
        blocks: number of blocks.
        k, n: (10, blocks + 1) true positives and counted predictions before each block; in the last column, all.
    """

    def __init__(self, tp: Masks, ignored: Masks) -> None:
        """Copy ``tp`` and ``ignored``, (R,) masks of thresholds. R > 0."""
        self.block = block_size(len(tp))
        self.blocks = -(-len(tp) // self.block)
        # 1, 2, ...: number of predictions from the start of a block.
        self._numbers: Float = np.arange(1.0, self.block + 1.0)
        # The last block is padded with ignored predictions.
        size = self.blocks * self.block
        self._tp, self._ignored = np.zeros(size, np.uint16), np.full(size, ALL, np.uint16)
        self._tp[: len(tp)], self._ignored[: len(tp)] = tp, ignored
        self.k, self.n = np.zeros((CURVES, self.blocks + 1)), np.zeros((CURVES, self.blocks + 1))
        for t in range(CURVES):
            bit = np.uint16(1 << t)
            hits = np.count_nonzero((self._tp & bit).reshape(-1, self.block), axis=1)
            skipped = np.count_nonzero((self._ignored & bit).reshape(-1, self.block), axis=1)
            np.cumsum(hits, out=self.k[t, 1:])
            np.cumsum(self.block - skipped, out=self.n[t, 1:])

    def set(self, rank: int, tp: int, ignored: int) -> list[MaskChange]:
        """Replace the masks of the prediction at ``rank`` and update the counts."""
        old_tp, old_ignored = int(self._tp[rank]), int(self._ignored[rank])
        self._tp[rank], self._ignored[rank] = tp, ignored
        changes = _find_changes(old_tp, old_ignored, tp, ignored)
        block = rank // self.block
        for rows, k, n in changes:
            if k:
                self.k[rows, block + 1 :] += k
            if n:
                self.n[rows, block + 1 :] += n
        return changes

    def hits(self, t: int, first: int, last: int) -> tuple[Int, Float]:
        """Places of the true positives in blocks ``first`` to ``last`` - 1, and counted predictions up to each of them.

        Both start at the first block.
        """
        part = slice(first * self.block, last * self.block)
        bit = np.uint16(1 << t)
        hits = (self._tp[part] & bit).nonzero()[0]
        n: Float = np.add(hits, 1.0, dtype=np.float64)
        if self.n[t, last] - self.n[t, first] < (last - first) * self.block:
            n -= np.cumsum((self._ignored[part] & bit) != 0)[hits]
        return hits, n

    def has_no_ignored(self, t: int, first: int, last: int) -> bool:
        """Whether no prediction is ignored in the blocks from that of rank ``first`` to that of rank ``last``."""
        begin, end = first // self.block, last // self.block + 1
        return bool(self.n[t, end] - self.n[t, begin] == (end - begin) * self.block)

    def best_of_block(self, t: int, block: int) -> Best:
        """The best point of a block at a threshold."""
        n = self.hits(t, block, block + 1)[1]
        return best_point(self._numbers[: len(n)], n, float(self.k[t, block]), float(self.n[t, block]))

    def find_best(self, where: list[tuple[int, int]], out: Float) -> None:
        """Write the best points of pairs (threshold, block) to ``out``, (4, 10, blocks)."""
        if len(where) <= _MAX_SINGLE_BLOCKS:
            for t, block in where:
                out[:, t, block] = self.best_of_block(t, block)
            return
        step = max(1, _BATCH // self.block)
        for start in range(0, len(where), step):
            t, block = np.array(where[start : start + step]).T
            hit, counted = self._states(t, block[:, None] * self.block + np.arange(self.block))
            k, n = hit.cumsum(axis=1, dtype=np.float64), counted.cumsum(axis=1, dtype=np.float64)
            out[:, t, block] = best_points(hit, k, n, self.k[t, block], self.n[t, block])

    def _states(self, t: Int, index: Int) -> tuple[Bool, Bool]:
        """Whether the predictions ``index`` (M, L) are true positives, and whether they count, at thresholds (M,)."""
        bit = np.left_shift(1, t).astype(np.uint16)[:, None]
        return (self._tp[index] & bit) != 0, (self._ignored[index] & bit) == 0


def _find_changes(old_tp: int, old_ignored: int, tp: int, ignored: int) -> list[MaskChange]:
    changed = (old_tp ^ tp) | (old_ignored ^ ignored)
    """The changes of one prediction, consecutive thresholds with equal changes joined."""
    changes: list[MaskChange] = []
    for t in range(changed.bit_length()):
        if changed >> t & 1:
            k = (tp >> t & 1) - (old_tp >> t & 1)
            n = (old_ignored >> t & 1) - (ignored >> t & 1)
            if changes and changes[-1].rows.stop == t and changes[-1][1:] == (k, n):
                changes[-1] = MaskChange(slice(changes[-1].rows.start, t + 1), k, n)
            else:
                changes.append(MaskChange(slice(t, t + 1), k, n))
    return changes
