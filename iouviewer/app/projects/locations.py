"""Paths of project files: where they are created, how they are found again, and where a project's video may be."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iouviewer import folders
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.atomic import atomic_write
from iouviewer.document.sources import Source
from iouviewer.path_texts import path_text, text_path
from iouviewer.project.contents import read_video_path
from iouviewer.project.schema import SUFFIX

REGISTRY_LIMIT = 2000

_LONGEST_NAME = 190
"""Bytes of the name of a project, so that 60 are left for endings such as ``.damaged-20260102-030405-journal``."""
_LONGEST_FILE_NAME = 240
"""Bytes of a name that earlier versions gave, with room for SQLite's logs."""


def source_from(info: VideoInfo, *, number: int = 0) -> Source:
    """The source that a document stores for a video."""
    path = info.path.absolute()
    width, height = info.size
    return Source(
        number,
        path.name,
        str(path),
        width,
        height,
        info.frame_count,
        info.fps,
        info.fingerprint,
        info.index_digest,
        info.images,
    )


def is_same_file(info: VideoInfo, stored: Source) -> bool:
    """Whether an open video is the stored one; False if the project does not identify its video.

    An image folder is also recognised by the fingerprint of earlier versions; if that could match other folders, its
    path must match as well.
    """
    if not stored.fingerprint:
        return False
    legacy = info.legacy_fingerprint
    if legacy is not None and stored.fingerprint == legacy.value:
        return legacy.certain or _is_same_path(stored.path, info.path)
    return stored.fingerprint == info.fingerprint


def _is_same_path(stored: str, path: Path) -> bool:
    try:
        return bool(stored) and Path(stored).samefile(path)
    except OSError:
        return False  # the stored path no longer exists


def sidecar_path(video: Path) -> Path:
    """``clip.mp4.iouv`` in the video's folder; a shorter name where those of logs and copies would be too long."""
    name = f"{video.name}{SUFFIX}"
    size = len(os.fsencode(name))
    if size <= _LONGEST_NAME or (size <= _LONGEST_FILE_NAME and video.with_name(name).exists()):
        return video.with_name(name)
    digest = hashlib.sha256(os.fsencode(video.name)).hexdigest()[:8]
    beginning = os.fsencode(video.name)[: _LONGEST_NAME - len(SUFFIX) - len(digest) - 1].decode("utf-8", "ignore")
    return video.with_name(f"{beginning}-{digest}{SUFFIX}")


def data_folder_path(video: Path, fingerprint: str, *, kind: str = "projects", number: int = 0) -> Path:
    """A path in the user's data folder, distinct for videos with the same name."""
    name = re.sub(r"[^\w.() -]", "_", video.name)[:80] or "video"
    tail = f" {number}" if number else ""
    return folders.data_folder() / kind / f"{name}-{fingerprint[:12] or 'unknown'}{tail}{SUFFIX}"


def candidate_paths(video: Path, fingerprint: str) -> Iterable[Path]:
    """Unused paths for a new project, the best one first."""
    candidates = [sidecar_path(video), *(data_folder_path(video, fingerprint, number=number) for number in range(50))]
    # A link to a file that is away, for example on a disk that is not mounted, is not replaced either.
    return (path for path in candidates if not os.path.lexists(path))


class _Entry(msgspec.Struct, frozen=True):
    """A project and its video as last seen; ``chosen``: the person saved or opened it although another lay nearer."""

    project: str
    video: str
    fingerprint: str
    chosen: bool = False


def _converted(entry: _Entry, convert: Callable[[str], str]) -> _Entry:
    return msgspec.structs.replace(entry, project=convert(entry.project), video=convert(entry.video))


