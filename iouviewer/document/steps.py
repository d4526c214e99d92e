"""Steps of the undo history: an edit, its inverse and its label, and how consecutive steps merge."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from iouviewer.document.edits import Batch, Edit, SetRects

MERGE_SECONDS = 1.0
"""Steps with the same merge key within this time become one."""
FOLLOWS = "follows"
"""Merge key of what follows from the last step and belongs to it: it is undone with it, and leaves its name."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the history.

    Attributes:
        label: for display, for example ``Resize person 12``.
        edit, inverse: the change, and the edit that undoes it.
        source, frame: the frame to show when the step is undone or redone.
        merge_key: consecutive steps with the same non-empty key become one (bursts of nudges).
        when: seconds since the epoch.
        author: who made the step, empty if unknown.
    """

    label: str
    edit: Edit
    inverse: Edit
    source: int
    frame: int
    merge_key: str = ""
    when: float = field(default_factory=time.time)
    author: str = ""


def can_merge(last: Step, step: Step) -> bool:
    """Whether ``step`` continues ``last`` (a burst of nudges), or follows from it."""
    if step.merge_key == FOLLOWS:
        return step.source == last.source
    same = bool(step.merge_key) and (step.merge_key, step.author) == (last.merge_key, last.author)
    return same and step.when - last.when <= MERGE_SECONDS


def merge_steps(last: Step, step: Step) -> Step:
    """Both steps as one. Rectangles are joined by box; other edits follow each other in a batch."""
    edit: Edit
    inverse: Edit
    if (
        isinstance(last.edit, SetRects)
        and isinstance(step.edit, SetRects)
        and isinstance(last.inverse, SetRects)
        and isinstance(step.inverse, SetRects)
    ):
        # Each step may move boxes that the other did not.
        edit = SetRects(tuple({**dict(last.edit.rects), **dict(step.edit.rects)}.items()), last.source)
        inverse = SetRects(tuple({**dict(step.inverse.rects), **dict(last.inverse.rects)}.items()), last.source)
    else:
        edit = Batch((*_parts(last.edit), *_parts(step.edit)), last.source)
        inverse = Batch((*_parts(step.inverse), *_parts(last.inverse)), last.source)
    if step.merge_key == FOLLOWS:
        return replace(last, edit=edit, inverse=inverse)
    return Step(step.label, edit, inverse, last.source, last.frame, step.merge_key, step.when, step.author)


def _parts(edit: Edit) -> tuple[Edit, ...]:
    return edit.edits if isinstance(edit, Batch) else (edit,)
