"""Interactive latencies: opening, previews, proxies and playing in reverse. All times in milliseconds."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from iouviewer.video import open_video
from iouviewer.video.conversion import PROXY_LONG_SIDE
from iouviewer.video.decoder import SupersededError
from iouviewer.video.index_cache import index_path
from iouviewer.video.proxy import Proxy
from iouviewer.video.reader import VideoReader

MEMORY = 512 << 20
SIZE = (1280, 720)
"""Size of the canvas in pixels."""

RATE = 30
"""Frames, or scrubbing positions, per second."""


def timed(work: Callable[..., object], *args: object) -> float:
    """Seconds that ``work(*args)`` takes."""
    started = time.perf_counter()
    work(*args)
    return time.perf_counter() - started


def median_and_p95(name: str, times: list[float]) -> dict[str, float]:
    """Rows for the median and the 95th percentile."""
    return {f"{name}, median": statistics.median(times), f"{name}, p95": float(np.percentile(times, 95))}


def open_reader(path: Path, memory: int = MEMORY) -> VideoReader:
    """A reader configured as in the window."""
    reader = open_video(path, memory=memory)
    assert isinstance(reader, VideoReader)
    return reader


def opening(path: Path) -> dict[str, float]:
    """Opening without and with a cached index, and with it up to the first frame."""
    reader = open_reader(path)
    cached_index = index_path(reader.fingerprint)
    reader.close()
    first, again, first_frame = [], [], []
    for _ in range(5):
        cached_index.unlink(missing_ok=True)
        first.append(1000 * timed(lambda: open_reader(path).close()))
        again.append(1000 * timed(lambda: open_reader(path).close()))
        started = time.perf_counter()
        reader = open_reader(path)
        reader.read_display(0, SIZE)
        first_frame.append(1000 * (time.perf_counter() - started))
        reader.close()
    return {
        "open, index built": statistics.median(first),
        "open, index cached": statistics.median(again),
        "open, index cached, first frame": statistics.median(first_frame),
    }


class BareDecoder:
    """The decoder alone: a separate context, one thread, one packet of a keyframe."""

    def __init__(self, path: Path) -> None:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            source = stream.codec_context
            self._name, self._extradata, self._size = source.name, source.extradata, (source.width, source.height)
            self.packets = [bytes(packet) for packet in container.demux(stream) if packet.is_keyframe and packet.size]

    def decode(self, number: int) -> None:
        context: Any = av.CodecContext.create(self._name, "r")
        context.extradata = self._extradata
        context.width, context.height = self._size
        context.thread_type, context.thread_count = "NONE", 1
        context.decode(av.Packet(self.packets[number]))
        context.decode(None)


def keyframes(path: Path) -> dict[str, float]:
    """By turns: a preview with an empty cache, bare decoding of its keyframe, OpenCV's seek to the same frame."""
    reader, bare, capture = open_reader(path), BareDecoder(path), cv2.VideoCapture(str(path))
    keys = reader.index.keyframes
    generator = random.Random(2)
    ours, limit, seeks = [], [], []
    reader.read_preview(0, SIZE)
    for step in range(24):
        frame = generator.randrange(1, reader.frame_count)
        number = int(np.searchsorted(keys, frame, side="right")) - 1
        reader.clear_cache()
        ours.append(1000 * timed(reader.read_preview, frame, SIZE))
        limit.append(1000 * timed(bare.decode, number))
        if step < 12:
            capture.set(cv2.CAP_PROP_POS_FRAMES, frame)
            started = time.perf_counter()
            capture.set(cv2.CAP_PROP_POS_FRAMES, frame)
            capture.read()
            seeks.append(1000 * (time.perf_counter() - started))
    capture.release()
    reader.close()
    return {
        "kB per keyframe": statistics.mean(len(packet) for packet in bare.packets) / 1000,
        **median_and_p95("keyframe, empty cache", ours),
        **median_and_p95("bare decoder, one thread", limit),
        "ratio to the bare decoder": statistics.median(a / b for a, b in zip(ours, limit, strict=True)),
        **median_and_p95("OpenCV's seek", seeks),
    }


def scrub_positions(count: int, positions: int) -> Iterator[int]:
    """Frames of a scrub over the whole video at varying speed, with a jump every 20 positions."""
    generator = random.Random(3)
    for step in range(positions):
        if step % 20 == 19:
            yield generator.randrange(count)
        else:
            yield int((0.5 - 0.5 * np.cos(step / 25)) * (count - 1))


