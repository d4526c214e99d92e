"""The command palette and the field to go to a place, by keys."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QDialog, QLabel, QListWidget, QSlider

from tests.hands.cases import PERSON
from tests.hands.hands import Hands

INSIDE_PERSON = ((PERSON[0] + PERSON[2]) / 2, (PERSON[1] + PERSON[3]) / 2)


def titles(dialog: QDialog) -> list[str]:
    found = dialog.findChild(QListWidget, "paletteList")
    return [found.item(row).text() for row in range(found.count())]


def test_a_command_is_found_run_and_listed_as_recent(person: Hands) -> None:
    hands = person

    def steps(dialog: QDialog) -> None:
        hands.type("next fr")
        assert titles(dialog)[:2] == ["Commands", "Next frame"]
        hands.key("Return")

    before = hands.frame
    with hands.in_dialog(steps):
        hands.key("Ctrl+K")
    hands.wait(lambda: hands.frame == before + 1, "the next frame")

    def again(dialog: QDialog) -> None:
        assert titles(dialog)[:2] == ["Recent", "Next frame"]
        hands.key("Esc")

    with hands.in_dialog(again):
        hands.key("Ctrl+K")


def test_the_palette_knows_the_selection_and_says_why_a_command_is_missing(person: Hands) -> None:
    hands = person

    def without(dialog: QDialog) -> None:
        hands.type("duplicate")
        found = titles(dialog)
        assert found.index("Not available") < found.index("Duplicate")
        entry = dialog.findChild(QListWidget, "paletteList").item(found.index("Duplicate"))
        assert "needs a selected box" in str(entry.data(11))  # Qt.AccessibleTextRole
        hands.key("Esc")

    with hands.in_dialog(without):
        hands.key("Ctrl+K")
    hands.click_picture(INSIDE_PERSON)

    def with_box(dialog: QDialog) -> None:
        assert dialog.findChild(QLabel, "paletteSelection").text() == "person 2 selected"
        hands.type("delete")
        found = titles(dialog)
        assert found[:2] == ["For person 2", "Delete"]
        hands.key("Return")

    rows = len(hands.rows("boxesTable"))
    with hands.in_dialog(with_box):
        hands.key("Ctrl+K")
    hands.wait(lambda: hands.reads("Undo") or len(hands.rows("boxesTable")) < rows, "the deleted box")


def test_enter_alone_deletes_nothing(person: Hands) -> None:
    """Without a selection the list begins as the menus do, not with Delete."""

    def steps(dialog: QDialog) -> None:
        assert titles(dialog)[:2] == ["Commands", "Open video or images…"]
        person.key("Esc")

    with person.in_dialog(steps):
        person.key("Ctrl+K")


def test_frames_times_tracks_and_thresholds_are_understood(person: Hands) -> None:
    hands = person

    def enter(text: str, first: str) -> None:
        def steps(dialog: QDialog) -> None:
            hands.type(text)
            assert titles(dialog)[1] == first
            hands.key("Return")

        with hands.in_dialog(steps):
            hands.key("Ctrl+K")

    enter("17", "Go to frame 17")
    hands.wait(lambda: hands.frame == 17, "frame 17")
    enter("0:00.5", "Go to 00:00.5")
    hands.wait(lambda: hands.frame == 5, "frame 5")
    enter("#1", "Go to car 1")
    hands.wait(lambda: hands.reads("car 1"), "the selected car")
    enter("person 2", "person 2")
    hands.wait(lambda: hands.reads("person 2"), "the selected person")
    enter(">0.6", "Set confidence threshold to 0.60")
    slider = hands.window.findChild(QSlider, "confidenceSlider")
    hands.wait(lambda: slider.value() == 60, "the threshold")


def test_go_to_shows_the_picture_while_typing_and_escape_returns(person: Hands) -> None:
    hands = person
    hands.key("D", "D")
    before = hands.frame

    def steps(dialog: QDialog) -> None:
        hands.type("1")
        hands.type("9")
        hands.wait(lambda: hands.frame == 19, "the preview")
        assert "Frame 19" in dialog.findChild(QLabel, "goToHint").text()
        hands.key("Esc")

    with hands.in_dialog(steps):
        hands.key("Ctrl+G")
    hands.wait(lambda: hands.frame == before, "the frame before")

    def accept(_dialog: QDialog) -> None:
        hands.type("0:02.1")
        hands.key("Return")

    with hands.in_dialog(accept):
        hands.key("Ctrl+G")
    hands.wait(lambda: hands.frame == 21, "the time")
    assert QApplication.activeModalWidget() is None
