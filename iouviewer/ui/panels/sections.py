"""The side panel's sections: a heading with a remark, and what stands below it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableView,
    QVBoxLayout,
    QWidget,
)


class Section(QFrame):
    """A heading, a muted remark at its right end, and one widget."""

    def __init__(self, title: str, body: QWidget, *, remark: str = "") -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.title = QLabel(title)
        self.title.setProperty("role", "heading")
        self.remark = QLabel(remark)
        self.remark.setProperty("role", "muted")
        self.remark.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.remark.setContentsMargins(0, 0, 8, 0)
        self.body = body
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self.title)
        head.addWidget(self.remark, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(body, 1)


def dense_table(name: str, accessible: str) -> QTableView:
    """A dense table; see ``make_dense``."""
    table = QTableView()
    make_dense(table, name, accessible)
    return table


def make_dense(table: QTableView, name: str, accessible: str) -> None:
    """No frames and no grid, rows selected as a whole, as wide as its place."""
    table.setObjectName(name)
    table.setAccessibleName(accessible)
    table.setShowGrid(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setTabKeyNavigation(False)
    table.setWordWrap(False)
    table.setCornerButtonEnabled(False)
    vertical = table.verticalHeader()
    vertical.hide()
    height = table.fontMetrics().height() + 5
    vertical.setDefaultSectionSize(height)
    vertical.setMinimumSectionSize(height)
    horizontal = table.horizontalHeader()
    horizontal.setHighlightSections(False)
    horizontal.setSectionsClickable(False)
    horizontal.setMinimumSectionSize(24)
    horizontal.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
