"""Fills the frames between two key boxes: a pass from each end, joined, and smoothed; smooths passes from one end.

Each pass ends at the other key box. How far it missed is spread over its frames; the two are crossfaded, detections
that agree are added as observations. The result keeps the key boxes exact, has few changes of velocity (L1 trend
filtering, Kim et al. 2009: people walk straight, turn, and walk straight) and slowly changing sizes.
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
MET_IOU = 0.4
"""Overlap at which two passes that both missed their end count as having met."""
MEETING_FRAMES = 3
OBSERVED_IOU = 0.5
DETECTION_WEIGHT = 0.5
KINK_COST = 3.0
"""Cost of a change of velocity against a squared distance from the course, in sizes of the box."""
OUTLIER = 0.15
"""Distance from the course in sizes of the box beyond which a box pulls no harder: a person's gait moves boxes."""
SMOOTH_SIZE = 20_000.0
DISAGREE_IOU = 0.5
ONE_WAY_KINK_COST = 0.5
"""``KINK_COST`` of a pass in one direction, whose far end nothing holds."""
_FIRST_STRENGTH = 20.0
_ROUNDS = 12
_FIXED = 1e8
"""Weight of a box that must stay."""
_SMALLEST_KINK = 1e-3


@dataclass(frozen=True, slots=True)
class Filled:
    """Boxes between two key boxes.

    Attributes:
        boxes: (n, 4), float64 xyxy; one a frame.
        disagrees: (n,), whether the passes disagree there, meet there without reaching their ends, or do not meet.
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
    forward = _run(read, frames, first, detections, is_cancelled)
    backward = _run(read, frames[::-1], last, detections, is_cancelled)
    if is_cancelled():
        return None
    joined, disagrees = join_passes(forward, backward[::-1], first, last)
    observed = _observe(joined, detections, frames[1:-1])
    return Filled(_smooth(joined, observed, first, last), disagrees)


def _run(
    read: Callable[[int], Image],
    frames: range,
    start: Box,
    detections: Callable[[int], Boxes] | None,
    is_cancelled: Callable[[], bool],
) -> Boxes:
    """Boxes of a pass on the frames after the first, (n, 4), NaN from where it lost the object."""
    boxes = np.full((len(frames) - 1, 4), np.nan)
    follower: Pass | None = None
    for number, frame in enumerate(frames):
        if is_cancelled():
            break
        found = None if detections is None else detections(frame)
        if follower is None:
            follower = Pass(read(frame), start, found, has_known_size=True)
            continue
        carried = follower.step(read(frame), found)
        if carried is None:
            # The last frames before a loss are guesses.
            boxes[max(0, number - 1 - follower.hidden_frames) :] = np.nan
            break
        boxes[number - 1] = carried.box
    return boxes


def join_passes(forward: Boxes, backward: Boxes, first: Box, last: Box) -> tuple[Boxes, NDArray[np.bool_]]:
    """One course out of two passes, and where they disagree.

    Args:
        forward: boxes on the frames between the key boxes and on that of the last one, (n + 1, 4), NaN where lost.
        backward: boxes on the frame of the first key box and on the frames between.
    """
    count = len(forward) - 1
    there = _spread(forward, last)
    back = _spread(backward[::-1], first)
    one = None if there is None else there[:-1]
    other = None if back is None else back[:-1][::-1]
    if one is not None and other is not None:
        later = (np.arange(1, count + 1) / (count + 1))[:, None]
        return (1 - later) * one + later * other, iou_aligned(one.T, other.T) < DISAGREE_IOU
    if one is not None or other is not None:
        found = one if one is not None else other
        assert found is not None
        return found, np.zeros(count, bool)
    # Both missed the far key box: each is right at its own end, and they may meet on the way.
    one, other = forward[:-1], backward[1:]
    overlaps = np.nan_to_num(iou_aligned(one.T, other.T))
    meeting = int(overlaps.argmax())
    if overlaps[meeting] < MET_IOU:
        return interpolate(first, last, count), np.ones(count, bool)
    middle = (one[meeting] + other[meeting]) / 2
    before, after = _spread(one[: meeting + 1], middle), _spread(other[meeting:][::-1], middle)
    assert before is not None and after is not None
    joined = np.concatenate([before, after[::-1][1:]])
    disagrees = np.zeros(count, bool)
    disagrees[max(0, meeting - MEETING_FRAMES) : meeting + MEETING_FRAMES + 1] = True
    return joined, disagrees


def _spread(boxes: Boxes, end: Box) -> Boxes | None:
    """A pass with its error at the end spread over its frames; None if it did not get there."""
    if np.isnan(boxes[-1, 0]) or iou_aligned(boxes[-1][:, None], end[:, None])[0] < MISSED_IOU:
        return None
    values = _to_parameters(boxes)
    error = _to_parameters(end[None])[0] - values[-1]
    share = (np.arange(1, len(values) + 1) / len(values))[:, None]
    return _to_boxes(values + share * error)


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


def smooth_pass(first: Box, boxes: Boxes, frames: range, detections: Callable[[int], Boxes] | None) -> Boxes:
    """The boxes of a pass in one direction, (n, 4) on ``frames``, once it has ended; the first box stays.

    Args:
        first: the box that it began with.
        detections: as for ``fill``.
    """
    if len(boxes) < 2:
        return boxes
    values, weights = _with_observed(np.vstack([first[None], boxes]), _observe(boxes, detections, frames))
    weights[0] = _FIXED
    return _to_boxes(_smooth_parameters(values, weights, ONE_WAY_KINK_COST))[1:]


def _smooth(joined: Boxes, observed: Boxes, first: Box, last: Box) -> Boxes:
    """Few changes of velocity near the joined boxes and the observations, key boxes exact; (n, 4)."""
    nothing = np.full((1, 4), np.nan)
    boxes = np.vstack([first[None], joined, last[None]])
    values, weights = _with_observed(boxes, np.vstack([observed, nothing]))
    weights[[0, -1]] = _FIXED
    return _to_boxes(_smooth_parameters(values, weights, KINK_COST))[1:-1]


def _with_observed(boxes: Boxes, observed: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Parameters and weights of boxes, (n, 4) and (n,), together with what was observed after the first, (n - 1, 4)."""
    values, weights = _to_parameters(boxes), np.ones(len(boxes))
    rows = np.flatnonzero(~np.isnan(observed[:, 0]))
    if len(rows):
        seen = _to_parameters(observed[rows])
        values[rows + 1] = (values[rows + 1] + DETECTION_WEIGHT * seen) / (1 + DETECTION_WEIGHT)
        weights[rows + 1] += DETECTION_WEIGHT
    return values, weights


