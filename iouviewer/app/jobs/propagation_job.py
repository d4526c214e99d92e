"""Propagates boxes in a thread; the window shows each box as it is found and can stop at any time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue

from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.document.boxes import Rect
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.propagation import PropagationRequest, PropagationResult, propagate

POLL_MS = 33
logger = logging.getLogger(__name__)


class PropagationJob(QObject):
    """Runs one propagation at a time.

    Signals:
        moved(int, object): a frame and the boxes found on it, rectangles by the id of their start box; of the frames
            found between two polls only the last is announced.
        finished(object): ``PropagationResult``, also after ``stop``.
        failed(object): UserError; nothing was found.
    """

    moved = Signal(int, object)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="propagation")
        self._future: Future[PropagationResult] | None = None
        self._stop = threading.Event()
        self._found: SimpleQueue[tuple[int, Mapping[int, Rect]]] = SimpleQueue()
        # Polled, because a signal from the thread could reach a window that no longer exists.
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._on_poll_timeout)

    @property
    def is_running(self) -> bool:
        """Whether boxes are being propagated."""
        return self._future is not None

    def start(self, request: PropagationRequest) -> None:
        """Begin; ``finished`` or ``failed`` follows. Only when none is running."""
        assert self._future is None
        self._stop.clear()
        self._found = SimpleQueue()
        found = self._found
        self._future = self._pool.submit(
            lambda: propagate(request, lambda frame, boxes: found.put((frame, boxes)), self._stop.is_set)
        )
        self._poll.start()

    def stop(self) -> None:
        """Stop soon; ``finished`` brings what was found."""
        self._stop.set()

    def discard(self) -> None:
        """Stop and announce nothing."""
        self._stop.set()
        self._poll.stop()
        self._future = None

    def close(self) -> None:
        """Stop and end the thread."""
        self.discard()
        self._pool.shutdown(wait=True)

    def _on_poll_timeout(self) -> None:
        future = self._future
        if future is None:
            return
        is_done = future.done()
        latest = None
        while True:
            try:
                latest = self._found.get_nowait()
            except Empty:
                break
        if latest is not None:
            self.moved.emit(*latest)
        if not is_done or self._future is not future:
            return
        self._future = None
        self._poll.stop()
        error = future.exception()
        if error is None:
            self.finished.emit(future.result())
        elif isinstance(error, UserError):
            self.failed.emit(error)
        else:
            logger.error("Propagation failed", exc_info=error)
            self.failed.emit(UserError(tr("the boxes could not be propagated"), remedy=tr("Details are in the log.")))
