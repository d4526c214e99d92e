"""Opens projects: finds the one of a video or takes a chosen one, and shows its boxes before its predictions."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import Autosave
from iouviewer.app.projects.loading import LoadedProject, ProjectLoader
from iouviewer.app.projects.locations import FoundProject, find_project, find_video
from iouviewer.app.projects.project_care import ProjectCare
from iouviewer.app.projects.project_safety import ProjectSafety
from iouviewer.app.projects.recovery import OpenedProject
from iouviewer.app.projects.rest_of_project import RestOfProject
from iouviewer.app.projects.shown_document import ShownDocument
from iouviewer.app.projects.source_binding import SourceBinding
from iouviewer.app.settings import Settings
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.errors import UserError


@dataclass(frozen=True, slots=True)
class Opening:
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


class ProjectOpening(QObject):
    """Finds, loads and shows projects; ``ProjectController`` creates, saves and closes them. Used from the UI thread.

    Signals:
        projectOpened(str): a project file is connected to the session; its path.
        notificationPosted(str): one sentence of information for the user.
        warningPosted(str): one sentence that stays visible until the user has read it.
        errorOccurred(UserError): loading or a snapshot failed.
        projectQuestionAsked(FoundProject): the project of a video that is gone was found; call ``use_found_project``.
        videoLocationRequested(Source): the project's video was not found; open it, call ``open_video_source``.
        videoRequested(str): a project was opened. Open this video, then call ``open_video_source``.
        loadProgress(LoadStep): what of a large project is being loaded.
        frameRead(FrameBoxes): boxes of the frame that a large project will show first.
        boxesShown(): the boxes of a large project can be edited; its variants follow.
        ready(): the video that was opened is shown, with its whole project if it has one.

    Attributes:
        safety: what the user must know or decide about the safety of the project, and its other files.
    """

    projectOpened = Signal(str)
    notificationPosted = Signal(str)
    warningPosted = Signal(str)
    errorOccurred = Signal(object)
    projectQuestionAsked = Signal(object)
    videoLocationRequested = Signal(object)
    videoRequested = Signal(str)
    loadProgress = Signal(object)
    frameRead = Signal(object)
    boxesShown = Signal()
    ready = Signal()
    _writerReported = Signal(object)

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._autosave = Autosave(session, self)
        self._binding = SourceBinding(session, self._autosave)
        self.safety = ProjectSafety(session, self._autosave, self._binding, self)
        self.safety.warningPosted.connect(self.warningPosted)
        self.care = ProjectCare(self._autosave, self.safety, self)
        self._shown = ShownDocument(session, self._autosave, settings)
        self._rest = RestOfProject(session, self._autosave, self._binding, self.safety.notices, self)
        self._loader = ProjectLoader(self)
        self._loader.progress.connect(self._rest.show_step)
        self._loader.progress.connect(self.loadProgress)
        self._loader.frameRead.connect(self.frameRead)
        self._loader.loaded.connect(self._on_loader_loaded)
        self._loader.variantLoaded.connect(self._rest.add)
        self._loader.completed.connect(self._on_loader_completed)
        self._loader.failed.connect(self._on_loader_failed)
        self._opening: Opening | None = None
        self._info: VideoInfo | None = None
        self._found: FoundProject | None = None
        self._chosen: Path | None = None
        self._waits_for_video = False
        self._requested_path: Path | None = None

    @abstractmethod
    def _close_project(self) -> None:
        """Close the open project, and stop loading."""

    def open_video_source(self, info: VideoInfo) -> None:
        """Show a video that was opened: with its project if one is found, else with an empty document.

        ``ready`` follows: at once, or after ``loadProgress`` if there is a large project to load.
        """
        if self._waits_for_video and self._autosave.project is not None:
            self._waits_for_video = False
            self._info = info
            if not self._rest.is_running:
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
            self._load(Opening(found.path, info, requested_path))

    def update_video(self, info: VideoInfo) -> None:
        """Take over new properties of the open video: frames are added, or renumbered together with their boxes."""
        self._info = info
        if self._opening is not None:
            if self._opening.info is not None:
                self._opening = replace(self._opening, info=info)
        elif self._session.frame_count and not self._rest.is_running:
            self._bind_video(info)

    def set_project_path(self, path: Path) -> None:
        """Use this project file (``--project``), which need not exist, for the next video."""
        self._requested_path = path.absolute()

    def open_project(self, path: Path) -> None:
        """Open a project file, then its video (``videoRequested``).

        If the video is not found (``videoLocationRequested``), everything works except showing its frames.
        """
        self._close_project()
        self._load(Opening(path.absolute()))

    def _load(self, opening: Opening) -> None:
        self._opening = opening
        scores, frame = self._settings.score_settings(), opening.frame
        if opening.info is not None and not frame:
            frame = self._settings.last_frame(opening.info.path)
        self._loader.load(opening.path, scores, take_over=opening.take_over, frame=frame)
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
        if not self._rest.keep_back(loaded, self._opening.info if self._opening is not None else None):
            self._show(loaded)

    def _show(self, loaded: LoadedProject) -> None:
        opening, self._opening = self._opening, None
        opened = loaded.opened
        opened.project.on_problem = self._writerReported.emit
        self._shown.show_loaded(loaded)
        self.safety.show_opened(opened)
        self.care.watch(opened.project, backs_up=opened.view_of is None)
        self.projectOpened.emit(str(opened.project.path))
        if opening is None or opening.info is None:
            if loaded.is_partial:
                self._rest.begin(loaded)
            self._request_video(opened)
            return
        self._chosen = opened.project.path if opening.is_chosen else None
        if loaded.is_partial:
            self._rest.begin(loaded)
            self._session.go_to(opening.frame)
            self.boxesShown.emit()
            return
        self._bind_video(opening.info)
        self._register_chosen()
        self._session.go_to(opening.frame)
        self._finish_opening()

    def _register_chosen(self) -> None:
        path, self._chosen = self._chosen, None
        if path is not None and not self.safety.is_view and self.safety.original is None:
            self.safety.register(path, chosen=True)

    def _on_loader_completed(self) -> None:
        if not self._rest.is_running:
            return
        whole = self._rest.complete()
        if whole is not None:
            self._show(replace(whole, is_partial=False))
        elif self._info is not None:
            self._bind_video(self._info)
            self._register_chosen()
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
