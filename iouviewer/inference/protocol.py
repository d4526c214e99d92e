"""What the program and its inference worker say to each other, version 1.

The worker is started with pipes on its standard input and output (its standard error is for the log). Each message is
four bytes, little-endian, with the length of what follows, then one MessagePack map. The map's ``type`` names the
message, its other keys are the attributes of the class of that name below. Nothing is pickled, so the other side may be
another version, another language or another machine behind ``ssh``.

A conversation: the worker says ``Hello``. The program sends ``LoadModel`` and gets ``ModelLoaded`` or ``Failed``; then
``Predict`` and gets any number of ``FrameDetections`` and ``Progress``, at last ``Finished`` or ``Failed``. ``Cancel``
may come at any time and ends a ``Predict`` after the frame in work. The program may send another ``Predict``, but no
second ``LoadModel``. It ends the worker by closing its standard input, whatever the worker is doing then.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

VERSION = 1
LARGEST = 64 * 1024 * 1024
"""Bytes of the longest message that is read; a longer one can only be something else than a message."""
_LENGTH = struct.Struct("<I")


class FailureKind(StrEnum):
    """Why a run ended; the part of a failure that programs decide by."""

    MISSING_PACKAGE = "missing_package"
    NEEDS_TRUST = "needs_trust"
    UNSAFE_RUNTIME = "unsafe_runtime"
    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    UNSUPPORTED = "unsupported"
    VIDEO = "video"
    MEMORY = "memory"
    PROTOCOL = "protocol"
    CRASHED = "crashed"


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Base of all messages."""


class LoadModel(Message, frozen=True, kw_only=True):
    """Program to worker: load a detector.

    Attributes:
        weights: absolute path of an existing file or folder.
        floor: lowest score that is kept.
        nms_iou: IoU above which the weaker of two boxes of a class is dropped.
        max_det: most boxes a frame.
        imgsz: longer side of the network's input in pixels, None: the weights' own.
        device: as ultralytics names devices ("cpu", "0"), None: its choice.
        trusted: sha256 (hex) of contents that the user allows to run code.
    """

    weights: str
    floor: float = 0.001
    nms_iou: float = 0.7
    max_det: int = 300
    imgsz: int | None = None
    device: str | None = None
    trusted: list[str] = []


class Predict(Message, frozen=True, kw_only=True):
    """Program to worker: run the loaded detector on these frames (0-based) of a video, in this order."""

    video: str
    frames: list[int] | None = None
    """None: all."""


class Cancel(Message, frozen=True, kw_only=True):
    """Program to worker: stop after the frame in work."""


class Hello(Message, frozen=True, kw_only=True):
    """Worker to program: the first message."""

    version: int = VERSION
    program: str = ""
    process: int = 0


class ModelLoaded(Message, frozen=True, kw_only=True):
    """Worker to program: the detector is ready.

    Attributes:
        names: class names; the place in the list is the class number in ``FrameDetections``.
        imgsz: height and width of the network's input before letterboxing to the picture's shape, pixels.
        task: "detect", or another task whose boxes are taken.
        runtime: "pytorch", "onnxruntime", "openvino", "torchscript" or "tensorrt".
        precision: of the weights, "fp32", "fp16", "int8" or "" where it is not told.
        sha256: of the very bytes that were loaded.
        trusted: whether they could run code because the user allowed it.
        versions: package name to version.
        hardware: processor or GPU, for people.
        threads: threads a frame is computed with.
    """

    names: list[str]
    imgsz: tuple[int, int]
    task: str
    runtime: str
    precision: str
    sha256: str
    trusted: bool
    versions: dict[str, str]
    hardware: str
    threads: int


class Progress(Message, frozen=True, kw_only=True):
    """Worker to program: how far a ``Predict`` is; ``seconds`` is wall time since it began, decode included."""

    done: int
    total: int
    seconds: float


