"""Playback: which frame is due now, according to the video's timestamps."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QTimer, Signal

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)

_FALLBACK_RATE = 10.0
"""Frames per second of image folders."""

_LAG = 0.5
"""Seconds that decoding may lag behind before playback slows down instead of dropping frames."""

_SHORTEST_WAIT = 0.002
"""Shorter waits, in seconds, do not use the timer."""

_LONGEST_WAIT = 1.0
"""Longest timer interval in seconds; gaps between timestamps may be longer."""

_MAX_STEP_SECONDS, _MAX_STEP_MEDIANS = 3.0, 10
"""Steps between frames are shortened to this many seconds or this many median steps, whichever is longer."""


class Playback(QObject):
    """Emits the frame that is due; the next one follows after the view has called ``frame_shown``.

    Frames that were not shown in time are counted in ``dropped``. ``clock`` returns seconds.

    Signals:
        frameDue(int): show this frame.
        playingChanged(bool): playback started or stopped.
        droppedChanged(int): number of dropped frames.
        speedChanged(float): 1.0 is real time.
        loopChanged(tuple[int, int] | None): first and last frame of the loop.
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

    # -- video and position --------------------------------------------------------------------------------------

    def set_video(self, frame_count: int, times: NDArray[np.float64], fps: float = 0.0) -> None:
        """Set the video: ``times`` (F,) float64 seconds, or empty if only a rate, or none, is known."""
        self.pause()
        self._times = _due_times(frame_count, times, fps)
        self._frame = 0
        self.dropped = 0
        self.droppedChanged.emit(0)
        self.set_loop(None)

    def update_video(self, frame_count: int, times: NDArray[np.float64], fps: float = 0.0) -> None:
        """Update the open video (more frames or new numbers) without stopping playback."""
        self._times = _due_times(frame_count, times, fps)
        last = frame_count - 1
        if self._frame > last:
            self.pause()
            self._frame = max(0, last)
        if self._loop is not None and max(self._loop) > last:
            self.set_loop(None)
        if self._playing:
            self._reset_origin()
            self._schedule_next()

    def set_frame(self, frame: int) -> None:
        """Set the frame from which playback starts, or continues if it is running."""
        if len(self._times):
            self._frame = min(max(frame, 0), len(self._times) - 1)
            self._reset_origin()

    def jump(self, frame: int) -> None:
        """Continue from another frame, once it is shown, if playback is running."""
        if not self._playing or frame == self._frame:
            return
        self._timer.stop()
        self.set_frame(frame)
        self._awaited = self._frame

    @property
    def frame(self) -> int:
        """The frame that is due, or from which playback starts."""
        return self._frame

    @property
    def backwards(self) -> bool:
        """Whether playback runs in reverse, or did when it last ran."""
        return self._direction < 0

    @property
    def loop(self) -> tuple[int, int] | None:
        """First and last frame of the loop."""
        return self._loop

    def set_loop(self, loop: tuple[int, int] | None) -> None:
        """Loop over these frames, first and last included; None: play to the end and stop."""
        if loop == self._loop:
            return
        self._loop = loop
        self.loopChanged.emit(loop)
        if self._playing:
            self._reset_origin()

    @property
    def speed(self) -> float:
        """1.0 is real time."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Change the speed, 0.25 to 4, without a jump."""
        speed = min(max(speed, SPEEDS[0]), SPEEDS[-1])
        if speed != self._speed:
            self._reset_origin()
            self._speed = speed
            self.speedChanged.emit(speed)
            self._schedule_next()

    @property
    def playing(self) -> bool:
        """Whether playback is running."""
        return self._playing

    # -- playback ------------------------------------------------------------------------------------------------

    def play(self, *, backwards: bool = False) -> None:
        """Play from the current frame, or from the other end if the end was reached."""
        if not len(self._times):
            return
        reversed_now = self.backwards != backwards
        self._direction = -1 if backwards else 1
        first, last = self._range()
        if not first <= self._frame <= last or self._frame == (first if backwards else last):
            self._frame = last if backwards else first
        self.dropped = 0
        self._awaited = None
        self._reset_origin()
        if not self._playing or reversed_now:
            self._playing = True
            self.playingChanged.emit(True)
        self.droppedChanged.emit(0)
        self._request(self._frame)

    def pause(self) -> None:
        """Stop at the current frame."""
        self._timer.stop()
        self._awaited = None
        if self._playing:
            self._playing = False
            self.playingChanged.emit(False)

    def toggle(self, *, backwards: bool = False) -> None:
        """Pause, or play in this direction; reverses playback that runs forwards."""
        if self._playing and (self.backwards or not backwards):
            self.pause()
        else:
            self.play(backwards=backwards)

    def frame_shown(self, frame: int) -> None:
        """Continue: the due frame is on screen or cannot be decoded."""
        if self._playing and frame == self._awaited:
            self._awaited = None
            self._schedule_next()

    def tick(self) -> None:
        """Emit the frame that is due now if it changed."""
        if not self._playing or self._awaited is not None:
            return
        if abs(self._media_time() - self._times[self._frame]) > _LAG * self._speed and self._is_late():
            self._reset_origin()
            self._step_to(self._next())
            return
        due = self._due()
        if due != self._frame:
            self._step_to(due)
        else:
            self._schedule_next()

    def _is_late(self) -> bool:
        following = self._next()
        return following != self._frame and self._wait_for(following) < -_LAG

    def _step_to(self, frame: int) -> None:
        skipped = (frame - self._frame) * self._direction - 1
        if skipped > 0:
            self.dropped += skipped
            self.droppedChanged.emit(self.dropped)
        self._frame = frame
        self._request(frame)

    def _request(self, frame: int) -> None:
        self._awaited = frame
        self.frameDue.emit(frame)

    # -- time ----------------------------------------------------------------------------------------------------

    def _range(self) -> tuple[int, int]:
        last = len(self._times) - 1
        if self._loop is None:
            return 0, last
        return max(0, min(self._loop)), min(last, max(self._loop))

    def _reset_origin(self) -> None:
        if len(self._times):
            self._origin = (self._clock(), float(self._times[self._frame]))

    def _media_time(self) -> float:
        started, media = self._origin
        return media + (self._clock() - started) * self._speed * self._direction

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
        """Seconds until a frame is due; negative if its time has passed."""
        return (float(self._times[frame]) - self._media_time()) * self._direction / self._speed

    def _step_at(self, frame: int) -> float:
        """Seconds between this frame and its neighbour."""
        if len(self._times) < 2:
            return 0.0
        other = frame - 1 if frame else 1
        return abs(float(self._times[frame] - self._times[other]))

    def _schedule_next(self) -> None:
        if not self._playing or self._awaited is not None:
            return
        following = self._next()
        wait = self._wait_for(following)
        if following == self._frame:
            # The last frame of a loop is shown for its usual duration.
            wait = self._wait_for(self._frame) + self._step_at(self._frame) / self._speed
            if self._loop is None or wait < _SHORTEST_WAIT:
                self._finish_range()
                return
        wait = min(max(wait, 0.0), _LONGEST_WAIT)
        self._timer.start(int(np.ceil(wait * 1000)))

    def _finish_range(self) -> None:
        first, last = self._range()
        if self._loop is None or first == last:
            self.pause()
            return
        self._frame = first if self._direction > 0 else last
        self._reset_origin()
        self._request(self._frame)


def _due_times(frame_count: int, times: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """(F,) float64: when each frame is due, ascending; from the rate if there are no timestamps.

    Frames with the same timestamp share the time up to the next one, so that each is shown. Long pauses are shortened.
    """
    even: NDArray[np.float64] = np.arange(frame_count) / (fps or _FALLBACK_RATE)
    if len(times) != frame_count:
        return even
    times = np.maximum.accumulate(times)
    steps = np.diff(times)
    distinct = np.concatenate([[0], np.flatnonzero(steps > 0) + 1])
    if len(distinct) < 2:
        return even
    steps = steps[distinct[1:] - 1]
    median = float(np.median(steps))
    steps = np.minimum(steps, max(_MAX_STEP_SECONDS, _MAX_STEP_MEDIANS * median))
    due: NDArray[np.float64] = times[0] + np.concatenate([[0.0], np.cumsum(steps)])
    if len(distinct) < frame_count:
        # The last timestamp has no next one.
        due = np.interp(np.arange(frame_count), np.append(distinct, frame_count), np.append(due, due[-1] + median))
    return due
