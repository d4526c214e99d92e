"""Paints a note: icon, object, place and author in one line, its text below."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from iouviewer.ui.fonts import font, text_width
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tables.cells import Glyph, paint_glyph
from iouviewer.ui.tables.notes_model import ROW_ROLE, NoteRow
from iouviewer.ui.tokens import ICON_SIZE, SIZE, SPACE

_TEXT_LEFT = SPACE["m"] + ICON_SIZE + SPACE["s"]
_MOST_LINES = 4
_WRAP = int(Qt.TextFlag.TextWordWrap) | int(Qt.AlignmentFlag.AlignTop)


def icon_rect(row_rect: QRect) -> QRect:
    """Where the icon of a row is, which marks the note as done."""
    top = row_rect.top() + SPACE["s"] + (SIZE["row_dense"] - ICON_SIZE) // 2
    return QRect(row_rect.left() + SPACE["m"], top, ICON_SIZE, ICON_SIZE)


class NoteDelegate(QStyledItemDelegate):
    """Paints the rows of ``NotesModel``."""

    def row_height(self, row: NoteRow, width: int) -> int:
        """Height of a row in a list of this width, logical pixels."""
        metrics = QFontMetrics(font("body"))
        room = QRect(0, 0, max(width - _TEXT_LEFT - SPACE["m"], 1), _MOST_LINES * SIZE["row_dense"])
        inside = metrics.boundingRect(room, _WRAP, row.note.text)
        height = min(inside.height(), _MOST_LINES * metrics.lineSpacing())
        return 2 * SPACE["s"] + SIZE["row_dense"] + height

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        row: NoteRow = index.data(ROW_ROLE)
        width = option.widget.viewport().width()  # type: ignore[attr-defined]  # an item view
        return QSize(width, self.row_height(row, width))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: NoteRow = index.data(ROW_ROLE)
        styled = QStyleOptionViewItem(option)
        self.initStyleOption(styled, index)
        styled.text = ""
        option.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, styled, painter, option.widget)
        colours, rect = scheme_theme().colours, option.rect
        painter.save()
        glyph = Glyph("check-circle", "good") if row.note.done else Glyph("note", "warn")
        paint_glyph(painter, icon_rect(rect), glyph)
        line = QRect(rect.left() + _TEXT_LEFT, rect.top() + SPACE["s"], rect.width() - _TEXT_LEFT, SIZE["row_dense"])
        line.setRight(rect.right() - SPACE["m"])
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        painter.setFont(font("caption"))
        painter.setPen(QColor(colours.text3))
        painter.drawText(line, middle | right, row.byline)
        line.setRight(line.right() - text_width("caption", row.byline) - SPACE["s"])
        painter.setFont(font("strong"))
        painter.setPen(QColor(colours.text2 if row.note.done else colours.text))
        name = QFontMetrics(painter.font()).elidedText(row.object, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, middle, name)
        line.setLeft(line.left() + text_width("strong", name) + SPACE["s"])
        painter.setFont(font("body"))
        painter.setPen(QColor(colours.text3))
        painter.drawText(line, middle, row.place)
        text = QRect(rect.left() + _TEXT_LEFT, rect.top() + SPACE["s"] + SIZE["row_dense"], 0, 0)
        text.setRight(rect.right() - SPACE["m"])
        text.setBottom(rect.bottom() - SPACE["s"])
        painter.setPen(QColor(colours.text3 if row.note.done else colours.text2))
        painter.drawText(text, _WRAP, row.note.text)
        painter.setPen(QColor(colours.line))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.restore()
