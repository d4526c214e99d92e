"""Merging a copy: what only the copy changed is taken, what both changed is a conflict, one undo reverts all."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document.boxes import NO_BOX, Box
from iouviewer.document.document import Document
from iouviewer.document.edits import (
    AddBoxes,
    Edit,
    FrameMark,
    FrameState,
    RemoveBoxes,
    SetClassNames,
    SetDecisions,
    SetFrames,
    SetNotes,
    SetRects,
)
from iouviewer.document.merging import DifferenceKind, Merge, build_merge_edit, find_differences
from iouviewer.document.notes import Note
from iouviewer.document.sources import Source
from iouviewer.document.variant_merging import find_variant_differences
from tests.document.builders import make_predictions, make_variant, state_of


def make(*edits: Edit) -> Document:
    """A document with two boxes on each of four frames, ids from 1, after some edits."""
    document = Document()
    truth = document.add_source(Source(0, "clip.mp4", "", 640, 480, 4, 10.0))
    document.class_names = ("car", "person")
    corner = np.arange(8, dtype=np.float64) * 10
    truth.load_columns(
        np.repeat(np.arange(4), 2),
        np.array([corner, corner, corner + 20, corner + 30]),
        class_ids=np.tile([0, 1], 4),
        tracks=np.tile([1, 2], 4),
        flags=np.zeros(8, np.int64),
    )
    for edit in edits:
        document.apply(edit)
    return document


def merged(base: Document, copy: Document, project: Document) -> tuple[Merge, Document]:
    """The merge of everything that is no conflict, applied to the project; undoing it must restore the project."""
    before = state_of(project)
    merge = find_differences(base, copy, project, 0)
    edit = build_merge_edit(project, merge, [one for one in merge.boxes if not one.is_conflict], 0)
    applied = project.apply(edit)
    after = state_of(project)
    if applied is not None:
        project.apply(applied.inverse)
        assert state_of(project)["sources"][0][1:3] == before["sources"][0][1:3]
        project.apply(edit)
        assert state_of(project) == after
    return merge, project


MOVED = SetRects(((1, (5.0, 5.0, 50.0, 60.0)),))
OTHERWISE = SetRects(((1, (7.0, 7.0, 50.0, 60.0)),))
NEW = AddBoxes((Box(90, 2, (1.0, 2.0, 30.0, 40.0), 1, 9),))


def test_equal_documents_have_no_differences() -> None:
    assert find_differences(make(), make(), make(), 0).is_empty
    assert find_differences(make(), make(MOVED), make(MOVED), 0).is_empty
    assert find_differences(make(), make(), make(MOVED, NEW), 0).is_empty


def test_changes_of_both_sides_come_together() -> None:
    merge, project = merged(make(), make(MOVED, NEW, RemoveBoxes((8,))), make(RemoveBoxes((7,))))
    assert [one.kind for one in merge.boxes] == [DifferenceKind.CHANGED, DifferenceKind.ADDED, DifferenceKind.DELETED]
    assert not any(one.is_conflict for one in merge.boxes)
    truth = project.ground_truth(0)
    assert truth.find(1).rect == (5.0, 5.0, 50.0, 60.0)
    assert truth.find(7) is None and truth.find(8) is None
    assert [box.rect for box in truth.boxes(2)][-1] == (1.0, 2.0, 30.0, 40.0)


@pytest.mark.parametrize(
    ("copied", "current"),
    [(MOVED, OTHERWISE), (RemoveBoxes((1,)), MOVED), (MOVED, RemoveBoxes((1,)))],
)
def test_a_box_that_both_changed_is_a_conflict_and_stays_as_the_project_has_it(copied: Edit, current: Edit) -> None:
    before = state_of(make(current))
    merge, project = merged(make(), make(copied), make(current))
    assert [one.is_conflict for one in merge.boxes] == [True]
    assert state_of(project) == before
    project.apply(build_merge_edit(project, merge, merge.boxes, 0))
    rects = [box.rect for box in project.ground_truth(0).boxes(0)]
    assert ((5.0, 5.0, 50.0, 60.0) in rects) == (copied is MOVED) and len(rects) == (2 if copied is MOVED else 1)


def test_two_new_boxes_with_one_id_are_two_boxes() -> None:
    other = AddBoxes((Box(90, 3, (9.0, 9.0, 60.0, 70.0), 0, 5),))
    merge, project = merged(make(), make(NEW), make(other))
    assert [one.is_conflict for one in merge.boxes] == [False]
    assert len(project.ground_truth(0)) == 10 and project.ground_truth(0).find(90).frame == 3


def test_a_merge_that_a_crash_cut_off_before_the_copy_was_marked_adds_nothing_again() -> None:
    own = AddBoxes((Box(90, 3, (4.0, 4.0, 9.0, 9.0), 0, 8),))  # takes the id of the box in the copy
    _merge, project = merged(make(), make(NEW), make(own))
    assert len(project.ground_truth()) == 10
    again, project = merged(make(), make(NEW), project)
    assert again.boxes == () and len(project.ground_truth()) == 10


def test_classes_are_joined_by_name() -> None:
    names, theirs = SetClassNames(("car", "person", "bus")), SetClassNames(("car", "person", "tram", "lorry"))
    bus = AddBoxes((Box(90, 2, (1.0, 2.0, 30.0, 40.0), 2, 9),))
    merge, project = merged(make(), make(names, bus), make(theirs))
    assert project.class_names == ("car", "person", "tram", "lorry", "bus")
    assert [project.class_name(box.class_id) for box in project.ground_truth(0).boxes(2)][-1] == "bus"
    assert len(merge.boxes) == 1


def test_states_decisions_and_notes_come_along_unless_the_project_changed_them() -> None:
    marks = SetFrames((FrameMark(1, FrameState.LABELLED, True), FrameMark(2, FrameState.EXCLUDED, False)))
    decisions = SetDecisions((("a", "kept"), ("b", "unclear")))
    notes = SetNotes((Note(1, "why?", 0, 1, author="Ann", when=5.0),))
    copy = make(marks, decisions, notes)
    theirs = [
        SetFrames((FrameMark(2, FrameState.LABELLED, False),)),
        SetDecisions((("b", "fixed"),)),
        SetNotes((Note(1, "mine", 3, author="Bob", when=6.0),)),
    ]
    merge, project = merged(make(), copy, make(*theirs))
    assert [mark.frame for mark in merge.marks] == [1]
    assert project.ground_truth(0).is_verified(1) and project.ground_truth(0).state(2) is FrameState.LABELLED
    assert project.decisions(0) == {"a": "kept", "b": "fixed"}
    assert [(note.text, note.box_id) for note in project.notes(0)] == [("mine", NO_BOX), ("why?", 1)]


def test_variants_that_only_the_copy_has_are_found_by_their_boxes() -> None:
    first, second, third = (make_predictions(4, boxes=count) for count in (10, 20, 30))
    base = [make_variant("a", "base", first)]
    copy = [make_variant("a", "renamed", first), make_variant("b", "other", second)]
    [found] = find_variant_differences(base, copy, base)
    assert (found.variant.name, found.is_changed) == ("other", False)
    # Both imported the same file, under other keys and names.
    assert find_variant_differences(base, copy, [*base, make_variant("x", "mine", second)]) == ()
    # The copy read a file again: its predictions are other ones under a known key.
    [found] = find_variant_differences(base, [make_variant("a", "base", third)], base)
    assert found.is_changed
    # Removed in the project since: it is not brought back.
    assert find_variant_differences(base, base, []) == ()
