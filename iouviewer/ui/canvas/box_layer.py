"""The boxes of the shown frame: draws them and finds those at a point."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QGraphicsScene

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Rect
from iouviewer.document.variants import Variant
from iouviewer.ui.canvas import hit
from iouviewer.ui.canvas.boxes_item import BoxesItem, PlacedCaption
from iouviewer.ui.canvas.captions import CaptionCache
from iouviewer.ui.canvas.frame_view import CaptionMode, FrameView
from iouviewer.ui.canvas.frame_view_builder import FrameViewBuilder
from iouviewer.ui.canvas.hit import BoxRef, Target
from iouviewer.ui.canvas.selection import CanvasSelection
from iouviewer.ui.canvas.selection_item import SelectionItem


class BoxLayer:
    """Draws the boxes of one frame in a scene whose units are image pixels, and finds boxes there.

    Attributes:
        builder: builds the drawn boxes from the session.
    """

    def __init__(
        self,
        scene: QGraphicsScene,
        session: Session,
        selection: CanvasSelection,
        captions: CaptionCache,
        variant_filter: Callable[[Variant], bool] | None,
    ) -> None:
        self.builder = FrameViewBuilder(session, variant_filter)
        self._view = FrameView()
        self._px = 1.0
        self._selection = selection
        self._boxes_item = BoxesItem(captions)
        self._selection_item = SelectionItem()
        scene.addItem(self._boxes_item)
        scene.addItem(self._selection_item)

    @property
    def view(self) -> FrameView:
        """The drawn boxes."""
        return self._view

    @property
    def captions(self) -> dict[BoxRef, PlacedCaption]:
        """The captions on screen by box."""
        return self._boxes_item.captions

    @property
    def caption_texts(self) -> dict[BoxRef, str]:
        """The text of the captions on screen by box, lines joined."""
        return {ref: placed.caption.text for ref, placed in self.captions.items()}

    @property
    def handle_count(self) -> int:
        """Number of handles on screen."""
        return self._selection_item.handle_count

    # Drawing

    def set_image_size(self, width: float, height: float, bounds: QRectF) -> None:
        """Size of the image and where boxes may lie around it, image pixels."""
        self._boxes_item.set_image_size(width, height, bounds)

    def set_px(self, px: float) -> None:
        """Set the image pixels per logical pixel after the zoom has changed."""
        self._px = px
        self._boxes_item.set_px(px)

    def show_frame(self, frame: int) -> None:
        """Show the boxes of a frame (-1: no boxes); only differences are repainted."""
        self._view = self.builder.build(frame)
        self._boxes_item.show_view(self._view)

    def emphasise(self, dragged: frozenset[BoxRef], hovered: BoxRef | None) -> None:
        """Draw outlines and handles of selected and dragged boxes, and details of selected and hovered ones."""
        selected = self._selection.refs()
        with_details = selected if hovered is None or dragged else selected | {hovered}
        captions = ((ref, self.builder.details(ref)) for ref in sorted(with_details - dragged))
        details = {ref: caption for ref, caption in captions if caption is not None and ref in self._view.index_of}
        self._boxes_item.emphasise(details, selected | dragged)
        found = [self._view.find(ref) for ref in sorted(selected | dragged)]
        boxes = [box for box in found if box is not None]
        editable = boxes[0].rect if len(boxes) == 1 and boxes[0].ref.is_ground_truth and not dragged else None
        self._selection_item.show_selection(tuple((box.rect, box.colour) for box in boxes), editable, self._px)

    def set_all_captions(self, all_captions: bool) -> None:
        """Show captions at all boxes (while a key is held)."""
        self._boxes_item.set_all_captions(all_captions)

    def set_caption_mode(self, mode: CaptionMode) -> None:
        """Choose when boxes that are neither hovered nor selected have captions."""
        self._boxes_item.set_caption_mode(mode)

    def set_shown_variants(self, keys: Iterable[str] | None) -> None:
        """From the next frame on, draw only these of the visible variants; None: all visible ones."""
        self.builder.keys = None if keys is None else frozenset(keys)

    def set_blind(self, is_blind: bool) -> None:
        """Draw neither predictions nor scores from the next frame shown."""
        self.builder.is_blind = is_blind

    # Finding

    def find_rect(self, ref: BoxRef) -> QRectF | None:
        """The rectangle of a box, image pixels; None if it is not drawn."""
        box = self._view.find(ref)
        if box is None:
            return None
        x1, y1, x2, y2 = box.rect
        return QRectF(x1, y1, x2 - x1, y2 - y1)

    def target_at(self, point: QPointF) -> Target:
        """What a press at this point would grab."""
        return hit.target_at(self._view.hittable(), self._selection.refs(), point.x(), point.y(), self._px)

    def stack_at(self, point: QPointF) -> tuple[BoxRef, ...]:
        """The boxes under this point, smallest first."""
        return hit.stack_at(self._view.hittable(), point.x(), point.y(), self._px)

    def find_touching(self, band: Rect) -> tuple[BoxRef, ...]:
        """Ground-truth boxes that a rectangle touches."""
        return hit.find_touching(self._view.hittable(), band)
