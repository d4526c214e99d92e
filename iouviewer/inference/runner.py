"""The program's side of the protocol: starts a worker, runs one model, and always ends the worker."""

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

from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.inference import protocol
from iouviewer.inference.crashes import explain_end
from iouviewer.inference.environment import worker_environment
from iouviewer.inference.message_checks import WROTE_A_MODEL, InvalidMessageError, MessageChecks, cleaned
from iouviewer.inference.protocol import (
    Cancel,
    Exported,
    ExportProgress,
    Failed,
    FailureKind,
    Finished,
    FrameDetections,
    FromWorker,
    Hello,
    LoadModel,
    ModelLoaded,
    Predict,
    RunProgress,
    ToWorker,
)
from iouviewer.inference.trust import TrustStore

logger = logging.getLogger(__name__)

CANCEL_TIMEOUT_S = 5.0
"""Time for a worker to end a run after a cancel, before it is killed."""
START_TIMEOUT_S = 120.0
"""Time for a worker to send its first message, also over a network."""
END_TIMEOUT_S = 2.0
"""Time for a worker to exit after its input is closed, before it is killed."""
_POLL_INTERVAL_S = 0.05
"""Time between two calls of ``cancelled`` while no message arrives."""
_MAX_LOG_LINES = 60
_MAX_LOG_BYTES = 1 << 16
"""Bytes of a line of the worker's log that are read at once."""
_MAX_WAITING = 16
"""Messages that wait for the program; a worker that sends faster has to wait."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run of one model over one video.

    Attributes:
        weights: existing model file or folder; made absolute.
        frames: 0-based, in processing order; None: all.
        floor, nms_iou, max_det, imgsz, device: as in ``LoadModel``.
        images, val_shapes: as in ``Predict``.
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
    images: tuple[str, ...] = ()
    val_shapes: tuple[tuple[float, float], ...] = ()

    def remaining(self, done: Collection[int], frame_count: int) -> RunRequest:
        """The same request without the frames that are already done."""
        skipped = set(done)
        frames = range(frame_count) if self.frames is None else self.frames
        return replace(self, frames=tuple(f for f in frames if f not in skipped))


RunMessage = ModelLoaded | RunProgress | FrameDetections | Finished | Failed


def worker_command() -> list[str]:
    """Command line of a worker: this executable if frozen, else Python without the current folder in sys.path."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "worker"]
    return [sys.executable, "-P", "-m", "iouviewer", "worker"]


def run_in_process(
    request: RunRequest,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    killed: Callable[[], bool] = lambda: False,
    command: list[str] | None = None,
    cancel_timeout: float = CANCEL_TIMEOUT_S,
    trusted: Collection[str] | None = None,
) -> Iterator[RunMessage]:
    """Run a model in a worker process and yield its messages; the last one is ``Finished`` or ``Failed``.

    Errors of model, video or worker are not raised but yielded as ``Failed``. The process has ended when the iterator
    ends or is closed. It must be consumed in one thread (Linux ends the worker with the thread that started it).

    Args:
        cancelled: called about 20 times per second; once it returns True, the worker gets a ``Cancel``, is killed after
            ``cancel_timeout`` seconds, and the run ends with ``Finished(cancelled=True)``.
        killed: called equally often; once it returns True, the run ends immediately (for a program that is closing).
        command: replaces ``worker_command()``, for example ``["ssh", "gpu", "iouviewer", "worker"]``.
        trusted: sha256 of model files that may run code; None: those in the user's TrustStore.
    """
    try:
        hashes = list(TrustStore().hashes() if trusted is None else trusted)
        worker = WorkerProcess(command or worker_command())
    except UserError as error:
        path = str(error.path or "")
        yield Failed(kind=FailureKind.NOT_FOUND, message=error.message, remedy=error.remedy, path=path)
        return
    except OSError as error:
        reason = tr("the inference process could not start: {reason}", reason=error)
        yield Failed(kind=FailureKind.CRASHED, message=reason)
        return
    with worker:
        yield from _Run(worker, request, hashes, cancelled, killed, cancel_timeout).messages()


