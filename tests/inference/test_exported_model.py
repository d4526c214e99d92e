"""What an exported model does by itself is read from its own files: metadata and constants of its graph."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.inference.exported_model import ExportFacts, read_export, real_thresholds
from iouviewer.inference.onnx_file import read_onnx
from iouviewer.inference.protocol import LoadModel

BAKED = ExportFacts(nms=True, confidence=0.25, nms_iou=0.55, imgsz=(256, 320))
ARGUMENTS = {"batch": 1, "nms": True, "dynamic": False}


def varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def field(number: int, content: bytes | int) -> bytes:
    """One field of a protobuf message."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def scalar(value: float, name: str = "", kind: int = 1) -> bytes:
    """A TensorProto of one number."""
    return field(2, kind) + field(8, name.encode()) + field(9, struct.pack({1: "<f", 10: "<e"}[kind], value))


def node(op: str, inputs: list[str], outputs: list[str], attribute: bytes = b"") -> bytes:
    names = b"".join(field(1, name.encode()) for name in inputs) + b"".join(field(2, name.encode()) for name in outputs)
    return field(1, names + field(4, op.encode()) + (field(5, attribute) if attribute else b""))


def onnx_bytes(metadata: dict[str, object], confidence: float = 0.25, iou: float = 0.55) -> bytes:
    """A model whose graph filters by confidence and suppresses boxes."""
    weights = field(1, 4) + field(2, 1) + field(8, b"weights") + field(9, struct.pack("<4f", 1, 2, 3, 4))
    graph = (
        node("Constant", [], ["c"], field(1, b"value") + field(5, scalar(confidence)))
        + node("Greater", ["scores", "c"], ["mask"])
        + node("NonMaxSuppression", ["boxes", "scores", "most", "iou"], ["kept"])
        + field(5, weights)
        + field(5, scalar(iou, "iou"))
    )
    entries = (field(14, field(1, key.encode()) + field(2, str(value).encode())) for key, value in metadata.items())
    return field(1, 8) + field(7, graph) + b"".join(entries)


def write_onnx(folder: Path, metadata: dict[str, object], **thresholds: float) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(onnx_bytes(metadata, **thresholds))
    return path


def write_openvino(folder: Path, metadata: dict[str, object]) -> Path:
    model = folder / "net_openvino_model"
    model.mkdir()
    (model / "metadata.yaml").write_text(json.dumps(metadata))  # JSON is YAML
    (model / "net.bin").write_bytes(b"1234" + struct.pack("<f", 0.25) + struct.pack("<e", 0.55))
    constant = '<layer id="{}" type="Const"><data element_type="{}" offset="{}" size="{}"/></layer>'
    layers = constant.format(1, "f32", 4, 4) + constant.format(2, "f16", 8, 2)
    layers += '<layer id="3" type="Greater"/><layer id="4" type="Convert"/><layer id="5" type="NonMaxSuppression"/>'
    edges = [(1, 3, 1), (2, 4, 0), (4, 5, 3)]
    wires = "".join(f'<edge from-layer="{a}" from-port="0" to-layer="{b}" to-port="{port}"/>' for a, b, port in edges)
    (model / "net.xml").write_text(f"<net><layers>{layers}</layers><edges>{wires}</edges></net>")
    return model


def write_torchscript(folder: Path, metadata: dict[str, object]) -> Path:
    path = folder / "net.torchscript"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/extra/config.txt", json.dumps(metadata))
        code = "    mask = torch.gt(score, 0.25)\n    _2 = ops.torchvision.nms(torch.cat([a, b], -1), score0, 0.55)\n"
        archive.writestr("net/code/__torch__/ultralytics/engine/exporter.py", code)
    return path


def write_engine(folder: Path, metadata: dict[str, object]) -> Path:
    path = folder / "net.engine"
    header = json.dumps(metadata).encode()
    path.write_bytes(len(header).to_bytes(4, "little") + header + b"engine")
    return path


WRITERS = {"onnxruntime": write_onnx, "openvino": write_openvino, "torchscript": write_torchscript}


@pytest.mark.parametrize("runtime", WRITERS)
def test_baked_in_nms_is_read_with_its_thresholds(tmp_path, runtime):
    path = WRITERS[runtime](tmp_path, {"imgsz": [256, 320], "args": ARGUMENTS, "task": "detect"})
    assert read_export(path, runtime) == BAKED


@pytest.mark.parametrize("runtime", WRITERS)
def test_constants_of_a_model_without_nms_mean_nothing(tmp_path, runtime):
    path = WRITERS[runtime](tmp_path, {"imgsz": [64, 64], "args": {"nms": False, "half": True}})
    assert read_export(path, runtime) == ExportFacts(imgsz=(64, 64), precision="fp16")


