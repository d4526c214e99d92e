"""The worker's side of the conversation: commands in, detections out."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import BinaryIO, Protocol

from iouviewer import __version__
from iouviewer.document.sources import Picture
from iouviewer.errors import UserError
from iouviewer.inference import protocol
from iouviewer.inference.detector import Detector, DetectorError, LoadDetector
from iouviewer.inference.protocol import (
    Cancel,
    Detections,
    Failed,
    FailureKind,
    Finished,
    Hello,
    LoadModel,
    Message,
    Predict,
    Progress,
)

SEND_EVERY = 1 / 30
"""Seconds between two messages with detections: more often nobody can see them."""
WARM_UP = 10
"""Frames after loading whose times do not count."""


class Pictures(Protocol):
    """The part of a FrameSource that a run needs."""

    @property
    def frame_count(self) -> int: ...

    def read(self, frame: int) -> Picture: ...

    def close(self) -> None: ...


class _Inbox:
    """Reads commands in a thread of its own, to see a cancel and the parent's end while a frame is in work."""

    def __init__(self, stream: BinaryIO, on_gone: Callable[[], None]) -> None:
        self.commands: queue.SimpleQueue[LoadModel | Predict | Failed | None] = queue.SimpleQueue()
        self.cancel = threading.Event()
        self._stream = stream
        self._on_gone = on_gone
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
                self._on_gone()
                return
            if isinstance(message, Cancel):
                self.cancel.set()
            elif isinstance(message, LoadModel | Predict):
                if isinstance(message, Predict):
                    self.cancel.clear()
                self.commands.put(message)
            else:
                self.commands.put(Failed(kind=FailureKind.PROTOCOL, message=f"{type(message).__name__} is no command"))


class _Outbox:
    """Gathers detections and sends them at most ``SEND_EVERY``."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: list[Detections] = []
        self._last = 0.0
        self.numbering = ""

    def send(self, message: Message) -> None:
        protocol.write_message(self._stream, message)

    def add(self, detections: Detections) -> bool:
        """Whether it is time to flush."""
        self._waiting.append(detections)
        return time.monotonic() - self._last >= SEND_EVERY

    def flush(self, progress: Progress) -> None:
        if self._waiting:
            self.send(protocol.pack(self._waiting, self.numbering))
            self._waiting = []
        self.send(progress)
        self._last = time.monotonic()


def run_worker(
    stdin: BinaryIO,
    stdout: BinaryIO,
    open_video: Callable[[str], Pictures],
    load_detector: LoadDetector,
    *,
    on_gone: Callable[[], None] = lambda: None,
    process: int = 0,
) -> int:
    """Serve one program until it closes ``stdin``; returns the exit status, 0, or 2 after a breach of the protocol.

    Args:
        open_video: frames of a file by number, B, G, R as OpenCV decodes them; UserError where it cannot.
        load_detector: makes the detector of a LoadModel; DetectorError where it cannot.
        on_gone: called in another thread at once when ``stdin`` ends, even in the middle of a frame.
    """
    outbox = _Outbox(stdout)
    inbox = _Inbox(stdin, on_gone)
    outbox.send(Hello(program=f"iouviewer {__version__}", process=process))
    detector: Detector | None = None
    loads = seen = 0
    try:
        while (command := inbox.commands.get()) is not None:
            if isinstance(command, Failed):
                outbox.send(command)
                return 2
            try:
                if isinstance(command, LoadModel):
                    # One model a process: what a trusted model ran could have changed how the next one is loaded.
                    if loads:
                        outbox.send(Failed(kind=FailureKind.PROTOCOL, message="LoadModel came twice"))
                        return 2
                    loads += 1
                    detector = load_detector(command)
                    outbox.send(detector.info)
                elif detector is None:
                    outbox.send(Failed(kind=FailureKind.PROTOCOL, message="Predict came before LoadModel"))
                else:
                    seen = _predict(command, detector, open_video, outbox, inbox.cancel, seen)
            except DetectorError as error:
                outbox.send(error.as_message())
    except BrokenPipeError:
        return 0  # the program is gone; there is nobody to tell
    finally:
        if detector is not None:
            detector.close()
    return 0


def _predict(
    command: Predict,
    detector: Detector,
    open_video: Callable[[str], Pictures],
    outbox: _Outbox,
    cancel: threading.Event,
    seen: int,
) -> int:
    """One run over a video; returns how many frames the detector has seen since it was loaded."""
    began = time.monotonic()
    try:
        pictures = open_video(command.video)
    except UserError as error:
        outbox.send(_video_failure(error, command.video))
        return seen
    try:
        # The program may count the frames anew while this run goes on.
        outbox.numbering = str(getattr(pictures, "index_digest", ""))
        frames = list(range(pictures.frame_count)) if command.frames is None else command.frames
        outside = [f for f in frames if not 0 <= f < pictures.frame_count]
        if outside:
            message = f"frame {outside[0]} is not in the video, which has {pictures.frame_count} frames"
            outbox.send(Failed(kind=FailureKind.VIDEO, message=message, path=command.video))
            return seen
        done = 0
        unreadable: list[int] = []
        for frame in frames:
            if cancel.is_set():
                break
            try:
                picture = pictures.read(frame)
            except UserError:
                unreadable.append(frame)
                continue
            found = detector.detect(picture, frame)
            seen += 1
            done += 1
            if outbox.add(found if seen > WARM_UP else _cold(found)):
                outbox.flush(_progress(done + len(unreadable), frames, began))
        outbox.flush(_progress(done + len(unreadable), frames, began))
        cancelled = cancel.is_set() and done + len(unreadable) < len(frames)
        seconds = time.monotonic() - began
        outbox.send(Finished(done=done, seconds=seconds, cancelled=cancelled, unreadable=unreadable))
        return seen
    finally:
        pictures.close()


def _progress(done: int, frames: list[int], began: float) -> Progress:
    return Progress(done=done, total=len(frames), seconds=time.monotonic() - began)


def _cold(found: Detections) -> Detections:
    return Detections(found.frame, found.boxes, found.scores, found.classes, found.times, warm=False)


def _video_failure(error: UserError, video: str) -> Failed:
    return Failed(kind=FailureKind.VIDEO, message=error.message, remedy=error.remedy, path=str(error.path or video))
