"""Follows one object by a discriminative correlation filter.

The filter is that of Henriques et al. (KCF, 2015) with a linear kernel on the features of ``features``: it is trained
on the first frame and learns slowly. The search starts where the object's velocity leads. A weak peak means that the
object is hidden or gone: the box then coasts and the filter does not learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from iouviewer.propagation.features import CELL, Features, Image, PatchShape, cut_patch, find_features

Box = NDArray[np.float64]
"""x1, y1, x2, y2 in pixels of the frame, continuous."""

WINDOW = 2.0
"""Width of the searched window in widths of the box."""
LEARNING_RATE = 0.02
REGULARISATION = 1e-3
LABEL_SIGMA = 0.06
"""Standard deviation of the desired response in sizes of the object."""
WEAK_PEAK = 0.45
"""Below this share of the usual peak the object counts as not seen."""
PULL_CENTRE = 0.5
"""Share of the way to a trusted detection by which the box moves."""
PULL_SIZE = 0.08
MASK_REACH = 1.2
"""Half size of the trained ellipse in half sizes of the box."""
MASK_POWER = 4
VELOCITY_SHARE = 1.0
VELOCITY_RATE = 0.12
COAST_DECAY = 0.97
PEAK_RATE = 0.05
SCALES = (1.0, 0.97, 1.03)
SCALE_PENALTY = 0.985
MIN_SIDE = 3.0
"""A box never becomes narrower than this, in pixels."""


@dataclass(frozen=True, slots=True)
class Step:
    """The tracker's result on one frame.

    Attributes:
        box: xyxy, float64.
        peak: response at the object, 1 on the first frame.
        strength: peak divided by the usual one.
        seen: whether the peak is strong enough; otherwise the box is where the velocity leads.
    """

    box: Box
    peak: float
    strength: float
    seen: bool


class CorrelationTracker:
    """Follows one box from frame to frame, in either direction of time."""

    def __init__(self, image: Image, box: Box, *, with_scale: bool = False) -> None:
        self._box = np.asarray(box, np.float64).copy()
        self._with_scale = with_scale
        self._size = np.maximum(self._box[2:] - self._box[:2], MIN_SIDE)
        self._window = self._size * WINDOW
        self._shape = PatchShape.for_window(*self._window)
        rows, columns = self._shape.rows, self._shape.columns
        self._hann = (np.hanning(rows + 2)[1:-1, None] * np.hanning(columns + 2)[None, 1:-1]).astype(np.float32)
        self._object = _object_mask(rows, columns)
        self._label = fft.rfft2(_gaussian(rows, columns))
        self.velocity = np.zeros(2)
        """Pixels a frame, x and y."""
        self._usual_peak = 0.0
        self._numerator: NDArray[np.complex64]
        self._denominator: NDArray[np.float32]
        self._learn(image, 1.0)

    @property
    def box(self) -> Box:
        """The box on the last frame."""
        return self._box.copy()

    def _centre(self) -> NDArray[np.float64]:
        return (self._box[:2] + self._box[2:]) / 2

    def _features(self, image: Image, centre: NDArray[np.float64], scale: float) -> Features:
        window = self._window * scale
        patch = cut_patch(image, (centre[0], centre[1]), (window[0], window[1]), self._shape)
        return find_features(patch, self._shape) * self._hann

    def _learn(self, image: Image, rate: float) -> None:
        spectrum = fft.rfft2(self._features(image, self._centre(), 1.0) * self._object)
        numerator = self._label[None] * spectrum.conj()
        denominator = (spectrum.real**2 + spectrum.imag**2).sum(0)
        if rate >= 1.0:
            self._numerator, self._denominator = numerator, denominator
        else:
            self._numerator = (1 - rate) * self._numerator + rate * numerator
            self._denominator = (1 - rate) * self._denominator + rate * denominator

    def _respond(self, image: Image, centre: NDArray[np.float64], scale: float) -> tuple[float, float, float]:
        """Height and place of the response's peak: x and y from ``centre`` in pixels of the frame."""
        spectrum = fft.rfft2(self._features(image, centre, scale))
        regularisation = REGULARISATION * float(self._denominator.mean()) + 1e-12
        product = (self._numerator * spectrum).sum(0) / (self._denominator + regularisation)
        response = fft.irfft2(product, s=(self._shape.rows, self._shape.columns))
        row, column = divmod(int(response.argmax()), self._shape.columns)
        peak = float(response[row, column])
        dy = _subcell(response[:, column], row)
        dx = _subcell(response[row], column)
        window = self._window * scale
        width, height = self._shape.pixels
        return peak, dx * CELL * window[0] / width, dy * CELL * window[1] / height

    def locate(self, image: Image) -> Step:
        """Where the object seems to be on the next frame; ``accept`` or ``coast`` must follow."""
        start = self._centre() + VELOCITY_SHARE * self.velocity
        best = None
        for scale in SCALES if self._with_scale else SCALES[:1]:
            peak, dx, dy = self._respond(image, start, scale)
            weighted = peak * (1.0 if scale == 1.0 else SCALE_PENALTY)
            if best is None or weighted > best[0]:
                best = weighted, peak, dx, dy, scale
        assert best is not None
        _, peak, dx, dy, scale = best
        if not self._usual_peak:
            self._usual_peak = peak
        strength = peak / max(self._usual_peak, 1e-9)
        if strength < WEAK_PEAK:
            return Step(_box_around(start, self._size), peak, strength, seen=False)
        return Step(_box_around(start + np.array([dx, dy]), self._size * scale), peak, strength, seen=True)

    def accept(self, image: Image, step: Step, guide: Box | None = None, *, learn: bool = True) -> None:
        """Move to a located box, pulled towards the detection ``guide``, and learn what the object looks like there."""
        # An object that is not seen is where the detection says.
        box = step.box if guide is None else _pull(step.box, guide, PULL_CENTRE if step.seen else 1.0)
        centre = (box[:2] + box[2:]) / 2
        self.velocity += VELOCITY_RATE * (centre - self._centre() - self.velocity)
        self._box, self._size = box, box[2:] - box[:2]
        self._window = self._size * WINDOW
        if step.seen and learn:
            self._usual_peak += PEAK_RATE * (step.peak - self._usual_peak)
            self._learn(image, LEARNING_RATE)

    def coast(self) -> None:
        """Move on by the velocity: the object is hidden."""
        self.velocity *= COAST_DECAY
        self._box = self._box + np.tile(self.velocity, 2)


