"""Scene cuts between consecutive frames."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from iouviewer.propagation.features import Image

_BINS = 16
_SIDE = 160
SAME_SCENE_CORRELATION = 0.5
"""Correlation of two colour histograms below which a cut lies between the frames."""


class SceneCutFinder:
    """Compares each frame with the one before."""

    def __init__(self) -> None:
        self._last: NDArray[np.float64] | None = None

    def is_cut(self, image: Image) -> bool:
        """Whether a cut lies between the previous frame and this one; False for the first frame."""
        small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        levels = (small.reshape(-1, 3) // (256 // _BINS)).astype(np.int64)
        bins = (levels[:, 0] * _BINS + levels[:, 1]) * _BINS + levels[:, 2]
        histogram = np.sqrt(np.bincount(bins, minlength=_BINS**3).astype(np.float64))
        last, self._last = self._last, histogram
        if last is None:
            return False
        # Bhattacharyya coefficient: both are square roots of counts.
        return float(last @ histogram) / (_SIDE * _SIDE) < SAME_SCENE_CORRELATION
