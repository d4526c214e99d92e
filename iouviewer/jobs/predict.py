"""Runs models on a video without a window, one after the other, each in a worker process."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.classes import ClassTable
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.inference.protocol import Detections, Failed, Finished, FrameDetections, ModelLoaded
from iouviewer.inference.runner import RunMessage, RunRequest, no_frame_failure, run_in_process
from iouviewer.jobs.data_set import listed_images, open_data_set, open_reader
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.jobs.requests import NamedPath, ProgressCallback, RunOptions, no_progress
from iouviewer.jobs.run_facts import (
    begun_protocol,
    columns_of,
    ended_protocol,
    fps_half_iqr,
    frames_per_second,
    loaded_protocol,
    model_classes,
    times_of,
)
from iouviewer.jobs.written_files import remember
from iouviewer.metrics.table import Int

RUN_ENDINGS = (".json", ".txt")
"""Endings of a run's files: COCO results with the protocol, and MOT."""


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Models to run on frames of a video. Each writes NAME.json and NAME.txt into ``out``.

    Attributes:
        video: a video, a folder of images, or a ``data.yaml``, of which ``split`` gives the images.
        resume: run only the frames that the files in ``out`` lack.
    """

    video: Path
    models: tuple[NamedPath, ...]
    out: Path
    options: RunOptions
    frames: str | None = None
    split: str = "val"
    resume: bool = False


@dataclass(frozen=True, slots=True)
class ModelRun:
    """Result of one run.

    Attributes:
        boxes: predictions with score floor, max detections, covered frames and protocol.
        size: (width, height) of the video in pixels.
        frame_count: number of frames of the video.
        fps: 1000 / median milliseconds per frame, without warm-up frames; None without a measured frame.
        throughput: frames per second of wall time including decoding; None without a frame.
        failure: why the run ended early, None if it completed.
        images: the images of an image set, empty for a video.
    """

    name: str
    boxes: ImportedBoxes
    size: tuple[int, int]
    frame_count: int
    fps: float | None
    throughput: float | None
    failure: UserError | None = None
    images: ImageTable = field(default_factory=ImageTable)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was asked for and did not happen, one sentence each."""
        return tuple(map(str, self.boxes.protocol.get("notes", ())))

    @property
    def summary(self) -> str:
        """One line for the user."""
        covered = 0 if self.boxes.covered is None else len(self.boxes.covered)
        parts = [
            tr(
                "{variant}: {predictions} on {frames}",
                variant=self.name,
                predictions=tr_n("{count} prediction", "{count:,} predictions", len(self.boxes)),
                frames=tr_n("{count} frame", "{count:,} frames", covered),
            )
        ]
        if self.fps is not None:
            parts.append(tr("{fps:.1f} FPS (batch 1)", fps=self.fps))
        if self.throughput is not None:
            parts.append(tr("{fps:.1f} FPS including decoding", fps=self.throughput))
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class PredictResult:
    """Result of all models.

    Attributes:
        runs: those that completed.
        failures: one for each model that did not, with its name; what it found until then is written.
    """

    runs: tuple[ModelRun, ...]
    failures: tuple[UserError, ...]


class RunInterruptedError(UserError):
    """The user stopped a run."""

    def __init__(self) -> None:
        super().__init__(tr("interrupted"))


@dataclass
class Collected:
    """The contents of a worker's messages so far."""

    found: list[Detections] = field(default_factory=list)
    model: ModelLoaded | None = None
    finished: Finished | None = None
    failure: UserError | None = None

    def add(self, message: RunMessage) -> None:
        """Add one message."""
        if isinstance(message, ModelLoaded):
            self.model = message
        elif isinstance(message, FrameDetections):
            self.found += message.unpack()
        elif isinstance(message, Finished):
            self.finished = message
        elif isinstance(message, Failed):
            self.failure = _user_error(message)


