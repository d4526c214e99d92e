"""The lane of the selected track as a row of the timeline."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.lanes import Lane
from iouviewer.i18n import tr
from iouviewer.ui.timeline.axis import TimeAxis
from iouviewer.ui.timeline.lane_gestures import LaneGestures, LaneRequests, Part
from iouviewer.ui.timeline.lane_overlay import LaneOverlay
from iouviewer.ui.timeline.lane_painter import LaneLook, LanePainter, SwapPreview, recoloured
from iouviewer.ui.timeline.rows import GUTTER, TimeRow


class LaneRow(TimeRow):
    """The lane of the selected track: its ends and key frames are dragged as on the lanes of all tracks.

    Signals:
        leaveRequested(): a drag is over; the keyboard goes back to the canvas.
    """

    leaveRequested = Signal()

    def __init__(self, session: Session, axis: TimeAxis, requests: LaneRequests) -> None:
        super().__init__(axis, tr("Selected track"))
        self.setObjectName("timelineTrack")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._lane: Lane | None = None
        self._look = LaneLook(is_selected=True)
        self._swap: SwapPreview | None = None
        self.gestures = LaneGestures(session, axis, self, requests, GUTTER, can_merge=False)

    @property
    def lane(self) -> Lane | None:
        """The lane that is drawn."""
        return self._lane

    def show_lane(self, lane: Lane | None, name: str, problems: tuple[int, ...]) -> None:
        """Show a track with its open problems (frames), or that none is selected."""
        self._lane, self._look = lane, LaneLook(is_selected=True, problems=problems)
        self._show_swap()
        self.set_word(name or tr("No track"), is_strong=lane is not None)
        self.setAccessibleDescription(
            "" if lane is None else tr("{name}, frames {first:,}–{last:,}", name=name, first=lane.first, last=lane.last)
        )
        self.invalidate()

    def show_swap(self, swap: SwapPreview | None) -> None:
        """Show the frames that a swap would give to another track in its colour; None ends it."""
        self._swap = swap
        self._show_swap()
        self.invalidate()

    def _show_swap(self) -> None:
        track = NO_TRACK if self._lane is None else self._lane.track
        self._look = replace(self._look, recoloured=recoloured(self._swap, track))

    def draw_content(self, painter: QPainter) -> None:
        colours = self._theme.colours
        if self._lane is None:
            middle = QRectF(GUTTER, self.height() / 2, self._axis.width, 1)
            painter.fillRect(middle, QColor(colours.line))
            return
        LanePainter(self._axis, GUTTER, self._theme).paint(painter, self._lane, 0.0, self.height(), self._look)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.gestures.drag is not None or self.gestures.selected_keys:
            painter = QPainter(self)
            LaneOverlay(self._axis, GUTTER, self._theme).paint(painter, self.gestures, self._row_of)
            painter.end()

    # Gestures

    def lane_at(self, _position: QPoint) -> Lane | None:
        """The lane of the row."""
        return self._lane

    def lanes_in(self, _band: QRect) -> list[Lane]:
        """The lane of the row."""
        return [] if self._lane is None else [self._lane]

    def _row_of(self, track: int) -> QRect:
        return self.rect() if self._lane is not None and self._lane.track == track else QRect()

    def to_screen(self, position: QPoint) -> QPoint:
        """A position of the row on the screen."""
        return self.mapToGlobal(position)

    def refresh(self) -> None:
        """Draw selected key frames and the drag in progress again."""
        self.update()

    @property
    def own_keys(self) -> frozenset[Qt.Key]:
        """Keys that do not reach the commands of the window."""
        if self.gestures.is_dragging:
            return frozenset({Qt.Key.Key_Escape})
        return frozenset({Qt.Key.Key_Escape, Qt.Key.Key_Delete} if self.gestures.selected_keys else ())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        position = event.position().toPoint()
        part, _key = self.gestures.part_at(self._lane, position.x(), prefers_key=_has_alt(event))
        is_left = event.button() == Qt.MouseButton.LeftButton and position.x() >= GUTTER
        if is_left and part in (Part.START, Part.END, Part.KEY):
            self.gestures.press(position, event.modifiers())
        else:
            self.gestures.cancel()
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        position = event.position().toPoint()
        if event.buttons() & Qt.MouseButton.LeftButton and self.gestures.move(position):
            if self.gestures.is_dragging and not self.hasFocus():
                # Esc belongs to the drag.
                self.setFocus(Qt.FocusReason.MouseFocusReason)
            return
        self.setCursor(self.gestures.cursor_at(position))
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        was_dragging = self.gestures.is_dragging
        clicked = self.gestures.release()
        if clicked is not None:
            self.seekRequested.emit(clicked[1])
        if self.gestures.selected_keys:
            # Del removes the selected key frame.
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        elif was_dragging:
            self.leaveRequested.emit()
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.gestures.cancel():
            self.leaveRequested.emit()
        elif event.key() != Qt.Key.Key_Delete or not self.gestures.remove_selected():
            super().keyPressEvent(event)


def _has_alt(event: QMouseEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
