"""What the timeline tells of the video itself: damaged frames, and the range that playing loops over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QGraphicsSceneHoverEvent, QStyleOptionGraphicsItem, QWidget

from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.plot import TimelinePlot

TICK_HEIGHT = 7
"""Logical pixels of a damage mark: a small triangle at the upper edge, a thin line below it."""

_NEAR = 4
"""Logical pixels around the mouse in which a mark is explained."""


class VideoMarks(pg.GraphicsObject):  # type: ignore[misc]
    """Lies over the plot in its pixels, so that marks keep their size at any zoom; clicks go through it.

    Args:
        explain: what to say of a damaged frame.
    """

    def __init__(self, plot: TimelinePlot, explain: Callable[[int], str]) -> None:
        super().__init__()
        self._plot, self._box, self._explain = plot, plot.plotItem.vb, explain
        self.damaged: NDArray[np.int64] = np.empty(0, np.int64)
        self.loop: tuple[int, int] | None = None
        self._warning, self._accent = QColor(Qt.GlobalColor.red), QColor(Qt.GlobalColor.blue)
        self.setParentItem(self._box)
        self.setZValue(40)
        self.setAcceptHoverEvents(True)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self._box.sigXRangeChanged.connect(self.refresh)
        self._box.sigResized.connect(self._on_box_resized)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of this scheme."""
        self._warning, self._accent = QColor(theme.warning), QColor(theme.accent)
        self.update()

    def set_damaged(self, frames: NDArray[np.int64]) -> None:
        """(D,) int64, ascending: frames to mark."""
        self.damaged = frames
        self.update()

    def set_loop(self, loop: tuple[int, int] | None) -> None:
        """First and last frame of the range that is played again and again."""
        self.loop = loop
        self.update()

    def refresh(self, *_what: object) -> None:
        """The view moved."""
        self.update()

    def _on_box_resized(self, *_what: object) -> None:
        self.prepareGeometryChange()

    def boundingRect(self) -> QRectF:
        return QRectF(self._box.rect())

    def columns(self) -> NDArray[np.int64]:
        """(C,) int64: pixel columns with a damage mark, ascending, no two alike."""
        (low, high), width = self._box.viewRange()[0], self._box.width()
        seen = self.damaged[(self.damaged >= low - 0.5) & (self.damaged <= high + 0.5)]
        found: NDArray[np.int64] = np.unique(np.rint((seen - low) / max(high - low, 1e-9) * width).astype(np.int64))
        return found

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,  # noqa: ARG002 - Qt's signature
        widget: QWidget | None = None,  # noqa: ARG002
    ) -> None:
        height = self._box.height()
        if self.loop is not None:
            left, right = (self._x(edge) for edge in (self.loop[0] - 0.5, self.loop[1] + 0.5))
            wash = QColor(self._accent)
            wash.setAlpha(36)
            painter.fillRect(QRectF(left, 0, right - left, height), wash)
            painter.fillRect(QRectF(left, 0, right - left, 3), self._accent)
            for edge in (left, right - 1):
                painter.fillRect(QRectF(edge, 0, 1, height), self._accent)
        line = QColor(self._warning)
        line.setAlpha(90)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._warning)
        for x in self.columns().tolist():
            painter.fillRect(QRectF(x, TICK_HEIGHT, 1, height - TICK_HEIGHT), line)
            corners = (QPointF(x - 4, 0), QPointF(x + 5, 0), QPointF(x + 0.5, TICK_HEIGHT))
            painter.drawPolygon(QPolygonF(corners))

    def _x(self, frame: float) -> float:
        low, high = self._box.viewRange()[0]
        return float((frame - low) / max(high - low, 1e-9) * self._box.width())

    def hoverMoveEvent(self, event: QGraphicsSceneHoverEvent) -> None:
        self.setToolTip(self.text_at(event.pos().x()))

    def text_at(self, x: float) -> str:
        """What to say at this pixel column; empty where nothing is marked."""
        if not len(self.damaged):
            return ""
        (low, high), width = self._box.viewRange()[0], max(1.0, self._box.width())
        frame = low + x / width * (high - low)
        nearest = int(self.damaged[int(np.argmin(np.abs(self.damaged - frame)))])
        if abs(self._x(nearest) - x) > _NEAR:
            return ""
        return f"frame {nearest}: {self._explain(nearest)}"
