"""Helpers for tests of the check of a project file."""

from __future__ import annotations

from iouviewer.errors import UserError
from iouviewer.project.store import ProjectFile


def wait_checked(project: ProjectFile) -> UserError | None:
    """Wait for the check of a loaded file; the damage that it found, or None."""
    return project.check.wait() if project.check is not None else None
