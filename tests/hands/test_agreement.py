"""Two ground truths of one video by hand: numbers, noise floor, differences, and adopting box by box."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QLabel, QTableWidget

from tests.hands.cases import PERSON, car
from tests.hands.hands import Hands
from tests.ui.window import FRAMES

LOST, ADDED, MOVED, RENAMED = 3, 5, 7, 9
"""Frames on which the other person misses the person, sees one more, has the car elsewhere, calls it a van."""
MORE = (20.0, 150.0, 50.0, 200.0)


def other_truth(path: Path) -> Path:
    """The ground truth of another person."""
    lines = ["frameID,x1,y1,x2,y2,class,id"]
    for frame in range(FRAMES):
        name = "van" if frame == RENAMED else "car"
        lines.append(row(frame, car(frame, 20 if frame == MOVED else 0), name, 1))
        if frame != LOST:
            lines.append(row(frame, PERSON, "person", 2))
        if frame == ADDED:
            lines.append(row(frame, MORE, "person", 3))
    path.write_text("\n".join(lines) + "\n")
    return path


def row(frame: int, rect: tuple[float, ...], name: str, track: int) -> str:
    return ",".join([str(frame), *(f"{value:g}" for value in rect), name, str(track)])


def cells(hands: Hands, name: str) -> list[list[str]]:
    table = hands.named(name)
    assert isinstance(table, QTableWidget)
    return [
        [table.item(place, column).text() for column in range(table.columnCount())] for place in range(table.rowCount())
    ]


def text(hands: Hands, name: str) -> str:
    found = hands.named(name)
    assert isinstance(found, QLabel)
    return found.text()


def test_differences_are_listed_and_adopted_box_by_box(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.wait(lambda: hands.reads("AP"), "the scores")
    with hands.in_dialog(hands.open_path(other_truth(tmp_path / "second.csv"))):
        hands.menu("File", "Compare with other ground truth…")
    hands.wait(lambda: hands.sees("agreementDialog") and len(cells(hands, "agreementList")) == 4, "the differences")
    assert cells(hands, "agreementList") == [
        ["3", "person 2", "only here", "–"],
        ["5", "person", "only there", "–"],
        ["7", "car 1", "other place", "0.600"],
        ["9", "car 1, there van", "other class", "1.000"],
    ]
    assert f"On {FRAMES} frames labelled in both: {2 * FRAMES} boxes here, {2 * FRAMES} there" in text(
        hands, "agreementSummary"
    )
    classes = {row[0]: row[1:3] for row in cells(hands, "agreementClasses")}
    assert classes == {"car": ["24", "23"], "person": ["24", "24"], "van": ["0", "1"]}
    scores = {row[0]: row[1:] for row in cells(hands, "agreementScores")}
    assert set(scores) == {"base", "other"} and scores["base"][0] != scores["base"][1]
    assert text(hands, "agreementFloor").startswith("Noise floor")

    hands.click_row("agreementList", 1)
    hands.wait(lambda: hands.frame == ADDED, "the frame of the difference")
    hands.click(hands.button("Add box"))
    hands.wait(lambda: len(cells(hands, "agreementList")) == 3, "the others")
    hands.wait(lambda: len(hands.rows("boxesTable")) >= 3, "the box")
    hands.click_row("agreementList", 0)
    hands.wait(lambda: hands.frame == LOST, "the frame of the first difference")
    hands.click(hands.button("Delete box"))
    hands.wait(lambda: len(cells(hands, "agreementList")) == 2, "the last ones")
    hands.click_row("agreementList", 1)
    hands.wait(lambda: hands.frame == RENAMED, "the frame of the class")
    hands.click(hands.button("Adopt class and place"))
    hands.wait(lambda: "van" in hands.column("boxesTable", "Class"), "the class")
    hands.click_row("agreementList", 0)
    hands.click(hands.button("Adopt place"))
    hands.wait(lambda: not cells(hands, "agreementList"), "no difference")
    hands.wait(lambda: "F1 1.000, mean IoU 1.000, same class 100.0 %" in text(hands, "agreementSummary"), "agreement")
    hands.click(hands.button("Show as layer"))
    hands.wait(lambda: hands.reads("second"), "the layer")
