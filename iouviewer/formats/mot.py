"""MOTChallenge text: ground truth, detections and tracker results.

Layouts (https://motchallenge.net/instructions, and the files of MOT15 to MOT20):
``frame,id,left,top,w,h,flag,class,visibility`` ground truth, ``frame,-1,left,top,w,h,conf,-1,-1,-1`` detections,
``frame,id,left,top,w,h,flag or conf,x,y,z`` MOT15. Frames and ids count from 1. Whether pixels do is disputed
(motmetrics subtracts 1, TrackEval does not), so the numbers are kept as they are.
"""

from __future__ import annotations

import configparser
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iouviewer.atomic import atomic_write
from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.imported import ImportedBoxes, Kind, RefusedRow
from iouviewer.errors import UserError
from iouviewer.formats.interface import BoxesToWrite, ReadContext
from iouviewer.formats.numbers import exact, extent_texts
from iouviewer.formats.rows import imported, named_classes, reasons
from iouviewer.formats.text import cannot_read, read_lines
from iouviewer.metrics.table import Float, Int

KEY = "mot"
LARGEST_ID = 2.0**53
MOT17_CLASSES = (
    "pedestrian",
    "person on vehicle",
    "car",
    "bicycle",
    "motorbike",
    "non motorized vehicle",
    "static person",
    "distractor",
    "occluder",
    "occluder on the ground",
    "occluder full",
    "reflection",
    "crowd",
)
"""Classes 1 to 13 of MOT16, MOT17 and MOT20 (Milan 2016, table 3; 13 since MOT20)."""


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """What ``seqinfo.ini`` says."""

    name: str
    length: int | None
    size: tuple[int, int] | None


def find_file(path: Path, kind: Kind | None) -> Path:
    """The text file within a MOT sequence folder (``gt/gt.txt``, ``det/det.txt``); a file is returned as it is."""
    if not path.is_dir():
        return path
    ground_truth = ("gt/gt.txt", "gt.txt")
    detections = ("det/det.txt", "det.txt")
    for name in (*detections, *ground_truth) if kind is Kind.PREDICTIONS else (*ground_truth, *detections):
        if (path / name).is_file():
            return path / name
    raise UserError("holds neither gt/gt.txt nor det/det.txt", path=path)


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a MOT file or sequence folder; see the module for the layouts.

    Raises:
        UserError: the file cannot be read.
    """
    path = find_file(path, context.kind)
    values, lines, refused = _load(path)
    notes: list[str] = ["pixels are kept as they are in the file (some tools subtract 1)"] if len(values) else []
    columns = values.shape[1]
    if columns < 6:
        values, columns = np.zeros((0, 6)), 6
    base, base_note = _frame_base(values[:, 0], context)
    notes += base_note
    boxes = np.stack([values[:, 2], values[:, 3], values[:, 2] + values[:, 4], values[:, 3] + values[:, 5]])
    confidence = values[:, 6] if columns > 6 else np.ones(len(values))
    bad = reasons(values[:, 0], boxes, confidence, base=base)
    with np.errstate(invalid="ignore"):
        ids = values[:, 1]
        for row in np.flatnonzero(~((ids == np.rint(ids)) & (np.abs(ids) <= LARGEST_ID))):
            bad.setdefault(int(row), f"id {ids[row]:g} is not a whole number")
    if bad and lines is None:
        lines = _data_lines(path)
    refused += [RefusedRow(path, int(lines[row]) if lines is not None else None, why) for row, why in bad.items()]
    keep = np.ones(len(values), np.bool_)
    keep[list(bad)] = False
    values, boxes = values[keep], boxes[:, keep]
    kind, why = kind_of(values, path)
    if why:
        notes.append(why)
    kind = context.kind_or(kind)
    info = read_sequence_info(path)
    class_ids, class_names, class_notes = _classes(values, path, info, context)
    predictions = kind is Kind.PREDICTIONS
    return imported(
        path,
        KEY,
        kind,
        frames=values[:, 0] - base,
        boxes=boxes,
        class_ids=class_ids,
        class_names=class_names,
        scores=_scores(values) if predictions or kind is Kind.UNKNOWN else None,
        track_ids=np.where(values[:, 1] < 0, NO_TRACK, values[:, 1]).astype(np.int64),
        flags=np.zeros(len(values), np.int64) if predictions else _flags(values),
        labelled=None if predictions or info is None or info.length is None else np.arange(info.length),
        frame_count=None if info is None else info.length,
        size=None if info is None else info.size,
        refused=sorted(refused, key=lambda row: row.line or 0),
        notes=notes + class_notes,
    )


def _load(path: Path) -> tuple[Float, Int | None, list[RefusedRow]]:
    """Values (N, columns), line numbers (None: not counted, every row was good) and refused rows."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise cannot_read(path, error) from error
    # Without a number in sight numpy would warn about an empty file; let the careful reader answer.
    if b"," in head and any(byte in b"0123456789" for byte in head):
        try:
            values = np.loadtxt(path, delimiter=",", ndmin=2, dtype=np.float64, encoding="utf-8-sig", comments="#")
        except (ValueError, UnicodeDecodeError):
            # A damaged or ragged file: the slow reader finds the lines.
            pass
        else:
            if values.shape[1] >= 6:
                return values, None, []
    return _load_line_by_line(path)


