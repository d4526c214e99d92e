"""The speed control beside the frame number: speed, direction, loop, and the number of dropped frames."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from iouviewer.app.video.playback import SPEEDS, Playback
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.panels.status_bar import MESSAGE_MS
from iouviewer.ui.theme import tabular_font


class SpeedControl(QWidget):
    """A button that shows the speed and opens a menu of playback options, and the number of dropped frames.

    The number is that of the current playback; it stays for some seconds afterwards, or until ``forget_dropped``.
    """

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self.setObjectName("transport")
        self._playback = playback
        self.button = QToolButton()
        self.button.setObjectName("speedButton")
        self.button.setAccessibleName(tr("Playback speed, direction and loop"))
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setFont(tabular_font(self.font()))
        self.button.setToolTip(tr("Speed, direction, loop"))
        self.button.setMinimumWidth(self.button.fontMetrics().horizontalAdvance("◀ 0.25×") + 16)
        self.label = QLabel()
        self.label.setObjectName("droppedFrames")
        self.label.setAccessibleName(tr("Dropped frames"))
        self.label.setProperty("role", "muted")
        self.label.setFont(tabular_font(self.font()))
        self.fade_timer = QTimer(self)
        self.fade_timer.setSingleShot(True)
        self.fade_timer.setInterval(MESSAGE_MS)
        self.fade_timer.timeout.connect(self.forget_dropped)
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
        """Add further playback commands below the speeds."""
        self._menu.addSeparator()
        self._menu.addActions(actions)

    def refresh(self, _value: object = None) -> None:
        """Show the current speed, direction and loop."""
        playback = self._playback
        reverse = playback.playing and playback.backwards
        self.button.setText(f"{'◀ ' if reverse else ''}{playback.speed:g}×{' ⟲' if playback.loop else ''}")
        for action in self._speeds.actions():
            action.setChecked(action.data() == playback.speed)

    def _on_speeds_triggered(self, action: QAction) -> None:
        self._playback.set_speed(float(action.data()))

    def _on_playing_changed(self, playing: bool) -> None:
        if playing:
            self.fade_timer.stop()
        elif self.label.text():
            self.fade_timer.start()

    def forget_dropped(self, _value: object = None) -> None:
        """Clear the number of dropped frames after another action of the user; not during playback."""
        if not self._playback.playing:
            self.fade_timer.stop()
            self._show_dropped(0)

    def _show_dropped(self, count: int) -> None:
        if not count:
            self.label.setText("")
            self.label.setToolTip("")
            return
        self.label.setText(tr("{count:,} dropped", count=count))
        self.label.setToolTip(
            tr_n(
                "{count} frame was dropped: its time had passed before it was decoded. It is not missing from the "
                "video; step to it, or play slower to see every frame.",
                "{count:,} frames were dropped: their time had passed before they were decoded. They are not missing "
                "from the video; step to them, or play slower to see every frame.",
                count,
            )
        )
