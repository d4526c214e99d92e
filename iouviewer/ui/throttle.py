"""Limits how often a view is updated while the mouse drags."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from PySide6.QtCore import QObject, QTimer

LIVE_INTERVAL_MS = 33
"""Time between two updates of numbers and rows during a drag: thirty a second."""


class Throttle(QObject):
    """Calls a function at once, and then at most once per interval; the last request is never lost.

    Attributes:
        clock: seconds of all throttles; a benchmark replaces it.
    """

    clock: ClassVar[Callable[[], float]] = time.monotonic

    def __init__(
        self, update: Callable[[], object], parent: QObject | None = None, *, interval_ms: int = LIVE_INTERVAL_MS
    ) -> None:
        super().__init__(parent)
        self._update = update
        self._interval = interval_ms / 1000
        self._last = 0.0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.request)

    def request(self) -> None:
        """Update now, or when the interval since the last update has passed."""
        if self._timer.isActive():
            return
        wait = self._last + self._interval - Throttle.clock()
        if wait <= 0:
            self._run()
        else:
            self._timer.start(max(1, round(wait * 1000)))

    def cancel(self) -> None:
        """Drop a pending update: the view is updated as a whole."""
        self._timer.stop()

    def _run(self) -> None:
        self._update()
        self._last = Throttle.clock()
