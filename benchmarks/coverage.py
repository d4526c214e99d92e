"""How often verdicts are right: coverage of the 95 % interval, false PASS, false FAIL and UNDECIDED, with known truth.

    python -m benchmarks coverage [--kind ar|scenes|daylight] [--sets] [--videos N]

Neighbouring frames of a video are similar: an object missed in one frame is often missed in the next. The simulation
draws videos in which the quality of detections changes over time, scores two variants on each, and compares the
intervals with the difference measured on very long videos. The allowed drop is exactly the true loss, so that each PASS
and each FAIL is false.

- ``ar``: a first-order autoregression. The constants of the method were chosen with it, on other seeds.
- ``scenes``: the quality jumps at random moments and stays in between; as alike at a distance of one frame.
- ``daylight``: an autoregression and a wave of three periods with a random phase.

``--sets`` draws sets of several videos instead. In each video the variant is worse by a different amount.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil, nan, sqrt

import numpy as np
from scipy import stats
from scipy.signal import lfilter

from benchmarks.block_bootstrap import BlockedFrames, percentile_interval, two_stage_weights
from iouviewer.metrics.intervals import MIN_EFFECTIVE, slow_frames, spread_of
from iouviewer.metrics.table import Float
from iouviewer.metrics.verdict import METRICS, ScoredVariant
from iouviewer.metrics.weighted_scores import ClassMatches, FrameSums

FPS = 10
OBJECTS = 4
LOSS = 0.05
"""Of the quality of the worse variant, in its standard deviations."""
POWERED = 2.8
"""Standard errors between the difference and an allowed drop that an interval with the true variance decides in 8 of 10
cases."""
CELLS = tuple((frames, correlation) for frames in (300, 1000, 3000) for correlation in (0.0, 0.5, 0.9, 0.98))

Interval = tuple[float, float]


# Videos


def _autoregression(random: np.random.Generator, rows: int, frames: int, correlation: float) -> Float:
    """(rows, frames) standard normal values; each row is a first-order autoregression."""
    noise = random.normal(size=(rows, frames)) * sqrt(1.0 - correlation**2)
    noise[:, 0] /= sqrt(1.0 - correlation**2)
    values: Float = lfilter([1.0], [1.0, -correlation], noise, axis=1)
    return values


def _scenes(random: np.random.Generator, rows: int, frames: int, correlation: float) -> Float:
    """Values that stay until a new one is drawn, in each frame with the probability 1 - correlation."""
    starts = random.random((rows, frames)) >= correlation
    starts[:, 0] = True
    return random.normal(size=(rows, frames))[
        np.arange(rows)[:, None], np.maximum.accumulate(np.where(starts, np.arange(frames), 0), axis=1)
    ]


def _daylight(random: np.random.Generator, rows: int, frames: int, correlation: float) -> Float:
    """An autoregression, and three periods of a wave with half of the variance and a random phase."""
    phase = random.uniform(0.0, 2.0 * np.pi, (rows, 1))
    wave = sqrt(2.0) * np.sin(2.0 * np.pi * 3.0 * np.arange(frames) / frames + phase)
    return sqrt(0.5) * _autoregression(random, rows, frames, correlation) + sqrt(0.5) * wave


KINDS: dict[str, Callable[[np.random.Generator, int, int, float], Float]] = {
    "ar": _autoregression,
    "scenes": _scenes,
    "daylight": _daylight,
}


def _variant(quality: Float, random: np.random.Generator) -> ScoredVariant:
    """One variant: IoU from quality, confidence from quality plus noise, one class, ``OBJECTS`` boxes a frame."""
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


def draw_pair(
    random: np.random.Generator, kind: str, frames: int, correlation: float, worse: float = LOSS
) -> tuple[ScoredVariant, ScoredVariant]:
    """Two variants on one video; most of their quality is that of the scene, and the second is worse."""
    draw = KINDS[kind]
    shared = 0.8 * draw(random, OBJECTS, frames, correlation)
    first, second = (0.6 * draw(random, OBJECTS, frames, correlation) for _ in range(2))
    return _variant(shared + first, random), _variant(shared + second - worse, random)


def points_of(pair: tuple[ScoredVariant, ScoredVariant]) -> dict[str, float]:
    """The difference in each metric, in points."""
    ones = np.ones((1, len(pair[0].sums.iou)), np.int64)
    return {name: 100.0 * float((score(pair[1], ones) - score(pair[0], ones))[0]) for name, score in METRICS.items()}


def true_points(kind: str, frames: int, correlation: float) -> dict[str, float]:
    """The difference in each metric, measured on 400,000 frames; where a wave has the length of a video, on videos."""
    random = np.random.default_rng(99)
    length = 20_000 if kind != "daylight" else frames
    parts = [draw_pair(random, kind, length, correlation) for _ in range(400_000 // length)]
    return {name: float(np.mean([points_of(pair)[name] for pair in parts])) for name in METRICS}


# Intervals for the mean of a series of influence values


def chosen(series: Float) -> Interval:
    """What verdicts use; nan where they are UNDECIDED."""
    spread = spread_of(series, [len(series)])
    half = spread.half_width() if spread.is_safe else nan
    return -half, half


def eight_cosines(series: Float) -> Interval:
    """Equal-weighted cosines, always eight terms."""
    count = len(series)
    places = (np.arange(count) + 0.5) / count
    terms = sqrt(2.0 / count) * np.cos(np.pi * np.arange(1, 9)[:, None] * places) @ series
    half = float(stats.t.ppf(0.975, 8)) * sqrt(float((terms**2).mean()) / count)
    return -half, half


def jackknife(series: Float, groups: int = 10) -> Interval:
    """Neighbouring groups, each left out once; for a mean this is the t interval of the means of groups."""
    means = np.array([part.mean() for part in np.array_split(series, groups)])
    half = float(stats.t.ppf(0.975, groups - 1)) * float(means.std(ddof=1)) / sqrt(groups)
    return -half, half


def stationary(series: Float) -> Interval:
    """Stationary bootstrap (Politis and Romano 1994) with automatic length (Politis and White 2004; Patton 2009).

    The variance of its resamples is known in closed form for a mean, so none are drawn.
    """
    count = len(series)
    centred = series - series.mean()
    covariance = np.fft.irfft(np.abs(np.fft.rfft(centred, 2 * count)) ** 2, 2 * count)[:count] / count
    correlation = covariance / covariance[0]
    limit, window = 2.0 * sqrt(np.log10(count) / count), max(5, ceil(sqrt(np.log10(count))))
    small = np.abs(correlation[1:]) < limit
    runs = np.convolve(small, np.ones(window), "valid") >= window
    last = int(np.argmax(runs)) if runs.any() else ceil(sqrt(count))
    width = min(2 * max(last, 1), count - 1)
    lags = np.arange(1, width + 1)
    taper = np.minimum(1.0, 2.0 * (1.0 - lags / width))
    bend = 2.0 * float((taper * lags * covariance[1 : width + 1]).sum())
    power = covariance[0] + 2.0 * float((taper * covariance[1 : width + 1]).sum())
    length = max(1.0, (bend**2 / max(power, 1e-12) ** 2 * count) ** (1 / 3))
    length = min(length, 3.0 * sqrt(count), count / 3.0)
    all_lags = np.arange(1, count)
    end = 1.0 - 1.0 / length
    weights = (1.0 - all_lags / count) * end**all_lags + all_lags / count * end ** (count - all_lags)
    variance = max(0.0, covariance[0] + 2.0 * float((weights * covariance[1:]).sum())) / count
    half = 1.96 * sqrt(variance)
    return -half, half


METHODS: dict[str, Callable[[Float], Interval]] = {
    "verdict": chosen,
    "8 cosines": eight_cosines,
    "jackknife": jackknife,
    "stationary": stationary,
}


@dataclass
class Counted:
    """Outcomes of one method and metric in one cell."""

    covered: int = 0
    passed: int = 0
    failed: int = 0
    undecided: int = 0
    refused: int = 0
    total: int = 0
    widths: list[float] = field(default_factory=list)
    halves: list[float] = field(default_factory=list)

    def add(self, points: float, truth: float, interval: Interval) -> None:
        """Count one video whose loss is exactly the allowed drop."""
        low, high = points + interval[0], points + interval[1]
        self.total += 1
        self.halves.append(interval[1])
        if np.isnan(low):
            self.refused += 1
            return
        self.covered += low <= truth <= high
        self.passed += low > truth
        self.failed += high < truth
        self.widths.append(high - low)


def one_cell(kind: str, frames: int, correlation: float, *, videos: int, seed: int, old: int) -> list[str]:
    """Rows of the table for one length and correlation.

    Args:
        old: number of videos on which the block bootstrap is computed, too.
    """
    random = np.random.default_rng(seed)
    truth = true_points(kind, frames, correlation)
    counted = {(name, method): Counted() for name in METRICS for method in (*METHODS, "1 s blocks")}
    seen: dict[str, list[float]] = {name: [] for name in METRICS}
    worth: dict[str, list[float]] = {name: [] for name in METRICS}
    for number in range(videos):
        pair = draw_pair(random, kind, frames, correlation)
        points = points_of(pair)
        for name in METRICS:
            series = 100.0 * (pair[1].influence(name) - pair[0].influence(name))
            seen[name].append(points[name])
            worth[name].append(slow_frames(series))
            for method, interval in METHODS.items():
                counted[name, method].add(points[name], truth[name], interval(series))
        if number < old:
            weights = two_stage_weights([BlockedFrames(frames, FPS)], resamples=400, seed=number)
            for name, score in METRICS.items():
                low, high = percentile_interval(100.0 * (score(pair[1], weights) - score(pair[0], weights)))
                found = (low - points[name], high - points[name])
                counted[name, "1 s blocks"].add(points[name], truth[name], found)
    rows = []
    for name in METRICS:
        error = float(np.std(seen[name]))
        cells = [f"{frames:,}, {correlation:g}", name, f"{np.median(worth[name]):.0f}"]
        for method in (*METHODS, "1 s blocks"):
            cells.append(_text(counted[name, method], error, np.array(seen[name]) - truth[name]))
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def _text(one: Counted, error: float, off: Float) -> str:
    """Coverage, false PASS, false FAIL, width relative to the true variance's, UNDECIDED relative to it."""
    decided = one.total - one.refused
    if not decided:
        return "–"
    width = float(np.median(one.widths)) / (2.0 * 1.96 * error)
    off = off[: one.total]
    halves = np.array(one.halves)
    undecided = (np.isnan(halves) | (off + POWERED * error <= halves)).mean()
    expected = (off + POWERED * error <= 1.96 * error).mean()
    refused = f", {one.refused / one.total:.0%} refused" if one.refused else ""
    shares = f"{one.covered / decided:.3f}; {one.passed / one.total:.3f}, {one.failed / one.total:.3f}"
    return f"{shares}; {width:.2f}, {undecided / max(expected, 1e-9):.2f}{refused}"


