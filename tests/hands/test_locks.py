"""A locked track stays as it is: mouse and keys refuse in one line, and what is unlocked goes on as usual."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from tests.hands.boxes_by_hand import boxes_on, centre, message, title
from tests.hands.cases import PERSON, car
from tests.hands.hands import Hands

ALT = Qt.KeyboardModifier.AltModifier
KEYS = ("Del", "Shift+Right", "1", "J", "I", "K", "Shift+Del", "Y", "Alt+]", "G", "Ctrl+B")


def select_locked(hands: Hands) -> None:
    """Lock the person's track and select it all the same."""
    hands.click_picture(centre(PERSON))
    hands.wait(lambda: title(hands) == "person 2", "the person")
    hands.menu("Track", "Lock or unlock track")
    hands.key("Esc")
    hands.click_picture(centre(PERSON), ALT)
    hands.wait(lambda: title(hands) == "person 2", "the locked person")


@pytest.mark.parametrize("key", KEYS)
def test_every_key_refuses_a_locked_track_in_one_line(person: Hands, tmp_path: Path, key: str) -> None:
    hands = person
    before = boxes_on(hands, tmp_path, 0)
    hands.key("D")
    hands.wait(lambda: hands.frame == 1, "the second frame")
    select_locked(hands)
    hands.key(key)
    hands.wait(lambda: message(hands).startswith("Track 2 is locked. Unlock it with"), f"why {key} does nothing")
    assert boxes_on(hands, tmp_path, 0) == before
    hands.menu("Track", "Lock or unlock track")
    if key == "Del":
        hands.key("Del")
        hands.wait(lambda: "2" not in boxes_on(hands, tmp_path, 1), "that the unlocked box can be deleted")


def test_the_mouse_moves_nothing_while_one_of_the_selected_boxes_is_locked(person: Hands, tmp_path: Path) -> None:
    hands = person
    before = boxes_on(hands, tmp_path, 0)
    select_locked(hands)
    x, y = centre(car(0))
    hands.click_picture((x, y), Qt.KeyboardModifier.ShiftModifier)
    hands.drag_picture((x, y), (x + 20, y + 20))
    hands.wait(lambda: message(hands).startswith("Track 2 is locked."), "why nothing moves")
    assert boxes_on(hands, tmp_path, 0) == before
    hands.key("Esc")
    hands.key("Ctrl+A")
    hands.wait(lambda: title(hands) == "car 1", "that only what is unlocked is selected")
    hands.key("Del")
    hands.wait(lambda: set(boxes_on(hands, tmp_path, 0)) == {"2"}, "the locked person alone")


def test_a_locked_ground_truth_takes_no_new_box(person: Hands) -> None:
    hands = person
    chip = hands.named("layer.groundTruth")
    hands.context_menu(chip.mapToGlobal(chip.rect().center()), "Lock")
    hands.key("W")
    hands.drag_picture((20, 150), (60, 200))
    hands.wait(lambda: message(hands).startswith("The ground truth is locked."), "why no box appears")
    assert len(hands.rows("boxesTable")) == 2
    hands.key("S")
    hands.wait(lambda: hands.reads("1 of "), "that frames can be verified all the same")
