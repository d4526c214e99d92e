"""The program's side of the conversation: start a worker, follow one run, end the worker whatever happens."""

from __future__ import annotations

import collections
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, BinaryIO, cast

from iouviewer.inference import protocol
from iouviewer.inference.environment import worker_environment
from iouviewer.inference.protocol import (
    Cancel,
    Failed,
    FailureKind,
    Finished,
    FrameDetections,
    FromWorker,
    Hello,
    LoadModel,
    ModelLoaded,
    Predict,
    Progress,
    ToWorker,
)
from iouviewer.inference.trust import TrustStore

logger = logging.getLogger(__name__)

GRACE = 5.0
"""Seconds a worker gets to end a run by itself after a cancel; then it is killed."""
_LOOK = 0.05
"""Seconds between two looks at ``cancelled`` while the worker is silent."""
_KEPT_LINES = 60


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run of one model over one video.

    Attributes:
        weights: model file or OpenVINO folder; made absolute, must exist.
        frames: 0-based frames in the order to be done; None: all.
        floor, nms_iou, max_det, imgsz, device: as in ``LoadModel``.
    """

    name: str
    weights: Path
    video: Path
    frames: tuple[int, ...] | None = None
    floor: float = 0.001
    nms_iou: float = 0.7
    max_det: int = 300
    imgsz: int | None = None
    device: str | None = None

    def without(self, done: Collection[int], frame_count: int) -> RunRequest:
        """The rest of a run of which the frames ``done`` are there already."""
        known = set(done)
        frames = range(frame_count) if self.frames is None else self.frames
        return replace(self, frames=tuple(f for f in frames if f not in known))


RunMessage = ModelLoaded | Progress | FrameDetections | Finished | Failed


def worker_command() -> list[str]:
    """How a worker is started: this program itself when frozen, else its interpreter without the current folder."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "worker"]
    return [sys.executable, "-P", "-m", "iouviewer", "worker"]


def run_in_process(
    request: RunRequest,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    killed: Callable[[], bool] = lambda: False,
    command: list[str] | None = None,
    grace: float = GRACE,
    trusted: Collection[str] | None = None,
) -> Iterator[RunMessage]:
    """Run a model in a worker process and yield what it says; the last message is ``Finished`` or ``Failed``.

    Never raises for what goes wrong with model, video or worker: that is a ``Failed``. The process is gone when the
    iterator ends or is closed. Must be consumed in one thread (Linux ends the worker with the thread that started it).

    Args:
        cancelled: asked about 20 times a second; when it says True the worker is asked to stop, after ``grace``
            seconds it is killed, and the run ends with ``Finished(cancelled=True)``.
        killed: asked likewise; True ends the run at once, for a program that is closing.
        command: what to start instead of ``worker_command()``, for example ``["ssh", "gpu", "iouviewer", "worker"]``.
        trusted: sha256 of contents that may run code; None: those in the user's TrustStore.
    """
    known = list(TrustStore().hashes() if trusted is None else trusted)
    try:
        worker = WorkerProcess(command or worker_command())
    except OSError as error:
        yield Failed(kind=FailureKind.CRASHED, message=f"the inference process could not start: {error}")
        return
    with worker:
        yield from _Run(worker, request, known, cancelled, killed, grace).follow()


