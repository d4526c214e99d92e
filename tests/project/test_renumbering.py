"""Videos are re-indexed between edits, undo, redo and reopening: every state is renumbered, and none is lost.

The model keeps the states along the history as separate documents and renumbers each without edits; undo and redo must
lead to these states.
"""

from __future__ import annotations

import random
import sqlite3
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.source_binding import frames_in_use
from iouviewer.document.boxes import Box
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, FrameMark, FrameState, RemoveBoxes, SetDecisions, SetFrames, SetRects
from iouviewer.document.history import MemoryHistory
from iouviewer.document.numbering import Numbering
from iouviewer.document.renumbering import FrameMapping, map_frames
from iouviewer.project import numbering_rows
from iouviewer.project.store import ProjectFile
from tests.document.builders import FRAMES, bits_of, make_document, make_predictions, simple_numbering, state_of
from tests.project.editing_machine import EditingAndReopening

pytestmark = pytest.mark.usefixtures("qapp")


def random_mapping(session: Session, seed: int) -> FrameMapping:
    """Some frames missing, some new, the others in another order."""
    chance = random.Random(seed)
    source = session.source
    rows = session.document.numbering() or simple_numbering([100 * frame for frame in range(source.frame_count)])
    stamps = [int(stamp) for stamp in rows.stamps if chance.random() < 0.8]
    added = max(FRAMES - len(stamps), chance.randrange(3))
    stamps += [100_000 + chance.randrange(10_000_000) for _ in range(added)]
    if chance.random() < 0.5:
        chance.shuffle(stamps)
    return map_frames(source.id, rows, simple_numbering(stamps, str(seed)), lambda: frames_in_use(session))


def copy_of(document: Document) -> Document:
    """The document without the variants, which are the session's."""
    editor, document.variant_editor = document.variant_editor, None
    try:
        return deepcopy(document)
    finally:
        document.variant_editor = editor


class EditingReopeningAndRenumbering(EditingAndReopening):
    """Adds renumbering and new frames; every state of the model is also kept as a document."""

    @initialize()
    def begin(self) -> None:
        super().begin()
        self.documents: list[Document] = [copy_of(self.session.document)]

    def record_edit(self) -> None:
        before = self.at
        super().record_edit()
        if self.at != before:
            del self.documents[self.at :]
            self.documents.append(copy_of(self.session.document))

    @rule(first=st.integers(0, FRAMES - 1), state=st.sampled_from(FrameState))
    def mark_to_the_end(self, first: int, state: FrameState) -> None:
        edit = SetFrames((FrameMark(0, FrameState.EXCLUDED, True),), 0, FrameMark(first, state, False))
        default_state = self.session.ground_truth.default_state
        before = state_of(self.session.document)
        self.session.execute(edit, "Mark")
        if default_state is not state and state_of(self.session.document) == before:
            # The step changes nothing but the default state.
            del self.states[self.at + 1 :], self.documents[self.at + 1 :]
            self.states.append(before)
            self.documents.append(copy_of(self.session.document))
            self.at += 1
        else:
            self.record_edit()

    @rule(frame=st.integers(0, FRAMES - 1), value=st.sampled_from(["", "right"]))
    def decide_on_a_frame(self, frame: int, value: str) -> None:
        self.session.execute(SetDecisions(((f"MISS:{frame}:4", value),)), "Decide")
        self.record_edit()

    def _update_states(self) -> None:
        self.states = [state_of(document) for document in self.documents]

    @rule(more=st.integers(1, 3))
    def add_frames(self, more: int) -> None:
        source = self.session.source
        before, rows = source.frame_count, self.session.document.numbering()
        source = replace(source, frame_count=before + more)
        known = None
        if rows is not None:
            stamps = [*rows.stamps.tolist(), *(10**9 + before + i for i in range(more))]
            known = simple_numbering([int(stamp) for stamp in stamps])
        self.session.update_source(source, known)
        self.project.save_source(source, known, range(before, before + more), self.session.ground_truth.default_state)
        for document in self.documents:
            document.update_source(source)
        self._update_states()

    @rule(seed=st.integers(0, 10**6))
    def renumber(self, seed: int) -> None:
        mapping = random_mapping(self.session, seed)
        source = replace(self.session.source, frame_count=mapping.frame_count, index_digest=str(seed))
        self.session.renumber(mapping, source)
        for document in self.documents:
            document.renumber(mapping, source)
        self._update_states()


EditingReopeningAndRenumbering.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestEditingReopeningAndRenumbering = EditingReopeningAndRenumbering.TestCase


@pytest.fixture
def steps() -> Session:
    """A session with a few steps in memory, the last one undone."""
    session = Session()
    session.open_document(make_document())
    session.execute(AddBoxes((Box(10, 5, (1.0, 2.0, 30.0, 40.0), 0),)), "Add")
    session.execute(RemoveBoxes((1, 10)), "Delete")
    session.execute(SetFrames((FrameMark(6, FrameState.EXCLUDED, False),)), "Exclude")
    session.execute(SetRects(((2, (5.0, 5.0, 9.0, 9.0)),)), "Move")
    session.go_to(0)
    session.undo()
    return session


