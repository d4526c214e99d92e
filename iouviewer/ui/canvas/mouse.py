"""The mouse on the canvas: what a press begins, how it moves on, and what the release does."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from iouviewer.app.editing.gesture import DragGesture, DrawGesture, Gesture
from iouviewer.document.boxes import Rect
from iouviewer.document.rects import Edges, spanned
from iouviewer.ui.canvas import hit
from iouviewer.ui.canvas.hit import NOTHING, Part, Ref, Target

if TYPE_CHECKING:
    from iouviewer.ui.canvas.view import CanvasView

_SAME_PLACE = 4
"""Clicks at most this many logical pixels apart are repeated clicks."""


_TREMBLE = 4
"""A press that moves less than this many logical pixels is a click."""


class Mode(Enum):
    """What the mouse is doing."""

    IDLE = "idle"
    PRESSED = "pressed"
    DRAGGING = "dragging"
    DRAWING = "drawing"
    BAND = "band"
    PANNING = "panning"


_CURSORS = {
    Edges.LEFT: Qt.CursorShape.SizeHorCursor,
    Edges.RIGHT: Qt.CursorShape.SizeHorCursor,
    Edges.TOP: Qt.CursorShape.SizeVerCursor,
    Edges.BOTTOM: Qt.CursorShape.SizeVerCursor,
    Edges.LEFT | Edges.TOP: Qt.CursorShape.SizeFDiagCursor,
    Edges.RIGHT | Edges.BOTTOM: Qt.CursorShape.SizeFDiagCursor,
    Edges.RIGHT | Edges.TOP: Qt.CursorShape.SizeBDiagCursor,
    Edges.LEFT | Edges.BOTTOM: Qt.CursorShape.SizeBDiagCursor,
}


class MouseTool:
    """State of the mouse on one canvas; the canvas hands it its events."""

    def __init__(self, view: CanvasView) -> None:
        self._view = view
        self._session = view.session
        self.mode = Mode.IDLE
        self.gesture: Gesture | None = None
        self.before: dict[str, float | None] = {}
        self.draw_mode = False
        self.space_held = False
        self.space_used = False
        self._target: Target = NOTHING
        self._pressed_at = QPoint()
        self._scene_press = QPointF()
        self._last_pan = QPoint()
        self._was_selected = False
        self._adding = False
        self._last_click: tuple[QPoint, int] | None = None

    # Press

    def press(self, event: QMouseEvent) -> None:
        """A button went down."""
        at = event.position().toPoint()
        if event.button() == Qt.MouseButton.MiddleButton or (
            event.button() == Qt.MouseButton.LeftButton and self.space_held
        ):
            self._begin_pan(at)
        elif event.button() == Qt.MouseButton.LeftButton and self._view.is_editable:
            self._pressed_at, self._scene_press = at, self._view.to_picture(event.position())
            if self.draw_mode:
                self._press_drawing(self._scene_press, event.modifiers())
            else:
                self._press_selecting(event.modifiers())

    def _begin_pan(self, at: QPoint) -> None:
        if self.mode is Mode.IDLE:
            self.mode, self._last_pan, self.space_used = Mode.PANNING, at, True
            self._view.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)

    def _press_selecting(self, modifiers: Qt.KeyboardModifier) -> None:
        self._adding = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        self._target = self.target_at(self._scene_press)
        self._was_selected = self._target.ref in self._view.selected_refs()
        self.mode = Mode.PRESSED
        ref = self._target.ref
        if ref is not None and not self._adding and not self._was_selected:
            self._view.select_ref(ref)

    def _press_drawing(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        if isinstance(self.gesture, DrawGesture):
            self.gesture.move(point.x(), point.y(), constrain=_constrains(modifiers))
            self.finish()
        else:
            self.begin_drawing(point)

    def begin_drawing(self, point: QPointF) -> None:
        """Put the first corner of a new box here."""
        self.before = {}
        self.gesture = DrawGesture(self._session, point.x(), point.y(), self._view.class_of_new_boxes())
        self.mode = Mode.DRAWING

    # Moves

    def move(self, event: QMouseEvent) -> None:
        """The mouse moved, with or without a button down."""
        at, point = event.position().toPoint(), self._view.to_picture(event.position())
        if self.mode is Mode.PANNING:
            self._view.pan(at - self._last_pan)
            self._last_pan = at
        elif self.mode is Mode.PRESSED:
            # An edge follows at once, because single pixels matter there; a box is not moved by a trembling click.
            grasped = self._target.part in (Part.HANDLE, Part.EDGE)
            if (at - self._pressed_at).manhattanLength() >= (1 if grasped else _TREMBLE):
                self._begin_drag()
                self.move(event)
        elif self.mode is Mode.BAND:
            self._view.show_band(self._band_to(point))
        elif self.gesture is not None:
            self._move_gesture(point, at, event.modifiers())
        else:
            self.hover(point)

    def _begin_drag(self) -> None:
        ref = self._target.ref
        if ref is None or self._adding or not ref.is_ground_truth:
            self.mode = Mode.BAND
            return
        truth = self._session.ground_truth
        ids = (ref.row,) if self._target.part is not Part.INSIDE else tuple(sorted(self._session.selection.boxes))
        found = [box for box in map(truth.find, ids) if box is not None]
        boxes = [box for box in found if box.frame == self._view.shown_frame]
        if not boxes:
            # Deleted since the press, or let go by something else.
            self.mode = Mode.IDLE
            return
        self.before = self._view.ious_of(ids[0]) if len(boxes) == 1 else {}
        self.gesture = DragGesture(self._session, boxes, self._target.edges)
        self.mode = Mode.DRAGGING
        self._view.on_gesture_changed()

    def _move_gesture(self, point: QPointF, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        constrain = _constrains(modifiers)
        if isinstance(self.gesture, DrawGesture):
            self.gesture.move(point.x(), point.y(), constrain=constrain)
        elif isinstance(self.gesture, DragGesture):
            by = point - self._scene_press
            self.gesture.move(by.x(), by.y(), constrain=constrain)
        self._view.show_drag_label(at)

    def _band_to(self, point: QPointF) -> Rect:
        return spanned(self._scene_press.x(), self._scene_press.y(), point.x(), point.y())

    # Release

    def release(self, event: QMouseEvent) -> None:
        """A button went up."""
        if self.mode is Mode.PANNING:
            self.mode = Mode.IDLE
            self.update_cursor(self._view.to_picture(event.position()))
        elif event.button() != Qt.MouseButton.LeftButton:
            return
        elif self.mode is Mode.PRESSED:
            self.mode = Mode.IDLE
            self._click()
        elif self.mode is Mode.BAND:
            self.mode = Mode.IDLE
            self._select_band(self._band_to(self._view.to_picture(event.position())))
        elif self.mode is Mode.DRAGGING:
            self.finish()
        elif self.mode is Mode.DRAWING:
            at = event.position().toPoint()
            if (at - self._pressed_at).manhattanLength() >= _TREMBLE:
                self.finish()

    def finish(self) -> None:
        """Commit the gesture under way."""
        gesture, self.gesture = self.gesture, None
        was_drawing = self.mode is Mode.DRAWING
        self.mode = Mode.IDLE
        if gesture is not None:
            gesture.release()
        if was_drawing:
            self.draw_mode = False
        self._view.on_gesture_changed()

    def _click(self) -> None:
        ref = self._target.ref
        here = (self._pressed_at, self._view.shown_frame)
        repeated = (
            self._last_click is not None
            and self._last_click[1] == here[1]
            and (self._last_click[0] - here[0]).manhattanLength() <= _SAME_PLACE
        )
        self._last_click = here
        if ref is None:
            if not self._adding:
                self._session.select()
        elif self._adding:
            self._view.toggle_ref(ref)
        elif self._was_selected and repeated and self._target.part is Part.INSIDE:
            boxes = self._view.hittable()
            stack = hit.stack_at(boxes, self._scene_press.x(), self._scene_press.y(), self._view.px)
            following = hit.next_in_stack(stack, ref)
            if following is not None:
                self._view.select_ref(following)

    def _select_band(self, band: Rect) -> None:
        ids = {ref.row for ref in hit.inside_band(self._view.hittable(), band)}
        if self._adding:
            ids |= self._session.selection.boxes
        self._view.show_band(None)
        self._session.select(ids)

    def double_click(self, event: QMouseEvent) -> None:
        """A prediction is accepted as ground truth; elsewhere it is another press."""
        target = self.target_at(self._view.to_picture(event.position()))
        left = event.button() == Qt.MouseButton.LeftButton
        if left and not self.draw_mode and target.ref is not None and not target.ref.is_ground_truth:
            self._view.select_ref(target.ref)
            self._view.accept_prediction()
        else:
            self.press(event)

    # Around it

    def cancel(self) -> bool:
        """Esc, or the focus went: take the gesture back and leave the drawing mode; whether there was anything."""
        busy = self.mode is not Mode.IDLE or self.draw_mode
        gesture, self.gesture = self.gesture, None
        self.mode, self.draw_mode = Mode.IDLE, False
        self._view.show_band(None)
        if gesture is not None:
            gesture.cancel()
        self._view.on_gesture_changed()
        return busy

    def abandon(self) -> None:
        """The document took the gesture's preview back by itself (another frame, undo)."""
        if self.gesture is not None:
            self.gesture.abandon()
            self.gesture = None
            self.mode = Mode.IDLE
            self._view.on_gesture_changed()

    def let_go(self) -> None:
        """Another frame is shown: what was pressed on the one before is held no more."""
        self.abandon()
        if self.mode in (Mode.PRESSED, Mode.BAND):
            self.mode = Mode.IDLE
            self._view.show_band(None)

    def target_at(self, point: QPointF) -> Target:
        """What a press at this point of the picture would grasp."""
        boxes, selected = self._view.hittable(), self._view.selected_refs()
        return hit.target_at(boxes, selected, point.x(), point.y(), self._view.px)

    def hover(self, point: QPointF) -> None:
        """Show details of the box under the mouse."""
        target = self.target_at(point)
        self._view.set_hovered(target.ref)
        self._set_cursor(target)

    def update_cursor(self, point: QPointF) -> None:
        """The cursor for what lies at this point."""
        self._set_cursor(self.target_at(point))

    def _set_cursor(self, target: Target) -> None:
        shape = Qt.CursorShape.ArrowCursor
        if self.draw_mode:
            shape = Qt.CursorShape.CrossCursor
        elif self.space_held:
            shape = Qt.CursorShape.OpenHandCursor
        elif target.part in (Part.HANDLE, Part.EDGE):
            shape = _CURSORS[target.edges]
        elif target.ref is not None and target.ref in self._view.selected_refs() and target.ref.is_ground_truth:
            shape = Qt.CursorShape.SizeAllCursor
        viewport = self._view.viewport()
        if viewport.cursor().shape() != shape:
            viewport.setCursor(shape)

    def dragged_refs(self) -> frozenset[Ref]:
        """Boxes that move at the moment."""
        if isinstance(self.gesture, DragGesture):
            return frozenset(hit.truth_ref(box_id) for box_id in self.gesture.ids)
        if isinstance(self.gesture, DrawGesture) and self.gesture.box_id is not None:
            return frozenset([hit.truth_ref(self.gesture.box_id)])
        return frozenset()


def _constrains(modifiers: Qt.KeyboardModifier) -> bool:
    return bool(modifiers & (Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier))
