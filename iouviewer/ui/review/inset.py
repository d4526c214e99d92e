"""The whole picture in a corner of the zoomed canvas, with the part that is seen and the problem."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from iouviewer.document.boxes import Rect
from iouviewer.ui.canvas.frame_canvas import FrameCanvas
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tokens import CANVAS, SPACE

_WIDTH = 150
_MIN_ZOOMED = 1.25
"""How many times larger than fitted the picture must be for the inset to say more."""


class PictureInset(QWidget):
    """The picture in small; it takes no mouse events."""

    def __init__(self, canvas: FrameCanvas) -> None:
        super().__init__(canvas.viewport())
        self.setObjectName("reviewInset")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._canvas = canvas
        self._rect: Rect | None = None
        canvas.viewport().installEventFilter(self)
        canvas.viewMoved.connect(self._place)
        canvas.frameShown.connect(self._place)
        self.hide()

    def show_problem(self, rect: Rect | None) -> None:
        """Show the picture with this rectangle; None hides it."""
        self._rect = rect
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._canvas.viewport() and event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self, _frame: int = 0) -> None:
        image, view = self._canvas.image_rect, self._canvas.viewport().size()
        if self._rect is None or image.isEmpty():
            self.hide()
            return
        size = QSizeF(_WIDTH, _WIDTH * image.height() / image.width()).toSize()
        fitted = min(view.width() / image.width(), view.height() / image.height())
        is_useful = self._canvas.scale_factor > fitted * _MIN_ZOOMED and view.height() > 2.5 * size.height()
        self.setGeometry(SPACE["m"], view.height() - size.height() - SPACE["m"], size.width(), size.height())
        self.setVisible(is_useful)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        image = self._canvas.shown_image()
        if self._rect is None or image.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect())
        painter.drawImage(area, image)
        whole = self._canvas.image_rect
        scale = area.width() / whole.width()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(scheme_theme().colours.line), 1))
        painter.drawRect(area.adjusted(0.5, 0.5, -0.5, -0.5))
        seen = self._canvas.mapToScene(self._canvas.viewport().rect()).boundingRect().intersected(whole)
        x1, y1, x2, y2 = self._rect
        for rect, colour in (
            (seen, CANVAS.selected),
            (QRectF(x1, y1, x2 - x1, y2 - y1), CANVAS.fix),
        ):
            painter.setPen(QPen(QColor(colour), 1.4))
            shown = QRectF(rect.left() * scale, rect.top() * scale, rect.width() * scale, rect.height() * scale)
            painter.drawRect(shown)
