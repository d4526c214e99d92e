"""Makes variants of a checkpoint one after the other, each in a worker process, while a thread waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.app.jobs.background_task import BackgroundTask
from iouviewer.errors import UserError
from iouviewer.jobs.make_variants import Calibration, MadeModel, MakeRequest, choose_calibration, make_model


@dataclass(frozen=True, slots=True)
class MakingStep:
    """What is being done.

    Attributes:
        name: of the variant.
        place, count: which of how many, from 0.
        stage, done, total: as ``jobs.make_variants.Stage``.
    """

    name: str
    place: int
    count: int
    stage: str
    done: int = 0
    total: int = 0


@dataclass
class _Work:
    """One order, filled by the thread.

    Attributes:
        failures: with the names of their variants.
    """

    requests: Sequence[MakeRequest]
    source: Path | None
    frames: str
    command: list[str] | None
    step: MakingStep | None = None
    made: list[MadeModel] = field(default_factory=list)
    failures: list[tuple[str, UserError]] = field(default_factory=list)

    def run(self, _report: Callable[[float], None], is_cancelled: Callable[[], bool]) -> _Work | None:
        calibration: Calibration | None = None
        for place, request in enumerate(self.requests):
            name, count = request.name, len(self.requests)

            def show(stage: str, done: int, total: int, at: MakingStep = MakingStep(name, place, count, "")) -> None:
                self.step = replace(at, stage=stage, done=done, total=total)

            show("load", 0, 0)
            try:
                if request.format.is_calibrated and calibration is None and self.source is not None:
                    calibration = choose_calibration(self.source, self.frames)
                made = make_model(
                    replace(request, calibration=calibration), show, cancelled=is_cancelled, command=self.command
                )
            except UserError as error:
                self.failures.append((name, error))
                continue
            if made is None:
                return None
            self.made.append(made)
        return self


class MakingJob(QObject):
    """Makes variants; one order at a time.

    Signals:
        progressed(MakingStep): what is being done.
        finished(object, object): list of MadeModel, and list of (name, UserError) of those that failed.
        cancelled(object): list of MadeModel that were complete before.
    """

    progressed = Signal(object)
    finished = Signal(object, object)
    cancelled = Signal(object)

    def __init__(self, parent: QObject | None = None, *, command: list[str] | None = None) -> None:
        """``command`` starts another worker than the bundled one."""
        super().__init__(parent)
        self._command = command
        self._work: _Work | None = None
        self._task = BackgroundTask("making", self)
        self._task.progressed.connect(self._on_task_progressed)
        self._task.finished.connect(self._on_task_finished)

    @property
    def is_running(self) -> bool:
        """Whether variants are being made."""
        return self._task.is_running

    def start(self, requests: Sequence[MakeRequest], source: Path | None, frames: str) -> None:
        """Make these variants; ``source`` and ``frames`` as in ``choose_calibration``."""
        self._work = _Work(tuple(requests), source, frames, self._command)
        self._task.start(self._work.run)

    def cancel(self) -> None:
        """End the worker process and stop; ``cancelled`` follows at once."""
        if self._work is not None and self.is_running:
            self._task.cancel()
            self.cancelled.emit(list(self._work.made))

    def close(self) -> None:
        """Stop and end the thread and its process."""
        self._task.close()

    def _on_task_progressed(self, _share: float) -> None:
        if self._work is not None and self._work.step is not None:
            self.progressed.emit(self._work.step)

    def _on_task_finished(self, work: object) -> None:
        if isinstance(work, _Work):
            self.finished.emit(list(work.made), list(work.failures))
