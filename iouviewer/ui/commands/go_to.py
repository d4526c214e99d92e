"""Go to a frame, a time or a track that is typed; the picture is shown while one types."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.playback import Playback
from iouviewer.i18n import tr
from iouviewer.ui.dialogs.go_to import GoToDialog
from iouviewer.ui.go_to_target import Target, TargetKind, frame_of, go_to_track, parse_target
from iouviewer.ui.panels.status_bar import format_time


class GoToCommands:
    """Group ``goTo``.

    Args:
        seek_time: goes to seconds of the video.
        report_out_of_range: called with an entry that is not the number of a frame.
        report: called with a message that belongs to the frame on the screen.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        loader: FrameLoader,
        playback: Playback,
        *,
        seek_time: Callable[[float], None],
        report_out_of_range: Callable[[int | str], None],
        report: Callable[[str], None],
    ) -> None:
        self._window, self._session, self._loader, self._playback = window, session, loader, playback
        self._seek_time, self._report_out_of_range, self._report = seek_time, report_out_of_range, report

    def ask_frame(self) -> None:
        """Ask for a frame, a time or a track."""
        last = max(0, self._session.frame_count - 1)
        hint = tr("Frame 0–{last:,}, time (0:15.3) or track (#17)", last=last)
        self._ask(str(self._session.current_frame), hint, number_is_time=False)

    def ask_time(self) -> None:
        """Ask the same, where a number alone means seconds."""
        info = self._loader.info
        if info is None or (info.fps <= 0 and not len(info.times)):
            self._session.statusMessage.emit(tr("These images have no times. Go to a frame instead"))
            return
        frame = self._session.current_frame
        now = float(info.times[frame]) if frame < len(info.times) else frame / info.fps if info.fps else 0.0
        last_time = float(info.times[-1]) if len(info.times) else 0.0
        # The header may hold the length of the sound, or of the first of several joined recordings.
        longest = last_time if last_time and info.complete else info.header_duration or last_time
        hint = tr("Time such as 1:23:45.6, 12:30 or 90")
        if longest > 0:
            hint = tr("Time up to {end}, such as 12:30 or 90", end=format_time(longest))
        self._ask(format_time(now), hint, number_is_time=True)

    def _ask(self, text: str, hint: str, *, number_is_time: bool) -> None:
        session = self._session
        self._playback.pause()
        frame, selection = session.current_frame, session.selection
        preview = self._make_preview(number_is_time=number_is_time)
        dialog = GoToDialog(self._window, title=tr("Go to"), text=text, hint=hint, preview=preview)
        if dialog.exec():
            self.go(dialog.text(), number_is_time=number_is_time)
        elif session.current_frame != frame:
            session.go_to(frame)
            session.select(selection.boxes, prediction=selection.prediction)

    def _make_preview(self, *, number_is_time: bool) -> Callable[[str], str]:
        def preview(text: str) -> str:
            target = parse_target(text, number_is_time=number_is_time)
            frame = None if target is None else frame_of(target, self._session, self._loader.info)
            if target is None or frame is None:
                return self._missing(target, text)
            self._session.go_to(frame)
            return tr("Frame {frame:,} · Enter goes there, Esc returns", frame=frame)

        return preview

    def _missing(self, target: Target | None, text: str) -> str:
        if target is None:
            return tr("“{text}” is not a frame, a time or a track", text=text)
        if target.kind is TargetKind.TRACK:
            return tr("There is no track {track}", track=int(target.value))
        if target.kind is TargetKind.FRAME:
            return tr("The last frame is {last:,}", last=self._session.frame_count - 1)
        return ""

    def go(self, text: str, *, number_is_time: bool = False) -> None:
        """Go to what a text names; the status bar says if it does not exist."""
        target = parse_target(text, number_is_time=number_is_time)
        last = self._session.frame_count - 1
        self._playback.pause()
        if target is None:
            if number_is_time:
                self._report(self._missing(None, text))
            else:
                self._report_out_of_range(text)
        elif target.kind is TargetKind.TIME:
            self._seek_time(target.value)
        elif target.kind is TargetKind.TRACK:
            if self._session.ground_truth.has_track(int(target.value)):
                go_to_track(self._session, int(target.value))
            else:
                self._report(self._missing(target, text))
        else:
            frame = int(target.value)
            self._session.go_to(min(max(frame, 0), last))
            if not 0 <= frame <= last:
                self._report_out_of_range(frame)
