"""Restores an earlier state: a list of snapshots and backups, and a preview of what restoring one changes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from iouviewer.app.projects.restoring import RestorePoint, RestoreReader
from iouviewer.document.restoring import DocumentState, FrameChanges, Restoration
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.tokens import SIZE, SPACE

Index = QModelIndex | QPersistentModelIndex

_ROOT = QModelIndex()
_POINT_COLUMNS = (tr("State"), tr("Date"), tr("Boxes"))
_FRAME_COLUMNS = (tr("Frame"), tr("Added"), tr("Removed"), tr("Changed"), tr("Frame state"))
_AUTOMATIC = tr("Automatic backup")
_UNREADABLE = tr("Cannot be read")
_OTHER_STATE = tr("other")
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _TextModel(QAbstractTableModel):
    """Rows of texts; those in the columns ``numbers`` are numbers."""

    def __init__(self, columns: Sequence[str], numbers: Sequence[int]) -> None:
        super().__init__()
        self._columns, self._numbers = columns, frozenset(numbers)
        self._rows: list[tuple[str, ...]] = []

    def set_rows(self, rows: list[tuple[str, ...]]) -> None:
        """Show these rows."""
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _ROOT) -> int:
        """Number of columns."""
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Titles of the columns."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section]
        return self._alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The texts."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self._rows[index.row()][index.column()]
        return self._alignment(index.column()) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        return _RIGHT if column in self._numbers else _LEFT


def _table(model: QAbstractTableModel, name: str, label: str, wide: int) -> QTableView:
    table = QTableView()
    table.setObjectName(name)
    table.setAccessibleName(label)
    table.setModel(model)
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setTabKeyNavigation(False)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)
    return table


class RestoreDialog(FramedDialog):
    """Read ``restoration`` and ``point`` after it was accepted."""

    def __init__(self, parent: QWidget | None, project: Path, now: DocumentState) -> None:
        super().__init__(parent, title=tr("Restore an earlier state"), name="restoreDialog")
        self._now = now
        self._points: tuple[RestorePoint, ...] = ()
        self._chosen: RestorePoint | None = None
        self.restoration: Restoration | None = None
        self._point_model = _TextModel(_POINT_COLUMNS, (2,))
        self._frame_model = _TextModel(_FRAME_COLUMNS, range(4))
        self._list = _table(self._point_model, "restorePoints", tr("States"), 0)
        self._preview = _table(self._frame_model, "restorePreview", tr("Changes by frame"), 4)
        self._summary = QLabel(tr("Looking for snapshots and backups…"))
        self._summary.setObjectName("restoreSummary")
        self._summary.setWordWrap(True)
        right = QVBoxLayout()
        right.setSpacing(SPACE["s"])
        right.addWidget(self._summary)
        right.addWidget(self._preview, 1)
        row = QHBoxLayout()
        row.setSpacing(SPACE["l"])
        row.addWidget(self._list, 1)
        row.addLayout(right, 1)
        self.body.addLayout(row, 1)
        self._accept = self.add_primary(tr("Restore"))
        self._accept.setEnabled(False)
        self._accept.clicked.connect(self.accept)
        self.add_cancel()
        self._list.selectionModel().currentRowChanged.connect(self._on_list_current_row_changed)
        self.reader = RestoreReader(self)
        self.reader.listed.connect(self._on_reader_listed)
        self.reader.compared.connect(self._on_reader_compared)
        self.reader.failed.connect(self._on_reader_failed)
        self.reader.list_points(project)
        self.resize(SIZE["dialog_l"], SIZE["dialog_s"])
        self._list.setFocus()

    @property
    def point(self) -> RestorePoint | None:
        """The chosen state."""
        return self._chosen

    def done(self, result: int) -> None:
        """Close, after the threads have ended."""
        self.reader.wait()
        super().done(result)

    def _on_reader_listed(self, points: tuple[RestorePoint, ...]) -> None:
        self._points = points
        self._point_model.set_rows([_point_row(point) for point in points])
        if points:
            self._list.selectRow(0)
        else:
            text = tr("There is no snapshot or backup. Backups are made hourly, and when a changed project is opened.")
            self._summary.setText(text)

    def _on_list_current_row_changed(self, current: Index) -> None:
        if not current.isValid():
            return
        self._chosen, self.restoration = self._points[current.row()], None
        self._accept.setEnabled(False)
        self._frame_model.set_rows([])
        self._summary.setText(tr("Comparing…"))
        self.reader.compare(self._chosen.path, self._now)

    def _on_reader_compared(self, path: Path, restoration: Restoration) -> None:
        if self._chosen is None or path != self._chosen.path:
            return
        self.restoration = restoration
        self._frame_model.set_rows([_frame_row(frame) for frame in restoration.frames])
        self._summary.setText(describe(restoration))
        self._accept.setEnabled(not restoration.is_empty)

    def _on_reader_failed(self, path: Path, error: UserError) -> None:
        if self._chosen is not None and path == self._chosen.path:
            self._summary.setText(str(error))


def _point_row(point: RestorePoint) -> tuple[str, ...]:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(point.when))
    boxes = _UNREADABLE if point.boxes is None else f"{point.boxes:,}"
    return point.name or _AUTOMATIC, when, boxes


def _frame_row(frame: FrameChanges) -> tuple[str, ...]:
    counts = (f"{count:,}" if count else "" for count in (frame.added, frame.removed, frame.changed))
    return (f"{frame.frame:,}", *counts, _OTHER_STATE if frame.has_state else "")


def describe(restoration: Restoration) -> str:
    """What restoring changes, in one sentence or two."""
    if restoration.is_empty:
        return tr("This is the present state: there is nothing to restore.")
    frames = restoration.frames
    parts = (
        (tr_n("{count} box added", "{count:,} boxes added", sum(one.added for one in frames)), len(restoration.added)),
        (
            tr_n("{count} box removed", "{count:,} boxes removed", sum(one.removed for one in frames)),
            len(restoration.removed),
        ),
        (
            tr_n("{count} box changed", "{count:,} boxes changed", sum(one.changed for one in frames)),
            len(restoration.changed),
        ),
        (
            tr_n("state of {count} frame", "states of {count:,} frames", len(restoration.marks)),
            len(restoration.marks),
        ),
        (tr_n("{count} decision", "{count:,} decisions", len(restoration.decisions)), len(restoration.decisions)),
        (
            tr_n("{count} note", "{count:,} notes", len(restoration.notes) + len(restoration.removed_notes)),
            len(restoration.notes) + len(restoration.removed_notes),
        ),
        (tr("class names"), len(restoration.classes or ())),
    )
    return tr(
        "Restoring changes: {changes}. Variants stay as they are. You can undo it.",
        changes=", ".join(text for text, count in parts if count),
    )
