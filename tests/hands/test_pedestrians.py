"""Real boxes whose ground truth calls a person ``pedestrian``: the Open dialog proposes the mapping, a click takes it.

The window's table, the command line and Python then say the same, sentence for sentence.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QTableView, QTableWidget
from pytestqt.qtbot import QtBot

from iouviewer import api
from iouviewer.cli import main
from tests.hands.hands import Hands
from tests.ui.window import opened_window

FRAMES, SIZE = 795, (768, 576)
PAIR = "person → pedestrian"


@dataclass(frozen=True, slots=True)
class Files:
    video: Path
    gt: Path
    preds: dict[str, Path]


@pytest.fixture
def files(shared_data: Path, tmp_path: Path) -> Files:
    """The video, its ground truth as COCO JSON of the class pedestrian, and predictions of the class person."""
    data = shared_data / "pets09"
    if not (data / "vtest.avi").exists():
        pytest.skip("pets09 is not among the real data")
    video = tmp_path / "vtest.avi"
    shutil.copyfile(data / "vtest.avi", video)
    truth = np.loadtxt(data / "gt.txt", delimiter=",")
    images = [
        {"id": 1000 + frame, "file_name": f"vtest_{frame:06d}.jpg", "width": SIZE[0], "height": SIZE[1]}
        for frame in range(FRAMES)
    ]
    annotations = [
        {
            "id": number,
            "image_id": 999 + int(row[0]),
            "category_id": 1,
            "bbox": row[2:6].tolist(),
            "ignore": int(row[6] == 0),
            "attributes": {"track_id": int(row[1])},
        }
        for number, row in enumerate(truth, 1)
    ]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "pedestrian"}]}
    gt = tmp_path / "gt.json"
    gt.write_text(json.dumps(document))
    found = np.loadtxt(data / "det_frcnn.txt", delimiter=",")
    preds = {}
    for name, noise in (("frcnn", 0.0), ("noisy", 3.0)):
        off = np.random.default_rng(1).normal(0.0, noise, (len(found), 4)) if noise else 0.0
        boxes = np.column_stack([found[:, 2:4], found[:, 2:4] + found[:, 4:6]]) + off
        lines = ["frameID,x1,y1,x2,y2,class,score"]
        lines += [
            f"{int(row[0]) - 1},{box[0]:.3f},{box[1]:.3f},{box[2]:.3f},{box[3]:.3f},person,{row[6]:g}"
            for row, box in zip(found, boxes, strict=True)
        ]
        preds[name] = tmp_path / f"{name}.csv"
        preds[name].write_text("\n".join(lines) + "\n")
    return Files(video, gt, preds)


def model_of(hands: Hands) -> Any:
    """The model of the table of variants."""
    view = hands.named("variantsTable")
    assert isinstance(view, QTableView)
    return view.model()


def table_of(hands: Hands, columns: tuple[str, ...]) -> dict[str, list[float | None]]:
    """The raw numbers of the table of variants by name."""
    model = model_of(hands)
    places = {column: model.column_index(column) for column in ("name", *columns)}
    return {
        model.index(row, places["name"]).data(): [
            model.index(row, places[column]).data(Qt.ItemDataRole.UserRole) for column in columns
        ]
        for row in range(model.rowCount())
    }


@pytest.fixture
def opened(qtbot: QtBot, files: Files) -> Iterator[Hands]:
    """The files dropped on the window, the proposals taken in the Open dialog, Compare shown: all by mouse."""
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.sees("firstRun.sample"), "the first-run page")

        def take_proposals(dialog: QDialog) -> None:
            open_button = hands.button("Open", dialog)
            hands.wait(open_button.isEnabled, "the files to be read")
            texts = hands.texts(dialog)
            assert f"A class of frcnn.csv is not in the ground truth, but may be one of its classes: {PAIR}." in texts
            assert texts.count(f"{PAIR}?") == 2
            dialog.grab().save(str(files.gt.with_name("sheet-asks.png")))
            for left in (1, 0):
                hands.click(hands.button(f"Use {PAIR}", dialog))
                hands.wait(lambda left=left: hands.texts(dialog).count(f"Use {PAIR}") == left, "the mapping")
            assert hands.texts(dialog).count(PAIR) == 2
            [table] = dialog.findChildren(QTableWidget)
            assert "4,650 boxes, 19 tracks, frames 0–794" in hands.texts(table)
            dialog.grab().save(str(files.gt.with_name("sheet-mapped.png")))
            hands.click(open_button)

        with hands.in_dialog(take_proposals):
            hands.drop(hands.named("firstRun"), files.video, files.gt, *files.preds.values())
        hands.wait(lambda: "pedestrian" in hands.column("boxesTable", "Class"), "the boxes")
        hands.click(hands.named("workspace.compare"))
        hands.wait(lambda: len(hands.rows("variantsTable")) == 2, "the variants")
        hands.wait(lambda: "–" not in hands.column("variantsTable", "AP"), "the scores")
        hands.wait(lambda: hands.named("verdictCard.noisy").toolTip(), "the card")
        hands.window.grab().save(str(files.gt.with_name("window.png")))
        yield hands


def test_a_mapping_taken_by_mouse_gives_what_eval_and_python_give(
    opened: Hands, files: Files, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hands = opened
    report = tmp_path / "eval.json"
    arguments = ["eval", str(files.video), "--gt", str(files.gt), "--class-map", "person=pedestrian"]
    for name, path in files.preds.items():
        arguments += ["--pred", f"{name}={path}"]
    assert main([*arguments, "--json", str(report)]) == 0
    printed = capsys.readouterr().out
    said = json.loads(report.read_bytes())
    original = tmp_path / "original.json"
    renamed = [str(files.video), "--gt", str(shared_data / "pets09" / "gt.txt")]
    unnamed = f"frcnn={shared_data / 'pets09' / 'det_frcnn.txt'}"
    assert main(["eval", *renamed, "--pred", unnamed, "--json", str(original)]) == 0
    capsys.readouterr()
    before = json.loads(original.read_bytes())["variants"]["frcnn"]
    counts = [[values[one] for one in ("tp", "fp", "fn")] for values in (said["variants"]["frcnn"], before)]
    assert counts[0] == counts[1]
    assert said["variants"]["frcnn"]["ap"] == pytest.approx(before["ap"], abs=1e-9)

    numbers = said["variants"]["noisy"]
    columns = tuple(one for one in model_of(hands).column_ids if isinstance(numbers.get(one), float))
    assert {"ap", "pq", "avg_iou"} <= set(columns)
    shown = table_of(hands, columns)
    assert shown == {name: [values[column] for column in columns] for name, values in said["variants"].items()}
    assert table_of(hands, ("delta",))["noisy"] == [pytest.approx(100 * numbers["delta"]["ap"], abs=1e-9)]
    sentence = said["variants"]["noisy"]["bootstrap"]["sentence"]
    hands.wait(lambda: sentence in hands.named("verdictCard.noisy").toolTip(), "the sentence of the verdict")
    assert sentence in printed

    # Python is given the same files in its own way.
    source = api.open_source(files.video)
    gt = api.read_ground_truth(files.gt, source)
    found = {name: api.read_predictions(path, source, truth=gt, name=name) for name, path in files.preds.items()}
    options = api.ReadOptions(class_map={"person": "pedestrian"})
    result = api.evaluate(api.join(source, gt, found, options=options))
    assert json.loads(result.json())["variants"] == said["variants"]
    assert result.text() == printed

    out = tmp_path / "window.json"
    with hands.in_dialog(hands.save_as(out)):
        hands.popup(lambda: hands.click(hands.named("exportButton")), "Metrics (JSON)…")
    hands.wait(out.exists, "the exported file")
    assert json.loads(out.read_bytes())["variants"] == said["variants"]


def test_without_the_mapping_the_sheet_says_what_is_missing(qtbot: QtBot, files: Files) -> None:
    """The proposal is never taken by itself: opened as they are, the predictions have no class of the ground truth."""
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.sees("firstRun.sample"), "the first-run page")

        def open_as_they_are(dialog: QDialog) -> None:
            hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the files to be read")
            hands.click(hands.button("Open", dialog))

        with hands.in_dialog(open_as_they_are):
            hands.drop(hands.named("firstRun"), files.video, files.gt, files.preds["frcnn"])
        hands.wait(lambda: "pedestrian" in hands.column("boxesTable", "Class"), "the boxes")
        hands.click(hands.named("workspace.compare"))
        hands.wait(lambda: hands.rows("variantsTable"), "the variant")
        hands.wait(lambda: table_of(hands, ("pq",)) == {"frcnn": [0.0]}, "a table in which nothing matches")
