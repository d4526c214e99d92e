"""Commands that run models, and the handling of results, progress and trust questions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.variant_edits import map_classes
from iouviewer.app.jobs.inference_job import InferenceQueue, QueueState, Run
from iouviewer.app.jobs.model_probe import ModelProbe
from iouviewer.app.projects.importer import PROTOCOL_DETAILS
from iouviewer.app.settings import Settings
from iouviewer.document.frame_ranges import frames_to_ranges, ranges_to_frames
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.variants import RunState, Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.inference.protocol import Detections, Failed, ModelLoaded
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs import run_facts
from iouviewer.ui.commands.making import VariantMaker
from iouviewer.ui.dialogs.class_map import ClassMapDialog
from iouviewer.ui.dialogs.input_dialogs import choose_weights
from iouviewer.ui.dialogs.run_dialog import RunDialog
from iouviewer.ui.dialogs.trust_dialog import TrustDialog
from iouviewer.ui.importing import model_name
from iouviewer.ui.panels.status_bar import StatusBar


@dataclass(eq=False)
class _RunTarget:
    """The variant that a run fills.

    Attributes:
        key: key of the variant.
        source: path of the video.
        milliseconds: time per frame after the warm-up.
        rate: frames per second, as last reported.
        pending: detections with the frame numbers of an index that the session does not have yet.
    """

    key: str
    source: str
    milliseconds: list[float] = field(default_factory=list)
    rate: float = 0.0
    pending: list[Detections] = field(default_factory=list)


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
        self._targets: dict[Run, _RunTarget] = {}
        queue.started.connect(self._on_queue_started)
        queue.modelLoaded.connect(self._on_queue_model_loaded)
        queue.progress.connect(self._on_queue_progress)
        queue.detections.connect(self._on_queue_detections)
        queue.finished.connect(self._on_queue_finished)
        queue.cancelled.connect(self._on_queue_cancelled)
        queue.failed.connect(self._on_queue_failed)
        queue.needsTrust.connect(self._on_queue_needs_trust)
        queue.trustNotStored.connect(self._on_queue_trust_not_stored)
        self._maker = VariantMaker(window, session, settings, status, run=self.run_with_defaults, command=queue.command)
        self._maker.failed.connect(self.failed)
        status.cancelRequested.connect(self.cancel)
        session.sourceChanged.connect(self._on_source_changed)
        session.variants.listChanged.connect(self._on_list_changed)

    # Starting

    def choose_model(self) -> None:
        """Choose weights, then the settings of the run."""
        models = choose_weights(self._window, self._settings)
        if models:
            self.configure_runs([(model_name(path), path) for path in models])

    def make_variants(self) -> None:
        """Write a checkpoint in other formats, and run the new models."""
        if self._queue.busy:
            text, remedy = tr("a model is running"), tr("Make variants when it has finished, or cancel it.")
            self.failed.emit(UserError(text, remedy=remedy))
            return
        self._maker.choose()

    def configure_runs(self, models: Sequence[tuple[str, Path]]) -> None:
        """Ask for the settings of these models (variant name, weights) and enqueue the runs."""
        source = self._session.source
        if not source.path or not self._session.frame_count:
            self.failed.emit(UserError(tr("there is no video to run the model on"), remedy=tr("Open a video first")))
            return
        session = self._session
        if session.read_only:
            self.failed.emit(UserError(session.read_only))
            return
        dialog = RunDialog(
            self._window,
            models,
            video=Path(source.path),
            frame_count=session.frame_count,
            verified=session.ground_truth.verified(),
            lists=session.document.frame_lists.by_label(session.source.id),
            truth=session.document.classes,
            probe=ModelProbe(command=self._queue.command),
            first_frame=session.current_frame,
        )
        if dialog.exec():
            for request, class_map in dialog.runs():
                self.start(request, class_map)
        elif dialog.wants_variants:
            self._maker.configure(models[0][1])
        dialog.deleteLater()

    def run_with_defaults(self, name: str, weights: Path) -> None:
        """Enqueue a model with the default settings."""
        self.start(RunRequest(name, weights, Path(self._session.source.path)))

    def start(self, request: RunRequest, class_map: Mapping[str, str] | None = None) -> Run:
        """Enqueue a run and create its empty variant; ``class_map``: model's class -> class of the ground truth."""
        count = self._session.frame_count
        empty = PredictionSet.empty(
            count,
            score_floor=request.floor,
            max_detections=request.max_det,
            protocol=_protocol(request, self._session.source.fingerprint),
            class_map=dict(class_map or {}),
        )
        variant = self._session.variants.add(request.name, empty, path=str(request.weights), state=RunState.QUEUED)
        run = self._queue.enqueue(request, count)
        self._targets[run] = _RunTarget(variant.key, self._session.source.path)
        if self._queue.current is run:
            self._on_queue_started(run)
        return run

    def resume(self, key: str) -> None:
        """Continue a run that was cancelled or failed, in this session or an earlier one."""
        variants, count = self._session.variants, self._session.frame_count
        variant = variants.find(key)
        if variant is None or variant.state not in (RunState.CANCELLED, RunState.FAILED):
            return
        variants.update(key, state=RunState.QUEUED, message="")
        previous = next((run for run, target in self._targets.items() if target.key == key), None)
        if previous is not None and not previous.complete:
            self._queue.resume(previous)
            return
        done = set(np.flatnonzero(variant.predictions.covered).tolist())
        run = self._queue.enqueue(_request_of(variant, Path(self._session.source.path)), count, done)
        self._targets[run] = _RunTarget(key, self._session.source.path)
        if self._queue.current is run:
            self._on_queue_started(run)

    def choose_classes(self, key: str) -> None:
        """Show which class of the ground truth each class of a variant is, and change it; nothing is run again."""
        variant = self._session.variants.find(key)
        if variant is None or variant.predictions.classes is None:
            return
        predictions = variant.predictions
        numbers, counts = np.unique(predictions.stored_table.class_ids, return_counts=True)
        found = {number: count for number, count in zip(numbers.tolist(), counts.tolist(), strict=True) if number >= 0}
        dialog = ClassMapDialog(
            self._window,
            variant.name,
            variant.predictions.classes,
            found,
            self._session.document.classes,
            predictions.class_map,
        )
        if dialog.exec():
            map_classes(self._session, key, dialog.class_map())

    def cancel(self) -> None:
        """Cancel the current run, whose results stay, or the making of variants."""
        self._maker.cancel()
        if self._queue.current is not None:
            self._queue.cancel(self._queue.current)

    def close(self) -> None:
        """Cancel all runs and stop the worker processes."""
        self._maker.close()
        self._queue.close()

    def _on_list_changed(self) -> None:
        # The results of removed variants are not needed.
        for run, target in self._targets.items():
            if run.state in (QueueState.QUEUED, QueueState.RUNNING) and self._session.variants.find(target.key) is None:
                self._queue.cancel(run)

    def _on_source_changed(self) -> None:
        # Results belong to the video of the run.
        for run, target in list(self._targets.items()):
            if target.source != self._session.source.path:
                self._queue.cancel(run)
                del self._targets[run]
            elif target.pending:
                pending, target.pending = target.pending, []
                self._on_queue_detections(run, pending)
                if run.state is QueueState.FINISHED and not target.pending:
                    self._finish(run, RunState.FINISHED)

    # Progress

    def _target_of(self, run: Run) -> _RunTarget | None:
        target = self._targets.get(run)
        return target if target is not None and self._session.variants.find(target.key) is not None else None

    def _on_queue_started(self, run: Run) -> None:
        target = self._target_of(run)
        if target is not None:
            self._session.variants.update(target.key, state=RunState.RUNNING)
            self._status.show_run(tr("{name}: loading", name=run.request.name), 0, 0)

    def _on_queue_model_loaded(self, run: Run, model: ModelLoaded) -> None:
        target = self._target_of(run)
        if target is None:
            return
        variants = self._session.variants
        predictions = run_facts.with_model(variants[target.key].predictions, model, run.request)
        variants.set_predictions(target.key, predictions)
        details = {name: predictions.protocol[name] for name in PROTOCOL_DETAILS if name in predictions.protocol}
        variants.update(target.key, details=details)
        if predictions.notes:
            text = tr("{name}: {message}", name=run.request.name, message="; ".join(predictions.notes))
            self._session.statusMessage.emit(text)

    def _on_queue_progress(self, run: Run, done: int, total: int, rate: float, seconds_left: float) -> None:
        target = self._target_of(run)
        if target is None:
            return
        target.rate = rate
        percent = 100 * done // max(1, total)
        parts = [tr("{name} {percent} %", name=run.request.name, percent=percent), tr("{rate:.1f} frames/s", rate=rate)]
        if not math.isnan(seconds_left):
            parts.append(tr("{time} left", time=_minutes_text(seconds_left)))
        queued = sum(other.state is QueueState.QUEUED for other in self._targets)
        if queued:
            parts.append(tr("{count} queued", count=queued))
        self._status.show_run(", ".join(parts), done, total)

    def _on_queue_detections(self, run: Run, found: list[Detections]) -> None:
        target = self._target_of(run)
        if target is None or not found:
            return
        numbers = np.array([detections.frame for detections in found], np.int64)
        frames = self._session.current_frame_numbers(found[0].numbering, numbers)
        if frames is None:
            target.pending += found
            return
        found = [detections for detections, frame in zip(found, frames.tolist(), strict=True) if frame >= 0]
        frames = frames[frames >= 0]
        if not found:
            return
        old = self._session.variants[target.key].predictions
        places, boxes, class_ids, scores = run_facts.columns_of(found, 0 if old.classes is None else len(old.classes))
        new = old.with_frames(
            frames, row_frames=frames[places], boxes=boxes, class_ids=class_ids, scores=scores, complete=old.complete
        )
        target.milliseconds += run_facts.times_of(found)
        new = run_facts.with_own_floor(new)
        self._session.variants.extend_predictions(target.key, new, frozenset(frames.tolist()))

    # End of a run

    def _finish(self, run: Run, state: RunState, message: str = "") -> None:
        target = self._target_of(run)
        if self._queue.current is None:
            self._status.hide_run()
        if target is None:
            return
        variants = self._session.variants
        fps, throughput = run_facts.frames_per_second(target.milliseconds), target.rate or None
        spread = run_facts.fps_half_iqr(target.milliseconds)
        old, details = variants[target.key].predictions, {**variants[target.key].details, "fps_half_iqr": spread}
        protocol = run_facts.ended_protocol(
            old.protocol,
            old.stored_table.boxes,
            covered=int(old.covered.sum()),
            complete=state is RunState.FINISHED,
            unreadable=run.unreadable,
            inputs=run.inputs,
            fps=fps,
            fps_half_iqr=spread,
            throughput=throughput,
        )
        variants.describe_predictions(target.key, replace(old, complete=state is RunState.FINISHED, protocol=protocol))
        variants.update(target.key, state=state, fps=fps, throughput=throughput, message=message, details=details)

    def _on_queue_finished(self, run: Run) -> None:
        target = self._target_of(run)
        if target is not None and target.pending:
            # Only a new index of the video can tell which frames these are, and it may never come.
            text = tr_n(
                "{count} frame was numbered by another index of the video and is left out",
                "{count:,} frames were numbered by another index of the video and are left out",
                len(target.pending),
            )
            self._finish(run, RunState.FAILED, text)
            remedy = tr("Run the model again on the frames that are left")
            self.failed.emit(UserError(tr("{name}: {message}", name=run.request.name, message=text), remedy=remedy))
            return
        self._finish(run, RunState.FINISHED)
        text = tr_n("{name}: {count} frame done", "{name}: {count:,} frames done", len(run.done), name=run.request.name)
        self._session.statusMessage.emit(text)

    def _on_queue_cancelled(self, run: Run) -> None:
        message = tr("cancelled after {done:,} of {total:,} frames", done=len(run.done), total=run.total)
        self._finish(run, RunState.CANCELLED, message)
        self._session.statusMessage.emit(tr("{name}: {message}", name=run.request.name, message=message))

    def _on_queue_failed(self, run: Run, failure: Failed) -> None:
        self._finish(run, RunState.FAILED, str(failure))
        self.failed.emit(UserError(failure.message, path=failure.path or None, remedy=failure.remedy))

    def _on_queue_needs_trust(self, run: Run, path: str, digest: str, reason: str) -> None:
        self._status.hide_run()
        dialog = TrustDialog(self._window, path=path, digest=digest, reason=reason)
        if dialog.exec():
            self._queue.trust(run)
        else:
            self._finish(run, RunState.FAILED, tr("not trusted"))

    def _on_queue_trust_not_stored(self, path: str) -> None:
        remedy = tr("{name} is trusted until the program ends.", name=Path(path).name)
        self.failed.emit(UserError(tr("the list of trusted files cannot be written"), remedy=remedy))


def _protocol(request: RunRequest, fingerprint: str) -> dict[str, Any]:
    """What a run asks for, as stored in projects and reports."""
    frames = {} if request.frames is None else {"frames": frames_to_ranges(request.frames)}
    return {**run_facts.begun_protocol(request, fingerprint), **frames}


def _request_of(variant: Variant, video: Path) -> RunRequest:
    """The run described by a variant's protocol."""
    protocol = variant.predictions.protocol
    frames = ranges_to_frames(protocol.get("frames", ())).tolist()
    request = run_facts.request_of(variant.name, Path(variant.path), video, variant.predictions)
    return replace(request, frames=tuple(frames) if "frames" in protocol else None)


def _minutes_text(seconds: float) -> str:
    """Minutes and seconds as ``1:05``."""
    total = round(seconds)
    return f"{total // 60}:{total % 60:02d}"
