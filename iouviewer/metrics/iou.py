"""IoU, GIoU, DIoU and CIoU: one implementation for matrices, aligned columns and single pairs.

Boxes are (4, N) float64 columns x1, y1, x2, y2 in pixels. The scalar functions do the same operations in the same order
on Python floats, so their results equal those of the arrays bit for bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from iouviewer.metrics.table import Convention, Float

_ASPECT = 4.0 / np.pi**2
Rect = tuple[float, float, float, float]


class IouFamily(NamedTuple):
    """IoU (Everingham 2010), GIoU (Rezatofighi 2019), DIoU and CIoU (Zheng 2020); arrays of one shape."""

    iou: Float
    giou: Float
    diou: Float
    ciou: Float


class IouFamilyPair(NamedTuple):
    """``IouFamily`` of one pair of boxes."""

    iou: float
    giou: float
    diou: float
    ciou: float


def extra_pixel(convention: Convention) -> float:
    """Pixels that the convention adds to each width and height."""
    return 1.0 if convention == Convention.INCLUSIVE else 0.0


def areas(boxes: Float, convention: Convention = Convention.CONTINUOUS) -> Float:
    """(N,) areas in square pixels of (4, N) boxes."""
    extra = extra_pixel(convention)
    width, height = boxes[2] - boxes[0], boxes[3] - boxes[1]
    if extra:
        width += extra
        height += extra
    area: Float = width * height
    return area


def intersect(a: Float, b: Float, extra: float, out: Float, scratch: Float) -> Float:
    """Write the areas of intersection to ``out``; ``a`` and ``b`` are (4, ...) and broadcast to its shape.

    Args:
        extra: added to every width and height (``extra_pixel``).
        scratch: (2, ...) float64 whose rows have the shape of ``out``; overwritten.
    """
    lower, height = scratch
    np.minimum(a[2], b[2], out=out)
    np.maximum(a[0], b[0], out=lower)
    np.subtract(out, lower, out=out)
    np.minimum(a[3], b[3], out=height)
    np.maximum(a[1], b[1], out=lower)
    np.subtract(height, lower, out=height)
    if extra:
        out += extra
        height += extra
    np.maximum(out, 0.0, out=out)
    np.maximum(height, 0.0, out=height)
    out *= height
    return out


def overlap_ratio(inter: Float, union: Float) -> Float:
    """inter / union, written to ``inter``; 0 where the union is 0 (the intersection is 0 there too)."""
    return np.divide(inter, union, out=inter, where=union > 0.0)


def _overlap(a: Float, b: Float, convention: Convention, out: Float | None = None) -> tuple[Float, Float]:
    """IoU and union of (4, ...) boxes that broadcast to a common shape."""
    shape = np.broadcast_shapes(a.shape[1:], b.shape[1:])
    inter = np.empty(shape) if out is None else out
    if inter.shape != shape:
        raise ValueError(f"out must have the shape {shape}, got {inter.shape}")
    scratch = np.empty((2, *shape))
    intersect(a, b, extra_pixel(convention), inter, scratch)
    union = np.add(areas(a, convention), areas(b, convention), out=scratch[0])
    union -= inter
    return overlap_ratio(inter, union), union


def iou_matrix(a: Float, b: Float, convention: Convention = Convention.CONTINUOUS, out: Float | None = None) -> Float:
    """(N, M) float64; [i, j] is the IoU of a[:, i] with b[:, j], 0 where the union is 0.

    Args:
        a: (4, N).
        b: (4, M).
        out: (N, M) float64 to write into.
    """
    return _overlap(a[:, :, None], b[:, None, :], convention, out)[0]


def iou_aligned(a: Float, b: Float, convention: Convention = Convention.CONTINUOUS, out: Float | None = None) -> Float:
    """(N,) float64; the IoU of a[:, i] with b[:, i]. ``a`` and ``b`` are (4, N)."""
    return _overlap(a, b, convention, out)[0]


def _family(a: Float, b: Float, convention: Convention) -> IouFamily:
    extra = extra_pixel(convention)
    iou, union = _overlap(a, b, convention)
    width = np.maximum(a[2], b[2]) - np.minimum(a[0], b[0]) + extra
    height = np.maximum(a[3], b[3]) - np.minimum(a[1], b[1]) + extra
    hull = width * height
    giou = iou - np.maximum(hull - union, 0.0) / np.where(hull > 0.0, hull, np.inf)
    dx = (a[0] + a[2]) / 2.0 - (b[0] + b[2]) / 2.0
    dy = (a[1] + a[3]) / 2.0 - (b[1] + b[3]) / 2.0
    diagonal = width * width + height * height
    diou = iou - (dx * dx + dy * dy) / np.where(diagonal > 0.0, diagonal, np.inf)
    delta = _angle(a, extra) - _angle(b, extra)
    v = _ASPECT * (delta * delta)
    slack = (1.0 - iou) + v
    ciou = diou - v * (v / np.where(slack > 0.0, slack, np.inf))
    return IouFamily(iou, giou, diou, ciou)


def _angle(boxes: Float, extra: float) -> Float:
    """atan(width / height); arctan2 equals it for sizes that are not negative, and is 0 for an empty box."""
    angle: Float = np.arctan2(boxes[2] - boxes[0] + extra, boxes[3] - boxes[1] + extra)
    return angle


def family_aligned(a: Float, b: Float, convention: Convention = Convention.CONTINUOUS) -> IouFamily:
    """IoU, GIoU, DIoU and CIoU of a[:, i] with b[:, i]; arrays (N,)."""
    return _family(a, b, convention)


def family_matrix(a: Float, b: Float, convention: Convention = Convention.CONTINUOUS) -> IouFamily:
    """IoU, GIoU, DIoU and CIoU of a[:, i] with b[:, j]; arrays (N, M)."""
    return _family(a[:, :, None], b[:, None, :], convention)


def iou_pair(a: Rect, b: Rect, convention: Convention = Convention.CONTINUOUS) -> float:
    """IoU of two boxes x1, y1, x2, y2; equals ``iou_matrix`` bit for bit."""
    extra = extra_pixel(convention)
    width = min(a[2], b[2]) - max(a[0], b[0]) + extra
    height = min(a[3], b[3]) - max(a[1], b[1]) + extra
    if width <= 0.0 or height <= 0.0:
        return 0.0
    inter = width * height
    area_a = (a[2] - a[0] + extra) * (a[3] - a[1] + extra)
    area_b = (b[2] - b[0] + extra) * (b[3] - b[1] + extra)
    union = area_a + area_b - inter
    return inter / union if union > 0.0 else 0.0


def family_pair(a: Rect, b: Rect, convention: Convention = Convention.CONTINUOUS) -> IouFamilyPair:
    """IoU, GIoU, DIoU and CIoU of two boxes; equals ``family_matrix`` bit for bit."""
    family = _family(np.array(a, np.float64)[:, None], np.array(b, np.float64)[:, None], convention)
    return IouFamilyPair(*(float(values[0]) for values in family))
