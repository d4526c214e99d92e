"""Precision at 101 recalls, and the means of it, as pycocotools defines them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from iouviewer.metrics.coco_matching import THRESHOLDS, Masks
from iouviewer.metrics.table import Float, Int

RECALLS: Float = np.linspace(0.0, 1.0, 101)
"""Recall points of COCO."""


@lru_cache(maxsize=4096)
def needed_hits(gt_count: int) -> Int:
    """(101,) int64: the smallest number k >= 1 of true positives for which k / gt_count reaches each recall."""
    k = np.ceil(RECALLS * gt_count)
    # The product is rounded, but pycocotools compares the rounded quotient, so the ceiling can be one off.
    k = np.where((k - 1.0) / gt_count >= RECALLS, k - 1.0, k)
    k = np.where(k / gt_count < RECALLS, k + 1.0, k)
    result = np.maximum(k, 1.0).astype(np.int64)
    result.flags.writeable = False
    return result


def precision_at_recalls(counted: Float, gt_count: int) -> Float:
    """(101,) interpolated precision at ``RECALLS``: the greatest precision at this recall or a higher one.

    Args:
        counted: (K,) number of predictions that count up to and including each true positive, best score first.
        gt_count: number of ground-truth boxes that count, not 0.
    """
    result = np.zeros(len(RECALLS))
    total = len(counted)
    if not total:
        return result
    precision = np.arange(1.0, total + 1.0)
    precision /= counted
    needed = needed_hits(gt_count)
    reached = int(np.searchsorted(needed, total, side="right"))
    # For equal start indices reduceat returns that one element; accumulating from the right then adds the greater ones.
    best = np.maximum.reduceat(precision, needed[:reached] - 1)
    result[:reached] = np.maximum.accumulate(best[::-1])[::-1]
    return result


def class_curves(tp: Masks, ignored: Masks, gt_count: int) -> tuple[Float, Int]:
    """Precision (10, 101) and number of true positives (10,) of one class.

    Args:
        tp, ignored: (R,) masks of thresholds, in the order by score.
    """
    curves = np.zeros((len(THRESHOLDS), len(RECALLS)))
    totals = np.zeros(len(THRESHOLDS), np.int64)
    any_ignored = bool(ignored.any())
    rows = np.flatnonzero(tp)
    bits = tp[rows]
    places = rows + 1.0
    for t in range(len(THRESHOLDS)):
        hit = (bits & np.uint16(1 << t)) != 0
        counted = places[hit]
        if any_ignored:
            counted -= np.cumsum((ignored >> t) & 1, dtype=np.int64)[rows[hit]]
        totals[t] = len(counted)
        if gt_count:
            curves[t] = precision_at_recalls(counted, gt_count)
    return curves, totals


def average_precision(curves: Float) -> Float:
    """(...) mean over the 101 recalls of (..., 101)."""
    result: Float = np.add.reduce(curves, axis=-1) / len(RECALLS)
    return result
