"""COCO JSON: annotation files (also CocoVID), results lists, ultralytics' predictions.json, and our own results.

Boxes are ``[x, y, w, h]``, continuous. A frame comes from ``images[].frame_id`` (CocoVID; 0-based in mmtracking,
1-based in ByteTrack's converters), else from the file name, else from the image id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.errors import UserError
from iouviewer.formats.coco_names import COCO_CATEGORIES
from iouviewer.formats.frames import frames_of, stem
from iouviewer.formats.interface import Place, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.rows import ClassTable, Rows, named_classes

KEY = "coco"
PROGRAM = "iouviewer"
_EXTRAS = {"attributes", "instance_id", "track_id", "ignore", "occluded", "truncated"}
ImageId = int | str | float


@dataclass(frozen=True, slots=True)
class _Images:
    """Frames by image id; what else the list of images says."""

    frames: Mapping[ImageId, int]
    listed: bool
    size: tuple[int, int] | None
    notes: tuple[str, ...]
    skipped: frozenset[ImageId] = frozenset()


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of an annotations file, a results list or a results object.

    Raises:
        UserError: damaged JSON, not COCO's, or several videos of which none is the one that is open.
    """
    content = read_json(path)
    if isinstance(content, dict):
        document: Mapping[str, Any] = content
        key = "predictions" if isinstance(content.get("predictions"), list) else "annotations"
        entries = content.get(key, [])
    else:
        document, key, entries = {}, "", content
    if not isinstance(entries, list) or not (isinstance(content, list) or {"images", key} & set(content)):
        raise UserError("is not COCO JSON: there is no list of annotations", path=path)
    info = document.get("info")
    info = info if isinstance(info, dict) else {}
    images = _read_images(document, entries, path, context, ours=info.get("program") == PROGRAM)
    rows = Rows(path, ClassTable())
    rows.notes.extend(images.notes)
    numbers = _take(rows, entries, key, images)
    names = _category_names(document, path)
    fixed, class_names, notes = _classes(np.array(numbers, np.int64), names, context)
    rows.class_ids, rows.classes = fixed, ClassTable(class_names)
    rows.notes.extend(notes)
    scored = bool(rows.scores) and not np.isnan(rows.scores).all()
    protocol = info.get("protocol")
    protocol = protocol if isinstance(protocol, dict) else {}
    found = Kind.PREDICTIONS if scored or protocol or key == "predictions" else Kind.GROUND_TRUTH
    if isinstance(content, list):
        found = Kind.PREDICTIONS
    kind = context.kind_or(found)
    listed = set(images.frames.values()) if images.listed else None
    floor, cap = as_number(protocol.get("floor")), as_index(protocol.get("max_det"))
    return rows.finish(
        KEY,
        kind,
        # Results without a single row would still have scores.
        scored=scored or (found is Kind.PREDICTIONS and not len(rows)),
        labelled=None if kind is Kind.PREDICTIONS else listed,
        covered=listed if protocol else None,
        frame_count=as_index(info.get("frame_count")),
        size=images.size,
        score_floor=floor,
        cap=cap,
        protocol=protocol,
    )


