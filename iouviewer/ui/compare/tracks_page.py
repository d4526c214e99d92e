"""The tab of Compare about time: how steadily baseline and variant find each track; a row lists its missed boxes."""

from __future__ import annotations

from math import isnan

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.jobs.breakdown import NO_PLACES
from iouviewer.jobs.gallery import GallerySet
from iouviewer.jobs.track_times import ALL_TRACKS, TrackRow
from iouviewer.ui.compare.analysis_parts import AnalysisTable, PlacesList, stretch_column
from iouviewer.ui.fonts import font
from iouviewer.ui.tables.common import ROOT, Index, cell_alignment

_COLUMNS = (
    (tr("Track"), tr("Ground-truth track; the one with the longest run of misses first")),
    (tr("Frames"), tr("Evaluated frames with a box of the track")),
    (tr("Missed"), tr("Frames on which it is not found: baseline → variant")),
    (tr("Flickers"), tr("Misses of exactly one frame: baseline → variant")),
    (tr("Longest"), tr("Frames of the longest run of misses: baseline → variant")),
    (
        tr("Jitter %"),
        tr("Mean change of the offset between prediction and box from frame to frame, in % of its size: both"),
    ),
)
_NO_VARIANT = tr("Choose a second variant to compare.")
_COMPARING = tr("Comparing with the baseline…")
_NO_TRACKS = tr("No box on these frames has a track. Track > Link boxes into tracks… makes them.")


class TracksModel(QAbstractTableModel):
    """A row a track, that of all tracks first; UserRole gives the variant's raw numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[TrackRow, ...] = ()

    def show_rows(self, rows: tuple[TrackRow, ...]) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def row_at(self, row: int) -> TrackRow:
        """The row at this place."""
        return self._rows[row]

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section][0]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _COLUMNS[section][1]
        return cell_alignment(is_text=section == 0) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column == 0)
        if role == Qt.ItemDataRole.FontRole:
            return font("strong" if row.track == ALL_TRACKS else "body")
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.UserRole):
            return None
        if column == 0:
            return tr("All tracks") if row.track == ALL_TRACKS else f"{row.track}"
        if column == 1:
            return f"{row.frames:,}"
        base, variant = row.baseline[column - 2], row.variant[column - 2]
        if role == Qt.ItemDataRole.UserRole:
            return variant
        return tr("{before} → {after}", before=_text(base), after=_text(variant))


def _text(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "–" if isnan(value) else f"{value:.1f}"


class TracksPage(QWidget):
    """The tracks above the missed boxes of the current one.

    Signals:
        placeActivated(ChangedObject): go there.
    """

    placeActivated = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.model = TracksModel()
        self.table = AnalysisTable("trackTimes", tr("How steadily each track is found"), _NO_VARIANT)
        self.table.setModel(self.model)
        stretch_column(self.table, 0)
        hint = tr("Choose a track to list the boxes that the variant misses, the longest run first.")
        self.list = PlacesList(session, "trackTimes.boxes", tr("Missed boxes of the track above"), hint)
        self.list.placeActivated.connect(self.placeActivated)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.table)
        splitter.addWidget(self.list)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self.table.selectionModel().currentRowChanged.connect(self._on_row_changed)

    def show_rows(self, rows: tuple[TrackRow, ...] | None, *, has_variant: bool) -> None:
        """Show the tracks of one variant, None where they are not known yet; the chosen track stays chosen."""
        current = self.table.currentIndex()
        track = self.model.row_at(current.row()).track if current.isValid() else None
        self.table.empty_text = _NO_VARIANT if not has_variant else _COMPARING if rows is None else _NO_TRACKS
        self.model.show_rows(rows or ())
        self.list.places.show_places(NO_PLACES)
        for number, row in enumerate(rows or ()):
            if row.track == track:
                self.table.setCurrentIndex(self.model.index(number, 0))

    def gallery_set(self) -> GallerySet:
        """The missed boxes of the chosen track."""
        row = self.table.currentIndex().row()
        track = self.model.row_at(row).track if row >= 0 else ALL_TRACKS
        return self.list.set_of("" if track == ALL_TRACKS else tr("Missed of track {track}", track=track))

    def _on_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        self.list.places.show_places(self.model.row_at(current.row()).places if current.isValid() else NO_PLACES)
