"""Commands on whole tracks and on parts of them: delete, change class, merge, swap, key frames."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.gesture import ORIGIN
from iouviewer.app.editing.session import Session
from iouviewer.document import key_frames, track_commands, track_shapes
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.commands import Command, add_class
from iouviewer.document.document import Document
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.canvas.box_commands import as_sentence
from iouviewer.ui.commands.track_pairing import TrackPairing
from iouviewer.ui.dialogs.class_picker import pick_class
from iouviewer.ui.panels.track_question import TrackQuestion
from iouviewer.ui.workspaces import WorkspaceViews

Build = Callable[[Document, int], Command]
"""Builds a command from the document and the source id."""


def _title_of(tracks: Sequence[int]) -> str:
    if len(tracks) == 1:
        return tr("Class of track {track}", track=tracks[0])
    return tr_n("Class of {count} track", "Class of {count:,} tracks", len(tracks))


class TrackCommands:
    """Group ``tracks``; without ids, the commands act on the selected tracks.

    Args:
        loop: the loop range of the playback, None without one.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        views: WorkspaceViews,
        loop: Callable[[], tuple[int, int] | None],
    ) -> None:
        timeline, leave = views.timeline, views.canvas.setFocus
        self._window, self._session, self._timeline, self._list = window, session, timeline, views.tracks
        self._loop = loop
        self.question = TrackQuestion(window)
        self.pairing = TrackPairing(session, timeline, self.question, run=self._run, loop=loop, leave=leave)
        for lanes in (timeline.lanes, timeline.lane_row):
            lanes.leaveRequested.connect(leave)
        requests = timeline.lanes.requests
        requests.hintChanged.connect(self._on_hint_changed)
        requests.endMoved.connect(self._set_end)
        requests.keysMoved.connect(self._move_keys)
        requests.keyCopied.connect(self._copy_key)
        requests.keysRemoved.connect(self._remove_keys)
        requests.laneDropped.connect(self._merge_dropped)

    def _selected(self) -> Sequence[int]:
        """The tracks that are selected in the list."""
        return self._list.selected

    def _tracks(self, tracks: Sequence[int] | None = None) -> Sequence[int]:
        track = self._session.selection.track
        found = tracks or self._selected() or (() if track is None else (track,)) or self._tracks_of_boxes()
        if not found:
            raise UserError(tr("no track is selected"), remedy=tr("Select a box of a track, or rows of the list."))
        return found

    def _tracks_of_boxes(self) -> tuple[int, ...]:
        """The tracks of the selected boxes in order of the box."""
        boxes = map(self._session.ground_truth.find, sorted(self._session.selection.boxes))
        return tuple(dict.fromkeys(box.track for box in boxes if box is not None and box.track != NO_TRACK))

    def _run(self, build: Build) -> bool:
        """Build and execute a command; the status bar shows what was done, or why it is not possible."""
        session = self._session
        try:
            command = build(session.document, session.source.id)
            change = session.execute(command.edit, command.label, origin=ORIGIN)
        except UserError as error:
            session.statusMessage.emit(as_sentence(error))
            return False
        if change is not None:
            session.statusMessage.emit(command.label)
        return change is not None

    def _report_errors(self, run: Callable[[], object]) -> None:
        try:
            run()
        except UserError as error:
            self._session.statusMessage.emit(as_sentence(error))

    # Delete

    def delete(self, tracks: Sequence[int] | None = None) -> None:
        """Delete all boxes of tracks in one step."""
        self._run(lambda document, source: track_commands.delete_tracks(document, self._tracks(tracks), source=source))

    def delete_from_here(self) -> None:
        """Delete the boxes of the selected tracks from the current frame on."""
        last = max(0, self._session.frame_count - 1)
        self._delete_range(self._session.current_frame, last)

    def delete_range(self) -> None:
        """Delete the boxes of the selected tracks in the span that is selected on the lanes, or in the loop."""
        span = self._span()
        if span is not None:
            tracks, first, last = span
            self._delete_range(first, last, tracks)
            return
        loop = self._loop()
        if loop is None:
            self._session.statusMessage.emit(tr("Drag over frames of the lane, or set a loop, to choose the range"))
            return
        self._delete_range(min(loop), max(loop))

    def _span(self) -> tuple[Sequence[int], int, int] | None:
        """Tracks, first and last frame of what is selected on the lanes; None without lanes or a selection."""
        return self._timeline.lanes.gestures.span if self._timeline.has_lanes else None

    def selected_frames(self) -> tuple[int, int] | None:
        """First and last frame of what is selected on the lanes, else of the loop; None without either."""
        span, loop = self._span(), self._loop()
        return span[1:] if span is not None else None if loop is None else (min(loop), max(loop))

    def _delete_range(self, first: int, last: int, tracks: Sequence[int] | None = None) -> None:
        self._run(
            lambda document, source: track_shapes.delete_range(
                document, self._tracks(tracks), first, last, source=source
            )
        )

    # Gaps

    def fill_gaps(self) -> None:
        """Fill all gaps of the selected tracks on straight lines."""
        self._run(lambda document, source: track_shapes.fill_gaps(document, self._tracks(), source=source))

    # Merge and swap

    def merge(self, tracks: Sequence[int] | None = None) -> None:
        """Ask whether tracks become one: several selected ones, or the selected one and another that is clicked."""

        def start() -> None:
            found = list(tracks or self._selected())
            boxes = self._tracks_of_boxes()
            if len(found) < 2 and len(boxes) > 1:
                found = list(boxes)
            if len(found) > 1:
                self.pairing.ask_merge(min(found), [track for track in sorted(found) if track != min(found)])
            else:
                self.pairing.choose_merge(self._tracks(found)[0])

        self._report_errors(start)

    def swap(self) -> None:
        """Ask whether two tracks exchange their ids: the two selected ones, or the selected one and a clicked one."""

        def start() -> None:
            found = list(self._selected())
            boxes = self._tracks_of_boxes()
            if len(found) != 2 and len(boxes) == 2:
                found = list(boxes)
            if len(found) == 2:
                self.pairing.ask_swap(*found)
            else:
                self.pairing.choose_swap(self._tracks()[0])

        self._report_errors(start)

    def cancel(self) -> bool:
        """Leave an open question unanswered; returns whether there was one."""
        return self.pairing.cancel()

    # Class

    def change_class(self, tracks: Sequence[int] | None = None) -> None:
        """Ask for a class, which may be new, for all boxes of tracks."""
        document, source = self._session.document, self._session.source.id
        try:
            found = self._tracks(tracks)
        except UserError as error:
            self._session.statusMessage.emit(as_sentence(error))
            return
        picked = pick_class(self._window, document.classes, title=_title_of(found))
        if picked is None:
            return
        if picked.number is None:
            command = add_class(document, picked.name, source=source)
            self._session.execute(command.edit, command.label)
        number = picked.number if picked.number is not None else len(document.class_names) - 1
        self._run(lambda document, source: track_commands.set_class_of_tracks(document, found, number, source=source))

    # What the lanes ask for

    def _on_hint_changed(self, text: str, place: QPoint) -> None:
        if text:
            self.question.show_text(text, place)
        else:
            self.question.hide()

    def _set_end(self, track: int, frame: int, at_start: bool) -> None:
        self._run(
            lambda document, source: track_shapes.set_end(document, track, frame, at_start=at_start, source=source)
        )

    def _move_keys(self, frames: Mapping[int, Collection[int]], by: int) -> None:
        """Move key frames by track; one step."""
        self._run(lambda document, source: key_frames.move_all(document, frames, by, source=source))

    def _copy_key(self, track: int, frame: int, to: int) -> None:
        self._run(lambda document, source: key_frames.copy(document, track, frame, to, source=source))

    def _remove_keys(self, frames: Mapping[int, Collection[int]]) -> None:
        self._run(lambda document, source: key_frames.remove_all(document, frames, source=source))

    def _merge_dropped(self, winner: int, loser: int) -> None:
        def drop() -> None:
            self.pairing.merge(track_shapes.plan_merge(self._session.ground_truth, winner, [loser]))

        self._report_errors(drop)