def _smooth_parameters(
    values: NDArray[np.float64], weights: NDArray[np.float64], kink_cost: float
) -> NDArray[np.float64]:
    result = np.empty_like(values)
    size = np.exp(values[:, 2:].mean(0))
    for axis in (0, 1):
        result[:, axis] = _straighten(values[:, axis] / size[axis], weights, kink_cost) * size[axis]
    strengths = np.full(len(values) - 2, SMOOTH_SIZE)
    result[:, 2:] = solveh_banded(_bands(weights, strengths), weights[:, None] * values[:, 2:])
    return result


def _straighten(course: NDArray[np.float64], weights: NDArray[np.float64], kink_cost: float) -> NDArray[np.float64]:
    """A course, (n,), with few kinks, by reweighted least squares; places with the weight ``_FIXED`` stay."""
    fixed = weights == _FIXED
    found: NDArray[np.float64] = solveh_banded(
        _bands(weights, np.full(len(course) - 2, _FIRST_STRENGTH * kink_cost)), weights * course
    )
    for _ in range(_ROUNDS):
        strengths = kink_cost / np.maximum(np.abs(np.diff(found, 2)), _SMALLEST_KINK)
        near = weights * np.minimum(1, OUTLIER / np.maximum(np.abs(found - course), 1e-9))
        near[fixed] = _FIXED
        found = solveh_banded(_bands(near, strengths), near * course)
    return found


def _bands(weights: NDArray[np.float64], strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper bands of diag(weights) + D' diag(strengths) D as ``solveh_banded`` takes them.

    D are the second differences, (n - 2, n).
    """
    bands = np.zeros((3, len(weights)))
    bands[2] = weights
    for place, weight in enumerate((1.0, 4.0, 1.0)):
        bands[2, place : len(strengths) + place] += weight * strengths
    for place in (1, 2):
        bands[1, place : len(strengths) + place] -= 2.0 * strengths
    bands[0, 2:] += strengths
    return bands
