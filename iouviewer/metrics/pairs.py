"""The overlapping pairs of ground-truth and predicted boxes of the same frame, for all frames at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from iouviewer.metrics.iou import intersect
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Float, Int

_CHUNK = 24_576
"""Pairs worked on at a time; the buffers of a chunk stay in the second-level cache."""


class Columns(NamedTuple):
    """Boxes of many frames with their areas.

    Attributes:
        offsets: (F + 1,) int64, the rows of each frame.
        boxes: (4, N) float64 x1, y1, x2, y2.
        areas: (N,) float64.
    """

    offsets: Int
    boxes: Float
    areas: Float


class Pairs(NamedTuple):
    """Pairs of rows with their overlap; ordered by ``pred``, then ``gt``."""

    gt: Int
    pred: Int
    iou: Float

    def select(self, keep: Bool | Int) -> Pairs:
        """The pairs for which ``keep`` holds, or at the given places."""
        return Pairs(self.gt[keep], self.pred[keep], self.iou[keep])


def same_class(a: Int, b: Int) -> Bool:
    """Where two class ids match: equal, or one of them unspecified."""
    found: Bool = (a == b) | (a == UNSPECIFIED_CLASS) | (b == UNSPECIFIED_CLASS)
    return found


def row_numbers(starts: Int, counts: Int) -> Int:
    """The numbers start, start + 1, ... of ``counts`` each, one run after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    numbers: Int = np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - counts), counts)
    return numbers


def overlapping_pairs(
    gt: Columns, pred: Columns, minimum: float, *, extra: float = 0.0, of_prediction: bool = False
) -> Pairs:
    """All pairs of one frame whose overlap is > 0 and >= ``minimum``.

    Args:
        extra: what the convention adds to widths and heights; ``areas`` must agree with it.
        of_prediction: measure intersection / area of the prediction (COCO's rule for crowds) instead of IoU.
    """
    parts = list(_chunks(gt, pred, minimum, extra, of_prediction))
    if not parts:
        none = np.zeros(0, np.int64)
        return Pairs(none, none, np.zeros(0))
    if len(parts) == 1:
        return parts[0]
    pairs = Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    if np.all(pairs.pred[1:] >= pairs.pred[:-1]):
        return pairs
    # Frames come grouped by their number of ground-truth boxes: sorted runs, which timsort merges quickly.
    return pairs.select(np.argsort(pairs.pred, kind="stable"))


def _chunks(gt: Columns, pred: Columns, minimum: float, extra: float, of_prediction: bool) -> Iterator[Pairs]:
    gt_counts = np.diff(gt.offsets)
    pred_counts = np.diff(pred.offsets)
    active = (gt_counts > 0) & (pred_counts > 0)
    for width in np.unique(gt_counts[active]).tolist():
        frames = np.flatnonzero(active & (gt_counts == width))
        rows = row_numbers(pred.offsets[frames], pred_counts[frames])
        first = np.repeat(gt.offsets[frames], pred_counts[frames])
        size = max(1, _CHUNK // width)
        buffers = np.empty((3, min(size, len(rows)), width))
        inside = np.arange(width)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            index = first[start : start + size, None] + inside
            found = _chunk(gt, pred, part, index, buffers[:, : len(part)], (minimum, extra, of_prediction))
            if found is not None:
                yield found


def _chunk(
    gt: Columns, pred: Columns, rows: Int, index: Int, buffers: Float, how: tuple[float, float, bool]
) -> Pairs | None:
    """Pairs of the predictions ``rows`` (n,) with the ground-truth rows ``index`` (n, g)."""
    minimum, extra, of_prediction = how
    inter, scratch = buffers[0], buffers[1:]
    intersect(pred.boxes[:, rows, None], gt.boxes[:, index], extra, inter, scratch)
    union = scratch[0]
    if of_prediction:
        union[:] = pred.areas[rows, None]
    else:
        np.add(pred.areas[rows, None], gt.areas[index], out=union)
        union -= inter
    with np.errstate(invalid="ignore"):  # 0 / 0 is no pair: a comparison with NaN is False
        np.divide(inter, union, out=inter)
    flat = inter.reshape(-1)
    places = np.flatnonzero(flat >= minimum if minimum > 0.0 else flat > 0.0)
    if not len(places):
        return None
    return Pairs(index.reshape(-1)[places], rows[places // index.shape[1]], flat[places])
