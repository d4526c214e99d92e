"""The graphics item that paints all boxes except edited ones, with their captions, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from iouviewer.metrics.table import Bool, Float
from iouviewer.ui.canvas.box_lines import BoxLines
from iouviewer.ui.canvas.caption_layout import CaptionRequest, place_captions
from iouviewer.ui.canvas.captions import Caption, CaptionCache
from iouviewer.ui.canvas.frame_view import CROWDED_CAPTION_COUNT, CanvasBox, CaptionMode, FrameView, is_captioned
from iouviewer.ui.canvas.hit import HANDLE_SIZE, BoxRef

_HANDLE_MARGIN = HANDLE_SIZE / 2 - 1
"""By how much handles exceed the usual distance of captions, logical pixels."""

_REACH = 8.0
"""How far lines and signs extend beyond a box, logical pixels."""


class PlacedCaption(NamedTuple):
    """A caption and its rectangle, logical pixels from the corner of the image."""

    caption: Caption
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, eq=False)
class _FixedCaptions:
    """Captions that keep their positions while details appear and disappear and a box is dragged.

    Attributes:
        edges: (4, N) float64, rows left, top, right, bottom, logical pixels.
    """

    refs: tuple[BoxRef, ...] = ()
    placed: tuple[PlacedCaption, ...] = ()
    edges: Float = field(default_factory=lambda: np.zeros((4, 0)))

    @classmethod
    def of(cls, placed: dict[BoxRef, PlacedCaption]) -> _FixedCaptions:
        """These captions."""
        edges = np.array([one[1:] for one in placed.values()], np.float64).reshape(-1, 4).T
        return cls(tuple(placed), tuple(placed.values()), np.ascontiguousarray(edges))

    def overlapping(self, left: float, top: float, right: float, bottom: float) -> Bool:
        """(N,) bool: which captions overlap a rectangle."""
        edges = self.edges
        found: Bool = (edges[0] < right) & (edges[2] > left) & (edges[1] < bottom) & (edges[3] > top)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _CaptionLayout:
    """All captions on screen: the fixed ones, which of them are ``hidden`` ((N,) bool), and the details above them."""

    fixed: _FixedCaptions = field(default_factory=_FixedCaptions)
    hidden: Bool = field(default_factory=lambda: np.zeros(0, np.bool_))
    details: dict[BoxRef, PlacedCaption] = field(default_factory=dict)

    def visible(self) -> dict[BoxRef, PlacedCaption]:
        """The visible captions by box."""
        fixed = zip(self.fixed.refs, self.fixed.placed, self.hidden.tolist(), strict=True)
        return {ref: placed for ref, placed, is_hidden in fixed if not is_hidden} | self.details

    def changed(self, other: _CaptionLayout) -> list[PlacedCaption]:
        """Captions of either layout that are missing or different in the other one."""
        is_same = self.fixed is other.fixed
        own, others = (self.details, other.details) if is_same else (self.visible(), other.visible())
        pairs = ((own.get(ref), others.get(ref)) for ref in own.keys() | others.keys())
        found = [placed for old, new in pairs if old != new for placed in (old, new) if placed is not None]
        if is_same:
            found += [self.fixed.placed[index] for index in np.flatnonzero(self.hidden != other.hidden)]
        return found


class BoxesItem(QGraphicsItem):
    """Paints a FrameView; between two views of one frame only what changes is repainted."""

    def __init__(self, captions: CaptionCache) -> None:
        super().__init__()
        self.setZValue(1)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._cache = captions
        self._view = FrameView()
        self._image_size = QSizeF()
        self._bounds = QRectF()
        self._px = 1.0
        self._lines = BoxLines()
        self._details: dict[BoxRef, Caption] = {}
        self._excluded: frozenset[BoxRef] = frozenset()
        self._all_captions = False
        self._caption_mode = CaptionMode.AUTOMATIC
        self._layout = _CaptionLayout()
        # The key contains ids of box objects; ``_fixed`` keeps the boxes alive, so the ids stay unique.
        self._fixed_key: tuple[float, tuple[int, ...]] = (0.0, ())
        self._fixed: tuple[list[tuple[CanvasBox, Caption]], _FixedCaptions] = ([], _FixedCaptions())

    def boundingRect(self) -> QRectF:
        return self._bounds

    @property
    def captions(self) -> dict[BoxRef, PlacedCaption]:
        """The visible captions by box."""
        return self._layout.visible()

    # What is shown

    def set_image_size(self, width: float, height: float, bounds: QRectF) -> None:
        """Size of the image and where boxes may lie around it, image pixels."""
        if (width, height) != (self._image_size.width(), self._image_size.height()):
            self._image_size = QSizeF(width, height)
            self._fixed_key = (0.0, ())
            self._fixed = ([], _FixedCaptions())
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds

    def set_px(self, px: float) -> None:
        """Set the image pixels per logical pixel after the zoom has changed."""
        if px != self._px:
            self._px = px
            self._layout = self._arrange()
            self.update()

    def show_view(self, view: FrameView) -> None:
        """Show another view; if it is of the same frame, only boxes that differ are repainted."""
        old, self._view = self._view, view
        if old.frame != view.frame:
            self._layout = self._arrange()
            self.update()
            return
        changed = old.changed_boxes(view)
        # A dragged box does not take part in the layout of the others, and its lines are drawn by another item.
        drawn = [box for box in changed if box.ref not in self._excluded]
        is_drag = old.index_of is view.index_of and not drawn
        self._repaint_boxes(drawn)
        self._use_layout(self._arrange(keep_fixed=is_drag))

    def emphasise(self, details: dict[BoxRef, Caption], excluded: frozenset[BoxRef]) -> None:
        """Show these details at their boxes, and do not draw the rectangles of ``excluded``."""
        if (details, excluded) == (self._details, self._excluded):
            return
        found = (self._view.find(ref) for ref in self._excluded ^ excluded)
        self._details, self._excluded = details, excluded
        self._repaint_boxes(box for box in found if box is not None)
        self._use_layout(self._arrange())

    def set_all_captions(self, all_captions: bool) -> None:
        """Show every caption, whatever the mode (while a key is held)."""
        self._set_captions(self._caption_mode, all_captions)

    def set_caption_mode(self, mode: CaptionMode) -> None:
        """Choose when boxes that are neither hovered nor selected have captions."""
        self._set_captions(mode, self._all_captions)

    def _set_captions(self, mode: CaptionMode, all_captions: bool) -> None:
        if (mode, all_captions) != (self._caption_mode, self._all_captions):
            self._caption_mode, self._all_captions = mode, all_captions
            self._use_layout(self._arrange())

    # Arranging captions

    def _with_captions(self, boxes: Iterable[CanvasBox]) -> list[tuple[CanvasBox, Caption]]:
        """Of these boxes, those that show their caption without being hovered or selected."""
        mode, all_captions, px = self._caption_mode, self._all_captions, self._px
        is_crowded = self._view.caption_count > CROWDED_CAPTION_COUNT
        return [
            (box, box.caption)
            for box in boxes
            if box.caption is not None
            and is_captioned(box, mode, all_captions=all_captions, is_crowded=is_crowded, px=px)
        ]

    def _arrange_fixed(self) -> None:
        """Place the captions of boxes that are neither hovered, selected nor dragged, if they have changed."""
        details, excluded = self._details, self._excluded
        boxes = (
            box
            for box in self._view.boxes
            if box.caption is not None and box.ref not in details and box.ref not in excluded
        )
        captioned = self._with_captions(boxes)
        # Fixed captions keep their positions while only details change, as when the mouse moves over boxes.
        key = (self._px, tuple(id(box) for box, _ in captioned))
        if key != self._fixed_key:
            self._fixed_key, self._fixed = key, (captioned, _FixedCaptions.of(self._place(captioned)))

    def _arrange(self, *, keep_fixed: bool = False) -> _CaptionLayout:
        """Compute the layout of all captions; ``keep_fixed``: only details and dragged boxes can have changed."""
        view, details = self._view, self._details
        if not keep_fixed:
            self._arrange_fixed()
        fixed = self._fixed[1]
        # Details of hovered and selected boxes, and the caption of a dragged box, do not move other captions; those
        # that they cover in part are hidden.
        detailed = [(box, caption) for ref, caption in details.items() if (box := view.find(ref)) is not None]
        dragged = map(view.find, self._excluded - details.keys())
        detailed += self._with_captions(box for box in dragged if box is not None)
        placed = self._place(detailed, may_drop=False)
        hidden = np.zeros(len(fixed.refs), np.bool_)
        for _, *edges in placed.values():
            hidden |= fixed.overlapping(*edges)
        return _CaptionLayout(fixed, hidden, placed)

    def _place(
        self, captioned: Sequence[tuple[CanvasBox, Caption]], *, may_drop: bool = True
    ) -> dict[BoxRef, PlacedCaption]:
        scale = 1 / self._px
        # Details stay clear of the handles of their box.
        margin = 0.0 if may_drop else _HANDLE_MARGIN
        requests = []
        for box, caption in captioned:
            x1, y1, x2, y2 = box.rect
            size = self._cache.size(caption)
            rect = (x1 * scale, y1 * scale - margin, x2 * scale, y2 * scale + margin)
            is_urgent = box.state.is_wrong and not box.is_secondary
            requests.append(CaptionRequest(rect, size.width(), size.height(), is_urgent))
        image = (self._image_size.width() * scale, self._image_size.height() * scale)
        positions = place_captions(requests, image, may_drop=may_drop)
        return {
            box.ref: PlacedCaption(caption, *at, at[0] + request.width, at[1] + request.height)
            for (box, caption), request, at in zip(captioned, requests, positions, strict=True)
            if at is not None
        }

    # Repainting

    def _repaint_boxes(self, boxes: Iterable[CanvasBox]) -> None:
        reach = _REACH * self._px
        for box in boxes:
            x1, y1, x2, y2 = box.rect
            self.update(QRectF(x1 - reach, y1 - reach, x2 - x1 + 2 * reach, y2 - y1 + 2 * reach))

    def _use_layout(self, layout: _CaptionLayout) -> None:
        """Show this layout and repaint the differences from the previous one."""
        before, self._layout = self._layout, layout
        px = self._px
        for _, left, top, right, bottom in before.changed(layout):
            self.update(QRectF((left - 2) * px, (top - 2) * px, (right - left + 4) * px, (bottom - top + 4) * px))

    # Painting

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        if not self._view.boxes:
            return
        transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
        view, excluded, exposed = self._view, self._excluded, option.exposedRect
        reach = _REACH * self._px
        is_exposed = (
            (view.rects[0] < exposed.right() + reach)
            & (view.rects[2] > exposed.left() - reach)
            & (view.rects[1] < exposed.bottom() + reach)
            & (view.rects[3] > exposed.top() - reach)
        )
        boxes = [box for box in compress(view.boxes, is_exposed.tolist()) if box.ref not in excluded]
        painter.setWorldTransform(QTransform())
        self._lines.paint(painter, transform, ratio, boxes)
        self._cache.use_ratio(ratio)
        origin = QPointF(round(transform.dx()), round(transform.dy()))
        self._paint_captions(painter, transform.mapRect(exposed).translated(-origin), origin)
        painter.setWorldTransform(transform)

    def _paint_captions(self, painter: QPainter, exposed: QRectF, origin: QPointF) -> None:
        """``exposed``: logical pixels from the corner of the image, which is at ``origin``."""
        x1, y1, x2, y2 = exposed.left(), exposed.top(), exposed.right(), exposed.bottom()
        layout = self._layout
        visible = layout.fixed.overlapping(x1, y1, x2, y2) & ~layout.hidden
        for index in np.flatnonzero(visible).tolist():
            caption, left, top, _, _ = layout.fixed.placed[index]
            painter.drawPixmap(QPointF(left, top) + origin, self._cache.pixmap(caption))
        # Details lie above all other captions.
        for caption, left, top, right, bottom in layout.details.values():
            if left < x2 and right > x1 and top < y2 and bottom > y1:
                painter.drawPixmap(QPointF(left, top) + origin, self._cache.pixmap(caption))
