"""Compares a document with an earlier state of it, and builds the edit that brings the earlier state back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.boxes import Box
from iouviewer.document.classes import ClassTable, fold_name
from iouviewer.document.document import Document
from iouviewer.document.edits import (
    AddBoxes,
    Batch,
    Edit,
    FrameMark,
    RemoveBoxes,
    SetClasses,
    SetClassNames,
    SetDecisions,
    SetFlags,
    SetFrames,
    SetNotes,
    SetRects,
    SetTracks,
)
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.notes import Note
from iouviewer.metrics.table import Float, Int

Columns = tuple[Int, Float, Int, Int, Int, Int]
"""Frames (N,), boxes (4, N), class ids, tracks, flags, ids (N,)."""


@dataclass(frozen=True, slots=True)
class FrameChanges:
    """How many boxes of a frame restoring adds, removes and changes, and whether it changes the frame's state."""

    frame: int
    added: int
    removed: int
    changed: int
    has_state: bool


@dataclass(frozen=True, slots=True)
class Restoration:
    """What restoring an earlier state changes.

    Attributes:
        frames: frames with changes, in order.
        added, changed: boxes as they were then; removed: ids of boxes that did not exist then.
        marks: states of frames as they were then.
        decisions: on problems; an empty one removes it.
        notes: as they were then, where they differ; removed_notes: ids of those that did not exist then.
        names: class names, None if they stay.
    """

    frames: tuple[FrameChanges, ...]
    added: tuple[Box, ...]
    changed: tuple[Box, ...]
    removed: tuple[int, ...]
    marks: tuple[FrameMark, ...]
    decisions: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]
    removed_notes: tuple[int, ...]
    classes: ClassTable | None

    @property
    def is_empty(self) -> bool:
        """Whether the earlier state is the present one."""
        return not self.frames and not any((self.decisions, self.notes, self.removed_notes, self.classes))


@dataclass(frozen=True, slots=True)
class DocumentState:
    """What restoring changes of a source; its arrays are never written, so another thread may compare them."""

    columns: Columns
    states: NDArray[np.int8]
    verification: NDArray[np.int8]
    classes: ClassTable
    decisions: dict[str, str]
    notes: tuple[Note, ...]

    @classmethod
    def of(cls, document: Document, source: int) -> DocumentState:
        """The state of a source; frame states are copied."""
        truth = document.ground_truth(source)
        return cls(
            truth.columns(),
            truth.states().copy(),
            truth.verification().copy(),
            document.classes,
            dict(document.decisions(source)),
            tuple(document.notes(source)),
        )


def compare(now: DocumentState, then: Document) -> Restoration:
    """What changes if ``then`` (its first source) is restored.

    Frames beyond the end of the video as it is now are left out.
    """
    number = min(then.sources)
    truth = then.ground_truth(number)
    count = len(now.states)
    old, new = _by_id(now.columns, count), _by_id(truth.columns(), count)
    common, at_now, at_then = np.intersect1d(old[0], new[0], assume_unique=True, return_indices=True)
    differs = (old[1][at_now] != new[1][at_then]).any(1)
    moved = differs & (old[1][at_now, 0] != new[1][at_then, 0])
    removed = np.concatenate([np.setdiff1d(old[0], new[0], assume_unique=True), common[moved]])
    added = np.concatenate([np.setdiff1d(new[0], old[0], assume_unique=True), common[moved]])
    changed = common[differs & ~moved]
    shared = min(count, truth.frame_count)
    marks = _changed_marks(now, truth, shared)
    decisions = then.decisions(number)
    keys = sorted(key for key in {*now.decisions, *decisions} if now.decisions.get(key) != decisions.get(key))
    notes, present = then.notes(number), {note.id: note for note in now.notes}
    frames = _frames(old, new, added, removed, changed, [mark.frame for mark in marks])
    return Restoration(
        frames,
        _boxes(truth, added),
        _boxes(truth, changed),
        tuple(removed.tolist()),
        marks,
        tuple((key, decisions.get(key, "")) for key in keys),
        tuple(note for note in notes if present.get(note.id) != note),
        tuple(sorted(set(present) - {note.id for note in notes})),
        _classes(now.classes, then.classes),
    )


