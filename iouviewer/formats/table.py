"""Any table with a header: CSV and TSV, JSON lines, lists of JSON objects, and Parquet where pyarrow is installed.

What its columns are is guessed from their names (``columns.guess_columns``), shown, and asked where the names and
values do not settle it; ``ReadContext.columns`` says it. Tables of supervision's sinks, of TensorFlow, Roboflow,
OpenImages and pandas are such tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.classes import NumberKind
from iouviewer.document.imported import ImportedBoxes, ImportKind, StatedFact
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.formats.coco_images import choose_task
from iouviewer.formats.columns import (
    CENTRES,
    CORNERS,
    EXTENTS,
    ColumnMap,
    Guess,
    Role,
    Units,
    find_columns,
    guess_columns,
    header_key,
    parse_columns,
)
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.frame_numbers import assign_frames
from iouviewer.formats.interface import (
    Choice,
    DetectedFormat,
    Location,
    ReadContext,
    UncertainReadingError,
    command_option,
)
from iouviewer.formats.plausibility import Layout, are_fractions, check_layout
from iouviewer.formats.rows import ClassNames, Rows, no_classes_note, resolve_classes
from iouviewer.formats.table_data import TableData, read_header, read_table
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr
from iouviewer.metrics.table import Float

KEY = "table"
LEAST_CONTRADICTIONS = 0.02
"""Share of the boxes that must leave the frame on one reading, and not on the other, to settle which it is."""


def sniff(sample: FileSample) -> DetectedFormat | None:
    """A table whose header has the columns of a box, or one that a person can say it of: a header above numbers."""
    header = read_header(sample)
    if sample.syntax is Syntax.JSON and {"image_id", "bbox"} <= set(header):
        return None  # COCO results
    guess = guess_columns(header)
    if guess.maps:
        scored = Role.SCORE in guess.maps[0].names
        kind = ImportKind.PREDICTIONS if scored else ImportKind.UNKNOWN
        certainty = 0.9 if not guess.maps[0].problem() else 0.5
        return DetectedFormat(KEY, kind, certainty, tr("Table with the columns {names}", names=", ".join(header)))
    if sample.syntax is Syntax.TABLE and _stands_above_numbers(header, sample):
        reason = tr("Table with a header: {names}", names=", ".join(header))
        return DetectedFormat(KEY, ImportKind.UNKNOWN, 0.2, reason)
    return None


def _stands_above_numbers(header: Sequence[str], sample: FileSample) -> bool:
    """Whether no cell of a first line is a number, and at least four cells of each line below are."""
    if len(header) < 5 or any(_is_number(name) or not name.strip() for name in header):
        return False
    rows = [line.split(_delimiter_of(sample)) for line in sample.lines[1:6]]
    return bool(rows) and all(len(row) == len(header) and sum(map(_is_number, row)) >= 4 for row in rows)


def _delimiter_of(sample: FileSample) -> str:
    return max(",\t;|", key=sample.lines[0].count)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a table.

    Raises:
        UserError: not a table, or one without columns for a box and its frame.
        UncertainReadingError: the header can be read in several ways.
    """
    data = read_table(path)
    found, notes = choose_columns(data, context, path)
    return _Reader(data, found, context, notes).read(path)


def choose_columns(data: TableData, context: ReadContext, path: Path) -> tuple[ColumnMap, list[str]]:
    """The columns of a table, and notes: as the user says, as remembered for this header, or as guessed.

    Raises:
        UserError: a column that the table lacks, or no columns for a box.
        UncertainReadingError: several readings are possible.
    """
    spec, remembered = context.columns, context.remembered_columns.get(header_key(data.names), "")
    if spec or remembered:
        try:
            found = find_columns(parse_columns(spec or remembered), data.names)
        except UserError as error:
            error.path = path
            raise
        said = tr("Columns: {columns}", columns=found.describe())
        if not spec:
            said = tr("Columns as chosen before for this header: {columns}", columns=found.describe())
        return _with_units(found, data), [StatedFact(said)]
    guess = guess_columns(data.names)
    if not guess.maps:
        raise _unknown_columns(path, data, tr("no columns for the four numbers of a box"))
    if problem := guess.maps[0].problem():
        raise _unknown_columns(path, data, problem)
    maps = [_with_units(one, data) for one in _with_row_id(guess, data)]
    if guess.double:
        message = tr("the table has several columns for one part of the box: {names}", names=", ".join(guess.double))
        raise _question(message, maps[:1], path)
    kept = maps if len(maps) == 1 else [one for one in maps if not _leaves_frame(one, maps, data, context)]
    if len(kept) != 1:
        names = ", ".join(maps[0].names[role] for role in maps[0].layout)
        raise _question(tr("the columns {names} can be read in several ways", names=names), kept or maps, path)
    said = tr("Columns: {columns}", columns=kept[0].describe())
    return kept[0], [StatedFact(said) if len(maps) == 1 else said]


