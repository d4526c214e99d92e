"""The tab of Compare that breaks the difference down by class, size, error and confusion, with the boxes of a row."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QHeaderView,
    QSplitter,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import object_name
from iouviewer.document.classes import class_name_of
from iouviewer.document.metric_columns import UNDEFINED, points_text
from iouviewer.i18n import tr
from iouviewer.jobs.gallery import GallerySet
from iouviewer.jobs.breakdown import NO_PLACES, NOTHING, Breakdown, Places, Row, Topic
from iouviewer.jobs.differences import ChangedObject
from iouviewer.ui.panels.sections import apply_dense_style, paint_empty_text
from iouviewer.ui.tables.common import ROOT, Index, cell_alignment
from iouviewer.ui.tokens import SPACE

TITLES: Mapping[Topic, str] = {
    Topic.CLASSES: tr("Classes"),
    Topic.SIZES: tr("Sizes"),
    Topic.ERRORS: tr("Errors"),
    Topic.CONFUSION: tr("Confusion"),
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
}
_AP_HEADERS = (tr("Boxes"), tr("Baseline"), tr("Variant"), tr("Δ points"), tr("Missed"))
_COUNT_HEADERS = (tr("Baseline"), tr("Variant"), tr("Change"))
_HEADERS: Mapping[Topic, tuple[str, ...]] = {
    Topic.CLASSES: (tr("Class"), *_AP_HEADERS),
    Topic.SIZES: (tr("Area in px"), *_AP_HEADERS),
    Topic.ERRORS: (tr("Error"), *_COUNT_HEADERS, tr("AP50 at stake")),
    Topic.CONFUSION: (tr("Truth → prediction"), *_COUNT_HEADERS),
}
_ERRORS = {
    1: tr("Wrong class"),
    2: tr("Loose"),
    3: tr("Wrong class and loose"),
    4: tr("Duplicate"),
    5: tr("Background"),
    6: tr("Missed"),
}
_PLACE_HEADERS = (tr("Frame"), tr("Object"), tr("Conf."))
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
        if role == Qt.ItemDataRole.UserRole:
            return row if column == 0 else self._numbers(row)[column - 1]
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return self._name(row) if column == 0 else self._text(row, column)

    def _numbers(self, row: Row) -> tuple[float, ...]:
        if self.topic in _HAS_AP:
            return row.total, row.baseline, row.variant, row.variant - row.baseline, len(row.places)
        return row.baseline, row.variant, row.variant - row.baseline, row.stake

    def _text(self, row: Row, column: int) -> str:
        value = self._numbers(row)[column - 1]
        if isnan(value):
            return UNDEFINED
        if self.topic in _HAS_AP:
            if column == 4:
                return points_text(value).replace("-", "−")
            return f"{value:.3f}" if column in (2, 3) else f"{value:,.0f}"
        if column == 4:
            return f"{value:.3f}"
        return f"{value:+,.0f}".replace("-", "−") if column == 3 and value else f"{value:,.0f}"

    def _name(self, row: Row) -> str:
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
        if predicted == NOTHING:
            return tr("{class_name} → missed", class_name=self._class(truth))
        if truth == NOTHING:
            return tr("background → {class_name}", class_name=self._class(predicted))
        return tr("{truth} → {predicted}", truth=self._class(truth), predicted=self._class(predicted))

    def _class(self, class_id: int) -> str:
        return class_name_of(class_id, self._class_names) or tr("no class")


class PlacesModel(QAbstractTableModel):
    """The boxes behind a row; UserRole gives the ChangedObject to go to in column 0."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._places = NO_PLACES

    @property
    def all_places(self) -> Places:
        """What is listed."""
        return self._places

    def show_places(self, places: Places) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self._places = places
        self.endResetModel()

    def place(self, row: int) -> ChangedObject:
        """Where a row leads."""
        x1, y1, x2, y2 = self._places.boxes[:, row].tolist()
        return ChangedObject(int(self._places.frames[row]), int(self._places.ids[row]), -1, (x1, y1, x2, y2))

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._places)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(_PLACE_HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _PLACE_HEADERS[section]
        return cell_alignment(is_text=section == 1) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column == 1)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if column == 0:
            return f"{int(self._places.frames[row]):,}"
        if column == 2:
            score = float(self._places.scores[row])
            return UNDEFINED if isnan(score) else f"{score:.2f}"
        return self._object(row)

    def _object(self, row: int) -> str:
        box = self._session.ground_truth.find(int(self._places.ids[row]))
        if box is None:
            return tr("prediction")
        name = class_name_of(box.class_id, self._session.document.class_names)
        return object_name(name, box.track)


