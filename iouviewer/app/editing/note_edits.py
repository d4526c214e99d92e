"""What a person does with notes: add one to what is selected, change it, mark it as done, delete it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_BOX, NO_TRACK
from iouviewer.document.document import Document
from iouviewer.document.edits import Batch, SetFrames, SetNotes
from iouviewer.document.notes import NO_FRAME, Note, NotePin
from iouviewer.i18n import tr


@dataclass(frozen=True, slots=True)
class NoteTarget:
    """What a new note will be pinned to; fields as those of ``Note``.

    Attributes:
        returns: the note returns its frame, which is then no longer verified: somebody has to look at it again.
    """

    frame: int = NO_FRAME
    box_id: int = NO_BOX
    track: int = NO_TRACK
    returns: bool = False

    def with_text(self, text: str) -> Note:
        """The new note, without an id."""
        return Note(0, text, self.frame, self.box_id, self.track)


def find_target(session: Session) -> NoteTarget:
    """The selected box, else the selected track, else the current frame."""
    frame, selection = session.current_frame, session.selection
    if len(selection.boxes) == 1:
        return NoteTarget(frame, box_id=next(iter(selection.boxes)))
    if not selection.boxes and selection.track is not None:
        return NoteTarget(frame, track=selection.track)
    return NoteTarget(frame)


def object_of(document: Document, note: Note, source: int = 0) -> str:
    """The name of what a note is on: ``person 17``, ``frame``, or the name of the source."""
    return document.note_object(note, source) or tr("frame")


def frame_of(note: Note) -> str:
    """Where a note is: ``frame 153``, ``track``, ``source``."""
    if note.pin is NotePin.SOURCE:
        return tr("source")
    if note.pin is NotePin.TRACK:
        return tr("track, frame {frame:,}", frame=note.frame)
    return tr("frame {frame:,}", frame=note.frame)


def add_note(session: Session, target: NoteTarget, text: str) -> Note:
    """Add a note; UserError where its text is not valid or its box no longer exists."""
    source = session.source.id
    number = session.document.next_note_id(source)
    note = replace(target.with_text(text.strip()), id=number, author=session.author, when=time.time())
    if target.returns:
        mark = session.ground_truth.mark(note.frame)._replace(verified=False, changed=False)
        both = Batch((SetNotes((note,), source=source), SetFrames((mark,), source)), source)
        session.execute(both, tr("Return frame {frame:,}", frame=note.frame), origin="notes")
        return note
    name = object_of(session.document, note, source)
    session.execute(SetNotes((note,), source=source), tr("Add note to {object}", object=name), origin="notes")
    return note


def change_note(session: Session, note: Note, text: str) -> None:
    """Give a note another text."""
    name = object_of(session.document, note, session.source.id)
    edit = SetNotes((replace(note, text=text.strip()),), source=session.source.id)
    session.execute(edit, tr("Change note on {object}", object=name), origin="notes")


def set_done(session: Session, note: Note, done: bool) -> None:
    """Mark a note as done, or open it again."""
    name = object_of(session.document, note, session.source.id)
    label = tr("Mark note on {object} as done", object=name) if done else tr("Reopen note on {object}", object=name)
    session.execute(SetNotes((replace(note, done=done),), source=session.source.id), label, origin="notes")


def delete_note(session: Session, note: Note) -> None:
    """Delete a note."""
    name = object_of(session.document, note, session.source.id)
    edit = SetNotes(delete=(note.id,), source=session.source.id)
    session.execute(edit, tr("Delete note on {object}", object=name), origin="notes")


def go_to_note(session: Session, note: Note) -> None:
    """Show the frame of a note and select its box or track."""
    if note.frame != NO_FRAME:
        session.go_to(note.frame)
    if note.pin is NotePin.BOX and session.ground_truth.find(note.box_id) is not None:
        session.select([note.box_id])
    elif note.pin is NotePin.TRACK:
        session.select_track(note.track)
    elif note.pin is NotePin.FRAME:
        session.select(())