def _unknown_columns(path: Path, data: TableData, problem: str) -> UncertainReadingError:
    """The error for a table whose columns must be named."""
    listed = ", ".join(data.names)
    remedy = tr(
        "Name them, for example --columns {example}. Columns: {names}.",
        example="frame=…,x1=…,y1=…,x2=…,y2=…",
        names=listed,
    )
    return UncertainReadingError(problem, path=path, remedy=remedy)


def _question(message: str, maps: Sequence[ColumnMap], path: Path) -> UncertainReadingError:
    choices = [Choice(one.describe(), f'--columns "{one.spec()}"', {"columns": one.spec()}) for one in maps]
    return UncertainReadingError(message, choices=choices, path=path)


def _with_row_id(guess: Guess, data: TableData) -> list[ColumnMap]:
    """The readings with the column ``id`` as the track, where its values are no row numbers: some occur twice."""
    if not guess.row_id:
        return list(guess.maps)
    values = [value for value in data.column(guess.row_id) if value not in (None, "")]
    if len(set(map(str, values))) == len(values):
        return list(guess.maps)
    return [replace(one, names={**one.names, Role.TRACK: guess.row_id}) for one in guess.maps]


def _with_units(found: ColumnMap, data: TableData) -> ColumnMap:
    """The mapping with its units, which the values say where nobody does."""
    if found.units:
        return found
    numbers = _box_numbers(found, data)
    numbers = numbers[:, np.isfinite(numbers).all(axis=0)]
    units: Units = "relative" if numbers.shape[1] and are_fractions(numbers) else "pixels"
    return replace(found, units=units)


def _box_numbers(found: ColumnMap, data: TableData) -> Float:
    """(4, N) float64, the numbers of the box as they stand, NaN where there is none."""
    if len(found.layout) == 4:
        return np.stack([data.numbers(found.names[role]) for role in found.layout])
    return data.quadruples(found.names[found.layout[0]])


def _as_corners(found: ColumnMap, numbers: Float) -> Float:
    """(4, N) corners x1, y1, x2, y2 of boxes that stand as the mapping says."""
    if found.layout in (CORNERS, (Role.XYXY,)):
        return numbers
    position, size = numbers[:2], numbers[2:]
    low = position if found.layout in (EXTENTS, (Role.XYWH,)) else position - size / 2
    return np.concatenate((low, low + size))


def _leaves_frame(one: ColumnMap, maps: Sequence[ColumnMap], data: TableData, context: ReadContext) -> bool:
    """Whether a reading is refuted: its boxes leave the frame or end before they begin, and those of another do not."""

    def bad(found: ColumnMap) -> float:
        boxes = _as_corners(found, _box_numbers(found, data))
        limit = _limits(found, data, context)
        tolerance = 0.01 if found.units == "relative" else 1.0
        out = np.asarray((boxes[:2] < -tolerance).any(axis=0) | (boxes[2:] > limit + tolerance).any(axis=0))
        out |= np.asarray((boxes[2:] < boxes[:2]).any(axis=0))
        return float(out.mean()) if out.size else 0.0

    others = [bad(other) for other in maps if other is not one]
    return bad(one) >= LEAST_CONTRADICTIONS and min(others) == 0.0


def _limits(found: ColumnMap, data: TableData, context: ReadContext) -> Float:
    """(2, 1 or N) float64, width and height of the frames in the units of the mapping; infinity where unknown."""
    if found.units in ("relative", "percent"):
        return np.full((2, 1), 1.0 if found.units == "relative" else 100.0)
    if Role.IMAGE_WIDTH in found.names:
        return np.stack([data.numbers(found.names[role]) for role in (Role.IMAGE_WIDTH, Role.IMAGE_HEIGHT)])
    return np.full((2, 1), np.inf) if context.size is None else np.array(context.size, np.float64)[:, None]


