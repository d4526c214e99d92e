"""Label Studio's JSON export of video rectangles: percent of the frame size, frames from 1, key frames only.

``sequence[]`` lists key frames ``{frame, x, y, width, height, enabled}``. Boxes between two key frames are interpolated
linearly. ``enabled: false`` ends the box at that key frame until the next one. After the last key frame an enabled box
stays until the end of the video.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind, StatedFact, VideoFacts
from iouviewer.errors import UserError
from iouviewer.formats.coco_images import choose_task
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.image_names import core_name
from iouviewer.formats.interface import DetectedFormat, Location, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.plausibility import LARGEST_PERCENT, are_fractions, implausible
from iouviewer.formats.rows import Rows
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr, tr_n

KEY = "labelstudio"
EXTENT_KEYS = ("x", "y", "width", "height")


def sniff(sample: FileSample) -> DetectedFormat | None:
    """An export with video rectangles."""
    if '"videorectangle"' in sample.text or sample.has_keys("sequence", "framesCount"):
        return DetectedFormat(KEY, ImportKind.GROUND_TRUTH, 0.9, tr("Label Studio JSON with video rectangles"))
    return None


@dataclass(frozen=True, slots=True)
class _KeyFrame:
    """A key frame: 0-based frame, between two frames if it is placed by its time; x, y, width, height in percent.

    A refused key frame is no box, but it still begins or ends what lies beside it; ``box`` is None if it is unreadable.
    """

    frame: float
    box: tuple[float, ...] | None
    enabled: bool
    location: Location
    index: int
    refused: bool = False


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of every frame: key frames as they are, the others as INTERPOLATED.

    Raises:
        UserError: damaged JSON, no video rectangles, several videos, or an unknown frame size.
    """
    if context.size is None:
        raise UserError(
            tr("Label Studio boxes are percentages of the frame size, which is not known"),
            path=path,
            remedy=tr("Open the video first, or pass --size WIDTHxHEIGHT."),
        )
    content = read_json(path)
    tasks = content if isinstance(content, list) else [content]
    tasks = _task_of_video([task for task in tasks if isinstance(task, dict)], path, context)
    rows = Rows(path)
    count: int | None = None
    fps: float | None = None
    has_times = True
    regions = left_out = 0
    for element, region in _find_regions(tasks):
        value = region["value"]
        count = max(as_index(value.get("framesCount")) or 0, count or 0) or None
        labels = value.get("labels")
        name = str(labels[0]) if isinstance(labels, list) and labels else ""
        end = count if context.frame_count is None else context.frame_count
        duration = as_number(value.get("duration"))
        fps = round(count / duration, 3) if count and duration and duration > 0 else fps or _rate(value["sequence"])
        has_times = has_times and _has_times(value["sequence"])
        keys = _read_key_frames(value.get("sequence"), element, rows, context.frame_base)
        keys = _place(keys, value["sequence"], fps, context)
        if not context.trust_columns:
            _check_percent(keys, path)
        left_out += _add_region(keys, rows.classes.index(name), regions, end, rows, context)
        regions += 1
    if not regions:
        raise UserError(tr("the file contains no video rectangles"), path=path)
    rows.notes.append(StatedFact(tr("Frames start at 1; boxes between key frames are interpolated")))
    if left_out:
        rows.notes.append(
            tr_n(
                "{count} box beside a refused key frame is left out",
                "{count:,} boxes beside refused key frames are left out",
                left_out,
            )
        )
    if context.use_times and has_times:
        rows.notes.append(StatedFact(tr("Key frames are placed by their times")))
    return rows.finish(
        KEY,
        context.kind_or(ImportKind.GROUND_TRUTH),
        context,
        scored=False,
        frame_count=count,
        size=context.size,
        facts=VideoFacts(fps=fps, video_name=_video_name(tasks), has_times=has_times),
        rate_applied=True,
    )


def _rate(sequence: list[Any]) -> float | None:
    """Frames per second between the first and the last key frame; None where these have no times."""
    entries = [entry for entry in sequence if isinstance(entry, dict)]
    frames = [as_number(entry.get("frame")) for entry in entries]
    times = [as_number(entry.get("time")) for entry in entries]
    known = sorted((f, t) for f, t in zip(frames, times, strict=True) if f is not None and t is not None)
    if len(known) < 2 or known[-1][1] <= known[0][1]:
        return None
    return round((known[-1][0] - known[0][0]) / (known[-1][1] - known[0][1]), 3)


def _has_times(sequence: list[Any]) -> bool:
    return all(isinstance(entry, dict) and as_number(entry.get("time")) is not None for entry in sequence)


def _place(keys: list[_KeyFrame], sequence: list[Any], file_fps: float | None, context: ReadContext) -> list[_KeyFrame]:
    """The key frames by their times, or by the frame rate of the file, if the user chose one of them.

    Some versions of Label Studio count times from one frame after the start.
    """
    fps = context.fps
    if fps and context.file_fps and not context.use_times:
        return [replace(key, frame=key.frame * fps / context.file_fps) for key in keys]
    if not fps or not context.use_times:
        return keys
    placed = []
    for key in keys:
        entry = sequence[key.index]
        time = as_number(entry.get("time"))
        if time is None:
            return keys
        late = round(time * file_fps - key.frame) if file_fps else 0
        placed.append(replace(key, frame=(time - (late / file_fps if file_fps and late == 1 else 0)) * fps))
    return placed


