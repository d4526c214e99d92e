"""Where a variant loses against the baseline: by class, by size, by kind of error and by confused classes.

Each row knows the boxes behind its number. A pure function of ``jobs.differences.ComparisonInput``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import nan
from typing import NamedTuple

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.jobs.differences import ComparisonInput
from iouviewer.metrics.coco import match_coco
from iouviewer.metrics.error_types import ERRORS, ErrorType, classify_errors
from iouviewer.metrics.json_texts import describe
from iouviewer.metrics.reconcile import reconcile
from iouviewer.metrics.review import Review, review_all
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int

NOTHING = -2
"""Class of a prediction that shows no object, and of a missed box."""


class Topic(StrEnum):
    """What a table is about; the values name its widgets."""

    CLASSES = "classes"
    SIZES = "sizes"
    ERRORS = "errors"
    CONFUSION = "confusion"
    STEPS = "steps"


class Places(NamedTuple):
    """Boxes behind a number.

    Attributes:
        frames: (N,) int64, ascending.
        boxes: (4, N) float64.
        ids: (N,) int64, ground-truth box ids; -1 for predictions.
        scores: (N,) float64, nan for ground-truth boxes.
    """

    frames: Int
    boxes: Float
    ids: Int
    scores: Float

    def __len__(self) -> int:
        return len(self.frames)


NO_PLACES = Places(np.zeros(0, np.int64), np.zeros((4, 0)), np.zeros(0, np.int64), np.zeros(0))


class Row(NamedTuple):
    """One row.

    Attributes:
        key: what it is about: a class id, a range of sizes, an error, or the true and the predicted class.
        total: ground-truth boxes; for errors and confusions the number of the baseline's.
        baseline, variant: AP, or numbers of boxes; nan where undefined.
        stake: AP50 that would be gained without these errors of the variant; what a step changes in the variant's AP;
            nan for other tables.
        places: missed boxes of the variant, or its wrong predictions.
        name: of a step, for people.
    """

    key: tuple[float, ...]
    total: int
    baseline: float
    variant: float
    stake: float
    places: Places
    name: str = ""


class Events(NamedTuple):
    """Pairs, missed boxes and false positives of one variant.

    Attributes:
        truth, predicted: (N,) int64 classes; ``NOTHING`` for a false positive, and for a missed box.
        places: the box of each: that of the ground truth where there is one.
    """

    truth: Int
    predicted: Int
    places: Places

    def counts(self) -> dict[tuple[int, int], int]:
        """How many there are of each true and predicted class."""
        pairs, numbers = np.unique(np.stack([self.truth, self.predicted]), axis=1, return_counts=True)
        return {(int(t), int(p)): int(n) for t, p, n in zip(*pairs, numbers, strict=True)}

    def places_of(self, truth: float, predicted: float) -> Places:
        """The boxes of one true and one predicted class, by frame."""
        rows = np.flatnonzero((self.truth == truth) & (self.predicted == predicted))
        rows = rows[np.argsort(self.places.frames[rows], kind="stable")]
        frames, boxes, ids, scores = self.places
        return Places(frames[rows], boxes[:, rows], ids[rows], scores[rows])


class Confusion(NamedTuple):
    """What the baseline and the variant take each class for."""

    baseline: Events
    variant: Events

    def classes(self) -> list[int]:
        """All classes that occur, ascending; ``NOTHING`` is left out."""
        columns = [column for side in self for column in (side.truth, side.predicted)]
        return [one for one in np.unique(np.concatenate(columns)).tolist() if one != NOTHING]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The tables of one variant, and its confusion matrix beside the baseline's."""

    tables: dict[Topic, tuple[Row, ...]]
    confusion: Confusion


class _Side(NamedTuple):
    """One variant with its association."""

    predictions: PredictionSet
    review: Review
    frames: Bool


