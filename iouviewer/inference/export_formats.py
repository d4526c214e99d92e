"""The formats that a checkpoint can be written in, and the packages that each of them needs."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.inference.detector import DetectorError
from iouviewer.inference.protocol import FailureKind


@dataclass(frozen=True, slots=True)
class Package:
    """A package that an export needs.

    Attributes:
        module: its name in Python.
        distribution: its name in the package registry.
        requirement: what ``pip install`` takes.
    """

    module: str
    distribution: str
    requirement: str


def _extra(name: str) -> Package:
    return Package(name, name, '"iouviewer[export]"')


def _apart(module: str, distribution: str) -> Package:
    return Package(module, distribution, distribution)


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One way to write a model.

    Attributes:
        key: as in ``--formats`` and in the name of the variant.
        title: for display.
        format, quantize: as in ``ExportModel``.
        ending: of the new file or folder, after the name of the checkpoint.
        packages: needed besides ultralytics and torch, those that run the model included.
        is_calibrated: the range of its numbers is measured on frames.
    """

    key: str
    title: str
    format: str
    ending: str
    packages: tuple[Package, ...] = ()
    quantize: int = 32

    @property
    def is_calibrated(self) -> bool:
        return self.quantize == 8

    @property
    def missing(self) -> Package | None:
        """The first package that is not installed; None where the format can be written."""
        absent = (package for package in self.packages if importlib.util.find_spec(package.module) is None)
        return next(absent, None)


_ONNX = (_extra("onnx"), _extra("onnxruntime"))
_OPENVINO = (_extra("openvino"),)
_NCNN = (_apart("ncnn", "ncnn"), _apart("pnnx", "pnnx"))
_LITERT = (_apart("litert_torch", "litert-torch"), _apart("ai_edge_litert", "ai-edge-litert"))
FORMATS = (
    ExportFormat("onnx", "ONNX", "onnx", ".onnx", _ONNX),
    ExportFormat("onnx-int8", "ONNX INT8", "onnx", "_int8.onnx", _ONNX, 8),
    ExportFormat("openvino", "OpenVINO FP32", "openvino", "_openvino_model", _OPENVINO),
    ExportFormat("openvino-fp16", "OpenVINO FP16", "openvino", "_fp16_openvino_model", _OPENVINO, 16),
    ExportFormat("openvino-int8", "OpenVINO INT8", "openvino", "_int8_openvino_model", (*_OPENVINO, _extra("nncf")), 8),
    ExportFormat("torchscript", "TorchScript", "torchscript", ".torchscript"),
    ExportFormat("ncnn", "NCNN", "ncnn", "_ncnn_model", _NCNN),
    ExportFormat("litert", "LiteRT", "litert", ".tflite", _LITERT),
    ExportFormat(
        "litert-int8", "LiteRT INT8", "litert", "_int8.tflite",
        (*_LITERT, _apart("ai_edge_quantizer", "ai-edge-quantizer")), 8,
    ),
)  # fmt: skip
KEYS = tuple(one.key for one in FORMATS)


def parse_formats(text: str) -> tuple[ExportFormat, ...]:
    """``onnx,openvino-int8`` as formats, each once; UserError for an unknown one."""
    known = {one.key: one for one in FORMATS}
    keys = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for key in keys:
        if key not in known:
            raise UserError(
                tr("{name!r} is not a format", name=key), remedy=tr("Formats: {names}.", names=", ".join(KEYS))
            )
    return tuple(known[key] for key in keys)


def format_of(name: str, quantize: int) -> ExportFormat:
    """The format of an ``ExportModel``; DetectorError for one that is not offered."""
    found = next((one for one in FORMATS if (one.format, one.quantize) == (name, quantize)), None)
    if found is None:
        raise DetectorError(FailureKind.UNSUPPORTED, tr("{name!r} is not a format", name=name))
    return found
