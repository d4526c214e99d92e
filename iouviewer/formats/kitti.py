"""KITTI tracking labels: one text file a sequence, 17 columns separated by blanks (18 with a score).

``frame track type truncated occluded alpha left top right bottom height width length x y z rotation [score]``, frames
from 0; type ``DontCare`` (track -1) is a region that does not count. Layout: readme of KITTI's devkit for tracking.
"""

from __future__ import annotations

from pathlib import Path

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind, Location
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.interface import DetectedFormat, ReadContext
from iouviewer.formats.rows import Rows
from iouviewer.formats.text import not_a_number, read_lines
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY = "kitti"
COLUMNS = 17
DONT_CARE = "DontCare"
OCCLUDED = (1, 2)
"""Partly and largely occluded; 3 is unknown."""


def _is_row(cells: list[str]) -> bool:
    if len(cells) not in {COLUMNS, COLUMNS + 1} or not cells[2][:1].isalpha():
        return False
    try:
        [float(cell) for cell in (*cells[:2], *cells[3:])]
    except ValueError:
        return False
    return True


def sniff(sample: FileSample) -> DetectedFormat | None:
    """Rows with a type among sixteen or seventeen numbers."""
    rows = [line.split() for line in sample.lines[:20]]
    if not rows or not any(map(_is_row, rows)):
        return None
    kind = ImportKind.PREDICTIONS if len(rows[0]) > COLUMNS else ImportKind.GROUND_TRUTH
    return DetectedFormat(KEY, kind, 0.9, tr("KITTI tracking rows of {count} columns", count=len(rows[0])))


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a sequence; the 3D columns are not read.

    Raises:
        UserError: the file cannot be read.
    """
    rows = Rows(path)
    scored = False
    base = context.frame_base or 0
    for number, line in enumerate(read_lines(path), 1):
        cells = line.split()
        if not cells:
            continue
        location = Location(path, number)
        if len(cells) not in {COLUMNS, COLUMNS + 1}:
            rows.refuse(location, tr("{count} columns instead of 17 or 18", count=len(cells)))
            continue
        try:
            frame, track = float(cells[0]) - base, int(float(cells[1]))
            truncated, occluded = float(cells[3]), float(cells[4])
            rect = [float(cell) for cell in cells[6:10]]
            score = float(cells[COLUMNS]) if len(cells) > COLUMNS else None
        except (ValueError, OverflowError) as error:
            rows.refuse(location, not_a_number(ValueError(str(error))))
            continue
        is_region = cells[2] == DONT_CARE
        flags = BoxFlag.IGNORED if is_region else BoxFlag.NONE
        flags |= BoxFlag.TRUNCATED if truncated > 0 else BoxFlag.NONE
        flags |= BoxFlag.OCCLUDED if occluded in OCCLUDED else BoxFlag.NONE
        scored = scored or score is not None
        name = "" if is_region else cells[2]
        rows.add(
            location,
            frame,
            rect,
            class_id=rows.classes.index(name),
            score=score,
            track=max(track, -1),
            flags=int(flags),
        )
    kind = context.kind_or(ImportKind.PREDICTIONS if scored else ImportKind.GROUND_TRUTH)
    return rows.finish(KEY, kind, context, scored=scored, frame_base=base)


FORMAT = Format(
    key=KEY,
    name=tr("KITTI tracking labels"),
    extensions=(".txt",),
    syntaxes=(Syntax.TABLE,),
    detect=sniff,
    read=read,
    menu_rank=32,
    lacks=(Field.ATTRIBUTES, Field.KEY_FRAMES, Field.LABELLED_FRAMES),
)
