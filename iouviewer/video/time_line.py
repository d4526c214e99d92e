"""Where the time stamps of a stream start anew or leap, and the time line that is left when such breaks are closed.

Recordings that were joined end to end, programmes that were cut, and clocks that were set give time stamps that no
longer tell which picture comes first, or how long the video is. What lies between two breaks is called a *segment*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Seconds = NDArray[np.float64]

NO_TIME = np.iinfo(np.int64).min
"""Stands for a missing time stamp."""

_JITTER = 16
"""Median steps that decoding times may go back before they are taken to start anew: as many pictures as codecs put in
another order. At a key frame any step back counts: nothing shown later is stored before it, so the order is the same.
"""

_ABSURD_STEPS, _ABSURD_SECONDS = 100, 600.0
"""A step of more than both is no pause but another clock. Shorter ones are pauses, and the times tell them truly."""


@dataclass(frozen=True, slots=True)
class TimeJump:
    """A place where the time stamps do not go on.

    Attributes:
        frame: the first picture after it.
        seconds: from the time stamp before it to the one after it, negative where the stamps start anew.
    """

    frame: int
    seconds: float


def segments(dts: Int64, key: Bool) -> Int64:
    """(P,) int64: how often the decoding times, in units, have started anew up to each packet.

    They count up in every healthy stream. A leap forwards is no break here: pictures before and after it may be
    stored in turns, and their time stamps still tell the order.
    """
    anew = np.zeros(len(dts), np.int64)
    known = np.flatnonzero(dts != NO_TIME)
    steps = np.diff(dts[known])
    anew[known[1:]] = (steps < 0) & (key[known[1:]] | (steps < -_JITTER * _median(steps)))
    return np.cumsum(anew)


def time_line(stamps: Int64, parts: Int64, *, unit: float) -> tuple[Seconds, tuple[TimeJump, ...]]:
    """Seconds of each picture from the first, (F,) float64, never going back, and the breaks that were closed.

    ``stamps`` and ``parts``, (F,) int64 each, are the time stamps of the pictures and their segments, in the order of
    showing; none is missing. ``unit`` is the seconds of one unit. After a break time goes on by the median step.
    """
    if not len(stamps):
        return np.empty(0), ()
    times: Seconds = (stamps - stamps[0]) * unit
    median = _median(np.diff(stamps)) * unit
    times, anew = _joined(times, parts, median)
    steps = np.diff(times)
    leaps = np.flatnonzero(np.abs(steps) > max(_ABSURD_SECONDS, _ABSURD_STEPS * median))
    if len(leaps):
        closed = np.zeros(len(times))
        closed[leaps + 1] = median - steps[leaps]
        times = times + np.cumsum(closed)
    jumps = [*anew, *(TimeJump(int(frame) + 1, round(float(steps[frame]), 6)) for frame in leaps)]
    return np.maximum.accumulate(times), tuple(sorted(jumps, key=lambda jump: jump.frame))


def _joined(times: Seconds, parts: Int64, median: float) -> tuple[Seconds, list[TimeJump]]:
    """Each segment moved behind the one before, where it is not there already.

    The segment as a whole is moved: a decoder may give the last pictures of one and the first of the next in turns.
    """
    numbers = np.unique(parts)
    jumps: list[TimeJump] = []
    if len(numbers) < 2:
        return times, jumps
    order = np.argsort(parts, kind="stable")
    begins = np.searchsorted(parts[order], numbers)
    firsts = np.minimum.reduceat(order, begins)
    lowest, highest = (extreme.reduceat(times[order], begins) for extreme in (np.minimum, np.maximum))
    moved = np.zeros(len(numbers))
    end = float(highest[0])
    for at in range(1, len(numbers)):
        moved[at] = moved[at - 1]
        step = float(lowest[at] + moved[at]) - end
        if step < 0:
            moved[at] += median - step
            jumps.append(TimeJump(int(firsts[at]), round(float(lowest[at] - highest[at - 1]), 6)))
        end = max(end, float(highest[at] + moved[at]))
    return times + moved[np.searchsorted(numbers, parts)], jumps


def _median(steps: Int64) -> float:
    """Of the steps forwards; 0.0 where there are none."""
    forwards = steps[steps > 0]
    return float(np.median(forwards)) if len(forwards) else 0.0
