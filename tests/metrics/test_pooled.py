"""Partials of several sources, merged, give what one evaluation of all boxes gives."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.metrics.coco import evaluate_coco, match_coco
from iouviewer.metrics.comparison import score_variant, stack_tables
from iouviewer.metrics.partial import Partial, build_partial
from iouviewer.metrics.pooled import pool
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import BoxTable
from iouviewer.metrics.verdict import METRICS, VideoFrames, compare
from tests.metrics.builders import random_case

NAMES = ("a", "b", "c")
SMALL = ({}, {"piece": 7}, {"in_memory": 64, "piece": 50}, {"in_memory": 8, "piece": 1})
"""Everything in memory and in one piece, in pieces, and in files of ranges of scores."""


def _partial(truth, predictions, frames=None, *, names=NAMES, single_images=False, **options) -> Partial:
    frames = np.ones(truth.frame_count, bool) if frames is None else frames
    review = review_all(truth, predictions, ReviewSettings(), frames)
    sums = (review.iou_sum, review.tp_iou_sum, review.gt_count, review.tp, review.fp, review.fn)
    matches = match_coco(truth, predictions, frames, **options)
    return build_partial(truth, predictions, matches, sums, frames, class_names=names, single_images=single_images)


def _whole(truth, predictions):
    review = review_all(truth, predictions, ReviewSettings())
    return score_variant(truth, predictions, review, np.ones(truth.frame_count, bool))


def _rounded(case, ignored=0):
    """The case with many equal scores, and some ignored boxes."""
    truth, predictions = case
    random = np.random.default_rng(len(predictions))
    scores = np.round(predictions.scores, 1)
    hidden = np.arange(len(truth)) % 5 < ignored
    return (
        BoxTable(
            truth.offsets, truth.boxes, truth.class_ids, truth.scores, hidden, truth.ids,
            by_iou=hidden & (random.random(len(truth)) < 0.5),
        ),
        BoxTable(
            predictions.offsets, predictions.boxes, predictions.class_ids, scores, predictions.ignored,
            predictions.ids,
        ),
    )  # fmt: skip


def _slices(table: BoxTable, bounds: list[int]) -> list[BoxTable]:
    """The frames between the bounds as tables of their own."""
    found = []
    for first, last in pairwise(bounds):
        rows = slice(int(table.offsets[first]), int(table.offsets[last]))
        found.append(
            BoxTable(
                table.offsets[first : last + 1] - table.offsets[first],
                table.boxes[:, rows],
                table.class_ids[rows],
                table.scores[rows],
                table.ignored[rows],
                table.ids[rows],
                by_iou=None if table.by_iou is None else table.by_iou[rows],
            )
        )
    return found


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sets(st.integers(1, 29), max_size=6), st.integers(0, 2), st.sampled_from(SMALL))
def test_a_source_split_anywhere_and_merged_has_the_scores_of_the_whole(seed, cuts, ignored, sizes) -> None:
    truth, predictions = _rounded(random_case(seed), ignored)
    bounds = [0, *sorted(cuts), truth.frame_count]
    whole = evaluate_coco(truth, predictions)
    summary = review_all(truth, predictions, ReviewSettings()).summary()

    merged = pool(map(_partial, _slices(truth, bounds), _slices(predictions, bounds)), **sizes)

    found = merged.scores()
    assert (found.ap, found.ap50, found.ap75, found.ar100) == (whole.ap, whole.ap50, whole.ap75, whole.ar100)
    assert found.per_class == {NAMES[number]: one for number, one in whole.per_class.items()}
    assert (found.pq, found.avg_iou) == pytest.approx((summary.pq, summary.avg_iou), abs=1e-12)
    lengths = np.diff(bounds)
    dense = _whole(truth, predictions)
    for metric in METRICS:
        expected = dense.influence(metric)
        if len(lengths) > 1:
            expected = np.add.reduceat(expected, bounds[:-1])
        assert merged.influence(metric) == pytest.approx(expected, abs=1e-9, nan_ok=True)
        alone = dense.score_by_video(metric, lengths.tolist())
        assert merged.score_by_video(metric, lengths.tolist()) == pytest.approx(alone, abs=1e-12, nan_ok=True)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 4), st.booleans(), st.sampled_from(SMALL))
def test_a_verdict_from_partials_is_that_of_all_boxes_at_once(seed, count, images, sizes) -> None:
    cases = [_rounded(random_case(seed + number)) for number in range(count)]
    others = [random_case(seed + number)[1] for number in range(count)]
    truths = [truth for truth, _ in cases]
    sides = [[predictions for _, predictions in cases], others]
    videos = [VideoFrames(truth.frame_count, images) for truth in truths]
    margins = {"ap": 1.0, "pq": 1.0}

    whole = compare(*(_whole(stack_tables(truths), stack_tables(side)) for side in sides), videos, margins=margins)
    merged = compare(
        *(
            pool((_partial(t, p, single_images=images) for t, p in zip(truths, side, strict=True)), **sizes)
            for side in sides
        ),
        videos,
        margins=margins,
    )

    assert merged.outcome is whole.outcome
    for one, other in zip(merged.differences, whole.differences, strict=True):
        assert (one.metric, one.outcome, one.reason) == (other.metric, other.outcome, other.reason)
        values = ((d.points, d.low, d.high) for d in (one, other))
        assert next(values) == pytest.approx(next(values), abs=1e-9, nan_ok=True)
    for row, expected in zip(merged.by_video, whole.by_video, strict=True):
        assert row == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_single_images_beside_a_video_are_one_cluster() -> None:
    cases = [random_case(number) for number in range(3)]
    kinds = [True, True, False]
    whole = _whole(*(stack_tables(tables) for tables in zip(*cases, strict=True)))

    for sizes in SMALL:
        merged = pool((_partial(*case, single_images=one) for case, one in zip(cases, kinds, strict=True)), **sizes)
        for metric in METRICS:
            expected = np.add.reduceat(whole.influence(metric), [0, 30, 60])
            assert merged.influence(metric) == pytest.approx(expected, abs=1e-9)


def test_only_the_chosen_frames_count() -> None:
    truth, predictions = random_case(4)
    frames = np.arange(truth.frame_count) % 3 > 0

    found = pool([_partial(truth, predictions, frames)]).scores()

    assert found.ap == evaluate_coco(truth, predictions, frames).ap
    assert found.pq == pytest.approx(review_all(truth, predictions, ReviewSettings(), frames).summary().pq, abs=1e-12)


def test_sources_are_joined_by_the_names_of_their_classes() -> None:
    first, second = random_case(1), random_case(2)
    turned = [BoxTable(t.offsets, t.boxes, 2 - t.class_ids, t.scores, t.ignored, t.ids) for t in second]
    expected = pool([_partial(*first), _partial(*second)]).scores()

    found = pool([_partial(*first), _partial(*turned, names=("C", "B", "A"))]).scores()

    assert (found.ap, found.per_class.keys()) == (expected.ap, expected.per_class.keys())


def test_a_source_without_scores_leaves_ap_undefined() -> None:
    truth, predictions = random_case(5)
    scored = _partial(truth, predictions)
    review = review_all(truth, predictions, ReviewSettings())
    sums = (review.iou_sum, review.tp_iou_sum, review.gt_count, review.tp, review.fp, review.fn)
    without = build_partial(truth, predictions, None, sums, np.ones(30, bool), class_names=NAMES)

    found = pool([scored, without])

    assert found.scores().ap is None and np.isnan(found.influence("ap")).all()
    assert found.scores().pq == pool([scored]).scores().pq


def test_nothing_at_all_is_undefined_and_no_source_is_refused() -> None:
    empty = BoxTable.empty(4)

    found = pool([_partial(empty, empty)])

    assert found.scores().ap is None and found.scores().pq is None and found.scores().avg_iou is None
    with pytest.raises(ValueError, match="there is no partial"):
        pool([])


def test_a_partial_takes_about_twenty_bytes_a_box() -> None:
    random = np.random.default_rng(0)
    frames, each = 1000, 10
    corners = random.random((2, frames * each)) * 500
    boxes = np.concatenate((corners, corners + 40))
    numbers = np.repeat(np.arange(frames), each)
    truth = BoxTable.from_rows(numbers, boxes, frame_count=frames)
    predictions = BoxTable.from_rows(
        numbers, boxes + random.normal(0, 3, boxes.shape), frame_count=frames, scores=random.random(frames * each)
    )

    assert _partial(truth, predictions).nbytes / (frames * each) < 22
