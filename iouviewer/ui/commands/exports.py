"""Commands that export; files are written in a thread, completely or not at all. The exports are in ``ui.exports``."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.settings import Settings
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.dialogs.input_dialogs import confirm
from iouviewer.ui.dialogs.search_dialog import Choice, SearchDialog
from iouviewer.ui.exports import EXPORTS, EXPORTS_BY_ID, Export, ExportSource, Job, predictions_export


class _Results(QObject):
    """Carries results from the thread to the UI thread."""

    finished = Signal(object, object)


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
        self._results.finished.emit(self._path, error)


class ExportCommands(QObject):
    """Group ``exports``.

    Signals:
        failed(UserError): nothing was written.
        written(Path): the file is complete.
    """

    failed = Signal(object)
    written = Signal(object)

    def __init__(self, window: QWidget, session: Session, settings: Settings, canvas: CanvasView) -> None:
        super().__init__(window)
        self._window, self._session, self._settings, self._canvas = window, session, settings, canvas
        self._results = _Results(self)
        self._results.finished.connect(self._on_results_finished)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)

    def close(self) -> None:
        """Wait for the files that are being written."""
        self._pool.waitForDone()

    def choose(self) -> None:
        """Ask what to export."""
        choices = [Choice(export.id, export.name, ", ".join(export.suffixes)) for export in EXPORTS]
        dialog = SearchDialog(self._window, title=tr("Export"), hint=tr("Type to find an export"), choices=choices)
        if dialog.exec() and dialog.chosen is not None:
            self.export(dialog.chosen.key)

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
        path = self._ask_path(export, source)
        if path is not None:
            self._write(export, path)

    def write(self, id: str, path: Path) -> None:
        """Write the current state of the session to a file, in a thread."""
        self._write(EXPORTS_BY_ID[id], path)

    def _write(self, export: Export, path: Path) -> None:
        job = export.writer.prepare(self._source(), path)
        self._session.statusMessage.emit(tr("Exporting {name}…", name=path.name))
        self._pool.start(_Runnable(path, job, self._results))

    def _source(self) -> ExportSource:
        return ExportSource(self._session, self._canvas.shown_frame, self._settings.margins())

    def _ask_path(self, export: Export, source: ExportSource) -> Path | None:
        folder = self._settings.folder("export") or str(Path(self._session.source.path).parent)
        stem = Path(self._session.source.name).stem
        proposed = Path(folder) / export.file_name.format(stem=stem, frame=source.shown_frame)
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
        text = tr("{name} already exists. Replace it?", name=path.name)
        if path.exists() and not confirm(self._window, title=tr("Replace file?"), text=text, button=tr("Replace")):
            return None
        return path

    def _on_results_finished(self, path: Path, error: UserError | None) -> None:
        if error is not None:
            self.failed.emit(error)
        else:
            self._session.statusMessage.emit(tr("Exported {path}", path=path))
            self.written.emit(path)
