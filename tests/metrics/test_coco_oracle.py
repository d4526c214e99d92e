"""AP equals pycocotools' to 1e-9: random classes, crowds, ties, duplicates, empty frames, and the real data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.metrics.coco import evaluate_coco, match_coco
from iouviewer.metrics.coco_matching import match_frame
from iouviewer.metrics.table import BoxTable
from tests.metrics.builders import assert_equals_pycocotools


def random_tables(rng, frames, classes, grid, crowded):
    gt_frames, gt_boxes, gt_classes, frames_of, boxes, ids = [], [], [], [], [], []
    for frame in range(frames):
        for _ in range(rng.integers(0, 7) * (rng.random() < 0.8)):
            corner, size = rng.uniform(0, 60, 2), rng.uniform(5, 120, 2)
            box = np.concatenate((corner, corner + size))
            box = np.round(box / 10) * 10 + (0, 0, 10, 10) if grid else box
            class_id = int(rng.integers(classes))
            gt_frames.append(frame), gt_boxes.append(box), gt_classes.append(class_id)
            for _ in range(rng.integers(0, 4)):
                moved = box + (rng.integers(-1, 2, 4) * 10 if grid else rng.normal(0, 4, 4))
                moved[2:] = np.maximum(moved[2:], moved[:2] + 1)
                frames_of.append(frame), boxes.append(moved)
                ids.append(class_id if rng.random() < 0.9 else int(rng.integers(classes)))
        for _ in range(rng.integers(0, 3)):
            corner = rng.uniform(0, 100, 2)
            frames_of.append(frame), boxes.append(np.concatenate((corner, corner + rng.uniform(1, 90, 2))))
            ids.append(int(rng.integers(classes)))
    gt = BoxTable.from_rows(
        np.array(gt_frames, np.int64), np.array(gt_boxes).reshape(-1, 4).T, frame_count=frames,
        class_ids=np.array(gt_classes, np.int64), ignored=rng.random(len(gt_frames)) < crowded,
    )  # fmt: skip
    pred = BoxTable.from_rows(
        np.array(frames_of, np.int64), np.array(boxes).reshape(-1, 4).T, frame_count=frames,
        class_ids=np.array(ids, np.int64), scores=np.round(rng.random(len(ids)), 1 if grid else 6),
    )  # fmt: skip
    return gt, pred


def test_no_boxes_at_all_give_null():
    nothing = BoxTable.empty(3)
    result = evaluate_coco(nothing, nothing)
    assert (result.ap, result.ap50, result.ap75, result.ar100, dict(result.per_class)) == (None, None, None, None, {})


def test_no_predictions_give_zero_and_no_ground_truth_gives_null():
    gt, pred = random_tables(np.random.default_rng(1), 4, 2, False, 0.0)
    assert_equals_pycocotools(gt, BoxTable.empty(4))
    assert evaluate_coco(gt, BoxTable.empty(4)).ap == 0.0
    assert evaluate_coco(BoxTable.empty(4), pred).ap is None


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(1, 12),
    classes=st.integers(1, 4),
    grid=st.booleans(),
    crowded=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_random_data_equal_pycocotools(seed, frames, classes, grid, crowded):
    assert_equals_pycocotools(*random_tables(np.random.default_rng(seed), frames, classes, grid, crowded))


def test_more_than_a_hundred_predictions_of_a_frame_are_limited_as_in_pycocotools():
    rng = np.random.default_rng(2)
    gt, _ = random_tables(rng, 3, 2, False, 0.1)
    rows = rng.integers(len(gt), size=900)
    boxes = gt.boxes[:, rows] + rng.normal(0, 3, (4, 900))
    boxes[2:] = np.maximum(boxes[2:], boxes[:2] + 1)
    pred = BoxTable.from_rows(
        gt.frame_of_row()[rows], boxes, frame_count=3, class_ids=gt.class_ids[rows], scores=np.round(rng.random(900), 2)
    )
    assert int(np.diff(pred.offsets).max()) > 200
    assert_equals_pycocotools(gt, pred)


def test_many_tied_and_nearly_tied_scores_keep_frame_then_file_order():
    rng = np.random.default_rng(4)
    gt, pred = random_tables(rng, 1500, 1, False, 0.05)
    assert len(pred) > 5000
    steps = np.round(rng.random(len(pred)), 2) + rng.integers(0, 3, len(pred)) * 1e-13
    pred = BoxTable.from_rows(
        pred.frame_of_row(), pred.boxes, frame_count=1500, class_ids=pred.class_ids, scores=np.minimum(steps, 1.0)
    )
    assert_equals_pycocotools(gt, pred)


def test_frames_that_are_not_evaluated_do_not_affect_the_result():
    gt, pred = random_tables(np.random.default_rng(6), 12, 3, False, 0.2)
    inside = np.arange(12) % 3 != 0
    kept = [table.select(inside[table.frame_of_row()]) for table in (gt, pred)]
    ours, expected = evaluate_coco(gt, pred, inside), evaluate_coco(*kept)
    assert (ours.ap, ours.ar100, ours.per_class) == (expected.ap, expected.ar100, expected.per_class)


def test_boxes_without_a_class_make_all_boxes_one_class():
    gt, pred = random_tables(np.random.default_rng(7), 8, 3, False, 0.1)
    none = np.full(len(gt), -1)
    without_class = BoxTable.from_rows(gt.frame_of_row(), gt.boxes, frame_count=8, class_ids=none, ignored=gt.ignored)
    same = np.zeros(len(pred), np.int64)
    single = BoxTable.from_rows(pred.frame_of_row(), pred.boxes, frame_count=8, class_ids=same, scores=pred.scores)
    one_class = BoxTable.from_rows(gt.frame_of_row(), gt.boxes, frame_count=8, ignored=gt.ignored)
    assert evaluate_coco(without_class, pred).ap == evaluate_coco(one_class, single).ap
    assert list(evaluate_coco(without_class, pred).per_class) == [-1]


def test_matching_all_frames_and_matching_one_frame_agree():
    rng = np.random.default_rng(8)
    gt, pred = random_tables(rng, 40, 1, True, 0.2)
    matches = match_coco(gt, pred)
    place = np.empty(len(pred), np.int64)
    place[matches.order] = np.arange(len(pred))
    for frame in range(40):
        rows, truths = pred.rows(frame), gt.rows(frame)
        by_score = rows.start + np.argsort(place[rows])
        number = {row: n for n, row in enumerate(by_score.tolist())}
        found = [
            (number[p], g - truths.start, iou)
            for g, p, iou in zip(*(column.tolist() for column in matches.pairs), strict=True)
            if rows.start <= p < rows.stop
        ]
        ignored = gt.ignored[truths].tolist()
        masks = match_frame(found, ignored, ignored, len(ignored))
        for row, n in number.items():
            assert masks.get(n, (0, 0)) == (matches.tp[row], matches.ignored[row])


def test_matched_boxes_are_matched_once_and_agree_with_the_masks():
    gt, pred = random_tables(np.random.default_rng(9), 30, 2, True, 0.1)
    matches = match_coco(gt, pred)
    for t in range(10):
        hit = (matches.hits >> t & 1).astype(bool)
        partner = np.full(len(pred), -1)
        partner[matches.pairs.pred[hit]] = matches.pairs.gt[hit]
        regular = partner[(matches.tp >> t & 1).astype(bool)]
        assert len(regular) == len(set(regular.tolist())) and (regular >= 0).all() and not gt.ignored[regular].any()
        assert gt.ignored[partner[(matches.ignored >> t & 1).astype(bool)]].all()


def test_tables_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="3 frames"):
        evaluate_coco(BoxTable.empty(3), BoxTable.empty(4))


def test_boxes_without_a_class_in_frames_that_are_not_evaluated_change_nothing():
    gt, pred = random_tables(np.random.default_rng(11), 8, 3, False, 0.1)
    inside = np.arange(8) != 3
    rows = gt.rows(3)
    assert rows.stop > rows.start
    ids = gt.class_ids.copy()
    ids[rows] = -1
    changed = BoxTable.from_rows(gt.frame_of_row(), gt.boxes, frame_count=8, class_ids=ids, ignored=gt.ignored)
    assert evaluate_coco(changed, pred, inside) == evaluate_coco(gt, pred, inside)
    assert list(evaluate_coco(changed, pred).per_class) == [-1]


def without_area(rng, table, count):
    """The predictions and ``count`` more whose width or height is 0, some of them inside other boxes."""
    rows = rng.integers(len(table), size=count)
    boxes = table.boxes[:, rows].copy()
    flat = rng.integers(0, 2, count)
    boxes[2 + flat, np.arange(count)] = boxes[flat, np.arange(count)]
    return BoxTable.from_rows(
        np.concatenate((table.frame_of_row(), table.frame_of_row()[rows])),
        np.concatenate((table.boxes, boxes), axis=1),
        frame_count=table.frame_count, class_ids=np.concatenate((table.class_ids, table.class_ids[rows])),
        scores=np.concatenate((table.scores, rng.random(count))),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), crowded=st.sampled_from([0.0, 0.3]))
@pytest.mark.filterwarnings("error")
def test_predictions_without_area_are_false_positives_as_in_pycocotools(seed, crowded):
    rng = np.random.default_rng(seed)
    gt, pred = random_tables(rng, 6, 2, False, crowded)
    if len(pred):
        assert_equals_pycocotools(gt, without_area(rng, pred, 12))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), limit=st.sampled_from([1, 2, 5, 300]))
def test_areas_of_the_file_free_ranges_and_limits_equal_pycocotools(seed, limit):
    rng = np.random.default_rng(seed)
    gt, pred = random_tables(rng, 6, 2, False, 0.2)
    stated = np.where(rng.random(len(gt)) < 0.2, np.nan, gt.stated_areas() * rng.uniform(0.05, 1, len(gt)))
    gt = replace(gt, areas=stated)
    ranges = (("tiny", 0.0, 300.0), ("some", 250.0, 4000.5), ("huge", 5000.0, 1e10))
    assert_equals_pycocotools(gt, pred, limit)
    assert_equals_pycocotools(gt, pred, limit, ranges)
