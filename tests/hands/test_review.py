"""Problems by keys, Compare, the variants list, the confidence threshold and what is seen of the picture."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QSpinBox

from tests.hands.cases import EXTRA, EXTRA_FRAME, LOST_FRAMES, car
from tests.hands.hands import Hands

PICTURE = (150, 220)
"""A point of the picture without boxes."""


def message(hands: Hands) -> str:
    return str(hands.named("statusMessage").text())  # type: ignore[attr-defined]


def wait_for_problems(hands: Hands) -> None:
    if not hands.sees("problemsList"):
        hands.open_tab("Problems")
    hands.wait(lambda: hands.reads("1 problem"), "the problem that both variants see")


def test_problems_are_fixed_kept_and_marked_unclear_by_keys(person: Hands) -> None:
    hands = person
    wait_for_problems(hands)
    hands.key("X")
    assert message(hands) == "Press N for the next problem"
    hands.key("N")
    hands.wait(lambda: hands.reads(f"Frame {EXTRA_FRAME} / 23"), "the frame of the problem")
    assert hands.reads("Extra. No ground truth overlaps it.")
    hands.key("Return")
    hands.wait(lambda: hands.reads("1 problem decided"), "the decision")
    assert message(hands) == "All problems decided"
    assert len(hands.rows("boxesTable")) == 3
    assert hands.reads("Frame 0.94")
    hands.key("Ctrl+Z")
    wait_for_problems(hands)
    for key, text in (("X", f"Keep ground truth on frame {EXTRA_FRAME}"), ("U", "as unclear")):
        hands.key("N", key)
        hands.wait(lambda: hands.reads("1 problem decided"), f"the decision by {key}")
        assert len([row for row in hands.rows("boxesTable") if row[0].startswith("#")]) == 2
        assert any(text in shown for shown in hands.texts())
        hands.key("Ctrl+Z")
        wait_for_problems(hands)


def test_next_and_previous_go_through_the_problems_and_clicks_go_to_one(person: Hands) -> None:
    hands = person
    wait_for_problems(hands)
    spin = hands.named("iouThresholdSpinBox")
    hands.click(spin.mapToGlobal(spin.rect().center()))
    hands.key("Ctrl+A")
    hands.type("0.90")
    hands.key("Return")
    hands.wait(lambda: hands.reads("25 problems"), "the loose car on each frame")
    hands.click_row("problemsList", 0)
    first = [text for text in hands.texts() if text.startswith("Frame ") and "/" in text]
    hands.key("N")
    hands.wait(lambda: [t for t in hands.texts() if t.startswith("Frame ") and "/" in t] != first, "the next problem")
    hands.key("Shift+N")
    hands.wait(lambda: [t for t in hands.texts() if t.startswith("Frame ") and "/" in t] == first, "the previous one")


def test_compare_lists_the_lost_boxes_and_a_click_goes_to_one(person: Hands) -> None:
    hands = person
    hands.key("F3")
    hands.wait(lambda: len(hands.rows("lostList")) >= len(LOST_FRAMES), "the lost boxes")
    lost = [row for row in hands.rows("lostList") if row[1].startswith("person")]
    assert [row[0] for row in lost] == [str(frame) for frame in LOST_FRAMES]
    assert {tuple(row[2:]) for row in lost} == {("1.000", "–")}
    place = hands.rows("lostList").index(lost[1])
    hands.click_row("lostList", place)
    frame = hands.named("frameSpinBox")
    assert isinstance(frame, QSpinBox)
    hands.wait(lambda: frame.value() == LOST_FRAMES[1], "the frame of the lost box")
    card = hands.named("verdictCard.other")
    hands.wait(lambda: card.accessibleName() == "other: UNDECIDED", "the verdict")
    hands.click(hands.named("changes.gained"))
    hands.wait(lambda: hands.rows("gainedList") == [], "the list of gained boxes, empty")
    hands.key("Shift+F3")
    divider = hands.named("compareDivider")
    before = divider.mapToGlobal(divider.rect().center())
    hands.press(before)
    hands.move(before + QPoint(60, 0))
    hands.release()
    assert divider.mapToGlobal(divider.rect().center()).x() == pytest.approx(before.x() + 60, abs=2)
    hands.key("Left")
    assert divider.mapToGlobal(divider.rect().center()).x() < before.x() + 60
    hands.menu("View", "Comparison layout", "Overlay")
    hands.wait(lambda: not [w for w in hands.window.findChildren(type(hands.canvas), "otherCanvas") if w.isVisible()])
    hands.key("F2")
    hands.wait(lambda: hands.named("boxesTable").isVisible(), "the boxes of Correct")


def test_the_confidence_threshold_follows_keys_and_the_slider(person: Hands) -> None:
    hands = person
    for _ in range(8):
        hands.key("]")
    hands.wait(lambda: hands.reads("0.65"), "the threshold above the person's confidence")
    hands.wait(lambda: hands.reads(f"Frame {72 / 88 / 2:.2f}"), "the frame without the person's pair")
    hands.key("[")
    hands.wait(lambda: hands.reads("Frame 0.91"), "the frame with it")
    slider = hands.named("confidenceSlider")
    hands.click(hands.named("iouThresholdSpinBox"))
    hands.key("Shift+Tab")
    assert slider.hasFocus()
    for _ in range(7):
        hands.key("PgUp")
    hands.wait(lambda: hands.reads("0.95") and hands.reads("Frame 0.00"), "no prediction above the threshold")
    for _ in range(8):
        hands.key("PgDown", "Left")
    hands.wait(lambda: hands.reads("Frame 0.91"), "all predictions")


def test_the_picture_is_zoomed_by_keys_and_wheel(person: Hands) -> None:
    hands = person

    def zoom() -> int:
        return int(hands.named("statusZoom").text().split()[0])  # type: ignore[attr-defined]

    fitted = zoom()
    place = hands.on_canvas((160, 100))
    hands.wheel(place, 2)
    assert zoom() == pytest.approx(fitted * 1.25**2, abs=2)
    assert (hands.on_canvas((160, 100)) - place).manhattanLength() <= 2
    hands.wheel(place, -1)
    hands.key("Ctrl+0")
    assert zoom() == 100
    hands.key("Ctrl++")
    assert zoom() == 125
    hands.key("Ctrl+-", "Ctrl+-")
    assert zoom() == 80
    hands.key("Ctrl+F")
    assert zoom() == fitted
    hands.key("Z")
    assert message(hands) == "Pixels are shown as squares above 400 %"
    hands.key("Alt+9")
    assert message(hands) == "Key Alt+9 has no variant"


def test_boxes_are_hidden_while_h_is_held_and_predictions_in_blind_mode(person: Hands) -> None:
    hands = person
    edge = (EXTRA[0], 35)
    hands.key("End")
    x1, _, x2, _ = car(23)
    gt_edge = ((x1 + x2) / 2, 80.0)
    hands.wait(lambda: hands.reads("Frame 23 / 23"), "the last frame")
    pred_edge = ((x1 + x2) / 2, 168.0)
    hands.wait(lambda: hands.colour_at((x1 + 40, 120)).lightness() > 150, "the picture")
    drawn, predicted, plain = hands.colour_at(gt_edge), hands.colour_at(pred_edge), hands.colour_at(edge)
    assert drawn.saturation() > 60
    hands.hold("H")
    assert hands.colour_at(gt_edge).saturation() < 60
    hands.release_key("H")
    assert hands.colour_at(gt_edge) == drawn
    hands.key("B")
    assert hands.colour_at(pred_edge) != predicted
    hands.key("B")
    assert hands.colour_at(pred_edge) == predicted
    assert plain.saturation() < 60


def test_f6_moves_the_keyboard_from_panel_to_panel(person: Hands) -> None:
    hands = person
    hands.click_picture(PICTURE)
    hands.key("F6", "F6")
    assert hands.named("problemsList").hasFocus()
    hands.key("F6")
    assert hands.named("boxesTable").hasFocus()
    hands.key("F6", "F6")
    assert hands.canvas.hasFocus()
