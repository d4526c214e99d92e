"""The lists of lost, gained and moved boxes: frame, object, and its IoU with the baseline and with the variant."""

from __future__ import annotations

from math import isnan

from PySide6.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QHeaderView, QTableView

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK, object_name
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.i18n import tr
from iouviewer.jobs.differences import NO_OBJECTS, ChangedObject, ChangedObjects
from iouviewer.ui.panels.sections import apply_dense_style, paint_empty_text
from iouviewer.ui.tables.common import ROOT, Index, cell_alignment

_OBJECT_COLUMN = 1
_HEADERS = (tr("Frame"), tr("Object"), tr("Baseline"), tr("Variant"))
_TOOLTIPS = (
    tr("Frame number; the first frame is 0"),
    tr("Class and track of the ground-truth box"),
    tr("IoU of the box with the prediction of the baseline; – without one"),
    tr("IoU of the box with the prediction of this variant; – without one"),
)


class ChangedObjectsModel(QAbstractTableModel):
    """One row per object; UserRole gives the ChangedObject in column 0 and raw numbers in the others."""

    def __init__(self) -> None:
        super().__init__()
        self._objects = NO_OBJECTS
        self._class_names: tuple[str, ...] = ()
        self._session: Session | None = None

    def show_objects(self, objects: ChangedObjects, session: Session) -> bool:
        """Replace the rows; False if they are unchanged."""
        names = session.document.class_names
        if names == self._class_names and (objects is self._objects or objects.same_as(self._objects)):
            return False
        self.beginResetModel()
        self._objects, self._class_names, self._session = objects, names, session
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._objects)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(_HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADERS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TOOLTIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=section == _OBJECT_COLUMN)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        changed, column = self._objects[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(changed, column)
        if role == Qt.ItemDataRole.UserRole:
            return (changed, changed.box_id, changed.baseline_iou, changed.variant_iou)[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column == _OBJECT_COLUMN)
        return None

    @property
    def all_objects(self) -> ChangedObjects:
        """What is listed."""
        return self._objects

    def _text(self, changed: ChangedObject, column: int) -> str:
        if column == 0:
            return str(changed.frame)
        if column == _OBJECT_COLUMN:
            return self._object_text(changed)
        return _iou_text(changed.baseline_iou if column == 2 else changed.variant_iou)

    def _object_text(self, changed: ChangedObject) -> str:
        return "" if self._session is None else changed_name(self._session, changed)


def changed_name(session: Session, changed: ChangedObject) -> str:
    """What the files call an object: its class and track, such as "person 3"."""
    names, box = session.document.class_names, session.ground_truth.find(changed.box_id)
    class_name = names[changed.class_id] if 0 <= changed.class_id < len(names) else ""
    return object_name(class_name, NO_TRACK if box is None else box.track)


def _iou_text(value: float) -> str:
    return UNDEFINED if isnan(value) else f"{value:.3f}"


class ChangedObjectsView(QTableView):
    """List of boxes that one variant finds and the other does not.

    Signals:
        objectActivated(ChangedObject): go there.
    """

    objectActivated = Signal(object)

    def __init__(self, name: str, accessible_name: str, empty_text: str) -> None:
        super().__init__()
        apply_dense_style(self, name, accessible_name)
        self._empty_text = empty_text
        self._is_filling = False
        self._is_complete = False
        self.objects = ChangedObjectsModel()
        self.setModel(self.objects)
        header = self.horizontalHeader()
        for column, width in ((0, 64), (2, 78), (3, 78)):
            self.setColumnWidth(column, width)
        header.setSectionResizeMode(_OBJECT_COLUMN, QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(self._on_clicked)
        self.selectionModel().currentRowChanged.connect(self._on_current_row_changed)

    def show_objects(self, objects: ChangedObjects, session: Session, *, is_complete: bool) -> None:
        """Fill the list.

        Args:
            is_complete: the comparison is complete, so an empty list means that there are no such boxes.
        """
        if is_complete is not self._is_complete:
            self._is_complete = is_complete
            self.viewport().update()
        selected = self.currentIndex().siblingAtColumn(0).data(Qt.ItemDataRole.UserRole)
        self._is_filling = True
        if self.objects.show_objects(objects, session) and selected is not None:
            # Keep the selected box selected when thresholds change, without going to its frame.
            row = objects.row_of(selected.box_id)
            if row >= 0:
                self.select_row(row)
        self._is_filling = False

    def _on_clicked(self, index: QModelIndex) -> None:
        self.objectActivated.emit(index.siblingAtColumn(0).data(Qt.ItemDataRole.UserRole))

    def _on_current_row_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        # Qt makes the first row current when the list gets the focus or new rows; do not go to its frame.
        if current.isValid() and previous.isValid() and self.hasFocus() and not self._is_filling:
            self._on_clicked(current)

    def select_row(self, row: int) -> None:
        """Select a row without going there."""
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.selectionModel().setCurrentIndex(self.objects.index(row, 0), flags)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._is_complete and not self.objects.rowCount():
            paint_empty_text(self, self._empty_text)
