"""Lists the states to which a project can be restored, and reads one, without changing any of their files."""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.app.projects.snapshots import find_snapshots
from iouviewer.document.document import Document
from iouviewer.document.restoring import DocumentState, Restoration, compare
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.backups import count_boxes, find_backups
from iouviewer.project.schema import SUFFIX
from iouviewer.project.store import ProjectFile

_ORIGINAL = re.compile(rf"(?P<project>.+{re.escape(SUFFIX)})\.(snapshots|backups)")


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """A snapshot, or an automatic backup, whose ``name`` is empty.

    Attributes:
        when: seconds since the epoch.
        boxes: number of boxes, None if the file cannot be read.
    """

    path: Path
    name: str
    when: float
    boxes: int | None


def project_of_copy(path: Path) -> Path:
    """The project of a snapshot or backup; a project itself."""
    match = _ORIGINAL.fullmatch(path.parent.name)
    return path.parent.with_name(match["project"]) if match else path


def find_restore_points(project: Path) -> tuple[RestorePoint, ...]:
    """Snapshots and automatic backups of a project, the newest first."""
    found = [RestorePoint(one.path, one.name, one.when, count_boxes(one.path)) for one in find_snapshots(project)]
    found += [RestorePoint(one.path, "", one.when, count_boxes(one.path)) for one in find_backups(project)]
    return tuple(sorted(found, key=lambda one: -one.when))


def read_copy(path: Path) -> Document:
    """Read a snapshot or backup of any version through a temporary copy.

    Raises:
        UserError: it is damaged, or cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="iouviewer-restore-") as folder:
        copy = Path(folder) / path.name
        try:
            shutil.copyfile(path, copy)
        except OSError as error:
            raise UserError(tr("it cannot be read: {reason}", reason=error.strerror), path=path) from error
        project = ProjectFile.open(copy)
        try:
            document = project.load().document
        finally:
            project.close()
    if not document.sources:
        raise UserError(tr("it has no video"), path=path)
    return document


class RestoreReader(QObject):
    """Lists and compares in threads; the latest request wins.

    Signals, in the thread of this object:
        listed(tuple[RestorePoint, ...]): the answer to ``list_points``.
        compared(Path, Restoration): the answer to ``compare``.
        failed(Path, UserError): it cannot be read.
    """

    listed = Signal(object)
    compared = Signal(object, object)
    failed = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads: list[threading.Thread] = []

    def list_points(self, project: Path) -> None:
        """Look for the snapshots and backups of a project."""
        self._start(lambda: self.listed.emit(find_restore_points(project)))

    def compare(self, path: Path, now: DocumentState) -> None:
        """Compare the present state with that of a snapshot or backup."""
        self._start(lambda: self._compare(path, now))

    def wait(self) -> None:
        """Wait for the threads."""
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _start(self, work: Callable[[], None]) -> None:
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(threading.Thread(target=work, name="restore"))
        self._threads[-1].start()

    def _compare(self, path: Path, now: DocumentState) -> None:
        result: Restoration | UserError
        try:
            result = compare(now, read_copy(path))
        except UserError as error:
            self.failed.emit(path, error)
            return
        self.compared.emit(path, result)
