"""The boxes of the shown frame: draws them and finds those at a point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QGraphicsScene

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Edges, Rect
from iouviewer.document.variants import Variant
from iouviewer.ui.canvas import hit
from iouviewer.ui.canvas.boxes_item import BoxesItem
from iouviewer.ui.canvas.captions import Caption, CaptionCache
from iouviewer.ui.canvas.captions_item import CaptionsItem, PlacedCaption
from iouviewer.ui.canvas.frame_view import CanvasBox, CaptionMode, FrameView
from iouviewer.ui.canvas.frame_view_builder import FrameViewBuilder
from iouviewer.ui.canvas.hit import BoxRef, HitBox, HitScene, Part, Target
from iouviewer.ui.canvas.selection import CanvasSelection
from iouviewer.ui.canvas.selection_item import Emphasis, EmphasisedBox, SelectionItem


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
        self._captions_item = CaptionsItem(captions)
        for item in (self._boxes_item, self._selection_item, self._captions_item):
            scene.addItem(item)

    @property
    def view(self) -> FrameView:
        """The drawn boxes."""
        return self._view

    @property
    def captions(self) -> dict[BoxRef, PlacedCaption]:
        """The captions on screen by box."""
        return self._captions_item.captions

    @property
    def caption_texts(self) -> dict[BoxRef, str]:
        """The text of the captions on screen by box, lines joined."""
        return {ref: placed.caption.text for ref, placed in self.captions.items()}

    @property
    def handle_count(self) -> int:
        """Number of handles on screen."""
        return self._selection_item.handle_count

    # Drawing

    @property
    def emphasised(self) -> tuple[EmphasisedBox, ...]:
        """The boxes that are selected, dragged or under the mouse."""
        return self._selection_item.boxes

    def set_bounds(self, bounds: QRectF) -> None:
        """Set where boxes may lie, image pixels."""
        self._boxes_item.set_bounds(bounds)
        self._captions_item.set_bounds(bounds)

    def set_visible_part(self, px: float, part: QRectF) -> None:
        """Set the image pixels per logical pixel, and the visible part of the scene, image pixels."""
        if px != self._px:
            self._px = px
            self._scene = None
            self._boxes_item.set_px(px)
        edges = (part.left() / px, part.top() / px, part.right() / px, part.bottom() / px)
        self._captions_item.set_area(px, edges)

    def keep_free(self, place: Callable[[QRectF], QRectF | None]) -> None:
        """Place no caption where something else stands.

        Args:
            place: where that is, for the visible part of the scene; both in logical pixels.
        """
        self._captions_item.keep_free(place)

    def keep_corner_free(self, width: int, height: int) -> None:
        """Place no caption on the upper left corner of the canvas; logical pixels."""
        self._captions_item.keep_corner_free(width, height)

    def show_frame(self, frame: int, *, is_dragging: bool = False) -> None:
        """Show the boxes of a frame (-1: no boxes); only differences are repainted."""
        self._view = self.builder.build(frame, is_dragging=is_dragging)
        self._scene = None
        self._boxes_item.show_view(self._view)
        self._captions_item.show_view(self._view)

    def emphasise(self, dragged: frozenset[BoxRef], hovered: Target) -> None:
        """Draw selected and dragged boxes and the hovered one with emphasis and details, the others at rest."""
        self._scene = None
        selected = self._selection.refs()
        hovered_ref = hovered_ref_of(hovered) if not dragged else None
        first = () if hovered_ref is None else (hovered_ref,)
        with_details = dict.fromkeys((*sorted(selected - dragged), *first))
        own = self._own_captions
        captions = ((ref, own.get(ref) or self.builder.details(ref)) for ref in with_details)
        details = {ref: caption for ref, caption in captions if caption is not None and ref in self._view.index_of}
        emphasised = selected | dragged | set(first)
        self._captions_item.emphasise(details, emphasised)
        in_front = self.builder.partner_refs(emphasised)
        self._boxes_item.emphasise(emphasised, in_front, is_faded=bool(dragged))
        found = sorted(emphasised, key=lambda ref: (ref in dragged, ref in selected, ref))
        boxes = [box for box in map(self._view.find, found) if box is not None]
        lone = [box for box in boxes if box.ref in selected or box.ref in dragged]
        is_editable = len(lone) == 1 and lone[0].ref.is_ground_truth and not dragged and not lone[0].is_locked
        self._selection_item.show_boxes(
            tuple(self._emphasised(box, selected, dragged, hovered) for box in boxes),
            lone[0].rect if is_editable else None,
            self._px,
        )

    def _emphasised(
        self, box: CanvasBox, selected: frozenset[BoxRef], dragged: frozenset[BoxRef], hovered: Target
    ) -> EmphasisedBox:
        if box.ref in dragged:
            return EmphasisedBox(box, Emphasis.DRAGGED)
        emphasis = Emphasis.SELECTED if box.ref in selected else Emphasis.HOVERED
        return EmphasisedBox(box, emphasis, hovered.edges if hovered.ref == box.ref else Edges.NONE)

    def set_own_captions(self, captions: Mapping[BoxRef, Caption]) -> None:
        """From the next emphasis on, show these captions at selected and hovered boxes instead of the usual ones."""
        self._own_captions = dict(captions)

    def set_all_captions(self, all_captions: bool) -> None:
        """Show captions at all boxes (while a key is held)."""
        self._captions_item.set_all_captions(all_captions)

    def set_caption_mode(self, mode: CaptionMode) -> None:
        """Choose when boxes that are neither hovered nor selected have captions."""
        self._captions_item.set_caption_mode(mode)

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
            captions, frame, session = self.captions, self._view.frame, self._session
            truth = session.ground_truth.boxes(frame) if 0 <= frame < session.frame_count else ()
            known = {box.id for box in truth}
            # Dimmed ones take no clicks: another track is isolated.
            reachable = (box for box in self._view.boxes if not box.is_dimmed)
            boxes = tuple(
                self._hit_box(box, captions) for box in reachable if not box.ref.is_ground_truth or box.ref.row in known
            )
            self._scene = HitScene(boxes, self._selection.refs(), self._px)
        return self._scene

    def _hit_box(self, box: CanvasBox, captions: Mapping[BoxRef, PlacedCaption]) -> HitBox:
        """The box as the mouse finds it."""
        state, ref = self._session.view_state, box.ref
        placed = captions.get(ref)
        caption = None
        if placed is not None:
            px = self._px
            caption = (placed.left * px, placed.top * px, placed.right * px, placed.bottom * px)
        return HitBox(ref, box.rect, caption, box.is_locked, ref.variant == state.front_layer)

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


def hovered_ref_of(target: Target) -> BoxRef | None:
    """The box that is drawn as hovered: the one whose edge a press would drag, else the one that a click selects."""
    return target.ref if target.part in (Part.HANDLE, Part.EDGE) else target.clicked
