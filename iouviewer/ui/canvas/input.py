"""Mouse and keys as Qt hands them to the canvas."""

from __future__ import annotations

import sys

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QToolTip

from iouviewer.ui.canvas.drawing import DrawingCanvas
from iouviewer.ui.canvas.explain import describe
from iouviewer.ui.canvas.hit import Ref


class InputCanvas(DrawingCanvas):
    """The part of the canvas that hands mouse and keys to its tool.

    Signals:
        playRequested(): Space was let go without a drag in between.
        pointerMoved(object): the mouse is at this QPointF, picture pixels; None: it left.
    """

    playRequested = Signal()
    pointerMoved = Signal(object)

    def set_hovered(self, ref: Ref | None) -> None:
        """Show the details of this box; the canvas overrides it."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.tool.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = self.to_picture(event.position())
        self.tool.move(event)
        self.pointerMoved.emit(self._pointer)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.tool.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.tool.double_click(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._pointer = None
        self.set_hovered(None)
        self.pointerMoved.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space pans while it is held, Esc cancels, Enter confirms; all other keys are the window's."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.tool.space_held, self.tool.space_used = True, False
        elif event.key() == Qt.Key.Key_Escape:
            event.setAccepted(self.cancel())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.setAccepted(self.confirm())
        else:
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            event.ignore()
        elif not event.isAutoRepeat() and self.tool.space_held:
            self.tool.space_held = False
            if not self.tool.space_used:
                self.playRequested.emit()

    def event(self, event: QEvent) -> bool:
        # While a box is drawn, Enter and Esc are the canvas's, whatever the window binds them to.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._is_ours(event):
            event.accept()
            return True
        try:
            return super().event(event)
        except Exception:  # noqa: BLE001 - as in viewportEvent
            sys.excepthook(*sys.exc_info())
            return True

    def _is_ours(self, event: QKeyEvent) -> bool:
        return self.is_drawing and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.tool_tip_at(self.to_picture(QPointF(event.pos())))
            QToolTip.showText(event.globalPos(), text, self.viewport())
            return True
        try:
            return super().viewportEvent(event)
        except Exception:  # noqa: BLE001 - one that left here would end the process; told and logged like any other
            sys.excepthook(*sys.exc_info())
            return True

    def tool_tip_at(self, point: QPointF) -> str:
        """What is told of the box at this point of the picture; empty where there is none."""
        ref = self.tool.target_at(point).ref
        if ref is None or self.tool.gesture is not None or self._shown_frame < 0:
            return ""
        return describe(self.session, ref, self._shown_frame, self.review_view.last_reviews)
