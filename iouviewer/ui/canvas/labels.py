"""Labels on the picture: small dark plates with coloured text, rendered once each and kept as pixmaps."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPixmap, QStaticText

from iouviewer.ui.palette import PLATE
from iouviewer.ui.theme import tabular_font

_PADDING_X, _PADDING_Y = 4.0, 1.0
_KEPT = 1024


class Segment(NamedTuple):
    """A run of text in one colour (``#rrggbb``)."""

    text: str
    colour: str


class Label(NamedTuple):
    """What a label says: lines of segments; ``edge`` is the colour of a stripe on the left, empty for none."""

    lines: tuple[tuple[Segment, ...], ...]
    edge: str = ""


class LabelCache:
    """Pixmaps of labels for one font and device pixel ratio; the least recently used go first."""

    def __init__(self, font: QFont) -> None:
        self.font = tabular_font(font)
        self._metrics = QFontMetricsF(self.font)
        self._ratio = 1.0
        self._pixmaps: OrderedDict[Label, QPixmap] = OrderedDict()
        self._sizes: dict[Label, QSizeF] = {}

    def use_ratio(self, ratio: float) -> None:
        """Render for this device pixel ratio from now on."""
        if ratio != self._ratio:
            self._ratio = ratio
            self._pixmaps.clear()

    def size(self, label: Label) -> QSizeF:
        """Size of the plate, logical pixels."""
        found = self._sizes.get(label)
        if found is None:
            if len(self._sizes) > 4 * _KEPT:
                self._sizes.clear()
            advance = self._metrics.horizontalAdvance
            width = max((sum(advance(s.text) for s in line) for line in label.lines), default=0.0)
            height = self._metrics.height() * len(label.lines)
            found = QSizeF(round(width + 2 * _PADDING_X + 2 * bool(label.edge)), round(height + 2 * _PADDING_Y))
            self._sizes[label] = found
        return found

    def pixmap(self, label: Label) -> QPixmap:
        """The plate with its text."""
        found = self._pixmaps.get(label)
        if found is not None:
            self._pixmaps.move_to_end(label)
            return found
        found = self._pixmaps[label] = self._render(label)
        if len(self._pixmaps) > _KEPT:
            self._pixmaps.popitem(last=False)
        return found

    def _render(self, label: Label) -> QPixmap:
        size = self.size(label)
        pixmap = QPixmap((size * self._ratio).toSize())
        pixmap.setDevicePixelRatio(self._ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.font)
        painter.setPen(Qt.PenStyle.NoPen)
        plate = QColor(PLATE)
        plate.setAlpha(235 if label.edge else 205)
        painter.setBrush(plate)
        painter.drawRoundedRect(QRectF(QPointF(), size), 2.5, 2.5)
        left = _PADDING_X
        if label.edge:
            painter.setBrush(QColor(label.edge))
            painter.drawRect(QRectF(0, 0, 2.5, size.height()))
            left += 2
        y = _PADDING_Y
        for line in label.lines:
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
