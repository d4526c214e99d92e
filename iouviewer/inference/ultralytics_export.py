"""Writes checkpoints in other formats through ultralytics' exporter, in the worker process and without a network.

The exporter would install packages, download calibration images and fonts, and two of its packages report their use to
their makers. All of that is switched off: a missing package is a failure that names it, and no connection can be made.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from iouviewer.document.sources import FrameImage
from iouviewer.i18n import tr
from iouviewer.inference.detector import DetectorError
from iouviewer.inference.export_formats import format_of
from iouviewer.inference.protocol import Exported, ExportModel, ExportProgress, FailureKind
from iouviewer.inference.trust import PrivateCopy
from iouviewer.inference.ultralytics_adapter import (
    LOAD_ERRORS,
    checked_copy,
    find_runtime,
    is_out_of_memory,
    load_error,
    log_to_stderr,
    missing_package,
    refuse_other_tasks,
    require_packages,
    summary_line,
    version_of,
)

_CALIBRATION = "calibration"
_VERSIONS = ("ultralytics-opencv-headless", "ultralytics", "torch")


def export_model(
    command: ExportModel, images: Iterator[tuple[int, FrameImage]], report: Callable[[ExportProgress], None]
) -> Exported:
    """Write the model into the folder of the request, calibrated on ``images`` where these are given."""
    path = Path(command.weights)
    if path.suffix.lower() != ".pt" or path.is_dir():
        reason = tr("only a checkpoint (.pt) can be written in another format")
        raise DetectorError(FailureKind.UNSUPPORTED, reason, path=str(path), remedy=tr("Choose a .pt file."))
    require_packages(find_runtime(path))
    packages = format_of(command.format, command.quantize).packages
    for package in packages:
        if importlib.util.find_spec(package.module) is None:
            raise missing_package(package.module, package.requirement)
    forbid_network()
    report(ExportProgress(stage="load"))
    began = time.monotonic()
    copy, trusted = checked_copy(path, "pytorch", command.trusted)
    folder = Path(command.folder)
    try:
        model = _load(copy, path, trusted=trusted)
        refuse_other_tasks(str(model.task), path)
        data, unreadable = _write_images(command, images, folder, model.names)
        report(ExportProgress(stage="export"))
        written = _export(model, command, folder, data)
        return Exported(
            name=written.name,
            imgsz=_size_of(model, command),
            source_sha256=copy.sha256,
            trusted=trusted,
            unreadable=unreadable,
            versions={
                name: version
                for name in (*_VERSIONS, *(package.distribution for package in packages))
                if (version := version_of(name))
            },
            seconds=time.monotonic() - began,
        )
    except DetectorError:
        raise
    except LOAD_ERRORS as error:
        raise _failure(error, command, path, copy.path) from error
    finally:
        copy.remove()


def forbid_network() -> None:
    """Make every connection of this process fail, and leave out the packages that report their use."""
    os.environ["NNCF_CI"] = "1"
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # its importers know that it may be missing

    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        raise OSError(tr("models are written from files on this machine, without a network"))

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse


def _load(copy: PrivateCopy, path: Path, *, trusted: bool) -> Any:
    from ultralytics import YOLO

    log_to_stderr()
    try:
        return YOLO(str(copy.path))
    except LOAD_ERRORS as error:
        raise load_error(error, path, copy, trusted=trusted) from error


def _write_images(
    command: ExportModel, images: Iterator[tuple[int, FrameImage]], folder: Path, names: dict[int, str]
) -> tuple[Path | None, list[int]]:
    """The calibration frames as a data set, None where there are none, and the frames that cannot be read."""
    import cv2
    import yaml

    if not command.frames:
        return None, []
    pictures = folder / _CALIBRATION / "images"
    pictures.mkdir(parents=True)
    written = []
    for frame, image in images:
        cv2.imwrite(str(pictures / f"{frame:08d}.png"), image)
        written.append(frame)
    if not written:
        raise DetectorError(FailureKind.VIDEO, tr("none of the calibration frames can be decoded"), path=command.video)
    data = folder / _CALIBRATION / "data.yaml"
    root = str(pictures.parent)
    data.write_text(yaml.safe_dump({"path": root, "train": "images", "val": "images", "names": dict(names)}), "utf-8")
    return data, [frame for frame in command.frames if frame not in set(written)]


def _export(model: Any, command: ExportModel, folder: Path, data: Path | None) -> Path:
    """Run the exporter; returns the new file or folder."""
    # The exporter writes beside the checkpoint, under its name.
    model.model.pt_path = str(folder / f"{command.name}.pt")
    options: dict[str, Any] = {"format": command.format, "device": "cpu", "batch": 1, "verbose": False}
    if command.format == "onnx":
        options["simplify"] = False  # needs a further package and changes no number
    if command.quantize != 32:
        options["quantize"] = command.quantize
    if data is not None:
        options["data"] = str(data)
    if command.imgsz is not None:
        options["imgsz"] = command.imgsz
    written = Path(str(model.export(**options)))
    if written.parent.resolve() != folder.resolve() or not written.exists():
        raise DetectorError(
            FailureKind.INVALID_OUTPUT, tr("the exporter wrote {name} outside of its folder", name=written.name)
        )
    return written


def _size_of(model: Any, command: ExportModel) -> tuple[int, int]:
    size = command.imgsz or model.overrides.get("imgsz") or 640
    sides = [size, size] if isinstance(size, int) else [int(side) for side in size]
    return sides[0], sides[-1]


def _failure(error: BaseException, command: ExportModel, path: Path, copy: Path) -> DetectorError:
    """Why a model could not be written, from an error of the libraries."""
    if isinstance(error, ImportError) and error.name:
        package = error.name.partition(".")[0]
        return missing_package(package, package)
    if is_out_of_memory(error):
        reason = tr("not enough memory to write the model")
        return DetectorError(FailureKind.MEMORY, reason, path=str(path), detail=str(error))
    line = summary_line(error).replace(str(copy), path.name)
    return DetectorError(
        FailureKind.UNSUPPORTED,
        tr(
            "{format} cannot be written: {reason}",
            format=format_of(command.format, command.quantize).title,
            reason=line,
        ),
        path=str(path),
        remedy=tr("Details are in the log."),
        detail=str(error),
    )
