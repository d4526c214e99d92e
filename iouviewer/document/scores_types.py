"""Inputs and results of the scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from iouviewer.metrics.coco import ClassAp
from iouviewer.metrics.incremental_ap import IncrementalAp
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import Bool, BoxTable

if TYPE_CHECKING:
    from iouviewer.document.filtering import FilterRules

FrameStates = NDArray[np.int8]
UNLABELLED, LABELLED, EXCLUDED = 0, 1, 2
"""States of a frame of the ground truth."""

FULL_CURVE_FLOOR = 0.01
"""With a score floor above this, AP is a lower bound."""


class GroundTruthView(Protocol):
    """The part of a ground truth that the scores read."""

    @property
    def frame_count(self) -> int: ...

    def table(self) -> BoxTable:
        """All frames."""
        ...

    def frame_table(self, frame: int) -> BoxTable:
        """One frame (frame 0 of the result), rows in order of box id."""
        ...

    def state(self, frame: int) -> int:
        """UNLABELLED, LABELLED or EXCLUDED."""
        ...

    def states(self) -> FrameStates:
        """(F,) int8."""
        ...

    def verification(self) -> FrameStates:
        """(F,) int8 of Verification."""
        ...

    def started_variants(self) -> frozenset[int]:
        """Variants that the ground truth was started from; see ``origin_view.states_for``."""
        ...

    def leave_out(self, variants: frozenset[int]) -> None:
        """Leave boxes that lean to these variants out of the tables."""
        ...


@dataclass(frozen=True, eq=False)
class ScoreSettings:
    """Inputs of the scores other than boxes.

    Attributes:
        review: thresholds and convention of the matching.
        target: the target IoU, drawn in the timeline; affects no metric.
        frames: (F,) bool, the selected frames; None for all.
        frames_text: how reports name the selection, such as ``verified``; None: by its ranges.
        left_out: keys of variants; ground-truth boxes that lean to them (``document/origins.py``) are ignored.
        filter: what the filter line leaves out; None: nothing.
    """

    review: ReviewSettings = field(default_factory=ReviewSettings)
    target: float = 0.75
    frames: Bool | None = None
    frames_text: str | None = None
    left_out: frozenset[str] = frozenset()
    filter: FilterRules | None = None

    def selected(self, frame_count: int) -> Bool | None:
        """(F,) bool, the selected frames that the filter passes; None for all."""
        passing = None if self.filter is None else self.filter.frames(frame_count)
        if self.frames is None or passing is None:
            return passing if self.frames is None else self.frames
        return self.frames & passing


class NoAp(StrEnum):
    """Reasons why AP is undefined."""

    NO_SCORES = "no_scores"
    NO_GROUND_TRUTH = "no_ground_truth"
    PENDING = "pending"


@dataclass(frozen=True)
class VariantSummary:
    """The metrics of one variant; None where undefined.

    Attributes:
        frames: selected labelled frames that the variant covers; all metrics are computed on these.
        labelled: selected labelled frames of the video; ``frames`` may be fewer.
        unlabelled, excluded: selected covered frames that do not count.
        predictions_elsewhere: predictions on frames that do not count.
        withheld: selected labelled frames that do not count because the ground truth came from this variant.
        complete: the run finished.
        ap_floor: the score floor where it is so high that AP is a lower bound, else None.
        ap_reason: why AP is None.
        per_class: AP by class id.
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
    ap: float | None
    ap50: float | None
    ap75: float | None
    ar100: float | None
    frames: int
    labelled: int
    unlabelled: int
    excluded: int
    predictions_elsewhere: int
    withheld: int
    complete: bool
    ap_floor: float | None
    ap_reason: NoAp | None
    per_class: Mapping[int, ClassAp]


@dataclass(frozen=True, slots=True)
class PendingAp:
    """The inputs of an AP that is not computed yet, for another thread; no edit changes these values.

    Attributes:
        frames: (F,) bool, the frames that count.
        one_class: as for ``IncrementalAp``.
        token: identifies the state of the variant; a new one after each change.
    """

    gt: BoxTable
    table: BoxTable
    frames: Bool
    one_class: bool
    token: object

    def compute(self) -> IncrementalAp:
        """Evaluate all frames."""
        return IncrementalAp(self.gt, self.table, self.frames, one_class=self.one_class)
