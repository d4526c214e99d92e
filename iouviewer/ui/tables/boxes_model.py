"""Model of the table of the current frame's boxes: pair, class, IoU, state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QAbstractTableModel, Qt
from PySide6.QtGui import QBrush, QColor, QFont

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.edits import Change
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.i18n import tr
from iouviewer.metrics.review import PairState
from iouviewer.ui.palette import band_colour
from iouviewer.ui.tables.common import COLUMN_ROLE, ROOT, Index, cell_alignment
from iouviewer.ui.theme import tabular_font


class Column(StrEnum):
    """Stable ids of the columns."""

    PAIR = "pair"
    CLASS = "class"
    IOU = "iou"
    STATE = "state"


HEADERS = {Column.PAIR: tr("Pair"), Column.CLASS: tr("Class"), Column.IOU: tr("IoU"), Column.STATE: tr("State")}
COLUMNS = tuple(HEADERS)
STATE_TEXTS = {
    PairState.TRUE_POSITIVE: tr("matched"),
    PairState.LOOSE: tr("loose"),
    PairState.FALSE_POSITIVE: tr("extra"),
    PairState.MISS: tr("missed"),
    PairState.IGNORED: tr("ignored"),
    PairState.BELOW_CONFIDENCE: tr("below confidence"),
}
_FLAG_TEXTS = {BoxFlag.OCCLUDED: tr("occluded"), BoxFlag.OUTSIDE: tr("out of view")}


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One row: a ground-truth box with its partner, or a prediction alone.

    Attributes:
        box_id: ground truth, None for an extra prediction.
        variant, row: the prediction's variant and its row in the whole table; empty and -1 without a prediction.
        iou: nan without a pair.
    """

    box_id: int | None
    variant: str
    row: int
    class_id: int
    iou: float
    score: float
    state: PairState | None
    flags: int = 0


class BoxesModel(QAbstractTableModel):
    """Ground truth by id with its partners of the baseline (or of ``set_variant``), then extra predictions."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._rows: list[BoxRow] = []
        self._variant = ""
        session.sourceChanged.connect(self._rebuild)
        session.frameChanged.connect(self._rebuild)
        session.scoresChanged.connect(self._rebuild)
        session.variants.listChanged.connect(self._rebuild)
        session.changed.connect(self._on_session_changed)
        self._rebuild()

    def set_variant(self, key: str) -> None:
        """Show the pairs with this variant; empty: the baseline."""
        self._variant = key
        self._rebuild()

    def _on_session_changed(self, change: Change) -> None:
        if self._session.current_frame not in change.frames and change.frames:
            return
        rows = self._make_rows()
        if [_identity(row) for row in rows] != [_identity(row) for row in self._rows]:
            self._rebuild()
            return
        for place, (old, new) in enumerate(zip(self._rows, rows, strict=True)):
            if old != new:
                self._rows[place] = new
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(COLUMNS) - 1))

    def _rebuild(self) -> None:
        self.beginResetModel()
        self._rows = self._make_rows()
        self.endResetModel()

    def _make_rows(self) -> list[BoxRow]:
        session = self._session
        if not session.frame_count:
            return []
        frame = session.current_frame
        boxes = {box.id: box for box in session.ground_truth.boxes(frame)}
        variant = session.variants.find(self._variant) or session.variants.baseline
        if variant is None or not variant.predictions.covered[frame]:
            # Without predictions for this frame, no box counts as missed.
            nan = math.nan
            return [BoxRow(box.id, "", -1, box.class_id, nan, nan, None, box.flags) for box in boxes.values()]
        review = session.scores.frame_review(variant.key, frame)
        table = variant.predictions.table
        first = table.rows(frame).start
        rows: list[BoxRow] = []
        columns = (review.gt_ids, review.pred_rows, review.iou, review.state)
        for gt_id, pred_row, iou, number in zip(*(column.tolist() for column in columns), strict=True):
            state = PairState(number)
            if gt_id < 0 and state is PairState.BELOW_CONFIDENCE:
                continue
            table_row = first + pred_row if pred_row >= 0 else -1
            box = boxes.get(gt_id)
            rows.append(
                BoxRow(
                    box_id=gt_id if gt_id >= 0 else None,
                    variant=variant.key if table_row >= 0 else "",
                    row=table_row,
                    class_id=box.class_id if box is not None else int(table.class_ids[table_row]),
                    iou=iou if gt_id >= 0 and pred_row >= 0 else math.nan,
                    score=float(table.scores[table_row]) if table_row >= 0 else math.nan,
                    state=state,
                    flags=box.flags if box else 0,
                )
            )
        return rows

    def row_at(self, row: int) -> BoxRow:
        """The content of a row."""
        return self._rows[row]

    def row_of_box(self, box_id: int) -> int:
        """Row of a ground-truth box, -1 if it is not on this frame."""
        return next((i for i, row in enumerate(self._rows) if row.box_id == box_id), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column is not Column.IOU)
        return column.value if role == COLUMN_ROLE else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.UserRole:
            return _value(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column is not Column.IOU)
        if role == Qt.ItemDataRole.ForegroundRole and column is Column.IOU and not math.isnan(row.iou):
            return QBrush(QColor(band_colour(row.iou)))
        if role == Qt.ItemDataRole.FontRole and column is not Column.CLASS:
            return tabular_font(QFont())
        return None

    def _text(self, row: BoxRow, column: Column) -> str:
        if column is Column.PAIR:
            box = f"#{row.box_id}" if row.box_id is not None else UNDEFINED
            return f"{box}  {row.score:.2f}" if not math.isnan(row.score) else box
        if column is Column.CLASS:
            return self._session.document.class_name(row.class_id)
        if column is Column.IOU:
            return UNDEFINED if math.isnan(row.iou) else f"{row.iou:.3f}"
        return _state_text(row)


def _state_text(row: BoxRow) -> str:
    state = "" if row.state is None else STATE_TEXTS[row.state]
    flags = (text for flag, text in _FLAG_TEXTS.items() if row.flags & flag)
    return ", ".join(text for text in (state, *flags) if text)


def _value(row: BoxRow, column: Column) -> object:
    if column is Column.IOU:
        return None if math.isnan(row.iou) else row.iou
    if column is Column.PAIR:
        return row.box_id
    return row.class_id if column is Column.CLASS else (None if row.state is None else int(row.state))


def _identity(row: BoxRow) -> tuple[int | None, int]:
    return row.box_id, row.row if row.box_id is None else -1
