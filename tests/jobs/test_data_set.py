"""Data sets of ultralytics as the source of an evaluation: images, labels, runs as yolo val makes them, numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import msgspec
import numpy as np
import pytest

from iouviewer import api
from iouviewer.cli import main
from iouviewer.errors import UserError
from iouviewer.inference.protocol import Detections, Finished, pack
from iouviewer.inference.runner import RunMessage, RunRequest
from iouviewer.inference.ultralytics_val import input_shape, resized_shape
from iouviewer.jobs import predict as predict_job
from iouviewer.jobs.data_set import label_file, open_data_set, read_data_set_truth, val_shapes
from iouviewer.jobs.eval_inputs import ReadOptions, read_source
from tests.jobs.test_predict import MODEL

SIZES = {"a": (64, 48), "b": (48, 64), "c": (100, 50), "d": (64, 48)}
LABELS = {
    "a": "0 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5 0.5\n",  # a row twice
    "b": "1 0.5 0.5 0.25 0.25\n",
    "c": "0 -0.02 0.5 0.1 0.1\n",  # more than a hundredth outside: yolo val leaves the image out
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four images of three sizes in two folders; d has no label file."""
    for stem, (width, height) in SIZES.items():
        image = tmp_path / "images" / ("x" if stem == "b" else "") / f"{stem}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(image), np.full((height, width, 3), 90, np.uint8))
        if stem in LABELS:
            label = label_file(image)
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(LABELS[stem])
    path = tmp_path / "data.yaml"
    path.write_text("train: images\nval: images\nnames: [person, car]\n")
    return path


def test_images_are_found_in_the_order_of_their_paths(data: Path) -> None:
    found = open_data_set(data, "val")
    assert [image.stem for image in found.images] == ["a", "c", "d", "b"]
    assert found.notes == ()
    source, context = read_source(data, ReadOptions())
    assert source.images.names == ("a.png", "c.png", "d.png", "x/b.png")
    assert source.images.sizes == (SIZES["a"], SIZES["c"], SIZES["d"], SIZES["b"])
    assert context.frame_count == 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("images/x", ["b"]),
        ("[images/x, images/d.png]", ["d", "b"]),
        ("list.txt", ["a", "b"]),
        ("../images", ["a", "c", "d", "b"]),  # as Roboflow writes it
    ],
)
def test_a_split_is_a_folder_a_list_or_several(data: Path, value: str, expected: list[str]) -> None:
    (data.parent / "list.txt").write_text("./images/a.png\nimages/x/b.png\n")
    data.write_text(f"val: {value}\nnames: [person, car]\n")
    assert [image.stem for image in open_data_set(data, "val").images] == expected


def test_the_folder_of_the_data_set_is_relative_to_its_file_or_to_the_current_folder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.write_text(f"path: {tmp_path}\nval: images\n")
    assert len(open_data_set(data, "val").images) == 4
    inner = tmp_path / "yaml"
    inner.mkdir()
    (inner / "data.yaml").write_text("path: ..\nval: images\n")
    assert open_data_set(inner / "data.yaml", "val").notes == ()
    (inner / "data.yaml").write_text(f"path: {tmp_path.name}\nval: images\n")
    monkeypatch.chdir(tmp_path.parent)
    found = open_data_set(inner / "data.yaml", "val")
    assert len(found.images) == 4 and str(tmp_path) in found.notes[0]


def test_images_that_are_missing_or_listed_twice_are_told(data: Path) -> None:
    (data.parent / "list.txt").write_text("images/a.png\nimages/gone.png\nimages/a.png\n")
    data.write_text("val: list.txt\n")
    found = open_data_set(data, "val")
    assert len(found.images) == 1
    assert "1 listed image does not exist" in found.notes[0] and "listed twice" in found.notes[1]


