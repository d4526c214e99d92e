"""The tab of Compare that breaks the difference down by class, size, error and confusion, with the boxes of a row."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.document.metric_columns import UNDEFINED, points_text
from iouviewer.i18n import tr
from iouviewer.jobs.breakdown import NO_PLACES, Breakdown, Row, Topic
from iouviewer.jobs.gallery import GallerySet
from iouviewer.ui.compare.analysis_parts import (
    AnalysisTable,
    PlacesList,
    confusion_text,
    segment_button,
    shown_class,
    stretch_column,
)
from iouviewer.ui.compare.confusion_page import ConfusionPage
from iouviewer.ui.tables.common import ROOT, Index, cell_alignment
from iouviewer.ui.tokens import SPACE

TITLES: Mapping[Topic, str] = {
    Topic.CLASSES: tr("Classes"),
    Topic.SIZES: tr("Sizes"),
    Topic.ERRORS: tr("Errors"),
    Topic.CONFUSION: tr("Confusion"),
    Topic.STEPS: tr("yolo val"),
}
"""Titles of the tables."""
_NO_VARIANT = tr("Choose a second variant to compare.")
_COMPARING = tr("Comparing with the baseline…")
_NO_ROWS = tr("Nothing to list here.")
_NAMES: Mapping[Topic, str] = {
    Topic.CLASSES: tr("AP by class; a row lists the boxes that the variant misses"),
    Topic.SIZES: tr("AP by size in square pixels; a row lists the boxes that the variant misses"),
    Topic.ERRORS: tr("Errors at the confidence threshold; a row lists the variant's"),
    Topic.CONFUSION: tr("Confused classes at the confidence threshold; a row lists the variant's boxes"),
    Topic.STEPS: tr("The steps from the mAP50-95 that yolo val prints to the AP here, and what each changes"),
}
_AP_HEADERS = (tr("Boxes"), tr("Baseline"), tr("Variant"), tr("Δ points"), tr("Missed"))
_COUNT_HEADERS = (tr("Baseline"), tr("Variant"), tr("Change"))
_HEADERS: Mapping[Topic, tuple[str, ...]] = {
    Topic.CLASSES: (tr("Class"), *_AP_HEADERS),
    Topic.SIZES: (tr("Area in px"), *_AP_HEADERS),
    Topic.ERRORS: (tr("Error"), *_COUNT_HEADERS, tr("AP50 at stake")),
    Topic.CONFUSION: (tr("Truth → prediction"), *_COUNT_HEADERS),
    Topic.STEPS: (tr("Step"), tr("Baseline"), tr("Variant"), tr("Change")),
}
_ERRORS = {
    1: tr("Wrong class"),
    2: tr("Loose"),
    3: tr("Wrong class and loose"),
    4: tr("Duplicate"),
    5: tr("Background"),
    6: tr("Missed"),
}
_HAS_AP = (Topic.CLASSES, Topic.SIZES)


class BreakdownModel(QAbstractTableModel):
    """One table; UserRole gives the Row in column 0 and raw numbers in the others."""

    def __init__(self, topic: Topic) -> None:
        super().__init__()
        self.topic = topic
        self._rows: tuple[Row, ...] = ()
        self._class_names: tuple[str, ...] = ()

    def show_rows(self, rows: tuple[Row, ...], class_names: tuple[str, ...]) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self._rows, self._class_names = rows, class_names
        self.endResetModel()

    def row_at(self, row: int) -> Row:
        """The row at this place."""
        return self._rows[row]

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(_HEADERS[self.topic])

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADERS[self.topic][section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=section == 0)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column == 0)
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.name or None
        if role == Qt.ItemDataRole.UserRole:
            return row if column == 0 else self._numbers(row)[column - 1]
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return self._name(row) if column == 0 else self._text(row, column)

    def _numbers(self, row: Row) -> tuple[float, ...]:
        if self.topic in _HAS_AP:
            return row.total, row.baseline, row.variant, row.variant - row.baseline, len(row.places)
        if self.topic is Topic.STEPS:
            return row.baseline, row.variant, row.stake
        return row.baseline, row.variant, row.variant - row.baseline, row.stake

    def _text(self, row: Row, column: int) -> str:
        value = self._numbers(row)[column - 1]
        if isnan(value):
            return UNDEFINED
        if self.topic in _HAS_AP:
            if column == 4:
                return points_text(value).replace("-", "−")
            return f"{value:.3f}" if column in (2, 3) else f"{value:,.0f}"
        if self.topic is Topic.STEPS:
            return f"{value:+.4f}".replace("-", "−") if column == 3 and row.key[0] else f"{value:.4f}"
        if column == 4:
            return f"{value:.3f}"
        return f"{value:+,.0f}".replace("-", "−") if column == 3 and value else f"{value:,.0f}"

    def _name(self, row: Row) -> str:
        if self.topic is Topic.STEPS:
            return row.name
        if self.topic is Topic.ERRORS:
            return _ERRORS[int(row.key[0])]
        if self.topic is Topic.SIZES:
            low, high = row.key
            return (
                tr("{low:,.0f} or more", low=low) if high >= 1e9 else tr("{low:,.0f}–{high:,.0f}", low=low, high=high)
            )
        if self.topic is Topic.CLASSES:
            return self._class(int(row.key[0]))
        truth, predicted = int(row.key[0]), int(row.key[1])
        return confusion_text(truth, predicted, self._class_names)

    def _class(self, class_id: int) -> str:
        return shown_class(class_id, self._class_names)


class BreakdownTab(QWidget):
    """One table above the boxes of its current row.

    Signals:
        placeActivated(ChangedObject): go there; its box id is -1 for a prediction.
    """

    placeActivated = Signal(object)

    def __init__(self, session: Session, topic: Topic) -> None:
        super().__init__()
        self._session = session
        self.model = BreakdownModel(topic)
        self.table = AnalysisTable(f"breakdown.{topic}", _NAMES[topic], _NO_VARIANT)
        self.table.setModel(self.model)
        hint = tr("Choose a row to list its boxes.")
        self.list = PlacesList(session, f"breakdown.{topic}.boxes", tr("Boxes of the row above"), hint)
        stretch_column(self.table, 0)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.table)
        splitter.addWidget(self.list)
        self.list.setVisible(topic is not Topic.STEPS)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self.table.selectionModel().currentRowChanged.connect(self._on_row_changed)
        self.list.placeActivated.connect(self.placeActivated)

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Show these rows; the row with the same key stays chosen."""
        current = self.table.currentIndex()
        key = self.model.row_at(current.row()).key if current.isValid() else None
        self.model.show_rows(rows, self._session.document.class_names)
        place = next((number for number, row in enumerate(rows) if row.key == key), -1)
        self.list.places.show_places(rows[place].places if place >= 0 else NO_PLACES)
        if place >= 0:
            self.table.setCurrentIndex(self.model.index(place, 0))

    def gallery_set(self) -> GallerySet:
        """The boxes behind the chosen row."""
        row = self.table.currentIndex().row()
        return self.list.set_of("" if row < 0 else str(self.model.index(row, 0).data()))

    def _on_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        self.list.places.show_places(self.model.row_at(current.row()).places if current.isValid() else NO_PLACES)


