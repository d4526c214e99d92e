"""The life cycle of a project: open it (``opening``) or create it for a video, save, replace and close it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import Autosave, create_project
from iouviewer.app.projects.importer import Importer
from iouviewer.app.projects.opening import Opening, ProjectOpening
from iouviewer.app.projects.recovery import COPY, delete_copy, set_aside
from iouviewer.app.projects.safety_notices import PLACE, SAVING, WORKING_COPY, confirmation, save_failed_notice
from iouviewer.app.settings import Settings
from iouviewer.document.history import MemoryHistory
from iouviewer.document.imported import ImportedBoxes
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.store import ProjectFile


class ProjectController(ProjectOpening):
    """Keeps the session's work in a project file. Used from the UI thread.

    Signals:
        saveFailed(UserError): edits are only in memory; a notice stays until they are saved.
        saveRecovered(): saving works again.
        replaceConfirmationRequested(ReplaceQuestion): ask whether ground truth may be replaced.
        snapshotCreated(str): path of the copy.
        snapshotsListed(tuple[SnapshotFile, ...]): the snapshots of the open project.
    """

    saveFailed = Signal(object)
    saveRecovered = Signal()
    replaceConfirmationRequested = Signal(object)
    snapshotCreated = Signal(str)
    snapshotsListed = Signal(object)

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(session, settings, parent)
        self._autosave.projectFileRequested.connect(self._ensure_project)
        self._importer = Importer(session, self._autosave, self)
        self._importer.notificationPosted.connect(self.notificationPosted)
        self._importer.replaceConfirmationRequested.connect(self.replaceConfirmationRequested)
        self._creation_failed = False
        self._closed = False
        self._writerReported.connect(self._on_writer_reported)
        self.care.rebuilt.connect(self._attach)
        self.care.failed.connect(self.errorOccurred)
        self.care.reloadRequested.connect(self.reopen)
        self.care.saved.connect(self._report_saved)
        self.care.notSaved.connect(self._report_unsaved)
        self.care.snapshots.created.connect(self.snapshotCreated)
        self.care.snapshots.listed.connect(self.snapshotsListed)
        session.historyChanged.connect(self._on_history_changed)

    @property
    def project(self) -> ProjectFile | None:
        """The open project file, None until something is edited or imported."""
        return self._autosave.project

    @property
    def path(self) -> Path | None:
        """Path of the project file."""
        return self._autosave.project.path if self._autosave.project is not None else None

    @property
    def autosave(self) -> Autosave:
        """Saves predictions and settings."""
        return self._autosave

    # Creating the file

    def _ensure_project(self) -> bool:
        """Create the project file at the first edit or import; False if it cannot be created (reported once)."""
        session, source = self._session, self._session.source
        if self._autosave.project is not None:
            return True
        if self._closed or session.read_only:
            return False  # late messages of a running model must not create another file
        if not source.path or not isinstance(session.history, MemoryHistory):
            return False
        try:
            created = create_project(self._autosave, source, session.history, self._requested_path)
        except UserError as error:
            if not self._creation_failed:
                self._creation_failed = True
                self._report_unsaved(error)
            return False
        self._requested_path = None
        self._attach(created.project)
        if created.message:
            self.safety.notices.post(confirmation(PLACE, created.message))
        self.safety.register(created.project.path)
        return True

    # Saving

    def _on_history_changed(self) -> None:
        history = self._session.history
        if not self._autosave.muted and isinstance(history, MemoryHistory) and history.steps:
            self._ensure_project()

    def _on_writer_reported(self, error: UserError | None) -> None:
        if error is not None:
            self._report_unsaved(error)
            return
        self._report_saved()
        self.notificationPosted.emit(tr("Saving works again. Nothing was lost"))

    def _report_unsaved(self, error: UserError) -> None:
        self.safety.notices.post(save_failed_notice(error))
        self.saveFailed.emit(error)

    def _report_saved(self) -> None:
        self._creation_failed = False
        self.safety.notices.withdraw(SAVING)
        self.saveRecovered.emit()

    # Imports and values

    def import_ground_truth(
        self, imported: ImportedBoxes, class_map: Mapping[str, str] | None = None, *, replace: bool | None = None
    ) -> bool:
        """As ``Importer.import_ground_truth``."""
        return self._importer.import_ground_truth(imported, class_map, replace=replace)

    def add_predictions(
        self, name: str, imported: ImportedBoxes, class_map: Mapping[str, str] | None = None
    ) -> Variant:
        """As ``Importer.add_predictions``."""
        return self._importer.add_predictions(name, imported, class_map)

    def replace_predictions(self, key: str, imported: ImportedBoxes) -> None:
        """As ``Importer.replace_predictions``."""
        self._importer.replace_predictions(key, imported)

    def value(self, key: str, default: Any = None) -> Any:
        """A JSON value that the project stores for a part of the window."""
        return self._autosave.values.get(key, default)

    def set_value(self, key: str, value: Any) -> None:
        """Store a JSON value in the project (in memory until there is one)."""
        if self._autosave.values.get(key) != value:
            self._autosave.save_values({key: value})

    # Snapshots and closing

    def snapshot(self, name: str) -> None:
        """Copy the project under a name; ``snapshotCreated`` or ``errorOccurred`` follows."""
        if self._session.read_only or not self._ensure_project() or self._autosave.project is None:
            nothing = tr("there is nothing to save in a snapshot. Edit or import something first")
            self.errorOccurred.emit(UserError(self._session.read_only or nothing))
            return
        self.care.snapshots.create(self._autosave.project, name)

    def save_as(self, path: Path) -> None:
        """Continue in another project file, which is found from now on when the video is opened.

        Raises:
            UserError: the folder cannot be written either, or the file exists already.
        """
        old, is_view = self._autosave.project, self.safety.is_view
        created = self._autosave.create(path.absolute(), self._session.history)
        self._autosave.values.pop(COPY, None)
        self.safety.make_writable()
        self._attach(created)
        if old is not None:
            old.abandon()
            if is_view:
                delete_copy(old.path)
        self.safety.notices.withdraw(WORKING_COPY)
        self._report_saved()
        self.safety.register(created.path, chosen=True)
        self.safety.look_for_files()

    def _attach(self, project: ProjectFile) -> None:
        """Save later edits of the session in a file that was created from it."""
        self._autosave.project = project
        project.on_problem = self._writerReported.emit
        self.care.watch(project)
        self._session.attach_history(project, project_path=str(project.path))
        self.projectOpened.emit(str(project.path))

    def retry_saving(self) -> None:
        """Retry at once to write unsaved edits."""
        self._creation_failed = False
        if self._autosave.project is not None:
            self._autosave.project.retry_now()
        elif self._ensure_project():
            self._report_saved()

    def require_saved(self) -> None:
        """Write everything now.

        Raises:
            UserError: something is not saved; the project stays open with it.
        """
        session, history = self._session, self._session.history
        self._autosave.write_predictions()
        has_steps = isinstance(history, MemoryHistory) and bool(history.steps)
        is_lost = has_steps and not session.read_only and not self._ensure_project()
        project = self._autosave.project
        if is_lost or (project is not None and not project.flush()):
            raise UserError(
                tr("the last edits are not saved yet"),
                path=session.source.path if project is None else project.path,
                remedy=tr("They are safe while this video stays open. Free some space or save the project elsewhere."),
            )

    # Projects that cannot be written

    def reopen(self, path: Path | None = None, *, take_over: bool = False) -> None:
        """Open a project for the video that is shown.

        Args:
            path: the same project by default, or a working copy, or the project of a working copy.
            take_over: write it although a program that is gone has locked it.
        """
        info, frame, target = self._info, self._session.current_frame, path or self.safety.shown_path
        if target is None:
            return
        self._close_project()
        self._info = info
        self._load(Opening(target, info, take_over=take_over, frame=frame, is_chosen=path is not None))

    def work_on_copy(self) -> None:
        """Edit the private copy of a project that cannot be written."""
        project = self._autosave.project
        if project is not None and self.safety.use_view_as_copy():
            self._attach(project)
            self.safety.look_for_files()

    def start_new(self) -> None:
        """Rename a project file that cannot be read, and start a new project in its place.

        Raises:
            UserError: it cannot be renamed.
        """
        path = self.safety.unreadable
        if path is not None:
            kept = set_aside(path)
            self._requested_path = path
            self.safety.make_writable()
            self.notificationPosted.emit(tr("The file that could not be read is kept as {name}", name=kept.name))

    def expect_video(self, expected: bool = True) -> None:
        """Whether the next video that is opened belongs to the open project, for which another video was shown."""
        if self._info is not None:
            self._waits_for_video = expected and self._autosave.project is not None

    def close(self) -> None:
        """Write unsaved edits, close the project and end all threads; failures are reported."""
        self._closed = True
        self._close_project()
        self._loader.close()
        self.safety.known.wait()

    def _close_project(self) -> None:
        self._opening = self._info = self._found = self._chosen = None
        self._loader.cancel()
        self._rest.stop()
        self._autosave.write_predictions()
        self.care.stop()
        project, self._autosave.project = self._autosave.project, None
        self._waits_for_video = False
        self._autosave.values = {}
        is_view = self.safety.is_view
        self.safety.clear()
        self._creation_failed = False
        if project is None:
            return
        try:
            project.close()
        except UserError as error:
            self.errorOccurred.emit(error)
            return
        finally:
            self._autosave.muted = True
            self._session.attach_history(MemoryHistory(), project_path="")
            self._autosave.muted = False
        if is_view:
            delete_copy(project.path)
