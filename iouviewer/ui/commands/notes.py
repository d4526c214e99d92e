"""Commands on notes; they open the tab of notes first."""

from __future__ import annotations

from iouviewer.ui.commands.side import SideCommands
from iouviewer.ui.panels.notes import NotesPanel
from iouviewer.ui.shell.side_tabs import SideTabs


class NoteCommands:
    """Group ``notes``."""

    def __init__(self, panel: NotesPanel, tabs: SideTabs, side: SideCommands) -> None:
        self._panel, self._tabs, self._side = panel, tabs, side

    def _show(self) -> bool:
        if not self._side.open_side():
            return False
        self._tabs.setCurrentWidget(self._panel)
        return True

    def add(self) -> None:
        """Write a note on the selected box, or on this frame."""
        if self._show():
            self._panel.begin()

    def return_frame(self) -> None:
        """Write why this frame is returned; it is then no longer verified."""
        if self._show():
            self._panel.begin_return()

    def toggle_done(self) -> None:
        """Mark the chosen note as done, or open it again."""
        if self._show():
            self._panel.toggle_done()

    def edit(self) -> None:
        """Change the text of the chosen note."""
        if self._show():
            self._panel.edit_current()

    def delete(self) -> None:
        """Delete the chosen note."""
        if self._show():
            self._panel.delete_current()
