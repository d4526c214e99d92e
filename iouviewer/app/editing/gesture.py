"""Gestures on boxes: press, moves, release. No widgets; distances are image pixels.

A gesture stores the boxes at the press. Each move computes the edit from them and the total distance, and previews it;
the release commits one step, whose inverse restores the boxes of the press. Rounding errors cannot accumulate.
"""

from __future__ import annotations

from collections.abc import Sequence

from iouviewer.app.editing.session import Session
from iouviewer.document import commands, tracks
from iouviewer.document.boxes import NO_TRACK, Box, Edges, Rect, move_edges, rect_from_corners
from iouviewer.document.edits import AddBoxes, Change, Edit, SetFrames, SetRects

ORIGIN = "canvas"


class DragGesture:
    """Moves or resizes boxes: the edges of one box, or several whole boxes."""

    def __init__(self, session: Session, boxes: Sequence[Box], edges: Edges) -> None:
        """Press: the current ``boxes`` and the ``edges`` to move (all edges move whole boxes)."""
        self._session = session
        self._before = tuple(boxes)
        self._edges = edges
        self._moved = False
        self.active = True

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(box.id for box in self._before)

    def move(self, dx: float, dy: float, *, constrain: bool = False) -> Change | None:
        """Preview the boxes moved by the total distance since the press.

        Args:
            constrain: move along the axis of the greater distance only.
        """
        if not self.active:
            return None
        if constrain and self._edges is Edges.ALL:
            dx, dy = (dx, 0.0) if abs(dx) >= abs(dy) else (0.0, dy)
        self._moved = True
        return self._session.preview(SetRects(self._rects(dx, dy), self._session.source.id), origin=ORIGIN)

    def _rects(self, dx: float, dy: float) -> tuple[tuple[int, Rect], ...]:
        return tuple((box.id, move_edges(box.rect, self._edges, dx, dy)) for box in self._before)

    def release(self) -> Change | None:
        """Commit the preview as one step; None if nothing changed."""
        if not self.active:
            return None
        self.active = False
        if not self._moved:
            return None
        self._update_interpolated()
        label = commands.move_label if self._edges is Edges.ALL else commands.resize_label
        return self._session.commit_preview(label(self._session.document, self._before), origin=ORIGIN)

    def _update_interpolated(self) -> None:
        """Move interpolated neighbours in the same step; there are too many to update on each mouse move."""
        if all(box.track == NO_TRACK for box in self._before):
            return
        truth = self._session.ground_truth
        after = {box.id: now.rect for box in self._before if (now := truth.find(box.id)) is not None}
        after = {box.id: after[box.id] for box in self._before if box.id in after and after[box.id] != box.rect}
        edits = tracks.update_interpolated(truth, after, source=self._session.source.id)
        if edits:
            edits_of_step: list[Edit] = [SetRects(tuple(after.items()), self._session.source.id), *edits]
            self._session.preview(commands.combine_edits(edits_of_step, self._session.source.id), origin=ORIGIN)

    def cancel(self) -> None:
        """Revert everything (Esc, focus loss); on a change of frame the session reverts the preview itself."""
        if self.active:
            self.active = False
            self._session.cancel_preview()

    def abandon(self) -> None:
        """Stop without changing the document; the session has already reverted the preview."""
        self.active = False


class DrawGesture:
    """Draws a box between a fixed corner and a moving one."""

    def __init__(self, session: Session, x: float, y: float, class_id: int) -> None:
        self._session = session
        self._anchor = (x, y)
        # Read before the preview, which marks the frame as labelled.
        self._marks = tracks.labelled_marks(session.ground_truth, [session.current_frame])
        self._class_id = class_id
        self._box_id: int | None = None
        self._rect: Rect | None = None
        self.active = True

    @property
    def rect(self) -> Rect | None:
        """The rectangle so far."""
        return self._rect

    @property
    def box_id(self) -> int | None:
        """Id of the new box, None before the first move."""
        return self._box_id

    def set_class(self, class_id: int) -> None:
        """Set the class of the box, from the next move on (a digit was pressed while drawing)."""
        self._class_id = class_id

    def move(self, x: float, y: float, *, constrain: bool = False) -> Change | None:
        """Preview the box up to the point (x, y); ``constrain`` makes it square."""
        if not self.active:
            return None
        ax, ay = self._anchor
        if constrain:
            side = max(abs(x - ax), abs(y - ay))
            x, y = ax + (side if x >= ax else -side), ay + (side if y >= ay else -side)
        self._rect = rect_from_corners(ax, ay, x, y)
        return self._session.preview(self._edit(self._rect), origin=ORIGIN)

    def _edit(self, rect: Rect) -> Edit:
        source = self._session.source.id
        if self._box_id is None:
            self._box_id = self._session.ground_truth.new_ids(1)[0]
        box = Box(self._box_id, self._session.current_frame, rect, self._class_id)
        return commands.combine_edits(
            [AddBoxes((box,), source), *([SetFrames(self._marks, source)] if self._marks else [])], source
        )

    def release(self) -> Change | None:
        """Commit the box as one step and select it; None if nothing was drawn."""
        if not self.active:
            return None
        self.active = False
        box = None if self._box_id is None else self._session.ground_truth.find(self._box_id)
        label = "" if box is None else commands.draw_label(self._session.document, box)
        change = self._session.commit_preview(label, origin=ORIGIN)
        if change is not None and self._box_id is not None:
            self._session.select([self._box_id])
        return change

    def cancel(self) -> None:
        """Remove the box again."""
        if self.active:
            self.active = False
            self._session.cancel_preview()

    def abandon(self) -> None:
        """Stop without changing the document."""
        self.active = False


Gesture = DragGesture | DrawGesture
