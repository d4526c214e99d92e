"""The tab of problems: the button that starts the review, the progress, filters, and the list with its groups."""

from __future__ import annotations

from time import monotonic

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.video.crops import CropLoader
from iouviewer.document.edits import Aspect, Change
from iouviewer.document.problem_list import ProblemFilter
from iouviewer.document.problem_texts import apply_text, keep_text
from iouviewer.document.problems import Problem
from iouviewer.document.review_ledger import LedgerCounts
from iouviewer.document.review_pace import ReviewPace
from iouviewer.i18n import tr
from iouviewer.ui.panels.list_panel import DenseTable
from iouviewer.ui.panels.problem_filters import ProblemFilterBar
from iouviewer.ui.panels.review_card import ReviewCard, ReviewFoot
from iouviewer.ui.panels.sections import paint_empty_text
from iouviewer.ui.review.grid import ProblemGrid
from iouviewer.ui.review.grid_context import GridContext
from iouviewer.ui.review.grid_page import GridPage
from iouviewer.ui.review.ledger import LedgerView
from iouviewer.ui.review.progress import ReviewProgress, search_text
from iouviewer.ui.review.queue import ReviewQueue
from iouviewer.ui.tables.problems_model import COLUMNS, OPEN_ROLE, Column, ProblemsModel
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
    """The list of problems with its progress, for example "37 of 212 decided", and the review of one or of many.

    Attributes:
        grid_page: the grid of the same problems, which the workspace shows in place of the canvas.
        queue: which problem is the current one.

    Signals:
        activated(Problem): go there.
        countChanged(int): number of open problems, for the tab's title.
        commandRequested(str): an action id.
        reviewedChanged(): ``reviewed`` is another problem, or none.
        undoRequested(str): undo the last decision; the key of its first problem.
        menuRequested(str, object, QPoint): kind of object, the object, global position.
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
        self.queue = ReviewQueue(self.model)
        self._reviewed: Problem | None = None
        self._pace = ReviewPace()
        self._done = 0
        self._grid: ProblemGrid | None = None
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
        for part in (self.card, self.context, self.head, self.ledger):
            part.commandRequested.connect(self.commandRequested)
        self.card.scopeChanged.connect(self._on_scope_changed)
        self.foot.undoRequested.connect(self.undoRequested)
        self.model.modelAboutToBeReset.connect(self._on_model_about_to_be_reset)
        self.model.modelReset.connect(self._on_model_reset)
        self.model.countsChanged.connect(self._show_progress)
        session.frameChanged.connect(self._show_card)
        session.sourceChanged.connect(self._show_classes)
        session.variants.listChanged.connect(self._show_variants)
        session.changed.connect(self._on_session_changed)
        self._show_classes()
        self._show_progress()

    def _lay_out(self) -> None:
        self.head = ReviewProgress()
        self.head.add_order(self.filters.order)
        self.card = ReviewCard(self._session)
        self.context = GridContext(self._session)
        self.ledger = LedgerView(self._session)
        self.foot = ReviewFoot(self._session)
        self.grid_page = GridPage(self._session, self.model, self.queue.fronts)
        self.blind = QLabel(tr("Problems are hidden in blind mode"))
        self.blind.setProperty("role", "muted")
        self.blind.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for part in (self.card, self.context, self.ledger, self.blind):
            part.hide()
        card = QVBoxLayout()
        card.setContentsMargins(SPACE["m"], 0, SPACE["m"], SPACE["s"])
        card.addWidget(self.card)
        card.addWidget(self.context)
        header = self.list.horizontalHeader()
        for column, width in _WIDTHS.items():
            self.list.setColumnWidth(COLUMNS.index(column), width)
        header.setSectionResizeMode(COLUMNS.index(Column.WHAT), QHeaderView.ResizeMode.Stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addWidget(self.filters)
        layout.addLayout(card)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.ledger, 1)
        layout.addWidget(self.blind, 1)
        layout.addWidget(self.foot)
        self._update_icons()

    @property
    def count(self) -> int:
        """Number of open problems."""
        return self._count

    @property
    def lists(self) -> tuple[QAbstractItemView, ...]:
        """The views whose keys are commands."""
        return self.list, self.ledger.table, self.grid_page.view

    @property
    def summary(self) -> QLabel:
        """The progress in words."""
        return self.head.summary

    def use_crops(self, crops: CropLoader) -> None:
        """Take the crops of the film strip and of the surroundings from here."""
        self.card.strip.use_crops(crops)
        self.context.use_crops(crops)
        self.grid_page.view.use_crops(crops)

    def set_keys(self, next_key: str, apply: str, keep: str, unclear: str, grid: str) -> None:
        """Show the keys of the commands on the buttons."""
        self._keys = (next_key, apply, keep, unclear)
        self.head.set_grid_key(grid)
        self._show_card()

    def focus_filter(self) -> None:
        """Type into the filter."""
        self.filters.focus_text()

    def _update_icons(self) -> None:
        self.head.update_icons()
        self.filters.update_icon()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self, self._update_icons)

    def _show_classes(self) -> None:
        self.filters.set_classes(self._session.document.class_names)

    def _show_variants(self) -> None:
        variants, baseline = self._session.variants, self._session.variants.baseline
        # Problems name variants by their place, the baseline first.
        ordered = sorted(variants, key=lambda variant: variant is not baseline)
        self.filters.set_variants(tuple(variant.name for variant in ordered))

    def _on_session_changed(self, change: Change) -> None:
        if change.aspects & Aspect.CLASS_NAMES:
            self._show_classes()

    def _show_card(self) -> None:
        """Show the current problem on its own frame, and else the button that goes on with the review."""
        problem = self.reviewed
        is_seen = problem is not None and self._grid is None and not self.ledger.isVisibleTo(self)
        self.card.setVisible(is_seen)
        is_offered = problem is None and self._grid is None and self._is_possible
        self.head.start.setVisible(is_offered)
        self.head.start.setEnabled(self.model.count > 0)
        text = tr("Continue review") if self.model.problems.count_done() else tr("Start review")
        self.head.start.setText(tr("{text}  {key}", text=text, key=self._keys[0]) if self._keys[0] else text)
        if problem is not None:
            self.card.show_problem(problem, self.model.object_of(problem) or [problem], self._keys[1:])
        if problem != self._reviewed:
            self._reviewed = problem
            self.reviewedChanged.emit()

    # Grid and ledger

    @property
    def grid(self) -> ProblemGrid | None:
        """The grid while it is shown."""
        return self._grid

    def show_grid(self, grid: ProblemGrid | None) -> None:
        """Show what belongs to the grid instead of card and list; None: the list again."""
        if self._grid is not None:
            self._grid.focusedChanged.disconnect(self._show_context)
            self._grid.chosenChanged.disconnect(self._show_context)
        self._grid = grid
        self.head.grid.setChecked(grid is not None)
        if grid is not None:
            self.show_ledger(shown=False)
            grid.focusedChanged.connect(self._show_context)
            grid.chosenChanged.connect(self._show_context)
        self.context.setVisible(grid is not None)
        self._pace.stop()
        self._show_context()
        self._show_parts()
        self.reviewedChanged.emit()

    def show_ledger(self, *, shown: bool) -> None:
        """Show the ledger instead of card and list."""
        self.head.ledger.setChecked(shown)
        self.ledger.setVisible(shown)
        self._show_parts()

    @property
    def is_ledger_shown(self) -> bool:
        """Whether the ledger is shown instead of the list."""
        return self.ledger.isVisibleTo(self)

    def show_blind(self, *, is_blind: bool) -> None:
        """Hide everything that says what models think, or show it again."""
        self.blind.setVisible(is_blind)
        self.foot.set_blind(is_blind)
        if is_blind:
            self.show_ledger(shown=False)
        self._show_parts()
        self._show_progress()

    @property
    def is_blind(self) -> bool:
        """Whether problems are hidden."""
        return self.blind.isVisibleTo(self)

    def _show_parts(self) -> None:
        is_list = not self.is_ledger_shown and not self.is_blind
        self.filters.setVisible(is_list)
        self.list.setVisible(is_list)
        self.head.setVisible(not self.is_blind)
        self._show_card()

    def _show_context(self) -> None:
        if self._grid is not None:
            focused, chosen = self._grid.focused, self._grid.chosen
            shown = focused or next(iter(chosen), None)
            lines = [] if shown is None else self._grid.lines_of(shown, selected=True)
            self.context.show_problems(shown, chosen, self.targets(), lines, self._keys[1:])

    # Current problem

    @property
    def current(self) -> Problem | None:
        """The current problem; None before the first N and when all are solved."""
        return self.queue.current

    @property
    def reviewed(self) -> Problem | None:
        """The problem that the card asks about: the one last gone to, while it is open and on the current frame."""
        return self.queue.reviewed_on(self._session.current_frame)

    @property
    def verbs(self) -> tuple[str, str] | None:
        """What applying and keeping do to the reviewed problem; None without one."""
        problem, names = self.reviewed, self._session.document.class_names
        return None if problem is None else (apply_text(problem, names), keep_text(problem, names))

    def leave(self) -> None:
        """Leave the review; the next step returns to the problem that was reviewed."""
        self.queue.is_left = True
        self._pace.stop()
        self._show_card()

    def go_to_key(self, key: str) -> bool:
        """Go to the open problem with this key; False if the filter hides it or there is none."""
        position = self.model.position_of(key)
        return position >= 0 and self.go_to(position) is not None

    def targets(self, *, only_here: bool = False) -> list[Problem]:
        """The problems that a decision applies to.

        Those of the objects selected in the grid, else of its focused one; the group whose heading has the focus; the
        object under review or, with ``only_here``, the problem under review.
        """
        if self._grid is not None:
            shown = self._grid.chosen or [one for one in (self._grid.focused,) if one is not None]
            found = {one.key: one for problem in shown for one in self._alike_of(problem, only_here=only_here)}
            return list(found.values())
        index = self.list.currentIndex()
        if self.list.hasFocus() and index.isValid() and self.model.position_at(index.row()) < 0:
            return self.model.group_problems(index.row())
        return [] if self.reviewed is None else self._alike_of(self.reviewed, only_here=only_here)

    def _alike_of(self, problem: Problem, *, only_here: bool) -> list[Problem]:
        return [problem] if only_here else self.queue.object_of(problem)

    def step(self, by: int) -> Problem | None:
        """Go to the next or previous problem; after the current one was solved, its successor counts as next."""
        return self.go_to(self.queue.position_after(by))

    def go_to(self, position: int) -> Problem | None:
        """Make the problem at this position of the filtered list the current one and go there."""
        if not 0 <= position < self.model.count:
            return None
        problem = self.queue.move_to(position)
        self._pace.start(monotonic())
        self.model.open_only(position)
        row = self.model.row_of_position(position)
        select_row(self.list, row)
        # Below it is what comes next.
        self.list.scrollTo(self.model.index(row, 0), QTableView.ScrollHint.PositionAtTop)
        self._show_progress()
        self.activated.emit(problem)
        return problem

    # Events

    def _on_scope_changed(self) -> None:
        self.queue.whole_objects = self.card.whole.isChecked()
        self._show_card()

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
            if position >= 0 and position != self.queue.position:
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
        position = self.queue.follow()
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
        if decided > self._done and (self._reviewed is not None or self._grid is not None):
            self._pace.decide(monotonic(), decided - self._done)
        self._done = decided
        self.filters.show_counts(counts)
        self.head.show_progress(self.model, self._pace, is_possible=self._is_possible)
        self.list.set_empty_text(self._empty_text())
        self.ledger.show_decisions(self.model.decisions)
        self._show_card()
        count = 0 if self.is_blind else sum(counts.values())
        if count != self._count:
            self._count = count
            self.countChanged.emit(count)

    @property
    def _is_possible(self) -> bool:
        """Whether there is anything to compare: predictions, or problems that ground truth alone shows."""
        return bool(len(self._session.variants)) or self.model.count > 0

    def _empty_text(self) -> str:
        if not self._session.frame_count:
            return ""
        if not self._is_possible:
            return tr("Add predictions to find problems")
        if not self.model.complete:
            return search_text(self.model)
        if self.model.problems.filter != ProblemFilter() or self.model.problems.rules:
            return tr("No problems match the filter")
        if self.model.problems.count_done():
            ledger = LedgerCounts.of(self.model.decisions.values()).text
            return tr("All problems decided\n\n{ledger}.\n\nNext: verify frames, or compare.", ledger=ledger)
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