def main_videos(options: argparse.Namespace) -> None:
    """Print the table of single videos."""
    print(f"{options.kind}: {options.videos:,} videos a cell (blocks: {options.old}), seed {options.seed}")
    print("coverage; false PASS, false FAIL; width, UNDECIDED relative to an interval with the true variance")
    print(f"| frames, correlation | metric | worth | {' | '.join((*METHODS, '1 s blocks'))} |")
    print("|" + " --- |" * (4 + len(METHODS)))
    for frames, correlation in CELLS:
        if options.frames and frames != options.frames:
            continue
        for row in one_cell(
            options.kind, frames, correlation, videos=options.videos, seed=options.seed, old=options.old
        ):
            print(row)
        sys.stdout.flush()


# Several videos


def _stack(pairs: Sequence[tuple[ScoredVariant, ScoredVariant]]) -> tuple[Float, dict[str, float]]:
    """(V, n) differences of PQ's influence, and the pooled difference in points; a pool has one PQ."""
    sides = []
    for side in (0, 1):
        columns = [np.stack(column) for column in zip(*(_columns(pair[side].sums) for pair in pairs), strict=True)]
        sides.append(ScoredVariant([], FrameSums(*(column.ravel() for column in columns))))
    ones = np.ones((1, len(sides[0].sums.iou)), np.int64)
    points = {n: 100.0 * float((METRICS[n](sides[1], ones) - METRICS[n](sides[0], ones))[0]) for n in ("pq", "avg_iou")}
    series = 100.0 * np.stack([sides[1].influence(n) - sides[0].influence(n) for n in ("pq", "avg_iou")])
    return series, points


