"""The worker's side of the protocol: receives commands, sends detections."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, Protocol

from iouviewer import __version__
from iouviewer.document.sources import FrameImage
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.inference import protocol
from iouviewer.inference.detector import Detector, DetectorError, LoadDetector, WriteModel
from iouviewer.inference.protocol import (
    Cancel,
    Detections,
    ExportModel,
    ExportProgress,
    Failed,
    FailureKind,
    Finished,
    Hello,
    LoadModel,
    Message,
    Predict,
    RunProgress,
)

SEND_INTERVAL_S = 1 / 30
"""Minimum time between two messages with detections: a screen does not update more often."""
WARM_UP_FRAMES = 10
"""Frames after loading whose times are not measured."""


class FrameSource(Protocol):
    """An open video or image folder, as far as a run needs it."""

    @property
    def frame_count(self) -> int: ...

    @property
    def index_digest(self) -> str:
        """Digest of the index that numbers the frames."""
        ...

    def read(self, frame: int) -> FrameImage: ...

    def close(self) -> None: ...


class _Inbox:
    """Reads commands in its own thread, to detect a cancel or the end of the parent while a frame is processed."""

    def __init__(self, stream: BinaryIO, on_disconnect: Callable[[], None]) -> None:
        self.commands: queue.SimpleQueue[LoadModel | Predict | ExportModel | Failed | None] = queue.SimpleQueue()
        self.cancel = threading.Event()
        self._stream = stream
        self._on_disconnect = on_disconnect
        threading.Thread(target=self._read, name="commands", daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                message = protocol.read_message(self._stream)
            except (protocol.ProtocolError, OSError) as error:
                self.commands.put(Failed(kind=FailureKind.PROTOCOL, message=str(error)))
                return
            if message is None:
                self.commands.put(None)
                self._on_disconnect()
                return
            if isinstance(message, Cancel):
                self.cancel.set()
            elif isinstance(message, LoadModel | Predict | ExportModel):
                if isinstance(message, Predict):
                    self.cancel.clear()
                self.commands.put(message)
            else:
                name = message.__struct_config__.tag
                reason = tr("{message} is not a command", message=name)
                self.commands.put(Failed(kind=FailureKind.PROTOCOL, message=reason))


class _Outbox:
    """Collects detections and sends them together, at most once per ``SEND_INTERVAL_S``."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._unsent: list[Detections] = []
        self._sent_at = 0.0
        self.numbering = ""

    def send(self, message: Message) -> None:
        protocol.write_message(self._stream, message)

    def add(self, detections: Detections) -> bool:
        """Collect detections; returns whether they are due to be sent."""
        self._unsent.append(detections)
        return time.monotonic() - self._sent_at >= SEND_INTERVAL_S

    def flush(self, progress: RunProgress) -> None:
        if self._unsent:
            self.send(protocol.pack(self._unsent, self.numbering))
            self._unsent = []
        self.send(progress)
        self._sent_at = time.monotonic()

    def flush_detections(self) -> None:
        """Send what is left of a run that ends with an error."""
        if self._unsent:
            self.send(protocol.pack(self._unsent, self.numbering))
            self._unsent = []


def run_worker(
    stdin: BinaryIO,
    stdout: BinaryIO,
    open_video: Callable[..., FrameSource],
    load_detector: LoadDetector,
    write_model: WriteModel,
    *,
    on_disconnect: Callable[[], None] = lambda: None,
    process: int = 0,
) -> int:
    """Serve one program until it closes ``stdin``; returns the exit status: 0, or 2 after a protocol error.

    Args:
        open_video: opens a file (or, with a list of image files as second argument, these) for reading frames by
            number, channels B, G, R as in OpenCV; UserError if it fails.
        load_detector: loads the detector for a LoadModel; DetectorError if it fails.
        write_model: writes the model for an ExportModel; DetectorError if it fails.
        on_disconnect: called in another thread as soon as ``stdin`` ends, even while a frame is processed.
    """
    outbox = _Outbox(stdout)
    inbox = _Inbox(stdin, on_disconnect)
    outbox.send(Hello(program=" ".join(("iouviewer", __version__)), process=process))
    detector: Detector | None = None
    loads = frames_seen = 0
    try:
        while (command := inbox.commands.get()) is not None:
            if isinstance(command, Failed):
                outbox.send(command)
                return 2
            try:
                if isinstance(command, LoadModel | ExportModel):
                    # One model per process: code of a trusted model could change how the next one is loaded.
                    if loads:
                        outbox.send(Failed(kind=FailureKind.PROTOCOL, message=tr("LoadModel was sent twice")))
                        return 2
                    loads += 1
                if isinstance(command, ExportModel):
                    _export(command, write_model, open_video, outbox)
                elif isinstance(command, LoadModel):
                    detector = load_detector(command)
                    outbox.send(detector.info)
                elif detector is None:
                    outbox.send(Failed(kind=FailureKind.PROTOCOL, message=tr("Predict was sent before LoadModel")))
                else:
                    frames_seen = _predict(command, detector, open_video, outbox, inbox.cancel, frames_seen)
            except DetectorError as error:
                outbox.send(error.to_message())
    except BrokenPipeError:
        return 0  # the program has ended
    finally:
        if detector is not None:
            detector.close()
    return 0


