"""The tool that draws new boxes, with the mouse or with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtCore import QPoint, QPointF, Qt

from iouviewer.app.editing.gesture import DrawGesture
from iouviewer.document.boxes import NO_TRACK, Box
from iouviewer.document.tracks import continued_track
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.canvas.hit import BoxRef, Target, truth_ref
from iouviewer.ui.canvas.tools.tool import CLICK_TOLERANCE, PointerEvent, ToolContext


class DrawTool:
    """Draws boxes: by a drag, by two clicks, or by Enter, arrow keys and Enter.

    Shift starts a new track where the selected one would be continued; with Alt the box may leave the picture.

    Attributes:
        is_locked: the tool stays in use after a box is drawn.
        is_region: it draws regions to ignore.
    """

    def __init__(self, canvas: ToolContext, on_finished: Callable[[], None]) -> None:
        """``on_finished`` is called when a box is drawn, before the canvas is updated."""
        self._canvas = canvas
        self._on_finished = on_finished
        self._gesture: DrawGesture | None = None
        self._class_id: int | None = None
        self._first_corner, self._first_point = QPoint(), QPointF()
        self._corner, self._point = QPoint(), QPointF()
        self.is_locked = self.is_region = False

    @property
    def is_busy(self) -> bool:
        return self._gesture is not None

    @property
    def dragged_refs(self) -> frozenset[BoxRef]:
        if self._gesture is None or self._gesture.box_id is None:
            return frozenset()
        return frozenset([truth_ref(self._gesture.box_id)])

    # What is drawn

    @property
    def box(self) -> Box | None:
        """The box in progress, None before its first corner."""
        return None if self._gesture is None else self._gesture.box

    def begin(self, *, is_region: bool = False) -> None:
        """The tool is in use from now on, for boxes or for regions to ignore."""
        self._class_id = None
        self.is_locked, self.is_region = False, is_region

    def _continued(self) -> Box | None:
        if self.is_region:
            return None
        session = self._canvas.session
        found = continued_track(session.ground_truth, session.selection.track, session.current_frame)
        # A locked track stays as it is; the box is a new object.
        return None if found is None or session.view_state.is_locked(found) else found

    def _class_of(self, continued: Box | None) -> int:
        """A class chosen since the tool is in use, else that of the track, else that of new boxes; none for regions."""
        if self.is_region:
            return UNSPECIFIED_CLASS
        if self._class_id is not None:
            return self._class_id
        return self._canvas.commands.class_of_new_boxes() if continued is None else continued.class_id

    @property
    def text(self) -> str:
        """What the box in progress will be.

        ``continues person 17 · 6 frames interpolated``, ``person · new track 20``, or its class.
        """
        if self._gesture is None:
            return ""
        document, box = self._canvas.session.document, self._gesture.box
        if self.is_region:
            return tr("region to ignore")
        if self._gesture.continues_track:
            text, count = tr("continues {box}", box=document.object_name(box)), self._gesture.filled_frames
            filled = tr_n("{count} frame interpolated", "{count:,} frames interpolated", count)
            return f"{text} · {filled}" if count else text
        name = document.object_name(Box(0, box.frame, box.rect, box.class_id))
        return name if box.track == NO_TRACK else tr("{box} · new track {track}", box=name, track=box.track)

    # Mouse

    def press(self, event: PointerEvent) -> None:
        if self._gesture is None:
            self._begin(event.point, event.position, may_leave=event.has_alt)
        else:
            self._move_corner(event.point, event.position, is_new=event.has_shift, may_leave=event.has_alt)
            self._finish()

    def _begin(self, point: QPointF, position: QPoint, *, may_leave: bool = False) -> None:
        self._first_corner, self._first_point = position, point
        self._corner, self._point = position, point
        self._canvas.feedback.begin(None)
        continued = self._continued()
        self._gesture = DrawGesture(
            self._canvas.session,
            point.x(),
            point.y(),
            self._class_of(continued),
            continues=continued,
            may_leave=may_leave,
            is_region=self.is_region,
        )

    def move(self, event: PointerEvent) -> bool:
        if self._gesture is None:
            return False
        self._move_corner(event.point, event.position, is_new=event.has_shift, may_leave=event.has_alt)
        return True

    def _move_corner(self, point: QPointF, position: QPoint, *, is_new: bool = False, may_leave: bool = False) -> None:
        if self._gesture is None:
            return
        self._corner, self._point = position, point
        self._gesture.move(point.x(), point.y(), is_new=is_new, may_leave=may_leave)
        if self._gesture.box_id is not None:
            self._canvas.feedback.show_drawn(self._gesture.box, self.text, position)

    def release(self, event: PointerEvent) -> None:
        is_drag = (event.position - self._first_corner).manhattanLength() >= CLICK_TOLERANCE
        if self._gesture is not None and is_drag:
            self._finish()

    def double_click(self, _event: PointerEvent) -> bool:
        return False

    def _finish(self) -> None:
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            gesture.release()
        if not self.is_locked:
            self._on_finished()
        self._canvas.gesture_changed()

    # Keyboard

    def key(self, key: int) -> bool:
        """Enter puts the first corner at the crosshair, then the second one."""
        if key not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return False
        point = self.nudge(0, 0)
        if self._gesture is None:
            self._begin(point, self._canvas.from_image(point.x(), point.y()))
        else:
            self._finish()
        return True

    def nudge(self, dx: float, dy: float) -> QPointF:
        """Move the crosshair, and the corner in progress, by image pixels; returns the new position."""
        start = self._canvas.pointer()
        if start is None:
            start = self._canvas.visible_centre()
        point = QPointF(start.x() + dx, start.y() + dy)
        self._canvas.set_pointer(point)
        position = self._canvas.from_image(point.x(), point.y())
        self._canvas.feedback.show_crosshair(position)
        self._move_corner(point, position)
        return point

    def set_class(self, class_id: int) -> None:
        """Set the class of the box in progress, or of the next one."""
        self._class_id = class_id
        if self._gesture is not None:
            self._gesture.set_class(class_id)
            self._move_corner(self._point, self._corner)

    # Cancelling

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the box in progress back while something else changes the document, then start at the same corner."""
        was_busy, corner, point = self.is_busy, self._corner, self._point
        self.cancel()
        yield
        if was_busy:
            self._begin(self._first_point, self._first_corner)
            self._move_corner(point, corner)

    def cancel(self) -> None:
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            gesture.cancel()

    def abandon(self) -> bool:
        gesture, self._gesture = self._gesture, None
        if gesture is None:
            return False
        gesture.abandon()
        return True

    def cursor(self, _target: Target) -> Qt.CursorShape:
        return Qt.CursorShape.CrossCursor
