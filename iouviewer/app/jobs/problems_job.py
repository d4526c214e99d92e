"""Finds the problems of the whole video in a thread; until it is done, the window shows the previous ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import FrameState
from iouviewer.document.problem_groups import GroupedProblems, group_problems
from iouviewer.document.problem_table import ProblemInputs, find_all_problems
from iouviewer.metrics.table import Bool, BoxTable, Int

POLL_MS = 15


def collect_evidence(session: Session) -> Callable[[], ProblemInputs] | None:
    """Copy the data that the search needs; None if there is nothing to compare.

    Returns:
        A function that another thread calls to build the evidence, because sorting takes long as well.
    """
    baseline = session.variants.baseline
    if baseline is None or not session.frame_count:
        return None
    truth = session.ground_truth
    columns = truth.columns()
    others = [variant for variant in session.variants if variant.key != baseline.key]
    predictions = tuple((v.predictions.table, v.predictions.covered) for v in (baseline, *others))
    labelled = truth.states() == FrameState.LABELLED
    return _EvidenceBuilder(truth.table(), labelled, columns[5], columns[3], predictions, session).build


class _EvidenceBuilder:
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

    def build(self) -> ProblemInputs:
        order = np.argsort(self._ids, kind="stable")
        ids, tracks = self._ids[order], self._tracks[order]
        return ProblemInputs(self._truth, self._labelled, ids, tracks, self._predictions, self._review)


class ProblemsJob(QObject):
    """Runs one search at a time; of the requests that arrive during a search, only the last one is kept.

    Signals:
        ready(GroupedProblems): the problems found; only for the last request.
        progressed(): ``share`` has grown by a per cent or more.

    Attributes:
        seconds: duration of the last search.
        share: how much of the running search is done, 0..1.
    """

    ready = Signal(object)
    progressed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.seconds = self.share = self._last_share = 0.0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="problems")
        self._future: Future[tuple[GroupedProblems, float]] | None = None
        self._waiting: Callable[[], ProblemInputs] | None = None
        # Polled, because a signal from the thread could reach a window that no longer exists.
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._on_poll_timeout)

    @property
    def busy(self) -> bool:
        """Whether a search is running or pending."""
        return self._future is not None

    def request(self, evidence: Callable[[], ProblemInputs]) -> None:
        """Search for problems; ``ready`` follows."""
        if self._future is not None:
            self._waiting = evidence
            return
        self.share = self._last_share = 0.0
        self._future = self._pool.submit(_search, evidence, self._set_share)
        self._poll.start()

    def _set_share(self, share: float) -> None:
        self.share = share  # in the thread; read by the timer

    def cancel(self) -> None:
        """Discard the running search and the pending request."""
        self._waiting = None
        self._future = None
        self._poll.stop()

    def _on_poll_timeout(self) -> None:
        future = self._future
        if future is not None and self.share - self._last_share >= 0.01:
            self._last_share = self.share
            self.progressed.emit()
        if future is None or not future.done():
            return
        self._future = None
        self._poll.stop()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.request(waiting)
            return
        result, self.seconds = future.result()
        self.ready.emit(result)


def _search(evidence: Callable[[], ProblemInputs], progress: Callable[[float], None]) -> tuple[GroupedProblems, float]:
    start = time.perf_counter()
    return group_problems(find_all_problems(evidence(), progress)), time.perf_counter() - start
