"""Runs one function at a time in a thread, with progress; a later one takes the place of the one before."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.errors import UserError
from iouviewer.i18n import tr

POLL_MS = 33
logger = logging.getLogger(__name__)

Work = Callable[[Callable[[float], None], Callable[[], bool]], object]
"""Gets ``report`` (the share that is done) and ``is_cancelled``; returns None where it was cancelled."""


class BackgroundTask(QObject):
    """A thread for one piece of work.

    Signals:
        progressed(float): the share of the current work that is done.
        finished(object): its result.
        failed(object): UserError; there is no result.
    """

    progressed = Signal(float)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._future: Future[object] | None = None
        self._stop = threading.Event()
        self._share = [0.0]
        # Polled, because a signal from the thread could reach a window that no longer exists.
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._on_poll_timeout)

    @property
    def is_running(self) -> bool:
        """Whether a result will follow."""
        return self._future is not None

    def start(self, work: Work) -> None:
        """Begin; ``finished`` or ``failed`` follows, unless another work takes its place."""
        self.cancel()
        stop, share = threading.Event(), [0.0]
        self._stop, self._share = stop, share

        def report(done: float) -> None:
            share[0] = done

        self._future = self._pool.submit(work, report, stop.is_set)
        self._poll.start()

    def cancel(self) -> None:
        """Stop soon and announce nothing."""
        self._stop.set()
        self._poll.stop()
        self._future = None

    def close(self) -> None:
        """Stop and end the thread."""
        self.cancel()
        self._pool.shutdown(wait=True)

    def _on_poll_timeout(self) -> None:
        future = self._future
        if future is None:
            return
        is_done = future.done()
        self.progressed.emit(self._share[0])
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
            logger.error("Background work failed", exc_info=error)
            self.failed.emit(UserError(tr("this could not be computed"), remedy=tr("Details are in the log.")))
