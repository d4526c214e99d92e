"""COCO JSON out: ground truth as an annotations file (CocoVID), predictions as results with their protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from iouviewer import __version__
from iouviewer.atomic import atomic_write
from iouviewer.document.boxes import BoxFlag
from iouviewer.errors import UserError
from iouviewer.formats.coco import PROGRAM
from iouviewer.formats.interface import UNSPECIFIED_NAME, BoxesToWrite
from iouviewer.formats.numbers import extents


def write(path: Path, data: BoxesToWrite) -> None:
    """An object with info, videos, categories, images and annotations; all ids from 1, ``frame_id`` from 0.

    With scores each annotation is also a result: its list alone is what pycocotools' ``loadRes`` takes. An id 0 would
    be read as "unmatched" by evaluators. Images are the labelled (or covered) frames; frames with boxes always count.
    """
    frames = np.asarray(data.frames, np.int64)
    listed = np.arange(data.frame_count) if data.labelled is None else np.asarray(data.labelled, np.int64)
    images = np.union1d(listed, frames).tolist()
    width, height = data.size
    categories = [{"id": number, "name": name} for number, name in enumerate(data.class_names, 1)]
    if np.any(np.asarray(data.class_ids) < 0):
        # A category is demanded; this name is read back as no class.
        categories.append({"id": len(categories) + 1, "name": UNSPECIFIED_NAME})
    document: dict[str, Any] = {
        "info": {
            "description": "predictions" if data.scores is not None else "ground truth",
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
        raise UserError(f"the protocol cannot be written as JSON: {error}", path=path) from error
    with atomic_write(path) as file:
        file.write(text)


def _image(frame: int, data: BoxesToWrite) -> dict[str, Any]:
    width, height = data.size
    known = data.image_names is not None and frame < len(data.image_names)
    name = data.image_names[frame] if known and data.image_names is not None else f"{frame + 1:06d}.jpg"
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
