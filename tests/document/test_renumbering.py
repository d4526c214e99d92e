"""Everything that belongs to a frame follows it to its new number; frames that are not in the video are kept last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iouviewer.document.boxes import Box
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, Batch, FrameMark, FrameState, SetDecisions, SetFrames
from iouviewer.document.problems import ProblemKind, problem_key
from iouviewer.document.renumbering import (
    edit_frames,
    map_frames,
    renumber_edit,
    renumber_key,
    renumber_predictions,
    renumber_step,
)
from iouviewer.document.sources import Source
from iouviewer.document.steps import Step
from tests.document.builders import make_document, make_predictions, numbering

EIGHT = numbering([0, 10, 20, 30, 40, 50, 60, 70])
# Frame 1 is missing, timestamps 20 and 30 are swapped, and 35 is new.
AFTER = numbering([0, 30, 20, 35, 40, 50, 60, 70], [0, 3, 2, 9, 4, 5, 6, 7])
NEW = [0, 8, 2, 1, 4, 5, 6, 7]


def all_used(count: int = 8):
    return lambda: np.ones(count, np.bool_)


def none_used(count: int = 8):
    return lambda: np.zeros(count, np.bool_)


def test_a_missing_frame_moves_to_the_end_if_something_belongs_to_it():
    mapping = map_frames(0, EIGHT, AFTER, all_used())
    assert mapping.new.tolist() == NEW
    assert (mapping.frame_count, mapping.numbering.video_frame_count) == (9, 8)
    assert np.flatnonzero(mapping.kept).tolist() == [1]
    assert mapping.added.tolist() == [3]
    assert int(mapping.numbering.stamps[8]) == 10


def test_a_missing_frame_is_removed_if_nothing_belongs_to_it():
    mapping = map_frames(0, EIGHT, AFTER, none_used())
    assert mapping.new.tolist() == [0, -1, 2, 1, 4, 5, 6, 7]
    assert mapping.frame_count == 8 and not mapping.kept.any()
    assert mapping.nearest(1) == 0
    with pytest.raises(ValueError, match="frame 1"):
        mapping.new_number(1)


def test_frames_stay_while_the_index_is_incomplete():
    incomplete = replace(numbering([0, 10, 20]), complete=False)
    mapping = map_frames(0, EIGHT, incomplete, none_used())
    assert mapping.is_identity and mapping.frame_count == 8
    assert not mapping.kept.any()


def test_renumbering_forth_and_back_restores_the_numbers():
    forth = map_frames(0, EIGHT, AFTER, all_used())
    back = map_frames(0, forth.numbering, EIGHT, lambda: np.arange(9) != 3)
    assert back.new[forth.new].tolist() == list(range(8))
    assert back.frame_count == 8


def renumbered(document: Document, mapping) -> Document:
    source = document.sources[0]
    document.renumber(mapping, Source(0, source.name, source.path, 640, 480, mapping.frame_count, 25.0, "f1", "new"))
    return document


def test_boxes_states_and_decisions_follow():
    document = make_document()
    document.apply(SetFrames((FrameMark(1, FrameState.EXCLUDED, True), FrameMark(3, FrameState.UNLABELLED, False))))
    document.apply(SetDecisions((("MISS:3:4", "right"), ("note", "kept"), ("LOOSE:1:3", "unclear"))))
    before = {box.id: (box.frame, box) for f in range(8) for box in document.ground_truth().boxes(f)}
    renumbered(document, map_frames(0, EIGHT, AFTER, all_used()))
    truth = document.ground_truth()
    for box_id, (frame, box) in before.items():
        found = truth.find(box_id)
        assert found is not None and found.frame == NEW[frame]
        assert (found.rect, found.class_id, found.track, found.flags) == (box.rect, box.class_id, box.track, box.flags)
    assert (truth.state(8), truth.is_verified(8), truth.state(1)) == (FrameState.EXCLUDED, True, FrameState.UNLABELLED)
    assert truth.state(3) == FrameState.UNLABELLED, "an added frame is not labelled"
    assert document.decisions() == {"MISS:1:4": "right", "note": "kept", "LOOSE:8:3": "unclear"}
    assert document.sources[0].frame_count == truth.frame_count == 9
    assert document.video_frame_count() == 8


def test_predictions_follow_and_do_not_count_on_missing_frames():
    predictions = make_predictions(8)
    mapping = map_frames(0, EIGHT, AFTER, all_used())
    moved = renumber_predictions(predictions, mapping)
    for frame in range(8):
        old, new = predictions.table.frame(frame), moved.table.frame(NEW[frame])
        assert (old.boxes.tobytes(), old.scores.tobytes(), old.ids.tobytes()) == (
            new.boxes.tobytes(),
            new.scores.tobytes(),
            new.ids.tobytes(),
        )
    assert len(moved.table) == len(predictions.table)
    assert moved.covered.tolist() == [True, True, True, False, True, True, True, False, False]


def test_keys_of_all_kinds_of_problems_are_renumbered():
    mapping = map_frames(0, EIGHT, AFTER, all_used())
    for kind in ProblemKind:
        for box_id in (None, 7):
            rect = (0.0, -3.0, 50.0, 50.0)
            moved = problem_key(kind, NEW[3], box_id, rect)
            assert renumber_key(problem_key(kind, 3, box_id, rect), mapping) == moved


def test_edits_of_another_source_and_without_frames_stay():
    mapping = map_frames(0, EIGHT, AFTER, all_used())
    other = Batch((AddBoxes((Box(1, 3, (0.0, 0.0, 1.0, 1.0)),), 1),), 1)
    assert renumber_edit(other, mapping) == other
    assert list(edit_frames(other, 0)) == []
    step = renumber_step(Step("Add", AddBoxes((Box(1, 3, (0.0, 0.0, 1.0, 1.0)),)), Batch(()), 0, 3), mapping)
    assert step.frame == 1 and isinstance(step.edit, AddBoxes) and step.edit.boxes[0].frame == 1


def test_the_default_state_is_set_undone_and_set_again():
    document = make_document(frame_count=4)
    truth = document.ground_truth()
    truth.load_states(np.zeros(4, np.int8), np.zeros(4, np.bool_))
    edit = SetFrames((FrameMark(0, FrameState.EXCLUDED, False),), 0, FrameMark(2, FrameState.LABELLED, False))
    applied = document.apply(edit)
    assert applied is not None and applied.change.frames == {0, 2, 3}
    assert document.apply(edit) is None
    truth.extend(6)
    assert truth.states().tolist() == [2, 0, 1, 1, 1, 1]
    undone = document.apply(applied.inverse)
    assert undone is not None
    assert truth.default_state is FrameState.UNLABELLED
    truth.extend(7)
    assert truth.states().tolist() == [0] * 7
    document.apply(edit)
    assert truth.states().tolist() == [2, 0, 1, 1, 1, 1, 1]
