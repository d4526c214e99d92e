"""Asks for a time of the video: ``1:23:45.6``, ``12:30`` or ``90``."""

from __future__ import annotations

import re

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QWidget

from iouviewer.ui.panels.status import clock

_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)")


def seconds_of(text: str) -> float | None:
    """Seconds that a text means, None where it means none. With colons, minutes and seconds are below 60."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    rest = float(seconds.replace(",", "."))
    if (minutes is not None and rest >= 60) or (hours is not None and int(minutes) >= 60):
        return None
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + rest


class AskTime(QDialog):
    """One line of text; ``seconds()`` after ``accepted``. It can be accepted only where the text is a time."""

    def __init__(self, parent: QWidget | None, now: float, longest: float) -> None:
        super().__init__(parent)
        self.setObjectName("askTime")
        self.setWindowTitle("Go to time")
        self.line = QLineEdit(clock(now))
        self.line.setObjectName("askTimeLine")
        self.line.setPlaceholderText("1:23:45.6, 12:30 or 90")
        self.line.selectAll()
        self.line.setMinimumWidth(140)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._go = buttons.addButton("Go", QDialogButtonBox.ButtonRole.AcceptRole)
        self._go.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.line.textChanged.connect(self._on_line_changed)
        form = QFormLayout(self)
        form.addRow(f"Time (to {clock(longest)})" if longest > 0 else "Time", self.line)
        form.addRow(buttons)

    def seconds(self) -> float:
        """The time that stands there."""
        return seconds_of(self.line.text()) or 0.0

    def _on_line_changed(self, text: str) -> None:
        self._go.setEnabled(seconds_of(text) is not None)
