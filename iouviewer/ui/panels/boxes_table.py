"""The table of boxes: paints its rows in one pass, because every step to another frame paints all of them."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import cast

from PySide6.QtCore import QEvent, QModelIndex, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHoverEvent, QPainter, QPaintEvent, QStaticText

from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.list_panel import DenseTable
from iouviewer.ui.tables.boxes_model import COLUMNS, BoxesModel, Cell
from iouviewer.ui.tables.cells import DASH_WIDTH, glyph_pixmap
from iouviewer.ui.tokens import ICON_SIZE, SPACE, Colours
from iouviewer.ui.variant_look import draw_dash, panel_colour

_LAID_OUT_TEXTS = 4096
"""Texts that are kept laid out: shaping one takes longer than painting it, and lists repeat theirs."""
_PADDING = SPACE["xs"]


@cache
def _font(role: str, is_italic: bool) -> QFont:
    result = font(role)
    result.setItalic(is_italic)
    return result


class _Text:
    """A text that is laid out for a width."""

    def __init__(self, text: str, role: str, width: int, *, is_italic: bool) -> None:
        self.font = _font(role, is_italic)
        metrics = QFontMetrics(self.font)
        shown = text if metrics.horizontalAdvance(text) <= width else ""
        self.static = QStaticText(shown or metrics.elidedText(text, Qt.TextElideMode.ElideRight, width))
        self.static.setTextFormat(Qt.TextFormat.PlainText)
        self.static.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
        self.static.prepare(font=self.font)
        self.width = metrics.horizontalAdvance(self.static.text())
        self.height = metrics.height()


@lru_cache(_LAID_OUT_TEXTS)
def _laid_out(text: str, role: str, width: int, is_italic: bool) -> _Text:
    return _Text(text, role, width, is_italic=is_italic)


class BoxesTable(DenseTable):
    """A ``DenseTable`` of a ``BoxesModel``. The row under the mouse is highlighted as a whole."""

    def __init__(self, name: str, accessible_name: str) -> None:
        super().__init__(name, accessible_name)
        self._hovered_row = -1

    def _row_rect(self, row: int) -> QRect:
        return QRect(0, self.rowViewportPosition(row), self.viewport().width(), self.rowHeight(row))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.HoverEnter, QEvent.Type.HoverMove):
            self._hover(self.rowAt(round(cast(QHoverEvent, event).position().y())))
        elif event.type() is QEvent.Type.HoverLeave:
            self._hover(-1)
        return super().viewportEvent(event)

    def _hover(self, row: int) -> None:
        if row == self._hovered_row:
            return
        for changed in (self._hovered_row, row):
            if changed >= 0:
                self.viewport().update(self._row_rect(changed))
        self._hovered_row = row

    def paintEvent(self, event: QPaintEvent) -> None:
        model = self.model()
        assert isinstance(model, BoxesModel)
        exposed = event.rect()
        first, last = self.rowAt(exposed.top()), self.rowAt(exposed.bottom())
        if first < 0:
            return
        last = last if last >= 0 else model.rowCount() - 1
        colours = scheme_theme().colours
        selection = self.selectionModel()
        header = self.horizontalHeader()
        sections = [
            (place, header.sectionViewportPosition(place), header.sectionSize(place))
            for place in range(len(COLUMNS))
            if not header.isSectionHidden(place)
        ]
        painter = QPainter(self.viewport())
        pens = _Pens(painter, colours)
        height = self.verticalHeader().defaultSectionSize()
        for row in range(first, last + 1):
            top = self.rowViewportPosition(row)
            if selection.isRowSelected(row, QModelIndex()):
                painter.fillRect(0, top, self.viewport().width(), height, QColor(colours.selected))
            elif row == self._hovered_row:
                painter.fillRect(0, top, self.viewport().width(), height, QColor(colours.hover))
            cells = model.cells(row)
            for place, left, width in sections:
                cell = cells[place]
                if cell.text or cell.glyphs or cell.dash:
                    pens.paint(cell, left + _PADDING, top, width - 2 * _PADDING, height)
        painter.end()


class _Pens:
    """Paints cells one after the other; changes pen and font of the painter only where they differ."""

    def __init__(self, painter: QPainter, colours: Colours) -> None:
        self._painter, self._colours = painter, colours
        self._ratio = painter.device().devicePixelRatioF()
        self._font: QFont | None = None
        self._pen = QColor(colours.text)
        painter.setPen(self._pen)

    def paint(self, cell: Cell, left: int, top: int, width: int, height: int) -> None:
        """Paint a cell in a rectangle."""
        painter = self._painter
        if cell.dash is not None:
            middle = QPointF(left, top + height / 2)
            draw_dash(painter, middle, DASH_WIDTH, cell.dash, panel_colour(cell.dash, self._colours))
            painter.setPen(self._pen)
        elif cell.glyphs is not None:
            top += (height - ICON_SIZE) // 2
            for place, glyph in enumerate(cell.glyphs):
                colour = getattr(self._colours, glyph.colour)
                painter.drawPixmap(
                    left + place * ICON_SIZE, top, glyph_pixmap(glyph.name, colour, ICON_SIZE, self._ratio)
                )
        else:
            text = _laid_out(cell.text, cell.font_role, width, cell.is_italic)
            if text.font is not self._font:
                self._font = text.font
                painter.setFont(text.font)
            left += width - text.width if cell.is_number else 0
            painter.drawStaticText(left, top + (height - text.height + 1) // 2, text.static)
