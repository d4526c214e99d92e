"""The data of the timeline and its legend."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QPen

from iouviewer.app.editing.variant_list import VariantList
from iouviewer.document.variants import Variant
from iouviewer.reports.plot_description import CURVE_LABEL, mean_label
from iouviewer.ui.palette import DASH_STYLES, Colours
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.pyramid import Pyramid, PyramidColumns
from iouviewer.ui.tokens import TYPE
from iouviewer.ui.variant_look import panel_colour

_MAX_NAMES = 6
_BASELINE_WIDTH, _OTHER_WIDTH, _OTHER_ALPHA = 1.4, 1.0, 190


@dataclass(slots=True)
class Series:
    """IoU of one variant by frame.

    Attributes:
        colour: the variant's stored colour.
        mean: Avg IoU, nan where undefined.
    """

    key: str
    name: str
    colour: str
    dash: str
    pyramid: Pyramid
    mean: float = math.nan

    def pen(self, theme: Theme, *, is_first: bool, has_dash: bool) -> QPen:
        """Pen of the curve in the colour of the variant's chip; that of the baseline is the strongest."""
        colour = QColor(panel_colour(self.colour, theme.colours))
        if not is_first:
            colour.setAlpha(_OTHER_ALPHA)
        style = DASH_STYLES[self.dash if has_dash and not is_first else "solid"]
        pen: QPen = pg.mkPen(colour, width=_BASELINE_WIDTH if is_first else _OTHER_WIDTH, style=style)
        return pen


def shown_variants(variants: VariantList, compared: str) -> list[Variant]:
    """The variants of the timeline, the baseline first: with ``compared`` (a key) this pair, else all visible ones."""
    baseline, other = variants.baseline, variants.find(compared) if compared else None
    if baseline is not None and other is not None:
        return [baseline, other]
    return sorted(variants.visible(), key=lambda variant: baseline is None or variant.key != baseline.key)


def difference_of(series: Mapping[str, Series]) -> Pyramid | None:
    """The second of the variants minus the first, by frame; None without a second."""
    if len(series) < 2:
        return None
    base, other = list(series.values())[:2]
    return Pyramid(other.pyramid.values - base.pyramid.values)


def update_difference(difference: Pyramid, series: Mapping[str, Series], frames: Sequence[int]) -> None:
    """Compute the difference of these frames again."""
    base, other = list(series.values())[:2]
    for frame in frames:
        difference.set(frame, float(other.pyramid.values[frame] - base.pyramid.values[frame]))


def article_pen(colours: Colours) -> QPen:
    """Pen of the only curve of an opened plot, as in the source article."""
    pen: QPen = pg.mkPen(colours.curve, width=1)
    return pen


def shorten(name: str, length: int = 16) -> str:
    """The name, cut to ``length`` characters."""
    return name if len(name) <= length else name[: length - 1] + "…"


def envelope_points(columns: PyramidColumns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest value of each column as points of one curve."""
    middle = (columns.edges[:-1] + columns.edges[1:] - 1) / 2
    return np.repeat(middle, 2), np.stack([columns.low, columns.high], axis=1).ravel()


class Legend(pg.LegendItem):  # type: ignore[misc]  # pyqtgraph has no type hints
    """One row above the curves of an opened plot."""

    def __init__(self) -> None:
        size = f"{TYPE['caption'].px:g}px"
        super().__init__(offset=(-4, 1), verSpacing=-8, labelTextSize=size, colCount=_MAX_NAMES)
        self._content: tuple[object, ...] = ()

    def fill(self, series: Sequence[Series], pens: Sequence[QPen], mean_pen: QPen) -> None:
        """Show the names of the variants; for a single one its curve and its mean."""
        content = (tuple(one.name for one in series), tuple(QPen(pen) for pen in pens), QPen(mean_pen))
        if content == self._content:
            # Building the labels takes ten milliseconds, and most calls only follow a change of the scores.
            if len(series) == 1:
                self.show_mean(series[0].mean)
            return
        self._content = content
        self.clear()
        if len(series) != 1:
            for one, pen in list(zip(series, pens, strict=True))[:_MAX_NAMES]:
                self.addItem(pg.PlotDataItem(pen=pen), shorten(one.name))
            return
        colour = pens[0].color()
        curve = pg.PlotDataItem(pen=pens[0], symbol="o", symbolSize=4, symbolBrush=colour, symbolPen=None)
        # The legend draws the brush of the scatter item, which is not set on an item without data.
        curve.scatter.setBrush(colour)
        curve.scatter.setPen(None)
        self.addItem(curve, CURVE_LABEL)
        self.addItem(pg.PlotDataItem(pen=mean_pen), mean_label(0.0))
        self.show_mean(series[0].mean)

    def show_mean(self, mean: float) -> None:
        """Show ``Average IoU = 0.81``; only with a single variant."""
        if len(self.items) == 2 and not math.isnan(mean):
            label, text = self.items[1][1], mean_label(mean)
            # An edit rarely changes the second digit, and setting a text computes its layout.
            if label.text != text:
                label.setText(text)
