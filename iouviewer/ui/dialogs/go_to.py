"""The field for a frame, a time or a track, which shows the picture while one types."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from iouviewer.ui.fonts import font
from iouviewer.ui.theme import make_popup
from iouviewer.ui.tokens import SIZE, SPACE

_MAX_LENGTH = 32
_PREVIEW_MS = 120
"""Pause in the typing after which the picture is shown."""
_WIDTH = 300


class GoToDialog(QDialog):
    """A field with what it understands below; Enter goes there, Esc returns. Read ``text()`` after ``accepted``.

    Args:
        title: accessible name, for example ``Go to``.
        text: the selected initial text.
        hint: what can be typed.
        preview: shows the place of a text; returns what is shown, or why nothing is.
    """

    def __init__(self, parent: QWidget, *, title: str, text: str, hint: str, preview: Callable[[str], str]) -> None:
        super().__init__(parent)
        self.setObjectName("goTo")
        self.setWindowTitle(title)
        make_popup(self)
        self._hint_text, self._preview = hint, preview
        self.line = QLineEdit(text)
        self.line.setObjectName("goToLine")
        self.line.setAccessibleName(title)
        self.line.setMaxLength(_MAX_LENGTH)
        self.line.setFont(font("title"))
        self.line.selectAll()
        self.hint = QLabel(hint)
        self.hint.setObjectName("goToHint")
        self.hint.setProperty("role", "caption")
        self.hint.setWordWrap(True)
        self.hint.setMinimumHeight(2 * self.hint.fontMetrics().height())
        name = QLabel(title)
        name.setProperty("role", "muted")
        row = QHBoxLayout()
        row.addWidget(name)
        row.addWidget(self.line, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["m"], SPACE["m"], SPACE["s"])
        layout.setSpacing(SPACE["s"])
        layout.addLayout(row)
        layout.addWidget(self.hint)
        self.setFixedWidth(_WIDTH)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PREVIEW_MS)
        self._timer.timeout.connect(self._show_preview)
        self.line.textEdited.connect(self._on_line_edited)
        self.line.returnPressed.connect(self.accept)
        place = parent.mapToGlobal(QPoint((parent.width() - _WIDTH) // 2, 2 * SIZE["top_bar"]))
        self.move(place)

    def text(self) -> str:
        """What was typed."""
        return self.line.text()

    def _on_line_edited(self) -> None:
        self._timer.start()

    def _show_preview(self) -> None:
        text = self.line.text().strip()
        self.hint.setText((self._preview(text) if text else "") or self._hint_text)

    def done(self, result: int) -> None:
        """Close; a preview that has not started is dropped."""
        self._timer.stop()
        super().done(result)
