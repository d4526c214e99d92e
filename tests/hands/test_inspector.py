"""Inspector and lists by hand: class of a track, track id, coordinates, flags in a scope, filters, whole tracks."""

from __future__ import annotations

import csv
from pathlib import Path

from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit

from tests.hands.cases import PERSON, car
from tests.hands.hands import Hands

PERSON_MIDDLE = ((PERSON[0] + PERSON[2]) / 2, (PERSON[1] + PERSON[3]) / 2)


def truth(hands: Hands, folder: Path) -> list[dict[str, str]]:
    """The ground truth as the menu exports it."""
    target = folder / "truth.csv"
    target.unlink(missing_ok=True)
    with hands.in_dialog(hands.save_as(target)):
        hands.menu("File", "Export as", "Ground truth as CSV…")
    hands.wait(target.exists, "the exported ground truth")
    with target.open(newline="") as file:
        return list(csv.DictReader(file))


def column(hands: Hands, folder: Path, name: str, track: str) -> list[str]:
    return [row[name] for row in truth(hands, folder) if row["id"] == track]


def field(hands: Hands, name: str) -> QLineEdit:
    found = hands.named(f"inspector.{name}")
    assert isinstance(found, QLineEdit)
    return found


def choice(hands: Hands, name: str) -> QComboBox:
    found = hands.named(f"inspector.{name}")
    assert isinstance(found, QComboBox)
    return found


def text(hands: Hands, name: str) -> str:
    found = hands.named(name)
    assert isinstance(found, QLabel | QAbstractButton)
    return found.text()


def message(hands: Hands) -> str:
    return text(hands, "statusMessage")


def select_person(hands: Hands) -> None:
    hands.click_picture(PERSON_MIDDLE)
    hands.wait(lambda: text(hands, "inspector.title") == "person 2", "person 2 in the inspector")


def select_car(hands: Hands, at: int = 0) -> None:
    x1, y1, _x2, y2 = car(at)
    hands.click_picture((x1 + 10, y1 + 0.3 * (y2 - y1)))
    hands.wait(lambda: text(hands, "inspector.title") == "car 1", "car 1 in the inspector")


