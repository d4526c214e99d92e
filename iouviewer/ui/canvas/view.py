"""The canvas: the image of a frame with all its boxes, and the tools that edit them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Edges
from iouviewer.document.edits import Change
from iouviewer.document.variants import Variant
from iouviewer.ui.canvas import accessible
from iouviewer.ui.canvas.box_commands import BoxCommands
from iouviewer.ui.canvas.explain import describe
from iouviewer.ui.canvas.frame_canvas import FrameCanvas
from iouviewer.ui.canvas.gesture_feedback import GestureFeedback
from iouviewer.ui.canvas.ghost_boxes import GhostBoxes
from iouviewer.ui.canvas.hit import EDGE_REACH, NO_TARGET, BoxRef, Target, edge_at
from iouviewer.ui.canvas.loupe import Loupe, point_on_edge
from iouviewer.ui.canvas.proposed_fix import ProposedFix
from iouviewer.ui.canvas.tools.tool import PointerEvent
from iouviewer.ui.canvas.tools.tool_switcher import ToolSwitcher

_DRAWING_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)


def _nothing() -> bool:
    return False


class CanvasView(FrameCanvas):
    """Shows one frame and edits its boxes; all boxes come from the session.

    Attributes:
        commands: commands on boxes and tracks, for keys and menus.
        tools: handle the mouse and the keyboard.
        boxes: draws the boxes and finds them.
        selection: the selected boxes.
        feedback: shows the effect of the current gesture.
        proposed_fix: the proposed fix of the problem under review.
        ghosts: boxes of a propagation in progress.
        leave_review: leaves the review of problems; False if there is none.
        undo_decision: undoes the last decision of the review; False if there is none.
        mark_unclear_here: marks the problem under review as unclear, on its frame only; False if there is none.
        hovered_target: what lies under the mouse, which is what a press would take.

    Signals:
        playRequested(): Space was pressed and released without panning.
        pointerMoved(object): the mouse is at this QPointF, image pixels; None: it has left.
        drawingChanged(bool): the draw tool is in use from now on, or no longer.
        drawLockChanged(bool): the draw tool stays in use after a box is drawn, or no longer.
        menuRequested(str, object, QPoint): a context menu is wanted for a ``box``, a ``prediction`` or ``empty`` space:
            the kind, the BoxRef (None for empty space), and where on the screen.
        boxActivated(BoxRef): a ground-truth box was double-clicked.
        gestureChanged(frozenset[int]): the mouse changes the boxes with these ids; empty: no longer.
    """

    playRequested = Signal()
    pointerMoved = Signal(object)
    drawingChanged = Signal(bool)
    drawLockChanged = Signal(bool)
    menuRequested = Signal(str, object, QPoint)
    boxActivated = Signal(object)
    gestureChanged = Signal(object)

    def __init__(
        self,
        session: Session,
        parent: QWidget | None = None,
        variant_filter: Callable[[Variant], bool] | None = None,
    ) -> None:
        super().__init__(session, parent, variant_filter)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._was_drawing = self._was_draw_locked = False
        self._pointer: QPointF | None = None
        loupe = Loupe(self, self._image_item, self._captions)
        self.feedback = GestureFeedback(
            self, self, self.scene(), session, self.boxes.builder, self._large_captions, loupe
        )
        self.proposed_fix = ProposedFix(self.scene(), self._large_captions)
        self.proposed_fix.on_shown = self._keep_fix_free
        self.ghosts = GhostBoxes(self.scene())
        self.leave_review: Callable[[], bool] = _nothing
        self.undo_decision: Callable[[], bool] = _nothing
        self.mark_unclear_here: Callable[[], bool] = _nothing
        self.commands = BoxCommands(session, self)
        self.tools = ToolSwitcher(self)
        session.frameChanged.connect(self._on_session_frame_changed)
        accessible.install()
        session.selectionChanged.connect(partial(accessible.announce_selection, self))

    @property
    def dragged_refs(self) -> frozenset[BoxRef]:
        """Boxes that the current gesture moves or draws."""
        return self.tools.dragged_refs

    @property
    def is_editable(self) -> bool:
        """Whether boxes can be edited: the image is that of the current frame, and boxes are shown."""
        return self._shown_frame >= 0 and self._shown_frame == self.session.current_frame and not self._boxes_hidden

    def _on_view_state_changed(self) -> None:
        if self.session.view_state.is_picture_only != self._boxes_hidden:
            self.tools.cancel()
        super()._on_view_state_changed()
        self._update_loupe()

    def _update_loupe(self) -> None:
        """Show the loupe while its key is held: at the edge under the mouse, else at the mouse."""
        if self.tools.is_busy:
            return
        point, target = self._pointer, self.hovered_target
        if not self.session.view_state.is_loupe_held or point is None:
            self.feedback.loupe.hide()
            return
        mouse = self.from_image(point.x(), point.y())
        box = self.boxes.view.find(target.ref) if target.edges is not Edges.ALL else None
        self.feedback.loupe.show_point(point if box is None else point_on_edge(box.rect, target.edges, point), mouse)

    # For tools and commands

    def hovered_box(self) -> int | None:
        """Id of the ground-truth box under the mouse, None without one."""
        ref = self.hovered_target.clicked
        return ref.row if ref is not None and ref.is_ground_truth else None

    def pointer(self) -> QPointF | None:
        """Position of the mouse or the crosshair, image pixels; None while the mouse is outside."""
        return self._pointer

    def set_pointer(self, point: QPointF) -> None:
        """Move the pointer (image pixels) without the mouse."""
        self._pointer = point
        self._update_guides()

    def set_cursor(self, shape: Qt.CursorShape) -> None:
        """Set the mouse cursor over the image."""
        viewport = self.viewport()
        if viewport.cursor().shape() != shape:
            viewport.setCursor(shape)

    def set_hovered(self, target: Target) -> None:
        """Show what lies under the mouse: the details of the box that a click would select, or of the edge's box."""
        if target != self.hovered_target:
            self.hovered_target = target
            self._show_emphasis()

    def activate(self, ref: BoxRef) -> None:
        """Announce that a box was double-clicked."""
        self.boxActivated.emit(ref)

    def gesture_changed(self) -> None:
        """Update handles and captions after a gesture began or ended."""
        dragged = self.tools.dragged_refs
        if dragged:
            self._overlays.hint.clear()
        else:
            self.feedback.end()
        self._show_emphasis()
        self.set_single_update_region(len(dragged) == 1)
        self.gestureChanged.emit(frozenset(ref.row for ref in dragged))
        self._announce_tool()
        if self._pointer is not None:
            self.tools.update_cursor(self._pointer)

    def _update_guides(self) -> None:
        self.feedback.show_guides(self._pointer if self.tools.is_drawing else None)

    def _announce_tool(self) -> None:
        self._update_guides()
        if self.tools.is_drawing != self._was_drawing:
            self._was_drawing = self.tools.is_drawing
            self.drawingChanged.emit(self._was_drawing)
        if self.tools.is_draw_locked != self._was_draw_locked:
            self._was_draw_locked = self.tools.is_draw_locked
            self.drawLockChanged.emit(self._was_draw_locked)

    def set_drawn_class(self, class_id: int) -> bool:
        """Set the class of the box in progress; False if no box is being drawn."""
        return self.tools.set_drawn_class(class_id)

    # Commands of the window

    def start_drawing(self, *, is_region: bool = False) -> None:
        """The next press, click or Enter puts the first corner of a new box; called again, that of each further box.

        It works before the frame is on screen, too: the press comes later.
        """
        if self.session.frame_count:
            self.tools.draw(is_region=is_region)
            self._announce_tool()
            self.setFocus()

    def draw_at(self, point: QPointF) -> None:
        """Start a new box with its first corner at this point of the image."""
        if self.is_editable:
            self.tools.cancel()
            self.start_drawing()
            self.set_pointer(point)
            self.tools.key(Qt.Key.Key_Return)

    def confirm(self) -> bool:
        """Put the next corner of the box in progress at the crosshair; False if no box is being drawn."""
        return self.tools.key(Qt.Key.Key_Return)

    def cancel(self) -> bool:
        """Cancel the gesture, else leave the review, else clear the selection; returns whether there was any."""
        if self.proposed_fix.cancel() or self.tools.cancel() or self.leave_review():
            return True
        was_selected = bool(self.selection.refs())
        self.session.select()
        return was_selected

    def nudge(self, dx: float, dy: float) -> None:
        """Move by image pixels the crosshair while a box is drawn, else a proposed fix, else the selected boxes."""
        if not self.tools.nudge(dx, dy) and not self.proposed_fix.nudge(dx, dy):
            self.commands.nudge(dx, dy)

    def tooltip_at(self, point: QPointF) -> str:
        """Text about the box at this point of the image; empty if there is none."""
        ref = self.boxes.target_at(point).clicked
        if ref is None or self.tools.is_busy or self._shown_frame < 0:
            return ""
        return describe(self.session, ref, self._shown_frame, self.boxes.builder.last_reviews)

    # Changes of the session

    def _on_session_source_changed(self) -> None:
        self.tools.drop_press()
        super()._on_session_source_changed()

    def _on_session_changed(self, change: Change) -> None:
        if change.origin == "cancel":
            self.tools.abandon()
        super()._on_session_changed(change)

    def _on_session_frame_changed(self, _frame: int) -> None:
        self.tools.drop_press()

    # Mouse and keyboard

    def _pointer_event(self, event: QMouseEvent) -> PointerEvent:
        position = event.position()
        return PointerEvent(position.toPoint(), self.to_image(position), event.button(), event.modifiers())

    def _place_hint(self) -> None:
        super()._place_hint()
        frame = -1 if self._boxes_hidden or self.session.view_state.is_blind else self._shown_frame
        self.proposed_fix.place(frame, self.px, self.image_rect)
        self._keep_fix_free()

    def _keep_fix_free(self) -> None:
        """Let the captions of boxes give way to that of the proposed fix."""
        self.boxes.keep_free(self.proposed_fix.caption_place)

    def _truth_gap(self, point: QPointF) -> float:
        """Distance of the ground-truth edge that a press would take, image pixels; infinite without one."""
        target = self.boxes.target_at(point)
        rect = self.boxes.find_rect(target.ref) if target.ref is not None and target.edges is not Edges.ALL else None
        if rect is None or not target.edges:
            return inf
        box = (rect.left(), rect.top(), rect.right(), rect.bottom())
        edges, gap = edge_at(box, point.x(), point.y(), EDGE_REACH * self.px)
        return gap if edges else inf

    def mousePressEvent(self, event: QMouseEvent) -> None:
        pressed = self._pointer_event(event)
        is_busy = self.tools.is_busy or self.tools.is_drawing or self.tools.pan.is_held
        if is_busy or not self.proposed_fix.press(pressed, self._truth_gap(pressed.point)):
            self.tools.press(pressed)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        moved = self._pointer_event(event)
        self._pointer = moved.point
        if not self.proposed_fix.move(moved):
            self.tools.move(moved)
            self._show_fix_cursor(moved.point)
        self._update_loupe()
        self._update_guides()
        self.pointerMoved.emit(self._pointer)

    def _show_fix_cursor(self, point: QPointF) -> None:
        if self.proposed_fix.is_shown and not self.tools.is_busy and not self.tools.is_drawing:
            cursor = self.proposed_fix.cursor_at(point, self._truth_gap(point))
            if cursor is not None:
                self.set_cursor(cursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        released = self._pointer_event(event)
        if self.proposed_fix.is_pressed:
            click = self.proposed_fix.release()
            if click is None:
                return
            self.tools.press(click)
        self.tools.release(released)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.tools.double_click(self._pointer_event(event))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._pointer = None
        self.set_hovered(NO_TARGET)
        self._update_loupe()
        self._update_guides()
        self.pointerMoved.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space pans while it is held, Esc cancels, Enter confirms; all other keys belong to the window."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.tools.pan.hold()
        elif _is_menu_key(event):
            self._request_menu_of_selection()
        elif event.key() == Qt.Key.Key_Escape:
            event.setAccepted(self.cancel())
        else:
            event.setAccepted(self.tools.key(event.key()))

    # Context menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Select what lies under the mouse and ask for its menu; keys are handled by ``keyPressEvent``."""
        event.accept()
        if event.reason() != QContextMenuEvent.Reason.Mouse or self.tools.is_busy:
            return
        self._pointer = self.to_image(QPointF(event.pos()))
        ref = self.boxes.target_at(self._pointer).clicked if self.is_editable else None
        if ref is not None and ref not in self.selection.refs():
            self.selection.select(ref)
        self._request_menu(ref, event.globalPos())

    def _request_menu_of_selection(self) -> None:
        """Ask for the menu of the selected box, else for that of empty space."""
        ref = next(iter(sorted(self.selection.refs())), None)
        rect = None if ref is None else self.boxes.find_rect(ref)
        centre = self.visible_centre() if rect is None else rect.center()
        at = self.viewport().mapToGlobal(self.from_image(centre.x(), centre.y()))
        self._request_menu(ref if rect is not None else None, at)

    def _request_menu(self, ref: BoxRef | None, at: QPoint) -> None:
        kind = "empty" if ref is None else "box" if ref.is_ground_truth else "prediction"
        self.menuRequested.emit(kind, ref, at)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            event.ignore()
        elif not event.isAutoRepeat() and self.tools.pan.release_hold():
            self.playRequested.emit()

    def event(self, event: QEvent) -> bool:
        # While a box is drawn, Enter and Esc go to the canvas, whatever the window binds them to.
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and self.tools.is_drawing
            and event.key() in _DRAWING_KEYS
        ):
            event.accept()
            return True
        return super().event(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.tooltip_at(self.to_image(QPointF(event.pos())))
            QToolTip.showText(event.globalPos(), text, self.viewport())
            return True
        return super().viewportEvent(event)

    # Other events of Qt

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._overlays.focus_lines.set_shown(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._overlays.focus_lines.set_shown(False)
        self.tools.pan.release_hold()
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.tools.cancel()


def _is_menu_key(event: QKeyEvent) -> bool:
    is_shift_f10 = event.key() == Qt.Key.Key_F10 and event.modifiers() == Qt.KeyboardModifier.ShiftModifier
    return is_shift_f10 or event.key() == Qt.Key.Key_Menu
