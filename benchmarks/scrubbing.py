"""What a hand on the time line waits for: previews, proxies, playing backwards, opening. Milliseconds throughout."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from iouviewer.video import open_video
from iouviewer.video.decoder import Superseded
from iouviewer.video.index_cache import cached_path
from iouviewer.video.proxy import LONG_SIDE, Proxy
from iouviewer.video.reader import VideoReader

MEMORY = 512 << 20
SIZE = (1280, 720)
"""Pixels of the part of the window that shows the video."""

RATE = 30
"""Pictures, or positions of the hand, a second."""


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def spread(name: str, times: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {f"{name}, median": statistics.median(times), f"{name}, p95": float(np.percentile(times, 95))}


def opened(path: Path, memory: int = MEMORY) -> VideoReader:
    """The reader as the window has it."""
    reader = open_video(path, memory=memory)
    assert isinstance(reader, VideoReader)
    return reader


def opening(path: Path) -> dict[str, float]:
    """Opening without and with a kept index, and with it until the first picture is there."""
    reader = opened(path)
    kept = cached_path(reader.fingerprint)
    reader.close()
    first, again, picture = [], [], []
    for _ in range(5):
        kept.unlink(missing_ok=True)
        first.append(1000 * timed(lambda: opened(path).close()))
        again.append(1000 * timed(lambda: opened(path).close()))
        began = time.perf_counter()
        reader = opened(path)
        reader.read_display(0, SIZE)
        picture.append(1000 * (time.perf_counter() - began))
        reader.close()
    return {
        "open, index read": statistics.median(first),
        "open, index kept": statistics.median(again),
        "open, index kept, first picture": statistics.median(picture),
    }


class BareKeyFrame:
    """What the decoder itself takes for a key frame: a context of its own, one thread, one packet, one picture."""

    def __init__(self, path: Path) -> None:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            given = stream.codec_context
            self._name, self._extra, self._size = given.name, given.extradata, (given.width, given.height)
            self.packets = [bytes(packet) for packet in container.demux(stream) if packet.is_keyframe and packet.size]

    def decode(self, number: int) -> None:
        context: Any = av.CodecContext.create(self._name, "r")
        context.extradata = self._extra
        context.width, context.height = self._size
        context.thread_type, context.thread_count = "NONE", 1
        context.decode(av.Packet(self.packets[number]))
        context.decode(None)


def key_frames(path: Path) -> dict[str, float]:
    """By turns: a preview with nothing kept, the bare decoding of its key frame, OpenCV's seek to the same picture."""
    reader, bare, capture = opened(path), BareKeyFrame(path), cv2.VideoCapture(str(path))
    keys = reader.index.key_frames
    generator = random.Random(2)
    ours, limit, seeks = [], [], []
    reader.read_preview(0, SIZE)
    for step in range(24):
        frame = generator.randrange(1, reader.frame_count)
        number = int(np.searchsorted(keys, frame, side="right")) - 1
        reader.forget_pictures()
        ours.append(1000 * timed(lambda frame=frame: reader.read_preview(frame, SIZE)))  # type: ignore[misc]
        limit.append(1000 * timed(lambda number=number: bare.decode(number)))  # type: ignore[misc]
        if step < 12:
            capture.set(cv2.CAP_PROP_POS_FRAMES, frame)
            began = time.perf_counter()
            capture.set(cv2.CAP_PROP_POS_FRAMES, frame)
            capture.read()
            seeks.append(1000 * (time.perf_counter() - began))
    capture.release()
    reader.close()
    return {
        "kB a key frame": statistics.mean(len(packet) for packet in bare.packets) / 1000,
        **spread("key frame, nothing kept", ours),
        **spread("bare decoder, one thread", limit),
        "ratio to the bare decoder": statistics.median(a / b for a, b in zip(ours, limit, strict=True)),
        **spread("OpenCV's seek", seeks),
    }


def hand(count: int, positions: int) -> Iterator[int]:
    """Where a hand is that sweeps over the whole video, faster and slower, and jumps now and then."""
    generator = random.Random(3)
    for step in range(positions):
        if step % 20 == 19:
            yield generator.randrange(count)
        else:
            yield int((0.5 - 0.5 * np.cos(step / 25)) * (count - 1))