@pytest.mark.parametrize(
    ("text", "split", "reason"),
    [
        ("val: images\n", "test", "has no split 'test'"),
        ("val: nowhere\n", "val", "do not exist"),
        ("val: empty\n", "val", "has no images"),
    ],
)
def test_a_split_without_images_is_refused(data: Path, text: str, split: str, reason: str) -> None:
    (data.parent / "empty").mkdir()
    data.write_text(text)
    with pytest.raises(UserError, match=reason):
        open_data_set(data, split)


def test_the_last_folder_images_becomes_labels() -> None:
    assert label_file(Path("/images/a/images/b/c.v1.jpg")) == Path("/images/a/labels/b/c.v1.txt")
    assert label_file(Path("/set/c.jpg")) == Path("/set/c.txt")


def test_labels_are_read_in_the_size_of_each_image(data: Path) -> None:
    found = open_data_set(data, "val")
    _, context = read_source(data, ReadOptions(), found)
    boxes, rules = read_data_set_truth(found, context)
    assert boxes.class_names == ("person", "car")
    assert boxes.frames.tolist() == [0, 0, 1, 3]
    assert boxes.boxes[:, 0].tolist() == [16, 12, 48, 36]
    assert boxes.boxes[:, 3].tolist() == [18, 24, 30, 40]
    assert boxes.labelled is not None and boxes.labelled.tolist() == [0, 1, 2, 3]
    assert rules.left_out == (1,) and rules.repeated.tolist() == [False, True, False, False]
    assert any("1 image has no label file" in note for note in boxes.notes)
    own = ReadOptions(missing="unlabelled").context_for(context, "gt", api.ImportKind.GROUND_TRUTH)
    only, _ = read_data_set_truth(found, own)
    assert only.labelled is not None and only.labelled.tolist() == [0, 1, 3]


def test_images_that_are_too_small_for_yolo_val_are_left_out_there(data: Path) -> None:
    cv2.imwrite(str(data.parent / "images" / "d.png"), np.zeros((9, 40, 3), np.uint8))
    found = open_data_set(data, "val")
    assert read_data_set_truth(found, read_source(data, ReadOptions(), found)[1])[1].left_out == (1, 2)


def test_a_split_without_label_files_is_refused(data: Path) -> None:
    data.write_text("val: images/d.png\n")
    assert main(["eval", str(data), "--pred", f"a={data}"]) == 2
    found = open_data_set(data, "val")
    with pytest.raises(UserError, match="no image of the split 'val' has a label file"):
        read_data_set_truth(found, read_source(data, ReadOptions(), found)[1])


def test_shapes_are_those_of_the_batches_of_yolo_val() -> None:
    sizes = [(768, 576), (100, 200), (100, 50), (100, 100), (768, 576)]
    assert val_shapes(sizes[:1]) == [(0.75, 1.0)]
    assert val_shapes(sizes) == [(1.0, 1.0)] * 5  # one batch with both aspects is square
    two = val_shapes(sizes, batch=2)
    assert two[2] == (0.75, 1.0) and two[1] == (1.0, 0.5) and two[3] == (1.0, 1.0)
    assert val_shapes(sizes, {1}, batch=4)[4] == (1.0, 1.0)
    assert val_shapes(sizes, {1, 3}) == [(0.75, 1.0), (1.0, 1.0), (0.75, 1.0), (1.0, 1.0), (0.75, 1.0)]
    assert input_shape(448, (0.75, 1.0), 32) == (352, 480)
    assert input_shape(640, (1.0, 1.0), 32) == (672, 672)
    assert resized_shape(576, 768, 448) == (336, 448)
    assert resized_shape(333, 1000, 640) == (214, 640)  # rounded up
    assert resized_shape(640, 320, 640) == (640, 320)


# Evaluations, with a worker that finds other boxes as yolo val than as predict


def found_on(frame: int, boxes: list[list[float]], classes: list[int]) -> Detections:
    n = len(boxes)
    scores = np.linspace(0.9, 0.5, n).astype(np.float32)
    rows = np.array(boxes, np.float32).reshape(n, 4)
    return Detections(frame, rows, scores, np.array(classes, np.int32), np.ones(3, np.float32))


