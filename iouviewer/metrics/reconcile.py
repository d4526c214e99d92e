"""From the number that ``yolo val`` prints to COCO's AP, step by step, each step with its size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iouviewer.metrics import ultralytics_protocol
from iouviewer.metrics.coco import MAX_DETECTIONS, CocoMatches, counts_as_one_class, match_coco
from iouviewer.metrics.coco_matching import THRESHOLDS
from iouviewer.metrics.table import Bool, BoxTable, Float

VAL_FLOOR = 0.001
VAL_CAP = 300


@dataclass(frozen=True, slots=True)
class ReconcileStep:
    """One step: what changes, the AP after it, and by how much it moved (both 0..1; nan without ground truth)."""

    name: str
    ap: float
    change: float


def reconcile(truth: BoxTable, predictions: BoxTable, labelled: Bool, counting: Bool) -> tuple[ReconcileStep, ...]:
    """The steps from ``yolo val``'s mAP50-95 to COCO's AP.

    Args:
        labelled: (F,) bool, frames with labels: what a data set for ``yolo val`` would hold.
        counting: (F,) bool, frames that count here (labelled, covered, inside the choice).

    The first step's change is 0; the last step's AP is COCO's, as everywhere in the program.
    """
    cut = predictions.select(predictions.scores >= VAL_FLOOR)
    best = best_of_frame(predictions, MAX_DETECTIONS, per_class=True)
    known: dict[tuple[bytes, bytes], float] = {}
    printed = _val(truth, best_of_frame(cut, VAL_CAP), labelled, known)
    all_scores = _val(truth, best_of_frame(predictions, VAL_CAP), labelled, known)
    capped = _val(truth, best, labelled, known)
    chosen = _val(truth, best, counting, known)
    matches = match_coco(truth, predictions, counting)
    joined = counts_as_one_class(truth, predictions, counting)
    by_class = match_coco(truth, predictions, counting, one_class=False) if joined else matches
    classes = "all boxes as of one class, since some carry none" if joined else "mean over the classes with boxes here"
    values = (
        ("yolo val, mAP50-95", printed),
        (f"every stored score instead of {VAL_FLOOR:g} and more", all_scores),
        (f"{MAX_DETECTIONS} detections a class and frame instead of {VAL_CAP} a frame", capped),
        ("the frames that count here", chosen),
        ("COCO's matching: ignored boxes, order of equal scores", _mean(by_class, trapezoids=True)),
        (classes, _mean(matches, trapezoids=True)),
        ("mean of 101 samples instead of trapezoids between points", _mean(matches, trapezoids=False)),
    )
    before = [values[0][1], *(value for _, value in values[:-1])]
    return tuple(ReconcileStep(name, value, value - old) for (name, value), old in zip(values, before, strict=True))


def _val(truth: BoxTable, predictions: BoxTable, frames: Bool, known: dict[tuple[bytes, bytes], float]) -> float:
    """mAP50-95 of ``yolo val``; ``known`` holds what was computed, since most steps leave out nothing."""
    key = (predictions.ids.tobytes(), frames.tobytes())
    if key not in known:
        known[key] = ultralytics_protocol.evaluate(truth, predictions, frames).map50_95
    return known[key]


def best_of_frame(predictions: BoxTable, cap: int, *, per_class: bool = False) -> BoxTable:
    """The ``cap`` best predictions of each frame (or frame and class)."""
    frames = predictions.frame_of_row()
    classes = predictions.class_ids if per_class else np.zeros_like(predictions.class_ids)
    order = np.lexsort((-predictions.scores, classes, frames))
    group = np.ones(len(order), np.bool_)
    group[1:] = (np.diff(frames[order]) != 0) | (np.diff(classes[order]) != 0)
    first = np.flatnonzero(group)
    place = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
    keep = np.zeros(len(order), np.bool_)
    keep[order] = place < cap
    return predictions.select(keep)


def _mean(matches: CocoMatches, *, trapezoids: bool) -> float:
    """Mean AP over classes with ground truth and thresholds, by one of the two interpolations."""
    values = []
    for place in range(len(matches.classes)):
        if matches.gt_counts[place]:
            values.append(_trapezoid_ap(matches, place) if trapezoids else matches.curves(place)[0].mean(axis=1))
    return float(np.mean(values)) if values else float("nan")


def _trapezoid_ap(matches: CocoMatches, place: int) -> Float:
    """(10,) AP of one class with ultralytics' interpolation on COCO's matches."""
    rows = matches.order[matches.class_starts[place] : matches.class_starts[place + 1]]
    result = np.zeros(len(THRESHOLDS))
    for t in range(len(THRESHOLDS)):
        bit = np.uint16(1 << t)
        counted = rows[(matches.ignored[rows] & bit) == 0]
        hits = np.cumsum((matches.tp[counted] & bit) != 0)
        if len(hits):
            recall = hits / matches.gt_counts[place]
            result[t] = ultralytics_protocol.interpolated_ap(recall, hits / np.arange(1, len(hits) + 1))
    return result
