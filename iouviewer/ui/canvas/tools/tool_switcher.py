"""Decides which tool receives the mouse and the keyboard."""

from __future__ import annotations

from contextlib import AbstractContextManager

from PySide6.QtCore import QPointF, Qt

from iouviewer.document.boxes import Box
from iouviewer.i18n import tr
from iouviewer.ui.canvas.hit import NO_TARGET, BoxRef
from iouviewer.ui.canvas.tools.draw_tool import DrawTool
from iouviewer.ui.canvas.tools.pan_tool import PanTool
from iouviewer.ui.canvas.tools.select_tool import SelectTool
from iouviewer.ui.canvas.tools.tool import PointerEvent, Tool, ToolContext


class ToolSwitcher:
    """Uses the select tool except while a box is drawn; the pan tool takes over while its button is down."""

    def __init__(self, canvas: ToolContext) -> None:
        self._canvas = canvas
        self.select = SelectTool(canvas, draw=self._draw_from)
        self.pan = PanTool(canvas)
        self._draw = DrawTool(canvas, on_finished=self._use_select)
        self._active: Tool = self.select

    @property
    def is_busy(self) -> bool:
        """Whether a press, a drag, a drawing or a pan is in progress."""
        return self._active.is_busy or self.pan.is_busy

    @property
    def is_drawing(self) -> bool:
        """Whether a box is being drawn, or the next press draws one."""
        return self._active is self._draw

    @property
    def is_draw_locked(self) -> bool:
        """Whether the draw tool stays in use after a box is drawn."""
        return self.is_drawing and self._draw.is_locked

    @property
    def drawn_text(self) -> str:
        """What the box that is being drawn will be; empty without one."""
        return self._draw.text

    @property
    def drawn_box(self) -> Box | None:
        """The box in progress, None before its first corner."""
        return self._draw.box if self.is_drawing else None

    def draw_paused(self) -> AbstractContextManager[None]:
        """Let the document change while a box is in progress; afterwards it goes on from its first corner."""
        return self._draw.paused()

    @property
    def dragged_refs(self) -> frozenset[BoxRef]:
        """Boxes that the current gesture moves or draws."""
        return self._active.dragged_refs

    def _use_select(self) -> None:
        self._active = self.select

    def _draw_from(self, press: PointerEvent) -> None:
        """Draw one box with its first corner at a press."""
        self._draw.begin()
        self._active = self._draw
        self._canvas.set_cursor(Qt.CursorShape.CrossCursor)
        self._draw.press(press)
        self._canvas.gesture_changed()

    # Mouse

    def press(self, event: PointerEvent) -> None:
        """Handle a mouse press."""
        is_left = event.button == Qt.MouseButton.LeftButton
        if event.button == Qt.MouseButton.MiddleButton or (is_left and self.pan.is_held):
            if not self.is_busy:
                self.pan.press(event)
        elif is_left and self._canvas.is_editable:
            self.pan.cancel()
            self._active.press(event)
        elif is_left and self.is_drawing:
            self._canvas.session.statusMessage.emit(tr("Wait for the exact frame before you draw"))

    def move(self, event: PointerEvent) -> None:
        """Handle a mouse move, with or without a button down."""
        tool = self._active
        if self.pan.move(event):
            return
        is_used = tool.move(event)
        if tool is not self._active:
            # A drag with Ctrl draws: the move that began it is the first one of the box.
            self._active.move(event)
        elif not is_used:
            target = NO_TARGET
            if not self.is_drawing:
                target = self._canvas.boxes.target_at(event.point, only_selected=event.has_ctrl)
            self._canvas.set_hovered(target)
            self._canvas.set_cursor(self._cursor_tool.cursor(target))

    def release(self, event: PointerEvent) -> None:
        """Handle a mouse release."""
        if self.pan.is_busy:
            self.pan.release(event)
            self.update_cursor(event.point)
        elif event.button == Qt.MouseButton.LeftButton:
            self._active.release(event)

    def double_click(self, event: PointerEvent) -> None:
        """Handle a double click; if the tool does not use it, it is handled as a press."""
        if event.button != Qt.MouseButton.LeftButton or not self._active.double_click(event):
            self.press(event)

    @property
    def _cursor_tool(self) -> Tool:
        return self.pan if self.pan.is_held and not self.is_drawing else self._active

    def update_cursor(self, point: QPointF) -> None:
        """Show the cursor for what lies at this point of the image."""
        self._canvas.set_cursor(self._cursor_tool.cursor(self._canvas.boxes.target_at(point)))

    # Keyboard

    def key(self, key: int) -> bool:
        """Handle a key press (``Qt.Key``); returns whether the tool used it."""
        is_used = self._active.key(key)
        if is_used:
            self.pan.cancel()
        return is_used

    def nudge(self, dx: float, dy: float) -> bool:
        """Move the crosshair while a box is drawn, by image pixels; False otherwise."""
        if self.is_drawing:
            self._draw.nudge(dx, dy)
        return self.is_drawing

    def set_drawn_class(self, class_id: int) -> bool:
        """Set the class of the box in progress, or of the next one; False if the draw tool is not in use."""
        if self.is_drawing:
            self._draw.set_class(class_id)
        return self.is_drawing

    def draw(self, *, is_region: bool = False) -> None:
        """Use the draw tool until a box is drawn; called again, until it is cancelled, and again, for one box.

        Args:
            is_region: draw a region to ignore.
        """
        if self.is_drawing and self._draw.is_region is is_region:
            self._draw.is_locked = not self._draw.is_locked
            return
        self.cancel()
        self._draw.begin(is_region=is_region)
        self._active = self._draw
        self._canvas.set_cursor(Qt.CursorShape.CrossCursor)

    # Cancelling

    def cancel(self) -> bool:
        """Cancel the gesture and return to the select tool; returns whether anything was in progress."""
        was_busy = self.is_busy or self.is_drawing
        self.pan.cancel()
        tool = self._active
        self._use_select()
        tool.cancel()
        self._canvas.gesture_changed()
        return was_busy

    def abandon(self) -> None:
        """Drop a gesture whose preview the session has reverted (another frame, undo)."""
        if self._active.abandon():
            self._canvas.gesture_changed()

    def drop_press(self) -> None:
        """Ignore a press on the previous frame after the frame has changed."""
        self.abandon()
        self.select.cancel()
