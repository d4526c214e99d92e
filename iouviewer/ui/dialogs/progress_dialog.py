"""Shows how far a long export is; the window stays usable meanwhile."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QProgressBar, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.tokens import SIZE, SPACE

_POLL_MS = 100


@dataclass
class JobControl:
    """What a thread and the window tell each other about a long job.

    Attributes:
        done, total, label: set by the thread.
        is_complete: set by the thread once the result is in its place.
        stop: set by the window.
    """

    done: int = 0
    total: int = 0
    label: str = ""
    is_complete: bool = False
    stop: threading.Event = field(default_factory=threading.Event)

    def report(self, done: int, total: int, label: str = "") -> None:
        """Note the progress; for ``jobs.requests.ProgressCallback``."""
        self.done, self.total, self.label = done, total, label


class ProgressDialog(FramedDialog):
    """A bar and *Cancel*; closing it cancels too. ``finish`` closes it at the end of the job."""

    def __init__(self, parent: QWidget, control: JobControl, *, title: str) -> None:
        super().__init__(parent, title=title, name="exportProgress")
        self.setModal(False)
        self._control = control
        self._label = QLabel()
        self._label.setObjectName("exportProgressText")
        self._bar = QProgressBar()
        self._bar.setObjectName("exportProgressBar")
        self._bar.setTextVisible(False)
        self.body.addWidget(self._label)
        self.body.addWidget(self._bar)
        self.body.setSpacing(SPACE["s"])
        self.add_cancel()
        self.setFixedWidth(SIZE["dialog_s"])
        # Polled, because a signal from the thread could reach a dialog that no longer exists.
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._update)
        self._timer.start()
        self._update()

    def reject(self) -> None:
        self._control.stop.set()
        super().reject()

    def finish(self) -> None:
        """The job has ended."""
        self._timer.stop()
        self.hide()
        self.deleteLater()

    def _update(self) -> None:
        control = self._control
        self._bar.setRange(0, control.total)
        self._bar.setValue(control.done)
        text = tr("{done:,} of {total:,} frames", done=control.done, total=control.total) if control.total else ""
        self._label.setText(text or tr("Starting…"))
