"""Draws what lies over lanes: selected key frames, the span of the rubber band, and the drag in progress."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

from iouviewer.document.lanes import Lane
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.axis import TimeAxis
from iouviewer.ui.timeline.lane_gestures import Drag, LaneGestures, Part
from iouviewer.ui.timeline.lane_painter import draw_diamond
from iouviewer.ui.tokens import CANVAS

_BAR_SHARE = 0.62
_GHOST_FILL = 0.35

RowOf = Callable[[int], QRect]
"""The row of a track, empty where it has none on the screen."""


class LaneOverlay:
    """Paints over the rows of a list of lanes.

    Args:
        left: start of the axis, logical pixels.
    """

    def __init__(self, axis: TimeAxis, left: int, theme: Theme) -> None:
        self._axis, self._left, self._theme = axis, left, theme

    def paint(self, painter: QPainter, gestures: LaneGestures, row_of: RowOf) -> None:
        """Paint everything; clipped to the axis."""
        drag = gestures.drag
        painter.save()
        painter.setClipRect(QRectF(self._left, 0, self._axis.width + 1, 1e5))
        if gestures.span is not None and drag is None:
            self._paint_span(painter, gestures.span, row_of)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_keys(painter, gestures, row_of)
        if drag is not None:
            self._paint_drag(painter, drag, row_of)
        painter.restore()

    def _bar(self, row: QRect, first: float, last: float) -> QRectF:
        start, end = self._axis.x_of(first - 0.5), self._axis.x_of(last + 0.5)
        height = row.height() * _BAR_SHARE
        top = row.top() + (row.height() - height) / 2
        return QRectF(self._left + start, top, max(1.0, end - start), height)

    def _paint_span(self, painter: QPainter, span: tuple[tuple[int, ...], int, int], row_of: RowOf) -> None:
        tracks, first, last = span
        colour = QColor(self._theme.colours.accent)
        painter.setPen(QPen(colour, 1.0))
        colour.setAlphaF(0.16)
        painter.setBrush(colour)
        for track in tracks:
            row = row_of(track)
            if not row.isEmpty():
                bar = self._bar(row, first, last)
                painter.drawRect(QRectF(bar.left(), row.top() + 0.5, bar.width(), row.height() - 2))

    def _paint_keys(self, painter: QPainter, gestures: LaneGestures, row_of: RowOf) -> None:
        by = gestures.drag.by if gestures.drag is not None else 0
        painter.setPen(QPen(QColor(CANVAS.halo), 0.8))
        painter.setBrush(QBrush(QColor(self._theme.colours.text)))
        for track, frames in gestures.selected_keys.items():
            row = row_of(track)
            for frame in frames if not row.isEmpty() else ():
                middle = row.top() + row.height() / 2
                draw_diamond(painter, QPointF(self._left + self._axis.x_of(frame + by), middle))

    def _paint_drag(self, painter: QPainter, drag: Drag, row_of: RowOf) -> None:
        if not drag.band.isNull():
            self._paint_band(painter, drag.band)
            return
        row = row_of(drag.lane.track)
        if drag.part in (Part.START, Part.END) and not row.isEmpty():
            self._paint_end(painter, drag, row)
        elif drag.onto is not None:
            target = row_of(drag.onto.track)
            if not target.isEmpty():
                self._ghost(painter, self._bar(target, drag.lane.first, drag.lane.last), QColor(CANVAS.fix))

    def _paint_end(self, painter: QPainter, drag: Drag, row: QRect) -> None:
        """The frames that the lane loses or gains."""
        lane: Lane = drag.lane
        end = lane.first if drag.part is Part.START else lane.last
        is_gain = drag.frame < end if drag.part is Part.START else drag.frame > end
        if drag.frame == end:
            return
        low, high = min(drag.frame, end), max(drag.frame, end)
        # The frame where the track begins or ends afterwards is not lost, and the present end is not gained.
        if drag.part is Part.START:
            high -= 1
        else:
            low += 1
        colour = QColor(self._theme.colours.good if is_gain else self._theme.colours.bad)
        self._ghost(painter, self._bar(row, low, high), colour)

    @staticmethod
    def _ghost(painter: QPainter, place: QRectF, colour: QColor) -> None:
        painter.setPen(QPen(colour, 1.2, Qt.PenStyle.DashLine))
        fill = QColor(colour)
        fill.setAlphaF(_GHOST_FILL)
        painter.setBrush(fill)
        painter.drawRoundedRect(place, 3, 3)

    def _paint_band(self, painter: QPainter, band: QRect) -> None:
        colour = QColor(self._theme.colours.accent)
        painter.setPen(QPen(colour, 1.0))
        colour.setAlphaF(0.16)
        painter.setBrush(colour)
        painter.drawRect(QRectF(band).adjusted(0.5, 0.5, -0.5, -0.5))