class _Table(QTableView):
    """A dense table that says why it is empty."""

    def __init__(self, name: str, accessible_name: str, empty_text: str) -> None:
        super().__init__()
        apply_dense_style(self, name, accessible_name)
        self.empty_text = empty_text

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.model() is not None and not self.model().rowCount():
            paint_empty_text(self, self.empty_text)


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
        self.places = PlacesModel(session)
        self.table = _Table(f"breakdown.{topic}", _NAMES[topic], _NO_VARIANT)
        self.table.setModel(self.model)
        hint = tr("Choose a row to list its boxes.")
        self.list = _Table(f"breakdown.{topic}.boxes", tr("Boxes of the row above"), hint)
        self.list.setModel(self.places)
        for table, stretched in ((self.table, 0), (self.list, 1)):
            header = table.horizontalHeader()
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.table)
        splitter.addWidget(self.list)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self.table.selectionModel().currentRowChanged.connect(self._on_row_changed)
        self.list.clicked.connect(self._on_place_clicked)
        self.list.activated.connect(self._on_place_clicked)

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Show these rows; the row with the same key stays chosen."""
        current = self.table.currentIndex()
        key = self.model.row_at(current.row()).key if current.isValid() else None
        self.model.show_rows(rows, self._session.document.class_names)
        place = next((number for number, row in enumerate(rows) if row.key == key), -1)
        self.places.show_places(rows[place].places if place >= 0 else NO_PLACES)
        if place >= 0:
            self.table.setCurrentIndex(self.model.index(place, 0))

    def gallery_set(self) -> GallerySet:
        """The boxes behind the chosen row."""
        places, row = self.places.all_places, self.table.currentIndex().row()
        title = "" if row < 0 else str(self.model.index(row, 0).data())
        is_box = places.ids >= 0
        return GallerySet(title, places.ids[is_box], places.frames[~is_box], places.boxes[:, ~is_box])

    def _on_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        self.places.show_places(self.model.row_at(current.row()).places if current.isValid() else NO_PLACES)

    def _on_place_clicked(self, index: QModelIndex) -> None:
        self.placeActivated.emit(self.places.place(index.row()))


class BreakdownPage(QWidget):
    """The choice between the four tables, and the table.

    Signals:
        placeActivated(ChangedObject): go there; its box id is -1 for a prediction.
    """

    placeActivated = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.tabs = tuple(BreakdownTab(session, topic) for topic in Topic)
        self._stack, self._buttons = QStackedWidget(), QButtonGroup(self)
        row = QHBoxLayout()
        row.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], SPACE["xs"])
        row.setSpacing(SPACE["xs"])
        for number, tab in enumerate(self.tabs):
            topic = tab.model.topic
            button = QToolButton()
            button.setObjectName(f"breakdownButton.{topic}")
            button.setText(TITLES[topic])
            button.setToolTip(_NAMES[topic])
            button.setCheckable(True)
            button.setProperty("segment", True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            self._buttons.addButton(button, number)
            row.addWidget(button)
            self._stack.addWidget(tab)
            tab.placeActivated.connect(self.placeActivated)
        row.addStretch(1)
        self._buttons.button(0).setChecked(True)
        self._buttons.idClicked.connect(self._stack.setCurrentIndex)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self._stack, 1)

    def show_breakdown(self, found: Breakdown | None, *, has_variant: bool) -> None:
        """Show the tables of one variant; None: there is none, or with a variant, none yet."""
        for tab in self.tabs:
            tab.table.empty_text = _NO_VARIANT if not has_variant else _COMPARING if found is None else _NO_ROWS
            tab.table.viewport().update()
            tab.show_rows(() if found is None else found.tables[tab.model.topic])
