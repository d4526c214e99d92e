"""Dialogs that ask for a number, a confirmation or model weights, and the reading of times."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLabel, QWidget

from iouviewer.app.settings import Settings
from iouviewer.i18n import tr
from iouviewer.ui.dialogs.frame import FramedDialog, field_label
from iouviewer.ui.panels.frame_box import FrameBox
from iouviewer.ui.tokens import SIZE, SPACE

_MODEL_FILTER = tr("Models (*.pt *.onnx *.engine *.torchscript *.xml);;All files (*)")

_TIME = re.compile(r"([-−])?(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)", re.ASCII)


def confirm(parent: QWidget | None, *, title: str, text: str, button: str) -> bool:
    """Ask before replacing something. The default answer is Cancel.

    Args:
        button: text of the button that confirms, for example ``Replace``.
    """
    dialog = FramedDialog(parent, title=title, name="confirm")
    message = QLabel(text)
    message.setObjectName("confirmText")
    message.setWordWrap(True)
    message.setMinimumWidth(SIZE["dialog_s"] - 2 * SPACE["l"])
    dialog.body.addWidget(message)
    cancel, confirm_button = dialog.add_cancel(), dialog.add_primary(button)
    confirm_button.setDefault(False)
    confirm_button.setAutoDefault(False)
    confirm_button.clicked.connect(dialog.accept)
    cancel.setDefault(True)
    cancel.setFocus()
    is_confirmed = dialog.exec() == QDialog.DialogCode.Accepted
    dialog.deleteLater()
    return is_confirmed


def choose_weights(parent: QWidget | None, settings: Settings) -> list[Path]:
    """Ask for the weights of models; empty if none are chosen."""
    title = tr("Choose model weights")
    paths, _ = QFileDialog.getOpenFileNames(parent, title, settings.folder("models"), _MODEL_FILTER)
    if paths:
        settings.remember_folder("models", paths[0])
    chosen = [Path(path) for path in paths]
    # An OpenVINO model is a folder; the file dialog shows its .xml.
    return [path.parent if path.suffix == ".xml" else path for path in chosen]


class NumberDialog(FramedDialog):
    """One spin box; read ``value()`` or ``typed()`` after ``accepted``.

    Args:
        low, high: range of the number, both included.
        button: text of the button that accepts.
    """

    def __init__(
        self, parent: QWidget | None, *, title: str, label: str, value: int, low: int, high: int, button: str
    ) -> None:
        super().__init__(parent, title=title, name="askNumber")
        self.box = FrameBox()
        self.box.setObjectName("askNumberBox")
        self.box.setRange(low, high)
        self.box.setValue(value)
        self.box.selectAll()
        self.box.setMinimumWidth(120)
        row = QHBoxLayout()
        row.setSpacing(SPACE["m"])
        row.addWidget(field_label(label, self.box))
        row.addWidget(self.box, 1)
        self.body.addLayout(row)
        self.add_cancel()
        self.add_primary(button).clicked.connect(self._on_accepted)
        self.box.setFocus()

    def _on_accepted(self) -> None:
        self.box.interpretText()
        self.accept()

    def value(self) -> int:
        """The number in the spin box, within its range."""
        return self.box.value()

    def typed(self) -> int | str:
        """The entry: ``value()``, a number outside the range, or a text that is not a number."""
        return self.value() if self.box.rejected_entry is None else self.box.rejected_entry


def parse_seconds(text: str) -> float | None:
    """Seconds of a time such as ``1:23:45.6``, ``12:30`` or ``90``; None if the text is not a time.

    With colons, minutes and seconds must be below 60.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    sign, hours, minutes, seconds = match.groups()
    fraction = float(seconds.replace(",", "."))
    if (minutes is not None and fraction >= 60) or (hours is not None and int(minutes) >= 60):
        return None
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + fraction
    return -total if sign else total