PREDICT = [
    found_on(0, [[16, 12, 48, 36]], [0]),
    found_on(1, [[0, 22, 3, 28]], [0]),
    found_on(2, [], []),
    found_on(3, [[18, 24, 30, 36]], [1]),
]
"""Boxes cut at the edges; that on frame 3 has IoU 0.75."""
AS_VAL = [
    found_on(0, [[16, 12, 48, 36]], [0]),
    found_on(1, [[-7, 22, 3, 28]], [0]),
    found_on(2, [], []),
    found_on(3, [[18, 24, 30, 40], [18, 24, 30, 40]], [1, 0]),
]


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[RunRequest]:
    """A worker that replays PREDICT or AS_VAL; the list of its requests."""
    seen: list[RunRequest] = []

    def run(request: RunRequest) -> Iterator[RunMessage]:
        seen.append(request)
        yield msgspec.structs.replace(MODEL, max_det=request.max_det)
        yield pack(AS_VAL if request.val_shapes else PREDICT)
        yield Finished(done=4, seconds=1.0)

    monkeypatch.setattr(predict_job, "run_in_process", run)
    return seen


def evaluated(data: Path, tmp_path: Path, *more: str) -> dict[str, Any]:
    """The JSON report of ``eval``, which the schema describes."""
    weights = tmp_path / "w.pt"
    weights.touch()
    out = tmp_path / "out.json"
    assert main(["eval", str(data), "--model", f"m={weights}", "--json", str(out), *more]) == 0
    report: dict[str, Any] = json.loads(out.read_text())
    jsonschema.Draft202012Validator(api.report_schema()).validate(report)
    variant: dict[str, Any] = report["variants"]["m"]
    return variant


