"""Commands on the video: playback, properties, brightness and contrast."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.playback import SPEEDS, Playback
from iouviewer.app.video.video_info import DecodeCheckPause
from iouviewer.app.video.video_notes import Note
from iouviewer.i18n import tr
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.dialogs.image_levels import ImageLevelsDialog
from iouviewer.ui.dialogs.video_properties import VideoPropertiesDialog

_MARGIN = 12
_STATUS_BAR_HEIGHT = 40


class VideoCommands:
    """Group ``video``.

    Attributes:
        properties_dialog: properties of the open video, None before it is first shown.
        levels_dialog: brightness and contrast, None before it is first shown.
        decode_check_pause: reason shown for a pause of the decode check.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        loader: FrameLoader,
        playback: Playback,
        canvases: tuple[CanvasView, ...],
        *,
        on_levels_changed: Callable[[], None],
    ) -> None:
        self._window, self._session, self._loader, self._playback = window, session, loader, playback
        self._canvases, self._on_levels_changed = canvases, on_levels_changed
        self.levels_dialog: ImageLevelsDialog | None = None
        self.properties_dialog: VideoPropertiesDialog | None = None
        self.decode_check_pause = DecodeCheckPause.NOT_PAUSED

    def play_backwards(self) -> None:
        """Play in reverse, or pause."""
        self._playback.toggle(backwards=True)

    def change_speed(self, steps: int) -> None:
        """Change the speed by steps: negative is slower."""
        current = min(range(len(SPEEDS)), key=lambda i: abs(SPEEDS[i] - self._playback.speed))
        self._playback.set_speed(SPEEDS[min(max(current + steps, 0), len(SPEEDS) - 1)])
        self._session.statusMessage.emit(tr("Speed {speed:g}×", speed=self._playback.speed))

    def set_loop_start(self) -> None:
        """Start the loop at this frame."""
        current, loop = self._session.current_frame, self._playback.loop
        last = self._session.frame_count - 1
        self._set_loop(current, max(loop) if loop is not None and max(loop) > current else last)

    def set_loop_end(self) -> None:
        """End the loop at this frame."""
        current, loop = self._session.current_frame, self._playback.loop
        self._set_loop(min(loop) if loop is not None and min(loop) < current else 0, current)

    def _set_loop(self, first: int, last: int) -> None:
        if first >= last:
            self._session.statusMessage.emit(tr("A loop needs at least two frames"))
            return
        self._playback.set_loop((first, last))
        self._session.statusMessage.emit(tr("Loop over frames {first:,}–{last:,}", first=first, last=last))

    def clear_loop(self) -> None:
        """Clear the loop."""
        if self._playback.loop is not None:
            self._playback.set_loop(None)
            self._session.statusMessage.emit(tr("Loop cleared"))

    def show_properties(self) -> None:
        """Show the properties of the open video."""
        if self.properties_dialog is None:
            self.properties_dialog = VideoPropertiesDialog(self._window)
            self.properties_dialog.frameChosen.connect(self._session.go_to)
        self.properties_dialog.show_info(self._loader.info, self._loader.progress, self.decode_check_pause)
        self.properties_dialog.show()
        self.properties_dialog.activateWindow()

    def update_properties(self) -> None:
        """Show the current properties if the dialog is open."""
        if self.properties_dialog is not None and self.properties_dialog.isVisible():
            self.properties_dialog.show_info(self._loader.info, self._loader.progress, self.decode_check_pause)

    def adjust_levels(self) -> None:
        """Adjust brightness and contrast of the image on screen; models and exports are not affected."""
        if self.levels_dialog is None:
            self.levels_dialog = ImageLevelsDialog(self._window)
            for canvas in self._canvases:
                self.levels_dialog.changed.connect(canvas.set_levels)
            self.levels_dialog.changed.connect(self._on_levels_changed)
            self.levels_dialog.adjustSize()
            self.levels_dialog.move(self._default_position(self.levels_dialog))
        self.levels_dialog.show()
        self.levels_dialog.activateWindow()

    def _default_position(self, dialog: QWidget) -> QPoint:
        """Position at the lower right of the window, where the dialog does not cover the image."""
        inside = self._window.rect().adjusted(0, 0, -_MARGIN, -_MARGIN - _STATUS_BAR_HEIGHT)
        corner = inside.bottomRight() - dialog.rect().bottomRight()
        return self._window.mapToGlobal(QPoint(max(corner.x(), 0), max(corner.y(), 0)))

    def reset_levels(self) -> None:
        """Show the image with its original brightness and contrast."""
        if self.levels_dialog is not None:
            self.levels_dialog.reset()
        self._session.statusMessage.emit(tr("Brightness and contrast reset"))

    @property
    def levels_note(self) -> Note | None:
        """A note while brightness or contrast are adjusted, else None."""
        if self.levels_dialog is None or self.levels_dialog.values == (0.0, 1.0):
            return None
        brightness, contrast = self.levels_dialog.values
        text = tr(
            "Brightness and contrast on screen are adjusted: {brightness:+.0f} %, ×{contrast:.2f}.",
            brightness=100 * brightness,
            contrast=contrast,
        )
        return Note("levels", tr("image adjusted"), text)
