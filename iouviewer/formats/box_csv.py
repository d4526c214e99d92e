"""Box CSV, the program's own format: ``frameID,x1,y1,x2,y2[,class][,score][,id][,flags]``, frames from 0, UTF-8.

``flags`` contains words such as ``ignored occluded``. The column is written only if a box has flags; it preserves
ignored boxes in exported ground truth.

Score CSV (``frameID,iou``), another output of the program, has no boxes; it is recognised only to be refused.
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
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.interface import BoxesToWrite, DetectedFormat, Location, ReadContext
from iouviewer.formats.number_text import corner_texts, exact_text
from iouviewer.formats.rows import MAX_LISTED, Rows, no_classes_note
from iouviewer.formats.text import not_a_number, read_text
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY = "boxcsv"
SCORE_KEY = "score_csv"
COORDINATES = ("x1", "y1", "x2", "y2")
OPTIONAL = ("class", "score", "id", "flags")
FLAG_NAMES = {
    "key": BoxFlag.KEY_FRAME,
    "interpolated": BoxFlag.INTERPOLATED,
    "occluded": BoxFlag.OCCLUDED,
    "outside": BoxFlag.OUTSIDE,
    "ignored": BoxFlag.IGNORED,
    "truncated": BoxFlag.TRUNCATED,
    "distractor": BoxFlag.DISTRACTOR,
    "neutral": BoxFlag.NEUTRAL,
}
# Spreadsheets read such a cell as a formula. An apostrophe before it prevents that and is removed on reading.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def is_box_header(names: list[str]) -> bool:
    """Whether a header (lower case, stripped) has the frame first and all four corners."""
    return names[:1] == ["frameid"] and set(COORDINATES) <= set(names)


def is_score_header(names: list[str]) -> bool:
    """Whether a header (lower case, stripped) is that of a score CSV: ``frameID,iou``."""
    return names[:2] == ["frameid", "iou"]


def sniff(sample: FileSample) -> DetectedFormat | None:
    """Box CSV, by its header."""
    if not is_box_header(sample.header):
        return None
    kind = ImportKind.PREDICTIONS if "score" in sample.header else ImportKind.UNKNOWN
    return DetectedFormat(KEY, kind, 1.0, tr("Box CSV with the header frameID,x1,y1,x2,y2"))


def sniff_score_csv(sample: FileSample) -> DetectedFormat | None:
    """Score CSV, by its header."""
    if is_box_header(sample.header) or not is_score_header(sample.header):
        return None
    return DetectedFormat(SCORE_KEY, ImportKind.UNKNOWN, 1.0, tr("Score CSV with the header frameID,iou"))


def quote_formula(name: str) -> str:
    """A class name as a cell that spreadsheets do not read as a formula."""
    return f"'{name}" if _FORMULA.match(name) else name


def unquote_formula(cell: str) -> str:
    """The inverse of ``quote_formula``."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a box CSV; the columns may be in any order after the first.

    Raises:
        UserError: not the header of a box CSV.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=False)
    rows = Rows(path)
    base = context.frame_base or 0
    try:
        header = next(reader, [])
        columns = _find_columns(header, path)
        for fields in reader:
            if not fields or fields == [""]:
                continue
            _add_row(rows, Location(path, reader.line_num), fields, columns, len(header), base)
    except csv.Error as error:
        reason = tr("the file is not a CSV table: {reason}", reason=error)
        raise UserError(reason, path=path, line=reader.line_num) from error
    if "class" not in columns and context.class_name:
        rows.class_ids = [rows.classes.index(context.class_name)] * len(rows)
    ignored = [name for name in header if name.strip().lower() not in columns]
    if ignored:
        rows.notes.append(tr("Columns not read: {names}", names=", ".join(ignored[:MAX_LISTED])))
    if "class" not in columns and not context.class_name:
        rows.notes.append(no_classes_note())
    kind = context.kind_or(ImportKind.PREDICTIONS if "score" in columns else ImportKind.UNKNOWN)
    return rows.finish(KEY, kind, context, scored="score" in columns, frame_base=base)


