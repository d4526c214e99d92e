"""What the columns of a table are: the guess, shown with the first values, and changed by mouse or keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QWidget,
)

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.table_columns import ROLE_TEXTS, UNIT_TEXTS, TableColumns, read_columns
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.tokens import SIZE, SPACE

if TYPE_CHECKING:
    from iouviewer.ui.dialogs.open_rows import OpenRow

_ROW_HEIGHT, _MAX_ROWS = 34, 10
_HEADINGS = (tr("Column"), tr("First values"), tr("Read as"))
_ROLE_WIDTH = 220


class ColumnsDialog(FramedDialog):
    """One row for each column of a table, with a choice of what it is.

    Args:
        name: of the file.
        columns: of the table.
        spec: what they are now; empty: as the header says.
    """

    def __init__(self, parent: QWidget | None, name: str, columns: TableColumns, spec: str) -> None:
        super().__init__(parent, title=tr("Columns of {name}", name=name), name="columnsDialog")
        self._columns = columns
        self.choices: dict[str, QComboBox] = {}
        self.table = QTableWidget(len(columns.names), len(_HEADINGS))
        self.table.setObjectName("columnsTable")
        self.table.setHorizontalHeaderLabels(list(_HEADINGS))
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.setColumnWidth(0, 150)
        self.table.setColumnWidth(2, _ROLE_WIDTH)
        roles = columns.roles(spec)
        for position, (column, sample) in enumerate(zip(columns.names, columns.samples, strict=True)):
            self._fill_row(position, column, ", ".join(sample), roles.get(column, ""))
        self.units = QComboBox()
        self.units.setObjectName("columnsUnits")
        self.units.setAccessibleName(tr("Units of the box"))
        self.units.addItem(tr("From the values"), "")
        for unit, text in UNIT_TEXTS.items():
            self.units.addItem(text, unit)
        self.units.setCurrentIndex(max(self.units.findData(columns.units(spec)), 0))
        self.units.currentIndexChanged.connect(self._update)
        line = QHBoxLayout()
        line.setSpacing(SPACE["m"])
        line.addWidget(QLabel(tr("Units of the box")))
        line.addWidget(self.units)
        line.addStretch(1)
        self.state = QLabel()
        self.state.setObjectName("columnsState")
        self.state.setWordWrap(True)
        self.body.setSpacing(SPACE["m"])
        self.body.addWidget(self.table, 1)
        self.body.addLayout(line)
        self.body.addWidget(self.state)
        self.use_button = self.add_primary(tr("Use columns"))
        self.use_button.clicked.connect(self.accept)
        self.add_cancel()
        rows = min(len(columns.names), _MAX_ROWS)
        self.table.setMinimumHeight(header.sizeHint().height() + rows * _ROW_HEIGHT + 4)
        self._update()
        self.resize(SIZE["dialog_m"], self.sizeHint().height())

    def _fill_row(self, position: int, column: str, sample: str, role: str) -> None:
        choice = QComboBox()
        choice.setAccessibleName(tr("What {column} is", column=column))
        choice.addItem(tr("Not read"), "")
        for one, text in ROLE_TEXTS.items():
            choice.addItem(text, str(one))
        choice.setCurrentIndex(max(choice.findData(role), 0))
        choice.activated.connect(partial(self._on_choice_activated, column))
        self.choices[column] = choice
        for place, text in enumerate((column, sample)):
            label = QLabel(text)
            label.setContentsMargins(SPACE["s"], 0, SPACE["s"], 0)
            label.setToolTip(text)
            self.table.setCellWidget(position, place, label)
        self.table.setCellWidget(position, 2, choice)
        self.table.setRowHeight(position, _ROW_HEIGHT)

    def _on_choice_activated(self, column: str, _index: int) -> None:
        """A column that had this role before is no longer read."""
        role = self.choices[column].currentData()
        for other, choice in self.choices.items():
            if role and other != column and choice.currentData() == role:
                choice.setCurrentIndex(0)
        self._update()

    def _update(self) -> None:
        found = self._columns.mapping(self._roles(), self.units.currentData())
        problem = found.problem()
        self.state.setText(tr("Still open: {problem}.", problem=problem) if problem else found.describe())
        self.state.setProperty("role", "" if problem else "muted")
        self.state.style().polish(self.state)
        self.use_button.setEnabled(not problem)

    def _roles(self) -> dict[str, str]:
        return {column: choice.currentData() for column, choice in self.choices.items() if choice.currentData()}

    def spec(self) -> str:
        """What the columns are, as text."""
        return self._columns.mapping(self._roles(), self.units.currentData()).spec()


def open_columns_dialog(parent: QWidget, row: OpenRow) -> ColumnsDialog | None:
    """The dialog for a file of the Open dialog, with what it is read as now or may be read as; None for no table."""
    spec = row.changes.get("columns", "") or (row.boxes.columns if row.boxes is not None else "")
    if not spec and row.error is not None:
        spec = next((choice.changes["columns"] for choice in row.error.choices if "columns" in choice.changes), "")
    try:
        columns = read_columns(row.candidate.path)
    except UserError:  # the Open dialog shows the same error, of reading the file
        return None
    return ColumnsDialog(parent, row.candidate.path.name, columns, spec)
