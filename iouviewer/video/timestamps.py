"""Where the timestamps of a stream restart or jump, and the continuous timeline without these breaks.

In concatenated recordings, edited programmes and recordings whose clock was set, timestamps no longer determine the
order of the frames or the length of the video. The packets between two restarts are called a *segment*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Seconds = NDArray[np.float64]

NO_PTS = np.iinfo(np.int64).min
"""A missing timestamp (FFmpeg's AV_NOPTS_VALUE)."""

_JITTER = 16
"""Median steps by which DTS may go back without counting as a restart: the number of frames that codecs reorder.
At a keyframe any step back counts: no frame displayed later is stored before it, so the order is the same.
"""

_JUMP_STEPS, _JUMP_SECONDS = 100, 600.0
"""A step longer than both is a clock change. Shorter steps are pauses with correct times."""


@dataclass(frozen=True, slots=True)
class TimestampJump:
    """A discontinuity of the timestamps.

    Attributes:
        frame: the first frame after it.
        seconds: from the timestamp before it to the one after it, negative where the timestamps restart.
    """

    frame: int
    seconds: float


def find_segments(dts: Int64, key: Bool) -> Int64:
    """(P,) int64: how often the DTS, in units, have restarted up to each packet.

    DTS increase in every healthy stream. A jump forwards does not start a segment: frames before and after it may be
    stored interleaved, and their timestamps still determine the order.
    """
    restarts = np.zeros(len(dts), np.int64)
    known = np.flatnonzero(dts != NO_PTS)
    steps = np.diff(dts[known])
    restarts[known[1:]] = (steps < 0) & (key[known[1:]] | (steps < -_JITTER * _median_step(steps)))
    return np.cumsum(restarts)


def build_timeline(pts: Int64, segments: Int64, *, unit: float) -> tuple[Seconds, tuple[TimestampJump, ...]]:
    """Seconds of each frame from the first, (F,) float64, never decreasing, and the discontinuities that were closed.

    After a discontinuity the time continues by the median step.

    Args:
        pts: (F,) int64, timestamps in display order, none missing.
        segments: (F,) int64, the segment of each frame.
        unit: seconds per unit of the timestamps.
    """
    if not len(pts):
        return np.empty(0), ()
    times: Seconds = (pts - pts[0]) * unit
    median = _median_step(np.diff(pts)) * unit
    times, restarts = _join_segments(times, segments, median)
    steps = np.diff(times)
    leaps = np.flatnonzero(np.abs(steps) > max(_JUMP_SECONDS, _JUMP_STEPS * median))
    if len(leaps):
        shifts = np.zeros(len(times))
        shifts[leaps + 1] = median - steps[leaps]
        times = times + np.cumsum(shifts)
    jumps = [*restarts, *(TimestampJump(int(frame) + 1, round(float(steps[frame]), 6)) for frame in leaps)]
    return np.maximum.accumulate(times), tuple(sorted(jumps, key=lambda jump: jump.frame))


def _join_segments(times: Seconds, segments: Int64, median: float) -> tuple[Seconds, list[TimestampJump]]:
    """Shift each segment behind the one before, unless it is there already.

    A segment is shifted as a whole: a decoder may output the last frames of one and the first of the next interleaved.
    """
    numbers = np.unique(segments)
    jumps: list[TimestampJump] = []
    if len(numbers) < 2:
        return times, jumps
    order = np.argsort(segments, kind="stable")
    starts = np.searchsorted(segments[order], numbers)
    first_frames = np.minimum.reduceat(order, starts)
    lowest, highest = (extreme.reduceat(times[order], starts) for extreme in (np.minimum, np.maximum))
    shifts = np.zeros(len(numbers))
    end = float(highest[0])
    for at in range(1, len(numbers)):
        shifts[at] = shifts[at - 1]
        step = float(lowest[at] + shifts[at]) - end
        if step < 0:
            shifts[at] += median - step
            jumps.append(TimestampJump(int(first_frames[at]), round(float(lowest[at] - highest[at - 1]), 6)))
        end = max(end, float(highest[at] + shifts[at]))
    return times + shifts[np.searchsorted(numbers, segments)], jumps


def _median_step(steps: Int64) -> float:
    """Median of the positive steps; 0.0 if there are none."""
    forwards = steps[steps > 0]
    return float(np.median(forwards)) if len(forwards) else 0.0
