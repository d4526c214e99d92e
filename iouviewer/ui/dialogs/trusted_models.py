"""The model files that may run code, in the settings: where each was, since when, and a button to take it back."""

from __future__ import annotations

import time
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.inference.trust import TrustedFile, TrustStore
from iouviewer.ui.dialogs.settings_fields import note_label
from iouviewer.ui.tokens import SPACE

_DIGITS_SHOWN = 16
"""Digits of the SHA-256 that are shown; the tooltip has all."""


class TrustedModels(QWidget):
    """Lists the trusted files, the last one first."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("trustedModels")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE["s"])
        self.fill()

    def fill(self, problem: str = "") -> None:
        """Read the list again; ``problem`` says what could not be done."""
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        try:
            files = TrustStore().files()
        except UserError as error:
            files, problem = [], problem or str(error)
        if not files and not problem:
            problem = tr("No model file may run code.")
        if problem:
            label = note_label(problem)
            label.setObjectName("trustedProblem")
            self._layout.addWidget(label)
        for file in files:
            self._layout.addWidget(self._row(file))

    def _row(self, file: TrustedFile) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["m"])
        text = QVBoxLayout()
        text.setSpacing(0)
        path = QLabel(file.path)
        path.setObjectName("trustedPath")
        path.setWordWrap(True)
        path.setTextFormat(Qt.TextFormat.PlainText)
        path.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        path.setToolTip(tr("SHA-256 {digest}", digest=file.sha256))
        text.addWidget(path)
        facts = note_label(_facts(file))
        facts.setObjectName("trustedFacts")
        text.addWidget(facts)
        layout.addLayout(text, 1)
        revoke = QPushButton(tr("Revoke"))
        revoke.setObjectName("trustedRevoke")
        revoke.setAutoDefault(False)
        revoke.setAccessibleName(tr("Revoke trust in {path}", path=file.path))
        revoke.setToolTip(tr("Ask again before this content runs code"))
        revoke.clicked.connect(partial(self._revoke, file.sha256))
        layout.addWidget(revoke, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _revoke(self, sha256: str) -> None:
        try:
            TrustStore().revoke(sha256)
        except UserError as error:
            self.fill(tr("It is still trusted: {error}", error=error))
            return
        self.fill()


def _facts(file: TrustedFile) -> str:
    digest = file.sha256[:_DIGITS_SHOWN]
    if file.when is None:
        return tr("{digest}…", digest=digest)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(file.when))
    if file.is_stored:
        return tr("trusted since {when}, {digest}…", when=when, digest=digest)
    return tr("trusted since {when} until the program ends, {digest}…", when=when, digest=digest)
