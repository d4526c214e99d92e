"""What the window writes: the same numbers as on screen, ground truth that comes back equal, a picture with boxes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from iouviewer.document.edits import SetRects
from iouviewer.formats.registry import ReadContext, read_boxes
from iouviewer.ui.main_window import MainWindow
from tests.ui.window import FRAMES, HEIGHT, WIDTH, opened_window, small_case


def wait_written(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    qtbot.waitUntil(path.exists, timeout=20_000)
    window.workbench.exports.close()


def test_the_score_csv_holds_the_numbers_on_screen(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        out = tmp_path / "scores.csv"
        window.workbench.exports.write_report(out, lambda result, _path: result.score_csv())
        wait_written(qtbot, window, out)
        rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
        assert [int(row["frameID"]) for row in rows] == list(range(FRAMES))
        for row in rows:
            assert float(row["iou"]) == pytest.approx(window.session.frame_iou("model0", int(row["frameID"])))


def test_the_json_agrees_with_the_table(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        out = tmp_path / "scores.json"
        window.workbench.exports.write_report(out, lambda result, _path: result.json())
        wait_written(qtbot, window, out)
        values = json.loads(out.read_bytes())["variants"]["model0"]
        summary = window.session.scores.summary(window.session.variants.find("model0").key)
        for name in ("avg_iou", "pq", "precision", "recall", "f1", "ap", "ap50"):
            assert values[name] == pytest.approx(getattr(summary, name), abs=1e-12), name


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_plot_is_written_in_both_formats(qtbot: QtBot, tmp_path: Path, ending: str) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        out = tmp_path / f"plot.{ending}"
        window.workbench.exports.write_report(out, lambda result, path: result.plot(path))
        wait_written(qtbot, window, out)
        assert out.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


@pytest.mark.parametrize(("format", "ending"), [("mot", "txt"), ("coco", "json"), ("boxcsv", "csv")])
def test_corrected_ground_truth_comes_back_equal(qtbot: QtBot, tmp_path: Path, format: str, ending: str) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        session = window.session
        box = session.ground_truth.boxes(2)[0]
        session.execute(SetRects(((box.id, (10.25, 20.5, 99.125, 130.0)),)), "Resize")
        out = tmp_path / f"corrected.{ending}"
        window.workbench.exports.write_ground_truth(out, format)
        wait_written(qtbot, window, out)
        again = read_boxes(out, ReadContext(size=(WIDTH, HEIGHT), frame_count=FRAMES))
        frames, boxes, *_ = session.ground_truth.columns()
        assert again.frames.tolist() == frames.tolist()
        np.testing.assert_allclose(again.boxes, boxes, atol=1e-9)


def test_the_picture_shows_the_boxes_at_full_size(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        out = tmp_path / "frame.png"
        window.workbench.exports.write_picture(out)
        wait_written(qtbot, window, out)
        picture = cv2.imread(str(out))
        assert picture.shape == (HEIGHT, WIDTH, 3)
        # The ground truth's left edge is blue, the grey ground is not.
        blue, _, red = picture[120, 60].astype(int)
        assert blue > red + 40


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_left(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        told: list[object] = []
        window.workbench.exports.failed.connect(told.append)
        window.workbench.exports.write_report(tmp_path / "no" / "folder" / "x.json", lambda result, _p: result.json())
        qtbot.waitUntil(lambda: bool(told), timeout=20_000)
        assert "x.json" in str(told[0]) or "folder" in str(told[0])
