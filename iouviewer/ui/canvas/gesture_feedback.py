"""Feedback during a gesture: numbers at the cursor, the old outline, snapped edges, guides, rubber band, loupe."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPoint, QPointF, QRectF
from PySide6.QtGui import QColor, QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsRectItem, QGraphicsScene, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Box, Edges, Rect
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.canvas.box_lines import make_pen
from iouviewer.ui.canvas.box_look import with_alpha
from iouviewer.ui.canvas.captions import MUTED, Caption, CaptionCache, Segment
from iouviewer.ui.canvas.frame_view_builder import FrameViewBuilder, iou_change
from iouviewer.ui.canvas.guides import Guides
from iouviewer.ui.canvas.loupe import AUTOMATIC_BELOW, Loupe, point_on_edge
from iouviewer.ui.canvas.overlays import CaptionWidget, Crosshair
from iouviewer.ui.tokens import CANVAS, LINES
from iouviewer.ui.variant_look import image_colour

_MAX_VARIANTS = 4
"""Maximum number of variants in the caption; more lines would hide the image."""
_ABOVE = 4
"""Distance of the caption above a new box, logical pixels."""
_SIZE = tr("{width:.0f} × {height:.0f} px")


class FeedbackCanvas(Protocol):
    """The part of the canvas that the feedback uses."""

    @property
    def px(self) -> float:
        """Image pixels per logical pixel."""

    @property
    def zoom(self) -> float:
        """Device pixels per image pixel."""

    @property
    def image_rect(self) -> QRectF:
        """The image in scene units."""

    def from_image(self, x: float, y: float) -> QPoint:
        """The pixel of the viewport that shows the image's point (x, y)."""

    def to_image(self, position: QPointF) -> QPointF:
        """Image coordinates of a point of the viewport."""


