"""Keyframes for immediate previews: decoded on request, or cached at reduced size by a background thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.video.checksum import frame_checksum
from iouviewer.video.conversion import PROXY_LONG_SIDE, Converter, Pixels, decode_jpeg, encode_jpeg
from iouviewer.video.decoder import Decoder
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.frame_cache import CachedFrame
from iouviewer.video.index import VideoIndex
from iouviewer.video.seek_points import is_false_keyframe
from iouviewer.video.stream_info import StreamInfo
from iouviewer.video.timestamps import Int64

_log = logging.getLogger(__name__)

_MIN_AVERAGE_GOP = 8
"""Average GOP length, in frames, from which caching keyframes is worthwhile."""

_INITIAL_SECONDS_PER_BYTE = 80e-9
"""Initial estimate of the seconds to decode one byte of a keyframe: high-bitrate H.264 on one core."""

_SECONDS_PER_PIXEL = 1e-9
"""Seconds to decode one pixel of a keyframe, in addition to the time for its bytes."""


@dataclass(frozen=True, slots=True)
class DecodedKeyframe:
    """A keyframe, its frame number, and its checksum."""

    number: int
    cached: CachedFrame
    checksum: int


@dataclass(frozen=True, slots=True)
class CachedKeyframe:
    """A keyframe at reduced size in memory.

    Attributes:
        number: frame number.
        jpeg: the frame as JPEG.
        checksum: of the whole decoded frame.
        exact: its content is known to be that of a clean decode.
        interlaced: it combines two fields.
    """

    number: int
    jpeg: bytes
    checksum: int
    exact: bool
    interlaced: bool

    def pixels(self) -> Pixels | None:
        """(h, w, 4) uint8 B, G, R, unused; None if the JPEG cannot be decoded."""
        return decode_jpeg(self.jpeg)


class KeyframeCache:
    """Keyframes of one file, by packet. Owned by one thread; its own background thread fills the cache while idle.

    Args:
        budget: bytes that cached keyframes may take, 0 to cache none.
        rotation: degrees clockwise.
        stamp: the file's expected stamp.
    """

    def __init__(self, path: Path, budget: int, rotation: int = 0, stamp: FileStamp | None = None) -> None:
        self._path = path
        self._rotation = rotation
        self._decoder = Decoder(path, threads=1, stamp=stamp)
        self._slice_decoder = Decoder(path, threads=1, slice_threads=True, stamp=stamp)
        self._background_decoder = Decoder(path, threads=1, stamp=stamp)
        self.budget = budget
        self._cached: dict[int, CachedKeyframe] = {}
        self._used = 0
        self._seconds_per_byte = _INITIAL_SECONDS_PER_BYTE
        self._lock = threading.Lock()
        self._target: tuple[VideoIndex, int] | None = None
        self._is_running = False
        self._thread: ThreadPoolExecutor | None = None
        self._job: Future[None] | None = None

    # -- for the owner -------------------------------------------------------------------------------------------

    @property
    def used(self) -> int:
        """Bytes of cached keyframes."""
        return self._used

    @property
    def cached(self) -> Mapping[int, CachedKeyframe]:
        """The cached keyframes by packet, read-only."""
        return MappingProxyType(self._cached)

    @property
    def slices(self) -> int:
        """Slices of the keyframe that one thread decoded last."""
        return self._decoder.slices

    def get(self, packet: int) -> CachedKeyframe | None:
        """A cached keyframe, None if it is not cached yet."""
        with self._lock:
            return self._cached.get(packet)

    def nearest(self, frame: int) -> CachedKeyframe | None:
        """The cached keyframe with the nearest number, None if none is cached."""
        with self._lock:
            return min(self._cached.values(), key=lambda key: abs(key.number - frame), default=None)

    def drop(self, packet: int) -> None:
        """Remove one keyframe."""
        with self._lock:
            self._drop(packet)

    def estimate_seconds(self, index: VideoIndex, packet: int) -> float:
        """Estimated duration of ``decode``, from the time per byte of others."""
        return self._seconds_per_byte * float(index.packets.size[packet]) + _SECONDS_PER_PIXEL * _pixel_count(index)

    def decode(self, index: VideoIndex, packet: int) -> DecodedKeyframe | None:
        """The whole frame of a keyframe packet, None if it does not decode.

        If the last one had several slices, all cores share them; such a frame is exact only by its checksum.
        """
        start = time.perf_counter()
        found = None
        if self._decoder.slices > 1:
            found = _decode(self._slice_decoder, index, packet, reports_damage=False)
        found = found or _decode(self._decoder, index, packet)
        self.record_duration(index, packet, time.perf_counter() - start)
        return found

    def record_duration(self, index: VideoIndex, packet: int, seconds: float) -> None:
        """Update the time per byte with the duration of decoding one keyframe."""
        for_bytes = max(0.0, seconds - _SECONDS_PER_PIXEL * _pixel_count(index))
        self._seconds_per_byte += 0.3 * (
            for_bytes / max(1.0, float(index.packets.size[packet])) - self._seconds_per_byte
        )

    def decode_near(self, stamp: int, stream_info: StreamInfo) -> Any:
        """PyAV's frame of the first keyframe after a seek to a timestamp, without an index."""
        return self._decoder.decode_near(stamp, stream_info)

    def start_filling(self, index: VideoIndex, position: int) -> None:
        """Start to cache keyframes near a frame, and some from the whole file, until ``stop_filling``."""
        has_short_gops = index.frame_count < _MIN_AVERAGE_GOP * max(1, len(index.keyframes))
        if not self.budget or not index.complete or has_short_gops:
            return
        with self._lock:
            self._target = index, position
            if self._is_running:
                return
            self._is_running = True
            if self._thread is None:
                self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keyframes")
            self._job = self._thread.submit(self._run)

    def stop_filling(self) -> None:
        """Start no further keyframe: the user waits for something else."""
        self._target = None

    def wait(self) -> None:
        """Wait until all useful keyframes are cached, or after ``stop_filling`` for the one in progress."""
        if self._job is not None:
            self._job.result()

    def use_index(self, index: VideoIndex) -> None:
        """Drop keyframes whose content or number differs in a better index of the same file."""
        self.stop_filling()
        self.wait()
        checksums = index.checksums
        for packet, key in list(self._cached.items()):
            same_number = index.frame_of(packet) == key.number
            if not same_number or (len(checksums) and int(checksums[key.number]) != key.checksum):
                self._drop(packet)

    def clear(self) -> None:
        """Drop all keyframes."""
        self.stop_filling()
        self.wait()
        self._cached.clear()
        self._used = 0

    def close(self) -> None:
        """Drop all keyframes, and release the file."""
        self.clear()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
        for decoder in (self._decoder, self._slice_decoder, self._background_decoder):
            decoder.close()

    # -- background thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        converter = Converter(self._rotation)
        failed: set[int] = set()
        try:
            while (task := self._next_task(failed)) is not None:
                index, packet = task
                start = time.perf_counter()
                found = _decode(self._background_decoder, index, packet)
                self.record_duration(index, packet, time.perf_counter() - start)
                small = None if found is None else _shrink(found, converter, index)
                if small is None:
                    failed.add(packet)
                    continue
                with self._lock:
                    self._cached[packet] = small
                    self._used += len(small.jpeg)
        except (UserError, OSError):
            self.budget = 0  # reported when a frame is requested
        except Exception:  # noqa: BLE001 - must not reach those who wait for this thread; logged with its traceback
            _log.exception("keyframes of %s are no longer cached", self._path)
            self.budget = 0
        finally:
            self._background_decoder.close()  # its frames are large at 4K, and reopening is fast
            with self._lock:
                self._is_running = False

    def _next_task(self, failed: set[int]) -> tuple[VideoIndex, int] | None:
        """The most useful keyframe that is missing, after evicting those that do not fit."""
        with self._lock:
            target = self._target
            if target is None:
                self._is_running = False
                return None
            index, position = target
            packets = self._useful_packets(index, position)
            for packet in self._cached.keys() - set(packets):
                self._drop(packet)
            missing = next((packet for packet in packets if packet not in self._cached and packet not in failed), None)
            if missing is None:
                self._is_running = False
                return None
            return index, missing

    def _drop(self, packet: int) -> None:
        self._used -= len(self._cached.pop(packet).jpeg)

    def _useful_packets(self, index: VideoIndex, position: int) -> list[int]:
        # The size is unknown before the first is cached; afterwards the largest counts.
        size = max((len(key.jpeg) for key in self._cached.values()), default=self.budget)
        keys = index.keyframes
        chosen = choose_keyframes(keys, position, self.budget // max(1, size))
        return [index.packet_of(int(keys[at])) for at in chosen]


def choose_keyframes(keys: Int64, position: int, count: int) -> list[int]:
    """Places in ``keys`` (ascending numbers) of the ``count`` most useful ones, the most useful first.

    They alternate between the nearest to ``position`` and places spread over the whole file with ever finer spacing, so
    that scrubbing finds a cached keyframe nearby everywhere.
    """
    nearest = np.argsort(np.abs(keys - position), kind="stable")[:count].tolist()
    places: dict[int, None] = {}
    for turn, near in enumerate(nearest, start=1):
        places[near] = None
        places[int(len(keys) * _van_der_corput(turn))] = None
    return list(places)[:count]


def _van_der_corput(number: int) -> float:
    """1/2, 1/4, 3/4, 1/8, 5/8, 3/8, ...: van der Corput's sequence, whose prefixes are all evenly spread."""
    bits = bin(number)[:1:-1]
    return int(bits, 2) / 2.0 ** len(bits)


def _pixel_count(index: VideoIndex) -> int:
    return index.stream_info.size[0] * index.stream_info.size[1] if index.stream_info is not None else 0


def _decode(decoder: Decoder, index: VideoIndex, packet: int, *, reports_damage: bool = True) -> DecodedKeyframe | None:
    """``reports_damage``: the decoder reports damage, so a frame without a known checksum can be exact as well."""
    decoded = decoder.decode_keyframe(index, packet)
    number = -1 if decoded is None else index.frame_of(decoded.packet, decoded.repeat)
    if decoded is None or number < 0:
        return None
    info = index.stream_info
    if packet and info is not None and is_false_keyframe(decoded.frame, index, info.codec):
        return None
    checksum = frame_checksum(decoded.frame)
    matches = int(index.checksums[number]) == checksum if len(index.checksums) else reports_damage
    is_intact = not decoded.frame.is_corrupt and not decoder.errors
    return DecodedKeyframe(number, CachedFrame(decoded.frame, exact=matches and is_intact), checksum)


def _shrink(key: DecodedKeyframe, converter: Converter, index: VideoIndex) -> CachedKeyframe | None:
    frame = key.cached.frame
    # In the video's size, whatever the frame's own: boxes are drawn in its pixels.
    width, height = index.stream_info.size if index.stream_info is not None else (frame.width, frame.height)
    scale = min(1.0, PROXY_LONG_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    jpeg = encode_jpeg(converter.to_bgra(frame, size))
    if jpeg is None:
        return None
    return CachedKeyframe(key.number, jpeg, key.checksum, key.cached.exact, bool(frame.interlaced_frame))
