"""A fingerprint of a video's content that is cheap to compute for a file of any size."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iouviewer.video.image_files import is_image_file, list_images

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Size (bytes) and modification time (ns) of a file, which show whether it was written to without reading it.

    Take the stamp before opening the file: data read from a file that is written to meanwhile may be wrong.
    """

    size: int
    modified: int


def file_stamp(path: Path) -> FileStamp:
    """The current stamp of a file. Raises OSError if there is none."""
    found = path.stat()
    return FileStamp(found.st_size, found.st_mtime_ns)


def fingerprint(path: Path) -> str:
    """SHA-256 (first 32 hexadecimal digits) of the file's size and its first and last MiB.

    For a folder: ``fingerprint_images``. Raises OSError if the file cannot be read, UserError if a folder has no
    images.
    """
    if path.is_dir():
        return fingerprint_images(list_images(path))
    digest = hashlib.sha256()
    size = path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(_CHUNK))
        if size > _CHUNK:
            file.seek(max(_CHUNK, size - _CHUNK))
            digest.update(file.read(_CHUNK))
    return digest.hexdigest()[:32]


def fingerprint_images(images: Sequence[Path]) -> str:
    """SHA-256 (first 32 hexadecimal digits) of names, sizes, and the first MiB of the first and the last image.

    The bytes distinguish folders whose images have the same names and sizes, as BMP files do. An unreadable image
    counts by its name and size only. Raises OSError if a file is gone.
    """
    digest = hashlib.sha256()
    for image in images:
        digest.update(f"{image.name}\0{image.stat().st_size}\0".encode(errors="surrogateescape"))
    for image in (images[0], images[-1]):
        with contextlib.suppress(OSError), image.open("rb") as file:
            digest.update(file.read(_CHUNK))
    return digest.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class LegacyFingerprint:
    """The fingerprint that earlier versions of the program gave a folder, to find the projects they created.

    Attributes:
        value: as ``fingerprint``.
        certain: it covers the images. Those of an ``img1`` folder were not covered, so sequences of equal length had
            the same fingerprint.
    """

    value: str
    certain: bool


def compute_legacy_fingerprint(folder: Path) -> LegacyFingerprint:
    """From the names and sizes of all files of a folder, images or not. Raises OSError if a file is gone."""
    digest = hashlib.sha256()
    certain = False
    for child in sorted(folder.iterdir()):
        if child.is_file():
            digest.update(f"{child.name}\0{child.stat().st_size}\0".encode(errors="surrogateescape"))
            certain = certain or is_image_file(child)
    return LegacyFingerprint(digest.hexdigest()[:32], certain)
