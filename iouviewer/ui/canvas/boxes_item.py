"""The graphics item that paints all boxes except emphasised ones in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.canvas.box_lines import BoxLines
from iouviewer.ui.canvas.captions import Caption, CaptionCache, Segment
from iouviewer.ui.canvas.frame_view import CanvasBox, FrameView
from iouviewer.ui.canvas.hit import BoxRef
from iouviewer.ui.tokens import OPACITY, SIZE

_REACH = 14.0
"""How far lines and badges extend beyond a box, logical pixels."""
_LOCKED_REACH = SIZE["padlock_height"] + 6.0
_COPIES = tr("×{count}")


class BoxesItem(QGraphicsItem):
    """Paints the lines of a FrameView; between two views of one frame only what changes is repainted."""

    def __init__(self, captions: CaptionCache) -> None:
        super().__init__()
        self.setZValue(1)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._cache = captions
        self._view = FrameView()
        self._bounds = QRectF()
        self._px = 1.0
        self._lines = BoxLines()
        self._excluded: frozenset[BoxRef] = frozenset()
        self._in_front: frozenset[BoxRef] = frozenset()
        self._is_faded = False

    def boundingRect(self) -> QRectF:
        return self._bounds

    # What is shown

    def set_bounds(self, bounds: QRectF) -> None:
        """Set where boxes may lie, image pixels."""
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds

    def set_px(self, px: float) -> None:
        """Set the image pixels per logical pixel after the zoom has changed."""
        if px != self._px:
            self._px = px
            self.update()

    def show_view(self, view: FrameView) -> None:
        """Show another view; if it is of the same frame, only boxes that differ are repainted."""
        old, self._view = self._view, view
        if old.frame != view.frame:
            self.update()
        else:
            # The lines of a dragged box are drawn by another item.
            self._repaint(box for box in old.changed_boxes(view) if box.ref not in self._excluded)

    def emphasise(self, excluded: frozenset[BoxRef], in_front: frozenset[BoxRef], *, is_faded: bool) -> None:
        """Draw all boxes but ``excluded``.

        Args:
            in_front: predictions of selected pairs, which have full strength.
            is_faded: a box is dragged, so the others are weaker.
        """
        changed = (self._excluded ^ excluded) | (self._in_front ^ in_front)
        self._excluded, self._in_front = excluded, in_front
        if is_faded != self._is_faded:
            self._is_faded = is_faded
            self.update()
        elif changed:
            self._repaint(box for box in map(self._view.find, changed) if box is not None)

    def _repaint(self, boxes: Iterable[CanvasBox]) -> None:
        for box in boxes:
            reach = (_LOCKED_REACH if box.is_locked else _REACH if box.copies > 1 else 4.0) * self._px
            x1, y1, x2, y2 = box.rect
            self.update(QRectF(x1 - reach, y1 - reach, x2 - x1 + 2 * reach, y2 - y1 + 2 * reach))

    # Painting

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        if not self._view.boxes:
            return
        transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
        painter.setWorldTransform(QTransform())
        boxes = self._exposed(option.exposedRect)
        opacity = OPACITY["others_while_dragging"] if self._is_faded else 1.0
        self._lines.paint(painter, transform, ratio, boxes, opacity=opacity, in_front=self._in_front)
        self._cache.use_ratio(ratio)
        paint_copies(painter, transform, self._cache, boxes)
        painter.setWorldTransform(transform)

    def _exposed(self, exposed: QRectF) -> list[CanvasBox]:
        view, reach = self._view, _LOCKED_REACH * self._px
        is_exposed = (
            (view.rects[0] < exposed.right() + reach)
            & (view.rects[2] > exposed.left() - reach)
            & (view.rects[1] < exposed.bottom() + reach)
            & (view.rects[3] > exposed.top() - reach)
        )
        return [box for box in compress(view.boxes, is_exposed.tolist()) if box.ref not in self._excluded]


def paint_copies(painter: QPainter, transform: QTransform, cache: CaptionCache, boxes: Iterable[CanvasBox]) -> None:
    """Paint the badge ``×2`` at the top right corner of boxes that have duplicates.

    Args:
        painter: its world transform is the identity.
        transform: from image pixels to logical pixels of the window.
    """
    for box in boxes:
        if box.copies > 1:
            badge = Caption.of(Segment(_COPIES.format(count=box.copies)))
            corner, size = transform.map(QPointF(box.rect[2], box.rect[1])), cache.size(badge)
            place = QPointF(round(corner.x() - size.width() / 2), round(corner.y() - size.height() / 2))
            painter.drawImage(place, cache.image(badge))
