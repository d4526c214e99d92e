"""Reads and writes the rows of sources, classes, boxes, frame states and decisions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from iouviewer.document.boxes import MAX_COORDINATE, Box
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameMark, FrameState, Verification
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.history import RowChanges
from iouviewer.document.sources import ImageTable, Source, TruthFile
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Float, Int
from iouviewer.path_texts import legible, path_text, text_path
from iouviewer.project import checked, column_copy, contents_list, frame_blocks, kept_rows
from iouviewer.project.checked import DamagedRowsError

_BOX_DTYPE = np.dtype(
    [("id", np.int64), ("frame", np.int64)]
    + [(name, np.float64) for name in ("x1", "y1", "x2", "y2")]
    + [(name, np.int64) for name in ("class_id", "track", "flags")]
)

_CHECKED_DTYPE = np.dtype([*_BOX_DTYPE.descr, ("crc", np.int64)])

ROWS_PER_READ = 65_536
"""Number of rows read between two progress calls."""

_BEFORE_ALL_IDS = -(1 << 62)


CLASS_NUMBERS = "class_numbers"
"""Key in the table ``meta``."""


class _ClassNumbers(msgspec.Struct):
    """What ``ClassTable`` has besides names. Field names are part of the file format; new fields need defaults."""

    numbers: tuple[int, ...] | None = None
    kind: str = ""
    named: bool = True
    order: tuple[int, ...] = ()
    colours: tuple[str, ...] = ()
    aliases: tuple[tuple[str, int], ...] = ()
    attribute_sets: tuple[tuple[tuple[str, str], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class BoxColumns:
    """Ground-truth boxes of a source: frames (N,), boxes (4, N), class ids, tracks, flags, ids (N,)."""

    frames: Int
    boxes: Float
    class_ids: Int
    tracks: Int
    flags: Int
    ids: Int

    @classmethod
    def of(cls, truth: GroundTruth) -> BoxColumns:
        """All boxes of a source; the arrays are never written to, so another thread may read them."""
        return cls(*truth.columns())


@dataclass(frozen=True, slots=True)
class FrameStates:
    """State of each frame: (F,) int8 of FrameState and (F,) int8 of Verification."""

    states: NDArray[np.int8]
    verification: NDArray[np.int8]

    @classmethod
    def of(cls, truth: GroundTruth) -> FrameStates:
        """A copy of the states of a source."""
        return cls(truth.states().copy(), truth.verification().copy())


ProgressCallback = Callable[[int, int], None]
"""Called with the number of boxes read so far and their total."""


def no_progress(_done: int, _total: int) -> None:
    """Ignore progress."""


# Writing


def relative_to_project(path: str, project: Path) -> str:
    """A source's path relative to the project's folder, with ``/``; empty on another drive."""
    if not path:
        return ""
    try:
        return Path(os.path.relpath(path, project.absolute().parent)).as_posix()
    except ValueError:
        return ""


def write_source(connection: sqlite3.Connection, source: Source, relative: str, next_id: int) -> None:
    """Add or replace a source."""
    row = (
        *(source.id, legible(source.name), path_text(source.path), path_text(relative), source.width, source.height),
        *(source.frame_count, source.fps, source.fingerprint, source.index_digest, next_id),
    )
    checked.insert(connection, "sources", [row])
    _write_images(connection, source)


def _images_key(kind: str, source: int) -> str:
    return f"{kind} {source}"


def _write_images(connection: sqlite3.Connection, source: Source) -> None:
    """Store the images of a source and the file of its ground truth, which have no tables of their own."""
    for kind, images in (("images", source.images), ("listed", source.listed)):
        key = _images_key(kind, source.id)
        if len(images):
            checked.write_meta(connection, key, msgspec.json.encode(images))
        else:
            connection.execute("DELETE FROM meta WHERE key = ?", (key,))
    checked.write_meta(connection, _images_key("truth", source.id), msgspec.json.encode(source.truth_file))
    kept_rows.write_kept(connection, source.id, source.kept)


def _read_truth_file(connection: sqlite3.Connection, source: int) -> TruthFile:
    """The file of the ground truth; an empty one if it is not stored or damaged."""
    found = checked.read_meta(connection, f"truth {source}")
    try:
        return msgspec.json.decode(found, type=TruthFile) if found is not None else TruthFile()
    except (msgspec.MsgspecError, TypeError):
        return TruthFile()


def _read_images(connection: sqlite3.Connection, key: str) -> ImageTable:
    """Stored images; empty if there are none or they are damaged: they follow again from the folder or the file."""
    found = checked.read_meta(connection, key)
    try:
        images = msgspec.json.decode(found, type=ImageTable) if found is not None else ImageTable()
    except (msgspec.MsgspecError, TypeError):
        return ImageTable()
    return (
        images
        if len({len(column) for column in (images.frames, images.names, images.ids, images.sizes)}) == 1
        else (ImageTable())
    )


def update_source(connection: sqlite3.Connection, source: Source, relative: str) -> None:
    """Replace a source, but keep its next unused box id."""
    found = checked.select(connection, "sources", "WHERE id = ?", (source.id,))
    write_source(connection, source, relative, found[0][-1] if found else 1)


def _write_next_id(connection: sqlite3.Connection, source: int, next_id: int) -> None:
    for row in checked.select(connection, "sources", "WHERE id = ?", (source,)):
        if row[-1] != next_id:
            checked.insert(connection, "sources", [(*row[:-1], next_id)])


def write_classes(connection: sqlite3.Connection, classes: ClassTable) -> None:
    """Replace the class table."""
    connection.execute("DELETE FROM classes")
    checked.insert(connection, "classes", enumerate(classes.names))
    arranged = (classes.order, classes.colours, classes.aliases, classes.attribute_sets)
    numbers = _ClassNumbers(classes.numbers, classes.kind.value, classes.named, *arranged)
    text = msgspec.json.encode(numbers).decode()
    checked.write_meta(connection, CLASS_NUMBERS, text)
    contents_list.copy_classes(connection, classes.names, text)


def write_boxes(
    connection: sqlite3.Connection,
    source: int,
    columns: BoxColumns,
    states: FrameStates,
    next_id: int | None = None,
) -> None:
    """Replace all boxes and frame states of a source, and its next unused box id unless it is None."""
    crcs = crcs_of(source, columns)
    connection.execute("DELETE FROM boxes WHERE source = ?", (source,))
    # In order of the primary key, which fills the B-tree from left to right.
    order = np.argsort(columns.ids, kind="stable")
    rows = zip(
        columns.ids[order].tolist(),
        columns.frames[order].tolist(),
        *columns.boxes[:, order].tolist(),
        columns.class_ids[order].tolist(),
        columns.tracks[order].tolist(),
        columns.flags[order].tolist(),
        crcs[order].tolist(),
        strict=True,
    )
    connection.executemany(f"INSERT INTO boxes VALUES ({source:d}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    if next_id is not None:
        _write_next_id(connection, source, next_id)
    _write_states(connection, source, states)
    facts = frame_blocks.facts_of(columns.frames, crcs, states.states, states.verification)
    frame_blocks.write(connection, source, facts)


def crcs_of(source: int, columns: BoxColumns) -> Int:
    """(N,) int64: the checksums of the rows of these boxes."""
    return checked.columns_crcs(
        source, columns.frames, columns.boxes, columns.class_ids, columns.tracks, columns.flags, columns.ids
    )


def write_frame_blocks(connection: sqlite3.Connection, source: int) -> None:
    """Compute what each frame should hold from the rows as they are."""
    (frame_count,) = connection.execute("SELECT frame_count FROM sources WHERE id = ?", (source,)).fetchone()
    columns = read_columns(connection, source)
    states = read_states(connection, source, frame_count)
    if len(columns.frames) and not 0 <= columns.frames.min() <= columns.frames.max() < frame_count:
        raise DamagedRowsError(tr("a box is outside the video"))
    crcs = crcs_of(source, columns)
    frame_blocks.write(
        connection, source, frame_blocks.facts_of(columns.frames, crcs, states.states, states.verification)
    )


def _write_states(connection: sqlite3.Connection, source: int, states: FrameStates) -> None:
    """Replace the frame states of a source; frames that are unlabelled and not verified have no row."""
    connection.execute("DELETE FROM frames WHERE source = ?", (source,))
    known = np.flatnonzero((states.states != int(FrameState.UNLABELLED)) | (states.verification != 0))
    rows = zip(known.tolist(), states.states[known].tolist(), states.verification[known].tolist(), strict=True)
    checked.insert(connection, "frames", ((source, *row) for row in rows))


def write_default_state(connection: sqlite3.Connection, source: int, state: FrameState) -> None:
    """Store the state of frames that become known later."""
    checked.write_meta(connection, f"rest {source}", int(state))


def read_default_state(connection: sqlite3.Connection, source: int) -> FrameState:
    """The state of frames that become known later."""
    found = checked.read_meta(connection, f"rest {source}")
    known = {int(state): state for state in FrameState}
    return known.get(found, FrameState.UNLABELLED)


def write_new_frames(connection: sqlite3.Connection, source: int, frames: range, state: FrameState) -> None:
    """Store the state of frames that have become known."""
    if state is not FrameState.UNLABELLED:
        checked.insert(connection, "frames", ((source, frame, int(state), 0) for frame in frames))
        frame_blocks.change(connection, source, states=((frame, int(state), 0) for frame in frames))


def write_decisions(connection: sqlite3.Connection, source: int, decisions: tuple[tuple[str, str], ...]) -> None:
    """Replace the decisions of a source."""
    connection.execute("DELETE FROM decisions WHERE source = ?", (source,))
    checked.insert(connection, "decisions", ((source, *decision) for decision in decisions))


def write_changes(connection: sqlite3.Connection, rows: RowChanges) -> None:
    """Write the rows that a step changed.

    Raises:
        DamagedRowsError: what is known of a frame was changed by something else.
    """
    source = rows.source
    removed = _frames_and_crcs(connection, source, (*rows.delete, *(box.id for box in rows.put)))
    connection.executemany("DELETE FROM boxes WHERE source = ? AND id = ?", [(source, i) for i in rows.delete])
    put = [_box_row(source, box) for box in rows.put]
    crcs = checked.box_crcs(*zip(*put, strict=True)).tolist() if put else []
    connection.executemany(
        "INSERT OR REPLACE INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*row, crc) for row, crc in zip(put, crcs, strict=True)],
    )
    marks = [_mark_row(source, mark) for mark in rows.marks]
    checked.insert(connection, "frames", marks)
    added = [(int(row[2]), crc) for row, crc in zip(put, crcs, strict=True)]
    frame_blocks.change(connection, source, removed=removed, added=added, states=[mark[1:] for mark in marks])
    if rows.classes is not None:
        write_classes(connection, rows.classes)
    if rows.default_state is not None:
        write_default_state(connection, source, rows.default_state)
    if rows.decisions is not None:
        write_decisions(connection, source, rows.decisions)
    _write_next_id(connection, source, rows.next_id)


def _frames_and_crcs(connection: sqlite3.Connection, source: int, ids: tuple[int, ...]) -> list[tuple[int, int]]:
    """Frame and checksum of the stored boxes with these ids."""
    found = []
    for number in dict.fromkeys(map(int, ids)):
        found += connection.execute(
            "SELECT frame, crc FROM boxes WHERE source = ? AND id = ?", (source, number)
        ).fetchall()
    return found


def _box_row(source: int, box: Box) -> tuple[float, ...]:
    # SQLite would store numpy numbers as blobs.
    x1, y1, x2, y2 = map(float, box.rect)
    return source, int(box.id), int(box.frame), x1, y1, x2, y2, int(box.class_id), int(box.track), int(box.flags)


def _mark_row(source: int, mark: FrameMark) -> tuple[int, int, int, int]:
    return source, int(mark.frame), int(mark.state), int(mark.verification)


# Reading


def read_sources(connection: sqlite3.Connection) -> list[tuple[Source, str, int]]:
    """Sources by id, each with its relative path and its next unused box id."""
    found = checked.select(connection, "sources", "ORDER BY id")
    checked.check_sum(connection, "sources")
    return [
        (
            replace(
                Source(row[0], row[1], text_path(row[2]), *row[4:10]),
                images=_read_images(connection, _images_key("images", row[0])),
                listed=_read_images(connection, _images_key("listed", row[0])),
                truth_file=_read_truth_file(connection, row[0]),
                kept=kept_rows.read_kept(connection, row[0]),
            ),
            text_path(row[3]),
            row[10],
        )
        for row in found
    ]


def read_classes(connection: sqlite3.Connection) -> ClassTable:
    """The class table; DamagedRowsError where ids are missing."""
    found = checked.select(connection, "classes", "ORDER BY id")
    checked.check_sum(connection, "classes")
    if [number for number, _name in found] != list(range(len(found))):
        raise DamagedRowsError(tr("class names are missing"))
    names = tuple(name for _number, name in found)
    stored = checked.read_meta(connection, CLASS_NUMBERS)
    if stored is None:
        return ClassTable(names)
    try:
        known = msgspec.json.decode(stored, type=_ClassNumbers)
        kind = NumberKind(known.kind)
    except (msgspec.MsgspecError, ValueError, TypeError):
        return ClassTable(names)
    numbers = known.numbers if known.numbers is not None and len(known.numbers) == len(names) else None
    arranged = (known.order, known.colours, known.aliases, known.attribute_sets)
    return ClassTable(names, numbers, kind, known.named, *arranged)


def read_document(connection: sqlite3.Connection, progress: ProgressCallback = no_progress) -> Document:
    """Read the document. ``progress(boxes read, boxes)`` is called repeatedly.

    Raises:
        DamagedRowsError: a row has invalid values, or others than were written, or is missing.
    """
    document = Document()
    for table in ("meta", "decisions", "frame_blocks"):
        checked.check_sum(connection, table)
    document.classes = read_classes(connection)
    for source, _relative, next_id in read_sources(connection):
        truth = document.add_source(source)
        columns = read_columns(connection, source.id, progress)
        bad = ~valid_rows(columns, frame_count=source.frame_count, class_count=len(document.class_names))
        if bad.any():
            raise DamagedRowsError(
                tr_n("{count} box has invalid values", "{count:,} boxes have invalid values", int(bad.sum()))
            )
        truth.load_columns(
            columns.frames,
            columns.boxes,
            class_ids=columns.class_ids,
            tracks=columns.tracks,
            flags=columns.flags,
            ids=columns.ids,
        )
        truth.reserve_ids(next_id)
        truth.set_default_state(read_default_state(connection, source.id))
        # The blocks hold the states as well; the full check compares them with the table.
        stored = frame_blocks.read(connection, source.id, source.frame_count)
        truth.load_states(stored["state"].copy(), stored["verified"].copy())
        facts = frame_blocks.facts_of(columns.frames, crcs_of(source.id, columns), stored["state"], stored["verified"])
        frame_blocks.compare(stored, facts)
        decisions = checked.select(connection, "decisions", "WHERE source = ? ORDER BY key", (source.id,))
        document.load_decisions([row[1:] for row in decisions], source.id)
    return document


def read_columns(connection: sqlite3.Connection, source: int, progress: ProgressCallback = no_progress) -> BoxColumns:
    """All boxes of a source in order of id; DamagedRowsError where one is not as it was written."""
    (total,) = connection.execute("SELECT count(*) FROM boxes WHERE source = ?", (source,)).fetchone()
    integers = [np.empty(total, np.int64) for _ in range(5)]
    columns = BoxColumns(integers[0], np.empty((4, total)), *integers[1:])
    # In chunks: other threads run in between, and a million rows are never in memory twice.
    done, last = 0, _BEFORE_ALL_IDS
    progress(done, total)
    while done < total:
        arguments = (source, last, min(ROWS_PER_READ, total - done))
        found = _select_boxes(connection, "WHERE source = ? AND id > ? ORDER BY id LIMIT ?", arguments)
        if not len(found.ids):
            raise DamagedRowsError(tr("rows of boxes cannot be read"))
        part = slice(done, done + len(found.ids))
        for name in ("frames", "boxes", "class_ids", "tracks", "flags", "ids"):
            getattr(columns, name)[..., part] = getattr(found, name)
        done, last = part.stop, int(found.ids[-1])
        progress(done, total)
    return columns


def read_frame(connection: sqlite3.Connection, source: int, frame: int) -> BoxColumns:
    """The boxes of one frame in order of id; DamagedRowsError where one is not as it was written."""
    return _select_boxes(connection, "WHERE source = ? AND frame = ? ORDER BY id", (source, frame))


def boxes_of(columns: BoxColumns) -> tuple[Box, ...]:
    """The boxes of these columns."""
    found = zip(
        *(getattr(columns, name).tolist() for name in ("ids", "frames", "class_ids", "tracks", "flags")), strict=True
    )
    rects = columns.boxes.T.tolist()
    return tuple(Box(one[0], one[1], tuple(rect), *one[2:]) for one, rect in zip(found, rects, strict=True))


def _select_boxes(connection: sqlite3.Connection, rest: str, values: tuple[int, ...]) -> BoxColumns:
    """The boxes that SQL after the table's name selects; the first of its values is the source."""
    source = values[0]
    names = _CHECKED_DTYPE.names or ()
    numbers = None
    if column_copy.can_copy(connection):
        numbers = column_copy.copy_numbers(connection, "boxes", names, rest, values)
    if numbers is None:
        # A value is damaged, or an integer that only Python holds exactly.
        found = connection.execute(f"SELECT {', '.join(names)} FROM boxes {rest}", values).fetchall()
        table = _table_of_rows(found, _CHECKED_DTYPE)
        return _checked(source, _columns_of_table(table), table["crc"])
    ids, frames = numbers[:2].astype(np.int64)
    class_ids, tracks, flags, crcs = numbers[6:].astype(np.int64)
    return _checked(source, BoxColumns(frames, numbers[2:6], class_ids, tracks, flags, ids), crcs)


