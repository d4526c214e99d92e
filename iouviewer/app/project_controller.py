"""The life of a project: found or made for a video, bound to the session, kept up to date, closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from iouviewer.app.importer import Importer
from iouviewer.app.project_keeper import ProjectKeeper
from iouviewer.app.project_opening import Opened, open_whatever_state
from iouviewer.app.project_places import (
    Registry,
    VideoFacts,
    beside,
    difference_of,
    find_project,
    find_video,
    new_places,
    source_of,
)
from iouviewer.app.score_settings_json import scores_from_json
from iouviewer.app.session import Session
from iouviewer.app.settings import Settings
from iouviewer.app.snapshots import Snapshots
from iouviewer.document.document import Document
from iouviewer.document.history import MemoryHistory
from iouviewer.document.imported import ImportedBoxes
from iouviewer.document.sources import Source
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.project.store import ProjectFile


class ProjectController(QObject):
    """Keeps the session's work in a project file. Used from the UI thread.

    Signals:
        projectOpened(str): a project file is bound to the session; its path.
        notice(str): one sentence for people, nothing is wrong.
        problem(UserError): something is wrong and can be read about.
        problemOver(): saving works again.
        askReplace(ReplaceQuestion): may edited ground truth be replaced?
        askVideo(Source): the project's video was not found; ask for it, then open it and call ``open_video_source``.
        videoWanted(str): a project was opened; open this video and call ``open_video_source``.
        snapshotMade(str): path of the copy.
    """

    projectOpened = Signal(str)
    notice = Signal(str)
    problem = Signal(object)
    problemOver = Signal()
    askReplace = Signal(object)
    askVideo = Signal(object)
    videoWanted = Signal(str)
    snapshotMade = Signal(str)
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
        self._relative: Mapping[int, str] = {}
        self._copy_of: Path | None = None
        self._copied_steps = 0
        self._waits_for_video = False
        self._wanted_place: Path | None = None
        self._told_unwritable = False
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
        """Show a video that was opened: with its project where one is found, else with an empty document."""
        if self._waits_for_video and self._keeper.project is not None:
            self._waits_for_video = False
            self._bind_video(facts)
            return
        self.close()
        place, self._wanted_place = self._wanted_place, None
        found = place if place is not None and place.is_file() else None
        if place is None:
            found = find_project(facts.path, facts.fingerprint, self._registry)
        if found is not None and self._open_file(found):
            self._waits_for_video = False
            self._bind_video(facts)
            return
        self._wanted_place = place
        document = Document()
        document.add_source(source_of(facts))
        self._keeper.muted = True
        try:
            self._session.open_document(document)
            self._session.set_score_settings(self._settings.score_settings())
        finally:
            self._keeper.muted = False

    def update_video(self, facts: VideoFacts) -> None:
        """More is known of the open video (its index was completed): frames are added, edits stay."""
        self._bind_video(facts, tell=False)

    def use_place(self, path: Path) -> None:
        """The next video keeps its project at this path (``--project``), which may exist or not."""
        self._wanted_place = path.absolute()

    def open_project(self, path: Path) -> None:
        """Open a project file, then its video (``videoWanted``); without it, all but pictures works (``askVideo``)."""
        self.close()
        if not self._open_file(path.absolute()):
            return
        self._waits_for_video = True
        source = self._session.source
        relative = self._relative.get(source.id, "")
        video = find_video(source, relative, path, self._settings.last_folders.values())
        if video is not None:
            self.videoWanted.emit(str(video))
        else:
            self.askVideo.emit(source)

    def _open_file(self, path: Path) -> bool:
        try:
            opened = open_whatever_state(path)
        except UserError as error:
            self.problem.emit(error)
            return False
        self._keeper.project = opened.project
        self._copy_of = opened.copy_of
        self._copied_steps = opened.project.progress[1]
        self._relative = opened.contents.relative_paths
        self._show(opened)
        for sentence in opened.told:
            self.notice.emit(sentence)
        self.projectOpened.emit(str(opened.project.path))
        return True

    def _show(self, opened: Opened) -> None:
        contents, project, session = opened.contents, opened.project, self._session
        document = contents.document
        if not document.sources:
            document.add_source(Source(0, "", "", 0, 0, 0))
        self._keeper.values = dict(contents.settings)
        self._keeper.muted = True
        try:
            session.open_document(document, source=min(document.sources), history=project)
            session.attach_history(project, place=str(project.path))
            session.set_score_settings(
                scores_from_json(self._keeper.values.get("scores"), self._settings.score_settings())
            )
            for variant in contents.variants:
                session.variants.restore(variant)
            session.variants.set_baseline(contents.baseline)
        finally:
            self._keeper.muted = False
        project.on_problem = self._writerSaid.emit
        if opened.salvaged:
            self._keeper.save_values({"edited": True})

    def _bind_video(self, facts: VideoFacts, *, tell: bool = True) -> None:
        known, project = self._session.source, self._keeper.project
        found = source_of(facts, number=known.id)
        sentence = difference_of(found, known)
        if tell and sentence:
            self.notice.emit(sentence)
        # Labels beyond the end of a shorter file stay; they are not ours to drop.
        source = replace(found, frame_count=max(found.frame_count, known.frame_count))
        if source != known:
            self._keeper.muted = True
            try:
                self._session.update_source(source)
            finally:
                self._keeper.muted = False
            if project is not None:
                project.save_source(self._session.source)
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
        if not source.path or not isinstance(session.history, MemoryHistory):
            return False
        video, reason = Path(source.path), None
        places = [self._wanted_place] if self._wanted_place else new_places(video, source.fingerprint)
        for path in places:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._keeper.project = self._keeper.create(path, session.history)
                break
            except OSError as error:
                reason = UserError(f"the folder cannot be made: {error.strerror}", path=path.parent)
            except UserError as error:
                reason = error
        if self._keeper.project is None:
            if not self._told_unwritable:
                self._told_unwritable = True
                message = f"edits are not being saved: {reason.message if reason else 'no place is free'}"
                self.problem.emit(UserError(message, path=reason.path if reason else None))
            return False
        self._told_unwritable = False
        project = self._keeper.project
        project.on_problem = self._writerSaid.emit
        session.attach_history(project, place=str(project.path))
        if self._wanted_place is None and project.path != beside(video):
            self.notice.emit(f"The folder of {video.name} cannot be written; the project is kept in {project.path}")
        self._wanted_place = None
        self._remember(source.fingerprint, project.path)
        self.projectOpened.emit(str(project.path))
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
        history = MemoryHistory()
        steps = old.all_steps() if old is not None else ()
        history.take_over(steps, old.cursor if old is not None else 0)
        self._keeper.project = self._keeper.create(path.absolute(), history)
        self._keeper.project.on_problem = self._writerSaid.emit
        self._session.attach_history(self._keeper.project, place=str(self._keeper.project.path))
        self.projectOpened.emit(str(self._keeper.project.path))
        if old is not None:
            old.abandon()

    def retry_saving(self) -> None:
        """Try at once to write what could not be written."""
        if self._keeper.project is not None:
            self._keeper.project.retry_now()

    def close(self) -> None:
        """Write what waits and close the project; what cannot be written is told."""
        self._keeper.write_chunks()
        self._snapshots.wait()
        project, self._keeper.project = self._keeper.project, None
        self._waits_for_video = False
        self._keeper.values, self._relative = {}, {}
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
