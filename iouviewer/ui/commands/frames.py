"""Commands that go to frames and play."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.video.playback import Playback
from iouviewer.i18n import tr
from iouviewer.ui.dialogs.input_dialogs import NumberDialog


class FrameCommands:
    """Group ``frames``.

    Args:
        report_out_of_range: called with an entry that is not the number of a frame.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        playback: Playback,
        *,
        report_out_of_range: Callable[[int | str], None],
    ) -> None:
        self._window, self._session, self._playback = window, session, playback
        self._report_out_of_range = report_out_of_range

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

    def ask_frame(self) -> None:
        """Ask for a frame number and go there."""
        last = max(0, self._session.frame_count - 1)
        dialog = NumberDialog(
            self._window,
            title=tr("Go to frame"),
            label=tr("Frame (0–{last:,})", last=last),
            value=self._session.current_frame,
            low=0,
            high=last,
            button=tr("Go"),
        )
        if dialog.exec():
            self._go(dialog.value())
            typed = dialog.typed()
            if typed != dialog.value():
                self._report_out_of_range(typed)
