"""What a run of a model asked for and what really happened, as prediction sets, files and projects store it.

One rule for the command line and the window: a run's ``protocol`` holds facts under their names (``floor``, ``imgsz``,
``device`` ...), and what was asked for under ``asked``. Where the two differ, a note says so.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.predictions import PredictionSet
from iouviewer.i18n import tr, tr_n
from iouviewer.inference.protocol import Detections, ModelLoaded
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.made_models import read_record
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Float, Int

Size = tuple[int, int]
_SPEED_PARTS = 10
ASKED = ("floor", "nms_iou", "max_det", "imgsz", "device")
"""Settings of a run that a model may override."""


def begun_protocol(request: RunRequest, fingerprint: str) -> dict[str, Any]:
    """The protocol of a run whose model is not loaded yet: nothing has happened.

    Args:
        fingerprint: of the video; empty if unknown.
    """
    asked = {name: getattr(request, name) for name in ASKED}
    known = {"model": request.weights.name, "video": request.video.name, "fingerprint": fingerprint or None}
    return {**{name: value for name, value in known.items() if value is not None}, "asked": asked}


def loaded_protocol(model: ModelLoaded, request: RunRequest) -> dict[str, Any]:
    """What a loaded model really does; ``floor`` and ``nms_iou`` are None where its files do not say it.

    ``made`` is there for a model that the program made (``made_models``).
    """
    made, made_note = read_record(request.weights, model.sha256)
    return {
        "floor": model.floor,
        "nms": model.nms,
        "nms_iou": model.nms_iou,
        "max_det": model.max_det,
        "imgsz": list(model.imgsz),
        "rectangular": model.rectangular,
        "device": model.device,
        "runtime": model.runtime,
        "precision": model.precision,
        "sha256": model.sha256,
        "versions": dict(model.versions),
        "hardware": model.hardware,
        "threads": model.threads,
        "weights_bytes": weights_bytes(request.weights),
        "notes": [*run_notes(model, request), *filter(None, [made_note])],
        **({} if made is None else {"made": made}),
    }


def weights_bytes(weights: Path) -> int | None:
    """Size of a file, or of all files of a folder (OpenVINO); None if it cannot be read."""
    try:
        files = [one for one in weights.rglob("*") if one.is_file()] if weights.is_dir() else [weights]
        return sum(one.stat().st_size for one in files)
    except OSError:
        return None


def model_classes(model: ModelLoaded) -> ClassTable:
    """The class table of a model: its own names, numbered from 0."""
    return ClassTable.of(model.names, range(len(model.names)), NumberKind.INDEX)


def with_model(predictions: PredictionSet, model: ModelLoaded, request: RunRequest) -> PredictionSet:
    """The predictions of a run whose model was loaded now, with its facts and its class table."""
    return with_own_floor(
        replace(
            predictions,
            raw=predictions.stored_table,
            classes=model_classes(model),
            score_floor=model.floor,
            max_detections=model.max_det,
            protocol={**predictions.protocol, **loaded_protocol(model, request)},
        )
    )


def with_own_floor(predictions: PredictionSet) -> PredictionSet:
    """The predictions with their lowest score as score floor where the model has a threshold that nobody states."""
    table = predictions.stored_table
    if predictions.protocol.get("floor", 0.0) is not None or not len(table):
        return predictions
    return replace(predictions, score_floor=float(table.scores.min()))


def merged_inputs(protocol: Mapping[str, Any], inputs: Iterable[Size]) -> list[list[int]]:
    """Sizes (height, width) of the network's input in a run and those in an earlier part of it, each once."""
    known = [*protocol.get("inputs", ()), *inputs]
    return sorted([height, width] for height, width in {(int(size[0]), int(size[1])) for size in known})


def request_of(name: str, weights: Path, video: Path, predictions: PredictionSet) -> RunRequest:
    """The request of a stored run, to continue it: what it asked for, whatever happened."""
    protocol = predictions.protocol
    request = RunRequest(name, weights, video)
    asked = protocol.get("asked")
    if not isinstance(asked, Mapping):  # a project of an earlier version, which stored what was asked as facts
        limit = predictions.max_detections
        asked = {**protocol, "imgsz": protocol.get("imgsz_asked"), "max_det": limit}
    values = {name: asked[name] for name in ASKED if asked.get(name) is not None}
    return replace(request, **values)


def frames_per_second(milliseconds: Sequence[float]) -> float | None:
    """1000 / median time per frame, without those of the warm-up; None without a measured frame."""
    return 1000.0 / statistics.median(milliseconds) if milliseconds else None


def fps_half_iqr(milliseconds: Sequence[float]) -> float | None:
    """Half the interquartile range of the frames per second of ten parts of a run; None for less than 50 frames."""
    if len(milliseconds) < 5 * _SPEED_PARTS:
        return None
    parts = np.array_split(np.asarray(milliseconds), _SPEED_PARTS)
    rates = [1000.0 / float(np.median(part)) for part in parts]
    low, high = np.percentile(rates, [25, 75])
    return float(high - low) / 2