def _find_columns(header: list[str], path: Path) -> dict[str, int]:
    """Column number by name; an unknown name is skipped, even if it occurs twice."""
    names = [field.strip().lower() for field in header]
    if not is_box_header(names):
        if is_score_header(names):
            SCORE_FORMAT.refuse(path)
        raise UserError(tr("the first line must be frameID,x1,y1,x2,y2[,class][,score][,id]"), path=path, line=1)
    known = {"frameid", *COORDINATES, *OPTIONAL}
    columns: dict[str, int] = {}
    for number, name in enumerate(names):
        if name in columns:
            raise UserError(tr("the column {name} occurs twice", name=header[number]), path=path, line=1)
        if name in known:
            columns[name] = number
    return columns


def _add_row(rows: Rows, location: Location, fields: list[str], columns: dict[str, int], width: int, base: int) -> None:
    if len(fields) != width:
        rows.refuse(location, tr("{count} columns, but the header has {expected}", count=len(fields), expected=width))
        return
    try:
        frame = float(fields[columns["frameid"]]) - base
        rect = [float(fields[columns[name]]) for name in COORDINATES]
        score = float(fields[columns["score"]]) if fields[columns.get("score", 0)] and "score" in columns else None
        cell = fields[columns["id"]].strip() if "id" in columns else ""
        track = float(cell) if cell else NO_TRACK
    except ValueError as error:
        rows.refuse(location, not_a_number(error))
        return
    if not math.isfinite(track) or track != int(track) or abs(track) > 2**53:
        rows.refuse(location, tr("ID {id} is not an integer", id=cell))
        return
    flags = BoxFlag.NONE
    for word in fields[columns["flags"]].split() if "flags" in columns else ():
        if word not in FLAG_NAMES:
            text = tr("{flag!r} is not a flag; valid flags are {flags}", flag=word, flags=", ".join(FLAG_NAMES))
            rows.refuse(location, text)
            return
        flags |= FLAG_NAMES[word]
    name = unquote_formula(fields[columns["class"]]) if "class" in columns else ""
    rows.add(
        location,
        frame,
        rect,
        class_id=rows.classes.index(name),
        score=score,
        track=max(int(track), NO_TRACK),
        flags=int(flags),
    )


def write(path: Path, data: BoxesToWrite) -> None:
    """Box CSV with only the columns that the data needs; the class is blank for boxes without one."""
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
            cells.append(exact_text(scores[row]))
        if with_id:
            track = int(data.track_ids[row])
            cells.append(str(track) if track >= 0 else "")
        if with_flags:
            flags = int(data.flags[row])
            cells.append(" ".join(word for word, flag in FLAG_NAMES.items() if flags & flag))
        writer.writerow(cells)
    with atomic_write(path) as file:
        file.write(out.getvalue().encode())


FORMAT = Format(
    key=KEY,
    name=tr("Box CSV"),
    menu_name=tr("CSV"),
    about=tr("One row a box with corners in pixels, frames from 0."),
    extensions=(".csv",),
    syntaxes=(Syntax.TABLE,),
    detect=sniff,
    read=read,
    write=write,
    needs_size=False,
    menu_rank=3,
    lacks=(Field.ATTRIBUTES, Field.LABELLED_FRAMES),
)
SCORE_FORMAT = Format(
    key=SCORE_KEY,
    name=tr("Score CSV"),
    extensions=(".csv",),
    syntaxes=(Syntax.TABLE,),
    detect=sniff_score_csv,
    menu_rank=90,
    refusal=tr("the file is a score CSV (frameID,iou): it contains scores and no boxes"),
    advice=tr("Open the ground truth or predictions that the scores were computed from."),
)
FORMATS = (FORMAT, SCORE_FORMAT)
