"""The predictions of one variant, with the known properties of the run that made them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.class_join import ClassJoin, join_classes, keeps_unknown_classes
from iouviewer.document.classes import ClassTable
from iouviewer.document.imported import ImportedBoxes, StatedFact
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int

_FILE_FACTS = frozenset({"notes", "stated_facts", "skipped_rows", "assumed_images"})
"""Entries of the protocol about the file rather than the run."""
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

    def append(self, more: BoxTable, first: int, *, ids: Int | None = None) -> BoxTable:
        """The latest table followed by ``more``.

        Args:
            more: predictions of as many frames as the table has, none before frame ``first``.
            ids: ids of its rows; None: the next ones.
            first: the latest table has no rows from this frame on.
        """
        table = self.latest
        before, after = len(table), len(table) + len(more)
        self._reserve(table, after)
        new = slice(before, after)
        self._boxes[:, new], self._class_ids[new], self._scores[new] = more.boxes, more.class_ids, more.scores
        self._ids[new] = np.arange(self._next_id, self._next_id + len(more)) if ids is None else ids
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

    Every box is stored as it came (``raw``); ``table`` is derived from it by ``joined``, which maps classes and leaves
    out what the ground truth does not have. Without a class table of its own, a set is in the document's classes.

    Attributes:
        table: boxes by frame in the classes of the ground truth, in file order within a frame (equal scores keep it).
        covered: (F,) bool, the frames that the run finished or that the file covers.
        has_scores: False where the file has no scores and all are 1.
        score_floor: no box below it was kept; None where unknown (no scores, no boxes).
        max_detections: most boxes that were kept per frame, None where unknown.
        stride: the run processed every stride-th frame.
        complete: False while a run is in progress, or if it was stopped.
        protocol: how the predictions were made (model, hash, image size, runtime ...), and the reader's ``notes``.
        unmapped_count: predictions that ``table`` lacks because their class maps to none of the ground truth's.
        covers_new_frames: whether frames that become known later count as covered (a file that covers all frames).
        raw: all boxes in the classes of ``classes``; None where ``table`` has all boxes and they were never joined.
        classes: class table of the file or model; None: the classes are those of the document.
        class_map: what the user says: class of the predictions -> class of the ground truth.
        join: how ``table`` follows from ``raw``; None before ``joined``.
        keeps_unknown: whether ``table`` has the boxes of classes that the ground truth lacks.
        withheld: labelled frames that ``covered`` lacks because the ground truth there came from these predictions and
            nobody verified it.
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
    raw: BoxTable | None = field(default=None, repr=False)
    classes: ClassTable | None = None
    class_map: Mapping[str, str] = field(default_factory=dict)
    join: ClassJoin | None = None
    keeps_unknown: bool = False
    withheld: int = 0
    _appendable: AppendableTable | None = field(default=None, repr=False)
    _raw_appendable: AppendableTable | None = field(default=None, repr=False)

    @property
    def frame_count(self) -> int:
        return self.table.frame_count

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of the file assumed, one sentence each; ``StatedFact`` where it assumed nothing."""
        stated = frozenset(map(str, self.protocol.get("stated_facts", ())))
        notes = map(str, self.protocol.get("notes", ()))
        return tuple(StatedFact(note) if note in stated else note for note in notes)

    @property
    def skipped(self) -> int:
        """Number of rows of the file that were skipped on request."""
        return int(self.protocol.get("skipped_rows", 0))

    @property
    def assumed_images(self) -> str:
        """SHA-256 of the file whose image ids were taken for frames without a ground truth that lists them; or empty.

        Such a file is read again when a ground truth lists images.
        """
        return str(self.protocol.get("assumed_images", ""))

    @property
    def run_facts(self) -> dict[str, Any]:
        """How the predictions were made; what is known of their file is left out."""
        return {key: value for key, value in self.protocol.items() if key not in _FILE_FACTS}

    @property
    def stored_table(self) -> BoxTable:
        """All boxes as they came."""
        return self.table if self.raw is None else self.raw

    def joined(self, truth: ClassTable, *, keep_unknown: bool, unscored: frozenset[int] = frozenset()) -> PredictionSet:
        """This set with ``table`` in the classes of the ground truth; the set itself where nothing changes.

        Args:
            keep_unknown: keep boxes of classes that the ground truth lacks (``class_join.keeps_unknown_classes``).
            unscored: classes that the benchmark of the ground truth does not score (``GroundTruth.unscored_classes``).
        """
        if self.classes is None:
            return self
        raw = self.stored_table
        used = np.unique(raw.class_ids).tolist()
        join = join_classes(self.classes, truth, self.class_map, used=[one for one in used if one >= 0])
        join = join.without_classes(unscored)
        if join == self.join and (keep_unknown == self.keeps_unknown or not join.unknown):
            return self
        table = join.apply(raw, keep_unknown=keep_unknown)
        return replace(
            self,
            table=table,
            raw=raw,
            join=join,
            keeps_unknown=keep_unknown,
            unmapped_count=len(raw) - len(table),
            _appendable=None,
            _raw_appendable=None,
        )

    def joined_with(
        self,
        classes: ClassTable,
        truth: BoxTable,
        labelled: Bool,
        *,
        class_agnostic: bool,
        unscored: frozenset[int] = frozenset(),
    ) -> PredictionSet:
        """``joined`` with a ground truth of these classes and boxes; ``labelled`` is (F,) bool."""
        keep = keeps_unknown_classes(classes.names, truth, labelled, class_agnostic=class_agnostic)
        return self.joined(classes, keep_unknown=keep, unscored=unscored)

    def with_tables(self, change: Callable[[BoxTable], BoxTable], **fields: Any) -> PredictionSet:
        """This set with ``change`` applied to its boxes, stored and joined ones, and other fields replaced."""
        raw = None if self.raw is None else change(self.raw)
        table = raw if raw is not None and self.table is self.raw else change(self.table)
        return replace(self, table=table, raw=raw, _appendable=None, _raw_appendable=None, **fields)

    @cached_property
    def left_out(self) -> dict[str, int]:
        """Number of boxes by class name that ``table`` lacks because the ground truth has no such class."""
        if self.classes is None or self.join is None or self.raw is None or self.keeps_unknown:
            return {}
        counts = np.bincount(self.raw.class_ids[self.raw.class_ids >= 0], minlength=len(self.classes))
        found = ((self.classes.names[number], int(counts[number])) for number in self.join.unknown)
        return {name: count for name, count in found if count}

    @cached_property
    def own_classes(self) -> frozenset[int]:
        """Class ids of the ground truth that are in the class table of the predictions."""
        return frozenset() if self.join is None else frozenset(one for one in self.join.targets if one >= 0)

    @property
    def class_proposals(self) -> dict[str, str]:
        """Classes that the ground truth lacks -> the class of it that they may mean."""
        if self.classes is None or self.join is None:
            return {}
        return {self.classes.names[number]: name for number, name in self.join.proposals.items()}

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
    def from_imported(
        cls, imported: ImportedBoxes, frame_count: int, class_map: Mapping[str, str] | None = None
    ) -> PredictionSet:
        """The predictions that a reader found in a file, all of them as they are; ``joined`` maps their classes.

        Args:
            class_map: what the user says: class of the file -> class of the ground truth.

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
        table = BoxTable.from_rows(
            imported.frames,
            imported.boxes,
            frame_count=frame_count,
            class_ids=imported.class_ids,
            scores=imported.scores,
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
            protocol={**imported.protocol, **_file_facts(imported)},
            covers_new_frames=imported.covered is None,
            raw=table,
            classes=imported.classes,
            class_map=dict(class_map or {}),
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
        first = int(frames.min()) if len(frames) else self.frame_count
        old = self.stored_table
        if replaces or old.offsets[first] < len(old):
            raw = _replace_frames(old, new, frames)
            appendable = joined_appendable = None
            table = self._join_rows(raw)
        else:
            appendable = _appendable_of(old, self._raw_appendable)
            raw = appendable.append(new, first)
            table, joined_appendable = raw, None
            if self.raw is not None and self.table is not self.raw:
                more = self._join_rows(replace(new, ids=raw.ids[len(old) :]))
                joined_appendable = _appendable_of(self.table, self._appendable)
                table = joined_appendable.append(more, first, ids=more.ids)
        return replace(
            self,
            table=table,
            raw=None if self.raw is None else raw,
            covered=covered,
            complete=complete,
            unmapped_count=self.unmapped_count if self.join is None else len(raw) - len(table),
            _appendable=joined_appendable,
            _raw_appendable=appendable,
        )

    def withholding(self, states: NDArray[np.int8], own_states: NDArray[np.int8]) -> PredictionSet:
        """This set without the frames that do not count for it.

        Args:
            states: (F,) of FrameState.
            own_states: (F,) as they count for these predictions (``origin_view.states_for``).
        """
        withheld = self.covered & (states != own_states)
        if not withheld.any():
            return self
        return replace(self, covered=self.covered & ~withheld, withheld=int(withheld.sum()))

    def _join_rows(self, raw: BoxTable) -> BoxTable:
        return raw if self.join is None else self.join.apply(raw, keep_unknown=self.keeps_unknown)

    def count_capped_frames(self) -> int:
        """Number of frames whose number of boxes reached ``max_detections``."""
        if self.max_detections is None:
            return 0
        return int(np.count_nonzero(np.diff(self.stored_table.offsets) >= self.max_detections))


def _file_facts(imported: ImportedBoxes) -> dict[str, Any]:
    """What the reader assumed and skipped, as part of the protocol; notes on the run that the file holds stay."""
    of_run = imported.protocol.get("notes")
    notes = [*(of_run if isinstance(of_run, list) else ()), *imported.notes]
    facts = {
        "notes": list(dict.fromkeys(map(str, notes))),
        "stated_facts": list(dict.fromkeys(str(note) for note in notes if isinstance(note, StatedFact))),
        "skipped_rows": len(imported.refused),
        "assumed_images": imported.assumed_images,
    }
    return {key: value for key, value in facts.items() if value}


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


def _appendable_of(table: BoxTable, known: AppendableTable | None) -> AppendableTable:
    return known if known is not None and known.latest is table else AppendableTable(table)
