"""The loupe: enlarged pixels of the image around the pointer or a dragged edge, in a corner of the canvas."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from iouviewer.document.boxes import Edges, Rect
from iouviewer.i18n import tr
from iouviewer.ui.canvas.captions import MUTED, Caption, CaptionCache, Segment
from iouviewer.ui.canvas.image_item import ImageItem
from iouviewer.ui.tokens import CANVAS, SIZE

FACTOR = 8
"""Logical pixels per image pixel."""
AUTOMATIC_BELOW = 2.0
"""While an edge is dragged the loupe is shown below this zoom, device pixels per image pixel."""
_MARGIN = 12
_CROSS, _CROSS_HALO = QColor(CANVAS.selected), QColor(0, 0, 0, 110)
_CAPTION = tr("{factor}× · {x:.1f}, {y:.1f}")


class Loupe(QWidget):
    """Shows image pixels as squares, with a cross at one point; it takes no mouse events."""

    def __init__(self, canvas: QWidget, image: ImageItem, captions: CaptionCache) -> None:
        super().__init__(canvas)
        self.setObjectName("loupe")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        # Opaque, with square corners: the canvas below it is not repainted with it.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._canvas, self._image, self._captions = canvas, image, captions
        self._point = QPointF()
        self._cross = QImage()
        self.resize(SIZE["loupe"], SIZE["loupe"])
        self.hide()

    @property
    def text(self) -> str:
        """Enlargement and the point under the cross, image pixels: ``8× · 572.0, 240.0``."""
        return _CAPTION.format(factor=FACTOR, x=self._point.x(), y=self._point.y())

    def show_point(self, point: QPointF, mouse: QPoint) -> None:
        """Show the surroundings of a point (image pixels); ``mouse`` is where the mouse is on the canvas."""
        area, side = self._canvas.rect(), self.width()
        x = _MARGIN if mouse.x() > area.width() / 2 else area.width() - side - _MARGIN
        # The upper left corner belongs to the badge of the frame.
        top = _MARGIN if x > _MARGIN else 2 * _MARGIN + SIZE["badge"]
        y = top if mouse.y() > area.height() / 2 else area.height() - side - _MARGIN
        self.move(x, y)
        if point != self._point or not self.isVisible():
            self._point = point
            self.setAccessibleName(self.text)
            self.update()
        self.show()
        self.raise_()

    def _overlay(self, ratio: float) -> QImage:
        """The cross and the border, drawn once: translucent lines take longer than all the rest."""
        if self._cross.isNull() or self._cross.devicePixelRatio() != ratio:
            image = QImage(self.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
            image.setDevicePixelRatio(ratio)
            image.fill(Qt.GlobalColor.transparent)
            painter = QPainter(image)
            centre = self.rect().center()
            for colour, reach in ((_CROSS_HALO, 1), (_CROSS, 0)):
                painter.fillRect(0, centre.y() - reach, self.width(), 2 * reach + 1, colour)
                painter.fillRect(centre.x() - reach, 0, 2 * reach + 1, self.height(), colour)
            painter.setPen(QPen(QColor(MUTED), 1.0))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
            painter.end()
            self._cross = image
        return self._cross

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        self._image.paint_enlarged(painter, self._point, QRectF(self.rect()), FACTOR)
        painter.drawImage(0, 0, self._overlay(self.devicePixelRatioF()))
        caption = Caption.of(Segment(self.text))
        self._captions.use_ratio(self.devicePixelRatioF())
        painter.drawImage(
            QPointF(4, self.height() - self._captions.size(caption).height() - 4), self._captions.image(caption)
        )


def point_on_edge(rect: Rect, edges: Edges, point: QPointF) -> QPointF:
    """The point of the dragged edge or corner that is nearest to the mouse, image pixels."""
    x1, y1, x2, y2 = rect
    x = x1 if edges & Edges.LEFT else x2 if edges & Edges.RIGHT else min(max(point.x(), x1), x2)
    y = y1 if edges & Edges.TOP else y2 if edges & Edges.BOTTOM else min(max(point.y(), y1), y2)
    return QPointF(x, y)
