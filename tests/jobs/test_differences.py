"""Lost and gained boxes, and the curves that the Compare workspace draws."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document.predictions import PredictionSet
from iouviewer.jobs.differences import ComparisonInput, Differences, find_differences
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import BoxTable

FRAMES = 6
ON = np.arange(FRAMES)
BOXES = np.tile(np.array([[10.0], [10.0], [50.0], [90.0]]), FRAMES)


def table(class_id: int, frames: np.ndarray = ON) -> BoxTable:
    ids = np.full(len(frames), class_id)
    return BoxTable.from_rows(frames, BOXES[:, : len(frames)], frame_count=FRAMES, class_ids=ids)


def differences(variants: dict[str, BoxTable], review: ReviewSettings) -> Differences:
    every = np.ones(FRAMES, np.bool_)
    sets = {name: PredictionSet(found, every) for name, found in variants.items()}
    return find_differences(ComparisonInput(1, table(0), every, review, sets, "base"))


def test_a_variant_loses_the_boxes_that_only_the_baseline_finds() -> None:
    found = differences({"base": table(0), "half": table(0, ON[:4])}, ReviewSettings())
    assert found.lost["half"].frames.tolist() == [4, 5]
    assert len(found.gained["half"]) == 0 and "base" not in found.lost


@pytest.mark.parametrize("class_agnostic", [False, True])
def test_curves_ignore_classes_where_all_numbers_do(class_agnostic: bool) -> None:
    curve = differences({"base": table(1)}, ReviewSettings(class_agnostic=class_agnostic)).curves["base"]
    assert float(curve.recall.max(initial=0.0)) == float(class_agnostic)


def test_boxes_that_both_find_have_moved_from_a_tenth_of_iou_on() -> None:
    shifts = np.array([0.0, 1.0, 3.0, 8.0, 30.0, 0.0])  # the boxes are 40 px wide; 30 px off are not found
    moved = BOXES + np.stack((shifts, np.zeros(FRAMES), shifts, np.zeros(FRAMES)))
    shifted = BoxTable.from_rows(ON, moved, frame_count=FRAMES, class_ids=np.zeros(FRAMES, np.int64))
    found = differences({"base": table(0), "shifted": shifted}, ReviewSettings())
    assert found.moved["shifted"].frames.tolist() == [2, 3]
    assert found.moved["shifted"].variant_iou.tolist() == [37 / 43, 32 / 48]
    assert found.lost["shifted"].frames.tolist() == [4]


def test_a_point_of_a_curve_is_found_by_its_confidence_and_the_best_f1_is_one_of_them() -> None:
    frames = np.repeat(ON, 2)
    boxes = np.repeat(BOXES, 2, axis=1)
    boxes[:, 1::2] += 200  # the second box of each frame is nowhere near an object
    scores = np.where(np.arange(2 * FRAMES) % 2, 0.4, np.linspace(0.5, 0.9, 2 * FRAMES))
    found = BoxTable.from_rows(
        frames, boxes, frame_count=FRAMES, class_ids=np.zeros(2 * FRAMES, np.int64), scores=scores
    )
    every = np.ones(FRAMES, np.bool_)
    sets = {"base": PredictionSet(found, every, score_floor=0.4)}
    data = ComparisonInput(1, table(0), every, ReviewSettings(), sets, "base")
    curve = find_differences(data).curves["base"]
    assert curve.f1(curve.best) == pytest.approx(1.0) and curve.confidences[curve.best] == pytest.approx(0.5)
    assert curve.place_at(0.95) == -1
    assert curve.confidences[curve.place_at(0.5)] == pytest.approx(0.5)
    assert curve.recall[curve.place_at(0.0)] == 1.0 and curve.precision[curve.place_at(0.0)] == 0.5
