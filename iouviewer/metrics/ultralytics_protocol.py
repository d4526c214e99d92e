"""The numbers that ``yolo val`` prints, as defined in ultralytics 8.4.190.

They differ from COCO's in the interpolation (linear between points, and a trapezoidal integral instead of the mean of
101 samples), have no ignored boxes, and give precision and recall at the confidence with the greatest mean F1. This is
an implementation from the definition; a test compares it with ``ultralytics.utils.metrics.ap_per_class``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import Bool, BoxTable, Convention, Float, Int

PROTOCOL = "ultralytics 8.4.190"
THRESHOLDS = np.linspace(0.5, 0.95, 10)
_CONFIDENCES = np.linspace(0.0, 1.0, 1000)
_RECALLS = np.linspace(0.0, 1.0, 101)
_TINY = 1e-16


@dataclass(frozen=True, slots=True)
class UltralyticsScores:
    """Scores by class (C classes with ground truth) and their means.

    Attributes:
        classes: (C,) int64.
        ap: (C, 10) float64, at IoU 0.50, 0.55 ... 0.95.
        precision, recall, f1: (C,) float64 at ``confidence``, IoU 0.5.
        confidence: at which the smoothed mean F1 is greatest.
        map50, map50_95: means over classes; nan without ground truth.
    """

    classes: Int
    ap: Float
    precision: Float
    recall: Float
    f1: Float
    confidence: float
    map50: float
    map50_95: float


def match_frames(truth: BoxTable, predictions: BoxTable, frames: Bool | None = None) -> tuple[Bool, Int]:
    """Match predictions, highest confidence first, each to the best unmatched box.

    Ignored ground truth is left out, because a data set for ``yolo val`` has none.

    Returns:
        (N, 10) bool, whether each prediction of the evaluated frames is correct at each threshold; (N,) int64, their
            rows.
    """
    chosen = range(truth.frame_count) if frames is None else np.flatnonzero(frames).tolist()
    correct, kept = [np.zeros((0, 10), np.bool_)], [np.zeros(0, np.int64)]
    for frame in chosen:
        rows = predictions.rows(frame)
        order = np.argsort(-predictions.scores[rows], kind="stable") + rows.start
        truth_rows = np.arange(len(truth))[truth.rows(frame)]
        truth_rows = truth_rows[~truth.ignored[truth_rows]]
        kept.append(order)
        iou = iou_matrix(truth.boxes[:, truth_rows], predictions.boxes[:, order], Convention.CONTINUOUS)
        true_classes, classes = truth.class_ids[truth_rows], predictions.class_ids[order]
        same = (true_classes[:, None] == classes) | (true_classes[:, None] < 0) | (classes < 0)
        correct.append(_greedy(np.where(same, iou, 0.0)))
    return np.concatenate(correct), np.concatenate(kept)


def _greedy(iou: Float) -> Bool:
    """(P, 10) bool from IoU of shape (G, P), predictions by descending confidence."""
    result = np.zeros((iou.shape[1], len(THRESHOLDS)), np.bool_)
    if not iou.size:
        return result
    matched = np.zeros((iou.shape[0], len(THRESHOLDS)), np.bool_)
    every = np.arange(len(THRESHOLDS))
    for column in np.flatnonzero(iou.max(axis=0) >= THRESHOLDS[0]):
        free = np.where(matched, 0.0, iou[:, column, None])
        best = free.argmax(axis=0)
        result[column] = free[best, every] >= THRESHOLDS
        matched[best[result[column]], every[result[column]]] = True
    return result


def score(correct: Bool, confidences: Float, classes: Int, true_classes: Int) -> UltralyticsScores:
    """Scores from matches: (N, 10) bool, (N,) confidences, (N,) classes, (M,) classes of the ground truth."""
    order = np.argsort(-confidences, kind="stable")
    correct, confidences, classes = correct[order], confidences[order], classes[order]
    known, totals = np.unique(true_classes, return_counts=True)
    count = len(known)
    ap = np.zeros((count, correct.shape[1]))
    precisions, recalls = np.zeros((count, 1000)), np.zeros((count, 1000))
    for place, (class_id, total) in enumerate(zip(known, totals, strict=True)):
        of_class = (classes == class_id) | (classes < 0) | (class_id < 0)
        if not of_class.any():
            continue
        hits = np.cumsum(correct[of_class], axis=0)
        recall = hits / (total + _TINY)
        precision = hits / np.arange(1, len(hits) + 1)[:, None]
        falling = -confidences[of_class]
        recalls[place] = np.interp(-_CONFIDENCES, falling, recall[:, 0], left=0)
        precisions[place] = np.interp(-_CONFIDENCES, falling, precision[:, 0], left=1)
        ap[place] = [interpolated_ap(recall[:, t], precision[:, t]) for t in range(correct.shape[1])]
    f1 = 2 * precisions * recalls / (precisions + recalls + _TINY)
    best = int(_smoothed(f1.mean(axis=0)).argmax()) if count else 0
    return UltralyticsScores(
        known,
        ap,
        precisions[:, best],
        recalls[:, best],
        f1[:, best],
        float(_CONFIDENCES[best]),
        float(ap[:, 0].mean()) if count else float("nan"),
        float(ap.mean()) if count else float("nan"),
    )


def interpolated_ap(recall: Float, precision: Float) -> float:
    """Area under the precision envelope: linear between points, 101 samples, trapezoids."""
    last = recall[-1] if len(recall) else 1.0
    xs = np.concatenate([[0.0], recall, [last, 1.0]])
    ys = np.concatenate([[1.0], precision, [0.0, 0.0]])
    envelope = np.maximum.accumulate(ys[::-1])[::-1]
    samples = np.interp(_RECALLS, xs, envelope)
    return float(((samples[1:] + samples[:-1]) / 2 * np.diff(_RECALLS)).sum())


def _smoothed(curve: Float) -> Float:
    """Moving mean over a tenth of the curve, with its ends repeated."""
    width = round(len(curve) * 0.1 * 2) // 2 + 1
    half = width // 2
    padded = np.concatenate([np.full(half, curve[0]), curve, np.full(half, curve[-1])])
    smoothed: Float = np.convolve(padded, np.full(width, 1.0 / width), mode="valid")
    return smoothed


def evaluate(truth: BoxTable, predictions: BoxTable, frames: Bool | None = None) -> UltralyticsScores:
    """Scores as ``yolo val`` prints them.

    Args:
        frames: (F,) bool, the frames to evaluate; None for all.
    """
    correct, rows = match_frames(truth, predictions, frames)
    counting = ~truth.ignored
    if frames is not None:
        counting &= frames[truth.frame_of_row()]
    return score(correct, predictions.scores[rows], predictions.class_ids[rows], truth.class_ids[counting])
