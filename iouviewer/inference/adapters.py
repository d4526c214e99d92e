"""The libraries that can run models.

A new library needs one module and one row of ``ADAPTERS``. The module offers ``load_detector(request) -> Detector``
(see ``detector.py``); it is imported only in the worker process, when a model of its kind is loaded.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from iouviewer.document.sources import FrameImage
from iouviewer.i18n import tr
from iouviewer.inference.detector import Detector, DetectorError, LoadDetector, WriteModel
from iouviewer.inference.protocol import Exported, ExportModel, ExportProgress, FailureKind, LoadModel


@dataclass(frozen=True, slots=True)
class Adapter:
    """A library that runs models.

    Attributes:
        module: name of the module in ``iouviewer.inference``.
        suffixes: endings of its model files, lower case with dot.
        folder_suffixes: endings of the names of its model folders.
    """

    module: str
    suffixes: tuple[str, ...]
    folder_suffixes: tuple[str, ...] = ()

    def handles(self, weights: Path) -> bool:
        """Whether this library handles a model file or folder, judged by its name."""
        if weights.is_dir():
            return bool(self.folder_suffixes) and weights.name.endswith(self.folder_suffixes)
        return weights.suffix.lower() in self.suffixes

    def load(self, request: LoadModel) -> Detector:
        """Import the library's module and load a model; DetectorError if it cannot be loaded."""
        module = importlib.import_module(f"iouviewer.inference.{self.module}")
        return cast("LoadDetector", module.load_detector)(request)


ADAPTERS = (
    Adapter(
        "ultralytics_adapter",
        (".pt", ".onnx", ".torchscript", ".engine", ".tflite"),
        ("_openvino_model", "_ncnn_model"),
    ),
)
EXPORTER = "ultralytics_export"
"""The module in ``iouviewer.inference`` that writes checkpoints in other formats."""

MODEL_SUFFIXES = tuple(suffix for adapter in ADAPTERS for suffix in adapter.suffixes)
MODEL_FOLDER_SUFFIXES = tuple(suffix for adapter in ADAPTERS for suffix in adapter.folder_suffixes)


def load_detector(request: LoadModel) -> Detector:
    """The detector for a model file or folder; DetectorError if no adapter can load it."""
    check_settings(request)
    return find_adapter(check_path(request.weights)).load(request)


def write_model(
    command: ExportModel, images: Iterator[tuple[int, FrameImage]], report: Callable[[ExportProgress], None]
) -> Exported:
    """Write a checkpoint in another format; DetectorError if that fails."""
    check_path(command.weights)
    module = importlib.import_module(f"iouviewer.inference.{EXPORTER}")
    return cast("WriteModel", module.export_model)(command, images, report)


def check_settings(request: LoadModel) -> None:
    """Raise DetectorError for values that no detector accepts."""
    reason = ""
    if not 0 <= request.floor <= 1:
        reason = tr("the minimum confidence {value:g} is not between 0 and 1", value=request.floor)
    elif not 0 < request.nms_iou <= 1:
        reason = tr("the NMS IoU {value:g} is not above 0 and at most 1", value=request.nms_iou)
    elif request.max_det < 1:
        reason = tr("max detections per frame is {value} but must be at least 1", value=request.max_det)
    elif request.imgsz is not None and not 32 <= request.imgsz <= 16384:
        reason = tr("the image size {value} is not between 32 and 16384 pixels", value=request.imgsz)
    if reason:
        raise DetectorError(FailureKind.UNSUPPORTED, reason)


def check_path(weights: str) -> Path:
    """The path if it is absolute and exists; bare names are refused, as libraries would search the internet."""
    path = Path(weights)
    if not path.is_absolute():
        raise DetectorError(
            FailureKind.NOT_FOUND,
            tr("{name!r} is a name, not the path of a file", name=weights),
            remedy=tr("Give the full path of a model file on this machine."),
        )
    if not path.exists():
        raise DetectorError(
            FailureKind.NOT_FOUND, tr("the model does not exist"), path=weights, remedy=tr("Choose it again.")
        )
    return path


def find_adapter(weights: Path) -> Adapter:
    """The adapter for a model file or folder; DetectorError if there is none."""
    for adapter in ADAPTERS:
        if adapter.handles(weights):
            return adapter
    if weights.is_dir():
        raise DetectorError(
            FailureKind.UNSUPPORTED,
            tr("this folder is not a supported model"),
            path=str(weights),
            remedy=tr("Choose a folder whose name ends in {suffixes}.", suffixes=", ".join(MODEL_FOLDER_SUFFIXES)),
        )
    if weights.suffix:
        reason = tr("models with the ending {suffix} are not supported", suffix=weights.suffix.lower())
    else:
        reason = tr("models without a file name ending are not supported")
    raise DetectorError(
        FailureKind.UNSUPPORTED,
        reason,
        path=str(weights),
        remedy=tr(
            "Choose a file that ends in {suffixes}, or a folder that ends in {folder_suffixes}.",
            suffixes=", ".join(MODEL_SUFFIXES),
            folder_suffixes=", ".join(MODEL_FOLDER_SUFFIXES),
        ),
    )
