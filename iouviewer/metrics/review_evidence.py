"""Evidence about ground truth: what the variants see together, frame by frame, and which box each of it is about.

Predictions of all variants are pooled, each variant's doubles removed. Predictions of several variants on one
object form a cluster; a cluster and a box of one class are paired one to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from iouviewer.metrics.assignment import assign_all
from iouviewer.metrics.iou import areas, extra_pixel
from iouviewer.metrics.pairs import PairColumns, Pairs, overlapping_pairs, same_class
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Convention, Float, Int

POOL_SCORE = 0.02
"""Least score of a prediction that supports a box."""
SAME_OBJECT = 0.5
"""IoU from which predictions of a class are on one object, of one variant or of several."""
PAIR_IOU = 0.3
"""Least IoU of a box with the cluster that is about it."""
PAIR_SCORE = 0.1
"""Least mean score of a cluster that is about a box; below it, several variants' noise would cover any box."""
SIGHT_SCORE = 0.1
"""Score from which a variant sees an object rather than supports it."""


@dataclass(frozen=True, eq=False)
class ReviewInputs:
    """What a review reads.

    Attributes:
        truth: boxes by frame.
        tracks: (B,) int64, track of each box, negative for none.
        labelled: (F,) bool, the frames that count.
        predictions: each variant's boxes and its covered frames, (F,) bool.
        picture: width and height in pixels, 0 where unknown.
        offset: usual difference of a box from what variants see, left, top, right, bottom in sizes of it; None: that of
            these boxes.
    """

    truth: BoxTable
    tracks: Int
    labelled: Bool
    predictions: tuple[tuple[BoxTable, Bool], ...]
    convention: Convention = Convention.CONTINUOUS
    class_agnostic: bool = False
    picture: tuple[float, float] = (0.0, 0.0)
    offset: tuple[float, float, float, float] | None = None

    @cached_property
    def scored(self) -> Bool:
        """(B,) the boxes under review: those of labelled frames that are not ignored."""
        return self.labelled[self.truth.frame_of_row()] & ~self.truth.ignored

    @cached_property
    def classes(self) -> Int:
        """(B,) classes of the boxes as they count."""
        return _without_classes(self.truth.class_ids) if self.class_agnostic else self.truth.class_ids


def _without_classes(class_ids: Int) -> Int:
    return np.full(len(class_ids), UNSPECIFIED_CLASS, np.int64)


@dataclass(frozen=True, eq=False)
class Rows:
    """Boxes of many frames in order of frames, without the other columns of a table.

    Attributes:
        offsets: (F + 1,) int64. boxes: (4, N). class_ids: (N,).
    """

    offsets: Int
    boxes: Float
    class_ids: Int

    @classmethod
    def of(cls, frames: Int, boxes: Float, class_ids: Int, frame_count: int) -> Rows:
        """Of rows whose ``frames`` ascend."""
        return cls(np.searchsorted(frames, np.arange(frame_count + 1)).astype(np.int64), boxes, class_ids)

    @property
    def frames(self) -> Int:
        """(N,) int64."""
        return np.repeat(np.arange(len(self.offsets) - 1, dtype=np.int64), np.diff(self.offsets))

    def select(self, keep: Int) -> Rows:
        """The rows ``keep``, ascending."""
        offsets = np.searchsorted(keep, self.offsets).astype(np.int64)
        return Rows(offsets, self.boxes[:, keep], self.class_ids[keep])

    def shifted(self, frames: int) -> Rows:
        """The same rows ``frames`` earlier, so that they meet those of the frame before; the first ones meet none."""
        count = len(self.offsets)
        last = np.full(min(frames, count), len(self.class_ids), np.int64)
        return Rows(np.append(self.offsets[frames:], last)[:count], self.boxes, self.class_ids)


def overlaps(left: Rows, right: Rows, least: float, convention: Convention, *, inside: bool = False) -> Pairs:
    """Pairs of rows of one frame with an IoU of ``least`` or more, or with that share of ``right`` in ``left``."""
    a = PairColumns(left.offsets, left.boxes, areas(left.boxes, convention))
    b = PairColumns(right.offsets, right.boxes, areas(right.boxes, convention))
    return overlapping_pairs(a, b, least, extra=extra_pixel(convention), of_prediction=inside)


def rows_of(table: BoxTable, keep: Int, class_ids: Int | None = None) -> Rows:
    """The rows ``keep`` (ascending) of a table."""
    offsets = np.searchsorted(keep, table.offsets).astype(np.int64)
    return Rows(offsets, table.boxes[:, keep], (table.class_ids if class_ids is None else class_ids)[keep])


