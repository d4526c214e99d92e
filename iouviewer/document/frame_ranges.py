"""Frames as ranges, for everything that stores them: protocols of runs, records, and lists of a project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from iouviewer.metrics.table import Int


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


def ranges_to_frames(ranges: Iterable[Any], frame_count: int | None = None) -> Int:
    """The frames of ``frames_to_ranges``, (n,) int64; ValueError for anything else.

    Args:
        frame_count: leave out what is not below it; None for no limit.
    """
    parts = []
    for one in ranges:
        if not isinstance(one, list | tuple) or len(one) != 3 or not all(isinstance(n, int) for n in one) or one[2] < 1:
            raise ValueError(f"{one!r} is not a range of frames")
        start, stop, step = one
        if start < 0:
            raise ValueError(f"{one!r} is not a range of frames")
        parts.append(np.arange(start, stop if frame_count is None else min(stop, frame_count), step, dtype=np.int64))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
