"""Frame ``i`` of a video, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.sources import Picture
from iouviewer.errors import UserError
from iouviewer.video.checksum import check_sum
from iouviewer.video.colour import Converter, Pixels
from iouviewer.video.container import IndexMismatchError
from iouviewer.video.display import DisplayFrame
from iouviewer.video.facts import StreamFacts
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.frame_cache import Held
from iouviewer.video.frame_decoder import Cancelled, Pictures
from iouviewer.video.index import ORDER_UNKNOWN, Damage, VideoIndex
from iouviewer.video.index_builder import goes_on_from
from iouviewer.video.index_cache import forget_index, load_index
from iouviewer.video.keyframes import KeptKey, KeyFrames
from iouviewer.video.seek_points import shares_slices

_PREVIEWS = 6
"""Key frames kept as they were shown, so that a hand that stays within a group gets them without decoding."""


_FARTHEST = 2.0**61
"""Ticks of a time base that can be asked for."""

_AT_ONCE = 0.025
"""Seconds that a key frame may take to decode while nothing of what was asked for is shown."""

_MEMORY_FOR_KEY_FRAMES = 64 << 20
"""Bytes for decoded pictures from which on an eighth of them goes to key frames."""


class VideoReader:
    """Pictures of one file by number. Owned by one thread; ``open_video`` makes it."""

    def __init__(
        self,
        path: Path,
        index: VideoIndex,
        facts: StreamFacts,
        *,
        fingerprint: str = "",
        stamp: FileStamp | None = None,
        memory: int | None = None,
        container: Any = None,
    ) -> None:
        """``container``: the file, opened and not read yet, which the reader takes over; ``stamp``: from before."""
        self.path = path
        self.rotation = index.rotation
        self.fingerprint = fingerprint
        self.stamp = stamp
        self.facts = facts
        self.sample_aspect_ratio: Fraction = facts.sample_aspect_ratio
        self._converter = Converter(self.rotation, alone=shares_slices(facts.codec))
        room = _room_for_key_frames(memory or 0)
        self._pictures = Pictures(path, index, facts, self._converter, memory and memory - room, container, stamp)
        self._keys = KeyFrames(path, room, index.rotation, stamp)
        self._previews: dict[tuple[int, tuple[int, int] | None], DisplayFrame] = {}

    # -- what the video is ---------------------------------------------------------------------------------------

    @property
    def index(self) -> VideoIndex:
        """Packets and pictures."""
        return self._pictures.index

    @property
    def frame_count(self) -> int:
        """Number of pictures known."""
        return self.index.frame_count

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) after rotation, pixels."""
        width, height = self.facts.size
        return (height, width) if self.rotation in {90, 270} else (width, height)

    @property
    def fps(self) -> float:
        """Pictures a second on average, 0.0 where there is no time base."""
        times = self.index.times
        if len(times) < 2 or times[-1] <= 0:
            return self.facts.average_rate
        measured = (len(times) - 1) / float(times[-1])
        told = self.facts.average_rate
        return told if told and abs(measured - told) < 1e-3 * told else measured

    @property
    def numbers_confirmed(self) -> bool:
        """Whether the frame numbers are those of a clean decode, or cannot differ from it as far as known."""
        return self.index.confirmed

    @property
    def order_known(self) -> bool:
        """False while only a decode can tell which picture is which (H.264 in AVI): nothing is exact then."""
        return self.index.confirmed or ORDER_UNKNOWN not in self.index.doubts

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What cannot be shown as it was meant, as far as known."""
        return self.index.damage

    @property
    def index_digest(self) -> str:
        """Digest of the pictures' time stamps."""
        return self.index.digest

    @property
    def memory_used(self) -> int:
        """Bytes of pictures held."""
        return self._pictures.ring.used + self._keys.used

    def time_of(self, frame: int) -> float | None:
        """Seconds from the first picture, None where there is no time base. IndexError outside the video."""
        frame = self._checked(frame)
        times = self.index.times
        return float(times[frame]) if len(times) else None

    def frame_at(self, seconds: float) -> int:
        """The picture on screen ``seconds`` after the first; the nearest end outside the video."""
        times = self.index.times
        if not len(times):
            rate = self.fps or 1.0
            return min(max(int(seconds * rate), 0), self.frame_count - 1)
        return max(int(np.searchsorted(times, seconds + 1e-9, side="right")) - 1, 0)

    def _checked(self, frame: int) -> int:
        if not 0 <= frame < self.frame_count:
            raise IndexError(f"frame {frame} of a video with {self.frame_count} frames")
        return int(frame)

    # -- pictures ------------------------------------------------------------------------------------------------

    def read(self, frame: int) -> Picture:
        """(height, width, 3) uint8 B, G, R, as OpenCV decodes it.

        Raises UserError where the picture cannot be decoded (IndexMismatchError where the index is not the file's),
        IndexError outside the video.
        """
        self._keys.halt()
        held = self._held(self._checked(frame))
        return self._converter.model_picture(held.picture, self.facts.size)

    def read_display(
        self,
        frame: int,
        size: tuple[int, int] | None = None,
        *,
        allow_reduced: bool = False,
        with_check: bool = False,
        cancelled: Cancelled | None = None,
    ) -> DisplayFrame:
        """The picture for the screen, scaled down to fit ``size`` (width, height) where one is given.

        ``allow_reduced`` takes a picture that memory kept smaller, ``with_check`` gives the whole picture's checksum.
        Raises as ``read`` does, and Superseded where ``cancelled()`` says that the picture is no longer wanted.
        """
        frame = self._checked(frame)
        self._keys.halt()
        held = self._held(frame, allow_reduced=allow_reduced and not with_check, cancelled=cancelled)
        shown = self._converted(frame, held, self._fitted(size))
        return replace(shown, check=check_sum(held.picture)) if with_check else shown

    def _held(self, frame: int, *, allow_reduced: bool = False, cancelled: Cancelled | None = None) -> Held:
        told_before = self._pictures.losses.mismatched
        try:
            return self._pictures.get(frame, allow_reduced=allow_reduced, cancelled=cancelled)
        except IndexMismatchError:
            kept = None if told_before else load_index(self.fingerprint, self.path)
            if kept is not None and kept.packets.same_as(self.index.packets):
                forget_index(self.fingerprint)  # whoever opens the file next reads its packets
            raise

    def known_check(self, frame: int) -> int | None:
        """The ``checksum.check_sum`` that a decode of the whole file gave a picture; None where there was none."""
        checks = self.index.checks
        return int(checks[frame]) if frame < len(checks) else None

    def read_preview(self, frame: int, size: tuple[int, int] | None = None) -> DisplayFrame:
        """The first of ``previews``."""
        return next(self.previews(frame, size))

    def previews(self, frame: int, size: tuple[int, int] | None = None) -> Iterator[DisplayFrame]:
        """What can be shown while ``frame`` is decoded: one picture at once, and a nearer one where that takes longer.

        ``exact`` only where it is the picture itself; ``frame`` of each says which it is. It is the nearest of the
        pictures in memory, or the key frame at or before ``frame``; where that would take more than 25 ms to decode,
        first the nearest key frame that was made while nobody asked. Those are at most 960 pixels wide or high.
        """
        frame = self._checked(frame)
        self._keys.halt()
        start = self.index.nearest_start(frame)
        near = self._nearest_held(frame)
        if near is not None:
            yield self._as_preview(frame, self._converted(*near, self._fitted(size)))
            return
        shown = self._previews.get((start, size)) or self._kept(self._keys.kept(start))
        if shown is None and self._keys.seconds_for(self.index, start) > _AT_ONCE:
            other = self._kept(self._keys.nearest(frame))
            if other is not None:
                yield self._as_preview(frame, other)
        shown = shown or self._key_picture(frame, start, size)
        yield self._as_preview(frame, shown) if shown is not None else self.read_display(frame, size)

    def _as_preview(self, frame: int, shown: DisplayFrame) -> DisplayFrame:
        known = self._pictures.is_settled(frame) and not self._pictures.is_suspect(frame)
        exact = shown.exact and shown.frame == frame and known
        return replace(shown, exact=exact)

    def _nearest_held(self, frame: int) -> tuple[int, Held] | None:
        """The picture in memory that is nearest to ``frame``, where it is of the same group and nearer than its key."""
        first, end = self.index.group_of(frame)
        number = self._pictures.ring.nearest(frame)
        if number is None or not first <= number < end or abs(number - frame) > frame - first:
            return None
        held = self._pictures.ring.get(number)
        return None if held is None else (number, held)

    def _kept(self, key: KeptKey | None) -> DisplayFrame | None:
        pixels = key.pixels() if key is not None else None
        if key is None or pixels is None:
            return None
        return self._display_frame(key.number, pixels, sure=key.sure, woven=key.woven)

    def _key_picture(self, frame: int, start: int, size: tuple[int, int] | None) -> DisplayFrame | None:
        found = self._keys.decode(self.index, start)
        if found is None:
            earlier = self.index.starts(frame)[1:]
            found = next((key for packet in earlier if (key := self._keys.decode(self.index, packet))), None)
        if found is None:
            return None
        shown = self._converted(found.number, found.held, self._fitted(size))
        if len(self._previews) >= _PREVIEWS:
            self._previews.clear()
        self._previews[start, size] = shown
        return shown

    def read_at(self, seconds: float, size: tuple[int, int] | None = None) -> DisplayFrame:
        """The key frame at or before a time, for files whose index is not there yet; its number is unknown (-1)."""
        first = int(self.index.picture_pts[0])
        # FFmpeg's time stamps have 64 bits; somebody may type more.
        ticks = round(min(max(seconds / float(self.index.time_base), -_FARTHEST), _FARTHEST))
        frame = self._keys.near(first + ticks, self.facts)
        if frame is None:
            raise UserError(f"no picture can be decoded near {seconds:.1f} s", path=self.path)
        return self._converted(-1, Held(frame, sure=False), self._fitted(size))

    def holds(self, frame: int) -> bool:
        """Whether the picture is in memory, at whatever size."""
        return frame in self._pictures.ring

    def _fitted(self, size: tuple[int, int] | None) -> tuple[int, int]:
        width, height = self.size
        if size is None:
            return width, height
        scale = min(1.0, max(size[0], 1) / width, max(size[1], 1) / height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def _converted(self, frame: int, held: Held, target: tuple[int, int]) -> DisplayFrame:
        width = self.size[0]
        scale = min(target[0] / width, held.scale)
        if scale < target[0] / width:
            target = self._fitted((round(width * scale), round(self.size[1] * scale) + 1))
        coded = target[::-1] if self.rotation in {90, 270} else target
        pixels: Pixels = self._converter.screen_picture(held.picture, coded)
        return self._display_frame(frame, pixels, sure=held.sure, woven=bool(held.picture.interlaced_frame))

    def _display_frame(self, frame: int, pixels: Pixels, *, sure: bool, woven: bool) -> DisplayFrame:
        scale = pixels.shape[1] / self.size[0]
        damaged = frame in self.index.damaged_frames
        return DisplayFrame(frame, pixels, sure and self.order_known, scale, damaged, woven)

    def prefetch(self, *, ahead: int = 24, cancelled: Cancelled | None = None) -> bool:
        """Decode one picture more in the direction of travel; False where there is nothing to do.

        The key frames near by are then made in the background, for previews.
        """
        more = self._pictures.prefetch(ahead=ahead, cancelled=cancelled)
        if not more:
            self._keys.fill(self.index, self._pictures.ring.centre)
        return more

    def wait_for_key_frames(self) -> None:
        """Wait for what ``prefetch`` began in the background."""
        self._keys.wait()

    def move_to(self, frame: int) -> None:
        """Tell where the user is; what lies in the direction of travel is kept and fetched first."""
        self._pictures.move_to(frame)

    # -- the rest ------------------------------------------------------------------------------------------------

    def use_index(self, index: VideoIndex) -> None:
        """Take a better index of the same file: grown, or confirmed. Pictures that may change are forgotten."""
        self._previews.clear()
        if self._pictures.losses.mismatched or not goes_on_from(index, self.index):
            self._keys.clear()
        self._keys.use_index(index)
        self._pictures.use_index(index)

    def forget_pictures(self) -> None:
        """Drop what is in memory, so that the next read decodes."""
        self._previews.clear()
        self._keys.clear()
        self._pictures.forget()

    def set_memory(self, budget: int) -> None:
        """Bytes that pictures may take."""
        self._keys.room = _room_for_key_frames(budget)
        self._pictures.ring.set_budget(budget - self._keys.room)

    def close(self) -> None:
        """Give back the file and the memory; reading afterwards is a mistake."""
        self._keys.close()
        self._pictures.close()


def _room_for_key_frames(memory: int) -> int:
    """Bytes of the memory that key frames for previews may take: none where memory is scarce."""
    return memory // 8 if memory >= _MEMORY_FOR_KEY_FRAMES else 0
