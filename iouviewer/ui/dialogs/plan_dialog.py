"""Dialogs that show what a long command would do before it is done; a thread makes the plan meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFormLayout, QLabel, QProgressBar, QWidget

from iouviewer.app.jobs.background_task import BackgroundTask, Work
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.canvas.box_commands import as_sentence
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.tokens import SPACE

_WAIT_MS = 200
"""Pause after a change before the plan is made again: numbers are typed digit by digit."""
_STEPS = 1000


class PlanDialog(FramedDialog):
    """Choices above, the outcome below; the primary button is enabled once the outcome of these choices is known.

    Attributes:
        form: layout of the choices.
        plan: the last result, None while it is made.
    """

    def __init__(self, parent: QWidget | None, *, title: str, name: str, primary: str) -> None:
        super().__init__(parent, title=title, name=name)
        self.plan: object | None = None
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(SPACE["l"])
        self.form.setVerticalSpacing(SPACE["m"])
        self.body.addLayout(self.form)
        self.body.addSpacing(SPACE["s"])
        self._outcome = QLabel()
        self._outcome.setObjectName("planOutcome")
        self._outcome.setWordWrap(True)
        self._outcome.setMinimumWidth(380)
        self._outcome.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._outcome.setMinimumHeight(2 * self._outcome.fontMetrics().lineSpacing())
        self._progress = QProgressBar()
        self._progress.setObjectName("planProgress")
        self._progress.setRange(0, _STEPS)
        self._progress.setTextVisible(False)
        # Its place stays free, so that nothing jumps when the plan is ready.
        policy = self._progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._progress.setSizePolicy(policy)
        self.body.addWidget(self._outcome)
        self.body.addWidget(self._progress)
        self.primary = self.add_primary(primary)
        self.primary.clicked.connect(self.accept)
        self.add_cancel()
        self._task = BackgroundTask(name, self)
        self._task.progressed.connect(self._on_task_progressed)
        self._task.finished.connect(self._on_task_finished)
        self._task.failed.connect(self._on_task_failed)
        self._wait = QTimer(self, singleShot=True, interval=_WAIT_MS)
        self._wait.timeout.connect(self._begin)
        self._work: Callable[[], Work] | None = None
        self._describe: Callable[[object], tuple[str, str]] = lambda _plan: ("", "")
        self.finished.connect(self._task.close)

    def set_plan(self, work: Callable[[], Work], describe: Callable[[object], tuple[str, str]]) -> None:
        """Make the first plan.

        Args:
            work: returns the work for the choices as they are now.
            describe: what a plan would do, and the text of the button; an empty one where there is nothing to do.
        """
        self._work, self._describe = work, describe
        # Not the button that is disabled until the count is there, and not Cancel.
        first = self.form.itemAt(0, QFormLayout.ItemRole.FieldRole) or self.form.itemAt(0)
        if first is not None and (widget := first.widget()) is not None:
            widget.setFocus()
        self._begin()

    def update_plan(self, _value: object = None) -> None:
        """The choices changed: make the plan again."""
        self.plan = None
        self.primary.setEnabled(False)
        self._task.cancel()
        if self._work is not None:
            self._wait.start()

    def _begin(self) -> None:
        assert self._work is not None
        self.plan = None
        self.primary.setEnabled(False)
        self._outcome.setText(tr("Counting…"))
        self._progress.setValue(0)
        self._progress.show()
        self._task.start(self._work())

    def _on_task_progressed(self, share: float) -> None:
        self._progress.setValue(round(share * _STEPS))
        if 0 < share < 1:
            self._outcome.setText(tr("Reading what the boxes look like… {percent} %", percent=round(100 * share)))

    def _on_task_finished(self, plan: object) -> None:
        self._progress.hide()
        self.plan = plan
        text, button = self._describe(plan)
        self._outcome.setText(text)
        if button:
            self.primary.setText(button)
        self.primary.setEnabled(bool(button))

    def _on_task_failed(self, error: UserError) -> None:
        self._progress.hide()
        self._outcome.setText(as_sentence(error))
