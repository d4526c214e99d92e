"""Fills the gaps of a track and smooths its boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

Float = NDArray[np.float64]
Int = NDArray[np.int64]

SMOOTHNESS = 20.0
"""Weight of squared second differences against squared distances from the boxes: noise of a few frames goes."""


def fill_track(frames: Int, boxes: Float, *, max_gap: int, smoothness: float = SMOOTHNESS) -> tuple[Int, Float]:
    """All frames of a track with a box on each: gaps are filled on straight lines, then all boxes are smoothed.

    Args:
        frames: (n,) ascending.
        boxes: (n, 4) xyxy, pixels.
        max_gap: frames between two boxes above which the gap stays.
    """
    every = np.arange(int(frames[0]), int(frames[-1]) + 1)
    filled = np.stack([np.interp(every, frames, boxes[:, edge]) for edge in range(4)], axis=1)
    after = np.searchsorted(frames, every)
    gaps = frames[after] - frames[np.maximum(after - 1, 0)]
    stays = (frames[after] == every) | (gaps <= max_gap)
    return every[stays], smooth(filled, smoothness)[stays]


def smooth(boxes: Float, smoothness: float = SMOOTHNESS) -> Float:
    """Boxes of consecutive frames, (n, 4), with small second differences (Whittaker 1923)."""
    count = len(boxes)
    if count < 3 or smoothness <= 0:
        return boxes
    # The matrix I + s D'D of second differences D has two bands above its diagonal.
    bands = np.zeros((3, count))
    bands[2] = 1.0
    for row, weight in enumerate((1.0, -2.0, 1.0)):
        bands[2, row : count - 2 + row] += smoothness * weight * weight
    bands[1, 1:] += smoothness * np.convolve(np.ones(count - 2), [-2.0, -2.0])
    bands[0, 2:] += smoothness
    result: Float = solveh_banded(bands, boxes)
    return result


def find_keys(boxes: Float, tolerance: float) -> Int:
    """Places of key boxes from which straight lines restore all others up to ``tolerance`` pixels at each edge.

    The line between two keys is split at the box that is furthest from it (Douglas and Peucker 1973).

    Args:
        boxes: (n, 4) of consecutive frames.
    """
    keys, open_spans = {0, len(boxes) - 1}, [(0, len(boxes) - 1)]
    while open_spans:
        first, last = open_spans.pop()
        if last - first < 2:
            continue
        share = (np.arange(first + 1, last) - first)[:, None] / (last - first)
        line = boxes[first] + share * (boxes[last] - boxes[first])
        distance = np.abs(boxes[first + 1 : last] - line).max(axis=1)
        worst = int(distance.argmax())
        if distance[worst] > tolerance:
            place = first + 1 + worst
            keys.add(place)
            open_spans += [(first, place), (place, last)]
    return np.array(sorted(keys), np.int64)
