"""Scores of detections, by the metrics of the program."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from iouviewer.inference.protocol import Detections
from iouviewer.metrics.coco import CocoResult, evaluate_coco
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import BoxTable


def table_of(found: Iterable[Detections], frame_count: int) -> BoxTable:
    """Detections as the table that the metrics use."""
    found = sorted(found, key=lambda d: d.frame)
    return BoxTable.from_rows(
        np.concatenate([np.full(len(d.scores), d.frame) for d in found]),
        np.concatenate([d.boxes for d in found]).T,
        frame_count=frame_count,
        class_ids=np.concatenate([d.classes for d in found]),
        scores=np.concatenate([d.scores for d in found]),
    )


def mot_truth(path: Path, frame_count: int) -> BoxTable:
    """Ground truth of a MOT file with one class."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    left, top, width, height = rows[:, 2:6].T
    return BoxTable.from_rows(
        rows[:, 0].astype(np.int64) - 1,
        np.stack([left, top, left + width, top + height]),
        frame_count=frame_count,
        ignored=rows[:, 6] == 0,
    )


def score(truth: BoxTable, predictions: BoxTable, frames: Iterable[int]) -> tuple[CocoResult, float]:
    """COCO metrics, and Avg IoU at confidence 0.25, on some frames."""
    chosen = np.zeros(truth.frame_count, np.bool_)
    chosen[list(frames)] = True
    review = review_all(truth, predictions, ReviewSettings(conf=0.25))
    frame_iou = review.frame_iou[chosen]
    return evaluate_coco(truth, predictions, chosen), float(np.nanmean(frame_iou))
