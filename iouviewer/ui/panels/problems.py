"""The panel of problems: filters, the list with its groups, and how much of it is done."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
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
from iouviewer.document.problem_list import Filter
from iouviewer.document.problems import KIND_NAMES, Kind, Problem
from iouviewer.ui.panels.sections import Section, make_dense
from iouviewer.ui.tables.problems_model import OPEN_ROLE, ProblemsModel

TYPING_MILLISECONDS = 150
"""How long typing rests before the list follows."""
_KINDS = (Kind.AGREE, Kind.WRONG_CLASS, Kind.FALSE_POSITIVE, Kind.MISS, Kind.LOOSE)
_SHORT = {Kind.AGREE: "all variants agree"}
_LEAST = (0.0, 0.25, 0.5, 0.75)
_LEAST_TIP = (
    "How bad, from 0 to 1 within a kind: 1 − IoU of a loose pair; the confidence of a false positive, a wrong class "
    "and where all agree; the size of a miss (1 from 0.1 megapixel)"
)


class FilterLine(QWidget):
    """What the list shows: kind, how bad, words, and whether it is grouped.

    Signals:
        changed(Filter): another filter.
        groupedChanged(bool): grouped or not.
        left(): the keyboard wants to go on to the list.
    """

    changed = Signal(object)
    groupedChanged = Signal(bool)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = QComboBox()
        self.kind.setObjectName("problemKind")
        self.kind.setAccessibleName("Kind of problem")
        self.kind.addItem("All kinds")
        for kind in _KINDS:
            self.kind.addItem(_SHORT.get(kind, KIND_NAMES[kind]), kind)
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.kind.setMinimumContentsLength(9)
        self.least = QComboBox()
        self.least.setObjectName("problemLeast")
        self.least.setAccessibleName("How bad at least")
        self.least.setToolTip(_LEAST_TIP)
        for value in _LEAST:
            self.least.addItem(f"≥ {value:g}" if value else "any", value)
        self.text = QLineEdit()
        self.text.setObjectName("problemText")
        self.text.setAccessibleName("Words that problems must fit")
        self.text.setPlaceholderText("filter")
        self.text.setToolTip(
            "Parts of a class's or kind's name; a number is a frame, box or track, #12 a box, 100-200 frames. "
            "Enter goes to the list, Esc clears."
        )
        self.text.setClearButtonEnabled(True)
        self.group = QToolButton()
        self.group.setObjectName("problemGroups")
        self.group.setText("Group")
        self.group.setCheckable(True)
        self.group.setChecked(True)
        self.group.setToolTip("Problems of one track, or at one place through consecutive frames, under one heading")
        self.group.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 4)
        layout.setSpacing(4)
        layout.addWidget(self.kind, 3)
        layout.addWidget(self.least)
        layout.addWidget(self.text, 3)
        layout.addWidget(self.group)
        self.text.setMinimumWidth(56)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MILLISECONDS)
        self._typing.timeout.connect(self._tell)
        self.kind.currentIndexChanged.connect(self._tell)
        self.least.currentIndexChanged.connect(self._tell)
        self.text.textChanged.connect(self._typing.start)
        self.text.returnPressed.connect(self._on_text_return)
        self.group.toggled.connect(self.groupedChanged)

    @property
    def filter(self) -> Filter:
        """What is chosen."""
        kind = self.kind.currentData()
        kinds = frozenset() if kind is None else frozenset({Kind(kind)})
        return Filter(kinds, float(self.least.currentData()), self.text.text())

    def show_counts(self, counts: dict[Kind, int]) -> None:
        """Open problems by kind, beside the kinds' names."""
        for place in range(1, self.kind.count()):
            kind = Kind(self.kind.itemData(place))
            text = f"{_SHORT.get(kind, KIND_NAMES[kind])}  {counts[kind]}"
            if text != self.kind.itemText(place):
                self.kind.setItemText(place, text)

    def _tell(self) -> None:
        self._typing.stop()
        self.changed.emit(self.filter)

    def _on_text_return(self) -> None:
        self._tell()
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text.hasFocus():
            self.text.clear()
            self._on_text_return()
            return
        super().keyPressEvent(event)


class _List(QTableView):
    """The list; Right opens a group, Left closes the one that the row belongs to.

    A table of one column: a QListView measures every row when rows come or go, 0.4 s for 200,000 of them.
    """

    def __init__(self) -> None:
        super().__init__()
        make_dense(self, "problemsList", "Problems, the gravest first")
        self.horizontalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        model, index = self.model(), self.currentIndex()
        if not isinstance(model, ProblemsModel) or not index.isValid() or not _is_side(event):
            super().keyPressEvent(event)
            return
        row = model.group_row(index.row())
        opens = event.key() == Qt.Key.Key_Right
        if model.index(row).data(OPEN_ROLE) is None or (opens and row != index.row()):
            return
        model.set_open(row, opens)
        mark_row(self, row)


