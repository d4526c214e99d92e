"""Computes slow scores, and AP of finished runs, in a thread so that the window stays responsive."""

from __future__ import annotations

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from iouviewer.app.editing.session import Session
from iouviewer.app.memory import release_freed_memory
from iouviewer.document.scores_types import PendingAp
from iouviewer.document.scores_variant import PendingScores, VariantScores
from iouviewer.document.variants import RunState, Variant
from iouviewer.metrics.incremental_ap import IncrementalAp

IDLE_MS = 100
"""Milliseconds without changes before pending scores are computed."""
_ACTIVE = (RunState.QUEUED, RunState.RUNNING)


class _Worker(QObject):
    """Runs in the thread."""

    done = Signal(str, object, object)

    @Slot(str, object)
    def run(self, key: str, pending: PendingAp | PendingScores) -> None:
        """Compute one AP, or all scores of one variant."""
        self.done.emit(key, pending, pending.compute())
        release_freed_memory()


class DeferredScores(QObject):
    """Finds variants with pending scores, or with pending AP after their run ended, and computes them."""

    _computationRequested = Signal(str, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._computing = False
        self._thread = QThread(self)
        self._thread.setObjectName("AP")
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        self._computationRequested.connect(self._worker.run)
        self._worker.done.connect(self._on_worker_done)
        self._timer = QTimer(self, singleShot=True, interval=IDLE_MS)
        self._timer.timeout.connect(self.compute_next)
        session.scoresChanged.connect(self._on_session_changed)
        session.changed.connect(self._on_session_changed)
        session.variants.variantChanged.connect(self._on_session_changed)
        session.variants.listChanged.connect(self._on_session_changed)

    @property
    def busy(self) -> bool:
        """Whether a computation is running."""
        return self._computing

    def close(self) -> None:
        """End the thread and discard its result."""
        self._computing = True
        self._timer.stop()
        self._thread.quit()
        self._thread.wait()

    @Slot()
    def _on_session_changed(self) -> None:
        self._timer.start()

    @Slot()
    def compute_next(self) -> None:
        """Start the next pending computation, unless one is running."""
        if self._computing or self._session.variants.is_loading:
            return  # loading comes first; the list changes when it ends
        for variant in self._session.variants:
            pending = self._pending(variant)
            if pending is not None:
                self._computing = True
                if not self._thread.isRunning():
                    self._thread.start()
                self._computationRequested.emit(variant.key, pending)
                return

    def _pending(self, variant: Variant) -> PendingAp | PendingScores | None:
        scores = self._session.scores
        pending = scores.pending_scores(variant.key)
        if pending is not None or variant.state in _ACTIVE:
            return pending
        return scores.pending_ap(variant.key)

    @Slot(str, object, object)
    def _on_worker_done(
        self, key: str, pending: PendingAp | PendingScores, result: IncrementalAp | VariantScores
    ) -> None:
        self._computing = False
        scores = self._session.scores
        if isinstance(pending, PendingAp) and isinstance(result, IncrementalAp):
            applied = scores.apply_ap(key, pending, result)
        elif isinstance(pending, PendingScores) and isinstance(result, VariantScores):
            applied = scores.apply_scores(key, pending, result)
        else:
            raise TypeError(f"{type(result).__name__} is not a result of {type(pending).__name__}")
        if applied:
            self._session.variants.scoresChanged.emit()
        # Another computation may be pending, or this result may be out of date.
        self._timer.start()
