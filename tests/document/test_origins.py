"""Where boxes came from: it stays with them through edits, undo and copies, and leaves no trace in exports."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document import commands, track_shapes
from iouviewer.document.boxes import Box, BoxFlag, Rect
from iouviewer.document.commands import AcceptedPrediction
from iouviewer.document.document import Document
from iouviewer.document.origins import (
    FLAG_MASK,
    ORIGIN_MASK,
    BoxOrigin,
    Origin,
    lean,
    lean_counts,
    leaning_numbers,
    moved_flags,
    origin_bits,
    origin_of,
    started_numbers,
    variant_number,
    with_origin,
)
from iouviewer.document.propagated import add_propagated
from iouviewer.document.sources import Source
from iouviewer.jobs.document_results import ground_truth_to_write

V = "4f1e0a9b7c3d"


def document() -> Document:
    doc = Document()
    doc.add_source(Source(0, "a.mp4", "/v/a.mp4", 640, 480, 50))
    doc.class_names = ("person",)
    return doc


def only_box(doc: Document, frame: int = 0) -> Box:
    [box] = doc.ground_truth().boxes(frame)
    return box


def accepted(rect: Rect = (10.0, 10.0, 50.0, 110.0)) -> AcceptedPrediction:
    return AcceptedPrediction(rect, 0, variant="v", score=0.9, variant_key=V)


def test_an_origin_is_read_back_and_touches_no_flag() -> None:
    for kind in Origin:
        flags = with_origin(int(BoxFlag.OCCLUDED | BoxFlag.NEUTRAL), kind, V)
        assert origin_of(flags) == BoxOrigin(kind, variant_number(V), corrected=False)
        assert flags & FLAG_MASK == BoxFlag.OCCLUDED | BoxFlag.NEUTRAL
        assert np.int64(flags) == flags
    assert origin_of(0) == BoxOrigin(Origin.FILE, 0, corrected=False)


def test_a_drawn_box_is_drawn_and_an_accepted_one_names_its_variant() -> None:
    doc = document()
    doc.apply(commands.draw(doc, 0, (0.0, 0.0, 20.0, 20.0), 0).edit)
    doc.apply(commands.accept(doc, 1, [accepted()]).edit)
    assert origin_of(only_box(doc, 0).flags).kind is Origin.DRAWN
    assert origin_of(only_box(doc, 1).flags) == BoxOrigin(Origin.ACCEPTED, variant_number(V), corrected=False)


def test_a_box_that_is_moved_onto_a_prediction_is_accepted_from_it_and_undo_brings_the_hand_back() -> None:
    doc = document()
    doc.apply(commands.draw(doc, 0, (0.0, 0.0, 40.0, 100.0), 0).edit)
    before = only_box(doc)
    fix = AcceptedPrediction((10.0, 10.0, 50.0, 110.0), 0, partner=before.id, variant_key=V)
    done = doc.apply(commands.accept(doc, 0, [fix]).edit)
    assert done is not None
    assert origin_of(only_box(doc).flags) == BoxOrigin(Origin.ACCEPTED, variant_number(V), corrected=False)
    doc.apply(done.inverse)
    assert only_box(doc) == before


@pytest.mark.parametrize(("by", "corrected"), [(0.25, False), (0.9, False), (1.0, True), (12.0, True)])
def test_a_box_of_a_variant_is_corrected_once_an_edge_moves_by_more_than_a_little(by: float, corrected: bool) -> None:
    doc = document()
    doc.apply(commands.accept(doc, 0, [accepted()]).edit)
    box = only_box(doc)
    done = doc.apply(commands.nudge(doc, [box.id], by, 0.0).edit)
    assert done is not None
    assert origin_of(only_box(doc).flags).corrected is corrected
    doc.apply(done.inverse)
    assert only_box(doc) == box


def test_a_large_box_needs_a_hundredth_of_its_side() -> None:
    box = Box(1, 0, (0.0, 0.0, 400.0, 200.0), flags=origin_bits(Origin.ACCEPTED, V))
    assert not origin_of(moved_flags(box, (0.0, 0.0, 403.0, 200.0))).corrected
    assert origin_of(moved_flags(box, (0.0, 0.0, 404.0, 200.0))).corrected
    assert origin_of(moved_flags(box, (0.0, 2.0, 400.0, 200.0))).corrected


def test_a_drawn_box_is_never_corrected() -> None:
    box = Box(1, 0, (0.0, 0.0, 40.0, 40.0), flags=origin_bits(Origin.DRAWN))
    assert moved_flags(box, (10.0, 0.0, 90.0, 40.0)) == box.flags


def test_a_copy_is_the_persons_own() -> None:
    doc = document()
    doc.apply(commands.accept(doc, 0, [accepted()]).edit)
    doc.apply(commands.paste_previous_frame(doc, 1).edit)
    assert origin_of(only_box(doc, 1).flags) == BoxOrigin(Origin.DRAWN, 0, corrected=False)


def test_guided_boxes_lean_to_their_guide_and_others_to_nobody() -> None:
    doc = document()
    doc.apply(commands.draw(doc, 0, (0.0, 0.0, 40.0, 100.0), 0).edit)
    start = only_box(doc)
    doc.apply(add_propagated(doc, {start.id: [(1, (1.0, 0.0, 41.0, 100.0))]}, guided_by=V).edit)
    doc.apply(add_propagated(doc, {start.id: [(2, (2.0, 0.0, 42.0, 100.0))]}).edit)
    assert origin_of(only_box(doc, 1).flags) == BoxOrigin(Origin.PROPAGATED, variant_number(V), corrected=False)
    assert origin_of(only_box(doc, 2).flags) == BoxOrigin(Origin.PROPAGATED, 0, corrected=False)


def test_interpolated_boxes_have_the_origin_of_the_key_box_before_them() -> None:
    doc = document()
    doc.apply(commands.accept(doc, 0, [accepted()]).edit)
    first = only_box(doc)
    last = Box(0, 4, (30.0, 10.0, 70.0, 110.0), 0, first.track, origin_bits(Origin.DRAWN))
    doc.apply(commands.add(doc, [last]).edit)
    doc.apply(track_shapes.fill_gaps(doc, [first.track]).edit)
    assert origin_of(only_box(doc, 2).flags).variant == variant_number(V)


def test_lean_is_the_share_of_boxes_that_nobody_corrected() -> None:
    flags = np.array(
        [origin_bits(Origin.ACCEPTED, V), origin_bits(Origin.STARTED, V), origin_bits(Origin.DRAWN), 0], np.int64
    )
    corrected = moved_flags(Box(1, 0, (0.0, 0.0, 9.0, 9.0), flags=int(flags[0])), (3.0, 0.0, 9.0, 9.0))
    assert lean(flags, [V, "other"]) == {V: 0.5, "other": 0.0}
    assert lean(flags, [V], np.array([True, False, True, True])) == {V: pytest.approx(1 / 3)}
    flags[0] = corrected
    assert lean(flags, [V]) == {V: 0.25}
    assert lean_counts(flags) == {variant_number(V): 1}
    assert leaning_numbers(flags).tolist() == [0, variant_number(V), 0, 0]
    assert lean(np.zeros(0, np.int64), [V]) == {V: 0.0}


def test_a_ground_truth_stays_started_from_a_variant_when_its_boxes_are_corrected() -> None:
    box = Box(1, 0, (0.0, 0.0, 9.0, 9.0), flags=origin_bits(Origin.STARTED, V))
    assert started_numbers(np.array([moved_flags(box, (3.0, 0.0, 9.0, 9.0))])) == {variant_number(V)}
    assert started_numbers(np.array([origin_bits(Origin.ACCEPTED, V), 0])) == frozenset()


def test_exports_have_no_origin() -> None:
    doc = document()
    doc.apply(commands.accept(doc, 0, [accepted()]).edit)
    assert only_box(doc).flags & ORIGIN_MASK
    assert ground_truth_to_write(doc).flags.tolist() == [0]
