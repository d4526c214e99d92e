"""A frame whose boxes move one by one: only their overlaps are computed, and the pairs equal those of a whole frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document import scores_frame
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores import Scores, ScoreSettings
from iouviewer.document.scores_frame import coco_overlaps, frame_predictions
from iouviewer.document.scores_live import LiveCandidates, LiveFrame
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import BoxTable, Convention
from tests.document.builders import ListGroundTruth

REVIEW = ReviewSettings()


def crowd(rng, count, classes=2, ignored=0.1):
    """A table of one frame with many competing boxes."""
    corner, size = np.round(rng.uniform(0, 60, (2, count))), np.round(rng.uniform(5, 25, (2, count)))
    return BoxTable.from_rows(
        np.zeros(count, np.int64),
        np.concatenate([corner, corner + size]),
        frame_count=1,
        class_ids=rng.integers(0, classes, count),
        scores=np.round(rng.random(count), 1),
        ignored=rng.random(count) < ignored,
    )


def moved(rng, gt, rows):
    boxes = gt.boxes.copy()
    boxes[:, rows] += np.round(rng.uniform(-6, 6, (2, 1)).repeat(2, axis=0).reshape(4, 1)[[0, 2, 0, 2]])
    return BoxTable(gt.offsets, boxes, gt.class_ids, gt.scores, gt.ignored, gt.ids)


def assert_same(live, whole):
    assert [pairs.assigned() for pairs in live.pairs] == [pairs.assigned() for pairs in whole.pairs]
    assert live.in_ignore_region == whole.in_ignore_region


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 25), at_once=st.integers(1, 12), read=st.booleans())
def test_moved_boxes_leave_the_pairs_of_a_whole_computation(seed, count, at_once, read):
    rng = np.random.default_rng(seed)
    gt = crowd(rng, count)
    variants = [(PredictionSet(crowd(rng, 30), np.ones(1, np.bool_), score_floor=0.0), False) for _ in range(2)]
    preds = frame_predictions(variants, 0, REVIEW, 100)
    live = LiveFrame.of(gt, preds, REVIEW)
    for _ in range(8):
        gt = moved(rng, gt, rng.choice(count, min(at_once, count), replace=False))
        live = live.updated(gt, preds, REVIEW)
        if read:
            assert_same(live, LiveFrame.of(gt, preds, REVIEW))
    assert_same(live, LiveFrame.of(gt, preds, REVIEW))


def test_a_drag_computes_one_row_of_the_overlaps():
    truth = ListGroundTruth(2)
    truth.boxes[0] = [(i, (10.0 * i, 0.0, 10.0 * i + 12.0, 20.0), 0, False) for i in range(500)]
    scores = Scores(truth, ScoreSettings())
    frames, boxes = np.zeros(500, np.int64), np.array([rect for _, rect, _, _ in truth.boxes[0]]).T + 2.0
    table = BoxTable.from_rows(frames, boxes, frame_count=2, scores=np.full(500, 0.9))
    scores.set_variant("model", PredictionSet(table, np.ones(2, np.bool_), score_floor=0.0))
    computed = []
    for step in range(4):
        box_id, (x1, y1, x2, y2), class_id, ignored = truth.boxes[0][250]
        truth.boxes[0][250] = (box_id, (x1 + step, y1, x2, y2), class_id, ignored)
        scores.update([0])
        computed.append(scores.computed_rows)
    assert computed == [500, 1, 1, 1]
    fresh = Scores(truth, ScoreSettings())
    fresh.set_variant("model", scores.predictions("model"))
    assert fresh.summary("model") == scores.summary("model")


def test_an_ignored_box_that_moves_changes_which_predictions_are_excused():
    rng = np.random.default_rng(4)
    gt = crowd(rng, 6, classes=1, ignored=1.0)
    predictions = PredictionSet(crowd(rng, 20, classes=1), np.ones(1, np.bool_), score_floor=0.0)
    preds = frame_predictions([(predictions, False)], 0, REVIEW, 100)
    live = LiveFrame.of(gt, preds, REVIEW)
    boxes = gt.boxes.copy()
    boxes[:, 0] = (0.0, 0.0, 100.0, 100.0)
    gt = BoxTable(gt.offsets, boxes, gt.class_ids, gt.scores, gt.ignored, gt.ids)
    live = live.updated(gt, preds, REVIEW)
    assert_same(live, LiveFrame.of(gt, preds, REVIEW))
    assert live.in_ignore_region[0]


@pytest.mark.parametrize("convention", list(Convention))
def test_a_crowded_frame_in_parts_has_the_pairs_of_the_whole_matrix(monkeypatch, convention):
    rng = np.random.default_rng(8)
    review = ReviewSettings(convention=convention)
    gt = crowd(rng, 200)
    variants = [(PredictionSet(crowd(rng, 150), np.ones(1, np.bool_), score_floor=0.0), False) for _ in range(2)]
    preds = frame_predictions(variants, 0, review, 100)
    whole, candidates = LiveFrame.of(gt, preds, review), coco_overlaps(gt, preds)
    monkeypatch.setattr(scores_frame, "_MAX_WHOLE", 0)
    assert_same(LiveFrame.of(gt, preds, review), whole)
    assert [sorted(pairs) for pairs in coco_overlaps(gt, preds)] == [sorted(pairs) for pairs in candidates]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 25))
def test_moved_boxes_leave_the_candidates_of_a_whole_computation(seed, count):
    rng = np.random.default_rng(seed)
    gt = crowd(rng, count, ignored=0.3)
    variants = [(PredictionSet(crowd(rng, 30), np.ones(1, np.bool_), score_floor=0.0), False) for _ in range(2)]
    preds = frame_predictions(variants, 0, REVIEW, 100)
    live = LiveCandidates.of(gt, preds, None)
    for _ in range(5):
        gt = moved(rng, gt, rng.choice(count, 1))
        live = LiveCandidates.of(gt, preds, live)
    assert [sorted(pairs) for pairs in live.candidates] == [sorted(pairs) for pairs in coco_overlaps(gt, preds)]
