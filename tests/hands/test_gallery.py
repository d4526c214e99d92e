"""The gallery by hand: from lists and cells, followed live, opened and decided by keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QListView
from pytestqt.qtbot import QtBot

from tests.hands.cases import LOST_FRAMES, Case
from tests.hands.hands import Hands
from tests.hands.review_case import LONG_FRAMES, write_review_case
from tests.hands.test_filter import filter_by
from tests.ui.window import opened_window


def crops(hands: Hands) -> list[str]:
    """What the crops of the page say about themselves."""
    view = hands.named("galleryView")
    assert isinstance(view, QListView)
    model = view.model()
    return [str(model.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole)) for row in range(model.rowCount())]


def label(hands: Hands, name: str) -> str:
    found = hands.named(name)
    assert isinstance(found, QLabel)
    return found.text()


def test_lost_boxes_are_shown_beside_what_found_them_and_follow_the_threshold(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.key("F3")
        hands.wait(lambda: len(hands.rows("lostList")) >= len(LOST_FRAMES), "the lost boxes")
        hands.popup(lambda: hands.right_click(hands.row_centre("lostList", 0)), "Show in gallery")
        hands.wait(lambda: hands.sees("galleryView") and crops(hands), "the gallery")
        persons = [text for text in crops(hands) if "person" in text]
        assert persons == [f"Frame {frame}: person 2 1.00 · missed" for frame in LOST_FRAMES]
        # The confidence rises above the baseline's 0.6: nobody finds a person any more.
        for _ in range(8):
            hands.key("]")
        hands.wait(lambda: not [text for text in crops(hands) if "person" in text], "no person")
        for _ in range(8):
            hands.key("[")
        hands.wait(lambda: [text for text in crops(hands) if "person" in text] == persons, "both again")
        hands.key("Home")
        while "person" not in crops(hands)[hands.named("galleryView").currentIndex().row()]:  # type: ignore[attr-defined]
            hands.key("Right")
        hands.key("Return")
        hands.wait(lambda: not hands.sees("galleryView") and hands.frame == LOST_FRAMES[0], "the frame")


def test_the_gallery_follows_the_filter_that_is_typed_in_it(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: len(hands.rows("boxesTable")) == 2, "both boxes")
        hands.click(hands.canvas)
        hands.menu("View", "Show in gallery")
        hands.wait(lambda: hands.sees("galleryView") and len(crops(hands)) == 49, "48 boxes and the object without one")
        assert label(hands, "galleryCounts") == "49 objects"
        assert crops(hands)[-1].startswith("Frame 23:")
        filter_by(hands, "class:person lost")
        hands.wait(lambda: len(crops(hands)) == len(LOST_FRAMES), "the lost ones")
        hands.wait(lambda: label(hands, "galleryCounts") == "2 objects", "their number")
        hands.key("Alt+G", "Esc")
        hands.wait(lambda: not hands.sees("galleryView"), "closed")


def test_pages_hold_sixty_and_are_turned_by_keys(qtbot: QtBot, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = write_review_case(tmp_path_factory.mktemp("gallery") / "case")
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: len(hands.rows("boxesTable")) >= 2, "boxes")
        hands.key("Alt+G")
        hands.wait(lambda: hands.sees("galleryView") and len(crops(hands)) == 60, "a full page")
        assert label(hands, "galleryCounts") == "61 objects · page 1 of 2"
        hands.key("PgDown")
        hands.wait(lambda: len(crops(hands)) == 1, "the second page")
        hands.key("PgUp")
        hands.wait(lambda: len(crops(hands)) == 60, "the first one")


def test_selected_crops_are_decided_as_one_step(qtbot: QtBot, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = write_review_case(tmp_path_factory.mktemp("gallery") / "case")
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("Problems")
        hands.wait(lambda: hands.reads("16 problems"), "all problems")
        filter_by(hands, f"state:extra frames:{LONG_FRAMES[0]}-{LONG_FRAMES[-1]}")
        hands.key("Alt+G")
        hands.wait(lambda: hands.sees("galleryView") and len(crops(hands)) == len(LONG_FRAMES), "the missing boxes")
        hands.key("Home", "Space", "Right", "Space", "Right", "Space")
        hands.wait(lambda: label(hands, "galleryCounts") == f"{len(LONG_FRAMES)} objects · 3 selected", "three")
        hands.key("F")
        hands.wait(lambda: label(hands, "galleryAnswer").startswith("3 problems decided"), "the answer")
        hands.wait(lambda: len(crops(hands)) == len(LONG_FRAMES) - 3, "they have boxes now")
        hands.key("Ctrl+Z", "Ctrl+Z")  # the first press goes to the frame
        hands.wait(lambda: len(crops(hands)) == len(LONG_FRAMES), "one step back")
        hands.key("Ctrl+A", "X")
        hands.wait(lambda: label(hands, "galleryAnswer").startswith(f"{len(LONG_FRAMES)} problems decided"), "all")
        hands.key("Esc")
        hands.wait(lambda: not hands.sees("galleryView"), "closed")
        hands.click(hands.named("filterChipRemove"))
        hands.wait(lambda: len(hands.rows("problemsList")) > 0 and hands.reads("6 of 16 decided"), str(hands.texts()))
