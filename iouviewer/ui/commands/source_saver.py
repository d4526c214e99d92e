"""*Save to source*: says what would change in the file that the ground truth was read from, asks, and writes it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.save_source import SavePlan, plan_save, save, save_input
from iouviewer.ui.dialogs.input_dialogs import confirm


class _Results(QObject):
    """Carries the result of a job from the thread to the UI thread."""

    finished = Signal(object, object)


class _Runnable(QRunnable):
    def __init__(self, job: Callable[[], object], results: _Results) -> None:
        super().__init__()
        self._job, self._results = job, results

    def run(self) -> None:
        result: object = None
        error: UserError | None = None
        try:
            result = self._job()
        except UserError as failure:
            error = failure
        except OSError as failure:
            error = UserError(tr("cannot be read: {reason}", reason=failure.strerror or failure), path=failure.filename)
        self._results.finished.emit(result, error)


class SourceSaver(QObject):
    """Saves the ground truth to the file that it was read from.

    Signals:
        failed(UserError): nothing was written.
        written(Path): the source has all edits.
    """

    failed = Signal(object)
    written = Signal(object)

    def __init__(self, window: QWidget, session: Session, controller: ProjectController, pool: QThreadPool) -> None:
        super().__init__(window)
        self._window, self._session, self._controller = window, session, controller
        self._planned, self._saved = _Results(self), _Results(self)
        self._planned.finished.connect(self._on_planned_finished)
        self._saved.finished.connect(self._on_saved_finished)
        self._pool = pool
        self._plan: SavePlan | None = None

    def save(self) -> None:
        """Find out what would change, ask, and write it."""
        self._session.cancel_preview()
        try:
            data = save_input(self._session.document, self._session.source.id)
        except UserError as error:
            self.failed.emit(error)
            return
        self._session.statusMessage.emit(tr("Comparing with the source…"))
        self._pool.start(_Runnable(lambda: plan_save(data), self._planned))

    def _on_planned_finished(self, plan: SavePlan | None, error: UserError | None) -> None:
        if error is not None or plan is None:
            self.failed.emit(error)
            return
        if plan.is_empty:
            self._session.statusMessage.emit(tr("{name}: nothing was edited", name=plan.path.name))
            return
        button = tr("Overwrite") if plan.overwritten else tr("Save")
        if not confirm(self._window, title=tr("Save to source?"), text=describe_plan(plan), button=button):
            return
        self._plan = plan
        self._pool.start(_Runnable(lambda: save(plan, overwrite=True), self._saved))

    def _on_saved_finished(self, backup: object, error: UserError | None) -> None:
        plan, self._plan = self._plan, None
        if error is not None or plan is None:
            self.failed.emit(error)
            return
        source = self._session.source
        self._session.set_truth_file(source.truth_file, source.listed, plan.kept)
        self._controller.autosave.save_source(self._session.source.frame_count)
        text = tr("Saved to {path}", path=plan.path)
        if backup is not None:
            text = tr("{saved}; the file as it was: {backup}", saved=text, backup=backup)
        self._session.statusMessage.emit(text)
        self.written.emit(plan.path)


def describe_plan(plan: SavePlan) -> str:
    """What would be written, as lines of text."""
    lines = [str(plan.path), "", *(f"• {sentence}" for sentence in plan.sentences)]
    if plan.overwritten:
        names = ", ".join(path.name for path in plan.overwritten[:3])
        lines += [
            "",
            tr_n(
                "{names} has changed on disk since it was read: these changes would be lost.",
                "{count:,} files have changed on disk since they were read ({names}, …): these changes would be lost.",
                len(plan.overwritten),
                names=names,
            ),
        ]
    if plan.missing:
        lines += ["", tr("{name} is gone and is written again.", name=plan.missing[0].name)]
    lines += ["", tr("The files are backed up first.")]
    return "\n".join(lines)
