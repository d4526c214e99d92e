"""Beside the frame's number: how fast it plays, over which range, and what was dropped."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from iouviewer.app.playback import SPEEDS, Playback
from iouviewer.ui.theme import tabular_font


class Transport(QWidget):
    """A button that shows the speed and opens all ways of playing, and a word on dropped frames."""

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
        self.label.setToolTip("Frames whose time passed before they could be shown; a slower speed shows all.")
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

    def _show_dropped(self, count: int) -> None:
        self.label.setText(f"{count:,} dropped" if count else "")
