"""The proposed fix of a problem: seen on the picture, adjusted by keys and mouse, applied as it is seen."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from tests.hands.cases import EXTRA, EXTRA_FRAME, PERSON, Case
from tests.hands.hands import Hands
from tests.hands.review_case import SHIFTED_FRAMES
from tests.hands.test_review import shown_frame, wait_for_problems
from tests.hands.test_review_decisions import next_problem, review_case, reviewer
from tests.ui.window import opened_window

__all__ = ["review_case", "reviewer"]

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


def new_box(hands: Hands) -> tuple[float, float, float]:
    """x, y and width of the box that a fix has added."""
    boxes_on_frame(hands)
    hands.click_picture((EXTRA[0] + 15, EXTRA[1] + 15))
    hands.wait(lambda: hands.reads("car 3") and hands.sees("inspector.x"), "the new box")
    found = field(hands, "x"), field(hands, "y"), field(hands, "w")
    hands.open_tab("Problems")
    return found


def test_arrow_keys_move_the_proposed_box_and_f_adds_it_where_it_is_seen(person: Hands) -> None:
    hands = person
    before = zoom(hands)
    go_to_missing(hands)
    hands.key("F")
    hands.wait(lambda: hands.reads("1 problem decided") and zoom(hands) == before, "the decision, and the view before")
    x, y, width = new_box(hands)
    assert (x, width) == (EXTRA[0], EXTRA[2] - EXTRA[0])
    hands.click(hands.named("reviewUndo"))
    hands.wait(lambda: hands.sees("reviewCard") and is_yellow(hands, (EXTRA[0], 30.0)), "the proposal again")
    hands.click_picture((150.0, 30.0))
    hands.key("Right", "Right", "Down")
    hands.wait(lambda: is_yellow(hands, (EXTRA[0] + 2, 30.0)), "the moved edge")
    hands.key("F")
    hands.wait(lambda: hands.sees("reviewFoot") and zoom(hands) == before, "the decision, and the view before")
    assert new_box(hands) == (x + 2, pytest.approx(y + 1, abs=0.11), width)


def test_the_mouse_moves_and_resizes_the_proposed_box(person: Hands) -> None:
    hands = person
    go_to_missing(hands)
    hands.drag_picture((40.0, 35.0), (44.0, 37.0))
    hands.wait(lambda: is_yellow(hands, (EXTRA[0] + 4, 40.0)), "the moved edge")
    hands.drag_picture((EXTRA[2] + 4, 40.0), (EXTRA[2] + 10, 40.0))
    hands.key("Return")
    hands.wait(lambda: hands.sees("reviewFoot"), "the decision")
    hands.key("Escape")
    x, _, width = new_box(hands)
    assert x == pytest.approx(EXTRA[0] + 4, abs=0.6)
    assert width == pytest.approx(EXTRA[2] - EXTRA[0] + 6, abs=1.2)


def test_a_loose_box_is_adjusted_as_it_is_seen_and_the_foot_undoes_it(reviewer: Hands) -> None:
    hands = reviewer
    next_problem(hands, "Loose box", "3 frames, 18–20")
    assert shown_frame(hands) in SHIFTED_FRAMES
    x1, y1, _, y2 = PERSON
    hands.wait(lambda: is_yellow(hands, (x1, (y1 + y2) / 2 + 11)), "the left edge of the proposed box")
    assert not any("→" in text for text in hands.texts()), "no word of what it does to a score"
    hands.key("F")
    hands.wait(lambda: hands.reads("3 of 16 decided") and hands.sees("reviewFoot"), "the next one")
    hands.click(hands.named("reviewUndo"))
    hands.wait(lambda: hands.reads("16 problems") and shown_frame(hands) in SHIFTED_FRAMES, "the problem again")
    hands.wait(lambda: hands.sees("reviewCard") and not hands.sees("reviewFoot"), "the question")


def test_a_box_that_no_variant_finds_is_kept_by_x_and_deleted_by_f_and_arrows_leave_it(reviewer: Hands) -> None:
    hands = reviewer
    hands.key("N")
    next_problem(hands, "Extra box?", "4 frames, 10–13")
    assert hands.reads("None of 2 variants finds person 3.")
    assert hands.button("Delete box  F").isVisible() and hands.button("It is there  X").isVisible()
    hands.key("Left", "X")
    hands.wait(lambda: hands.reads("4 of 16 decided"), "the decision, and no step of a moved box")
    assert not hands.sees("inspector.x")
    hands.click(hands.named("reviewUndo"))
    hands.wait(lambda: hands.reads("16 problems") and hands.reads("Extra box?"), "the question again")
    frame = shown_frame(hands)
    hands.key("F")
    hands.wait(lambda: hands.reads("4 of 16 decided"), "the deletion")
    hands.key("Escape")
    hands.click(hands.named("frameSpinBox"))
    hands.key("Ctrl+A")
    hands.type(str(frame))
    hands.key("Return", "Escape")
    hands.wait(lambda: shown_frame(hands) == frame, "its frame")
    assert boxes_on_frame(hands) == ["1", "2"]


def test_the_timeline_folds_the_row_of_the_track_while_problems_are_reviewed(person: Hands) -> None:
    hands = person
    wait_for_problems(hands)
    before = hands.named("timelineView").height()
    hands.key("N")
    hands.wait(lambda: 76 < hands.named("timelineView").height() < before, "the timeline without the row of a track")
    assert hands.named("timeline").height() >= 40
    hands.key("Escape")
    hands.wait(lambda: hands.named("timelineView").height() == before, "the timeline as it was")


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
