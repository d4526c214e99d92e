"""Asks whether weights that can run code may be loaded. The default answer is no."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPushButton, QVBoxLayout, QWidget


class TrustDialog(QDialog):
    """Shows which bytes would be trusted and why they are not safe; ``accepted`` only if the user says so."""

    def __init__(self, parent: QWidget | None, *, path: Path | str, digest: str, reason: str) -> None:
        super().__init__(parent)
        self.setObjectName("trustDialog")
        self.setWindowTitle("Trust this model?")
        text = QLabel(
            f"<b>{Path(path).name}</b> can run any code on this computer when it is loaded.<br><br>{reason}<br><br>"
            "Trust it only if you made it, or know who did. Your answer holds for exactly this content:"
        )
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.RichText)
        mark = QLabel(digest)
        mark.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        mark.setWordWrap(True)
        mark.setProperty("role", "muted")
        self.refuse_button = QPushButton("Don't run it")
        self.trust_button = QPushButton("Trust and run")
        self.refuse_button.setDefault(True)
        self.trust_button.setAutoDefault(False)
        buttons = QDialogButtonBox()
        buttons.addButton(self.trust_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.refuse_button, QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        for widget in (text, mark, buttons):
            layout.addWidget(widget)
        self.setMinimumWidth(480)
        self.refuse_button.setFocus()
