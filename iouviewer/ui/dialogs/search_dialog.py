"""Search dialog used by the command palette, the class picker and the export chooser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the list.

    Attributes:
        key: identifies the choice.
        detail: short text at the right end: a key, a digit, a file suffix.
    """

    key: str
    text: str
    detail: str = ""


def match_rank(query: str, text: str) -> int | None:
    """Rank of a match: 0 at the start of the text, 1 at the start of a word, 2 inside a word, 3 as scattered letters.

    None if it does not match. Case is ignored; an empty query matches everything.
    """
    query, text = query.casefold().strip(), text.casefold()
    if text.startswith(query):
        return 0
    if f" {query}" in text:
        return 1
    if query in text:
        return 2
    letters = iter(text)
    return 3 if all(letter in letters for letter in query if letter != " ") else None


def filter_choices(query: str, choices: Sequence[Choice]) -> list[Choice]:
    """The choices that match, best first; equal ones keep their order."""
    ranked = [
        (rank, position, choice)
        for position, choice in enumerate(choices)
        if (rank := match_rank(query, choice.text)) is not None
    ]
    return [choice for _rank, _position, choice in sorted(ranked, key=lambda entry: entry[:2])]


class DetailDelegate(QStyledItemDelegate):
    """Draws the detail at the right end of the line."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        choice = index.data(Qt.ItemDataRole.UserRole)
        if isinstance(choice, Choice) and choice.detail:
            painter.save()
            painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
            rect = option.rect.adjusted(0, 0, -12, 0)
            painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, choice.detail)
            painter.restore()


class SearchDialog(QDialog):
    """A text field and the list of choices that match it; Enter accepts the selected one, Esc closes.

    Args:
        hint: placeholder of the text field.
        create_text: builds the text of an additional last line, which creates the typed name; None for no such line.

    Attributes:
        choices: all choices.
        chosen: the accepted choice; for the last line, ``text`` is the typed name.
        is_new: whether the additional last line was accepted.
    """

    def __init__(
        self,
        parent: QWidget | None,
        *,
        title: str,
        hint: str,
        choices: Sequence[Choice],
        create_text: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setObjectName("finder")
        self.choices, self._create_text = tuple(choices), create_text
        self.chosen: Choice | None = None
        self.is_new = False
        self.line = QLineEdit()
        self.line.setObjectName("finderLine")
        self.line.setPlaceholderText(hint)
        self.line.setAccessibleName(hint)
        self.list = QListWidget()
        self.list.setObjectName("finderList")
        self.list.setAccessibleName(title)
        self.list.setUniformItemSizes(True)
        self.list.setItemDelegate(DetailDelegate(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.line)
        layout.addWidget(self.list)
        self.resize(440, 360)
        self.line.textChanged.connect(self._show_matches)
        self.line.returnPressed.connect(self._accept_current)
        self.list.itemClicked.connect(self._accept_current)
        self.line.installEventFilter(self)
        self._show_matches("")

    def _show_matches(self, query: str) -> None:
        self.list.clear()
        for choice in filter_choices(query, self.choices):
            item = QListWidgetItem(choice.text)
            item.setData(Qt.ItemDataRole.UserRole, choice)
            self.list.addItem(item)
        name = query.strip()
        is_known = any(choice.text.casefold() == name.casefold() for choice in self.choices)
        if self._create_text is not None and name and not is_known:
            item = QListWidgetItem(self._create_text(name))
            item.setData(Qt.ItemDataRole.UserRole, None)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _accept_current(self) -> None:
        if self.list.currentRow() < 0:
            return
        item = self.list.currentItem()
        self.chosen = item.data(Qt.ItemDataRole.UserRole)
        if self.chosen is None:
            self.is_new = True
            self.chosen = Choice("", self.line.text().strip())
        self.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            step = steps.get(Qt.Key(event.key()))
            if step is not None:
                row = max(0, min(self.list.currentRow() + step, self.list.count() - 1))
                self.list.setCurrentRow(row)
                return True
        return super().eventFilter(watched, event)
