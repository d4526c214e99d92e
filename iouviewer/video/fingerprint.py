"""A name for a video's content that is cheap enough to take from a file of any size."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iouviewer.video.picture_files import is_picture, pictures_of

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

    For a folder: ``fingerprint_of_pictures``. Raises OSError where the file cannot be read, UserError where a folder
    has no pictures.
    """
    if path.is_dir():
        return fingerprint_of_pictures(pictures_of(path))
    digest = hashlib.sha256()
    size = path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(_PIECE))
        if size > _PIECE:
            file.seek(max(_PIECE, size - _PIECE))
            digest.update(file.read(_PIECE))
    return digest.hexdigest()[:32]


def fingerprint_of_pictures(pictures: Sequence[Path]) -> str:
    """SHA-256 (first 32 hexadecimal digits) of names, sizes, and the first MiB of the first and the last picture.

    The bytes tell folders apart whose pictures have the same names and sizes, as BMP files have. A picture that may not
    be read counts by its name and size. Raises OSError where a file is gone.
    """
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(f"{picture.name}\0{picture.stat().st_size}\0".encode(errors="surrogateescape"))
    for picture in (pictures[0], pictures[-1]):
        with contextlib.suppress(OSError), picture.open("rb") as file:
            digest.update(file.read(_PIECE))
    return digest.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class FormerFingerprint:
    """What earlier versions of the program named a folder by, so that the projects that they made are still found.

    Attributes:
        value: as ``fingerprint``.
        certain: the pictures counted. Those of an ``img1`` folder did not, so sequences of equal length had one name.
    """

    value: str
    certain: bool


def former_fingerprint(folder: Path) -> FormerFingerprint:
    """Of the names and sizes of all files of a folder, pictures or not. Raises OSError where a file is gone."""
    digest = hashlib.sha256()
    certain = False
    for child in sorted(folder.iterdir()):
        if child.is_file():
            digest.update(f"{child.name}\0{child.stat().st_size}\0".encode(errors="surrogateescape"))
            certain = certain or is_picture(child)
    return FormerFingerprint(digest.hexdigest()[:32], certain)
