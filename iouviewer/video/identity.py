"""Whether a path still names the file that was opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What tells that a file was replaced or written to: bytes, and nanoseconds of the last change."""

    size: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> FileIdentity:
        """That of the file there now. OSError where there is none."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns)
