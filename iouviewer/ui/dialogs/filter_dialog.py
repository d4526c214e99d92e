"""The field for the filter line: completes keys and values, and says what a line counts before it is used."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from iouviewer.document.filter_line import KEY_TEXTS, Key
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.theme import make_popup
from iouviewer.ui.tokens import SIZE, SPACE

_WIDTH = 620
_ROWS = 10
_PREVIEW_MS = 120
"""Pause in the typing after which the line is evaluated."""


class FilterDialog(QDialog):
    """A field with completions below; Enter uses the line, Esc leaves everything as it was. Read ``text()``.

    Args:
        text: the line that is used now.
        complete: lines that continue a line.
        check: what a line counts, and whether it can be used.
    """

    def __init__(
        self,
        parent: QWidget,
        text: str,
        *,
        complete: Callable[[str], list[str]],
        check: Callable[[str], tuple[str, bool]],
    ) -> None:
        super().__init__(parent)
        self.setObjectName("filterDialog")
        self.setWindowTitle(tr("Filter"))
        make_popup(self)
        self._complete, self._check = complete, check
        self.line = QLineEdit(text)
        self.line.setObjectName("filterLine")
        self.line.setAccessibleName(tr("Filter"))
        self.line.setPlaceholderText(tr("class:person size:<16 state:miss score:>.5 frames:480-794 lost"))
        self.line.setFont(font("title"))
        self.line.installEventFilter(self)
        self.answer = QLabel()
        self.answer.setObjectName("filterAnswer")
        self.answer.setWordWrap(True)
        self.answer.setMinimumHeight(2 * self.answer.fontMetrics().height())
        self.completions = QListWidget()
        self.completions.setObjectName("filterCompletions")
        self.completions.setAccessibleName(tr("Completions"))
        self.completions.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.completions.setFixedHeight(_ROWS * (self.completions.fontMetrics().height() + 3) + 4)
        self.completions.itemClicked.connect(self._take)
        keys = QLabel(tr("Tab completes · Enter filters · an empty line ends the filter · Esc cancels"))
        keys.setProperty("role", "caption")
        name = QLabel(tr("Filter"))
        name.setProperty("role", "muted")
        row = QHBoxLayout()
        row.addWidget(name)
        row.addWidget(self.line, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["m"], SPACE["m"], SPACE["s"])
        layout.setSpacing(SPACE["s"])
        layout.addLayout(row)
        layout.addWidget(self.answer)
        layout.addWidget(self.completions)
        layout.addWidget(keys)
        self.setFixedWidth(min(_WIDTH, parent.width() - 2 * SPACE["m"]))
        self._timer = QTimer(self, singleShot=True, interval=_PREVIEW_MS)
        self._timer.timeout.connect(self._show_answer)
        self.line.textEdited.connect(self._on_line_edited)
        self.line.returnPressed.connect(self._on_return_pressed)
        self.move(parent.mapToGlobal(QPoint((parent.width() - self.width()) // 2, 2 * SIZE["top_bar"])))
        self._show_completions()
        self._show_answer()

    def text(self) -> str:
        """The line."""
        return self.line.text()

    def _on_line_edited(self) -> None:
        self._show_completions()
        self._timer.start()

    def _show_completions(self) -> None:
        text = self.line.text()
        self.completions.clear()
        for line in self._complete(text)[:_ROWS]:
            term = line[len(text) - len(text.rstrip()) :] if not text.strip() else _last_term(line, text)
            item = QListWidgetItem(_with_meaning(term))
            item.setData(Qt.ItemDataRole.UserRole, line)
            self.completions.addItem(item)

    def _show_answer(self) -> None:
        said, is_good = self._check(self.line.text())
        self.answer.setText(said)
        self.answer.setProperty("role", "caption" if is_good else "error")
        self.answer.style().unpolish(self.answer)
        self.answer.style().polish(self.answer)

    def _on_return_pressed(self) -> None:
        self._timer.stop()
        self._show_answer()
        if self._check(self.line.text())[1]:
            self.accept()

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        line = str(item.data(Qt.ItemDataRole.UserRole))
        # A whole term is followed by the next one.
        self.line.setText(line if line.endswith(":") else f"{line} ")
        self._on_line_edited()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Tab and the arrows work on the completions while the field keeps the focus."""
        if watched is not self.line or event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        count, row = self.completions.count(), self.completions.currentRow()
        if event.key() == Qt.Key.Key_Tab:
            self._take(self.completions.item(max(row, 0)))
        elif event.key() == Qt.Key.Key_Down and count:
            self.completions.setCurrentRow((row + 1) % count)
        elif event.key() == Qt.Key.Key_Up and count:
            self.completions.setCurrentRow((row - 1) % count)
        else:
            return super().eventFilter(watched, event)
        return True

    def done(self, result: int) -> None:
        """Close; an answer that has not been found is dropped."""
        self._timer.stop()
        super().done(result)


def _last_term(line: str, typed: str) -> str:
    """What the completion adds or changes at the end of the typed line, from the start of its last term."""
    start = typed.rfind(" ") + 1 if '"' not in typed else 0
    return line[start:] if line.startswith(typed[:start]) else line


def _with_meaning(term: str) -> str:
    """A key with one line about it; values stand alone."""
    word = term.removeprefix("-").removesuffix(":")
    if word in set(Key) and (term.endswith(":") or ":" not in term):
        return tr("{term}   {meaning}", term=term, meaning=KEY_TEXTS[Key(word)])
    return term