def _video_name(tasks: list[dict[str, Any]]) -> str:
    data = tasks[0].get("data") if tasks else None
    values = [value for value in data.values() if isinstance(value, str)] if isinstance(data, dict) else []
    return core_name(values[0]) if values else ""


def _task_of_video(tasks: list[dict[str, Any]], path: Path, context: ReadContext) -> list[dict[str, Any]]:
    """The task of the open video; a single task is used regardless of its name."""
    if len(tasks) < 2:
        return tasks
    names = [_video_name([task]) or str(task.get("id", position)) for position, task in enumerate(tasks)]
    return [tasks[choose_task(names, path, context)]]


def _find_regions(tasks: list[dict[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Video rectangles of the first annotation that was not cancelled, with their paths in the file."""
    for number, task in enumerate(tasks):
        annotations = task.get("annotations", task.get("completions"))
        for index, annotation in enumerate(annotations if isinstance(annotations, list) else []):
            if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
                continue
            results = annotation.get("result")
            for position, region in enumerate(results if isinstance(results, list) else []):
                value = region.get("value") if isinstance(region, dict) else None
                if isinstance(value, dict) and isinstance(value.get("sequence"), list):
                    yield f"[{number}].annotations[{index}].result[{position}]", region
            break


def _check_percent(keys: list[_KeyFrame], path: Path) -> None:
    """Refuse a region with fractions or pixels instead of percent."""
    columns = np.array([key.box for key in keys if key.box is not None], np.float64).reshape(-1, 4).T
    if not columns.size:
        return
    remedy = tr("Label Studio has x, y, width and height from 0 to 100")
    if are_fractions(columns):
        reason = tr("the boxes look normalised (0–1), but this format has percent of the frame size")
        raise implausible(path, reason, remedy)
    if np.median((columns[:2] + columns[2:]).max(axis=0)) > 2 * LARGEST_PERCENT:
        reason = tr("the boxes look like pixels, but this format has percent of the frame size")
        raise implausible(path, reason, remedy)


def _read_key_frames(sequence: list[Any], element: str, rows: Rows, base: int | None) -> list[_KeyFrame]:
    """Key frames by frame; none if the frame of one is unreadable, because the boxes beside it are then unknown."""
    keys = []
    all_placed = True
    for index, entry in enumerate(sequence):
        location = Location(rows.path, None, f"{element}.value.sequence[{index}]")
        frame = as_index(entry.get("frame")) if isinstance(entry, dict) else None
        if frame is None:
            rows.refuse(location, tr("the key frame has no frame number; the boxes of its region are not read"))
            all_placed = False
            continue
        values = [as_number(entry.get(key)) for key in EXTENT_KEYS]
        numbers = [value for value in values if value is not None and math.isfinite(value)]
        is_box = len(numbers) == len(EXTENT_KEYS)
        is_rotated = as_number(entry.get("rotation", 0)) not in {0.0, None}
        if not is_box:
            rows.refuse(location, tr("frame, x, y, width and height must be numbers"))
        elif is_rotated:
            rows.refuse(location, tr("rotated boxes are not supported"))
        keys.append(
            _KeyFrame(
                frame - (1 if base is None else base),
                tuple(numbers) if is_box else None,
                entry.get("enabled") is not False,
                location,
                index,
                refused=is_rotated or not is_box,
            )
        )
    return sorted(keys, key=lambda key: key.frame) if all_placed else []


def _add_region(
    keys: list[_KeyFrame], class_id: int, track: int, end: int | None, rows: Rows, context: ReadContext
) -> int:
    """Add the boxes of a region; returns how many are left out because a key frame beside them was refused."""
    left_out, size = 0, context.size or (1, 1)
    for i, key in enumerate(keys):
        following = keys[i + 1] if i + 1 < len(keys) else None
        first = math.ceil(key.frame)
        if first == key.frame:
            if key.box is not None and not key.refused:
                _add(rows, key, first, key.box, size, class_id, track, BoxFlag.KEY_FRAME)
            first += 1
        if not key.enabled:
            continue
        stop = following.frame if following is not None else max(end or 0, key.frame + 1)
        between = rows.between(first, math.ceil(stop), 1, context.frame_count)
        if key.box is None or key.refused or (following is not None and following.refused and following.enabled):
            left_out += len(between)
            continue
        # A refused key frame that ends the box still ends it; where it is unreadable, the box stays until then.
        target = following.box if following is not None and following.box is not None else key.box
        for frame in between:
            t = (frame - key.frame) / (stop - key.frame)
            box = tuple(a + (b - a) * t for a, b in zip(key.box, target, strict=True))
            _add(rows, key, frame, box, size, class_id, track, BoxFlag.INTERPOLATED)
    return left_out


def _add(
    rows: Rows,
    key: _KeyFrame,
    frame: int,
    box: tuple[float, ...],
    size: tuple[int, int],
    class_id: int,
    track: int,
    flag: BoxFlag,
) -> None:
    x, y, w, h = box
    width, height = size
    rect = (x * width / 100, y * height / 100, (x + w) * width / 100, (y + h) * height / 100)
    rows.add(key.location, frame, rect, class_id=class_id, track=track, flags=int(flag))


FORMAT = Format(
    key=KEY,
    name=tr("Label Studio video JSON"),
    extensions=(".json",),
    kinds=(ImportKind.GROUND_TRUTH,),
    syntaxes=(Syntax.JSON,),
    detect=sniff,
    read=read,
    menu_rank=10,
    lacks=(Field.IGNORED, Field.SCORES, Field.OCCLUDED, Field.TRUNCATED, Field.ATTRIBUTES, Field.LABELLED_FRAMES),
)
