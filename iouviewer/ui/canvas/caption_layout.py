"""Places captions without overlaps. Pure functions.

Positions are logical pixels from the top left corner of the image at the current zoom, not of the window: scrolling
moves captions that are already painted, so positions must not depend on the visible part of the image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from iouviewer.document.boxes import Rect

MAX_THOROUGH_CAPTIONS = 80
"""Above this number of captions each tries only its first positions; the others are rarely free."""

_GAP = 2.0
_CELL = 64.0
"""Side of the grid cells that hold occupied rectangles, logical pixels."""


class CaptionRequest(NamedTuple):
    """A caption to be placed: the box it belongs to, its size, and whether it is placed before others."""

    box: Rect
    width: float
    height: float
    is_urgent: bool = False


class _Occupied:
    """Occupied rectangles in a grid, which keeps overlap tests cheap with hundreds of captions."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[Rect]] = {}

    def add_if_free(self, rect: Rect) -> bool:
        """Occupy a rectangle unless it overlaps another one; returns whether it was free."""
        x1, y1, x2, y2 = rect
        cells = self._cells
        keys = [
            (column, row)
            for column in range(int(x1 // _CELL), int(x2 // _CELL) + 1)
            for row in range(int(y1 // _CELL), int(y2 // _CELL) + 1)
        ]
        for key in keys:
            for left, top, right, bottom in cells.get(key, ()):
                if left < x2 and x1 < right and top < y2 and y1 < bottom:
                    return False
        for key in keys:
            cells.setdefault(key, []).append(rect)
        return True


def place_captions(
    requests: Sequence[CaptionRequest], image: tuple[float, float], *, may_drop: bool = True
) -> list[tuple[float, float] | None]:
    """Top left corner (x, y) of each caption; None if there is no space for it.

    A caption is placed above its box, aligned left, or inside the box if it would leave the image. If another caption
    is in the way, further positions are tried: right, below, inside. Urgent captions are placed first. Captions that
    do not fit are dropped, because the sign at the corner of the box remains.

    Args:
        image: width and height of the image, logical pixels.
        may_drop: False for requested captions (hovered or selected boxes); without space they overlap others.
    """
    if len(requests) == 1:
        # Fast path for the caption of a dragged box: a single caption cannot overlap another one.
        return [_rounded(_first_position(requests[0], image))]
    order = sorted(
        range(len(requests)), key=lambda i: (not requests[i].is_urgent, requests[i].box[1], requests[i].box[0])
    )
    tries = 5 if len(requests) <= MAX_THOROUGH_CAPTIONS else 2
    positions: list[tuple[float, float] | None] = [None] * len(requests)
    occupied = _Occupied()
    for i in order:
        request = requests[i]
        for x, y in islice(_positions(request, image), tries):
            if occupied.add_if_free((x, y, x + request.width, y + request.height)):
                positions[i] = _rounded((x, y))
                break
        else:
            if not may_drop:
                positions[i] = _rounded(_first_position(request, image))
    return positions


def _rounded(position: tuple[float, float]) -> tuple[float, float]:
    return float(round(position[0])), float(round(position[1]))


def _left(request: CaptionRequest, image: tuple[float, float]) -> float:
    x1 = request.box[0]
    return image[0] - request.width if x1 - 1 + request.width > image[0] > x1 else x1 - 1


def _first_position(request: CaptionRequest, image: tuple[float, float]) -> tuple[float, float]:
    y1 = request.box[1]
    above = y1 - request.height - _GAP
    return _left(request, image), above if above >= 0 or y1 < 0 else y1 + _GAP


def _positions(request: CaptionRequest, image: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Positions to try, the best one first; lazy, because the first one is usually free."""
    yield _first_position(request, image)
    _, y1, x2, y2 = request.box
    left, right = _left(request, image), max(0.0, x2 + 1 - request.width)
    above, below = y1 - request.height - _GAP, y2 + _GAP
    if above >= 0 or y1 < 0:
        yield right, above
    yield left, below
    yield right, below
    if y2 - y1 >= 3 * request.height:
        yield left, y1 + _GAP