def suppress(rows: Rows, scores: Float, least: float, convention: Convention) -> tuple[Bool, Int]:
    """Greedy suppression within frame and class, all frames at once.

    Returns:
        (N,) bool, the rows that stay: those without a stronger one that stays; and (N,) the row that suppressed each
        row, of several the one with the highest IoU, itself where it stays.
    """
    count = len(scores)
    rank = np.empty(count, np.int64)
    rank[np.argsort(-scores, kind="stable")] = np.arange(count)
    pairs = overlaps(rows, rows, least, convention)
    stronger = (rank[pairs.gt] < rank[pairs.pred]) & same_class(rows.class_ids[pairs.gt], rows.class_ids[pairs.pred])
    pairs = pairs.select(stronger)
    stays, open_ = np.zeros(count, np.bool_), np.ones(count, np.bool_)
    while open_.any():
        beaten, waits = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        beaten[pairs.pred[stays[pairs.gt]]] = True
        waits[pairs.pred[open_[pairs.gt]]] = True
        stays |= open_ & ~beaten & ~waits
        open_ &= waits & ~beaten
    by = np.arange(count, dtype=np.int64)
    pairs = pairs.select(stays[pairs.gt] & ~stays[pairs.pred])
    order = np.argsort(pairs.iou, kind="stable")
    by[pairs.pred[order]] = pairs.gt[order]
    return stays, by


@dataclass(frozen=True, eq=False)
class Clusters:
    """What the variants see: a cluster for each object, in order of frames.

    Attributes:
        rows: the box of the most confident member.
        scores: (C, V) float64, the score of each variant's member, 0 for none.
        consensus: (4, C) mean of the members' boxes by score.
        voters: (C,) int64, number of variants that cover the frame.
    """

    rows: Rows
    scores: Float
    consensus: Float
    voters: Int

    def __len__(self) -> int:
        return len(self.voters)

    @cached_property
    def mean_score(self) -> Float:
        """(C,) mean over the variants that cover the frame, 0 for one that sees nothing."""
        mean: Float = self.scores.sum(axis=1) / np.maximum(self.voters, 1)
        return mean

    @cached_property
    def agreeing(self) -> Int:
        """(C,) number of variants that see it."""
        agreeing: Int = np.count_nonzero(self.scores >= SIGHT_SCORE, axis=1).astype(np.int64)
        return agreeing

    @cached_property
    def share(self) -> Float:
        """(C,) share of the variants that see it."""
        share: Float = self.agreeing / np.maximum(self.voters, 1)
        return share

    @cached_property
    def confidence(self) -> Float:
        """(C,) mean score of the variants that see it, nan for none."""
        seen = self.scores >= SIGHT_SCORE
        with np.errstate(invalid="ignore"):
            mean: Float = np.where(seen, self.scores, 0.0).sum(axis=1) / seen.sum(axis=1)
        return mean

    @cached_property
    def bits(self) -> Int:
        """(C,) a bit for each of the first 62 variants that see it."""
        seen = (self.scores[:, :62] >= SIGHT_SCORE).astype(np.int64)
        bits: Int = np.zeros(len(seen), np.int64)
        for place, column in enumerate(seen.T):
            bits |= column << place
        return bits


def _pool(inputs: ReviewInputs) -> tuple[Rows, Float, Int]:
    """All predictions that support something, without each variant's doubles and without those in ignored boxes.

    Returns:
        The boxes by frame, their scores (N,), and the number of their variant (N,).
    """
    count = inputs.truth.frame_count
    frames, boxes, class_ids, scores, variants = [], [], [], [], []
    for number, (table, covered) in enumerate(inputs.predictions):
        of_row = table.frame_of_row()
        keep = np.flatnonzero((table.scores >= POOL_SCORE) & (inputs.labelled & covered)[of_row])
        classes = _without_classes(table.class_ids) if inputs.class_agnostic else table.class_ids
        rows = rows_of(table, keep, classes)
        stays, _ = suppress(rows, table.scores[keep], SAME_OBJECT, inputs.convention)
        keep = keep[stays]
        frames.append(of_row[keep])
        boxes.append(table.boxes[:, keep])
        class_ids.append(classes[keep])
        scores.append(table.scores[keep])
        variants.append(np.full(len(keep), number, np.int64))
    frame = np.concatenate(frames)
    order = np.argsort(frame, kind="stable")
    pooled = Rows.of(frame[order], np.concatenate(boxes, axis=1)[:, order], np.concatenate(class_ids)[order], count)
    score, variant = np.concatenate(scores)[order], np.concatenate(variants)[order]
    ignored = np.flatnonzero(inputs.truth.regions() & inputs.labelled[inputs.truth.frame_of_row()])
    if len(ignored):
        regions = rows_of(inputs.truth, ignored, inputs.classes)
        inside = overlaps(regions, pooled, 0.5, inputs.convention, inside=True)
        inside = inside.select(same_class(regions.class_ids[inside.gt], pooled.class_ids[inside.pred]))
        outside = np.ones(len(score), np.bool_)
        outside[inside.pred] = False
        keep = np.flatnonzero(outside)
        pooled, score, variant = pooled.select(keep), score[keep], variant[keep]
    return pooled, score, variant


