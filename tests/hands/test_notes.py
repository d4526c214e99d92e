"""Notes by hand: written on a box and on a frame, marked as done, kept by the project, exported, edited and deleted."""

from __future__ import annotations

import csv
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.hands.cases import PERSON, Case
from tests.hands.hands import Hands
from tests.ui.window import opened_window

MIDDLE = ((PERSON[0] + PERSON[2]) / 2, (PERSON[1] + PERSON[3]) / 2)


def notes(hands: Hands) -> list[str]:
    return [row[0] for row in hands.rows("notesTable")] if hands.sees("notesTable") else []


def write_note(hands: Hands, text: str) -> None:
    hands.key("Ctrl+M")
    hands.wait(lambda: hands.named("noteEditor").hasFocus(), "the editor with the keyboard")
    hands.type(text)
    hands.key("Ctrl+Return")


def test_a_note_on_a_box_is_written_done_kept_and_exported(qtbot: QtBot, case: Case, tmp_path: Path) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.key("D", "D")
        hands.click_picture(MIDDLE)
        hands.key("Ctrl+M")
        hands.wait(lambda: hands.named("noteEditor").hasFocus(), "the editor with the keyboard")
        assert hands.reads("on person 2, frame 2")
        hands.type("Is the arm part of it? d w n")
        hands.key("Ctrl+Return")
        hands.wait(lambda: hands.canvas.hasFocus(), "the canvas with the keyboard")
        assert len(notes(hands)) == 1 and notes(hands)[0].startswith("person 2, frame 2, ")
        assert notes(hands)[0].endswith("today, open: Is the arm part of it? d w n")
        hands.key("Escape", "End")
        write_note(hands, "Reflection")
        assert notes(hands)[0].startswith("frame 23, ")
        hands.wait(lambda: hands.reads_tab("Notes 2"), "the number in the tab")
        hands.click_row("notesTable", 1)
        hands.wait(lambda: hands.reads("on person 2, frame 2"), "the box of the note, selected on its frame")
        hands.key("Space")
        hands.wait(lambda: "done: Is the arm" in notes(hands)[1], "the note, done")
        hands.wait(lambda: hands.reads_tab("Notes 1"), "one open note")
        chosen = hands.named("notesShown")
        assert isinstance(chosen, QComboBox)
        hands.choose(chosen, "Open 1")
        assert [text.split(", ")[0] for text in notes(hands)] == ["frame 23"]
        hands.choose(chosen, "All 2")
    with opened_window(qtbot, OpenRequest(video=case.video)) as window:
        hands = Hands(qtbot, window)
        hands.open_tab("Notes")  # in a narrow window only the open tab has its number
        hands.wait(lambda: hands.reads_tab("Notes 1"), "the notes of the project")
        hands.open_tab("Notes")
        assert [text.split(": ")[1] for text in notes(hands)] == ["Reflection", "Is the arm part of it? d w n"]
        out = tmp_path / "notes.csv"
        with hands.in_dialog(hands.save_as(out)):
            hands.menu("File", "Export as", "Notes (CSV)…")
        hands.wait(out.exists, "the exported file")
        with out.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [(row["frameID"], row["on"], row["object"], row["text"], row["done"]) for row in rows] == [
            ("2", "box", "person 2", "Is the arm part of it? d w n", "1"),
            ("23", "frame", "", "Reflection", "0"),
        ]
        hands.key("Ctrl+Z")


def test_the_notes_of_a_deleted_box_come_back_with_undo(person: Hands) -> None:
    hands = person
    hands.click_picture(MIDDLE)
    write_note(hands, "Cut off")
    hands.key("Del")
    hands.wait(lambda: not notes(hands), "no note without its box")
    hands.key("Ctrl+Z")
    hands.wait(lambda: len(notes(hands)) == 1, "the note again")
    hands.key("Ctrl+Z")
    hands.wait(lambda: not notes(hands), "no note before it was written")
    labels = [label.text() for label in hands.window.findChildren(QLabel) if label.isVisible()]
    assert any("adds a note to the selected box or this frame" in text for text in labels)


def test_esc_leaves_the_editor_and_its_text_stays(person: Hands) -> None:
    hands = person
    hands.key("Ctrl+M")
    hands.type("not yet")
    hands.key("Escape")
    assert hands.canvas.hasFocus() and notes(hands) == []
    hands.click_picture(MIDDLE)
    hands.key("Ctrl+M")
    assert hands.reads("on frame 0"), "the text was begun on the frame"
    hands.key("Ctrl+Return")
    hands.wait(lambda: notes(hands) and notes(hands)[0].endswith(": not yet"), "the note")


def test_a_note_is_put_on_the_source_by_mouse_and_deleted_by_key(person: Hands) -> None:
    hands = person
    hands.open_tab("Notes")
    hands.choose_from(hands.named("noteTarget"), "on clip.avi")
    hands.wait(lambda: hands.named("noteEditor").hasFocus(), "the editor with the keyboard")
    hands.type("Held out")
    hands.click(hands.button("Add note"))
    hands.wait(lambda: notes(hands) and notes(hands)[0].startswith("clip.avi, source, "), "the note on the source")
    before = len(hands.rows("boxesTable")) if hands.sees("boxesTable") else None
    hands.click_row("notesTable", 0)
    hands.key("Del")
    hands.wait(lambda: not notes(hands), "no note")
    assert before is None
    hands.key("Ctrl+Z")
    hands.wait(lambda: len(notes(hands)) == 1, "the note again")


def test_the_menu_of_a_note_changes_its_text_and_state(person: Hands) -> None:
    hands = person
    write_note(hands, "Reflection")
    hands.click_row("notesTable", 0)
    hands.context_menu(hands.row_centre("notesTable", 0), "Change text of note")
    hands.wait(lambda: hands.named("noteEditor").hasFocus(), "the editor with the text")
    hands.type("?")
    hands.click(hands.button("Save note"))
    hands.wait(lambda: notes(hands)[0].endswith("open: Reflection?"), "the changed text")
    hands.context_menu(hands.row_centre("notesTable", 0), "Mark note as done or open")
    hands.wait(lambda: notes(hands)[0].endswith("done: Reflection?"), "the note, done")
    hands.key("Ctrl+Z", "Ctrl+Z")
    hands.wait(lambda: notes(hands)[0].endswith("open: Reflection"), "both undone")


def test_a_verified_frame_is_returned_with_a_note_and_undone(person: Hands) -> None:
    hands = person
    hands.key("S", "A")
    hands.wait(lambda: hands.reads("1 of 24 frames verified"), "the frame, verified")
    hands.menu("Frame", "Return with note…")
    hands.wait(lambda: hands.named("noteEditor").hasFocus(), "the editor with the keyboard")
    hands.wait(lambda: hands.reads("returns frame 0"), "what the note will do")
    hands.type("The feet are cut off.")
    hands.key("Ctrl+Return")
    hands.wait(lambda: hands.reads("0 of 24 frames verified"), "the frame, open again")
    assert [text.split(": ")[-1] for text in notes(hands)] == ["The feet are cut off."]
    hands.key("Ctrl+Z")
    hands.wait(lambda: hands.reads("1 of 24 frames verified"), "the frame, verified again")
    assert notes(hands) == []
