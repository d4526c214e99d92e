"""Opening, importing, snapshots: from a request, a dialog or a drop to the project controller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

from iouviewer import folders
from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.projects.importer import ReplaceQuestion
from iouviewer.app.settings import Settings
from iouviewer.app.video.frame_loader import FrameLoader, IndexProgress, NumbersConfirmed, VideoInfo
from iouviewer.app.video.frame_numbers import NUMBERED_BY_FILES
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.formats.registry import refuse_outside
from iouviewer.jobs.open_request import OpenRequest
from iouviewer.resource_files import resource_path
from iouviewer.ui.dialogs.open_sheet import Item, OpenSheet
from iouviewer.ui.importing import VIDEO_SUFFIXES, BoxReader, Context, Found, Role, look_at_all

_VIDEOS = f"Videos ({' '.join('*' + suffix for suffix in VIDEO_SUFFIXES)});;All files (*)"


class Runs(Protocol):
    """Who runs models."""

    def run_with_defaults(self, name: str, weights: Path) -> None: ...

    def ask(self, models: Sequence[tuple[str, Path]]) -> None: ...


class FileCommands(QObject):
    """Group ``files``.

    Signals:
        failed(UserError): something could not be opened.
        opened(bool): a video is shown, with all that was to come with it; whether it is the sample.
    """

    failed = Signal(object)
    opened = Signal(bool)

    def __init__(
        self,
        window: QWidget,
        session: Session,
        loader: FrameLoader,
        controller: ProjectController,
        settings: Settings,
        runs: Runs,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._loader = window, session, loader
        self._controller, self._settings, self._runs = controller, settings, runs
        self._reader = BoxReader(self)
        self._todo: list[Item] = []
        self._after: list[Found] = []
        self._sheet: OpenSheet | None = None
        self._demo = False
        loader.opened.connect(self._on_loader_opened)
        loader.openFailed.connect(self._on_loader_open_failed)
        loader.indexProgress.connect(self._on_loader_index_progress)
        loader.numbersConfirmed.connect(self._on_loader_numbers_confirmed)
        controller.opening.connect(self._on_controller_opening)
        controller.ready.connect(self._on_controller_ready)
        controller.videoWanted.connect(self._on_controller_video_wanted)
        controller.askVideo.connect(self._on_controller_ask_video)
        controller.askReplace.connect(self._on_controller_ask_replace)

    def close(self) -> None:
        """End the reading thread."""
        if self._sheet is not None:
            self._sheet.reject()
        self._reader.close()

    # From the menu

    def open_video(self) -> None:
        """Choose a video or a project."""
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Open video or project", self._settings.folder("video"), f"{_VIDEOS};;Projects (*.iouv)"
        )
        if path:
            self.open_paths([Path(path)])

    def open_files(self) -> None:
        """Choose any mix of files."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, "Open", self._settings.folder("video"))
        if paths:
            self.open_paths([Path(path) for path in paths])

    def open_folder(self) -> None:
        """Choose a folder: pictures, labels, or a mix of files."""
        path = QFileDialog.getExistingDirectory(self._window, "Open folder", self._settings.folder("video"))
        if path:
            self.open_paths([Path(path)])

    def open_sample(self) -> None:
        """Open the bundled sample."""
        self.open_request(OpenRequest(demo=True))

    def import_ground_truth(self) -> None:
        """Choose a file of ground truth."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Import ground truth", self._settings.folder("gt"))
        if path:
            self._settings.remember_folder("gt", path)
            self._take_as(Role.GROUND_TRUTH, [Path(path)])

    def add_predictions(self) -> None:
        """Choose files of predictions; each becomes a variant."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, "Add predictions", self._settings.folder("pred"))
        if paths:
            self._settings.remember_folder("pred", paths[0])
            self._take_as(Role.PREDICTIONS, [Path(path) for path in paths])

    def _take_as(self, role: Role, paths: list[Path]) -> None:
        found = [replace(one, role=role) for one in look_at_all(paths)]
        self._show_sheet(found, always=False)

    def snapshot(self) -> None:
        """Keep a copy of the project under a name."""
        name, done = QInputDialog.getText(self._window, "Snapshot", "Name of the snapshot")
        if done and name.strip():
            self._controller.snapshot(name.strip())

    # From a drop or the command line

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open a drop of any mix of files and folders: one video or project at once, the rest through the sheet."""
        found = look_at_all([path.absolute() for path in paths])
        if len(found) == 1 and found[0].role is Role.PROJECT:
            self._open_project(found[0].path)
        elif len(found) == 1 and found[0].role is Role.VIDEO:
            self._open_video(found[0].path)
        elif found:
            self._show_sheet(found, always=True)

    def open_request(self, request: OpenRequest) -> None:
        """Open what the command line said; a sheet comes up only where something must be decided."""
        if request.demo:
            self._open_demo()
            return
        after = [Found(request.gt, Role.GROUND_TRUTH, request.gt.stem)] if request.gt is not None else []
        after += [Found(path, Role.PREDICTIONS, name) for name, path in request.preds]
        after += [Found(path, Role.MODEL, name) for name, path in request.models]
        if request.project is not None and (request.video is not None or not request.project.exists()):
            self._controller.use_place(request.project)
        if request.video is not None:
            self._open_video(request.video, after)
        elif request.project is not None:
            self._after = after
            self._open_project(request.project)
        elif after:
            self._show_sheet(after, always=True)

    def _open_demo(self) -> None:
        from iouviewer.jobs.demo import sample_models, sample_predictions

        after = [Found(resource_path("sample/ground_truth.csv"), Role.GROUND_TRUTH, "ground truth")]
        stored = sample_predictions()
        after += [Found(path, Role.PREDICTIONS, name) for name, path in stored]
        if not stored:
            after += [Found(path, Role.MODEL, name) for name, path in sample_models()]
        # The sample may lie in a folder of the installation, where nothing is to be written.
        self._controller.use_place(folders.data_folder() / "sample.iouv")
        self._demo = True
        self._open_video(resource_path("sample/clip.mp4"), after)

    def _open_video(self, path: Path, after: Sequence[Found] = ()) -> None:
        self._after = list(after)
        self._settings.remember_folder("video", path)
        self._loader.open(path)

    def _open_project(self, path: Path) -> None:
        self._settings.add_recent(path)
        self._controller.open_project(path)

    # The sheet

    def _context(self) -> Context | None:
        source = self._session.source
        if not self._session.frame_count:
            return None
        return Context((source.width, source.height), source.frame_count, Path(source.path).stem)

    def _show_sheet(self, found: list[Found], *, always: bool) -> None:
        if self._sheet is not None:
            self._sheet.reject()
        sheet = OpenSheet(self._window, found, self._reader, self._context())
        self._sheet = sheet
        sheet.accepted.connect(self._on_sheet_accepted)
        sheet.rejected.connect(self._on_sheet_rejected)
        if always:
            sheet.open()
        elif sheet.busy:
            sheet.ready.connect(self._on_sheet_ready)
        else:
            self._on_sheet_ready()

    def _on_sheet_ready(self) -> None:
        sheet = self._sheet
        if sheet is None or sheet.isVisible():
            return
        if sheet.needs_a_look():
            sheet.open()
        else:
            sheet.accept()

    def _on_sheet_rejected(self) -> None:
        self._drop_sheet()

    def _drop_sheet(self) -> None:
        if self._sheet is not None:
            self._sheet.deleteLater()
            self._sheet = None

    def _on_sheet_accepted(self) -> None:
        if self._sheet is None:
            return
        items = self._sheet.items()
        self._drop_sheet()
        video = next((item for item in items if item.role is Role.VIDEO), None)
        project = next((item for item in items if item.role is Role.PROJECT), None)
        rest = [item for item in items if item.role not in (Role.VIDEO, Role.PROJECT)]
        if project is not None:
            self._todo = rest
            self._open_project(project.found.path)
        elif video is not None and str(video.found.path) != self._session.source.path:
            self._todo = rest
            self._open_video(video.found.path)
        else:
            self._take(rest)

    def _take(self, items: list[Item]) -> None:
        order = (Role.GROUND_TRUTH, Role.PREDICTIONS, Role.MODEL)
        if items and not self._session.frame_count:
            self.failed.emit(UserError("there is no video for these files", remedy="Open the video first"))
            return
        info = self._loader.info
        if info is not None and not info.numbers_confirmed and any(item.boxes is not None for item in items):
            self._controller.set_value(NUMBERED_BY_FILES, True)
        models = []
        for item in sorted(items, key=lambda item: order.index(item.role)):
            try:
                if item.boxes is not None:
                    boxes = refuse_outside(item.boxes, self._session.frame_count)
                    if item.role is Role.GROUND_TRUTH:
                        self._controller.import_ground_truth(boxes)
                    elif not self._is_there(item):
                        self._controller.add_predictions(item.name, boxes)
                elif item.role is Role.MODEL:
                    models.append((item.name, item.found.path))
            except UserError as error:
                self.failed.emit(error)
        if models and self._demo:
            for name, path in models:
                if self._session.variants.find(name) is None:
                    self._runs.run_with_defaults(name, path)
        elif models:
            self._runs.ask(models)
        self.opened.emit(self._demo)
        self._demo = False

    def _is_there(self, item: Item) -> bool:
        """Whether the project brought this file's predictions already."""
        known = self._session.variants.find(item.name)
        return known is not None and known.path == str(item.found.path)

    # Answers

    def _on_loader_opened(self, info: VideoInfo) -> None:
        try:
            self._controller.open_video_source(info)
        except UserError as error:
            self.failed.emit(error)
            return
        self._settings.add_recent(info.path)

    def _on_controller_opening(self, name: str, share: float) -> None:
        self._session.told.emit(f"Opening {name} … {100 * share:.0f} %")

    def _on_controller_ready(self) -> None:
        todo, self._todo = self._todo, []
        after, self._after = self._after, []
        if after:
            self._show_sheet(after, always=False)
        else:
            self._take(todo)

    def _on_loader_open_failed(self, error: UserError) -> None:
        self._todo, self._after, self._demo = [], [], False
        self._settings.forget_recent(error.path or "")
        self.failed.emit(error)

    def _on_loader_index_progress(self, _progress: IndexProgress) -> None:
        info = self._loader.info
        if info is not None and info.index_digest != self._session.source.index_digest:
            self._controller.update_video(info)

    def _on_loader_numbers_confirmed(self, confirmed: NumbersConfirmed) -> None:
        self._controller.update_video(confirmed.info)

    def _on_controller_video_wanted(self, path: str) -> None:
        self._loader.open(Path(path))

    def _on_controller_ask_video(self, source: Source) -> None:
        path, _ = QFileDialog.getOpenFileName(self._window, f"Where is {source.name}?", filter=_VIDEOS)
        if path:
            self._loader.open(Path(path))

    def _on_controller_ask_replace(self, question: ReplaceQuestion) -> None:
        answer = QMessageBox.question(
            self._window,
            "Replace the ground truth?",
            f"{question.box_count} boxes are there, and some were edited. Replace them with those of "
            f"{question.imported.path.name}? It is one step that can be undone.",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._controller.import_ground_truth(question.imported, question.class_map, replace=True)
