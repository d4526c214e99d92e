"""How often the 95 % interval holds the true difference: circular blocks against the plain bootstrap over frames.

    python -m benchmarks coverage

Neighbouring frames of a video are alike: an object that is missed in one frame is often missed in the next. The
simulation draws videos in which the quality of a detection follows a first-order autoregression of a given correlation
from frame to frame, scores two variants on each, and counts the intervals with the difference of a very long video.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from iouviewer.metrics.resampling import ClassMatches, FrameSums, block_weights
from iouviewer.metrics.table import Float
from iouviewer.metrics.verdict import METRICS, Scored, interval

FPS = 10
OBJECTS = 4


def _qualities(random: np.random.Generator, frames: int, correlation: float) -> Float:
    """(OBJECTS, frames) standard normal values, each row an autoregression."""
    noise = random.normal(size=(OBJECTS, frames)) * np.sqrt(1 - correlation**2)
    noise[:, 0] /= np.sqrt(1 - correlation**2)
    for frame in range(1, frames):
        noise[:, frame] += correlation * noise[:, frame - 1]
    return noise


def _variant(quality: Float, random: np.random.Generator) -> Scored:
    """One variant: IoU from the quality, confidence alike but noisy, one class, ``OBJECTS`` boxes a frame."""
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
    return Scored([matches], sums)


def _pair(random: np.random.Generator, frames: int, correlation: float) -> tuple[Scored, Scored]:
    shared = _qualities(random, frames, correlation)
    own = [0.6 * _qualities(random, frames, correlation) for _ in range(2)]
    return _variant(shared * 0.8 + own[0], random), _variant(shared * 0.8 + own[1] - 0.05, random)


def coverage(correlation: float, *, frames: int, videos: int, resamples: int) -> dict[str, dict[str, float]]:
    """Share of intervals that hold the true difference, by metric and kind of bootstrap."""
    random = np.random.default_rng(1)
    long = np.ones((1, 200_000), np.int64)
    truth_pair = _pair(random, long.shape[1], correlation)
    truth = {
        name: float((score(truth_pair[1], long) - score(truth_pair[0], long))[0]) for name, score in METRICS.items()
    }
    held = {name: {"blocks": 0, "plain": 0} for name in METRICS}
    for video in range(videos):
        baseline, variant = _pair(random, frames, correlation)
        for kind, block in (("blocks", FPS), ("plain", 1)):
            weights = block_weights(frames, block=block, resamples=resamples, seed=video)
            for name, score in METRICS.items():
                low, high = interval(score(variant, weights) - score(baseline, weights))
                held[name][kind] += low <= truth[name] <= high
    return {name: {kind: count / videos for kind, count in kinds.items()} for name, kinds in held.items()}


def main(argv: list[str] | None = None) -> int:
    """Print the table of coverages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--videos", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=400)
    options = parser.parse_args(argv)
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
