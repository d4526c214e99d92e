"""MOTChallenge text: ground truth, detections and tracker results.

Layouts (https://motchallenge.net/instructions, and the files of MOT15 to MOT20):

- ground truth: ``frame,id,left,top,w,h,flag,class,visibility``
- detections: ``frame,-1,left,top,w,h,conf,-1,-1,-1``
- MOT15: ``frame,id,left,top,w,h,flag or conf,x,y,z``
- VisDrone: ``frame,id,left,top,w,h,flag or conf,category,truncation,occlusion``

Frames and ids start at 1. Tools disagree on whether pixels also start at 1 (motmetrics subtracts 1, TrackEval does
not), so coordinates are not changed.
"""

from __future__ import annotations

import configparser
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iouviewer.atomic import atomic_write
from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.class_lists import MOT17_CLASSES, VISDRONE_CLASSES
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.imported import ImportedBoxes, ImportKind, RefusedRow, StatedFact, VideoFacts
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.interface import BoxesToWrite, DetectedFormat, Location, ReadContext
from iouviewer.formats.mot_benchmarks import BENCHMARKS, find_benchmark, is_visdrone, mot_flags, visdrone_flags
from iouviewer.formats.number_text import exact_text, extent_texts
from iouviewer.formats.plausibility import check_boxes, check_scores, confidence_comes_first
from iouviewer.formats.rows import ABSENT_SCORE, build_imported_boxes, find_invalid_rows, one_size, resolve_classes
from iouviewer.formats.text import cannot_read, keep_text, not_a_number, read_lines
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Bool, Float, Int

KEY = "mot"
MAX_ID = 2.0**53
MIN_COLUMNS = 6
GROUND_TRUTH_FILES = ("gt/gt.txt", "gt.txt")
DETECTION_FILES = ("det/det.txt", "det.txt")
"""Paths within a sequence folder."""


def sniff(sample: FileSample) -> DetectedFormat | None:
    """Rows of at least six numbers, or an empty ``.txt`` file."""
    if not sample.lines:
        if sample.path.suffix.lower() != ".txt":
            return None
        return DetectedFormat(KEY, ImportKind.UNKNOWN, 0.2, tr("Empty text file"))
    rows = sample.numeric_rows
    if not rows or len(rows[0]) < MIN_COLUMNS:
        return None
    kind = guess_kind(np.array(rows, np.float64), sample.path)[0]
    return DetectedFormat(KEY, kind, 0.8, tr("MOTChallenge rows of {count} numbers", count=len(rows[0])))


def sniff_folder(path: Path) -> DetectedFormat | None:
    """A sequence folder, by the files in it."""
    for kind, names in ((ImportKind.GROUND_TRUTH, GROUND_TRUTH_FILES), (ImportKind.PREDICTIONS, DETECTION_FILES)):
        for name in names:
            if (path / name).is_file():
                return DetectedFormat(KEY, kind, 0.95, tr("MOTChallenge sequence with {name}", name=name))
    return None


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """Contents of ``seqinfo.ini``; size is (width, height)."""

    name: str
    length: int | None
    size: tuple[int, int] | None
    fps: float | None = None


