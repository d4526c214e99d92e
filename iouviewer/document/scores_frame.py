"""Overlaps of one frame's ground truth with the predictions of all variants, computed in one pass after an edit.

COCO evaluation and the assignment use different overlaps (``coco_overlaps``, ``review_overlaps``), at different times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.metrics.assignment import Triple
from iouviewer.metrics.coco import coco_columns
from iouviewer.metrics.coco_matching import THRESHOLDS
from iouviewer.metrics.iou import areas, extra_pixel, intersect
from iouviewer.metrics.pairs import same_class
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int

_MAX_WHOLE = 250_000
"""Pairs of boxes up to which a frame is computed as one matrix."""
_ROWS_OF_PART = 64
_LOWEST_THRESHOLD = float(THRESHOLDS[0])


@dataclass(frozen=True, eq=False)
class FramePredictions:
    """The predictions of one frame of several variants, concatenated; those of each variant are sorted by score.

    Attributes:
        owner, rank: per column, the variant it belongs to and its rank by score within that variant.
        rows: per variant, the row in its table of each rank.
        used_order: per variant, the row in its frame of each rank that is used.
        used: (P,) bool, at or above the confidence threshold; per variant these come first.
        used_counts: per variant, how many are used.
        within_limit: (P,) bool, among the best of its frame and class that COCO evaluation uses; None: all are.
        outside: (P,) bool, outside a filter; None: none is.
    """

    owner: list[int]
    rank: list[int]
    rows: list[Int]
    used_order: list[list[int]]
    boxes: Float
    areas: Float
    coco_boxes: Float
    coco_areas: Float
    class_ids: Int
    coco_class: Int
    used: Bool
    used_counts: list[int]
    within_limit: Bool | None
    outside: Bool | None


def frame_predictions(
    variants: Sequence[tuple[PredictionSet, bool]], frame: int, settings: ReviewSettings, max_detections: int
) -> FramePredictions:
    """Collect the predictions of one frame.

    Args:
        variants: each with whether COCO evaluation treats all its boxes as one class.
        max_detections: most predictions of a class that COCO evaluation uses.
    """
    tables = [predictions.table for predictions, _ in variants]
    found = [table.rows(frame) for table in tables]
    counts = [part.stop - part.start for part in found]
    owner = np.repeat(np.arange(len(variants)), counts)
    scores = np.concatenate([table.scores[part] for table, part in zip(tables, found, strict=True)])
    left_out = np.concatenate([table.ignored[part] for table, part in zip(tables, found, strict=True)])
    order = np.lexsort((-scores, left_out, owner))
    boxes = np.concatenate([table.boxes[:, part] for table, part in zip(tables, found, strict=True)], axis=1)
    boxes = boxes.take(order, axis=1)
    class_ids = np.concatenate([table.class_ids[part] for table, part in zip(tables, found, strict=True)])
    class_ids = class_ids.take(order)
    coco_class = class_ids
    if any(one_class for _, one_class in variants):
        as_one = np.repeat([one_class for _, one_class in variants], counts)
        coco_class = np.where(as_one, UNSPECIFIED_CLASS, class_ids)
    ends = np.cumsum(counts).tolist()
    parts = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
    kept = ~left_out[order]
    within_limit = None if kept.all() else kept
    if any(count > max_detections for count in counts):
        within_limit = kept & np.concatenate([_within_limit(coco_class[part], max_detections) for part in parts])
    used = (scores[order] >= settings.conf) & kept
    outside = None
    if any(table.outside is not None for table in tables):
        parts_outside = [table.is_outside()[part] for table, part in zip(tables, found, strict=True)]
        outside = np.concatenate(parts_outside).take(order)
    used_counts = np.bincount(owner[used], minlength=len(variants)).tolist()
    return FramePredictions(
        owner.tolist(),
        list(chain.from_iterable(map(range, counts))),
        [order[part] + (rows.start - part.start) for part, rows in zip(parts, found, strict=True)],
        [(order[part][:count] - part.start).tolist() for part, count in zip(parts, used_counts, strict=True)],
        boxes,
        areas(boxes, settings.convention),
        *coco_columns(boxes),
        class_ids,
        coco_class,
        used,
        used_counts,
        within_limit,
        outside,
    )


def _within_limit(classes: Int, max_detections: int) -> Bool:
    """(P,) bool: predictions of a frame that are among the best ``max_detections`` of their class by score."""
    keep = np.ones(len(classes), np.bool_)
    if len(classes) > max_detections and classes[0] == classes.min() == classes.max():
        keep[max_detections:] = False
    elif len(classes) > max_detections:
        for class_id in np.unique(classes):
            keep[np.flatnonzero(classes == class_id)[max_detections:]] = False
    return keep


@dataclass(frozen=True, eq=False)
class FrameOverlaps:
    """The overlapping pairs of one frame that the assignment uses, per variant.

    Attributes:
        pairs: pairs with IoU > 0, by ground-truth row.
        in_ignore_region: used predictions that lie in an ignored box, or outside a filter.
    """

    pairs: list[list[Triple]]
    in_ignore_region: list[set[int]]


def review_overlaps(gt: BoxTable, preds: FramePredictions, settings: ReviewSettings) -> FrameOverlaps:
    """The overlaps of a frame's ground truth with the used predictions of all variants."""
    numbers = range(len(preds.rows))
    result = FrameOverlaps([[] for _ in numbers], [set() for _ in numbers])
    if preds.outside is not None:
        for column in np.flatnonzero(preds.outside & preds.used).tolist():
            result.in_ignore_region[preds.owner[column]].add(preds.rank[column])
    # With a threshold of 0, even a prediction that overlaps nothing lies in an ignored box.
    for rows, part, near in _parts(gt, preds, is_whole=settings.iou <= 0):
        _review_pairs(part, near, settings, result, rows)
    return result


