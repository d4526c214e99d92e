"""Shows the state of the open video in the status bar, the timeline, the playback bar and the properties dialog."""

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
from iouviewer.app.video.video_info import DecodeCheckPause
from iouviewer.app.video.video_notes import collect_notes, damaged_frames, describe_damage
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.commands.video import VideoCommands
from iouviewer.ui.frame_presenter import FramePresenter
from iouviewer.ui.panels.playback_bar import PlaybackBar
from iouviewer.ui.panels.speed_control import SpeedControl
from iouviewer.ui.panels.status_bar import StatusBar
from iouviewer.ui.panels.video_status import VideoStatus
from iouviewer.ui.theme import Theme, icon
from iouviewer.ui.timeline.marks import VideoMarks

_PAUSE_DELAY_MS = 1000
"""Delay before a pause of the decode check is shown; building a few proxies takes less time."""
_PLAYBACK_ACTIONS = ("playBackwards", "slower", "faster", "loopFrom", "loopTo", "loopOff")


class VideoPresenter(QObject):
    """Keeps every view of the video's state current.

    Attributes:
        status_widget: notes and scrub cache in the status bar.
        marks: damaged frames and the loop on the timeline; exists after ``attach``.
        speed_control: playback speed and dropped frames.
        pause_timer: times out when a pause of the decode check is long enough to show.
    """

    def __init__(
        self,
        session: Session,
        loader: FrameLoader,
        playback: Playback,
        frames: FramePresenter,
        settings: Settings,
        notifier: Notifier,
    ) -> None:
        super().__init__(session)
        self._session, self._loader, self._playback, self._frames = session, loader, playback, frames
        self._settings, self._notifier = settings, notifier
        self._playback_bar: PlaybackBar | None = None
        self._playback_path: Path | None = None
        self._commands: VideoCommands | None = None
        self._actions: ActionSet | None = None
        self._theme: Theme | None = None
        self.status_widget = VideoStatus()
        self.speed_control = SpeedControl(playback)
        loader.infoChanged.connect(self._on_info_changed)
        loader.opened.connect(self._on_opened)
        loader.indexProgress.connect(self.refresh)
        loader.numbersConfirmed.connect(self._on_numbers_confirmed)
        loader.proxyState.connect(self._on_proxy_state)
        loader.backgroundFailed.connect(self._on_background_failed)
        loader.decodeCheckPaused.connect(self._on_decode_check_paused)
        loader.reindexed.connect(self._on_reindexed)
        session.sourceChanged.connect(self._on_source_changed)
        session.frameChanged.connect(self._show_time)
        for signal in (session.frameChanged, session.changed):
            signal.connect(self.speed_control.forget_dropped)
        self._shown_pause = DecodeCheckPause.NOT_PAUSED
        self.pause_timer = QTimer(self)
        self.pause_timer.setSingleShot(True)
        self.pause_timer.setInterval(_PAUSE_DELAY_MS)
        self.pause_timer.timeout.connect(self._on_pause_timer_timeout)

    def attach(self, status: StatusBar, playback_bar: PlaybackBar, marks: VideoMarks) -> None:
        """Add the widgets and marks to the window."""
        self._playback_bar = playback_bar
        status.insertPermanentWidget(1, self.status_widget)
        self._frames.unnumberedShown.connect(playback_bar.show_unknown_frame)
        self._frames.outOfRange.connect(status.show_frame_message)
        playback_bar.add_widget(self.speed_control)
        self.marks = marks
        marks.explain = self._damage_text
        self._playback.loopChanged.connect(self.marks.set_loop)

    def create_commands(self, window: QWidget, canvases: tuple[CanvasView, ...]) -> VideoCommands:
        """Create the group ``video``."""
        commands = VideoCommands(
            window,
            self._session,
            self._loader,
            self._playback,
            canvases,
            on_levels_changed=self.refresh,
        )
        self._commands = commands
        self.status_widget.requested.connect(commands.show_properties)
        return commands

    def set_actions(self, actions: ActionSet) -> None:
        """Add the playback commands to the speed menu, and keep the icon of the play button current."""
        self._actions = actions
        self.speed_control.add_actions([actions[id] for id in _PLAYBACK_ACTIONS])
        self._playback.playingChanged.connect(self._show_playing)

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of a theme."""
        self._theme = theme
        self._show_playing(self._playback.playing)

    def _show_playing(self, playing: bool) -> None:
        if self._actions is not None and self._theme is not None:
            self._actions["playPause"].setIcon(icon("pause" if playing else "play", self._theme))

    def apply_settings(self) -> None:
        """Apply cache sizes and the decode check of the settings."""
        settings = self._settings
        self._loader.set_memory_budget(settings.memory_mib << 20)
        self._loader.set_proxy_limit(settings.proxy_mib << 20 if settings.proxy_on else 0)
        self._loader.set_decode_check(on=settings.decode_check_on)
        if not settings.proxy_on:
            self.status_widget.show_scrub_cache(None)

    # Updates

    def refresh(self, _what: object = None) -> None:
        """Show the current state everywhere."""
        info = self._loader.info
        levels = self._commands.levels_note if self._commands is not None else None
        notes = collect_notes(info, self._loader.progress, self._shown_pause) if info is not None else ()
        self.status_widget.show_notes(notes if levels is None else (*notes, levels))
        if info is not None:
            self.marks.set_damaged(damaged_frames(info))
        if self._commands is not None:
            self._commands.decode_check_pause = self._shown_pause
            self._commands.update_properties()

    def _damage_text(self, frame: int) -> str:
        info = self._loader.info
        return describe_damage(info, frame) if info is not None else ""

    def _on_opened(self, _info: VideoInfo) -> None:
        self._playback_path = None
        self.status_widget.show_scrub_cache(None)
        self._update_playback()
        self.refresh()

    def _on_source_changed(self) -> None:
        self._update_playback()
        self._show_time(self._session.current_frame)

    def _update_playback(self) -> None:
        info = self._loader.info
        if info is None:
            self._playback.set_video(0, np.empty(0))
            return
        if self._playback_path == info.path:
            self._playback.update_video(info.frame_count, info.times, info.fps)
        else:
            self._playback.set_video(info.frame_count, info.times, info.fps)
            self._playback.set_frame(self._session.current_frame)
        self._playback_path = info.path

    def _on_info_changed(self, _info: VideoInfo) -> None:
        self._update_playback()
        self.refresh()

    def _on_numbers_confirmed(self) -> None:
        # Frames that were uncertain may be exact now and show their boxes, even if no number has changed.
        self._frames.request()
        self.refresh()

    def _on_decode_check_paused(self, pause: DecodeCheckPause) -> None:
        if pause is DecodeCheckPause.NOT_PAUSED:
            self.pause_timer.stop()
            self._on_pause_timer_timeout()
        elif not self.pause_timer.isActive():
            self.pause_timer.start()

    def _on_pause_timer_timeout(self) -> None:
        if self._shown_pause is not self._loader.decode_check_pause:
            self._shown_pause = self._loader.decode_check_pause
            self.refresh()

    def _on_proxy_state(self, state: ProxyState) -> None:
        self.status_widget.show_scrub_cache(state)

    def _on_reindexed(self, info: VideoInfo) -> None:
        self._notifier.show(tr("The index of {name} did not match the file and was rebuilt", name=info.path.name))

    def _on_background_failed(self, error: UserError) -> None:
        self._notifier.show(error, Level.WARNING)

    def _show_time(self, frame: int) -> None:
        info = self._loader.info
        if info is None or self._playback_bar is None or self._frames.is_unnumbered:
            return
        if frame < len(info.times):
            self._playback_bar.show_time(float(info.times[frame]))