class FrameDetections(Message, frozen=True, kw_only=True):
    """Worker to program: what was found on some frames; read it with ``unpack``.

    Attributes:
        frames: F frame numbers.
        counts: boxes on each.
        boxes: (N, 4) float32 little-endian, x1, y1, x2, y2 in pixels of the picture, best score first in a frame.
        scores: (N,) float32 little-endian.
        classes: (N,) int32 little-endian.
        times: (F, 3) float32 little-endian, milliseconds of pre-process, inference, post-process.
        warm: False for the first frames after loading, whose times do not count.
        numbering: digest of the index that the worker numbers frames by; empty where it cannot tell.
    """

    frames: list[int]
    counts: list[int]
    boxes: bytes
    scores: bytes
    classes: bytes
    times: bytes
    warm: list[bool]
    numbering: str = ""

    def unpack(self) -> list[Detections]:
        """One value a frame. ValueError where the lengths contradict each other."""
        total = sum(self.counts)
        boxes = np.frombuffer(self.boxes, "<f4").reshape(-1, 4)
        scores, classes = np.frombuffer(self.scores, "<f4"), np.frombuffer(self.classes, "<i4")
        times = np.frombuffer(self.times, "<f4").reshape(-1, 3)
        lengths = {len(self.frames), len(self.counts), len(self.warm), len(times)}
        if len(lengths) != 1 or {len(boxes), len(scores), len(classes)} != {total}:
            raise ValueError(f"{total} boxes on {len(self.frames)} frames expected, got {boxes.shape}, {times.shape}")
        result = []
        start = 0
        for k, (frame, count) in enumerate(zip(self.frames, self.counts, strict=True)):
            rows = slice(start, start + count)
            columns = boxes[rows], scores[rows], classes[rows], times[k]
            result.append(Detections(frame, *columns, self.warm[k], self.numbering))
            start += count
        return result


class Finished(Message, frozen=True, kw_only=True):
    """Worker to program: a ``Predict`` ended without a failure.

    Attributes:
        done: frames that were sent.
        seconds: wall time, decode included.
        cancelled: whether it ended because of ``Cancel``.
        unreadable: frames that could not be decoded; they were left out.
    """

    done: int
    seconds: float
    cancelled: bool = False
    unreadable: list[int] = []


class Failed(Message, frozen=True, kw_only=True):
    """Worker to program: one line for people, and what to do.

    Attributes:
        kind: a FailureKind.
        detail: more for the log, possibly many lines.
        path: the file it is about.
        sha256: of its content, where trust is what is missing.
    """

    kind: FailureKind
    message: str
    remedy: str = ""
    detail: str = ""
    path: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        text = f"{where}{self.message}"
        return f"{text.rstrip('.')}. {self.remedy}" if self.remedy else text


ToWorker = LoadModel | Predict | Cancel
FromWorker = Hello | ModelLoaded | Progress | FrameDetections | Finished | Failed
AnyMessage = ToWorker | FromWorker


@dataclass(frozen=True, slots=True)
class Detections:
    """What was found on one frame.

    Attributes:
        boxes: (N, 4) float32, x1, y1, x2, y2 in pixels, best score first.
        scores: (N,) float32.
        classes: (N,) int32.
        times: (3,) float32, milliseconds of pre-process, inference, post-process.
        warm: whether the times count.
        numbering: digest of the index that ``frame`` is a number of; empty where it is not known.
    """

    frame: int
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]
    times: NDArray[np.float32]
    warm: bool = True
    numbering: str = ""


def pack(detections: list[Detections], numbering: str = "") -> FrameDetections:
    """One message for several frames; ``numbering`` as in FrameDetections."""

    def join(parts: list[NDArray[np.float32]] | list[NDArray[np.int32]], kind: str) -> bytes:
        return b"".join(np.ascontiguousarray(part, kind).tobytes() for part in parts)

    return FrameDetections(
        frames=[d.frame for d in detections],
        counts=[len(d.scores) for d in detections],
        boxes=join([d.boxes for d in detections], "<f4"),
        scores=join([d.scores for d in detections], "<f4"),
        classes=join([d.classes for d in detections], "<i4"),
        times=join([d.times for d in detections], "<f4"),
        warm=[d.warm for d in detections],
        numbering=numbering,
    )


class ProtocolError(Exception):
    """Bytes that are no message of this protocol."""


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write and flush one message; OSError where the other side is gone."""
    body = _encoder.encode(message)
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def read_message(stream: BinaryIO) -> AnyMessage | None:
    """The next message, None at the end of the stream; ProtocolError for anything else."""
    header = _read(stream, _LENGTH.size)
    if not header:
        return None
    if len(header) < _LENGTH.size:
        raise ProtocolError(f"the stream ends within a length: {header!r}")
    (length,) = _LENGTH.unpack(header)
    if not 0 < length <= LARGEST:
        raise ProtocolError(f"{header!r} is no length of a message")
    body = _read(stream, length)
    if len(body) < length:
        raise ProtocolError(f"the stream ends within a message: {len(body)} of {length} bytes")
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(f"no message of version {VERSION}: {error}") from error


def _read(stream: BinaryIO, length: int) -> bytes:
    """``length`` bytes, fewer only at the end of the stream (unbuffered pipes may return less at once)."""
    parts = bytearray()
    while len(parts) < length:
        part = stream.read(length - len(parts))
        if not part:
            break
        parts += part
    return bytes(parts)
