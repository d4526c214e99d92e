"""The undo history: steps and a cursor. The project file stores it durably, ``MemoryHistory`` only in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from iouviewer.document.boxes import Box
from iouviewer.document.classes import ClassTable
from iouviewer.document.document import Document
from iouviewer.document.edits import Aspect, Change, FrameMark, FrameState
from iouviewer.document.notes import Note
from iouviewer.document.renumbering import Renumbered
from iouviewer.document.steps import Step, can_merge, merge_steps


@dataclass(frozen=True, slots=True)
class RowChanges:
    """The rows of a project file that a step changed.

    Attributes:
        put: boxes to insert or replace.
        delete: ids of boxes to delete.
        marks: states of frames.
        classes, decisions, notes: all of them, None where they did not change.
        next_id: the next unused box id.
        default_state: state of frames that become known later, None where it did not change.
        others: the rows of other sources.
    """

    source: int
    put: tuple[Box, ...] = ()
    delete: tuple[int, ...] = ()
    marks: tuple[FrameMark, ...] = ()
    classes: ClassTable | None = None
    decisions: tuple[tuple[str, str], ...] | None = None
    next_id: int = 1
    default_state: FrameState | None = None
    notes: tuple[Note, ...] | None = None
    others: tuple[RowChanges, ...] = ()

    @property
    def by_source(self) -> tuple[RowChanges, ...]:
        """The rows of each source."""
        return (self, *self.others)


def collect_row_changes(document: Document, change: Change) -> RowChanges:
    """Rows of the project file that a change writes or deletes."""
    truth = document.ground_truth(change.source)
    changed_boxes = {box_id: truth.find(box_id) for box_id in change.box_ids}
    marks: tuple[FrameMark, ...] = ()
    marked = bool(change.aspects & Aspect.FRAME_STATE)
    if marked:
        marks = tuple(truth.mark(f) for f in sorted(change.frames))
    decisions: tuple[tuple[str, str], ...] | None = None
    if change.aspects & Aspect.DECISIONS:
        decisions = tuple(document.decisions(change.source).items())
    return RowChanges(
        change.source,
        put=tuple(box for box in changed_boxes.values() if box is not None),
        delete=tuple(box_id for box_id, box in changed_boxes.items() if box is None),
        marks=marks,
        classes=document.classes if change.aspects & Aspect.CLASS_NAMES else None,
        decisions=decisions,
        notes=document.notes(change.source) if change.aspects & Aspect.NOTES else None,
        next_id=truth.next_id,
        default_state=truth.default_state if marked else None,
        others=tuple(collect_row_changes(document, other) for other in change.others),
    )


class History(Protocol):
    """Stores the steps of a session. Calls return at once; ``on_saved`` reports when steps are durable."""

    on_saved: Callable[[int, int], None] | None
    """Called (from any thread) with the numbers of requests acknowledged and requested so far."""

    @property
    def progress(self) -> tuple[int, int]:
        """Requests (acknowledged, made) so far; more than steps where the history stores other data too."""
        ...

    def append(self, step: Step, rows: RowChanges) -> None:
        """Add a step after the cursor and drop all later ones; may merge it with the last step (by merge_key)."""
        ...

    def undo_step(self) -> Step | None:
        """The step that undo would revert, or None."""
        ...

    def redo_step(self) -> Step | None:
        """The step that redo would apply again, or None."""
        ...

    def move(self, by: int, rows: RowChanges) -> None:
        """Move the cursor by the number of steps that were redone, negative for undone ones."""
        ...

    def all_steps(self) -> tuple[Step, ...]:
        """All steps, including those that can be redone."""
        ...

    @property
    def cursor(self) -> int:
        """How many of the steps are done (and not undone)."""
        ...

    @property
    def step_count(self) -> int:
        """Number of steps, including those that can be redone."""
        ...

    def step_at(self, position: int) -> Step | None:
        """The step at a position, None outside 1..``step_count``."""
        ...

    def summaries(self, first: int, last: int) -> list[StepSummary]:
        """Steps at positions first..last, both included, without their edits; quick also for a long history."""
        ...

    def renumber(self, renumbered: Renumbered) -> None:
        """Move all steps, and stored rows, to the new frame numbers at once."""
        ...


class StepSummary(NamedTuple):
    """What a list shows of a step; see ``Step``. Positions count from 1."""

    position: int
    label: str
    frame: int
    when: float
    author: str

    @classmethod
    def of(cls, position: int, step: Step) -> StepSummary:
        """The summary of a step."""
        return cls(position, step.label, step.frame, step.when, step.author)


class MemoryHistory:
    """A history in memory, used until a project file exists, and in tests."""

    def __init__(self) -> None:
        self.on_saved: Callable[[int, int], None] | None = None
        self._steps: list[Step] = []
        self._cursor = 0

    @property
    def progress(self) -> tuple[int, int]:
        return 0, 0

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, for the project file that takes them over."""
        return tuple(self._steps)

    @property
    def cursor(self) -> int:
        """How many of the steps are done (and not undone)."""
        return self._cursor

    def take_over(self, steps: Iterable[Step], cursor: int) -> None:
        """Replace all steps by those of another history."""
        self._steps = list(steps)
        self._cursor = cursor

    def append(self, step: Step, rows: RowChanges) -> None:
        """Add a step after the cursor; rows are not stored, as they are in the document."""
        del rows
        can_redo = len(self._steps) > self._cursor
        del self._steps[self._cursor :]
        if self._steps and not can_redo and can_merge(self._steps[-1], step):
            self._steps[-1] = merge_steps(self._steps[-1], step)
        else:
            self._steps.append(step)
        self._cursor = len(self._steps)

    def undo_step(self) -> Step | None:
        return self._steps[self._cursor - 1] if self._cursor else None

    def redo_step(self) -> Step | None:
        return self._steps[self._cursor] if self._cursor < len(self._steps) else None

    def move(self, by: int, rows: RowChanges) -> None:
        """Move the cursor; rows are not stored, as they are in the document."""
        del rows
        self._cursor += by

    def all_steps(self) -> tuple[Step, ...]:
        return tuple(self._steps)

    @property
    def step_count(self) -> int:
        return len(self._steps)

    def step_at(self, position: int) -> Step | None:
        return self._steps[position - 1] if 1 <= position <= len(self._steps) else None

    def summaries(self, first: int, last: int) -> list[StepSummary]:
        first = max(first, 1)
        return [StepSummary.of(first + place, step) for place, step in enumerate(self._steps[first - 1 : last])]

    def renumber(self, renumbered: Renumbered) -> None:
        self._steps = [renumbered.step(step) for step in self._steps]
