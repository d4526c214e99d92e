"""The key sheet and the editor of keys; presets and changes are kept in the settings."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from iouviewer.app.settings import Settings
from iouviewer.i18n import tr
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.dialogs.key_editor import MIRRORED, KeyEditor
from iouviewer.ui.help.key_sheet import KeySheet
from iouviewer.ui.key_presets import Keys, keys_of

LETTERS = "keyLetters"
"""Key of the setting for the letters of the layout that were learned: pairs of place and letter."""
_SIZE = (640, 520)
"""Logical pixels of the editor."""


def is_mirrored(settings: Settings) -> bool:
    """Whether the keys are flipped for the mouse in the left hand."""
    return settings.extra.get(MIRRORED) == "1"


def keys_of_settings(settings: Settings) -> Keys:
    """The keys of all actions with preset, mirror and changes."""
    changes = {id: tuple(text.split()) for id, text in settings.keys.items()}
    return keys_of(settings.key_preset, changes, is_mirrored=is_mirrored(settings))


def remembered_letters(settings: Settings) -> dict[str, str]:
    """Letters of the layout by place, as they were learned earlier."""
    pairs = settings.extra.get(LETTERS, "").split()
    return {pair[0]: pair[1:] for pair in pairs if len(pair) > 1}


def remember_letters(settings: Settings, letters: dict[str, str]) -> None:
    """Keep the letters for the next start."""
    settings.extra[LETTERS] = " ".join(f"{place}{letter}" for place, letter in sorted(letters.items()))


class KeyCommands:
    """Shows the key sheet and the editor.

    Attributes:
        actions: set after the actions are created.
    """

    actions: ActionSet

    def __init__(self, window: QWidget, settings: Settings, *, apply: Callable[[], None]) -> None:
        self._window, self._settings, self._apply = window, settings, apply

    def show_sheet(self) -> None:
        """Show the keyboard with the commands of its keys."""
        settings = self._settings
        sheet = KeySheet(
            self._window,
            self.actions,
            preset=settings.key_preset,
            is_mirrored=is_mirrored(settings),
            choose=self.choose,
            edit=self.edit,
        )
        sheet.exec()
        sheet.deleteLater()

    def choose(self, preset: str, mirrored: bool) -> None:
        """Use a preset, mirrored for the mouse in the left hand or not."""
        self._settings.key_preset = preset
        self._settings.extra[MIRRORED] = "1" if mirrored else ""
        self._apply()

    def edit(self, id: str = "") -> None:
        """Change keys.

        Args:
            id: the command that is selected at first; empty for none.
        """
        settings = self._settings
        dialog = FramedDialog(self._window, title=tr("Edit keys"), name="editKeys")
        editor = KeyEditor(
            settings.key_preset, settings.keys, is_mirrored=is_mirrored(settings), letters=self.actions.letters
        )
        dialog.body.addWidget(editor)
        dialog.add_cancel()
        dialog.add_primary(tr("Apply keys")).clicked.connect(dialog.accept)
        dialog.resize(*_SIZE)
        if id:
            editor.select(id)
        if dialog.exec():
            settings.key_preset = editor.preset
            settings.keys = dict(editor.changes)
            settings.extra[MIRRORED] = "1" if editor.is_mirrored else ""
            self._apply()
        dialog.deleteLater()
