"""Sections of the side panel, and the style of its tables."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
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

from iouviewer.ui.palette import scheme_theme


class Section(QFrame):
    """A heading, a muted summary at its right end, and one widget."""

    def __init__(self, title: str, body: QWidget) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.title = QLabel(title)
        self.title.setProperty("role", "heading")
        self.summary = QLabel()
        self.summary.setProperty("role", "muted")
        self.summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.summary.setContentsMargins(0, 0, 8, 0)
        self.body = body
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self.title)
        head.addWidget(self.summary, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(body, 1)


def dense_table(name: str, accessible_name: str) -> QTableView:
    """A dense table; see ``apply_dense_style``."""
    table = QTableView()
    apply_dense_style(table, name, accessible_name)
    return table


def apply_dense_style(table: QTableView, name: str, accessible_name: str) -> None:
    """Remove frames and grid, select whole rows, and fit the width to the available space."""
    table.setObjectName(name)
    table.setAccessibleName(accessible_name)
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


def paint_empty_text(view: QAbstractItemView, text: str) -> None:
    """Paint a text in an empty list; call it at the end of the view's ``paintEvent``."""
    painter = QPainter(view.viewport())
    painter.setPen(scheme_theme().colours.text2)
    rect = view.viewport().rect().adjusted(8, 8, -8, -8)
    painter.drawText(rect, int(Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap), text)
