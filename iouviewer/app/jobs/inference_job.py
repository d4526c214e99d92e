"""Runs of models in the background: a queue in the UI thread, one thread that drives the worker process."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from iouviewer.inference.protocol import (
    Detections,
    Failed,
    FailureKind,
    Finished,
    FrameDetections,
    ModelLoaded,
    Progress,
)
from iouviewer.inference.runner import RunRequest, run_in_process
from iouviewer.inference.trust import TrustStore

SHOW_EVERY = 0.25
"""Seconds between two batches that reach the UI thread."""
SHOW_FRAMES = 24
"""Frames of a batch that does not wait so long: scoring more at once would hold the UI thread up."""


class RunState(StrEnum):
    """Where a run stands; the last four are seen by the user as they are named."""

    QUEUED = "queued"
    RUNNING = "running"
    NEEDS_TRUST = "needs trust"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(eq=False)
class Run:
    """One run as the UI thread knows it.

    Attributes:
        request: what was asked first; a resumed run leaves out the frames in ``done``.
        done: frames whose detections have arrived.
        model: what the worker told of the model, None until it is loaded.
        failure: why it failed or needs trust, else None.
    """

    id: int
    request: RunRequest
    frame_count: int
    state: RunState = RunState.QUEUED
    done: set[int] = field(default_factory=set)
    model: ModelLoaded | None = None
    failure: Failed | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def total(self) -> int:
        return self.frame_count if self.request.frames is None else len(self.request.frames)

    @property
    def complete(self) -> bool:
        return len(self.done) >= self.total


class _Driver(QObject):
    """Lives in the thread; follows one run at a time."""

    said = Signal(object, object)
    """Run, and a ModelLoaded, Finished, Failed, or (Progress | None, list of Detections)."""

    def __init__(self, command: list[str] | None) -> None:
        super().__init__()
        self.closing = threading.Event()
        self._command = command

    @Slot(object, object)
    def follow(self, run: Run, request: RunRequest) -> None:
        batch: list[Detections] = []
        progress: Progress | None = None
        last = 0.0
        messages = run_in_process(request, cancelled=run.stop.is_set, killed=self.closing.is_set, command=self._command)
        for message in messages:
            if isinstance(message, FrameDetections):
                batch += message.unpack()
            elif isinstance(message, Progress):
                progress = message
            due = len(batch) >= SHOW_FRAMES or time.monotonic() - last >= SHOW_EVERY
            if batch and (due or isinstance(message, Finished | Failed)):
                self.said.emit(run, (progress, batch))
                batch, last = [], time.monotonic()
            if isinstance(message, ModelLoaded | Finished | Failed):
                self.said.emit(run, message)


class InferenceQueue(QObject):
    """Queued runs, one at a time; every signal is emitted in the thread that made the queue.

    A run that was cancelled, failed or was not trusted keeps what it found and can be resumed.
    """

    queued = Signal(object)
    started = Signal(object)
    modelLoaded = Signal(object, object)
    """Run, ModelLoaded."""
    progress = Signal(object, int, int, float, float)
    """Run, frames done, frames in all, frames a second, seconds left (nan while they are not known)."""
    detections = Signal(object, object)
    """Run, list of Detections; four times a second, more often only where SHOW_FRAMES came."""
    finished = Signal(object)
    cancelled = Signal(object)
    failed = Signal(object, object)
    """Run, Failed."""
    needsTrust = Signal(object, str, str, str)
    """Run, path, sha256, reason; answer with ``trust`` or let it be."""

    busyChanged = Signal(bool)
    """Whether a model runs."""

    _follow = Signal(object, object)

    def __init__(self, parent: QObject | None = None, *, command: list[str] | None = None) -> None:
        """``command`` starts another worker than this program's own, for example one on another machine."""
        super().__init__(parent)
        self._command = command
        self._numbers = itertools.count(1)
        self._waiting: list[Run] = []
        self._current: Run | None = None
        self._resumed_from = 0
        self._thread: QThread | None = None
        self._driver: _Driver | None = None

    @property
    def current(self) -> Run | None:
        """The run in work."""
        return self._current

    @property
    def busy(self) -> bool:
        return self._current is not None or bool(self._waiting)

    def enqueue(self, request: RunRequest, frame_count: int, done: set[int] | None = None) -> Run:
        """Add a run of a video with ``frame_count`` frames; frames in ``done`` were done before and are left out."""
        run = Run(next(self._numbers), request, frame_count, done=set(done or ()))
        self._waiting.append(run)
        self.queued.emit(run)
        self._start_next()
        return run

    def resume(self, run: Run) -> None:
        """Go on where a run stopped; nothing for one that waits, runs or is complete."""
        if run.state in (RunState.QUEUED, RunState.RUNNING) or run.complete:
            return
        run.state, run.failure, run.stop = RunState.QUEUED, None, threading.Event()
        self._waiting.append(run)
        self.queued.emit(run)
        self._start_next()

    def trust(self, run: Run) -> None:
        """Let the content that ``needsTrust`` named run code, now and later, and go on with the run."""
        if run.state is RunState.NEEDS_TRUST and run.failure is not None:
            TrustStore().trust(run.failure.sha256, run.failure.path)
            self.resume(run)

    def cancel(self, run: Run) -> None:
        """Take a run from the queue, or ask the one in work to stop; ``cancelled`` follows."""
        run.stop.set()
        if run in self._waiting:
            self._waiting.remove(run)
            run.state = RunState.CANCELLED
            self.cancelled.emit(run)

    def close(self) -> None:
        """Stop everything; the worker process and the thread are gone when it returns (within about a second)."""
        for run in list(self._waiting):
            self.cancel(run)
        if self._thread is None or self._driver is None:
            return
        self._driver.closing.set()
        self._thread.quit()
        self._thread.wait()
        self._thread = self._driver = None

    def _start_next(self) -> None:
        if self._current is not None or not self._waiting:
            return
        run = self._waiting.pop(0)
        self._current = run
        run.state = RunState.RUNNING
        self._resumed_from = len(run.done)
        self._ensure_thread()
        self.busyChanged.emit(True)
        self.started.emit(run)
        self._follow.emit(run, run.request.without(run.done, run.frame_count))

    def _ensure_thread(self) -> None:
        if self._thread is not None:
            return
        self._thread = QThread(self)
        self._thread.setObjectName("inference")
        self._driver = _Driver(self._command)
        self._driver.moveToThread(self._thread)
        self._follow.connect(self._driver.follow, Qt.ConnectionType.QueuedConnection)
        self._driver.said.connect(self._on_driver_said, Qt.ConnectionType.QueuedConnection)
        self._thread.finished.connect(self._driver.deleteLater)
        self._thread.start()

    @Slot(object, object)
    def _on_driver_said(self, run: Run, message: object) -> None:
        if self._driver is None:
            return  # said before ``close``, and nobody is left to take it
        if isinstance(message, ModelLoaded):
            run.model = message
            self.modelLoaded.emit(run, message)
        elif isinstance(message, tuple):
            self._take(run, *message)
        elif isinstance(message, Finished):
            # Frames that cannot be decoded will not be better next time: they count as done.
            run.done.update(message.unreadable)
            run.state = RunState.CANCELLED if message.cancelled else RunState.FINISHED
            self._current = None
            self.busyChanged.emit(False)
            (self.cancelled if message.cancelled else self.finished).emit(run)
            self._start_next()
        elif isinstance(message, Failed):
            self._fail(run, message)

    def _take(self, run: Run, progress: Progress | None, found: list[Detections]) -> None:
        run.done.update(d.frame for d in found)
        self.detections.emit(run, found)
        if progress is not None:
            rate = progress.done / progress.seconds if progress.seconds > 0 and progress.done else 0.0
            left = (progress.total - progress.done) / rate if rate else float("nan")
            self.progress.emit(run, self._resumed_from + progress.done, run.total, rate, left)

    def _fail(self, run: Run, failure: Failed) -> None:
        run.failure = failure
        self._current = None
        self.busyChanged.emit(False)
        if failure.kind is FailureKind.NEEDS_TRUST:
            run.state = RunState.NEEDS_TRUST
            self.needsTrust.emit(run, failure.path, failure.sha256, failure.message)
        else:
            run.state = RunState.FAILED
            self.failed.emit(run, failure)
        self._start_next()
