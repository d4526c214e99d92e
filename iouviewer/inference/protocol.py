"""The protocol between the program and its inference worker, version 3.

The worker is started with pipes on its standard input and output (its standard error is for the log). Each message is
its length in bytes (four bytes, little-endian), followed by one MessagePack map. The map's ``type`` is the name of the
message, its other keys are the attributes of the class of that name below (``Progress`` is ``RunProgress``). Nothing
is pickled, so the other side may be another version, another language or another machine behind ``ssh``.

Sequence: the worker sends ``Hello``. The program sends ``LoadModel``, the worker replies ``ModelLoaded`` or ``Failed``.
The program sends ``Predict``, the worker replies with any number of ``FrameDetections`` and ``Progress``, then
``Finished`` or ``Failed``. ``Cancel`` may be sent at any time and ends a ``Predict`` after the current frame. The
program may send more ``Predict`` messages, but not a second ``LoadModel``. It stops the worker at any time by closing
the worker's standard input.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from iouviewer.i18n import tr

VERSION = 4
"""2: ``ModelLoaded`` and ``Finished`` tell what really happened. 3: data sets. 4: exports. Others are refused."""
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Longer messages are refused, because the bytes read as their length cannot be a length."""
_LENGTH = struct.Struct("<I")


class FailureKind(StrEnum):
    """Machine-readable reason why a run failed."""

    MISSING_PACKAGE = "missing_package"
    NEEDS_TRUST = "needs_trust"
    UNSAFE_RUNTIME = "unsafe_runtime"
    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    UNSUPPORTED = "unsupported"
    VIDEO = "video"
    MEMORY = "memory"
    NO_SPACE = "no_space"
    INVALID_OUTPUT = "invalid_output"
    PROTOCOL = "protocol"
    CRASHED = "crashed"


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Base class of all messages."""


class LoadModel(Message, frozen=True, kw_only=True):
    """Program to worker: load a detector.

    Attributes:
        weights: absolute path of an existing file or folder.
        floor: minimum score.
        nms_iou: IoU above which the lower-scored of two boxes of a class is suppressed.
        max_det: maximum number of boxes per frame.
        imgsz: longer side of the network's input in pixels, None: as stored with the weights.
        device: device name as in ultralytics ("cpu", "0"), None: chosen by the library.
        trusted: sha256 (hex) of model files that the user allows to run code.
    """

    weights: str
    floor: float = 0.001
    nms_iou: float = 0.7
    max_det: int = 300
    imgsz: int | None = None
    device: str | None = None
    trusted: list[str] = []


class Predict(Message, frozen=True, kw_only=True):
    """Program to worker: run the loaded detector on a video.

    Attributes:
        frames: 0-based, in processing order; None: all.
        images: image files in frame order, where ``video`` is a file that lists them; empty: ``video`` itself is read.
        val_shapes: process frames as ``yolo val`` does; for each frame of the source (height, width) of the network's
            input as shares of its longer side, before padding. Empty: as ``predict`` does.
    """

    video: str
    frames: list[int] | None = None
    images: list[str] = []
    val_shapes: list[tuple[float, float]] = []


class ExportModel(Message, frozen=True, kw_only=True):
    """Program to worker: write a checkpoint in another format. It takes the place of ``LoadModel``; the worker replies
    with any number of ``ExportProgress``, then ``Exported`` or ``Failed``. To cancel, the program ends the worker.

    Attributes:
        weights: absolute path of an existing ``.pt`` file.
        format: as ultralytics names it, for example "openvino".
        quantize: bits of the weights, 16 or 8; 32: as they are.
        imgsz: side of the network's input in pixels, None: as stored with the weights.
        folder: absolute path of an existing empty folder, where the worker writes.
        name: file name without ending, of the new model.
        trusted: as in ``LoadModel``.
        video, images: source of the calibration frames, as in ``Predict``; empty where nothing is calibrated.
        frames: 0-based calibration frames.
    """

    weights: str
    format: str
    folder: str
    name: str
    quantize: int = 32
    imgsz: int | None = None
    trusted: list[str] = []
    video: str = ""
    images: list[str] = []
    frames: list[int] = []


class Cancel(Message, frozen=True, kw_only=True):
    """Program to worker: stop after the current frame."""


class Hello(Message, frozen=True, kw_only=True):
    """Worker to program: the first message."""

    version: int = VERSION
    program: str = ""
    process: int = 0


class ModelLoaded(Message, frozen=True, kw_only=True):
    """Worker to program: the detector is ready. The values are facts, which may differ from what was asked.

    Attributes:
        names: class names; the index is the class number in ``FrameDetections``.
        imgsz: height and width of the network's input before letterboxing to the shape of the frame, pixels.
        floor: lowest score that a box can have; None: the model has a threshold of its own that its files do not state.
        nms: "run": as asked; "model": the model does it, with a confidence threshold; "none": the model needs none.
        nms_iou: IoU above which boxes are suppressed; None: the model's own, which its files do not state, or no NMS.
        max_det: maximum number of boxes per frame.
        rectangular: the input is cut to the shape of the frame, so one side is shorter than ``imgsz``.
        device: on which the model runs, for example "cpu" or "cuda:0".
        task: "detect", or another task that produces boxes.
        runtime: "pytorch", "onnxruntime", "openvino", "torchscript", "tensorrt", "ncnn" or "litert".
        precision: of the weights, "fp32", "fp16", "int8", "bf16" where the runtime computes in it by its own choice,
            or "" if unknown.
        sha256: of the bytes that were loaded.
        trusted: whether the user allowed them to run code.
        versions: package name to version.
        hardware: processor or GPU, for display.
        threads: number of threads that process a frame, 0 where the runtime does not tell.
        parameters: number of weights; 0 where unknown.
        gflops: 1e9 floating-point operations for one frame at ``imgsz``; 0 where unknown.
    """

    names: list[str]
    imgsz: tuple[int, int]
    floor: float | None
    nms: str
    nms_iou: float | None
    max_det: int
    rectangular: bool
    device: str
    task: str
    runtime: str
    precision: str
    sha256: str
    trusted: bool
    versions: dict[str, str]
    hardware: str
    threads: int
    parameters: int = 0
    gflops: float = 0.0


class RunProgress(Message, frozen=True, kw_only=True, tag="Progress"):
    """Worker to program: progress of a ``Predict``, called ``Progress`` on the wire.

    Attributes:
        seconds: wall time since the start, decoding included.
    """

    done: int
    total: int
    seconds: float


class FrameDetections(Message, frozen=True, kw_only=True):
    """Worker to program: boxes on some frames, to be read with ``unpack``.

    Attributes:
        frames: F frame numbers.
        counts: number of boxes on each frame.
        boxes: (N, 4) float32 little-endian, x1, y1, x2, y2 in pixels of the frame, highest score of a frame first.
        scores: (N,) float32 little-endian.
        classes: (N,) int32 little-endian.
        times: (F, 3) float32 little-endian, milliseconds of pre-process, inference, post-process.
        warm: False for the first frames after loading, whose times are not measured.
        numbering: digest of the video index that the frame numbers refer to; empty if unknown.
        decode: (F,) float32 little-endian, milliseconds for reading the frame; empty if not measured.
    """

    frames: list[int]
    counts: list[int]
    boxes: bytes
    scores: bytes
    classes: bytes
    times: bytes
    warm: list[bool]
    numbering: str = ""
    decode: bytes = b""

    def unpack(self) -> list[Detections]:
        """One value per frame; ValueError if the lengths contradict each other."""
        total = sum(self.counts)
        boxes = np.frombuffer(self.boxes, "<f4").reshape(-1, 4)
        scores, classes = np.frombuffer(self.scores, "<f4"), np.frombuffer(self.classes, "<i4")
        times = np.frombuffer(self.times, "<f4").reshape(-1, 3)
        decode = np.frombuffer(self.decode, "<f4") if self.decode else np.full(len(self.frames), math.nan, "<f4")
        lengths = {len(self.frames), len(self.counts), len(self.warm), len(times), len(decode)}
        if len(lengths) != 1 or {len(boxes), len(scores), len(classes)} != {total}:
            raise ValueError(f"{total} boxes on {len(self.frames)} frames expected, got {boxes.shape}, {times.shape}")
        result = []
        start = 0
        for k, (frame, count) in enumerate(zip(self.frames, self.counts, strict=True)):
            rows = slice(start, start + count)
            columns = boxes[rows], scores[rows], classes[rows], times[k]
            result.append(Detections(frame, *columns, self.warm[k], self.numbering, float(decode[k])))
            start += count
        return result


class Finished(Message, frozen=True, kw_only=True):
    """Worker to program: a ``Predict`` ended without an error.

    Attributes:
        done: number of frames that were sent.
        seconds: wall time, decoding included.
        cancelled: whether ``Cancel`` ended it.
        unreadable: frames that could not be decoded and were skipped.
        inputs: each (height, width) of the network's input that occurred, pixels; empty if unknown.
    """

    done: int
    seconds: float
    cancelled: bool = False
    unreadable: list[int] = []
    inputs: list[tuple[int, int]] = []


class ExportProgress(Message, frozen=True, kw_only=True):
    """Worker to program: progress of an ``ExportModel``.

    Attributes:
        stage: "load", "calibration" (reading its frames), or "export", which does not count its steps.
    """

    stage: str
    done: int = 0
    total: int = 0


class Exported(Message, frozen=True, kw_only=True):
    """Worker to program: an ``ExportModel`` ended without an error.

    Attributes:
        name: of the new file or folder in the folder of the request.
        imgsz: (height, width) of the network's input, pixels.
        source_sha256: of the checkpoint's bytes that were loaded.
        trusted: whether the user allowed these to run code.
        unreadable: calibration frames that could not be decoded and were left out.
        versions: package name to version.
        seconds: wall time.
    """

    name: str
    imgsz: tuple[int, int]
    source_sha256: str
    trusted: bool
    versions: dict[str, str]
    seconds: float
    unreadable: list[int] = []


class Failed(Message, frozen=True, kw_only=True):
    """Worker to program: an error.

    Attributes:
        message: one line for display.
        remedy: what the user can do.
        detail: more for the log, possibly several lines.
        path: the file that the message refers to.
        sha256: of its content, if it needs the user's trust.
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


