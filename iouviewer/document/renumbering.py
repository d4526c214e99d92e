"""Moving all that belongs to a frame to the frame's new number, once its pictures were counted anew.

The move is total and takes no two frames to one number, so that edits and their inverses move too: undo after a
renumbering gives what renumbering the undone state would give.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.edits import AddBoxes, Batch, Edit, FrameState, SetDecisions, SetFrames
from iouviewer.document.history import Step
from iouviewer.document.numbering import Numbering
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.document.variants import Variant
from iouviewer.metrics.table import Bool, BoxTable, Int

_PROBLEM_KEY = re.compile(r"(?P<kind>[A-Za-z_]+):(?P<frame>\d+)(?P<rest>:.*)", re.DOTALL)
"""Keys of problems (``document.problems``) hold their frame in second place."""


@dataclass(frozen=True, eq=False)
class FrameMoves:
    """Where the frames of a source go.

    Attributes:
        source: its id.
        new: (F before,) int64, the new number of each frame; -1 for a frame that nothing belongs to and that is gone.
        frame_count: frames afterwards.
        numbering: which pictures the frames then are; frames behind its ``picture_count`` have none.
        kept: (F before,) bool, frames that turned out to have no picture and are kept for what belongs to them.
    """

    source: int
    new: Int
    frame_count: int
    numbering: Numbering
    kept: Bool

    @property
    def moves_nothing(self) -> bool:
        """Whether every frame stays where it is; there may be more of them."""
        return bool((self.new == np.arange(len(self.new))).all())

    @property
    def fresh(self) -> Int:
        """(K,) int64: new frames that were none before."""
        taken = np.zeros(self.frame_count, np.bool_)
        taken[self.new[self.new >= 0]] = True
        return np.flatnonzero(~taken)

    def of(self, frame: int) -> int:
        """The new number of a frame; ValueError for one that is gone (the plan was made without looking at it)."""
        if not 0 <= frame < len(self.new):
            return frame
        moved = int(self.new[frame])
        if moved < 0:
            raise ValueError(f"frame {frame} was not to be needed any more")
        return moved

    def near(self, frame: int) -> int:
        """The new number of a frame, or of the nearest one before it (else after it) that is not gone."""
        if not len(self.new):
            return 0
        frame = min(max(frame, 0), len(self.new) - 1)
        there = np.flatnonzero(self.new >= 0)
        if not len(there):
            return 0
        place = max(int(np.searchsorted(there, frame, side="right")) - 1, 0)
        return int(self.new[there[place]])


def plan_moves(source: int, rows: Numbering, found: Numbering, holds: Callable[[], Bool]) -> FrameMoves:
    """Where frames go when ``found`` is what the video's index now says.

    Args:
        rows: the pictures of the frames as they are.
        holds: (F,) bool, whether anything belongs to a frame; asked only where a picture is gone.
    """
    new = rows.pictures_in(found)
    without = np.flatnonzero(new < 0)
    if found.complete and len(without):
        # Frames that are not known yet are waited for.
        without = without[holds()[without]]
    new[without] = found.frame_count + np.arange(len(without))
    numbering = found.with_kept(
        rows.stamps[without], rows.occurrences[without], rows.packets[without], rows.repeats[without]
    )
    kept = np.zeros(rows.frame_count, np.bool_)
    if found.complete:
        kept[without] = True
    return FrameMoves(source, new, numbering.frame_count, numbering, kept)


def moves_of_none(source: int, rows: Numbering, found: Numbering, holds: Bool) -> FrameMoves:
    """Every frame keeps its number, whatever picture that is now; those at the end that hold nothing go.

    For boxes that were read from files, which count as a clean decode does. ``holds`` is (F,) bool.
    """
    count = max(found.frame_count, int(np.flatnonzero(holds)[-1]) + 1 if holds.any() else 0)
    here = np.arange(rows.frame_count)
    new = np.where(here < count, here, -1)
    kept = (here >= found.frame_count) & (here < count)
    return FrameMoves(source, new, count, found.padded(count), kept)


@dataclass(frozen=True, slots=True)
class Renumbered:
    """What a renumbering leaves behind, for whoever keeps it: moves, and what does not follow from them alone.

    ``states`` (F,) int8 of FrameState, ``verified`` (F,) bool; all are those after the renumbering.
    """

    moves: FrameMoves
    source: Source
    states: NDArray[np.int8]
    verified: Bool
    rest: FrameState
    decisions: tuple[tuple[str, str], ...]
    variants: tuple[Variant, ...]

    def step(self, step: Step) -> Step:
        """A step of the history after the renumbering."""
        return moved_step(step, self.moves)


# What moves


def moved_edit(edit: Edit, moves: FrameMoves) -> Edit:
    """The edit that does after the renumbering what ``edit`` did before."""
    if isinstance(edit, Batch):
        parts = tuple(moved_edit(part, moves) for part in edit.edits)
        return Batch(parts, edit.source)
    if edit.source != moves.source:
        return edit
    if isinstance(edit, AddBoxes):
        return AddBoxes(tuple(replace(box, frame=moves.of(box.frame)) for box in edit.boxes), edit.source)
    if isinstance(edit, SetDecisions):
        return SetDecisions(tuple((moved_key(key, moves), value) for key, value in edit.decisions), edit.source)
    if isinstance(edit, SetFrames):
        return _moved_marks(edit, moves)
    return edit


def _moved_marks(edit: SetFrames, moves: FrameMoves) -> SetFrames:
    marks = {moves.of(mark.frame): mark._replace(frame=moves.of(mark.frame)) for mark in edit.marks}
    rest = edit.rest
    if rest is None:
        return SetFrames(tuple(marks.values()), edit.source)
    # What was one open end becomes single frames where the end falls apart; the end opens behind them.
    old = moves.new[rest.frame :]
    for frame in (*old[old >= 0].tolist(), *moves.fresh.tolist()):
        marks.setdefault(frame, rest._replace(frame=frame))
    return SetFrames(tuple(marks.values()), edit.source, rest._replace(frame=moves.frame_count))


def moved_step(step: Step, moves: FrameMoves) -> Step:
    """A step of the history after the renumbering."""
    frame = moves.near(step.frame) if step.source == moves.source else step.frame
    return replace(step, edit=moved_edit(step.edit, moves), inverse=moved_edit(step.inverse, moves), frame=frame)


def moved_key(key: str, moves: FrameMoves) -> str:
    """A problem's key with its frame's new number; other keys stay."""
    found = _PROBLEM_KEY.fullmatch(key)
    return key if found is None else f"{found['kind']}:{moves.of(int(found['frame']))}{found['rest']}"


def moved_decisions(decisions: Mapping[str, str], moves: FrameMoves) -> dict[str, str]:
    """Decisions by the problems' new keys."""
    return {moved_key(key, moves): value for key, value in decisions.items()}


