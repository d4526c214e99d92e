"""After a crash or a power cut: says at the next start what happened, and which edits were found again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.run_record import EndedRun, SavedWork, find_ended_runs, forget
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.i18n import tr, tr_n


class RecoveryNotice(QObject):
    """One message that stays until it is answered, also over further starts.

    Args:
        open_paths: opens a project.
        report: shows the dialog for a report.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        controller: ProjectController,
        loader: FrameLoader,
        *,
        open_paths: Callable[[list[Path]], None],
        report: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._controller, self._loader = window, session, controller, loader
        self._open_paths, self._report = open_paths, report
        self._runs = find_ended_runs()
        self._waits = False
        self._box: QMessageBox | None = None

    def show(self, *, waits_for_video: bool) -> None:
        """Show the message, if there is something to say.

        Args:
            waits_for_video: a video is being opened; its project may be the one that was open.
        """
        if not self._runs:
            return
        if not waits_for_video:
            self._show_message()
            return
        self._waits = True
        # Whichever comes first: a video without a project, a project without its video, or neither.
        for signal in (self._controller.projectOpened, self._controller.ready, self._controller.errorOccurred):
            signal.connect(self._on_opened)
        self._loader.openFailed.connect(self._on_opened)

    def _on_opened(self) -> None:
        if self._waits:
            self._waits = False
            QTimer.singleShot(0, self._show_message)  # after the other receivers have shown what was opened

    def _show_message(self) -> None:
        box = QMessageBox(QMessageBox.Icon.NoIcon, tr("iouviewer ended unexpectedly"), "", parent=self._window)
        box.setObjectName("recoveryMessage")
        box.setText(describe_end(self._runs))
        box.setInformativeText("\n\n".join(self._describe_work()))
        box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        close = box.addButton(tr("Close"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(close)
        box.setEscapeButton(close)
        report = box.addButton(tr("Report a problem…"), QMessageBox.ButtonRole.ActionRole)
        project = self._closed_project()
        reopen = None
        if project is not None:
            text = tr("Open {name}", name=project.name)
            reopen = box.addButton(text, QMessageBox.ButtonRole.AcceptRole)
            box.setDefaultButton(reopen)
        box.finished.connect(lambda _result: self._on_answered(report, reopen, project))
        self._box = box
        box.open()

    def _closed_project(self) -> Path | None:
        """The project of the last run that had one, if it exists and is not open."""
        works = [run.record.work for run in self._runs if run.record.work is not None]
        if not works or self._is_open(works[0]):
            return None
        path = Path(works[0].project)
        return path if path.is_file() else None

    def _is_open(self, work: SavedWork) -> bool:
        path = self._controller.path
        return path is not None and path == Path(work.project)

    def _describe_work(self) -> list[str]:
        works: dict[str, SavedWork] = {}
        for run in self._runs:
            if run.record.work is not None:
                works.setdefault(run.record.work.project, run.record.work)
        if not works:
            return [tr("No project was open, so there was nothing to lose.")]
        return [self._describe(work) for work in works.values()]

    def _describe(self, work: SavedWork) -> str:
        path = Path(work.project)
        if not self._is_open(work):
            if not path.is_file():
                return tr("{path} was open. It is no longer there.", path=path)
            return tr("{name} was open. Open it to see whether all its edits are there.", name=path.name)
        history = self._session.history
        edits = work.steps - work.steps_before
        if history.cursor < work.steps and not work.pending:
            return tr_n(
                "{name}: {count} edit is missing that was shown as saved. Look at its snapshots and copies before "
                "you go on.",
                "{name}: {count:,} edits are missing that were shown as saved. Look at its snapshots and copies before "
                "you go on.",
                work.steps - history.cursor,
                name=path.name,
            )
        if not edits:
            return tr("{name} is open again; no edit had been made since it was opened.", name=path.name)
        return tr_n(
            "{name} is open again with the edit of that time: {last}.",
            "{name} is open again with all {count:,} edits of that time. The last one: {last}.",
            edits,
            name=path.name,
            last=work.last,
        )

    def _on_answered(self, report: QPushButton, reopen: QPushButton | None, project: Path | None) -> None:
        box, self._box = self._box, None
        clicked = box.clickedButton() if box is not None else None
        if box is not None:
            box.deleteLater()
        if reopen is not None and clicked is reopen and project is not None:
            # Answered once the project is open and its edits are counted.
            self.show(waits_for_video=True)
            self._open_paths([project])
            return
        forget(self._runs)
        self._runs = []
        if clicked is report:
            self._report()


def describe_end(runs: list[EndedRun]) -> str:
    """What happened to the last of the runs, and how many others there were."""
    last = runs[0]
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(last.record.started))
    if last.crash:
        text = tr(
            "The window that was started at {started} crashed ({reason}). The log has the details.",
            started=started,
            reason=last.crash,
        )
    else:
        text = tr(
            "The window that was started at {started} was not closed: it was ended from outside, or the computer "
            "went off.",
            started=started,
        )
    if len(runs) == 1:
        return text
    others = tr_n("It happened once before.", "It happened {count:,} times before.", len(runs) - 1)
    return f"{text} {others}"
