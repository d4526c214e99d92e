"""What a video really holds, for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iouviewer.jobs.progress import ProgressCallback, no_progress


def check(path: Path, progress: ProgressCallback = no_progress) -> dict[str, Any]:
    """Findings about a video file or a folder of pictures, as values for JSON (``video.check.check_video``).

    Raises:
        UserError: where no picture can be had.
    """
    from iouviewer.video.check import check_video

    return check_video(path, progress=lambda done, total: progress(done, total, "check"))


def check_text(findings: Mapping[str, Any]) -> str:
    """The findings in words."""
    width, height = findings["size"]
    lines = [f"{findings['frames']} frames, {width} x {height}, {findings.get('codec', 'pictures')}"]
    rate = f"{findings['fps']:.3f} frames a second" if findings["fps"] else "no time base"
    lines.append(rate + (", variable" if findings["vfr"] else ""))
    lines.append(f"{findings['key_frames']} key frames")
    lines.append("frame numbers are exact" if findings["exact"] else "some frame numbers are not certain")
    for one in findings["damage"]:
        place = "damage" if one["frame"] is None else f"damage at frame {one['frame']}"
        lines.append(f"{place}: {one['reason']}")
    lines += findings["remedy"]
    return "\n".join(lines) + "\n"
