"""Sequential, next, previous and random reads and their exactness, compared with other readers.

``python -m benchmarks video [FILE ...] [--frames N] [--json PATH]``: without files, a real clip (if available) and
generated 1080p and 4K H.264 with 250 frames between keyframes. Readers take turns, so load from other programs affects
all of them. Reported are the best rate of the rounds and the median ratio to OpenCV over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
import numpy as np

from benchmarks import codecs, scrubbing
from iouviewer.video import open_video
from tools.make_long_video import encode_groups, make_long_video

ROUNDS = 5
MEMORY = scrubbing.MEMORY

_SEQUENTIAL_FRAMES = 750, 100
"""Frames read in sequence: of clips up to ``_WIDE`` pixels in width, of wider ones."""

_WIDE = 2000


class Contender(Protocol):
    """A reader under test; ``read`` returns an array that may be reused."""

    name: str

    def sequential(self, path: Path, count: int) -> None: ...

    def open(self, path: Path) -> None: ...

    def read(self, frame: int) -> Any: ...

    def close(self) -> None: ...


class Iouviewer:
    """iouviewer's reader as used for models (B, G, R)."""

    name = "iouviewer"

    def sequential(self, path: Path, count: int) -> None:
        reader = open_video(path)
        for frame in range(count):
            reader.read(frame)
        reader.close()

    def open(self, path: Path) -> None:
        self.reader = open_video(path, memory=MEMORY)

    def read(self, frame: int) -> Any:
        return self.reader.read(frame)

    def close(self) -> None:
        self.reader.close()


class IouviewerScreen(Iouviewer):
    """iouviewer's reader as used for display (B, G, R, X; colours as declared by the stream)."""

    name = "iouviewer, screen"

    def sequential(self, path: Path, count: int) -> None:
        reader = open_video(path)
        for frame in range(count):
            reader.read_display(frame)
        reader.close()

    def read(self, frame: int) -> Any:
        return self.reader.read_display(frame).pixels


class OpenCv:
    """cv2.VideoCapture with CAP_PROP_POS_FRAMES."""

    name = "OpenCV"

    def sequential(self, path: Path, count: int) -> None:
        capture = cv2.VideoCapture(str(path))
        for _ in range(count):
            if not capture.read()[0]:
                raise OSError("OpenCV does not decode this")
        capture.release()

    def open(self, path: Path) -> None:
        self.capture = cv2.VideoCapture(str(path))
        self.next = 0

    def read(self, frame: int) -> Any:
        if frame != self.next:
            self.capture.set(cv2.CAP_PROP_POS_FRAMES, frame)
        self.next = frame + 1
        return self.capture.read()[1]

    def close(self) -> None:
        self.capture.release()


class PlainPyav:
    """PyAV with the seek of its documentation: by time from the average rate."""

    name = "PyAV"

    def sequential(self, path: Path, count: int) -> None:
        with av.open(str(path)) as container:
            container.streams.video[0].thread_type = "AUTO"
            for number, frame in enumerate(container.decode(video=0), start=1):
                frame.to_ndarray(format="bgr24")
                if number >= count:
                    return

    def open(self, path: Path) -> None:
        self.container = av.open(str(path))
        self.stream = self.container.streams.video[0]
        self.stream.thread_type = "AUTO"
        self.frames, self.next = self.container.decode(video=0), 0

    def read(self, frame: int) -> Any:
        rate, base = self.stream.average_rate, self.stream.time_base
        target = int(frame / rate / base) + (self.stream.start_time or 0)
        if frame != self.next:
            self.container.seek(target, stream=self.stream)
            self.frames = self.container.decode(video=0)
        self.next = frame + 1
        for decoded in self.frames:
            if decoded.pts is None or decoded.pts >= target:
                return decoded.to_ndarray(format="bgr24")
        return None

    def close(self) -> None:
        self.container.close()


