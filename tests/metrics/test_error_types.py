"""Error types against an independent implementation of TIDE (hotcoco)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from iouviewer.metrics.error_types import ERRORS, SHORT_NAMES, ErrorType, classify_errors
from iouviewer.metrics.table import BoxTable

hotcoco = pytest.importorskip("hotcoco", reason="hotcoco is the oracle for error types")


def _random_case(seed: int) -> tuple[BoxTable, BoxTable]:
    random = np.random.default_rng(seed)
    frames, classes = 30, 3
    per_frame = random.integers(0, 6, frames)
    truth_frames = np.repeat(np.arange(frames), per_frame)
    corners = random.integers(0, 150, (2, len(truth_frames))).astype(float)
    sizes = random.integers(15, 60, (2, len(truth_frames))).astype(float)
    truth_classes = random.integers(0, classes, len(truth_frames))
    copies = np.repeat(np.arange(len(truth_frames)), random.integers(0, 4, len(truth_frames)))
    moved = corners[:, copies] + random.integers(-14, 15, (2, len(copies)))
    resized = sizes[:, copies] + random.integers(-8, 9, (2, len(copies)))
    flipped = np.where(
        random.random(len(copies)) < 0.3, random.integers(0, classes, len(copies)), truth_classes[copies]
    )
    stray = 40
    pred_frames = np.concatenate([truth_frames[copies], random.integers(0, frames, stray)])
    pred_corners = np.concatenate([moved, random.integers(0, 400, (2, stray)).astype(float)], axis=1)
    pred_sizes = np.concatenate([resized, np.full((2, stray), 25.0)], axis=1)
    pred_classes = np.concatenate([flipped, random.integers(0, classes, stray)])
    truth = BoxTable.from_rows(
        truth_frames, np.concatenate([corners, corners + sizes]), frame_count=frames, class_ids=truth_classes
    )
    predictions = BoxTable.from_rows(
        pred_frames,
        np.concatenate([pred_corners, pred_corners + pred_sizes]),
        frame_count=frames,
        class_ids=pred_classes,
        scores=random.permutation(len(pred_frames)) / len(pred_frames),
    )
    return truth, predictions


def _hotcoco(truth: BoxTable, predictions: BoxTable) -> dict:
    def rows(table):
        corner = table.boxes[:2]
        size = table.boxes[2:] - corner
        return zip(table.frame_of_row(), np.concatenate([corner, size]).T.tolist(), table.class_ids, strict=True)

    annotations = [
        {"id": i + 1, "image_id": int(f) + 1, "category_id": int(c) + 1, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
        for i, (f, b, c) in enumerate(rows(truth))
    ]
    results = [
        {"image_id": int(f) + 1, "category_id": int(c) + 1, "bbox": b, "score": float(s)}
        for (f, b, c), s in zip(rows(predictions), predictions.scores, strict=True)
    ]
    images = [{"id": f + 1, "width": 1000, "height": 1000} for f in range(truth.frame_count)]
    categories = [{"id": c + 1, "name": str(c)} for c in range(3)]
    coco = hotcoco.COCO({"images": images, "annotations": annotations, "categories": categories})
    evaluation = hotcoco.COCOeval(coco, coco.load_res(results), "bbox")
    evaluation.evaluate()
    return evaluation.tide_errors(pos_thr=0.5, bg_thr=0.1)


@pytest.mark.parametrize("seed", range(6))
def test_counts_and_gains_equal_the_oracle(seed):
    truth, predictions = _random_case(seed)

    ours, oracle = classify_errors(truth, predictions), _hotcoco(truth, predictions)

    assert {SHORT_NAMES[e]: n for e, n in ours.counts.items()} == oracle["counts"]
    assert ours.ap50 == pytest.approx(oracle["ap_base"], abs=1e-9)
    gains = {SHORT_NAMES[e]: gain for e, gain in ours.gains.items()}
    assert gains == pytest.approx({name: oracle["delta_ap"][name] for name in gains}, abs=1e-9)


def test_nothing_at_all_has_no_errors_and_no_ap():
    nothing = BoxTable.empty(3)

    found = classify_errors(nothing, nothing)

    assert set(found.counts.values()) == {0}
    assert math.isnan(found.ap50)


def test_frames_that_do_not_count_have_no_errors():
    truth, predictions = _random_case(1)
    frames = np.zeros(truth.frame_count, bool)
    frames[:10] = True

    found = classify_errors(truth, predictions, frames)

    outside = predictions.frame_of_row() >= 10
    assert (found.predictions[outside] == ErrorType.IGNORED).all()
    assert (truth.frame_of_row()[found.missed] < 10).all()
    assert set(found.gains) == set(ERRORS)


def test_a_prediction_inside_an_ignored_box_is_no_error():
    frames = np.array([0])
    truth = BoxTable.from_rows(
        frames, np.array([[0.0], [0.0], [100.0], [100.0]]), frame_count=1, ignored=np.array([True])
    )
    inside = BoxTable.from_rows(frames, np.array([[10.0], [10.0], [30.0], [30.0]]), frame_count=1)

    found = classify_errors(truth, inside)

    assert found.predictions.tolist() == [ErrorType.IGNORED]
    assert found.counts[ErrorType.BACKGROUND] == found.counts[ErrorType.MISS] == 0
