"""The painted rows of the timeline: ruler, problems and verified frames; what all rows have in common."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetrics,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from iouviewer.document.frame_states import FrameProgress, FrameWork, frames_with
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.panels.status_bar import format_time
from iouviewer.ui.theme import DARK, Theme
from iouviewer.ui.timeline.axis import TimeAxis
from iouviewer.ui.timeline.marks import VideoMarks
from iouviewer.ui.tokens import SIZE, SPACE

Int = NDArray[np.int64]

GUTTER = SIZE["timeline_gutter"]
_HANDLE = 6
"""Half the width of the playhead's handle, logical pixels."""
_LABEL_DISTANCE = 70
"""Least distance of two numbers on the ruler, logical pixels."""
_FRAME_STEPS = (1, 2, 5)
_SECOND_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


class TimeRow(QWidget):
    """A row: words in the gutter, then what the subclass draws along the axis, then the playhead.

    The content is painted once per zoom; a step of the playhead repaints two columns of the cached pixmap.

    Signals:
        seekRequested(int): the user pressed on a frame or drags over it.
        menuRequested(QPoint): the context menu, at a point of the screen.
        activated(int): a double click on a frame.
    """

    seekRequested = Signal(int)
    menuRequested = Signal(QPoint)
    activated = Signal(int)

    def __init__(self, axis: TimeAxis, name: str) -> None:
        super().__init__()
        self._axis, self._theme = axis, DARK
        self._frame = 0
        self._cache: QPixmap | None = None
        self.word, self.is_strong = "", False
        self.painted = 0
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        axis.rangeChanged.connect(self.invalidate)

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self._theme = theme
        self.invalidate()

    def set_word(self, word: str, *, is_strong: bool = False) -> None:
        """The text in the gutter."""
        if (word, is_strong) != (self.word, self.is_strong):
            self.word, self.is_strong = word, is_strong
            self.invalidate()

    def set_frame(self, frame: int) -> None:
        """Move the playhead."""
        for moved in (self._frame, frame):
            x = round(GUTTER + self._axis.x_of(moved))
            self.update(QRect(x - _HANDLE - 1, 0, 2 * _HANDLE + 3, self.height()))
        self._frame = frame

    def invalidate(self) -> None:
        """Paint the content again."""
        self._cache = None
        self.update()

    # Painting

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cache = None

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._cache is None or self._cache.devicePixelRatio() != ratio:
            self._cache = self._render(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._cache)
        x = self._axis.x_of(self._frame)
        if self._axis.frame_count and -1 <= x <= self._axis.width + 1:
            self._draw_playhead(painter, GUTTER + x)
        painter.end()
        super().paintEvent(event)

    def _render(self, ratio: float) -> QPixmap:
        self.painted += 1
        pixmap = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(QColor(self._theme.colours.base))
        painter = QPainter(pixmap)
        self._draw_word(painter)
        if self._axis.frame_count:
            painter.setClipRect(QRectF(GUTTER, 0, self._axis.width + 1, self.height()))
            self.draw_content(painter)
        painter.end()
        return pixmap

    def _draw_word(self, painter: QPainter) -> None:
        if not self.word:
            return
        role = "strong" if self.is_strong else "caption"
        painter.setFont(font(role))
        painter.setPen(QColor(self._theme.colours.text if self.is_strong else self._theme.colours.text2))
        width = GUTTER - SPACE["m"] - SPACE["xs"]
        text = QFontMetrics(font(role)).elidedText(self.word, Qt.TextElideMode.ElideRight, width)
        # Rows may be lower than the letters: the text is centred on the row and not clipped to it.
        place = QRectF(SPACE["m"], self.height() / 2 - 10, width, 20)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def draw_content(self, painter: QPainter) -> None:
        """Draw what the row shows; clipped to the axis."""
        raise NotImplementedError

    def _draw_playhead(self, painter: QPainter, x: float) -> None:
        painter.fillRect(QRectF(round(x) - 0.5, 0, 1, self.height()), QColor(self._theme.colours.text))

    # Mouse

    def frame_at(self, x: float) -> int:
        """The frame at a horizontal position of the row."""
        return self._axis.frame_at(x - GUTTER)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and event.position().x() >= GUTTER:
            self._seek(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and event.position().x() >= GUTTER:
            self.activated.emit(self.frame_at(event.position().x()))

    def _seek(self, event: QMouseEvent) -> None:
        if self._axis.frame_count:
            self.seekRequested.emit(self.frame_at(event.position().x()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self._axis.use_wheel(event, event.position().x() - GUTTER):
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menuRequested.emit(event.globalPos())


class Ruler(TimeRow):
    """Frame numbers or times, the handle of the playhead, and the loop.

    Right click switches between frames and times.
    """

    def __init__(self, axis: TimeAxis, marks: VideoMarks) -> None:
        super().__init__(axis, tr("Ruler: drag to scrub"))
        self.setObjectName("timelineRuler")
        self._marks = marks
        self._fps = 0.0
        self.shows_time = False
        self.has_marks = False
        self._magnified: tuple[float, float] | None = None
        marks.changed.connect(self.invalidate)
        self.set_word(tr("Frame"))

    def set_fps(self, fps: float) -> None:
        """Frames per second of the video, 0 if unknown."""
        self._fps = fps
        if fps <= 0:
            self.show_time(False)
        self.invalidate()

    def show_time(self, is_time: bool) -> None:
        """Show times instead of frame numbers; not without a frame rate."""
        self.shows_time = is_time and self._fps > 0
        self.set_word(tr("Time") if self.shows_time else tr("Frame"))
        self.invalidate()

    def set_has_marks(self, has_marks: bool) -> None:
        """Show damage and notes here, because the row of verified frames is folded."""
        if has_marks != self.has_marks:
            self.has_marks = has_marks
            self.invalidate()

    def set_magnified(self, frames: tuple[float, float] | None) -> None:
        """Mark the frames that the IoU row magnifies."""
        if frames != self._magnified:
            self._magnified = frames
            self.invalidate()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.show_time(not self.shows_time)
        event.accept()

    def _ticks(self) -> tuple[float, int, Callable[[float], str]]:
        """Frames between two numbers, parts between them, and the text of a number."""
        axis = self._axis
        least = axis.frames_per_pixel * _LABEL_DISTANCE
        if self.shows_time:
            step = next((s for s in _SECOND_STEPS if s * self._fps >= least), _SECOND_STEPS[-1])
            return step * self._fps, 5, lambda frame: format_time(frame / self._fps)
        power = 10.0 ** math.floor(math.log10(max(least, 1.0)))
        step = next((s * power for s in (*_FRAME_STEPS, 10) if s * power >= least), 10 * power)
        return max(1.0, step), 5 if step >= 5 else 1, lambda frame: f"{round(frame):,}"

    def draw_content(self, painter: QPainter) -> None:
        colours, axis = self._theme.colours, self._axis
        if self._magnified is not None:
            start, end = (GUTTER + axis.x_of(frame) for frame in self._magnified)
            painter.fillRect(QRectF(start, 0, max(2.0, end - start), self.height()), QColor(colours.selected))
        self._marks.draw_loop(painter, GUTTER, self.height(), self._theme)
        step, parts, text_of = self._ticks()
        painter.setFont(font("caption"))
        metrics = QFontMetrics(font("caption"))
        for number in range(max(0, math.floor(axis.low / step)) * parts, math.ceil(axis.high / step) * parts + 1):
            frame = number * step / parts
            if frame > axis.frame_count - 0.5:
                break
            x = round(GUTTER + axis.x_of(frame))
            is_main = number % parts == 0
            painter.fillRect(x, self.height() - (6 if is_main else 3), 1, 6 if is_main else 3, QColor(colours.outline))
            if is_main:
                painter.setPen(QColor(colours.text2))
                # Right of the handle of a playhead that stands on this frame.
                painter.drawText(QPointF(x + _HANDLE + 2, metrics.ascent() + 2), text_of(frame))
        if self.has_marks:
            self._marks.draw_marks(painter, GUTTER, self.height(), self._theme)
        painter.fillRect(QRectF(GUTTER, self.height() - 1, axis.width, 1), QColor(colours.line))

    def _draw_playhead(self, painter: QPainter, x: float) -> None:
        super()._draw_playhead(painter, x)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.colours.accent))
        middle = round(x)
        corners = ((-_HANDLE, 0), (_HANDLE, 0), (_HANDLE, 8), (0, 14), (-_HANDLE, 8))
        painter.drawPolygon(QPolygonF([QPointF(middle + dx, dy) for dx, dy in corners]))


class ProblemsRow(TimeRow):
    """Ticks at frames with open problems: the height is their number; loose boxes only are yellow."""

    def __init__(self, axis: TimeAxis) -> None:
        super().__init__(axis, tr("Problems by frame"))
        self.setObjectName("timelineProblems")
        self.set_word(tr("Problems"))
        self._counts: Int = np.zeros(0, np.int64)
        self._bad: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def set_problems(self, counts: Int, bad: NDArray[np.bool_]) -> None:
        """Open problems by frame, and whether one of them is more than a loose box; (F,) each."""
        self._counts, self._bad = counts, bad
        self.invalidate()

    def count_at(self, first: int, last: int) -> int:
        """Open problems on these frames."""
        return int(self._counts[first : last + 1].sum())

    def draw_content(self, painter: QPainter) -> None:
        axis, count = self._axis, len(self._counts)
        first, last = max(0, math.floor(axis.low)), min(count - 1, math.ceil(axis.high))
        frames = first + np.flatnonzero(self._counts[first : last + 1])
        if not len(frames):
            return
        width = max(1.0, 1.0 / axis.frames_per_pixel)
        columns = np.floor((frames - 0.5 - axis.low) / (axis.high - axis.low) * axis.width).astype(np.int64)
        places, starts = np.unique(columns, return_index=True)
        most = np.maximum.reduceat(self._counts[frames], starts)
        bad = np.logical_or.reduceat(self._bad[frames], starts)
        full = self.height() - 2.0
        heights = np.clip(most / max(1, min(4, int(self._counts.max()))), 0.25, 1.0) * full
        for x, height, is_bad in zip(places.tolist(), heights.tolist(), bad.tolist(), strict=True):
            colour = QColor(self._theme.colours.bad if is_bad else self._theme.colours.warn)
            gap = 1.0 if width >= 4 else 0.0
            painter.fillRect(QRectF(GUTTER + x, self.height() - 1 - height, width - gap, height), colour)


class VerifiedRow(TimeRow):
    """A bar of the verified, changed and excluded frames, with notes and damaged frames on it."""

    def __init__(self, axis: TimeAxis, marks: VideoMarks) -> None:
        super().__init__(axis, tr("Verified frames"))
        self.setObjectName("timelineVerified")
        self._marks = marks
        # Verified, changed, excluded: (F,) bool each.
        self._shown: tuple[NDArray[np.bool_], ...] = (np.zeros(0, np.bool_),) * 3
        marks.changed.connect(self.invalidate)

    def set_frames(self, truth: GroundTruth) -> None:
        """Show the verified, changed and excluded frames of the ground truth."""
        verified, changed = truth.verified(), frames_with(truth, FrameWork.CHANGED)
        excluded = frames_with(truth, FrameWork.EXCLUDED)
        shown = (verified, changed, excluded)
        if all(np.array_equal(new, old) for new, old in zip(shown, self._shown, strict=True)):
            return
        self._shown = shown
        self.set_word(tr("Verified {percent} %", percent=FrameProgress.of(truth).percent))
        self.invalidate()

    def draw_content(self, painter: QPainter) -> None:
        colours = self._theme.colours
        bar = SIZE["verified_row"] / 2
        top = self.height() / 2 - bar / 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.line))
        painter.drawRoundedRect(QRectF(GUTTER, top, self._axis.width, bar), bar / 2, bar / 2)
        for marked, name in zip(self._shown, (colours.good, colours.warn, colours.disabled), strict=True):
            painter.setBrush(QColor(name))
            for start, end in _pixel_runs(marked, self._axis):
                painter.drawRoundedRect(QRectF(GUTTER + start, top, max(1.5, end - start), bar), bar / 2, bar / 2)
        self._marks.draw_marks(painter, GUTTER, self.height(), self._theme)


def _pixel_runs(marked: NDArray[np.bool_], axis: TimeAxis) -> list[tuple[float, float]]:
    """Left and right pixels of the marked stretches in view, from the start of the axis."""
    first, last = max(0, math.floor(axis.low)), min(len(marked), math.ceil(axis.high) + 1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked[first:last], [False]]).astype(np.int8)))
    x = (edges + first - 0.5 - axis.low) / (axis.high - axis.low) * axis.width
    starts, ends = x[::2], x[1::2]
    if len(starts) > 1:
        breaks = np.flatnonzero(starts[1:] - ends[:-1] >= 1.0)
        starts, ends = starts[np.append(0, breaks + 1)], ends[np.append(breaks, len(ends) - 1)]
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
