"""Finds problems in a thread: of the whole video, and after an edit around the frames that it changed.

Until a search is done, the window shows the previous problems.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.memory import release_freed_memory
from iouviewer.document.edits import FrameState
from iouviewer.document.ground_truth import rows_for_metrics
from iouviewer.document.problem_groups import GroupedProblems, group_problems
from iouviewer.document.problem_table import (
    FoundProblems,
    ProblemInputs,
    ProblemTable,
    find_all_problems,
    find_problems_around,
    part_around,
    part_of,
)
from iouviewer.metrics.table import Bool, BoxTable

POLL_MS = 15


def collect_evidence(session: Session) -> Callable[[], ProblemInputs] | None:
    """Copy the data that the search needs; None without frames.

    Returns:
        A function that another thread calls to build the evidence, because sorting takes long as well.
    """
    if not session.frame_count:
        return None
    truth = session.ground_truth
    columns = truth.columns()
    table, labelled, predictions = truth.table(), truth.states() == FrameState.LABELLED, _predictions(session)
    review, picture = session.scores.settings.review, _picture(session)

    def build() -> ProblemInputs:
        order = np.argsort(columns[5], kind="stable")
        ids, tracks = columns[5][order], columns[3][order]
        return ProblemInputs(table, labelled, ids, tracks, predictions, review, picture)

    return build


def _predictions(session: Session) -> tuple[tuple[BoxTable, Bool], ...]:
    """Of all variants, the baseline first."""
    baseline = session.variants.baseline
    others = [variant for variant in session.variants if baseline is None or variant.key != baseline.key]
    variants = others if baseline is None else [baseline, *others]
    return tuple((variant.predictions.table, variant.predictions.covered) for variant in variants)


def _picture(session: Session) -> tuple[float, float]:
    return float(session.source.width), float(session.source.height)


def collect_part(session: Session, frames: range) -> ProblemInputs:
    """The evidence of a part of the video; other frames of the ground truth are not copied."""
    truth = session.ground_truth
    of_frame, rects, class_ids, tracks, flags, ids = truth.part(frames)
    rows, class_ids, ignored, by_iou = rows_for_metrics(class_ids, flags)
    table = BoxTable.from_rows(
        of_frame[rows] - frames.start, rects[:, rows], frame_count=len(frames), class_ids=class_ids, ignored=ignored,
        ids=ids[rows], by_iou=by_iou,
    )  # fmt: skip
    order = np.argsort(ids, kind="stable")
    part = slice(frames.start, frames.stop)
    predictions = tuple((part_of(one, frames), covered[part]) for one, covered in _predictions(session))
    labelled = (truth.states() == FrameState.LABELLED)[part]
    review = session.scores.settings.review
    return ProblemInputs(
        table, labelled, ids[order], tracks[order], predictions, review, _picture(session), frames.start
    )


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The problems after a search.

    Attributes:
        edited: the frames whose edits it followed; None after a search of the whole video.
    """

    grouped: GroupedProblems
    edited: frozenset[int] | None


class ProblemsJob(QObject):
    """Runs one search at a time; of the requests that arrive during a search, the last ones are done after it.

    Signals:
        ready(SearchResult): the problems found, those of the last request.
        progressed(): ``share`` has grown by a per cent or more.

    Attributes:
        seconds: duration of the last search of the whole video.
        share: how much of the running search is done, 0..1.
    """

    ready = Signal(object)
    progressed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.seconds = self.share = self._last_share = 0.0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="problems")
        self._future: Future[tuple[FoundProblems, GroupedProblems, float]] | None = None
        self._found: FoundProblems | None = None
        self._waiting: Callable[[], ProblemInputs] | None = None
        self._session: Session | None = None
        self._edited: set[int] = set()
        self._running_edited: frozenset[int] | None = None
        # Polled, because a signal from the thread could reach a window that no longer exists.
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._on_poll_timeout)

    @property
    def busy(self) -> bool:
        """Whether a search is running or pending."""
        return self._future is not None

    def request(self, evidence: Callable[[], ProblemInputs]) -> None:
        """Search the whole video; ``ready`` follows."""
        # The evidence was collected just now; only later edits are searched once more.
        self._edited.clear()
        if self._future is None:
            self._start(evidence)
        else:
            self._waiting = evidence

    def _start(self, evidence: Callable[[], ProblemInputs]) -> None:
        self.share = self._last_share = 0.0
        self._running_edited = None
        self._future = self._pool.submit(_search, evidence, self._set_share)
        self._poll.start()

    def request_around(self, session: Session, frames: Iterable[int]) -> None:
        """Search again where the problems depend on these frames, which were edited; ``ready`` follows.

        The first search of the video must have been requested.
        """
        self._session = session
        self._edited.update(frames)
        if self._future is None:
            self._search_edited()

    def _search_edited(self, unsaid: frozenset[int] = frozenset()) -> None:
        """Search around the edited frames; ``unsaid`` were searched before and belong to the next result."""
        session, found = self._session, self._found
        if session is None or found is None or not self._edited:
            return
        again, part = part_around(self._edited, len(found.table.offsets) - 1)
        inputs = collect_part(session, part)
        self._running_edited = frozenset(self._edited) | unsaid
        self._edited.clear()
        self._future = self._pool.submit(_search_around, inputs, again, found)
        self._poll.start()

    def search_now(self, evidence: Callable[[], ProblemInputs]) -> SearchResult:
        """Search the whole video and wait for the result."""
        self.cancel()
        self._found, grouped, self.seconds = _search(evidence, lambda _share: None)
        return SearchResult(grouped, None)

    def _set_share(self, share: float) -> None:
        self.share = share  # in the thread; read by the timer

    def cancel(self) -> None:
        """Discard the running search and the pending requests."""
        self._waiting = None
        self._future = None
        self._edited.clear()
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
            self._start(waiting)
            return
        self._found, grouped, seconds = future.result()
        edited = self._running_edited
        if edited is None:
            self.seconds = seconds
        elif self._edited:
            # An undo may have taken the edit back: what lies between two edits was never seen and decides nothing.
            self._search_edited(edited)
            return
        # Frames that were edited meanwhile are searched before the window asks whether the search is complete.
        self._search_edited()
        self.ready.emit(SearchResult(grouped, edited))


def _search(
    evidence: Callable[[], ProblemInputs], progress: Callable[[float], None]
) -> tuple[FoundProblems, GroupedProblems, float]:
    start = time.perf_counter()
    found = find_all_problems(evidence(), progress)
    grouped, seconds = group_problems(found.table), time.perf_counter() - start
    release_freed_memory()
    return found, grouped, seconds


def _search_around(
    part: ProblemInputs, again: Bool, known: FoundProblems
) -> tuple[FoundProblems, GroupedProblems, float]:
    start = time.perf_counter()
    found = find_problems_around(part, again, known)
    return found, group_problems(found.table), time.perf_counter() - start


EMPTY = group_problems(ProblemTable.of((), 0))
"""No problems."""
