"""Finds and sorts the image files of a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, Literal

from iouviewer.errors import UserError
from iouviewer.i18n import tr

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})

NO_IMAGES = tr("there are no images in this folder")

MAX_FOLDER_DEPTH = 3
"""Folders below an image folder that are searched for images."""

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

    A folder without images of its own has those of the folders in it, for example of ``train`` and ``val``.
    Hidden files are skipped: on foreign disks macOS puts a ``._1.png``, which is not an image, beside every ``1.png``.
    Raises UserError if there is no image.
    """
    if path.is_file():
        return [path]
    found = [child for child in path.iterdir() if _is_visible_image(child)]
    if not found and (path / "img1").is_dir():
        return list_images(path / "img1")
    if not found:
        found = [
            child
            for depth in range(1, MAX_FOLDER_DEPTH + 1)
            for child in path.glob("/".join(["*"] * (depth + 1)))
            if _is_visible_image(child)
        ]
    if not found:
        raise UserError(NO_IMAGES, path=path, remedy=tr("Choose a video or a folder of images."))
    return sorted(found, key=lambda child: _natural_key(child.relative_to(path).as_posix()))


def relative_names(path: Path, files: list[Path]) -> tuple[str, ...]:
    """Names of the images of ``list_images``, with the folders below ``path`` if they are in several."""
    if len({file.parent for file in files}) <= 1:
        return tuple(file.name for file in files)
    return tuple(file.relative_to(path).as_posix() for file in files)


def _is_visible_image(path: Path) -> bool:
    return is_image_file(path) and not path.name.startswith(".") and path.is_file()


def _natural_key(name: str) -> tuple[list[tuple[int, int | str]], str]:
    parts = re.split(r"(\d+)", name.lower())
    # Only decimals are numbers: "²" is a digit in Unicode, but int() refuses it.
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part], name


def read_image_size(path: Path) -> tuple[int, int] | None:
    """(width, height) of a JPEG, PNG or BMP file as OpenCV decodes it, from its header; None if it must be decoded."""
    try:
        with path.open("rb") as file:
            head = file.read(26)
            if head.startswith(b"\xff\xd8"):
                file.seek(2)
                return _jpeg_size(file)
            # Newer versions of OpenCV rotate PNG files by their Exif data, which may follow the header.
            if head.startswith(_PNG_SIGNATURE) and head[12:16] == b"IHDR" and b"eXIf" not in head + file.read(4096):
                return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
            if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") >= 40:
                height = int.from_bytes(head[22:26], "little", signed=True)
                return int.from_bytes(head[18:22], "little"), abs(height)
    except OSError:
        return None
    return None


def _jpeg_size(file: BinaryIO) -> tuple[int, int] | None:
    """The size in the first frame header (SOF), with the orientation of the Exif data applied."""
    turned = False
    while True:
        marker = file.read(2)
        if len(marker) < 2 or marker[0] != 0xFF:
            return None
        if marker[1] == 0xFF:
            file.seek(-1, 1)
            continue
        if 0xD0 <= marker[1] <= 0xD8 or marker[1] == 0x01:
            continue
        length = int.from_bytes(file.read(2), "big") - 2
        if length < 0 or marker[1] in (0xD9, 0xDA):
            return None
        if 0xC0 <= marker[1] <= 0xCF and marker[1] not in (0xC4, 0xC8, 0xCC):
            frame = file.read(5)
            height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
            if not width or not height:
                return None
            return (height, width) if turned else (width, height)
        if marker[1] == 0xE1:
            turned = _is_turned(file.read(length)) or turned
        else:
            file.seek(length, 1)


def _is_turned(exif: bytes) -> bool:
    """Whether the orientation in Exif data swaps width and height (values 5 to 8 of tag 0x0112)."""
    if not exif.startswith(b"Exif\0\0"):
        return False
    tiff = exif[6:]
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    start = int.from_bytes(tiff[4:8], order)
    for entry in range(int.from_bytes(tiff[start : start + 2], order)):
        field = tiff[start + 2 + 12 * entry : start + 14 + 12 * entry]
        if int.from_bytes(field[:2], order) == 0x0112:
            return int.from_bytes(field[8:10], order) in (5, 6, 7, 8)
    return False
