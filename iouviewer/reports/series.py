"""Values by frame for plots and CSV files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iouviewer.metrics.table import Bool, Float, Int


@dataclass(frozen=True, slots=True)
class FrameSeries:
    """Values of one variant, one per reported frame.

    Attributes:
        name: of the variant.
        frame_iou: (n,) float64, NaN where undefined (no ground truth, unlabelled, not covered).
        counted: (n,) bool; frames that have counts (labelled and covered).
        predictions: (n,) int64, predictions at or above the confidence threshold.
        true_positives, false_positives, misses: (n,) int64.
    """

    name: str
    frame_iou: Float
    counted: Bool
    predictions: Int
    true_positives: Int
    false_positives: Int
    misses: Int

    @property
    def average(self) -> float | None:
        """Mean of the defined frame IoUs, None where there are none."""
        defined = self.frame_iou[~np.isnan(self.frame_iou)]
        return float(np.mean(defined)) if len(defined) else None
