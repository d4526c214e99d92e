"""Paints the lines of boxes, their hatching, and the signs at bad ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QTransform

from iouviewer.metrics.table import Float
from iouviewer.ui.canvas.frame_view import DrawnBox, Role
from iouviewer.ui.canvas.hit import Ref
from iouviewer.ui.palette import IGNORED

_STYLES = {
    "solid": None,
    "dash": [5.0, 3.0],
    "dot": [1.5, 2.5],
    "dashdot": [6.0, 2.5, 1.5, 2.5],
    "dashdotdot": [6.0, 2.5, 1.5, 2.5, 1.5, 2.5],
}
HALO = QColor(0, 0, 0, 110)
"""The dark line under each coloured one: boxes stay visible on any picture."""

_SIGN, _QUIET_SIGN = 5.0, 3.5
"""Radius of the signs for misses and false positives, logical pixels; of quiet boxes."""

_QUIET = 175
"""Alpha of the lines of quiet boxes."""

_KEPT = 2048
"""Outlines that are kept; those of the boxes on screen are a few hundred."""


def pen_of(colour: str, dash: str = "solid", width: float = 2.0, *, ratio: float = 1.0) -> QPen:
    """A cosmetic pen of a width in logical pixels; Qt counts cosmetic widths in device pixels, hence ``ratio``."""
    pen = QPen(QColor(colour), width * ratio)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    pattern = _STYLES[dash]
    if pattern is not None:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern(pattern)
    return pen


def outline(rect: QRectF, half: float) -> tuple[QRectF, QRectF, QRectF, QRectF]:
    """The sides of a rectangle as filled ones, ``2 * half`` wide: many times faster than a pen of that width."""
    width = 2 * half
    x, y, w, h = rect.x() - half, rect.y() - half, rect.width(), rect.height()
    inner = max(h - width, 0.0)
    return (
        QRectF(x, y, w + width, width),
        QRectF(x, y + h, w + width, width),
        QRectF(x, y + width, width, inner),
        QRectF(x + w, y + width, width, inner),
    )


class _Look(NamedTuple):
    """What lines are painted together, in this order: the same one whichever boxes are painted anew."""

    is_ground_truth: bool
    is_loud: bool
    counts: bool
    colour: str
    dash: str


class _Outline(NamedTuple):
    """A box on screen: its rectangle, and what is filled for its dark and its coloured line."""

    box: DrawnBox
    look: _Look
    rect: QRectF
    halo: Sequence[QRectF]
    line: Sequence[QRectF]

    @classmethod
    def of(cls, box: DrawnBox, rect: QRectF) -> _Outline:
        look = _Look(box.ref.is_ground_truth, not box.quiet, box.role is not Role.IGNORED, box.colour, box.dash)
        halo = () if box.quiet else outline(rect, 2.0)
        return cls(box, look, rect, halo, (rect,) if _is_drawn(box) else outline(rect, 1.0))


def _is_drawn(box: DrawnBox) -> bool:
    """Whether its line is drawn with a pen; others are filled."""
    return box.quiet or box.dash != "solid"


class BoxLines:
    """Paints boxes on screen; their outlines are kept while boxes and zoom stay."""

    def __init__(self) -> None:
        self._ratio = 1.0
        self._transform = QTransform()
        self._pens: dict[tuple[str, str, bool], QPen] = {}
        self._brushes: dict[str, QBrush] = {}
        # A dragged box repaints its neighbours at each move.
        self._kept: dict[Ref, _Outline] = {}

    def paint(self, painter: QPainter, transform: QTransform, ratio: float, boxes: Sequence[DrawnBox]) -> None:
        """Paint these boxes, in this order.

        Args:
            painter: its world transform is the identity.
            transform: from picture pixels to logical pixels of the window.
            ratio: device pixels a logical pixel.
        """
        self._use(transform, ratio)
        shapes = self._shapes(boxes)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(HALO)
        painter.drawRects([side for shape in shapes for side in shape.halo])
        groups: dict[_Look, list[QRectF]] = {}
        for shape in shapes:
            groups.setdefault(shape.look, []).extend(shape.line)
        for look in sorted(groups):
            if look.dash == "solid" and look.is_loud:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self._brush(look.colour))
            else:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(self._pen(look.colour, look.dash, not look.is_loud))
            painter.drawRects(groups[look])
        self._paint_hatching(painter, [shape.rect for shape in shapes if shape.box.role is Role.IGNORED])
        self._paint_signs(painter, [s for s in shapes if s.box.role in (Role.MISS, Role.FALSE_POSITIVE)])

    def _use(self, transform: QTransform, ratio: float) -> None:
        if ratio != self._ratio:
            self._ratio = ratio
            self._pens.clear()
            self._kept.clear()
        if transform != self._transform or len(self._kept) > _KEPT:
            self._transform = transform
            self._kept.clear()

    def _shapes(self, boxes: Sequence[DrawnBox]) -> list[_Outline]:
        kept = self._kept
        missing = [box for box in boxes if (shape := kept.get(box.ref)) is None or shape.box is not box]
        if missing:
            edges = self._on_screen(np.array([box.rect for box in missing], np.float64))
            for box, (x1, y1, x2, y2) in zip(missing, edges.tolist(), strict=True):
                kept[box.ref] = _Outline.of(box, QRectF(x1, y1, x2 - x1, y2 - y1))
        return [kept[box.ref] for box in boxes]

    def _on_screen(self, rects: Float) -> Float:
        """(N, 4) picture pixels as logical pixels, rounded to device pixels: lines stay sharp without antialiasing."""
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

    def _pen(self, colour: str, dash: str, quiet: bool) -> QPen:
        pen = self._pens.get((colour, dash, quiet))
        if pen is None:
            pen = pen_of(colour, dash, 1.0 if quiet else 2.0, ratio=self._ratio)
            if quiet:
                dim = pen.color()
                dim.setAlpha(_QUIET)
                pen.setColor(dim)
            self._pens[colour, dash, quiet] = pen
        return pen

    def _paint_hatching(self, painter: QPainter, rects: list[QRectF]) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        if rects:
            colour = QColor(IGNORED)
            colour.setAlpha(120)
            painter.setBrush(QBrush(colour, Qt.BrushStyle.BDiagPattern))
            painter.drawRects(rects)

    def _paint_signs(self, painter: QPainter, shapes: Iterable[_Outline]) -> None:
        """A ring at a miss, a cross at a false positive, on the top right corner."""
        if not shapes:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rim, ink = QPen(QColor(0, 0, 0, 150), 1.0), QPen(QColor(16, 16, 16), 1.8)
        for shape in shapes:
            box, corner = shape.box, shape.rect.topRight()
            radius = _QUIET_SIGN if box.quiet else _SIGN
            inner = radius * 0.52
            painter.setPen(rim)
            painter.setBrush(self._brush(box.colour))
            painter.drawEllipse(corner, radius, radius)
            painter.setPen(ink)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if box.role is Role.MISS:
                painter.drawEllipse(corner, inner, inner)
            else:
                painter.drawLine(corner + QPointF(-inner, -inner), corner + QPointF(inner, inner))
                painter.drawLine(corner + QPointF(-inner, inner), corner + QPointF(inner, -inner))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
