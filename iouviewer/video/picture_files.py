"""Which files of a folder are its pictures, and in what order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from iouviewer.errors import UserError

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
)


_PNG = b"\x89PNG\r\n\x1a\n"


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def is_animation(path: Path) -> bool:
    """Whether a PNG or WebP file, by its first bytes, holds several pictures that follow one another.

    Sources: APNG specification (an ``acTL`` chunk before the pixels), WebP container specification (bit 1 of ``VP8X``).
    """
    with path.open("rb") as file:
        head = file.read(21)
        if head.startswith(_PNG):
            return _announces_pictures(file)
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) > 20 and bool(head[20] & 2)


def _announces_pictures(png: BinaryIO) -> bool:
    """Whether the chunks before a PNG file's pixels tell of an animation; texts and profiles may come between."""
    png.seek(len(_PNG))
    while True:
        head = png.read(8)
        kind = head[4:]
        if kind == b"acTL":
            return True
        if len(head) < 8 or kind in (b"IDAT", b"IEND"):
            return False
        png.seek(int.from_bytes(head[:4], "big") + 4, 1)  # and the chunk's checksum


def pictures_of(path: Path) -> list[Path]:
    """The pictures of a folder in natural order (9 before 10), or of its ``img1`` folder; a picture itself alone.

    Hidden files are none: on disks that are not its own macOS puts a ``._1.png``, which is no picture, beside every
    ``1.png``. Raises UserError where there is none.
    """
    if path.is_file():
        return [path]
    found = [child for child in path.iterdir() if _counts(child)]
    if not found and (path / "img1").is_dir():
        return pictures_of(path / "img1")
    if not found:
        raise UserError(
            "there are no pictures in this folder", path=path, remedy="Choose a video or a folder of images."
        )
    return sorted(found, key=_natural)


def _counts(path: Path) -> bool:
    return is_picture(path) and not path.name.startswith(".") and path.is_file()


def _natural(path: Path) -> tuple[list[tuple[int, int | str]], str]:
    parts = re.split(r"(\d+)", path.name.lower())
    # Only decimals are numbers: "²" is a digit to Unicode, and int() refuses it.
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part], path.name
