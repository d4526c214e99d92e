"""Tries models on a few frames before a run: what they are, how fast they are and how much they find."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtCore import QObject, Signal

from iouviewer.app.jobs.inference_job import InferenceQueue, Run
from iouviewer.inference.protocol import Detections, Failed, ModelLoaded
from iouviewer.inference.runner import RunRequest

PROBE_FRAMES = 10


@dataclass(frozen=True, slots=True)
class Probe:
    """What is known of one model so far.

    Attributes:
        is_running: more will be known.
        model: its facts; None while it is not loaded.
        failure: why it cannot be run, or why it needs the user's trust first.
        seconds: median time per frame without decoding; None while unknown.
        class_counts: number of boxes by class number.
        frames: number of frames that were tried.
    """

    is_running: bool = True
    model: ModelLoaded | None = None
    failure: Failed | None = None
    seconds: float | None = None
    class_counts: dict[int, int] = field(default_factory=dict)
    frames: int = 0

    @property
    def boxes_per_frame(self) -> float | None:
        return sum(self.class_counts.values()) / self.frames if self.frames else None


class ModelProbe(QObject):
    """Tries models one after the other in processes of their own; a file that can run code is not loaded.

    Signals:
        changed(int): more is known of the model at this place of the requests.
    """

    changed = Signal(int)

    def __init__(self, parent: QObject | None = None, *, command: list[str] | None = None) -> None:
        """``command`` as in InferenceQueue."""
        super().__init__(parent)
        self._queue = InferenceQueue(self, command=command)
        self._runs: dict[Run, int] = {}
        self._found: dict[Run, list[Detections]] = {}
        self.probes: list[Probe] = []
        self._queue.modelLoaded.connect(self._on_model_loaded)
        self._queue.detections.connect(self._on_detections)
        self._queue.finished.connect(self._on_ended)
        self._queue.failed.connect(self._on_failed)
        self._queue.needsTrust.connect(self._on_needs_trust)

    def start(self, requests: Sequence[RunRequest], first_frame: int, frame_count: int) -> None:
        """Try these models on the frames from ``first_frame`` on, in place of those that are tried now."""
        old, self._runs = list(self._runs), {}
        for run in old:
            self._queue.cancel(run)
        self.probes = [Probe() for _ in requests]
        self._found = {}
        first = max(0, min(first_frame, frame_count - PROBE_FRAMES))
        frames = tuple(range(first, min(first + PROBE_FRAMES, frame_count)))
        for place, request in enumerate(requests):
            run = self._queue.enqueue(replace(request, frames=frames), frame_count)
            self._runs[run] = place

    def close(self) -> None:
        """End the worker process; nothing is emitted any more."""
        self._runs = {}
        self._queue.close()

    def _update(self, run: Run, **changes: object) -> None:
        place = self._runs.get(run)
        if place is not None:
            self.probes[place] = replace(self.probes[place], **changes)  # type: ignore[arg-type]  # by name
            self.changed.emit(place)

    def _on_model_loaded(self, run: Run, model: ModelLoaded) -> None:
        self._update(run, model=model)

    def _on_detections(self, run: Run, found: list[Detections]) -> None:
        self._found.setdefault(run, []).extend(found)

    def _on_ended(self, run: Run) -> None:
        found = self._found.get(run, [])
        if not found:
            self._update(run, is_running=False)
            return
        classes, counts = np.unique(np.concatenate([one.classes for one in found]), return_counts=True)
        self._update(
            run,
            is_running=False,
            seconds=statistics.median(float(one.times.sum()) for one in found) / 1000,
            class_counts=dict(zip(classes.tolist(), counts.tolist(), strict=True)),
            frames=len(found),
        )

    def _on_failed(self, run: Run, failure: Failed) -> None:
        self._update(run, is_running=False, failure=failure)

    def _on_needs_trust(self, run: Run, _path: str, _digest: str, _reason: str) -> None:
        self._update(run, is_running=False, failure=run.failure)
