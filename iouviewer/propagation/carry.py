"""One pass of a box over consecutive frames, in either direction, and when it should stop."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import cv2
import numpy as np
from numpy.typing import NDArray

from iouviewer.propagation.features import Image
from iouviewer.propagation.guide import Boxes, Guide
from iouviewer.propagation.tracker import Box, CorrelationTracker

COVERED_SHARE = 0.25
"""From this share of the box under a rival on, it counts as hidden where no detection says otherwise."""
LEARN_COVERED = 0.5
MAX_HIDDEN = 12
"""Frames without a sight of the object after which the pass stops."""
MIN_INSIDE = 0.3
"""A box with less than this share inside the frame has left it."""
_BINS = 16
_SIDE = 160
SAME_SCENE_CORRELATION = 0.5
"""Correlation of two colour histograms below which a cut lies between the frames."""
NO_BOXES: Boxes = np.empty((0, 4))


class StopReason(Enum):
    """Why a pass ended."""

    REACHED = auto()
    """The last frame that was asked for."""
    NEXT_KEY = auto()
    """The next key frame of the track."""
    LOST = auto()
    LEFT = auto()
    SCENE_CUT = auto()
    CANCELLED = auto()


@dataclass(frozen=True, slots=True)
class CarriedBox:
    """A box on one frame.

    Attributes:
        box: xyxy, float64, pixels.
        confidence: 0 to 1; how sure the pass is that the box is on the object.
        guided: whether a detection of the model confirmed it.
    """

    box: Box
    confidence: float
    guided: bool


class Pass:
    """Carries one box from frame to frame."""

    def __init__(
        self, image: Image, box: Box, detections: Boxes | None = None, *, has_known_size: bool = False
    ) -> None:
        """Begin on the frame of the box.

        Args:
            image: that frame, BGR.
            box: xyxy in pixels.
            detections: a model's boxes of that frame, (n, 4), corrected by its bias; None to follow the picture alone.
            has_known_size: the box's size follows from elsewhere, and the pass keeps it.
        """
        guided = detections is not None
        self._tracker = CorrelationTracker(image, box, with_scale=not guided and not has_known_size)
        self._guide = Guide(np.asarray(box, np.float64), detections) if detections is not None else None
        self._size = image.shape[1], image.shape[0]
        self._hidden = 0
        self._agreement = 1.0
        self.stopped: StopReason | None = None

    def step(self, image: Image, detections: Boxes | None = None) -> CarriedBox | None:
        """The box on the next frame; None, with ``stopped`` set, if the object has left or is lost."""
        tracker = self._tracker
        found = tracker.locate(image)
        guide, covered, confirmed = None, 0.0, False
        if self._guide is not None:
            sighting = self._guide.find(found.box, detections if detections is not None else NO_BOXES, seen=found.seen)
            guide, covered = sighting.box, sighting.covered
            confirmed = guide is not None
        if confirmed or (found.seen and covered <= COVERED_SHARE):
            tracker.accept(image, found, guide, learn=covered < LEARN_COVERED)
            self._hidden = 0
        else:
            tracker.coast()
            self._hidden += 1
        if self._guide is not None:
            self._agreement += 0.2 * (float(confirmed) - self._agreement)
        box = tracker.box
        if self._inside(box) < MIN_INSIDE:
            self.stopped = StopReason.LEFT
            return None
        if self._hidden > MAX_HIDDEN:
            self.stopped = StopReason.LOST
            return None
        strength = float(np.clip(found.strength, 0, 1))
        confidence = 0.5 * self._agreement + 0.5 * strength if self._guide is not None else strength
        return CarriedBox(box, confidence, confirmed)

    @property
    def hidden_frames(self) -> int:
        """How many of the last frames did not show the object."""
        return self._hidden

    def _inside(self, box: Box) -> float:
        width, height = self._size
        shared = np.minimum(box[2:], (width, height)) - np.maximum(box[:2], 0)
        return float(np.prod(np.maximum(shared, 0)) / max(np.prod(box[2:] - box[:2]), 1e-9))


class SceneCutFinder:
    """Compares each frame with the one before."""

    def __init__(self) -> None:
        self._last: NDArray[np.float64] | None = None

    def is_cut(self, image: Image) -> bool:
        """Whether a cut lies between the previous frame and this one; False for the first frame."""
        small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        levels = (small.reshape(-1, 3) // (256 // _BINS)).astype(np.int64)
        bins = (levels[:, 0] * _BINS + levels[:, 1]) * _BINS + levels[:, 2]
        histogram = np.sqrt(np.bincount(bins, minlength=_BINS**3).astype(np.float64))
        last, self._last = self._last, histogram
        if last is None:
            return False
        # Bhattacharyya coefficient: both are square roots of counts.
        return float(last @ histogram) / (_SIDE * _SIDE) < SAME_SCENE_CORRELATION
