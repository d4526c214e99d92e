"""Verdicts in the background: computed in a thread when the hand rests, never during a drag."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Change, FrameState, Phase
from iouviewer.document.variants import RunState
from iouviewer.jobs.compare import (
    DEFAULT_MARGINS,
    ComparedVariant,
    Comparison,
    agree,
    agreement_sentence,
    compare_variant,
    compared_sentence,
)
from iouviewer.jobs.eval_inputs import facts_of

_log = logging.getLogger(__name__)
REST_MS = 700
"""How long nothing may have changed before the intervals are computed anew."""


@dataclass(frozen=True, slots=True)
class VariantVerdict:
    """Verdict of one variant for the window; ``compared`` is None where no frame is common."""

    key: str
    name: str
    compared: ComparedVariant | None
    sentence: str


@dataclass(frozen=True)
class _Task:
    number: int
    comparison: Comparison
    names: dict[str, str]


class _Worker(QObject):
    """Lives in the thread; computes one task, and gives it up when a later one is asked for.

    Signals:
        done(int, list[VariantVerdict]): the task's number, and all its verdicts so far, after each of them.
    """

    done = Signal(int, object)

    def __init__(self) -> None:
        super().__init__()
        self.wanted = 0

    @Slot(object)
    def run(self, task: _Task) -> None:
        """Compute the verdicts of all variants but the baseline, and tell each as soon as it is there."""
        found: list[VariantVerdict] = []
        try:
            for key in task.names:
                if key != task.comparison.baseline:
                    found.append(self._judge(task, key))
                    self.done.emit(task.number, list(found))
        except InterruptedError:
            _log.debug("verdicts %d given up", task.number)

    def _judge(self, task: _Task, key: str) -> VariantVerdict:
        compared = compare_variant(task.comparison, key, cancelled=lambda: self.wanted != task.number)
        name, baseline = task.names[key], task.names[task.comparison.baseline]
        if compared is None:
            text = agreement_sentence(name, baseline, agree(task.comparison, key))
        else:
            text = compared_sentence(name, baseline, compared)
        return VariantVerdict(key, name, compared, text)


class VerdictJob(QObject):
    """Keeps the verdicts current.

    Signals:
        outdated(): numbers changed; what is shown is grey until ``ready``.
        ready(list[VariantVerdict]): in the order of the variants, without the baseline; one after the other, so that
            the first is read while the last is computed. ``complete`` says whether more will come.
    """

    outdated = Signal()
    ready = Signal(object)
    _asked = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.margins = dict(DEFAULT_MARGINS)
        self.complete = True
        self._count = 0
        self._thread = QThread(self)
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        self._asked.connect(self._worker.run)
        self._worker.done.connect(self._on_worker_done)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._ask)
        session.scoresChanged.connect(self._on_numbers_changed)
        session.variants.predictionsChanged.connect(self._on_numbers_changed)
        session.changed.connect(self._on_session_changed)
        self._thread.start()

    def set_margins(self, margins: dict[str, float]) -> None:
        """Other margins, points by metric."""
        self.margins = dict(margins)
        self._on_numbers_changed()

    def close(self) -> None:
        """Give up what is computed and end the thread."""
        self._rest.stop()
        self._worker.wanted = -1
        self._thread.quit()
        self._thread.wait()

    @Slot()
    def _on_numbers_changed(self) -> None:
        self._worker.wanted += 1
        self.complete = False
        self._rest.start()
        self.outdated.emit()

    @Slot(object)
    def _on_session_changed(self, change: Change) -> None:
        if change.frames:
            self._on_numbers_changed()
        if change.phase is Phase.LIVE and change.origin != "cancel":
            self._rest.stop()

    @Slot()
    def _ask(self) -> None:
        baseline = self._session.variants.baseline
        # A run that failed is told as such; what it left says nothing of the model.
        judged = [variant for variant in self._session.variants if variant.state is not RunState.FAILED]
        self._count = len(judged)
        if baseline is None or baseline not in judged or len(judged) < 2:
            self.complete = True
            self.ready.emit([])
            return
        truth = self._session.ground_truth
        settings = self._session.scores.settings
        labelled = truth.states() == FrameState.LABELLED
        if settings.frames is not None:
            labelled = labelled & settings.frames
        comparison = Comparison(
            truth.table(),
            labelled,
            {variant.key: variant.predictions for variant in judged},
            baseline.key,
            settings.review,
            self._session.source.fps,
            self.margins,
            single_images=facts_of(self._session.source).image_names is not None,
        )
        names = {variant.key: variant.name for variant in judged}
        self._asked.emit(_Task(self._worker.wanted, comparison, names))

    @Slot(int, object)
    def _on_worker_done(self, number: int, verdicts: list[VariantVerdict]) -> None:
        if number == self._worker.wanted:
            self.complete = len(verdicts) >= self._count - 1
            self.ready.emit(verdicts)
