"""What the lists of the side panel share: a filter field, a dense table, and a hint in its place while it is empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.sections import apply_dense_style
from iouviewer.ui.tables.cells import CellDelegate
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import RAIL_ICON_SIZE, SIZE, SPACE

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


@dataclass(frozen=True, slots=True)
class HintLine:
    """A command that fills an empty list: the action id, and what the command does there."""

    action: str
    text: str


_LOW_HINT = 150
"""Logical pixels of height below which an empty list shows its words alone."""


class EmptyHint(QWidget):
    """Shown in place of an empty list: what it lacks, and the commands that fill it with their keys.

    Signals:
        commandRequested(str): the action id of a line that was clicked.
    """

    commandRequested = Signal(str)

    def __init__(self, icon: str) -> None:
        super().__init__()
        self._icon_name = icon
        self._shown: tuple[object, ...] = ()
        self.key_of: Callable[[str], str] = lambda _action: ""
        """Returns the key of an action; replaced by the window."""
        self._icon, self._title, self._text = QLabel(), QLabel(), QLabel()
        self._title.setProperty("role", "title")
        self._text.setProperty("role", "muted")
        for label in (self._icon, self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(label is not self._icon)
        self._lines = QGridLayout()
        self._lines.setHorizontalSpacing(SPACE["m"])
        self._lines.setVerticalSpacing(SPACE["xs"])
        self._lines.setColumnStretch(1, 1)
        layout = self._layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["xl"], SPACE["xl"], SPACE["xl"], SPACE["m"])
        layout.setSpacing(SPACE["s"])
        for label in (self._icon, self._title, self._text):
            layout.addWidget(label)
        layout.addLayout(self._lines)

    def show_hint(self, title: str, text: str = "", lines: Sequence[HintLine] = ()) -> None:
        """Show a heading, a sentence and commands."""
        shown = (title, text, tuple((line, self.key_of(line.action)) for line in lines))
        if shown == self._shown:
            return
        self._shown = shown
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        while (item := self._lines.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for row, line in enumerate(lines):
            key = QLabel(self.key_of(line.action))
            key.setProperty("role", "key")
            button = QToolButton()
            button.setText(line.text)
            button.clicked.connect(partial(self._on_line_clicked, line.action))
            if key.text():
                self._lines.addWidget(key, row, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._lines.addWidget(button, row, 1, Qt.AlignmentFlag.AlignLeft)
        self.update_icon()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Icon and margins give way where the panel is low."""
        super().resizeEvent(event)
        is_low = self.height() < _LOW_HINT
        self._icon.setVisible(not is_low)
        top, bottom = (SPACE["xs"], 0) if is_low else (SPACE["xl"], SPACE["m"])
        self._layout.setContentsMargins(SPACE["xl"], top, SPACE["xl"], bottom)

    def _on_line_clicked(self, action: str, _checked: bool = False) -> None:
        self.commandRequested.emit(action)

    def update_icon(self) -> None:
        """Draw the icon in the colours of the current theme."""
        icon = coloured_icon(self._icon_name, scheme_theme().colours.text3)
        self._icon.setPixmap(icon.pixmap(RAIL_ICON_SIZE + SPACE["xs"]))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._shown:
            QTimer.singleShot(0, self, self.update_icon)


