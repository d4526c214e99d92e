"""A ground-truth box and its flags."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntFlag

from iouviewer.metrics.table import UNSPECIFIED_CLASS

LIMIT = 1e7
"""Largest |coordinate| that is accepted, pixels."""

NO_TRACK = -1


class BoxFlag(IntFlag):
    """Flags of a ground-truth box."""

    NONE = 0
    KEY_FRAME = 1
    INTERPOLATED = 2
    OCCLUDED = 4
    OUTSIDE = 8
    IGNORED = 16
    TRUNCATED = 32


Rect = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""


def why_invalid(rect: Rect) -> str | None:
    """Why a rectangle may not enter (metrics.md), or None if it may."""
    x1, y1, x2, y2 = rect
    if not all(map(math.isfinite, rect)):
        return "a coordinate is not a finite number"
    if max(map(abs, rect)) > LIMIT:
        return f"a coordinate is beyond {LIMIT:.0e}"
    if x2 <= x1:
        return f"x2 ({x2:g}) must be greater than x1 ({x1:g})"
    if y2 <= y1:
        return f"y2 ({y2:g}) must be greater than y1 ({y1:g})"
    return None


@dataclass(frozen=True, slots=True)
class Box:
    """One ground-truth box.

    Attributes:
        id: unique within its source for the life of the project; never used again.
        frame: 0-based.
        rect: x1, y1, x2, y2, pixels of the decoded picture.
        class_id: index into the document's classes, or ``UNSPECIFIED_CLASS``.
        track: track id, ``NO_TRACK`` for none.
        flags: bits of BoxFlag.
    """

    id: int
    frame: int
    rect: Rect
    class_id: int = UNSPECIFIED_CLASS
    track: int = NO_TRACK
    flags: int = 0
