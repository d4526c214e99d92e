"""Five crops around a problem in time; while the mouse is over them, they play."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QEnterEvent, QHideEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.video.crops import CropLoader
from iouviewer.app.video.frame_messages import CropRequest
from iouviewer.document.boxes import Rect
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.review.crop_painter import CropLine, CropPainter
from iouviewer.ui.tokens import CANVAS, RADIUS, SPACE

OFFSETS = (-4, -2, 0, 2, 4)
"""Frames that the strip shows, from that of the problem."""
PLAYED = tuple(range(OFFSETS[0], OFFSETS[-1] + 1))
"""Frames that it plays."""
PLAY_MS = 120
_OBJECT_SHARE = 0.5
_HEIGHT = 46
_OWNER = "filmStrip"


class FilmStrip(QWidget):
    """Five crops of one place, two frames apart, each with its frame number."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("filmStrip")
        self.setAccessibleName(tr("The object on the frames before and after"))
        self.setToolTip(tr("Point here to play these frames"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self._session = session
        self._painter: CropPainter | None = None
        self._frame, self._rect = -1, (0.0, 0.0, 0.0, 0.0)
        self._lines: tuple[CropLine, ...] = ()
        self._hovered, self._playing = -1, 0
        self._timer = QTimer(self, interval=PLAY_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        self.setFixedHeight(_HEIGHT + SPACE["l"])

    def use_crops(self, crops: CropLoader) -> None:
        """Take the crops from here."""
        self._painter = CropPainter(self._session, crops)
        crops.cropsReady.connect(self.update)

    def show_place(self, frame: int, rect: Rect, lines: Sequence[CropLine]) -> None:
        """Show the frames around ``frame`` at a rectangle; ``lines`` are drawn on that frame, on top of its boxes."""
        self._frame, self._rect, self._lines = frame, rect, tuple(lines)
        self._request()
        self.update()

    @property
    def frames(self) -> list[int]:
        """The frames of the cells; -1 before the first and after the last one of the video."""
        return [self._at(offset) for offset in OFFSETS]

    @property
    def played_frame(self) -> int:
        """The frame that the hovered cell shows while it plays, else -1."""
        return self._at(PLAYED[self._playing]) if self._hovered >= 0 else -1

    def _at(self, offset: int) -> int:
        frame = self._frame + offset
        return frame if self._frame >= 0 and 0 <= frame < self._session.frame_count else -1

    # Geometry

    def _cell(self, place: int) -> QRectF:
        gap = SPACE["xs"]
        width = (self.width() - gap * (len(OFFSETS) - 1)) / len(OFFSETS)
        return QRectF(round(place * (width + gap)), 0, round(width), _HEIGHT)

    def _crop(self, frame: int, urgency: int) -> CropRequest:
        cell = self._cell(0).toRect().size()
        assert self._painter is not None
        area = self._painter.area_around(self._rect, cell, _OBJECT_SHARE)
        return self._painter.request_of(frame, area, QSize(cell), self.devicePixelRatioF(), urgency)

    def _request(self) -> None:
        if self._painter is None or self._frame < 0 or self.width() < SPACE["xl"]:
            return
        shown = [self._crop(frame, 0) for frame in self.frames if frame >= 0]
        played = [self._crop(frame, 1) for frame in map(self._at, PLAYED) if frame >= 0 and frame not in self.frames]
        self._painter.crops.request(_OWNER, [*shown, *played])

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._painter is None or self._frame < 0:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        colours = scheme_theme().colours
        painter.setFont(font("caption"))
        for place, frame in enumerate(self.frames):
            cell, is_centre = self._cell(place), OFFSETS[place] == 0
            shown = self.played_frame if place == self._hovered and self.played_frame >= 0 else frame
            if shown >= 0:
                crop = self._crop(shown, 0)
                lines = [*self._painter.frame_lines(shown, crop.area, self._rect)]
                lines += self._lines if shown == self._frame else ()
                self._painter.paint(painter, cell, crop, lines)
            else:
                painter.fillRect(cell, QColor(colours.raised))
            if is_centre:
                painter.setPen(QPen(QColor(colours.accent), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(cell.adjusted(1, 1, -1, -1), RADIUS["control"] / 2, RADIUS["control"] / 2)
            painter.setPen(QColor(colours.text if is_centre else colours.text3))
            below = QRectF(cell.left(), cell.bottom(), cell.width(), SPACE["l"])
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, f"{shown:,}" if shown >= 0 else "–")

    # Playing

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._hover(event.position())
        self._playing = 0
        self._timer.start()

    def mouseMoveEvent(self, event: object) -> None:
        position = getattr(event, "position", QPointF)()
        self._hover(position)

    def _hover(self, position: QPointF) -> None:
        places = (place for place in range(len(OFFSETS)) if self._cell(place).contains(position))
        self._hovered = next(places, self._hovered)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._stop()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._stop()

    def _stop(self) -> None:
        self._hovered = -1
        self._timer.stop()
        self.update()

    def _on_timer_timeout(self) -> None:
        self._playing = (self._playing + 1) % len(PLAYED)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._request()


def fix_lines(rect: Rect | None, width: float = 1.8) -> list[CropLine]:
    """The line of a proposed fix."""
    return [] if rect is None else [CropLine(rect, CANVAS.fix, width=width)]
