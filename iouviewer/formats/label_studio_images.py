"""Label Studio's exports of labelled images: JSON, and JSON_MIN. Numbers are per cent of the image.

A result has ``original_width``, ``original_height`` and a ``value`` with x, y, width, height, rotation (about the left
top corner) and ``rectanglelabels``. Layout: Label Studio's documentation of tasks and of the tag RectangleLabels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from iouviewer.document.imported import ImportedBoxes, ImportKind, Location
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.image_rows import ImageRows, corners_of
from iouviewer.formats.interface import DetectedFormat, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.shapes import MASK, OTHER, POINTS, POLYGON, ROTATED, envelope, rotated_envelope
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY = "labelstudio_images"
SHAPES = {
    "polygonlabels": POLYGON,
    "brushlabels": MASK,
    "bitmasklabels": MASK,
    "keypointlabels": POINTS,
    "ellipselabels": OTHER,
}
BOX = "rectanglelabels"
_IMAGE = re.compile(r"\.(?:jpe?g|png|bmp|tiff?|webp|gif)(?:$|[?&#])", re.IGNORECASE)


def sniff(sample: FileSample) -> DetectedFormat | None:
    """Results with labels of shapes on an image."""
    has_labels = any(sample.has_keys(name) for name in (BOX, *SHAPES))
    if not has_labels or '"videorectangle"' in sample.text:
        return None
    return DetectedFormat(KEY, ImportKind.GROUND_TRUTH, 0.9, tr("Label Studio JSON with labelled images"))


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of all images: of the annotations, or of the predictions where predictions are asked for.

    Raises:
        UserError: damaged JSON, or an image with several annotations.
    """
    content = read_json(path)
    tasks = content if isinstance(content, list) else [content]
    images = ImageRows(path, KEY, context)
    wants_predictions = context.kind is ImportKind.PREDICTIONS
    for at, task in enumerate(tasks):
        if not isinstance(task, dict):
            images.rows.refuse(Location(path, None, f"[{at}]"), tr("not an object"))
            continue
        results = list(_results(task, at, path, predictions=wants_predictions))
        size = next((found for _, one in results if (found := _size(one)) is not None), None)
        image = images.image(_image_name(task), None, size)
        for location, result in results:
            _add(images, image, result, location)
    return images.finish(ImportKind.GROUND_TRUTH)


def _results(
    task: Mapping[str, Any], at: int, path: Path, *, predictions: bool
) -> Iterator[tuple[Location, dict[str, Any]]]:
    """The results of a task, those of JSON_MIN included."""
    chosen = task.get("predictions") if predictions else task.get("annotations", task.get("completions"))
    if isinstance(chosen, list):
        used = [one for one in chosen if isinstance(one, dict) and not one.get("was_cancelled")]
        used = [one for one in used if one.get("ground_truth")] or used
        used = [one for one in used if one.get("result")] or used[:1]
        if len(used) > 1:
            raise UserError(
                tr("the task {id} has {count} annotations", id=task.get("id", at), count=len(used)),
                path=path,
                remedy=tr("Mark one as ground truth in Label Studio, or export one annotation a task."),
            )
        for one in used:
            for index, result in enumerate(one.get("result") or ()):
                if isinstance(result, dict):
                    yield Location(path, None, f"[{at}].result[{index}]"), result
        return
    for name, value in task.items():
        for index, result in enumerate(value if isinstance(value, list) else ()):
            if isinstance(result, dict) and any(key in result for key in (BOX, *SHAPES)):
                yield Location(path, None, f"[{at}].{name}[{index}]"), {"value": result, **result}


def _size(result: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = as_index(result.get("original_width")), as_index(result.get("original_height"))
    return (width, height) if width and height else None


def _image_name(task: Mapping[str, Any]) -> str:
    """The file name in the address of a task's image."""
    data = task.get("data", task)
    texts = [value for value in data.values() if isinstance(value, str)] if isinstance(data, dict) else []
    address = next((text for text in texts if _IMAGE.search(text)), "")
    parts = urlsplit(address)
    # /data/local-files/?d=folder/a.jpg
    where = parts.query.partition("d=")[2] if parts.path.endswith("local-files/") else parts.path
    return unquote(where).rsplit("/", 1)[-1]


def _add(images: ImageRows, image: int, result: Mapping[str, Any], location: Location) -> None:
    value = result.get("value")
    if not isinstance(value, dict):
        return
    kind = next((name for name in (BOX, *SHAPES) if name in value), "")
    if not kind:
        return  # choices, texts and relations
    labels = value.get(kind)
    name = str(labels[0]) if isinstance(labels, list) and labels else ""
    x, y, width, height = (as_number(value.get(one)) for one in ("x", "y", "width", "height"))
    rect, shape = corners_of(x, y, width, height), SHAPES.get(kind, "")
    turn = as_number(value.get("rotation")) or 0.0
    if kind == BOX and turn % 360 and None not in rect:
        rect, shape = _turned(value, result, turn), ROTATED
    elif kind == "polygonlabels":
        found = envelope(value.get("points") or ())
        rect = list(found) if found else [None] * 4
    elif kind == "ellipselabels":
        rx, ry = as_number(value.get("radiusX")), as_number(value.get("radiusY"))
        rect = [None] * 4
        if x is not None and y is not None and rx is not None and ry is not None and not turn % 360:
            rect = [x - rx, y - ry, x + rx, y + ry]
    elif shape:
        rect = [None] * 4
    score = as_number(result.get("score"))
    images.add(image, location, rect, class_name=name, score=score, shape=shape, relative_to=100.0)


def _turned(value: Mapping[str, Any], result: Mapping[str, Any], turn: float) -> list[float | None]:
    """The envelope of a rotated box in per cent; it turns in pixels, whose sides are not per cents of one length."""
    size = _size(result)
    if size is None:
        return [None] * 4
    sx, sy = size[0] / 100, size[1] / 100
    x, y, width, height = (as_number(value.get(one)) or 0.0 for one in ("x", "y", "width", "height"))
    found = rotated_envelope(x * sx, y * sy, width * sx, height * sy, turn, about_corner=True)
    return [found[0] / sx, found[1] / sy, found[2] / sx, found[3] / sy]


FORMAT = Format(
    key=KEY,
    name=tr("Label Studio image JSON and JSON_MIN"),
    extensions=(".json",),
    syntaxes=(Syntax.JSON,),
    detect=sniff,
    read=read,
    menu_rank=11,
    lacks=(
        *(Field.TRACK_IDS, Field.IGNORED, Field.OCCLUDED, Field.TRUNCATED),
        *(Field.ATTRIBUTES, Field.KEY_FRAMES),
    ),
)
