"""Key frames for showing something at once: one decoded when it is asked for, many kept small ahead of need."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.video.colour import Converter, check_sum, frame_bytes
from iouviewer.video.decoder import Decoder
from iouviewer.video.facts import StreamFacts
from iouviewer.video.index import VideoIndex
from iouviewer.video.ring import Held

_LONG_SIDE = 960
"""Pixels to which the longer side of a kept key frame is reduced."""

_SHORTEST_GROUP = 8
"""Pictures between key frames, on average, from which on keeping key frames pays."""


@dataclass(frozen=True, slots=True)
class KeyPicture:
    """A key frame and the number of the picture that it is."""

    number: int
    held: Held


class KeyFrames:
    """Key frames of one file, by packet. Owned by one thread; a thread of its own fills the memory while that is idle.

    ``room``: bytes that kept pictures may take, 0 to keep none.
    """

    def __init__(self, path: Path, room: int) -> None:
        self._path = path
        self._decoder = Decoder(path, threads=1)
        self._background = Decoder(path, threads=1)
        self.room = room
        self._kept: dict[int, KeyPicture] = {}
        self._lock = threading.Lock()
        self._wanted: tuple[VideoIndex, int] | None = None
        self._running = False
        self._thread: ThreadPoolExecutor | None = None
        self._job: Future[None] | None = None

    # -- for the owner -------------------------------------------------------------------------------------------

    @property
    def used(self) -> int:
        """Bytes of kept pictures."""
        with self._lock:
            return sum(kept.held.size for kept in self._kept.values())

    def kept(self, packet: int) -> KeyPicture | None:
        """The small picture of a key frame, None where it is not there yet."""
        with self._lock:
            return self._kept.get(packet)

    def decode(self, index: VideoIndex, packet: int) -> KeyPicture | None:
        """The whole picture of a key frame, None where it does not decode."""
        return _decoded(self._decoder, index, packet)

    def near(self, stamp: int, facts: StreamFacts) -> Any:
        """PyAV's picture of the first key frame after a seek to a time stamp, without an index."""
        return self._decoder.near(stamp, facts)

    def fill(self, index: VideoIndex, centre: int) -> None:
        """Begin to keep the key frames nearest to a picture, until ``halt``."""
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

    def clear(self) -> None:
        """Forget what is kept."""
        self.halt()
        self.wait()
        self._kept.clear()

    def close(self) -> None:
        """Forget what is kept, and give back the file."""
        self.clear()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
        self._decoder.close()
        self._background.close()

    # -- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        converter = Converter()
        refused: set[int] = set()
        try:
            while (task := self._next(refused)) is not None:
                index, packet = task
                found = _decoded(self._background, index, packet)
                if found is None:
                    refused.add(packet)
                    continue
                small = _small(found, converter)
                with self._lock:
                    self._kept[packet] = small
        except (UserError, OSError):
            self.room = 0  # told when a picture is asked for
        finally:
            with self._lock:
                self._running = False

    def _next(self, refused: set[int]) -> tuple[VideoIndex, int] | None:
        """The nearest key frame that is missing, after those too far away have made room."""
        with self._lock:
            wanted = self._wanted
            if wanted is None:
                self._running = False
                return None
            index, centre = wanted
            packets = self._nearest(index, centre)
            for packet in self._kept.keys() - set(packets):
                del self._kept[packet]
            missing = next((packet for packet in packets if packet not in self._kept and packet not in refused), None)
            if missing is None:
                self._running = False
                return None
            return index, missing

    def _nearest(self, index: VideoIndex, centre: int) -> list[int]:
        keys = index.key_frames
        # Before the first is there its size is not known; afterwards the largest counts.
        each = max((kept.held.size for kept in self._kept.values()), default=self.room)
        nearest = np.argsort(np.abs(keys - centre), kind="stable")[: self.room // max(1, each)]
        return [index.packet_of(int(keys[at])) for at in nearest]


def _decoded(decoder: Decoder, index: VideoIndex, packet: int) -> KeyPicture | None:
    decoded = decoder.only(index, packet)
    number = -1 if decoded is None else index.frame_of(decoded.packet, decoded.repeat)
    if decoded is None or number < 0:
        return None
    agrees = not len(index.checks) or int(index.checks[number]) == check_sum(decoded.frame)
    return KeyPicture(number, Held(decoded.frame, sure=agrees and not decoded.frame.is_corrupt))


def _small(whole: KeyPicture, converter: Converter) -> KeyPicture:
    frame, held = whole.held.picture, whole.held
    scale = min(1.0, _LONG_SIDE / max(frame.width, frame.height))
    if scale < 1.0:
        held = Held(converter.reduced(frame, scale), scale, held.sure)
    held.size = frame_bytes(held.picture)
    return KeyPicture(whole.number, held)
