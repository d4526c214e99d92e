"""Frames that a model was calibrated on leave every score and verdict: the one rule for window, commands and Python.

A quantized model has seen its calibration frames: the ranges of its numbers were measured on them. A run states them in
its protocol (``made``), with the fingerprint of their video; they count only where the run was on that video.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.metrics.table import Bool, Int


def frames_to_ranges(frames: Iterable[int]) -> list[list[int]]:
    """Frames as ``[start, stop, step]`` each, in the given order, for a protocol."""
    ranges: list[list[int]] = []
    for frame in frames:
        if ranges:
            start, stop, step = ranges[-1]
            last = stop - step
            if last == start and frame > start:  # the second frame of a range sets its step
                ranges[-1] = [start, 2 * frame - start, frame - start]
                continue
            if last > start and frame == stop:
                ranges[-1] = [start, stop + step, step]
                continue
        ranges.append([frame, frame + 1, 1])
    return ranges


def ranges_to_frames(ranges: Iterable[Any]) -> Int:
    """The frames of ``frames_to_ranges``, (n,) int64; ValueError for anything else."""
    parts = []
    for one in ranges:
        if not isinstance(one, list | tuple) or len(one) != 3 or not all(isinstance(n, int) for n in one) or one[2] < 1:
            raise ValueError(f"{one!r} is not a range of frames")
        parts.append(np.arange(*one, dtype=np.int64))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def calibration_frames(predictions: PredictionSet) -> Int:
    """Frames of this run's video that its model was calibrated on, (n,) int64; empty where none are stated."""
    made = predictions.protocol.get("made")
    calibration = made.get("calibration") if isinstance(made, Mapping) else None
    if not isinstance(calibration, Mapping):
        return np.zeros(0, np.int64)
    fingerprint = predictions.protocol.get("fingerprint")
    if not fingerprint or calibration.get("fingerprint") != fingerprint:
        return np.zeros(0, np.int64)
    frames = ranges_to_frames(calibration.get("frames", ()))
    return frames[(frames >= 0) & (frames < predictions.frame_count)]


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