def times_of(found: Iterable[Detections]) -> list[float]:
    """Milliseconds per frame, without those of the warm-up and those that nobody measured."""
    times = (float(detections.times.sum()) for detections in found if detections.warm)
    return [time for time in times if time > 0]


def columns_of(found: Sequence[Detections], class_count: int) -> tuple[Int, Float, Int, Float]:
    """All boxes as they came: place in ``found`` (N,), boxes (4, N), classes (N,), scores (N,).

    Args:
        class_count: classes of the model; a box of another number has no class.
    """
    places = np.repeat(np.arange(len(found)), [len(detections.scores) for detections in found])
    if not len(found):
        return places.astype(np.int64), np.zeros((4, 0)), np.zeros(0, np.int64), np.zeros(0)
    classes = np.concatenate([detections.classes for detections in found]).astype(np.int64)
    boxes = np.concatenate([detections.boxes for detections in found]).astype(np.float64).T
    scores = np.concatenate([detections.scores for detections in found]).astype(np.float64)
    return places, boxes, np.where(classes < class_count, classes, UNSPECIFIED_CLASS), scores


def ended_protocol(
    protocol: Mapping[str, Any],
    boxes: Float,
    *,
    covered: int,
    complete: bool,
    unreadable: Iterable[int],
    inputs: Iterable[Size],
    fps: float | None,
    fps_half_iqr: float | None,
    throughput: float | None,
) -> dict[str, Any]:
    """The protocol of a run that ended.

    Boxes without area, which a detector creates by clipping at the image edge, are counted and stay: AP counts them as
    false positives, as pycocotools does.

    Args:
        boxes: (4, N) all boxes of the run.
        covered: number of frames that it finished.
        fps, fps_half_iqr, throughput: as in ``Variant``.
    """
    empty = int(((boxes[2] <= boxes[0]) | (boxes[3] <= boxes[1])).sum())
    ended = {
        "frames_done": covered,
        "complete": complete,
        "unreadable": sorted(unreadable),
        "inputs": merged_inputs(protocol, inputs),
        "fps": fps,
        "fps_half_iqr": fps_half_iqr,
        "throughput": throughput,
    }
    return {**protocol, **ended, **({"boxes_without_area": empty} if empty else {})}


def run_notes(model: ModelLoaded, request: RunRequest) -> list[str]:
    """What was asked for and did not happen, one sentence each."""
    notes = []
    if model.floor is None:
        notes.append(
            tr(
                "NMS is part of the model, and its file does not state the confidence threshold (0.25 in exports of "
                "ultralytics that set none), so AP may be a lower bound"
            )
        )
    elif model.floor > request.floor:
        notes.append(
            tr("the model applies its own confidence threshold {floor:g}, so AP is a lower bound", floor=model.floor)
        )
    if model.nms == "model" and model.nms_iou is None:
        notes.append(tr("NMS is part of the model, so the NMS IoU {asked:g} was not applied", asked=request.nms_iou))
    elif model.nms == "model" and model.nms_iou != request.nms_iou:
        notes.append(
            tr(
                "the model applies NMS itself at IoU {iou:g}, so the NMS IoU {asked:g} was not applied",
                iou=model.nms_iou,
                asked=request.nms_iou,
            )
        )
    if model.max_det < request.max_det:
        notes.append(
            tr_n(
                "the model returns at most {count} box per frame, not {asked:,}",
                "the model returns at most {count:,} boxes per frame, not {asked:,}",
                model.max_det,
                asked=request.max_det,
            )
        )
    if request.imgsz is not None and model.imgsz != (request.imgsz, request.imgsz):
        notes.append(
            tr(
                "the input size {asked} was asked for, but the model ran at {width} × {height}",
                asked=request.imgsz,
                width=model.imgsz[1],
                height=model.imgsz[0],
            )
        )
    if request.device is not None and not is_same_device(request.device, model.device):
        notes.append(
            tr(
                "the device {asked} was asked for, but the model ran on {device}",
                asked=request.device,
                device=model.device,
            )
        )
    return notes


def is_same_device(one: str, other: str) -> bool:
    """Whether two names mean one device: ``0``, ``cuda`` and ``cuda:0`` do."""
    return device_name(one) == device_name(other)


def device_name(text: str) -> str:
    """A device's name in one form: ``cpu``, ``cuda:0``, ``gpu`` (of OpenVINO)."""
    name = text.strip().lower()
    if name.isdecimal():
        return f"cuda:{name}"
    if name.startswith("intel"):
        name = name.partition(":")[2] or "cpu"
    return "cuda:0" if name == "cuda" else name
