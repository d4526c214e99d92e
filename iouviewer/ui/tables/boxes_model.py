"""Model of the table of the current frame's boxes: ground truth with its matches, then other predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QFont

from iouviewer.app.editing.frame_filter import Listed, listed_on
from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.edits import Aspect, Change, FrameState, Phase
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.document.problems import VariantMatches, pair_wrong_classes
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.metrics.review import FrameReview, PairState
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.fonts import font
from iouviewer.ui.tables.cells import DASH_ROLE, GLYPHS_ROLE, Glyph
from iouviewer.ui.tables.common import COLUMN_ROLE, ROOT, Index, cell_alignment
from iouviewer.ui.throttle import Throttle


class Column(StrEnum):
    """Stable ids of the columns."""

    ICON = "icon"
    TRACK = "track"
    CLASS = "class"
    IOU = "iou"
    CONF = "conf"
    STATE = "state"
    FLAGS = "flags"


HEADERS = {
    Column.ICON: "",
    Column.TRACK: tr("Track"),
    Column.CLASS: tr("Class"),
    Column.IOU: tr("IoU"),
    Column.CONF: tr("Conf"),
    Column.STATE: tr("State"),
    Column.FLAGS: "",
}
COLUMNS = tuple(HEADERS)
_ROLES = frozenset(
    int(role)
    for role in (
        Qt.ItemDataRole.DisplayRole,
        Qt.ItemDataRole.UserRole,
        Qt.ItemDataRole.TextAlignmentRole,
        Qt.ItemDataRole.FontRole,
        Qt.ItemDataRole.ToolTipRole,
        GLYPHS_ROLE,
        DASH_ROLE,
    )
)
NO_BOX = -1
"""In place of a box id: an edit that did more than move boxes."""
_NUMBERS = (Column.IOU, Column.CONF)


class RowState(StrEnum):
    """What became of a box: the word of the table and of its filter, in order of severity."""

    NONE = ""
    MATCH = tr("match")
    OUT_OF_VIEW = tr("out of view")
    IGNORED = tr("ignored")
    LOOSE = tr("loose")
    EXTRA = tr("extra")
    MISSED = tr("missed")
    WRONG_CLASS = tr("wrong class")


_SEVERITY = {state: place for place, state in enumerate(RowState)}
_STATES = {
    PairState.TRUE_POSITIVE: RowState.MATCH,
    PairState.LOOSE: RowState.LOOSE,
    PairState.FALSE_POSITIVE: RowState.EXTRA,
    PairState.MISS: RowState.MISSED,
    PairState.IGNORED: RowState.IGNORED,
}
_ICONS = {
    RowState.MATCH: Glyph("check", "good"),
    RowState.OUT_OF_VIEW: Glyph("outside", "text3"),
    RowState.IGNORED: Glyph("ignore", "text3"),
    RowState.LOOSE: Glyph("warning", "warn"),
    RowState.EXTRA: Glyph("problem_extra", "bad"),
    RowState.MISSED: Glyph("x-circle", "bad"),
    RowState.WRONG_CLASS: Glyph("problem_class", "bad"),
}
_FLAGS = (
    (BoxFlag.KEY_FRAME, tr("key frame"), Glyph("keyFrame", "accent")),
    (BoxFlag.OCCLUDED, tr("occluded"), Glyph("occluded", "text2")),
    (BoxFlag.OUTSIDE, tr("out of view"), Glyph("outside", "text2")),
    (BoxFlag.IGNORED, tr("ignored"), Glyph("ignore", "text2")),
    (BoxFlag.TRUNCATED, tr("truncated"), Glyph("crop", "text2")),
)


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One row: a ground-truth box with its match, or a prediction alone.

    Attributes:
        box_id: ground truth, None for a prediction alone.
        variant, row: the prediction's variant and its row in the whole table; empty and -1 without a prediction.
        iou, score: nan without a pair, without a prediction.
    """

    box_id: int | None
    variant: str
    row: int
    track: int
    class_id: int
    iou: float
    score: float
    state: RowState
    flags: int = 0

    @property
    def identity(self) -> tuple[int | None, int]:
        """Constant while the box or the prediction exists, whatever it is paired with."""
        return self.box_id, self.row if self.box_id is None else -1


