"""Which part of the IoU row is shown while a box is held: pure functions of sizes and values."""

from __future__ import annotations

from dataclasses import dataclass

FRAMES = 30
"""Frames around the held one that are magnified."""
PIXELS_PER_TENTH = 13.0
"""Logical pixels by which the held box's point moves if its IoU changes by 0.1."""
_LOW_SHARE = 0.4
"""Where the held point starts, from the bottom: a drag is expected to improve the box."""
_EDGE = 0.08
"""Share of the height from which the view follows the point, so that it never leaves the row."""


@dataclass(frozen=True, slots=True)
class Magnified:
    """The magnified view.

    Attributes:
        frame: the held frame.
        low, high: its first and last frame coordinate.
    """

    frame: int
    low: float
    high: float


def frames_around(frame: int, low: float, high: float, end: float) -> Magnified:
    """The frames to show around a held one.

    Args:
        low, high: what is visible now; fewer frames than ``FRAMES`` stay as they are.
        end: the last coordinate of the video.
    """
    if high - low <= FRAMES + 1:
        return Magnified(frame, low, high)
    span = min(float(FRAMES + 1), end + 0.5)
    start = min(max(frame - span / 2, -0.5), end - span)
    return Magnified(frame, start, start + span)


def value_span(height: float, full: float) -> float:
    """IoU range of a row of this height in logical pixels; at most ``full``."""
    return min(full, max(1.0, height) * 0.1 / PIXELS_PER_TENTH)


def start_of_values(value: float, span: float, low: float, high: float) -> float:
    """The lowest IoU of the view when a box with this IoU is taken; the view stays within ``low`` and ``high``."""
    return min(max(value - _LOW_SHARE * span, low), max(low, high - span))


def follow(value: float, start: float, span: float, low: float, high: float) -> float:
    """The lowest IoU of the view so that it still contains the value: it moves only as far as it must."""
    edge = _EDGE * span
    if value < start + edge:
        start = value - edge
    elif value > start + span - edge:
        start = value - span + edge
    return min(max(start, low), max(low, high - span))
