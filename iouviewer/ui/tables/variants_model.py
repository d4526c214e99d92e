"""Model of the variants table; its columns come from ``document.metric_columns``, its intervals from the verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, Qt, QTimer
from PySide6.QtGui import QBrush, QColor

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.variant_edits import rename_variant
from iouviewer.document.edits import Aspect, Change, Phase
from iouviewer.document.metric_columns import UNDEFINED, MetricColumn, NumberFormat, Output, columns_for
from iouviewer.document.origins import LEAN_WARNING, lean
from iouviewer.document.scores_types import NoAp, VariantSummary
from iouviewer.document.variants import RunState, Variant
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.judge import Difference
from iouviewer.jobs.speeds import there_text
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Convention
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tables.common import COLUMN_ROLE, KEY_ROLE, ROOT, Index, cell_alignment
from iouviewer.ui.theme import Theme
from iouviewer.ui.variant_look import dash_icon, panel_colour

NAME_COLUMN = "name"
"""Id of the first column."""
LIVE_UPDATE_MS = 33
"""Minimum time between two updates during a drag."""

INTERVAL_ROLE = Qt.ItemDataRole.UserRole + 20
"""Data of a Δ AP cell: its ``Difference`` with the interval; None where there is no verdict yet."""
BASELINE_ROLE = Qt.ItemDataRole.UserRole + 21
"""Data of a row: whether it is the baseline."""
SPREAD_ROLE = Qt.ItemDataRole.UserRole + 22
"""Data of an FPS cell: its interval "[50.4, 55.2]", or its spread "± 2.4"; empty where both are unknown."""
DEVICE_ROLE = Qt.ItemDataRole.UserRole + 23
"""Data of an FPS cell: the device that it was measured on; empty without a speed or where the device is unknown."""

_NAME_TITLE = tr("Variant")
_NAME_TOOLTIP = tr("Name; the eye shows or hides the boxes and the curve. The flag marks the baseline.")
_BASELINE = tr("baseline")
_STATE_TEXTS = {
    RunState.QUEUED: tr("queued"),
    RunState.RUNNING: tr("running"),
    RunState.CANCELLED: tr("cancelled"),
    RunState.FAILED: tr("failed"),
}
_NO_AP_TEXTS = {
    NoAp.NO_SCORES: tr("No AP: the predictions have no confidence scores"),
    NoAp.NO_GROUND_TRUTH: tr("No AP: these frames have no ground truth"),
    NoAp.PENDING: tr("Computing AP…"),
}
CONVENTION_TEXTS = {Convention.CONTINUOUS: tr("continuous"), Convention.INCLUSIVE: tr("inclusive")}


class VariantsModel(QAbstractTableModel):
    """One row per variant, in the order of the list; UserRole gives raw floats (None where undefined)."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.setObjectName("variantsModel")
        self._session = session
        self._columns = columns_for(Output.WINDOW)
        self._keys: list[str] = []
        self._summaries: dict[str, VariantSummary] = {}
        self._leans: dict[str, float] | None = None
        self._best: dict[str, float | None] = {}
        self._sorted_by: tuple[str, Qt.SortOrder] | None = None
        self._update_timer = QTimer(self)
        self._update_timer.setSingleShot(True)
        self._update_timer.setInterval(LIVE_UPDATE_MS)
        self._update_timer.timeout.connect(self._on_update_timer_timeout)
        self._stale: set[str] = set()
        self._intervals: dict[str, Difference] = {}
        session.changed.connect(self._on_session_changed)
        session.scoresChanged.connect(self._on_scores_changed)
        session.sourceChanged.connect(self._on_list_changed)
        session.variants.listChanged.connect(self._on_list_changed)
        session.variants.variantChanged.connect(self._on_variant_changed)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        self._on_list_changed()

    # Changes

    def _on_list_changed(self) -> None:
        self.beginResetModel()
        self._summaries, self._best, self._leans = {}, {}, None
        self._keys = self._sorted_keys()
        self.endResetModel()

    def _sorted_keys(self) -> list[str]:
        """The variants in the order of the list, or sorted by a column; undefined numbers last."""
        keys = [variant.key for variant in self._session.variants]
        if self._sorted_by is None:
            return keys
        column_id, order = self._sorted_by
        is_descending = order is Qt.SortOrder.DescendingOrder
        if column_id == NAME_COLUMN:
            return sorted(keys, key=lambda key: self._session.variants[key].name.casefold(), reverse=is_descending)
        values = {key: self.value(key, column_id) for key in keys}
        known = sorted(
            (key for key in keys if values[key] is not None), key=lambda key: values[key] or 0.0, reverse=is_descending
        )
        return [*known, *(key for key in keys if values[key] is None)]

    @property
    def sorted_by(self) -> tuple[str, Qt.SortOrder] | None:
        """The column and direction that the rows are sorted by; None for the order of the list."""
        return self._sorted_by

    def sort_by(self, column_id: str, order: Qt.SortOrder | None) -> None:
        """Sort the rows once by a column; None returns to the order of the list. Later changes move no row."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        selected = [self._keys[index.row()] for index in before]
        self._sorted_by = None if order is None else (column_id, order)
        self._keys = self._sorted_keys()
        after = [self.index(self._keys.index(key), index.column()) for key, index in zip(selected, before, strict=True)]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _on_variant_changed(self, key: str) -> None:
        if key in self._keys:
            row = self._keys.index(key)
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(self._columns)))

    def _on_session_changed(self, change: Change) -> None:
        if not change.aspects & ~(Aspect.CLASS_NAMES | Aspect.DECISIONS | Aspect.TRACK):
            return
        # Values are always current when read; during a drag, views are notified at most thirty times a second.
        self._summaries, self._best = {}, {}
        if change.phase is not Phase.LIVE:
            self._leans = None
        if change.phase is Phase.LIVE and self._update_timer.isActive():
            self._stale.update(self._keys)
            return
        self._refresh()
        self._update_timer.start()

    def _on_predictions_changed(self, key: str) -> None:
        # During a run the table is updated a moment after the timeline, so that neither delays the other.
        self._summaries.pop(key, None)
        self._best = {}
        baseline = self._session.variants.baseline
        # The differences of all other variants refer to the baseline.
        self._stale.update(self._keys if baseline is not None and baseline.key == key else [key])
        if not self._update_timer.isActive():
            self._update_timer.start()

    def _on_update_timer_timeout(self) -> None:
        stale, self._stale = self._stale, set()
        for row in [row for row, key in enumerate(self._keys) if key in stale]:
            self.dataChanged.emit(self.index(row, 1), self.index(row, len(self._columns)))
        if stale:
            self._update_timer.start()

    def _on_scores_changed(self) -> None:
        self._leans = None
        self._refresh()

    def _refresh(self) -> None:
        self._stale = set()
        self._summaries, self._best = {}, {}
        if self._keys:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._keys) - 1, len(self._columns)))

    # Rows and columns

    def key_at(self, row: int) -> str:
        """Key of the variant in this row."""
        return self._keys[row]

    def row_of(self, key: str) -> int:
        """Row of a variant, -1 if it is not in the table."""
        return self._keys.index(key) if key in self._keys else -1

    @property
    def column_ids(self) -> list[str]:
        """Stable ids of all columns, in order."""
        return [NAME_COLUMN, *(column.key for column in self._columns)]

    def column_index(self, column_id: str) -> int:
        """Index of a column."""
        return self.column_ids.index(column_id)

    def is_resumable(self, key: str) -> bool:
        """Whether the run of a variant was cancelled or failed and can be resumed."""
        variant = self._session.variants[key]
        return bool(variant.path) and variant.state in (RunState.CANCELLED, RunState.FAILED)

    def has_classes(self, key: str) -> bool:
        """Whether it is known which classes the predictions of a variant had when they came."""
        return self._session.variants[key].predictions.classes is not None

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._keys)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else 1 + len(self._columns)

    def _column_at(self, position: int) -> MetricColumn | None:
        """The metric in a column; None for the name."""
        return self._columns[position - 1] if position else None

    # Qt's data

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = self._column_at(section)
        if role == Qt.ItemDataRole.DisplayRole:
            return _NAME_TITLE if column is None else column.window_title or column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return _NAME_TOOLTIP if column is None else column.definition
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column is None)
        return (NAME_COLUMN if column is None else column.key) if role == COLUMN_ROLE else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._keys):
            return None
        variant = self._session.variants[self._keys[index.row()]]
        column = self._column_at(index.column())
        if role == KEY_ROLE:
            return variant.key
        if role == BASELINE_ROLE:
            return self._is_baseline(variant.key)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column is None)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tooltip(variant, column)
        if column is None:
            return self._name_data(variant, role)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(variant, column)
        if role == Qt.ItemDataRole.UserRole:
            return self._number(variant, column)
        if role == Qt.ItemDataRole.FontRole:
            return font("strong" if self._is_best(variant, column) else "body")
        if role == INTERVAL_ROLE:
            return self._intervals.get(variant.key) if column.is_delta and column.field == "ap" else None
        if role == SPREAD_ROLE:
            return _spread_text(variant) if column.key == "fps" else ""
        if role == DEVICE_ROLE:
            return variant.hardware if column.key == "fps" and variant.shown_fps is not None else ""
        return self._foreground(variant, column) if role == Qt.ItemDataRole.ForegroundRole else None

    def _is_baseline(self, key: str) -> bool:
        baseline = self._session.variants.baseline
        return baseline is not None and baseline.key == key

    def _name_data(self, variant: Variant, role: int) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            state = _STATE_TEXTS.get(variant.state, "") or self._origin_text(variant.key)
            return f"{variant.name}  {state}" if state else variant.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{variant.name}, {_BASELINE}" if self._is_baseline(variant.key) else variant.name
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if variant.visible else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DecorationRole:
            return dash_icon(variant.colour, panel_colour(variant.colour, scheme_theme().colours))
        if role == Qt.ItemDataRole.FontRole:
            return font("strong" if self._is_baseline(variant.key) else "body")
        has_warning = variant.state is RunState.FAILED or self._lean(variant.key) > LEAN_WARNING
        if role == Qt.ItemDataRole.ForegroundRole and has_warning:
            return QBrush(QColor(scheme_theme().colours.warn))
        return variant.name if role == Qt.ItemDataRole.EditRole else None

    def _origin_text(self, key: str) -> str:
        """That ground truth came from a variant, in so far as this affects what its numbers mean."""
        if self._summary(key).withheld:
            return tr("ground truth comes from it")
        share = self._lean(key)
        return tr("{share:.0%} of boxes come from it", share=share) if share > LEAN_WARNING else ""

    def _lean(self, key: str) -> float:
        """The share of ground-truth boxes that lean to a variant, 0 where these are left out of the scores."""
        session = self._session
        if self._leans is None:
            left_out = session.scores.settings.left_out
            shares = lean(session.ground_truth.columns()[4], self._keys)
            self._leans = {one: 0.0 if one in left_out else share for one, share in shares.items()}
        return self._leans.get(key, 0.0)

    def _is_best(self, variant: Variant, column: MetricColumn) -> bool:
        """Whether a number is the greatest of its column; speeds are compared on one device only."""
        if column.number_format is not NumberFormat.SCORE and column.key != "fps":
            return False
        if column.key not in self._best:
            variants = list(self._session.variants)
            values = [value for each in variants if (value := self._number(each, column)) is not None]
            is_comparable = column.key != "fps" or len({each.hardware for each in variants if each.shown_fps}) == 1
            self._best[column.key] = max(values) if len(values) > 1 and is_comparable else None
        value = self._number(variant, column)
        return value is not None and value == self._best[column.key]

    def _foreground(self, variant: Variant, column: MetricColumn) -> QBrush | None:
        if column.is_coverage and not self._summary(variant.key).complete:
            return QBrush(QColor(scheme_theme().colours.warn))
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() == 0:
            flags |= Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if not index.isValid() or index.column() != 0:
            return False
        key = self._keys[index.row()]
        if role == Qt.ItemDataRole.CheckStateRole:
            self._session.variants.update(key, visible=Qt.CheckState(value) is Qt.CheckState.Checked)
            return True
        if role == Qt.ItemDataRole.EditRole:
            rename_variant(self._session, key, str(value))
            return True
        return False

    # Numbers

    def _summary(self, key: str) -> VariantSummary:
        if key not in self._summaries:
            self._summaries[key] = self._session.scores.summary(key)
        return self._summaries[key]

    def value(self, key: str, column_id: str) -> float | None:
        """The raw number of a cell; None if it is undefined, and for the name."""
        column = self._column_at(self.column_index(column_id))
        return None if column is None else self._number(self._session.variants[key], column)

    def _number(self, variant: Variant, column: MetricColumn) -> float | None:
        if column.is_delta:
            return self._difference(variant.key, column)
        owner = variant if column.is_run_value else self._summary(variant.key)
        value = getattr(owner, column.field)
        return None if value is None else float(value)

    def _difference(self, key: str, column: MetricColumn) -> float | None:
        """A metric minus the baseline's, in points, at their common score floor, detection limit and frames.

        Where these differ, AP comes from the verdict (``set_intervals``) and others are undefined.
        """
        baseline = self._session.variants.baseline
        if baseline is None or baseline.key == key:
            return None
        if not _is_directly_comparable(baseline, self._session.variants[key]):
            interval = self._intervals.get(key) if column.field == "ap" else None
            return None if interval is None or math.isnan(interval.points) else interval.points
        value, reference = (getattr(self._summary(each), column.field) for each in (key, baseline.key))
        return None if value is None or reference is None else 100.0 * (value - reference)

    def set_intervals(self, differences: Mapping[str, Difference]) -> None:
        """The differences in AP by key, with their intervals, of the current verdicts."""
        self._intervals = dict(differences)
        if not self._keys:
            return
        for position, column in enumerate(self._columns, 1):
            if column.is_delta and column.field == "ap":
                self.dataChanged.emit(self.index(0, position), self.index(len(self._keys) - 1, position))

    # Texts

    def _text(self, variant: Variant, column: MetricColumn) -> str:
        if column.is_delta and self._is_baseline(variant.key):
            return _BASELINE
        value = self._number(variant, column)
        if value is None:
            return UNDEFINED
        if column.is_coverage:
            summary = self._summary(variant.key)
            is_whole = summary.complete and not summary.withheld
            return f"{int(value):,}" if is_whole else f"{int(value):,} / {summary.labelled:,}"
        if column.number_format is NumberFormat.POINTS:
            text = f"{value:+.1f}".replace("-", "−")
            return text if text[1:] != "0.0" else "0.0"
        if column.number_format is NumberFormat.COUNT:
            return f"{int(value):,}"
        if column.number_format is NumberFormat.RATE:
            return f"{value:.1f}"
        is_lower_bound = column.is_bounded and self._summary(variant.key).ap_floor is not None
        return f"≥ {value:.3f}" if is_lower_bound else f"{value:.3f}"

    def _tooltip(self, variant: Variant, column: MetricColumn | None) -> str:
        summary = self._summary(variant.key)
        lines = [f"<b>{escape(variant.name)}</b>: {_NAME_TOOLTIP if column is None else column.definition}"]
        if column is not None and column.is_run_value:
            return "<br>".join([*lines, *(_speed_lines(variant) if column.key == "fps" else _size_lines(variant))])
        if column is not None and (column.is_bounded or (column.is_delta and column.field == "ap")):
            lines += _ap_lines(summary)
        else:
            lines.append(_settings_line(self._session.scores.settings.review))
        lines.append(
            tr(
                "{frames:,} of {labelled:,} labelled frames; {unlabelled:,} unlabelled",
                frames=summary.frames,
                labelled=summary.labelled,
                unlabelled=summary.unlabelled,
            )
        )
        lines.append(tr("TP {tp:,}, FP {fp:,}, FN {fn:,}", tp=summary.tp, fp=summary.fp, fn=summary.fn))
        lines += _origin_lines(summary, self._lean(variant.key))
        if variant.message:
            lines.append(escape(variant.message))
        lines += [tr("Note: {note}", note=escape(note)) for note in variant.predictions.notes]
        return "<br>".join(lines)

    # Appearance

    def set_theme(self, _theme: Theme) -> None:
        """Repaint all cells with the current colours."""
        if self._keys:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._keys) - 1, len(self._columns)))


def _settings_line(review: ReviewSettings) -> str:
    confidence, iou = review.conf, review.iou
    if review.convention is Convention.CONTINUOUS:
        return tr("Confidence ≥ {confidence:g}, IoU ≥ {iou:g}, continuous pixel edges", confidence=confidence, iou=iou)
    return tr("Confidence ≥ {confidence:g}, IoU ≥ {iou:g}, inclusive pixel edges", confidence=confidence, iou=iou)


def _origin_lines(summary: VariantSummary, share: float) -> list[str]:
    """Why a variant has no score, or one that flatters it, where ground truth came from it."""
    lines = []
    if summary.withheld:
        lines.append(
            tr_n(
                "Ground truth comes from it: {count} frame that nobody verified does not count",
                "Ground truth comes from it: {count:,} frames that nobody verified do not count",
                summary.withheld,
            )
        )
    if share > LEAN_WARNING:
        lines.append(
            tr(
                "{share:.0%} of ground-truth boxes come from it and nobody corrected them, so its scores are too high. "
                "Problems > Score without accepted boxes leaves them out",
                share=share,
            )
        )
    return lines


def _ap_lines(summary: VariantSummary) -> list[str]:
    """Protocol of AP, and why it is a lower bound or undefined."""
    lines = [tr("Protocol: COCO (pycocotools 2.0), 100 detections per class and frame")]
    if summary.ap is not None and summary.ap_floor is not None:
        lines.append(
            tr(
                "≥ {ap:.3f} (cut at {floor:g}): predictions below that score were not stored, so AP is a lower "
                "bound. For the full AP, run the model here or use "
                "<tt>yolo predict save_txt=True save_conf=True conf=0.001</tt>",
                ap=summary.ap,
                floor=summary.ap_floor,
            )
        )
    if summary.ap_reason is not None:
        lines.append(_NO_AP_TEXTS[summary.ap_reason])
    return lines


def _spread_text(variant: Variant) -> str:
    """The 95 % interval of a measured speed, or the spread of a run's."""
    if variant.speed is not None:
        ends = variant.speed.get("fps_interval")
        return f"[{ends[0]:.1f}, {ends[1]:.1f}]" if ends else ""
    spread = variant.fps_half_iqr if variant.fps is not None else None
    return "" if spread is None else f"± {spread:.1f}"


