"""YOLO text labels: ``class xc yc w h [conf] [id]``, normalised to 0..1, one file an image.

Two habits share the layout. A dataset has a file for every labelled image, an empty one where it shows nothing.
ultralytics' ``save_txt`` on a video writes ``labels/<stem>_<n>.txt``, n from 1, and no file at all for a frame without
detections; with ``vid_stride=k`` the n-th file is the picture n * k - 1 (from 0); older versions append to the files of
an earlier run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.errors import UserError
from iouviewer.formats.frames import FrameNames, frames_of
from iouviewer.formats.interface import Place, ReadContext
from iouviewer.formats.names_yaml import NAME_FILES, find_names
from iouviewer.formats.rows import ClassTable, Rows, named_classes
from iouviewer.formats.text import cannot_read, read_lines

KEY = "yolo"
_SAVE_TXT = re.compile(r"(.+)_(0|[1-9]\d*)")


@dataclass(slots=True)
class _Lines:
    """The numbers of all files, file by file."""

    places: list[Place] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)
    repeated: int = 0


def label_files(path: Path) -> list[Path]:
    """The label files of a folder: in ``labels/``, in a split below it, or in the folder itself.

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
                if files:
                    return sorted(files)
    except OSError as error:
        raise cannot_read(path, error) from error
    return []


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a labels folder (or one file of it).

    Raises:
        UserError: the size of the pictures is not known, or the numbers are not normalised.
    """
    if context.size is None:
        raise UserError(
            "YOLO labels are fractions of the picture, whose size is not known",
            path=path,
            remedy="Open the video first, or give --size WIDTHxHEIGHT.",
        )
    rows = Rows(path)
    files = _files_of_video(label_files(path), rows, context)
    if not files:
        # save_txt leaves an empty folder where a run found nothing at all.
        if context.kind is not Kind.PREDICTIONS:
            raise UserError("holds no label files", path=path)
        rows.notes.append("the folder holds no label files: nothing was detected")
    lines = _Lines()
    for number, file in enumerate(files):
        _read_file(file, number, rows, lines)
    _check_normalised(lines, path)
    has_scores, has_tracks = _columns(lines, rows)
    names = frames_of([file.name for file in files], context, stride=context.stride or 1)
    if files:
        rows.notes.append(names.note)
    numbers = _add_rows(lines, files, names, rows, context.size, has_scores=has_scores, has_tracks=has_tracks)
    class_names, source = find_names(path if path.is_dir() else path.parent)
    if class_names is None and context.class_names:
        class_names = dict(enumerate(context.class_names))
    if source is not None:
        rows.notes.append(f"class names from {source.name}")
    fixed, known, notes = named_classes(np.array(numbers, np.int64), class_names, context)
    rows.class_ids, rows.classes = fixed.tolist(), ClassTable(known)
    rows.notes.extend(notes)
    if lines.repeated:
        rows.notes.append(
            f"{lines.repeated} rows occur twice in their file: a second run may have been appended to the first"
        )
    kind = context.kind_or(Kind.PREDICTIONS if has_scores else Kind.UNKNOWN)
    unnumbered = len(files) == 1 and not path.is_dir()
    labelled = None if kind is Kind.PREDICTIONS or unnumbered else list(names.frames.values())
    return rows.finish(KEY, kind, scored=has_scores, labelled=labelled, size=context.size)


def _files_of_video(files: list[Path], rows: Rows, context: ReadContext) -> list[Path]:
    """Only the files of the open video, where the folder holds those of several (save_txt of several videos)."""
    stems = {found[1] for file in files if (found := _SAVE_TXT.fullmatch(file.stem))}
    if context.video_stem not in stems or len(stems) < 2:
        return files
    chosen = [f for f in files if (found := _SAVE_TXT.fullmatch(f.stem)) and found[1] == context.video_stem]
    rows.notes.append(f"{len(files) - len(chosen)} files of other videos were left out")
    return chosen


def _read_file(file: Path, number: int, rows: Rows, lines: _Lines) -> None:
    seen: set[str] = set()
    for line_number, line in enumerate(read_lines(file), 1):
        fields = line.split()
        if not fields:
            continue
        place = Place(file, line_number)
        if not 5 <= len(fields) <= 7:
            what = "a polygon or key points, no box" if len(fields) > 7 else "at least 5 are needed"
            rows.refuse(place, f"{len(fields)} columns: {what}")
            continue
        try:
            values = [float(text) for text in fields]
        except ValueError as error:
            rows.refuse(place, f"not a number: {str(error).rsplit(': ', 1)[-1]}")
            continue
        if not values[0].is_integer() or not 0 <= values[0] < 2**31:
            rows.refuse(place, f"{fields[0]} is not a class number")
            continue
        lines.repeated += line.strip() in seen
        seen.add(line.strip())
        lines.places.append(place)
        lines.files.append(number)
        lines.values.append(values)


def _check_normalised(lines: _Lines, path: Path) -> None:
    """Pixels instead of fractions would put every box far outside; a single odd row is the row check's business."""
    if not lines.values:
        return
    with np.errstate(invalid="ignore"):
        largest = np.nanmedian(np.array([max(values[1:5]) for values in lines.values]))
    if largest > 2:
        raise UserError(
            f"the numbers are not fractions of the picture: half of the rows go beyond {largest:g}",
            path=path,
            remedy="YOLO labels have the form: class xc yc w h, each from 0 to 1.",
        )


def _columns(lines: _Lines, rows: Rows) -> tuple[bool, bool]:
    """Whether there are confidences and track ids; six columns may be either."""
    widths = {len(values) for values in lines.values}
    if 7 in widths:
        return True, True
    if 6 not in widths:
        return False, False
    sixth = np.array([values[5] for values in lines.values if len(values) == 6])
    if np.all(sixth == np.rint(sixth)) and np.any(sixth > 1):
        rows.notes.append("column 6 is taken for track ids: whole numbers above 1")
        return False, True
    rows.notes.append("column 6 is taken for the confidence")
    return True, False


def _add_rows(
    lines: _Lines,
    files: list[Path],
    names: FrameNames,
    rows: Rows,
    size: tuple[int, int],
    *,
    has_scores: bool,
    has_tracks: bool,
) -> list[int]:
    width, height = size
    numbers: list[int] = []
    frames = [names.frames.get(file.name) for file in files]
    for name in names.unknown:
        rows.refuse(Place(files[0].parent / name), "belongs to none of the images")
    for place, file, values in zip(lines.places, lines.files, lines.values, strict=True):
        frame = frames[file]
        if frame is None:
            continue
        xc, yc, w, h = values[1:5]
        # The half extents are scaled first: with w = 1 and xc = 0.5 the edges are the picture's to the bit.
        rect = ((xc - w / 2) * width, (yc - h / 2) * height, (xc + w / 2) * width, (yc + h / 2) * height)
        score = values[5] if has_scores and len(values) > 5 else None
        track = values[-1] if has_tracks and len(values) > 5 and (len(values) == 7 or not has_scores) else NO_TRACK
        if not np.isfinite(track) or track != int(track) or abs(track) > 2**53:
            rows.refuse(place, f"{track:g} is not a track id")
            continue
        numbers.append(int(values[0]))
        rows.add(place, frame, rect, score=score, track=max(int(track), NO_TRACK))
    return numbers
