"""Notes follow what they are pinned to: boxes, tracks and frames; every change is undone by its inverse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, Aspect, Batch, RemoveBoxes, SetNotes, SetTracks, decode_edit, encode_edit
from iouviewer.document.notes import MAX_LENGTH, Note, NotePin
from iouviewer.document.renumbering import FrameMapping, edit_frames, renumber_edit
from iouviewer.errors import UserError
from tests.document.builders import make_document, simple_numbering, state_of

ON_BOX = Note(1, "Is the arm part of it?", 1, 3, author="mb", when=5.0)
ON_TRACK = Note(2, "Leaves behind the post", 0, track=1)
ON_FRAME = Note(3, "Reflection", 3)
ON_SOURCE = Note(4, "Held-out frames start at 480")


@pytest.fixture
def document() -> Document:
    """Boxes 1 and 3 are track 1, box 2 is track 2, box 4 has none; one note of each kind."""
    document = make_document()
    document.apply(SetNotes((ON_BOX, ON_TRACK, ON_FRAME, ON_SOURCE)))
    return document


def test_a_note_knows_what_it_is_pinned_to():
    pins = [note.pin for note in (ON_BOX, ON_TRACK, ON_FRAME, ON_SOURCE)]
    assert pins == [NotePin.BOX, NotePin.TRACK, NotePin.FRAME, NotePin.SOURCE]


def test_notes_are_added_changed_and_deleted_and_each_is_undone(document: Document):
    assert document.notes() == (ON_BOX, ON_TRACK, ON_FRAME, ON_SOURCE)
    assert document.next_note_id() == 5
    before = state_of(document)
    done = replace(ON_FRAME, done=True)
    applied = document.apply(SetNotes((done, Note(5, "New", 2)), (1, 99)))
    assert applied is not None and applied.change.aspects is Aspect.NOTES and not applied.change.frames
    assert document.notes() == (ON_TRACK, done, ON_SOURCE, Note(5, "New", 2))
    document.apply(applied.inverse)
    assert state_of(document) == before
    assert document.apply(SetNotes((ON_BOX,), (99,))) is None


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (Note(9, " \n"), "no text"),
        (Note(9, "x" * (MAX_LENGTH + 1)), "the limit is 10,000"),
        (Note(9, "a", 8), "frame of the note"),
        (Note(9, "a", -2), "frame of the note"),
        (Note(9, "a", 0, 77), "box no longer exists"),
    ],
)
def test_an_invalid_note_is_refused_and_changes_nothing(document: Document, note: Note, reason: str):
    before = state_of(document)
    with pytest.raises(UserError, match=reason):
        document.apply(SetNotes((Note(8, "valid"), note)))
    assert state_of(document) == before


def test_the_notes_of_a_deleted_box_go_and_come_back(document: Document):
    before = state_of(document)
    applied = document.apply(RemoveBoxes((3,)))
    assert applied is not None and applied.change.aspects == Aspect.EXISTENCE | Aspect.NOTES
    assert document.notes() == (ON_TRACK, ON_FRAME, ON_SOURCE), "the track still has box 1"
    again = document.apply(applied.inverse)
    assert state_of(document) == before
    assert again is not None
    document.apply(again.inverse)
    assert ON_BOX not in document.notes()


def test_the_notes_of_a_track_go_with_its_last_box(document: Document):
    before = state_of(document)
    applied = document.apply(Batch((RemoveBoxes((3,)), RemoveBoxes((1,)))))
    assert document.notes() == (ON_FRAME, ON_SOURCE)
    assert applied is not None
    document.apply(applied.inverse)
    assert state_of(document) == before


def test_the_notes_of_a_merged_track_move_to_the_other_one(document: Document):
    before = state_of(document)
    split = document.apply(SetTracks(((3, 7),)))
    assert ON_TRACK in document.notes(), "a split track keeps its notes"
    assert split is not None
    document.apply(split.inverse)
    merged = document.apply(SetTracks(((1, 2), (3, 2))))
    assert replace(ON_TRACK, track=2) in document.notes()
    assert merged is not None
    document.apply(merged.inverse)
    assert state_of(document) == before


def test_a_removal_without_notes_has_a_plain_inverse():
    document = make_document()
    applied = document.apply(RemoveBoxes((1,)))
    assert applied is not None and isinstance(applied.inverse, AddBoxes)


def test_a_renumbering_moves_the_notes_and_their_edits(document: Document):
    new = np.array([7, 6, 5, 4, 3, 2, 1, 0], np.int64)
    mapping = FrameMapping(0, new, 8, simple_numbering(list(range(8))), np.zeros(8, np.bool_))
    edit = SetNotes((ON_BOX, ON_SOURCE), (3,))
    assert renumber_edit(edit, mapping) == SetNotes((replace(ON_BOX, frame=6), ON_SOURCE), (3,))
    assert list(edit_frames(edit, 0)) == [1] and list(edit_frames(edit, 1)) == []
    document.renumber(mapping, document.sources[0])
    assert [note.frame for note in document.notes()] == [6, 7, 4, -1]
    box = document.ground_truth().find(ON_BOX.box_id)
    assert box is not None and box.frame == 6


def test_an_edit_of_notes_is_written_and_read_back():
    edit = SetNotes((ON_BOX, replace(ON_SOURCE, done=True, text="ä \U0001f600\n2")), (3, 4))
    assert decode_edit(encode_edit(edit)) == edit
