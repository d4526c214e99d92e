"""Side panel of Compare: lost and gained boxes, precision and recall, histogram of IoU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QTabWidget, QToolButton, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.jobs.differences import BINS, NO_OBJECTS, Differences
from iouviewer.ui.compare.changed_objects import ChangedObjectsView
from iouviewer.ui.palette import DASH_STYLES
from iouviewer.ui.theme import Theme

_BIN_CENTRES = (np.arange(BINS) + 0.5) / BINS
_LOST, _GAINED = tr("Lost"), tr("Gained")


class SidePanel(QWidget):
    """Tabs with lists and plots that compare one variant with the baseline.

    Signals:
        objectActivated(ChangedObject): go there.
        variantChosen(str): key of the compared variant.
    """

    objectActivated = Signal(object)
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
        self.variant_box.setAccessibleName(tr("Variant compared with the baseline"))
        self.lost = ChangedObjectsView(
            "lostList",
            tr("Boxes that the baseline finds and this variant does not"),
            tr("This variant loses no boxes."),
        )
        self.gained = ChangedObjectsView(
            "gainedList",
            tr("Boxes that this variant finds and the baseline does not"),
            tr("This variant gains no boxes."),
        )
        self.pr_plot = _make_plot("precisionRecallPlot", tr("Precision by recall"), tr("Recall"), tr("Precision"))
        self.histogram_plot = _make_plot(
            "iouHistogramPlot", tr("Share of pairs by IoU"), tr("IoU of the pairs"), tr("Share")
        )
        self.tabs = QTabWidget()
        self.tabs.setObjectName("compareTabs")
        self.tabs.setDocumentMode(True)
        for widget, title in (
            (self.lost, _LOST),
            (self.gained, _GAINED),
            (self.pr_plot, tr("PR")),
            (self.histogram_plot, tr("IoU")),
        ):
            self.tabs.addTab(widget, title)
        self._header = header = QHBoxLayout()
        header.setContentsMargins(8, 4, 8, 4)
        header.setSpacing(2)
        header.addWidget(self.variant_box, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(header)
        layout.addWidget(self.tabs, 1)
        self.lost.objectActivated.connect(self.objectActivated)
        self.gained.objectActivated.connect(self.objectActivated)
        self.tabs.currentChanged.connect(self._draw)
        self.variant_box.activated.connect(self._on_variant_box_activated)
        session.variants.listChanged.connect(self._fill_variants)
        session.variants.variantChanged.connect(self._fill_variants)
        session.sourceChanged.connect(self._fill_variants)
        self.pr_plot.setRange(xRange=(0, 1), yRange=(0, 1.02), padding=0)
        self.set_theme(theme)
        self._fill_variants()

    def add_modes(self, actions: Sequence[QAction]) -> None:
        """Add buttons for the display modes beside the choice of the variant."""
        self._header.addSpacing(6)
        for action in actions:
            button = QToolButton()
            button.setObjectName(action.objectName().replace("action.", "button."))
            button.setDefaultAction(action)
            button.setAccessibleName(action.text())
            self._header.addWidget(button)

    @property
    def compared(self) -> str:
        """Key of the compared variant, empty if there is none."""
        return str(self.variant_box.currentData() or "")

    def _fill_variants(self, _key: str = "") -> None:
        baseline = self._session.variants.baseline
        listed = [v for v in self._session.variants if baseline is not None and v.key != baseline.key]
        names = ("" if baseline is None else baseline.name, *((variant.key, variant.name) for variant in listed))
        if names != self._listed:
            # During a run variants change often, but their names rarely do.
            self._listed = names
            chosen = self.compared
            self.variant_box.clear()
            for variant in listed:
                self.variant_box.addItem(
                    tr("{variant} against {baseline}", variant=variant.name, baseline=names[0]), variant.key
                )
            self.variant_box.setCurrentIndex(max(0, self.variant_box.findData(chosen)))
            self.variant_box.setEnabled(self.variant_box.count() > 0)
            if self.compared != chosen:
                self.variantChosen.emit(self.compared)
        self._show()

    def choose(self, key: str) -> None:
        """Compare this variant."""
        row = self.variant_box.findData(key)
        if row >= 0 and row != self.variant_box.currentIndex():
            self.variant_box.setCurrentIndex(row)
            self._on_variant_box_activated(row)

    def _on_variant_box_activated(self, _row: int) -> None:
        self.variantChosen.emit(self.compared)
        self._show()

    def set_differences(self, differences: Differences) -> None:
        """Show these results."""
        self._differences = differences
        self._show()

    def _show(self) -> None:
        differences = self._differences
        lost = differences.lost.get(self.compared, NO_OBJECTS) if differences is not None else NO_OBJECTS
        gained = differences.gained.get(self.compared, NO_OBJECTS) if differences is not None else NO_OBJECTS
        is_complete = differences is not None and bool(self.compared)
        self.lost.show_objects(lost, self._session, is_complete=is_complete)
        self.gained.show_objects(gained, self._session, is_complete=is_complete)
        for tab, title, objects in ((0, _LOST, lost), (1, _GAINED, gained)):
            text = f"{title} {len(objects):,}" if differences is not None else title
            if text != self.tabs.tabText(tab):
                self.tabs.setTabText(tab, text)
        self._draw()

    def _draw(self, _tab: int = 0) -> None:
        """Draw the curves of the current tab if they have changed; hidden tabs are drawn when they are shown."""
        plot = self.tabs.currentWidget()
        if plot is not self.pr_plot and plot is not self.histogram_plot:
            return
        visible = self._session.variants.visible()
        content = (self._differences, tuple((one.key, one.name, one.colour, one.dash) for one in visible))
        if self._drawn.get(plot) == content:
            return
        self._drawn[plot] = content
        all_curves = {} if self._differences is None else self._differences.curves
        drawn = {one.key: one for one in visible if one.key in all_curves}
        for line_key in [line for line in self._lines if line[0] is plot and line[1] not in drawn]:
            plot.removeItem(self._lines.pop(line_key))
        for variant in drawn.values():
            line = self._lines.get((plot, variant.key))
            if line is None:
                line = self._lines[plot, variant.key] = plot.plot()
            line.opts["name"] = variant.name
            line.setPen(pg.mkPen(variant.colour, width=1, style=DASH_STYLES[variant.dash]))
            curves = all_curves[variant.key]
            points = (curves.recall, curves.precision) if plot is self.pr_plot else (_BIN_CENTRES, curves.histogram)
            line.setData(*points)

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        for plot in (self.pr_plot, self.histogram_plot):
            plot.setBackground(theme.colours.base)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(pg.mkPen(theme.colours.line))
                axis.setTextPen(pg.mkPen(theme.colours.text2))


def _make_plot(name: str, accessible_name: str, x: str, y: str) -> pg.PlotWidget:
    plot = pg.PlotWidget()
    plot.setObjectName(name)
    plot.setAccessibleName(accessible_name)
    plot.setLabel("bottom", x)
    plot.setLabel("left", y)
    plot.plotItem.setMenuEnabled(False)
    plot.plotItem.hideButtons()
    plot.showGrid(x=True, y=True, alpha=0.12)
    plot.setMouseEnabled(x=False, y=False)
    return plot
