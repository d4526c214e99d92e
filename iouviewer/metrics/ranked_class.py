"""Average precision of one class over predictions in a fixed order, kept current as single predictions change."""

from __future__ import annotations

from iouviewer.metrics.coco_curve import average_precision, class_curves
from iouviewer.metrics.coco_matching import Masks
from iouviewer.metrics.table import Float, Int


class RankedClass:
    """Predictions of one class by score, what they are at each threshold, and the AP that follows."""

    def __init__(self, tp: Masks, ignored: Masks, gt_count: int) -> None:
        """``tp`` and ``ignored`` are (R,) masks of thresholds in the order by score; copies are kept."""
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
