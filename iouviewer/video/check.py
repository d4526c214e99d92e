"""What is right and wrong with a video, in numbers and in sentences."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.video.container import IndexMismatchError
from iouviewer.video.decode_check import confirm_index
from iouviewer.video.edit_list import hidden_pictures
from iouviewer.video.fingerprint import fingerprint
from iouviewer.video.images import ImageReader
from iouviewer.video.index import ORDER_UNKNOWN, VideoIndex
from iouviewer.video.index_cache import forget_index, save_index
from iouviewer.video.opening import open_video
from iouviewer.video.reader import VideoReader

_GAP = 1.5
"""A step between time stamps of more than this many median steps is a gap."""

_SHORT_BY = 0.5
"""Seconds that the pictures may end before the length in the header."""

_LONG_GROUP = 120
"""Pictures between key frames from which on jumping about is slow."""

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]


def check_video(
    path: Path | str,
    *,
    sample: int = 40,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> dict[str, Any]:
    """Facts on a video as plain values (for JSON), with ``remedy``: sentences on what to do.

    The whole file is decoded once by one thread; then ``sample`` pictures are read by seeking, in random order, and
    compared with that decode by checksum. ``exact`` is None where ``cancelled()`` ended it before.
    ``progress(packets decoded, packets)``. Raises UserError where there is no picture.
    """
    try:
        return _check(path, sample, progress, cancelled)
    except IndexMismatchError:
        # The kept index was not the file's. If the packets differ once more, that is told.
        forget_index(fingerprint(Path(path)))
        return _check(path, sample, progress, cancelled)


def _check(path: Path | str, sample: int, progress: Progress | None, cancelled: Cancelled | None) -> dict[str, Any]:
    reader = open_video(path, decode_order=False)
    try:
        if isinstance(reader, ImageReader):
            return _check_images(reader)
        provisional = reader.index
        confirmed = confirm_index(reader.path, provisional, progress=progress, cancelled=cancelled)
        if confirmed is not None:
            save_index(confirmed, reader.fingerprint, reader.path, reader.stamp)
            reader.use_index(confirmed)
        report = _facts(reader)
        report["exact"] = None if confirmed is None else True
        report["sampled"] = 0
        if confirmed is not None:
            wrong, report["interlaced"] = _sampled_reads(reader, sample, cancelled)
            report |= {"exact": not wrong, "wrong": wrong, "sampled": min(sample, reader.frame_count)}
            report["numbers_changed"] = not provisional.same_numbers(confirmed)
        report["remedy"] = _remedies(report)
        return report
    finally:
        reader.close()


def _sampled_reads(reader: VideoReader, sample: int, cancelled: Cancelled | None) -> tuple[list[int], bool]:
    """Sampled pictures that seeking does not give as the sequential decode did; whether any is interlaced."""
    count = reader.frame_count
    frames = random.Random(0).sample(range(count), min(sample, count))
    wrong = []
    interlaced = False
    for frame in frames:
        if cancelled is not None and cancelled():
            break
        reader.forget_pictures()
        try:
            shown = reader.read_display(frame, (64, 64))
            sure, interlaced = shown.exact, interlaced or shown.interlaced
        except UserError:
            sure = False
        if not sure:
            wrong.append(frame)
    return sorted(wrong), interlaced


def _facts(reader: VideoReader) -> dict[str, Any]:
    index, facts = reader.index, reader.facts
    times = index.times
    width, height = reader.size
    hidden = hidden_pictures(index)
    return {
        "path": str(reader.path),
        "kind": "video",
        "container": facts.container,
        "codec": facts.codec,
        "pixel_format": facts.pixel_format,
        "size": [width, height],
        "coded_size": list(facts.size),
        "rotation": reader.rotation,
        "sample_aspect_ratio": float(reader.sample_aspect_ratio),
        "frames": index.frame_count,
        "frames_announced": facts.frames,
        "packets": len(index.packets) + facts.left_out,
        "hidden_by_edit_list": hidden,
        "duration": _duration(times, reader.fps),
        "duration_announced": facts.picture_seconds,
        "ends_early": not index.jumps
        and ends_early(_duration(times, reader.fps), facts.picture_seconds, hidden=hidden, fps=reader.fps),
        "interlaced": False,
        "fps": reader.fps,
        "vfr": is_variable(times),
        "repeated_time_stamps": int(np.count_nonzero(index.occurrences)),
        "gaps": gaps_in(times),
        "jumps": [{"frame": jump.frame, "seconds": jump.seconds} for jump in index.jumps],
        **_groups(index),
        "numbers_confirmed": index.confirmed,
        "doubts": list(index.doubts),
        "damage": [{"frame": damage.frame, "reason": damage.reason} for damage in index.damage],
        "form_changes": [
            {"frame": change.frame, "size": list(change.size), "pixel_format": change.pixel_format}
            for change in index.form_changes
        ],
        "fingerprint": reader.fingerprint,
    }


def _duration(times: np.ndarray[Any, np.dtype[np.float64]], fps: float) -> float | None:
    if not len(times):
        return None
    return float(times[-1]) + (1.0 / fps if fps else 0.0)


def ends_early(seconds: float | None, announced: float | None, *, hidden: int = 0, fps: float = 0.0) -> bool:
    """Whether the pictures end well before the length that the header tells of them (not of the sound).

    The length may count the pictures that an edit list hides (``hidden``).
    """
    if seconds is None or announced is None:
        return False
    there = seconds + (hidden / fps if fps else 0.0)
    return announced - there > max(_SHORT_BY, 0.02 * announced)


def is_variable(times: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Whether steps between time stamps differ by more than rounding: over a tenth of the median and 2 ms."""
    steps = np.diff(times)
    if not len(steps):
        return False
    median = float(np.median(steps))
    return bool((np.abs(steps - median) > max(0.1 * median, 0.002)).any())