def read_states(connection: sqlite3.Connection, source: int, frame_count: int) -> FrameStates:
    """The states of all frames of a source; DamagedRowsError where one is not as it was written."""
    found = checked.select(connection, "frames", "WHERE source = ?", (source,))
    table = np.array([row[1:] for row in found], np.int64).reshape(-1, 3)
    frames, states, verified = table.T
    known = [int(state) for state in FrameState]
    # The column held 0 and 1 before there was Verification.CHANGED.
    known_verification = [int(value) for value in Verification]
    is_known = np.isin(states, known) & np.isin(verified, known_verification)
    if len(table) and (frames.min() < 0 or frames.max() >= frame_count or not is_known.all()):
        raise DamagedRowsError(tr("a frame state is invalid"))
    all_states = np.zeros(frame_count, np.int8)
    all_verified = np.zeros(frame_count, np.int8)
    all_states[frames] = states
    all_verified[frames] = verified
    return FrameStates(all_states, all_verified)


def _checked(source: int, columns: BoxColumns, crcs: Int) -> BoxColumns:
    """The columns; DamagedRowsError where they have other checksums than these, (N,) as they are stored."""
    wrong = int((crcs_of(source, columns) != crcs).sum())
    if wrong:
        raise DamagedRowsError(tr_n("{count} box was changed", "{count:,} boxes were changed", wrong))
    return columns


