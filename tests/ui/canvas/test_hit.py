"""Hit testing: a table of points and what a press there grabs."""

from __future__ import annotations

import pytest

from iouviewer.document.boxes import Edges
from iouviewer.ui.canvas import hit
from iouviewer.ui.canvas.hit import NO_TARGET, BoxRef, Part, truth_ref

BIG, SMALL, PREDICTION = truth_ref(1), truth_ref(2), BoxRef("model", 7)
BOXES = [
    (BIG, (100.0, 100.0, 300.0, 300.0)),
    (SMALL, (150.0, 150.0, 200.0, 200.0)),
    (PREDICTION, (160.0, 160.0, 400.0, 400.0)),
]


def target(x: float, y: float, *selected: BoxRef, px: float = 1.0):
    return hit.target_at(BOXES, frozenset(selected), x, y, px)


def test_an_empty_frame_has_nothing_to_hit():
    assert hit.target_at([], frozenset(), 5, 5, 1.0) is NO_TARGET
    assert hit.stack_at([], 5, 5, 1.0) == ()
    assert hit.next_in_stack((), None) is None


@pytest.mark.parametrize(
    ("x", "y", "selected", "part", "ref", "edges"),
    [
        (50, 50, (), Part.NONE, None, Edges.NONE),
        (110, 110, (), Part.INSIDE, BIG, Edges.ALL),
        (155, 155, (), Part.INSIDE, SMALL, Edges.ALL),
        (155, 155, (BIG,), Part.INSIDE, BIG, Edges.ALL),
        (350, 350, (), Part.INSIDE, PREDICTION, Edges.ALL),
        (160, 400, (PREDICTION,), Part.INSIDE, PREDICTION, Edges.ALL),
        (100, 100, (BIG,), Part.HANDLE, BIG, Edges.LEFT | Edges.TOP),
        (300, 300, (BIG,), Part.HANDLE, BIG, Edges.RIGHT | Edges.BOTTOM),
        (200, 100, (BIG,), Part.HANDLE, BIG, Edges.TOP),
        (304, 200, (BIG,), Part.HANDLE, BIG, Edges.RIGHT),
        (130, 97, (BIG,), Part.EDGE, BIG, Edges.TOP),
        (104, 270, (BIG,), Part.EDGE, BIG, Edges.LEFT),
        (130, 110, (BIG,), Part.INSIDE, BIG, Edges.ALL),
        (100, 100, (BIG, SMALL), Part.INSIDE, BIG, Edges.ALL),
    ],
)
def test_a_press_grabs_the_expected_part(x, y, selected, part, ref, edges):
    found = target(x, y, *selected)
    assert (found.part, found.ref, found.edges) == (part, ref, edges)


@pytest.mark.parametrize("px", [0.25, 1.0, 4.0])
def test_handles_keep_their_size_on_screen(px):
    just_inside, outside = 5.0 * px, 6.5 * px
    assert target(100 - just_inside, 100 - just_inside, BIG, px=px).part is Part.HANDLE
    assert target(100 - outside, 100 - outside, BIG, px=px).part is not Part.HANDLE


def test_a_box_narrower_than_four_handles_has_them_outside_and_can_be_moved():
    narrow = (100.0, 100.0, 130.0, 300.0)
    positions = {edges: (x, y) for edges, x, y in hit.handles(narrow, 1.0)}
    assert Edges.TOP not in positions and Edges.BOTTOM not in positions
    assert positions[Edges.LEFT][0] < 100 and positions[Edges.RIGHT][0] > 130
    boxes = [(BIG, narrow)]
    assert hit.target_at(boxes, frozenset([BIG]), 115, 200, 1.0).part is Part.INSIDE
    assert hit.target_at(boxes, frozenset([BIG]), *positions[Edges.LEFT], 1.0).edges is Edges.LEFT


def test_a_wide_box_has_eight_handles_of_at_least_nine_pixels():
    assert len(hit.handles((0.0, 0.0, 100.0, 100.0), 1.0)) == 8
    assert hit.HANDLE_SIZE >= 9


def test_a_tiny_box_can_be_dragged_by_its_middle():
    tiny = (100.0, 100.0, 106.0, 106.0)
    assert hit.target_at([(BIG, tiny)], frozenset([BIG]), 103, 103, 1.0).part is Part.INSIDE


def test_repeated_clicks_cycle_from_the_smallest_box_upwards():
    stack = hit.stack_at(BOXES, 170, 170, 1.0)
    assert stack == (SMALL, BIG, PREDICTION)
    seen = [None]
    for _ in range(4):
        seen.append(hit.next_in_stack(stack, seen[-1]))
    assert seen[1:] == [SMALL, BIG, PREDICTION, SMALL]


def test_a_rubber_band_finds_the_ground_truth_it_touches():
    assert hit.find_touching(BOXES, (190.0, 190.0, 500.0, 500.0)) == (BIG, SMALL)
    assert hit.find_touching(BOXES, (301.0, 301.0, 500.0, 500.0)) == ()
