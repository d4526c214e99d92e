"""Error types against an independent implementation of TIDE (hotcoco)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from iouviewer.metrics.error_types import ERRORS, SHORT_NAMES, ErrorType, classify_errors
from iouviewer.metrics.table import BoxTable
from tests.metrics.builders import random_case

hotcoco = pytest.importorskip("hotcoco", reason="hotcoco is the oracle for error types")


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
    truth, predictions = random_case(seed)

    ours, oracle = classify_errors(truth, predictions), _hotcoco(truth, predictions)

    assert {SHORT_NAMES[e]: n for e, n in ours.counts.items()} == oracle["counts"]
    assert ours.ap50 == pytest.approx(oracle["ap_base"], abs=1e-9)
    gains = {SHORT_NAMES[e]: gain for e, gain in ours.gains.items()}
    assert gains == pytest.approx({name: oracle["delta_ap"][name] for name in gains}, abs=1e-9)


def test_empty_tables_have_no_errors_and_no_ap():
    nothing = BoxTable.empty(3)

    found = classify_errors(nothing, nothing)

    assert set(found.counts.values()) == {0}
    assert math.isnan(found.ap50)


def test_frames_that_are_not_evaluated_have_no_errors():
    truth, predictions = random_case(1)
    frames = np.zeros(truth.frame_count, bool)
    frames[:10] = True

    found = classify_errors(truth, predictions, frames)

    outside = predictions.frame_of_row() >= 10
    assert (found.predictions[outside] == ErrorType.IGNORED).all()
    assert (truth.frame_of_row()[found.missed] < 10).all()
    assert set(found.gains) == set(ERRORS)


def test_a_prediction_inside_an_ignored_box_is_not_an_error():
    frames = np.array([0])
    truth = BoxTable.from_rows(
        frames, np.array([[0.0], [0.0], [100.0], [100.0]]), frame_count=1, ignored=np.array([True])
    )
    inside = BoxTable.from_rows(frames, np.array([[10.0], [10.0], [30.0], [30.0]]), frame_count=1)

    found = classify_errors(truth, inside)

    assert found.predictions.tolist() == [ErrorType.IGNORED]
    assert found.counts[ErrorType.BACKGROUND] == found.counts[ErrorType.MISS] == 0
