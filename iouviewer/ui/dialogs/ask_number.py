"""Asks for one whole number: go to frame, propagate to so many frames."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QWidget

from iouviewer.ui.panels.frame_box import FrameBox


class AskNumber(QDialog):
    """One spin box; ``value()`` or ``asked()`` after ``accepted``."""

    def __init__(
        self, parent: QWidget | None, *, title: str, label: str, value: int, low: int, high: int, verb: str
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
        go = buttons.addButton(verb, QDialogButtonBox.ButtonRole.AcceptRole)
        go.setDefault(True)
        buttons.accepted.connect(self._on_buttons_accepted)
        buttons.rejected.connect(self.reject)
        form = QFormLayout(self)
        form.addRow(label, self.box)
        form.addRow(buttons)

    def _on_buttons_accepted(self) -> None:
        self.box.interpretText()
        self.accept()

    def value(self) -> int:
        """The number that stands there."""
        return self.box.value()

    def asked(self) -> int | str:
        """What was typed: ``value()``, or else a number outside the range, or a text that is no number."""
        return self.value() if self.box.asked is None else self.box.asked