def _read_images(
    document: Mapping[str, Any], entries: list[Any], path: Path, context: ReadContext, *, ours: bool
) -> _Images:
    images = document.get("images")
    if not isinstance(images, list) or not images:
        named: dict[ImageId, Any] = {}
        for entry in entries:
            if isinstance(entry, dict) and isinstance(entry.get("image_id"), (int, str, float)):
                named[entry["image_id"]] = entry.get("file_name")
        return _frames_of_ids(named, context)
    good = [image for image in images if isinstance(image, dict) and isinstance(image.get("id"), (int, str))]
    chosen, notes = _images_of_video(document, good, path, context)
    sizes = {(as_index(image.get("width")), as_index(image.get("height"))) for image in chosen}
    width, height = next(iter(sizes)) if len(sizes) == 1 else (None, None)
    size = (width, height) if width and height else None
    chosen_ids = {image["id"] for image in chosen}
    skipped = frozenset(image["id"] for image in good if image["id"] not in chosen_ids)
    numbers = [as_index(image.get("frame_id")) for image in chosen]
    by_number = [number for number in numbers if number is not None]
    by_name = context.image_names is not None and not ours
    if len(by_number) == len(chosen) == len(set(by_number)) and not by_name:
        first = min(by_number, default=0)
        base = context.frame_base
        if base is None:
            base = 0 if ours or first != 1 else 1
            notes += [] if ours else [f"frame_id is taken to count from {base} (its lowest number is {first})"]
        frames = {image["id"]: number - base for image, number in zip(chosen, by_number, strict=True)}
        return _Images(frames, True, size, tuple(notes), skipped)
    found = _frames_of_ids({image["id"]: image.get("file_name") for image in chosen}, context)
    return _Images(found.frames, True, size, (*notes, *found.notes), skipped)


def _images_of_video(
    document: Mapping[str, Any], images: list[dict[str, Any]], path: Path, context: ReadContext
) -> tuple[list[dict[str, Any]], list[str]]:
    videos = document.get("videos")
    if not isinstance(videos, list) or len(videos) < 2:
        return images, []
    names = {v["id"]: str(v.get("name", v.get("file_name", ""))) for v in videos if isinstance(v, dict) and "id" in v}
    wanted = [number for number, name in names.items() if context.video_stem and stem(name) == context.video_stem]
    if len(wanted) != 1:
        listed = ", ".join(list(names.values())[:10])
        raise UserError(
            f"holds {len(names)} videos and none of them, or more than one, has the open video's name",
            path=path,
            remedy=f"Rename the video to one of: {listed}.",
        )
    chosen = [image for image in images if image.get("video_id") == wanted[0]]
    return chosen, [f"only the video {names[wanted[0]]!r} of {len(names)} in the file is read"]


def _frames_of_ids(named: Mapping[ImageId, Any], context: ReadContext) -> _Images:
    """Frames by file name where each has one, else by the id itself (ultralytics: the stem, or its number)."""
    names = {i: (name if isinstance(name, str) and name else str(i)) for i, name in named.items()}
    if len(set(names.values())) < len(names):
        names = {i: str(i) for i in named}
    found = frames_of(list(names.values()), context)
    frames = {i: found.frames[name] for i, name in names.items() if name in found.frames}
    return _Images(frames, False, None, (found.note,) if named else ())


def _take(rows: Rows, entries: list[Any], key: str, images: _Images) -> list[int]:
    """Rows of the entries; returns their category numbers."""
    numbers = _take_at_once(rows, entries, key, images)
    if numbers is not None:
        return numbers
    numbers = []
    skipped = 0
    for index, entry in enumerate(entries):
        place = Place(rows.path, None, f"{key}[{index}]")
        if not isinstance(entry, dict):
            rows.refuse(place, "not an object")
            continue
        image = entry.get("image_id")
        if isinstance(image, (int, str, float)) and image in images.skipped:
            skipped += 1
            continue
        # 7.0, as tables with gaps write it, finds image 7.
        frame = images.frames.get(image) if isinstance(image, (int, str, float)) else None
        if frame is None:
            rows.refuse(place, f"image_id {image!r} belongs to no frame")
            continue
        bbox = entry.get("bbox")
        corner = [as_number(value) for value in bbox] if isinstance(bbox, list) else []
        x, y, w, h = corner if len(corner) == 4 else (None, None, None, None)
        if x is None or y is None or w is None or h is None:
            rows.refuse(place, f"bbox must be four numbers x, y, w, h, it is {bbox!r}")
            continue
        score = None
        if entry.get("score") is not None:
            score = as_number(entry["score"])
            if score is None:
                rows.refuse(place, f"score {entry['score']!r} is not a number")
                continue
        category = as_index(entry.get("category_id"))
        numbers.append(-1 if category is None else category)
        track, flags = _track_and_flags(entry)
        rows.add(place, frame, (x, y, x + w, y + h), score=score, track=track, flags=flags)
    if skipped:
        rows.notes.append(f"{skipped} boxes of other videos were left out")
    return numbers


