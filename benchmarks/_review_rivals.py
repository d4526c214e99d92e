"""Other rankings of probable label errors: the order before, cleanlab's ObjectLab, and FiftyOne's mistakenness."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence

import numpy as np

from iouviewer.metrics.iou import areas, iou_matrix
from iouviewer.metrics.pairs import PairColumns, Pairs, overlapping_pairs, same_class
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.review_evidence import ReviewInputs, rows_of
from iouviewer.metrics.review_findings import Findings, ProblemKind, findings
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int

# The order before: kinds in order of severity, groups by track or place, the baseline's view

_LOOSE, _MISS, _EXTRA, _CLASS, _AGREE = range(5)
_AGREEMENT, _SAME_PLACE, _LABELLED, _LINK, _GAP = 0.7, 0.2, 0.3, 0.5, 3


class _Pairing:
    def __init__(self, inputs: ReviewInputs, table: BoxTable, covered: Bool) -> None:
        settings = ReviewSettings()
        review = review_all(inputs.truth, table, settings, inputs.labelled & covered)
        same = review.pair_iou >= _SAME_PLACE
        self.gt, self.pred, self.iou = review.pair_gt[same], review.pair_pred[same], review.pair_iou[same]
        self.unpaired = review.used & ~review.in_ignore_region
        self.unpaired[self.pred] = False
        self.doubtful = review.used.copy()
        self.doubtful[review.pair_pred[review.pair_iou >= settings.iou]] = False


def order_before(inputs: ReviewInputs) -> Findings:
    """All problems as they were listed and stepped through before they had probabilities."""
    truth, (table, _) = inputs.truth, inputs.predictions[0]
    pairings = [_Pairing(inputs, *one) for one in inputs.predictions]
    own = pairings[0]
    loose = own.iou < 0.5
    missed = inputs.scored.copy()
    missed[own.gt] = False
    unpaired = own.unpaired.copy()
    wrong_gt, wrong_pred = _other_class(truth, table, missed, unpaired)
    missed[wrong_gt] = False
    unpaired[wrong_pred] = False
    taken = np.zeros(len(truth), np.bool_)
    taken[own.gt[loose]] = taken[wrong_gt] = True
    second = _second_predictions(inputs, own, unpaired)
    second = second.select(~taken[second.gt])
    missed[second.gt] = False
    for pairing in pairings[1:]:
        missed[pairing.gt] = False
    parts: list[tuple[Findings, Int, Float]] = []
    scores = table.scores

    def boxes(
        gt: Int, kinds: Int, severity: Float, kind: ProblemKind, fix: Float | None, fix_class: Int | None
    ) -> None:
        found = findings(
            kind, truth.frame_of_row()[gt], severity, truth.boxes[:, gt], truth.class_ids[gt], rows=gt,
            tracks=inputs.tracks[gt], fix_rects=fix, fix_classes=fix_class,
        )  # fmt: skip
        parts.append((found, kinds, severity))

    gt, pred = own.gt[loose], own.pred[loose]
    agreed, mean = _agreed(inputs, pred, [pairing.doubtful for pairing in pairings])
    kinds, fix = np.where(agreed, _AGREE, _LOOSE), np.where(agreed, mean, table.boxes[:, pred])
    boxes(gt, kinds, np.where(agreed, scores[pred], 1 - own.iou[loose]), ProblemKind.LOOSE, fix, None)
    kinds = np.full(len(second.gt), _LOOSE)
    boxes(second.gt, kinds, 1 - second.iou, ProblemKind.LOOSE, table.boxes[:, second.pred], None)
    gt = np.flatnonzero(missed)
    width, height = truth.boxes[2:, gt] - truth.boxes[:2, gt]
    boxes(gt, np.full(len(gt), _MISS), np.minimum(width * height / 1e5, 1), ProblemKind.EXTRA, None, None)
    classes = table.class_ids[wrong_pred]
    boxes(wrong_gt, np.full(len(wrong_gt), _CLASS), scores[wrong_pred], ProblemKind.WRONG_CLASS, None, classes)
    rows = np.flatnonzero(unpaired)
    agreed, mean = _agreed(inputs, rows, [pairing.unpaired for pairing in pairings])
    found = findings(
        ProblemKind.MISSING, table.frame_of_row()[rows], scores[rows], table.boxes[:, rows], table.class_ids[rows],
        fix_rects=np.where(agreed, mean, table.boxes[:, rows]), fix_classes=table.class_ids[rows],
    )  # fmt: skip
    parts.append((found, np.where(agreed, _AGREE, _EXTRA), scores[rows]))
    return _by_group(parts)


def _other_class(truth: BoxTable, table: BoxTable, missed: Bool, free: Bool) -> tuple[Int, Int]:
    left, right = np.flatnonzero(missed & (truth.class_ids != UNSPECIFIED_CLASS)), np.flatnonzero(free)
    pairs = _overlaps(truth, left, table, right, 0.5)
    pairs = pairs.select(truth.class_ids[pairs.gt] != table.class_ids[pairs.pred])
    pairs = pairs.select(np.lexsort((pairs.pred, -pairs.iou, pairs.gt)))
    wrong: dict[int, int] = {}
    for box, row in zip(pairs.gt.tolist(), pairs.pred.tolist(), strict=True):
        if box not in wrong and row not in wrong.values():
            wrong[box] = row
    return np.array(list(wrong), np.int64), np.array(list(wrong.values()), np.int64)


def _overlaps(one: BoxTable, left: Int, other: BoxTable, right: Int, least: float) -> Pairs:
    a, b = rows_of(one, left), rows_of(other, right)
    found = overlapping_pairs(
        PairColumns(a.offsets, a.boxes, areas(a.boxes)), PairColumns(b.offsets, b.boxes, areas(b.boxes)), least
    )
    return Pairs(left[found.gt], right[found.pred], found.iou)


def _second_predictions(inputs: ReviewInputs, own: _Pairing, unpaired: Bool) -> Pairs:
    truth, (table, _) = inputs.truth, inputs.predictions[0]
    pairs = _overlaps(truth, np.flatnonzero(inputs.scored), table, np.flatnonzero(unpaired), _LABELLED)
    pairs = pairs.select(same_class(truth.class_ids[pairs.gt], table.class_ids[pairs.pred]))
    pairs = pairs.select(np.lexsort((pairs.gt, -pairs.iou, pairs.pred)))
    pairs = pairs.select(np.diff(pairs.pred, prepend=-1) != 0)
    unpaired[pairs.pred] = False
    pairs = pairs.select(np.lexsort((pairs.pred, -table.scores[pairs.pred], pairs.gt)))
    pairs = pairs.select(np.diff(pairs.gt, prepend=-1) != 0)
    score = np.full(len(truth), -np.inf)
    score[own.gt] = table.scores[own.pred]
    return pairs.select(table.scores[pairs.pred] > score[pairs.gt])


def _agreed(inputs: ReviewInputs, rows: Int, witnesses: Sequence[Bool]) -> tuple[Bool, Float]:
    table, _ = inputs.predictions[0]
    total, agreed = table.boxes[:, rows].copy(), np.ones(len(rows), np.bool_)
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    for (other, _covered), counted in zip(inputs.predictions[1:], witnesses[1:], strict=True):
        pairs = _overlaps(table, ascending, other, np.flatnonzero(counted), _AGREEMENT)
        pairs = pairs.select(table.class_ids[pairs.gt] == other.class_ids[pairs.pred])
        pairs = pairs.select(np.lexsort((pairs.pred, -pairs.iou, pairs.gt)))
        pairs = pairs.select(np.diff(pairs.gt, prepend=-1) != 0)
        place = order[np.searchsorted(ascending, pairs.gt)]
        same = np.zeros(len(rows), np.bool_)
        same[place] = True
        agreed &= same
        total[:, place] += other.boxes[:, pairs.pred]
    count = len(inputs.predictions)
    return agreed & (count > 1), np.where(agreed, total / count, table.boxes[:, rows])


def _by_group(parts: Sequence[tuple[Findings, Int, Float]]) -> Findings:
    """In the order in which N went through them: groups by their worst problem, each by frame."""
    found = Findings.joined([part[0] for part in parts])
    kinds = np.concatenate([part[1] for part in parts])
    severity = kinds + 0.99 * np.concatenate([part[2] for part in parts])
    order = np.lexsort((kinds, found.frames))
    found, kinds, severity = found.select(order), kinds[order], severity[order]
    leader = np.arange(len(found))
    tracked = found.tracks >= 0
    keys = kinds * 10**9 + found.tracks
    for key in np.unique(keys[tracked]).tolist():
        rows = np.flatnonzero(tracked & (keys == key))
        leader[rows] = rows[0]
    free = np.flatnonzero(~tracked)
    for at, row in enumerate(free.tolist()):
        for earlier in free[max(0, at - 60) : at][::-1].tolist():
            gap = int(found.frames[row] - found.frames[earlier])
            if 0 < gap <= _GAP and kinds[row] == kinds[earlier] and found.class_ids[row] == found.class_ids[earlier]:
                both = found.rects[:, [row]], found.rects[:, [earlier]]
                if iou_matrix(*both)[0, 0] >= _LINK:
                    leader[row] = leader[earlier]
                    break
    worst = np.full(len(found), -np.inf)
    np.maximum.at(worst, leader, severity)
    return found.select(np.lexsort((found.frames, leader, -worst[leader])))


# cleanlab's ObjectLab


def object_lab(inputs: ReviewInputs) -> Findings:
    """Box scores of cleanlab (overlooked, badly located, swapped class), lowest first; of several variants the mean."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cleanlab.object_detection import rank

    truth, frames = inputs.truth, inputs.truth.frame_of_row()
    count = (
        max(int(truth.class_ids.max(initial=0)), *(int(t.class_ids.max(initial=0)) for t, _ in inputs.predictions)) + 1
    )
    labels = [
        {"bboxes": truth.frame(f).boxes.T.copy(), "labels": np.maximum(truth.frame(f).class_ids, 0)}
        for f in range(truth.frame_count)
    ]
    parts: list[Findings] = []
    located, swapped = np.zeros((2, len(truth)))
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, (table, _covered) in enumerate(inputs.predictions):
            seen = [_by_class(table.frame(f), count) for f in range(truth.frame_count)]
            located += np.nan_to_num(
                np.concatenate(rank.compute_badloc_box_scores(labels=labels, predictions=seen)), nan=1
            )
            swapped += np.nan_to_num(
                np.concatenate(rank.compute_swap_box_scores(labels=labels, predictions=seen)), nan=1
            )
            if number == 0:
                overlooked = rank.compute_overlooked_box_scores(labels=labels, predictions=seen)
                for frame, (scores, boxes) in enumerate(zip(overlooked, seen, strict=True)):
                    rows = np.concatenate(boxes)
                    kept = ~np.isnan(scores)
                    classes = np.concatenate([np.full(len(one), c) for c, one in enumerate(boxes)]).astype(np.int64)
                    parts.append(_missing_at(frame, rows[kept, :4].T, classes[kept], 1 - scores[kept]))
    score = 1 - np.minimum(located, swapped) / len(inputs.predictions)
    kind = ProblemKind.LOOSE
    rows = np.flatnonzero(inputs.scored)
    parts.append(findings(kind, frames[rows], score[rows], truth.boxes[:, rows], truth.class_ids[rows], rows=rows))
    found = Findings.joined(parts)
    return found.select(np.argsort(-found.scores, kind="stable"))


