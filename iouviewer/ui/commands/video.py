"""Commands on the video itself: ways of playing, going to a time, facts, how the picture is shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.playback import SPEEDS, Playback
from iouviewer.app.video.video_info import Waits
from iouviewer.app.video.video_notes import Note
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.dialogs.ask_time import AskTime
from iouviewer.ui.dialogs.picture_levels import PictureLevels
from iouviewer.ui.dialogs.video_facts import VideoFactsDialog

_FROM_EDGE = 12
_STATUS_BAR = 40


class VideoCommands:
    """Group ``video``.

    Attributes:
        facts: the dialog on the open video, while it is shown; ``refresh_facts`` keeps it current.
        waits: what the decode that proves the video is said to stand back for.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        loader: FrameLoader,
        playback: Playback,
        canvases: tuple[CanvasView, ...],
        *,
        seek_time: Callable[[float], None],
        on_levels: Callable[[], None],
    ) -> None:
        self._window, self._session, self._loader, self._playback = window, session, loader, playback
        self._canvases, self._seek_time, self._on_levels = canvases, seek_time, on_levels
        self._levels: PictureLevels | None = None
        self.facts: VideoFactsDialog | None = None
        self.waits = Waits.FOR_NOTHING

    def play_backwards(self) -> None:
        """Play towards the beginning, or stop."""
        self._playback.toggle(backwards=True)

    def change_speed(self, steps: int) -> None:
        """Play slower or faster by so many steps of the speeds."""
        at = min(range(len(SPEEDS)), key=lambda i: abs(SPEEDS[i] - self._playback.speed))
        self._playback.set_speed(SPEEDS[min(max(at + steps, 0), len(SPEEDS) - 1)])
        self._session.told.emit(f"Speed {self._playback.speed:g}×")

    def loop_from(self) -> None:
        """Playing loops from this frame on."""
        here, loop = self._session.current_frame, self._playback.loop
        last = self._session.frame_count - 1
        self._set_loop(here, max(loop) if loop is not None and max(loop) > here else last)

    def loop_to(self) -> None:
        """Playing loops up to this frame."""
        here, loop = self._session.current_frame, self._playback.loop
        self._set_loop(min(loop) if loop is not None and min(loop) < here else 0, here)

    def _set_loop(self, first: int, last: int) -> None:
        if first >= last:
            self._session.told.emit("A loop needs two frames at least")
            return
        self._playback.set_loop((first, last))
        self._session.told.emit(f"Playing loops over frames {first} to {last}")

    def loop_off(self) -> None:
        """Play without a loop."""
        if self._playback.loop is not None:
            self._playback.set_loop(None)
            self._session.told.emit("Playing no longer loops")

    def ask_time(self) -> None:
        """Ask for a time and go there."""
        info = self._loader.info
        if info is None or (info.fps <= 0 and not len(info.times)):
            self._session.told.emit("These pictures have no time; go to a frame instead")
            return
        here = self._session.current_frame
        now = float(info.times[here]) if here < len(info.times) else here / info.fps if info.fps else 0.0
        known = float(info.times[-1]) if len(info.times) else 0.0
        # Headers tell the length of the sound, or of the first of several recordings that were joined.
        longest = known if known and info.complete else info.seconds_announced or known
        dialog = AskTime(self._window, now, longest)
        if dialog.exec():
            self._seek_time(dialog.seconds())

    def show_facts(self) -> None:
        """Show what is known of the open video, until it is closed."""
        if self.facts is None:
            self.facts = VideoFactsDialog(self._window)
            self.facts.frameChosen.connect(self._session.go_to)
        self.facts.show_info(self._loader.info, self._loader.progress, self.waits)
        self.facts.show()
        self.facts.activateWindow()

    def refresh_facts(self) -> None:
        """More is known of the video."""
        if self.facts is not None and self.facts.isVisible():
            self.facts.show_info(self._loader.info, self._loader.progress, self.waits)

    def adjust_picture(self) -> None:
        """Brightness and contrast of the picture on screen; nothing else sees them."""
        if self._levels is None:
            self._levels = PictureLevels(self._window)
            for canvas in self._canvases:
                self._levels.changed.connect(canvas.set_levels)
            self._levels.changed.connect(self._on_levels)
            self._levels.adjustSize()
            self._levels.move(self._corner(self._levels))
        self._levels.show()
        self._levels.activateWindow()

    def _corner(self, dialog: QWidget) -> QPoint:
        """A place at the lower right of the window: in the middle it would hide the picture that is adjusted."""
        inside = self._window.rect().adjusted(0, 0, -_FROM_EDGE, -_FROM_EDGE - _STATUS_BAR)
        place = inside.bottomRight() - dialog.rect().bottomRight()
        return self._window.mapToGlobal(QPoint(max(place.x(), 0), max(place.y(), 0)))

    def reset_picture(self) -> None:
        """Show the picture as bright, and with the contrast, as it is."""
        if self._levels is not None:
            self._levels.reset()
        self._session.told.emit("Brightness and contrast are the file's")

    @property
    def levels_note(self) -> Note | None:
        """A word while the picture on screen is brighter or has another contrast than the file's."""
        if self._levels is None or self._levels.values == (0.0, 1.0):
            return None
        brightness, contrast = self._levels.values
        text = f"The picture on screen is adjusted: brightness {100 * brightness:+.0f} %, contrast ×{contrast:.2f}."
        return Note("levels", "picture adjusted", text)
