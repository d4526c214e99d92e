"""What an exported model does by itself: NMS, a confidence threshold, a fixed input size; read from its own files.

An export with NMS applies its own thresholds, whatever the run asks for. Exporters write ``nms: True`` and the input
size into the metadata, but not the thresholds; these are constants of the graph and are read from there. What the files
do not say stays unknown, it is never guessed.
"""

from __future__ import annotations

import ast
import json
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers import expat

from iouviewer.inference.onnx_file import read_onnx
from iouviewer.inference.protocol import LoadModel

_TORCHSCRIPT_CONFIDENCE = re.compile(r"torch\.gt\(\w+, ([0-9.eE+-]+)\)")
_TORCHSCRIPT_NMS = re.compile(r"ops\.torchvision\.nms\(.*, ([0-9.eE+-]+)\)")
_OPENVINO_FORMATS = {"f32": "<f", "f16": "<e", "f64": "<d"}
_MAX_ENGINE_HEADER = 1 << 24


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What the files of a model say about it; None where they do not say it.

    Attributes:
        nms: NMS with a confidence threshold is part of the model.
        confidence, nms_iou: thresholds of that NMS.
        max_det: most boxes per frame that it returns.
        imgsz: (height, width) of the input that the export was made for.
        precision: of the weights, "fp16" or "int8"; empty if not reduced or unknown.
    """

    nms: bool = False
    confidence: float | None = None
    nms_iou: float | None = None
    max_det: int | None = None
    imgsz: tuple[int, int] | None = None
    precision: str = ""


def read_export(path: Path, runtime: str) -> ExportFacts:
    """The facts in a model file or folder; those of a checkpoint are empty, as is what cannot be read.

    Args:
        runtime: as in ``ModelLoaded``.
    """
    read = _READERS.get(runtime)
    if read is None:
        return ExportFacts()
    try:
        metadata, thresholds = read(path)
        return _facts(metadata, *thresholds)
    except (OSError, ValueError, KeyError, StopIteration, SyntaxError, zipfile.BadZipFile, expat.ExpatError):
        return ExportFacts()


def real_thresholds(
    request: LoadModel, export: ExportFacts, output: tuple[int, ...], *, end_to_end: bool
) -> dict[str, Any]:
    """``floor``, ``nms``, ``nms_iou`` and ``max_det`` of ``ModelLoaded``: what holds, whatever was asked for.

    Args:
        output: shape of the network's output; (1, N, 6) are box, score and class of N boxes, which the library then
            only cuts at the minimum score.
        end_to_end: the network was trained to need no NMS.
    """
    has_boxes = len(output) == 3 and output[2] == 6
    limits = [request.max_det]
    if has_boxes or (len(output) == 3 and (export.nms or end_to_end)):
        limits.append(output[1])
    if export.max_det is not None:
        limits.append(export.max_det)
    if export.nms or (has_boxes and not end_to_end):
        floor = None if export.confidence is None else max(request.floor, export.confidence)
        return {"floor": floor, "nms": "model", "nms_iou": export.nms_iou, "max_det": min(limits)}
    nms, iou = ("none", None) if end_to_end else ("run", request.nms_iou)
    return {"floor": request.floor, "nms": nms, "nms_iou": iou, "max_det": min(limits)}


Thresholds = tuple[set[float], set[float]]
"""All constants that may be the confidence threshold, and all that may be the IoU of the NMS."""


def _facts(metadata: Any, confidences: set[float], overlaps: set[float]) -> ExportFacts:
    metadata = metadata if isinstance(metadata, dict) else {}
    arguments = _value(metadata.get("args"))
    arguments = arguments if isinstance(arguments, dict) else {}
    size = _value(metadata.get("imgsz"))
    size = [size, size] if isinstance(size, int) else size
    has_size = isinstance(size, list | tuple) and len(size) == 2 and all(isinstance(side, int) for side in size)
    nms = bool(arguments.get("nms", _value(metadata.get("nms"))))
    return ExportFacts(
        nms=nms,
        confidence=_number(arguments.get("conf"), confidences) if nms else None,
        nms_iou=_number(arguments.get("iou"), overlaps) if nms else None,
        max_det=_count(arguments.get("max_det")) if nms else None,
        imgsz=(size[0], size[1]) if has_size else None,
        precision=_precision(arguments),
    )


def _value(value: Any) -> Any:
    """A value of the metadata; ONNX holds Python literals as text."""
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def _number(stated: Any, constants: set[float]) -> float | None:
    """The threshold that the metadata states, else the only constant of the graph that can be it."""
    if isinstance(stated, int | float) and not isinstance(stated, bool):
        return float(stated)
    possible = {value for value in constants if 0 < value < 1}
    return possible.pop() if len(possible) == 1 else None


def _count(stated: Any) -> int | None:
    return stated if isinstance(stated, int) and not isinstance(stated, bool) and stated > 0 else None


def _precision(arguments: Mapping[str, Any]) -> str:
    bits = str(arguments.get("quantize", "")).lower()
    if arguments.get("int8") or bits in {"8", "int8"}:
        return "int8"
    return "fp16" if arguments.get("half") or bits in {"16", "fp16"} else ""


def _read_onnx(path: Path) -> tuple[Any, Thresholds]:
    found = read_onnx(path)
    return found.metadata, (found.constants_of("Greater", 1), found.constants_of("NonMaxSuppression", 3))


def _read_openvino(folder: Path) -> tuple[Any, Thresholds]:
    import yaml  # comes with ultralytics

    try:
        metadata = yaml.safe_load((folder / "metadata.yaml").read_text(encoding="utf-8"))
    except (FileNotFoundError, yaml.YAMLError):
        metadata = None
    graph = next(folder.glob("*.xml"))
    return metadata, _read_openvino_graph(graph)


def _read_openvino_graph(graph: Path) -> Thresholds:
    layers: dict[str, str] = {}  # id -> type
    constants: dict[str, dict[str, str]] = {}
    wires: dict[tuple[str, str], str] = {}  # (layer, port) -> layer that feeds it
    current = ""

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal current
        if tag == "layer":
            current = attributes["id"]
            layers[current] = attributes["type"]
        elif tag == "data" and layers.get(current) == "Const":
            constants[current] = attributes
        elif tag == "edge":
            wires[attributes["to-layer"], attributes["to-port"]] = attributes["from-layer"]

    parser = expat.ParserCreate()
    parser.StartElementHandler = on_start
    parser.Parse(graph.read_bytes(), True)
    weights = graph.with_suffix(".bin")

    def constant(layer: str, port: str) -> float | None:
        feeding = wires.get((layer, port), "")
        while layers.get(feeding) == "Convert":
            feeding = wires.get((feeding, "0"), "")
        return _openvino_number(weights, constants.get(feeding, {}))

    return _openvino_constants(layers, "Greater", "1", constant), _openvino_constants(
        layers, "NonMaxSuppression", "3", constant
    )


def _openvino_constants(
    layers: Mapping[str, str], kind: str, port: str, constant: Callable[[str, str], float | None]
) -> set[float]:
    found = (constant(layer, port) for layer, kind_of_layer in layers.items() if kind_of_layer == kind)
    return {value for value in found if value is not None}


def _openvino_number(weights: Path, data: Mapping[str, str]) -> float | None:
    """The value of a constant of one floating-point number, from the file of weights; None for all others."""
    text = _OPENVINO_FORMATS.get(data.get("element_type", ""))
    if text is None or int(data["size"]) != struct.calcsize(text):
        return None
    with weights.open("rb") as file:
        file.seek(int(data["offset"]))
        content = file.read(struct.calcsize(text))
    if len(content) < struct.calcsize(text):
        return None
    return float(f"{struct.unpack(text, content)[0]:.{3 if text == '<e' else 6}g}")


def _read_ncnn(folder: Path) -> tuple[Any, Thresholds]:
    import yaml  # comes with ultralytics

    try:
        metadata = yaml.safe_load((folder / "metadata.yaml").read_text(encoding="utf-8"))
    except (FileNotFoundError, yaml.YAMLError):
        metadata = None
    return metadata, (set(), set())


def _read_litert(path: Path) -> tuple[Any, Thresholds]:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("metadata.json")), (set(), set())


def _read_torchscript(path: Path) -> tuple[Any, Thresholds]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        metadata = json.loads(archive.read(next(name for name in names if name.endswith("extra/config.txt"))))
        code = "\n".join(
            archive.read(name).decode("utf-8", "replace") for name in names if "/code/" in name and name.endswith(".py")
        )
    confidences = {float(text) for text in _TORCHSCRIPT_CONFIDENCE.findall(code)}
    return metadata, (confidences, {float(text) for text in _TORCHSCRIPT_NMS.findall(code)})


def _read_engine(path: Path) -> tuple[Any, Thresholds]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(4), "little")
        metadata = json.loads(file.read(length)) if 0 < length <= _MAX_ENGINE_HEADER else {}
    return metadata, (set(), set())


_READERS: Mapping[str, Callable[[Path], tuple[Any, Thresholds]]] = {
    "onnxruntime": _read_onnx,
    "openvino": _read_openvino,
    "torchscript": _read_torchscript,
    "tensorrt": _read_engine,
    "ncnn": _read_ncnn,
    "litert": _read_litert,
}
"""Reader by runtime; a checkpoint has none."""