def _scores(by_image: Sequence[Float]) -> Float:
    """Scores of all boxes; 1 where there is nothing to say."""
    return np.nan_to_num(np.concatenate(by_image), nan=1.0)


def _by_class(table: BoxTable, count: int) -> list[Float]:
    keep = table.scores >= 0.02
    rows = np.concatenate((table.boxes, table.scores[None])).T
    return [rows[keep & (np.maximum(table.class_ids, 0) == one)] for one in range(count)]


def _missing_at(frame: int, rects: Float, classes: Int, scores: Float) -> Findings:
    frames = np.full(len(scores), frame, np.int64)
    return findings(
        ProblemKind.MISSING, frames, scores, rects, classes, fix_rects=rects.astype(np.float64), fix_classes=classes
    )


# FiftyOne's mistakenness, after its documented formulas


def mistakenness(inputs: ReviewInputs) -> Findings:
    """Matched boxes by (1 - confidence) / 2 or (1 + confidence) / 2, or by confidence * (1 - IoU); unmatched
    predictions of 0.5 or more by their confidence, unmatched boxes at 0.5. Of the baseline alone, as that program has.
    """
    truth, (table, _) = inputs.truth, inputs.predictions[0]
    frames = truth.frame_of_row()
    pairs = _overlaps(truth, np.flatnonzero(inputs.scored), table, np.flatnonzero(table.scores >= 0.02), 0.5)
    order = np.lexsort((-pairs.iou, -table.scores[pairs.pred]))
    score, fix = np.full(len(truth), 0.5), np.full((4, len(truth)), np.nan)
    fix_class, used = np.full(len(truth), -2, np.int64), np.zeros(len(table), np.bool_)
    done = np.zeros(len(truth), np.bool_)
    for place in order.tolist():
        box, row, iou = int(pairs.gt[place]), int(pairs.pred[place]), float(pairs.iou[place])
        if done[box] or used[row]:
            continue
        done[box] = used[row] = True
        confidence = float(table.scores[row])
        same = bool(same_class(truth.class_ids[box : box + 1], table.class_ids[row : row + 1])[0])
        score[box] = max((1 - confidence if same else 1 + confidence) / 2, confidence * (1 - iou))
        fix[:, box] = table.boxes[:, row]
        fix_class[box] = -2 if same else int(table.class_ids[row])
    rows = np.flatnonzero(inputs.scored)
    parts = []
    kind_of = np.where(~done, int(ProblemKind.EXTRA), np.where(fix_class >= -1, int(ProblemKind.WRONG_CLASS), 2))
    for kind in (ProblemKind.EXTRA, ProblemKind.WRONG_CLASS, ProblemKind.LOOSE):
        some = rows[kind_of[rows] == kind]
        rects = fix[:, some] if kind is ProblemKind.LOOSE else None
        parts.append(
            findings(
                kind,
                frames[some],
                score[some],
                truth.boxes[:, some],
                truth.class_ids[some],
                rows=some,
                fix_rects=rects,
                fix_classes=fix_class[some],
            )
        )
    free = np.flatnonzero(~used & (table.scores >= 0.5))
    parts.append(
        findings(
            ProblemKind.MISSING,
            table.frame_of_row()[free],
            table.scores[free],
            table.boxes[:, free],
            table.class_ids[free],
            fix_rects=table.boxes[:, free],
            fix_classes=table.class_ids[free],
        )
    )
    found = Findings.joined(parts)
    return found.select(np.argsort(-found.scores, kind="stable"))
