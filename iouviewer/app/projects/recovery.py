"""Opens a project file in any state: intact, open in another window, or damaged."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from iouviewer.app.projects.locations import data_folder_path
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.contents import ProjectContents
from iouviewer.project.lock import ProjectLockedError
from iouviewer.project.rows import ProgressCallback, no_progress
from iouviewer.project.salvage import salvage
from iouviewer.project.store import DamagedProjectError, ProjectFile


@dataclass(frozen=True, slots=True)
class OpenedProject:
    """An open project file with its contents.

    Attributes:
        copy_of: the file that another window has open, if this is a copy of it.
        salvaged: the file was rebuilt from a damaged one and may hold edits that are missing in its history.
        messages: one sentence for the user for each unusual event.
    """

    project: ProjectFile
    contents: ProjectContents
    copy_of: Path | None = None
    salvaged: bool = False
    messages: list[str] = field(default_factory=list)

    def discard(self) -> None:
        """Close the file; a copy is deleted, because it was never shown."""
        self.project.close()
        if self.copy_of is not None:
            self.project.path.unlink(missing_ok=True)


def open_or_recover(path: Path, progress: ProgressCallback = no_progress) -> OpenedProject:
    """Open a project; a copy if another window has it open, the salvaged contents if it is damaged.

    ``progress(boxes read, boxes)`` is called regularly; an exception it raises ends the loading and closes the file.

    Raises:
        UserError: it cannot be opened. It is unchanged, or renamed as the message says.
    """
    try:
        project = ProjectFile.open(path)
    except ProjectLockedError as error:
        return _open_copy(path, error, progress)
    except DamagedProjectError as error:
        return _open_salvaged(path, error, progress)
    try:
        return OpenedProject(project, project.load(progress))
    except DamagedProjectError as error:
        project.close()
        return _open_salvaged(path, error, progress)
    except BaseException:
        project.close()
        raise


def _load(project: ProjectFile, progress: ProgressCallback) -> ProjectContents:
    """Read an open file; it is closed if that fails."""
    try:
        return project.load(progress)
    except BaseException:
        project.close()
        raise


def _open_copy(path: Path, error: ProjectLockedError, progress: ProgressCallback) -> OpenedProject:
    stem = path.with_name(path.stem)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    target = data_folder_path(stem, stamp, kind="copies")
    number = 0
    while target.exists():
        number += 1
        target = data_folder_path(stem, stamp, kind="copies", number=number)
    project = ProjectFile.open_copy(path, target)
    contents = _load(project, progress)
    message = tr(
        "{name}: {reason}. This window shows a copy; edits are saved in {path}",
        name=path.name,
        reason=error.message,
        path=target,
    )
    return OpenedProject(project, contents, copy_of=path, messages=[message])


def _open_salvaged(path: Path, error: DamagedProjectError, progress: ProgressCallback) -> OpenedProject:
    """Rename the damaged file and replace it with the contents that can still be read."""
    damaged = _free_name(path, f"damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    part = _free_name(path, "salvaged")
    try:
        report = salvage(path, part)
        # SQLite's log files belong to the damaged file; beside the new one they would corrupt it.
        for suffix in ("-wal", "-shm", "-journal"):
            log = path.with_name(path.name + suffix)
            if log.exists():
                log.rename(damaged.with_name(damaged.name + suffix))
        path.rename(damaged)
        part.rename(path)
    except OSError as failure:
        message = tr("{damage}; the file could not be renamed: {reason}", damage=error.message, reason=failure.strerror)
        raise UserError(message, path=path) from failure
    project = ProjectFile.open(path)
    contents = _load(project, progress)
    message = tr("{name} was damaged and is kept as {kept}: {report}", name=path.name, kept=damaged.name, report=report)
    return OpenedProject(project, contents, salvaged=True, messages=[message])


def _free_name(path: Path, word: str) -> Path:
    target, number = path.with_name(f"{path.name}.{word}"), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.{word}-{number}")
    return target
