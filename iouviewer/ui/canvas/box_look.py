"""How boxes look on the image: colour, line and strength by role. The canvas and exported pictures use this table.

The line style always tells the source: ground truth is solid unless its flags say otherwise, each variant has its dash.
So the colour may stand for something else ("Colour by") without loss.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from PySide6.QtGui import QColor

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui import tokens
from iouviewer.ui.tokens import CANVAS, CLASS_COLOURS, LINES
from iouviewer.ui.variant_look import image_colour, slot_of_colour

NOT_COUNTED = int(BoxFlag.IGNORED | BoxFlag.OUTSIDE)
"""Flags of boxes that take no part in the scores."""
_INTERPOLATED, _OCCLUDED = int(BoxFlag.INTERPOLATED), int(BoxFlag.OCCLUDED)


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
    return BoxLook(drawn, LINES["prediction"].width, tokens.dash(slot_of_colour(variant_colour)))


def class_colour(class_id: int) -> str:
    """The colour of a class; empty for no class."""
    return "" if class_id == UNSPECIFIED_CLASS else CLASS_COLOURS[class_id % len(CLASS_COLOURS)]


def track_colour(track: int) -> str:
    """The colour of a track; empty for no track."""
    return "" if track == NO_TRACK else CLASS_COLOURS[track % len(CLASS_COLOURS)]


def with_alpha(colour: str, alpha: float) -> QColor:
    """A colour ``#rrggbb`` with an opacity, 0 to 1."""
    result = QColor(colour)
    result.setAlphaF(alpha)
    return result
