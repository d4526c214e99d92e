"""Commands that measure the speed of the variants' models, and import speeds that were measured elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.background_task import BackgroundTask
from iouviewer.app.jobs.inference_job import InferenceQueue
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.bench import BenchResult, bench, request_for, speeds_of
from iouviewer.jobs.speeds import Speed, assign_speeds, is_speed_file, read_speeds
from iouviewer.ui.commands.view import ViewCommands
from iouviewer.ui.panels.status_bar import StatusBar

_FILTER = tr("Measured speeds (*.json)")


class SpeedCommands(QObject):
    """Group ``speed``.

    Signals:
        failed(UserError): nothing was measured or imported.
    """

    failed = Signal(object)

    def __init__(
        self,
        window: QWidget,
        session: Session,
        queue: InferenceQueue,
        status: StatusBar,
        view: ViewCommands,
        loader: FrameLoader,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._queue = window, session, queue
        self._status, self._view, self._page = status, view, view.speed_page
        self._task = BackgroundTask("speed", self)
        self._label = ""
        self._keys: dict[str, str] = {}
        self._others: dict[str, str] = {}
        self._task.progressed.connect(self._on_progressed)
        self._task.finished.connect(self._on_finished)
        self._task.failed.connect(self._on_failed)
        self._loader, page = loader, self._page
        page.measureRequested.connect(self._start)
        page.cancelRequested.connect(self.cancel)
        page.importRequested.connect(self.choose_file)
        status.cancelRequested.connect(self.cancel)
        queue.queued.connect(self._on_run_queued)
        session.sourceChanged.connect(self.cancel)

    def measure(self) -> None:
        """Show the tab of speeds and measure the models of all variants."""
        self._view.show_speeds()
        if not self._task.is_running:
            self._start(self._page.rounds.value(), self._page.frames.value())

    def _start(self, rounds: int, frames: int) -> None:
        session = self._session
        try:
            if session.read_only:
                raise UserError(session.read_only)
            if self._queue.busy:
                raise UserError(
                    tr("a model is running, which would slow the measurement"), remedy=tr("Wait for it, or cancel it.")
                )
            baseline = session.variants.baseline
            name = "" if baseline is None else baseline.name
            video = Path(session.source.path)
            request, self._others = request_for(session.variants, name, video, rounds=rounds, frames=frames)
        except UserError as error:
            self.failed.emit(error)
            return
        self._keys = {variant.name: variant.key for variant in session.variants}
        self._label = ""
        command = self._queue.command

        def work(report: Callable[[float], None], is_cancelled: Callable[[], bool]) -> BenchResult | None:
            def progress(done: int, total: int, label: str = "") -> None:
                self._label = label
                report(done / total)

            try:
                return bench(request, progress, command=command, cancelled=is_cancelled)
            except InterruptedError:
                return None

        self._task.start(work)
        self._on_progressed(0.0)
        self._loader.pause_decode_check(True)

    def cancel(self) -> None:
        """Stop a measurement; speeds that were measured before stay."""
        if self._task.is_running:
            self._task.cancel()
            self._end()
            self._session.statusMessage.emit(tr("The measurement of speed was cancelled"))

    def close(self) -> None:
        """Stop a measurement and end its thread."""
        self._task.close()

    def _on_run_queued(self, _run: object) -> None:
        if self._task.is_running:
            self.cancel()
            text = tr("The measurement of speed was cancelled, because a model runs now")
            self._session.statusMessage.emit(text)

    def _end(self) -> None:
        self._page.show_progress(None)
        self._status.hide_run()
        self._loader.pause_decode_check(self._queue.busy)

    def _on_progressed(self, share: float) -> None:
        self._page.show_progress(share, self._label)
        self._status.show_run(tr("Speed {share:.0%} {label}", share=share, label=self._label), round(100 * share), 100)

    def _on_failed(self, error: UserError) -> None:
        self._end()
        self.failed.emit(error)

    def _on_finished(self, result: BenchResult | None) -> None:
        self._end()
        if result is None:
            return
        speeds = speeds_of(result)
        self._keep({self._keys[name]: speed for name, speed in speeds.items()})
        text = tr_n("Speed of {count} model measured", "Speed of {count:,} models measured", len(speeds))
        if self._others:
            reasons = "; ".join(tr("{name}: {reason}", name=name, reason=one) for name, one in self._others.items())
            text = tr("{text}. Not measured: {reasons}", text=text, reasons=reasons)
        self._session.statusMessage.emit(text)

    def _keep(self, speeds: Mapping[str, Speed]) -> None:
        """Keep speeds with their variants, by key; a variant that was removed meanwhile is left out."""
        variants = self._session.variants
        for key, speed in speeds.items():
            variant = variants.find(key)
            if variant is not None:
                kept = {name: value for name, value in speed.items() if name not in ("ratio", "not_comparable")}
                variants.update(key, details={**variant.details, "speed": kept})

    # Import

    def choose_file(self) -> None:
        """Choose a speed.json."""
        folder = str(Path(self._session.source.path).parent)
        path, _ = QFileDialog.getOpenFileName(self._window, tr("Import speeds"), folder, _FILTER)
        if path:
            self.import_file(Path(path))

    def take(self, paths: Sequence[Path]) -> Sequence[Path]:
        """Import the files of measured speeds among dropped or chosen ones; returns the others."""
        for path in filter(is_speed_file, paths):
            self.import_file(path)
        return [path for path in paths if not is_speed_file(path)]

    def import_file(self, path: Path) -> None:
        """Take the speeds of a file for the variants of the same names."""
        session = self._session
        try:
            if session.read_only:
                raise UserError(session.read_only)
            if not len(session.variants):
                raise UserError(
                    tr("there are no variants for these speeds"), path=path, remedy=tr("Add predictions first.")
                )
            names = {variant.key: variant.name for variant in session.variants}
            assigned, others = assign_speeds(read_speeds(path), names, path)
        except UserError as error:
            self.failed.emit(error)
            return
        self._keep(assigned)
        self._view.show_speeds()
        text = tr_n("Speed of {count} variant imported", "Speed of {count:,} variants imported", len(assigned))
        if others:
            text = tr("{text}; no variant is called {names}", text=text, names=", ".join(others))
        session.statusMessage.emit(text)
