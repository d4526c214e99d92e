"""Detections of a model as a guide for a tracker: which of them is the object, and which are its neighbours.

Every detection that is not the object's is followed as a rival (constant velocity, assigned by overlap), so that the
tracker does not walk over to a neighbour. A model's boxes may be wider or higher than the person draws them: the usual
difference is removed first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from iouviewer.metrics.iou import iou_matrix
from iouviewer.propagation.tracker import Box

Boxes = NDArray[np.float64]
"""(n, 4), xyxy."""

TRUSTED_IOU = 0.35
"""Overlap of a detection with the tracked box from which it can be the object."""
REFOUND_IOU = 0.2
"""The same while the tracker does not see the object."""
NEAR_IOU = 0.2
"""A detection that overlaps the tracked box this much never becomes a rival: it may be the object itself."""
AMBIGUOUS_SHARE = 0.8
"""A second candidate with this share of the best one's overlap makes the detection ambiguous."""
RIVAL_IOU = 0.25
RIVAL_LIFE = 8
"""Frames without a detection after which a rival is forgotten."""
RIVAL_RATE = 0.3
MIN_PAIRS = 8
"""Pairs of detections and boxes below which no usual difference is known."""


@dataclass(frozen=True, slots=True)
class Bias:
    """Usual difference of a model's boxes from ground truth, in sizes of the model's box: left, top, right, bottom."""

    edges: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))

    @classmethod
    def from_pairs(cls, detections: Boxes, boxes: Boxes) -> Bias:
        """The median over matched pairs, (n, 4) each; none from fewer than ``MIN_PAIRS``."""
        if len(detections) < MIN_PAIRS:
            return cls()
        sizes = detections[:, 2:] - detections[:, :2]
        difference = (boxes - detections) / np.concatenate([sizes, sizes], axis=1)
        return cls(np.median(difference, axis=0))

    def correct(self, detections: Boxes) -> Boxes:
        """The boxes as a person would draw them."""
        sizes = detections[:, 2:] - detections[:, :2]
        corrected: Boxes = detections + self.edges * np.concatenate([sizes, sizes], axis=1)
        return corrected


@dataclass(slots=True)
class _Rival:
    box: Box
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the detections of one frame say.

    Attributes:
        box: the detection of the object; None if there is none or several could be.
        overlap: its IoU with the tracked box, 0 without one.
        is_ambiguous: several detections could be the object.
        covered: largest share of the tracked box that a rival covers, 0 to 1.
    """

    box: Box | None
    overlap: float = 0.0
    is_ambiguous: bool = False
    covered: float = 0.0


class Guide:
    """Assigns the detections of each frame to the object or to its rivals."""

    def __init__(self, box: Box, detections: Boxes) -> None:
        self._rivals: list[_Rival] = []
        own = iou_matrix(box[:, None], detections.T)[0] if len(detections) else np.empty(0)
        for number, detection in enumerate(detections):
            if own[number] < NEAR_IOU:
                self._rivals.append(_Rival(detection.copy()))

    def find(self, box: Box, detections: Boxes, *, seen: bool) -> Sighting:
        """Assign the detections of a frame.

        Args:
            box: the tracked box.
            seen: whether the tracker sees its object.
        """
        predicted = [rival.box + rival.velocity for rival in self._rivals]
        if not len(detections):
            self._assign(predicted, detections, {})
            return Sighting(None, covered=self._cover(box))
        candidates = np.vstack([box[None], *[one[None] for one in predicted]])
        overlaps = iou_matrix(candidates.T, detections.T)
        threshold = TRUSTED_IOU if seen else REFOUND_IOU
        allowed = overlaps >= np.where(np.arange(len(candidates)) == 0, threshold, RIVAL_IOU)[:, None]
        rows, columns = linear_sum_assignment(np.where(allowed, overlaps, 0.0), maximize=True)
        chosen = {int(row): int(column) for row, column in zip(rows, columns, strict=True) if allowed[row, column]}
        own = chosen.pop(0, None)
        near = set(np.flatnonzero(overlaps[0] >= NEAR_IOU).tolist())
        self._assign(predicted, detections, {row - 1: column for row, column in chosen.items()}, near)
        covered = self._cover(box)
        if own is None:
            return Sighting(None, covered=covered)
        free = np.ones(len(detections), bool)
        free[list(chosen.values())] = False
        free[own] = False
        second = float(overlaps[0][free].max()) if free.any() else 0.0
        best = float(overlaps[0, own])
        if second > AMBIGUOUS_SHARE * best:
            return Sighting(None, best, is_ambiguous=True, covered=covered)
        return Sighting(detections[own].copy(), best, covered=covered)

    def _cover(self, box: Box) -> float:
        """Largest share of ``box`` under one rival."""
        if not self._rivals:
            return 0.0
        rivals = np.stack([rival.box for rival in self._rivals])
        shared = np.minimum(box[2:], rivals[:, 2:]) - np.maximum(box[:2], rivals[:, :2])
        return float(np.prod(np.maximum(shared, 0), axis=1).max() / np.prod(box[2:] - box[:2]))

    def _assign(
        self, predicted: list[Box], detections: Boxes, chosen: dict[int, int], near: Collection[int] = ()
    ) -> None:
        """Move the rivals to their detections. Others become rivals unless they are ``near`` the object."""
        kept: list[_Rival] = []
        for number, (rival, place) in enumerate(zip(self._rivals, predicted, strict=True)):
            column = chosen.get(number)
            if column is None:
                rival.box, rival.missed = place, rival.missed + 1
            else:
                rival.velocity += RIVAL_RATE * (detections[column] - place)
                rival.box, rival.missed = detections[column].copy(), 0
            if rival.missed <= RIVAL_LIFE:
                kept.append(rival)
        taken = {*chosen.values(), *near}
        kept += [_Rival(detections[column].copy()) for column in range(len(detections)) if column not in taken]
        self._rivals = kept
