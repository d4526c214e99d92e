"""What the reports draw and list: one variant's numbers by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iouviewer.metrics.table import Bool, Float, Int


@dataclass(frozen=True, slots=True)
class FrameSeries:
    """Numbers of one variant, one value for each reported frame.

    Attributes:
        name: of the variant.
        frame_iou: (n,) float64, NaN where undefined (no ground truth, unlabelled, not covered).
        counted: (n,) bool; frames whose counts exist (labelled and covered).
        predictions: (n,) int64, boxes above the confidence threshold.
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
        """Mean of the defined frame IoUs, None where there is none."""
        defined = self.frame_iou[~np.isnan(self.frame_iou)]
        return float(np.mean(defined)) if len(defined) else None
