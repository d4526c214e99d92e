"""YOLO text labels: ``class xc yc w h [conf] [id]``, normalised to 0..1, one file per image.

Two conventions share the layout. A dataset has a file for every labelled image, an empty one if it has no objects.
ultralytics' ``save_txt`` on a video writes ``labels/<stem>_<n>.txt``, n from 1, and no file for a frame without
detections; with ``vid_stride=k`` file n is frame n * k - 1 (0-based); older versions append to the files of an earlier
run.

A dataset is written as ``labels/<stem>_<n>.txt`` (n from 1) and a ``data.yaml``.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iouviewer.atomic import atomic_folder
from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.classes import NumberKind
from iouviewer.document.imported import ImportedBoxes, ImportKind, StatedFact
from iouviewer.errors import UserError
from iouviewer.formats.class_names import NAME_FILES, find_class_names, yaml_quoted
from iouviewer.formats.coco_images import choose_task
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.frame_numbers import FrameAssignment, assign_frames
from iouviewer.formats.interface import UNSPECIFIED_NAME, BoxesToWrite, DetectedFormat, Location, ReadContext
from iouviewer.formats.label_files import listed_files, written_stems
from iouviewer.formats.number_text import exact_text, round_values, short_text
from iouviewer.formats.plausibility import (
    BEYOND,
    LARGEST_PERCENT,
    NEARLY_ALL,
    Evidence,
    all_of,
    confidence_comes_first,
    find_corners,
    implausible,
)
from iouviewer.formats.rows import Rows, one_size, resolve_classes
from iouviewer.formats.text import cannot_read, not_a_number, read_lines
from iouviewer.formats.unsupported_fields import Field
from iouviewer.formats.yolo_shapes import long_row_values
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Bool, Float

KEY = "yolo"
DATA_YAML_PATHS = {"path": ".", "train": "images", "val": "images"}
MAX_FRACTION = 2.0
"""Largest value that counts as a fraction (boxes may extend beyond the frame); larger values are pixels."""
_SAVE_TXT = re.compile(r"(.+)_(0|[1-9]\d*)")


def sniff(sample: FileSample) -> DetectedFormat | None:
    """Whitespace-separated rows of at least five numbers, most of them with fractions (NaN does not count as one).

    Longer rows are polygons, which the reader refuses row by row. No other format has rows of five numbers: with
    pixels they are left to the reader, which says what is wrong with them.
    """
    rows = sample.numeric_rows
    if not rows or len(rows[0]) < 5 or "," in sample.lines[0]:
        return None
    normalised = sum(all(float(cell) <= MAX_FRACTION for cell in row[1:5]) for row in rows)
    if 2 * normalised < len(rows):
        return _other_numbers(rows) if len(rows[0]) == 5 else None
    kind = ImportKind.GROUND_TRUTH if len(rows[0]) == 5 else ImportKind.PREDICTIONS
    return DetectedFormat(KEY, kind, 0.8, tr("YOLO rows (class x y w h)"))


def _other_numbers(rows: list[list[str]]) -> DetectedFormat | None:
    """The format of rows that begin with a class number, as YOLO labels do, but do not hold fractions."""
    if not 5 <= len(rows[0]) <= 7 or not all(row[0].isdigit() for row in rows):
        return None
    return DetectedFormat(KEY, ImportKind.UNKNOWN, 0.3, tr("Rows like YOLO labels, but not with fractions"))


def sniff_label_files(folder: Path, files: list[Path]) -> DetectedFormat | None:
    """A folder ``labels`` with only empty files, or a folder of files with rows as in YOLO labels and other numbers."""
    filled = [file for file in files if file.stat().st_size]
    sample = FileSample.read(filled[0]) if len(files) > 1 and filled else None
    if sample is not None and sample.syntax is Syntax.TABLE and sample.numeric_rows and "," not in sample.lines[0]:
        return _other_numbers(sample.numeric_rows)
    if folder.name != "labels" or not files or any(file.stat().st_size for file in files):
        return None
    return DetectedFormat(KEY, ImportKind.UNKNOWN, 0.5, tr("Folder labels/ with empty text files"))


@dataclass(slots=True)
class _Lines:
    """The numbers of all files, in file order; ``files`` has the file number of each row."""

    locations: list[Location] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)
    repeated: int = 0


def find_label_files(path: Path) -> list[Path]:
    """The label files of a folder: in ``labels/``, in a split below it, or in the folder itself; a file as it is.

    Raises:
        UserError: the folder cannot be listed.
    """
    if not path.is_dir():
        return [path]
    try:
        for folder in (path / "labels", path):
            if folder.is_dir():
                files = [p for p in folder.glob("*.txt") if p.name not in NAME_FILES]
                files = files or [p for p in folder.glob("*/*.txt") if p.name not in NAME_FILES]
                # Roboflow: train/labels/*.txt
                files = files or [p for p in folder.glob("*/labels/*.txt") if p.name not in NAME_FILES]
                if files:
                    return sorted(files)
    except OSError as error:
        raise cannot_read(path, error) from error
    return []


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a labels folder (or one file of it).

    Raises:
        UserError: the frame size is not known, or the numbers are not normalised.
    """
    if context.size is None and context.image_sizes is None:
        raise UserError(
            tr("YOLO labels are fractions of the frame size, which is not known"),
            path=path,
            remedy=tr("Open the video first, or pass --size WIDTHxHEIGHT."),
        )
    rows = Rows(path, context)
    files = _files_of_video(find_label_files(path), rows, context)
    if not files:
        # save_txt leaves an empty folder if a run detected nothing.
        if context.kind is not ImportKind.PREDICTIONS:
            raise UserError(tr("the folder contains no label files"), path=path)
        rows.notes.append(tr("The folder contains no label files: nothing was detected"))
    lines = _Lines()
    for number, file in enumerate(files):
        _read_file(file, number, rows, lines)
    _check_numbers(lines, path, context)
    has_scores, has_tracks = _find_columns(lines, rows)
    file_names = _relative_names(files, path)
    try:
        names = assign_frames(file_names, context, stride=context.stride or 1)
    except UserError as error:
        error.path = path
        raise
    if files:
        rows.notes.append(names.note)
    numbers = _add_rows(lines, files, file_names, names, rows, context, has_scores=has_scores, has_tracks=has_tracks)
    class_names, source = find_class_names(path if path.is_dir() else path.parent)
    if source is not None:
        rows.notes.append(StatedFact(tr("Class names from {name}", name=source.name)))
    found = resolve_classes(np.array(numbers, np.int64), class_names, NumberKind.INDEX, context)
    rows.class_ids, rows.class_table, notes = found[0].tolist(), *found[1:]
    rows.notes.extend(notes)
    if lines.repeated:
        rows.notes.append(
            tr_n(
                "{count} row is a duplicate: a second run may have been appended to the first",
                "{count:,} rows are duplicates: a second run may have been appended to the first",
                lines.repeated,
            )
        )
    kind = context.kind_or(ImportKind.PREDICTIONS if has_scores else ImportKind.UNKNOWN)
    is_single_file = len(files) == 1 and not path.is_dir()
    labelled = None if kind is ImportKind.PREDICTIONS or is_single_file else list(names.frames.values())
    return rows.finish(
        KEY,
        kind,
        context,
        scored=has_scores,
        labelled=labelled,
        size=one_size(context, None),
        images=listed_files(names, context),
        stride_applied=True,
    )


