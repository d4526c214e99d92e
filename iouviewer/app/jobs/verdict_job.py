"""Computes verdicts in a thread while the user is idle, never during a drag."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.session_inputs import is_settled, read_session
from iouviewer.app.memory import release_freed_memory
from iouviewer.document.edits import Change, Phase
from iouviewer.document.variants import RunState
from iouviewer.errors import UserError
from iouviewer.jobs.compare import DEFAULT_MARGINS, Pool, build_comparison
from iouviewer.jobs.eval_inputs import EvalInputs
from iouviewer.jobs.judge import Judged, Names, judge_variant
from iouviewer.jobs.operating_points import COMMON, OperatingPoint, at_point
from iouviewer.metrics.review import ReviewSettings

_log = logging.getLogger(__name__)
IDLE_MS = 700
"""Milliseconds without changes before the intervals are computed."""


@dataclass(frozen=True)
class _Task:
    number: int
    inputs: EvalInputs
    baseline: str
    settings: ReviewSettings
    margins: Mapping[str, float]
    names: Names
    point: OperatingPoint


class _Worker(QObject):
    """Runs in the thread; computes one task, and aborts it when a later one is requested.

    Signals:
        done(int, list[Judged]): the task's number, and all its verdicts so far, after each of them.
        refused(int, UserError): the task's number, and why nothing can be judged.
    """

    done = Signal(int, object)
    refused = Signal(int, object)

    def __init__(self) -> None:
        super().__init__()
        self.current = 0

    @Slot(object)
    def run(self, task: _Task) -> None:
        """Compute the verdicts of all variants but the baseline, and emit each as soon as it is ready."""
        found: list[Judged] = []
        try:
            inputs = at_point(task.inputs, task.point, task.settings)
            pool = Pool((build_comparison(inputs, task.baseline, task.settings, task.margins),))
            names = replace(task.names, point=inputs.point)
            for key in task.names.variants:
                if key != task.baseline:
                    found.append(judge_variant(pool, key, names, cancelled=lambda: self.current != task.number))
                    self.done.emit(task.number, list(found))
        except InterruptedError:
            _log.debug("verdicts %d cancelled", task.number)
        except UserError as error:
            self.refused.emit(task.number, error)
        release_freed_memory()


class VerdictJob(QObject):
    """Keeps the verdicts current.

    Signals:
        outdated(): scores changed; the verdicts shown are grey until ``ready``.
        ready(list[Judged]): in the order of the variants, without the baseline. Emitted after each verdict, so
            that the first can be read while the last is computed; ``complete`` is False while more will follow.
        refused(UserError): a variant does not reach the operating point.
    """

    outdated = Signal()
    ready = Signal(object)
    refused = Signal(object)
    _taskRequested = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.margins = dict(DEFAULT_MARGINS)
        self.point = COMMON
        self.complete = True
        self._count = 0
        self._keys: dict[str, str] = {}
        self._thread = QThread(self)
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        self._taskRequested.connect(self._worker.run)
        self._worker.done.connect(self._on_worker_done)
        self._worker.refused.connect(self._on_worker_refused)
        self._timer = QTimer(self, singleShot=True, interval=IDLE_MS)
        self._timer.timeout.connect(self._request_task)
        session.scoresChanged.connect(self._on_scores_changed)
        session.variants.predictionsChanged.connect(self._on_scores_changed)
        session.changed.connect(self._on_session_changed)
        self._thread.start()

    def set_margins(self, margins: dict[str, float]) -> None:
        """Set the margins (allowed drop) in points by metric."""
        self.margins = dict(margins)
        self._on_scores_changed()

    def set_point(self, point: OperatingPoint) -> None:
        """Set where variants stand."""
        if point != self.point:
            self.point = point
            self._on_scores_changed()

    def close(self) -> None:
        """Cancel the computation and end the thread."""
        self._timer.stop()
        self._worker.current = -1
        self._thread.quit()
        self._thread.wait()

    @Slot()
    def _on_scores_changed(self) -> None:
        self._worker.current += 1
        self.complete = False
        self._timer.start()
        self.outdated.emit()

    @Slot(object)
    def _on_session_changed(self, change: Change) -> None:
        if change.frames:
            self._on_scores_changed()
        if change.phase is Phase.LIVE and change.origin != "cancel":
            self._timer.stop()

    @Slot()
    def _request_task(self) -> None:
        if not is_settled(self._session):
            return  # scores change again soon
        baseline = self._session.variants.baseline
        # A failed run is shown as such; its partial predictions say nothing about the model.
        judged = [variant for variant in self._session.variants if variant.state is not RunState.FAILED]
        self._count = len(judged)
        if baseline is None or baseline not in judged or len(judged) < 2:
            self.complete = True
            self.ready.emit([])
            return
        request, inputs = read_session(self._session, self.margins, variants=judged)
        self._keys = {variant.name: variant.key for variant in judged}
        names = Names({variant.name: variant.name for variant in judged}, [inputs.source.name])
        task = _Task(self._worker.current, inputs, baseline.name, request.settings, self.margins, names, self.point)
        self._taskRequested.emit(task)

    @Slot(int, object)
    def _on_worker_done(self, number: int, verdicts: list[Judged]) -> None:
        if number == self._worker.current:
            self.complete = len(verdicts) >= self._count - 1
            self.ready.emit([replace(one, key=self._keys[one.key]) for one in verdicts])

    @Slot(int, object)
    def _on_worker_refused(self, number: int, error: UserError) -> None:
        if number == self._worker.current:
            self.refused.emit(error)
