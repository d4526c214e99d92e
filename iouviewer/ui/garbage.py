"""Garbage collection in the main thread only.

Python collects in whichever thread happens to create an object. A collection in a worker thread destroys the Qt
objects of closed dialogs and windows there, and Qt then crashes now and again. So automatic collection stays off, and a
timer of the main thread collects by Python's own thresholds.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000


class MainThreadCollector(QObject):
    """Collects garbage in the thread in which it is created, once a second where Python would have collected."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        timer = QTimer(self)
        timer.setInterval(INTERVAL_MS)
        timer.timeout.connect(self.collect_if_due)
        timer.start()

    def collect_if_due(self) -> None:
        """Collect the oldest generation whose threshold is exceeded."""
        due = [
            number for number, pair in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)) if _over(pair)
        ]
        if due:
            gc.collect(due[-1])


def _over(pair: tuple[int, int]) -> bool:
    count, threshold = pair
    return count > threshold
