"""A name for a video's content that is cheap enough to take from a file of any size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells that a file was written to, without reading it: size in bytes, time in nanoseconds.

    It is taken before the file is opened: what was learnt of a file that is written to meanwhile is not true of it.
    """

    size: int
    modified: int


def stamp_of(path: Path) -> FileStamp:
    """The stamp of a file as it is now. Raises OSError where there is none."""
    found = path.stat()
    return FileStamp(found.st_size, found.st_mtime_ns)


def fingerprint(path: Path) -> str:
    """SHA-256 (first 32 hexadecimal digits) of the file's size, first and last MiB.

    For a folder of pictures: of the names and sizes of its pictures. Raises OSError where the file cannot be read.
    """
    digest = hashlib.sha256()
    if path.is_dir():
        for child in sorted(path.iterdir()):
            if child.is_file():
                digest.update(f"{child.name}\0{child.stat().st_size}\0".encode())
        return digest.hexdigest()[:32]
    size = path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(_PIECE))
        if size > _PIECE:
            file.seek(max(_PIECE, size - _PIECE))
            digest.update(file.read(_PIECE))
    return digest.hexdigest()[:32]
