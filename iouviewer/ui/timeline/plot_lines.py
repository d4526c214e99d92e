"""Lines of the IoU row with data of their own: the selected track, and the difference of two variants."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.items import Curve, Dots, drop_cache
from iouviewer.ui.timeline.pyramid import Pyramid
from iouviewer.ui.timeline.series import envelope_points

MIN_DIFFERENCE_SCALE = 0.05
"""Minimum IoU difference that the full height of the difference curve represents."""
OWN_WIDTH = 2.4
"""Width of the line of the selected track, logical pixels."""
_DOT_SIZE = 8
_LEVEL = 30

Span = tuple[int, int, int]
"""First frame, end (excluded), and width in logical pixels."""


def curve_points(pyramid: Pyramid, span: Span) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a curve: one per frame, or the lowest and highest value of each pixel column."""
    start, stop, width = span
    if stop - start <= 2 * width:
        return np.arange(start, max(start, stop), dtype=np.float64), pyramid.values[start:stop].copy()
    return envelope_points(pyramid.columns(start, stop, width))


class OwnLine:
    """The bold line of the selected track's own IoU, and the point of a held box.

    Attributes:
        name: of the track.
        held_frame: the frame of the held box, None while none is held.
    """

    def __init__(self) -> None:
        self.curve, self.dot = Curve(), Dots()
        self.curve.setZValue(_LEVEL)
        self.dot.setZValue(_LEVEL + 1)
        self.name = ""
        self.held_frame: int | None = None
        self._pyramid: Pyramid | None = None

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self.curve.setPen(pg.mkPen(theme.colours.series_gt, width=OWN_WIDTH))
        self.dot.set_colour(theme.colours.text)

    def set_values(self, name: str, values: NDArray[np.float64] | None) -> None:
        """IoU by frame, (F,) float64; None for no track."""
        self.name, self._pyramid = name, None if values is None else Pyramid(values)

    def value(self, frame: int) -> float:
        """IoU on a frame, nan where there is none."""
        return math.nan if self._pyramid is None else float(self._pyramid.values[frame])

    def set_value(self, frame: int, value: float) -> bool:
        """Replace the IoU of one frame; False if nothing changed. ``show_value`` or ``draw`` shows it."""
        return self._pyramid is not None and self._pyramid.set(frame, value)

    def show_value(self, frame: int) -> None:
        """Redraw one frame."""
        self.curve.set_value(frame, self.value(frame))
        self._show_dot()

    def draw(self, span: Span, *, is_visible: bool) -> None:
        """Redraw everything."""
        is_visible = is_visible and self._pyramid is not None
        self.curve.setVisible(is_visible)
        if is_visible and self._pyramid is not None:
            self.curve.setData(*curve_points(self._pyramid, span))
        drop_cache(self.dot)
        self._show_dot()

    def _show_dot(self) -> None:
        frame = self.held_frame
        value = math.nan if frame is None else self.value(frame)
        self.dot.setVisible(not math.isnan(value))
        if frame is not None and not math.isnan(value) and not self.dot.set_value(frame, value):
            self.dot.set_points(np.array([float(frame)]), np.array([value]), size=_DOT_SIZE)


class DifferenceLine:
    """A variant minus the baseline, below the strips: from -1 to 0 on the plot's axis, zero in the middle.

    Attributes:
        pyramid: the difference by frame; None for none.
        scale: IoU difference at half the height.
    """

    def __init__(self) -> None:
        self.curve = pg.PlotCurveItem(connect="finite", antialias=False)
        self.zero = pg.InfiniteLine(pos=-0.5, angle=0, movable=False)
        self.pyramid: Pyramid | None = None
        self.scale = MIN_DIFFERENCE_SCALE

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self.zero.setPen(pg.mkPen(theme.colours.outline))
        self.curve.setPen(pg.mkPen(theme.colours.text))

    def draw(self, span: Span, *, is_visible: bool) -> None:
        """Redraw everything."""
        is_visible = is_visible and self.pyramid is not None
        for item in (self.curve, self.zero):
            item.setVisible(is_visible)
        if not is_visible or self.pyramid is None:
            return
        columns = self.pyramid.columns(*span)
        largest = float(np.nanmax(np.abs(columns.mean), initial=0.0)) if len(columns.mean) else 0.0
        self.scale = max(MIN_DIFFERENCE_SCALE, largest)
        x = (columns.edges[:-1] + columns.edges[1:] - 1) / 2
        self.curve.setData(x, -0.5 + 0.45 * columns.mean / self.scale)


class Playhead:
    """The line at the current frame. It is no item of the scene: Qt would paint the window before its image is there.

    Attributes:
        frame: where it is.
    """

    def __init__(self, viewport: QWidget, box: pg.ViewBox) -> None:
        self._viewport, self._box = viewport, box
        self.frame = 0

    def _x(self, frame: int) -> int:
        """Logical pixels from the left edge of the plot."""
        return round(float(self._box.mapViewToScene(pg.Point(frame, 0)).x()))

    def move(self, frame: int) -> None:
        """Move it; only the columns before and after are painted again."""
        for moved in (self.frame, frame):
            self._viewport.update(self._x(moved) - 2, 0, 4, self._viewport.height())
        self.frame = frame

    def draw(self, painter: QPainter, colour: str) -> None:
        """Draw it within the axes."""
        x, area = self._x(self.frame), self._box.sceneBoundingRect()
        if area.left() <= x <= area.right():
            painter.fillRect(QRectF(x, area.top(), 1, area.height()), QColor(colour))
