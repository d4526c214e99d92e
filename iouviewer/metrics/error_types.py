"""Error types of detections, and how much AP would rise without the errors of each type.

Source: Bolya et al. 2020, "TIDE: A General Toolbox for Identifying Object Detection Errors", and the definitions of its
reference implementation: foreground IoU 0.5, background IoU 0.1, 100 detections per frame, continuous pixel edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.pairs import same_class
from iouviewer.metrics.table import Bool, BoxTable, Convention, Float, Int

MAX_DETECTIONS = 100


class ErrorType(IntEnum):
    """What is wrong with a prediction (TRUE: nothing, IGNORED: not counted), or MISS for a ground-truth box."""

    TRUE = 0
    CLASSIFICATION = 1
    LOCALISATION = 2
    BOTH = 3
    DUPLICATE = 4
    BACKGROUND = 5
    MISS = 6
    IGNORED = 7


ERRORS = (
    ErrorType.CLASSIFICATION,
    ErrorType.LOCALISATION,
    ErrorType.BOTH,
    ErrorType.DUPLICATE,
    ErrorType.BACKGROUND,
    ErrorType.MISS,
)
SHORT_NAMES = dict(zip(ERRORS, ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss"), strict=True))


@dataclass(frozen=True, slots=True)
class ErrorAnalysis:
    """Errors of one variant.

    Attributes:
        predictions: (P,) int64 of ErrorType by row of the prediction table; IGNORED outside the evaluated frames and
            beyond the 100 best of a frame.
        target_gt: (P,) int64, row of the ground-truth box that a CLASSIFICATION or LOCALISATION error refers to, else
            -1.
        missed: (M,) int64, rows of ground-truth boxes without a true positive and without a CLASSIFICATION or
            LOCALISATION error that refers to them.
        counts: number of errors by type.
        ap50: AP at IoU 0.5, mean over classes; nan without ground truth.
        gains: by how much AP50 rises if all errors of one type are fixed.
    """

    predictions: Int
    target_gt: Int
    missed: Int
    counts: dict[ErrorType, int]
    ap50: float
    gains: dict[ErrorType, float]


def classify_errors(
    truth: BoxTable,
    predictions: BoxTable,
    frames: Bool | None = None,
    *,
    foreground: float = 0.5,
    background: float = 0.1,
) -> ErrorAnalysis:
    """Classify the errors of ``predictions``.

    Args:
        frames: (F,) bool, the frames to evaluate; None for all.
        foreground: least IoU of a true positive.
        background: greatest IoU with any box of a BACKGROUND error.
    """
    kinds = np.full(len(predictions), int(ErrorType.IGNORED), np.int64)
    target_gt = np.full(len(predictions), -1, np.int64)
    used = truth.ignored.copy()
    chosen = range(truth.frame_count) if frames is None else np.flatnonzero(frames).tolist()
    counting = np.zeros(len(truth), np.bool_)
    for frame in chosen:
        counting[truth.rows(frame)] = True
        _classify_frame(truth, predictions, frame, (foreground, background), (kinds, target_gt, used))
    covered = np.zeros(len(truth), np.bool_)
    covered[target_gt[target_gt >= 0]] = True
    missed = np.flatnonzero(counting & ~used & ~covered & truth.counted())
    if predictions.outside is not None:
        # Without a box of its own, a prediction outside a filter is no error of it.
        kinds[predictions.outside & (kinds != ErrorType.TRUE)] = int(ErrorType.IGNORED)
    counts = {error: int((kinds == error).sum()) for error in ERRORS}
    counts[ErrorType.MISS] = len(missed)
    positives = _positives(truth, counting)
    ap50 = _mean_ap(predictions.scores, predictions.class_ids, kinds, positives)
    gains = {
        error: _mean_ap(*fixed, fixed_positives) - ap50
        for error, fixed, fixed_positives in _fix_each_type(
            truth, predictions, kinds, target_gt, used, missed, positives
        )
    }
    return ErrorAnalysis(kinds, target_gt, missed, counts, ap50, gains)


def _classify_frame(
    truth: BoxTable,
    predictions: BoxTable,
    frame: int,
    limits: tuple[float, float],
    results: tuple[Int, Int, Bool],
) -> None:
    """Fill in ``kinds`` and ``target_gt`` of one frame's predictions; mark boxes with a true positive in ``used``."""
    foreground, background = limits
    kinds, target_gt, used = results
    truth_rows, rows = truth.rows(frame), predictions.rows(frame)
    order = np.argsort(-predictions.scores[rows], kind="stable")[:MAX_DETECTIONS] + rows.start
    if not len(order):
        return
    crowd = np.flatnonzero(truth.ignored[truth_rows]) + truth_rows.start
    real = np.flatnonzero(~truth.ignored[truth_rows]) + truth_rows.start
    iou = iou_matrix(predictions.boxes[:, order], truth.boxes[:, real], Convention.CONTINUOUS)
    same = same_class(predictions.class_ids[order, None], truth.class_ids[real])
    same_iou = np.where(same, iou, 0.0)
    found, counts = np.zeros(len(real), np.bool_), truth.counted()
    settled: set[int] = set()
    for place, row in enumerate(order):
        free = np.where(found, 0.0, same_iou[place])
        if predictions.ignored[row]:
            continue
        if len(real) and free.max() >= foreground:
            best = int(free.argmax())
            found[best] = True
            used[real[best]] = True
            # Right about a box that a filter leaves out, a prediction does not count; IGNORED is its kind already.
            settled.add(int(row))
            if counts[real[best]]:
                kinds[row] = ErrorType.TRUE
    other_iou = np.where(same, 0.0, iou)
    for place, row in enumerate(order):
        if row in settled or predictions.ignored[row] or _is_in_crowd(truth, predictions, row, crowd, foreground):
            continue
        if not len(real):
            kinds[row] = ErrorType.BACKGROUND
        elif background <= same_iou[place].max() <= foreground:
            kinds[row] = ErrorType.LOCALISATION
            target_gt[row] = real[same_iou[place].argmax()]
        elif other_iou[place].max() >= foreground:
            kinds[row] = ErrorType.CLASSIFICATION
            target_gt[row] = real[other_iou[place].argmax()]
        elif np.where(found, same_iou[place], 0.0).max() >= foreground:
            kinds[row] = ErrorType.DUPLICATE
        elif iou[place].max() <= background:
            kinds[row] = ErrorType.BACKGROUND
        else:
            kinds[row] = ErrorType.BOTH