def _box_around(centre: NDArray[np.float64], size: NDArray[np.float64]) -> Box:
    half = np.maximum(size, MIN_SIDE) / 2
    return np.concatenate([centre - half, centre + half])


def _pull(box: Box, target: Box, share: float) -> Box:
    """A box between two: its centre ``share``, its size ``PULL_SIZE`` of the way to ``target``."""
    centre, goal = (box[:2] + box[2:]) / 2, (target[:2] + target[2:]) / 2
    size, goal_size = box[2:] - box[:2], np.maximum(target[2:] - target[:2], MIN_SIDE)
    return _box_around(centre + share * (goal - centre), size * np.power(goal_size / size, PULL_SIZE))


def _object_mask(rows: int, columns: int) -> NDArray[np.float32]:
    """Weight of the cells in training: those of the object count, those of the background around it hardly.

    A standing background would otherwise hold the filter back where an object walks past it.
    """
    y = (np.arange(rows) + 0.5) / rows * 2 - 1
    x = (np.arange(columns) + 0.5) / columns * 2 - 1
    distance = np.sqrt((y[:, None] * WINDOW / MASK_REACH) ** 2 + (x[None, :] * WINDOW / MASK_REACH) ** 2)
    return (1 / (1 + np.power(distance, MASK_POWER))).astype(np.float32)


def _gaussian(rows: int, columns: int) -> NDArray[np.float32]:
    """The desired response: a Gaussian around cell 0, 0, periodic."""
    y = np.minimum(np.arange(rows), rows - np.arange(rows)) / (LABEL_SIGMA * rows / WINDOW * 2)
    x = np.minimum(np.arange(columns), columns - np.arange(columns)) / (LABEL_SIGMA * columns / WINDOW * 2)
    return np.exp(-0.5 * (y[:, None] ** 2 + x[None, :] ** 2)).astype(np.float32)


def _subcell(values: NDArray[np.float32], index: int) -> float:
    """Place of a peak in cells, signed and with a fraction from the parabola through its neighbours."""
    count = len(values)
    before, at, after = float(values[index - 1]), float(values[index]), float(values[(index + 1) % count])
    curvature = before - 2 * at + after
    fraction = 0.5 * (before - after) / curvature if curvature < -1e-12 else 0.0
    place = index + fraction
    return place - count if place > count / 2 else place
