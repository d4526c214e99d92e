"""The proposed fix of a problem on the canvas: a box as it will be, adjusted by keys and mouse before it is applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene, QStyleOptionGraphicsItem, QWidget

from iouviewer.document.boxes import Edges, Rect, allowed_area, limit_move, move_edges, resize_within
from iouviewer.ui.canvas.box_lines import HALO, device_width, frame_sides, line_offsets
from iouviewer.ui.canvas.box_look import with_alpha
from iouviewer.ui.canvas.captions import Caption, CaptionCache, Segment
from iouviewer.ui.canvas.hit import EDGE_REACH, contains, edge_at
from iouviewer.ui.canvas.tools.tool import CLICK_TOLERANCE, RESIZE_CURSORS, PointerEvent
from iouviewer.ui.tokens import CANVAS, LINES

_COLOUR = QColor(CANVAS.fix)
_ROLE = LINES["fix"]
_HALO_WIDTH = LINES["halo"].width
_ARROW, _ARROW_GAP = 7.0, 3.0
"""Length of an arrow at a moved edge and its distance from the edge, logical pixels."""
_MIN_MOVED = 1.0
"""Image pixels from which an edge counts as moved."""
_CAPTION_GAP = 4.0
_Z_VALUE = 6.0
"""Above boxes and their captions."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What applying a fix would leave.

    Attributes:
        frame: the frame of the problem.
        rect: the box after the fix, or the box that would be deleted; image pixels.
        before: the box as it is, None for a new one.
        deletes: the box would be deleted.
        is_adjustable: keys and mouse may move ``rect``.
    """

    frame: int
    rect: Rect
    before: Rect | None = None
    deletes: bool = False
    is_adjustable: bool = True


class _FixItem(QGraphicsItem):
    """Paints the proposal with its caption."""

    def __init__(self, captions: CaptionCache) -> None:
        super().__init__()
        self.setZValue(_Z_VALUE)
        self._captions = captions
        self._rect: Rect = (0.0, 0.0, 0.0, 0.0)
        self._before: Rect | None = None
        self._deletes = False
        self._caption: Caption | None = None
        self._px = 1.0
        self.hide()

    def show_fix(self, rect: Rect, before: Rect | None, caption: Caption, px: float, *, deletes: bool) -> None:
        """Paint this rectangle; ``px``: image pixels per logical pixel."""
        self.prepareGeometryChange()
        self._rect, self._before, self._caption, self._px, self._deletes = rect, before, caption, px, deletes
        self.show()
        self.update()

    def boundingRect(self) -> QRectF:
        x1, y1, x2, y2 = self._rect
        reach = (_ARROW + _ARROW_GAP + 3) * self._px
        bounds = QRectF(x1, y1, x2 - x1, y2 - y1).adjusted(-reach, -reach, reach, reach)
        if self._caption is not None:
            size = self._captions.size(self._caption) * self._px
            bounds |= QRectF(x1, y2, x2 - x1, size.height() + 2 * reach).adjusted(-size.width(), 0, size.width(), 0)
        return bounds

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
        painter.setWorldTransform(QTransform())
        corners = [transform.map(QPointF(*corner)) for corner in (self._rect[:2], self._rect[2:])]
        points = [round(value * ratio) / ratio for corner in corners for value in (corner.x(), corner.y())]
        rect = QRectF(QPointF(*points[:2]), QPointF(*points[2:]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(rect, with_alpha(CANVAS.fix, _ROLE.fill))
        painter.setPen(Qt.PenStyle.NoPen)
        outside, inside = line_offsets(_ROLE.width, ratio)
        painter.setBrush(HALO)
        painter.drawRects(frame_sides(rect, outside + _HALO_WIDTH, inside + _HALO_WIDTH))
        painter.setBrush(_COLOUR)
        painter.drawRects(frame_sides(rect, outside, inside))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._deletes:
            self._paint_cross(painter, rect, ratio)
        elif self._before is not None:
            self._paint_arrows(painter, rect)
        self._paint_caption(painter, rect, ratio)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setWorldTransform(transform)

    def _paint_cross(self, painter: QPainter, rect: QRectF, ratio: float) -> None:
        width = device_width(_ROLE.width, ratio)
        for colour, more in ((HALO, 2 * _HALO_WIDTH), (_COLOUR, 0.0)):
            painter.setPen(QPen(colour, width + more))
            painter.drawLine(rect.topLeft(), rect.bottomRight())
            painter.drawLine(rect.topRight(), rect.bottomLeft())

    def _paint_arrows(self, painter: QPainter, rect: QRectF) -> None:
        """A triangle outside each edge that moves, pointing the way it moves."""
        before = self._before or self._rect
        moved = [new - old for new, old in zip(self._rect, before, strict=True)]
        centre = rect.center()
        places = (
            (moved[0], QPointF(rect.left(), centre.y()), QPointF(1, 0)),
            (moved[1], QPointF(centre.x(), rect.top()), QPointF(0, 1)),
            (moved[2], QPointF(rect.right(), centre.y()), QPointF(1, 0)),
            (moved[3], QPointF(centre.x(), rect.bottom()), QPointF(0, 1)),
        )
        for by, at, axis in places:
            if abs(by) >= _MIN_MOVED:
                _paint_arrow(painter, at, axis if by > 0 else -axis)

    def _paint_caption(self, painter: QPainter, rect: QRectF, ratio: float) -> None:
        if self._caption is None:
            return
        self._captions.use_ratio(ratio)
        size, device = self._captions.size(self._caption), painter.device()
        place = _caption_place(rect, size, QRectF(0, 0, device.width(), device.height()))
        painter.drawImage(QPointF(round(place.left()), round(place.top())), self._captions.image(self._caption))

    def caption_place(self, area: QRectF) -> QRectF | None:
        """Where the caption is, logical pixels from the corner of the image; None without one.

        Args:
            area: the visible part of the scene in the same pixels.
        """
        if self._caption is None or not self.isVisible():
            return None
        x1, y1, x2, y2 = (value / self._px for value in self._rect)
        return _caption_place(QRectF(x1, y1, x2 - x1, y2 - y1), self._captions.size(self._caption), area)


def _caption_place(rect: QRectF, size: QSizeF, area: QRectF) -> QRectF:
    """Below the box, because the captions of boxes are above them; inside where the area ends."""
    y = rect.bottom() + _CAPTION_GAP + _ARROW
    if y + size.height() > area.bottom():
        y = rect.bottom() - size.height() - _CAPTION_GAP
    x = max(area.left(), min(rect.left(), area.right() - size.width()))
    return QRectF(QPointF(x, y), size)


def _paint_arrow(painter: QPainter, edge: QPointF, way: QPointF) -> None:
    """A triangle whose tip lies ``_ARROW_GAP`` before the edge, seen from where the edge comes from."""
    across = QPointF(way.y(), way.x())
    tip = edge - way * _ARROW_GAP
    base = tip - way * _ARROW
    path = QPainterPath(tip)
    path.lineTo(base + across * _ARROW * 0.7)
    path.lineTo(base - across * _ARROW * 0.7)
    path.closeSubpath()
    painter.setPen(QPen(HALO, 2 * _HALO_WIDTH))
    painter.setBrush(_COLOUR)
    painter.drawPath(path)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPath(path)


class ProposedFix:
    """The proposal that the canvas shows, and the keys and drags that adjust it.

    Attributes:
        describe: returns the caption for the rectangle as it is now.
        on_moved: called when the rectangle has changed.
        on_shown: called when what is shown may have changed.
    """

    def __init__(self, scene: QGraphicsScene, captions: CaptionCache) -> None:
        self._item = _FixItem(captions)
        scene.addItem(self._item)
        self.describe: Callable[[Rect], str] = lambda _rect: ""
        self.on_moved: Callable[[], None] = lambda: None
        self.on_shown: Callable[[], None] = lambda: None
        self._proposal: Proposal | None = None
        self._rect: Rect = (0.0, 0.0, 0.0, 0.0)
        self._frame, self._px, self._bounds = -1, 1.0, QRectF()
        self._pressed: tuple[PointerEvent, Edges, Rect] | None = None
        self._is_dragging = False

    @property
    def proposal(self) -> Proposal | None:
        """The proposal as it was made; None without one."""
        return self._proposal

    @property
    def rect(self) -> Rect | None:
        """The rectangle as keys and mouse have left it; None without a proposal."""
        return None if self._proposal is None else self._rect

    @property
    def is_shown(self) -> bool:
        """Whether it is on the canvas."""
        return self._item.isVisible()

    @property
    def caption(self) -> str:
        """Its caption; empty while it is not on the canvas."""
        return self.describe(self._rect) if self.is_shown else ""

    def propose(self, proposal: Proposal | None) -> None:
        """Show a proposal; None removes it."""
        self.cancel()
        self._proposal = proposal
        if proposal is not None:
            self._rect = proposal.rect
        self._show()

    def place(self, shown_frame: int, px: float, bounds: QRectF) -> None:
        """Follow the canvas.

        Args:
            shown_frame: -1 while no boxes are shown.
            px: image pixels per logical pixel.
            bounds: the image, which the rectangle does not leave.
        """
        if (shown_frame, px, bounds) != (self._frame, self._px, self._bounds):
            self._frame, self._px, self._bounds = shown_frame, px, bounds
            self._show()

    def _show(self) -> None:
        proposal = self._proposal
        if proposal is None or proposal.frame != self._frame:
            self._item.hide()
        else:
            caption = Caption.of(Segment(self.describe(self._rect)))
            self._item.show_fix(self._rect, proposal.before, caption, self._px, deletes=proposal.deletes)
        self.on_shown()

    def caption_place(self, area: QRectF) -> QRectF | None:
        """Where its caption is, logical pixels from the corner of the image; None while none is shown.

        Args:
            area: the visible part of the scene in the same pixels.
        """
        return self._item.caption_place(area)

    # Adjusting

    def nudge(self, dx: float, dy: float) -> bool:
        """Move the rectangle by image pixels; False if there is none. One that may not move holds the box still."""
        if not self.is_shown:
            return False
        if not self._can_move:
            return True
        self._set_rect(self._dragged(self._rect, Edges.ALL, dx, dy))
        return True

    @property
    def _can_move(self) -> bool:
        return self.is_shown and self._proposal is not None and self._proposal.is_adjustable

    def _dragged(self, rect: Rect, edges: Edges, dx: float, dy: float) -> Rect:
        area = allowed_area(rect, self._bounds.width(), self._bounds.height())
        if edges is Edges.ALL:
            return move_edges(rect, edges, *limit_move(rect, dx, dy, area))
        return resize_within(rect, edges, dx, dy, area)

    def _set_rect(self, rect: Rect) -> None:
        if rect != self._rect:
            self._rect = rect
            self._show()
            self.on_moved()

    def press(self, event: PointerEvent, truth_gap: float) -> bool:
        """Take a press on the rectangle; a press on an edge of a box that is nearer is the box's.

        Args:
            truth_gap: distance of the nearest edge of a ground-truth box within reach, image pixels; infinite if none.
        """
        edges = self._edges_at(event.point, truth_gap)
        if event.button != Qt.MouseButton.LeftButton or event.modifiers or not edges:
            return False
        self._pressed, self._is_dragging = (event, edges, self._rect), False
        return True

    def _edges_at(self, point: QPointF, truth_gap: float) -> Edges:
        if not self._can_move:
            return Edges.NONE
        x, y = point.x(), point.y()
        edges, gap = edge_at(self._rect, x, y, EDGE_REACH * self._px)
        if edges:
            return edges if gap <= truth_gap else Edges.NONE
        is_inside = contains(self._rect, x, y) and truth_gap == float("inf")
        return Edges.ALL if is_inside else Edges.NONE

    def cursor_at(self, point: QPointF, truth_gap: float) -> Qt.CursorShape | None:
        """The cursor over the rectangle; None elsewhere."""
        edges = self._edges_at(point, truth_gap)
        return RESIZE_CURSORS.get(edges, Qt.CursorShape.SizeAllCursor) if edges else None

    @property
    def is_pressed(self) -> bool:
        """Whether the mouse holds it."""
        return self._pressed is not None

    def move(self, event: PointerEvent) -> bool:
        """Follow the mouse while it holds the rectangle; False if it does not."""
        if self._pressed is None:
            return False
        press, edges, rect = self._pressed
        moved: QPoint = event.position - press.position
        self._is_dragging = self._is_dragging or moved.manhattanLength() >= CLICK_TOLERANCE or edges is not Edges.ALL
        if self._is_dragging:
            by = event.point - press.point
            self._set_rect(self._dragged(rect, edges, by.x(), by.y()))
        return True

    def release(self) -> PointerEvent | None:
        """Let go of the rectangle; returns the press if it was a click, which is not the rectangle's."""
        pressed, self._pressed = self._pressed, None
        if pressed is None or self._is_dragging or pressed[1] is not Edges.ALL:
            return None
        return pressed[0]

    def cancel(self) -> bool:
        """Return to the rectangle before the drag; False if the mouse does not hold it."""
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return False
        self._set_rect(pressed[2])
        return True
