"""Drawing boxes by hand: tracks that continue or begin, classes before and after, many boxes in a row."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt

from tests.hands.boxes_by_hand import boxes_on, centre, exported, go_to, near, title
from tests.hands.cases import PERSON, car
from tests.hands.hands import Hands

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def drawing(hands: Hands) -> bool:
    """Whether the mouse pointer is the cross of the draw tool."""
    return hands.canvas.viewport().cursor().shape() is Qt.CursorShape.CrossCursor


def test_a_drawn_box_is_a_new_track_with_the_last_class(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.key("W")
    hands.drag_picture((180, 180), (220, 220))
    assert set(boxes_on(hands, tmp_path, 0)) == {"1", "2", "3"}
    assert title(hands).endswith(" 3")
    hands.key("Ctrl+Z")
    assert set(boxes_on(hands, tmp_path, 0)) == {"1", "2"}


def test_digits_before_and_after_a_box_change_its_class_and_no_other(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.click_picture(centre(car(0)))
    hands.key("W", "2")
    hands.drag_picture((180, 180), (220, 220))

    def classes() -> dict[str, str]:
        return {row["id"]: row["class"] for row in exported(hands, tmp_path) if row["frameID"] == "0"}

    assert classes() == {"1": "car", "2": "person", "3": "person"}
    hands.key("1")
    assert classes() == {"1": "car", "2": "person", "3": "car"}
    hands.key("W")
    hands.drag_picture((20, 180), (60, 220))
    assert classes()["4"] == "car", "the last class"


def test_a_box_is_drawn_inside_another_one_and_by_two_clicks(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.key("W")
    hands.click_picture((80, 100))
    hands.move_picture((110, 130))
    hands.click_picture((110, 130))
    boxes = boxes_on(hands, tmp_path, 0)
    assert near(boxes["3"], (80, 100, 110, 130)) and boxes["1"] == car(0)


def test_the_draw_tool_stays_until_escape_once_its_key_is_pressed_twice(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.key("W", "W")
    hands.drag_picture((180, 180), (210, 210))
    hands.drag_picture((20, 180), (60, 220))
    hands.move(hands.on_canvas((100, 200)))
    assert drawing(hands)
    draw = hands.named("rail.draw")
    locked = draw.grab().toImage()
    assert draw.accessibleName() == "Draw box, stays on until Esc"
    hands.key("Esc")
    hands.move(hands.on_canvas((102, 200)))
    assert not drawing(hands)
    assert draw.accessibleName() == "Draw box" and draw.grab().toImage() != locked
    assert set(boxes_on(hands, tmp_path, 0)) == {"1", "2", "3", "4"}


def test_drawing_continues_a_track_that_ended_shortly_before_unless_shift_is_held(
    person: Hands, tmp_path: Path
) -> None:
    hands = person
    go_to(hands, 4)
    hands.wait(lambda: hands.colour_at((110, 120)).lightness() > 150, "the frame")
    hands.click_picture(centre(PERSON))
    hands.key("Alt+]")  # the person ends here
    go_to(hands, 7)
    hands.wait(lambda: hands.colour_at((110, 120)).lightness() > 150, "the frame")
    hands.key("W")
    hands.drag_picture((240, 40), (280, 100))
    assert title(hands) == "person 2"
    assert set(boxes_on(hands, tmp_path, 7)) == {"1", "2"}
    hands.key("W")
    hands.drag_picture((180, 180), (210, 210))
    assert set(boxes_on(hands, tmp_path, 7)) == {"1", "2", "3"}, "the track has a box here already"
    hands.key("Ctrl+Z", "Ctrl+Z", "W")
    hands.press_picture((240, 40), SHIFT)
    hands.move(hands.on_canvas((280, 100)), SHIFT)
    hands.release(SHIFT)
    assert set(boxes_on(hands, tmp_path, 7)) == {"1", "3"}, "Shift starts a new track"


def test_a_verified_frame_that_is_edited_is_no_longer_verified_until_the_edit_is_undone(
    person: Hands, tmp_path: Path
) -> None:
    hands = person

    def verified() -> bool:
        return any(text.startswith("1 of 24 frames verified") or "verified 1 of" in text for text in hands.texts())

    hands.key("S", "A")
    hands.wait(verified, "the verified frame")
    hands.click_picture(centre(PERSON))
    hands.key("Right")
    hands.wait(lambda: not verified(), "the frame to need another look")
    hands.key("Ctrl+Z")
    hands.wait(verified, "the verified frame again")


def test_boxes_are_drawn_inside_the_picture(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.key("W")
    start, outside = hands.on_canvas((290, 210)), hands.on_canvas((318, 238))
    hands.press(start)
    hands.move(outside + (outside - start))
    hands.release()
    boxes = boxes_on(hands, tmp_path, 0)
    assert boxes["3"][2:] == (320, 240)


def test_a_drag_with_ctrl_draws_a_box_at_once(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.drag_picture((180, 180), (220, 220), CTRL)
    assert near(boxes_on(hands, tmp_path, 0)["3"], (180, 180, 220, 220))
    assert title(hands).endswith(" 3") and not drawing(hands)
    hands.drag_picture((20, 180), (60, 225), CTRL)
    assert near(boxes_on(hands, tmp_path, 0)["4"], (20, 180, 60, 225))
    hands.key("Ctrl+Z", "Ctrl+Z")
    assert set(boxes_on(hands, tmp_path, 0)) == {"1", "2"}
    # Inside a box that is not selected, too; Esc drops it.
    hands.press_picture((90, 100), CTRL)
    hands.move_picture((120, 130), modifiers=CTRL)
    hands.key("Escape")
    hands.release()
    assert set(boxes_on(hands, tmp_path, 0)) == {"1", "2"}
    hands.drag_picture((90, 100), (120, 130), CTRL)
    boxes = boxes_on(hands, tmp_path, 0)
    assert near(boxes["3"], (90, 100, 120, 130)) and boxes["1"] == car(0)


def test_a_press_with_ctrl_that_just_missed_the_selected_box_draws_nothing(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.click_picture(centre(car(0)))
    before, (_x1, _y1, x2, y2) = boxes_on(hands, tmp_path, 0), car(0)
    hands.drag_picture((x2 + 8, y2 - 20), (x2 + 40, y2 + 20), CTRL)
    assert boxes_on(hands, tmp_path, 0) == before


def test_the_hidden_ground_truth_is_shown_again_once_a_box_is_drawn(person: Hands, tmp_path: Path) -> None:
    hands = person
    chip = hands.named("layer.groundTruth")
    edge = (PERSON[0], (PERSON[1] + PERSON[3]) / 2)
    visible = hands.colour_at(edge)
    hands.context_menu(chip.mapToGlobal(chip.rect().center()), "Hide ground truth")
    hands.wait(lambda: hands.colour_at(edge) != visible, "the boxes hidden")
    hands.key("W")
    hands.drag_picture((180, 180), (220, 220))
    hands.wait(lambda: hands.colour_at(edge) == visible, "all boxes")
    assert set(boxes_on(hands, tmp_path, 0)) == {"1", "2", "3"}
