"""Search in short lists: of commands, classes and formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem


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
