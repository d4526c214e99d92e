"""Notes of a session, and jumps in its history that many undos make as one action."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iouviewer.app.editing import note_edits
from iouviewer.app.editing.import_boxes import build_replace_edit, prepare_ground_truth
from iouviewer.app.editing.session import Session
from iouviewer.document.edits import RemoveBoxes, SetRects
from iouviewer.document.history import MemoryHistory
from iouviewer.errors import UserError
from iouviewer.project.store import ProjectFile
from tests.app.builders import imported_boxes
from tests.document.builders import make_document, state_of

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def session() -> Session:
    session = Session()
    session.author = "ana"
    session.open_document(make_document())
    return session


def test_a_note_goes_to_the_selected_box_track_or_frame(session: Session):
    changed: list[int] = []
    session.notesChanged.connect(lambda: changed.append(len(session.notes)))
    session.select([2])
    box = note_edits.add_note(session, note_edits.find_target(session), " Arm? ")
    session.select(())
    frame = note_edits.add_note(session, note_edits.find_target(session), "Dark")
    session.select([1])
    session.go_to(5)
    track = note_edits.add_note(session, note_edits.find_target(session), "Leaves")
    source = note_edits.add_note(session, note_edits.NoteTarget(), "Held out")
    assert changed == [1, 2, 3, 4]
    assert (box.text, box.box_id, box.frame, box.author) == ("Arm?", 2, 0, "ana") and box.when > 1e9
    names = [note_edits.object_of(session.document, note) for note in session.notes]
    assert names == ["car 2", "frame", "person 1", "clip.mp4"]
    places = [note_edits.frame_of(note) for note in session.notes]
    assert places == ["frame 0", "frame 0", "track, frame 5", "source"]
    assert session.notes == (box, frame, track, source)
    step = session.history.undo_step()
    assert step is not None and (step.label, step.author) == ("Add note to clip.mp4", "ana")
    session.undo()
    assert session.notes == (box, frame, track)
    note_edits.go_to_note(session, box)
    assert session.current_frame == 0 and session.selection.boxes == {2}


def test_a_note_is_changed_marked_as_done_and_deleted(session: Session):
    note = note_edits.add_note(session, note_edits.NoteTarget(3), "Dark")
    note_edits.set_done(session, note, True)
    assert session.notes[0].done
    note_edits.set_done(session, session.notes[0], False)
    note_edits.change_note(session, session.notes[0], "Darker")
    assert (session.notes[0].text, session.notes[0].done) == ("Darker", False)
    note_edits.delete_note(session, session.notes[0])
    assert session.notes == ()
    with pytest.raises(UserError, match="no text"):
        note_edits.add_note(session, note_edits.NoteTarget(3), "  ")
    session.undo()
    assert session.notes[0].text == "Darker"


@pytest.fixture(params=["memory", "file"])
def edited(request: pytest.FixtureRequest, session: Session, tmp_path: Path):
    """A session with ten steps, in memory or in a project file, and the states between them."""
    project = None
    if request.param == "file":
        project = ProjectFile.create(tmp_path / "clip.mp4.iouv", session.document)
        session.attach_history(project, project_path=str(project.path))
    states = [state_of(session.document)]
    for number in range(8):
        session.execute(SetRects(((1, (number, 1.0, 50.0, 60.0)),)), f"Move {number}")
        states.append(state_of(session.document))
    session.execute(RemoveBoxes((3,)), "Delete")
    states.append(state_of(session.document))
    note_edits.add_note(session, note_edits.NoteTarget(3), "Dark")
    states.append(state_of(session.document))
    yield session, states
    if project is not None:
        project.close()


def test_a_jump_undoes_many_steps_as_one_action(edited: tuple[Session, list[object]]):
    session, states = edited
    messages: list[str] = []
    changes: list[object] = []
    history: list[int] = []
    session.statusMessage.connect(messages.append)
    session.changed.connect(changes.append)
    session.historyChanged.connect(lambda: history.append(session.history.cursor))
    session.go_to_step(2)
    assert state_of(session.document) == states[2]
    assert messages == ["8 steps undone, up to “Move 1”"] and len(changes) == 1 and history == [2]
    assert (session.history.cursor, session.history.step_count) == (2, 10)
    session.go_to_step(10)
    assert state_of(session.document) == states[10]
    session.go_to_step(0)
    assert state_of(session.document) == states[0]
    assert messages[1:] == ["8 steps redone, up to “Add note to frame”", "10 steps undone, back to the beginning"]
    session.go_to_step(9)
    session.execute(SetRects(((2, (1.0, 1.0, 50.0, 60.0)),)), "Other")
    assert (session.history.cursor, session.history.step_count) == (10, 10)


def test_summaries_name_the_steps_without_their_edits(edited: tuple[Session, list[object]]):
    session, _states = edited
    found = session.history.summaries(-3, 99)
    assert [(one.position, one.label) for one in found[-2:]] == [(9, "Delete"), (10, "Add note to frame")]
    assert len(found) == 10 and {one.author for one in found} == {"ana"}
    assert [one.frame for one in found[-2:]] == [1, 0]
    assert session.history.summaries(4, 5) == found[3:5]
    if isinstance(session.history, ProjectFile):
        session.history.flush()
        with_path = ProjectFile.open_copy(session.history.path, session.history.path.with_name("copy.iouv"))
        assert with_path.summaries(1, 10) == found
        with_path.close()
    else:
        assert isinstance(session.history, MemoryHistory)


def test_an_import_keeps_the_notes_on_frames_and_on_tracks_that_are_still_there(session: Session):
    session.select([2])
    note_edits.add_note(session, note_edits.find_target(session), "On a box")
    for track in (1, 2):
        note_edits.add_note(session, note_edits.NoteTarget(1, track=track), f"On track {track}")
    before = state_of(session.document)
    imported = imported_boxes(Path("new.csv"), frames=(4,), track_ids=np.array([1], np.int64))
    prepared = prepare_ground_truth(imported, session.document, {}, 0)
    session.execute(build_replace_edit(session.document, prepared, 0), "Import")
    assert [(note.text, note.pin.value, note.frame) for note in session.notes] == [
        ("On a box", "frame", 0),
        ("On track 1", "track", 1),
        ("On track 2", "frame", 1),
    ]
    session.go_to_step(3)
    assert state_of(session.document) == before
