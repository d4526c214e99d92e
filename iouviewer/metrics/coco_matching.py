"""Greedy matching as in pycocotools, for all frames and all ten IoU thresholds at once.

A set of thresholds is a bit mask: bit t is ``THRESHOLDS[t]``. One pair of boxes is matched at all thresholds by three
``&`` operations, on Python integers for one frame or on arrays for all frames.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.pairs import Pairs
from iouviewer.metrics.table import Bool, Float, Int

Masks = NDArray[np.uint16]

THRESHOLDS: Float = np.linspace(0.5, 0.95, 10)
"""IoU thresholds of COCO."""
ALL = (1 << len(THRESHOLDS)) - 1
"""The mask of all thresholds."""
# pycocotools compares with min(t, 1 - 1e-10); all thresholds are lower.
_LIMITS: list[float] = THRESHOLDS.tolist()
_MASKS = np.array([(1 << n) - 1 for n in range(len(THRESHOLDS) + 1)], np.uint16)
_LIMITS_DESCENDING = [(limit, (2 << t) - 1) for t, limit in reversed(list(enumerate(_LIMITS)))]


class Candidates(NamedTuple):
    """Pairs with IoU >= 0.5 within one class, ordered by prediction, then ground truth.

    Attributes:
        pairs: rows and overlaps.
        skipped: (P,) bool, the ground-truth box is ignored; a match with it makes the prediction ignored.
        crowd: (P,) bool, the ground-truth box can be matched any number of times.
    """

    pairs: Pairs
    skipped: Bool
    crowd: Bool


class MatchOutcome(NamedTuple):
    """Result of the matching, as masks of thresholds.

    Attributes:
        tp: (N,) uint16, thresholds at which the prediction is matched to a ground-truth box that counts.
        ignored: (N,) uint16, thresholds at which it is matched to an ignored one.
        hits: (P,) uint16, thresholds at which each candidate pair is matched.
    """

    tp: Masks
    ignored: Masks
    hits: Masks


def threshold_masks(iou: Float) -> Masks:
    """Masks of the thresholds that each IoU reaches."""
    masks: Masks = _MASKS[np.searchsorted(THRESHOLDS, iou, side="right")]
    return masks


def threshold_mask(iou: float) -> int:
    """Mask of the thresholds that one IoU reaches."""
    for limit, mask in _LIMITS_DESCENDING:
        if iou >= limit:
            return mask
    return 0


def match(candidates: Candidates, *, frame_of_pred: Int, priority: Int, gt_rows: int) -> MatchOutcome:
    """Match predictions to ground truth greedily, best prediction first.

    Args:
        frame_of_pred: (N,) frame of each prediction.
        priority: (N,) place of each prediction in the order by score, 0 first; without ties.
        gt_rows: number of ground-truth rows.
    """
    pairs, skipped, crowd = candidates
    rows = len(priority)
    masks = threshold_masks(pairs.iou)
    hits = masks.copy()
    unique = np.bincount(pairs.pred, minlength=rows)[pairs.pred] == 1
    unique &= crowd | (np.bincount(pairs.gt, minlength=gt_rows)[pairs.gt] == 1)
    contested = np.flatnonzero(~unique)
    if len(contested):
        hits[contested] = 0
        order = _greedy_order(pairs, skipped, contested, frame_of_pred, priority)
        _match_contested(candidates, masks, hits, order, frame_of_pred, (rows, gt_rows))
    tp = np.zeros(rows, np.uint16)
    ignored = np.zeros(rows, np.uint16)
    regular = ~skipped & unique
    tp[pairs.pred[regular]] = hits[regular]
    in_ignore_region = skipped & unique
    ignored[pairs.pred[in_ignore_region]] = hits[in_ignore_region]
    if len(contested):
        np.bitwise_or.at(tp, pairs.pred[contested], np.where(skipped[contested], 0, hits[contested]).astype(np.uint16))
        np.bitwise_or.at(
            ignored, pairs.pred[contested], np.where(skipped[contested], hits[contested], 0).astype(np.uint16)
        )
    return MatchOutcome(tp, ignored, hits)


def _greedy_order(pairs: Pairs, skipped: Bool, contested: Int, frame_of_pred: Int, priority: Int) -> Int:
    """The contested pairs in the order in which pycocotools tries them, frame by frame.

    Within a frame by prediction, best score first. A prediction tries boxes that count before ignored ones, then
    greater IoU first; of equal ones, the later box first.
    """
    pred = pairs.pred[contested]
    key = frame_of_pred[pred] * np.int64(len(priority)) + priority[pred]
    order = contested[np.argsort(key, kind="stable")]
    pred = pairs.pred[order]
    same = pred[1:] == pred[:-1]
    several = np.zeros(len(order), np.bool_)
    several[1:] = same
    several[:-1] |= same
    if several.any():
        places = np.flatnonzero(several)
        rows = order[places]
        run = np.cumsum(np.diff(pairs.pred[rows], prepend=-1) != 0)
        order[places] = rows[np.lexsort((-pairs.gt[rows], -pairs.iou[rows], skipped[rows], run))]
    return order


def _match_contested(
    candidates: Candidates, masks: Masks, hits: Masks, order: Int, frame_of_pred: Int, sizes: tuple[int, int]
) -> None:
    """Match the pairs in ``order`` and write ``hits``; round j matches the j-th pair of every frame."""
    pairs, _, crowd = candidates
    pred, gt = pairs.pred[order], pairs.gt[order]
    frame = frame_of_pred[pred]
    first = np.flatnonzero(np.diff(frame, prepend=-1))
    counts = np.diff(first, append=len(frame))
    rounds = np.arange(len(frame)) - np.repeat(first, counts)
    by_round = np.argsort(rounds.astype(np.uint16) if len(rounds) and rounds.max() < 65536 else rounds, kind="stable")
    ends = np.cumsum(np.bincount(rounds))
    order, pred, gt = order[by_round], pred[by_round], gt[by_round]
    mask, reusable = masks[order], np.where(crowd[order], np.uint16(ALL), np.uint16(0))
    pred_free = np.full(sizes[0], ALL, np.uint16)
    gt_free = np.full(sizes[1], ALL, np.uint16)
    start = 0
    for end in ends.tolist():
        part = slice(start, end)
        p, g = pred[part], gt[part]
        of_pred, of_gt = pred_free[p], gt_free[g]
        hit = mask[part] & of_pred & of_gt
        pred_free[p] = of_pred & ~hit
        gt_free[g] = of_gt & (~hit | reusable[part])
        hits[order[part]] = hit
        start = end


def match_frame(
    pairs: list[tuple[int, int, float]], skipped: list[bool], crowd: list[bool], gt_rows: int
) -> dict[int, tuple[int, int]]:
    """``match`` for one frame, on Python numbers.

    Args:
        pairs: (place of the prediction by score, ground-truth row, IoU >= 0.5), in any order.
        skipped, crowd: by ground-truth row.
        gt_rows: number of ground-truth rows.

    Returns:
        (tp mask, ignored mask) of each prediction that has a candidate.
    """
    if len(pairs) > 1:
        pairs.sort(key=lambda pair: (pair[0], skipped[pair[1]], -pair[2], -pair[1]))
    free = [ALL] * gt_rows
    result: dict[int, tuple[int, int]] = {}
    for pred, gt, iou in pairs:
        tp, ignored = result.get(pred, (0, 0))
        hit = threshold_mask(iou) & free[gt] & ~(tp | ignored)
        if not crowd[gt]:
            free[gt] &= ~hit
        result[pred] = (tp, ignored | hit) if skipped[gt] else (tp | hit, ignored)
    return result