def moved_mask(mask: Bool, moves: FrameMoves, *, fresh: bool = False) -> Bool:
    """(F,) bool for the new numbers; frames that were none before get ``fresh``."""
    result = np.full(moves.frame_count, fresh, np.bool_)
    there = moves.new >= 0
    result[moves.new[there]] = mask[there]
    return result


def moved_predictions(predictions: PredictionSet, moves: FrameMoves) -> PredictionSet:
    """Predictions by the new numbers. Frames without a picture keep their boxes and count in no score."""
    table = predictions.table
    frames = moves.new[table.frame_of_row()]
    moved = BoxTable.from_rows(
        frames,
        table.boxes,
        frame_count=moves.frame_count,
        class_ids=table.class_ids,
        scores=table.scores,
        ignored=table.ignored,
        ids=table.ids,
    )
    covered = moved_mask(predictions.covered & ~moves.kept, moves, fresh=predictions.covers_rest)
    return replace(predictions, table=moved, covered=covered)


# What holds a frame


def frames_of_edit(edit: Edit, source: int) -> Iterator[int]:
    """Frames of a source that an edit names."""
    if isinstance(edit, Batch):
        for part in edit.edits:
            yield from frames_of_edit(part, source)
    elif edit.source != source:
        return
    elif isinstance(edit, AddBoxes):
        yield from (box.frame for box in edit.boxes)
    elif isinstance(edit, SetFrames):
        yield from (mark.frame for mark in edit.marks)
    elif isinstance(edit, SetDecisions):
        yield from frames_of_keys(key for key, _value in edit.decisions)


def frames_of_keys(keys: Iterable[str]) -> Iterator[int]:
    """Frames that stand in problems' keys."""
    for key in keys:
        found = _PROBLEM_KEY.fullmatch(key)
        if found is not None:
            yield int(found["frame"])


def frames_of_steps(steps: Iterable[Step], source: int) -> set[int]:
    """Frames of a source that steps of the history need, done or undone."""
    return {frame for step in steps for edit in (step.edit, step.inverse) for frame in frames_of_edit(edit, source)}
