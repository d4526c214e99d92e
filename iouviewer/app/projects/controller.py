"""The life cycle of a project: find or create it for a video, connect it to the session, save and close it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import Autosave, create_project
from iouviewer.app.projects.importer import Importer
from iouviewer.app.projects.loading import LoadedProject, ProjectLoader
from iouviewer.app.projects.locations import ProjectRegistry, find_project, find_video, source_from
from iouviewer.app.projects.recovery import OpenedProject
from iouviewer.app.projects.snapshots import Snapshots
from iouviewer.app.projects.source_binding import SourceBinding
from iouviewer.app.settings import Settings
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.document import Document
from iouviewer.document.history import MemoryHistory
from iouviewer.document.imported import ImportedBoxes
from iouviewer.document.sources import Source
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.store import ProjectFile


@dataclass(frozen=True, slots=True)
class _Opening:
    """A project that is being loaded.

    Attributes:
        info: the video for which it is loaded, None if the project was opened directly.
        requested_path: the path chosen by the user, None if the project was found.
    """

    path: Path
    info: VideoInfo | None = None
    requested_path: Path | None = None


class ProjectController(QObject):
    """Keeps the session's work in a project file. Used from the UI thread.

    Signals:
        projectOpened(str): a project file is connected to the session; its path.
        notificationPosted(str): one sentence of information for the user.
        warningPosted(str): one sentence that stays visible until the user has read it.
        errorOccurred(UserError): something failed: loading, saving or a snapshot.
        saveRecovered(): saving works again.
        replaceConfirmationRequested(ReplaceQuestion): ask whether edited ground truth may be replaced.
        videoLocationRequested(Source): the project's video was not found. Ask for it, open it, then call
            ``open_video_source``.
        videoRequested(str): a project was opened. Open this video, then call ``open_video_source``.
        snapshotCreated(str): path of the copy.
        snapshotsListed(tuple[SnapshotFile, ...]): the snapshots of the open project.
        loadProgress(str, float): a large project is being loaded: its name, and a share from 0 to 1.
        ready(): the video that was opened is shown, with its project if it has one.
    """

    projectOpened = Signal(str)
    notificationPosted = Signal(str)
    warningPosted = Signal(str)
    errorOccurred = Signal(object)
    saveRecovered = Signal()
    replaceConfirmationRequested = Signal(object)
    videoLocationRequested = Signal(object)
    videoRequested = Signal(str)
    snapshotCreated = Signal(str)
    snapshotsListed = Signal(object)
    loadProgress = Signal(str, float)
    ready = Signal()
    _writerReported = Signal(object)

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._registry = ProjectRegistry()
        self._autosave = Autosave(session, self)
        self._autosave.projectFileRequested.connect(self._ensure_project)
        self._importer = Importer(session, self._autosave, self)
        self._importer.notificationPosted.connect(self.notificationPosted)
        self._importer.replaceConfirmationRequested.connect(self.replaceConfirmationRequested)
        self._binding = SourceBinding(session, self._autosave)
        self._loader = ProjectLoader(self)
        self._loader.progress.connect(self.loadProgress)
        self._loader.loaded.connect(self._on_loader_loaded)
        self._loader.failed.connect(self._on_loader_failed)
        self._opening: _Opening | None = None
        self._copy_of: Path | None = None
        self._steps_at_opening = 0
        self._waits_for_video = False
        self._requested_path: Path | None = None
        self._creation_failed = False
        self._closed = False
        self._writerReported.connect(self._on_writer_reported)
        self._snapshots = Snapshots(self)
        self._snapshots.created.connect(self.snapshotCreated)
        self._snapshots.failed.connect(self.errorOccurred)
        self._snapshots.listed.connect(self.snapshotsListed)
        for signal in (self.snapshotCreated, self.projectOpened):
            signal.connect(self._list_snapshots)
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

    # Opening

    def open_video_source(self, info: VideoInfo) -> None:
        """Show a video that was opened: with its project if one is found, else with an empty document.

        ``ready`` follows: at once, or after ``loadProgress`` if there is a large project to load.
        """
        if self._waits_for_video and self._autosave.project is not None:
            self._waits_for_video = False
            self._bind_video(info)
            self.ready.emit()
            return
        self._close_project()
        path, self._requested_path = self._requested_path, None
        project_path = path if path is not None and path.is_file() else None
        if path is None:
            project_path = find_project(info, self._registry)
        if project_path is None:
            self._show_new_document(info, path)
        else:
            self._load(_Opening(project_path, info, path))

    def update_video(self, info: VideoInfo) -> None:
        """Take over new properties of the open video: frames are added, or renumbered together with their boxes."""
        if self._opening is not None:
            if self._opening.info is not None:
                self._opening = replace(self._opening, info=info)
        elif self._session.frame_count:
            self._bind_video(info, just_opened=False)

    def set_project_path(self, path: Path) -> None:
        """Use this project file (``--project``), which need not exist, for the next video."""
        self._requested_path = path.absolute()

    def open_project(self, path: Path) -> None:
        """Open a project file, then its video (``videoRequested``).

        If the video is not found (``videoLocationRequested``), everything works except showing its frames.
        """
        self._close_project()
        self._load(_Opening(path.absolute()))

    def _load(self, opening: _Opening) -> None:
        self._opening = opening
        self._loader.load(opening.path, self._settings.score_settings())
        if self._loader.busy:
            # The empty document prevents edits that would be lost when the project is shown.
            self._show_document(Document())

    def _on_loader_failed(self, error: UserError) -> None:
        opening, self._opening = self._opening, None
        self.errorOccurred.emit(error)
        if opening is not None and opening.info is not None:
            self._show_new_document(opening.info, opening.requested_path)

    def _on_loader_loaded(self, loaded: LoadedProject) -> None:
        opening, self._opening = self._opening, None
        opened = loaded.opened
        self._copy_of = opened.copy_of
        self._steps_at_opening = opened.project.progress[1]
        opened.project.on_problem = self._writerReported.emit
        self._show_loaded(loaded)
        for message in opened.messages:
            self.notificationPosted.emit(message)
        self.projectOpened.emit(str(opened.project.path))
        if opening is not None and opening.info is not None:
            self._bind_video(opening.info)
            self.ready.emit()
        else:
            self._request_video(opened)

    def _show_document(self, document: Document) -> None:
        """Show a document that has no project; without a source it cannot be edited."""
        if not document.sources:
            document.add_source(Source(0, "", "", 0, 0, 0))
        self._autosave.muted = True
        try:
            self._session.open_document(document)
            self._session.set_score_settings(self._settings.score_settings())
        finally:
            self._autosave.muted = False

    def _show_loaded(self, loaded: LoadedProject) -> None:
        """Show a loaded project; later edits are saved in its file."""
        opened, autosave = loaded.opened, self._autosave
        autosave.project = opened.project
        autosave.values = dict(opened.contents.settings)
        autosave.muted = True
        try:
            self._session.open_document(
                opened.contents.document,
                source=loaded.source,
                history=opened.project,
                project_path=str(opened.project.path),
                scores=loaded.scores,
            )
        finally:
            autosave.muted = False
        if opened.salvaged:
            autosave.save_values({"edited": True})

    def _request_video(self, opened: OpenedProject) -> None:
        self._waits_for_video = True
        source, path = self._session.source, opened.copy_of or opened.project.path
        relative = opened.contents.relative_paths.get(source.id, "")
        video = find_video(source, relative, path, self._settings.last_folders.values())
        if video is not None:
            self.videoRequested.emit(str(video))
        else:
            self.videoLocationRequested.emit(source)

    def _show_new_document(self, info: VideoInfo, requested_path: Path | None) -> None:
        """Show a video without a project; it will be created at ``requested_path`` or at a default path."""
        self._requested_path = requested_path
        document = Document()
        document.add_source(source_from(info))
        document.set_numbering(info.numbering)
        self._show_document(document)
        self.ready.emit()

    def _bind_video(self, info: VideoInfo, *, just_opened: bool = True) -> None:
        warning = self._binding.bind(info, just_opened=just_opened)
        if warning:
            self.warningPosted.emit(warning)
        project = self._autosave.project
        if project is not None and self._copy_of is None:
            self._register(info.fingerprint, project.path)

    def _register(self, fingerprint: str, path: Path) -> None:
        try:
            self._registry.remember(fingerprint, path)
        except UserError as error:
            self.errorOccurred.emit(error)

    # Creating the file

    def _ensure_project(self) -> bool:
        """Create the project file at the first edit or import; False if it cannot be created (reported once)."""
        session, source = self._session, self._session.source
        if self._autosave.project is not None:
            return True
        if self._closed:
            return False  # late messages of a running model must not create another file
        if not source.path or not isinstance(session.history, MemoryHistory):
            return False
        try:
            created = create_project(self._autosave, source, session.history, self._requested_path)
        except UserError as error:
            if not self._creation_failed:
                self._creation_failed = True
                self.errorOccurred.emit(error)
            return False
        self._creation_failed = False
        self._requested_path = None
        self._attach(created.project)
        if created.message:
            self.notificationPosted.emit(created.message)
        self._register(source.fingerprint, created.project.path)
        return True

    # Saving

    def _on_history_changed(self) -> None:
        history = self._session.history
        if not self._autosave.muted and isinstance(history, MemoryHistory) and history.steps:
            self._ensure_project()

    def _on_writer_reported(self, error: UserError | None) -> None:
        if error is not None:
            self.errorOccurred.emit(error)
        else:
            self.saveRecovered.emit()
            self.notificationPosted.emit(tr("Saving works again. Nothing was lost"))

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

    def value(self, key: str, default: Any = None) -> Any:
        """A JSON value that the project stores for a part of the window."""
        return self._autosave.values.get(key, default)

    def set_value(self, key: str, value: Any) -> None:
        """Store a JSON value in the project (in memory until there is one)."""
        if self._autosave.values.get(key) != value:
            self._autosave.save_values({key: value})

    # Snapshots and closing

    def _list_snapshots(self) -> None:
        if self.path is not None:
            self._snapshots.list_files(self.path)

    def snapshot(self, name: str) -> None:
        """Copy the project under a name; ``snapshotCreated`` or ``errorOccurred`` follows."""
        if not self._ensure_project() or self._autosave.project is None:
            self.errorOccurred.emit(
                UserError(tr("there is nothing to save in a snapshot"), remedy=tr("Edit or import something first."))
            )
            return
        self._snapshots.create(self._autosave.project, name)

    def save_as(self, path: Path) -> None:
        """Continue in another project file, for example because the old one cannot be written.

        Raises:
            UserError: the folder cannot be written either, or the file exists already.
        """
        old = self._autosave.project
        self._attach(self._autosave.create(path.absolute(), self._session.history))
        if old is not None:
            old.abandon()

    def _attach(self, project: ProjectFile) -> None:
        """Save later edits of the session in a file that was created from it."""
        self._autosave.project = project
        project.on_problem = self._writerReported.emit
        self._session.attach_history(project, project_path=str(project.path))
        self.projectOpened.emit(str(project.path))

    def retry_saving(self) -> None:
        """Retry at once to write unsaved edits."""
        if self._autosave.project is not None:
            self._autosave.project.retry_now()

    def close(self) -> None:
        """Write unsaved edits, close the project and end all threads; failures are reported."""
        self._closed = True
        self._close_project()
        self._loader.close()

    def _close_project(self) -> None:
        self._opening = None
        self._loader.cancel()
        self._autosave.write_predictions()
        self._snapshots.wait()
        project, self._autosave.project = self._autosave.project, None
        self._waits_for_video = False
        self._autosave.values = {}
        copy_of, self._copy_of = self._copy_of, None
        self._creation_failed = False
        if project is None:
            return
        unused_copy = copy_of is not None and project.progress[1] == self._steps_at_opening
        try:
            project.close()
        except UserError as error:
            self.errorOccurred.emit(error)
            return
        finally:
            self._autosave.muted = True
            self._session.attach_history(MemoryHistory(), project_path="")
            self._autosave.muted = False
        if unused_copy:
            project.path.unlink(missing_ok=True)
