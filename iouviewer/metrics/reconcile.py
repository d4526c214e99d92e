"""The steps from the number that ``yolo val`` prints to COCO's AP, and how much each step changes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from iouviewer.metrics import ultralytics_protocol
from iouviewer.metrics.coco import CocoMatches, counts_as_one_class, match_coco
from iouviewer.metrics.coco_matching import THRESHOLDS
from iouviewer.metrics.json_texts import (
    ALL_SCORES,
    CLASS_MEAN,
    COCO_MATCHING,
    COUNTED_FRAMES,
    IGNORED_CLASSES,
    LIMIT_PER_CLASS,
    ONE_CLASS,
    SAMPLED_MEAN,
    VAL_CLIPPED,
    VAL_INPUT,
    VAL_LABELS,
    YOLO_VAL,
)
from iouviewer.metrics.table import MAX_DETECTIONS, Bool, BoxTable, Float
from iouviewer.metrics.ultralytics_protocol import UltralyticsScores

VAL_FLOOR = 0.001
"""Lowest score that ``yolo val`` keeps."""
VAL_MAX_DETECTIONS = 300
"""Detections per frame that ``yolo val`` keeps."""


@dataclass(frozen=True, slots=True)
class ReconcileStep:
    """One step.

    Attributes:
        name: what changes, a value of ``json_texts``.
        ap: the AP after the step, 0..1; nan without ground truth.
        change: the AP minus that of the step before.
    """

    name: str
    ap: float
    change: float


@dataclass(frozen=True, slots=True)
class ValTables:
    """What ``yolo val`` itself computes with: its part of a data set, and the boxes that it finds.

    Attributes:
        truth, frames: labels and images, (F,) bool, that it uses.
        all_truth, all_frames: those of the data set.
        predictions: in the classes of the truth.
        cut: the same cut at the image edges; None where ``predictions`` are those of the variant.
        variant: the variant's predictions.
    """

    truth: BoxTable
    frames: Bool
    all_truth: BoxTable
    all_frames: Bool
    predictions: BoxTable
    cut: BoxTable | None
    variant: BoxTable

    def score(self) -> UltralyticsScores:
        """What it prints."""
        return ultralytics_protocol.evaluate(self.truth, self.predictions, self.frames)

    def steps(self) -> list[tuple[str, float]]:
        """Its mAP50-95, and that after each step to the variant's predictions on the whole data set."""
        found = [
            (YOLO_VAL, self.score().map50_95),
            (VAL_LABELS, _val(self.all_truth, self.predictions, self.all_frames, {})),
        ]
        if self.cut is not None:
            own = limit_detections(self.variant.select(self.variant.scores >= VAL_FLOOR), VAL_MAX_DETECTIONS)
            found += [
                (VAL_CLIPPED, _val(self.all_truth, self.cut, self.all_frames, {})),
                (VAL_INPUT, _val(self.all_truth, own, self.all_frames, {})),
            ]
        return found


def reconcile(
    truth: BoxTable,
    predictions: BoxTable,
    labelled: Bool,
    counting: Bool,
    max_detections: int = MAX_DETECTIONS,
    val: ValTables | None = None,
) -> tuple[ReconcileStep, ...]:
    """The steps from ``yolo val``'s mAP50-95 to COCO's AP.

    Args:
        val: what ``yolo val`` itself found; None: as far as ``predictions`` say it.
        labelled: (F,) bool, frames with labels, which a data set for ``yolo val`` would contain.
        counting: (F,) bool, the evaluated frames (labelled, covered, selected).

    The change of the first step is 0. The AP of the last step is COCO's AP, as used everywhere in the program.
    """
    cut = predictions.select(predictions.scores >= VAL_FLOOR)
    best = limit_detections(predictions, max_detections, per_class=True)
    cache: dict[tuple[bytes, bytes], float] = {}
    printed = _val(truth, limit_detections(cut, VAL_MAX_DETECTIONS), labelled, cache)
    all_scores = _val(truth, limit_detections(predictions, VAL_MAX_DETECTIONS), labelled, cache)
    limited = _val(truth, best, labelled, cache)
    counted = _val(truth, best, counting, cache)
    matches = match_coco(truth, predictions, counting, max_detections)
    one_class = counts_as_one_class(truth, predictions, counting)
    matched = (COCO_MATCHING, _mean_ap(matches, trapezoidal=True))
    first = [(YOLO_VAL, printed)]
    if val is not None:
        agnostic = predictions is not val.variant
        first = [*val.steps(), *([(IGNORED_CLASSES, printed)] if agnostic else [])]
    values = (
        *first,
        (ALL_SCORES, all_scores),
        (LIMIT_PER_CLASS, limited),
        (COUNTED_FRAMES, counted),
        # COCO's matching by class would find nothing where one side has no classes.
        *(
            (_as_one_class(truth, predictions, counting, max_detections), matched)
            if one_class
            else (matched, (CLASS_MEAN, matched[1]))
        ),
        (SAMPLED_MEAN, _mean_ap(matches, trapezoidal=False)),
    )
    before = [values[0][1], *(value for _, value in values[:-1])]
    return tuple(ReconcileStep(name, value, value - old) for (name, value), old in zip(values, before, strict=True))


def _as_one_class(truth: BoxTable, predictions: BoxTable, frames: Bool, max_detections: int) -> tuple[str, float]:
    alone = [replace(table, class_ids=np.zeros_like(table.class_ids)) for table in (truth, predictions)]
    return ONE_CLASS, _val(alone[0], limit_detections(alone[1], max_detections), frames, {})


def _val(truth: BoxTable, predictions: BoxTable, frames: Bool, cache: dict[tuple[bytes, bytes], float]) -> float:
    """mAP50-95 of ``yolo val``; ``cache`` avoids repeated work, since most steps change nothing."""
    key = (predictions.ids.tobytes(), frames.tobytes())
    if key not in cache:
        cache[key] = ultralytics_protocol.evaluate(truth, predictions, frames).map50_95
    return cache[key]


def limit_detections(predictions: BoxTable, limit: int, *, per_class: bool = False) -> BoxTable:
    """The ``limit`` predictions with the highest scores of each frame (or frame and class)."""
    frames = predictions.frame_of_row()
    classes = predictions.class_ids if per_class else np.zeros_like(predictions.class_ids)
    order = np.lexsort((-predictions.scores, classes, frames))
    group = np.ones(len(order), np.bool_)
    group[1:] = (np.diff(frames[order]) != 0) | (np.diff(classes[order]) != 0)
    first = np.flatnonzero(group)
    place = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
    keep = np.zeros(len(order), np.bool_)
    keep[order] = place < limit
    return predictions.select(keep)


def _mean_ap(matches: CocoMatches, *, trapezoidal: bool) -> float:
    """Mean AP over thresholds and classes with ground truth, by the trapezoidal rule or from 101 samples."""
    values = []
    for place in range(len(matches.classes)):
        if matches.gt_counts[place]:
            values.append(_trapezoid_ap(matches, place) if trapezoidal else matches.curves(place)[0].mean(axis=1))
    return float(np.mean(values)) if values else float("nan")


def _trapezoid_ap(matches: CocoMatches, place: int) -> Float:
    """(10,) AP of one class from COCO's matches with the interpolation of ultralytics."""
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
