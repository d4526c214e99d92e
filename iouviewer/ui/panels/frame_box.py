"""A field for a whole number that takes whatever is typed, and lets others say what was wrong with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QValidator
from PySide6.QtWidgets import QSpinBox, QWidget

_SEPARATORS = str.maketrans("", "", ", '’_\u00a0\u202f")
"""What people and other programs write between thousands."""

_LONGEST_TEXT = 32


class FrameBox(QSpinBox):
    """A spin box in which a number beyond its range can be typed.

    Qt's own drops the digit that leads beyond the range: of 800 it leaves 80, and goes there without a word.

    Signals:
        givenUp(): Esc was pressed; what was typed is gone.

    Attributes:
        asked: the number outside the range, or the text that is no number, that was entered last; None where there was
            nothing wrong with it. The nearest number of the range, or the one before, stands there instead.
        typing: something is being typed that was not entered yet.
    """

    givenUp = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.asked: int | str | None = None
        self.typing = False
        self._before: int | None = None
        self.lineEdit().setMaxLength(_LONGEST_TEXT)
        self.lineEdit().textEdited.connect(self._on_text_edited)
        self.editingFinished.connect(self._on_editing_finished)

    def _on_text_edited(self) -> None:
        self.asked = None
        self.typing = True

    def _on_editing_finished(self) -> None:
        self.typing = False
        self._before = None

    def show_number(self, number: int) -> None:
        """Let this number stand there, or at least be what is fallen back on while something else is typed."""
        if self.typing:
            self._before = number
        else:
            self.setValue(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc gives up what was typed, and goes on to whom it concerns besides."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
            return
        before = self.value() if self._before is None else self._before
        self.asked = None
        self._on_editing_finished()
        self.lineEdit().setText(self.textFromValue(self.value()))
        self.setValue(before)
        self.givenUp.emit()
        event.ignore()

    def validate(self, text: str, at: int) -> tuple[QValidator.State, str, int]:
        """Everything may be typed; what is no number of the range is not taken as it stands."""
        number = number_in(text)
        fits = number is not None and self.minimum() <= number <= self.maximum()
        return QValidator.State.Acceptable if fits else QValidator.State.Intermediate, text, at

    def valueFromText(self, text: str) -> int:
        number = number_in(text)
        return self.value() if number is None else number

    def fixup(self, text: str) -> str:
        """Called where the text is entered and is not acceptable."""
        number = number_in(text)
        self.asked = text.strip() if number is None else number
        before = self.value() if self._before is None else self._before
        return str(before if number is None else min(max(number, self.minimum()), self.maximum()))


def number_in(text: str) -> int | None:
    """The whole number that a text means, however thousands are separated; None where it means none."""
    plain = text.translate(_SEPARATORS)
    digits = plain.lstrip("+-−")
    if len(plain) - len(digits) > 1 or not (digits.isascii() and digits.isdigit()):
        return None
    return -int(digits) if plain[0] in "-−" else int(digits)
