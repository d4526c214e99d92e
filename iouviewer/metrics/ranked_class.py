"""Average precision of one class over predictions in a fixed order, kept current as single predictions change.

The precision at the k-th true positive is k / n, where n is the number of counted predictions up to it. The
interpolated precision at a recall is the greatest quotient from some k on. One changed prediction shifts k or n of all
later points, so the curve cannot be patched in place. But all points of a block of consecutive predictions shift
together, and then the best point of the block nearly always stays the same (see ``hull_blocks``). A change searches the
block in which it happened; every other block costs one division and two comparisons.

For each recall point the curve is split in two: from the true positive at which this recall is reached to the end of
its block (``recall_windows``), and all later blocks. All counts are integers and each quotient is rounded once, so the
result equals a computation from scratch bit for bit.
"""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.coco_curve import average_precision, class_curves, needed_hits
from iouviewer.metrics.coco_matching import ALL, Masks
from iouviewer.metrics.hull_blocks import shift_best_point
from iouviewer.metrics.rank_masks import CURVES, MaskChange, RankMasks
from iouviewer.metrics.recall_windows import RecallWindows
from iouviewer.metrics.table import Float, Int

_MAX_SMALL = 10_000
"""Up to this number of predictions, recomputing is fastest."""
_MAX_GAP = 3
"""Changed curves up to this distance apart are computed together with the unchanged ones between them."""


class SmallRankedClass:
    """``RankedClass`` for few predictions; computes all curves again after a change."""

    def __init__(self, tp: Masks, ignored: Masks, gt_count: int) -> None:
        self._tp, self._ignored = tp.copy(), ignored.copy()
        self.gt_count = gt_count
        self._result: tuple[Float, Int] | None = None

    def add_ground_truth(self, change: int) -> None:
        """Change the number of ground-truth boxes by ``change``."""
        self.gt_count += change
        self._result = None

    def set(self, rank: int, tp: int, ignored: int) -> None:
        """Replace the masks of the prediction at ``rank``."""
        self._tp[rank], self._ignored[rank] = tp, ignored
        self._result = None

    def average_precision(self) -> tuple[Float, Int]:
        """AP (10,) and number of true positives (10,) by threshold."""
        if self._result is None:
            curves, totals = class_curves(self._tp, self._ignored, self.gt_count)
            self._result = average_precision(curves), totals
        return self._result


class RankedClass:
    """Predictions of one class by score, their states at each threshold, and the resulting AP."""

    def __init__(self, tp: Masks, ignored: Masks, gt_count: int) -> None:
        """Copy ``tp`` and ``ignored``, (R,) masks of thresholds in the order by score. R > 0."""
        self.gt_count = gt_count
        self._masks = RankMasks(tp, ignored)
        self._windows = RecallWindows(self._masks)
        blocks = self._masks.blocks
        # By threshold and block: the block's best point, its precision, and the greatest precision from this block on.
        self._best = np.zeros((4, CURVES, blocks))
        self._precision = np.zeros((CURVES, blocks))
        self._best_from = np.zeros((CURVES, blocks + 1))
        # By threshold: the first block whose precision is out of date.
        self._stale_from = [0] * CURVES
        self._stale_blocks = {(t, block) for t in range(CURVES) for block in range(blocks)}
        # Mask of the thresholds whose AP is out of date.
        self._stale_curves = ALL
        self._ap = np.zeros(CURVES)
        self.average_precision()

    def add_ground_truth(self, change: int) -> None:
        """Change the number of ground-truth boxes by ``change``."""
        self.gt_count += change
        self._stale_curves = ALL

    def set(self, rank: int, tp: int, ignored: int) -> None:
        """Replace the masks of the prediction at ``rank``."""
        block = rank // self._masks.block
        for change in self._masks.set(rank, tp, ignored):
            self._windows.apply_change(change.rows, rank, change.k, change.n)
            for t in range(change.rows.start, change.rows.stop):
                if (t, block) not in self._stale_blocks and not self._shift_best(t, block, rank, change):
                    self._stale_blocks.add((t, block))
                self._stale_from[t] = min(self._stale_from[t], block)
                self._stale_curves |= 1 << t

    def _shift_best(self, t: int, block: int, rank: int, change: MaskChange) -> bool:
        """Update the best point of the block of ``rank`` after a change; False if the block has to be searched."""
        if change.n or not change.k or not self._masks.has_no_ignored(t, rank, rank):
            return False
        best = self._best[:, t, block]
        k, n, low, high = best.tolist()
        shifted = shift_best_point((k, n, low, high), rank - block * self._masks.block + 1, change.k)
        if shifted is not None:
            best[:] = shifted
        return shifted is not None

    def average_precision(self) -> tuple[Float, Int]:
        """AP (10,) and number of true positives (10,) by threshold."""
        if self._stale_curves:
            stale = [t for t in range(CURVES) if self._stale_curves >> t & 1]
            self._stale_curves = 0
            self._masks.find_best(list(self._stale_blocks), self._best)
            self._stale_blocks.clear()
            for rows in _join_runs(stale):
                self._update_blocks(rows)
                self._ap[rows] = average_precision(self._interpolated(rows)) if self.gt_count else 0.0
        return self._ap, self._masks.k[:, -1].astype(np.int64)

    def _update_blocks(self, rows: slice) -> None:
        """Bring the precisions of the blocks at some thresholds up to date."""
        first, masks = min(self._stale_from[rows]), self._masks
        if first == masks.blocks:
            return
        k, n, low, high = self._best[:, rows, first:]
        before_k, before_n = masks.k[rows, first:-1], masks.n[rows, first:-1]
        # A block without a true positive has n = 1, so the divisor is never 0.
        precision = (before_k + k) / (before_n + n)
        outdated = precision < low
        outdated |= precision > high
        if np.count_nonzero(outdated):
            curves, blocks = outdated.nonzero()
            where = list(zip((curves + rows.start).tolist(), (blocks + first).tolist(), strict=True))
            masks.find_best(where, self._best)
            precision = (before_k + k) / (before_n + n)
        self._precision[rows, first:] = precision
        best_from = self._best_from[rows]
        np.maximum.accumulate(self._precision[rows, ::-1], axis=1, out=best_from[:, -2::-1])
        self._stale_from[rows] = [masks.blocks] * (rows.stop - rows.start)

    def _interpolated(self, rows: slice) -> Float:
        """(C, 101) interpolated precision of some thresholds."""
        needed = needed_hits(self.gt_count)
        reached = needed <= self._masks.k[rows, -1:]
        precision = self._windows.precision(rows, needed, reached, self._best_from)
        np.putmask(precision, ~reached, 0.0)
        return precision


def _join_runs(numbers: list[int]) -> list[slice]:
    """Slices that cover all numbers; numbers up to ``_MAX_GAP`` apart are in one slice."""
    runs = [[numbers[0], numbers[0]]]
    for number in numbers[1:]:
        if number - runs[-1][1] <= _MAX_GAP:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [slice(first, last + 1) for first, last in runs]


def build_ranked_class(tp: Masks, ignored: Masks, gt_count: int) -> RankedClass | SmallRankedClass:
    """The implementation that is faster for this number of predictions."""
    return (SmallRankedClass if len(tp) <= _MAX_SMALL else RankedClass)(tp, ignored, gt_count)
