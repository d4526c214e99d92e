"""Rows of sources, classes, boxes, frame states and decisions, to and from the document."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.boxes import LIMIT, Box
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameMark, FrameState
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.history import RowChanges
from iouviewer.document.sources import Source
from iouviewer.metrics.table import Float, Int

_BOX_DTYPE = np.dtype(
    [("id", np.int64), ("frame", np.int64)]
    + [(name, np.float64) for name in ("x1", "y1", "x2", "y2")]
    + [(name, np.int64) for name in ("class_id", "track", "flags")]
)


READ_AT_ONCE = 4096
"""Rows that are read between two looks at what else there is to do."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Ground-truth boxes of a source: frames (N,), boxes (4, N), class ids, tracks, flags, ids (N,)."""

    frames: Int
    boxes: Float
    class_ids: Int
    tracks: Int
    flags: Int
    ids: Int

    @classmethod
    def of(cls, truth: GroundTruth) -> Columns:
        """All boxes of a source; the arrays are never written to, so another thread may read them."""
        return cls(*truth.columns())


@dataclass(frozen=True, slots=True)
class FrameStates:
    """State of each frame: (F,) int8 of FrameState and (F,) bool."""

    states: NDArray[np.int8]
    verified: NDArray[np.bool_]

    @classmethod
    def of(cls, truth: GroundTruth) -> FrameStates:
        """A copy of the states of a source."""
        return cls(truth.states().copy(), truth.verified().copy())


Progress = Callable[[int, int], None]
"""Called with what is read so far and what there is in all."""


def no_progress(_done: int, _total: int) -> None:
    """Nobody wants to know."""


class DamagedRowsError(Exception):
    """Rows that no program of ours wrote: the file is damaged."""


# Writing


def relative_to_project(path: str, project: Path) -> str:
    """A source's path as seen from the project's folder, with ``/``; empty on another drive."""
    if not path:
        return ""
    try:
        return Path(os.path.relpath(path, project.absolute().parent)).as_posix()
    except ValueError:
        return ""


def write_source(connection: sqlite3.Connection, source: Source, relative: str, next_id: int) -> None:
    """Add a source or replace what is known of it."""
    connection.execute(
        "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            source.id,
            source.name,
            source.path,
            relative,
            source.width,
            source.height,
            source.frame_count,
            source.fps,
            source.fingerprint,
            source.index_digest,
            next_id,
        ),
    )


def update_source(connection: sqlite3.Connection, source: Source, relative: str) -> None:
    """Replace what is known of a source but its next unused box id."""
    found = connection.execute("SELECT next_box_id FROM sources WHERE id = ?", (source.id,)).fetchone()
    write_source(connection, source, relative, found[0] if found else 1)


def write_class_names(connection: sqlite3.Connection, names: tuple[str, ...]) -> None:
    """Replace the class names."""
    connection.execute("DELETE FROM classes")
    connection.executemany("INSERT INTO classes VALUES (?, ?)", enumerate(names))


