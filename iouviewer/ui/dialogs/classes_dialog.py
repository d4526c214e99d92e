"""The classes of the project: names, colours, keys and use; each change is one step and holds at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.document import class_commands
from iouviewer.document.class_commands import CLASSES
from iouviewer.document.commands import Command
from iouviewer.document.edits import Change
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.class_names_file import read_class_names
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.canvas.box_commands import as_sentence
from iouviewer.ui.dialogs.class_colour import choose_colour
from iouviewer.ui.dialogs.class_question import ClassQuestion, Deed
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.tables.cells import SWATCH_ROLE
from iouviewer.ui.tables.classes_model import ClassesModel, Column
from iouviewer.ui.theme import popup_menu
from iouviewer.ui.tokens import CLASS_COLOURS, RADIUS, SIZE, SPACE

_WIDTHS = {
    Column.GRIP: 28,
    Column.KEY: 40,
    Column.COLOUR: 58,
    Column.BOXES: 72,
    Column.TRACKS: 64,
    Column.PROBLEMS: 76,
    Column.AP: 56,
    Column.MORE: 76,
}
_MOST_ROWS = 12
_SWATCH = 18
_NAME_FILES = tr("Class names (*.yaml *.yml *.txt *.names *.json);;All files (*)")


class _Swatches(QStyledItemDelegate):
    """Paints the colours."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colour = index.data(SWATCH_ROLE)
        styled = QStyleOptionViewItem(option)
        self.initStyleOption(styled, index)
        styled.text = ""
        option.widget.style().drawControl(
            option.widget.style().ControlElement.CE_ItemViewItem, styled, painter, option.widget
        )
        if colour:
            square = QRect(QPoint(), QSize(_SWATCH, _SWATCH))
            square.moveCenter(option.rect.center())
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(square, RADIUS["control"], RADIUS["control"])
            painter.restore()


class ClassesTable(QTableView):
    """The table; it turns keys, clicks and drags of the grip into signals.

    Signals:
        moved(int, int): a row was dragged, or moved by keys, to the place of another.
        mergeRequested(int), deleteRequested(int): by row.
        colourClicked(int), moreClicked(int): a cell was clicked, by row.
    """

    moved = Signal(int, int)
    mergeRequested = Signal(int)
    deleteRequested = Signal(int)
    colourClicked = Signal(int)
    moreClicked = Signal(int)

    def __init__(self, model: ClassesModel) -> None:
        super().__init__()
        self.setObjectName("classesTable")
        self.setAccessibleName(tr("Classes"))
        self.setModel(model)
        self._grabbed = -1
        self._swatches = _Swatches(self)
        self.setItemDelegateForColumn(Column.COLOUR, self._swatches)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(SIZE["row_comfortable"])
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        for column, width in _WIDTHS.items():
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(column, width)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)

    @property
    def current_row(self) -> int:
        """The row of the keyboard, -1 for none."""
        return self.currentIndex().row()

    def go_to(self, row: int) -> None:
        """Make a row the current one."""
        self.setCurrentIndex(self.model().index(row, Column.NAME))

    def rename(self, row: int) -> None:
        """Edit the name in its place."""
        self.edit(self.model().index(row, Column.NAME))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row, alt = self.current_row, event.modifiers() == Qt.KeyboardModifier.AltModifier
        key = Qt.Key(event.key())
        if self.state() is QAbstractItemView.State.EditingState:
            # The field passes Enter on after it has taken it.
            event.accept()
            return
        if row >= 0 and alt and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(row, row + (1 if key == Qt.Key.Key_Down else -1))
        elif row >= 0 and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.rename(row)
        elif row >= 0 and key == Qt.Key.Key_M and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.mergeRequested.emit(row)
        elif row >= 0 and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.deleteRequested.emit(row)
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        super().mousePressEvent(event)
        self._grabbed = index.row() if index.column() == Column.GRIP else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed < 0:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index, grabbed = self.indexAt(event.position().toPoint()), self._grabbed
        self._grabbed = -1
        super().mouseReleaseEvent(event)
        if grabbed >= 0:
            if index.row() >= 0:
                self.moved.emit(grabbed, index.row())
        elif index.column() == Column.COLOUR:
            self.colourClicked.emit(index.row())
        elif index.column() == Column.MORE:
            self.moreClicked.emit(index.row())


