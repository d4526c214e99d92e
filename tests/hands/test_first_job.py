"""A first session with mouse and keys alone: open, draw, drag, read the scores, undo, export."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.hands.hands import Hands
from tests.ui.window import opened_window, small_case, square


@pytest.fixture
def hands(qtbot: QtBot, tmp_path: Path) -> Iterator[Hands]:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        yield Hands(qtbot, window)


def frame_iou(hands: Hands) -> float:
    """The frame's IoU as the line of scores shows it."""
    [shown] = [text for text in hands.texts() if text.startswith("Frame 0.")]
    return float(shown.split()[1])


def test_draw_drag_undo_and_export(hands: Hands, tmp_path: Path) -> None:
    x1, y1, x2, y2 = square(0)
    hands.wait(lambda: len(hands.rows("boxesTable")) == 1, "the box of the first frame")
    first = frame_iou(hands)
    assert first == pytest.approx(72 / 88, abs=0.005)  # the prediction is 8 px to the right

    hands.key("W")
    hands.drag_picture((20, 20), (50, 45))
    hands.wait(lambda: len(hands.rows("boxesTable")) == 2, "the box that was drawn")
    assert frame_iou(hands) == pytest.approx(first / 2, abs=0.005)  # nothing matches it

    hands.click_picture((x1, (y1 + y2) / 2))
    hands.press_picture((x2, (y1 + y2) / 2))
    hands.move_picture((x2 + 8, (y1 + y2) / 2))
    hands.wait(lambda: frame_iou(hands) == pytest.approx(80 / 88 / 2, abs=0.005), "the score before the release")
    hands.release()
    assert frame_iou(hands) == pytest.approx(80 / 88 / 2, abs=0.005)

    hands.key("Ctrl+Z")
    assert frame_iou(hands) == pytest.approx(first / 2, abs=0.005)
    hands.key("Ctrl+Z")
    hands.wait(lambda: len(hands.rows("boxesTable")) == 1, "the drawn box to disappear")
    hands.key("Ctrl+Y", "Ctrl+Y")
    assert frame_iou(hands) == pytest.approx(80 / 88 / 2, abs=0.005)

    target = tmp_path / "scores.csv"
    with hands.in_dialog(hands.save_as(target)):
        hands.menu("File", "Export as", "IoU by frame (CSV)…")
    hands.wait(target.exists, "the CSV file")
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:2] == ["frameID", "iou"]
    assert float(rows[0]["iou"]) == pytest.approx(80 / 88 / 2, abs=0.005)  # the mouse has whole pixels of the screen
    assert float(rows[1]["iou"]) == pytest.approx(72 / 88, abs=1e-9)


def test_a_box_is_deleted_and_restored_by_keys_alone(hands: Hands) -> None:
    x1, y1, _, y2 = square(0)
    hands.wait(lambda: len(hands.rows("boxesTable")) == 1, "the box of the first frame")
    hands.click_picture((x1, (y1 + y2) / 2))
    hands.key("Del")
    hands.wait(lambda: "match" not in hands.column("boxesTable", "State"), "the box to disappear")
    hands.key("Ctrl+Z")
    hands.wait(lambda: len(hands.rows("boxesTable")) == 1, "the box to reappear")


def test_frames_are_stepped_by_key_and_by_button(hands: Hands) -> None:
    hands.wait(lambda: hands.frame == 0, "the first frame")
    hands.key("D")
    hands.wait(lambda: hands.frame == 1, "the next frame")
    hands.click(hands.button("First frame"))
    hands.wait(lambda: hands.frame == 0, "the first frame again")
