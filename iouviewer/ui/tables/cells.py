"""How the lists of the side panel paint cells that hold no text: state and flag icons, dashes of variants, swatches."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import ICON_SIZE, SPACE
from iouviewer.ui.variant_look import draw_dash, panel_colour

GLYPHS_ROLE = Qt.ItemDataRole.UserRole + 10
"""Data of a cell: its ``Glyph``s, painted instead of the text."""
DASH_ROLE = Qt.ItemDataRole.UserRole + 11
"""Data of a cell: the stored colour of the variant whose line is painted instead of the text."""
SWATCH_ROLE = Qt.ItemDataRole.UserRole + 12
"""Data of a cell: the colour ``#rrggbb`` of a small square that is painted instead of the text."""

DASH_WIDTH = 20
SWATCH_SIZE = 10


class Glyph(NamedTuple):
    """An icon: its name in ``tokens.ICONS`` or Phosphor, and the name of its colour in the theme."""

    name: str
    colour: str


@cache
def glyph_pixmap(name: str, colour: str, side: int, ratio: float) -> QPixmap:
    """The picture of an icon: drawing the glyph of a font takes ten times as long, and a list has dozens."""
    return coloured_icon(name, colour).pixmap(QSize(side, side), ratio)


def paint_glyph(painter: QPainter, rect: QRect, glyph: Glyph) -> None:
    """Paint an icon in a square."""
    colour = getattr(scheme_theme().colours, glyph.colour)
    ratio = painter.device().devicePixelRatioF()
    painter.drawPixmap(rect.topLeft(), glyph_pixmap(glyph.name, colour, rect.width(), ratio))


class CellDelegate(QStyledItemDelegate):
    """Paints glyphs, dashes and swatches; the text of such a cell is for tooltips, copies and assistive technology."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        glyphs, dash, swatch = (index.data(role) for role in (GLYPHS_ROLE, DASH_ROLE, SWATCH_ROLE))
        if glyphs is None and dash is None and swatch is None:
            super().paint(painter, option, index)
            return
        styled = QStyleOptionViewItem(option)
        self.initStyleOption(styled, index)
        styled.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, styled, painter, option.widget)
        rect, middle = option.rect, option.rect.center().y()
        left = rect.left() + SPACE["xs"]
        painter.save()
        if dash is not None:
            drawn = panel_colour(dash, scheme_theme().colours)
            draw_dash(painter, QPointF(left, middle + 0.5), DASH_WIDTH, dash, drawn)
        elif swatch is not None:
            painter.fillRect(QRect(left, middle - SWATCH_SIZE // 2 + 1, SWATCH_SIZE, SWATCH_SIZE), QColor(swatch))
        else:
            top = middle - ICON_SIZE // 2 + 1
            for place, glyph in enumerate(glyphs):
                paint_glyph(painter, QRect(left + place * ICON_SIZE, top, ICON_SIZE, ICON_SIZE), Glyph(*glyph))
        painter.restore()
