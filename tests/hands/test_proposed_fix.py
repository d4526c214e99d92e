"""The proposed fix of a problem: seen on the picture, adjusted by keys and mouse, applied as it is seen."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from tests.hands.cases import EXTRA, EXTRA_FRAME, Case, car
from tests.hands.hands import Hands
from tests.hands.test_review import make_the_car_loose, shown_frame, wait_for_problems
from tests.ui.window import opened_window

_NEAR = [(step, 0) for step in range(-3, 4)] + [(0, step) for step in range(-3, 4)]


def boxes_on_frame(hands: Hands) -> list[str]:
    """The tracks of the boxes of the frame."""
    hands.open_tab("Boxes")
    return [track for track in hands.column("boxesTable", "Track") if track.isdecimal()]


def field(hands: Hands, name: str) -> float:
    return float(hands.named(f"inspector.{name}").text())  # type: ignore[attr-defined]


def zoom(hands: Hands) -> int:
    return int(hands.named("statusZoom").text().split()[-2])  # type: ignore[attr-defined]


def is_yellow(hands: Hands, point: tuple[float, float]) -> bool:
    """Whether a yellow line passes within half a pixel of the picture."""
    near = [hands.colour_at((point[0] + x / 6, point[1] + y / 6)) for x, y in _NEAR]
    return any(colour.red() > 180 and colour.green() > 140 and colour.blue() < 130 for colour in near)


def go_to_missing(hands: Hands) -> None:
    wait_for_problems(hands)
    hands.key("N")
    hands.wait(lambda: shown_frame(hands) == EXTRA_FRAME and hands.reads("Add box  F"), "the missing box")
    hands.wait(lambda: is_near(hands), "an object of 35 % of the height")
    hands.wait(lambda: is_yellow(hands, (EXTRA[0], 30.0)), "the yellow edge of the proposed box")


def is_near(hands: Hands) -> bool:
    top, bottom = hands.on_canvas((40.0, EXTRA[1])), hands.on_canvas((40.0, EXTRA[3]))
    return abs((bottom.y() - top.y()) / hands.canvas.viewport().height() - 0.35) < 0.004


def test_the_object_of_a_problem_fills_a_third_of_the_height_and_escape_returns(person: Hands) -> None:
    hands = person
    before = zoom(hands)
    go_to_missing(hands)
    assert zoom(hands) > before
    hands.key("Escape")
    hands.wait(lambda: zoom(hands) == before, "the zoom before the review")
    assert not hands.sees("reviewCard") and not is_yellow(hands, (EXTRA[0], 30.0))
    hands.key("N")
    hands.wait(lambda: hands.sees("reviewCard"), "the same problem again")


def test_arrow_keys_move_the_proposed_box_and_f_adds_it_where_it_is_seen(person: Hands) -> None:
    hands = person
    before = zoom(hands)
    go_to_missing(hands)
    hands.key("Right", "Right", "Down")
    hands.wait(lambda: is_yellow(hands, (EXTRA[0] + 2, 30.0)), "the moved edge")
    hands.key("F")
    hands.wait(lambda: hands.reads("1 problem decided") and zoom(hands) == before, "the decision, and the view before")
    assert len(boxes_on_frame(hands)) == 3
    hands.click_picture((EXTRA[0] + 15, EXTRA[1] + 15))
    hands.wait(lambda: hands.sees("inspector.x"), "the new box")
    assert (field(hands, "x"), field(hands, "y")) == (EXTRA[0] + 2, EXTRA[1] + 1)
    assert field(hands, "w") == EXTRA[2] - EXTRA[0]


def test_the_mouse_moves_and_resizes_the_proposed_box(person: Hands) -> None:
    hands = person
    before = zoom(hands)
    go_to_missing(hands)
    hands.drag_picture((40.0, 35.0), (44.0, 37.0))
    hands.wait(lambda: is_yellow(hands, (EXTRA[0] + 4, 40.0)), "the moved edge")
    hands.drag_picture((EXTRA[2] + 4, 40.0), (EXTRA[2] + 10, 40.0))
    hands.key("Return")
    hands.wait(lambda: hands.reads("1 problem decided") and zoom(hands) == before, "the decision, and the view before")
    boxes_on_frame(hands)
    hands.click_picture((60.0, 40.0))
    assert field(hands, "x") == pytest.approx(EXTRA[0] + 4, abs=0.6)
    assert field(hands, "w") == pytest.approx(EXTRA[2] - EXTRA[0] + 6, abs=1.2)


def test_a_loose_box_shows_its_iou_before_and_after_and_is_adjusted(person: Hands) -> None:
    hands = person
    wait_for_problems(hands)
    make_the_car_loose(hands)
    hands.choose(combo(hands, "problemKind"), "Loose box  24")
    hands.wait(lambda: hands.reads("24 problems"), "the loose boxes")
    hands.click(hands.button("Start review  N"))
    hands.wait(lambda: hands.reads("Adjust box  F"), "the first one")
    x1, _, x2, y2 = car(shown_frame(hands))
    hands.wait(lambda: is_yellow(hands, ((x1 + x2) / 2, y2 + 8)), "the bottom edge 8 px lower")
    frame = shown_frame(hands)
    hands.key("F")
    hands.wait(lambda: hands.reads("1 of 24 decided") and shown_frame(hands) == frame + 1, "the next one")
    hands.wait(lambda: hands.reads(f"Adjust car 1 · frame {frame}"), "the last decision at the foot")
    hands.click(hands.named("reviewUndo"))
    hands.wait(lambda: shown_frame(hands) == frame and hands.reads("24 problems"), "the problem again")
    assert hands.sees("reviewCard") and not hands.sees("reviewFoot")


def test_a_box_that_no_variant_finds_is_deleted_by_f_and_kept_by_x(person: Hands) -> None:
    hands = person
    wait_for_problems(hands)
    hands.key("W")
    hands.drag_picture((150.0, 10.0), (190.0, 50.0))
    hands.key("Escape")
    hands.open_tab("Problems")
    hands.wait(lambda: hands.reads("2 problems"), "the box that no variant finds")
    hands.choose(combo(hands, "problemKind"), "Extra box?  1")
    hands.key("N")
    hands.wait(lambda: hands.reads("None of 2 variants finds car 3."), "the question")
    assert hands.button("Delete box  F").isVisible() and hands.button("It is there  X").isVisible()
    hands.key("X")
    hands.wait(lambda: hands.reads("1 problem decided"), "the decision")
    assert boxes_on_frame(hands) == ["1", "2", "3"]
    hands.open_tab("Problems")
    hands.click(hands.named("reviewUndo"))
    hands.wait(lambda: hands.sees("reviewCard"), "the question again")
    hands.key("F")
    hands.wait(lambda: hands.reads("1 problem decided"), "the deletion")
    assert boxes_on_frame(hands) == ["1", "2"]


def test_the_timeline_keeps_ruler_and_iou_row_while_problems_are_reviewed(person: Hands) -> None:
    hands = person
    wait_for_problems(hands)
    before = hands.named("timelineView").height()
    hands.key("N")
    hands.wait(lambda: hands.named("timelineView").height() == 76, "the low timeline")
    assert hands.named("timeline").height() >= 40
    hands.key("Escape")
    hands.wait(lambda: hands.named("timelineView").height() == before, "the timeline as it was")


def test_the_time_that_is_left_is_told_after_five_decisions(person: Hands) -> None:
    hands = person
    wait_for_problems(hands)
    make_the_car_loose(hands)
    hands.choose(combo(hands, "problemKind"), "Loose box  24")
    hands.wait(lambda: hands.reads("24 problems"), "the loose boxes")
    hands.click(hands.button("Start review  N"))
    for count in range(1, 6):
        assert not hands.reads("left")
        hands.key("X")
        hands.wait(lambda count=count: hands.reads(f"{count} of 24 decided"), "the decision")
    assert hands.reads("5 of 24 decided · less than 1 min left")


def test_filters_and_order_are_kept_with_the_video(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        wait_for_problems(hands)
        hands.choose(combo(hands, "problemKind"), "Missing box?  1")
        hands.choose(combo(hands, "problemClass"), "car")
        hands.choose(combo(hands, "problemOrder"), "By frame")
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        wait_for_problems(hands)
        shown = [combo(hands, name).currentText() for name in ("problemKind", "problemClass", "problemOrder")]
        assert shown == ["Missing box?  1", "car", "By frame"]


def combo(hands: Hands, name: str) -> QComboBox:
    found = hands.named(name)
    assert isinstance(found, QComboBox)
    return found
