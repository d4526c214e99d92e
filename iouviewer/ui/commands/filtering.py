"""Commands of the filter line: type it, remove it; the project remembers it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.session_filter import SessionFilter
from iouviewer.app.projects.controller import ProjectController
from iouviewer.document.edits import FrameState
from iouviewer.document.filter_line import complete_filter
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.dialogs.filter_dialog import FilterDialog

STORED = "filter"
"""Key of the value in the project."""


class FilterCommands(QObject):
    """Group ``filter``.

    Attributes:
        filter: the filter of the session.
    """

    def __init__(self, window: QWidget, session: Session, controller: ProjectController) -> None:
        super().__init__(window)
        self._window, self._session, self._controller = window, session, controller
        self._of: object = None
        self.filter = SessionFilter(session, self)
        self.filter.changed.connect(self._store)
        session.sourceChanged.connect(self._restore)
        session.variants.listChanged.connect(self._restore)

    def ask(self) -> None:
        """Type the filter line."""
        session = self._session
        classes, variants = session.document.class_names, [variant.name for variant in session.variants]
        line = self.filter.filter.text
        # The gallery has the key too, and takes the focus back.
        parent = QApplication.activeWindow() or self._window
        dialog = FilterDialog(
            parent,
            f"{line} " if line else "",
            complete=lambda text: complete_filter(text, classes, variants),
            check=self._check,
        )
        if dialog.exec():
            self.use(dialog.text())
        parent.activateWindow()

    def use(self, line: str) -> None:
        """Filter by a line; the status bar says what was wrong with it."""
        try:
            self.filter.set_line(line)
        except UserError as error:
            self._session.statusMessage.emit(str(error))

    def remove(self) -> None:
        """End the filter."""
        if self.filter.filter:
            self.filter.remove()
        else:
            self._session.statusMessage.emit(tr("There is no filter"))

    def _check(self, line: str) -> tuple[str, bool]:
        """What a line counts, or why it cannot be used."""
        session = self._session
        try:
            rules = self.filter.rules_of(line)
        except UserError as error:
            return str(error), False
        truth = session.ground_truth
        labelled = truth.states() == FrameState.LABELLED
        passing = rules.frames(truth.frame_count)
        frames = labelled if passing is None else labelled & passing
        if passing is not None and not passing.any():
            return tr("no frame passes; the last one is {last:,}", last=truth.frame_count - 1), False
        table = rules.truth(truth.table())
        counted = table.counted() & frames[table.frame_of_row()]
        text = tr(
            "{boxes:,} of {all:,} boxes on {frames:,} labelled frames count",
            boxes=int(np.count_nonzero(counted)),
            all=int(np.count_nonzero(~table.ignored & labelled[table.frame_of_row()])),
            frames=int(np.count_nonzero(frames)),
        )
        listing = rules.filter.listing
        if listing:
            text = tr("{counts}; lists also: {terms}", counts=text, terms=listing.text)
        return text, True

    # The project

    def _store(self) -> None:
        if self._is_restored:
            self._controller.set_value(STORED, self.filter.filter.text)

    @property
    def _is_restored(self) -> bool:
        return self._of is self._session.document

    def _restore(self) -> None:
        """Use the line of a project once its variants are known, since the line may name them."""
        session = self._session
        if self._is_restored or session.variants.is_loading or not session.frame_count:
            return
        self._of = session.document
        line = self._controller.value(STORED, "")
        if line and isinstance(line, str):
            try:
                self.filter.set_line(line)
            except UserError as error:
                session.statusMessage.emit(tr("Filter of the project left out: {reason}", reason=error))
