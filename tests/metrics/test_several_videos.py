"""Several videos: scores are pooled over all frames, and an interval comes from the differences between videos."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from iouviewer.metrics.comparison import score_variant, stack_tables
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import BoxTable
from iouviewer.metrics.verdict import FEW_VIDEOS, METRICS, Outcome, ScoredVariant, VideoFrames, compare
from iouviewer.metrics.verdict_text import describe_verdict
from iouviewer.metrics.weighted_scores import ClassMatches, FrameSums
from tests.metrics.builders import FRAME_COUNTS, load_mot, pycocotools_stats, random_case


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
    return sides[0], sides[1], [VideoFrames(frames)] * len(losses)


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
    video = VideoFrames(200)

    one = compare(baseline, variant, [video], margins={})
    two = compare(*copies, [video, video], margins={})

    for single, double in zip(one.differences, two.differences, strict=True):
        assert double.points == pytest.approx(single.points, abs=1e-9)
    for row in two.by_video:
        assert row == pytest.approx({d.metric: d.points for d in one.differences}, abs=1e-9)


def test_videos_that_differ_widen_the_interval_and_the_verdict_gives_a_number_of_videos():
    alike, apart = _set([0.05] * 4), _set([0.0, 0.1, 0.0, 0.1])
    margins = {"pq": 6.0}

    narrow = compare(*alike, margins=margins).differences[1]
    verdict = compare(*apart, margins=margins)
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


@pytest.mark.parametrize(("count", "few"), [(1, False), (2, True), (FEW_VIDEOS - 1, True), (FEW_VIDEOS, False)])
def test_the_verdict_warns_of_few_videos(count, few):
    verdict = compare(*_set([0.0] * count, 120), margins={"pq": 50.0})

    assert ("videos the interval is wide" in describe_verdict("a", "b", verdict)) is few


def test_the_interval_of_several_videos_is_that_of_a_t_test_over_their_sums():
    """With one object a frame and no misses, PQ is the mean IoU, so each video has a mean difference of its own."""
    losses = [0.02, 0.05, 0.03, 0.06, 0.04]
    baseline, variant, videos = _set(losses)

    pq = compare(baseline, variant, videos, margins={}).differences[1]

    means = (variant.sums.iou - baseline.sums.iou).reshape(len(losses), -1).mean(axis=1) * 100.0
    expected = stats.t.interval(0.95, len(losses) - 1, means.mean(), stats.sem(means))
    assert (pq.low, pq.high) == pytest.approx(expected, abs=1e-9)


def test_two_videos_that_differ_decide_little():
    verdict = compare(*_set([0.0, 0.1]), margins={"pq": 3.0})

    assert verdict.outcome is Outcome.UNDECIDED
    assert "only 2 videos" in describe_verdict("a", "b", verdict)
