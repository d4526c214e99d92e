"""Notes of people: a text that is pinned to a box, a track, a frame or the source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from iouviewer.document.boxes import NO_BOX, NO_TRACK, Box
from iouviewer.i18n import tr

NO_FRAME = -1
MAX_LENGTH = 10_000
"""Longest text of a note, characters."""


class NotePin(StrEnum):
    """What a note is pinned to. The values are part of exported files."""

    BOX = "box"
    TRACK = "track"
    FRAME = "frame"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Note:
    """One note. Names of fields are part of the file format.

    Attributes:
        id: unique within its source among the notes that exist.
        frame: the frame of the box, or the one on which the note was written; NO_FRAME for a note on the source.
        box_id: NO_BOX unless the note is on a box; track: NO_TRACK unless it is on a track.
        author: who wrote it, empty if unknown.
        when: seconds since the epoch.
    """

    id: int
    text: str
    frame: int = NO_FRAME
    box_id: int = NO_BOX
    track: int = NO_TRACK
    author: str = ""
    when: float = 0.0
    done: bool = False

    @property
    def pin(self) -> NotePin:
        """What the note is pinned to."""
        if self.box_id != NO_BOX:
            return NotePin.BOX
        if self.track != NO_TRACK:
            return NotePin.TRACK
        return NotePin.SOURCE if self.frame == NO_FRAME else NotePin.FRAME


def find_note_error(note: Note, frame_count: int) -> str | None:
    """Why a note is not valid, or None if it is."""
    if not note.text.strip():
        return tr("the note has no text")
    if len(note.text) > MAX_LENGTH:
        return tr("the note has {count:,} characters; the limit is {limit:,}", count=len(note.text), limit=MAX_LENGTH)
    if not NO_FRAME <= note.frame < frame_count:
        return tr("the frame of the note does not exist")
    return None


def notes_of_removed(
    notes: Iterable[Note], boxes: Collection[Box], has_track: Callable[[int], bool]
) -> tuple[int, ...]:
    """Ids of the notes that go with removed boxes: those on the boxes, and on tracks that have no box left."""
    ids, tracks = {box.id for box in boxes}, {box.track for box in boxes} - {NO_TRACK}
    return tuple(
        note.id
        for note in notes
        if note.box_id in ids or (note.pin is NotePin.TRACK and note.track in tracks and not has_track(note.track))
    )


def notes_of_retracked(
    notes: Iterable[Note], tracks: Mapping[int, int], has_track: Callable[[int], bool]
) -> tuple[Note, ...]:
    """Notes on tracks that have no box left, on the track that has taken their boxes.

    Args:
        tracks: new track by old track of boxes that have changed; a box that has left its track has NO_TRACK.
    """
    moved = []
    for note in notes:
        target = tracks.get(note.track, NO_TRACK)
        if note.pin is NotePin.TRACK and target != NO_TRACK and not has_track(note.track):
            moved.append(replace(note, track=target))
    return tuple(moved)
