"""The block bootstrap that verdicts were made with before, for comparison: circular blocks of one second, videos first.

Sources: Politis and Romano 1992 (circular blocks), Künsch 1989 (moving blocks), Efron 1979 (percentile intervals),
Davison and Hinkley 1997, 3.8 (two-stage resampling of clusters).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from iouviewer.metrics.table import Float, Int

_PART_ELEMENTS = 1 << 24
"""Weights in memory at a time: 128 MiB, and twice that while they are computed."""
_ROW_GROUP = 64
"""Parts are multiples of this number of resamples, so that matrix products do not depend on the size of the parts."""


@dataclass(frozen=True, slots=True)
class BlockedFrames:
    """The frames of one video that both variants are scored on.

    Attributes:
        frames: number of frames, at least 1.
        block: frames in a block (one second).
        single_images: the frames are independent images; ``block`` stays 1 when it is scaled.
    """

    frames: int
    block: int
    single_images: bool = False

    def scaled(self, factor: float) -> BlockedFrames:
        """The same frames with blocks ``factor`` times as long."""
        return self if self.single_images else replace(self, block=max(1, round(self.block * factor)))


def two_stage_weights(videos: Sequence[BlockedFrames], *, resamples: int, seed: int, draw_videos: bool = True) -> Int:
    """How often each frame of several videos occurs in each resample: draws videos, then blocks within them.

    Every resample draws as many videos as there are, with replacement. A video that is drawn twice has its blocks drawn
    twice, independently.

    Args:
        resamples: number of resamples B.
        draw_videos: False uses every video once and draws blocks only, which gives the part of the variance that is due
            to frames.

    Returns:
        (B, F) int64 for the F frames of all videos, concatenated; for one video, equal to ``block_weights``.
    """
    parts = iter_two_stage_weights(videos, resamples=resamples, seed=seed, draw_videos=draw_videos, elements=None)
    return np.concatenate(list(parts))


def iter_two_stage_weights(
    videos: Sequence[BlockedFrames],
    *,
    resamples: int,
    seed: int,
    draw_videos: bool = True,
    elements: int | None = _PART_ELEMENTS,
) -> Iterator[Int]:
    """``two_stage_weights`` in parts of some resamples, so that not all weights of long videos are in memory at once.

    Args:
        elements: approximate number of weights in a part; None for all at once.
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
    step = resamples if elements is None else max(1, elements // frames // _ROW_GROUP) * _ROW_GROUP
    for first in range(0, resamples, step):
        part = times[first : first + step]
        before = times[:first].sum(axis=0)
        yield np.concatenate(
            [
                _video_weights(videos[v], starts[v][before[v] : before[v] + part[:, v].sum()], part[:, v])
                for v in range(count)
            ],
            axis=1,
        )


def _video_weights(video: BlockedFrames, starts: Int, times: Int) -> Int:
    """(B, n) weights of a video that resample b draws ``times[b]`` times; each row of ``starts`` is one draw."""
    drawn = _draw_weights(video, starts)
    if (times == 1).all():
        return drawn
    weights = np.zeros((len(times), video.frames), np.int64)
    rows = np.flatnonzero(times)
    if len(rows):
        weights[rows] = np.add.reduceat(drawn, (np.cumsum(times) - times)[rows], axis=0)
    return weights


def _random(seed: int, *purpose: int) -> np.random.Generator:
    """An independent generator for each purpose, derived from one seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=purpose))


def block_weights(frames: int, *, block: int, resamples: int, seed: int) -> Int:
    """How often each frame occurs in each resample of circular moving blocks.

    Args:
        frames: number of frames n, in order.
        block: frames in a block; at most n is used.
        resamples: number of resamples B.
        seed: the same seed gives the same weights.

    Returns:
        (B, n) int64; each row sums to n. ceil(n / block) blocks are drawn; the last one is cut to fit.
    """
    return two_stage_weights([BlockedFrames(frames, block)], resamples=resamples, seed=seed)


def _block_starts(video: BlockedFrames, draws: int, random: np.random.Generator) -> Int:
    """(draws, ceil(n / block)) int64, first frames of the blocks."""
    block = max(1, min(video.block, video.frames))
    starts: Int = random.integers(0, video.frames, size=(draws, -(-video.frames // block)))
    return starts


def _draw_weights(video: BlockedFrames, starts: Int) -> Int:
    """How often each frame occurs in the blocks of each row of ``starts``; the last block is cut to fit."""
    frames, block = video.frames, max(1, min(video.block, video.frames))
    lengths = np.full(starts.shape[1], block, np.int64)
    if frames % block:
        lengths[-1] = frames % block
    ends = starts + lengths
    row = np.broadcast_to(np.arange(len(starts))[:, None] * (frames + 1), starts.shape)
    wraps = ends > frames
    # A block adds 1 to all frames from its start to its end: collect the differences, then compute one running sum.
    size = len(starts) * (frames + 1)
    up = np.bincount(np.concatenate(((row + starts).ravel(), row[wraps])), minlength=size)
    down = np.concatenate(((row + np.minimum(ends, frames)).ravel(), (row + ends - frames)[wraps]))
    weights = (up - np.bincount(down, minlength=size)).reshape(len(starts), frames + 1)
    result: Int = np.cumsum(weights[:, :-1], axis=1)
    return result


def percentile_interval(differences: Float) -> tuple[float, float]:
    """Percentiles 2.5 and 97.5 of (B,) differences without the undefined ones; nan if all are undefined."""
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)
