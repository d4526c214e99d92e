"""The two workspaces: the same canvas and timeline in two layouts, whose panels fold and remember their sizes."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.compare.compare_view import CompareView
from iouviewer.ui.compare.side_panel import SidePanel
from iouviewer.ui.compare.variants_table import VariantsPanel
from iouviewer.ui.compare.verdicts import VerdictPanel
from iouviewer.ui.panels.boxes import BoxesPanel
from iouviewer.ui.panels.history import HistoryPanel
from iouviewer.ui.panels.inspector import Inspector
from iouviewer.ui.panels.notes import NotesPanel
from iouviewer.ui.panels.playback_bar import PlaybackBar
from iouviewer.ui.panels.problems import ProblemsPanel
from iouviewer.ui.panels.score_controls import ScoreControls
from iouviewer.ui.panels.tracks import TracksPanel
from iouviewer.ui.shell.layer_bar import LayerBar
from iouviewer.ui.shell.layout_plan import LayoutPlan, plan_layout
from iouviewer.ui.shell.panel_splitter import PanelSplitter, edge_strip
from iouviewer.ui.shell.side_tabs import SideTabs
from iouviewer.ui.shell.tool_rail import ToolRail
from iouviewer.ui.timeline.view import TimelineView
from iouviewer.ui.tokens import SIZE

COMPARE_ROWS = 5
"""Rows of the variants table that Compare shows without scrolling."""
LARGE_COMPARE_ROWS = 12
"""The same in a large window."""


class Workspace(StrEnum):
    """The layouts of the window."""

    CORRECT = "correct"
    COMPARE = "compare"
    DATASET = "dataset"


class Panel(StrEnum):
    """The panels that fold."""

    RAIL = "rail"
    SIDE = "side"
    TIMELINE = "timeline"


@dataclass(frozen=True, slots=True)
class WorkspaceViews:
    """The views that both workspaces share, and those of one."""

    canvas: CanvasView
    other_canvas: CanvasView
    timeline: TimelineView
    playback_bar: PlaybackBar
    problems: ProblemsPanel
    boxes: BoxesPanel
    tracks: TracksPanel
    notes: NotesPanel
    history: HistoryPanel
    variants: VariantsPanel
    inspector: Inspector
    verdicts: VerdictPanel
    side_panel: SidePanel
    compare_view: CompareView
    controls: ScoreControls
    side_tabs: SideTabs

    def lists(self) -> tuple[QWidget, ...]:
        """The lists and lanes, whose keys pass the filter of keys."""
        return (
            *self.problems.lists,
            self.boxes.table,
            self.tracks.table,
            self.notes.table,
            self.history.table,
            self.variants.table,
            self.timeline.lanes,
            self.timeline.lane_row,
            *self.side_panel.lists,
        )


class Workspaces(QStackedWidget):
    """Moves the shared views into the workspace that is shown.

    Signals:
        planChanged(LayoutPlan): the window has another size, and parts outside the workspaces give way too.
        layoutChanged(): the user moved a splitter, or folded or opened a panel.
    """

    planChanged = Signal(object)
    layoutChanged = Signal()

    def __init__(self, views: WorkspaceViews, layer_bar: LayerBar, rail: ToolRail) -> None:
        super().__init__()
        self.views, self.layer_bar, self.rail = views, layer_bar, rail
        self.current = Workspace.CORRECT
        self.plan = plan_layout(0, 0)
        self._folded: dict[Workspace, set[Panel]] = {workspace: set() for workspace in Workspace}
        self._before_full: set[Panel] | None = None
        self._dataset_widgets: Callable[[], list[QWidget]] = list
        self._correct_canvas, self._correct_timeline, self._correct_playback = _slot(), _slot(), _slot()
        self._compare_canvas, self._compare_timeline = views.compare_view.slot, _slot()
        self._compare_playback, self._compare_variants = _slot(), _slot()
        self._strips: dict[tuple[Workspace, Panel], QToolButton] = {
            (workspace, panel): self._make_strip(panel)
            for workspace in Workspace
            for panel in Panel
            if workspace is not Workspace.DATASET and (workspace, panel) != (Workspace.COMPARE, Panel.RAIL)
        }
        self.addWidget(self._create_correct())
        self.addWidget(self._create_compare())
        for splitter in self._splitters.values():
            splitter.chosen.connect(self.layoutChanged)
        views.variants.model.modelReset.connect(self._fit_variants)
        views.variants.model.rowsInserted.connect(self._fit_variants)
        views.variants.model.rowsRemoved.connect(self._fit_variants)
        views.timeline.heightWanted.connect(self._fit_timeline)
        self.show_workspace(Workspace.CORRECT)

    def _make_strip(self, panel: Panel) -> QToolButton:
        texts = {
            Panel.RAIL: (tr("Open tool rail"), Qt.ArrowType.RightArrow),
            Panel.SIDE: (tr("Open side panel"), Qt.ArrowType.LeftArrow),
            Panel.TIMELINE: (tr("Open timeline"), Qt.ArrowType.UpArrow),
        }
        text, arrow = texts[panel]
        strip = edge_strip(panel.value, text, arrow)
        strip.clicked.connect(lambda: self.toggle(panel))
        return strip

    # Creation

    def _create_correct(self) -> QWidget:
        views, strips, workspace = self.views, self._strips, Workspace.CORRECT
        work_area = _row(self.rail, strips[workspace, Panel.RAIL], self._correct_canvas)
        upper = _column(work_area, self._correct_playback)
        timeline = PanelSplitter(
            Qt.Orientation.Vertical, "correctLeft", upper, self._correct_timeline, SIZE["timeline"]
        )
        left = _column(self.layer_bar, timeline, strips[workspace, Panel.TIMELINE])
        self._main = QStackedWidget()
        self._main.addWidget(left)
        self._main.addWidget(views.problems.grid_page)
        inspector = QFrame()
        inspector.setObjectName("inspectorSlot")
        _fill(inspector, views.inspector)
        lists = PanelSplitter(Qt.Orientation.Vertical, "correctRight", views.side_tabs, inspector, SIZE["inspector"])
        side = QFrame()
        side.setObjectName("sidePanel")
        side.setMinimumWidth(SIZE["side_panel_min"] - SIZE["edge_strip"])
        _fill(side, lists)
        whole = PanelSplitter(Qt.Orientation.Horizontal, "correctWorkspace", self._main, side, SIZE["side_panel"])
        self._splitters = {"timeline": timeline, "inspector": lists, "side": whole}
        return _row(whole, strips[workspace, Panel.SIDE])

    def _create_compare(self) -> QWidget:
        views, strips, workspace = self.views, self._strips, Workspace.COMPARE
        pictures = PanelSplitter(
            Qt.Orientation.Horizontal, "comparePictures", views.compare_view, views.side_panel, SIZE["compare_side"]
        )
        upper = _column(_row(pictures, strips[workspace, Panel.SIDE]), self._compare_playback)
        timeline = PanelSplitter(
            Qt.Orientation.Vertical, "compareLower", upper, self._compare_timeline, SIZE["timeline"]
        )
        self._splitters |= {"compareSide": pictures, "compareTimeline": timeline}
        # Verdicts and table have the height of their content; the splitter divides the space below them.
        top = _column(views.verdicts, self._compare_variants)
        top.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        whole = _column(top, timeline, strips[workspace, Panel.TIMELINE])
        whole.setObjectName("compareWorkspace")
        return whole

    def add_dataset(self, page: QWidget, focus_widgets: Callable[[], list[QWidget]]) -> None:
        """Add the page of the workspace of all sources; it has no views of the others."""
        self._dataset_widgets = focus_widgets
        self.addWidget(page)

    # Workspaces

    def focus_main(self) -> None:
        """Give the keyboard to what a person works on in the workspace."""
        widget = self._dataset_widgets()[-1] if self.current is Workspace.DATASET else self.views.canvas
        widget.setFocus()

    def show_workspace(self, workspace: Workspace) -> None:
        """Show a workspace; the views keep their content."""
        self.current = workspace
        if workspace is Workspace.DATASET:
            self.setCurrentIndex(2)
            return
        correct = workspace is Workspace.CORRECT
        views = self.views
        canvas, timeline, playback = (
            (self._correct_canvas, self._correct_timeline, self._correct_playback)
            if correct
            else (self._compare_canvas, self._compare_timeline, self._compare_playback)
        )
        moved: tuple[tuple[QWidget, QWidget], ...] = (
            (canvas, views.canvas),
            (timeline, views.timeline),
            (playback, views.playback_bar),
            (self._compare_variants, views.variants),
        )
        for slot, part in moved:
            layout = slot.layout()
            if layout is not None:
                layout.addWidget(part)
        if correct:
            self.layer_bar.add_controls(views.controls)
        else:
            views.playback_bar.add_right(views.controls)
            views.controls.set_folded(self.plan.are_thresholds_folded)
        self._fit_variants()
        views.timeline.set_always_strips(not correct)
        views.playback_bar.lanes_button.setVisible(correct)
        self.setCurrentIndex(0 if correct else 1)

    def show_grid(self, shown: bool) -> None:
        """Show the grid of problems in place of canvas and timeline of Correct."""
        self._main.setCurrentIndex(int(shown))

    def set_reviewing(self, reviewing: bool) -> None:
        """Give the list of problems the height of the inspector while problems are reviewed."""
        self._splitters["inspector"].set_folded(reviewing)

    def _fit_variants(self) -> None:
        """Make the table as high as its first rows; a row cut off looks like the end of the list."""
        table = self.views.variants.table
        most = LARGE_COMPARE_ROWS if self.plan.side > SIZE["side_panel"] else COMPARE_ROWS
        rows = min(max(self.views.variants.model.rowCount(), 1), most)
        header_height = table.horizontalHeader().sizeHint().height()
        table.setFixedHeight(header_height + rows * table.verticalHeader().defaultSectionSize())

    def _fit_timeline(self) -> None:
        """Give the timeline the height that lanes or an opened plot need."""
        wanted = self.views.timeline.wanted_height(self.window().height())
        if wanted is not None and self.is_folded(Panel.TIMELINE):
            self.toggle(Panel.TIMELINE)
        for name in ("timeline", "compareTimeline"):
            self._splitters[name].want(wanted)

    # Sizes

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.update_plan()

    def update_plan(self) -> None:
        """Use the plan for the size of the window."""
        size = self.window().size()
        self._fit_timeline()
        plan = plan_layout(size.width(), size.height())
        if plan != self.plan:
            self.plan = plan
            self._use_plan(plan)
            self.planChanged.emit(plan)

    def _use_plan(self, plan: LayoutPlan) -> None:
        sizes = {"timeline": plan.timeline, "inspector": plan.inspector, "side": plan.side}
        sizes["compareTimeline"] = plan.timeline
        for name, size in sizes.items():
            self._splitters[name].plan(size)
        self.rail.set_words(plan.has_rail_words)
        self.layer_bar.use_plan(plan)
        self._fit_variants()

    # Folding

    def is_folded(self, panel: Panel) -> bool:
        """Whether a panel of the current workspace is folded."""
        return panel in self._folded[self.current]

    def toggle(self, panel: Panel) -> None:
        """Fold a panel of the current workspace, or open it."""
        folded = self._folded[self.current]
        self._fold(self.current, folded ^ {panel})
        self.layoutChanged.emit()

    def set_all_folded(self, all_folded: bool) -> None:
        """Fold all panels of the current workspace; False: open those that were open before."""
        if all_folded:
            self._before_full = set(self._folded[self.current])
            self._fold(self.current, set(Panel))
        elif self._before_full is not None:
            self._fold(self.current, self._before_full)
            self._before_full = None

    def restore_default(self) -> None:
        """Open all panels of the current workspace at the sizes of the layout plan."""
        self._fold(self.current, set())
        is_compare = self.current is Workspace.COMPARE
        for name, splitter in self._splitters.items():
            if name.startswith("compare") is is_compare:
                splitter.choose(None)
        self.layoutChanged.emit()

    def _fold(self, workspace: Workspace, folded: set[Panel]) -> None:
        self._folded[workspace] = folded = {panel for panel in folded if (workspace, panel) in self._strips}
        prefix = "compare" if workspace is Workspace.COMPARE else ""
        for panel in Panel:
            if (workspace, panel) not in self._strips:
                continue
            is_folded = panel in folded
            self._strips[workspace, panel].setVisible(is_folded)
            if panel is Panel.RAIL:
                self.rail.setVisible(not is_folded)
            else:
                name = f"{prefix}{panel.value.capitalize()}" if prefix else panel.value
                self._splitters[name].set_folded(is_folded)

    # Remembering

    def layout_text(self) -> str:
        """Sizes that the user chose and folded panels, as JSON for the settings."""
        full = {self.current: self._before_full} if self._before_full is not None else {}
        return json.dumps(
            {
                "sizes": {name: s.chosen_size for name, s in self._splitters.items() if s.chosen_size is not None},
                "folded": {w.value: sorted(full.get(w) or folded) for w, folded in self._folded.items()},
            }
        )

    def restore_layout(self, text: str) -> None:
        """Restore what ``layout_text`` returned; a text of another form changes nothing."""
        with suppress(ValueError, TypeError, AttributeError, KeyError):
            stored = json.loads(text)
            for name, size in stored["sizes"].items():
                if name in self._splitters and isinstance(size, int):
                    self._splitters[name].choose(size)
            for name, panels in stored["folded"].items():
                self._fold(Workspace(name), {Panel(panel) for panel in panels})

    def areas(self) -> list[list[QWidget]]:
        """The areas that F6 visits in this workspace, each with its widgets in the order of the focus."""
        views = self.views
        if self.current is Workspace.DATASET:
            return [[widget] for widget in self._dataset_widgets()]
        if self.current is Workspace.CORRECT:
            return [
                [*self.layer_bar.focus_widgets(), *views.controls.focus_widgets()],
                [*self.rail.buttons.values()],
                [views.canvas],
                views.playback_bar.focus_widgets(),
                views.timeline.focus_widgets(),
                [views.side_tabs.tabBar(), *_lists(views.side_tabs)],
                [views.inspector],
            ]
        lists: list[QWidget] = [view for view in views.side_panel.lists if view.isVisible()]
        return [
            views.verdicts.focus_widgets(),
            [views.variants.table],
            [views.canvas, *views.compare_view.panels],
            views.playback_bar.focus_widgets(),
            views.timeline.focus_widgets(),
            lists,
        ]


def _lists(tabs: SideTabs) -> list[QWidget]:
    current = tabs.currentWidget()
    return [] if current is None else [current]


def _slot() -> QWidget:
    slot = QWidget()
    layout = QVBoxLayout(slot)
    layout.setContentsMargins(0, 0, 0, 0)
    slot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return slot


def _fill(frame: QFrame, widget: QWidget) -> None:
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(widget)


def _column(*widgets: QWidget) -> QWidget:
    """Widgets one above the other; splitters and rows with a canvas take the free space."""
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        layout.addWidget(widget, int(isinstance(widget, PanelSplitter) or widget.objectName() == "row"))
    return column


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    row.setObjectName("row")
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        layout.addWidget(widget, int(not isinstance(widget, QToolButton | ToolRail)))
    return row
