"""Opens a project file in any state: intact, not writable, open elsewhere, newer than this program, or damaged."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from iouviewer.app.projects.locations import data_folder_path
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.background_check import DamagedProjectError
from iouviewer.project.contents import ProjectContents
from iouviewer.project.damaged_file import copy_with_log
from iouviewer.project.lock import LockFile, ProjectLockedError
from iouviewer.project.logs import set_foreign_logs_aside
from iouviewer.project.migrations import NewerProjectError, migrate
from iouviewer.project.partial_load import FrameBoxes, PartialLoad
from iouviewer.project.rows import ProgressCallback, no_progress
from iouviewer.project.salvage import replace_damaged, salvage
from iouviewer.project.schema import SCHEMA_VERSION, SUFFIX, back_up, connect
from iouviewer.project.store import ProjectFile

COPY = "copy"
"""Key of a project value of a copy: ``{"of": path of the project, "state": one of CopyState}``."""

_COPIES = "copies"


class Hindrance(StrEnum):
    """Why a project is shown without being written."""

    LOCKED = "locked"
    LEFT_LOCK = "leftLock"
    READ_ONLY = "readOnly"
    NEWER = "newer"
    SNAPSHOT = "snapshot"
    KEPT = "kept"


class CopyState(StrEnum):
    """What became of a copy of a project; the values are stored."""

    VIEW = "view"
    """Only shown; deleted when it is closed."""
    OPEN = "open"
    """A person works on it; it is offered until it is merged or dismissed."""
    MERGED = "merged"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class OpenedProject:
    """An open project file with its contents.

    Attributes:
        view_of: the file that is shown and not written; ``project`` is a private copy of it.
        hindrance: why it is not written, None if it is.
        reason: the same in words.
        salvaged: the file was rebuilt from a damaged one and may hold edits that are missing in its history.
        messages: one sentence for the user for each unusual event.
        rest: reads the variants, which ``contents`` lacks; None if it has everything.
    """

    project: ProjectFile
    contents: ProjectContents
    view_of: Path | None = None
    hindrance: Hindrance | None = None
    reason: str = ""
    salvaged: bool = False
    messages: list[str] = field(default_factory=list)
    rest: PartialLoad | None = None

    def discard(self) -> None:
        """Close the file; a private copy is deleted, because it was never shown."""
        if self.rest is not None:
            self.rest.close()
        self.project.close()
        if self.view_of is not None:
            delete_copy(self.project.path)


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How a project is read.

    Attributes:
        progress: called regularly with (boxes read, boxes); an exception it raises ends the loading and closes the
            file.
        in_parts: leave the variants to ``OpenedProject.rest``.
        frame: read the boxes of this frame first, None for no frame.
        show: called with the boxes of that frame.
    """

    progress: ProgressCallback = no_progress
    in_parts: bool = False
    frame: int | None = None
    show: Callable[[FrameBoxes], None] = lambda _boxes: None


def open_or_recover(path: Path, plan: LoadPlan | None = None, *, take_over: bool = False) -> OpenedProject:
    """Open a project; if it cannot be written, a private copy; if it is damaged, what can be salvaged.

    Args:
        take_over: use the file although a program on another machine has locked it, which is gone.

    Raises:
        UserError: it cannot be opened. It is unchanged, or renamed as the message says.
    """
    plan = plan or LoadPlan()
    if is_snapshot(path):
        return _open_view(path, Hindrance.SNAPSHOT, tr("this is a snapshot, which is never changed"), plan)
    if is_kept(path):
        return _open_view(path, Hindrance.KEPT, tr("it was set aside, and stays as it is"), plan)
    reason = find_write_obstacle(path)
    if reason:
        return _open_view(path, Hindrance.READ_ONLY, reason, plan)
    try:
        project = ProjectFile.open(path, take_over=take_over)
    except ProjectLockedError as error:
        hindrance = Hindrance.LEFT_LOCK if error.is_left else Hindrance.LOCKED
        return _open_view(path, hindrance, error.message, plan)
    except NewerProjectError as error:
        return _open_view(path, Hindrance.NEWER, error.message, plan)
    except DamagedProjectError:
        return _open_salvaged(path, plan)
    except UserError as error:
        # For example a full disk, on which not even a lock can be made.
        return _open_as_view(path, error, plan)
    if project.check is not None:
        project.check.backs_up = True
    try:
        contents, rest = _load(project, plan)
    except DamagedProjectError:
        return _open_salvaged(path, plan)
    return OpenedProject(project, contents, messages=list(project.notices), rest=rest)


