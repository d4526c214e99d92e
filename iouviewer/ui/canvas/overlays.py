"""Widgets over the canvas that do not move with the image: captions, hints, the crosshair and the focus frame."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Edges
from iouviewer.ui.canvas.captions import Caption, CaptionCache, Segment
from iouviewer.ui.canvas.frame_badge import FrameBadge
from iouviewer.ui.canvas.hit import handles
from iouviewer.ui.theme import Theme

_GAP = 18
_INSET = 12
"""Distance of the badge from the corner of the canvas, logical pixels."""


class CaptionWidget(QWidget):
    """A caption at a position of the widget, not of the image; it takes no mouse events."""

    def __init__(self, parent: QWidget, cache: CaptionCache, name: str) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._canvas = parent
        self._cache = cache
        self._caption: Caption | None = None
        self.hide()

    @property
    def text(self) -> str:
        """Its text, lines joined; empty while hidden."""
        return "" if self._caption is None else self._caption.text

    def show_caption(self, caption: Caption | None, *, beside: QPoint | None = None) -> None:
        """Show a caption at the lower right of a point, or on the other side if it does not fit; None hides it."""
        has_changed, self._caption = caption != self._caption, caption
        if caption is not None:
            if has_changed:
                self.resize(self._cache.size(caption).toSize())
                self.setAccessibleName(self.text)
                self.update()
            if beside is not None:
                self._move_beside(beside, self._canvas.rect())
        self.setVisible(caption is not None)

    def _move_beside(self, point: QPoint, within: QRect) -> None:
        x, y = point.x() + _GAP, point.y() + _GAP
        if x + self.width() > within.right():
            x = point.x() - _GAP - self.width()
        if y + self.height() > within.bottom():
            y = point.y() - _GAP - self.height()
        self.move(x, y)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._caption is not None:
            self._cache.use_ratio(self.devicePixelRatioF())
            painter = QPainter(self)
            painter.drawImage(0, 0, self._cache.image(self._caption))


class Projection(Protocol):
    """Converts image coordinates to viewport pixels."""

    @property
    def px(self) -> float:
        """Image pixels per logical pixel."""

    def from_image(self, x: float, y: float) -> QPoint:
        """The pixel of the viewport that shows the image's point (x, y)."""


class HandleHint:
    """A caption with an instruction beside a handle of a box, shown until the first gesture."""

    def __init__(self, parent: QWidget, session: Session, cache: CaptionCache) -> None:
        self._session = session
        self._handle: tuple[int, Edges] | None = None
        self._caption = CaptionWidget(parent, cache, "canvasHint")

    def show(self, box_id: int, edges: Edges, text: str) -> None:
        """Show this text at the handle of these edges; ``place`` moves it there."""
        self._handle = (box_id, edges)
        self._caption.show_caption(Caption.of(Segment(text)))

    def clear(self) -> None:
        """Hide the hint for good."""
        self._handle = None

    def place(self, shown_frame: int, projection: Projection) -> None:
        """Follow the handle; hidden while its box is not on the shown frame (-1: no boxes are shown)."""
        if self._handle is None:
            self._caption.hide()
            return
        box_id, edges = self._handle
        box = self._session.ground_truth.find(box_id)
        if box is None or box.frame != shown_frame:
            self._caption.hide()
            return
        for handle_edges, x, y in handles(box.rect, projection.px):
            if handle_edges == edges:
                at = projection.from_image(x, y)
                self._caption.move(at.x() + 12, at.y() - self._caption.height() // 2)
                self._caption.show()


class Crosshair(QWidget):
    """The cross that the arrow keys move while a box is drawn without a mouse."""

    _SIZE = 25

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("canvasCrosshair")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize(self._SIZE, self._SIZE)
        self.hide()

    def show_at(self, point: QPoint) -> None:
        """Show it centred on a point of the parent."""
        self.move(point - QPoint(self._SIZE // 2, self._SIZE // 2))
        self.show()
        self.raise_()

    def paintEvent(self, _event: QPaintEvent) -> None:
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
    """Four lines of one pixel along the edges of a widget that has the keyboard focus; the layout does not change."""

    def __init__(self, parent: QWidget) -> None:
        self._lines = tuple(QWidget(parent) for _ in range(4))
        for line in self._lines:
            line.setObjectName("canvasFocusLine")
            line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
            line.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            line.hide()

    def surround(self, rect: QRect) -> None:
        """Place the lines along the edges of this rectangle."""
        width, height = rect.width(), rect.height()
        places = ((0, 0, width, 1), (0, height - 1, width, 1), (0, 0, 1, height), (width - 1, 0, 1, height))
        for line, place in zip(self._lines, places, strict=True):
            line.setGeometry(*place)

    def set_shown(self, shown: bool) -> None:
        """Show or hide the lines."""
        for line in self._lines:
            line.setVisible(shown)

    def use_colour(self, colour: str) -> None:
        """Draw the lines in this colour, ``#rrggbb``."""
        for line in self._lines:
            line.setStyleSheet(f"background: {colour};")


class CanvasOverlays:
    """The widgets over the canvas that are not part of a gesture.

    Attributes:
        status: caption about the frame.
        hint: caption beside a handle.
        badge: what a person has said about the frame.
        focus_lines: shown while the canvas has the keyboard focus.
    """

    def __init__(self, canvas: QWidget, session: Session, captions: CaptionCache) -> None:
        self.status = CaptionWidget(canvas, captions, "canvasPreviewMark")
        self.badge = FrameBadge(canvas, session)
        self.hint = HandleHint(canvas, session, captions)
        self.focus_lines = FocusLines(canvas)

    def arrange(self, rect: QRect) -> None:
        """Fit the widgets to the rectangle of the canvas."""
        self.focus_lines.surround(rect)
        self.badge.arrange(rect.width())
        self.badge.move(_INSET, _INSET)
        self._place_status()

    def _place_status(self) -> None:
        """The caption about the frame lies below the badge, or in its place."""
        below = self.badge.height() + _INSET // 2 if self.badge.text else 0
        self.status.move(_INSET, _INSET + below)

    @property
    def badge_corner(self) -> tuple[int, int]:
        """Width and height of the corner of the canvas that the badge takes, logical pixels; 0 while it is hidden."""
        return (0, 0) if not self.badge.text else (_INSET + self.badge.width(), _INSET + self.badge.height())

    def show_badge(self, frame: int) -> None:
        """Show what a person has said about a frame; -1: nothing."""
        self.badge.show_frame(frame)
        self._place_status()

    def use_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self.focus_lines.use_colour(theme.colours.accent)
