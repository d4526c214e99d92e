"""Areas that the file of the ground truth states for its boxes, as COCO does for masks.

They hold while a box is as it was read: an edited box has the area of its rectangle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iouviewer.metrics.table import Float, Int


@dataclass(frozen=True, slots=True)
class StatedAreas:
    """Columns of the boxes with a stated area, as bytes: the form in which projects store them.

    Attributes:
        ids: (N,) int64, ascending.
        boxes: (4, N) float64, the rectangles for which the areas were stated.
        areas: (N,) float64, square pixels.
    """

    ids: bytes = b""
    boxes: bytes = b""
    areas: bytes = b""

    @classmethod
    def of(cls, ids: Int, boxes: Float, areas: Float | None) -> StatedAreas:
        """The areas of boxes in order of their ids; those with NaN state none."""
        if areas is None:
            return cls()
        stated = ~np.isnan(areas)
        rects = np.ascontiguousarray(boxes[:, stated], np.float64)
        return cls(ids[stated].astype(np.int64).tobytes(), rects.tobytes(), areas[stated].astype(np.float64).tobytes())

    def for_rows(self, ids: Int, boxes: Float) -> Float | None:
        """(M,) float64, the areas of these boxes, NaN where none is stated or the box was edited; None without any.

        Args:
            ids: (M,) int64.
            boxes: (4, M) float64.
        """
        known = np.frombuffer(self.ids, np.int64)
        if not len(known):
            return None
        rects = np.frombuffer(self.boxes, np.float64).reshape(4, -1)
        places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        same = (known[places] == ids) & (rects[:, places] == boxes).all(axis=0)
        result: Float = np.where(same, np.frombuffer(self.areas, np.float64)[places], np.nan)
        return result