class ClassesDialog(FramedDialog):
    """The manager.

    Args:
        problem_counts: returns the open problems by class id.
        choose_map: opens the map of a variant's classes, by its key.
    """

    def __init__(
        self,
        parent: QWidget,
        session: Session,
        problem_counts: Callable[[], Mapping[int, int]],
        choose_map: Callable[[str], None],
    ) -> None:
        super().__init__(parent, title=tr("Classes"), name="classesDialog")
        self._session, self._choose_map = session, choose_map
        self.model = ClassesModel(session, problem_counts, self._rename)
        self.table = ClassesTable(self.model)
        self.counts = QLabel()
        self.counts.setObjectName("classesCounts")
        self.counts.setProperty("role", "muted")
        self.header.addWidget(self.counts)
        self.filter = QLineEdit()
        self.filter.setObjectName("classesFilter")
        self.filter.setPlaceholderText(tr("Filter classes"))
        self.filter.setAccessibleName(tr("Filter classes"))
        self.filter.setClearButtonEnabled(True)
        self.new_button, self.import_button = QPushButton(tr("New class")), QPushButton(tr("Import names…"))
        self.question = ClassQuestion()
        self.message = QLabel()
        self.message.setObjectName("classesMessage")
        self.message.setProperty("role", "warning")
        self.message.setWordWrap(True)
        self.message.hide()
        self.maps = QHBoxLayout()
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._show)
        self._lay_out()
        self._connect()
        self.resize(SIZE["dialog_l"] - 60, self.sizeHint().height())
        self._show()
        self.table.go_to(0)
        self.table.setFocus()

    def _lay_out(self) -> None:
        for button in (self.new_button, self.import_button):
            button.setAutoDefault(False)
        top = QHBoxLayout()
        top.setSpacing(SPACE["s"])
        self.body.setSpacing(SPACE["s"])
        top.addWidget(self.filter, 1)
        top.addWidget(self.new_button)
        top.addWidget(self.import_button)
        self.body.addLayout(top)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self.message)
        self.body.addWidget(self.question)
        self.body.addLayout(self.maps)
        hint = QLabel(tr("Enter rename · Alt ↑↓ arrange · M merge · Del delete · Ctrl+Z undo"))
        hint.setProperty("role", "muted")
        self.footer.insertWidget(0, hint)
        done = self.add_primary(tr("Done"))
        done.setAutoDefault(False)
        done.setDefault(False)
        done.clicked.connect(self.accept)

    def _connect(self) -> None:
        table, session = self.table, self._session
        table.moved.connect(self._move)
        table.mergeRequested.connect(lambda row: self._ask(Deed.MERGE, row))
        table.deleteRequested.connect(self._delete)
        table.colourClicked.connect(self._recolour)
        table.moreClicked.connect(self._show_menu)
        self.filter.textChanged.connect(self._filter)
        self.filter.returnPressed.connect(self.table.setFocus)
        self.new_button.clicked.connect(self._add)
        self.import_button.clicked.connect(self._import)
        self.question.answered.connect(self._answer)
        self.question.cancelled.connect(self.table.setFocus)
        session.changed.connect(self._on_session_changed)
        session.scoresChanged.connect(self._timer.start)
        for keys, run in (("Ctrl+Z", session.undo), ("Ctrl+Shift+Z", session.redo), ("Ctrl+Y", session.redo)):
            QShortcut(QKeySequence(keys), self, lambda run=run: self._replay(run))

    def _replay(self, run: Callable[[], None]) -> None:
        """Undo or redo. A step on another frame is announced first, which is of no use here: classes have no frame."""
        before = self._session.history.cursor
        run()
        if self._session.history.cursor == before:
            run()

    # Showing

    def _on_session_changed(self, _change: Change) -> None:
        # Later: a name may just be entered, and its field belongs to the row.
        self._timer.start()

    def _show(self) -> None:
        current = self.model.row_at(self.table.current_row)
        self.model.refresh()
        classes, boxes = self._session.document.classes, len(self._session.ground_truth)
        count = tr_n("{count} class", "{count:,} classes", len(classes))
        self.counts.setText(
            tr("{classes} · {boxes}", classes=count, boxes=tr_n("{count} box", "{count:,} boxes", boxes))
        )
        rows = min(max(3, self.model.rowCount()), _MOST_ROWS)
        self.table.setMinimumHeight(self.table.horizontalHeader().height() + rows * SIZE["row_comfortable"] + 4)
        if current is not None:
            self.table.go_to(max(0, self.model.row_of(current.class_id)))
        focus = QApplication.focusWidget()
        if focus is None or not self.isAncestorOf(focus):
            self.table.setFocus()
        if self.question.isVisible() and self.question.class_id >= len(classes):
            self.question.close_question()
        self._show_maps()

    def _show_maps(self) -> None:
        """A button for each variant: how many of its classes are classes of the ground truth, if that has any."""
        while (item := self.maps.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for variant in self._session.variants:
            predictions = variant.predictions
            if not predictions.classes or predictions.join is None or not self._session.document.classes.shown:
                continue
            mapped = sum(target >= 0 for target in predictions.join.targets)
            text = tr(
                "{variant}: {mapped} of {count} classes mapped…",
                variant=variant.name,
                mapped=mapped,
                count=len(predictions.classes),
            )
            button = QPushButton(text)
            button.setObjectName(f"classesMap.{variant.name}")
            button.setFlat(True)
            button.setAutoDefault(False)
            button.setToolTip(tr("Predictions keep their own names; choose which class each of them is"))
            button.clicked.connect(lambda _on=False, key=variant.key: self._choose_map(key))
            self.maps.addWidget(button)
        self.maps.addStretch(1)

    def _filter(self, text: str) -> None:
        self.model.filter = text.strip()
        self._show()
        self.table.go_to(0)

    # Deeds

    def _run(self, build: Callable[[], Command]) -> bool:
        """Execute a step; below the table stands why it is not possible."""
        try:
            command = build()
            self._session.execute(command.edit, command.label, origin=CLASSES)
        except UserError as error:
            self.message.setText(as_sentence(error))
            self.message.show()
            return False
        self.message.hide()
        return True

    @property
    def _source(self) -> int:
        return self._session.source.id

    def _rename(self, class_id: int, name: str) -> bool:
        document = self._session.document
        return self._run(lambda: class_commands.rename(document, class_id, name, source=self._source))

    def _move(self, row: int, to: int) -> None:
        one, other = self.model.row_at(row), self.model.row_at(to)
        if one is None or other is None or UNSPECIFIED_CLASS in (one.class_id, other.class_id) or row == to:
            return
        document = self._session.document
        place = document.classes.shown.index(other.class_id)
        self._run(lambda: class_commands.move(document, one.class_id, place, source=self._source))

    def _recolour(self, row: int) -> None:
        found = self.model.row_at(row)
        if found is None or found.class_id == UNSPECIFIED_CLASS:
            return
        corner = self.table.visualRect(self.model.index(row, Column.COLOUR)).bottomLeft()
        colour = choose_colour(self, found.name, found.colour, self.table.viewport().mapToGlobal(corner))
        if colour and colour != found.colour:
            document = self._session.document
            self._run(lambda: class_commands.recolour(document, found.class_id, colour, source=self._source))

    def _add(self) -> None:
        """Add a class with a free name, and edit it in its place."""
        document = self._session.document
        taken = {name.casefold() for name in document.class_names}
        numbers = range(1, len(taken) + 2)
        name = next(text for n in numbers if (text := tr("class {number}", number=n)).casefold() not in taken)
        self.filter.clear()
        if self._run(lambda: class_commands.add(document, name, source=self._source)):
            self._show()
            row = self.model.row_of(len(document.class_names) - 1)
            self.table.go_to(row)
            self.table.setFocus()
            self.table.rename(row)

    def _import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, tr("Import class names"), "", _NAME_FILES)
        if path:
            document, name = self._session.document, Path(path).name
            self._run(
                lambda: class_commands.import_names(document, read_class_names(Path(path)), name, source=self._source)
            )

    def _delete(self, row: int) -> None:
        found = self.model.row_at(row)
        if found is None or found.class_id == UNSPECIFIED_CLASS:
            return
        if found.use.boxes:
            self._ask(Deed.DELETE, row)
        else:
            self._answer(Deed.DELETE, found.class_id, UNSPECIFIED_CLASS)

    def _ask(self, deed: Deed, row: int) -> None:
        """Ask below the table for the other class, and say what will happen."""
        found = self.model.row_at(row)
        if found is None or (found.class_id == UNSPECIFIED_CLASS) is not (deed is Deed.ASSIGN):
            return
        classes = self._session.document.classes
        others = [(classes.names[number], number) for number in classes.shown if number != found.class_id]
        if deed is Deed.DELETE:
            others.append((tr("no class"), UNSPECIFIED_CLASS))
        if not others:
            is_assigned = deed is Deed.ASSIGN
            text = tr("There is no class yet. Add one first.") if is_assigned else tr("There is no other class.")
            self.message.setText(text)
            self.message.show()
            return
        self.message.hide()
        self.question.ask(deed, found, others)

    def _answer(self, deed: Deed, class_id: int, target: int) -> None:
        document, source = self._session.document, self._source

        def build() -> Command:
            if deed is Deed.MERGE:
                return class_commands.merge(document, class_id, target, CLASS_COLOURS, source=source)
            if deed is Deed.DELETE:
                return class_commands.delete(document, class_id, target, CLASS_COLOURS, source=source)
            return class_commands.assign(document, target, source=source)

        self._run(build)
        self.table.setFocus()

    def _show_menu(self, row: int) -> None:
        found = self.model.row_at(row)
        if found is None:
            return
        if found.class_id == UNSPECIFIED_CLASS:
            self._ask(Deed.ASSIGN, row)
            return
        menu = popup_menu("", self)
        deeds: tuple[tuple[str, Callable[[], None]], ...] = (
            (tr("Rename"), lambda: self.table.rename(row)),
            (tr("Colour…"), lambda: self._recolour(row)),
            (tr("Move up"), lambda: self._move(row, row - 1)),
            (tr("Move down"), lambda: self._move(row, row + 1)),
            (tr("Merge into…"), lambda: self._ask(Deed.MERGE, row)),
            (tr("Delete…") if found.use.boxes else tr("Delete"), lambda: self._delete(row)),
        )
        actions = {menu.addAction(text): run for text, run in deeds}
        place = self.table.visualRect(self.model.index(row, Column.MORE)).bottomLeft()
        chosen: QAction | None = menu.exec(self.table.viewport().mapToGlobal(place))
        menu.deleteLater()
        if chosen is not None:
            actions[chosen]()
