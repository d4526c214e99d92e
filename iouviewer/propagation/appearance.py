"""What objects look like: colours of the upper and the lower half of a box, to tell people apart who cross."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from iouviewer.propagation.features import Image

Looks = NDArray[np.float32]
"""(n, ``LENGTH``): for each box square roots of the shares of colours, so that a product is a likeness."""

_PARTS = ((0.12, 0.5), (0.5, 0.88))
"""Upper and lower half in heights of the box, without its rim."""
_RIM = 0.25
"""Share of the width on each side that shows background."""
_BINS = 8
_COLOUR_CENTRE = 128
_COLOUR_STEP = 8
LENGTH = len(_PARTS) * 3 * _BINS


def describe(image: Image, boxes: NDArray[np.float64]) -> Looks:
    """The looks of the boxes of one frame.

    Args:
        image: BGR.
        boxes: (n, 4) xyxy, pixels.
    """
    height, width = image.shape[:2]
    looks = np.zeros((len(boxes), len(_PARTS), 3 * _BINS), np.float32)
    for row, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        left, right = _span(x1 + _RIM * (x2 - x1), x2 - _RIM * (x2 - x1), width)
        for part, (top, bottom) in enumerate(_PARTS):
            first, last = _span(y1 + top * (y2 - y1), y1 + bottom * (y2 - y1), height)
            looks[row, part] = _colours(image[first:last, left:right])
    return looks.reshape(len(boxes), LENGTH)


def _colours(pixels: Image) -> NDArray[np.float64]:
    """Square roots of the shares of the pixels by channel and bin, (3 * ``_BINS``,)."""
    lab = np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_BGR2LAB), np.int64).reshape(-1, 3)
    # Lightness over its whole range, both colour channels around grey, where clothes differ.
    bins = np.clip((lab - _COLOUR_CENTRE) // _COLOUR_STEP + _BINS // 2, 0, _BINS - 1)
    bins[:, 0] = lab[:, 0] * _BINS // 256
    counts = np.bincount((bins + np.arange(3) * _BINS).ravel(), minlength=3 * _BINS)
    shares: NDArray[np.float64] = np.sqrt(counts / len(lab))
    return shares


def _span(first: float, last: float, size: int) -> tuple[int, int]:
    """Pixels between two places, at least one, inside the image."""
    start = int(np.clip(first, 0, size - 1))
    return start, int(np.clip(last, start + 1, size))


def average(looks: Looks, weights: NDArray[np.float64]) -> Looks:
    """The looks of one object from several boxes, (``LENGTH``,); ``weights`` (n,) are positive."""
    mean = (looks * weights[:, None]).sum(0).reshape(-1, _BINS)
    length = np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
    unit: Looks = (mean / length).astype(np.float32).ravel()
    return unit


def likeness(one: Looks, other: Looks) -> NDArray[np.float64]:
    """How alike objects look, 0 to 1: (n, ``LENGTH``) each, pair by pair."""
    found: NDArray[np.float64] = (one * other).sum(-1).astype(np.float64) * _BINS / LENGTH
    return found