@dataclass(frozen=True, slots=True)
class ValRules:
    """What ``yolo val`` (ultralytics 8.4.190) does with the labels of a data set besides reading them.

    Attributes:
        left_out: frames of images that it leaves out because it cannot use the image or a label.
        repeated: (N,) bool, boxes that repeat another of their image and do not count; empty for none.
    """

    left_out: tuple[int, ...] = ()
    repeated: Bool = field(default_factory=lambda: np.zeros(0, np.bool_))


def read_label_files(
    path: Path,
    files: Mapping[int, Path],
    context: ReadContext,
    class_names: Mapping[int, str] | None,
    labelled: Sequence[int],
    notes: Sequence[str],
    class_count: int | None = None,
) -> tuple[ImportedBoxes, ValRules]:
    """Ground truth of a data set, whose label files are known by frame.

    Args:
        path: the file that describes the data set.
        labelled: frames that are labelled, those without objects included.
        notes: of the data set; those of the reader follow.
        class_count: number of classes of the data set; None where it states none.

    Raises:
        UserError: the numbers are not those of YOLO labels.
    """
    rows = Rows(path)
    rows.notes.extend(notes)
    lines = _Lines()
    frames = list(files)
    for place, frame in enumerate(frames):
        _read_file(files[frame], place, rows, lines)
    _check_numbers(lines, path, context)
    names = FrameAssignment({str(file): frame for frame, file in files.items()}, (), "")
    paths = list(files.values())
    numbers = _add_rows(
        lines, paths, [str(file) for file in paths], names, rows, context, has_scores=False, has_tracks=False
    )
    found = resolve_classes(np.array(numbers, np.int64), class_names, NumberKind.INDEX, context)
    rows.class_ids, rows.class_table = found[0].tolist(), found[1]
    rows.notes.extend(found[2])
    values = np.array([row[:5] for row in lines.values], np.float32).reshape(-1, 5)
    at = np.array(frames, np.int64)[np.array(lines.files, np.int64)]
    left_out = {int(frame) for frame in at[_unusable(lines, values, class_count)]}
    boxes = rows.finish(
        KEY, ImportKind.GROUND_TRUTH, context, scored=False, labelled=labelled, size=one_size(context, None)
    )
    return boxes, ValRules(tuple(sorted(left_out)), _repeated(boxes))


