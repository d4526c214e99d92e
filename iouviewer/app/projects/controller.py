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
from iouviewer.app.projects.locations import FoundProject, find_project, find_video
from iouviewer.app.projects.project_care import ProjectCare
from iouviewer.app.projects.project_safety import ProjectSafety
from iouviewer.app.projects.recovery import COPY, OpenedProject, delete_copy, set_aside
from iouviewer.app.projects.safety_notices import PLACE, SAVING, WORKING_COPY, confirmation, save_failed_notice
from iouviewer.app.projects.shown_document import ShownDocument
from iouviewer.app.projects.source_binding import SourceBinding
from iouviewer.app.settings import Settings
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.history import MemoryHistory
from iouviewer.document.imported import ImportedBoxes
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
        take_over: use a file that a program which is gone has locked.
        frame: show this frame afterwards, because the same video stays open.
        is_chosen: prefer this project from now on for the video.
    """

    path: Path
    info: VideoInfo | None = None
    requested_path: Path | None = None
    take_over: bool = False
    frame: int = 0
    is_chosen: bool = False


class ProjectController(QObject):
    """Keeps the session's work in a project file. Used from the UI thread.

    Signals:
        projectOpened(str): a project file is connected to the session; its path.
        notificationPosted(str): one sentence of information for the user.
        warningPosted(str): one sentence that stays visible until the user has read it.
        errorOccurred(UserError): loading or a snapshot failed.
        saveFailed(UserError): edits are only in memory; a notice stays until they are saved.
        saveRecovered(): saving works again.
        replaceConfirmationRequested(ReplaceQuestion): ask whether ground truth may be replaced.
        projectQuestionAsked(FoundProject): the project of a video that is gone was found; call ``use_found_project``.
        videoLocationRequested(Source): the project's video was not found; open it, call ``open_video_source``.
        videoRequested(str): a project was opened. Open this video, then call ``open_video_source``.
        snapshotCreated(str): path of the copy.
        snapshotsListed(tuple[SnapshotFile, ...]): the snapshots of the open project.
        loadProgress(str, float): a large project is being loaded: its name, and a share from 0 to 1.
        ready(): the video that was opened is shown, with its project if it has one.

    Attributes:
        safety: what the user must know or decide about the safety of the project, and its other files.
    """

    projectOpened = Signal(str)
    notificationPosted = Signal(str)
    warningPosted = Signal(str)
    errorOccurred = Signal(object)
    saveFailed = Signal(object)
    saveRecovered = Signal()
    replaceConfirmationRequested = Signal(object)
    projectQuestionAsked = Signal(object)
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
        self._autosave = Autosave(session, self)
        self._autosave.projectFileRequested.connect(self._ensure_project)
        self._importer = Importer(session, self._autosave, self)
        self._importer.notificationPosted.connect(self.notificationPosted)
        self._importer.replaceConfirmationRequested.connect(self.replaceConfirmationRequested)
        self._binding = SourceBinding(session, self._autosave)
        self.safety = ProjectSafety(session, self._autosave, self._binding, self)
        self.safety.warningPosted.connect(self.warningPosted)
        self.care = ProjectCare(self._autosave, self.safety, self)
        self._shown = ShownDocument(session, self._autosave, settings)
        self._loader = ProjectLoader(self)
        self._loader.progress.connect(self.loadProgress)
        self._loader.loaded.connect(self._on_loader_loaded)
        self._loader.failed.connect(self._on_loader_failed)
        self._opening: _Opening | None = None
        self._info: VideoInfo | None = None
        self._found: FoundProject | None = None
        self._waits_for_video = False
        self._requested_path: Path | None = None
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

    # Opening

    def open_video_source(self, info: VideoInfo) -> None:
        """Show a video that was opened: with its project if one is found, else with an empty document.

        ``ready`` follows: at once, or after ``loadProgress`` if there is a large project to load.
        """
        if self._waits_for_video and self._autosave.project is not None:
            self._waits_for_video = False
            self._bind_video(info)
            self._finish_opening()
            return
        self._close_project()
        self._info = info
        path, self._requested_path = self._requested_path, None
        found = find_project(info, self.safety.registry, requested=path)
        if found is not None and found.lost_video:
            self._found = found
            self._shown.show_empty()
            self.projectQuestionAsked.emit(found)
        else:
            self._open_found(info, found, path)

    def use_found_project(self, accepted: bool) -> None:
        """The answer to ``projectQuestionAsked``: continue with the project, or start one for this video."""
        found, self._found = self._found, None
        if found is not None and self._info is not None:
            self._open_found(self._info, found if accepted else None, None)

    def _open_found(self, info: VideoInfo, found: FoundProject | None, requested_path: Path | None) -> None:
        if found is None:
            self._show_new_document(info, requested_path)
        else:
            self._load(_Opening(found.path, info, requested_path))

    def update_video(self, info: VideoInfo) -> None:
        """Take over new properties of the open video: frames are added, or renumbered together with their boxes."""
        self._info = info
        if self._opening is not None:
            if self._opening.info is not None:
                self._opening = replace(self._opening, info=info)
        elif self._session.frame_count:
            self._bind_video(info)

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
        self._loader.load(opening.path, self._settings.score_settings(), take_over=opening.take_over)
        if self._loader.busy:
            # The empty document prevents edits that would be lost when the project is shown.
            self._shown.show_empty()

    def _on_loader_failed(self, error: UserError) -> None:
        opening, self._opening = self._opening, None
        if opening is None or opening.info is None:
            self.errorOccurred.emit(error)
            return
        self.safety.show_unreadable(opening.path, error)
        self._show_new_document(opening.info, opening.requested_path)

    def _on_loader_loaded(self, loaded: LoadedProject) -> None:
        opening, self._opening = self._opening, None
        opened = loaded.opened
        opened.project.on_problem = self._writerReported.emit
        self._shown.show_loaded(loaded)
        self.safety.show_opened(opened)
        self.care.watch(opened.project, backs_up=opened.view_of is None)
        self.projectOpened.emit(str(opened.project.path))
        if opening is None or opening.info is None:
            self._request_video(opened)
            return
        self._bind_video(opening.info)
        if opening.is_chosen and not self.safety.is_view and self.safety.original is None:
            self.safety.register(opened.project.path, chosen=True)
        self._session.go_to(opening.frame)
        self._finish_opening()

    def _finish_opening(self) -> None:
        self.safety.look_for_files()
        self.ready.emit()

    def _request_video(self, opened: OpenedProject) -> None:
        self._waits_for_video = True
        source, path = self._session.source, opened.view_of or self.safety.original or opened.project.path
        relative = opened.contents.relative_paths.get(source.id, "")
        video = find_video(source, relative, path, self._settings.last_folders.values())
        if video is not None:
            self.videoRequested.emit(str(video))
        else:
            self.videoLocationRequested.emit(source)

    def _show_new_document(self, info: VideoInfo, requested_path: Path | None) -> None:
        """Show a video without a project; it will be created at ``requested_path`` or at a default path."""
        self._requested_path = requested_path
        self._shown.show_new(info)
        self._finish_opening()

    def _bind_video(self, info: VideoInfo) -> None:
        self._info = info
        warning = self._binding.bind(info)
        if warning:
            self.warningPosted.emit(warning)
        self.safety.show_change()
        if self._autosave.project is not None and not self.safety.is_view and self.safety.original is None:
            self.safety.register(self._autosave.project.path)

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
        self._load(_Opening(target, info, take_over=take_over, frame=frame, is_chosen=path is not None))

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
        self._opening = self._info = self._found = None
        self._loader.cancel()
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
