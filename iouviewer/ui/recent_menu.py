"""Files that were opened before, in the File menu."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QMenu

from iouviewer.app.settings import Settings
from iouviewer.ui.commands.files import FileCommands

_PLACE = 4
"""Behind the commands that open something."""


class RecentMenu(QMenu):
    """Fills itself when it is shown."""

    def __init__(self, file_menu: QMenu, settings: Settings, files: FileCommands) -> None:
        super().__init__("Recent", file_menu)
        self.setObjectName("recentMenu")
        self._settings, self._files = settings, files
        file_menu.insertMenu(file_menu.actions()[_PLACE], self)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """The files of the settings, the last one first."""
        self.clear()
        for path in self._settings.recent:
            self.addAction(path).triggered.connect(partial(self._open, Path(path)))
        if self.isEmpty():
            self.addAction("Nothing yet").setEnabled(False)

    def _open(self, path: Path, checked: bool = False) -> None:  # noqa: ARG002 - Qt's signal carries it
        self._files.open_paths([path])
