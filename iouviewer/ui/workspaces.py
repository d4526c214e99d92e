"""The two workspaces: the same canvas, timeline and tables in two arrangements."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.compare.compare_view import CompareStage
from iouviewer.ui.compare.side_panel import CompareSide
from iouviewer.ui.compare.verdicts import VerdictPanel
from iouviewer.ui.panels.inspector import Inspector
from iouviewer.ui.panels.lists import BoxesPanel, ProblemsPanel, VariantsPanel
from iouviewer.ui.panels.number_line import NumberLine
from iouviewer.ui.panels.sections import Section
from iouviewer.ui.timeline.view import TimelineView

SIDE_WIDTH = 344
"""Logical pixels of the side panel: at 1280 the canvas keeps 73 % of the width."""
TIMELINE_HEIGHT = 148
ROWS = 5
"""Rows of the variants table that Compare shows without scrolling."""
CORRECT_ROWS = 4
"""The same for Correct, whose side panel has other lists to show."""
QWIDGETSIZE_MAX = (1 << 24) - 1
"""Qt's "no limit" for the height of a widget, which PySide does not export."""


class Workspace(StrEnum):
    """Which arrangement is shown."""

    CORRECT = "correct"
    COMPARE = "compare"


@dataclass(frozen=True, slots=True)
class Parts:
    """What both workspaces are made of."""

    canvas: CanvasView
    other_canvas: CanvasView
    timeline: TimelineView
    number_line: NumberLine
    problems: ProblemsPanel
    boxes: BoxesPanel
    variants: VariantsPanel
    inspector: Inspector
    verdicts: VerdictPanel
    side: CompareSide
    stage: CompareStage


class Workspaces(QStackedWidget):
    """Moves the shared parts into the workspace that is shown; splitters keep their places."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts
        self.current = Workspace.CORRECT
        self._correct_picture, self._correct_timeline = _slot(), _slot()
        self._correct_numbers, self._correct_variants = _slot(), _slot()
        self._compare_picture, self._compare_timeline = parts.stage.slot, _slot()
        self._compare_numbers, self._compare_variants = _slot(), _slot()
        self.addWidget(self._make_correct())
        self.addWidget(self._make_compare())
        parts.variants.model.modelReset.connect(self._fit_variants)
        parts.variants.model.rowsInserted.connect(self._fit_variants)
        parts.variants.model.rowsRemoved.connect(self._fit_variants)
        self.show_workspace(Workspace.CORRECT)

    def _make_correct(self) -> QWidget:
        left = QSplitter(Qt.Orientation.Vertical)
        left.setObjectName("correctLeft")
        left.setChildrenCollapsible(False)
        below = _column(self._correct_numbers, self._correct_timeline, stretch=1)
        left.addWidget(self._correct_picture)
        left.addWidget(below)
        left.setStretchFactor(0, 1)
        left.setStretchFactor(1, 0)
        left.setSizes([600, TIMELINE_HEIGHT + 32])
        right = QSplitter(Qt.Orientation.Vertical)
        right.setObjectName("correctRight")
        right.setChildrenCollapsible(False)
        inspector = Section("Pair", self.parts.inspector)
        for widget in (self.parts.problems, self.parts.boxes, inspector, self._correct_variants):
            right.addWidget(widget)
        for place, share in enumerate((3, 3, 0, 0)):
            right.setStretchFactor(place, share)
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

    def _make_compare(self) -> QWidget:
        pictures = QSplitter(Qt.Orientation.Horizontal)
        pictures.setObjectName("comparePictures")
        pictures.setChildrenCollapsible(False)
        pictures.addWidget(self.parts.stage)
        pictures.addWidget(self.parts.side)
        for place, share in enumerate((1, 0)):
            pictures.setStretchFactor(place, share)
        pictures.setSizes([1280 - SIDE_WIDTH, SIDE_WIDTH])
        below = _column(self._compare_numbers, self._compare_timeline, stretch=1)
        lower = QSplitter(Qt.Orientation.Vertical)
        lower.setObjectName("compareLower")
        lower.setChildrenCollapsible(False)
        for widget in (pictures, below):
            lower.addWidget(widget)
        for place, share in enumerate((1, 0)):
            lower.setStretchFactor(place, share)
        lower.setSizes([400, TIMELINE_HEIGHT + 32])
        # Verdicts and table are as high as what they say; only what is below can be divided otherwise.
        top = _column(self.parts.verdicts, self._compare_variants, stretch=0)
        whole = _column(top, lower, stretch=1)
        whole.setObjectName("compareWorkspace")
        return whole

    def show_workspace(self, workspace: Workspace) -> None:
        """Show this one; the parts keep what they show."""
        self.current = workspace
        correct = workspace is Workspace.CORRECT
        parts = self.parts
        slots = (
            (self._correct_picture, self._correct_timeline, self._correct_numbers, self._correct_variants)
            if correct
            else (self._compare_picture, self._compare_timeline, self._compare_numbers, self._compare_variants)
        )
        moved: tuple[QWidget, ...] = (parts.canvas, parts.timeline.plot, parts.number_line, parts.variants)
        for slot, part in zip(slots, moved, strict=True):
            layout = slot.layout()
            if layout is not None:
                layout.addWidget(part)
        parts.variants.set_narrow(correct)
        self._fit_variants()
        parts.timeline.set_always_strips(not correct)
        self.setCurrentIndex(0 if correct else 1)

    def _fit_variants(self) -> None:
        """The table shows its first rows whole: a row that is cut looks like the end of the list.

        In Compare it is just as high, up to ``ROWS``; in Correct it may be higher, as its splitter says.
        """
        table = self.parts.variants.table
        correct = self.current is Workspace.CORRECT
        rows = min(max(self.parts.variants.model.rowCount(), 1), CORRECT_ROWS if correct else ROWS)
        head = table.horizontalHeader().sizeHint().height()
        height = head + rows * table.verticalHeader().defaultSectionSize()
        table.setMinimumHeight(height)
        table.setMaximumHeight(QWIDGETSIZE_MAX if correct else height)

    def panels(self) -> list[QWidget]:
        """What F6 goes through, in this workspace."""
        parts = self.parts
        if self.current is Workspace.CORRECT:
            return [parts.canvas, parts.timeline.plot, parts.problems.list, parts.boxes.table, parts.variants.table]
        lists = [view for view in (parts.side.lost, parts.side.gained) if view.isVisible()]
        return [parts.canvas, *parts.stage.panels, parts.timeline.plot, parts.variants.table, *lists]


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
