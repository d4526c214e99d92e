"""Feedback during a gesture: the caption at the cursor, the crosshair and the rubber band."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF
from PySide6.QtGui import QColor, QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsRectItem, QGraphicsView

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Box, Edges, Rect
from iouviewer.i18n import tr_n
from iouviewer.ui.canvas.box_lines import make_pen
from iouviewer.ui.canvas.captions import Caption, CaptionCache, Segment
from iouviewer.ui.canvas.frame_view_builder import FrameViewBuilder, iou_change
from iouviewer.ui.canvas.overlays import CaptionWidget, Crosshair
from iouviewer.ui.palette import CAPTION_TEXT, readable_on_image
from iouviewer.ui.tokens import CANVAS

_MAX_VARIANTS = 4
"""Maximum number of variants in the caption; more lines would hide the image."""


class GestureFeedback:
    """Shows the effect of a drag or of drawing before it is committed."""

    def __init__(
        self, view: QGraphicsView, session: Session, builder: FrameViewBuilder, captions: CaptionCache
    ) -> None:
        self._session = session
        self._builder = builder
        self._ious_before: dict[str, float | None] = {}
        self._caption = CaptionWidget(view, captions, "canvasDragLabel")
        self._crosshair = Crosshair(view)
        self._snap = QGraphicsPathItem()
        self._snap.setPen(make_pen(CANVAS.fix, "solid", 3.0))
        self._snap.setZValue(4)
        self._snap.hide()
        view.scene().addItem(self._snap)
        self._band = QGraphicsRectItem()
        self._band.setPen(make_pen("#ffffff", "dash", 1.0))
        self._band.setBrush(QColor(255, 255, 255, 28))
        self._band.setZValue(3)
        self._band.hide()
        view.scene().addItem(self._band)

    @property
    def text(self) -> str:
        """The caption at the cursor; empty without a gesture."""
        return self._caption.text

    def begin(self, box_id: int | None) -> None:
        """Store the IoU of the box before it changes; None for several boxes or a new one."""
        self._ious_before = {} if box_id is None else self._builder.ious_of(box_id)

    def end(self) -> None:
        """Hide the caption and the crosshair."""
        self._caption.show_caption(None)
        self._crosshair.hide()
        self._snap.hide()

    def show_drag(self, box_ids: tuple[int, ...], at: QPoint) -> None:
        """Show at the cursor (logical pixels) how many boxes are dragged, or the IoU of one before and now."""
        if len(box_ids) > 1:
            text = tr_n("{count} box", "{count:,} boxes", len(box_ids))
            caption = Caption(((Segment(text, CAPTION_TEXT),),))
        else:
            caption = self._iou_caption(box_ids[0])
        self._caption.show_caption(caption, beside=at)

    def _iou_caption(self, box_id: int) -> Caption:
        """IoU with each variant's partner; the size in image pixels if no variant is shown."""
        ious = self._builder.ious_of(box_id)
        lines = []
        for key, iou in list(ious.items())[:_MAX_VARIANTS]:
            line = iou_change(self._ious_before.get(key), iou)
            if len(ious) > 1:
                variant = self._session.variants[key]
                line = (Segment(f"{variant.name}  ", readable_on_image(variant.colour)), *line)
            lines.append(line)
        box = self._session.ground_truth.find(box_id)
        if not lines and box is not None:
            x1, y1, x2, y2 = box.rect
            lines.append((Segment(f"{x2 - x1:.0f} × {y2 - y1:.0f}", CAPTION_TEXT),))
        return Caption(tuple(lines))

    def show_drawn(self, box: Box, text: str, at: QPoint) -> None:
        """Show at the cursor (logical pixels) what the box in progress will be, and how it matches."""
        caption = self._iou_caption(box.id)
        self._caption.show_caption(Caption(((Segment(text, CAPTION_TEXT),), *caption.lines)), beside=at)

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

    def show_crosshair(self, at: QPoint) -> None:
        """Show the crosshair at this pixel of the viewport."""
        self._crosshair.show_at(at)

    def show_band(self, rect: Rect | None) -> None:
        """Show the rubber band (image pixels); None hides it."""
        self._band.setVisible(rect is not None)
        if rect is not None:
            self._band.setRect(QRectF(QPointF(rect[0], rect[1]), QPointF(rect[2], rect[3])))
