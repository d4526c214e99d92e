"""What a gesture shows in the document before it becomes a step of the history."""

from __future__ import annotations

from dataclasses import dataclass

from iouviewer.app.editing.session_values import merged_change
from iouviewer.document.document import Document
from iouviewer.document.edits import Applied, Change, Edit, SetRects
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.errors import UserError


@dataclass(frozen=True, slots=True)
class _Shown:
    """An edit that is shown, and what it changed since the press."""

    edit: Edit
    applied: Applied

    def is_replaced_by(self, edit: Edit) -> bool:
        """Whether ``edit`` sets all that this one has set, so that nothing of it needs to be taken back before."""
        mine = self.edit
        if not (isinstance(mine, SetRects) and isinstance(edit, SetRects)) or mine.source != edit.source:
            return False
        return [box_id for box_id, _ in mine.rects] == [box_id for box_id, _ in edit.rects]

    def followed_by(self, edit: Edit, applied: Applied) -> _Shown:
        """The same after ``edit`` was applied on top of this one."""
        first, then = self.applied.inverse, applied.inverse
        assert isinstance(first, SetRects)
        assert isinstance(then, SetRects)
        inverse = SetRects(tuple((dict(then.rects) | dict(first.rects)).items()), first.source)
        change = applied.change
        if change != self.applied.change:
            change = merged_change([self.applied.change, change], change.phase, "")
        return _Shown(edit, Applied(change, inverse))

    def in_all(self, truth: GroundTruth) -> Applied | None:
        """What it changed in all; None where boxes came back to where they were."""
        inverse, change = self.applied.inverse, self.applied.change
        if not isinstance(inverse, SetRects):
            return self.applied
        now = [(truth.find(box_id), rect) for box_id, rect in inverse.rects]
        moved = [(box, rect) for box, rect in now if box is not None and box.rect != rect]
        if not moved:
            return None
        frames, ids = (frozenset(getattr(box, of) for box, _ in moved) for of in ("frame", "id"))
        inverse = SetRects(tuple((box.id, rect) for box, rect in moved), inverse.source)
        return Applied(change._replace(frames=frames, box_ids=ids), inverse)


class Preview:
    """At most one edit is shown at a time; the next one replaces it."""

    def __init__(self) -> None:
        self._shown: _Shown | None = None

    def show(self, document: Document, edit: Edit, changes: list[Change]) -> None:
        """Show an edit instead of what is shown; what changed is added to ``changes``.

        Raises:
            UserError: the edit is not valid; nothing is shown any more, and ``changes`` tells of that.
        """
        shown = self._shown
        if shown is None or not shown.is_replaced_by(edit):
            changes += self.take_back(document)
            shown = None
        try:
            applied = document.apply(edit)
        except UserError:
            changes += self.take_back(document)
            raise
        if applied is not None:
            # Rectangles over rectangles: one edit a move of the mouse, and one word to the views.
            self._shown = shown.followed_by(edit, applied) if shown is not None else _Shown(edit, applied)
            changes.append(applied.change)

    def take_back(self, document: Document) -> list[Change]:
        """Take back what is shown; what changed by that."""
        shown, self._shown = self._shown, None
        applied = document.apply(shown.applied.inverse) if shown is not None else None
        return [applied.change] if applied is not None else []

    def finish(self, truth: GroundTruth) -> tuple[Edit, Applied] | None:
        """Leave what is shown in the document for good: the edit and what it changed in all, None for nothing."""
        shown, self._shown = self._shown, None
        applied = shown.in_all(truth) if shown is not None else None
        return None if shown is None or applied is None else (shown.edit, applied)
