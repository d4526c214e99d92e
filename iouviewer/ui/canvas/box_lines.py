"""Paints the outlines of boxes at rest, the hatching of ignored ones, and the padlocks of locked ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import floor
from typing import Any, NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QTransform

from iouviewer.metrics.table import Float
from iouviewer.ui.canvas.box_look import BoxLook, with_alpha
from iouviewer.ui.canvas.captions import TEXT
from iouviewer.ui.canvas.frame_view import CanvasBox
from iouviewer.ui.canvas.hit import BoxRef
from iouviewer.ui.theme import colour
from iouviewer.ui.tokens import CANVAS, LINES, OPACITY, RADIUS, SIZE

HALO = colour(CANVAS.halo)
"""Colour of the dark line along each coloured one, which keeps boxes visible on any image."""
_HALO_WIDTH = LINES["halo"].width
_HATCHING = with_alpha(CANVAS.ignored, 0.6)
_LOCK_GAP = 4.0
"""Distance of a padlock from its box, logical pixels."""
_CACHED_OUTLINES = 2048
"""Outlines that are cached; a frame has a few hundred boxes."""

Sides = tuple[QRectF, QRectF, QRectF, QRectF]


def device_width(width: float, ratio: float) -> float:
    """A width in logical pixels, rounded to device pixels, at least one: lines are sharp without antialiasing."""
    return max(1.0, floor(width * ratio + 0.5)) / ratio


def dash_pattern(dash: Sequence[float], width: float) -> list[float]:
    """A dash pattern in logical pixels in Qt's unit, the width of the pen."""
    return [part / width for part in dash]


def make_pen(colour: QColor, width: float, dash: Sequence[float] = (), *, ratio: float = 1.0) -> QPen:
    """A cosmetic pen, ``width`` in logical pixels; Qt takes cosmetic widths in device pixels, hence ``ratio``."""
    pen = QPen(colour, width * ratio)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    if dash:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern(dash_pattern(dash, width))
    return pen


def frame_sides(rect: QRectF, outside: float, inside: float) -> Sides:
    """The sides of a rectangle as rectangles to fill, much faster than a pen of that width.

    Args:
        outside, inside: how far they extend from the edges of ``rect``.
    """
    width = outside + inside
    x, y, w, h = rect.x() - outside, rect.y() - outside, rect.width(), rect.height()
    inner = max(h - 2 * inside, 0.0)
    return (
        QRectF(x, y, w + 2 * outside, width),
        QRectF(x, y + h + outside - inside, w + 2 * outside, width),
        QRectF(x, y + width, width, inner),
        QRectF(x + w + outside - inside, y + width, width, inner),
    )


