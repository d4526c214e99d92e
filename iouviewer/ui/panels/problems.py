"""The tab of problems: the button that starts the review, the progress, filters, and the list with its groups."""

from __future__ import annotations

from time import monotonic

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Aspect, Change
from iouviewer.document.problem_list import ProblemFilter
from iouviewer.document.problem_texts import apply_text, keep_text
from iouviewer.document.problems import Problem
from iouviewer.document.review_pace import ReviewPace
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.list_panel import DenseTable
from iouviewer.ui.panels.problem_filters import ProblemFilterBar
from iouviewer.ui.panels.review_card import ReviewCard, ReviewFoot
from iouviewer.ui.panels.sections import paint_empty_text
from iouviewer.ui.tables.problems_model import COLUMNS, OPEN_ROLE, Column, ProblemsModel
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import SPACE

_WIDTHS = {Column.ICON: 26, Column.PROBLEM: 92, Column.FRAME: 46, Column.VALUE: 42}


class _ProblemsView(DenseTable):
    """The list; Right opens a group, Left closes the group of the row."""

    def __init__(self) -> None:
        super().__init__("problemsList", tr("Problems by severity"))
        self.setSelectionMode(DenseTable.SelectionMode.SingleSelection)
        self.horizontalHeader().setSectionsClickable(False)
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
        if model.index(row, 0).data(OPEN_ROLE) is None or (opens and row != index.row()):
            return
        model.set_open(row, opens)
        select_row(self, row)


def _is_left_or_right(event: QKeyEvent) -> bool:
    return event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not event.modifiers() & (
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
    )


