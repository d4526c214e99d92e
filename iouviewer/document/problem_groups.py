"""Groups of problems: one lasting error each, that is one object that is wrong in the same way on nearby frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.problem_table import ProblemTable
from iouviewer.document.problems import ProblemKind
from iouviewer.metrics.iou import areas
from iouviewer.metrics.pairs import PairColumns, Pairs, overlapping_pairs
from iouviewer.metrics.table import Bool, Int

MIN_LINK_IOU = 0.5
"""IoU from which boxes of two frames are the same object."""
MAX_LINK_GAP = 3
"""Largest distance in frames between two boxes of an object; above 1, as predictions flicker and runs skip frames."""
MAX_SCORE_STEP = 0.2
"""Difference of scores from which two loose boxes of a track in a row are not one error."""
_FAMILY = np.array([int(ProblemKind.MISSING if kind is ProblemKind.GAP else kind) for kind in ProblemKind])
"""Kinds of one group: a missing box that variants see on some frames and not on others is one error."""
_SINGLE = (int(ProblemKind.SWAP), int(ProblemKind.JUMP))


@dataclass(frozen=True, eq=False)
class GroupedProblems:
    """Problems with their groups and sort orders.

    Attributes:
        table: the problems.
        group: (N,) int64, the group of each row; groups are numbered from 0, the worst first, those that rest on one
            variant alone last.
        by_group: (N,) int64 rows by group, then frame; by_score: the likeliest first, those that rest on one variant
            alone last.
        starts: (G + 1,) int64, the rows of each group in ``by_group``.
    """

    table: ProblemTable
    group: Int
    by_group: Int
    by_score: Int
    starts: Int

    @property
    def group_count(self) -> int:
        return len(self.starts) - 1


def group_problems(table: ProblemTable) -> GroupedProblems:
    """Group and sort problems."""
    raw = _groups(table)
    count = int(raw.max()) + 1 if len(raw) else 0
    evidence = table.evidence_only
    weight = np.where(evidence, 0.0, 2.0) + table.scores
    worst = np.full(count, -np.inf)
    np.maximum.at(worst, raw, weight)
    first = np.full(count, len(raw), np.int64)
    np.minimum.at(first, raw, np.arange(len(raw)))
    rank = np.empty(count, np.int64)
    rank[np.lexsort((first, -worst))] = np.arange(count)
    group: Int = rank[raw] if len(raw) else raw
    # Rows are in order of frames, which a stable sort preserves.
    by_group = np.argsort(group, kind="stable")
    by_score = np.argsort(-weight, kind="stable")
    starts = np.searchsorted(group[by_group], np.arange(count + 1)).astype(np.int64)
    return GroupedProblems(table, group, by_group, by_score, starts)


def _groups(table: ProblemTable) -> Int:
    """(N,) group of each row, numbered without gaps."""
    tracked = table.tracks != NO_TRACK
    # The leader of a group is the first row of its track, or the first of its chain.
    leader = np.arange(len(table), dtype=np.int64)
    rows = np.flatnonzero(tracked)
    if len(rows):
        family = _FAMILY[table.kinds[rows]]
        order = rows[np.lexsort((rows, table.tracks[rows], family))]
        new = np.ones(len(order), np.bool_)
        new[1:] = ~_continues(table, order[:-1], order[1:])
        leader[order] = order[np.flatnonzero(new)][np.cumsum(new) - 1]
    free = np.flatnonzero(~tracked)
    leader[free] = free[_chains(table, free)]
    _, groups = np.unique(leader, return_inverse=True)
    return groups.reshape(-1).astype(np.int64)


def _continues(table: ProblemTable, earlier: Int, later: Int) -> Bool:
    """Whether two problems of one kind in a row are of one track and one error."""
    family = _FAMILY[table.kinds]
    same = (family[earlier] == family[later]) & (table.tracks[earlier] == table.tracks[later])
    same &= table.fix_classes[earlier] == table.fix_classes[later]
    same &= ~np.isin(table.kinds[earlier], _SINGLE)
    same &= table.frames[later] - table.frames[earlier] <= MAX_LINK_GAP
    steps = family[earlier] == int(ProblemKind.LOOSE)
    same &= ~steps | (np.abs(table.scores[earlier] - table.scores[later]) <= MAX_SCORE_STEP)
    found: Bool = same
    return found


def _chains(table: ProblemTable, rows: Int) -> Int:
    """For each of ``rows`` (ascending), the index in ``rows`` of the first row of its chain."""
    offsets = np.searchsorted(rows, table.offsets).astype(np.int64)
    boxes = table.rects[:, rows]
    previous = np.arange(len(rows), dtype=np.int64)
    has_previous, has_next = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    here = PairColumns(offsets, boxes, areas(boxes))
    for gap in range(1, MAX_LINK_GAP + 1):
        # Offsets of the frame that is ``gap`` frames later.
        shifted = np.append(offsets[gap:], np.full(min(gap, len(offsets)), len(rows)))[: len(offsets)]
        pairs = overlapping_pairs(here, PairColumns(shifted, boxes, here.areas), MIN_LINK_IOU)
        earlier, later = rows[pairs.gt], rows[pairs.pred]
        fits = _FAMILY[table.kinds[earlier]] == _FAMILY[table.kinds[later]]
        fits &= (table.class_ids[earlier] == table.class_ids[later]) & ~np.isin(table.kinds[earlier], _SINGLE)
        pairs = _mutual(pairs.select(fits & ~has_next[pairs.gt] & ~has_previous[pairs.pred]), len(rows))
        previous[pairs.pred] = pairs.gt
        has_previous[pairs.pred] = True
        has_next[pairs.gt] = True
    while True:
        earlier_still = previous[previous]
        if np.array_equal(earlier_still, previous):
            return previous
        previous = earlier_still


def _mutual(pairs: Pairs, count: int) -> Pairs:
    """Pairs that are the best pair of both of their boxes; of equal pairs the first."""
    order = np.lexsort((pairs.pred, pairs.gt, -pairs.iou))
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    best = np.full((2, count), len(order), np.int64)
    np.minimum.at(best[0], pairs.gt, number)
    np.minimum.at(best[1], pairs.pred, number)
    return pairs.select((best[0][pairs.gt] == number) & (best[1][pairs.pred] == number))
