"""The Help menu by mouse and keys."""

from __future__ import annotations

import json
import re
from pathlib import Path

from PySide6.QtWidgets import QApplication, QDialog, QLabel, QMessageBox, QPlainTextEdit, QTextBrowser

from iouviewer.ui.help.terms import TERMS
from tests.hands.cases import Case
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


def report_parts(dialog: QDialog) -> tuple[QPlainTextEdit, QPlainTextEdit]:
    words, text = (dialog.findChild(QPlainTextEdit, name) for name in ("reportWords", "reportText"))
    assert words is not None and text is not None and text.isReadOnly()
    return words, text


def test_a_report_is_shown_whole_and_saved_as_it_was_shown(person: Hands, tmp_path: Path) -> None:
    hands = person
    target = tmp_path / "report.txt"
    shown: list[str] = []

    def look_and_save(dialog: QDialog) -> None:
        assert "Nothing is sent" in " ".join(hands.texts(dialog))
        words, text = report_parts(dialog)
        hands.click(words)
        hands.type("The box jumped when I let go")
        shown.append(text.toPlainText())
        # The file dialog opens within this step, where a second step would wait for the end of this one.
        with hands.in_dialog(hands.save_as(target)):
            hands.click(hands.button("Save report…", dialog))

    with hands.in_dialog(look_and_save):
        hands.menu("Help", "Report a problem…")
    hands.wait(target.exists, "the report")
    assert target.read_text(encoding="utf-8") == shown[0]
    assert "The box jumped when I let go" in shown[0]
    for title in ("== Versions ==\niouviewer ", "== Settings ==", "== Log =="):
        assert title in shown[0]
    assert hands.reads("Nothing was sent")


def test_a_report_shortens_private_paths(person: Hands, case: Case, private_home: Path) -> None:
    hands = person
    folder = "/srv/customers/Secret Corp/night shift"
    log = private_home / "log"
    log.mkdir(exist_ok=True)
    lines = [f"cannot read {folder}/clip.mp4: gone", f"opened '{folder}/more films/b.mp4'", f"at {case.video.parent}/x"]
    lines += [
        '  File "/opt/work/iouviewer/ui/start.py", line 7, in run',
        "C:\\Users\\Ann\\films\\c.avi",
        "http://a/b 1/2",
    ]
    (log / "iouviewer.log").write_text("\n".join(lines), encoding="utf-8")
    (private_home / "config" / "settings.json").write_text(json.dumps({"recent": [f"{folder}/clip.mp4"]}))
    shown: list[str] = []

    def look(dialog: QDialog) -> None:
        shown.append(report_parts(dialog)[1].toPlainText())
        hands.click(hands.button("Cancel", dialog))

    with hands.in_dialog(look):
        hands.menu("Help", "Report a problem…")
    assert "clip.mp4: gone" in shown[0] and "'…/b.mp4'" in shown[0] and "…/c.avi" in shown[0]
    assert '"…/iouviewer/ui/start.py", line 7' in shown[0]
    assert "http://a/b 1/2" in shown[0], "no path of this machine"
    for private in ("customers", "Secret", "shift", "films", "Ann", str(case.video.parent)):
        assert private not in shown[0]


def test_the_text_of_a_report_can_be_copied(person: Hands) -> None:
    hands = person
    shown: list[str] = []

    def copy(dialog: QDialog) -> None:
        shown.append(report_parts(dialog)[1].toPlainText())
        hands.click(hands.button("Copy text", dialog))
        hands.key("Esc")

    with hands.in_dialog(copy):
        hands.menu("Help", "Report a problem…")
    assert QApplication.clipboard().text() == shown[0] != ""


def test_getting_started_opens_the_sample(empty: Hands) -> None:
    hands = empty
    hands.menu("Help", "Getting started")
    hands.wait(lambda: hands.reads("Drag this edge"), "the first hint of the sample")


def test_about_names_version_and_licence(person: Hands) -> None:
    hands = person

    def read(dialog: QDialog) -> None:
        assert isinstance(dialog, QMessageBox)
        assert dialog.text().startswith("iouviewer ") and "Apache" in dialog.informativeText()
        hands.key("Esc")

    with hands.in_dialog(read):
        hands.menu("Help", "About")
