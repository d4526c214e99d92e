"""Marks at single frames of the timeline: damaged frames, notes, and the loop range."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPolygonF

from iouviewer.i18n import tr
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.axis import TimeAxis

MARK_SIZE = 7
"""Width and height of a mark, logical pixels."""
_MAX_TOOLTIP_DISTANCE = 4
"""Maximum distance of the mouse from a mark to show its tooltip, logical pixels."""

Int = NDArray[np.int64]


class VideoMarks(QObject):
    """Damaged frames, frames with notes, and the loop.

    Signals:
        changed(): other marks.

    Attributes:
        damaged: (D,) int64, ascending; noted: texts by frame.
        loop: first and last frame, None for no loop.
        explain: returns the text about a damaged frame.
    """

    changed = Signal()

    def __init__(self, axis: TimeAxis) -> None:
        super().__init__(axis)
        self._axis = axis
        self.damaged: Int = np.empty(0, np.int64)
        self.noted: dict[int, str] = {}
        self.loop: tuple[int, int] | None = None
        self.explain: Callable[[int], str] = str

    def set_damaged(self, frames: Int) -> None:
        """Mark these frames: (D,) int64, ascending."""
        if not np.array_equal(frames, self.damaged):
            self.damaged = frames
            self.changed.emit()

    def set_notes(self, noted: dict[int, str]) -> None:
        """Mark frames with notes: text by frame."""
        if noted != self.noted:
            self.noted = noted
            self.changed.emit()

    def set_loop(self, loop: tuple[int, int] | None) -> None:
        """Mark the loop range from its first to its last frame; None for no loop."""
        if loop != self.loop:
            self.loop = loop
            self.changed.emit()

    def pixel_columns(self) -> Int:
        """(C,) int64: pixel columns with a damage mark, ascending, unique."""
        return self._columns(self.damaged)

    def _columns(self, frames: Int) -> Int:
        axis = self._axis
        visible = frames[(frames >= axis.low - 0.5) & (frames <= axis.high + 0.5)]
        positions = np.rint((visible - axis.low) / (axis.high - axis.low) * axis.width).astype(np.int64)
        columns: Int = np.unique(positions)
        return columns

    def pixel_x(self, frame: float) -> float:
        """The horizontal pixel position of a frame, from the start of the axis."""
        return self._axis.x_of(frame)

    def tooltip_at(self, x: float) -> str:
        """The texts about the marks near this pixel column; empty if there is none."""
        texts = []
        nearest = self._nearest(self.damaged, x)
        if nearest is not None:
            texts.append(tr("Frame {frame:,}: {text}", frame=nearest, text=self.explain(nearest)))
        nearest = self._nearest(np.array(sorted(self.noted), np.int64), x)
        if nearest is not None:
            texts.append(tr("Note on frame {frame:,}: {text}", frame=nearest, text=self.noted[nearest]))
        return "\n".join(texts)

    def _nearest(self, frames: Int, x: float) -> int | None:
        if not len(frames):
            return None
        nearest = int(frames[int(np.argmin(np.abs(frames - self._axis.coordinate_at(x))))])
        return nearest if abs(self.pixel_x(nearest) - x) <= _MAX_TOOLTIP_DISTANCE else None

    # Drawing

    def draw_marks(self, painter: QPainter, left: float, bottom: float, theme: Theme) -> None:
        """Draw damage as triangles and notes as flags that stand on ``bottom``; ``left`` is the start of the axis."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.colours.warn))
        half, size = MARK_SIZE / 2, float(MARK_SIZE)
        for column in self.pixel_columns().tolist():
            x = left + column
            points = (QPointF(x - half, bottom), QPointF(x + half, bottom), QPointF(x, bottom - size))
            painter.drawPolygon(QPolygonF(points))
        painter.setBrush(QColor(theme.colours.accent))
        for column in self._columns(np.array(sorted(self.noted), np.int64)).tolist():
            x = left + column
            painter.drawRect(QRectF(x - 0.5, bottom - size - 3, 1, size + 3))
            flag = (QPointF(x, bottom - size - 3), QPointF(x + size - 1, bottom - size), QPointF(x, bottom - 3))
            painter.drawPolygon(QPolygonF(flag))

    def draw_loop(self, painter: QPainter, left: float, height: float, theme: Theme) -> None:
        """Draw the loop range on the ruler."""
        if self.loop is None:
            return
        start, end = (left + self.pixel_x(edge) for edge in (self.loop[0] - 0.5, self.loop[1] + 0.5))
        wash = QColor(theme.colours.accent)
        wash.setAlpha(40)
        painter.fillRect(QRectF(start, 0, end - start, height), wash)
        wash.setAlpha(255)
        painter.fillRect(QRectF(start, height - 2, end - start, 2), wash)
        for edge in (start, end - 1):
            painter.fillRect(QRectF(edge, height / 2, 1, height / 2), wash)
