"""Compare by hand: the question, the cards, the table, the changed objects, the report."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QDialog, QDoubleSpinBox, QSpinBox, QTableView, QToolButton
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.hands.hands import Hands
from tests.ui.window import opened_window

FRAMES, WIDTH, HEIGHT = 24, 320, 240
LOST = (10, 13)
"""Frames on which the second variant does not find the car."""


def car(frame: int, right: float = 0.0) -> tuple[float, float, float, float]:
    x = 40.0 + 2 * frame + right
    return x, 80.0, x + 100.0, 160.0


def write_three(folder: Path) -> OpenRequest:
    """One frame a second, so that 24 frames are enough blocks: a baseline, one that is 2 px off, one that loses two."""
    folder.mkdir()
    video = folder / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 1.0, (WIDTH, HEIGHT))
    for frame in range(FRAMES):
        image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        image[80:160, 40 + 2 * frame : 140 + 2 * frame] = 200
        writer.write(image)
    writer.release()
    lines = {"gt": ["frameID,x1,y1,x2,y2,class,id"]}
    lines |= {name: ["frameID,x1,y1,x2,y2,class,score"] for name in ("base", "shifted", "lossy")}
    for frame in range(FRAMES):
        rows = {"gt": (car(frame), "1"), "base": (car(frame), "0.9"), "shifted": (car(frame, 2), "0.9")}
        if frame not in LOST:
            rows["lossy"] = (car(frame), "0.9")
        for name, (rect, last) in rows.items():
            lines[name].append(",".join([str(frame), *(f"{value:g}" for value in rect), "car", last]))
    for name, found in lines.items():
        (folder / f"{name}.csv").write_text("\n".join(found) + "\n", encoding="utf-8")
    preds = tuple((name, folder / f"{name}.csv") for name in ("base", "shifted", "lossy"))
    return OpenRequest(video=video, gt=folder / "gt.csv", preds=preds)


@pytest.fixture
def hands(qtbot: QtBot, tmp_path: Path) -> Iterator[Hands]:
    """A person in Compare, with all verdicts ready."""
    with opened_window(qtbot, write_three(tmp_path / "case")) as window:
        found = Hands(qtbot, window)
        found.key("F3")
        found.wait(lambda: outcome(found, "shifted") == "FAIL", "the verdict of the shifted one")
        found.wait(lambda: outcome(found, "lossy") in ("FAIL", "UNDECIDED"), "the verdict of the lossy one")
        yield found


def outcome(hands: Hands, name: str) -> str:
    return hands.named(f"verdictCard.{name}").accessibleName().removeprefix(f"{name}: ")


def frame_of(hands: Hands) -> int:
    box = hands.named("frameSpinBox")
    assert isinstance(box, QSpinBox)
    return box.value()


def chip(hands: Hands, name: str) -> QToolButton:
    found = hands.named(name)
    assert isinstance(found, QToolButton)
    return found


def choose(hands: Hands, name: str, entry: str) -> None:
    """Choose an entry of a chip of the question."""
    hands.popup(lambda: hands.click(chip(hands, name)), entry)


def titles(hands: Hands) -> list[str]:
    """The titles of the table's columns on the screen."""
    table = hands.named("variantsTable")
    assert isinstance(table, QTableView)
    model = table.model()
    shown = [column for column in range(model.columnCount()) if not table.isColumnHidden(column)]
    return [str(model.headerData(column, table.horizontalHeader().orientation())) for column in shown]


