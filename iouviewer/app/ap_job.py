"""AP of runs that ended, computed in a thread: the window never waits for it."""

from __future__ import annotations

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from iouviewer.app.session import Session
from iouviewer.document.pending_ap import PendingAp
from iouviewer.document.variants import RunState
from iouviewer.metrics.incremental_ap import IncrementalAp

REST_MS = 100
"""How long nothing may have changed before a pending AP is computed."""
_GOES_ON = (RunState.QUEUED, RunState.RUNNING)


class _Worker(QObject):
    """Lives in the thread."""

    done = Signal(str, object, object)

    @Slot(str, object)
    def run(self, key: str, pending: PendingAp) -> None:
        """Compute one AP."""
        self.done.emit(key, pending, pending.compute())


class ApJob(QObject):
    """Looks for variants whose AP is pending though their run goes on no more, and has it computed."""

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
            pending = None if variant.state in _GOES_ON else self._session.scores.pending_ap(variant.key)
            if pending is not None:
                self._computing = True
                if not self._thread.isRunning():
                    self._thread.start()
                self._asked.emit(variant.key, pending)
                return

    @Slot(str, object, object)
    def _on_worker_done(self, key: str, pending: PendingAp, ap: IncrementalAp) -> None:
        self._computing = False
        if self._session.scores.take_ap(key, pending, ap):
            self._session.variants.scoresChanged.emit()
        # Another one may be waiting, or this one was out of date.
        self._rest.start()
