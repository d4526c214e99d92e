"""Model of the table of tracks: span, boxes, mean IoU and open problems of each track of the source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QFont

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.track_job import TrackJob, collect_tracks
from iouviewer.document.edits import Change, FrameState, Phase
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.document.track_table import TrackBoxes, TrackColumns, TrackFilter, TrackTable, counted_ious, passes
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Float, Int
from iouviewer.ui.fonts import font
from iouviewer.ui.tables.cells import SWATCH_ROLE
from iouviewer.ui.tables.common import COLUMN_ROLE, ROOT, Index, cell_alignment
from iouviewer.ui.tokens import CLASS_COLOURS

REQUEST_DELAY_MS = 60
"""Delay after the last change of a threshold before the tracks are summed up again."""
MAX_IMMEDIATE_FRAMES = 60
"""Maximum frames of an edit that are matched at once; the thread sums up larger ones."""
MAX_EDITED_FRAMES = 300
"""Number of edited frames above which all tracks are summed up again, which keeps updates fast."""


class Column(StrEnum):
    """Stable ids of the columns."""

    COLOUR = "colour"
    TRACK = "track"
    CLASS = "class"
    FRAMES = "frames"
    BOXES = "boxes"
    IOU = "iou"
    PROBLEMS = "problems"


HEADERS = {
    Column.COLOUR: "",
    Column.TRACK: tr("Track"),
    Column.CLASS: tr("Class"),
    Column.FRAMES: tr("Frames"),
    Column.BOXES: tr("Boxes"),
    Column.IOU: tr("IoU"),
    Column.PROBLEMS: tr("Problems"),
}
COLUMNS = tuple(HEADERS)
_TIPS = {
    Column.COLOUR: tr("Colour of the track"),
    Column.FRAMES: tr("First and last frame"),
    Column.IOU: tr("Mean IoU with the baseline; a missed box counts as 0"),
    Column.PROBLEMS: tr("Open problems"),
}
_TEXTS = (Column.COLOUR, Column.CLASS)


def track_colour(track: int) -> str:
    """The colour of a track in lists and lanes."""
    return CLASS_COLOURS[track % len(CLASS_COLOURS)]


class TracksModel(QAbstractTableModel):
    """The tracks that pass the filter, sorted.

    Spans and boxes are always up to date; IoUs only while the model is active, that is while its table is on the
    screen.

    Signals:
        updated(): the number of tracks, or which of them are shown, may have changed.
    """

    updated = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._filter = TrackFilter()
        self._rules = session.scores.settings.filter
        self._sort: tuple[Column, bool] = (Column.TRACK, False)
        self._problem_counts: Mapping[int, int] = {}
        self._is_active = False
        self._has_current_ious = False
        self._edited_frames: set[int] = set()
        self._table = TrackTable(TrackBoxes.of_columns(session.ground_truth.columns()))
        self._rows: Int = np.zeros(0, np.int64)
        self._job = TrackJob(self)
        self._job.ready.connect(self._on_job_ready)
        self._timer = QTimer(self, singleShot=True, interval=REQUEST_DELAY_MS)
        self._timer.timeout.connect(self._request)
        session.sourceChanged.connect(self._on_source_changed)
        session.scoresChanged.connect(self._on_scores_changed)
        session.variants.listChanged.connect(self._on_scores_changed)
        session.changed.connect(self._on_session_changed)
        self._on_source_changed()

    # Changes

    def set_active(self, active: bool) -> None:
        """Keep the IoUs up to date as well."""
        self._is_active = active
        if active and not self._has_current_ious:
            self._request()

    def _request(self) -> None:
        self._timer.stop()
        self._edited_frames.clear()
        self._has_current_ious = self._is_active
        self._job.request(collect_tracks(self._session, with_ious=self._is_active))

    def _on_source_changed(self) -> None:
        self._has_current_ious = False
        self._request()

    def _on_scores_changed(self) -> None:
        self._has_current_ious = False
        if self._is_active:
            self._timer.start()
        rules = self._session.scores.settings.filter
        if rules != self._rules:
            self._rules = rules
            self._arrange()

    def _listed_tracks(self) -> Int | None:
        """Tracks with a box that passes the filter line; None without one."""
        if self._rules is None:
            return None
        frames, boxes, class_ids, tracks, _flags, _ids = self._session.ground_truth.columns()
        width, height = boxes[2:] - boxes[:2]
        return np.unique(tracks[self._rules.lists_boxes(frames, class_ids, width * height, tracks)])

    def _on_job_ready(self, table: TrackTable) -> None:
        self._table = table
        # Frames that were edited meanwhile.
        self._set_frames(self._edited_frames)

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is Phase.LIVE:
            return
        is_small = 0 < len(change.frames) <= MAX_IMMEDIATE_FRAMES
        if not is_small or self._table.edited_frame_count > MAX_EDITED_FRAMES:
            if change.frames or change.origin == "import":
                self._has_current_ious = False
                self._request()
            return
        self._has_current_ious &= self._is_active
        self._edited_frames |= change.frames
        self._set_frames(change.frames)

    def _set_frames(self, frames: set[int] | frozenset[int]) -> None:
        truth = self._session.ground_truth
        inside = [frame for frame in frames if frame < truth.frame_count]
        boxes = {frame: TrackBoxes.of_boxes(truth.boxes(frame), self._ious(frame)) for frame in inside}
        self._table.set_frames(boxes)
        self._arrange()

    def _ious(self, frame: int) -> dict[int, float]:
        session, baseline = self._session, self._session.variants.baseline
        if not self._is_active or baseline is None or not baseline.predictions.covered[frame]:
            return {}
        if session.ground_truth.state(frame) is not FrameState.LABELLED:
            return {}
        review = session.scores.frame_review(baseline.key, frame)
        paired = (review.gt_ids >= 0) & (review.pred_rows >= 0)
        ious = dict(zip(review.gt_ids[paired].tolist(), review.iou[paired].tolist(), strict=True))
        return counted_ious(session.ground_truth.boxes(frame), ious)

    def set_problem_counts(self, counts: Mapping[int, int]) -> None:
        """Show these numbers of open problems by track."""
        if counts != self._problem_counts:
            self._problem_counts = counts
            self._arrange()

    def set_filter(self, wanted: TrackFilter) -> None:
        """Show the tracks that pass."""
        if wanted != self._filter:
            self._filter = wanted
            self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; tracks without a value come last in both orders."""
        self._sort = (COLUMNS[column], order is Qt.SortOrder.DescendingOrder)
        self._arrange()

    # Rows

    def _arrange(self) -> None:
        """Filter and sort; the model is reset only if other tracks are shown than before."""
        columns = self._table.columns
        names = [self._session.document.class_name(class_id) for class_id in columns.class_ids.tolist()]
        counts = [self._problem_counts.get(track, 0) for track in columns.tracks.tolist()]
        problems = np.array(counts, np.int64)
        passing = passes(self._filter, columns, names, problems, self._table.tracks_on)
        listed = self._listed_tracks()
        keep = np.flatnonzero(passing if listed is None else passing & np.isin(columns.tracks, listed))
        values = self._sort_values(columns, names, problems)[keep]
        if self._sort[1]:
            values = -values
        new = columns.tracks[keep[np.argsort(values, kind="stable")]]
        old = self._rows
        if len(new) != len(old) or not np.array_equal(np.sort(new), np.sort(old)):
            self.beginResetModel()
            self._rows = new
            self._index_rows()
            self.endResetModel()
        elif not np.array_equal(new, old):
            self._reorder(new)
        else:
            self._index_rows()
            self.dataChanged.emit(self.index(0, 0), self.index(max(0, len(new) - 1), len(COLUMNS) - 1))
        self.updated.emit()

    def _index_rows(self) -> None:
        """The place of each shown track in the columns."""
        self._places = np.searchsorted(self._table.columns.tracks, self._rows)

    def _reorder(self, new: Int) -> None:
        self.layoutAboutToBeChanged.emit()
        row_of = {track: row for row, track in enumerate(new.tolist())}
        old: list[QModelIndex] = self.persistentIndexList()
        moved = [self.index(row_of[int(self._rows[index.row()])], index.column()) for index in old]
        self._rows = new
        self._index_rows()
        self.changePersistentIndexList(old, moved)
        self.layoutChanged.emit()

    def _sort_values(self, columns: TrackColumns, names: list[str], problems: Int) -> Float:
        column = self._sort[0]
        if column is Column.CLASS:
            place = {name: number for number, name in enumerate(sorted(set(names), key=str.casefold))}
            return np.array([place[name] for name in names], np.float64)
        if column is Column.IOU:
            # nan is sorted last by numpy, negated or not.
            return columns.mean_iou
        values = {Column.FRAMES: columns.first, Column.BOXES: columns.boxes, Column.PROBLEMS: problems}
        return values.get(column, columns.tracks).astype(np.float64)

    # Reading

    @property
    def total(self) -> int:
        """Number of tracks, whatever the filter."""
        return len(self._table.columns)

    @property
    def has_classes(self) -> bool:
        """Whether the project has several classes, or tracks with and without one."""
        return len(self._session.document.class_names) > 1 or len(set(self._table.columns.class_ids.tolist())) > 1

    def track_at(self, row: int) -> int:
        """The track in a row."""
        return int(self._rows[row])

    def row_of(self, track: int) -> int:
        """Row of a track, -1 if it is not shown."""
        found = np.flatnonzero(self._rows == track)
        return int(found[0]) if len(found) else -1

    def box_count(self, tracks: list[int]) -> int:
        """Number of boxes of tracks."""
        columns = self._table.columns
        return int(columns.boxes[np.isin(columns.tracks, tracks)].sum())

    def nearest_frame(self, track: int, frame: int) -> int:
        """The frame with a box of the track that is nearest to ``frame``, the earlier of two."""
        frames = self._table.frames_of(track)
        return int(frames[np.abs(frames - frame).argmin()]) if len(frames) else frame

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
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return _TIPS.get(column) or HEADERS[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column in _TEXTS or column is Column.TRACK)
        return column.value if role == COLUMN_ROLE else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        place, column = int(self._places[index.row()]), COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(place, column)
        if role == Qt.ItemDataRole.UserRole:
            return self._value(place, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column in _TEXTS or column is Column.TRACK)
        if role == SWATCH_ROLE and column is Column.COLOUR:
            return track_colour(int(self._rows[index.row()]))
        if role == Qt.ItemDataRole.FontRole:
            return self._font(place, column)
        if role == Qt.ItemDataRole.ToolTipRole and column is Column.FRAMES:
            return self._span_tooltip(place)
        if role == Qt.ItemDataRole.ToolTipRole and column is Column.CLASS:
            return self._text(place, column)
        return None

    def _font(self, place: int, column: Column) -> QFont:
        if column is Column.TRACK:
            return font("strong")
        result = font("body")
        if column is Column.CLASS and int(self._table.columns.class_ids[place]) == UNSPECIFIED_CLASS:
            result.setItalic(True)
        return result

    def _span_tooltip(self, place: int) -> str:
        columns = self._table.columns
        gap = int(columns.gaps[place])
        if not gap:
            return tr("No gap")
        return tr("Longest gap: {count:,} frames", count=gap)

    def _text(self, place: int, column: Column) -> str:
        columns = self._table.columns
        if column is Column.TRACK:
            return str(int(columns.tracks[place]))
        if column is Column.CLASS:
            name = self._session.document.class_name(int(columns.class_ids[place]))
            return tr("{class_name}, …", class_name=name) if columns.is_mixed[place] else name
        if column is Column.FRAMES:
            return tr("{first}–{last}", first=int(columns.first[place]), last=int(columns.last[place]))
        if column is Column.COLOUR:
            return ""
        value = self._value(place, column)
        if column is Column.IOU:
            return UNDEFINED if value is None else f"{value:.3f}"
        return f"{value:,}"

    def _value(self, place: int, column: Column) -> object:
        columns = self._table.columns
        if column is Column.IOU:
            iou = float(columns.mean_iou[place])
            return None if math.isnan(iou) else iou
        if column is Column.PROBLEMS:
            return self._problem_counts.get(int(columns.tracks[place]), 0)
        values = {Column.CLASS: columns.class_ids, Column.FRAMES: columns.first, Column.BOXES: columns.boxes}
        return int(values.get(column, columns.tracks)[place])