class ProblemsPanel(QWidget):
    """The list of problems with its progress, for example "37 of 212 decided".

    Signals:
        activated(Problem): go there.
        countChanged(int): number of open problems, for the tab's title.
        commandRequested(str): an action id.
        reviewedChanged(): ``reviewed`` is another problem, or none.
        undoRequested(str): undo the last decision; the key of its first problem.
        menuRequested(str, object, QPoint): kind of object, the object, global position.

    Attributes:
        summary: the progress in words.
    """

    activated = Signal(object)
    countChanged = Signal(int)
    commandRequested = Signal(str)
    reviewedChanged = Signal()
    undoRequested = Signal(str)
    menuRequested = Signal(str, object, QPoint)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.model = ProblemsModel(session)
        self.list = _ProblemsView()
        self.filters = ProblemFilterBar()
        self._session = session
        self._keys = ("", "", "", "")
        self._count = 0
        self._key = ""
        self._position = -1
        self._is_left = False
        self._reviewed: Problem | None = None
        self._pace = ReviewPace()
        self._done = 0
        self._view_before_reset: tuple[int, QModelIndex] = (0, QModelIndex())
        self.list.setModel(self.model)
        self._lay_out()
        self.setFocusProxy(self.list)
        self.list.selectionModel().currentChanged.connect(self._on_current_changed)
        self.list.clicked.connect(self._on_list_clicked)
        self.list.rowEntered.connect(self._on_row_entered)
        self.list.menuWanted.connect(self._on_menu_wanted)
        self.filters.changed.connect(self.model.set_filter)
        self.filters.orderChanged.connect(self.model.set_order)
        self.filters.groupedChanged.connect(self.model.set_grouped)
        self.filters.dismissed.connect(self._on_filters_dismissed)
        self.card.commandRequested.connect(self.commandRequested)
        self.foot.undoRequested.connect(self.undoRequested)
        self.model.modelAboutToBeReset.connect(self._on_model_about_to_be_reset)
        self.model.modelReset.connect(self._on_model_reset)
        self.model.countsChanged.connect(self._show_progress)
        session.frameChanged.connect(self._show_card)
        session.sourceChanged.connect(self._show_classes)
        session.changed.connect(self._on_session_changed)
        self._show_classes()
        self._show_progress()

    def _lay_out(self) -> None:
        self.start = QPushButton()
        self.start.setObjectName("reviewStart")
        self.start.setProperty("primary", True)
        self.start.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.start.clicked.connect(lambda: self.commandRequested.emit("nextProblem"))
        self.card = ReviewCard()
        self.card.hide()
        self.foot = ReviewFoot(self._session)
        self.summary = QLabel()
        self.summary.setProperty("role", "title")
        self.progress = QProgressBar()
        self.progress.setObjectName("reviewProgress")
        self.progress.setAccessibleName(tr("Problems decided"))
        self.progress.setTextVisible(False)
        top = QVBoxLayout()
        top.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["m"], SPACE["xs"])
        top.setSpacing(SPACE["s"])
        for widget in (self.start, self.summary, self.progress):
            top.addWidget(widget)
        card = QVBoxLayout()
        card.setContentsMargins(SPACE["m"], 0, SPACE["m"], SPACE["s"])
        card.addWidget(self.card)
        header = self.list.horizontalHeader()
        for column, width in _WIDTHS.items():
            self.list.setColumnWidth(COLUMNS.index(column), width)
        header.setSectionResizeMode(COLUMNS.index(Column.WHAT), QHeaderView.ResizeMode.Stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.filters)
        layout.addLayout(card)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.foot)
        self._update_icons()

    @property
    def count(self) -> int:
        """Number of open problems."""
        return self._count

    def set_keys(self, next_key: str, apply: str, keep: str, unclear: str) -> None:
        """Show the keys of the commands on the buttons."""
        self._keys = (next_key, apply, keep, unclear)
        self._show_card()

    def focus_filter(self) -> None:
        """Type into the filter."""
        self.filters.focus_text()

    def _update_icons(self) -> None:
        self.start.setIcon(coloured_icon("play", scheme_theme().colours.on_accent_fill))
        self.filters.update_icon()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self, self._update_icons)

    def _show_classes(self) -> None:
        self.filters.set_classes(self._session.document.class_names)

    def _on_session_changed(self, change: Change) -> None:
        if change.aspects & Aspect.CLASS_NAMES:
            self._show_classes()

    def _show_card(self) -> None:
        """Show the current problem on its own frame, and else the button that goes on with the review."""
        problem = self.reviewed
        reviewing = problem is not None
        self.card.setVisible(reviewing)
        self.start.setVisible(not reviewing and bool(len(self._session.variants)))
        self.start.setEnabled(self.model.count > 0)
        done = self.model.problems.count_done()
        text = tr("Continue review") if done else tr("Start review")
        self.start.setText(tr("{text}  {key}", text=text, key=self._keys[0]) if self._keys[0] else text)
        if problem is not None:
            self.card.show_problem(problem, self._session, self._keys[1:])
        if problem != self._reviewed:
            self._reviewed = problem
            self.reviewedChanged.emit()

    # Current problem

    @property
    def current(self) -> Problem | None:
        """The current problem; None before the first N and when all are solved."""
        return self.model.problem_at(self._position) if 0 <= self._position < self.model.count else None

    @property
    def reviewed(self) -> Problem | None:
        """The problem that the card asks about: the one last gone to, while it is open and on the current frame."""
        problem = None if self._is_left else self.current
        if problem is None or problem.key != self._key or problem.frame != self._session.current_frame:
            return None
        return problem

    @property
    def verbs(self) -> tuple[str, str] | None:
        """What applying and keeping do to the reviewed problem; None without one."""
        problem, names = self.reviewed, self._session.document.class_names
        return None if problem is None else (apply_text(problem, names), keep_text(problem, names))

    def leave(self) -> None:
        """Leave the review; the next step returns to the problem that was reviewed."""
        self._is_left = True
        self._pace.stop()
        self._show_card()

    def go_to_key(self, key: str) -> bool:
        """Go to the open problem with this key; False if the filter hides it or there is none."""
        position = self.model.position_of(key)
        return position >= 0 and self.go_to(position) is not None

    @property
    def targets(self) -> list[Problem]:
        """The problems that a decision applies to: the group whose heading has the focus, else the current problem."""
        index = self.list.currentIndex()
        if self.list.hasFocus() and index.isValid() and self.model.position_at(index.row()) < 0:
            return self.model.group_problems(index.row())
        return [self.reviewed] if self.reviewed is not None else []

    def step(self, by: int) -> Problem | None:
        """Go to the next or previous problem; after the current one was solved, its successor counts as next."""
        count = self.model.count
        if not count:
            return None
        solved = bool(self._key) and self.model.position_of(self._key) < 0
        start = self._position if (solved or self._is_left) and by > 0 else self._position + by
        return self.go_to(start % count if self._position >= 0 or by > 0 else count - 1)

    def go_to(self, position: int) -> Problem | None:
        """Make the problem at this position of the filtered list the current one and go there."""
        if not 0 <= position < self.model.count:
            return None
        problem = self.model.problem_at(position)
        self._key, self._position, self._is_left = problem.key, position, False
        self._pace.start(monotonic())
        self.model.open_only(position)
        select_row(self.list, self.model.row_of_position(position))
        self._show_progress()
        self.activated.emit(problem)
        return problem

    # Events

    def _on_row_entered(self) -> None:
        index = self.list.currentIndex()
        position = self.model.position_at(index.row())
        self.go_to(position) if position >= 0 else self._on_list_clicked(index)

    def _on_menu_wanted(self, index: QModelIndex, position: QPoint) -> None:
        found = self.model.group_problems(index.row())
        if len(found) == 1:
            # The commands of the menu decide the problem under review.
            self.go_to(self.model.position_at(index.row()))
        self.menuRequested.emit("problem", found[0] if len(found) == 1 else found, position)

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
        counts = self.model.problems.count_open()
        decided = self.model.problems.count_decisions()
        if decided > self._done and self._reviewed is not None:
            self._pace.decide(monotonic(), decided - self._done)
        self._done = decided
        self.filters.show_counts(counts)
        self.summary.setText(self._progress_text())
        self.summary.setVisible(bool(self.summary.text()))
        done = self.model.problems.count_done()
        total = done + self.model.count
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(done)
        self.progress.setVisible(bool(total))
        self.list.set_empty_text(self._empty_text())
        self._show_card()
        count = sum(counts.values())
        if count != self._count:
            self._count = count
            self.countChanged.emit(count)

    def _progress_text(self) -> str:
        model = self.model
        done = model.problems.count_done()
        total = done + model.count
        if not len(self._session.variants):
            return ""
        if not total:
            return tr("No problems") if model.complete else self._search_text()
        if not done:
            text = tr_n("{count} problem", "{count:,} problems", total)
        elif done == total:
            text = tr_n("{count} problem decided", "All {count:,} problems decided", total)
        else:
            text = tr("{done:,} of {total:,} decided", done=done, total=total)
            seconds = self._pace.seconds_left(model.count)
            if seconds is not None:
                left = _time_text(seconds)
                text = tr("{progress} · {time} left", progress=text, time=left)
        return text if model.complete else tr("{progress} · updating…", progress=text)

    def _search_text(self) -> str:
        if not self.model.share:
            return tr("Finding problems…")
        return tr("Finding problems… {percent:.0f} %", percent=100 * self.model.share)

    def _empty_text(self) -> str:
        if not self._session.frame_count:
            return ""
        if not len(self._session.variants):
            return tr("Add predictions to find problems")
        if not self.model.complete:
            return self._search_text()
        if self.model.problems.filter != ProblemFilter():
            return tr("No problems match the filter")
        if self.model.problems.count_done():
            return tr("All problems decided")
        review = self._session.scores.settings.review
        return tr(
            "No problems at IoU {iou:.2f} and confidence {confidence:.2f}", iou=review.iou, confidence=review.conf
        )


def _time_text(seconds: float) -> str:
    """A time as an estimate: ``about 4 min``."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return tr("less than 1 min")
    if minutes < 100:
        return tr("about {count:,} min", count=minutes)
    return tr("about {count:,} h", count=round(minutes / 60))


def select_row(view: QTableView, row: int) -> None:
    """Select a row without moving the focus."""
    index = view.model().index(row, 0)
    flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
    view.selectionModel().setCurrentIndex(index, flags)
    view.scrollTo(index)
