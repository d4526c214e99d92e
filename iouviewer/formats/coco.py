"""COCO JSON: annotation files (also CocoVID), results lists, ultralytics' predictions.json, and the program's results.

Boxes are ``[x, y, w, h]``, continuous. The frame is ``images[].frame_id`` (CocoVID; 0-based in mmtracking, 1-based in
ByteTrack's converters), else the number in the file name, else the image id.

Ground truth is written as an annotation file (CocoVID), predictions as results with their run's protocol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson

from iouviewer import __version__
from iouviewer.atomic import atomic_write
from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.class_lists import COCO_CATEGORIES
from iouviewer.formats.detection import FileSample
from iouviewer.formats.frame_numbers import assign_frames, stem
from iouviewer.formats.interface import UNSPECIFIED_NAME, BoxesToWrite, DetectedFormat, Location, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.number_text import extents
from iouviewer.formats.rows import MAX_LISTED, ClassTable, Rows, resolve_classes
from iouviewer.i18n import tr, tr_n

KEY = "coco"
PROGRAM = "iouviewer"
"""Value of ``info.program`` in files that this program writes."""
_TRACK_AND_FLAG_KEYS = {"attributes", "instance_id", "track_id", "ignore", "occluded", "truncated"}
ImageId = int | str | float


def sniff(sample: FileSample) -> DetectedFormat | None:
    """A results list, or an object with images, annotations or predictions."""
    if sample.text.startswith("["):
        if sample.has_keys("image_id", "bbox"):
            return DetectedFormat(KEY, ImportKind.PREDICTIONS, 0.95, tr("COCO results list"))
        if re.fullmatch(r"\[\s*\]\s*", sample.text):
            return DetectedFormat(KEY, ImportKind.PREDICTIONS, 0.4, tr("Empty JSON list: COCO results without boxes"))
        return None
    has_boxes = any(map(sample.has_keys, ("annotations", "images", "predictions")))
    if not has_boxes or sample.has_keys("shapes"):
        return None
    scored = sample.has_keys("score") or sample.has_keys("protocol")
    kind = ImportKind.PREDICTIONS if scored else ImportKind.GROUND_TRUTH
    return DetectedFormat(KEY, kind, 0.9, tr("COCO JSON with images and annotations"))


@dataclass(frozen=True, slots=True)
class _Images:
    """The list of images.

    Attributes:
        frames: 0-based frame by image id.
        listed: whether the file has a list of images.
        size: (width, height) if all images have the same.
        skipped: ids of images of other videos.
    """

    frames: Mapping[ImageId, int]
    listed: bool
    size: tuple[int, int] | None
    notes: tuple[str, ...]
    skipped: frozenset[ImageId] = frozenset()


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of an annotation file, a results list or a results object.

    Raises:
        UserError: damaged JSON, not COCO, or several videos and not exactly one has the name of the open video.
    """
    content = read_json(path)
    if isinstance(content, dict):
        document: Mapping[str, Any] = content
        key = "predictions" if isinstance(content.get("predictions"), list) else "annotations"
        entries = content.get(key, [])
    else:
        document, key, entries = {}, "", content
    if not isinstance(entries, list) or not (isinstance(content, list) or {"images", key} & set(content)):
        raise UserError(tr("the file is not COCO JSON: it has no list of annotations"), path=path)
    info = document.get("info")
    info = info if isinstance(info, dict) else {}
    images = _read_images(document, entries, path, context, own_file=info.get("program") == PROGRAM)
    rows = Rows(path, ClassTable())
    rows.notes.extend(images.notes)
    categories = _read_entries(rows, entries, key, images)
    names = _category_names(document, path)
    class_ids, class_names, notes = _resolve_categories(np.array(categories, np.int64), names, context)
    rows.class_ids, rows.classes = class_ids, ClassTable(class_names)
    rows.notes.extend(notes)
    scored = bool(rows.scores) and not np.isnan(rows.scores).all()
    protocol = info.get("protocol")
    protocol = protocol if isinstance(protocol, dict) else {}
    found = ImportKind.PREDICTIONS if scored or protocol or key == "predictions" else ImportKind.GROUND_TRUTH
    if isinstance(content, list):
        found = ImportKind.PREDICTIONS
    kind = context.kind_or(found)
    listed = set(images.frames.values()) if images.listed else None
    floor, max_detections = as_number(protocol.get("floor")), as_index(protocol.get("max_det"))
    return rows.finish(
        KEY,
        kind,
        # Empty results still count as scored.
        scored=scored or (found is ImportKind.PREDICTIONS and not len(rows)),
        labelled=None if kind is ImportKind.PREDICTIONS else listed,
        covered=listed if protocol else None,
        frame_count=as_index(info.get("frame_count")),
        size=images.size,
        score_floor=floor,
        max_detections=max_detections,
        protocol=protocol,
    )


