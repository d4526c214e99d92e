"""Table of the variants and their numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import QBrush, QColor, QFont, QIcon, QPainter, QPen, QPixmap

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Aspect, Change, Phase
from iouviewer.document.scores_types import VariantSummary
from iouviewer.document.variants import RunState, Variant
from iouviewer.ui.palette import DASH_STYLES, scheme_theme
from iouviewer.ui.theme import Theme, tabular_font

COLUMN_ROLE = Qt.ItemDataRole.UserRole + 1
"""Header data: the stable id of a column."""
KEY_ROLE = Qt.ItemDataRole.UserRole + 2
"""Data of any cell: the variant's key."""
LIVE_MILLISECONDS = 33
"""Least time between two updates while the mouse drags."""

Index = QModelIndex | QPersistentModelIndex


class Column(StrEnum):
    """Stable ids of the columns."""

    NAME = "name"
    AVG_IOU = "avg_iou"
    PQ = "pq"
    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    AP = "ap"
    AP50 = "ap50"
    DELTA = "delta"
    FPS = "fps"
    FRAMES = "frames"


@dataclass(frozen=True, slots=True)
class _Head:
    text: str
    tip: str


HEADS = {
    Column.NAME: _Head("Variant", "Name; the check box shows and hides its boxes and curve. ● marks the baseline."),
    Column.AVG_IOU: _Head(
        "Avg IoU", "Mean of frame IoU. It never falls when a prediction is added: read PQ beside it."
    ),
    Column.PQ: _Head("PQ", "Panoptic quality: mean IoU of the true positives x F1 (Kirillov 2019)."),
    Column.PRECISION: _Head("Prec.", "True positives / predictions, at the thresholds of the tool bar."),
    Column.RECALL: _Head("Recall", "True positives / ground-truth boxes, at the thresholds of the tool bar."),
    Column.F1: _Head("F1", "Harmonic mean of precision and recall."),
    Column.AP: _Head("AP", "COCO AP at IoU .50:.05:.95 over every stored prediction, always continuous."),
    Column.AP50: _Head("AP50", "COCO AP at IoU 0.50 over every stored prediction."),
    Column.DELTA: _Head("Δ AP pt", "AP minus the baseline's, in points (1 point = 0.01); minus is worse."),
    Column.FPS: _Head(
        "FPS", "1000 / median milliseconds a frame, batch 1: of models that ran here, or as their file says."
    ),
    Column.FRAMES: _Head("Frames", "Labelled frames that the variant covers: what its numbers rest on."),
}
COLUMNS = tuple(HEADS)
_SUMMARY = {
    Column.AVG_IOU: "avg_iou",
    Column.PQ: "pq",
    Column.PRECISION: "precision",
    Column.RECALL: "recall",
    Column.F1: "f1",
    Column.AP: "ap",
    Column.AP50: "ap50",
}


