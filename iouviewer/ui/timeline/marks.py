"""Marks of the video on the timeline: damaged frames and the loop range."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QGraphicsSceneHoverEvent, QStyleOptionGraphicsItem, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.items import PlotGraphic
from iouviewer.ui.timeline.plot import TimelinePlot

TICK_HEIGHT = 7
"""Height of a damage mark in logical pixels: a small triangle at the upper edge, a thin line below it."""

_MAX_TOOLTIP_DISTANCE = 4
"""Maximum distance of the mouse from a mark to show its tooltip, logical pixels."""


class VideoMarks(PlotGraphic):
    """An overlay in plot pixels: marks keep their size at any zoom, and clicks pass through.

    Args:
        explain: returns the text about a damaged frame.
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
        """Use the colours of this theme."""
        self._warning, self._accent = QColor(theme.colours.warn), QColor(theme.colours.accent)
        self.update()

    def set_damaged(self, frames: NDArray[np.int64]) -> None:
        """Mark these frames: (D,) int64, ascending."""
        self.damaged = frames
        self.update()

    def set_loop(self, loop: tuple[int, int] | None) -> None:
        """Mark the loop range from its first to its last frame; None for no loop."""
        self.loop = loop
        self.update()

    def refresh(self, *_args: object) -> None:
        """Repaint after the view has moved."""
        self.update()

    def _on_box_resized(self, *_args: object) -> None:
        self.prepareGeometryChange()

    def boundingRect(self) -> QRectF:
        return QRectF(self._box.rect())

    def pixel_columns(self) -> NDArray[np.int64]:
        """(C,) int64: pixel columns with a damage mark, ascending, unique."""
        (low, high), width = self._box.viewRange()[0], self._box.width()
        visible = self.damaged[(self.damaged >= low - 0.5) & (self.damaged <= high + 0.5)]
        positions = np.rint((visible - low) / max(high - low, 1e-9) * width).astype(np.int64)
        columns: NDArray[np.int64] = np.unique(positions)
        return columns

    def paint(
        self,
        painter: QPainter,
        _option: QStyleOptionGraphicsItem,
        _widget: QWidget | None = None,
    ) -> None:
        height = self._box.height()
        if self.loop is not None:
            left, right = (self.pixel_x(edge) for edge in (self.loop[0] - 0.5, self.loop[1] + 0.5))
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
        for x in self.pixel_columns().tolist():
            painter.fillRect(QRectF(x, TICK_HEIGHT, 1, height - TICK_HEIGHT), line)
            corners = (QPointF(x - 4, 0), QPointF(x + 5, 0), QPointF(x + 0.5, TICK_HEIGHT))
            painter.drawPolygon(QPolygonF(corners))

    def pixel_x(self, frame: float) -> float:
        """The horizontal pixel position of a frame."""
        low, high = self._box.viewRange()[0]
        return float((frame - low) / max(high - low, 1e-9) * self._box.width())

    def hoverMoveEvent(self, event: QGraphicsSceneHoverEvent) -> None:
        self.setToolTip(self.tooltip_at(event.pos().x()))

    def tooltip_at(self, x: float) -> str:
        """The text about the mark near this pixel column; empty if there is none."""
        if not len(self.damaged):
            return ""
        (low, high), width = self._box.viewRange()[0], max(1.0, self._box.width())
        frame = low + x / width * (high - low)
        nearest = int(self.damaged[int(np.argmin(np.abs(self.damaged - frame)))])
        if abs(self.pixel_x(nearest) - x) > _MAX_TOOLTIP_DISTANCE:
            return ""
        return tr("Frame {frame:,}: {text}", frame=nearest, text=self._explain(nearest))
