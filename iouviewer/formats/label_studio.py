"""Label Studio's JSON export of video rectangles: percent of the picture, frames from 1, key frames only.

``sequence[]`` holds key frames ``{frame, x, y, width, height, enabled}``. Between two of them the box moves in a
straight line; ``enabled: false`` ends it at that key frame until the next; after the last key frame an enabled box
stays to the end of the video.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.errors import UserError
from iouviewer.formats.frames import stem
from iouviewer.formats.interface import Place, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.rows import Rows

KEY = "labelstudio"
SIDES = ("x", "y", "width", "height")


@dataclass(frozen=True, slots=True)
class _Key:
    frame: int
    box: tuple[float, ...]
    enabled: bool
    place: Place


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of every frame: key frames as they are, those between as INTERPOLATED.

    Raises:
        UserError: damaged JSON, no video rectangles, several videos, or the size of the pictures is not known.
    """
    if context.size is None:
        raise UserError(
            "Label Studio's boxes are percentages of the picture, whose size is not known",
            path=path,
            remedy="Open the video first, or give --size WIDTHxHEIGHT.",
        )
    content = read_json(path)
    tasks = content if isinstance(content, list) else [content]
    tasks = _task_of_video([task for task in tasks if isinstance(task, dict)], path, context)
    rows = Rows(path)
    count: int | None = None
    regions = 0
    for where, region in _regions(tasks):
        value = region["value"]
        count = max(as_index(value.get("framesCount")) or 0, count or 0) or None
        labels = value.get("labels")
        name = str(labels[0]) if isinstance(labels, list) and labels else ""
        end = count if context.frame_count is None else context.frame_count
        keys = _keys(value.get("sequence"), where, rows, context.frame_base)
        _add_region(keys, rows.classes.index(name), regions, end, rows, context.size)
        regions += 1
    if not regions:
        raise UserError("holds no video rectangles", path=path)
    rows.notes.append("frames count from 1; boxes between key frames are interpolated here")
    return rows.finish(KEY, context.kind_or(Kind.GROUND_TRUTH), scored=False, frame_count=count, size=context.size)


def _task_of_video(tasks: list[dict[str, Any]], path: Path, context: ReadContext) -> list[dict[str, Any]]:
    """The task of the open video; the only one where there is one."""
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
        raise UserError(f"holds {len(tasks)} tasks and {len(chosen)} of them have the open video's name", path=path)
    return chosen


def _regions(tasks: list[dict[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Video rectangles of the first annotation that was not cancelled, with their place in the file."""
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


def _keys(sequence: list[Any], where: str, rows: Rows, base: int | None) -> list[_Key]:
    keys = []
    for index, entry in enumerate(sequence):
        place = Place(rows.path, None, f"{where}.value.sequence[{index}]")
        frame = as_index(entry.get("frame")) if isinstance(entry, dict) else None
        sides = [as_number(entry.get(side)) for side in SIDES] if isinstance(entry, dict) else []
        numbers = [side for side in sides if side is not None]
        if frame is None or len(numbers) != 4:
            rows.refuse(place, "frame, x, y, width and height must be numbers")
            continue
        if as_number(entry.get("rotation", 0)) not in {0.0, None}:
            rows.refuse(place, "a rotated box, which iouviewer cannot hold")
            continue
        keys.append(
            _Key(frame - (1 if base is None else base), tuple(numbers), entry.get("enabled") is not False, place)
        )
    return sorted(keys, key=lambda key: key.frame)


def _add_region(
    keys: list[_Key], class_id: int, track: int, end: int | None, rows: Rows, size: tuple[int, int]
) -> None:
    for i, key in enumerate(keys):
        following = keys[i + 1] if i + 1 < len(keys) else None
        _add(rows, key, key.frame, key.box, size, class_id, track, BoxFlag.KEY_FRAME)
        if not key.enabled:
            continue
        stop = following.frame if following is not None else max(end or 0, key.frame + 1)
        target = following.box if following is not None else key.box
        for frame in range(key.frame + 1, min(stop, key.frame + 10_000_000)):
            t = (frame - key.frame) / (stop - key.frame)
            box = tuple(a + (b - a) * t for a, b in zip(key.box, target, strict=True))
            _add(rows, key, frame, box, size, class_id, track, BoxFlag.INTERPOLATED)


def _add(
    rows: Rows,
    key: _Key,
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
    rows.add(key.place, frame, rect, class_id=class_id, track=track, flags=int(flag))
