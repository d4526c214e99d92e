"""A state machine that edits, undoes, redoes and reopens a project; hypothesis chooses the order."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Box
from iouviewer.document.edits import (
    AddBoxes,
    FrameMark,
    FrameState,
    RemoveBoxes,
    SetClasses,
    SetClassNames,
    SetDecisions,
    SetFrames,
    SetNotes,
    SetRects,
)
from iouviewer.document.notes import Note
from iouviewer.project.store import ProjectFile
from tests.document.builders import FRAMES, make_document, state_of

numbers = st.floats(-500, 500, allow_nan=False)
sizes = st.floats(0.01, 300)
picks = st.integers(0, 1000)


class EditingAndReopening(RuleBasedStateMachine):
    """The model is a list of states: undo and redo move along it, an edit after undo truncates it."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="iouviewer-stateful-"))
        self.path = self.folder / "clip.mp4.iouv"
        self.session = Session()
        document = make_document()
        self.project = ProjectFile.create(self.path, document)
        self.session.open_document(document, history=self.project, project_path=str(self.path))
        self.states = [state_of(document)]
        self.at = 0

    def record_edit(self) -> None:
        state = state_of(self.session.document)
        if state == self.states[self.at]:
            return
        del self.states[self.at + 1 :]
        self.states.append(state)
        self.at += 1

    def some_box(self, pick: int) -> int | None:
        ids = self.session.ground_truth.columns()[5]
        return int(ids[pick % len(ids)]) if len(ids) else None

    @rule(frame=st.integers(0, FRAMES - 1), x=numbers, y=numbers, w=sizes, h=sizes, class_id=st.integers(-1, 1))
    def add(self, frame: int, x: float, y: float, w: float, h: float, class_id: int) -> None:
        (box_id,) = self.session.ground_truth.new_ids(1)
        self.session.execute(AddBoxes((Box(box_id, frame, (x, y, x + w, y + h), class_id),)), "Add")
        self.record_edit()

    @rule(pick=picks, done=st.booleans(), on_box=st.booleans())
    def note(self, pick: int, done: bool, on_box: bool) -> None:
        box = self.session.ground_truth.find(self.some_box(pick) or -1) if on_box else None
        frame, box_id = (pick % FRAMES, -1) if box is None else (box.frame, box.id)
        self.session.execute(SetNotes((Note(1 + pick % 5, "Why?", frame, box_id, done=done),)), "Note")
        self.record_edit()

    @rule(pick=picks)
    def delete_note(self, pick: int) -> None:
        self.session.execute(SetNotes(delete=(1 + pick % 5,)), "Delete note")
        self.record_edit()

    @rule(pick=picks)
    def remove(self, pick: int) -> None:
        box_id = self.some_box(pick)
        if box_id is not None:
            self.session.execute(RemoveBoxes((box_id,)), "Delete")
            self.record_edit()

    @rule(
        pick=picks,
        moves=st.lists(st.tuples(numbers, numbers, sizes, sizes), min_size=1, max_size=4),
        end=st.booleans(),
    )
    def drag(self, pick: int, moves: list[tuple[float, float, float, float]], end: bool) -> None:
        box_id = self.some_box(pick)
        if box_id is None:
            return
        for x, y, w, h in moves:
            self.session.preview(SetRects(((box_id, (x, y, x + w, y + h)),)))
        if end:
            self.session.commit_preview("Resize")
            self.record_edit()
        else:
            self.session.cancel_preview()

    @rule(pick=picks, class_id=st.integers(-1, 1))
    def set_class(self, pick: int, class_id: int) -> None:
        box_id = self.some_box(pick)
        if box_id is not None:
            self.session.execute(SetClasses(((box_id, class_id),)), "Class")
            self.record_edit()

    @rule(frame=st.integers(0, FRAMES - 1), state=st.sampled_from(FrameState), verified=st.booleans())
    def mark(self, frame: int, state: FrameState, verified: bool) -> None:
        self.session.execute(SetFrames((FrameMark(frame, state, verified),)), "Mark")
        self.record_edit()

    @rule(key=st.sampled_from("abc"), value=st.sampled_from(["", "right", "unclear"]))
    def decide(self, key: str, value: str) -> None:
        self.session.execute(SetDecisions(((key, value),)), "Decide")
        self.record_edit()

    @rule(name=st.sampled_from(["person", "human", "Größe"]))
    def rename(self, name: str) -> None:
        self.session.execute(SetClassNames((name, "car")), "Rename")
        self.record_edit()

    @rule()
    def undo(self) -> None:
        step = self.session.history.undo_step()
        assert (step is None) == (self.at == 0)
        if step is not None:
            self.session.go_to(step.frame)
            self.session.undo()
            self.at -= 1

    @rule()
    def redo(self) -> None:
        step = self.session.history.redo_step()
        assert (step is None) == (self.at == len(self.states) - 1)
        if step is not None:
            self.session.go_to(step.frame)
            self.session.redo()
            self.at += 1

    @precondition(lambda self: len(self.states) > 1)
    @rule()
    def reopen(self) -> None:
        self.project.close()
        self.project = ProjectFile.open(self.path)
        contents = self.project.load()
        assert (self.project.cursor, self.project.step_count) == (self.at, len(self.states) - 1)
        assert state_of(contents.document) == self.states[self.at]
        self.session.open_document(contents.document, history=self.project, project_path=str(self.path))

    @invariant()
    def the_session_shows_the_state_at_the_cursor(self) -> None:
        assert state_of(self.session.document) == self.states[self.at]

    def teardown(self) -> None:
        if not hasattr(self, "project"):
            return
        self.reopen()
        while self.at:
            self.undo()
            assert state_of(self.session.document) == self.states[self.at]
        while self.at < len(self.states) - 1:
            self.redo()
            assert state_of(self.session.document) == self.states[self.at]
        self.project.close()
        shutil.rmtree(self.folder)
