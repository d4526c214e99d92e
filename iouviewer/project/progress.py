"""How far the work in a project has come, read from a few rows without opening the project."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from iouviewer.document.dataset import SourceProgress
from iouviewer.document.edits import FrameState, Verification
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.schema import CHECKED_VERSION, SCHEMA_VERSION, connect

_STATE_TABLES = ("sources", "classes", "decisions", "variants", "prediction_chunks", "chunk_list", "frame_blocks")
"""Tables whose sums name the contents: with ``frame_blocks`` for boxes and frame states. Settings, notes and history
change no number."""


def read_progress(project: Path) -> SourceProgress:
    """Read the progress; the file is not changed, and another window may have it open.

    Raises:
        UserError: it does not exist, is damaged, has no video, or another version wrote it.
    """
    if not project.is_file():
        raise UserError(tr("there is no such project file"), path=project)
    try:
        with closing(connect(project, mode="ro")) as connection:
            connection.execute("BEGIN")
            return _read(connection, project)
    except sqlite3.Error as error:
        raise UserError(
            tr("the project cannot be read: {reason}", reason=error),
            path=project,
            remedy=tr("Open it in the window once: that repairs it."),
        ) from error


def _read(connection: sqlite3.Connection, project: Path) -> SourceProgress:
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if not CHECKED_VERSION <= version <= SCHEMA_VERSION:
        raise UserError(
            tr("another version of iouviewer wrote this project"),
            path=project,
            remedy=tr("Open it in the window once: that migrates it.") if version < CHECKED_VERSION else "",
        )
    found = connection.execute(
        "SELECT id, width, height, frame_count, fps, fingerprint FROM sources ORDER BY id LIMIT 1"
    ).fetchone()
    if found is None:
        raise UserError(tr("the project has no video"), path=project)
    source, width, height, frames, fps, fingerprint = found

    labelled, excluded, verified = FrameState.LABELLED, FrameState.EXCLUDED, Verification.VERIFIED
    names = connection.execute("SELECT name FROM variants ORDER BY baseline DESC, position, key")
    last = connection.execute("SELECT max(at) FROM history").fetchone()[0]
    images = connection.execute("SELECT 1 FROM meta WHERE key = ?", (f"images {source}",)).fetchone()
    marks = ", ".join("?" * len(_STATE_TABLES))
    sums = connection.execute(
        f"SELECT name, count, total FROM sums WHERE name IN ({marks}) ORDER BY name", _STATE_TABLES
    )
    return SourceProgress(
        hashlib.sha256(repr(sums.fetchall()).encode()).hexdigest()[:16],
        int(frames),
        _count(
            connection.execute("SELECT count(*) FROM frames WHERE source = ? AND state = ?", (source, int(labelled)))
        ),
        _count(
            connection.execute(
                "SELECT count(*) FROM frames WHERE source = ? AND verified = ? AND state != ?",
                (source, int(verified), int(excluded)),
            )
        ),
        _count(connection.execute("SELECT count(*) FROM boxes WHERE source = ?", (source,))),
        int(width),
        int(height),
        float(fps),
        images is not None,
        tuple(str(name) for (name,) in names),
        float(last or 0.0),
        str(fingerprint),
    )


def _count(found: sqlite3.Cursor) -> int:
    return int(found.fetchone()[0])
