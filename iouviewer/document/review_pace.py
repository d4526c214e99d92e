"""How fast problems are decided, for an estimate of the time that is left."""

from __future__ import annotations

from collections import deque
from statistics import median

MIN_DECISIONS = 5
"""Decisions before an estimate is made."""
_COUNTED = 20
_LONGEST_SECONDS = 300.0
"""Longer than this nobody looked at the problem."""


class ReviewPace:
    """Times of the last decisions; times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_COUNTED)
        self._since: float | None = None

    def start(self, now: float) -> None:
        """A problem is on the screen."""
        self._since = now

    def stop(self) -> None:
        """The review was left."""
        self._since = None

    def decide(self, now: float, count: int = 1) -> None:
        """``count`` problems were decided at once; each took its share of the time since ``start``."""
        if self._since is None or count < 1:
            return
        seconds, self._since = now - self._since, now
        if seconds <= _LONGEST_SECONDS:
            self._seconds.extend([seconds / count] * min(count, _COUNTED))

    def seconds_left(self, problems: int) -> float | None:
        """The time that this many problems will take; None before ``MIN_DECISIONS`` decisions."""
        return median(self._seconds) * problems if len(self._seconds) >= MIN_DECISIONS else None
