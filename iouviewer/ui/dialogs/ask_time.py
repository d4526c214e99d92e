"""Asks for a time of the video: ``1:23:45.6``, ``12:30`` or ``90``."""

from __future__ import annotations

import re

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QWidget

from iouviewer.ui.panels.status import clock

_TIME = re.compile(r"([-−])?(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)", re.ASCII)

_LONGEST_TEXT = 32

_EXAMPLES = "1:23:45.6, 12:30 or 90"
_NO_TIME = f"Type a time, such as {_EXAMPLES}"


def seconds_of(text: str) -> float | None:
    """Seconds that a text means, None where it means none. With colons, minutes and seconds are below 60."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    sign, hours, minutes, seconds = found.groups()
    rest = float(seconds.replace(",", "."))
    if (minutes is not None and rest >= 60) or (hours is not None and int(minutes) >= 60):
        return None
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + rest
    return -whole if sign else whole


class AskTime(QDialog):
    """One line of text; ``seconds()`` after ``accepted``. Where the text is no time, it says what a time looks like."""

    def __init__(self, parent: QWidget | None, now: float, longest: float) -> None:
        super().__init__(parent)
        self.setObjectName("askTime")
        self.setWindowTitle("Go to time")
        self.line = QLineEdit(clock(now))
        self.line.setObjectName("askTimeLine")
        self.line.setPlaceholderText(_EXAMPLES)
        self.line.setMaxLength(_LONGEST_TEXT)
        self.line.selectAll()
        self.line.setMinimumWidth(140)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._go = buttons.addButton("Go", QDialogButtonBox.ButtonRole.AcceptRole)
        self._go.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.line.textChanged.connect(self._on_line_changed)
        self.hint = QLabel()
        self.hint.setObjectName("askTimeHint")
        self.hint.setProperty("role", "warning")
        self.hint.setMinimumWidth(self.hint.fontMetrics().horizontalAdvance(_NO_TIME) + 4)
        form = QFormLayout(self)
        form.addRow(f"Time (to {clock(longest)})" if longest > 0 else "Time", self.line)
        form.addRow("", self.hint)
        form.addRow(buttons)

    def seconds(self) -> float:
        """The time that stands there."""
        return seconds_of(self.line.text()) or 0.0

    def _on_line_changed(self, text: str) -> None:
        is_time = seconds_of(text) is not None
        self._go.setEnabled(is_time)
        self.hint.setText("" if is_time or not text.strip() else _NO_TIME)
