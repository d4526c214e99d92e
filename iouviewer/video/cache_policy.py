"""Decides which decoded frames to cache, at what size, and which frame to prefetch next."""

from __future__ import annotations

import numpy as np

from iouviewer.video.frame_cache import FULL_SIZE_RADIUS, FrameCache
from iouviewer.video.index import VideoIndex
from iouviewer.video.stream_info import StreamInfo

MIN_SCALE = 0.25

_MIN_FREE_SHARE = 0.3
"""Share of the budget that must be free before a GOP is decoded for reverse navigation."""

_DECODED_BEFORE_TARGET = 36
"""Frames before a jump's target that are also decoded if memory allows. They cover one second of reverse playback,
which is enough to decode the rest of a 250-frame GOP at 1080p."""

_JUMP_DISTANCE = 64
"""Distance in frames from which a step counts as a jump instead of continuous navigation."""

_NON_REFERENCE_B_FRAMES = frozenset({"mpeg4", "mpeg2video", "mpeg1video"})
"""Codecs in which no frame references B-frames. H.264 flags each frame that is a reference; HEVC flags it within a
temporal layer, so only streams with one layer qualify."""


class CachePolicy:
    """Tracks the user's navigation and decides which decoded frames to cache, and at what size."""

    def __init__(self, cache: FrameCache, stream_info: StreamInfo) -> None:
        self._cache = cache
        self._frame_size = stream_info.bytes_per_frame
        self._codec, self._container = stream_info.codec, stream_info.container
        self._flags_references = stream_info.codec == "h264" or (
            stream_info.codec == "hevc" and stream_info.temporal_layers == 1
        )
        self.sequential_steps = 0
        """Consecutive steps of one frame forwards, up to now."""
        self._first_kept = 0
        self._scale = 1.0
        self._full_size_radius = FULL_SIZE_RADIUS
        self._without_space: set[int] = set()
        self._unreachable: set[int] = set()

    def move_to(self, frame: int) -> None:
        """Set the current frame."""
        step = frame - self._cache.position
        self.sequential_steps = self.sequential_steps + 1 if step == 1 else 0
        if step:
            self._without_space.clear()
            self._cache.direction = -1 if -_JUMP_DISTANCE < step < 0 else 1
        self._cache.position = frame

    def should_keep(self, number: int, target: int) -> bool:
        """Whether to cache a frame that is decoded on the way to ``target``."""
        return number >= self._first_kept or number == target

    def scale_for(self, number: int) -> float:
        """Scale at which to cache a frame."""
        return self._scale if abs(number - self._cache.position) > self._full_size_radius else 1.0

    def skippable_packets(self, index: VideoIndex, start: int, frame: int) -> frozenset[int]:
        """Packets from ``start`` on whose frames are far before ``frame``; they need decoding only as references.

        Empty for codecs that do not flag reference frames, and in reverse navigation, which soon needs all
        frames.
        """
        has_packed_frames = self._container == "avi" or bool(index.repeats.any())
        b_frames_suffice = self._codec in _NON_REFERENCE_B_FRAMES and not has_packed_frames
        if not (self._flags_references or b_frames_suffice) or self._cache.direction < 0:
            return frozenset()
        packets = np.arange(start, index.packet_of(frame))
        numbers = index.frame_of_packet[packets]
        kept_distance = max(
            FULL_SIZE_RADIUS, min(_DECODED_BEFORE_TARGET, int(_MIN_FREE_SHARE * self._cache.budget / self._frame_size))
        )
        return frozenset(packets[(numbers >= 0) & (numbers < frame - kept_distance)].tolist())

    def plan(self, index: VideoIndex, frame: int, *, can_wait: bool = False) -> bool:
        """Choose which frames on the way to ``frame`` to cache, and at what size.

        With ``can_wait``, returns False and changes nothing if memory is still taken by frames waiting to be shown.
        """
        cache, size = self._cache, self._frame_size
        if cache.direction > 0:
            self._first_kept, self._scale = 0, 1.0
            return True
        first, end = index.gop_of(frame)
        radius = min(FULL_SIZE_RADIUS, int(0.25 * cache.budget / size))
        budget = 0.9 * cache.budget - radius * size
        # Two GOPs fit at this scale, so that the next one can be decoded while this one is shown.
        usual_scale = float(np.clip(np.sqrt(budget / (2 * (end - first) * size)), MIN_SCALE, 1.0))
        full_bytes = (frame - first + 1) * size
        available = max(0.0, budget - cache.bytes_between(frame + 1, cache.position))
        if can_wait and available < min(full_bytes * usual_scale**2, _MIN_FREE_SHARE * cache.budget):
            return False
        self._full_size_radius = radius
        self._scale = float(np.clip(np.sqrt(available / full_bytes), MIN_SCALE, usual_scale))
        self._first_kept = max(first, frame - radius - int(available / (size * self._scale**2)))
        if self._scale < 1.0:
            self._drop_replaced(frame, radius)
        return True

    def _drop_replaced(self, frame: int, radius: int) -> None:
        """Drop full-size frames that downscaled ones will replace, and frames that were already passed."""
        cache = self._cache
        for number in cache.numbers():
            cached = cache.get(number)
            is_replaced = number <= min(frame, cache.position - radius) and cached is not None and cached.scale == 1.0
            if is_replaced or number > cache.position + radius:
                cache.drop(number)

    def next_missing(self, index: VideoIndex, ahead: int) -> int | None:
        """The next frame in the direction of navigation that fits in memory and is not cached."""
        cache, size = self._cache, self._frame_size
        if cache.direction > 0:
            reach = min(ahead, int(0.6 * cache.budget / size))
            span = range(cache.position + 1, min(cache.position + reach + 1, index.frame_count))
        else:
            first, _ = index.gop_of(cache.position)
            first, _ = index.gop_of(max(first - 1, 0))
            reach = int(0.6 * cache.budget / (size * MIN_SCALE**2))
            span = range(cache.position - 1, max(first, cache.position - reach) - 1, -1)
        excluded = self._unreachable | self._without_space
        return next((frame for frame in span if frame not in cache and frame not in excluded), None)

    def mark_unreachable(self, frame: int) -> None:
        """Exclude a frame that cannot be decoded from prefetching."""
        self._unreachable.add(frame)

    def mark_without_space(self, frame: int) -> None:
        """Exclude a frame that does not fit in memory from prefetching until the position changes."""
        self._without_space.add(frame)

    def reset_unreachable(self) -> None:
        """Include frames that could not be decoded again, as a better index may make them decodable."""
        self._unreachable.clear()
