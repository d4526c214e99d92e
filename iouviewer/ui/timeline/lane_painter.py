"""Draws the lane of a track: bar, gaps, occluded and ignored stretches, key frames and problems."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.lanes import Lane
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.tables.tracks_model import track_colour
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.axis import TimeAxis
from iouviewer.ui.tokens import CLASS_COLOURS

Int = NDArray[np.int64]

_FILL, _SELECTED_FILL = 0.20, 0.34
"""Opacity of a bar."""
_RECOLOURED_FILL = 0.7
_OUTLINE, _SELECTED_OUTLINE = 1.0, 1.4
DIAMOND = 4.0
"""Half the width of a key frame's diamond, logical pixels."""
_MIN_KEY_DISTANCE = 5.0
"""Key frames that are closer to both neighbours than this are left out; those at the ends of a crowd are drawn."""
_TRIANGLE = 3.5
_RADIUS = 3.0
_HATCH_DISTANCE, _DENSE_HATCH_DISTANCE = 7.0, 4.0


@dataclass(frozen=True, slots=True)
class SwapPreview:
    """Two tracks that would exchange their ids from a frame on, up to ``last`` where it is given."""

    one: int
    other: int
    first: int
    last: int | None = None

    def new_track(self, track: int) -> int | None:
        """The track that the frames of this one would belong to; None: it keeps them."""
        return {self.one: self.other, self.other: self.one}.get(track)


@dataclass(frozen=True, slots=True)
class LaneLook:
    """How a lane is drawn.

    Attributes:
        is_selected: it is the selected track.
        problems: frames of open problems, ascending.
        recoloured: first and last frame of a stretch that gets another colour, and the colour.
    """

    is_selected: bool = False
    problems: tuple[int, ...] = ()
    recoloured: tuple[int, float, str] | None = None


def recoloured(swap: SwapPreview | None, track: int) -> tuple[int, float, str] | None:
    """The stretch of a track that a swap would give to the other one, and the colour of that one."""
    other = None if swap is None else swap.new_track(track)
    if swap is None or other is None:
        return None
    return swap.first, math.inf if swap.last is None else swap.last, track_colour(other)


def drawn_key_frames(lane: Lane, axis: TimeAxis) -> Int:
    """The visible key frames of a lane that have a diamond: of a crowd only those at its ends."""
    keys = lane.key_frames
    keys = keys[(keys >= axis.low - 1) & (keys <= axis.high + 1)]
    far = np.diff(keys) * (axis.width / (axis.high - axis.low)) >= _MIN_KEY_DISTANCE
    # Alone on one side at least; the ends of the visible keys count as alone.
    found: Int = keys[np.append(True, far) | np.append(far, True)] if len(keys) else keys
    return found


def lane_colour(lane: Lane) -> QColor:
    """The colour of a lane's class; tracks without a class have the first colour."""
    number = 0 if lane.class_id == UNSPECIFIED_CLASS else lane.class_id
    return QColor(CLASS_COLOURS[number % len(CLASS_COLOURS)])


def draw_diamond(painter: QPainter, centre: QPointF) -> None:
    """Draw the mark of a key frame with the pen and brush of the painter."""
    corners = ((0, -DIAMOND), (DIAMOND, 0), (0, DIAMOND), (-DIAMOND, 0))
    painter.drawPolygon(QPolygonF([centre + QPointF(dx, dy) for dx, dy in corners]))


