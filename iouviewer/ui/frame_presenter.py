"""Requests frames from the loader and shows them on the canvases; the latest request wins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, QSize, QTimer, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.loading import LoadStep
from iouviewer.app.video.frame_loader import FrameLoader, LoadedFrame
from iouviewer.app.video.playback import Playback
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.app.video.video_notes import describe_damage
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.partial_load import FrameBoxes
from iouviewer.ui.canvas.frame_status import (
    frame_status,
    loading_status,
    missing_frame_status,
    project_loading_status,
)
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.panels.status_bar import format_time

_LOADING_DELAY_MS = 400
"""Delay before the canvas shows that a frame is loading; decoding a long GOP takes longer."""
_RESIZE_DELAY_MS = 120
"""Delay after the last zoom change before the frame is requested in the new size."""
_PROJECT_DELAY_MS = 250
"""Delay after a video was opened before its first frame is shown without its project, which takes long to load."""
_CLOCK_RESOLUTION = 0.1
"""Resolution of the times on screen, seconds."""


class FramePresenter(QObject):
    """Shows the current frame, with a status on the canvas if it is damaged, uncertain, missing or still loading.

    Signals:
        unnumberedShown(float): the frame near this time (seconds) is shown; its number is not known yet.
        outOfRange(str): message about a frame or time that does not exist and the frame shown instead.
    """

    unnumberedShown = Signal(float)
    outOfRange = Signal(str)

    def __init__(
        self, session: Session, loader: FrameLoader, playback: Playback, canvases: Sequence[CanvasView]
    ) -> None:
        super().__init__(session)
        self._session, self._loader, self._playback = session, loader, playback
        self._canvases = tuple(canvases)
        self._scrubbing = False
        self._unnumbered: float | None = None
        self._target = QSize()
        self._is_loading_shown = False
        self._first_boxes: FrameBoxes | None = None
        self._load_text = ""
        self._loading_timer = QTimer(self)
        self._loading_timer.setSingleShot(True)
        self._loading_timer.setInterval(_LOADING_DELAY_MS)
        self._loading_timer.timeout.connect(self._on_loading_timer_timeout)
        self._resize_timer = QTimer(self)
        self._resize_timer.setSingleShot(True)
        self._resize_timer.setInterval(_RESIZE_DELAY_MS)
        self._resize_timer.timeout.connect(self.update_target_size)
        self._project_timer = QTimer(self, singleShot=True, interval=_PROJECT_DELAY_MS)
        self._project_timer.timeout.connect(self._on_project_timer_timeout)
        session.frameChanged.connect(self._on_frame_changed)
        session.sourceChanged.connect(self._on_source_changed)
        loader.opened.connect(self._on_opened)
        loader.openFailed.connect(self.refresh)
        loader.frameReady.connect(self._on_frame_ready)
        loader.frameFailed.connect(self._on_frame_failed)
        playback.frameDue.connect(self._on_frame_due)
        playback.playingChanged.connect(self._on_playing_changed)
        for canvas in self._canvases:
            canvas.zoomChanged.connect(self._resize_timer.start)

    def seek(self, frame: int) -> None:
        """Go to a frame while the user scrubs; a preview may be shown first."""
        self._scrubbing = True
        try:
            self._session.go_to(frame)
        finally:
            self._scrubbing = False

    def request(self) -> None:
        """Request the current frame."""
        self._unnumbered = None
        if self._is_ready():
            playing = self._playback.playing
            self._loader.request(self._session.current_frame, scrubbing=self._scrubbing, playing=playing)
            if self._is_loading_shown:
                self._on_loading_timer_timeout()  # updates the frame number in the status
            elif not self._loading_timer.isActive():
                self._loading_timer.start()

    def refresh(self) -> None:
        """Request the shown frame again, for example in another size."""
        if self._unnumbered is None:
            self.request()
        elif self._is_ready():
            self._loader.request_time(self._unnumbered)

    def _is_ready(self) -> bool:
        """Whether the open file is the session's; False while another file is opening or the video is missing."""
        info, source = self._loader.info, self._session.source
        return bool(self._session.frame_count) and info is not None and info.fingerprint == source.fingerprint

    def seek_time(self, seconds: float) -> None:
        """Go to a time in seconds. If it is not indexed yet, the frame is shown without number and boxes at first."""
        info = self._loader.info
        if info is None:
            return
        self._playback.pause()
        if len(info.times) and (info.complete or seconds <= info.times[-1]):
            frame = int(np.searchsorted(info.times, seconds + 1e-9, side="right")) - 1
            self._go_to(max(0, frame))
        elif not len(info.times):
            self._go_to(round(seconds * info.fps))
        else:
            self._loader.request_time(seconds)
            self._unnumbered = seconds
            self.unnumberedShown.emit(seconds)
        message = time_out_of_range(seconds, info)
        if message:
            self.outOfRange.emit(message)

    def report_out_of_range(self, typed: int | str) -> None:
        """Report a typed frame number that does not exist, or a text that is not a number."""
        self.outOfRange.emit(frame_out_of_range(typed, self._session.frame_count - 1, self._loader.info))

    def _go_to(self, frame: int) -> None:
        if frame == self._session.current_frame:
            self.request()
        else:
            self._session.go_to(frame)

    @property
    def is_unnumbered(self) -> bool:
        """Whether the shown frame was requested by time and its number is not known yet."""
        return self._unnumbered is not None

    def show_first_boxes(self, boxes: FrameBoxes) -> None:
        """Show the boxes of one frame, with its picture, while the others of its project are being loaded."""
        self._first_boxes = boxes
        if self._waits_for_project:
            self._loader.request(boxes.frame)

    def show_load_step(self, step: LoadStep) -> None:
        """Say on the picture what is being loaded, as long as nothing can be edited."""
        self._load_text = step.text
        if self._waits_for_project and not self._canvases[0].shown_image().isNull():
            for canvas in self._canvases:
                canvas.set_status(project_loading_status(step.text))

    def _on_opened(self) -> None:
        self._unnumbered = self._first_boxes = None
        self._load_text = ""
        self._project_timer.start()

    @property
    def _waits_for_project(self) -> bool:
        """Whether a video is open whose project is still being loaded: the session has no frames yet."""
        info = self._loader.info
        return info is not None and info.frame_count > 0 and not self._session.frame_count

    def _on_project_timer_timeout(self) -> None:
        if self._waits_for_project:
            self._loader.request(0 if self._first_boxes is None else self._first_boxes.frame)

    def _on_source_changed(self) -> None:
        """Handle another video, or a longer index of this one."""
        info = self._loader.info
        if self._unnumbered is None or info is None:
            self.request()
        elif info.complete or (len(info.times) and self._unnumbered <= info.times[-1]):
            self.seek_time(self._unnumbered)
        else:
            self.unnumberedShown.emit(self._unnumbered)

    def _on_frame_changed(self, frame: int) -> None:
        if not self._playback.playing:
            self._playback.set_frame(frame)
        elif frame != self._playback.frame:
            self._playback.jump(frame)
        self.request()

    def _on_frame_due(self, frame: int) -> None:
        if frame == self._session.current_frame:
            # The frame is shown already or has failed; no other signal follows.
            self._playback.frame_shown(frame)
        else:
            self._session.go_to(frame)

    def _on_playing_changed(self, playing: bool) -> None:
        if not playing:
            self.request()

    def _on_loading_timer_timeout(self) -> None:
        for canvas in self._canvases if self._is_ready() else ():
            canvas.set_status(loading_status(self._session.current_frame))
            self._is_loading_shown = True

    def _on_frame_ready(self, loaded: LoadedFrame) -> None:
        self._loading_timer.stop()
        self._is_loading_shown = False
        if self._waits_for_project:
            loading, first = project_loading_status(self._load_text), self._first_boxes
            is_first = first is not None and loaded.exact and loaded.frame == first.frame
            for canvas in self._canvases:
                canvas.set_first_boxes(first if is_first else None)
                canvas.show_image(loaded.image, -1, exact=False, scale=loaded.scale, status=loading)
        if not self._is_ready():
            return
        info = self._loader.info
        damage = describe_damage(info, loaded.frame) if info is not None else ""
        status = frame_status(loaded, damage, playing=self._playback.playing)
        for canvas in self._canvases:
            canvas.show_image(loaded.image, loaded.frame, exact=loaded.exact, scale=loaded.scale, status=status)
        if loaded.exact or not loaded.is_preview:
            # Playback does not wait for a better version of an uncertain frame.
            self._playback.frame_shown(self._session.current_frame)

    def _on_frame_failed(self, frame: int, error: UserError) -> None:
        self._loading_timer.stop()
        self._is_loading_shown = False
        if frame >= 0:
            status = missing_frame_status(frame, error.message, error.remedy)
            for canvas in self._canvases:
                canvas.show_missing_frame(frame, status)
        self._session.statusMessage.emit(str(error))
        self._playback.frame_shown(self._session.current_frame)

    def update_target_size(self) -> None:
        """Request frames in the size that the canvases show; reduced ones decode faster."""
        sizes = [canvas.display_size() for canvas in self._canvases if canvas.isVisible()]
        if not sizes:
            return
        largest = max(sizes, key=lambda size: size.width())
        if largest.isEmpty() or largest == self._target:
            return
        self._target = largest
        is_reduced = largest.width() < self._session.source.width
        self._loader.set_target_size((largest.width(), largest.height()) if is_reduced else None)
        self.refresh()


