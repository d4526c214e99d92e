"""Numbers that take long, and AP of runs that ended, computed in a thread: the window never waits for them."""

from __future__ import annotations

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from iouviewer.app.editing.session import Session
from iouviewer.document.pending_ap import PendingAp
from iouviewer.document.pending_scores import PendingScores
from iouviewer.document.scores_variant import VariantScores
from iouviewer.document.variants import RunState, Variant
from iouviewer.metrics.incremental_ap import IncrementalAp

REST_MS = 100
"""How long nothing may have changed before what is pending is computed."""
_GOES_ON = (RunState.QUEUED, RunState.RUNNING)


class _Worker(QObject):
    """Lives in the thread."""

    done = Signal(str, object, object)

    @Slot(str, object)
    def run(self, key: str, pending: PendingAp | PendingScores) -> None:
        """Compute one AP, or all numbers of one variant."""
        self.done.emit(key, pending, pending.compute())


class ApJob(QObject):
    """Looks for variants whose numbers are pending, or AP though their run goes on no more, and has them computed."""

    _asked = Signal(str, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._computing = False
        self._thread = QThread(self)
        self._thread.setObjectName("AP")
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        self._asked.connect(self._worker.run)
        self._worker.done.connect(self._on_worker_done)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._ask)
        session.scoresChanged.connect(self._on_session_changed)
        session.changed.connect(self._on_session_changed)
        session.variants.variantChanged.connect(self._on_session_changed)
        session.variants.listChanged.connect(self._on_session_changed)

    def close(self) -> None:
        """End the thread; what it computes is thrown away."""
        self._computing = True
        self._rest.stop()
        self._thread.quit()
        self._thread.wait()

    @Slot()
    def _on_session_changed(self) -> None:
        self._rest.start()

    @Slot()
    def _ask(self) -> None:
        if self._computing:
            return
        for variant in self._session.variants:
            pending = self._pending(variant)
            if pending is not None:
                self._computing = True
                if not self._thread.isRunning():
                    self._thread.start()
                self._asked.emit(variant.key, pending)
                return

    def _pending(self, variant: Variant) -> PendingAp | PendingScores | None:
        scores = self._session.scores
        pending = scores.pending_scores(variant.key)
        if pending is not None or variant.state in _GOES_ON:
            return pending
        return scores.pending_ap(variant.key)

    @Slot(str, object, object)
    def _on_worker_done(
        self, key: str, pending: PendingAp | PendingScores, found: IncrementalAp | VariantScores
    ) -> None:
        self._computing = False
        scores = self._session.scores
        if isinstance(pending, PendingAp) and isinstance(found, IncrementalAp):
            taken = scores.take_ap(key, pending, found)
        elif isinstance(pending, PendingScores) and isinstance(found, VariantScores):
            taken = scores.take_scores(key, pending, found)
        else:
            raise TypeError(f"{type(found).__name__} is no answer to {type(pending).__name__}")
        if taken:
            self._session.variants.scoresChanged.emit()
        # Another one may be waiting, or this one was out of date.
        self._rest.start()