def coco_overlaps(gt: BoxTable, preds: FramePredictions) -> list[list[Triple]]:
    """Pairs with overlap >= 0.5 for the matching, per variant: IoU, or the share of the prediction for crowds."""
    result: list[list[Triple]] = [[] for _ in preds.rows]
    for rows, part, near in _parts(gt, preds):
        _coco_pairs(part, near, result, rows)
    return result


def rows_of(gt: BoxTable, rows: Int) -> BoxTable:
    """Some rows of a table of one frame, as such a table."""
    return replace(
        gt,
        offsets=np.array([0, len(rows)]),
        boxes=gt.boxes[:, rows],
        class_ids=gt.class_ids[rows],
        scores=gt.scores[rows],
        ignored=gt.ignored[rows],
        ids=gt.ids[rows],
        areas=None if gt.areas is None else gt.areas[rows],
        by_iou=None if gt.by_iou is None else gt.by_iou[rows],
        outside=None if gt.outside is None else gt.outside[rows],
    )


def _parts(
    gt: BoxTable, preds: FramePredictions, *, is_whole: bool = False
) -> Iterator[tuple[list[int], BoxTable, FramePredictions]]:
    """The matrix of a frame in parts without the pairs that are too far apart to overlap: rows, boxes, predictions.

    Args:
        is_whole: one part with all pairs.
    """
    if not len(gt) or not preds.owner:
        return
    if is_whole or len(gt) * len(preds.owner) <= _MAX_WHOLE:
        yield list(range(len(gt))), gt, preds
        return
    order = np.argsort(gt.boxes[1], kind="stable")
    for start in range(0, len(order), _ROWS_OF_PART):
        rows = order[start : start + _ROWS_OF_PART]
        part = rows_of(gt, rows)
        # A pixel more than needed: inclusive edges overlap where they touch.
        top, bottom = part.boxes[1].min() - 1.0, part.boxes[3].max() + 1.0
        near = np.flatnonzero((preds.boxes[1] <= bottom) & (preds.boxes[3] >= top))
        if len(near):
            yield rows.tolist(), part, _columns_of(preds, near)


def _columns_of(preds: FramePredictions, columns: Int) -> FramePredictions:
    """Some of the predictions."""
    numbers = columns.tolist()
    return replace(
        preds,
        owner=[preds.owner[number] for number in numbers],
        rank=[preds.rank[number] for number in numbers],
        boxes=preds.boxes[:, columns],
        areas=preds.areas[columns],
        coco_boxes=preds.coco_boxes[:, columns],
        coco_areas=preds.coco_areas[columns],
        class_ids=preds.class_ids[columns],
        coco_class=preds.coco_class[columns],
        used=preds.used[columns],
        within_limit=None if preds.within_limit is None else preds.within_limit[columns],
        outside=None if preds.outside is None else preds.outside[columns],
    )


def _review_pairs(
    gt: BoxTable, preds: FramePredictions, settings: ReviewSettings, result: FrameOverlaps, numbers: list[int]
) -> None:
    ignored = gt.ignored[:, None] if gt.ignored.any() else None
    buffers = np.empty((3, len(gt), len(preds.owner)))
    inter, union = buffers[0], buffers[1]
    intersect(gt.boxes[:, :, None], preds.boxes[:, None, :], extra_pixel(settings.convention), inter, buffers[1:])
    np.add(areas(gt.boxes, settings.convention)[:, None], preds.areas, out=union)
    union -= inter
    usable = preds.used
    if not settings.class_agnostic:
        usable = same_class(gt.class_ids[:, None], preds.class_ids) & usable
    with np.errstate(invalid="ignore"):
        if ignored is not None:
            whole = preds.areas if gt.by_iou is None else np.where(gt.by_iou[:, None], union, preds.areas)
            inside = (inter / whole >= settings.iou) & ignored & usable
            for column in np.flatnonzero(inside.any(axis=0)).tolist():
                result.in_ignore_region[preds.owner[column]].add(preds.rank[column])
        np.divide(inter, union, out=inter)
        found = (inter > 0.0) & usable
    if ignored is not None:
        found &= ~ignored
    _collect(inter, found, preds, result.pairs, numbers)


def _coco_pairs(gt: BoxTable, preds: FramePredictions, result: list[list[Triple]], numbers: list[int]) -> None:
    boxes, sizes = coco_columns(gt.boxes)
    buffers = np.empty((3, len(gt), len(preds.owner)))
    inter, union = buffers[0], buffers[1]
    intersect(boxes[:, :, None], preds.coco_boxes[:, None, :], 0.0, inter, buffers[1:])
    np.add(sizes[:, None], preds.coco_areas, out=union)
    union -= inter
    if gt.ignored.any():
        np.copyto(union, preds.coco_areas, where=gt.regions()[:, None])
    with np.errstate(invalid="ignore"):
        np.divide(inter, union, out=inter)
        found = inter >= _LOWEST_THRESHOLD
    if preds.within_limit is not None:
        found &= preds.within_limit
    # Ground truth without a class is either ignored or makes all boxes one class.
    found &= same_class(gt.class_ids[:, None], preds.coco_class)
    _collect(inter, found, preds, result, numbers)


def _collect(values: Float, found: Bool, preds: FramePredictions, into: list[list[Triple]], numbers: list[int]) -> None:
    """Append the pairs that were found; ``numbers``: the frame's row of each row of ``values``."""
    rows, columns = np.nonzero(found)
    owner, rank = preds.owner, preds.rank
    for row, column, value in zip(rows.tolist(), columns.tolist(), values[rows, columns].tolist(), strict=True):
        into[owner[column]].append((numbers[row], rank[column], value))
