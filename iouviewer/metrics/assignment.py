"""One-to-one assignment with the greatest sum of IoU, a pure function of each frame.

Most pairs need no solver. A pair that is the best of both its boxes, and at least as good as their second best pairs
together, belongs to an optimal assignment: whatever replaced it could give no more. Such pairs are taken out in rounds,
until none is left; only what then still competes is solved exactly. The form for all frames (arrays) and the form for
one frame (Python numbers) make the same decisions, equal IoUs included.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

import numpy as np

from iouviewer.metrics.pairs import Pairs
from iouviewer.metrics.table import Bool, Float, Int

Triple = tuple[int, int, float]
"""(ground-truth row, place of the prediction by score, IoU)."""

_SMALL = 5


def assign_frame(pairs: list[Triple]) -> list[Triple]:
    """The assigned pairs of one frame, ordered by ground truth.

    Args:
        pairs: pairs with IoU > 0, in any order; each at most once.
    """
    # Where no two pairs share a box there is nothing to decide.
    if len({pair[0] for pair in pairs}) == len({pair[1] for pair in pairs}) == len(pairs):
        return sorted(pairs)
    by_gt, by_pred = _grouped(pairs, 0), _grouped(pairs, 1)
    chosen: list[Triple] = []
    while True:
        winners = [best[0] for best in by_pred.values() if _wins(best, by_gt[best[0][0]])]
        if not winners:
            break
        chosen += winners
        gone_gt = {pair[0] for pair in winners}
        gone_pred = {pair[1] for pair in winners}
        by_gt = _without(by_gt, 1, gone_gt, gone_pred)
        by_pred = _without(by_pred, 0, gone_pred, gone_gt)
    if by_gt:
        chosen += _solve([pair for group in by_gt.values() for pair in group])
    chosen.sort()
    return chosen


def _grouped(pairs: list[Triple], by: Literal[0, 1]) -> dict[int, list[Triple]]:
    """Pairs by ground truth (0) or prediction (1), the best first, equal ones by the other's place."""
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


def _wins(of_pred: list[Triple], of_gt: list[Triple]) -> bool:
    best = of_pred[0]
    if of_gt[0][1] != best[1]:
        return False
    second = of_pred[1][2] if len(of_pred) > 1 else 0.0
    return best[2] >= second + (of_gt[1][2] if len(of_gt) > 1 else 0.0)


def _without(
    groups: dict[int, list[Triple]], other: Literal[0, 1], gone: set[int], gone_other: set[int]
) -> dict[int, list[Triple]]:
    result = {}
    for key, group in groups.items():
        if key not in gone:
            left = [pair for pair in group if pair[other] not in gone_other]
            if left:
                result[key] = left
    return result


def assign_all(pairs: Pairs, *, frame_of_pred: Int, priority: Int, gt_rows: int) -> Int:
    """Places of the assigned pairs of all frames, ordered by ground-truth row.

    Args:
        pairs: pairs with IoU > 0.
        frame_of_pred: (N,) frame of each prediction row.
        priority: (N,) its place among all predictions by score, then row.
    """
    rows = len(priority)
    lone = np.bincount(pairs.pred, minlength=rows)[pairs.pred] == 1
    lone &= np.bincount(pairs.gt, minlength=gt_rows)[pairs.gt] == 1
    chosen = [np.flatnonzero(lone)]
    rest = np.flatnonzero(~lone)
    by_pred = rest[np.lexsort((pairs.gt[rest], -pairs.iou[rest], pairs.pred[rest]))]
    by_gt = rest[np.lexsort((priority[pairs.pred[rest]], -pairs.iou[rest], pairs.gt[rest]))]
    gone_gt, gone_pred = np.zeros(gt_rows, np.bool_), np.zeros(rows, np.bool_)
    while len(by_pred):
        winners = _winners(pairs, by_pred, by_gt)
        if not len(winners):
            break
        chosen.append(winners)
        gone_gt[pairs.gt[winners]] = True
        gone_pred[pairs.pred[winners]] = True
        by_pred = by_pred[~(gone_gt[pairs.gt[by_pred]] | gone_pred[pairs.pred[by_pred]])]
        by_gt = by_gt[~(gone_gt[pairs.gt[by_gt]] | gone_pred[pairs.pred[by_gt]])]
    if len(by_pred):
        chosen.append(_solve_frames(pairs, by_gt, frame_of_pred, priority))
    places = np.concatenate(chosen)
    return places[np.argsort(pairs.gt[places], kind="stable")]


