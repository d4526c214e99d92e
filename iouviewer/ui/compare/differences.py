"""Computes the differences of the variants in a thread while they are shown (``jobs.differences``)."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Change, FrameState, Phase
from iouviewer.jobs.breakdown import Breakdown, find_breakdowns
from iouviewer.jobs.differences import ComparisonInput, Differences, find_differences
from iouviewer.jobs.track_times import TrackRow, find_track_times

UPDATE_DELAY_MS = 250
"""Delay after the last change before the differences are computed."""
RUN_REFRESH_MS = 2000
"""Minimum time between two computations during a run."""


class Analysis(StrEnum):
    """What is computed only while it is shown."""

    BREAKDOWN = "breakdown"
    STEPS = "steps"
    TRACKS = "tracks"


class _Worker(QObject):
    """Runs in the thread."""

    done = Signal(int, object)
    brokenDown = Signal(int, object)
    tracked = Signal(int, object)

    @Slot(object, object)
    def run(self, data: ComparisonInput, shown: frozenset[Analysis]) -> None:
        self.done.emit(data.number, find_differences(data))
        if shown & {Analysis.BREAKDOWN, Analysis.STEPS}:
            self.brokenDown.emit(data.number, find_breakdowns(data, with_steps=Analysis.STEPS in shown))
        if Analysis.TRACKS in shown:
            self.tracked.emit(data.number, find_track_times(data))


class DifferencesJob(QObject):
    """Keeps the differences up to date while they are shown.

    Signals:
        ready(Differences): the latest result; older ones are dropped.
        breakdownReady(dict): the ``Breakdown`` of each variant by key, while one is shown.
        tracksReady(dict): the rows of ``jobs.track_times`` of each variant by key, while they are shown.
    """

    ready = Signal(object)
    breakdownReady = Signal(object)
    tracksReady = Signal(object)
    _requested = Signal(object, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._number = 0
        self._is_active = False
        self._is_stale = True
        self._shown: frozenset[Analysis] = frozenset()
        self._thread = QThread(self)
        self._thread.setObjectName("differences")
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        self._requested.connect(self._worker.run)
        self._worker.done.connect(self._on_worker_done)
        self._worker.brokenDown.connect(self._on_worker_broken_down)
        self._worker.tracked.connect(self._on_worker_tracked)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._start)
        session.scoresChanged.connect(self._schedule)
        session.variants.listChanged.connect(self._schedule)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        session.sourceChanged.connect(self._schedule)
        session.changed.connect(self._on_session_changed)

    def set_active(self, active: bool) -> None:
        """Compute only while the results are shown."""
        self._is_active = active
        if active and self._is_stale:
            self._timer.start(UPDATE_DELAY_MS)

    def set_shown(self, shown: frozenset[Analysis]) -> None:
        """Compute these, too, while they are shown."""
        if not shown <= self._shown:
            self._schedule()
        self._shown = shown

    def close(self) -> None:
        """End the thread."""
        self._is_active = False
        self._timer.stop()
        self._number += 1
        self._thread.quit()
        self._thread.wait()

    def _schedule(self) -> None:
        self._is_stale = True
        self._number += 1
        if self._is_active:
            self._timer.start(UPDATE_DELAY_MS)

    def _on_predictions_changed(self, _key: str, frames: frozenset[int] | None) -> None:
        # During a run the shown results stay until the next ones are ready.
        if frames is not None:
            self._is_stale = True
            if self._is_active and not self._timer.isActive():
                self._timer.start(RUN_REFRESH_MS)

    def _on_session_changed(self, change: Change) -> None:
        if change.frames and change.phase is Phase.COMMITTED:
            self._schedule()

    def _start(self) -> None:
        session = self._session
        self._is_stale = False
        baseline = session.variants.baseline
        # With the boxes marked that the filter leaves out.
        truth = session.scores.ground_truth
        labelled = truth.states() == FrameState.LABELLED
        settings = session.scores.settings
        chosen = settings.selected(truth.frame_count)
        if chosen is not None:
            labelled = labelled & chosen
        variants = {variant.key: session.scores.predictions(variant.key) for variant in session.variants}
        if not self._thread.isRunning():
            self._thread.start()
        key = "" if baseline is None else baseline.key
        table = truth.table()
        *_, tracks, _flags, ids = session.ground_truth.columns()
        if len(ids) != len(table):  # the table lacks boxes that take no part
            tracks = tracks[np.isin(ids, table.ids)]
        data = ComparisonInput(self._number, table, labelled, settings.review, variants, key, tracks)
        self._requested.emit(data, self._shown)

    @Slot(int, object)
    def _on_worker_done(self, number: int, differences: Differences) -> None:
        if number == self._number:
            self.ready.emit(differences)

    @Slot(int, object)
    def _on_worker_broken_down(self, number: int, breakdowns: dict[str, Breakdown]) -> None:
        if number == self._number:
            self.breakdownReady.emit(breakdowns)

    @Slot(int, object)
    def _on_worker_tracked(self, number: int, tracks: dict[str, tuple[TrackRow, ...]]) -> None:
        if number == self._number:
            self.tracksReady.emit(tracks)
