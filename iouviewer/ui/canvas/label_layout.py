"""Where labels stand, so that they do not hide one another. Pure functions.

Places are logical pixels from the picture's top left corner at the present zoom, not from the window's: scrolling moves
what is painted already, so a label may not depend on what part of the picture is in sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from iouviewer.document.boxes import Rect

MANY = 80
"""With more labels than this none is moved out of another's way: there would be no room anyway."""

_GAP = 2.0


class Wish(NamedTuple):
    """A label that wants a place: the box it belongs to, its size, and whether it goes before others."""

    box: Rect
    width: float
    height: float
    urgent: bool = False


def place_labels(
    wishes: Sequence[Wish], picture: tuple[float, float], *, avoid: bool = True
) -> list[tuple[float, float]]:
    """Top left corner (x, y) of each label.

    A label stands above its box, on the left; inside where that is off the picture. Where another one stands there
    already it tries its other side, below the box, further rows, inside; urgent ones choose first.

    Args:
        picture: width and height of the picture, logical pixels.
        avoid: False where there are too many: each label stands where it would stand alone.
    """
    if not avoid:
        return [_rounded(_first(wish, picture)) for wish in wishes]
    order = sorted(range(len(wishes)), key=lambda i: (not wishes[i].urgent, wishes[i].box[1], wishes[i].box[0]))
    places = [(0.0, 0.0)] * len(wishes)
    taken: list[Rect] = []
    for i in order:
        wish = wishes[i]
        options = _options(wish, picture)
        x, y = next(((x, y) for x, y in options if _is_free(x, y, wish, taken)), options[0])
        taken.append((x, y, x + wish.width, y + wish.height))
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
    row = wish.height + 1
    options = [_first(wish, picture), (right, above), (left, below), (right, below)]
    options += [(left, above - row), (left, below + row), (left, above - 2 * row), (left, below + 2 * row)]
    options.append((left, inside))
    return [(x, y) for x, y in options if y >= 0 or y1 < 0]


def _is_free(x: float, y: float, wish: Wish, taken: Sequence[Rect]) -> bool:
    right, bottom = x + wish.width, y + wish.height
    return all(x >= x2 or right <= x1 or y >= y2 or bottom <= y1 for x1, y1, x2, y2 in taken)
