"""Reference values on real video with human ground truth and the output of a real detector."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.metrics.coco import evaluate_coco
from iouviewer.metrics.review import ReviewSettings, review_all, review_frame
from iouviewer.metrics.table import Convention
from tests.metrics.builders import FRAME_COUNTS, assert_equals_pycocotools, load_mot

COLUMNS = ("avg_iou", "box_iou", "tp_iou", "pq", "tp", "fp", "fn")
GOLDEN = {
    ("pets09", 0.25): (0.578275, 0.572919, 0.668931, 0.533380, 3506, 812, 970),
    ("pets09", 0.9): (0.549115, 0.540373, 0.670993, 0.531126, 3317, 588, 1159),
    ("tud-campus", 0.25): (0.570258, 0.569853, 0.735917, 0.571418, 264, 57, 95),
    ("tud-campus", 0.9): (0.503875, 0.503764, 0.741394, 0.574762, 238, 17, 121),
}
AP = {
    "pets09": (0.208007, 0.707452, 0.042451, 0.304714),
    "tud-campus": (0.312494, 0.710916, 0.235690, 0.384123),
}
INCLUSIVE = {"pets09": {"avg_iou": 0.584428, "tp": 3558, "fp": 754}, "tud-campus": {"avg_iou": 0.572336, "tp": 265}}


@pytest.fixture(scope="module", params=FRAME_COUNTS)
def real(request, shared_data):
    sequence = request.param
    return (
        sequence,
        load_mot(shared_data, sequence, "gt.txt", True),
        load_mot(shared_data, sequence, "det_frcnn.txt", False),
    )


@pytest.mark.parametrize("conf", [0.25, 0.9])
def test_review_numbers(real, conf):
    sequence, gt, pred = real
    summary = review_all(gt, pred, ReviewSettings(conf=conf)).summary()
    values = [getattr(summary, name) for name in COLUMNS]
    assert values == pytest.approx(GOLDEN[sequence, conf], abs=1e-6)
    assert summary.pq == pytest.approx(summary.tp_iou * summary.f1, abs=1e-12)


def test_inclusive_review_numbers(real):
    sequence, gt, pred = real
    summary = review_all(gt, pred, ReviewSettings(convention=Convention.INCLUSIVE)).summary()
    for name, value in INCLUSIVE[sequence].items():
        assert getattr(summary, name) == pytest.approx(value, abs=1e-6)


def test_ap_and_pycocotools(real):
    sequence, gt, pred = real
    result = evaluate_coco(gt, pred)
    assert (result.ap, result.ap50, result.ap75, result.ar100) == pytest.approx(AP[sequence], abs=1e-6)
    assert_equals_pycocotools(gt, pred)


def test_reviews_of_single_frames_equal_the_review_of_all_bit_for_bit(real):
    _, gt, pred = real
    review = review_all(gt, pred, ReviewSettings())
    for frame in range(gt.frame_count):
        found = review_frame(gt.frame(frame), pred.frame(frame), review.settings)
        paired = (found.gt_rows >= 0) & (found.pred_rows >= 0)
        ours = review.pair_frame == frame
        np.testing.assert_array_equal(found.gt_rows[paired] + gt.offsets[frame], review.pair_gt[ours])
        np.testing.assert_array_equal(found.pred_rows[paired] + pred.offsets[frame], review.pair_pred[ours])
        np.testing.assert_array_equal(found.iou[paired], review.pair_iou[ours])
        sums = (review.iou_sum, review.tp_iou_sum, review.gt_count, review.tp, review.fp, review.fn)
        counted = (found.iou_sum, found.tp_iou_sum, found.gt_count, found.tp, found.fp, found.fn)
        assert counted == tuple(column[frame] for column in sums)
