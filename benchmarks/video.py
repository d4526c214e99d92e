"""Sequential, next, previous and random reads, and their exactness, side by side with other readers.

``python -m benchmarks video [FILE ...] [--frames N] [--json PATH]``: without files, the real clip (where it is at hand)
and generated 1080p and 4K H.264 with 250 pictures between key frames. Readers take turns, so that what else the machine
does hits them alike; the best rate of the rounds is told, and the median of the rounds' ratios to OpenCV.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
import numpy as np

from iouviewer.video import open_video
from iouviewer.video.reader import VideoReader

ROUNDS = 5
MEMORY = 512 << 20


class Contender(Protocol):
    """A reader under test; ``read`` gives an array that need not be kept."""

    name: str

    def sequential(self, path: Path, count: int) -> None: ...

    def open(self, path: Path) -> None: ...

    def read(self, frame: int) -> Any: ...

    def close(self) -> None: ...


class Ours:
    """iouviewer's reader, as the model gets pictures."""

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


class OursOnScreen(Ours):
    """iouviewer's reader, as the screen gets pictures (B, G, R, X; colours as the stream says)."""

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
            capture.read()
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
    """PyAV as its documentation seeks: by time from the average rate."""

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
        for picture in self.frames:
            if picture.pts is None or picture.pts >= target:
                return picture.to_ndarray(format="bgr24")
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
    """The readers that are installed."""
    found: list[Contender] = [Ours(), OursOnScreen(), OpenCv(), PlainPyav()]
    try:
        import decord
    except ImportError:
        return found
    del decord
    return [*found, Decord()]