class ProjectRegistry:
    """Where projects are that do not lie beside their video. It may be deleted: opening projects rebuilds it."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or folders.data_folder() / "known_projects.json"

    def _read(self) -> list[_Entry]:
        try:
            stored = msgspec.json.decode(self._path.read_bytes(), type=list[_Entry])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return self._read_earlier_version()
        return [_converted(one, text_path) for one in stored]

    def _read_earlier_version(self) -> list[_Entry]:
        """Project paths by fingerprint, without videos."""
        try:
            paths = msgspec.json.decode(self._path.with_name("projects.json").read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return []
        return [_Entry(path, "", fingerprint) for fingerprint, path in paths.items()]

    def remember(self, video: Path | str, fingerprint: str, project: Path, *, chosen: bool = False) -> None:
        """Store the project of a video.

        Args:
            chosen: prefer it to a project beside the video, until another one is chosen.

        Raises:
            UserError: it could not be written.
        """
        entries = self._read()
        place, path = str(Path(video).absolute()) if video else "", str(project.absolute())
        before = next((one for one in entries if one.project == path and one.video == place), None)
        new = _Entry(path, place, fingerprint, chosen or (before is not None and before.chosen))
        if before == new and not chosen:
            return
        others = [one for one in entries if one is not before]
        if chosen:
            others = [msgspec.structs.replace(one, chosen=False) if one.video == place else one for one in others]
        with atomic_write(self._path) as file:
            kept = [_converted(one, path_text) for one in [*others, new][-REGISTRY_LIMIT:]]
            file.write(msgspec.json.encode(kept))

    def at(self, video: Path, *, chosen: bool = False) -> tuple[Path, ...]:
        """The existing projects of the video at this place, the last one first; only chosen ones on request."""
        place = str(video.absolute())
        found = [Path(one.project) for one in reversed(self._read()) if one.video == place and chosen <= one.chosen]
        return tuple(path for path in found if path.is_file())

    def with_content(self, fingerprint: str) -> tuple[tuple[Path, str], ...]:
        """The existing projects of videos with this content, the last one first, each with its video as last seen."""
        entries = [one for one in reversed(self._read()) if fingerprint and one.fingerprint == fingerprint]
        return tuple((Path(one.project), one.video) for one in entries if Path(one.project).is_file())


@dataclass(frozen=True, slots=True)
class FoundProject:
    """The project of a video.

    Attributes:
        lost_video: the video with the same content for which it was made and which is gone; empty where the project
            belongs to the video at its place. Only the person can say whether the video was moved.
    """

    path: Path
    lost_video: str = ""


def find_project(info: VideoInfo, registry: ProjectRegistry, *, requested: Path | None = None) -> FoundProject | None:
    """The project of a video: the requested one if it exists, else by its place before its content.

    A file with the same content at another place is another video: its project is found only if that file is gone.
    """
    if requested is not None:
        return FoundProject(requested) if requested.is_file() else None
    video = info.path
    near = project_at(video, registry)
    if near is not None:
        return FoundProject(near)
    for path, last_seen, is_certain in _with_same_content(info, registry):
        named = (read_video_path(path) or last_seen) if path.is_file() else ""
        if named and _is_same_path(named, video):
            return FoundProject(path)
        if named and is_certain and not Path(named).exists() and not _lies_beside_a_video(path):
            return FoundProject(path, named)
    return None


def project_at(video: Path, registry: ProjectRegistry, known: Path | None = None) -> Path | None:
    """The project of the video at this place, None if there is none there.

    Args:
        known: the project that was found last, taken where it still is unless the person chose another one since.
    """
    chosen = registry.at(video, chosen=True)
    for path in (*chosen, *([known] if known is not None else []), sidecar_path(video), *registry.at(video)):
        if path.is_file():
            return path
    return None


def _with_same_content(info: VideoInfo, registry: ProjectRegistry) -> Iterator[tuple[Path, str, bool]]:
    """Projects of videos with this content, each with its video as last seen, and whether the content is certain.

    Names and sizes of images, which earlier versions used, may match other folders.
    """
    known = [(info.fingerprint, True)]
    if info.legacy_fingerprint is not None:
        known.append((info.legacy_fingerprint.value, info.legacy_fingerprint.certain))
    for fingerprint, is_certain in known:
        yield from ((path, video, is_certain) for path, video in registry.with_content(fingerprint))
        yield data_folder_path(info.path, fingerprint), "", is_certain


def _lies_beside_a_video(project: Path) -> bool:
    """Whether the folder was moved with project and video, so that the project names an old place."""
    return project.with_name(project.name.removesuffix(SUFFIX)).exists()


def find_video(source: Source, relative: str, project: Path, last_folders: Iterable[str]) -> Path | None:
    """A project's video, or None.

    Searched: its relative path, its old name in the project's folder, the name of the project without its suffix (both
    were renamed), its old path, recent folders.
    """
    folder = project.absolute().parent
    candidates = [folder / relative] if relative else []
    if source.name:
        candidates.append(folder / source.name)
    if project.suffix == SUFFIX:
        candidates.append(folder / project.stem)
    if source.path:
        candidates.append(Path(source.path))
    if source.name:
        candidates.extend(Path(last) / source.name for last in last_folders)
    return next((path.resolve() for path in candidates if path.exists()), None)
