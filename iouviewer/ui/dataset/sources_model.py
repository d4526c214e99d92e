"""Model of the sources of a dataset: facts, progress and scores of each, against the baseline."""

from __future__ import annotations

import math
from datetime import datetime
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from iouviewer.app.datasets.numbers import SourceFound
from iouviewer.document.dataset import Dataset, DatasetSource, VariantNumbers
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.judge import Difference, Outcome
from iouviewer.ui.compare.intervals import points_text, spoken_interval
from iouviewer.ui.compare.outcome_chip import outcome_word

Index = QModelIndex | QPersistentModelIndex

FACTS_ROLE = Qt.ItemDataRole.UserRole + 20
"""Second line of a source: its rate and size, its tags, or why it cannot be read."""
SHARE_ROLE = Qt.ItemDataRole.UserRole + 21
"""Share of the frames, 0 to 1; None where nothing is known."""
INTERVAL_ROLE = Qt.ItemDataRole.UserRole + 22
"""The difference of AP as ``Difference``; None where there is none."""
OUTCOME_ROLE = Qt.ItemDataRole.UserRole + 23
"""The outcome; None where nothing was judged."""
ABSENT_ROLE = Qt.ItemDataRole.UserRole + 24
"""Whether the numbers of a row are those known last, because its video or project is not there or cannot be read."""
PATH_ROLE = Qt.ItemDataRole.UserRole + 25
"""Path of the video, for its small picture."""


class Column(IntEnum):
    """Columns of the table."""

    INCLUDE = 0
    SOURCE = 1
    FRAMES = 2
    LABELLED = 3
    VERIFIED = 4
    PROBLEMS = 5
    BOXES = 6
    AP = 7
    INTERVAL = 8
    VERDICT = 9
    EDITED = 10


_TITLES = {
    Column.INCLUDE: "",
    Column.SOURCE: tr("Source"),
    Column.FRAMES: tr("Frames"),
    Column.LABELLED: tr("Labelled"),
    Column.VERIFIED: tr("Verified"),
    Column.PROBLEMS: tr("Problems"),
    Column.BOXES: tr("Boxes"),
    Column.AP: tr("AP"),
    Column.VERDICT: tr("Verdict"),
    Column.EDITED: tr("Edited"),
}
NUMBERS = (Column.FRAMES, Column.PROBLEMS, Column.BOXES, Column.AP, Column.EDITED)
_NONE = "–"