def generate(path: Path, *, size: tuple[int, int], frames: int, gop: int) -> Path:
    """An H.264 clip with B-frames of a texture that drifts under a moving disc and the frame's number."""
    width, height = size
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, ((height + 400) // 4, (width + 400) // 4, 3), dtype=np.uint8)
    field = cv2.resize(coarse, (width + 400, height + 400), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as output:
        options = {"g": str(gop), "keyint_min": str(gop), "sc_threshold": "0", "preset": "veryfast", "crf": "26"}
        stream = output.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames + 1):
            picture = None
            if number < frames:
                x, y = int(200 + 150 * np.sin(number / 40)), int(200 + 150 * np.cos(number / 55))
                image = field[y : y + height, x : x + width].copy()
                cv2.circle(image, ((number * 7) % width, height // 2), height // 12, (0, 0, 255), -1)
                cv2.putText(image, str(number), (50, 200), cv2.FONT_HERSHEY_SIMPLEX, 5, (255, 255, 255), 8)
                picture = av.VideoFrame.from_ndarray(image, "bgr24")
            for packet in stream.encode(picture):
                output.mux(packet)
    return path


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def fingerprints(path: Path) -> list[Any]:
    """A small grey thumbnail of every picture in a plain single-threaded decode."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_type = "NONE"
        return [thumbnail(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def thumbnail(image: Any) -> Any:
    """(36, 64) float32."""
    small = cv2.resize(image[..., :3], (64, 36), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_BGR2GRAY).astype(np.float32)


def nearest(image: Any, known: list[Any], around: int) -> int:
    """Number of the picture within 60 of ``around`` that looks most like this one."""
    span = range(max(0, around - 60), min(len(known), around + 60))
    mine = thumbnail(image)
    return min(span, key=lambda frame: float(np.abs(known[frame] - mine).mean()))


def measure(path: Path, count: int) -> dict[str, dict[str, float]]:
    """Per reader: pictures a second in sequence; milliseconds of next, previous, +-5 and random; wrong of how many."""
    readers = contenders()
    results: dict[str, dict[str, float]] = {reader.name: {} for reader in readers}
    rates: dict[str, list[float]] = {reader.name: [] for reader in readers}
    for _ in range(ROUNDS):
        for reader in readers:
            rates[reader.name].append(count / timed(lambda reader=reader: reader.sequential(path, count)))  # type: ignore[misc]
    for name, measured in rates.items():
        results[name]["sequential"] = max(measured)
        # Rounds are compared one by one: what else the machine does then hits both sides.
        ratios = [mine / theirs for mine, theirs in zip(measured, rates["OpenCV"], strict=True)]
        results[name]["of OpenCV"] = statistics.median(ratios)
    known = fingerprints(path)
    generator = random.Random(1)
    middle = min(len(known) - 40, int(len(known) * 0.8))
    plans = {
        "next": [middle + step for step in range(20)],
        "previous": [middle - step for step in range(12)],
        "within 5": [middle + generator.randrange(-5, 6) for _ in range(16)],
        "random": [generator.randrange(len(known)) for _ in range(10)],
    }
    for reader in readers:
        reader.open(path)
        wrong = asked = 0
        for name, frames in plans.items():
            reader.read(frames[0])
            times = []
            for frame in frames[1:]:
                began = time.perf_counter()
                image = reader.read(frame)
                times.append(1000 * (time.perf_counter() - began))
                asked += 1
                wrong += image is None or nearest(image, known, frame) != frame
            results[reader.name][name] = statistics.median(times)
        results[reader.name] |= {"wrong": wrong, "asked": asked}
        reader.close()
    return results


def scrub(path: Path, reader: VideoReader, size: tuple[int, int]) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds until something shows at random places, by turns: nothing kept, key frames kept, OpenCV."""
    generator = random.Random(2)
    capture = cv2.VideoCapture(str(path))
    fresh = open_video(path, memory=MEMORY)
    assert isinstance(fresh, VideoReader)
    reader.read_display(0, size)
    while reader.prefetch():
        pass
    reader.wait_for_key_frames()
    cold, kept, seeks = [], [], []
    for step in range(30):
        # Sizes differ, so that no converted picture is shown a second time.
        fitted = (size[0] + 2 * step, size[1] + 2 * step)
        # Not among the pictures that were fetched ahead, where the clip is long enough.
        frame = generator.randrange(min(30, reader.frame_count - 1), reader.frame_count)
        fresh.forget_pictures()
        cold.append(1000 * timed(lambda frame=frame, fitted=fitted: fresh.read_preview(frame, fitted)))  # type: ignore[misc]
        kept.append(1000 * timed(lambda frame=frame, fitted=fitted: reader.read_preview(frame, fitted)))  # type: ignore[misc]
        began = time.perf_counter()
        capture.set(cv2.CAP_PROP_POS_FRAMES, frame)
        capture.read()
        seeks.append(1000 * (time.perf_counter() - began))
    capture.release()
    fresh.close()
    return cold, kept, seeks


def spread(name: str, times: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {f"{name}, median": statistics.median(times), f"{name}, p95": float(np.percentile(times, 95))}


def measure_ours(path: Path) -> dict[str, float]:
    """Opening, scrubbing next to OpenCV's seeks, backwards at 30 pictures a second, milliseconds."""
    open_video(path).close()
    opening = 1000 * min(timed(lambda: open_video(path).close()) for _ in range(3))
    reader = open_video(path, memory=MEMORY)
    assert isinstance(reader, VideoReader)
    size = (1280, 720)
    cold, kept, seeks = scrub(path, reader, size)
    start = reader.frame_count - 1
    reader.read_display(start, size)
    waits = []
    for frame in range(start - 1, max(start - 300, 0), -1):
        began = time.perf_counter()
        reader.read_display(frame, size, allow_reduced=True)
        waits.append(1000 * (time.perf_counter() - began))
        while time.perf_counter() - began < 1 / 30 and reader.prefetch():
            pass
        time.sleep(max(0.0, 1 / 30 - (time.perf_counter() - began)))
    used = reader.memory_used / (1 << 20)
    reader.close()
    return {
        "open with kept index": opening,
        **spread("preview, key frame to be decoded", cold),
        **spread("preview, key frame kept", kept),
        **spread("OpenCV's seek to the same pictures", seeks),
        "backwards at 30/s, median": statistics.median(waits),
        "backwards at 30/s, longest": max(waits),
        "memory, MiB": used,
    }


def table(results: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    lines = [
        "| reader | sequential, frames/s | of OpenCV | next, ms | previous, ms | within 5, ms | random, ms | wrong |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in results.items():
        lines.append(
            f"| {name} | {row['sequential']:.0f} | {row['of OpenCV']:.2f} | {row['next']:.1f} "
            f"| {row['previous']:.1f} | {row['within 5']:.1f} | {row['random']:.0f} "
            f"| {row['wrong']:.0f} of {row['asked']:.0f} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """One line on where the numbers come from."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, OpenCV {cv2.__version__}, "
        f"PyAV {av.__version__}, NumPy {np.__version__}"
    )


def real_clip() -> list[Path]:
    """The real clip, where the development data is at hand."""
    folder = os.environ.get("IOUVIEWER_SHARED_DATA")
    root = Path(folder) if folder else Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    return [path for path in [root / "pets09" / "vtest.avi"] if path.is_file()]


def main(argv: list[str] | None = None) -> int:
    """Print the tables as Markdown; 1 where iouviewer showed a wrong picture."""
    parser = argparse.ArgumentParser(prog="benchmarks video", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="videos to measure instead of the usual ones")
    parser.add_argument("--frames", type=int, default=500, help="pictures of the generated 1080p clip (4K: a fifth)")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    arguments = parser.parse_args(argv)
    print(machine())
    everything: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("IOUVIEWER_HOME", folder)
        files = arguments.files or real_clip()
        if not arguments.files:
            hd = generate(Path(folder) / "1080p.mp4", size=(1920, 1080), frames=arguments.frames, gop=250)
            uhd = generate(Path(folder) / "4k.mp4", size=(3840, 2160), frames=max(arguments.frames // 5, 60), gop=250)
            files = [*files, hd, uhd]
        wrong = 0.0
        for path in files:
            count = open_video(path).frame_count
            results, ours = measure(path, count), measure_ours(path)
            everything[path.name] = {"readers": results, "iouviewer": ours}
            wrong += results["iouviewer"]["wrong"] + results["iouviewer, screen"]["wrong"]
            print(f"\n### {path.name}, {count} frames\n\n{table(results)}\n")
            print("; ".join(f"{name} {value:.1f}" for name, value in ours.items()))
            sys.stdout.flush()
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