def no_frame_failure(video: Path, count: int) -> Failed:
    """The failure of a run that ended without an error, but could decode none of its ``count`` frames."""
    return Failed(
        kind=FailureKind.VIDEO,
        message=tr_n(
            "the frame cannot be decoded, so nothing was detected",
            "none of the {count:,} frames can be decoded, so nothing was detected",
            count,
        ),
        remedy=tr("Check the video with: iouviewer check {name}", name=video.name),
        path=str(video),
    )


class WorkerProcess:
    """A worker and the threads that read its output and its log."""

    def __init__(self, command: list[str]) -> None:
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        # In a new session, so that Ctrl+C in a terminal reaches only the program, which then ends the worker.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=worker_environment(),
            creationflags=flags, start_new_session=os.name == "posix",
        )  # fmt: skip
        self.messages: queue.Queue[FromWorker | protocol.ProtocolError | None] = queue.Queue(_MAX_WAITING)
        self._ended = threading.Event()
        self._log: collections.deque[str] = collections.deque(maxlen=_MAX_LOG_LINES)
        self._threads = [
            threading.Thread(target=self._read_messages, name="worker-messages", daemon=True),
            threading.Thread(target=self._read_log, name="worker-log", daemon=True),
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
        """Send a command. If the worker has ended, nothing is raised; its messages simply end."""
        try:
            protocol.write_message(cast(BinaryIO, self._process.stdin), message)
        except OSError as error:
            logger.info("the worker accepts no more commands: %s", error)

    def close_input(self) -> None:
        """Close its standard input, which makes it exit."""
        try:
            cast(IO[bytes], self._process.stdin).close()
        except OSError as error:
            logger.debug("closing the worker's input: %s", error)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> int:
        """Close its input, wait for its end, kill it after ``END_TIMEOUT_S``; returns the exit status."""
        self._ended.set()
        self.close_input()
        try:
            self._process.wait(timeout=END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(timeout=END_TIMEOUT_S)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return self._process.returncode

    def _read_messages(self) -> None:
        stream = cast(BinaryIO, self._process.stdout)
        try:
            while (message := protocol.read_message(stream)) is not None:
                if isinstance(message, ToWorker):
                    raise protocol.ProtocolError(tr("it sent a command instead of a reply"))
                self._put(message)
        except protocol.TruncatedError as error:
            logger.info("the worker ended within a message: %s", error)
        except (protocol.ProtocolError, OSError) as error:
            self._put(protocol.ProtocolError(str(error)))
        self._put(None)

    def _put(self, message: FromWorker | protocol.ProtocolError | None) -> None:
        """Hand a message to the program; once the run ended, nobody takes it."""
        while not self._ended.is_set():
            try:
                self.messages.put(message, timeout=_POLL_INTERVAL_S)
            except queue.Full:
                continue
            return

    def _read_log(self) -> None:
        stream = cast(IO[bytes], self._process.stderr)
        while line := stream.readline(_MAX_LOG_BYTES):
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self._log.append(text)
                logger.info("worker %d: %s", self._process.pid, text)


@dataclass(frozen=True, slots=True)
class _Ending:
    """The end of a run that the program decided, not the worker."""

    message: Finished | Failed


class _Run:
    """One run: the exchange of messages from ``Hello`` to ``Finished`` or ``Failed``."""

    def __init__(
        self,
        worker: WorkerProcess,
        request: RunRequest,
        trusted: list[str],
        cancelled: Callable[[], bool],
        killed: Callable[[], bool],
        cancel_timeout: float,
    ) -> None:
        self._worker = worker
        self._request = request
        self._trusted = trusted
        self._cancelled = cancelled
        self._killed = killed
        self._cancel_timeout = cancel_timeout
        self._checks = MessageChecks(request.frames, request.max_det, tuple(trusted))
        self._is_greeted = False
        self._began = time.monotonic()
        self._cancelled_at: float | None = None
        self._predicting = False
        self._done = 0
        self._seconds = 0.0

    def messages(self) -> Iterator[RunMessage]:
        while True:
            message = self._next()
            if message is None:
                continue
            if isinstance(message, _Ending):
                yield message.message
                return
            try:
                if isinstance(message, Hello):
                    self._greet(message)
                    continue
                if not self._is_greeted and not isinstance(message, Failed):
                    raise InvalidMessageError(tr("it did not say which version it is"))
                self._checks.check(message)
            except InvalidMessageError as error:
                if error.good is not None:
                    yield error.good
                yield error.to_failure(self._worker.log)
                return
            if isinstance(message, Failed):
                yield cleaned(message)
                return
            if isinstance(message, ModelLoaded):
                frames = None if self._request.frames is None else list(self._request.frames)
                self._predicting = True
                self._worker.send(
                    Predict(
                        video=str(self._request.video.absolute()),
                        frames=frames,
                        images=list(self._request.images),
                        val_shapes=list(self._request.val_shapes),
                    )
                )
            if isinstance(message, RunProgress):
                self._done, self._seconds = message.done, message.seconds
            yield message
            if isinstance(message, Finished):
                return

    def _greet(self, hello: Hello) -> None:
        """Reply to the first message; InvalidMessageError if it is not the first or of another version."""
        if self._is_greeted:
            raise InvalidMessageError(tr("it started twice"))
        if hello.version != protocol.VERSION:
            raise InvalidMessageError(
                tr(
                    "it uses version {version} of the protocol, not {expected}",
                    version=hello.version,
                    expected=protocol.VERSION,
                ),
                tr("Install the same version on both sides."),
            )
        self._is_greeted = True
        self._worker.send(self._load_command())

    def _load_command(self) -> LoadModel:
        r = self._request
        return LoadModel(
            weights=str(r.weights.absolute()), floor=r.floor, nms_iou=r.nms_iou, max_det=r.max_det, imgsz=r.imgsz,
            device=r.device, trusted=self._trusted,
        )  # fmt: skip

    def _next(self) -> Hello | RunMessage | _Ending | None:
        """The next message, or None if none arrives for ``_POLL_INTERVAL_S``."""
        if self._killed():
            self._worker.kill()
            return self._stopped()
        if self._cancelled_at is None and self._cancelled():
            if not self._predicting:
                return self._stopped()  # Loading can take long, and there are no results to wait for.
            self._cancelled_at = time.monotonic()
            self._checks.is_cancelled = True
            self._worker.send(Cancel())
        if self._cancelled_at is not None and time.monotonic() - self._cancelled_at > self._cancel_timeout:
            self._worker.kill()
            return self._stopped()
        try:
            message = self._worker.messages.get(timeout=_POLL_INTERVAL_S)
        except queue.Empty:
            if not self._is_greeted and time.monotonic() - self._began > START_TIMEOUT_S:
                self._worker.kill()
                seconds = f"{START_TIMEOUT_S:.0f}"
                reason = tr("the inference process did not answer within {seconds} s", seconds=seconds)
                return _Ending(Failed(kind=FailureKind.CRASHED, message=reason, detail=self._worker.log))
            return None
        if isinstance(message, protocol.ProtocolError):
            return _Ending(InvalidMessageError(str(message)).to_failure(self._worker.log))
        if isinstance(message, ExportProgress | Exported):
            return _Ending(InvalidMessageError(WROTE_A_MODEL).to_failure(self._worker.log))
        if message is None:
            return self._stopped() if self._cancelled_at is not None else self._crashed()
        return message

    def _stopped(self) -> _Ending:
        return _Ending(Finished(done=self._done, seconds=self._seconds, cancelled=True))

    def _crashed(self) -> _Ending:
        return _Ending(explain_end(self._worker.end(), self._worker.log))