@pytest.mark.parametrize("seed", range(20))
def test_undo_after_a_renumbering_gives_the_renumbered_undone_state(steps: Session, seed: int):
    mapping = random_mapping(steps, seed)
    source = replace(steps.source, frame_count=mapping.frame_count, index_digest="new")
    states = []
    undone = copy_of(steps.document)
    history = steps.history
    assert isinstance(history, MemoryHistory)
    for step in reversed(history.steps[: history.cursor]):
        other = deepcopy(undone)
        other.renumber(mapping, source)
        states.append(state_of(other))
        undone.apply(step.inverse)
    undone.renumber(mapping, source)
    states.append(state_of(undone))
    steps.renumber(mapping, source)
    assert state_of(steps.document) == states[0]
    for state in states[1:]:
        step = history.undo_step()
        assert step is not None
        steps.go_to(step.frame)
        steps.undo()
        assert state_of(steps.document) == state
    assert history.undo_step() is None


def test_predictions_and_numbering_are_read_back_after_a_renumbering(tmp_path: Path):
    path = tmp_path / "clip.mp4.iouv"
    session = Session()
    document = make_document()
    document.set_numbering(simple_numbering([100 * frame for frame in range(FRAMES)]))
    project = ProjectFile.create(path, document)
    session.open_document(document, history=project, project_path=str(path))
    session.variants.add("a", make_predictions(seed=1))
    session.variants.add("b", replace(make_predictions(seed=2), covers_new_frames=True))
    project.save_variants(session.variants, "")
    after = simple_numbering([0, 100, 300, 400, 500, 600, 650, 700], "after")
    mapping = map_frames(
        0, simple_numbering([100 * frame for frame in range(FRAMES)]), after, lambda: frames_in_use(session)
    )
    session.go_to(5)
    session.renumber(mapping, replace(session.source, frame_count=mapping.frame_count, index_digest="after"))
    assert session.current_frame == 4
    bits = [bits_of(variant.predictions) for variant in session.variants]
    state = state_of(document)
    project.close()

    project = ProjectFile.open(path)
    contents = project.load()
    project.close()
    assert [bits_of(variant.predictions) for variant in contents.variants] == bits
    assert contents.variants[1].predictions.covered.tolist()[:8] == [True] * 7 + [False]
    assert state_of(contents.document) == state
    stored = contents.document.numbering()
    assert stored is not None and stored.digest == "after"
    assert stored.stamps.tolist() == mapping.numbering.stamps.tolist()


def test_steps_that_are_not_in_memory_are_renumbered(tmp_path: Path):
    path = tmp_path / "clip.mp4.iouv"
    session = Session()
    document = make_document()
    project = ProjectFile.create(path, document)
    session.open_document(document, history=project, project_path=str(path))
    for number in range(500):
        session.execute(AddBoxes((Box(100 + number, number % 8, (1.0, 2.0, 30.0, 40.0), 0),)), f"Add {number}")
    assert project.flush()
    project.close()
    project = ProjectFile.open(path)
    session.open_document(project.load().document, history=project, project_path=str(path))
    reverse = simple_numbering([100 * frame for frame in reversed(range(8))], "reverse")
    mapping = map_frames(0, simple_numbering([100 * f for f in range(8)]), reverse, lambda: frames_in_use(session))
    session.renumber(mapping, replace(session.source, index_digest="reverse"))
    steps = project.all_steps()
    assert len(steps) == 500
    for number, step in enumerate(steps):
        assert isinstance(step.edit, AddBoxes)
        assert step.frame == step.edit.boxes[0].frame == 7 - number % 8
    project.close()


def test_a_full_disk_delays_the_renumbering_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "clip.mp4.iouv"
    session = Session()
    document = make_document()
    project = ProjectFile.create(path, document)
    session.open_document(document, history=project, project_path=str(path))
    session.execute(AddBoxes((Box(10, 5, (1.0, 2.0, 30.0, 40.0), 0),)), "Add")
    assert project.flush()
    write, failures = numbering_rows.write_numbering, [sqlite3.OperationalError("database or disk is full")]

    def fail_once(connection: sqlite3.Connection, source: int, numbering: Numbering | None) -> None:
        if failures:
            raise failures.pop()
        write(connection, source, numbering)

    monkeypatch.setattr(numbering_rows, "write_numbering", fail_once)
    mapping = random_mapping(session, 3)
    session.renumber(mapping, replace(session.source, frame_count=mapping.frame_count, index_digest="new"))
    session.execute(SetRects(((2, (5.0, 5.0, 9.0, 9.0)),)), "Move")
    state = state_of(document)
    project.close()
    assert failures == []
    project = ProjectFile.open(path)
    assert state_of(project.load().document) == state
    project.close()
