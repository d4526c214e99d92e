"""What a filter does to scores and lists: the definitions of docs/metrics.md."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document.filter_line import parse_filter
from iouviewer.document.filtering import FilterRules
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.stated_areas import StatedAreas
from iouviewer.errors import UserError
from iouviewer.metrics.coco import evaluate_coco
from iouviewer.metrics.error_types import ErrorType, classify_errors
from iouviewer.metrics.review import PairState, ReviewSettings, match_rows, review_all, review_frame
from iouviewer.metrics.table import BoxTable

CLASSES = ("person", "car", "dog")
SETTINGS = ReviewSettings(conf=0.3)


def rules(line: str) -> FilterRules:
    return FilterRules.of(parse_filter(line), CLASSES)


def table(rows: list[tuple[int, tuple[float, float, float, float], int, float]], frames: int = 3) -> BoxTable:
    return BoxTable.from_rows(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.float64).reshape(-1, 4).T,
        frame_count=frames,
        class_ids=np.array([row[2] for row in rows], np.int64),
        scores=np.array([row[3] for row in rows]),
    )


def world(seed: int) -> tuple[BoxTable, BoxTable]:
    """Random ground truth and predictions near it."""
    random = np.random.default_rng(seed)
    truth, predicted = [], []
    for frame in range(6):
        for _ in range(random.integers(0, 7)):
            x, y = random.uniform(0, 200, 2)
            w, h = random.uniform(6, 160, 2)
            class_id = int(random.integers(0, 3))
            truth.append((frame, (x, y, x + w, y + h), class_id, 1.0))
            for _ in range(random.integers(0, 3)):
                dx, dy = random.normal(0, 3, 2)
                kind = class_id if random.random() < 0.8 else int(random.integers(0, 3))
                predicted.append((frame, (x + dx, y + dy, x + dx + w, y + dy + h), kind, float(random.random())))
        for _ in range(random.integers(0, 3)):
            x, y = random.uniform(0, 200, 2)
            predicted.append((frame, (x, y, x + 30, y + 30), int(random.integers(0, 3)), float(random.random())))
    return table(truth, 6), table(predicted, 6)


def marked(found: FilterRules, truth: BoxTable, predicted: BoxTable) -> tuple[BoxTable, BoxTable]:
    return found.truth(truth), found.predicted(predicted, has_scores=True)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["small", "medium", "large"]))
def test_a_size_gives_what_coco_gives_for_that_range_of_areas(seed: int, name: str) -> None:
    truth, predicted = world(seed)
    expected = evaluate_coco(truth, predicted).sizes[name]
    found = evaluate_coco(*marked(rules(f"size:{name}"), truth, predicted))
    assert found.ap == expected.ap
    assert found.ar100 == expected.ar


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2))
def test_a_class_gives_what_coco_gives_for_that_class(seed: int, number: int) -> None:
    truth, predicted = world(seed)
    expected = evaluate_coco(truth, predicted).per_class.get(number)
    found = evaluate_coco(*marked(rules(f"class:{CLASSES[number]}"), truth, predicted))
    assert found.ap == (None if expected is None else expected.ap)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from(["size:<40", "class:person", "class:car,dog size:20-90", "-size:small"])
)
def test_the_filter_changes_no_match_and_its_parts_add_up(seed: int, line: str) -> None:
    truth, predicted = world(seed)
    whole = review_all(truth, predicted, SETTINGS)
    chosen, rest = rules(line), None
    inside, outside = chosen.truth(truth), None
    review = review_all(inside, chosen.predicted(predicted, has_scores=True), SETTINGS)
    np.testing.assert_array_equal(review.pair_gt, whole.pair_gt)
    np.testing.assert_array_equal(review.pair_pred, whole.pair_pred)
    # Whatever the filter leaves out is what the opposite mark counts: found and missed boxes add up.
    outside = replace(inside, outside=~inside.is_outside())
    rest = review_all(outside, predicted, SETTINGS)
    assert int(review.tp.sum() + rest.tp.sum()) == int(whole.tp.sum())
    assert int(review.fn.sum() + rest.fn.sum()) == int(whole.fn.sum())
    assert float(review.iou_sum.sum() + rest.iou_sum.sum()) == pytest.approx(float(whole.iou_sum.sum()))


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["size:<40", "class:person", "score:>.5", "-class:dog size:>20 score:<.9"]),
)
def test_one_frame_and_all_frames_count_the_same(seed: int, line: str) -> None:
    truth, predicted = marked(rules(line), *world(seed))
    review = review_all(truth, predicted, SETTINGS)
    for frame in range(truth.frame_count):
        one = review_frame(truth.frame(frame), predicted.frame(frame), SETTINGS).counts
        assert (one.gt_count, one.tp, one.fp, one.fn, one.ignored) == (
            review.gt_count[frame], review.tp[frame], review.fp[frame], review.fn[frame], review.ignored[frame],
        )  # fmt: skip
        assert one.iou_sum == review.iou_sum[frame]


def test_ground_truth_outside_is_ignored_with_its_prediction() -> None:
    """Two boxes, both found, a false prediction of each size: only what is under 32 pixels counts."""
    small, large = (0.0, 0.0, 20.0, 20.0), (50.0, 50.0, 150.0, 150.0)
    truth = table([(0, small, 0, 1), (0, large, 0, 1)])
    predicted = table(
        [(0, small, 0, 0.9), (0, large, 0, 0.8), (0, (200, 0, 220, 20), 0, 0.7), (0, (200, 50, 300, 150), 0, 0.6)]
    )
    review = review_all(*marked(rules("size:<32"), truth, predicted), SETTINGS)
    assert (review.tp[0], review.fp[0], review.fn[0]) == (1, 1, 0)
    assert review.frame_iou[0] == 1.0


def test_a_prediction_outside_counts_where_its_partner_does() -> None:
    truth = table([(0, (0, 0, 30, 30), 0, 1)])
    predicted = table([(0, (0, 0, 34, 34), 0, 0.9)])
    review = review_all(*marked(rules("size:<32"), truth, predicted), SETTINGS)
    assert (review.tp[0], review.fp[0], review.fn[0]) == (1, 0, 0)


def test_a_score_leaves_predictions_out_before_matching() -> None:
    box = (0.0, 0.0, 30.0, 30.0)
    truth, predicted = table([(0, box, 0, 1)]), table([(0, box, 0, 0.4), (0, (1, 0, 31, 30), 0, 0.9)])
    review = review_all(*marked(rules("score:>.5"), truth, predicted), SETTINGS)
    assert (review.tp[0], review.fp[0]) == (1, 0)
    assert review.pair_iou[0] < 1.0
    found = rules("score:>.5").predictions(PredictionSet(predicted, np.ones(3, np.bool_), score_floor=0.1))
    assert found.score_floor == 0.5  # AP is a lower bound from now on
    review = review_all(*marked(rules("score:>.95"), truth, predicted), SETTINGS)
    assert (review.tp[0], review.fp[0], review.fn[0]) == (0, 0, 1)


def test_the_area_that_a_file_states_decides_the_size() -> None:
    truth = table([(0, (0, 0, 40, 40), 0, 1)])
    stated = StatedAreas.of(truth.ids, truth.boxes, np.array([100.0]))
    found = FilterRules.of(parse_filter("size:<32"), CLASSES, areas=stated)
    assert not found.truth(truth).is_outside().any()
    assert rules("size:<32").truth(truth).is_outside().all()


def listed(line: str, truth: BoxTable, predicted: BoxTable, **known: object) -> list[tuple[int, int, int]]:
    found = rules(line)
    tables = marked(found, truth, predicted)
    rows = match_rows(*tables, review_all(*tables, SETTINGS))
    keep = found.lists(rows, *tables, variant="int8", **known)  # type: ignore[arg-type]
    return sorted(zip(rows.gt[keep].tolist(), rows.pred[keep].tolist(), rows.states[keep].tolist(), strict=True))


def test_lists_are_narrowed_by_state_iou_track_variant_and_what_the_baseline_finds() -> None:
    boxes = [
        (0, (0.0, 0.0, 30.0, 30.0), 0, 1.0),
        (1, (0.0, 0.0, 30.0, 30.0), 1, 1.0),
        (2, (0.0, 0.0, 50.0, 50.0), 0, 1.0),
    ]
    truth = table(boxes)
    predicted = table([(0, (0, 0, 30, 30), 0, 0.9), (1, (0, 0, 30, 12), 1, 0.8), (1, (100, 0, 130, 30), 0, 0.7)])
    hit, loose, extra, miss = (
        (0, 0, int(PairState.TRUE_POSITIVE)),
        (1, 1, int(PairState.LOOSE)),
        (-1, 2, int(PairState.FALSE_POSITIVE)),
        (2, -1, int(PairState.MISS)),
    )
    assert listed("", truth, predicted) == sorted([hit, loose, extra, miss])
    assert listed("state:miss,loose", truth, predicted) == sorted([loose, miss])
    assert listed("-state:match", truth, predicted) == sorted([loose, extra, miss])
    assert listed("state:extra score:>.75", truth, predicted) == []
    assert listed("state:miss score:>.5", truth, predicted) == [miss]
    assert listed("iou:<.6", truth, predicted) == [loose]
    assert listed("frames:1", truth, predicted) == sorted([loose, extra])
    assert listed("class:person size:<40", truth, predicted) == sorted([hit, extra])
    assert listed("track:7", truth, predicted, tracks=np.array([7, -1, 8])) == [hit]
    assert listed("-track:7", truth, predicted, tracks=np.array([7, -1, 8])) == sorted([loose, extra, miss])
    assert listed("variant:base", truth, predicted) == []
    found = np.array([False, False, True])
    assert listed("lost", truth, predicted, is_found=found) == [miss]
    assert listed("gained", truth, predicted, is_found=found) == [hit]
    assert listed("lost", truth, predicted) == []  # the baseline loses nothing against itself


def test_error_types_count_what_the_filter_counts() -> None:
    truth = table([(0, (0, 0, 20, 20), 0, 1), (1, (0, 0, 100, 100), 0, 1), (2, (0, 0, 20, 20), 0, 1)])
    predicted = table([(0, (0, 0, 20, 20), 0, 0.9), (1, (0, 0, 100, 100), 0, 0.8), (2, (80, 80, 100, 100), 0, 0.7)])
    found = classify_errors(*marked(rules("size:<32"), truth, predicted))
    assert found.predictions.tolist() == [ErrorType.TRUE, ErrorType.IGNORED, ErrorType.BACKGROUND]
    assert found.missed.tolist() == [2]
    assert found.ap50 == pytest.approx(evaluate_coco(*marked(rules("size:<32"), truth, predicted)).ap50 or 0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("class:preson", "filter “class:preson”: the ground truth has no class “preson”"),
        ("size:<16 variant:in8", "filter “variant:in8”: there is no variant “in8”"),
    ],
)
def test_names_that_do_not_exist_are_refused(line: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        FilterRules.of(parse_filter(line), CLASSES, variants=["int8", "base"])
    assert str(caught.value).startswith(said)
