"""One-to-one assignment with the greatest sum of IoU, a pure function of each frame.

Most pairs need no solver. A pair that is the best of both its boxes, and whose IoU is at least the sum of their second
best, belongs to an optimal assignment: no replacement has a greater sum. Such pairs are removed in rounds until there
are none; only the remaining pairs are solved exactly. The implementations for all frames (arrays) and for one frame
(Python numbers) make the same decisions, also for equal IoUs.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

import numpy as np

from iouviewer.metrics.pairs import Pairs
from iouviewer.metrics.table import Bool, Float, Int

Triple = tuple[int, int, float]
"""(ground-truth row, place of the prediction by score, IoU)."""

_MAX_SMALL = 5
"""Groups with at most this many boxes on one side are solved without scipy."""


def assign_frame(pairs: list[Triple]) -> list[Triple]:
    """The assigned pairs of one frame, ordered by ground truth.

    Args:
        pairs: pairs with IoU > 0, without duplicates, in any order.
    """
    # If no two pairs share a box, all are assigned.
    if len({pair[0] for pair in pairs}) == len({pair[1] for pair in pairs}) == len(pairs):
        return sorted(pairs)
    by_gt, by_pred = _grouped(pairs, 0), _grouped(pairs, 1)
    chosen: list[Triple] = []
    while True:
        safe = [best[0] for best in by_pred.values() if _is_safe(best, by_gt[best[0][0]])]
        if not safe:
            break
        chosen += safe
        used_gt = {pair[0] for pair in safe}
        used_pred = {pair[1] for pair in safe}
        by_gt = _without(by_gt, 1, used_gt, used_pred)
        by_pred = _without(by_pred, 0, used_pred, used_gt)
    if by_gt:
        chosen += _solve([pair for group in by_gt.values() for pair in group])
    chosen.sort()
    return chosen


def _grouped(pairs: list[Triple], by: Literal[0, 1]) -> dict[int, list[Triple]]:
    """Pairs by ground truth (0) or prediction (1), best first; equal ones by the row of the other box."""
    groups: dict[int, list[Triple]] = {}
    for pair in pairs:
        if pair[by] in groups:
            groups[pair[by]].append(pair)
        else:
            groups[pair[by]] = [pair]
    other: Literal[0, 1] = 1 if by == 0 else 0
    for group in groups.values():
        if len(group) > 1:
            group.sort(key=lambda pair: (-pair[2], pair[other]))
    return groups


def _is_safe(of_pred: list[Triple], of_gt: list[Triple]) -> bool:
    """Whether the best pair of a prediction belongs to an optimal assignment (see the module's docstring)."""
    best = of_pred[0]
    if of_gt[0][1] != best[1]:
        return False
    second = of_pred[1][2] if len(of_pred) > 1 else 0.0
    return best[2] >= second + (of_gt[1][2] if len(of_gt) > 1 else 0.0)


def _without(
    groups: dict[int, list[Triple]], other: Literal[0, 1], used: set[int], used_other: set[int]
) -> dict[int, list[Triple]]:
    """The groups without the used boxes."""
    result = {}
    for key, group in groups.items():
        if key not in used:
            remaining = [pair for pair in group if pair[other] not in used_other]
            if remaining:
                result[key] = remaining
    return result


def assign_all(pairs: Pairs, *, frame_of_pred: Int, priority: Int, gt_rows: int) -> Int:
    """Places in ``pairs`` of the assigned pairs of all frames, ordered by ground-truth row.

    Args:
        pairs: pairs with IoU > 0.
        frame_of_pred: (N,) frame of each prediction row.
        priority: (N,) place of each prediction in the order by score, then row.
        gt_rows: number of ground-truth rows.
    """
    rows = len(priority)
    unique = np.bincount(pairs.pred, minlength=rows)[pairs.pred] == 1
    unique &= np.bincount(pairs.gt, minlength=gt_rows)[pairs.gt] == 1
    chosen = [np.flatnonzero(unique)]
    contested = np.flatnonzero(~unique)
    by_pred = contested[np.lexsort((pairs.gt[contested], -pairs.iou[contested], pairs.pred[contested]))]
    by_gt = contested[np.lexsort((priority[pairs.pred[contested]], -pairs.iou[contested], pairs.gt[contested]))]
    used_gt, used_pred = np.zeros(gt_rows, np.bool_), np.zeros(rows, np.bool_)
    while len(by_pred):
        safe = _find_safe(pairs, by_pred, by_gt)
        if not len(safe):
            break
        chosen.append(safe)
        used_gt[pairs.gt[safe]] = True
        used_pred[pairs.pred[safe]] = True
        by_pred = by_pred[~(used_gt[pairs.gt[by_pred]] | used_pred[pairs.pred[by_pred]])]
        by_gt = by_gt[~(used_gt[pairs.gt[by_gt]] | used_pred[pairs.pred[by_gt]])]
    if len(by_pred):
        chosen.append(_solve_frames(pairs, by_gt, frame_of_pred, priority))
    places = np.concatenate(chosen)
    return places[np.argsort(pairs.gt[places], kind="stable")]


def _find_safe(pairs: Pairs, by_pred: Int, by_gt: Int) -> Int:
    """``_is_safe`` for all pairs: the places of those for which it holds."""
    best_pred, second_pred = _best_two(pairs.pred[by_pred], pairs.iou[by_pred])
    best_gt, second_gt = _best_two(pairs.gt[by_gt], pairs.iou[by_gt])
    best_of_pred = by_pred[best_pred]
    place_of_gt = np.zeros(int(pairs.gt[by_gt[-1]]) + 1, np.int64)
    place_of_gt[pairs.gt[by_gt[best_gt]]] = np.arange(int(best_gt.sum()))
    partner = place_of_gt[pairs.gt[best_of_pred]]
    mutual = by_gt[best_gt][partner] == best_of_pred
    safe: Int = best_of_pred[mutual & (pairs.iou[best_of_pred] >= second_pred + second_gt[partner])]
    return safe


def _best_two(group: Int, iou: Float) -> tuple[Bool, Float]:
    """(P,) bool, where each group starts, and the IoU of each group's second pair (0 without one)."""
    first = np.ones(len(group), np.bool_)
    first[1:] = group[1:] != group[:-1]
    following = np.append(np.where(first[1:], 0.0, iou[1:]), 0.0)
    return first, following[first]


def _solve_frames(pairs: Pairs, contested: Int, frame_of_pred: Int, priority: Int) -> Int:
    """Solve the remaining pairs frame by frame."""
    frames: dict[int, list[Triple]] = defaultdict(list)
    place: dict[tuple[int, int], int] = {}
    preds = pairs.pred[contested]
    columns = (frame_of_pred[preds], pairs.gt[contested], priority[preds], pairs.iou[contested], contested)
    for frame, gt, pred, iou, pair in zip(*(column.tolist() for column in columns), strict=True):
        frames[frame].append((gt, pred, iou))
        place[gt, pred] = pair
    assigned = [place[gt, pred] for group in frames.values() for gt, pred, _ in _solve(group)]
    return np.array(assigned, np.int64)


def _solve(pairs: list[Triple]) -> list[Triple]:
    """The optimal assignment of the pairs of one frame, computed for each group of competing boxes."""
    chosen: list[Triple] = []
    for group in _components(pairs):
        gts = sorted({pair[0] for pair in group})
        preds = sorted({pair[1] for pair in group})
        chosen += (
            _solve_small(group, gts, preds) if min(len(gts), len(preds)) <= _MAX_SMALL else _solve_large(group, gts)
        )
    return chosen


def _components(pairs: list[Triple]) -> list[list[Triple]]:
    """Groups of pairs that are connected through common boxes; groups and pairs in a fixed order."""
    by_gt, by_pred = defaultdict(list), defaultdict(list)
    for pair in sorted(pairs):
        by_gt[pair[0]].append(pair)
        by_pred[pair[1]].append(pair)
    groups = []
    seen: set[int] = set()
    for start in by_gt:
        if start in seen:
            continue
        seen.add(start)
        pending, group = [start], []
        while pending:
            for pair in by_gt[pending.pop()]:
                group.append(pair)
                for other in by_pred[pair[1]]:
                    if other[0] not in seen:
                        seen.add(other[0])
                        pending.append(other[0])
        groups.append(sorted(group))
    return groups


def _solve_small(group: list[Triple], gts: list[int], preds: list[int]) -> list[Triple]:
    """Dynamic programming over the boxes of the larger side; a bit mask holds the used boxes of the smaller side."""
    smaller: Literal[0, 1] = 0 if len(gts) <= len(preds) else 1
    larger: Literal[0, 1] = 1 if smaller == 0 else 0
    bit = {row: 1 << place for place, row in enumerate(gts if smaller == 0 else preds)}
    best: dict[int, tuple[float, tuple[Triple, ...]]] = {0: (0.0, ())}
    for row in preds if smaller == 0 else gts:
        options = [pair for pair in group if pair[larger] == row]
        following = dict(best)
        for used, (total, chosen) in best.items():
            for pair in options:
                mask = bit[pair[smaller]]
                if not used & mask:
                    value = total + pair[2]
                    if used | mask not in following or value > following[used | mask][0]:
                        following[used | mask] = (value, (*chosen, pair))
        best = following
    return list(max(best.values(), key=lambda item: item[0])[1])


def _solve_large(group: list[Triple], gts: list[int]) -> list[Triple]:
    """``_solve_small`` by scipy."""
    # Imported here because it takes a third of a second and few videos need it.
    from scipy.optimize import linear_sum_assignment

    preds = sorted({pair[1] for pair in group})
    row, column = {gt: i for i, gt in enumerate(gts)}, {pred: j for j, pred in enumerate(preds)}
    matrix = np.zeros((len(gts), len(preds)))
    for gt, pred, iou in group:
        matrix[row[gt], column[pred]] = iou
    chosen = []
    for i, j in zip(*(places.tolist() for places in linear_sum_assignment(matrix, maximize=True)), strict=True):
        if matrix[i, j] > 0.0:
            chosen.append((gts[i], preds[j], float(matrix[i, j])))
    return chosen
