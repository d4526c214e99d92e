"""Beside the frame's number: how fast it plays, over which range, and what was dropped."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from iouviewer.app.video.playback import SPEEDS, Playback
from iouviewer.ui.panels.status import MESSAGE_MILLISECONDS
from iouviewer.ui.theme import tabular_font


class Transport(QWidget):
    """A button that shows the speed and opens all ways of playing, and a word on dropped frames.

    The word is of the run that plays, or of the last one until the user moves on (``move_on``) or some seconds passed.
    """

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self.setObjectName("transport")
        self._playback = playback
        self.button = QToolButton()
        self.button.setObjectName("speedButton")
        self.button.setAccessibleName("Speed and way of playing")
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setFont(tabular_font(self.font()))
        self.button.setToolTip("Speed, backwards, loop")
        self.button.setMinimumWidth(self.button.fontMetrics().horizontalAdvance("◀ 0.25×") + 16)
        self.label = QLabel()
        self.label.setObjectName("droppedFrames")
        self.label.setAccessibleName("Dropped frames")
        self.label.setProperty("role", "muted")
        self.label.setFont(tabular_font(self.font()))
        self._fading = QTimer(self)
        self._fading.setSingleShot(True)
        self._fading.setInterval(MESSAGE_MILLISECONDS)
        self._fading.timeout.connect(self.move_on)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.button)
        layout.addWidget(self.label)
        self._menu = QMenu(self)
        self._speeds = QActionGroup(self)
        for speed in SPEEDS:
            action = self._menu.addAction(f"{speed:g}×")
            action.setObjectName(f"speed.{speed:g}")
            action.setCheckable(True)
            action.setData(speed)
            self._speeds.addAction(action)
        self.button.setMenu(self._menu)
        self._speeds.triggered.connect(self._on_speeds_triggered)
        for signal in (playback.speedChanged, playback.playingChanged, playback.loopChanged):
            signal.connect(self.refresh)
        playback.droppedChanged.connect(self._show_dropped)
        playback.playingChanged.connect(self._on_playing_changed)
        self.refresh()

    def add_actions(self, actions: list[QAction]) -> None:
        """Further ways of playing, below the speeds."""
        self._menu.addSeparator()
        self._menu.addActions(actions)

    def refresh(self, _what: object = None) -> None:
        """Say how it plays now."""
        playback = self._playback
        turned = playback.playing and playback.backwards
        self.button.setText(f"{'◀ ' if turned else ''}{playback.speed:g}×{' ⟲' if playback.loop else ''}")
        for action in self._speeds.actions():
            action.setChecked(action.data() == playback.speed)

    def _on_speeds_triggered(self, action: QAction) -> None:
        self._playback.set_speed(float(action.data()))

    def _on_playing_changed(self, playing: bool) -> None:
        if playing:
            self._fading.stop()
        elif self.label.text():
            self._fading.start()

    def move_on(self, _what: object = None) -> None:
        """The user does something else: what the last run dropped is of no interest any more."""
        if not self._playback.playing:
            self._fading.stop()
            self._show_dropped(0)

    def _show_dropped(self, count: int) -> None:
        self.label.setText(f"{count:,} dropped" if count else "")
        frames = "1 frame was" if count == 1 else f"{count:,} frames were"
        self.label.setToolTip(
            f"{frames} passed over in this run, for the time to show them was over before they were decoded. They are "
            "there all the same: step to them, or play slower to see each."
            if count
            else ""
        )
