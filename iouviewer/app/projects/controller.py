"""The life of a project: found or made for a video, bound to the session, kept up to date, closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import ProjectKeeper
from iouviewer.app.projects.creation import make_project
from iouviewer.app.projects.importer import Importer
from iouviewer.app.projects.loading import Loaded, ProjectLoader
from iouviewer.app.projects.locations import Registry, VideoFacts, find_project, find_video, source_of
from iouviewer.app.projects.presentation import show_document, show_loaded
from iouviewer.app.projects.recovery import Opened
from iouviewer.app.projects.snapshots import Snapshots
from iouviewer.app.settings import Settings
from iouviewer.app.video.frame_numbers import FrameNumbers
from iouviewer.document.document import Document
from iouviewer.document.history import MemoryHistory
from iouviewer.document.imported import ImportedBoxes
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.project.store import ProjectFile


@dataclass(frozen=True, slots=True)
class _Opening:
    """A project that is being loaded: for this video, or for its own; ``place`` is where it was asked for."""

    path: Path
    facts: VideoFacts | None = None
    place: Path | None = None


class ProjectController(QObject):
    """Keeps the session's work in a project file. Used from the UI thread.

    Signals:
        projectOpened(str): a project file is bound to the session; its path.
        notice(str): one sentence for people, nothing is wrong; ``warning(str)``: one that stays until it was read.
        problem(UserError): something is wrong and can be read about.
        problemOver(): saving works again.
        askReplace(ReplaceQuestion): may edited ground truth be replaced?
        askVideo(Source): the project's video was not found; ask for it, then open it and call ``open_video_source``.
        videoWanted(str): a project was opened; open this video and call ``open_video_source``.
        snapshotMade(str): path of the copy.
        opening(str, float): a large project is being loaded: its name, and a share from 0 to 1.
        ready(): the video that was opened is shown, with its project where it has one.
    """

    projectOpened = Signal(str)
    notice = Signal(str)
    warning = Signal(str)
    problem = Signal(object)
    problemOver = Signal()
    askReplace = Signal(object)
    askVideo = Signal(object)
    videoWanted = Signal(str)
    snapshotMade = Signal(str)
    opening = Signal(str, float)
    ready = Signal()
    _writerSaid = Signal(object)

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._registry = Registry()
        self._keeper = ProjectKeeper(session, self)
        self._keeper.fileNeeded.connect(self._ensure_project)
        self._importer = Importer(session, self._keeper, self)
        self._importer.notice.connect(self.notice)
        self._importer.askReplace.connect(self.askReplace)
        self._numbers = FrameNumbers(session, self._keeper)
        self._loader = ProjectLoader(self)
        self._loader.progress.connect(self.opening)
        self._loader.loaded.connect(self._on_loader_loaded)
        self._loader.failed.connect(self._on_loader_failed)
        self._opening: _Opening | None = None
        self._copy_of: Path | None = None
        self._copied_steps = 0
        self._waits_for_video = False
        self._wanted_place: Path | None = None
        self._told_unwritable = False
        self._closed = False
        self._writerSaid.connect(self._on_writer_said)
        self._snapshots = Snapshots(self)
        self._snapshots.made.connect(self.snapshotMade)
        self._snapshots.failed.connect(self.problem)
        session.historyChanged.connect(self._on_history_changed)

    @property
    def project(self) -> ProjectFile | None:
        """The open project file, None as long as nothing was edited or imported."""
        return self._keeper.project

    @property
    def path(self) -> Path | None:
        """Where the project file lies."""
        return self._keeper.project.path if self._keeper.project is not None else None

    # Opening

    def open_video_source(self, facts: VideoFacts) -> None:
        """Show a video that was opened: with its project where one is found, else with an empty document.

        ``ready`` follows: at once, or after ``opening`` where there is a large project to load.
        """
        if self._waits_for_video and self._keeper.project is not None:
            self._waits_for_video = False
            self._bind_video(facts)
            self.ready.emit()
            return
        self._leave()
        place, self._wanted_place = self._wanted_place, None
        found = place if place is not None and place.is_file() else None
        if place is None:
            found = find_project(facts, self._registry)
        if found is None:
            self._show_new(facts, place)
        else:
            self._load(_Opening(found, facts, place))

    def update_video(self, facts: VideoFacts) -> None:
        """More is known of the open video: frames are added, or renumbered with all that belongs to them."""
        if self._opening is not None:
            if self._opening.facts is not None:
                self._opening = replace(self._opening, facts=facts)
        elif self._session.frame_count:
            self._bind_video(facts, tell=False)

    def use_place(self, path: Path) -> None:
        """The next video keeps its project at this path (``--project``), which may exist or not."""
        self._wanted_place = path.absolute()

    def open_project(self, path: Path) -> None:
        """Open a project file, then its video (``videoWanted``); without it, all but pictures works (``askVideo``)."""
        self._leave()
        self._load(_Opening(path.absolute()))

    def _load(self, opening: _Opening) -> None:
        self._opening = opening
        self._loader.load(opening.path, self._settings.score_settings())
        if self._loader.busy:
            # Nothing can be edited that the project would then replace.
            show_document(self._session, self._keeper, Document(), self._settings.score_settings())

    def _on_loader_failed(self, error: UserError) -> None:
        opening, self._opening = self._opening, None
        self.problem.emit(error)
        if opening is not None and opening.facts is not None:
            self._show_new(opening.facts, opening.place)

    def _on_loader_loaded(self, loaded: Loaded) -> None:
        opening, self._opening = self._opening, None
        opened = loaded.opened
        self._copy_of = opened.copy_of
        self._copied_steps = opened.project.progress[1]
        opened.project.on_problem = self._writerSaid.emit
        show_loaded(self._session, self._keeper, loaded)
        for sentence in opened.told:
            self.notice.emit(sentence)
        self.projectOpened.emit(str(opened.project.path))
        if opening is not None and opening.facts is not None:
            self._bind_video(opening.facts)
            self.ready.emit()
        else:
            self._look_for_video(opened)

    def _look_for_video(self, opened: Opened) -> None:
        self._waits_for_video = True
        source, path = self._session.source, opened.copy_of or opened.project.path
        relative = opened.contents.relative_paths.get(source.id, "")
        video = find_video(source, relative, path, self._settings.last_folders.values())
        if video is not None:
            self.videoWanted.emit(str(video))
        else:
            self.askVideo.emit(source)

    def _show_new(self, facts: VideoFacts, place: Path | None) -> None:
        """A video without a project; one will be made at ``place`` where that is given."""
        self._wanted_place = place
        document = Document()
        document.add_source(source_of(facts))
        document.set_numbering(facts.numbering)
        show_document(self._session, self._keeper, document, self._settings.score_settings())
        self.ready.emit()

    def _bind_video(self, facts: VideoFacts, *, tell: bool = True) -> None:
        sentence = self._numbers.bind(facts, tell=tell)
        if sentence:
            self.warning.emit(sentence)
        project = self._keeper.project
        if project is not None and self._copy_of is None:
            self._remember(facts.fingerprint, project.path)

    def _remember(self, fingerprint: str, path: Path) -> None:
        try:
            self._registry.remember(fingerprint, path)
        except UserError as error:
            self.problem.emit(error)

    # Making the file

    def _ensure_project(self) -> bool:
        """Make the project file at the first edit or import; False if it cannot be made (told once)."""
        session, source = self._session, self._session.source
        if self._keeper.project is not None:
            return True
        if self._closed:
            return False  # what a run says last must not begin another file
        if not source.path or not isinstance(session.history, MemoryHistory):
            return False
        made = make_project(self._keeper, source, session.history, self._wanted_place)
        project = made.project
        if project is None:
            if not self._told_unwritable:
                self._told_unwritable = True
                self.problem.emit(made.problem)
            return False
        self._told_unwritable = False
        self._wanted_place = None
        self._use(project)
        if made.notice:
            self.notice.emit(made.notice)
        self._remember(source.fingerprint, project.path)
        return True

    # Keeping it up to date

    def _on_history_changed(self) -> None:
        history = self._session.history
        if not self._keeper.muted and isinstance(history, MemoryHistory) and history.steps:
            self._ensure_project()

    def _on_writer_said(self, problem: UserError | None) -> None:
        if problem is not None:
            self.problem.emit(problem)
        else:
            self.problemOver.emit()
            self.notice.emit("Saving works again; nothing was lost")

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
        """A JSON value that the project keeps for a part of the window."""
        return self._keeper.values.get(key, default)

    def set_value(self, key: str, value: Any) -> None:
        """Keep a JSON value in the project (in memory as long as there is none)."""
        if self._keeper.values.get(key) != value:
            self._keeper.save_values({key: value})

    # Snapshots and the end

    def snapshot(self, name: str) -> None:
        """Copy the project under a name; ``snapshotMade`` or ``problem`` follows."""
        if not self._ensure_project() or self._keeper.project is None:
            self.problem.emit(UserError("there is nothing to make a snapshot of", remedy="Edit or import something."))
            return
        self._snapshots.make(self._keeper.project, name)

    def save_elsewhere(self, path: Path) -> None:
        """Keep the project at another place from now on (the old one cannot be written).

        Raises:
            UserError: nothing can be written there either, or there is a file already.
        """
        old = self._keeper.project
        self._use(self._keeper.create(path.absolute(), self._session.history))
        if old is not None:
            old.abandon()

    def _use(self, project: ProjectFile) -> None:
        """Keep the session in a file that was made of it."""
        self._keeper.project = project
        project.on_problem = self._writerSaid.emit
        self._session.attach_history(project, place=str(project.path))
        self.projectOpened.emit(str(project.path))

    def retry_saving(self) -> None:
        """Try at once to write what could not be written."""
        if self._keeper.project is not None:
            self._keeper.project.retry_now()

    def close(self) -> None:
        """Write what waits, close the project and end all threads; what cannot be written is told."""
        self._closed = True
        self._leave()
        self._loader.close()

    def _leave(self) -> None:
        self._opening = None
        self._loader.cancel()
        self._keeper.write_chunks()
        self._snapshots.wait()
        project, self._keeper.project = self._keeper.project, None
        self._waits_for_video = False
        self._keeper.values = {}
        copy_of, self._copy_of = self._copy_of, None
        self._told_unwritable = False
        if project is None:
            return
        untouched = copy_of is not None and project.progress[1] == self._copied_steps
        try:
            project.close()
        except UserError as error:
            self.problem.emit(error)
            return
        finally:
            self._keeper.muted = True
            self._session.attach_history(MemoryHistory(), place="")
            self._keeper.muted = False
        if untouched:
            project.path.unlink(missing_ok=True)