def _predict(
    command: Predict,
    detector: Detector,
    open_video: Callable[..., FrameSource],
    outbox: _Outbox,
    cancel: threading.Event,
    frames_seen: int,
) -> int:
    """One run over a video; returns how many frames the detector has processed since it was loaded."""
    began = time.monotonic()
    try:
        source = open_video(command.video, command.images) if command.images else open_video(command.video)
    except UserError as error:
        outbox.send(_video_failure(error, command.video))
        return frames_seen
    try:
        # The program may re-index the video during this run.
        outbox.numbering = source.index_digest
        frames = list(range(source.frame_count)) if command.frames is None else command.frames
        outside = [f for f in frames if not 0 <= f < source.frame_count]
        if outside:
            outbox.send(_frame_outside(outside[0], source.frame_count, command.video))
            return frames_seen
        done = 0
        unreadable: list[int] = []
        for frame in frames:
            if cancel.is_set():
                break
            started = time.perf_counter()
            try:
                image = source.read(frame)
            except UserError:
                unreadable.append(frame)
                continue
            decode = 1000.0 * (time.perf_counter() - started)
            if command.val_shapes:
                found = detector.detect_as_val(image, frame, command.val_shapes[frame])
            else:
                found = detector.detect(image, frame)
            found = replace(found, decode=decode)
            frames_seen += 1
            done += 1
            if outbox.add(found if frames_seen > WARM_UP_FRAMES else _as_cold(found)):
                outbox.flush(_progress(done + len(unreadable), frames, began))
        outbox.flush(_progress(done + len(unreadable), frames, began))
        cancelled = cancel.is_set() and done + len(unreadable) < len(frames)
        seconds = time.monotonic() - began
        outbox.send(
            Finished(
                done=done, seconds=seconds, cancelled=cancelled, unreadable=unreadable, inputs=list(detector.inputs)
            )
        )
        return frames_seen
    finally:
        source.close()
        # The frames before one that fails are good.
        outbox.flush_detections()


def _export(
    command: ExportModel, write_model: WriteModel, open_video: Callable[..., FrameSource], outbox: _Outbox
) -> None:
    """Write one model; the calibration frames are read while they are taken."""
    if not command.frames:
        outbox.send(write_model(command, iter(()), outbox.send))
        return
    try:
        source = open_video(command.video, command.images) if command.images else open_video(command.video)
    except UserError as error:
        outbox.send(_video_failure(error, command.video))
        return
    outside = [f for f in command.frames if not 0 <= f < source.frame_count]

    def images() -> Iterator[tuple[int, FrameImage]]:
        for done, frame in enumerate(command.frames):
            outbox.send(ExportProgress(stage="calibration", done=done, total=len(command.frames)))
            try:
                yield frame, source.read(frame)
            except UserError:  # the reply names the frames that are missing
                continue

    try:
        if outside:
            outbox.send(_frame_outside(outside[0], source.frame_count, command.video))
        else:
            outbox.send(write_model(command, images(), outbox.send))
    finally:
        source.close()


def _progress(done: int, frames: list[int], began: float) -> RunProgress:
    return RunProgress(done=done, total=len(frames), seconds=time.monotonic() - began)


def _as_cold(found: Detections) -> Detections:
    return replace(found, warm=False)


def _video_failure(error: UserError, video: str) -> Failed:
    return Failed(kind=FailureKind.VIDEO, message=error.message, remedy=error.remedy, path=str(error.path or video))


def _frame_outside(frame: int, frame_count: int, video: str) -> Failed:
    reason = tr_n(
        "frame {frame} is not in the video, which has {count} frame",
        "frame {frame} is not in the video, which has {count:,} frames",
        frame_count,
        frame=frame,
    )
    return Failed(kind=FailureKind.VIDEO, message=reason, path=video)
