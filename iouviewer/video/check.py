"""A report on a video: its properties, damage and frame accuracy as values, and what to do about them as text."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.video.container import IndexMismatchError
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.fingerprint import fingerprint
from iouviewer.video.image_reader import ImageReader
from iouviewer.video.index import VideoIndex
from iouviewer.video.index_cache import delete_index, save_index
from iouviewer.video.opening import open_video
from iouviewer.video.reader import VideoReader
from iouviewer.video.reasons import ORDER_UNKNOWN
from iouviewer.video.timestamps import Seconds

_GAP_STEPS = 1.5
"""Steps between timestamps longer than this many median steps are gaps."""

_DURATION_TOLERANCE = 0.5
"""Seconds by which the frames may end before the length in the header."""

_LONG_GOP = 120
"""Distance between keyframes, in frames, from which random access is slow."""

ProgressCallback = Callable[[int, int], None]
Cancelled = Callable[[], bool]


def check_video(
    path: Path | str,
    *,
    sample: int = 40,
    progress: ProgressCallback | None = None,
    cancelled: Cancelled | None = None,
) -> dict[str, Any]:
    """Inspect a video and return the findings as plain values for JSON; ``remedy`` has sentences on what to do.

    The whole file is decoded once by one thread; then ``sample`` frames are read by seeking, in random order, and
    compared with that decode by checksum. ``exact`` is None if ``cancelled()`` ended the check before.
    ``progress(packets decoded, packets)``. Raises UserError if there is no frame.
    """
    try:
        return _check(path, sample, progress, cancelled)
    except IndexMismatchError:
        # The cached index did not belong to the file. If the packets differ again, that is reported.
        delete_index(fingerprint(Path(path)))
        return _check(path, sample, progress, cancelled)


def _check(
    path: Path | str, sample: int, progress: ProgressCallback | None, cancelled: Cancelled | None
) -> dict[str, Any]:
    reader = open_video(path, resolve_order=False)
    try:
        if isinstance(reader, ImageReader):
            return _check_images(reader)
        provisional = reader.index
        checked = run_decode_check(reader.path, provisional, progress=progress, cancelled=cancelled)
        if checked is not None:
            save_index(checked, reader.fingerprint, reader.path, reader.stamp)
            reader.use_index(checked)
        report = _describe(reader)
        report["exact"] = None if checked is None else True
        report["sampled"] = 0
        if checked is not None:
            wrong, report["interlaced"] = _find_wrong_reads(reader, sample, cancelled)
            report |= {"exact": not wrong, "wrong": wrong, "sampled": min(sample, reader.frame_count)}
            report["numbers_changed"] = not provisional.has_same_numbers(checked)
        report["remedy"] = _remedies(report)
        return report
    finally:
        reader.close()


def _find_wrong_reads(reader: VideoReader, sample: int, cancelled: Cancelled | None) -> tuple[list[int], bool]:
    """Sampled frames for which seeking and the sequential decode differ, and whether any frame is interlaced."""
    count = reader.frame_count
    frames = random.Random(0).sample(range(count), min(sample, count))
    wrong = []
    interlaced = False
    for frame in frames:
        if cancelled is not None and cancelled():
            break
        reader.clear_cache()
        try:
            shown = reader.read_display(frame, (64, 64))
            exact, interlaced = shown.exact, interlaced or shown.interlaced
        except UserError:
            exact = False
        if not exact:
            wrong.append(frame)
    return sorted(wrong), interlaced


def _describe(reader: VideoReader) -> dict[str, Any]:
    index, info = reader.index, reader.stream_info
    times = index.times
    width, height = reader.size
    duration = _duration(times, reader.fps)
    return {
        "path": str(reader.path),
        "kind": "video",
        "container": info.container,
        "codec": info.codec,
        "pixel_format": info.pixel_format,
        "size": [width, height],
        "coded_size": list(info.size),
        "rotation": reader.rotation,
        "sample_aspect_ratio": float(reader.sample_aspect_ratio),
        "frames": index.frame_count,
        "frames_announced": info.frames,
        "packets": len(index.packets) + info.dropped_frames,
        "hidden_by_edit_list": index.hidden_frames,
        "duration": duration,
        "duration_announced": info.stream_duration,
        "ends_early": not index.jumps
        and ends_early(duration, info.stream_duration, hidden=index.hidden_frames, fps=reader.fps),
        "interlaced": False,
        "fps": reader.fps,
        "vfr": is_variable_rate(times),
        "repeated_time_stamps": int(np.count_nonzero(index.occurrences)),
        "gaps": find_gaps(times),
        "jumps": [{"frame": jump.frame, "seconds": jump.seconds} for jump in index.jumps],
        **_gop_statistics(index),
        "numbers_confirmed": index.numbers_final,
        "doubts": list(index.uncertainties),
        "damage": [{"frame": damage.frame, "reason": damage.reason} for damage in index.damage],
        "form_changes": [
            {"frame": change.frame, "size": list(change.size), "pixel_format": change.pixel_format}
            for change in index.format_changes
        ],
        "fingerprint": reader.fingerprint,
    }


def _duration(times: Seconds, fps: float) -> float | None:
    if not len(times):
        return None
    return float(times[-1]) + (1.0 / fps if fps else 0.0)


def ends_early(seconds: float | None, announced: float | None, *, hidden: int = 0, fps: float = 0.0) -> bool:
    """Whether the frames end well before the video length in the header (audio does not count).

    The announced length may include the frames that an edit list hides (``hidden``).
    """
    if seconds is None or announced is None:
        return False
    present = seconds + (hidden / fps if fps else 0.0)
    return announced - present > max(_DURATION_TOLERANCE, 0.02 * announced)


def is_variable_rate(times: Seconds) -> bool:
    """Whether steps between timestamps differ by more than rounding: over a tenth of the median and 2 ms."""
    steps = np.diff(times)
    if not len(steps):
        return False
    median = float(np.median(steps))
    return bool((np.abs(steps - median) > max(0.1 * median, 0.002)).any())


def find_gaps(times: Seconds) -> list[dict[str, float]]:
    """Steps of more than one and a half median steps: the frame before, and the seconds."""
    steps = np.diff(times)
    if not len(steps):
        return []
    found = np.flatnonzero(steps > max(_GAP_STEPS * float(np.median(steps)), 1e-6))
    return [{"after_frame": int(frame), "seconds": round(float(steps[frame]), 6)} for frame in found]


def _gop_statistics(index: VideoIndex) -> dict[str, Any]:
    keys = index.keyframes
    edges = np.concatenate([keys, [index.frame_count]]) if len(keys) else np.array([0, index.frame_count])
    lengths = np.diff(edges)
    statistics = {"shortest": int(lengths.min()), "median": float(np.median(lengths)), "longest": int(lengths.max())}
    return {"key_frames": len(keys), "gop": statistics}


def _check_images(reader: ImageReader) -> dict[str, Any]:
    sizes: set[tuple[int, int]] = set()
    for frame in range(reader.frame_count):
        try:
            image = reader.read(frame)
        except UserError:
            continue  # listed in reader.damage
        sizes.add((image.shape[1], image.shape[0]))
    damage = [{"frame": one.frame, "reason": one.reason} for one in reader.damage]
    remedies = []
    if damage:
        remedies.append(
            tr_n(
                "{count} image cannot be read; copy it again.",
                "{count:,} images cannot be read; copy them again.",
                len(damage),
            )
        )
    if len(sizes) > 1:
        remedies.append(tr("The images differ in size; boxes are stored in each image's own pixels."))
    return {
        "path": str(reader.path),
        "kind": "images",
        "frames": reader.frame_count,
        "size": list(reader.size),
        "sizes": sorted([list(size) for size in sizes]),
        "fps": 0.0,
        "vfr": False,
        "duration": None,
        "rotation": 0,
        "key_frames": reader.frame_count,
        "gaps": [],
        "exact": True,
        "numbers_confirmed": True,
        "damage": damage,
        "fingerprint": reader.fingerprint,
        "remedy": remedies,
    }


def _remedies(report: dict[str, Any]) -> list[str]:
    """What to do, one sentence each; empty if nothing needs doing."""
    remedies = []
    if report["exact"] is False:
        remedies.append(tr("Some frames depend on where decoding starts; re-encode the file before labelling it."))
    if report["exact"] is None:
        remedies.append(tr("The check was stopped before the whole file was decoded; run it again."))
    if report["damage"]:
        remedies.append(
            tr_n(
                "{count} place is damaged; if you can, copy the file again from its source.",
                "{count:,} places are damaged; if you can, copy the file again from its source.",
                len(report["damage"]),
            )
        )
    remedies += _frame_count_remedies(report)
    remedies += _timestamp_remedies(report)
    if ORDER_UNKNOWN in report["doubts"]:
        remedies.append(
            tr("The container stores no presentation timestamps; remux it to MP4 or MKV to open it faster.")
        )
    if report["gop"]["longest"] >= _LONG_GOP:
        remedies.append(
            tr(
                "Keyframes are up to {frames:,} frames apart: jumps are slow until the scrub cache is built.",
                frames=report["gop"]["longest"],
            )
        )
    if report["rotation"]:
        remedies.append(
            tr(
                "Frames are rotated by {degrees} degrees for display and for models; boxes follow.",
                degrees=report["rotation"],
            )
        )
    if report["interlaced"]:
        remedies.append(tr("Frames are interlaced: deinterlace the file before labelling if boxes must be tight."))
    if report["sample_aspect_ratio"] != 1.0:
        remedies.append(tr("Pixels are not square; boxes and scores use stored pixels."))
    return remedies + _format_remedies(report)


def _frame_count_remedies(report: dict[str, Any]) -> list[str]:
    remedies = []
    announced = report["frames_announced"]
    if announced and announced not in {report["frames"], report["packets"]}:
        remedies.append(
            tr(
                "The file announces {announced:,} frames and contains {frames:,}: it was cut or its header is wrong.",
                announced=announced,
                frames=report["frames"],
            )
        )
    elif report["ends_early"]:
        remedies.append(
            tr("The frames end before the length in the header: the file may have been cut; copy it again.")
        )
    if report["hidden_by_edit_list"]:
        hidden = report["hidden_by_edit_list"]
        remedies.append(
            tr(
                "An edit list hides {hidden:,} of {total:,} frames; other programs may count them.",
                hidden=hidden,
                total=hidden + report["frames"],
            )
        )
    return remedies


def _format_remedies(report: dict[str, Any]) -> list[str]:
    changes, (width, height) = report["form_changes"], report["coded_size"]
    if not changes:
        return []
    resized = next((change for change in changes if change["size"] != [width, height]), None)
    if resized is None:
        return [tr("The pixel format changes at frame {frame:,}; colours may differ.", frame=changes[0]["frame"])]
    return [
        tr(
            "The frame size changes: from frame {frame:,} it is {new_width} × {new_height} pixels in the file. All "
            "frames are scaled to {width} × {height} for display and for models, and boxes use those pixels; cut the "
            "file there to edit the parts at their own size.",
            frame=resized["frame"],
            new_width=resized["size"][0],
            new_height=resized["size"][1],
            width=width,
            height=height,
        )
    ]


def _timestamp_remedies(report: dict[str, Any]) -> list[str]:
    remedies = []
    if report["vfr"]:
        remedies.append(
            tr("The frame rate varies: programs that seek by average rate show other frames under these numbers.")
        )
    restarts = [jump["frame"] for jump in report["jumps"] if jump["seconds"] < 0]
    leaps = [jump for jump in report["jumps"] if jump["seconds"] >= 0]
    if restarts:
        remedies.append(
            tr_n(
                "The timestamps restart at frame {frame:,}, as in concatenated recordings: programs that seek or sort "
                "by timestamp show other frames under these numbers; convert the file to MP4 for them.",
                "The timestamps restart {count:,} times, first at frame {frame:,}, as in concatenated recordings: "
                "programs that seek or sort by timestamp show other frames under these numbers; convert the file to "
                "MP4 for them.",
                len(restarts),
                frame=restarts[0],
            )
        )
    if leaps:
        remedies.append(
            tr_n(
                "The timestamps jump by {seconds:.3f} s after frame {frame:,}: such jumps are excluded from times and "
                "durations here, but other programs may include them.",
                "The timestamps jump {count:,} times, first by {seconds:.3f} s after frame {frame:,}: such jumps are "
                "excluded from times and durations here, but other programs may include them.",
                len(leaps),
                seconds=leaps[0]["seconds"],
                frame=leaps[0]["frame"] - 1,
            )
        )
    return remedies
