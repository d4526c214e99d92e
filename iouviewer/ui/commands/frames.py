"""Commands that step through frames and play."""

from __future__ import annotations

from iouviewer.app.editing.session import Session
from iouviewer.app.video.playback import Playback


class FrameCommands:
    """Group ``frames``."""

    def __init__(self, session: Session, playback: Playback) -> None:
        self._session, self._playback = session, playback

    def step(self, by: int) -> None:
        """Go forward (positive) or back by frames; pauses playback."""
        self._playback.pause()
        self._session.go_to(self._session.current_frame + by)

    def first(self) -> None:
        """Go to the first frame."""
        self._go(0)

    def last(self) -> None:
        """Go to the last frame."""
        self._go(self._session.frame_count - 1)

    def _go(self, frame: int) -> None:
        self._playback.pause()
        self._session.go_to(frame)

    def play_or_pause(self) -> None:
        """Play from the current frame, or pause."""
        self._playback.toggle()
