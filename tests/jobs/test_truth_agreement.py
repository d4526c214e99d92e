"""Two ground truths of one video: differences, the noise floor of scores, and what is adopted."""

from __future__ import annotations

import pytest

from iouviewer.document.boxes import Box
from iouviewer.document.classes import ClassTable
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameMark, FrameState, SetFrames
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.jobs.truth_agreement import (
    DifferenceKind,
    TruthComparison,
    VariantUnderBoth,
    adopt,
    class_numbers,
    common_frames,
    compare_truths,
    find_differences,
    in_classes,
)

RECT = (10.0, 20.0, 50.0, 80.0)
MOVED = (10.0, 32.0, 50.0, 92.0)


def document_of(names: tuple[str, ...], *boxes: Box, unlabelled: tuple[int, ...] = ()) -> Document:
    document = Document()
    truth = document.add_source(Source(0, "clip", "", 640, 480, 4))
    document.classes = ClassTable(names)
    for box in boxes:
        truth.put(box)
    marks = [FrameMark(f, FrameState.UNLABELLED if f in unlabelled else FrameState.LABELLED, False) for f in range(4)]
    document.apply(SetFrames(tuple(marks)))
    return document


def test_differences_and_numbers_are_those_of_the_frames_that_both_have_labelled() -> None:
    here = document_of(
        ("person", "car"), Box(1, 0, RECT, 0), Box(2, 1, RECT, 0), Box(3, 2, RECT, 1), Box(4, 3, RECT, 0)
    )
    there = document_of(("car", "van"), Box(7, 1, MOVED, 0), Box(8, 2, MOVED, 0), Box(9, 3, RECT, 1), unlabelled=(0,))
    frames = common_frames(here.ground_truth(), there.ground_truth())
    assert frames.tolist() == [False, True, True, True]
    theirs = in_classes(there.ground_truth().table(), class_numbers(there.classes, here.classes))
    found = find_differences(here.ground_truth().table(), theirs, frames)
    assert [(one.frame, one.kind, one.own) for one in found] == [
        (1, DifferenceKind.CLASS, 2),
        (2, DifferenceKind.PLACE, 3),
        (3, DifferenceKind.CLASS, 4),
    ]
    for one in found:
        here.apply(adopt(here, one).edit)
    truth = here.ground_truth()
    assert [here.class_name(truth.boxes(f)[0].class_id) for f in range(4)] == ["person", "car", "car", "van"]
    assert truth.boxes(2)[0].rect == MOVED
    theirs = in_classes(there.ground_truth().table(), class_numbers(there.classes, here.classes))
    comparison = compare_truths(truth.table(), theirs, frames, None)
    assert comparison.differences == () and comparison.agreement.total.f1 == 1.0
    with pytest.raises(UserError, match="no longer exists"):
        adopt(document_of(("person",)), found[0])


def test_the_noise_floor_is_the_greatest_change_of_a_variant() -> None:
    one = VariantUnderBoth("a", {"ap": 0.5, "pq": None}, {"ap": 0.4, "pq": 0.3})
    other = VariantUnderBoth("b", {"ap": 0.2, "pq": 0.6}, {"ap": 0.25, "pq": 0.6})
    comparison = TruthComparison(1, None, (), (one, other))  # type: ignore[arg-type]
    assert comparison.noise_floor("ap") == pytest.approx(0.1)
    assert comparison.noise_floor("pq") == 0.0
    assert TruthComparison(1, None, (), ()).noise_floor("ap") is None  # type: ignore[arg-type]