class Decord:
    """decord2's VideoReader."""

    name = "decord2"

    def sequential(self, path: Path, count: int) -> None:
        import decord

        reader = decord.VideoReader(str(path))
        for frame in range(min(count, len(reader))):
            reader[frame].asnumpy()

    def open(self, path: Path) -> None:
        import decord

        self.reader = decord.VideoReader(str(path))

    def read(self, frame: int) -> Any:
        return self.reader[frame].asnumpy()[..., ::-1]

    def close(self) -> None:
        del self.reader


def contenders() -> list[Contender]:
    """The installed readers."""
    installed: list[Contender] = [Iouviewer(), IouviewerScreen(), OpenCv(), PlainPyav()]
    try:
        import decord
    except ImportError:
        return installed
    del decord
    return [*installed, Decord()]


def reference_thumbnails(path: Path) -> list[Any]:
    """A small grey thumbnail of every frame from a single-threaded decode."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_type = "NONE"
        return [thumbnail(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def thumbnail(image: Any) -> Any:
    """(36, 64) float32."""
    small = cv2.resize(image[..., :3], (64, 36), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_BGR2GRAY).astype(np.float32)


def most_similar(image: Any, references: list[Any], around: int) -> int:
    """Number of the frame within 60 of ``around`` whose thumbnail is most similar to the image."""
    span = range(max(0, around - 60), min(len(references), around + 60))
    small = thumbnail(image)
    return min(span, key=lambda frame: float(np.abs(references[frame] - small).mean()))


def measure(path: Path, count: int, references: list[Any]) -> dict[str, dict[str, float]]:
    """Per reader: sequential frames per second; milliseconds of next, previous, ±5 and random reads; wrong frames."""
    readers = contenders()
    results: dict[str, dict[str, float]] = {reader.name: {} for reader in readers}
    rates: dict[str, list[float]] = {reader.name: [] for reader in readers}
    for _ in range(ROUNDS):
        for reader in readers:
            seconds = scrubbing.timed(reader.sequential, path, count)
            rates[reader.name].append(count / seconds)
    for name, measured in rates.items():
        results[name]["sequential"] = max(measured)
        # Compare within a round, because load from other programs affects both readers.
        ratios = [rate / reference for rate, reference in zip(measured, rates["OpenCV"], strict=True)]
        results[name]["of OpenCV"] = statistics.median(ratios)
    generator = random.Random(1)
    middle = max(12, min(len(references) - 40, int(len(references) * 0.8)))
    plans = {
        "next": [middle + step for step in range(20)],
        "previous": [middle - step for step in range(12)],
        "within 5": [middle + generator.randrange(-5, 6) for _ in range(16)],
        "random": [generator.randrange(len(references)) for _ in range(10)],
    }
    for reader in readers:
        reader.open(path)
        wrong = read = 0
        for name, frames in plans.items():
            reader.read(frames[0])
            times = []
            for frame in frames[1:]:
                started = time.perf_counter()
                image = reader.read(frame)
                times.append(1000 * (time.perf_counter() - started))
                read += 1
                wrong += image is None or most_similar(image, references, frame) != frame
            results[reader.name][name] = statistics.median(times)
        results[reader.name] |= {"wrong": wrong, "read": read}
        reader.close()
    return results


def measure_parts(path: Path, references: list[Any]) -> dict[str, dict[str, float]]:
    """Interactive latencies of iouviewer, by part."""
    parts = {
        "opening": scrubbing.opening(path),
        "keyframes": scrubbing.keyframes(path),
        "scrubbing": scrubbing.scrubbing(path),
        "proxies": scrubbing.proxies(
            path, references, lambda pixels, frame: most_similar(pixels, references, frame) == frame
        ),
    }
    if len(references) > 2 * scrubbing.RATE:
        parts["reverse at 30 FPS"] = scrubbing.reverse(path)
    return parts


def table(results: dict[str, dict[str, float]]) -> str:
    """Markdown table of the readers."""
    lines = [
        "| reader | sequential, frames/s | of OpenCV | next, ms | previous, ms | within 5, ms | random, ms | wrong |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in results.items():
        lines.append(
            f"| {name} | {row['sequential']:.0f} | {row['of OpenCV']:.2f} | {row['next']:.1f} "
            f"| {row['previous']:.1f} | {row['within 5']:.1f} | {row['random']:.0f} "
            f"| {row['wrong']:.0f} of {row['read']:.0f} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """One line about machine and library versions."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, OpenCV {cv2.__version__}, "
        f"PyAV {av.__version__}, NumPy {np.__version__}"
    )


