"""Detectors that ultralytics runs: the only module that imports it and torch, and only in the worker process."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.sources import Picture
from iouviewer.inference.detector import DetectorError
from iouviewer.inference.environment import allow_code
from iouviewer.inference.hardware import describe_processor
from iouviewer.inference.protocol import Detections, FailureKind, LoadModel, ModelLoaded
from iouviewer.inference.trust import PrivateCopy, private_copy

PACKAGES = {
    "pytorch": (),
    "torchscript": (),
    "onnxruntime": ("onnx", "onnxruntime"),
    "openvino": ("openvino",),
    "tensorrt": ("tensorrt",),
}
"""Modules that a runtime needs beside ultralytics and torch."""
RUNS_CODE = {
    "torchscript": "a TorchScript file is a program",
    "tensorrt": "a TensorRT engine is native code",
}
BOX_TASKS = ("detect", "segment", "pose")
_LOAD_ERRORS = (
    RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, EOFError, OSError,
    ImportError, SyntaxError, NotImplementedError, StopIteration, UnicodeError, pickle.PickleError, zipfile.BadZipFile,
)  # fmt: skip
"""What libraries raise for a file that is not what its name says."""


def runtime_of(weights: Path) -> str:
    """The runtime that a model file needs; DetectorError for a name that no runtime is known for."""
    suffix = weights.suffix.lower()
    if weights.is_dir():
        if any(weights.glob("*.xml")) and weights.name.endswith("_openvino_model"):
            return "openvino"
        raise DetectorError(
            FailureKind.UNSUPPORTED, "this folder is no OpenVINO model", path=str(weights),
            remedy="Choose the folder whose name ends in _openvino_model.",
        )  # fmt: skip
    known = {".pt": "pytorch", ".onnx": "onnxruntime", ".torchscript": "torchscript", ".engine": "tensorrt"}
    if suffix not in known:
        raise DetectorError(
            FailureKind.UNSUPPORTED, f"models named *{suffix or ' without a suffix'} cannot be run", path=str(weights),
            remedy="Choose a .pt, .onnx, .torchscript or .engine file or an OpenVINO folder.",
        )  # fmt: skip
    return known[suffix]


def require_packages(runtime: str) -> None:
    """DetectorError that names the first package that is missing."""
    for module in ("torch", "ultralytics", *PACKAGES[runtime]):
        if importlib.util.find_spec(module) is None:
            extra = module in {"torch", "ultralytics"}
            wanted = '"iouviewer[yolo]"' if extra else module
            raise DetectorError(
                FailureKind.MISSING_PACKAGE,
                f"the package {module} is not installed",
                remedy=f"Install it with: pip install {wanted}",
            )


def check_path(weights: str) -> Path:
    """An existing absolute path; a bare name would be looked for on the internet by ultralytics."""
    path = Path(weights)
    if not path.is_absolute():
        raise DetectorError(
            FailureKind.NOT_FOUND, f"'{weights}' is a name and not the place of a file",
            remedy="Give the full path of a model file on this machine.",
        )  # fmt: skip
    if not path.exists():
        raise DetectorError(FailureKind.NOT_FOUND, "the model is not there", path=weights, remedy="Choose it again.")
    return path


def check_settings(request: LoadModel) -> None:
    """DetectorError for numbers that no detector can work with."""
    wrong = ""
    if not 0 <= request.floor <= 1:
        wrong = f"the score floor {request.floor:g} is not between 0 and 1"
    elif not 0 < request.nms_iou <= 1:
        wrong = f"the NMS IoU {request.nms_iou:g} is not above 0 and at most 1"
    elif request.max_det < 1:
        wrong = f"at most {request.max_det} boxes a frame are asked for"
    elif request.imgsz is not None and not 32 <= request.imgsz <= 16384:
        wrong = f"the image size {request.imgsz} is not between 32 and 16384 pixels"
    if wrong:
        raise DetectorError(FailureKind.UNSUPPORTED, wrong)


def load_detector(request: LoadModel) -> UltralyticsDetector:
    """Load a model from a private copy of its bytes, safely unless their hash is trusted."""
    check_settings(request)
    path = check_path(request.weights)
    runtime = runtime_of(path)
    require_packages(runtime)
    try:
        copy = private_copy(path)
    except OSError as error:
        text = f"the model could not be read: {error.strerror or error}"
        raise DetectorError(FailureKind.NOT_FOUND, text, path=str(path)) from error
    trusted = copy.sha256 in request.trusted
    try:
        if runtime in RUNS_CODE and not trusted:
            raise _needs_trust(path, copy.sha256, RUNS_CODE[runtime])
        if runtime == "pytorch":
            _check_container(copy.path, path)
        if trusted:
            allow_code(os.environ)
        else:
            check_safe_loading()
        return UltralyticsDetector(request, path, copy, runtime, trusted)
    except DetectorError:
        copy.remove()
        raise


def check_safe_loading() -> None:
    """DetectorError unless pickles that run code will be refused here, by both libraries."""
    import torch
    import ultralytics
    from ultralytics.nn import tasks

    remedy = 'Install newer ones with: pip install -U "iouviewer[yolo]"'
    # ultralytics falls back to plain loading without a word where torch is older than 2.6.
    safe = getattr(tasks, "SAFE_LOAD", False) and getattr(getattr(tasks, "_SafeLoad", None), "SUPPORTED", False)
    if not safe:
        raise DetectorError(
            FailureKind.UNSAFE_RUNTIME,
            f"torch {torch.__version__} with ultralytics {ultralytics.__version__} cannot load models safely",
            remedy=remedy,
        )
    if os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD") != "1":
        raise DetectorError(FailureKind.UNSAFE_RUNTIME, "safe loading was turned off in this process", remedy=remedy)


def _needs_trust(path: Path, sha256: str, reason: str) -> DetectorError:
    return DetectorError(
        FailureKind.NEEDS_TRUST, f"{reason} and can do anything to this computer", path=str(path), sha256=sha256,
        remedy="Trust it only if you know who made it.",
    )  # fmt: skip


def _check_container(copy: Path, path: Path) -> None:
    """Tell a damaged .pt from one that is refused: both look alike to the safe loader."""
    with copy.open("rb") as file:
        start = file.read(2)
    if not zipfile.is_zipfile(copy) and start[:1] != b"\x80":
        detail = "the file is empty" if not start else "the file is cut off or something else than weights"
        raise DetectorError(FailureKind.DAMAGED, f"no PyTorch model: {detail}", path=str(path), remedy="Copy it again.")


def _first_words(error: BaseException) -> str:
    """The first line of an error that says something (OpenVINO begins with places in its own source)."""
    lines = [line.strip() for line in str(error).replace("ERROR ❌️ ", "").splitlines()]
    said = [line for line in lines if line and not line.startswith("Exception from")]
    return said[0][:300] if said else type(error).__name__


def _blames_content(error: BaseException, copy: Path) -> bool:
    """Whether the safe loader refused what an intact pickle would do."""
    if zipfile.is_zipfile(copy):
        with zipfile.ZipFile(copy) as archive:
            if archive.testzip() is not None:
                return False
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, pickle.UnpicklingError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


class UltralyticsDetector:
    """A model loaded by ultralytics; ``detect`` gives what its ``predict`` gives for the same picture."""

    def __init__(self, request: LoadModel, path: Path, copy: PrivateCopy, runtime: str, trusted: bool) -> None:
        from ultralytics import YOLO
        from ultralytics.utils import LOGGER

        for handler in LOGGER.handlers:
            if hasattr(handler, "setStream"):
                handler.setStream(sys.stderr)
        self._copy = copy
        self._path = path
        self._options: dict[str, Any] = {
            "conf": request.floor, "iou": request.nms_iou, "max_det": request.max_det, "verbose": False,
        }  # fmt: skip
        if request.imgsz is not None:
            self._options["imgsz"] = request.imgsz
        if request.device is not None:
            self._options["device"] = request.device
        try:
            self._model = YOLO(str(copy.path))
            # The first prediction loads exported models; doing it here tells a model that cannot run at once.
            self._model.predict(np.zeros((480, 640, 3), np.uint8), **self._options)
        except _LOAD_ERRORS as error:
            raise self._load_error(error, trusted) from error
        if self._model.task not in BOX_TASKS:
            raise DetectorError(
                FailureKind.UNSUPPORTED, f"a model for the task '{self._model.task}' finds no boxes", path=str(path)
            )
        self.info = self._describe(runtime, trusted)

    def detect(self, picture: Picture, frame: int) -> Detections:
        """Boxes on one picture, best score first."""
        try:
            result = self._model.predict(picture, **self._options)[0]
        except (RuntimeError, MemoryError) as error:
            if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
                raise DetectorError(
                    FailureKind.MEMORY, f"not enough memory for frame {frame}", path=str(self._path),
                    remedy="Choose a smaller image size, or the device cpu.", detail=str(error),
                ) from error  # fmt: skip
            raise
        boxes = result.boxes
        speed = result.speed
        return Detections(
            frame=frame,
            boxes=boxes.xyxy.cpu().numpy().astype(np.float32, copy=False).reshape(-1, 4),
            scores=boxes.conf.cpu().numpy().astype(np.float32, copy=False),
            classes=boxes.cls.cpu().numpy().astype(np.int32),
            times=np.array([speed["preprocess"], speed["inference"], speed["postprocess"]], np.float32),
        )

    def close(self) -> None:
        """Delete the private copy."""
        self._copy.remove()

    def _load_error(self, error: BaseException, trusted: bool) -> DetectorError:
        path = str(self._path)
        text = _first_words(error).replace(str(self._copy.path), self._path.name)
        if isinstance(error, ImportError) and error.name:
            package = error.name.partition(".")[0]
            return DetectorError(
                FailureKind.MISSING_PACKAGE,
                f"the package {package} is not installed",
                path=path,
                remedy=f"Install it with: pip install {package}",
            )
        if isinstance(error, ValueError) and "device" in text.lower():
            device = self._options.get("device", "")
            remedy = "Choose cpu, or the number of a GPU that this machine has."
            return DetectorError(
                FailureKind.UNSUPPORTED, f"there is no device '{device}' here", remedy=remedy, detail=text
            )
        if not trusted and _blames_content(error, self._copy.path):
            return _needs_trust(self._path, self._copy.sha256, "the file holds more than a model's weights")
        text = f"the model cannot be loaded: {text}"
        remedy = "Export or copy it again."
        return DetectorError(FailureKind.DAMAGED, text, path=path, remedy=remedy, detail=str(error))

    def _describe(self, runtime: str, trusted: bool) -> ModelLoaded:
        import torch

        predictor = self._model.predictor
        backend = predictor.model
        names = self._model.names
        size = predictor.imgsz
        device = str(predictor.device)
        packages = ("ultralytics-opencv-headless", "ultralytics", "torch", *PACKAGES[runtime])
        return ModelLoaded(
            names=[str(names[k]) for k in range(len(names))],
            imgsz=(int(size[0]), int(size[1])) if not isinstance(size, int) else (size, size),
            task=str(self._model.task),
            runtime=runtime,
            precision=_precision(backend, self._path),
            sha256=self._copy.sha256,
            trusted=trusted,
            versions={name: version for name in packages if (version := _version(name))},
            hardware=torch.cuda.get_device_name(device) if device.startswith("cuda") else describe_processor(device),
            threads=torch.get_num_threads(),
        )


def _precision(backend: Any, path: Path) -> str:
    arguments = (getattr(backend, "metadata", None) or {}).get("args") or {}
    told = arguments if isinstance(arguments, dict) else {}
    if told.get("int8") or str(told.get("quantize", "")).lower() in {"8", "int8"} or "_int8_" in path.name:
        return "int8"
    return "fp16" if getattr(backend, "fp16", False) else "fp32"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
