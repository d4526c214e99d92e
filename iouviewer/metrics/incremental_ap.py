"""AP that is updated after edits of single frames and equals a full evaluation bit for bit.

The order of the predictions by score does not depend on the ground truth. An edit of one frame changes the states (true
positive, ignored) of a few predictions at some thresholds, and possibly the number of ground-truth boxes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import compress
from operator import not_
from typing import NamedTuple

import numpy as np

from iouviewer.metrics.assignment import Triple
from iouviewer.metrics.coco import ClassAp, class_ap_of, match_coco
from iouviewer.metrics.coco_matching import ALL, Masks, match_frame
from iouviewer.metrics.ranked_class import RankedClass, SmallRankedClass, build_ranked_class
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Int

_IGNORED = 16
"""First bit of the mask of thresholds at which a prediction is ignored."""


class FrameTruth(NamedTuple):
    """The ground truth of one frame, by row.

    Attributes:
        ignored: can be matched any number of times, as crowds are.
        skipped: does not count, ignored or not.
    """

    class_ids: list[int]
    ignored: list[bool]
    skipped: list[bool]

    @property
    def counted(self) -> int:
        """Number of boxes that count."""
        return self.skipped.count(False)

    @property
    def outside(self) -> frozenset[int]:
        """Rows that a filter leaves out."""
        if self.skipped is self.ignored:
            return frozenset()
        both = zip(self.skipped, self.ignored, strict=True)
        return frozenset(row for row, (skipped, ignored) in enumerate(both) if skipped and not ignored)

    @classmethod
    def of(cls, table: BoxTable) -> FrameTruth:
        """The rows of a table of one frame."""
        ignored = table.ignored.tolist()
        return cls(table.class_ids.tolist(), ignored, ignored if table.outside is None else (~table.counted()).tolist())


class IncrementalAp:
    """COCO metrics of one prediction set, updated frame by frame."""

    def __init__(self, gt: BoxTable, pred: BoxTable, frames: Bool, *, one_class: bool) -> None:
        """Evaluate all frames.

        Args:
            frames: (F,) bool, the evaluated frames.
            one_class: whether all boxes are one class, from ``coco.counts_as_one_class``.
        """
        self._one_class = one_class
        self._gt = gt
        self._scored = frames.copy()
        # Number of boxes by class of the frames that were replaced.
        self._edited: dict[int, dict[int, int]] = {}
        matches = match_coco(gt, pred, one_class=one_class)
        unscored = ~frames[pred.frame_of_row()]
        tp: Masks = np.where(unscored, 0, matches.tp).astype(np.uint16)
        ignored: Masks = np.where(unscored, ALL, matches.ignored).astype(np.uint16)
        # Both masks of a prediction are in one number, which saves a memory access for each.
        self._masks = tp | ignored.astype(np.uint32) << _IGNORED
        self._class_of_row = matches.pred_class
        self._outside = pred.is_outside()
        self._rank = np.full(len(pred), -1, np.int64)
        counted = gt.counted() & frames[gt.frame_of_row()]
        gt_counts = Counter(matches.gt_class[counted].tolist())
        self._classes: dict[int, RankedClass | SmallRankedClass] = {}
        for place, class_id in enumerate(matches.classes.tolist()):
            rows = matches.order[matches.class_starts[place] : matches.class_starts[place + 1]]
            self._rank[rows] = np.arange(len(rows))
            self._classes[class_id] = build_ranked_class(tp[rows], ignored[rows], gt_counts[class_id])
        self._result: dict[int, ClassAp] | None = None

    def _counts(self, class_ids: list[int], ignored: list[bool]) -> dict[int, int]:
        """Number of boxes that count, by class."""
        if self._one_class:
            return {UNSPECIFIED_CLASS: ignored.count(False)}
        return Counter(compress(class_ids, map(not_, ignored)))

    def set_frame(self, frame: int, truth: FrameTruth, scored: bool, rows: Int, pairs: list[Triple]) -> None:
        """Replace one frame.

        Args:
            scored: whether the frame is evaluated.
            rows: rows of its predictions, by score.
            pairs: (ground-truth row, place in ``rows``, overlap >= 0.5) within one class and within the maximum of
                detections.
        """
        before = self._edited.get(frame)
        if before is None:
            old = self._gt.rows(frame)
            ids, skipped = self._gt.class_ids[old].tolist(), (~self._gt.counted()[old]).tolist()
            before = self._counts(ids, skipped) if self._scored[frame] else {}
        after = self._counts(truth.class_ids, truth.skipped) if scored else {}
        self._edited[frame] = after
        self._scored[frame] = scored
        if after != before:
            for class_id in after | before:
                change = after.get(class_id, 0) - before.get(class_id, 0)
                if change:
                    self._class(class_id).add_ground_truth(change)
                    self._result = None
        if len(rows):
            self._set_predictions(truth, scored, rows, pairs)

    def _set_predictions(self, truth: FrameTruth, scored: bool, rows: Int, pairs: list[Triple]) -> None:
        candidates = [(pred, row, iou) for row, pred, iou in pairs]
        found = match_frame(candidates, truth.skipped, truth.ignored, len(truth.ignored)) if scored else {}
        outside = self._outside[rows].tolist()
        for place, (row, old) in enumerate(zip(rows.tolist(), self._masks[rows].tolist(), strict=True)):
            tp, skipped = found.get(place, (0, 0))
            if outside[place] or not scored:
                skipped = ~tp & ALL
            new = tp | skipped << _IGNORED
            if new != old:
                self._masks[row] = new
                rank = int(self._rank[row])
                if rank >= 0:
                    self._class(int(self._class_of_row[row])).set(rank, new & ALL, new >> _IGNORED)
                    self._result = None

    def _class(self, class_id: int) -> RankedClass | SmallRankedClass:
        if class_id not in self._classes:
            none = np.zeros(0, np.uint16)
            self._classes[class_id] = build_ranked_class(none, none, 0)
            self._classes = dict(sorted(self._classes.items()))
        return self._classes[class_id]

    def per_class(self) -> Mapping[int, ClassAp]:
        """Metrics of each class with ground truth, by class id; empty without ground truth."""
        if self._result is None:
            self._result = {
                class_id: class_ap_of(*found.average_precision(), found.gt_count)
                for class_id, found in self._classes.items()
                if found.gt_count
            }
        return self._result
