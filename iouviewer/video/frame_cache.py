"""Decoded pictures near the one on screen, within a budget of bytes."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import Any

from iouviewer.video.colour import frame_bytes

NEAR = 16
"""Pictures this near to the one on screen are kept at full size, and behind the travel as well."""

_LEFT_BEHIND = 1e9


@dataclass(slots=True)
class Held:
    """A picture in memory: PyAV's planes, their scale against the file's picture, whether it is surely right."""

    picture: Any
    scale: float = 1.0
    sure: bool = True
    size: int = 0


class Ring:
    """Pictures by number. When the budget is exceeded those left behind by the travel go first, then the farthest."""

    def __init__(self, budget: int) -> None:
        self._held: dict[int, Held] = {}
        self._numbers: list[int] = []
        self.used = 0
        self.budget = budget
        self.centre = 0
        self.direction = 1

    def __contains__(self, frame: int) -> bool:
        return frame in self._held

    def __len__(self) -> int:
        return len(self._held)

    def get(self, frame: int) -> Held | None:
        """The picture, or None."""
        return self._held.get(frame)

    def nearest(self, frame: int) -> int | None:
        """Number of the picture held that is nearest, the earlier of two; None where there is none."""
        at = bisect_left(self._numbers, frame)
        return min(self._numbers[max(at - 1, 0) : at + 1], key=lambda held: abs(held - frame), default=None)

    def frames(self) -> list[int]:
        """Numbers of the pictures held, ascending."""
        return list(self._numbers)

    def bytes_between(self, first: int, last: int) -> int:
        """Bytes of the pictures from one number to another."""
        span = self._numbers[bisect_left(self._numbers, first) : bisect_left(self._numbers, last + 1)]
        return sum(self._held[frame].size for frame in span)

    def put(self, frame: int, held: Held) -> bool:
        """Keep a picture; a smaller one never replaces a larger. False where it was itself the least useful."""
        old = self._held.get(frame)
        if old is not None:
            if old.scale > held.scale:
                return True
            self.drop(frame)
        held.size = frame_bytes(held.picture)
        self._held[frame] = held
        insort(self._numbers, frame)
        self.used += held.size
        self._evict()
        return frame in self._held

    def distance(self, frame: int) -> float:
        """How far a picture is from being needed: behind the direction of travel four times, and last of all soon."""
        ahead = (frame - self.centre) * self.direction
        if ahead >= 0:
            return float(ahead)
        return -4.0 * ahead if -ahead <= NEAR else _LEFT_BEHIND - ahead

    def set_budget(self, budget: int) -> None:
        """Change the budget, bytes; at least one picture is always kept.

        With a larger one, pictures that were kept small for want of room make way for whole ones.
        """
        if budget > self.budget:
            for frame in self.frames():
                if self._held[frame].scale < 1.0:
                    self.drop(frame)
        self.budget = budget
        self._evict()

    def _evict(self) -> None:
        while self.used > self.budget and len(self._held) > 1:
            # The distance grows to both sides, so the farthest picture is the first or the last.
            self.drop(max(self._numbers[0], self._numbers[-1], key=self.distance))

    def drop(self, frame: int) -> None:
        """Forget one picture."""
        held = self._held.pop(frame, None)
        if held is not None:
            self.used -= held.size
            del self._numbers[bisect_left(self._numbers, frame)]

    def clear(self) -> None:
        """Forget all pictures."""
        self._held.clear()
        self._numbers.clear()
        self.used = 0