def _unusable(lines: _Lines, values: NDArray[np.float32], class_count: int | None) -> Bool:
    """(N,) bool: rows for which ultralytics 8.4.190 (``verify_image_label``) leaves out the whole image."""
    wrong_columns = np.array([len(row) != 5 for row in lines.values], np.bool_)
    beyond = (values[:, 1:] > 1.01).any(axis=1) | (values[:, 1:] < -0.01).any(axis=1) | (values[:, 3:] < 0).any(axis=1)
    unknown = values[:, 0] >= (np.inf if class_count is None else class_count)
    return wrong_columns | beyond | unknown


def _repeated(boxes: ImportedBoxes) -> Bool:
    """(N,) bool: rows that are equal to an earlier one of their frame."""
    keys = np.column_stack([boxes.frames, boxes.class_ids, boxes.boxes.T.astype(np.float32)])
    first = np.unique(keys, axis=0, return_index=True)[1]
    result = np.ones(len(boxes), np.bool_)
    result[first] = False
    return result


def _relative_names(files: list[Path], path: Path) -> list[str]:
    """Names of label files with the folders below ``path``, which tell images of one name apart."""
    root = path if path.is_dir() else path.parent
    return [file.relative_to(root).as_posix() for file in files]


def _files_of_video(files: list[Path], rows: Rows, context: ReadContext) -> list[Path]:
    """The files of the open video, if the folder has files of several videos (by save_txt)."""
    stems = {found[1] for file in files if (found := _SAVE_TXT.fullmatch(file.stem))}
    wanted = context.task or context.video_stem
    if len(stems) < 2:
        return files
    if wanted not in stems:
        _refuse_two_videos(files, sorted(stems), context)
        return files
    chosen = [f for f in files if (found := _SAVE_TXT.fullmatch(f.stem)) and found[1] == wanted]
    rows.notes.append(
        tr_n(
            "{count} file of another video is left out",
            "{count:,} files of other videos are left out",
            len(files) - len(chosen),
        )
    )
    return chosen


def _refuse_two_videos(files: list[Path], stems: list[str], context: ReadContext) -> None:
    """UncertainReadingError if two videos have a file of the same number, and none of them is the open video."""
    if context.video_stem is None or context.image_names is not None or len({file.parent for file in files}) > 1:
        return
    numbers = [found[2] for file in files if (found := _SAVE_TXT.fullmatch(file.stem))]
    if len(numbers) == len(files) and len(set(numbers)) < len(numbers):
        choose_task(stems, files[0].parent, context)


def _read_file(file: Path, number: int, rows: Rows, lines: _Lines) -> None:
    seen: set[str] = set()
    for line_number, line in enumerate(read_lines(file), 1):
        fields = line.split()
        if not fields:
            continue
        location = Location(file, line_number)
        if not 5 <= len(fields) <= 7:
            if len(fields) > 7:
                reason = tr("{count} columns: polygons and keypoints are not supported", count=len(fields))
                if (values := long_row_values(fields, location, reason, rows)) is not None:
                    lines.locations.append(location)
                    lines.files.append(number)
                    lines.values.append(values)
                continue
            else:
                reason = tr_n(
                    "{count} column instead of at least 5", "{count} columns instead of at least 5", len(fields)
                )
            rows.refuse(location, reason)
            continue
        try:
            values = [float(text) for text in fields]
        except ValueError as error:
            rows.refuse(location, not_a_number(error))
            continue
        if not values[0].is_integer() or not 0 <= values[0] < 2**31:
            rows.refuse(location, tr("{text} is not a class number", text=fields[0]))
            continue
        lines.repeated += line.strip() in seen
        seen.add(line.strip())
        lines.locations.append(location)
        lines.files.append(number)
        lines.values.append(values)


