"""VGG Image Annotator (VIA) 1 and 2: a project, its annotations as JSON, or as CSV.

Regions have ``shape_attributes`` (rect with x, y, width, height; other shapes) and ``region_attributes``, one of which
is the class. Layout: VIA's documentation and its exports.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from iouviewer.document.imported import ImportedBoxes, ImportKind, Location
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.image_rows import ImageRows, corners_of
from iouviewer.formats.interface import DetectedFormat, ReadContext
from iouviewer.formats.json_safe import as_number, read_json
from iouviewer.formats.rows import attribute_texts
from iouviewer.formats.shapes import OTHER, POINTS, POLYGON
from iouviewer.formats.text import read_text
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY = "via"
CLASS_NAMES = ("class", "label", "name", "type", "category", "object")
"""Names of the attribute that is the class, where there are several."""


@dataclass(frozen=True, slots=True)
class _Region:
    image: str
    shape: Mapping[str, Any]
    attributes: Mapping[str, Any]
    location: Location


def sniff(sample: FileSample) -> DetectedFormat | None:
    """Regions with shape attributes."""
    if sample.syntax is Syntax.JSON:
        if sample.has_keys("filename", "regions") and (sample.has_keys("shape_attributes") or sample.has_keys("size")):
            return DetectedFormat(KEY, ImportKind.GROUND_TRUTH, 0.9, tr("VIA JSON with regions"))
        return None
    if "region_shape_attributes" in sample.text.split("\n", 1)[0]:
        return DetectedFormat(KEY, ImportKind.GROUND_TRUTH, 0.95, tr("VIA CSV with region_shape_attributes"))
    return None


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Rectangles of all images.

    Raises:
        UserError: the file cannot be read, or has no regions of VIA.
    """
    images = ImageRows(path, KEY, context)
    if path.read_bytes()[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        names, regions = _json_regions(path)
    else:
        names, regions = _csv_regions(path)
    found = list(regions)
    class_attribute = _class_attribute(found, path)
    numbers = {name: images.image(name) for name in dict.fromkeys(names)}
    for region in found:
        _add(images, numbers[region.image], region, class_attribute)
    return images.finish(ImportKind.GROUND_TRUTH)


def _json_regions(path: Path) -> tuple[list[str], Iterator[_Region]]:
    content = read_json(path)
    files = content.get("_via_img_metadata", content) if isinstance(content, dict) else None
    if not isinstance(files, dict):
        raise UserError(tr("the file has no images of VIA"), path=path)
    listed = {key: one for key, one in files.items() if isinstance(one, dict) and "filename" in one}

    def walk() -> Iterator[_Region]:
        for key, one in listed.items():
            regions = one.get("regions")
            pairs = regions.items() if isinstance(regions, dict) else enumerate(regions or ())
            for index, region in pairs:
                location = Location(path, None, f"{key}.regions[{index}]")
                shape, own = (
                    (region.get(part) for part in ("shape_attributes", "region_attributes"))
                    if isinstance(region, dict)
                    else (None, None)
                )
                yield _Region(str(one["filename"]), shape or {}, own if isinstance(own, dict) else {}, location)

    return [str(one["filename"]) for one in listed.values()], walk()


def _csv_regions(path: Path) -> tuple[list[str], Iterator[_Region]]:
    reader = csv.DictReader(io.StringIO(read_text(path).lstrip("#"), newline=""))
    rows = [(reader.line_num, row) for row in reader]

    def walk() -> Iterator[_Region]:
        for line, row in rows:
            location = Location(path, line)
            try:
                shape, own = (
                    orjson.loads(row.get(name) or "{}") for name in ("region_shape_attributes", "region_attributes")
                )
            except orjson.JSONDecodeError:
                shape, own = {"name": ""}, {}
            if shape:
                yield _Region(str(row.get("filename")), shape, own, location)

    return [str(row.get("filename")) for _, row in rows], walk()


def _class_attribute(regions: list[_Region], path: Path) -> str:
    """The attribute that is the class: the only one, else the only one with such a name; empty without attributes."""
    names = list(dict.fromkeys(name for region in regions for name in region.attributes))
    if len(names) < 2:
        return names[0] if names else ""
    known = [name for name in names if name.casefold() in CLASS_NAMES]
    if len(known) != 1:
        listed = ", ".join(names)
        raise UserError(
            tr("it is not clear which attribute of the regions is their class: {names}", names=listed),
            path=path,
            remedy=tr("Name it “class” in VIA, or export COCO."),
        )
    return known[0]


def _add(images: ImageRows, image: int, region: _Region, class_attribute: str) -> None:
    shape, attributes = region.shape, region.attributes
    kind = shape.get("name")
    value = attributes.get(class_attribute, "")
    others = attribute_texts({name: one for name, one in attributes.items() if name != class_attribute})
    name = value if isinstance(value, str) else ""
    x, y = as_number(shape.get("x")), as_number(shape.get("y"))
    rect: list[float | None] = [None] * 4
    marked = ""
    if kind == "rect":
        rect = corners_of(x, y, as_number(shape.get("width")), as_number(shape.get("height")))
    elif kind in ("polygon", "polyline"):
        marked = POLYGON
        xs, ys = ([as_number(one) for one in shape.get(f"all_points_{axis}") or ()] for axis in "xy")
        px, py = [one for one in xs if one is not None], [one for one in ys if one is not None]
        if px and len(px) == len(xs) == len(py) == len(ys):
            rect = [min(px), min(py), max(px), max(py)]
    elif kind in ("circle", "ellipse"):
        marked = OTHER
        cx, cy = as_number(shape.get("cx")), as_number(shape.get("cy"))
        rx, ry = as_number(shape.get("rx", shape.get("r"))), as_number(shape.get("ry", shape.get("r")))
        if (
            cx is not None
            and cy is not None
            and rx is not None
            and ry is not None
            and not as_number(shape.get("theta"))
        ):
            rect = [cx - rx, cy - ry, cx + rx, cy + ry]
    elif kind == "point":
        marked = POINTS
    images.add(image, region.location, rect, class_name=name, attributes=others, shape=marked)


FORMAT = Format(
    key=KEY,
    name=tr("VIA JSON and CSV"),
    extensions=(".json", ".csv"),
    kinds=(ImportKind.GROUND_TRUTH,),
    syntaxes=(Syntax.JSON, Syntax.TABLE),
    detect=sniff,
    read=read,
    menu_rank=19,
    lacks=(Field.TRACK_IDS, Field.SCORES, Field.IGNORED, Field.OCCLUDED, Field.TRUNCATED, Field.KEY_FRAMES),
)
