"""Coverage of the 95 % interval: how often it contains the true difference, with blocks and with single frames.

    python -m benchmarks coverage [--sets]

Neighbouring frames of a video are similar: an object missed in one frame is often missed in the next. The simulation
draws videos in which the quality of detections follows a first-order autoregression over frames, scores two variants on
each, and counts the intervals that contain the difference measured on a very long video.

``--sets`` draws sets of videos instead. In each video the variant is worse by a different amount. The spread of this
amount over videos is given relative to the spread that frames alone cause in the difference of one video. Compared are
intervals that draw videos first, then blocks (two-stage), and intervals that draw blocks of every video (frames only).
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.resampling import ClassMatches, FrameSums, VideoFrames, block_weights, two_stage_weights
from iouviewer.metrics.table import Float
from iouviewer.metrics.verdict import METRICS, ScoredVariant, percentile_interval

FPS = 10
OBJECTS = 4


def _qualities(random: np.random.Generator, frames: int, correlation: float) -> Float:
    """(OBJECTS, frames) standard normal values; each row is an autoregression."""
    noise = random.normal(size=(OBJECTS, frames)) * np.sqrt(1 - correlation**2)
    noise[:, 0] /= np.sqrt(1 - correlation**2)
    for frame in range(1, frames):
        noise[:, frame] += correlation * noise[:, frame - 1]
    return noise


def _set(
    random: np.random.Generator, videos: int, frames: int, spread: float, correlation: float
) -> tuple[ScoredVariant, ScoredVariant]:
    """Two variants on the frames of several videos; the second is worse, by another amount in each video."""
    qualities = [(_qualities(random, frames, correlation), random.normal(0.0, spread)) for _ in range(videos)]
    both = []
    for worse in (0, 1):
        parts = [
            0.8 * shared + 0.6 * _qualities(random, frames, correlation) - worse * (0.05 + own)
            for shared, own in qualities
        ]
        both.append(_variant(np.concatenate(parts, axis=1), random))
    return both[0], both[1]


def _variant(quality: Float, random: np.random.Generator) -> ScoredVariant:
    """One variant: IoU from quality, confidence from quality plus noise, one class, ``OBJECTS`` boxes per frame."""
    iou = np.clip(0.72 + 0.16 * quality, 0.0, 1.0)
    frames = iou.shape[1]
    confidence = quality + random.normal(size=quality.shape)
    order = np.argsort(-confidence.ravel(), kind="stable")
    flat = iou.ravel()[order]
    true = flat[None, :] >= np.linspace(0.5, 0.95, 10)[:, None]
    positives = np.full(frames, OBJECTS, np.int64)
    matches = ClassMatches(np.tile(np.arange(frames), OBJECTS)[order], true, np.zeros_like(true), positives)
    hit = iou >= 0.5
    count = hit.sum(axis=0).astype(np.float64)
    sums = FrameSums(
        iou.sum(axis=0), positives.astype(float), (iou * hit).sum(axis=0), count, OBJECTS - count, OBJECTS - count
    )
    return ScoredVariant([matches], sums)


def _pair(random: np.random.Generator, frames: int, correlation: float) -> tuple[ScoredVariant, ScoredVariant]:
    shared = _qualities(random, frames, correlation)
    own = [0.6 * _qualities(random, frames, correlation) for _ in range(2)]
    return _variant(shared * 0.8 + own[0], random), _variant(shared * 0.8 + own[1] - 0.05, random)


def coverage(correlation: float, *, frames: int, videos: int, resamples: int) -> dict[str, dict[str, float]]:
    """Share of intervals that contain the true difference, by metric and kind of bootstrap."""
    random = np.random.default_rng(1)
    long = np.ones((1, 200_000), np.int64)
    truth_pair = _pair(random, long.shape[1], correlation)
    truth = {
        name: float((score(truth_pair[1], long) - score(truth_pair[0], long))[0]) for name, score in METRICS.items()
    }
    covered = {name: {"blocks": 0, "plain": 0} for name in METRICS}
    for video in range(videos):
        baseline, variant = _pair(random, frames, correlation)
        for kind, block in (("blocks", FPS), ("plain", 1)):
            weights = block_weights(frames, block=block, resamples=resamples, seed=video)
            for name, score in METRICS.items():
                low, high = percentile_interval(score(variant, weights) - score(baseline, weights))
                covered[name][kind] += low <= truth[name] <= high
    return {name: {kind: count / videos for kind, count in kinds.items()} for name, kinds in covered.items()}


def set_coverage(
    videos: int, share: float, *, frames: int, sets: int, resamples: int, correlation: float = 0.5
) -> dict[str, dict[str, float]]:
    """Share of intervals that contain the true difference for sets of videos, by metric and kind of bootstrap.

    Args:
        share: spread of the difference over videos, relative to the spread of the estimate of one video.
    """
    random = np.random.default_rng(2)
    spread = share * _frame_spread(frames, correlation)
    truth = _points(_set(random, 2000, 100, spread, correlation), np.ones((1, 200_000), np.int64))
    parts = [VideoFrames(frames, FPS)] * videos
    covered = {name: {"two-stage": 0, "frames only": 0} for name in METRICS}
    for number in range(sets):
        pair = _set(random, videos, frames, spread, correlation)
        for kind, draw_videos in (("two-stage", True), ("frames only", False)):
            weights = two_stage_weights(parts, resamples=resamples, seed=number, draw_videos=draw_videos)
            for name, points in _points(pair, weights).items():
                low, high = percentile_interval(points)
                covered[name][kind] += low <= truth[name][0] <= high
    return {name: {kind: count / sets for kind, count in kinds.items()} for name, kinds in covered.items()}


def _points(pair: tuple[ScoredVariant, ScoredVariant], weights: NDArray[np.int64]) -> dict[str, Float]:
    return {name: score(pair[1], weights) - score(pair[0], weights) for name, score in METRICS.items()}


def _frame_spread(frames: int, correlation: float) -> float:
    """Standard deviation, from frames alone, of the mean quality difference of two variants in one video."""
    own = 0.6**2 * 2 * (1 + correlation) / (1 - correlation)
    return float(np.sqrt(own / (frames * OBJECTS)))


def _main_sets(options: argparse.Namespace) -> None:
    print(f"{options.videos} sets of videos of {options.frames} frames, blocks of {FPS}, {options.resamples} resamples")
    print("| videos | spread over videos | metric | two-stage | frames only |")
    print("| --- | --- | --- | --- | --- |")
    for share in (0.0, 1.0, 3.0):
        for count in (2, 3, 5, 10, 20):
            found = set_coverage(count, share, frames=options.frames, sets=options.videos, resamples=options.resamples)
            for name, kinds in found.items():
                print(f"| {count} | {share:.0f} | {name} | {kinds['two-stage']:.3f} | {kinds['frames only']:.3f} |")
            sys.stdout.flush()


def main(argv: list[str] | None = None) -> int:
    """Print the coverage table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", action="store_true", help="draw sets of videos instead of single videos")
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--videos", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=400)
    options = parser.parse_args(argv)
    if options.sets:
        _main_sets(options)
        return 0
    print(f"{options.videos} videos of {options.frames} frames, blocks of {FPS}, {options.resamples} resamples")
    print("| correlation of neighbours | metric | blocks | plain |")
    print("| --- | --- | --- | --- |")
    for correlation in (0.0, 0.5, 0.8, 0.9):
        found = coverage(correlation, frames=options.frames, videos=options.videos, resamples=options.resamples)
        for name, kinds in found.items():
            print(f"| {correlation:.1f} | {name} | {kinds['blocks']:.3f} | {kinds['plain']:.3f} |")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
