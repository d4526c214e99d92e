"""CrowdHuman: one JSON object a line (``.odgt``) with ``ID`` and ``gtboxes``; results have ``dtboxes``.

A person's ``fbox`` (whole body, also where it is hidden) is the box that the benchmark evaluates. Layout: CrowdHuman's
download page.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind, Location, StatedFact
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.image_rows import ImageRows, corners_of
from iouviewer.formats.interface import DetectedFormat, ReadContext
from iouviewer.formats.json_safe import as_number
from iouviewer.formats.text import read_lines
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY = "crowdhuman"
MASK = "mask"
"""Tag of regions that do not count."""


def sniff(sample: FileSample) -> DetectedFormat | None:
    """Lines with an ID and boxes."""
    if not sample.has_keys("ID") or not (sample.has_keys("gtboxes") or sample.has_keys("dtboxes")):
        return None
    kind = ImportKind.GROUND_TRUTH if sample.has_keys("gtboxes") else ImportKind.PREDICTIONS
    return DetectedFormat(KEY, kind, 0.95, tr("CrowdHuman lines with boxes"))


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Whole-body boxes of all images.

    Raises:
        UserError: the file cannot be read.
    """
    images = ImageRows(path, KEY, context)
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            content = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            images.rows.refuse(Location(path, number), tr("the line is not valid JSON: {reason}", reason=error.msg))
            continue
        if not isinstance(content, dict) or not content.get("ID"):
            images.rows.refuse(Location(path, number), tr("the line has no ID"))
            continue
        image = images.image(f"{content['ID']}.jpg")
        for key in ("gtboxes", "dtboxes"):
            boxes = content.get(key)
            for index, box in enumerate(boxes if isinstance(boxes, list) else ()):
                location = Location(path, number, f"{key}[{index}]")
                if isinstance(box, dict):
                    _add(images, image, box, location)
                else:
                    images.rows.refuse(location, tr("not an object"))
    images.rows.notes.append(StatedFact(tr("Boxes of whole bodies (fbox), as the benchmark evaluates them")))
    return images.finish(ImportKind.PREDICTIONS if images.scored else ImportKind.GROUND_TRUTH)


def _add(images: ImageRows, image: int, box: Mapping[str, Any], location: Location) -> None:
    given = box.get("fbox", box.get("box"))
    values = [as_number(one) for one in given] if isinstance(given, list) and len(given) == 4 else [None] * 4
    extra = box.get("extra")
    extra = extra if isinstance(extra, dict) else {}
    tag = str(box.get("tag", "person"))
    flags = BoxFlag.IGNORED if tag == MASK or extra.get("ignore") == 1 else BoxFlag.NONE
    flags |= BoxFlag.OCCLUDED if extra.get("occ") == 1 else BoxFlag.NONE
    name = "" if tag == MASK else tag
    images.add(
        image, location, corners_of(*values), class_name=name, score=as_number(box.get("score")), flags=int(flags)
    )


FORMAT = Format(
    key=KEY,
    name=tr("CrowdHuman (odgt)"),
    extensions=(".odgt",),
    syntaxes=(Syntax.JSON,),
    detect=sniff,
    read=read,
    menu_rank=36,
    lacks=(Field.TRACK_IDS, Field.TRUNCATED, Field.ATTRIBUTES, Field.KEY_FRAMES),
)
