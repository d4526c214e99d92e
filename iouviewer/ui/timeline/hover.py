"""A tooltip that says what lies under a resting mouse, made when it is needed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, QTimer
from PySide6.QtGui import QCursor, QMouseEvent
from PySide6.QtWidgets import QToolTip, QWidget

DELAY_MS = 500
"""Time that the mouse rests before the tooltip appears."""


class HoverTip(QObject):
    """Shows a text about the point under the mouse after ``DELAY_MS``.

    Args:
        text_at: the text about a position of the widget, logical pixels; empty for none.
    """

    def __init__(self, widget: QWidget, text_at: Callable[[QPointF], str]) -> None:
        super().__init__(widget)
        self._widget, self._text_at = widget, text_at
        self._position = QPointF()
        self._timer = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._timer.timeout.connect(self._show)
        widget.setMouseTracking(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._position = event.position()
            if not event.buttons():
                self._timer.start()
        elif event.type() in (QEvent.Type.Leave, QEvent.Type.MouseButtonPress, QEvent.Type.Wheel):
            self._timer.stop()
            QToolTip.hideText()
        return super().eventFilter(watched, event)

    def _show(self) -> None:
        text = self._text_at(self._position)
        if text and self._widget.isVisible():
            QToolTip.showText(QCursor.pos(), text, self._widget)
