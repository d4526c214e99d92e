"""Model of the list of steps: the newest first, undone steps above, read from the history page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, Qt, QTimer

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.snapshots import SnapshotFile
from iouviewer.document.history import StepSummary
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.tables.common import ROOT, Index
from iouviewer.ui.tables.notes_model import byline

PAGE = 512
"""Steps that are read at once."""
SCAN = 4096
"""Steps that are searched at once for the text of the filter."""
ROW_ROLE = Qt.ItemDataRole.UserRole
"""The ``HistoryRow`` of a row."""
CURSOR_ROLE = Qt.ItemDataRole.UserRole + 1
"""Where the cursor of the history is: how many steps are done."""


class RowKind(IntEnum):
    """Kinds of rows."""

    STEP = 0
    UNDONE = 1
    DAY = 2
    SNAPSHOT = 3
    START = 4


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A row: a step, the heading of undone steps, of a day and author, a snapshot, or the state before all steps.

    Attributes:
        position: of the step, 0 for the beginning, -1 for a heading.
        time: of a step or snapshot, ``14:02``.
    """

    kind: RowKind
    position: int
    text: str
    time: str = ""
    frame: int = -1
    day: str = ""


def _time(when: float) -> str:
    return f"{datetime.fromtimestamp(when).astimezone():%H:%M}"


def _day(when: float) -> date:
    return datetime.fromtimestamp(when).astimezone().date()


class HistoryModel(QAbstractListModel):
    """Steps of the session's history in rows."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.redo_key: Callable[[], str] = lambda: ""
        """Returns the key of Redo; replaced by the window."""
        self._snapshots: tuple[SnapshotFile, ...] = ()
        self._words: tuple[str, ...] = ()
        self._rows: list[HistoryRow] = []
        self._next = 0
        self._group: tuple[date, str] | None = None
        self._pending: list[SnapshotFile] = []
        self._is_active = False
        self._is_outdated = True
        self._scan = QTimer(self, singleShot=True, interval=0)
        self._scan.timeout.connect(self._on_scan_timeout)
        session.historyChanged.connect(self.reload)

    # Filling

    def set_active(self, active: bool) -> None:
        """Read the history only while it is on the screen."""
        self._is_active = active
        if active and self._is_outdated:
            self.reload()

    def set_snapshots(self, snapshots: Sequence[SnapshotFile]) -> None:
        """Show these snapshots as headings."""
        self._snapshots = tuple(sorted(snapshots, key=lambda one: -one.when))
        self.reload()

    def set_filter(self, text: str) -> None:
        """Show only the steps whose text contains all words."""
        words = tuple(text.casefold().split())
        if words != self._words:
            self._words = words
            self.reload()

    def reload(self) -> None:
        """Read the newest steps again, at least those down to the cursor."""
        self._is_outdated = not self._is_active
        if self._is_outdated:
            return
        history = self._session.history
        loaded = max(self._last_loaded() - PAGE, 0) if len(self._rows) > PAGE else 0
        self.beginResetModel()
        self._rows, self._group = [], None
        self._next = history.step_count
        self._pending = [] if self._words else list(self._snapshots)
        if history.step_count > history.cursor and not self._words:
            self._rows.append(HistoryRow(RowKind.UNDONE, -1, tr("Undone")))
        lowest = max(history.cursor - PAGE, 0) if not self._words else self._next - SCAN
        if loaded and not self._words:
            lowest = min(lowest, loaded)
        self._rows += self._read_down_to(lowest)
        self.endResetModel()
        self._scan.start() if self._words else self._scan.stop()

    def _last_loaded(self) -> int:
        return next((row.position for row in reversed(self._rows) if row.kind is RowKind.STEP), 0)

    def _read_down_to(self, lowest: int) -> list[HistoryRow]:
        """Rows of the steps from the next one down to the one after ``lowest``."""
        lowest = max(lowest, 0)
        try:
            found = self._session.history.summaries(lowest + 1, self._next) if self._next > lowest else []
        except UserError as error:
            self._session.statusMessage.emit(str(error))
            self._next = 0
            return []
        self._next = lowest
        rows: list[HistoryRow] = []
        for step in reversed(found):
            if all(word in step.label.casefold() for word in self._words):
                rows += self._headings_before(step)
                rows.append(HistoryRow(RowKind.STEP, step.position, step.label, _time(step.when), step.frame))
        if not self._next:
            rows += [self._snapshot_row(one) for one in self._pending]
            self._pending = []
            if self._session.history.step_count and not self._words:
                rows.append(HistoryRow(RowKind.START, 0, tr("Before the first edit")))
        return rows

    def _headings_before(self, step: StepSummary) -> list[HistoryRow]:
        rows = []
        while self._pending and self._pending[0].when >= step.when:
            rows.append(self._snapshot_row(self._pending.pop(0)))
        group = _day(step.when), step.author
        own = self._group is None and group == (date.today(), self._session.author)
        if group != self._group and not own:
            rows.append(HistoryRow(RowKind.DAY, -1, byline(step.author, step.when)))
        self._group = group
        return rows

    def _snapshot_row(self, snapshot: SnapshotFile) -> HistoryRow:
        text = tr("Snapshot “{name}”", name=snapshot.name)
        return HistoryRow(RowKind.SNAPSHOT, -1, text, _time(snapshot.when), day=byline("", snapshot.when))

    def canFetchMore(self, parent: Index = ROOT) -> bool:
        return not parent.isValid() and self._next > 0 and self._is_active

    def fetchMore(self, parent: Index = ROOT) -> None:
        if not parent.isValid():
            self._append_page()

    def _append_page(self) -> None:
        rows = self._read_down_to(self._next - (SCAN if self._words else PAGE))
        if rows:
            self.beginInsertRows(ROOT, len(self._rows), len(self._rows) + len(rows) - 1)
            self._rows += rows
            self.endInsertRows()

    def _on_scan_timeout(self) -> None:
        # A filter may leave no row to scroll to, so the search goes on until a page is full.
        if self._words and self._next > 0 and len(self._rows) < PAGE:
            self._append_page()
            self._scan.start()

    # Reading

    @property
    def is_filtered(self) -> bool:
        """Whether a filter may hide steps."""
        return bool(self._words)

    @property
    def is_complete(self) -> bool:
        """Whether all steps have been read, for a list that is empty."""
        return self._next <= 0

    def row_at(self, row: int) -> HistoryRow:
        """What a row shows."""
        return self._rows[row]

    def row_of(self, position: int) -> int:
        """The row of the step at a position, -1 if it is not listed."""
        return next((n for n, row in enumerate(self._rows) if row.position == position and row.position >= 0), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.isValid() and self._rows[index.row()].position < 0:
            flags &= ~Qt.ItemFlag.ItemIsSelectable
        return flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == CURSOR_ROLE:
            return self._session.history.cursor
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._sentence(row)
        return None

    def _sentence(self, row: HistoryRow) -> str:
        if row.kind is RowKind.UNDONE:
            key = self.redo_key()
            return tr("Undone · Redo {key}", key=key) if key else tr("Undone")
        if row.kind is RowKind.SNAPSHOT:
            return tr("{snapshot}, {day} {time}", snapshot=row.text, day=row.day, time=row.time)
        if row.kind is not RowKind.STEP:
            return row.text
        values = {"time": row.time, "step": row.text, "frame": row.frame}
        if row.position > self._session.history.cursor:
            return tr("{time} {step}, frame {frame:,}, undone", **values)
        return tr("{time} {step}, frame {frame:,}", **values)
