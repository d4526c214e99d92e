"""Lines through the whole picture at the mouse, which show where the edges of a new box will be."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene, QStyleOptionGraphicsItem, QWidget

from iouviewer.ui.canvas.box_lines import make_pen
from iouviewer.ui.tokens import CANVAS, LINES

_BRIGHT, _DARK = QColor(CANVAS.selected), QColor(0, 0, 0, 170)


class _GuideLine(QGraphicsItem):
    """One line of dark and bright dashes, an item of its own: what lies between two lines is not repainted."""

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(3)
        self._line = QLineF()
        self._px = 1.0
        self.hide()

    def boundingRect(self) -> QRectF:
        reach = 2 * self._px
        return QRectF(self._line.p1(), self._line.p2()).adjusted(-reach, -reach, reach, reach)

    def show_line(self, line: QLineF, px: float) -> None:
        """Draw this line, image pixels."""
        if (line, px) != (self._line, self._px):
            self.prepareGeometryChange()
            self._line, self._px = line, px
        self.show()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
        line = QLineF(*(QPointF(transform.map(end).toPoint()) for end in (self._line.p1(), self._line.p2())))
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        role = LINES["guide"]
        for pen in (make_pen(_DARK, role.width, ratio=ratio), make_pen(_BRIGHT, role.width, role.dash, ratio=ratio)):
            painter.setPen(pen)
            painter.drawLine(line)
        painter.setWorldTransform(transform)


class Guides:
    """A horizontal and a vertical line."""

    def __init__(self, scene: QGraphicsScene) -> None:
        self._lines = (_GuideLine(), _GuideLine())
        for line in self._lines:
            scene.addItem(line)

    @property
    def is_shown(self) -> bool:
        """Whether the lines are on the canvas."""
        return self._lines[0].isVisible()

    def show_at(self, point: QPointF, image: QRectF, px: float) -> None:
        """Draw lines through a point and over the whole image, image pixels; ``px``: image pixels per logical pixel."""
        x = min(max(point.x(), image.left()), image.right())
        y = min(max(point.y(), image.top()), image.bottom())
        self._lines[0].show_line(QLineF(image.left(), y, image.right(), y), px)
        self._lines[1].show_line(QLineF(x, image.top(), x, image.bottom()), px)

    def hide(self) -> None:
        """Remove the lines."""
        for line in self._lines:
            line.hide()
