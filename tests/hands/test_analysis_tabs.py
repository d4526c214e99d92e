"""The analysis tabs of Compare by hand: confusion matrix, F1 curve, tracks, the way from yolo val's number."""

from __future__ import annotations

import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QTableView

from tests.hands.cases import EXTRA_FRAME, LOST_FRAMES
from tests.hands.hands import Hands
from tests.ui.window import FRAMES


def matrix(hands: Hands) -> dict[tuple[str, str], str]:
    """The cells of the confusion matrix by the texts of their row and column."""
    table = hands.named("confusionMatrix")
    assert isinstance(table, QTableView)
    model = table.model()
    rows, columns = (
        [str(model.headerData(place, side)) for place in range(model.rowCount())]
        for side in (Qt.Orientation.Vertical, Qt.Orientation.Horizontal)
    )
    cells = hands.rows("confusionMatrix")
    return {(row, column): cells[y][x] for y, row in enumerate(rows) for x, column in enumerate(columns)}


def click_cell(hands: Hands, row: str, column: str) -> None:
    rows, columns = ([key[place] for key in matrix(hands)] for place in (0, 1))
    y, x = list(dict.fromkeys(rows)).index(row), list(dict.fromkeys(columns)).index(column)
    hands.click_row("confusionMatrix", y, x)


def open_breakdown(hands: Hands, name: str) -> None:
    hands.key("F3")
    hands.open_tab("Breakdown")
    hands.click(hands.named(f"breakdownButton.{name}"))


def test_a_cell_of_the_matrix_lists_its_boxes_and_leads_to_them(person: Hands) -> None:
    hands = person
    open_breakdown(hands, "confusion")
    hands.wait(lambda: matrix(hands), "the matrix")
    # The variant is 30 px too low on the car, which is below an IoU of 0.5.
    assert matrix(hands)["person", "person"] == str(FRAMES - len(LOST_FRAMES))
    assert matrix(hands)["person", "missed"] == str(len(LOST_FRAMES))
    assert matrix(hands)["car", "missed"] == str(FRAMES)
    assert matrix(hands)["background", "car"] == str(FRAMES + 1)
    click_cell(hands, "person", "missed")
    assert hands.column("confusionBoxes", "Frame") == [str(frame) for frame in LOST_FRAMES]
    hands.click_row("confusionBoxes", 1)
    hands.wait(lambda: hands.frame == LOST_FRAMES[1], "the frame of the missed box")
    hands.click(hands.named("confusion.baseline"))
    assert matrix(hands)["car", "car"] == str(FRAMES) and matrix(hands)["person", "missed"] == "0"
    assert hands.rows("confusionBoxes") == []
    click_cell(hands, "background", "car")
    assert hands.column("confusionBoxes", "Frame") == [str(EXTRA_FRAME)]
    hands.click(hands.named("confusion.change"))
    assert matrix(hands)["car", "car"] == f"−{FRAMES}" and matrix(hands)["person", "missed"] == "+2"


def test_the_matrix_follows_the_threshold(person: Hands) -> None:
    hands = person
    open_breakdown(hands, "confusion")
    hands.wait(lambda: matrix(hands) and matrix(hands)["person", "missed"] == str(len(LOST_FRAMES)), "the matrix")
    for _ in range(10):
        hands.key("]")
    hands.wait(lambda: matrix(hands)["person", "missed"] == str(FRAMES), "no person above 0.75")


def test_a_point_on_the_f1_curve_sets_the_confidence(person: Hands) -> None:
    hands = person
    hands.key("F3")
    hands.open_tab("Curves")
    hands.click(hands.named("curves.f1"))
    hands.wait(lambda: hands.reads("base: F1 0.990 at confidence 0.25, best 0.990 at 0.60"), "both points")
    plot = hands.named("f1Plot")
    assert isinstance(plot, pg.PlotWidget)

    def place(confidence: float, f1: float) -> QPoint:
        point = plot.getViewBox().mapViewToScene(QPointF(confidence, f1))
        return plot.viewport().mapToGlobal(plot.mapFromScene(point))

    hands.press(place(0.6, 96 / 97))
    for share in (0.75, 0.5, 0.25, 0.0):
        hands.move(place(0.9 - 0.3 * share, 0.66 + 0.33 * share))
    hands.release()
    hands.wait(lambda: hands.reads("base: F1 0.667 at confidence 0.90"), "the point of the first prediction")


def test_a_track_says_what_flickers_and_leads_to_its_frames(person: Hands) -> None:
    hands = person
    hands.key("F3")
    hands.open_tab("Tracks")
    hands.wait(lambda: hands.rows("trackTimes"), "the tracks")
    rows = {row[0]: row[1:] for row in hands.rows("trackTimes")}
    assert rows["All tracks"][:4] == ["48", "0 → 26", "0 → 0", "0 → 24"]
    assert rows["2"][:4] == ["24", "0 → 2", "0 → 0", "0 → 2"]
    assert rows["2"][4] == "0.0 → 0.0"  # the person and its predictions stand still
    place = [row[0] for row in hands.rows("trackTimes")].index("2")
    hands.click_row("trackTimes", place)
    assert hands.column("trackTimes.boxes", "Frame") == [str(frame) for frame in LOST_FRAMES]
    hands.click_row("trackTimes.boxes", 0)
    hands.wait(lambda: hands.frame == LOST_FRAMES[0], "the first missed frame")
    hands.key("Down")
    hands.key("Return")
    hands.wait(lambda: hands.frame == LOST_FRAMES[1], "the second, by the keyboard")


def test_the_way_from_yolo_vals_number_to_the_ap_is_told(person: Hands) -> None:
    hands = person
    open_breakdown(hands, "steps")
    hands.wait(lambda: hands.rows("breakdown.steps"), "the steps")
    rows = hands.rows("breakdown.steps")
    assert rows[0][0] == "mAP50-95 as printed by yolo val" and rows[0][3] == "0.0000"
    changes = [float(row[3].replace("−", "-")) for row in rows]
    assert float(rows[0][2]) + sum(changes) == pytest.approx(float(rows[-1][2]), abs=5e-4)
    assert hands.cell("variantsTable", 1, "AP").endswith(f"{float(rows[-1][2]):.3f}")
