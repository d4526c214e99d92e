"""Which video a project file names, without opening it for work."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from iouviewer.project.rows import read_sources
from iouviewer.project.schema import connect


def named_video(project: Path) -> str:
    """Path of the first video of a project as it was last known; empty where the file does not tell."""
    try:
        with closing(connect(project, mode="ro")) as connection:
            sources = read_sources(connection)
    except sqlite3.Error:
        return ""
    return sources[0][0].path if sources else ""