ToWorker = LoadModel | Predict | ExportModel | Cancel
FromRun = Hello | ModelLoaded | RunProgress | FrameDetections | Finished | Failed
FromWorker = FromRun | ExportProgress | Exported
AnyMessage = ToWorker | FromWorker


@dataclass(frozen=True, slots=True)
class Detections:
    """Boxes on one frame.

    Attributes:
        boxes: (N, 4) float32, x1, y1, x2, y2 in pixels, highest score first.
        scores: (N,) float32.
        classes: (N,) int32.
        times: (3,) float32, milliseconds of pre-process, inference, post-process.
        warm: whether the times are measured.
        numbering: digest of the video index that ``frame`` refers to; empty if unknown.
        decode: milliseconds for reading the frame; nan if not measured.
    """

    frame: int
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]
    times: NDArray[np.float32]
    warm: bool = True
    numbering: str = ""
    decode: float = math.nan


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
        decode=np.array([d.decode for d in detections], "<f4").tobytes(),
    )


class ProtocolError(Exception):
    """Bytes that are not a message of this protocol."""


class TruncatedError(ProtocolError):
    """The data ended within a message."""


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write and flush one message; OSError if the other side is gone."""
    body = _encoder.encode(message)
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def read_message(stream: BinaryIO) -> AnyMessage | None:
    """The next message, None at the end of the stream; ProtocolError for anything else."""
    header = _read(stream, _LENGTH.size)
    if not header:
        return None
    if len(header) < _LENGTH.size:
        raise TruncatedError(tr("the data ends within a message length: {data!r}", data=header))
    (length,) = _LENGTH.unpack(header)
    if not 0 < length <= MAX_MESSAGE_BYTES:
        raise ProtocolError(tr("{data!r} is not a message length", data=header))
    body = _read(stream, length)
    if len(body) < length:
        raise TruncatedError(
            tr("the data ends within a message: {count:,} of {total:,} bytes", count=len(body), total=length)
        )
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        reason = tr("not a message of protocol version {version}: {reason}", version=VERSION, reason=error)
        raise ProtocolError(reason) from error


def _read(stream: BinaryIO, length: int) -> bytes:
    """``length`` bytes, fewer only at the end of the stream (one read of an unbuffered pipe may return fewer)."""
    parts = bytearray()
    while len(parts) < length:
        part = stream.read(length - len(parts))
        if not part:
            break
        parts += part
    return bytes(parts)
