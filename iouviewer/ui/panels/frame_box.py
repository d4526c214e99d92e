"""A field for an integer that accepts any text and reports input that is out of range."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QValidator
from PySide6.QtWidgets import QSpinBox, QWidget

_SEPARATORS = str.maketrans("", "", ", '’_\u00a0\u202f")
"""Characters used as thousands separators."""

_MAX_TEXT_LENGTH = 32
_UNKNOWN = "?"


class FrameBox(QSpinBox):
    """A spin box in which a number outside its range can be typed.

    Qt's own spin box drops the digit that leads out of range: it turns 800 into 80 and goes there silently.

    Signals:
        editCancelled(): Esc was pressed; the typed text is gone.

    Attributes:
        rejected_entry: the last entry, if it was a number outside the range or not a number; None if it was valid. For
            a rejected entry the box shows the nearest number of the range, or the previous number.
        is_typing: the field has text that was not entered yet.
    """

    editCancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rejected_entry: int | str | None = None
        self.is_typing = False
        self._fallback: int | None = None
        self.lineEdit().setMaxLength(_MAX_TEXT_LENGTH)
        self.lineEdit().textEdited.connect(self._on_text_edited)
        self.editingFinished.connect(self._on_editing_finished)

    def _on_text_edited(self) -> None:
        self.rejected_entry = None
        self.is_typing = True

    def _on_editing_finished(self) -> None:
        self.is_typing = False
        self._fallback = None

    def show_frame(self, number: int) -> None:
        """Show this number; while the user types, only store it as the value to restore on Esc."""
        if self.is_typing:
            self._fallback = number
        else:
            self.setValue(number)
            if self.lineEdit().text() == _UNKNOWN:
                self.lineEdit().setText(self.textFromValue(number))

    def show_unknown(self) -> None:
        """Show that the number of the frame is not known yet."""
        if not self.is_typing:
            self.lineEdit().setText(_UNKNOWN)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc discards the typed text; the event is passed on to the parent."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
            return
        number = self.value() if self._fallback is None else self._fallback
        self.rejected_entry = None
        self._on_editing_finished()
        self.lineEdit().setText(self.textFromValue(self.value()))
        self.setValue(number)
        self.editCancelled.emit()
        event.ignore()

    def validate(self, text: str, at: int) -> tuple[QValidator.State, str, int]:
        """Any text may be typed; only a number within the range is acceptable."""
        number = parse_frame_number(text)
        is_valid = number is not None and self.minimum() <= number <= self.maximum()
        return QValidator.State.Acceptable if is_valid else QValidator.State.Intermediate, text, at

    def valueFromText(self, text: str) -> int:
        number = parse_frame_number(text)
        return self.value() if number is None else number

    def fixup(self, text: str) -> str:
        """Correct an unacceptable entry; called by Qt."""
        number = parse_frame_number(text)
        self.rejected_entry = text.strip() if number is None else number
        previous = self.value() if self._fallback is None else self._fallback
        return str(previous if number is None else min(max(number, self.minimum()), self.maximum()))


def parse_frame_number(text: str) -> int | None:
    """The integer in a text, with any thousands separators; None if the text is not an integer."""
    plain = text.translate(_SEPARATORS)
    digits = plain.lstrip("+-−")
    if len(plain) - len(digits) > 1 or not (digits.isascii() and digits.isdigit()):
        return None
    return -int(digits) if plain[0] in "-−" else int(digits)