def _columns(sums: FrameSums) -> tuple[Float, ...]:
    return sums.iou, sums.truths, sums.tp_iou, sums.tp, sums.fp, sums.fn


def main_sets(options: argparse.Namespace) -> None:
    """Print the table of sets of videos: how often the t interval over videos contains the true difference."""
    frames, correlation = 200, 0.5
    spread_of_frames = sqrt(0.6**2 * 2.0 * (1.0 + correlation) / (1.0 - correlation) / (frames * OBJECTS))
    print(f"{options.videos} sets of videos of {frames} frames, correlation {correlation}")
    print("| videos | spread over videos | PQ | Avg IoU |")
    print("| --- | --- | --- | --- |")
    for share in (0.0, 1.0, 3.0):
        random = np.random.default_rng(options.seed)

        def loss(random: np.random.Generator = random, share: float = share) -> float:
            return LOSS + float(random.normal(0.0, share * spread_of_frames))

        many = [draw_pair(random, "ar", 100, correlation, loss()) for _ in range(4000)]
        _series, truth = _stack(many)
        for count in (2, 3, 5, 10, 20):
            covered = {"pq": 0, "avg_iou": 0}
            for _ in range(options.videos):
                series, points = _stack([draw_pair(random, "ar", frames, correlation, loss()) for _ in range(count)])
                for row, name in enumerate(("pq", "avg_iou")):
                    half = spread_of(series[row], [frames] * count).half_width()
                    covered[name] += abs(points[name] - truth[name]) <= half
            shares = " | ".join(f"{covered[name] / options.videos:.3f}" for name in ("pq", "avg_iou"))
            print(f"| {count} | {share:.0f} | {shares} |")
            sys.stdout.flush()


def main(argv: list[str] | None = None) -> int:
    """Print the coverage table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", action="store_true", help="draw sets of videos instead of single videos")
    parser.add_argument("--kind", choices=tuple(KINDS), default="ar", help="how the quality changes (default ar)")
    parser.add_argument("--frames", type=int, help="only videos of this length")
    parser.add_argument("--videos", type=int, default=2000)
    parser.add_argument("--old", type=int, default=0, help="videos for the block bootstrap, which is slow")
    parser.add_argument("--seed", type=int, default=20261130)
    options = parser.parse_args(argv)
    print(f"no verdict where the slowest part is worth fewer than {MIN_EFFECTIVE:g} independent frames")
    if options.sets:
        main_sets(options)
    else:
        main_videos(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
