"""Rows with checksums: every row carries one, and ``sums`` holds the count and the sum of them for each table.

A changed byte makes a row's checksum wrong; a row that is missing, doubled or out of date makes the sums wrong. The
sums are kept by temporary triggers, which belong to the connection, so that no SQL of a file is ever run.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from iouviewer.i18n import tr
from iouviewer.metrics.table import Float, Int

Row = tuple[Any, ...]

MASK = (1 << 53) - 1
"""Sums are kept modulo 2**53, which SQL adds without overflow and floats hold exactly."""

SEAL_FACTOR = 1000003

SESSION = "session"
"""Row of ``sums``: the nonce of the session that wrote the file, and the number of the transaction."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "meta": ("key", "value"),
    "sources": (
        *("id", "name", "path", "relative_path", "width", "height", "frame_count", "fps"),
        *("fingerprint", "index_digest", "next_box_id"),
    ),
    "classes": ("id", "name"),
    "boxes": ("source", "id", "frame", "x1", "y1", "x2", "y2", "class_id", "track", "flags"),
    "frames": ("source", "frame", "state", "verified"),
    "decisions": ("source", "key", "value"),
    "history": ("position", "label", "source", "frame", "merge_key", "at", "edit", "inverse", "author"),
    "settings": ("key", "value"),
    "variants": ("key", "position", "name", "baseline", "state", "fields", "run"),
    "prediction_chunks": ("variant", "number", "first_frame", "last_frame", "box_count", "data"),
    "notes": ("source", "id", "text", "frame", "box", "track", "author", "at", "done"),
    "frame_blocks": ("source", "block", "data"),
    "chunk_list": ("variant", "number", "first_frame", "last_frame", "box_count"),
    "kept_sources": ("source", "data"),
}
"""Columns of each table before its last one, ``crc``."""

KEY_COUNTS: Mapping[str, int] = {
    **{"meta": 1, "sources": 1, "classes": 1, "boxes": 2, "frames": 2, "decisions": 2, "history": 1, "settings": 1},
    **{"variants": 1, "prediction_chunks": 2, "notes": 2, "frame_blocks": 2, "chunk_list": 2},
    "kept_sources": 1,
}
"""Number of leading columns that identify a row of each table."""

REAL = {"x1", "y1", "x2", "y2", "fps", "at"}

SUMMED = tuple(table for table in COLUMNS if table not in ("boxes", "frames"))
"""Tables whose rows ``sums`` counts; boxes and frame states are counted by frame in ``frame_blocks``."""


class DamagedRowsError(Exception):
    """Rows hold values that iouviewer never wrote: the file is damaged."""


# Checksums


def stored(table: str, row: Sequence[Any]) -> list[Any]:
    """The values as SQLite returns them: integers in REAL columns as floats, no negative zero, no bool."""
    return [
        float(value) + 0.0
        if isinstance(value, float) or (name in REAL and isinstance(value, int))
        else int(value)
        if isinstance(value, bool)
        else value
        for name, value in zip(COLUMNS[table], row, strict=True)
    ]


def row_crc(table: str, row: Sequence[Any]) -> int:
    """Checksum (32 bits) of a row's values without the last column."""
    return row_crcs(table, [row])[0]


def row_crcs(table: str, rows: Sequence[Sequence[Any]]) -> list[int]:
    """Checksums of rows without their last column."""
    if table == "boxes" and rows:
        columns: Any = tuple(zip(*rows, strict=True))
        crcs: list[int] = box_crcs(*columns).tolist()
        return crcs
    name = zlib.crc32(table.encode())
    return [zlib.crc32(msgspec.msgpack.encode(stored(table, row)), name) for row in rows]


