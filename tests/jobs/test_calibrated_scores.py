"""Calibration frames leave every score and verdict, by all doors and in the live scores of the window."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from iouviewer import api
from iouviewer.cli import main
from iouviewer.document import commands
from iouviewer.document.boxes import Box
from iouviewer.document.document import Document
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores import Scores, ScoreSettings
from iouviewer.document.sources import Source
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.formats.interface import BoxesToWrite
from iouviewer.formats.registry import write_boxes
from iouviewer.jobs.document_results import evaluate_document
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.metrics.table import BoxTable

FRAMES, SEEN = 30, [[0, 20, 2]]
COUNTED = FRAMES - 10
CALIBRATION = {"fingerprint": "abc", "frames": SEEN}


def protocol(seen: list[list[int]] | None) -> dict[str, object]:
    made = {} if seen is None else {"made": {"calibration": {**CALIBRATION, "frames": seen}}}
    return {"fingerprint": "abc", "complete": True, **made}


def boxes(shift: float, on_seen: float = 0.0) -> np.ndarray:
    """One box a frame; on the calibration frames it is displaced by ``on_seen`` more."""
    moved = np.full(FRAMES, float(shift))
    moved[0:20:2] += on_seen
    return np.stack([10.0 + moved, np.full(FRAMES, 10.0), 50.0 + moved, np.full(FRAMES, 110.0)])


def write(path: Path, rows: np.ndarray, seen: list[list[int]] | None, *, truth: bool = False) -> Path:
    numbers = np.arange(FRAMES)
    data = BoxesToWrite(
        frames=numbers,
        boxes=rows,
        class_ids=np.zeros(FRAMES, np.int64),
        class_names=("person",),
        scores=None if truth else np.full(FRAMES, 0.9),
        track_ids=np.full(FRAMES, -1),
        flags=np.zeros(FRAMES, np.int64),
        size=(320, 240),
        frame_count=FRAMES,
        labelled=numbers,
        video_name="clip.mp4",
        protocol={} if truth else protocol(seen),
    )
    write_boxes(path, data, format="coco")
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return {
        "gt": write(tmp_path / "gt.json", boxes(0), None, truth=True),
        "base": write(tmp_path / "base.json", boxes(4, on_seen=30), None),
        "int8": write(tmp_path / "int8.json", boxes(8), SEEN),
    }


def variant(name: str, shift: float, on_seen: float, seen: list[list[int]] | None) -> Variant:
    table = BoxTable.from_rows(
        np.arange(FRAMES),
        boxes(shift, on_seen),
        frame_count=FRAMES,
        class_ids=np.zeros(FRAMES, np.int64),
        scores=np.full(FRAMES, 0.9),
    )
    known = PredictionSet(table, np.ones(FRAMES, np.bool_), score_floor=0.9, protocol=protocol(seen))
    return Variant(name, name, known, "#2e9e5b")


def document() -> Document:
    doc = Document()
    doc.add_source(Source(0, "clip.mp4", "/v/clip.mp4", 320, 240, FRAMES))
    doc.class_names = ("person",)
    doc.apply(commands.add(doc, [Box(0, f, (10.0, 10.0, 50.0, 110.0), 0, 1, 0) for f in range(FRAMES)]).edit)
    return doc


KEYS = ("avg_iou", "pq", "ap", "tp", "fn", "frames")


def test_all_doors_leave_them_out_of_every_variant(files: dict[str, Path], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    options = ["--size", "320x240", "--count", str(FRAMES), "--json", str(report)]
    preds = ["--pred", f"base={files['base']}", "--pred", f"int8={files['int8']}"]
    assert main(["eval", "--gt", str(files["gt"]), *preds, *options]) == 0
    by_command = json.loads(report.read_text())
    request = EvalRequest(video=None, gt=None, verdicts=True)
    by_window = evaluate_document(
        document(), [variant("base", 4, 30, None), variant("int8", 8, 0, SEEN)], request=request
    ).values
    with api.open_source(None, size=(320, 240), frame_count=FRAMES) as source:
        truth = api.read_ground_truth(files["gt"], source)
        found = {name: api.read_predictions(files[name], source, name=name) for name in ("base", "int8")}
        by_python = api.evaluate(api.join(source, truth, found)).values
    # Displaced only where int8 was calibrated, the baseline is as good as if these frames did not exist.
    expected = 36 / 44
    for values in (by_command, by_window, by_python):
        base = values["variants"]["base"]
        assert base["avg_iou"] == pytest.approx(expected) and (base["frames"], base["fn"]) == (COUNTED, 0)
        assert values["variants"]["int8"]["frames"] == COUNTED
        assert any("10 frames that int8 was calibrated on" in note for note in values["protocol"]["warnings"])
    for name in ("base", "int8"):
        rows = [[values["variants"][name][key] for key in KEYS] for values in (by_command, by_window, by_python)]
        assert rows[0] == rows[1] == rows[2]
    assert by_window["variants"]["int8"]["bootstrap"]["frames"] == COUNTED


def test_the_live_scores_follow_the_variants_that_are_there() -> None:
    doc = document()
    scores = Scores(doc.ground_truth(), ScoreSettings())
    base, int8 = variant("base", 4, 30, None), variant("int8", 8, 0, SEEN)
    scores.set_variant("base", base.predictions)
    assert scores.summary("base").frames == FRAMES and scores.calibrated is None
    scores.set_variant("int8", int8.predictions)
    assert [scores.summary(key).frames for key in ("base", "int8")] == [COUNTED, COUNTED]
    assert scores.summary("base").avg_iou == pytest.approx(36 / 44)
    chosen = np.zeros(FRAMES, np.bool_)
    chosen[:4] = True
    scores.set_settings(ScoreSettings(frames=chosen))
    assert scores.summary("base").frames == 2 and scores.settings.frames is chosen
    doc.apply(commands.add(doc, [Box(0, 0, (200.0, 10.0, 240.0, 110.0), 0, 2, 0)]).edit)
    scores.update([0])
    assert (scores.summary("base").frames, scores.summary("base").fn) == (2, 0)
    scores.remove_variant("int8")
    assert scores.summary("base").frames == 4 and scores.settings.frames is chosen


def test_a_selection_of_calibration_frames_only_cannot_be_scored() -> None:
    request = EvalRequest(video=None, gt=None, frames="0:20:2")
    with pytest.raises(UserError, match="all selected frames"):
        evaluate_document(document(), [variant("int8", 8, 0, SEEN)], request=request)


def test_scores_that_touch_training_frames_are_marked(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["eval", "--gt", str(files["gt"]), "--pred", f"base={files['base']}", "--size", "320x240"]
    options += ["--count", str(FRAMES), "--trained-on", "base=0:20"]
    assert main([*options, "--frames", "15:25"]) == 0
    assert "base: its model was trained on 5 of the frames that count" in capsys.readouterr().out
    assert main([*options, "--frames", "20:30"]) == 0
    assert "trained on" not in capsys.readouterr().out
    assert main([*options, "--strict", "--frames", "15:25"]) == 2
    capsys.readouterr()
    assert main([*options, "--trained-on", "other=0:2"]) == 2
    assert "'other' is not a variant" in capsys.readouterr().err


def test_damaged_frames_of_a_protocol_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="cannot be read"):
        Scores(document().ground_truth(), ScoreSettings()).set_variant("a", variant("a", 0, 0, [[1, 2]]).predictions)
