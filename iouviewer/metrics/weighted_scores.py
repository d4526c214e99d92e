"""Scores of weighted frames: each frame counts as often as its weight says, and nothing is matched again.

A row of weights gives one score: of all frames, of one video of several, or of a resample.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.table import Bool, Float, Int

RECALL_POINTS = np.linspace(0.0, 1.0, 101)
_CHUNK_ELEMENTS = 200_000
"""Small enough for the arrays of a chunk to stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class ClassMatches:
    """COCO matches of one class, reduced to what average precision needs.

    Attributes:
        frames: (P,) int64, frame of each prediction; predictions by descending score, equal scores by frame, then file
            order; at most 100 per frame.
        true: (T, P) bool, matched to a ground-truth box that counts, at each IoU threshold.
        ignored: (T, P) bool, neither a true nor a false positive.
        positives: (F,) int64, ground-truth boxes of the class that count, in each frame.
    """

    frames: Int
    true: Bool
    ignored: Bool
    positives: Int


def _counts_for_recall(positives: Int) -> Int:
    """(B, 101) least number of true positives whose recall reaches each recall point, for (B,) positives."""
    total = np.maximum(positives, 1).astype(np.float64)[:, None]
    counts = np.ceil(RECALL_POINTS[None, :] * total)
    # Rounding can make the ceiling one off; pycocotools compares the rounded quotient.
    counts = np.where((counts - 1 >= 0) & ((counts - 1) / total >= RECALL_POINTS), counts - 1, counts)
    counts = np.where(counts / total < RECALL_POINTS, counts + 1, counts)
    return counts.astype(np.int64)


def weighted_average_precision(matches: ClassMatches, weights: Int) -> Float:
    """Average precision of one class in each resample, at each threshold.

    Args:
        matches: the class's matches over F frames.
        weights: (B, F) int64, how often each frame occurs.

    Returns:
        (B, T) float64 from 101 recall points as in pycocotools; nan for resamples without ground truth of the class.
    """
    resamples, thresholds = len(weights), len(matches.true)
    positives = weights @ matches.positives
    result = np.full((resamples, thresholds), np.nan)
    result[positives > 0] = 0.0
    if not len(matches.frames):
        return result
    needed = _counts_for_recall(positives)
    places = [_HitPlaces.find(matches.true[t], matches.ignored[t]) for t in range(thresholds)]
    last = max((int(c.true[-1]) + 1 for c in places if len(c.true)), default=1)
    chunk = max(1, _CHUNK_ELEMENTS // last)

    def fill(first: int) -> None:
        part = slice(first, first + chunk)
        # Predictions after the last true positive do not change any precision that is used.
        by_prediction = np.take(weights[part].astype(np.int32), matches.frames[:last], axis=1)
        running = np.cumsum(by_prediction, axis=1, dtype=np.int32)
        for t in range(thresholds):
            ap = _average_precision(by_prediction, running, places[t], needed[part])
            result[part, t] = np.where(positives[part] > 0, ap, np.nan)

    # numpy releases the interpreter lock inside its loops. One processor stays free for the window.
    workers = max(1, (os.cpu_count() or 2) - 1)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(fill, range(0, resamples, chunk)))
    return result


@dataclass(frozen=True, slots=True)
class _HitPlaces:
    """Places of the true positives and the ignored predictions at one threshold.

    Precision can have a maximum only at a true positive, so it is computed only there.

    Attributes:
        ignored_before: number of places in ``ignored`` before each place in ``true``.
    """

    true: Int
    ignored: Int
    ignored_before: Int

    @classmethod
    def find(cls, true: Bool, ignored: Bool) -> _HitPlaces:
        hits = np.flatnonzero(true & ~ignored)
        skipped = np.flatnonzero(ignored[: hits[-1]]) if len(hits) else hits
        return cls(hits, skipped, np.searchsorted(skipped, hits))


def _average_precision(
    weights: NDArray[np.int32], running: NDArray[np.int32], places: _HitPlaces, needed: Int
) -> Float:
    """(B,) mean precision over recall points.

    Args:
        weights, running: (B, P), weight of each prediction, and the running sum.
        needed: (B, 101), number of true positives needed for each recall point.
    """
    if not len(places.true):
        return np.zeros(len(weights))
    counted = np.take(running, places.true, axis=1)
    if len(places.ignored):
        skipped = np.cumsum(np.take(weights, places.ignored, axis=1), axis=1)
        counted = counted - np.pad(skipped, ((0, 0), (1, 0)))[:, places.ignored_before]
    hits = np.cumsum(np.take(weights, places.true, axis=1), axis=1, dtype=np.int64)
    # A prediction that occurs w times gives w points; the last of them has the greatest precision.
    precision = hits / np.maximum(counted, 1)
    backwards = precision[:, ::-1]
    np.maximum.accumulate(backwards, axis=1, out=backwards)
    rows, width = hits.shape
    step = int(max(hits[:, -1].max(), needed.max())) + 1
    offset = (np.arange(rows) * step)[:, None]
    index = np.searchsorted((hits + offset).ravel(), (needed + offset).ravel(), side="left")
    index = index.reshape(rows, -1) - (np.arange(rows) * width)[:, None]
    sampled = np.take_along_axis(precision, np.minimum(index, width - 1), axis=1)
    mean: Float = np.where(index < width, sampled, 0.0).mean(axis=1)
    return mean


def weighted_coco_ap(classes: list[ClassMatches], weights: Int) -> Float:
    """(B,) AP of each resample, the mean over thresholds and classes with ground truth; nan without any."""
    if not classes:
        return np.full(len(weights), np.nan)
    per_class = np.stack([weighted_average_precision(matches, weights) for matches in classes])
    present = ~np.isnan(per_class)
    count = present.sum(axis=(0, 2))
    total = np.where(present, per_class, 0.0).sum(axis=(0, 2))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True, slots=True)
class FrameSums:
    """Review sums of each frame, all (F,) float64; frame IoU is ``iou`` / ``truths``."""

    iou: Float
    truths: Float
    tp_iou: Float
    tp: Float
    fp: Float
    fn: Float


def weighted_pq(sums: FrameSums, weights: Int) -> Float:
    """(B,) PQ of each resample; nan for resamples without boxes and predictions."""
    denominator = weights @ (sums.tp + 0.5 * sums.fp + 0.5 * sums.fn)
    numerator = weights @ sums.tp_iou
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1.0), np.nan)


def weighted_avg_iou(sums: FrameSums, weights: Int) -> Float:
    """(B,) Avg IoU of each resample; nan for resamples without ground truth."""
    defined = sums.truths > 0
    frame_iou = np.where(defined, sums.iou / np.where(defined, sums.truths, 1.0), 0.0)
    count = weights @ defined.astype(np.int64)
    return np.where(count > 0, (weights @ frame_iou) / np.maximum(count, 1), np.nan)