class GestureFeedback:
    """Shows the effect of a drag or of drawing before it is committed.

    Attributes:
        loupe: enlarges the dragged edge.
        is_loupe_automatic: whether the loupe is shown by itself while an edge is dragged.
    """

    def __init__(
        self,
        canvas: FeedbackCanvas,
        widget: QWidget,
        scene: QGraphicsScene,
        session: Session,
        builder: FrameViewBuilder,
        captions: CaptionCache,
        loupe: Loupe,
    ) -> None:
        """``canvas`` and ``widget`` are the same object; ``scene`` is its scene."""
        self._canvas, self._session, self._builder = canvas, session, builder
        self.loupe = loupe
        self.is_loupe_automatic = True
        self._ious_before: dict[str, float | None] = {}
        self._rect_before: Rect | None = None
        self._edges = Edges.NONE
        self._caption = CaptionWidget(widget, captions, "canvasDragLabel")
        self._name = CaptionWidget(widget, captions, "canvasDrawLabel")
        self._crosshair = Crosshair(widget)
        self._guides = Guides(scene)
        self._old = QGraphicsRectItem()
        self._old.setPen(make_pen(QColor(CANVAS.gt), LINES["before_drag"].width, LINES["before_drag"].dash))
        self._snap = QGraphicsPathItem()
        self._snap.setPen(make_pen(QColor(CANVAS.fix), LINES["snap"].width))
        self._band = QGraphicsRectItem()
        band = LINES["rubber_band"]
        self._band.setPen(make_pen(QColor(CANVAS.selected), band.width, band.dash))
        self._band.setBrush(with_alpha(CANVAS.selected, band.fill))
        for item, z in ((self._old, 1.5), (self._band, 3), (self._snap, 4)):
            item.setZValue(z)
            item.hide()
            scene.addItem(item)

    @property
    def text(self) -> str:
        """The caption at the cursor; empty without a gesture."""
        return self._caption.text

    @property
    def name_text(self) -> str:
        """The caption above a box that is being drawn: what it will be."""
        return self._name.text

    def begin(self, box_id: int | None, edges: Edges = Edges.NONE) -> None:
        """Store the box before it changes.

        Args:
            box_id: None for several boxes or a new one.
            edges: the edges that are dragged.
        """
        self._ious_before = {} if box_id is None else self._builder.ious_of(box_id)
        box = None if box_id is None else self._session.ground_truth.find(box_id)
        self._rect_before, self._edges = None if box is None else box.rect, edges

    def end(self) -> None:
        """Hide everything that belongs to the gesture."""
        for widget in (self._caption, self._name):
            widget.show_caption(None)
        self._crosshair.hide()
        for item in (self._snap, self._old):
            item.hide()
        if not self._session.view_state.is_loupe_held:
            self.loupe.hide()

    # Dragging

    def show_drag(self, box_ids: tuple[int, ...], at: QPoint) -> None:
        """Show at the cursor (logical pixels) how many boxes are dragged, or IoU and size of one before and now."""
        if len(box_ids) > 1:
            text = tr_n("{count} box", "{count:,} boxes", len(box_ids))
            self._caption.show_caption(Caption.of(Segment(text)), beside=at)
            return
        box = self._session.ground_truth.find(box_ids[0])
        if box is not None:
            self._caption.show_caption(Caption((*self._iou_lines(box.id), _size_line(box.rect))), beside=at)
            self._show_old_outline()
            self._show_loupe(box.rect, at)

    def _show_old_outline(self) -> None:
        if self._rect_before is not None and not self._old.isVisible():
            x1, y1, x2, y2 = self._rect_before
            self._old.setRect(QRectF(x1, y1, x2 - x1, y2 - y1))
            self._old.show()

    def _show_loupe(self, rect: Rect, at: QPoint) -> None:
        is_edge = self._edges not in (Edges.NONE, Edges.ALL)
        is_wanted = self.is_loupe_automatic and self._canvas.zoom < AUTOMATIC_BELOW
        if is_edge and (is_wanted or self._session.view_state.is_loupe_held):
            self.loupe.show_point(point_on_edge(rect, self._edges, self._canvas.to_image(QPointF(at))), at)

    def _iou_lines(self, box_id: int) -> list[tuple[Segment, ...]]:
        """IoU with each variant's partner: ``frcnn 0.49 → 0.78 +0.29``."""
        lines = []
        for key, iou in list(self._builder.ious_of(box_id).items())[:_MAX_VARIANTS]:
            variant = self._session.variants[key]
            name = Segment(f"{variant.name}  ", image_colour(variant.colour))
            lines.append((name, *iou_change(self._ious_before.get(key), iou)))
        return lines

    def show_snap(self, box_id: int, edges: Edges) -> None:
        """Mark the edges of a box that have snapped to a prediction; NONE removes the marks."""
        box = self._session.ground_truth.find(box_id) if edges else None
        path = QPainterPath()
        if box is not None:
            x1, y1, x2, y2 = box.rect
            for edge, ends in (
                (Edges.LEFT, (x1, y1, x1, y2)),
                (Edges.TOP, (x1, y1, x2, y1)),
                (Edges.RIGHT, (x2, y1, x2, y2)),
                (Edges.BOTTOM, (x1, y2, x2, y2)),
            ):
                if edges & edge:
                    path.moveTo(ends[0], ends[1])
                    path.lineTo(ends[2], ends[3])
        self._snap.setVisible(not path.isEmpty())
        self._snap.setPath(path)

    # Drawing

    def show_drawn(self, box: Box, text: str, at: QPoint) -> None:
        """Show above the box in progress what it will be, and at the cursor (logical pixels) its size and IoU."""
        is_paired = any(iou is not None for iou in self._builder.ious_of(box.id).values())
        lines = self._iou_lines(box.id) if is_paired else []
        self._caption.show_caption(Caption((_size_line(box.rect), *lines)), beside=at)
        self._name.show_caption(Caption.of(Segment(text)))
        corner = self._canvas.from_image(box.rect[0], box.rect[1])
        self._name.move(max(0, corner.x()), max(0, corner.y() - self._name.height() - _ABOVE))

    def show_guides(self, point: QPointF | None) -> None:
        """Show lines through this point of the image; None hides them."""
        if point is None or self._canvas.image_rect.isEmpty():
            self._guides.hide()
        else:
            self._guides.show_at(point, self._canvas.image_rect, self._canvas.px)

    @property
    def has_guides(self) -> bool:
        """Whether the guides are on the canvas."""
        return self._guides.is_shown

    def show_crosshair(self, at: QPoint) -> None:
        """Show the crosshair at this pixel of the viewport."""
        self._crosshair.show_at(at)

    def show_band(self, rect: Rect | None) -> None:
        """Show the rubber band (image pixels); None hides it."""
        self._band.setVisible(rect is not None)
        if rect is not None:
            self._band.setRect(QRectF(QPointF(rect[0], rect[1]), QPointF(rect[2], rect[3])))


def _size_line(rect: Rect) -> tuple[Segment, ...]:
    x1, y1, x2, y2 = rect
    return (Segment(_SIZE.format(width=x2 - x1, height=y2 - y1), MUTED),)
