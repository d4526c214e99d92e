"""How boxes look on the image: colour, line and strength by role. The canvas and exported pictures use this table.

The line style always tells the source: ground truth is solid unless its flags say otherwise, each variant has its dash.
So the colour may stand for something else ("Colour by") without loss.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.variants import VARIANT_COLOURS
from iouviewer.reports.image_tokens import CANVAS, LINES, VARIANT_SLOTS, dash

NOT_COUNTED = int(BoxFlag.IGNORED | BoxFlag.OUTSIDE)
"""Flags of boxes that take no part in the scores."""
_INTERPOLATED, _OCCLUDED = int(BoxFlag.INTERPOLATED), int(BoxFlag.OCCLUDED)
_OTHER_COLOURS = {"#56b4e9": "v6"}
"""Colours that earlier versions gave out; ground truth alone is blue now."""


class BoxLook(NamedTuple):
    """The outline of a box at rest.

    Attributes:
        colour: ``#rrggbb``.
        width: logical pixels.
        dash: dash, gap, ... in logical pixels; empty for a solid line.
        is_hatched: diagonal hatching inside.
    """

    colour: str
    width: float
    dash: tuple[float, ...] = ()
    is_hatched: bool = False


def slot_of_colour(colour: str) -> str:
    """The slot, ``v1`` to ``v6``, that a variant's stored colour stands for."""
    if colour in VARIANT_COLOURS:
        return VARIANT_SLOTS[VARIANT_COLOURS.index(colour)]
    return _OTHER_COLOURS.get(colour, VARIANT_SLOTS[-1])


def image_colour(colour: str) -> str:
    """The colour of a variant on the image, by its stored colour."""
    return CANVAS.v[int(slot_of_colour(colour)[1:]) - 1]


@cache
def truth_look(flags: int, *, is_locked: bool = False, colour: str = CANVAS.gt) -> BoxLook:
    """The look of a ground-truth box by its flags (bits of BoxFlag)."""
    if flags & NOT_COUNTED:
        return BoxLook(CANVAS.ignored, LINES["ignored"].width, LINES["ignored"].dash, is_hatched=True)
    width = LINES["gt"].width
    if is_locked:
        width = LINES["locked"].width
    elif flags & _INTERPOLATED:
        width = LINES["interpolated"].width
    return BoxLook(colour, width, LINES["occluded"].dash if flags & _OCCLUDED else ())


@cache
def prediction_look(variant_colour: str, *, is_counted: bool = True, colour: str = "") -> BoxLook:
    """The look of a prediction by the stored colour of its variant; ``colour`` is drawn instead of that."""
    drawn = (colour or image_colour(variant_colour)) if is_counted else CANVAS.ignored
    return BoxLook(drawn, LINES["prediction"].width, dash(slot_of_colour(variant_colour)))
