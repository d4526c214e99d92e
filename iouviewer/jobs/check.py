"""What a video really holds: its packets are read and every picture is decoded once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iouviewer.jobs.progress import ProgressCallback, no_progress

if TYPE_CHECKING:
    from iouviewer.video.images import ImageReader
    from iouviewer.video.index import VideoIndex
    from iouviewer.video.reader import VideoReader


def check(path: Path, progress: ProgressCallback = no_progress) -> dict[str, Any]:
    """Findings about a video file or a folder of pictures, as values for JSON.

    Keys: ``frames`` (pictures that decode), ``container_frames`` (what the file claims, 0: nothing), ``fps``, ``vfr``
    (the time between pictures varies), ``exact`` (the decode gave just the pictures, in just the order, that the
    packets promised: frame numbers are certain), ``rotation`` (degrees clockwise), ``key_frames`` (how many),
    ``longest_gop`` (most frames from one key frame to the next), ``damage`` (list of frame and reason), ``doubts``,
    ``width``, ``height``, ``codec``, ``container``, ``pixel_format``, ``duration`` (seconds or null).

    Raises:
        UserError: where no picture can be had.
    """
    from iouviewer.video import open_video
    from iouviewer.video.images import ImageReader

    reader = open_video(path, decode_order=False)
    try:
        if isinstance(reader, ImageReader):
            return _images(reader, progress)
        return _video(path, reader, progress)
    finally:
        reader.close()


def _images(reader: ImageReader, progress: ProgressCallback) -> dict[str, Any]:
    from iouviewer.errors import UserError

    damage = []
    for frame in range(reader.frame_count):
        try:
            reader.read(frame)
        except UserError as error:
            damage.append({"frame": frame, "reason": str(error)})
        progress(frame + 1, reader.frame_count, "check")
    width, height = reader.size
    return {
        "frames": reader.frame_count,
        "container_frames": reader.frame_count,
        "fps": 0.0,
        "vfr": False,
        "exact": not damage,
        "rotation": 0,
        "key_frames": reader.frame_count,
        "longest_gop": 1,
        "damage": damage,
        "doubts": [],
        "width": width,
        "height": height,
        "codec": "pictures",
        "container": "folder",
        "pixel_format": None,
        "duration": None,
    }


def _video(path: Path, reader: VideoReader, progress: ProgressCallback) -> dict[str, Any]:
    from iouviewer.video.confirm import confirm_index

    promised = reader.index
    found = confirm_index(path, promised, progress=lambda done, total: progress(done, total, "check")) or promised
    reader.use_index(found)
    width, height = reader.size
    facts = reader.facts
    keys = found.key_frames
    gaps = np.diff(np.append(keys, found.frame_count)) if len(keys) else np.array([found.frame_count])
    return {
        "frames": found.frame_count,
        "container_frames": facts.frames,
        "fps": reader.fps,
        "vfr": _varies(found),
        "exact": bool(np.array_equal(promised.pictures, found.pictures) and np.all(found.repeats == 0)),
        "rotation": reader.rotation,
        "key_frames": len(keys),
        "longest_gop": int(gaps.max()),
        "damage": [{"frame": one.frame, "reason": one.reason} for one in found.damage],
        "doubts": list(promised.doubts),
        "width": width,
        "height": height,
        "codec": facts.codec,
        "container": facts.container,
        "pixel_format": facts.pixel_format,
        "duration": facts.duration,
    }


def _varies(index: VideoIndex) -> bool:
    """Whether the time between pictures varies by more than the rounding of the file's time stamps."""
    steps = np.diff(index.times)
    if len(steps) < 2:
        return False
    usual = float(np.median(steps))
    return bool(np.any(np.abs(steps - usual) > max(1.5 * float(index.time_base), 0.01 * usual)))


def check_text(findings: Mapping[str, Any]) -> str:
    """The findings in words."""
    claimed = findings["container_frames"]
    lines = [f"{findings['frames']} frames, {findings['width']} x {findings['height']}, {findings['codec']}"]
    if claimed and claimed != findings["frames"]:
        lines.append(f"the file claims {claimed} frames")
    rate = f"{findings['fps']:.3f} frames a second" if findings["fps"] else "no time base"
    lines.append(rate + (", variable" if findings["vfr"] else ""))
    if findings["rotation"]:
        lines.append(f"shown rotated by {findings['rotation']} degrees")
    lines.append(f"{findings['key_frames']} key frames, at most {findings['longest_gop']} frames apart")
    lines.append("frame numbers are exact" if findings["exact"] else "pictures and packets differ: other tools may")
    if not findings["exact"]:
        lines[-1] += " number the frames otherwise; here the decoded pictures count"
    lines += [f"doubt: {text}" for text in findings["doubts"]]
    for one in findings["damage"]:
        place = "damage" if one["frame"] is None else f"damage at frame {one['frame']}"
        lines.append(f"{place}: {one['reason']}")
    return "\n".join(lines) + "\n"
