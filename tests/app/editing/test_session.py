"""The session: every change takes the same path in a fixed order, and each gesture is one step."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.app.editing.session import SaveState, Selection, Session
from iouviewer.document import commands, frame_states
from iouviewer.document.boxes import Box
from iouviewer.document.edits import (
    AddBoxes,
    Aspect,
    Change,
    Phase,
    RemoveBoxes,
    SetClasses,
    SetClassNames,
    SetRects,
    SetTracks,
)
from iouviewer.document.history import MemoryHistory, RowChanges
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.steps import Step
from iouviewer.errors import UserError
from iouviewer.metrics.table import BoxTable
from tests.app.builders import predictions_of, session_with
from tests.document.builders import make_document, state_of

pytestmark = pytest.mark.usefixtures("qapp")

NEW = (0.25, 12.5, 6.75, 52.0)


@pytest.fixture
def session() -> Session:
    session = Session()
    session.open_document(make_document())
    return session


@pytest.fixture
def changes(session: Session) -> list[Change]:
    seen: list[Change] = []
    session.changed.connect(seen.append)
    return seen


def resize(box: int = 1, by: float = 1.0) -> SetRects:
    return SetRects(((box, (0.1 + by, 1 / 3, 5.5 + by, 7.25)),))


def step_count(session: Session) -> int:
    assert isinstance(session.history, MemoryHistory)
    return len(session.history.steps)


def test_an_empty_session_accepts_every_call():
    session = Session()
    messages: list[str] = []
    session.statusMessage.connect(messages.append)
    assert session.frame_count == 0 and session.save_state == SaveState()
    session.go_to(5)
    session.undo()
    session.redo()
    session.cancel_preview()
    assert session.commit_preview("nothing") is None
    assert session.current_frame == 0
    assert messages == ["Nothing to undo", "Nothing to redo"]
    assert math.isnan(session.frame_iou("none", 0))


def test_a_gesture_is_one_step_and_undo_restores_the_bits(session: Session, changes: list[Change]):
    before = state_of(session.document)
    for by in (0.1, 0.7, 1 / 3):
        session.preview(resize(by=by), origin="canvas")
    assert step_count(session) == 0
    assert [change.phase for change in changes] == [Phase.LIVE] * 3
    session.commit_preview("Resize box 1", origin="canvas")
    assert step_count(session) == 1
    assert changes[-1] == Change(0, frozenset({0}), frozenset({1}), Aspect.GEOMETRY, Phase.COMMITTED, "canvas")
    assert session.ground_truth.find(1).rect == (0.1 + 1 / 3, 1 / 3, 5.5 + 1 / 3, 7.25)
    after = state_of(session.document)
    session.undo()
    assert state_of(session.document) == before
    session.redo()
    assert state_of(session.document) == after


def test_a_cancelled_gesture_leaves_no_trace(session: Session, changes: list[Change]):
    before = state_of(session.document)
    session.preview(resize())
    session.cancel_preview()
    assert state_of(session.document) == before
    assert step_count(session) == 0
    assert changes[-1].frames == {0} and changes[-1].phase is Phase.LIVE
    count = len(changes)
    session.cancel_preview()
    assert session.commit_preview("late") is None
    assert len(changes) == count


def test_a_gesture_that_ends_where_it_began_is_not_a_step(session: Session):
    box = session.ground_truth.find(1)
    session.preview(resize(by=3))
    session.preview(SetRects(((1, box.rect),)))
    assert session.commit_preview("Resize box 1") is None
    assert step_count(session) == 0


def test_an_invalid_preview_reverts_the_one_before_and_changes_nothing(session: Session, changes: list[Change]):
    before = state_of(session.document)
    session.preview(resize())
    with pytest.raises(UserError, match="x2"):
        session.preview(SetRects(((1, (5.0, 5.0, 4.0, 6.0)),)))
    assert state_of(session.document) == before
    assert session.commit_preview("nothing is left") is None
    assert changes[-1].box_ids == {1}


def test_another_frame_cancels_the_gesture(session: Session):
    before = state_of(session.document)
    session.select([1])
    session.preview(resize())
    session.go_to(2)
    assert state_of(session.document) == before
    assert session.selection.boxes == frozenset()
    assert step_count(session) == 0


def test_a_selected_track_stays_selected_from_frame_to_frame():
    rect = (10.0, 10.0, 50.0, 50.0)
    session = session_with({0: [rect, rect], 1: [rect, rect], 3: [rect]}, tracks=True)
    signals = []
    session.selectionChanged.connect(lambda: signals.append(session.selection))
    session.select([2])
    assert session.selection == Selection(frozenset({2}), track=2)
    session.go_to(1)
    assert session.selection == Selection(frozenset({4}), track=2)
    session.go_to(3)
    assert session.selection == Selection(track=2)
    session.go_to(1)
    assert session.selection.boxes == {4} and len(signals) == 4
    session.select([3, 4])
    assert session.selection.track is None
    session.go_to(0)
    assert session.selection == Selection()
    session.select_track(1)
    assert session.selection == Selection(frozenset({1}), track=1)
    session.select(prediction=("model", 0))
    session.go_to(1)
    assert session.selection == Selection()


def test_deletion_undo_and_merging_keep_a_sensible_track_selected():
    rect = (10.0, 10.0, 50.0, 50.0)
    session = session_with({0: [rect, rect], 1: [rect], 2: [rect, rect]}, tracks=True)
    session.select([1])
    session.execute(RemoveBoxes((1,)), "Delete")
    assert session.selection == Selection(track=1), "the track has boxes on other frames"
    session.undo()
    assert session.selection == Selection(frozenset({1}), track=1)
    session.go_to(1)
    session.execute(SetTracks(((3, 2),)), "Set track")
    assert session.selection == Selection(frozenset({3}), track=2), "the box belongs to another track now"
    session.select_track(1)
    session.execute(RemoveBoxes((1, 4)), "Delete track")
    assert session.selection == Selection(), "a track without boxes does not exist"


def test_an_edit_ends_the_gesture_in_progress(session: Session):
    session.preview(resize(1, 4.0))
    session.execute(resize(2, 1.0), "Resize box 2")
    assert session.ground_truth.find(1).rect == (0.1, 1 / 3, 5.5, 7.25)
    assert step_count(session) == 1


def test_an_edit_that_changes_nothing_is_neither_a_step_nor_a_signal(session: Session, changes: list[Change]):
    box = session.ground_truth.find(1)
    assert session.execute(SetRects(((1, box.rect),)), "nothing") is None
    assert step_count(session) == 0 and changes == []


def test_an_invalid_edit_changes_nothing(session: Session, changes: list[Change]):
    before = state_of(session.document)
    with pytest.raises(UserError, match="no longer exists"):
        session.execute(RemoveBoxes((1, 99)), "Delete")
    assert state_of(session.document) == before
    assert step_count(session) == 0 and changes == []


def test_undo_on_another_frame_goes_there_first_and_names_the_step(session: Session):
    messages: list[str] = []
    session.statusMessage.connect(messages.append)
    session.execute(resize(), "Resize box 1")
    after = state_of(session.document)
    session.go_to(5)
    session.undo()
    assert session.current_frame == 0
    assert state_of(session.document) == after
    assert "Resize box 1" in messages[-1] and "undo" in messages[-1]
    session.undo()
    assert state_of(session.document) != after
    session.go_to(5)
    session.redo()
    assert session.current_frame == 0 and "redo" in messages[-1]
    session.redo()
    assert state_of(session.document) == after


def test_leaving_the_frame_cancels_the_announced_undo(session: Session):
    session.execute(resize(), "Resize box 1")
    after = state_of(session.document)
    session.go_to(5)
    session.undo()
    session.go_to(5)
    session.undo()
    assert session.current_frame == 0
    assert state_of(session.document) == after


def test_a_step_on_many_frames_belongs_to_the_current_frame_or_else_the_first(session: Session):
    many = AddBoxes(tuple(Box(10 + f, f, (1.0, 2.0, 3.0, 4.0)) for f in (2, 5, 6)))
    session.go_to(5)
    session.execute(many, "Propagate")
    assert session.history.undo_step().frame == 5
    session.undo()
    session.go_to(1)
    session.execute(many, "Propagate")
    assert session.history.undo_step().frame == 2


def test_a_burst_of_nudges_is_one_step(session: Session):
    before = state_of(session.document)
    for by in range(1, 6):
        session.execute(resize(by=by), "Nudge box 1", merge_key="nudge:1")
    assert step_count(session) == 1
    session.undo()
    assert state_of(session.document) == before
    session.execute(resize(by=9), "Nudge box 1", merge_key="nudge:1")
    assert step_count(session) == 1


def test_undoing_a_merged_step_restores_boxes_that_only_its_second_half_moved(session: Session):
    before = state_of(session.document)
    rect = session.ground_truth.find(2).rect
    session.execute(SetRects(((1, NEW), (2, rect))), "Nudge", merge_key="nudge")
    session.execute(SetRects(((1, NEW), (2, NEW))), "Nudge", merge_key="nudge")
    assert step_count(session) == 1
    after = state_of(session.document)
    session.undo()
    assert state_of(session.document) == before
    session.redo()
    assert state_of(session.document) == after


def test_deleted_boxes_leave_the_selection_and_come_back_selected(session: Session):
    session.select([1, 2])
    session.execute(RemoveBoxes((2,)), "Delete box 2")
    assert session.selection.boxes == {1}
    session.undo()
    assert session.selection.boxes == {2}
    assert session.ground_truth.find(2) is not None


def test_scores_are_up_to_date_when_a_change_is_emitted(session: Session):
    boxes = np.array([NEW]).T
    table = BoxTable.from_rows(np.array([0]), boxes, frame_count=8, class_ids=np.array([0]))
    session.variants.add("base", PredictionSet(table, np.ones(8, np.bool_)))
    order: list[tuple[str, float]] = []
    session.changed.connect(lambda change: order.append((change.phase, session.frame_iou("base", 0))))
    session.historyChanged.connect(lambda: order.append(("history", session.frame_iou("base", 0))))
    start = session.frame_iou("base", 0)
    assert start < 0.9
    session.preview(SetRects(((1, NEW),)))
    assert order == [(Phase.LIVE, 1.0)]  # box 2 is ignored
    session.commit_preview("Resize box 1")
    assert order[1:] == [(Phase.COMMITTED, 1.0), ("history", 1.0)]
    session.undo()
    assert order[3:] == [(Phase.COMMITTED, start), ("history", start)]


def test_row_changes_contain_everything_that_a_step_changed():
    class Recorder(MemoryHistory):
        def __init__(self) -> None:
            super().__init__()
            self.rows: list[RowChanges] = []

        def append(self, step: Step, rows: RowChanges) -> None:
            super().append(step, rows)
            self.rows.append(rows)

        def move(self, by: int, rows: RowChanges) -> None:
            super().move(by, rows)
            self.rows.append(rows)

    session, history = Session(), Recorder()
    session.open_document(make_document(), history=history)
    session.execute(RemoveBoxes((1,)), "Delete")
    session.undo()
    session.execute(SetClassNames(("a", "b", "c")), "Classes")
    deleted, undone, classes = history.rows
    assert (deleted.put, deleted.delete, deleted.next_id) == ((), (1,), 5)
    assert [box.id for box in undone.put] == [1] and undone.delete == ()
    assert classes.classes.names == ("a", "b", "c") and classes.put == ()


def test_the_saved_state_follows_the_history_and_not_late_messages(session: Session, qtbot):
    class Slow(MemoryHistory):
        saved = requested = 0

        @property
        def progress(self) -> tuple[int, int]:
            return self.saved, self.requested

        def append(self, step: Step, rows: RowChanges) -> None:
            super().append(step, rows)
            self.requested += 1

    slow = Slow()
    session.attach_history(slow, project_path="clip.mp4.iouv")
    session.execute(resize(by=1), "one")
    session.execute(resize(by=2), "two")
    assert not session.save_state.is_saved
    slow.saved = 1
    assert slow.on_saved is not None
    slow.on_saved(1, 1)  # sent before the second step was requested
    assert session.save_state == SaveState(2, 1, "clip.mp4.iouv")
    slow.saved = 2
    slow.on_saved(2, 2)
    assert session.save_state.is_saved
    late = slow.on_saved
    session.attach_history(MemoryHistory(), project_path="")
    late(5, 5)
    assert session.save_state == SaveState()


def test_opening_another_document_resets_the_session(session: Session):
    session.select([1])
    session.go_to(3)
    session.preview(AddBoxes((Box(70, 3, (1.0, 2.0, 3.0, 4.0)),)))
    old = session.document
    session.open_document(make_document())
    assert session.current_frame == 0 and session.selection == Selection()
    assert state_of(old) == state_of(make_document())
    assert len(session.variants) == 0


def test_one_box_with_a_class_among_boxes_without_does_not_change_ap() -> None:
    rects = [(0.0, 0.0, 40.0, 40.0), (100.0, 0.0, 140.0, 40.0)]
    boxes = dict.fromkeys(range(4), rects)
    session = session_with(boxes, frames=4)
    without_class = tuple((box.id, -1) for frame in range(4) for box in session.ground_truth.boxes(frame))
    session.execute(SetClasses(without_class), "No classes")
    session.variants.add("base", predictions_of(dict.fromkeys(range(4), rects[:1]), 4), key="base")
    predictions = session.variants["base"].predictions
    table = replace(predictions.table, class_ids=np.zeros(4, np.int64))
    session.variants.set_predictions("base", replace(predictions, table=table))
    before = session.scores.summary("base").ap
    assert before is not None and before > 0.4
    session.execute(SetClasses(((1, 0),)), "Make it a person")
    assert session.scores.summary("base").ap == before


def test_an_edit_of_a_verified_frame_makes_it_changed_until_it_is_undone_or_verified_again():
    rect = (10.0, 10.0, 50.0, 50.0)
    session = session_with({0: [rect], 1: [rect], 2: [rect]}, tracks=True)
    truth = session.ground_truth

    def states() -> list[tuple[bool, bool]]:
        return [(truth.is_verified(f), truth.is_changed_since_verified(f)) for f in range(3)]

    for frame in (0, 1):
        command = frame_states.verify(session.document, frame)
        session.execute(command.edit, command.label)
    assert states() == [(True, False), (True, False), (False, False)]
    for dx in (1.0, 1.0):
        command = commands.nudge(session.document, [1], dx, 0.0)
        session.execute(command.edit, command.label, merge_key=command.merge_key)
    assert states() == [(False, True), (True, False), (False, False)]
    session.undo()
    session.undo()
    assert states() == [(True, False), (True, False), (False, False)] and truth.find(1).rect == rect
    session.redo()
    assert states()[0] == (False, True)
    session.preview(resize(1, 3.0))
    session.cancel_preview()
    session.execute(SetClasses(((2, -1), (3, -1))), "Change class")
    assert states() == [(False, True), (False, True), (False, False)], "each changed frame, and no other"
    command = frame_states.verify(session.document, 0)
    session.execute(command.edit, command.label)
    assert states()[0] == (True, False)
    assert truth.verified().tolist()[:2] == [True, False]
