"""Which key text an event means, and how a key text is shown on the keyboard's layout.

The rule (docs/adr/0031): a key without Ctrl means its place. With Ctrl (or Meta), where the conventions are letters
(Ctrl+Z, Ctrl+C), a layout with Latin letters means its letter, and any other layout the place.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from iouviewer.ui.keyboard.letters import KeyLetters
from iouviewer.ui.keyboard.positions import PLACES, place_of

_CONTROL = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier
_IGNORED = Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.GroupSwitchModifier
_NATIVE = QKeySequence.SequenceFormat.NativeText
_PORTABLE = QKeySequence.SequenceFormat.PortableText


def logical_text(event: QKeyEvent) -> str:
    """Portable text of the key that the layout gives to an event."""
    modifiers = event.modifiers() & ~_IGNORED
    return QKeySequence(QKeyCombination(modifiers, Qt.Key(event.key()))).toString(_PORTABLE)


def key_text(event: QKeyEvent, is_bound: Callable[[str], bool], *, has_alt_gr: bool = False) -> str:
    """Portable key text that an event means.

    Args:
        is_bound: whether a command has a key text.
        has_alt_gr: AltGr is down; the event then means the character that it types.
    """
    logical, place = logical_text(event), place_of(event)
    if place is None or has_alt_gr:
        return logical
    modifiers = event.modifiers() & ~_IGNORED
    # Qt writes modifiers in front of any key in the same way; F1 stands in for the key here.
    prefix = QKeySequence(QKeyCombination(modifiers, Qt.Key.Key_F1)).toString(_PORTABLE).removesuffix("F1")
    by_place = prefix + place
    if modifiers & _CONTROL:
        is_latin_letter = Qt.Key.Key_A <= event.key() <= Qt.Key.Key_Z
        return logical if is_latin_letter or is_bound(logical) else by_place
    # A punctuation mark keeps its meaning on a key whose place has none, as “-” on German keyboards.
    is_letter = len(logical) == 1 and logical.isalnum()
    return logical if not is_letter and not is_bound(by_place) and is_bound(logical) else by_place


def shown_key(text: str, letters: KeyLetters) -> str:
    """A portable key text as the keyboard's layout and the system write it, for menus and tooltips."""
    if not text:
        return ""
    prefix, key = split_key(text)
    if key not in PLACES:
        return QKeySequence(text).toString(_NATIVE)
    if "Ctrl+" in prefix or "Meta+" in prefix:
        letter = key if key.isalnum() or letters.place_of_letter(key) else letters[key]
    else:
        letter = letters[key]
    return QKeySequence(prefix + "F1").toString(_NATIVE).removesuffix("F1") + letter


def split_key(text: str) -> tuple[str, str]:
    """The modifiers of a portable key text, each with its ``+``, and its key: ``Ctrl++`` -> ``("Ctrl+", "+")``."""
    head = text[:-1].rfind("+") + 1
    return text[:head], text[head:]
