"""Rows on their way in: validation at the border, and the columns that become ``ImportedBoxes``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.boxes import LIMIT, NO_TRACK, why_invalid
from iouviewer.document.imported import ImportedBoxes, Kind, RefusedRow
from iouviewer.formats.interface import UNSPECIFIED_NAME, Place, ReadContext
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Float, Int

LAST_FRAME = 2**31 - 1
"""Larger frame numbers are mistakes: at 60 pictures a second this is more than a year."""


class ClassTable:
    """Class names in the order in which they are first seen, or in a given order."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: list[str] = []
        self._index: dict[str, int] = {UNSPECIFIED_NAME: UNSPECIFIED_CLASS, "": UNSPECIFIED_CLASS}
        for name in names:
            self._index.setdefault(name, len(self.names))
            self.names.append(name)

    def index(self, name: str) -> int:
        """Number of the class, a new one if it was not seen; -1 for ``unspecified`` and the empty name."""
        found = self._index.get(name)
        if found is None:
            found = self._index[name] = len(self.names)
            self.names.append(name)
        return found


def reasons(frames: Float, boxes: Float, scores: Float | None, *, base: int = 0) -> dict[int, str]:
    """Why rows may not enter, by row number; empty where all may.

    Args:
        frames: (N,) float64, as the file numbers them; the first picture has the number ``base``.
        boxes: (4, N) float64, x1, y1, x2, y2.
        scores: (N,) float64 or None.
    """
    with np.errstate(invalid="ignore"):
        good: Bool = (frames == np.rint(frames)) & (frames >= base) & (frames <= LAST_FRAME)
        good &= (np.abs(boxes) <= LIMIT).all(axis=0) & (boxes[2] > boxes[0]) & (boxes[3] > boxes[1])
        if scores is not None:
            good &= np.isfinite(scores)
    found: dict[int, str] = {}
    for row in np.flatnonzero(~good):
        frame = float(frames[row])
        if not np.isfinite(frame) or frame != round(frame) or frame > LAST_FRAME:
            found[int(row)] = f"frame {frame:g} is not a frame number"
        elif frame < base:
            why = "is negative" if base == 0 else f"comes before the first frame, {base}"
            found[int(row)] = f"frame {frame:g} {why}"
        else:
            x1, y1, x2, y2 = boxes[:, row].tolist()
            found[int(row)] = why_invalid((x1, y1, x2, y2)) or "the score is not a finite number"
    return found


class Rows:
    """Rows of formats that are read one by one; the checks run once over all of them.

    ``place_of``, where it is set, gives the place of a row instead of ``places``: a reader that fills the columns at
    once need not make a million places of which none may be asked for.
    """

    def __init__(self, path: Path, classes: ClassTable | None = None) -> None:
        self.path = path
        self.classes = classes or ClassTable()
        self.frames: list[float] = []
        self.rects: list[Sequence[float]] = []
        self.class_ids: list[int] = []
        self.scores: list[float] = []
        self.tracks: list[int] = []
        self.flags: list[int] = []
        self.places: list[Place] = []
        self.place_of: Callable[[int], Place] | None = None
        self.refused: list[RefusedRow] = []
        self.notes: list[str] = []

    def __len__(self) -> int:
        return len(self.frames)

    def add(
        self,
        place: Place,
        frame: float,
        rect: Sequence[float],
        *,
        class_id: int = UNSPECIFIED_CLASS,
        score: float | None = None,
        track: int = NO_TRACK,
        flags: int = 0,
    ) -> None:
        """Take a row: 0-based frame, (x1, y1, x2, y2); it is checked in ``finish``."""
        self.places.append(place)
        self.frames.append(frame)
        self.rects.append(rect)
        self.class_ids.append(class_id)
        # Where some rows have a score and others have none, the missing ones are refused as not finite.
        self.scores.append(np.nan if score is None else score)
        self.tracks.append(track)
        self.flags.append(flags)

    def keep_only(self, kept: Sequence[int]) -> None:
        """Drop every row that is not in ``kept`` (ascending); for rows refused together, by their file."""
        if len(kept) == len(self.frames):
            return
        self.places = [self.places[i] for i in kept]
        self.frames = [self.frames[i] for i in kept]
        self.rects = [self.rects[i] for i in kept]
        self.class_ids = [self.class_ids[i] for i in kept]
        self.scores = [self.scores[i] for i in kept]
        self.tracks = [self.tracks[i] for i in kept]
        self.flags = [self.flags[i] for i in kept]

    def refuse(self, place: Place, reason: str) -> None:
        """Name a row that cannot be read at all."""
        prefix = f"{place.within}: " if place.within else ""
        self.refused.append(RefusedRow(place.path, place.line, f"{prefix}{reason}"))

    def finish(self, format_key: str, kind: Kind, *, scored: bool, **more: Any) -> ImportedBoxes:
        """Check all rows and build the result.

        Args:
            scored: keep the score column; otherwise the result has none.
            more: further fields of ImportedBoxes.
        """
        frames = np.array(self.frames, np.float64)
        boxes = np.array(self.rects, np.float64).reshape(-1, 4).T
        scores = np.array(self.scores, np.float64) if scored else None
        bad = reasons(frames, boxes, scores)
        for row, reason in bad.items():
            missing = scores is not None and np.isnan(scores[row]) and reason.startswith("the score")
            place = self.places[row] if self.place_of is None else self.place_of(row)
            self.refuse(place, "the score is missing or not a number" if missing else reason)
        keep = np.ones(len(frames), np.bool_)
        keep[list(bad)] = False
        return imported(
            self.path,
            format_key,
            kind,
            frames=frames[keep],
            boxes=boxes[:, keep],
            class_ids=np.array(self.class_ids, np.int64)[keep],
            class_names=self.classes.names,
            scores=None if scores is None else scores[keep],
            track_ids=np.array(self.tracks, np.int64)[keep],
            flags=np.array(self.flags, np.int64)[keep],
            refused=self.refused,
            notes=self.notes,
            **more,
        )


