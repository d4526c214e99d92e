"""Reads what is left of a damaged project file: rows that SQLite still reaches, and rows on its pages otherwise."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from iouviewer.project import checked
from iouviewer.project.checked import COLUMNS, KEY_COUNTS, Row
from iouviewer.project.raw_pages import rows_of_file
from iouviewer.project.schema import ROOTS_MARK, connect, short_statement

PAGE_SIZE = 4096

_HIGHEST_KEY = 1 << 40

_ROW_ID_TABLES = ("sources", "classes", "history", "prediction_chunks", "kept_sources")

_OLD_ROOTS = {
    **{"meta": 2, "sources": 3, "classes": 4, "boxes": 5, "frames": 6, "decisions": 7, "history": 8, "settings": 9},
    **{"variants": 10, "prediction_chunks": 11, "sqlite_autoindex_prediction_chunks_1": 12, "notes": 13},
}
"""Root pages of a file without checksums, which depend on the order in which its tables were created."""


@dataclass(frozen=True, slots=True)
class FoundRows:
    """Rows of a table without checksums.

    Attributes:
        rows: by key, those that SQLite reaches and that are as they were written.
        changed: rows that SQLite reaches and that are not as they were written.
        more: further rows that were written once, found on the pages; they may have been replaced or deleted since.
        is_whole: nothing failed while reading, and no row was changed.
        sum: (count, total of checksums) that the table had, None if unknown.
    """

    rows: dict[Row, Row]
    more: tuple[Row, ...]
    is_whole: bool
    sum: tuple[int, int] | None
    changed: tuple[Row, ...] = ()


class DamagedFile:
    """An open copy of a damaged file, with the log that belongs to it.

    Attributes:
        has_checksums: the file has version 4 or later.
    """

    def __init__(self, copy: Path) -> None:
        """Open a copy, which may be changed."""
        self._copy = copy
        self.has_checksums = ROOTS_MARK in copy.read_bytes() or ROOTS_MARK in _read_log(copy)
        self._connection = _open(copy)
        self._connection.text_factory = lambda data: data.decode("utf-8", "replace")

    def close(self) -> None:
        """Close the copy."""
        self._connection.close()

    def has_table(self, table: str) -> bool:
        """Whether the file has this table; also True where nobody can tell."""
        return self._columns(table) != 0

    def read(self, table: str) -> FoundRows:
        """What is left of a table."""
        keys, width = KEY_COUNTS[table], len(COLUMNS[table])
        reached, is_whole = self._reach(table)
        if not self.has_checksums:
            rows = [row + ("",) * (width - len(row)) for row in reached]
            return FoundRows({row[:keys]: row for row in rows}, (), is_whole, None)
        intact = checked.intact_rows(table, reached)
        rows_by_key = {row[:keys]: row for row in intact}
        is_whole &= len(intact) == len(reached) == len(rows_by_key)
        expected = self._sums.get(table)
        if expected is not None:
            is_whole &= sum_of(table, intact) == expected
        known = set(intact)
        more = () if is_whole else tuple({row: None for row in self._carved[table] if row not in known})
        changed = tuple(row[:-1] for row in reached if row[:-1] not in known)
        return FoundRows(rows_by_key, more, is_whole, expected, changed)

    def _columns(self, table: str) -> int:
        try:
            return len(self._connection.execute(f"PRAGMA table_info({table})").fetchall())
        except sqlite3.DatabaseError:
            return -1

    def _reach(self, table: str) -> tuple[list[Row], bool]:
        """Rows with their checksums as SQLite reads them from both ends, and whether nothing failed."""
        names = COLUMNS[table][: KEY_COUNTS[table]]
        width = len(COLUMNS[table]) + self.has_checksums
        found: dict[Row, None] = {}
        for order in ("ASC", "DESC"):
            by = ", ".join(f"{name} {order}" for name in names)
            try:
                found.update(dict.fromkeys(self._connection.execute(f"SELECT * FROM {table} ORDER BY {by}")))
            except (sqlite3.DatabaseError, OverflowError, UnicodeDecodeError):
                continue  # a message of SQLite may quote damaged text
            return [row for row in found if len(row) <= width], self._is_consistent(table)
        if table in ("boxes", "frames", "history"):
            found.update(dict.fromkeys(self._search(table)))
        return [row for row in found if len(row) <= width], False

    def _is_consistent(self, table: str) -> bool:
        """Whether SQLite reports no error in a table, such as keys out of order."""
        try:
            found = self._connection.execute(f"PRAGMA quick_check({table})").fetchone()
        except sqlite3.DatabaseError:
            return False
        return found is not None and found[0] == "ok"

    def _search(self, table: str) -> Iterable[Row]:
        """Rows between damaged parts, by an integer key."""
        place = KEY_COUNTS[table] - 1
        key = COLUMNS[table][place]
        sources = [0]
        if place:
            sources = [one[0][0] for one in self.read("sources").rows.items()] or [0]
        for source in sources:
            condition, values = ("source = ? AND ", (source,)) if place else ("", ())
            yield from _scan(_KeyRange(self._connection, table, condition, values, key, place))

    @cached_property
    def _carved(self) -> dict[str, list[Row]]:
        """Intact rows on all pages, by table."""
        # The log is merged first, so that its pages are seen.
        with suppress(sqlite3.DatabaseError):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        by_width: dict[int, list[Row]] = defaultdict(list)
        for row in rows_of_file(self._copy.read_bytes(), PAGE_SIZE):
            by_width[len(row)].append(row)
        found: dict[str, list[Row]] = {}
        for table, columns in COLUMNS.items():
            rows = checked.intact_rows(table, by_width[len(columns) + 1])
            found[table] = [tuple(checked.stored(table, row)) for row in rows]
        found["sums"] = [row for row in by_width[4] if _is_sum(row)]
        return found

    @cached_property
    def _sums(self) -> dict[str, tuple[int, int]]:
        """(count, total) by table."""
        try:
            found = checked.read_sums(self._connection)
        except sqlite3.DatabaseError:
            found = {}
        if not found:
            for name, count, total, _sealed in self._carved["sums"]:
                found[name] = count, total
        return found


def sum_of(table: str, rows: Iterable[Row]) -> tuple[int, int]:
    """(count, total of checksums) of rows."""
    crcs = checked.row_crcs(table, list(rows))
    return len(crcs), sum(crcs) & checked.MASK


def _is_sum(row: Row) -> bool:
    return (
        isinstance(row[0], str)
        and all(isinstance(value, int) for value in row[1:])
        and checked.seal(row[1], row[2]) == row[3]
    )


def copy_with_log(path: Path, copy: Path) -> None:
    """Copy a file and its log, without opening them."""
    shutil.copyfile(path, copy)
    for suffix in ("-wal", "-journal"):
        log = path.with_name(path.name + suffix)
        if log.is_file():
            shutil.copyfile(log, copy.with_name(copy.name + suffix))


def _read_log(copy: Path) -> bytes:
    log = copy.with_name(f"{copy.name}-wal")
    return log.read_bytes() if log.is_file() else b""


def _open(copy: Path) -> sqlite3.Connection:
    """A connection to a damaged copy; its first page is replaced if that is damaged."""
    connection = connect(copy)
    try:
        found = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        optional = found & {"notes", "frame_blocks", "chunk_list", "kept_sources"}
        for table in ("meta", "sources", "classes", "boxes", "frames", "history", "settings", "variants", *optional):
            connection.execute(f"SELECT {', '.join(COLUMNS[table][:8])} FROM {table} LIMIT 0")
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        if not found >= set(COLUMNS) - {"notes", "frame_blocks", "chunk_list", "kept_sources"} or not pages:
            raise sqlite3.DatabaseError("incomplete")
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        connection.close()
        _replace_first_page(copy)
        connection = connect(copy)
    return connection


def _replace_first_page(copy: Path) -> None:
    """Overwrite the first page of a copy by one that names the tables in few words, all within the page."""
    data = copy.read_bytes()
    at = max(data.rfind(ROOTS_MARK), 0)
    roots = {name: int(page) for name, page in re.findall(r"(\w+)=(\d+)", data[at : at + 600].decode("latin-1"))}
    has_checksums = len(roots) > len(_OLD_ROOTS)
    roots = roots if has_checksums else {k: v for k, v in _OLD_ROOTS.items() if v * PAGE_SIZE <= len(data)}
    empty_path = copy.with_name("empty")
    with closing(connect(empty_path, mode="rwc")) as empty:
        empty.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        empty.execute("BEGIN IMMEDIATE")
        for table, columns in COLUMNS.items():
            if table in roots:
                is_row_id = table in _ROW_ID_TABLES and KEY_COUNTS[table] == 1
                names = (*columns, "crc") if has_checksums else columns
                keys = () if is_row_id else columns[: KEY_COUNTS[table]]
                empty.execute(short_statement(table, names, keys, has_rows=table in _ROW_ID_TABLES))
        if "sums" in roots:
            empty.execute("CREATE TABLE sums (name TEXT PRIMARY KEY, count, total, sealed) WITHOUT ROWID")
        empty.execute("PRAGMA writable_schema = ON")
        empty.executemany("UPDATE sqlite_schema SET rootpage = ? WHERE name = ?", [(v, k) for k, v in roots.items()])
        empty.execute("COMMIT")
    page = bytearray(empty_path.read_bytes()[:PAGE_SIZE])
    page[28:32] = (len(data) // PAGE_SIZE).to_bytes(4, "big")
    copy.with_name(f"{copy.name}-wal").unlink(missing_ok=True)
    with copy.open("r+b") as file:
        file.write(page)


@dataclass(frozen=True, slots=True)
class _KeyRange:
    """Rows of a table that match an SQL condition (empty, or ending with AND), by an integer key in column
    ``place``.
    """

    connection: sqlite3.Connection
    table: str
    condition: str
    values: tuple[object, ...]
    key: str
    place: int

    def after(self, key: int) -> Iterable[Row]:
        return self.connection.execute(
            f"SELECT * FROM {self.table} WHERE {self.condition}{self.key} > ? ORDER BY {self.key} ASC",
            (*self.values, key),
        )

    def before(self, key: int) -> Iterable[Row]:
        return self.connection.execute(
            f"SELECT * FROM {self.table} WHERE {self.condition}{self.key} < ? ORDER BY {self.key} DESC",
            (*self.values, key),
        )


def _scan(rows: _KeyRange) -> list[Row]:
    """Read rows by key from both sides up to damaged parts."""
    found: dict[int, Row] = {}
    after, skip = -_HIGHEST_KEY, 1
    bad_from: int | None = None
    while after < _HIGHEST_KEY:
        try:
            for row in rows.after(after):
                key = row[rows.place]
                if not isinstance(key, int):
                    continue
                if bad_from is not None:
                    _read_back(rows, key, bad_from, found)
                    bad_from = None
                after, skip = key, 1
                found[after] = row
            break
        except sqlite3.DatabaseError:
            if bad_from is None:
                bad_from = after
            # Doubling from the lowest possible key would take many steps to reach the first real one.
            after = max(after + skip, -2)
            skip *= 2
    return [found[key] for key in sorted(found)]


def _read_back(rows: _KeyRange, key: int, stop: int, found: dict[int, Row]) -> None:
    """Read the rows before ``key`` that the doubling steps skipped, downwards until the damage or ``stop``."""
    try:
        for row in rows.before(key):
            if not isinstance(row[rows.place], int) or row[rows.place] <= stop:
                return
            found[row[rows.place]] = row
    except sqlite3.DatabaseError:
        return