def scrubbing(path: Path, *, rest: float = 2.0) -> dict[str, float]:
    """A hand 30 times a second, two seconds after opening: how long until something new shows, and how far it is off.

    As in the window: a picture at once, a nearer one where there is one, then the exact one until the hand moves on.
    """
    reader = opened(path)
    reader.read_display(0, SIZE)
    until = time.perf_counter() + rest
    while time.perf_counter() < until:
        if not reader.prefetch():
            time.sleep(0.005)
    waits, off, exact = [], [], 0
    for frame in hand(reader.frame_count, 120):
        began = time.perf_counter()
        deadline = began + 1 / RATE
        shown = iter(reader.previews(frame, SIZE))
        first = next(shown)
        waits.append(1000 * (time.perf_counter() - began))
        off.append(abs(first.frame - frame))
        try:
            while time.perf_counter() < deadline and next(shown, None) is not None:
                pass
            reader.read_display(frame, SIZE, cancelled=lambda deadline=deadline: time.perf_counter() > deadline)  # type: ignore[misc]
            exact += 1
        except Superseded:
            pass
        time.sleep(max(0.0, deadline - time.perf_counter()))
    settled = 1000 * timed(lambda: reader.read_display(_middle_of_a_group(reader), SIZE))
    used = reader.memory_used / (1 << 20)
    reader.close()
    return {
        **spread("a picture shows", waits),
        "longest": max(waits),
        "frames it is off, median": statistics.median(off),
        "exact before the hand moves on, %": 100 * exact / len(waits),
        "exact when the hand rests": settled,
        "memory, MiB": used,
    }


def _middle_of_a_group(reader: VideoReader) -> int:
    first, end = reader.index.group_of(reader.frame_count * 2 // 5)
    return (first + end) // 2


def proxies(path: Path, known: list[Any], same: Callable[[Any, int], bool]) -> dict[str, float]:
    """Building small copies of a group's pictures, and fetching them in any order. ``same(pixels, frame)`` judges."""
    reader = opened(path, 48 << 20)
    first, end = reader.index.group_of(len(known) // 2)
    frames = list(range(first, min(end, first + 120)))
    proxy = Proxy(reader.fingerprint, "0" * 32, stamp=reader.stamp)
    reader.read_display(frames[0], (LONG_SIDE, LONG_SIDE))
    small = {}
    target = (LONG_SIDE, LONG_SIDE)
    decoding = timed(lambda: small.update({f: reader.read_display(f, target, with_check=True) for f in frames}))
    adding = timed(lambda: [proxy.add(frame, shown.pixels, check=shown.check or 0) for frame, shown in small.items()])
    random.Random(4).shuffle(frames)
    times, wrong = [], 0
    for frame in frames:
        began = time.perf_counter()
        shown = proxy.get(frame, reader.size[0])
        times.append(1000 * (time.perf_counter() - began))
        wrong += shown is None or shown.frame != frame or not same(shown.pixels, frame)
    size = proxy.path.stat().st_size / len(frames)
    proxy.close()
    reader.close()
    return {
        "to decode a picture": 1000 * decoding / len(frames),
        "to pack and write it": 1000 * adding / len(frames),
        "kB each": size / 1000,
        **spread("to fetch", times),
        "wrong": wrong,
        "asked": len(frames),
    }


def backwards(path: Path) -> dict[str, float]:
    """Playing backwards from the end at 30 pictures a second over two borders of groups, as the window does."""
    reader = opened(path)
    start = reader.frame_count - 1
    keys = reader.index.key_frames
    end = max(int(keys[-3]) if len(keys) > 2 else 0, start - 600)
    waits, scales, borders = [], [], 0
    for frame in range(start, end, -1):
        began = time.perf_counter()
        shown = reader.read_display(frame, SIZE, allow_reduced=True)
        waits.append(1000 * (time.perf_counter() - began))
        assert shown.frame == frame
        scales.append(shown.scale * reader.size[0])
        borders += bool(frame in keys)
        while time.perf_counter() - began < 1 / RATE and reader.prefetch():
            pass
        time.sleep(max(0.0, 1 / RATE - (time.perf_counter() - began)))
    reader.close()
    return {
        "pictures": len(waits),
        "borders of groups": borders,
        "start-up wait": waits[0],
        "later waits, median": statistics.median(waits[1:]),
        "later waits, longest": max(waits[1:]),
        "later waits over 100 ms, how many": sum(wait > 100 for wait in waits[1:]),
        "narrowest picture, pixels": min(scales),
    }
