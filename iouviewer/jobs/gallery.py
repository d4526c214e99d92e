"""The objects of a gallery: what the filter line lists of two variants, side by side. A pure function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from iouviewer.document.filtering import NO_FILTER, FilterRules
from iouviewer.document.predictions import PredictionSet
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.review import PairState, Review, ReviewSettings, match_rows, review_all
from iouviewer.metrics.table import Bool, BoxTable, Convention, Float, Int

NO_BOX = -1
SAME_PLACE = 0.5
"""IoU of a prediction with a place from which the prediction is the one of that place."""


class GalleryOrder(StrEnum):
    """Order of the objects."""

    FRAME = "frame"
    IOU = "iou"
    """Lowest IoU with the last variant first; missed boxes before all others."""
    SIZE = "size"


@dataclass(frozen=True, eq=False)
class GallerySet:
    """What a gallery is of, before the filter; all that is listed where ``boxes`` is None.

    Attributes:
        title: for people, such as ``Lost by int8``.
        boxes: (K,) ids of ground-truth boxes.
        frames, places: (L,), (4, L) places of predictions without a box.
    """

    title: str
    boxes: Int | None = None
    frames: Int | None = None
    places: Float | None = None


@dataclass(frozen=True, eq=False)
class GalleryInput:
    """Values that later edits do not change.

    Attributes:
        truth: with the boxes marked that the filter leaves out.
        labelled: (F,) bool.
        tracks: (M,) by row of ``truth``.
        variants: name and predictions, one or two, the baseline first.
    """

    truth: BoxTable
    labelled: Bool
    tracks: Int
    review: ReviewSettings
    variants: tuple[tuple[str, PredictionSet], ...]
    rules: FilterRules | None
    chosen: GallerySet
    order: GalleryOrder = GalleryOrder.FRAME


@dataclass(frozen=True, eq=False)
class GalleryObjects:
    """Objects in columns; V is the number of variants.

    Attributes:
        frames, ids: (N,) int64; ids of ground-truth boxes, NO_BOX for predictions without one.
        boxes: (4, N) the box, or the prediction.
        class_ids: (N,) int64.
        ious: (V, N) nan without a partner.
        partners: (V, 4, N) boxes of the partners, nan without one.
        states: (V, N) int8 of PairState; -1 where a variant says nothing about the object.
    """

    frames: Int
    ids: Int
    boxes: Float
    class_ids: Int
    ious: Float
    partners: Float
    states: Int

    def __len__(self) -> int:
        return len(self.frames)


def find_gallery(data: GalleryInput) -> GalleryObjects:
    """The objects of a gallery in its order."""
    rules = data.rules or NO_FILTER
    truth = data.truth
    reviews = [review_all(truth, one.table, data.review, data.labelled & one.covered) for _name, one in data.variants]
    is_listed = np.zeros(len(truth), np.bool_)
    alone: list[Int] = []
    found = None if not reviews else _found(truth, reviews[0])
    for number, ((name, predictions), review) in enumerate(zip(data.variants, reviews, strict=True)):
        rows = match_rows(truth, predictions.table, review)
        is_found = None if number == 0 else found
        keep = rules.lists(rows, truth, predictions.table, variant=name, tracks=data.tracks, is_found=is_found)
        is_listed[rows.gt[keep & (rows.gt >= 0)]] = True
        extra = rows.pred[keep & (rows.gt < 0) & (rows.states == int(PairState.FALSE_POSITIVE))]
        alone.append(_at_places(data.chosen, predictions.table, extra))
    if data.chosen.boxes is not None:
        is_listed &= np.isin(truth.ids, data.chosen.boxes)
    shown = np.flatnonzero(is_listed)
    parts = [_of_truth(data, reviews, shown), *(_of_predictions(data, group) for group in _together(data, alone))]
    objects = GalleryObjects(
        *(np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in GalleryObjects.__annotations__)
    )
    return _sorted(objects, data.order)


def _found(truth: BoxTable, review: Review) -> Bool:
    found = np.zeros(len(truth), np.bool_)
    found[review.pair_gt[review.pair_iou >= review.settings.iou]] = True
    return found


def _at_places(chosen: GallerySet, table: BoxTable, rows: Int) -> Int:
    """Those of the predictions that lie at a place of the set; all of them where it is everything."""
    if chosen.boxes is None:
        return rows
    if chosen.frames is None or chosen.places is None or not len(chosen.frames):
        return rows[:0]
    frames, keep = table.frame_of_row()[rows], np.zeros(len(rows), np.bool_)
    for frame in np.unique(chosen.frames).tolist():
        here = np.flatnonzero(frames == frame)
        places = chosen.places[:, chosen.frames == frame]
        overlap = iou_matrix(table.boxes[:, rows[here]], places, Convention.CONTINUOUS)
        keep[here] = (overlap >= SAME_PLACE).any(axis=1)
    return rows[keep]


def _of_truth(data: GalleryInput, reviews: list[Review], shown: Int) -> GalleryObjects:
    truth, count = data.truth, len(data.variants)
    ious = np.full((count, len(truth)), np.nan)
    partners = np.full((count, 4, len(truth)), np.nan)
    states = np.full((count, len(truth)), -1, np.int64)
    frames = truth.frame_of_row()
    for number, ((_name, predictions), review) in enumerate(zip(data.variants, reviews, strict=True)):
        states[number] = np.where(review.frames[frames], np.where(truth.ignored, PairState.IGNORED, PairState.MISS), -1)
        states[number, review.pair_gt] = review.pair_state
        ious[number, review.pair_gt] = review.pair_iou
        partners[number][:, review.pair_gt] = predictions.table.boxes[:, review.pair_pred]
    return GalleryObjects(
        frames[shown], truth.ids[shown], truth.boxes[:, shown], truth.class_ids[shown], ious[:, shown],
        partners[:, :, shown], states[:, shown],
    )  # fmt: skip


def _together(data: GalleryInput, alone: list[Int]) -> list[tuple[Int, ...]]:
    """Rows of predictions without a box, one column of each variant, -1 for none: what both see is one object."""
    if len(alone) < 2:
        return [(rows,) for rows in alone]
    tables = [predictions.table for _name, predictions in data.variants]
    frames = [table.frame_of_row()[rows] for table, rows in zip(tables, alone, strict=True)]
    partner = np.full(len(alone[0]), -1, np.int64)
    is_taken = np.zeros(len(alone[1]), np.bool_)
    for frame in np.intersect1d(frames[0], frames[1]).tolist():
        here, there = (np.flatnonzero(of_frame == frame) for of_frame in frames)
        boxes = [table.boxes[:, rows[at]] for table, rows, at in zip(tables, alone, (here, there), strict=True)]
        overlap = iou_matrix(boxes[0], boxes[1], Convention.CONTINUOUS)
        while overlap.max() >= SAME_PLACE:
            one, other = np.unravel_index(int(overlap.argmax()), overlap.shape)
            partner[here[one]], is_taken[there[other]] = alone[1][there[other]], True
            overlap[one, :], overlap[:, other] = -1.0, -1.0
    rest = alone[1][~is_taken]
    return [(alone[0], partner), (np.full(len(rest), -1, np.int64), rest)]


def _of_predictions(data: GalleryInput, rows: tuple[Int, ...]) -> GalleryObjects:
    """Objects of predictions alone; box and class are those of the first variant that sees them."""
    count, length = len(rows), len(rows[0])
    frames, class_ids = np.zeros(length, np.int64), np.zeros(length, np.int64)
    partners, states = np.full((count, 4, length), np.nan), np.full((count, length), -1, np.int64)
    boxes = np.zeros((4, length))
    for number in reversed(range(count)):
        table, of_frame = data.variants[number][1].table, data.variants[number][1].table.frame_of_row()
        seen = rows[number] >= 0
        found = rows[number][seen]
        frames[seen], class_ids[seen], boxes[:, seen] = of_frame[found], table.class_ids[found], table.boxes[:, found]
        partners[number][:, seen] = table.boxes[:, found]
        states[number, seen] = int(PairState.FALSE_POSITIVE)
    ids, ious = np.full(length, NO_BOX, np.int64), np.full((count, length), np.nan)
    return GalleryObjects(frames, ids, boxes, class_ids, ious, partners, states)


def _sorted(objects: GalleryObjects, order: GalleryOrder) -> GalleryObjects:
    width, height = objects.boxes[2:] - objects.boxes[:2]
    keys: tuple[Int | Float, ...] = (objects.ids, objects.frames)
    if order is GalleryOrder.SIZE:
        keys = (*keys, width * height)
    elif order is GalleryOrder.IOU and len(objects.ious):
        keys = (*keys, np.nan_to_num(objects.ious[-1], nan=-1.0))
    place = np.lexsort(keys)
    return GalleryObjects(*(getattr(objects, name)[..., place] for name in GalleryObjects.__annotations__))


def common_area(objects: GalleryObjects, cell: tuple[float, float], share: float) -> tuple[float, float]:
    """Width and height in pixels of the video of every crop, so that all have the same scale.

    Nineteen of twenty objects take at most ``share`` of it.

    Args:
        cell: width and height of a crop on the screen, in any unit.
    """
    if not len(objects):
        return 64.0, 64.0 * cell[1] / cell[0]
    width, height = objects.boxes[2:] - objects.boxes[:2]
    tall = max(np.quantile(height, 0.95), np.quantile(width, 0.95) * cell[1] / cell[0]) / share
    tall = max(float(tall), 24.0)
    return tall * cell[0] / cell[1], tall
