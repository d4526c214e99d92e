"""Limits how often a view is updated while the mouse drags."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from PySide6.QtCore import QObject, QTimer

LIVE_INTERVAL_MS = 33
"""Time between two updates of numbers and rows during a drag: thirty a second."""
TURN_MS = 8
"""Time between the updates of two groups of views: a mouse reports so often."""


class Throttle(QObject):
    """Calls a function at once, and then at most once per interval; the last request is never lost.

    Groups of views take turns: all of them between two reports of the mouse would make the dragged edge lag.

    Attributes:
        clock: seconds of all throttles; a benchmark replaces it.
    """

    clock: ClassVar[Callable[[], float]] = time.monotonic
    _last_turn: ClassVar[tuple[str, float]] = ("", 0.0)

    def __init__(
        self,
        update: Callable[[], object],
        parent: QObject | None = None,
        *,
        interval_ms: int = LIVE_INTERVAL_MS,
        group: str = "",
    ) -> None:
        """``group``: views of one group may be updated at the same time, and those without one at any time."""
        super().__init__(parent)
        self._update = update
        self._interval = interval_ms / 1000
        self._group = group
        self._last = self._due = 0.0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.request)

    def request(self) -> None:
        """Update now, or when the interval since the last update has passed and no other view has its turn."""
        now = Throttle.clock()
        if self._timer.isActive() and now < self._due:
            return
        self._due = self._last + self._interval
        group, turn = Throttle._last_turn
        if self._group and group != self._group:
            self._due = max(self._due, turn + TURN_MS / 1000)
        if now >= self._due:
            self._timer.stop()
            self._run(now)
        else:
            self._timer.start(max(1, round((self._due - now) * 1000)))

    def cancel(self) -> None:
        """Drop a pending update: the view is updated as a whole."""
        self._timer.stop()

    def _run(self, now: float) -> None:
        if self._group:
            Throttle._last_turn = (self._group, now)
        self._update()
        self._last = Throttle.clock()
