"""Type to find: one small dialog for the command palette and the class picker."""

from __future__ import annotations

from collections.abc import Sequence
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
    """One line: what it stands for, its text, and a remark at its right end (a key, a digit)."""

    key: str
    text: str
    remark: str = ""


def matches(wanted: str, text: str) -> int | None:
    """How well ``wanted`` fits ``text``: 0 at its start, 1 at a word's start, 2 within, 3 as scattered letters.

    None if it does not fit. Without regard to case; an empty wish fits everything.
    """
    wanted, text = wanted.casefold().strip(), text.casefold()
    if text.startswith(wanted):
        return 0
    if f" {wanted}" in text:
        return 1
    if wanted in text:
        return 2
    letters = iter(text)
    return 3 if all(letter in letters for letter in wanted if letter != " ") else None


def found(wanted: str, choices: Sequence[Choice]) -> list[Choice]:
    """The choices that fit, best first, else in their order."""
    ranked = [
        (rank, place, choice)
        for place, choice in enumerate(choices)
        if (rank := matches(wanted, choice.text)) is not None
    ]
    return [choice for _rank, _place, choice in sorted(ranked, key=lambda entry: entry[:2])]


class _RemarkDelegate(QStyledItemDelegate):
    """Writes the remark at the right end of the line."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        choice = index.data(Qt.ItemDataRole.UserRole)
        if isinstance(choice, Choice) and choice.remark:
            painter.save()
            painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
            rect = option.rect.adjusted(0, 0, -12, 0)
            painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, choice.remark)
            painter.restore()


class Finder(QDialog):
    """A line to type in and what fits it; Enter takes, Esc leaves.

    Args:
        new: text of an additional last line that stands for what was typed (``{}`` in it), empty for none.
    """

    def __init__(
        self, parent: QWidget | None, *, title: str, hint: str, choices: Sequence[Choice], new: str = ""
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setObjectName("finder")
        self._choices, self._new = tuple(choices), new
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
        self.list.setItemDelegate(_RemarkDelegate(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.line)
        layout.addWidget(self.list)
        self.resize(440, 360)
        self.line.textChanged.connect(self._fill)
        self.line.returnPressed.connect(self._take)
        self.list.itemClicked.connect(self._take)
        self.line.installEventFilter(self)
        self._fill("")

    def _fill(self, wanted: str) -> None:
        self.list.clear()
        for choice in found(wanted, self._choices):
            item = QListWidgetItem(choice.text)
            item.setData(Qt.ItemDataRole.UserRole, choice)
            self.list.addItem(item)
        name = wanted.strip()
        if self._new and name and all(choice.text.casefold() != name.casefold() for choice in self._choices):
            item = QListWidgetItem(self._new.format(name))
            item.setData(Qt.ItemDataRole.UserRole, None)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _take(self) -> None:
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
