"""What the analysis tabs of Compare share: tables that say why they are empty, and the boxes behind a number."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from PySide6.QtCore import QAbstractTableModel, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QHeaderView, QTableView, QToolButton

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import object_name
from iouviewer.document.classes import class_name_of
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.i18n import tr
from iouviewer.jobs.breakdown import NO_PLACES, NOTHING, Places
from iouviewer.jobs.differences import ChangedObject
from iouviewer.jobs.gallery import GallerySet
from iouviewer.ui.panels.sections import apply_dense_style, paint_empty_text
from iouviewer.ui.tables.common import ROOT, Index, cell_alignment

_PLACE_HEADERS = (tr("Frame"), tr("Object"), tr("Conf."))


def shown_class(class_id: int, names: Sequence[str]) -> str:
    """The name of a class, or that there is none."""
    return class_name_of(class_id, names) or tr("no class")


def confusion_text(truth: int, predicted: int, names: Sequence[str]) -> str:
    """What a class was taken for: "car → van", "car → missed", "background → car"."""
    if predicted == NOTHING:
        return tr("{class_name} → missed", class_name=shown_class(truth, names))
    if truth == NOTHING:
        return tr("background → {class_name}", class_name=shown_class(predicted, names))
    return tr("{truth} → {predicted}", truth=shown_class(truth, names), predicted=shown_class(predicted, names))


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


class AnalysisTable(QTableView):
    """A dense table that says why it is empty."""

    def __init__(self, name: str, accessible_name: str, empty_text: str) -> None:
        super().__init__()
        apply_dense_style(self, name, accessible_name)
        self.empty_text = empty_text

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.model() is not None and not self.model().rowCount():
            paint_empty_text(self, self.empty_text)


class PlacesList(AnalysisTable):
    """The boxes behind the number that is chosen above.

    Signals:
        placeActivated(ChangedObject): go there; its box id is -1 for a prediction.
    """

    placeActivated = Signal(object)
    own_keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter)

    def __init__(self, session: Session, name: str, accessible_name: str, empty_text: str) -> None:
        super().__init__(name, accessible_name, empty_text)
        self.places = PlacesModel(session)
        self.setModel(self.places)
        stretch_column(self, 1)
        self.clicked.connect(self._on_place_clicked)
        self.activated.connect(self._on_place_clicked)

    def set_of(self, title: str) -> GallerySet:
        """The listed boxes."""
        places = self.places.all_places
        is_box = places.ids >= 0
        return GallerySet(title, places.ids[is_box], places.frames[~is_box], places.boxes[:, ~is_box])

    def _on_place_clicked(self, index: Index) -> None:
        self.placeActivated.emit(self.places.place(index.row()))


def stretch_column(table: QTableView, stretched: int) -> None:
    """Give one column the space that the content of the others leaves."""
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)


def segment_button(name: str, text: str, tooltip: str) -> QToolButton:
    """One of some buttons of which one is chosen."""
    button = QToolButton()
    button.setObjectName(name)
    button.setText(text)
    button.setToolTip(tooltip)
    button.setCheckable(True)
    button.setProperty("segment", True)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    return button
