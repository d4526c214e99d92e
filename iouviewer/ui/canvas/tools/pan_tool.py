"""The tool that moves the image under the viewport."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt

from iouviewer.ui.canvas.hit import BoxRef, Target
from iouviewer.ui.canvas.tools.tool import PointerEvent, ToolContext


class PanTool:
    """Pans while the middle button is down, or the left one with Space held.

    Space pressed and released without panning plays the video.
    """

    def __init__(self, canvas: ToolContext) -> None:
        self._canvas = canvas
        self._is_panning = False
        self._is_held = False
        self._has_panned = False
        self._last_position = QPoint()

    @property
    def is_busy(self) -> bool:
        return self._is_panning

    @property
    def is_held(self) -> bool:
        """Whether Space is down, so that the left button pans."""
        return self._is_held

    @property
    def dragged_refs(self) -> frozenset[BoxRef]:
        return frozenset()

    def hold(self) -> None:
        """Handle a press of Space."""
        self._is_held, self._has_panned = True, False

    def release_hold(self) -> bool:
        """Handle a release of Space; returns whether it was held without panning."""
        was_held, self._is_held = self._is_held, False
        return was_held and not self._has_panned

    def press(self, event: PointerEvent) -> None:
        self._is_panning = self._has_panned = True
        self._last_position = event.position
        self._canvas.set_cursor(Qt.CursorShape.ClosedHandCursor)

    def move(self, event: PointerEvent) -> bool:
        if not self._is_panning:
            return False
        self._canvas.pan(event.position - self._last_position)
        self._last_position = event.position
        return True

    def release(self, _event: PointerEvent) -> None:
        self._is_panning = False

    def double_click(self, _event: PointerEvent) -> bool:
        return False

    def key(self, _key: int) -> bool:
        return False

    def cancel(self) -> None:
        self._is_panning = False

    def abandon(self) -> bool:
        return False

    def cursor(self, _target: Target) -> Qt.CursorShape:
        return Qt.CursorShape.OpenHandCursor
