"""Indexes of videos in the cache folder, by fingerprint."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from iouviewer import folders
from iouviewer.video.facts import FormChange, StreamFacts
from iouviewer.video.index import Damage, Packets, VideoIndex

_VERSION = 5
_COLUMNS = ("pts", "dts", "pos", "size", "key", "discard", "corrupt")
_PICTURES = ("pictures", "repeats", "picture_pts", "checks")


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
            return VideoIndex(
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
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def save_index(index: VideoIndex, fingerprint: str, video: Path) -> None:
    """Keep a complete index; a folder that cannot be written only costs time at the next opening."""
    if not index.complete or not fingerprint:
        return
    about = {
        "version": _VERSION,
        "modified": video.stat().st_mtime_ns,
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
    path = cached_path(fingerprint)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, about=np.array(json.dumps(about)), **columns)
        Path(temporary).replace(path)
    except OSError:
        return
