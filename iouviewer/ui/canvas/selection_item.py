"""The item that outlines the selected boxes and draws the handles of a single one."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from iouviewer.document.boxes import Rect
from iouviewer.ui.canvas.box_lines import HALO, outline
from iouviewer.ui.canvas.hit import HANDLE_SIZE, handles
from iouviewer.ui.palette import IMAGE_COLOURS

_HANDLE_REACH, _LINE_REACH = 2 * HANDLE_SIZE, 4.0
"""How far handles and lines extend beyond a box, logical pixels."""
_WHITE = QColor(255, 255, 255)


class SelectionItem(QGraphicsItem):
    """Outlines of all selected boxes; handles at a single ground-truth box, hidden while it is dragged."""

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(2)
        self._rects: tuple[tuple[Rect, str], ...] = ()
        self._editable: Rect | None = None
        self._bounds = QRectF()
        self._px = 1.0

    def boundingRect(self) -> QRectF:
        return self._bounds

    def show_selection(self, rects: tuple[tuple[Rect, str], ...], editable: Rect | None, px: float) -> None:
        """Outline these rectangles in their colours, with handles at ``editable``; ``px``: image pixels a pixel."""
        if (rects, editable, px) == (self._rects, self._editable, self._px):
            return
        self._rects, self._editable, self._px = rects, editable, px
        bounds = QRectF()
        for (x1, y1, x2, y2), _colour in rects:
            bounds |= QRectF(x1, y1, x2 - x1, y2 - y1)
        # Without handles, as during a drag, less of the image is repainted at each move.
        reach = (_LINE_REACH if editable is None else _HANDLE_REACH) * px
        self.prepareGeometryChange()
        self._bounds = bounds.adjusted(-reach, -reach, reach, reach) if rects else QRectF()

    @property
    def handle_count(self) -> int:
        """Number of handles shown."""
        return len(handles(self._editable, self._px)) if self._editable is not None else 0

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        transform = painter.worldTransform()
        ratio = painter.device().devicePixelRatioF()
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        for rect, colour in self._rects:
            mapped = _on_screen(rect, transform, ratio)
            for brush, half in ((HALO, 3.0), (_WHITE, 2.0), (QColor(colour), 1.0)):
                painter.setBrush(brush)
                painter.drawRects(outline(mapped, half))
        if self._editable is not None:
            self._paint_handles(painter, transform, self._editable)
        painter.setWorldTransform(transform)

    def _paint_handles(self, painter: QPainter, transform: QTransform, rect: Rect) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(IMAGE_COLOURS.ground_truth).darker(150), 1.2))
        painter.setBrush(_WHITE)
        half = QPointF(HANDLE_SIZE / 2, HANDLE_SIZE / 2)
        for _edges, x, y in handles(rect, self._px):
            painter.drawRoundedRect(QRectF(transform.map(QPointF(x, y)) - half, QSizeF(HANDLE_SIZE, HANDLE_SIZE)), 2, 2)


def _on_screen(rect: Rect, transform: QTransform, ratio: float) -> QRectF:
    """The rectangle in logical pixels of the window, rounded to device pixels."""
    left, right = (round((x * transform.m11() + transform.dx()) * ratio) / ratio for x in rect[0::2])
    top, bottom = (round((y * transform.m22() + transform.dy()) * ratio) / ratio for y in rect[1::2])
    return QRectF(left, top, right - left, bottom - top)
