"""Captions on the image: small dark plates with coloured text, rendered once and cached as pixmaps."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPixmap, QStaticText

from iouviewer.ui.palette import CAPTION_BACKGROUND
from iouviewer.ui.theme import tabular_font

_PADDING_X, _PADDING_Y = 4.0, 1.0
_CACHED_PIXMAPS = 1024


class Segment(NamedTuple):
    """A run of text in one colour (``#rrggbb``)."""

    text: str
    colour: str


class Caption(NamedTuple):
    """Lines of coloured text; ``edge`` is the colour of a stripe on the left, empty for none."""

    lines: tuple[tuple[Segment, ...], ...]
    edge: str = ""

    @property
    def text(self) -> str:
        """The plain text, one line each."""
        return "\n".join("".join(segment.text for segment in line) for line in self.lines)


class CaptionCache:
    """Pixmaps of captions for one font and device pixel ratio; the least recently used are dropped first."""

    def __init__(self, font: QFont) -> None:
        self.font = tabular_font(font)
        self._metrics = QFontMetricsF(self.font)
        self._ratio = 1.0
        self._pixmaps: OrderedDict[Caption, QPixmap] = OrderedDict()
        self._sizes: dict[Caption, QSizeF] = {}

    def use_ratio(self, ratio: float) -> None:
        """Render further captions for this device pixel ratio."""
        if ratio != self._ratio:
            self._ratio = ratio
            self._pixmaps.clear()

    def size(self, caption: Caption) -> QSizeF:
        """Size of the plate, logical pixels."""
        size = self._sizes.get(caption)
        if size is None:
            if len(self._sizes) > 4 * _CACHED_PIXMAPS:
                self._sizes.clear()
            advance = self._metrics.horizontalAdvance
            width = max((sum(advance(s.text) for s in line) for line in caption.lines), default=0.0)
            height = self._metrics.height() * len(caption.lines)
            size = QSizeF(round(width + 2 * _PADDING_X + 2 * bool(caption.edge)), round(height + 2 * _PADDING_Y))
            self._sizes[caption] = size
        return size

    def pixmap(self, caption: Caption) -> QPixmap:
        """The plate with its text."""
        pixmap = self._pixmaps.get(caption)
        if pixmap is not None:
            self._pixmaps.move_to_end(caption)
            return pixmap
        pixmap = self._pixmaps[caption] = self._render(caption)
        if len(self._pixmaps) > _CACHED_PIXMAPS:
            self._pixmaps.popitem(last=False)
        return pixmap

    def _render(self, caption: Caption) -> QPixmap:
        size = self.size(caption)
        pixmap = QPixmap((size * self._ratio).toSize())
        pixmap.setDevicePixelRatio(self._ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.font)
        painter.setPen(Qt.PenStyle.NoPen)
        plate = QColor(CAPTION_BACKGROUND)
        plate.setAlpha(235 if caption.edge else 205)
        painter.setBrush(plate)
        painter.drawRoundedRect(QRectF(QPointF(), size), 2.5, 2.5)
        left = _PADDING_X
        if caption.edge:
            painter.setBrush(QColor(caption.edge))
            painter.drawRect(QRectF(0, 0, 2.5, size.height()))
            left += 2
        y = _PADDING_Y
        for line in caption.lines:
            x = left
            for segment in line:
                text = QStaticText(segment.text)
                text.setTextFormat(Qt.TextFormat.PlainText)
                painter.setPen(QColor(segment.colour))
                painter.drawStaticText(QPointF(x, y), text)
                x += self._metrics.horizontalAdvance(segment.text)
            y += self._metrics.height()
        painter.end()
        return pixmap
