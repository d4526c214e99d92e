"""Merging a working copy by hand: variants and notes that only the copy has are listed, chosen, and undone together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QDialog, QTableView, QToolButton
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.hands.test_notes import notes, write_note
from tests.hands.test_safe_opening import (
    answer,
    at_window,
    box_count,
    draw_box,
    hands_rows,
    held_by_another_program,
    project_of,
    pytestmark,
)
from tests.ui.window import FRAMES

__all__ = ["pytestmark"]


@pytest.fixture
def copy_with_more(qtbot: QtBot, case: Case) -> Iterator[Case]:
    """A project with one variant, and a copy of it with a second variant, a note and a box."""
    with at_window(qtbot, case.request(variants=1)) as hands:
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the import to be saved")
    with (
        held_by_another_program(project_of(case.video)),
        at_window(qtbot, OpenRequest(video=case.video)) as hands,
    ):
        answer(hands, "opening", "Work on a copy")
        draw_box(hands)
        hands.wait(lambda: box_count(hands) == 3, "the box in the copy")
        with hands.in_dialog(confirm(hands)):
            hands.drop(hands.named("topBar"), case.other)
        hands.wait(lambda: variants(hands) == 2, "the variant in the copy")
        hands.key("D", "D")
        hands.wait(lambda: hands.frame == 2, "the third frame")
        write_note(hands, "Reflection")
        hands.wait(lambda: hands.reads("Saved, clip.avi-"), "the copy to be saved")
        hands.key("Home")  # the video comes back at the frame on which it was left
        hands.wait(lambda: hands.frame == 0, "the first frame")
    yield case


def variants(hands: Hands) -> int:
    """How many variants the legend above the canvas has, with those that a narrow window folds up."""
    shown = sum(hands.sees(f"layer.{name}") for name in ("base", "other"))
    more = hands.named("moreLayers") if hands.sees("moreLayers") else None
    return shown + (int(more.text().split()[0]) if isinstance(more, QToolButton) else 0)


def confirm(hands: Hands) -> Callable[[QDialog], None]:
    """Open the files that were dropped."""

    def steps(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the file to be read")
        hands.click(hands.button("Open", dialog))

    return steps


def open_and_merge(hands: Hands, *, leave_out: int | None, button: str) -> list[list[str]]:
    """Merge the copy; returns the list of differences."""
    hands.wait(lambda: box_count(hands) == 2, "the boxes of the project")
    read: list[list[str]] = []

    def look(dialog: QDialog) -> None:
        read.extend(row[1:] for row in hands_rows(dialog))
        table = dialog.findChild(QTableView, "mergeTable")
        if leave_out is not None:
            place = table.visualRect(table.model().index(leave_out, 0))
            hands.click(table.viewport().mapToGlobal(place.topLeft() + QPoint(12, place.height() // 2)))
        hands.click(hands.button(button, dialog))

    with hands.in_dialog(look):
        answer(hands, "copy", "Merge copy…")
    hands.wait(lambda: not hands.sees("noticeBar"), "the notice to go")
    return read


def test_variants_and_notes_of_a_copy_are_listed_and_taken_in_one_step(qtbot: QtBot, copy_with_more: Case) -> None:
    case = copy_with_more
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        read = open_and_merge(hands, leave_out=None, button="Merge 1 box, 1 note, 1 variant")
        count = 2 * FRAMES - 1
        assert read == [
            ["all", "variant other", f"{count} predictions", "not there"],
            ["2", "note “Reflection”", "added", "not there"],
            ["0", "car 3", "added", "not there"],
        ]
        hands.wait(lambda: variants(hands) == 2 and box_count(hands) == 3, "everything of the copy")
        hands.key("Ctrl+Z")
        hands.wait(lambda: variants(hands) == 1 and box_count(hands) == 2, "the merge undone in one step")
        hands.key("Ctrl+Shift+Z")
        hands.wait(lambda: variants(hands) == 2 and box_count(hands) == 3, "the merge again")
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the merge to be saved")
    with at_window(qtbot, OpenRequest(video=case.video)) as hands:
        hands.wait(lambda: variants(hands) == 2 and box_count(hands) == 3, "the merge, read again")
        hands.open_tab("Notes")
        hands.wait(lambda: notes(hands) and "Reflection" in notes(hands)[0], "the note")


def test_a_variant_that_is_left_out_stays_in_the_copy(qtbot: QtBot, copy_with_more: Case) -> None:
    with at_window(qtbot, OpenRequest(video=copy_with_more.video)) as hands:
        open_and_merge(hands, leave_out=0, button="Merge 1 box, 1 note")
        hands.wait(lambda: box_count(hands) == 3, "the box of the copy")
        assert variants(hands) == 1


def test_the_same_predictions_in_both_are_no_difference(qtbot: QtBot, copy_with_more: Case) -> None:
    case: Case = copy_with_more
    with at_window(qtbot, case.request(variants=2)) as hands:
        hands.wait(lambda: variants(hands) == 2, "the second variant, imported again")
        read = open_and_merge(hands, leave_out=None, button="Merge 1 box, 1 note")
        assert [row[1] for row in read] == ["note “Reflection”", "car 3"]
