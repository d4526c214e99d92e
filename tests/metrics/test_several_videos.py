"""Several videos: resamples draw videos first, then blocks of each; scores are pooled over all drawn frames."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.metrics.comparison import score_variant, stack_tables
from iouviewer.metrics.resampling import (
    ClassMatches,
    FrameSums,
    VideoFrames,
    block_weights,
    iter_two_stage_weights,
    two_stage_weights,
)
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import BoxTable
from iouviewer.metrics.verdict import FEW_VIDEOS, METRICS, Outcome, ScoredVariant, compare, percentile_interval
from iouviewer.metrics.verdict_text import describe_verdict
from tests.metrics.builders import FRAME_COUNTS, load_mot, pycocotools_stats, random_case

VIDEOS = st.lists(st.builds(VideoFrames, st.integers(1, 40), st.integers(1, 50)), min_size=1, max_size=6)


@given(VIDEOS, st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_every_resample_draws_as_many_whole_videos_as_there_are(videos, seed):
    weights = two_stage_weights(videos, resamples=30, seed=seed)

    ends = np.cumsum([video.frames for video in videos])
    parts = np.split(weights, ends[:-1], axis=1)
    draws = np.stack([part.sum(axis=1) / video.frames for part, video in zip(parts, videos, strict=True)], axis=1)
    assert weights.shape == (30, ends[-1])
    assert (weights >= 0).all()
    assert (draws == draws.round()).all()
    assert (draws.sum(axis=1) == len(videos)).all()


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_one_video_has_the_weights_of_its_blocks_and_no_others(frames, block, seed):
    weights = two_stage_weights([VideoFrames(frames, block)], resamples=20, seed=seed)

    assert np.array_equal(weights, block_weights(frames, block=block, resamples=20, seed=seed))


def test_without_drawing_videos_each_occurs_once_in_every_resample():
    videos = [VideoFrames(12, 3), VideoFrames(7, 2), VideoFrames(1, 1)]

    weights = two_stage_weights(videos, resamples=50, seed=4, draw_videos=False)

    assert [part.sum(axis=1).tolist() for part in np.split(weights, [12, 19], axis=1)] == [
        [12] * 50,
        [7] * 50,
        [1] * 50,
    ]
    assert len(np.unique(weights, axis=0)) > 25


def test_each_video_has_blocks_of_its_own_length_and_a_second_draw_has_blocks_of_its_own():
    weights = two_stage_weights([VideoFrames(40, 20), VideoFrames(40, 2)], resamples=400, seed=1)

    long, short = weights[:, :40], weights[:, 40:]
    changes = [(part != np.roll(part, 1, axis=1)).sum(axis=1) for part in (long, short)]
    draws = long.sum(axis=1) // 40
    # A video of two blocks changes its weights at four places at most each time it is drawn.
    assert (changes[0] <= 4 * draws).all()
    assert changes[1][draws < 2].min() > 4
    # If the same blocks were used twice, all weights would be even.
    assert (long[draws == 2] % 2).any(axis=1).mean() > 0.9


def test_each_video_is_drawn_as_often_as_any_other_and_some_resamples_lack_it():
    weights = two_stage_weights([VideoFrames(10, 5), VideoFrames(30, 5), VideoFrames(20, 5)], resamples=3000, seed=2)

    draws = np.stack([part.sum(axis=1) for part in np.split(weights, [10, 40], axis=1)], axis=1) / [10, 30, 20]
    assert draws.mean(axis=0) == pytest.approx([1, 1, 1], abs=0.05)
    assert (draws == 0).mean(axis=0) == pytest.approx([(2 / 3) ** 3] * 3, abs=0.04)


def _pooled(pairs):
    truth, predictions = (stack_tables(tables) for tables in zip(*pairs, strict=True))
    count = truth.frame_count
    review = review_all(truth, predictions, ReviewSettings())
    return score_variant(truth, predictions, review, np.ones(count, bool))


def _union(pairs):
    """All frames of all videos as rows, put together without ``stack_tables``."""
    count = sum(truth.frame_count for truth, _ in pairs)

    def joined(tables):
        firsts = np.cumsum([0, *(table.frame_count for table in tables[:-1])])
        frames = np.concatenate([table.frame_of_row() + first for table, first in zip(tables, firsts, strict=True)])
        columns = {
            name: np.concatenate([getattr(table, name) for table in tables])
            for name in ("class_ids", "scores", "ignored")
        }
        boxes = np.concatenate([table.boxes for table in tables], axis=1)
        return BoxTable.from_rows(frames, boxes, frame_count=count, **columns)

    return joined([truth for truth, _ in pairs]), joined([predictions for _, predictions in pairs])


@pytest.mark.parametrize("seed", range(4))
def test_pooled_ap_equals_pycocotools_on_the_union(seed):
    pairs = [random_case(10 * seed + number) for number in range(3)]

    scores = _pooled(pairs)
    ap = METRICS["ap"](scores, np.ones((1, len(scores.sums.iou)), np.int64))[0]

    assert ap == pytest.approx(pycocotools_stats(*_union(pairs))[0], abs=1e-9)


def test_a_video_drawn_twice_counts_twice():
    first, second = random_case(1), random_case(2)
    scores = _pooled([first, second])
    weights = np.repeat([[2, 1]], [first[0].frame_count, second[0].frame_count], axis=1)

    found = {metric: score(scores, weights)[0] for metric, score in METRICS.items()}

    again = _pooled([first, first, second])
    expected = {metric: score(again, np.ones((1, len(again.sums.iou)), int))[0] for metric, score in METRICS.items()}
    assert found == pytest.approx(expected, abs=1e-9)
    assert found["ap"] == pytest.approx(pycocotools_stats(*_union([first, first, second]))[0], abs=1e-9)


def test_stacked_tables_keep_rows_and_frames_and_one_table_is_returned_unchanged():
    one, other = random_case(3)[0], BoxTable.empty(4)

    both = stack_tables([other, one, other])

    assert stack_tables([one]) is one
    assert both.frame_count == one.frame_count + 8
    assert np.array_equal(both.frame_of_row(), one.frame_of_row() + 4)
    assert np.array_equal(both.boxes, one.boxes)


def test_pooled_real_videos_equal_pycocotools_and_each_keeps_its_golden_ap(shared_data):
    pairs = [
        (load_mot(shared_data, name, "gt.txt", True), load_mot(shared_data, name, "det_frcnn.txt", False))
        for name in FRAME_COUNTS
    ]
    scores = _pooled(pairs)
    alone = np.repeat(np.eye(2, dtype=np.int64), list(FRAME_COUNTS.values()), axis=1)

    ap = METRICS["ap"](scores, np.concatenate((np.ones((1, 866), np.int64), alone)))

    assert ap[0] == pytest.approx(pycocotools_stats(*_union(pairs))[0], abs=1e-9)
    assert ap[1:] == pytest.approx([0.208007, 0.312494], abs=1e-6)


def _video(frames: int, loss: float, seed: int) -> tuple[ScoredVariant, ScoredVariant]:
    """A baseline and a variant with one object a frame, the variant's IoU lower by about ``loss``."""
    random = np.random.default_rng(seed)
    shared = random.normal(0, 0.05, frames)
    return tuple(
        _one(np.clip(0.8 + shared - drop + random.normal(0, 0.02, frames), 0.5, 1), random.random(frames))
        for drop in (0.0, loss)
    )