def test_a_model_runs_as_predict_and_as_yolo_val(
    data: Path, tmp_path: Path, requests: list[RunRequest], capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = evaluated(data, tmp_path, "--split", "val", "--html", str(tmp_path / "out.html"))
    first, second = requests
    assert first.images == second.images == tuple(map(str, open_data_set(data, "val").images))
    assert first.val_shapes == () and second.val_shapes == ((1.0, 1.0),) * 4
    own = metrics["ultralytics"]
    # The image with an unusable label and the repeated box are left out, so everything is found.
    assert (own["images"], own["boxes"], own["own_run"]) == (3, 2, True)
    assert own["map50_95"] == pytest.approx(0.995, abs=1e-9)  # the trapezoids miss the last half per cent
    # The IoU of frame 3's box is 0.75: found at 6 of 10 thresholds.
    steps = {step["step"]: step["ap"] for step in own["steps"]}
    assert metrics["reconcile"] == own["steps"]
    assert own["steps"][-1]["ap"] == pytest.approx(metrics["ap"])
    assert steps["yolo val, mAP50-95"] == own["map50_95"]
    assert len(steps) == 10
    text = capsys.readouterr().out
    assert "As printed by yolo val (ultralytics 8.4.190): 3 images, 2 boxes, run as yolo val does: conf=0.001" in text
    assert "From yolo val to COCO" in text and "mAP50-95" in text
    assert "Note: ground truth: 3 label files of the split 'val' of data.yaml" in text
    page = (tmp_path / "out.html").read_text("utf-8")
    assert page.count("As printed by yolo val") >= 2 and "Boxes cut at the image edges" in page


def test_stored_predictions_are_scored_by_the_rules_of_yolo_val(
    data: Path, tmp_path: Path, requests: list[RunRequest], capsys: pytest.CaptureFixture[str]
) -> None:
    frames = range(4)
    boxes = "".join(
        f"{frame},{','.join(map(str, rect))},{'car' if frame == 3 else 'person'},{score}\n"
        for frame in frames
        for rect, score in zip(PREDICT[frame].boxes.tolist(), PREDICT[frame].scores.tolist(), strict=True)
    )
    stored = tmp_path / "p.csv"
    stored.write_text("frameID,x1,y1,x2,y2,class,score\n" + boxes)
    out = tmp_path / "out.json"
    assert main(["eval", str(data), "--pred", f"p={stored}", "--json", str(out)]) == 0
    own = json.loads(out.read_text())["variants"]["p"]["ultralytics"]
    assert (own["own_run"], own["run"], own["images"], len(own["steps"])) == (False, None, 3, 8)
    assert "from the stored predictions" in capsys.readouterr().out
    assert requests == []


def test_other_ground_truth_is_scored_without_the_numbers_of_yolo_val(
    data: Path, tmp_path: Path, requests: list[RunRequest]
) -> None:
    truth = tmp_path / "gt.csv"
    truth.write_text("frameID,x1,y1,x2,y2,class\n0,16,12,48,36,person\n")
    assert "ultralytics" not in evaluated(data, tmp_path, "--gt", str(truth))
    assert len(requests) == 1


def test_classes_that_are_ignored_are_a_step(data: Path, tmp_path: Path, requests: list[RunRequest]) -> None:
    own = evaluated(data, tmp_path, "--class-agnostic")["ultralytics"]
    assert "classes ignored" in [step["step"] for step in own["steps"]]
    assert own["map50_95"] == pytest.approx(0.995, abs=1e-9)


def test_classes_beyond_those_of_the_model_do_not_count_in_yolo_val(
    data: Path, tmp_path: Path, requests: list[RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = msgspec.structs.replace(MODEL, names=["person"])
    monkeypatch.setattr("tests.jobs.test_data_set.MODEL", one)
    own = evaluated(data, tmp_path)["ultralytics"]
    assert (own["images"], own["boxes"]) == (3, 1)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--split", "test"], "has no split 'test'. Give one of these with --split: train, val"),
        (["--split", "other"], "--split"),
    ],
)
def test_an_unknown_split_is_one_line(
    data: Path, tmp_path: Path, arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(data), "--model", f"m={data}", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and part in error


def test_a_split_of_a_folder_is_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(data.parent / "images")
    assert main(["eval", folder, "--gt", folder, "--pred", f"a={folder}", "--split", "val"]) == 2
    assert "--split needs a data set" in capsys.readouterr().err


def test_predict_and_python_take_a_data_set_as_eval_does(
    data: Path, tmp_path: Path, requests: list[RunRequest], capsys: pytest.CaptureFixture[str]
) -> None:
    weights, out = tmp_path / "m.pt", tmp_path / "out"
    weights.touch()
    assert main(["predict", str(data), "--model", f"m={weights}", "--out", str(out), "--split", "val"]) == 0
    assert requests[0].images == tuple(map(str, open_data_set(data, "val").images))
    call = ["eval", str(data), "--json", str(tmp_path / "a.json")]
    assert main([*call, "--pred", f"m={out / 'm.json'}"]) == 0
    with api.open_source(data, split="val") as source:
        assert source.frame_count == 4
        assert [source.read(frame).shape[:2] for frame in range(4)] == [source.size_of(f)[::-1] for f in range(4)]
        truth = api.read_ground_truth(data, source)
        found = api.run_model(source, weights)
        joined = api.join(source, truth, {"m": found})
        mine = api.evaluate(joined).values["variants"]["m"]
    stored = json.loads((tmp_path / "a.json").read_text())["variants"]["m"]
    assert requests[-1].images == requests[0].images
    assert {name: mine[name] for name in ("ap", "tp", "fp", "fn")} == {n: stored[n] for n in ("ap", "tp", "fp", "fn")}
    capsys.readouterr()
    assert (
        main(["predict", str(tmp_path / "images"), "--model", f"m={weights}", "--out", str(out), "--split", "val"]) == 2
    )
    assert "--split needs a data set" in capsys.readouterr().err
