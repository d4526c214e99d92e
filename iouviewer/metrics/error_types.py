"""Error types of detections and the AP that mending each would gain.

Source: Bolya et al. 2020, "TIDE: A General Toolbox for Identifying Object Detection Errors", and the definitions of its
reference implementation: foreground IoU 0.5, background IoU 0.1, 100 detections a frame, boxes continuous.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import Bool, BoxTable, Convention, Float, Int

MAX_DETECTIONS = 100


class ErrorType(IntEnum):
    """What is wrong with a prediction (TRUE: nothing, IGNORED: it counts nowhere), or MISS for a ground-truth box."""

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
class ErrorTypes:
    """Errors of one variant.

    Attributes:
        predictions: (P,) int64 of ErrorType, a value for each row of the prediction table; rows outside the frames that
            count, or beyond the 100 best of their frame, are IGNORED.
        mends: (P,) int64, row of the ground-truth box that a CLASSIFICATION or LOCALISATION error refers to, else -1.
        missed: (M,) int64, rows of ground-truth boxes that nothing found, and that no CLASSIFICATION or LOCALISATION
            error explains.
        counts: number of each error.
        ap50: AP at IoU 0.5, mean over classes; nan without ground truth.
        gains: what AP50 gains if the errors of one type were mended.
    """

    predictions: Int
    mends: Int
    missed: Int
    counts: dict[ErrorType, int]
    ap50: float
    gains: dict[ErrorType, float]


def error_types(
    truth: BoxTable,
    predictions: BoxTable,
    frames: Bool | None = None,
    *,
    foreground: float = 0.5,
    background: float = 0.1,
) -> ErrorTypes:
    """Errors of ``predictions`` against ``truth`` in the frames that count ((F,) bool, None: all)."""
    kinds = np.full(len(predictions), int(ErrorType.IGNORED), np.int64)
    mends = np.full(len(predictions), -1, np.int64)
    used = truth.ignored.copy()
    chosen = range(truth.frame_count) if frames is None else np.flatnonzero(frames).tolist()
    counting = np.zeros(len(truth), np.bool_)
    for frame in chosen:
        counting[truth.rows(frame)] = True
        _classify_frame(truth, predictions, frame, (foreground, background), (kinds, mends, used))
    covered = np.zeros(len(truth), np.bool_)
    covered[mends[mends >= 0]] = True
    missed = np.flatnonzero(counting & ~used & ~covered)
    counts = {error: int((kinds == error).sum()) for error in ERRORS}
    counts[ErrorType.MISS] = len(missed)
    positives = _positives(truth, counting)
    ap50 = _mean_ap(predictions.scores, predictions.class_ids, kinds, positives)
    gains = {
        error: _mean_ap(*mended, found_positives) - ap50
        for error, mended, found_positives in _mended(truth, predictions, kinds, mends, used, missed, positives)
    }
    return ErrorTypes(kinds, mends, missed, counts, ap50, gains)


def _classify_frame(
    truth: BoxTable,
    predictions: BoxTable,
    frame: int,
    limits: tuple[float, float],
    results: tuple[Int, Int, Bool],
) -> None:
    """Fill in the kinds and mends of one frame's predictions and mark the ground truth that was found."""
    foreground, background = limits
    kinds, mends, used = results
    truth_rows, rows = truth.rows(frame), predictions.rows(frame)
    order = np.argsort(-predictions.scores[rows], kind="stable")[:MAX_DETECTIONS] + rows.start
    if not len(order):
        return
    crowd = np.flatnonzero(truth.ignored[truth_rows]) + truth_rows.start
    real = np.flatnonzero(~truth.ignored[truth_rows]) + truth_rows.start
    iou = iou_matrix(predictions.boxes[:, order], truth.boxes[:, real], Convention.CONTINUOUS)
    same = _same_class(predictions.class_ids[order], truth.class_ids[real])
    same_iou = np.where(same, iou, 0.0)
    taken = np.zeros(len(real), np.bool_)
    for place, row in enumerate(order):
        free = np.where(taken, 0.0, same_iou[place])
        if len(real) and free.max() >= foreground:
            best = int(free.argmax())
            taken[best] = True
            used[real[best]] = True
            kinds[row] = ErrorType.TRUE
    other_iou = np.where(same, 0.0, iou)
    for place, row in enumerate(order):
        if kinds[row] == ErrorType.TRUE or _is_in_crowd(truth, predictions, row, crowd, foreground):
            continue
        if not len(real):
            kinds[row] = ErrorType.BACKGROUND
        elif background <= same_iou[place].max() <= foreground:
            kinds[row] = ErrorType.LOCALISATION
            mends[row] = real[same_iou[place].argmax()]
        elif other_iou[place].max() >= foreground:
            kinds[row] = ErrorType.CLASSIFICATION
            mends[row] = real[other_iou[place].argmax()]
        elif np.where(taken, same_iou[place], 0.0).max() >= foreground:
            kinds[row] = ErrorType.DUPLICATE
        elif iou[place].max() <= background:
            kinds[row] = ErrorType.BACKGROUND
        else:
            kinds[row] = ErrorType.BOTH


def _same_class(predicted: Int, truth: Int) -> Bool:
    """(P, G) bool; an unspecified class (negative) is the same as every class."""
    same: Bool = (predicted[:, None] == truth[None, :]) | (predicted[:, None] < 0) | (truth[None, :] < 0)
    return same


def _is_in_crowd(truth: BoxTable, predictions: BoxTable, row: int, crowd: Int, foreground: float) -> bool:
    """Whether an ignored box of the class covers at least ``foreground`` of the prediction's area."""
    if not len(crowd):
        return False
    box = predictions.boxes[:, row][:, None]
    others = truth.boxes[:, crowd]
    width = np.minimum(box[2], others[2]) - np.maximum(box[0], others[0])
    height = np.minimum(box[3], others[3]) - np.maximum(box[1], others[1])
    covered = np.maximum(width, 0.0) * np.maximum(height, 0.0) / ((box[2] - box[0]) * (box[3] - box[1]))
    same = _same_class(predictions.class_ids[row : row + 1], truth.class_ids[crowd])[0]
    return bool((covered[same] >= foreground).any())


def _positives(truth: BoxTable, counting: Bool) -> dict[int, int]:
    classes, counts = np.unique(truth.class_ids[counting & ~truth.ignored], return_counts=True)
    return dict(zip(classes.tolist(), counts.tolist(), strict=True))


_Flags = tuple[Float, Int, Int]


def _mended(
    truth: BoxTable,
    predictions: BoxTable,
    kinds: Int,
    mends: Int,
    used: Bool,
    missed: Int,
    positives: dict[int, int],
) -> Iterator[tuple[ErrorType, _Flags, dict[int, int]]]:
    """For each error: scores, classes and kinds as they were without it, and the positives a class."""
    # Only the best prediction of a box that nothing found can become true; the rest would be duplicates.
    best: dict[int, int] = {}
    near = np.flatnonzero(mends >= 0)
    for row in near[np.argsort(-predictions.scores[near], kind="stable")].tolist():
        if not used[mends[row]]:
            best.setdefault(int(mends[row]), row)
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
        mine = (class_ids == class_id) | (class_ids < 0) | (class_id < 0)
        rows = np.flatnonzero(mine & (kinds != ErrorType.IGNORED))
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
