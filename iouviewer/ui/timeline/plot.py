"""The timeline's plot: IoU by frame as curves, or as one strip per variant if there are many frames per pixel.

It shows series by key and requests seeks; ``view.py`` connects it with the session.
"""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QGraphicsItem, QToolTip

from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import BAND_FLOORS, DARK, LIGHT
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.items import (
    Bands,
    Dots,
    ImageStrip,
    SeekBox,
    argb,
    ramp_table,
    strip_pixels,
)
from iouviewer.ui.timeline.pyramid import Pyramid
from iouviewer.ui.timeline.series import Lanes, Legend, Series, envelope_points, name_ticks

MAX_CURVE_FRAMES_PER_PIXEL = 4.0
"""Above this many frames per pixel, strips replace the curves."""

LANES_HEIGHT = 0.16
"""Height of the lanes below the curves, in units of the y axis."""
LEGEND_HEIGHT = 18
"""Logical pixels kept free above the curves."""
MIN_DIFFERENCE_SCALE = 0.05
"""Minimum IoU difference that the full height of the difference curve represents."""
_IOU_AXIS = tr("IoU Score")


class _Curve(pg.PlotCurveItem):  # type: ignore[misc]  # pyqtgraph has no type hints
    def __init__(self) -> None:
        super().__init__(connect="finite", antialias=False)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.setSegmentedLineMode("off")


