"""The item that paints every box that is not being edited, in one go."""

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
from iouviewer.ui.canvas.frame_view import FEW, DrawnBox, FrameView, LabelMode, is_labelled
from iouviewer.ui.canvas.hit import HANDLE, Ref
from iouviewer.ui.canvas.label_layout import Wish, place_labels
from iouviewer.ui.canvas.labels import Label, LabelCache


class Placed(NamedTuple):
    """A label and its rectangle, logical pixels from the picture's corner."""

    label: Label
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, eq=False)
class _Still:
    """Labels that stand while details come and go and a box is dragged.

    Attributes:
        edges: (4, N) float64, rows left, top, right, bottom, logical pixels.
    """

    refs: tuple[Ref, ...] = ()
    placed: tuple[Placed, ...] = ()
    edges: Float = field(default_factory=lambda: np.zeros((4, 0)))

    @classmethod
    def of(cls, placed: dict[Ref, Placed]) -> _Still:
        """These labels."""
        edges = np.array([one[1:] for one in placed.values()], np.float64).reshape(-1, 4).T
        return cls(tuple(placed), tuple(placed.values()), np.ascontiguousarray(edges))

    def under(self, left: float, top: float, right: float, bottom: float) -> Bool:
        """(N,) bool: which of them lie within a rectangle, at least in part."""
        edges = self.edges
        found: Bool = (edges[0] < right) & (edges[2] > left) & (edges[1] < bottom) & (edges[3] > top)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """All labels on screen: those that stand, which of them are ``hidden`` ((N,) bool), and the details above them."""

    still: _Still = field(default_factory=_Still)
    hidden: Bool = field(default_factory=lambda: np.zeros(0, np.bool_))
    above: dict[Ref, Placed] = field(default_factory=dict)

    def shown(self) -> dict[Ref, Placed]:
        """Those that can be seen, by box."""
        standing = zip(self.still.refs, self.still.placed, self.hidden.tolist(), strict=True)
        return {ref: one for ref, one, hidden in standing if not hidden} | self.above

    def differing(self, other: _Labels) -> list[Placed]:
        """Labels of either that the other one has not got, or has otherwise."""
        mine, theirs = (self.above, other.above) if self.still is other.still else (self.shown(), other.shown())
        places = mine.keys() | theirs.keys()
        pairs = ((mine.get(ref), theirs.get(ref)) for ref in places)
        found = [one for old, new in pairs if old != new for one in (old, new) if one is not None]
        if self.still is other.still:
            found += [self.still.placed[at] for at in np.flatnonzero(self.hidden != other.hidden)]
        return found


_HANDLE_ROOM = HANDLE / 2 - 1
"""How far handles stick out further than labels keep off anyway, logical pixels."""

