"""The command line that writes what the export dialog is about to write."""

from __future__ import annotations

import shlex

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from iouviewer.i18n import tr
from iouviewer.ui.exports import BoxWriter, Export, ExportSource, GroundTruthWriter, OverlayWriter


def command_line(export: Export, writer: BoxWriter | None, source: ExportSource, path: str, frames: str | None) -> str:
    """The call of ``iouviewer`` for an export; empty where no command writes the same.

    Args:
        frames: the frame selection as ``--frames`` reads it, None for all.
    """
    project = source.session.save_state.project_path
    if not project:
        return ""
    used = writer or export.writer
    if isinstance(used, GroundTruthWriter):
        parts = ["convert", "--to", used.format, project, path]
    elif isinstance(used, OverlayWriter) and all(variant.visible for variant in source.session.variants):
        parts = ["render", project, "--out", path, *(["--panes", "each"] if used.apart else [])]
    else:
        return ""
    return shlex.join(["iouviewer", *parts, *([] if frames is None or not export.has_frames else ["--frames", frames])])


class CommandButton(QPushButton):
    """Copies a command line; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("exportCommand")
        self.setAutoDefault(False)
        self._command = ""
        self.clicked.connect(self._on_clicked)

    def offer(self, command: str) -> None:
        """Show the button for this command."""
        self._command = command
        self.setText(tr("Copy command line"))
        self.setToolTip(command)
        self.setVisible(bool(command))

    def _on_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._command)
        self.setText(tr("Copied"))