def gaps_in(times: np.ndarray[Any, np.dtype[np.float64]]) -> list[dict[str, float]]:
    """Steps of more than one and a half median steps: the picture before, and the seconds."""
    steps = np.diff(times)
    if not len(steps):
        return []
    found = np.flatnonzero(steps > max(_GAP * float(np.median(steps)), 1e-6))
    return [{"after_frame": int(frame), "seconds": round(float(steps[frame]), 6)} for frame in found]


def _groups(index: VideoIndex) -> dict[str, Any]:
    keys = index.key_frames
    edges = np.concatenate([keys, [index.frame_count]]) if len(keys) else np.array([0, index.frame_count])
    lengths = np.diff(edges)
    statistics = {"shortest": int(lengths.min()), "median": float(np.median(lengths)), "longest": int(lengths.max())}
    return {"key_frames": len(keys), "gop": statistics}


def _check_images(reader: ImageReader) -> dict[str, Any]:
    sizes: set[tuple[int, int]] = set()
    for frame in range(reader.frame_count):
        try:
            picture = reader.read(frame)
        except UserError:
            continue  # stands in reader.damage
        sizes.add((picture.shape[1], picture.shape[0]))
    damage = [{"frame": one.frame, "reason": one.reason} for one in reader.damage]
    report: dict[str, Any] = {
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
    }
    count = "1 picture" if len(damage) == 1 else f"{len(damage)} pictures"
    report["remedy"] = [f"{count} cannot be read; copy {'it' if len(damage) == 1 else 'them'} again."] if damage else []
    if len(sizes) > 1:
        report["remedy"].append("The pictures differ in size; boxes are kept in each picture's own pixels.")
    return report


def _remedies(report: dict[str, Any]) -> list[str]:
    """What to do about it, one sentence each; empty where nothing needs doing."""
    remedies = []
    if report["exact"] is False:
        remedies.append("Some pictures depend on where decoding began; re-encode the file before labelling it.")
    if report["exact"] is None:
        remedies.append("The check was stopped before the whole file was decoded; run it again.")
    if report["damage"]:
        places = len(report["damage"])
        count = "1 place is" if places == 1 else f"{places} places are"
        remedies.append(f"{count} damaged; copy the file again from its source if you can.")
    announced = report["frames_announced"]
    if announced and announced not in {report["frames"], report["packets"]}:
        remedies.append(
            f"The file announces {announced} pictures and has {report['frames']}: it was cut or its header is wrong."
        )
    elif report["ends_early"]:
        remedies.append("The pictures end before the length in the header: the file may have been cut; copy it again.")
    if report["hidden_by_edit_list"]:
        hidden = report["hidden_by_edit_list"]
        of = hidden + report["frames"]
        remedies.append(f"An edit list hides {hidden} of {of} pictures; other programs may count them.")
    remedies += _remedies_of_times(report)
    if ORDER_UNKNOWN in report["doubts"]:
        remedies.append("The container stores no presentation times; remux it to MP4 or MKV for quick opening.")
    if report["gop"]["longest"] >= _LONG_GROUP:
        remedies.append(
            f"Key frames are up to {report['gop']['longest']} pictures apart: jumps take long until the proxy is built."
        )
    if report["rotation"]:
        remedies.append(
            f"Pictures are turned by {report['rotation']} degrees for showing and for models; boxes follow."
        )
    if report["interlaced"]:
        remedies.append("Pictures are interlaced: deinterlace the file before labelling if boxes are to be tight.")
    if report["sample_aspect_ratio"] != 1.0:
        remedies.append("Pixels are not square; boxes and scores are in stored pixels.")
    return remedies + _remedies_of_forms(report)


def _remedies_of_forms(report: dict[str, Any]) -> list[str]:
    changes, (width, height) = report["form_changes"], report["coded_size"]
    sizes = [change for change in changes if change["size"] != [width, height]]
    if not sizes:
        first = f"The pixel format changes at frame {changes[0]['frame']}; colours may differ." if changes else ""
        return [first] if first else []
    first_width, first_height = sizes[0]["size"]
    return [
        f"The size of the pictures changes: from frame {sizes[0]['frame']} on they are {first_width} x {first_height} "
        f"pixels in the file. All are scaled to {width} x {height}, for people and for models, and boxes are in those "
        "pixels; cut the file there if the parts are to be labelled in their own size."
    ]


def _remedies_of_times(report: dict[str, Any]) -> list[str]:
    remedies = []
    if report["vfr"]:
        remedies.append(
            "The frame rate varies: programs that seek by average rate show other frames under these numbers."
        )
    anew = [jump["frame"] for jump in report["jumps"] if jump["seconds"] < 0]
    leaps = [jump for jump in report["jumps"] if jump["seconds"] >= 0]
    if anew:
        more = f" and {len(anew) - 1:,} more times" if len(anew) > 1 else ""
        remedies.append(
            f"The time stamps start anew at frame {anew[0]}{more}, as in recordings that were joined: programs that "
            "seek by time or sort by time stamps show other frames under these numbers; convert the file to MP4 for "
            "them."
        )
    if leaps:
        more = f" and {len(leaps) - 1:,} more times" if len(leaps) > 1 else ""
        remedies.append(
            f"The time stamps jump by {leaps[0]['seconds']:.3f} s after frame {leaps[0]['frame'] - 1}{more}: such "
            "jumps are left out of times and lengths here, and other programs may wait them out."
        )
    return remedies
