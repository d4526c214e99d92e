"""Fake detectors, videos and workers, and model files of several kinds."""

from __future__ import annotations

import importlib.util
import os
import pickle
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest

from iouviewer.errors import UserError
from iouviewer.inference import protocol
from iouviewer.inference.detector import DetectorError
from iouviewer.inference.protocol import Detections, FailureKind, FrameDetections, LoadModel, ModelLoaded

needs_yolo = pytest.mark.skipif(
    importlib.util.find_spec("ultralytics") is None or importlib.util.find_spec("torch") is None,
    reason="the extra yolo (ultralytics, torch) is not installed",
)

INFO = ModelLoaded(
    names=["car", "person"], imgsz=(64, 64), floor=0.001, nms="run", nms_iou=0.7, max_det=300, rectangular=True,
    device="cpu", task="detect", runtime="fake", precision="fp32", sha256="00",
    trusted=False, versions={}, hardware="none", threads=1,
)  # fmt: skip


class FakeVideo:
    """``count`` small frames; those in ``broken`` cannot be decoded."""

    index_digest = "digest"

    def __init__(self, count: int = 5, broken: tuple[int, ...] = ()) -> None:
        self.frame_count = count
        self.broken = broken
        self.closed = False

    def read(self, frame: int):
        if frame in self.broken:
            raise UserError("damaged", frame=frame)
        return np.full((4, 6, 3), frame % 256, np.uint8)

    def detect_as_val(self, image, frame: int, shape: tuple[float, float]) -> Detections:
        """One box whose x2 and y2 are the shape in per cent."""
        box = np.array([[0, 0, 100 * shape[1], 100 * shape[0]]], np.float32)
        return Detections(frame, box, np.ones(1, np.float32), np.zeros(1, np.int32), np.zeros(3, np.float32))

    def close(self) -> None:
        self.closed = True


class FakeDetector:
    """Finds frame % 20 boxes on each frame; ``gate`` blocks it within a frame until the event is set."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.info = INFO
        self.inputs = [(64, 64)]
        self.gate = gate
        self.entered = threading.Event()
        self.closed = False

    def detect(self, image, frame: int) -> Detections:
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(30)
        return detections(frame, frame % 20)

    def detect_as_val(self, image, frame: int, shape: tuple[float, float]) -> Detections:
        """One box whose x2 and y2 are the shape in per cent."""
        box = np.array([[0, 0, 100 * shape[1], 100 * shape[0]]], np.float32)
        return Detections(frame, box, np.ones(1, np.float32), np.zeros(1, np.int32), np.zeros(3, np.float32))

    def close(self) -> None:
        self.closed = True


def detections(frame: int, count: int) -> Detections:
    rows = np.arange(count, dtype=np.float32)
    return Detections(
        frame=frame,
        boxes=np.stack([rows, rows + frame, rows + 10.25, rows + frame + 20.5], axis=1).reshape(-1, 4),
        scores=np.linspace(0.9, 0.1, count, dtype=np.float32),
        classes=np.arange(count, dtype=np.int32) % 2,
        times=np.array([1.5, 20.25, 0.5], np.float32),
    )


def detections_in(messages: list) -> list[Detections]:
    """All detections in a run's messages, in order."""
    return [found for message in messages if isinstance(message, FrameDetections) for found in message.unpack()]


def refuse_to_write(command, images, report):
    raise DetectorError(FailureKind.UNSUPPORTED, "nothing is written here")


class WorkerSession:
    """A worker in a thread, with the program's ends of its pipes."""

    def __init__(
        self,
        detector: FakeDetector | None = None,
        video: FakeVideo | None = None,
        load=None,
        open_video=None,
        write_model=None,
    ) -> None:
        from iouviewer.inference.worker import run_worker

        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()
        self.stdin, self.stdout = os.fdopen(to_write, "wb"), os.fdopen(from_read, "rb")
        self._inner = os.fdopen(to_read, "rb"), os.fdopen(from_write, "wb")
        self.detector, self.video = detector or FakeDetector(), video or FakeVideo()
        self.gone = threading.Event()
        self.status: int | None = None

        def serve() -> None:
            self.status = run_worker(
                *self._inner,
                open_video or (lambda path: self.video),
                load or (lambda request: self.detector),
                write_model or refuse_to_write,
                on_disconnect=self.gone.set,
            )
            self._inner[1].close()

        self.thread = threading.Thread(target=serve)
        self.thread.start()

    def send(self, message: protocol.Message) -> None:
        protocol.write_message(self.stdin, message)

    def get(self):
        return protocol.read_message(self.stdout)

    def load(self) -> ModelLoaded:
        self.send(LoadModel(weights="/model"))
        return self.get()

    def read_until(self, kind: type) -> list:
        """All messages up to the first of a kind."""
        messages = []
        while True:
            messages.append(self.get())
            assert messages[-1] is not None, messages
            if isinstance(messages[-1], kind):
                return messages

    def end(self) -> None:
        if not self.stdin.closed:
            self.stdin.close()
        self.thread.join(30)
        assert not self.thread.is_alive()
        self.stdout.close()
        self._inner[0].close()


class CodeRunningPickle:
    """Creates a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


def write_checkpoint(path: Path, content: object) -> Path:
    """A .pt in torch's layout without torch."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    return path


def python_worker(code: str) -> list[str]:
    """A command that runs Python code as the worker."""
    return [sys.executable, "-c", code]


def is_gone(pid: int) -> bool:
    """Whether a process has ended, perhaps as a zombie."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(pid: int, seconds: float) -> bool:
    """Whether a process ends within ``seconds``."""
    watch = threading.Event()
    end = time.monotonic() + seconds
    while not is_gone(pid):
        if time.monotonic() > end:
            return False
        watch.wait(0.02)
    return True
