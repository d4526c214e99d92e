"""Counts of one frame, and the means computed from the counts of all frames."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from iouviewer.metrics.assignment import Triple


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Counts and sums of one frame.

    Attributes:
        gt_count: ground-truth boxes that count.
        fp: false positives, without predictions in ignored boxes.
        ignored: predictions that are neither true positives nor false, such as those in ignored boxes.
    """

    iou_sum: float = 0.0
    gt_count: int = 0
    tp: int = 0
    fp: int = 0
    fn: int = 0
    tp_iou_sum: float = 0.0
    ignored: int = 0

    @property
    def frame_iou(self) -> float:
        """Sum of the pairs' IoU / number of ground-truth boxes; NaN without any."""
        return self.iou_sum / self.gt_count if self.gt_count else float("nan")


def count_frame(
    gt_count: int,
    pred_count: int,
    assigned: list[Triple],
    in_ignore_region: Set[int],
    threshold: float,
    outside: Set[int] = frozenset(),
) -> FrameCounts:
    """Count one frame.

    Args:
        gt_count: boxes that count.
        pred_count: predictions at or above the confidence threshold.
        assigned: ordered by ground truth; the sums are added in this order.
        in_ignore_region: predictions (second item of the triples in ``assigned``) that are not false where they are no
            true positive: they are in an ignored box or outside a filter.
        threshold: least IoU of a true positive.
        outside: ground truth (first item of the triples) that a filter leaves out.
    """
    iou_sum = tp_iou_sum = 0.0
    tp = 0
    exempt = len(in_ignore_region)
    for gt, pred, iou in assigned:
        if gt in outside:
            # Its prediction is right about a box that does not count.
            exempt += iou >= threshold and pred not in in_ignore_region
            continue
        iou_sum += iou
        if iou >= threshold:
            tp += 1
            tp_iou_sum += iou
            exempt -= pred in in_ignore_region
    return FrameCounts(iou_sum, gt_count, tp, pred_count - tp - exempt, gt_count - tp, tp_iou_sum, exempt)


@dataclass(frozen=True, slots=True)
class ReviewSummary:
    """Metrics over frames; None where undefined.

    Attributes:
        avg_iou: mean of frame IoU over the frames with ground truth.
        box_iou: sum of the pairs' IoU / number of ground-truth boxes.
        tp_iou: mean IoU of the true positives.
        pq: panoptic quality, tp_iou * f1.
        frames: number of evaluated frames.
    """

    avg_iou: float | None
    box_iou: float | None
    tp_iou: float | None
    pq: float | None
    tp: int
    fp: int
    fn: int
    precision: float | None
    recall: float | None
    f1: float | None
    frames: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over frames; the only place where the metrics are computed from them."""

    frame_iou: float
    iou: float
    tp_iou: float
    defined_frames: int
    gt_count: int
    tp: int
    fp: int
    fn: int
    frames: int

    @classmethod
    def of(cls, sums: list[float], counts: list[int], defined_frames: int, frames: int) -> Totals:
        """Totals from sums of (frame IoU, IoU, IoU of true positives) and of (boxes, tp, fp, fn)."""
        return cls(sums[0], sums[1], sums[2], defined_frames, counts[0], counts[1], counts[2], counts[3], frames)

    def summary(self) -> ReviewSummary:
        """The metrics of all frames together."""
        tp, fp, fn = self.tp, self.fp, self.fn
        weight = tp + fp / 2 + fn / 2
        return ReviewSummary(
            avg_iou=_ratio(self.frame_iou, self.defined_frames),
            box_iou=_ratio(self.iou, self.gt_count),
            tp_iou=_ratio(self.tp_iou, tp),
            pq=_ratio(self.tp_iou, weight),
            tp=tp,
            fp=fp,
            fn=fn,
            precision=_ratio(tp, tp + fp),
            recall=_ratio(tp, tp + fn),
            f1=_ratio(tp, weight),
            frames=self.frames,
        )


def _ratio(value: float, by: float) -> float | None:
    return value / by if by else None