class _Reader:
    """Turns the columns of one table into rows."""

    def __init__(self, data: TableData, found: ColumnMap, context: ReadContext, notes: list[str]) -> None:
        self.data, self.found, self.context = data, found, context
        self.notes = notes
        self.images = ImageTable()
        self.base: int | None = None

    def read(self, path: Path) -> ImportedBoxes:
        self._select_video(path)
        data, found = self.data, self.found
        rows = Rows(path)
        rows.notes += self.notes
        lines = data.lines
        rows.location_of = lambda row: Location(path, int(lines[row]) if lines[row] > 0 else None)
        frames = self._frames(rows, path)
        boxes = self._pixels(frames, path, rows)
        rows.frames = frames.tolist()
        rows.rects = boxes.T.tolist()
        self._add_classes(rows)
        scored = Role.SCORE in found.names
        rows.scores = data.numbers(found.names[Role.SCORE]).tolist() if scored else [np.nan] * len(rows)
        rows.tracks = self._tracks(rows)
        rows.flags = [0] * len(rows)
        for row, count in data.wrong_widths:
            expected = len(data.names)
            text = tr("{count} columns, but the header has {expected}", count=count, expected=expected)
            rows.refuse(Location(path, row), text)
        unread = [name for name in data.names if name not in found.names.values()]
        if unread:
            rows.notes.append(StatedFact(tr("Columns not read: {names}", names=", ".join(unread[:10]))))
        kind = self.context.kind_or(ImportKind.PREDICTIONS if scored else ImportKind.UNKNOWN)
        has_images = bool(len(self.images))
        return rows.finish(
            KEY,
            kind,
            self.context,
            scored=scored,
            frame_base=self.base,
            images=self.images,
            size=self.images.common_size if has_images else None,
            stride_applied=has_images,
            columns=found.spec(),
        )

    def _select_video(self, path: Path) -> None:
        """Keep the rows of one video, where a column names videos."""
        name = self.found.names.get(Role.VIDEO)
        if name is None:
            return
        names = [str(value) for value in self.data.column(name)]
        videos = sorted(set(names))
        if len(videos) > 1:
            wanted = videos[choose_task(videos, path, self.context)]
            self.data = self.data.select([row for row, one in enumerate(names) if one == wanted])

    # Frames

    def _frames(self, rows: Rows, path: Path) -> Float:
        """(N,) float64, 0-based frames; NaN where there is none."""
        number, image = self.found.names.get(Role.FRAME), self.found.names.get(Role.IMAGE)
        if number is not None:
            frames = self.data.numbers(number)
            if np.isfinite(frames).any() or (image is None and not len(frames)):
                self.base = find_frame_base(frames, self.context, path)
                note = tr("Frames start at {base}", base=self.base)
                is_stated = self.context.frame_base is not None or self.base == 0
                rows.notes.append(StatedFact(note) if is_stated else note)
                return frames - self.base
            image = image or number
        if image is None:
            return np.zeros(0)
        cells = [_name_of(value) for value in self.data.column(image)]
        names = sorted(set(cells) - {""})
        try:
            assigned = assign_frames(names, self.context, stride=self.context.stride or 1)
        except UserError as error:
            error.path = path
            raise
        rows.notes.append(assigned.note)
        for name in assigned.unknown:
            rows.refuse(Location(path), tr("{name} is not in the image folder; its boxes were not read", name=name))
        keep = [row for row, name in enumerate(cells) if name not in set(assigned.unknown)]
        self.data = self.data.select(keep)
        cells = [cells[row] for row in keep]
        rows.location_of = self._location_of(path)
        self._list_images(assigned.frames, cells)
        return np.array([assigned.frames.get(name, np.nan) for name in cells], np.float64)

    def _location_of(self, path: Path) -> Any:
        lines = self.data.lines
        return lambda row: Location(path, int(lines[row]) if lines[row] > 0 else None)

    def _list_images(self, frames: Any, cells: Sequence[str]) -> None:
        """The images that the table names, with their sizes where it states them."""
        sizes: dict[str, tuple[int, int]] = {}
        if Role.IMAGE_WIDTH in self.found.names:
            width, height = (
                self.data.numbers(self.found.names[role]) for role in (Role.IMAGE_WIDTH, Role.IMAGE_HEIGHT)
            )
            for name, w, h in zip(cells, width.tolist(), height.tolist(), strict=True):
                if np.isfinite(w) and np.isfinite(h):
                    sizes[name] = (int(w), int(h))
        names = list(frames)
        self.images = ImageTable.of(
            [frames[name] for name in names], names=names, sizes=[sizes.get(name, (0, 0)) for name in names]
        )

    # Boxes

    def _pixels(self, frames: Float, path: Path, rows: Rows) -> Float:
        """(4, N) float64, corners in pixels."""
        found, data = self.found, self.data
        boxes = _as_corners(found, _box_numbers(found, data))
        sizes = self._sizes(frames)
        if found.units != "pixels":
            if not np.isfinite(sizes[:, np.isfinite(frames)]).all():
                raise UserError(
                    tr("the boxes are shares of the frame, whose size is not known"),
                    path=path,
                    remedy=tr("Give the video, or --size WxH."),
                )
            return boxes * np.concatenate((sizes, sizes)) / (100.0 if found.units == "percent" else 1.0)
        if not self.context.trust_columns:
            known = np.unique(sizes, axis=1)
            size = (int(known[0, 0]), int(known[1, 0])) if known.shape[1] == 1 and np.isfinite(known).all() else None
            has_corners = found.layout in (CORNERS, (Role.XYXY,))
            is_centred = found.layout in (CENTRES, (Role.CXCYWH,))
            if not is_centred:
                rows.notes += check_layout(path, Layout.CORNERS if has_corners else Layout.EXTENTS, boxes, size)
        return boxes

    def _sizes(self, frames: Float) -> Float:
        """(2, N) float64, width and height of the frame of each row; infinity where unknown."""
        names, context = self.found.names, self.context
        if Role.IMAGE_WIDTH in names:
            return np.stack([self.data.numbers(names[role]) for role in (Role.IMAGE_WIDTH, Role.IMAGE_HEIGHT)])
        if context.image_sizes is not None:
            of_frame = [context.size_of(int(f)) if np.isfinite(f) else None for f in frames]
            return np.array([size or (np.inf, np.inf) for size in of_frame], np.float64).reshape(-1, 2).T
        size = context.size or (np.inf, np.inf)
        return np.repeat(np.array(size, np.float64)[:, None], len(frames), axis=1)

    # Classes and tracks

    def _add_classes(self, rows: Rows) -> None:
        """Class ids by name, by number, or both where the table has both."""
        name, number = self.found.names.get(Role.CLASS), self.found.names.get(Role.CLASS_ID)
        texts = None if name is None else [_name_of(value) for value in self.data.column(name)]
        if number is not None:
            values = self.data.numbers(number)
            whole = np.isfinite(values) & (values == np.rint(values)) & (values >= 0) & (values < 2**31)
            numbers = np.where(whole, values, -1).astype(np.int64)
            named = None
            if texts is not None:
                named = {int(one): text for one, text in zip(numbers.tolist(), texts, strict=True) if one >= 0 and text}
            if texts is None or len(set((named or {}).values())) == len(named or {}):
                kind = NumberKind.CATEGORY if "category" in number.casefold() else NumberKind.INDEX
                ids, rows.class_table, notes = resolve_classes(numbers, named, kind, self.context)
                rows.class_ids = ids.tolist()
                rows.notes += notes
                return
        if texts is not None:
            rows.classes = ClassNames()
            rows.class_ids = [rows.classes.index(text) for text in texts]
            return
        given = self.context.class_name
        rows.class_ids = [rows.classes.index(given or "")] * len(rows)
        if not given:
            rows.notes.append(no_classes_note())

    def _tracks(self, rows: Rows) -> list[int]:
        """Track ids; names are numbered in the order of first use, and a cell without one is no track."""
        name = self.found.names.get(Role.TRACK)
        if name is None:
            return [NO_TRACK] * len(rows)
        values = self.data.numbers(name)
        cells = self.data.column(name)
        is_empty = np.array([value in (None, "") for value in cells], np.bool_)
        if bool((np.isfinite(values) | is_empty).all()):
            whole = np.isfinite(values) & (np.abs(values) < 2**53)
            return [
                int(one) if ok and one >= 0 else NO_TRACK
                for one, ok in zip(values.tolist(), whole.tolist(), strict=True)
            ]
        known: dict[str, int] = {}
        tracks = [known.setdefault(_name_of(value), len(known) + 1) if value else NO_TRACK for value in cells]
        rows.notes.append(tr("Track IDs that are not numbers are numbered in the order of the table"))
        return tracks


