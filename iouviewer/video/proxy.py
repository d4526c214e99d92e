"""Small JPEG copies of the pictures around what the user visits, so that scrubbing a long group shows each at once.

One append-only file a video in the cache folder; every record names its frame and carries a checksum, so a record that
was cut off or damaged is never shown. It carries the checksum of the whole picture as well: the name of the file tells
most changes of a video, but only the pictures themselves tell all. The folder can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path

from iouviewer import folders
from iouviewer.video.colour import Pixels
from iouviewer.video.display import DisplayFrame
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.jpeg import LONG_SIDE, pack, unpack

__all__ = ["DEFAULT_LIMIT", "LONG_SIDE", "Proxy", "clear_proxies", "proxies_size", "proxy_folder"]

_HEADER = struct.Struct("<4sqIII")
_MAGIC = b"IVP3"
DEFAULT_LIMIT = 2 << 30
"""Bytes that all proxies together may take."""


def proxy_folder() -> Path:
    """Folder of the proxies."""
    return folders.cache_folder() / "proxies"


def clear_proxies() -> int:
    """Delete all proxies; the bytes that were freed. One that another window has open stays on some systems."""
    freed = 0
    for path in proxy_folder().glob("*.pictures"):
        try:
            size = path.stat().st_size
            path.unlink()
        except OSError:
            continue
        freed += size
    return freed


def proxies_size() -> int:
    """Bytes that all proxies take."""
    return sum(path.stat().st_size for path in proxy_folder().glob("*.pictures"))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a copy begins in the file, its bytes, its checksum, and that of the picture it was made from."""

    start: int
    length: int
    crc: int
    check: int


class Proxy:
    """The small pictures of one video. One thread writes, any thread reads.

    ``digest`` is the index's: pictures made under other numbers are never taken for these. ``stamp`` is the file's from
    before it was opened: a file that is edited in its middle keeps its fingerprint, and often its numbers.
    """

    def __init__(self, fingerprint: str, digest: str, *, stamp: FileStamp | None, limit: int = DEFAULT_LIMIT) -> None:
        modified = f"{stamp.modified:x}" if stamp is not None else "unknown"
        self.path = proxy_folder() / f"{fingerprint}-{digest[:12]}-{modified}.pictures"
        self.digest = digest
        self.limit = limit
        self._lock = threading.Lock()
        self._places: dict[int, _Place] = {}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._make_room()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = os.open(self.path, flags, 0o644)
        self._load()

    def _make_room(self) -> None:
        others = [path for path in self.path.parent.glob("*.pictures") if path != self.path]
        for path in [path for path in others if _is_of_another_format(path)]:
            others.remove(path)
            with contextlib.suppress(OSError):
                path.unlink()
        others.sort(key=lambda path: path.stat().st_mtime)
        used = proxies_size()
        while others and used > self.limit // 2:
            oldest = others.pop(0)
            size = oldest.stat().st_size
            try:
                oldest.unlink()
            except OSError:
                continue  # another window has it open
            used -= size

    def _load(self) -> None:
        size = os.fstat(self._file).st_size
        at = 0
        while at + _HEADER.size <= size:
            os.lseek(self._file, at, os.SEEK_SET)
            magic, frame, length, crc, check = _HEADER.unpack(os.read(self._file, _HEADER.size))
            if magic != _MAGIC or at + _HEADER.size + length > size:
                break
            self._places[frame] = _Place(at + _HEADER.size, length, crc, check)
            at += _HEADER.size + length
        if at < size:
            os.ftruncate(self._file, at)

    def __contains__(self, frame: int) -> bool:
        return frame in self._places

    def __len__(self) -> int:
        return len(self._places)

    @property
    def full(self) -> bool:
        """Whether the limit is reached."""
        return os.fstat(self._file).st_size >= self.limit // 2

    def add(self, frame: int, pixels: Pixels, *, check: int) -> None:
        """Keep a picture, (h, w, 4) uint8 B, G, R, unused. OSError where the disk is full.

        ``check``: ``checksum.check_sum`` of the whole picture that it was made from.
        """
        body = pack(pixels)
        if body is None:
            return
        crc = _crc_of(frame, check, body)
        with self._lock:
            written = os.write(self._file, _HEADER.pack(_MAGIC, frame, len(body), crc, check) + body)
            end = os.lseek(self._file, 0, os.SEEK_CUR)
            if written == _HEADER.size + len(body):
                self._places[frame] = _Place(end - len(body), len(body), crc, check)

    def get(self, frame: int, video_width: int, *, check: int | None = None) -> DisplayFrame | None:
        """The small picture, exact in number and content though not in size; None where there is none.

        ``check``: the checksum of the picture, once that is known; a copy of any other picture is forgotten.
        """
        place = self._places.get(frame)
        if place is None:
            return None
        with self._lock:
            if self._file < 0:
                return None
            os.lseek(self._file, place.start, os.SEEK_SET)
            body = os.read(self._file, place.length)
        if _crc_of(frame, place.check, body) != place.crc or check not in {None, place.check}:
            self._places.pop(frame, None)
            return None
        pixels = unpack(body)
        return None if pixels is None else DisplayFrame(frame, pixels, True, pixels.shape[1] / video_width)

    def close(self) -> None:
        """Give back the file."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1
            self._places.clear()


def _crc_of(frame: int, check: int, body: bytes) -> int:
    """Checksum of a record: of its number and its picture's checksum as well, so that neither can be mistaken."""
    return zlib.crc32(body, zlib.crc32(struct.pack("<qI", frame, check)))


def _is_of_another_format(path: Path) -> bool:
    """Whether an earlier version of the program made the file; one that was only just begun is nobody's."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) not in {b"", _MAGIC}
    except OSError:
        return False
