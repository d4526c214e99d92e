"""Run models on a video without a window, one after the other, each in a worker process."""

from __future__ import annotations

import statistics
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.errors import UserError
from iouviewer.inference.protocol import Failed, Finished, FrameDetections, ModelLoaded
from iouviewer.inference.runner import RunMessage, RunRequest, run_in_process
from iouviewer.jobs.frame_choice import parse_frames
from iouviewer.jobs.open_request import NamedPath
from iouviewer.jobs.progress import ProgressCallback, no_progress
from iouviewer.jobs.run_options import RunOptions
from iouviewer.metrics.table import Int


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Which models to run on which frames of a video; ``out`` gets NAME.json and NAME.txt for each."""

    video: Path
    models: tuple[NamedPath, ...]
    out: Path
    options: RunOptions
    frames: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRun:
    """What one run found.

    Attributes:
        boxes: predictions with floor, cap, covered frames and protocol.
        size: (width, height) of the video.
        frame_count: of the video.
        fps: 1000 / median of a frame's milliseconds, warm-up left out; None where no frame counts.
        throughput: frames per wall second, decode included; None for no frame.
        failure: why it ended early, None if it did not.
    """

    name: str
    boxes: ImportedBoxes
    size: tuple[int, int]
    frame_count: int
    fps: float | None
    throughput: float | None
    failure: UserError | None = None

    @property
    def summary(self) -> str:
        """One line for people."""
        covered = 0 if self.boxes.covered is None else len(self.boxes.covered)
        fps = "" if self.fps is None else f", {self.fps:.1f} FPS (batch 1)"
        rate = "" if self.throughput is None else f", {self.throughput:.1f} frames a second with decoding"
        return f"{self.name}: {len(self.boxes)} boxes on {covered} frames{fps}{rate}"


@dataclass
class _Gathered:
    """What a worker has said so far."""

    frames: list[Any] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)
    scores: list[Any] = field(default_factory=list)
    classes: list[Any] = field(default_factory=list)
    covered: list[int] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    model: ModelLoaded | None = None
    finished: Finished | None = None
    failure: UserError | None = None

    def take(self, message: RunMessage) -> None:
        """Add one message."""
        if isinstance(message, ModelLoaded):
            self.model = message
        elif isinstance(message, FrameDetections):
            for found in message.unpack():
                self.frames.append(np.full(len(found.scores), found.frame, np.int64))
                self.boxes.append(found.boxes.astype(np.float64))
                self.scores.append(found.scores.astype(np.float64))
                self.classes.append(found.classes.astype(np.int64))
                self.covered.append(found.frame)
                if found.warm:
                    self.milliseconds.append(float(found.times.sum()))
        elif isinstance(message, Finished):
            self.finished = message
        elif isinstance(message, Failed):
            self.failure = UserError(message.message, path=message.path or None, remedy=message.remedy)


def run_model(
    video: Path,
    name: str,
    weights: Path,
    options: RunOptions,
    frames: Int | None = None,
    progress: ProgressCallback = no_progress,
) -> ModelRun:
    """Run one model; a run that ends early keeps what it found and carries the ``failure``.

    Args:
        frames: (n,) int64, None: all.

    Raises:
        UserError: where not one frame was done.
    """
    from iouviewer.video import open_video

    reader = open_video(video)
    size, frame_count = reader.size, reader.frame_count
    reader.close()
    wanted = tuple(range(frame_count)) if frames is None else tuple(frames.tolist())
    request = RunRequest(
        name=name,
        weights=weights,
        video=video,
        frames=wanted,
        floor=options.floor,
        nms_iou=options.nms_iou,
        max_det=options.max_det,
        imgsz=options.imgsz,
        device=options.device,
    )
    gathered = _Gathered()
    messages = cast("Generator[RunMessage]", run_in_process(request))
    try:
        for message in messages:
            gathered.take(message)
            progress(len(gathered.covered), len(wanted), name)
    except KeyboardInterrupt:
        gathered.failure = UserError("interrupted")
    finally:
        messages.close()
    if gathered.failure is not None and not gathered.covered:
        raise gathered.failure
    fps = 1000.0 / statistics.median(gathered.milliseconds) if gathered.milliseconds else None
    finished = gathered.finished
    throughput = finished.done / finished.seconds if finished is not None and finished.seconds > 0 else None
    boxes = _as_imported(gathered, weights, video, options, size, frame_count, fps, throughput)
    return ModelRun(name, boxes, size, frame_count, fps, throughput, gathered.failure)


def _joined(parts: list[Any], empty: Any) -> Any:
    return np.concatenate(parts) if parts else empty


def _as_imported(
    gathered: _Gathered,
    weights: Path,
    video: Path,
    options: RunOptions,
    size: tuple[int, int],
    frame_count: int,
    fps: float | None,
    throughput: float | None,
) -> ImportedBoxes:
    none = np.zeros(0, np.int64)
    frames = _joined(gathered.frames, none)
    model = gathered.model
    protocol: dict[str, Any] = {
        "model": weights.name,
        "video": video.name,
        "floor": options.floor,
        "nms_iou": options.nms_iou,
        "max_det": options.max_det,
        "device": options.device,
        "frames_done": len(gathered.covered),
        "complete": gathered.failure is None,
        "unreadable": list(gathered.finished.unreadable) if gathered.finished is not None else [],
        "fps": fps,
        "throughput": throughput,
    }
    if model is not None:
        protocol |= {
            "imgsz": list(model.imgsz),
            "runtime": model.runtime,
            "precision": model.precision,
            "sha256": model.sha256,
            "versions": dict(model.versions),
            "hardware": model.hardware,
            "threads": model.threads,
        }
    boxes = ImportedBoxes(
        path=weights,
        format="run",
        kind=Kind.PREDICTIONS,
        frames=frames,
        boxes=np.ascontiguousarray(_joined(gathered.boxes, np.zeros((0, 4))).T),
        class_ids=_joined(gathered.classes, none),
        class_names=tuple(model.names) if model is not None else (),
        scores=_joined(gathered.scores, np.zeros(0)),
        track_ids=np.full(len(frames), NO_TRACK, np.int64),
        flags=np.zeros(len(frames), np.int64),
        frame_count=frame_count,
        size=size,
        score_floor=options.floor,
        cap=options.max_det,
        covered=np.array(sorted(gathered.covered), np.int64),
        protocol=protocol,
    )
    return _without_slivers(boxes)


def _without_slivers(boxes: ImportedBoxes) -> ImportedBoxes:
    """A detector may clip a box at the picture's edge to nothing: such a box has no area and may not enter."""
    x1, y1, x2, y2 = boxes.boxes
    keep = (x2 > x1) & (y2 > y1)
    if keep.all() or boxes.scores is None:
        return boxes
    return replace(
        boxes,
        frames=boxes.frames[keep],
        boxes=np.ascontiguousarray(boxes.boxes[:, keep]),
        class_ids=boxes.class_ids[keep],
        scores=boxes.scores[keep],
        track_ids=boxes.track_ids[keep],
        flags=boxes.flags[keep],
        protocol={**boxes.protocol, "boxes_without_area": int((~keep).sum())},
    )


