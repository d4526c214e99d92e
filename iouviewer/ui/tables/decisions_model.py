"""Model of the decisions about problems, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QAbstractTableModel, Qt

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import object_name
from iouviewer.document.classes import class_name_of
from iouviewer.document.decisions import VERDICT_NAMES, Decision, Verdict
from iouviewer.document.problem_texts import TOPIC_NAMES
from iouviewer.document.problems import ProblemKind
from iouviewer.document.renumbering import problem_key_frames
from iouviewer.i18n import tr
from iouviewer.ui.tables.common import COLUMN_ROLE, ROOT, Index, cell_alignment
from iouviewer.ui.tables.notes_model import byline


class Shown(StrEnum):
    """Which decisions are listed."""

    ALL = "all"
    ERRORS = "errors"
    KEPT = "kept"
    UNCLEAR = "unclear"


SHOWN_NAMES = {
    Shown.ALL: tr("All decisions"),
    Shown.ERRORS: tr("Label errors"),
    Shown.KEPT: tr("Kept"),
    Shown.UNCLEAR: tr("Unclear"),
}


class Column(StrEnum):
    """Columns of the list; the values are their stable ids."""

    DECISION = "decision"
    PROBLEM = "problem"
    OBJECT = "object"
    FRAME = "frame"


COLUMNS = tuple(Column)
_TITLES = {
    Column.DECISION: tr("Decision"),
    Column.PROBLEM: tr("Problem"),
    Column.OBJECT: tr("What"),
    Column.FRAME: tr("Frame"),
}


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One decision with the key and frame of its problem."""

    key: str
    frame: int
    decision: Decision


class DecisionsModel(QAbstractTableModel):
    """The decisions that hold and pass the filter."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._all: dict[str, Decision] = {}
        self._shown = Shown.ALL
        self._rows: list[DecisionRow] = []

    def set_decisions(self, decisions: dict[str, Decision]) -> None:
        """List these decisions, by the keys of their problems."""
        if decisions != self._all:
            self._all = dict(decisions)
            self._list()

    def set_shown(self, shown: Shown) -> None:
        """List only some of them."""
        if shown is not self._shown:
            self._shown = shown
            self._list()

    def _list(self) -> None:
        found = []
        for key, decision in self._all.items():
            frame = next(iter(problem_key_frames([key])), None)
            if frame is not None and self._passes(decision):
                found.append(DecisionRow(key, frame, decision))
        self.beginResetModel()
        self._rows = sorted(found, key=lambda row: (-row.decision.at, row.frame))
        self.endResetModel()

    def _passes(self, decision: Decision) -> bool:
        match self._shown:
            case Shown.ALL:
                return True
            case Shown.ERRORS:
                return decision.is_error
            case Shown.KEPT:
                return decision.verdict is Verdict.RIGHT
            case Shown.UNCLEAR:
                return decision.verdict is Verdict.UNCLEAR

    def row_at(self, row: int) -> DecisionRow:
        """What a row shows."""
        return self._rows[row]

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(COLUMNS):
            return None
        column = COLUMNS[section]
        if role == COLUMN_ROLE:
            return column.value
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column is not Column.FRAME)
        return _TITLES[column] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column is not Column.FRAME)
        if role == Qt.ItemDataRole.ToolTipRole:
            author = byline(row.decision.author, row.decision.at) if row.decision.at else tr("author and time unknown")
            return tr("{decision}, {author}", decision=VERDICT_NAMES[row.decision.verdict], author=author)
        if role == Qt.ItemDataRole.UserRole and column is Column.FRAME:
            return row.frame
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._texts(row)[column]
        return None

    def _texts(self, row: DecisionRow) -> dict[Column, str]:
        decision = row.decision
        class_name = class_name_of(decision.class_id, self._session.document.class_names)
        kind = decision.topic or row.key.split(":")[0]
        return {
            Column.DECISION: VERDICT_NAMES[decision.verdict],
            Column.PROBLEM: TOPIC_NAMES[ProblemKind[kind]] if kind in ProblemKind.__members__ else "–",
            Column.OBJECT: object_name(class_name, decision.track),
            Column.FRAME: f"{row.frame:,}",
        }
