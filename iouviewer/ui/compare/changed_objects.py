"""The lists of lost and gained boxes: frame, object, and its IoU with the baseline and with the variant."""

from __future__ import annotations

from math import isnan

from PySide6.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHeaderView, QTableView

from iouviewer.app.editing.session import Session
from iouviewer.ui.compare.differences import NO_SPOTS, Spot, Spots
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.sections import make_dense

Index = QModelIndex | QPersistentModelIndex
_HEADS = ("Frame", "Object", "Baseline", "Variant")
_TIPS = (
    "Frame, from 0",
    "Class and number of the ground-truth box",
    "IoU of the box with the baseline's prediction; – where it has none",
    "IoU of the box with this variant's prediction; – where it has none",
)


class SpotModel(QAbstractTableModel):
    """Rows of spots; UserRole gives the Spot in column 0 and raw numbers in the others."""

    def __init__(self) -> None:
        super().__init__()
        self._spots = NO_SPOTS
        self._names: tuple[str, ...] = ()

    def show_spots(self, spots: Spots, session: Session) -> bool:
        """Other rows; False where they are what is shown already."""
        names = session.document.class_names
        if names == self._names and (spots is self._spots or spots.same_as(self._spots)):
            return False
        self.beginResetModel()
        self._spots, self._names = spots, names
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._spots)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _aligned(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        spot, column = self._spots[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(spot, column)
        if role == Qt.ItemDataRole.UserRole:
            return (spot, spot.box_id, spot.baseline_iou, spot.variant_iou)[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _aligned(column)
        return None

    def _text(self, spot: Spot, column: int) -> str:
        if column == 0:
            return str(spot.frame)
        if column == 1:
            return self._object(spot)
        return _iou(spot.baseline_iou if column == 2 else spot.variant_iou)

    def _object(self, spot: Spot) -> str:
        known = 0 <= spot.class_id < len(self._names)
        return f"{self._names[spot.class_id]} #{spot.box_id}" if known else f"#{spot.box_id}"


def _aligned(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column == 1 else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def _iou(value: float) -> str:
    return "–" if isnan(value) else f"{value:.3f}"


class SpotList(QTableView):
    """Boxes that one variant finds and the other does not.

    Signals:
        activatedSpot(Spot): go there.
    """

    activatedSpot = Signal(object)

    def __init__(self, name: str, accessible: str, empty: str) -> None:
        super().__init__()
        make_dense(self, name, accessible)
        self._empty = empty
        self._filling = False
        self.known = False
        self.spots = SpotModel()
        self.setModel(self.spots)
        header = self.horizontalHeader()
        for column, width in ((0, 64), (2, 78), (3, 78)):
            self.setColumnWidth(column, width)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(self._on_list_clicked)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)

    def show_spots(self, spots: Spots, session: Session, *, known: bool) -> None:
        """Fill the list; ``known``: an empty one means that there are none."""
        if known is not self.known:
            self.known = known
            self.viewport().update()
        marked = self.currentIndex().siblingAtColumn(0).data(Qt.ItemDataRole.UserRole)
        self._filling = True
        if self.spots.show_spots(spots, session) and marked is not None:
            # The marked box stays marked while thresholds move, and nobody is sent to another frame.
            row = spots.row_of(marked.box_id)
            if row >= 0:
                self.select_row(row)
        self._filling = False

    def _on_list_clicked(self, index: QModelIndex) -> None:
        self.activatedSpot.emit(index.siblingAtColumn(0).data(Qt.ItemDataRole.UserRole))

    def _on_current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        # Qt makes the first row current when the list gets the focus or other rows; to look is not to go anywhere.
        if current.isValid() and previous.isValid() and self.hasFocus() and not self._filling:
            self._on_list_clicked(current)

    def select_row(self, row: int) -> None:
        """Mark a row without going there."""
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.selectionModel().setCurrentIndex(self.spots.index(row, 0), flags)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.known and not self.spots.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(scheme_theme().muted)
            where = self.viewport().rect().adjusted(8, 8, -8, -8)
            painter.drawText(where, int(Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap), self._empty)
