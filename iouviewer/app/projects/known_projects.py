"""Finds every project file known for a video: projects, copies, snapshots, and what else lies around."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer import folders
from iouviewer.app.projects.locations import ProjectRegistry, sidecar_path
from iouviewer.app.projects.recovery import CopyState, copies_folder, delete_unused_views, read_copy
from iouviewer.app.projects.snapshots import find_snapshots
from iouviewer.project.contents import read_fingerprint, read_video_path
from iouviewer.project.schema import SUFFIX


class KnownKind(StrEnum):
    """What a file is to a video."""

    PROJECT = "project"
    COPY = "copy"
    SNAPSHOT = "snapshot"
    STRAY = "stray"
    """Left by a repair or by hand: a damaged file that was kept, or a project under another name."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file with boxes of the video.

    Attributes:
        when: time of its last change, seconds since the epoch.
        state: what became of a copy, None for other files.
        original: the project of a copy, None for other files.
    """

    path: Path
    kind: KnownKind
    when: float
    state: CopyState | None = None
    original: Path | None = None


def find_known(video: Path, fingerprint: str, project: Path | None) -> tuple[KnownFile, ...]:
    """All files known for a video: its projects first, then copies, snapshots and strays, each the newest first."""
    projects = dict.fromkeys(_projects(video, fingerprint, project))
    found = [*_dated(projects, KnownKind.PROJECT)]
    found += _copies_of(projects, fingerprint)
    for path in projects:
        snapshots = (KnownFile(one.path, KnownKind.SNAPSHOT, one.when) for one in find_snapshots(path))
        found += sorted(snapshots, key=lambda one: -one.when)
    known = {one.path for one in found}
    found += _dated((path for path in dict.fromkeys(_strays(video, projects)) if path not in known), KnownKind.STRAY)
    return tuple(found)


def _projects(video: Path, fingerprint: str, project: Path | None) -> Iterator[Path]:
    registry = ProjectRegistry()
    of_content = (path for path, seen in registry.with_content(fingerprint) if not seen or not Path(seen).exists())
    beside = sidecar_path(video)
    for path in (project, beside, *registry.at(video), *of_content):
        if path is not None and path.is_file() and path.parent != copies_folder():
            yield path.absolute()


def _copies_of(projects: Iterable[Path], fingerprint: str) -> list[KnownFile]:
    """Copies of these projects, also those that name a place from which the first one was moved."""
    originals = list(projects)
    found = []
    for path in copies_folder().glob(f"*{SUFFIX}"):
        value = read_copy(path)
        original, state, when = Path(str(value.get("of", ""))), value.get("state"), _time_of(path)
        if state not in set(CopyState) or state == CopyState.VIEW or when is None:
            continue
        if original not in originals and originals and not original.exists():
            is_moved = bool(fingerprint) and read_fingerprint(path) == fingerprint
            original = originals[0] if is_moved else original
        if original in originals:
            found.append(KnownFile(path, KnownKind.COPY, when, CopyState(state), original))
    return sorted(found, key=lambda one: -one.when)


def _strays(video: Path, projects: Iterable[Path]) -> Iterator[Path]:
    for project in projects:
        for path in _listed(project.parent, f"{_escape(project.name)}.*"):
            if not path.name.endswith((".lock", "-wal", "-shm", "-journal", ".part")):
                yield path
    for folder in (video.parent, folders.data_folder() / "projects"):
        for path in _listed(folder, f"*{SUFFIX}"):
            if path.name.startswith(video.stem) and read_video_path(path) == str(video.absolute()):
                yield path


def _escape(name: str) -> str:
    """A name for ``glob``."""
    return "".join(f"[{one}]" if one in "[*?" else one for one in name)


def _listed(folder: Path, pattern: str) -> list[Path]:
    with contextlib.suppress(OSError):
        return [path.absolute() for path in folder.glob(pattern) if path.is_file()]
    return []


def _dated(paths: Iterable[Path], kind: KnownKind) -> list[KnownFile]:
    found = [KnownFile(path, kind, when) for path in paths if (when := _time_of(path)) is not None]
    return sorted(found, key=lambda one: -one.when)


def _time_of(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


class KnownProjects(QObject):
    """Looks for the files in a thread; the latest request wins.

    Signals:
        changed(): ``files`` is the answer to the last request.

    Attributes:
        files: what was found.
    """

    changed = Signal()
    _found = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.files: tuple[KnownFile, ...] = ()
        self._number = 0
        self._threads: list[threading.Thread] = []
        self._found.connect(self._on_found)

    def look(self, video: Path, fingerprint: str, project: Path | None) -> None:
        """Look for the files known for a video; ``changed`` follows."""
        self._number += 1
        self._threads = [other for other in self._threads if other.is_alive()]
        thread = threading.Thread(target=self._run, args=(self._number, video, fingerprint, project), name="known")
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait until all threads have ended."""
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _run(self, number: int, video: Path, fingerprint: str, project: Path | None) -> None:
        delete_unused_views()
        self._found.emit(number, find_known(video, fingerprint, project))

    def _on_found(self, number: int, files: tuple[KnownFile, ...]) -> None:
        if number == self._number:
            self.files = files
            self.changed.emit()
