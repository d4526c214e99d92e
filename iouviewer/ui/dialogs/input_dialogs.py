"""Dialogs that ask for a confirmation or model weights, and the reading of times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog, QLabel, QLineEdit, QWidget

from iouviewer.app.settings import Settings
from iouviewer.i18n import tr
from iouviewer.ui.dialogs.frame import FramedDialog, field_label
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


def choose_answer(parent: QWidget | None, title: str, text: str, answers: Sequence[str]) -> int | None:
    """Ask which of some ways to go; returns the place of the answer, None for Cancel. The last one is the default."""
    dialog = FramedDialog(parent, title=title, name="question")
    message = QLabel(text)
    message.setObjectName("questionText")
    message.setWordWrap(True)
    message.setMinimumWidth(SIZE["dialog_s"] - 2 * SPACE["l"])
    dialog.body.addWidget(message)
    chosen: list[int] = []

    def choose(place: int) -> None:
        chosen.append(place)
        dialog.accept()

    dialog.add_cancel()
    for place, answer in enumerate(answers):
        button = dialog.add_primary(answer) if place == len(answers) - 1 else dialog.add_secondary(answer)
        button.clicked.connect(partial(choose, place))
    dialog.exec()
    dialog.deleteLater()
    return chosen[0] if chosen else None


def ask_name(parent: QWidget | None, current: str) -> str:
    """Ask under which name a person's edits are kept; empty if nothing was chosen."""
    dialog = FramedDialog(parent, title=tr("Your name"), name="askName")
    line = QLineEdit(current)
    line.setObjectName("askNameText")
    line.selectAll()
    line.setMinimumWidth(SIZE["dialog_s"] - 2 * SPACE["l"])
    dialog.body.setSpacing(SPACE["s"])
    dialog.body.addWidget(field_label(tr("Your edits, decisions and notes are signed with this name:"), line))
    dialog.body.addWidget(line)
    dialog.add_cancel()
    accept = dialog.add_primary(tr("Use name"))
    accept.clicked.connect(dialog.accept)
    line.textChanged.connect(lambda text: accept.setEnabled(bool(text.strip())))
    is_chosen = dialog.exec() == QDialog.DialogCode.Accepted
    dialog.deleteLater()
    return line.text().strip() if is_chosen else ""


def choose_weights(parent: QWidget | None, settings: Settings) -> list[Path]:
    """Ask for the weights of models; empty if none are chosen."""
    title = tr("Choose model weights")
    paths, _ = QFileDialog.getOpenFileNames(parent, title, settings.folder("models"), _MODEL_FILTER)
    if paths:
        settings.remember_folder("models", paths[0])
    chosen = [Path(path) for path in paths]
    # An OpenVINO model is a folder; the file dialog shows its .xml.
    return [path.parent if path.suffix == ".xml" else path for path in chosen]


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
