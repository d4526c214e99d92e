"""Detectors run by ultralytics.

Only this module, ``ultralytics_val`` and ``ultralytics_export`` import ultralytics and torch, and only in the worker
process.
"""

from __future__ import annotations

import errno
import importlib.metadata
import importlib.util
import os
import pickle
import re
import sys
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.sources import FrameImage
from iouviewer.folders import cache_folder
from iouviewer.i18n import tr
from iouviewer.inference.crashes import LESS_MEMORY, OUT_OF_MEMORY
from iouviewer.inference.detector import DetectorError
from iouviewer.inference.environment import allow_code, describe_hardware
from iouviewer.inference.exported_model import ExportFacts, read_export, real_thresholds
from iouviewer.inference.protocol import Detections, FailureKind, LoadModel, ModelLoaded
from iouviewer.inference.trust import PrivateCopy, private_copy
from iouviewer.inference.ultralytics_val import find_boxes_as_val

PACKAGES = {
    "pytorch": (),
    "torchscript": (),
    "onnxruntime": ("onnx", "onnxruntime"),
    "openvino": ("openvino",),
    "tensorrt": ("tensorrt",),
    "ncnn": ("ncnn",),
    "litert": ("ai_edge_litert",),
}
"""Modules that a runtime needs besides ultralytics and torch."""
RUNTIMES = {
    ".pt": "pytorch",
    ".onnx": "onnxruntime",
    ".torchscript": "torchscript",
    ".engine": "tensorrt",
    ".tflite": "litert",
}
"""Runtime by file name ending."""
CODE_RUNTIMES = {
    "torchscript": tr("a TorchScript file is a program and can run any code on this computer"),
    "tensorrt": tr("a TensorRT engine is native code and can run any code on this computer"),
}
"""Runtimes whose model files are programs, with the reason why they need the user's trust."""
BOX_TASKS = ("detect", "segment", "pose")
LOAD_ERRORS = (
    RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, EOFError, OSError,
    ImportError, SyntaxError, NotImplementedError, StopIteration, MemoryError, UnicodeError,
    pickle.PickleError, zipfile.BadZipFile,
)  # fmt: skip
"""Exceptions of the libraries for files that do not have the format of their name."""
_SOURCE_LOCATION = re.compile(r"Exception from")
"""Source locations of OpenVINO, with which its error messages begin."""


def find_runtime(weights: Path) -> str:
    """The runtime that a model file, or a folder of OpenVINO or NCNN, needs."""
    if not weights.is_dir():
        return RUNTIMES[weights.suffix.lower()]
    if weights.name.endswith("_ncnn_model"):
        if any(weights.glob("*.param")):
            return "ncnn"
        raise DetectorError(
            FailureKind.UNSUPPORTED,
            tr("this folder is not an NCNN model: it has no .param file"),
            path=str(weights),
            remedy=tr("Choose the folder that the export created."),
        )
    if any(weights.glob("*.xml")):
        return "openvino"
    raise DetectorError(
        FailureKind.UNSUPPORTED,
        tr("this folder is not an OpenVINO model: it has no .xml file"),
        path=str(weights),
        remedy=tr("Choose the folder that the export created."),
    )


def require_packages(runtime: str) -> None:
    """Raise DetectorError naming the first missing package."""
    for module in ("torch", "ultralytics", *PACKAGES[runtime]):
        if importlib.util.find_spec(module) is None:
            requirement = '"iouviewer[yolo]"' if module in {"torch", "ultralytics"} else module
            raise missing_package(module, requirement)


def missing_package(package: str, requirement: str, path: str = "") -> DetectorError:
    if getattr(sys, "frozen", False):
        text = tr("this program comes without {package} and cannot run models", package=package)
        remedy = tr("Use iouviewer in a Python environment: pip install {requirement}", requirement=requirement)
    else:
        text = tr("the package {package} is not installed", package=package)
        remedy = tr("Install it with: pip install {requirement}", requirement=requirement)
    return DetectorError(FailureKind.MISSING_PACKAGE, text, path=path, remedy=remedy)


def load_detector(request: LoadModel) -> UltralyticsDetector:
    """Load a model from a private copy of its bytes; safely, unless their hash is trusted."""
    path = Path(request.weights)
    runtime = find_runtime(path)
    require_packages(runtime)
    copy, trusted = checked_copy(path, runtime, request.trusted)
    try:
        return UltralyticsDetector(request, path, copy, runtime, trusted)
    except DetectorError:
        copy.remove()
        raise


