"""Brings pictures from the frame loader to the canvases: latest request wins, picture and boxes switch together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, QSize, QTimer, Signal

from iouviewer.app.editing.session import Session
from iouviewer.app.video.frame_loader import FrameLoader, LoadedFrame
from iouviewer.app.video.playback import Playback
from iouviewer.app.video.video_notes import damage_at
from iouviewer.errors import UserError
from iouviewer.ui.canvas.marks import mark_of, missing_mark, waiting_mark
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.out_of_range import missed_frame, missed_time

_PATIENCE = 400
"""Milliseconds after which a picture that does not come is worth a word: a long group is decoded."""


class PictureFeed(QObject):
    """Requests the current frame and shows what comes, with a word on it where it is not simply that frame.

    Signals:
        unnumbered(float): the picture near this time is shown, whose number is not known yet.
        missed(str): a sentence on a frame or time that is not there, and what is shown instead.
    """

    unnumbered = Signal(float)
    missed = Signal(str)

    def __init__(
        self, session: Session, loader: FrameLoader, playback: Playback, canvases: Sequence[CanvasView]
    ) -> None:
        super().__init__(session)
        self._session, self._loader, self._playback = session, loader, playback
        self._canvases = tuple(canvases)
        self._scrubbing = False
        self._unnumbered: float | None = None
        self._target = QSize()
        self._waiting_shown = False
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(_PATIENCE)
        self._slow.timeout.connect(self._on_slow_timeout)
        self._resized = QTimer(self)
        self._resized.setSingleShot(True)
        self._resized.setInterval(120)
        self._resized.timeout.connect(self._on_resized_timeout)
        session.frameChanged.connect(self._on_frame_changed)
        session.sourceChanged.connect(self._on_source_changed)
        loader.opened.connect(self._on_opened)
        loader.openFailed.connect(self.refresh)
        loader.frameReady.connect(self._on_frame_ready)
        loader.frameFailed.connect(self._on_frame_failed)
        playback.frameDue.connect(self._on_frame_due)
        playback.playingChanged.connect(self._on_playing_changed)
        for canvas in self._canvases:
            canvas.zoomChanged.connect(self._resized.start)

    def seek(self, frame: int) -> None:
        """Go to a frame while the hand moves: a stand-in may come first."""
        self._scrubbing = True
        try:
            self._session.go_to(frame)
        finally:
            self._scrubbing = False

    def request(self) -> None:
        """Ask for the current frame's picture."""
        self._unnumbered = None
        if self._is_ready():
            moving = self._playback.playing
            self._loader.request(self._session.current_frame, scrubbing=self._scrubbing, moving=moving)
            if self._waiting_shown:
                self._on_slow_timeout()  # it names the frame that is waited for now
            elif not self._slow.isActive():
                self._slow.start()

    def refresh(self) -> None:
        """Ask anew for the picture that is shown, for it is to have another size: the current frame's, or a time's."""
        if self._unnumbered is None:
            self.request()
        elif self._is_ready():
            self._loader.request_time(self._unnumbered)

    def _is_ready(self) -> bool:
        """Whether the open file is the session's: not while another one is being opened, or its video is missing."""
        info, source = self._loader.info, self._session.source
        return bool(self._session.frame_count) and info is not None and info.fingerprint == source.fingerprint

    def seek_time(self, seconds: float) -> None:
        """Go to a time, also where the index has not come to it yet: then without number and boxes at first."""
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
            self.unnumbered.emit(seconds)
        missed = missed_time(seconds, info)
        if missed:
            self.missed.emit(missed)

    def tell_missed(self, asked: int | str) -> None:
        """Say that there is no such frame, and what is shown instead."""
        self.missed.emit(missed_frame(asked, self._session.frame_count - 1, self._loader.info))

    def _go_to(self, frame: int) -> None:
        if frame == self._session.current_frame:
            self.request()
        else:
            self._session.go_to(frame)

    @property
    def is_unnumbered(self) -> bool:
        """Whether a picture is shown that a time asked for and whose number is not known yet."""
        return self._unnumbered is not None

    def _on_opened(self) -> None:
        self._unnumbered = None

    def _on_source_changed(self) -> None:
        """Another video; or more is known of this one, perhaps the number of the picture that a time asked for."""
        info = self._loader.info
        if self._unnumbered is None or info is None:
            self.request()
        elif info.complete or (len(info.times) and self._unnumbered <= info.times[-1]):
            self.seek_time(self._unnumbered)
        else:
            self.unnumbered.emit(self._unnumbered)

    def _on_frame_changed(self, frame: int) -> None:
        if not self._playback.playing:
            self._playback.set_frame(frame)
        elif frame != self._playback.frame:
            self._playback.jump(frame)
        self.request()

    def _on_frame_due(self, frame: int) -> None:
        if frame == self._session.current_frame:
            # Shown already, or failed: nothing else would answer.
            self._playback.frame_shown(frame)
        else:
            self._session.go_to(frame)

    def _on_playing_changed(self, playing: bool) -> None:
        if not playing:
            self.request()

    def _on_slow_timeout(self) -> None:
        for canvas in self._canvases if self._is_ready() else ():
            canvas.set_mark(waiting_mark(self._session.current_frame))
            self._waiting_shown = True

    def _on_frame_ready(self, loaded: LoadedFrame) -> None:
        self._slow.stop()
        self._waiting_shown = False
        if not self._is_ready():
            return
        info = self._loader.info
        damage = damage_at(info, loaded.frame) if info is not None else ""
        mark = mark_of(loaded, damage, playing=self._playback.playing)
        for canvas in self._canvases:
            canvas.show_picture(loaded.image, loaded.frame, exact=loaded.exact, scale=loaded.scale, mark=mark)
        if loaded.exact or not loaded.stand_in:
            # A picture in doubt is all there is to show for now: playing does not wait for a better one.
            self._playback.frame_shown(self._session.current_frame)

    def _on_frame_failed(self, frame: int, error: UserError) -> None:
        self._slow.stop()
        self._waiting_shown = False
        if frame >= 0:
            mark = missing_mark(frame, error.message, error.remedy)
            for canvas in self._canvases:
                canvas.show_missing(frame, mark)
        self._session.told.emit(str(error))
        self._playback.frame_shown(self._session.current_frame)

    def _on_resized_timeout(self) -> None:
        sizes = [canvas.wanted_size() for canvas in self._canvases if canvas.isVisible()]
        if not sizes:
            return
        wanted = max(sizes, key=lambda size: size.width())
        if wanted.isEmpty() or wanted == self._target:
            return
        self._target = wanted
        source = self._session.source
        smaller = wanted.width() < source.width
        self._loader.set_target_size((wanted.width(), wanted.height()) if smaller else None)
        self.refresh()
