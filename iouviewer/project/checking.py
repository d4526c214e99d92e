"""The full check of a project file: its structure, the checksum of every row, and the sums of every table."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project import checked, frame_blocks, history_log, rows
from iouviewer.project.checked import DamagedRowsError
from iouviewer.project.contents import read_contents
from iouviewer.project.logs import read_identity, read_log
from iouviewer.project.salvage import survey
from iouviewer.project.schema import CHECKED_VERSION, SCHEMA_VERSION, connect

_STEPS_AT_ONCE = 500


def verify(connection: sqlite3.Connection, *, rows_read: bool = False) -> None:
    """Check an open file of the current version completely.

    Args:
        rows_read: ``read_contents`` has read and verified its rows already.

    Raises:
        DamagedRowsError, sqlite3.DatabaseError, ValueError: the file is damaged.
    """
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found is None or found[0] != "ok":
        raise DamagedRowsError(found[0] if found else tr("no response"))
    if not rows_read:
        read_contents(connection)
    for source, _relative, _next in rows.read_sources(connection):
        states = rows.read_states(connection, source.id, source.frame_count)
        facts = frame_blocks.read(connection, source.id, source.frame_count)
        if (facts["state"] != states.states).any() or (facts["verified"] != states.verification).any():
            raise DamagedRowsError(tr("a frame state is not the one that was saved"))
    checked.select(connection, "meta")
    _cursor, count = history_log.read_extent(connection)
    for first in range(1, count + 1, _STEPS_AT_ONCE):
        history_log.read_steps(connection, first, first + _STEPS_AT_ONCE - 1)
    for table in checked.SUMMED:
        checked.check_sum(connection, table)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes:
        findings: one line for each; empty if the file is intact.
        summary: what the file holds, or what can be recovered of it.
    """

    findings: tuple[str, ...]
    summary: str


def check_file(path: Path) -> CheckReport:
    """Check a project file of any version without changing it.

    Raises:
        UserError: it is not a project file, was made by a newer program, or cannot be read.
    """
    if not path.is_file():
        raise UserError(tr("there is no such project file"), path=path)
    findings: list[str] = []
    file = read_identity(path)
    if file is not None and file.version > SCHEMA_VERSION:
        raise UserError(tr("this project was made by a newer iouviewer"), path=path, remedy=tr("Update iouviewer."))
    log = read_log(path.with_name(f"{path.name}-wal"), file.root if file else 0)
    if log is not None and log.is_cut:
        findings.append(tr("the log of {name} is damaged: the last changes that it held are lost", name=path.name))
    try:
        with closing(connect(path, mode="ro")) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version >= CHECKED_VERSION:
                verify(connection)
                contents = read_contents(connection)
                boxes = sum(len(contents.document.ground_truth(number)) for number in contents.document.sources)
                text = tr("{boxes:,} boxes, {variants:,} variants", boxes=boxes, variants=len(contents.variants))
                return CheckReport(tuple(findings), text)
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(100)")]
            if found == ["ok"]:
                return CheckReport(tuple(findings), tr("version {version}, which has no checksums", version=version))
            findings += found
    except (sqlite3.DatabaseError, DamagedRowsError, ValueError) as error:
        findings.append(str(error))
    try:
        report = survey(path)
    except UserError as error:
        return CheckReport((*findings, error.message), tr("nothing can be recovered"))
    return CheckReport((*findings, *report.losses), str(report).split(";", maxsplit=1)[0])
