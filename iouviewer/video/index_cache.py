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
from iouviewer.video.facts import FormChange, StreamFacts
from iouviewer.video.fingerprint import FileStamp, stamp_of
from iouviewer.video.index import Damage, Packets, VideoIndex

_VERSION = 7
_COLUMNS = ("pts", "dts", "pos", "size", "key", "discard", "corrupt")
_PICTURES = ("pictures", "repeats", "picture_pts", "checks")

LARGEST_FOLDER = 1 << 30
"""Bytes that all indexes together may take."""

MOST_ENTRIES = 2000
"""Indexes that are kept; those that were not used for longest go first."""

_ABANDONED = 3600
"""Seconds after which a half-written file is what a crash left behind, and not another window's."""


def cached_path(fingerprint: str) -> Path:
    """Where the index of a video is kept."""
    return folders.cache_folder() / "indexes" / f"{fingerprint}.npz"


def load_index(fingerprint: str, video: Path) -> VideoIndex | None:
    """The kept index, None where there is none, the video has changed since, or the entry is unreadable.

    An unreadable entry is not an error: it is made again.
    """
    path = cached_path(fingerprint)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            about = json.loads(str(data["about"]))
            if about["version"] != _VERSION or about["modified"] != video.stat().st_mtime_ns:
                return None
            packets = Packets(**{name: data[name] for name in _COLUMNS})
            index = VideoIndex(
                packets=packets,
                time_base=Fraction(about["time_base"]),
                confirmed=about["confirmed"],
                rotation=about["rotation"],
                doubts=tuple(about["doubts"]),
                damage=tuple(Damage(frame, reason) for frame, reason in about["damage"]),
                form_changes=tuple(FormChange(frame, (w, h), name) for frame, (w, h), name in about["form_changes"]),
                facts=StreamFacts.from_plain(about["facts"]) if about["facts"] else None,
                **{name: data[name] for name in _PICTURES},
            )
    except Exception:  # noqa: BLE001 - one flipped bit can make zipfile and NumPy raise nearly anything
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used just now, so it goes last
    return index


def save_index(index: VideoIndex, fingerprint: str, video: Path, stamp: FileStamp | None) -> None:
    """Keep a complete index; a folder that cannot be written only costs time at the next opening.

    ``stamp`` is the video's from before it was opened to be read. Nothing is kept where it is not known, or where the
    file has been written to since: the index is then that of no file.
    """
    if not index.complete or not fingerprint or stamp is None or not _is_still(video, stamp):
        return
    about = {
        "version": _VERSION,
        "modified": stamp.modified,
        "time_base": str(index.time_base),
        "confirmed": index.confirmed,
        "rotation": index.rotation,
        "doubts": index.doubts,
        "damage": [(damage.frame, damage.reason) for damage in index.damage],
        "form_changes": [(change.frame, change.size, change.pixel_format) for change in index.form_changes],
        "facts": index.facts.plain() if index.facts is not None else None,
    }
    columns = {name: getattr(index.packets, name) for name in _COLUMNS}
    columns |= {name: getattr(index, name) for name in _PICTURES}
    # In memory first: a disk that fills up would leave zipfile with an archive that it can neither end nor drop.
    body = io.BytesIO()
    np.savez(body, about=np.array(json.dumps(about)), **columns)
    path = cached_path(fingerprint)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, body)
        _make_room(path)


def forget_index(fingerprint: str) -> None:
    """Drop the kept index of a video, so that it is read anew; not an error where there is none."""
    with contextlib.suppress(OSError):
        cached_path(fingerprint).unlink()


def _is_still(video: Path, stamp: FileStamp) -> bool:
    try:
        return stamp_of(video) == stamp
    except OSError:
        return False


def _write(path: Path, body: io.BytesIO) -> None:
    """Put a file in place in one step; where that fails nothing is left of it. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body.getbuffer())
        temporary.replace(path)
    finally:
        # After the replace there is nothing left to remove.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _make_room(kept: Path) -> None:
    """Delete indexes that were not used for longest, and what crashes left, until the folder is within its limits."""
    entries: list[tuple[float, int, Path]] = []
    for path in kept.parent.iterdir():
        try:
            found = path.stat()
        except OSError:
            continue  # another window was quicker
        if path.suffix == ".part" and time.time() - found.st_mtime > _ABANDONED:
            with contextlib.suppress(OSError):
                path.unlink()
        elif path.suffix == ".npz":
            entries.append((found.st_mtime, found.st_size, path))
    used, count = sum(size for _, size, _ in entries), len(entries)
    for _, size, path in sorted(entries):
        if used <= LARGEST_FOLDER and count <= MOST_ENTRIES:
            return
        if path == kept:
            continue
        with contextlib.suppress(OSError):
            path.unlink()
            used, count = used - size, count - 1