def _read_images(
    document: Mapping[str, Any], entries: list[Any], path: Path, context: ReadContext, *, own_file: bool
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
    by_name = context.image_names is not None and not own_file
    if len(by_number) == len(chosen) == len(set(by_number)) and not by_name:
        first = min(by_number, default=0)
        base = context.frame_base
        if base is None:
            base = 0 if own_file or first != 1 else 1
            if not own_file:
                notes.append(tr("frame_id starts at {base} (lowest value: {first})", base=base, first=first))
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
    matching = [number for number, name in names.items() if context.video_stem and stem(name) == context.video_stem]
    if len(matching) != 1:
        listed = ", ".join(list(names.values())[:MAX_LISTED])
        raise UserError(
            tr(
                "the file contains {count:,} videos; none or several of them have the name of the open video",
                count=len(names),
            ),
            path=path,
            remedy=tr("Rename the video to one of: {names}.", names=listed),
        )
    chosen = [image for image in images if image.get("video_id") == matching[0]]
    return chosen, [tr("Only {name} of {count:,} videos is read", name=names[matching[0]], count=len(names))]


def _frames_of_ids(named: Mapping[ImageId, Any], context: ReadContext) -> _Images:
    """Frames by file name if these are unique, else by the id (ultralytics: the stem, or its number)."""
    names = {i: (name if isinstance(name, str) and name else str(i)) for i, name in named.items()}
    if len(set(names.values())) < len(names):
        names = {i: str(i) for i in named}
    found = assign_frames(list(names.values()), context)
    frames = {i: found.frames[name] for i, name in names.items() if name in found.frames}
    return _Images(frames, False, None, (found.note,) if named else ())


def _read_entries(rows: Rows, entries: list[Any], key: str, images: _Images) -> list[int]:
    """Add a row for each valid entry; returns the category numbers of these rows."""
    numbers = _read_entries_at_once(rows, entries, key, images)
    if numbers is not None:
        return numbers
    numbers = []
    skipped = 0
    for index, entry in enumerate(entries):
        location = Location(rows.path, None, f"{key}[{index}]")
        if not isinstance(entry, dict):
            rows.refuse(location, tr("not an object"))
            continue
        image = entry.get("image_id")
        if isinstance(image, (int, str, float)) and image in images.skipped:
            skipped += 1
            continue
        # 7.0, as tables with gaps write it, also finds image 7.
        frame = images.frames.get(image) if isinstance(image, (int, str, float)) else None
        if frame is None:
            rows.refuse(location, tr("image_id {id!r} has no frame", id=image))
            continue
        bbox = entry.get("bbox")
        corner = [as_number(value) for value in bbox] if isinstance(bbox, list) else []
        x, y, w, h = corner if len(corner) == 4 else (None, None, None, None)
        if x is None or y is None or w is None or h is None:
            rows.refuse(location, tr("bbox must be four numbers x, y, w, h, not {value!r}", value=bbox))
            continue
        score = None
        if entry.get("score") is not None:
            score = as_number(entry["score"])
            if score is None:
                rows.refuse(location, tr("score {value!r} is not a number", value=entry["score"]))
                continue
        category = as_index(entry.get("category_id"))
        numbers.append(-1 if category is None else category)
        track, flags = _track_and_flags(entry)
        rows.add(location, frame, (x, y, x + w, y + h), score=score, track=track, flags=flags)
    if skipped:
        rows.notes.append(
            tr_n("{count} box of another video is left out", "{count:,} boxes of other videos are left out", skipped)
        )
    return numbers


def _read_entries_at_once(rows: Rows, entries: list[Any], key: str, images: _Images) -> list[int] | None:
    """Vectorised ``_read_entries`` for a list without errors; None if entries must be checked one by one."""
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
    if any(_TRACK_AND_FLAG_KEYS & entry.keys() for entry in entries):
        track_and_flags = [_track_and_flags(entry) for entry in entries]
    else:
        track_and_flags = [(NO_TRACK, BoxFlag.IGNORED if entry.get("iscrowd") in {1} else 0) for entry in entries]
    boxes[:, 2:] += boxes[:, :2]
    rows.frames, rows.rects = list(frames), boxes.tolist()
    rows.scores, rows.class_ids = scores.tolist(), [0] * len(entries)
    rows.tracks = [track for track, _ in track_and_flags]
    rows.flags = [int(flags) for _, flags in track_and_flags]
    rows.location_of = lambda row: Location(rows.path, None, f"{key}[{row}]")
    return cast("list[int]", numbers.tolist())


def _track_and_flags(entry: Mapping[str, Any]) -> tuple[int, int]:
    """Track from instance_id (CocoVID) or track_id (ByteTrack, CVAT's attributes); flags from iscrowd, ignore, ..."""
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
            raise UserError(tr("categories[{index}] has no ID", index=index), path=path)
        name = category.get("name")
        names[number] = str(number) if name is None else str(name)
    return names


def _resolve_categories(
    numbers: Any, names: dict[int, str] | None, context: ReadContext
) -> tuple[list[int], tuple[str, ...], list[str]]:
    """Class ids, names and notes; a results list has only numbers: class + 1, or COCO's category ids."""
    notes: list[str] = []
    if names is None and len(numbers):
        known = list(context.class_names or ())
        if known == list(COCO_CATEGORIES.values()) or (not known and numbers.max() > 80 and numbers.max() <= 90):
            names = COCO_CATEGORIES
            notes.append(tr("Categories are numbered as in COCO (1–90)"))
        elif known:
            base = 0 if np.any(numbers == 0) else 1
            names = dict(enumerate(known, base))
            notes.append(tr("Category {number} is read as {name}", number=base, name=known[0]))
    class_ids, class_names, more = resolve_classes(numbers, names, context)
    return class_ids.tolist(), class_names, notes + more


def write(path: Path, data: BoxesToWrite) -> None:
    """An object with info, videos, categories, images and annotations; all ids from 1, ``frame_id`` from 0.

    Ids start at 1 because evaluators read an id 0 as "unmatched". With scores, ``annotations`` is also a results list
    as pycocotools' ``loadRes`` expects it. The images are the labelled (or covered) frames and all frames with boxes.
    """
    frames = np.asarray(data.frames, np.int64)
    listed = np.arange(data.frame_count) if data.labelled is None else np.asarray(data.labelled, np.int64)
    images = np.union1d(listed, frames).tolist()
    width, height = data.size
    categories = [{"id": number, "name": name} for number, name in enumerate(data.class_names, 1)]
    if np.any(np.asarray(data.class_ids) < 0):
        # COCO requires a category; this name is read back as no class.
        categories.append({"id": len(categories) + 1, "name": UNSPECIFIED_NAME})
    kind = ImportKind.GROUND_TRUTH if data.scores is None else ImportKind.PREDICTIONS
    document: dict[str, Any] = {
        "info": {
            "description": kind.value.replace("_", " "),
            "program": PROGRAM,
            "version": __version__,
            "frame_count": data.frame_count,
            **({"protocol": dict(data.protocol)} if data.scores is not None else {}),
        },
        "licenses": [],
        "videos": [{"id": 1, "name": data.video_name, "width": width, "height": height}],
        "categories": categories,
        "images": [_image(frame, data) for frame in images],
        "annotations": _annotations(data, len(categories)),
    }
    try:
        text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:
        reason = tr("the run's protocol cannot be written as JSON: {reason}", reason=error)
        raise UserError(reason, path=path) from error
    with atomic_write(path) as file:
        file.write(text)


def _image(frame: int, data: BoxesToWrite) -> dict[str, Any]:
    width, height = data.size
    name = data.image_name(frame, f"{frame + 1:06d}.jpg")
    return {"id": frame + 1, "video_id": 1, "frame_id": frame, "file_name": name, "width": width, "height": height}


def _annotations(data: BoxesToWrite, last_category: int) -> list[dict[str, Any]]:
    boxes = extents(data.boxes)
    frames, classes = np.asarray(data.frames).tolist(), np.asarray(data.class_ids).tolist()
    tracks, flags = np.asarray(data.track_ids).tolist(), np.asarray(data.flags).tolist()
    scores = None if data.scores is None else np.asarray(data.scores, np.float64).tolist()
    result = []
    for row, bbox in enumerate(boxes):
        flag = flags[row]
        entry: dict[str, Any] = {
            "id": row + 1,
            "image_id": frames[row] + 1,
            "category_id": classes[row] + 1 if classes[row] >= 0 else last_category,
            "bbox": [int(v) if v.is_integer() else v for v in bbox],
            "area": bbox[2] * bbox[3],
            "iscrowd": 1 if flag & BoxFlag.IGNORED else 0,
        }
        if scores is not None:
            entry["score"] = scores[row]
        if tracks[row] >= 0:
            entry["instance_id"] = tracks[row]
        attributes: dict[str, bool] = {}
        if flag & (BoxFlag.KEY_FRAME | BoxFlag.INTERPOLATED):
            attributes["keyframe"] = bool(flag & BoxFlag.KEY_FRAME)
        if flag & BoxFlag.OCCLUDED:
            attributes["occluded"] = True
        if flag & BoxFlag.TRUNCATED:
            attributes["truncated"] = True
        if attributes:
            entry["attributes"] = attributes
        result.append(entry)
    return result
