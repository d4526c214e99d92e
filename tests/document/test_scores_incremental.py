"""Scores updated frame by frame equal a full computation, bit for bit."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.filter_line import parse_filter
from iouviewer.document.filtering import FilterRules
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores import EXCLUDED, LABELLED, UNLABELLED, Scores, ScoreSettings
from iouviewer.metrics.coco import evaluate_coco
from iouviewer.metrics.review import ReviewSettings, review_all, review_frame
from iouviewer.metrics.table import BoxTable, Convention
from tests.document.builders import ListGroundTruth


def random_rect(rng, grid=False):
    x, y = rng.uniform(0, 60, 2)
    w, h = rng.uniform(8, 40, 2)
    rect = np.array((x, y, x + w, y + h))
    return tuple((np.round(rect / 8) * 8 + (0, 0, 8, 8) if grid else rect).tolist())


def stretch(rng, rect):
    right, bottom = rng.uniform(0, 4, 2).tolist()
    return (rect[0], rect[1], rect[2] + right, rect[3] + bottom)


def random_truth(rng, count, classes, grid=False):
    gt = ListGroundTruth(count)
    next_id = 0
    for frame in range(count):
        for _ in range(rng.integers(0, 6)):
            gt.boxes[frame].append(
                (next_id, random_rect(rng, grid), int(rng.choice(classes)), bool(rng.random() < 0.15))
            )
            next_id += 1
        gt.set_state(frame, int(rng.choice([LABELLED, LABELLED, LABELLED, UNLABELLED, EXCLUDED])))
    return gt, next_id


FILTERS = (
    "size:<24",
    "size:20-30 frames:2-9",
    "class:c0",
    "-class:c0 score:>0.4",
    "score:<.7",
    "class:none,c1 size:>15",
)


def random_filter(rng):
    if rng.random() < 0.5:
        return None
    return FilterRules.of(parse_filter(FILTERS[rng.integers(len(FILTERS))]), ("c0", "c1", "c2"))


def random_predictions(rng, gt, classes, grid=False):
    frames, boxes, ids = [], [], []
    for frame in range(gt.frame_count):
        for _, rect, class_id, _ in gt.boxes[frame]:
            for _ in range(rng.integers(0, 3)):
                frames.append(frame)
                moved = np.array(rect) + (0 if grid else rng.normal(0, 3, 4))
                moved[2:] = np.maximum(moved[2:], moved[:2] + 1)
                boxes.append(moved)
                ids.append(class_id if rng.random() < 0.9 else int(rng.choice(classes)))
        for _ in range(rng.integers(0, 3)):
            frames.append(frame)
            boxes.append(random_rect(rng, grid))
            ids.append(int(rng.choice(classes)))
    table = BoxTable.from_rows(
        np.array(frames, np.int64),
        np.array(boxes).reshape(-1, 4).T,
        frame_count=gt.frame_count,
        class_ids=np.array(ids, np.int64),
        scores=np.round(rng.random(len(frames)), 1 if grid else 3),
    )
    return PredictionSet(table, rng.random(gt.frame_count) < 0.9, score_floor=0.0)


def edit(rng, gt, next_id, classes, grid=False):
    """One random edit; the frame it changed."""
    frame = int(rng.integers(gt.frame_count))
    boxes = gt.boxes[frame]
    kind = rng.integers(8)
    if kind == 0 or not boxes:
        boxes.append((next_id, random_rect(rng, grid), int(rng.choice(classes)), False))
    elif kind == 1:
        del boxes[rng.integers(len(boxes))]
    elif kind == 2:
        gt.set_state(frame, rng.choice([LABELLED, LABELLED, UNLABELLED, EXCLUDED]))
    else:
        place = int(rng.integers(len(boxes)))
        box_id, rect, class_id, ignored = boxes[place]
        if kind == 3:
            ignored = not ignored
        elif kind == 4:
            class_id = int(rng.choice(classes))
        else:
            rect = random_rect(rng, True) if grid else stretch(rng, rect)
        boxes[place] = (box_id, rect, class_id, ignored)
    return frame


def assert_equals_recomputation(scores, gt, score_settings):
    fresh = Scores(gt, score_settings)
    keys = scores.keys()
    for key in keys:
        fresh.set_variant(key, scores.predictions(key))
        assert asdict(scores.summary(key)) == asdict(fresh.summary(key))
        np.testing.assert_array_equal(scores.timeline(key), fresh.timeline(key))
        np.testing.assert_array_equal(scores.histogram(key), fresh.histogram(key))
        np.testing.assert_array_equal(scores.histogram(key, 7), fresh.histogram(key, 7))


def assert_equals_the_metrics(scores, gt, score_settings):
    keys = scores.keys()
    for key in keys:
        predictions = scores.predictions(key)
        counted = (gt.states() == LABELLED) & predictions.covered
        chosen = score_settings.selected(gt.frame_count)
        if chosen is not None:
            counted &= chosen
        summary, table = scores.summary(key), scores.ground_truth.table()
        review = review_all(table, predictions.table, score_settings.review, counted).summary()
        assert {name: getattr(summary, name) for name in asdict(review)} == asdict(review)
        one_class = True if score_settings.review.class_agnostic else None
        coco = evaluate_coco(table, predictions.table, counted, sizes=False, one_class=one_class)
        assert (summary.ap, summary.ap50, summary.ap75, summary.ar100) == (coco.ap, coco.ap50, coco.ap75, coco.ar100)
        assert dict(summary.per_class) == dict(coco.per_class)


@pytest.mark.parametrize("classes", [[-1], [0], [0, 1, 2], [-1, 0, 1], [-1, *[0, 1] * 30]])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), grid=st.booleans(), agnostic=st.booleans(), inclusive=st.booleans())
def test_scores_after_random_edits_equal_a_recomputation_bit_for_bit(classes, seed, grid, agnostic, inclusive):
    rng = np.random.default_rng(seed)
    gt, next_id = random_truth(rng, 12, classes, grid)
    convention = Convention.INCLUSIVE if inclusive else Convention.CONTINUOUS
    review = ReviewSettings(conf=0.3, iou=0.5, convention=convention, class_agnostic=agnostic)
    chosen = rng.random(12) < 0.8 if rng.random() < 0.3 else None
    score_settings = ScoreSettings(review=review, frames=chosen, filter=random_filter(rng))
    scores = Scores(gt, score_settings)
    for key in ("a", "b"):
        scores.set_variant(key, random_predictions(rng, gt, classes, grid))
        scores.histogram(key), scores.histogram(key, 7)
    for step in range(25):
        scores.update([edit(rng, gt, next_id + step, classes, grid)])
        if step % 6 == 0:
            assert_equals_recomputation(scores, gt, score_settings)
    assert_equals_recomputation(scores, gt, score_settings)
    assert_equals_the_metrics(scores, gt, score_settings)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), grid=st.booleans(), agnostic=st.booleans())
def test_the_matching_cached_by_an_update_equals_a_new_one(seed, grid, agnostic):
    rng = np.random.default_rng(seed)
    gt, next_id = random_truth(rng, 4, [-1, 0, 1], grid)
    scores = Scores(gt, ScoreSettings(review=ReviewSettings(conf=0.3, class_agnostic=agnostic)))
    for key in ("a", "b"):
        scores.set_variant(key, random_predictions(rng, gt, [0, 1], grid))
    for step in range(12):
        frame = edit(rng, gt, next_id + step, [-1, 0, 1], grid)
        scores.update([frame])
        for key in ("a", "b"):
            predicted = scores.predictions(key).table.frame(frame)
            expected = review_frame(gt.frame_table(frame), predicted, scores.settings.review)
            for _ in range(2):
                found = scores.frame_review(key, frame)
                assert found.counts == expected.counts
                for name in ("gt_rows", "pred_rows", "iou", "state", "in_ignore_region", "gt_ids", "pred_ids"):
                    np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("classes", [[0, 1], [-1, 0, 1]])
def test_extending_a_variant_in_batches_gives_the_metrics_of_the_whole(classes):
    rng = np.random.default_rng(5)
    gt, _ = random_truth(rng, 20, [0, 1])
    whole = replace(random_predictions(rng, gt, classes), covered=np.ones(20, np.bool_))
    scores = Scores(gt, ScoreSettings())
    run = PredictionSet.empty(20, score_floor=0.0)
    scores.set_variant("v", run)
    assert scores.summary("v").frames == 0
    for start in range(0, 20, 7):
        frames = np.arange(start, min(start + 7, 20))
        rows = np.isin(whole.table.frame_of_row(), frames)
        part = whole.table.select(rows)
        run = run.with_frames(
            frames,
            row_frames=part.frame_of_row(),
            boxes=part.boxes,
            class_ids=part.class_ids,
            scores=part.scores,
            complete=start == 14,
        )
        scores.extend_variant("v", run, frames)
        assert_equals_recomputation(scores, gt, scores.settings)
    other = Scores(gt, ScoreSettings())
    other.set_variant("v", whole)
    assert asdict(scores.summary("v")) == asdict(other.summary("v"))


FLAG_SETS = (0, 0, 0, BoxFlag.IGNORED, BoxFlag.IGNORED | BoxFlag.DISTRACTOR, BoxFlag.IGNORED | BoxFlag.NEUTRAL)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), agnostic=st.booleans())
def test_distractors_neutral_boxes_and_predictions_without_area_count_the_same_in_every_path(seed, agnostic):
    rng = np.random.default_rng(seed)
    listed, _ = random_truth(rng, 8, [0, 1])
    rows = [(frame, *box) for frame in range(8) for box in listed.boxes[frame]]
    truth = GroundTruth(8)
    truth.load_columns(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[2] for row in rows]).reshape(-1, 4).T,
        class_ids=np.array([row[3] for row in rows], np.int64),
        tracks=np.full(len(rows), -1),
        flags=np.array([int(rng.choice(FLAG_SETS)) for _ in rows], np.int64),
    )
    truth.load_states(np.full(8, LABELLED, np.int8), np.zeros(8, np.bool_))
    predictions = random_predictions(rng, listed, [0, 1])
    flat = predictions.table.boxes.copy()
    flat[2, ::5] = flat[0, ::5]
    predictions = replace(predictions, table=replace(predictions.table, boxes=flat))
    score_settings = ScoreSettings(review=ReviewSettings(conf=0.3, class_agnostic=agnostic))
    scores = Scores(truth, score_settings)
    scores.set_variant("a", predictions)
    for frame in range(8):
        boxes = truth.boxes(frame)
        if boxes:
            box = boxes[int(rng.integers(len(boxes)))]
            truth.put(replace(box, rect=stretch(rng, box.rect), flags=int(rng.choice(FLAG_SETS))))
        scores.update([frame])
        table = predictions.table.frame(frame)
        expected = review_frame(truth.frame_table(frame), table, scores.settings.review)
        assert scores.frame_review("a", frame).counts == expected.counts
    assert_equals_recomputation(scores, truth, score_settings)
    assert_equals_the_metrics(scores, truth, score_settings)
