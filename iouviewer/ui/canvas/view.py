"""The canvas: the image of a frame with all its boxes, and the tools that edit them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Edges
from iouviewer.document.edits import Aspect, Change
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.ui.canvas.box_commands import BoxCommands
from iouviewer.ui.canvas.box_layer import BoxLayer
from iouviewer.ui.canvas.captions import Caption, CaptionCache
from iouviewer.ui.canvas.explain import describe
from iouviewer.ui.canvas.frame_status import PREVIEW, image_size, placeholder_image
from iouviewer.ui.canvas.frame_view import FrameView
from iouviewer.ui.canvas.frame_view_builder import VariantReview
from iouviewer.ui.canvas.gesture_feedback import GestureFeedback
from iouviewer.ui.canvas.hit import NO_TARGET, BoxRef, Target, truth_ref
from iouviewer.ui.canvas.image_item import ImageItem
from iouviewer.ui.canvas.loupe import Loupe, point_on_edge
from iouviewer.ui.canvas.overlays import CanvasOverlays
from iouviewer.ui.canvas.selection import CanvasSelection
from iouviewer.ui.canvas.tools.tool import PointerEvent
from iouviewer.ui.canvas.tools.tool_switcher import ToolSwitcher
from iouviewer.ui.canvas.viewport import ZoomView
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import Theme

_SHOWN_BY_ALL_BOXES = Aspect.CLASS_NAMES | Aspect.DECISIONS
"""Aspects of the document that change how every box looks."""

_DRAWING_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)


class CanvasView(ZoomView):
    """Shows one frame and edits its boxes; all boxes come from the session.

    Attributes:
        commands: commands on boxes and tracks, for keys and menus.
        tools: handle the mouse and the keyboard.
        boxes: draws the boxes and finds them.
        selection: the selected boxes.
        feedback: shows the effect of the current gesture.
        hovered_target: what lies under the mouse, which is what a press would take.

    Signals:
        frameShown(int): the image and the boxes of this frame are on screen (-1: a preview).
        playRequested(): Space was pressed and released without panning.
        pointerMoved(object): the mouse is at this QPointF, image pixels; None: it has left.
        drawingChanged(bool): the draw tool is in use from now on, or no longer.
        drawLockChanged(bool): the draw tool stays in use after a box is drawn, or no longer.
        menuRequested(str, object, QPoint): a context menu is wanted for a ``box``, a ``prediction`` or ``empty`` space:
            the kind, the BoxRef (None for empty space), and where on the screen.
        boxActivated(BoxRef): a ground-truth box was double-clicked.
        gestureChanged(frozenset[int]): the mouse changes the boxes with these ids; empty: no longer.
    """

    frameShown = Signal(int)
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
        super().__init__(parent)
        self.session = session
        self.setObjectName("canvas")
        self.setAccessibleName(tr("Canvas"))
        self.setAccessibleDescription(tr("The current frame with its ground truth and predictions"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._shown_frame = -1
        self._was_drawing = self._was_draw_locked = False
        self._boxes_hidden = False
        self._is_following_track = False
        self.hovered_target = NO_TARGET
        self._pointer: QPointF | None = None
        self._is_stale = False
        self._source = ("", "")
        self._theme: Theme | None = None
        self._captions = CaptionCache(font("canvas_label"))
        self._image_item = ImageItem()
        self.scene().addItem(self._image_item)
        self.selection = CanvasSelection(session)
        self.boxes = BoxLayer(self.scene(), session, self.selection, self._captions, variant_filter)
        self.commands = BoxCommands(session, self)
        self._add_overlays()
        self.tools = ToolSwitcher(self)
        self._connect()
        self._use_scheme()

    def _add_overlays(self) -> None:
        large_captions = CaptionCache(font("strong"))
        loupe = Loupe(self, self._image_item, self._captions)
        self.feedback = GestureFeedback(
            self, self, self.scene(), self.session, self.boxes.builder, large_captions, loupe
        )
        self._overlays = CanvasOverlays(self, self.session, large_captions)

    def _connect(self) -> None:
        session = self.session
        session.sourceChanged.connect(self._on_session_source_changed)
        session.changed.connect(self._on_session_changed)
        session.frameChanged.connect(self._on_session_frame_changed)
        session.selectionChanged.connect(self._show_emphasis)
        session.view_state.viewStateChanged.connect(self._on_view_state_changed)
        session.scoresChanged.connect(self.refresh)
        session.variants.listChanged.connect(self.refresh)
        session.variants.variantChanged.connect(self.refresh)
        self.zoomChanged.connect(self._on_zoom_changed)
        self.viewMoved.connect(self._on_view_moved)

    # Contents

    @property
    def shown_frame(self) -> int:
        """The frame whose image and boxes are on screen; -1 for none, or for a preview."""
        return self._shown_frame

    @property
    def is_editable(self) -> bool:
        """Whether boxes can be edited: the image is that of the current frame, and boxes are shown."""
        return self._shown_frame >= 0 and self._shown_frame == self.session.current_frame and not self._boxes_hidden

    @property
    def frame_view(self) -> FrameView:
        """The drawn boxes of the shown frame."""
        return self.boxes.view

    @property
    def status_text(self) -> str:
        """The caption about the frame: a preview, damage or a missing image; empty if there is nothing to say."""
        return self._overlays.status.text

    def shown_image(self) -> QImage:
        """The image on screen without boxes, or a reduced copy of it; null without one."""
        return self._image_item.image

    def show_image(
        self, image: QImage, frame: int, *, exact: bool = True, scale: float = 1.0, status: Caption | None = None
    ) -> None:
        """Show an image and, in the same paint, the boxes of its frame.

        Args:
            image: the image, or a reduced copy of it.
            frame: its number; -1 if it is not known yet.
            exact: False for a preview until the requested image is there: it carries no boxes.
            scale: width of ``image`` / width of the full image.
            status: caption about the frame; previews have one by default.
        """
        width, height = image_size(self.session.source, frame, image, scale)
        self.set_image_size(width, height)
        self._image_item.set_image(image, width, height)
        self.boxes.set_bounds(self.sceneRect())
        self._update_visible_part()
        self._shown_frame = frame if exact else -1
        self._overlays.status.show_caption(status or (None if exact else PREVIEW))
        self._overlays.empty_hint.hide()
        self.hovered_target = NO_TARGET
        self.refresh()
        if exact:
            self._follow_track()
        self.frameShown.emit(self._shown_frame)

    def show_missing_frame(self, frame: int, status: Caption) -> None:
        """Show that this frame has no image; its boxes are drawn on a plain one."""
        image, scale = placeholder_image(self.session.source, frame)
        self.show_image(image, frame, scale=scale, status=status)

    def clear_image(self) -> None:
        """Show that no video is open."""
        self._image_item.set_image(QImage(), 0, 0)
        self._shown_frame = -1
        self._overlays.status.show_caption(None)
        self._overlays.empty_hint.show()
        self.refresh()

    def set_status(self, status: Caption | None) -> None:
        """Show this caption about the frame, or none."""
        self._overlays.status.show_caption(status)

    def refresh(self, _what: object = None) -> None:
        """Rebuild the boxes of the shown frame; only differences are repainted."""
        if not self.isVisible() and self.testAttribute(Qt.WidgetAttribute.WA_WState_Created):
            self._is_stale = True
            return
        self._is_stale = False
        frame = -1 if self._boxes_hidden else self._shown_frame
        self.boxes.show_frame(frame, is_dragging=bool(self.tools.dragged_refs))
        self._overlays.show_badge(self._shown_frame)
        self._show_emphasis()

    def _show_emphasis(self) -> None:
        """Draw the selected, hovered and dragged boxes with emphasis."""
        self.boxes.emphasise(self.tools.dragged_refs, self.hovered_target)
        self._place_hint()

    def _place_hint(self) -> None:
        self._overlays.hint.place(-1 if self._boxes_hidden else self._shown_frame, self)

    # Display options

    def set_own_captions(self, captions: Mapping[BoxRef, Caption]) -> None:
        """Show these captions at selected and hovered boxes instead of the usual ones."""
        self.boxes.set_own_captions(captions)
        self._show_emphasis()

    def set_shown_variants(self, keys: Iterable[str] | None) -> None:
        """Show these variants only (of those that are visible); None: all visible ones."""
        self.boxes.set_shown_variants(keys)
        self.refresh()

    def _on_view_state_changed(self) -> None:
        state = self.session.view_state
        if state.is_picture_only != self._boxes_hidden:
            self.tools.cancel()
            self._boxes_hidden = state.is_picture_only
        if state.is_following != self._is_following_track:
            self._is_following_track = state.is_following
            self._follow_track(zoom=True)
        self.refresh()
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

    def _follow_track(self, *, zoom: bool = False) -> None:
        """Move the camera to the box of the selected track; with ``zoom`` from the whole image to the box."""
        if not self._is_following_track or not self.isVisible():
            return
        boxes = sorted(self.session.selection.boxes)
        rect = self.boxes.find_rect(truth_ref(boxes[0])) if len(boxes) == 1 else None
        if rect is None:
            return
        if zoom and self.is_fitted:
            self.zoom_to(rect)
        self.centre_on(rect.center())

    def set_smooth_scaling(self, smooth: bool) -> None:
        """Scale smoothly, or show each image pixel as a square."""
        self._image_item.set_smooth(smooth)

    def set_levels(self, brightness: float, contrast: float) -> None:
        """Brightness -1..1 and contrast 0..4 of the image on screen; 0 and 1 leave it unchanged."""
        self._image_item.set_levels(brightness, contrast)

    def reveal(self, ref: BoxRef) -> None:
        """Scroll until this box of the shown frame is visible."""
        rect = self.boxes.find_rect(ref)
        if rect is not None:
            self.ensure_rect_visible(rect)

    def reveal_selection(self) -> None:
        """Scroll to the first selected box of the shown frame, if the image is zoomed."""
        if not self.is_fitted:
            for ref in sorted(self.selection.refs())[:1]:
                self.reveal(ref)

    # For tools and commands

    def reviews(self, frame: int) -> list[VariantReview]:
        """Pairs of the shown variants on a frame, those of the baseline first."""
        return self.boxes.builder.reviews(frame)

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

    def start_drawing(self) -> None:
        """The next press, click or Enter puts the first corner of a new box; called again, that of each further box.

        It works before the frame is on screen, too: the press comes later.
        """
        if self.session.frame_count:
            self.tools.draw()
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
        """Cancel the gesture, else clear the selection; returns whether there was either."""
        if self.tools.cancel():
            return True
        was_selected = bool(self.selection.refs())
        self.session.select()
        return was_selected

    def nudge(self, dx: float, dy: float) -> None:
        """Move the crosshair while a box is drawn, else the selected boxes, by (dx, dy) image pixels."""
        if not self.tools.nudge(dx, dy):
            self.commands.nudge(dx, dy)

    def show_hint(self, box_id: int, edges: Edges, text: str) -> None:
        """Show a text beside a handle of a box until the first gesture."""
        self._overlays.hint.show(box_id, edges, text)
        self._place_hint()

    def tooltip_at(self, point: QPointF) -> str:
        """Text about the box at this point of the image; empty if there is none."""
        ref = self.boxes.target_at(point).clicked
        if ref is None or self.tools.is_busy or self._shown_frame < 0:
            return ""
        return describe(self.session, ref, self._shown_frame, self.boxes.builder.last_reviews)

    # Changes of the session

    def _on_session_source_changed(self) -> None:
        self.tools.drop_press()
        source = self.session.source
        previous, self._source = self._source, (source.path, source.fingerprint)
        if previous != self._source or not source.frame_count:
            self.clear_image()
        else:
            # The index of the same file has grown: keep the image and show its boxes once its number is known.
            self._shown_frame = -1
            self.refresh()

    def _on_session_changed(self, change: Change) -> None:
        if change.origin == "cancel":
            self.tools.abandon()
        if self._shown_frame in change.frames or not change.frames or change.aspects & _SHOWN_BY_ALL_BOXES:
            self.refresh()

    def _on_session_frame_changed(self, _frame: int) -> None:
        self.tools.drop_press()

    def _on_zoom_changed(self, _zoom: float) -> None:
        self._update_visible_part()
        self._show_emphasis()

    def _on_view_moved(self) -> None:
        self._update_visible_part()
        self._place_hint()

    def _update_visible_part(self) -> None:
        shown = self.viewport().rect()
        part = QRectF(self.to_image(QPointF(shown.topLeft())), self.to_image(QPointF(shown.bottomRight())))
        self.boxes.set_visible_part(self.px, part)

    # Mouse and keyboard

    def _pointer_event(self, event: QMouseEvent) -> PointerEvent:
        position = event.position()
        return PointerEvent(position.toPoint(), self.to_image(position), event.button(), event.modifiers())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.tools.press(self._pointer_event(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        moved = self._pointer_event(event)
        self._pointer = moved.point
        self.tools.move(moved)
        self._update_loupe()
        self._update_guides()
        self.pointerMoved.emit(self._pointer)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.tools.release(self._pointer_event(event))

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

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._overlays.arrange(self.rect())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and hasattr(self, "_overlays"):
            self._use_scheme()

    def _use_scheme(self) -> None:
        theme = scheme_theme()
        if theme == self._theme:
            return
        self._theme = theme
        self.setBackgroundBrush(QColor(theme.colours.surround))
        self._overlays.use_theme(theme)


def _is_menu_key(event: QKeyEvent) -> bool:
    is_shift_f10 = event.key() == Qt.Key.Key_F10 and event.modifiers() == Qt.KeyboardModifier.ShiftModifier
    return is_shift_f10 or event.key() == Qt.Key.Key_Menu
