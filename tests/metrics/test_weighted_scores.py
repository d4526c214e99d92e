"""Scores of weighted frames equal the scores of the repeated frames."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from iouviewer.metrics.weighted_scores import (
    ClassMatches,
    FrameSums,
    weighted_average_precision,
    weighted_avg_iou,
    weighted_coco_ap,
    weighted_pq,
)


def test_no_predictions_score_zero_and_no_ground_truth_is_undefined():
    nothing = ClassMatches(np.zeros(0, np.int64), np.zeros((10, 0), bool), np.zeros((10, 0), bool), np.array([1, 0]))

    scores = weighted_average_precision(nothing, np.array([[1, 1], [0, 2]]))

    assert (scores[0] == 0).all()
    assert np.isnan(scores[1]).all()
    assert np.isnan(weighted_coco_ap([], np.ones((3, 2), np.int64))).all()


def _pycocotools_ap(truths, predictions, weights):
    """AP of one class with each frame repeated by its weight."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images, annotations, results = [], [], []
    for frame, times in enumerate(weights):
        for _ in range(times):
            image = len(images) + 1
            images.append({"id": image, "width": 100, "height": 100})
            for box in truths[frame]:
                annotations.append(
                    {"id": len(annotations) + 1, "image_id": image, "category_id": 1, "bbox": box, "iscrowd": 0}
                    | {"area": box[2] * box[3]}
                )
            results += [{"image_id": image, "category_id": 1, "bbox": b, "score": s} for b, s in predictions[frame]]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "x"}]}
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0]


def test_weighted_ap_equals_pycocotools_on_the_repeated_frames():
    random = np.random.default_rng(5)
    truths, predictions = [], []
    for _ in range(6):
        boxes = [[float(x), float(y), 30.0, 20.0] for x, y in random.integers(0, 60, (3, 2))]
        truths.append(boxes)
        moved = [[b[0] + float(random.integers(-6, 7)), b[1], 30.0, 20.0] for b in boxes for _ in range(2)]
        predictions.append([(b, float(s)) for b, s in zip(moved, random.random(len(moved)), strict=True)])
    weights = np.array([[1, 1, 1, 1, 1, 1], [2, 2, 0, 0, 1, 1], [0, 0, 3, 3, 0, 0], [1, 0, 2, 1, 1, 1]])

    ours = weighted_coco_ap([_greedy(truths, predictions)], weights)

    for row, expected in zip(ours, weights, strict=True):
        assert row == pytest.approx(_pycocotools_ap(truths, predictions, expected), abs=1e-12)


def _iou(a, b):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    inter = max(width, 0) * max(height, 0)
    return inter / (a[2] * a[3] + b[2] * b[3] - inter)


def _greedy(truths, predictions):
    """Greedy matching as in textbooks, by frame and threshold."""
    rows = [(s, f, b) for f, frame in enumerate(predictions) for b, s in frame]
    rows.sort(key=lambda row: -row[0])
    thresholds = np.linspace(0.5, 0.95, 10)
    true = np.zeros((10, len(rows)), bool)
    for t, threshold in enumerate(thresholds):
        free = [list(range(len(boxes))) for boxes in truths]
        for p, (_score, frame, box) in enumerate(rows):
            best = max(free[frame], key=lambda g: _iou(truths[frame][g], box), default=None)
            if best is not None and _iou(truths[frame][best], box) >= min(threshold, 1 - 1e-10):
                free[frame].remove(best)
                true[t, p] = True
    frames = np.array([row[1] for row in rows])
    return ClassMatches(frames, true, np.zeros_like(true), np.array([len(b) for b in truths]))


def test_weighted_pq_and_avg_iou_equal_the_sums_over_repeated_frames():
    sums = FrameSums(
        *(np.array(v, float) for v in ([1.4, 0, 0.5], [2, 0, 1], [0.9, 0, 0], [1, 0, 0], [0, 2, 1], [1, 0, 1]))
    )
    weights = np.array([[1, 1, 1], [2, 0, 1], [0, 3, 0]])

    pq, avg_iou = weighted_pq(sums, weights), weighted_avg_iou(sums, weights)

    assert pq == pytest.approx([0.9 / (1 + 1.5 + 1), 1.8 / (2 + 0.5 + 1.5), 0.0])
    assert avg_iou[:2] == pytest.approx([(0.7 + 0.5) / 2, (0.7 * 2 + 0.5) / 3])
    assert np.isnan(avg_iou[2])
