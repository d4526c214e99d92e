"""Gestures on boxes: press, moves, release. No widgets; distances are picture pixels.

A gesture keeps what it found at the press. Each move computes the edit anew from that and the total distance, and
previews it; the release commits one step, whose inverse comes from the press. Nothing adds up on the way.
"""

from __future__ import annotations

from collections.abc import Sequence

from iouviewer.app.editing.session import Session
from iouviewer.document import commands, tracks
from iouviewer.document.boxes import NO_TRACK, Box, Rect
from iouviewer.document.commands import named
from iouviewer.document.edits import AddBoxes, Change, Edit, SetFrames, SetRects
from iouviewer.document.rects import Edges, dragged, spanned

ORIGIN = "canvas"


class DragGesture:
    """Moves or resizes boxes: edges of one, or several as a whole."""

    def __init__(self, session: Session, boxes: Sequence[Box], edges: Edges) -> None:
        """Press: ``boxes`` as they are now; ``edges`` to move (all: the boxes as a whole)."""
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
        return tuple((box.id, dragged(box.rect, self._edges, dx, dy)) for box in self._before)

    def release(self) -> Change | None:
        """Commit what is previewed as one step; None where nothing was changed."""
        if not self.active:
            return None
        self.active = False
        if not self._moved:
            return None
        self._follow()
        verb = "Move" if self._edges is Edges.ALL else "Resize"
        return self._session.commit_preview(named(verb, self.ids), origin=ORIGIN)

    def _follow(self) -> None:
        """Let interpolated neighbours follow, in the same step; too many frames to do so while the mouse moves."""
        if all(box.track == NO_TRACK for box in self._before):
            return
        truth = self._session.ground_truth
        after = {box.id: now.rect for box in self._before if (now := truth.find(box.id)) is not None}
        after = {box.id: after[box.id] for box in self._before if box.id in after and after[box.id] != box.rect}
        edits = tracks.follow(truth, after, source=self._session.source.id)
        if edits:
            whole: list[Edit] = [SetRects(tuple(after.items()), self._session.source.id), *edits]
            self._session.preview(commands.as_one(whole, self._session.source.id), origin=ORIGIN)

    def cancel(self) -> None:
        """Take everything back (Esc, focus loss); the session does so itself where the frame changes."""
        if self.active:
            self.active = False
            self._session.cancel_preview()

    def abandon(self) -> None:
        """Stop without touching the document: something else took the preview back."""
        self.active = False


class DrawGesture:
    """Draws a box between a fixed corner and a moving one."""

    def __init__(self, session: Session, x: float, y: float, class_id: int) -> None:
        self._session = session
        self._anchor = (x, y)
        # Taken now: while a preview stands the frame is labelled already.
        self._marks = tracks.labelled(session.ground_truth, [session.current_frame])
        self._class_id = class_id
        self._box_id: int | None = None
        self._rect: Rect | None = None
        self.active = True

    @property
    def rect(self) -> Rect | None:
        """What is drawn so far."""
        return self._rect

    @property
    def box_id(self) -> int | None:
        """Id of the new box, None before the first move."""
        return self._box_id

    def set_class(self, class_id: int) -> None:
        """The class of the box from the next move on (a digit pressed while drawing)."""
        self._class_id = class_id

    def move(self, x: float, y: float, *, constrain: bool = False) -> Change | None:
        """Preview the box up to the point (x, y); ``constrain`` makes it square."""
        if not self.active:
            return None
        ax, ay = self._anchor
        if constrain:
            side = max(abs(x - ax), abs(y - ay))
            x, y = ax + (side if x >= ax else -side), ay + (side if y >= ay else -side)
        self._rect = spanned(ax, ay, x, y)
        return self._session.preview(self._edit(self._rect), origin=ORIGIN)

    def _edit(self, rect: Rect) -> Edit:
        source = self._session.source.id
        if self._box_id is None:
            self._box_id = self._session.ground_truth.new_ids(1)[0]
        box = Box(self._box_id, self._session.current_frame, rect, self._class_id)
        return commands.as_one(
            [AddBoxes((box,), source), *([SetFrames(self._marks, source)] if self._marks else [])], source
        )

    def release(self) -> Change | None:
        """Commit the box as one step and select it; None where nothing was drawn."""
        if not self.active:
            return None
        self.active = False
        change = self._session.commit_preview(f"Draw box {self._box_id}", origin=ORIGIN)
        if change is not None and self._box_id is not None:
            self._session.select([self._box_id])
        return change

    def cancel(self) -> None:
        """Take the box back."""
        if self.active:
            self.active = False
            self._session.cancel_preview()

    def abandon(self) -> None:
        """Stop without touching the document."""
        self.active = False


Gesture = DragGesture | DrawGesture
