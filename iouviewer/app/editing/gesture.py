"""Gestures on boxes: press, moves, release. No widgets; distances are image pixels.

A gesture stores the boxes at the press. Each move computes the edit from them and the total distance, and previews it;
the release commits one step, whose inverse restores the boxes of the press. Rounding errors cannot accumulate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from iouviewer.app.editing.session import Session
from iouviewer.document import commands, tracks
from iouviewer.document.boxes import (
    MAX_COORDINATE,
    NO_TRACK,
    Box,
    BoxFlag,
    Edges,
    Rect,
    allowed_area,
    limit_move,
    move_edges,
    rect_from_corners,
    resize_within,
    scale_within,
    snap_edges,
)
from iouviewer.document.edits import AddBoxes, Change, Edit, SetFrames, SetRects
from iouviewer.document.origins import Origin, origin_bits
from iouviewer.i18n import tr

ORIGIN = "canvas"

EVERYWHERE: Rect = (-MAX_COORDINATE, -MAX_COORDINATE, MAX_COORDINATE, MAX_COORDINATE)


@dataclass(frozen=True, slots=True)
class DragOptions:
    """What held keys ask of a drag.

    Attributes:
        is_constrained: a move keeps to the axis of the greater distance, a resize keeps the ratio of the sides.
        may_leave: boxes may leave the picture.
        snap_reach: edges snap to those of ``DragGesture.snap_to`` within this distance, pixels; 0: they do not.
    """

    is_constrained: bool = False
    may_leave: bool = False
    snap_reach: float = 0.0


FREE = DragOptions()


class DragGesture:
    """Moves or resizes boxes: the edges of one box, or several whole boxes, which may be copies of those pressed.

    Boxes stay inside the picture, except for what was outside before.

    Attributes:
        snap_to: predictions whose edges a resize can snap to.
        snapped: the edges that have snapped at the last move.
    """

    def __init__(self, session: Session, boxes: Sequence[Box], edges: Edges, *, makes_copies: bool = False) -> None:
        """Press: the current ``boxes`` and the ``edges`` to move (all edges move whole boxes)."""
        self._session = session
        self._source = session.source.id
        self._makes_copies = makes_copies
        self._pressed = tuple(boxes)
        self._before = self._copies() if makes_copies else self._pressed
        self._edges = edges
        self._areas = [allowed_area(box.rect, *session.source.size_of(box.frame)) for box in boxes]
        self._moved = False
        self.snap_to: tuple[Rect, ...] = ()
        self.snapped = Edges.NONE
        self.active = True

    def _copies(self) -> tuple[Box, ...]:
        """Copies of the pressed boxes: new objects with tracks of their own."""
        truth = self._session.ground_truth
        copies = commands.copies_of(self._session.document, self._pressed, self._pressed[0].frame, source=self._source)
        return tuple(replace(box, id=i) for box, i in zip(copies, truth.new_ids(len(copies)), strict=True))

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(box.id for box in self._before)

    @property
    def edges(self) -> Edges:
        """The edges that move."""
        return self._edges

    def move(self, dx: float, dy: float, options: DragOptions = FREE) -> Change | None:
        """Preview the boxes moved by the total distance since the press."""
        if not self.active:
            return None
        self._moved = True
        rects = self._moved_rects(dx, dy, options) if self._edges is Edges.ALL else self._resized(dx, dy, options)
        return self._session.preview(self._edit(rects), origin=ORIGIN)

    def _edit(self, rects: tuple[Rect, ...]) -> Edit:
        if self._makes_copies:
            copies = (replace(box, rect=rect) for box, rect in zip(self._before, rects, strict=True))
            return AddBoxes(tuple(copies), self._source)
        return SetRects(tuple((box.id, rect) for box, rect in zip(self._before, rects, strict=True)), self._source)

    def _moved_rects(self, dx: float, dy: float, options: DragOptions) -> tuple[Rect, ...]:
        if options.is_constrained:
            dx, dy = (dx, 0.0) if abs(dx) >= abs(dy) else (0.0, dy)
        if not options.may_leave:
            # All boxes keep their distances, so the first to touch the border stops the others.
            for box, area in zip(self._before, self._areas, strict=True):
                dx, dy = limit_move(box.rect, dx, dy, area)
        return tuple(move_edges(box.rect, Edges.ALL, dx, dy) for box in self._before)

    def _resized(self, dx: float, dy: float, options: DragOptions) -> tuple[Rect, ...]:
        area = EVERYWHERE if options.may_leave else self._areas[0]
        resize = scale_within if options.is_constrained else resize_within
        rect = resize(self._before[0].rect, self._edges, dx, dy, area)
        self.snapped = Edges.NONE
        if options.snap_reach > 0:
            rect, self.snapped = snap_edges(rect, self._edges, self.snap_to, options.snap_reach)
        return (rect,)

    def release(self) -> Change | None:
        """Commit the preview as one step; None if nothing changed."""
        if not self.active:
            return None
        self.active = False
        if not self._moved:
            return None
        if self._makes_copies:
            return self._release_copies()
        self._update_interpolated()
        label = commands.move_label if self._edges is Edges.ALL else commands.resize_label
        return self._session.commit_preview(label(self._session.document, self._before), origin=ORIGIN)

    def _release_copies(self) -> Change | None:
        label = commands.copy_label(self._session.document, self._pressed)
        change = self._session.commit_preview(label, origin=ORIGIN)
        if change is not None:
            self._session.select(self.ids)
        return change

    def _update_interpolated(self) -> None:
        """Move interpolated neighbours, and mark corrected boxes, in the same step: too much for each mouse move."""
        truth = self._session.ground_truth
        after = {box.id: now.rect for box in self._before if (now := truth.find(box.id)) is not None}
        after = {box.id: after[box.id] for box in self._before if box.id in after and after[box.id] != box.rect}
        before = {box.id: box.rect for box in self._before}
        edits = tracks.update_interpolated(truth, after, before=before, source=self._session.source.id)
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
    """Draws a box between a fixed corner and a moving one, inside the picture.

    The box continues a track that ended shortly before; otherwise it is a new object, with a new track where the ground
    truth has tracks.
    """

    def __init__(
        self,
        session: Session,
        x: float,
        y: float,
        class_id: int,
        *,
        continues: Box | None = None,
        may_leave: bool = False,
        is_region: bool = False,
    ) -> None:
        """Press at (x, y).

        Args:
            continues: the last box of the track that the new one belongs to, None for a new object.
            is_region: the box is a region to ignore: no object, without class and track; no prediction in it counts.
            may_leave: the corner may lie outside the picture.
        """
        self._session = session
        truth, frame = session.ground_truth, session.current_frame
        self._picture = _picture_of(session, frame)
        self._anchor = (x, y) if may_leave else _within(self._picture, x, y)
        # Read before the preview, which marks the frame as labelled.
        self._marks = tracks.labelled_marks(truth, [frame])
        self._class_id = class_id
        self._continues = continues
        self._flags = origin_bits(Origin.DRAWN) | (int(BoxFlag.IGNORED) if is_region else 0)
        self._is_region = is_region
        if continues is not None:
            self._flags |= tracks.continuing_flags(truth, continues.track)
        self.filled_frames = 0 if continues is None else tracks.count_filled(truth, continues.track, frame)
        """Frames beside the box that are interpolated if it continues the track."""
        self._new_track = NO_TRACK if is_region else tracks.new_tracks(truth, 1)[0]
        self._is_new = continues is None
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

    @property
    def box(self) -> Box:
        """The box so far; its id is 0 before the first move."""
        frame = self._session.current_frame
        rect = self._rect or (*self._anchor, *self._anchor)
        if self._is_new or self._continues is None:
            flags = self._flags if self._is_region else origin_bits(Origin.DRAWN)
            return Box(self._box_id or 0, frame, rect, self._class_id, self._new_track, flags)
        return Box(self._box_id or 0, frame, rect, self._class_id, self._continues.track, self._flags)

    @property
    def continues_track(self) -> bool:
        """Whether the box continues a track."""
        return self._continues is not None and not self._is_new

    def set_class(self, class_id: int) -> None:
        """Set the class of the box, from the next move on (a digit was pressed while drawing)."""
        if not self._is_region:
            self._class_id = class_id

    def move(self, x: float, y: float, *, is_new: bool = False, may_leave: bool = False) -> Change | None:
        """Preview the box up to the point (x, y).

        Args:
            is_new: start a new track, even where a track could be continued.
            may_leave: the corner may lie outside the picture.
        """
        if not self.active:
            return None
        self._is_new = is_new or self._continues is None
        corner = (x, y) if may_leave else _within(self._picture, x, y)
        self._rect = rect_from_corners(*self._anchor, *corner)
        if not may_leave:
            # A box of the smallest size at the border of the picture grows inwards.
            self._rect = move_edges(self._rect, Edges.ALL, *limit_move(self._rect, 0.0, 0.0, self._picture))
        return self._session.preview(self._edit(), origin=ORIGIN)

    def _edit(self) -> Edit:
        source = self._session.source.id
        if self._box_id is None:
            self._box_id = self._session.ground_truth.new_ids(1)[0]
        marks = [SetFrames(self._marks, source)] if self._marks else []
        return commands.combine_edits([AddBoxes((self.box,), source), *marks], source)

    def release(self) -> Change | None:
        """Commit the box as one step and select it; None if nothing was drawn."""
        if not self.active:
            return None
        self.active = False
        box = None if self._box_id is None else self._session.ground_truth.find(self._box_id)
        label = "" if box is None else commands.draw_label(self._session.document, box)
        if self._is_region:
            label = tr("Draw region to ignore")
        if box is not None and self.continues_track:
            self._fill_beside(box)
        change = self._session.commit_preview(label, origin=ORIGIN)
        if change is not None and self._box_id is not None:
            self._session.select([self._box_id])
        return change

    def _fill_beside(self, box: Box) -> None:
        """Interpolate up to the boxes of the track beside the new one."""
        source = self._session.source.id
        fills = tracks.fill_beside(self._session.ground_truth, box, source=source)
        if fills:
            marks = [SetFrames(self._marks, source)] if self._marks else []
            self._session.preview(commands.combine_edits([AddBoxes((box,), source), *marks, *fills], source))

    def cancel(self) -> None:
        """Remove the box again."""
        if self.active:
            self.active = False
            self._session.cancel_preview()

    def abandon(self) -> None:
        """Stop without changing the document."""
        self.active = False


def _picture_of(session: Session, frame: int) -> Rect:
    return allowed_area((0.0, 0.0, 0.0, 0.0), *session.source.size_of(frame))


def _within(area: Rect, x: float, y: float) -> tuple[float, float]:
    return min(max(x, area[0]), area[2]), min(max(y, area[1]), area[3])


Gesture = DragGesture | DrawGesture
