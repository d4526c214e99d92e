"""Paints the crop of a frame with the boxes on it; a plain area until the crop has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from iouviewer.app.editing.session import Session
from iouviewer.app.video.crops import CropLoader
from iouviewer.app.video.frame_messages import CropRequest
from iouviewer.document.boxes import Rect
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tokens import CANVAS
from iouviewer.ui.variant_look import image_colour, variant_pen

_ABOUT = 1 / 3
_MIN_SIDE = 24.0
"""Pixels of the video that a crop shows at least: fewer say nothing about what is around."""


@dataclass(frozen=True, slots=True)
class CropLine:
    """A box on a crop.

    Attributes:
        colour: of the line, ``#rrggbb``.
        variant: stored colour of the variant whose dash it has; empty for a solid line.
    """

    rect: Rect
    colour: str
    variant: str = ""
    width: float = 1.2


def area_around(
    rect: Rect, cell: QSizeF, share: float, frame: tuple[int, int] | None = None
) -> tuple[int, int, int, int]:
    """x, y, width, height of the crop with the shape of a cell around a box, which takes ``share`` of it.

    Args:
        frame: width and height of the video, which the crop leaves only where it is larger.
    """
    x1, y1, x2, y2 = rect
    height = max((y2 - y1) / share, (x2 - x1) / share * cell.height() / cell.width(), _MIN_SIDE)
    width = height * cell.width() / cell.height()
    x, y = (x1 + x2 - width) / 2, (y1 + y2 - height) / 2
    if frame is not None:
        x = min(max(x, 0.0), frame[0] - width) if width <= frame[0] else (frame[0] - width) / 2
        y = min(max(y, 0.0), frame[1] - height) if height <= frame[1] else (frame[1] - height) / 2
    return round(x), round(y), round(width), round(height)


def joined(rects: Sequence[Rect]) -> Rect:
    """The rectangle around all of these."""
    x1, y1, x2, y2 = zip(*rects, strict=True)
    return min(x1), min(y1), max(x2), max(y2)


class CropPainter:
    """Paints crops of the current source.

    Attributes:
        crops: where they come from.
    """

    def __init__(self, session: Session, crops: CropLoader) -> None:
        self._session, self.crops = session, crops

    def area_around(self, rect: Rect, cell: QSize, share: float) -> tuple[int, int, int, int]:
        """``area_around`` in the frames of the current source."""
        source = self._session.source
        return area_around(rect, cell.toSizeF(), share, (source.width, source.height))

    def request_of(
        self, frame: int, area: tuple[int, int, int, int], cell: QSize, ratio: float, urgency: int = 0
    ) -> CropRequest:
        """The crop that fills a cell of so many logical pixels."""
        return CropRequest(frame, area, (round(cell.width() * ratio), round(cell.height() * ratio)), urgency)

    def paint(self, painter: QPainter, target: QRectF, crop: CropRequest, lines: Sequence[CropLine]) -> bool:
        """Paint a crop; False while it is awaited."""
        image = self.crops.image(crop)
        if image is None or image.isNull():
            painter.fillRect(target, QColor(scheme_theme().colours.raised))
        else:
            painter.drawImage(target, image)
        painter.save()
        painter.setClipRect(target, Qt.ClipOperation.IntersectClip)
        for line in lines:
            self._paint_line(painter, target, crop, line)
        painter.restore()
        return image is not None

    @staticmethod
    def _paint_line(painter: QPainter, target: QRectF, crop: CropRequest, line: CropLine) -> None:
        x, y, width, height = crop.area
        scale = QPointF(target.width() / width, target.height() / height)
        x1, y1, x2, y2 = line.rect
        shown = QRectF(
            target.left() + (x1 - x) * scale.x(),
            target.top() + (y1 - y) * scale.y(),
            (x2 - x1) * scale.x(),
            (y2 - y1) * scale.y(),
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        halo = QColor(CANVAS.halo)
        painter.setPen(QPen(halo, line.width + 1.6))
        painter.drawRect(shown)
        pen = (
            variant_pen(line.variant, line.colour, line.width)
            if line.variant
            else QPen(QColor(line.colour), line.width)
        )
        painter.setPen(pen)
        painter.drawRect(shown)

    def frame_lines(self, frame: int, area: tuple[int, int, int, int], about: Rect | None = None) -> list[CropLine]:
        """The ground-truth boxes and the baseline's predictions in an area of a frame.

        Args:
            about: only those that lie on this rectangle by a third of their own area or its; None: all.
        """
        session = self._session
        if not 0 <= frame < session.frame_count:
            return []

        def counts(rect: Rect) -> bool:
            return _meets(rect, area) and (about is None or _shared(rect, about) >= _ABOUT)

        lines = [CropLine(box.rect, CANVAS.gt) for box in session.ground_truth.boxes(frame) if counts(box.rect)]
        baseline = session.variants.baseline
        if baseline is None:
            return lines
        table = baseline.predictions.table.frame(frame)
        shown = table.scores >= session.scores.settings.review.conf
        colour = image_colour(baseline.colour)
        for x1, y1, x2, y2 in table.boxes[:, shown].T.tolist():
            if counts((x1, y1, x2, y2)):
                lines.append(CropLine((x1, y1, x2, y2), colour, baseline.colour))
        return lines


def _shared(one: Rect, other: Rect) -> float:
    """The overlap of two rectangles over the area of the smaller one."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((rect[2] - rect[0]) * (rect[3] - rect[1]) for rect in (one, other))
    return width * height / smaller if width > 0 and height > 0 and smaller > 0 else 0.0


def _meets(rect: Rect, area: tuple[int, int, int, int]) -> bool:
    x, y, width, height = area
    return rect[0] < x + width and rect[2] > x and rect[1] < y + height and rect[3] > y
