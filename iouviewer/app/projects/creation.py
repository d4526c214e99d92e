"""Making the project file of a video at the first edit or import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iouviewer.app.projects.autosave import ProjectKeeper
from iouviewer.app.projects.locations import beside, new_places
from iouviewer.document.history import MemoryHistory
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.project.store import ProjectFile


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: the file, or a ``problem``; ``notice`` tells of a place out of the ordinary."""

    project: ProjectFile | None = None
    problem: UserError | None = None
    notice: str = ""


def make_project(keeper: ProjectKeeper, source: Source, history: MemoryHistory, wanted: Path | None) -> Made:
    """Make the file at the wanted place, else beside the video, else in the data folder."""
    video = Path(source.path)
    reason = UserError("no place is free")
    for path in [wanted] if wanted else new_places(video, source.fingerprint):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            project = keeper.create(path, history)
        except OSError as error:
            reason = UserError(f"the folder cannot be made: {error.strerror}", path=path.parent)
        except UserError as error:
            reason = error
        else:
            elsewhere = wanted is None and project.path != beside(video)
            told = f"The folder of {video.name} cannot be written; the project is kept in {project.path}"
            return Made(project, notice=told if elsewhere else "")
    return Made(problem=UserError(f"edits are not being saved: {reason.message}", path=reason.path))
