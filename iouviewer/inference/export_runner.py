"""The program's side of an export: starts a worker, has one model written, and always ends the worker."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.inference import protocol
from iouviewer.inference.crashes import explain_end
from iouviewer.inference.export_formats import ExportFormat
from iouviewer.inference.message_checks import MAX_FRAME, MAX_LINE, MAX_SIDE, InvalidMessageError, cleaned
from iouviewer.inference.protocol import Exported, ExportModel, ExportProgress, Failed, FailureKind, Hello
from iouviewer.inference.runner import START_TIMEOUT_S, WorkerProcess, worker_command
from iouviewer.inference.trust import TrustStore

_POLL_INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One model to write.

    Attributes:
        weights: existing checkpoint; made absolute.
        folder: existing empty folder, where the worker writes.
        name: file name of the new model, without ending.
        imgsz, images, frames: as in ``ExportModel``.
        video: source of the calibration frames; None without any.
    """

    weights: Path
    format: ExportFormat
    folder: Path
    name: str
    imgsz: int | None = None
    video: Path | None = None
    images: tuple[str, ...] = ()
    frames: tuple[int, ...] = ()


def export_in_process(
    request: ExportRequest,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    command: list[str] | None = None,
    trusted: Collection[str] | None = None,
) -> Iterator[ExportProgress | Exported | Failed]:
    """Write a model in a worker process and yield its messages; the last one is ``Exported`` or ``Failed``.

    Args:
        cancelled: called about 20 times a second; once it returns True, the worker is killed and the iterator ends
            without a last message. What it had written stays in the folder of the request.
        command: replaces ``worker_command()``.
        trusted: sha256 of checkpoints that may run code; None: those in the user's TrustStore.
    """
    try:
        hashes = list(TrustStore().hashes() if trusted is None else trusted)
        worker = WorkerProcess(command or worker_command())
    except UserError as error:
        yield Failed(kind=FailureKind.NOT_FOUND, message=error.message, remedy=error.remedy, path=str(error.path or ""))
        return
    except OSError as error:
        yield Failed(
            kind=FailureKind.CRASHED, message=tr("the inference process could not start: {reason}", reason=error)
        )
        return
    with worker:
        try:
            yield from _messages(worker, request, hashes, cancelled)
        except InvalidMessageError as error:
            yield error.to_failure(worker.log)


def _messages(
    worker: WorkerProcess, request: ExportRequest, hashes: list[str], cancelled: Callable[[], bool]
) -> Iterator[ExportProgress | Exported | Failed]:
    began, is_greeted = time.monotonic(), False
    while True:
        if cancelled():
            worker.kill()
            return
        try:
            message = worker.messages.get(timeout=_POLL_INTERVAL_S)
        except queue.Empty:
            if not is_greeted and time.monotonic() - began > START_TIMEOUT_S:
                worker.kill()
                seconds = f"{START_TIMEOUT_S:.0f}"
                text = tr("the inference process did not answer within {seconds} s", seconds=seconds)
                yield Failed(kind=FailureKind.CRASHED, message=text, detail=worker.log)
                return
            continue
        if message is None:
            yield explain_end(worker.end(), worker.log)
            return
        if isinstance(message, protocol.ProtocolError):
            raise InvalidMessageError(str(message))
        if isinstance(message, Hello) and not is_greeted and message.version == protocol.VERSION:
            is_greeted = True
            worker.send(_command(request, hashes))
        elif isinstance(message, Failed):
            yield cleaned(message)
            return
        elif isinstance(message, ExportProgress) and is_greeted:
            if not 0 <= message.done <= max(message.total, 0) or len(message.stage) > MAX_LINE:
                raise InvalidMessageError(tr("impossible progress"))
            yield message
        elif isinstance(message, Exported) and is_greeted:
            _check(message, request)
            yield message
            return
        else:
            raise InvalidMessageError(tr("a reply to no request"))


def _command(request: ExportRequest, hashes: list[str]) -> ExportModel:
    return ExportModel(
        weights=str(request.weights.absolute()),
        format=request.format.format,
        quantize=request.format.quantize,
        folder=str(request.folder.absolute()),
        name=request.name,
        imgsz=request.imgsz,
        trusted=hashes,
        video="" if request.video is None else str(request.video.absolute()),
        images=list(request.images),
        frames=list(request.frames),
    )


def _check(message: Exported, request: ExportRequest) -> None:
    """InvalidMessageError unless the message names a new file in the folder of the request."""
    path = request.folder / message.name
    texts = [message.name, message.source_sha256, *message.versions, *message.versions.values()]
    if Path(message.name).name != message.name or path.is_symlink() or not path.exists():
        raise InvalidMessageError(tr("it names a file that it did not write"))
    if max(map(len, texts)) > MAX_LINE or any(not 0 < side <= MAX_SIDE for side in message.imgsz):
        raise InvalidMessageError(tr("it describes the new model with impossible values"))
    if not set(message.unreadable) <= set(request.frames) or any(frame > MAX_FRAME for frame in message.unreadable):
        raise InvalidMessageError(tr("it skipped frames that were not asked for"))
