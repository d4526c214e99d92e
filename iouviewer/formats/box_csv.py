"""Box CSV, the program's own table: ``frameID,x1,y1,x2,y2[,class][,score][,id][,flags]``, frames from 0, UTF-8.

``flags`` holds words such as ``ignored occluded`` and is written only where a box has any, so that exported ground
truth comes back with its ignored boxes.
"""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path

import numpy as np

from iouviewer.atomic import atomic_write
from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.errors import UserError
from iouviewer.formats.interface import BoxesToWrite, Place, ReadContext
from iouviewer.formats.numbers import corner_texts, exact
from iouviewer.formats.rows import ClassTable, Rows
from iouviewer.formats.text import read_text

KEY = "boxcsv"
COORDINATES = ("x1", "y1", "x2", "y2")
OPTIONAL = ("class", "score", "id", "flags")
FLAG_WORDS = {
    "key": BoxFlag.KEY_FRAME,
    "interpolated": BoxFlag.INTERPOLATED,
    "occluded": BoxFlag.OCCLUDED,
    "outside": BoxFlag.OUTSIDE,
    "ignored": BoxFlag.IGNORED,
    "truncated": BoxFlag.TRUNCATED,
}
NO_BOXES = "this is a score CSV (frameID,iou): it holds scores and no boxes"
# A spreadsheet takes such a cell for a formula; an apostrophe before it, taken off on reading, prevents that.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def is_box_header(fields: list[str]) -> bool:
    """Whether the first line names a frame and four corners."""
    names = [f.strip().lower() for f in fields]
    return names[:1] == ["frameid"] and set(COORDINATES) <= set(names)


def is_score_header(fields: list[str]) -> bool:
    """Whether the first line is that of a score CSV: ``frameID,iou``."""
    return [f.strip().lower() for f in fields[:2]] == ["frameid", "iou"]


def quote_formula(name: str) -> str:
    """A class name that no spreadsheet takes for a formula."""
    return f"'{name}" if _FORMULA.match(name) else name


def unquote_formula(cell: str) -> str:
    """The class name that ``quote_formula`` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a box CSV; the columns may stand in any order.

    Raises:
        UserError: no such header, or a score CSV.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=False)
    header = next(reader, [])
    columns = _columns(header, path)
    rows = Rows(path, ClassTable())
    first = context.frame_base or 0
    try:
        for fields in reader:
            if not fields or fields == [""]:
                continue
            _add(rows, Place(path, reader.line_num), fields, columns, len(header), first)
    except csv.Error as error:
        raise UserError(f"is not a CSV table: {error}", path=path, line=reader.line_num) from error
    if "class" not in columns and context.class_name:
        rows.class_ids = [rows.classes.index(context.class_name)] * len(rows)
    extra = [name for name in header if name.strip().lower() not in columns]
    if extra:
        rows.notes.append(f"columns that are not read: {', '.join(extra[:10])}")
    if "class" not in columns and not context.class_name:
        rows.notes.append("the file names no classes; its boxes match every class")
    kind = context.kind_or(Kind.PREDICTIONS if "score" in columns else Kind.UNKNOWN)
    return rows.finish(KEY, kind, scored="score" in columns)


def _columns(header: list[str], path: Path) -> dict[str, int]:
    if is_score_header(header) and not is_box_header(header):
        raise UserError(NO_BOXES, path=path, remedy="Open the ground truth or predictions it was computed from.")
    if not is_box_header(header):
        raise UserError("the first line must be frameID,x1,y1,x2,y2[,class][,score][,id]", path=path, line=1)
    known = {"frameid", *COORDINATES, *OPTIONAL}
    columns: dict[str, int] = {}
    for number, field in enumerate(header):
        name = field.strip().lower()
        if name in columns:
            raise UserError(f"the column {field} occurs twice", path=path, line=1)
        if name in known:
            columns[name] = number
    return columns


def _add(rows: Rows, place: Place, fields: list[str], columns: dict[str, int], width: int, first: int) -> None:
    if len(fields) != width:
        rows.refuse(place, f"{len(fields)} columns where the header has {width}")
        return
    try:
        frame = float(fields[columns["frameid"]]) - first
        rect = [float(fields[columns[name]]) for name in COORDINATES]
        score = float(fields[columns["score"]]) if fields[columns.get("score", 0)] and "score" in columns else None
        cell = fields[columns["id"]].strip() if "id" in columns else ""
        track = float(cell) if cell else NO_TRACK
    except ValueError as error:
        rows.refuse(place, f"not a number: {str(error).rsplit(': ', 1)[-1]}")
        return
    if not math.isfinite(track) or track != int(track) or abs(track) > 2**53:
        rows.refuse(place, f"id {cell} is not a whole number")
        return
    flags = BoxFlag.NONE
    for word in fields[columns["flags"]].split() if "flags" in columns else ():
        if word not in FLAG_WORDS:
            rows.refuse(place, f"{word!r} is not a flag; known are {', '.join(FLAG_WORDS)}")
            return
        flags |= FLAG_WORDS[word]
    name = unquote_formula(fields[columns["class"]]) if "class" in columns else ""
    rows.add(
        place,
        frame,
        rect,
        class_id=rows.classes.index(name),
        score=score,
        track=max(int(track), NO_TRACK),
        flags=int(flags),
    )


def write(path: Path, data: BoxesToWrite) -> None:
    """Box CSV with the columns that the data needs; class is blank for boxes without one."""
    with_class = len(data.class_names) > 0
    with_id = bool(np.any(np.asarray(data.track_ids) >= 0))
    with_flags = bool(np.any(np.asarray(data.flags)))
    header = ["frameID", *COORDINATES]
    header += ["class"] if with_class else []
    header += ["score"] if data.scores is not None else []
    header += ["id"] if with_id else []
    header += ["flags"] if with_flags else []
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    corners = corner_texts(data.boxes)
    names = [quote_formula(name) for name in data.class_names]
    scores = None if data.scores is None else np.asarray(data.scores).tolist()
    for row, (frame, corner) in enumerate(zip(np.asarray(data.frames).tolist(), corners, strict=True)):
        cells = [str(frame), *corner]
        if with_class:
            index = int(data.class_ids[row])
            cells.append(names[index] if index >= 0 else "")
        if scores is not None:
            cells.append(exact(scores[row]))
        if with_id:
            track = int(data.track_ids[row])
            cells.append(str(track) if track >= 0 else "")
        if with_flags:
            flags = int(data.flags[row])
            cells.append(" ".join(word for word, flag in FLAG_WORDS.items() if flags & flag))
        writer.writerow(cells)
    with atomic_write(path) as file:
        file.write(out.getvalue().encode())
