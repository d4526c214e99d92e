"""Migrates older project files to the current schema and refuses newer ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project import checked
from iouviewer.project import rows as rows_module
from iouviewer.project.schema import (
    APPLICATION_ID,
    CHECK_TABLES,
    CHECKED_VERSION,
    KEPT_SOURCES,
    NOTES,
    SCHEMA_VERSION,
    back_up,
    connect,
    new_nonce,
    write_roots,
)


class NewerProjectError(UserError):
    """A newer program made the file; it is unchanged."""


Migration = Callable[[sqlite3.Connection], None]


def _give_variants_their_classes(connection: sqlite3.Connection) -> None:
    """Predictions of version 1 are stored in the document's classes: these become each variant's own table."""
    names = [row[0] for row in connection.execute("SELECT name FROM classes ORDER BY id")]
    for key, run in connection.execute("SELECT key, run FROM variants").fetchall():
        try:
            known = msgspec.json.decode(run, type=dict)
        except (msgspec.MsgspecError, TypeError):
            continue  # a damaged row stays as it is, for the recovery
        known["classes"] = {"names": names}
        text = msgspec.json.encode(known).decode()
        connection.execute("UPDATE variants SET run = ? WHERE key = ?", (text, key))


def _add_notes_and_authors(connection: sqlite3.Connection) -> None:
    """Version 2 knew neither notes nor who made a step."""
    connection.execute(NOTES)
    connection.execute("ALTER TABLE history ADD COLUMN author TEXT NOT NULL DEFAULT ''")


def _add_checksums(connection: sqlite3.Connection) -> None:
    """Version 3 had no checksums."""
    for table, keys in checked.KEY_COUNTS.items():
        if table in ("frame_blocks", "chunk_list", "kept_sources"):
            continue
        connection.execute(f"ALTER TABLE {table} ADD COLUMN crc INTEGER NOT NULL DEFAULT 0")
        columns = checked.COLUMNS[table]
        condition = " AND ".join(f"{name} = ?" for name in columns[:keys])
        # Rows are never all in memory as objects: predictions and boxes may be large.
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table}")
        changed = []
        while found := rows.fetchmany(4096):
            crcs = checked.row_crcs(table, found)
            changed += [(crc, *row[:keys]) for crc, row in zip(crcs, found, strict=True)]
        connection.executemany(f"UPDATE {table} SET crc = ? WHERE {condition}", changed)
    for statement in (*CHECK_TABLES, KEPT_SOURCES):
        connection.execute(statement)
    listed = ", ".join(checked.COLUMNS["chunk_list"])
    checked.insert(connection, "chunk_list", connection.execute(f"SELECT {listed} FROM prediction_chunks").fetchall())
    for (source,) in connection.execute("SELECT id FROM sources").fetchall():
        rows_module.write_frame_blocks(connection, source)
    checked.create_sums(connection, new_nonce())
    checked.keep_sums(connection)
    write_roots(connection)


def _add_kept_sources(connection: sqlite3.Connection) -> None:
    """Version 4 did not keep the files that ground truth was read from; a file of version 3 has the table by now."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'kept_sources'").fetchone() is None:
        connection.execute(KEPT_SOURCES)
        checked.add_sum(connection, "kept_sources")
        checked.keep_sums(connection)
        write_roots(connection)


MIGRATIONS: Mapping[int, Migration] = {
    1: _give_variants_their_classes,
    2: _add_notes_and_authors,
    3: _add_checksums,
    4: _add_kept_sources,
}
"""Version n -> migration to n + 1. The tests check each migration with a file of the released version."""


def _check_structure(connection: sqlite3.Connection) -> None:
    """sqlite3.DatabaseError if a file without checksums is damaged as far as can be seen."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found is None or found[0] != "ok":
        raise sqlite3.DatabaseError(found[0] if found else tr("no response"))


def read_version(connection: sqlite3.Connection) -> int:
    """Schema version of an open file; 0 if it is not a project file."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    return int(version) if application == APPLICATION_ID else 0


def migrate(path: Path, *, migrations: Mapping[int, Migration] = MIGRATIONS, target: int = SCHEMA_VERSION) -> int:
    """Migrate a file to the current schema; a copy of the old one stays beside it as ``NAME.v1``.

    Returns:
        The version of the file before.

    Raises:
        NewerProjectError: a newer program made it; it is unchanged.
        UserError: the file is not a project; it is unchanged.
        sqlite3.Error: it is damaged, or cannot be written; it is unchanged.
    """
    with closing(connect(path)) as connection:
        version = read_version(connection)
        if version == 0:
            raise UserError(tr("this is not a project file"), path=path)
        if version > target:
            raise NewerProjectError(
                tr(
                    "this project was made by a newer iouviewer (file version {version}, supported up to {supported})",
                    version=version,
                    supported=target,
                ),
                path=path,
                remedy=tr("Update iouviewer. The file is unchanged."),
            )
        if version == target:
            return version
        if version < CHECKED_VERSION:
            _check_structure(connection)
        back_up(connection, path.with_name(f"{path.name}.v{version}"))
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            for step in range(version, target):
                migrations[step](connection)
            connection.execute(f"PRAGMA user_version = {target:d}")
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
    return version
