"""Group ``project``: answers to the notices about a project's safety, and File > Project."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.session_values import RESTORE
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.projects.known_projects import KnownFile, KnownKind
from iouviewer.app.projects.locations import FoundProject
from iouviewer.app.projects.merging import CopyContents, CopyReader
from iouviewer.app.projects.recovery import CopyState
from iouviewer.app.projects.restoring import project_of_copy
from iouviewer.app.projects.safety import Choice, Notice
from iouviewer.app.settings import Settings
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.document.merging import build_merge_edit, find_differences
from iouviewer.document.restoring import DocumentState, build_restore_edit
from iouviewer.document.variant_merging import find_variant_differences
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.schema import SUFFIX
from iouviewer.ui.commands.signature import Signature
from iouviewer.ui.dialogs.merge_dialog import MergeDialog
from iouviewer.ui.dialogs.restore_dialog import RestoreDialog
from iouviewer.ui.panels.notice_bar import NoticeBar

_FILTER = tr("Projects (*.iouv)")
"""Key of a project value: the person has seen under which name the work of a package is kept."""

_SECTIONS: dict[KnownKind, str] = {
    KnownKind.PROJECT: tr("Projects of this video"),
    KnownKind.COPY: tr("Copies"),
    KnownKind.SNAPSHOT: tr("Snapshots"),
    KnownKind.STRAY: tr("Other files of this project"),
}

_COPY_STATES: dict[CopyState, str] = {
    CopyState.OPEN: tr("not merged yet"),
    CopyState.MERGED: tr("merged"),
    CopyState.DISMISSED: tr("dismissed"),
}


class ProjectCommands(QObject):
    """Asks what only a person can decide, and tells the controller.

    Signals:
        failed(UserError): an answer could not be carried out.

    Attributes:
        bar: the notices.
    """

    failed = Signal(object)

    def __init__(
        self,
        window: QWidget,
        session: Session,
        controller: ProjectController,
        loader: FrameLoader,
        settings: Settings,
        save_settings: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._signature = Signature(window, session, controller, settings, save_settings)
        self._window, self._session = window, session
        self._controller, self._loader, self._settings = controller, loader, settings
        self.bar = NoticeBar(controller.safety.notices)
        self.bar.chosen.connect(self._on_bar_chosen)
        self._copies = CopyReader(self)
        self._copies.read.connect(self._on_copies_read)
        self._copies.failed.connect(self.failed)
        self._is_trying = False
        controller.ready.connect(self._on_controller_ready)
        controller.projectQuestionAsked.connect(self._on_controller_project_question_asked)

    # Notices

    def _on_bar_chosen(self, notice: Notice, choice: Choice) -> None:
        try:
            self._answer(notice, choice)
        except UserError as error:
            self.failed.emit(error)

    def _answer(self, notice: Notice, choice: Choice) -> None:
        controller, safety = self._controller, self._controller.safety
        answers: dict[Choice, Callable[[], object]] = {
            Choice.TAKE_OVER: partial(controller.reopen, take_over=True),
            Choice.TRY_AGAIN: controller.reopen,
            Choice.WORK_ON_COPY: controller.work_on_copy,
            Choice.SAVE_ELSEWHERE: self.save_as,
            Choice.START_NEW: controller.start_new,
            Choice.RETRY_SAVING: controller.retry_saving,
            Choice.KEEP_MINE: controller.care.keep_mine,
            Choice.RELOAD: controller.care.reload,
            Choice.SCALE_BOXES: safety.scale_boxes,
            Choice.KEEP_BOXES: safety.keep_boxes,
            Choice.FIND_VIDEO: partial(self._find_video, notice.path),
            Choice.HIDE: partial(safety.notices.hide, notice.key),
            Choice.CONFIRM: partial(self._confirm, notice),
            Choice.CHANGE_NAME: self._signature.change_name,
        }
        path = notice.path
        if path is not None:
            answers |= {
                Choice.MERGE_COPY: partial(self._copies.start, path),
                Choice.OPEN_COPY: partial(controller.reopen, path),
                Choice.OPEN_ORIGINAL: partial(controller.reopen, path),
                Choice.DISMISS_COPY: partial(safety.end_copy, path, CopyState.DISMISSED),
            }
        self._is_trying = choice in (Choice.TAKE_OVER, Choice.TRY_AGAIN)
        answers[choice]()

    def _confirm(self, notice: Notice) -> None:
        if not self._signature.confirm(notice):
            self._controller.safety.notices.hide(notice.key)

    def _on_controller_ready(self) -> None:
        """Say that another try has failed (the notice is the same as before it), and what a package is."""
        self._signature.show_package()
        if self._is_trying and self._session.read_only:
            self._session.statusMessage.emit(tr("Still not possible: {reason}", reason=self._session.read_only))
        self._is_trying = False

    def save_as(self) -> None:
        """Choose a file and continue in it."""
        shown = self._controller.safety.shown_path
        folder = self._settings.folder("project")
        name = shown.name if shown is not None else f"project{SUFFIX}"
        start = str(Path(folder) / name) if folder else name
        path, _ = QFileDialog.getSaveFileName(self._window, tr("Save project as"), start, _FILTER)
        if path:
            chosen = Path(path)
            self._settings.remember_folder("project", chosen)
            self._controller.save_as(chosen if chosen.suffix == SUFFIX else chosen.with_name(f"{chosen.name}{SUFFIX}"))

    def restore(self) -> None:
        """Choose a snapshot or backup, and bring its state back as one step."""
        path = self._controller.path
        shown = self._controller.safety.shown_path or path
        if shown is None:
            remedy = tr("Edit or import something first.")
            self.failed.emit(UserError(tr("there is no earlier state"), remedy=remedy))
            return
        session = self._session
        session.cancel_preview()
        source = session.source.id
        dialog = RestoreDialog(self._window, project_of_copy(shown), DocumentState.of(session.document, source))
        if not dialog.exec() or dialog.restoration is None or dialog.point is None:
            return
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(dialog.point.when))
        label = tr("Restore {state}", state=dialog.point.name or tr("backup of {when}", when=when))
        try:
            edit = build_restore_edit(session.document, dialog.restoration, source)
            session.execute(edit, label, origin=RESTORE)
        except UserError as error:
            self.failed.emit(error)
            return
        session.statusMessage.emit(tr("Restored the state of {when}", when=when))

    def close(self) -> None:
        """Wait for the thread that reads a copy."""
        self._copies.wait()

    def _on_copies_read(self, contents: CopyContents) -> None:
        try:
            self._merge(contents)
        except UserError as error:
            self.failed.emit(error)

    def _merge(self, contents: CopyContents) -> None:
        """Show what the copy has, take what the user chooses as one step, and offer the copy no longer."""
        session, source = self._session, self._session.source
        if {document.sources[min(document.sources)].index_digest for document in (contents.base, contents.copy)} - {
            source.index_digest,
            "",
        }:
            raise UserError(
                tr("the frames of the copy have other numbers than those of the project"),
                path=contents.path,
                remedy=tr("Open the copy instead."),
            )
        merge = find_differences(contents.base, contents.copy, session.document, source.id)
        variants = find_variant_differences(contents.base_variants, contents.copy_variants, session.variants)
        is_empty = merge.is_empty and not variants
        if not is_empty:
            dialog = MergeDialog(self._window, merge, variants, session.document, contents.path.name)
            if not dialog.exec():
                return
            model, document = dialog.model, session.document
            keys = session.variants.offer(model.chosen_variants(), source.frame_count)
            notes = model.chosen_notes()
            edit = build_merge_edit(document, merge, model.chosen(), source.id, notes=notes, variants=keys)
            session.execute(edit, tr("Merge copy {name}", name=contents.path.name), origin="merge")
        self._controller.safety.end_copy(contents.path, CopyState.MERGED)
        name = contents.path.name
        self._session.statusMessage.emit(
            tr("The project has everything of {name}", name=name) if is_empty else tr("Merged {name}", name=name)
        )

    def _find_video(self, labelled: Path | None) -> None:
        name = labelled.name if labelled is not None else ""
        title = tr("Find the file that was labelled: {name}", name=name)
        path, _ = QFileDialog.getOpenFileName(self._window, title, self._settings.folder("video"))
        if path:
            self._controller.expect_video()
            self._loader.open(Path(path))

    def _on_controller_project_question_asked(self, found: FoundProject) -> None:
        text = tr(
            "This video has the same content as {video}, which is gone. Continue with its project {project}, or start "
            "a new project for this video?",
            video=found.lost_video,
            project=found.path,
        )
        box = QMessageBox(QMessageBox.Icon.Question, tr("Was the video moved?"), text, parent=self._window)
        box.setObjectName("projectQuestion")
        new = box.addButton(tr("Start new project"), QMessageBox.ButtonRole.RejectRole)
        accepted = box.addButton(tr("Continue with project"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(new)
        box.exec()
        self._controller.use_found_project(box.clickedButton() is accepted)


class ProjectMenu(QObject):
    """Lists all files known for the video below the commands of File > Project."""

    def __init__(self, menu: QMenu, controller: ProjectController, commands: ProjectCommands) -> None:
        super().__init__(menu)
        self._menu, self._controller, self._commands = menu, controller, commands
        self._fixed = menu.actions()
        menu.setToolTipsVisible(True)
        controller.safety.known.changed.connect(self.fill)

    def fill(self) -> None:
        """Show the files that were found last."""
        for action in self._menu.actions():
            if action not in self._fixed:
                self._menu.removeAction(action)
                action.deleteLater()
        files = self._controller.safety.known.files
        for kind, title in _SECTIONS.items():
            of_kind = [file for file in files if file.kind is kind]
            if of_kind:
                self._menu.addSeparator()
                self._menu.addAction(title).setEnabled(False)
            for file in of_kind:
                self._add(file)

    def _add(self, file: KnownFile) -> None:
        action = self._menu.addAction(self._text(file))
        action.setToolTip(str(file.path))
        safety = self._controller.safety
        action.setCheckable(True)
        action.setChecked(file.path in (safety.shown_path, self._controller.path))
        action.triggered.connect(lambda: self._controller.reopen(file.path))

    @staticmethod
    def _text(file: KnownFile) -> str:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(file.when))
        path = file.path if file.kind in (KnownKind.PROJECT, KnownKind.STRAY) else file.path.name
        if file.state is None:
            return tr("{path}   {when}", path=path, when=when)
        return tr("{path}   {when}, {state}", path=path, when=when, state=_COPY_STATES[file.state])
