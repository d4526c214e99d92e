"""Validates the rows that readers find and builds ``ImportedBoxes`` from them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.attributes import MAX_SETS, AttributeSet, attribute_set
from iouviewer.document.boxes import MAX_COORDINATE, NO_TRACK, Rect, find_rect_error
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.imported import ImportedBoxes, ImportKind, RefusedRow, StatedFact, VideoFacts
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.formats.interface import UNSPECIFIED_NAME, Location, ReadContext
from iouviewer.formats.plausibility import check_boxes, check_scores
from iouviewer.formats.shapes import ShapeCounts
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, Float, Int

LAST_FRAME = 2**31 - 1
"""Larger frame numbers are errors: at 60 frames per second this is more than a year."""
ABSENT_SCORE = -1.0
"""Confidence of boxes without one, in MOTChallenge files and those of tools that follow them."""
MAX_LISTED = 10
"""Most names or numbers that a note lists."""


class ClassNames:
    """Class names in the order of first use, or in a given order."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: list[str] = []
        self._index: dict[str, int] = {UNSPECIFIED_NAME: UNSPECIFIED_CLASS, "": UNSPECIFIED_CLASS}
        for name in names:
            self._index.setdefault(name, len(self.names))
            self.names.append(name)

    def index(self, name: str) -> int:
        """Number of the class, which is added if it is new; -1 for ``unspecified`` and the empty name."""
        found = self._index.get(name)
        if found is None:
            found = self._index[name] = len(self.names)
            self.names.append(name)
        return found


_BOOLEANS = {True: "true", False: "false"}


def attribute_texts(values: object, besides: Collection[str] = ()) -> dict[str, str]:
    """Free attributes of a JSON object as texts; true and false as these words, lists and objects are left out."""
    found = {}
    for name, value in values.items() if isinstance(values, Mapping) else ():
        if name not in besides and isinstance(value, str | int | float):
            found[str(name)] = _BOOLEANS[value] if isinstance(value, bool) else str(value)
    return found


def attribute_value(text: str) -> bool | str:
    """The JSON value of an attribute: true and false as such."""
    return text == _BOOLEANS[True] if text in _BOOLEANS.values() else text


class AttributeSets:
    """The different sets of free attributes of a file, in the order of first use; numbers start at 1."""

    def __init__(self) -> None:
        self.sets: list[AttributeSet] = []
        self._numbers: dict[AttributeSet, int] = {(): 0}
        self.lost = 0

    def number(self, values: Mapping[str, str]) -> int:
        """The number of a set, 0 for none; also 0 where there are too many, which ``lost`` counts."""
        found = attribute_set(values)
        number = self._numbers.get(found)
        if number is None:
            if len(self.sets) >= MAX_SETS:
                self.lost += 1
                return 0
            self.sets.append(found)
            number = self._numbers[found] = len(self.sets)
        return number


def find_invalid_rows(
    frames: Float,
    boxes: Float,
    scores: Float | None,
    *,
    base: int = 0,
    nan_is_missing: bool = False,
    may_be_empty: bool = False,
) -> dict[int, str]:
    """The reasons why rows are invalid, by row number; empty if all rows are valid.

    Args:
        frames: (N,) float64, as the file numbers them; the first frame has the number ``base``.
        boxes: (4, N) float64, x1, y1, x2, y2.
        scores: (N,) float64 or None.
        nan_is_missing: whether a NaN score means that the row has none (affects only the text).
        may_be_empty: whether boxes without area are valid: predictions, which AP counts as false positives.
    """
    with np.errstate(invalid="ignore"):
        valid: Bool = (frames == np.rint(frames)) & (frames >= base) & (frames <= LAST_FRAME)
        valid &= (np.abs(boxes) <= MAX_COORDINATE).all(axis=0)
        valid &= ((boxes[2:] >= boxes[:2]) if may_be_empty else (boxes[2:] > boxes[:2])).all(axis=0)
        if scores is not None:
            valid &= np.isfinite(scores)
    reasons: dict[int, str] = {}
    for row in np.flatnonzero(~valid).tolist():
        x1, y1, x2, y2 = boxes[:, row].tolist()
        reason = _why_frame_invalid(float(frames[row]), base)
        reason = reason or find_rect_error((x1, y1, x2, y2), may_be_empty=may_be_empty) or ""
        if not reason and nan_is_missing and scores is not None and np.isnan(scores[row]):
            reason = tr("the score is missing or not a number")
        reasons[row] = reason or tr("the score is not a finite number")
    return reasons


