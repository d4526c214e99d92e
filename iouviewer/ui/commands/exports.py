"""Commands that export; files are written in a thread, completely or not at all. The exports are in ``ui.exports``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QStandardPaths, QThreadPool, Signal
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.settings import Settings
from iouviewer.document.commands import set_class
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.operating_points import stored_point
from iouviewer.resource_files import resource_path
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.commands.source_saver import SourceSaver
from iouviewer.ui.dialogs.class_picker import pick_class
from iouviewer.ui.dialogs.export_dialog import ExportDialog
from iouviewer.ui.dialogs.input_dialogs import choose_answer, confirm
from iouviewer.ui.dialogs.progress_dialog import ProgressDialog
from iouviewer.ui.exports import (
    EXPORTS_BY_ID,
    LINK,
    Export,
    ExportSource,
    Job,
    OverlayJob,
    TruthJob,
    describe_untracked,
    predictions_export,
)


class _Results(QObject):
    """Carries results from the thread to the UI thread."""

    finished = Signal(object, object, object)


class _Runnable(QRunnable):
    def __init__(self, path: Path, job: Job, results: _Results) -> None:
        super().__init__()
        self._path, self._job, self._results = path, job, results

    def run(self) -> None:
        error: UserError | None = None
        try:
            self._job()
        except UserError as failure:
            error = failure
        except OSError as failure:
            reason = failure.strerror or str(failure)
            error = UserError(tr("cannot be written: {reason}", reason=reason), path=self._path)
        self._results.finished.emit(self._path, self._job, error)


class ExportCommands(QObject):
    """Group ``exports``.

    Signals:
        failed(UserError): nothing was written.
        written(Path): the file is complete.
    """

    failed = Signal(object)
    written = Signal(object)

    def __init__(
        self,
        window: QWidget,
        session: Session,
        settings: Settings,
        canvas: CanvasView,
        controller: ProjectController,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._settings, self._canvas = window, session, settings, canvas
        self.link_tracks: Callable[[], object] = lambda: None
        """Asks whether boxes without a track are linked into tracks; set by the window."""
        self._results = _Results(self)
        self._results.finished.connect(self._on_results_finished)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._to_source = SourceSaver(window, session, controller, self._pool)
        self._to_source.failed.connect(self.failed)
        self._to_source.written.connect(self.written)
        self._progress: ProgressDialog | None = None

    def close(self) -> None:
        """Wait for the files that are being written; a video is cancelled."""
        if self._progress is not None:
            self._progress.reject()
        self._pool.waitForDone()

    def save_to_source(self) -> None:
        """Write the edits into the file that the ground truth was read from, after asking."""
        self._to_source.save()

    def choose(self) -> None:
        """Ask what to export, and to which file."""
        dialog = ExportDialog(
            self._window,
            self._source(),
            proposed=self._proposed_path,
            assign_class=self._assign_class,
            link_tracks=self.link_tracks,
        )
        dialog.exec()
        chosen = dialog.chosen
        dialog.deleteLater()
        if chosen is None:
            return
        if not chosen.is_confirmed and chosen.path.is_file() and not self._confirm_replace(chosen.path):
            return
        self._settings.remember_folder("export", chosen.path)
        self._start((chosen.writer or chosen.export.writer).prepare(chosen.source, chosen.path), chosen.path)

    def _assign_class(self) -> bool:
        """Ask for the class of all ground-truth boxes without one; returns whether one was chosen."""
        document, source = self._session.document, self._session.source.id
        title = tr("Class of boxes without a class")
        parent = QApplication.activeModalWidget() or self._window
        picked = pick_class(parent, document.classes, title=title, can_create=False)
        if picked is None or picked.number is None:
            return False
        _frames, _boxes, class_ids, _tracks, _flags, ids = self._session.ground_truth.columns()
        command = set_class(document, ids[class_ids < 0].tolist(), picked.number, source=source)
        try:
            self._session.execute(command.edit, command.label)
        except UserError as error:
            self._session.statusMessage.emit(error.sentence)
            return False
        return True

    def export(self, id: str) -> None:
        """Ask for a file and write it."""
        self._ask_and_write(EXPORTS_BY_ID[id])

    def export_predictions(self, key: str) -> None:
        """Ask for a file and write the predictions of the variant with this key."""
        self._ask_and_write(predictions_export(key, self._session.variants[key].name))

    def _ask_and_write(self, export: Export) -> None:
        source = self._source()
        try:
            export.writer.check(source)
        except UserError as error:
            self.failed.emit(error)
            return
        if export.id == "exportMot" and not self._answer_untracked():
            return
        path = self._ask_path(export)
        if path is not None:
            self._write(export, path)

    def _answer_untracked(self) -> bool:
        """Say which boxes have no track and offer to link them; returns whether the file is to be written."""
        while True:
            frames, _boxes, _class_ids, tracks, _flags, _ids = self._session.ground_truth.columns()
            text = describe_untracked(frames, tracks)
            if not text:
                return True
            answer = choose_answer(self._window, tr("Boxes without a track"), text, (tr("Export as they are"), LINK))
            if answer != 1:
                return answer == 0
            before = int((tracks < 0).sum())
            self.link_tracks()
            if int((self._session.ground_truth.columns()[3] < 0).sum()) == before:
                return False

    def write(self, id: str, path: Path) -> None:
        """Write the current state of the session to a file, in a thread."""
        self._write(EXPORTS_BY_ID[id], path)

    def _write(self, export: Export, path: Path) -> None:
        self._start(export.writer.prepare(self._source(), path), path)

    def _start(self, job: Job, path: Path) -> None:
        if isinstance(job, OverlayJob):
            if self._progress is not None:
                self.failed.emit(
                    UserError(tr("a video is being written"), remedy=tr("Wait for it, or cancel it first"))
                )
                return
            self._progress = ProgressDialog(self._window, job.control, title=tr("Writing {name}", name=path.name))
            self._progress.show()
        self._session.statusMessage.emit(tr("Exporting {name}…", name=path.name))
        self._pool.start(_Runnable(path, job, self._results))

    def _source(self) -> ExportSource:
        return ExportSource(
            self._session, self._canvas.shown_frame, self._settings.margins(), stored_point(self._settings.extra)
        )

    def _proposed_path(self, export: Export) -> Path:
        folder = self._settings.folder("export") or str(_folder_beside(Path(self._session.source.path)))
        stem = Path(self._session.source.name).stem
        return Path(folder) / export.file_name.format(stem=stem, frame=self._canvas.shown_frame)

    def _ask_path(self, export: Export) -> Path | None:
        proposed = self._proposed_path(export)
        filters = ";;".join(f"{suffix[1:].upper()} (*{suffix})" for suffix in export.suffixes)
        chosen, _ = QFileDialog.getSaveFileName(self._window, tr("Export"), str(proposed), filters)
        if not chosen:
            return None
        self._settings.remember_folder("export", chosen)
        path = Path(chosen)
        if path.suffix:
            return path
        # A name without an ending gets the default one; the file dialog did not ask about that file.
        path = path.with_suffix(export.suffixes[0])
        return None if path.exists() and not self._confirm_replace(path) else path

    def _confirm_replace(self, path: Path) -> bool:
        text = tr("{name} already exists. Replace it?", name=path.name)
        return confirm(self._window, title=tr("Replace file?"), text=text, button=tr("Replace"))

    def _on_results_finished(self, path: Path, job: Job, error: UserError | None) -> None:
        is_cancelled = isinstance(job, OverlayJob) and not job.control.is_complete
        if isinstance(job, OverlayJob) and self._progress is not None:
            self._progress.finish()
            self._progress = None
        if error is not None:
            self.failed.emit(error)
        elif is_cancelled:
            self._session.statusMessage.emit(tr("Cancelled: {name} was not written", name=path.name))
        else:
            text = tr("Exported {path}", path=path)
            notes = job.notes if isinstance(job, TruthJob) else ()
            self._session.statusMessage.emit("; ".join((text, *notes)))
            self.written.emit(path)


def _folder_beside(source: Path) -> Path:
    """The folder of the source; the person's documents for the bundled sample, and where nothing can be written."""
    folder = source.parent
    if not folder.is_relative_to(resource_path("sample")) and os.access(folder, os.W_OK):
        return folder
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation) or Path.home())
