"""How far two people agree about the same frames: their boxes joined one to one, IoU, F1 and classes.

Neither side is the truth, so every number is the same with the sides exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np

from iouviewer.metrics.assignment import assign_all
from iouviewer.metrics.iou import areas
from iouviewer.metrics.pairs import PairColumns, overlapping_pairs
from iouviewer.metrics.table import Bool, BoxTable, Float, Int

MIN_IOU = 0.5
"""Boxes of two people that overlap by less show different objects, or one of them is wrong."""


class JoinedRows(NamedTuple):
    """Boxes of two tables that show the same object.

    Attributes:
        first, second: (K,) int64 rows of the tables, ordered by ``first``; no row occurs twice.
        iou: (K,) float64.
    """

    first: Int
    second: Int
    iou: Float


class ClassAgreement(NamedTuple):
    """Agreement about one class, or about all classes together.

    Attributes:
        class_id: None for all classes together.
        first, second: number of boxes of each person.
        joined: pairs whose boxes have the same class.
        mean_iou: over these pairs, nan without any.
    """

    class_id: int | None
    first: int
    second: int
    joined: int
    mean_iou: float

    @property
    def f1(self) -> float:
        """2 * joined / (first + second); 1 where both see nothing."""
        return 2.0 * self.joined / (self.first + self.second) if self.first + self.second else 1.0


class Agreement(NamedTuple):
    """What two people agree about on some frames.

    Attributes:
        total: all classes; a pair counts if both boxes have the same class.
        by_class: in order of class id, for classes that either of them uses.
        same_class: share of the joined boxes that have the same class, nan without any.
        mean_iou: over all joined boxes, whatever their class; nan without any.
        pairs: number of joined boxes, whatever their class.
    """

    total: ClassAgreement
    by_class: tuple[ClassAgreement, ...]
    same_class: float
    mean_iou: float
    pairs: int


def join_tables(first: BoxTable, second: BoxTable, frames: Bool, *, minimum: float = MIN_IOU) -> JoinedRows:
    """Join the boxes of two tables one to one on some frames, by the greatest sum of IoU, whatever their class.

    Args:
        frames: (F,) bool, the frames that count.
        minimum: least IoU of a pair.
    """
    pairs = overlapping_pairs(_columns(first), _columns(second), minimum)
    of_second = second.frame_of_row()
    counts = frames[of_second[pairs.pred]] & ~first.ignored[pairs.gt] & ~second.ignored[pairs.pred]
    pairs = pairs.select(counts)
    places = assign_all(
        pairs, frame_of_pred=of_second, priority=np.arange(len(second), dtype=np.int64), gt_rows=len(first)
    )
    chosen = pairs.select(places)
    return JoinedRows(chosen.gt, chosen.pred, chosen.iou)


def agreement(first: BoxTable, second: BoxTable, frames: Bool, *, minimum: float = MIN_IOU) -> Agreement:
    """Agreement of two people on some frames; ignored boxes take no part.

    Args:
        frames: (F,) bool, the frames that count.
        minimum: least IoU of boxes that show the same object.
    """
    joined = join_tables(first, second, frames, minimum=minimum)
    first_classes, second_classes = first.class_ids[joined.first], second.class_ids[joined.second]
    same = first_classes == second_classes
    of_first = first.class_ids[frames[first.frame_of_row()] & ~first.ignored]
    of_second = second.class_ids[frames[second.frame_of_row()] & ~second.ignored]
    by_class = []
    for class_id in np.union1d(of_first, of_second).tolist():
        here = same & (first_classes == class_id)
        by_class.append(
            ClassAgreement(
                class_id,
                int((of_first == class_id).sum()),
                int((of_second == class_id).sum()),
                int(here.sum()),
                _mean(joined.iou[here]),
            )
        )
    total = ClassAgreement(None, len(of_first), len(of_second), int(same.sum()), _mean(joined.iou[same]))
    return Agreement(total, tuple(by_class), _mean(same.astype(np.float64)), _mean(joined.iou), len(same))


def pool(parts: Sequence[Agreement]) -> Agreement:
    """Several comparisons as one: counts are added, means weighted by the number of their pairs."""
    classes = sorted({row.class_id for part in parts for row in part.by_class if row.class_id is not None})
    by_class = tuple(
        _pool_rows([row for part in parts for row in part.by_class if row.class_id == class_id]) for class_id in classes
    )
    total = _pool_rows([part.total for part in parts])
    pairs = [part.pairs for part in parts]
    return Agreement(
        total,
        by_class,
        _weighted([part.same_class for part in parts], pairs),
        _weighted([part.mean_iou for part in parts], pairs),
        sum(pairs),
    )


def _pool_rows(rows: Sequence[ClassAgreement]) -> ClassAgreement:
    joined = [row.joined for row in rows]
    return ClassAgreement(
        rows[0].class_id,
        sum(row.first for row in rows),
        sum(row.second for row in rows),
        sum(joined),
        _weighted([row.mean_iou for row in rows], joined),
    )


def _weighted(means: Sequence[float], counts: Sequence[int]) -> float:
    total = sum(counts)
    return sum(mean * count for mean, count in zip(means, counts, strict=True) if count) / total if total else nan


def _mean(values: Float) -> float:
    return float(values.mean()) if len(values) else nan


def _columns(table: BoxTable) -> PairColumns:
    return PairColumns(table.offsets, table.boxes, areas(table.boxes))
