"""The problems panel: filters, the list with its groups, and the progress."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.document.problem_list import ProblemFilter
from iouviewer.document.problems import KIND_NAMES, Problem, ProblemKind
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.panels.sections import Section, apply_dense_style, paint_empty_text
from iouviewer.ui.tables.problems_model import OPEN_ROLE, ProblemsModel

TYPING_DELAY_MS = 150
"""Delay after the last key before the list is filtered by the typed text."""
_KINDS = (
    ProblemKind.AGREE,
    ProblemKind.WRONG_CLASS,
    ProblemKind.FALSE_POSITIVE,
    ProblemKind.MISS,
    ProblemKind.LOOSE,
)
_MIN_SEVERITIES = (0.0, 0.25, 0.5, 0.75)
_ANY_SEVERITY = tr("any")


class ProblemFilterBar(QWidget):
    """Filters of the list: kind, severity and text, and whether it is grouped.

    Signals:
        changed(ProblemFilter): another filter.
        groupedChanged(bool): grouped or not.
        dismissed(): the keyboard focus should move to the list.
    """

    changed = Signal(object)
    groupedChanged = Signal(bool)
    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = QComboBox()
        self.kind.setObjectName("problemKind")
        self.kind.setAccessibleName(tr("Kind of problem"))
        self.kind.addItem(tr("All kinds"))
        for kind in _KINDS:
            self.kind.addItem(KIND_NAMES[kind], kind)
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.kind.setMinimumContentsLength(9)
        self.severity = QComboBox()
        self.severity.setObjectName("problemLeast")
        self.severity.setAccessibleName(tr("Minimum severity"))
        self.severity.setToolTip(
            tr(
                "Minimum severity, from 0 to 1 within a kind: 1 − IoU of a loose box; the confidence of an extra "
                "prediction, of a wrong class and where all variants agree; the size of a missed box (1 from 0.1 "
                "megapixels)"
            )
        )
        for value in _MIN_SEVERITIES:
            self.severity.addItem(f"≥ {value:g}" if value else _ANY_SEVERITY, value)
        self.text = self._make_text_field()
        self.group = QToolButton()
        self.group.setObjectName("problemGroups")
        self.group.setText(tr("Group"))
        self.group.setCheckable(True)
        self.group.setChecked(True)
        self.group.setToolTip(tr("Group problems of one track, or at one place on consecutive frames"))
        self.group.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 4)
        layout.setSpacing(4)
        layout.addWidget(self.kind, 3)
        layout.addWidget(self.severity)
        layout.addWidget(self.text, 3)
        layout.addWidget(self.group)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_DELAY_MS)
        self._typing.timeout.connect(self._emit_changed)
        self.kind.currentIndexChanged.connect(self._emit_changed)
        self.severity.currentIndexChanged.connect(self._emit_changed)
        self.text.textChanged.connect(self._typing.start)
        self.text.returnPressed.connect(self._on_text_return_pressed)
        self.group.toggled.connect(self.groupedChanged)

    @staticmethod
    def _make_text_field() -> QLineEdit:
        field = QLineEdit()
        field.setObjectName("problemText")
        field.setAccessibleName(tr("Filter problems by text"))
        field.setPlaceholderText(tr("Filter"))
        field.setToolTip(
            tr(
                "Part of the name of a class or kind; a number for a frame, box or track; #12 for a box; 100-200 for "
                "frames. Enter goes to the list, Esc clears the filter."
            )
        )
        field.setClearButtonEnabled(True)
        field.setMinimumWidth(56)
        field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        return field

    @property
    def filter(self) -> ProblemFilter:
        """The chosen filter."""
        kind = self.kind.currentData()
        kinds = frozenset() if kind is None else frozenset({ProblemKind(kind)})
        return ProblemFilter(kinds, float(self.severity.currentData()), self.text.text())

    def show_counts(self, counts: dict[ProblemKind, int]) -> None:
        """Show the number of open problems beside each kind."""
        for place in range(1, self.kind.count()):
            kind = ProblemKind(self.kind.itemData(place))
            text = f"{KIND_NAMES[kind]}  {counts[kind]:,}"
            if text != self.kind.itemText(place):
                self.kind.setItemText(place, text)

    def _emit_changed(self) -> None:
        self._typing.stop()
        self.changed.emit(self.filter)

    def _on_text_return_pressed(self) -> None:
        self._emit_changed()
        self.dismissed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text.hasFocus():
            self.text.clear()
            self._on_text_return_pressed()
            return
        super().keyPressEvent(event)


class _ProblemsView(QTableView):
    """The list; Right opens a group, Left closes the group of the row.

    It is a table of one column because a QListView measures every row when rows are added or removed: 0.4 s for
    200,000 rows.
    """

    def __init__(self) -> None:
        super().__init__()
        apply_dense_style(self, "problemsList", tr("Problems by severity"))
        self.horizontalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._empty_text = ""

    @property
    def empty_text(self) -> str:
        """The text that an empty list shows."""
        return self._empty_text

    def set_empty_text(self, text: str) -> None:
        """Show this text while the list is empty."""
        if text != self._empty_text:
            self._empty_text = text
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._empty_text and not self.model().rowCount():
            paint_empty_text(self, self._empty_text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        model, index = self.model(), self.currentIndex()
        if not isinstance(model, ProblemsModel) or not index.isValid() or not _is_left_or_right(event):
            super().keyPressEvent(event)
            return
        row = model.group_row(index.row())
        opens = event.key() == Qt.Key.Key_Right
        if model.index(row).data(OPEN_ROLE) is None or (opens and row != index.row()):
            return
        model.set_open(row, opens)
        select_row(self, row)


def _is_left_or_right(event: QKeyEvent) -> bool:
    return event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not event.modifiers() & (
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
    )


class ProblemsPanel(Section):
    """The list of problems with its progress, for example "37 of 212 decided".

    Signals:
        activated(Problem): go there.
    """

    activated = Signal(object)

    def __init__(self, session: Session) -> None:
        self.model = ProblemsModel(session)
        self.list = _ProblemsView()
        self.filters = ProblemFilterBar()
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.filters)
        layout.addWidget(self.list, 1)
        super().__init__(tr("Problems"), body)
        self.list.setModel(self.model)
        self._session = session
        self._key = ""
        self._position = -1
        self._view_before_reset: tuple[int, QModelIndex] = (0, QModelIndex())
        self.list.selectionModel().currentChanged.connect(self._on_current_changed)
        self.list.clicked.connect(self._on_list_clicked)
        self.filters.changed.connect(self.model.set_filter)
        self.filters.groupedChanged.connect(self.model.set_grouped)
        self.filters.dismissed.connect(self._on_filters_dismissed)
        self.model.modelAboutToBeReset.connect(self._on_model_about_to_be_reset)
        self.model.modelReset.connect(self._on_model_reset)
        self.model.countsChanged.connect(self._show_progress)
        self._show_progress()

    # Current problem

    @property
    def current(self) -> Problem | None:
        """The current problem; None before the first N and when all are solved."""
        return self.model.problem_at(self._position) if 0 <= self._position < self.model.count else None

    @property
    def targets(self) -> list[Problem]:
        """The problems that a decision applies to: the group whose heading has the focus, else the current problem."""
        index = self.list.currentIndex()
        if self.list.hasFocus() and index.isValid() and self.model.position_at(index.row()) < 0:
            return self.model.group_problems(index.row())
        return [self.current] if self.current is not None else []

    def step(self, by: int) -> Problem | None:
        """Go to the next or previous problem; after the current one was solved, its successor counts as next."""
        count = self.model.count
        if not count:
            return None
        solved = bool(self._key) and self.model.position_of(self._key) < 0
        start = self._position if solved and by > 0 else self._position + by
        return self.go_to(start % count if self._position >= 0 or by > 0 else count - 1)

    def go_to(self, position: int) -> Problem | None:
        """Make the problem at this position of the filtered list the current one and go there."""
        if not 0 <= position < self.model.count:
            return None
        problem = self.model.problem_at(position)
        self._key, self._position = problem.key, position
        self.model.open_only(position)
        select_row(self.list, self.model.row_of_position(position))
        self._show_progress()
        self.activated.emit(problem)
        return problem

    # Events

    def _on_current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        # Qt makes the first row current when the list gets the focus; do not go to its frame.
        if current.isValid() and previous.isValid() and self.list.hasFocus():
            position = self.model.position_at(current.row())
            if position >= 0 and position != self._position:
                self.go_to(position)

    def _on_list_clicked(self, index: QModelIndex) -> None:
        position = self.model.position_at(index.row())
        if position >= 0:
            self.go_to(position)
        else:
            row = index.row()
            self.model.set_open(row, not index.data(OPEN_ROLE))
            select_row(self.list, row)

    def _on_filters_dismissed(self) -> None:
        self.list.setFocus()
        if self.model.rowCount() and not self.list.currentIndex().isValid():
            select_row(self.list, 0)

    def _on_model_about_to_be_reset(self) -> None:
        self._view_before_reset = (self.list.verticalScrollBar().value(), self.list.currentIndex())

    def _on_model_reset(self) -> None:
        position = self.model.position_of(self._key) if self._key else -1
        if position >= 0:
            self._position = position
        self._position = min(self._position, self.model.count - 1)
        scroll, index = self._view_before_reset
        self.list.verticalScrollBar().setValue(scroll)
        if position >= 0:
            row = self.model.row_of_position(position)
            select_row(self.list, row)
        elif index.row() >= 0 and self.model.rowCount():
            select_row(self.list, min(index.row(), self.model.rowCount() - 1))
        self._show_progress()

    # Progress

    def _show_progress(self) -> None:
        self.filters.show_counts(self.model.problems.count_open())
        self.summary.setText(self._progress_text())
        self.list.set_empty_text(self._empty_text())

    def _progress_text(self) -> str:
        model = self.model
        done = model.problems.count_done()
        total = done + model.count
        if not len(self._session.variants):
            return ""
        if not total:
            return tr("No problems") if model.complete else tr("Finding problems…")
        if not done:
            text = tr_n("{count} problem", "{count:,} problems", total)
        elif done == total:
            text = tr_n("{count} problem decided", "All {count:,} problems decided", total)
        else:
            text = tr("{done:,} of {total:,} decided", done=done, total=total)
        return text if model.complete else tr("{progress} · updating…", progress=text)

    def _empty_text(self) -> str:
        if not self._session.frame_count:
            return ""
        if not len(self._session.variants):
            return tr("Add predictions to find problems")
        if not self.model.complete:
            return tr("Finding problems…")
        if self.model.problems.filter != ProblemFilter():
            return tr("No problems match the filter")
        if self.model.problems.count_done():
            return tr("All problems decided")
        review = self._session.scores.settings.review
        return tr(
            "No problems at IoU {iou:.2f} and confidence {confidence:.2f}", iou=review.iou, confidence=review.conf
        )


def select_row(view: QTableView, row: int) -> None:
    """Select a row without moving the focus."""
    index = view.model().index(row, 0)
    flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
    view.selectionModel().setCurrentIndex(index, flags)
    view.scrollTo(index)
