"""OpenLABEL (and its ancestor VCD) JSON: ``frames`` by number, with ``objects`` whose ``object_data`` has a ``bbox``.

``val`` of a bbox is its centre and size; ``rbbox`` has a rotation behind them, ``poly2d`` points. Layout: ASAM's
specification of OpenLABEL 1.0 and its schema.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iouviewer.document.imported import ImportedBoxes, ImportKind, Location
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.image_rows import ImageRows, corners_of
from iouviewer.formats.interface import DetectedFormat, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.shapes import POLYGON, ROTATED, flat_envelope, rotated_envelope
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY = "openlabel"
ROOTS = ("openlabel", "vcd")


def sniff(sample: FileSample) -> DetectedFormat | None:
    """The root of OpenLABEL or VCD."""
    if any(sample.has_keys(root) for root in ROOTS) and sample.has_keys("frames"):
        return DetectedFormat(KEY, ImportKind.GROUND_TRUTH, 0.95, tr("OpenLABEL JSON with frames"))
    return None


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of all frames; 3D data are not read.

    Raises:
        UserError: damaged JSON, or no frames.
    """
    content = read_json(path)
    root = next((content[name] for name in ROOTS if isinstance(content, dict) and name in content), None)
    frames = root.get("frames") if isinstance(root, dict) else None
    if not isinstance(root, dict) or not isinstance(frames, dict):
        raise UserError(tr("the file has no frames of OpenLABEL"), path=path)
    objects = root.get("objects")
    known: Mapping[str, Any] = objects if isinstance(objects, dict) else {}
    images = ImageRows(path, KEY, context)
    for key, frame in frames.items():
        number = as_index(key)
        if number is None or not isinstance(frame, dict):
            images.rows.refuse(Location(path, None, f"frames.{key}"), tr("not a frame"))
            continue
        image = images.image("", number)
        here = frame.get("objects")
        for own, data in here.items() if isinstance(here, dict) else ():
            about = known.get(own)
            name = about.get("type", "") if isinstance(about, dict) else ""
            found = data.get("object_data") if isinstance(data, dict) else None
            _add_data(images, image, found, str(name), own, f"frames.{key}.objects.{own}")
    return images.finish(ImportKind.GROUND_TRUTH, base=0)


def _add_data(images: ImageRows, image: int, data: Any, name: str, own: str, element: str) -> None:
    for kind in ("bbox", "rbbox", "poly2d"):
        listed = data.get(kind) if isinstance(data, dict) else None
        for index, one in enumerate(listed if isinstance(listed, list) else ()):
            location = Location(images.path, None, f"{element}.{kind}[{index}]")
            value = one.get("val") if isinstance(one, dict) else None
            rect, shape = _rect(kind, value)
            images.add(image, location, rect, class_name=name, track=images.track(own), shape=shape)


def _rect(kind: str, value: Any) -> tuple[list[float | None], str]:
    none: list[float | None] = [None] * 4
    if kind == "poly2d":
        found = flat_envelope(value)
        return (list(found) if found else none), POLYGON
    numbers = [as_number(one) for one in value] if isinstance(value, list) else []
    known = [one for one in numbers if one is not None]
    if len(known) < 4:
        return none, "" if kind == "bbox" else ROTATED
    x, y, width, height = known[:4]
    left, top = x - width / 2, y - height / 2
    if kind == "bbox":
        return corners_of(left, top, width, height), ""
    turn = math.degrees(known[4]) if len(known) > 4 else 0.0
    return list(rotated_envelope(left, top, width, height, turn, about_corner=False)), ROTATED


FORMAT = Format(
    key=KEY,
    name=tr("OpenLABEL JSON"),
    extensions=(".json",),
    kinds=(ImportKind.GROUND_TRUTH,),
    syntaxes=(Syntax.JSON,),
    detect=sniff,
    read=read,
    menu_rank=38,
    lacks=(
        *(Field.SCORES, Field.IGNORED, Field.OCCLUDED, Field.TRUNCATED),
        *(Field.ATTRIBUTES, Field.KEY_FRAMES),
    ),
)
