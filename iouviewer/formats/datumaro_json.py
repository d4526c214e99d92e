"""Datumaro JSON: ``items`` with ``annotations`` by type, and ``categories.label.labels``. CVAT exports it, too.

Layout: Datumaro's and CVAT's documentation of the format.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.imported import ImportedBoxes, ImportKind, Location
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.image_rows import ImageRows, corners_of
from iouviewer.formats.interface import DetectedFormat, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.rows import ClassNames, attribute_texts
from iouviewer.formats.shapes import (
    MASK,
    OTHER,
    POINTS,
    POLYGON,
    ROTATED,
    flat_envelope,
    mask_envelope,
    rotated_envelope,
)
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY = "datumaro"
FLAGS = {"occluded": BoxFlag.OCCLUDED, "truncated": BoxFlag.TRUNCATED, "is_crowd": BoxFlag.IGNORED}
READ = {*FLAGS, "track_id", "keyframe", "outside", "rotation", "score"}
WITHOUT_BOX = {"label", "caption"}


def sniff(sample: FileSample) -> DetectedFormat | None:
    """An object with items and categories."""
    if sample.has_keys("items", "categories") and (
        sample.has_keys("label_id") or sample.has_keys("labels", "annotations")
    ):
        return DetectedFormat(KEY, ImportKind.UNKNOWN, 0.9, tr("Datumaro JSON with items and categories"))
    return None


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of all items.

    Raises:
        UserError: damaged JSON, or no items.
    """
    content = read_json(path)
    items = content.get("items") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise UserError(tr("the file has no list of items"), path=path)
    labels = _labels(content)
    images = ImageRows(path, KEY, context)
    images.rows.classes = ClassNames(labels)
    for at, item in enumerate(items):
        if not isinstance(item, dict):
            images.rows.refuse(Location(path, None, f"items[{at}]"), tr("not an object"))
            continue
        image = images.image(_name(item), None, _size(item))
        annotations = item.get("annotations")
        for index, one in enumerate(annotations if isinstance(annotations, list) else ()):
            location = Location(path, None, f"items[{at}].annotations[{index}]")
            if isinstance(one, dict):
                _add(images, image, one, labels, location)
            else:
                images.rows.refuse(location, tr("not an object"))
    images.rows.class_table = ClassTable.of(images.rows.classes.names, range(len(labels)), NumberKind.INDEX)
    return images.finish(ImportKind.PREDICTIONS if images.scored else ImportKind.UNKNOWN)


def _labels(content: Mapping[str, Any]) -> list[str]:
    categories = content.get("categories")
    label = categories.get("label") if isinstance(categories, dict) else None
    labels = label.get("labels") if isinstance(label, dict) else None
    return [str(one.get("name", "")) if isinstance(one, dict) else "" for one in labels or ()]


def _name(item: Mapping[str, Any]) -> str:
    """The path of the item's image, else its id, which is the name without its ending."""
    for key in ("image", "media"):
        image = item.get(key)
        if isinstance(image, dict) and isinstance(image.get("path"), str) and image["path"]:
            return str(image["path"])
    return str(item.get("id", ""))


def _size(item: Mapping[str, Any]) -> tuple[int, int] | None:
    for key in ("image", "media"):
        image = item.get(key)
        size = image.get("size") if isinstance(image, dict) else None
        if isinstance(size, list) and len(size) == 2:
            height, width = (as_index(one) for one in size)
            return (width, height) if width and height else None
    return None


def _add(images: ImageRows, image: int, one: Mapping[str, Any], labels: list[str], location: Location) -> None:
    kind = one.get("type")
    if kind in WITHOUT_BOX:
        return
    attributes = one.get("attributes")
    given: Mapping[str, Any] = attributes if isinstance(attributes, dict) else {}
    if given.get("outside") is True:
        return
    shape, rect = _shape(str(kind), one, given)
    flags = BoxFlag.NONE
    for name, flag in FLAGS.items():
        if given.get(name) is True:
            flags |= flag
    number = as_index(one.get("label_id"))
    name = labels[number] if number is not None and number < len(labels) else ""
    score = as_number(given.get("score"))
    images.add(
        image,
        location,
        rect,
        class_name=name,
        score=score,
        track=images.track(given.get("track_id")),
        flags=int(flags),
        attributes=attribute_texts(given, READ),
        shape=shape,
    )


def _shape(kind: str, one: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[str, list[float | None]]:
    """Kind of the shape, empty for a box, and its corners."""
    none: list[float | None] = [None] * 4
    if kind == "bbox":
        box = one.get("bbox")
        values = [as_number(value) for value in box] if isinstance(box, list) and len(box) == 4 else none
        rotation = as_number(given.get("rotation")) or 0.0
        if rotation % 360 and None not in values:
            x, y, width, height = (value or 0.0 for value in values)
            return ROTATED, list(rotated_envelope(x, y, width, height, rotation, about_corner=False))
        return "", corners_of(*values)
    if kind == "mask":
        rle = one.get("rle")
        found = mask_envelope(rle.get("counts"), rle.get("size")) if isinstance(rle, dict) else None
        return MASK, list(found) if found else none
    kinds = {"polygon": POLYGON, "polyline": POLYGON, "points": POINTS, "skeleton": POINTS}
    found = flat_envelope(one.get("points"))
    return kinds.get(kind, OTHER), list(found) if found else none


FORMAT = Format(
    key=KEY,
    name=tr("Datumaro JSON"),
    extensions=(".json",),
    syntaxes=(Syntax.JSON,),
    detect=sniff,
    read=read,
    menu_rank=30,
    lacks=(Field.KEY_FRAMES,),
)
