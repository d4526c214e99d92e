"""The Help menu by mouse and keys."""

from __future__ import annotations

import json
import re
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QMessageBox,
    QPlainTextEdit,
    QTextBrowser,
)

from iouviewer.ui.help.manual_pages import PAGES, PLACE_OF_TERM, PLACE_OF_WIDGET, sections
from iouviewer.ui.help.terms import TERMS, all_terms
from tests.hands.cases import Case
from tests.hands.hands import Hands


def panel(hands: Hands, name: str) -> QTextBrowser:
    hands.wait(lambda: hands.window.findChild(QDialog, name), "the panel")
    found = hands.window.findChild(QTextBrowser, f"{name}Text")
    assert found is not None and found.isVisible()
    return found


def top_line(text: QTextBrowser) -> str:
    """The heading at the top of what is seen."""
    return text.cursorForPosition(QPoint(text.width() // 4, 24)).block().text()


def test_f1_opens_the_page_of_what_has_the_focus_and_k_shows_the_keys(person: Hands) -> None:
    hands = person
    hands.key("F1")
    text = panel(hands, "manual")
    assert top_line(text) == "Correct a box" and "Hold Z for a loupe" in text.toPlainText()

    def sheet(dialog: QDialog) -> None:
        assert dialog.findChild(QLabel, "keySheetStatus") is not None
        hands.key("Esc")

    with hands.in_dialog(sheet):
        hands.key("K")


def test_the_manual_is_searched_and_links_lead_on_and_back(person: Hands) -> None:
    hands = person
    hands.menu("Help", "Manual")
    text = panel(hands, "manual")
    manual = text.window()
    field = manual.findChild(QLineEdit, "manualSearch")
    hands.click(field)
    hands.type("score floor")
    hits = manual.findChild(QListWidget, "manualPages")
    assert hits.count() > 1 and all("\n" in hits.item(row).text() for row in range(hits.count()))
    hands.key("Return")
    first = hits.item(0).text().splitlines()[0]
    assert first in text.toPlainText()
    assert "score floor" in text.toPlainText().casefold()
    hands.click(field)
    hands.key("Ctrl+A")
    hands.type("no such word anywhere")
    assert "Nothing has" in hits.item(0).text()
    hands.key("Ctrl+A", "Del")
    assert hits.count() == len(PAGES)
    row = [hits.item(place).text() for place in range(hits.count())].index("Annotators")
    hands.click(hits.viewport().mapToGlobal(hits.visualItemRect(hits.item(row)).center()))
    hands.wait(lambda: "From a video" in text.toPlainText() or "from a video" in text.toPlainText(), "the page")
    hands.click(link(text, "Formats"))
    hands.wait(lambda: text.toPlainText().startswith("File formats"), "the page of the link")
    hands.click(hands.button("Back", manual))
    hands.wait(lambda: "from a video" in text.toPlainText(), "the page before")


def link(text: QTextBrowser, words: str) -> QPoint:
    """Where a link is on the screen, scrolled to."""
    block = text.document().begin()
    while block.isValid():
        fragments = block.begin()
        while not fragments.atEnd():
            part = fragments.fragment()
            if part.charFormat().isAnchor() and part.text() == words:
                cursor = QTextCursor(block)
                cursor.setPosition(part.position() + 1)
                text.setTextCursor(cursor)
                text.ensureCursorVisible()
                return text.viewport().mapToGlobal(text.cursorRect(cursor).center())
            fragments += 1
        block = block.next()
    raise AssertionError(f"there is no link “{words}”")


def test_a_number_leads_to_its_definition(person: Hands) -> None:
    hands = person
    hands.menu("Help", "What the numbers mean")
    terms = panel(hands, "numbersHelp")
    assert "matched, loose" in terms.toPlainText() and "Panoptic quality" in terms.toPlainText()
    hands.click(link(terms, "Full definition"))
    assert top_line(panel(hands, "manual")) == "Association"


def test_places_exist_and_the_pages_are_those_of_the_site() -> None:
    places = {*PLACE_OF_WIDGET.values(), *PLACE_OF_TERM.values()}
    known = {section.place for section in sections()}
    pages = {place.page for place in known}
    assert [place for place in places if place not in known and (place.anchor or place.page not in pages)] == []
    assert {key for key, _, _ in all_terms()} <= set(PLACE_OF_TERM)
    site = (Path(__file__).parents[2] / "mkdocs.yml").read_text(encoding="utf-8")
    nav = dict(
        re.findall(r"- ([\w ]+): ([\w/-]+\.md)$", site[site.index("nav:") : site.index("- Development")], re.MULTILINE)
    )
    written = {name: file for name, file in nav.items() if not file.startswith(("reference/", "index"))}
    assert written == {name: file for file, name in PAGES.items()}


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
