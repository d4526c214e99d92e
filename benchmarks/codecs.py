"""Reading in sequence, by codec: iouviewer with and without a proven index, beside OpenCV and PyAV, at 1080p."""

from __future__ import annotations

import math
import os
import statistics
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av

from benchmarks import scrubbing
from iouviewer.video import open_video
from iouviewer.video.decode_check import confirm_index
from iouviewer.video.index import VideoIndex
from iouviewer.video.reader import VideoReader

ROUNDS = 5
PICTURES = 300


PROVEN = "iouviewer, proven"


class Sequential(Protocol):
    """Something that reads the first ``count`` pictures; OSError where it cannot."""

    def sequential(self, path: Path, count: int) -> None: ...


@dataclass(frozen=True)
class Encoding:
    """How the clip is encoded."""

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


def encoded(clip: Path, encoding: Encoding, folder: Path) -> Path | None:
    """The clip's first pictures in another codec; None where this build of PyAV has no such encoder."""
    path = folder / f"{encoding.codec}-{encoding.pixel_format}.{encoding.suffix}"
    try:
        with av.open(str(clip)) as source, av.open(str(path), "w") as output:
            stream = output.add_stream(encoding.codec, rate=30, options=encoding.options)
            size = source.streams.video[0].codec_context
            stream.width, stream.height, stream.pix_fmt = size.width, size.height, encoding.pixel_format
            stream.codec_context.time_base = Fraction(1, 30)
            for number, frame in enumerate(source.decode(video=0)):
                if number == PICTURES:
                    break
                picture = frame.reformat(format=encoding.pixel_format)
                picture.pts, picture.time_base = number, Fraction(1, 30)
                output.mux(stream.encode(picture))
            output.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError):
        return None
    finally:
        if hasattr(os, "sched_setscheduler"):
            # SVT-AV1 leaves the thread that encoded with the priority of real time.
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return path


class Proven:
    """iouviewer's reader with an index that a decode of the whole file has proven."""

    def __init__(self, index: VideoIndex) -> None:
        self._index = index

    def sequential(self, path: Path, count: int) -> None:
        reader = open_video(path)
        assert isinstance(reader, VideoReader)
        reader.use_index(self._index)
        for frame in range(count):
            reader.read(frame)
        reader.close()


def measure(path: Path, readers: dict[str, Sequential]) -> dict[str, tuple[float, float]]:
    """Best pictures a second, and the median of the rounds' ratios to OpenCV (nan where that cannot), by reader."""
    reader = open_video(path)
    assert isinstance(reader, VideoReader)
    proven = confirm_index(path, reader.index)
    reader.close()
    assert proven is not None
    contenders = readers | {PROVEN: Proven(proven)}
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, one in contenders.items():
            try:
                seconds = scrubbing.timed(lambda one=one: one.sequential(path, PICTURES))  # type: ignore[misc]
                rates[name].append(PICTURES / seconds)
            except OSError:
                rates[name].append(float("nan"))
    ratios = {
        name: statistics.median(a / b for a, b in zip(values, rates["OpenCV"], strict=True))
        for name, values in rates.items()
    }
    return {name: (max(values), ratios[name]) for name, values in rates.items()}


def table(clip: Path, folder: Path, readers: dict[str, Sequential]) -> str:
    """Markdown: a row a codec; ``readers`` are iouviewer, OpenCV and PyAV by name."""
    lines = [
        "| codec | iouviewer, frames/s | of OpenCV | proven | of OpenCV | OpenCV | PyAV |",
        "| --- |" + " ---: |" * 6,
    ]
    for encoding in ENCODINGS:
        path = encoded(clip, encoding, folder)
        if path is None:
            continue
        found = measure(path, readers)
        cells = [*found["iouviewer"], *found[PROVEN], found["OpenCV"][0], found["PyAV"][0]]
        shown = [_cell(cell, decimals=2 if place in (1, 3) else 0) for place, cell in enumerate(cells)]
        lines.append(f"| {encoding.name} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _cell(value: float, *, decimals: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{decimals}f}"