def scrubbing(path: Path, *, rest: float = 2.0) -> dict[str, float]:
    """Scrubbing with 30 positions per second, ``rest`` seconds after opening: time to a preview, and its distance.

    As in the window: a preview at once, a nearer one if available, then the exact frame unless the position changes.
    """
    reader = open_reader(path)
    reader.read_display(0, SIZE)
    until = time.perf_counter() + rest
    while time.perf_counter() < until:
        if not reader.prefetch():
            time.sleep(0.005)
    waits, distances, exact = [], [], 0
    for frame in scrub_positions(reader.frame_count, 120):
        started = time.perf_counter()
        deadline = started + 1 / RATE
        shown = iter(reader.previews(frame, SIZE))
        first = next(shown)
        waits.append(1000 * (time.perf_counter() - started))
        distances.append(abs(first.frame - frame))
        try:
            while time.perf_counter() < deadline and next(shown, None) is not None:
                pass
            reader.read_display(frame, SIZE, cancelled=partial(_is_past, deadline))
            exact += 1
        except SupersededError:
            pass
        time.sleep(max(0.0, deadline - time.perf_counter()))
    exact_at_rest = 1000 * timed(lambda: reader.read_display(_middle_of_a_group(reader), SIZE))
    used = reader.memory_used / (1 << 20)
    reader.close()
    return {
        **median_and_p95("preview", waits),
        "preview, longest": max(waits),
        "distance of the preview in frames, median": statistics.median(distances),
        "exact before the next position, %": 100 * exact / len(waits),
        "exact frame at rest": exact_at_rest,
        "memory, MiB": used,
    }


def _is_past(deadline: float) -> bool:
    return time.perf_counter() > deadline


def _middle_of_a_group(reader: VideoReader) -> int:
    first, end = reader.index.gop_of(reader.frame_count * 2 // 5)
    return (first + end) // 2


def proxies(path: Path, references: list[Any], is_same: Callable[[Any, int], bool]) -> dict[str, float]:
    """Build proxies of a group's frames and read them in random order; ``is_same(pixels, frame)`` checks them."""
    reader = open_reader(path, 48 << 20)
    first, end = reader.index.gop_of(len(references) // 2)
    frames = list(range(first, min(end, first + 120)))
    proxy = Proxy(reader.fingerprint, "0" * 32, stamp=reader.stamp)
    reader.read_display(frames[0], (PROXY_LONG_SIDE, PROXY_LONG_SIDE))
    decoded = {}
    target = (PROXY_LONG_SIDE, PROXY_LONG_SIDE)
    decoding = timed(lambda: decoded.update({f: reader.read_display(f, target, with_checksum=True) for f in frames}))
    adding = timed(
        lambda: [proxy.add(frame, shown.pixels, checksum=shown.checksum or 0) for frame, shown in decoded.items()]
    )
    random.Random(4).shuffle(frames)
    times, wrong = [], 0
    for frame in frames:
        started = time.perf_counter()
        shown = proxy.get(frame, reader.size[0])
        times.append(1000 * (time.perf_counter() - started))
        wrong += shown is None or shown.frame != frame or not is_same(shown.pixels, frame)
    bytes_each = proxy.path.stat().st_size / len(frames)
    proxy.close()
    reader.close()
    return {
        "decode a frame": 1000 * decoding / len(frames),
        "compress and write it": 1000 * adding / len(frames),
        "kB each": bytes_each / 1000,
        **median_and_p95("read", times),
        "wrong": wrong,
        "checked": len(frames),
    }


def reverse(path: Path) -> dict[str, float]:
    """Play in reverse from the end at 30 FPS over two group boundaries, as the window does."""
    reader = open_reader(path)
    start = reader.frame_count - 1
    keys = reader.index.keyframes
    end = max(int(keys[-3]) if len(keys) > 2 else 0, start - 600)
    waits, scales, boundaries = [], [], 0
    for frame in range(start, end, -1):
        started = time.perf_counter()
        shown = reader.read_display(frame, SIZE, allow_reduced=True)
        waits.append(1000 * (time.perf_counter() - started))
        assert shown.frame == frame
        scales.append(shown.scale * reader.size[0])
        boundaries += bool(frame in keys)
        while time.perf_counter() - started < 1 / RATE and reader.prefetch():
            pass
        time.sleep(max(0.0, 1 / RATE - (time.perf_counter() - started)))
    reader.close()
    return {
        "frames": len(waits),
        "group boundaries": boundaries,
        "start-up wait": waits[0],
        "later waits, median": statistics.median(waits[1:]),
        "later waits, longest": max(waits[1:]),
        "number of later waits over 100 ms": sum(wait > 100 for wait in waits[1:]),
        "smallest width, pixels": min(scales),
    }
