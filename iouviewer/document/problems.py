"""Problems: places where the ground truth is probably wrong, each with its probability.

``problem_table`` finds them, ``problem_list`` keeps them, ``problem_fixes`` corrects them (docs/review.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iouviewer.document.boxes import NO_TRACK, Box, Rect
from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.review import FrameReview, PairState
from iouviewer.metrics.review_findings import ProblemKind
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Convention

__all__ = ["Problem", "ProblemKind", "ProblemTopic", "VariantMatches", "pair_wrong_classes", "parse_key", "problem_key"]

LABELLED = 0.3
"""IoU with a box of its class from which a prediction does not see a missing object."""
ProblemTopic = ProblemKind
RIGHT, UNCLEAR, FIXED = "right", "unclear", "fixed"
"""Stored decisions: the ground truth is right, the case is unclear, or the fix was applied."""
ADDING = frozenset({ProblemKind.MISSING, ProblemKind.GAP})
"""Kinds about an object that has no box."""
_DELETING = frozenset({ProblemKind.EXTRA, ProblemKind.DUPLICATE, ProblemKind.TINY})
_OF_TRACKS = frozenset({ProblemKind.SWAP, ProblemKind.JUMP})
_NEED_TWO = frozenset({ProblemKind.MISSING, ProblemKind.LOOSE, ProblemKind.WRONG_CLASS, ProblemKind.EXTRA})
"""Kinds that rest on variants where time says nothing."""
_FORMER_KINDS = {"MISS": ProblemKind.EXTRA, "FALSE_POSITIVE": ProblemKind.MISSING, "AGREE": ProblemKind.LOOSE}
"""Kinds in keys that earlier versions stored; AGREE without a box is MISSING."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A place where the ground truth may be wrong.

    Attributes:
        key: constant while the problem exists; decisions are stored by it.
        score: probability that the ground truth is wrong here, 0..1, one scale for all kinds.
        box_id: ground-truth box, None where there is none.
        rect: the box, or what the most confident variant sees; pixels.
        track: of the box; of a missing one the track that passes here, NO_TRACK for none.
        iou: of the box with what the variants see (a duplicate: with the other box), None where unknown.
        fix_rect, fix_class: new values of the box (or values of a new one) that fix the problem, None for none.
        other_id: the other box of a swap or duplicate, None for none.
        agreeing, voters: number of variants that speak for it, and that cover the frame.
        confidence: mean confidence of the variants that see the object, None where none does.
        variants: places of the agreeing variants, the baseline is 0; at most the first 62.
        timed: whether the track before and after speaks for it.
    """

    key: str
    frame: int
    kind: ProblemKind
    score: float
    box_id: int | None
    rect: Rect
    class_id: int
    track: int = NO_TRACK
    iou: float | None = None
    fix_rect: Rect | None = None
    fix_class: int | None = None
    other_id: int | None = None
    agreeing: int = 0
    voters: int = 0
    confidence: float | None = None
    variants: tuple[int, ...] = ()
    timed: bool = False

    @property
    def topic(self) -> ProblemKind:
        """What the problem asks."""
        return self.kind

    @property
    def evidence_only(self) -> bool:
        """Whether only one variant says so: evidence, not proof."""
        return is_evidence_only(self.kind, self.agreeing, timed=self.timed)

    @property
    def has_fix(self) -> bool:
        """Whether a fix is proposed."""
        changes = self.fix_rect is not None or self.fix_class is not None
        return changes or self.deletes_box or self.kind in _OF_TRACKS

    @property
    def deletes_box(self) -> bool:
        """Whether the fix deletes the box."""
        return self.kind in _DELETING


def is_evidence_only(kind: ProblemKind, agreeing: int, *, timed: bool) -> bool:
    """Whether a problem rests on one variant alone."""
    return kind in _NEED_TWO and agreeing < 2 and not timed


def problem_key(kind: ProblemKind, frame: int, box_id: int | None, rect: Rect) -> str:
    """The key of a problem: kind, frame, and the box id, or the rectangle where there is no box."""
    return f"{kind.name}:{frame}:{','.join(f'{value:.0f}' for value in rect) if box_id is None else box_id}"


def parse_key(key: str) -> tuple[ProblemKind, int, int | None, Rect | None] | None:
    """Kind, frame, and the box id or the rectangle of a key; None for an unknown format."""
    name, _, rest = key.partition(":")
    frame, _, what = rest.partition(":")
    kind = ProblemKind.__members__.get(name, _FORMER_KINDS.get(name))
    if kind is None or not frame.isdecimal():
        return None
    if what.isdecimal():
        return kind, int(frame), int(what), None
    try:
        x1, y1, x2, y2 = (float(value) for value in what.split(","))
    except ValueError:
        return None
    return ProblemKind.MISSING if name == "AGREE" else kind, int(frame), None, (x1, y1, x2, y2)


@dataclass(frozen=True, slots=True)
class VariantMatches:
    """One variant's predictions on a frame with their matching."""

    predictions: BoxTable
    review: FrameReview


def pair_wrong_classes(boxes: Mapping[int, Box], matches: VariantMatches, convention: Convention) -> dict[int, int]:
    """Missed boxes that an unpaired prediction of another class covers with an IoU of at least 0.5.

    Args:
        boxes: ground truth of the frame by id.

    Returns:
        The prediction's row in the frame's table by box id; each prediction is of one box only.
    """
    review = matches.review
    missed = review.gt_ids[review.state == PairState.MISS].tolist()
    unpaired = set(review.pred_rows[review.state == PairState.FALSE_POSITIVE].tolist())
    return _other_classes(boxes, matches.predictions, missed, unpaired, convention)


def _other_classes(
    boxes: Mapping[int, Box], table: BoxTable, missed: Sequence[int], unpaired: set[int], convention: Convention
) -> dict[int, int]:
    free, found = set(unpaired), dict[int, int]()
    for gt_id in missed:
        rows, box = sorted(free), boxes[gt_id]
        if not rows or box.class_id == UNSPECIFIED_CLASS:
            continue
        overlap = iou_matrix(np.array([box.rect]).T, table.boxes[:, rows], convention)[0]
        overlap[table.class_ids[rows] == box.class_id] = 0.0
        best = int(overlap.argmax())
        if overlap[best] >= 0.5:
            found[gt_id] = rows[best]
            free.discard(rows[best])
    return found