def _take_at_once(rows: Rows, entries: list[Any], key: str, images: _Images) -> list[int] | None:
    """The same for a list without flaws, a column at a time; None where an entry needs a closer look."""
    if images.skipped or not entries:
        return None
    try:
        boxes = np.array([entry["bbox"] for entry in entries], np.float64)
        frames = [images.frames[entry["image_id"]] for entry in entries]
        scores = np.array([entry.get("score", np.nan) for entry in entries], np.float64)
        numbers = np.array([entry["category_id"] for entry in entries])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    if boxes.shape != (len(entries), 4) or numbers.dtype != np.int64 or (numbers.min() < 0):
        return None
    if any(_EXTRAS & entry.keys() for entry in entries):
        found = [_track_and_flags(entry) for entry in entries]
    else:
        found = [(NO_TRACK, BoxFlag.IGNORED if entry.get("iscrowd") in {1} else 0) for entry in entries]
    boxes[:, 2:] += boxes[:, :2]
    rows.frames, rows.rects = list(frames), boxes.tolist()
    rows.scores, rows.class_ids = scores.tolist(), [0] * len(entries)
    rows.tracks, rows.flags = [track for track, _ in found], [int(flags) for _, flags in found]
    rows.place_of = lambda row: Place(rows.path, None, f"{key}[{row}]")
    return cast("list[int]", numbers.tolist())


def _track_and_flags(entry: Mapping[str, Any]) -> tuple[int, int]:
    """instance_id (CocoVID), track_id (ByteTrack, CVAT's attributes); iscrowd, ignore, occluded."""
    attributes = entry.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    track = NO_TRACK
    for found in (entry.get("instance_id"), entry.get("track_id"), attributes.get("track_id")):
        number = as_index(found)
        if number is not None:
            track = number
            break
    flags = BoxFlag.NONE
    if entry.get("iscrowd") in {1} or entry.get("ignore") in {1}:
        flags |= BoxFlag.IGNORED
    for name, flag in (("occluded", BoxFlag.OCCLUDED), ("truncated", BoxFlag.TRUNCATED)):
        if attributes.get(name) is True or entry.get(name) in {1}:
            flags |= flag
    if "keyframe" in attributes:
        flags |= BoxFlag.KEY_FRAME if attributes["keyframe"] is True else BoxFlag.INTERPOLATED
    return track, int(flags)


def _category_names(document: Mapping[str, Any], path: Path) -> dict[int, str] | None:
    categories = document.get("categories")
    if not isinstance(categories, list) or not categories:
        return None
    names: dict[int, str] = {}
    for index, category in enumerate(categories):
        number = as_index(category.get("id")) if isinstance(category, dict) else None
        if number is None:
            raise UserError(f"categories[{index}] has no id", path=path)
        name = category.get("name")
        names[number] = str(number) if name is None else str(name)
    return names


def _classes(
    numbers: Any, names: dict[int, str] | None, context: ReadContext
) -> tuple[list[int], tuple[str, ...], list[str]]:
    """Class ids, names and notes; a results list has only numbers, class + 1 or COCO's own."""
    notes: list[str] = []
    if names is None and len(numbers):
        known = list(context.class_names or ())
        if known == list(COCO_CATEGORIES.values()) or (not known and numbers.max() > 80 and numbers.max() <= 90):
            names = COCO_CATEGORIES
            notes.append("categories are numbered as in COCO (1 to 90)")
        elif known:
            base = 0 if np.any(numbers == 0) else 1
            names = dict(enumerate(known, base))
            notes.append(f"category {base} is taken to be {known[0]!r}")
    fixed, class_names, more = named_classes(numbers, names, context)
    return fixed.tolist(), class_names, notes + more
