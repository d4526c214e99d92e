"""The boxes of the shown frame: draws them and finds those at a point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QGraphicsScene

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Rect
from iouviewer.document.variants import Variant
from iouviewer.ui.canvas import hit
from iouviewer.ui.canvas.boxes_item import BoxesItem, PlacedCaption
from iouviewer.ui.canvas.captions import Caption, CaptionCache
from iouviewer.ui.canvas.frame_view import CanvasBox, CaptionMode, FrameView
from iouviewer.ui.canvas.frame_view_builder import FrameViewBuilder
from iouviewer.ui.canvas.hit import BoxRef, HitBox, HitScene, Target
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
        self._session = session
        self._selection = selection
        self._scene: HitScene | None = None
        self._own_captions: Mapping[BoxRef, Caption] = {}
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
        self._scene = None
        self._boxes_item.set_px(px)

    def show_frame(self, frame: int) -> None:
        """Show the boxes of a frame (-1: no boxes); only differences are repainted."""
        self._view = self.builder.build(frame)
        self._scene = None
        self._boxes_item.show_view(self._view)

    def emphasise(self, dragged: frozenset[BoxRef], hovered: BoxRef | None) -> None:
        """Draw outlines and handles of selected and dragged boxes, and details of selected and hovered ones."""
        self._scene = None
        selected = self._selection.refs()
        with_details = selected if hovered is None or dragged else selected | {hovered}
        own = self._own_captions
        captions = ((ref, own.get(ref) or self.builder.details(ref)) for ref in sorted(with_details - dragged))
        details = {ref: caption for ref, caption in captions if caption is not None and ref in self._view.index_of}
        self._boxes_item.emphasise(details, selected | dragged)
        found = [self._view.find(ref) for ref in sorted(selected | dragged)]
        boxes = [box for box in found if box is not None]
        editable = boxes[0].rect if len(boxes) == 1 and boxes[0].ref.is_ground_truth and not dragged else None
        self._selection_item.show_selection(tuple((box.rect, box.colour) for box in boxes), editable, self._px)

    def set_own_captions(self, captions: Mapping[BoxRef, Caption]) -> None:
        """From the next emphasis on, show these captions at selected and hovered boxes instead of the usual ones."""
        self._own_captions = dict(captions)

    def set_all_captions(self, all_captions: bool) -> None:
        """Show captions at all boxes (while a key is held)."""
        self._boxes_item.set_all_captions(all_captions)

    def set_caption_mode(self, mode: CaptionMode) -> None:
        """Choose when boxes that are neither hovered nor selected have captions."""
        self._boxes_item.set_caption_mode(mode)

    def set_shown_variants(self, keys: Iterable[str] | None) -> None:
        """From the next frame on, draw only these of the visible variants; None: all visible ones."""
        self.builder.keys = None if keys is None else frozenset(keys)

    # Finding

    def find_rect(self, ref: BoxRef) -> QRectF | None:
        """The rectangle of a box, image pixels; None if it is not drawn."""
        box = self._view.find(ref)
        if box is None:
            return None
        x1, y1, x2, y2 = box.rect
        return QRectF(x1, y1, x2 - x1, y2 - y1)

    @property
    def scene(self) -> HitScene:
        """The boxes that the mouse can reach."""
        if self._scene is None:
            found = (self._hit_box(box) for box in self._view.boxes)
            boxes = tuple(box for box in found if box is not None)
            self._scene = HitScene(boxes, self._selection.refs(), self._px)
        return self._scene

    def _hit_box(self, box: CanvasBox) -> HitBox | None:
        """The box as the mouse finds it; None if it takes no clicks because another track is isolated."""
        state, ref = self._session.view_state, box.ref
        truth = self._session.ground_truth.find(ref.row) if ref.is_ground_truth else None
        if state.is_dimmed(truth) or (ref.is_ground_truth and truth is None):
            return None
        is_locked = state.is_locked(truth) if truth is not None else ref.variant in state.locked_layers
        placed = self._boxes_item.captions.get(ref) if box.caption is not None else None
        caption = None
        if placed is not None:
            px = self._px
            caption = (placed.left * px, placed.top * px, placed.right * px, placed.bottom * px)
        return HitBox(ref, box.rect, caption, is_locked, ref.variant == state.front_layer)

    def target_at(self, point: QPointF, *, only_selected: bool = False) -> Target:
        """What a press at this point takes; with ``only_selected``, of the selected boxes."""
        return hit.target_at(self.scene, point.x(), point.y(), only_selected=only_selected)

    def stack_at(self, point: QPointF) -> tuple[BoxRef, ...]:
        """The boxes that repeated clicks at this point go through."""
        return hit.stack_at(self.scene, point.x(), point.y())

    def below(self, point: QPointF) -> BoxRef | None:
        """The box that Alt+click at this point selects."""
        return hit.below(self.scene, point.x(), point.y())

    def find_inside(self, band: Rect) -> tuple[BoxRef, ...]:
        """Ground-truth boxes whose centre lies in a rectangle."""
        return hit.find_inside(self.scene, band)

    def prediction_rects(self) -> tuple[Rect, ...]:
        """The predictions on screen, image pixels."""
        return tuple(box.rect for box in self._view.boxes if not box.ref.is_ground_truth)