def _speed_lines(variant: Variant) -> list[str]:
    """The conditions of a measured speed; without them speeds cannot be compared."""
    if variant.speed is not None:
        return _measured_lines(variant.speed)
    lines = []
    if variant.fps_half_iqr is not None:
        lines.append(tr("± half the interquartile range over ten parts of the run; batch size 1, without warm-up"))
    if variant.throughput:
        lines.append(tr("Whole run: {rate:.1f} frames per second", rate=variant.throughput))
    facts = [str(variant.details[name]) for name in ("hardware", "runtime", "precision") if variant.details.get(name)]
    if facts:
        lines.append(", ".join(facts))
    if variant.fps is None:
        lines.append(tr("Not run here, and its file does not state a speed"))
    return lines


def _measured_lines(speed: Mapping[str, Any]) -> list[str]:
    place = there_text(speed)
    lines = [tr("From {place}", place=escape(place)) if place else tr("Measured side by side, here")]
    if speed.get("fps_interval"):
        lines.append(tr("[ ]: 95 % interval from the rounds; see Compare, Speed"))
    facts = [str(speed[name]) for name in ("hardware", "runtime", "precision") if speed.get(name)]
    return [*lines, escape(", ".join(facts))] if facts else lines


def _size_lines(variant: Variant) -> list[str]:
    """Where the size comes from."""
    if variant.size_mb is None:
        return [tr("Not run here, and its file does not state the size of the weights")]
    return [escape(variant.path)] if variant.path else []


def _is_directly_comparable(one: Variant, other: Variant) -> bool:
    """Whether the AP of two variants may be subtracted without further steps.

    They need the same score floor, detection limit and frames, and both must have classes or neither.
    """
    a, b = one.predictions, other.predictions
    if a.any_class != b.any_class or a.max_detections != b.max_detections:
        return False
    return a.score_floor == b.score_floor and np.array_equal(a.covered, b.covered)
