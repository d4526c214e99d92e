"""labelme JSON: one file per image, ``shapes[].points`` with two corners in any order (four from X-AnyLabeling)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from iouviewer.atomic import atomic_folder
from iouviewer.document.attributes import with_set
from iouviewer.document.boxes import NO_TRACK, BoxFlag, Rect
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.interface import BoxesToWrite, DetectedFormat, Location, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.label_files import Size, read_folder, written_stems
from iouviewer.formats.number_text import corner_texts
from iouviewer.formats.rows import Rows, attribute_texts, attribute_value
from iouviewer.formats.shapes import MASK, OTHER, POINTS, POLYGON, ROTATED, envelope
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY = "labelme"
VERSION = "5.5.0"
DESCRIPTION = "description"
SHAPES = {"polygon": POLYGON, "rotation": ROTATED, "point": POINTS, "points": POINTS, "mask": MASK}
"""Kinds of shapes by labelme's and X-AnyLabeling's names; lines and circles are others."""
FLAGS = {"ignored": BoxFlag.IGNORED, "occluded": BoxFlag.OCCLUDED, "truncated": BoxFlag.TRUNCATED}


def sniff(sample: FileSample) -> DetectedFormat | None:
    """An object with shapes."""
    if sample.has_keys("shapes") and (sample.has_keys("imagePath") or sample.has_keys("version")):
        return DetectedFormat(KEY, ImportKind.GROUND_TRUTH, 0.9, tr("labelme JSON with shapes"))
    return None


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a folder of labelme files, or of one file; ``group_id`` is the track.

    Raises:
        UserError: the folder cannot be listed, or none of its files can be read.
    """
    return read_folder(path, KEY, ".json", context, _read_file)


def _read_file(file: Path, frame: int, rows: Rows) -> tuple[str, Size]:
    content = read_json(file)
    shapes = content.get("shapes") if isinstance(content, dict) else None
    if not isinstance(shapes, list):
        raise UserError(tr("the file is not labelme JSON: it has no list of shapes"), path=file)
    for index, shape in enumerate(shapes):
        location = Location(file, None, f"shapes[{index}]")
        if not isinstance(shape, dict):
            rows.refuse(location, tr("not an object"))
            continue
        _read_shape(shape, location, frame, rows)
    name = content.get("imagePath")
    width, height = as_index(content.get("imageWidth")), as_index(content.get("imageHeight"))
    return name if isinstance(name, str) else "", (width, height) if width and height else None


def _read_shape(shape: Mapping[str, Any], location: Location, frame: int, rows: Rows) -> None:
    kind = shape.get("shape_type", "rectangle")
    points = shape.get("points")
    if kind != "rectangle":
        reason = tr("the shape is a {type}, not a rectangle", type=kind)
        rect = _envelope(str(kind), points)
        if rows.shape(SHAPES.get(str(kind), OTHER), location, rect, reason) and rect is not None:
            _add(shape, location, frame, rect, rows)
        return
    pairs = [p for p in points if isinstance(p, list) and len(p) == 2] if isinstance(points, list) else []
    numbers = [(as_number(x), as_number(y)) for x, y in pairs]
    xs = [x for x, _ in numbers if x is not None]
    ys = [y for _, y in numbers if y is not None]
    if len(xs) not in {2, 4} or len(ys) != len(xs) or len(points or ()) != len(xs):
        rows.refuse(location, tr("points must be two or four corners, not {value!r}", value=points))
        return
    rect = (min(xs), min(ys), max(xs), max(ys))
    is_rotated = len(xs) == 4 and (len(set(xs)) > 2 or len(set(ys)) > 2)
    if is_rotated and not rows.shape(ROTATED, location, rect, tr("rotated boxes are not supported")):
        return
    _add(shape, location, frame, rect, rows)


def _envelope(kind: str, points: Any) -> Rect | None:
    """The box around the points of a shape; a circle has its centre and a point of its edge."""
    if not isinstance(points, list):
        return None
    found = envelope(points)
    if kind != "circle" or found is None or len(points) != 2:
        return found
    (x, y), edge = points[0], points[1]
    radius = math.dist((float(x), float(y)), (float(edge[0]), float(edge[1])))
    return float(x) - radius, float(y) - radius, float(x) + radius, float(y) + radius


def _add(shape: Mapping[str, Any], location: Location, frame: int, rect: Rect, rows: Rows) -> None:
    flags = BoxFlag.NONE
    given = shape.get("flags")
    for name, flag in FLAGS.items():
        if isinstance(given, dict) and given.get(name) is True:
            flags |= flag
    if shape.get("difficult") is True:
        flags |= BoxFlag.IGNORED
    flags |= with_set(0, rows.attributes.number(_read_attributes(shape)))
    track = as_index(shape.get("group_id"))
    rows.add(
        location,
        frame,
        rect,
        class_id=rows.classes.index(str(shape.get("label", ""))),
        track=NO_TRACK if track is None else track,
        flags=int(flags),
    )


def _read_attributes(shape: Mapping[str, Any]) -> dict[str, str]:
    """Free attributes: other flags, the ``attributes`` of X-AnyLabeling, and the description."""
    found = attribute_texts(shape.get("flags"), FLAGS) | attribute_texts(shape.get("attributes"))
    if isinstance(shape.get("description"), str):
        found[DESCRIPTION] = shape["description"]
    return found


def _written_attributes(data: BoxesToWrite, row: int) -> tuple[dict[str, bool], dict[str, str], str]:
    """Flags, ``attributes`` and description of a shape."""
    flags, others, description = {}, {}, ""
    for name, value in data.attributes_of(row):
        if name == DESCRIPTION:
            description = value
        elif isinstance(known := attribute_value(value), bool):
            flags[name] = known
        else:
            others[name] = value
    return flags, others, description


def write(path: Path, data: BoxesToWrite) -> None:
    """A new folder of labelme files without image data (``imageData`` is null).

    Attributes that are true or false are flags; labelme keeps the others, which X-AnyLabeling shows.
    """
    shapes: dict[int, list[dict[str, Any]]] = {}
    for row, corners in enumerate(corner_texts(data.boxes)):
        x1, y1, x2, y2 = map(float, corners)
        flags, track = int(data.flags[row]), int(data.track_ids[row])
        free, others, description = _written_attributes(data, row)
        shape: dict[str, Any] = {
            "label": data.class_of(row),
            "points": [[x1, y1], [x2, y2]],
            "group_id": track if track >= 0 else None,
            "description": description,
            "shape_type": "rectangle",
            "flags": {name: True for name, flag in FLAGS.items() if flags & flag} | free,
        }
        shapes.setdefault(int(data.frames[row]), []).append(shape | ({"attributes": others} if others else {}))
    with atomic_folder(path) as folder:
        for frame, name in written_stems(data).items():
            width, height = data.size_of(frame)
            document: dict[str, Any] = {
                "version": VERSION,
                "flags": {},
                "shapes": shapes.get(frame, []),
                "imagePath": data.image_name(frame, f"{name}.jpg"),
                "imageData": None,
                "imageHeight": height,
                "imageWidth": width,
            }
            file = folder / f"{name}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


FORMAT = Format(
    key=KEY,
    name=tr("labelme JSON folder"),
    menu_name=tr("labelme folder"),
    about=tr("A folder with one JSON file a frame."),
    kinds=(ImportKind.GROUND_TRUTH,),
    syntaxes=(Syntax.JSON,),
    detect=sniff,
    read=read,
    write=write,
    is_folder=True,
    menu_rank=7,
    label_ending=".json",
    lacks=(Field.SCORES, Field.KEY_FRAMES),
)
