"""Asks whether to load weights that can run code; the default answer is Cancel."""

from __future__ import annotations

from html import escape
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.fonts import font
from iouviewer.ui.tokens import SIZE, SPACE


class TrustDialog(FramedDialog):
    """Shows the file, its digest and the risk; ``accepted`` only if the user runs it anyway.

    Args:
        digest: SHA-256 of the content, in hexadecimal.
        reason: why the file can run code.
    """

    def __init__(self, parent: QWidget | None, *, path: Path | str, digest: str, reason: str) -> None:
        super().__init__(parent, title=tr("This file can run code"), name="trustDialog")
        text = QLabel(
            tr(
                "<b>{name}</b> can run any code on this computer when it is loaded.<br><br>{reason}<br><br>"
                "Run it only if you know who made it. Your choice applies to exactly this content (SHA-256):",
                name=escape(Path(path).name),
                reason=escape(f"{reason[:1].upper()}{reason[1:].rstrip('.')}."),
            )
        )
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.RichText)
        digest_label = QLabel(digest)
        digest_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        digest_label.setWordWrap(True)
        digest_label.setProperty("role", "muted")
        digest_label.setFont(font("mono"))
        # Enter and Esc both refuse: running the code needs a deliberate click.
        self.cancel_button = self.add_primary(tr("Cancel"))
        self.cancel_button.clicked.connect(self.reject)
        self.run_button = self.add_secondary(tr("Run anyway"))
        self.run_button.clicked.connect(self.accept)
        self.body.setSpacing(SPACE["s"])
        for widget in (text, digest_label):
            self.body.addWidget(widget)
        self.setFixedWidth(SIZE["dialog_m"])
        self.cancel_button.setFocus()
