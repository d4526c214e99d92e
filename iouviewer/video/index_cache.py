"""Indexes of videos in the cache folder, by fingerprint."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from iouviewer import folders
from iouviewer.video.fingerprint import FileStamp, file_stamp
from iouviewer.video.index import Damage, Packets, VideoIndex
from iouviewer.video.stream_info import FormatChange, StreamInfo

_VERSION = 8
_PACKET_COLUMNS = ("pts", "dts", "pos", "size", "key", "discard", "corrupt")
_FRAME_COLUMNS = {
    "pictures": "frame_packets",
    "repeats": "repeats",
    "picture_pts": "frame_pts",
    "checks": "checksums",
}
"""Name in the file -> attribute of ``VideoIndex``."""

MAX_BYTES = 1 << 30
"""Bytes that all indexes together may take."""

MAX_ENTRIES = 2000
"""Indexes that are kept; the least recently used ones are deleted first."""

_ABANDONED_AFTER = 3600
"""Age in seconds from which a partly written file is left over from a crash, not in use by another window."""


def index_path(fingerprint: str) -> Path:
    """Where the index of a video is stored."""
    return folders.cache_folder() / "indexes" / f"{fingerprint}.npz"


def load_index(fingerprint: str, video: Path) -> VideoIndex | None:
    """The cached index, None if there is none, the video has changed since, or the entry is unreadable.

    An unreadable entry is not an error: the index is built again.
    """
    path = index_path(fingerprint)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            about = json.loads(str(data["about"]))
            if about["version"] != _VERSION or about["modified"] != video.stat().st_mtime_ns:
                return None
            packets = Packets(**{name: data[name] for name in _PACKET_COLUMNS})
            index = VideoIndex(
                packets=packets,
                time_base=Fraction(about["time_base"]),
                numbers_final=about["confirmed"],
                rotation=about["rotation"],
                uncertainties=tuple(about["doubts"]),
                damage=tuple(Damage(frame, reason) for frame, reason in about["damage"]),
                format_changes=tuple(
                    FormatChange(frame, (width, height), pixel_format)
                    for frame, (width, height), pixel_format in about["form_changes"]
                ),
                stream_info=StreamInfo.from_dict(about["facts"]) if about["facts"] else None,
                **{attribute: data[name] for name, attribute in _FRAME_COLUMNS.items()},
            )
    except Exception:  # noqa: BLE001 - one flipped bit can make zipfile and NumPy raise almost anything
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # most recently used
    return index


def save_index(index: VideoIndex, fingerprint: str, video: Path, stamp: FileStamp | None) -> None:
    """Store a complete index; if the folder cannot be written, the next opening only takes longer.

    Nothing is stored if the stamp is unknown, or if the file has been written to since: the index then belongs to no
    version of the file.

    Args:
        stamp: the video's stamp from before it was opened for reading.
    """
    if not index.complete or not fingerprint or stamp is None or not _is_unchanged(video, stamp):
        return
    about = {
        "version": _VERSION,
        "modified": stamp.modified,
        "time_base": str(index.time_base),
        "confirmed": index.numbers_final,
        "rotation": index.rotation,
        "doubts": index.uncertainties,
        "damage": [(damage.frame, damage.reason) for damage in index.damage],
        "form_changes": [(change.frame, change.size, change.pixel_format) for change in index.format_changes],
        "facts": index.stream_info.to_dict() if index.stream_info is not None else None,
    }
    columns = {name: getattr(index.packets, name) for name in _PACKET_COLUMNS}
    columns |= {name: getattr(index, attribute) for name, attribute in _FRAME_COLUMNS.items()}
    # In memory first: on a full disk, zipfile would be left with an archive that it can neither finish nor discard.
    body = io.BytesIO()
    np.savez(body, about=np.array(json.dumps(about)), **columns)
    path = index_path(fingerprint)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, body)
        _evict(path)


def delete_index(fingerprint: str) -> None:
    """Delete the cached index of a video to have it built again; no error if there is none."""
    with contextlib.suppress(OSError):
        index_path(fingerprint).unlink()


def _is_unchanged(video: Path, stamp: FileStamp) -> bool:
    try:
        return file_stamp(video) == stamp
    except OSError:
        return False


def _write(path: Path, body: io.BytesIO) -> None:
    """Write a file atomically; after a failure no partial file remains. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body.getbuffer())
        temporary.replace(path)
    finally:
        # After the replacement there is nothing left to remove.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _evict(current: Path) -> None:
    """Delete partial files left by crashes, and the least recently used indexes beyond the folder's limits."""
    entries: list[tuple[float, int, Path]] = []
    for path in current.parent.iterdir():
        try:
            found = path.stat()
        except OSError:
            continue  # deleted by another window
        if path.suffix == ".part" and time.time() - found.st_mtime > _ABANDONED_AFTER:
            with contextlib.suppress(OSError):
                path.unlink()
        elif path.suffix == ".npz":
            entries.append((found.st_mtime, found.st_size, path))
    used, count = sum(size for _, size, _ in entries), len(entries)
    for _, size, path in sorted(entries):
        if used <= MAX_BYTES and count <= MAX_ENTRIES:
            return
        if path == current:
            continue
        with contextlib.suppress(OSError):
            path.unlink()
            used, count = used - size, count - 1
