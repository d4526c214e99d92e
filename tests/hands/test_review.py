"""Problems by keys, Compare, the variants list, the confidence threshold and what is seen of the picture."""

from __future__ import annotations

import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtWidgets import QSpinBox

from tests.hands.cases import EXTRA, EXTRA_FRAME, LOST_FRAMES, car
from tests.hands.hands import Hands

MIDDLE_OF_CAR = (100, 120)
PICTURE = (150, 220)
"""A point of the picture without boxes."""


def message(hands: Hands) -> str:
    return str(hands.named("statusMessage").text())  # type: ignore[attr-defined]


def shown_frame(hands: Hands) -> int:
    return int(hands.named("frameSpinBox").value())  # type: ignore[attr-defined]


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
    hands.wait(lambda: shown_frame(hands) == EXTRA_FRAME, "the frame of the problem")
    assert hands.reads("Missing box?") and hands.reads(
        "2 of 2 variants see car here, mean confidence 0.70. It has no box."
    )
    assert hands.reads("Next"), "the list below the card is what comes next"
    hands.key("Return")
    hands.wait(lambda: hands.reads("1 problem decided"), "the decision")
    hands.wait(lambda: message(hands) == "All problems decided", "the end")
    hands.open_tab("Boxes")
    assert [track for track in hands.column("boxesTable", "Track") if track.isdecimal()] != []
    assert len(hands.rows("boxesTable")) == 3
    hands.key("Ctrl+Z")
    wait_for_problems(hands)
    for key, text in (("X", "Nothing there: car"), ("U", "Unclear: car"), ("V", "Unclear: car")):
        hands.key("N", key)
        hands.wait(lambda: hands.reads("1 problem decided"), f"the decision by {key}")
        assert hands.reads(f"{text}, frame {EXTRA_FRAME}")
        hands.open_tab("Boxes")
        assert [track for track in hands.column("boxesTable", "Track") if track.isdecimal()] == ["1", "2"]
        hands.open_tab("Problems")
        hands.key("Ctrl+Z")
        wait_for_problems(hands)


def test_a_problem_that_was_made_and_taken_back_is_not_decided(person: Hands) -> None:
    hands = person
    wait_for_problems(hands)
    hands.click_picture(MIDDLE_OF_CAR)
    hands.key("J", "O", "O")
    hands.wait(lambda: hands.reads("1 problem"), "the problem, not decided")
    hands.key("Ctrl+D", "Ctrl+Z")
    hands.wait(lambda: hands.reads("1 problem"), "the problem, not decided")
    assert not any("decided" in text for text in hands.texts())


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


def test_a_point_on_the_curve_sets_the_confidence_and_the_best_f1_is_told(person: Hands) -> None:
    hands = person
    hands.key("F3")
    hands.open_tab("Curves")
    hands.wait(lambda: hands.reads("base: F1 0.990 at confidence 0.25, best 0.990 at 0.60"), "both points")
    plot = hands.named("precisionRecallPlot")
    assert isinstance(plot, pg.PlotWidget)

    def place(recall: float, precision: float) -> QPoint:
        point = plot.getViewBox().mapViewToScene(QPointF(recall, precision))
        return plot.viewport().mapToGlobal(plot.mapFromScene(point))

    # Curves are lines, not areas: below them lies the background.
    below, right = (
        plot.viewport().grab().toImage().pixelColor(plot.viewport().mapFromGlobal(place(*point)))
        for point in ((0.33, 0.31), (0.73, 0.13))
    )
    assert below == right
    hands.press(place(1.0, 48 / 49))
    for share in (0.75, 0.5, 0.25, 0.0):
        hands.move(place(0.5 + 0.5 * share, 1.0))
    hands.release()
    hands.wait(lambda: hands.reads("base: F1 0.667 at confidence 0.90"), "the point of the first prediction")
    hands.key("F2")
    hands.wait(lambda: hands.reads("Frame 0.409"), "no person above the threshold in Correct")


def test_the_confidence_threshold_follows_keys_and_the_slider(person: Hands) -> None:
    hands = person
    for _ in range(8):
        hands.key("]")
    hands.wait(lambda: hands.reads("0.65"), "the threshold above the person's confidence")
    hands.wait(lambda: hands.reads(f"{72 / 88 / 2:.3f}"), "the frame without the person's pair")
    hands.key("[")
    hands.wait(lambda: hands.reads("0.909"), "the frame with it")
    if not hands.sees("confidenceSlider"):
        hands.click(hands.named("thresholdsButton"))
        hands.wait(lambda: hands.sees("confidenceSlider"), "the slider")
    slider = hands.named("confidenceSlider")
    hands.click(hands.named("iouThresholdSpinBox"))
    hands.key("Shift+Tab")
    assert slider.hasFocus()
    for _ in range(7):
        hands.key("PgUp")
    hands.wait(lambda: hands.reads("0.95") and hands.reads("0.000"), "no prediction above the threshold")
    for _ in range(8):
        hands.key("PgDown", "Left")
    hands.wait(lambda: hands.reads("0.909"), "all predictions")


def test_the_picture_is_zoomed_by_keys_and_wheel(person: Hands) -> None:
    hands = person

    def zoom() -> int:
        return int(hands.named("statusZoom").text().split()[-2])  # type: ignore[attr-defined]

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
    hands.key("Ctrl+9")
    assert zoom() == fitted
    hands.key("Shift+Z")
    assert message(hands) == "Pixels are shown as squares above 400 %"
    hands.key("Alt+9")
    assert message(hands) == "Key Alt+9 has no variant"


def test_boxes_are_hidden_while_h_is_held_and_predictions_in_blind_mode(person: Hands) -> None:
    hands = person
    edge = (EXTRA[0], 35)
    hands.key("End")
    x1, _, x2, _ = car(23)
    gt_edge = ((x1 + x2) / 2, 80.0)
    hands.wait(lambda: shown_frame(hands) == 23, "the last frame")
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


def test_the_next_problem_shows_its_question_whatever_list_was_open(person: Hands) -> None:
    hands = person
    wait_for_problems(hands)
    hands.open_tab("Boxes")
    assert not hands.sees("reviewCard")
    hands.key("N")
    hands.wait(lambda: hands.sees("reviewCard"), "the question about the problem")
    assert hands.reads("Missing box?") and hands.canvas.hasFocus()
