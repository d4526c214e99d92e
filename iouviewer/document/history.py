"""The undo history: steps and a cursor. The project file stores it durably, ``MemoryHistory`` only in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from iouviewer.document.boxes import Box
from iouviewer.document.classes import ClassTable
from iouviewer.document.edits import FrameMark, FrameState
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
        """Move the cursor by -1 (undone) or +1 (redone)."""
        ...

    def all_steps(self) -> tuple[Step, ...]:
        """All steps, including those that can be redone."""
        ...

    @property
    def cursor(self) -> int:
        """How many of the steps are done (and not undone)."""
        ...

    def renumber(self, renumbered: Renumbered) -> None:
        """Move all steps, and stored rows, to the new frame numbers at once."""
        ...


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

    def renumber(self, renumbered: Renumbered) -> None:
        self._steps = [renumbered.step(step) for step in self._steps]
