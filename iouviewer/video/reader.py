"""Frame-accurate random access to the frames of a video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.sources import FrameImage
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.video.checksum import frame_checksum
from iouviewer.video.container import IndexMismatchError
from iouviewer.video.conversion import Converter, DisplayFrame, Pixels
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.frame_cache import CachedFrame
from iouviewer.video.frame_decoder import Cancelled, FrameDecoder
from iouviewer.video.index import Damage, VideoIndex
from iouviewer.video.index_builder import has_packets_of
from iouviewer.video.index_cache import delete_index, load_index
from iouviewer.video.keyframes import CachedKeyframe, KeyframeCache
from iouviewer.video.reasons import ORDER_UNKNOWN
from iouviewer.video.seek_points import uses_slice_threads
from iouviewer.video.stream_info import StreamInfo

_PREVIEWS = 6
"""Number of converted keyframes to keep, so scrubbing within a GOP shows them again without decoding."""

_MAX_TICKS = 2.0**61
"""Largest requested time in units of the time base."""

_MAX_KEYFRAME_SECONDS = 0.025
"""Seconds that a keyframe may take to decode before another preview is shown first."""

_MIN_MEMORY_FOR_KEYFRAMES = 64 << 20
"""Memory for decoded frames, in bytes, from which an eighth of it is used for keyframes."""


class VideoReader:
    """Frames of one file by number. Owned by one thread; ``open_video`` creates it."""

    def __init__(
        self,
        path: Path,
        index: VideoIndex,
        stream_info: StreamInfo,
        *,
        fingerprint: str = "",
        stamp: FileStamp | None = None,
        memory: int | None = None,
        container: Any = None,
    ) -> None:
        """``container``: the opened, unread file, which the reader takes over; ``stamp``: from before opening it."""
        self.path = path
        self.rotation = index.rotation
        self.fingerprint = fingerprint
        self.stamp = stamp
        self.stream_info = stream_info
        self.sample_aspect_ratio: Fraction = stream_info.sample_aspect_ratio
        self._converter = Converter(self.rotation, use_all_cores=uses_slice_threads(stream_info.codec))
        keyframe_budget = _keyframe_budget(memory or 0)
        self.frame_decoder = FrameDecoder(
            path, index, stream_info, self._converter, memory and memory - keyframe_budget, container, stamp
        )
        self.keyframe_cache = KeyframeCache(path, keyframe_budget, index.rotation, stamp)
        self._previews: dict[tuple[int, tuple[int, int] | None], DisplayFrame] = {}

    # -- properties of the video ---------------------------------------------------------------------------------

    @property
    def index(self) -> VideoIndex:
        """Packets and frames."""
        return self.frame_decoder.index

    @property
    def frame_count(self) -> int:
        """Number of known frames."""
        return self.index.frame_count

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) after rotation, pixels."""
        width, height = self.stream_info.size
        return (height, width) if self.rotation in {90, 270} else (width, height)

    @property
    def fps(self) -> float:
        """Average frames per second, 0.0 without a time base."""
        times = self.index.times
        announced = self.stream_info.average_rate
        if len(times) < 2 or times[-1] <= 0:
            return announced
        measured = (len(times) - 1) / float(times[-1])
        return announced if announced and abs(measured - announced) < 1e-3 * announced else measured

    @property
    def numbers_final(self) -> bool:
        """Whether the frame numbers are those of a clean decode, or cannot differ from it as far as known."""
        return self.index.numbers_final

    @property
    def order_known(self) -> bool:
        """False if only decoding can tell the frame order (H.264 in AVI): until then no frame is exact."""
        return self.index.numbers_final or ORDER_UNKNOWN not in self.index.uncertainties

    @property
    def damage(self) -> tuple[Damage, ...]:
        """Known damage."""
        return self.index.damage

    @property
    def index_digest(self) -> str:
        """Digest of the frames' timestamps."""
        return self.index.digest

    @property
    def memory_used(self) -> int:
        """Bytes of cached frames."""
        return self.frame_decoder.cache.used + self.keyframe_cache.used

    def time_of(self, frame: int) -> float | None:
        """Seconds from the first frame, None without a time base. IndexError outside the video."""
        frame = self._validated(frame)
        times = self.index.times
        return float(times[frame]) if len(times) else None

    def frame_at(self, seconds: float) -> int:
        """The frame displayed ``seconds`` after the first; outside the video, the first or last frame."""
        times = self.index.times
        if not len(times):
            rate = self.fps or 1.0
            return min(max(int(seconds * rate), 0), self.frame_count - 1)
        return max(int(np.searchsorted(times, seconds + 1e-9, side="right")) - 1, 0)

    def _validated(self, frame: int) -> int:
        if not 0 <= frame < self.frame_count:
            raise IndexError(f"frame {frame} of a video with {self.frame_count} frames")
        return int(frame)

    # -- frames --------------------------------------------------------------------------------------------------

    def read(self, frame: int) -> FrameImage:
        """(height, width, 3) uint8 B, G, R, as OpenCV decodes it.

        Raises UserError if the frame cannot be decoded (IndexMismatchError if the index does not belong to the file),
        IndexError outside the video.
        """
        self.keyframe_cache.stop_filling()
        decoded = self._decode(self._validated(frame))
        return self._converter.to_bgr(decoded.frame, self.stream_info.size)

    def read_display(
        self,
        frame: int,
        size: tuple[int, int] | None = None,
        *,
        allow_reduced: bool = False,
        with_checksum: bool = False,
        cancelled: Cancelled | None = None,
    ) -> DisplayFrame:
        """The frame for the screen, scaled down to fit ``size`` (width, height) if given.

        Raises as ``read`` does, and SupersededError if ``cancelled()`` says that the frame is no longer needed.

        Args:
            allow_reduced: accept a frame that is cached downscaled.
            with_checksum: add the checksum of the whole frame.
        """
        frame = self._validated(frame)
        self.keyframe_cache.stop_filling()
        decoded = self._decode(frame, allow_reduced=allow_reduced and not with_checksum, cancelled=cancelled)
        shown = self._convert(frame, decoded, self._fit(size))
        return replace(shown, checksum=frame_checksum(decoded.frame)) if with_checksum else shown

    def _decode(self, frame: int, *, allow_reduced: bool = False, cancelled: Cancelled | None = None) -> CachedFrame:
        already_reported = self.frame_decoder.failures.index_mismatch
        try:
            return self.frame_decoder.get(frame, allow_reduced=allow_reduced, cancelled=cancelled)
        except IndexMismatchError:
            stored = None if already_reported else load_index(self.fingerprint, self.path)
            if stored is not None and stored.packets.equals(self.index.packets):
                delete_index(self.fingerprint)  # the next opening scans the packets again
            raise

    def known_checksum(self, frame: int) -> int | None:
        """The ``checksum.frame_checksum`` found by the decode check; None if there was none."""
        checksums = self.index.checksums
        return int(checksums[frame]) if frame < len(checksums) else None

    def read_preview(self, frame: int, size: tuple[int, int] | None = None) -> DisplayFrame:
        """The first of ``previews``."""
        return next(self.previews(frame, size))

    def previews(self, frame: int, size: tuple[int, int] | None = None) -> Iterator[DisplayFrame]:
        """What can be shown while ``frame`` is decoded: one frame at once, and a nearer one if that takes longer.

        ``frame`` of each is its number; ``exact`` is set only on the frame itself. It is the nearest cached frame,
        or the keyframe at or before ``frame``. If that would take more than 25 ms to decode, the nearest keyframe
        cached in the background comes first; those are at most 960 pixels wide or high.
        """
        frame = self._validated(frame)
        self.keyframe_cache.stop_filling()
        start = self.index.nearest_seek_point(frame)
        near = self._nearest_cached(frame)
        if near is not None:
            yield self._as_preview(frame, self._convert(*near, self._fit(size)))
            return
        shown = self._previews.get((start, size)) or self._display_keyframe(self.keyframe_cache.get(start))
        if shown is None and self.keyframe_cache.estimate_seconds(self.index, start) > _MAX_KEYFRAME_SECONDS:
            other = self._display_keyframe(self.keyframe_cache.nearest(frame))
            if other is not None:
                yield self._as_preview(frame, other)
        shown = shown or self._decode_keyframe(frame, start, size)
        yield self._as_preview(frame, shown) if shown is not None else self.read_display(frame, size)

    def _as_preview(self, frame: int, shown: DisplayFrame) -> DisplayFrame:
        is_intact = self.frame_decoder.has_all_references(frame) and not self.frame_decoder.is_suspect(frame)
        exact = shown.exact and shown.frame == frame and is_intact
        return replace(shown, exact=exact)

    def _nearest_cached(self, frame: int) -> tuple[int, CachedFrame] | None:
        """The nearest cached frame, if it is in the same GOP and nearer than the keyframe."""
        first, end = self.index.gop_of(frame)
        number = self.frame_decoder.cache.nearest(frame)
        if number is None or not first <= number < end or abs(number - frame) > frame - first:
            return None
        cached = self.frame_decoder.cache.get(number)
        return None if cached is None else (number, cached)

    def _display_keyframe(self, key: CachedKeyframe | None) -> DisplayFrame | None:
        pixels = key.pixels() if key is not None else None
        if key is None or pixels is None:
            return None
        return self._display_frame(key.number, pixels, exact=key.exact, interlaced=key.interlaced)

    def _decode_keyframe(self, frame: int, start: int, size: tuple[int, int] | None) -> DisplayFrame | None:
        decode = self.keyframe_cache.decode
        found = decode(self.index, start)
        if found is None:
            earlier = self.index.seek_points(frame)[1:]
            found = next((key for packet in earlier if (key := decode(self.index, packet))), None)
        if found is None:
            return None
        shown = self._convert(found.number, found.cached, self._fit(size))
        if len(self._previews) >= _PREVIEWS:
            self._previews.clear()
        self._previews[start, size] = shown
        return shown

    def read_at(self, seconds: float, size: tuple[int, int] | None = None) -> DisplayFrame:
        """The keyframe at or before a time, for files without a complete index; its number is unknown (-1)."""
        first = int(self.index.frame_pts[0])
        # FFmpeg's timestamps have 64 bits; a user may type larger numbers.
        ticks = round(min(max(seconds / float(self.index.time_base), -_MAX_TICKS), _MAX_TICKS))
        frame = self.keyframe_cache.decode_near(first + ticks, self.stream_info)
        if frame is None:
            raise UserError(tr("no frame can be decoded near {seconds:.1f} s", seconds=seconds), path=self.path)
        return self._convert(-1, CachedFrame(frame, exact=False), self._fit(size))

    def is_cached(self, frame: int) -> bool:
        """Whether the frame is in memory, at any size."""
        return frame in self.frame_decoder.cache

    def _fit(self, size: tuple[int, int] | None) -> tuple[int, int]:
        width, height = self.size
        if size is None:
            return width, height
        scale = min(1.0, max(size[0], 1) / width, max(size[1], 1) / height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def _convert(self, number: int, cached: CachedFrame, target: tuple[int, int]) -> DisplayFrame:
        width = self.size[0]
        scale = min(target[0] / width, cached.scale)
        if scale < target[0] / width:
            target = self._fit((round(width * scale), round(self.size[1] * scale) + 1))
        coded = target[::-1] if self.rotation in {90, 270} else target
        pixels: Pixels = self._converter.to_bgra(cached.frame, coded)
        return self._display_frame(number, pixels, exact=cached.exact, interlaced=bool(cached.frame.interlaced_frame))

    def _display_frame(self, number: int, pixels: Pixels, *, exact: bool, interlaced: bool) -> DisplayFrame:
        scale = pixels.shape[1] / self.size[0]
        damaged = number in self.index.damaged_frames
        return DisplayFrame(number, pixels, exact and self.order_known, scale, damaged, interlaced)

    def prefetch(self, *, ahead: int = 24, cancelled: Cancelled | None = None) -> bool:
        """Decode the next frame in the direction of navigation; False if there is nothing to do.

        Nearby keyframes are then cached in the background, for previews.
        """
        has_more = self.frame_decoder.prefetch(ahead=ahead, cancelled=cancelled)
        if not has_more:
            self.keyframe_cache.start_filling(self.index, self.frame_decoder.cache.position)
        return has_more

    def move_to(self, frame: int) -> None:
        """Set the current frame; frames in the direction of navigation are kept and prefetched first."""
        self.frame_decoder.move_to(frame)

    # -- index and resources -------------------------------------------------------------------------------------

    def use_index(self, index: VideoIndex) -> None:
        """Switch to a better index of the same file: longer, or checked. Frames that may change are dropped."""
        self._previews.clear()
        if self.frame_decoder.failures.index_mismatch or not has_packets_of(index, self.index):
            self.keyframe_cache.clear()
        self.keyframe_cache.use_index(index)
        self.frame_decoder.use_index(index)

    def clear_cache(self) -> None:
        """Drop all cached frames; the next read decodes again."""
        self._previews.clear()
        self.keyframe_cache.clear()
        self.frame_decoder.clear_cache()

    def set_memory(self, budget: int) -> None:
        """Set the bytes that cached frames may take."""
        self.keyframe_cache.budget = _keyframe_budget(budget)
        self.frame_decoder.cache.set_budget(budget - self.keyframe_cache.budget)

    def close(self) -> None:
        """Release the file and the memory; the reader must not be used afterwards."""
        self.keyframe_cache.close()
        self.frame_decoder.close()


def _keyframe_budget(memory: int) -> int:
    """Bytes of the memory that keyframes for previews may take: none if memory is scarce."""
    return memory // 8 if memory >= _MIN_MEMORY_FOR_KEYFRAMES else 0