def _user_error(failure: Failed) -> UserError:
    return UserError(failure.message, path=failure.path or None, remedy=failure.remedy)


def run_model(
    video: Path,
    name: str,
    weights: Path,
    options: RunOptions,
    frames: Int | None = None,
    progress: ProgressCallback = no_progress,
    *,
    files: Sequence[Path] = (),
    val_shapes: Sequence[tuple[float, float]] = (),
) -> ModelRun:
    """Run one model. A run that ends early keeps its predictions and carries the ``failure``.

    Args:
        frames: (n,) int64, None: all.
        files: the images in frame order, where ``video`` is a file that lists them.
        val_shapes: run it as ``yolo val`` does (``inference.protocol.Predict``); empty: as ``predict`` does.

    Raises:
        UserError: the run failed before its first frame.
    """
    from iouviewer.video.image_reader import ImageReader

    reader = open_reader(video, files)
    size, frame_count = reader.size, reader.frame_count
    images = reader.images if isinstance(reader, ImageReader) else ImageTable()
    reader.close()
    selected = tuple(range(frame_count)) if frames is None else tuple(frames.tolist())
    request = RunRequest(
        name=name,
        weights=weights,
        video=video,
        frames=selected,
        floor=options.floor,
        nms_iou=options.nms_iou,
        max_det=options.max_det,
        imgsz=options.imgsz,
        device=options.device,
        images=tuple(map(str, files)),
        val_shapes=tuple(val_shapes),
    )
    collected = Collected()
    messages = cast("Generator[RunMessage]", run_in_process(request))
    try:
        for message in messages:
            collected.add(message)
            progress(len(collected.found), len(selected), name)
    except KeyboardInterrupt:
        collected.failure = RunInterruptedError()
    finally:
        messages.close()
    finished = collected.finished
    if collected.failure is None and finished is not None and finished.unreadable and not collected.found:
        collected.failure = _user_error(no_frame_failure(video, len(finished.unreadable)))
    if collected.failure is not None and not collected.found:
        raise collected.failure
    fps = frames_per_second(times_of(collected.found))
    throughput = finished.done / finished.seconds if finished is not None and finished.seconds > 0 else None
    boxes = imported_run(collected, request, reader.fingerprint, size, frame_count, fps, throughput)
    return ModelRun(name, boxes, size, frame_count, fps, throughput, collected.failure, images)


def imported_run(
    collected: Collected,
    request: RunRequest,
    fingerprint: str,
    size: tuple[int, int],
    frame_count: int,
    fps: float | None,
    throughput: float | None,
) -> ImportedBoxes:
    """The predictions of a run with its protocol.

    Args:
        fingerprint: of the video.
        size: (width, height) of the video.
        fps, throughput: as in ``ModelRun``.
    """
    model, finished = collected.model, collected.finished
    classes = ClassTable() if model is None else model_classes(model)
    covered = np.array([detections.frame for detections in collected.found], np.int64)
    places, boxes, class_ids, scores = columns_of(collected.found, len(classes))
    protocol = begun_protocol(request, fingerprint)
    if model is not None:
        protocol |= loaded_protocol(model, request)
    return ImportedBoxes(
        path=request.weights,
        format="run",
        kind=ImportKind.PREDICTIONS,
        frames=covered[places],
        boxes=np.ascontiguousarray(boxes),
        class_ids=class_ids,
        class_names=classes.names,
        class_numbers=classes.numbers,
        class_kind=classes.kind,
        classes_are_named=classes.named,
        scores=scores,
        track_ids=np.full(len(places), NO_TRACK, np.int64),
        flags=np.zeros(len(places), np.int64),
        frame_count=frame_count,
        size=size,
        score_floor=request.floor if model is None else model.floor,
        max_detections=request.max_det if model is None else model.max_det,
        covered=np.sort(covered),
        protocol=ended_protocol(
            protocol,
            boxes,
            covered=len(covered),
            complete=collected.failure is None,
            unreadable=() if finished is None else finished.unreadable,
            inputs=() if finished is None else finished.inputs,
            fps=fps,
            fps_half_iqr=fps_half_iqr(times_of(collected.found)),
            throughput=throughput,
        ),
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
        image_names=run.images.names or None,
        image_sizes=run.images.sizes or None,
    )
    first, second = (folder / f"{run.name}{ending}" for ending in RUN_ENDINGS)
    write_boxes(first, data, format="coco")
    write_boxes(second, data, format="mot")
    for path in (first, second):
        remember(path)
    return first, second


