"""Running models: queue, progress, results as they come, trust."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from iouviewer.app.editing.import_boxes import knows_classes, map_classes
from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.inference_job import InferenceQueue, Run
from iouviewer.app.settings import Settings
from iouviewer.document.edits import SetClassNames
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.variants import RunState, Variant
from iouviewer.errors import UserError
from iouviewer.inference.protocol import Detections, Failed, ModelLoaded
from iouviewer.inference.runner import RunRequest
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Int
from iouviewer.ui.dialogs.run_dialog import RunDialog
from iouviewer.ui.dialogs.trust import TrustDialog
from iouviewer.ui.panels.status import StatusBar

_LEFT_OUT = -2
_MODELS = "Models (*.pt *.onnx *.engine *.torchscript *.xml);;All files (*)"


@dataclass(eq=False)
class _Shown:
    """A run and the variant that it fills.

    Attributes:
        classes: the document's class of each class of the model, ``_LEFT_OUT`` for none.
        early: what was found on frames as they are numbered by an index that the session does not have yet.
    """

    key: str
    source: str
    classes: Int = field(default_factory=lambda: np.zeros(0, np.int64))
    milliseconds: list[float] = field(default_factory=list)
    rate: float = 0.0
    early: list[Detections] = field(default_factory=list)


class RunCommands(QObject):
    """Group ``runs``.

    Signals:
        failed(UserError): a run failed or could not be started.
    """

    failed = Signal(object)

    def __init__(
        self, window: QWidget, session: Session, queue: InferenceQueue, settings: Settings, status: StatusBar
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._queue = window, session, queue
        self._settings, self._status = settings, status
        self._shown: dict[Run, _Shown] = {}
        self._seconds_a_frame: float | None = None
        self._waiting = 0
        queue.started.connect(self._on_queue_started)
        queue.modelLoaded.connect(self._on_queue_model_loaded)
        queue.progress.connect(self._on_queue_progress)
        queue.detections.connect(self._on_queue_detections)
        queue.finished.connect(self._on_queue_finished)
        queue.cancelled.connect(self._on_queue_cancelled)
        queue.failed.connect(self._on_queue_failed)
        queue.needsTrust.connect(self._on_queue_needs_trust)
        status.cancelRequested.connect(self.cancel)
        session.sourceChanged.connect(self._on_source_changed)
        session.variants.listChanged.connect(self._on_list_changed)

    # Starting

    def choose_model(self) -> None:
        """Choose weights, then how to run them."""
        paths, _ = QFileDialog.getOpenFileNames(
            self._window, "Weights to run", self._settings.folder("models"), _MODELS
        )
        if paths:
            self._settings.remember_folder("models", paths[0])
            chosen = [Path(path) for path in paths]
            # An OpenVINO model is a folder; a dialog for files shows its .xml.
            folders = [path.parent if path.suffix == ".xml" else path for path in chosen]
            self.ask([(path.stem.removesuffix("_openvino_model"), path) for path in folders])

    def ask(self, models: Sequence[tuple[str, Path]]) -> None:
        """Ask how to run these models, and enqueue them."""
        source = self._session.source
        if not source.path or not self._session.frame_count:
            self.failed.emit(UserError("there is no video to run on", remedy="Open a video first"))
            return
        dialog = RunDialog(
            self._window,
            models,
            video=Path(source.path),
            frame_count=self._session.frame_count,
            seconds_a_frame=self._seconds_a_frame,
        )
        if dialog.exec():
            for request in dialog.requests():
                self.start(request)

    def run_with_defaults(self, name: str, weights: Path) -> None:
        """Enqueue a model as it is."""
        self.start(RunRequest(name, weights, Path(self._session.source.path)))

    def start(self, request: RunRequest) -> Run:
        """Enqueue a run; its variant is there at once, empty."""
        count = self._session.frame_count
        empty = PredictionSet.empty(
            count,
            score_floor=request.floor,
            cap=request.max_det,
            protocol=_protocol(request),
        )
        variant = self._session.variants.add(request.name, empty, path=str(request.weights), state=RunState.QUEUED)
        run = self._queue.enqueue(request, count)
        self._shown[run] = _Shown(variant.key, self._session.source.path)
        if self._queue.current is run:
            self._on_queue_started(run)
        return run

    def resume(self, key: str) -> None:
        """Go on with a run that was cancelled or failed, in this session or before it."""
        variants, count = self._session.variants, self._session.frame_count
        variant = variants.find(key)
        if variant is None or variant.state not in (RunState.CANCELLED, RunState.FAILED):
            return
        variants.update(key, state=RunState.QUEUED, message="")
        known = next((run for run, shown in self._shown.items() if shown.key == key), None)
        if known is not None and not known.complete:
            self._queue.resume(known)
            return
        done = set(np.flatnonzero(variant.predictions.covered).tolist())
        run = self._queue.enqueue(_request_of(variant, Path(self._session.source.path)), count, done)
        self._shown[run] = _Shown(key, self._session.source.path)
        if self._queue.current is run:
            self._on_queue_started(run)

    def cancel(self) -> None:
        """Stop the run in work; what it found stays."""
        if self._queue.current is not None:
            self._queue.cancel(self._queue.current)

    def close(self) -> None:
        """Stop everything; the worker is gone afterwards."""
        self._queue.close()

    def _on_list_changed(self) -> None:
        # Nobody waits for the results of a variant that was removed.
        for run, shown in self._shown.items():
            if run.state.value in ("queued", "running") and self._session.variants.find(shown.key) is None:
                self._queue.cancel(run)

    def _on_source_changed(self) -> None:
        # Results belong to the video they were asked for.
        for run, shown in list(self._shown.items()):
            if shown.source != self._session.source.path:
                self._queue.cancel(run)
                del self._shown[run]
            elif shown.early:
                early, shown.early = shown.early, []
                self._on_queue_detections(run, early)

    # Following

    def _of(self, run: Run) -> _Shown | None:
        shown = self._shown.get(run)
        return shown if shown is not None and self._session.variants.find(shown.key) is not None else None

    def _on_queue_started(self, run: Run) -> None:
        shown = self._of(run)
        if shown is not None:
            self._session.variants.update(shown.key, state=RunState.RUNNING)
            self._status.show_run(f"{run.request.name}: loading", 0, 0)

    def _on_queue_model_loaded(self, run: Run, model: ModelLoaded) -> None:
        shown = self._of(run)
        if shown is None:
            return
        document, source = self._session.document, self._session.source.id
        truth = self._session.ground_truth
        names, mapped = map_classes(tuple(model.names), document.class_names, {}, add=not knows_classes(truth))
        if names != document.class_names:
            self._session.execute(SetClassNames(names, source), f"Classes of {run.request.name}", origin="run")
        shown.classes = np.array([mapped.get(i, _LEFT_OUT) for i in range(len(model.names))], np.int64)
        details = {
            "hardware": model.hardware,
            "runtime": model.runtime,
            "precision": model.precision,
            "imgsz": list(model.imgsz),
            "sha256": model.sha256,
            "threads": model.threads,
            "versions": dict(model.versions),
        }
        self._session.variants.update(shown.key, details=details)

    def _on_queue_progress(self, run: Run, done: int, total: int, rate: float, left: float) -> None:
        shown = self._of(run)
        if shown is None:
            return
        shown.rate = rate
        if rate > 0:
            self._seconds_a_frame = 1 / rate
        waiting = sum(other.state.value == "queued" for other in self._shown)
        time = "" if math.isnan(left) else f", {_clock(left)} left"
        more = f", {waiting} waiting" if waiting else ""
        share = 100 * done // max(1, total)
        self._status.show_run(f"{run.request.name} {share} %, {rate:.1f} /s{time}{more}", done, total)

    def _on_queue_detections(self, run: Run, found: list[Detections]) -> None:
        shown = self._of(run)
        if shown is None or not found:
            return
        numbers = np.array([one.frame for one in found], np.int64)
        frames = self._session.frames_now(found[0].numbering, numbers)
        if frames is None:
            shown.early += found
            return
        found = [one for one, frame in zip(found, frames.tolist(), strict=True) if frame >= 0]
        frames = frames[frames >= 0]
        if not found:
            return
        counts = [len(one.scores) for one in found]
        classes = np.concatenate([one.classes for one in found]).astype(np.int64)
        mapped = shown.classes[classes] if len(shown.classes) else np.full(len(classes), UNSPECIFIED_CLASS, np.int64)
        keep = mapped != _LEFT_OUT
        boxes = np.concatenate([one.boxes for one in found]).astype(np.float64).T
        scores = np.concatenate([one.scores for one in found]).astype(np.float64)
        old = self._session.variants[shown.key].predictions
        # A box of no width may come out of a network; it has no area and cannot be stored.
        keep &= (boxes[2] > boxes[0]) & (boxes[3] > boxes[1])
        new = old.with_frames(
            frames,
            row_frames=np.repeat(frames, counts)[keep],
            boxes=boxes[:, keep],
            class_ids=mapped[keep],
            scores=scores[keep],
            complete=old.complete,
        )
        shown.milliseconds += [float(one.times.sum()) for one in found if one.warm]
        self._session.variants.extend_predictions(shown.key, new, frozenset(frames.tolist()))

    # Ends

    def _end(self, run: Run, state: RunState, message: str = "") -> None:
        shown = self._of(run)
        if self._queue.current is None:
            self._status.hide_run()
        if shown is None:
            return
        variants = self._session.variants
        fps = 1000.0 / statistics.median(shown.milliseconds) if shown.milliseconds else None
        old = variants[shown.key].predictions
        protocol = {**old.protocol, **variants[shown.key].details}
        variants.describe_predictions(shown.key, replace(old, complete=state is RunState.FINISHED, protocol=protocol))
        variants.update(shown.key, state=state, fps=fps, throughput=shown.rate or None, message=message)

    def _on_queue_finished(self, run: Run) -> None:
        self._end(run, RunState.FINISHED)
        self._session.told.emit(f"{run.request.name}: {len(run.done)} frames done")

    def _on_queue_cancelled(self, run: Run) -> None:
        self._end(run, RunState.CANCELLED, f"cancelled after {len(run.done)} of {run.total} frames")
        self._session.told.emit(f"{run.request.name}: cancelled after {len(run.done)} of {run.total} frames")

    def _on_queue_failed(self, run: Run, failure: Failed) -> None:
        self._end(run, RunState.FAILED, str(failure))
        self.failed.emit(UserError(failure.message, path=failure.path or None, remedy=failure.remedy))

    def _on_queue_needs_trust(self, run: Run, path: str, digest: str, reason: str) -> None:
        self._status.hide_run()
        dialog = TrustDialog(self._window, path=path, digest=digest, reason=reason)
        if dialog.exec():
            self._queue.trust(run)
        else:
            self._end(run, RunState.FAILED, "not trusted")


def _protocol(request: RunRequest) -> dict[str, Any]:
    """How the model is run, as the project and the reports keep it; what is left out is the runtime's choice."""
    known = {
        "model": request.weights.name,
        "floor": request.floor,
        "nms_iou": request.nms_iou,
        "imgsz_asked": request.imgsz,
        "device": request.device,
        "frames": None if request.frames is None else _stretches(request.frames),
    }
    return {name: value for name, value in known.items() if value is not None}


def _request_of(variant: Variant, video: Path) -> RunRequest:
    """The run that a variant's protocol speaks of."""
    kept, asked = variant.predictions, variant.predictions.protocol
    frames = [frame for start, stop, step in asked.get("frames", ()) for frame in range(start, stop, step)]
    standard = RunRequest(variant.name, Path(variant.path), video)
    return replace(
        standard,
        frames=tuple(frames) if "frames" in asked else None,
        floor=float(asked.get("floor", standard.floor)),
        nms_iou=float(asked.get("nms_iou", standard.nms_iou)),
        max_det=standard.max_det if kept.cap is None else kept.cap,
        imgsz=asked.get("imgsz_asked"),
        device=asked.get("device"),
    )


def _stretches(frames: Sequence[int]) -> list[tuple[int, int, int]]:
    """Frames as (start, stop, step), in their order."""
    found: list[tuple[int, int, int]] = []
    for frame in frames:
        start, stop, step = found[-1] if found else (frame, frame, 1)
        last = stop - step
        if found and last == start and frame > start:
            found[-1] = (start, frame + (frame - start), frame - start)
        elif found and last > start and frame == stop:
            found[-1] = (start, stop + step, step)
        else:
            found.append((frame, frame + 1, 1))
    return found


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
