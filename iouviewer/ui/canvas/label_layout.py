"""Where labels stand, so that they do not hide one another. Pure functions.

Places are logical pixels from the picture's top left corner at the present zoom, not from the window's: scrolling moves
what is painted already, so a label may not depend on what part of the picture is in sight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    def take(self, rect: Rect) -> None:
        for cell in _cells(rect):
            self._cells.setdefault(cell, []).append(rect)

    def is_free(self, rect: Rect) -> bool:
        x1, y1, x2, y2 = rect
        for cell in _cells(rect):
            for left, top, right, bottom in self._cells.get(cell, ()):
                if left < x2 and x1 < right and top < y2 and y1 < bottom:
                    return False
        return True


def _cells(rect: Rect) -> Iterator[tuple[int, int]]:
    x1, y1, x2, y2 = rect
    for column in range(int(x1 // _CELL), int(x2 // _CELL) + 1):
        for row in range(int(y1 // _CELL), int(y2 // _CELL) + 1):
            yield column, row


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
    order = sorted(range(len(wishes)), key=lambda i: (not wishes[i].urgent, wishes[i].box[1], wishes[i].box[0]))
    tries = 5 if len(wishes) <= MANY else 2
    places: list[tuple[float, float] | None] = [None] * len(wishes)
    taken = _Taken()
    for i in order:
        wish = wishes[i]
        options = _options(wish, picture)
        for x, y in options[:tries]:
            rect = (x, y, x + wish.width, y + wish.height)
            if taken.is_free(rect):
                break
        else:
            if drop:
                continue
            x, y = options[0]
            rect = (x, y, x + wish.width, y + wish.height)
        taken.take(rect)
        places[i] = _rounded((x, y))
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


def _options(wish: Wish, picture: tuple[float, float]) -> list[tuple[float, float]]:
    _, y1, x2, y2 = wish.box
    left, right = _left(wish, picture), max(0.0, x2 + 1 - wish.width)
    above, inside, below = y1 - wish.height - _GAP, y1 + _GAP, y2 + _GAP
    options = [_first(wish, picture), (right, above), (left, below), (right, below)]
    if y2 - y1 >= 3 * wish.height:
        options.append((left, inside))
    return [(x, y) for x, y in options if y >= 0 or y1 < 0] or [_first(wish, picture)]