def box_crcs(
    source: Any, ids: Any, frames: Any, x1: Any, y1: Any, x2: Any, y2: Any, class_ids: Any, tracks: Any, flags: Any
) -> Int:
    """(N,) int64: checksums (32 bits) of rows of the table ``boxes``, from columns of (N,)."""
    integers = [np.asarray(column, np.int64) for column in (source, ids, frames, class_ids, tracks, flags)]
    # Adding zero turns -0.0, which SQLite does not keep, into 0.0.
    numbers = [np.asarray(column, np.float64) + 0.0 for column in (x1, y1, x2, y2)]
    mixed: NDArray[np.uint64] = np.full(len(integers[1]), 0x9E3779B97F4A7C15, np.uint64)
    for column in (*integers, *numbers):
        # Both steps are bijections: a change of one column always changes the 64 bits.
        mixed = (mixed ^ column.view(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(32)).astype(np.int64)


def columns_crcs(source: int, frames: Int, boxes: Float, class_ids: Int, tracks: Int, flags: Int, ids: Int) -> Int:
    """(N,) int64: ``box_crcs`` of columns in the order of ``rows.BoxColumns``; boxes are (4, N)."""
    x1, y1, x2, y2 = boxes
    return box_crcs(np.full(len(ids), source, np.int64), ids, frames, x1, y1, x2, y2, class_ids, tracks, flags)


# Rows


def insert(connection: sqlite3.Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert or replace rows, given without their checksums."""
    marks = ", ".join("?" * (len(COLUMNS[table]) + 1))
    connection.executemany(
        f"INSERT OR REPLACE INTO {table} VALUES ({marks})", ((*row, row_crc(table, row)) for row in rows)
    )


def select(connection: sqlite3.Connection, table: str, condition: str = "", values: Sequence[Any] = ()) -> list[Row]:
    """Whole rows without their checksums, which are verified.

    Args:
        condition: SQL after the table's name, for example ``WHERE id = ?`` or ``ORDER BY id``.

    Raises:
        DamagedRowsError: a row has another checksum than it was written with.
    """
    found = []
    for row in connection.execute(f"SELECT {', '.join(COLUMNS[table])}, crc FROM {table} {condition}", values):
        if not is_intact(table, row):
            raise DamagedRowsError(tr("a row of the table {table} was changed", table=table))
        found.append(row[:-1])
    return found


def is_intact(table: str, row: Sequence[Any]) -> bool:
    """Whether a row, with its checksum last, has the values that were written."""
    try:
        return bool(row_crc(table, row[:-1]) == row[-1])
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):
        return False  # a value of another type than was written


def intact_rows(table: str, rows: Sequence[Row]) -> list[Row]:
    """Those rows, given with their checksums, that have the values that were written; without the checksums."""
    if table != "boxes":
        return [row[:-1] for row in rows if is_intact(table, row)]
    try:
        crcs = row_crcs(table, [row[:-1] for row in rows])
    except (TypeError, ValueError, OverflowError):
        return [row[:-1] for row in rows if is_intact(table, row)]
    return [row[:-1] for row, crc in zip(rows, crcs, strict=True) if row[-1] == crc]


def read_meta(connection: sqlite3.Connection, key: str) -> Any:
    """A value of the table ``meta``; None if there is none. DamagedRowsError if it was changed."""
    found = select(connection, "meta", "WHERE key = ?", (key,))
    return found[0][1] if found else None


def write_meta(connection: sqlite3.Connection, key: str, value: Any) -> None:
    """Set a value of the table ``meta``."""
    insert(connection, "meta", [(key, value)])


# Sums


def seal(count: int, total: int) -> int:
    """Checksum of a row of ``sums``, in arithmetic that SQL has as well."""
    return (count * SEAL_FACTOR + total) & MASK


def create_sums(connection: sqlite3.Connection, nonce: int) -> None:
    """Fill ``sums`` from the tables as they are, and number transactions from 0 under this nonce (53 bits)."""
    _write_sums(connection, [(SESSION, 0, nonce), *(_sum_of(connection, table) for table in SUMMED)])


def add_sum(connection: sqlite3.Connection, table: str) -> None:
    """Fill the row of ``sums`` of a table that was added."""
    _write_sums(connection, [_sum_of(connection, table)])


def _sum_of(connection: sqlite3.Connection, table: str) -> tuple[str, int, int]:
    count, total = connection.execute(f"SELECT count(*), coalesce(sum(crc), 0) FROM {table}").fetchone()
    return table, count, total & MASK


def _write_sums(connection: sqlite3.Connection, rows: Sequence[tuple[str, int, int]]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?)", [(*row, seal(row[1], row[2])) for row in rows]
    )


def keep_sums(connection: sqlite3.Connection) -> None:
    """Keep ``sums`` right for all further changes through this connection."""
    # Without this a row that is replaced does not fire the trigger for its deletion.
    connection.execute("PRAGMA recursive_triggers = ON")
    for table in SUMMED:
        for event, row, sign in (("INSERT", "new", "+"), ("DELETE", "old", "-")):
            connection.execute(
                f"CREATE TEMP TRIGGER {table}_{event.lower()} AFTER {event} ON main.{table} BEGIN"
                f" UPDATE sums SET count = count {sign} 1, total = (total {sign} {row}.crc) & {MASK},"
                f" sealed = ((count {sign} 1) * {SEAL_FACTOR} + ((total {sign} {row}.crc) & {MASK})) & {MASK}"
                f" WHERE name = '{table}'; END"
            )


def read_sums(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """(count, total) by name; rows of ``sums`` that were changed are left out."""
    found = connection.execute("SELECT name, count, total, sealed FROM sums").fetchall()
    return {
        name: (count, total)
        for name, count, total, sealed in found
        if isinstance(count, int) and isinstance(total, int) and seal(count, total) == sealed
    }


def check_sum(connection: sqlite3.Connection, table: str) -> None:
    """Compare the rows of a table, as stored, with its sum.

    Raises:
        DamagedRowsError: rows are missing, doubled or out of date.
    """
    count, total = connection.execute(f"SELECT count(*), coalesce(sum(crc), 0) FROM {table}").fetchone()
    expected = read_sums(connection).get(table)
    if expected is None:
        raise DamagedRowsError(tr("the sum of the table {table} was changed", table=table))
    if not isinstance(total, int) or (count, total & MASK) != expected:
        raise DamagedRowsError(
            tr(
                "the table {table} has {count:,} rows, or others, instead of {expected:,}",
                table=table,
                count=count,
                expected=expected[0],
            )
        )


def count_transaction(connection: sqlite3.Connection) -> None:
    """Give the transaction that was begun the next number."""
    connection.execute(
        f"UPDATE sums SET count = count + 1, sealed = ((count + 1) * {SEAL_FACTOR} + total) & {MASK} WHERE name = ?",
        (SESSION,),
    )


def begin_session(connection: sqlite3.Connection, nonce: int) -> None:
    """Write another nonce, so that logs of earlier sessions, and of copies, can be told apart."""
    connection.execute(
        f"UPDATE sums SET total = ?, sealed = (count * {SEAL_FACTOR} + ?) & {MASK} WHERE name = ?",
        (nonce, nonce, SESSION),
    )
