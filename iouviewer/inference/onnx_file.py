"""Reads the parts of an ONNX file that say what the model does by itself, without loading it and without onnx.

An ONNX file is a protobuf message. Only the fields that are needed are decoded; weights are skipped.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_GRAPH, _METADATA = 7, 14  # of ModelProto
_NODE, _INITIALIZER = 1, 5  # of GraphProto
_NODE_INPUT, _NODE_OUTPUT, _NODE_OP, _NODE_ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_FLOAT, _ATTRIBUTE_TENSOR = 2, 5
_TENSOR_TYPE, _TENSOR_FLOATS, _TENSOR_NAME, _TENSOR_RAW, _TENSOR_DOUBLES = 2, 4, 8, 9, 10
_SCALAR_FORMATS = {1: "<f", 10: "<e", 11: "<d"}
"""struct format by tensor type: float, float16, double."""
_MAX_SCALAR_BYTES = 8

Value = int | memoryview


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One operation of a graph, with the names of its inputs and outputs."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """What was read of a file.

    Attributes:
        metadata: the exporter's texts by key.
        nodes: the operations of the main graph.
        scalars: single floating-point constants by name.
    """

    metadata: dict[str, str] = field(default_factory=dict)
    nodes: tuple[OnnxNode, ...] = ()
    scalars: dict[str, float] = field(default_factory=dict)

    def constants_of(self, op: str, position: int) -> set[float]:
        """The constants that operations of this kind have as input number ``position``."""
        names = [node.inputs[position] for node in self.nodes if node.op == op and len(node.inputs) > position]
        return {self.scalars[name] for name in names if name in self.scalars}


def read_onnx(path: Path) -> OnnxFile:
    """Read a file.

    Raises:
        ValueError: it is not a protobuf message.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        return _read_model(data)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"not an ONNX file: {error}") from error


def _read_model(whole: memoryview) -> OnnxFile:
    metadata: dict[str, str] = {}
    nodes: list[OnnxNode] = []
    scalars: dict[str, float] = {}
    for number, value in _fields(whole):
        if number == _METADATA and isinstance(value, memoryview):
            entry = {key: bytes(text) for key, text in _fields(value) if isinstance(text, memoryview)}
            metadata[entry.get(1, b"").decode()] = entry.get(2, b"").decode()
        elif number == _GRAPH and isinstance(value, memoryview):
            for kind, content in _fields(value):
                if kind == _NODE and isinstance(content, memoryview):
                    nodes.append(_read_node(content, scalars))
                elif kind == _INITIALIZER and isinstance(content, memoryview):
                    name, scalar = _read_tensor(content)
                    if scalar is not None:
                        scalars[name] = scalar
    return OnnxFile(metadata, tuple(nodes), scalars)


def _read_node(data: memoryview, scalars: dict[str, float]) -> OnnxNode:
    """The node; a constant's value goes into ``scalars``."""
    inputs, outputs, op, constant = [], [], "", None
    for number, value in _fields(data):
        if not isinstance(value, memoryview):
            continue
        if number == _NODE_INPUT:
            inputs.append(bytes(value).decode())
        elif number == _NODE_OUTPUT:
            outputs.append(bytes(value).decode())
        elif number == _NODE_OP:
            op = bytes(value).decode()
        elif number == _NODE_ATTRIBUTE:
            found = _read_attribute(value)
            constant = found if found is not None else constant
    if op == "Constant" and constant is not None and outputs:
        scalars[outputs[0]] = constant
    return OnnxNode(op, tuple(inputs), tuple(outputs))


def _read_attribute(data: memoryview) -> float | None:
    for number, value in _fields(data):
        if number == _ATTRIBUTE_TENSOR and isinstance(value, memoryview):
            return _read_tensor(value)[1]
        if number == _ATTRIBUTE_FLOAT and isinstance(value, memoryview) and len(value) == 4:
            return _float(value, "<f")
    return None


def _read_tensor(data: memoryview) -> tuple[str, float | None]:
    """Name and value of a tensor of one floating-point number; None for all others."""
    name, kind, content = "", 0, memoryview(b"")
    for number, value in _fields(data):
        if isinstance(value, int):
            kind = value if number == _TENSOR_TYPE else kind
        elif number == _TENSOR_NAME:
            name = bytes(value).decode()
        elif number in (_TENSOR_RAW, _TENSOR_FLOATS, _TENSOR_DOUBLES):
            content = value
    text = _SCALAR_FORMATS.get(kind)
    if text is None or len(content) > _MAX_SCALAR_BYTES or len(content) != struct.calcsize(text):
        return name, None
    return name, _float(content, text)


def _float(data: memoryview, text: str) -> float:
    """The number in its shortest form: 0.3 for the single-precision number that is nearest to it."""
    (value,) = struct.unpack(text, data)
    return float(value) if text == "<d" else float(f"{value:.6g}" if text == "<f" else f"{value:.3g}")


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Number and value of each field: int for varints, the bytes of all others; IndexError for damaged data."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if kind == 2:
            length, at = _varint(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise IndexError(f"wire type {kind}")
        if at + length > end:
            raise IndexError("a field is longer than its message")
        yield tag >> 3, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError("a number is too long")