class LanePainter:
    """Paints lanes into rectangles of a row.

    Args:
        left: start of the axis in the row, logical pixels.
    """

    def __init__(self, axis: TimeAxis, left: float, theme: Theme) -> None:
        self._axis, self._left, self._theme = axis, left, theme

    def paint(self, painter: QPainter, lane: Lane, top: float, height: float, look: LaneLook) -> None:
        """Paint a lane from ``top`` on; the bar leaves some pixels of ``height`` free above and below."""
        bar = QRectF(self._left, top + height * 0.19, self._axis.width, height * 0.62)
        colour = lane_colour(lane)
        if not self._theme.dark:
            colour = colour.darker(150)
        painter.save()
        painter.setClipRect(QRectF(self._left, top, self._axis.width, height))
        self._draw_gaps(painter, lane, bar, colour)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_bars(painter, lane, bar, colour, look)
        if look.recoloured is not None:
            self._draw_recoloured(painter, lane, bar, *look.recoloured)
        self._draw_hatching(painter, lane, bar, colour)
        self._draw_keys(painter, lane, bar, colour)
        self._draw_problems(painter, look, top + height)
        painter.restore()

    def _spans(self, runs: tuple[Int, Int]) -> list[tuple[float, float]]:
        """Left and right pixels of visible stretches; those that touch in a pixel are joined."""
        first, last = runs
        axis = self._axis
        inside = (last >= axis.low) & (first <= axis.high)
        scale = axis.width / (axis.high - axis.low)
        starts = self._left + (first[inside] - 0.5 - axis.low) * scale
        ends = self._left + (last[inside] + 0.5 - axis.low) * scale
        if len(starts) < 2:
            return list(zip(starts.tolist(), ends.tolist(), strict=True))
        breaks = np.flatnonzero(starts[1:] - ends[:-1] >= 1.0)
        starts, ends = starts[np.append(0, breaks + 1)], ends[np.append(breaks, len(ends) - 1)]
        return list(zip(starts.tolist(), ends.tolist(), strict=True))

    def _draw_gaps(self, painter: QPainter, lane: Lane, bar: QRectF, colour: QColor) -> None:
        pen = QPen(colour, 1.0, Qt.PenStyle.DotLine)
        painter.setPen(pen)
        for start, end in self._spans(lane.gaps()):
            painter.drawLine(QLineF(start, bar.center().y(), end, bar.center().y()))

    def _draw_bars(self, painter: QPainter, lane: Lane, bar: QRectF, colour: QColor, look: LaneLook) -> None:
        fill = QColor(colour)
        fill.setAlphaF(_SELECTED_FILL if look.is_selected else _FILL)
        edge = QColor(colour)
        if not look.is_selected:
            edge.setAlphaF(0.6)
        painter.setPen(QPen(edge, _SELECTED_OUTLINE if look.is_selected else _OUTLINE))
        painter.setBrush(fill)
        for start, end in self._spans(lane.runs(lane.visible())):
            painter.drawRoundedRect(QRectF(start, bar.top(), max(1.0, end - start), bar.height()), _RADIUS, _RADIUS)

    def _draw_recoloured(
        self, painter: QPainter, lane: Lane, bar: QRectF, first: int, last: float, colour: str
    ) -> None:
        """The bars of the frames that would belong to another track, in its colour."""
        inside = lane.visible() & (lane.frames >= first) & (lane.frames <= last)
        fill = QColor(colour)
        fill.setAlphaF(_RECOLOURED_FILL)
        painter.setPen(QPen(QColor(colour), _SELECTED_OUTLINE))
        painter.setBrush(fill)
        for start, end in self._spans(lane.runs(inside)):
            painter.drawRoundedRect(QRectF(start, bar.top(), max(1.0, end - start), bar.height()), _RADIUS, _RADIUS)

    def _draw_hatching(self, painter: QPainter, lane: Lane, bar: QRectF, colour: QColor) -> None:
        for flag, distance in ((BoxFlag.OCCLUDED, _HATCH_DISTANCE), (BoxFlag.IGNORED, _DENSE_HATCH_DISTANCE)):
            painter.setPen(QPen(QColor(self._theme.colours.text2) if flag is BoxFlag.IGNORED else colour, 1.0))
            for start, end in self._spans(lane.with_flag(flag)):
                painter.save()
                painter.setClipRect(QRectF(start, bar.top(), end - start, bar.height()), Qt.ClipOperation.IntersectClip)
                # Lines start at multiples of the distance, so that hatching stays in place while the view pans.
                x = (start - bar.height()) // distance * distance
                while x < end:
                    painter.drawLine(QLineF(x, bar.bottom(), x + bar.height(), bar.top()))
                    x += distance
                painter.restore()

    def _draw_keys(self, painter: QPainter, lane: Lane, bar: QRectF, colour: QColor) -> None:
        axis = self._axis
        keys = drawn_key_frames(lane, axis)
        painter.setPen(QPen(QColor(self._theme.colours.base), 0.8))
        painter.setBrush(QBrush(colour))
        for frame in keys.tolist():
            draw_diamond(painter, QPointF(self._left + axis.x_of(frame), bar.center().y()))

    def _draw_problems(self, painter: QPainter, look: LaneLook, bottom: float) -> None:
        if not look.problems:
            return
        axis = self._axis
        frames = np.array(look.problems, np.int64)
        frames = frames[(frames >= axis.low - 1) & (frames <= axis.high + 1)]
        columns = np.unique(np.rint((frames - axis.low) * (axis.width / (axis.high - axis.low)) / 2) * 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.colours.bad))
        for x in (self._left + columns).tolist():
            points = (
                QPointF(x - _TRIANGLE, bottom),
                QPointF(x + _TRIANGLE, bottom),
                QPointF(x, bottom - _TRIANGLE - 1),
            )
            painter.drawPolygon(QPolygonF(points))
