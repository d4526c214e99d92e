"""The tool that draws a new box, with the mouse or with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, Qt

from iouviewer.app.editing.gesture import DrawGesture
from iouviewer.ui.canvas.hit import BoxRef, Target, truth_ref
from iouviewer.ui.canvas.tools.tool import CLICK_TOLERANCE, PointerEvent, ToolContext


class DrawTool:
    """Draws one box: by a drag, by two clicks, or by Enter, arrow keys and Enter."""

    def __init__(self, canvas: ToolContext, on_finished: Callable[[], None]) -> None:
        """``on_finished`` is called when the box is drawn, before the canvas is updated."""
        self._canvas = canvas
        self._on_finished = on_finished
        self._gesture: DrawGesture | None = None
        self._first_corner = QPoint()

    @property
    def is_busy(self) -> bool:
        return self._gesture is not None

    @property
    def dragged_refs(self) -> frozenset[BoxRef]:
        if self._gesture is None or self._gesture.box_id is None:
            return frozenset()
        return frozenset([truth_ref(self._gesture.box_id)])

    # Mouse

    def press(self, event: PointerEvent) -> None:
        if self._gesture is None:
            self._begin(event.point, event.position)
        else:
            self._gesture.move(event.point.x(), event.point.y(), constrain=event.is_constrained)
            self._finish()

    def _begin(self, point: QPointF, position: QPoint) -> None:
        self._first_corner = position
        self._canvas.feedback.begin(None)
        class_id = self._canvas.commands.class_of_new_boxes()
        self._gesture = DrawGesture(self._canvas.session, point.x(), point.y(), class_id)

    def move(self, event: PointerEvent) -> bool:
        if self._gesture is None:
            return False
        self._move_corner(event.point, event.position, constrain=event.is_constrained)
        return True

    def _move_corner(self, point: QPointF, position: QPoint, *, constrain: bool = False) -> None:
        if self._gesture is None:
            return
        self._gesture.move(point.x(), point.y(), constrain=constrain)
        if self._gesture.box_id is not None:
            self._canvas.feedback.show_drag((self._gesture.box_id,), position)

    def release(self, event: PointerEvent) -> None:
        is_drag = (event.position - self._first_corner).manhattanLength() >= CLICK_TOLERANCE
        if self._gesture is not None and is_drag:
            self._finish()

    def double_click(self, _event: PointerEvent) -> bool:
        return False

    def _finish(self) -> None:
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            gesture.release()
        self._on_finished()
        self._canvas.gesture_changed()

    # Keyboard

    def key(self, key: int) -> bool:
        """Enter puts the first corner at the crosshair, then the second one."""
        if key not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return False
        point = self.nudge(0, 0)
        if self._gesture is None:
            self._begin(point, self._canvas.from_image(point.x(), point.y()))
        else:
            self._finish()
        return True

    def nudge(self, dx: float, dy: float) -> QPointF:
        """Move the crosshair, and the corner in progress, by image pixels; returns the new position."""
        start = self._canvas.pointer()
        if start is None:
            start = self._canvas.visible_centre()
        point = QPointF(start.x() + dx, start.y() + dy)
        self._canvas.set_pointer(point)
        position = self._canvas.from_image(point.x(), point.y())
        self._canvas.feedback.show_crosshair(position)
        self._move_corner(point, position)
        return point

    def set_class(self, class_id: int) -> bool:
        """Set the class of the box in progress; False if no box is being drawn."""
        if self._gesture is None:
            return False
        self._gesture.set_class(class_id)
        self.nudge(0, 0)
        return True

    # Cancelling

    def cancel(self) -> None:
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            gesture.cancel()

    def abandon(self) -> bool:
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return False
        gesture.abandon()
        return True

    def cursor(self, _target: Target) -> Qt.CursorShape:
        return Qt.CursorShape.CrossCursor
