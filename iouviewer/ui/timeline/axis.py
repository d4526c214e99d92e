"""The time axis that all rows of the timeline share: which frames are visible, and where each one is drawn."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QWheelEvent

MIN_FRAMES = 8
"""Fewest frames that fill the width."""
_ZOOM_STEP = 1.25
"""Factor of one notch of the wheel."""
_PAN_SHARE = 0.12
"""Share of the visible frames that one notch of the wheel moves."""
_NOTCH = 120.0
"""Angle of one notch of the wheel, eighths of a degree."""


class TimeAxis(QObject):
    """The visible range of frames. Frame f covers f - 0.5 to f + 0.5.

    Signals:
        rangeChanged(): other frames are visible, or the width changed.

    Attributes:
        low, high: first and last visible coordinate, frames.
        width: logical pixels that they cover.
    """

    rangeChanged = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.frame_count = 0
        self.low, self.high, self.width = -0.5, MIN_FRAMES - 0.5, 1.0

    @property
    def end(self) -> float:
        """The last coordinate that can be shown."""
        return max(self.frame_count, MIN_FRAMES) - 0.5

    @property
    def is_whole(self) -> bool:
        """Whether the whole video is visible."""
        return self.low <= -0.5 + 1e-6 and self.high >= self.end - 1e-6

    @property
    def frames_per_pixel(self) -> float:
        """Frames per logical pixel."""
        return (self.high - self.low) / max(1.0, self.width)

    def set_frame_count(self, frame_count: int) -> None:
        """Show the whole length of another video."""
        self.frame_count = frame_count
        self.show_all()

    def set_width(self, width: float) -> None:
        """Cover this width, logical pixels."""
        if width != self.width:
            self.width = max(1.0, width)
            self.rangeChanged.emit()

    def set_range(self, low: float, high: float) -> None:
        """Show these frames, moved and limited to those that exist."""
        span = min(max(high - low, float(MIN_FRAMES)), self.end + 0.5)
        if span != high - low:
            middle = (low + high) / 2
            low = middle - span / 2
        low = min(max(low, -0.5), self.end - span)
        if (low, low + span) != (self.low, self.high):
            self.low, self.high = low, low + span
            self.rangeChanged.emit()

    def show_all(self) -> None:
        """Show the whole video."""
        self.low, self.high = -0.5, self.end
        self.rangeChanged.emit()

    def zoom(self, factor: float, at: float) -> None:
        """Show ``factor`` times as many frames; the frame coordinate ``at`` stays where it is."""
        self.set_range(at - (at - self.low) * factor, at + (self.high - at) * factor)

    def pan(self, frames: float) -> None:
        """Show later frames (or earlier ones, if negative)."""
        self.set_range(self.low + frames, self.high + frames)

    # Pixels

    def x_of(self, frame: float) -> float:
        """Logical pixels from the start of the axis."""
        return (frame - self.low) / (self.high - self.low) * self.width

    def coordinate_at(self, x: float) -> float:
        """The frame coordinate at a distance from the start of the axis, logical pixels."""
        return self.low + x / max(1.0, self.width) * (self.high - self.low)

    def frame_at(self, x: float) -> int:
        """The frame drawn there, limited to those that exist."""
        return max(0, min(round(self.coordinate_at(x)), self.frame_count - 1))

    def frames_at(self, x: float) -> tuple[int, int]:
        """First and last frame that share the pixel."""
        half = self.frames_per_pixel / 2
        middle = self.coordinate_at(x)
        first, last = math.floor(middle - half + 0.5), math.ceil(middle + half + 0.5) - 1
        limit = max(0, self.frame_count - 1)
        first = max(0, min(first, limit))
        return first, max(first, min(last, limit))

    def use_wheel(self, event: QWheelEvent, x: float) -> bool:
        """Ctrl + wheel zooms at ``x``, Shift + wheel and sideways scrolling pan; False for any other wheel."""
        delta: QPoint = event.angleDelta()
        modifiers = event.modifiers()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.zoom(_ZOOM_STEP ** (-delta.y() / _NOTCH), self.coordinate_at(x))
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            # Some systems turn Shift + wheel into sideways scrolling by themselves.
            self._pan_by(delta.y() or delta.x())
        elif abs(delta.x()) > abs(delta.y()):
            self._pan_by(delta.x())
        else:
            return False
        event.accept()
        return True

    def _pan_by(self, angle: int) -> None:
        self.pan(-angle / _NOTCH * _PAN_SHARE * (self.high - self.low))