def find_file(path: Path, kind: ImportKind | None) -> Path:
    """The text file in a MOT sequence folder (``gt/gt.txt``, ``det/det.txt``); a file is returned unchanged."""
    if not path.is_dir():
        return path
    names = (*GROUND_TRUTH_FILES, *DETECTION_FILES)
    if kind is ImportKind.PREDICTIONS:
        names = (*DETECTION_FILES, *GROUND_TRUTH_FILES)
    for name in names:
        if (path / name).is_file():
            return path / name
    raise UserError(tr("the folder contains neither gt/gt.txt nor det/det.txt"), path=path)


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a MOT file or sequence folder; the layouts are in the module's docstring.

    Raises:
        UserError: the file cannot be read.
    """
    path = find_file(path, context.kind)
    table = _load(path)
    values, lines, refused = table.values, table.lines, table.refused
    notes: list[str] = []
    if len(values):
        notes.append(StatedFact(tr("Pixel coordinates are used as they are in the file (some tools subtract 1)")))
    columns = values.shape[1]
    if columns < MIN_COLUMNS:
        values, columns = np.zeros((0, MIN_COLUMNS)), MIN_COLUMNS
    # What rows mean is found from all of them, also from those that are refused.
    base, base_note = _frame_base(np.append(values[:, 0], table.refused_frames), context)
    notes += base_note
    kind, kind_note = guess_kind(values, path)
    kind = context.kind_or(kind)
    predictions = kind is ImportKind.PREDICTIONS
    info = read_sequence_info(path)
    boxes = np.stack([values[:, 2], values[:, 3], values[:, 2] + values[:, 4], values[:, 3] + values[:, 5]])
    confidence = values[:, 6] if columns > 6 else np.ones(len(values))
    if not context.trust_columns:
        notes += _check_columns(path, values, boxes, one_size(context, None if info is None else info.size), kind)
    invalid = find_invalid_rows(values[:, 0], boxes, confidence, base=base, may_be_empty=predictions)
    invalid = {**_rows_with_bad_ids(values[:, 1]), **invalid}
    if predictions:
        invalid = {**_rows_without_score(confidence), **invalid}
    if invalid and lines is None:
        lines = _data_lines(path)
    refused += [RefusedRow(path, None if lines is None else int(lines[row]), why) for row, why in invalid.items()]
    keep = np.ones(len(values), np.bool_)
    keep[list(invalid)] = False
    if kind_note and context.kind in {None, ImportKind.UNKNOWN}:
        notes.append(kind_note)
    class_ids, classes, flags, class_notes = _classes_and_flags(values, boxes, path, info, context, kind)
    values, boxes, class_ids = values[keep], boxes[:, keep], class_ids[keep]
    return build_imported_boxes(
        path,
        KEY,
        kind,
        frames=values[:, 0] - base,
        boxes=boxes,
        class_ids=class_ids,
        classes=classes,
        scores=_scores(values) if predictions or kind is ImportKind.UNKNOWN else None,
        track_ids=np.where(values[:, 1] < 0, NO_TRACK, values[:, 1]).astype(np.int64),
        flags=flags[keep],
        labelled=None if predictions or info is None or info.length is None else np.arange(info.length),
        frame_count=None if info is None else info.length,
        size=None if info is None else info.size,
        frame_base=base,
        facts=VideoFacts() if info is None else VideoFacts(fps=info.fps, video_name=info.name),
        refused=sorted(refused, key=lambda row: row.line or 0),
        notes=notes + class_notes,
        places=_places(path, keep, lines) if context.with_places else None,
    )


def _places(path: Path, keep: Bool, lines: Int | None) -> tuple[Location, ...]:
    numbers = (_data_lines(path) if lines is None else lines)[keep].tolist()
    return tuple(Location(path, number) for number in numbers)


def _check_columns(
    path: Path, values: Float, boxes: Float, size: tuple[int, int] | None, kind: ImportKind
) -> list[str]:
    """Notes; UserError if the columns do not mean what the format says (``formats.plausibility``)."""
    if not len(values):
        return []
    with np.errstate(invalid="ignore"):
        third = values[:, 2]
        shares = (third >= 0) & (third <= 1)
        if values.shape[1] > 6 and shares.all() and (third != np.rint(third)).any() and np.median(values[:, 6]) > 1:
            raise confidence_comes_first(path, "frame,id,left,top,width,height,confidence")
    scores = _scores(values) if kind is not ImportKind.GROUND_TRUTH else None
    return check_boxes(path, KEY, boxes, size) + check_scores(path, KEY, scores)


def _rows_with_bad_ids(ids: Float) -> dict[int, str]:
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(~((ids == np.rint(ids)) & (np.abs(ids) <= MAX_ID)))
    return {int(row): tr("ID {id:g} is not an integer", id=float(ids[row])) for row in bad}


def _rows_without_score(confidence: Float) -> dict[int, str]:
    """Rows whose confidence is -1 although all others are shares from 0 to 1: those have none."""
    absent = confidence == ABSENT_SCORE
    others = confidence[~absent]
    if not absent.any() or not len(others) or not ((others >= 0) & (others <= 1)).all():
        return {}
    reason = tr("the confidence is -1, which means that there is none, but other rows have one")
    return dict.fromkeys(np.flatnonzero(absent).tolist(), reason)


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows of a file.

    Attributes:
        values: (N, columns) float64.
        lines: (N,) int64 line numbers; None: all rows could be read, lines not counted.
        refused_frames: frame numbers of the refused rows, as far as they can be read.
    """

    values: Float
    lines: Int | None
    refused: list[RefusedRow]
    refused_frames: list[float]


