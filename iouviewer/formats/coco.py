"""COCO JSON: annotation files (also CocoVID), results lists, ultralytics' predictions.json, and the program's results.

Boxes are ``[x, y, w, h]``, continuous. The frame is ``images[].frame_id`` (CocoVID; 0-based in mmtracking, 1-based in
ByteTrack's converters), else the number in the file name, else the image id.

Ground truth is written as an annotation file (CocoVID), predictions as results with their run's protocol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson

from iouviewer import __version__
from iouviewer.atomic import atomic_write, file_digest
from iouviewer.document.attributes import attributes_of, with_set
from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.classes import NumberKind
from iouviewer.document.imported import ImportedBoxes, ImportKind, VideoFacts
from iouviewer.errors import UserError
from iouviewer.formats.coco_images import CocoImages, read_images
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.interface import UNSPECIFIED_NAME, BoxesToWrite, DetectedFormat, Location, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.number_text import extents
from iouviewer.formats.rows import AttributeSets, Rows, attribute_texts, attribute_value, resolve_classes
from iouviewer.i18n import tr, tr_n

KEY = "coco"
PROGRAM = "iouviewer"
"""Value of ``info.program`` in files that this program writes."""
_KNOWN_ATTRIBUTES = {"track_id", "occluded", "truncated", "keyframe", "rotation"}
"""Keys of ``attributes`` that are no free attributes; CVAT writes a rotation of 0 for each box."""
_TRACK_AND_FLAG_KEYS = {"attributes", "instance_id", "track_id", "ignore", "occluded", "truncated"}


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
    images = read_images(document, entries, path, context, own_file=info.get("program") == PROGRAM)
    rows = Rows(path)
    rows.notes.extend(images.notes)
    categories = _read_entries(rows, entries, key, images)
    names = _category_names(document, path)
    found_classes = resolve_classes(np.array(categories, np.int64), names, NumberKind.CATEGORY, context)
    rows.class_ids, rows.class_table, notes = found_classes[0].tolist(), *found_classes[1:]
    rows.notes.extend(notes)
    scored = bool(rows.scores) and not np.isnan(rows.scores).all()
    protocol = info.get("protocol")
    protocol = protocol if isinstance(protocol, dict) else {}
    found = ImportKind.PREDICTIONS if scored or protocol or key == "predictions" else ImportKind.GROUND_TRUTH
    if isinstance(content, list):
        found = ImportKind.PREDICTIONS
    kind = context.kind_or(found)
    if kind is ImportKind.PREDICTIONS or not rows.areas or np.isnan(rows.areas).all():
        rows.areas = None  # the area of a prediction is width * height, whatever the file says
    listed = set(images.frames.values()) if images.listed else None
    floor, max_detections = as_number(protocol.get("floor")), as_index(protocol.get("max_det"))
    return rows.finish(
        KEY,
        kind,
        context,
        # Empty results still count as scored.
        scored=scored or (found is ImportKind.PREDICTIONS and not len(rows)),
        labelled=None if kind is ImportKind.PREDICTIONS else listed,
        covered=listed if protocol else None,
        frame_count=as_index(info.get("frame_count")),
        size=images.table.common_size,
        images=images.table,
        facts=VideoFacts(fps=images.fps, video_name=images.video_name or _video_name(info)),
        score_floor=floor,
        max_detections=max_detections,
        protocol=protocol,
        assumed_images=file_digest(path) if images.assumed else "",
    )


def _video_name(info: Mapping[str, Any]) -> str:
    """Name of the video that results state about themselves; empty if they state none."""
    found = (info.get(key) for key in ("video", "video_name", "video_file"))
    return next((name for name in found if isinstance(name, str) and name), "")


def _read_entries(rows: Rows, entries: list[Any], key: str, images: CocoImages) -> list[int]:
    """Add a row for each valid entry; returns the category numbers of these rows."""
    numbers = _read_entries_at_once(rows, entries, key, images)
    if numbers is not None:
        return numbers
    numbers = []
    areas: list[float] = []
    rows.areas = areas
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
        areas.append(_stated_area(entry))
        track, flags = _track_and_flags(entry, rows.attributes)
        rows.add(location, frame, (x, y, x + w, y + h), score=score, track=track, flags=flags)
    if skipped:
        rows.notes.append(
            tr_n("{count} box of another video is left out", "{count:,} boxes of other videos are left out", skipped)
        )
    return numbers


def _read_entries_at_once(rows: Rows, entries: list[Any], key: str, images: CocoImages) -> list[int] | None:
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
        track_and_flags = [_track_and_flags(entry, rows.attributes) for entry in entries]
    else:
        track_and_flags = [(NO_TRACK, BoxFlag.IGNORED if entry.get("iscrowd") in {1} else 0) for entry in entries]
    boxes[:, 2:] += boxes[:, :2]
    rows.frames, rows.rects = list(frames), boxes.tolist()
    rows.scores, rows.class_ids = scores.tolist(), [0] * len(entries)
    rows.tracks = [track for track, _ in track_and_flags]
    rows.flags = [int(flags) for _, flags in track_and_flags]
    rows.areas = [_stated_area(entry) for entry in entries]
    rows.location_of = lambda row: Location(rows.path, None, f"{key}[{row}]")
    return cast("list[int]", numbers.tolist())


def _stated_area(entry: Mapping[str, Any]) -> float:
    """``area`` of an annotation, square pixels: that of its segmentation; NaN if there is none."""
    area = as_number(entry.get("area"))
    return area if area is not None and 0 <= area < np.inf else np.nan


def _track_and_flags(entry: Mapping[str, Any], sets: AttributeSets) -> tuple[int, int]:
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
    return track, with_set(int(flags), sets.number(attribute_texts(attributes, _KNOWN_ATTRIBUTES)))


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


def write(path: Path, data: BoxesToWrite) -> None:
    """An object with info, videos, categories, images and annotations; ids as in the source, else from 1.

    Ids start at 1 because evaluators read an id 0 as "unmatched". With scores, ``annotations`` is also a results list
    as pycocotools' ``loadRes`` expects it. The images are the labelled (or covered) frames and all frames with boxes.
    """
    frames = np.asarray(data.frames, np.int64)
    listed = np.arange(data.frame_count) if data.labelled is None else np.asarray(data.labelled, np.int64)
    images = np.union1d(listed, frames).tolist()
    width, height = data.size
    ids = data.ids_of_images(images)
    numbers = data.numbers_of_classes(NumberKind.CATEGORY)
    categories = [{"id": number, "name": name} for number, name in zip(numbers, data.class_names, strict=True)]
    if np.any(np.asarray(data.class_ids) < 0):
        # COCO requires a category; this name is read back as no class.
        numbers.append(max(numbers, default=0) + 1)
        categories.append({"id": numbers[-1], "name": UNSPECIFIED_NAME})
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
        "images": [_image(frame, ids[frame], data) for frame in images],
        "annotations": _annotations(data, numbers, ids),
    }
    try:
        text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:
        reason = tr("the run's protocol cannot be written as JSON: {reason}", reason=error)
        raise UserError(reason, path=path) from error
    with atomic_write(path) as file:
        file.write(text)


def _image(frame: int, image_id: int | str, data: BoxesToWrite) -> dict[str, Any]:
    width, height = data.size_of(frame)
    name = data.image_name(frame, f"{frame + 1:06d}.jpg")
    return {
        "id": image_id,
        "video_id": 1,
        "frame_id": frame,
        "file_name": name,
        "width": width,
        "height": height,
    }


def _annotations(data: BoxesToWrite, categories: list[int], image_ids: Mapping[int, int | str]) -> list[dict[str, Any]]:
    boxes = extents(data.boxes)
    frames, classes = np.asarray(data.frames).tolist(), np.asarray(data.class_ids).tolist()
    tracks, flags = np.asarray(data.track_ids).tolist(), np.asarray(data.flags).tolist()
    scores = None if data.scores is None else np.asarray(data.scores, np.float64).tolist()
    areas = np.array([width * height for _, _, width, height in boxes])
    if data.areas is not None:
        areas = np.where(np.isnan(data.areas), areas, data.areas)
    result = []
    for row, (bbox, area) in enumerate(zip(boxes, areas.tolist(), strict=True)):
        flag = flags[row]
        entry: dict[str, Any] = {
            "id": row + 1,
            "image_id": image_ids[frames[row]],
            "category_id": categories[classes[row]],  # -1 is the last one
            "bbox": [int(v) if v.is_integer() else v for v in bbox],
            "area": area,
            "iscrowd": 1 if flag & BoxFlag.IGNORED else 0,
        }
        if scores is not None:
            entry["score"] = scores[row]
        if tracks[row] >= 0:
            entry["instance_id"] = tracks[row]
        free = attributes_of(flag, data.attribute_sets) if data.attribute_sets else ()
        attributes: dict[str, bool | str] = {name: attribute_value(value) for name, value in free}
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


FORMAT = Format(
    key=KEY,
    name=tr("COCO JSON"),
    menu_name=tr("COCO"),
    about=tr("One JSON file with images, categories and boxes. For pycocotools and most trainers."),
    extensions=(".json",),
    syntaxes=(Syntax.JSON,),
    detect=sniff,
    detect_rank=1,
    read=read,
    write=write,
    menu_rank=2,
)
