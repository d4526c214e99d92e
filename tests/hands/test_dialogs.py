"""Export, settings and first run by mouse and keys."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QDialog, QLabel, QLineEdit, QListWidget, QPlainTextEdit, QPushButton

from iouviewer.cli import main
from iouviewer.formats.registry import ReadContext, read_boxes
from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.hands.test_files_and_settings import EXPORTS, check_html
from tests.hands.test_review import message


def part(dialog: QDialog, kind: type, name: str):  # type: ignore[no-untyped-def]  # any kind of widget
    found = dialog.findChild(kind, name)
    assert found is not None and found.isVisible(), f"{name} is not visible"
    return found


def save_to(hands: Hands, dialog: QDialog, target: Path) -> None:
    hands.click(part(dialog, QLineEdit, "exportPath"))
    hands.key("Ctrl+A")
    hands.type(str(target))


def test_every_export_of_the_dialog_is_found_by_typing_and_written(person: Hands, tmp_path: Path) -> None:
    hands = person
    for entry, (name, check) in {**EXPORTS, "Report (HTML)": ("report.html", check_html)}.items():
        target = tmp_path / name

        def choose(dialog: QDialog, entry: str = entry, target: Path = target) -> None:
            hands.type(entry)
            save_to(hands, dialog, target)
            hands.key("Return")

        with hands.in_dialog(choose):
            hands.key("Ctrl+E")
        hands.wait(lambda target=target: message(hands) == f"Exported {target}", f"the export “{entry}”")
        check(target)


def test_the_first_format_is_iou_by_frame_and_its_first_lines_are_those_of_the_file(
    person: Hands, tmp_path: Path
) -> None:
    hands, target = person, tmp_path / "iou.csv"
    lines: list[str] = []

    def export(dialog: QDialog) -> None:
        assert part(dialog, QLabel, "exportTitle").text() == "IoU by frame"
        preview = part(dialog, QPlainTextEdit, "exportLines")
        hands.wait(preview.toPlainText, "the first lines")
        lines.extend(preview.toPlainText().splitlines())
        save_to(hands, dialog, target)
        hands.click(hands.button("Export 24 frames", dialog))

    with hands.in_dialog(export):
        hands.popup(lambda: hands.click(hands.named("exportButton")), "Export…")
    hands.wait(lambda: message(hands) == f"Exported {target}", "the export")
    assert target.read_text().splitlines()[: len(lines)] == lines
    with target.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 24


def test_a_range_of_frames_is_exported_as_mot_and_the_losses_are_said(person: Hands, tmp_path: Path) -> None:
    hands, target = person, tmp_path / "part.txt"

    def export(dialog: QDialog) -> None:
        hands.click(_row(dialog, "MOTChallenge text"))
        assert hands.button("Export 48 boxes", dialog)
        hands.choose(part(dialog, QComboBox, "exportFrames"), "Range")
        hands.click(part(dialog, QLineEdit, "exportRange"))
        hands.key("Ctrl+A")
        hands.type("4:10")
        kept = part(dialog, QLabel, "exportKept").text()
        assert "✓  Track ids" in kept
        assert "✕  Unlabelled frames are not exported" in kept
        save_to(hands, dialog, target)
        hands.click(hands.button("Export 12 boxes", dialog))

    with hands.in_dialog(export):
        hands.key("Ctrl+E")
    hands.wait(lambda: message(hands).startswith(f"Exported {target}"), "the export")
    boxes = read_boxes(target, ReadContext(size=(320, 240), frame_count=24))
    assert sorted(set(boxes.frames.tolist())) == list(range(4, 10))


def test_the_copied_command_line_writes_the_same_file(person: Hands, tmp_path: Path) -> None:
    hands, target, again = person, tmp_path / "part.txt", tmp_path / "again.txt"
    hands.key("S")
    hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the project")
    QGuiApplication.clipboard().clear()

    def export(dialog: QDialog) -> None:
        button = dialog.findChild(QPushButton, "exportCommand")
        assert button is not None and not button.isVisible(), "no command writes the IoU of a project"
        hands.click(_row(dialog, "MOTChallenge text"))
        hands.choose(part(dialog, QComboBox, "exportFrames"), "Range")
        hands.click(part(dialog, QLineEdit, "exportRange"))
        hands.key("Ctrl+A")
        hands.type("4:10")
        save_to(hands, dialog, target)
        hands.click(hands.button("Copy command line", dialog))
        hands.click(hands.button("Export 12 boxes", dialog))

    with hands.in_dialog(export):
        hands.key("Ctrl+E")
    hands.wait(target.exists, "the export")
    command = shlex.split(QGuiApplication.clipboard().text())
    assert command[:4] == ["iouviewer", "convert", "--to", "mot"] and command[-2:] == ["--frames", "4:10"]
    assert main([str(again) if word == str(target) else word for word in command[1:]]) == 0
    assert again.read_bytes() == target.read_bytes()


def test_predictions_are_exported_in_the_format_that_is_chosen(person: Hands, tmp_path: Path) -> None:
    hands, target = person, tmp_path / "base.csv"

    def export(dialog: QDialog) -> None:
        hands.type("Box CSV")
        hands.choose(part(dialog, QComboBox, "exportBoxes"), "base")
        save_to(hands, dialog, target)
        hands.click(hands.button("Export 49 boxes", dialog))

    with hands.in_dialog(export):
        hands.key("Ctrl+E")
    hands.wait(lambda: message(hands) == f"Exported {target}", "the export")
    boxes = read_boxes(target, ReadContext(size=(320, 240), frame_count=24))
    assert len(boxes) == 49 and boxes.scores is not None


@pytest.mark.parametrize("replaced", [True, False])
def test_a_file_that_exists_is_replaced_only_after_a_question(person: Hands, tmp_path: Path, replaced: bool) -> None:
    hands, target = person, tmp_path / "old.txt"
    target.write_text("old")

    def export(dialog: QDialog) -> None:
        hands.type("mot")
        save_to(hands, dialog, target)
        assert part(dialog, QLabel, "exportWarning").text() == "old.txt already exists."
        hands.key("Return")

    def answer(dialog: QDialog) -> None:
        hands.click(hands.button("Replace" if replaced else "Cancel", dialog))

    with hands.in_dialog(export, answer):
        hands.key("Ctrl+E")
    if replaced:
        hands.wait(lambda: message(hands) == f"Exported {target}", "the export")
    assert (target.read_text() == "old") is not replaced


def test_escape_and_the_close_button_export_nothing(person: Hands, case: Case) -> None:
    hands = person
    before = set(case.video.parent.iterdir())
    with hands.in_dialog(lambda _dialog: hands.key("Esc")):
        hands.key("Ctrl+E")
    with hands.in_dialog(lambda dialog: hands.click(hands.button("Close", dialog))):
        hands.key("Ctrl+E")
    assert {path.suffix for path in set(case.video.parent.iterdir()) - before} <= {".iouv", ".iouv-wal", ".iouv-shm"}


def _row(dialog: QDialog, text: str):  # type: ignore[no-untyped-def]  # a point of the screen
    view = part(dialog, QListWidget, "exportFormats")
    [item] = [view.item(row) for row in range(view.count()) if view.item(row).text() == text]
    return view.viewport().mapToGlobal(view.visualItemRect(item).center())
