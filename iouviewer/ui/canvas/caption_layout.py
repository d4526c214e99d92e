"""Places captions outside their boxes, without overlaps. Pure functions.

Positions are logical pixels from the top left corner of the image at the current zoom, not of the window: scrolling
moves captions that are already painted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import ceil, floor
from typing import NamedTuple

from iouviewer.document.boxes import Rect

MAX_THOROUGH_CAPTIONS = 80
"""Above this number of captions each tries only its first positions; the others are rarely free."""

_GAP = 3.0
_CELL = 64.0
"""Side of the grid cells that hold occupied rectangles, logical pixels."""


class CaptionRequest(NamedTuple):
    """A caption to be placed: the box it belongs to, its size, and its rank (lower ones are placed first)."""

    box: Rect
    width: float
    height: float
    rank: int = 0


class _Occupied:
    """Occupied rectangles in a grid, which keeps overlap tests cheap with hundreds of captions."""

    def __init__(self, rects: Iterable[Rect]) -> None:
        self._cells: dict[tuple[int, int], list[Rect]] = {}
        for rect in rects:
            for key in _keys(rect):
                self._cells.setdefault(key, []).append(rect)

    def add_if_free(self, rect: Rect) -> bool:
        """Occupy a rectangle unless it overlaps another one; returns whether it was free."""
        x1, y1, x2, y2 = rect
        cells = self._cells
        keys = _keys(rect)
        for key in keys:
            for left, top, right, bottom in cells.get(key, ()):
                if left < x2 and x1 < right and top < y2 and y1 < bottom:
                    return False
        for key in keys:
            cells.setdefault(key, []).append(rect)
        return True


def _keys(rect: Rect) -> list[tuple[int, int]]:
    """The grid cells of a rectangle."""
    x1, y1, x2, y2 = rect
    rows = range(int(y1 // _CELL), int(y2 // _CELL) + 1)
    return [(column, row) for column in range(int(x1 // _CELL), int(x2 // _CELL) + 1) for row in rows]


def place_captions(
    requests: Sequence[CaptionRequest], area: Rect, occupied: Iterable[Rect] = ()
) -> list[tuple[float, float] | None]:
    """Top left corner (x, y) of each caption; None if there is no space for it, or its box is not visible.

    Positions outside the box are tried in this order: above, beside its top, below; aligned left before right. Captions
    of higher rank are placed first, so lower ones are dropped where space is short. A box with no space around it, as
    one that fills the area, has its caption inside.

    Args:
        area: the visible part of the image and its surroundings, which captions do not leave.
        occupied: rectangles that captions do not cover.
    """
    order = sorted(range(len(requests)), key=lambda i: (requests[i].rank, requests[i].box[1], requests[i].box[0]))
    tries = 7 if len(requests) <= MAX_THOROUGH_CAPTIONS else 2
    positions: list[tuple[float, float] | None] = [None] * len(requests)
    taken = _Occupied(occupied)
    for i in order:
        request = requests[i]
        for x, y in islice(_positions(request, area), tries):
            if taken.add_if_free((x, y, x + request.width, y + request.height)):
                positions[i] = (x, y)
                break
    return positions


def _positions(request: CaptionRequest, area: Rect) -> Iterator[tuple[float, float]]:
    """Positions within the area, the best one first, rounded; lazy, because the first one is usually free."""
    (x1, y1, x2, y2), width, height, _ = request
    is_visible = x2 > area[0] and x1 < area[2] and y2 > area[1] and y1 < area[3]
    left, top, right, bottom = ceil(area[0]), ceil(area[1]), floor(area[2]), floor(area[3])
    if not is_visible or width > right - left or height > bottom - top:
        return
    above, aligned_left = round(y1 - height - _GAP), round(min(max(x1 - 1, left), right - width))
    is_found = False
    # The first position is usually free, so the others are computed only if it is not.
    if top <= above and above + height <= bottom:
        is_found = True
        yield float(aligned_left), float(above)
    below, before, after = round(y2 + _GAP), round(x1 - width - _GAP), round(x2 + _GAP)
    aligned_right = round(min(max(x2 + 1 - width, left), right - width))
    beside = round(min(max(y1 - 1, top), bottom - height))
    others = ((after, beside), (aligned_left, below), (before, beside), (aligned_right, above), (aligned_right, below))
    for x, y in others:
        if left <= x and x + width <= right and top <= y and y + height <= bottom:
            is_found = True
            yield float(x), float(y)
    if not is_found:
        yield float(aligned_left), float(round(min(max(y1 + _GAP, top), bottom - height)))
