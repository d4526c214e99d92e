"""Frame ``i`` of a video, exactly."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from iouviewer.document.sources import Picture
from iouviewer.errors import UserError
from iouviewer.video.colour import Converter, Pixels, check_sum
from iouviewer.video.container import StreamFacts
from iouviewer.video.decoder import Decoded, Decoder
from iouviewer.video.display import DisplayFrame
from iouviewer.video.index import ORDER_UNKNOWN, Damage, VideoIndex, with_damage
from iouviewer.video.ring import Held, Ring

_OVERSHOOT = 64
"""Packets decoded past a picture's own before it counts as lost; decoders hold back at most 16 and their threads."""

_FULL_NEAR = 16
"""Pictures this near to the one on screen are kept at full size even while others are reduced."""

_FEWEST_SCALE = 0.25

DEFAULT_MEMORY = 64 << 20

Cancelled = Callable[[], bool]


class VideoReader:
    """Pictures of one file by number. Owned by one thread; ``open_video`` makes it."""

    def __init__(
        self,
        path: Path,
        index: VideoIndex,
        facts: StreamFacts,
        *,
        rotation: int = 0,
        fingerprint: str = "",
        memory: int = DEFAULT_MEMORY,
    ) -> None:
        self.path = path
        self.rotation = rotation
        self.fingerprint = fingerprint
        self.facts = facts
        self.sample_aspect_ratio: Fraction = facts.sample_aspect_ratio
        self._index = index
        self._ring = Ring(memory)
        self._converter = Converter(rotation)
        self._decoder = self._new_decoder()
        self._previewer: Decoder | None = None
        self._last_given = -1
        self._keep_from = 0
        self._scale = 1.0
        self._lost: dict[int, str] = {}
        self._picture_bytes = 0

    # -- what the video is ---------------------------------------------------------------------------------------

    @property
    def index(self) -> VideoIndex:
        """Packets and pictures."""
        return self._index

    @property
    def frame_count(self) -> int:
        """Number of pictures known."""
        return self._index.frame_count

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) after rotation, pixels."""
        width, height = self.facts.size
        return (height, width) if self.rotation in {90, 270} else (width, height)

    @property
    def fps(self) -> float:
        """Pictures a second on average, 0.0 where there is no time base."""
        times = self._index.times
        if len(times) < 2 or times[-1] <= 0:
            return self.facts.average_rate
        measured = (len(times) - 1) / float(times[-1])
        told = self.facts.average_rate
        return told if told and abs(measured - told) < 1e-3 * told else measured

    @property
    def numbers_confirmed(self) -> bool:
        """Whether the frame numbers are those of a clean decode, or cannot differ from it as far as known."""
        return self._index.confirmed

    @property
    def order_known(self) -> bool:
        """False while only a decode can tell which picture is which (H.264 in AVI): nothing is exact then."""
        return self._index.confirmed or ORDER_UNKNOWN not in self._index.doubts

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What cannot be shown as it was meant, as far as known."""
        return self._index.damage

    @property
    def index_digest(self) -> str:
        """Digest of the pictures' time stamps."""
        return self._index.digest

    @property
    def memory_used(self) -> int:
        """Bytes of pictures held."""
        return self._ring.used

    def time_of(self, frame: int) -> float | None:
        """Seconds from the first picture, None where there is no time base. IndexError outside the video."""
        frame = self._checked(frame)
        times = self._index.times
        return float(times[frame]) if len(times) else None

    def frame_at(self, seconds: float) -> int:
        """The picture on screen ``seconds`` after the first; the nearest end outside the video."""
        times = self._index.times
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

        Raises UserError where the picture cannot be decoded, IndexError outside the video.
        """
        held = self._picture(self._checked(frame))
        return self._converter.model_picture(held.picture, self.facts.size)

    def read_display(
        self,
        frame: int,
        size: tuple[int, int] | None = None,
        *,
        allow_reduced: bool = False,
        cancelled: Cancelled | None = None,
    ) -> DisplayFrame:
        """The picture for the screen, scaled down to fit ``size`` (width, height) where one is given.

        ``allow_reduced`` takes a picture that memory kept smaller. Raises as ``read`` does, and Superseded where
        ``cancelled()`` says that the picture is no longer wanted.
        """
        frame = self._checked(frame)
        held = self._picture(frame, allow_reduced=allow_reduced, cancelled=cancelled)
        return self._converted(frame, held, self._fitted(size))

    def read_preview(self, frame: int, size: tuple[int, int] | None = None) -> DisplayFrame:
        """The key frame at or before ``frame``, at once; ``exact`` only where it happens to be the picture itself."""
        frame = self._checked(frame)
        held = self._ring.get(frame)
        if held is not None:
            return self._converted(frame, held, self._fitted(size))
        for packet in self._index.starts(frame):
            if self._previewer is None:
                self._previewer = Decoder(self.path, threads=1)
            decoded = self._previewer.only(self._index, packet)
            number = -1 if decoded is None else self._index.frame_of(decoded.packet, decoded.repeat)
            if decoded is not None and number >= 0:
                pixels = self._converted(number, Held(decoded.frame, 1.0, 0), self._fitted(size))
                return DisplayFrame(
                    number, pixels.pixels, number == frame and self._right(decoded, number), pixels.scale
                )
        return self.read_display(frame, size)

    def read_at(self, seconds: float, size: tuple[int, int] | None = None) -> DisplayFrame:
        """The key frame at or before a time, for files whose index is not there yet; its number is unknown (-1)."""
        if self._previewer is None:
            self._previewer = Decoder(self.path, threads=1)
        first = int(self._index.picture_pts[0])
        frame = self._previewer.near(first + round(seconds / float(self._index.time_base)))
        if frame is None:
            raise UserError(f"no picture can be decoded near {seconds:.1f} s", path=self.path)
        shown = self._converted(-1, Held(frame, 1.0, 0), self._fitted(size))
        return DisplayFrame(-1, shown.pixels, False, shown.scale)

    def holds(self, frame: int) -> bool:
        """Whether the picture is in memory, at whatever size."""
        return frame in self._ring

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
        return DisplayFrame(frame, pixels, self.order_known, pixels.shape[1] / width)

    # -- decoding ------------------------------------------------------------------------------------------------

    def _new_decoder(self) -> Decoder:
        # Frame threads give other pictures than a clean decode does around damage.
        return Decoder(self.path, threads=1 if self._index.damage else 0)

    def move_to(self, frame: int) -> None:
        """Tell where the user is; what lies in the direction of travel is kept and fetched first."""
        step = frame - self._ring.centre
        if step:
            self._ring.direction = -1 if -_OVERSHOOT < step < 0 else 1
        self._ring.centre = frame

    def _picture(self, frame: int, *, allow_reduced: bool = False, cancelled: Cancelled | None = None) -> Held:
        self.move_to(frame)
        held = self._ring.get(frame)
        if held is not None and (allow_reduced or held.scale == 1.0):
            return held
        if frame in self._lost:
            raise UserError(self._lost[frame], path=self.path, frame=frame)
        self._plan(frame)
        if self._follows(frame):
            found = self._run_to(frame, cancelled)
            if found is not None:
                return found
        for start in _spread(self._index.starts(frame)):
            self._start(start)
            found = self._run_to(frame, cancelled)
            if found is not None:
                return found
        reason = self._reason_of_loss(frame)
        self._lost[frame] = reason
        self._index = with_damage(self._index, Damage(frame, reason))
        raise UserError(
            reason, path=self.path, frame=frame, remedy="The file is damaged there; other frames can be shown."
        )

    def _reason_of_loss(self, frame: int) -> str:
        packet = int(self._index.pictures[frame])
        for at, message in self._decoder.errors:
            if at == packet:
                return f"this picture cannot be decoded ({message})"
        return "this picture cannot be decoded"

    def _start(self, packet: int) -> None:
        self._decoder.start_at(self._index, packet)
        self._last_given = -1

    def _follows(self, frame: int) -> bool:
        """Whether going on from where the decoder stands is the shortest way to the picture."""
        if self._decoder.fed < 0 or frame <= self._last_given or self._last_given < 0:
            return False
        return self._index.starts(frame)[0] <= self._decoder.fed + 1

    def _run_to(self, frame: int, cancelled: Cancelled | None) -> Held | None:
        packet = int(self._index.pictures[frame])
        while self._decoder.fed <= packet + _OVERSHOOT:
            decoded = self._decoder.advance(cancelled=cancelled)
            if decoded is None:
                return None
            number = self._take(decoded, wanted=frame)
            if number == frame:
                return self._ring.get(frame) or Held(decoded.frame, 1.0, 0)
        return None

    def _take(self, decoded: Decoded, *, wanted: int) -> int:
        """Keep what the decoder gave if it is right; its number, -1 where it is not to be trusted."""
        number = self._index.frame_of(decoded.packet, decoded.repeat)
        if number < 0:
            return -1
        self._last_given = max(self._last_given, number)
        if not self._right(decoded, number):
            return -1
        if number < self._keep_from and number != wanted:
            return number
        if self._scale < 1.0 and abs(number - self._ring.centre) > _FULL_NEAR:
            self._ring.put(number, self._converter.reduced(decoded.frame, self._scale), self._scale)
        else:
            self._ring.put(number, decoded.frame)
        return number

    def _right(self, decoded: Decoded, number: int) -> bool:
        """Whether a picture is what a clean decode gives, as far as can be told."""
        start = self._decoder.start
        if start and number < self._index.frame_of(start):
            return False
        checks = self._index.checks
        if len(checks):
            return int(checks[number]) == check_sum(decoded.frame)
        return not (decoded.frame.is_corrupt and start)

    def _plan(self, frame: int) -> None:
        """Choose what of the way to ``frame`` is kept, and how large, so that it fits into memory."""
        self._keep_from, self._scale = 0, 1.0
        if self._ring.direction > 0:
            return
        first, _ = self._index.group_of(frame)
        size = self._picture_bytes or self._estimated_bytes()
        count = max(1, self._ring.centre - first + 1)
        room = 0.9 * self._ring.budget - min(count, 2 * _FULL_NEAR) * size
        self._scale = float(np.clip(np.sqrt(max(room, 0.0) / (count * size)), _FEWEST_SCALE, 1.0))
        capacity = int(max(room, 0.0) / (size * self._scale**2)) + _FULL_NEAR
        self._keep_from = max(first, self._ring.centre - capacity)

    def _estimated_bytes(self) -> int:
        width, height = self.facts.size
        deep = 2 if any(depth in self.facts.pixel_format for depth in ("10", "12", "16")) else 1
        return max(1, int(width * height * 1.5 * deep))

    # -- ahead of need -------------------------------------------------------------------------------------------

    def prefetch(self, *, ahead: int = 24, cancelled: Cancelled | None = None) -> bool:
        """Decode one picture more in the direction of travel; False where there is nothing to do."""
        wanted = self._missing(ahead)
        if wanted is None:
            return False
        self._plan(wanted)
        if not self._follows(wanted):
            self._start(self._index.starts(wanted)[0])
        decoded = self._decoder.advance(cancelled=cancelled)
        if decoded is None or self._decoder.fed > int(self._index.pictures[wanted]) + _OVERSHOOT:
            self._lost.setdefault(wanted, "this picture cannot be decoded")
            self._lost.pop(wanted)
            return False
        self._take(decoded, wanted=wanted)
        return True

    def _missing(self, ahead: int) -> int | None:
        ring = self._ring
        size = max(1, self._picture_bytes or self._estimated_bytes())
        if ring.direction > 0:
            reach = min(ahead, int(0.8 * ring.budget / size))
            span = range(ring.centre + 1, min(ring.centre + reach + 1, self.frame_count))
        else:
            first, _ = self._index.group_of(ring.centre)
            reach = first - 1 if first else 0
            first = self._index.group_of(max(reach, 0))[0]
            capacity = int(0.8 * ring.budget / (size * _FEWEST_SCALE**2))
            span = range(ring.centre - 1, max(first, ring.centre - capacity) - 1, -1)
        return next((frame for frame in span if frame not in ring and frame not in self._lost), None)

    # -- the rest ------------------------------------------------------------------------------------------------

    def use_index(self, index: VideoIndex) -> None:
        """Take a better index of the same file: grown, or confirmed. Pictures that may change numbers are forgotten."""
        old, known = self._index, self._index.frame_count
        self._index = index
        self._lost.clear()
        if (
            index.frame_count >= known
            and bool((index.pictures[:known] == old.pictures).all())
            and not len(index.checks)
        ):
            return
        self._ring.clear()
        self._decoder.close()
        self._decoder = self._new_decoder()
        self._last_given = -1

    def set_memory(self, budget: int) -> None:
        """Bytes that pictures may take."""
        self._ring.set_budget(budget)

    def close(self) -> None:
        """Give back the file and the memory; reading afterwards is a mistake."""
        self._decoder.close()
        if self._previewer is not None:
            self._previewer.close()
        self._ring.clear()


def _spread(starts: list[int]) -> list[int]:
    """The nearest start, then 1, 2, 4, ... key frames further back, the very first packet last."""
    chosen = [starts[at] for at in [0, *(2**power for power in range(len(starts).bit_length()))] if at < len(starts)]
    return list(dict.fromkeys([*chosen, starts[-1]]))