def _why_frame_invalid(frame: float, base: int) -> str:
    if not np.isfinite(frame) or frame != round(frame) or frame > LAST_FRAME:
        return tr("frame {frame:g} is not a frame number", frame=frame)
    if frame >= base:
        return ""
    if base == 0:
        return tr("frame {frame:g} is negative", frame=frame)
    return tr("frame {frame:g} is before the first frame, {base}", frame=frame, base=base)


MAX_BETWEEN = 1_000_000
"""Most boxes between key frames that are made while the length of the video is not known."""


class Rows:
    """Rows of formats that are read one by one; validation runs once over all of them.

    ``location_of``, if set, gives the location of a row instead of ``locations``: a reader that fills whole columns
    then need not build a million locations that are rarely used. ``context`` is given by readers that count shapes.
    """

    def __init__(self, path: Path, context: ReadContext | None = None) -> None:
        self.path = path
        self.classes = ClassNames()
        self.attributes = AttributeSets()
        self.class_table: ClassTable | None = None
        self.frames: list[float] = []
        self.rects: list[Sequence[float]] = []
        self.class_ids: list[int] = []
        self.scores: list[float] = []
        self.tracks: list[int] = []
        self.flags: list[int] = []
        self.areas: list[float] | None = None
        self.locations: list[Location] = []
        self.location_of: Callable[[int], Location] | None = None
        self.refused: list[RefusedRow] = []
        self.notes: list[str] = []
        self.shapes = None if context is None else ShapeCounts(context)
        self._between = 0

    def shape(self, kind: str, location: Location, rect: Rect | None, reason: str) -> bool:
        """Count a shape; whether its envelope is to be read. It is refused where nobody said what to do with shapes."""
        counts = self.shapes
        is_taken = counts is not None and counts.takes(kind, rect)
        if counts is None or counts.are_refused:
            self.refuse(location, reason)
        return is_taken

    def between(self, first: int, stop: int, step: int, frame_count: int | None) -> range:
        """The frames from ``first`` on, before ``stop``, that are made from key frames; none after the video.

        Raises:
            UserError: there are absurdly many, and no video says whether that many frames exist.
        """
        frames = range(first, stop if frame_count is None else min(stop, frame_count), step)
        self._between += len(frames)
        if frame_count is None and self._between > MAX_BETWEEN:
            raise UserError(
                tr("the file makes more than {limit:,} boxes between its key frames", limit=MAX_BETWEEN),
                path=self.path,
                remedy=tr("Give the video, or --count N."),
            )
        return frames

    def __len__(self) -> int:
        return len(self.frames)

    def add(
        self,
        location: Location,
        frame: float,
        rect: Sequence[float],
        *,
        class_id: int = UNSPECIFIED_CLASS,
        score: float | None = None,
        track: int = NO_TRACK,
        flags: int = 0,
    ) -> None:
        """Add a row: 0-based frame, (x1, y1, x2, y2); it is validated in ``finish``."""
        self.locations.append(location)
        self.frames.append(frame)
        self.rects.append(rect)
        self.class_ids.append(class_id)
        # If only some rows have a score, those without one are refused.
        self.scores.append(np.nan if score is None else score)
        self.tracks.append(track)
        self.flags.append(flags)

    def keep_only(self, kept: Sequence[int]) -> None:
        """Drop all rows except ``kept`` (ascending), for example those of a refused file."""
        if len(kept) == len(self.frames):
            return
        self.locations = [self.locations[i] for i in kept]
        self.frames = [self.frames[i] for i in kept]
        self.rects = [self.rects[i] for i in kept]
        self.class_ids = [self.class_ids[i] for i in kept]
        self.scores = [self.scores[i] for i in kept]
        self.tracks = [self.tracks[i] for i in kept]
        self.flags = [self.flags[i] for i in kept]

    def refuse(self, location: Location, reason: str) -> None:
        """Record a row that cannot be read at all."""
        prefix = f"{location.element}: " if location.element else ""
        self.refused.append(RefusedRow(location.path, location.line, f"{prefix}{reason}"))

    def finish(
        self, format_key: str, kind: ImportKind, context: ReadContext, *, scored: bool, **more: Any
    ) -> ImportedBoxes:
        """Validate all rows and build the result.

        Args:
            scored: whether the result has a score column.
            more: further fields of ImportedBoxes.

        Raises:
            UserError: the columns do not mean what the format says (``formats.plausibility``).
        """
        frames = np.array(self.frames, np.float64)
        boxes = np.array(self.rects, np.float64).reshape(-1, 4).T
        scores = np.array(self.scores, np.float64) if scored else None
        if scores is not None and len(scores) and np.isnan(scores).all():
            scores = None
        if not context.trust_columns:
            self.notes += check_boxes(self.path, format_key, boxes, one_size(context, more.get("size")))
            self.notes += check_scores(self.path, format_key, scores)
        may_be_empty = kind is ImportKind.PREDICTIONS
        invalid = find_invalid_rows(frames, boxes, scores, nan_is_missing=True, may_be_empty=may_be_empty)
        for row, reason in invalid.items():
            self.refuse(self.locations[row] if self.location_of is None else self.location_of(row), reason)
        keep = np.ones(len(frames), np.bool_)
        keep[list(invalid)] = False
        if self.shapes is not None and self.shapes.are_refused:
            more["refused_shapes"] = self.shapes.total
        elif self.shapes is not None and (note := self.shapes.note(self.path)):
            self.notes.append(note)
        if self.attributes.lost:
            limit = tr_n(
                "The attributes of {count} box are not read: there are more than {limit:,} different sets",
                "The attributes of {count:,} boxes are not read: there are more than {limit:,} different sets",
                self.attributes.lost,
                limit=MAX_SETS,
            )
            self.notes.append(limit)
        return build_imported_boxes(
            self.path,
            format_key,
            kind,
            frames=frames[keep],
            boxes=boxes[:, keep],
            class_ids=np.array(self.class_ids, np.int64)[keep],
            classes=self.class_table or ClassTable.of(self.classes.names),
            scores=None if scores is None else scores[keep],
            track_ids=np.array(self.tracks, np.int64)[keep],
            flags=np.array(self.flags, np.int64)[keep],
            areas=None if self.areas is None else np.array(self.areas, np.float64)[keep],
            refused=self.refused,
            notes=self.notes,
            attribute_sets=tuple(self.attributes.sets),
            places=self._places(keep) if context.with_places else None,
            **more,
        )

    def _places(self, keep: Bool) -> tuple[Location, ...]:
        place = self.locations.__getitem__ if self.location_of is None else self.location_of
        return tuple(place(row) for row in np.flatnonzero(keep).tolist())


