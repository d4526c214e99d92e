"""Overlapping pairs of ground-truth and predicted boxes of the same frame, for all frames at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Float, Int

_CHUNK = 24_576
"""Pairs per chunk; small enough for its buffers to stay in the second-level cache."""


class PairColumns(NamedTuple):
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
        """The pairs where ``keep`` is True, or at the places ``keep``."""
        return Pairs(self.gt[keep], self.pred[keep], self.iou[keep])


def same_class(a: Int, b: Int) -> Bool:
    """Where two class ids match: equal, or one of them unspecified."""
    found: Bool = (a == b) | (a == UNSPECIFIED_CLASS) | (b == UNSPECIFIED_CLASS)
    return found


def row_numbers(starts: Int, counts: Int) -> Int:
    """Runs of consecutive numbers, ``counts[i]`` from ``starts[i]`` on, concatenated."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    numbers: Int = np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - counts), counts)
    return numbers


def overlapping_pairs(
    gt: PairColumns, pred: PairColumns, minimum: float, *, extra: float = 0.0, of_prediction: bool = False
) -> Pairs:
    """All pairs of one frame whose overlap is > 0 and >= ``minimum``.

    Args:
        minimum: least overlap.
        extra: added to widths and heights by the convention; ``areas`` must be computed with it.
        of_prediction: use intersection / area of the prediction (COCO's rule for crowds) instead of IoU.
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
    # Frames are grouped by their number of ground-truth boxes, which gives sorted runs that timsort merges quickly.
    return pairs.select(np.argsort(pairs.pred, kind="stable"))


def _chunks(gt: PairColumns, pred: PairColumns, minimum: float, extra: float, of_prediction: bool) -> Iterator[Pairs]:
    gt_counts = np.diff(gt.offsets)
    pred_counts = np.diff(pred.offsets)
    active = (gt_counts > 0) & (pred_counts > 0)
    # IoU >= m is equivalent to inter >= (area + area) * m / (1 + m), which needs no division. The slack keeps pairs
    # that rounding could exclude; the exact quotient decides later.
    share = (minimum if of_prediction else minimum / (1.0 + minimum)) * (1.0 - 1e-9)
    required = (
        _RequiredAreas(pred.areas * share, None if of_prediction else gt.areas * share) if minimum > 0.0 else None
    )
    for width in np.flatnonzero(np.bincount(gt_counts[active])).tolist():
        frames = np.flatnonzero(active & (gt_counts == width))
        group = _Group(gt, pred, frames, width, pred_counts[frames], required)
        size = max(1, _CHUNK // width)
        buffers = np.empty((7, min(size, len(group.rows)), width))
        for start in range(0, len(group.rows), size):
            found = group.pairs(start, start + size, buffers, extra)
            if len(found.gt):
                yield _exact(gt, pred, found, minimum, of_prediction)


class _RequiredAreas(NamedTuple):
    """The two parts of the least intersection of a pair, by prediction and by ground-truth box; add them."""

    pred: Float
    gt: Float | None


class _Group:
    """Frames with the same number of ground-truth boxes, so that the boxes form a rectangular array."""

    def __init__(
        self, gt: PairColumns, pred: PairColumns, frames: Int, width: int, counts: Int, required: _RequiredAreas | None
    ) -> None:
        self._first = gt.offsets[frames]
        self._pred, self._required, self._width = pred, required, width
        index = self._first[:, None] + np.arange(width)
        columns = [gt.boxes[c][index] for c in range(4)]
        self._columns = columns if required is None or required.gt is None else [*columns, required.gt[index]]
        self.rows = row_numbers(pred.offsets[frames], counts)
        self._frame = np.repeat(np.arange(len(frames)), counts)

    def pairs(self, start: int, end: int, buffers: Float, extra: float) -> Pairs:
        """Candidate pairs of the rows ``start`` to ``end``, with their intersections in place of IoU."""
        rows, frame = self.rows[start:end], self._frame[start:end]
        buffers = buffers[:, : len(rows)]
        inter, scratch = buffers[5], buffers[6]
        for column, buffer in zip(self._columns, buffers, strict=False):
            # "clip" lets numpy write to the buffer directly; the indices are in range anyway.
            np.take(column, frame, axis=0, out=buffer, mode="clip")
        boxes = self._pred.boxes[:, rows, None]
        np.minimum(buffers[2], boxes[2], out=inter)
        np.maximum(buffers[0], boxes[0], out=scratch)
        inter -= scratch
        height = buffers[3]
        np.minimum(height, boxes[3], out=height)
        np.maximum(buffers[1], boxes[1], out=scratch)
        height -= scratch
        if extra:
            inter += extra
            height += extra
        np.maximum(inter, 0.0, out=inter)
        inter *= height
        places = np.flatnonzero(self._has_required(inter, buffers[4], rows))
        row = places // self._width
        return Pairs(self._first[frame[row]] + (places - row * self._width), rows[row], inter.reshape(-1)[places])

    def _has_required(self, inter: Float, scratch: Float, rows: Int) -> Bool:
        if self._required is None:
            overlap: Bool = inter > 0.0
            return overlap
        needed = self._required.pred[rows, None]
        if self._required.gt is not None:
            needed = np.add(scratch, needed, out=scratch)
        reached: Bool = inter >= needed
        return reached


def _exact(gt: PairColumns, pred: PairColumns, found: Pairs, minimum: float, of_prediction: bool) -> Pairs:
    """The pairs of ``found`` (with intersections in place of IoU) whose overlap is at least ``minimum``."""
    union = pred.areas[found.pred]
    if not of_prediction:
        union = union + gt.areas[found.gt] - found.iou
    with np.errstate(invalid="ignore"):  # a prediction without area overlaps nothing: 0 / 0 is no pair
        iou = found.iou / union
    keep = iou >= minimum
    return Pairs(found.gt, found.pred, iou) if keep.all() else Pairs(found.gt[keep], found.pred[keep], iou[keep])
