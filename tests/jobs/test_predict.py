"""Runs of models without a window: written files, reading them back, failed runs."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.formats.registry import ReadContext, read_boxes
from iouviewer.inference.protocol import Detections, Failed, FailureKind, Finished, ModelLoaded, pack
from iouviewer.inference.runner import RunMessage, RunRequest
from iouviewer.jobs import predict as job
from iouviewer.jobs.requests import RunOptions
from iouviewer.jobs.run_facts import columns_of

MODEL = ModelLoaded(
    names=["person", "car"],
    imgsz=(448, 448),
    floor=0.001,
    nms="run",
    nms_iou=0.7,
    max_det=300,
    rectangular=True,
    device="cpu",
    task="detect",
    runtime="pytorch",
    precision="fp32",
    sha256="ab" * 32,
    trusted=False,
    versions={"torch": "2"},
    hardware="a processor",
    threads=2,
)


def detections(frame: int, boxes: list[list[float]], milliseconds: float = 10.0, warm: bool = True) -> Detections:
    n = len(boxes)
    return Detections(
        frame,
        np.array(boxes, np.float32).reshape(n, 4),
        np.linspace(0.9, 0.5, n).astype(np.float32),
        np.arange(n, dtype=np.int32) % 2,
        np.array([1.0, milliseconds - 2.0, 1.0], np.float32),
        warm,
    )


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A folder of six small images."""
    import cv2

    folder = tmp_path / "clip"
    folder.mkdir()
    for frame in range(6):
        cv2.imwrite(str(folder / f"{frame:06d}.png"), np.full((48, 64, 3), 10 * frame, np.uint8))
    return folder


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A worker that replays "messages"; its request is stored under "request". MODEL does what the request asks."""
    script: dict[str, Any] = {"messages": []}

    def run(request: RunRequest) -> Iterator[RunMessage]:
        script["request"] = request
        asked = {"floor": request.floor, "nms_iou": request.nms_iou, "max_det": request.max_det}
        size = MODEL.imgsz if request.imgsz is None else (request.imgsz, request.imgsz)
        for message in script["messages"]:
            yield msgspec.structs.replace(MODEL, **asked, imgsz=size) if message is MODEL else message

    monkeypatch.setattr(job, "run_in_process", run)
    return script


def predict_arguments(video: Path, tmp_path: Path, *more: str) -> list[str]:
    weights = tmp_path / "w.pt"
    weights.touch()
    return ["predict", str(video), "--model", f"int8={weights}", "--out", str(tmp_path / "D"), *more]


def test_options_reach_the_worker_and_both_files_read_back(
    video: Path, tmp_path: Path, worker: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    first = pack([detections(1, [[1, 2, 30, 40], [5, 5, 20, 20]], 100.0, warm=False), detections(2, [])])
    second = pack([detections(3, [[2.25, 3.5, 31, 41]], 20.0)])
    worker["messages"] = [MODEL, first, second, Finished(done=3, seconds=0.5)]
    arguments = predict_arguments(
        video, tmp_path, "--floor", "0.05", "--nms-iou", "0.6", "--max-det", "9", "--imgsz", "320"
    )
    assert main([*arguments, "--frames", "1:4"]) == 0
    request = worker["request"]
    assert (request.frames, request.floor, request.nms_iou, request.max_det) == ((1, 2, 3), 0.05, 0.6, 9)
    assert (request.imgsz, request.device) == (320, "cpu")
    # The first frame is a warm-up frame: the median of 10 and 20 ms remains.
    assert capsys.readouterr().out == (
        "int8: 3 predictions on 3 frames, 66.7 FPS (batch 1), 6.0 FPS including decoding\n"
    )
    back = read_boxes(tmp_path / "D" / "int8.json", ReadContext(frame_count=6))
    assert back.frames.tolist() == [1, 1, 3]
    assert np.allclose(back.boxes[:, 2], [2.25, 3.5, 31, 41])
    assert [back.class_names[c] for c in back.class_ids] == ["person", "car", "person"]
    assert back.scores is not None and back.scores.tolist() == pytest.approx([0.9, 0.5, 0.9])
    assert (back.score_floor, back.max_detections) == (0.05, 9)
    assert back.covered is not None and back.covered.tolist() == [1, 2, 3]
    assert back.protocol["sha256"] == MODEL.sha256 and back.protocol["complete"] is True
    mot = read_boxes(tmp_path / "D" / "int8.txt", ReadContext(frame_count=6))
    assert mot.frames.tolist() == [1, 1, 3]
    assert np.allclose(mot.boxes, back.boxes, atol=1e-5)


def test_frames_outside_a_run_do_not_count(video: Path, tmp_path: Path, worker: dict[str, Any]) -> None:
    worker["messages"] = [
        MODEL,
        pack([detections(1, [[1, 2, 30, 40]]), detections(2, [])]),
        Finished(done=2, seconds=1.0),
    ]
    assert main(predict_arguments(video, tmp_path, "--frames", "1:3")) == 0
    gt, out = tmp_path / "gt.csv", tmp_path / "o.json"
    gt.write_text("frameID,x1,y1,x2,y2\n" + "".join(f"{f},1,2,30,40\n" for f in range(6)))
    arguments = ["eval", str(video), "--gt", str(gt), "--pred", f"int8={tmp_path / 'D' / 'int8.json'}"]
    assert main([*arguments, "--json", str(out)]) == 0
    int8 = json.loads(out.read_text())["variants"]["int8"]
    assert (int8["tp"], int8["fn"], int8["frames"], int8["complete"]) == (1, 1, 2, False)


def test_eval_runs_a_model_on_the_selected_frames_only(video: Path, tmp_path: Path, worker: dict[str, Any]) -> None:
    worker["messages"] = [
        MODEL,
        pack([detections(2, [[1, 2, 30, 40]]), detections(4, [])]),
        Finished(done=2, seconds=1.0),
    ]
    gt, out, weights = tmp_path / "gt.csv", tmp_path / "o.json", tmp_path / "w.pt"
    gt.write_text("frameID,x1,y1,x2,y2\n" + "".join(f"{f},1,2,30,40\n" for f in range(6)))
    weights.touch()
    arguments = [
        "eval",
        str(video),
        "--gt",
        str(gt),
        "--model",
        f"int8={weights}",
        "--frames",
        "2:6:2",
        "--json",
        str(out),
    ]
    assert main([*arguments, "--floor", "0.02"]) == 0
    assert (worker["request"].frames, worker["request"].floor) == ((2, 4), 0.02)
    int8 = json.loads(out.read_text())["variants"]["int8"]
    assert (int8["tp"], int8["fn"], int8["frames"], int8["complete"]) == (1, 1, 2, True)
    assert (int8["ap_floor"], int8["run"]["sha256"]) == (0.02, MODEL.sha256)


def test_predictions_of_a_failed_run_are_kept_and_the_failure_is_reported(
    video: Path, tmp_path: Path, worker: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    failed = Failed(kind=FailureKind.MEMORY, message="out of memory", remedy="Use a smaller --imgsz.")
    worker["messages"] = [MODEL, pack([detections(0, [[1, 2, 30, 40]])]), failed]
    assert main(predict_arguments(video, tmp_path)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "int8: out of memory" in error and "Predictions of 1 frame are in" in error
    kept = read_boxes(tmp_path / "D" / "int8.json", ReadContext(frame_count=6))
    assert kept.protocol["complete"] is False
    assert kept.covered is not None and kept.covered.tolist() == [0]


def test_a_model_that_cannot_be_loaded_writes_no_file(
    video: Path, tmp_path: Path, worker: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    worker["messages"] = [Failed(kind=FailureKind.DAMAGED, message="is not a model", path="w.pt")]
    assert main(predict_arguments(video, tmp_path)) == 2
    assert "w.pt: is not a model" in capsys.readouterr().err
    assert list((tmp_path / "D").iterdir()) == []


def test_a_box_without_area_stays_and_is_counted(video: Path, tmp_path: Path, worker: dict[str, Any]) -> None:
    worker["messages"] = [MODEL, pack([detections(0, [[64, 2, 64, 40], [1, 2, 3, 4]])]), Finished(done=1, seconds=1.0)]
    run = job.run_model(video, "a", tmp_path / "w.pt", RunOptions(), np.array([0]))
    assert len(run.boxes) == 2
    assert run.boxes.protocol["boxes_without_area"] == 1


@pytest.mark.parametrize("name", ["a/b", "..", "a\\b", 'a"b', "a\tb"])
def test_a_name_that_cannot_be_a_file_name_is_refused(
    video: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "w.pt"
    weights.touch()
    assert main(["predict", str(video), "--model", f"{name}={weights}", "--out", str(tmp_path / "D")]) == 2
    assert "cannot be a file name" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the extra yolo is not installed")
def test_a_real_model_scores_on_real_video_as_an_independent_script_says(shared_data: Path, tmp_path: Path) -> None:
    video, gt = shared_data / "pets09" / "vtest.avi", shared_data / "pets09" / "gt.txt"
    weights, out = shared_data / "models" / "yolo11n-pets.pt", tmp_path / "o.json"
    arguments = ["--model", f"base={weights}", "--floor", "0.01", "--out", str(tmp_path), "--frames", "480:795"]
    assert main(["predict", str(video), *arguments]) == 0
    pred = f"base={tmp_path / 'base.json'}"
    assert main(["eval", str(video), "--gt", str(gt), "--pred", pred, "--frames", "480:795", "--json", str(out)]) == 0
    base = json.loads(out.read_text())["variants"]["base"]
    assert base["avg_iou"] == pytest.approx(0.621, abs=0.01)
    assert base["ap"] == pytest.approx(0.407, abs=0.01)
    assert (base["frames"], base["complete"], base["ap_reason"]) == (315, True, None)


def test_boxes_of_classes_that_the_model_does_not_name_have_no_class() -> None:
    none, measured = np.zeros(3, np.float32), np.array([1, 8, 1], np.float32)
    boxes = np.array([[0, 0, 5, 5], [1, 1, 6, 6]], np.float32)
    found = [
        Detections(4, boxes, np.array([0.9, 0.5], np.float32), np.array([1, 2], np.int32), measured),
        Detections(7, boxes[:0], none[:0], np.zeros(0, np.int32), measured, warm=False),
        Detections(9, boxes[:1], none[:1], np.array([0], np.int32), measured),
    ]
    places, rects, class_ids, scores = columns_of(found, 2)
    assert places.tolist() == [0, 0, 2]
    assert class_ids.tolist() == [1, -1, 0]
    assert rects.T.tolist() == [[0, 0, 5, 5], [1, 1, 6, 6], [0, 0, 5, 5]]
    assert scores.tolist() == pytest.approx([0.9, 0.5, 0.0])
    assert [column.shape[-1] for column in columns_of([], 2)] == [0, 0, 0, 0]


def test_an_evaluation_with_a_run_that_failed_says_nothing_about_the_frames_before(
    video: Path, tmp_path: Path, worker: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    gt, weights = tmp_path / "gt.csv", tmp_path / "w.pt"
    gt.write_text("frameID,x1,y1,x2,y2,class\n0,1,2,30,40,person\n")
    weights.touch()
    worker["messages"] = [
        MODEL,
        pack([detections(0, [[1, 2, 30, 40]])]),
        Failed(kind=FailureKind.MEMORY, message="out of memory"),
    ]
    assert main(["eval", str(video), "--gt", str(gt), "--model", f"m={weights}"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "out of memory" in said.err
