"""Commands that open, import and save snapshots, and the menu of recent files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QWidget

from iouviewer import folders
from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.projects.importer import ReplaceQuestion
from iouviewer.app.projects.loading import LoadStep
from iouviewer.app.projects.source_binding import PROVISIONAL_IMPORT
from iouviewer.app.settings import Settings
from iouviewer.app.video.frame_loader import FrameLoader, IndexProgress, NumbersConfirmed, VideoInfo
from iouviewer.document.dataset import DatasetSource
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.box_files import find_dataset_parts, refuse_frames_outside
from iouviewer.jobs.eval_inputs import context_of
from iouviewer.jobs.requests import OpenRequest
from iouviewer.metrics.table import Float, Int
from iouviewer.resource_files import resource_path
from iouviewer.ui.commands.rejoin import ResultsRejoiner
from iouviewer.ui.dialogs.input_dialogs import choose_weights, confirm
from iouviewer.ui.dialogs.open_dialog import OpenDialog, OpenItem
from iouviewer.ui.dialogs.parts_dialog import choose_part
from iouviewer.ui.importing import (
    VIDEO_SUFFIXES,
    BoxReader,
    FileCandidate,
    FileRole,
    box_file,
    find_candidates,
    model_name,
    part_files,
)
from iouviewer.ui.panels.class_prompt import CLASS_ASKED

_VIDEO_FILTER = tr("Videos ({patterns});;All files (*)", patterns=" ".join(f"*{suffix}" for suffix in VIDEO_SUFFIXES))
_PROJECT_FILTER = tr("Projects (*.iouv)")
_MIN_SCORE = 0.25
"""Confidence from which loaded predictions say whether ground truth fits them."""
_RECENT_POSITION = 4
"""Position of the recent files in the File menu: below the commands that open something."""


class ModelRunner(Protocol):
    """Runs models; implemented by ``RunCommands``."""

    def run_with_defaults(self, name: str, weights: Path) -> None: ...

    def configure_runs(self, models: Sequence[tuple[str, Path]]) -> None: ...


class FileCommands(QObject):
    """Group ``files``.

    Signals:
        failed(UserError): something could not be opened.
        opened(bool): a video is shown and its files are imported; True if it is the sample.
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
        runner: ModelRunner,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._loader = window, session, loader
        self._controller, self._settings, self._runner = controller, settings, runner
        self._reader = BoxReader(self)
        self.rejoiner = ResultsRejoiner(session, controller, self._reader)
        self.rejoiner.warningPosted.connect(controller.warningPosted)
        self._pending_items: list[OpenItem] = []
        self._pending_files: list[FileCandidate] = []
        self._dialog: OpenDialog | None = None
        self._has_asked = False
        self._is_sample = False
        self.offer_dataset: Callable[[Sequence[Path]], bool] = lambda _paths: False
        self.ask_dataset: Callable[[Sequence[Path]], object] = lambda _paths: None
        """Take paths that are a dataset or hold several sources, and ask about them anyway; replaced by the window."""
        self.take_speeds: Callable[[Sequence[Path]], Sequence[Path]] = lambda paths: paths
        self.is_listed: Callable[[str], bool] = lambda _path: False
        """Whether the open dataset lists a video, whose place among the recent files it then takes."""
        loader.opened.connect(self._on_loader_opened)
        loader.openFailed.connect(self._on_loader_open_failed)
        loader.indexProgress.connect(self._on_loader_index_progress)
        loader.numbersConfirmed.connect(self._on_loader_numbers_confirmed)
        controller.loadProgress.connect(self._on_controller_load_progress)
        controller.ready.connect(self._on_controller_ready)
        controller.videoRequested.connect(self._on_controller_video_requested)
        controller.videoLocationRequested.connect(self._on_controller_video_location_requested)
        controller.replaceConfirmationRequested.connect(self._on_controller_replace_confirmation_requested)

    def close(self) -> None:
        """Stop the reading thread."""
        if self._dialog is not None:
            self._dialog.reject()
        self._reader.close()

    # From the menu

    def open_video(self) -> None:
        """Choose a video or a project."""
        path, _ = QFileDialog.getOpenFileName(
            self._window,
            tr("Open video or project"),
            self._settings.folder("video"),
            f"{_VIDEO_FILTER};;{_PROJECT_FILTER}",
        )
        if path:
            self.open_paths([Path(path)])

    def open_files(self) -> None:
        """Choose any mix of files."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, tr("Open files"), self._settings.folder("video"))
        if paths:
            self.open_paths([Path(path) for path in paths])

    def open_folder(self) -> None:
        """Choose a folder: images, labels, or a mix of files."""
        path = QFileDialog.getExistingDirectory(self._window, tr("Open folder"), self._settings.folder("video"))
        if path:
            self.open_paths([Path(path)])

    def open_with_model(self) -> None:
        """Choose a video and a model to run on it, one after the other."""
        video, _ = QFileDialog.getOpenFileName(
            self._window, tr("Choose video"), self._settings.folder("video"), _VIDEO_FILTER
        )
        paths = choose_weights(self._window, self._settings) if video else []
        if paths:
            models = tuple((model_name(path), path) for path in paths)
            self.open_request(OpenRequest(video=Path(video), models=models))

    def open_sample(self) -> None:
        """Open the bundled sample."""
        self.open_request(OpenRequest(demo=True))

    def import_ground_truth(self) -> None:
        """Choose a ground-truth file."""
        path, _ = QFileDialog.getOpenFileName(self._window, tr("Import ground truth"), self._settings.folder("gt"))
        if path:
            self._settings.remember_folder("gt", path)
            self._import_as(FileRole.GROUND_TRUTH, [Path(path)])

    def add_predictions(self) -> None:
        """Choose prediction files; each becomes a variant."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, tr("Add predictions"), self._settings.folder("pred"))
        if paths:
            self._settings.remember_folder("pred", paths[0])
            self._import_as(FileRole.PREDICTIONS, [Path(path) for path in paths])

    def _import_as(self, role: FileRole, paths: list[Path]) -> None:
        candidates = [replace(candidate, role=role) for candidate in find_candidates(paths)]
        self._show_dialog(candidates, always=False)

    def snapshot(self) -> None:
        """Save a copy of the project under a name."""
        name, is_accepted = QInputDialog.getText(self._window, tr("Save snapshot"), tr("Name of the snapshot"))
        if is_accepted and name.strip():
            self._controller.snapshot(name.strip())

    # From a drop or the command line

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders: a single video or project at once, anything else through the dialog."""
        if not self.offer_dataset(paths):
            self.open_alone(paths)

    def open_alone(self, paths: Sequence[Path]) -> None:
        """As ``open_paths``, without asking about a dataset."""
        candidates = self._candidates(self.take_speeds(paths))
        if len(candidates) == 1 and candidates[0].role is FileRole.PROJECT:
            self._open_project(candidates[0].path)
        elif len(candidates) == 1 and candidates[0].role is FileRole.VIDEO:
            self._open_video(candidates[0].path)
        elif candidates:
            self._show_dialog(candidates, always=True)

    def open_source(self, source: DatasetSource) -> None:
        """Open a source of a dataset, with the files that came with it until they are in its project."""
        if source.last_frame:
            self._settings.remember_frame(source.path, source.last_frame)
        if source.project and Path(source.project).is_file():
            self._controller.set_project_path(Path(source.project))
        self._open_video(Path(source.path), _files_of(source))

    def _candidates(self, paths: Sequence[Path]) -> list[FileCandidate]:
        """Identify paths; of a data set's folder the part that a person chooses."""
        if len(paths) == 1:
            path = paths[0].absolute()
            try:
                parts = find_dataset_parts(path)
            except UserError as error:
                self.failed.emit(error)
                return []
            if parts:
                part = choose_part(self._window, path, parts, partial(self.ask_dataset, [path]))
                return [] if part is None else part_files(part)
        return find_candidates([path.absolute() for path in paths])

    def open_request(self, request: OpenRequest) -> None:
        """Open the files of the command line; the dialog is shown only if the user must make a decision."""
        if request.demo:
            self._open_sample()
            return
        if request.dataset is not None:
            self.offer_dataset([request.dataset])
            return
        files = []
        if request.gt is not None:
            files.append(box_file(request.gt, FileRole.GROUND_TRUTH, request.gt.stem))
        files += [box_file(path, FileRole.PREDICTIONS, name) for name, path in request.preds]
        files += [FileCandidate(path, FileRole.MODEL, name) for name, path in request.models]
        if request.project is not None and (request.video is not None or not request.project.exists()):
            self._controller.set_project_path(request.project)
        if request.video is not None:
            self._open_video(request.video, files)
        elif request.project is not None:
            self._pending_files = files
            self._open_project(request.project)
        elif files:
            self._show_dialog(files, always=True)

    def _open_sample(self) -> None:
        from iouviewer.jobs.demo import sample_models, sample_predictions

        ground_truth = resource_path("sample/ground_truth.csv")
        files = [FileCandidate(ground_truth, FileRole.GROUND_TRUTH, "ground_truth")]
        stored = sample_predictions()
        files += [FileCandidate(path, FileRole.PREDICTIONS, name) for name, path in stored]
        if not stored:
            files += [FileCandidate(path, FileRole.MODEL, name) for name, path in sample_models()]
        # Nothing may be written to the folder of the sample, which can be the installation folder.
        self._controller.set_project_path(folders.data_folder() / "sample.iouv")
        self._is_sample = True
        self._open_video(resource_path("sample/clip.mp4"), files)

    def _open_video(self, path: Path, files: Sequence[FileCandidate] = ()) -> None:
        """Open a video; the files are imported when it is shown."""
        self._remember_frame()
        self._pending_files = list(files)
        self._settings.remember_folder("video", path)
        self._loader.open(path)

    def _remember_frame(self) -> None:
        """Store at which frame the video is left; it comes back there."""
        if self._session.frame_count and self._session.source.path:
            self._settings.remember_frame(self._session.source.path, self._session.current_frame)

    def _open_project(self, path: Path) -> None:
        self._remember_frame()
        self._settings.add_recent(path)
        self._controller.open_project(path)

    # The dialog

    def _context(self) -> ReadContext | None:
        source = self._session.source
        if not self._session.frame_count:
            return None
        info = self._loader.info
        return replace(context_of(source), is_complete=info is None or info.complete)

    def _loaded_truth(self) -> tuple[Int, Float] | None:
        """Frames and boxes of the ground truth, None if there are none."""
        truth = self._session.ground_truth
        return truth.columns()[:2] if len(truth) else None

    @property
    def _first_predictions(self) -> PredictionSet | None:
        return next((variant.predictions for variant in self._session.variants), None)

    def _loaded_predictions(self) -> tuple[Int, Float] | None:
        """Frames and boxes of the first variant, None if there is none."""
        predictions = self._first_predictions
        if predictions is None or not len(predictions.stored_table):
            return None
        table = predictions.stored_table
        kept = table.scores >= _MIN_SCORE if table.scores is not None else np.ones(len(table), np.bool_)
        return table.frame_of_row()[kept], table.boxes[:, kept]

    def _show_dialog(self, candidates: list[FileCandidate], *, always: bool) -> None:
        """Show the dialog; unless ``always``, accept it without showing it if it needs no review."""
        if self._dialog is not None:
            self._dialog.reject()
        dialog = OpenDialog(
            self._window,
            candidates,
            self._reader,
            self._context(),
            truth=self._loaded_truth(),
            predictions=self._loaded_predictions(),
            are_frames_assumed=bool(self._first_predictions and self._first_predictions.assumed_images),
            classes=self._session.document.classes,
            open_video=Path(self._session.source.path) if self._session.frame_count else None,
            columns=self._settings.columns,
        )
        self._dialog = dialog
        dialog.accepted.connect(self._on_dialog_accepted)
        dialog.rejected.connect(self._delete_dialog)
        if always:
            dialog.open()
        elif dialog.is_reading:
            dialog.ready.connect(self._on_dialog_ready)
        else:
            self._on_dialog_ready()

    def _on_dialog_ready(self) -> None:
        dialog = self._dialog
        if dialog is None or dialog.isVisible():
            return
        if dialog.needs_review():
            dialog.open()
        else:
            dialog.accept()

    def _delete_dialog(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None

    def _on_dialog_accepted(self) -> None:
        if self._dialog is None:
            return
        items, self._has_asked = self._dialog.items(), self._dialog.has_asked
        for header, columns in self._dialog.chosen_columns().items():
            self._settings.remember_columns(header, columns)
        self._delete_dialog()
        video = next((item for item in items if item.role is FileRole.VIDEO), None)
        project = next((item for item in items if item.role is FileRole.PROJECT), None)
        others = [item for item in items if item.role not in (FileRole.VIDEO, FileRole.PROJECT)]
        if project is not None:
            self._pending_items = others
            self._open_project(project.candidate.path)
        elif video is not None and str(video.candidate.path) != self._session.source.path:
            self._pending_items = others
            self._open_video(video.candidate.path)
        else:
            self._import_items(others)

    def _import_items(self, items: list[OpenItem]) -> None:
        order = (FileRole.GROUND_TRUTH, FileRole.PREDICTIONS, FileRole.MODEL)
        if items and not self._session.frame_count:
            self.failed.emit(UserError(tr("there is no video for these files"), remedy=tr("Open a video first")))
            return
        info = self._loader.info
        if info is not None and not info.numbers_final and any(item.boxes is not None for item in items):
            self._controller.set_value(PROVISIONAL_IMPORT, True)
        if self._has_asked:
            self._controller.set_value(CLASS_ASKED, True)
        self._has_asked = False
        models = []
        for item in sorted(items, key=lambda item: order.index(item.role)):
            try:
                if item.boxes is not None:
                    boxes = refuse_frames_outside(item.boxes, self._session.frame_count)
                    if item.role is FileRole.GROUND_TRUTH:
                        self._controller.import_ground_truth(boxes)
                    elif not self._is_imported(item):
                        self._controller.add_predictions(item.name, boxes, item.class_map)
                elif item.role is FileRole.MODEL:
                    models.append((item.name, item.candidate.path))
            except UserError as error:
                self.failed.emit(error)
        context = self._context()
        if context is not None and any(item.role is FileRole.GROUND_TRUTH for item in items):
            self.rejoiner.rejoin(context, self._loaded_truth())
        if models and self._is_sample:
            for name, path in models:
                if self._session.variants.find(name) is None:
                    self._runner.run_with_defaults(name, path)
        elif models:
            self._runner.configure_runs(models)
        self.opened.emit(self._is_sample)
        self._is_sample = False

    def _is_imported(self, item: OpenItem) -> bool:
        """Whether the project already holds the predictions of this file."""
        variant = self._session.variants.find(item.name)
        return variant is not None and variant.path == str(item.candidate.path)

    # Loader and controller

    def _on_loader_opened(self, info: VideoInfo) -> None:
        try:
            self._controller.open_video_source(info)
        except UserError as error:
            self.failed.emit(error)
            return
        if not self.is_listed(str(info.path)):
            self._settings.add_recent(info.path)

    def _on_controller_load_progress(self, step: LoadStep) -> None:
        self._session.statusMessage.emit(step.text)

    def _on_controller_ready(self) -> None:
        items, self._pending_items = self._pending_items, []
        files, self._pending_files = self._pending_files, []
        if files:
            self._show_dialog(files, always=False)
        else:
            self._import_items(items)

    def _on_loader_open_failed(self, error: UserError) -> None:
        self._pending_items, self._pending_files, self._is_sample = [], [], False
        self._settings.forget_recent(error.path or "")
        self._controller.expect_video(False)
        self.failed.emit(error)

    def _on_loader_index_progress(self, _progress: IndexProgress) -> None:
        info = self._loader.info
        if info is not None and info.index_digest != self._session.source.index_digest:
            self._controller.update_video(info)

    def _on_loader_numbers_confirmed(self, confirmed: NumbersConfirmed) -> None:
        self._controller.update_video(confirmed.info)

    def _on_controller_video_requested(self, path: str) -> None:
        self._loader.open(Path(path))

    def _on_controller_video_location_requested(self, source: Source) -> None:
        path, _ = QFileDialog.getOpenFileName(self._window, tr("Locate {name}", name=source.name), filter=_VIDEO_FILTER)
        if path:
            self._loader.open(Path(path))

    def _on_controller_replace_confirmation_requested(self, question: ReplaceQuestion) -> None:
        name, text = question.imported.path.name, _replacing_text(question, self._session.source.name)
        if confirm(self._window, title=tr("Replace ground truth?"), text=text, button=tr("Replace ground truth")):
            self._controller.import_ground_truth(question.imported, question.class_map, replace=True)
        else:
            self._session.statusMessage.emit(tr("{name} was not imported. The project keeps its boxes", name=name))


def _replacing_text(question: ReplaceQuestion, source_name: str) -> str:
    """What is lost if a file replaces the ground truth."""
    name = question.imported.path.name
    sentences = [
        tr_n(
            "Replace the ground truth of {project} ({boxes}) with the {count} box of {name}?",
            "Replace the ground truth of {project} ({boxes}) with the {count:,} boxes of {name}?",
            len(question.imported),
            project=Path(question.project).name or source_name,
            boxes=tr_n("{count} box", "{count:,} boxes", question.box_count),
            name=name,
        )
    ]
    if question.lost_count:
        sentences.append(
            tr_n(
                "{count} box of the project is not in the file like this.",
                "{count:,} boxes of the project are not in the file like this.",
                question.lost_count,
            )
        )
    if question.verified_count:
        sentences.append(
            tr_n(
                "{count} verified frame is no longer verified.",
                "{count:,} verified frames are no longer verified.",
                question.verified_count,
            )
        )
    sentences.append(tr("You can undo this."))
    return " ".join(sentences)


def _files_of(source: DatasetSource) -> list[FileCandidate]:
    """The box files that came with a source of a dataset."""
    files = [FileCandidate(Path(path), FileRole.PREDICTIONS, name) for name, path in source.prediction_files]
    if source.truth_file and source.truth_file != source.path:
        files.insert(0, FileCandidate(Path(source.truth_file), FileRole.GROUND_TRUTH, tr("ground truth")))
    return files


class RecentFilesMenu(QMenu):
    """The recent files, filled each time the menu is shown."""

    def __init__(self, file_menu: QMenu, settings: Settings, files: FileCommands) -> None:
        super().__init__(tr("Open recent"), file_menu)
        self.setObjectName("recentMenu")
        self._settings, self._files = settings, files
        file_menu.insertMenu(file_menu.actions()[_RECENT_POSITION], self)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List the files of the settings, newest first."""
        self.clear()
        for path in self._settings.recent:
            self.addAction(path).triggered.connect(partial(self._open, Path(path)))
        if self.isEmpty():
            self.addAction(tr("No recent files")).setEnabled(False)

    def _open(self, path: Path, _checked: bool = False) -> None:
        self._files.open_paths([path])
