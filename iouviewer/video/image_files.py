"""Finds and sorts the image files of a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from iouviewer.errors import UserError
from iouviewer.i18n import tr

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})

NO_IMAGES = tr("there are no images in this folder")

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def is_image_file(path: Path) -> bool:
    """Whether a file is an image according to its name."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_animated_image(path: Path) -> bool:
    """Whether a PNG or WebP file, according to its first bytes, contains an animation.

    Sources: APNG specification (an ``acTL`` chunk before the pixels), WebP container specification (bit 1 of ``VP8X``).
    """
    with path.open("rb") as file:
        head = file.read(21)
        if head.startswith(_PNG_SIGNATURE):
            return _has_animation_chunk(file)
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) > 20 and bool(head[20] & 2)


def _has_animation_chunk(png: BinaryIO) -> bool:
    """Whether an ``acTL`` chunk precedes a PNG file's pixels; text and profiles may come before it."""
    png.seek(len(_PNG_SIGNATURE))
    while True:
        head = png.read(8)
        kind = head[4:]
        if kind == b"acTL":
            return True
        if len(head) < 8 or kind in (b"IDAT", b"IEND"):
            return False
        png.seek(int.from_bytes(head[:4], "big") + 4, 1)  # and the chunk's CRC


def list_images(path: Path) -> list[Path]:
    """The images of a folder in natural order (9 before 10), or of its ``img1`` folder; for an image, itself alone.

    Hidden files are skipped: on non-Apple disks macOS creates a ``._1.png``, which is not an image, for every
    ``1.png``. Raises UserError if there is no image.
    """
    if path.is_file():
        return [path]
    found = [child for child in path.iterdir() if _is_visible_image(child)]
    if not found and (path / "img1").is_dir():
        return list_images(path / "img1")
    if not found:
        raise UserError(NO_IMAGES, path=path, remedy=tr("Choose a video or a folder of images."))
    return sorted(found, key=_natural_key)


def _is_visible_image(path: Path) -> bool:
    return is_image_file(path) and not path.name.startswith(".") and path.is_file()


def _natural_key(path: Path) -> tuple[list[tuple[int, int | str]], str]:
    parts = re.split(r"(\d+)", path.name.lower())
    # Only decimals are numbers: "²" is a digit in Unicode, but int() refuses it.
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part], path.name
