"""Proxies: small JPEG copies of the frames the user visits, which scrubbing in a long GOP shows at once.

Each video has one append-only file in the cache folder. Every record contains its frame number and a checksum, so a
truncated or damaged record is never shown. It also contains the checksum of the whole frame: the name of the file
detects most changes of a video, but only the frames themselves detect all. The folder can be deleted at any time.
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
from iouviewer.video.conversion import DisplayFrame, Pixels, decode_jpeg, encode_jpeg
from iouviewer.video.fingerprint import FileStamp

_HEADER = struct.Struct("<4sqIII")
_MAGIC = b"IVP3"
DEFAULT_LIMIT = 2 << 30
"""Bytes that all proxies together may take."""


def proxy_folder() -> Path:
    """Folder of the proxies."""
    return folders.cache_folder() / "proxies"


def clear_proxies() -> int:
    """Delete all proxies and return the bytes freed. On some systems, one that another window has open remains."""
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
    """Bytes of all proxies."""
    return sum(path.stat().st_size for path in proxy_folder().glob("*.pictures"))


@dataclass(frozen=True, slots=True)
class _Record:
    """A copy in the file.

    Attributes:
        start: position of the JPEG.
        length: bytes of the JPEG.
        crc: checksum of the record.
        checksum: of the frame it was made from.
    """

    start: int
    length: int
    crc: int
    checksum: int


class Proxy:
    """The reduced copies of one video's frames. One thread writes, any thread reads.

    Args:
        digest: of the index, so that copies with other frame numbers are not used.
        stamp: of the file before it was opened, as a file edited in its middle keeps its fingerprint, and often its
            numbers.
    """

    def __init__(self, fingerprint: str, digest: str, *, stamp: FileStamp | None, limit: int = DEFAULT_LIMIT) -> None:
        modified = f"{stamp.modified:x}" if stamp is not None else "unknown"
        self.path = proxy_folder() / f"{fingerprint}-{digest[:12]}-{modified}.pictures"
        self.digest = digest
        self.limit = limit
        self._lock = threading.Lock()
        self._records: dict[int, _Record] = {}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._evict_others()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = os.open(self.path, flags, 0o644)
        self._load()

    def _evict_others(self) -> None:
        others = [path for path in self.path.parent.glob("*.pictures") if path != self.path]
        for path in [path for path in others if _has_old_format(path)]:
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
                continue  # open in another window
            used -= size

    def _load(self) -> None:
        size = os.fstat(self._file).st_size
        at = 0
        while at + _HEADER.size <= size:
            os.lseek(self._file, at, os.SEEK_SET)
            magic, frame, length, crc, checksum = _HEADER.unpack(os.read(self._file, _HEADER.size))
            if magic != _MAGIC or at + _HEADER.size + length > size:
                break
            self._records[frame] = _Record(at + _HEADER.size, length, crc, checksum)
            at += _HEADER.size + length
        if at < size:
            os.ftruncate(self._file, at)

    def __contains__(self, frame: int) -> bool:
        return frame in self._records

    def __len__(self) -> int:
        return len(self._records)

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached."""
        return os.fstat(self._file).st_size >= self.limit // 2

    def add(self, frame: int, pixels: Pixels, *, checksum: int) -> None:
        """Add a copy, (h, w, 4) uint8 B, G, R, unused. OSError if the disk is full.

        ``checksum``: ``checksum.frame_checksum`` of the whole frame it was made from.
        """
        jpeg = encode_jpeg(pixels)
        if jpeg is None:
            return
        crc = _record_crc(frame, checksum, jpeg)
        with self._lock:
            written = os.write(self._file, _HEADER.pack(_MAGIC, frame, len(jpeg), crc, checksum) + jpeg)
            end = os.lseek(self._file, 0, os.SEEK_CUR)
            if written == _HEADER.size + len(jpeg):
                self._records[frame] = _Record(end - len(jpeg), len(jpeg), crc, checksum)

    def get(self, frame: int, video_width: int, *, checksum: int | None = None) -> DisplayFrame | None:
        """The reduced copy, exact in number and content but not in size; None if there is none.

        ``checksum``: of the frame, once it is known; a copy of any other frame is dropped.
        """
        record = self._records.get(frame)
        if record is None:
            return None
        with self._lock:
            if self._file < 0:
                return None
            os.lseek(self._file, record.start, os.SEEK_SET)
            jpeg = os.read(self._file, record.length)
        if _record_crc(frame, record.checksum, jpeg) != record.crc or checksum not in {None, record.checksum}:
            self._records.pop(frame, None)
            return None
        pixels = decode_jpeg(jpeg)
        return None if pixels is None else DisplayFrame(frame, pixels, True, pixels.shape[1] / video_width)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1
            self._records.clear()


def _record_crc(frame: int, checksum: int, jpeg: bytes) -> int:
    """Checksum of a record, including its frame number and the frame's checksum."""
    return zlib.crc32(jpeg, zlib.crc32(struct.pack("<qI", frame, checksum)))


def _has_old_format(path: Path) -> bool:
    """Whether an earlier version of the program wrote the file; a file just created is still empty."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) not in {b"", _MAGIC}
    except OSError:
        return False
