"""Key frames for showing something at once: one decoded when it is asked for, many kept small ahead of need."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.video.checksum import check_sum
from iouviewer.video.colour import Converter, Pixels
from iouviewer.video.decoder import Decoder
from iouviewer.video.facts import StreamFacts
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.frame_cache import Held
from iouviewer.video.index import Int64, VideoIndex
from iouviewer.video.jpeg import LONG_SIDE, pack, unpack
from iouviewer.video.seek_points import is_no_start

_log = logging.getLogger(__name__)

_SHORTEST_GROUP = 8
"""Pictures between key frames, on average, from which on keeping key frames pays."""

_FIRST_GUESS = 80e-9
"""Seconds a byte of a key frame takes to decode, before one was decoded: ample bits of H.264 on one core."""

_SECONDS_A_PIXEL = 1e-9
"""What a key frame takes besides its bits."""


@dataclass(frozen=True, slots=True)
class KeyPicture:
    """A key frame, the number of the picture that it is, and its checksum."""

    number: int
    held: Held
    check: int


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key frame in memory: its number, the picture as JPEG, the checksum of the whole picture, whether it is surely
    right, whether it is interlaced."""

    number: int
    body: bytes
    check: int
    sure: bool
    woven: bool

    def pixels(self) -> Pixels | None:
        """(h, w, 4) uint8 B, G, R, unused; None where the bytes do not open."""
        return unpack(self.body)