_REACH = 8.0
"""How far lines and signs go beyond a box, logical pixels."""


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
        self._lines = BoxLines()
        self._details: dict[Ref, Label] = {}
        self._left_out: frozenset[Ref] = frozenset()
        self._all_labels = False
        self._label_mode = LabelMode.AUTOMATIC
        self._shown = _Labels()
        # By the identity of the boxes, which are held here so that no other ones get it.
        self._plain_key: tuple[float, tuple[int, ...]] = (0.0, ())
        self._plain: tuple[list[tuple[DrawnBox, Label]], _Still] = ([], _Still())

    def boundingRect(self) -> QRectF:
        return self._bounds

    # What is shown

    def set_picture(self, width: float, height: float, bounds: QRectF) -> None:
        """Size of the picture and where boxes may lie around it, picture pixels."""
        if (width, height) != (self._picture.width(), self._picture.height()):
            self._picture = QSizeF(width, height)
            self._plain_key = (0.0, ())
            self._plain = ([], _Still())
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds

    def set_px(self, px: float) -> None:
        """Picture pixels a logical pixel: another zoom."""
        if px != self._px:
            self._px = px
            self._shown = self._layout()
            self.update()

    def show_view(self, view: FrameView) -> None:
        """Show another view; only boxes that differ are repainted where it is the same frame."""
        old, self._view = self._view, view
        if old.frame != view.frame:
            self._shown = self._layout()
            self.update()
            return
        differing = old.differing(view)
        # A box that is dragged is left out of the others' layout, and the lines of such boxes are not drawn here.
        drawn = [box for box in differing if box.ref not in self._left_out]
        dragged = old.places is view.places and not drawn
        self._repaint_boxes(drawn)
        self._use_labels(self._layout(anew=not dragged))

    def emphasise(self, details: dict[Ref, Label], left_out: frozenset[Ref]) -> None:
        """Show these details at their boxes, and do not draw the rectangles of ``left_out``."""
        if (details, left_out) == (self._details, self._left_out):
            return
        found = (self._view.find(ref) for ref in self._left_out ^ left_out)
        self._details, self._left_out = details, left_out
        self._repaint_boxes(box for box in found if box is not None)
        self._use_labels(self._layout())

    def set_all_labels(self, all_labels: bool) -> None:
        """Labels on all boxes that have one, whatever the mode (while a key is held)."""
        self._label(self._label_mode, all_labels)

    def set_label_mode(self, mode: LabelMode) -> None:
        """When boxes that are neither hovered nor selected carry labels."""
        self._label(mode, self._all_labels)

    def _label(self, mode: LabelMode, all_labels: bool) -> None:
        if (mode, all_labels) != (self._label_mode, self._all_labels):
            self._label_mode, self._all_labels = mode, all_labels
            self._use_labels(self._layout())

    @property
    def label_texts(self) -> dict[Ref, str]:
        """What the labels on screen say, by box."""
        return {
            ref: "\n".join("".join(s.text for s in line) for line in label.lines)
            for ref, (label, *_) in self._shown.shown().items()
        }

    def _place_plain(self, *, crowded: bool) -> None:
        """Labels of boxes that are neither pointed at nor dragged, if they differ from those that stand."""
        view, details, left_out, px = self._view, self._details, self._left_out, self._px
        plain = [
            (box, box.label)
            for box in view.boxes
            if box.label is not None
            and box.ref not in details
            and box.ref not in left_out
            and is_labelled(box, self._label_mode, held=self._all_labels, crowded=crowded, px=px)
        ]
        # While nothing but details changes (a mouse over boxes), labels stand where they stood.
        key = (px, tuple(id(box) for box, _ in plain))
        if key != self._plain_key:
            self._plain_key, self._plain = key, (plain, _Still.of(self._place(plain)))

    def _layout(self, *, anew: bool = True) -> _Labels:
        """Where all labels stand; without ``anew`` nothing but details and dragged boxes may differ from before."""
        view, details, left_out, px = self._view, self._details, self._left_out, self._px
        crowded = view.labelled > FEW
        if anew:
            self._place_plain(crowded=crowded)
        still = self._plain[1]
        # Details of hovered and selected boxes come and go with the mouse: they move no other label, but hide those
        # that would show in part behind them.
        # So does the label of a box that is dragged: all others stand still meanwhile.
        found = [(box, label) for ref, label in details.items() if (box := view.find(ref)) is not None]
        for ref in left_out - details.keys():
            box = view.find(ref)
            if box is None or box.label is None:
                continue
            if is_labelled(box, self._label_mode, held=self._all_labels, crowded=crowded, px=px):
                found.append((box, box.label))
        above = self._place(found, drop=False)
        hidden = np.zeros(len(still.refs), np.bool_)
        for _, *edges in above.values():
            hidden |= still.under(*edges)
        return _Labels(still, hidden, above)

    def _place(self, boxes: Sequence[tuple[DrawnBox, Label]], *, drop: bool = True) -> dict[Ref, Placed]:
        scale = 1 / self._px
        # Details keep clear of the handles of their box.
        room = 0.0 if drop else _HANDLE_ROOM
        wishes = []
        for box, label in boxes:
            x1, y1, x2, y2 = box.rect
            size = self._cache.size(label)
            rect = (x1 * scale, y1 * scale - room, x2 * scale, y2 * scale + room)
            wishes.append(Wish(rect, size.width(), size.height(), box.role.is_bad and not box.quiet))
        picture = (self._picture.width() * scale, self._picture.height() * scale)
        return {
            box.ref: Placed(label, *place, place[0] + wish.width, place[1] + wish.height)
            for (box, label), wish, place in zip(boxes, wishes, place_labels(wishes, picture, drop=drop), strict=True)
            if place is not None
        }

    # Repainting what differs

    def _repaint_boxes(self, boxes: Iterable[DrawnBox]) -> None:
        reach = _REACH * self._px
        for box in boxes:
            x1, y1, x2, y2 = box.rect
            self.update(QRectF(x1 - reach, y1 - reach, x2 - x1 + 2 * reach, y2 - y1 + 2 * reach))

    def _use_labels(self, labels: _Labels) -> None:
        """Show these labels; where they differ from those on screen is painted anew."""
        before, self._shown = self._shown, labels
        px = self._px
        for _, left, top, right, bottom in before.differing(labels):
            self.update(QRectF((left - 2) * px, (top - 2) * px, (right - left + 4) * px, (bottom - top + 4) * px))

    # Painting

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:  # noqa: ARG002
        if not self._view.boxes:
            return
        transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
        view, left_out, seen = self._view, self._left_out, option.exposedRect
        reach = _REACH * self._px
        near = (
            (view.rects[0] < seen.right() + reach)
            & (view.rects[2] > seen.left() - reach)
            & (view.rects[1] < seen.bottom() + reach)
            & (view.rects[3] > seen.top() - reach)
        )
        boxes = [box for box in compress(view.boxes, near.tolist()) if box.ref not in left_out]
        painter.setWorldTransform(QTransform())
        self._lines.paint(painter, transform, ratio, boxes)
        self._cache.use_ratio(ratio)
        self._paint_labels(painter, transform.mapRect(seen), QPointF(round(transform.dx()), round(transform.dy())))
        painter.setWorldTransform(transform)

    def _paint_labels(self, painter: QPainter, exposed: QRectF, origin: QPointF) -> None:
        seen = exposed.translated(-origin)
        x1, y1, x2, y2 = seen.left(), seen.top(), seen.right(), seen.bottom()
        labels = self._shown
        standing = labels.still.under(x1, y1, x2, y2) & ~labels.hidden
        for at in np.flatnonzero(standing).tolist():
            label, left, top, _, _ = labels.still.placed[at]
            painter.drawPixmap(QPointF(left, top) + origin, self._cache.pixmap(label))
        # Details stand above all others.
        for label, left, top, right, bottom in labels.above.values():
            if left < x2 and right > x1 and top < y2 and bottom > y1:
                painter.drawPixmap(QPointF(left, top) + origin, self._cache.pixmap(label))