def real_clip() -> list[Path]:
    """The real clip, if the development data is available."""
    folder = os.environ.get("IOUVIEWER_SHARED_DATA")
    root = Path(folder) if folder else Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    return [path for path in [root / "pets09" / "vtest.avi"] if path.is_file()]


def table_of_parts(clips: dict[str, dict[str, dict[str, float]]]) -> str:
    """Markdown table with one column per clip and one row per value."""
    parts = list(dict.fromkeys(part for clip in clips.values() for part in clip))
    lines = [f"| {' | '.join(['milliseconds unless stated', *clips])} |", f"| --- |{' ---: |' * len(clips)}"]
    for part in parts:
        names = dict.fromkeys(name for clip in clips.values() for name in clip.get(part, {}))
        for name in names:
            cells = [clip.get(part, {}).get(name) for clip in clips.values()]
            shown = ["" if cell is None else f"{cell:.1f}".removesuffix(".0") for cell in cells]
            lines.append(f"| {part}: {name} | {' | '.join(shown)} |")
    return "\n".join(lines)


def generated(folder: Path, frames: int) -> dict[str, Path]:
    """The generated clips by name, each with ``frames`` frames in groups of 250."""
    groups = max(1, frames // 250)
    hd, ordinary, uhd, many = (folder / f"{name}.mp4" for name in ("1080p-rich", "1080p", "4k-rich", "3000"))
    encode_groups(hd, size=(1920, 1080), groups=groups)
    encode_groups(ordinary, size=(1920, 1080), groups=groups, detail=0.2)
    make_long_video(uhd, frames=250 * groups, size=(3840, 2160), groups=1)
    make_long_video(many, frames=3000, size=(1920, 1080), groups=1, detail=0.2)
    return {"1080p, rich in detail": hd, "1080p, ordinary": ordinary, "4K, rich in detail": uhd, "3,000 frames": many}


def main(argv: list[str] | None = None) -> int:
    """Print the tables as Markdown; exit status 1 if iouviewer read a wrong frame."""
    parser = argparse.ArgumentParser(prog="benchmarks video", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="videos to measure instead of the default ones")
    parser.add_argument("--frames", type=int, default=750, help="frames of each generated clip, in groups of 250")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    arguments = parser.parse_args(argv)
    print(machine())
    everything: dict[str, Any] = {"machine": machine()}
    parts: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("IOUVIEWER_HOME", folder)
        clips = {path.name: path for path in arguments.files or real_clip()}
        many = None
        if not arguments.files:
            clips |= generated(Path(folder), arguments.frames)
            many = clips.pop("3,000 frames")
        wrong = 0.0
        for name, path in clips.items():
            references = reference_thumbnails(path)
            results = measure(
                path, min(len(references), _SEQUENTIAL_FRAMES[open_video(path).size[0] > _WIDE]), references
            )
            parts[name] = measure_parts(path, references)
            everything[name] = {"readers": results, "iouviewer": parts[name]}
            wrong += results["iouviewer"]["wrong"] + results["iouviewer, screen"]["wrong"]
            wrong += parts[name]["proxies"]["wrong"]
            print(f"\n### {name}, {len(references)} frames\n\n{table(results)}")
            sys.stdout.flush()
        if many is not None:
            parts["1080p, 3,000 frames"] = {"opening": scrubbing.opening(many)}
            everything["3,000 frames"] = {"iouviewer": parts["1080p, 3,000 frames"]}
            readers = {reader.name: reader for reader in (Iouviewer(), OpenCv(), PlainPyav())}
            by_codec = codecs.table(clips["1080p, ordinary"], Path(folder), readers)
            print(f"\n### By codec, 1080p, {codecs.FRAMES} frames\n\n{by_codec}")
    print(f"\n### Opening, scrubbing, reverse\n\n{table_of_parts(parts)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
