"""Paints the outlines of boxes, the hatching of ignored ones, and the signs at missed and extra ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QTransform

from iouviewer.metrics.table import Float
from iouviewer.ui.canvas.frame_view import BoxState, CanvasBox
from iouviewer.ui.canvas.hit import BoxRef
from iouviewer.ui.palette import IGNORED

_STYLES = {
    "solid": None,
    "dash": [5.0, 3.0],
    "dot": [1.5, 2.5],
    "dashdot": [6.0, 2.5, 1.5, 2.5],
    "dashdotdot": [6.0, 2.5, 1.5, 2.5, 1.5, 2.5],
}
HALO = QColor(0, 0, 0, 110)
"""Colour of the dark line under each coloured one, which keeps boxes visible on any image."""

_SIGN_RADIUS, _SECONDARY_SIGN_RADIUS = 5.0, 3.5
"""Radius of the signs at missed and extra boxes, logical pixels."""

_SECONDARY_ALPHA = 175
"""Alpha of the lines of secondary boxes."""

_CACHED_OUTLINES = 2048
"""Outlines that are cached; a frame has a few hundred boxes."""


def make_pen(colour: str, dash: str = "solid", width: float = 2.0, *, ratio: float = 1.0) -> QPen:
    """A cosmetic pen, ``width`` in logical pixels; Qt takes cosmetic widths in device pixels, hence ``ratio``."""
    pen = QPen(QColor(colour), width * ratio)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    pattern = _STYLES[dash]
    if pattern is not None:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern(pattern)
    return pen


def outline(rect: QRectF, half: float) -> tuple[QRectF, QRectF, QRectF, QRectF]:
    """The sides of a rectangle as rectangles to fill, ``2 * half`` wide: much faster than a pen of that width."""
    width = 2 * half
    x, y, w, h = rect.x() - half, rect.y() - half, rect.width(), rect.height()
    inner = max(h - width, 0.0)
    return (
        QRectF(x, y, w + width, width),
        QRectF(x, y + h, w + width, width),
        QRectF(x, y + width, width, inner),
        QRectF(x + w, y + width, width, inner),
    )


class _Style(NamedTuple):
    """Style of a line. Lines are painted style by style in this sort order, whichever boxes are repainted."""

    is_ground_truth: bool
    is_primary: bool
    is_counted: bool
    colour: str
    dash: str


class _Outline(NamedTuple):
    """A box on screen: its rectangle, and the rectangles of its dark and its coloured line."""

    box: CanvasBox
    style: _Style
    rect: QRectF
    halo: Sequence[QRectF]
    line: Sequence[QRectF]

    @classmethod
    def of(cls, box: CanvasBox, rect: QRectF) -> _Outline:
        style = _Style(
            box.ref.is_ground_truth, not box.is_secondary, box.state is not BoxState.IGNORED, box.colour, box.dash
        )
        halo = () if box.is_secondary else outline(rect, 2.0)
        uses_pen = box.is_secondary or box.dash != "solid"
        return cls(box, style, rect, halo, (rect,) if uses_pen else outline(rect, 1.0))


class BoxLines:
    """Paints boxes on screen; outlines are cached while boxes and zoom stay the same."""

    def __init__(self) -> None:
        self._ratio = 1.0
        self._transform = QTransform()
        self._pens: dict[tuple[str, str, bool], QPen] = {}
        self._brushes: dict[str, QBrush] = {}
        # A dragged box repaints its neighbours at every move.
        self._outlines: dict[BoxRef, _Outline] = {}

    def paint(self, painter: QPainter, transform: QTransform, ratio: float, boxes: Sequence[CanvasBox]) -> None:
        """Paint these boxes, in this order.

        Args:
            painter: its world transform is the identity.
            transform: from image pixels to logical pixels of the window.
            ratio: device pixels per logical pixel.
        """
        self._use(transform, ratio)
        outlines = self._outlines_of(boxes)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(HALO)
        painter.drawRects([side for shape in outlines for side in shape.halo])
        groups: dict[_Style, list[QRectF]] = {}
        for shape in outlines:
            groups.setdefault(shape.style, []).extend(shape.line)
        for style in sorted(groups):
            if style.dash == "solid" and style.is_primary:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self._brush(style.colour))
            else:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(self._pen(style))
            painter.drawRects(groups[style])
        self._paint_hatching(painter, [shape.rect for shape in outlines if shape.box.state is BoxState.IGNORED])
        self._paint_signs(painter, [s for s in outlines if s.box.state in (BoxState.MISSED, BoxState.EXTRA)])

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
            edges = self._on_screen(np.array([box.rect for box in missing], np.float64))
            for box, (x1, y1, x2, y2) in zip(missing, edges.tolist(), strict=True):
                cached[box.ref] = _Outline.of(box, QRectF(x1, y1, x2 - x1, y2 - y1))
        return [cached[box.ref] for box in boxes]

    def _on_screen(self, rects: Float) -> Float:
        """(N, 4) image pixels as logical pixels, rounded to device pixels: lines are sharp without antialiasing."""
        rects = rects * self._transform.m11()
        rects[:, 0::2] += self._transform.dx()
        rects[:, 1::2] += self._transform.dy()
        rounded: Float = (rects * self._ratio).round() / self._ratio
        return rounded

    def _brush(self, colour: str) -> QBrush:
        brush = self._brushes.get(colour)
        if brush is None:
            brush = self._brushes[colour] = QBrush(QColor(colour))
        return brush

    def _pen(self, style: _Style) -> QPen:
        key = (style.colour, style.dash, style.is_primary)
        pen = self._pens.get(key)
        if pen is None:
            pen = make_pen(style.colour, style.dash, 2.0 if style.is_primary else 1.0, ratio=self._ratio)
            if not style.is_primary:
                dimmed = pen.color()
                dimmed.setAlpha(_SECONDARY_ALPHA)
                pen.setColor(dimmed)
            self._pens[key] = pen
        return pen

    def _paint_hatching(self, painter: QPainter, rects: list[QRectF]) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        if rects:
            colour = QColor(IGNORED)
            colour.setAlpha(120)
            painter.setBrush(QBrush(colour, Qt.BrushStyle.BDiagPattern))
            painter.drawRects(rects)

    def _paint_signs(self, painter: QPainter, outlines: Sequence[_Outline]) -> None:
        """A ring at a missed box, a cross at an extra one, on the top right corner."""
        if not outlines:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rim, ink = QPen(QColor(0, 0, 0, 150), 1.0), QPen(QColor(16, 16, 16), 1.8)
        for shape in outlines:
            box, corner = shape.box, shape.rect.topRight()
            radius = _SECONDARY_SIGN_RADIUS if box.is_secondary else _SIGN_RADIUS
            inner = radius * 0.52
            painter.setPen(rim)
            painter.setBrush(self._brush(box.colour))
            painter.drawEllipse(corner, radius, radius)
            painter.setPen(ink)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if box.state is BoxState.MISSED:
                painter.drawEllipse(corner, inner, inner)
            else:
                painter.drawLine(corner + QPointF(-inner, -inner), corner + QPointF(inner, inner))
                painter.drawLine(corner + QPointF(-inner, inner), corner + QPointF(inner, -inner))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
