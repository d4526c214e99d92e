"""The settings by mouse and keys: each change holds at once, is found by typing, and is there after a restart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtPrintSupport import QPrintDialog, QPrinter
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QProxyStyle,
    QSpinBox,
    QStyle,
    QWidget,
)
from pytestqt.qtbot import QtBot

from iouviewer import folders
from tests.hands.boxes_by_hand import exported, message
from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.hands.test_canvas_states import text_of
from tests.ui.window import opened_window

SECTIONS = ["General", "Appearance", "Canvas", "Video", "Scores", "Keys", "Memory", "Models"]


def part(dialog: QDialog, kind: type, name: str):  # type: ignore[no-untyped-def]  # any kind of widget
    found = dialog.findChild(kind, name)
    assert found is not None and found.isVisible(), f"{name} is not visible"
    return found


def stored() -> dict[str, object]:
    """The settings file."""
    return dict(json.loads((folders.config_folder() / "settings.json").read_text()))


def sections(dialog: QDialog) -> list[str]:
    """The sections that the list shows."""
    view = part(dialog, QListWidget, "settingsSections")
    return [view.item(row).text() for row in range(view.count()) if not view.item(row).isHidden()]


def open_section(hands: Hands, dialog: QDialog, text: str) -> None:
    view = part(dialog, QListWidget, "settingsSections")
    [item] = [view.item(row) for row in range(view.count()) if view.item(row).text() == text]
    hands.click(view.viewport().mapToGlobal(view.visualItemRect(item).center()))


def fill(hands: Hands, field: QWidget, text: str) -> None:
    """Replace the text of a field and press Tab."""
    hands.click(field)
    hands.key("Ctrl+A")
    hands.type(text)
    hands.key("Tab")


def test_a_change_holds_at_once_and_its_section_is_reset(person: Hands) -> None:
    hands = person
    assert hands.cell("boxesTable", 0, "State") == "match"

    def change(dialog: QDialog) -> None:
        assert sections(dialog) == SECTIONS
        open_section(hands, dialog, "Scores")
        box = part(dialog, QDoubleSpinBox, "settingsIou")
        fill(hands, box, "0.9")
        hands.wait(lambda: hands.cell("boxesTable", 0, "State") == "loose", "the loose car behind the dialog")
        assert stored()["iou_threshold"] == 0.9
        open_section(hands, dialog, "Canvas")
        hands.choose(part(dialog, QComboBox, "settingsLabels"), "None")
        hands.click(hands.button("Reset section", dialog))
        assert part(dialog, QComboBox, "settingsLabels").currentText() == "Problems only"
        assert stored()["iou_threshold"] == 0.9, "the other sections stay"
        open_section(hands, dialog, "Scores")
        hands.click(hands.button("Reset section", dialog))
        assert box.value() == 0.5
        hands.key("Esc")

    with hands.in_dialog(change):
        hands.key("Ctrl+,")
    hands.wait(lambda: hands.cell("boxesTable", 0, "State") == "match", "the matched car")
    assert stored()["iou_threshold"] == 0.5 and stored()["show_labels"] == "problems"


def test_settings_of_all_sections_are_found_by_typing(person: Hands) -> None:
    hands = person

    def search(dialog: QDialog) -> None:
        hands.type("scrub")
        assert sections(dialog) == ["Memory"]
        assert part(dialog, QLabel, "settingsProxyUsed")
        assert not dialog.findChild(QSpinBox, "settingsMemory").isVisible()
        hands.key("Ctrl+A")
        hands.type("blue elephant")
        assert sections(dialog) == [] and part(dialog, QLabel, "settingsNothing").text().startswith("No setting")
        hands.key("Ctrl+A")
        hands.type("draw box")
        assert sections(dialog) == ["Keys"]
        hands.key("Ctrl+A", "Del")
        assert sections(dialog) == SECTIONS
        hands.key("Esc")

    with hands.in_dialog(search):
        hands.key("Ctrl+,")


def test_every_control_of_a_section_is_reached_by_tab_in_order(person: Hands) -> None:
    hands = person
    order: list[str] = []

    def walk(dialog: QDialog) -> None:
        hands.key("Tab")
        assert QApplication.focusWidget() is part(dialog, QListWidget, "settingsSections")
        hands.key("Down", "Down", "Down", "Down")
        for _ in range(7):
            hands.key("Tab")
            order.append(QApplication.focusWidget().objectName())
        hands.key("Esc")

    with hands.in_dialog(walk):
        hands.key("Ctrl+,")
    assert order == [
        *("settingsConfidence", "settingsIou", "settingsClassAgnostic", "settingsConvention", "settingsTarget"),
        *("settingsMargin", "settingsReset"),
    ]


def test_the_author_of_the_settings_is_the_author_of_the_next_edits(person: Hands) -> None:
    hands = person

    def name(dialog: QDialog) -> None:
        fill(hands, part(dialog, QLineEdit, "settingsAuthor"), "Mira")
        hands.key("Esc")

    with hands.in_dialog(name):
        hands.key("Ctrl+,")
    hands.key("S")
    hands.key("A")
    hands.wait(lambda: hands.frame == 0, "the verified frame")
    hands.wait(lambda: text_of(hands, "frameBadge").startswith("Verified by Mira"), "the author at the frame")


def colours_of_person(hands: Hands) -> set[str]:
    """The colours across the left edge of the person, whose class is not the first one."""
    return {hands.colour_at((236 + step / 2, 60)).name() for step in range(16)}


def test_the_colours_of_boxes_are_remembered_after_a_restart(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        before = colours_of_person(hands)
        hands.menu("View", "Colour by", "Colour by class")
        hands.wait(lambda: colours_of_person(hands) != before, "another colour of the person")
        by_class = colours_of_person(hands)
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: colours_of_person(hands) == by_class, "the colour of the class")

        def source(dialog: QDialog) -> None:
            open_section(hands, dialog, "Canvas")
            box = part(dialog, QComboBox, "settingsColourBy")
            assert box.currentText() == "Class"
            hands.choose(box, "Source")
            hands.key("Esc")

        with hands.in_dialog(source):
            hands.key("Ctrl+,")
        hands.wait(lambda: colours_of_person(hands) == before, "the colour of the ground truth")


def test_the_ui_scale_is_kept_and_applied_by_the_next_start(person: Hands) -> None:
    hands = person

    def enlarge(dialog: QDialog) -> None:
        open_section(hands, dialog, "Appearance")
        fill(hands, part(dialog, QSpinBox, "settingsUiScale"), "150")
        assert part(dialog, QLabel, "settingsScaleState").text() == "Now 100 %. Start the program again to see 150 %."
        hands.key("Esc")

    with hands.in_dialog(enlarge):
        hands.key("Ctrl+,")
    assert stored()["ui_scale"] == 150
    code = (
        "from iouviewer.ui.start import apply_ui_scale; apply_ui_scale()\n"
        "from PySide6.QtWidgets import QApplication\n"
        "print(QApplication([]).primaryScreen().devicePixelRatio())"
    )
    env = {name: value for name, value in os.environ.items() if name != "QT_SCALE_FACTOR"}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "1.5"


class _Style(QProxyStyle):
    """A system whose animations are on or off."""

    def __init__(self, milliseconds: int) -> None:
        super().__init__("Fusion")
        self._milliseconds = milliseconds

    def styleHint(self, hint: QStyle.StyleHint, *rest: object) -> int:
        if hint is QStyle.StyleHint.SH_Widget_Animation_Duration:
            return self._milliseconds
        return super().styleHint(hint, *rest)  # type: ignore[arg-type]  # passed on as it came


@pytest.mark.parametrize(("milliseconds", "text"), [(0, "On"), (200, "Off")])
def test_reduced_motion_follows_the_system(person: Hands, milliseconds: int, text: str) -> None:
    hands = person
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    app.setStyle(_Style(milliseconds))

    def look(dialog: QDialog) -> None:
        open_section(hands, dialog, "Appearance")
        assert part(dialog, QLabel, "settingsMotion").text() == text
        assert part(dialog, QLabel, "settingsContrast").text() == "Off"
        hands.key("Esc")

    try:
        with hands.in_dialog(look):
            hands.key("Ctrl+,")
    finally:
        app.setStyle("Fusion")


def test_the_memory_in_use_is_shown(person: Hands) -> None:
    hands = person
    hands.key("D", "D")
    hands.wait(lambda: hands.frame == 2, "frame 2")

    def look(dialog: QDialog) -> None:
        open_section(hands, dialog, "Memory")
        used = part(dialog, QLabel, "settingsMemoryUsed")
        hands.wait(lambda: float(used.text().removesuffix(" MB").replace(",", "")) > 0.1, "decoded frames in memory")
        hands.key("Esc")

    with hands.in_dialog(look):
        hands.key("Ctrl+,")


def test_keys_change_at_once_and_the_key_sheet_is_printed(
    person: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands, paper = person, tmp_path / "keys.pdf"

    def print_to_file(dialog: QPrintDialog) -> int:
        dialog.printer().setOutputFormat(QPrinter.OutputFormat.PdfFormat)
        dialog.printer().setOutputFileName(str(paper))
        return 1

    monkeypatch.setattr(QPrintDialog, "exec", print_to_file)  # the dialog of the system

    def choose(dialog: QDialog) -> None:
        open_section(hands, dialog, "Keys")
        hands.choose(part(dialog, QComboBox, "keyPresetComboBox"), "CVAT")
        hands.click(hands.button("Key sheet…", dialog))

    def sheet(dialog: QDialog) -> None:
        assert part(dialog, QComboBox, "keySheetPreset").currentText() == "CVAT"
        hands.click(hands.button("Print…", dialog))
        hands.key("Esc")

    with hands.in_dialog(choose, sheet):
        hands.key("Ctrl+,")
    assert paper.read_bytes().startswith(b"%PDF") and paper.stat().st_size > 2000
    hands.key("F")
    hands.wait(lambda: hands.frame == 1, "the next frame by CVAT's key")


def test_nudges_by_keys_stay_inside_the_picture(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.click_picture((260.0, 70.0))
    hands.key(*["Shift+Right"] * 6)
    hands.wait(lambda: "border of the picture" in message(hands), "the reason")
    [row] = [row for row in exported(hands, tmp_path) if row["id"] == "2" and row["frameID"] == "0"]
    assert (float(row["x1"]), float(row["x2"])) == (280, 320)
