"""Inspects a video and describes the findings for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.requests import ProgressCallback, no_progress
from iouviewer.video.reasons import describe

_WIDTH = 100
_SILENT_CODECS = frozenset({"hevc", "vp8", "vp9", "mjpeg"})
"""Codecs whose decoders can decode damaged data to wrong frames without an error."""

_MAX_PLACES = 10
"""Most places of one kind that the text lists; ``--json`` lists all."""

Row = tuple[str, str]
"""Name and value of a line; the name is empty in lines that continue a list."""


def check(path: Path, progress: ProgressCallback = no_progress) -> dict[str, Any]:
    """Findings about a video file or an image folder, as values for JSON (``video.check.check_video``).

    Raises:
        UserError: no frame can be decoded.
    """
    from iouviewer.video.check import check_video

    return check_video(path, progress=lambda done, total: progress(done, total, "check"))


def check_text(findings: Mapping[str, Any]) -> str:
    """The findings as text: properties in two columns, defects with their places, and remedies."""
    rows = _property_rows(findings) + _defect_rows(findings)
    lines = [str(findings["path"])]
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        lines += wrap(value, _WIDTH, initial_indent=f"  {name:<{width}}", subsequent_indent=" " * (width + 2))
    lines += ["", tr("What to do") if findings["remedy"] else tr("Nothing to do.")]
    for sentence in findings["remedy"]:
        lines += wrap(sentence, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


def _property_rows(findings: Mapping[str, Any]) -> list[Row]:
    if findings["kind"] != "video":
        return [(tr("Images"), _frame_count(findings)), (tr("Frame numbers"), _exactness(findings))]
    stream = tr(
        "{codec}, {pixel_format}, in {container}",
        codec=findings["codec"],
        pixel_format=findings["pixel_format"],
        container=findings["container"].split(",")[0],
    )
    rotation = tr("{degrees}° clockwise", degrees=findings["rotation"]) if findings["rotation"] else tr("none")
    return [
        (tr("Frames"), _frame_count(findings)),
        (tr("Stream"), stream),
        (tr("Rate"), _rate(findings)),
        (tr("Duration"), _duration(findings)),
        (tr("Keyframes"), _keyframes(findings)),
        (tr("Rotation"), rotation),
        (tr("Pixels"), _pixels(findings)),
        (tr("Frame numbers"), _exactness(findings)),
    ]


def _defect_rows(findings: Mapping[str, Any]) -> list[Row]:
    gaps = [
        tr("{seconds:.3f} s after frame {frame:,}", seconds=gap["seconds"], frame=gap["after_frame"])
        for gap in findings["gaps"]
    ]
    jumps = [_jump(jump) for jump in findings.get("jumps", ())]
    changes = [
        tr(
            "from frame {frame:,}: {width} × {height}, {pixel_format}",
            frame=change["frame"],
            width=change["size"][0],
            height=change["size"][1],
            pixel_format=change["pixel_format"],
        )
        for change in findings.get("form_changes", ())
    ]
    damage = [_damage(one) for one in findings["damage"]]
    rows = _list_rows(tr("Gaps"), tr_n("{count} gap", "{count:,} gaps", len(gaps)), gaps)
    rows += _list_rows(tr("Timestamps"), tr_n("{count} jump", "{count:,} jumps", len(jumps)), jumps)
    rows += _list_rows(tr("Size"), tr_n("{count} change", "{count:,} changes", len(changes)), changes)
    damage_rows = _list_rows(tr("Damage"), tr_n("{count} place", "{count:,} places", len(damage)), damage)
    return rows + (damage_rows or [(tr("Damage"), _no_damage(findings))])


def _list_rows(name: str, count: str, places: list[str]) -> list[Row]:
    if not places:
        return []
    rows = [(name, count), *(("", place) for place in places[:_MAX_PLACES])]
    if len(places) > _MAX_PLACES:
        rows.append(("", tr("and {count:,} more (--json lists all)", count=len(places) - _MAX_PLACES)))
    return rows


def _frame_count(findings: Mapping[str, Any]) -> str:
    width, height = findings["size"]
    announced = findings.get("frames_announced", 0)
    hidden = findings.get("hidden_by_edit_list", 0)
    values = {"frames": findings["frames"], "width": width, "height": height}
    if announced and announced not in {findings["frames"], findings["frames"] + hidden}:
        return tr(
            "{frames:,}, {width} × {height} pixels (the header announces {announced:,})", **values, announced=announced
        )
    if hidden:
        return tr("{frames:,}, {width} × {height} pixels (an edit list hides {hidden:,} more)", **values, hidden=hidden)
    return tr("{frames:,}, {width} × {height} pixels", **values)


def _rate(findings: Mapping[str, Any]) -> str:
    if not findings["fps"]:
        return tr("no time base")
    if findings["vfr"]:
        text = tr("variable, {fps:.3f} FPS on average", fps=findings["fps"])
    else:
        text = tr("{fps:.3f} FPS", fps=findings["fps"])
    repeated = findings["repeated_time_stamps"]
    if not repeated:
        return text
    return tr_n("{rate}; {count} repeated timestamp", "{rate}; {count:,} repeated timestamps", repeated, rate=text)


def _duration(findings: Mapping[str, Any]) -> str:
    seconds, announced = findings["duration"], findings.get("duration_announced")
    if seconds is None:
        return tr("unknown")
    if findings.get("ends_early"):
        return tr("{seconds:.3f} s (the header announces {announced:.3f} s)", seconds=seconds, announced=announced)
    return tr("{seconds:.3f} s", seconds=seconds)


def _jump(jump: Mapping[str, Any]) -> str:
    frame, seconds = jump["frame"], jump["seconds"]
    if seconds < 0:
        return tr("timestamps restart at frame {frame:,} ({seconds:.3f} s back)", frame=frame, seconds=-seconds)
    return tr("timestamps jump by {seconds:.3f} s after frame {frame:,}", seconds=seconds, frame=frame - 1)


def _damage(damage: Mapping[str, Any]) -> str:
    if damage["frame"] is None:
        return tr("unknown frame: {reason}", reason=describe(damage["reason"]))
    return tr("frame {frame:,}: {reason}", frame=damage["frame"], reason=describe(damage["reason"]))


def _keyframes(findings: Mapping[str, Any]) -> str:
    group, count = findings["gop"], findings["key_frames"]
    if count < 2:
        return f"{count:,}"
    if group["shortest"] != group["longest"]:
        return tr(
            "{count:,}, every {shortest:,}–{longest:,} frames (median {median:g})",
            count=count,
            shortest=group["shortest"],
            longest=group["longest"],
            median=group["median"],
        )
    if group["longest"] > 1:
        return tr("{count:,}, every {interval:,} frames", count=count, interval=group["longest"])
    return tr("{count:,}, every frame", count=count)


def _pixels(findings: Mapping[str, Any]) -> str:
    ratio = findings["sample_aspect_ratio"]
    shape = tr("square") if ratio == 1.0 else tr("not square, aspect ratio {ratio:.4f}", ratio=ratio)
    return tr("{shape}, interlaced", shape=shape) if findings.get("interlaced") else shape


def _no_damage(findings: Mapping[str, Any]) -> str:
    codec = findings.get("codec", "")
    if codec in _SILENT_CODECS:
        return tr("none found ({codec} decoders do not report all damage)", codec=codec)
    return tr("none found")


def _exactness(findings: Mapping[str, Any]) -> str:
    if findings["kind"] != "video":
        return tr("exact: each image is a file")
    if findings["exact"] is None:
        return tr("not checked: the check was stopped")
    sampled = findings["sampled"]
    if findings["exact"]:
        return tr(
            "exact: {count:,} of {count:,} frames read by seeking match a decode of the whole file", count=sampled
        )
    wrong = findings["wrong"]
    frames = ", ".join(str(frame) for frame in wrong[:_MAX_PLACES]) + (" …" if len(wrong) > _MAX_PLACES else "")
    return tr(
        "NOT exact: {wrong:,} of {sampled:,} frames read by seeking are uncertain (frames {frames})",
        wrong=len(wrong),
        sampled=sampled,
        frames=frames,
    )
