"""A model that stays loaded in a worker and is asked again and again, for measurements in rounds."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.inference import protocol
from iouviewer.inference.crashes import explain_end
from iouviewer.inference.message_checks import InvalidMessageError, MessageChecks, cleaned
from iouviewer.inference.protocol import (
    Detections,
    Failed,
    Finished,
    FrameDetections,
    FromWorker,
    Hello,
    LoadModel,
    ModelLoaded,
    Predict,
)
from iouviewer.inference.runner import RunRequest, WorkerProcess, worker_command
from iouviewer.inference.trust import TrustStore

ANSWER_TIMEOUT_S = 600.0
"""Time for a worker to answer: loading a model, or one frame."""
POLL_S = 0.1
"""Time between two questions whether the caller still wants the answer."""


class Answer(NamedTuple):
    """What a model found on the frames of one request, and the wall time of the request in seconds."""

    detections: tuple[Detections, ...]
    seconds: float


@dataclass
class LoadedModel:
    """A worker with one model; use it as a context manager. All calls must come from one thread.

    Attributes:
        request: which model on which video; its frames are not used.
        cancelled: asked while the worker is busy; True raises InterruptedError in the call that waits.
    """

    request: RunRequest
    trusted: Collection[str] | None = None
    command: list[str] | None = None
    cancelled: Callable[[], bool] | None = None

    def __enter__(self) -> LoadedModel:
        """Load the model. UserError: it cannot be loaded."""
        hashes = list(TrustStore().hashes() if self.trusted is None else self.trusted)
        try:
            self._worker = WorkerProcess(self.command or worker_command())
        except OSError as error:
            raise UserError(tr("the inference process could not start: {reason}", reason=error)) from error
        try:
            checks = MessageChecks((), self.request.max_det, tuple(hashes))
            hello = self._next()
            if not isinstance(hello, Hello) or hello.version != protocol.VERSION:
                raise UserError(tr("the inference process has another version"))
            self._worker.send(self._load_command(hashes))
            loaded = self._checked(self._next(), checks)
            if not isinstance(loaded, ModelLoaded):
                raise UserError(tr("the inference process did not load the model"), path=self.request.weights)
            self.info = loaded
        except BaseException:
            self._worker.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.end()

    def run(self, frames: Sequence[int]) -> Answer:
        """Process these frames in order. UserError: the model or the video failed."""
        checks = MessageChecks(tuple(frames), self.request.max_det)
        checks.check(self.info)
        began = time.monotonic()
        self._worker.send(
            Predict(video=str(self.request.video.absolute()), frames=list(frames), images=list(self.request.images))
        )
        found: list[Detections] = []
        while True:
            message = self._checked(self._next(), checks)
            if isinstance(message, FrameDetections):
                found += message.unpack()
            elif isinstance(message, Finished):
                return Answer(tuple(found), time.monotonic() - began)

    def _load_command(self, hashes: list[str]) -> LoadModel:
        r = self.request
        return LoadModel(
            weights=str(r.weights.absolute()), floor=r.floor, nms_iou=r.nms_iou, max_det=r.max_det, imgsz=r.imgsz,
            device=r.device, trusted=hashes,
        )  # fmt: skip

    def _next(self) -> FromWorker:
        message = self._wait()
        if message is None:
            raise _error(explain_end(self._worker.end(), self._worker.log))
        if isinstance(message, protocol.ProtocolError):
            raise UserError(tr("the inference process sent wrong data: {reason}", reason=message))
        return message

    def _wait(self) -> FromWorker | protocol.ProtocolError | None:
        """The next message; None where the worker has ended."""
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while True:
            if self.cancelled is not None and self.cancelled():
                raise InterruptedError
            try:
                return self._worker.messages.get(timeout=POLL_S)
            except queue.Empty as error:
                if time.monotonic() >= deadline:
                    seconds = f"{ANSWER_TIMEOUT_S:.0f}"
                    text = tr("the inference process did not answer within {seconds} s", seconds=seconds)
                    raise UserError(text) from error

    def _checked(self, message: FromWorker, checks: MessageChecks) -> FromWorker:
        if isinstance(message, Failed):
            raise _error(cleaned(message))
        if isinstance(message, Hello):
            raise UserError(tr("the inference process sent wrong data: {reason}", reason=tr("it started twice")))
        try:
            checks.check(message)
        except InvalidMessageError as error:
            raise _error(error.to_failure(self._worker.log)) from error
        return message


def _error(failure: Failed) -> UserError:
    return UserError(failure.message, path=failure.path or None, remedy=failure.remedy)
