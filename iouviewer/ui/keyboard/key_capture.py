"""A field that takes the next key as its value."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from iouviewer.i18n import tr
from iouviewer.ui.keyboard.key_text import key_text, shown_key
from iouviewer.ui.keyboard.letters import KeyLetters

_MODIFIERS = frozenset(
    {Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr, Qt.Key.Key_CapsLock}
)


class KeyCapture(QLineEdit):
    """Shows the key that was pressed last, as the layout writes it.

    Signals:
        captured(str): portable text of a key that was pressed.
    """

    captured = Signal(str)

    def __init__(self, letters: KeyLetters) -> None:
        super().__init__()
        self._letters = letters
        self.key = ""
        self.setReadOnly(True)
        self.setPlaceholderText(tr("Press a key"))
        self.setAccessibleName(tr("New key"))

    def set_key(self, text: str) -> None:
        """Show a key by its portable text."""
        self.key = text
        self.setText(shown_key(text, self._letters))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            # Tab and Esc stay with the dialog, which can be used by keyboard alone.
            if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape):
                return super().event(event)
            if Qt.Key(event.key()) not in _MODIFIERS:
                self.set_key(key_text(event, lambda _text: False))
                self.captured.emit(self.key)
            return True
        return super().event(event)
