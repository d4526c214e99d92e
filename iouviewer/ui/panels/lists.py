"""Tables and lists of the side panel, joined with the session's selection and frame."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Signal
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView

from iouviewer.app.editing.session import Session
from iouviewer.ui.panels.problems import ProblemsPanel
from iouviewer.ui.panels.sections import Section, dense_table, make_dense
from iouviewer.ui.tables.boxes_model import BoxesModel
from iouviewer.ui.tables.variants_model import Column, VariantsModel

__all__ = ["BoxesPanel", "ProblemsPanel", "VariantsPanel"]

_NARROW = (Column.NAME, Column.AVG_IOU, Column.PQ, Column.AP)
_NARROW_WIDTHS = {Column.AVG_IOU: 70, Column.PQ: 58, Column.AP: 72}
_WIDTHS = {Column.AP: 80, Column.AP50: 80, Column.FRAMES: 96, Column.DELTA: 80, Column.AVG_IOU: 76}


class BoxesPanel(Section):
    """Boxes of this frame; a row and the selection on the canvas are one."""

    def __init__(self, session: Session) -> None:
        self.model = BoxesModel(session)
        self.table = dense_table("boxesTable", "Boxes of this frame")
        super().__init__("Boxes of this frame", self.table)
        self._session = session
        self.table.setModel(self.model)
        header = self.table.horizontalHeader()
        # "#4145  0.86" must fit whatever font the system has.
        self.table.setColumnWidth(0, self.table.fontMetrics().horizontalAdvance("#99999  0.00") + 18)
        self.table.setColumnWidth(2, 54)
        self.table.setColumnWidth(3, 100)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.selectionModel().currentRowChanged.connect(self._on_row_changed)
        session.selectionChanged.connect(self._show_selection)
        self.model.modelReset.connect(self._on_model_reset)
        self._on_model_reset()

    def _on_model_reset(self) -> None:
        self.remark.setText(str(self.model.rowCount()) if self._session.frame_count else "")
        self._show_selection()

    def _on_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if not current.isValid() or not self.table.hasFocus():
            return
        row = self.model.row_at(current.row())
        if row.box_id is not None:
            self._session.select([row.box_id])
        elif row.variant:
            self._session.select(prediction=(row.variant, row.row))

    def _show_selection(self) -> None:
        selection = self._session.selection
        row = -1
        if len(selection.boxes) == 1:
            row = self.model.row_of_box(next(iter(selection.boxes)))
        elif selection.prediction is not None:
            row = next((i for i in range(self.model.rowCount()) if self._is_prediction(i, selection.prediction)), -1)
        _mark_row(self.table, row)

    def _is_prediction(self, row: int, prediction: tuple[str, int]) -> bool:
        found = self.model.row_at(row)
        return (found.variant, found.row) == prediction


class VariantsPanel(Section):
    """The variants table; in the narrow panel it shows the columns that matter while correcting.

    Signals:
        removeRequested(str), baselineRequested(str), resumeRequested(str): of the variant with this key.
    """

    removeRequested = Signal(str)
    baselineRequested = Signal(str)
    resumeRequested = Signal(str)

    def __init__(self, session: Session) -> None:
        self.model = VariantsModel(session)
        self.table = _VariantsView(self)
        super().__init__("Variants", self.table)
        self._session = session
        self.table.setModel(self.model)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.set_narrow(True)

    def set_narrow(self, narrow: bool) -> None:
        """Few columns, or all of them."""
        for column in Column:
            place = self.model.column_of(column)
            self.table.setColumnHidden(place, narrow and column not in _NARROW)
            if column is not Column.NAME:
                self.table.setColumnWidth(place, _NARROW_WIDTHS.get(column, 60) if narrow else _WIDTHS.get(column, 66))

    def current_key(self) -> str:
        """Key of the selected variant, empty for none."""
        index = self.table.currentIndex()
        return self.model.key_at(index.row()) if index.isValid() else ""


class _VariantsView(QTableView):
    """The table with its context menu."""

    def __init__(self, panel: VariantsPanel) -> None:
        super().__init__()
        make_dense(self, "variantsTable", "Variants and their scores")
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self._panel = panel

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if not index.isValid():
            return
        key = self._panel.model.key_at(index.row())
        menu = QMenu(self)
        baseline, remove = QAction("Make it the baseline", menu), QAction("Remove from the list", menu)
        resume = QAction("Go on with the run", menu)
        resume.setVisible(self._panel.model.stopped(key))
        menu.addActions([resume, baseline, remove])
        place = self.viewport().mapToGlobal(self.visualRect(index).bottomLeft()) if by_key else event.globalPos()
        chosen = menu.exec(place)
        if chosen is baseline:
            self._panel.baselineRequested.emit(key)
        elif chosen is remove:
            self._panel.removeRequested.emit(key)
        elif chosen is resume:
            self._panel.resumeRequested.emit(key)


def _mark_row(view: QTableView, row: int) -> None:
    """Select a row without moving the focus; -1 selects nothing."""
    selection = view.selectionModel()
    if row < 0:
        selection.clearSelection()
        selection.setCurrentIndex(QModelIndex(), QItemSelectionModel.SelectionFlag.NoUpdate)
        return
    index = view.model().index(row, 0)
    flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
    selection.setCurrentIndex(index, flags)
    view.scrollTo(index)