def _check_numbers(lines: _Lines, path: Path, context: ReadContext) -> None:
    """Errors if the numbers are not what YOLO labels hold; the order of columns may be vouched for by the user."""
    if not context.trust_columns:
        _check_columns(lines, path)
    _check_normalised(lines, path)


def _check_normalised(lines: _Lines, path: Path) -> None:
    """UserError if the file has pixels or percent; single invalid rows are left to the row validation."""
    if not lines.values:
        return
    with np.errstate(invalid="ignore"):
        numbers = np.array([values[1:5] for values in lines.values])
        largest = np.nanmedian(numbers.max(axis=1))
        percent = bool(np.nanmax(numbers) <= LARGEST_PERCENT)
    if largest > MAX_FRACTION:
        unit = tr("percent (or pixels)") if percent else tr("pixels")
        raise UserError(
            tr(
                "the numbers look like {unit}, not like normalised fractions (0–1) of the frame size: "
                "half of the rows have values above {largest:g}",
                unit=unit,
                largest=float(largest),
            ),
            path=path,
            remedy=tr("YOLO labels have the form: class xc yc w h, with xc, yc, w and h from 0 to 1."),
        )


def _check_columns(lines: _Lines, path: Path) -> None:
    """UserError if the columns have another order: corners instead of centre and size, the confidence first."""
    if not lines.values:
        return
    columns = np.array([values[1:5] for values in lines.values]).T
    inside = _lie_inside(columns)
    leaves = np.abs(columns[:2] - 0.5) + columns[2:] / 2 > 0.5 + BEYOND
    if find_corners(columns, leaves=leaves, fits=all_of(columns[2:] <= 1 + BEYOND)) is Evidence.PROOF:
        raise implausible(
            path,
            tr("the columns look like corners x1 y1 x2 y2, but YOLO labels have the centre, the width and the height"),
            tr("Write class xc yc w h"),
        )
    if all(len(values) >= 6 for values in lines.values) and inside.mean() <= 0.5:
        shares = bool(((columns[0] >= 0) & (columns[0] <= 1)).all())
        after_confidence = np.array([values[2:6] for values in lines.values]).T
        if shares and _lie_inside(after_confidence, 0.02).mean() >= NEARLY_ALL:
            raise confidence_comes_first(path, tr("class xc yc w h confidence"))


def _lie_inside(columns: Float, beyond: float = BEYOND) -> Bool:
    """(N,) bool: boxes, (4, N) centre and size in fractions of the frame, that lie in it, up to ``beyond``."""
    half = columns[2:] / 2
    low, high = columns[:2] - half, columns[:2] + half
    return all_of((low >= -beyond) & (high <= 1 + beyond))


def _find_columns(lines: _Lines, rows: Rows) -> tuple[bool, bool]:
    """Whether the rows have confidences and track ids; a sixth column may be either."""
    widths = {len(values) for values in lines.values}
    if 7 in widths:
        return True, True
    if 6 not in widths:
        return False, False
    sixth = np.array([values[5] for values in lines.values if len(values) == 6])
    if np.all(sixth == np.rint(sixth)) and np.any(sixth > 1):
        rows.notes.append(tr("Column 6 is read as track IDs, because it has integers above 1"))
        return False, True
    rows.notes.append(StatedFact(tr("Column 6 is read as confidence")))
    return True, False


def _add_rows(
    lines: _Lines,
    files: list[Path],
    file_names: list[str],
    names: FrameAssignment,
    rows: Rows,
    context: ReadContext,
    *,
    has_scores: bool,
    has_tracks: bool,
) -> list[int]:
    numbers: list[int] = []
    frames = [names.frames.get(name) for name in file_names]
    for name, label_file in zip(file_names, files, strict=True):
        if name not in names.frames:
            rows.refuse(Location(label_file), tr("has no image in the image folder"))
    for location, file, values in zip(lines.locations, lines.files, lines.values, strict=True):
        frame = frames[file]
        if frame is None:
            continue
        xc, yc, w, h = values[1:5]
        width, height = context.size_of(frame) or (0, 0)
        # Half the extent is subtracted before scaling: w = 1 and xc = 0.5 give exactly the edges of the frame.
        rect = ((xc - w / 2) * width, (yc - h / 2) * height, (xc + w / 2) * width, (yc + h / 2) * height)
        score = values[5] if has_scores and len(values) > 5 else None
        track = values[-1] if has_tracks and len(values) > 5 and (len(values) == 7 or not has_scores) else NO_TRACK
        if not np.isfinite(track) or track != int(track) or abs(track) > 2**53:
            rows.refuse(location, tr("{value:g} is not a track ID", value=float(track)))
            continue
        numbers.append(int(values[0]))
        rows.add(location, frame, rect, score=score, track=max(int(track), NO_TRACK))
    return numbers