def build_imported_boxes(
    path: Path,
    format_key: str,
    kind: ImportKind,
    *,
    frames: Float,
    boxes: Float,
    class_ids: Int,
    classes: ClassTable,
    scores: Float | None,
    track_ids: Int,
    flags: Int,
    areas: Float | None = None,
    refused: Sequence[RefusedRow] = (),
    notes: Sequence[str] = (),
    labelled: Iterable[int] | Int | None = None,
    covered: Iterable[int] | Int | None = None,
    frame_count: int | None = None,
    size: tuple[int, int] | None = None,
    score_floor: float | None = None,
    max_detections: int | None = None,
    protocol: Mapping[str, Any] | None = None,
    images: ImageTable | None = None,
    facts: VideoFacts | None = None,
    **more: Any,
) -> ImportedBoxes:
    """ImportedBoxes from validated columns, converted to the documented types.

    Scores that are all -1 mean that there are none, as MOTChallenge writes it. ``more``: ``stride_applied`` ...
    """
    if scores is not None and len(scores) and (scores == ABSENT_SCORE).all():
        scores, notes = None, (*notes, tr("Every confidence is -1: the file has none"))
    return ImportedBoxes(
        path=path,
        format=format_key,
        kind=kind,
        frames=np.asarray(frames).astype(np.int64),
        boxes=np.ascontiguousarray(boxes, np.float64),
        class_ids=np.asarray(class_ids, np.int64),
        class_names=classes.names,
        class_numbers=classes.numbers,
        class_kind=classes.kind,
        classes_are_named=classes.named,
        scores=scores,
        track_ids=np.asarray(track_ids, np.int64),
        flags=np.asarray(flags, np.int64),
        labelled=_frame_set(labelled),
        frame_count=frame_count,
        size=size,
        score_floor=score_floor,
        max_detections=max_detections,
        covered=_frame_set(covered),
        protocol=protocol or {},
        images=images or ImageTable(),
        facts=facts or VideoFacts(),
        **more,
        areas=areas,
        refused=tuple(refused),
        notes=tuple(notes),
    )