def _name_of(value: Any) -> str:
    """A cell as a name: whole numbers without a decimal point."""
    if value is None:
        return ""
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value).strip()


def find_frame_base(frames: Float, context: ReadContext, path: Path) -> int:
    """The number of the first frame in a table; UncertainReadingError if it may be 0 or 1."""
    if context.frame_base is not None:
        return context.frame_base
    known = frames[np.isfinite(frames)]
    lowest, highest = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    if lowest <= 0:
        return 0
    if lowest == 1 or (context.frame_count is not None and highest >= context.frame_count):
        return 1
    raise UncertainReadingError(
        tr("the first frame number is {lowest:g}: frames may be counted from 0 or from 1", lowest=lowest),
        choices=tuple(
            Choice(tr("frames start at {base}", base=base), command_option("--frame-base", base), {"frame_base": base})
            for base in (0, 1)
        ),
        path=path,
    )


FORMAT = Format(
    key=KEY,
    name=tr("Table with a header (CSV, TSV, JSON lines, Parquet)"),
    extensions=(".csv", ".tsv", ".jsonl", ".parquet"),
    syntaxes=(Syntax.TABLE, Syntax.JSON, Syntax.PARQUET),
    detect=sniff,
    read=read,
    menu_rank=20,
    lacks=(Field.IGNORED, Field.OCCLUDED, Field.TRUNCATED, Field.ATTRIBUTES, Field.KEY_FRAMES, Field.LABELLED_FRAMES),
)
