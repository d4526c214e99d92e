"""Table of the current frame's boxes: pair, class, IoU, state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush, QColor, QFont

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.edits import Change
from iouviewer.metrics.review import PairState
from iouviewer.ui.palette import band_colour
from iouviewer.ui.tables.variants_model import COLUMN_ROLE
from iouviewer.ui.theme import tabular_font

Index = QModelIndex | QPersistentModelIndex


class Column(StrEnum):
    """Stable ids of the columns."""

    PAIR = "pair"
    CLASS = "class"
    IOU = "iou"
    STATE = "state"


HEADS = {Column.PAIR: "Pair", Column.CLASS: "Class", Column.IOU: "IoU", Column.STATE: "State"}
COLUMNS = tuple(HEADS)
STATE_TEXTS = {
    PairState.TRUE_POSITIVE: "match",
    PairState.LOOSE: "loose",
    PairState.FALSE_POSITIVE: "false positive",
    PairState.MISS: "missed",
    PairState.IGNORED: "ignored",
    PairState.BELOW_CONFIDENCE: "below confidence",
}


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One row: a ground-truth box with its partner, or a prediction alone.

    Attributes:
        box_id: ground truth, None for a false positive.
        variant, row: prediction's variant and row in its whole table; empty and -1 without a prediction.
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
    """Ground truth by id, then false positives, against the baseline (or the variant that ``set_variant`` names)."""

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
            # A frame that nobody predicted on misses nothing.
            nan = math.nan
            return [BoxRow(box.id, "", -1, box.class_id, nan, nan, None, box.flags) for box in boxes.values()]
        review = session.scores.frame_review(variant.key, frame)
        table = variant.predictions.table
        first = table.rows(frame).start
        rows: list[BoxRow] = []
        columns = (review.gt_ids, review.pred_rows, review.iou, review.state)
        for gt_id, row, iou, number in zip(*(column.tolist() for column in columns), strict=True):
            state = PairState(number)
            if gt_id < 0 and state is PairState.BELOW_CONFIDENCE:
                continue
            place = first + row if row >= 0 else -1
            box = boxes.get(gt_id)
            class_id = box.class_id if box is not None else int(table.class_ids[place])
            score = float(table.scores[place]) if place >= 0 else math.nan
            paired = iou if gt_id >= 0 and row >= 0 else math.nan
            key = variant.key if place >= 0 else ""
            rows.append(
                BoxRow(
                    gt_id if gt_id >= 0 else None, key, place, class_id, paired, score, state, box.flags if box else 0
                )
            )
        return rows

    def row_at(self, row: int) -> BoxRow:
        """What stands in a row."""
        return self._rows[row]

    def row_of_box(self, box_id: int) -> int:
        """Row of a ground-truth box, -1 if it is not here."""
        return next((i for i, row in enumerate(self._rows) if row.box_id == box_id), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADS[COLUMNS[section]]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(COLUMNS[section])
        return COLUMNS[section].value if role == COLUMN_ROLE else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.UserRole:
            return _value(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ForegroundRole and column is Column.IOU and not math.isnan(row.iou):
            return QBrush(QColor(band_colour(row.iou)))
        if role == Qt.ItemDataRole.FontRole and column is not Column.CLASS:
            return tabular_font(QFont())
        return None

    def _text(self, row: BoxRow, column: Column) -> str:
        if column is Column.PAIR:
            left = f"#{row.box_id}" if row.box_id is not None else "–"
            return f"{left}  {row.score:.2f}" if not math.isnan(row.score) else left
        if column is Column.CLASS:
            return self._session.document.class_name(row.class_id)
        if column is Column.IOU:
            return "–" if math.isnan(row.iou) else f"{row.iou:.3f}"
        return _state_text(row)


def _state_text(row: BoxRow) -> str:
    flags = [text for bit, text in ((BoxFlag.OCCLUDED, "occluded"), (BoxFlag.OUTSIDE, "outside")) if row.flags & bit]
    state = "" if row.state is None else STATE_TEXTS[row.state]
    return ", ".join(text for text in (state, *flags) if text)


def _value(row: BoxRow, column: Column) -> object:
    if column is Column.IOU:
        return None if math.isnan(row.iou) else row.iou
    if column is Column.PAIR:
        return row.box_id
    return row.class_id if column is Column.CLASS else (None if row.state is None else int(row.state))


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column is Column.IOU else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _identity(row: BoxRow) -> tuple[int | None, int]:
    return row.box_id, row.row if row.box_id is None else -1
