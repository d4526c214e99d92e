"""Small things that lie over the canvas and do not move with the picture: marks, hints, the label at the cursor."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget

from iouviewer.ui.canvas.labels import Label, LabelCache
from iouviewer.ui.theme import Theme

_GAP = 18


class Plate(QWidget):
    """A label of the canvas at a fixed place of its widget; it takes no mouse events."""

    def __init__(self, parent: QWidget, cache: LabelCache, name: str) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._canvas = parent
        self.cache = cache
        self._label: Label | None = None
        self.hide()

    @property
    def text(self) -> str:
        """What it says, lines joined; empty while hidden."""
        if self._label is None:
            return ""
        return "\n".join("".join(segment.text for segment in line) for line in self._label.lines)

    def show_label(self, label: Label | None, *, beside: QPoint | None = None) -> None:
        """Say this (at the lower right of a point, or its other side where there is no room), or nothing."""
        changed, self._label = label != self._label, label
        if label is not None:
            if changed:
                self.resize(self.cache.size(label).toSize())
                self.setAccessibleName(self.text)
                self.update()
            if beside is not None:
                self._put_beside(beside, self._canvas.rect())
        self.setVisible(label is not None)

    def _put_beside(self, point: QPoint, within: QRect) -> None:
        x, y = point.x() + _GAP, point.y() + _GAP
        if x + self.width() > within.right():
            x = point.x() - _GAP - self.width()
        if y + self.height() > within.bottom():
            y = point.y() - _GAP - self.height()
        self.move(x, y)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if self._label is not None:
            self.cache.use_ratio(self.devicePixelRatioF())
            painter = QPainter(self)
            painter.drawPixmap(0, 0, self.cache.pixmap(self._label))


class Crosshair(QWidget):
    """The cross that the arrow keys move while a box is drawn without a mouse."""

    _SIZE = 25

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("canvasCrosshair")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize(self._SIZE, self._SIZE)
        self.hide()

    def put_at(self, point: QPoint) -> None:
        """Show it centred on a point of the parent."""
        self.move(point - QPoint(self._SIZE // 2, self._SIZE // 2))
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        middle, end = self._SIZE // 2, self._SIZE - 1
        for colour, width in ((Qt.GlobalColor.black, 3), (Qt.GlobalColor.white, 1)):
            pen = painter.pen()
            pen.setColor(colour)
            pen.setWidth(width)
            painter.setPen(pen)
            painter.drawLine(middle, 0, middle, end)
            painter.drawLine(0, middle, end, middle)


class FocusLines:
    """Four lines of one pixel inside a widget's edges, which show that keys go there; nothing moves for them."""

    def __init__(self, parent: QWidget) -> None:
        self._lines = tuple(QWidget(parent) for _ in range(4))
        for line in self._lines:
            line.setObjectName("canvasFocusLine")
            line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
            line.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            line.hide()

    def surround(self, rect: QRect) -> None:
        """Lie along the edges of this rectangle."""
        width, height = rect.width(), rect.height()
        places = ((0, 0, width, 1), (0, height - 1, width, 1), (0, 0, 1, height), (width - 1, 0, 1, height))
        for line, place in zip(self._lines, places, strict=True):
            line.setGeometry(*place)

    def set_shown(self, shown: bool) -> None:
        """Show or hide them."""
        for line in self._lines:
            line.setVisible(shown)

    def use_colour(self, colour: str) -> None:
        """Take this colour, ``#rrggbb``."""
        for line in self._lines:
            line.setStyleSheet(f"background: {colour};")


class EmptyHint(QLabel):
    """What to do where no video is open."""

    TEXT = "Drop a video here, or open the sample"

    def __init__(self, parent: QWidget) -> None:
        super().__init__(self.TEXT, parent)
        self.setObjectName("canvasEmptyHint")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.3)
        self.setFont(font)

    def use_theme(self, theme: Theme) -> None:
        """Take the theme's quiet text colour."""
        self.setStyleSheet(f"color: {theme.muted}; background: transparent; border: 0;")
