"""Brings pictures from the frame loader to the canvases: latest request wins, picture and boxes switch together."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QSize, QTimer, Signal

from iouviewer.app.frame_loader import FrameLoader, LoadedFrame
from iouviewer.app.playback import Playback
from iouviewer.app.session import Session
from iouviewer.errors import UserError
from iouviewer.ui.canvas.view import CanvasView


class PictureFeed(QObject):
    """Requests the current frame and shows what comes.

    Signals:
        failed(UserError): a picture cannot be decoded.
    """

    failed = Signal(object)

    def __init__(
        self, session: Session, loader: FrameLoader, playback: Playback, canvases: Sequence[CanvasView]
    ) -> None:
        super().__init__(session)
        self._session, self._loader, self._playback = session, loader, playback
        self._canvases = tuple(canvases)
        self._scrubbing = False
        self._target = QSize()
        self._resized = QTimer(self)
        self._resized.setSingleShot(True)
        self._resized.setInterval(120)
        self._resized.timeout.connect(self._on_resized_timeout)
        session.frameChanged.connect(self._on_frame_changed)
        session.sourceChanged.connect(self.request)
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
        if self._session.frame_count and self._loader.info is not None:
            moving = self._playback.playing
            self._loader.request(self._session.current_frame, scrubbing=self._scrubbing, moving=moving)

    def _on_frame_changed(self, frame: int) -> None:
        if not self._playback.playing:
            self._playback.set_frame(frame)
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

    def _on_frame_ready(self, loaded: LoadedFrame) -> None:
        for canvas in self._canvases:
            canvas.show_picture(loaded.image, loaded.frame, exact=loaded.exact, scale=loaded.scale)
        if loaded.exact:
            self._playback.frame_shown(loaded.frame)

    def _on_frame_failed(self, _request: int, error: UserError) -> None:
        self.failed.emit(error)
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
        self.request()
