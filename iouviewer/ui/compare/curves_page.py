"""The curves of Compare: precision by recall, F1 by confidence, and the histogram of IoU."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.jobs.differences import BINS, Curves, Differences
from iouviewer.metrics.table import Float
from iouviewer.ui.compare.analysis_parts import segment_button
from iouviewer.ui.compare.operating_points import OperatingPoints, PlottedCurve
from iouviewer.ui.theme import Theme
from iouviewer.ui.tokens import SPACE
from iouviewer.ui.variant_look import panel_colour, variant_pen

_BIN_CENTRES = (np.arange(BINS) + 0.5) / BINS
_CURVE_WIDTH = 1.4
_POINTS_HELP = tr(
    "The dots are the confidence threshold: drag one along its curve. A diamond marks the best F1 at IoU 0.50."
)


class CurvesPage(QWidget):
    """Three plots, one at a time; those with operating points also have both points in words.

    Signals:
        confidenceChosen(float): a point on a curve was dragged to this confidence.
    """

    confidenceChosen = Signal(float)

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._differences: Differences | None = None
        self._compared = ""
        self._drawn: dict[pg.PlotWidget, object] = {}
        self._lines: dict[tuple[pg.PlotWidget, str], pg.PlotDataItem] = {}
        self.pr_plot = _make_plot("precisionRecallPlot", tr("Precision by recall"), tr("Recall"), tr("Precision"))
        self.f1_plot = _make_plot("f1Plot", tr("F1 by confidence"), tr("Confidence"), tr("F1"))
        self.histogram_plot = _make_plot(
            "iouHistogramPlot", tr("Share of pairs by IoU"), tr("IoU of the pairs"), tr("Share")
        )
        # Beyond 1, so that the whole dot of a curve that ends there can be taken.
        for plot in (self.pr_plot, self.f1_plot):
            plot.setRange(xRange=(0, 1.04), yRange=(0, 1.04), padding=0)
        self.points = OperatingPoints(self.pr_plot, lambda curves: (curves.recall, curves.precision))
        self.f1_points = OperatingPoints(self.f1_plot, lambda curves: (curves.confidences, curves.f1_values))
        self._plots = (self.pr_plot, self.f1_plot, self.histogram_plot)
        self._stack, self._buttons = QStackedWidget(), QButtonGroup(self)
        row = QHBoxLayout()
        row.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], 0)
        row.setSpacing(SPACE["xs"])
        titles = (("pr", tr("PR")), ("f1", tr("F1")), ("iou", tr("IoU")))
        for number, ((name, text), plot) in enumerate(zip(titles, self._plots, strict=True)):
            button = segment_button(f"curves.{name}", text, plot.accessibleName())
            self._buttons.addButton(button, number)
            row.addWidget(button)
            self._stack.addWidget(plot)
        row.addStretch(1)
        self._buttons.button(0).setChecked(True)
        self._buttons.idClicked.connect(self._on_plot_chosen)
        self.points_text = QLabel()
        self.points_text.setObjectName("operatingPoints")
        self.points_text.setToolTip(_POINTS_HELP)
        self.points_text.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], SPACE["xs"])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.points_text)
        for points in (self.points, self.f1_points):
            points.confidenceChosen.connect(self.confidenceChosen)
        session.scoresChanged.connect(self._show_points)
        self.set_theme(theme)

    def _on_plot_chosen(self, number: int) -> None:
        self._stack.setCurrentIndex(number)
        self.draw()

    def show_curves(self, differences: Differences | None, compared: str) -> None:
        """Draw these curves if the page is shown, else when it is; ``compared``: key of the compared variant."""
        self._differences, self._compared = differences, compared
        self.draw()

    def _curves_of(self, variant: Variant) -> Curves | None:
        return None if self._differences is None else self._differences.curves.get(variant.key)

    def _show_points(self) -> None:
        """Mark the points of the pair at the confidence threshold."""
        if not self.isVisible() or self._stack.currentWidget() is self.histogram_plot:
            self.points_text.setVisible(False)
            return
        variants = self._session.variants
        pair = [variants.baseline, variants.find(self._compared) if self._compared else None]
        shown = {
            one.key: PlottedCurve(one.name, panel_colour(one.colour, self._theme.colours), curves)
            for one in pair
            if one is not None and (curves := self._curves_of(one)) is not None
        }
        confidence = self._session.scores.settings.review.conf
        points = self.points if self._stack.currentWidget() is self.pr_plot else self.f1_points
        points.show_points(shown, confidence)
        self.points_text.setText(points.text(confidence))
        self.points_text.setVisible(bool(self.points_text.text()))

    def draw(self) -> None:
        """Draw the curves of the plot on the screen if they have changed; hidden ones are drawn when they are shown."""
        if not self.isVisible():
            return
        self._show_points()
        plot = self._plots[self._stack.currentIndex()]
        visible = self._session.variants.visible()
        content = (self._differences, self._theme, tuple((one.key, one.name, one.colour) for one in visible))
        if self._drawn.get(plot) == content:
            return
        self._drawn[plot] = content
        drawn = {one.key: (one, curves) for one in visible if (curves := self._curves_of(one)) is not None}
        for line_key in [line for line in self._lines if line[0] is plot and line[1] not in drawn]:
            plot.removeItem(self._lines.pop(line_key))
        for variant, curves in drawn.values():
            line = self._lines.get((plot, variant.key))
            if line is None:
                line = self._lines[plot, variant.key] = plot.plot()
            line.opts["name"] = variant.name
            pen = variant_pen(variant.colour, panel_colour(variant.colour, self._theme.colours), _CURVE_WIDTH)
            pen.setCosmetic(True)  # a width in pixels, not in units of the axes
            line.setPen(pen)
            line.setData(*self._points_of(plot, curves))

    def _points_of(self, plot: pg.PlotWidget, curves: Curves) -> tuple[Float, Float]:
        if plot is self.pr_plot:
            return curves.recall, curves.precision
        if plot is self.f1_plot:
            return curves.confidences, curves.f1_values
        return _BIN_CENTRES, curves.histogram

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self._theme = theme
        for plot in (self.pr_plot, self.f1_plot, self.histogram_plot):
            plot.setBackground(theme.colours.base)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(pg.mkPen(theme.colours.line))
                axis.setTextPen(pg.mkPen(theme.colours.text2))
        self.draw()


def _make_plot(name: str, accessible_name: str, x: str, y: str) -> pg.PlotWidget:
    plot = pg.PlotWidget()
    plot.setObjectName(name)
    plot.setAccessibleName(accessible_name)
    plot.setLabel("bottom", x)
    plot.setLabel("left", y)
    plot.getAxis("left").enableAutoSIPrefix(False)  # 0.15, not "150 (x0.001)"
    plot.plotItem.setMenuEnabled(False)
    plot.plotItem.hideButtons()
    plot.showGrid(x=True, y=True, alpha=0.12)
    plot.setMouseEnabled(x=False, y=False)
    return plot
