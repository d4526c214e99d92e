"""Looks for the problems of the whole video in a thread; the window goes on with what it has."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import FrameState
from iouviewer.document.problem_groups import Arranged, arrange
from iouviewer.document.problem_table import Evidence, all_problems
from iouviewer.metrics.table import Bool, BoxTable, Int

POLL_MILLISECONDS = 15


def gather(session: Session) -> Callable[[], Evidence] | None:
    """What problems of the session are looked for in, as values; None where there is nothing to compare.

    Returns:
        What another thread calls for the evidence: sorting takes long, too.
    """
    baseline = session.variants.baseline
    if baseline is None or not session.frame_count:
        return None
    truth = session.ground_truth
    columns = truth.columns()
    rest = [variant for variant in session.variants if variant.key != baseline.key]
    predictions = tuple((v.predictions.table, v.predictions.covered) for v in (baseline, *rest))
    labelled = truth.states() == FrameState.LABELLED
    return _Gathered(truth.table(), labelled, columns[5], columns[3], predictions, session).evidence


class _Gathered:
    def __init__(
        self,
        truth: BoxTable,
        labelled: Bool,
        ids: Int,
        tracks: Int,
        predictions: tuple[tuple[BoxTable, Bool], ...],
        session: Session,
    ) -> None:
        self._truth, self._labelled, self._ids, self._tracks = truth, labelled, ids, tracks
        self._predictions, self._review = predictions, session.scores.settings.review

    def evidence(self) -> Evidence:
        order = np.argsort(self._ids, kind="stable")
        ids, tracks = self._ids[order], self._tracks[order]
        return Evidence(self._truth, self._labelled, ids, tracks, self._predictions, self._review)


class ProblemsJob(QObject):
    """One search at a time; asked for another one meanwhile, it does the last one that was asked for.

    Signals:
        ready(Arranged): what was found; the answer to the last question only.

    Attributes:
        seconds: how long the last search took.
    """

    ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.seconds = 0.0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="problems")
        self._future: Future[tuple[Arranged, float]] | None = None
        self._waiting: Callable[[], Evidence] | None = None
        # Asked now and then: nothing can reach a window that is gone, as a signal of a thread could.
        self._poll = QTimer(self, interval=POLL_MILLISECONDS)
        self._poll.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._future is not None

    def ask(self, evidence: Callable[[], Evidence]) -> None:
        """Search in this; ``ready`` follows."""
        if self._future is not None:
            self._waiting = evidence
            return
        self._future = self._pool.submit(_search, evidence)
        self._poll.start()

    def cancel(self) -> None:
        """No answer is wanted any more."""
        self._waiting = None
        self._future = None
        self._poll.stop()

    def _look(self) -> None:
        future = self._future
        if future is None or not future.done():
            return
        self._future = None
        self._poll.stop()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.ask(waiting)
            return
        found, self.seconds = future.result()
        self.ready.emit(found)


def _search(evidence: Callable[[], Evidence]) -> tuple[Arranged, float]:
    start = time.perf_counter()
    return arrange(all_problems(evidence())), time.perf_counter() - start
