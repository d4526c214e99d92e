"""Joins what is known of the open video with the places that tell it: status bar, timeline, transport, dialog."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.notifier import Level, Notifier
from iouviewer.app.settings import Settings
from iouviewer.app.video.frame_loader import FrameLoader, ProxyState, VideoInfo
from iouviewer.app.video.playback import Playback
from iouviewer.app.video.video_info import Waits
from iouviewer.app.video.video_notes import damage_at, damaged_frames, notes_on
from iouviewer.errors import UserError
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.commands.video import VideoCommands
from iouviewer.ui.frame_presenter import PictureFeed
from iouviewer.ui.icons import icon
from iouviewer.ui.panels.number_line import NumberLine
from iouviewer.ui.panels.status import StatusBar
from iouviewer.ui.panels.transport import Transport
from iouviewer.ui.panels.video_state import VideoState
from iouviewer.ui.theme import Theme
from iouviewer.ui.timeline.marks import VideoMarks
from iouviewer.ui.timeline.plot import TimelinePlot

_SHORT_WAIT = 1000
"""Milliseconds that the proof may stand back without a word: a few small copies are made in less."""


class VideoDesk(QObject):
    """Keeps everything that is told of the video current.

    Attributes:
        state: notes, memory and small copies in the status bar.
        marks: damaged frames and the loop on the timeline.
        transport: speed and dropped frames.
    """

    def __init__(
        self,
        session: Session,
        loader: FrameLoader,
        playback: Playback,
        feed: PictureFeed,
        settings: Settings,
        notifier: Notifier,
    ) -> None:
        super().__init__(session)
        self._session, self._loader, self._playback, self._feed = session, loader, playback, feed
        self._settings, self._notifier = settings, notifier
        self._status: StatusBar | None = None
        self._played: Path | None = None
        self._commands: VideoCommands | None = None
        self._actions: ActionSet | None = None
        self._theme: Theme | None = None
        self.state = VideoState()
        self.transport = Transport(playback)
        loader.infoChanged.connect(self._on_info_changed)
        loader.opened.connect(self._on_opened)
        loader.indexProgress.connect(self.refresh)
        loader.numbersConfirmed.connect(self._on_numbers_confirmed)
        loader.cacheUsed.connect(self._show_memory)
        loader.proxyState.connect(self._on_proxy_state)
        loader.backgroundFailed.connect(self._on_background_failed)
        loader.proofWaits.connect(self._on_proof_waits)
        loader.indexReadAnew.connect(self._on_index_read_anew)
        session.sourceChanged.connect(self._on_source_changed)
        session.frameChanged.connect(self._show_time)
        for signal in (session.frameChanged, session.changed):
            signal.connect(self.transport.move_on)
        self._waits = Waits.FOR_NOTHING
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(_SHORT_WAIT)
        self._waiting.timeout.connect(self._on_waiting_timeout)
        self._show_memory(0)

    def place(self, status: StatusBar, number_line: NumberLine, plot: TimelinePlot) -> None:
        """Take places in the window."""
        self._status = status
        status.insertPermanentWidget(1, self.state)
        self._feed.unnumbered.connect(status.show_unnumbered)
        self._feed.missed.connect(status.say_here)
        number_line.add_part(self.transport)
        self.marks = VideoMarks(plot, self._explain)
        self._playback.loopChanged.connect(self.marks.set_loop)

    def make_commands(self, window: QWidget, canvases: tuple[CanvasView, ...]) -> VideoCommands:
        """The commands on the video."""
        commands = VideoCommands(
            window,
            self._session,
            self._loader,
            self._playback,
            canvases,
            seek_time=self._feed.seek_time,
            on_levels=self.refresh,
        )
        self._commands = commands
        self.state.asked.connect(commands.show_facts)
        return commands

    def set_actions(self, actions: ActionSet) -> None:
        """Ways of playing beside the speed; the play button shows what it does."""
        self._actions = actions
        ways = ("playBackwards", "slower", "faster", "loopFrom", "loopTo", "loopOff")
        self.transport.add_actions([actions[id] for id in ways])
        self._playback.playingChanged.connect(self._show_playing)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of this scheme."""
        self._theme = theme
        self.marks.set_theme(theme)
        self._show_playing(self._playback.playing)

    def _show_playing(self, playing: bool) -> None:
        if self._actions is not None and self._theme is not None:
            self._actions["playPause"].setIcon(icon("pause" if playing else "play", self._theme))

    def apply_settings(self) -> None:
        """Memory and small copies as the settings say."""
        settings = self._settings
        self._loader.set_memory_budget(settings.memory_mib << 20)
        self._loader.set_proxy_limit(settings.proxy_mib << 20 if settings.proxy_on else 0)
        self._loader.set_proof(on=settings.proof_on)
        if not settings.proxy_on:
            self.state.show_copies(None)
        self._show_memory(self._used)

    # What is told

    def refresh(self, _what: object = None) -> None:
        """Tell all anew."""
        info = self._loader.info
        self.state.memory.setVisible(info is not None)
        levels = self._commands.levels_note if self._commands is not None else None
        notes = notes_on(info, self._loader.progress, self._waits) if info is not None else ()
        self.state.show_notes(notes if levels is None else (*notes, levels))
        if info is not None:
            self.marks.set_damaged(damaged_frames(info))
        if self._commands is not None:
            self._commands.waits = self._waits
            self._commands.refresh_facts()

    def _explain(self, frame: int) -> str:
        info = self._loader.info
        return damage_at(info, frame) if info is not None else ""

    def _on_opened(self, _info: VideoInfo) -> None:
        self._played = None
        self.state.show_copies(None)
        self._follow_playback()
        self.refresh()

    def _on_source_changed(self) -> None:
        self._follow_playback()
        self._show_time(self._session.current_frame)

    def _follow_playback(self) -> None:
        info = self._loader.info
        if info is None:
            self._playback.set_video(0, np.empty(0))
            return
        if self._played == info.path:
            self._playback.update_video(info.frame_count, info.times, info.fps)
        else:
            self._playback.set_video(info.frame_count, info.times, info.fps)
            self._playback.set_frame(self._session.current_frame)
        self._played = info.path

    def _on_info_changed(self, _info: VideoInfo) -> None:
        self._follow_playback()
        self.refresh()

    def _on_numbers_confirmed(self) -> None:
        # What stood back in doubt may be shown as exact now, with its boxes, also where no number has changed.
        self._feed.request()
        self.refresh()

    def _on_proof_waits(self, waits: Waits) -> None:
        if waits is Waits.FOR_NOTHING:
            self._waiting.stop()
            self._on_waiting_timeout()
        elif not self._waiting.isActive():
            self._waiting.start()

    def _on_waiting_timeout(self) -> None:
        if self._waits is not self._loader.waits:
            self._waits = self._loader.waits
            self.refresh()

    def _on_proxy_state(self, state: ProxyState) -> None:
        self.state.show_copies(state)

    def _on_index_read_anew(self, info: VideoInfo) -> None:
        self._notifier.show(f"The index of {info.path.name} was not the file's and was read anew")

    def _on_background_failed(self, error: UserError) -> None:
        self._notifier.show(error, Level.WARNING)

    def _show_memory(self, used: int) -> None:
        self._used = used
        self.state.show_memory(used, self._settings.memory_mib << 20)

    def _show_time(self, frame: int) -> None:
        info = self._loader.info
        if info is None or self._status is None or self._feed.is_unnumbered:
            return
        if frame < len(info.times):
            self._status.show_time(float(info.times[frame]))