def _load(path: Path) -> _Table:
    """The rows of a file; all at once if it has no damaged rows."""
    keep_text(path)
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise cannot_read(path, error) from error
    # NumPy warns about files without numbers; the line-by-line reader handles those.
    if b"," in head and any(byte in b"0123456789" for byte in head):
        try:
            values = np.loadtxt(path, delimiter=",", ndmin=2, dtype=np.float64, encoding="utf-8-sig", comments="#")
        except (ValueError, UnicodeDecodeError):
            pass  # damaged or ragged; the line-by-line reader finds the lines
        else:
            if values.shape[1] >= MIN_COLUMNS:
                return _Table(values, None, [], [])
    return _load_line_by_line(path)


def _load_line_by_line(path: Path) -> _Table:
    rows: list[list[float]] = []
    lines: list[int] = []
    refused: list[RefusedRow] = []
    refused_frames: list[float] = []
    for number, line in enumerate(read_lines(path), 1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        fields = [f.strip() for f in text.rstrip(",").split(",")] if "," in text else text.split()
        if len(fields) < MIN_COLUMNS:
            reason = tr_n("{count} column instead of at least 6", "{count} columns instead of at least 6", len(fields))
            refused.append(RefusedRow(path, number, reason))
            refused_frames += _number(fields[0])
            continue
        try:
            row = [float(field) for field in fields]
        except ValueError as error:
            refused.append(RefusedRow(path, number, not_a_number(error)))
            refused_frames += _number(fields[0])
            continue
        rows.append(row)
        lines.append(number)
    if not rows:
        return _Table(np.zeros((0, MIN_COLUMNS)), np.zeros(0, np.int64), refused, refused_frames)
    # The most common length is the layout; rows of another length are damaged.
    width = int(np.bincount([len(row) for row in rows]).argmax())
    complete = [i for i, row in enumerate(rows) if len(row) == width]
    for i, row in enumerate(rows):
        if len(row) != width:
            reason = tr("{count} columns, but other rows have {expected}", count=len(row), expected=width)
            refused.append(RefusedRow(path, lines[i], reason))
            refused_frames.append(row[0])
    values = np.array([rows[i] for i in complete])
    return _Table(values, np.array([lines[i] for i in complete], np.int64), refused, refused_frames)


def _number(text: str) -> list[float]:
    """The number, as a list that is empty if the text is none."""
    try:
        return [float(text)]
    except ValueError:
        return []


def _data_lines(path: Path) -> Int:
    """Line numbers (from 1) of the rows that the fast reader returned."""
    lines = [n for n, line in enumerate(read_lines(path), 1) if line.split("#", 1)[0].strip()]
    return np.array(lines, np.int64)


def _frame_base(frames: Float, context: ReadContext) -> tuple[int, list[str]]:
    if context.frame_base is not None:
        return context.frame_base, []
    if np.any(frames == 0):
        return 0, [tr("Frames start at 0, because the file has a frame 0 (MOTChallenge starts at 1)")]
    return 1, [StatedFact(tr("Frames start at 1"))] if len(frames) else []


def guess_kind(values: Float, path: Path) -> tuple[ImportKind, str]:
    """Guess ground truth or predictions from the file name, the ids and the seventh column; also returns the reason."""
    columns = values.shape[1]
    stem, parent = path.stem.lower(), path.parent.name.lower()
    if stem.startswith("det") or parent == "det":
        return ImportKind.PREDICTIONS, StatedFact(tr("Predictions, by the file name"))
    if stem.startswith("gt") or parent == "gt":
        return ImportKind.GROUND_TRUTH, StatedFact(tr("Ground truth, by the file name"))
    if not len(values):
        return ImportKind.UNKNOWN, ""
    seventh = values[:, 6] if columns > 6 else np.ones(len(values))
    is_flag = bool(np.isin(seventh, (0.0, 1.0)).all())
    if columns == 9 and is_flag:
        return ImportKind.GROUND_TRUTH, StatedFact(tr("Ground truth, by its 9 columns with a flag"))
    if is_visdrone(values):
        if np.all(values[:, 8:10] == -1):
            return ImportKind.PREDICTIONS, tr("Predictions, because truncation and occlusion are -1 (VisDrone)")
        return ImportKind.GROUND_TRUTH, tr("Ground truth, because it has truncation and occlusion (VisDrone)")
    if np.all(values[:, 1] < 0):
        return ImportKind.PREDICTIONS, tr("Predictions, because every ID is -1")
    if np.all(seventh == ABSENT_SCORE):
        return ImportKind.PREDICTIONS, tr("Predictions without confidences, because column 7 is -1 in every row")
    if not is_flag:
        return ImportKind.PREDICTIONS, tr("Predictions, because column 7 contains confidences")
    if columns >= 10 and np.any(values[:, 7:10] != -1):
        return ImportKind.GROUND_TRUTH, tr("Ground truth, by its flags and world coordinates")
    return ImportKind.UNKNOWN, tr("The file does not say whether it is ground truth or a tracker's result")


def _scores(values: Float) -> Float | None:
    """The seventh column; an empty file counts as scored, because it may be a run without detections."""
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


def _classes_and_flags(
    values: Float, boxes: Float, path: Path, info: SequenceInfo | None, context: ReadContext, kind: ImportKind
) -> tuple[Int, ClassTable, Int, list[str]]:
    """Class ids, classes, flags (N,) int64, and notes of all rows.

    MOT15 and detections have no class: their columns 8 to 10 are world coordinates.
    """
    none = np.zeros(len(values), np.int64)
    if is_visdrone(values):
        names = dict(enumerate(VISDRONE_CLASSES, 1))
        numbers = np.where(values[:, 7] > 0, values[:, 7], -1).astype(np.int64)
        class_ids, classes, notes = resolve_classes(numbers, names, NumberKind.MOT, context)
        notes = [StatedFact(tr("Columns 8 to 10 are VisDrone's category, truncation and occlusion")), *notes]
        return class_ids, classes, none if kind is ImportKind.PREDICTIONS else visdrone_flags(values, boxes), notes
    flags = none if kind is ImportKind.PREDICTIONS else _flags(values)
    if values.shape[1] not in {8, 9}:
        class_ids, classes, notes = resolve_classes(none - 1, None, NumberKind.MOT, context)
        return class_ids, classes, flags, notes
    column = values[:, 7]
    is_integer = np.isfinite(column) & (column == np.rint(column)) & (np.abs(column) < MAX_ID)
    numbers = np.where(is_integer, column, -1).astype(np.int64)
    names_found, notes = _class_names(path, info)
    benchmark = None
    if kind is not ImportKind.PREDICTIONS:
        in_labels_file = names_found if labels_file(path) is not None else None
        benchmark = find_benchmark(values, "" if info is None else info.name, path, in_labels_file)
    if benchmark is not None:
        flags = mot_flags(benchmark, numbers, flags)
        notes.append(
            StatedFact(
                tr(
                    "The rules of {name}: distractors excuse predictions of every class, other classes than pedestrian "
                    "neither count nor excuse",
                    name=benchmark.name,
                )
            )
        )
    # MOT17 defines 13 classes, but most files use a few; only those are imported.
    if names_found is not None and len(names_found) == len(MOT17_CLASSES):
        occurring = set(numbers.tolist())
        names_found = {number: name for number, name in names_found.items() if number in occurring}
    class_ids, classes, more = resolve_classes(numbers, names_found, NumberKind.MOT, context)
    return class_ids, classes, flags, notes + more


def labels_path(path: Path) -> Path:
    """The file to which ``write`` saves the class names of ``path``."""
    return path.with_name(f"{path.stem}.labels.txt")


def labels_file(path: Path) -> Path | None:
    """The file beside a MOT file that names its classes: our own, or CVAT's labels.txt; None if there is none."""
    candidates = labels_path(path), path.with_name("labels.txt")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _class_names(path: Path, info: SequenceInfo | None) -> tuple[dict[int, str] | None, list[str]]:
    """Names of classes 1, 2, ...: from a labels file, else those of MOT16 to MOT20."""
    labels = labels_file(path)
    if labels is not None:
        names = {n: name for n, name in enumerate(read_lines(labels), 1) if name}
        return names, [StatedFact(tr("Class names from {name}", name=labels.name))]
    if info is not None and info.name.upper().startswith(BENCHMARKS):
        return dict(enumerate(MOT17_CLASSES, 1)), [StatedFact(tr("Class names of {name}", name=info.name[:5]))]
    return None, []


def read_sequence_info(path: Path) -> SequenceInfo | None:
    """``seqinfo.ini`` beside a MOT file or one folder up (``SEQ/gt/gt.txt``), None if it does not exist.

    Raises:
        UserError: the file is damaged.
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
        fps = section.getfloat("frameRate")
    except (configparser.Error, KeyError, ValueError) as error:
        reason = tr("the file is not a MOT sequence description: {reason}", reason=str(error).splitlines()[0])
        raise UserError(reason, path=ini) from error
    size = (width, height) if width and height and width > 0 and height > 0 else None
    return SequenceInfo(section.get("name", ""), length if length and length > 0 else None, size, fps or None)


def write(path: Path, data: BoxesToWrite) -> None:
    """Ground truth (no scores) as 9 columns, predictions as detections; frames and classes from 1.

    MOT files have only numbers, so class names go to a second file (``gt.labels.txt``). Detections have no class
    column, so their classes are not written. Where some boxes of ground truth have a track, those without one get the
    next free ids: tools for tracks refuse a frame with the same id twice. Where none has a track, all have id -1.
    """
    for name in data.class_names if data.scores is None else ():
        if "\n" in name or "\r" in name:
            reason = tr("the class name {name!r} has a line break, which a MOT labels file cannot store", name=name)
            raise UserError(reason, path=path)
    frames = (np.asarray(data.frames, np.int64) + 1).tolist()
    ids = np.where(np.asarray(data.track_ids) < 0, NO_TRACK, data.track_ids)
    untracked = np.flatnonzero(ids == NO_TRACK)
    if data.scores is None and 0 < len(untracked) < len(ids):
        ids[untracked] = int(ids.max()) + 1 + np.arange(len(untracked))
    tracks = ids.tolist()
    out = io.StringIO()
    if data.scores is not None:
        numbers = []
        tails = [f"{exact_text(s)},-1,-1,-1" for s in np.asarray(data.scores).tolist()]
    else:
        numbers = [*data.numbers_of_classes(NumberKind.MOT), -1]
        tails = [
            f"{0 if flag & BoxFlag.IGNORED else 1},{numbers[c]},{0 if flag & BoxFlag.OCCLUDED else 1}"
            for flag, c in zip(np.asarray(data.flags).tolist(), np.asarray(data.class_ids).tolist(), strict=True)
        ]
    for frame, track, box, tail in zip(frames, tracks, extent_texts(data.boxes), tails, strict=True):
        out.write(f"{frame},{track},{','.join(box)},{tail}\n")
    with atomic_write(path) as file:
        file.write(out.getvalue().encode())
    if data.scores is None and data.class_names:
        with atomic_write(labels_path(path)) as file:
            named = dict(zip(numbers, data.class_names, strict=False))
            file.write("".join(f"{named.get(n, '')}\n" for n in range(1, max(named) + 1)).encode())


FORMAT = Format(
    key=KEY,
    name=tr("MOTChallenge text"),
    menu_name=tr("MOTChallenge"),
    about=tr("One text file, frames from 1. For TrackEval, motmetrics and CVAT. Class names go to a second file."),
    extensions=(".txt",),
    syntaxes=(Syntax.TABLE,),
    detect=sniff,
    detect_rank=2,
    detect_folder=sniff_folder,
    read=read,
    write=write,
    needs_size=False,
    menu_rank=1,
    lacks=(Field.TRUNCATED, Field.ATTRIBUTES, Field.KEY_FRAMES, Field.LABELLED_FRAMES),
    lacks_in_truth=(Field.SOME_WITHOUT_TRACK,),
    lacks_in_predictions=(Field.CLASSES, Field.OCCLUDED),
)
