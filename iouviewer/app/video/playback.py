"""Playing: which frame is due now, by the video's own time stamps as far as they can be played."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QTimer, Signal

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)

_FALLBACK_RATE = 10.0
"""Pictures a second of a folder of pictures."""

_LAG = 0.5
"""Seconds that decoding may fall behind before playing slows down instead of leaping."""

_SHORTEST_WAIT = 0.002
"""Seconds that are not worth a timer."""

_LONGEST_WAIT = 1.0
"""Seconds of the timer's longest sleep; gaps between time stamps may be longer."""

_LONGEST_STILL, _STILL_STEPS = 3.0, 10
"""A step that is longer than this many seconds and this many median steps is played as if it were just so long."""


class Playback(QObject):
    """Says which frame is due; whoever shows it reports ``frame_shown``, and only then is the next one asked for.

    Frames whose time passed without being shown are counted in ``dropped``. ``clock`` gives seconds.
    """

    frameDue = Signal(int)
    playingChanged = Signal(bool)
    droppedChanged = Signal(int)
    speedChanged = Signal(float)
    loopChanged = Signal(object)

    def __init__(self, parent: QObject | None = None, *, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(parent)
        self._clock = clock
        self._times: NDArray[np.float64] = np.empty(0)
        self._frame = 0
        self._speed = 1.0
        self._direction = 1
        self._loop: tuple[int, int] | None = None
        self._playing = False
        self._awaited: int | None = None
        self._origin = (0.0, 0.0)
        self.dropped = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)

    # -- what is played ------------------------------------------------------------------------------------------

    def set_video(self, frame_count: int, times: NDArray[np.float64], fps: float = 0.0) -> None:
        """The video's pictures: ``times`` (F,) float64 seconds, or empty where only a rate, or none, is known."""
        self.pause()
        self._times = _steady(frame_count, times, fps)
        self._frame = 0
        self.dropped = 0
        self.droppedChanged.emit(0)
        self.set_loop(None)

    def update_video(self, frame_count: int, times: NDArray[np.float64], fps: float = 0.0) -> None:
        """More is known of the same video (its index grew, or was confirmed): what plays goes on."""
        self._times = _steady(frame_count, times, fps)
        last = frame_count - 1
        if self._frame > last:
            self.pause()
            self._frame = max(0, last)
        if self._loop is not None and max(self._loop) > last:
            self.set_loop(None)
        if self._playing:
            self._rebase()
            self._arm()

    def set_frame(self, frame: int) -> None:
        """The frame that playing starts from; moves the playing position where it plays."""
        if len(self._times):
            self._frame = min(max(frame, 0), len(self._times) - 1)
            self._rebase()

    def jump(self, frame: int) -> None:
        """The user went elsewhere while it plays: go on from there once that frame is shown."""
        if not self._playing or frame == self._frame:
            return
        self._timer.stop()
        self.set_frame(frame)
        self._awaited = self._frame

    @property
    def frame(self) -> int:
        """The frame that is due, or that playing starts from."""
        return self._frame

    @property
    def backwards(self) -> bool:
        """Whether it plays, or last played, towards the beginning."""
        return self._direction < 0

    @property
    def loop(self) -> tuple[int, int] | None:
        """First and last frame that are played again and again."""
        return self._loop

    def set_loop(self, loop: tuple[int, int] | None) -> None:
        """Play from the first to the last of these frames again and again; None: play to the end and stop."""
        if loop == self._loop:
            return
        self._loop = loop
        self.loopChanged.emit(loop)
        if self._playing:
            self._rebase()

    @property
    def speed(self) -> float:
        """1.0 is real time."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Change the speed, 0.25 to 4, without a jump."""
        speed = min(max(speed, SPEEDS[0]), SPEEDS[-1])
        if speed != self._speed:
            self._rebase()
            self._speed = speed
            self.speedChanged.emit(speed)
            self._arm()

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._playing

    # -- playing -------------------------------------------------------------------------------------------------

    def play(self, *, backwards: bool = False) -> None:
        """Play from the current frame; from the other end where there is nothing left to play."""
        if not len(self._times):
            return
        turned = self.backwards != backwards
        self._direction = -1 if backwards else 1
        first, last = self._range()
        if not first <= self._frame <= last or self._frame == (first if backwards else last):
            self._frame = last if backwards else first
        self.dropped = 0
        self._awaited = None
        self._rebase()
        if not self._playing or turned:
            self._playing = True
            self.playingChanged.emit(True)
        self.droppedChanged.emit(0)
        self._ask(self._frame)

    def pause(self) -> None:
        """Stop; the last frame stays."""
        self._timer.stop()
        self._awaited = None
        if self._playing:
            self._playing = False
            self.playingChanged.emit(False)

    def toggle(self, *, backwards: bool = False) -> None:
        """Pause; or play in this direction, also where it plays forwards and is to turn round."""
        if self._playing and (self.backwards or not backwards):
            self.pause()
        else:
            self.play(backwards=backwards)

    def frame_shown(self, frame: int) -> None:
        """The picture that was due is on screen (or could not be decoded): go on."""
        if self._playing and frame == self._awaited:
            self._awaited = None
            self._arm()

    def tick(self) -> None:
        """Ask for the frame that is due now, if another one is."""
        if not self._playing or self._awaited is not None:
            return
        if abs(self._media_time() - self._times[self._frame]) > _LAG * self._speed and self._late():
            self._rebase()
            self._step_to(self._next())
            return
        due = self._due()
        if due != self._frame:
            self._step_to(due)
        else:
            self._arm()

    def _late(self) -> bool:
        following = self._next()
        return following != self._frame and self._wait_for(following) < -_LAG

    def _step_to(self, frame: int) -> None:
        skipped = (frame - self._frame) * self._direction - 1
        if skipped > 0:
            self.dropped += skipped
            self.droppedChanged.emit(self.dropped)
        self._frame = frame
        self._ask(frame)

    def _ask(self, frame: int) -> None:
        self._awaited = frame
        self.frameDue.emit(frame)

    # -- time ----------------------------------------------------------------------------------------------------

    def _range(self) -> tuple[int, int]:
        last = len(self._times) - 1
        if self._loop is None:
            return 0, last
        return max(0, min(self._loop)), min(last, max(self._loop))

    def _rebase(self) -> None:
        if len(self._times):
            self._origin = (self._clock(), float(self._times[self._frame]))

    def _media_time(self) -> float:
        began, media = self._origin
        return media + (self._clock() - began) * self._speed * self._direction

    def _due(self) -> int:
        first, last = self._range()
        now = self._media_time()
        if self._direction > 0:
            return min(max(int(np.searchsorted(self._times, now + 1e-6, side="right")) - 1, self._frame), last)
        return max(min(int(np.searchsorted(self._times, now - 1e-6, side="left")), self._frame), first)

    def _next(self) -> int:
        first, last = self._range()
        return min(max(self._frame + self._direction, first), last)

    def _wait_for(self, frame: int) -> float:
        """Seconds until a frame is due; negative where its time has passed."""
        return (float(self._times[frame]) - self._media_time()) * self._direction / self._speed

    def _step_at(self, frame: int) -> float:
        """Seconds between this frame and its neighbour."""
        if len(self._times) < 2:
            return 0.0
        other = frame - 1 if frame else 1
        return abs(float(self._times[frame] - self._times[other]))

    def _arm(self) -> None:
        if not self._playing or self._awaited is not None:
            return
        following = self._next()
        wait = self._wait_for(following)
        if following == self._frame:
            # The last picture of a loop is shown as long as any other.
            wait = self._wait_for(self._frame) + self._step_at(self._frame) / self._speed
            if self._loop is None or wait < _SHORTEST_WAIT:
                self._at_end()
                return
        wait = min(max(wait, 0.0), _LONGEST_WAIT)
        self._timer.start(int(np.ceil(wait * 1000)))

    def _at_end(self) -> None:
        first, last = self._range()
        if self._loop is None or first == last:
            self.pause()
            return
        self._frame = first if self._direction > 0 else last
        self._rebase()
        self._ask(self._frame)


def _steady(frame_count: int, times: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """(F,) float64: when each frame is due, never going back; by the rate where there are no time stamps.

    Frames of one time stamp share the time up to the next one, so that each is shown. Long pauses are shortened: who
    plays wants to see that there is one, and not to wait for its end.
    """
    even: NDArray[np.float64] = np.arange(frame_count) / (fps or _FALLBACK_RATE)
    if len(times) != frame_count:
        return even
    times = np.maximum.accumulate(times)
    steps = np.diff(times)
    own = np.concatenate([[0], np.flatnonzero(steps > 0) + 1])
    if len(own) < 2:
        return even
    steps = steps[own[1:] - 1]
    usual = float(np.median(steps))
    steps = np.minimum(steps, max(_LONGEST_STILL, _STILL_STEPS * usual))
    due: NDArray[np.float64] = times[0] + np.concatenate([[0.0], np.cumsum(steps)])
    if len(own) < frame_count:
        # The frames of the last time stamp have no next one.
        due = np.interp(np.arange(frame_count), np.append(own, frame_count), np.append(due, due[-1] + usual))
    return due
