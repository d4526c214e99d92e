"""Exports: every row of the table writes a file; the content equals what the window shows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from iouviewer.document.edits import SetDecisions, SetNotes, SetRects
from iouviewer.document.notes import Note
from iouviewer.formats.registry import ReadContext, read_boxes
from iouviewer.ui.commands import exports as export_commands
from iouviewer.ui.dialogs.export_dialog import ExportDialog
from iouviewer.ui.exports import EXPORTS, EXPORTS_BY_ID, Export
from iouviewer.ui.main_window import MainWindow
from tests.ui.window import FRAMES, HEIGHT, WIDTH, opened_window, small_case


def write(qtbot: QtBot, window: MainWindow, id: str, path: Path) -> None:
    window.parts.exports.write(id, path)
    qtbot.waitUntil(path.exists, timeout=20_000)
    window.parts.exports.close()


def test_ids_of_exports_are_unique() -> None:
    assert len(EXPORTS_BY_ID) == len(EXPORTS)


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.id)
def test_every_export_is_in_the_dialog_and_its_menu_action_writes_the_proposed_file(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, export: Export
) -> None:
    proposed: list[tuple[str, str]] = []

    def save(_parent: object, _title: str, path: str, filters: str) -> tuple[str, str]:
        proposed.append((path, filters))
        return path, ""

    def choose(dialog: ExportDialog) -> bool:
        dialog.choose(export.id)
        dialog.primary.click()
        return dialog.chosen is not None

    monkeypatch.setattr(QFileDialog, "getSaveFileName", save)
    monkeypatch.setattr(ExportDialog, "exec", choose)
    monkeypatch.setattr(export_commands, "choose_answer", lambda *_: 0)  # boxes without a track as they are
    with opened_window(qtbot, small_case(tmp_path)) as window:
        if export.id == "exportNotes":
            window.session.execute(SetNotes((Note(1, "reflection", 0),)), "Add note")
        if export.id == "exportDecisions":
            window.session.execute(SetDecisions((("LOOSE:0:1", "right"),)), "Keep box")
        action = window.findChild(QAction, f"action.{export.id}")
        assert (action is not None) is export.in_menu
        path = tmp_path / export.file_name.format(stem="clip", frame=0)
        with qtbot.waitSignal(window.parts.exports.written, timeout=20_000):
            window.parts.actions["export"].trigger()
        assert any(path.iterdir()) if path.is_dir() else path.stat().st_size > 0
        assert window.parts.status.message.text().startswith(f"Exported {path}")
        if action is None:
            return
        path.unlink()
        with qtbot.waitSignal(window.parts.exports.written, timeout=20_000):
            action.trigger()
        [(asked, filters)] = proposed
        assert Path(asked) == path and path.suffix == export.suffixes[0]
        assert path.stat().st_size > 0
        assert all(f"(*{suffix})" in filters for suffix in export.suffixes)


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.id)
def test_an_export_without_anything_to_export_says_so(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, export: Export
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    with opened_window(qtbot) as window:
        errors: list[object] = []
        window.parts.exports.failed.connect(errors.append)
        window.parts.exports.export(export.id)
        is_ground_truth = export.text.startswith("Ground truth")
        assert bool(errors) is not is_ground_truth


def test_the_score_csv_holds_the_numbers_on_screen(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        out = tmp_path / "scores.csv"
        write(qtbot, window, "exportCsv", out)
        rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
        assert [int(row["frameID"]) for row in rows] == list(range(FRAMES))
        for row in rows:
            assert float(row["iou"]) == pytest.approx(window.session.frame_iou("model0", int(row["frameID"])))


def test_the_json_agrees_with_the_table(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        out = tmp_path / "scores.json"
        write(qtbot, window, "exportJson", out)
        values = json.loads(out.read_bytes())["variants"]["model0"]
        summary = window.session.scores.summary(window.session.variants.find("model0").key)
        for name in ("avg_iou", "pq", "precision", "recall", "f1", "ap", "ap50"):
            assert values[name] == pytest.approx(getattr(summary, name), abs=1e-12), name


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_plot_is_written_in_both_formats(qtbot: QtBot, tmp_path: Path, ending: str) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        out = tmp_path / f"plot.{ending}"
        write(qtbot, window, "exportPlot", out)
        assert out.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


@pytest.mark.parametrize(("id", "ending"), [("exportMot", "txt"), ("exportCoco", "json"), ("exportBoxcsv", "csv")])
def test_exported_ground_truth_reads_back_equal(qtbot: QtBot, tmp_path: Path, id: str, ending: str) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        session = window.session
        box = session.ground_truth.boxes(2)[0]
        session.execute(SetRects(((box.id, (10.25, 20.5, 99.125, 130.0)),)), "Resize")
        out = tmp_path / f"corrected.{ending}"
        write(qtbot, window, id, out)
        again = read_boxes(out, ReadContext(size=(WIDTH, HEIGHT), frame_count=FRAMES))
        frames, boxes, *_ = session.ground_truth.columns()
        assert again.frames.tolist() == frames.tolist()
        np.testing.assert_allclose(again.boxes, boxes, atol=1e-9)


def test_the_frame_shows_the_boxes_at_full_size(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        out = tmp_path / "frame.png"
        write(qtbot, window, "exportFrame", out)
        image = cv2.imread(str(out))
        assert image.shape == (HEIGHT, WIDTH, 3)
        # The left edge of the ground truth is blue, that of the prediction green, the background is grey.
        blue, _, red = image[120, 60].astype(int)
        assert blue > red + 40
        # The prediction is dashed and, being paired, drawn at 55 % as on the canvas.
        blue, green, red = image[100:140, 68].astype(int).T
        is_green = (green > blue + 20) & (green > red + 60)
        assert is_green.any() and not is_green.all()
        assert (image == 0xF2).all(axis=2).any()  # the text of the IoU
        window.session.variants.update(window.session.variants.baseline.key, visible=False)
        out.unlink()
        write(qtbot, window, "exportFrame", out)
        blue, green, red = cv2.imread(str(out))[120, 68].astype(int)
        assert green < max(blue, red) + 20


def test_a_folder_that_cannot_be_written_is_reported(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        errors: list[object] = []
        window.parts.exports.failed.connect(errors.append)
        window.parts.exports.write("exportJson", tmp_path / "no" / "folder" / "x.json")
        qtbot.waitUntil(lambda: bool(errors), timeout=20_000)
        assert "x.json" in str(errors[0]) or "folder" in str(errors[0])
