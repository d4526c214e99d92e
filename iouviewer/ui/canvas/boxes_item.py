"""The item that paints every box that is not being edited, in one go."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from iouviewer.ui.canvas.frame_view import FEW, DrawnBox, FrameView, Role, is_labelled
from iouviewer.ui.canvas.hit import Ref
from iouviewer.ui.canvas.label_layout import MANY, Wish, place_labels
from iouviewer.ui.canvas.labels import Label, LabelCache
from iouviewer.ui.palette import IGNORED

Placed = tuple[Label, QRectF]
_STYLES = {
    "solid": None,
    "dash": [5.0, 3.0],
    "dot": [1.5, 2.5],
    "dashdot": [6.0, 2.5, 1.5, 2.5],
    "dashdotdot": [6.0, 2.5, 1.5, 2.5, 1.5, 2.5],
}
_SIGN = 5.0
"""Radius of the signs for misses and false positives, logical pixels."""

_REACH = 8.0
"""How far lines and signs go beyond a box, logical pixels."""


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


def halo_pen(width: float = 4.0, *, ratio: float = 1.0) -> QPen:
    """The dark line under each coloured one: boxes stay visible on any picture."""
    pen = QPen(QColor(0, 0, 0, 110), width * ratio)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return pen


class BoxesItem(QGraphicsItem):
    """Paints a FrameView; what changes between two views of a frame is repainted, nothing else."""

    def __init__(self, labels: LabelCache) -> None:
        super().__init__()
        self.setZValue(1)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._cache = labels
        self._view = FrameView()
        self._picture = QSizeF()
        self._bounds = QRectF()
        self._px = 1.0
        self._ratio = 1.0
        self._pens: dict[tuple[str, str], QPen] = {}
        self._halo = halo_pen()
        self._details: dict[Ref, Label] = {}
        self._left_out: frozenset[Ref] = frozenset()
        self._all_labels = False
        # Label and its rectangle by box; logical pixels from the picture's corner. Details stand last, above the others.
        self._placed: dict[Ref, Placed] = {}
        self._kept_places: dict[Ref, tuple[DrawnBox, Placed]] = {}

    def boundingRect(self) -> QRectF:
        return self._bounds

    # What is shown

    def set_picture(self, width: float, height: float, bounds: QRectF) -> None:
        """Size of the picture and where boxes may lie around it, picture pixels."""
        if (width, height) != (self._picture.width(), self._picture.height()):
            self._picture = QSizeF(width, height)
            self._kept_places.clear()
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds

    def set_px(self, px: float) -> None:
        """Picture pixels a logical pixel: another zoom."""
        if px != self._px:
            self._px = px
            self._kept_places.clear()
            self._placed = self._layout()
            self.update()

    def show_view(self, view: FrameView) -> None:
        """Show another view; only boxes that differ are repainted where it is the same frame."""
        old, self._view = self._view, view
        if old.frame != view.frame:
            self._kept_places.clear()
        placed, self._placed = self._placed, self._layout()
        if old.frame != view.frame:
            self.update()
        else:
            self._repaint_boxes(old.differing(view))
            self._repaint_labels(placed)

    def emphasise(self, details: dict[Ref, Label], left_out: frozenset[Ref]) -> None:
        """Show these details at their boxes, and do not draw the rectangles of ``left_out``."""
        if (details, left_out) == (self._details, self._left_out):
            return
        found = (self._view.find(ref) for ref in self._left_out ^ left_out)
        self._details, self._left_out = details, left_out
        placed, self._placed = self._placed, self._layout()
        self._repaint_boxes(box for box in found if box is not None)
        self._repaint_labels(placed)

    def set_all_labels(self, all_labels: bool) -> None:
        """Labels on all boxes that have one."""
        if all_labels != self._all_labels:
            self._all_labels = all_labels
            placed, self._placed = self._placed, self._layout()
            self._repaint_labels(placed)

    @property
    def label_texts(self) -> dict[Ref, str]:
        """What the labels on screen say, by box."""
        return {
            ref: "\n".join("".join(s.text for s in line) for line in label.lines)
            for ref, (label, _) in self._placed.items()
        }

    def _layout(self) -> dict[Ref, Placed]:
        view, details, px = self._view, self._details, self._px
        crowded = view.labelled > FEW
        plain = [
            box
            for box in view.boxes
            if box.label is not None
            and box.ref not in details
            and is_labelled(box, all_labels=self._all_labels, crowded=crowded, px=px)
        ]
        if len(plain) > MANY:
            placed = {box.ref: self._place_alone(box) for box in plain}
        else:
            labels = [box.label for box in plain if box.label is not None]
            placed = self._place(plain, labels)
        # Details of hovered and selected boxes come and go with the mouse: they lie above, and move no other label.
        found = [(box, label) for ref, label in details.items() if (box := view.find(ref)) is not None]
        placed.update(self._place([box for box, _ in found], [label for _, label in found]))
        return placed

    def _place(self, boxes: list[DrawnBox], labels: list[Label]) -> dict[Ref, Placed]:
        scale = 1 / self._px
        wishes = []
        for box, label in zip(boxes, labels, strict=True):
            x1, y1, x2, y2 = box.rect
            size = self._cache.size(label)
            rect = (x1 * scale, y1 * scale, x2 * scale, y2 * scale)
            wishes.append(Wish(rect, size.width(), size.height(), box.role.is_bad))
        places = place_labels(wishes, (self._picture.width() * scale, self._picture.height() * scale))
        return {
            box.ref: (label, QRectF(x, y, wish.width, wish.height))
            for box, label, wish, (x, y) in zip(boxes, labels, wishes, places, strict=True)
        }

    def _place_alone(self, box: DrawnBox) -> Placed:
        """Where the label of a box goes among too many to keep out of one another's way; kept while it is the same."""
        kept = self._kept_places.get(box.ref)
        if kept is not None and kept[0] is box:
            return kept[1]
        assert box.label is not None
        placed = self._place([box], [box.label])[box.ref]
        self._kept_places[box.ref] = (box, placed)
        return placed

    # Repainting what differs

    def _repaint_boxes(self, boxes: Iterable[DrawnBox]) -> None:
        reach = _REACH * self._px
        for box in boxes:
            x1, y1, x2, y2 = box.rect
            self.update(QRectF(x1 - reach, y1 - reach, x2 - x1 + 2 * reach, y2 - y1 + 2 * reach))

    def _repaint_labels(self, before: dict[Ref, Placed]) -> None:
        px = self._px
        for one, other in ((before, self._placed), (self._placed, before)):
            for ref, placed in one.items():
                found = other.get(ref)
                if found is not placed and found != placed:
                    grown = placed[1].adjusted(-2, -2, 2, 2)
                    self.update(QRectF(grown.topLeft() * px, grown.size() * px))

    # Painting

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:  # noqa: ARG002
        if not self._view.boxes:
            return
        transform = painter.worldTransform()
        self._use_ratio(painter.device().devicePixelRatioF())
        exposed = transform.mapRect(option.exposedRect)
        rects = self._view.rects * transform.m11()
        rects[0::2] += transform.dx()
        rects[1::2] += transform.dy()
        near = (
            (rects[0] < exposed.right() + _REACH)
            & (rects[2] > exposed.left() - _REACH)
            & (rects[1] < exposed.bottom() + _REACH)
            & (rects[3] > exposed.top() - _REACH)
        )
        # Rounded to device pixels: lines stay sharp without antialiasing.
        edges = ((rects[:, near] * self._ratio).round() / self._ratio).tolist()
        boxes, left_out = self._view.boxes, self._left_out
        lines = [
            (boxes[i], QRectF(x1, y1, x2 - x1, y2 - y1))
            for i, x1, y1, x2, y2 in zip(np.flatnonzero(near).tolist(), *edges, strict=True)
            if boxes[i].ref not in left_out
        ]
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._paint_lines(painter, lines)
        self._paint_signs(painter, lines)
        self._paint_labels(painter, exposed, QPointF(round(transform.dx()), round(transform.dy())))
        painter.setWorldTransform(transform)

    def _use_ratio(self, ratio: float) -> None:
        self._cache.use_ratio(ratio)
        if ratio != self._ratio:
            self._ratio = ratio
            self._pens.clear()
            self._halo = halo_pen(ratio=ratio)

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
                pen = self._pens[look] = pen_of(*look, ratio=self._ratio)
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
        rim, ink = QPen(QColor(0, 0, 0, 150), 1.0), QPen(QColor(16, 16, 16), 1.8)
        inner = _SIGN - 2.4
        for box, corner in bad:
            painter.setPen(rim)
            painter.setBrush(QColor(box.colour))
            painter.drawEllipse(corner, _SIGN, _SIGN)
            painter.setPen(ink)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if box.role is Role.MISS:
                painter.drawEllipse(corner, inner, inner)
            else:
                painter.drawLine(corner + QPointF(-inner, -inner), corner + QPointF(inner, inner))
                painter.drawLine(corner + QPointF(-inner, inner), corner + QPointF(inner, -inner))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_labels(self, painter: QPainter, exposed: QRectF, origin: QPointF) -> None:
        seen = exposed.translated(-origin)
        for label, rect in self._placed.values():
            if rect.intersects(seen):
                painter.drawPixmap(rect.topLeft() + origin, self._cache.pixmap(label))
