"""The probability that a place of the ground truth is a label error, from what the variants see and what time says.

One scale for all kinds, so that a list in its order asks first where most is wrong (docs/review.md has the formulas and
how their constants were chosen).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from iouviewer.metrics import review_tracks as time
from iouviewer.metrics.iou import iou_aligned
from iouviewer.metrics.pairs import same_class
from iouviewer.metrics.review_evidence import (
    SAME_OBJECT,
    SIGHT_SCORE,
    Association,
    Clusters,
    ReviewInputs,
    Rows,
    associate,
    find_clusters,
    overlaps,
    rows_of,
    suppress,
)
from iouviewer.metrics.review_findings import NO_FIX_CLASS, NO_ROW, Findings, ProblemKind, findings
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Float, Int

HOLE_IOU = 0.4
"""IoU of what variants see with the line through a hole of a track, from which it is the track's object."""
TIMED = 0.6
"""Probability that a track's hole says alone where variants see the object."""
HAUNT = 0.5
"""How much less likely a weak sight is that recurs in one place."""
UNTIMED = 0.9
"""Weight of an object that no track passes: it may be one that the labels leave out on purpose."""
GAP = 0.6
"""Probability of a short hole that no variant fills."""
DROP, OFF = 0.5, 0.45
"""Weights of what variants and of what the track say about a box with neighbours on both sides."""
DROP_ALONE = 0.7
"""Weight of what variants say about a box without them."""
CROWDED = 0.8
"""How much less what variants say counts for a box that lies in another one."""
DETOUR = 0.4
"""Probability that a sudden step and the step back say alone."""
APART = 0.6
"""Probability for a box that overlaps what variants see by ``PAIR_IOU`` only, whatever is usual in its track."""
OVER_NEIGHBOUR = 0.15
"""Share of a labelled neighbour that a fix must not cover more than the box, or its track, did."""
STEADY_CLASS = 0.5
"""Weight of another class that variants see where the track has one class all along."""
MIXED_CLASS = 0.98
"""Probability for a box whose track has another class on most frames around."""
DUPLICATE_IOU = 0.7
"""IoU from which two boxes of a class are on one object."""
JUMP, OVER_EDGE, TINY = 0.6, 0.4, 0.97
"""Probabilities of what ground truth says alone."""


