"""The Help menu by mouse and keys."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from PySide6.QtWidgets import QDialog, QLabel, QMessageBox, QTextBrowser

from iouviewer.ui.help.terms import TERMS
from tests.hands.hands import Hands


def panel(hands: Hands, name: str) -> QTextBrowser:
    hands.wait(lambda: hands.window.findChild(QDialog, name), "the panel")
    found = hands.window.findChild(QTextBrowser, f"{name}Text")
    assert found is not None and found.isVisible()
    return found


def test_numbers_are_explained_for_what_has_the_focus_and_k_shows_the_keys(person: Hands) -> None:
    hands = person
    hands.key("F1")
    text = panel(hands, "numbersHelp")
    assert "matched, loose" in text.toPlainText() and "Panoptic quality" in text.toPlainText()

    def sheet(dialog: QDialog) -> None:
        assert dialog.findChild(QLabel, "keySheetStatus") is not None
        hands.key("Esc")

    with hands.in_dialog(sheet):
        hands.key("K")


def test_terms_say_what_the_glossary_says() -> None:
    glossary = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
    plain = re.sub(r"[*`]", "", glossary)
    rows = {cells[1].strip(): cells[2].strip() for line in plain.splitlines() if len(cells := line.split("|")) > 3}
    for _key, term, definition in TERMS:
        assert rows[term] == definition


def test_release_notes_are_shown(person: Hands) -> None:
    hands = person
    hands.menu("Help", "Release notes")
    assert "Unreleased" in panel(hands, "releaseNotes").toPlainText()


def test_a_report_says_what_is_inside_and_is_written(person: Hands, tmp_path: Path) -> None:
    hands = person
    target = tmp_path / "report.zip"

    def agree(dialog: QDialog) -> None:
        assert isinstance(dialog, QMessageBox)
        assert "nothing is sent" in dialog.text() and "versions.txt" in dialog.text()
        hands.click(hands.button("Save report…", dialog))

    with hands.in_dialog(agree, hands.save_as(target)):
        hands.menu("Help", "Report a problem…")
    hands.wait(target.exists, "the report")
    with zipfile.ZipFile(target) as report:
        assert "versions.txt" in report.namelist()
        assert report.read("versions.txt").startswith(b"iouviewer ")
    assert hands.reads("Nothing was sent")


def test_getting_started_opens_the_sample(empty: Hands) -> None:
    hands = empty
    hands.menu("Help", "Getting started")
    hands.wait(lambda: hands.reads("drag this edge"), "the first hint of the sample")


def test_about_names_version_and_licence(person: Hands) -> None:
    hands = person

    def read(dialog: QDialog) -> None:
        assert isinstance(dialog, QMessageBox)
        assert dialog.text().startswith("iouviewer ") and "Apache" in dialog.informativeText()
        hands.key("Esc")

    with hands.in_dialog(read):
        hands.menu("Help", "About")
