"""The protocols between the canvas and its tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPoint, QPointF, Qt

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Edges
from iouviewer.ui.canvas.box_commands import BoxCommands
from iouviewer.ui.canvas.box_layer import BoxLayer
from iouviewer.ui.canvas.gesture_feedback import GestureFeedback
from iouviewer.ui.canvas.hit import BoxRef, Target
from iouviewer.ui.canvas.selection import CanvasSelection

CLICK_TOLERANCE = 4
"""Logical pixels: a press that moves less is a click; repeated clicks may lie this far apart."""
RESIZE_CURSORS = {
    Edges.LEFT: Qt.CursorShape.SizeHorCursor,
    Edges.RIGHT: Qt.CursorShape.SizeHorCursor,
    Edges.TOP: Qt.CursorShape.SizeVerCursor,
    Edges.BOTTOM: Qt.CursorShape.SizeVerCursor,
    Edges.LEFT | Edges.TOP: Qt.CursorShape.SizeFDiagCursor,
    Edges.RIGHT | Edges.BOTTOM: Qt.CursorShape.SizeFDiagCursor,
    Edges.RIGHT | Edges.TOP: Qt.CursorShape.SizeBDiagCursor,
    Edges.LEFT | Edges.BOTTOM: Qt.CursorShape.SizeBDiagCursor,
}
"""The cursor over each edge and corner that can be dragged."""


@dataclass(frozen=True, slots=True)
class PointerEvent:
    """A mouse event on the canvas.

    Attributes:
        position: logical pixels of the viewport.
        point: image pixels, without rounding.
        button: the button that went down or up; none for a move.
    """

    position: QPoint
    point: QPointF
    button: Qt.MouseButton
    modifiers: Qt.KeyboardModifier

    @property
    def has_shift(self) -> bool:
        """Whether Shift is down."""
        return bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)

    @property
    def has_alt(self) -> bool:
        """Whether Alt is down."""
        return bool(self.modifiers & Qt.KeyboardModifier.AltModifier)

    @property
    def has_ctrl(self) -> bool:
        """Whether Ctrl is down (Command on a Mac)."""
        return bool(self.modifiers & Qt.KeyboardModifier.ControlModifier)


class ToolContext(Protocol):
    """The part of the canvas that tools use; every ``point`` is in image pixels."""

    @property
    def session(self) -> Session: ...

    @property
    def boxes(self) -> BoxLayer: ...

    @property
    def selection(self) -> CanvasSelection: ...

    @property
    def commands(self) -> BoxCommands: ...

    @property
    def feedback(self) -> GestureFeedback: ...

    @property
    def is_editable(self) -> bool:
        """Whether the boxes on screen may be edited."""

    @property
    def shown_frame(self) -> int:
        """The frame on screen; -1 for none."""

    def pointer(self) -> QPointF | None:
        """Position of the mouse, or of the crosshair moved by the arrow keys; None while it is outside."""

    def set_pointer(self, point: QPointF) -> None:
        """Move the pointer without the mouse."""

    def visible_centre(self) -> QPointF:
        """The point in the middle of the viewport."""

    def from_image(self, x: float, y: float) -> QPoint:
        """The pixel of the viewport that shows the image's point (x, y)."""

    @property
    def px(self) -> float:
        """Image pixels per logical pixel."""

    def pan(self, by: QPoint) -> None:
        """Move the image by logical pixels."""

    def set_cursor(self, shape: Qt.CursorShape) -> None:
        """Set the shape of the mouse cursor over the image."""

    def set_hovered(self, target: Target) -> None:
        """Show what lies under the mouse."""

    def activate(self, ref: BoxRef) -> None:
        """Announce that a box was double-clicked."""

    def gesture_changed(self) -> None:
        """A gesture began or ended: update handles, captions and cursor."""


class Tool(Protocol):
    """What the mouse and the keyboard do on the canvas while this tool is in use."""

    @property
    def is_busy(self) -> bool:
        """Whether a press, a drag or a drawing is in progress."""

    @property
    def dragged_refs(self) -> frozenset[BoxRef]:
        """Boxes that the current gesture moves or draws."""

    def press(self, event: PointerEvent) -> None:
        """Handle a mouse press."""

    def move(self, event: PointerEvent) -> bool:
        """Handle a mouse move; returns whether the tool used it. If not, the box under the mouse is highlighted."""

    def release(self, event: PointerEvent) -> None:
        """Handle a mouse release."""

    def double_click(self, event: PointerEvent) -> bool:
        """Handle a left double click; returns whether the tool used it. If not, it is handled as a press."""

    def key(self, key: int) -> bool:
        """Handle a key press (``Qt.Key``); returns whether the tool used it."""

    def cancel(self) -> None:
        """End the current gesture and revert its preview."""

    def abandon(self) -> bool:
        """Drop a gesture whose preview the session has reverted; returns whether there was one."""

    def cursor(self, target: Target) -> Qt.CursorShape:
        """The mouse cursor over this target."""
