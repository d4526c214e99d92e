"""Agreement of two people about the same frames."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from scipy.optimize import linear_sum_assignment

from iouviewer.metrics.agreement import agreement, join_tables
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import BoxTable

FRAMES = 3


@st.composite
def tables(draw: DrawFn) -> BoxTable:
    """A few boxes on three frames, some of them ignored."""
    number = st.integers(0, 20)
    row = st.tuples(
        st.integers(0, FRAMES - 1), number, number, st.integers(1, 15), st.integers(1, 15), st.integers(-1, 2)
    )
    rows = draw(st.lists(row, max_size=9))
    ignored = draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    frame, x, y, width, height, class_id = (
        (np.array(column, np.int64) for column in zip(*rows, strict=True))
        if rows
        else (np.zeros(0, np.int64) for _ in range(6))
    )
    boxes = np.array([x, y, x + width, y + height], np.float64)
    return BoxTable.from_rows(frame, boxes, frame_count=FRAMES, class_ids=class_id, ignored=np.array(ignored, np.bool_))


def _table(*rows: tuple[int, tuple[float, float, float, float], int]) -> BoxTable:
    frames = np.array([frame for frame, _box, _class in rows], np.int64)
    boxes = np.array([box for _frame, box, _class in rows], np.float64).reshape(-1, 4).T
    return BoxTable.from_rows(
        frames, boxes, frame_count=FRAMES, class_ids=np.array([class_id for *_, class_id in rows], np.int64)
    )


def test_two_people_who_do_the_same_agree() -> None:
    one = _table((0, (0, 0, 10, 10), 0), (1, (5, 5, 9, 9), 1))
    found = agreement(one, one, np.ones(FRAMES, np.bool_))
    assert (found.total.f1, found.mean_iou, found.same_class) == (1.0, 1.0, 1.0)
    assert [(row.class_id, row.first, row.joined) for row in found.by_class] == [(0, 1, 1), (1, 1, 1)]


def test_a_box_of_another_class_is_the_same_object_but_no_agreement() -> None:
    one, two = _table((0, (0, 0, 10, 10), 0)), _table((0, (0, 0, 10, 5), 1))
    found = agreement(one, two, np.ones(FRAMES, np.bool_))
    assert (found.total.joined, found.same_class, found.mean_iou) == (0, 0.0, 0.5)
    assert [row.f1 for row in found.by_class] == [0.0, 0.0]


def test_only_the_given_frames_count() -> None:
    one = _table((0, (0, 0, 10, 10), 0), (1, (0, 0, 10, 10), 0))
    two = _table((0, (0, 0, 10, 10), 0))
    frames = np.array([True, False, False])
    assert agreement(one, two, frames).total.f1 == 1.0
    assert agreement(one, two, ~frames).total.f1 == 0.0
    assert agreement(two, two, ~frames).total.f1 == 1.0  # both see nothing


@settings(deadline=None)
@given(tables(), tables(), st.lists(st.booleans(), min_size=FRAMES, max_size=FRAMES))
def test_the_join_has_the_greatest_sum_of_iou_and_knows_no_sides(
    first: BoxTable, second: BoxTable, chosen: list[bool]
) -> None:
    frames = np.array(chosen, np.bool_)
    joined = join_tables(first, second, frames)
    expected = 0.0
    for frame in np.flatnonzero(frames).tolist():
        a, b = first.rows(frame), second.rows(frame)
        iou = iou_matrix(first.boxes[:, a], second.boxes[:, b])
        iou[(iou < 0.5) | first.ignored[a][:, None] | second.ignored[b][None]] = 0.0
        rows, columns = linear_sum_assignment(iou, maximize=True)
        expected += float(iou[rows, columns].sum())
    assert np.isclose(joined.iou.sum(), expected)
    assert len(set(joined.first.tolist())) == len(joined.first) == len(set(joined.second.tolist()))
    there, back = agreement(first, second, frames), agreement(second, first, frames)
    assert there.total.f1 == back.total.f1
    assert np.isclose(there.mean_iou, back.mean_iou, equal_nan=True)