def imported(
    path: Path,
    format_key: str,
    kind: Kind,
    *,
    frames: Float,
    boxes: Float,
    class_ids: Int,
    class_names: Sequence[str],
    scores: Float | None,
    track_ids: Int,
    flags: Int,
    refused: Sequence[RefusedRow] = (),
    notes: Sequence[str] = (),
    labelled: Iterable[int] | Int | None = None,
    covered: Iterable[int] | Int | None = None,
    frame_count: int | None = None,
    size: tuple[int, int] | None = None,
    score_floor: float | None = None,
    cap: int | None = None,
    protocol: Mapping[str, Any] | None = None,
) -> ImportedBoxes:
    """ImportedBoxes from checked columns, with the types that it promises."""
    return ImportedBoxes(
        path=path,
        format=format_key,
        kind=kind,
        frames=np.asarray(frames).astype(np.int64),
        boxes=np.ascontiguousarray(boxes, np.float64),
        class_ids=np.asarray(class_ids, np.int64),
        class_names=tuple(class_names),
        scores=scores,
        track_ids=np.asarray(track_ids, np.int64),
        flags=np.asarray(flags, np.int64),
        labelled=_frame_set(labelled),
        frame_count=frame_count,
        size=size,
        score_floor=score_floor,
        cap=cap,
        covered=_frame_set(covered),
        protocol=protocol or {},
        refused=tuple(refused),
        notes=tuple(notes),
    )


def _frame_set(frames: Iterable[int] | Int | None) -> Int | None:
    if frames is None:
        return None
    if not isinstance(frames, np.ndarray):
        frames = np.fromiter(frames, np.int64)
    result: Int = np.unique(frames.astype(np.int64))
    return result[result >= 0]


def named_classes(
    numbers: Int, names: Mapping[int, str] | None, context: ReadContext
) -> tuple[Int, tuple[str, ...], list[str]]:
    """Class ids, class names and notes for a file whose classes are numbers.

    Args:
        numbers: (N,) int64 as in the file, negative for none.
        names: what the numbers are called; None where nothing says so.
    """
    result = np.full(len(numbers), UNSPECIFIED_CLASS, np.int64)
    seen = [int(n) for n in np.unique(numbers[numbers >= 0])]
    if names is None and len(seen) <= 1:
        if context.class_name:
            return np.zeros(len(numbers), np.int64), (context.class_name,), []
        return result, (), ["the file names no classes; its boxes match every class"] if len(numbers) else []
    table = ClassTable()
    if names is not None:
        for number in sorted(names):
            table.index(names[number])
    unnamed = []
    for number in seen:
        name = (names or {}).get(number)
        if name is None:
            unnamed.append(number)
            name = str(number)
        result[numbers == number] = table.index(name)
    notes = []
    if unnamed:
        listed = ", ".join(map(str, unnamed[:10]))
        notes.append(f"classes {listed} have no names in the file; they are called by their numbers")
    return result, tuple(table.names), notes
