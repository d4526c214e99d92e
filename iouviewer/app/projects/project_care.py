"""Watches the open project file: its check, automatic backups, and what to do if it is damaged or was replaced."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.app.projects.autosave import Autosave
from iouviewer.app.projects.project_safety import ProjectSafety
from iouviewer.app.projects.rebuilding import rebuild, save_before_reload
from iouviewer.app.projects.safety import Notice
from iouviewer.app.projects.safety_notices import SALVAGED, confirmation, rebuilt_notice
from iouviewer.app.projects.snapshots import Snapshots
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.backups import back_up_if_changed
from iouviewer.project.store import ProjectFile

BACKUP_INTERVAL_MS = 3_600_000
"""Milliseconds between automatic backups while working."""

_SHOWN_AFTER_MS = 300
"""A check that ends sooner is not mentioned."""

_CHECK, _REPLACED = "check", "replaced"
"""Keys of notices."""


class ProjectCare(QObject):
    """Used from the UI thread.

    Attributes:
        snapshots: makes and lists named copies of the file.

    Signals:
        rebuilt(ProjectFile): what is shown was written to a new file; the session must continue in it.
        saved(): everything is saved again.
        notSaved(UserError): what is shown could not be written.
        failed(UserError): a copy could not be made.
        reloadRequested(Path): show this file again.
    """

    rebuilt = Signal(object)
    saved = Signal()
    notSaved = Signal(object)
    failed = Signal(object)
    reloadRequested = Signal(object)
    _checkEnded = Signal(object)

    def __init__(self, autosave: Autosave, safety: ProjectSafety, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._autosave, self._safety = autosave, safety
        self.snapshots = Snapshots(self)
        self.snapshots.failed.connect(self.failed)
        self.snapshots.created.connect(self._list_snapshots)
        self._notices = safety.notices
        self._project: ProjectFile | None = None
        self._saves_backups = False
        self._thread: threading.Thread | None = None
        self._checkEnded.connect(self._on_check_ended)
        self._timer = QTimer(self)
        self._timer.setInterval(BACKUP_INTERVAL_MS)
        self._timer.timeout.connect(self.back_up)

    def watch(self, project: ProjectFile, *, backs_up: bool = True) -> None:
        """Watch a file from now on; ``backs_up`` unless it is a private copy."""
        self._project, self._saves_backups = project, backs_up
        self._timer.start()
        self._list_snapshots()
        if project.check is not None:
            project.check.call_at_end(lambda: self._checkEnded.emit(project))
            if project.check.is_running:
                QTimer.singleShot(_SHOWN_AFTER_MS, self, self._show_check)

    def _list_snapshots(self) -> None:
        if self._project is not None:
            self.snapshots.list_files(self._project.path)

    def stop(self) -> None:
        """Watch nothing, and wait for copies that are being made."""
        self.snapshots.wait()
        self._project = None
        self._timer.stop()
        self._notices.withdraw(_CHECK)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def back_up(self) -> None:
        """Begin a backup in a thread, if the file changed since the last one."""
        is_busy = self._thread is not None and self._thread.is_alive()
        if self._project is not None and self._saves_backups and not is_busy:
            self._thread = threading.Thread(target=self._back_up, args=(self._project,), name="backup")
            self._thread.start()

    def _back_up(self, project: ProjectFile) -> None:
        try:
            back_up_if_changed(project.path)
        except UserError as error:
            self.failed.emit(error)

    def _show_check(self) -> None:
        project = self._project
        if project is not None and project.check is not None and project.check.is_running:
            text = tr("{name} is being checked. Edits are saved after that.", name=project.path.name)
            self._notices.post(Notice(_CHECK, text, (), tr("Checking"), is_hidden=True))

    def _on_check_ended(self, project: ProjectFile) -> None:
        if project is not self._project or project.check is None:
            return
        self._notices.withdraw(_CHECK)
        if project.check.backup_problem is not None:
            self.failed.emit(project.check.backup_problem)
        if project.check.damage is not None:
            self._replace_damaged(project, project.check.damage)

    # Files that are not as they were saved

    def _replace_damaged(self, project: ProjectFile, error: UserError) -> None:
        """Write what is shown, which was verified while it was read, to a new file; the damaged one is kept."""
        if self._safety.is_view:
            self._notices.post(confirmation(SALVAGED, str(error)))
            return
        try:
            rebuilt = rebuild(self._autosave, project, "damaged")
        except UserError as failure:
            self.notSaved.emit(failure)
            return
        self.rebuilt.emit(rebuilt.project)
        self._notices.post(rebuilt_notice(error, rebuilt.kept, has_history=rebuilt.has_history))

    def keep_mine(self) -> None:
        """Write what is shown in place of a file that took the project's name; that file is kept.

        Raises:
            UserError: the folder cannot be written.
        """
        old = self._autosave.project
        if old is None:
            return
        rebuilt = rebuild(self._autosave, old, "replaced")
        self.rebuilt.emit(rebuilt.project)
        self.saved.emit()
        if rebuilt.kept:
            text = tr("The file that took its place is kept as {name}", name=rebuilt.kept)
            self._notices.post(confirmation(_REPLACED, text))

    def reload(self) -> None:
        """Show the file that took the project's name; what was shown is saved as a snapshot first.

        Raises:
            UserError: there is no such file, or the snapshot cannot be written.
        """
        old = self._autosave.project
        if old is None:
            return
        kept = save_before_reload(self._autosave, old)
        self.saved.emit()
        self.reloadRequested.emit(old.path)
        self._notices.post(confirmation(_REPLACED, tr("Your version is kept as {path}", path=kept)))
