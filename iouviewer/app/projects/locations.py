"""Where project files lie, how they are found again, and where a project's video may be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from iouviewer import folders
from iouviewer.atomic import atomic_write
from iouviewer.document.numbering import Numbering
from iouviewer.document.sources import Source
from iouviewer.project.named_video import named_video
from iouviewer.project.schema import SUFFIX
from iouviewer.video.fingerprint import FormerFingerprint

REGISTRY_LIMIT = 2000


class VideoFacts(Protocol):
    """What must be known of a video to find its project; ``app.video_info.VideoInfo`` has it."""

    @property
    def path(self) -> Path: ...

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def frame_count(self) -> int: ...

    @property
    def fps(self) -> float: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def former(self) -> FormerFingerprint | None:
        """The fingerprint that earlier versions gave a folder of pictures."""
        ...

    @property
    def index_digest(self) -> str: ...

    @property
    def numbers_confirmed(self) -> bool:
        """Whether frame numbers are final."""
        ...

    @property
    def numbering(self) -> Numbering | None:
        """Which pictures the numbers stand for, where the video can tell."""
        ...


def source_of(facts: VideoFacts, *, number: int = 0) -> Source:
    """The source that a document holds for a video."""
    path = facts.path.absolute()
    width, height = facts.size
    return Source(
        number, path.name, str(path), width, height, facts.frame_count, facts.fps, facts.fingerprint, facts.index_digest
    )


def is_same_file(facts: VideoFacts, known: Source) -> bool:
    """Whether an open video is the one that a project knows; False where the project knows too little.

    A folder is also known by what earlier versions named it, by its path alone where that name fits others as well.
    """
    if not known.fingerprint:
        return False
    former = facts.former
    if former is not None and known.fingerprint == former.value:
        return former.certain or _is_at(known.path, facts.path)
    return known.fingerprint == facts.fingerprint


def _is_at(named: str, path: Path) -> bool:
    try:
        return bool(named) and Path(named).samefile(path)
    except OSError:
        return False  # what was named is gone


def difference_of(found: Source, known: Source, *, same_file: bool) -> str:
    """One sentence where a video is not the file that was labelled; empty where it is, or nothing was known."""
    if known.frame_count and found.frame_count != known.frame_count:
        return (
            f"{found.name} is another file than the one that was labelled: "
            f"{found.frame_count:,} against {known.frame_count:,} frames. Check that the boxes fit the pictures."
        )
    if known.fingerprint and not same_file:
        return f"{found.name} is another file than the one that was labelled, with as many frames."
    return ""


def beside(video: Path) -> Path:
    """``clip.mp4.iouv`` in the video's folder."""
    return video.with_name(f"{video.name}{SUFFIX}")


def in_data_folder(video: Path, fingerprint: str, *, kind: str = "projects", number: int = 0) -> Path:
    """A place in the user's data folder; videos of the same name do not meet there."""
    name = re.sub(r"[^\w.() -]", "_", video.name)[:80] or "video"
    tail = f" {number}" if number else ""
    return folders.data_folder() / kind / f"{name}-{fingerprint[:12] or 'unknown'}{tail}{SUFFIX}"


def new_places(video: Path, fingerprint: str) -> Iterable[Path]:
    """Free places for a new project, the best one first."""
    candidates = [beside(video), *(in_data_folder(video, fingerprint, number=number) for number in range(50))]
    return (path for path in candidates if not path.exists())


class Registry:
    """Which project belongs to which video, by fingerprint; a help to find moved files, and only that."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or folders.data_folder() / "projects.json"

    def _read(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            # It can be made again by opening projects; a damaged one is worth no message.
            return {}

    def remember(self, fingerprint: str, project: Path) -> None:
        """Note where a video's project lies. UserError: it could not be written."""
        known = self._read()
        if not fingerprint or known.get(fingerprint) == str(project.absolute()):
            return
        known.pop(fingerprint, None)
        known[fingerprint] = str(project.absolute())
        latest = dict(list(known.items())[-REGISTRY_LIMIT:])
        with atomic_write(self._path) as file:
            file.write(msgspec.json.encode(latest))

    def find(self, fingerprint: str) -> Path | None:
        """The project noted for this fingerprint, if it is still there."""
        found = self._read().get(fingerprint, "") if fingerprint else ""
        return Path(found) if found and Path(found).is_file() else None


def find_project(facts: VideoFacts, registry: Registry) -> Path | None:
    """The project of a video: beside it, else as noted, else at its usual place in the data folder."""
    video = facts.path
    candidates = (beside(video), registry.find(facts.fingerprint), in_data_folder(video, facts.fingerprint))
    found = next((path for path in candidates if path is not None and path.is_file()), None)
    return found or _find_former_project(video, facts.former, registry)


def _find_former_project(video: Path, former: FormerFingerprint | None, registry: Registry) -> Path | None:
    """The project that an earlier version made for a folder of pictures.

    Names and sizes may fit other folders: the project must name this very folder, or, where the pictures counted, one
    that is gone, for then the folder was moved.
    """
    if former is None:
        return None
    for path in (registry.find(former.value), in_data_folder(video, former.value)):
        if path is None or not path.is_file():
            continue
        named = named_video(path)
        if _is_at(named, video) or (former.certain and named and not Path(named).exists()):
            return path
    return None


def find_video(source: Source, relative: str, project: Path, last_folders: Iterable[str]) -> Path | None:
    """A project's video: at its relative path, in the project's folder, where it was, in the last folders; or None."""
    folder = project.absolute().parent
    candidates = [folder / relative] if relative else []
    if source.name:
        candidates.append(folder / source.name)
    if source.path:
        candidates.append(Path(source.path))
    if source.name:
        candidates.extend(Path(last) / source.name for last in last_folders)
    return next((path.resolve() for path in candidates if path.exists()), None)
