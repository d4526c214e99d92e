"""Every edit is validated as a whole, reports what it changed, and has an inverse that restores the bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.document import Document
from iouviewer.document.edits import (
    AddBoxes,
    Aspect,
    Batch,
    Edit,
    FrameMark,
    FrameState,
    RemoveBoxes,
    SetClasses,
    SetClassNames,
    SetDecisions,
    SetFlags,
    SetFrames,
    SetRects,
    SetTracks,
    decode_edit,
    encode_edit,
)
from iouviewer.errors import UserError
from tests.document.builders import FRAMES, make_document, state_of, twenty_edits

coordinates = st.floats(-1e6, 1e6, allow_nan=False)
sizes = st.floats(0.5, 1e6)


@st.composite
def rects(draw: st.DrawFn) -> tuple[float, float, float, float]:
    x, y = draw(coordinates), draw(coordinates)
    return x, y, x + draw(sizes), y + draw(sizes)


ids = st.integers(1, 9)


def edits() -> st.SearchStrategy[Edit]:
    boxes = st.builds(Box, ids, st.integers(0, FRAMES), rects(), st.integers(-1, 3), st.integers(-1, 3))
    marks = st.builds(FrameMark, st.integers(0, FRAMES), st.sampled_from(FrameState), st.booleans())
    names = st.lists(st.sampled_from(["person", "car", "bus", "Person"]), max_size=3).map(tuple)

    def many(items: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
        return st.lists(items, max_size=3).map(tuple)

    single = st.one_of(
        st.builds(AddBoxes, many(boxes)),
        st.builds(RemoveBoxes, many(ids)),
        st.builds(SetRects, many(st.tuples(ids, rects()))),
        st.builds(SetClasses, many(st.tuples(ids, st.integers(-2, 3)))),
        st.builds(SetFlags, many(st.tuples(ids, st.integers(0, 63)))),
        st.builds(SetTracks, many(st.tuples(ids, st.integers(-1, 5)))),
        st.builds(SetFrames, many(marks)),
        st.builds(SetClassNames, names),
        st.builds(SetDecisions, many(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "yes", "no"])))),
    )
    return st.recursive(single, lambda inner: st.builds(Batch, many(inner)), max_leaves=4)


@settings(max_examples=200, deadline=None)
@given(st.lists(edits(), max_size=12))
def test_undoing_any_edits_in_turn_restores_the_bits(sequence: list[Edit]):
    document = make_document()
    past = []
    for edit in sequence:
        before = state_of(document)
        try:
            applied = document.apply(edit)
        except UserError:
            assert state_of(document) == before
            continue
        if applied is None:
            assert state_of(document) == before
            continue
        past.append((before, edit, applied.inverse, state_of(document)))
    for before, edit, inverse, after in reversed(past):
        assert state_of(document) == after
        assert document.apply(decode_edit(encode_edit(inverse))) is not None or before == after
        assert state_of(document) == before
        document.apply(decode_edit(encode_edit(edit)))
        assert state_of(document) == after
        document.apply(inverse)


@settings(max_examples=100, deadline=None)
@given(st.lists(edits(), max_size=8))
def test_frames_and_columns_hold_the_same_boxes(sequence: list[Edit]):
    document = make_document()
    truth = document.ground_truth()
    for edit in sequence:
        try:
            document.apply(edit)
        except UserError:
            continue
        by_frame = [box for frame in range(FRAMES) for box in truth.boxes(frame)]
        frame_ids = [truth.frame_table(frame).ids.tolist() for frame in range(FRAMES)]
        length = len(truth)
        table = truth.table()
        assert length == len(by_frame)
        # Tables are for metrics, which ignore boxes outside the frame.
        counted = [box for box in by_frame if not box.flags & BoxFlag.OUTSIDE]
        assert [box.id for box in counted] == table.ids.tolist() == [i for ids in frame_ids for i in ids]
        assert [list(box.rect) for box in counted] == table.boxes.T.tolist()
        assert all(truth.find(box.id) == box for box in by_frame)
        assert truth.next_id > max((box.id for box in by_frame), default=0)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (AddBoxes((Box(1, 0, (0, 0, 1, 1)),)), "already exists"),
        (AddBoxes((Box(9, 0, (0, 0, 1, 1)), Box(9, 1, (0, 0, 1, 1)))), "same id"),
        (AddBoxes((Box(9, FRAMES, (0, 0, 1, 1)),)), "frame must be in"),
        (AddBoxes((Box(9, -1, (0, 0, 1, 1)),)), "frame must be in"),
        (AddBoxes((Box(9, 0, (0, 0, 1, 1), 2),)), "class number 2 does not exist"),
        (AddBoxes((Box(9, 0, (0, 0, float("nan"), 1)),)), "finite"),
        (SetRects(((1, (0, 0, 0, 1)),)), "x2"),
        (SetRects(((1, (0, 2, 1, 2)),)), "y2"),
        (SetRects(((1, (0, 0, 2e7, 1)),)), "beyond"),
        (SetRects(((99, (0, 0, 1, 1)),)), "box no longer exists"),
        (SetClasses(((1, 2),)), "class number 2 does not exist"),
        (RemoveBoxes((1, 99)), "box no longer exists"),
        (SetFrames((FrameMark(FRAMES, FrameState.LABELLED, False),)), "frame must be in"),
        (SetClassNames(("a", "A")), "unique"),
        (SetClassNames(("a", " ")), "not empty"),
        (SetClassNames(("person",)), "still has boxes"),
        (Batch((RemoveBoxes((1,)), SetTracks(((99, 1),)))), "box no longer exists"),
    ],
)
def test_an_invalid_edit_is_refused_as_a_whole(edit: Edit, reason: str):
    document = make_document()
    before = state_of(document)
    with pytest.raises(UserError, match=reason):
        document.apply(edit)
    assert state_of(document) == before


def test_the_change_names_frames_boxes_and_aspects():
    document = make_document()
    applied = document.apply(Batch((SetRects(((1, (1, 2, 3, 4)),)), SetClasses(((3, 1),)))))
    assert applied is not None
    assert applied.change.frames == {0, 1}
    assert applied.change.box_ids == {1, 3}
    assert applied.change.aspects == Aspect.GEOMETRY | Aspect.CLASS


def test_setting_an_equal_value_changes_nothing():
    document = make_document()
    for _label, edit in twenty_edits():
        assert document.apply(edit) is not None
    box = document.ground_truth().find(4)
    assert document.apply(SetRects(((4, box.rect),))) is None
    assert document.apply(SetFlags(((4, box.flags),))) is None
    assert document.apply(SetClassNames(document.class_names)) is None
    assert document.apply(Batch(())) is None
    assert document.apply(AddBoxes(())) is None


@pytest.mark.parametrize("number", [np.int64, np.float64])
def test_numpy_numbers_are_encoded_as_builtin_numbers(number: type):
    edit = SetRects(((1, tuple(map(number, (1, 2, 3, 4)))),))
    assert decode_edit(encode_edit(edit)) == SetRects(((1, (1.0, 2.0, 3.0, 4.0)),))


def test_minus_zero_is_stored_as_zero():
    document = make_document()
    document.apply(SetRects(((1, (-0.0, -0.0, 1.0, 1.0)),)))
    assert str(document.ground_truth().find(1).rect[:2]) == "(0.0, 0.0)"


def test_a_document_without_sources_has_no_ground_truth():
    with pytest.raises(KeyError):
        Document().ground_truth()
