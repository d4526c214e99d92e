"""Frames that a model was calibrated on leave every score and verdict: the one rule for window, commands and Python.

A quantized model has seen its calibration frames: the ranges of its numbers were measured on them. A run states them in
its protocol (``made``), with the fingerprint of their video; they count only where the run was on that video.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from iouviewer.document.frame_ranges import ranges_to_frames
from iouviewer.document.predictions import PredictionSet
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Bool, Int

TRAINED_ON = "trained_on"
"""Key of a run's protocol: the frames that its model was trained on, as ranges."""


def calibration_frames(predictions: PredictionSet) -> Int:
    """Frames of this run's video that its model was calibrated on, (n,) int64; empty where none are stated."""
    made = predictions.protocol.get("made")
    calibration = made.get("calibration") if isinstance(made, Mapping) else None
    if not isinstance(calibration, Mapping):
        return np.zeros(0, np.int64)
    fingerprint = predictions.protocol.get("fingerprint")
    if not fingerprint or calibration.get("fingerprint") != fingerprint:
        return np.zeros(0, np.int64)
    return _frames_of(calibration.get("frames", ()), predictions.frame_count)


def calibrated_mask(sets: Iterable[PredictionSet], frame_count: int) -> Bool | None:
    """(F,) bool, frames that leave the scores of all these variants; None where none do.

    They leave the scores of the other variants too, so that all stand on the same frames.
    """
    mask = None
    for predictions in sets:
        frames = calibration_frames(predictions)
        if len(frames):
            mask = np.zeros(frame_count, np.bool_) if mask is None else mask
            mask[frames] = True
    return mask


def training_frames(predictions: PredictionSet) -> Int:
    """Frames of this run's video that its model was trained on, as far as somebody said so, (n,) int64.

    They stay in the scores, which a note marks: a model knows them.
    """
    return _frames_of(predictions.protocol.get(TRAINED_ON, ()), predictions.frame_count)


def _frames_of(ranges: Any, frame_count: int) -> Int:
    try:
        return ranges_to_frames(ranges, frame_count)
    except (ValueError, TypeError) as error:
        raise UserError(
            tr("the frames that a run states in its protocol cannot be read: {reason}", reason=error),
            remedy=tr("Run the model again."),
        ) from error
