"""Scalabel and BDD100K JSON: a list of frames (or an object with ``frames``) with ``labels`` that have a ``box2d``.

Older BDD100K files have ``objects`` in frames of one image. Layout: Scalabel's documentation, bdd-data's format.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind, Location
from iouviewer.errors import UserError
from iouviewer.formats.coco_images import choose_task
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.image_rows import ImageRows
from iouviewer.formats.interface import DetectedFormat, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.rows import attribute_texts
from iouviewer.formats.shapes import MASK, POLYGON, envelope, mask_envelope
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY = "scalabel"
FLAGS = {"occluded": BoxFlag.OCCLUDED, "truncated": BoxFlag.TRUNCATED, "crowd": BoxFlag.IGNORED}
CORNERS = ("x1", "y1", "x2", "y2")


def sniff(sample: FileSample) -> DetectedFormat | None:
    """Labels with a ``box2d`` and a category."""
    if not sample.has_keys("category") or not (sample.has_keys("box2d") or sample.has_keys("poly2d", "labels")):
        return None
    kind = ImportKind.PREDICTIONS if sample.has_keys("score") else ImportKind.GROUND_TRUTH
    return DetectedFormat(KEY, kind, 0.9, tr("Scalabel or BDD100K JSON with box2d"))


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of all frames, or of one video of several.

    Raises:
        UserError: damaged JSON, or no list of frames.
    """
    content = read_json(path)
    frames = content.get("frames") if isinstance(content, dict) else content
    if not isinstance(frames, list):
        raise UserError(tr("the file has no list of frames"), path=path)
    frames = _of_one_video([one for one in frames if isinstance(one, dict)], path, context)
    own_name = str(content.get("name", "")) if isinstance(content, dict) else ""
    images = ImageRows(path, KEY, context)
    for at, frame in enumerate(frames):
        number = as_index(frame.get("frameIndex", frame.get("index")))
        image = images.image(str(frame.get("name") or own_name), number, _size(frame))
        labels = frame.get("labels", frame.get("objects"))
        for index, label in enumerate(labels if isinstance(labels, list) else ()):
            location = Location(path, None, f"frames[{at}].labels[{index}]")
            if isinstance(label, dict):
                _add(images, image, label, location)
            else:
                images.rows.refuse(location, tr("not an object"))
    kind = ImportKind.PREDICTIONS if images.scored else ImportKind.GROUND_TRUTH
    return images.finish(kind, base=0)


def _of_one_video(frames: list[dict[str, Any]], path: Path, context: ReadContext) -> list[dict[str, Any]]:
    names = sorted({str(one.get("videoName", "")) for one in frames})
    if len(names) < 2 or context.image_names is not None:
        return frames
    wanted = names[choose_task(names, path, context)]
    return [one for one in frames if str(one.get("videoName", "")) == wanted]


def _size(frame: Mapping[str, Any]) -> tuple[int, int] | None:
    size = frame.get("size")
    width, height = (as_index(size.get(one)) for one in ("width", "height")) if isinstance(size, dict) else (None, None)
    return (width, height) if width and height else None


def _add(images: ImageRows, image: int, label: Mapping[str, Any], location: Location) -> None:
    """Add the box of a label; a polygon or mask counts as a shape where there is none."""
    attributes = label.get("attributes")
    flags = BoxFlag.NONE
    for name, flag in FLAGS.items():
        if isinstance(attributes, dict) and attributes.get(name) is True:
            flags |= flag
    shape, rect = "", [None] * 4
    box, polygons, mask = label.get("box2d"), label.get("poly2d"), label.get("rle")
    values: list[float | None] = list(rect)
    if isinstance(box, dict):
        values = [as_number(box.get(name)) for name in CORNERS]
    elif isinstance(polygons, list) and polygons:
        shape = POLYGON
        found = envelope(point for one in polygons if isinstance(one, dict) for point in one.get("vertices", ()))
        values = list(found) if found else values
    elif isinstance(mask, dict):
        shape = MASK
        found = mask_envelope(mask.get("counts"), mask.get("size"))
        values = list(found) if found else values
    else:
        return  # labels of a whole frame, such as lanes without a shape
    images.add(
        image,
        location,
        values,
        class_name=label.get("category"),
        score=as_number(label.get("score")),
        track=images.track(label.get("id")),
        flags=int(flags),
        attributes=attribute_texts(attributes, FLAGS),
        shape=shape,
    )


FORMAT = Format(
    key=KEY,
    name=tr("Scalabel and BDD100K JSON"),
    extensions=(".json",),
    syntaxes=(Syntax.JSON,),
    detect=sniff,
    read=read,
    menu_rank=31,
    lacks=(Field.KEY_FRAMES,),
)
