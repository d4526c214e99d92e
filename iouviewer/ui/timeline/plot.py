"""The IoU row of the timeline: IoU by frame as curves, or as one strip per variant if there are many frames per pixel.

It shows series by key and requests seeks; ``view.py`` connects it with the session.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QPainter, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QGraphicsItem

from iouviewer.i18n import tr
from iouviewer.reports.plot_description import BANDS, X_LABEL, Y_LABEL
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import DARK, LIGHT
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline import magnifier
from iouviewer.ui.timeline.axis import TimeAxis
from iouviewer.ui.timeline.items import (
    Bands,
    Curve,
    Dots,
    ImageStrip,
    SeekBox,
    argb,
    drop_cache,
    ramp_table,
    strip_pixels,
)
from iouviewer.ui.timeline.magnifier import Magnified
from iouviewer.ui.timeline.plot_gutter import GutterState, PlotGutter, curve_lines, strip_lines
from iouviewer.ui.timeline.plot_lines import DifferenceLine, OwnLine, Playhead, Span, curve_points
from iouviewer.ui.timeline.pyramid import Pyramid
from iouviewer.ui.timeline.series import Legend, Series, article_pen
from iouviewer.ui.tokens import IOU_RAMP, SIZE

MAX_CURVE_FRAMES_PER_PIXEL = 4.0
"""Above this many frames per pixel, strips replace the curves."""
LEGEND_HEIGHT = 18
"""Logical pixels kept free above the curves of an opened plot."""
BOTTOM_AXIS_HEIGHT = 34
LOW, HIGH = -0.04, 1.04
"""IoU at the lower and upper edge of the row."""
_BAND_ALPHA = 20


class TimelinePlot(pg.PlotWidget):  # type: ignore[misc]  # pyqtgraph has no type hints
    """Plot with x = frame, beside a gutter of fixed width that the other rows of the timeline share.

    Signals:
        seekRequested(int): the user clicked or dragged to this frame.
        openRequested(): a double click.
        menuRequested(QPoint): the context menu, at a point of the screen.
    """

    seekRequested = Signal(int)
    openRequested = Signal()
    menuRequested = Signal(object)

    def __init__(self, axis: TimeAxis) -> None:
        self._axis = axis
        self._box = SeekBox()
        super().__init__(viewBox=self._box)
        self.setObjectName("timeline")
        self.setAccessibleName(tr("Timeline: IoU score by frame"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(self.Shape.NoFrame)
        self.plotItem.hideButtons()
        self.plotItem.setMenuEnabled(False)
        self.frame_count = 0
        self.series: list[Series] = []
        self.always_strips = False
        self.magnified: Magnified | None = None
        self._theme: Theme | None = None
        self._colours = DARK
        self._layout_state: tuple[object, ...] = ()
        self._target = 0.75
        self.own, self._difference = OwnLine(), DifferenceLine()
        self.playhead = Playhead(self.viewport(), self._box)
        self._curves: dict[str, Curve] = {}
        self._strips: dict[str, ImageStrip] = {}
        self._table = ramp_table(IOU_RAMP)
        self._add_items()
        self._box.seekRequested.connect(self.seek_at)
        self._box.doubleClicked.connect(self.openRequested)
        self._box.sigXRangeChanged.connect(self._on_box_range_changed)
        # Axes that appear or disappear change the height after the layout has run.
        self._box.sigResized.connect(self.refresh)
        axis.rangeChanged.connect(self._on_axis_range_changed)

    def _add_items(self) -> None:
        self.bands, self.dots = Bands(), Dots()
        self.mean_line = pg.InfiniteLine(angle=0, movable=False)
        self.target_line = pg.InfiniteLine(angle=0, movable=False)
        self.band_names = [_name_item(band.name) for band in BANDS]
        for item in (
            self.bands,
            self.target_line,
            self.mean_line,
            self.dots,
            self._difference.zero,
            self.own.dot,
            *self.band_names,
        ):
            self.addItem(item, ignoreBounds=True)
        # Not added by addItem: the plot's list of data items contains only the variants' curves.
        self._box.addItem(self._difference.curve, ignoreBounds=True)
        self._box.addItem(self.own.curve, ignoreBounds=True)
        self.legend = Legend()
        self.legend.setParentItem(self.plotItem.vb)
        layout = self.plotItem.layout
        layout.setContentsMargins(0, 0, SIZE["timeline_margin"], 0)
        self.plotItem.showGrid(x=True, y=True, alpha=0.12)
        self.getAxis("left").setStyle(tickFont=font("caption"))
        self.getAxis("left").setWidth(SIZE["timeline_gutter"])
        self.getAxis("bottom").setStyle(tickFont=font("caption"))
        self.getAxis("bottom").enableAutoSIPrefix(False)
        self.setLabel("bottom", X_LABEL)
        self.setLabel("left", Y_LABEL)
        self.gutter = PlotGutter(self)

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self._theme = theme
        self._colours = colours = DARK if theme.dark else LIGHT
        self.setBackground(theme.colours.base)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            # Cached, because otherwise every move of the playhead would draw the grid again.
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
            axis.setPen(pg.mkPen(theme.colours.line))
            axis.setTextPen(pg.mkPen(theme.colours.text2))
            axis.setStyle(tickLength=-4, tickTextOffset=3, hideOverlappingLabels=False)
            axis.label.setDefaultTextColor(QColor(theme.colours.text2))
        self.mean_line.setPen(pg.mkPen(colours.mean, style=Qt.PenStyle.DashLine))
        self.target_line.setPen(pg.mkPen(theme.colours.text3, style=Qt.PenStyle.DotLine))
        self.own.set_theme(theme)
        self._difference.set_theme(theme)
        self.legend.setLabelTextColor(theme.colours.text)
        for name in self.band_names:
            name.setColor(theme.colours.text3)
        self._show_bands()
        self.refresh()

    def _show_bands(self) -> None:
        self.bands.set_bands(_faint_bands(self._colours.bands), self.frame_count)

    def set_target(self, target: float) -> None:
        """IoU of the target line."""
        self._target = target
        self.refresh()

    def set_frame_count(self, frame_count: int) -> None:
        """Show another video; the axis decides which frames of it."""
        self.frame_count = frame_count
        end = max(frame_count, 8)
        self._box.setLimits(xMin=-0.5, xMax=end - 0.5, minXRange=8, maxXRange=end)
        self._show_bands()
        self._on_axis_range_changed()

    def set_series(self, series: list[Series], *, difference: Pyramid | None = None) -> None:
        """Show these variants, the baseline first; ``difference`` is a variant minus the baseline by frame."""
        self.series, self._difference.pyramid = series, difference
        for items in (self._curves, self._strips):
            for key in [key for key in items if key not in {one.key for one in series}]:
                self.removeItem(items.pop(key))
        for one in series:
            if one.key not in self._curves:
                self._curves[one.key], self._strips[one.key] = Curve(), ImageStrip()
                self.addItem(self._curves[one.key], ignoreBounds=True)
                self.addItem(self._strips[one.key], ignoreBounds=True)
            self._curves[one.key].opts["name"] = one.name
        self.refresh()

    def set_own(self, name: str, values: NDArray[np.float64] | None) -> None:
        """Show the IoU of the selected track by frame, (F,) float64, nan where it has none; None for no track."""
        self.own.set_values(name, values)
        self.own.draw(self.span(), is_visible=not self.shows_strips)
        self.update_gutter()

    def set_frame(self, frame: int) -> None:
        """Move the playhead."""
        self.playhead.move(frame)
        self.update_gutter()

    def drawForeground(self, painter: QPainter, _rect: QRectF) -> None:
        """Draw the playhead over all items."""
        if self._theme is not None and self.frame_count:
            self.playhead.draw(painter, self._theme.colours.text)

    def set_mean(self, mean: float) -> None:
        """Set the Avg IoU of the baseline, shown as the dashed line, and redraw the difference to it."""
        self._difference.draw(self.span(), is_visible=self.shows_strips)
        if self.series:
            self.series[0].mean = mean
            self._show_mean_line()
        self.update_gutter()

    # A held box

    def hold(self, frame: int) -> None:
        """Magnify the frames around this one while a box on it is changed by the mouse."""
        if self.magnified is not None or self.always_strips or not self.series:
            return
        axis = self._axis
        self.magnified = magnifier.frames_around(frame, axis.low, axis.high, axis.end)
        self.own.held_frame = frame
        self._layout_state = ()
        # Changing the range redraws the plot.
        if (self.magnified.low, self.magnified.high) == (axis.low, axis.high):
            self.refresh()
        self._box.setXRange(self.magnified.low, self.magnified.high, padding=0)

    def release(self) -> None:
        """Return to the view before ``hold``."""
        if self.magnified is not None:
            self.magnified = self.own.held_frame = None
            self._layout_state = ()
            self._on_axis_range_changed()
            self.refresh()

    def set_own_value(self, frame: int, value: float) -> None:
        """Replace the IoU of the selected track on one frame."""
        if self.own.set_value(frame, value):
            self._follow(value)
            self.own.show_value(frame)

    def _follow(self, value: float) -> None:
        """Move the magnified view if the value would leave it."""
        if self.magnified is None or math.isnan(value):
            return
        low, high = self._box.viewRange()[1]
        start = magnifier.follow(value, low, high - low, LOW, HIGH)
        if start == low:
            return
        self._box.setYRange(start, start + high - low, padding=0)
        self.getAxis("left").setTicks([_value_ticks(start, start + high - low)])
        drop_cache(*self._curves.values(), self.dots, self.own.curve, self.own.dot)

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

    @property
    def is_open(self) -> bool:
        """Whether the plot is high enough for axes, legend and the names of the bands."""
        return self.height() >= SIZE["iou_plot"] and not self.shows_strips and self.magnified is None

    def span(self) -> Span:
        """What is drawn."""
        (low, high), _ = self._box.viewRange()
        start, stop = max(0, math.floor(low)), min(self.frame_count, math.ceil(high) + 1)
        return start, stop, max(1, int(self._box.width()))

    def _on_box_range_changed(self) -> None:
        self.viewport().update()  # the playhead, which is no item
        if self.magnified is None:
            self._axis.set_range(*self._box.viewRange()[0])
        self.refresh()

    def _on_axis_range_changed(self) -> None:
        if self.magnified is None and [self._axis.low, self._axis.high] != list(self._box.viewRange()[0]):
            self._box.setXRange(self._axis.low, self._axis.high, padding=0)

    def refresh(self, _what: object = None) -> None:
        """Redraw everything for the current zoom."""
        if self._theme is None:
            return
        strips = self.shows_strips
        self._lay_out(strips)
        for one, pen in zip(self.series, self._pens(), strict=True):
            curve = self._curves[one.key]
            curve.setPen(pen)
            curve.setZValue(20 if one is self.series[0] else 10)
            curve.setVisible(not strips)
            self._strips[one.key].setVisible(strips)
            self._draw(one)
        self._difference.draw(self.span(), is_visible=strips)
        self.own.draw(self.span(), is_visible=not strips)
        self._show_mean()
        self.update_gutter()

    def _pens(self) -> list[QPen]:
        if self._theme is None:
            return []
        if self.is_open and len(self.series) == 1:
            return [article_pen(self._colours)]
        return [
            one.pen(self._theme, is_first=place == 0, has_dash=self.is_open) for place, one in enumerate(self.series)
        ]

    def redraw_series(self, key: str) -> None:
        """Redraw one series after several of its values were replaced."""
        for one in (one for one in self.series if one.key == key):
            self._draw(one)

    def redraw_value(self, key: str, frame: int) -> bool:
        """Redraw one column after the value of a frame was replaced; False if the whole series has to be redrawn."""
        start, stop, width = self.span()
        if self.shows_strips or stop - start > 2 * width:
            return False
        [one] = [one for one in self.series if one.key == key]
        value = float(one.pyramid.values[frame])
        if self.dots.isVisible() and start <= frame < stop and not self.dots.set_value(frame, value):
            return False
        self._curves[key].set_value(frame, value)
        return True

    def _lay_out(self, strips: bool) -> None:
        height = max(20, round(self._box.height()))
        state = (strips, len(self.series), self._difference.pyramid is not None, height, self._target, self.is_open)
        # Changing an axis triggers a new layout, which calls this again: only act on differences.
        if state == self._layout_state:
            return
        self._layout_state = state
        is_open, left = self.is_open, self.getAxis("left")
        self.plotItem.showAxis("bottom", is_open)
        if is_open:
            self.getAxis("bottom").setHeight(BOTTOM_AXIS_HEIGHT)
        left.showLabel(is_open)
        if strips:
            low, high = -1.0 if self._difference.pyramid is not None else 0.0, float(len(self.series))
            left.setTicks([])
        elif is_open:
            low, high = LOW, LOW + (HIGH - LOW) * height / max(1, height - LEGEND_HEIGHT)
            left.setTicks([[(0.0, "0"), (0.25, ""), (0.5, "0.5"), (0.75, ""), (1.0, "1")]])
        elif self.magnified is not None:
            span = magnifier.value_span(height, HIGH - LOW)
            value = self.own.value(self.magnified.frame)
            low = LOW if math.isnan(value) else magnifier.start_of_values(value, span, LOW, HIGH)
            high = HIGH if math.isnan(value) else low + span
            left.setTicks([_value_ticks(low, high)])
        else:
            low, high = LOW, HIGH
            left.setTicks(
                [[(0.0, "0"), (0.5, "0.5"), (1.0, "1")]] if height >= SIZE["iou_row"] - 4 else [[(0.5, "0.5")]]
            )
        left.resizeEvent(None)  # pyqtgraph centres the label only when the axis is resized
        self._box.setYRange(low, high, padding=0)
        for item in (self.bands, self.target_line):
            item.setVisible(not strips)
        self.target_line.setPos(self._target)
        self.legend.setVisible(is_open and bool(self.series))
        if is_open:
            self.legend.fill(self.series, self._pens(), self.mean_line.pen)

    def _draw(self, one: Series) -> None:
        start, stop, width = self.span()
        if self.shows_strips:
            columns = one.pyramid.columns(start, stop, width)
            low, high = self._box.viewRange()[0]
            place = len(self.series) - 1 - self.series.index(one)
            pixels = strip_pixels(columns, (low, high), (width, 18), self._table, argb(QColor("#101010")))
            self._strips[one.key].show_pixels(pixels, QRectF(low, place + 0.08, high - low, 0.84))
            self.dots.setVisible(False)
            return
        x, y = curve_points(one.pyramid, (start, stop, width))
        self._curves[one.key].setData(x, y)
        has_dots = len(self.series) == 1 and (self.is_open or self.magnified is not None)
        self.dots.setVisible(has_dots)
        if has_dots:
            defined = ~np.isnan(y)
            self.dots.set_colour(self._pens()[0].color().name())
            self.dots.set_points(x[defined], y[defined], size=_dot_size(width / max(1, stop - start)))

    def _show_mean(self) -> None:
        self._show_mean_line()
        (_, right), _ = self._box.viewRange()
        for name, band in zip(self.band_names, BANDS, strict=True):
            name.setVisible(self.is_open)
            name.setPos(right, band.high)

    def _show_mean_line(self) -> None:
        mean = self.series[0].mean if self.series and not self.shows_strips else math.nan
        self.mean_line.setVisible(not math.isnan(mean))
        if not math.isnan(mean):
            self.mean_line.setPos(mean)
            self.legend.show_mean(mean)

    def update_gutter(self) -> None:
        """Show what the lines are and what they are worth."""
        if self._theme is None:
            return
        self.gutter.setVisible(not self.is_open)
        if self.is_open:
            return
        if self.shows_strips:
            scale = None if self._difference.pyramid is None else self._difference.scale
            self.gutter.show_lines(strip_lines(self._theme, self.series, scale, self._y_of))
            return
        frame = self.playhead.frame if self.magnified is None else self.magnified.frame
        own = self.own.value(frame) if frame < self.frame_count else math.nan
        state = GutterState(self._colours.mean, frame, self.own.name, own, self.magnified is not None)
        self.gutter.show_lines(curve_lines(self._theme, self.series, state))

    def _y_of(self, value: float) -> float:
        """Logical pixels from the upper edge of the widget."""
        return float(self.mapFromScene(self._box.mapViewToScene(pg.Point(0, value))).y())

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

    def wheelEvent(self, ev: QWheelEvent) -> None:
        """Zoom and pan the time axis; any other wheel belongs to what lies around the plot."""
        if not self._axis.use_wheel(ev, ev.position().x() - SIZE["timeline_gutter"]):
            ev.ignore()

    def contextMenuEvent(self, ev: QContextMenuEvent) -> None:
        """Ask for the menu of the timeline."""
        self.menuRequested.emit(ev.globalPos())

    def resizeEvent(self, ev: QResizeEvent) -> None:
        """Redraw: the number of pixel columns has changed."""
        super().resizeEvent(ev)
        if hasattr(self, "gutter"):
            self.gutter.setGeometry(0, 0, SIZE["timeline_gutter"], self.height())
            self.refresh()


def _name_item(name: str) -> pg.TextItem:
    """The name of a band."""
    item = pg.TextItem(name, anchor=(1, 0))
    item.setFont(font("caption"))
    return item


def _faint_bands(colours: Sequence[str]) -> tuple[tuple[float, float, QColor], ...]:
    """Low and high IoU and colour of each band; ``colours`` from the worst band on."""
    result = []
    for band, name in zip(BANDS, reversed(colours), strict=True):
        colour = QColor(name)
        colour.setAlpha(_BAND_ALPHA)
        result.append((band.low, band.high, colour))
    return tuple(result)


def _value_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Numbers of the magnified IoU axis."""
    steps = range(math.ceil(low * 10 + 0.5), math.floor(high * 10 - 0.5) + 1)
    return [(step / 10, f"{step / 10:.1f}") for step in steps if step % 2 == 0 or len(steps) < 4]


def _dot_size(pixels_per_frame: float) -> int:
    """Logical pixels of a dot."""
    if pixels_per_frame > 6:
        return 5
    if pixels_per_frame > 2:
        return 4
    return 3 if pixels_per_frame > 0.8 else 2