def header_place(hands: Hands, title: str) -> QPoint:
    table = hands.named("variantsTable")
    assert isinstance(table, QTableView)
    header, model = table.horizontalHeader(), table.model()
    column = [model.headerData(c, header.orientation()) for c in range(model.columnCount())].index(title)
    x = header.sectionViewportPosition(column) + header.sectionSize(column) // 2
    return header.viewport().mapToGlobal(QPoint(x, header.height() // 2))


def test_the_allowed_drop_decides_the_verdict(hands: Hands) -> None:
    assert chip(hands, "questionDrop").text() == "1.0 point"
    assert hands.reads("Paired, the same difference on all frames")
    choose(hands, "questionDrop", "5.0 points")
    hands.wait(lambda: outcome(hands, "shifted") == "PASS", "the verdict at a drop of 5 points")
    assert chip(hands, "questionDrop").text() == "5.0 points"

    def type_drop(dialog: QDialog) -> None:
        box = dialog.findChild(QDoubleSpinBox)
        hands.click(box)
        hands.key("Ctrl+A")
        hands.type("0.2")
        hands.key("Return")

    with hands.in_dialog(type_drop):
        choose(hands, "questionDrop", "Other…")
    hands.wait(lambda: outcome(hands, "shifted") == "FAIL", "the verdict at a drop of 0.2 points")
    assert chip(hands, "questionDrop").text() == "0.2 points"


def test_another_baseline_turns_the_question_around(hands: Hands) -> None:
    choose(hands, "questionBaseline", "shifted")
    hands.wait(lambda: outcome(hands, "base") == "PASS", "the old baseline against the new one")
    assert chip(hands, "questionBaseline").text() == "shifted"
    assert [row[2] for row in hands.rows("variantsTable")][1] == "baseline"


def test_only_verified_frames_count_if_the_question_says_so(hands: Hands) -> None:
    assert chip(hands, "questionFrames").text() == "24 common frames"
    hands.key("F2")
    for _ in range(3):
        hands.key("S")
    hands.key("F3")
    choose(hands, "questionFrames", "Verified frames only (3)")
    hands.wait(lambda: chip(hands, "questionFrames").text() == "3 verified frames", "the chip")
    hands.wait(lambda: outcome(hands, "shifted") == "UNDECIDED", "too few frames")
    assert [row[-1] for row in hands.rows("variantsTable")] == ["3", "3", "3"]
    choose(hands, "questionFrames", "All common frames")
    hands.wait(lambda: outcome(hands, "shifted") == "FAIL", "the verdict on all frames")


def test_a_card_and_a_row_choose_the_pair_everywhere(hands: Hands) -> None:
    def pair() -> tuple[str, str]:
        names = ("compareCaption", "compareOtherCaption")
        first, second = (hands.named(name).accessibleName() for name in names)
        return first, second

    assert pair() == ("base", "shifted")
    hands.click(hands.named("verdictCard.lossy"))
    assert pair() == ("base", "lossy")
    hands.wait(lambda: [row[0] for row in hands.rows("lostList")] == [str(f) for f in LOST], "the lost boxes")
    table = hands.named("variantsTable")
    assert isinstance(table, QTableView) and table.currentIndex().row() == 2
    hands.click_row("variantsTable", 1, 3)
    assert pair() == ("base", "shifted")
    hands.key("Down")
    assert pair() == ("base", "lossy")


def test_n_walks_the_changed_objects_and_says_what_happened(hands: Hands) -> None:
    hands.click(hands.named("verdictCard.lossy"))
    hands.wait(lambda: len(hands.rows("lostList")) == len(LOST), "the lost boxes")
    for frame in (*LOST, LOST[0]):
        hands.key("N")
        hands.wait(lambda frame=frame: frame_of(hands) == frame, f"frame {frame}")
    hands.key("Shift+N")
    assert frame_of(hands) == LOST[1]
    texts = [set(hands.window.parts.views.canvas.boxes.caption_texts.values())]  # type: ignore[attr-defined]
    texts.append(set(hands.window.parts.views.other_canvas.boxes.caption_texts.values()))  # type: ignore[attr-defined]
    assert "1.00  car 1" in texts[0] and "lost  car 1" in texts[1]


def test_a_column_hidden_in_the_header_stays_hidden_after_a_restart(hands: Hands, qtbot: QtBot, tmp_path: Path) -> None:
    assert "AP75" in titles(hands)
    hands.context_menu(header_place(hands, "PQ"), "AP75")
    assert "AP75" not in titles(hands) and "AP50" in titles(hands)
    hands.window.close()
    with opened_window(qtbot, write_three(tmp_path / "again")) as window:
        again = Hands(qtbot, window)
        again.key("F3")
        assert "AP75" not in titles(again)
        again.context_menu(header_place(again, "PQ"), "Show all columns")
        assert "AP75" in titles(again)


def test_a_click_on_a_header_sorts_and_the_third_returns(hands: Hands) -> None:
    def names() -> list[str]:
        return [row[0] for row in hands.rows("variantsTable")]

    assert names() == ["base", "shifted", "lossy"]
    hands.click(header_place(hands, "Recall"))
    assert names()[-1] == "lossy"
    hands.click(header_place(hands, "Recall"))
    assert names()[0] == "lossy"
    hands.click(header_place(hands, "Recall"))
    assert names() == ["base", "shifted", "lossy"]


def test_the_eye_hides_a_variant(hands: Hands) -> None:
    row = hands.row_centre("variantsTable", 1)
    table = hands.named("variantsTable")
    left = table.mapToGlobal(QPoint(0, 0)).x()
    hands.click(QPoint(left + 16, row.y()))
    hands.wait(lambda: hands.named("compareOtherCaption").accessibleName() == "shifted  hidden", "the hidden variant")


def test_the_layouts_follow_the_key(hands: Hands) -> None:
    hands.key("Shift+F3")
    assert hands.named("compareDivider").isVisible()
    hands.key("Shift+F3")
    assert not hands.window.findChild(QTableView, "otherCanvas")
    assert not [w for w in hands.window.findChildren(type(hands.canvas), "otherCanvas") if w.isVisible()]
    hands.key("Shift+F3")
    assert hands.named("canvas4").isVisible()
    hands.key("Shift+F3")
    assert not hands.sees("canvas4") and not hands.sees("otherCanvas")
    hands.key("Shift+F3")
    assert hands.named("otherCanvas").isVisible()


def test_the_report_holds_the_sentence_of_the_card(hands: Hands, tmp_path: Path) -> None:
    card = hands.named("verdictCard.shifted")
    sentence = hands.tooltip_at(card.mapToGlobal(card.rect().center()))
    assert sentence.startswith("shifted: FAIL against base: ")
    report = tmp_path / "out.html"
    with hands.in_dialog(hands.save_as(report)):
        hands.click(hands.named("compareReport"))
    hands.wait(report.exists, "the report")
    assert sentence in html.unescape(report.read_text(encoding="utf-8"))


def test_the_explanation_opens_and_closes(hands: Hands) -> None:
    hands.click(hands.named("questionExplain"))
    hands.wait(lambda: hands.reads("wider the more neighbouring frames are alike"), "the explanation")
    hands.key("Esc")
    hands.wait(lambda: not hands.reads("wider the more neighbouring frames are alike"), "the explanation's end")


def test_the_menu_of_a_variant_renames_recolours_and_removes_it(hands: Hands) -> None:
    hands.context_menu(hands.row_centre("variantsTable", 1), "Rename variant…")
    hands.key("Ctrl+A")
    hands.type("off by two")
    hands.key("Return")
    hands.wait(lambda: hands.rows("variantsTable")[1][0] == "off by two", "the new name")
    assert hands.named("verdictCard.off by two").isVisible()
    card = hands.named("verdictCard.lossy")
    hands.context_menu(card.mapToGlobal(card.rect().center()), "Set as baseline")
    hands.wait(lambda: chip(hands, "questionBaseline").text() == "lossy", "the new baseline")
    height = hands.named("variantsTable").height()
    hands.context_menu(hands.row_centre("variantsTable", 0), "Remove variant")
    hands.wait(lambda: [row[0] for row in hands.rows("variantsTable")] == ["off by two", "lossy"], "two variants")
    hands.wait(lambda: hands.named("variantsTable").height() < height, "a table of two rows")
    # Another row: two right clicks at one place are a double click.
    hands.context_menu(hands.row_centre("variantsTable", 1), "Remove variant")
    hands.wait(lambda: hands.reads("Add a second variant to compare:"), "what to do with one variant")
    assert hands.button("Add predictions…").isEnabled() and hands.button("Run model…").isEnabled()


def names(hands: Hands) -> list[str]:
    return [row[0] for row in hands.rows("variantsTable")]


def test_changes_of_variants_are_steps_of_the_history_and_undone(hands: Hands) -> None:
    # On cards: a right click where another test has clicked a moment ago would be a double click.
    card = hands.named("verdictCard.shifted")
    hands.context_menu(card.mapToGlobal(card.rect().center()), "Rename variant…")
    hands.key("Ctrl+A")
    hands.type("off by two")
    hands.key("Return")
    hands.wait(lambda: names(hands)[1] == "off by two", "the new name")
    average = hands.cell("variantsTable", 2, "Avg IoU")
    card = hands.named("verdictCard.lossy")
    hands.context_menu(card.mapToGlobal(card.rect().center()), "Remove variant")
    hands.wait(lambda: names(hands) == ["base", "off by two"], "two variants")
    hands.wait(lambda: hands.sees("verdictCard.off by two") and not hands.sees("verdictCard.lossy"), "one card")
    card = hands.named("verdictCard.off by two")
    hands.context_menu(card.mapToGlobal(card.rect().center()), "Set as baseline")
    hands.wait(lambda: chip(hands, "questionBaseline").text() == "off by two", "the new baseline")
    hands.key("F2")
    hands.open_tab("History")
    steps = [" ".join(row) for row in hands.rows("historyList")]
    for step in ("Rename variant shifted to off by two", "Remove variant lossy", "Set off by two as baseline"):
        assert any(step in text for text in steps), steps
    hands.key("F3")
    hands.key("Ctrl+Z")
    hands.wait(lambda: chip(hands, "questionBaseline").text() == "base", "the old baseline")
    hands.key("Ctrl+Z")
    hands.wait(lambda: names(hands) == ["base", "off by two", "lossy"], "the removed variant at its place")
    hands.wait(lambda: hands.cell("variantsTable", 2, "Avg IoU") == average, "its numbers")
    hands.key("Ctrl+Z")
    hands.wait(lambda: names(hands) == ["base", "shifted", "lossy"], "the old name")
    hands.key("Ctrl+Y", "Ctrl+Y")
    hands.wait(lambda: names(hands) == ["base", "off by two"], "both steps again")


def test_the_strips_of_the_timeline_show_the_chosen_pair(hands: Hands) -> None:
    timeline = hands.named("timeline")
    hands.click(hands.named("verdictCard.lossy"))
    hands.wait(lambda: "lossy" in timeline.accessibleDescription(), "the chosen variant")
    assert "base" in timeline.accessibleDescription() and "shifted" not in timeline.accessibleDescription()
    hands.click(hands.named("verdictCard.shifted"))
    hands.wait(lambda: "shifted" in timeline.accessibleDescription(), "the other one")
    assert "lossy" not in timeline.accessibleDescription()
    hands.key("F2")
    hands.wait(lambda: "lossy" in timeline.accessibleDescription(), "all variants in Correct")


def test_predictions_of_a_variant_are_exported(hands: Hands, tmp_path: Path) -> None:
    out = tmp_path / "lossy.json"
    with hands.in_dialog(hands.save_as(out)):
        hands.context_menu(hands.row_centre("variantsTable", 2), "Export predictions…")
    hands.wait(out.exists, "the file")
    text = out.read_text(encoding="utf-8")
    assert text.count('"bbox"') == FRAMES - len(LOST)


def test_the_breakdown_leads_from_a_number_to_its_frames(hands: Hands) -> None:
    hands.click(hands.named("verdictCard.lossy"))
    hands.open_tab("Breakdown")
    hands.wait(lambda: len(hands.rows("breakdown.classes")) == 1, "the class")
    assert [hands.cell("breakdown.classes", 0, title) for title in ("Class", "Boxes", "Baseline", "Missed")] == [
        "car",
        "24",
        "1.000",
        "2",
    ]
    lost = float(hands.cell("breakdown.classes", 0, "Variant"))
    assert hands.cell("breakdown.classes", 0, "Δ points") == f"−{100.0 * (1.0 - lost):.1f}"
    hands.click(hands.named("breakdownButton.errors"))
    assert hands.column("breakdown.errors", "Variant") == ["0", "0", "0", "0", "0", "2"]
    hands.click_row("breakdown.errors", 5)
    hands.wait(lambda: hands.column("breakdown.errors.boxes", "Frame") == [str(f) for f in LOST], "the missed boxes")
    assert hands.column("breakdown.errors.boxes", "Object") == ["car 1", "car 1"]
    hands.click_row("breakdown.errors.boxes", 1)
    hands.wait(lambda: frame_of(hands) == LOST[1], "the frame of the missed box")
    hands.click(hands.named("breakdownButton.confusion"))
    hands.click(hands.named("confusion.list"))
    assert hands.rows("breakdown.confusion") == [["car → missed", "0", "2", "+2"]]
    hands.click(hands.named("breakdownButton.sizes"))
    assert "9,216 or more" in hands.column("breakdown.sizes", "Area in px")
    hands.click(hands.named("verdictCard.shifted"))
    hands.wait(lambda: hands.cell("breakdown.sizes", 2, "Missed") == "0", "the other variant's")
