"""Sequential reads by codec at 1080p: iouviewer with and without a decode-checked index, OpenCV and PyAV."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av

from benchmarks import scrubbing
from iouviewer.video import open_video
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.index import VideoIndex
from iouviewer.video.reader import VideoReader

ROUNDS = 5
FRAMES = 300
CHECKED = "iouviewer, checked"


class SequentialReader(Protocol):
    """Reads the first ``count`` frames of a video; OSError if it cannot decode it."""

    def sequential(self, path: Path, count: int) -> None: ...


@dataclass(frozen=True)
class Encoding:
    """Encoding of a clip."""

    name: str
    codec: str
    suffix: str
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)


ENCODINGS = (
    Encoding("H.264 10 bits", "libx264", "mp4", "yuv420p10le", {"preset": "veryfast", "g": "250"}),
    Encoding("HEVC", "libx265", "mp4", options={"preset": "ultrafast", "x265-params": "log-level=none:keyint=250"}),
    Encoding("VP9", "libvpx-vp9", "webm", options={"deadline": "realtime", "cpu-used": "8", "b": "6M"}),
    Encoding("AV1", "libsvtav1", "mp4", options={"preset": "12", "crf": "35"}),
    Encoding("MPEG-4", "mpeg4", "mp4", options={"b": "12M", "g": "250", "bf": "2"}),
    Encoding("MPEG-2, TS", "mpeg2video", "ts", options={"b": "20M", "g": "15", "bf": "2"}),
    Encoding("MJPEG", "mjpeg", "avi", "yuvj420p", {"b": "60M"}),
)


def encode(clip: Path, encoding: Encoding, folder: Path) -> Path | None:
    """The clip's first frames in another codec; None if this build of PyAV lacks the encoder."""
    path = folder / f"{encoding.codec}-{encoding.pixel_format}.{encoding.suffix}"
    try:
        with av.open(str(clip)) as source, av.open(str(path), "w") as output:
            stream = output.add_stream(encoding.codec, rate=30, options=encoding.options)
            size = source.streams.video[0].codec_context
            stream.width, stream.height, stream.pix_fmt = size.width, size.height, encoding.pixel_format
            stream.codec_context.time_base = Fraction(1, 30)
            for number, frame in enumerate(source.decode(video=0)):
                if number == FRAMES:
                    break
                converted = frame.reformat(format=encoding.pixel_format)
                converted.pts, converted.time_base = number, Fraction(1, 30)
                output.mux(stream.encode(converted))
            output.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError):
        return None
    finally:
        if hasattr(os, "sched_setscheduler"):
            # SVT-AV1 leaves the encoding thread with real-time priority.
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return path


class CheckedReader:
    """iouviewer's reader with the index from a decode of the whole file."""

    def __init__(self, index: VideoIndex) -> None:
        self._index = index

    def sequential(self, path: Path, count: int) -> None:
        reader = open_video(path)
        assert isinstance(reader, VideoReader)
        reader.use_index(self._index)
        for frame in range(count):
            reader.read(frame)
        reader.close()


def measure(path: Path, readers: Mapping[str, SequentialReader]) -> dict[str, tuple[float, float]]:
    """By reader: best frames per second, and median ratio to OpenCV over the rounds (nan without OpenCV support)."""
    reader = open_video(path)
    assert isinstance(reader, VideoReader)
    checked_index = run_decode_check(path, reader.index)
    reader.close()
    assert checked_index is not None
    contenders = {**readers, CHECKED: CheckedReader(checked_index)}
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, contender in contenders.items():
            try:
                seconds = scrubbing.timed(contender.sequential, path, FRAMES)
                rates[name].append(FRAMES / seconds)
            except OSError:
                rates[name].append(float("nan"))
    ratios = {
        name: statistics.median(a / b for a, b in zip(values, rates["OpenCV"], strict=True))
        for name, values in rates.items()
    }
    return {name: (max(values), ratios[name]) for name, values in rates.items()}


def table(clip: Path, folder: Path, readers: Mapping[str, SequentialReader]) -> str:
    """Markdown table with one row per codec; ``readers`` are iouviewer, OpenCV and PyAV by name."""
    lines = [
        "| codec | iouviewer, frames/s | of OpenCV | checked | of OpenCV | OpenCV | PyAV |",
        "| --- |" + " ---: |" * 6,
    ]
    for encoding in ENCODINGS:
        path = encode(clip, encoding, folder)
        if path is None:
            continue
        rates = measure(path, readers)
        values = [*rates["iouviewer"], *rates[CHECKED], rates["OpenCV"][0], rates["PyAV"][0]]
        cells = [_cell(value, decimals=2 if column in (1, 3) else 0) for column, value in enumerate(values)]
        lines.append(f"| {encoding.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: float, *, decimals: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{decimals}f}"
