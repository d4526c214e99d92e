"""Commands on whole tracks: delete, change class, merge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document import track_commands
from iouviewer.document.commands import Command, add_class
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.canvas.box_commands import as_sentence
from iouviewer.ui.dialogs.class_picker import pick_class


def _title_of(tracks: Sequence[int]) -> str:
    if len(tracks) == 1:
        return tr("Class of track {track}", track=tracks[0])
    return tr_n("Class of {count} track", "Class of {count:,} tracks", len(tracks))


class TrackCommands:
    """Group ``tracks``; without ids, the commands act on the selected tracks.

    Args:
        selected: the tracks that are selected in the list.
        merge_boxes: joins the tracks of the boxes that are selected on the canvas.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        selected: Callable[[], Sequence[int]],
        merge_boxes: Callable[[], None],
    ) -> None:
        self._window, self._session, self._selected = window, session, selected
        self._merge_boxes = merge_boxes

    def _tracks(self, tracks: Sequence[int] | None) -> Sequence[int]:
        track = self._session.selection.track
        found = tracks or self._selected() or (() if track is None else (track,))
        if not found:
            raise UserError(tr("no track is selected"), remedy=tr("Select a box of a track, or rows of the list."))
        return found

    def _run(self, build: Callable[[], Command]) -> None:
        """Build and execute a command; the status bar shows what was done, or why it is not possible."""
        try:
            command = build()
            change = self._session.execute(command.edit, command.label)
        except UserError as error:
            self._session.statusMessage.emit(as_sentence(error))
            return
        if change is not None:
            self._session.statusMessage.emit(command.label)

    def delete(self, tracks: Sequence[int] | None = None) -> None:
        """Delete all boxes of tracks in one step."""
        document, source = self._session.document, self._session.source.id
        self._run(lambda: track_commands.delete_tracks(document, self._tracks(tracks), source=source))

    def merge(self, tracks: Sequence[int] | None = None) -> None:
        """Join tracks into the one with the lowest id."""
        document, source = self._session.document, self._session.source.id
        self._run(lambda: track_commands.merge_tracks(document, self._tracks(tracks), source=source))

    def merge_selected(self) -> None:
        """Join the tracks that are selected in the list, or those of the selected boxes."""
        if len(self._selected()) > 1:
            self.merge()
        else:
            self._merge_boxes()

    def change_class(self, tracks: Sequence[int] | None = None) -> None:
        """Ask for a class, which may be new, for all boxes of tracks."""
        document, source = self._session.document, self._session.source.id
        try:
            found = self._tracks(tracks)
        except UserError as error:
            self._session.statusMessage.emit(as_sentence(error))
            return
        picked = pick_class(self._window, document.class_names, title=_title_of(found))
        if picked is None:
            return
        number = picked.number
        if number is None:
            command = add_class(document, picked.name, source=source)
            self._session.execute(command.edit, command.label)
            number = len(document.class_names) - 1
        self._run(lambda: track_commands.set_class_of_tracks(document, found, number, source=source))
