"""The canvas: the picture of a frame with all its boxes, and the hands that edit them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QImage, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QGraphicsRectItem, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Rect
from iouviewer.document.edits import Aspect, Change
from iouviewer.document.variants import Variant
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.canvas.box_commands import TrackCommands
from iouviewer.ui.canvas.box_lines import pen_of
from iouviewer.ui.canvas.boxes_item import BoxesItem
from iouviewer.ui.canvas.frame_view import FrameView, LabelMode
from iouviewer.ui.canvas.hit import Ref
from iouviewer.ui.canvas.input import InputCanvas
from iouviewer.ui.canvas.labels import Label, LabelCache, Segment
from iouviewer.ui.canvas.marks import empty_ground, own_size
from iouviewer.ui.canvas.mouse import MouseTool
from iouviewer.ui.canvas.overlays import Crosshair, EmptyHint, FocusLines, Plate
from iouviewer.ui.canvas.picture_item import PictureItem
from iouviewer.ui.canvas.review_view import ReviewView
from iouviewer.ui.canvas.selection_item import SelectionItem
from iouviewer.ui.palette import PLATE_MUTED, PLATE_TEXT, scheme_theme
from iouviewer.ui.theme import Theme

_EVERYWHERE = Aspect.CLASS_NAMES | Aspect.DECISIONS
"""Aspects of the document that all boxes show."""

_PREVIEW = Label(((Segment("Preview  ", PLATE_TEXT), Segment("the exact frame follows", PLATE_MUTED)),))


class CanvasView(TrackCommands, InputCanvas):
    """Shows one frame and edits its boxes; all it knows of boxes comes from the session.

    Signals:
        pictureShown(int): the picture and the boxes of this frame are on screen (-1: a preview).
        playRequested(), pointerMoved(object): see InputCanvas.
    """

    pictureShown = Signal(int)

    def __init__(
        self,
        session: Session,
        parent: QWidget | None = None,
        variant_filter: Callable[[Variant], bool] | None = None,
    ) -> None:
        super().__init__(parent)
        self.session = session
        self.review_view = ReviewView(session, variant_filter)
        self.last_class = UNSPECIFIED_CLASS
        self.setObjectName("canvas")
        self.setAccessibleName("Canvas")
        self.setAccessibleDescription("The picture of the current frame with its ground truth and predictions")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._frame_view = FrameView()
        self._theme: Theme | None = None
        self._hovered: Ref | None = None
        self._stale = False
        self._source = ("", "")
        self._add_items()
        self._add_overlays()
        self.tool = MouseTool(self)
        self._connect()
        self._use_scheme()

    def _add_items(self) -> None:
        self._labels = LabelCache(self.font())
        self._picture_item = PictureItem()
        self._boxes_item = BoxesItem(self._labels)
        self._selection_item = SelectionItem()
        self._band_item = QGraphicsRectItem()
        self._band_item.setPen(pen_of("#ffffff", "dash", 1.0))
        self._band_item.setBrush(QColor(255, 255, 255, 28))
        self._band_item.setZValue(3)
        self._band_item.hide()
        for item in (self._picture_item, self._boxes_item, self._selection_item, self._band_item):
            self.scene().addItem(item)

    def _add_overlays(self) -> None:
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.15)
        self._drag_plate = Plate(self, LabelCache(font), "canvasDragLabel")
        self._preview_mark = Plate(self, self._labels, "canvasPreviewMark")
        self._hint_plate = Plate(self, self._drag_plate.cache, "canvasHint")
        self._empty_hint = EmptyHint(self)
        self._crosshair = Crosshair(self)
        self._focus_lines = FocusLines(self)

    def _connect(self) -> None:
        session = self.session
        session.sourceChanged.connect(self._on_session_source_changed)
        session.changed.connect(self._on_session_changed)
        session.frameChanged.connect(self._on_session_frame_changed)
        session.selectionChanged.connect(self._on_session_selection_changed)
        session.scoresChanged.connect(self.refresh)
        session.variants.listChanged.connect(self.refresh)
        session.variants.variantChanged.connect(self.refresh)
        self.zoomChanged.connect(self._on_zoom_changed)
        self.viewMoved.connect(self.place_hint)

    # What is shown

    @property
    def shown_frame(self) -> int:
        """The frame whose picture and boxes are on screen; -1 for none, or a preview of another one."""
        return self._shown_frame

    @property
    def frame_view(self) -> FrameView:
        """What is drawn of the shown frame."""
        return self._frame_view

    def picture_image(self) -> QImage:
        """The picture on screen without boxes, or a reduced copy of it; null without one."""
        return self._picture_item.image

    @property
    def label_texts(self) -> dict[Ref, str]:
        """What the labels on screen say, by box."""
        return self._boxes_item.label_texts

    @property
    def handle_count(self) -> int:
        """How many handles are shown."""
        return self._selection_item.handle_count

    def show_picture(
        self, image: QImage, frame: int, *, exact: bool = True, scale: float = 1.0, mark: Label | None = None
    ) -> None:
        """Show a picture and, in the same paint, the boxes of its frame.

        Args:
            image: the picture, or a reduced copy of it.
            frame: its number; -1 where it is not known yet.
            exact: False for a stand-in until the picture that was asked for is there: it carries no boxes.
            scale: width of the image / width of the picture.
            mark: what to say on the picture; a word on previews by default.
        """
        width, height = own_size(self.session.source, image, scale)
        self.set_picture_size(width, height)
        self._picture_item.set_image(image, width, height)
        self._boxes_item.set_picture(width, height, self.sceneRect())
        self._boxes_item.set_px(self.px)
        self._shown_frame = frame if exact else -1
        self._preview_mark.show_label(mark or (None if exact else _PREVIEW))
        self._empty_hint.hide()
        self._hovered = None
        self.refresh()
        self.pictureShown.emit(self._shown_frame)

    @property
    def mark_text(self) -> str:
        """What is said on the picture: a preview, damage, no picture at all; empty where all is well."""
        return self._preview_mark.text

    def set_mark(self, mark: Label | None) -> None:
        """Say this on the picture that is shown, or nothing."""
        self._preview_mark.show_label(mark)

    def show_missing(self, frame: int, mark: Label) -> None:
        """Show that this frame has no picture; its boxes stand on an empty ground."""
        ground, scale = empty_ground(self.session.source)
        self.show_picture(ground, frame, scale=scale, mark=mark)

    def clear_picture(self) -> None:
        """Show that no video is open."""
        self._picture_item.set_image(QImage(), 0, 0)
        self._shown_frame = -1
        self._preview_mark.show_label(None)
        self._empty_hint.show()
        self.refresh()

    def refresh(self, _what: object = None) -> None:
        """Build the boxes of the shown frame anew; only what differs is painted."""
        if not self.isVisible() and self.testAttribute(Qt.WidgetAttribute.WA_WState_Created):
            self._stale = True
            return
        self._stale = False
        shown = self._shown_frame if not self._hidden else -1
        self._frame_view = self.review_view.build(shown)
        self._boxes_item.show_view(self._frame_view)
        self.show_emphasis()

    def show_emphasis(self) -> None:
        """Draw what is selected, hovered and dragged."""
        selected = self.selected_refs()
        dragged = self.tool.dragged_refs()
        hovered = frozenset(() if self._hovered is None or dragged else (self._hovered,))
        labels = ((ref, self.review_view.detail(ref)) for ref in sorted((selected | hovered) - dragged))
        details = {ref: label for ref, label in labels if label is not None and ref in self._frame_view.places}
        self._boxes_item.emphasise(details, selected | dragged)
        self.place_hint()
        found = [self._frame_view.find(ref) for ref in sorted(selected | dragged)]
        boxes = [box for box in found if box is not None]
        editable = boxes[0].rect if len(boxes) == 1 and boxes[0].ref.is_ground_truth and not dragged else None
        self._selection_item.show_selection(tuple((box.rect, box.colour) for box in boxes), editable, self.px)

    def hittable(self) -> list[tuple[Ref, Rect]]:
        """Boxes that the mouse can hit."""
        return self._frame_view.hittable()

    # Ways of showing

    def set_shown_variants(self, keys: Iterable[str] | None) -> None:
        """Show these variants only (of those that are visible); None: all visible ones."""
        self.review_view.keys = None if keys is None else frozenset(keys)
        self.refresh()

    def set_blind(self, blind: bool) -> None:
        """Blind mode: no predictions and no scores on the picture."""
        self.review_view.blind = blind
        self.refresh()

    def set_boxes_hidden(self, hidden: bool) -> None:
        """Hide all boxes (while a key is held)."""
        if hidden != self._hidden:
            self.tool.cancel()
            self._hidden = hidden
            self.refresh()

    def set_all_labels(self, all_labels: bool) -> None:
        """Labels on all boxes (while a key is held)."""
        self._boxes_item.set_all_labels(all_labels)

    def set_label_mode(self, mode: LabelMode) -> None:
        """When boxes that are neither hovered nor selected carry labels."""
        self._boxes_item.set_label_mode(mode)

    def set_smooth_scaling(self, smooth: bool) -> None:
        """Smooth scaling, or each picture pixel as a sharp square."""
        self._picture_item.set_smooth(smooth)

    def set_levels(self, brightness: float, contrast: float) -> None:
        """Brightness -1..1 and contrast 0..4 of the picture on screen; 0 and 1 leave it as it is."""
        self._picture_item.set_levels(brightness, contrast)

    def set_hovered(self, ref: Ref | None) -> None:
        """Show the details of this box."""
        if ref != self._hovered:
            self._hovered = ref
            self.show_emphasis()

    def reveal(self, ref: Ref) -> None:
        """Bring a box of the shown frame into sight."""
        box = self._frame_view.find(ref)
        if box is not None:
            x1, y1, x2, y2 = box.rect
            self.show_rect(QRectF(x1, y1, x2 - x1, y2 - y1))

    def reveal_selection(self) -> None:
        """Bring the first selected box of the shown frame into sight, if the picture is zoomed."""
        if not self.is_fitted:
            for ref in sorted(self.selected_refs())[:1]:
                self.reveal(ref)

    def show_band(self, rect: Rect | None) -> None:
        """The rubber band; None: none."""
        self._band_item.setVisible(rect is not None)
        if rect is not None:
            self._band_item.setRect(QRectF(QPointF(rect[0], rect[1]), QPointF(rect[2], rect[3])))

    # The session's news

    def _on_session_source_changed(self) -> None:
        self.tool.let_go()
        source = self.session.source
        known, self._source = self._source, (source.path, source.fingerprint)
        if known != self._source or not source.frame_count:
            self.clear_picture()
        else:
            # More is known of the same file: the picture stays, its boxes come back with its number.
            self._shown_frame = -1
            self.refresh()

    def _on_session_changed(self, change: Change) -> None:
        if change.origin == "cancel":
            self.tool.abandon()
        if self._shown_frame in change.frames or not change.frames or change.aspects & _EVERYWHERE:
            self.refresh()

    def _on_session_frame_changed(self, _frame: int) -> None:
        self.tool.let_go()

    def _on_session_selection_changed(self) -> None:
        self.show_emphasis()

    def _on_zoom_changed(self, _zoom: float) -> None:
        self._boxes_item.set_px(self.px)
        self.show_emphasis()

    # Qt's events

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._focus_lines.set_shown(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._focus_lines.set_shown(False)
        self.tool.space_held = False
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.tool.cancel()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._empty_hint.setGeometry(self.rect())
        self._focus_lines.surround(self.rect())
        self._preview_mark.move(12, 12)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and hasattr(self, "_empty_hint"):
            self._use_scheme()

    def _use_scheme(self) -> None:
        theme = scheme_theme()
        if theme == self._theme:
            return
        self._theme = theme
        self.setBackgroundBrush(QColor(theme.surround))
        self._empty_hint.use_theme(theme)
        self._focus_lines.use_colour(theme.accent)