def write_run(run: ModelRun, folder: Path, video_name: str) -> tuple[Path, Path]:
    """Write NAME.json (COCO with the protocol) and NAME.txt (MOT); returns both paths."""
    from iouviewer.formats.registry import BoxesToWrite, write_boxes

    boxes = run.boxes
    data = BoxesToWrite(
        frames=boxes.frames,
        boxes=boxes.boxes,
        class_ids=boxes.class_ids,
        class_names=boxes.class_names,
        scores=boxes.scores,
        track_ids=boxes.track_ids,
        flags=boxes.flags,
        size=run.size,
        frame_count=run.frame_count,
        labelled=boxes.covered,
        video_name=video_name,
        protocol=boxes.protocol,
    )
    paths = folder / f"{run.name}.json", folder / f"{run.name}.txt"
    write_boxes(paths[0], data, format="coco")
    write_boxes(paths[1], data, format="mot")
    return paths


def check_names(names: list[str]) -> None:
    """UserError where a variant's name cannot be a file's name."""
    for name in names:
        if name in {".", ".."} or any(c in '/\\:*?"<>|' or ord(c) < 32 for c in name):
            raise UserError(f"the name {name!r} cannot be a file's name", remedy="Choose another NAME")


def predict(request: PredictRequest, progress: ProgressCallback = no_progress) -> list[ModelRun]:
    """Run all models and write what they find; what a failed run found is written too, then the failure is raised.

    Raises:
        UserError: a model that cannot be loaded or that failed, an unreadable video, a folder that cannot be written.
    """
    check_names([name for name, _ in request.models])
    try:
        request.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder cannot be made ({error.strerror})", path=request.out) from error
    chosen: Int | None = None
    if request.frames is not None:
        from iouviewer.video import open_video

        reader = open_video(request.video)
        chosen = parse_frames(request.frames, reader.frame_count)
        reader.close()
    runs = []
    for name, weights in request.models:
        run = run_model(request.video, name, weights, request.options, chosen, progress)
        written, _ = write_run(run, request.out, request.video.name)
        if run.failure is not None:
            done = len(run.boxes.covered) if run.boxes.covered is not None else 0
            raise UserError(f"{name}: {run.failure}", remedy=f"What {done} frames gave is in {written}")
        runs.append(run)
    return runs