def clip(values: Float) -> Float:
    """Values limited to 0..1."""
    return np.clip(values, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Fit:
    """How the boxes lie to what the variants see, (B,) columns.

    Attributes:
        offset: (4, B) the track's usual difference of a box from its cluster, in sizes of the cluster's box; 0 unknown.
        seen: (4, B) the cluster's box moved by ``offset``, nan without a cluster.
        iou, usual: IoU with ``seen``, and what it usually is in this track; nan where unknown.
        everywhere: (4,) the usual difference over all tracks.
    """

    offset: Float
    seen: Float
    iou: Float
    usual: Float
    everywhere: Float


def _usual_fit(inputs: ReviewInputs, clusters: Clusters, pairs: Association, order: time.TrackOrder) -> Fit:
    count = len(inputs.truth)
    paired = np.flatnonzero(pairs.cluster >= 0)
    tracked = np.flatnonzero(inputs.scored & (inputs.tracks >= 0))
    seen, offset = np.full((4, count), np.nan), np.zeros((4, count))
    seen[:, paired] = clusters.consensus[:, pairs.cluster[paired]]
    size = np.tile(seen[2:] - seen[:2], (2, 1))
    size = np.maximum(size, 1e-9)
    apart = (inputs.truth.boxes - seen) / size
    everywhere = np.zeros(4) if inputs.offset is None else np.array(inputs.offset)
    if inputs.offset is None and len(paired):
        everywhere = np.median(apart[:, paired], axis=1)
    for side in range(4):
        own = time.usual(order, apart[side], tracked)
        offset[side, tracked] = np.where(np.isnan(own), everywhere[side], own)
    seen = seen + offset * size
    iou = np.full(count, np.nan)
    iou[paired] = iou_aligned(inputs.truth.boxes[:, paired], seen[:, paired], inputs.convention)
    usual = np.full(count, np.nan)
    usual[tracked] = time.usual(order, iou, tracked)
    return Fit(offset, seen, iou, usual, everywhere)


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known about the boxes of a review.

    Attributes:
        order: boxes by track; a track ends where it exchanges its object.
        jumps: rows of boxes with which a track goes on somewhere else.
        detours: (B,) bool, boxes between a sudden step of their track and the step back.
        near: what the boxes of the track before and after say, those without detours.
        support: (B,) the strongest score of any variant on the box.
    """

    inputs: ReviewInputs
    clusters: Clusters
    pairs: Association
    order: time.TrackOrder
    swaps: time.Swaps
    jumps: Int
    detours: Bool
    near: time.Neighbours
    holes: time.Holes
    fit: Fit
    support: Float

    @classmethod
    def collect(cls, inputs: ReviewInputs, progress: Callable[[float], None] = lambda _share: None) -> Evidence:
        """Collect it.

        Args:
            progress: called with the share that is done, 0..1.
        """
        clusters = find_clusters(inputs)
        progress(0.5)
        pairs = associate(inputs, clusters)
        progress(0.7)
        order = time.order_tracks(inputs)
        swaps = time.find_swaps(inputs, order)
        swapped = np.concatenate((swaps.one, swaps.other))
        steady = inputs.scored & ~time.find_detours(inputs, time.cut_tracks(order, swapped))
        jumps = np.setdiff1d(time.find_jumps(inputs, order, steady), swapped)
        order = time.cut_tracks(order, np.concatenate((swapped, jumps)))
        detours = time.find_detours(inputs, order)
        near = time.find_neighbours(inputs, order, inputs.scored & ~detours)
        holes = time.find_holes(inputs, order)
        fit = _usual_fit(inputs, clusters, pairs, order)
        progress(0.9)
        support = _support(inputs, clusters)
        return cls(inputs, clusters, pairs, order, swaps, jumps, detours, near, holes, fit, support)

    @cached_property
    def voters(self) -> Int:
        """(B,) number of variants that cover the frame of each box."""
        votes = np.zeros(self.inputs.truth.frame_count, np.int64)
        for _, covered in self.inputs.predictions:
            votes += covered
        return votes[self.inputs.truth.frame_of_row()]

    @cached_property
    def hole_of(self) -> Int:
        """(C,) the hole of a track that each unpaired cluster lies in, -1 for none."""
        return _hole_of(self)

    @cached_property
    def covered(self) -> Float:
        """(B,) greatest share of each box in another box of its frame."""
        rows = rows_of(self.inputs.truth, np.arange(len(self.inputs.truth)))
        pairs = overlaps(rows, rows, 0.05, self.inputs.convention, inside=True)
        pairs = pairs.select(pairs.gt != pairs.pred)
        covered = np.zeros(len(self.inputs.truth))
        np.maximum.at(covered, pairs.pred, pairs.iou)
        return covered


def _support(inputs: ReviewInputs, clusters: Clusters) -> Float:
    scored = np.flatnonzero(inputs.scored)
    support = np.zeros(len(inputs.truth))
    boxes = rows_of(inputs.truth, scored, inputs.classes)
    found = overlaps(boxes, clusters.rows, SAME_OBJECT, inputs.convention)
    found = found.select(same_class(boxes.class_ids[found.gt], clusters.rows.class_ids[found.pred]))
    if clusters.scores.size:
        np.maximum.at(support, scored[found.gt], clusters.scores.max(axis=1)[found.pred])
    return support


def find_errors(evidence: Evidence) -> Findings:
    """Everything that may be a label error; a place is listed once."""
    inputs = evidence.inputs
    duplicates = _duplicates(evidence)
    parts = [_wrong_class(evidence), _loose(evidence), _extra(evidence), _missing(evidence), _gaps(evidence)]
    parts = [duplicates, *parts, _jumps(evidence), _over_edge(evidence), _tiny(evidence)]
    found = _without_second_boxes(inputs, _once(Findings.joined(parts)))
    _keep_off_neighbours(evidence, found)
    return Findings.joined([found, _swaps(evidence)])


def _once(found: Findings) -> Findings:
    """Of several findings about one box, the likeliest."""
    order = np.lexsort((-found.scores, found.rows))
    rows = found.rows[order]
    repeated = np.zeros(len(order), np.bool_)
    repeated[1:] = (rows[1:] == rows[:-1]) & (rows[1:] != NO_ROW)
    return found.select(np.sort(order[~repeated]))


def _without_second_boxes(inputs: ReviewInputs, found: Findings) -> Findings:
    """Without fixes that would put a second box of a class on an object that has one."""
    changing = np.flatnonzero(~np.isnan(found.fix_rects[0]))
    changing = changing[np.argsort(found.frames[changing], kind="stable")]
    classes = np.where(
        found.fix_classes[changing] == NO_FIX_CLASS, found.class_ids[changing], found.fix_classes[changing]
    )
    fixes = Rows.of(found.frames[changing], found.fix_rects[:, changing], classes, inputs.truth.frame_count)
    scored = np.flatnonzero(inputs.scored)
    pairs = overlaps(rows_of(inputs.truth, scored), fixes, SAME_OBJECT, inputs.convention)
    same = same_class(inputs.truth.class_ids[scored][pairs.gt], classes[pairs.pred]) | inputs.class_agnostic
    own = scored[pairs.gt] == found.rows[changing[pairs.pred]]
    second = changing[pairs.pred[same & ~own]]
    found.fix_rects[:, second[found.rows[second] != NO_ROW]] = np.nan
    keep = np.ones(len(found), np.bool_)
    keep[second[found.rows[second] == NO_ROW]] = False
    return found.select(keep)


def _keep_off_neighbours(evidence: Evidence, found: Findings) -> None:
    """Remove fixes that would move a box over a labelled neighbour that neither the box nor its track covers.

    Variants often see two people in front of each other as one; the neighbour's own box says that there are two.
    """
    inputs, near, truth = evidence.inputs, evidence.near, evidence.inputs.truth
    moving = np.flatnonzero((found.kinds == ProblemKind.LOOSE) & ~np.isnan(found.fix_rects[0]))
    moving = moving[np.argsort(found.frames[moving], kind="stable")]
    rows = found.rows[moving]
    fixes = Rows.of(found.frames[moving], found.fix_rects[:, moving], found.class_ids[moving], truth.frame_count)
    scored = np.flatnonzero(inputs.scored)
    pairs = overlaps(fixes, rows_of(truth, scored), OVER_NEIGHBOUR, inputs.convention, inside=True)
    own, other = rows[pairs.gt], scored[pairs.pred]
    neighbour = truth.boxes[:, other]
    before = _covered_share(neighbour, truth.boxes[:, own])
    both = near.before[own] & near.after[own]
    before = np.where(both, np.maximum(before, _covered_share(neighbour, near.rects[:, own])), before)
    same = same_class(truth.class_ids[own], truth.class_ids[other]) | inputs.class_agnostic
    over = same & (own != other) & (pairs.iou - before > OVER_NEIGHBOUR)
    found.fix_rects[:, moving[pairs.gt[over]]] = np.nan


def _covered_share(rects: Float, by: Float) -> Float:
    """(N,) share of each of ``rects`` (4, N) that lies in ``by`` (4, N); 0 where ``by`` is NaN."""
    width = np.minimum(rects[2], by[2]) - np.maximum(rects[0], by[0])
    height = np.minimum(rects[3], by[3]) - np.maximum(rects[1], by[1])
    area = (rects[2] - rects[0]) * (rects[3] - rects[1])
    share: Float = np.nan_to_num(np.maximum(width, 0.0) * np.maximum(height, 0.0) / area)
    return share


def _of_boxes(evidence: Evidence, kind: ProblemKind, rows: Int, score: Float, **more: Any) -> Findings:
    inputs = evidence.inputs
    return findings(
        kind, inputs.truth.frame_of_row()[rows], score, inputs.truth.boxes[:, rows], inputs.truth.class_ids[rows],
        rows=rows, tracks=inputs.tracks[rows], voters=evidence.voters[rows], **more,
    )  # fmt: skip


# Boxes that are not there


def _hole_of(evidence: Evidence) -> Int:
    """(C,) the hole of a track that each unpaired cluster lies in, -1 for none."""
    clusters, holes = evidence.clusters, evidence.holes
    seen = Rows(clusters.rows.offsets, clusters.consensus, clusters.rows.class_ids)
    found = overlaps(holes.rows, seen, HOLE_IOU, evidence.inputs.convention)
    fits = (evidence.pairs.box[found.pred] < 0) & same_class(holes.rows.class_ids[found.gt], seen.class_ids[found.pred])
    found = found.select(fits)
    # One object fills a hole, and is in one hole.
    order = np.lexsort((-found.iou * np.sqrt(clusters.mean_score[found.pred]), found.gt))
    found = found.select(order[np.diff(found.gt[order], prepend=-1) != 0])
    hole = np.full(len(clusters), -1, np.int64)
    order = np.argsort(found.iou, kind="stable")
    hole[found.pred[order]] = found.gt[order]
    return hole


def _missing(evidence: Evidence) -> Findings:
    """What variants see where no box is."""
    inputs, clusters, pairs, holes = evidence.inputs, evidence.clusters, evidence.pairs, evidence.holes
    rows = clusters.rows
    score = np.sqrt(clusters.mean_score) * (0.4 + 0.6 * clusters.share)
    score = score * (1.0 - 0.9 * clip((pairs.overlap - 0.15) / 0.3)) * (1.0 - 0.5 * clip((pairs.inside - 0.5) / 0.4))
    open_ = np.flatnonzero((pairs.box < 0) & (clusters.scores.max(axis=1, initial=0.0) >= SIGHT_SCORE))
    alone = np.zeros(len(clusters), np.bool_)
    alone[open_] = ~_has_company(rows.select(open_), inputs)
    # A weak sight that comes back in one place is a thing that only looks like an object.
    score[open_] *= 1.0 - HAUNT * _recurrence(evidence, open_) * clip((0.5 - clusters.mean_score[open_]) / 0.2)
    hole = evidence.hole_of
    timed = hole >= 0
    score = np.where(timed, 1.0 - (1.0 - TIMED) * (1.0 - score), np.where(alone, 0.6, 1.0) * UNTIMED * score)
    # Of what variants see in one place as several classes, the likeliest stays.
    stays, _ = suppress(_classless(rows.select(open_)), score[open_], SAME_OBJECT, inputs.convention)
    keep = open_[stays]
    inside = hole[keep][timed[keep]]
    offset = np.repeat(evidence.fit.everywhere[:, None], len(keep), axis=1)
    offset[:, timed[keep]] = (
        evidence.fit.offset[:, holes.first[inside]] + evidence.fit.offset[:, holes.last[inside]]
    ) / 2
    seen = clusters.consensus[:, keep]
    fix = seen + offset * np.tile(seen[2:] - seen[:2], (2, 1))
    fix[:, timed[keep]] = (fix[:, timed[keep]] + holes.rows.boxes[:, inside]) / 2
    tracks, class_ids = np.full(len(keep), -1, np.int64), rows.class_ids[keep]
    tracks[timed[keep]] = holes.tracks[inside]
    class_ids = (
        np.where(timed[keep], inputs.truth.class_ids[holes.first[hole[keep]]], class_ids) if len(holes) else class_ids
    )
    return findings(
        ProblemKind.MISSING, rows.frames[keep], score[keep], rows.boxes[:, keep], class_ids,
        tracks=tracks, fix_rects=fix, fix_classes=class_ids, agreeing=clusters.agreeing[keep],
        voters=clusters.voters[keep], confidences=clusters.confidence[keep], variants=clusters.bits[keep],
        timed=timed[keep],
    )  # fmt: skip


def _recurrence(evidence: Evidence, some: Int) -> Float:
    """(N,) how often something is seen in the same place 8 to 32 frames before and after, 1 from 30 % on."""
    rows = evidence.clusters.rows
    found = np.zeros(len(evidence.clusters))
    for step in range(8, time.AROUND + 1, 8):
        pairs = overlaps(rows, rows.shifted(step), 0.6, evidence.inputs.convention)
        seen = np.unique(np.concatenate((pairs.gt, pairs.pred + len(found))))
        found += np.bincount(seen % max(len(found), 1), minlength=len(found))
    recurrence: Float = clip(found[some] / (0.3 * 2 * time.AROUND / 8))
    return recurrence


def _gaps(evidence: Evidence) -> Findings:
    """Frames of short holes of tracks where no variant sees the object."""
    inputs, holes, hole = evidence.inputs, evidence.holes, evidence.hole_of
    open_ = holes.length <= time.LONGEST_HOLE
    open_[hole[hole >= 0]] = False
    gaps = np.flatnonzero(open_)
    rects, class_ids = holes.rows.boxes[:, gaps], inputs.truth.class_ids[holes.first[gaps]]
    return findings(
        ProblemKind.GAP, holes.frames[gaps], np.full(len(gaps), GAP), rects, class_ids, tracks=holes.tracks[gaps],
        fix_rects=rects, fix_classes=class_ids, timed=np.ones(len(gaps), np.bool_),
    )  # fmt: skip


def _classless(rows: Rows) -> Rows:
    return Rows(rows.offsets, rows.boxes, np.full(len(rows.class_ids), UNSPECIFIED_CLASS, np.int64))


def _has_company(rows: Rows, inputs: ReviewInputs) -> Bool:
    """(N,) whether a row of the frame before or after overlaps it."""
    pairs = overlaps(rows, rows.shifted(1), 0.3, inputs.convention)
    found = np.zeros(len(rows.class_ids), np.bool_)
    found[pairs.gt] = found[pairs.pred] = True
    return found


# Boxes that are wrong


def _extra(evidence: Evidence) -> Findings:
    """Boxes that no cluster is about."""
    inputs, near = evidence.inputs, evidence.near
    rows = np.flatnonzero(inputs.scored & (evidence.pairs.cluster < 0) & (evidence.voters > 0))
    support = 1.0 - clip(evidence.support[rows] / 0.3)
    tracked = inputs.tracks[rows] >= 0
    unseen = np.full(len(rows), 0.7)
    seen = np.where(evidence.voters > 0, (evidence.pairs.cluster >= 0).astype(np.float64), np.nan)
    unseen[tracked] = 1.0 - time.usual_share(evidence.order, seen, rows[tracked])
    both, one = near.before[rows] & near.after[rows], near.before[rows] ^ near.after[rows]
    steady = np.where(both, clip((near.iou[rows] - 0.4) / 0.4), np.where(one, 0.6, 0.0))
    never = clip((unseen - 0.6) / 0.4)
    score = 0.95 * support * (1.0 - 0.6 * evidence.covered[rows]) * (1.0 - 0.9 * steady * (1.0 - 0.9 * never))
    # A track that no frame before and after supports speaks for it; that a variant misses all of a track does not.
    timed = tracked & (steady == 0.0)
    return _of_boxes(evidence, ProblemKind.EXTRA, rows, score, agreeing=evidence.voters[rows], timed=timed)


def _loose(evidence: Evidence) -> Findings:
    """Boxes that lie elsewhere than their cluster or their track says."""
    inputs, near, clusters, fit = evidence.inputs, evidence.near, evidence.clusters, evidence.fit
    rows = np.flatnonzero(inputs.scored & ((evidence.pairs.cluster >= 0) | evidence.detours))
    cluster = evidence.pairs.cluster[rows]
    paired = cluster >= 0
    iou = np.where(paired, fit.iou[rows], np.nan)
    usual = np.where(np.isnan(fit.usual[rows]), 0.8, fit.usual[rows])
    drop = np.where(paired, clip(np.sqrt(_of_cluster(clusters.mean_score, cluster)) * (usual - iou) / 0.3), 0.0)
    # Where objects cover each other, what variants see is often of both of them.
    drop = drop * (1.0 - CROWDED * clip((evidence.covered[rows] - 0.2) / 0.3))
    both = near.before[rows] & near.after[rows]
    off = np.where(both, clip((0.85 - near.iou[rows]) / 0.45), 0.0)
    score = np.where(both, DROP * drop + OFF * off, DROP_ALONE * drop)
    score = np.where(evidence.detours[rows], 1.0 - (1.0 - score) * (1.0 - DETOUR), score)
    # A track that lies elsewhere all along has no usual place to drop from.
    apart = APART * np.sqrt(_of_cluster(clusters.mean_score, cluster)) * clip((0.6 - evidence.pairs.iou[rows]) / 0.3)
    elsewhere = paired & (apart > score)
    score = np.where(elsewhere, apart, score)
    line, seen = near.rects[:, rows], fit.seen[:, rows]
    fix = np.where(both & paired, (line + seen) / 2, np.where(both, line, seen))
    fix[:, elsewhere] = clusters.consensus[:, cluster[elsewhere]]
    return _of_boxes(
        evidence, ProblemKind.LOOSE, rows, score, ious=iou, fix_rects=fix,
        timed=both & ((off > 0.2) | evidence.detours[rows]), **_voices(clusters, cluster),
    )  # fmt: skip


def _of_cluster(values: Float, cluster: Int) -> Float:
    """The values of these clusters, 0 for -1."""
    return np.append(values, 0.0)[cluster]


def _voices(clusters: Clusters, cluster: Int) -> dict[str, Any]:
    """Who sees these clusters; nobody sees -1."""
    return {
        "agreeing": np.append(clusters.agreeing, 0)[cluster],
        "confidences": np.append(clusters.confidence, np.nan)[cluster],
        "variants": np.append(clusters.bits, 0)[cluster],
    }


def _wrong_class(evidence: Evidence) -> Findings:
    """Boxes that variants, or most boxes of their track, see as another class."""
    inputs, clusters = evidence.inputs, evidence.clusters
    if inputs.class_agnostic:
        return _of_boxes(evidence, ProblemKind.WRONG_CLASS, np.zeros(0, np.int64), np.zeros(0))
    truth = inputs.truth
    classed = inputs.scored & (truth.class_ids != UNSPECIFIED_CLASS)
    rows = np.flatnonzero(classed)
    boxes = rows_of(truth, rows)
    pairs = overlaps(boxes, clusters.rows, SAME_OBJECT, inputs.convention)
    other = ~same_class(clusters.rows.class_ids[pairs.pred], boxes.class_ids[pairs.gt])
    pairs = pairs.select(other & (clusters.mean_score[pairs.pred] >= SIGHT_SCORE))
    order = np.lexsort((-clusters.mean_score[pairs.pred], pairs.gt))
    pairs = pairs.select(order[np.diff(pairs.gt[order], prepend=-1) != 0])
    rival = np.full(len(truth), -1, np.int64)
    rival[rows[pairs.gt]] = pairs.pred
    own = evidence.pairs.cluster
    weaker = _of_cluster(clusters.mean_score, own) >= _of_cluster(clusters.mean_score, rival)
    rival[weaker] = -1
    same, usual_class = _track_classes(evidence, np.where(classed, truth.class_ids, -1))
    timed = classed & (same < 0.5) & (usual_class >= 0)
    rows = np.flatnonzero(classed & ((rival >= 0) | timed))
    seen = np.sqrt(_of_cluster(clusters.mean_score, rival[rows])) * (1.0 - _of_cluster(clusters.share, own[rows]))
    seen = seen * np.where(inputs.tracks[rows] >= 0, STEADY_CLASS + (1 - STEADY_CLASS) * (1.0 - same[rows]), 0.7)
    said = np.append(clusters.rows.class_ids, -1)[rival[rows]]
    time_says = timed[rows] * (MIXED_CLASS * clip((0.5 - same[rows]) / 0.2))
    score = 1.0 - (1.0 - seen) * (1.0 - time_says)
    fix = np.where(timed[rows], usual_class[rows], said)
    return _of_boxes(
        evidence, ProblemKind.WRONG_CLASS, rows, score, fix_classes=fix, timed=timed[rows],
        **_voices(clusters, rival[rows]),
    )  # fmt: skip


def _track_classes(evidence: Evidence, class_ids: Int) -> tuple[Float, Int]:
    """Share of the boxes around in the same track that have the class of the box, 1 without a track; the usual class.

    Returns:
        Two (B,) columns; the class is -1 where no class is that of half of the boxes.
    """
    inputs = evidence.inputs
    share, best = np.ones(len(class_ids)), np.full(len(class_ids), -1, np.int64)
    tracked = np.flatnonzero(inputs.scored & (inputs.tracks >= 0))
    # Only tracks with several classes need a closer look.
    _, of = np.unique(inputs.tracks[tracked], return_inverse=True)
    of = of.reshape(-1)
    low, high = np.full(len(tracked), 2**31), np.full(len(tracked), -(2**31))
    np.minimum.at(low, of, class_ids[tracked])
    np.maximum.at(high, of, class_ids[tracked])
    mixed = tracked[low[of] != high[of]]
    most = np.zeros(len(mixed))
    for class_id in np.unique(class_ids[mixed]).tolist():
        here = time.usual_share(evidence.order, (class_ids == class_id).astype(np.float64), mixed)
        of_class = class_ids[mixed] == class_id
        share[mixed[of_class]] = here[of_class]
        better = (here > most) & (here >= 0.5) & (class_id >= 0)
        best[mixed[better]] = class_id
        most = np.maximum(most, here)
    return share, best


def _duplicates(evidence: Evidence) -> Findings:
    """Two boxes of a class on one object."""
    inputs = evidence.inputs
    rows = np.flatnonzero(inputs.scored)
    boxes = rows_of(inputs.truth, rows, inputs.classes)
    pairs = overlaps(boxes, boxes, DUPLICATE_IOU, inputs.convention)
    pairs = pairs.select((pairs.gt < pairs.pred) & same_class(boxes.class_ids[pairs.gt], boxes.class_ids[pairs.pred]))
    one, other = rows[pairs.gt], rows[pairs.pred]
    doubled = np.zeros(len(inputs.truth))
    doubled[one] = doubled[other] = 1.0
    share = np.ones(len(inputs.truth))
    tracked = np.flatnonzero((doubled > 0) & (inputs.tracks >= 0))
    share[tracked] = time.usual_share(evidence.order, doubled, tracked)
    # The one goes that is never alone; of equals the one that nobody sees, else the later one.
    paired = evidence.pairs.cluster >= 0
    first = (share[one] > share[other]) | ((share[one] == share[other]) & paired[other] & ~paired[one])
    goes, stays = np.where(first, one, other), np.where(first, other, one)
    # Of three boxes on one object, two go.
    score = 0.15 + 0.82 * share[goes]
    return _of_boxes(
        evidence, ProblemKind.DUPLICATE, goes, score, others=stays, ious=pairs.iou, timed=np.ones(len(goes), np.bool_)
    )


# What ground truth says alone


def _swaps(evidence: Evidence) -> Findings:
    swaps = evidence.swaps
    certain = np.ones(len(swaps.one), np.bool_)
    return _of_boxes(evidence, ProblemKind.SWAP, swaps.one, clip(0.7 + swaps.gain), others=swaps.other, timed=certain)


def _jumps(evidence: Evidence) -> Findings:
    rows = evidence.jumps
    return _of_boxes(evidence, ProblemKind.JUMP, rows, np.full(len(rows), JUMP), timed=np.ones(len(rows), np.bool_))


def _over_edge(evidence: Evidence) -> Findings:
    """Boxes that leave the picture; where most boxes at the edge do, the labels are meant so."""
    inputs = evidence.inputs
    width, height = inputs.picture
    if width <= 0 or height <= 0:
        return _of_boxes(evidence, ProblemKind.OVER_EDGE, np.zeros(0, np.int64), np.zeros(0))
    x1, y1, x2, y2 = inputs.truth.boxes
    beyond = np.max((-x1, -y1, x2 - width, y2 - height), axis=0)
    rows = np.flatnonzero(inputs.scored & (beyond >= 1.0))
    limits = np.array((width, height, width, height), np.float64)[:, None]
    fix = np.clip(inputs.truth.boxes[:, rows], 0.0, limits)
    empty = (fix[2] - fix[0] < 1.0) | (fix[3] - fix[1] < 1.0)
    fix[:, empty] = np.nan
    share = 1.0 - np.nan_to_num((fix[2] - fix[0]) * (fix[3] - fix[1])) / np.maximum(
        (x2 - x1)[rows] * (y2 - y1)[rows], 1e-9
    )
    score = OVER_EDGE * (0.3 + 0.7 * clip(share / 0.3))
    return _of_boxes(evidence, ProblemKind.OVER_EDGE, rows, score, fix_rects=fix, timed=np.ones(len(rows), np.bool_))


def _tiny(evidence: Evidence) -> Findings:
    """Boxes of a pixel or less, left by a click."""
    inputs = evidence.inputs
    size = inputs.truth.boxes[2:] - inputs.truth.boxes[:2]
    rows = np.flatnonzero(inputs.scored & (size.min(axis=0, initial=np.inf) <= 1.0))
    return _of_boxes(evidence, ProblemKind.TINY, rows, np.full(len(rows), TINY), timed=np.ones(len(rows), np.bool_))