def find_breakdowns(data: ComparisonInput, *, with_steps: bool = False) -> dict[str, Breakdown]:
    """The tables of all variants but the baseline, by key; empty without a baseline. Only common frames count.

    Args:
        with_steps: also the steps from ``yolo val``'s number, which take longer than all the others.
    """
    base = data.variants.get(data.baseline)
    if base is None:
        return {}
    found = {}
    for key, predictions in data.variants.items():
        if key == data.baseline:
            continue
        frames = data.labelled & base.covered & predictions.covered
        sides = [
            _Side(one, review_all(data.truth, one.table, data.review, frames), frames) for one in (base, predictions)
        ]
        confusion = _confusion(data, sides)
        found[key] = Breakdown(
            {
                Topic.CLASSES: _classes(data, sides),
                Topic.SIZES: _sizes(data, sides),
                Topic.ERRORS: _errors(data, sides),
                Topic.CONFUSION: _confused(confusion),
                Topic.STEPS: _steps(data, sides) if with_steps else (),
            },
            confusion,
        )
    return found


def _counting(data: ComparisonInput, frames: Bool) -> Bool:
    """(M,) bool: ground-truth rows that count."""
    found: Bool = data.truth.counted() & frames[data.truth.frame_of_row()]
    return found


def _missed(data: ComparisonInput, side: _Side) -> Bool:
    """(M,) bool: ground-truth rows that count and that the variant does not find."""
    missed = _counting(data, side.frames)
    missed[side.review.pair_gt[side.review.pair_iou >= data.review.iou]] = False
    return missed


def _truth_places(truth: BoxTable, rows: Int) -> Places:
    frames = truth.frame_of_row()[rows]
    return Places(frames, truth.boxes[:, rows], truth.ids[rows], np.full(len(rows), nan))


def _predicted_places(table: BoxTable, rows: Int) -> Places:
    frames = table.frame_of_row()[rows]
    return Places(frames, table.boxes[:, rows], np.full(len(rows), -1), table.scores[rows])


def _ap(
    data: ComparisonInput, side: _Side, area: tuple[float, float] | None = None, class_id: int | None = None
) -> float:
    """COCO's AP of one variant, of boxes of these areas or of one class; nan where undefined."""
    if not side.predictions.has_scores:
        return nan
    one_class = True if data.review.class_agnostic else None
    more = {} if area is None else {"area": area}
    matches = match_coco(
        data.truth, side.predictions.table, side.frames, data.review.max_detections, one_class=one_class, **more
    )
    places = [p for p in range(len(matches.classes)) if matches.gt_counts[p]]
    if class_id is not None:
        places = [p for p in places if matches.classes[p] == class_id]
    return float(np.mean([matches.curves(p)[0].mean() for p in places])) if places else nan


def _classes(data: ComparisonInput, sides: Sequence[_Side]) -> tuple[Row, ...]:
    base, variant = sides
    counting, missed = _counting(data, variant.frames), _missed(data, variant)
    rows = []
    for class_id in np.unique(data.truth.class_ids[counting]).tolist():
        of_class = data.truth.class_ids == class_id
        places = _truth_places(data.truth, np.flatnonzero(missed & of_class))
        scores = [_ap(data, side, class_id=class_id) for side in (base, variant)]
        rows.append(Row((class_id,), int((counting & of_class).sum()), scores[0], scores[1], nan, places))
    return tuple(rows)


def _sizes(data: ComparisonInput, sides: Sequence[_Side]) -> tuple[Row, ...]:
    """COCO's three ranges of areas, then the quartiles of this video."""
    base, variant = sides
    counting, missed = _counting(data, variant.frames), _missed(data, variant)
    areas = data.truth.stated_areas()
    ranges = [(low, high) for _name, low, high in data.review.area_ranges]
    if counting.any():
        edges = np.quantile(areas[counting], [0.0, 0.25, 0.5, 0.75, 1.0])
        lows = [float(edges[0]), *(float(low) for low in np.nextafter(edges[1:-1], np.inf))]
        ranges += [(low, float(high)) for low, high in zip(lows, edges[1:], strict=True) if low <= high]
    rows = []
    for low, high in ranges:
        inside = (areas >= low) & (areas <= high)
        places = _truth_places(data.truth, np.flatnonzero(missed & inside))
        scores = [_ap(data, side, (low, high)) for side in (base, variant)]
        rows.append(Row((low, high), int((counting & inside).sum()), scores[0], scores[1], nan, places))
    return tuple(rows)