def _one(iou, confidence) -> ScoredVariant:
    frames = len(iou)
    order = np.argsort(-confidence, kind="stable")
    true = iou[order][None, :] >= np.linspace(0.5, 0.95, 10)[:, None]
    ones, none = np.ones(frames), np.zeros(frames)
    matches = ClassMatches(order, true, np.zeros_like(true), np.ones(frames, np.int64))
    return ScoredVariant([matches], FrameSums(iou, ones, iou, ones, none, none))


def _set(losses, frames: int = 100):
    """Videos with a loss each, pooled: IoU and confidences one video after the other."""
    pairs = [_video(frames, loss, seed) for seed, loss in enumerate(losses)]
    sides = []
    for side in range(2):
        random = np.random.default_rng(side)
        iou = np.concatenate([pair[side].sums.iou for pair in pairs])
        sides.append(_one(iou, random.random(len(iou))))
    return sides[0], sides[1], [VideoFrames(frames, 5)] * len(losses)


def test_one_video_is_judged_by_its_blocks_alone_bit_for_bit():
    baseline, variant = _video(400, 0.05, 3)

    verdict = compare(baseline, variant, [VideoFrames(400, 10)], margins={"ap": 1.0}, resamples=200, seed=9)

    weights = block_weights(400, block=10, resamples=200, seed=9)
    for difference in verdict.differences:
        score = METRICS[difference.metric]
        expected = percentile_interval(100.0 * (score(variant, weights) - score(baseline, weights)))
        assert (difference.low, difference.high) == expected
    assert verdict.by_video == ({d.metric: d.points for d in verdict.differences},)
    assert "on this video" in describe_verdict("a", "b", verdict)


