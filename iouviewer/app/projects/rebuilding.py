"""Writes what is shown to a new file, where the project's own file is damaged or was replaced by another one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from iouviewer.app.projects.autosave import Autosave
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.salvage import keep_copy
from iouviewer.project.schema import SUFFIX
from iouviewer.project.store import ProjectFile, snapshot_folder

RELOADED = tr("before reload {when}")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A new file under the project's name.

    Attributes:
        kept: name of the copy of the file that was there; empty if there was none.
        has_history: its steps were readable, and are in the new file.
    """

    project: ProjectFile
    kept: str
    has_history: bool


def rebuild(autosave: Autosave, old: ProjectFile, word: str) -> Rebuilt:
    """Replace the file under the project's name, which is kept as ``NAME.WORD-…``, by what is shown.

    Raises:
        UserError: the folder cannot be written. The file is unchanged.
    """
    try:
        kept = keep_copy(old.path, word).name if old.path.exists() else ""
    except OSError as error:
        raise UserError(tr("the file cannot be copied: {reason}", reason=error.strerror), path=old.path) from error
    count = old.step_count
    old.abandon()
    project = autosave.rebuild(old.path, old)
    return Rebuilt(project, kept, project.step_count == count)


def save_before_reload(autosave: Autosave, old: ProjectFile) -> Path:
    """Save what is shown as a snapshot, before the file that took the project's name is shown instead.

    Raises:
        UserError: there is no such file, or the snapshot cannot be written.
    """
    if not old.path.exists():
        raise UserError(tr("there is no project file to load"), remedy=tr("Save it elsewhere, or keep yours."))
    folder = snapshot_folder(old.path)
    path = folder / f"{RELOADED.format(when=time.strftime('%Y-%m-%d %H.%M.%S'))}{SUFFIX}"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(tr("the folder cannot be created: {reason}", reason=error.strerror), path=folder) from error
    autosave.rebuild(path, old).close()
    old.abandon()
    return path