class DenseTable(QTableView):
    """A table of 22 px rows whose Enter key, context menu and header act on rows.

    Signals:
        rowEntered(): Enter on the current row.
        menuWanted(QModelIndex, QPoint): right click, Menu key or Shift+F10 on a row; global position.
    """

    rowEntered = Signal()
    menuWanted = Signal(object, QPoint)

    def __init__(self, name: str, accessible_name: str) -> None:
        super().__init__()
        apply_dense_style(self, name, accessible_name)
        self.enter_is_taken: Callable[[], bool] = lambda: False
        """Whether Enter belongs to another command, as during a review; replaced by the window."""
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setItemDelegate(CellDelegate(self))
        self.verticalHeader().setMinimumSectionSize(SIZE["row_dense"])
        self.verticalHeader().setDefaultSectionSize(SIZE["row_dense"])
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(False)

    def sort_first_by(self, column: int) -> None:
        """Sort by a column until the user chooses another; only then the header shows an arrow."""
        header = self.horizontalHeader()
        header.setSortIndicator(column, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        header.setSortIndicatorShown(False)
        header.sortIndicatorChanged.connect(self._on_sort_changed)

    def _on_sort_changed(self, _column: int, _order: Qt.SortOrder) -> None:
        self.horizontalHeader().setSortIndicatorShown(True)

    def event(self, event: QEvent) -> bool:
        # Enter is a shortcut of the window, which it must not reach while it goes to a row.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in _ENTER
            and event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.NoModifier
            and self.currentIndex().isValid()
            and not self.enter_is_taken()
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _ENTER:
            if not self.selected_rows() and self.currentIndex().isValid():
                # A list that got the focus has a current row that is not selected yet.
                self.selectRow(self.currentIndex().row())
            self.rowEntered.emit()
            return
        super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Letters are commands of the window, not a search."""

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if not index.isValid():
            return
        if not self.selectionModel().isRowSelected(index.row(), QModelIndex()):
            self.selectRow(index.row())
        rect = self.visualRect(index)
        position = self.viewport().mapToGlobal(rect.bottomLeft()) if by_key else event.globalPos()
        self.menuWanted.emit(index, position)

    def selected_rows(self) -> list[int]:
        """The selected rows in order."""
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def select_rows(self, rows: Sequence[int]) -> None:
        """Select these rows without moving the focus, and scroll to the first one."""
        selection = self.selectionModel()
        if rows == self.selected_rows():
            return
        flags = QItemSelectionModel.SelectionFlag
        if not rows:
            selection.clearSelection()
            selection.setCurrentIndex(QModelIndex(), flags.NoUpdate)
            return
        selection.setCurrentIndex(self.model().index(rows[0], 0), flags.ClearAndSelect | flags.Rows)
        for row in rows[1:]:
            selection.select(self.model().index(row, 0), flags.Select | flags.Rows)
        self.scrollTo(self.model().index(rows[0], 0))


class ListPanel(QWidget):
    """A filter field above a table, or above a hint while there is nothing to list.

    Signals:
        countChanged(int): the number for the tab's title.
        menuRequested(str, object, QPoint): kind of object, the object, global position.
        commandRequested(str): an action id.

    Attributes:
        table, hint, filter_field: the parts.
        filter_row, column: layouts for further fields beside the filter, and for what stands below the table.
    """

    countChanged = Signal(int)
    menuRequested = Signal(str, object, QPoint)
    commandRequested = Signal(str)

    def __init__(self, table: DenseTable, hint: EmptyHint, *, filter_name: str, placeholder: str) -> None:
        super().__init__()
        self.table, self.hint = table, hint
        self._count = 0
        self.filter_field = QLineEdit()
        self.filter_field.setObjectName(filter_name)
        self.filter_field.setPlaceholderText(placeholder)
        self.filter_field.setAccessibleName(placeholder)
        self.filter_field.setClearButtonEnabled(True)
        self.filter_field.setProperty("quiet", True)
        self._funnel = self.filter_field.addAction(
            coloured_icon("filter", scheme_theme().colours.text3), QLineEdit.ActionPosition.LeadingPosition
        )
        hint.commandRequested.connect(self.commandRequested)
        self.filter_row = QHBoxLayout()
        self.filter_row.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["m"], SPACE["s"])
        self.filter_row.setSpacing(SPACE["s"])
        self.filter_row.addWidget(self.filter_field, 1)
        self.column = layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self.filter_row)
        layout.addWidget(hint)
        layout.addWidget(table, 1)
        # Keeps what is above it at the top while the table is hidden.
        layout.addStretch(0)
        self.setFocusProxy(table)

    @property
    def count(self) -> int:
        """The number for the tab's title."""
        return self._count

    def set_count(self, count: int) -> None:
        """Change the number for the tab's title."""
        if count != self._count:
            self._count = count
            self.countChanged.emit(count)

    def show_parts(self, *, table: bool, hint: bool) -> None:
        """Show the table, the hint, or the hint above the table."""
        self.hint.setVisible(hint)
        self.table.setVisible(table)

    def focus_filter(self) -> None:
        """Type into the filter field."""
        self.filter_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter_field.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc in the filter clears it first; Down or Enter goes on to the rows."""
        if self.filter_field.hasFocus():
            if event.key() == Qt.Key.Key_Escape and self.filter_field.text():
                self.filter_field.clear()
                return
            if event.key() in (Qt.Key.Key_Down, *_ENTER) and self.table.model().rowCount():
                self.table.setFocus()
                if not self.table.selected_rows():
                    self.table.selectRow(0)
                return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            # Not at once: the palette also reaches widgets that are still built, or are deleted with their window.
            QTimer.singleShot(0, self, self._update_funnel)

    def _update_funnel(self) -> None:
        self._funnel.setIcon(coloured_icon("filter", scheme_theme().colours.text3))