class SourcesModel(QAbstractTableModel):
    """The sources that pass the filter, in the order of the dataset or sorted by a column.

    Signals:
        includeToggled(int, bool): the check mark of a source was clicked.
    """

    includeToggled = Signal(int, bool)

    def __init__(self) -> None:
        super().__init__()
        self.dataset = Dataset()
        self.variant = self.baseline = ""
        self.margin = 1.0
        self._found: dict[int, SourceFound] = {}
        self._names: dict[int, str] = {}
        self._rows: list[DatasetSource] = []
        self._text = self._tag = ""
        self._sorted_by: Column | None = None
        self._order = Qt.SortOrder.AscendingOrder

    # Filling

    def show(self, dataset: Dataset, found: dict[int, SourceFound], variant: str, margin: float) -> None:
        """Show these sources, and how a variant does on each of them."""
        is_same = [one.id for one in dataset.sources] == [one.id for one in self.dataset.sources]
        self.dataset, self._found, self.variant, self.margin = dataset, dict(found), variant, margin
        self.baseline = dataset.baseline
        self._names = dataset.names()
        if is_same and self._listed() == [one.id for one in self._rows]:
            self._rows = [one for id in self._listed() if (one := dataset.find(id)) is not None]
            if self._rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(Column) - 1))
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, Column.INTERVAL, Column.INTERVAL)
        else:
            self._reset()

    def filter(self, text: str, tag: str) -> None:
        """Show the sources with these words and this tag."""
        self._text, self._tag = text, tag
        self._reset()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; -1 for the order of the dataset."""
        self._sorted_by, self._order = (None if column < 0 else Column(column)), order
        self._reset()

    @property
    def is_sorted(self) -> bool:
        """Whether the rows are in another order than the dataset's."""
        return self._sorted_by is not None

    def _reset(self) -> None:
        self.beginResetModel()
        self._rows = [one for id in self._listed() if (one := self.dataset.find(id)) is not None]
        self.endResetModel()

    def _listed(self) -> list[int]:
        rows = list(self.dataset.matching(self._text, self._tag))
        if self._sorted_by is not None:
            column, is_down = self._sorted_by, self._order is Qt.SortOrder.DescendingOrder
            known = [one for one in rows if self._sort_key(one, column) is not None]
            known.sort(key=lambda one: self._sort_key(one, column) or 0, reverse=is_down)
            # What is not known comes last in both directions.
            rows = [*known, *(one for one in rows if self._sort_key(one, column) is None)]
        return [one.id for one in rows]

    def _sort_key(self, one: DatasetSource, column: Column) -> float | str | None:
        progress, numbers = one.progress, self.numbers_of(one)
        if column is Column.SOURCE:
            return self._names[one.id].casefold()
        if column is Column.INCLUDE:
            return float(not one.included)
        if column is Column.INTERVAL:
            return None if numbers is None else numbers.points
        if column is Column.VERDICT:
            order = {"FAIL": 0.0, "UNDECIDED": 1.0, "PASS": 2.0}
            return order.get(numbers.outcome, 3.0) if numbers is not None and numbers.outcome else None
        if column is Column.AP:
            return self._ap(one)
        if column is Column.PROBLEMS:
            problems = None if one.numbers is None else one.numbers.problems
            return None if problems is None else float(problems)
        if progress is None:
            return None
        return {
            Column.FRAMES: float(progress.frames),
            Column.LABELLED: progress.labelled / max(progress.frames, 1),
            Column.VERIFIED: progress.verified / max(progress.frames, 1),
            Column.BOXES: float(progress.boxes),
            Column.EDITED: progress.edited or None,
        }[column]

    # Reading

    def source_at(self, row: int) -> DatasetSource | None:
        """The source of a row, None outside."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, id: int) -> int:
        """The row of a source, -1 where it is not shown."""
        return next((row for row, one in enumerate(self._rows) if one.id == id), -1)

    def name_of(self, id: int) -> str:
        """Name of a source for display."""
        return self._names.get(id, "")

    def numbers_of(self, one: DatasetSource) -> VariantNumbers | None:
        """The numbers of the chosen variant on a source."""
        return one.numbers.variants.get(self.variant) if one.numbers is not None else None

    def difference_of(self, one: DatasetSource) -> Difference | None:
        """The difference of AP between the chosen variant and the baseline on a source."""
        numbers = self.numbers_of(one)
        if numbers is None or numbers.points is None or not numbers.outcome:
            return None
        low, high = (math.nan if value is None else value for value in (numbers.low, numbers.high))
        return Difference("ap", numbers.points, low, high, self.margin, Outcome(numbers.outcome))

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal or section < 0:
            return None
        column = Column(section)
        if role == Qt.ItemDataRole.DisplayRole:
            if column is not Column.INTERVAL:
                return _TITLES[column]
            if not self.variant or self.variant == self.baseline:
                return tr("Δ AP, points")
            return tr("{variant} against {baseline}, Δ AP points", variant=self.variant, baseline=self.baseline)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            if column is Column.INTERVAL:
                return Qt.AlignmentFlag.AlignCenter
            side = Qt.AlignmentFlag.AlignRight if column in NUMBERS else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        one = self.source_at(index.row())
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != Column.INCLUDE or one is None:
            return False
        self.includeToggled.emit(one.id, Qt.CheckState(value) is Qt.CheckState.Checked)
        return True

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        one = self.source_at(index.row())
        if one is None:
            return None
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text_of(one, column)
        if role == Qt.ItemDataRole.CheckStateRole and column is Column.INCLUDE:
            return Qt.CheckState.Checked if one.included else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip_of(one, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            difference = self.difference_of(one) if column is Column.INTERVAL else None
            return spoken_interval(difference) if difference is not None else self._text_of(one, column)
        if role == FACTS_ROLE:
            return self._facts_of(one)
        if role == SHARE_ROLE:
            return self._share_of(one, column)
        if role == INTERVAL_ROLE:
            return self.difference_of(one)
        if role == OUTCOME_ROLE:
            numbers = self.numbers_of(one)
            return Outcome(numbers.outcome) if numbers is not None and numbers.outcome else None
        if role == ABSENT_ROLE:
            return self._is_absent(one)
        return one.path if role == PATH_ROLE else None

    # Texts

    def _text_of(self, one: DatasetSource, column: Column) -> str:
        progress = one.progress
        if column is Column.SOURCE:
            return self._names[one.id]
        if column is Column.PROBLEMS:
            problems = None if one.numbers is None else one.numbers.problems
            return _NONE if problems is None else f"{problems:,}"
        if column is Column.AP:
            ap = self._ap(one)
            return _NONE if ap is None else f"{ap:.3f}"
        if column is Column.INTERVAL:
            difference = self.difference_of(one)
            return "" if difference is None else points_text(difference.points)
        if column is Column.VERDICT:
            return self._verdict_of(one)
        if progress is None:
            return "" if column is Column.INCLUDE else _NONE
        if column in (Column.LABELLED, Column.VERIFIED):
            share = self._share_of(one, column) or 0.0
            return f"{math.floor(100 * share):d} %"
        return {
            Column.FRAMES: f"{progress.frames:,}",
            Column.BOXES: f"{progress.boxes:,}",
            Column.EDITED: when_text(progress.edited),
        }.get(column, "")

    def _verdict_of(self, one: DatasetSource) -> str:
        numbers = self.numbers_of(one)
        if numbers is not None and numbers.outcome:
            return outcome_word(Outcome(numbers.outcome))
        if one.numbers is None or not self.variant:
            return ""
        if self.variant == one.numbers.baseline:
            return tr("baseline")
        return tr("no {variant}", variant=self.variant) if numbers is None else ""

    def _ap(self, one: DatasetSource) -> float | None:
        numbers = self.numbers_of(one)
        return None if numbers is None else numbers.ap

    def _share_of(self, one: DatasetSource, column: Column) -> float | None:
        progress = one.progress
        if progress is None or column not in (Column.LABELLED, Column.VERIFIED):
            return None
        count = progress.labelled if column is Column.LABELLED else progress.verified
        return count / progress.frames if progress.frames else 0.0

    def _is_absent(self, one: DatasetSource) -> bool:
        found = self._found.get(one.id)
        return found is not None and (not found.is_there or bool(found.error and found.progress is None))

    def _facts_of(self, one: DatasetSource) -> str:
        found, progress = self._found.get(one.id), one.progress
        if found is not None and not found.is_there:
            return tr("missing · last known numbers")
        if found is not None and found.error:
            return found.error
        parts = []
        if progress is None:
            count = len(one.prediction_files) + bool(one.truth_file)
            parts.append(
                tr_n("{count} file to import", "{count:,} files to import", count) if count else tr("not opened yet")
            )
        elif progress.is_image_set:
            parts.append(tr_n("{count} image", "{count:,} images", progress.frames))
        elif progress.fps:
            parts.append(tr("{fps:g} fps", fps=round(progress.fps, 2)))
        if progress is not None and progress.width:
            parts.append(f"{progress.width} × {progress.height}")
        return " · ".join([*parts, *(f"#{tag}" for tag in one.tags)])

    def _tip_of(self, one: DatasetSource, column: Column) -> str:
        if column is Column.SOURCE:
            return "\n".join([one.path, self._facts_of(one)])
        numbers = self.numbers_of(one)
        if column in (Column.INTERVAL, Column.VERDICT) and numbers is not None:
            return numbers.reason
        if column is Column.INCLUDE:
            return tr("Whether the numbers of all sources together count it")
        if column is Column.PROBLEMS and one.numbers is not None and one.numbers.problems is None:
            return tr("Open it once: problems are searched in its project")
        return ""


def when_text(seconds: float) -> str:
    """When something was edited: ``today 14:02``, ``yesterday``, or the date."""
    if not seconds:
        return tr("never")
    at, now = datetime.fromtimestamp(seconds).astimezone(), datetime.now().astimezone()
    days = (now.date() - at.date()).days
    if days == 0:
        return tr("today {time}", time=f"{at:%H:%M}")
    if days == 1:
        return tr("yesterday")
    return f"{at:%Y-%m-%d}" if at.year != now.year else f"{at.day} {at:%b}"
