"""The text of the ground truth's file in a project file: one row for each source that has one."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from iouviewer.document.kept_source import KeptSource
from iouviewer.i18n import tr
from iouviewer.project import checked
from iouviewer.project.checked import DamagedRowsError

TABLE = "kept_sources"


def write_kept(connection: sqlite3.Connection, source: int, kept: KeptSource) -> None:
    """Store what is kept of a source, or delete it; nothing is written where the same is stored."""
    if not kept:
        connection.execute(f"DELETE FROM {TABLE} WHERE source = ?", (source,))
        return
    row = (source, msgspec.msgpack.encode(kept))
    stored = connection.execute(f"SELECT crc, length(data) FROM {TABLE} WHERE source = ?", (source,)).fetchone()
    if stored != (checked.row_crc(TABLE, row), len(row[1])):
        checked.insert(connection, TABLE, [row])


def read_kept(connection: sqlite3.Connection, source: int) -> KeptSource:
    """What is kept of a source; DamagedRowsError if it was changed."""
    found = checked.select(connection, TABLE, "WHERE source = ?", (source,))
    checked.check_sum(connection, TABLE)
    kept = decode_row(found[0]) if found else KeptSource()
    if kept is None:
        raise DamagedRowsError(tr("the kept text of the ground truth's file is damaged"))
    return kept


def decode_row(row: tuple[Any, ...]) -> KeptSource | None:
    """What a row holds, None if it is not valid."""
    try:
        return msgspec.msgpack.decode(row[1], type=KeptSource)
    except (msgspec.MsgspecError, TypeError, IndexError):
        return None
