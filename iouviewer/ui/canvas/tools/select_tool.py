"""The tool that selects, moves and resizes boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from time import monotonic

from PySide6.QtCore import QPoint, QPointF, Qt

from iouviewer.app.editing.gesture import DragGesture, DragOptions
from iouviewer.app.editing.session import Selection
from iouviewer.document.boxes import Box, Edges, Rect, rect_from_corners
from iouviewer.ui.canvas.hit import NO_TARGET, BoxRef, Part, Target, next_in_stack, truth_ref
from iouviewer.ui.canvas.tools.tool import CLICK_TOLERANCE, RESIZE_CURSORS, PointerEvent, ToolContext


class _State(Enum):
    """What the left button is doing."""

    IDLE = "idle"
    PRESSED = "pressed"
    DRAGGING = "dragging"
    BAND = "band"
    PASSIVE = "passive"
    """Pressed, but the press has no effect any more."""


_EDGE_START, _UNSELECTED_EDGE_START = 1, 2
"""Logical pixels after which a pressed edge follows the mouse: at once, because single pixels matter."""

_UNSELECTED_START = 8
"""Logical pixels after which a box that is not selected moves; a selected one moves after ``CLICK_TOLERANCE``."""

_REPEAT_SECONDS = 0.6
"""Within this time a click at the same place is a repeated one, even if the mouse was elsewhere in between."""

_MISSED = 24.0
"""Within this distance a press with Ctrl was meant for a selected box, logical pixels."""

SNAP_REACH = 8.0
"""Largest distance from which an edge snaps to that of a prediction, logical pixels."""


@dataclass(frozen=True, slots=True)
class _Click:
    """A click that selected something: where, when, and on which frame."""

    position: QPoint
    frame: int
    at: float


class SelectTool:
    """Clicks select, drags move or resize boxes, a drag on empty space selects with a rubber band.

    A press takes one target (``hit.target_at``), which stays the same until the release. Whether it is a click or a
    drag depends on the movement alone: the edge of any ground-truth box follows at once, a box after 4 pixels, one that
    is not selected after 8. A box that is dragged becomes selected; a cancelled drag restores the selection.

    Keys at the press: Shift adds to the selection, Ctrl reaches selected boxes only and draws a box elsewhere, Alt
    takes the next thing below (a click) or makes copies (a move). Keys while dragging: Shift keeps to one axis, or the
    ratio of a resized box; Ctrl snaps the edge to predictions; Alt lets boxes leave the picture, for copies once it was
    released and pressed again.
    Repeated clicks at one place go through the boxes under the mouse.
    """

    def __init__(self, canvas: ToolContext, draw: Callable[[PointerEvent], None]) -> None:
        """``draw`` starts a box at a press."""
        self._canvas, self._draw = canvas, draw
        self._session = canvas.session
        self._state = _State.IDLE
        self._gesture: DragGesture | None = None
        self._target = NO_TARGET
        self._press: PointerEvent | None = None
        self._selection_before = Selection()
        self._alt_released = False
        self._last_click: _Click | None = None

    @property
    def is_busy(self) -> bool:
        return self._state is not _State.IDLE

    @property
    def dragged_refs(self) -> frozenset[BoxRef]:
        return frozenset(truth_ref(box_id) for box_id in self._gesture.ids) if self._gesture else frozenset()

    # Press

    def press(self, event: PointerEvent) -> None:
        self._press = event
        self._target = self._canvas.boxes.target_at(event.point, only_selected=event.has_ctrl)
        self._state = _State.PRESSED

    def double_click(self, event: PointerEvent) -> bool:
        """Accept the prediction that the first click selected, or activate the box if nothing else lies there."""
        ref = self._canvas.boxes.target_at(event.point).clicked
        if ref is None or event.modifiers or self._canvas.selection.refs() != {ref}:
            return False
        if not ref.is_ground_truth:
            self._canvas.commands.accept_prediction()
        elif len(self._canvas.boxes.stack_at(event.point)) == 1:
            self._canvas.activate(ref)
        else:
            return False
        self._last_click = None
        return True

    # Move

    def move(self, event: PointerEvent) -> bool:
        if self._state is _State.PRESSED:
            if self._press is None or _distance(event, self._press) < self._start_distance():
                return True
            self._begin(self._press)
        if self._state is _State.BAND and self._press is not None:
            self._canvas.feedback.show_band(_band(self._press, event))
            return True
        if self._gesture is None:
            self._forget_click_elsewhere(event)
            return self._state is not _State.IDLE
        self._drag(self._gesture, event)
        return True

    def _start_distance(self) -> int:
        is_selected = self._target.ref in self._canvas.selection.refs()
        if self._target.part in (Part.HANDLE, Part.EDGE) and self._target.edges:
            return _EDGE_START if is_selected else _UNSELECTED_EDGE_START
        return CLICK_TOLERANCE if is_selected or self._target.ref is None else _UNSELECTED_START

    def _begin(self, press: PointerEvent) -> None:
        ref, edges = self._target.ref, self._target.edges
        self._last_click = None
        if ref is None or not ref.is_ground_truth or not edges:
            if not press.has_ctrl:
                self._state = _State.BAND
            elif self._is_near_selection(press):
                # With Ctrl only selected boxes can be hit, so the press was meant for none.
                self._state = _State.PASSIVE
            else:
                self._state, self._press = _State.IDLE, None
                self._draw(press)
            return
        self._selection_before = self._session.selection
        if ref not in self._canvas.selection.refs() or edges is not Edges.ALL:
            self._canvas.selection.select(ref)
        found = [box for box in map(self._session.ground_truth.find, self._session.selection.boxes) if box is not None]
        boxes = sorted((box for box in found if box.frame == self._canvas.shown_frame), key=lambda box: box.id)
        if boxes:
            self.begin_drag(boxes, edges, makes_copies=press.has_alt and edges is Edges.ALL)
        else:
            # The boxes were deleted after the press.
            self._state = _State.PASSIVE

    def _is_near_selection(self, press: PointerEvent) -> bool:
        """Whether a press was probably meant for a selected box that it missed."""
        x, y, reach = press.point.x(), press.point.y(), _MISSED * self._canvas.px
        rects = [rect for ref in self._canvas.selection.refs() if (rect := self._canvas.boxes.find_rect(ref))]
        return any(rect.adjusted(-reach, -reach, reach, reach).contains(x, y) for rect in rects)

    def begin_drag(self, boxes: Sequence[Box], edges: Edges, *, makes_copies: bool = False) -> DragGesture:
        """Start to drag these edges of the boxes, or copies of the boxes."""
        self._canvas.feedback.begin(boxes[0].id if len(boxes) == 1 and not makes_copies else None, edges)
        self._gesture = gesture = DragGesture(self._session, boxes, edges, makes_copies=makes_copies)
        gesture.snap_to = self._canvas.boxes.prediction_rects()
        self._alt_released = not makes_copies
        self._state = _State.DRAGGING
        self._canvas.gesture_changed()
        return gesture

    def _drag(self, gesture: DragGesture, event: PointerEvent) -> None:
        self._alt_released = self._alt_released or not event.has_alt
        by = event.point - self._press.point if self._press is not None else QPointF()
        options = DragOptions(
            is_constrained=event.has_shift,
            may_leave=event.has_alt and self._alt_released,
            snap_reach=SNAP_REACH * self._canvas.px if event.has_ctrl else 0.0,
        )
        gesture.move(by.x(), by.y(), options)
        self._canvas.feedback.show_drag(gesture.ids, event.position)
        self._canvas.feedback.show_snap(gesture.ids[0], gesture.snapped)

    # Release

    def release(self, event: PointerEvent) -> None:
        state, self._state = self._state, _State.IDLE
        press, self._press = self._press, None
        if state is _State.PRESSED and press is not None:
            self._click(press)
        elif state is _State.BAND and press is not None:
            self._select_band(_band(press, event), is_adding=event.has_shift or press.has_shift)
        elif state is _State.DRAGGING:
            gesture, self._gesture = self._gesture, None
            if gesture is not None:
                gesture.release()
            self._canvas.gesture_changed()

    def _click(self, press: PointerEvent) -> None:
        ref, selection = self._target.clicked, self._canvas.selection
        last, self._last_click = self._last_click, None
        if press.has_ctrl:
            return
        if press.has_alt:
            ref = self._canvas.boxes.below(press.point)
        if press.has_shift:
            if ref is not None:
                selection.toggle(ref)
            return
        if ref is None:
            self._session.select()
            return
        if not press.has_alt and self._is_repeated(press, last):
            [current] = selection.refs()
            ref = next_in_stack(self._canvas.boxes.stack_at(press.point), current) or ref
        selection.select(ref)
        self._last_click = _Click(press.position, self._canvas.shown_frame, monotonic())

    def _is_repeated(self, press: PointerEvent, last: _Click | None) -> bool:
        """Whether the last click was at the same place and what it selected is still all that is selected."""
        if last is None or last.frame != self._canvas.shown_frame or len(self._canvas.selection.refs()) != 1:
            return False
        return (last.position - press.position).manhattanLength() <= CLICK_TOLERANCE

    def _forget_click_elsewhere(self, event: PointerEvent) -> None:
        """Count later clicks from the first again once the mouse has left the place for long enough."""
        last = self._last_click
        if last is None or (event.position - last.position).manhattanLength() <= CLICK_TOLERANCE:
            return
        if monotonic() - last.at > _REPEAT_SECONDS:
            self._last_click = None

    def _select_band(self, band: Rect, *, is_adding: bool) -> None:
        ids = {ref.row for ref in self._canvas.boxes.find_inside(band)}
        if is_adding:
            ids |= self._session.selection.boxes
        self._canvas.feedback.show_band(None)
        self._session.select(ids)

    # Keys and cancelling

    def key(self, _key: int) -> bool:
        return False

    def cancel(self) -> None:
        gesture, self._gesture = self._gesture, None
        self._state, self._press = _State.IDLE, None
        self._canvas.feedback.show_band(None)
        if gesture is not None:
            gesture.cancel()
            self._session.restore_selection(self._selection_before)

    def abandon(self) -> bool:
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return False
        gesture.abandon()
        self._state = _State.IDLE
        return True

    def cursor(self, target: Target) -> Qt.CursorShape:
        if target.part in (Part.HANDLE, Part.EDGE) and target.edges:
            return RESIZE_CURSORS[target.edges]
        if target.ref is not None and target.ref.is_ground_truth and target.ref in self._canvas.selection.refs():
            return Qt.CursorShape.SizeAllCursor
        return Qt.CursorShape.ArrowCursor


def _distance(event: PointerEvent, press: PointerEvent) -> int:
    return (event.position - press.position).manhattanLength()


def _band(press: PointerEvent, event: PointerEvent) -> Rect:
    return rect_from_corners(press.point.x(), press.point.y(), event.point.x(), event.point.y())
