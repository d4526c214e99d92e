"""Influence values: how much each frame pulls a score up or down (its derivative by the weight of the frame).

The score of a sample of frames differs from the true one by about the mean of its influence values, so an interval for
the score follows from an interval for a mean. Source: Hampel 1974; for ratios the delta method. Average precision is
linearised without sampling at recall points (the area below the precision envelope, as in PASCAL VOC 2010), because the
101 points of COCO add noise that no number of frames removes.
"""

from __future__ import annotations

import numpy as np

from iouviewer.metrics.table import Bool, Float, Int
from iouviewer.metrics.weighted_scores import ClassMatches, FrameSums


def influence_on_pq(sums: FrameSums) -> Float:
    """(F,) influence of each frame on PQ, mean 0; nan without boxes and predictions."""
    return _influence_on_ratio(sums.tp_iou, sums.tp + 0.5 * sums.fp + 0.5 * sums.fn)


def influence_on_avg_iou(sums: FrameSums) -> Float:
    """(F,) influence of each frame on Avg IoU, mean 0; nan without ground truth."""
    defined = sums.truths > 0
    frame_iou = np.where(defined, sums.iou / np.where(defined, sums.truths, 1.0), 0.0)
    return _influence_on_ratio(frame_iou, defined.astype(np.float64))


def _influence_on_ratio(numerator: Float, denominator: Float) -> Float:
    total = float(denominator.sum())
    if not total:
        return np.full(len(numerator), np.nan)
    result: Float = (numerator - numerator.sum() / total * denominator) * (len(numerator) / total)
    return result


def influence_on_ap(classes: list[ClassMatches], frames: int) -> Float:
    """(F,) influence of each frame on AP, the mean over thresholds and classes; mean 0; nan without ground truth.

    Args:
        frames: number of frames F.
    """
    present = [matches for matches in classes if matches.positives.any()]
    if not present:
        return np.full(frames, np.nan)
    total = np.zeros(frames)
    count = 0
    for matches in present:
        for true, ignored in zip(matches.true, matches.ignored, strict=True):
            total += _influence_on_class(matches.frames, true & ~ignored, ~ignored, matches.positives)
            count += 1
    return total * (frames / count)


def _influence_on_class(frame_of: Int, true: Bool, counted: Bool, positives: Int) -> Float:
    """(F,) derivative of one class's AP at one threshold by the weight of each frame.

    With p(k) the precision after rank k and k*(j) the rank where the envelope at the true positive j has its value, AP
    is the sum of p(k*(j)) over true positives divided by the number of positives. The places k* are fixed to first
    order.
    """
    frames, total = len(positives), int(positives.sum())
    hits = np.flatnonzero(true)
    if not len(hits):
        return np.zeros(frames)
    predicted = np.cumsum(counted)
    precision = np.cumsum(true)[hits] / predicted[hits]
    # The envelope: the greatest precision at this true positive or a later one, and where it is reached.
    backwards = np.maximum.accumulate(precision[::-1])
    reached_at = len(hits) - 1 - np.maximum.accumulate(_last_records(precision[::-1], backwards))[::-1]
    envelope = precision[reached_at]
    ap = float(envelope.sum()) / total
    # How often each place of the envelope is used, per prediction up to it.
    used = np.bincount(reached_at, minlength=len(hits)) / predicted[hits]
    per_true = np.zeros(len(true) + 1)
    per_true[hits] = used
    per_counted = np.zeros(len(true) + 1)
    per_counted[hits] = used * precision
    gain_true = np.cumsum(per_true[::-1])[::-1][:-1]
    gain_counted = np.cumsum(per_counted[::-1])[::-1][:-1]
    by_prediction = np.where(true, gain_true, 0.0) - np.where(counted, gain_counted, 0.0)
    by_prediction[hits] += envelope
    result: Float = (np.bincount(frame_of, by_prediction, minlength=frames) - ap * positives) / total
    return result


def _last_records(values: Float, running: Float) -> Int:
    """(N,) places of values that equal the running maximum, 0 elsewhere."""
    return np.where(values == running, np.arange(len(values)), 0)