def columns_of_rows(rows: list[tuple[float, ...]]) -> BoxColumns:
    """Columns of rows (id, frame, x1, y1, x2, y2, class id, track, flags); DamagedRowsError for other values."""
    return _columns_of_table(_table_of_rows(rows, _BOX_DTYPE))


def _table_of_rows(rows: list[tuple[float, ...]], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    try:
        return np.array(rows, dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise DamagedRowsError(tr("a value of a box is not a number: {reason}", reason=error)) from error


def _columns_of_table(table: NDArray[np.void]) -> BoxColumns:
    boxes = np.array([table[name] for name in ("x1", "y1", "x2", "y2")])
    integers = (np.ascontiguousarray(table[name]) for name in ("frame", "class_id", "track", "flags", "id"))
    frames, class_ids, tracks, flags, ids = integers
    return BoxColumns(frames, boxes, class_ids, tracks, flags, ids)


def valid_rows(columns: BoxColumns, *, frame_count: int, class_count: int) -> NDArray[np.bool_]:
    """(N,) bool: which boxes are valid (docs/metrics.md), as ``document.boxes.find_rect_error`` checks for one."""
    x1, y1, x2, y2 = columns.boxes
    valid: NDArray[np.bool_] = (x2 > x1) & (y2 > y1) & (np.abs(columns.boxes) <= MAX_COORDINATE).all(axis=0)
    valid &= (columns.frames >= 0) & (columns.frames < frame_count) & (columns.ids >= 0)
    valid &= (columns.class_ids >= -1) & (columns.class_ids < class_count)
    return valid
