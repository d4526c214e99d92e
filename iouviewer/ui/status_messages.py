"""What session and project tell: each step in the status line, trouble with saving where it stays to be seen."""

from __future__ import annotations

from PySide6.QtCore import QObject

from iouviewer.app.editing.session import Session
from iouviewer.app.notifier import Level, Notifier
from iouviewer.app.projects.controller import ProjectController
from iouviewer.errors import UserError
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.panels.status import StatusBar


class Tellers(QObject):
    """Listens to the session's history and to the project."""

    def __init__(
        self,
        session: Session,
        controller: ProjectController,
        actions: ActionSet,
        notifier: Notifier,
        status: StatusBar,
    ) -> None:
        super().__init__(status)
        self._actions = actions
        self._session, self._notifier, self._status = session, notifier, status
        self._last = (session.history, session.history.undo_step())
        session.historyChanged.connect(self._on_history_changed)
        session.sourceChanged.connect(self._name_steps)
        controller.notice.connect(notifier.show)
        controller.warning.connect(self._on_warning)
        controller.problem.connect(self._on_problem)
        controller.problemOver.connect(self._on_problem_over)
        controller.snapshotMade.connect(self._on_snapshot_made)

    def _on_history_changed(self) -> None:
        """Say what was done, so that a slip of the hand is seen; what undo and redo did is said by the session."""
        self._name_steps()
        history = self._session.history
        before, self._last = self._last, (history, history.undo_step())
        new = self._last[1]
        if before[0] is history and new is not None and new != before[1] and history.redo_step() is None:
            self._session.told.emit(new.label)

    def _name_steps(self) -> None:
        """Tooltips of undo and redo name the step. Both stay enabled: a press says that there is nothing."""
        history = self._session.history
        for id, step, verb in (("undo", history.undo_step(), "Undo"), ("redo", history.redo_step(), "Redo")):
            what = f"{verb}: {step.label}" if step is not None else verb
            key = self._actions.key_of(id)
            self._actions[id].setToolTip(f"{what} ({key})" if key else what)

    def _on_warning(self, text: str) -> None:
        self._notifier.show(text, Level.WARNING)

    def _on_problem(self, error: UserError) -> None:
        self._status.set_trouble(True)
        self._notifier.show(error, key="saving")

    def _on_problem_over(self) -> None:
        self._status.set_trouble(False)
        self._notifier.withdraw("saving")

    def _on_snapshot_made(self, path: str) -> None:
        self._session.told.emit(f"Snapshot: {path}")
