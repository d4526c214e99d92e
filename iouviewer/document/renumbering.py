"""Moves everything that belongs to a frame to the frame's new number after a video was re-indexed.

Every frame with data gets a new number, and no two frames get the same one. Edits and their inverses can therefore be
renumbered too: undo after a renumbering gives the same result as renumbering the undone state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.edits import AddBoxes, Batch, Edit, FrameState, SetDecisions, SetFrames, SetNotes
from iouviewer.document.notes import NO_FRAME, Note
from iouviewer.document.numbering import Numbering
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.document.steps import Step
from iouviewer.document.variants import Variant
from iouviewer.metrics.table import Bool, BoxTable, Int

_PROBLEM_KEY = re.compile(r"(?P<kind>[A-Za-z_]+):(?P<frame>\d+)(?P<rest>:.*)", re.DOTALL)
"""The second field of a problem's key (``document.problems``) is its frame."""


@dataclass(frozen=True, eq=False)
class FrameMapping:
    """New numbers of the frames of a source.

    Attributes:
        source: its id.
        new: (F before,) int64, the new number of each frame; -1 for a removed frame, which has no data.
        frame_count: number of frames afterwards.
        numbering: which frame of the video each new number denotes; numbers from its ``video_frame_count`` on denote
            none.
        kept: (F before,) bool, frames that are not in the video and are kept for their boxes.
    """

    source: int
    new: Int
    frame_count: int
    numbering: Numbering
    kept: Bool

    @property
    def is_identity(self) -> bool:
        """Whether every frame keeps its number; frames may be added."""
        return bool((self.new == np.arange(len(self.new))).all())

    @property
    def added(self) -> Int:
        """(K,) int64: new numbers that no earlier frame has."""
        taken = np.zeros(self.frame_count, np.bool_)
        taken[self.new[self.new >= 0]] = True
        return np.flatnonzero(~taken)

    def new_number(self, frame: int) -> int:
        """The new number of a frame; ValueError for a removed frame."""
        if not 0 <= frame < len(self.new):
            return frame
        number = int(self.new[frame])
        if number < 0:
            raise ValueError(f"frame {frame} was removed")
        return number

    def nearest(self, frame: int) -> int:
        """The new number of a frame or, if it was removed, of the nearest earlier (else later) one."""
        if not len(self.new):
            return 0
        frame = min(max(frame, 0), len(self.new) - 1)
        remaining = np.flatnonzero(self.new >= 0)
        if not len(remaining):
            return 0
        place = max(int(np.searchsorted(remaining, frame, side="right")) - 1, 0)
        return int(self.new[remaining[place]])


def map_frames(source: int, rows: Numbering, found: Numbering, has_data: Callable[[], Bool]) -> FrameMapping:
    """The mapping to the numbering ``found`` of a new index: every number follows its video frame.

    Args:
        rows: the numbering so far.
        has_data: returns (F,) bool, whether a frame has data; called only if a frame is no longer in the video.
    """
    new = rows.match_frames(found)
    missing = np.flatnonzero(new < 0)
    if found.complete and len(missing):
        # While the index is incomplete the frame may still be found, so it is kept.
        missing = missing[has_data()[missing]]
    new[missing] = found.frame_count + np.arange(len(missing))
    numbering = found.with_extra_frames(
        rows.stamps[missing], rows.occurrences[missing], rows.packets[missing], rows.repeats[missing]
    )
    kept = np.zeros(rows.frame_count, np.bool_)
    if found.complete:
        kept[missing] = True
    return FrameMapping(source, new, numbering.frame_count, numbering, kept)


def keep_frame_numbers(source: int, rows: Numbering, found: Numbering, has_data: Bool) -> FrameMapping:
    """The mapping where every frame keeps its number; frames without data at the end are removed.

    For boxes read from files, whose frame numbers follow a full decode. ``has_data`` is (F,) bool.
    """
    count = max(found.frame_count, int(np.flatnonzero(has_data)[-1]) + 1 if has_data.any() else 0)
    numbers = np.arange(rows.frame_count)
    new = np.where(numbers < count, numbers, -1)
    kept = (numbers >= found.frame_count) & (numbers < count)
    return FrameMapping(source, new, count, found.padded_to(count), kept)


@dataclass(frozen=True, slots=True)
class Renumbered:
    """The result of a renumbering, for the history and the project file.

    ``states`` is (F,) int8 of FrameState, ``verification`` (F,) int8 of Verification. All values are those after the
    renumbering.
    """

    mapping: FrameMapping
    source: Source
    states: NDArray[np.int8]
    verification: NDArray[np.int8]
    default_state: FrameState
    decisions: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]
    variants: tuple[Variant, ...]

    def step(self, step: Step) -> Step:
        """A step of the history after the renumbering."""
        return renumber_step(step, self.mapping)


# Applying a mapping


