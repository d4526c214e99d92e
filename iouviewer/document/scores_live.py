"""The assignment of one frame that is kept while its boxes are dragged.

A move changes one row of the overlap matrix. Only this row is computed again, and only the boxes that compete with the
moved one are assigned again: the assignment of other groups of competing boxes does not depend on them. The results
equal those for the whole frame bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from iouviewer.document.scores_frame import FrameOverlaps, FramePredictions, coco_overlaps, review_overlaps, rows_of
from iouviewer.metrics.assignment import Triple, assign_frame
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Bool, BoxTable, Int

MAX_MOVED = 8
"""Boxes that may differ from the last state; above that the whole frame is computed."""


class VariantPairs:
    """Overlapping pairs of one variant on one frame, and their assignment."""

    def __init__(self, pairs: list[Triple]) -> None:
        self._pairs: list[Triple] | None = pairs
        self._by_gt: dict[int, list[Triple]] = {}
        self._by_pred: dict[int, set[int]] = {}
        self._assigned: list[Triple] | None = None

    def assigned(self) -> list[Triple]:
        """The assigned pairs, ordered by ground truth; a new list after each change."""
        if self._assigned is None:
            pairs = self._pairs
            if pairs is None:
                pairs = [pair for row in self._by_gt.values() for pair in row]
            self._assigned = assign_frame(pairs)
        return self._assigned

    def _index(self, pairs: list[Triple]) -> None:
        self._pairs = None
        for pair in pairs:
            self._by_gt.setdefault(pair[0], []).append(pair)
            self._by_pred.setdefault(pair[1], set()).add(pair[0])

    def replace_row(self, row: int, pairs: list[Triple]) -> None:
        """Replace all pairs of a ground-truth row, and assign the boxes again that compete with it."""
        if self._pairs is not None:
            self._index(self._pairs)
        old = self._by_gt.get(row, [])
        if pairs == old:
            return
        before = {pred for _, pred, _ in old}
        after = {pred for _, pred, _ in pairs}
        for pred in after - before:
            self._by_pred.setdefault(pred, set()).add(row)
        self._by_gt[row] = pairs
        competing = self._competing({row}, before | after)
        for pred in before - after:
            self._by_pred[pred].discard(row)
        if self._assigned is not None:
            again = assign_frame([pair for gt in competing for pair in self._by_gt[gt]])
            self._assigned = sorted([pair for pair in self._assigned if pair[0] not in competing] + again)

    def _competing(self, rows: set[int], preds: set[int]) -> set[int]:
        """Ground-truth rows that share a prediction with these, also through others."""
        found, seen, waiting = set(rows), set(preds), list(preds)
        while waiting:
            for row in self._by_pred[waiting.pop()] - found:
                found.add(row)
                new = {pred for _, pred, _ in self._by_gt[row]} - seen
                seen |= new
                waiting += new
        return found


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """The pairs of all variants on one frame, and the inputs that they were computed from.

    Attributes:
        computed_rows: rows of the overlap matrix that the last update computed.
    """

    gt: BoxTable
    preds: FramePredictions
    settings: ReviewSettings
    pairs: list[VariantPairs]
    in_ignore_region: list[set[int]]
    computed_rows: int

    @classmethod
    def of(cls, gt: BoxTable, preds: FramePredictions, settings: ReviewSettings) -> LiveFrame:
        """Compute a whole frame."""
        overlaps: FrameOverlaps = review_overlaps(gt, preds, settings)
        pairs = [VariantPairs(found) for found in overlaps.pairs]
        return cls(gt, preds, settings, pairs, overlaps.in_ignore_region, len(gt))

    def updated(self, gt: BoxTable, preds: FramePredictions, settings: ReviewSettings) -> LiveFrame:
        """The frame with these boxes: what did not change is taken from this one, which must not be used again."""
        moved = _moved_rows(self.gt, gt) if preds is self.preds and settings is self.settings else None
        # An ignored box also changes which predictions are excused.
        if moved is None or gt.ignored[moved].any():
            return LiveFrame.of(gt, preds, settings)
        if len(moved):
            part = review_overlaps(rows_of(gt, moved), preds, settings)
            for known, found in zip(self.pairs, part.pairs, strict=True):
                for place, row in enumerate(moved.tolist()):
                    known.replace_row(row, [(row, pred, iou) for at, pred, iou in found if at == place])
        return replace(self, gt=gt, computed_rows=len(moved))


@dataclass(frozen=True, eq=False)
class LiveCandidates:
    """The pairs of all variants on one frame that COCO evaluation may match, and the inputs of these."""

    gt: BoxTable
    preds: FramePredictions
    candidates: list[list[Triple]]

    @classmethod
    def of(cls, gt: BoxTable, preds: FramePredictions, last: LiveCandidates | None) -> LiveCandidates:
        """The pairs of a frame; where only a few boxes differ from ``last``, only theirs are computed."""
        moved = _moved_rows(last.gt, gt) if last is not None and last.preds is preds else None
        if last is None or moved is None:
            return cls(gt, preds, coco_overlaps(gt, preds))
        if not len(moved):
            return cls(gt, preds, last.candidates)
        rows = moved.tolist()
        found = coco_overlaps(rows_of(gt, moved), preds)
        changed = [
            [pair for pair in old if pair[0] not in rows] + [(rows[at], pred, iou) for at, pred, iou in new]
            for old, new in zip(last.candidates, found, strict=True)
        ]
        return cls(gt, preds, changed)


def _moved_rows(old: BoxTable, new: BoxTable) -> Int | None:
    """Rows whose boxes differ; None where more than a few boxes or anything else differs."""
    same = _equal(old.ids, new.ids) and _equal(old.class_ids, new.class_ids) and _equal(old.ignored, new.ignored)
    if not same or not _equal(old.by_iou, new.by_iou) or not _equal(old.outside, new.outside):
        return None
    moved = np.flatnonzero((old.boxes != new.boxes).any(axis=0))
    return None if len(moved) > MAX_MOVED else moved


def _equal(a: Int | Bool | None, b: Int | Bool | None) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b))