@cache
def line_offsets(width: float, ratio: float) -> tuple[float, float]:
    """How far a line extends outside and inside of an edge, logical pixels; the sum is ``device_width``."""
    pixels = round(device_width(width, ratio) * ratio)
    return (pixels - pixels // 2) / ratio, (pixels // 2) / ratio


def on_screen(rects: Float, transform: QTransform, ratio: float) -> Float:
    """(N, 4) image pixels as logical pixels of the window, rounded to device pixels."""
    rects = rects * transform.m11()
    rects[:, 0::2] += transform.dx()
    rects[:, 1::2] += transform.dy()
    rounded: Float = (rects * ratio).round() / ratio
    return rounded


def padlock_rect(rect: QRectF) -> QRectF:
    """Where the padlock of a locked box is, logical pixels."""
    width, height = SIZE["padlock_width"], SIZE["padlock_height"]
    return QRectF(round(rect.center().x() - width / 2), round(rect.top() - height - _LOCK_GAP), width, height)


class _Style(NamedTuple):
    """Style of a line. Lines are painted style by style in this sort order, whichever boxes are repainted."""

    is_ground_truth: bool
    is_counted: bool
    look: BoxLook
    opacity: float


class _Outline(NamedTuple):
    """A box on screen: its rectangle, the rectangles of its dark line, and its coloured line.

    Solid lines are rectangles to fill. Dashed ones are lines: much faster than a dashed rectangle, and their dashes
    begin at corners.
    """

    box: CanvasBox
    rect: QRectF
    halo: Sequence[QRectF]
    line: Sequence[QRectF] | Sequence[QLineF]

    @classmethod
    def of(cls, box: CanvasBox, edges: Sequence[float], ratio: float) -> _Outline:
        """``edges``: x1, y1, x2, y2, logical pixels."""
        x1, y1, x2, y2 = edges
        rect = QRectF(x1, y1, x2 - x1, y2 - y1)
        outside, inside = line_offsets(box.look.width, ratio)
        halo = frame_sides(rect, outside + _HALO_WIDTH, inside + _HALO_WIDTH)
        if not box.look.dash:
            return cls(box, rect, halo, frame_sides(rect, outside, inside))
        # A line of an odd number of device pixels is centred on pixels, not between them.
        shift = (outside - inside) / 2
        x1, y1, x2, y2 = x1 - shift, y1 - shift, x2 + shift, y2 + shift
        lines = (QLineF(x1, y1, x2, y1), QLineF(x1, y2, x2, y2), QLineF(x1, y1, x1, y2), QLineF(x2, y1, x2, y2))
        return cls(box, rect, halo, lines)


class BoxLines:
    """Paints boxes on screen; outlines are cached while boxes and zoom stay the same."""

    def __init__(self) -> None:
        self._ratio = 1.0
        self._transform = QTransform()
        self._pens: dict[tuple[BoxLook, float], QPen] = {}
        self._brushes: dict[tuple[str, float], QBrush] = {}
        # A dragged box repaints its neighbours at every move.
        self._outlines: dict[BoxRef, _Outline] = {}

    def paint(
        self,
        painter: QPainter,
        transform: QTransform,
        ratio: float,
        boxes: Sequence[CanvasBox],
        *,
        opacity: float = 1.0,
        in_front: frozenset[BoxRef] = frozenset(),
    ) -> None:
        """Paint these boxes, in this order.

        Args:
            painter: its world transform is the identity.
            transform: from image pixels to logical pixels of the window.
            ratio: device pixels per logical pixel.
            opacity: of all of them, 0 to 1.
            in_front: predictions of selected pairs, which have full strength.
        """
        self._use(transform, ratio)
        halos: dict[float, list[QRectF]] = {}
        groups: dict[_Style, list[Any]] = {}
        outlines = self._outlines_of(boxes)
        for shape in outlines:
            look, is_ground_truth = shape.box.look, not shape.box.ref.variant
            strength = opacity * _strength(shape.box, in_front)
            halos.setdefault(strength, []).extend(shape.halo)
            style = _Style(is_ground_truth, not look.is_hatched, look, strength)
            groups.setdefault(style, []).extend(shape.line)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        for strength in sorted(halos):
            painter.setBrush(self._brush(CANVAS.halo, strength))
            painter.drawRects(halos[strength])
        for style in sorted(groups):
            if style.look.dash:
                painter.setPen(self._pen(style))
                painter.drawLines(groups[style])
            else:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self._brush(style.look.colour, style.opacity))
                painter.drawRects(groups[style])
        self._paint_hatching(painter, [shape.rect for shape in outlines if shape.box.look.is_hatched])
        paint_padlocks(painter, [shape.rect for shape in outlines if shape.box.is_locked])

    def _use(self, transform: QTransform, ratio: float) -> None:
        if ratio != self._ratio:
            self._ratio = ratio
            self._pens.clear()
            self._outlines.clear()
        if transform != self._transform or len(self._outlines) > _CACHED_OUTLINES:
            self._transform = transform
            self._outlines.clear()

    def _outlines_of(self, boxes: Sequence[CanvasBox]) -> list[_Outline]:
        cached = self._outlines
        missing = [box for box in boxes if (shape := cached.get(box.ref)) is None or shape.box is not box]
        if missing:
            edges = on_screen(np.array([box.rect for box in missing], np.float64), self._transform, self._ratio)
            for box, found in zip(missing, edges.tolist(), strict=True):
                cached[box.ref] = _Outline.of(box, found, self._ratio)
        return [cached[box.ref] for box in boxes]

    def _brush(self, value: str, opacity: float) -> QBrush:
        brush = self._brushes.get((value, opacity))
        if brush is None:
            filled = colour(value)
            filled.setAlphaF(filled.alphaF() * opacity)
            brush = self._brushes[value, opacity] = QBrush(filled)
        return brush

    def _pen(self, style: _Style) -> QPen:
        look, opacity = style.look, style.opacity
        pen = self._pens.get((look, opacity))
        if pen is None:
            width = device_width(look.width, self._ratio)
            pen = make_pen(with_alpha(look.colour, opacity), width, look.dash, ratio=self._ratio)
            self._pens[look, opacity] = pen
        return pen

    def _paint_hatching(self, painter: QPainter, rects: list[QRectF]) -> None:
        if rects:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QBrush(_HATCHING, Qt.BrushStyle.BDiagPattern))
            painter.drawRects(rects)


def _strength(box: CanvasBox, in_front: frozenset[BoxRef]) -> float:
    if box.is_dimmed:
        return OPACITY["others_while_isolated"]
    return OPACITY["matched"] if box.is_matched and box.ref not in in_front else 1.0


def paint_padlocks(painter: QPainter, rects: Sequence[QRectF]) -> None:
    """A padlock above each of these boxes, logical pixels."""
    if not rects:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for rect in rects:
        plate = padlock_rect(rect)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(CANVAS.label_bg))
        painter.drawRoundedRect(plate, RADIUS["canvas_label"], RADIUS["canvas_label"])
        centre = plate.center()
        body = QRectF(centre.x() - 4.5, centre.y() - 1.0, 9.0, 6.5)
        shackle = QPainterPath(QPointF(body.left() + 1.8, body.top()))
        shackle.arcTo(QRectF(body.left() + 1.8, body.top() - 4.5, 5.4, 6.0), 180, -180)
        shackle.lineTo(body.right() - 1.8, body.top())
        painter.setPen(QPen(QColor(TEXT), 1.3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(shackle)
        painter.setBrush(QColor(TEXT))
        painter.drawRoundedRect(body, 1.2, 1.2)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