class KeyFrames:
    """Key frames of one file, by packet. Owned by one thread; a thread of its own fills the memory while that is idle.

    ``room``: bytes that kept pictures may take, 0 to keep none. ``rotation``: degrees clockwise. ``stamp``: the file
    that is to stand there.
    """

    def __init__(self, path: Path, room: int, rotation: int = 0, stamp: FileStamp | None = None) -> None:
        self._path = path
        self._rotation = rotation
        self._decoder = Decoder(path, threads=1, stamp=stamp)
        self._shared = Decoder(path, threads=1, sliced=True, stamp=stamp)
        self._background = Decoder(path, threads=1, stamp=stamp)
        self.room = room
        self._kept: dict[int, KeptKey] = {}
        self._used = 0
        self._seconds_a_byte = _FIRST_GUESS
        self._lock = threading.Lock()
        self._wanted: tuple[VideoIndex, int] | None = None
        self._running = False
        self._thread: ThreadPoolExecutor | None = None
        self._job: Future[None] | None = None

    # -- for the owner -------------------------------------------------------------------------------------------

    @property
    def used(self) -> int:
        """Bytes of kept pictures."""
        return self._used

    def kept(self, packet: int) -> KeptKey | None:
        """The small picture of a key frame, None where it is not there yet."""
        with self._lock:
            return self._kept.get(packet)

    def nearest(self, frame: int) -> KeptKey | None:
        """The kept key frame whose number is nearest, None where none is kept."""
        with self._lock:
            return min(self._kept.values(), key=lambda key: abs(key.number - frame), default=None)

    def seconds_for(self, index: VideoIndex, packet: int) -> float:
        """How long ``decode`` will take, by what others took for their bytes."""
        return self._seconds_a_byte * float(index.packets.size[packet]) + _SECONDS_A_PIXEL * self._pixels(index)

    def decode(self, index: VideoIndex, packet: int) -> KeyPicture | None:
        """The whole picture of a key frame, None where it does not decode.

        Where the last one had several slices, all cores share them; such a picture is sure only by its checksum.
        """
        began = time.perf_counter()
        found = _decoded(self._shared, index, packet, told=False) if self._decoder.slices > 1 else None
        found = found or _decoded(self._decoder, index, packet)
        self._learn(index, packet, time.perf_counter() - began)
        return found

    def _learn(self, index: VideoIndex, packet: int, seconds: float) -> None:
        for_bits = max(0.0, seconds - _SECONDS_A_PIXEL * self._pixels(index))
        self._seconds_a_byte += 0.3 * (for_bits / max(1.0, float(index.packets.size[packet])) - self._seconds_a_byte)

    @staticmethod
    def _pixels(index: VideoIndex) -> int:
        return index.facts.size[0] * index.facts.size[1] if index.facts is not None else 0

    def near(self, stamp: int, facts: StreamFacts) -> Any:
        """PyAV's picture of the first key frame after a seek to a time stamp, without an index."""
        return self._decoder.near(stamp, facts)

    def fill(self, index: VideoIndex, centre: int) -> None:
        """Begin to keep key frames, those near to a picture and some from all over the file, until ``halt``."""
        few_pictures = index.frame_count < _SHORTEST_GROUP * max(1, len(index.key_frames))
        if not self.room or not index.complete or few_pictures:
            return
        with self._lock:
            self._wanted = index, centre
            if self._running:
                return
            self._running = True
            if self._thread is None:
                self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="key frames")
            self._job = self._thread.submit(self._run)

    def halt(self) -> None:
        """Begin no further key frame: the user waits for something else."""
        self._wanted = None

    def wait(self) -> None:
        """Wait until all wanted key frames are kept, or the one under way is where ``halt`` was called."""
        if self._job is not None:
            self._job.result()

    def use_index(self, index: VideoIndex) -> None:
        """Forget what is another picture, or has another number, in a better index of the same file."""
        self.halt()
        self.wait()
        checks = index.checks
        for packet, key in list(self._kept.items()):
            same = index.frame_of(packet) == key.number
            if not same or (len(checks) and int(checks[key.number]) != key.check):
                self._used -= len(self._kept.pop(packet).body)

    def clear(self) -> None:
        """Forget what is kept."""
        self.halt()
        self.wait()
        self._kept.clear()
        self._used = 0

    def close(self) -> None:
        """Forget what is kept, and give back the file."""
        self.clear()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
        for decoder in (self._decoder, self._shared, self._background):
            decoder.close()

    # -- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        converter = Converter(self._rotation)
        refused: set[int] = set()
        try:
            while (task := self._next(refused)) is not None:
                index, packet = task
                began = time.perf_counter()
                found = _decoded(self._background, index, packet)
                self._learn(index, packet, time.perf_counter() - began)
                small = None if found is None else _small(found, converter, index)
                if small is None:
                    refused.add(packet)
                    continue
                with self._lock:
                    self._kept[packet] = small
                    self._used += len(small.body)
        except (UserError, OSError):
            self.room = 0  # told when a picture is asked for
        except Exception:  # noqa: BLE001 - who waits for this thread must not end with it; logged with its traceback
            _log.exception("key frames of %s are kept no more", self._path)
            self.room = 0
        finally:
            self._background.close()  # its pictures are no small thing at 4K, and opening again is quick
            with self._lock:
                self._running = False

    def _next(self, refused: set[int]) -> tuple[VideoIndex, int] | None:
        """The most useful key frame that is missing, after those that do not fit have made room."""
        with self._lock:
            wanted = self._wanted
            if wanted is None:
                self._running = False
                return None
            index, centre = wanted
            packets = self._useful(index, centre)
            for packet in self._kept.keys() - set(packets):
                self._used -= len(self._kept.pop(packet).body)
            missing = next((packet for packet in packets if packet not in self._kept and packet not in refused), None)
            if missing is None:
                self._running = False
                return None
            return index, missing

    def _useful(self, index: VideoIndex, centre: int) -> list[int]:
        # Before the first is there its size is not known; afterwards the largest counts.
        each = max((len(kept.body) for kept in self._kept.values()), default=self.room)
        keys = index.key_frames
        return [index.packet_of(int(keys[at])) for at in chosen(keys, centre, self.room // max(1, each))]


def chosen(keys: Int64, centre: int, count: int) -> list[int]:
    """Places in ``keys`` (ascending numbers) of the ``count`` most useful, the most useful first.

    In turns one of those nearest to ``centre`` and one of those that are spread over the whole file, ever more finely,
    so that wherever a hand goes something near is kept.
    """
    nearest = np.argsort(np.abs(keys - centre), kind="stable")[:count].tolist()
    places: dict[int, None] = {}
    for turn, near in enumerate(nearest, start=1):
        places[near] = None
        places[int(len(keys) * _halves(turn))] = None
    return list(places)[:count]


def _halves(number: int) -> float:
    """1/2, 1/4, 3/4, 1/8, 5/8, 3/8, ...: van der Corput's sequence, whose beginnings are spread evenly."""
    bits = bin(number)[:1:-1]
    return int(bits, 2) / 2.0 ** len(bits)


def _decoded(decoder: Decoder, index: VideoIndex, packet: int, *, told: bool = True) -> KeyPicture | None:
    """``told``: the decoder tells of damage, so that a picture without a known checksum can be sure as well."""
    decoded = decoder.only(index, packet)
    number = -1 if decoded is None else index.frame_of(decoded.packet, decoded.repeat)
    if decoded is None or number < 0:
        return None
    if packet and index.facts is not None and is_no_start(decoded.frame, index, index.facts.codec):
        return None
    check = check_sum(decoded.frame)
    agrees = int(index.checks[number]) == check if len(index.checks) else told
    unharmed = not decoded.frame.is_corrupt and not decoder.errors
    return KeyPicture(number, Held(decoded.frame, sure=agrees and unharmed), check)


def _small(whole: KeyPicture, converter: Converter, index: VideoIndex) -> KeptKey | None:
    frame = whole.held.picture
    # Of the video's size, whatever the picture's own is: boxes are drawn in its pixels.
    width, height = index.facts.size if index.facts is not None else (frame.width, frame.height)
    scale = min(1.0, LONG_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    body = pack(converter.screen_picture(frame, size))
    if body is None:
        return None
    return KeptKey(whole.number, body, whole.check, whole.held.sure, bool(frame.interlaced_frame))
