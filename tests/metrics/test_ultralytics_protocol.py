"""The protocol of yolo val: compared with ultralytics if it is installed, and by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import BoxTable, Convention
from iouviewer.metrics.ultralytics_protocol import PROTOCOL, THRESHOLDS, evaluate, interpolated_ap, match_frames, score


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_ap_per_class(seed, monkeypatch, tmp_path):
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("YOLO_OFFLINE", "true")
    ultralytics = pytest.importorskip("ultralytics", reason="the extra yolo is not installed")
    if f"ultralytics {ultralytics.__version__}" != PROTOCOL:
        pytest.skip(f"the protocol is {PROTOCOL}, installed is {ultralytics.__version__}")
    from ultralytics.utils.metrics import ap_per_class

    random = np.random.default_rng(seed)
    count = 400
    confidences = random.permutation(count) / count
    classes = random.integers(0, 4, count)
    correct = random.random((count, 10)) < confidences[:, None] * np.linspace(0.9, 0.1, 10)
    true_classes = random.integers(0, 5, 300)

    ours = score(correct, confidences, classes, true_classes)
    _tp, _fp, precision, recall, f1, ap, known, *_ = ap_per_class(correct, confidences, classes, true_classes)

    assert ours.classes.tolist() == known.tolist()
    assert ours.ap == pytest.approx(ap, abs=1e-6)
    assert ours.precision == pytest.approx(precision, abs=1e-6)
    assert ours.recall == pytest.approx(recall, abs=1e-6)
    assert ours.f1 == pytest.approx(f1, abs=1e-6)


def test_perfect_predictions_score_almost_one():
    # The envelope falls from (1, 1) to (1, 0): the last of the 101 samples sees 0 on neither side.
    assert interpolated_ap(np.array([0.5, 1.0]), np.array([1.0, 1.0])) == pytest.approx(0.995)


def test_no_ground_truth_is_undefined():
    nothing = BoxTable.empty(2)

    found = evaluate(nothing, nothing)

    assert math.isnan(found.map50) and math.isnan(found.map50_95)


def test_of_two_predictions_the_one_with_the_higher_score_is_matched():
    box = np.array([[0.0, 0.0, 10.0, 10.0]]).T
    truth = BoxTable.from_rows(np.array([0]), box, frame_count=1)
    both = BoxTable.from_rows(
        np.array([0, 0]), np.concatenate([box, box], axis=1), frame_count=1, scores=np.array([0.3, 0.8])
    )

    correct, rows = match_frames(truth, both)

    assert rows.tolist() == [1, 0]
    assert correct[0].all() and not correct[1].any()
    assert correct.shape == (2, len(THRESHOLDS))


@pytest.mark.filterwarnings("ignore")
def test_matching_equals_that_of_yolo_val(monkeypatch, tmp_path):
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("YOLO_OFFLINE", "true")
    ultralytics = pytest.importorskip("ultralytics", reason="the extra yolo is not installed")
    if f"ultralytics {ultralytics.__version__}" != PROTOCOL:
        pytest.skip(f"the protocol is {PROTOCOL}, installed is {ultralytics.__version__}")
    import torch
    from ultralytics.engine.validator import BaseValidator

    validator = SimpleNamespace(iouv=torch.linspace(0.5, 0.95, 10))
    random = np.random.default_rng(0)
    matched = 0
    for _ in range(40):
        corner = random.uniform(0, 40, (2, 8))
        truth = BoxTable.from_rows(
            np.zeros(8, int), np.concatenate((corner, corner + 30)), frame_count=1, class_ids=random.integers(0, 2, 8)
        )
        near = truth.boxes[:, random.integers(0, 8, 25)] + random.normal(0, 3, (4, 25))
        found = BoxTable.from_rows(
            np.zeros(25, int), near, frame_count=1, class_ids=random.integers(0, 2, 25), scores=random.random(25)
        )

        correct, rows = match_frames(truth, found)

        theirs = BaseValidator.match_predictions(
            validator,
            torch.from_numpy(found.class_ids[rows]),
            torch.from_numpy(truth.class_ids),
            torch.from_numpy(iou_matrix(truth.boxes, found.boxes[:, rows], Convention.CONTINUOUS)),
        )
        assert np.array_equal(correct, theirs.numpy())
        matched += int(correct.sum())
    assert matched > 1000
