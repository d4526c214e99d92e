"""How the window draws a variant: its slot of the tokens, found from the colour that the project stores.

Projects store one of ``document.variants.VARIANT_COLOURS``, which reports draw on white; on the image and on panels the
slot's own colours and dash are used, which are readable there in both schemes.
"""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

from iouviewer.document.variants import VARIANT_COLOURS
from iouviewer.i18n import tr
from iouviewer.reports.box_look import image_colour, slot_of_colour
from iouviewer.ui.tokens import VARIANT_SLOTS, Colours, dash

__all__ = [
    "SLOT_NAMES",
    "colour_of_slot",
    "dash_icon",
    "draw_dash",
    "image_colour",
    "panel_colour",
    "slot_of_colour",
    "variant_pen",
]

SLOT_NAMES = {
    "v1": tr("Green"),
    "v2": tr("Orange"),
    "v3": tr("Pink"),
    "v4": tr("Red"),
    "v5": tr("Yellow"),
    "v6": tr("Grey"),
}
"""Names of the slots for menus."""
_LINE_WIDTH = 2.2


def colour_of_slot(slot: str) -> str:
    """The colour that projects store for a slot."""
    return VARIANT_COLOURS[VARIANT_SLOTS.index(slot)]


def panel_colour(colour: str, colours: Colours) -> str:
    """The colour of a variant as text and lines on panels, by its stored colour."""
    return colours.series[int(slot_of_colour(colour)[1:]) - 1]


def variant_pen(colour: str, drawn: str, width: float = _LINE_WIDTH) -> QPen:
    """A pen with a variant's dash.

    Args:
        colour: the variant's stored colour.
        drawn: the colour to draw with, ``#rrggbb``.
    """
    pen = QPen(QColor(drawn), width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pattern = dash(slot_of_colour(colour))
    if pattern:
        pen.setDashPattern([part / width for part in pattern])
    return pen


def draw_dash(painter: QPainter, left: QPointF, length: float, colour: str, drawn: str) -> None:
    """A short line in a variant's colour and dash from a point to the right."""
    painter.setPen(variant_pen(colour, drawn))
    painter.drawLine(QLineF(left, left + QPointF(length, 0)))


def dash_icon(colour: str, drawn: str, *, size: QSize | None = None, ratio: float = 2.0) -> QIcon:
    """A short line in a variant's colour and dash, as an icon."""
    size = size or QSize(22, 12)
    pixmap = QPixmap(size * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    draw_dash(painter, QPointF(0, size.height() / 2), size.width(), colour, drawn)
    painter.end()
    return QIcon(pixmap)
