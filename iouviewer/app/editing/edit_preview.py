"""The edit that a gesture previews in the document before it becomes a history step."""

from __future__ import annotations

from dataclasses import dataclass

from iouviewer.app.editing.session_values import apply_checked, merge_changes
from iouviewer.document.document import Document
from iouviewer.document.edits import Applied, Change, Edit, SetRects
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.errors import UserError


@dataclass(frozen=True, slots=True)
class _Shown:
    """A previewed edit with all changes it made since the press."""

    edit: Edit
    applied: Applied

    def is_replaced_by(self, edit: Edit) -> bool:
        """Whether ``edit`` sets everything that this edit set; if so, no revert is needed before it."""
        shown = self.edit
        if not (isinstance(shown, SetRects) and isinstance(edit, SetRects)) or shown.source != edit.source:
            return False
        return [box_id for box_id, _ in shown.rects] == [box_id for box_id, _ in edit.rects]

    def followed_by(self, edit: Edit, applied: Applied) -> _Shown:
        """This edit after ``edit`` was applied on top of it."""
        first, then = self.applied.inverse, applied.inverse
        assert isinstance(first, SetRects)
        assert isinstance(then, SetRects)
        inverse = SetRects(tuple((dict(then.rects) | dict(first.rects)).items()), first.source)
        change = applied.change
        if change != self.applied.change:
            change = merge_changes([self.applied.change, change], change.phase, "")
        return _Shown(edit, Applied(change, inverse))

    def net_change(self, truth: GroundTruth) -> Applied | None:
        """The change since the press, without boxes that returned to their original position; None if empty."""
        inverse, change = self.applied.inverse, self.applied.change
        if not isinstance(inverse, SetRects):
            return self.applied
        now = [(truth.find(box_id), rect) for box_id, rect in inverse.rects]
        moved = [(box, rect) for box, rect in now if box is not None and box.rect != rect]
        if not moved:
            return None
        frames = frozenset(box.frame for box, _ in moved)
        ids = frozenset(box.id for box, _ in moved)
        inverse = SetRects(tuple((box.id, rect) for box, rect in moved), inverse.source)
        return Applied(change._replace(frames=frames, box_ids=ids), inverse)


class EditPreview:
    """Shows at most one edit at a time; the next one replaces it."""

    def __init__(self) -> None:
        self._shown: _Shown | None = None

    def show(self, document: Document, edit: Edit, changes: list[Change]) -> None:
        """Replace the shown edit; the resulting changes are appended to ``changes``.

        Raises:
            UserError: the edit is not valid. No edit is shown then, and ``changes`` holds the revert.
        """
        shown = self._shown
        if shown is None or not shown.is_replaced_by(edit):
            changes += self.revert(document)
            shown = None
        try:
            applied = apply_checked(document, edit)
        except UserError:
            changes += self.revert(document)
            raise
        if applied is not None:
            # Rectangles replace rectangles: one edit and one signal for each mouse move.
            self._shown = shown.followed_by(edit, applied) if shown is not None else _Shown(edit, applied)
            changes.append(applied.change)

    def revert(self, document: Document) -> list[Change]:
        """Revert the shown edit; returns the resulting changes."""
        shown, self._shown = self._shown, None
        applied = document.apply(shown.applied.inverse) if shown is not None else None
        return [applied.change] if applied is not None else []

    def finish(self, truth: GroundTruth) -> tuple[Edit, Applied] | None:
        """Keep the shown edit in the document; returns it with its net change, None if nothing changed."""
        shown, self._shown = self._shown, None
        applied = shown.net_change(truth) if shown is not None else None
        return None if shown is None or applied is None else (shown.edit, applied)