def test_the_class_of_a_whole_track_is_chosen_in_the_inspector(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_person(hands)
    assert text(hands, "inspector.span") == "0–23 · 24 boxes"
    hands.choose(choice(hands, "class"), "car")
    hands.wait(lambda: text(hands, "inspector.title") == "car 2", "the new class")
    assert set(column(hands, tmp_path, "class", "2")) == {"car"}
    hands.key("Escape", "Ctrl+Z")
    assert set(column(hands, tmp_path, "class", "2")) == {"person"}


def test_a_class_is_typed_for_one_frame_only(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_person(hands)
    hands.click(hands.named("inspector.scope.frame"))
    hands.key("Ctrl+I")
    hands.type("car")
    hands.key("Return")
    hands.wait(lambda: text(hands, "inspector.title") == "car 2", "the new class")
    classes = column(hands, tmp_path, "class", "2")
    assert classes[0] == "car" and set(classes[1:]) == {"person"}


def test_an_unknown_class_is_created_when_it_is_entered_twice(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_person(hands)
    hands.key("Ctrl+I")
    hands.type("bicycle")
    hands.key("Return")
    assert message(hands) == "There is no class bicycle. Press Enter again to create it."
    assert set(column(hands, tmp_path, "class", "2")) == {"person"}
    hands.key("Ctrl+I")
    hands.type("bicycle")
    hands.key("Return", "Return")
    assert set(column(hands, tmp_path, "class", "2")) == {"bicycle"}


def test_a_track_id_is_typed_and_letters_are_no_commands_there(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_person(hands)
    hands.key("Shift+C")
    assert choice(hands, "track").hasFocus()
    hands.type("wdk")
    assert choice(hands, "track").currentText() == "wdk" and hands.frame == 0
    hands.key("Return")
    assert message(hands) == "Type a track id, “new” or “none”."
    hands.key("Ctrl+A")
    hands.type("77")
    hands.key("Return")
    hands.wait(lambda: text(hands, "inspector.title") == "person 77", "the new track")
    assert len(column(hands, tmp_path, "x1", "77")) == 24
    hands.key("Escape")
    assert hands.canvas.hasFocus() and text(hands, "inspector.title") == "person 77"
    hands.key("Ctrl+Z")
    assert len(column(hands, tmp_path, "x1", "2")) == 24


def test_two_boxes_of_one_track_on_a_frame_are_refused(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_person(hands)
    hands.key("Shift+C")
    hands.type("1")
    hands.key("Return")
    assert message(hands).startswith("Track 1 already has a box on this frame.")
    hands.key("Escape")
    assert choice(hands, "track").currentText() == "2"
    assert len(column(hands, tmp_path, "x1", "2")) == 24


def test_a_click_on_another_box_gives_its_track(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_person(hands)
    hands.click(hands.named("inspector.scope.frame"))
    hands.key("Shift+C")
    hands.type("new")
    hands.key("Return", "Escape")
    hands.wait(lambda: text(hands, "inspector.title") == "person 3", "a new track")
    hands.key("D")
    hands.wait(lambda: hands.frame == 1, "the next frame")
    hands.click_picture((PERSON[0] + 8, PERSON[1] + 8))
    hands.key("Shift+C")
    x1, y1, _x2, y2 = car(1)
    hands.click_picture((x1 + 10, (y1 + y2) / 2))
    assert message(hands).startswith("Track 1 already has a box on this frame.")
    assert text(hands, "inspector.title") == "person 2"
    assert len(column(hands, tmp_path, "x1", "3")) == 1


def test_coordinates_are_typed_calculated_and_stepped(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_person(hands)
    assert [field(hands, name).text() for name in "xywh"] == ["240.0", "40.0", "40.0", "60.0"]
    hands.click(field(hands, "x"))
    hands.key("Ctrl+A")
    hands.type("+5")
    hands.key("Return")
    assert field(hands, "x").text() == "245.0"
    hands.key("Up", "Shift+Down", "Alt+Up")
    assert field(hands, "x").text() == "236.1"
    hands.click(field(hands, "w"))
    hands.key("Ctrl+A")
    hands.type("*1.5")
    hands.key("Tab")
    assert field(hands, "w").text() == "60.0"
    hands.key("Ctrl+A")
    hands.type("wide")
    hands.key("Return")
    assert message(hands) == "Type a number, +5, -=5, *1.1 or /2"
    hands.key("Escape")
    assert field(hands, "h").text() == "60.0" and hands.canvas.hasFocus()
    [box] = [row for row in truth(hands, tmp_path) if row["id"] == "2" and row["frameID"] == "0"]
    assert [float(box[name]) for name in ("x1", "y1", "x2", "y2")] == [236.1, 40.0, 296.1, 100.0]
    hands.key("Ctrl+Z")
    assert field(hands, "w").text() == "40.0"


def test_flags_have_a_scope_that_is_remembered_by_the_buttons(person: Hands, tmp_path: Path) -> None:
    hands = person
    select_person(hands)
    hands.click(hands.named("inspector.occluded"))
    hands.wait(lambda: hands.cell("boxesTable", 1, "State") == "match", "the list")
    assert hands.rows("boxesTable")[1][-1] == "occluded"
    hands.key("D")
    hands.wait(lambda: hands.frame == 1, "the next frame")
    # Every box of the file is a key frame, so the flag ends with this one.
    assert hands.rows("boxesTable")[1][-1] == ""
    hands.click(hands.named("inspector.scope.track"))
    hands.click(hands.named("inspector.occluded"))
    hands.wait(lambda: hands.rows("boxesTable")[1][-1] == "occluded", "the flag")
    hands.key("End")
    hands.wait(lambda: hands.frame == 23, "the last frame")
    assert hands.rows("boxesTable")[1][-1] == "occluded"
    hands.key("Ctrl+Z", "Ctrl+Z")
    assert hands.rows("boxesTable")[1][-1] == ""


def test_several_boxes_show_a_dash_where_they_differ_and_are_edited_together(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.click(hands.canvas.viewport().mapToGlobal(hands.canvas.viewport().rect().topLeft()))
    hands.key("Ctrl+A")
    hands.wait(lambda: text(hands, "inspector.title") == "2 boxes", "both boxes")
    assert choice(hands, "class").currentText() == "–" and choice(hands, "track").currentText() == "–"
    assert [field(hands, name).text() for name in "xywh"] == ["–"] * 4
    hands.click(field(hands, "y"))
    hands.key("Ctrl+A")
    hands.type("20")
    hands.key("Return", "Escape")
    tops = [float(row["y1"]) for row in truth(hands, tmp_path) if row["frameID"] == "0"]
    assert tops == [20.0, 20.0]
    assert field(hands, "y").text() == "20.0"
    hands.key("Ctrl+Z")
    tops = [float(row["y1"]) for row in truth(hands, tmp_path) if row["frameID"] == "0"]
    assert tops == [80.0, 40.0]


def test_a_prediction_is_accepted_in_the_inspector(person: Hands) -> None:
    hands = person
    hands.key("D", "D", "D", "D", "D")
    hands.wait(lambda: len(hands.rows("boxesTable")) == 3, "the extra prediction")
    hands.click_row("boxesTable", 2, 3)
    hands.wait(lambda: text(hands, "inspector.title") == "base: car", "the prediction")
    assert field(hands, "x").isReadOnly()
    assert text(hands, "inspectorText").startswith("Extra.")
    hands.click(hands.button("Accept P"))
    hands.wait(lambda: text(hands, "inspector.title") != "base: car", "a new box")
    assert [row[5] for row in hands.rows("boxesTable")] == ["match"] * 3


def test_without_a_selection_the_inspector_sums_up_the_frame(person: Hands) -> None:
    hands = person
    summary = hands.named("frameSummary")
    assert {"Frame 0", "Boxes", "2", "Missed", "0", "Frame IoU"} <= set(hands.texts(summary))
    hands.click(hands.button("Verify S", summary))
    hands.wait(lambda: hands.frame == 1, "the next frame")
    hands.key("A")
    hands.wait(lambda: "Verified" in hands.texts(hands.named("frameSummary")), "the state of the frame")


def test_the_list_of_boxes_is_filtered_sorted_and_goes_to_a_box(person: Hands) -> None:
    hands = person
    hands.key("Ctrl+F")
    hands.wait(lambda: hands.named("boxesFilter").hasFocus(), "the filter")
    hands.type("person")
    assert [row[1] for row in hands.rows("boxesTable")] == ["2"]
    hands.key("Return", "Return")
    hands.wait(lambda: hands.canvas.hasFocus(), "the canvas with the keyboard")
    assert text(hands, "inspector.title") == "person 2"
    hands.key("Ctrl+F", "Escape")
    assert len(hands.rows("boxesTable")) == 2


def test_a_box_out_of_view_stays_in_the_list(person: Hands) -> None:
    hands = person
    select_person(hands)
    hands.key("O")
    hands.wait(lambda: hands.cell("boxesTable", 1, "State") == "out of view", "the box")
    assert text(hands, "inspectorText") == "Out of view: not counted."


def test_a_track_in_the_list_is_selected_on_its_nearest_frame(person: Hands) -> None:
    hands = person
    hands.key("W")
    hands.drag_picture((20, 20), (60, 60))
    hands.key("Shift+C")
    hands.type("50")
    hands.key("Return", "Escape", "End")
    hands.wait(lambda: hands.frame == 23, "the last frame")
    hands.open_tab("Tracks")
    hands.wait(lambda: [row[1] for row in hands.rows("tracksTable")] == ["1", "2", "50"], "the tracks")
    hands.wait(lambda: hands.cell("tracksTable", 0, "IoU").startswith("0."), "the mean IoU")
    assert hands.cell("tracksTable", 0, "Frames") == "0–23" and hands.cell("tracksTable", 0, "Boxes") == "24"
    hands.click_row("tracksTable", 2, 1)
    hands.wait(lambda: hands.frame == 0, "the frame of the track")
    hands.wait(lambda: text(hands, "inspector.title").endswith("50"), "the track in the inspector")
    hands.key("Ctrl+F")
    hands.type("len<5")
    assert [row[1] for row in hands.rows("tracksTable")] == ["50"]
    hands.key("Escape")
    assert len(hands.rows("tracksTable")) == 3


def test_several_tracks_are_deleted_in_one_step(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.open_tab("Tracks")
    hands.click_row("tracksTable", 0, 1)
    hands.key("Ctrl+A")
    hands.wait(lambda: hands.button("Delete 48 boxes"), "the button")
    hands.click(hands.button("Delete 48 boxes"))
    hands.wait(lambda: hands.reads("No tracks."), "no track")
    assert truth(hands, tmp_path) == []
    hands.key("Ctrl+Z")
    assert len(truth(hands, tmp_path)) == 48
    hands.wait(lambda: len(hands.rows("tracksTable")) == 2, "the tracks")


def test_the_numbers_of_the_match_follow_a_drag(person: Hands) -> None:
    hands = person
    select_car(hands)
    before = text(hands, "inspectorIoU")
    x1, y1, x2, y2 = car(0)
    middle = (y1 + y2) / 2
    hands.press_picture((x2, middle))
    hands.move_picture((x2 - 12, middle))
    hands.wait(lambda: text(hands, "inspectorIoU") != before, "another IoU")
    assert text(hands, "inspectorDelta").startswith("−0.")
    assert float(field(hands, "w").text()) < x2 - x1
    hands.release()
    hands.key("Ctrl+Z")
    hands.wait(lambda: text(hands, "inspectorIoU") == before, "the IoU before")
    hands.click(hands.named("inspector.family"))
    family = hands.texts(hands.named("inspector"))
    assert {"GIoU", "DIoU", "CIoU", "base", "other", "+8.0"} <= set(family)
    assert x1 < x2 and y1 < y2


def test_a_note_on_a_box_is_written_changed_and_removed_in_the_inspector(person: Hands) -> None:
    hands = person
    select_person(hands)
    hands.click(field(hands, "note"))
    hands.type("Is it wide?")
    hands.key("Return", "Escape")
    hands.wait(lambda: hands.reads_tab("Notes 1"), "the number in the tab")
    select_car(hands)
    assert field(hands, "note").text() == ""
    hands.click_picture((PERSON[0] + 8, PERSON[1] + 8))
    assert field(hands, "note").text() == "Is it wide?"
    hands.click(field(hands, "note"))
    hands.key("Ctrl+A", "Delete", "Return")
    hands.wait(lambda: hands.reads_tab("Notes"), "no note")
    hands.key("Ctrl+Z")
    hands.wait(lambda: hands.reads_tab("Notes 1"), "the note again")
