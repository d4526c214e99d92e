"""Block bootstrap over frames: which frames a resample holds, and the scores of all resamples at once.

A resample is a row of weights: how often each frame occurs. Every score is a weighted sum; nothing is matched again.
Source: Politis and Romano 1992 (circular blocks), Künsch 1989 (moving blocks); percentile intervals after Efron 1979;
videos first, then blocks within them: Davison and Hinkley 1997, 3.8 (two-stage resampling of clusters).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.table import Bool, Float, Int

RECALL_POINTS = np.linspace(0.0, 1.0, 101)
# Small enough for the arrays of a chunk to stay in the processor's cache.
_CHUNK_ELEMENTS = 200_000
# Weights that are held at a time: 128 MiB, and twice that while they are made.
_PART_ELEMENTS = 1 << 24
_ROW_GROUP = 64


@dataclass(frozen=True, slots=True)
class VideoFrames:
    """The frames of one video that both variants are scored on.

    Attributes:
        frames: how many, at least 1.
        block: how many of them form a block (those of one second).
        single_images: they are independent pictures: blocks of one, whatever the factor.
    """

    frames: int
    block: int
    single_images: bool = False

    def scaled(self, factor: float) -> VideoFrames:
        """The same frames with blocks of ``factor`` times the length."""
        return self if self.single_images else replace(self, block=max(1, round(self.block * factor)))


def two_stage_weights(videos: Sequence[VideoFrames], *, resamples: int, seed: int, draw_videos: bool = True) -> Int:
    """How often each frame of several videos occurs in each resample: videos are drawn first, then blocks within them.

    Every resample draws as many videos as there are, with replacement; a video that is drawn twice has its blocks drawn
    twice, each time anew.

    Args:
        resamples: B.
        draw_videos: False takes every video once and draws blocks only, which shows how far an interval is wide
            because of the frames.

    Returns:
        (B, F) int64, F frames of all videos one after the other; those of one video as ``block_weights`` has them.
    """
    parts = iter_two_stage_weights(videos, resamples=resamples, seed=seed, draw_videos=draw_videos, elements=None)
    return np.concatenate(list(parts))


def iter_two_stage_weights(
    videos: Sequence[VideoFrames],
    *,
    resamples: int,
    seed: int,
    draw_videos: bool = True,
    elements: int | None = _PART_ELEMENTS,
) -> Iterator[Int]:
    """``two_stage_weights`` some resamples at a time, so that long videos need not fit into memory 2,000 times.

    Args:
        elements: about how many weights a part may hold; None for all at once.
    """
    count, frames = len(videos), sum(video.frames for video in videos)
    times = np.ones((resamples, count), np.int64)
    if count == 1:
        starts = [_block_starts(videos[0], resamples, np.random.default_rng(seed))]
    else:
        if draw_videos:
            drawn = _random(seed, 0).integers(0, count, size=(resamples, count))
            places = (drawn + np.arange(resamples)[:, None] * count).ravel()
            times = np.bincount(places, minlength=resamples * count).reshape(resamples, count)
        starts = [
            _block_starts(video, int(times[:, number].sum()), _random(seed, 1, number))
            for number, video in enumerate(videos)
        ]
    # Products with whole groups of rows give the same bits however many groups there are.
    step = resamples if elements is None else max(1, elements // frames // _ROW_GROUP) * _ROW_GROUP
    for first in range(0, resamples, step):
        part = times[first : first + step]
        before = times[:first].sum(axis=0)
        yield np.concatenate(
            [
                _repeated(videos[v], starts[v][before[v] : before[v] + part[:, v].sum()], part[:, v])
                for v in range(count)
            ],
            axis=1,
        )


def _repeated(video: VideoFrames, starts: Int, times: Int) -> Int:
    """(B, n) weights of a video that resample b draws ``times[b]`` times, each draw a row of ``starts``."""
    drawn = _block_sums(video, starts)
    if (times == 1).all():
        return drawn
    weights = np.zeros((len(times), video.frames), np.int64)
    rows = np.flatnonzero(times)
    if len(rows):
        weights[rows] = np.add.reduceat(drawn, (np.cumsum(times) - times)[rows], axis=0)
    return weights


def _random(seed: int, *purpose: int) -> np.random.Generator:
    """Numbers of their own for each purpose, all from one seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=purpose))


