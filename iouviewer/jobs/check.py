"""What a video really holds, for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

from iouviewer.jobs.progress import ProgressCallback, no_progress

_WIDTH = 100
_SILENT = frozenset({"hevc", "vp8", "vp9", "mjpeg"})
"""Codecs whose decoders were seen to make wrong pictures of damaged bytes without a word."""

_MOST = 10
"""Places of one kind that the text lists; ``--json`` has all."""


def check(path: Path, progress: ProgressCallback = no_progress) -> dict[str, Any]:
    """Findings about a video file or a folder of pictures, as values for JSON (``video.check.check_video``).

    Raises:
        UserError: where no picture can be had.
    """
    from iouviewer.video.check import check_video

    return check_video(path, progress=lambda done, total: progress(done, total, "check"))


def check_text(findings: Mapping[str, Any]) -> str:
    """The findings in words: facts in two columns, what is wrong and where, what to do about it."""
    rows = [("Pictures", _pictures(findings))]
    if findings["kind"] == "video":
        rows += [
            ("Stream", f"{findings['codec']}, {findings['pixel_format']}, in {findings['container'].split(',')[0]}"),
            ("Rate", _rate(findings)),
            ("Length", _length(findings)),
            ("Key frames", _groups(findings)),
            ("Rotation", f"{findings['rotation']} degrees clockwise" if findings["rotation"] else "none"),
            ("Pixels", _pixels(findings)),
        ]
    rows.append(("Frame numbers", _exactness(findings)))
    rows += _places(
        "Gaps", "gap", [f"{one['seconds']:.3f} s after frame {one['after_frame']}" for one in findings["gaps"]]
    )
    rows += _places("Time stamps", "break", [_jump(one) for one in findings.get("jumps", ())])
    forms = findings.get("form_changes", ())
    rows += _places(
        "Size",
        "change",
        [f"from frame {one['frame']} on {one['size'][0]} x {one['size'][1]}, {one['pixel_format']}" for one in forms],
    )
    damage = [
        f"{'somewhere' if one['frame'] is None else 'frame ' + str(one['frame'])}: {one['reason']}"
        for one in findings["damage"]
    ]
    rows += _places("Damage", "place", damage) or [("Damage", _no_damage(findings))]
    lines = [str(findings["path"])]
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        lines += wrap(value, _WIDTH, initial_indent=f"  {name:<{width}}", subsequent_indent=" " * (width + 2))
    lines += ["", "What to do" if findings["remedy"] else "Nothing needs to be done."]
    if findings["remedy"]:
        for sentence in findings["remedy"]:
            lines += wrap(sentence, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


def _pictures(findings: Mapping[str, Any]) -> str:
    width, height = findings["size"]
    announced = findings.get("frames_announced", 0)
    hidden = findings.get("hidden_by_edit_list", 0)
    of = f" ({hidden:,} more are hidden by an edit list)" if hidden else ""
    if announced and announced not in {findings["frames"], findings["frames"] + hidden}:
        of = f" (the header announces {announced:,})"
    return f"{findings['frames']:,}, {width} x {height} pixels{of}"


def _rate(findings: Mapping[str, Any]) -> str:
    if not findings["fps"]:
        return "no time base"
    repeated = findings["repeated_time_stamps"]
    more = f"; {_count(repeated, 'time stamp')} repeated" if repeated else ""
    if findings["vfr"]:
        return f"variable, {findings['fps']:.3f} frames a second on average{more}"
    return f"{findings['fps']:.3f} frames a second{more}"


def _length(findings: Mapping[str, Any]) -> str:
    seconds, announced = findings["duration"], findings.get("duration_announced")
    if seconds is None:
        return "unknown"
    text = f"{seconds:.3f} s"
    return f"{text} (the header announces {announced:.3f} s)" if findings.get("ends_early") else text


def _jump(jump: Mapping[str, Any]) -> str:
    frame, seconds = jump["frame"], jump["seconds"]
    if seconds < 0:
        return f"time stamps start anew at frame {frame} ({-seconds:.3f} s back)"
    return f"time stamps jump by {seconds:.3f} s after frame {frame - 1}"


def _groups(findings: Mapping[str, Any]) -> str:
    group = findings["gop"]
    if findings["key_frames"] < 2:
        return f"{findings['key_frames']:,}"
    span = f"{group['shortest']:,} to {group['longest']:,} pictures apart, {group['median']:g} in the median"
    if group["shortest"] == group["longest"]:
        span = f"every {group['longest']:,} pictures" if group["longest"] > 1 else "every picture"
    return f"{findings['key_frames']:,}, {span}"


def _pixels(findings: Mapping[str, Any]) -> str:
    ratio = findings["sample_aspect_ratio"]
    woven = ", interlaced" if findings.get("interlaced") else ""
    return ("square" if ratio == 1.0 else f"not square, {ratio:.4f} as wide as high") + woven


def _no_damage(findings: Mapping[str, Any]) -> str:
    codec = findings.get("codec", "")
    return f"none found (decoders of {codec} pass over some damage in silence)" if codec in _SILENT else "none found"


def _exactness(findings: Mapping[str, Any]) -> str:
    if findings["kind"] != "video":
        return "exact: every picture is a file of its own"
    if findings["exact"] is None:
        return "not verified: the check was stopped"
    sampled = findings["sampled"]
    if findings["exact"]:
        return f"exact: {sampled:,} of {sampled:,} pictures read by seeking equal a decode of the whole file"
    wrong = findings["wrong"]
    named = ", ".join(str(frame) for frame in wrong[:_MOST]) + (" ..." if len(wrong) > _MOST else "")
    return f"NOT exact: {len(wrong):,} of {sampled:,} pictures read by seeking are in doubt (frames {named})"


def _places(name: str, noun: str, places: list[str]) -> list[tuple[str, str]]:
    if not places:
        return []
    rows = [(name, _count(len(places), noun))]
    rows += [("", place) for place in places[:_MOST]]
    if len(places) > _MOST:
        rows.append(("", f"and {len(places) - _MOST:,} more (--json lists all)"))
    return rows


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
