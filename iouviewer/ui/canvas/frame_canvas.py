"""The part of the canvas that shows: the image of a frame with its boxes, captions and badge. It edits nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Edges
from iouviewer.document.edits import Aspect, Change
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.project.partial_load import FrameBoxes
from iouviewer.ui.canvas.box_layer import BoxLayer
from iouviewer.ui.canvas.captions import Caption, CaptionCache
from iouviewer.ui.canvas.frame_status import PREVIEW, image_size, placeholder_image
from iouviewer.ui.canvas.frame_view import FrameView
from iouviewer.ui.canvas.frame_view_builder import VariantReview
from iouviewer.ui.canvas.hit import NO_TARGET, BoxRef, truth_ref
from iouviewer.ui.canvas.image_item import ImageItem
from iouviewer.ui.canvas.overlays import CanvasOverlays
from iouviewer.ui.canvas.selection import CanvasSelection
from iouviewer.ui.canvas.viewport import ZoomView
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import Theme

_SHOWN_BY_ALL_BOXES = Aspect.CLASS_NAMES | Aspect.DECISIONS
"""Aspects of the document that change how every box looks."""


class FrameCanvas(ZoomView):
    """Shows one frame and its boxes; all boxes come from the session.

    Attributes:
        boxes: draws the boxes and finds them.
        selection: the selected boxes.
        hovered_target: what lies under the mouse, which is what a press would take.

    Signals:
        frameShown(int): the image and the boxes of this frame are on screen (-1: a preview).
    """

    frameShown = Signal(int)

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
        self._shown_frame = -1
        self._boxes_hidden = False
        self._is_following_track = False
        self.hovered_target = NO_TARGET
        self._is_stale = False
        self._source = ("", "")
        self._theme: Theme | None = None
        self._captions = CaptionCache(font("canvas_label"))
        self._large_captions = CaptionCache(font("strong"))
        self._image_item = ImageItem()
        self.scene().addItem(self._image_item)
        self.selection = CanvasSelection(session)
        self.boxes = BoxLayer(self.scene(), session, self.selection, self._captions, variant_filter)
        self._overlays = CanvasOverlays(self, session, self._large_captions)
        self._connect_session()
        self._use_scheme()

    def _connect_session(self) -> None:
        session = self.session
        session.sourceChanged.connect(self._on_session_source_changed)
        session.changed.connect(self._on_session_changed)
        session.selectionChanged.connect(self._on_selection_changed)
        session.view_state.viewStateChanged.connect(self._on_view_state_changed)
        session.scoresChanged.connect(self.refresh)
        session.variants.listChanged.connect(self.refresh)
        session.variants.variantChanged.connect(self.refresh)
        self.zoomChanged.connect(self._on_zoom_changed)
        self.viewMoved.connect(self._on_view_moved)

    @property
    def dragged_refs(self) -> frozenset[BoxRef]:
        """Boxes that a gesture moves or draws; none here."""
        return frozenset()

    # Contents

    @property
    def shown_frame(self) -> int:
        """The frame whose image and boxes are on screen; -1 for none, or for a preview."""
        return self._shown_frame

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
        if self._shown_frame >= 0:
            self.set_first_boxes(None)
        self._overlays.status.show_caption(status or (None if exact else PREVIEW))
        self.hovered_target = NO_TARGET
        self.refresh()
        if exact:
            self._follow_track()
        self.frameShown.emit(self._shown_frame)

    def set_first_boxes(self, first: FrameBoxes | None) -> None:
        """Draw these boxes, which cannot be edited, with the next image until a frame with a number is shown."""
        self.boxes.builder.first = first

    def show_missing_frame(self, frame: int, status: Caption) -> None:
        """Show that this frame has no image; its boxes are drawn on a plain one."""
        image, scale = placeholder_image(self.session.source, frame)
        self.show_image(image, frame, scale=scale, status=status)

    def clear_image(self) -> None:
        """Show that no video is open."""
        self.set_first_boxes(None)
        self._image_item.set_image(QImage(), 0, 0)
        self._shown_frame = -1
        self._overlays.status.show_caption(None)
        self.refresh()

    def set_status(self, status: Caption | None) -> None:
        """Show this caption about the frame, or none."""
        self._overlays.status.show_caption(status)

    def refresh(self, _what: object = None) -> None:
        """Rebuild the boxes of the shown frame; only differences are repainted."""
        if self._is_out_of_sight():
            self._is_stale = True
            return
        self._is_stale = False
        frame = -1 if self._boxes_hidden else self._shown_frame
        self.boxes.show_frame(frame, is_dragging=bool(self.dragged_refs))
        self._overlays.show_badge(self._shown_frame)
        self.boxes.keep_corner_free(*self._overlays.badge_corner)
        self._show_emphasis()

    def _is_out_of_sight(self) -> bool:
        """Whether this canvas was shown before, or its window is, but it is hidden: ``showEvent`` makes up for it."""
        was_shown = self.testAttribute(Qt.WidgetAttribute.WA_WState_Created)
        return not self.isVisible() and (was_shown or self.window().isVisible())

    def _show_emphasis(self) -> None:
        """Draw the selected, hovered and dragged boxes with emphasis."""
        self.boxes.emphasise(self.dragged_refs, self.hovered_target)
        self._place_hint()

    def _place_hint(self) -> None:
        self._overlays.hint.place(-1 if self._boxes_hidden else self._shown_frame, self)

    # Display options

    def set_own_captions(self, captions: Mapping[BoxRef, Caption]) -> None:
        """Show these captions at selected and hovered boxes instead of the usual ones."""
        self.boxes.set_own_captions(captions)
        self._show_emphasis()

    def set_shown_variants(self, keys: Iterable[str] | None, *, full_lines: bool = False) -> None:
        """Show these variants only (of those that are visible); None: all visible ones.

        Args:
            full_lines: predictions of matched pairs keep the full strength of their variant's line.
        """
        self.boxes.set_shown_variants(keys)
        self.boxes.builder.has_full_lines = full_lines
        self.refresh()

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

    def reviews(self, frame: int) -> list[VariantReview]:
        """Pairs of the shown variants on a frame, those of the baseline first."""
        return self.boxes.builder.reviews(frame)

    def show_hint(self, box_id: int, edges: Edges, text: str) -> None:
        """Show a text beside a handle of a box until the first gesture."""
        self._overlays.hint.show(box_id, edges, text)
        self._place_hint()

    def _on_view_state_changed(self) -> None:
        state = self.session.view_state
        self._boxes_hidden = state.is_picture_only
        if state.is_following != self._is_following_track:
            self._is_following_track = state.is_following
            self._follow_track(zoom=True)
        self.refresh()

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

    # Changes of the session

    def _on_session_source_changed(self) -> None:
        source = self.session.source
        previous, self._source = self._source, (source.path, source.fingerprint)
        first = self.boxes.builder.first
        if first is not None and source.frame_count and source.fingerprint == first.source.fingerprint:
            # All boxes of the file are there: keep the picture with those of its frame until it is shown again.
            return
        if previous != self._source or not source.frame_count:
            self.clear_image()
        else:
            # The index of the same file has grown: keep the image and show its boxes once its number is known.
            self._shown_frame = -1
            self.refresh()

    def _on_session_changed(self, change: Change) -> None:
        if self._shown_frame in change.frames or not change.frames or change.aspects & _SHOWN_BY_ALL_BOXES:
            self.refresh()

    def _on_selection_changed(self) -> None:
        # A step selects boxes of a frame whose image follows: until then the frame before stays as it is.
        if self._shown_frame in (-1, self.session.current_frame):
            self._show_emphasis()

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

    # Events of Qt

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
            QTimer.singleShot(0, self, self._use_scheme)

    def _use_scheme(self) -> None:
        theme = scheme_theme()
        if theme == self._theme:
            return
        self._theme = theme
        self.setBackgroundBrush(QColor(theme.colours.surround))
        self._overlays.use_theme(theme)