def write_columns(connection: sqlite3.Connection, source: int, columns: Columns, next_id: int) -> None:
    """Replace all boxes of a source."""
    connection.execute("DELETE FROM boxes WHERE source = ?", (source,))
    # In order of the primary key, so that the tree is filled from left to right.
    order = np.argsort(columns.ids, kind="stable")
    rows = zip(
        columns.ids[order].tolist(),
        columns.frames[order].tolist(),
        *columns.boxes[:, order].tolist(),
        columns.class_ids[order].tolist(),
        columns.tracks[order].tolist(),
        columns.flags[order].tolist(),
        strict=True,
    )
    connection.executemany(f"INSERT INTO boxes VALUES ({source:d}, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("UPDATE sources SET next_box_id = ? WHERE id = ?", (next_id, source))


def write_states(connection: sqlite3.Connection, source: int, states: FrameStates) -> None:
    """Replace the frame states of a source; frames that are unlabelled and not verified have no row."""
    connection.execute("DELETE FROM frames WHERE source = ?", (source,))
    known = np.flatnonzero((states.states != int(FrameState.UNLABELLED)) | states.verified)
    rows = zip(
        known.tolist(), states.states[known].tolist(), states.verified[known].astype(np.int64).tolist(), strict=True
    )
    connection.executemany(f"INSERT INTO frames VALUES ({source:d}, ?, ?, ?)", rows)


def write_rest(connection: sqlite3.Connection, source: int, state: FrameState) -> None:
    """Put the state of frames that become known later."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (f"rest {source}", int(state)))


def read_rest(connection: sqlite3.Connection, source: int) -> FrameState:
    """The state of frames that become known later."""
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (f"rest {source}",)).fetchone()
    known = {int(state): state for state in FrameState}
    return known.get(found[0], FrameState.UNLABELLED) if found is not None else FrameState.UNLABELLED


def write_new_frames(connection: sqlite3.Connection, source: int, frames: range, state: FrameState) -> None:
    """Give frames that have become known their state."""
    if state is not FrameState.UNLABELLED:
        marks = ((frame, int(state)) for frame in frames)
        connection.executemany(f"INSERT OR REPLACE INTO frames VALUES ({source:d}, ?, ?, 0)", marks)


def write_decisions(connection: sqlite3.Connection, source: int, decisions: tuple[tuple[str, str], ...]) -> None:
    """Replace the decisions of a source."""
    connection.execute("DELETE FROM decisions WHERE source = ?", (source,))
    connection.executemany(f"INSERT INTO decisions VALUES ({source:d}, ?, ?)", decisions)


def write_changes(connection: sqlite3.Connection, rows: RowChanges) -> None:
    """Write what a step left behind."""
    source = rows.source
    connection.executemany("DELETE FROM boxes WHERE source = ? AND id = ?", [(source, i) for i in rows.delete])
    connection.executemany(
        "INSERT OR REPLACE INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_box_row(source, box) for box in rows.put],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?)", [_mark_row(source, mark) for mark in rows.marks]
    )
    if rows.class_names is not None:
        write_class_names(connection, rows.class_names)
    if rows.rest is not None:
        write_rest(connection, source, rows.rest)
    if rows.decisions is not None:
        write_decisions(connection, source, rows.decisions)
    connection.execute("UPDATE sources SET next_box_id = ? WHERE id = ?", (rows.next_id, source))


def _box_row(source: int, box: Box) -> tuple[float, ...]:
    # Numbers may have come out of numpy, which sqlite would store as blobs.
    x1, y1, x2, y2 = map(float, box.rect)
    return source, int(box.id), int(box.frame), x1, y1, x2, y2, int(box.class_id), int(box.track), int(box.flags)


def _mark_row(source: int, mark: FrameMark) -> tuple[int, int, int, int]:
    return source, int(mark.frame), int(mark.state), int(mark.verified)


# Reading


def read_sources(connection: sqlite3.Connection) -> list[tuple[Source, str, int]]:
    """Sources by id, each with its relative path and its next unused box id."""
    found = connection.execute(
        "SELECT id, name, path, width, height, frame_count, fps, fingerprint, index_digest, relative_path, next_box_id"
        " FROM sources ORDER BY id"
    )
    return [(Source(*row[:9]), row[9], row[10]) for row in found]


def read_class_names(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Class names by id; DamagedRowsError where ids are missing."""
    found = connection.execute("SELECT id, name FROM classes ORDER BY id").fetchall()
    if [number for number, _name in found] != list(range(len(found))):
        raise DamagedRowsError("class names are missing")
    return tuple(name for _number, name in found)


def read_document(connection: sqlite3.Connection, progress: Progress = no_progress) -> Document:
    """The document as the rows say. ``progress(boxes read, boxes)`` is called now and then.

    Raises:
        DamagedRowsError: a row holds what could not have been written.
    """
    document = Document()
    document.class_names = read_class_names(connection)
    for source, _relative, next_id in read_sources(connection):
        truth = document.add_source(source)
        columns = _read_columns(connection, source.id, progress)
        bad = ~valid_rows(columns, frame_count=source.frame_count, class_count=len(document.class_names))
        if bad.any():
            raise DamagedRowsError(f"{int(bad.sum())} boxes hold impossible numbers")
        truth.load_columns(
            columns.frames,
            columns.boxes,
            class_ids=columns.class_ids,
            tracks=columns.tracks,
            flags=columns.flags,
            ids=columns.ids,
        )
        truth.reserve_ids(next_id)
        truth.set_rest(read_rest(connection, source.id))
        _read_states(connection, source, truth)
        found = connection.execute("SELECT key, value FROM decisions WHERE source = ? ORDER BY key", (source.id,))
        document.load_decisions(found.fetchall(), source.id)
    return document


def _read_columns(connection: sqlite3.Connection, source: int, progress: Progress) -> Columns:
    (total,) = connection.execute("SELECT count(*) FROM boxes WHERE source = ?", (source,)).fetchone()
    cursor = connection.execute(
        "SELECT id, frame, x1, y1, x2, y2, class_id, track, flags FROM boxes WHERE source = ?", (source,)
    )
    # Piece by piece: other threads run between the pieces, and a million rows never stand in memory as objects.
    pieces, done = [columns_of_rows([])], 0
    progress(done, total)
    while found := cursor.fetchmany(READ_AT_ONCE):
        pieces.append(columns_of_rows(found))
        done += len(found)
        progress(done, total)
    return Columns(
        np.concatenate([piece.frames for piece in pieces]),
        np.concatenate([piece.boxes for piece in pieces], axis=1),
        *(
            np.concatenate([getattr(piece, name) for piece in pieces])
            for name in ("class_ids", "tracks", "flags", "ids")
        ),
    )


def _read_states(connection: sqlite3.Connection, source: Source, truth: GroundTruth) -> None:
    found = connection.execute("SELECT frame, state, verified FROM frames WHERE source = ?", (source.id,)).fetchall()
    table = np.array(found, np.int64).reshape(-1, 3)
    frames, states, verified = table.T
    known = [int(state) for state in FrameState]
    if len(table) and (frames.min() < 0 or frames.max() >= source.frame_count or not np.isin(states, known).all()):
        raise DamagedRowsError("a frame's state is impossible")
    all_states = np.zeros(source.frame_count, np.int8)
    all_verified = np.zeros(source.frame_count, np.bool_)
    all_states[frames] = states
    all_verified[frames] = verified != 0
    truth.load_states(all_states, all_verified)


def columns_of_rows(rows: list[tuple[float, ...]]) -> Columns:
    """Columns of rows (id, frame, x1, y1, x2, y2, class id, track, flags); DamagedRowsError if one is no number."""
    try:
        table = np.array(rows, _BOX_DTYPE)
    except (ValueError, TypeError, OverflowError) as error:
        raise DamagedRowsError(f"a box holds what is no number: {error}") from error
    boxes = np.array([table[name] for name in ("x1", "y1", "x2", "y2")])
    whole = (np.ascontiguousarray(table[name]) for name in ("frame", "class_id", "track", "flags", "id"))
    frames, class_ids, tracks, flags, ids = whole
    return Columns(frames, boxes, class_ids, tracks, flags, ids)


def valid_rows(columns: Columns, *, frame_count: int, class_count: int) -> NDArray[np.bool_]:
    """(N,) bool: which boxes may exist (metrics.md), as ``document.boxes.why_invalid`` says for one."""
    x1, y1, x2, y2 = columns.boxes
    good: NDArray[np.bool_] = (x2 > x1) & (y2 > y1) & (np.abs(columns.boxes) <= LIMIT).all(axis=0)
    good &= (columns.frames >= 0) & (columns.frames < frame_count) & (columns.ids >= 0)
    good &= (columns.class_ids >= -1) & (columns.class_ids < class_count)
    return good
