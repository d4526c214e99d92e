"""The command that opens a second ground truth and shows how far both agree."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from iouviewer.app.editing.other_truth import OtherTruth, as_predictions, read_other_truth
from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.canvas.box_commands import as_sentence
from iouviewer.ui.dialogs.agreement_dialog import AgreementDialog

_FILTER = tr("Projects and boxes (*.iouv *.txt *.json *.xml *.zip *.csv);;All files (*)")


class AgreementCommands(QObject):
    """Group ``agreement``."""

    def __init__(self, window: QWidget, session: Session, controller: ProjectController) -> None:
        super().__init__(window)
        self._window, self._session, self._controller = window, session, controller

    def choose(self) -> None:
        """Choose a project or a file of boxes, and compare its ground truth with the open one."""
        title, folder = tr("Compare with other ground truth"), str(Path(self._session.source.path).parent)
        path, _ = QFileDialog.getOpenFileName(self._window, title, folder, _FILTER)
        if path:
            other = read_other_truth(Path(path), self._session.source)
            dialog = AgreementDialog(self._window, self._session, other)
            dialog.layerRequested.connect(lambda: self._show_layer(other))
            dialog.finished.connect(dialog.deleteLater)
            dialog.show()

    def _show_layer(self, other: OtherTruth) -> None:
        try:
            self._controller.add_predictions(other.name, as_predictions(other))
        except UserError as error:
            self._session.statusMessage.emit(as_sentence(error))
