"""The predictions of one variant, with the known properties of the run that made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from iouviewer.document.imported import ImportedBoxes
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int

_GROWTH = 1.5
"""Growth factor of full columns; each row is copied twice on average."""


class AppendableTable:
    """A box table with spare capacity, to which a running model appends frames without copying all rows.

    Returned tables are views of the rows that existed at that time. New rows are only written after those of all
    returned tables, so returned tables never change.
    """

    def __init__(self, table: BoxTable) -> None:
        """Start with a copy of ``table``, which is the ``latest`` table until something is appended."""
        self.latest = table
        self._next_id = int(table.ids.max()) + 1 if len(table) else 0
        self._capacity = -1
        self._reserve(table, len(table))

    def _reserve(self, table: BoxTable, rows: int) -> None:
        if rows <= self._capacity:
            return
        used = len(table)
        self._capacity = capacity = int(rows * _GROWTH) + 1024
        boxes, class_ids = np.empty((4, capacity)), np.empty(capacity, np.int64)
        scores, ids = np.empty(capacity), np.empty(capacity, np.int64)
        boxes[:, :used], class_ids[:used] = table.boxes, table.class_ids
        scores[:used], ids[:used] = table.scores, table.ids
        self._boxes, self._class_ids, self._scores, self._ids = boxes, class_ids, scores, ids
        self._ignored = np.zeros(capacity, np.bool_)

    def append(self, more: BoxTable, first: int) -> BoxTable:
        """The latest table followed by ``more``.

        Args:
            more: predictions of as many frames as the table has, none before frame ``first``; its ids are replaced.
            first: the latest table has no rows from this frame on.
        """
        table = self.latest
        before, after = len(table), len(table) + len(more)
        self._reserve(table, after)
        new = slice(before, after)
        self._boxes[:, new], self._class_ids[new], self._scores[new] = more.boxes, more.class_ids, more.scores
        self._ids[new] = np.arange(self._next_id, self._next_id + len(more))
        self._next_id += len(more)
        offsets: Int = table.offsets.copy()
        offsets[first:] += more.offsets[first:]
        rows = slice(0, after)
        boxes: Float = self._boxes[:, rows]
        self.latest = BoxTable(
            offsets, boxes, self._class_ids[rows], self._scores[rows], self._ignored[rows], self._ids[rows]
        )
        return self.latest


@dataclass(frozen=True, eq=False)
class PredictionSet:
    """Predictions of one run or file. Immutable; a run in progress creates new sets.

    Attributes:
        table: boxes by frame, in file order within a frame (equal scores keep it).
        covered: (F,) bool, the frames that the run finished or that the file covers.
        has_scores: False where the file has no scores and all are 1.
        score_floor: no box below it was kept; None where unknown (no scores, no boxes).
        max_detections: most boxes that were kept per frame, None where unknown.
        stride: the run processed every stride-th frame.
        complete: False while a run is in progress, or if it was stopped.
        protocol: how the predictions were made (model, hash, image size, runtime ...).
        unmapped_count: predictions that were dropped because their class maps to none of the document's.
        covers_new_frames: whether frames that become known later count as covered (a file that covers all frames).
    """

    table: BoxTable
    covered: Bool
    has_scores: bool = True
    score_floor: float | None = None
    max_detections: int | None = None
    stride: int = 1
    complete: bool = True
    protocol: Mapping[str, Any] = field(default_factory=dict)
    unmapped_count: int = 0
    covers_new_frames: bool = False
    _appendable: AppendableTable | None = field(default=None, repr=False)

    @property
    def frame_count(self) -> int:
        return self.table.frame_count

    @cached_property
    def any_class(self) -> bool:
        """Whether any box has a class."""
        return bool((self.table.class_ids != UNSPECIFIED_CLASS).any())

    @classmethod
    def empty(cls, frame_count: int, **known: Any) -> PredictionSet:
        """The set of a run that has not begun: nothing covered, not complete; ``known`` are attributes such as the
        floor.
        """
        return cls(BoxTable.empty(frame_count), np.zeros(frame_count, np.bool_), **{"complete": False, **known})

    @classmethod
    def from_imported(cls, imported: ImportedBoxes, frame_count: int, class_map: Mapping[int, int]) -> PredictionSet:
        """The predictions that a reader found in a file.

        Args:
            class_map: the document's class for each class of the file. Boxes of unmapped classes are dropped; boxes
                without a class stay without one.

        Raises:
            UserError: a box lies outside the video.
        """
        if len(imported) and (imported.frames.min() < 0 or imported.frames.max() >= frame_count):
            outside = (imported.frames < 0) | (imported.frames >= frame_count)
            raise UserError(
                tr("a prediction is outside the video, which has frames 0–{last:,}", last=frame_count - 1),
                path=imported.path,
                frame=int(imported.frames[outside][0]),
                remedy=tr("Check the first frame number and that the file belongs to this video."),
            )
        classes, known = _map_classes(imported.class_ids, class_map)
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
            max_detections=imported.max_detections,
            stride=int(imported.protocol.get("stride", 1)),
            protocol=dict(imported.protocol),
            unmapped_count=int(len(imported) - np.count_nonzero(known)),
            covers_new_frames=imported.covered is None,
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
        """This set with the results of further frames; earlier results of these frames are replaced.

        Args:
            frames: (n,) the frames that are now covered, including those without boxes.
            row_frames: (N,) frame of each new row; each is in ``frames``.
            boxes: (4, N).
        """
        covered = self.covered.copy()
        replaces = covered[frames].any()
        covered[frames] = True
        if not covered[row_frames].all():
            raise ValueError("rows of frames that are not covered")
        new = BoxTable.from_rows(row_frames, boxes, frame_count=self.frame_count, class_ids=class_ids, scores=scores)
        old, appendable = self.table, self._appendable
        first = int(frames.min()) if len(frames) else self.frame_count
        if replaces or old.offsets[first] < len(old):
            table = _replace_frames(old, new, frames)
            return replace(self, table=table, covered=covered, complete=complete, _appendable=None)
        if appendable is None or appendable.latest is not old:
            appendable = AppendableTable(old)
        table = appendable.append(new, first)
        return replace(self, table=table, covered=covered, complete=complete, _appendable=appendable)

    def count_capped_frames(self) -> int:
        """Number of frames whose number of boxes reached ``max_detections``."""
        if self.max_detections is None:
            return 0
        return int(np.count_nonzero(np.diff(self.table.offsets) >= self.max_detections))


def _replace_frames(old: BoxTable, new: BoxTable, frames: Int) -> BoxTable:
    """``old`` with the rows of ``new`` in place of its rows of ``frames``."""
    replaced = np.zeros(old.frame_count, np.bool_)
    replaced[frames] = True
    old = old.select(~replaced[old.frame_of_row()])
    next_id = int(old.ids.max()) + 1 if len(old) else 0
    return BoxTable.from_rows(
        np.concatenate((old.frame_of_row(), new.frame_of_row())),
        np.concatenate((old.boxes, new.boxes), axis=1),
        frame_count=old.frame_count,
        class_ids=np.concatenate((old.class_ids, new.class_ids)),
        scores=np.concatenate((old.scores, new.scores)),
        ids=np.concatenate((old.ids, np.arange(next_id, next_id + len(new)))),
    )


def _map_classes(class_ids: Int, class_map: Mapping[int, int]) -> tuple[Int, Bool]:
    """The document's class of each row, and whether the row has one."""
    result = np.full(len(class_ids), UNSPECIFIED_CLASS, np.int64)
    known = class_ids == UNSPECIFIED_CLASS
    for source, target in class_map.items():
        rows = class_ids == source
        result[rows] = target
        known |= rows
    return result, known
