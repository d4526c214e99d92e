"""Opening a project file whatever state it is in: sound, open in another window, damaged."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from iouviewer.app.projects.locations import in_data_folder
from iouviewer.errors import UserError
from iouviewer.project.contents import ProjectContents
from iouviewer.project.lock import ProjectLockedError
from iouviewer.project.rows import Progress, no_progress
from iouviewer.project.salvage import salvage
from iouviewer.project.store import DamagedProjectError, ProjectFile


@dataclass(frozen=True, slots=True)
class Opened:
    """An open project file and what stands in it.

    Attributes:
        copy_of: the file that another window has open, where this is a copy of it.
        salvaged: this file was made of a damaged one; edits may be in it that its history does not know.
        told: one sentence for people for each thing out of the ordinary.
    """

    project: ProjectFile
    contents: ProjectContents
    copy_of: Path | None = None
    salvaged: bool = False
    told: list[str] = field(default_factory=list)

    def close_unused(self) -> None:
        """Close the file; a copy goes, as nobody has seen it."""
        self.project.close()
        if self.copy_of is not None:
            self.project.path.unlink(missing_ok=True)


def open_whatever_state(path: Path, progress: Progress = no_progress) -> Opened:
    """Open a project; a copy where another window has it, what could be salvaged where it is damaged.

    ``progress(boxes read, boxes)`` is called now and then; what it raises ends the loading, with the file closed.

    Raises:
        UserError: it cannot be opened; it is unchanged, or kept under another name that is told.
    """
    try:
        project = ProjectFile.open(path)
    except ProjectLockedError as error:
        return _open_copy(path, error, progress)
    except DamagedProjectError as error:
        return _open_salvaged(path, error, progress)
    try:
        return Opened(project, project.load(progress))
    except DamagedProjectError as error:
        project.close()
        return _open_salvaged(path, error, progress)
    except BaseException:
        project.close()
        raise


def _open_copy(path: Path, error: ProjectLockedError, progress: Progress) -> Opened:
    stem = path.with_name(path.stem)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    target = in_data_folder(stem, stamp, kind="copies")
    number = 0
    while target.exists():
        number += 1
        target = in_data_folder(stem, stamp, kind="copies", number=number)
    project = ProjectFile.copy_of(path, target)
    try:
        contents = project.load(progress)
    except BaseException:
        project.close()
        raise
    told = f"{path.name}: {error.message}; this window shows a copy, edits here are kept in {target}"
    return Opened(project, contents, copy_of=path, told=[told])


def _open_salvaged(path: Path, error: DamagedProjectError, progress: Progress) -> Opened:
    """Put the damaged file aside and what can be read of it at its place."""
    aside = _free_name(path, f"damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    part = _free_name(path, "salvaged")
    try:
        report = salvage(path, part)
        # The log belongs to the damaged file; beside the new one it would spoil it.
        for suffix in ("-wal", "-shm", "-journal"):
            log = path.with_name(path.name + suffix)
            if log.exists():
                log.rename(aside.with_name(aside.name + suffix))
        path.rename(aside)
        part.rename(path)
    except OSError as failure:
        raise UserError(f"{error.message}; it could not be put aside: {failure.strerror}", path=path) from failure
    project = ProjectFile.open(path)
    try:
        contents = project.load(progress)
    except BaseException:
        project.close()
        raise
    told = f"{path.name} was damaged and is kept as {aside.name}: {report}"
    return Opened(project, contents, salvaged=True, told=[told])


def _free_name(path: Path, word: str) -> Path:
    target, number = path.with_name(f"{path.name}.{word}"), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.{word}-{number}")
    return target
