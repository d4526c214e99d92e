"""The class picker at the box: by typing, by digit, for several boxes, while drawing, with the scope of a track."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QDialog, QLabel, QListWidget

from tests.hands.boxes_by_hand import exported
from tests.hands.cases import car
from tests.hands.hands import Hands
from tests.hands.test_context_menus import submenu_of

CAR = (100.0, 120.0)
MAN = (260.0, 70.0)


def lines(dialog: QDialog) -> list[str]:
    """What the list offers."""
    view = dialog.findChild(QListWidget, "classPickerList")
    return [view.item(row).text() for row in range(view.count())]


def label(dialog: QDialog, name: str) -> str:
    found = dialog.findChild(QLabel, name)
    return found.text() if found.isVisible() else ""


def on_screen(hands: Hands, rect: tuple[float, float, float, float]) -> QRect:
    """A box of the picture on the screen."""
    return QRect(hands.on_canvas(rect[:2]), hands.on_canvas(rect[2:]))


def test_the_picker_opens_beside_the_box_and_a_digit_chooses_at_once(person: Hands) -> None:
    hands = person
    hands.click_picture(CAR)

    def look(dialog: QDialog) -> None:
        place = QRect(dialog.mapToGlobal(QPoint()), dialog.size())
        box = on_screen(hands, car(0))
        assert dialog.width() == 240 and not place.intersects(box), "the popup covers the box"
        assert 0 <= place.left() - box.right() < 40 or 0 <= box.left() - place.right() < 40
        assert label(dialog, "classPickerTitle") == "Class of car 1"
        assert lines(dialog) == ["car", "person"]
        hands.key("2")

    with hands.in_dialog(look):
        hands.key("C")
    assert hands.cell("boxesTable", 0, "Class") == "person"


def test_escape_and_a_click_beside_the_picker_change_nothing(person: Hands) -> None:
    hands = person
    hands.click_picture(CAR)

    def leave(dialog: QDialog) -> None:
        hands.type("person")
        hands.key("Esc")

    with hands.in_dialog(leave):
        hands.key("C")
    assert hands.cell("boxesTable", 0, "Class") == "car"
    with hands.in_dialog(lambda dialog: hands.click(dialog.mapToGlobal(QPoint(-30, 20)))):
        hands.key("C")
    assert hands.cell("boxesTable", 0, "Class") == "car"


def test_a_new_class_is_created_after_a_question_in_the_popup(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.click_picture(CAR)
    questions: list[str] = []

    def back_and_create(dialog: QDialog) -> None:
        hands.type("van")
        assert lines(dialog) == ["Create “van”"]
        hands.key("Return")
        questions.append(label(dialog, "classPickerQuestion"))
        hands.key("Esc")
        assert label(dialog, "classPickerQuestion") == "" and lines(dialog) == ["Create “van”"]
        hands.key("Return")
        hands.click(hands.button("Create class", dialog))

    with hands.in_dialog(back_and_create):
        hands.key("C")
    assert questions == ["Create the class “van”? Its key is 3."]
    assert hands.cell("boxesTable", 0, "Class") == "van"
    hands.click_picture(MAN)
    hands.key("3")
    assert [row["class"] for row in exported(hands, tmp_path)[:2]] == ["van", "van"]


def test_the_scope_is_chosen_in_the_picker(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.key("D")
    hands.wait(lambda: hands.frame == 1, "frame 1")
    hands.click_picture((102.0, 120.0))

    def this_frame(dialog: QDialog) -> None:
        hands.click(hands.button("This frame", dialog))
        hands.type("pe")
        hands.key("Return")

    with hands.in_dialog(this_frame):
        hands.key("C")
    classes = [row["class"] for row in exported(hands, tmp_path) if row["id"] == "1"]
    assert classes == ["car", "person"] + 22 * ["car"]


def test_several_boxes_get_the_class_in_one_step(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.click_picture(CAR)
    hands.click_picture(MAN, Qt.KeyboardModifier.ShiftModifier)

    def choose(dialog: QDialog) -> None:
        assert label(dialog, "classPickerTitle") == "Class of 2 boxes"
        hands.type("person")
        hands.key("Return")

    with hands.in_dialog(choose):
        hands.key("C")
    assert {row["class"] for row in exported(hands, tmp_path)} == {"person"}
    hands.key("Ctrl+Z")
    assert [row["class"] for row in exported(hands, tmp_path)[:2]] == ["car", "person"]


def test_the_picker_names_the_class_of_a_box_that_is_being_drawn(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.key("W")
    hands.click_picture((20, 170))
    hands.move_picture((60, 220))
    titles: list[str] = []

    def create(dialog: QDialog) -> None:
        titles.append(label(dialog, "classPickerTitle"))
        hands.type("van")
        hands.key("Return", "Return")

    with hands.in_dialog(create):
        hands.key("C")
    # Lists follow a box in progress thirty times a second.
    hands.wait(lambda: hands.column("boxesTable", "Class") == ["car", "person", "van"], "the box where it was")
    hands.click_picture((60, 220))
    assert hands.column("boxesTable", "Class") == ["car", "person", "van"]
    assert titles == ["Class of the box that you draw"]
    [row] = [row for row in exported(hands, tmp_path) if row["class"] == "van"]
    assert [float(row[name]) for name in ("x1", "y1", "x2", "y2")] == pytest.approx([20, 170, 60, 220], abs=0.5)


def test_the_context_menu_opens_the_same_picker(person: Hands) -> None:
    hands = person

    def choose(dialog: QDialog) -> None:
        assert dialog.objectName() == "classPicker" and label(dialog, "classPickerTitle") == "Class of person 2"
        hands.key("1")

    with hands.in_dialog(choose):
        submenu_of(hands, hands.on_canvas(MAN), "Change class", "Change class…")
    assert hands.cell("boxesTable", 1, "Class") == "car"