def _errors(data: ComparisonInput, sides: Sequence[_Side]) -> tuple[Row, ...]:
    """Kinds of errors at the confidence threshold, and what they cost in AP50 with all predictions."""
    counts: list[dict[ErrorType, int]] = []
    stakes: dict[ErrorType, float] = {}
    places: dict[ErrorType, Places] = {}
    for number, side in enumerate(sides):
        table = side.predictions.table
        rows = np.flatnonzero(table.scores >= data.review.conf)
        confident = classify_errors(data.truth, table.select(table.scores >= data.review.conf), side.frames)
        counts.append(confident.counts)
        if number == 0:
            continue
        if side.predictions.has_scores:
            stakes = dict(classify_errors(data.truth, table, side.frames).gains)
        for error in ERRORS:
            if error is ErrorType.MISS:
                places[error] = _truth_places(data.truth, confident.missed)
            else:
                places[error] = _predicted_places(table, rows[confident.predictions == int(error)])
    base, variant = counts
    return tuple(
        Row((int(e),), base[e], float(base[e]), float(variant[e]), stakes.get(e, nan), places[e]) for e in ERRORS
    )


def _confusion(data: ComparisonInput, sides: Sequence[_Side]) -> Confusion:
    """All pairs at the thresholds whatever their classes, missed boxes and false positives."""
    return Confusion(_events(data, sides[0]), _events(data, sides[1]))


def _events(data: ComparisonInput, side: _Side) -> Events:
    table = side.predictions.table
    review = review_all(data.truth, table, replace(data.review, class_agnostic=True), side.frames)
    gt_rows, rows = review.pair_gt[review.hits], review.pair_pred[review.hits]
    missed_rows = _counting(data, side.frames)
    missed_rows[gt_rows] = False
    extra_rows = review.used & ~review.in_ignore_region
    extra_rows[review.pair_pred[review.pair_iou >= data.review.iou]] = False
    missed, extra = np.flatnonzero(missed_rows), np.flatnonzero(extra_rows)
    parts = (
        _truth_places(data.truth, gt_rows),
        _truth_places(data.truth, missed),
        _predicted_places(table, extra),
    )
    return Events(
        np.concatenate([data.truth.class_ids[gt_rows], data.truth.class_ids[missed], np.full(len(extra), NOTHING)]),
        np.concatenate([table.class_ids[rows], np.full(len(missed), NOTHING), table.class_ids[extra]]),
        Places(
            np.concatenate([one.frames for one in parts]),
            np.concatenate([one.boxes for one in parts], axis=1),
            np.concatenate([one.ids for one in parts]),
            np.concatenate([one.scores for one in parts]),
        ),
    )


def _confused(confusion: Confusion) -> tuple[Row, ...]:
    """Pairs of different classes, missed boxes and false positives by class, the most frequent first.

    A box without a class is not confused with any.
    """
    base, variant = confusion.baseline.counts(), confusion.variant.counts()
    names = sorted({*base, *variant}, key=lambda name: (-variant.get(name, 0), -base.get(name, 0), name))
    return tuple(
        Row(
            name,
            base.get(name, 0),
            float(base.get(name, 0)),
            float(variant.get(name, 0)),
            nan,
            confusion.variant.places_of(*name),
        )
        for name in names
        if name[0] != name[1] and (NOTHING in name or UNSPECIFIED_CLASS not in name)
    )


def _steps(data: ComparisonInput, sides: Sequence[_Side]) -> tuple[Row, ...]:
    """The steps from what ``yolo val`` prints to COCO's AP; the key is the place of the step."""
    if not all(side.predictions.has_scores for side in sides):
        return ()
    limit = data.review.max_detections
    base, variant = (reconcile(data.truth, side.predictions.table, data.labelled, side.frames, limit) for side in sides)
    names = [step.name for step in variant]
    values = {step.name: step.ap for step in base}
    return tuple(
        Row((float(place),), 0, values.get(name, nan), step.ap, step.change, NO_PLACES, describe(name))
        for place, (name, step) in enumerate(zip(names, variant, strict=True))
    )