def check_file_names(names: list[str]) -> None:
    """UserError if a variant's name cannot be a file name."""
    for name in names:
        if name in {".", ".."} or any(c in '/\\:*?"<>|' or ord(c) < 32 for c in name):
            raise UserError(tr("{name!r} cannot be a file name", name=name), remedy=tr("Choose another NAME."))


def predict(request: PredictRequest, progress: ProgressCallback = no_progress) -> PredictResult:
    """Run all models and write their predictions; a model that fails does not stop the others.

    Raises:
        UserError: an unreadable video, a folder that cannot be written.
    """
    check_file_names([name for name, _ in request.models])
    try:
        request.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            tr("the folder cannot be created: {reason}", reason=error.strerror), path=request.out
        ) from error
    frames: Int | None = None
    images = listed_images(request.video, request.split)
    reader = open_reader(request.video, images)
    if request.frames is not None:
        frames = parse_frames(request.frames, reader.frame_count)
    reader.close()
    runs: list[ModelRun] = []
    failures: list[UserError] = []
    for name, weights in request.models:
        try:
            run = _run_or_resume(request, name, weights, frames, progress, images)
        except UserError as error:
            failures.append(UserError(tr("{variant}: {failure}", variant=name, failure=error)))
            is_interrupted = isinstance(error, RunInterruptedError)
        else:
            written, _ = write_run(run, request.out, request.video.name)
            if run.failure is None:
                runs.append(run)
            else:
                failures.append(_partial_failure(run, written))
            is_interrupted = isinstance(run.failure, RunInterruptedError)
        if is_interrupted:
            break
    return PredictResult(tuple(runs), tuple(failures))


def _run_or_resume(
    request: PredictRequest,
    name: str,
    weights: Path,
    frames: Int | None,
    progress: ProgressCallback,
    images: Sequence[Path],
) -> ModelRun:
    """Run a model on the frames, or on those that its file lacks."""
    if not request.resume:
        return run_model(request.video, name, weights, request.options, frames, progress, files=images)
    from iouviewer.jobs.eval_inputs import ReadOptions, read_source
    from iouviewer.jobs.resumed_runs import joined_part, read_part

    data = open_data_set(request.video, request.split) if images else None
    source, context = read_source(request.video, ReadOptions(split=request.split), data)
    context = replace(context, kind=ImportKind.PREDICTIONS)
    wanted = np.arange(source.frame_count) if frames is None else frames
    part = read_part(request.out / f"{name}{RUN_ENDINGS[0]}", weights, request.options, wanted, context)
    if part is None:
        return run_model(request.video, name, weights, request.options, frames, progress, files=images)
    if not len(part.missing):
        return ModelRun(name, part.boxes, (source.width, source.height), source.frame_count, None, None)
    run = run_model(request.video, name, weights, request.options, part.missing, progress, files=images)
    return replace(run, boxes=joined_part(part, run.boxes))


def _partial_failure(run: ModelRun, written: Path) -> UserError:
    """The failure of a run that found something before."""
    done = len(run.boxes.covered) if run.boxes.covered is not None else 0
    return UserError(
        tr("{variant}: {failure}", variant=run.name, failure=run.failure),
        remedy=tr_n(
            "Predictions of {count} frame are in {path}",
            "Predictions of {count:,} frames are in {path}",
            done,
            path=written,
        ),
    )