def renumber_edit(edit: Edit, mapping: FrameMapping) -> Edit:
    """The edit that has the same effect after the renumbering as ``edit`` before it."""
    if isinstance(edit, Batch):
        parts = tuple(renumber_edit(part, mapping) for part in edit.edits)
        return Batch(parts, edit.source)
    if edit.source != mapping.source:
        return edit
    if isinstance(edit, AddBoxes):
        return AddBoxes(tuple(replace(box, frame=mapping.new_number(box.frame)) for box in edit.boxes), edit.source)
    if isinstance(edit, SetDecisions):
        return SetDecisions(tuple((renumber_key(key, mapping), value) for key, value in edit.decisions), edit.source)
    if isinstance(edit, SetFrames):
        return _renumber_marks(edit, mapping)
    if isinstance(edit, SetNotes):
        return SetNotes(renumber_notes(edit.put, mapping), edit.delete, edit.source)
    return edit


def _renumber_marks(edit: SetFrames, mapping: FrameMapping) -> SetFrames:
    marks = {mapping.new_number(mark.frame): mark._replace(frame=mapping.new_number(mark.frame)) for mark in edit.marks}
    default = edit.default_mark
    if default is None:
        return SetFrames(tuple(marks.values()), edit.source)
    # The frames from the default mark on may no longer be consecutive, so each gets its own mark, and the default mark
    # moves after the last frame.
    old = mapping.new[default.frame :]
    for frame in (*old[old >= 0].tolist(), *mapping.added.tolist()):
        marks.setdefault(frame, default._replace(frame=frame))
    return SetFrames(tuple(marks.values()), edit.source, default._replace(frame=mapping.frame_count))


def renumber_step(step: Step, mapping: FrameMapping) -> Step:
    """A step of the history after the renumbering."""
    edit, inverse = renumber_edit(step.edit, mapping), renumber_edit(step.inverse, mapping)
    frame = mapping.nearest(step.frame) if step.source == mapping.source else step.frame
    return replace(step, edit=edit, inverse=inverse, frame=frame)


def renumber_key(key: str, mapping: FrameMapping) -> str:
    """A problem's key with its frame's new number; other keys stay."""
    found = _PROBLEM_KEY.fullmatch(key)
    return key if found is None else f"{found['kind']}:{mapping.new_number(int(found['frame']))}{found['rest']}"


def renumber_decisions(decisions: Mapping[str, str], mapping: FrameMapping) -> dict[str, str]:
    """Decisions by the problems' new keys."""
    return {renumber_key(key, mapping): value for key, value in decisions.items()}


def renumber_notes(notes: Iterable[Note], mapping: FrameMapping) -> tuple[Note, ...]:
    """Notes with the new numbers of their frames."""
    return tuple(
        note if note.frame == NO_FRAME else replace(note, frame=mapping.new_number(note.frame)) for note in notes
    )


def renumber_mask(mask: Bool, mapping: FrameMapping, *, added: bool = False) -> Bool:
    """(F,) bool by new numbers; ``added`` is the value of added frames."""
    result = np.full(mapping.frame_count, added, np.bool_)
    remains = mapping.new >= 0
    result[mapping.new[remains]] = mask[remains]
    return result


def renumber_predictions(predictions: PredictionSet, mapping: FrameMapping) -> PredictionSet:
    """Predictions by new numbers. Frames that are not in the video keep their boxes and count in no score."""

    def renumber(table: BoxTable) -> BoxTable:
        return BoxTable.from_rows(
            mapping.new[table.frame_of_row()],
            table.boxes,
            frame_count=mapping.frame_count,
            class_ids=table.class_ids,
            scores=table.scores,
            ignored=table.ignored,
            ids=table.ids,
        )

    covered = renumber_mask(predictions.covered & ~mapping.kept, mapping, added=predictions.covers_new_frames)
    return predictions.with_tables(renumber, covered=covered)


# Frames that are in use


def edit_frames(edit: Edit, source: int) -> Iterator[int]:
    """Frames of a source that an edit refers to."""
    if isinstance(edit, Batch):
        for part in edit.edits:
            yield from edit_frames(part, source)
    elif edit.source != source:
        return
    elif isinstance(edit, AddBoxes):
        yield from (box.frame for box in edit.boxes)
    elif isinstance(edit, SetFrames):
        yield from (mark.frame for mark in edit.marks)
    elif isinstance(edit, SetDecisions):
        yield from problem_key_frames(key for key, _value in edit.decisions)
    elif isinstance(edit, SetNotes):
        yield from note_frames(edit.put)


def note_frames(notes: Iterable[Note]) -> Iterator[int]:
    """Frames of notes."""
    return (note.frame for note in notes if note.frame != NO_FRAME)


def problem_key_frames(keys: Iterable[str]) -> Iterator[int]:
    """Frames in problems' keys."""
    for key in keys:
        found = _PROBLEM_KEY.fullmatch(key)
        if found is not None:
            yield int(found["frame"])


def step_frames(steps: Iterable[Step], source: int) -> set[int]:
    """Frames of a source that steps of the history refer to, done or undone."""
    return {frame for step in steps for edit in (step.edit, step.inverse) for frame in edit_frames(edit, source)}