def one_size(context: ReadContext, stated: tuple[int, int] | None) -> tuple[int, int] | None:
    """The size of every frame, as the file states it or else of the source; None where unknown or not the same."""
    if stated is None and context.image_sizes is not None and len(set(context.image_sizes)) > 1:
        return None
    return stated or context.size


def _frame_set(frames: Iterable[int] | Int | None) -> Int | None:
    if frames is None:
        return None
    if not isinstance(frames, np.ndarray):
        frames = np.fromiter(frames, np.int64)
    result: Int = np.unique(frames.astype(np.int64))
    return result[result >= 0]


def resolve_classes(
    numbers: Int, names: Mapping[int, str] | None, kind: NumberKind, context: ReadContext
) -> tuple[Int, ClassTable, list[str]]:
    """Class ids, class table and notes for a file whose classes are numbers.

    Args:
        numbers: (N,) int64 as in the file, negative for none.
        names: names by number; None if nothing defines them. A class named ``unspecified`` is no class.
        kind: what the numbers are.
    """
    result = np.full(len(numbers), UNSPECIFIED_CLASS, np.int64)
    present = [int(n) for n in np.unique(numbers[numbers >= 0])]
    if names is None and not present:
        if context.class_name:
            return np.zeros(len(numbers), np.int64), ClassTable.of((context.class_name,)), []
        return result, ClassTable(), [no_classes_note()] if len(numbers) else []
    known = {number: name for number, name in (names or {}).items() if name not in {UNSPECIFIED_NAME, ""}}
    nameless = {number for number, name in (names or {}).items() if number not in known}
    table = sorted(known.keys() | set(present) - nameless)
    for place, number in enumerate(table):
        result[numbers == number] = place
    classes = ClassTable.of([known.get(n, str(n)) for n in table], table, kind, named=bool(known))
    unnamed = [number for number in table if number not in known]
    notes: list[str] = []
    if unnamed:
        listed = ", ".join(map(str, unnamed[:MAX_LISTED]))
        notes.append(
            StatedFact(
                tr_n(
                    "Class {numbers} has no name in the file and is named by its number",
                    "Classes {numbers} have no names in the file and are named by their numbers",
                    len(unnamed),
                    numbers=listed,
                )
            )
        )
    return result, classes, notes


def no_classes_note() -> str:
    """The note for files without class names."""
    return StatedFact(tr("The file has no class names; its boxes match every class"))
