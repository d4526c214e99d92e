"""Commands that add propagated boxes, the spans that they may fill, and corrections of followed boxes."""

from __future__ import annotations

import pytest

from iouviewer.document import commands, tracks
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag, Rect
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, FrameState, SetClassNames
from iouviewer.document.origins import FLAG_MASK
from iouviewer.document.propagated import Span, add_propagated, find_span
from iouviewer.document.sources import Source
from iouviewer.errors import UserError

DERIVED = int(BoxFlag.INTERPOLATED)


def rect(x: float, y: float = 0.0) -> Rect:
    return (x, y, x + 10.0, y + 20.0)


def document(*boxes: tuple[int, int, int]) -> Document:
    """A document of 50 frames; boxes are frame, track and flags, ids from 1."""
    result = Document()
    result.add_source(Source(0, "clip.avi", "", 320, 240, 50))
    result.apply(SetClassNames(("person",)))
    made = tuple(
        Box(number, frame, rect(frame), 0, track, flags) for number, (frame, track, flags) in enumerate(boxes, 1)
    )
    result.apply(AddBoxes(made, 0))
    return result


def test_a_span_ends_at_the_next_key_box_and_derived_boxes_do_not_count() -> None:
    doc = document((5, 7, 0), (8, 7, DERIVED), (20, 7, 0), (6, 8, 0))
    truth = doc.ground_truth()
    box = truth.find(1)
    assert box is not None
    assert find_span(truth, box, step=1, frames=30) == Span(20, truth.find(3))
    assert find_span(truth, box, step=1, frames=14) == Span(20, truth.find(3)), "the key right behind the limit"
    assert find_span(truth, box, step=1, frames=10) == Span(15)
    assert find_span(truth, box, step=-1, frames=30) == Span(0)
    first = truth.boxes(0)
    assert not first


def test_a_span_needs_a_frame_between() -> None:
    doc = document((5, 7, 0), (6, 7, 0), (49, 9, 0))
    truth = doc.ground_truth()
    first, last = truth.find(1), truth.find(3)
    assert first is not None and last is not None
    assert find_span(truth, first, step=1, frames=5) is None
    assert find_span(truth, last, step=1, frames=5) is None


def test_found_boxes_become_derived_boxes_and_key_boxes_stay() -> None:
    doc = document((5, 7, 0), (7, 7, DERIVED), (8, 7, 0))
    found = {1: [(frame, rect(100 + frame)) for frame in (6, 7, 8)]}
    command = add_propagated(doc, found)
    inverse = doc.apply(command.edit)
    by_frame = {box.frame: box for box in doc.ground_truth().track(7)}
    assert by_frame[6].rect == rect(106) and by_frame[6].flags & FLAG_MASK == DERIVED
    assert by_frame[7].id == 2 and by_frame[7].rect == rect(107)
    assert by_frame[8].rect == rect(8), "a key box is never moved"
    assert doc.ground_truth().state(6) is FrameState.LABELLED
    assert "2 frames" in command.label
    assert inverse is not None


def test_boxes_without_tracks_get_one_each_where_the_ground_truth_has_tracks() -> None:
    doc = document((5, 7, 0), (5, NO_TRACK, 0), (5, NO_TRACK, 0))
    command = add_propagated(doc, {2: [(6, rect(1))], 3: [(6, rect(2))]})
    doc.apply(command.edit)
    truth = doc.ground_truth()
    given = [truth.find(2).track, truth.find(3).track]  # type: ignore[union-attr]
    assert given == [8, 9]
    assert sorted(box.track for box in truth.boxes(6)) == [8, 9]


def test_boxes_of_ground_truth_without_tracks_stay_without() -> None:
    doc = document((5, NO_TRACK, 0))
    doc.apply(add_propagated(doc, {1: [(6, rect(1))]}).edit)
    assert [box.track for box in doc.ground_truth().boxes(6)] == [NO_TRACK]


def test_an_interpolated_start_becomes_a_key_box() -> None:
    doc = document((5, 7, DERIVED))
    doc.apply(add_propagated(doc, {1: [(6, rect(1))]}).edit)
    start = doc.ground_truth().find(1)
    assert start is not None and tracks.is_key(start)


def test_nothing_found_is_refused() -> None:
    doc = document((5, 7, 0))
    with pytest.raises(UserError, match="no frame to propagate to"):
        add_propagated(doc, {1: []})
    with pytest.raises(UserError, match="no frame to propagate to"):
        add_propagated(doc, {99: [(6, rect(1))]})


def test_a_moved_key_box_takes_followed_boxes_along_by_their_share() -> None:
    doc = document((0, 7, 0), (10, 7, 0))
    curve = {frame: rect(frame, 30.0 * (frame % 3)) for frame in range(1, 10)}
    doc.apply(add_propagated(doc, {1: list(curve.items())}).edit)
    x1, y1, x2, y2 = rect(10)
    doc.apply(commands.set_rects(doc, {2: (x1 + 20, y1, x2 + 20, y2)}, "Move").edit)
    for box in doc.ground_truth().track(7):
        if 0 < box.frame < 10:
            left, top, right, bottom = curve[box.frame]
            by = 2.0 * box.frame
            assert box.rect == pytest.approx((left + by, top, right + by, bottom))


def test_boxes_on_a_straight_line_stay_on_one() -> None:
    doc = document((0, 7, 0), (10, 7, 0))
    truth = doc.ground_truth()
    first, last = truth.find(1), truth.find(2)
    assert first is not None and last is not None
    for edit in tracks.interpolate(truth, first, last):
        doc.apply(edit)
    doc.apply(commands.set_rects(doc, {2: rect(70, 9)}, "Move").edit)
    moved = doc.ground_truth().find(2)
    assert moved is not None
    for box in doc.ground_truth().track(7):
        if 0 < box.frame < 10:
            assert box.rect == tracks.interpolate_rect(first, moved, box.frame)
