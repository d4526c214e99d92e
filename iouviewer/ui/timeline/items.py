"""Graphics items of the timeline: strips, bands, dots, and the view box that turns clicks into frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from iouviewer.ui.timeline.pyramid import PyramidColumns

Pixels = NDArray[np.uint32]
"""(H, W) uint32, 0xAARRGGBB."""


class PlotGraphic(pg.GraphicsObject):  # type: ignore[misc]  # pyqtgraph has no type hints
    """Base class of the items in this module."""


class ImageStrip(PlotGraphic):
    """An image stretched over a rectangle of the plot, with one image column per pixel column."""

    def __init__(self) -> None:
        super().__init__()
        self._rect = QRectF()
        self._pixels: Pixels | None = None
        self._image = QImage()

    @property
    def pixels(self) -> Pixels | None:
        """The drawn pixels, first row on top."""
        return self._pixels

    def show_pixels(self, pixels: Pixels, rect: QRectF) -> None:
        """Draw these pixels over ``rect`` (x: frames, y: units of the plot)."""
        if rect != self._rect:
            self.prepareGeometryChange()
            self._rect = QRectF(rect)
        self._pixels = np.ascontiguousarray(pixels, np.uint32)
        height, width = self._pixels.shape
        # QImage does not own the memory: self._pixels keeps the array alive as long as the image.
        self._image = QImage(self._pixels.data, width, height, width * 4, QImage.Format.Format_ARGB32)
        self.update()

    def boundingRect(self) -> QRectF:
        return self._rect

    def paint(
        self,
        painter: QPainter,
        _option: QStyleOptionGraphicsItem,
        _widget: QWidget | None = None,
    ) -> None:
        if self._image.isNull() or self._rect.isEmpty():
            return
        # The plot's y points up, the image's down.
        painter.save()
        painter.translate(0, self._rect.top() + self._rect.bottom())
        painter.scale(1, -1)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(self._rect, self._image)
        painter.restore()


class Bands(PlotGraphic):
    """Faint horizontal bands behind the curves: (low, high, colour), over all frames."""

    def __init__(self) -> None:
        super().__init__()
        self._bands: tuple[tuple[float, float, QColor], ...] = ()
        self._width = 1.0
        self.setZValue(-20)

    def set_bands(self, bands: tuple[tuple[float, float, QColor], ...], frame_count: int) -> None:
        """Draw these bands from frame 0 to ``frame_count``."""
        self.prepareGeometryChange()
        self._bands, self._width = bands, float(max(1, frame_count))
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(-0.5, 0.0, self._width, 1.0)

    def paint(
        self,
        painter: QPainter,
        _option: QStyleOptionGraphicsItem,
        _widget: QWidget | None = None,
    ) -> None:
        for low, high, colour in self._bands:
            painter.fillRect(QRectF(-0.5, low, self._width, high - low), colour)


def drop_cache(*items: QGraphicsItem) -> None:
    """Paint cached items as a whole next time.

    Qt scrolls the cached picture of an item whose view has moved, and then leaves out parts that have changed as well.
    """
    for item in items:
        item.setCacheMode(QGraphicsItem.CacheMode.NoCache)
        item.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)


class Dots(PlotGraphic):
    """Square dots of a fixed size on screen; replacing them is ten times faster than in a scatter plot."""

    def __init__(self) -> None:
        super().__init__()
        self._points = QPolygonF()
        self._bounds = QRectF()
        self._pen = QPen()
        self._pen.setCosmetic(True)
        self._x: NDArray[np.float64] = np.zeros(0)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)

    def set_colour(self, colour: str) -> None:
        """Colour of all dots."""
        self._pen.setColor(QColor(colour))
        self.update()

    def set_points(self, x: NDArray[np.float64], y: NDArray[np.float64], *, size: int) -> None:
        """Dots at x, y ((N,) each, no nan), ``size`` logical pixels wide."""
        self.prepareGeometryChange()
        # pyqtgraph cannot write the points of an empty polygon.
        self._points = pg.functions.arrayToQPolygonF(x, y) if len(x) else QPolygonF()
        self._x = x
        self._pen.setWidth(size)
        drop_cache(self)
        # The margin keeps the outer half of the outermost dots inside the item, wherever ``set_value`` moves them.
        left, right = (float(x[0]), float(x[-1])) if len(x) else (0.0, 0.0)
        self._bounds = QRectF(left - 1.0, -0.1, right - left + 2.0, 1.2)
        self.update()

    def set_value(self, x: float, y: float) -> bool:
        """Move the dot at ``x``, redrawing one column; False if a dot appears or disappears instead."""
        place = int(np.searchsorted(self._x, x))
        if np.isnan(y) or place == len(self._x) or self._x[place] != x:
            return False
        self._points[place] = QPointF(x, y)  # type: ignore[index]  # missing in the stubs
        self.update(column_rect(x))
        return True

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(
        self,
        painter: QPainter,
        _option: QStyleOptionGraphicsItem,
        _widget: QWidget | None = None,
    ) -> None:
        painter.setPen(self._pen)
        painter.drawPoints(self._points)


class Curve(pg.PlotCurveItem):  # type: ignore[misc]  # pyqtgraph has no type hints
    """A curve of IoU by frame of which one point can be replaced by redrawing one column."""

    def __init__(self) -> None:
        super().__init__(connect="finite", antialias=False)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.setSegmentedLineMode("off")

    def boundingRect(self) -> QRectF:
        """All heights that an IoU can have, so that no change of a value changes the geometry."""
        x = self.xData
        if x is None or not len(x):
            return QRectF()
        return QRectF(float(x[0]) - 1.0, -0.1, float(x[-1]) - float(x[0]) + 2.0, 1.2)

    def setData(self, *args: object, **kwargs: object) -> None:
        """Replace all points, as in ``PlotCurveItem``."""
        drop_cache(self)
        super().setData(*args, **kwargs)

    def set_value(self, frame: int, value: float) -> None:
        """Replace the value of a frame; the curve has one point for each frame from its first one on."""
        place = frame - int(self.xData[0]) if self.xData is not None and len(self.xData) else -1
        if 0 <= place < len(self.xData):
            self.yData[place] = value
            self.path = None
            self.update(column_rect(frame))


def column_rect(frame: float) -> QRectF:
    """What changes in a plot of IoU when the value of one frame changes: the lines to its two neighbours."""
    return QRectF(frame - 1.5, -0.1, 3.0, 1.2)


class SeekBox(pg.ViewBox):  # type: ignore[misc]  # pyqtgraph has no type hints
    """View box: left click and drag seek, middle drag pans.

    Signals:
        seekRequested(float, float, bool): x and y under the mouse in the plot's units, and whether it is a click.
        doubleClicked(): left double click.
    """

    seekRequested = Signal(float, float, bool)
    doubleClicked = Signal()

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseEnabled(x=True, y=False)

    def mouseClickEvent(self, ev: pg.GraphicsScene.mouseEvents.MouseClickEvent) -> None:
        if ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            if ev.double():
                self.doubleClicked.emit()
                return
            point = self.mapSceneToView(ev.scenePos())
            self.seekRequested.emit(point.x(), point.y(), True)

    def mouseDragEvent(self, ev: pg.GraphicsScene.mouseEvents.MouseDragEvent, axis: int | None = None) -> None:
        if ev.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(ev, axis=axis)
            return
        ev.accept()
        point = self.mapSceneToView(ev.scenePos())
        self.seekRequested.emit(point.x(), point.y(), False)


def argb(colour: QColor) -> int:
    """The colour as 0xAARRGGBB."""
    return int(colour.rgba())


def ramp_table(stops: Sequence[str]) -> Pixels:
    """(256,) uint32: colours from IoU 0 to 1, running evenly through the stops (``#rrggbb``)."""
    colours = [QColor(stop) for stop in stops]
    channels = np.array([(one.red(), one.green(), one.blue()) for one in colours], np.float64)
    at = np.linspace(0, 1, 256)
    red, green, blue = (
        np.rint(np.interp(at, np.linspace(0, 1, len(stops)), channels[:, c])).astype(np.uint32) for c in range(3)
    )
    return np.uint32(0xFF000000) | (red << np.uint32(16)) | (green << np.uint32(8)) | blue


def strip_pixels(
    columns: PyramidColumns, span: tuple[float, float], size: tuple[int, int], table: Pixels, tick: int
) -> Pixels:
    """Pixels of a strip: colour of the mean, and a dark tick at the height of the worst value.

    Args:
        columns: the values in pixel columns.
        span: first and last frame coordinate that the strip covers.
        size: (width, height) in pixels.
        table: (256,) colours from IoU 0 to 1.
        tick: colour of the worst value.
    """
    width, height = size
    pixels = np.zeros((height, width), np.uint32)
    if not len(columns.mean):
        return pixels
    frames = np.floor(span[0] + (np.arange(width) + 0.5) * (span[1] - span[0]) / width + 0.5)
    column = np.searchsorted(columns.edges, frames, side="right") - 1
    inside = (column >= 0) & (column < len(columns.mean))
    column = np.clip(column, 0, len(columns.mean) - 1)
    defined = inside & ~np.isnan(columns.mean[column])
    mean = np.where(defined, columns.mean[column], 0.0)
    shade = np.clip(np.rint(mean * 255), 0, 255).astype(np.int64)
    pixels[:] = np.where(defined, table[shade], 0)
    low = np.where(defined, columns.low[column], 0.0)
    row = np.clip(np.rint((1.0 - low) * (height - 1)), 0, height - 1).astype(np.int64)
    where = np.flatnonzero(defined)
    pixels[row[where], where] = tick
    return pixels
