"""The letters of the keyboard's layout by place.

Qt has no interface for them. On X11 the server is asked; elsewhere the letters are learned from the keys that are
pressed, and remembered. A place whose letter is not known shows what a US keyboard has there, until a key says that
the layout differs.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent

from iouviewer.ui.keyboard.positions import PLACES, SET_1, X11_OFFSET, place_of
from iouviewer.ui.keyboard.x11 import layout_letters

_MODIFIERS = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
    | Qt.KeyboardModifier.GroupSwitchModifier
)
_DEAD = {
    Qt.Key.Key_Dead_Circumflex: "^",
    Qt.Key.Key_Dead_Acute: "´",
    Qt.Key.Key_Dead_Grave: "`",
    Qt.Key.Key_Dead_Diaeresis: "¨",
    Qt.Key.Key_Dead_Tilde: "~",
}


class KeyLetters(QObject):
    """Letters by place.

    Signals:
        changed(): texts that show keys are out of date.
    """

    changed = Signal()

    def __init__(self, remembered: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._letters = {place: letter for place, letter in (remembered or {}).items() if place in PLACES}
        self._ask_server()

    @property
    def letters(self) -> dict[str, str]:
        """The letters that are known, by place."""
        return dict(self._letters)

    def __getitem__(self, place: str) -> str:
        """What is printed at a place. Digits stay digits: where they need Shift, the key shows them too."""
        if place.isdigit():
            return place
        return self._letters.get(place, place)

    def place_of_letter(self, letter: str) -> str | None:
        """The place where the layout has this letter; None if it is not known to have it."""
        for place in PLACES:
            if self[place] == letter:
                return place
        return None

    def learn(self, event: QKeyEvent) -> None:
        """Compare a key press with what is known; after a change of the layout, start again."""
        place, letter = place_of(event), _letter_of(event)
        if place is None or place.isdigit() or not letter or self._letters.get(place) == letter:
            return
        if place in self._letters:
            # Another layout: the other letters may be wrong too.
            self._letters.clear()
            self._ask_server()
        self._letters[place] = letter
        self.changed.emit()

    def _ask_server(self) -> None:
        if QGuiApplication.platformName() == "xcb":
            codes = {code + X11_OFFSET: place for code, place in SET_1.items() if not place.isdigit()}
            self._letters |= {codes[code]: letter for code, letter in layout_letters(codes).items()}


def _letter_of(event: QKeyEvent) -> str:
    """What the key types without Shift, in capitals; empty if the event does not say."""
    if event.modifiers() & _MODIFIERS:
        return ""
    dead = _DEAD.get(Qt.Key(event.key()))
    has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
    if dead is not None:
        return "" if has_shift else dead
    text = event.text()
    if len(text) != 1 or not text.isprintable() or text == " ":
        return ""
    if not text.isalpha():
        return "" if has_shift else text
    capital = text.upper()
    return capital if len(capital) == 1 else text
