"""Decisions of a review: for whole objects, by hand, undone, listed, exported, and there after a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.hands.review_case import LONG, SHIFTED_FRAMES, write_review_case
from tests.hands.test_review import message, shown_frame
from tests.ui.window import opened_window

SHARP_OBJECTS = ["Loose box", "Extra box?", "Missing box?", "Missing box?"]


@pytest.fixture
def review_case(tmp_path: Path) -> Case:
    """The files with lasting label errors."""
    return write_review_case(tmp_path / "case")


@pytest.fixture
def reviewer(qtbot: QtBot, review_case: Case) -> Iterator[Hands]:
    """A person at a window with lasting label errors, in the tab of problems."""
    with opened_window(qtbot, review_case.request()) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("Problems")
        hands.wait(lambda: hands.reads("16 problems"), "all problems")
        yield hands


def next_problem(hands: Hands, heading: str, frames: str) -> None:
    hands.key("N")
    hands.wait(lambda: hands.sees("reviewCard") and hands.reads(heading) and hands.reads(frames), f"{heading} {frames}")


def go_to(hands: Hands, frame: int) -> None:
    hands.click(hands.named("frameSpinBox"))
    hands.key("Ctrl+A")
    hands.type(str(frame))
    hands.key("Return", "Escape")
    hands.wait(lambda: shown_frame(hands) == frame and hands.canvas.hasFocus(), f"frame {frame}")


def starts(hands: Hands, text: str) -> bool:
    return any(shown.startswith(text) for shown in hands.texts())


def export(hands: Hands, path: Path, *menu: str) -> bytes:
    path.unlink(missing_ok=True)
    with hands.in_dialog(hands.save_as(path)):
        hands.menu("File", "Export as", *menu)
    hands.wait(lambda: message(hands).startswith("Exported"), "the written file")
    hands.wait(path.exists, "the file")
    return path.read_bytes()


def ground_truth(hands: Hands, folder: Path) -> bytes:
    return export(hands, folder / "gt_out.csv", "Ground truth as CSV…")


def test_a_decision_is_for_all_frames_of_the_object_unless_shift_is_held(reviewer: Hands, tmp_path: Path) -> None:
    hands = reviewer
    before = ground_truth(hands, tmp_path)
    next_problem(hands, "Loose box", "3 frames, 18–20")
    assert hands.reads("Decide for all 3 frames of this object")
    assert hands.reads("If you apply: moves the edges of person 2 on 3 frames")
    hands.key("F")
    hands.wait(lambda: hands.reads("3 of 16 decided") and hands.reads("Extra box?"), "the next object")
    assert hands.reads("If you apply: deletes person 3 on 4 frames")
    hands.key("Shift+X")
    hands.wait(lambda: hands.reads("4 of 16 decided") and starts(hands, "3 frames, 1"), "the other frames")
    hands.key("Shift+V")
    hands.wait(lambda: hands.reads("5 of 16 decided") and starts(hands, "2 frames, 1"), "the last two frames")
    hands.key("X")
    hands.wait(lambda: hands.reads("7 of 16 decided") and hands.reads("6 frames, 4–9"), "the missing object")
    hands.key("Return")
    hands.wait(lambda: hands.reads("13 of 16 decided") and hands.reads("3 frames, 14–16"), "the last object")
    hands.key("U")
    hands.wait(lambda: message(hands) == "All problems decided", "the end")
    assert not hands.sees("reviewCard")
    after = ground_truth(hands, tmp_path).decode()
    rows = [line.split(",") for line in after.splitlines()[1:]]
    added = [row for row in rows if int(row[0]) in range(4, 10) and abs(float(row[1]) - LONG[0]) < 3]
    assert len(added) == 6 and len({row[-1] for row in added}) == 1, "one new track"
    for left in range(6):
        hands.click(hands.named("reviewUndo"))
        hands.wait(lambda: message(hands).startswith("Undone"), f"undo {left}")
    hands.wait(lambda: hands.reads("16 problems"), "all problems again")
    assert ground_truth(hands, tmp_path) == before


def test_ten_wrong_fixes_for_whole_objects_are_undone_by_ten_undos(reviewer: Hands, tmp_path: Path) -> None:
    hands = reviewer
    before = ground_truth(hands, tmp_path)
    # Decided, undone and decided again, until ten fixes of whole objects were made; none is right here.
    fixes = 0
    for expected in (4, 4, 2):
        for _ in range(expected):
            hands.key("N") if not hands.sees("reviewCard") else None
            hands.wait(lambda: hands.sees("reviewCard"), "a problem")
            hands.key("Left", "F")
            fixes += 1
            hands.wait(lambda: not hands.sees("reviewCard") or starts(hands, "If you apply"), "the next one")
        assert ground_truth(hands, tmp_path) != before
        for _ in range(expected):
            hands.key("N") if not hands.sees("reviewCard") else None
            hands.click(hands.named("reviewUndo"))
        hands.wait(lambda: hands.reads("16 problems"), "all problems again")
        assert ground_truth(hands, tmp_path) == before
    assert fixes == 10


def test_a_problem_that_is_solved_by_hand_is_decided_and_undone_with_the_edit(reviewer: Hands, tmp_path: Path) -> None:
    hands = reviewer
    go_to(hands, 10)
    hands.click_picture((270.0, 180.0))
    hands.key("Del")
    hands.wait(lambda: hands.reads("1 of 16 decided"), "the decision that follows from the deletion")
    rows = json.loads(export(hands, tmp_path / "decisions.json", "Decisions (CSV, JSON)…"))["decisions"]
    assert [(row["frame"], row["problem"], row["decision"]) for row in rows] == [(10, "Extra box?", "corrected")]
    hands.key("Ctrl+Z")
    hands.wait(lambda: hands.reads("16 problems"), "the problem again")
    hands.click_picture((270.0, 180.0))
    hands.wait(lambda: hands.sees("inspector.x"), "the box again")


def test_a_decision_is_back_only_when_its_box_changes(reviewer: Hands) -> None:
    hands = reviewer
    next_problem(hands, "Loose box", "3 frames, 18–20")
    hands.key("X")
    hands.wait(lambda: hands.reads("3 of 16 decided"), "the decision")
    hands.key("Escape")
    go_to(hands, 19)
    hands.click_picture((275.0, 60.0))
    hands.key("K")
    assert hands.reads("3 of 16 decided"), "a flag is no change of the box"
    hands.key("Right")
    hands.wait(lambda: hands.reads("2 of 16 decided"), "the problem of the moved box is open again")
    hands.key("Ctrl+Z")
    hands.wait(lambda: hands.reads("3 of 16 decided"), "the decision holds again")


def test_unclear_problems_have_a_filter_and_a_list_and_decisions_last(qtbot: QtBot, review_case: Case) -> None:
    request = review_case.request()
    with opened_window(qtbot, request) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("Problems")
        hands.wait(lambda: hands.reads("16 problems"), "all problems")
        next_problem(hands, "Loose box", "3 frames, 18–20")
        hands.key("V")
        hands.wait(lambda: hands.reads("Extra box?"), "the next one")
        hands.key("X")
        hands.wait(lambda: hands.reads("7 of 16 decided"), "two decisions")
        hands.key("F")
        hands.wait(lambda: hands.reads("13 of 16 decided"), "the fix")
        hands.key("Escape")
        hands.click(hands.named("reviewLedgerButton"))
        text = "13 decided: 6 label errors (46 %, 95 % 23 to 71), 4 kept, 3 unclear"
        hands.wait(lambda: hands.reads(text), "the ledger")
        assert len(hands.rows("decisionsList")) == 13
        hands.choose(hands.named("decisionsShown"), "Unclear")
        assert [row[::3] for row in hands.rows("decisionsList")] == [["unclear", str(f)] for f in SHIFTED_FRAMES]
        hands.click_row("decisionsList", 2)
        hands.wait(lambda: shown_frame(hands) == 20, "its frame")
    with opened_window(qtbot, replace(request, gt=None, preds=())) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("Problems")
        hands.wait(lambda: hands.reads("13 of 16 decided"), "the decisions after a restart")
        hands.click(hands.named("reviewLedgerButton"))
        hands.wait(lambda: hands.reads(text), "the ledger")
        hands.choose(hands.named("decisionsShown"), "Unclear")
        hands.click_row("decisionsList", 0)
        hands.click(hands.button("Reopen 1 problem"))
        hands.wait(lambda: hands.reads("12 of 16 decided"), "the problem, open again")


def test_the_ledger_warns_where_ground_truth_leans_to_a_variant_and_scores_without_it(
    qtbot: QtBot, review_case: Case
) -> None:
    with opened_window(qtbot, review_case.request(variants=1)) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("Problems")
        hands.wait(lambda: hands.sees("problemKind") and hands.rows("problemsList"), "the problems")
        hands.choose(hands.named("problemKind"), "Missing box?  9")
        hands.key("N")
        hands.wait(lambda: hands.reads("6 frames, 4–9"), "the missing object")
        hands.key("F")
        hands.wait(lambda: hands.sees("reviewLedgerButton"), "the decision")
        hands.click(hands.named("reviewLedgerButton"))
        hands.wait(lambda: starts(hands, "Boxes accepted from variants: 10.3 % from base."), "their share")
        [text] = [text for text in hands.texts() if text.startswith("Boxes accepted")]
        assert text.endswith("The ground truth leans to base: its scores favour it.")
        scores = [text for text in hands.texts() if "Avg IoU" in text and "·" in text]
        hands.click(hands.named("ledgerWithout"))
        hands.wait(lambda: starts(hands, "Scores before were measured with other"), "the scores without them")
        hands.wait(lambda: [t for t in hands.texts() if "Avg IoU" in t and "·" in t] != scores, "other scores")
        hands.click(hands.named("ledgerWithout"))
        hands.wait(lambda: [t for t in hands.texts() if "Avg IoU" in t and "·" in t] == scores, "the scores with them")