def checked_copy(path: Path, runtime: str, hashes: Collection[str]) -> tuple[PrivateCopy, bool]:
    """A private copy of a model that may be loaded now, and whether its hash is one of the trusted ``hashes``.

    Code in the file can run only where it is.
    """
    try:
        copy = private_copy(path)
    except OSError as error:
        raise _copy_error(error, path) from error
    trusted = copy.sha256 in hashes
    try:
        if runtime in CODE_RUNTIMES and not trusted:
            raise _needs_trust(path, copy.sha256, CODE_RUNTIMES[runtime])
        if runtime == "pytorch":
            _check_container(copy.path, path)
        if trusted:
            allow_code(os.environ)
        else:
            check_safe_loading()
    except DetectorError:
        copy.remove()
        raise
    return copy, trusted


def _copy_error(error: OSError, path: Path) -> DetectorError:
    """Why a model file could not be copied to where it is loaded from."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        reason = tr("there is no space for a copy of the model in {folder}", folder=cache_folder())
        return DetectorError(FailureKind.NO_SPACE, reason, path=str(path), remedy=tr("Free some space on that disk."))
    reason = tr("the model cannot be read: {reason}", reason=error.strerror or error)
    remedy = tr("Check the permissions of the file and its folder.") if isinstance(error, PermissionError) else ""
    return DetectorError(FailureKind.NOT_FOUND, reason, path=str(path), remedy=remedy)


def check_safe_loading() -> None:
    """Raise DetectorError unless both libraries refuse pickles that run code."""
    import torch
    import ultralytics
    from ultralytics.nn import tasks

    # ultralytics silently falls back to unsafe loading if torch is older than 2.6.
    safe = getattr(tasks, "SAFE_LOAD", False) and getattr(getattr(tasks, "_SafeLoad", None), "SUPPORTED", False)
    if not safe:
        raise DetectorError(
            FailureKind.UNSAFE_RUNTIME,
            tr(
                "torch {torch} with ultralytics {ultralytics} cannot load models safely",
                torch=torch.__version__,
                ultralytics=ultralytics.__version__,
            ),
            remedy=tr("Update them with: pip install -U {requirement}", requirement='"iouviewer[yolo]"'),
        )
    if os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD") != "1":
        raise DetectorError(
            FailureKind.UNSAFE_RUNTIME,
            tr("safe loading is turned off in this process"),
            remedy=tr(
                "Update torch and ultralytics with: pip install -U {requirement}", requirement='"iouviewer[yolo]"'
            ),
        )


def _needs_trust(path: Path, sha256: str, reason: str) -> DetectorError:
    return DetectorError(
        FailureKind.NEEDS_TRUST,
        reason,
        path=str(path),
        sha256=sha256,
        remedy=tr("Trust it only if you know who made it."),
    )


def _check_container(copy: Path, path: Path) -> None:
    """Raise DetectorError for a damaged .pt file, which the safe loader cannot distinguish from a refused one."""
    with copy.open("rb") as file:
        start = file.read(2)
    if not zipfile.is_zipfile(copy) and start[:1] != b"\x80":
        if start:
            reason = tr("the file is not a PyTorch model, or it is incomplete")
        else:
            reason = tr("the file is empty, not a PyTorch model")
        raise DetectorError(FailureKind.DAMAGED, reason, path=str(path), remedy=tr("Copy it again."))


def summary_line(error: BaseException) -> str:
    """The first informative line of an error."""
    lines = [line.strip() for line in str(error).replace("ERROR ❌️ ", "").splitlines()]
    informative = [line for line in lines if line and not _SOURCE_LOCATION.match(line)]
    return informative[0][:300] if informative else type(error).__name__


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of the libraries means that memory ran out."""
    return isinstance(error, MemoryError) or OUT_OF_MEMORY.search(str(error)) is not None


def _is_refused_pickle(error: BaseException, copy: Path) -> bool:
    """Whether the safe loader refused the content of an intact file (as opposed to a damaged one)."""
    if zipfile.is_zipfile(copy):
        with zipfile.ZipFile(copy) as archive:
            if archive.testzip() is not None:
                return False
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, pickle.UnpicklingError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def log_to_stderr() -> None:
    """Make ultralytics log to this process's standard error, which is the program's log."""
    from ultralytics.utils import LOGGER

    for handler in LOGGER.handlers:
        if hasattr(handler, "setStream"):
            handler.setStream(sys.stderr)