def _is_in_crowd(truth: BoxTable, predictions: BoxTable, row: int, crowd: Int, foreground: float) -> bool:
    """Whether an ignored box of the class covers at least ``foreground`` of the prediction's area."""
    if not len(crowd):
        return False
    box = predictions.boxes[:, row][:, None]
    others = truth.boxes[:, crowd]
    width = np.minimum(box[2], others[2]) - np.maximum(box[0], others[0])
    height = np.minimum(box[3], others[3]) - np.maximum(box[1], others[1])
    inter = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    whole = np.broadcast_to((box[2] - box[0]) * (box[3] - box[1]), inter.shape)
    if truth.by_iou is not None:
        extents = others[2:] - others[:2]
        whole = np.where(truth.by_iou[crowd], whole + extents[0] * extents[1] - inter, whole)
    covered = np.divide(inter, whole, out=np.zeros_like(inter), where=whole > 0)
    same = same_class(predictions.class_ids[row : row + 1], truth.class_ids[crowd])
    return bool((covered[same] >= foreground).any())


def _positives(truth: BoxTable, counting: Bool) -> dict[int, int]:
    classes, counts = np.unique(truth.class_ids[counting & truth.counted()], return_counts=True)
    return dict(zip(classes.tolist(), counts.tolist(), strict=True))


_Predictions = tuple[Float, Int, Int]
"""Scores, class ids and kinds."""


def _fix_each_type(
    truth: BoxTable,
    predictions: BoxTable,
    kinds: Int,
    target_gt: Int,
    used: Bool,
    missed: Int,
    positives: dict[int, int],
) -> Iterator[tuple[ErrorType, _Predictions, dict[int, int]]]:
    """For each error type: the predictions as they would be without it, and the ground-truth boxes by class."""
    # Only the best prediction of a box without a true positive can become one; the others would be duplicates.
    best: dict[int, int] = {}
    fixable = np.flatnonzero(target_gt >= 0)
    for row in fixable[np.argsort(-predictions.scores[fixable], kind="stable")].tolist():
        if not used[target_gt[row]]:
            best.setdefault(int(target_gt[row]), row)
    for error in ERRORS:
        fixed, classes = kinds.copy(), predictions.class_ids.copy()
        remaining = dict(positives)
        fixed[kinds == error] = ErrorType.IGNORED
        for truth_row, row in best.items():
            if kinds[row] == error:
                fixed[row] = ErrorType.TRUE
                classes[row] = truth.class_ids[truth_row]
        if error is ErrorType.MISS:
            for class_id in truth.class_ids[missed].tolist():
                remaining[class_id] -= 1
        yield error, (predictions.scores, classes, fixed), remaining


def _mean_ap(scores: Float, class_ids: Int, kinds: Int, positives: dict[int, int]) -> float:
    """AP over 101 recall points, mean over classes with ground truth; nan without any."""
    values = []
    for class_id, count in positives.items():
        if count == 0:
            continue
        of_class = (class_ids == class_id) | (class_ids < 0) | (class_id < 0)
        rows = np.flatnonzero(of_class & (kinds != ErrorType.IGNORED))
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        values.append(_average_precision(kinds[rows] == ErrorType.TRUE, count))
    return float(np.mean(values)) if values else float("nan")


def _average_precision(true: Bool, positives: int) -> float:
    hits = np.cumsum(true)
    precision = hits / np.arange(1, len(true) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(hits / positives, np.linspace(0.0, 1.0, 101), side="left")
    reached = place < len(true)
    return float(np.where(reached, envelope[np.minimum(place, len(true) - 1)], 0.0).mean()) if len(true) else 0.0
