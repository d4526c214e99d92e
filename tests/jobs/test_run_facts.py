"""Runs store what really happened; what was asked for and did not happen is a note."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from iouviewer.document.classes import NumberKind
from iouviewer.document.predictions import PredictionSet
from iouviewer.inference.protocol import ModelLoaded
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.run_facts import (
    begun_protocol,
    device_name,
    fps_half_iqr,
    loaded_protocol,
    merged_inputs,
    model_classes,
    request_of,
    run_notes,
    with_model,
    with_own_floor,
)
from iouviewer.metrics.table import BoxTable

REQUEST = RunRequest("int8", Path("/w/net.onnx"), Path("/v/clip.mp4"), device="cpu")
AS_ASKED = ModelLoaded(
    names=["person", "car"], imgsz=(640, 640), floor=0.001, nms="run", nms_iou=0.7, max_det=300, rectangular=True,
    device="cpu", task="detect", runtime="pytorch", precision="fp32", sha256="ab" * 32, trusted=False, versions={},
    hardware="a processor", threads=2,
)  # fmt: skip
BAKED = msgspec.structs.replace(
    AS_ASKED, imgsz=(256, 320), floor=0.25, nms="model", nms_iou=0.55, max_det=77, rectangular=False
)


def predictions(scores: list[float], **more) -> PredictionSet:
    count = len(scores)
    table = BoxTable.from_rows(
        np.zeros(count, np.int64), np.tile([[0.0], [0.0], [9.0], [9.0]], count), frame_count=1,
        class_ids=np.zeros(count, np.int64), scores=np.array(scores),
    )  # fmt: skip
    return PredictionSet(table, np.ones(1, np.bool_), **more)


NOTES = [
    (AS_ASKED, {}, []),
    (BAKED, {"floor": 0.25}, ["IoU 0.55", "at most 77 boxes per frame, not 300"]),
    (BAKED, {"floor": 0.5, "nms_iou": 0.55, "max_det": 50}, []),
    (
        BAKED,
        {"imgsz": 640},
        ["its own confidence threshold 0.25, so AP is a lower bound", "IoU 0.55", "at most 77", "640 was asked for"],
    ),
    (
        msgspec.structs.replace(BAKED, floor=None, nms_iou=None),
        {"max_det": 77},
        ["does not state the confidence threshold", "so the NMS IoU 0.7 was not applied"],
    ),
    # A network that needs no NMS loses nothing that was wished.
    (msgspec.structs.replace(AS_ASKED, nms="none", nms_iou=None), {}, []),
    (AS_ASKED, {"device": "0"}, ["the device 0 was asked for, but the model ran on cpu"]),
    (msgspec.structs.replace(AS_ASKED, device="cuda:0"), {"device": "0"}, []),
    (AS_ASKED, {"imgsz": 640}, []),
    (AS_ASKED, {"imgsz": 650}, ["the input size 650 was asked for, but the model ran at 640 × 640"]),
]


@pytest.mark.parametrize(("model", "asked", "expected"), NOTES)
def test_what_was_asked_for_and_did_not_happen_is_a_note(model, asked, expected):
    notes = run_notes(model, replace(REQUEST, **asked))
    assert len(notes) == len(expected)
    assert all(words in note for words, note in zip(expected, notes, strict=True))


def test_the_protocol_holds_facts_and_keeps_what_was_asked_for():
    protocol = begun_protocol(REQUEST, "f" * 32) | loaded_protocol(BAKED, REQUEST)
    assert (protocol["floor"], protocol["nms_iou"], protocol["max_det"]) == (0.25, 0.55, 77)
    assert (protocol["imgsz"], protocol["rectangular"], protocol["nms"]) == ([256, 320], False, "model")
    assert (protocol["device"], protocol["threads"], protocol["sha256"]) == ("cpu", 2, "ab" * 32)
    assert (protocol["video"], protocol["fingerprint"], protocol["model"]) == ("clip.mp4", "f" * 32, "net.onnx")
    assert protocol["asked"] == {"floor": 0.001, "nms_iou": 0.7, "max_det": 300, "imgsz": None, "device": "cpu"}
    assert len(protocol["notes"]) == 3


def test_a_run_is_continued_with_what_it_asked_for():
    asked = replace(REQUEST, floor=0.01, nms_iou=0.6, max_det=500, imgsz=640)
    begun = PredictionSet.empty(1, score_floor=0.01, max_detections=500, protocol=begun_protocol(asked, ""))
    loaded = with_model(begun, BAKED, asked)
    assert (loaded.score_floor, loaded.max_detections) == (0.25, 77)
    assert request_of("int8", asked.weights, asked.video, loaded) == asked


def test_a_run_of_an_earlier_version_is_continued_too():
    protocol = {
        "model": "net.pt",
        "floor": 0.01,
        "nms_iou": 0.6,
        "imgsz": [448, 448],
        "imgsz_asked": 448,
        "device": "0",
    }
    old = PredictionSet.empty(1, score_floor=0.01, max_detections=50, protocol=protocol)
    found = request_of("int8", REQUEST.weights, REQUEST.video, old)
    assert (found.floor, found.nms_iou, found.max_det, found.imgsz, found.device) == (0.01, 0.6, 50, 448, "0")


def test_the_lowest_score_is_the_floor_where_the_model_does_not_state_its_own():
    unknown = msgspec.structs.replace(BAKED, floor=None)
    loaded = with_model(PredictionSet.empty(1), unknown, REQUEST)
    assert loaded.score_floor is None
    found = with_own_floor(replace(predictions([0.9, 0.31]), protocol=loaded.protocol))
    assert found.score_floor == 0.31
    assert with_own_floor(predictions([0.9], score_floor=0.001, protocol={"floor": 0.001})).score_floor == 0.001
    # Loaded again to continue the run: what is there already counts.
    assert with_model(found, unknown, REQUEST).score_floor == 0.31


def test_the_names_of_the_model_are_its_class_table():
    table = model_classes(AS_ASKED)
    assert (table.names, table.numbers, table.kind, table.named) == (
        ("person", "car"), (0, 1), NumberKind.INDEX, True,
    )  # fmt: skip
    nameless = model_classes(msgspec.structs.replace(AS_ASKED, names=["class0", "class1"]))
    assert (nameless.named, nameless.numbers) == (False, (0, 1))


def test_sizes_of_the_input_are_those_of_all_parts_of_a_run():
    assert merged_inputs({}, [(352, 448), (352, 448)]) == [[352, 448]]
    assert merged_inputs({"inputs": [[352, 448]]}, [(448, 448)]) == [[352, 448], [448, 448]]


@pytest.mark.parametrize(
    ("text", "name"),
    [("cpu", "cpu"), ("0", "cuda:0"), ("cuda", "cuda:0"), ("CUDA:1", "cuda:1"), ("intel:gpu", "gpu"), ("mps", "mps")],
)
def test_one_device_has_one_name(text, name):
    assert device_name(text) == name


def test_the_spread_of_a_speed_is_that_of_ten_parts_of_the_run() -> None:
    assert fps_half_iqr([10.0] * 49) is None
    assert fps_half_iqr([10.0] * 100) == 0.0
    parts = [10.0] * 50 + [20.0] * 50  # five parts at 100, five at 50 frames per second
    assert fps_half_iqr(parts) == 25.0
