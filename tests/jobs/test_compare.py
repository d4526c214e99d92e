"""Common conditions of two variants: frames, score floor, max detections and classes, video by video."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iouviewer.document.predictions import PredictionSet
from iouviewer.jobs.compare import Comparison, Pool, compare_pooled, verdict_sentence
from iouviewer.metrics.coco import evaluate_coco
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable

FRAMES = 60


def truth_of(seed: int = 0, classes: int = 2) -> BoxTable:
    """Three boxes per frame in a row, with alternating classes."""
    random = np.random.default_rng(seed)
    frames = np.repeat(np.arange(FRAMES), 3)
    corner = np.stack((np.tile([0.0, 100.0, 200.0], FRAMES), random.uniform(0, 50, 3 * FRAMES)))
    boxes = np.concatenate((corner, corner + 60.0))
    return BoxTable.from_rows(frames, boxes, frame_count=FRAMES, class_ids=np.arange(len(frames)) % classes)


def predictions_of(truth: BoxTable, noise: float, *, seed: int = 1, floor: float = 0.001, **known) -> PredictionSet:
    """Each ground-truth box with noise and a random score."""
    random = np.random.default_rng(seed)
    table = BoxTable.from_rows(
        truth.frame_of_row(),
        truth.boxes + random.normal(0, noise, truth.boxes.shape),
        frame_count=truth.frame_count,
        class_ids=known.pop("class_ids", truth.class_ids),
        scores=random.uniform(0.3, 1.0, len(truth)),
    )
    covered = known.pop("covered", np.ones(truth.frame_count, np.bool_))
    return PredictionSet(table, covered, score_floor=floor, **known)


def comparison(truth: BoxTable, base: PredictionSet, other: PredictionSet, **known) -> Comparison:
    labelled = np.ones(truth.frame_count, np.bool_)
    variants = {"base": base, "other": other}
    return Comparison(truth, labelled, variants, "base", ReviewSettings(), 2.0, **known)


def compare_alone(one: Comparison):
    return compare_pooled(Pool((one,)), "other")


def points(compared) -> dict[str, float]:
    return {difference.metric: difference.points for difference in compared.verdict.differences}


def test_without_a_common_frame_in_one_video_there_is_no_verdict():
    truth = truth_of()
    half = np.arange(FRAMES) < FRAMES // 2
    whole = comparison(truth, predictions_of(truth, 2.0), predictions_of(truth, 4.0))
    apart = comparison(truth, predictions_of(truth, 2.0, covered=half), predictions_of(truth, 4.0, covered=~half))

    assert compare_alone(apart) is None
    assert compare_pooled(Pool((whole, apart)), "other") is None
    assert compare_pooled(Pool((whole, whole)), "other") is not None


def test_the_same_video_twice_has_the_points_of_one_video():
    truth = truth_of()
    one = comparison(truth, predictions_of(truth, 2.0), predictions_of(truth, 6.0, seed=2))

    alone, twice = compare_alone(one), compare_pooled(Pool((one, one)), "other")

    assert points(twice) == pytest.approx(points(alone), abs=1e-9)
    assert [dict(row) for row in twice.verdict.by_video] == [pytest.approx(points(alone), abs=1e-9)] * 2
    assert twice.verdict.frames == 2 * FRAMES
    assert twice.truths == 2 * alone.truths == 6 * FRAMES


def test_each_video_is_cut_at_its_own_common_floor():
    one, two = truth_of(0), truth_of(1)
    uncut = comparison(one, predictions_of(one, 2.0), predictions_of(one, 4.0, seed=2))
    cut = comparison(two, predictions_of(two, 2.0), predictions_of(two, 4.0, seed=2, floor=0.6))

    compared = compare_pooled(Pool((uncut, cut)), "other")

    assert compared.conditions.floors == (0.001, 0.6)
    assert compared.conditions.cut == (False, True)
    kept = int(np.sum(cut.variants["base"].table.scores >= 0.6))
    assert compared.predictions[0] == 3 * FRAMES + kept
    assert "Both cut at confidence 0.6 in 1 of 2 videos." in verdict_sentence("other", "base", compared)
    assert compared.verdict.by_video[0] == pytest.approx(points(compare_alone(uncut)))


def test_a_negligible_score_floor_is_not_mentioned():
    one, two = truth_of(0), truth_of(1)
    low = comparison(one, predictions_of(one, 2.0), predictions_of(one, 4.0, seed=2, floor=0.01))
    high = comparison(two, predictions_of(two, 2.0), predictions_of(two, 4.0, seed=2, floor=0.6))

    assert "cut" not in verdict_sentence("other", "base", compare_alone(low))
    text = verdict_sentence("other", "base", compare_pooled(Pool((low, high)), "other"))
    assert "Both cut at confidence 0.6 in 1 of 2 videos." in text


def test_both_are_limited_to_the_smaller_max_detections():
    truth = truth_of(classes=1)
    capped = predictions_of(truth, 2.0, max_detections=1)
    first_of_frame = np.arange(len(truth)) % 3 == 0
    capped = PredictionSet(capped.table.select(first_of_frame), capped.covered, score_floor=0.001, max_detections=1)

    compared = compare_alone(comparison(truth, predictions_of(truth, 2.0, max_detections=300), capped))

    assert compared.conditions.max_detections == (1,)
    assert compared.predictions[0] == FRAMES
    assert abs(points(compared)["pq"]) < 5
    assert "Both limited to 1 detection per frame." in verdict_sentence("other", "base", compared)


def test_a_variant_without_classes_is_no_better_than_one_with_wrong_classes():
    truth = truth_of()
    wrong = predictions_of(truth, 2.0, class_ids=1 - truth.class_ids)
    blank = predictions_of(truth, 2.0, class_ids=np.full(len(truth), UNSPECIFIED_CLASS))
    # The boxes are the same, but each rule on its own gives a different AP.
    assert evaluate_coco(truth, wrong.table).ap == 0
    assert evaluate_coco(truth, blank.table).ap > 0.5

    compared = compare_alone(comparison(truth, wrong, blank))

    assert compared.conditions.one_class
    assert points(compared) == pytest.approx({"ap": 0, "pq": 0, "avg_iou": 0})
    assert "Classes are ignored" in verdict_sentence("other", "base", compared)


def test_classes_count_if_both_have_them_or_neither_has():
    truth = truth_of()
    wrong = predictions_of(truth, 2.0, class_ids=1 - truth.class_ids)
    blank = predictions_of(truth, 2.0, class_ids=np.full(len(truth), UNSPECIFIED_CLASS))

    both = compare_alone(comparison(truth, predictions_of(truth, 2.0), wrong))
    none = compare_alone(comparison(truth, blank, blank))

    assert not both.conditions.one_class
    assert points(both)["ap"] < -50
    assert not none.conditions.one_class
    assert points(none) == pytest.approx({"ap": 0, "pq": 0, "avg_iou": 0})


@pytest.mark.parametrize(
    ("margins", "words"),
    [
        ({"ap": 1.0, "pq": 1.0}, "; PQ at confidence 0.3; 60 frames"),
        ({"pq": 1.0, "avg_iou": 1.0}, "; PQ, Avg IoU at confidence 0.3; 60 frames"),
        ({"ap": 1.0}, "allowed drop 1.0; 60 frames"),
    ],
)
def test_the_sentence_names_the_confidence_threshold_that_it_holds_at(margins, words):
    truth = truth_of()
    settings = ReviewSettings(conf=0.3)
    base, other = predictions_of(truth, 2.0), predictions_of(truth, 4.0, seed=2)
    one = replace(comparison(truth, base, other, margins=margins), review=settings)
    assert words in verdict_sentence("other", "base", compare_alone(one))
    # A score floor above the threshold is what PQ holds at.
    cut = replace(
        comparison(truth, base, predictions_of(truth, 4.0, seed=2, floor=0.6), margins=margins), review=settings
    )
    assert words.replace("0.3", "0.6") in verdict_sentence("other", "base", compare_alone(cut))
