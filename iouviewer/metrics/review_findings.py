"""What a review of ground truth finds: columns of places that may be label errors, each with its probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from iouviewer.metrics.table import Bool, Float, Int

NO_ROW = -1
NO_FIX_CLASS = -2
"""In ``fix_classes``: the fix keeps the class."""


class ProblemKind(IntEnum):
    """What a problem asks the person. The names are part of stored problem keys."""

    MISSING = 0
    EXTRA = 1
    LOOSE = 2
    WRONG_CLASS = 3
    SWAP = 4
    GAP = 5
    DUPLICATE = 6
    JUMP = 7
    OVER_EDGE = 8
    TINY = 9


@dataclass(frozen=True, eq=False)
class Findings:
    """Places that may be label errors, in no order.

    Attributes:
        frames, kinds: (N,) int64; kinds of ``ProblemKind``.
        scores: (N,) float64, probability of a label error, 0..1, one scale for all kinds.
        rows: (N,) int64, row of the ground truth, NO_ROW where a box is missing.
        rects: (4, N) float64, the box, or the place of the missing one.
        class_ids, tracks: (N,) int64, of the box, or of the object that has none.
        ious: (N,) float64, the IoU that the evidence speaks about, nan for none.
        fix_rects: (4, N) float64, nan where the fix does not move or add a box.
        fix_classes: (N,) int64, NO_FIX_CLASS where the fix keeps the class.
        others: (N,) int64, row of the other box of a swap or duplicate, NO_ROW for none.
        agreeing, voters: (N,) int64, variants that speak for it, and variants that could.
        confidences: (N,) float64, mean confidence of those that agree, nan for none.
        variants: (N,) int64, a bit for each of the first 62 variants that agree.
        timed: (N,) bool, the boxes of the track before and after speak for it.
    """

    frames: Int
    kinds: Int
    scores: Float
    rows: Int
    rects: Float
    class_ids: Int
    tracks: Int
    ious: Float
    fix_rects: Float
    fix_classes: Int
    others: Int
    agreeing: Int
    voters: Int
    confidences: Float
    variants: Int
    timed: Bool

    def __len__(self) -> int:
        return len(self.frames)

    def select(self, keep: Bool | Int) -> Findings:
        """Those where ``keep`` is True, or at the places ``keep``."""
        return Findings(*(getattr(self, field.name)[..., keep] for field in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Findings]) -> Findings:
        """All of them, one after the other."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts], axis=-1) for f in fields(cls)))


def findings(
    kind: ProblemKind,
    frames: Int,
    scores: Float,
    rects: Float,
    class_ids: Int,
    *,
    rows: Int | None = None,
    tracks: Int | None = None,
    ious: Float | None = None,
    fix_rects: Float | None = None,
    fix_classes: Int | None = None,
    others: Int | None = None,
    agreeing: Int | None = None,
    voters: Int | None = None,
    confidences: Float | None = None,
    variants: Int | None = None,
    timed: Bool | None = None,
) -> Findings:
    """Findings of one kind; what is not given is none."""
    count = len(frames)

    def numbers(values: Int | None, default: int) -> Int:
        return np.full(count, default, np.int64) if values is None else values

    def reals(values: Float | None) -> Float:
        return np.full(count, np.nan) if values is None else values

    return Findings(
        frames,
        np.full(count, int(kind), np.int64),
        np.clip(scores, 0.0, 1.0),
        numbers(rows, NO_ROW),
        rects,
        class_ids,
        numbers(tracks, -1),
        reals(ious),
        np.full((4, count), np.nan) if fix_rects is None else fix_rects,
        numbers(fix_classes, NO_FIX_CLASS),
        numbers(others, NO_ROW),
        numbers(agreeing, 0),
        numbers(voters, 0),
        reals(confidences),
        numbers(variants, 0),
        np.zeros(count, np.bool_) if timed is None else timed,
    )
