"""The tool that selects, moves and resizes boxes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from PySide6.QtCore import QPoint, QPointF, Qt

from iouviewer.app.editing.gesture import DragGesture
from iouviewer.document.boxes import Box, Edges, Rect, rect_from_corners
from iouviewer.ui.canvas.hit import NO_TARGET, BoxRef, Part, Target, next_in_stack, truth_ref
from iouviewer.ui.canvas.tools.tool import CLICK_TOLERANCE, PointerEvent, ToolContext


class _State(Enum):
    """What the left button is doing."""

    IDLE = "idle"
    PRESSED = "pressed"
    DRAGGING = "dragging"
    BAND = "band"


_RESIZE_CURSORS = {
    Edges.LEFT: Qt.CursorShape.SizeHorCursor,
    Edges.RIGHT: Qt.CursorShape.SizeHorCursor,
    Edges.TOP: Qt.CursorShape.SizeVerCursor,
    Edges.BOTTOM: Qt.CursorShape.SizeVerCursor,
    Edges.LEFT | Edges.TOP: Qt.CursorShape.SizeFDiagCursor,
    Edges.RIGHT | Edges.BOTTOM: Qt.CursorShape.SizeFDiagCursor,
    Edges.RIGHT | Edges.TOP: Qt.CursorShape.SizeBDiagCursor,
    Edges.LEFT | Edges.BOTTOM: Qt.CursorShape.SizeBDiagCursor,
}


class SelectTool:
    """Clicks select, drags move or resize boxes, a drag on empty space selects with a rubber band.

    Repeated clicks at one place go through the boxes under the mouse. Ctrl adds to the selection. A double click on a
    prediction accepts it as ground truth.
    """

    def __init__(self, canvas: ToolContext) -> None:
        self._canvas = canvas
        self._session = canvas.session
        self._state = _State.IDLE
        self._gesture: DragGesture | None = None
        self._target = NO_TARGET
        self._press_position = QPoint()
        self._press_point = QPointF()
        self._was_selected = False
        self._is_adding = False
        self._last_click: tuple[QPoint, int] | None = None

    @property
    def is_busy(self) -> bool:
        return self._state is not _State.IDLE

    @property
    def dragged_refs(self) -> frozenset[BoxRef]:
        return frozenset(truth_ref(box_id) for box_id in self._gesture.ids) if self._gesture else frozenset()

    # Press

    def press(self, event: PointerEvent) -> None:
        self._press_position, self._press_point = event.position, event.point
        self._is_adding = bool(event.modifiers & Qt.KeyboardModifier.ControlModifier)
        self._target = self._canvas.boxes.target_at(event.point)
        self._was_selected = self._target.ref in self._canvas.selection.refs()
        self._state = _State.PRESSED
        ref = self._target.ref
        if ref is not None and not self._is_adding and not self._was_selected:
            self._canvas.selection.select(ref)

    def double_click(self, event: PointerEvent) -> bool:
        ref = self._canvas.boxes.target_at(event.point).ref
        if ref is None or ref.is_ground_truth:
            return False
        self._canvas.selection.select(ref)
        self._canvas.commands.accept_prediction()
        return True

    # Move

    def move(self, event: PointerEvent) -> bool:
        if self._state is _State.PRESSED:
            # An edge follows at once, because single pixels matter; a box moves only beyond the click tolerance.
            is_edge = self._target.part in (Part.HANDLE, Part.EDGE)
            if (event.position - self._press_position).manhattanLength() < (1 if is_edge else CLICK_TOLERANCE):
                return True
            self._begin_drag()
        if self._state is _State.BAND:
            self._canvas.feedback.show_band(self._band_to(event.point))
            return True
        if self._gesture is None:
            return False
        by = event.point - self._press_point
        self._gesture.move(by.x(), by.y(), constrain=event.is_constrained)
        self._canvas.feedback.show_drag(self._gesture.ids, event.position)
        return True

    def _begin_drag(self) -> None:
        ref = self._target.ref
        if ref is None or self._is_adding or not ref.is_ground_truth:
            self._state = _State.BAND
            return
        truth = self._session.ground_truth
        ids = (ref.row,) if self._target.part is not Part.INSIDE else tuple(sorted(self._session.selection.boxes))
        found = [box for box in map(truth.find, ids) if box is not None]
        boxes = [box for box in found if box.frame == self._canvas.shown_frame]
        if boxes:
            self.begin_drag(boxes, self._target.edges)
        else:
            # The boxes were deleted after the press.
            self._state = _State.IDLE

    def begin_drag(self, boxes: Sequence[Box], edges: Edges) -> DragGesture:
        """Start to drag these edges of the boxes."""
        self._canvas.feedback.begin(boxes[0].id if len(boxes) == 1 else None)
        self._gesture = gesture = DragGesture(self._session, boxes, edges)
        self._state = _State.DRAGGING
        self._canvas.gesture_changed()
        return gesture

    def _band_to(self, point: QPointF) -> Rect:
        return rect_from_corners(self._press_point.x(), self._press_point.y(), point.x(), point.y())

    # Release

    def release(self, event: PointerEvent) -> None:
        state, self._state = self._state, _State.IDLE
        if state is _State.PRESSED:
            self._click()
        elif state is _State.BAND:
            self._select_band(self._band_to(event.point))
        elif state is _State.DRAGGING:
            gesture, self._gesture = self._gesture, None
            if gesture is not None:
                gesture.release()
            self._canvas.gesture_changed()

    def _click(self) -> None:
        ref = self._target.ref
        click = (self._press_position, self._canvas.shown_frame)
        is_repeated = (
            self._last_click is not None
            and self._last_click[1] == click[1]
            and (self._last_click[0] - click[0]).manhattanLength() <= CLICK_TOLERANCE
        )
        self._last_click = click
        if ref is None:
            if not self._is_adding:
                self._session.select()
        elif self._is_adding:
            self._canvas.selection.toggle(ref)
        elif self._was_selected and is_repeated and self._target.part is Part.INSIDE:
            following = next_in_stack(self._canvas.boxes.stack_at(self._press_point), ref)
            if following is not None:
                self._canvas.selection.select(following)

    def _select_band(self, band: Rect) -> None:
        ids = {ref.row for ref in self._canvas.boxes.find_touching(band)}
        if self._is_adding:
            ids |= self._session.selection.boxes
        self._canvas.feedback.show_band(None)
        self._session.select(ids)

    # Keys and cancelling

    def key(self, _key: int) -> bool:
        return False

    def cancel(self) -> None:
        gesture, self._gesture = self._gesture, None
        self._state = _State.IDLE
        self._canvas.feedback.show_band(None)
        if gesture is not None:
            gesture.cancel()

    def abandon(self) -> bool:
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return False
        gesture.abandon()
        self._state = _State.IDLE
        return True

    def cursor(self, target: Target) -> Qt.CursorShape:
        if target.part in (Part.HANDLE, Part.EDGE):
            return _RESIZE_CURSORS[target.edges]
        if target.ref is not None and target.ref.is_ground_truth and target.ref in self._canvas.selection.refs():
            return Qt.CursorShape.SizeAllCursor
        return Qt.CursorShape.ArrowCursor
