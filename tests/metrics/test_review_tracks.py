"""What time says about boxes: neighbours, detours, holes, swaps and jumps."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.metrics import review_tracks as time
from iouviewer.metrics.review_evidence import ReviewInputs
from iouviewer.metrics.table import BoxTable, Float

Row = tuple[int, float, int]
"""Frame, x of the left side, track."""


def inputs_of(rows: list[Row], frames: int = 40, y: dict[int, float] | None = None) -> ReviewInputs:
    """Boxes of 40 by 80 pixels; ``y`` is the top of each track."""
    rows = sorted(rows, key=lambda row: row[0])
    rects = np.array([(x, (y or {}).get(t, 0.0), x + 40, (y or {}).get(t, 0.0) + 80) for _, x, t in rows]).T
    table = BoxTable.from_rows(np.array([row[0] for row in rows]), rects, frame_count=frames)
    return ReviewInputs(table, np.array([row[2] for row in rows]), np.ones(frames, np.bool_), ())


def walk(
    track: int = 1, *, start: float = 0.0, speed: float = 2.0, skip: range = range(0), frames: int = 40
) -> list[Row]:
    return [(f, start + speed * f, track) for f in range(frames) if f not in skip]


def at(inputs: ReviewInputs, frame: int, track: int = 1) -> int:
    [row] = np.flatnonzero((inputs.truth.frame_of_row() == frame) & (inputs.tracks == track))
    return int(row)


def lefts(boxes: Float) -> list[float]:
    return boxes[0].tolist()


def test_the_line_between_neighbours_leaves_out_boxes_that_are_not_trusted() -> None:
    rows = [(f, x + (30 if 10 <= f < 14 else 0), t) for f, x, t in walk()]
    inputs = inputs_of(rows)
    order = time.order_tracks(inputs)
    detours = time.find_detours(inputs, order)
    assert np.flatnonzero(detours).tolist() == [at(inputs, f) for f in range(10, 14)]
    near = time.find_neighbours(inputs, order, ~detours)
    assert near.rects[0, at(inputs, 12)] == pytest.approx(24.0)
    assert near.iou[at(inputs, 20)] == pytest.approx(1.0)
    assert (near.before[at(inputs, 0)], near.after[at(inputs, 0)]) == (False, True)


def test_a_turn_is_no_detour() -> None:
    there = [(f, 60.0 * float(np.sin(f / 12)), 1) for f in range(40)]
    inputs = inputs_of(there)
    assert not time.find_detours(inputs, time.order_tracks(inputs)).any()


def test_holes_are_listed_by_frame_with_the_line_through_them() -> None:
    inputs = inputs_of([*walk(skip=range(5, 8)), *walk(2, start=300, skip=range(6, 38))])
    holes = time.find_holes(inputs, time.order_tracks(inputs))
    inside = holes.tracks == 1
    assert holes.frames[inside].tolist() == [5, 6, 7] and holes.length[inside].tolist() == [3, 3, 3]
    assert lefts(holes.rows.boxes[:, inside]) == [10.0, 12.0, 14.0]
    assert not (holes.tracks == 2).any()


def test_a_swap_is_found_at_its_frame_and_crossing_tracks_are_none() -> None:
    swapped = [(f, x, 3 - t if f >= 20 else t) for f, x, t in [*walk(), *walk(2, start=20)]]
    inputs = inputs_of(swapped)
    swaps = time.find_swaps(inputs, time.order_tracks(inputs))
    pairs = list(zip(swaps.one.tolist(), swaps.other.tolist(), strict=True))
    assert [set(pair) for pair in pairs] == [{at(inputs, 20), at(inputs, 20, 2)}]
    crossing = inputs_of([*walk(), *walk(2, start=80, speed=-2.0)], y={1: 0.0, 2: 5.0})
    assert len(time.find_swaps(crossing, time.order_tracks(crossing)).one) == 0
    meeting = inputs_of([*walk(speed=6.0), *walk(2, start=234, speed=-6.0)])
    assert len(time.find_swaps(meeting, time.order_tracks(meeting)).one) == 0


def test_a_jump_stays_where_it_lands() -> None:
    inputs = inputs_of([(f, x + (200 if f >= 20 else 0), t) for f, x, t in walk()])
    every = np.ones(len(inputs.truth), np.bool_)
    assert time.find_jumps(inputs, time.order_tracks(inputs), every).tolist() == [at(inputs, 20)]
    once = inputs_of([(f, x + (200 if f == 20 else 0), t) for f, x, t in walk()])
    assert len(time.find_jumps(once, time.order_tracks(once), every)) == 0


def test_what_is_usual_is_the_median_around_without_the_box_itself() -> None:
    inputs = inputs_of(walk())
    order = time.order_tracks(inputs)
    values = np.full(len(inputs.truth), 5.0)
    values[at(inputs, 20)] = 100.0
    assert time.usual(order, values, np.array([at(inputs, 20)])).tolist() == [5.0]
    assert time.usual_share(order, values, np.array([at(inputs, 20)]))[0] > 5.0
    cut = time.cut_tracks(order, np.array([at(inputs, 20)]))
    values[: at(inputs, 20)] = 7.0
    assert time.usual(cut, values, np.array([at(inputs, 21)])).tolist() == [5.0]


def test_tracks_without_boxes_say_nothing() -> None:
    inputs = inputs_of([(3, 0.0, -1)])
    order = time.order_tracks(inputs)
    assert len(order.rows) == 0 and len(time.find_holes(inputs, order)) == 0
    assert not time.find_detours(inputs, order).any() and len(time.find_swaps(inputs, order).one) == 0
    assert len(time.find_jumps(inputs, order, inputs.scored)) == 0