@pytest.mark.parametrize("arguments", [{"nms": True, "conf": 0.4, "iou": 0.6, "max_det": 50}])
def test_what_the_metadata_states_goes_first(tmp_path, arguments):
    path = write_onnx(tmp_path, {"args": arguments})
    assert read_export(path, "onnxruntime") == ExportFacts(True, 0.4, 0.6, 50)


def test_thresholds_that_the_files_do_not_state_stay_unknown(tmp_path):
    engine = write_engine(tmp_path, {"args": ARGUMENTS, "imgsz": 640})
    assert read_export(engine, "tensorrt") == ExportFacts(nms=True, imgsz=(640, 640))
    # 0 is no threshold: it may be any comparison of the graph.
    assert read_export(write_onnx(tmp_path, {"args": ARGUMENTS}, confidence=0.0), "onnxruntime").confidence is None


@pytest.mark.parametrize(
    ("arguments", "precision"),
    [
        ({"int8": True}, "int8"),
        ({"quantize": 8}, "int8"),
        ({"quantize": 16}, "fp16"),
        ({"half": True}, "fp16"),
        ({}, ""),
    ],
)
def test_the_precision_is_that_of_the_metadata(tmp_path, arguments, precision):
    assert read_export(write_onnx(tmp_path, {"args": arguments}), "onnxruntime").precision == precision


def test_half_precision_constants_are_read_in_their_shortest_form(tmp_path):
    graph = node("Greater", ["scores", "c"], ["mask"]) + field(5, scalar(0.3, "c", kind=10))
    path = tmp_path / "net.onnx"
    path.write_bytes(field(7, graph))
    assert read_onnx(path).constants_of("Greater", 1) == {0.3}


def test_a_checkpoint_states_nothing(tmp_path):
    path = tmp_path / "net.pt"
    path.write_bytes(b"x")
    assert read_export(path, "pytorch") == ExportFacts()


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino", "torchscript", "tensorrt"])
@pytest.mark.parametrize(
    "content", [b"", b"\x0a\xff\xff\xff\xff\x0f", b"\x08\x09\x12 no graph", b"[]", b"\x02\x00\x00\x00[]"]
)
def test_damaged_files_state_nothing(tmp_path, runtime, content):
    path = tmp_path / "net"
    if runtime == "openvino":
        path.mkdir()
        (path / "net.xml").write_bytes(content)
        (path / "metadata.yaml").write_bytes(content)
    else:
        path.write_bytes(content)
    assert read_export(path, runtime) == ExportFacts()


@given(st.data())
def test_a_changed_byte_never_ends_in_another_error(tmp_path_factory, data):
    raw = bytearray(onnx_bytes({"args": ARGUMENTS, "imgsz": [256, 320]}))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.onnx"
    path.write_bytes(raw)
    assert isinstance(read_export(path, "onnxruntime"), ExportFacts)


RAW, BOXES = (1, 84, 8400), (1, 77, 6)
THRESHOLDS = [
    # export, shape of the output, needs no NMS, asked floor -> floor, NMS, its IoU, most boxes
    (ExportFacts(), RAW, False, 0.001, (0.001, "run", 0.7, 300)),
    (BAKED, BOXES, True, 0.001, (0.25, "model", 0.55, 77)),
    (BAKED, BOXES, True, 0.4, (0.4, "model", 0.55, 77)),
    (ExportFacts(nms=True), BOXES, True, 0.001, (None, "model", None, 77)),
    (ExportFacts(nms=True, max_det=20), BOXES, True, 0.001, (None, "model", None, 20)),
    # Segmentation: 32 more numbers for each box.
    (ExportFacts(nms=True, confidence=0.3), (1, 100, 38), True, 0.001, (0.3, "model", None, 100)),
    # No metadata, but boxes come out: the file of another exporter.
    (ExportFacts(), BOXES, False, 0.001, (None, "model", None, 77)),
    # Trained without NMS: the score floor is the one that was asked for.
    (ExportFacts(), (1, 300, 6), True, 0.001, (0.001, "none", None, 300)),
    (ExportFacts(), (1, 1000, 6), True, 0.001, (0.001, "none", None, 300)),
    (ExportFacts(), (), False, 0.001, (0.001, "run", 0.7, 300)),
]


@pytest.mark.parametrize(("export", "output", "end_to_end", "asked", "expected"), THRESHOLDS)
def test_thresholds_are_those_of_the_model_where_it_has_its_own(export, output, end_to_end, asked, expected):
    found = real_thresholds(LoadModel(weights="/a", floor=asked), export, output, end_to_end=end_to_end)
    assert tuple(found[name] for name in ("floor", "nms", "nms_iou", "max_det")) == expected
