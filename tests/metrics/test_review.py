"""Association for review: cases by hand, the solver against scipy, and all frames at once against single frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from iouviewer.metrics.assignment import assign_frame
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.ordering import distinct, order_by_score
from iouviewer.metrics.review import PairState, ReviewSettings, review_all, review_frame
from iouviewer.metrics.table import BoxTable, Convention


def frame_table(*rows, scores=None):
    """One frame of (rect, class, ignored)."""
    return BoxTable.from_rows(
        np.zeros(len(rows), np.int64),
        np.array([row[0] for row in rows], np.float64).reshape(-1, 4).T,
        frame_count=1,
        class_ids=np.array([row[1] for row in rows], np.int64),
        ignored=np.array([row[2] for row in rows], np.bool_),
        scores=None if scores is None else np.array(scores, np.float64),
        ids=np.arange(len(rows)) + 100,
    )


def box(x, width=10.0, class_id=0, ignored=False):
    return ((x, 0.0, x + width, 10.0), class_id, ignored)


def states(review):
    return [(pair.gt_row, pair.pred_row, pair.state.name) for pair in review.pairs]


def test_an_empty_frame_has_no_frame_iou():
    review = review_frame(frame_table(), frame_table(), ReviewSettings())
    assert review.pairs == [] and np.isnan(review.frame_iou)
    assert (review.tp, review.fp, review.fn) == (0, 0, 0)


def test_predictions_on_a_labelled_empty_frame_are_false_positives():
    review = review_frame(frame_table(), frame_table(box(0), scores=[0.9]), ReviewSettings())
    assert states(review) == [(-1, 0, "FALSE_POSITIVE")] and review.fp == 1 and np.isnan(review.frame_iou)


def test_every_state_once():
    gt = frame_table(box(0), box(100), box(200), box(300, 40, ignored=True))
    pred = frame_table(
        box(1), box(104), box(310), box(500), box(0), scores=[0.9, 0.8, 0.7, 0.6, 0.1]
    )  # true positive, loose, inside the ignored box, false positive, too low
    review = review_frame(gt, pred, ReviewSettings())
    assert states(review) == [
        (0, 0, "TRUE_POSITIVE"),
        (1, 1, "LOOSE"),
        (2, -1, "MISS"),
        (3, -1, "IGNORED"),
        (-1, 2, "IGNORED"),
        (-1, 3, "FALSE_POSITIVE"),
        (-1, 4, "BELOW_CONFIDENCE"),
    ]
    assert (review.gt_count, review.tp, review.fp, review.fn, review.counts.ignored) == (3, 1, 2, 2, 1)
    assert review.frame_iou == pytest.approx((9 / 11 + 6 / 14) / 3)
    assert review.gt_ids.tolist() == [100, 101, 102, 103, -1, -1, -1]
    assert review.pred_ids.tolist() == [100, 101, -1, -1, 102, 103, 104]


def test_a_loose_pair_in_an_ignored_box_counts_in_frame_iou_but_is_not_a_false_positive():
    gt = frame_table(box(0), box(4, 40, ignored=True))
    review = review_frame(gt, frame_table(box(5), scores=[0.9]), ReviewSettings())
    assert states(review) == [(0, 0, "LOOSE"), (1, -1, "IGNORED")]
    assert (review.tp, review.fp, review.fn) == (0, 0, 1)
    assert review.frame_iou == pytest.approx(1 / 3)
    assert review.in_ignore_region.tolist() == [True, False]


def test_a_prediction_is_ignored_from_half_of_its_area_in_an_ignored_box():
    gt = frame_table(box(0, 40, ignored=True))
    half, less = box(35), box(36)
    assert review_frame(gt, frame_table(half, scores=[1]), ReviewSettings()).fp == 0
    assert review_frame(gt, frame_table(less, scores=[1]), ReviewSettings()).fp == 1


def test_an_ignored_box_of_another_class_absorbs_nothing_unless_classes_are_ignored():
    gt = frame_table(box(0, 40, class_id=1, ignored=True))
    pred = frame_table(box(5, class_id=0), scores=[1])
    assert review_frame(gt, pred, ReviewSettings()).fp == 1
    assert review_frame(gt, pred, ReviewSettings(class_agnostic=True)).fp == 0


@pytest.mark.parametrize(
    ("gt_class", "pred_class", "agnostic", "paired"),
    [(0, 0, False, True), (0, 1, False, False), (0, 1, True, True), (-1, 1, False, True), (0, -1, False, True)],
)
def test_boxes_pair_if_their_classes_are_equal_unspecified_or_ignored(gt_class, pred_class, agnostic, paired):
    gt, pred = frame_table(box(0, class_id=gt_class)), frame_table(box(0, class_id=pred_class), scores=[1])
    assert (review_frame(gt, pred, ReviewSettings(class_agnostic=agnostic)).tp == 1) == paired


def test_the_sum_of_iou_decides_not_the_best_pair():
    # The prediction between the two boxes fits the first best, but the other prediction fits only the first.
    gt = frame_table(box(0), box(6))
    pred = frame_table(box(2), box(-3), scores=[0.9, 0.8])
    review = review_frame(gt, pred, ReviewSettings())
    assert [(pair.gt_row, pair.pred_row) for pair in review.pairs] == [(0, 1), (1, 0)]


def test_of_equal_predictions_the_one_with_the_higher_score_gets_the_box():
    review = review_frame(frame_table(box(0)), frame_table(box(1), box(1), scores=[0.5, 0.6]), ReviewSettings())
    assert states(review) == [(0, 1, "TRUE_POSITIVE"), (-1, 0, "FALSE_POSITIVE")]


def test_the_convention_changes_iou():
    gt, pred = frame_table(((50, 50, 200, 200), 0, False)), frame_table(((60, 60, 190, 190), 0, False), scores=[1])
    inclusive = review_frame(gt, pred, ReviewSettings(convention=Convention.INCLUSIVE))
    assert inclusive.frame_iou == 131 * 131 / (151 * 151)
    assert review_frame(gt, pred, ReviewSettings()).frame_iou == 130 * 130 / (150 * 150)


weights = st.one_of(st.sampled_from([0.25, 0.5, 0.75]), st.floats(0.01, 1.0))


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.tuples(st.integers(0, 9), st.integers(0, 9)), weights, max_size=40),
)
def test_assignment_is_one_to_one_and_as_good_as_scipys(found):
    pairs = [(gt, pred, iou) for (gt, pred), iou in found.items()]
    chosen = assign_frame(list(pairs))
    assert chosen == assign_frame(pairs[::-1])
    assert set(chosen) <= set(pairs) and chosen == sorted(chosen)
    assert len({pair[0] for pair in chosen}) == len({pair[1] for pair in chosen}) == len(chosen)
    matrix = np.zeros((10, 10))
    for gt, pred, iou in pairs:
        matrix[gt, pred] = iou
    best = matrix[linear_sum_assignment(matrix, maximize=True)].sum()
    assert sum(pair[2] for pair in chosen) == pytest.approx(best, abs=1e-12)


def crowded_tables(rng, frames, grid):
    """Frames in which many boxes compete."""
    tables = []
    for scored in (False, True):
        counts = rng.integers(0, 14, frames)
        total = int(counts.sum())
        corner, size = rng.uniform(0, 60, (2, total)), rng.uniform(10, 50, (2, total))
        boxes = np.concatenate((corner, corner + size))
        if grid:
            boxes = np.round(boxes / 15) * 15
            boxes[2:] = np.maximum(boxes[2:], boxes[:2] + 15)
        tables.append(
            BoxTable.from_rows(
                np.repeat(np.arange(frames), counts),
                boxes,
                frame_count=frames,
                class_ids=rng.integers(-1, 2, total),
                scores=np.round(rng.random(total), 1) if scored else None,
                ignored=None if scored else rng.random(total) < 0.2,
            )
        )
    return tables


@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("agnostic", [False, True])
def test_all_frames_at_once_and_one_by_one_give_the_same_pairs_and_sums(grid, agnostic):
    gt, pred = crowded_tables(np.random.default_rng(grid + 2 * agnostic), 80, grid)
    review_settings = ReviewSettings(conf=0.2, class_agnostic=agnostic)
    review = review_all(gt, pred, review_settings)
    for frame in range(80):
        found = review_frame(gt.frame(frame), pred.frame(frame), review_settings)
        paired = (found.gt_rows >= 0) & (found.pred_rows >= 0)
        ours = review.pair_frame == frame
        np.testing.assert_array_equal(found.gt_rows[paired] + gt.offsets[frame], review.pair_gt[ours])
        np.testing.assert_array_equal(found.pred_rows[paired] + pred.offsets[frame], review.pair_pred[ours])
        counts = found.counts
        counted = (counts.iou_sum, counts.tp_iou_sum, counts.gt_count, counts.tp, counts.fp, counts.fn, counts.ignored)
        columns = (review.iou_sum, review.tp_iou_sum, review.gt_count, review.tp, review.fp, review.fn, review.ignored)
        assert counted == tuple(column[frame] for column in columns)


def test_the_assignment_of_all_frames_is_as_good_as_scipys_frame_by_frame():
    gt, pred = crowded_tables(np.random.default_rng(11), 60, False)
    review = review_all(gt, pred, ReviewSettings(conf=0.0, class_agnostic=True))
    for frame in range(60):
        one, other = gt.frame(frame), pred.frame(frame)
        matrix = iou_matrix(one.boxes, other.boxes) * ~one.ignored[:, None]
        best = matrix[linear_sum_assignment(matrix, maximize=True)].sum()
        assert review.iou_sum[frame] == pytest.approx(best, abs=1e-12)


def test_frames_that_are_not_evaluated_are_undefined_and_not_counted():
    gt, pred = crowded_tables(np.random.default_rng(12), 20, False)
    inside = np.arange(20) < 10
    review = review_all(gt, pred, ReviewSettings(), inside)
    assert np.isnan(review.frame_iou[10:]).all() and not review.fp[10:].any() and not review.gt_count[10:].any()
    whole = review_all(gt, pred, ReviewSettings())
    assert review.summary() == whole.summary(inside)
    assert review.summary().frames == 10


def test_empty_tables_leave_every_metric_undefined():
    summary = review_all(BoxTable.empty(4), BoxTable.empty(4), ReviewSettings()).summary()
    averages = (summary.avg_iou, summary.box_iou, summary.tp_iou, summary.pq, summary.precision, summary.f1)
    assert averages == (None,) * 6 and summary.frames == 4


@pytest.mark.parametrize("size", [0, 3, 6000])
@pytest.mark.parametrize("decimals", [1, 3, 17])
def test_order_by_score_is_a_stable_sort(size, decimals):
    scores = np.round(np.random.default_rng(size).random(size), decimals)
    expected = np.argsort(-scores, kind="stable")
    np.testing.assert_array_equal(order_by_score(scores), expected)
    np.testing.assert_array_equal(order_by_score(scores * 3), np.argsort(-(scores * 3), kind="stable"))
    np.testing.assert_array_equal(order_by_score(scores * 1e-11), np.argsort(-(scores * 1e-11), kind="stable"))


def test_distinct_values_are_those_of_numpy():
    for values in ([], [4], [4, 4], [3, -1, 3, 0], [0, 10**12]):
        np.testing.assert_array_equal(distinct(np.array(values, np.int64)), np.unique(values))


def test_states_have_names_for_every_number():
    assert [state.value for state in PairState] == [0, 1, 2, 3, 4, 5]