def test_two_copies_of_a_video_have_the_scores_of_one():
    baseline, variant = _video(200, 0.03, 5)
    copies = [
        ScoredVariant(
            [
                ClassMatches(
                    np.stack((c.frames, c.frames + 200), axis=1).ravel(),
                    np.repeat(c.true, 2, axis=1),
                    np.repeat(c.ignored, 2, axis=1),
                    np.tile(c.positives, 2),
                )
                for c in side.classes
            ],
            FrameSums(
                *(np.tile(getattr(side.sums, name), 2) for name in ("iou", "truths", "tp_iou", "tp", "fp", "fn"))
            ),
        )
        for side in (baseline, variant)
    ]
    video = VideoFrames(200, 5)

    one = compare(baseline, variant, [video], margins={}, resamples=2)
    two = compare(*copies, [video, video], margins={}, resamples=2)

    for single, double in zip(one.differences, two.differences, strict=True):
        assert double.points == pytest.approx(single.points, abs=1e-9)
    for row in two.by_video:
        assert row == pytest.approx({d.metric: d.points for d in one.differences}, abs=1e-9)


def test_videos_that_differ_widen_the_interval_and_the_verdict_gives_a_number_of_videos():
    alike, apart = _set([0.05] * 4), _set([0.0, 0.1, 0.0, 0.1])
    margins = {"pq": 6.0}

    narrow = compare(*alike, margins=margins, resamples=400).differences[1]
    verdict = compare(*apart, margins=margins, resamples=400)
    wide = verdict.differences[1]

    assert narrow.points == pytest.approx(wide.points, abs=0.5)
    assert wide.high - wide.low > 4 * (narrow.high - narrow.low)
    assert narrow.outcome is Outcome.PASS
    assert wide.outcome is Outcome.UNDECIDED
    assert wide.frames_needed is None
    assert wide.videos_needed is not None and wide.videos_needed > 4
    text = describe_verdict("a", "b", verdict)
    assert "400 frames, on 4 videos" in text
    assert "videos like these would decide it" in text


def test_for_similar_videos_the_verdict_gives_a_number_of_frames():
    baseline, variant, videos = _set([0.05] * 4)
    margin = -compare(baseline, variant, videos, margins={}, resamples=2).differences[1].points + 0.2

    verdict = compare(baseline, variant, videos, margins={"pq": margin}, resamples=400)

    pq = verdict.differences[1]
    assert pq.outcome is Outcome.UNDECIDED
    assert pq.videos_needed is None
    assert pq.frames_needed is not None and pq.frames_needed > 400
    assert "frames like these would decide it" in describe_verdict("a", "b", verdict)


@pytest.mark.parametrize(("frames", "intervals"), [(50, True), (49, False)])
def test_twenty_blocks_are_needed_in_all_videos_together(frames, intervals):
    baseline, variant, videos = _set([0.05, 0.05], frames)

    verdict = compare(baseline, variant, videos, margins={"pq": 50.0}, resamples=50)

    assert verdict.blocks == (20 if intervals else 18)
    assert math.isnan(verdict.differences[1].low) is not intervals
    if not intervals:
        assert "An interval needs at least 20 blocks of 5 frames; these frames form only 18." in describe_verdict(
            "a", "b", verdict
        )


@pytest.mark.parametrize(("count", "few"), [(1, False), (2, True), (FEW_VIDEOS - 1, True), (FEW_VIDEOS, False)])
def test_the_verdict_warns_of_few_videos(count, few):
    verdict = compare(*_set([0.0] * count, 120), margins={"pq": 50.0}, resamples=20)

    assert ("videos are few" in describe_verdict("a", "b", verdict)) is few


def test_blocks_of_half_twice_and_four_times_the_length_follow_each_videos_own():
    video, images = VideoFrames(100, 25), VideoFrames(40, 1, single_images=True)

    assert [video.scaled(factor).block for factor in (0.5, 2.0, 4.0)] == [12, 50, 100]
    assert images.scaled(4.0) is images
    assert VideoFrames(9, 1).scaled(0.5).block == 1


@given(VIDEOS, st.integers(0, 2**40), st.integers(1, 5000), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_parts_together_are_all_resamples(videos, seed, elements, draw_videos):
    options = {"resamples": 150, "seed": seed, "draw_videos": draw_videos}

    parts = list(iter_two_stage_weights(videos, elements=elements, **options))

    assert np.array_equal(np.concatenate(parts), two_stage_weights(videos, **options))