class BreakdownPage(QWidget):
    """The choice between the tables, and the table.

    Signals:
        placeActivated(ChangedObject): go there; its box id is -1 for a prediction.
        topicChosen(): another table is shown.
    """

    placeActivated = Signal(object)
    topicChosen = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.tabs = tuple(BreakdownTab(session, topic) for topic in Topic)
        self.matrix = ConfusionPage(session, self.tabs[list(Topic).index(Topic.CONFUSION)])
        self._stack, self._buttons = QStackedWidget(), QButtonGroup(self)
        row = QHBoxLayout()
        row.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], SPACE["xs"])
        row.setSpacing(SPACE["xs"])
        for number, tab in enumerate(self.tabs):
            topic = tab.model.topic
            button = segment_button(f"breakdownButton.{topic}", TITLES[topic], _NAMES[topic])
            self._buttons.addButton(button, number)
            row.addWidget(button)
            self._stack.addWidget(self.matrix if topic is Topic.CONFUSION else tab)
            tab.placeActivated.connect(self.placeActivated)
        self.matrix.placeActivated.connect(self.placeActivated)
        row.addStretch(1)
        self._buttons.button(0).setChecked(True)
        self._buttons.idClicked.connect(self._on_topic_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self._stack, 1)

    @property
    def topic(self) -> Topic:
        """The table that is shown."""
        return list(Topic)[self._stack.currentIndex()]

    def _on_topic_clicked(self, number: int) -> None:
        self._stack.setCurrentIndex(number)
        self.topicChosen.emit()

    def show_breakdown(self, found: Breakdown | None, *, has_variant: bool) -> None:
        """Show the tables of one variant; None: there is none, or with a variant, none yet."""
        text = _NO_VARIANT if not has_variant else _COMPARING if found is None else _NO_ROWS
        for tab in self.tabs:
            tab.table.empty_text = text
            tab.table.viewport().update()
            tab.show_rows(() if found is None else found.tables[tab.model.topic])
        self.matrix.table.empty_text = text
        self.matrix.show_confusion(None if found is None else found.confusion)
