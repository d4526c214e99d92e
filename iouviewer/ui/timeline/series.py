"""The data of the timeline, its legend and its lanes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPen

from iouviewer.i18n import tr
from iouviewer.ui.palette import DASH_STYLES, Colours
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.items import ImageStrip, lane_pixels
from iouviewer.ui.timeline.pyramid import Pyramid, PyramidColumns

_MAX_NAMES = 6
_CURVE_NAME = tr("IoU per frame")
_MEAN_NAME = tr("Average IoU")


@dataclass(slots=True)
class Series:
    """IoU of one variant by frame.

    Attributes:
        mean: Avg IoU, nan where undefined.
    """

    key: str
    name: str
    colour: str
    dash: str
    pyramid: Pyramid
    mean: float = math.nan

    def pen(self, colours: Colours, *, alone: bool) -> QPen:
        """Pen of the curve; a single variant is orange, as in the source article."""
        colour, dash = (colours.curve, "solid") if alone else (self.colour, self.dash)
        pen: QPen = pg.mkPen(colour, width=1, style=DASH_STYLES[dash])
        return pen


def shorten(name: str, length: int = 12) -> str:
    """The name, cut to ``length`` characters."""
    return name if len(name) <= length else name[: length - 1] + "…"


def name_ticks(series: Sequence[Series]) -> list[tuple[float, str]]:
    """Ticks of the left axis with the names of the strips, the first on top."""
    return [(len(series) - place - 0.5, shorten(one.name)) for place, one in enumerate(series)]


def envelope_points(columns: PyramidColumns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest value of each column as points of one curve."""
    middle = (columns.edges[:-1] + columns.edges[1:] - 1) / 2
    return np.repeat(middle, 2), np.stack([columns.low, columns.high], axis=1).ravel()


class Legend(pg.LegendItem):  # type: ignore[misc]  # pyqtgraph has no type hints
    """One row above the curves."""

    def __init__(self) -> None:
        super().__init__(offset=(-4, 1), verSpacing=-8, labelTextSize="8pt", colCount=_MAX_NAMES)
        self._content: tuple[object, ...] = ()

    def fill(self, series: Sequence[Series], colours: Colours, mean_pen: QPen) -> None:
        """Show the names of the variants; for a single one its curve and its mean."""
        content = (tuple((one.name, one.colour, one.dash) for one in series), colours, QPen(mean_pen))
        if content == self._content:
            # Building the labels takes ten milliseconds, and most calls only follow a change of the scores.
            if len(series) == 1:
                self.show_mean(series[0].mean)
            return
        self._content = content
        self.clear()
        if len(series) != 1:
            for one in series[:_MAX_NAMES]:
                self.addItem(pg.PlotDataItem(pen=one.pen(colours, alone=False)), shorten(one.name))
            return
        curve = pg.PlotDataItem(pen=colours.curve, symbol="o", symbolSize=4, symbolBrush=colours.curve, symbolPen=None)
        # The legend draws the brush of the scatter item, which is not set on an item without data.
        curve.scatter.setBrush(colours.curve)
        curve.scatter.setPen(None)
        self.addItem(curve, _CURVE_NAME)
        self.addItem(pg.PlotDataItem(pen=mean_pen), _MEAN_NAME)
        self.show_mean(series[0].mean)

    def show_mean(self, mean: float) -> None:
        """Show ``Average IoU = 0.81``; only with a single variant."""
        if len(self.items) == 2 and not math.isnan(mean):
            label, text = self.items[1][1], tr("Average IoU = {mean:.2f}", mean=mean)
            # An edit rarely changes the second digit, and setting a text computes its layout.
            if label.text != text:
                label.setText(text)


class Lanes:
    """Thin lanes below the curves: verified frames and the frames of the selected track."""

    def __init__(self) -> None:
        self.verified, self.track = ImageStrip(), ImageStrip()
        self._verified: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._track: NDArray[np.bool_] | None = None

    def set(self, verified: NDArray[np.bool_], track: NDArray[np.bool_] | None) -> None:
        """Verified frames (F,), and the frames of the selected track (F,) or None."""
        self._verified, self._track = verified, track

    def draw(self, span: tuple[float, float], width: int, unit: float, theme: Theme) -> None:
        """Draw for this view.

        Args:
            span: first and last visible frame coordinate.
            width: in pixels.
            unit: height of the plot's y range that the lane positions refer to.
        """
        low, high = span
        pixels = lane_pixels(self._verified, span, width, QColor(theme.colours.accent), QColor(theme.colours.line))
        self.verified.show_pixels(pixels, QRectF(low, -unit * 0.13, high - low, unit * 0.04))
        self.track.setVisible(self._track is not None)
        if self._track is not None:
            pixels = lane_pixels(self._track, span, width, QColor(theme.colours.text), QColor(0, 0, 0, 0))
            self.track.show_pixels(pixels, QRectF(low, -unit * 0.07, high - low, unit * 0.04))
