"""Right side of Compare: the boxes that changed, precision and recall, and the histogram of IoU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.jobs.breakdown import Breakdown
from iouviewer.jobs.differences import BINS, MOVED_IOU, NO_OBJECTS, ChangedObject, ChangedObjects, Differences
from iouviewer.ui.compare.breakdown import BreakdownPage
from iouviewer.ui.compare.changed_objects import ChangedObjectsView
from iouviewer.ui.compare.operating_points import OperatingPoints, PlottedCurve
from iouviewer.ui.compare.speed_page import SpeedPage
from iouviewer.ui.theme import Theme
from iouviewer.ui.shell.menu_button import MenuButton
from iouviewer.ui.tokens import SPACE
from iouviewer.ui.variant_look import dash_icon, panel_colour, variant_pen

_BIN_CENTRES = (np.arange(BINS) + 0.5) / BINS
_DASH_SIZE = QSize(22, 12)
_CURVE_WIDTH = 1.4


class _Kind(NamedTuple):
    """One kind of change: the name of its list in ``Differences``, and its texts."""

    field: str
    title: str
    list_name: str
    accessible_name: str
    empty_text: str


_KINDS = (
    _Kind(
        "lost",
        tr("Lost"),
        "lostList",
        tr("Boxes that the baseline finds and this variant does not"),
        tr("This variant loses no boxes."),
    ),
    _Kind(
        "gained",
        tr("Gained"),
        "gainedList",
        tr("Boxes that this variant finds and the baseline does not"),
        tr("This variant gains no boxes."),
    ),
    _Kind(
        "moved",
        tr("Moved"),
        "movedList",
        tr("Boxes that both find, with an IoU that differs by at least {step:g}", step=MOVED_IOU),
        tr("No box that both find differs by {step:g} or more in IoU.", step=MOVED_IOU),
    ),
)


class SidePanel(QWidget):
    """Tabs that compare one variant with the baseline.

    Signals:
        objectActivated(ChangedObject): go there.
        variantChosen(str): key of the compared variant.
        confidenceChosen(float): a point on a curve was dragged to this confidence.
        breakdownShown(bool): the tab that breaks the difference down is shown, or another one.
    """

    objectActivated = Signal(object)
    variantChosen = Signal(str)
    confidenceChosen = Signal(float)
    breakdownShown = Signal(bool)

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._differences: Differences | None = None
        self._compared = ""
        self._drawn: dict[pg.PlotWidget, object] = {}
        self._lines: dict[tuple[pg.PlotWidget, str], pg.PlotDataItem] = {}
        self.lists = tuple(ChangedObjectsView(kind.list_name, kind.accessible_name, kind.empty_text) for kind in _KINDS)
        self.lost, self.gained, self.moved = self.lists
        self.pr_plot = _make_plot("precisionRecallPlot", tr("Precision by recall"), tr("Recall"), tr("Precision"))
        self.histogram_plot = _make_plot(
            "iouHistogramPlot", tr("Share of pairs by IoU"), tr("IoU of the pairs"), tr("Share")
        )
        self.tabs = QTabWidget()
        self.tabs.setObjectName("compareTabs")
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._create_changes(), tr("Changes"))
        self.tabs.addTab(self._create_curves(), tr("PR"))
        self.tabs.addTab(self.histogram_plot, tr("IoU"))
        self._breakdowns: dict[str, Breakdown] = {}
        self.breakdown = BreakdownPage(session)
        self.tabs.addTab(self.breakdown, tr("Breakdown"))
        self.breakdown.placeActivated.connect(self.objectActivated)
        self.speed = SpeedPage(session)
        self.tabs.addTab(self.speed, tr("Speed"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs, 1)
        self.tabs.currentChanged.connect(self._draw)
        self.tabs.currentChanged.connect(self._on_tab_changed)
        session.variants.listChanged.connect(self._on_variants_changed)
        session.variants.variantChanged.connect(self._on_variants_changed)
        session.sourceChanged.connect(self._on_variants_changed)
        session.scoresChanged.connect(self._show_points)
        # Beyond 1, so that the whole dot of a curve that ends there can be taken.
        self.pr_plot.setRange(xRange=(0, 1.04), yRange=(0, 1.04), padding=0)
        self.set_theme(theme)
        self._on_variants_changed()

    def _create_curves(self) -> QWidget:
        """The curves of precision by recall, and both of their points in words."""
        self._curves_page = QWidget()
        self.points = OperatingPoints(self.pr_plot)
        self.points.confidenceChosen.connect(self.confidenceChosen)
        self.points_text = QLabel()
        self.points_text.setObjectName("operatingPoints")
        self.points_text.setToolTip(
            tr(
                "The dots are the confidence threshold: drag one along its curve. A diamond marks the best F1 at "
                "IoU 0.50."
            )
        )
        self.points_text.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], SPACE["xs"])
        layout = QVBoxLayout(self._curves_page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.pr_plot, 1)
        layout.addWidget(self.points_text)
        return self._curves_page

    def _show_points(self) -> None:
        """Mark the points of the pair at the confidence threshold."""
        if self.tabs.currentWidget() is not self._curves_page:
            return
        curves = {} if self._differences is None else self._differences.curves
        baseline = self._session.variants.baseline
        pair = [baseline, self._session.variants.find(self._compared) if self._compared else None]
        shown = {
            one.key: PlottedCurve(one.name, panel_colour(one.colour, self._theme.colours), curves[one.key])
            for one in pair
            if one is not None and one.key in curves
        }
        confidence = self._session.scores.settings.review.conf
        self.points.show_points(shown, confidence)
        self.points_text.setText(self.points.text(confidence))
        self.points_text.setVisible(bool(self.points_text.text()))

    def _create_changes(self) -> QWidget:
        """Both names, the choice between the three lists, and the list."""
        changes = QWidget()
        self._names = tuple((QLabel(), QLabel()) for _ in range(2))
        self._head = head = QHBoxLayout()
        head.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], 0)
        head.setSpacing(SPACE["xs"])
        for dash, name in self._names:
            head.addWidget(dash)
            head.addWidget(name)
        head.addStretch(1)
        self._stack, self._kind_buttons = QStackedWidget(), QButtonGroup(self)
        row = QHBoxLayout()
        row.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], SPACE["xs"])
        row.setSpacing(SPACE["xs"])
        for number, (kind, view) in enumerate(zip(_KINDS, self.lists, strict=True)):
            button = QToolButton()
            button.setObjectName(f"changes.{kind.field}")
            button.setText(kind.title)
            button.setToolTip(kind.accessible_name)
            button.setCheckable(True)
            button.setProperty("segment", True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            self._kind_buttons.addButton(button, number)
            row.addWidget(button)
            self._stack.addWidget(view)
            view.objectActivated.connect(self.objectActivated)
        row.addStretch(1)
        self._kind_buttons.button(0).setChecked(True)
        self._kind_buttons.idClicked.connect(self._stack.setCurrentIndex)
        layout = QVBoxLayout(changes)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(row)
        layout.addWidget(self._stack, 1)
        return changes

    def add_modes(self, actions: Sequence[QAction]) -> None:
        """Add a button with the comparison layouts at the right end of the tabs; it shows the one that is used."""
        button = MenuButton("compareLayout")
        button.setText(tr("Layout"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.fill(actions)

        def show_current() -> None:
            for action in actions:
                if action.isChecked():
                    button.setIcon(action.icon())
                    button.setAccessibleName(tr("Comparison layout: {layout}", layout=action.text()))
                    button.setToolTip(button.accessibleName())

        for action in actions:
            action.changed.connect(show_current)
        show_current()
        self.tabs.setCornerWidget(button)

    def show_page(self, page: QWidget) -> None:
        """Show one of the tabs."""
        self.tabs.setCurrentWidget(page)

    # The compared pair

    @property
    def compared(self) -> str:
        """Key of the compared variant, empty if there is none."""
        return self._compared

    def choose(self, key: str) -> None:
        """Compare this variant with the baseline; the baseline itself and unknown variants change nothing."""
        if key != self._compared and key in {variant.key for variant in self._others()}:
            self._compared = key
            self._show()
            self.variantChosen.emit(key)

    def _others(self) -> list[Variant]:
        baseline = self._session.variants.baseline
        return [v for v in self._session.variants if baseline is not None and v.key != baseline.key]

    def _on_variants_changed(self, _key: str = "") -> None:
        others = self._others()
        if self._compared not in {variant.key for variant in others}:
            self._compared = others[0].key if others else ""
            self.variantChosen.emit(self._compared)
        self._show_names()
        self._show()

    def _show_names(self) -> None:
        variants = self._session.variants
        pair = (variants.baseline, variants.find(self._compared) if self._compared else None)
        for (dash, name), variant in zip(self._names, pair, strict=True):
            dash.setVisible(variant is not None and None not in pair)
            name.setVisible(variant is not None and None not in pair)
            if variant is not None:
                icon = dash_icon(variant.colour, panel_colour(variant.colour, self._theme.colours))
                dash.setPixmap(icon.pixmap(_DASH_SIZE))
                name.setText(variant.name)

    # Changes

    def set_differences(self, differences: Differences) -> None:
        """Show these results."""
        self._differences = differences
        self._show()

    def set_breakdowns(self, breakdowns: dict[str, Breakdown]) -> None:
        """Show these tables."""
        self._breakdowns = breakdowns
        self.breakdown.show_breakdown(breakdowns.get(self._compared), has_variant=bool(self._compared))

    def _on_tab_changed(self, _tab: int) -> None:
        self.breakdownShown.emit(self.tabs.currentWidget() is self.breakdown)

    def changes(self) -> list[ChangedObject]:
        """All changed objects of the compared variant, by frame."""
        found: list[ChangedObject] = []
        for kind in _KINDS:
            objects = self._objects(kind)
            found += [objects[place] for place in range(len(objects))]
        return sorted(found, key=lambda one: (one.frame, one.box_id))

    def reveal(self, changed: ChangedObject) -> None:
        """Show the list of an object and select its row, without going there."""
        for number, (kind, view) in enumerate(zip(_KINDS, self.lists, strict=True)):
            row = self._objects(kind).row_of(changed.box_id)
            if row >= 0:
                self.tabs.setCurrentIndex(0)
                self._kind_buttons.button(number).setChecked(True)
                self._stack.setCurrentIndex(number)
                view.select_row(row)
                view.scrollTo(view.objects.index(row, 0))
                return

    def _objects(self, kind: _Kind) -> ChangedObjects:
        if self._differences is None:
            return NO_OBJECTS
        by_variant: dict[str, ChangedObjects] = getattr(self._differences, kind.field)
        return by_variant.get(self._compared, NO_OBJECTS)

    def _show(self) -> None:
        self._show_names()
        is_known = self._differences is not None and bool(self._compared)
        for number, (kind, view) in enumerate(zip(_KINDS, self.lists, strict=True)):
            objects = self._objects(kind)
            view.show_objects(objects, self._session, is_complete=is_known)
            text = f"{kind.title} {len(objects):,}" if is_known else kind.title
            self._kind_buttons.button(number).setText(text)
        self.breakdown.show_breakdown(self._breakdowns.get(self._compared), has_variant=bool(self._compared))
        self._draw()

    # Curves

    def _draw(self, _tab: int = 0) -> None:
        """Draw the curves of the current tab if they have changed; hidden tabs are drawn when they are shown."""
        page = self.tabs.currentWidget()
        plot = self.pr_plot if page is self._curves_page else page
        if plot is not self.pr_plot and plot is not self.histogram_plot:
            return
        self._show_points()
        visible = self._session.variants.visible()
        content = (self._differences, self._theme, tuple((one.key, one.name, one.colour) for one in visible))
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
            pen = variant_pen(variant.colour, panel_colour(variant.colour, self._theme.colours), _CURVE_WIDTH)
            pen.setCosmetic(True)  # a width in pixels, not in units of the axes
            line.setPen(pen)
            curves = all_curves[variant.key]
            points = (curves.recall, curves.precision) if plot is self.pr_plot else (_BIN_CENTRES, curves.histogram)
            line.setData(*points)

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self._theme = theme
        for plot in (self.pr_plot, self.histogram_plot):
            plot.setBackground(theme.colours.base)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(pg.mkPen(theme.colours.line))
                axis.setTextPen(pg.mkPen(theme.colours.text2))
        self._show_names()
        self._draw()


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
