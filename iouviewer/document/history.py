"""History of edits: an edit log and a cursor. The project file keeps it durably; this one lives in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from iouviewer.document.boxes import Box
from iouviewer.document.edits import Batch, Edit, FrameMark, FrameState, SetRects

if TYPE_CHECKING:
    from iouviewer.document.renumbering import Renumbered


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the history.

    Attributes:
        label: for people, for example ``Resize box 12``.
        edit, inverse: how to do it and how to take it back.
        source, frame: where the step is to be seen.
        merge_key: consecutive steps with the same non-empty key become one (bursts of nudges).
        when: seconds since the epoch.
    """

    label: str
    edit: Edit
    inverse: Edit
    source: int
    frame: int
    merge_key: str = ""
    when: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class RowChanges:
    """What a step leaves behind in the rows: boxes to put, ids to delete, marks, class names, decisions.

    ``class_names`` and ``decisions`` are whole, None where they did not change. ``next_id`` is the next unused id,
    ``rest`` the state of frames that become known later, None where it did not change.
    """

    source: int
    put: tuple[Box, ...] = ()
    delete: tuple[int, ...] = ()
    marks: tuple[FrameMark, ...] = ()
    class_names: tuple[str, ...] | None = None
    decisions: tuple[tuple[str, str], ...] | None = None
    next_id: int = 1
    rest: FrameState | None = None


class History(Protocol):
    """Where the session keeps its steps. Calls return at once; durability is told through ``on_saved``."""

    on_saved: Callable[[int, int], None] | None
    """Called (from any thread) with the numbers of requests acknowledged and requested so far."""

    @property
    def progress(self) -> tuple[int, int]:
        """Requests (acknowledged, made) so far; more than steps where the history keeps other things too."""
        ...

    def append(self, step: Step, rows: RowChanges) -> None:
        """Add a step after the cursor, dropping what could be redone; merges with the last one by merge_key."""
        ...

    def undo_step(self) -> Step | None:
        """The step that undo would take back, or None."""
        ...

    def redo_step(self) -> Step | None:
        """The step that redo would do again, or None."""
        ...

    def move(self, by: int, rows: RowChanges) -> None:
        """Move the cursor by -1 (undone) or +1 (redone)."""
        ...

    def all_steps(self) -> tuple[Step, ...]:
        """All steps, those that can be redone included."""
        ...

    @property
    def cursor(self) -> int:
        """How many of the steps are done (and not undone)."""
        ...

    def renumber(self, renumbered: Renumbered) -> None:
        """Frames have other numbers: all steps, and the rows where they are kept too, follow at once."""
        ...


MERGE_SECONDS = 1.0
"""Steps with the same merge key within this time become one."""


def merges(last: Step, step: Step) -> bool:
    """Whether ``step`` continues ``last`` (a burst of nudges)."""
    return bool(step.merge_key) and step.merge_key == last.merge_key and step.when - last.when <= MERGE_SECONDS


def merged(last: Step, step: Step) -> Step:
    """Both as one step. Rectangles are joined by box; other edits stand one after the other."""
    edit: Edit
    inverse: Edit
    if (
        isinstance(last.edit, SetRects)
        and isinstance(step.edit, SetRects)
        and isinstance(last.inverse, SetRects)
        and isinstance(step.inverse, SetRects)
    ):
        # Either may name a box that the other one did not move.
        edit = SetRects(tuple({**dict(last.edit.rects), **dict(step.edit.rects)}.items()), last.source)
        inverse = SetRects(tuple({**dict(step.inverse.rects), **dict(last.inverse.rects)}.items()), last.source)
    else:
        edit = Batch((*_parts(last.edit), *_parts(step.edit)), last.source)
        inverse = Batch((*_parts(step.inverse), *_parts(last.inverse)), last.source)
    return Step(step.label, edit, inverse, last.source, last.frame, step.merge_key, step.when)


def _parts(edit: Edit) -> tuple[Edit, ...]:
    return edit.edits if isinstance(edit, Batch) else (edit,)


class MemoryHistory:
    """A history that is gone with the program: until a project file exists, and for tests."""

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

    def append(self, step: Step, rows: RowChanges) -> None:  # noqa: ARG002 - rows are kept by the document itself
        redoable = len(self._steps) > self._cursor
        del self._steps[self._cursor :]
        if self._steps and not redoable and merges(self._steps[-1], step):
            self._steps[-1] = merged(self._steps[-1], step)
        else:
            self._steps.append(step)
        self._cursor = len(self._steps)

    def undo_step(self) -> Step | None:
        return self._steps[self._cursor - 1] if self._cursor else None

    def redo_step(self) -> Step | None:
        return self._steps[self._cursor] if self._cursor < len(self._steps) else None

    def move(self, by: int, rows: RowChanges) -> None:  # noqa: ARG002
        self._cursor += by

    def all_steps(self) -> tuple[Step, ...]:
        return tuple(self._steps)

    def renumber(self, renumbered: Renumbered) -> None:
        self._steps = [renumbered.step(step) for step in self._steps]