def frame_out_of_range(typed: int | str, last: int, info: VideoInfo | None) -> str:
    """Message about a frame number that does not exist, or a text that is not a number.

    Args:
        last: number of the last frame.
    """
    if isinstance(typed, str):
        if not typed:
            return tr("Type a frame number, 0–{last:,}", last=last)
        return tr("“{text}” is not a frame number; type 0–{last:,}", text=typed, last=last)
    if typed < 0:
        return tr("Frame numbers start at 0; showing the first frame")
    if info is not None and not info.complete:
        return tr("Frame {frame:,} is not indexed yet; showing frame {last:,}", frame=typed, last=last)
    if info is not None and last < len(info.times):
        return tr(
            "Frame {frame:,} does not exist; showing the last one, {last:,} ({time})",
            frame=typed,
            last=last,
            time=format_time(float(info.times[last])),
        )
    return tr("Frame {frame:,} does not exist; showing the last one, {last:,}", frame=typed, last=last)


def time_out_of_range(seconds: float, info: VideoInfo) -> str:
    """Message about a time before or after the video; empty if there is a frame at that time."""
    if seconds < 0:
        return tr("Times start at 0; showing the first frame")
    end = _end_of(info)
    if end is None or seconds < end + _CLOCK_RESOLUTION / 2:
        return ""
    return tr(
        "The video ends at {time}; showing the last frame, {last:,}", time=format_time(end), last=info.frame_count - 1
    )


def _end_of(info: VideoInfo) -> float | None:
    """Time in seconds at which the last frame ends, given the median duration; None while unknown."""
    if not info.complete or not info.frame_count:
        return None
    if len(info.times) > 1:
        return float(info.times[-1]) + float(np.median(np.diff(info.times)))
    return info.frame_count / info.fps if info.fps else None