def find_clusters(inputs: ReviewInputs) -> Clusters:
    """The clusters of all labelled frames; none without variants."""
    count = len(inputs.predictions)
    if not count:
        none = np.zeros(0, np.int64)
        empty = Rows(np.zeros(inputs.truth.frame_count + 1, np.int64), np.zeros((4, 0)), none)
        return Clusters(empty, np.zeros((0, 0)), np.zeros((4, 0)), none)
    pooled, score, variant = _pool(inputs)
    leads, leader = suppress(pooled, score, SAME_OBJECT, inputs.convention)
    number = np.cumsum(leads) - 1
    cluster = number[leader]
    total = int(leads.sum())
    # Of several members of one variant, the most confident one counts.
    order = np.lexsort((-score, variant, cluster))
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(cluster[order]) != 0) | (np.diff(variant[order]) != 0)
    members = order[first]
    scores = np.zeros((total, count))
    scores[cluster[members], variant[members]] = score[members]
    votes = score[members]
    sides = [np.bincount(cluster[members], votes * side[members], total) for side in pooled.boxes]
    consensus = np.stack(sides) / np.maximum(np.bincount(cluster[members], votes, total), 1e-12)
    rows = pooled.select(np.flatnonzero(leads))
    voters = np.stack([covered for _, covered in inputs.predictions]).sum(axis=0).astype(np.int64)
    return Clusters(rows, scores, consensus, voters[rows.frames])


@dataclass(frozen=True, eq=False)
class Association:
    """Which cluster is about which box.

    Attributes:
        cluster: (B,) int64 by box, -1 for none.
        iou: (B,) float64 with the consensus of its cluster, 0 for none.
        box: (C,) int64 by cluster, -1 for none.
        nearest: (C,) int64, the box that overlaps most, -1 for none; ``overlap`` (C,) its IoU.
        inside: (C,) float64, greatest share of the cluster's box in one box.
    """

    cluster: Int
    iou: Float
    box: Int
    nearest: Int
    overlap: Float
    inside: Float


def associate(inputs: ReviewInputs, clusters: Clusters) -> Association:
    """Pair clusters and boxes one to one by IoU and confidence."""
    truth = inputs.truth
    scored = np.flatnonzero(inputs.scored)
    boxes = rows_of(truth, scored, inputs.classes)
    seen = Rows(clusters.rows.offsets, clusters.consensus, clusters.rows.class_ids)
    pairs = overlaps(boxes, seen, 0.05, inputs.convention)
    near = np.lexsort((pairs.iou, pairs.pred))
    nearest, overlap = np.full(len(clusters), -1, np.int64), np.zeros(len(clusters))
    nearest[pairs.pred[near]] = scored[pairs.gt[near]]
    overlap[pairs.pred[near]] = pairs.iou[near]
    within = overlaps(boxes, seen, 0.3, inputs.convention, inside=True)
    inside = np.zeros(len(clusters))
    np.maximum.at(inside, within.pred, within.iou)
    fits = (pairs.iou >= PAIR_IOU) & same_class(boxes.class_ids[pairs.gt], seen.class_ids[pairs.pred])
    fits &= clusters.mean_score[pairs.pred] >= PAIR_SCORE
    pairs = pairs.select(fits)
    # A weak second sight does not take the place of a confident one that overlaps a little less.
    weighted = pairs.iou * np.sqrt(clusters.mean_score[pairs.pred])
    order = np.argsort(-clusters.mean_score, kind="stable")
    priority = np.empty(len(clusters), np.int64)
    priority[order] = np.arange(len(clusters))
    chosen = assign_all(
        Pairs(pairs.gt, pairs.pred, weighted), frame_of_pred=seen.frames, priority=priority, gt_rows=len(scored)
    )
    pairs = pairs.select(chosen)
    cluster, iou = np.full(len(truth), -1, np.int64), np.zeros(len(truth))
    cluster[scored[pairs.gt]] = pairs.pred
    iou[scored[pairs.gt]] = pairs.iou
    box = np.full(len(clusters), -1, np.int64)
    box[pairs.pred] = scored[pairs.gt]
    return Association(cluster, iou, box, nearest, overlap, inside)
