"""Tables of the side panel, linked with the session's selection and frame."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.ui.panels.sections import Section, apply_dense_style, paint_empty_text
from iouviewer.ui.tables.boxes_model import BoxesModel
from iouviewer.ui.tables.variants_model import NAME_COLUMN, VariantsModel

_NARROW_WIDTHS = {"avg_iou": 70, "pq": 58, "ap": 72}
_NARROW_WIDTH = 60
_WIDTHS = {"ap": 80, "ap50": 80, "frames": 96, "delta": 80, "avg_iou": 76}
_WIDTH = 66
_NO_BOXES = tr("No boxes on this frame. Draw a box, copy from the previous frame, or verify the frame as empty.")


class BoxesPanel(Section):
    """Boxes of the current frame; the selected row and the selection on the canvas follow each other."""

    def __init__(self, session: Session) -> None:
        self.model = BoxesModel(session)
        self.table = _BoxesView(session)
        super().__init__(tr("Boxes of this frame"), self.table)
        self._session = session
        self.table.setModel(self.model)
        header = self.table.horizontalHeader()
        # Wide enough for "#4145  0.86" in any system font.
        self.table.setColumnWidth(0, self.table.fontMetrics().horizontalAdvance("#99999  0.00") + 18)
        self.table.setColumnWidth(2, 54)
        self.table.setColumnWidth(3, 100)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.selectionModel().currentRowChanged.connect(self._on_current_row_changed)
        session.selectionChanged.connect(self._show_selection)
        self.model.modelReset.connect(self._on_model_reset)
        self._on_model_reset()

    def _on_model_reset(self) -> None:
        self.summary.setText(f"{self.model.rowCount():,}" if self._session.frame_count else "")
        self._show_selection()

    def _on_current_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
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
        _select_row(self.table, row)

    def _is_prediction(self, row: int, prediction: tuple[str, int]) -> bool:
        box_row = self.model.row_at(row)
        return (box_row.variant, box_row.row) == prediction


class _BoxesView(QTableView):
    """The table of boxes; an empty one shows how to add a box."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        apply_dense_style(self, "boxesTable", tr("Boxes of this frame"))
        self._session = session

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._session.frame_count and not self.model().rowCount():
            paint_empty_text(self, _NO_BOXES)


class VariantsPanel(Section):
    """The variants table; in the narrow side panel it shows few columns.

    Signals:
        removeRequested(str), baselineRequested(str), resumeRequested(str), classesRequested(str): of the variant with
            this key.
    """

    removeRequested = Signal(str)
    baselineRequested = Signal(str)
    resumeRequested = Signal(str)
    classesRequested = Signal(str)

    def __init__(self, session: Session) -> None:
        self.model = VariantsModel(session)
        self.table = _VariantsView(self)
        super().__init__(tr("Variants"), self.table)
        self._session = session
        self.table.setModel(self.model)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.set_narrow(True)

    def set_narrow(self, narrow: bool) -> None:
        """Show the columns of the side panel, or all of them."""
        shown = self.model.side_panel_column_ids if narrow else self.model.column_ids
        widths, default = (_NARROW_WIDTHS, _NARROW_WIDTH) if narrow else (_WIDTHS, _WIDTH)
        for position, column_id in enumerate(self.model.column_ids):
            self.table.setColumnHidden(position, column_id not in shown)
            if column_id != NAME_COLUMN:
                self.table.setColumnWidth(position, widths.get(column_id, default))

    def current_key(self) -> str:
        """Key of the selected variant, empty for none."""
        index = self.table.currentIndex()
        return self.model.key_at(index.row()) if index.isValid() else ""


class _VariantsView(QTableView):
    """The table with its context menu."""

    def __init__(self, panel: VariantsPanel) -> None:
        super().__init__()
        apply_dense_style(self, "variantsTable", tr("Variants and their scores"))
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self._panel = panel

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if not index.isValid():
            return
        key = self._panel.model.key_at(index.row())
        menu = QMenu(self)
        resume, baseline = QAction(tr("Resume run"), menu), QAction(tr("Set as baseline"), menu)
        remove, classes = QAction(tr("Remove from list"), menu), QAction(tr("Classes…"), menu)
        classes.setVisible(self._panel.model.has_classes(key))
        resume.setVisible(self._panel.model.is_resumable(key))
        menu.addActions([resume, baseline, classes, remove])
        position = self.viewport().mapToGlobal(self.visualRect(index).bottomLeft()) if by_key else event.globalPos()
        chosen = menu.exec(position)
        if chosen is baseline:
            self._panel.baselineRequested.emit(key)
        elif chosen is remove:
            self._panel.removeRequested.emit(key)
        elif chosen is resume:
            self._panel.resumeRequested.emit(key)
        elif chosen is classes:
            self._panel.classesRequested.emit(key)


def _select_row(view: QTableView, row: int) -> None:
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
