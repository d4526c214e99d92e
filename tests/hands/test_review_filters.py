"""Steps through the list of problems, the buttons of the card, and the filters with their chips."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QProgressBar
from pytestqt.qtbot import QtBot

from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.hands.test_review import message, shown_frame
from tests.hands.test_review_decisions import next_problem, review_case, reviewer
from tests.ui.window import opened_window

__all__ = ["review_case", "reviewer"]


def combo(hands: Hands, name: str) -> QComboBox:
    box = hands.named(name)
    assert isinstance(box, QComboBox)
    return box


def listed(hands: Hands) -> list[tuple[str, str]]:
    """Kind and frame of each row."""
    return [(row[1], row[3]) for row in hands.rows("problemsList")]


def test_steps_go_by_object_or_by_frame_and_clicks_go_to_one(reviewer: Hands) -> None:
    hands = reviewer
    next_problem(hands, "Loose box", "3 frames, 18–20")
    next_problem(hands, "Extra box?", "4 frames, 10–13")
    hands.key("Shift+N")
    hands.wait(lambda: hands.reads("3 frames, 18–20"), "the one before")
    hands.click(hands.named("reviewWholeObject"))
    frame = shown_frame(hands)
    hands.key("N")
    hands.wait(lambda: shown_frame(hands) != frame and hands.reads("Loose box"), "the next frame of the object")
    hands.key("X")
    hands.wait(lambda: hands.reads("1 of 16 decided"), "one frame")
    row = next(place for place, shown in enumerate(listed(hands)) if shown[0] == "Missing box?")
    hands.click_row("problemsList", row)
    hands.click_row("problemsList", row + 2)
    hands.wait(lambda: shown_frame(hands) == 5 and hands.reads("Missing box?"), "the frame that was clicked")


def test_problems_are_decided_by_buttons_and_the_bar_shows_how_far(reviewer: Hands) -> None:
    hands = reviewer
    hands.click(hands.button("Start review  N"))
    hands.wait(lambda: hands.reads("3 frames, 18–20"), "the first one")
    hands.click(hands.button("Box is right  X"))
    hands.wait(lambda: hands.reads("3 of 16 decided") and hands.reads("4 frames, 10–13"), "the next one")
    hands.click(hands.button("Unclear  V"))
    hands.wait(lambda: hands.reads("7 of 16 decided · less than 1 min left"), "the time that is left")
    hands.click(hands.button("Add box  F"))
    hands.wait(lambda: hands.reads("13 of 16 decided · less than 1 min left"), "the fix")
    progress = hands.named("reviewProgress")
    assert isinstance(progress, QProgressBar) and (progress.value(), progress.maximum()) == (13, 16)


def test_filters_are_seen_as_chips_dropped_by_their_cross_and_kept_with_the_project(
    qtbot: QtBot, review_case: Case
) -> None:
    request = review_case.request()
    with opened_window(qtbot, request) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("Problems")
        hands.wait(lambda: hands.reads("16 problems"), "all problems")
        hands.choose(combo(hands, "problemKind"), "Missing box?  9")
        hands.wait(lambda: hands.reads("9 problems"), "the missing boxes")
        hands.click(hands.named("problemMore"))
        hands.choose(combo(hands, "problemSize"), "Medium, under 96²")
        hands.choose(combo(hands, "problemVariant"), "base")
        hands.choose(combo(hands, "problemOrder"), "By frame")
        hands.key("Ctrl+F")
        hands.type("4-6")
        hands.wait(lambda: [row[1] for row in listed(hands)] == ["4", "5", "6"], "three frames")
        hands.wait(lambda: hands.reads("“4-6” ×"), "the chip")
        hands.click(hands.button("“4-6” ×"))
        hands.wait(lambda: len(listed(hands)) == 9, "all of them again")
        hands.click(hands.named("problemMore"))
        hands.wait(lambda: not hands.sees("problemSize") and hands.reads("Medium, under 96² ×"), "only the chips")
    with opened_window(qtbot, replace(request, gt=None, preds=())) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("Problems")
        hands.wait(lambda: hands.reads("9 problems"), "the filters after a restart")
        hands.click(hands.button("Missing box? ×"))
        hands.wait(lambda: hands.reads("12 problems"), "all kinds that the variant sees")


def test_decided_problems_are_listed_by_their_state(reviewer: Hands) -> None:
    hands = reviewer
    next_problem(hands, "Loose box", "3 frames, 18–20")
    hands.key("V")
    hands.wait(lambda: hands.reads("3 of 16 decided"), "the decision")
    hands.key("Escape")
    hands.click(hands.named("problemMore"))
    hands.choose(combo(hands, "problemState"), "Unclear")
    hands.wait(lambda: {kind for kind, _ in listed(hands)} == {"Loose box"}, "the unclear ones")
    hands.choose(combo(hands, "problemState"), "Undecided")
    hands.wait(lambda: {kind for kind, _ in listed(hands)} == {"Extra box?", "Missing box?"}, "the others")


def test_blind_mode_hides_problems_scores_and_timeline(reviewer: Hands) -> None:
    hands = reviewer
    next_problem(hands, "Loose box", "3 frames, 18–20")
    assert hands.sees("timeline")
    hands.key("B")
    hands.wait(lambda: hands.reads("Problems are hidden in blind mode"), "no problems")
    assert not hands.sees("reviewCard") and not hands.sees("problemsList") and not hands.sees("timeline")
    assert hands.reads_tab("Problems")
    hands.wait(lambda: any("Scores hidden" in text for text in hands.texts()), "no scores")
    hands.open_tab("Boxes")
    assert not hands.reads("match") and "IoU" not in hands.texts()
    shown = hands.named("boxesTable")
    titles = [shown.model().headerData(c, Qt.Orientation.Horizontal) for c in range(shown.model().columnCount())]  # type: ignore[attr-defined]
    assert all(shown.isColumnHidden(titles.index(title)) for title in ("IoU", "Conf", "State"))  # type: ignore[attr-defined]
    hands.open_tab("Problems")
    hands.key("N")
    assert message(hands) == "Problems are hidden in blind mode"
    hands.key("Shift+G")
    assert not hands.sees("problemGrid")
    hands.key("B")
    hands.wait(lambda: hands.sees("problemsList") and hands.sees("timeline"), "all of it again")
    assert hands.reads_tab("Problems 16")


@pytest.mark.parametrize("place", [0, 4])
def test_the_film_strip_plays_the_frames_around_under_the_mouse(reviewer: Hands, place: int) -> None:
    hands = reviewer
    hands.key("N")
    next_problem(hands, "Extra box?", "4 frames, 10–13")
    strip = hands.named("filmStrip")
    frames = strip.frames  # type: ignore[attr-defined]
    middle = shown_frame(hands)
    assert frames == [middle - 4, middle - 2, middle, middle + 2, middle + 4]
    width = strip.width() / 5
    target = strip.mapToGlobal(strip.rect().topLeft())
    target.setX(round(target.x() + (place + 0.5) * width))
    target.setY(target.y() + 20)
    hands.move(target)
    seen: set[int] = set()
    hands.wait(lambda: seen.add(strip.played_frame) or len(seen - {-1}) >= 4, "several frames")  # type: ignore[attr-defined]
    hands.move(hands.on_canvas((100.0, 100.0)))
    hands.wait(lambda: strip.played_frame == -1, "the strip at rest")  # type: ignore[attr-defined]
