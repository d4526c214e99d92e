"""The tables of a project file, and opening connections to it."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from iouviewer.project import checked
from iouviewer.project.remote_folders import is_remote_or_synced

APPLICATION_ID = 0x696F7576
"""``iouv`` in the SQLite header identifies project files."""

SCHEMA_VERSION = 5

CHECKED_VERSION = 4
"""The first version with checksums."""

ROOTS = "roots"
"""Key in ``meta``: the pages at which the tables begin, after ``ROOTS_MARK``."""

ROOTS_MARK = b"iouviewer-root-pages:"

SUFFIX = ".iouv"

BUSY_SECONDS = 5.0
"""How long a connection waits for the commit of another one."""

NOTES = """CREATE TABLE notes (
        source INTEGER NOT NULL, id INTEGER NOT NULL, text TEXT NOT NULL, frame INTEGER NOT NULL,
        box INTEGER NOT NULL, track INTEGER NOT NULL, author TEXT NOT NULL, at REAL NOT NULL, done INTEGER NOT NULL,
        PRIMARY KEY (source, id)) WITHOUT ROWID"""
"""The table of notes as version 3 created it."""

CHECK_TABLES: tuple[str, ...] = (
    """CREATE TABLE frame_blocks (
        source INTEGER NOT NULL, block INTEGER NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (source, block)) WITHOUT ROWID""",
    """CREATE TABLE chunk_list (
        variant TEXT NOT NULL, number INTEGER NOT NULL, first_frame INTEGER NOT NULL, last_frame INTEGER NOT NULL,
        box_count INTEGER NOT NULL, crc INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (variant, number)) WITHOUT ROWID""",
    """CREATE TABLE sums (
        name TEXT PRIMARY KEY, count INTEGER NOT NULL, total INTEGER NOT NULL, sealed INTEGER NOT NULL)
        WITHOUT ROWID""",
)
"""Tables from which missing and outdated rows are recognised (project/checked.py)."""

KEPT_SOURCES = """CREATE TABLE kept_sources (
        source INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL DEFAULT 0)"""
"""The files that ground truth was read from (project/kept_rows.py), since version 5."""

# The order is part of the format: salvage relies on the root pages that result from it.
TABLES: tuple[str, ...] = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value, crc INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
    """CREATE TABLE sources (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL, relative_path TEXT NOT NULL,
        width INTEGER NOT NULL, height INTEGER NOT NULL, frame_count INTEGER NOT NULL, fps REAL NOT NULL,
        fingerprint TEXT NOT NULL, index_digest TEXT NOT NULL, next_box_id INTEGER NOT NULL,
        crc INTEGER NOT NULL DEFAULT 0)""",
    "CREATE TABLE classes (id INTEGER PRIMARY KEY, name TEXT NOT NULL, crc INTEGER NOT NULL DEFAULT 0)",
    """CREATE TABLE boxes (
        source INTEGER NOT NULL, id INTEGER NOT NULL, frame INTEGER NOT NULL,
        x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
        class_id INTEGER NOT NULL, track INTEGER NOT NULL, flags INTEGER NOT NULL,
        crc INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (source, id)) WITHOUT ROWID""",
    """CREATE TABLE frames (
        source INTEGER NOT NULL, frame INTEGER NOT NULL, state INTEGER NOT NULL, verified INTEGER NOT NULL,
        crc INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (source, frame)) WITHOUT ROWID""",
    """CREATE TABLE decisions (
        source INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
        crc INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (source, key)) WITHOUT ROWID""",
    """CREATE TABLE history (
        position INTEGER PRIMARY KEY, label TEXT NOT NULL, source INTEGER NOT NULL, frame INTEGER NOT NULL,
        merge_key TEXT NOT NULL, at REAL NOT NULL, edit BLOB NOT NULL, inverse BLOB NOT NULL,
        author TEXT NOT NULL DEFAULT '',
        crc INTEGER NOT NULL DEFAULT 0)""",
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
    """CREATE TABLE variants (
        key TEXT PRIMARY KEY, position INTEGER NOT NULL, name TEXT NOT NULL, baseline INTEGER NOT NULL,
        state TEXT NOT NULL, fields TEXT NOT NULL, run TEXT NOT NULL,
        crc INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID""",
    """CREATE TABLE prediction_chunks (
        variant TEXT NOT NULL, number INTEGER NOT NULL, first_frame INTEGER NOT NULL, last_frame INTEGER NOT NULL,
        box_count INTEGER NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (variant, number))""",
    """CREATE TABLE notes (
        source INTEGER NOT NULL, id INTEGER NOT NULL, text TEXT NOT NULL, frame INTEGER NOT NULL,
        box INTEGER NOT NULL, track INTEGER NOT NULL, author TEXT NOT NULL, at REAL NOT NULL, done INTEGER NOT NULL,
        crc INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (source, id)) WITHOUT ROWID""",
    *CHECK_TABLES,
    KEPT_SOURCES,
)


def create_tables(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty database; the caller has begun a transaction."""
    for statement in TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    checked.create_sums(connection, new_nonce())
    checked.keep_sums(connection)
    write_roots(connection)


def new_nonce() -> int:
    """A random number for a session (53 bits)."""
    return secrets.randbits(53)


def write_roots(connection: sqlite3.Connection) -> None:
    """Keep the first page of each table in a row that is found without the schema, which has but one copy."""
    found = connection.execute("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 ORDER BY rootpage")
    text = " ".join(f"{name}={page}" for name, page in found)
    checked.write_meta(connection, ROOTS, ROOTS_MARK + text.encode())


def short_statement(table: str, columns: Sequence[str], keys: Sequence[str], *, has_rows: bool) -> str:
    """SQL that creates a table in few words, to read one whose own SQL is lost.

    Args:
        keys: of its primary key; none where that is the first column, as the row id.
        has_rows: it has row ids.
    """
    names = [f"{name} REAL" if name in checked.REAL else name for name in columns]
    if not keys:
        return f"CREATE TABLE {table} ({columns[0]} INTEGER PRIMARY KEY, {', '.join(names[1:])})"
    tail = "" if has_rows else " WITHOUT ROWID"
    return f"CREATE TABLE {table} ({', '.join(names)}, PRIMARY KEY ({', '.join(keys)})){tail}"


def connect(path: Path, *, mode: str = "rw") -> sqlite3.Connection:
    """Open an existing database (``ro``, ``rw``) or create one (``rwc``); transactions are explicit.

    Raises:
        sqlite3.Error: the file does not exist, cannot be read, or is not a database.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )
    # Files may come from elsewhere: never run SQL from their schema.
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def connect_to_write(path: Path, *, is_new: bool = False) -> sqlite3.Connection:
    """Open for writing with the journal mode that the disk supports; every commit is flushed.

    A write-ahead log needs shared memory, which network and synchronised folders do not provide.

    Args:
        is_new: the file was just written, and has a session of its own.
    """
    connection = connect(path)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        mode = ""
        with contextlib.suppress(sqlite3.OperationalError):
            # Fails while another connection reads a log: it then goes on under the session that began it.
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        if mode == "delete" and not is_new:
            # Written without a log: a log that names another session does not belong to this file.
            connection.execute("BEGIN IMMEDIATE")
            checked.begin_session(connection, new_nonce())
            connection.execute("COMMIT")
        if not is_remote_or_synced(path):
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        checked.keep_sums(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def back_up(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database, including its log, to one new file, completely or not at all.

    Raises:
        sqlite3.Error, OSError: nothing is left at ``target``.
    """
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        copy = connect(part, mode="rwc")
        try:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()
            if copy.execute("PRAGMA user_version").fetchone()[0] >= CHECKED_VERSION:
                checked.begin_session(copy, new_nonce())
        finally:
            copy.close()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
