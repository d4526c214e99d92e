"""Drawing and dragging as the canvas shows them: the label at the cursor, and drawing without a mouse."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt

from iouviewer.app.editing.gesture import DragGesture, DrawGesture
from iouviewer.document.rects import Edges
from iouviewer.ui.canvas.box_commands import BoxCommands
from iouviewer.ui.canvas.hit import Ref, handles, truth_ref
from iouviewer.ui.canvas.labels import Label, Segment
from iouviewer.ui.canvas.mouse import MouseTool
from iouviewer.ui.canvas.overlays import Crosshair, Plate
from iouviewer.ui.canvas.review_view import delta_line
from iouviewer.ui.canvas.viewport import ZoomView
from iouviewer.ui.palette import ON_PICTURE, PLATE_TEXT, on_picture


class DrawingCanvas(BoxCommands, ZoomView):
    """The part of the canvas that shows gestures under way."""

    tool: MouseTool
    _drag_plate: Plate
    _crosshair: Crosshair
    _hint_plate: Plate
    _hint: tuple[int, Edges] | None = None
    _pointer: QPointF | None = None
    _shown_frame = -1
    _hidden = False

    @property
    def is_editable(self) -> bool:
        """Whether boxes can be edited: the picture is that of the current frame, and boxes are shown."""
        return self._shown_frame >= 0 and self._shown_frame == self.session.current_frame and not self._hidden

    @property
    def drag_text(self) -> str:
        """What stands at the cursor during a gesture."""
        return self._drag_plate.text

    # Selection

    def selected_refs(self) -> frozenset[Ref]:
        """What is selected, as references of this canvas."""
        selection = self.session.selection
        refs = frozenset(truth_ref(box_id) for box_id in selection.boxes)
        return refs if selection.prediction is None else refs | {Ref(*selection.prediction)}

    def select_ref(self, ref: Ref) -> None:
        """Select this box only."""
        if ref.is_ground_truth:
            self.session.select([ref.row])
        else:
            self.session.select(prediction=(ref.variant, ref.row))

    def toggle_ref(self, ref: Ref) -> None:
        """Add a ground-truth box to the selection, or take it out."""
        if ref.is_ground_truth:
            self.session.select(self.session.selection.boxes ^ {ref.row})
        else:
            self.select_ref(ref)

    # Gestures

    def show_emphasis(self) -> None:
        """Draw what is selected, hovered and dragged; the canvas overrides it."""

    def pointer(self) -> QPointF | None:
        return self._pointer

    def ious_of(self, box_id: int) -> dict[str, float | None]:
        """IoU of a box with each shown variant's partner, by variant key; None where it has none."""
        return {review.variant.key: review.iou_of.get(box_id) for review in self.review_view.last_reviews}

    def show_drag_label(self, at: QPoint) -> None:
        """Say at the cursor what the gesture does: IoU before and now, per variant."""
        gesture = self.tool.gesture
        label: Label | None = None
        if isinstance(gesture, DragGesture) and len(gesture.ids) > 1:
            label = Label(((Segment(f"{len(gesture.ids)} boxes", PLATE_TEXT),),))
        elif isinstance(gesture, DragGesture):
            label = self._drag_label(gesture.ids[0])
        elif isinstance(gesture, DrawGesture) and gesture.box_id is not None:
            label = self._drag_label(gesture.box_id)
        self._drag_plate.show_label(label, beside=at)

    def _drag_label(self, box_id: int) -> Label:
        now = self.ious_of(box_id)
        before = self.tool.before
        shown = list(now.items())[:4]
        lines = []
        for key, after in shown:
            line = delta_line(before.get(key), after)
            if len(now) > 1:
                variant = self.session.variants[key]
                line = (Segment(f"{variant.name}  ", on_picture(variant.colour)), *line)
            lines.append(line)
        box = self.session.ground_truth.find(box_id)
        if not lines and box is not None:
            x1, y1, x2, y2 = box.rect
            lines.append((Segment(f"{x2 - x1:.0f} × {y2 - y1:.0f}", PLATE_TEXT),))
        return Label(tuple(lines))

    def on_gesture_changed(self) -> None:
        """A gesture began or ended: handles hide or come back, the label at the cursor goes."""
        if self.tool.gesture is not None:
            self._hint = None
        else:
            self._drag_plate.show_label(None)
            self._crosshair.hide()
        self.show_emphasis()
        self.paint_in_one(self.tool.gesture is not None and len(self.tool.dragged_refs()) <= 1)
        if self._pointer is not None:
            self.tool.update_cursor(self._pointer)

    def show_hint(self, box_id: int, edges: Edges, text: str) -> None:
        """Write beside a handle of a box what to do with it, until the first gesture."""
        self._hint = (box_id, edges)
        self._hint_plate.show_label(Label(((Segment(text, PLATE_TEXT),),), ON_PICTURE.ground_truth))
        self.place_hint()

    def place_hint(self) -> None:
        """Keep the hint at its handle; it hides while its box is not on screen."""
        box = self.session.ground_truth.find(self._hint[0]) if self._hint is not None else None
        if box is None or self._hint is None or box.frame != self._shown_frame or self._hidden:
            self._hint_plate.hide()
            return
        for edges, x, y in handles(box.rect, self.px):
            if edges == self._hint[1]:
                at = self.from_picture(x, y)
                self._hint_plate.move(at.x() + 12, at.y() - self._hint_plate.height() // 2)
                self._hint_plate.show()

    def start_drawing(self) -> None:
        """The next press, click or Enter puts the first corner of a new box."""
        if self.is_editable:
            self.tool.cancel()
            self.tool.draw_mode = True
            self.viewport().setCursor(Qt.CursorShape.CrossCursor)
            self.setFocus()

    @property
    def is_drawing(self) -> bool:
        """Whether a box is being drawn, or the next press draws one."""
        return self.tool.draw_mode

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selected boxes by (dx, dy) pixels; while drawing, the crosshair."""
        if self.is_drawing:
            self._move_crosshair(dx, dy)
        else:
            super().nudge(dx, dy)

    def _move_crosshair(self, dx: float, dy: float) -> None:
        start = self._pointer or self.to_picture(QPointF(self.viewport().rect().center()))
        point = QPointF(start.x() + dx, start.y() + dy)
        self._pointer = point
        at = self.from_picture(point.x(), point.y())
        self._crosshair.put_at(at)
        if isinstance(self.tool.gesture, DrawGesture):
            self.tool.gesture.move(point.x(), point.y())
            self.show_drag_label(at)

    def confirm(self) -> bool:
        """Enter while drawing: put the first corner at the crosshair, then the second; whether it was drawing."""
        if not self.is_drawing:
            return False
        self._move_crosshair(0, 0)
        if isinstance(self.tool.gesture, DrawGesture):
            self.tool.finish()
        elif self._pointer is not None:
            self.tool.begin_drawing(self._pointer)
        return True

    def cancel(self) -> bool:
        """Esc: take a gesture back, else let the selection go; whether there was anything to cancel."""
        if self.tool.cancel():
            return True
        had = bool(self.selected_refs())
        self.session.select()
        return had

    def set_class(self, class_id: int) -> None:
        """Class of the selected boxes, of the box being drawn, and of the next ones."""
        if isinstance(self.tool.gesture, DrawGesture):
            self.last_class = class_id
            self.tool.gesture.set_class(class_id)
            self._move_crosshair(0, 0)
        else:
            super().set_class(class_id)
