"""Average precision of one class over predictions in a fixed order, kept current as single predictions change.

The precision at the k-th true positive is k / n, n the predictions that count down to it. Interpolated precision at a
recall is the greatest such quotient from some k on. One prediction that changes shifts k or n of everything that stands
behind it, which is why the curve cannot simply be patched. But inside a stretch of consecutive predictions all points
shift together, and then the stretch's best point nearly always stays the same one (see ``stretches``). A change looks
anew where it happened; all other stretches cost a division and two comparisons.

For each recall point the curve is cut in two: from the true positive at which this recall is reached to the end of its
block (``recall_windows``), and the blocks behind. All counts are integers and each quotient is rounded once, so the
result has the bits of a computation from the start.
"""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.coco_curve import average_precision, class_curves, needed_hits
from iouviewer.metrics.coco_matching import ALL, Masks
from iouviewer.metrics.hull_blocks import shift_best_point
from iouviewer.metrics.rank_masks import CURVES, MaskChange, RankMasks
from iouviewer.metrics.recall_windows import RecallWindows
from iouviewer.metrics.table import Float, Int

_FEW = 10_000
_GAP = 3
"""Curves that nothing happened to, but that are cheaper to take along than to leave out."""


class SmallRankedClass:
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
        self._masks = RankMasks(tp, ignored)
        self._windows = RecallWindows(self._masks)
        blocks = self._masks.blocks
        # Per threshold and block: its best point; the greatest precision from it on; up to where that is current.
        self._best = np.zeros((4, CURVES, blocks))
        self._precision = np.zeros((CURVES, blocks))
        self._behind = np.zeros((CURVES, blocks + 1))
        self._from_block = [0] * CURVES
        self._stale_blocks = {(t, block) for t in range(CURVES) for block in range(blocks)}
        self._touched = ALL
        self._ap = np.zeros(CURVES)
        self.average_precision()

    def add_ground_truth(self, change: int) -> None:
        """Count ``change`` more (or fewer) boxes."""
        self.gt_count += change
        self._touched = ALL

    def set(self, rank: int, tp: int, ignored: int) -> None:
        """Say anew what the prediction at ``rank`` is."""
        block = rank // self._masks.block
        for change in self._masks.set(rank, tp, ignored):
            self._windows.change(change.rows, rank, change.k, change.n)
            for t in range(change.rows.start, change.rows.stop):
                if (t, block) not in self._stale_blocks and not self._kept(t, block, rank, change):
                    self._stale_blocks.add((t, block))
                self._from_block[t] = min(self._from_block[t], block)
                self._touched |= 1 << t

    def _kept(self, t: int, block: int, rank: int, change: MaskChange) -> bool:
        """Whether the block of ``rank``, which changed, is known to keep its best point; its bounds follow."""
        if change.n or not change.k or not self._masks.all_count(t, rank, rank):
            return False
        best = self._best[:, t, block]
        k, n, low, high = best.tolist()
        kept = shift_best_point((k, n, low, high), rank - block * self._masks.block + 1, change.k)
        if kept is not None:
            best[:] = kept
        return kept is not None

    def average_precision(self) -> tuple[Float, Int]:
        """AP (10,) and numbers of true positives (10,), per threshold."""
        if self._touched:
            touched = [t for t in range(CURVES) if self._touched >> t & 1]
            self._touched = 0
            self._masks.find_best(list(self._stale_blocks), self._best)
            self._stale_blocks.clear()
            for rows in _runs(touched):
                self._update_blocks(rows)
                self._ap[rows] = average_precision(self._interpolated(rows)) if self.gt_count else 0.0
        return self._ap, self._masks.k[:, -1].astype(np.int64)

    def _update_blocks(self, rows: slice) -> None:
        first, masks = min(self._from_block[rows]), self._masks
        if first == masks.blocks:
            return
        k, n, low, high = self._best[:, rows, first:]
        before_k, before_n = masks.k[rows, first:-1], masks.n[rows, first:-1]
        # Blocks in which nothing counts have no true positive, and n = 1.
        precision = (before_k + k) / (before_n + n)
        wrong = precision < low
        wrong |= precision > high
        if np.count_nonzero(wrong):
            curves, blocks = wrong.nonzero()
            where = list(zip((curves + rows.start).tolist(), (blocks + first).tolist(), strict=True))
            masks.find_best(where, self._best)
            precision = (before_k + k) / (before_n + n)
        self._precision[rows, first:] = precision
        behind = self._behind[rows]
        np.maximum.accumulate(self._precision[rows, ::-1], axis=1, out=behind[:, -2::-1])
        self._from_block[rows] = [masks.blocks] * (rows.stop - rows.start)

    def _interpolated(self, rows: slice) -> Float:
        """(C, 101) interpolated precision of some thresholds."""
        needed = needed_hits(self.gt_count)
        reached = needed <= self._masks.k[rows, -1:]
        q = self._windows.precision(rows, needed, reached, self._behind)
        np.putmask(q, ~reached, 0.0)
        return q


def _runs(numbers: list[int]) -> list[slice]:
    """Stretches that hold all numbers; gaps are worth jumping over only where they are wide."""
    runs = [[numbers[0], numbers[0]]]
    for number in numbers[1:]:
        if number - runs[-1][1] <= _GAP:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [slice(first, last + 1) for first, last in runs]


def ranked(tp: Masks, ignored: Masks, gt_count: int) -> RankedClass | SmallRankedClass:
    """The form that suits the number of predictions."""
    return (SmallRankedClass if len(tp) <= _FEW else RankedClass)(tp, ignored, gt_count)
