"""Decoded frames near the current one, within a budget of bytes."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import Any

from iouviewer.video.conversion import frame_bytes

FULL_SIZE_RADIUS = 16
"""Distance from the current frame up to which frames are kept at full size, in both directions."""

_BEHIND = 1e9


@dataclass(slots=True)
class CachedFrame:
    """A frame in memory.

    Attributes:
        frame: PyAV's frame.
        scale: its size relative to the frame in the file.
        exact: whether its content is known to equal that of a clean decode.
        size: bytes.
    """

    frame: Any
    scale: float = 1.0
    exact: bool = True
    size: int = 0


class FrameCache:
    """Frames by number. Beyond the budget, frames behind the direction of navigation are evicted first, then the
    farthest."""

    def __init__(self, budget: int) -> None:
        self._frames: dict[int, CachedFrame] = {}
        self._numbers: list[int] = []
        self.used = 0
        self.budget = budget
        self.position = 0
        self.direction = 1

    def __contains__(self, number: int) -> bool:
        return number in self._frames

    def __len__(self) -> int:
        return len(self._frames)

    def get(self, number: int) -> CachedFrame | None:
        """The frame, or None."""
        return self._frames.get(number)

    def nearest(self, number: int) -> int | None:
        """Number of the nearest cached frame, the earlier of two; None if there is none."""
        at = bisect_left(self._numbers, number)
        return min(self._numbers[max(at - 1, 0) : at + 1], key=lambda cached: abs(cached - number), default=None)

    def numbers(self) -> list[int]:
        """Numbers of the cached frames, ascending."""
        return list(self._numbers)

    def bytes_between(self, first: int, last: int) -> int:
        """Bytes of the frames from one number to another, inclusive."""
        span = self._numbers[bisect_left(self._numbers, first) : bisect_left(self._numbers, last + 1)]
        return sum(self._frames[number].size for number in span)

    def put(self, number: int, cached: CachedFrame) -> bool:
        """Add a frame; a smaller one never replaces a larger one. Returns False if it was evicted at once."""
        old = self._frames.get(number)
        if old is not None:
            if old.scale > cached.scale:
                return True
            self.drop(number)
        cached.size = frame_bytes(cached.frame)
        self._frames[number] = cached
        insort(self._numbers, number)
        self.used += cached.size
        self._evict()
        return number in self._frames

    def eviction_distance(self, number: int) -> float:
        """Distance for eviction: four times as far for frames just behind, the farthest of all for others behind."""
        ahead = (number - self.position) * self.direction
        if ahead >= 0:
            return float(ahead)
        return -4.0 * ahead if -ahead <= FULL_SIZE_RADIUS else _BEHIND - ahead

    def set_budget(self, budget: int) -> None:
        """Change the budget, bytes; at least one frame is always kept.

        With a larger budget, frames that were cached downscaled for lack of memory are dropped in favour of full ones.
        """
        if budget > self.budget:
            for number in self.numbers():
                if self._frames[number].scale < 1.0:
                    self.drop(number)
        self.budget = budget
        self._evict()

    def _evict(self) -> None:
        while self.used > self.budget and len(self._frames) > 1:
            # The distance grows in both directions, so the farthest frame is the first or the last.
            self.drop(max(self._numbers[0], self._numbers[-1], key=self.eviction_distance))

    def drop(self, number: int) -> None:
        """Remove one frame."""
        cached = self._frames.pop(number, None)
        if cached is not None:
            self.used -= cached.size
            del self._numbers[bisect_left(self._numbers, number)]

    def clear(self) -> None:
        """Remove all frames."""
        self._frames.clear()
        self._numbers.clear()
        self.used = 0
