"""Finds ground-truth boxes that lie at the same place, which the canvas would otherwise draw as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iouviewer.document.boxes import Box
from iouviewer.jobs.overlaps import iou_aligned

DUPLICATE_IOU = 0.95
"""Boxes that overlap by more are duplicates."""


def count_copies(boxes: Sequence[Box]) -> dict[int, int]:
    """How many boxes lie at the place of a box, itself included, by the ids of boxes that are not alone there."""
    if len(boxes) < 2:
        return {}
    rects = np.array([box.rect for box in boxes], np.float64).T
    # Left edges of duplicates differ by less than a tenth of the width, which leaves few pairs to compare.
    near = np.abs(rects[0][:, None] - rects[0]) < 0.1 * (rects[2] - rects[0])
    first, second = np.nonzero(near)
    if len(first) == len(boxes):
        return {}
    is_copy = iou_aligned(rects[:, first], rects[:, second]) > DUPLICATE_IOU
    counts = np.bincount(first[is_copy], minlength=len(boxes))
    return {boxes[row].id: int(counts[row]) for row in np.flatnonzero(counts > 1).tolist()}
