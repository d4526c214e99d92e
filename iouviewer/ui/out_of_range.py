"""What to say where somebody asks for a frame or a time that the video does not have."""

from __future__ import annotations

import numpy as np

from iouviewer.app.video.video_info import VideoInfo
from iouviewer.ui.panels.status import clock


def missed_frame(asked: int | str, last: int, info: VideoInfo | None) -> str:
    """One sentence on a number that no frame has, or on a text that is no number; ``last`` is the last frame's."""
    if isinstance(asked, str):
        return f"“{asked}” is no frame number; frames go from 0 to {last}" if asked else "No frame number was typed"
    if asked < 0:
        return "Frames count from 0; the first one is shown"
    if info is not None and not info.complete:
        return f"Frame {asked} is not known yet, for the file is still being read; frame {last} is shown"
    at = f" ({clock(float(info.times[last]))})" if info is not None and last < len(info.times) else ""
    return f"There is no frame {asked}; the last one, {last}{at}, is shown"


def missed_time(seconds: float, info: VideoInfo) -> str:
    """One sentence on a time before or after the video; empty where there is a frame at that time."""
    if seconds < 0:
        return "Times count from 0; the first frame is shown"
    end = _end(info)
    if end is None or seconds < end + 0.05:  # clocks show tenths
        return ""
    return f"The video ends at {clock(end)}; its last frame, {info.frame_count - 1}, is shown"


def _end(info: VideoInfo) -> float | None:
    """When the last picture has been shown as long as any other; None while that is not known."""
    if not info.complete or not info.frame_count:
        return None
    if len(info.times) > 1:
        return float(info.times[-1]) + float(np.median(np.diff(info.times)))
    return info.frame_count / info.fps if info.fps else None
