"""Small promises: undo elsewhere, Ctrl for the selected box alone, the tick of a snapped edge, messages that go."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt

from tests.hands.boxes_by_hand import boxes_on, centre, go_to, title
from tests.hands.cases import car
from tests.hands.hands import Hands, Point
from tests.hands.test_review import message

CTRL = Qt.KeyboardModifier.ControlModifier
YELLOW = (255, 216, 77)


def is_yellow(hands: Hands, point: Point) -> bool:
    """Whether the tick of a snapped edge is at a point of the picture, up to two pixels."""
    colours = [hands.colour_at((point[0], point[1] + step / 2)) for step in range(-4, 5)]
    return any(
        all(abs(value - wanted) < 30 for value, wanted in zip((c.red(), c.green(), c.blue()), YELLOW, strict=True))
        for c in colours
    )


def test_undo_of_a_step_on_another_frame_goes_there_first(person: Hands, tmp_path: Path) -> None:
    hands = person
    _x1, y1, x2, y2 = car(0)
    hands.drag_picture((x2, (y1 + y2) / 2), (x2 + 20, (y1 + y2) / 2))
    moved = boxes_on(hands, tmp_path, 0)["1"]
    assert moved != car(0)
    go_to(hands, 9)
    hands.key("Ctrl+Z")
    hands.wait(lambda: hands.frame == 0, "the frame of the step")
    hands.wait(lambda: "Resize car 1" in message(hands), "which step it is")
    assert boxes_on(hands, tmp_path, 0)["1"] == moved, "nothing is undone unseen"
    hands.key("Ctrl+Z")
    hands.wait(lambda: boxes_on(hands, tmp_path, 0)["1"] == car(0), "the box before")


def test_with_control_only_the_selected_box_is_hit(person: Hands, tmp_path: Path) -> None:
    hands = person
    # A second box over the middle of the car, which a press there would take without Ctrl.
    x, y = centre(car(0))
    hands.key("W")
    hands.drag_picture((x - 12, y - 12), (x + 12, y + 12))
    small = boxes_on(hands, tmp_path, 0)["3"]
    hands.click_picture((car(0)[0] + 8, car(0)[1] + 8))
    assert title(hands).endswith(" 1")
    hands.drag_picture((x, y), (x + 20, y + 10), CTRL)
    boxes = boxes_on(hands, tmp_path, 0)
    assert boxes["3"] == small and abs(boxes["1"][0] - car(0)[0] - 20) < 1


def test_a_snapped_edge_has_a_yellow_tick_while_control_is_held(person: Hands) -> None:
    hands = person
    x1, _y1, x2, y2 = car(0)
    hands.click_picture(centre(car(0)))
    place = (x1 + 0.3 * (x2 - x1), y2)
    hands.press(hands.on_canvas(place))
    hands.move(hands.on_canvas((place[0], y2 + 5)))
    assert not any(is_yellow(hands, (x, y2 + 8)) for x in (x1 + 10, (x1 + x2) / 2, x2 - 10))
    hands.move(hands.on_canvas((place[0], y2 + 5.5)), CTRL)
    hands.wait(lambda: any(is_yellow(hands, (x, y2 + 8)) for x in (x1 + 10, (x1 + x2) / 2, x2 - 10)), "the tick")
    hands.release(CTRL)
    hands.wait(lambda: not is_yellow(hands, ((x1 + x2) / 2, y2 + 8)), "no tick after the release")


def test_a_message_goes_and_the_keys_come_back(person: Hands) -> None:
    hands = person
    hands.key("V")
    hands.wait(lambda: hands.sees("statusMessage") and message(hands), "the message")
    hands.wait(lambda: not hands.sees("statusMessage") or not message(hands), "the keys again")