def is_snapshot(path: Path) -> bool:
    """Whether a file is a copy that must stay as it is: a named snapshot or an automatic backup."""
    return path.parent.name.endswith((f"{SUFFIX}.snapshots", f"{SUFFIX}.backups"))


def is_kept(path: Path) -> bool:
    """Whether a repair, a migration or a person set this file aside under the name of its project and a word."""
    return f"{SUFFIX}." in path.name and path.suffix != SUFFIX


def find_write_obstacle(path: Path) -> str:
    """Why an existing file cannot be written, or its lock and its log cannot be created; empty if they can."""
    if not path.is_file():
        return ""
    # Opening and closing the file here would release the locks that SQLite holds on it in this process.
    if not os.access(path, os.W_OK):
        return tr("the file cannot be written")
    if os.name == "posix" and not os.access(path.parent, os.W_OK):
        return tr("its folder cannot be written")
    return ""


def _load(project: ProjectFile, plan: LoadPlan) -> tuple[ProjectContents, PartialLoad | None]:
    """Read an open file, without its variants where the plan says so; it is closed if that fails."""
    rest: PartialLoad | None = None
    try:
        if not plan.in_parts:
            return project.load(plan.progress), None
        rest = project.begin_load()
        boxes = None if plan.frame is None else rest.read_frame(plan.frame)
        if boxes is not None:
            plan.show(boxes)
        return rest.read_document(plan.progress, verify=True), rest
    except BaseException:
        if rest is not None:
            rest.close()
        project.close()
        raise


# Copies


def base_of_copy(copy: Path) -> Path:
    """Where a copy keeps the project as it was when the copy was made, for merging."""
    return copy.with_name(f"{copy.name}.base")


def copies_folder() -> Path:
    """The folder of all copies."""
    return data_folder_path(Path("x"), "", kind=_COPIES).parent


def delete_copy(copy: Path) -> None:
    """Delete a copy, its logs and its base."""
    logs = (copy.with_name(copy.name + suffix) for suffix in ("-wal", "-shm", "-journal"))
    for file in (copy, *logs, base_of_copy(copy)):
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)


def delete_unused_views() -> None:
    """Delete private copies that a crash left behind; those of other windows are locked and stay."""
    for path in copies_folder().glob(f"*{SUFFIX}"):
        if read_copy(path).get("state") != CopyState.VIEW:
            continue
        with contextlib.suppress(UserError, OSError):
            lock = LockFile(path)
            delete_copy(path)
            lock.release()


def read_copy(path: Path) -> dict[str, Any]:
    """The value ``COPY`` of a project file; empty if it is not a copy or cannot be read."""
    with contextlib.suppress(sqlite3.Error, msgspec.MsgspecError, TypeError):
        with closing(connect(path, mode="ro")) as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (COPY,)).fetchone()
        return msgspec.json.decode(row[0], type=dict[str, Any]) if row else {}
    return {}


def set_copy_state(copy: Path, state: CopyState) -> None:
    """Store what became of a copy.

    Raises:
        UserError: another window has it open, or it cannot be written.
    """
    value = read_copy(copy)
    project = ProjectFile.open(copy)
    project.save_settings({COPY: {**value, "state": state.value}})
    project.close()


def _open_view(path: Path, hindrance: Hindrance, reason: str, plan: LoadPlan) -> OpenedProject:
    """Open a private copy, which becomes a working copy if the user wants it; of a damaged file, what can be read."""
    stem, stamp = path.with_name(path.stem), time.strftime("%y%m%d-%H%M")
    target, number = data_folder_path(stem, stamp, kind=_COPIES), 0
    while target.exists():
        number += 1
        target = data_folder_path(stem, stamp, kind=_COPIES, number=number)
    try:
        messages = _copy_file(path, target, is_shared=hindrance in (Hindrance.LOCKED, Hindrance.LEFT_LOCK))
        try:
            opened = _open_copy(path, target, hindrance, reason, plan)
        except (sqlite3.DatabaseError, DamagedProjectError) as damage:
            delete_copy(target)
            messages.append(_salvage_copy(path, target, reason, damage))
            opened = _open_copy(path, target, hindrance, reason, plan)
    except (OSError, sqlite3.Error) as error:
        delete_copy(target)
        raise UserError(tr("the project could not be copied: {reason}", reason=error), path=path) from error
    except BaseException:
        delete_copy(target)
        raise
    opened.messages.extend(messages)
    return opened