def _load_line_by_line(path: Path) -> tuple[Float, Int, list[RefusedRow]]:
    rows: list[list[float]] = []
    lines: list[int] = []
    refused: list[RefusedRow] = []
    for number, line in enumerate(read_lines(path), 1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        fields = [f.strip() for f in text.rstrip(",").split(",")] if "," in text else text.split()
        if len(fields) < 6:
            refused.append(RefusedRow(path, number, f"{len(fields)} columns, at least 6 are needed"))
            continue
        try:
            row = [float(field) for field in fields]
        except ValueError as error:
            refused.append(RefusedRow(path, number, f"not a number: {str(error).rsplit(': ', 1)[-1]}"))
            continue
        rows.append(row)
        lines.append(number)
    if not rows:
        return np.zeros((0, 6)), np.zeros(0, np.int64), refused
    # The layout is the commonest one; rows of another length are damaged.
    width = int(np.bincount([len(row) for row in rows]).argmax())
    whole = [i for i, row in enumerate(rows) if len(row) == width]
    for i, row in enumerate(rows):
        if len(row) != width:
            refused.append(RefusedRow(path, lines[i], f"{len(row)} columns where the other rows have {width}"))
    return np.array([rows[i] for i in whole]), np.array([lines[i] for i in whole], np.int64), refused


def _data_lines(path: Path) -> Int:
    """Line numbers (from 1) of the rows that the fast reader returned."""
    lines = [n for n, line in enumerate(read_lines(path), 1) if line.split("#", 1)[0].strip()]
    return np.array(lines, np.int64)


def _frame_base(frames: Float, context: ReadContext) -> tuple[int, list[str]]:
    if context.frame_base is not None:
        return context.frame_base, []
    if np.any(frames == 0):
        return 0, ["a frame 0 occurs, so frames are taken to count from 0 (MOTChallenge counts from 1)"]
    return 1, ["frames count from 1"] if len(frames) else []


def kind_of(values: Float, path: Path) -> tuple[Kind, str]:
    """Ground truth or predictions, by file name, ids and the seventh column; and why, for people."""
    columns = values.shape[1]
    stem, parent = path.stem.lower(), path.parent.name.lower()
    if stem.startswith("det") or parent == "det":
        return Kind.PREDICTIONS, "predictions, by the file's name"
    if stem.startswith("gt") or parent == "gt":
        return Kind.GROUND_TRUTH, "ground truth, by the file's name"
    if not len(values):
        return Kind.UNKNOWN, ""
    seventh = values[:, 6] if columns > 6 else np.ones(len(values))
    is_flag = bool(np.isin(seventh, (0.0, 1.0)).all())
    if columns == 9 and is_flag:
        return Kind.GROUND_TRUTH, "ground truth, by its 9 columns with a flag"
    if np.all(values[:, 1] < 0):
        return Kind.PREDICTIONS, "predictions, because every id is -1"
    if not is_flag:
        return Kind.PREDICTIONS, "predictions, because column 7 holds confidences"
    if columns >= 10 and np.any(values[:, 7:10] != -1):
        return Kind.GROUND_TRUTH, "ground truth, by its flags and world coordinates"
    return Kind.UNKNOWN, "the file does not say whether it is ground truth or a tracker's result"


def _scores(values: Float) -> Float | None:
    """The seventh column; a run that found nothing has scores all the same, so an empty file counts as scored."""
    if not len(values):
        return np.zeros(0)
    return values[:, 6].copy() if values.shape[1] > 6 else None


def _flags(values: Float) -> Int:
    flags = np.zeros(len(values), np.int64)
    columns = values.shape[1]
    if columns > 6:
        flags[values[:, 6] == 0] |= int(BoxFlag.IGNORED)
    if columns == 9:
        flags[values[:, 8] == 0] |= int(BoxFlag.OCCLUDED)
    return flags


def _classes(
    values: Float, path: Path, info: SequenceInfo | None, context: ReadContext
) -> tuple[Int, tuple[str, ...], list[str]]:
    """MOT15 and detections have no class (their columns 8 to 10 are world coordinates)."""
    columns = values.shape[1]
    if columns not in {8, 9}:
        return named_classes(np.full(len(values), -1, np.int64), None, context)
    column = values[:, 7]
    whole = np.isfinite(column) & (column == np.rint(column)) & (np.abs(column) < LARGEST_ID)
    numbers = np.where(whole, np.where(whole, column, -1), -1).astype(np.int64)
    names, notes = _class_names(path, info, context)
    # Only what occurs: MOT17 has 13 classes, most files show a few.
    occurring = set(numbers.tolist()) if names is not None and len(names) == len(MOT17_CLASSES) else None
    if names is not None and occurring is not None:
        names = {number: name for number, name in names.items() if number in occurring}
    class_ids, class_names, more = named_classes(numbers, names, context)
    return class_ids, class_names, notes + more


def labels_path(path: Path) -> Path:
    """Where our writer puts the class names of ``path``."""
    return path.with_name(f"{path.stem}.labels.txt")


def _class_names(
    path: Path, info: SequenceInfo | None, context: ReadContext
) -> tuple[dict[int, str] | None, list[str]]:
    """Names of classes 1, 2, ...: a file of labels (ours, or CVAT's labels.txt), else MOT16 to MOT20's own."""
    for candidate in (labels_path(path), path.with_name("labels.txt")):
        if candidate.is_file():
            names = {n: name for n, name in enumerate(read_lines(candidate), 1) if name}
            return names, [f"class names from {candidate.name}"]
    if info is not None and info.name.upper().startswith(("MOT16", "MOT17", "MOT20")):
        return dict(enumerate(MOT17_CLASSES, 1)), [f"class names of {info.name[:5]}"]
    if context.class_names:
        return dict(enumerate(context.class_names, 1)), [f"class 1 is taken to be {context.class_names[0]!r}"]
    return None, []


def read_sequence_info(path: Path) -> SequenceInfo | None:
    """``seqinfo.ini`` beside a MOT file or one folder up (``SEQ/gt/gt.txt``), None where there is none.

    Raises:
        UserError: it is there but damaged.
    """
    for folder in (path.parent, path.parent.parent):
        ini = folder / "seqinfo.ini"
        if ini.is_file() and (folder == path.parent or path.parent.name in {"gt", "det"}):
            return _parse_sequence_info(ini)
    return None


def _parse_sequence_info(ini: Path) -> SequenceInfo:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string("\n".join(read_lines(ini)))
        section = parser["Sequence"]
        length = section.getint("seqLength")
        width, height = section.getint("imWidth"), section.getint("imHeight")
    except (configparser.Error, KeyError, ValueError) as error:
        raise UserError(f"is not a MOT sequence description: {str(error).splitlines()[0]}", path=ini) from error
    size = (width, height) if width and height and width > 0 and height > 0 else None
    return SequenceInfo(section.get("name", ""), length if length and length > 0 else None, size)


def write(path: Path, data: BoxesToWrite) -> None:
    """Ground truth (no scores) as 9 columns, predictions as detections; frames and classes from 1.

    Class names go to a file beside it (``gt.labels.txt``), because a MOT file has only numbers. Detections have no
    class column, so their classes are not written.
    """
    for name in data.class_names if data.scores is None else ():
        if "\n" in name or "\r" in name:
            raise UserError(f"the class {name!r} has a line break, which a MOT label file cannot hold", path=path)
    frames = (np.asarray(data.frames, np.int64) + 1).tolist()
    tracks = np.where(np.asarray(data.track_ids) < 0, -1, data.track_ids).tolist()
    out = io.StringIO()
    if data.scores is not None:
        tails = [f"{exact(s)},-1,-1,-1" for s in np.asarray(data.scores).tolist()]
    else:
        tails = [
            f"{0 if flag & BoxFlag.IGNORED else 1},{c + 1 if c >= 0 else -1},{0 if flag & BoxFlag.OCCLUDED else 1}"
            for flag, c in zip(np.asarray(data.flags).tolist(), np.asarray(data.class_ids).tolist(), strict=True)
        ]
    for frame, track, box, tail in zip(frames, tracks, extent_texts(data.boxes), tails, strict=True):
        out.write(f"{frame},{track},{','.join(box)},{tail}\n")
    with atomic_write(path) as file:
        file.write(out.getvalue().encode())
    if data.scores is None and data.class_names:
        with atomic_write(labels_path(path)) as file:
            file.write("".join(f"{name}\n" for name in data.class_names).encode())