class VariantsModel(QAbstractTableModel):
    """Rows are variants in the list's order; raw floats stand in UserRole (None where undefined)."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.setObjectName("variantsModel")
        self._session = session
        self._keys: list[str] = []
        self._summaries: dict[str, VariantSummary] = {}
        self._swatches: dict[tuple[str, str], QIcon] = {}
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(LIVE_MILLISECONDS)
        self._late.timeout.connect(self._on_late_timeout)
        self._stale: set[str] = set()
        self._compared: dict[str, float] = {}
        session.changed.connect(self._on_session_changed)
        session.scoresChanged.connect(self._refresh)
        session.sourceChanged.connect(self._on_list_changed)
        session.variants.listChanged.connect(self._on_list_changed)
        session.variants.variantChanged.connect(self._on_variant_changed)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        self._on_list_changed()

    # What changed

    def _on_list_changed(self) -> None:
        self.beginResetModel()
        self._keys = [variant.key for variant in self._session.variants]
        self._summaries = {}
        self.endResetModel()

    def _on_variant_changed(self, key: str) -> None:
        if key in self._keys:
            row = self._keys.index(key)
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def _on_session_changed(self, change: Change) -> None:
        if not change.aspects & ~(Aspect.CLASS_NAMES | Aspect.DECISIONS | Aspect.TRACK):
            return
        # What is read is never old; the views are told at most thirty times a second while the mouse drags.
        self._summaries = {}
        if change.phase is Phase.LIVE and self._late.isActive():
            self._stale.update(self._keys)
            return
        self._refresh()
        self._late.start()

    def _on_predictions_changed(self, key: str) -> None:
        # A run goes on: the timeline is painted now, the table a moment later, and neither holds the other up.
        self._summaries.pop(key, None)
        baseline = self._session.variants.baseline
        # Differences of all others refer to the baseline.
        self._stale.update(self._keys if baseline is not None and baseline.key == key else [key])
        if not self._late.isActive():
            self._late.start()

    def _on_late_timeout(self) -> None:
        stale, self._stale = self._stale, set()
        for row in [row for row, key in enumerate(self._keys) if key in stale]:
            self.dataChanged.emit(self.index(row, 1), self.index(row, len(COLUMNS) - 1))
        if stale:
            self._late.start()

    def _refresh(self) -> None:
        self._stale = set()
        self._summaries = {}
        if self._keys:
            self.dataChanged.emit(self.index(0, 1), self.index(len(self._keys) - 1, len(COLUMNS) - 1))

    # Reading

    def key_at(self, row: int) -> str:
        """Key of the variant in this row."""
        return self._keys[row]

    def stopped(self, key: str) -> bool:
        """Whether a variant's run was cancelled or failed, and can go on."""
        variant = self._session.variants[key]
        return bool(variant.path) and variant.state in (RunState.CANCELLED, RunState.FAILED)

    def row_of(self, key: str) -> int:
        """Row of a variant, -1 if it is not there."""
        return self._keys.index(key) if key in self._keys else -1

    def column_of(self, column: Column) -> int:
        """Place of a column."""
        return COLUMNS.index(column)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._keys)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADS[column].text
        if role == Qt.ItemDataRole.ToolTipRole:
            return HEADS[column].tip
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column is Column.NAME else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return column.value if role == COLUMN_ROLE else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._keys):
            return None
        variant = self._session.variants[self._keys[index.row()]]
        column = COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(variant, column)
        if role == Qt.ItemDataRole.UserRole:
            return self.value(variant.key, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(variant, column)
        if role == KEY_ROLE:
            return variant.key
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column is Column.NAME else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        if column is Column.NAME:
            return self._name_data(variant, role)
        if role == Qt.ItemDataRole.FontRole:
            return tabular_font(QFont())
        return self._foreground(variant, column) if role == Qt.ItemDataRole.ForegroundRole else None

    def _name_data(self, variant: Variant, role: int) -> object:
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if variant.visible else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DecorationRole:
            return self._swatch(variant.colour, variant.dash)
        if role == Qt.ItemDataRole.ForegroundRole and variant.state is RunState.FAILED:
            return QBrush(QColor(scheme_theme().warning))
        return variant.name if role == Qt.ItemDataRole.EditRole else None

    def _foreground(self, variant: Variant, column: Column) -> QBrush | None:
        if column is Column.FRAMES and not self._summary(variant.key).complete:
            return QBrush(QColor(scheme_theme().warning))
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if COLUMNS[index.column()] is Column.NAME:
            flags |= Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if not index.isValid() or COLUMNS[index.column()] is not Column.NAME:
            return False
        key = self._keys[index.row()]
        if role == Qt.ItemDataRole.CheckStateRole:
            self._session.variants.update(key, visible=Qt.CheckState(value) is Qt.CheckState.Checked)
            return True
        if role == Qt.ItemDataRole.EditRole:
            self._session.variants.update(key, name=str(value))
            return True
        return False

    # Numbers

    def _summary(self, key: str) -> VariantSummary:
        if key not in self._summaries:
            self._summaries[key] = self._session.scores.summary(key)
        return self._summaries[key]

    def value(self, key: str, column: Column) -> float | None:
        """The raw number of a cell, None where it is undefined; for the name None."""
        summary = self._summary(key)
        if column in _SUMMARY:
            found = getattr(summary, _SUMMARY[column])
            return None if found is None else float(found)
        if column is Column.FRAMES:
            return float(summary.frames)
        if column is Column.FPS:
            return self._session.variants[key].fps
        if column is Column.DELTA:
            return self._delta(key)
        return None

    def _delta(self, key: str) -> float | None:
        """AP minus the baseline's in points, at their common floor, cap and frames.

        Where these differ the number comes from the comparison in the background (``set_compared``).
        """
        baseline = self._session.variants.baseline
        if baseline is None or baseline.key == key:
            return None
        if not _like(baseline, self._session.variants[key]):
            return self._compared.get(key)
        mine, base = self._summary(key).ap, self._summary(baseline.key).ap
        return None if mine is None or base is None else 100.0 * (mine - base)

    def set_compared(self, points: dict[str, float]) -> None:
        """Differences in AP points by key, computed at the common floor and frames."""
        self._compared = {key: value for key, value in points.items() if not math.isnan(value)}
        if self._keys:
            column = self.column_of(Column.DELTA)
            self.dataChanged.emit(self.index(0, column), self.index(len(self._keys) - 1, column))

    def _text(self, variant: Variant, column: Column) -> str:
        if column is Column.NAME:
            baseline = self._session.variants.baseline
            mark = " ●" if baseline is not None and baseline.key == variant.key else ""
            state = "" if variant.state in (RunState.IMPORTED, RunState.FINISHED) else f"  {variant.state.value}"
            return f"{variant.name}{mark}{state}"
        value = self.value(variant.key, column)
        if value is None:
            return "–"
        if column is Column.FRAMES:
            summary = self._summary(variant.key)
            return f"{int(value)}" if summary.complete else f"{int(value)} / {summary.labelled}"
        if column is Column.FPS:
            return f"{value:.1f}"
        if column is Column.DELTA:
            text = f"{value:+.1f}".replace("-", "−")
            return text if text[1:] != "0.0" else "0.0"
        floor = self._summary(variant.key).ap_floor
        lower = column in (Column.AP, Column.AP50) and floor is not None
        return f"≥ {value:.3f}" if lower else f"{value:.3f}"

    def _tip(self, variant: Variant, column: Column) -> str:
        summary = self._summary(variant.key)
        lines = [f"<b>{variant.name}</b>: {HEADS[column].tip}"]
        if column is Column.FPS:
            return "<br>".join([*lines, *_speed_lines(variant)])
        if column in (Column.AP, Column.AP50, Column.DELTA):
            lines.append("Protocol: COCO (pycocotools 2.0), 100 detections a class and frame")
            if summary.ap_floor is not None:
                value = self.value(variant.key, Column.AP)
                bound = "" if value is None else f"≥ {value:.3f} "
                lines.append(
                    f"{bound}(cut at {summary.ap_floor:g}): boxes below that score were never stored, so AP is a lower "
                    "bound. Remedy: <tt>yolo predict save_txt=True save_conf=True conf=0.001</tt>, or a run here"
                )
            if summary.ap_reason is not None:
                lines.append(f"No AP: {summary.ap_reason.value.replace('_', ' ')}")
        else:
            review = self._session.scores.settings.review
            lines.append(f"Confidence ≥ {review.conf:g}, IoU ≥ {review.iou:g}, {review.convention.value}")
        lines.append(f"{summary.frames} of {summary.labelled} labelled frames; {summary.unlabelled} unlabelled")
        lines.append(f"TP {summary.tp}, FP {summary.fp}, FN {summary.fn}")
        if variant.message:
            lines.append(variant.message)
        return "<br>".join(lines)

    # Looks

    def _swatch(self, colour: str, dash: str) -> QIcon:
        if (colour, dash) not in self._swatches:
            self._swatches[colour, dash] = swatch(colour, dash)
        return self._swatches[colour, dash]

    def set_theme(self, theme: Theme) -> None:  # noqa: ARG002 - colours are asked for when painted
        """Draw all cells anew."""
        if self._keys:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._keys) - 1, len(COLUMNS) - 1))


def _speed_lines(variant: Variant) -> list[str]:
    """What a speed was measured on; without it, speeds cannot be compared."""
    lines = []
    if variant.throughput:
        lines.append(f"Whole run: {variant.throughput:.1f} frames a second")
    facts = [str(variant.details[name]) for name in ("hardware", "runtime", "precision") if variant.details.get(name)]
    if facts:
        lines.append(", ".join(facts))
    if variant.fps is None:
        lines.append("It did not run here, and its file says nothing of its speed")
    return lines


def _like(one: Variant, other: Variant) -> bool:
    """Whether two variants' AP may be subtracted as they are: same floor, cap and frames, both with classes or none."""
    a, b = one.predictions, other.predictions
    if a.any_class != b.any_class:
        return False
    return a.score_floor == b.score_floor and a.cap == b.cap and np.array_equal(a.covered, b.covered)


def swatch(colour: str, dash: str, *, width: int = 20, height: int = 12, ratio: int = 2) -> QIcon:
    """A short line in a variant's colour and dash."""
    pixmap = QPixmap(width * ratio, height * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    pen = QPen(QColor(colour), 2.5, DASH_STYLES[dash])
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.drawLine(0, height // 2, width, height // 2)
    painter.end()
    return QIcon(pixmap)
