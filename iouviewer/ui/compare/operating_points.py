"""The points on the curves of Compare: where each variant stands at the confidence threshold, and its best F1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, QSignalBlocker, Signal

from iouviewer.i18n import tr
from iouviewer.jobs.differences import Curves
from iouviewer.metrics.table import Float

_SIZE = 11
_BEST_SIZE = 12


@dataclass(frozen=True, slots=True)
class PlottedCurve:
    """A variant on the plot: its name, its colour there (``#rrggbb``) and its curves."""

    name: str
    colour: str
    curves: Curves


class OperatingPoints(QObject):
    """A dot on each curve that drags along it and sets the confidence of all; a diamond marks the best F1.

    Signals:
        confidenceChosen(float): a dot was dragged to the point of this confidence.
    """

    confidenceChosen = Signal(float)

    def __init__(self, plot: pg.PlotWidget, axes: Callable[[Curves], tuple[Float, Float]]) -> None:
        """``axes``: the x and y of a curve on the plot."""
        super().__init__(plot)
        self._plot, self._axes = plot, axes
        self._curves: dict[str, PlottedCurve] = {}
        self._dots: dict[str, pg.TargetItem] = {}
        self._best = pg.ScatterPlotItem(pxMode=True)
        self._best.setZValue(5)
        # Not by the plot, whose data items are the curves.
        plot.getViewBox().addItem(self._best, ignoreBounds=True)

    def show_points(self, curves: Mapping[str, PlottedCurve], confidence: float) -> None:
        """Mark the points of these variants, by key, at a confidence threshold."""
        self._curves = {key: curve for key, curve in curves.items() if len(curve.curves.recall)}
        for key in self._dots.keys() - self._curves.keys():
            self._plot.getViewBox().removeItem(self._dots.pop(key))
        for key, curve in self._curves.items():
            self._place_dot(key, curve, confidence)
        self._best.setData(
            [
                {
                    "pos": tuple(float(axis[curve.curves.best]) for axis in self._axes(curve.curves)),
                    "symbol": "d",
                    "size": _BEST_SIZE,
                    "pen": pg.mkPen(curve.colour, width=1.6),
                    "brush": None,
                }
                for curve in self._curves.values()
            ]
        )

    def _place_dot(self, key: str, curve: PlottedCurve, confidence: float) -> None:
        dot = self._dots.get(key)
        if dot is None:
            dot = self._dots[key] = pg.TargetItem(size=_SIZE, symbol="o", movable=True)
            dot.setZValue(10)
            dot.sigPositionChanged.connect(lambda _dot, key=key: self._on_dot_moved(key))
            self._plot.getViewBox().addItem(dot, ignoreBounds=True)
        dot.setPen(pg.mkPen(curve.colour, width=1.6))
        dot.setBrush(pg.mkBrush(curve.colour))
        dot.setHoverPen(pg.mkPen(curve.colour, width=3))
        dot.setHoverBrush(pg.mkBrush(curve.colour))
        place = curve.curves.place_at(confidence)
        dot.setVisible(place >= 0)
        if place >= 0:
            self._move(dot, curve.curves, place)

    def _move(self, dot: pg.TargetItem, curves: Curves, place: int) -> None:
        with QSignalBlocker(dot):
            dot.setPos(*(float(axis[place]) for axis in self._axes(curves)))

    def _on_dot_moved(self, key: str) -> None:
        curves, dot = self._curves[key].curves, self._dots[key]
        at: QPointF = dot.pos()
        x, y = self._axes(curves)
        place = int(np.argmin((x - at.x()) ** 2 + (y - at.y()) ** 2))
        self._move(dot, curves, place)
        self.confidenceChosen.emit(float(curves.confidences[place]))

    def text(self, confidence: float) -> str:
        """Both points of each variant in words, a line each."""
        lines = []
        for curve in self._curves.values():
            found, place = curve.curves, curve.curves.place_at(confidence)
            values = {"variant": curve.name, "best": found.f1(found.best), "confidence": found.confidences[found.best]}
            if place < 0:
                lines.append(tr("{variant}: best F1 {best:.3f} at confidence {confidence:.2f}", **values))
                continue
            text = tr(
                "{variant}: F1 {f1:.3f} at confidence {now:.2f}, best {best:.3f} at {confidence:.2f}",
                f1=found.f1(place),
                now=confidence,
                **values,
            )
            lines.append(text)
        return "\n".join(lines)
