"""Properties of the bundled sample that the demo and the README rely on."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pytest

from iouviewer.metrics.coco import evaluate_coco
from iouviewer.metrics.iou import iou_pair
from iouviewer.metrics.table import BoxTable
from iouviewer.resource_files import resource_path
from iouviewer.video import open_video

SAMPLE = resource_path("sample/clip.mp4").parent
PLANTED = json.loads((SAMPLE / "planted.json").read_text(encoding="utf-8"))
NAMES = ["car", "truck", "person"]


def read_truth() -> dict[tuple[int, int], tuple[tuple[float, ...], str]]:
    """Frame and track id: box and class."""
    with (SAMPLE / "ground_truth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    boxes = {
        (int(r["frameID"]), int(r["id"])): (tuple(float(r[k]) for k in ("x1", "y1", "x2", "y2")), r["class"])
        for r in rows
    }
    assert len(boxes) == len(rows)
    return boxes


def corrected_truth() -> dict[tuple[int, int], tuple[tuple[float, ...], str]]:
    """The ground truth with all planted errors corrected."""
    boxes = read_truth()
    for error in PLANTED["errors"]:
        boxes[error["frame"], error["id"]] = (tuple(error["true"]), error["class"])
    return boxes


def table(boxes) -> BoxTable:
    frames = np.array([frame for frame, _ in boxes])
    rects = np.array([box for box, _ in boxes.values()]).T
    classes = np.array([NAMES.index(name) for _, name in boxes.values()])
    return BoxTable.from_rows(frames, rects, frame_count=500, class_ids=classes)


def predictions(name: str) -> BoxTable:
    data = json.loads(gzip.decompress((SAMPLE / "predictions" / f"{name}.json.gz").read_bytes()))
    assert [c["name"] for c in data["categories"]] == NAMES
    found = data["annotations"]
    rects = np.array([a["bbox"] for a in found]).T
    rects[2:] += rects[:2]
    return BoxTable.from_rows(
        np.array([a["image_id"] - 1 for a in found]), rects, frame_count=500,
        class_ids=np.array([a["category_id"] - 1 for a in found]), scores=np.array([a["score"] for a in found]),
    )  # fmt: skip


def test_the_sample_is_small():
    assert sum(p.stat().st_size for p in SAMPLE.rglob("*") if p.is_file()) < 10_000_000


def test_the_clip_has_twenty_seconds():
    reader = open_video(SAMPLE / "clip.mp4")
    assert (reader.frame_count, reader.size, reader.fps) == (500, (640, 360), 25.0)
    reader.close()


def test_every_box_is_within_the_frame_and_all_classes_occur():
    boxes = read_truth()
    rects = np.array([box for box, _ in boxes.values()])
    assert (rects[:, 2:] > rects[:, :2]).all()
    assert rects.min() >= 0 and rects[:, 2].max() <= 640 and rects[:, 3].max() <= 360
    assert {name for _, name in boxes.values()} == set(NAMES)
    assert {frame for frame, _ in boxes} == set(range(500))


def test_the_ground_truth_has_the_planted_errors():
    boxes = read_truth()
    assert [e["kind"] for e in PLANTED["errors"]] == ["edge", "missing", "shifted", "class"]
    assert PLANTED["edge"] == PLANTED["errors"][0]
    for error in PLANTED["errors"]:
        there = boxes.get((error["frame"], error["id"]))
        if error["kind"] == "missing":
            assert there is None
        elif error["kind"] == "class":
            assert there == (tuple(error["true"]), error["planted_class"]) and error["planted_class"] != error["class"]
        else:
            assert there == (tuple(error["planted"]), error["class"])
            assert iou_pair(tuple(error["planted"]), tuple(error["true"])) < 0.9


def test_the_first_frame_has_iou_071_and_one_edge_corrects_it():
    edge = PLANTED["edge"]
    assert PLANTED["first_frame"] == edge["frame"]
    differs = [k for k in range(4) if edge["planted"][k] != edge["true"][k]]
    assert differs == [["left", "top", "right", "bottom"].index(edge["edge"])]
    found = predictions("baseline").frame(edge["frame"])
    best = {key: max(iou_pair(tuple(edge[key]), tuple(box)) for box in found.boxes.T) for key in ("planted", "true")}
    assert best["planted"] == pytest.approx(0.71, abs=0.005)
    assert best["true"] >= best["planted"] + 0.1


def test_one_variant_equals_the_baseline_and_one_is_worse():
    truth = table(corrected_truth())
    ap = {name: evaluate_coco(truth, predictions(name), sizes=False) for name in ("baseline", "nearly", "small")}
    assert ap["baseline"].ap50 > 0.8
    assert abs(ap["nearly"].ap - ap["baseline"].ap) < 0.01
    assert ap["small"].ap < ap["baseline"].ap - 0.03


def test_the_weights_have_their_own_licence_file():
    assert "AGPL-3.0" in (SAMPLE / "weights" / "LICENSE").read_text(encoding="utf-8")
    sizes = {p.stem: p.stat().st_size for p in (SAMPLE / "weights").glob("*.pt")}
    assert set(sizes) == {"baseline", "nearly", "small"}
    assert all(1_000_000 < size < 3_000_000 for size in sizes.values())
