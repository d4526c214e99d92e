"""Automatic backups of a project: made when it changed, numbered by transaction, limited in number and size.

Their order is that of the times of the files, which never run backwards even where the clock does: a backup is always
newer than those that lay there before it. The time that a person reads is in its name.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project import checked
from iouviewer.project.schema import SUFFIX, back_up, connect

KEPT = 10
MAX_BYTES = 4 << 30
"""Limit for all backups of a project together; the newest one is always kept."""

_TIME = "%Y-%m-%d %H.%M.%S"
_NAME = re.compile(r"(\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d) \((\d+)\)")
_STEP_NS = 1_000_000
"""Nanoseconds by which a backup is newer than the last one, where the clock says that it is older."""


@dataclass(frozen=True, slots=True)
class BackupFile:
    """An automatic backup.

    Attributes:
        when: what the clock said, seconds since the epoch.
        order: time of the file in nanoseconds; later backups have a higher one.
        number: of its last transaction.
    """

    path: Path
    when: float
    order: int
    number: int


def backup_folder(project: Path) -> Path:
    """The folder of the automatic backups of a project."""
    return project.with_name(f"{project.name}.backups")


def find_backups(project: Path) -> list[BackupFile]:
    """The automatic backups of a project, the newest first; none where the folder cannot be read."""
    found = []
    try:
        for path in backup_folder(project).glob(f"*{SUFFIX}"):
            match = _NAME.fullmatch(path.stem)
            if match:
                found.append(BackupFile(path, _seconds(match[1]), path.stat().st_mtime_ns, int(match[2])))
    except OSError:
        return []
    return sorted(found, key=lambda one: (one.order, one.number), reverse=True)


def _seconds(text: str) -> float:
    try:
        return time.mktime(time.strptime(text, _TIME))
    except (ValueError, OverflowError):
        return 0.0  # a name that somebody else gave


def back_up_if_changed(project: Path, connection: sqlite3.Connection | None = None) -> Path | None:
    """Back up a project that changed since its last backup, and delete the oldest backups beyond the limits.

    Args:
        connection: reads the state to back up; None opens one.

    Raises:
        UserError: the backup could not be written; earlier ones are kept.
    """
    if connection is None:
        try:
            with closing(connect(project, mode="ro")) as own:
                return back_up_if_changed(project, own)
        except sqlite3.Error as error:
            raise _failure(project, error) from error
    try:
        sums = checked.read_sums(connection)
        earlier = find_backups(project)
        if earlier and _read_sums(earlier[0].path) == {**sums, checked.SESSION: None}:
            return None
        folder = backup_folder(project)
        folder.mkdir(exist_ok=True)
        number = sums.get(checked.SESSION, (0, 0))[0]
        target = folder / f"{time.strftime(_TIME)} ({number}){SUFFIX}"
        back_up(connection, target)
        if earlier and target.stat().st_mtime_ns <= earlier[0].order:
            os.utime(target, ns=(earlier[0].order + _STEP_NS,) * 2)
        _delete_oldest(project)
    except (sqlite3.Error, OSError) as error:
        raise _failure(project, error) from error
    return target


def _read_sums(backup: Path) -> dict[str, tuple[int, int] | None] | None:
    """The sums of a backup without its transaction, which tell its contents; None if it cannot be read."""
    try:
        # Nothing writes to these files: no log is looked for, and none is created.
        with closing(sqlite3.connect(f"{backup.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            return {**checked.read_sums(connection), checked.SESSION: None}
    except sqlite3.Error:
        return None


def _delete_oldest(project: Path) -> None:
    total = 0
    for place, backup in enumerate(find_backups(project)):
        total += backup.path.stat().st_size
        if place and (place >= KEPT or total > MAX_BYTES):
            backup.path.unlink(missing_ok=True)


def _failure(project: Path, error: sqlite3.Error | OSError) -> UserError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return UserError(tr("no automatic backup was made: {reason}", reason=reason), path=backup_folder(project))


def count_boxes(path: Path) -> int | None:
    """Number of boxes in a snapshot or backup, which is not changed; None if it cannot be read."""
    try:
        # Nothing writes to these files: no log is looked for, and none is created.
        uri = f"{path.absolute().as_uri()}?immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM boxes").fetchone()
    except sqlite3.Error:
        return None
    return int(count)
