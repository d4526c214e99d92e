"""Benchmarks filmed by drones: VisDrone's labels of single images, and UAVDT's tracks.

VisDrone-DET has one text file an image: ``left,top,width,height,score,category,truncation,occlusion``; its tracks are
read as MOTChallenge text. UAVDT's ``*_gt_whole.txt``:
``frame,target,left,top,width,height,out-of-view,occlusion,category``, frames from 1, out-of-view 1 to 3, occlusion 1
to 4, categories car, truck, bus. Layouts: the readme files of both data sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.class_lists import VISDRONE_CLASSES
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.imported import ImportedBoxes, ImportKind, Location, StatedFact
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.interface import DetectedFormat, ReadContext
from iouviewer.formats.label_files import Size, read_folder
from iouviewer.formats.rows import Rows
from iouviewer.formats.text import not_a_number, read_lines
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

VISDRONE_KEY, UAVDT_KEY = "visdrone", "uavdt"
OTHERS = 11
"""Category that VisDrone does not evaluate."""
UAVDT_CLASSES = ("car", "truck", "bus")


def _numbers(line: str) -> list[float]:
    return [float(cell) for cell in line.strip().rstrip(",").split(",")]


def sniff_visdrone(sample: FileSample) -> DetectedFormat | None:
    """Rows of eight numbers whose last four are score, category, truncation and occlusion."""
    rows = [[float(cell) for cell in row] for row in sample.numeric_rows]
    if not rows or "," not in sample.lines[0] or len(rows[0]) != 8:
        return None
    if not all(_has_visdrone_flags(row) for row in rows):
        return None
    is_result = all(row[6] == -1 and row[7] == -1 for row in rows)
    kind = ImportKind.PREDICTIONS if is_result else ImportKind.GROUND_TRUTH
    return DetectedFormat(VISDRONE_KEY, kind, 0.9, tr("VisDrone rows of 8 numbers"))


def _has_visdrone_flags(row: Sequence[float]) -> bool:
    _, _, _, _, score, category, truncation, occlusion = row
    return 0 <= score <= 1 and category in range(12) and truncation in (-1, 0, 1) and occlusion in (-1, 0, 1, 2)


def read_visdrone(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a folder of VisDrone labels, or of one file.

    Raises:
        UserError: the folder cannot be listed, or none of its files can be read.
    """
    wants_scores = context.kind is ImportKind.PREDICTIONS

    def read_file(file: Path, frame: int, rows: Rows) -> tuple[str, Size]:
        rows.class_table = rows.class_table or ClassTable.of(VISDRONE_CLASSES, range(1, 12), NumberKind.MOT)
        for number, line in enumerate(read_lines(file), 1):
            if not line.strip():
                continue
            location = Location(file, number)
            try:
                values = _numbers(line)
            except ValueError as error:
                rows.refuse(location, not_a_number(error))
                continue
            if len(values) != 8 or not _has_visdrone_flags(values):
                rows.refuse(location, tr("not the eight numbers of a VisDrone label"))
                continue
            _add_visdrone(rows, location, frame, values, scored=wants_scores)
        return "", None

    return read_folder(path, VISDRONE_KEY, ".txt", context, read_file, scored=wants_scores)


def _add_visdrone(rows: Rows, location: Location, frame: int, values: Sequence[float], *, scored: bool) -> None:
    x, y, width, height, score, category, truncation, occlusion = values
    flags = BoxFlag.NONE
    if not scored:
        flags |= BoxFlag.IGNORED if score == 0 or category in (0, OTHERS) else BoxFlag.NONE
        flags |= BoxFlag.TRUNCATED if truncation == 1 else BoxFlag.NONE
        flags |= BoxFlag.OCCLUDED if occlusion >= 1 else BoxFlag.NONE
    rows.add(
        location,
        frame,
        (x, y, x + width, y + height),
        class_id=int(category) - 1,
        score=score if scored else None,
        flags=int(flags),
    )


def sniff_uavdt(sample: FileSample) -> DetectedFormat | None:
    """Nine numbers whose last three are out-of-view, occlusion and category, and cannot be MOTChallenge's."""
    rows = [[float(cell) for cell in row] for row in sample.numeric_rows]
    if not rows or "," not in sample.lines[0] or len(rows[0]) != 9:
        return None
    fits = all(row[6] in (1, 2, 3) and row[7] in (1, 2, 3, 4) and row[8] in (1, 2, 3) for row in rows)
    is_named = sample.path.stem.lower().endswith("_gt_whole")
    if not fits or not (is_named or any(row[6] > 1 or row[8] > 1 for row in rows)):
        return None
    return DetectedFormat(UAVDT_KEY, ImportKind.GROUND_TRUTH, 0.85, tr("UAVDT rows of 9 numbers"))


def read_uavdt(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a UAVDT sequence.

    Raises:
        UserError: the file cannot be read.
    """
    rows = Rows(path)
    rows.class_table = ClassTable.of(UAVDT_CLASSES, range(1, 4), NumberKind.MOT)
    base = 1 if context.frame_base is None else context.frame_base
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        location = Location(path, number)
        try:
            values = _numbers(line)
        except ValueError as error:
            rows.refuse(location, not_a_number(error))
            continue
        if len(values) != 9 or values[8] not in (1, 2, 3):
            rows.refuse(location, tr("not the nine numbers of a UAVDT row with a category from 1 to 3"))
            continue
        frame, target, x, y, width, height, view, occlusion, category = values
        flags = BoxFlag.TRUNCATED if view > 1 else BoxFlag.NONE
        flags |= BoxFlag.OCCLUDED if occlusion > 1 else BoxFlag.NONE
        rect = (x, y, x + width, y + height)
        track = int(target) if target >= 0 else NO_TRACK
        rows.add(location, frame - base, rect, class_id=int(category) - 1, track=track, flags=int(flags))
    rows.notes.append(StatedFact(tr("Frames start at {base}", base=base)))
    return rows.finish(UAVDT_KEY, context.kind_or(ImportKind.GROUND_TRUTH), context, scored=False, frame_base=base)


FORMATS = (
    Format(
        key=VISDRONE_KEY,
        name=tr("VisDrone image labels"),
        syntaxes=(Syntax.TABLE,),
        detect=sniff_visdrone,
        detect_rank=1,
        read=read_visdrone,
        is_folder=True,
        label_ending=".txt",
        menu_rank=34,
        lacks=(Field.TRACK_IDS, Field.ATTRIBUTES, Field.KEY_FRAMES),
    ),
    Format(
        key=UAVDT_KEY,
        name=tr("UAVDT tracks"),
        extensions=(".txt",),
        kinds=(ImportKind.GROUND_TRUTH,),
        syntaxes=(Syntax.TABLE,),
        detect=sniff_uavdt,
        detect_rank=1,
        read=read_uavdt,
        menu_rank=35,
        lacks=(Field.SCORES, Field.IGNORED, Field.ATTRIBUTES, Field.KEY_FRAMES, Field.LABELLED_FRAMES),
    ),
)
