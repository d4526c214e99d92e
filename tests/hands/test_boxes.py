"""Boxes by keys: copies, classes, flags, moves by pixels, predictions that are accepted."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog

from tests.hands.cases import BASE_IOU, EXTRA, EXTRA_FRAME, PERSON, car
from tests.hands.hands import Hands

TRUTH_COLUMNS = ("x1", "y1", "x2", "y2")


def truth(hands: Hands, folder: Path) -> list[dict[str, str]]:
    """The ground truth as the menu exports it, frame and box by box."""
    target = folder / "truth.csv"
    target.unlink(missing_ok=True)
    with hands.in_dialog(hands.save_as(target)):
        hands.menu("File", "Export as", "Ground truth as CSV…")
    hands.wait(target.exists, "the exported ground truth")
    with target.open(newline="") as file:
        return list(csv.DictReader(file))


def rects(hands: Hands, folder: Path, frame: int) -> list[tuple[float, ...]]:
    rows = [row for row in truth(hands, folder) if int(row["frameID"]) == frame]
    return [tuple(float(row[name]) for name in TRUTH_COLUMNS) for row in rows]


def message(hands: Hands) -> str:
    return str(hands.named("statusMessage").text())  # type: ignore[attr-defined]


def inspected(hands: Hands) -> str:
    """The name of what the inspector edits."""
    return str(hands.named("inspector.title").text())  # type: ignore[attr-defined]


def go_to(hands: Hands, frame: int) -> None:
    """Go to a frame by typing its number."""

    def steps(_dialog: QDialog) -> None:
        hands.type(str(frame))
        hands.key("Return")

    with hands.in_dialog(steps):
        hands.key("Ctrl+G")
    hands.wait(lambda: hands.frame == frame, f"frame {frame}")
    hands.wait(lambda: hands.colour_at((70 + 2 * frame, 120)).lightness() > 150, "the picture of the frame")


def select_car(hands: Hands, frame: int = 0) -> None:
    x1, y1, _, y2 = car(frame)
    hands.click_picture((x1, y1 + 0.3 * (y2 - y1)))


def test_boxes_are_copied_pasted_duplicated_and_propagated(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_car(hands)
    hands.key("Ctrl+D")
    hands.wait(lambda: len(hands.rows("boxesTable")) == 3, "the duplicate")
    x1, y1, x2, y2 = car(0)
    assert rects(hands, tmp_path, 0)[-1] == (x1 + 10, y1 + 10, x2 + 10, y2 + 10)
    hands.key("Ctrl+C")
    hands.wait(lambda: message(hands) == "Copied 1 box", "the message")
    hands.key("D")
    hands.wait(lambda: hands.frame == 1, "the next frame")
    hands.key("Ctrl+V")
    hands.wait(lambda: len(hands.rows("boxesTable")) == 3, "the pasted box")
    assert rects(hands, tmp_path, 1)[-1] == (x1 + 10, y1 + 10, x2 + 10, y2 + 10)

    def three(dialog: QDialog) -> None:
        assert "1–22" in hands.texts(dialog)
        hands.type("3")
        hands.click(hands.button("Copy unchanged", dialog))
        assert "To frame 4; frames where the track has a box stay as they are." in hands.texts(dialog)
        hands.key("Return")

    with hands.in_dialog(three):
        hands.key("Ctrl+B")
    counts = [len(rects(hands, tmp_path, frame)) for frame in (2, 3, 4, 5)]
    assert counts == [3, 3, 3, 2]
    for _ in range(8):
        hands.key("Ctrl+Z")
    assert message(hands) == "Nothing to undo"
    assert len(truth(hands, tmp_path)) == 48


def test_boxes_of_the_previous_frame_are_copied_to_an_emptied_frame(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.key("D")
    hands.wait(lambda: hands.frame == 1, "the next frame")
    hands.key("Ctrl+A", "Del")
    hands.wait(lambda: not {"1", "2"} & set(hands.column("boxesTable", "Track")), "an empty frame")
    hands.key("Shift+V")
    hands.wait(lambda: len(rects(hands, tmp_path, 1)) == 2, "the boxes of the previous frame")
    assert rects(hands, tmp_path, 1) == rects(hands, tmp_path, 0)


def test_a_class_is_chosen_by_digit_by_typing_and_created_by_name(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_car(hands)
    hands.key("2")
    assert hands.cell("boxesTable", 0, "Class") == "person"
    hands.key("9")
    assert message(hands) == "Key 9 has no class. Press C to choose or add one."

    def known(dialog: QDialog) -> None:
        hands.type("ca")
        hands.key("Return")

    def new(dialog: QDialog) -> None:
        hands.type("bicycle")
        hands.key("Return", "Return")  # the second answers the question whether the class is to be created

    with hands.in_dialog(known):
        hands.key("C")
    assert hands.cell("boxesTable", 0, "Class") == "car"
    with hands.in_dialog(new):
        hands.key("C")
    assert hands.cell("boxesTable", 0, "Class") == "bicycle"
    hands.key("W")
    hands.drag_picture((20, 120), (45, 170))
    hands.wait(lambda: len(hands.rows("boxesTable")) == 4, "the box that was drawn")
    # The rows that were read keep their order; a new one follows them.
    assert truth(hands, tmp_path)[-1]["class"] == "bicycle"
    hands.menu("Box", "Class", "person")
    assert truth(hands, tmp_path)[-1]["class"] == "person"


def test_flags_are_set_by_keys_and_an_ignored_box_no_longer_counts(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_car(hands)
    hands.key("J")
    assert hands.cell("boxesTable", 0, "State") == "match" and hands.rows("boxesTable")[0][-1] == "occluded"
    hands.key("O")
    assert hands.cell("boxesTable", 0, "State") == "out of view"
    assert hands.rows("boxesTable")[0][-1] == "occluded, out of view"
    assert hands.reads("Frame 0.500") or hands.reads("Frame 1.000")
    hands.key("O", "I")
    hands.wait(lambda: hands.reads("Frame 1.000"), "the frame without the car")
    assert truth(hands, tmp_path)[0]["flags"] == "occluded ignored"
    hands.menu("Box", "Flags", "Ignore in scores")
    hands.wait(lambda: hands.reads("Frame 0.909"), "the frame with the car")


def test_arrows_move_a_box_and_ctrl_arrows_move_an_edge(person: Hands, tmp_path: Path) -> None:
    hands = person
    x1, y1, x2, y2 = car(0)
    select_car(hands)
    hands.key("Right", "Down", "Shift+Right", "Alt+Up")
    assert rects(hands, tmp_path, 0)[0] == pytest.approx((x1 + 11, y1 + 0.75, x2 + 11, y2 + 0.75))
    hands.move(hands.on_canvas((x2 + 11, 130)))
    hands.key("Ctrl+Right", "Ctrl+Right", "Ctrl+Down")
    found = rects(hands, tmp_path, 0)[0]
    assert found == pytest.approx((x1 + 11, y1 + 0.75, x2 + 13, y2 + 1.75))
    hands.menu("Box", "Move and resize", "Nudge left 10 px")
    assert rects(hands, tmp_path, 0)[0][0] == pytest.approx(x1 + 1)


def test_predictions_are_accepted_by_key_by_double_click_and_all_at_once(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_car(hands)
    hands.key("P")
    hands.wait(lambda: hands.reads("Frame 1.000"), "the accepted prediction")
    assert rects(hands, tmp_path, 0)[0] == car(0, 8)
    hands.key("Ctrl+Z")

    go_to(hands, EXTRA_FRAME)
    hands.double_click(hands.on_canvas((EXTRA[0], 35)))
    hands.wait(lambda: EXTRA in rects(hands, tmp_path, EXTRA_FRAME), "the extra box as ground truth")
    hands.key("Ctrl+Z")
    hands.wait(lambda: EXTRA not in rects(hands, tmp_path, EXTRA_FRAME), "the extra box to go")
    hands.key("Shift+P")
    hands.wait(lambda: EXTRA in rects(hands, tmp_path, EXTRA_FRAME), "the extra box again")
    assert truth(hands, tmp_path)[-1]["class"]


def test_an_edge_snaps_to_the_prediction(person: Hands, tmp_path: Path) -> None:
    hands = person
    x1, y1, x2, y2 = car(0)
    select_car(hands)
    hands.move(hands.on_canvas(((x1 + x2) / 2, y2 + 2)))
    hands.key("G")
    assert rects(hands, tmp_path, 0)[0] == (x1, y1, x2, y2 + 8)
    assert hands.reads(f"Frame {(80 / 88 + 1) / 2:.3f}")
    hands.click(hands.button("Undo Snap bottom edge of car 1"))
    assert hands.reads(f"Frame {(BASE_IOU + 1) / 2:.3f}")
    hands.click(hands.button("Redo Snap bottom edge of car 1"))
    assert rects(hands, tmp_path, 0)[0] == (x1, y1, x2, y2 + 8)


def test_tracks_are_split_merged_and_followed_by_key_frames(person: Hands, tmp_path: Path) -> None:
    hands = person

    def ids(frame: int) -> list[str]:
        return [row["id"] for row in truth(hands, tmp_path) if int(row["frameID"]) == frame]

    go_to(hands, 3)
    select_car(hands, 3)
    hands.key("Y")
    assert ids(2) == ["1", "2"]
    assert "1" not in ids(3)
    hands.key("Ctrl+Z")
    assert ids(3) == ["1", "2"]
    hands.key("Ctrl+A", "Ctrl+T", "Return")  # Enter answers the question
    assert (ids(2), ids(3), ids(4)) == (["1", "2"], ["2", "1"], ["2", "1"])
    hands.key("Ctrl+Z", "Esc", "E")
    assert message(hands) == "Next key frame: needs a selected box with a track"


def test_escape_cancels_a_drag_and_then_clears_the_selection(person: Hands, tmp_path: Path) -> None:
    hands = person
    _, y1, x2, y2 = car(0)
    select_car(hands)
    hands.press_picture((x2, (y1 + y2) / 2))
    hands.move_picture((x2 + 30, (y1 + y2) / 2))
    hands.wait(lambda: not hands.reads("Frame 0.909"), "the score during the drag")
    hands.key("Esc")
    hands.release()
    hands.wait(lambda: hands.reads("Frame 0.909"), "the earlier score")
    assert rects(hands, tmp_path, 0)[0] == car(0)
    assert inspected(hands) == "car 1"
    hands.key("Esc")
    assert hands.named("frameSummary").isVisible()


def test_tab_goes_through_the_boxes_and_the_mouse_selects_in_the_table(person: Hands) -> None:
    hands = person
    hands.click_picture((150, 220))
    hands.key("Tab")
    assert inspected(hands) == "car 1"
    hands.key("Tab")
    assert inspected(hands) == "person 2"
    hands.key("Shift+Tab")
    assert inspected(hands) == "car 1"
    hands.click_row("boxesTable", 1)
    assert inspected(hands) == "person 2"
    hands.key("Up")
    assert inspected(hands) == "car 1"


def test_a_tool_tip_says_what_a_box_is_and_how_it_matches(person: Hands) -> None:
    hands = person
    text = hands.tooltip_at(hands.on_canvas((PERSON[0], 70)))
    assert text.splitlines() == ["Ground truth: person 2", "base: IoU 1.000", "other: IoU 1.000"]
    text = hands.tooltip_at(hands.on_canvas((100, car(0, 8)[3])))
    assert text.splitlines()[0] in ("base: car, confidence 0.900", "other: car, confidence 0.800")
    assert text.splitlines()[1].startswith("Paired with car 1: IoU ")
    go_to(hands, EXTRA_FRAME)
    text = hands.tooltip_at(hands.on_canvas((EXTRA[0], 35)))
    assert text.splitlines()[-1] == "Extra. No ground truth overlaps it."
    go_to(hands, 10)
    text = hands.tooltip_at(hands.on_canvas((PERSON[0], 70)))
    assert text.splitlines()[-1] == "other: missed. No prediction overlaps it."