class Cell(NamedTuple):
    """What is painted in a cell: glyphs, the dash of the variant with this stored colour, or else the text."""

    text: str
    font_role: str
    is_italic: bool
    is_number: bool
    glyphs: tuple[Glyph, ...] | None
    dash: str | None


class BoxesModel(QAbstractTableModel):
    """The boxes that pass the filter, sorted; against the baseline, or against the variant of ``set_variant``.

    During a drag rows change in place at most thirty times a second and keep their order. A step to another frame
    replaces what the rows show, because a view lays out and paints everything twice after a reset.

    Signals:
        rowsReplaced(): the rows show another frame.

    Attributes:
        frame: the frame that the rows show; while they are replaced the one before.
        truth_count, prediction_count: ground-truth boxes of the frame, and predictions alone that can be accepted;
            the filter does not change these numbers.
    """

    rowsReplaced = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.frame = session.current_frame
        self._rows: list[BoxRow] = []
        self.truth_count = self.prediction_count = 0
        self._variant = ""
        self._words: tuple[str, ...] = ()
        self._sort: tuple[Column, bool] = (Column.TRACK, False)
        self._throttle = Throttle(self._update_live, self, group="numbers")
        self._moved: frozenset[int] = frozenset()
        self._last_review: tuple[str, FrameReview] | None = None
        self._listed: Listed | None = None
        self._places: dict[tuple[int | None, int], int] | None = None
        self._cells: dict[BoxRow, tuple[Cell, ...]] = {}
        session.frameChanged.connect(self._on_frame_changed)
        for signal in (session.sourceChanged, session.scoresChanged):
            signal.connect(self._rebuild)
        session.variants.listChanged.connect(self._rebuild)
        session.changed.connect(self._on_session_changed)
        self._rebuild()

    def set_variant(self, key: str) -> None:
        """Show the matches of this variant; empty: the baseline."""
        self._variant = key
        self._rebuild()

    def set_filter(self, text: str) -> None:
        """Show the boxes that match all words: a track id, or part of a class, state, flag or variant."""
        words = tuple(text.casefold().split())
        if words != self._words:
            self._words = words
            self._rebuild()

    @property
    def is_filtered(self) -> bool:
        """Whether there is a filter, of this list or of the window."""
        return bool(self._words) or self._session.scores.settings.filter is not None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; rows without a value come last in both orders."""
        self._sort = (COLUMNS[column], order is Qt.SortOrder.DescendingOrder)
        self._set_rows(self._arranged(self._all_rows()))

    # Changes

    def _on_session_changed(self, change: Change) -> None:
        if change.frames and self._session.current_frame not in change.frames:
            return
        if change.phase is Phase.LIVE and change.origin != "cancel":
            is_move = not change.aspects & ~Aspect.GEOMETRY
            self._moved |= change.box_ids if is_move else {NO_BOX}
            self._throttle.request()
        else:
            self._throttle.cancel()
            self._cells.clear()
            self._set_rows(self._arranged(self._all_rows()))

    def _rebuild(self) -> None:
        self._throttle.cancel()
        self._cells.clear()
        self.frame = self._session.current_frame
        self.beginResetModel()
        self._rows, self._places = self._arranged(self._all_rows()), None
        self.endResetModel()

    def _on_frame_changed(self, frame: int) -> None:
        self._throttle.cancel()
        self._cells.clear()
        rows, self._places = self._arranged(self._all_rows()), None
        before, after = len(self._rows), len(rows)
        if after < before:
            self.beginRemoveRows(ROOT, after, before - 1)
            self._rows = rows
            self.endRemoveRows()
        elif after > before:
            self.beginInsertRows(ROOT, before, after - 1)
            self._rows = rows
            self.endInsertRows()
        self._rows = rows
        if kept := min(before, after):
            self.dataChanged.emit(self.index(0, 0), self.index(kept - 1, len(COLUMNS) - 1))
        # Last, since a view may not take rows of two frames for one list.
        self.frame = frame
        self.rowsReplaced.emit()

    def _update_live(self) -> None:
        """Replace changed rows where they are; predictions that lost or found their box come and go at the end."""
        moved, self._moved = self._moved, frozenset()
        if self._update_ious(moved):
            return
        rows = {row.identity: row for row in self._all_rows() if self._passes(row)}
        shown = {row.identity for row in self._rows}
        kept = [rows[row.identity] for row in self._rows if row.identity in rows]
        self._set_rows([*kept, *(row for identity, row in rows.items() if identity not in shown)])

    def _update_ious(self, moved: frozenset[int]) -> bool:
        """Change only IoUs, where a drag of paired boxes left all pairs and states; False if more has changed.

        Args:
            moved: ids of the boxes that were moved; NO_BOX: there were other edits.
        """
        last, variant = self._last_review, self._compared()
        if last is None or variant is None or variant.key != last[0]:
            return False
        review = self._session.scores.frame_review(variant.key, self._session.current_frame)
        before = last[1]
        columns = ((before.gt_ids, review.gt_ids), (before.pred_rows, review.pred_rows), (before.state, review.state))
        if not all(np.array_equal(old, new) for old, new in columns):
            return False
        # An unpaired box that moves can come to lie on a prediction of another class.
        of_moved = np.isin(review.gt_ids, np.fromiter(moved, np.int64, len(moved)))
        if np.count_nonzero(of_moved) != len(moved) or (review.pred_rows[of_moved] < 0).any():
            return False
        if self._places is None:
            self._places = {row.identity: place for place, row in enumerate(self._rows)}
        for at in np.flatnonzero(before.iou != review.iou).tolist():
            place = self._places.get((int(review.gt_ids[at]), -1))
            if place is not None:
                self._rows[place] = replace(self._rows[place], iou=float(review.iou[at]))
                cell = self.index(place, COLUMNS.index(Column.IOU))
                self.dataChanged.emit(cell, cell)
        self._last_review = variant.key, review
        return True

    def _set_rows(self, rows: list[BoxRow]) -> None:
        """Show these rows without resetting the model, so that selection, focus and scroll position stay."""
        self._places = None
        kept = {row.identity for row in rows}
        for place in reversed(range(len(self._rows))):
            if self._rows[place].identity not in kept:
                self.beginRemoveRows(ROOT, place, place)
                del self._rows[place]
                self.endRemoveRows()
        known = {row.identity for row in self._rows}
        added = [row for row in rows if row.identity not in known]
        if added:
            self.beginInsertRows(ROOT, len(self._rows), len(self._rows) + len(added) - 1)
            self._rows += added
            self.endInsertRows()
        if [row.identity for row in self._rows] != [row.identity for row in rows]:
            self._reorder(rows)
            return
        for place, (old, new) in enumerate(zip(self._rows, rows, strict=True)):
            if old != new:
                self._rows[place] = new
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(COLUMNS) - 1))

    def _reorder(self, rows: list[BoxRow]) -> None:
        self.layoutAboutToBeChanged.emit()
        place = {row.identity: number for number, row in enumerate(rows)}
        old: list[QModelIndex] = self.persistentIndexList()
        new = [self.index(place[self._rows[index.row()].identity], index.column()) for index in old]
        self._rows = rows
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    # Rows

    def _compared(self) -> Variant | None:
        session = self._session
        variant = session.variants.find(self._variant) or session.variants.baseline
        return variant if variant is not None and variant.predictions.covered[session.current_frame] else None

    def _all_rows(self) -> list[BoxRow]:
        rows = self._find_rows()
        predictions = [row for row in rows if row.box_id is None]
        self.truth_count = len(rows) - len(predictions)
        self.prediction_count = sum(row.state is not RowState.IGNORED for row in predictions)
        return rows

    def _find_rows(self) -> list[BoxRow]:
        session = self._session
        self._last_review, self._moved, self._listed = None, frozenset(), None
        if not session.frame_count:
            return []
        boxes = session.ground_truth.boxes(session.current_frame)
        variant = self._compared()
        self._listed = listed_on(session, () if variant is None else (variant,), session.current_frame)
        if variant is None:
            # Without predictions for this frame, no box counts as missed.
            return [self._alone(box, RowState.NONE) for box in boxes]
        return list(self._reviewed_rows(variant, boxes))

    @staticmethod
    def _alone(box: Box, state: RowState) -> BoxRow:
        if box.flags & BoxFlag.OUTSIDE:
            state = RowState.OUT_OF_VIEW
        elif box.flags & BoxFlag.IGNORED:
            state = RowState.IGNORED
        return BoxRow(box.id, "", -1, box.track, box.class_id, math.nan, math.nan, state, box.flags)

    def _reviewed_rows(self, variant: Variant, boxes: tuple[Box, ...]) -> Iterable[BoxRow]:
        session, frame = self._session, self._session.current_frame
        by_id = {box.id: box for box in boxes}
        review = session.scores.frame_review(variant.key, frame)
        self._last_review = variant.key, review
        table = variant.predictions.table
        first = table.rows(frame).start
        convention = session.scores.settings.review.convention
        wrong = pair_wrong_classes(by_id, VariantMatches(table.frame(frame), review), convention)
        is_labelled = session.ground_truth.state(frame) is FrameState.LABELLED
        columns = (review.gt_ids, review.pred_rows, review.iou, review.state)
        for gt_id, pred_row, iou, number in zip(*(column.tolist() for column in columns), strict=True):
            state = PairState(number)
            if state is PairState.BELOW_CONFIDENCE:
                continue
            shown = _STATES[state] if is_labelled else RowState.NONE
            if is_labelled and (gt_id in wrong or (gt_id < 0 and pred_row in wrong.values())):
                shown = RowState.WRONG_CLASS
            if gt_id >= 0 and pred_row < 0:
                yield self._alone(by_id[gt_id], shown)
                continue
            row, box = first + pred_row, by_id.get(gt_id)
            score = float(table.scores[row]) if variant.predictions.has_scores else math.nan
            if box is None:
                yield BoxRow(None, variant.key, row, NO_TRACK, int(table.class_ids[row]), math.nan, score, shown)
            else:
                yield BoxRow(box.id, variant.key, row, box.track, box.class_id, iou, score, shown, box.flags)
        # The matching leaves out boxes that no model can find; in the list they stay.
        matched = set(review.gt_ids.tolist())
        yield from (self._alone(box, RowState.NONE) for box in boxes if box.id not in matched)

    def _arranged(self, rows: list[BoxRow]) -> list[BoxRow]:
        column, descending = self._sort
        rows = sorted((row for row in rows if self._passes(row)), key=_default_order)
        key = self._sort_key(column)
        defined = sorted((row for row in rows if key(row) is not None), key=key, reverse=descending)
        return [*defined, *(row for row in rows if key(row) is None)]

    def _sort_key(self, column: Column) -> Callable[[BoxRow], Any]:
        keys: dict[Column, Callable[[BoxRow], Any]] = {
            Column.ICON: lambda row: _SEVERITY[row.state],
            Column.TRACK: lambda row: None if row.track == NO_TRACK else row.track,
            Column.CLASS: lambda row: self._class_name(row).casefold(),
            Column.IOU: lambda row: None if math.isnan(row.iou) else row.iou,
            Column.CONF: lambda row: None if math.isnan(row.score) else row.score,
            Column.STATE: lambda row: _SEVERITY[row.state],
            Column.FLAGS: lambda row: -(row.flags & _SHOWN_FLAGS),
        }
        return keys[column]

    def _passes(self, row: BoxRow) -> bool:
        if self._listed is not None and not self._listed.has(row.box_id, row.variant, row.row):
            return False
        if not self._words:
            return True
        texts = (self._class_name(row), row.state, flags_text(row.flags), self._variant_name(row))
        return all(
            (word.isdecimal() and row.track == int(word)) or any(word in text.casefold() for text in texts)
            for word in self._words
        )

    # Reading

    def row_at(self, row: int) -> BoxRow:
        """The content of a row."""
        return self._rows[row]

    def row_of_box(self, box_id: int) -> int:
        """Row of a ground-truth box, -1 if it is not in the table."""
        return next((i for i, row in enumerate(self._rows) if row.box_id == box_id), -1)

    def row_of_prediction(self, prediction: tuple[str, int]) -> int:
        """Row of a prediction, alone or as the match of a box; -1 if it is not in the table."""
        return next((i for i, row in enumerate(self._rows) if (row.variant, row.row) == prediction), -1)

    @property
    def has_classes(self) -> bool:
        """Whether the project has several classes, or boxes with and without one: the column says something then."""
        count = len(self._session.document.class_names)
        return count > 1 or (count == 1 and self._session.scores.has_box_without_class)

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
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return HEADERS[column] or (tr("State icon") if column is Column.ICON else tr("Flags"))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column not in _NUMBERS)
        return column.value if role == COLUMN_ROLE else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        # A view asks for ten roles of each cell that it paints, most of which no cell has.
        if role not in _ROLES or not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.UserRole:
            return _value(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column not in _NUMBERS)
        if role == Qt.ItemDataRole.FontRole:
            return _font(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tooltip(row, column)
        if role == GLYPHS_ROLE:
            return _glyphs(row, column)
        return self._dash(row, column) if role == DASH_ROLE else None

    def cells(self, row: int) -> tuple[Cell, ...]:
        """What is painted in the cells of a row, in the order of the columns."""
        content = self._rows[row]
        found = self._cells.get(content)
        if found is None:
            found = self._cells[content] = tuple(
                Cell(
                    self._text(content, column),
                    _font_role(content, column),
                    _is_italic(content, column),
                    column in _NUMBERS,
                    _glyphs(content, column),
                    self._dash(content, column),
                )
                for column in COLUMNS
            )
        return found

    def _dash(self, row: BoxRow, column: Column) -> str | None:
        if column is not Column.TRACK or row.box_id is not None:
            return None
        variant = self._session.variants.find(row.variant)
        return None if variant is None else variant.colour

    def _class_name(self, row: BoxRow) -> str:
        return self._session.document.class_name(row.class_id)

    def _variant_name(self, row: BoxRow) -> str:
        variant = self._session.variants.find(row.variant) if row.box_id is None else None
        return "" if variant is None else variant.name

    def _text(self, row: BoxRow, column: Column) -> str:
        if column is Column.TRACK:
            if row.box_id is None:
                return self._variant_name(row)
            return UNDEFINED if row.track == NO_TRACK else str(row.track)
        if column is Column.CLASS:
            return self._class_name(row)
        if column is Column.IOU:
            return UNDEFINED if math.isnan(row.iou) else f"{row.iou:.3f}"
        if column is Column.CONF:
            return UNDEFINED if math.isnan(row.score) else f"{row.score:.2f}"
        if column is Column.STATE:
            return row.state.value
        return flags_text(row.flags) if column is Column.FLAGS else ""

    def _tooltip(self, row: BoxRow, column: Column) -> str | None:
        if column in (Column.ICON, Column.STATE):
            return row.state.value or None
        if column is Column.FLAGS:
            return flags_text(row.flags) or None
        if column is Column.TRACK and row.box_id is None:
            return tr("Prediction of {variant}", variant=self._variant_name(row))
        if column is Column.CLASS:
            return self._class_name(row)
        return None


_SHOWN_FLAGS = int(BoxFlag.KEY_FRAME | BoxFlag.OCCLUDED | BoxFlag.OUTSIDE | BoxFlag.IGNORED | BoxFlag.TRUNCATED)


def flags_text(flags: int) -> str:
    """The flags in words: ``key frame, occluded``."""
    return ", ".join(text for flag, text, _glyph in _FLAGS if flags & flag)


def _default_order(row: BoxRow) -> tuple[bool, int, float]:
    """Ground truth by id, then predictions by confidence."""
    if row.box_id is not None:
        return False, row.box_id, 0.0
    return True, 0, 0.0 if math.isnan(row.score) else -row.score


_FLAG_OF_STATE = {RowState.OUT_OF_VIEW: BoxFlag.OUTSIDE, RowState.IGNORED: BoxFlag.IGNORED}


def _glyphs(row: BoxRow, column: Column) -> tuple[Glyph, ...] | None:
    if column is Column.ICON:
        return (_ICONS[row.state],) if row.state in _ICONS else ()
    if column is Column.FLAGS:
        # The icon of the state says it already.
        said = _FLAG_OF_STATE.get(row.state, BoxFlag.NONE)
        return tuple(glyph for flag, _text, glyph in _FLAGS if row.flags & flag and flag is not said)
    return None


def _font_role(row: BoxRow, column: Column) -> str:
    return "strong" if column is Column.TRACK and row.track != NO_TRACK else "body"


def _is_italic(row: BoxRow, column: Column) -> bool:
    return column is Column.CLASS and row.class_id == UNSPECIFIED_CLASS


def _font(row: BoxRow, column: Column) -> QFont:
    result = font(_font_role(row, column))
    result.setItalic(_is_italic(row, column))
    return result


def _value(row: BoxRow, column: Column) -> object:
    if column is Column.IOU:
        return None if math.isnan(row.iou) else row.iou
    if column is Column.CONF:
        return None if math.isnan(row.score) else row.score
    if column is Column.TRACK:
        return None if row.track == NO_TRACK else row.track
    if column is Column.CLASS:
        return row.class_id
    return row.flags if column is Column.FLAGS else row.state.value
