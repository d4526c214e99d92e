"""Commands on frames: stepping, playing, verifying."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.video.playback import Playback
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.dialogs.ask_number import AskNumber


class FrameCommands:
    """Group ``frames``. ``tell_missed`` is called with what was asked for and is no frame."""

    def __init__(
        self,
        window: QWidget,
        session: Session,
        playback: Playback,
        canvas: CanvasView,
        *,
        tell_missed: Callable[[int | str], None],
    ) -> None:
        self._window, self._session, self._playback, self._canvas = window, session, playback, canvas
        self._tell_missed = tell_missed

    def step(self, by: int) -> None:
        """Go some frames on or back; playing stops."""
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
        """Play from here, or stop."""
        self._playback.toggle()

    def ask_frame(self) -> None:
        """Ask for a frame and go there."""
        last = max(0, self._session.frame_count - 1)
        dialog = AskNumber(
            self._window,
            title="Go to frame",
            label=f"Frame (0 to {last})",
            value=self._session.current_frame,
            low=0,
            high=last,
            verb="Go",
        )
        if dialog.exec():
            self._go(dialog.value())
            asked = dialog.asked()
            if asked != dialog.value():
                self._tell_missed(asked)

    def verify_and_next(self) -> None:
        """Mark this frame as verified and go on."""
        self._canvas.verify_and_next()

    def verified_empty(self) -> None:
        """Mark this frame as verified without an object and go on."""
        self._canvas.verify_empty()
