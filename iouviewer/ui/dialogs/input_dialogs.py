"""Dialogs that ask for one value (an integer, a time of the video) or for a confirmation."""

from __future__ import annotations

import re

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QMessageBox, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.panels.frame_box import FrameBox
from iouviewer.ui.panels.status_bar import format_time

_TIME = re.compile(r"([-−])?(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)", re.ASCII)
_MAX_TIME_LENGTH = 32
_TIME_EXAMPLES = tr("1:23:45.6, 12:30 or 90")
_NOT_A_TIME = tr("Type a time, such as {examples}", examples=_TIME_EXAMPLES)


def confirm(parent: QWidget | None, *, title: str, text: str, button: str) -> bool:
    """Ask before replacing something. The default answer is Cancel.

    Args:
        button: text of the button that confirms, for example ``Replace``.
    """
    box = QMessageBox(QMessageBox.Icon.Question, title, text, QMessageBox.StandardButton.Cancel, parent)
    confirm_button = box.addButton(button, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return box.clickedButton() is confirm_button


class NumberDialog(QDialog):
    """One spin box; read ``value()`` or ``typed()`` after ``accepted``.

    Args:
        low, high: range of the number, both included.
        button: text of the button that accepts.
    """

    def __init__(
        self, parent: QWidget | None, *, title: str, label: str, value: int, low: int, high: int, button: str
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setObjectName("askNumber")
        self.box = FrameBox()
        self.box.setObjectName("askNumberBox")
        self.box.setRange(low, high)
        self.box.setValue(value)
        self.box.selectAll()
        self.box.setMinimumWidth(120)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(button, QDialogButtonBox.ButtonRole.AcceptRole).setDefault(True)
        buttons.accepted.connect(self._on_buttons_accepted)
        buttons.rejected.connect(self.reject)
        form = QFormLayout(self)
        form.addRow(label, self.box)
        form.addRow(buttons)

    def _on_buttons_accepted(self) -> None:
        self.box.interpretText()
        self.accept()

    def value(self) -> int:
        """The number in the spin box, within its range."""
        return self.box.value()

    def typed(self) -> int | str:
        """The entry: ``value()``, a number outside the range, or a text that is not a number."""
        return self.value() if self.box.rejected_entry is None else self.box.rejected_entry


class TimeDialog(QDialog):
    """A text field for a time; read ``seconds()`` after ``accepted``. Invalid text shows a hint about the format.

    Args:
        now: initial value in seconds.
        longest: length of the video in seconds, 0 if unknown.
    """

    def __init__(self, parent: QWidget | None, now: float, longest: float) -> None:
        super().__init__(parent)
        self.setObjectName("askTime")
        self.setWindowTitle(tr("Go to time"))
        self.line = QLineEdit(format_time(now))
        self.line.setObjectName("askTimeLine")
        self.line.setPlaceholderText(_TIME_EXAMPLES)
        self.line.setMaxLength(_MAX_TIME_LENGTH)
        self.line.selectAll()
        self.line.setMinimumWidth(140)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._go = buttons.addButton(tr("Go"), QDialogButtonBox.ButtonRole.AcceptRole)
        self._go.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.line.textChanged.connect(self._on_line_changed)
        self.hint = QLabel()
        self.hint.setObjectName("askTimeHint")
        self.hint.setProperty("role", "warning")
        self.hint.setMinimumWidth(self.hint.fontMetrics().horizontalAdvance(_NOT_A_TIME) + 4)
        form = QFormLayout(self)
        form.addRow(tr("Time (up to {end})", end=format_time(longest)) if longest > 0 else tr("Time"), self.line)
        form.addRow("", self.hint)
        form.addRow(buttons)

    def seconds(self) -> float:
        """The typed time in seconds."""
        return parse_seconds(self.line.text()) or 0.0

    def _on_line_changed(self, text: str) -> None:
        is_time = parse_seconds(text) is not None
        self._go.setEnabled(is_time)
        self.hint.setText("" if is_time or not text.strip() else _NOT_A_TIME)


def parse_seconds(text: str) -> float | None:
    """Seconds of a time such as ``1:23:45.6``, ``12:30`` or ``90``; None if the text is not a time.

    With colons, minutes and seconds must be below 60.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    sign, hours, minutes, seconds = match.groups()
    fraction = float(seconds.replace(",", "."))
    if (minutes is not None and fraction >= 60) or (hours is not None and int(minutes) >= 60):
        return None
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + fraction
    return -total if sign else total
