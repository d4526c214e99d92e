"""Exports by menu and by chooser, snapshots, settings and the command palette."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QDialog, QDoubleSpinBox

from iouviewer.formats.interface import ReadContext
from iouviewer.formats.registry import read_boxes
from tests.hands.cases import BASE_IOU, Case
from tests.hands.hands import Hands
from tests.hands.test_review import message

AVG_IOU = (BASE_IOU + 1) / 2


def check_csv(path: Path) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frameID"]) for row in rows] == list(range(24))
    assert float(rows[0]["iou"]) == pytest.approx(AVG_IOU)
    assert float(rows[10]["iou:other"]) == pytest.approx(50 / 110 / 2)


def check_pairs(path: Path) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["variant"] for row in rows} == {"base", "other"}
    assert {row["state"] for row in rows if row["frameID"] == "10" and row["variant"] == "other"} >= {"miss"}


def check_json(path: Path) -> None:
    report = json.loads(path.read_text())
    assert report["variants"]["base"]["avg_iou"] == pytest.approx(AVG_IOU)
    assert report["variants"]["base"]["fp"] == 1


def check_plot(path: Path) -> None:
    assert not QImage(str(path)).isNull()


def check_html(path: Path) -> None:
    text = path.read_text()
    assert "0.909" in text and "other" in text


def check_frame(path: Path) -> None:
    image = QImage(str(path))
    assert (image.width(), image.height()) == (320, 240)
    assert image.pixelColor(60, 130).saturation() > 60, "the left edge of the car"


def check_boxes(path: Path) -> None:
    boxes = read_boxes(path, ReadContext(size=(320, 240), frame_count=24))
    assert len(boxes) == 48
    assert sorted(set(boxes.frames.tolist())) == list(range(24))


EXPORTS = {
    "IoU by frame (CSV)": ("scores.csv", check_csv),
    "Pairs (CSV)": ("pairs.csv", check_pairs),
    "Metrics (JSON)": ("scores.json", check_json),
    "IoU plot (PNG, SVG)": ("plot.png", check_plot),
    "Frame with boxes (PNG, SVG)": ("frame.png", check_frame),
    "Ground truth as MOTChallenge": ("gt.txt", check_boxes),
    "Ground truth as COCO": ("gt.json", check_boxes),
    "Ground truth as CSV": ("truth.csv", check_boxes),
}


def test_every_entry_of_export_as_writes_what_it_says(person: Hands, tmp_path: Path) -> None:
    hands = person
    for entry, (name, check) in EXPORTS.items():
        target = tmp_path / name
        with hands.in_dialog(hands.save_as(target)):
            hands.menu("File", "Export as", f"{entry}…")
        hands.wait(lambda target=target: message(hands) == f"Exported {target}", f"the export “{entry}”")
        check(target)


def test_ctrl_s_saves_a_snapshot_under_a_name(person: Hands, case: Case) -> None:
    hands = person

    def name(_dialog: QDialog) -> None:
        hands.type("before lunch")
        hands.key("Return")

    with hands.in_dialog(name):
        hands.key("Ctrl+S")
    target = case.video.with_name("clip.avi.iouv.snapshots") / "before lunch.iouv"
    hands.wait(lambda: message(hands) == f"Saved snapshot {target}", "the snapshot")
    assert target.stat().st_size > 0


def test_settings_change_thresholds_and_keys(person: Hands) -> None:
    hands = person

    def threshold(dialog: QDialog) -> None:
        hands.type("IoU threshold")
        box = dialog.findChild(object, "settingsIou")
        hands.click(box.mapToGlobal(box.rect().center()))
        hands.key("Ctrl+A")
        hands.type("0.9")
        hands.click(dialog.findChild(object, "settingsSearch"))
        hands.key("Ctrl+A")
        hands.type("Keys")
        hands.choose(dialog.findChild(object, "keyPresetComboBox"), "CVAT")
        hands.key("Esc")

    with hands.in_dialog(threshold):
        hands.key("Ctrl+,")
    # The field itself may be folded into the chip of thresholds.
    threshold_box = hands.window.findChild(QDoubleSpinBox, "iouThresholdSpinBox")
    hands.wait(lambda: threshold_box.value() == 0.9, "the threshold")
    hands.wait(lambda: hands.cell("boxesTable", 0, "State") == "loose", "the loose car")
    hands.key("F")
    hands.wait(lambda: hands.frame == 1, "the next frame by CVAT's key")


def test_commands_are_found_by_typing(person: Hands) -> None:
    hands = person

    def last(_dialog: QDialog) -> None:
        hands.type("last fr")
        hands.key("Return")

    with hands.in_dialog(last):
        hands.key("Ctrl+K")
    hands.wait(lambda: hands.frame == 23, "the last frame")

    def second(_dialog: QDialog) -> None:
        hands.type("frame")
        hands.key("Down", "Up", "Esc")

    with hands.in_dialog(second):
        hands.key("Ctrl+K")
    assert hands.frame == 23
