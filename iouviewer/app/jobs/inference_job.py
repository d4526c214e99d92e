"""Model runs in the background: a queue in the UI thread, and one thread that controls the worker process."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec.structs import replace
from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.inference.protocol import (
    Detections,
    Failed,
    FailureKind,
    Finished,
    FrameDetections,
    ModelLoaded,
    RunProgress,
)
from iouviewer.inference.runner import RunRequest, no_frame_failure, run_in_process
from iouviewer.inference.trust import TrustStore

BATCH_SECONDS = 0.25
"""Seconds between two batches of detections that reach the UI thread."""
BATCH_FRAMES = 24
"""Frames after which a batch is sent earlier: scoring more at once would block the UI thread."""

MIN_SECONDS = 1e-3
"""Seconds after which a rate says something."""


class QueueState(StrEnum):
    """State of a run in the queue."""

    QUEUED = "queued"
    RUNNING = "running"
    NEEDS_TRUST = "needs_trust"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(eq=False)
class Run:
    """One run, as seen by the UI thread.

    Attributes:
        request: the original request; a resumed run leaves out the frames in ``done``.
        done: frames whose detections have arrived.
        model: properties of the model, None until it is loaded.
        failure: why it failed or needs trust, None otherwise.
        inputs: each (height, width) of the network's input, known once it ended.
        unreadable: frames that cannot be decoded.
    """

    id: int
    request: RunRequest
    frame_count: int
    state: QueueState = QueueState.QUEUED
    done: set[int] = field(default_factory=set)
    model: ModelLoaded | None = None
    failure: Failed | None = None
    inputs: list[tuple[int, int]] = field(default_factory=list)
    unreadable: set[int] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def total(self) -> int:
        return self.frame_count if self.request.frames is None else len(self.request.frames)

    @property
    def complete(self) -> bool:
        return len(self.done) >= self.total


class _Driver(QObject):
    """Runs in the thread; executes one run at a time."""

    messageReceived = Signal(object, object)
    """Run, and a ModelLoaded, Finished, Failed, or (Progress | None, list of Detections)."""

    def __init__(self, command: list[str] | None) -> None:
        super().__init__()
        self.closing = threading.Event()
        self._command = command

    @Slot(object, object)
    def execute(self, run: Run, request: RunRequest) -> None:
        batch: list[Detections] = []
        progress: RunProgress | None = None
        last = 0.0
        is_ended = False
        messages = run_in_process(request, cancelled=run.stop.is_set, killed=self.closing.is_set, command=self._command)
        try:
            for message in messages:
                if isinstance(message, FrameDetections):
                    batch += message.unpack()
                elif isinstance(message, RunProgress):
                    progress = message
                due = len(batch) >= BATCH_FRAMES or time.monotonic() - last >= BATCH_SECONDS
                if batch and (due or isinstance(message, Finished | Failed)):
                    self.messageReceived.emit(run, (progress, batch))
                    batch, last = [], time.monotonic()
                is_ended = isinstance(message, Finished | Failed)
                if is_ended or isinstance(message, ModelLoaded):
                    self.messageReceived.emit(run, message)
        finally:
            # An error of the program itself goes to the log; the queue has to continue.
            if not is_ended:
                reason = tr("the run ended with an error of the program")
                remedy = tr("Finished frames are kept. See the log for details.")
                self.messageReceived.emit(run, Failed(kind=FailureKind.CRASHED, message=reason, remedy=remedy))


class InferenceQueue(QObject):
    """Queued runs, one at a time; every signal is emitted in the thread that made the queue.

    A run that was cancelled, failed or was not trusted keeps its detections and can be resumed.
    """

    queued = Signal(object)
    started = Signal(object)
    modelLoaded = Signal(object, object)
    """Run, ModelLoaded."""
    progress = Signal(object, int, int, float, float)
    """Run, frames done, total frames, frames per second, seconds left (nan while unknown)."""
    detections = Signal(object, object)
    """Run, list of Detections; four times per second, more often only if BATCH_FRAMES arrived."""
    finished = Signal(object)
    cancelled = Signal(object)
    failed = Signal(object, object)
    """Run, Failed."""
    needsTrust = Signal(object, str, str, str)
    """Run, path, sha256, reason; call ``trust`` to continue."""
    trustNotStored = Signal(str)
    """The file at this path is trusted until the program ends, because the list cannot be written."""

    busyChanged = Signal(bool)
    """Whether a model is running."""

    _runRequested = Signal(object, object)

    def __init__(self, parent: QObject | None = None, *, command: list[str] | None = None) -> None:
        """``command`` starts another worker than the bundled one, for example on another machine."""
        super().__init__(parent)
        self._command = command
        self._numbers = itertools.count(1)
        self._waiting: list[Run] = []
        self._current: Run | None = None
        self._done_before = 0
        self._thread: QThread | None = None
        self._driver: _Driver | None = None

    @property
    def command(self) -> list[str] | None:
        """The command that starts another worker than the bundled one."""
        return self._command

    @property
    def current(self) -> Run | None:
        """The run in progress."""
        return self._current

    @property
    def busy(self) -> bool:
        return self._current is not None or bool(self._waiting)

    def enqueue(self, request: RunRequest, frame_count: int, done: set[int] | None = None) -> Run:
        """Add a run on a video with ``frame_count`` frames; those in ``done`` are processed already and skipped."""
        run = Run(next(self._numbers), request, frame_count, done=set(done or ()))
        self._waiting.append(run)
        self.queued.emit(run)
        self._start_next()
        return run

    def resume(self, run: Run) -> None:
        """Continue a run where it stopped; does nothing if it is queued, running or complete."""
        if run.state in (QueueState.QUEUED, QueueState.RUNNING) or run.complete:
            return
        run.state, run.failure, run.stop = QueueState.QUEUED, None, threading.Event()
        self._waiting.append(run)
        self.queued.emit(run)
        self._start_next()

    def trust(self, run: Run) -> None:
        """Allow the file that ``needsTrust`` named to run code, now and later, and continue the run."""
        if run.state is QueueState.NEEDS_TRUST and run.failure is not None:
            try:
                is_stored = TrustStore().trust(run.failure.sha256, run.failure.path)
            except UserError as error:  # the list of trusted files is damaged
                failure = replace(run.failure, kind=FailureKind.NOT_FOUND, message=error.message, remedy=error.remedy)
                run.failure, run.state = replace(failure, path=str(error.path or "")), QueueState.FAILED
                self.failed.emit(run, run.failure)
                return
            if not is_stored:
                self.trustNotStored.emit(run.failure.path)
            self.resume(run)

    def cancel(self, run: Run) -> None:
        """Remove a run from the queue, or stop the current one; ``cancelled`` follows."""
        run.stop.set()
        if run in self._waiting:
            self._waiting.remove(run)
            run.state = QueueState.CANCELLED
            self.cancelled.emit(run)

    def close(self) -> None:
        """Stop everything; the worker process and the thread have ended when it returns (within about a second)."""
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
        run.state = QueueState.RUNNING
        self._done_before = len(run.done)
        self._ensure_thread()
        self.busyChanged.emit(True)
        self.started.emit(run)
        self._runRequested.emit(run, run.request.remaining(run.done, run.frame_count))

    def _ensure_thread(self) -> None:
        if self._thread is not None:
            return
        self._thread = QThread(self)
        self._thread.setObjectName("inference")
        self._driver = _Driver(self._command)
        self._driver.moveToThread(self._thread)
        self._runRequested.connect(self._driver.execute, Qt.ConnectionType.QueuedConnection)
        self._driver.messageReceived.connect(self._on_message_received, Qt.ConnectionType.QueuedConnection)
        self._thread.finished.connect(self._driver.deleteLater)
        self._thread.start()

    @Slot(object, object)
    def _on_message_received(self, run: Run, message: object) -> None:
        if self._driver is None:
            return  # emitted before ``close``
        if isinstance(message, ModelLoaded):
            run.model = message
            self.modelLoaded.emit(run, message)
        elif isinstance(message, tuple):
            self._add_detections(run, *message)
        elif isinstance(message, Finished):
            self._finish(run, message)
        elif isinstance(message, Failed):
            self._fail(run, message)

    def _finish(self, run: Run, message: Finished) -> None:
        # Frames that cannot be decoded count as done, because they would fail again.
        run.done.update(message.unreadable)
        run.unreadable.update(message.unreadable)
        run.inputs = list(message.inputs)
        if not message.cancelled and run.unreadable and run.done == run.unreadable:
            self._fail(run, no_frame_failure(run.request.video, len(run.unreadable)))
            return
        run.state = QueueState.CANCELLED if message.cancelled else QueueState.FINISHED
        self._current = None
        self.busyChanged.emit(False)
        (self.cancelled if message.cancelled else self.finished).emit(run)
        self._start_next()

    def _add_detections(self, run: Run, progress: RunProgress | None, detections: list[Detections]) -> None:
        run.done.update(d.frame for d in detections)
        self.detections.emit(run, detections)
        if progress is not None:
            rate = progress.done / progress.seconds if progress.seconds >= MIN_SECONDS and progress.done else 0.0
            left = (progress.total - progress.done) / rate if rate else float("nan")
            self.progress.emit(run, self._done_before + progress.done, run.total, rate, left)

    def _fail(self, run: Run, failure: Failed) -> None:
        run.failure = failure
        self._current = None
        self.busyChanged.emit(False)
        if failure.kind is FailureKind.NEEDS_TRUST:
            run.state = QueueState.NEEDS_TRUST
            self.needsTrust.emit(run, failure.path, failure.sha256, failure.message)
        else:
            run.state = QueueState.FAILED
            self.failed.emit(run, failure)
        self._start_next()