def _is_side(event: QKeyEvent) -> bool:
    return event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not event.modifiers() & (
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
    )


class ProblemsPanel(Section):
    """The list of problems with how much of it is done: "37 of 212 done".

    Signals:
        activated(Problem): go there.
    """

    activated = Signal(object)

    def __init__(self, session: Session) -> None:
        self.model = ProblemsModel(session)
        self.list = _List()
        self.filters = FilterLine()
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.filters)
        layout.addWidget(self.list, 1)
        super().__init__("Problems", body)
        self.list.setModel(self.model)
        self._session = session
        self._key = ""
        self._position = -1
        self._top: tuple[int, QModelIndex] = (0, QModelIndex())
        self.list.selectionModel().currentChanged.connect(self._on_current_changed)
        self.list.clicked.connect(self._on_list_clicked)
        self.filters.changed.connect(self._on_filters_changed)
        self.filters.groupedChanged.connect(self.model.set_grouped)
        self.filters.left.connect(self._on_filters_left)
        self.model.modelAboutToBeReset.connect(self._on_model_about_to_be_reset)
        self.model.modelReset.connect(self._on_model_reset)
        self.model.counted.connect(self._show_count)
        self._show_count()

    # Where we are

    @property
    def current(self) -> Problem | None:
        """The problem that is looked at, None before the first N or when it is solved."""
        return self.model.problem_number(self._position) if 0 <= self._position < self.model.count else None

    @property
    def chosen(self) -> list[Problem]:
        """What a decision is about: all problems of a group whose heading has the focus, else the current one."""
        index = self.list.currentIndex()
        if self.list.hasFocus() and index.isValid() and self.model.position_at(index.row()) < 0:
            return self.model.group_problems(index.row())
        return [self.current] if self.current is not None else []

    def step(self, by: int) -> Problem | None:
        """Go to the next or previous problem; the one that moved up into the place of a solved one counts as next."""
        count = self.model.count
        if not count:
            return None
        solved = bool(self._key) and self.model.position_of(self._key) < 0
        start = self._position if solved and by > 0 else self._position + by
        return self.go_to(start % count if self._position >= 0 or by > 0 else count - 1)

    def go_to(self, position: int) -> Problem | None:
        """Make the problem at this position (of those that pass the filter) the current one and go there."""
        if not 0 <= position < self.model.count:
            return None
        problem = self.model.problem_number(position)
        self._key, self._position = problem.key, position
        self.model.open_only(position)
        mark_row(self.list, self.model.row_of_position(position))
        self._show_count()
        self.activated.emit(problem)
        return problem

    # What happens

    def _on_current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        # Qt makes the first row current when the list gets the focus; to look is not to go anywhere.
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
            mark_row(self.list, row)

    def _on_filters_changed(self, wanted: Filter) -> None:
        self.model.set_filter(wanted)

    def _on_filters_left(self) -> None:
        self.list.setFocus()
        if self.model.rowCount() and not self.list.currentIndex().isValid():
            mark_row(self.list, 0)

    def _on_model_about_to_be_reset(self) -> None:
        self._top = (self.list.verticalScrollBar().value(), self.list.currentIndex())

    def _on_model_reset(self) -> None:
        position = self.model.position_of(self._key) if self._key else -1
        if position >= 0:
            self._position = position
        self._position = min(self._position, self.model.count - 1)
        value, before = self._top
        self.list.verticalScrollBar().setValue(value)
        if position >= 0:
            row = self.model.row_of_position(position)
            mark_row(self.list, row)
        elif before.row() >= 0 and self.model.rowCount():
            mark_row(self.list, min(before.row(), self.model.rowCount() - 1))
        self._show_count()

    def _show_count(self) -> None:
        model = self.model
        done = model.problems.done()
        total = done + model.count
        self.filters.show_counts(model.problems.counts())
        if not len(self._session.variants):
            self.remark.setText("add predictions" if self._session.frame_count else "")
        elif not total:
            self.remark.setText("none" if model.complete else "looking …")
        else:
            self.remark.setText(f"{done} of {total} done" + ("" if model.complete else " …"))


def mark_row(view: QTableView, row: int) -> None:
    """Select a row without moving the focus."""
    index = view.model().index(row, 0)
    flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
    view.selectionModel().setCurrentIndex(index, flags)
    view.scrollTo(index)
