"""Right side of Compare: lost and gained boxes, precision and recall, histogram of IoU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QTabWidget, QToolButton, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.ui.compare.changed_objects import SpotList
from iouviewer.ui.compare.differences import BINS, NO_SPOTS, Differences
from iouviewer.ui.palette import DASH_STYLES
from iouviewer.ui.theme import Theme

_MIDDLES = (np.arange(BINS) + 0.5) / BINS


class CompareSide(QWidget):
    """Tabs with lists and plots of one chosen variant against the baseline.

    Signals:
        activatedSpot(Spot): go there.
        variantChosen(str): key of the variant that is compared.
    """

    activatedSpot = Signal(object)
    variantChosen = Signal(str)

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self._differences: Differences | None = None
        self._listed: tuple[object, ...] = ()
        self._drawn: dict[pg.PlotWidget, object] = {}
        self._lines: dict[tuple[pg.PlotWidget, str], pg.PlotDataItem] = {}
        self.variant_box = QComboBox()
        self.variant_box.setObjectName("comparedVariantComboBox")
        self.variant_box.setAccessibleName("Variant that is compared with the baseline")
        self.lost = SpotList(
            "lostList", "Boxes that the baseline finds and this variant does not", "This variant loses nothing."
        )
        self.gained = SpotList(
            "gainedList", "Boxes that this variant finds and the baseline does not", "This variant gains nothing."
        )
        self.pr_plot = _plot("precisionRecallPlot", "Recall", "Precision")
        self.histogram_plot = _plot("iouHistogramPlot", "IoU of the pairs", "Share")
        self.tabs = QTabWidget()
        self.tabs.setObjectName("compareTabs")
        self.tabs.setDocumentMode(True)
        for widget, title in (
            (self.lost, "Lost"),
            (self.gained, "Gained"),
            (self.pr_plot, "PR"),
            (self.histogram_plot, "IoU"),
        ):
            self.tabs.addTab(widget, title)
        self._top = top = QHBoxLayout()
        top.setContentsMargins(8, 4, 8, 4)
        top.setSpacing(2)
        top.addWidget(self.variant_box, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.tabs, 1)
        self.lost.activatedSpot.connect(self.activatedSpot)
        self.gained.activatedSpot.connect(self.activatedSpot)
        self.tabs.currentChanged.connect(self._draw)
        self.variant_box.activated.connect(self._on_variant_activated)
        session.variants.listChanged.connect(self._fill_variants)
        session.variants.variantChanged.connect(self._fill_variants)
        session.sourceChanged.connect(self._fill_variants)
        self.pr_plot.setRange(xRange=(0, 1), yRange=(0, 1.02), padding=0)
        self.set_theme(theme)
        self._fill_variants()

    def add_modes(self, actions: Sequence[QAction]) -> None:
        """Buttons for the ways of showing the two variants, beside the choice of the variant."""
        self._top.addSpacing(6)
        for action in actions:
            button = QToolButton()
            button.setObjectName(action.objectName().replace("action.", "button."))
            button.setDefaultAction(action)
            button.setAccessibleName(action.text())
            self._top.addWidget(button)

    @property
    def compared(self) -> str:
        """Key of the compared variant, empty if there is none."""
        return str(self.variant_box.currentData() or "")

    def _fill_variants(self, _key: str = "") -> None:
        baseline = self._session.variants.baseline
        listed = [v for v in self._session.variants if baseline is not None and v.key != baseline.key]
        names = ("" if baseline is None else baseline.name, *((variant.key, variant.name) for variant in listed))
        if names != self._listed:
            # While a run goes on variants change often, but seldom what is written here.
            self._listed = names
            chosen = self.compared
            self.variant_box.clear()
            for variant in listed:
                self.variant_box.addItem(f"{variant.name} against {names[0]}", variant.key)
            self.variant_box.setCurrentIndex(max(0, self.variant_box.findData(chosen)))
            self.variant_box.setEnabled(self.variant_box.count() > 0)
            if self.compared != chosen:
                self.variantChosen.emit(self.compared)
        self._show()

    def choose(self, key: str) -> None:
        """Compare this variant."""
        place = self.variant_box.findData(key)
        if place >= 0 and place != self.variant_box.currentIndex():
            self.variant_box.setCurrentIndex(place)
            self._on_variant_activated(place)

    def _on_variant_activated(self, _row: int) -> None:
        self.variantChosen.emit(self.compared)
        self._show()

    def set_differences(self, differences: Differences) -> None:
        """Show these results."""
        self._differences = differences
        self._show()

    def _show(self) -> None:
        found = self._differences
        lost = found.lost.get(self.compared, NO_SPOTS) if found is not None else NO_SPOTS
        gained = found.gained.get(self.compared, NO_SPOTS) if found is not None else NO_SPOTS
        known = found is not None and bool(self.compared)
        self.lost.show_spots(lost, self._session, known=known)
        self.gained.show_spots(gained, self._session, known=known)
        for place, name, spots in ((0, "Lost", lost), (1, "Gained", gained)):
            text = f"{name} {len(spots)}" if found is not None else name
            if text != self.tabs.tabText(place):
                self.tabs.setTabText(place, text)
        self._draw()

    def _draw(self, _tab: int = 0) -> None:
        """Draw the curves of the tab in front, where they are not drawn yet; those behind wait until they come."""
        plot = self.tabs.currentWidget()
        if plot is not self.pr_plot and plot is not self.histogram_plot:
            return
        visible = self._session.variants.visible()
        shown = (self._differences, tuple((one.key, one.name, one.colour, one.dash) for one in visible))
        if self._drawn.get(plot) == shown:
            return
        self._drawn[plot] = shown
        found = {} if self._differences is None else self._differences.curves
        wanted = {one.key: one for one in visible if one.key in found}
        for of, key in [line for line in self._lines if line[0] is plot and line[1] not in wanted]:
            plot.removeItem(self._lines.pop((of, key)))
        for variant in wanted.values():
            line = self._lines.get((plot, variant.key))
            if line is None:
                line = self._lines[plot, variant.key] = plot.plot()
            line.opts["name"] = variant.name
            line.setPen(pg.mkPen(variant.colour, width=1, style=DASH_STYLES[variant.dash]))
            curves = found[variant.key]
            points = (curves.recall, curves.precision) if plot is self.pr_plot else (_MIDDLES, curves.histogram)
            line.setData(*points)

    def set_theme(self, theme: Theme) -> None:
        """Colours of the plots."""
        for plot in (self.pr_plot, self.histogram_plot):
            plot.setBackground(theme.base)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(pg.mkPen(theme.line))
                axis.setTextPen(pg.mkPen(theme.muted))


def _plot(name: str, x: str, y: str) -> pg.PlotWidget:
    plot = pg.PlotWidget()
    plot.setObjectName(name)
    plot.setAccessibleName(f"{y} by {x}")
    plot.setLabel("bottom", x)
    plot.setLabel("left", y)
    plot.plotItem.setMenuEnabled(False)
    plot.plotItem.hideButtons()
    plot.showGrid(x=True, y=True, alpha=0.12)
    plot.setMouseEnabled(x=False, y=False)
    return plot