class WorkerProcess:
    """A worker and the threads that read its output and its log."""

    def __init__(self, command: list[str]) -> None:
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        # A session of its own: Ctrl+C in a terminal is for the program, which then ends the worker.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=worker_environment(),
            creationflags=flags, start_new_session=os.name == "posix",
        )  # fmt: skip
        self.messages: queue.SimpleQueue[FromWorker | protocol.ProtocolError | None] = queue.SimpleQueue()
        self._log: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        self._threads = [
            threading.Thread(target=self._read, name="worker messages", daemon=True),
            threading.Thread(target=self._read_log, name="worker log", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """The last lines of its standard error."""
        return "\n".join(self._log)

    def send(self, message: ToWorker) -> None:
        """Send a command; a worker that is gone is noticed when its messages end."""
        try:
            protocol.write_message(cast(BinaryIO, self._process.stdin), message)
        except OSError as error:
            logger.info("the worker takes no more commands: %s", error)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> int:
        """Close its input, wait a moment, kill it if need be; returns the exit status."""
        try:
            cast(IO[bytes], self._process.stdin).close()
        except OSError as error:
            logger.debug("closing the worker's input: %s", error)
        try:
            self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(timeout=2.0)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return self._process.returncode

    def _read(self) -> None:
        stream = cast(BinaryIO, self._process.stdout)
        try:
            while (message := protocol.read_message(stream)) is not None:
                if not isinstance(message, ToWorker):
                    self.messages.put(message)
        except (protocol.ProtocolError, OSError) as error:
            self.messages.put(protocol.ProtocolError(str(error)))
        self.messages.put(None)

    def _read_log(self) -> None:
        for line in cast(IO[bytes], self._process.stderr):
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self._log.append(text)
                logger.info("worker %d: %s", self._process.pid, text)


class _Run:
    """One conversation."""

    def __init__(
        self,
        worker: WorkerProcess,
        request: RunRequest,
        trusted: list[str],
        cancelled: Callable[[], bool],
        killed: Callable[[], bool],
        grace: float,
    ) -> None:
        self._worker = worker
        self._request = request
        self._trusted = trusted
        self._cancelled = cancelled
        self._killed = killed
        self._grace = grace
        self._asked: float | None = None
        self._predicting = False
        self._done = 0
        self._seconds = 0.0

    def follow(self) -> Iterator[RunMessage]:
        while True:
            message = self._next()
            if message is None:
                continue
            if isinstance(message, Hello):
                if message.version != protocol.VERSION:
                    text = f"the worker speaks version {message.version} of the protocol, not {protocol.VERSION}"
                    yield Failed(
                        kind=FailureKind.PROTOCOL, message=text, remedy="Install the same version on both sides."
                    )
                    return
                self._worker.send(self._load())
                continue
            if isinstance(message, ModelLoaded):
                frames = None if self._request.frames is None else list(self._request.frames)
                self._predicting = True
                self._worker.send(Predict(video=str(self._request.video.absolute()), frames=frames))
            if isinstance(message, Progress):
                self._done, self._seconds = message.done, message.seconds
            yield message
            if isinstance(message, Finished | Failed):
                return

    def _load(self) -> LoadModel:
        r = self._request
        return LoadModel(
            weights=str(r.weights.absolute()), floor=r.floor, nms_iou=r.nms_iou, max_det=r.max_det, imgsz=r.imgsz,
            device=r.device, trusted=self._trusted,
        )  # fmt: skip

    def _next(self) -> Hello | RunMessage | None:
        """The next message, or None after a moment without one."""
        if self._killed():
            self._worker.kill()
            return self._stopped()
        if self._asked is None and self._cancelled():
            if not self._predicting:
                return self._stopped()  # loading can take long, and nothing would be lost
            self._asked = time.monotonic()
            self._worker.send(Cancel())
        try:
            message = self._worker.messages.get(timeout=_LOOK)
        except queue.Empty:
            if self._asked is not None and time.monotonic() - self._asked > self._grace:
                self._worker.kill()
                return self._stopped()
            return None
        if isinstance(message, protocol.ProtocolError):
            return Failed(
                kind=FailureKind.PROTOCOL, message=f"the worker said something odd: {message}", detail=self._worker.log
            )
        if message is None:
            return self._stopped() if self._asked is not None else self._crashed()
        return message

    def _stopped(self) -> Finished:
        return Finished(done=self._done, seconds=self._seconds, cancelled=True)

    def _crashed(self) -> Failed:
        status = self._worker.end()
        last = self._worker.log.rpartition("\n")[2]
        return Failed(
            kind=FailureKind.CRASHED,
            message=f"the inference process stopped by itself (exit status {status}){': ' + last if last else ''}",
            remedy="The frames that were done are kept; the log has the details.",
            detail=self._worker.log,
        )
