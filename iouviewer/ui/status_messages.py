"""Shows edits, snapshots and the safety of the project in the status bar, and errors as notifications."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject

from iouviewer.app.editing.session import Session
from iouviewer.app.notifier import Level, Notifier
from iouviewer.app.projects.controller import ProjectController
from iouviewer.document.history import History
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.panels.status_bar import StatusBar

_log = logging.getLogger(__name__)


class StatusMessages(QObject):
    """Listens to the history of the session and to the project."""

    def __init__(self, session: Session, controller: ProjectController, notifier: Notifier, status: StatusBar) -> None:
        super().__init__(status)
        self._session, self._notifier, self._status = session, notifier, status
        self._last = self._last_step()
        session.historyChanged.connect(self._on_history_changed)
        controller.notificationPosted.connect(notifier.show)
        controller.warningPosted.connect(self._on_warning_posted)
        controller.errorOccurred.connect(notifier.show)
        controller.saveFailed.connect(self._on_save_failed)
        controller.saveRecovered.connect(lambda: status.set_save_failed(False))
        controller.projectOpened.connect(lambda _path: status.set_save_failed(False))
        self._notices = controller.safety.notices
        self._notices.changed.connect(self._show_safety)
        status.safetyRequested.connect(self._notices.show_all)
        self._show_safety()
        controller.snapshotCreated.connect(self._on_snapshot_created)

    def _on_history_changed(self) -> None:
        """Show the label of a new step; undo and redo are shown by the session.

        A step that only grew is not repeated: decisions join it later, when another sentence may already be shown.
        """
        previous, self._last = self._last, self._last_step()
        history, _, label = self._last
        if previous[0] is history and label and self._last != previous and history.redo_step() is None:
            self._session.statusMessage.emit(label)

    def _last_step(self) -> tuple[History, int, str]:
        history = self._session.history
        step = history.undo_step()
        return history, history.cursor, step.label if step is not None else ""

    def _on_warning_posted(self, text: str) -> None:
        self._notifier.show(text, Level.WARNING)

    def _on_save_failed(self, error: UserError) -> None:
        """Mark the save state; the notice above the canvas says more and stays until saving works."""
        self._status.set_save_failed(True)
        _log.error("%s", error)

    def _show_safety(self) -> None:
        notices = self._notices.all
        marks = dict.fromkeys(notice.mark for notice in notices if notice.mark)
        self._status.show_safety(tuple(marks), "\n".join(notice.text for notice in notices if notice.mark))

    def _on_snapshot_created(self, path: str) -> None:
        self._session.statusMessage.emit(tr("Saved snapshot {path}", path=path))
