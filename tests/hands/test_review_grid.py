"""The grid of problems: crops selected by keys and mouse, decided together as one step."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QListView

from tests.hands.hands import Hands
from tests.hands.test_review import message
from tests.hands.test_review_decisions import ground_truth, review_case, reviewer, starts

__all__ = ["review_case", "reviewer"]

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def grid(hands: Hands) -> QListView:
    view = hands.named("problemGrid")
    assert isinstance(view, QListView)
    return view


def open_grid(hands: Hands) -> None:
    hands.key("Shift+G")
    hands.wait(lambda: hands.sees("problemGrid") and hands.reads("4 crops") and grid(hands).hasFocus(), "the grid")


def crop(hands: Hands, row: int) -> QPoint:
    view = grid(hands)
    return view.viewport().mapToGlobal(view.visualRect(view.model().index(row, 0)).center())


def selected(hands: Hands) -> list[int]:
    return sorted(index.row() for index in grid(hands).selectionModel().selectedIndexes())


def test_keys_alone_select_crops_and_decide_them_as_one_step(reviewer: Hands, tmp_path: Path) -> None:
    hands = reviewer
    before = ground_truth(hands, tmp_path)
    open_grid(hands)
    assert hands.reads("Loose box") and not selected(hands)
    hands.key("Right")
    hands.wait(lambda: hands.reads("Extra box?"), "the surroundings of the second one")
    assert not selected(hands), "arrows move the focus only"
    hands.key("Space")
    assert selected(hands) == [1]
    hands.key("Shift+Right")
    assert selected(hands) == [1, 2]
    hands.wait(lambda: hands.reads("4 crops · 2 selected") and hands.reads("2 selected"), "the count")
    assert hands.reads("If you apply: 10 fixes, one step of the history")
    hands.key("F")
    hands.wait(lambda: hands.reads("10 of 16 decided") and hands.reads("2 crops"), "both decided, and gone")
    assert hands.reads("Apply 2 fixes · frame 4") or starts(hands, "Apply 2 fixes")
    assert ground_truth(hands, tmp_path) != before
    hands.key("Ctrl+Z")
    hands.wait(lambda: hands.reads("16 problems") and hands.reads("4 crops"), "all of them again")
    assert ground_truth(hands, tmp_path) == before
    hands.key("Ctrl+A")
    assert selected(hands) == [0, 1, 2, 3]
    hands.key("V")
    hands.wait(lambda: message(hands) == "All problems decided", "all decided")
    assert not hands.sees("problemGrid") and hands.canvas.hasFocus()


def test_mouse_selects_crops_by_click_and_rubber_band_and_opens_one_in_review(reviewer: Hands) -> None:
    hands = reviewer
    hands.click(hands.named("reviewGrid"))
    hands.wait(lambda: hands.sees("problemGrid") and hands.reads("4 crops"), "the grid")
    hands.click(crop(hands, 0))
    assert selected(hands) == [0]
    hands.click(crop(hands, 2), CONTROL)
    assert selected(hands) == [0, 2]
    hands.click(crop(hands, 3), SHIFT)
    assert set(selected(hands)) >= {2, 3}
    view = grid(hands)
    below = view.viewport().mapToGlobal(QPoint(5, view.viewport().height() - 20))
    hands.press(below)
    for share in (0.3, 0.6, 1.0):
        hands.move(below + (crop(hands, 1) - below) * share)
    hands.release()
    assert selected(hands) == [0, 1]
    hands.click(hands.named("gridKeep"))
    hands.wait(lambda: hands.reads("7 of 16 decided") and hands.reads("2 crops"), "two are kept")
    grid(hands).setFocus()
    hands.key("Home", "Return")
    hands.wait(lambda: hands.sees("reviewCard") and not hands.sees("problemGrid"), "the review of the first one")
    assert hands.reads("6 frames, 4–9")
    hands.key("Shift+G")
    hands.wait(lambda: hands.sees("problemGrid"), "the grid again")
    hands.key("Escape")
    hands.wait(lambda: not hands.sees("problemGrid"), "the canvas")


def test_the_crops_show_the_pictures_of_their_frames(reviewer: Hands) -> None:
    hands = reviewer
    open_grid(hands)
    view = grid(hands)

    def brightest(row: int) -> int:
        area = view.visualRect(view.model().index(row, 0))
        image = view.viewport().grab(area).toImage()
        return max(image.pixelColor(x, 10).lightness() for x in range(10, image.width() - 10, 4))

    hands.wait(lambda: min(brightest(row) for row in range(4)) > 80, "grey pictures instead of dark placeholders")
    slider = hands.named("gridCropSize")
    width = view.gridSize().width()
    hands.click(slider)
    hands.key("PgUp", "PgUp")
    assert view.gridSize().width() > width
