"""The filter line by hand: typed with completion, seen in canvas, lists, numbers and exports, removed by its cross."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QListWidget
from pytestqt.qtbot import QtBot

from iouviewer.cli import main
from iouviewer.jobs.requests import OpenRequest
from tests.hands.cases import LOST_FRAMES, Case
from tests.hands.hands import Hands
from tests.ui.window import opened_window


def line_of(dialog: QDialog) -> str:
    field = dialog.findChild(QLineEdit, "filterLine")
    assert field is not None
    return field.text()


def answer_of(dialog: QDialog) -> str:
    label = dialog.findChild(QLabel, "filterAnswer")
    assert label is not None
    return label.text()


def filter_by(hands: Hands, line: str) -> None:
    """Type a line into the field and use it."""

    def steps(_dialog: QDialog) -> None:
        hands.key("Ctrl+A")
        hands.type(line)
        hands.key("Return")

    with hands.in_dialog(steps):
        hands.key("Ctrl+L")


def chip_text(hands: Hands) -> str:
    """The whole line; in a narrow bar the chip shows its beginning."""
    if not hands.sees("filterChip"):
        return ""
    return hands.named("filterChipLine").accessibleName().removeprefix("Filter: ").removesuffix(". Change")


def test_a_line_is_completed_refused_with_its_reason_and_used(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: len(hands.rows("boxesTable")) == 2, "both boxes")

        def steps(dialog: QDialog) -> None:
            hands.type("cl")
            hands.key("Tab")
            assert line_of(dialog) == "class:"
            shown = dialog.findChild(QListWidget, "filterCompletions")
            assert shown is not None
            assert [shown.item(row).text() for row in range(shown.count())] == [
                "class:car",
                "class:person",
                "class:none",
            ]
            hands.key("Down", "Down", "Tab")
            assert line_of(dialog) == "class:person "
            hands.type("sise:<9")
            hands.key("Return")
            assert answer_of(dialog) == "filter “sise:<9”: there is no “sise”; is “size” meant?"
            assert dialog.isVisible()
            for _ in "sise:<9":
                hands.key("Backspace")
            hands.wait(lambda: answer_of(dialog) == "24 of 48 boxes on 24 labelled frames count", "the count")
            hands.key("Return")

        with hands.in_dialog(steps):
            hands.menu("View", "Filter…")
        hands.wait(lambda: chip_text(hands) == "class:person", "the chip")
        assert hands.column("boxesTable", "Class") == ["person"]
        hands.open_tab("Tracks")
        hands.wait(lambda: hands.column("tracksTable", "Track") == ["2"], "the track of the person")
        # A click into the dimmed car selects nothing, so its edge cannot be dragged by mistake.
        hands.click_picture((100.0, 120.0))
        assert not hands.reads("car 1")
        hands.click(hands.named("filterChipRemove"))
        hands.wait(lambda: not hands.sees("filterChip"), "no chip")
        hands.wait(lambda: len(hands.rows("tracksTable")) == 2, "both tracks")


def test_numbers_follow_and_equal_those_of_the_command_line(qtbot: QtBot, case: Case, tmp_path: Path) -> None:
    out = tmp_path / "window.json"
    line = "class:person frames:4-20 lost"
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.key("F3")
        hands.wait(lambda: len(hands.rows("variantsTable")) == 2, "both variants")
        filter_by(hands, line)
        hands.wait(lambda: chip_text(hands) == line, "the chip")
        with hands.in_dialog(hands.save_as(out)):
            hands.menu("File", "Export as", "Metrics (JSON)…")
        hands.wait(out.exists, "the file")
    found = json.loads(out.read_bytes())
    assert found["protocol"]["filter"] == line
    theirs = tmp_path / "eval.json"
    arguments = ["eval", str(case.video), "--gt", str(case.gt), "--pred", f"base={case.base}"]
    assert main([*arguments, "--pred", f"other={case.other}", "--filter", line, "--json", str(theirs)]) == 0
    expected = json.loads(theirs.read_bytes())
    for name in ("base", "other"):
        for key in ("ap", "pq", "avg_iou", "tp", "fp", "fn", "frames", "boxes"):
            assert found["variants"][name][key] == expected["variants"][name][key], (name, key)
    assert found["variants"]["base"]["tp"] == 17
    assert found["variants"]["other"]["fn"] == len(LOST_FRAMES)


def test_the_list_of_boxes_shows_what_is_lost_only_where_it_is(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: len(hands.rows("boxesTable")) == 2, "both boxes")
        filter_by(hands, "state:loose")
        hands.wait(lambda: hands.reads("No box matches the filter."), "nothing is loose for the baseline")
        filter_by(hands, "iou:<.9")
        hands.wait(lambda: hands.column("boxesTable", "Class") == ["car"], "the car")


def test_the_filter_is_kept_with_the_project(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: len(hands.rows("boxesTable")) == 2, "both boxes")
        filter_by(hands, "class:car variant:other")
        hands.wait(lambda: chip_text(hands) == "class:car variant:other", "the chip")
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv") or hands.reads("Saved"), "saved")
    with opened_window(qtbot, OpenRequest(video=case.video)) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: chip_text(hands) == "class:car variant:other", "the chip again")