def block_weights(frames: int, *, block: int, resamples: int, seed: int) -> Int:
    """How often each frame occurs in each resample of circular moving blocks.

    Args:
        frames: number of frames n, in order.
        block: frames of a block; longer than n counts as n.
        resamples: B.
        seed: the same seed gives the same weights.

    Returns:
        (B, n) int64; each row sums to n. ceil(n / block) blocks are drawn, the last one is cut.
    """
    return two_stage_weights([VideoFrames(frames, block)], resamples=resamples, seed=seed)


def _block_starts(video: VideoFrames, draws: int, random: np.random.Generator) -> Int:
    """(draws, ceil(n / block)) first frames of blocks."""
    block = max(1, min(video.block, video.frames))
    found: Int = random.integers(0, video.frames, size=(draws, -(-video.frames // block)))
    return found


def _block_sums(video: VideoFrames, starts: Int) -> Int:
    """How often each frame lies in the blocks of each row of ``starts``; the last block is cut to fit."""
    frames, block = video.frames, max(1, min(video.block, video.frames))
    lengths = np.full(starts.shape[1], block, np.int64)
    if frames % block:
        lengths[-1] = frames % block
    ends = starts + lengths
    row = np.broadcast_to(np.arange(len(starts))[:, None] * (frames + 1), starts.shape)
    around = ends > frames
    # A block adds 1 from its start to its end: differences first, one running sum at the end.
    size = len(starts) * (frames + 1)
    up = np.bincount(np.concatenate(((row + starts).ravel(), row[around])), minlength=size)
    down = np.concatenate(((row + np.minimum(ends, frames)).ravel(), (row + ends - frames)[around]))
    weights = (up - np.bincount(down, minlength=size)).reshape(len(starts), frames + 1)
    result: Int = np.cumsum(weights[:, :-1], axis=1)
    return result


@dataclass(frozen=True, slots=True)
class ClassMatches:
    """COCO matching of one class, as far as average precision needs it.

    Attributes:
        frames: (P,) int64, frame of each prediction, predictions by descending score, equal scores by frame, then file
            order; at most 100 predictions a frame.
        true: (T, P) bool, matched to a ground-truth box that counts, at each IoU threshold.
        ignored: (T, P) bool, counts neither as true nor as false.
        positives: (F,) int64, ground-truth boxes of the class that count, in each frame.
    """

    frames: Int
    true: Bool
    ignored: Bool
    positives: Int


def _counts_for_recall(positives: Int) -> Int:
    """Smallest number of true positives whose recall reaches each recall point; (B, 101) for (B,) positives."""
    total = np.maximum(positives, 1).astype(np.float64)[:, None]
    counts = np.ceil(RECALL_POINTS[None, :] * total)
    # Rounding can put the ceiling one off; recall is the float division that pycocotools compares.
    counts = np.where((counts - 1 >= 0) & ((counts - 1) / total >= RECALL_POINTS), counts - 1, counts)
    counts = np.where(counts / total < RECALL_POINTS, counts + 1, counts)
    return counts.astype(np.int64)


def weighted_average_precision(matches: ClassMatches, weights: Int) -> Float:
    """Average precision of one class in each resample, at each threshold.

    Args:
        matches: the class's matches over F frames.
        weights: (B, F) int64, how often each frame occurs.

    Returns:
        (B, T) float64, 101 recall points as pycocotools; nan where a resample has no ground truth of the class.
    """
    resamples, thresholds = len(weights), len(matches.true)
    positives = weights @ matches.positives
    result = np.full((resamples, thresholds), np.nan)
    result[positives > 0] = 0.0
    if not len(matches.frames):
        return result
    needed = _counts_for_recall(positives)
    columns = [_Columns.of(matches.true[t], matches.ignored[t]) for t in range(thresholds)]
    last = max((int(c.true[-1]) + 1 for c in columns if len(c.true)), default=1)
    chunk = max(1, _CHUNK_ELEMENTS // last)

    def fill(first: int) -> None:
        part = slice(first, first + chunk)
        # What stands behind the last true positive changes no precision that is looked at.
        by_prediction = np.take(weights[part].astype(np.int32), matches.frames[:last], axis=1)
        seen = np.cumsum(by_prediction, axis=1, dtype=np.int32)
        for t in range(thresholds):
            found = _average_precision(by_prediction, seen, columns[t], needed[part])
            result[part, t] = np.where(positives[part] > 0, found, np.nan)

    # numpy lets go of the interpreter inside its loops; one processor is left to the window.
    workers = max(1, (os.cpu_count() or 2) - 1)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(fill, range(0, resamples, chunk)))
    return result


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the true positives and the ignored predictions of one threshold stand.

    Only at true positives can precision have a maximum, so it is computed there only. ``ignored_before`` says how many
    of ``ignored`` stand before each of ``true``.
    """

    true: Int
    ignored: Int
    ignored_before: Int

    @classmethod
    def of(cls, true: Bool, ignored: Bool) -> _Columns:
        hits = np.flatnonzero(true & ~ignored)
        skipped = np.flatnonzero(ignored[: hits[-1]]) if len(hits) else hits
        return cls(hits, skipped, np.searchsorted(skipped, hits))


def _average_precision(weights: NDArray[np.int32], seen: NDArray[np.int32], columns: _Columns, needed: Int) -> Float:
    """(B,) mean precision over recall points.

    Args:
        weights, seen: (B, P), weight of each prediction and running sum of it.
        needed: (B, 101) counts of true positives.
    """
    if not len(columns.true):
        return np.zeros(len(weights))
    counted = np.take(seen, columns.true, axis=1)
    if len(columns.ignored):
        skipped = np.cumsum(np.take(weights, columns.ignored, axis=1), axis=1)
        counted = counted - np.pad(skipped, ((0, 0), (1, 0)))[:, columns.ignored_before]
    hits = np.cumsum(np.take(weights, columns.true, axis=1), axis=1, dtype=np.int64)
    # A prediction that occurs w times gives w points; the last of them has the greatest precision of the w.
    precision = hits / np.maximum(counted, 1)
    backwards = precision[:, ::-1]
    np.maximum.accumulate(backwards, axis=1, out=backwards)
    rows, width = hits.shape
    step = int(max(hits[:, -1].max(), needed.max())) + 1
    offset = (np.arange(rows) * step)[:, None]
    place = np.searchsorted((hits + offset).ravel(), (needed + offset).ravel(), side="left")
    place = place.reshape(rows, -1) - (np.arange(rows) * width)[:, None]
    sampled = np.take_along_axis(precision, np.minimum(place, width - 1), axis=1)
    mean: Float = np.where(place < width, sampled, 0.0).mean(axis=1)
    return mean


def weighted_coco_ap(classes: list[ClassMatches], weights: Int) -> Float:
    """AP (mean over thresholds, then over classes with ground truth) in each resample: (B,), nan without any."""
    if not classes:
        return np.full(len(weights), np.nan)
    per_class = np.stack([weighted_average_precision(matches, weights) for matches in classes])
    present = ~np.isnan(per_class)
    count = present.sum(axis=(0, 2))
    total = np.where(present, per_class, 0.0).sum(axis=(0, 2))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True, slots=True)
class FrameSums:
    """Review sums of each frame: all (F,) float64; ``iou`` and ``truths`` give frame IoU."""

    iou: Float
    truths: Float
    tp_iou: Float
    tp: Float
    fp: Float
    fn: Float


def weighted_pq(sums: FrameSums, weights: Int) -> Float:
    """PQ in each resample: (B,), nan where a resample has neither boxes nor predictions."""
    below = weights @ (sums.tp + 0.5 * sums.fp + 0.5 * sums.fn)
    above = weights @ sums.tp_iou
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)


def weighted_avg_iou(sums: FrameSums, weights: Int) -> Float:
    """Avg IoU in each resample: (B,), nan where no frame of it has ground truth."""
    defined = sums.truths > 0
    frame_iou = np.where(defined, sums.iou / np.where(defined, sums.truths, 1.0), 0.0)
    count = weights @ defined.astype(np.int64)
    return np.where(count > 0, (weights @ frame_iou) / np.maximum(count, 1), np.nan)