def write(path: Path, data: BoxesToWrite) -> None:
    """A new folder with ``labels/`` and ``data.yaml``; an empty file is a labelled frame without objects.

    Classes keep their order. Boxes without a class get the number after the last one, named ``unspecified``.
    Ignored boxes are left out, as ultralytics' own COCO converter does: YOLO has no mark for them.
    """
    names = list(data.class_names)
    for name in names:
        if "\n" in name or "\r" in name:
            reason = tr("the class name {name!r} has a line break, which data.yaml cannot store", name=name)
            raise UserError(reason, path=path)
    if np.any(np.asarray(data.class_ids) < 0):
        names.append(UNSPECIFIED_NAME)
    lines: dict[int, list[str]] = defaultdict(list)
    for row, text in enumerate(_format_rows(data, len(names) - 1)):
        if not int(data.flags[row]) & BoxFlag.IGNORED:
            lines[int(data.frames[row])].append(text)
    with atomic_folder(path) as folder:
        (folder / "labels").mkdir()
        for frame, name in written_stems(data).items():
            content = "".join(f"{line}\n" for line in lines.get(frame, ()))
            file = folder / "labels" / f"{name}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode())
        header = "".join(f"{key}: {value}\n" for key, value in DATA_YAML_PATHS.items())
        block = "".join(f"  {number}: {yaml_quoted(name)}\n" for number, name in enumerate(names))
        text = f"{header}names:\n{block}"
        (folder / "data.yaml").write_bytes(text.encode())


def _format_rows(data: BoxesToWrite, unspecified: int) -> list[str]:
    """A line for each box; ``unspecified`` is the class number of boxes without a class."""
    boxes = np.asarray(data.boxes, np.float64)
    width, height = data.sizes_of_rows()
    # An error of half a unit in the last place moves an edge by that times the frame size, at most 1e-6 px in all.
    decimals = 7 + math.ceil(math.log10(max([*width.tolist(), *height.tolist(), 1.0])))
    fractions = np.stack(
        [
            (boxes[0] + boxes[2]) / 2 / width,
            (boxes[1] + boxes[3]) / 2 / height,
            (boxes[2] - boxes[0]) / width,
            (boxes[3] - boxes[1]) / height,
        ]
    )
    columns = round_values(fractions, decimals).T.tolist()
    classes = np.asarray(data.class_ids).tolist()
    scores = None if data.scores is None else np.asarray(data.scores, np.float64).tolist()
    tracks = np.asarray(data.track_ids).tolist()
    # Ground truth has five columns: ultralytics refuses training files with a sixth.
    with_tracks = scores is not None and any(track >= 0 for track in tracks)
    result = []
    for row, values in enumerate(columns):
        texts = [short_text(v, decimals) for v in values]
        if texts[2] == "0" or texts[3] == "0":
            texts = [exact_text(v) for v in fractions[:, row].tolist()]
        cells = [str(classes[row] if classes[row] >= 0 else unspecified), *texts]
        cells += [exact_text(scores[row])] if scores is not None else []
        cells += [str(tracks[row])] if with_tracks else []
        result.append(" ".join(cells))
    return result


FORMAT = Format(
    key=KEY,
    name=tr("YOLO labels folder"),
    menu_name=tr("YOLO folder"),
    about=tr("A folder with one text file a frame, sizes relative to the frame."),
    syntaxes=(Syntax.TABLE,),
    detect=sniff,
    detect_rank=1,
    read=read,
    write=write,
    is_folder=True,
    menu_rank=4,
    label_ending=".txt",
    detect_label_files=sniff_label_files,
    lacks=(Field.IGNORED, Field.OCCLUDED, Field.TRUNCATED, Field.ATTRIBUTES, Field.KEY_FRAMES),
    lacks_in_truth=(Field.TRACK_IDS,),
)
