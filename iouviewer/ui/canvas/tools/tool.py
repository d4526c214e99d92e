"""The protocols between tools and the canvas: what a tool does, and what it may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPoint, QPointF, Qt

from iouviewer.app.editing.session import Session
from iouviewer.ui.canvas.box_commands import BoxCommands
from iouviewer.ui.canvas.box_layer import BoxLayer
from iouviewer.ui.canvas.gesture_feedback import GestureFeedback
from iouviewer.ui.canvas.hit import BoxRef, Target
from iouviewer.ui.canvas.selection import CanvasSelection

CLICK_TOLERANCE = 4
"""A press that moves less than this many logical pixels is a click; so far may repeated clicks lie apart."""


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
    def is_constrained(self) -> bool:
        """Whether Alt or Shift restricts the gesture to one axis, or to a square."""
        return bool(self.modifiers & (Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier))


class ToolContext(Protocol):
    """All that a tool may use of the canvas; every ``point`` is in image pixels."""

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
        """Where the mouse is, or the crosshair that the arrow keys moved; None while it is outside."""

    def set_pointer(self, point: QPointF) -> None:
        """Move the pointer without the mouse."""

    def visible_centre(self) -> QPointF:
        """The point in the middle of the viewport."""

    def from_image(self, x: float, y: float) -> QPoint:
        """The pixel of the viewport that shows the image's point (x, y)."""

    def pan(self, by: QPoint) -> None:
        """Move the image by logical pixels."""

    def set_cursor(self, shape: Qt.CursorShape) -> None:
        """The shape of the mouse cursor over the image."""

    def set_hovered(self, ref: BoxRef | None) -> None:
        """Show the details of this box, or of none."""

    def gesture_changed(self) -> None:
        """A gesture began or ended: update handles, captions and cursor."""


class Tool(Protocol):
    """What the mouse and the keyboard do on the canvas while this tool is in use."""

    @property
    def is_busy(self) -> bool:
        """Whether a press, a drag or a drawing is under way."""

    @property
    def dragged_refs(self) -> frozenset[BoxRef]:
        """Boxes that the gesture under way moves or draws."""

    def press(self, event: PointerEvent) -> None:
        """A button went down."""

    def move(self, event: PointerEvent) -> bool:
        """The mouse moved; whether the tool used it. Otherwise the canvas shows what lies under the mouse."""

    def release(self, event: PointerEvent) -> None:
        """A button went up."""

    def double_click(self, event: PointerEvent) -> bool:
        """The left button was double-clicked; whether the tool used it. Otherwise it is a press."""

    def key(self, key: int) -> bool:
        """A key went down (``Qt.Key``); whether the tool used it."""

    def cancel(self) -> None:
        """End what is under way and take its preview back."""

    def abandon(self) -> bool:
        """Forget a gesture whose preview the session has taken back; whether there was one."""

    def cursor(self, target: Target) -> Qt.CursorShape:
        """The mouse cursor over this target."""
