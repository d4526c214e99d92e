"""Making variants of a checkpoint: dialog, progress, and the runs that follow. ``RunCommands`` owns it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.making_job import MakingJob, MakingStep
from iouviewer.app.settings import Settings
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.make_variants import MadeModel
from iouviewer.ui.dialogs.make_variants_dialog import MakeVariantsDialog
from iouviewer.ui.panels.status_bar import StatusBar

_STAGES = {
    "load": tr("loading"),
    "calibration": tr("reading calibration frames"),
    "export": tr("writing"),
}


class VariantMaker(QObject):
    """Asks, makes, and runs what was made.

    Signals:
        failed(UserError): a variant could not be made.
    """

    failed = Signal(object)

    def __init__(
        self,
        window: QWidget,
        session: Session,
        settings: Settings,
        status: StatusBar,
        *,
        run: Callable[[str, Path], None],
        command: list[str] | None = None,
    ) -> None:
        """``run`` enqueues a model (variant name, weights) with the default settings."""
        super().__init__(window)
        self._window, self._session, self._settings, self._status, self._run = window, session, settings, status, run
        self._job = MakingJob(self, command=command)
        self._job.progressed.connect(self._on_progressed)
        self._job.finished.connect(self._on_finished)
        self._job.cancelled.connect(self._on_cancelled)
        self._original: Path | None = None
        self._video = ""

    @property
    def is_running(self) -> bool:
        """Whether variants are being made."""
        return self._job.is_running

    def choose(self) -> None:
        """Choose a checkpoint, then what to make of it."""
        path, _ = QFileDialog.getOpenFileName(
            self._window, tr("Choose a checkpoint"), self._settings.folder("models"), tr("Checkpoints (*.pt)")
        )
        if path:
            self._settings.remember_folder("models", path)
            self.configure(Path(path))

    def configure(self, weights: Path) -> None:
        """Ask what to make of a checkpoint, and make it."""
        session = self._session
        if self._job.is_running:
            self.failed.emit(UserError(tr("variants are being made"), remedy=tr("Wait for them, or cancel first.")))
            return
        if session.read_only:
            self.failed.emit(UserError(session.read_only))
            return
        runs_original = all(Path(variant.path) != weights for variant in session.variants)
        path = session.source.path
        video = Path(path) if path and session.frame_count else None
        dialog = MakeVariantsDialog(
            self._window, weights, video=video, frame_count=session.frame_count, runs_original=runs_original
        )
        if dialog.exec():
            self._original = weights if dialog.runs_original else None
            self._video = path
            self._job.start(dialog.requests(), dialog.calibration_source, dialog.calibration_frames)
        dialog.deleteLater()

    def cancel(self) -> None:
        """End what is being made."""
        self._job.cancel()

    def close(self) -> None:
        """End the process and the thread."""
        self._job.close()

    def _on_progressed(self, step: MakingStep) -> None:
        stage = _STAGES.get(step.stage, step.stage)
        place = tr("{place} of {count}", place=step.place + 1, count=step.count)
        text = tr("{name} ({place}): {stage}", name=step.name, place=place, stage=stage)
        self._status.show_run(text, step.done, step.total)

    def _on_finished(self, made: list[MadeModel], failures: list[tuple[str, UserError]]) -> None:
        self._status.hide_run()
        for name, error in failures:
            text = tr("{variant}: {failure}", variant=name, failure=error.message)
            self.failed.emit(UserError(text, path=error.path, remedy=error.remedy))
        if made:
            self._say_made(made)
        if self._session.source.path != self._video:
            return  # another video is open: the models are there, their runs would be on the wrong one
        if made and self._original is not None:
            self._run(self._original.stem, self._original)
        for one in made:
            self._run(one.name, one.path)

    def _on_cancelled(self, made: list[MadeModel]) -> None:
        self._status.hide_run()
        if made:
            self._say_made(made)
        else:
            self._session.statusMessage.emit(tr("no variant was made"))

    def _say_made(self, made: list[MadeModel]) -> None:
        names = ", ".join(one.name for one in made)
        text = tr_n("{count} variant made: {names}", "{count} variants made: {names}", len(made), names=names)
        self._session.statusMessage.emit(text)
