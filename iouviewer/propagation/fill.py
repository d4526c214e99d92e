"""Fills the frames between two key boxes: a pass from each end, joined, and smoothed.

Each pass ends at the other key box. How far it missed is spread over its frames; the two are crossfaded, detections
that agree are added as observations, and the result has small second differences with the key boxes exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from iouviewer.metrics.iou import iou_aligned, iou_matrix
from iouviewer.propagation.carry import Pass
from iouviewer.propagation.features import Image
from iouviewer.propagation.guide import Boxes
from iouviewer.propagation.tracker import Box

MISSED_IOU = 0.3
"""A pass that ends with less overlap with the far key box is not used."""
OBSERVED_IOU = 0.5
DETECTION_WEIGHT = 0.5
SMOOTH_CENTRE = 200.0
SMOOTH_SIZE = 3000.0
DISAGREE_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Filled:
    """Boxes between two key boxes.

    Attributes:
        boxes: (n, 4), float64 xyxy; one a frame.
        disagrees: (n,), whether the two passes disagree there, or neither was usable.
    """

    boxes: Boxes
    disagrees: NDArray[np.bool_]


def interpolate(first: Box, last: Box, count: int) -> Boxes:
    """``count`` boxes between two, equally spaced; (count, 4)."""
    share = (np.arange(1, count + 1) / (count + 1))[:, None]
    return (1 - share) * first + share * last


def fill(
    read: Callable[[int], Image],
    frames: range,
    first: Box,
    last: Box,
    detections: Callable[[int], Boxes] | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Filled | None:
    """The boxes between two key boxes; None if cancelled.

    Args:
        read: returns a frame, BGR; called in order, then in reverse order.
        frames: the frames from the first key box to the last one, both included.
        first, last: the key boxes, xyxy.
        detections: returns a model's boxes of a frame, (n, 4), corrected by its bias; None to use the picture alone.
        is_cancelled: asked before each frame.
    """
    first, last = np.asarray(first, np.float64), np.asarray(last, np.float64)
    count = len(frames) - 2
    if count < 1:
        return Filled(np.empty((0, 4)), np.empty(0, bool))
    forward = _run(read, frames, first, last, detections, is_cancelled)
    backward = _run(read, frames[::-1], last, first, detections, is_cancelled)
    if is_cancelled():
        return None
    later = (np.arange(1, count + 1) / (count + 1))[:, None]
    if forward is not None and backward is not None:
        joined = (1 - later) * forward + later * backward[::-1]
        disagrees = iou_aligned(forward.T, backward[::-1].T) < DISAGREE_IOU
    elif forward is not None:
        joined, disagrees = forward, np.zeros(count, bool)
    elif backward is not None:
        joined, disagrees = backward[::-1], np.zeros(count, bool)
    else:
        joined, disagrees = interpolate(first, last, count), np.ones(count, bool)
    observed = _observe(joined, detections, frames[1:-1])
    return Filled(_smooth(joined, observed, first, last), disagrees)


def _run(
    read: Callable[[int], Image],
    frames: range,
    first: Box,
    last: Box,
    detections: Callable[[int], Boxes] | None,
    is_cancelled: Callable[[], bool],
) -> Boxes | None:
    """Boxes between the key boxes with the error at the far end spread; None if the pass missed or was cancelled."""
    follower: Pass | None = None
    boxes: list[Box] = []
    for frame in frames:
        if is_cancelled():
            return None
        found = None if detections is None else detections(frame)
        if follower is None:
            follower = Pass(read(frame), first, found, has_known_size=True)
            continue
        carried = follower.step(read(frame), found)
        if carried is None:
            return None
        boxes.append(carried.box)
    if iou_aligned(boxes[-1][:, None], last[:, None])[0] < MISSED_IOU:
        return None
    values = _to_parameters(np.stack(boxes))
    error = _to_parameters(last[None])[0] - values[-1]
    share = (np.arange(1, len(values) + 1) / len(values))[:, None]
    return _to_boxes(values + share * error)[:-1]


def _to_parameters(boxes: Boxes) -> NDArray[np.float64]:
    """Centre x and y, logarithm of width and height; (n, 4)."""
    sizes = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, np.log(sizes)], axis=1)


def _to_boxes(parameters: NDArray[np.float64]) -> Boxes:
    half = np.exp(parameters[:, 2:]) / 2
    return np.concatenate([parameters[:, :2] - half, parameters[:, :2] + half], axis=1)


def _observe(joined: Boxes, detections: Callable[[int], Boxes] | None, frames: range) -> Boxes:
    """The detection of each frame that agrees with the joined box; NaN where there is none; (n, 4)."""
    observed = np.full((len(frames), 4), np.nan)
    if detections is None:
        return observed
    for number, frame in enumerate(frames):
        found = detections(frame)
        if not len(found):
            continue
        overlaps = iou_matrix(joined[number][:, None], found.T)[0]
        best = int(overlaps.argmax())
        if overlaps[best] >= OBSERVED_IOU:
            observed[number] = found[best]
    return observed


def _smooth(joined: Boxes, observed: Boxes, first: Box, last: Box) -> Boxes:
    """Smallest second differences near the joined boxes and the observations, key boxes exact; (n, 4)."""
    values = np.vstack([_to_parameters(first[None]), _to_parameters(joined), _to_parameters(last[None])])
    has = ~np.isnan(observed[:, 0])
    weights = np.ones(len(values))
    if has.any():
        seen = _to_parameters(observed[has])
        rows = np.flatnonzero(has) + 1
        values[rows] = (values[rows] + DETECTION_WEIGHT * seen) / (1 + DETECTION_WEIGHT)
        weights[rows] += DETECTION_WEIGHT
    weights[[0, -1]] = 1e8
    result = np.empty_like(values)
    for columns, strength in ((slice(0, 2), SMOOTH_CENTRE), (slice(2, 4), SMOOTH_SIZE)):
        result[:, columns] = solveh_banded(_bands(weights, strength), weights[:, None] * values[:, columns])
    return _to_boxes(result)[1:-1]


def _bands(weights: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """Upper bands of diag(weights) + strength * D'D, D the second differences, as ``solveh_banded`` takes them."""
    count = len(weights)
    bands = np.zeros((3, count))
    bands[2] = weights
    for start in range(count - 2):
        bands[2, start : start + 3] += strength * np.array([1.0, 4.0, 1.0])
        bands[1, start + 1 : start + 3] += strength * np.array([-2.0, -2.0])
        bands[0, start + 2] += strength
    return bands
