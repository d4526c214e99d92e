"""Undo, redo, and commands on boxes that need a dialog or the canvas. ``canvas.box_commands`` has the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK, Box
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.dialogs.class_picker import pick_class


class EditCommands:
    """Group ``edit``.

    Args:
        stops: what Esc ends before it reaches the canvas; each returns whether there was something to end.
    """

    def __init__(
        self, window: QWidget, session: Session, canvas: CanvasView, stops: Sequence[Callable[[], bool]]
    ) -> None:
        self._window, self._session, self._canvas = window, session, canvas
        self._stops = stops

    def undo(self) -> None:
        """Undo the last step; in a review the last decision, which its foot names."""
        if not self._canvas.undo_decision():
            self._session.undo()

    def take_previous(self) -> None:
        """Copy the boxes of the previous frame. In a review, its key is that of *unclear* with Shift."""
        with_shift = bool(QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
        if not (with_shift and self._canvas.mark_unclear_here()):
            self._canvas.commands.paste_previous_frame()

    def redo(self) -> None:
        """Redo the next step."""
        self._session.redo()

    def cancel(self) -> None:
        """End a question or a propagation, or cancel a gesture; without one, clear the selection."""
        if not any(stop() for stop in self._stops):
            self._canvas.cancel()
        self._canvas.setFocus()

    def use_select_tool(self) -> None:
        """Leave the draw tool; the selection stays."""
        if self._canvas.tools.is_drawing:
            self._canvas.cancel()
        self._canvas.setFocus()

    def draw(self) -> None:
        """Start to draw a box."""
        self._canvas.start_drawing()

    def draw_region(self) -> None:
        """Start to draw a region to ignore: predictions in it count neither as matched nor as extra."""
        self._canvas.start_drawing(is_region=True)

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selected boxes, or the crosshair while drawing, by pixels."""
        self._canvas.nudge(dx, dy)

    def pick_class(self) -> None:
        """Ask at the box for a class, which may be new: of the box in progress, the selected boxes, else new boxes."""
        document, commands = self._session.document, self._canvas.commands
        drawn = self._canvas.tools.drawn_box
        boxes = [drawn] if drawn is not None else self._boxes()
        classes = {box.class_id for box in boxes}
        has_tracks = drawn is None and any(box.track != NO_TRACK for box in boxes)
        picked = pick_class(
            self._window,
            document.classes,
            title=self._title_of(boxes, is_drawing=drawn is not None or self._canvas.tools.is_drawing),
            anchor=self._anchor(boxes),
            current=classes.pop() if len(classes) == 1 else None,
            scopes=self._session.scopes if has_tracks else None,
        )
        if picked is None:
            return
        if picked.number is None:
            with self._canvas.tools.draw_paused():
                commands.add_class(picked.name)
        else:
            commands.set_class(picked.number)

    def _boxes(self) -> list[Box]:
        """The selected boxes of the frame."""
        found = map(self._session.ground_truth.find, self._session.selection.boxes)
        return [box for box in found if box is not None]

    def _title_of(self, boxes: list[Box], *, is_drawing: bool) -> str:
        if is_drawing:
            return tr("Class of the box that you draw")
        if not boxes:
            return tr("Class of new boxes")
        if len(boxes) == 1:
            return tr("Class of {box}", box=self._session.document.object_name(boxes[0]))
        return tr_n("Class of {count} box", "Class of {count:,} boxes", len(boxes))

    def _anchor(self, boxes: list[Box]) -> QRect:
        """The boxes on the screen, as far as the canvas shows them; without boxes the mouse, else the canvas."""
        canvas, viewport = self._canvas, self._canvas.viewport()
        place = QRect()
        for box in boxes:
            x1, y1, x2, y2 = box.rect
            place = place.united(QRect(canvas.from_image(x1, y1), canvas.from_image(x2, y2)))
        place = place.intersected(viewport.rect())
        pointer = canvas.pointer()
        if place.isEmpty() and pointer is not None:
            place = QRect(canvas.from_image(pointer.x(), pointer.y()), canvas.from_image(pointer.x(), pointer.y()))
        elif place.isEmpty():
            place = QRect(viewport.rect().center() - QPoint(1, 1), viewport.rect().center())
        return place.translated(viewport.mapToGlobal(QPoint()))
