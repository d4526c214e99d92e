"""Label Studio's JSON export of video rectangles: percent of the frame size, frames from 1, key frames only.

``sequence[]`` lists key frames ``{frame, x, y, width, height, enabled}``. Boxes between two key frames are interpolated
linearly. ``enabled: false`` ends the box at that key frame until the next one. After the last key frame an enabled box
stays until the end of the video.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample
from iouviewer.formats.frame_numbers import stem
from iouviewer.formats.interface import DetectedFormat, Location, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.rows import Rows
from iouviewer.i18n import tr

KEY = "labelstudio"
EXTENT_KEYS = ("x", "y", "width", "height")
MAX_INTERPOLATED = 10_000_000
"""Most frames to interpolate after a key frame; a limit against absurd frame numbers."""


def sniff(sample: FileSample) -> DetectedFormat | None:
    """An export with video rectangles."""
    if '"videorectangle"' in sample.text or sample.has_keys("sequence", "framesCount"):
        return DetectedFormat(KEY, ImportKind.GROUND_TRUTH, 0.9, tr("Label Studio JSON with video rectangles"))
    return None


@dataclass(frozen=True, slots=True)
class _KeyFrame:
    """A key frame: 0-based frame; x, y, width, height in percent."""

    frame: int
    box: tuple[float, ...]
    enabled: bool
    location: Location


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
    regions = 0
    for element, region in _find_regions(tasks):
        value = region["value"]
        count = max(as_index(value.get("framesCount")) or 0, count or 0) or None
        labels = value.get("labels")
        name = str(labels[0]) if isinstance(labels, list) and labels else ""
        end = count if context.frame_count is None else context.frame_count
        keys = _read_key_frames(value.get("sequence"), element, rows, context.frame_base)
        _add_region(keys, rows.classes.index(name), regions, end, rows, context.size)
        regions += 1
    if not regions:
        raise UserError(tr("the file contains no video rectangles"), path=path)
    rows.notes.append(tr("Frames start at 1; boxes between key frames are interpolated"))
    return rows.finish(
        KEY, context.kind_or(ImportKind.GROUND_TRUTH), scored=False, frame_count=count, size=context.size
    )


def _task_of_video(tasks: list[dict[str, Any]], path: Path, context: ReadContext) -> list[dict[str, Any]]:
    """The task of the open video; a single task is used regardless of its name."""
    if len(tasks) < 2:
        return tasks
    chosen = []
    for task in tasks:
        data = task.get("data")
        values = [v for v in data.values() if isinstance(v, str)] if isinstance(data, dict) else []
        # Uploaded files are renamed to <8 hexadecimal digits>-<name>.
        stems = [stem(v) for v in values]
        if context.video_stem and any(s == context.video_stem or s.endswith(f"-{context.video_stem}") for s in stems):
            chosen.append(task)
    if len(chosen) != 1:
        reason = tr(
            "the file contains {count:,} tasks; {matching:,} of them have the name of the open video, not exactly one",
            count=len(tasks),
            matching=len(chosen),
        )
        raise UserError(reason, path=path)
    return chosen


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


def _read_key_frames(sequence: list[Any], element: str, rows: Rows, base: int | None) -> list[_KeyFrame]:
    keys = []
    for index, entry in enumerate(sequence):
        location = Location(rows.path, None, f"{element}.value.sequence[{index}]")
        frame = as_index(entry.get("frame")) if isinstance(entry, dict) else None
        values = [as_number(entry.get(key)) for key in EXTENT_KEYS] if isinstance(entry, dict) else []
        numbers = [value for value in values if value is not None]
        if frame is None or len(numbers) != 4:
            rows.refuse(location, tr("frame, x, y, width and height must be numbers"))
            continue
        if as_number(entry.get("rotation", 0)) not in {0.0, None}:
            rows.refuse(location, tr("rotated boxes are not supported"))
            continue
        keys.append(
            _KeyFrame(
                frame - (1 if base is None else base), tuple(numbers), entry.get("enabled") is not False, location
            )
        )
    return sorted(keys, key=lambda key: key.frame)


def _add_region(
    keys: list[_KeyFrame], class_id: int, track: int, end: int | None, rows: Rows, size: tuple[int, int]
) -> None:
    for i, key in enumerate(keys):
        following = keys[i + 1] if i + 1 < len(keys) else None
        _add(rows, key, key.frame, key.box, size, class_id, track, BoxFlag.KEY_FRAME)
        if not key.enabled:
            continue
        stop = following.frame if following is not None else max(end or 0, key.frame + 1)
        target = following.box if following is not None else key.box
        for frame in range(key.frame + 1, min(stop, key.frame + MAX_INTERPOLATED)):
            t = (frame - key.frame) / (stop - key.frame)
            box = tuple(a + (b - a) * t for a, b in zip(key.box, target, strict=True))
            _add(rows, key, frame, box, size, class_id, track, BoxFlag.INTERPOLATED)


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
