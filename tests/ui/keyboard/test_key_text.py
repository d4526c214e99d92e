"""Which key text an event means on layouts of the world, and how it is shown."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from pytestqt.qtbot import QtBot

from iouviewer.ui.key_presets import keys_of
from iouviewer.ui.keyboard.key_text import key_text, shown_key, split_key
from iouviewer.ui.keyboard.letters import KeyLetters
from iouviewer.ui.keyboard.positions import MIRROR, PLACES, place_of_code
from iouviewer.ui.keyboard.x11 import letter_of_keysym
from tests.ui.keyboard.scan_codes import place_with, scan_code

NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
BOUND = {QKeySequence(key).toString() for keys in keys_of("iouviewer").values() for key in keys}


def press(place: str, typed: str, modifiers: Qt.KeyboardModifier = NONE, key: int | None = None) -> QKeyEvent:
    """A key press at a place where the layout types a character."""
    code = key if key is not None else ord(typed.upper())
    return QKeyEvent(QEvent.Type.KeyPress, code, modifiers, scan_code(place), 0, 0, typed)


def meaning(event: QKeyEvent) -> str:
    return key_text(event, lambda text: text in BOUND)


@pytest.mark.parametrize(
    ("place", "typed"),
    [("D", "d"), ("D", "в"), ("D", "δ"), ("D", "e"), ("A", "q"), ("1", "&"), ("2", "é"), ("[", "ü"), ("]", "+")],
)
def test_a_key_alone_means_its_place(qapp: object, place: str, typed: str) -> None:
    assert meaning(press(place, typed)) == place
    assert meaning(press(place, typed.upper(), SHIFT)) == f"Shift+{place}"


@pytest.mark.parametrize(
    ("place", "typed", "text"),
    [
        ("Y", "z", "Ctrl+Z"),  # German: Z is where a US keyboard has Y
        ("Z", "y", "Ctrl+Y"),
        ("W", "z", "Ctrl+Z"),  # French
        ("/", "z", "Ctrl+Z"),  # Dvorak
        ("Z", "я", "Ctrl+Z"),  # Russian has no Latin letters
        ("C", "ψ", "Ctrl+C"),  # Greek
        ("[", "ü", "Ctrl+["),  # German has no bracket without AltGr
        ("1", "&", "Ctrl+1"),
        ("M", ",", "Ctrl+,"),  # French: the comma key keeps its conventional meaning
        (";", "m", "Ctrl+M"),
    ],
)
def test_ctrl_means_the_latin_letter_or_else_the_place(qapp: object, place: str, typed: str, text: str) -> None:
    assert meaning(press(place, typed, CTRL)) == text


def test_an_event_without_a_place_means_its_logical_key(qapp: object) -> None:
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_D, NONE, "d")
    assert meaning(event) == "D"
    keypad = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_5, Qt.KeyboardModifier.KeypadModifier, 84, 0, 0, "5")
    assert meaning(keypad) == "5"


def test_alt_gr_means_the_character_that_it_types(qapp: object) -> None:
    event = press("8", "[")
    assert key_text(event, lambda text: text in BOUND, has_alt_gr=True) == "["
    assert key_text(event, lambda text: text in BOUND) == "8"


def test_a_mark_keeps_its_meaning_where_its_place_has_none(qapp: object) -> None:
    assert key_text(press("/", "-"), lambda text: text == "-") == "-"
    assert key_text(press("/", "-"), lambda text: text in ("-", "/")) == "/"
    assert key_text(press(";", "s"), lambda text: text == "S") == ";"


def test_a_key_is_shown_as_the_letter_of_the_layout(qapp: object) -> None:
    german = KeyLetters({"Z": "Y", "Y": "Z", "[": "Ü", "D": "D"})
    assert [shown_key(text, german) for text in ("Z", "Shift+Z", "[", "Ctrl+[", "Ctrl+Z")] == [
        "Y",
        "Shift+Y",
        "Ü",
        "Ctrl+Ü",
        "Ctrl+Z",
    ]
    french = KeyLetters({"A": "Q", "1": "&", "M": ",", ",": ";"})
    assert [shown_key(text, french) for text in ("A", "1", "M", "Ctrl+,", "Ctrl++", "Del")] == [
        "Q",
        "1",
        ",",
        "Ctrl+,",
        "Ctrl++",
        "Del",
    ]
    assert shown_key("", french) == ""


def test_letters_are_learned_and_forgotten_when_the_layout_changes(qtbot: QtBot) -> None:
    letters = KeyLetters()
    with qtbot.waitSignal(letters.changed):
        letters.learn(press("Z", "y"))
    letters.learn(press("Y", "z"))
    letters.learn(press("1", "&"))
    letters.learn(press("A", "a", CTRL))
    letters.learn(press("[", "", key=Qt.Key.Key_Dead_Circumflex))
    assert letters.letters == {"Z": "Y", "Y": "Z", "[": "^"} and letters["1"] == "1"
    letters.learn(press("Z", "Я", SHIFT))
    assert letters.letters == {"Z": "Я"} and letters["Y"] == "Y"


@pytest.mark.parametrize(
    ("platform", "codes"),
    [
        ("xcb", {"A": 38, "1": 10, "`": 49, "\\": 51, "/": 61}),
        ("windows", {"A": 30, "1": 2, "`": 41, "\\": 43, "/": 53}),
        ("cocoa", {"A": 0, "1": 18, "`": 50, "\\": 42, "/": 44}),
    ],
)
def test_each_platform_has_every_place_once(platform: str, codes: dict[str, int]) -> None:
    found = {code: place for code in range(128) if (place := place_with(code, platform)) is not None}
    assert sorted(found.values()) == sorted(PLACES)
    assert {place: code for code, place in found.items() if place in codes} == codes
    assert place_of_code(0, 0, platform) is None


def test_key_symbols_of_x11_become_letters() -> None:
    symbols = {0x61: "A", 0xFC: "Ü", 0x6D7: "В", 0x7E4: "Δ", 0x7F2: "Σ", 0x1000451: "Ё", 0xFE52: "^", 0xFF0D: ""}
    assert {symbol: letter_of_keysym(symbol) for symbol in symbols} == symbols


def test_the_mirror_exchanges_places_and_is_its_own_inverse() -> None:
    assert MIRROR["F"] == "J" and MIRROR["X"] == "." and MIRROR["V"] == "M" and MIRROR["1"] == "0"
    assert all(MIRROR[MIRROR[place]] == place for place in MIRROR)
    assert set(MIRROR) < PLACES


def test_a_key_text_splits_into_modifiers_and_key() -> None:
    assert split_key("Ctrl+Shift+Z") == ("Ctrl+Shift+", "Z")
    assert split_key("Ctrl++") == ("Ctrl+", "+") and split_key("+") == ("", "+")
