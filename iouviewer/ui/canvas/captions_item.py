"""The graphics item that places and paints the captions of all boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from iouviewer.document.boxes import Rect
from iouviewer.metrics.table import Bool, Float
from iouviewer.ui.canvas.box_lines import padlock_rect
from iouviewer.ui.canvas.caption_layout import CaptionRequest, place_captions
from iouviewer.ui.canvas.captions import Caption, CaptionCache
from iouviewer.ui.canvas.frame_view import CanvasBox, CaptionMode, FrameView, is_captioned
from iouviewer.ui.canvas.hit import HANDLE_SIZE, BoxRef

_HANDLE_MARGIN = HANDLE_SIZE
"""Distance of the captions of selected boxes from their box, logical pixels: they stay clear of its handles."""


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


class _FixedKey(NamedTuple):
    """What the positions of fixed captions depend on; ``boxes`` are ids of objects that ``_fixed`` keeps alive."""

    px: float
    area: Rect
    free: Rect | None
    corner: tuple[int, int]
    boxes: tuple[int, ...]


class CaptionsItem(QGraphicsItem):
    """Paints the captions of a FrameView; between two views of one frame only what changes is repainted."""

    def __init__(self, captions: CaptionCache) -> None:
        super().__init__()
        self.setZValue(5)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._cache = captions
        self._view = FrameView()
        self._bounds = QRectF()
        self._px = 1.0
        self._area: Rect = (0.0, 0.0, 0.0, 0.0)
        self._free: Rect | None = None
        self._corner = (0, 0)
        self._details: dict[BoxRef, Caption] = {}
        self._excluded: frozenset[BoxRef] = frozenset()
        self._all_captions = False
        self._caption_mode = CaptionMode.PROBLEMS
        self._layout = _CaptionLayout()
        self._fixed_key: _FixedKey | None = None
        self._fixed: tuple[list[tuple[CanvasBox, Caption]], _FixedCaptions] = ([], _FixedCaptions())

    def boundingRect(self) -> QRectF:
        return self._bounds

    @property
    def captions(self) -> dict[BoxRef, PlacedCaption]:
        """The visible captions by box."""
        return self._layout.visible()

    # What is shown

    def set_bounds(self, bounds: QRectF) -> None:
        """Set where captions may be, image pixels."""
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds

    def set_area(self, px: float, area: Rect) -> None:
        """Set the image pixels per logical pixel, and the visible part of the scene in logical pixels."""
        if (px, area) == (self._px, self._area):
            return
        is_zoomed = px != self._px
        self._px, self._area = px, area
        if is_zoomed:
            self._layout = self._arrange()
            self.update()
        else:
            self._use_layout(self._arrange())

    def keep_free(self, place: Callable[[QRectF], QRectF | None]) -> None:
        """Place no caption on a rectangle, which may depend on the visible part of the scene; logical pixels."""
        x1, y1, x2, y2 = self._area
        found = place(QRectF(x1, y1, x2 - x1, y2 - y1))
        free = None if found is None else (found.left(), found.top(), found.right(), found.bottom())
        if free != self._free:
            self._free = free
            self._use_layout(self._arrange())

    def keep_corner_free(self, width: int, height: int) -> None:
        """Place no caption on the upper left corner of the visible part, where a badge hides it; logical pixels."""
        if (width, height) != self._corner:
            self._corner = width, height
            self._use_layout(self._arrange())

    def show_view(self, view: FrameView) -> None:
        """Show the captions of another view."""
        old, self._view = self._view, view
        if old.frame != view.frame:
            self._layout = self._arrange()
            self.update()
            return
        is_drag = old.index_of is view.index_of and all(box.ref in self._excluded for box in old.changed_boxes(view))
        self._use_layout(self._arrange(keep_fixed=is_drag))

    def emphasise(self, details: dict[BoxRef, Caption], excluded: frozenset[BoxRef]) -> None:
        """Show these details, the most important first, and no captions of other ``excluded`` boxes."""
        if (details, excluded) != (self._details, self._excluded):
            self._details, self._excluded = details, excluded
            self._use_layout(self._arrange())

    def set_all_captions(self, all_captions: bool) -> None:
        """Show every caption, whatever the mode (while a key is held)."""
        self._set_captions(self._caption_mode, all_captions)

    def set_caption_mode(self, mode: CaptionMode) -> None:
        """Choose which boxes have captions."""
        self._set_captions(mode, self._all_captions)

    @property
    def caption_mode(self) -> CaptionMode:
        """Which boxes have captions."""
        return self._caption_mode

    def _set_captions(self, mode: CaptionMode, all_captions: bool) -> None:
        if (mode, all_captions) != (self._caption_mode, self._all_captions):
            self._caption_mode, self._all_captions = mode, all_captions
            self._use_layout(self._arrange())

    # Arranging captions

    def _arrange_fixed(self) -> None:
        """Place the captions of boxes that are neither hovered, selected nor dragged, if they have changed."""
        mode, all_captions = self._caption_mode, self._all_captions
        captioned = [
            (box, box.caption)
            for box in self._view.boxes
            if box.caption is not None
            and box.ref not in self._details
            and box.ref not in self._excluded
            and is_captioned(box, mode, all_captions=all_captions)
        ]
        # Fixed captions keep their positions while only details change, as when the mouse moves over boxes.
        key = _FixedKey(self._px, self._area, self._free, self._corner, tuple(id(box) for box, _ in captioned))
        if key != self._fixed_key:
            self._fixed_key, self._fixed = key, (captioned, _FixedCaptions.of(self._place(captioned)))

    def _arrange(self, *, keep_fixed: bool = False) -> _CaptionLayout:
        """Compute the layout of all captions; ``keep_fixed``: only details and dragged boxes can have changed."""
        if not keep_fixed:
            self._arrange_fixed()
        fixed = self._fixed[1]
        # Details of hovered and selected boxes do not move other captions; those that they cover in part are hidden.
        details = self._details if self._all_captions or self._caption_mode is not CaptionMode.NONE else {}
        detailed = [(box, text) for ref, text in details.items() if (box := self._view.find(ref)) is not None]
        placed = self._place(detailed, margin=_HANDLE_MARGIN)
        hidden = np.zeros(len(fixed.refs), np.bool_)
        for _, *edges in placed.values():
            hidden |= fixed.overlapping(*edges)
        return _CaptionLayout(fixed, hidden, placed)

    def _place(
        self, captioned: Sequence[tuple[CanvasBox, Caption]], *, margin: float = 0.0
    ) -> dict[BoxRef, PlacedCaption]:
        if not captioned:
            return {}
        scale = 1 / self._px
        requests = []
        for place, (box, caption) in enumerate(captioned):
            x1, y1, x2, y2 = (value * scale for value in box.rect)
            size = self._cache.size(caption)
            rect = (x1 - margin, y1 - margin, x2 + margin, y2 + margin)
            rank = place if margin else 2 * box.is_secondary + (not box.state.is_wrong)
            requests.append(CaptionRequest(rect, size.width(), size.height(), rank))
        positions = place_captions(requests, self._area, self._occupied(scale))
        return {
            box.ref: PlacedCaption(caption, *at, at[0] + request.width, at[1] + request.height)
            for (box, caption), request, at in zip(captioned, requests, positions, strict=True)
            if at is not None
        }

    def _occupied(self, scale: float) -> Iterator[Rect]:
        """Rectangles of the badge, of the caption of a proposed fix and of padlocks."""
        left, top, *_ = self._area
        if all(self._corner):
            yield left, top, left + self._corner[0], top + self._corner[1]
        if self._free is not None:
            yield self._free
        for box in self._view.boxes:
            if box.is_locked:
                x1, y1, x2, y2 = (value * scale for value in box.rect)
                lock = padlock_rect(QRectF(x1, y1, x2 - x1, y2 - y1))
                yield lock.left(), lock.top(), lock.right(), lock.bottom()

    # Painting

    def _use_layout(self, layout: _CaptionLayout) -> None:
        """Show this layout and repaint the differences from the previous one."""
        before, self._layout = self._layout, layout
        px = self._px
        for _, left, top, right, bottom in before.changed(layout):
            self.update(QRectF((left - 2) * px, (top - 2) * px, (right - left + 4) * px, (bottom - top + 4) * px))

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        if not self._layout.fixed.refs and not self._layout.details:
            return
        transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
        painter.setWorldTransform(QTransform())
        self._cache.use_ratio(ratio)
        origin = QPointF(round(transform.dx()), round(transform.dy()))
        self._paint(painter, transform.mapRect(option.exposedRect).translated(-origin), origin)
        painter.setWorldTransform(transform)

    def _paint(self, painter: QPainter, exposed: QRectF, origin: QPointF) -> None:
        """``exposed``: logical pixels from the corner of the image, which is at ``origin``."""
        x1, y1, x2, y2 = exposed.left(), exposed.top(), exposed.right(), exposed.bottom()
        layout = self._layout
        visible = layout.fixed.overlapping(x1, y1, x2, y2) & ~layout.hidden
        for index in np.flatnonzero(visible).tolist():
            caption, left, top, _, _ = layout.fixed.placed[index]
            painter.drawImage(QPointF(left, top) + origin, self._cache.image(caption))
        # Details lie above all other captions.
        for caption, left, top, right, bottom in layout.details.values():
            if left < x2 and right > x1 and top < y2 and bottom > y1:
                painter.drawImage(QPointF(left, top) + origin, self._cache.image(caption))
