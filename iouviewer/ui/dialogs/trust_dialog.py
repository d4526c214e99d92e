"""Asks whether to load weights that can run code; the default answer is Cancel."""

from __future__ import annotations

from html import escape
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPushButton, QVBoxLayout, QWidget

from iouviewer.i18n import tr


class TrustDialog(QDialog):
    """Shows the file, its digest and the risk; ``accepted`` only if the user runs it anyway.

    Args:
        digest: SHA-256 of the content, in hexadecimal.
        reason: why the file can run code.
    """

    def __init__(self, parent: QWidget | None, *, path: Path | str, digest: str, reason: str) -> None:
        super().__init__(parent)
        self.setObjectName("trustDialog")
        self.setWindowTitle(tr("This file can run code"))
        text = QLabel(
            tr(
                "<b>{name}</b> can run any code on this computer when it is loaded.<br><br>{reason}<br><br>"
                "Run it only if you know who made it. Your choice applies to exactly this content (SHA-256):",
                name=escape(Path(path).name),
                reason=escape(reason),
            )
        )
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.RichText)
        digest_label = QLabel(digest)
        digest_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        digest_label.setWordWrap(True)
        digest_label.setProperty("role", "muted")
        self.cancel_button = QPushButton(tr("Cancel"))
        self.run_button = QPushButton(tr("Run anyway"))
        self.cancel_button.setDefault(True)
        self.run_button.setAutoDefault(False)
        buttons = QDialogButtonBox()
        buttons.addButton(self.run_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.cancel_button, QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        for widget in (text, digest_label, buttons):
            layout.addWidget(widget)
        self.setMinimumWidth(480)
        self.cancel_button.setFocus()
