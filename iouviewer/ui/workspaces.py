"""The two workspaces: the same canvas, timeline and tables in two layouts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.compare.compare_view import CompareView
from iouviewer.ui.compare.side_panel import SidePanel
from iouviewer.ui.compare.verdicts import VerdictPanel
from iouviewer.ui.panels.boxes import BoxesPanel
from iouviewer.ui.panels.inspector import Inspector
from iouviewer.ui.panels.lists import VariantsPanel
from iouviewer.ui.panels.playback_bar import PlaybackBar
from iouviewer.ui.panels.problems import ProblemsPanel
from iouviewer.ui.panels.sections import Section
from iouviewer.ui.timeline.view import TimelineView

SIDE_WIDTH = 344
"""Width of the side panel in logical pixels; the canvas keeps 73 % of 1280."""
TIMELINE_HEIGHT = 148
COMPARE_ROWS = 5
"""Rows of the variants table that Compare shows without scrolling."""
CORRECT_ROWS = 4
"""The same for Correct, whose side panel has more lists."""
QWIDGETSIZE_MAX = (1 << 24) - 1
"""Qt's value for no maximum height, which PySide does not export."""


class Workspace(StrEnum):
    """The layouts of the window."""

    CORRECT = "correct"
    COMPARE = "compare"


@dataclass(frozen=True, slots=True)
class WorkspaceViews:
    """The views that both workspaces share."""

    canvas: CanvasView
    other_canvas: CanvasView
    timeline: TimelineView
    playback_bar: PlaybackBar
    problems: ProblemsPanel
    boxes: BoxesPanel
    variants: VariantsPanel
    inspector: Inspector
    verdicts: VerdictPanel
    side_panel: SidePanel
    compare_view: CompareView


class Workspaces(QStackedWidget):
    """Moves the shared views into the workspace that is shown; splitters keep their positions."""

    def __init__(self, views: WorkspaceViews) -> None:
        super().__init__()
        self.views = views
        self.current = Workspace.CORRECT
        self._correct_canvas, self._correct_timeline = _slot(), _slot()
        self._correct_playback, self._correct_variants = _slot(), _slot()
        self._compare_canvas, self._compare_timeline = views.compare_view.slot, _slot()
        self._compare_playback, self._compare_variants = _slot(), _slot()
        self.addWidget(self._create_correct())
        self.addWidget(self._create_compare())
        views.variants.model.modelReset.connect(self._fit_variants)
        views.variants.model.rowsInserted.connect(self._fit_variants)
        views.variants.model.rowsRemoved.connect(self._fit_variants)
        self.show_workspace(Workspace.CORRECT)

    def _create_correct(self) -> QWidget:
        left = QSplitter(Qt.Orientation.Vertical)
        left.setObjectName("correctLeft")
        left.setChildrenCollapsible(False)
        below = _column(self._correct_playback, self._correct_timeline, stretch=1)
        left.addWidget(self._correct_canvas)
        left.addWidget(below)
        left.setStretchFactor(0, 1)
        left.setStretchFactor(1, 0)
        left.setSizes([600, TIMELINE_HEIGHT + 32])
        right = QSplitter(Qt.Orientation.Vertical)
        right.setObjectName("correctRight")
        right.setChildrenCollapsible(False)
        inspector = Section(tr("Pair"), self.views.inspector)
        for widget in (self.views.problems, self.views.boxes, inspector, self._correct_variants):
            right.addWidget(widget)
        for index, stretch in enumerate((3, 3, 0, 0)):
            right.setStretchFactor(index, stretch)
        right.setSizes([200, 170, 118, 122])
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.setObjectName("correctWorkspace")
        whole.setChildrenCollapsible(False)
        whole.addWidget(left)
        whole.addWidget(right)
        whole.setStretchFactor(0, 1)
        whole.setStretchFactor(1, 0)
        right.setMinimumWidth(280)
        whole.setSizes([1280 - SIDE_WIDTH, SIDE_WIDTH])
        return whole

    def _create_compare(self) -> QWidget:
        canvases = QSplitter(Qt.Orientation.Horizontal)
        canvases.setObjectName("comparePictures")
        canvases.setChildrenCollapsible(False)
        canvases.addWidget(self.views.compare_view)
        canvases.addWidget(self.views.side_panel)
        for index, stretch in enumerate((1, 0)):
            canvases.setStretchFactor(index, stretch)
        canvases.setSizes([1280 - SIDE_WIDTH, SIDE_WIDTH])
        below = _column(self._compare_playback, self._compare_timeline, stretch=1)
        lower = QSplitter(Qt.Orientation.Vertical)
        lower.setObjectName("compareLower")
        lower.setChildrenCollapsible(False)
        for widget in (canvases, below):
            lower.addWidget(widget)
        for index, stretch in enumerate((1, 0)):
            lower.setStretchFactor(index, stretch)
        lower.setSizes([400, TIMELINE_HEIGHT + 32])
        # Verdicts and table have the height of their content; the splitter divides the space below them.
        top = _column(self.views.verdicts, self._compare_variants, stretch=0)
        whole = _column(top, lower, stretch=1)
        whole.setObjectName("compareWorkspace")
        return whole

    def show_workspace(self, workspace: Workspace) -> None:
        """Show a workspace; the views keep their content."""
        self.current = workspace
        correct = workspace is Workspace.CORRECT
        views = self.views
        slots = (
            (self._correct_canvas, self._correct_timeline, self._correct_playback, self._correct_variants)
            if correct
            else (self._compare_canvas, self._compare_timeline, self._compare_playback, self._compare_variants)
        )
        moved: tuple[QWidget, ...] = (views.canvas, views.timeline.plot, views.playback_bar, views.variants)
        for slot, part in zip(slots, moved, strict=True):
            layout = slot.layout()
            if layout is not None:
                layout.addWidget(part)
        views.variants.set_narrow(correct)
        self._fit_variants()
        views.timeline.set_always_strips(not correct)
        self.setCurrentIndex(0 if correct else 1)

    def _fit_variants(self) -> None:
        """Make the table high enough to show its first rows completely; a row cut off looks like the end of the list.

        In Compare it has exactly this height, with up to ``COMPARE_ROWS``; in Correct the splitter may make it higher.
        """
        table = self.views.variants.table
        correct = self.current is Workspace.CORRECT
        rows = min(max(self.views.variants.model.rowCount(), 1), CORRECT_ROWS if correct else COMPARE_ROWS)
        header_height = table.horizontalHeader().sizeHint().height()
        height = header_height + rows * table.verticalHeader().defaultSectionSize()
        table.setMinimumHeight(height)
        table.setMaximumHeight(QWIDGETSIZE_MAX if correct else height)

    def panels(self) -> list[QWidget]:
        """The widgets that F6 cycles through in this workspace."""
        views = self.views
        if self.current is Workspace.CORRECT:
            return [views.canvas, views.timeline.plot, views.problems.list, views.boxes.table, views.variants.table]
        lists = [view for view in (views.side_panel.lost, views.side_panel.gained) if view.isVisible()]
        return [views.canvas, *views.compare_view.panels, views.timeline.plot, views.variants.table, *lists]


def _slot() -> QWidget:
    slot = QWidget()
    layout = QVBoxLayout(slot)
    layout.setContentsMargins(0, 0, 0, 0)
    slot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return slot


def _column(top: QWidget, bottom: QWidget, *, stretch: int) -> QWidget:
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(top)
    layout.addWidget(bottom, stretch)
    return column
