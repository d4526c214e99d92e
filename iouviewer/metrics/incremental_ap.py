"""AP that follows edits of single frames and stays equal, bit for bit, to an evaluation from the start.

The order of the predictions by score never changes with the ground truth. An edit of one frame changes what a few
predictions are (true positive, ignored) at some thresholds, and perhaps the number of ground-truth boxes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from iouviewer.metrics.assignment import Triple
from iouviewer.metrics.coco import ClassAp, class_ap_of, match_coco
from iouviewer.metrics.coco_matching import ALL, Masks, match_frame
from iouviewer.metrics.ranked_class import FewRanked, RankedClass, ranked
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Int


class IncrementalAp:
    """COCO numbers of one prediction set, kept current frame by frame."""

    def __init__(self, gt: BoxTable, pred: BoxTable, frames: Bool, *, one_class: bool) -> None:
        """Evaluate all frames.

        Args:
            frames: (F,) bool, the frames that count.
            one_class: all boxes are of one class; as ``coco.evaluation_classes`` decides for the two tables.
        """
        self._one_class = one_class
        self._gt = gt
        self._scored = frames.copy()
        self._edited: dict[int, Counter[int]] = {}
        matches = match_coco(gt, pred)
        unscored = ~frames[pred.frame_of_row()]
        self._tp: Masks = np.where(unscored, 0, matches.tp).astype(np.uint16)
        self._ignored: Masks = np.where(unscored, ALL, matches.ignored).astype(np.uint16)
        self._class_of_row = matches.pred_class
        self._rank = np.full(len(pred), -1, np.int64)
        counted = ~gt.ignored & frames[gt.frame_of_row()]
        gt_counts = Counter(matches.gt_class[counted].tolist())
        self._classes: dict[int, RankedClass | FewRanked] = {}
        for place, class_id in enumerate(matches.classes.tolist()):
            rows = matches.order[matches.class_starts[place] : matches.class_starts[place + 1]]
            self._rank[rows] = np.arange(len(rows))
            self._classes[class_id] = ranked(self._tp[rows], self._ignored[rows], gt_counts[class_id])
        self._result: dict[int, ClassAp] | None = None

    def _classes_of(self, gt: BoxTable) -> Counter[int]:
        """How many boxes of each class count."""
        counted = gt.class_ids[~gt.ignored].tolist()
        return Counter({UNSPECIFIED_CLASS: len(counted)}) if self._one_class else Counter(counted)

    def set_frame(self, frame: int, gt: BoxTable, scored: bool, rows: Int, pairs: list[Triple]) -> None:
        """Replace the share of one frame.

        Args:
            gt: its boxes now.
            scored: whether it counts now.
            rows: rows of its predictions by score.
            pairs: (ground-truth row, place in ``rows``, overlap >= 0.5) within one class and the cap.
        """
        before = self._edited.get(frame)
        if before is None:
            before = self._classes_of(self._gt.frame(frame)) if self._scored[frame] else Counter()
        now = self._classes_of(gt) if scored else Counter()
        self._edited[frame] = now
        self._scored[frame] = scored
        if now != before:
            for class_id in now | before:
                change = now[class_id] - before[class_id]
                if change:
                    self._class(class_id).add_ground_truth(change)
                    self._result = None
        if not len(rows):
            return
        ignored = gt.ignored.tolist()
        found = match_frame([(pred, row, iou) for row, pred, iou in pairs], ignored, ignored, len(gt)) if scored else {}
        default = (0, 0) if scored else (0, ALL)
        old = zip(rows.tolist(), self._tp[rows].tolist(), self._ignored[rows].tolist(), strict=True)
        for place, (row, tp, skipped) in enumerate(old):
            new = found.get(place, default)
            if new != (tp, skipped):
                self._tp[row], self._ignored[row] = new
                rank = int(self._rank[row])
                if rank >= 0:
                    self._class(int(self._class_of_row[row])).set(rank, *new)
                    self._result = None

    def _class(self, class_id: int) -> RankedClass | FewRanked:
        if class_id not in self._classes:
            none = np.zeros(0, np.uint16)
            self._classes[class_id] = ranked(none, none, 0)
            self._classes = dict(sorted(self._classes.items()))
        return self._classes[class_id]

    def per_class(self) -> Mapping[int, ClassAp]:
        """The numbers of each class that has ground truth, by class id; empty where there is no ground truth."""
        if self._result is None:
            self._result = {
                class_id: class_ap_of(*found.average_precision(), found.gt_count)
                for class_id, found in self._classes.items()
                if found.gt_count
            }
        return self._result
