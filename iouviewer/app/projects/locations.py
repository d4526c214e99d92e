"""Paths of project files: where they are created, how they are found again, and where a project's video may be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from iouviewer import folders
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.atomic import atomic_write
from iouviewer.document.sources import Source
from iouviewer.i18n import tr
from iouviewer.project.contents import read_video_path
from iouviewer.project.schema import SUFFIX
from iouviewer.video.fingerprint import LegacyFingerprint

REGISTRY_LIMIT = 2000


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


def describe_difference(opened: Source, stored: Source, *, same_file: bool) -> str:
    """A warning if the open video is not the file that was labelled; empty if it is or if the project does not say."""
    if stored.frame_count and opened.frame_count != stored.frame_count:
        return tr(
            "{name} is not the file that was labelled: it has {frames:,} frames instead of {expected:,}. "
            "Check that the boxes fit the frames.",
            name=opened.name,
            frames=opened.frame_count,
            expected=stored.frame_count,
        )
    if stored.fingerprint and not same_file:
        return tr(
            "{name} is not the file that was labelled, although it has as many frames. "
            "Check that the boxes fit the frames.",
            name=opened.name,
        )
    return ""


def sidecar_path(video: Path) -> Path:
    """``clip.mp4.iouv`` in the video's folder."""
    return video.with_name(f"{video.name}{SUFFIX}")


def data_folder_path(video: Path, fingerprint: str, *, kind: str = "projects", number: int = 0) -> Path:
    """A path in the user's data folder, distinct for videos with the same name."""
    name = re.sub(r"[^\w.() -]", "_", video.name)[:80] or "video"
    tail = f" {number}" if number else ""
    return folders.data_folder() / kind / f"{name}-{fingerprint[:12] or 'unknown'}{tail}{SUFFIX}"


def candidate_paths(video: Path, fingerprint: str) -> Iterable[Path]:
    """Unused paths for a new project, the best one first."""
    candidates = [sidecar_path(video), *(data_folder_path(video, fingerprint, number=number) for number in range(50))]
    return (path for path in candidates if not path.exists())


class ProjectRegistry:
    """Project paths by video fingerprint. Only used to find moved files; it may be deleted."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or folders.data_folder() / "projects.json"

    def _read(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            # Not reported: opening projects rebuilds the registry.
            return {}

    def remember(self, fingerprint: str, project: Path) -> None:
        """Store the project path of a video. UserError: it could not be written."""
        paths = self._read()
        if not fingerprint or paths.get(fingerprint) == str(project.absolute()):
            return
        paths.pop(fingerprint, None)
        paths[fingerprint] = str(project.absolute())
        latest = dict(list(paths.items())[-REGISTRY_LIMIT:])
        with atomic_write(self._path) as file:
            file.write(msgspec.json.encode(latest))

    def find(self, fingerprint: str) -> Path | None:
        """The project stored for this fingerprint, if the file still exists."""
        path = self._read().get(fingerprint, "") if fingerprint else ""
        return Path(path) if path and Path(path).is_file() else None


def find_project(info: VideoInfo, registry: ProjectRegistry) -> Path | None:
    """The project of a video: beside it, else from the registry, else at its default path in the data folder."""
    video = info.path
    candidates = (
        sidecar_path(video),
        registry.find(info.fingerprint),
        data_folder_path(video, info.fingerprint),
    )
    existing = next((path for path in candidates if path is not None and path.is_file()), None)
    return existing or _find_legacy_project(video, info.legacy_fingerprint, registry)


def _find_legacy_project(video: Path, legacy: LegacyFingerprint | None, registry: ProjectRegistry) -> Path | None:
    """The project that an earlier version created for an image folder.

    File names and sizes may match other folders. The project must therefore name this very folder, or, if the
    fingerprint covers the images themselves, a folder that no longer exists, because it was moved.
    """
    if legacy is None:
        return None
    for path in (registry.find(legacy.value), data_folder_path(video, legacy.value)):
        if path is None or not path.is_file():
            continue
        named = read_video_path(path)
        if _is_same_path(named, video) or (legacy.certain and named and not Path(named).exists()):
            return path
    return None


def find_video(source: Source, relative: str, project: Path, last_folders: Iterable[str]) -> Path | None:
    """A project's video, or None. Searched: its relative path, the project's folder, its old path, recent folders."""
    folder = project.absolute().parent
    candidates = [folder / relative] if relative else []
    if source.name:
        candidates.append(folder / source.name)
    if source.path:
        candidates.append(Path(source.path))
    if source.name:
        candidates.extend(Path(last) / source.name for last in last_folders)
    return next((path.resolve() for path in candidates if path.exists()), None)
