"""Captions on the image: small dark plates with coloured text, rendered once and cached."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QStaticText

from iouviewer.ui.fonts import tabular_font
from iouviewer.ui.theme import colour
from iouviewer.ui.tokens import CANVAS, RADIUS, colours

TEXT = CANVAS.label_text
MUTED = colours(dark=True).text2
BELOW = colours(dark=True).warn
"""A number below its threshold."""
WRONG = colours(dark=True).bad
"""Missed and extra boxes."""
GOOD = colours(dark=True).good

_PADDING_X, _PADDING_Y = 5.0, 1.0
_CACHED_IMAGES = 1024


class Segment(NamedTuple):
    """A run of text in one colour (``#rrggbb``)."""

    text: str
    colour: str = TEXT


class Caption(NamedTuple):
    """Lines of coloured text."""

    lines: tuple[tuple[Segment, ...], ...]

    @classmethod
    def of(cls, *segments: Segment) -> Caption:
        """A caption of one line."""
        return cls((segments,))

    @property
    def text(self) -> str:
        """The plain text, one line each."""
        return "\n".join("".join(segment.text for segment in line) for line in self.lines)


class CaptionCache:
    """Images of captions for one font and device pixel ratio; the least recently used are dropped first."""

    def __init__(self, font: QFont) -> None:
        self.font = tabular_font(font)
        self._metrics = QFontMetricsF(self.font)
        self._ratio = 1.0
        self._images: OrderedDict[Caption, QImage] = OrderedDict()
        self._sizes: dict[Caption, QSizeF] = {}

    def use_ratio(self, ratio: float) -> None:
        """Render further captions for this device pixel ratio."""
        if ratio != self._ratio:
            self._ratio = ratio
            self._images.clear()

    def size(self, caption: Caption) -> QSizeF:
        """Size of the plate, logical pixels."""
        size = self._sizes.get(caption)
        if size is None:
            if len(self._sizes) > 4 * _CACHED_IMAGES:
                self._sizes.clear()
            advance = self._metrics.horizontalAdvance
            width = max((sum(advance(s.text) for s in line) for line in caption.lines), default=0.0)
            height = self._metrics.height() * len(caption.lines)
            size = self._sizes[caption] = QSizeF(round(width + 2 * _PADDING_X), round(height + 2 * _PADDING_Y))
        return size

    def image(self, caption: Caption) -> QImage:
        """The plate with its text."""
        image = self._images.get(caption)
        if image is not None:
            self._images.move_to_end(caption)
            return image
        image = self._images[caption] = self._render(caption)
        if len(self._images) > _CACHED_IMAGES:
            self._images.popitem(last=False)
        return image

    def _render(self, caption: Caption) -> QImage:
        size = self.size(caption)
        # An image, not a pixmap: exported pictures are painted in a thread.
        image = QImage((size * self._ratio).toSize(), QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(self._ratio)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.font)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(CANVAS.label_bg))
        painter.drawRoundedRect(QRectF(QPointF(), size), RADIUS["canvas_label"], RADIUS["canvas_label"])
        y = _PADDING_Y
        for line in caption.lines:
            x = _PADDING_X
            for segment in line:
                text = QStaticText(segment.text)
                text.setTextFormat(Qt.TextFormat.PlainText)
                painter.setPen(segment.colour)
                painter.drawStaticText(QPointF(x, y), text)
                x += self._metrics.horizontalAdvance(segment.text)
            y += self._metrics.height()
        painter.end()
        return image