class TimelinePlot(pg.PlotWidget):  # type: ignore[misc]  # pyqtgraph has no type hints
    """Plot with x = frame.

    Signals:
        seekRequested(int): the user clicked or dragged to this frame.
    """

    seekRequested = Signal(int)

    def __init__(self) -> None:
        self._box = SeekBox()
        super().__init__(viewBox=self._box)
        self.setObjectName("timeline")
        self.setAccessibleName(tr("Timeline: IoU score by frame"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plotItem.hideButtons()
        self.plotItem.setMenuEnabled(False)
        self.frame_count = 0
        self.series: list[Series] = []
        self.always_strips = False
        self._theme: Theme | None = None
        self._colours = DARK
        self._layout_state: tuple[object, ...] = ()
        self._difference_ticks: list[tuple[float, str]] = []
        self._target = 0.75
        self._difference: Pyramid | None = None
        self._curves: dict[str, _Curve] = {}
        self._strips: dict[str, ImageStrip] = {}
        self._table = ramp_table(DARK.bands)
        self._add_items()
        self._box.seekRequested.connect(self.seek_at)
        self._box.sigXRangeChanged.connect(self.refresh)
        self.scene().sigMouseMoved.connect(self._on_scene_mouse_moved)

    def _add_items(self) -> None:
        self.bands = Bands()
        self.dots = Dots()
        self.mean_line = pg.InfiniteLine(angle=0, movable=False)
        self.target_line = pg.InfiniteLine(angle=0, movable=False)
        self.playhead = pg.InfiniteLine(angle=90, movable=False)
        self.playhead.setZValue(50)
        self.difference_curve = _Curve()
        self.difference_zero = pg.InfiniteLine(angle=0, movable=False)
        self.lanes = Lanes()
        for item in (
            self.bands,
            self.target_line,
            self.mean_line,
            self.dots,
            self.difference_zero,
            self.lanes.verified,
            self.lanes.track,
            self.playhead,
        ):
            self.addItem(item, ignoreBounds=True)
        # Not added by addItem: the plot's list of data items contains only the variants' curves.
        self._box.addItem(self.difference_curve, ignoreBounds=True)
        self.legend = Legend()
        self.legend.setParentItem(self.plotItem.vb)
        self.plotItem.showGrid(x=True, y=True, alpha=0.12)
        self.getAxis("left").setStyle(tickFont=font("caption"))
        self.getAxis("left").setWidth(80)
        self.getAxis("bottom").setHeight(34)
        self.getAxis("bottom").enableAutoSIPrefix(False)
        self.setLabel("bottom", tr("Frame ID"))
        self.setLabel("left", _IOU_AXIS)

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self._theme = theme
        self._colours = colours = DARK if theme.dark else LIGHT
        self.setBackground(theme.colours.base)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            # Cached, because otherwise every move of the playhead would redraw the grid of the whole plot.
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
            axis.setPen(pg.mkPen(theme.colours.line))
            axis.setTextPen(pg.mkPen(theme.colours.text2))
            axis.setStyle(tickLength=-4, tickTextOffset=3, hideOverlappingLabels=False)
            axis.label.setDefaultTextColor(QColor(theme.colours.text2))
        self.playhead.setPen(pg.mkPen(theme.colours.text, width=1))
        self.mean_line.setPen(pg.mkPen(colours.mean, style=Qt.PenStyle.DashLine))
        self.target_line.setPen(pg.mkPen(theme.colours.text2, style=Qt.PenStyle.DotLine))
        self.difference_zero.setPen(pg.mkPen(theme.colours.line))
        self.difference_curve.setPen(pg.mkPen(theme.colours.text))
        self.dots.set_colour(colours.curve)
        self.legend.setLabelTextColor(theme.colours.text)
        for one in self.series:
            self._curves[one.key].setPen(one.pen(self._colours, alone=len(self.series) == 1))
        self._show_bands()
        self.legend.fill(self.series, self._colours, self.mean_line.pen)
        self.refresh()

    def _show_bands(self) -> None:
        bands = []
        for low, high, name in zip(BAND_FLOORS, (*BAND_FLOORS[1:], 1.0), self._colours.bands, strict=True):
            colour = QColor(name)
            colour.setAlpha(20)
            bands.append((low, high, colour))
        self.bands.set_bands(tuple(bands), self.frame_count)

    def set_target(self, target: float) -> None:
        """IoU of the target line."""
        self._target = target
        self.refresh()

    def set_frame_count(self, frame_count: int) -> None:
        """Show the whole length of another video."""
        self.frame_count = frame_count
        self._box.setLimits(xMin=-0.5, xMax=max(frame_count, 8) - 0.5, minXRange=8, maxXRange=max(frame_count, 8))
        self.playhead.setVisible(frame_count > 0)
        self._show_bands()
        self.show_all()

    def show_all(self) -> None:
        """Show the whole video."""
        self.setXRange(-0.5, max(self.frame_count, 8) - 0.5, padding=0)

    def set_series(self, series: list[Series], *, difference: Pyramid | None = None) -> None:
        """Show these variants, the baseline first; ``difference`` is a variant minus the baseline by frame."""
        self.series, self._difference = series, difference
        for items in (self._curves, self._strips):
            for key in [key for key in items if key not in {one.key for one in series}]:
                self.removeItem(items.pop(key))
        for one in series:
            if one.key not in self._curves:
                self._curves[one.key], self._strips[one.key] = _Curve(), ImageStrip()
                self.addItem(self._curves[one.key], ignoreBounds=True)
                self.addItem(self._strips[one.key], ignoreBounds=True)
            self._curves[one.key].setPen(one.pen(self._colours, alone=len(self.series) == 1))
            self._curves[one.key].opts["name"] = one.name
        self.legend.fill(self.series, self._colours, self.mean_line.pen)
        self.refresh()

    def set_lanes(self, verified: NDArray[np.bool_], track: NDArray[np.bool_] | None) -> None:
        """Verified frames (F,), and the frames of the selected track (F,) or None."""
        self.lanes.set(verified, track)
        self._draw_lanes()

    def set_mean(self, mean: float) -> None:
        """Set the Avg IoU of a single variant, shown as the dashed line."""
        if len(self.series) == 1:
            self.series[0].mean = mean
            self._show_mean()

    # Drawing

    @property
    def frames_per_pixel(self) -> float:
        """Frames per pixel at the current zoom."""
        (low, high), _ = self._box.viewRange()
        return float((high - low) / max(1.0, self._box.width()))

    @property
    def shows_strips(self) -> bool:
        """Whether strips are drawn instead of curves."""
        return bool(self.series) and (self.always_strips or self.frames_per_pixel > MAX_CURVE_FRAMES_PER_PIXEL)

    def _span(self) -> tuple[int, int, int]:
        (low, high), _ = self._box.viewRange()
        start, stop = max(0, math.floor(low)), min(self.frame_count, math.ceil(high) + 1)
        return start, stop, max(1, int(self._box.width()))

    def refresh(self) -> None:
        """Redraw everything for the current zoom."""
        if self._theme is None:
            return
        strips = self.shows_strips
        self._lay_out(strips)
        for one in self.series:
            self._curves[one.key].setVisible(not strips)
            self._strips[one.key].setVisible(strips)
            self._draw(one)
        self._draw_difference()
        self._draw_lanes()
        self._show_mean()

    def redraw_series(self, key: str) -> None:
        """Redraw one series after one of its values was replaced."""
        for one in (one for one in self.series if one.key == key):
            self._draw(one)
        self._draw_difference()

    def _lay_out(self, strips: bool) -> None:
        count = len(self.series)
        names = tuple(one.name for one in self.series)
        height = max(40, round(self._box.height()))
        state = (strips, names, self._difference is not None, height, self._target)
        # Changing an axis triggers a new layout, which calls this again: only act on differences.
        if state == self._layout_state:
            return
        self._layout_state = state
        axis = self.getAxis("left")
        if strips:
            floor = 1.0 if self._difference is not None else 0.0
            low, high = -LANES_HEIGHT * 2 - floor, float(count)
            axis.setTicks([name_ticks(self.series)])
            self._difference_ticks = []
        else:
            low = -LANES_HEIGHT
            high = low + (1.03 - low) * height / (height - LEGEND_HEIGHT)
            axis.setTicks([[(0.0, "0"), (0.25, ""), (0.5, "0.5"), (0.75, ""), (1.0, "1")]])
        axis.setLabel("" if strips else _IOU_AXIS)
        axis.resizeEvent(None)  # pyqtgraph centres the label only when the axis is resized
        self._box.setYRange(low, high, padding=0)
        for item in (self.bands, self.target_line):
            item.setVisible(not strips)
        self.legend.setVisible(not strips and count > 0)
        self.target_line.setPos(self._target)

    def _draw(self, one: Series) -> None:
        start, stop, width = self._span()
        if self.shows_strips:
            columns = one.pyramid.columns(start, stop, width)
            low, high = self._box.viewRange()[0]
            place = len(self.series) - 1 - self.series.index(one)
            pixels = strip_pixels(columns, (low, high), (width, 18), self._table, argb(QColor("#101010")))
            self._strips[one.key].show_pixels(pixels, QRectF(low, place + 0.08, high - low, 0.84))
            self.dots.setVisible(False)
            return
        if stop - start <= 2 * width:
            x = np.arange(start, max(start, stop), dtype=np.float64)
            y = one.pyramid.values[start:stop]
        else:
            x, y = envelope_points(one.pyramid.columns(start, stop, width))
        self._curves[one.key].setData(x, y)
        if len(self.series) == 1:
            defined = ~np.isnan(y)
            self.dots.set_points(x[defined], y[defined], size=_dot_size(width / max(1, stop - start)))
        self.dots.setVisible(len(self.series) == 1)

    def _draw_difference(self) -> None:
        visible = self.shows_strips and self._difference is not None
        for item in (self.difference_curve, self.difference_zero):
            item.setVisible(visible)
        if not visible or self._difference is None:
            return
        start, stop, width = self._span()
        columns = self._difference.columns(start, stop, width)
        largest = float(np.nanmax(np.abs(columns.mean), initial=0.0)) if len(columns.mean) else 1.0
        scale = max(MIN_DIFFERENCE_SCALE, largest)
        middle = -LANES_HEIGHT * 2 - 0.5
        self.difference_zero.setPos(middle)
        x = (columns.edges[:-1] + columns.edges[1:] - 1) / 2
        self.difference_curve.setData(x, middle + 0.45 * columns.mean / scale)
        ticks = [*name_ticks(self.series), (middle, f"Δ ±{scale:.2f}")]
        if ticks != self._difference_ticks:
            self._difference_ticks = ticks
            self.getAxis("left").setTicks([ticks])

    def _draw_lanes(self) -> None:
        if self._theme is None:
            return
        span, width = self._box.viewRange()[0], max(1, int(self._box.width()))
        self.lanes.draw((span[0], span[1]), width, 2.0 if self.shows_strips else 1.0, self._theme)

    def _show_mean(self) -> None:
        single = len(self.series) == 1 and not self.shows_strips
        mean = self.series[0].mean if single else math.nan
        self.mean_line.setVisible(not math.isnan(mean))
        if not math.isnan(mean):
            self.mean_line.setPos(mean)
            self.legend.show_mean(mean)

    # Mouse

    def seek_at(self, x: float, y: float, clicked: bool) -> None:
        """Request the frame at a position; a click on a strip requests the worst frame of the pixel."""
        if self.frame_count == 0:
            return
        frame = max(0, min(round(x), self.frame_count - 1))
        if clicked and self.shows_strips:
            worst = self.worst_at(x, y)
            frame = frame if worst is None else worst[1]
        self.seekRequested.emit(frame)

    def worst_at(self, x: float, y: float) -> tuple[Series, int] | None:
        """The strip at a position and the worst frame of its pixel; None outside the strips."""
        place = len(self.series) - 1 - math.floor(y)
        if not 0 <= place < len(self.series):
            return None
        one, per = self.series[place], self.frames_per_pixel
        start = math.floor(x - per / 2 + 0.5)
        worst = one.pyramid.worst(start, max(start + 1, math.ceil(x + per / 2 + 0.5)))
        return None if worst is None else (one, worst)

    def _on_scene_mouse_moved(self, position: QPointF) -> None:
        if not self.shows_strips or not self._box.sceneBoundingRect().contains(position):
            return
        point = self._box.mapSceneToView(position)
        worst = self.worst_at(point.x(), point.y())
        if worst is not None:
            series, frame = worst
            text = tr(
                "{name}: worst frame here {frame:,}, IoU {iou:.2f}",
                name=series.name,
                frame=frame,
                iou=series.pyramid.values[frame],
            )
            QToolTip.showText(self.mapToGlobal(self.mapFromScene(position)), text, self)

    def resizeEvent(self, ev: QResizeEvent) -> None:
        """Redraw: the number of pixel columns has changed."""
        super().resizeEvent(ev)
        if hasattr(self, "_theme"):
            self.refresh()


def _dot_size(pixels_per_frame: float) -> int:
    """Logical pixels of a dot."""
    if pixels_per_frame > 6:
        return 5
    if pixels_per_frame > 2:
        return 4
    return 3 if pixels_per_frame > 0.8 else 2
