"""Paints the rows of the history: time, step and frame; undone steps grey above the line of the cursor."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from iouviewer.ui.fonts import font, tabular_font, text_width
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tables.cells import Glyph, paint_glyph
from iouviewer.ui.tables.history_model import CURSOR_ROLE, ROW_ROLE, HistoryRow, RowKind
from iouviewer.ui.tokens import ICON_SIZE, SPACE, Colours

TIME_WIDTH = 44
"""Width of the column of times, logical pixels."""
CURSOR_LINE = 2
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class HistoryDelegate(QStyledItemDelegate):
    """Paints the rows of ``HistoryModel``."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row, cursor = index.data(ROW_ROLE), index.data(CURSOR_ROLE)
        styled = QStyleOptionViewItem(option)
        self.initStyleOption(styled, index)
        styled.text = ""
        option.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, styled, painter, option.widget)
        colours = scheme_theme().colours
        inside = QRect(option.rect).adjusted(SPACE["m"], 0, -SPACE["m"], 0)
        painter.save()
        if row.kind in (RowKind.STEP, RowKind.START):
            _paint_step(painter, inside, row, cursor, colours)
        else:
            _paint_heading(painter, inside, row, str(index.data()), colours)
        if row.kind is RowKind.STEP and row.position == cursor + 1:
            line = QRect(inside.left(), option.rect.bottom() - CURSOR_LINE + 1, inside.width(), CURSOR_LINE)
            painter.fillRect(line, QColor(colours.accent))
        painter.restore()


def _paint_step(painter: QPainter, inside: QRect, row: HistoryRow, cursor: int, colours: Colours) -> None:
    undone = row.position > cursor
    painter.setFont(tabular_font(font("body")))
    painter.setPen(QColor(colours.disabled if undone else colours.text3))
    painter.drawText(inside, _MIDDLE, row.time)
    frame = f"{row.frame:,}" if row.frame >= 0 else ""
    painter.setPen(QColor(colours.disabled if undone else colours.text2))
    painter.drawText(inside, _MIDDLE | Qt.AlignmentFlag.AlignRight, frame)
    painter.setFont(font("strong" if row.position == cursor else "body"))
    painter.setPen(QColor(colours.text3 if undone else colours.text))
    place = inside.adjusted(TIME_WIDTH, 0, -text_width("body", frame) - SPACE["s"], 0)
    text = QFontMetrics(painter.font()).elidedText(row.text, Qt.TextElideMode.ElideRight, place.width())
    painter.drawText(place, _MIDDLE, text)


def _paint_heading(painter: QPainter, inside: QRect, row: HistoryRow, sentence: str, colours: Colours) -> None:
    if row.kind is not RowKind.SNAPSHOT:
        painter.setFont(font("caption"))
        painter.setPen(QColor(colours.text2))
        painter.drawText(inside, _MIDDLE, sentence)
        return
    icon = QRect(inside.left(), inside.center().y() - ICON_SIZE // 2 + 1, ICON_SIZE, ICON_SIZE)
    paint_glyph(painter, icon, Glyph("flag", "accent"))
    painter.setFont(font("caption"))
    painter.setPen(QColor(colours.text3))
    stamp = f"{row.day} {row.time}"
    painter.drawText(inside, _MIDDLE | Qt.AlignmentFlag.AlignRight, stamp)
    painter.setFont(font("strong"))
    painter.setPen(QColor(colours.text))
    place = inside.adjusted(ICON_SIZE + SPACE["s"], 0, -text_width("caption", stamp) - SPACE["s"], 0)
    painter.drawText(
        place, _MIDDLE, QFontMetrics(painter.font()).elidedText(row.text, Qt.TextElideMode.ElideRight, place.width())
    )
