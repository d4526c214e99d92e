"""The tab of tracks: a filter, the table, and commands on several selected tracks."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QSizePolicy, QToolButton, QToolTip, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.track_table import FIELDS, parse_track_filter
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.panels.list_panel import DenseTable, EmptyHint, HintLine, ListPanel
from iouviewer.ui.tables.problems_model import ProblemsModel
from iouviewer.ui.tables.tracks_model import COLUMNS, Column, TracksModel
from iouviewer.ui.tokens import SIZE, SPACE

_WIDTHS = {
    Column.COLOUR: 24,
    Column.TRACK: 42,
    Column.CLASS: 48,
    Column.FRAMES: 62,
    Column.BOXES: 45,
    Column.IOU: 50,
    Column.PROBLEMS: 62,
}
_NARROW, _TIGHT = 330, 270
"""Logical pixels of width below which the frames give way to the class, and below which the boxes do too."""


def _place(column: Column) -> int:
    return COLUMNS.index(column)


class _TracksTable(DenseTable):
    """Del deletes the selected tracks, not the box of this frame; Ctrl+A selects all tracks.

    Signals:
        deleteWanted(): the Del key.

    Attributes:
        own_keys: keys that do not reach the commands of the window.
    """

    deleteWanted = Signal()
    own_keys = frozenset({Qt.Key.Key_Delete})

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            is_own = event.key() in self.own_keys and bool(self.selected_rows())
            if is_own or event.matches(QKeySequence.StandardKey.SelectAll):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in self.own_keys:
            self.deleteWanted.emit()
            return
        super().keyPressEvent(event)


class TracksPanel(ListPanel):
    """The tracks of the source; one selected row is the selected track of the session.

    Signals:
        deleteRequested(list), classRequested(list), mergeRequested(list): of these track ids.
        goToRequested(): Enter on a row: continue on the canvas.
    """

    deleteRequested = Signal(object)
    classRequested = Signal(object)
    mergeRequested = Signal(object)
    goToRequested = Signal()

    def __init__(self, session: Session, problems: ProblemsModel) -> None:
        self.model = TracksModel(session)
        table = _TracksTable("tracksTable", tr("Tracks"))
        super().__init__(
            table, EmptyHint("tracks"), filter_name="tracksFilter", placeholder=tr("person gap>5 len<10 frame=153")
        )
        self._session, self._problems = session, problems
        self._is_syncing = False
        self._selected: list[int] = []
        self._has_classes: bool | None = None
        self.filter_field.setAccessibleName(tr("Filter tracks"))
        self.filter_field.setToolTip(tr("Class, track id, or {fields} with <, > or =", fields=", ".join(FIELDS)))
        table.setModel(self.model)
        for column, width in _WIDTHS.items():
            table.setColumnWidth(_place(column), width)
        table.sort_first_by(_place(Column.TRACK))
        self._actions = self._create_actions()
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self._actions)
        table.selectionModel().selectionChanged.connect(self._on_rows_selected)
        table.deleteWanted.connect(self._on_delete)
        table.rowEntered.connect(self._on_row_entered)
        table.doubleClicked.connect(self._on_row_entered)
        table.clicked.connect(self._on_clicked)
        table.menuWanted.connect(self._on_menu_wanted)
        self.filter_field.textChanged.connect(self._on_filter_changed)
        self.model.updated.connect(self._on_updated)
        problems.countsChanged.connect(self._show_problem_counts)
        session.view_state.viewStateChanged.connect(self._fit_columns)
        session.selectionChanged.connect(self._show_selection)
        self._on_updated()

    def _create_actions(self) -> QWidget:
        bar = QWidget()
        layout = QHBoxLayout(bar)
        layout.setContentsMargins(SPACE["m"], SPACE["xs"], SPACE["m"], SPACE["xs"])
        layout.setSpacing(SPACE["xs"])
        self._merge, self._class, self._delete = QToolButton(), QToolButton(), QToolButton()
        for button, name, slot in (
            (self._merge, "tracks.merge", self._on_merge),
            (self._class, "tracks.class", self._on_class),
            (self._delete, "tracks.delete", self._on_delete),
        ):
            button.setObjectName(name)
            button.setProperty("flag", True)
            button.setMinimumHeight(SIZE["row_dense"])
            button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
            button.clicked.connect(slot)
            layout.addWidget(button)
        self._class.setText(tr("Change class…"))
        bar.hide()
        return bar

    # Updates

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.model.set_active(True)
        self._show_problem_counts()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.model.set_active(False)

    def _show_problem_counts(self) -> None:
        if self.isVisible():
            self.model.set_problem_counts(self._problems.problems.count_open_by_track())

    def _on_updated(self) -> None:
        model = self.model
        self.set_count(model.total)
        self._update_columns()
        has_rows = bool(model.rowCount())
        is_open = bool(self._session.frame_count)
        self.show_parts(table=has_rows or not is_open, hint=is_open and not has_rows)
        if model.total:
            self.hint.show_hint(tr("No track matches the filter."))
        else:
            has_boxes = len(self._session.ground_truth) > 0
            lines = [HintLine("linkTracks", tr("Link boxes into tracks"))] if has_boxes else []
            self.hint.show_hint(tr("No tracks."), tr("Boxes get a track when they are drawn."), lines=lines)
        self._restore_selection()

    def _update_columns(self) -> None:
        """Hide the column of classes where it says nothing; the frames take its place."""
        has_classes = self.model.has_classes
        if has_classes is self._has_classes:
            return
        self._has_classes = has_classes
        widest = Column.CLASS if has_classes else Column.FRAMES
        self.table.setColumnHidden(_place(Column.CLASS), not has_classes)
        header = self.table.horizontalHeader()
        for column in (Column.CLASS, Column.FRAMES):
            mode = QHeaderView.ResizeMode.Stretch if column is widest else QHeaderView.ResizeMode.Fixed
            header.setSectionResizeMode(_place(column), mode)
            self.table.setColumnWidth(_place(column), _WIDTHS[column])
        self._fit_columns()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()

    def _fit_columns(self) -> None:
        """Hide what the lanes show too, frames and then boxes, where it would push other columns out."""
        for column, least in ((Column.FRAMES, _NARROW), (Column.BOXES, _TIGHT)):
            self.table.setColumnHidden(_place(column), bool(self._has_classes) and self.width() < least)
        for column in (Column.IOU, Column.PROBLEMS):
            self.table.setColumnHidden(_place(column), self._session.view_state.is_blind)

    def _on_filter_changed(self, text: str) -> None:
        try:
            wanted = parse_track_filter(text)
        except UserError as error:
            field = self.filter_field
            QToolTip.showText(field.mapToGlobal(QPoint(0, field.height())), f"{error.message}. {error.remedy}", field)
            return
        QToolTip.hideText()
        self.model.set_filter(wanted)

    # Selection

    @property
    def selected(self) -> list[int]:
        """Ids of the selected tracks; none while the list is not on the screen, where nobody sees them."""
        return list(self._selected) if self.isVisible() else []

    def _on_rows_selected(self) -> None:
        if self._is_syncing:
            return
        self._selected = [self.model.track_at(row) for row in self.table.selected_rows()]
        self._show_actions()
        if len(self._selected) == 1 and self.table.hasFocus():
            self._go_to(self._selected[0])

    def _on_clicked(self, _index: QModelIndex) -> None:
        # A second click on a selected row returns to its track.
        if len(self._selected) == 1:
            self._go_to(self._selected[0])

    def _go_to(self, track: int) -> None:
        self._is_syncing = True
        self._session.go_to(self.model.nearest_frame(track, self._session.current_frame))
        self._session.select_track(track)
        self._is_syncing = False

    def _on_row_entered(self) -> None:
        if len(self._selected) == 1:
            self._go_to(self._selected[0])
            self.goToRequested.emit()

    def _show_selection(self) -> None:
        """Follow the session's track; several selected rows stay until a track is selected elsewhere."""
        track = self._session.selection.track
        if self._is_syncing or (track is None and len(self._selected) > 1):
            return
        self._selected = [] if track is None else [track]
        self._restore_selection()

    def _restore_selection(self) -> None:
        rows = sorted(row for row in map(self.model.row_of, self._selected) if row >= 0)
        self._is_syncing = True
        self.table.select_rows(rows)
        self._is_syncing = False
        if len(rows) != len(self._selected) and len(self._selected) > 1:
            self._selected = [self.model.track_at(row) for row in rows]
        self._show_actions()

    def _show_actions(self) -> None:
        """Offer what can be done with several tracks; the buttons say with how many."""
        count = len(self._selected)
        self._actions.setVisible(count > 1)
        if count > 1:
            self._merge.setText(tr("Merge {count:,}", count=count))
            self._merge.setToolTip(tr_n("Merge {count} track into one", "Merge {count:,} tracks into one", count))
            boxes = self.model.box_count(self._selected)
            self._delete.setText(tr_n("Delete {count} box", "Delete {count:,} boxes", boxes))

    def _on_merge(self) -> None:
        self.mergeRequested.emit(self.selected)

    def _on_class(self) -> None:
        self.classRequested.emit(self.selected)

    def _on_delete(self) -> None:
        self.deleteRequested.emit(self.selected)

    def _on_menu_wanted(self, _index: QModelIndex, position: QPoint) -> None:
        self.menuRequested.emit("track", self.selected, position)