def load_error(
    error: BaseException, weights: Path, copy: PrivateCopy, *, trusted: bool, device: str = ""
) -> DetectorError:
    """Why a model cannot be loaded, from an error of the libraries (``LOAD_ERRORS``)."""
    path = str(weights)
    if isinstance(error, ImportError) and error.name:
        package = error.name.partition(".")[0]
        return missing_package(package, package, path)
    if is_out_of_memory(error):
        reason = tr("not enough memory to load the model")
        return DetectorError(FailureKind.MEMORY, reason, path=path, remedy=LESS_MEMORY, detail=str(error))
    line = summary_line(error).replace(str(copy.path), weights.name)
    if isinstance(error, ValueError) and "device" in line.lower():
        return DetectorError(
            FailureKind.UNSUPPORTED,
            tr("this machine has no device {device!r}", device=device),
            remedy=tr("Choose cpu, or the number of a GPU of this machine."),
            detail=line,
        )
    if not trusted and _is_refused_pickle(error, copy.path):
        reason = tr("the file contains more than a model's weights and can run any code on this computer")
        return _needs_trust(weights, copy.sha256, reason)
    return DetectorError(
        FailureKind.DAMAGED,
        tr("the model cannot be loaded: {reason}", reason=line),
        path=path,
        remedy=tr("Export or copy it again."),
        detail=str(error),
    )


def refuse_other_tasks(task: str, path: Path) -> None:
    """DetectorError for a model that does not find boxes."""
    if task not in BOX_TASKS:
        reason = tr("models for the task {task!r} do not detect boxes", task=task)
        remedy = tr("Choose a model for the task detect, segment or pose.")
        raise DetectorError(FailureKind.UNSUPPORTED, reason, path=str(path), remedy=remedy)


class UltralyticsDetector:
    """A model loaded by ultralytics; ``detect`` returns what its ``predict`` returns for the same image."""

    def __init__(self, request: LoadModel, path: Path, copy: PrivateCopy, runtime: str, trusted: bool) -> None:
        from ultralytics import YOLO

        log_to_stderr()
        self._copy = copy
        self._path = path
        self._request = request
        self._output: tuple[int, ...] = ()
        self.inputs: list[tuple[int, int]] = []
        self._options: dict[str, Any] = {
            "conf": request.floor, "iou": request.nms_iou, "max_det": request.max_det, "verbose": False,
        }  # fmt: skip
        if request.imgsz is not None:
            self._options["imgsz"] = request.imgsz
        if request.device is not None:
            self._options["device"] = request.device
        try:
            self._model = YOLO(str(copy.path))
            self._model.add_callback("on_predict_start", self._watch)
            # Exported models are loaded by the first prediction. Doing it here makes a model that cannot run fail at
            # once.
            self._model.predict(np.zeros((480, 640, 3), np.uint8), **self._options)
        except LOAD_ERRORS as error:
            device = self._options.get("device", "")
            raise load_error(error, path, copy, trusted=trusted, device=device) from error
        refuse_other_tasks(str(self._model.task), path)
        self.info = self._describe(runtime, trusted, read_export(copy.path, runtime))
        self.inputs = []

    def _watch(self, predictor: Any) -> None:
        """Note the shapes of the network's input and output from now on."""
        if not self._output:
            self._output = (0,)
            predictor.model.register_forward_hook(self._note_shapes)

    def _note_shapes(self, _model: Any, inputs: tuple[Any, ...], output: Any) -> None:
        height, width = inputs[0].shape[-2:]
        size = int(height), int(width)
        if size not in self.inputs:
            self.inputs.append(size)
        while isinstance(output, list | tuple) and output:  # of segmentation: ((boxes, prototypes), ...)
            output = output[0]
        self._output = tuple(int(length) for length in getattr(output, "shape", ()))

    def detect(self, image: FrameImage, frame: int) -> Detections:
        """Boxes on one frame, highest score first."""
        try:
            result = self._model.predict(image, **self._options)[0]
        except (RuntimeError, MemoryError) as error:
            self._refuse_out_of_memory(error, frame)
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

    def detect_as_val(self, image: FrameImage, frame: int, shape: tuple[float, float]) -> Detections:
        """Boxes on one frame as ``yolo val`` finds them, highest score first, not cut at the image edges."""
        request = self._request
        try:
            rows = find_boxes_as_val(
                self._model.predictor, image, shape, floor=request.floor, iou=request.nms_iou, max_det=request.max_det
            )
        except (RuntimeError, MemoryError) as error:
            self._refuse_out_of_memory(error, frame)
            raise
        # Nobody measures the speed of such a run.
        return Detections(
            frame, rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int32), np.zeros(3, np.float32), warm=False
        )

    def _refuse_out_of_memory(self, error: Exception, frame: int) -> None:
        """DetectorError if an error of the libraries means that memory ran out."""
        if is_out_of_memory(error):
            raise DetectorError(
                FailureKind.MEMORY,
                tr("not enough memory for frame {frame:,}", frame=frame),
                path=str(self._path),
                remedy=LESS_MEMORY,
                detail=str(error),
            ) from error

    def close(self) -> None:
        """Delete the private copy."""
        self._copy.remove()

    def _describe(self, runtime: str, trusted: bool, export: ExportFacts) -> ModelLoaded:
        predictor = self._model.predictor
        names = self._model.names
        size = predictor.imgsz
        end_to_end = bool(getattr(predictor.model, "end2end", False))
        device = _device(predictor)
        packages = ("ultralytics-opencv-headless", "ultralytics", "torch", *PACKAGES[runtime])
        parameters, gflops = _size_of_network(predictor.model, size)
        return ModelLoaded(
            names=[str(names[k]) for k in range(len(names))],
            imgsz=(int(size[0]), int(size[1])) if not isinstance(size, int) else (size, size),
            **real_thresholds(self._request, export, self._output, end_to_end=end_to_end),
            rectangular=_is_rectangular(predictor),
            device=device,
            task=str(self._model.task),
            runtime=runtime,
            precision=export.precision or _precision(predictor.model, self._path),
            sha256=self._copy.sha256,
            trusted=trusted,
            versions={name: version for name in packages if (version := version_of(name))},
            hardware=_hardware(device),
            threads=_threads(predictor.model, runtime),
            parameters=parameters,
            gflops=gflops,
        )


