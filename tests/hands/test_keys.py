"""Keys by place, the key sheet and the editor, by real key events that carry scan codes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QDialog, QLabel, QLineEdit, QSlider

from tests.hands.hands import Hands
from tests.ui.keyboard.scan_codes import scan_code

NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def press(hands: Hands, place: str, typed: str, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Press and release the key at a place, where the layout types a character, as the window system reports it."""
    window = QGuiApplication.focusWindow() or hands.window.windowHandle()
    code, key = scan_code(place), ord(typed.upper())
    override = QKeyEvent(QEvent.Type.ShortcutOverride, key, modifiers, code, 0, 0, typed)
    override.ignore()
    QApplication.sendEvent(window, override)
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        QApplication.sendEvent(window, QKeyEvent(kind, key, modifiers, code, 0, 0, typed))
    QApplication.processEvents()


def frame(hands: Hands) -> int:
    return hands.frame


def tooltip(hands: Hands, id: str) -> str:
    return next(action.toolTip() for action in hands.window.actions() if action.objectName() == f"action.{id}")


def test_a_cyrillic_key_steps_and_menus_show_its_letter(person: Hands) -> None:
    hands = person
    press(hands, "D", "в")
    hands.wait(lambda: frame(hands) == 1, "the next frame")
    assert tooltip(hands, "nextFrame") == "Next frame (В)"
    press(hands, "A", "ф")
    hands.wait(lambda: frame(hands) == 0, "the frame before")


def test_letters_are_text_in_a_field_and_ctrl_letters_work_there_on_every_layout(person: Hands) -> None:
    hands = person
    hands.key("Ctrl+F")
    field = QApplication.focusWidget()
    assert isinstance(field, QLineEdit)
    press(hands, "D", "в")
    press(hands, "D", "в")
    assert field.text() == "вв" and frame(hands) == 0
    press(hands, "A", "ф", CTRL)
    assert field.selectedText() == "вв"
    hands.key("Esc")


def test_home_and_end_go_to_frames_while_a_slider_has_the_focus(person: Hands) -> None:
    hands = person
    slider = hands.window.findChild(QSlider, "confidenceSlider")
    slider.setFocus()
    before = slider.value()
    hands.key("End")
    hands.wait(lambda: frame(hands) == 23, "the last frame")
    hands.key("Home")
    hands.wait(lambda: frame(hands) == 0, "the first frame")
    assert slider.value() == before


def test_a_key_of_an_unavailable_command_says_why(person: Hands) -> None:
    hands = person
    hands.key("G")
    assert hands.reads("Snap edge to prediction: needs one selected box")


def test_the_key_sheet_shows_modifiers_and_flips_for_the_left_hand(person: Hands) -> None:
    hands = person

    def steps(dialog: QDialog) -> None:
        status = dialog.findChild(QLabel, "keySheetStatus")
        hands.key("W")
        assert status.text() == "W: Draw box"
        hands.hold("Shift+Shift")
        hands.key("Shift+D")
        assert status.text() == "D: Forward 10 frames"
        hands.release_key("Shift+Shift")
        hands.click(dialog.findChild(QCheckBox, "keySheetMirror"))
        hands.key("Esc")

    with hands.in_dialog(steps):
        hands.key("Ctrl+/")
    assert "(J)" in tooltip(hands, "takeFix")
    hands.key("K")
    hands.wait(lambda: frame(hands) == 1, "the next frame by the mirrored key")


def test_the_editor_refuses_a_key_of_another_command_and_takes_a_free_one(person: Hands) -> None:
    hands = person

    def palette(_dialog: QDialog) -> None:
        hands.type("next frame")
        hands.key("Ctrl+Return")

    def editor(dialog: QDialog) -> None:
        warning = dialog.findChild(QLabel, "keyConflicts")
        hands.click(dialog.findChild(QLineEdit, "keyCapture"))
        hands.key("W")
        assert warning.text().startswith("W belongs to “Draw box”")
        hands.click(hands.button("Set", dialog))
        assert warning.isVisible()
        hands.click(dialog.findChild(QLineEdit, "keyCapture"))
        hands.key("F9")
        hands.click(hands.button("Set", dialog))
        hands.click(hands.button("Apply keys", dialog))

    with hands.in_dialog(palette, editor):
        hands.key("Ctrl+K")
    hands.key("F9")
    hands.wait(lambda: frame(hands) == 1, "the next frame by the new key")
