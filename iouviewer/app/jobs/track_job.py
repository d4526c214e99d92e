"""Sums up the tracks of the whole video in a thread; until it is done, the window shows the previous ones."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import FrameState
from iouviewer.document.origin_view import states_for
from iouviewer.document.track_table import TrackBoxes, TrackTable, find_box_ious

POLL_MS = 15


def collect_tracks(session: Session, *, with_ious: bool) -> Callable[[], TrackTable]:
    """Copy the data of the tracks; returns a function that another thread calls to sum them up."""
    truth, baseline = session.ground_truth, session.variants.baseline
    columns, table = truth.columns(), truth.table()
    if baseline is None or not with_ious:
        return lambda: TrackTable(TrackBoxes.of_columns(columns))
    frames = (states_for(truth, baseline.key) == FrameState.LABELLED) & baseline.predictions.covered
    predictions, settings = baseline.predictions.table, session.scores.settings.review
    return lambda: TrackTable(TrackBoxes.of_columns(columns, find_box_ious(table, predictions, frames, settings)))


class TrackJob(QObject):
    """Runs one computation at a time; of the requests that arrive meanwhile, only the last one is kept.

    Signals:
        ready(TrackTable): the result of the last request.
    """

    ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="tracks")
        self._future: Future[TrackTable] | None = None
        self._waiting: Callable[[], TrackTable] | None = None
        # Polled, because a signal from the thread could reach a window that no longer exists.
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._on_poll_timeout)

    def request(self, build: Callable[[], TrackTable]) -> None:
        """Sum up the tracks; ``ready`` follows."""
        if self._future is not None:
            self._waiting = build
            return
        self._future = self._pool.submit(build)
        self._poll.start()

    def _on_poll_timeout(self) -> None:
        future = self._future
        if future is None or not future.done():
            return
        self._future = None
        self._poll.stop()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.request(waiting)
            return
        self.ready.emit(future.result())
