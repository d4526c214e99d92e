"""DarkLabel's text file of a video: one object a line, as its ``data_fmt`` (darklabel.yml) says.

Read are ``fn,cname,id,x1,y1,w,h`` and ``iname,cname,id,x1,y1,w,h`` (formats 4 and 5 of darklabel.yml), frames from 0.
Its other formats are Pascal VOC and YOLO. A line of several objects (``fn,n,[...]``) does not say what its numbers
are.
"""

from __future__ import annotations

from pathlib import Path

from iouviewer.document.imported import ImportedBoxes, ImportKind, Location
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.image_rows import ImageRows, corners_of
from iouviewer.formats.interface import DetectedFormat, ReadContext
from iouviewer.formats.text import not_a_number, read_lines
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY = "darklabel"
COLUMNS = 7
OBJECT_COLUMNS = 6
"""Columns of each object in a line of several: id, four numbers, label."""


def sniff(sample: FileSample) -> DetectedFormat | None:
    """Rows with a class name in the second column, or with a count and that many objects."""
    rows = [_cells(line) for line in sample.lines[:20]]
    if rows and (all(map(_is_object, rows)) or all(map(_is_frame, rows))):
        return DetectedFormat(KEY, ImportKind.GROUND_TRUTH, 0.8, tr("DarkLabel rows"))
    return None


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().rstrip(",").split(",")]


def _is_object(cells: list[str]) -> bool:
    if len(cells) != COLUMNS or not cells[1][:1].isalpha() or not (cells[0].isdigit() or "." in cells[0]):
        return False
    return all(_is_number(cell) for cell in cells[2:])


def _is_frame(cells: list[str]) -> bool:
    """``fn,n,[id,a,b,c,d,label]*``"""
    if len(cells) < 2 + OBJECT_COLUMNS or not cells[0].isdigit() or not cells[1].isdigit():
        return False
    objects = cells[2:]
    labels = objects[OBJECT_COLUMNS - 1 :: OBJECT_COLUMNS]
    return len(objects) == OBJECT_COLUMNS * int(cells[1][:6]) and all(label[:1].isalpha() for label in labels)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a video or of an image sequence.

    Raises:
        UserError: the file cannot be read, or has several objects a line.
    """
    images = ImageRows(path, KEY, context)
    known: dict[str, int] = {}
    for line, text in enumerate(read_lines(path), 1):
        if not text.strip():
            continue
        cells = _cells(text)
        if _is_frame(cells):
            raise UserError(
                tr("the lines have several objects each, whose four numbers may be corners or sizes"),
                path=path,
                line=line,
                remedy=tr("Save as the format {format} in DarkLabel.", format="fn,cname,id,x1,y1,w,h"),
            )
        location = Location(path, line)
        if len(cells) != COLUMNS:
            images.rows.refuse(location, tr("{count} columns instead of 7", count=len(cells)))
            continue
        where, name, track = cells[:3]
        try:
            x, y, width, height = (float(cell) for cell in cells[3:])
        except ValueError as error:
            images.rows.refuse(location, not_a_number(error))
            continue
        if where not in known:
            known[where] = images.image("" if where.isdigit() else where, float(where) if where.isdigit() else None)
        images.add(known[where], location, corners_of(x, y, width, height), class_name=name, track=images.track(track))
    return images.finish(ImportKind.GROUND_TRUTH, base=0, labelled=None)


FORMAT = Format(
    key=KEY,
    name=tr("DarkLabel text"),
    extensions=(".txt",),
    kinds=(ImportKind.GROUND_TRUTH,),
    syntaxes=(Syntax.TABLE,),
    detect=sniff,
    read=read,
    menu_rank=37,
    lacks=(
        *(Field.SCORES, Field.IGNORED, Field.OCCLUDED, Field.TRUNCATED),
        *(Field.ATTRIBUTES, Field.KEY_FRAMES, Field.LABELLED_FRAMES),
    ),
)