def _size_of_network(backend: Any, size: int | tuple[int, int]) -> tuple[int, float]:
    """Number of parameters and 1e9 operations a frame at this input size; 0 where the format does not tell.

    A pruned model with a dense graph has as many operations as its original.
    """
    from torch import nn
    from ultralytics.utils.torch_utils import get_flops

    network = getattr(backend, "model", None)
    if not isinstance(network, nn.Module):
        return 0, 0.0
    sides = [int(side) for side in size] if not isinstance(size, int) else [size, size]
    return sum(int(part.numel()) for part in network.parameters()), float(get_flops(network, sides) or 0.0)


def _precision(backend: Any, path: Path) -> str:
    """Where the metadata states no precision: of the input, what exporters put into the name, or OpenVINO's choice."""
    if "_int8_" in path.name:
        return "int8"
    compiled = getattr(backend, "ov_compiled_model", None)
    if compiled is not None and "bfloat16" in str(compiled.get_property("INFERENCE_PRECISION_HINT")):
        return "bf16"
    return "fp16" if getattr(backend, "fp16", False) else "fp32"


def _is_rectangular(predictor: Any) -> bool:
    """Whether the input is cut to the shape of the frame, as the library does where the model accepts any size."""
    model = predictor.model
    accepts_any = model.format == "pt" or bool(getattr(model, "dynamic", False))
    return bool(accepts_any and getattr(predictor.args, "rect", False))


def _device(predictor: Any) -> str:
    """Where the model runs; OpenVINO chooses its devices itself."""
    compiled = getattr(predictor.model, "ov_compiled_model", None)
    if compiled is not None:
        return ",".join(str(name).lower() for name in compiled.get_property("EXECUTION_DEVICES"))
    return str(predictor.device)


def _hardware(device: str) -> str:
    import torch

    return str(torch.cuda.get_device_name(device)) if device.startswith("cuda") else describe_hardware(device)


def _threads(backend: Any, runtime: str) -> int:
    if runtime in {"pytorch", "torchscript"}:
        import torch

        return int(torch.get_num_threads())
    compiled = getattr(backend, "ov_compiled_model", None)
    if compiled is not None:
        try:
            return int(compiled.get_property("INFERENCE_NUM_THREADS"))
        except RuntimeError:  # a device without threads
            return 0
    session = getattr(backend, "session", None)
    return int(session.get_session_options().intra_op_num_threads) if session is not None else 0


def version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