def _open_copy(path: Path, target: Path, hindrance: Hindrance, reason: str, plan: LoadPlan) -> OpenedProject:
    _read_as_this_version(target)
    # The base is read without a migration when the copy is merged.
    migrate(target)
    for old in target.parent.glob(f"{target.name}.v*"):
        old.unlink()
    shutil.copyfile(target, base_of_copy(target))
    project = ProjectFile.open(target)
    contents, rest = _load(project, plan)
    project.save_settings({COPY: {"of": str(path.absolute()), "state": CopyState.VIEW.value}})
    return OpenedProject(project, contents, path, hindrance, reason, rest=rest)


def _salvage_copy(path: Path, target: Path, reason: str, damage: Exception) -> str:
    """Write what is readable of a damaged file, which is left alone, to a private copy; returns what to tell."""
    try:
        report = salvage(path, target)
    except UserError as error:
        text = tr("{reason}; {damage}", reason=reason, damage=error.message)
        raise UserError(text, path=path, remedy=error.remedy) from damage
    return tr("{name} is damaged and stays as it is. What can be read: {report}", name=path.name, report=report)


def _copy_file(path: Path, target: Path, *, is_shared: bool) -> list[str]:
    """Copy a project, with the logs that belong to it, to one file.

    Args:
        is_shared: another program may be writing; SQLite is asked for a state between two transactions.

    Returns:
        A sentence for the user for each log that is not applied.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_shared:
        # A write-ahead log needs shared memory in the folder, which may be read-only.
        with contextlib.suppress(sqlite3.Error):
            with closing(connect(path, mode="ro")) as connection:
                back_up(connection, target)
            return []
    copy_with_log(path, target)
    messages = []
    if set_foreign_logs_aside(target):
        for stray in target.parent.glob(f"{target.name}.stray*"):
            stray.unlink()
        messages.append(tr("A log beside {name} does not belong to it, and is not applied.", name=path.name))
    with contextlib.suppress(sqlite3.DatabaseError), closing(connect(target)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    return messages


def _read_as_this_version(copy: Path) -> None:
    """Let a file of a newer version be read as far as this program knows it."""
    with closing(connect(copy)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION:d}")


# Damage


def _open_salvaged(path: Path, plan: LoadPlan) -> OpenedProject:
    """Replace a damaged file with the contents that can still be read; one copy of it is kept.

    Where nothing can be written beside it, these contents are shown and not written.
    """
    try:
        report, kept = replace_damaged(path)
    except UserError as error:
        return _open_as_view(path, error, plan)
    project = ProjectFile.open(path)
    contents, rest = _load(project, plan)
    message = tr("{name} was damaged and is kept as {kept}: {report}", name=path.name, kept=kept.name, report=report)
    return OpenedProject(project, contents, salvaged=True, messages=[message, *project.notices], rest=rest)


def _open_as_view(path: Path, error: UserError, plan: LoadPlan) -> OpenedProject:
    """Show what cannot be opened for writing because of ``error``, which is raised if that fails too."""
    try:
        return _open_view(path, Hindrance.READ_ONLY, error.message, plan)
    except UserError:
        raise error from None


def set_aside(path: Path) -> Path:
    """Rename a file that cannot be read, so that a new project can take its place; returns its new path.

    Raises:
        UserError: it cannot be renamed.
    """
    target = _free_name(path, f"damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        _rename_with_logs(path, target)
    except OSError as error:
        message = tr("the file cannot be renamed: {reason}", reason=error.strerror or error)
        raise UserError(message, path=path, remedy=tr("Save the new project elsewhere.")) from error
    return target


def _rename_with_logs(path: Path, target: Path) -> None:
    # SQLite's log files belong to the damaged file; beside a new one they would corrupt it.
    for suffix in ("-wal", "-shm", "-journal"):
        log = path.with_name(path.name + suffix)
        if log.exists():
            log.rename(target.with_name(target.name + suffix))
    path.rename(target)


def _free_name(path: Path, word: str) -> Path:
    target, number = path.with_name(f"{path.name}.{word}"), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.{word}-{number}")
    return target
