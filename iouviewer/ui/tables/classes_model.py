"""The classes as a table: key, colour, name, and how much each is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont

from iouviewer.app.editing.session import Session
from iouviewer.document.class_commands import ClassUse, count_all_uses
from iouviewer.document.classes import fold_name
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.canvas.box_look import class_colour
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tables.cells import SWATCH_ROLE

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()


class Column(IntEnum):
    """Columns by their place."""

    GRIP = 0
    KEY = 1
    COLOUR = 2
    NAME = 3
    BOXES = 4
    TRACKS = 5
    PROBLEMS = 6
    AP = 7
    MORE = 8


_TITLES = {
    Column.GRIP: "",
    Column.KEY: tr("Key"),
    Column.COLOUR: tr("Colour"),
    Column.NAME: tr("Name"),
    Column.BOXES: tr("Boxes"),
    Column.TRACKS: tr("Tracks"),
    Column.PROBLEMS: tr("Problems"),
    Column.AP: tr("AP"),
    Column.MORE: "",
}
_RIGHT = frozenset({Column.BOXES, Column.TRACKS, Column.PROBLEMS, Column.AP})


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class.

    Attributes:
        class_id: ``UNSPECIFIED_CLASS`` for the row of boxes without a class.
        digit: its key, 0 for none.
        problems: open problems; None where they are not known.
        ap: of the baseline, None where undefined.
    """

    class_id: int
    name: str
    digit: int
    colour: str
    use: ClassUse
    problems: int | None
    ap: float | None


class ClassesModel(QAbstractTableModel):
    """The classes that match a filter, in the order of their keys, then the boxes without a class.

    Args:
        problem_counts: returns the open problems by class id.
        rename: gives a class (id) another name; returns whether it did.
    """

    def __init__(
        self,
        session: Session,
        problem_counts: Callable[[], Mapping[int, int]],
        rename: Callable[[int, str], bool],
    ) -> None:
        super().__init__()
        self._session, self._problem_counts, self._rename = session, problem_counts, rename
        self._rows: list[ClassRow] = []
        self.filter = ""
        self.refresh()

    def refresh(self) -> None:
        """Count again and show all rows that match the filter."""
        session, classes = self._session, self._session.document.classes
        uses, problems = count_all_uses(session.document), self._problem_counts()
        baseline = session.variants.baseline
        per_class = {} if baseline is None else session.scores.summary(baseline.key).per_class
        words = fold_name(self.filter)
        self.beginResetModel()
        self._rows = [
            ClassRow(
                number,
                classes.names[number],
                classes.digit(number),
                class_colour(number, classes),
                uses.get(number, ClassUse()),
                problems.get(number, 0),
                per_class[number].ap if number in per_class else None,
            )
            for number in classes.shown
            if words in fold_name(classes.names[number])
        ]
        without = uses.get(UNSPECIFIED_CLASS)
        if without is not None and not words:
            count = problems.get(UNSPECIFIED_CLASS, 0)
            self._rows.append(ClassRow(UNSPECIFIED_CLASS, tr("no class"), 0, "", without, count, None))
        self.endResetModel()

    def row_at(self, row: int) -> ClassRow | None:
        """The class in a row."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, class_id: int) -> int:
        """The row of a class, -1 if it is not shown."""
        return next((place for place, row in enumerate(self._rows) if row.class_id == class_id), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        row = self.row_at(index.row())
        is_name = index.column() == Column.NAME and row is not None and row.class_id != UNSPECIFIED_CLASS
        return flags | Qt.ItemFlag.ItemIsEditable if is_name else flags

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = Column(section)
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole and column is Column.AP:
            return tr("AP of the baseline for this class")
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.row_at(index.row())
        if row is None:
            return None
        column = Column(index.column())
        is_none = row.class_id == UNSPECIFIED_CLASS
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return self._text(row, column)
            case Qt.ItemDataRole.EditRole:
                return row.name
            case Qt.ItemDataRole.UserRole:
                return row.ap if column is Column.AP else row.class_id
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.ForegroundRole:
                return _text_colour(row, column)
            case Qt.ItemDataRole.FontRole if column is Column.NAME and is_none:
                italic = QFont()
                italic.setItalic(True)
                return italic
            case Qt.ItemDataRole.ToolTipRole:
                return self._tooltip(row, column)
        return row.colour if role == SWATCH_ROLE and column is Column.COLOUR and row.colour else None

    def _text(self, row: ClassRow, column: Column) -> str:
        is_none = row.class_id == UNSPECIFIED_CLASS
        match column:
            case Column.GRIP:
                return "" if is_none else "⠿"
            case Column.KEY:
                return str(row.digit) if row.digit else ""
            case Column.COLOUR:
                return row.colour
            case Column.NAME:
                return row.name
            case Column.BOXES:
                return f"{row.use.boxes:,}"
            case Column.TRACKS:
                return f"{row.use.tracks:,}"
            case Column.PROBLEMS:
                return UNDEFINED if row.problems is None else f"{row.problems:,}"
            case Column.AP:
                return UNDEFINED if row.ap is None else f"{row.ap:.2f}"
            case Column.MORE:
                return tr("Assign…") if is_none else "⋯"

    @staticmethod
    def _tooltip(row: ClassRow, column: Column) -> str | None:
        if row.class_id == UNSPECIFIED_CLASS:
            return tr("Give these boxes a class") if column is Column.MORE else None
        texts = {
            Column.GRIP: tr("Drag to arrange; the keys follow"),
            Column.COLOUR: tr("Click to choose a colour"),
            Column.NAME: tr("{name}: Enter or F2 renames", name=row.name),
            Column.MORE: tr("Merge, delete, colour"),
        }
        return texts.get(column)

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row = self.row_at(index.row())
        if role != Qt.ItemDataRole.EditRole or row is None or not isinstance(value, str) or value == row.name:
            return False
        return self._rename(row.class_id, value)


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft
    if column in _RIGHT:
        side = Qt.AlignmentFlag.AlignRight
    elif column in (Column.GRIP, Column.KEY, Column.COLOUR):
        side = Qt.AlignmentFlag.AlignHCenter
    return side | Qt.AlignmentFlag.AlignVCenter


def _text_colour(row: ClassRow, column: Column) -> QColor | None:
    colours = scheme_theme().colours
    if column is Column.PROBLEMS and row.problems:
        return QColor(colours.warn)
    if column is Column.MORE and row.class_id == UNSPECIFIED_CLASS:
        return QColor(colours.accent)
    return QColor(colours.text2) if column in (Column.GRIP, Column.KEY, Column.MORE, Column.AP) else None
