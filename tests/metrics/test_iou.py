"""IoU: known values, properties, and equality of all implementations bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from iouviewer.metrics.iou import family_aligned, family_matrix, family_pair, iou_aligned, iou_matrix, iou_pair
from iouviewer.metrics.table import Convention

CONVENTIONS = list(Convention)
coordinates = st.floats(-1e6, 1e6, allow_nan=False)
sizes = st.floats(1e-3, 1e6, allow_nan=False)


@st.composite
def boxes(draw):
    x, y = draw(coordinates), draw(coordinates)
    x2, y2 = x + draw(sizes), y + draw(sizes)
    assume(x2 > x and y2 > y)
    return (x, y, x2, y2)


@st.composite
def neighbours(draw):
    """A box and one near it, of sub-pixel to huge size."""
    x1, y1, x2, y2 = box = draw(boxes())
    shifts = [draw(st.floats(-0.4, 0.4)) for _ in range(4)]
    width, height = x2 - x1, y2 - y1
    other = (x1 + shifts[0] * width, y1 + shifts[1] * height, x2 + shifts[2] * width, y2 + shifts[3] * height)
    assume(other[2] > other[0] and other[3] > other[1])
    return box, other


def columns(*rects):
    return np.array(rects, np.float64).reshape(-1, 4).T


@pytest.mark.parametrize(
    ("a", "b", "continuous", "inclusive"),
    [
        ((50, 50, 200, 200), (60, 60, 190, 190), 130 * 130 / (150 * 150), 131 * 131 / (151 * 151)),
        ((30, 30, 180, 180), (35, 35, 175, 175), 0.871111, 0.871935),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0, 11 / (2 * 121 - 11)),
        ((0, 0, 10, 10), (20, 20, 30, 30), 0.0, 0.0),
        ((0, 0, 10, 10), (0, 0, 10, 5), 0.5, 66 / 121),
        ((-5.5, -5.5, 4.5, 4.5), (-5.5, -5.5, 4.5, 4.5), 1.0, 1.0),
        ((0.1, 0.1, 0.3, 0.3), (0.1, 0.1, 0.2, 0.3), 0.5, None),
    ],
)
def test_known_values(a, b, continuous, inclusive):
    assert iou_pair(a, b) == pytest.approx(continuous, abs=1e-6)
    if inclusive is not None:
        assert iou_pair(a, b, Convention.INCLUSIVE) == pytest.approx(inclusive, abs=1e-6)


def test_family_of_boxes_side_by_side_by_hand():
    iou, giou, diou, ciou = family_pair((0, 0, 10, 10), (20, 0, 30, 20))
    # Union 300, enclosing box 30 x 20, centres (5, 5) and (25, 10).
    assert (iou, giou) == (0.0, pytest.approx(-(600 - 300) / 600))
    assert diou == pytest.approx(-(20**2 + 5**2) / (30**2 + 20**2))
    v = 4 / np.pi**2 * (np.arctan(1) - np.arctan(0.5)) ** 2
    assert ciou == pytest.approx(diou - v * v / (1 + v))


def test_empty_sides_give_empty_results():
    none = np.zeros((4, 0))
    some = columns((0, 0, 1, 1), (1, 1, 2, 2))
    assert iou_matrix(none, some).shape == (0, 2) and iou_matrix(some, none).shape == (2, 0)
    assert iou_aligned(none, none).shape == (0,)
    assert family_matrix(none, some).ciou.shape == (0, 2)


def test_boxes_without_area_have_no_overlap_and_no_warning():
    point = columns((3, 3, 3, 3))
    assert family_aligned(point, point) == (0.0, 0.0, 0.0, 0.0)
    assert iou_pair((3, 3, 3, 3), (3, 3, 3, 3)) == 0.0
    assert iou_pair((3, 3, 3, 3), (3, 3, 3, 3), Convention.INCLUSIVE) == 1.0


def test_out_is_written_and_its_shape_is_checked():
    a, b = columns((0, 0, 2, 2), (1, 1, 3, 3)), columns((0, 0, 2, 2))
    out = np.full((2, 1), 9.0)
    assert iou_matrix(a, b, out=out) is out
    np.testing.assert_array_equal(out, iou_matrix(a, b))
    with pytest.raises(ValueError, match="shape"):
        iou_matrix(a, b, out=np.zeros((1, 2)))


@pytest.mark.parametrize("convention", CONVENTIONS)
@given(pair=st.one_of(neighbours(), st.tuples(boxes(), boxes())))
def test_symmetric_within_bounds_and_in_order(convention, pair):
    a, b = pair
    iou, giou, diou, ciou = family_pair(a, b, convention)
    assert iou == family_pair(b, a, convention).iou
    assert 0.0 <= iou <= 1.0
    assert -1.0 <= giou <= iou and -1.0 <= diou <= iou
    assert -1.5 <= ciou <= diou
    assert iou_pair(a, a, convention) == 1.0


@pytest.mark.parametrize("convention", CONVENTIONS)
@given(pairs=st.lists(st.one_of(neighbours(), st.tuples(boxes(), boxes())), min_size=1, max_size=9))
def test_matrix_aligned_and_scalar_functions_are_equal_bit_for_bit(convention, pairs):
    a, b = columns(*(pair[0] for pair in pairs)), columns(*(pair[1] for pair in pairs))
    matrix, aligned = family_matrix(a, b, convention), family_aligned(a, b, convention)
    np.testing.assert_array_equal(iou_matrix(a, b, convention), matrix.iou)
    np.testing.assert_array_equal(iou_aligned(a, b, convention), aligned.iou)
    for i, (rect_a, rect_b) in enumerate(pairs):
        assert iou_pair(rect_a, rect_b, convention) == aligned.iou[i]
        assert family_pair(rect_a, rect_b, convention) == tuple(column[i] for column in aligned)
        assert [column[i] for column in aligned] == [column[i, i] for column in matrix]


@given(box=boxes(), edge=st.integers(0, 3), by=st.floats(2e-9, 0.4))
def test_below_one_when_an_edge_differs(box, edge, by):
    sign = 1 if edge < 2 else -1
    moved = list(box)
    size = box[2] - box[0] if edge % 2 == 0 else box[3] - box[1]
    moved[edge] += sign * by * size
    assume(abs(moved[edge] - box[edge]) > 1e-9 * size)
    assert iou_pair(box, tuple(moved)) < 1.0


positions = st.integers(0, 4000).map(lambda value: value / 4)
extents = st.integers(4, 2000).map(lambda value: value / 4)


@given(
    a=st.tuples(positions, positions, extents, extents),
    b=st.tuples(positions, positions, extents, extents),
    shift=st.tuples(st.floats(-4000, 4000), st.floats(-4000, 4000)),
    factor=st.floats(0.01, 100.0),
)
def test_translation_and_scale_change_nothing(a, b, shift, factor):
    rects = [(x, y, x + width, y + height) for x, y, width, height in (a, b)]
    before = iou_pair(*rects)
    moved = [(r[0] + shift[0], r[1] + shift[1], r[2] + shift[0], r[3] + shift[1]) for r in rects]
    assert iou_pair(*moved) == pytest.approx(before, abs=1e-9)
    scaled = [tuple(value * factor for value in rect) for rect in rects]
    assert iou_pair(*scaled) == pytest.approx(before, abs=1e-9)


def test_boxes_at_the_coordinate_limit_have_an_exact_iou():
    huge = (-1e7, -1e7, 1e7, 1e7)
    assert iou_pair(huge, huge) == 1.0
    assert iou_pair(huge, (-1e7, -1e7, 0.0, 1e7)) == 0.5
