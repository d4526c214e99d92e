"""One network in several export formats, each run by the real worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from iouviewer.inference.environment import worker_environment
from iouviewer.inference.protocol import Detections, Failed, FailureKind, Finished, ModelLoaded
from iouviewer.inference.runner import RunRequest, run_in_process
from iouviewer.jobs.run_facts import run_notes
from iouviewer.resource_files import resource_path
from tests.inference.helpers import detections_in, needs_yolo
from tests.inference.reference import mot_truth, score, table_of

CLIP = resource_path("sample/clip.mp4")
FRAMES = (0, 250)

EXPORT = """
import sys
from ultralytics import YOLO
nms = {"nms": True, "conf": 0.3, "iou": 0.55, "max_det": 20} if sys.argv[2] == "nms" else {}
for kind in sys.argv[3:]:
    YOLO(sys.argv[1]).export(format=kind, imgsz=(256, 416), **nms)
"""

EXPORTS = ("net.torchscript", "net.onnx", "net_openvino_model")

pytestmark = [needs_yolo, pytest.mark.slow]


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> Path:
    """A folder with the sample's baseline as .pt, .torchscript, .onnx and for OpenVINO."""
    return export(tmp_path_factory.mktemp("exports"), "raw")


@pytest.fixture(scope="module")
def nms_exports(tmp_path_factory) -> Path:
    """The same with NMS at IoU 0.55, confidence 0.3 and at most 20 boxes in the model."""
    return export(tmp_path_factory.mktemp("nms"), "nms")


def export(folder: Path, mode: str) -> Path:
    weights = folder / "net.pt"
    weights.write_bytes((CLIP.parent / "weights" / "baseline.pt").read_bytes())
    command = [sys.executable, "-c", EXPORT, str(weights), mode, "torchscript", "onnx", "openvino"]
    result = subprocess.run(command, env=worker_environment(), capture_output=True, text=True, check=False)
    assert all((folder / name).exists() for name in EXPORTS), result.stderr
    return folder


def run(weights: Path, trusted: tuple[str, ...] = ()):
    request = RunRequest("a", weights, CLIP, FRAMES, floor=0.25)
    return list(run_in_process(request, trusted=trusted))


def finished_detections(messages: list) -> list[Detections]:
    assert isinstance(messages[-1], Finished), messages[-1]
    return detections_in(messages)


@pytest.fixture(scope="module")
def reference_run(exports) -> list:
    return run(exports / "net.pt")


@pytest.fixture(scope="module")
def reference(reference_run) -> list[Detections]:
    return finished_detections(reference_run)


def assert_equal_boxes(
    some: list[Detections], others: list[Detections], pixels: float = 0.05, share: float = 0.001
) -> None:
    """Whatever the order of boxes whose scores differ by less than the runtimes do."""
    for a, b in zip(some, others, strict=True):
        assert len(a.scores) > 10
        distances = np.abs(a.boxes[:, None] - b.boxes[None]).max(axis=2)
        partners = distances.argmin(axis=1)
        assert sorted(partners.tolist()) == list(range(len(b.scores)))
        np.testing.assert_array_equal(a.classes, b.classes[partners])
        np.testing.assert_allclose(a.boxes, b.boxes[partners], atol=pixels)
        np.testing.assert_allclose(a.scores, b.scores[partners], atol=share)


@pytest.mark.parametrize(("name", "runtime"), [("net.onnx", "onnxruntime"), ("net_openvino_model", "openvino")])
def test_an_export_and_pytorch_detect_the_same(exports, reference, name, runtime):
    messages = run(exports / name)
    assert isinstance(messages[0], ModelLoaded)
    assert (messages[0].runtime, messages[0].imgsz, messages[0].device) == (runtime, (256, 416), "cpu")
    assert runtime in messages[0].versions
    # OpenVINO computes in bfloat16 where the processor can.
    tolerance = (4.0, 0.05) if runtime == "openvino" else (0.05, 0.001)
    assert_equal_boxes(finished_detections(messages), reference, *tolerance)


def test_trusted_torchscript_and_pytorch_detect_the_same(exports, reference):
    (refused,) = run(exports / "net.torchscript")
    assert isinstance(refused, Failed) and refused.kind == FailureKind.NEEDS_TRUST
    messages = run(exports / "net.torchscript", trusted=(refused.sha256,))
    assert messages[0].trusted and messages[0].runtime == "torchscript"
    assert_equal_boxes(finished_detections(messages), reference)


def test_a_checkpoint_runs_on_a_rectangle_as_asked(reference_run):
    loaded, *_, finished = reference_run
    assert (loaded.floor, loaded.nms, loaded.nms_iou, loaded.max_det) == (0.25, "run", 0.7, 300)
    assert (loaded.rectangular, loaded.device) == (True, "cpu")
    [(height, width)] = finished.inputs
    assert max(height, width) == max(loaded.imgsz)
    assert height < width


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_with_nms_reports_its_own_thresholds_and_size(nms_exports, name):
    weights = nms_exports / name
    request = RunRequest("a", weights, CLIP, FRAMES, floor=0.001, imgsz=640, device="cpu")
    messages = list(run_in_process(request, trusted=()))
    if isinstance(messages[-1], Failed):
        messages = list(run_in_process(request, trusted=(messages[-1].sha256,)))
    loaded, finished = messages[0], messages[-1]
    assert (loaded.floor, loaded.nms, loaded.nms_iou, loaded.max_det) == (0.3, "model", 0.55, 20)
    assert (loaded.imgsz, loaded.rectangular, finished.inputs) == ((256, 416), False, [(256, 416)])
    found = finished_detections(messages)
    assert all(0 < len(d.scores) <= 20 for d in found)
    assert min(float(d.scores.min()) for d in found) > 0.3
    assert run_notes(loaded, request) == [
        "the model applies its own confidence threshold 0.3, so AP is a lower bound",
        "the model applies NMS itself at IoU 0.55, so the NMS IoU 0.7 was not applied",
        "the model returns at most 20 boxes per frame, not 300",
        "the input size 640 was asked for, but the model ran at 416 × 256",
    ]


def test_a_torchscript_file_named_pt_is_not_run(exports, tmp_path):
    path = tmp_path / "renamed.pt"
    path.write_bytes((exports / "net.torchscript").read_bytes())
    (refused,) = run(path)
    assert refused.kind in {FailureKind.DAMAGED, FailureKind.NEEDS_TRUST}


def test_a_damaged_onnx_file_is_one_error(tmp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes(b"\x08\x09\x12 something that is no graph")
    messages = run(path)
    assert [type(m) for m in messages] == [Failed]
    assert "\n" not in str(messages[0])


def test_the_int8_model_of_the_reference_data_has_the_scores_of_an_independent_script(shared_data):
    folder, frames = shared_data / "pets09", tuple(range(480, 795))
    weights = shared_data / "models" / "yolo11n-pets_int8_openvino_model"
    messages = list(run_in_process(RunRequest("int8", weights, folder / "vtest.avi", frames, floor=0.01), trusted=()))
    found = finished_detections(messages)
    assert (messages[0].runtime, messages[0].precision, messages[0].names) == ("openvino", "int8", ["person"])
    coco, avg_iou = score(mot_truth(folder / "gt.txt", 795), table_of(found, 795), frames)
    assert coco.ap == pytest.approx(0.409, abs=0.005)
    assert avg_iou == pytest.approx(0.622, abs=0.005)
