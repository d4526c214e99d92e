"""Boxes on the canvas that a propagation has found and not yet added."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene, QStyleOptionGraphicsItem, QWidget

from iouviewer.document.boxes import Rect
from iouviewer.ui.canvas.box_lines import HALO, frame_sides, line_offsets
from iouviewer.ui.canvas.box_look import with_alpha
from iouviewer.ui.tokens import CANVAS, LINES

_FILL = 0.12
_ROLE = LINES["interpolated"]


class GhostBoxes(QGraphicsItem):
    """Paints rectangles like interpolated ground truth, with a light fill."""

    def __init__(self, scene: QGraphicsScene) -> None:
        super().__init__()
        self.setZValue(2.4)
        self._rects: tuple[QRectF, ...] = ()
        self.hide()
        scene.addItem(self)

    @property
    def rects(self) -> tuple[QRectF, ...]:
        """The shown rectangles, image pixels."""
        return self._rects

    def show_rects(self, rects: Iterable[Rect]) -> None:
        """Show these rectangles instead of the previous ones; none hides the item."""
        self.prepareGeometryChange()
        self._rects = tuple(QRectF(QPointF(x1, y1), QPointF(x2, y2)) for x1, y1, x2, y2 in rects)
        self.setVisible(bool(self._rects))
        self.update()

    def boundingRect(self) -> QRectF:
        bounds = QRectF()
        for rect in self._rects:
            bounds = bounds.united(rect)
        margin = max(bounds.width(), bounds.height(), 8.0) * 0.25
        return bounds.adjusted(-margin, -margin, margin, margin) if self._rects else bounds

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        outside, inside = line_offsets(_ROLE.width, ratio)
        halo = LINES["halo"].width
        for rect in self._rects:
            corners = (transform.map(rect.topLeft()), transform.map(rect.bottomRight()))
            points = [round(value * ratio) / ratio for corner in corners for value in (corner.x(), corner.y())]
            shown = QRectF(QPointF(*points[:2]), QPointF(*points[2:]))
            painter.fillRect(shown, with_alpha(CANVAS.gt, _FILL))
            painter.setBrush(HALO)
            painter.drawRects(frame_sides(shown, outside + halo, inside + halo))
            painter.setBrush(QColor(CANVAS.gt))
            painter.drawRects(frame_sides(shown, outside, inside))
        painter.setWorldTransform(transform)
