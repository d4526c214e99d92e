"""Bringing older project files to the present schema, and refusing newer ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.project.schema import APPLICATION_ID, SCHEMA_VERSION, back_up, connect

Migration = Callable[[sqlite3.Connection], None]

MIGRATIONS: Mapping[int, Migration] = {}
"""How to come from version n to n + 1. A released version's golden file in the tests keeps each step honest."""


def version_of(connection: sqlite3.Connection) -> int:
    """Schema version of an open file; 0 where it is no project of ours."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    return int(version) if application == APPLICATION_ID else 0


def migrate(path: Path, *, migrations: Mapping[int, Migration] = MIGRATIONS, target: int = SCHEMA_VERSION) -> int:
    """Bring a file to the present schema; a copy of the old one stays beside it as ``NAME.v1``.

    Returns:
        The version that the file had.

    Raises:
        UserError: the file is no project, or a newer program made it; it is unchanged.
        sqlite3.Error: it is damaged, or cannot be written; it is unchanged.
    """
    with closing(connect(path)) as connection:
        version = version_of(connection)
        if version == 0:
            raise UserError("this is not a project file", path=path)
        if version > target:
            raise UserError(
                f"a newer program made this project (version {version}, this program knows {target})",
                path=path,
                remedy="Update the program; the file is unchanged.",
            )
        if version == target:
            return version
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
