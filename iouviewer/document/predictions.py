"""The predictions of one variant, and what such a set can prove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from iouviewer.document.growing_table import GrowingTable
from iouviewer.document.imported import ImportedBoxes
from iouviewer.errors import UserError
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int


@dataclass(frozen=True, eq=False)
class PredictionSet:
    """Predictions of one run or file. Values; a run that goes on gives new sets.

    Attributes:
        table: boxes by frame, in file order within a frame (equal scores keep it).
        covered: (F,) bool, the frames that the run finished or the file speaks of.
        has_scores: False where all scores are made up (ones).
        score_floor: no box below it was kept; None where nothing is known (no scores, no boxes).
        cap: most boxes of a frame that were kept, None where nothing is known.
        stride: the run looked at every stride-th frame.
        complete: False while a run goes on, or if it was stopped.
        protocol: how the predictions were made (model, hash, image size, runtime ...).
        left_out: predictions of classes that map to none of the document's.
        covers_rest: whether frames that become known later count as covered (a file that speaks of all frames).
    """

    table: BoxTable
    covered: Bool
    has_scores: bool = True
    score_floor: float | None = None
    cap: int | None = None
    stride: int = 1
    complete: bool = True
    protocol: Mapping[str, Any] = field(default_factory=dict)
    left_out: int = 0
    covers_rest: bool = False
    _growing: GrowingTable | None = field(default=None, repr=False)

    @property
    def frame_count(self) -> int:
        return self.table.frame_count

    @cached_property
    def any_class(self) -> bool:
        """Whether any box has a class."""
        return bool((self.table.class_ids != UNSPECIFIED_CLASS).any())

    @classmethod
    def empty(cls, frame_count: int, **known: Any) -> PredictionSet:
        """A run that has not begun: nothing covered, not complete. ``known`` are attributes, such as the floor."""
        return cls(BoxTable.empty(frame_count), np.zeros(frame_count, np.bool_), **{"complete": False, **known})

    @classmethod
    def from_imported(cls, imported: ImportedBoxes, frame_count: int, class_map: Mapping[int, int]) -> PredictionSet:
        """Take over what a file says.

        Args:
            class_map: the document's class for each class of the file; what it lacks is left out, but a box without
                a class stays without one.

        Raises:
            UserError: a box lies outside the video.
        """
        if len(imported) and (imported.frames.min() < 0 or imported.frames.max() >= frame_count):
            beyond = (imported.frames < 0) | (imported.frames >= frame_count)
            raise UserError(
                f"a prediction lies outside the video, which has frames 0 to {frame_count - 1}",
                path=imported.path,
                frame=int(imported.frames[beyond][0]),
                remedy="Check the first frame's number and that the file belongs to this video.",
            )
        classes, known = _mapped(imported.class_ids, class_map)
        table = BoxTable.from_rows(
            imported.frames[known],
            imported.boxes[:, known],
            frame_count=frame_count,
            class_ids=classes[known],
            scores=None if imported.scores is None else imported.scores[known],
            ids=np.flatnonzero(known),
        )
        covered = np.ones(frame_count, np.bool_)
        if imported.covered is not None:
            covered[:] = False
            covered[imported.covered[(imported.covered >= 0) & (imported.covered < frame_count)]] = True
        floor = imported.score_floor
        if floor is None and imported.scores is not None and len(imported):
            floor = float(imported.scores.min())
        return cls(
            table,
            covered,
            has_scores=imported.scores is not None,
            score_floor=floor,
            cap=imported.cap,
            stride=int(imported.protocol.get("stride", 1)),
            protocol=dict(imported.protocol),
            left_out=int(len(imported) - np.count_nonzero(known)),
            covers_rest=imported.covered is None,
        )

    def with_frames(
        self,
        frames: Int,
        *,
        row_frames: Int,
        boxes: Float,
        class_ids: Int,
        scores: Float,
        complete: bool = False,
    ) -> PredictionSet:
        """This set and the results of further frames; what was known of these frames is replaced.

        Args:
            frames: (n,) the frames that are now covered, empty ones included.
            row_frames: (N,) frame of each new row; every one of them is in ``frames``.
            boxes: (4, N).
        """
        covered = self.covered.copy()
        again = covered[frames].any()
        covered[frames] = True
        if not covered[row_frames].all():
            raise ValueError("rows of frames that are not covered")
        new = BoxTable.from_rows(row_frames, boxes, frame_count=self.frame_count, class_ids=class_ids, scores=scores)
        old, growing = self.table, self._growing
        first = int(frames.min()) if len(frames) else self.frame_count
        if again or old.offsets[first] < len(old):
            return replace(self, table=_merged(old, new, frames), covered=covered, complete=complete, _growing=None)
        if growing is None or growing.latest is not old:
            growing = GrowingTable(old)
        return replace(self, table=growing.append(new, first), covered=covered, complete=complete, _growing=growing)

    def cap_reached(self) -> int:
        """In how many frames the cap was reached."""
        return 0 if self.cap is None else int(np.count_nonzero(np.diff(self.table.offsets) >= self.cap))


def _merged(old: BoxTable, new: BoxTable, frames: Int) -> BoxTable:
    """``old`` with what is ``new`` in place of its rows of ``frames``."""
    fresh = np.zeros(old.frame_count, np.bool_)
    fresh[frames] = True
    old = old.select(~fresh[old.frame_of_row()])
    next_id = int(old.ids.max()) + 1 if len(old) else 0
    return BoxTable.from_rows(
        np.concatenate((old.frame_of_row(), new.frame_of_row())),
        np.concatenate((old.boxes, new.boxes), axis=1),
        frame_count=old.frame_count,
        class_ids=np.concatenate((old.class_ids, new.class_ids)),
        scores=np.concatenate((old.scores, new.scores)),
        ids=np.concatenate((old.ids, np.arange(next_id, next_id + len(new)))),
    )


def _mapped(class_ids: Int, class_map: Mapping[int, int]) -> tuple[Int, Bool]:
    """The document's class of each row, and which rows have one."""
    result = np.full(len(class_ids), UNSPECIFIED_CLASS, np.int64)
    known = class_ids == UNSPECIFIED_CLASS
    for source, target in class_map.items():
        rows = class_ids == source
        result[rows] = target
        known |= rows
    return result, known
