"""VIAME CSV and DIVE JSON, the two formats of Kitware's DIVE.

VIAME CSV has no header, or one in comments: ``track, image or time, frame from 0, x1, y1, x2, y2, confidence, length,
class, confidence, ...``. DIVE JSON has ``tracks`` with ``features`` (key frames) and ``confidencePairs``. Layouts:
VIAME's documentation of detection files, DIVE's serialisers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.imported import ImportedBoxes, ImportKind, Location, StatedFact
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.interface import DetectedFormat, ReadContext
from iouviewer.formats.json_safe import as_index, as_number, read_json
from iouviewer.formats.rows import Rows
from iouviewer.formats.text import not_a_number, read_text
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

KEY, DIVE_KEY = "viame", "dive"
FIXED_COLUMNS = 9


def sniff(sample: FileSample) -> DetectedFormat | None:
    """The header in a comment, or rows with a class behind nine columns whose second is a name."""
    is_named = sample.text.startswith("#") and "Track-id" in sample.text.split("\n", 1)[0]
    rows = [line.split(",") for line in sample.lines[:20]]
    if is_named or (rows and all(map(_is_row, rows))):
        return DetectedFormat(KEY, ImportKind.UNKNOWN, 0.9, tr("VIAME CSV"))
    return None


def _is_row(cells: list[str]) -> bool:
    if len(cells) < FIXED_COLUMNS + 2 or not cells[0].strip().isdigit() or not cells[2].strip().isdigit():
        return False
    try:
        [float(cell) for cell in (*cells[3:9], cells[10])]
    except ValueError:
        return False
    return cells[9].strip()[:1].isalpha()


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a VIAME CSV; the class is the one with the highest confidence.

    Raises:
        UserError: the file cannot be read.
    """
    rows = Rows(path)
    base = context.frame_base or 0
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    for cells in reader:
        if not cells or cells == [""] or cells[0].lstrip().startswith("#"):
            continue
        location = Location(path, reader.line_num)
        if len(cells) < FIXED_COLUMNS:
            rows.refuse(location, tr("{count} columns instead of at least 9", count=len(cells)))
            continue
        try:
            track, frame = int(float(cells[0])), float(cells[2]) - base
            rect = [float(cell) for cell in cells[3:7]]
            name, score = _best_class(cells[FIXED_COLUMNS:], float(cells[7]))
        except (ValueError, OverflowError) as error:
            rows.refuse(location, not_a_number(ValueError(str(error))))
            continue
        rows.add(location, frame, rect, class_id=rows.classes.index(name), score=score, track=max(track, NO_TRACK))
    return _finish(rows, KEY, context, base)


def _best_class(cells: list[str], confidence: float) -> tuple[str, float]:
    """The class with the highest confidence, and that; attributes such as ``(kp)`` follow the classes."""
    best, score = "", confidence
    for at in range(0, len(cells) - 1, 2):
        if cells[at].lstrip().startswith("("):
            break
        value = float(cells[at + 1])
        if not best or value > score:
            best, score = cells[at].strip(), value
    return best, score


def _finish(rows: Rows, key: str, context: ReadContext, base: int) -> ImportedBoxes:
    """Ground truth where every confidence is 1 or none, as people's boxes are written; else predictions."""
    certain = all(score in (1.0, -1.0) for score in rows.scores)
    kind = context.kind_or(ImportKind.GROUND_TRUTH if certain else ImportKind.PREDICTIONS)
    if certain:
        rows.notes.append(StatedFact(tr("Every confidence is 1: read as ground truth, without confidences")))
        rows.scores = [float("nan")] * len(rows)
    rows.notes.append(StatedFact(tr("Frames start at {base}", base=base)))
    return rows.finish(key, kind, context, scored=not certain, frame_base=base)


def sniff_dive(sample: FileSample) -> DetectedFormat | None:
    """Tracks with features."""
    if sample.has_keys("features", "confidencePairs"):
        return DetectedFormat(DIVE_KEY, ImportKind.UNKNOWN, 0.95, tr("DIVE JSON with tracks"))
    return None


def read_dive(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of DIVE's tracks: key frames as they are, frames between interpolated where the track says so.

    Raises:
        UserError: damaged JSON, or no tracks.
    """
    content = read_json(path)
    tracks = content.get("tracks", content) if isinstance(content, dict) else None
    if not isinstance(tracks, dict):
        raise UserError(tr("the file has no tracks of DIVE"), path=path)
    rows = Rows(path)
    base = context.frame_base or 0
    for key, track in tracks.items():
        if isinstance(track, dict) and isinstance(track.get("features"), list):
            _add_track(rows, track, f"tracks.{key}", base, context.frame_count)
    return _finish(rows, DIVE_KEY, context, base)


def _add_track(rows: Rows, track: Mapping[str, Any], element: str, base: int, frame_count: int | None) -> None:
    pairs = track.get("confidencePairs")
    named = [(as_number(score) or 0.0, str(name)) for name, score in pairs] if isinstance(pairs, list) else []
    score, name = max(named, default=(1.0, ""), key=lambda pair: pair[0])
    class_id = rows.classes.index(name)
    number = as_index(track.get("trackId", track.get("id")))
    before: tuple[int, list[float]] | None = None
    for index, feature in enumerate(track["features"]):
        location = Location(rows.path, None, f"{element}.features[{index}]")
        frame = as_index(feature.get("frame")) if isinstance(feature, dict) else None
        bounds = feature.get("bounds") if isinstance(feature, dict) else None
        values = [as_number(one) for one in bounds] if isinstance(bounds, list) else []
        rect = [one for one in values if one is not None]
        if frame is None or len(rect) != 4:
            if bounds is not None:  # a feature without bounds is only a mark
                rows.refuse(location, tr("the feature has no frame or no four numbers"))
            before = None
            continue

        def add(at: int, box: list[float], flag: BoxFlag, place: Location) -> None:
            rows.add(
                place,
                at - base,
                box,
                class_id=class_id,
                score=score,
                track=NO_TRACK if number is None else number,
                flags=int(flag),
            )

        if before is not None:
            first, start = before
            for at in (one + base for one in rows.between(first + 1 - base, frame - base, 1, frame_count)):
                share = (at - first) / (frame - first)
                between = [a + (b - a) * share for a, b in zip(start, rect, strict=True)]
                add(at, between, BoxFlag.INTERPOLATED, location)
        is_key = feature.get("keyframe") is True
        add(frame, rect, BoxFlag.KEY_FRAME if is_key else BoxFlag.NONE, location)
        before = (frame, rect) if feature.get("interpolate") is True else None


FORMATS = (
    Format(
        key=KEY,
        name=tr("VIAME CSV"),
        extensions=(".csv",),
        syntaxes=(Syntax.TABLE,),
        detect=sniff,
        read=read,
        menu_rank=18,
        lacks=(
            Field.IGNORED,
            Field.OCCLUDED,
            Field.TRUNCATED,
            Field.ATTRIBUTES,
            Field.KEY_FRAMES,
            Field.LABELLED_FRAMES,
        ),
    ),
    Format(
        key=DIVE_KEY,
        name=tr("DIVE JSON"),
        extensions=(".json",),
        syntaxes=(Syntax.JSON,),
        detect=sniff_dive,
        read=read_dive,
        menu_rank=33,
        lacks=(Field.IGNORED, Field.OCCLUDED, Field.TRUNCATED, Field.ATTRIBUTES, Field.LABELLED_FRAMES),
    ),
)
