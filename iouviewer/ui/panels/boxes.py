"""The tab of boxes of the current frame."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.panels.boxes_table import BoxesTable
from iouviewer.ui.panels.list_panel import EmptyHint, HintLine, ListPanel
from iouviewer.ui.tables.boxes_model import COLUMNS, BoxesModel, Column

_WIDTHS = {
    Column.ICON: 26,
    Column.TRACK: 38,
    Column.CLASS: 60,
    Column.IOU: 50,
    Column.CONF: 44,
    Column.STATE: 55,
    Column.FLAGS: 20,
}


_NARROW = 290
"""Logical pixels of width below which the confidence gives way to the class."""


def _place(column: Column) -> int:
    return COLUMNS.index(column)


class BoxesPanel(ListPanel):
    """Boxes of the current frame; the selected rows and the selection on the canvas follow each other.

    Signals:
        goToRequested(): Enter on a row: show the selected box on the canvas and go there.
    """

    goToRequested = Signal()

    def __init__(self, session: Session) -> None:
        self.model = BoxesModel(session)
        table = BoxesTable("boxesTable", tr("Boxes of this frame"))
        hint = EmptyHint("draw")
        super().__init__(table, hint, filter_name="boxesFilter", placeholder=tr("Filter by class, track or state"))
        self._session = session
        self._is_syncing = False
        self._has_classes: bool | None = None
        table.setModel(self.model)
        for column, width in _WIDTHS.items():
            table.setColumnWidth(_place(column), width)
        table.sort_first_by(_place(Column.TRACK))
        table.selectionModel().selectionChanged.connect(self._on_rows_selected)
        table.rowEntered.connect(self.goToRequested)
        table.doubleClicked.connect(self._on_double_clicked)
        table.menuWanted.connect(self._on_menu_wanted)
        self.filter_field.textChanged.connect(self.model.set_filter)
        session.selectionChanged.connect(self._show_selection)
        for signal in (
            self.model.modelReset,
            self.model.rowsInserted,
            self.model.rowsRemoved,
            self.model.rowsReplaced,
        ):
            signal.connect(self._on_rows_changed)
        session.changed.connect(self._update_columns)
        session.view_state.viewStateChanged.connect(self._fit_columns)
        self._on_rows_changed()

    def _on_rows_changed(self) -> None:
        if not self._is_current:
            return
        # At once, or the table is painted now and again after its layout.
        self.table.doItemsLayout()
        self.set_count(self.model.rowCount())
        self._update_columns()
        self._show_hint()
        self._show_selection()

    def _update_columns(self) -> None:
        """Hide the column of classes where it says nothing; the track column takes its place."""
        has_classes = self.model.has_classes
        if has_classes is self._has_classes:
            return
        self._has_classes = has_classes
        widest = Column.CLASS if has_classes else Column.TRACK
        self.table.setColumnHidden(_place(Column.CLASS), not has_classes)
        header = self.table.horizontalHeader()
        for column in (Column.TRACK, Column.CLASS):
            mode = QHeaderView.ResizeMode.Stretch if column is widest else QHeaderView.ResizeMode.Fixed
            header.setSectionResizeMode(_place(column), mode)
            self.table.setColumnWidth(_place(column), _WIDTHS[column])
        self._fit_columns()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()

    def _fit_columns(self) -> None:
        is_blind = self._session.view_state.is_blind
        is_narrow = bool(self._has_classes) and self.width() < _NARROW
        self.table.setColumnHidden(_place(Column.CONF), is_blind or is_narrow)
        for column in (Column.ICON, Column.IOU, Column.STATE):
            self.table.setColumnHidden(_place(column), is_blind)

    def _show_hint(self) -> None:
        """Say what to do on a frame without ground truth; predictions stay in the list below."""
        session, model = self._session, self.model
        rows = model.rowCount()
        has_hint = bool(session.frame_count) and not model.truth_count
        self.show_parts(table=bool(rows) or not (has_hint or model.is_filtered), hint=has_hint or not rows)
        if not has_hint:
            self.hint.show_hint(tr("No box matches the filter.") if model.is_filtered and not rows else "")
            return
        frame = session.current_frame
        lines = [HintLine("drawBox", tr("Draw box")), *self._ways_to_start()]
        before = len(session.ground_truth.boxes(frame - 1)) if frame else 0
        if before:
            text = tr_n(
                "Copy {count} from frame {frame:,}", "Copy {count:,} from frame {frame:,}", before, frame=frame - 1
            )
            lines.append(HintLine("takePrevious", text))
        if model.prediction_count:
            text = tr_n("Accept {count} prediction", "Accept {count:,} predictions", model.prediction_count)
            lines.append(HintLine("acceptAll", text))
        lines.append(HintLine("verifiedEmpty", tr("Verify as empty")))
        self.hint.show_hint(tr("No boxes on this frame."), lines=lines)

    def _ways_to_start(self) -> list[HintLine]:
        """What gives a video its first boxes besides drawing."""
        if len(self._session.ground_truth):
            return []
        if len(self._session.variants):
            return [HintLine("startFromPredictions", tr("Start from predictions"))]
        return [HintLine("runModel", tr("Run model, then start from its predictions"))]

    # Selection

    @property
    def _is_current(self) -> bool:
        """Whether the rows show the current frame; after a step, ``rowsReplaced`` follows."""
        return self.model.frame == self._session.current_frame

    def _on_rows_selected(self) -> None:
        if self._is_syncing or not self.table.hasFocus() or not self._is_current:
            return
        rows = [self.model.row_at(row) for row in self.table.selected_rows()]
        boxes = [row.box_id for row in rows if row.box_id is not None]
        alone = next((row for row in rows if row.box_id is None), None)
        self._is_syncing = True
        if boxes or alone is None:
            self._session.select(boxes)
        else:
            self._session.select(prediction=(alone.variant, alone.row))
        self._is_syncing = False

    def _show_selection(self) -> None:
        if self._is_syncing or not self._is_current:
            return
        selection = self._session.selection
        if selection.prediction is not None:
            rows = [self.model.row_of_prediction(selection.prediction)]
        else:
            rows = [self.model.row_of_box(box_id) for box_id in selection.boxes]
        self._is_syncing = True
        self.table.select_rows(sorted(row for row in rows if row >= 0))
        self._is_syncing = False

    def _on_double_clicked(self, _index: QModelIndex) -> None:
        self.goToRequested.emit()

    def _on_menu_wanted(self, index: QModelIndex, position: QPoint) -> None:
        row = self.model.row_at(index.row())
        if row.box_id is not None:
            self.menuRequested.emit("box", row.box_id, position)
        else:
            self.menuRequested.emit("prediction", (row.variant, row.row), position)
