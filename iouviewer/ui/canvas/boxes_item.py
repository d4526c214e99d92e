"""The item that paints every box that is not being edited, in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from iouviewer.ui.canvas.frame_view import FEW, DrawnBox, FrameView, Role, shown_label
from iouviewer.ui.canvas.hit import Ref
from iouviewer.ui.canvas.labels import Label, LabelCache
from iouviewer.ui.palette import IGNORED

_STYLES = {
    "solid": None,
    "dash": [5.0, 3.0],
    "dot": [1.5, 2.5],
    "dashdot": [6.0, 2.5, 1.5, 2.5],
    "dashdotdot": [6.0, 2.5, 1.5, 2.5, 1.5, 2.5],
}
_SIGN = 4.0
"""Half the size of the signs for misses and false positives, logical pixels."""

_LABEL_REACH = 260.0
"""How far a label may go beyond its box, logical pixels."""

_REACH = 8.0
"""How far lines and signs may go beyond a box, logical pixels."""


def pen_of(colour: str, dash: str = "solid", width: float = 2.0) -> QPen:
    """A cosmetic pen."""
    pen = QPen(QColor(colour), width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    pattern = _STYLES[dash]
    if pattern is not None:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern(pattern)
    return pen


def halo_pen(width: float = 4.0) -> QPen:
    """The dark line under each coloured one: boxes stay visible on any picture."""
    colour = QColor(0, 0, 0, 110)
    pen = QPen(colour, width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return pen


class BoxesItem(QGraphicsItem):
    """Paints a FrameView. Boxes change through ``show_view``, which repaints only where the views differ."""

    def __init__(self, labels: LabelCache) -> None:
        super().__init__()
        self.setZValue(1)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._labels = labels
        self._view = FrameView()
        self._bounds = QRectF()
        self.picture = QRectF()
        self._pens: dict[tuple[str, str], QPen] = {}
        self._halo = halo_pen()
        self.emphasised: frozenset[Ref] = frozenset()
        self.left_out: frozenset[Ref] = frozenset()
        self.all_labels = False
        self.px: Callable[[], float] = lambda: 1.0

    def boundingRect(self) -> QRectF:
        return self._bounds

    def set_bounds(self, bounds: QRectF) -> None:
        """Where boxes may lie, picture pixels."""
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds

    @property
    def view(self) -> FrameView:
        return self._view

    def show_view(self, view: FrameView) -> None:
        """Show another view; only boxes that differ are repainted where it is the same frame."""
        old, self._view = self._view, view
        crowding = (old.labelled > FEW) != (view.labelled > FEW)
        if old.frame != view.frame or crowding:
            self.update()
        else:
            self._repaint(old.differing(view), emphasised=self.emphasised)

    def emphasise(self, refs: frozenset[Ref], left_out: frozenset[Ref]) -> None:
        """Show the details of these boxes, and do not draw the rectangles of ``left_out``."""
        touched = (self.emphasised ^ refs) | (self.left_out ^ left_out)
        before = self.emphasised | refs
        self.emphasised, self.left_out = refs, left_out
        found = (self._view.find(ref) for ref in touched)
        self._repaint((box for box in found if box is not None), emphasised=before)

    def _repaint(self, boxes: Iterable[DrawnBox], *, emphasised: frozenset[Ref]) -> None:
        px = self.px()
        for box in boxes:
            self.update(self._touched(box, px, emphasised=box.ref in emphasised))

    def _touched(self, box: DrawnBox, px: float, *, emphasised: bool) -> QRectF:
        """Where a box paints, its label included, picture pixels."""
        x1, y1, x2, y2 = (value / px for value in box.rect)
        rect = QRectF(x1, y1, x2 - x1, y2 - y1)
        touched = rect.adjusted(-_REACH, -_REACH, _REACH, _REACH)
        picture = QRectF(self.picture.topLeft() / px, self.picture.size() / px)
        for label in (box.label, box.detail if emphasised else None):
            if label is not None:
                place = QRectF(self._place(label, rect, picture), self._labels.size(label))
                touched |= place.adjusted(-2, -2, 2, 2)
        return QRectF(touched.topLeft() * px, touched.size() * px)

    # Painting

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:  # noqa: ARG002
        boxes = self._view.boxes
        if not boxes:
            return
        transform = painter.worldTransform()
        self._labels.use_ratio(painter.device().devicePixelRatioF())
        exposed = transform.mapRect(option.exposedRect)
        rects = self._view.rects * transform.m11()
        rects[0::2] += transform.dx()
        rects[1::2] += transform.dy()
        near = (
            (rects[0] < exposed.right() + _LABEL_REACH)
            & (rects[2] > exposed.left() - _LABEL_REACH)
            & (rects[1] < exposed.bottom() + _LABEL_REACH)
            & (rects[3] > exposed.top() - _LABEL_REACH)
        )
        drawn = [
            (boxes[i], QRectF(x1, y1, x2 - x1, y2 - y1))
            for i, x1, y1, x2, y2 in zip(np.flatnonzero(near).tolist(), *rects[:, near].round().tolist(), strict=True)
        ]
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        grown = exposed.adjusted(-_REACH, -_REACH, _REACH, _REACH)
        lines = [(box, rect) for box, rect in drawn if box.ref not in self.left_out and rect.intersects(grown)]
        self._paint_lines(painter, lines)
        self._paint_signs(painter, lines)
        self._paint_labels(painter, drawn, exposed, transform)
        painter.setWorldTransform(transform)

    def _paint_lines(self, painter: QPainter, lines: list[tuple[DrawnBox, QRectF]]) -> None:
        groups: dict[tuple[str, str], list[QRectF]] = {}
        hatched: list[QRectF] = []
        for box, rect in lines:
            ignored = box.role is Role.IGNORED
            groups.setdefault((IGNORED if ignored else box.colour, box.dash), []).append(rect)
            if ignored:
                hatched.append(rect)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._halo)
        painter.drawRects([rect for rects in groups.values() for rect in rects])
        for look, rects in groups.items():
            pen = self._pens.get(look)
            if pen is None:
                pen = self._pens[look] = pen_of(*look)
            painter.setPen(pen)
            painter.drawRects(rects)
        if hatched:
            colour = QColor(IGNORED)
            colour.setAlpha(120)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QBrush(colour, Qt.BrushStyle.BDiagPattern))
            painter.drawRects(hatched)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_signs(self, painter: QPainter, lines: list[tuple[DrawnBox, QRectF]]) -> None:
        """A ring at a miss, a cross at a false positive, on the top right corner."""
        bad = [(box, rect.topRight()) for box, rect in lines if box.role in (Role.MISS, Role.FALSE_POSITIVE)]
        if not bad:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for box, corner in bad:
            painter.setPen(QPen(QColor(0, 0, 0, 150), 1.0))
            painter.setBrush(QColor(box.colour))
            painter.drawEllipse(corner, _SIGN + 1.5, _SIGN + 1.5)
            painter.setPen(QPen(QColor(20, 20, 20), 1.6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if box.role is Role.MISS:
                painter.drawEllipse(corner, _SIGN - 1.5, _SIGN - 1.5)
            else:
                arm = _SIGN - 1.5
                painter.drawLine(corner + QPointF(-arm, -arm), corner + QPointF(arm, arm))
                painter.drawLine(corner + QPointF(-arm, arm), corner + QPointF(arm, -arm))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_labels(
        self, painter: QPainter, drawn: list[tuple[DrawnBox, QRectF]], exposed: QRectF, transform: QTransform
    ) -> None:
        crowded = self._view.labelled > FEW
        picture = transform.mapRect(self.picture)
        px = 1 / transform.m11()
        last: list[tuple[QPointF, Label]] = []
        for box, rect in drawn:
            emphasised = box.ref in self.emphasised
            label = shown_label(box, emphasised=emphasised, all_labels=self.all_labels, crowded=crowded, px=px)
            if label is None:
                continue
            place = self._place(label, rect, picture)
            if not QRectF(place, self._labels.size(label)).intersects(exposed):
                continue
            if emphasised:
                last.append((place, label))
            else:
                painter.drawPixmap(place, self._labels.pixmap(label))
        for place, label in last:
            painter.drawPixmap(place, self._labels.pixmap(label))

    def _place(self, label: Label, rect: QRectF, picture: QRectF) -> QPointF:
        """Top left corner of a label: above its box, inside where that is off the picture; logical pixels.

        It depends on the picture, not on the window, because scrolling moves what is painted already.
        """
        size = self._labels.size(label)
        y = rect.top() - size.height() - 2
        if y < picture.top() and rect.top() >= picture.top() - 1:
            y = rect.top() + 2
        x = rect.left() - 1
        if x + size.width() > picture.right() > rect.left():
            x = picture.right() - size.width()
        return QPointF(round(x), round(y))
