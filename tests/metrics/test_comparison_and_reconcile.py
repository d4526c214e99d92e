"""Preparing variants for resampling keeps COCO's numbers; the reconciliation ends at COCO's AP."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from iouviewer.metrics.coco import MAX_DETECTIONS, evaluate_coco
from iouviewer.metrics.comparison import compute_agreement, score_variant
from iouviewer.metrics.json_texts import ALL_SCORES, CLASS_MEAN, LIMIT_PER_CLASS, ONE_CLASS, describe
from iouviewer.metrics.reconcile import VAL_FLOOR, VAL_MAX_DETECTIONS, limit_detections, reconcile
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable
from iouviewer.metrics.ultralytics_protocol import evaluate
from iouviewer.metrics.weighted_scores import weighted_coco_ap
from tests.metrics.builders import random_case


def _sums(frames: int) -> SimpleNamespace:
    zeros = np.zeros(frames)
    return SimpleNamespace(iou_sum=zeros, gt_count=zeros, tp_iou_sum=zeros, tp=zeros, fp=zeros, fn=zeros)


@pytest.mark.parametrize("seed", range(4))
def test_weights_of_one_give_the_ap_of_the_chosen_frames(seed):
    truth, predictions = random_case(seed)
    frames = np.random.default_rng(seed).random(truth.frame_count) < 0.7

    prepared = score_variant(truth, predictions, _sums(truth.frame_count), frames)
    ap = weighted_coco_ap(prepared.classes, np.ones((1, int(frames.sum())), np.int64))

    assert ap[0] == pytest.approx(evaluate_coco(truth, predictions, frames).ap, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_steps_lead_from_yolo_val_to_coco(seed):
    truth, predictions = random_case(seed)
    every = np.ones(truth.frame_count, bool)
    some = every.copy()
    some[::3] = False

    steps = reconcile(truth, predictions, every, some)

    kept = predictions.select(predictions.scores >= 0.001)
    assert steps[0].ap == pytest.approx(evaluate(truth, kept, every).map50_95)
    assert steps[-1].ap == pytest.approx(evaluate_coco(truth, predictions, some).ap, abs=1e-12)
    assert steps[0].ap + sum(step.change for step in steps) == pytest.approx(steps[-1].ap)


def test_boxes_without_a_class_add_a_step_for_one_class():
    truth, predictions = random_case(1)
    every = np.ones(truth.frame_count, bool)
    blank = replace(predictions, class_ids=np.where(predictions.ids % 2 == 0, -1, predictions.class_ids))

    with_classes, mixed = reconcile(truth, predictions, every, every), reconcile(truth, blank, every, every)

    assert with_classes[-2].name == CLASS_MEAN
    assert with_classes[-2].change == 0
    assert mixed[-3].name == ONE_CLASS
    assert mixed[-3].change != 0
    assert mixed[-1].ap == pytest.approx(evaluate_coco(truth, blank).ap, abs=1e-12)


def test_the_names_of_steps_give_the_limits_that_are_used_and_json_keeps_them():
    assert f"every stored score instead of {VAL_FLOOR:g} and more" == ALL_SCORES
    assert (f"{MAX_DETECTIONS} detections a class and frame instead of {VAL_MAX_DETECTIONS} a frame") == LIMIT_PER_CLASS
    assert CLASS_MEAN == "mean over the classes with boxes here"
    assert ONE_CLASS == "all boxes as of one class, since some carry none"


def test_each_step_has_a_text_and_an_unknown_value_is_shown_unchanged():
    truth, predictions = random_case(0)
    every = np.ones(truth.frame_count, bool)

    names = [step.name for step in reconcile(truth, predictions, every, every)]

    assert all(describe(name) != name for name in names)
    assert describe("val") == "val"


def test_limiting_detections_keeps_the_best_of_each_frame_in_order():
    boxes = np.tile(np.array([[0.0], [0.0], [5.0], [5.0]]), (1, 5))
    table = BoxTable.from_rows(
        np.array([0, 0, 0, 1, 1]), boxes, frame_count=2, scores=np.array([0.1, 0.9, 0.5, 0.2, 0.2])
    )

    limited = limit_detections(table, 2)

    assert limited.scores.tolist() == [0.9, 0.5, 0.2, 0.2]
    assert limit_detections(table, 1).ids.tolist() == [1, 3]


def test_a_set_agrees_with_itself_and_swapping_two_swaps_precision_and_recall():
    _truth, predictions = random_case(2)
    other = predictions.select(predictions.ids % 3 != 0)
    settings = ReviewSettings(conf=0.0)

    with_itself = compute_agreement(other, other, settings)
    one, swapped = compute_agreement(predictions, other, settings), compute_agreement(other, predictions, settings)

    assert with_itself.f1 == 1
    assert with_itself.tp_iou == pytest.approx(1)
    assert one.f1 == pytest.approx(swapped.f1)
    assert one.precision == pytest.approx(swapped.recall)
    assert one.f1 < 1


@pytest.mark.parametrize("truth_class", [0, UNSPECIFIED_CLASS, "both"])
@pytest.mark.parametrize("predicted_class", [0, UNSPECIFIED_CLASS, "both"])
def test_no_step_falls_to_zero_where_one_side_has_no_classes(truth_class, predicted_class):
    frames = np.arange(6)
    boxes = np.tile(np.array([[10.0], [10.0], [50.0], [50.0]]), 6)

    def classes(chosen):
        return np.where(frames % 2, 0, UNSPECIFIED_CLASS) if chosen == "both" else np.full(6, chosen)

    truth = BoxTable.from_rows(frames, boxes, frame_count=6, class_ids=classes(truth_class))
    found = BoxTable.from_rows(
        frames, boxes + 1.0, frame_count=6, class_ids=classes(predicted_class), scores=np.linspace(0.9, 0.5, 6)
    )
    steps = reconcile(truth, found, np.ones(6, bool), np.ones(6, bool))
    assert len(steps) == 7
    assert steps[-1].ap > 0.5
    assert min(step.ap for step in steps) > 0.5
    assert steps[-1].ap == pytest.approx(evaluate_coco(truth, found).ap)
