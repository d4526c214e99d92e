"""The item that draws emphasised boxes: those that are selected, dragged or under the mouse, and their handles."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from iouviewer.document.boxes import Edges, Rect
from iouviewer.ui.canvas.box_lines import (
    HALO,
    dash_pattern,
    device_width,
    frame_sides,
    line_offsets,
    on_screen,
    paint_padlocks,
)
from iouviewer.ui.canvas.box_look import with_alpha
from iouviewer.ui.canvas.frame_view import CanvasBox
from iouviewer.ui.canvas.hit import HANDLE_SIZE, handles
from iouviewer.ui.tokens import CANVAS, LINES, SIZE

_HANDLE_REACH, _LINE_REACH = 2 * HANDLE_SIZE, 6.0
"""How far handles and lines extend beyond a box, logical pixels."""
_LOCKED_REACH = SIZE["padlock_height"] + 6.0
_HALO_WIDTH = LINES["halo"].width
_SELECTED = QColor(CANVAS.selected)
_HANDLE_RIM, _HANDLE_RADIUS = 1.5, 2.0


class Emphasis(Enum):
    """Why a box is emphasised."""

    HOVERED = "hovered"
    SELECTED = "selected"
    DRAGGED = "dragged"


class EmphasisedBox(NamedTuple):
    """A box to draw with emphasis; ``edges`` are those that a press would drag."""

    box: CanvasBox
    emphasis: Emphasis
    edges: Edges = Edges.NONE


class SelectionItem(QGraphicsItem):
    """Draws emphasised boxes; handles at a single selected ground-truth box, hidden while it is dragged."""

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(2)
        self._boxes: tuple[EmphasisedBox, ...] = ()
        self._editable: Rect | None = None
        self._bounds = QRectF()
        self._px = 1.0

    def boundingRect(self) -> QRectF:
        return self._bounds

    @property
    def boxes(self) -> tuple[EmphasisedBox, ...]:
        """The emphasised boxes."""
        return self._boxes

    def show_boxes(self, boxes: tuple[EmphasisedBox, ...], editable: Rect | None, px: float) -> None:
        """Draw these boxes, the last one on top, with handles at ``editable``; ``px``: image pixels per pixel."""
        if (boxes, editable, px) == (self._boxes, self._editable, self._px):
            return
        self._boxes, self._editable, self._px = boxes, editable, px
        bounds = QRectF()
        for box, _, _ in boxes:
            x1, y1, x2, y2 = box.rect
            # Without handles, as during a drag, less of the image is repainted at each move.
            reach = px * (_LOCKED_REACH if box.is_locked else _HANDLE_REACH if box.rect == editable else _LINE_REACH)
            bounds |= QRectF(x1 - reach, y1 - reach, x2 - x1 + 2 * reach, y2 - y1 + 2 * reach)
        self.prepareGeometryChange()
        self._bounds = bounds

    @property
    def handle_count(self) -> int:
        """Number of handles shown."""
        return len(handles(self._editable, self._px)) if self._editable is not None else 0

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        transform = painter.worldTransform()
        ratio = painter.device().devicePixelRatioF()
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        rects = on_screen(np.array([one.box.rect for one in self._boxes], np.float64).reshape(-1, 4), transform, ratio)
        for one, (x1, y1, x2, y2) in zip(self._boxes, rects.tolist(), strict=True):
            _paint_box(painter, one, QRectF(x1, y1, x2 - x1, y2 - y1), ratio)
        if self._editable is not None:
            self._paint_handles(painter, transform, self._editable)
        painter.setWorldTransform(transform)

    def _paint_handles(self, painter: QPainter, transform: QTransform, rect: Rect) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(CANVAS.gt), _HANDLE_RIM))
        painter.setBrush(_SELECTED)
        side = HANDLE_SIZE - _HANDLE_RIM
        half = QPointF(side / 2, side / 2)
        for _edges, x, y in handles(rect, self._px):
            place = QRectF(transform.map(QPointF(x, y)) - half, QSizeF(side, side))
            painter.drawRoundedRect(place, _HANDLE_RADIUS, _HANDLE_RADIUS)


def _paint_box(painter: QPainter, one: EmphasisedBox, rect: QRectF, ratio: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    box, role = one.box, LINES[one.emphasis.value]
    if role.fill and box.ref.is_ground_truth:
        painter.fillRect(rect, with_alpha(box.look.colour, role.fill))
    if one.emphasis is Emphasis.HOVERED:
        _paint_line(painter, rect, box.look.colour, role.width, box.look.dash, ratio)
    else:
        ring = device_width(LINES["ring"].width, ratio) if one.emphasis is Emphasis.SELECTED else 0.0
        outside, inside = line_offsets(role.width, ratio)
        _fill(painter, HALO, frame_sides(rect, outside + ring + _HALO_WIDTH, inside + _HALO_WIDTH))
        if ring:
            _fill(painter, QColor(box.look.colour), frame_sides(rect, outside + ring, -outside))
        _fill(painter, _SELECTED, frame_sides(rect, outside, inside))
    if one.edges is not Edges.ALL:
        _paint_edges(painter, rect, one.edges, ratio)
    if box.is_locked:
        paint_padlocks(painter, [rect])


def _paint_line(
    painter: QPainter, rect: QRectF, colour: str, width: float, dash: tuple[float, ...], ratio: float
) -> None:
    outside, inside = line_offsets(width, ratio)
    _fill(painter, HALO, frame_sides(rect, outside + _HALO_WIDTH, inside + _HALO_WIDTH))
    if not dash:
        _fill(painter, QColor(colour), frame_sides(rect, outside, inside))
        return
    width = outside + inside
    pen = QPen(QColor(colour), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.MiterJoin)
    pen.setDashPattern(dash_pattern(dash, width))
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect)
    painter.setPen(Qt.PenStyle.NoPen)


def _paint_edges(painter: QPainter, rect: QRectF, edges: Edges, ratio: float) -> None:
    """The edges that a press would drag: white, over the line of the box."""
    outside, inside = line_offsets(LINES["hovered_edge"].width, ratio)
    sides = zip((Edges.TOP, Edges.BOTTOM, Edges.LEFT, Edges.RIGHT), range(4), strict=True)
    hovered = [place for edge, place in sides if edges & edge]
    for colour, more in ((HALO, _HALO_WIDTH), (_SELECTED, 0.0)):
        shown = frame_sides(rect, outside + more, inside + more)
        _fill(painter, colour, tuple(shown[place] for place in hovered))


def _fill(painter: QPainter, colour: QColor, sides: tuple[QRectF, ...]) -> None:
    if sides:
        painter.setBrush(colour)
        painter.drawRects(sides)
