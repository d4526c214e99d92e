"""The history by hand: a click on a step goes back to it, another one forward again; it is there after a restart."""

from __future__ import annotations

import time
from contextlib import closing

from pytestqt.qtbot import QtBot

from iouviewer.document.edits import SetRects
from iouviewer.jobs.requests import OpenRequest
from iouviewer.project import checked, history_log, schema
from iouviewer.project.store import ProjectFile
from tests.document.builders import apply_step
from tests.hands.cases import PERSON, Case
from tests.hands.hands import Hands
from tests.ui.window import opened_window

MIDDLE = ((PERSON[0] + PERSON[2]) / 2, (PERSON[1] + PERSON[3]) / 2)


def steps(hands: Hands) -> list[str]:
    """The steps in the list, without their times."""
    rows = [row[0] for row in hands.rows("historyList")] if hands.sees("historyList") else []
    return [row.split(" ", 1)[1] if row[:1].isdigit() else row for row in rows]


def message(hands: Hands) -> str:
    return str(hands.named("statusMessage").text())  # type: ignore[attr-defined]


def make_edits(hands: Hands) -> None:
    """Nudge the person on frame 0, delete the person on frame 1."""
    hands.click_picture(MIDDLE)
    hands.key("Shift+Right")
    hands.key("D")
    hands.click_picture(MIDDLE)
    hands.key("Del")


MADE = ["Delete person 2, frame 1", "Nudge person 2, frame 0", "Before the first edit"]


def test_a_click_goes_back_to_a_step_and_another_forward_again(person: Hands) -> None:
    hands = person
    hands.open_tab("History")
    assert hands.reads("Edits appear here, also after a restart.")
    make_edits(hands)
    hands.wait(lambda: steps(hands) == MADE, "the steps")
    hands.click_row("historyList", 2)
    hands.wait(lambda: message(hands) == "2 steps undone, back to the beginning", "what was done")
    undone = ["Delete person 2, frame 1, undone", "Nudge person 2, frame 0, undone", "Before the first edit"]
    assert steps(hands)[1:] == undone and steps(hands)[0].startswith("Undone · Redo Ctrl+")
    hands.click_row("historyList", 2)
    hands.wait(lambda: message(hands) == "1 step redone, up to “Nudge person 2”", "what was done")
    assert hands.reads("Frame 0") and steps(hands)[1:] == [undone[0], *MADE[1:]]
    hands.click_row("historyList", 1)
    hands.wait(lambda: steps(hands) == MADE, "all steps done")
    assert message(hands) == "1 step redone, up to “Delete person 2”"
    hands.key("Ctrl+Z")
    hands.wait(lambda: steps(hands)[1:] == [undone[0], *MADE[1:]], "the last step undone by key")


def test_the_history_is_there_after_a_restart_and_is_filtered(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        make_edits(Hands(qtbot, window))
    with opened_window(qtbot, OpenRequest(video=case.video)) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("History")
        hands.wait(lambda: steps(hands) == MADE, "the steps of the project")
        hands.key("Ctrl+F")
        hands.type("delete per")
        hands.wait(lambda: steps(hands) == MADE[:1], "the steps with these words")
        hands.key("Ctrl+A")
        hands.type("xyz")
        hands.wait(lambda: hands.reads("No step matches the filter."), "nothing found")
        hands.key("Escape")
        hands.wait(lambda: steps(hands) == MADE, "all steps")
        hands.key("Down", "Down", "Return")
        hands.wait(lambda: message(hands) == "1 step undone, up to “Nudge person 2”", "the step by keyboard")


def test_a_new_edit_after_going_back_drops_the_undone_steps(person: Hands) -> None:
    hands = person
    hands.open_tab("History")
    make_edits(hands)
    hands.click_row("historyList", 1)
    hands.wait(lambda: len(steps(hands)) == 4, "one step undone")
    hands.click_picture(MIDDLE)
    hands.key("J")
    hands.wait(lambda: len(steps(hands)) == 3, "the undone step gone")
    assert steps(hands)[1:] == MADE[1:]


def test_a_snapshot_is_a_heading_and_the_tooltip_shows_the_frame(person: Hands) -> None:
    hands = person
    hands.open_tab("History")
    hands.click_picture(MIDDLE)
    hands.key("Shift+Right")
    hands.wait(lambda: len(steps(hands)) == 2, "the step")
    with hands.in_dialog(lambda dialog: (hands.type("before review"), hands.key("Return"))):
        hands.key("Ctrl+S")
    hands.wait(lambda: steps(hands)[0].startswith("Snapshot “before review”, today "), "the snapshot")
    text = hands.tooltip_at(hands.row_centre("historyList", 1))
    assert "data:image/png" in text and "Nudge person 2, frame 0" in text


def test_a_history_of_100_000_steps_is_listed_page_by_page(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.click_picture(MIDDLE)
        hands.key("Shift+Right")
        hands.wait(lambda: hands.reads("Saved"), "the project file")
    path = case.video.with_name(f"{case.video.name}.iouv")
    project = ProjectFile.open(path)
    document = project.load().document
    step, rows = apply_step(document, "Move person 2", SetRects(((2, (250.0, 40.0, 291.0, 100.0)),)))
    project.append(step, rows)
    project.close()
    with closing(schema.connect(path)) as connection:
        checked.keep_sums(connection)
        connection.execute("BEGIN")
        now = time.time()
        row = history_log.step_row(0, step)
        many = [(n, f"Move {n}", *row[2:5], now - (100_000 - n), *row[6:]) for n in range(3, 100_001)]
        history_log.replace_steps(connection, many)
        history_log.write_cursor(connection, 100_000)
        connection.execute("COMMIT")
    with opened_window(qtbot, OpenRequest(video=case.video)) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("History")
        hands.wait(lambda: any(text.startswith("Move 100000") for text in steps(hands)), "the newest step")
        assert len(steps(hands)) < 2000, "older steps are read when they are scrolled to"
        hands.key("Ctrl+F")
        hands.type("move 9917")
        found = [f"Move {number}, frame 0" for number in range(100_000, 2, -1) if "9917" in str(number)]
        hands.wait(lambda: [text for text in steps(hands) if "Move" in text] == found, "all steps with this number")
