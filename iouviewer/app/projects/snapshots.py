"""Named copies of the project, created in threads of their own."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.errors import UserError
from iouviewer.project.schema import SUFFIX
from iouviewer.project.store import ProjectFile, snapshot_folder


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A snapshot of a project; ``when`` is in seconds since the epoch."""

    name: str
    path: Path
    when: float


def find_snapshots(project: Path) -> tuple[SnapshotFile, ...]:
    """The snapshots of a project by their time; none where the folder cannot be read."""
    found = []
    try:
        for path in snapshot_folder(project).glob(f"*{SUFFIX}"):
            found.append(SnapshotFile(path.stem, path, path.stat().st_mtime))
    except OSError:
        return ()
    return tuple(sorted(found, key=lambda one: one.when))


class Snapshots(QObject):
    """Creates copies of a project; several may run in parallel.

    Signals, emitted in the thread of this object:
        created(str): path of the copy.
        failed(UserError): no copy was created.
        listed(tuple[SnapshotFile, ...]): the answer to ``list_files``.
    """

    created = Signal(str)
    failed = Signal(object)
    listed = Signal(object)
    _finished = Signal(object)
    _found = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads: list[threading.Thread] = []
        self._finished.connect(self._on_copy_finished)
        self._found.connect(self.listed)

    def create(self, project: ProjectFile, name: str) -> None:
        """Start a copy under this name; ``created`` or ``failed`` follows."""
        self._start(threading.Thread(target=self._copy, args=(project, name), name="snapshot"))

    def list_files(self, project: Path) -> None:
        """Look for the snapshots of a project, which may lie on a slow disk; ``listed`` follows."""
        self._start(threading.Thread(target=lambda: self._found.emit(find_snapshots(project)), name="snapshots"))

    def _start(self, thread: threading.Thread) -> None:
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()

    def wait(self) -> None:
        """Wait for all copies that were started."""
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _copy(self, project: ProjectFile, name: str) -> None:
        try:
            self._finished.emit(str(project.snapshot(name)))
        except UserError as error:
            self._finished.emit(error)

    def _on_copy_finished(self, result: str | UserError) -> None:
        if isinstance(result, UserError):
            self.failed.emit(result)
        else:
            self.created.emit(result)
