"""Where labels stand, so that they do not hide one another. Pure functions.

Places are logical pixels from the picture's top left corner at the present zoom, not from the window's: scrolling moves
what is painted already, so a label may not depend on what part of the picture is in sight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from iouviewer.document.boxes import Rect

MANY = 80
"""With more labels than this each tries its first places only: there would be no room anyway."""

_GAP = 2.0
_CELL = 64.0
"""Side of the squares that taken places are sorted into, logical pixels."""


class Wish(NamedTuple):
    """A label that wants a place: the box it belongs to, its size, and whether it goes before others."""

    box: Rect
    width: float
    height: float
    urgent: bool = False


class _Taken:
    """Places that are taken, sorted into squares: asking stays cheap with hundreds of labels."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[Rect]] = {}

    def take_if_free(self, rect: Rect) -> bool:
        """Take a place unless something stands there; whether it was free."""
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


def place_labels(
    wishes: Sequence[Wish], picture: tuple[float, float], *, drop: bool = True
) -> list[tuple[float, float] | None]:
    """Top left corner (x, y) of each label, or None where there is no room for it.

    A label stands above its box, on the left; inside where that is off the picture. Where another one stands there
    already it tries its other side, below the box, inside; urgent ones choose first. Labels never overlap: the sign
    at the box's corner says enough where the words do not fit.

    Args:
        picture: width and height of the picture, logical pixels.
        drop: False for labels that were asked for (hovered, selected): those without room take their first place.
    """
    if len(wishes) == 1:
        # The label of a dragged box, at each move: nothing else can stand there.
        return [_rounded(_first(wishes[0], picture))]
    order = sorted(range(len(wishes)), key=lambda i: (not wishes[i].urgent, wishes[i].box[1], wishes[i].box[0]))
    tries = 5 if len(wishes) <= MANY else 2
    places: list[tuple[float, float] | None] = [None] * len(wishes)
    taken = _Taken()
    for i in order:
        wish = wishes[i]
        for x, y in islice(_options(wish, picture), tries):
            if taken.take_if_free((x, y, x + wish.width, y + wish.height)):
                places[i] = _rounded((x, y))
                break
        else:
            if not drop:
                places[i] = _rounded(_first(wish, picture))
    return places


def _rounded(place: tuple[float, float]) -> tuple[float, float]:
    return float(round(place[0])), float(round(place[1]))


def _left(wish: Wish, picture: tuple[float, float]) -> float:
    x1 = wish.box[0]
    return picture[0] - wish.width if x1 - 1 + wish.width > picture[0] > x1 else x1 - 1


def _first(wish: Wish, picture: tuple[float, float]) -> tuple[float, float]:
    y1 = wish.box[1]
    above = y1 - wish.height - _GAP
    return _left(wish, picture), above if above >= 0 or y1 < 0 else y1 + _GAP


def _options(wish: Wish, picture: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Places to try, the best one first; built one by one, as the first is free most of the time."""
    yield _first(wish, picture)
    _, y1, x2, y2 = wish.box
    left, right = _left(wish, picture), max(0.0, x2 + 1 - wish.width)
    above, below = y1 - wish.height - _GAP, y2 + _GAP
    if above >= 0 or y1 < 0:
        yield right, above
    yield left, below
    yield right, below
    if y2 - y1 >= 3 * wish.height:
        yield left, y1 + _GAP