def _by_id(columns: Columns, frame_count: int) -> tuple[Int, Int]:
    """(N,) int64 ids, and (N, 8) int64 everything else, the frame first and the coordinates as their bits."""
    frames, boxes, class_ids, tracks, flags, ids = columns
    bits = np.ascontiguousarray(boxes.T, np.float64).view(np.int64).reshape(-1, 4)
    rows = np.column_stack([frames, bits, class_ids, tracks, flags])
    inside = frames < frame_count
    return ids[inside], rows[inside]


def _frames(old: tuple[Int, Int], new: tuple[Int, Int], *kinds: Int | list[int]) -> tuple[FrameChanges, ...]:
    added, removed, changed, marked = (np.asarray(kind, np.int64) for kind in kinds)
    counts: dict[int, list[int]] = {}
    for place, (ids, rows) in ((0, (added, new)), (1, (removed, old)), (2, (changed, new))):
        order = np.argsort(rows[0])
        frames = rows[1][order, 0][np.searchsorted(rows[0], ids, sorter=order)]
        for frame, number in zip(*np.unique(frames, return_counts=True), strict=True):
            counts.setdefault(int(frame), [0, 0, 0])[place] = int(number)
    states = set(marked.tolist())
    found = []
    for frame in sorted({*counts, *states}):
        added_here, removed_here, changed_here = counts.get(frame, (0, 0, 0))
        found.append(FrameChanges(frame, added_here, removed_here, changed_here, frame in states))
    return tuple(found)


def _boxes(truth: GroundTruth, ids: Int) -> tuple[Box, ...]:
    found = (truth.find(number) for number in ids.tolist())
    return tuple(box for box in found if box is not None)


def _changed_marks(now: DocumentState, truth: GroundTruth, count: int) -> tuple[FrameMark, ...]:
    differs = (now.states[:count] != truth.states()[:count]) | (
        now.verification[:count] != truth.verification()[:count]
    )
    return tuple(truth.mark(frame) for frame in np.flatnonzero(differs).tolist())


def _classes(now: ClassTable, then: ClassTable) -> ClassTable | None:
    """The classes of then, with the names that were added since behind them; None where nothing differs."""
    known = {fold_name(name) for name in then.names}
    restored = then.renamed((*then.names, *(name for name in now.names if fold_name(name) not in known)))
    return None if restored == now else restored


def build_restore_edit(document: Document, restoration: Restoration, source: int) -> Edit:
    """The edit that restores an earlier state, as one step."""
    edits: list[Edit] = []
    if restoration.classes is not None:
        edits.append(SetClassNames.of(restoration.classes, source))
    if restoration.removed:
        edits.append(RemoveBoxes(restoration.removed, source))
    if restoration.added:
        edits.append(AddBoxes(restoration.added, source))
    changed = restoration.changed
    if changed:
        edits += [
            SetRects(tuple((box.id, box.rect) for box in changed), source),
            SetClasses(tuple((box.id, box.class_id) for box in changed), source),
            SetTracks(tuple((box.id, box.track) for box in changed), source),
            SetFlags(tuple((box.id, box.flags) for box in changed), source),
        ]
    if restoration.marks:
        edits.append(SetFrames(restoration.marks, source))
    if restoration.decisions:
        edits.append(SetDecisions(restoration.decisions, source))
    # Notes on boxes that are removed go with them.
    gone = set(restoration.removed)
    deleted = tuple(
        note.id for note in document.notes(source) if note.id in restoration.removed_notes and note.box_id not in gone
    )
    if restoration.notes or deleted:
        edits.append(SetNotes(restoration.notes, deleted, source))
    return Batch(tuple(edits), source)