def _winners(pairs: Pairs, by_pred: Int, by_gt: Int) -> Int:
    best_pred, second_pred = _best_two(pairs.pred[by_pred], pairs.iou[by_pred])
    best_gt, second_gt = _best_two(pairs.gt[by_gt], pairs.iou[by_gt])
    firsts = by_pred[best_pred]
    place_of_gt = np.zeros(int(pairs.gt[by_gt[-1]]) + 1, np.int64)
    place_of_gt[pairs.gt[by_gt[best_gt]]] = np.arange(int(best_gt.sum()))
    partner = place_of_gt[pairs.gt[firsts]]
    mutual = by_gt[best_gt][partner] == firsts
    winners: Int = firsts[mutual & (pairs.iou[firsts] >= second_pred + second_gt[partner])]
    return winners


def _best_two(group: Int, iou: Float) -> tuple[Bool, Float]:
    """Where each group begins, and the IoU of its second pair (0 where it has one only)."""
    first = np.ones(len(group), np.bool_)
    first[1:] = group[1:] != group[:-1]
    following = np.append(np.where(first[1:], 0.0, iou[1:]), 0.0)
    return first, following[first]


def _solve_frames(pairs: Pairs, rest: Int, frame_of_pred: Int, priority: Int) -> Int:
    """Solve what still competes, frame by frame."""
    frames: dict[int, list[Triple]] = defaultdict(list)
    place: dict[tuple[int, int], int] = {}
    preds = pairs.pred[rest]
    columns = (frame_of_pred[preds], pairs.gt[rest], priority[preds], pairs.iou[rest], rest)
    for frame, gt, pred, iou, pair in zip(*(column.tolist() for column in columns), strict=True):
        frames[frame].append((gt, pred, iou))
        place[gt, pred] = pair
    found = [place[gt, pred] for group in frames.values() for gt, pred, _ in _solve(group)]
    return np.array(found, np.int64)


def _solve(pairs: list[Triple]) -> list[Triple]:
    """The optimal assignment among the pairs of one frame, group of competing boxes by group."""
    chosen: list[Triple] = []
    for group in _components(pairs):
        gts = sorted({pair[0] for pair in group})
        preds = sorted({pair[1] for pair in group})
        chosen += _solve_small(group, gts, preds) if min(len(gts), len(preds)) <= _SMALL else _solve_large(group, gts)
    return chosen


def _components(pairs: list[Triple]) -> list[list[Triple]]:
    """Pairs that are connected through common boxes, each group and the groups in a fixed order."""
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
        waiting, group = [start], []
        while waiting:
            for pair in by_gt[waiting.pop()]:
                group.append(pair)
                for other in by_pred[pair[1]]:
                    if other[0] not in seen:
                        seen.add(other[0])
                        waiting.append(other[0])
        groups.append(sorted(group))
    return groups


def _solve_small(group: list[Triple], gts: list[int], preds: list[int]) -> list[Triple]:
    """Try all assignments, box by box of the larger side; what is taken of the smaller side is a bit mask."""
    few: Literal[0, 1] = 0 if len(gts) <= len(preds) else 1
    many: Literal[0, 1] = 1 if few == 0 else 0
    bit = {row: 1 << place for place, row in enumerate(gts if few == 0 else preds)}
    best: dict[int, tuple[float, tuple[Triple, ...]]] = {0: (0.0, ())}
    for row in preds if few == 0 else gts:
        options = [pair for pair in group if pair[many] == row]
        following = dict(best)
        for taken, (total, chosen) in best.items():
            for pair in options:
                mask = bit[pair[few]]
                if not taken & mask:
                    value = total + pair[2]
                    if taken | mask not in following or value > following[taken | mask][0]:
                        following[taken | mask] = (value, (*chosen, pair))
        best = following
    return list(max(best.values(), key=lambda item: item[0])[1])


def _solve_large(group: list[Triple], gts: list[int]) -> list[Triple]:
    # Imported here: it takes a third of a second, and few videos need it.
    from scipy.optimize import linear_sum_assignment

    preds = sorted({pair[1] for pair in group})
    row, column = {gt: i for i, gt in enumerate(gts)}, {pred: j for j, pred in enumerate(preds)}
    matrix = np.zeros((len(gts), len(preds)))
    for gt, pred, iou in group:
        matrix[row[gt], column[pred]] = iou
    chosen = []
    for i, j in zip(*(found.tolist() for found in linear_sum_assignment(matrix, maximize=True)), strict=True):
        if matrix[i, j] > 0.0:
            chosen.append((gts[i], preds[j], float(matrix[i, j])))
    return chosen
